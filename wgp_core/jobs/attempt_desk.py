"""Scenes in the making for the window and the API: hero frames, attempts, choices, refinement, the finished film.

What was made is in the store, so that a reloaded page and a restarted program find it; here are only the states of what
is in work. One piece of work at a time is on a scene; choices, notes and decisions are possible at any time.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..attempts import Overview, TrendPoint, Workflow, overview, refining, trend, workflow
from ..attempts.bench import check_count
from ..attempts.heroes import MOST_HEROES
from ..attempts.rounds import MOST_ATTEMPTS, missing
from ..errors import MediaError, QueueError, RequestError
from ..events import CancelToken, Progress, ProgressCallback
from ..marked import split_enhanced
from ..media import audio
from ..paths import Paths
from ..quality.suggest import Suggestion
from ..quality.total import Weights
from ..request import EnhanceMode, OutputOptions, VideoRequest
from ..settings import Settings
from ..store.attempt_records import AttemptRecord, IterationRecord, SceneRecord
from .attempt_tasks import typed
from .uploads import UploadFolder
from .work_line import RunTask, Work, WorkLine, WorkVersion

if TYPE_CHECKING:
    from ..store import Store

LIMIT_S = 48 * 3600.0
PROMPT_LIMIT_S = 600.0
CROSSFADE_S = 0.4
MOST_NOTES = 10_000


class AttemptAction(enum.StrEnum):
    """What is done with a scene; the task is called `attempts_` and this name, but for `suggest`, the assistant's."""

    HEROES = "heroes"
    REDRAW = "redraw"
    ATTEMPTS = "attempts"
    RESUME = "resume"
    REFINE = "refine"
    FINALIZE = "finalize"
    SUGGEST = "suggest"


@dataclass(frozen=True)
class AttemptWork(Work):
    """One piece of work. `step` of `total` are told of all of it."""

    action: AttemptAction

    @property
    def scene_id(self) -> str:
        """The scene; for a film the work whose scenes are joined."""
        return self.subject


class AttemptLine(WorkLine[AttemptWork]):
    """Work on scenes, by one worker; a language model is asked in the assistant."""

    name = "attempts"

    def __init__(self, run_task: RunTask, run_prompt: RunTask) -> None:
        super().__init__(AttemptWork)
        self._run_task, self._run_prompt = run_task, run_prompt

    def run(self, work: AttemptWork, payload: Mapping[str, Any], cancel: CancelToken,
            on_progress: ProgressCallback) -> Mapping[str, Any]:
        if work.action is AttemptAction.SUGGEST:
            return self._run_prompt("suggest", payload, timeout_s=PROMPT_LIMIT_S, cancel=cancel,
                                    on_progress=on_progress)
        return self._run_task(f"attempts_{work.action.value}", payload, timeout_s=LIMIT_S, cancel=cancel,
                              on_progress=on_progress)

    def busy_words(self, subject: str) -> str:
        return "This scene is being worked on."

    def told(self, work: AttemptWork, event: Progress) -> AttemptWork:
        if _place(event.message) != _place(work.message):
            self.changed()  # a picture or a video more is there
        return super().told(work, event)

    def cancelled_words(self, work: AttemptWork) -> str:
        return "" if work.action in (AttemptAction.FINALIZE, AttemptAction.SUGGEST) else "What was made is kept."


class AttemptDesk:
    """All methods may be called from any thread. Unknown ids raise `StoreError`."""

    def __init__(self, store: Store, paths: Paths, settings_of: Callable[[], Settings], run_task: RunTask,
                 run_prompt: RunTask) -> None:
        self._store, self._book = store, store.attempts
        self._settings, self._paths = settings_of, paths
        self._uploads = UploadFolder(paths.uploads)
        self._line = AttemptLine(run_task, run_prompt)

    # -- work ---------------------------------------------------------------------------------------------------

    @property
    def version(self) -> WorkVersion:
        return self._line.version

    def works(self) -> tuple[AttemptWork, ...]:
        """Work of this run of the program, oldest first; the last few that ended are kept."""
        return self._line.works()

    def get(self, work_id: str) -> AttemptWork:
        """One piece of work. Raises `QueueError` for an unknown id."""
        return self._line.get(work_id)

    def busy(self, scene_id: str) -> bool:
        """Whether a scene is worked on, or waits for it."""
        return self._line.busy(scene_id)

    def cancel(self, work_id: str) -> AttemptWork:
        """Stop a piece of work; what was made is kept. What has ended stays as it is."""
        return self._line.cancel(work_id)

    def dismiss(self, work_id: str) -> None:
        """Forget how a piece of work ended."""
        self._line.dismiss(work_id)

    def close(self) -> None:
        """The program ends: what runs stops, and can be taken up again."""
        self._line.close()

    # -- scenes -------------------------------------------------------------------------------------------------

    def new_scene(self, request: VideoRequest, work_id: str = "") -> SceneRecord:
        """Begin a scene: the next of a work, or the first of a new one. Raises `RequestError`."""
        kept = self._checked(request)
        if work_id and not self._book.scenes(work_id=work_id, limit=1):
            raise RequestError(f"There is no work {work_id!r}.", field="work", fix="Begin a new one.")
        scene = self._book.new_scene(kept.prompt, kept.negative_prompt, kept.camera, work_id=work_id, request=kept)
        self._line.changed()
        return scene

    def scenes_of(self, generation_id: str, request: VideoRequest | None = None) -> tuple[SceneRecord, ...]:
        """The scenes of a work, in order. A job of the queue becomes a work of its own name, with one scene that begins
        with its `request`; without one nothing is begun."""
        found = self._book.scenes(work_id=generation_id, limit=1_000)
        if found or request is None:
            return found
        return (self._book.new_scene(request.prompt, request.negative_prompt, request.camera, work_id=generation_id,
                                     request=request.with_(output=OutputOptions())),)

    def request_of(self, scene_id: str) -> VideoRequest:
        """What a scene asks for now: what it began with, in its words of today."""
        scene = self._book.scene(scene_id)
        rounds = self._book.iterations(scene_id) if scene.request is None else ()
        request = scene.request or (rounds[-1].request if rounds else VideoRequest(scene.prompt))
        return request.with_(prompt=scene.prompt, negative_prompt=scene.negative_prompt, camera=scene.camera_movement)

    # -- hero frames --------------------------------------------------------------------------------------------

    def heroes(self, scene_id: str, count: int = 4, model: str = "", enhance: bool = False) -> AttemptWork:
        """Draw stills for a scene; `model` empty takes the best one here, `enhance` has the prompt enriched first."""
        check_count(count, MOST_HEROES, "hero frames")
        request = self.request_of(scene_id).with_(start_image=None)
        if enhance:
            request = request.with_(enhance=EnhanceMode.AUTOMATIC)
        return self._submit(AttemptAction.HEROES, scene_id, {"request": request.to_dict(), "count": count,
                                                             "model": model})

    def redraw_hero(self, hero_id: str, **changes: Any) -> AttemptWork:
        """Draw a hero frame again with fields of its request changed; the new one is kept beside it."""
        hero = self._book.hero(hero_id)
        typed(changes)
        return self._submit(AttemptAction.REDRAW, hero.scene_id, {"hero": hero_id, "changes": changes})

    def select_hero(self, hero_id: str | None, scene_id: str = "") -> SceneRecord:
        """Take a still for its scene; None, with the scene, takes none."""
        scene = self._book.drop_hero(scene_id) if hero_id is None else self._book.select_hero(hero_id)
        self._line.changed()
        return scene

    # -- attempts -----------------------------------------------------------------------------------------------

    def attempts(self, scene_id: str, n: int = 3, request: VideoRequest | None = None, parent_attempt_id: str = "",
                 hero: bool = True) -> AttemptWork:
        """A round of attempts; with a parent it is the next iteration. `request` None takes the parent's, or the
        scene's; `hero` starts from the chosen still, where there is one.
        """
        check_count(n, MOST_ATTEMPTS, "attempts")
        scene = self._book.scene(scene_id)
        if parent_attempt_id:
            before = self._round_of(parent_attempt_id)
            if before.scene_id != scene_id:
                raise RequestError("The attempt belongs to another scene.", field="parent_attempt_id")
            request = request or before.request.with_(seed=-1)
        asked = self._without_stills(request or self.request_of(scene_id), scene_id, hero and scene.hero_frame_id)
        return self._submit(AttemptAction.ATTEMPTS, scene_id, {
            "request": self._checked(asked).to_dict(), "n": n, "parent": parent_attempt_id or None,
            "hero": scene.hero_frame_id if hero else None}, asked.prompt)

    def resume(self, iteration_id: str) -> AttemptWork:
        """Make the attempts that a round lacks. Raises `RequestError` where none is lacking."""
        round_ = self._book.iteration(iteration_id)
        if not missing(round_, self._book.attempts(iteration_id)):
            raise RequestError(f"Iteration {round_.iteration} has all its attempts.", field="iteration",
                               fix="Make another round.")
        return self._submit(AttemptAction.RESUME, round_.scene_id, {"iteration": iteration_id})

    def can_resume(self, iteration_id: str) -> bool:
        """Whether a round was cut off, and nothing works on its scene now."""
        round_ = self._book.iteration(iteration_id)
        return bool(missing(round_, self._book.attempts(iteration_id))) and not self.busy(round_.scene_id)

    def refine(self, attempt_id: str, rounds: int = 1, n: int = 3) -> AttemptWork:
        """Go on by itself: suggestion, attempts, kept only if the score rises. Raises `RequestError` where nothing can
        be suggested.
        """
        check_count(rounds, refining.MOST_ROUNDS, "rounds")
        check_count(n, MOST_ATTEMPTS, "attempts")
        if not self.suggestions(attempt_id):
            raise RequestError("There is nothing to suggest for this attempt.", field="attempt",
                               fix="Change the prompt yourself.")
        return self._submit(AttemptAction.REFINE, self._round_of(attempt_id).scene_id,
                            {"attempt": attempt_id, "rounds": rounds, "n": n})

    def select(self, attempt_id: str) -> AttemptRecord:
        """A person takes this version for its scene."""
        return self._after(self._book.select(attempt_id))

    def flag(self, iteration_id: str, on: bool = True) -> IterationRecord:
        """Mark a round as one to look at again, or no longer."""
        return self._after(self._book.flag(iteration_id, on))

    def note(self, iteration_id: str, text: str) -> IterationRecord:
        """Write beside a round."""
        if len(text) > MOST_NOTES:
            raise RequestError(f"The note has {len(text)} characters; the most is {MOST_NOTES}.", field="notes",
                               fix="Shorten it.")
        return self._after(self._book.set_notes(iteration_id, text))

    # -- suggestions --------------------------------------------------------------------------------------------

    def suggestions(self, attempt_id: str) -> tuple[Suggestion, ...]:
        """Changes of words for what is weak in an attempt; `attempts.refining.key_of` names each."""
        return refining.suggestions(attempt_id, self._store)

    def ask_model(self, attempt_id: str) -> AttemptWork:
        """Have a language model suggest changes too; they join `suggestions`. Raises `RequestError` without scores."""
        attempt = self._book.attempt(attempt_id)
        if attempt.report is None:
            raise RequestError("This attempt has no scores, so nothing is known to be weak.", field="attempt",
                               fix="Ask for one that was scored.")
        return self._submit(AttemptAction.SUGGEST, self._round_of(attempt_id).scene_id, {"attempt": attempt_id})

    def decide(self, attempt_id: str, suggestion_key: str, accepted: bool) -> Suggestion:
        """Keep a person's word on a suggestion; it counts in the workflow figures."""
        return self._after(refining.decide(attempt_id, suggestion_key, accepted, self._store))

    def with_suggestion(self, attempt_id: str, suggestion_key: str) -> VideoRequest:
        """The request of an attempt's round with the words of a suggestion: what the next round may start from."""
        found = next((one for one in self.suggestions(attempt_id) if refining.key_of(one) == suggestion_key), None)
        if found is None:
            raise RequestError(f"There is no suggestion {suggestion_key!r} for this attempt.", field="key",
                               fix="Look at the suggestions again.")
        return refining.with_suggestion(self._round_of(attempt_id).request, found).with_(seed=-1)

    # -- the film -----------------------------------------------------------------------------------------------

    def finalize(self, work_id: str, crossfade: float = CROSSFADE_S, soundtrack: Path | None = None,
                 name: str = "") -> AttemptWork:
        """Join what counts for each scene, in order; export it with a manifest, into the library too.

        `crossfade` in seconds, 0 cuts. `soundtrack` None takes the first that a scene asks for; `name` empty names the
        film after its first scene. Raises `RequestError` where a scene has no selected video.
        """
        scenes = self._book.scenes(work_id=work_id, limit=1_000)
        if not scenes:
            raise RequestError(f"There is no work {work_id!r}.", field="work", fix="Make a scene first.")
        open_ = [str(scene.number) for scene in scenes if scene.selected_attempt_id is None]
        if open_:
            raise RequestError(f"Scene {', '.join(open_)} has no selected video yet.", field="work",
                               fix="Make attempts of it and choose one.")
        if any(self.busy(scene.id) for scene in scenes):
            raise QueueError("A scene of this film is being worked on.", fix="Wait until that is done, or cancel it.")
        payload = {"work": work_id, "crossfade": crossfade, "name": name,
                   "soundtrack": None if soundtrack is None else str(self._uploads.keep(soundtrack))}
        return self._line.submit(AttemptAction.FINALIZE, work_id, _title(scenes[0].prompt), payload)

    def keep_soundtrack(self, source: IO[bytes], name: str) -> Path:
        """Keep a file with sound that a film may be given. Raises `RequestError` for one without."""
        kept = self._uploads.keep_stream(source, name)
        try:
            audio.check(kept)
        except MediaError as error:
            kept.unlink(missing_ok=True)
            raise RequestError(error.message, field="file", fix=error.fix) from error
        return kept

    def soundtrack_named(self, name: str) -> Path:
        """The kept file of this name. Raises `RequestError` where there is none."""
        path = self._paths.uploads / Path(name).name
        if not path.is_file():
            raise RequestError(f"There is no soundtrack {name!r} any more.", field="soundtrack", fix="Send it again.")
        return path

    # -- looking back -------------------------------------------------------------------------------------------

    def overview(self, work_id: str) -> Overview:
        return overview(work_id, self._store)

    def trend(self, scene_id: str) -> tuple[TrendPoint, ...]:
        return trend(scene_id, self._store, self._weights())

    def workflow(self, scene_id: str) -> Workflow:
        return workflow(scene_id, self._store, self._weights())

    # -- helpers ------------------------------------------------------------------------------------------------

    def _submit(self, action: AttemptAction, scene_id: str, payload: Mapping[str, Any],
                prompt: str = "") -> AttemptWork:
        title = _title(prompt or self._book.scene(scene_id).prompt)
        return self._line.submit(action, scene_id, title, {"scene": scene_id, **payload})

    def _checked(self, request: VideoRequest) -> VideoRequest:
        """The request with its pictures kept. Raises `RequestError` for what no engine could carry out."""
        request.check()
        return self._uploads.keep_images(request)

    def _without_stills(self, request: VideoRequest, scene_id: str, starts_from_hero: object) -> VideoRequest:
        """Without a start image that is a hero frame of the scene; without any where another still is taken."""
        stills = {hero.path for hero in self._book.heroes(scene_id)}
        drop = starts_from_hero or (request.start_image is not None and Path(request.start_image) in stills)
        return request.with_(start_image=None) if drop else request

    def _round_of(self, attempt_id: str) -> IterationRecord:
        return self._book.iteration(self._book.attempt(attempt_id).iteration_id)

    def _weights(self) -> Weights:
        return Weights.of(self._settings())

    def _after(self, changed: Any) -> Any:
        self._line.changed()
        return changed


def _title(prompt: str) -> str:
    return split_enhanced(prompt)[0]


def _place(message: str) -> str:
    """ "Attempt 2 of 3" of "Attempt 2 of 3: Drawing frames"."""
    return message.partition(":")[0]
