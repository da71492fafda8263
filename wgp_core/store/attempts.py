"""The rows of scenes, hero frames, iterations and attempts. An unknown id raises `StoreError`.

Nothing here deletes: what was made stays, with its scores, also when its video leaves the library.
"""

from __future__ import annotations

import filecmp
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ..errors import StoreError
from ..request import CameraMovement, VideoRequest
from .attempt_records import (
    AttemptRecord,
    DecisionRecord,
    HeroFrameRecord,
    IterationRecord,
    IterationState,
    MetricRecord,
    SceneRecord,
    Verdict,
)
from .attempt_tables import AttemptRow, DecisionRow, HeroFrameRow, IterationRow, MetricRow, ModelSuggestionRow, SceneRow
from .places import Places
from .tables import GenerationRow, utc_now

if TYPE_CHECKING:
    from .database import Transactions

Row = TypeVar("Row", SceneRow, HeroFrameRow, IterationRow, AttemptRow)
_NAMES = {SceneRow: "scene", HeroFrameRow: "hero frame", IterationRow: "iteration", AttemptRow: "attempt"}


class AttemptRepository:
    """What was tried, what came of it, and what was chosen."""

    def __init__(self, transactions: Transactions, places: Places) -> None:
        self._transactions = transactions
        self._places = places

    # -- scenes -------------------------------------------------------------------------------------------------

    def new_scene(self, prompt: str, negative_prompt: str = "", camera: CameraMovement = CameraMovement.STATIC, *,
                  work_id: str = "", request: VideoRequest | None = None) -> SceneRecord:
        """Begin a scene: the next of the work `work_id`, or the first of a new one. `request` is kept with it."""
        with self._transactions.write() as session:
            work_id = work_id or _new_id()
            last = session.scalar(select(func.max(SceneRow.number)).where(SceneRow.work_id == work_id)) or 0
            row = SceneRow(id=_new_id(), work_id=work_id, number=last + 1, prompt=prompt,
                           negative_prompt=negative_prompt, camera_movement=camera.value,
                           request=None if request is None else request.to_dict(), created_at=utc_now())
            session.add(row)
            session.flush()
            return _scene(row)

    def scene(self, scene_id: str) -> SceneRecord:
        with self._transactions.read() as session:
            return _scene(_need(session, SceneRow, scene_id))

    def scenes(self, *, work_id: str = "", limit: int = 50) -> tuple[SceneRecord, ...]:
        """The scenes of a work in order; without one the newest of all first."""
        query = select(SceneRow).limit(limit)
        query = (query.where(SceneRow.work_id == work_id).order_by(SceneRow.number) if work_id
                 else query.order_by(SceneRow.created_at.desc(), SceneRow.id))
        with self._transactions.read() as session:
            return tuple(_scene(row) for row in session.scalars(query))

    # -- hero frames --------------------------------------------------------------------------------------------

    def add_hero(self, hero: HeroFrameRecord) -> HeroFrameRecord:
        """Keep a still with its scores; returns it with id and number."""
        with self._transactions.write() as session:
            _need(session, SceneRow, hero.scene_id)
            last = session.scalar(select(func.max(HeroFrameRow.number))
                                  .where(HeroFrameRow.scene_id == hero.scene_id)) or 0
            row = HeroFrameRow(
                id=_new_id(), scene_id=hero.scene_id, number=last + 1, parent_id=hero.parent_id,
                generation_id=hero.generation_id, path=self._places.text(hero.path), prompt=hero.prompt,
                enhanced_prompt=hero.enhanced_prompt, negative_prompt=hero.negative_prompt, seed=hero.seed,
                engine=hero.engine, model=hero.model, changes=dict(hero.changes), total=hero.total,
                report=None if hero.report is None else dict(hero.report), created_at=utc_now())
            session.add(row)
            session.flush()
            session.add_all(_metrics(hero.report, hero_frame_id=row.id))
            return self._hero(row, None)

    def hero(self, hero_id: str) -> HeroFrameRecord:
        with self._transactions.read() as session:
            row = _need(session, HeroFrameRow, hero_id)
            return self._hero(row, _place(session, row.generation_id))

    def heroes(self, scene_id: str) -> tuple[HeroFrameRecord, ...]:
        """All stills of a scene, in the order in which they were made."""
        query = (select(HeroFrameRow, GenerationRow.path)
                 .outerjoin(GenerationRow, GenerationRow.id == HeroFrameRow.generation_id)
                 .where(HeroFrameRow.scene_id == scene_id).order_by(HeroFrameRow.number))
        with self._transactions.read() as session:
            _need(session, SceneRow, scene_id)
            return tuple(self._hero(row, place) for row, place in session.execute(query))

    def hero_at(self, path: Path) -> HeroFrameRecord | None:
        """The newest hero frame whose picture lies here; None where there is none."""
        query = (select(HeroFrameRow, GenerationRow.path)
                 .outerjoin(GenerationRow, GenerationRow.id == HeroFrameRow.generation_id)
                 .where(func.coalesce(GenerationRow.path, HeroFrameRow.path) == self._places.text(path))
                 .order_by(HeroFrameRow.created_at.desc()))
        with self._transactions.read() as session:
            found = session.execute(query).first()
            return None if found is None else self._hero(found[0], found[1])

    def select_hero(self, hero_id: str) -> SceneRecord:
        """Take this still for its scene."""
        with self._transactions.write() as session:
            scene = _need(session, SceneRow, _need(session, HeroFrameRow, hero_id).scene_id)
            scene.hero_frame_id = hero_id
            return _scene(scene)

    def drop_hero(self, scene_id: str) -> SceneRecord:
        """The scene starts from no still; all of them stay."""
        with self._transactions.write() as session:
            scene = _need(session, SceneRow, scene_id)
            scene.hero_frame_id = None
            return _scene(scene)

    # -- iterations ---------------------------------------------------------------------------------------------

    def begin(self, scene_id: str, request: VideoRequest, *, parent_attempt_id: str | None = None,
              hero_frame_id: str | None = None, changes: Mapping[str, Any] | None = None, seeds: Sequence[int] = (),
              automatic: bool = False) -> IterationRecord:
        """Open the next round of a scene; the round of `parent_attempt_id` is its parent.

        The scene takes over what the request says of prompt, negative prompt and camera.
        """
        with self._transactions.write() as session:
            scene = _need(session, SceneRow, scene_id)
            parent = None
            if parent_attempt_id is not None:
                parent = _need(session, IterationRow, _need(session, AttemptRow, parent_attempt_id).iteration_id)
                if parent.scene_id != scene_id:
                    raise StoreError(f"Attempt {parent_attempt_id} belongs to another scene.")
            last = session.scalar(select(func.max(IterationRow.iteration))
                                  .where(IterationRow.scene_id == scene_id)) or 0
            row = IterationRow(id=_new_id(), scene_id=scene_id, iteration=last + 1, parent_id=parent and parent.id,
                               parent_attempt_id=parent_attempt_id, hero_frame_id=hero_frame_id, state="open",
                               request=request.to_dict(), changes=dict(changes or {}), review=[], notes="",
                               seeds=list(seeds), automatic=automatic, flagged=False, created_at=utc_now())
            if not automatic:
                _take_over(scene, request)
            session.add(row)
            session.flush()
            return _iteration(row)

    def iteration(self, iteration_id: str) -> IterationRecord:
        with self._transactions.read() as session:
            return _iteration(_need(session, IterationRow, iteration_id))

    def iterations(self, scene_id: str) -> tuple[IterationRecord, ...]:
        """All rounds of a scene, the first first."""
        query = select(IterationRow).where(IterationRow.scene_id == scene_id).order_by(IterationRow.iteration)
        with self._transactions.read() as session:
            _need(session, SceneRow, scene_id)
            return tuple(_iteration(row) for row in session.scalars(query))

    def finish(self, iteration_id: str, verdict: Verdict) -> IterationRecord:
        """Write down how a round ended: ranks, what the scores took, why a person should look.

        What the scores took counts for the scene from now on, unless a person has chosen in this round already, or the
        round is an automatic one (`keep`).
        """
        with self._transactions.write() as session:
            row = _need(session, IterationRow, iteration_id)
            row.state, row.finished_at = IterationState.DONE.value, utc_now()
            row.ranking, row.review = dict(verdict.ranking), list(verdict.review)
            attempts = session.scalars(select(AttemptRow).where(AttemptRow.iteration_id == iteration_id)).all()
            chosen = next((attempt for attempt in attempts if attempt.by_person), None)
            for attempt in attempts:
                attempt.rank = verdict.ranks.get(attempt.id)
                attempt.proposed = attempt.id == verdict.proposed
                attempt.selected = attempt.proposed if chosen is None else attempt is chosen
            if chosen is None and not row.automatic:
                _need(session, SceneRow, row.scene_id).selected_attempt_id = verdict.proposed
            return _iteration(row)

    def reopen(self, iteration_id: str) -> IterationRecord:
        """Go on with a round that was cut off."""
        with self._transactions.write() as session:
            row = _need(session, IterationRow, iteration_id)
            row.state, row.finished_at, row.review = IterationState.OPEN.value, None, []
            return _iteration(row)

    def keep(self, attempt_id: str) -> SceneRecord:
        """This attempt of an automatic round counts for its scene from now on, and so do the words of its round."""
        with self._transactions.write() as session:
            round_ = _need(session, IterationRow, _need(session, AttemptRow, attempt_id).iteration_id)
            scene = _need(session, SceneRow, round_.scene_id)
            scene.selected_attempt_id = attempt_id
            _take_over(scene, VideoRequest.from_dict(round_.request))
            return _scene(scene)

    def flag(self, iteration_id: str, on: bool) -> IterationRecord:
        """Mark a round as one to look at again, or no longer."""
        with self._transactions.write() as session:
            row = _need(session, IterationRow, iteration_id)
            row.flagged = on
            return _iteration(row)

    def stop(self, iteration_id: str, state: IterationState, why: str = "") -> IterationRecord:
        """End a round without a ranking; its attempts stay."""
        with self._transactions.write() as session:
            row = _need(session, IterationRow, iteration_id)
            row.state, row.finished_at = state.value, utc_now()
            row.review = [why] if why else []
            return _iteration(row)

    def set_notes(self, iteration_id: str, notes: str) -> IterationRecord:
        with self._transactions.write() as session:
            row = _need(session, IterationRow, iteration_id)
            row.notes = notes
            return _iteration(row)

    # -- attempts -----------------------------------------------------------------------------------------------

    def add_attempt(self, attempt: AttemptRecord) -> AttemptRecord:
        """Keep an attempt with its scores; returns it with its id. Its video learns its parent and iteration."""
        with self._transactions.write() as session:
            round_ = _need(session, IterationRow, attempt.iteration_id)
            row = AttemptRow(
                id=_new_id(), iteration_id=attempt.iteration_id, number=attempt.number,
                parent_attempt_id=attempt.parent_attempt_id, generation_id=attempt.generation_id, seed=attempt.seed,
                path=self._places.optional_text(attempt.path), error=attempt.error, warnings=list(attempt.warnings),
                total=attempt.total, report=None if attempt.report is None else dict(attempt.report),
                proposed=False, selected=False, by_person=False, created_at=utc_now())
            session.add(row)
            session.flush()
            session.add_all(_metrics(attempt.report, attempt_id=row.id))
            video = session.get(GenerationRow, attempt.generation_id) if attempt.generation_id else None
            if video is not None:
                before = session.get(AttemptRow, attempt.parent_attempt_id) if attempt.parent_attempt_id else None
                video.iteration, video.parent_id = round_.iteration, before and before.generation_id
            return self._attempt(row, video and video.path)

    def attempt(self, attempt_id: str) -> AttemptRecord:
        with self._transactions.read() as session:
            row = _need(session, AttemptRow, attempt_id)
            return self._attempt(row, _place(session, row.generation_id))

    def attempts(self, iteration_id: str) -> tuple[AttemptRecord, ...]:
        """The attempts of a round, by number."""
        query = (select(AttemptRow, GenerationRow.path)
                 .outerjoin(GenerationRow, GenerationRow.id == AttemptRow.generation_id)
                 .where(AttemptRow.iteration_id == iteration_id).order_by(AttemptRow.number))
        with self._transactions.read() as session:
            _need(session, IterationRow, iteration_id)
            return tuple(self._attempt(row, place) for row, place in session.execute(query))

    def attempt_at(self, path: Path) -> AttemptRecord | None:
        """The attempt whose video lies here, or of which this is a copy; None where no attempt made it."""
        query = (select(AttemptRow, GenerationRow.path)
                 .join(GenerationRow, GenerationRow.id == AttemptRow.generation_id))
        with self._transactions.read() as session:
            found = session.execute(query.where(GenerationRow.path == self._places.text(path))).first()
            if found is None:
                rows = session.execute(query.order_by(GenerationRow.created_at.desc()))
                found = next((row for row in rows if _same_file(self._places.path(row[1]), path)), None)
            return None if found is None else self._attempt(found[0], found[1])

    def select(self, attempt_id: str) -> AttemptRecord:
        """A person takes this attempt for its scene; the others of its round are no longer selected, and all stay.

        Raises `StoreError` for an attempt that made no video.
        """
        with self._transactions.write() as session:
            row = _need(session, AttemptRow, attempt_id)
            if row.path is None:
                raise StoreError(f"Attempt {row.number} made no video: {row.error}", fix="Choose another.")
            session.execute(update(AttemptRow).where(AttemptRow.iteration_id == row.iteration_id)
                            .values(selected=False, by_person=False))
            session.refresh(row)
            row.selected = row.by_person = True
            scene_id = _need(session, IterationRow, row.iteration_id).scene_id
            _need(session, SceneRow, scene_id).selected_attempt_id = row.id
            session.flush()
            return self._attempt(row, _place(session, row.generation_id))

    # -- suggestions --------------------------------------------------------------------------------------------

    def decide(self, decision: DecisionRecord) -> DecisionRecord:
        """Keep a person's word on a suggestion; an earlier one on the same gives way."""
        with self._transactions.write() as session:
            _need(session, AttemptRow, decision.attempt_id)
            row = session.merge(DecisionRow(
                attempt_id=decision.attempt_id, key=decision.key, accepted=decision.accepted,
                suggestion=dict(decision.suggestion), decided_at=utc_now()))
            session.flush()
            return _decision(row)

    def keep_suggestions(self, attempt_id: str, suggestions: Mapping[str, Mapping[str, Any]]) -> None:
        """Keep what a language model suggested for an attempt, as JSON by key; one that is there already stays once."""
        with self._transactions.write() as session:
            _need(session, AttemptRow, attempt_id)
            for key, suggestion in suggestions.items():
                session.merge(ModelSuggestionRow(attempt_id=attempt_id, key=key, suggestion=dict(suggestion),
                                                 made_at=utc_now()))

    def kept_suggestions(self, attempt_id: str) -> tuple[Mapping[str, Any], ...]:
        """What language models suggested for an attempt, the newest first."""
        query = (select(ModelSuggestionRow).where(ModelSuggestionRow.attempt_id == attempt_id)
                 .order_by(ModelSuggestionRow.made_at.desc(), ModelSuggestionRow.key))
        with self._transactions.read() as session:
            return tuple(row.suggestion for row in session.scalars(query))

    def decisions(self, scene_id: str) -> tuple[DecisionRecord, ...]:
        """What was decided on suggestions for any attempt of a scene, the oldest first."""
        query = (select(DecisionRow).join(AttemptRow, AttemptRow.id == DecisionRow.attempt_id)
                 .join(IterationRow, IterationRow.id == AttemptRow.iteration_id)
                 .where(IterationRow.scene_id == scene_id).order_by(DecisionRow.decided_at, DecisionRow.key))
        with self._transactions.read() as session:
            return tuple(_decision(row) for row in session.scalars(query))

    # -- figures and files --------------------------------------------------------------------------------------

    def metrics(self, scene_id: str) -> tuple[MetricRecord, ...]:
        """Every dimension of every attempt of a scene, round by round."""
        query = (select(MetricRow).join(AttemptRow, AttemptRow.id == MetricRow.attempt_id)
                 .join(IterationRow, IterationRow.id == AttemptRow.iteration_id)
                 .where(IterationRow.scene_id == scene_id)
                 .order_by(IterationRow.iteration, AttemptRow.number, MetricRow.id))
        with self._transactions.read() as session:
            return tuple(MetricRecord(row.attempt_id or "", row.dimension, row.kind, row.value, row.raw)
                         for row in session.scalars(query))

    def referenced_files(self) -> frozenset[Path]:
        """Start and end images that the requests of scenes and rounds name."""
        queries = (select(*(func.json_extract(kind.request, f"$.{name}") for name in ("start_image", "end_image")))
                   for kind in (SceneRow, IterationRow))
        with self._transactions.read() as session:
            return frozenset(Path(name) for query in queries for row in session.execute(query) for name in row if name)

    # -- helpers ------------------------------------------------------------------------------------------------

    def _hero(self, row: HeroFrameRow, place: str | None) -> HeroFrameRecord:
        return HeroFrameRecord(
            id=row.id, scene_id=row.scene_id, number=row.number, parent_id=row.parent_id,
            generation_id=row.generation_id, path=self._places.path(place or row.path), prompt=row.prompt,
            enhanced_prompt=row.enhanced_prompt, negative_prompt=row.negative_prompt, seed=row.seed, engine=row.engine,
            model=row.model, changes=row.changes, total=row.total, report=row.report, created_at=row.created_at)

    def _attempt(self, row: AttemptRow, place: str | None) -> AttemptRecord:
        return AttemptRecord(
            id=row.id, iteration_id=row.iteration_id, number=row.number, parent_attempt_id=row.parent_attempt_id,
            generation_id=row.generation_id, seed=row.seed, path=self._places.optional_path(place or row.path),
            error=row.error, warnings=tuple(row.warnings), total=row.total, report=row.report, rank=row.rank,
            proposed=row.proposed, selected=row.selected, by_person=row.by_person, created_at=row.created_at)


def _scene(row: SceneRow) -> SceneRecord:
    return SceneRecord(row.id, row.work_id, row.number, row.prompt, row.negative_prompt,
                       CameraMovement(row.camera_movement), row.hero_frame_id, row.selected_attempt_id,
                       None if row.request is None else VideoRequest.from_dict(row.request), row.created_at)


def _take_over(scene: SceneRow, request: VideoRequest) -> None:
    scene.prompt, scene.negative_prompt = request.prompt, request.negative_prompt
    scene.camera_movement = request.camera.value


def _iteration(row: IterationRow) -> IterationRecord:
    return IterationRecord(
        id=row.id, scene_id=row.scene_id, iteration=row.iteration, state=IterationState(row.state),
        request=VideoRequest.from_dict(row.request), parent_id=row.parent_id, parent_attempt_id=row.parent_attempt_id,
        hero_frame_id=row.hero_frame_id, changes=row.changes, ranking=row.ranking, review=tuple(row.review),
        seeds=tuple(row.seeds), automatic=row.automatic, flagged=row.flagged, notes=row.notes,
        created_at=row.created_at, finished_at=row.finished_at)


def _decision(row: DecisionRow) -> DecisionRecord:
    return DecisionRecord(row.attempt_id, row.key, row.accepted, row.suggestion, row.decided_at)


def _metrics(report: Mapping[str, Any] | None, *, attempt_id: str | None = None,
             hero_frame_id: str | None = None) -> list[MetricRow]:
    scores: Sequence[Mapping[str, Any]] = (report or {}).get("scores") or ()
    return [MetricRow(attempt_id=attempt_id, hero_frame_id=hero_frame_id, dimension=score["dimension"],
                      kind=score["kind"], value=score["value"], raw=score["raw"]) for score in scores]


def _place(session: Session, generation_id: str | None) -> str | None:
    """Where the library has the file of a video now."""
    row = session.get(GenerationRow, generation_id) if generation_id else None
    return None if row is None else row.path


def _need(session: Session, kind: type[Row], row_id: str) -> Row:
    row = session.get(kind, row_id)
    if row is None:
        raise StoreError(f"There is no {_NAMES[kind]} {row_id!r}.", fix="It may have been made in another folder.")
    return row


def _new_id() -> str:
    return uuid4().hex[:12]


def _same_file(one: Path, other: Path) -> bool:
    """Whether two files are there and have the same bytes."""
    try:
        return one.stat().st_size == other.stat().st_size and filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False
