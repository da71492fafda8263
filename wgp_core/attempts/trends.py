"""Looking back: how the score of a scene went over its iterations, what to do again, how often the scores were right.

Two iterations are compared only on what both have measured the same way (`quality.select.rank`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import mean
from typing import TYPE_CHECKING

from ..quality.select import rank
from ..quality.total import Weights
from ..quality.types import QualityReport
from ..store.attempt_records import AttemptRecord, IterationRecord

if TYPE_CHECKING:
    from ..store import Store


@dataclass(frozen=True)
class TrendPoint:
    """One iteration: totals 0..1 of the selected attempt and of all together, and what it gained over its parent.

    `gain` is None without a parent, or where the two have nothing in common. `dimensions` are the selected one's.
    """

    iteration: IterationRecord
    selected: AttemptRecord | None
    total: float | None
    mean_total: float | None
    gain: float | None
    dimensions: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Workflow:
    """Figures on how the work went. `accepted` of `decided` rounds kept what the scores took; `mean_gain` is 0..1.

    `refinements` are rounds that went on from an attempt, `automatic` those of them that no person asked for. Of the
    suggestions a person decided on `suggestions_decided` and took `suggestions_accepted`.
    """

    rounds: int
    attempts: int
    failed: int
    decided: int
    accepted: int
    refinements: int
    mean_gain: float | None
    automatic: int = 0
    suggestions_decided: int = 0
    suggestions_accepted: int = 0

    @property
    def manual(self) -> int:
        """Rounds after the first that a person asked for."""
        return max(0, self.rounds - 1 - self.automatic)


@dataclass(frozen=True)
class Overview:
    """The scenes of a work as they stand: the selected total of each (None without one), the mean, what to redo."""

    totals: Mapping[str, float | None]
    overall: float | None
    redo: tuple[str, ...] = ()
    """Scene ids: without a selected video, marked by a person, or doubtful by the scores; the lowest total first."""


def trend(scene_id: str, store: Store, weights: Weights | None = None) -> tuple[TrendPoint, ...]:
    """The iterations of a scene, the first first."""
    rounds = {iteration.id: (iteration, store.attempts.attempts(iteration.id))
              for iteration in store.attempts.iterations(scene_id)}
    return tuple(_point(iteration, attempts, rounds, weights) for iteration, attempts in rounds.values())


def workflow(scene_id: str, store: Store, weights: Weights | None = None) -> Workflow:
    """Figures over all rounds of a scene."""
    points = trend(scene_id, store, weights)
    made = [attempt for point in points for attempt in store.attempts.attempts(point.iteration.id)]
    decided = [point for point in points if point.selected is not None]
    gains = [point.gain for point in points if point.gain is not None]
    words = store.attempts.decisions(scene_id)
    return Workflow(
        rounds=len(points), attempts=len(made), failed=sum(bool(attempt.error) for attempt in made),
        decided=len(decided), accepted=sum(bool(point.selected and point.selected.proposed) for point in decided),
        refinements=sum(point.iteration.parent_attempt_id is not None for point in points),
        mean_gain=mean(gains) if gains else None, automatic=sum(point.iteration.automatic for point in points),
        suggestions_decided=len(words), suggestions_accepted=sum(word.accepted for word in words))


def overview(work_id: str, store: Store) -> Overview:
    """What counts for each scene of a work now."""
    totals: dict[str, float | None] = {}
    redo: list[str] = []
    book = store.attempts
    for scene in book.scenes(work_id=work_id, limit=1_000):
        chosen = book.attempt(scene.selected_attempt_id) if scene.selected_attempt_id else None
        totals[scene.id] = None if chosen is None else chosen.total
        round_ = None if chosen is None else book.iteration(chosen.iteration_id)
        doubtful = round_ is not None and chosen is not None and bool(round_.review) and not chosen.by_person
        if round_ is None or round_.flagged or doubtful:
            redo.append(scene.id)
    known = [total for total in totals.values() if total is not None]
    redo.sort(key=lambda scene_id: totals[scene_id] or 0.0)
    return Overview(totals, mean(known) if known else None, tuple(redo))


def _point(iteration: IterationRecord, attempts: tuple[AttemptRecord, ...],
           rounds: Mapping[str, tuple[IterationRecord, tuple[AttemptRecord, ...]]],
           weights: Weights | None) -> TrendPoint:
    chosen = _selected(attempts)
    totals = [attempt.total for attempt in attempts if attempt.total is not None]
    gain = None
    if iteration.parent_id is not None and iteration.parent_id in rounds and chosen is not None:
        started = next((a for a in rounds[iteration.parent_id][1] if a.id == iteration.parent_attempt_id), None)
        gain = gained(started, chosen, weights)
    report = report_of(chosen)
    dimensions = {} if report is None else {s.dimension.value: s.value for s in report.scores if s.value is not None}
    return TrendPoint(iteration, chosen, chosen and chosen.total, mean(totals) if totals else None, gain, dimensions)


def gained(before: AttemptRecord | None, after: AttemptRecord, weights: Weights | None = None) -> float | None:
    """How much the total rose, over the dimensions that both have measured the same way; None where there are none."""
    reports = [report for report in (report_of(before), report_of(after)) if report is not None]
    if len(reports) < 2:
        return None
    values = {place.index: place.value for place in rank(reports, weights).places}
    old, new = values[0], values[1]
    return None if old is None or new is None else new - old


def _selected(attempts: tuple[AttemptRecord, ...]) -> AttemptRecord | None:
    return next((attempt for attempt in attempts if attempt.selected), None)


def report_of(attempt: AttemptRecord | None) -> QualityReport | None:
    """The scores of an attempt; None where it has none."""
    return QualityReport.from_dict(attempt.report) if attempt is not None and attempt.report is not None else None
