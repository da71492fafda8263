"""Hero frames and attempts over HTTP: stills, rounds of scored attempts, a person's choice, refinement, the film.

`{id}` is a job of the queue, whose request becomes the first scene, or what `POST /api/scenes` returned as
`generation_id`. Whatever is made goes on after the answer (202); its state can be asked for or listened to.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from fastapi import APIRouter, File, Header, Path, Query, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse

from .. import resolve
from ..attempts.refining import key_of
from ..errors import QueueError, StoreError
from ..jobs.attempt_desk import AttemptDesk, AttemptWork
from ..request import VideoRequest
from ..store.attempt_records import AttemptRecord, HeroFrameRecord, IterationRecord, SceneRecord
from . import work_events
from .attempt_schemas import (
    ID,
    AskModelIn,
    AttemptOut,
    AttemptWorkOut,
    DecisionIn,
    FiguresOut,
    FilmIn,
    HeroesIn,
    HeroOut,
    PointOut,
    ProcessIn,
    QualityOut,
    RedrawIn,
    RefineIn,
    RegenerateIn,
    RoundIn,
    RoundOut,
    SceneNewIn,
    SceneOut,
    SceneTrendOut,
    SoundtrackOut,
    SuggestionOut,
    TrendsOut,
    report_out,
)
from .schemas import NotFound, ProblemOut

if TYPE_CHECKING:
    from ..context import Studio

GenerationId = Annotated[str, Path(alias="id", pattern=ID, description="A job's id, or a `generation_id`.")]
FrameId = Annotated[str, Path(pattern=ID, description="A hero frame's id.")]
AttemptId = Annotated[str, Path(pattern=ID, description="An attempt's id.")]
RoundId = Annotated[str, Path(pattern=ID, description="A round's id.")]
WorkId = Annotated[str, Path(pattern=ID, description="The id that the submission returned.")]
Key = Annotated[str, Path(pattern=ID, description="The suggestion's key.")]
Number = Annotated[int, Path(ge=1, le=1000, description="The scene, from 1.")]
Scene = Annotated[int | None, Query(ge=1, le=1000, description="Only this scene.")]
_BAD = {422: {"model": ProblemOut, "description": "The request cannot be carried out."}}
_MISSING = {404: {"model": ProblemOut, "description": "There is no such generation, scene, frame or attempt."}}
_CONFLICT = {409: {"model": ProblemOut, "description": "The scene is being worked on."}}
_UNREADABLE = {400: {"model": ProblemOut, "description": "The body cannot be read."}}
_BEGINS: dict[int | str, dict[str, Any]] = {**_MISSING, **_CONFLICT, **_UNREADABLE}
_PICTURE = {200: {"content": {"image/png": {}}, "description": "The picture."}}
_VIDEO = {200: {"content": {"video/mp4": {}}, "description": "The file."}}
T = TypeVar("T")


def build_attempt_router(studio: Studio, closing: Callable[[], bool],
                         request_of: Callable[[dict[str, Any]], VideoRequest]) -> APIRouter:
    """`request_of` makes a request of what a caller sent, as for a job."""
    router = APIRouter(prefix="/api", tags=["attempts"], responses={**_BAD})
    shelf = _Shelf(studio)

    @router.post("/scenes", status_code=201, responses={**_MISSING, **_UNREADABLE})
    def begin(body: SceneNewIn) -> SceneOut:
        """Begin a scene, for hero frames and attempts; nothing is made yet."""
        request = request_of(body.request)
        resolve.resolve(request, studio.engines, studio.settings)
        if body.generation_id:
            shelf.scenes(body.generation_id)
        return shelf.scene_out(shelf.desk.new_scene(request, body.generation_id))

    _add_heroes(router, studio, shelf)
    _add_rounds(router, studio, shelf)
    _add_looks(router, studio, shelf)
    _add_work(router, studio, shelf, closing)
    return router


def _add_heroes(router: APIRouter, studio: Studio, shelf: _Shelf) -> None:
    @router.post("/generations/{id}/hero-frames", status_code=202, responses=_BEGINS)
    def draw(generation: GenerationId, body: HeroesIn) -> AttemptWorkOut:
        """Draw stills for a scene."""
        scene = shelf.scene(generation, body.scene)
        return AttemptWorkOut.of(shelf.desk.heroes(scene.id, body.count, body.model, body.enhance))

    @router.get("/generations/{id}/hero-frames", responses={**_MISSING})
    def heroes(generation: GenerationId, scene: Scene = None) -> list[HeroOut]:
        """The hero frames, scene by scene, in the order in which they were drawn."""
        return [HeroOut.of(hero, one) for one in shelf.scenes(generation, scene)
                for hero in studio.store.attempts.heroes(one.id)]

    @router.get("/generations/{id}/hero-frames/{frame_id}/picture", responses={**_MISSING, **_PICTURE},
                response_class=FileResponse)
    def picture(generation: GenerationId, frame_id: FrameId) -> FileResponse:
        """The picture of a hero frame."""
        hero, _ = shelf.hero(generation, frame_id)
        if not hero.path.is_file():
            raise NotFound(f"The picture of hero frame {hero.number} is gone.")
        return FileResponse(hero.path, filename=hero.path.name)

    @router.post("/generations/{id}/hero-frames/{frame_id}/regenerate", status_code=202, responses=_BEGINS)
    def redraw(generation: GenerationId, frame_id: FrameId, body: RedrawIn) -> AttemptWorkOut:
        """Draw it again with something changed; the new one is kept beside it."""
        hero, _ = shelf.hero(generation, frame_id)
        return AttemptWorkOut.of(shelf.desk.redraw_hero(hero.id, **body.changes()))

    @router.post("/generations/{id}/hero-frames/{frame_id}/select", responses={**_MISSING})
    def choose(generation: GenerationId, frame_id: FrameId) -> SceneOut:
        """Take it as the first frame of its scene."""
        hero, _ = shelf.hero(generation, frame_id)
        return shelf.scene_out(shelf.desk.select_hero(hero.id))


def _add_rounds(router: APIRouter, studio: Studio, shelf: _Shelf) -> None:
    @router.post("/generations/{id}/process", status_code=202, responses=_BEGINS)
    def process(generation: GenerationId, body: ProcessIn) -> AttemptWorkOut:
        """Make attempts from the chosen hero frame (image to video), or from the prompt where none is chosen."""
        scene = shelf.scene(generation, body.scene)
        if body.hero_frame_id:
            hero, owner = shelf.hero(generation, body.hero_frame_id)
            if owner.id != scene.id:
                raise NotFound(f"Scene {scene.number} has no hero frame {body.hero_frame_id}.")
            shelf.desk.select_hero(hero.id)
        return AttemptWorkOut.of(shelf.desk.attempts(scene.id, body.attempts))

    @router.post("/generations/{id}/scenes/{n}/regenerate", status_code=202, responses=_BEGINS)
    def regenerate(generation: GenerationId, n: Number, body: RegenerateIn) -> AttemptWorkOut:
        """Make the next round of a scene, with other words or the same."""
        scene = shelf.scene(generation, n)
        parent = body.parent_attempt_id or scene.selected_attempt_id or ""
        if parent:
            _, round_, owner = shelf.attempt(generation, parent)
            if owner.id != scene.id:
                raise NotFound(f"Scene {scene.number} has no attempt {parent}.")
            request = round_.request
        else:
            request = shelf.desk.request_of(scene.id)
        return AttemptWorkOut.of(shelf.desk.attempts(scene.id, body.attempts, body.applied(request), parent,
                                               hero=body.keep_hero_frame))

    @router.get("/generations/{id}/attempts", responses={**_MISSING})
    def attempts(generation: GenerationId, scene: Scene = None) -> list[AttemptOut]:
        """All attempts, scene by scene, round by round."""
        book = studio.store.attempts
        return [AttemptOut.of(attempt, round_, one) for one in shelf.scenes(generation, scene)
                for round_ in book.iterations(one.id) for attempt in book.attempts(round_.id)]

    @router.get("/generations/{id}/attempts/{attempt_id}/video", responses={**_MISSING, **_VIDEO},
                response_class=FileResponse)
    def video(generation: GenerationId, attempt_id: AttemptId) -> FileResponse:
        """The video of an attempt."""
        attempt, _, _ = shelf.attempt(generation, attempt_id)
        if attempt.path is None or not attempt.path.is_file():
            raise NotFound(f"Attempt {attempt.number} has no video. {attempt.error}".strip())
        return FileResponse(attempt.path, filename=attempt.path.name)

    @router.post("/generations/{id}/attempts/{attempt_id}/select", responses={**_MISSING, **_CONFLICT})
    def select(generation: GenerationId, attempt_id: AttemptId) -> AttemptOut:
        """Take this version for its scene. All others stay."""
        attempt, _, _ = shelf.attempt(generation, attempt_id)
        if attempt.path is None:
            raise QueueError(f"Attempt {attempt.number} made no video: {attempt.error}", fix="Choose another.")
        shelf.desk.select(attempt_id)
        return AttemptOut.of(*shelf.attempt(generation, attempt_id))

    @router.post("/generations/{id}/attempts/{attempt_id}/refine", status_code=202, responses=_BEGINS)
    def refine(generation: GenerationId, attempt_id: AttemptId, body: RefineIn) -> AttemptWorkOut:
        """Go on from it by itself, as long as the score rises."""
        shelf.attempt(generation, attempt_id)
        return AttemptWorkOut.of(shelf.desk.refine(attempt_id, body.rounds, body.attempts))

    @router.post("/generations/{id}/iterations/{iteration_id}/resume", status_code=202,
                 responses={**_MISSING, **_CONFLICT})
    def resume(generation: GenerationId, iteration_id: RoundId) -> AttemptWorkOut:
        """Make the attempts that a round lacks because it was cut off."""
        return AttemptWorkOut.of(shelf.desk.resume(shelf.round(generation, iteration_id).id))

    @router.patch("/generations/{id}/iterations/{iteration_id}", responses={**_MISSING, **_UNREADABLE})
    def remark(generation: GenerationId, iteration_id: RoundId, body: RoundIn) -> RoundOut:
        """Mark a round as one to look at again, or write beside it."""
        round_ = shelf.round(generation, iteration_id)
        if body.flagged is not None:
            round_ = shelf.desk.flag(iteration_id, body.flagged)
        if body.notes is not None:
            round_ = shelf.desk.note(iteration_id, body.notes)
        return RoundOut.of(round_)

    @router.post("/generations/{id}/finalize", status_code=202, responses=_BEGINS)
    def finalize(generation: GenerationId, body: FilmIn) -> AttemptWorkOut:
        """Join what was selected for every scene, with a manifest, and put it into the library."""
        shelf.scenes(generation)
        sound = shelf.desk.soundtrack_named(body.soundtrack) if body.soundtrack else None
        return AttemptWorkOut.of(shelf.desk.finalize(generation, body.crossfade, sound, body.name))

    @router.put("/generations/{id}/soundtrack", responses={**_MISSING, **_UNREADABLE})
    def sound(generation: GenerationId,
              file: Annotated[UploadFile, File(description="A file with sound.")]) -> SoundtrackOut:
        """Keep a file with sound, for `finalize` to put under the film."""
        shelf.scenes(generation)
        return SoundtrackOut(soundtrack=shelf.desk.keep_soundtrack(file.file, file.filename or "soundtrack").name)


def _add_looks(router: APIRouter, studio: Studio, shelf: _Shelf) -> None:
    @router.get("/generations/{id}/scenes", responses={**_MISSING})
    def scenes(generation: GenerationId) -> list[SceneOut]:
        """The scenes of a generation."""
        return [shelf.scene_out(scene) for scene in shelf.scenes(generation)]

    @router.get("/generations/{id}/prompt-suggestions", responses={**_MISSING})
    def suggestions(generation: GenerationId, attempt_id: Annotated[str | None, Query(
            pattern=ID, description="Only for this attempt; else for what counts for each scene.")] = None,
                    ) -> list[SuggestionOut]:
        """Changes of words for what is weak."""
        if attempt_id is not None:
            shelf.attempt(generation, attempt_id)
        chosen = [attempt_id] if attempt_id else [
            scene.selected_attempt_id for scene in shelf.scenes(generation) if scene.selected_attempt_id]
        return [SuggestionOut.of(one, attempt, shelf.decided(attempt).get(key_of(one)))
                for attempt in chosen for one in shelf.desk.suggestions(attempt)]

    @router.post("/generations/{id}/prompt-suggestions", status_code=202, responses=_BEGINS)
    def ask(generation: GenerationId, body: AskModelIn) -> AttemptWorkOut:
        """Have a language model suggest changes too; when that is done, they are among the suggestions."""
        shelf.attempt(generation, body.attempt_id)
        return AttemptWorkOut.of(shelf.desk.ask_model(body.attempt_id))

    @router.post("/generations/{id}/prompt-suggestions/{key}", responses={**_MISSING, **_UNREADABLE})
    def decide(generation: GenerationId, key: Key, body: DecisionIn) -> SuggestionOut:
        """Take or refuse a suggestion. What is taken changes nothing by itself: send its words to `regenerate`."""
        shelf.attempt(generation, body.attempt_id)
        return SuggestionOut.of(shelf.desk.decide(body.attempt_id, key, body.accepted), body.attempt_id, body.accepted)

    @router.get("/generations/{id}/quality-report", responses={**_MISSING})
    def quality(generation: GenerationId) -> QualityOut:
        """The scores of what counts for each scene, with the curves frame by frame."""
        found, book = shelf.scenes(generation), studio.store.attempts
        look = shelf.desk.overview(generation)
        reports = []
        for scene in found:
            attempt = book.attempt(scene.selected_attempt_id) if scene.selected_attempt_id else None
            review = list(book.iteration(attempt.iteration_id).review) if attempt else []
            reports.append(report_out(scene, attempt, review, look))
        return QualityOut(generation_id=generation, overall=look.overall, scenes=reports)

    @router.get("/generations/{id}/quality-trends", responses={**_MISSING})
    def trends(generation: GenerationId) -> TrendsOut:
        """Scores over the iterations of each scene, what to do again, and how the work went."""
        found = shelf.scenes(generation)
        look = shelf.desk.overview(generation)
        told = [SceneTrendOut(scene=scene.number, scene_id=scene.id,
                              points=[PointOut.of(point) for point in shelf.desk.trend(scene.id)],
                              figures=FiguresOut.of(shelf.desk.workflow(scene.id))) for scene in found]
        return TrendsOut(generation_id=generation, overall=look.overall, scenes=told,
                         redo=[scene.number for scene in found if scene.id in look.redo])


def _add_work(router: APIRouter, studio: Studio, shelf: _Shelf, closing: Callable[[], bool]) -> None:
    @router.get("/attempt-work/{work_id}", responses={**_MISSING})
    def work(work_id: WorkId) -> AttemptWorkOut:
        """Work on a scene, as it stands. Some time after it has ended it is forgotten."""
        return AttemptWorkOut.of(shelf.work(work_id))

    @router.delete("/attempt-work/{work_id}", responses={**_MISSING})
    def cancel(work_id: WorkId) -> AttemptWorkOut:
        """Stop it. What was made is kept."""
        shelf.work(work_id)
        return AttemptWorkOut.of(shelf.desk.cancel(work_id))

    @router.get("/attempt-work/{work_id}/events", responses={**_MISSING, **work_events.EVENTS},
                response_class=StreamingResponse)
    def news(work_id: WorkId, last_event_id: Annotated[str, Header(
            max_length=100, description="The id of the last event that was heard.")] = "") -> Response:
        """The news of the work as server-sent events, until it has ended."""
        shelf.work(work_id)
        return work_events.stream(lambda: shelf.desk.get(work_id), AttemptWorkOut.of, closing, last_event_id)


@dataclass
class _Shelf:
    """Finds what an address names; what is not there, or belongs to another generation, raises `NotFound`."""

    studio: Studio

    @property
    def desk(self) -> AttemptDesk:
        return self.studio.attempts

    def scenes(self, generation: str, number: int | None = None) -> tuple[SceneRecord, ...]:
        """All scenes, or the one of this number; a job's request becomes its first."""
        found = self.desk.scenes_of(generation)
        if not found:
            try:
                job = self.studio.queue.get(generation)
            except QueueError as error:
                raise NotFound(f"There is no generation {generation}.") from error
            found = self.desk.scenes_of(generation, job.request)
        wanted = tuple(scene for scene in found if number in (None, scene.number))
        if not wanted:
            raise NotFound(f"Generation {generation} has no scene {number}.")
        return wanted

    def scene(self, generation: str, number: int) -> SceneRecord:
        return self.scenes(generation, number)[0]

    def hero(self, generation: str, frame_id: str) -> tuple[HeroFrameRecord, SceneRecord]:
        hero = _known(lambda: self.studio.store.attempts.hero(frame_id))
        return hero, self._owner(generation, hero.scene_id, f"hero frame {frame_id}")

    def attempt(self, generation: str, attempt_id: str) -> tuple[AttemptRecord, IterationRecord, SceneRecord]:
        book = self.studio.store.attempts
        attempt = _known(lambda: book.attempt(attempt_id))
        round_ = book.iteration(attempt.iteration_id)
        return attempt, round_, self._owner(generation, round_.scene_id, f"attempt {attempt_id}")

    def round(self, generation: str, iteration_id: str) -> IterationRecord:
        round_ = _known(lambda: self.studio.store.attempts.iteration(iteration_id))
        self._owner(generation, round_.scene_id, f"round {iteration_id}")
        return round_

    def work(self, work_id: str) -> AttemptWork:
        try:
            return self.desk.get(work_id)
        except QueueError as error:
            raise NotFound(error.message) from error

    def decided(self, attempt_id: str) -> dict[str, bool]:
        book = self.studio.store.attempts
        scene_id = book.iteration(book.attempt(attempt_id).iteration_id).scene_id
        return {one.key: one.accepted for one in book.decisions(scene_id) if one.attempt_id == attempt_id}

    def scene_out(self, scene: SceneRecord) -> SceneOut:
        rounds = self.studio.store.attempts.iterations(scene.id)
        cut_off = [round_.id for round_ in rounds if self.desk.can_resume(round_.id)]
        return SceneOut.of(scene, len(rounds), cut_off, busy=self.desk.busy(scene.id))

    def _owner(self, generation: str, scene_id: str, what: str) -> SceneRecord:
        scene = self.studio.store.attempts.scene(scene_id)
        if scene.work_id != generation:
            raise NotFound(f"Generation {generation} has no {what}.")
        return scene


def _known(find: Callable[[], T]) -> T:
    try:
        return find()
    except StoreError as error:
        raise NotFound(error.message) from error
