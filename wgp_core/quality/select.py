"""Ranks several reports of the same request, and says how: on what they were compared, what was left out, what is tied.

Totals of different make cannot be compared: where one video lacks a dimension or has it measured in another way, that
dimension is left out for all, visibly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .advice import is_frozen
from .total import Weights, weigh
from .types import Dimension, QualityReport, unavailable

TIE = 0.005
"""Totals (0..1) closer than half a point are a tie: encoding the same frames again moves them as much."""


@dataclass(frozen=True)
class Place:
    """One video in a ranking: `index` among the reports, `rank` from 1 (tied ones share it), its comparable total."""

    index: int
    rank: int
    value: float | None
    frozen: bool = False


@dataclass(frozen=True)
class Ranking:
    """`places` best first. `selected` is the index of the choice; None where nothing could be compared.

    `tied` are the indices that share the first rank with it. `compared` and `left_out` name the dimensions.
    """

    places: tuple[Place, ...]
    selected: int | None
    tied: tuple[int, ...] = ()
    compared: tuple[Dimension, ...] = ()
    left_out: tuple[Dimension, ...] = ()
    notes: tuple[str, ...] = ()
    still_first: bool = False
    """Whether the choice hardly moves while others do."""

    @property
    def needs_person(self) -> bool:
        """Whether the numbers do not decide."""
        return self.selected is None or bool(self.tied) or self.still_first


def rank(reports: Sequence[QualityReport], weights: Weights | None = None, *, tie: float = TIE,
         expects_motion: bool = False) -> Ranking:
    """Order reports by their weighted totals over the dimensions that all of them have, measured the same way.

    Stillness scores well in time: with `expects_motion` a video that hardly moves comes after those that move; without,
    it may be first, and the ranking says that a person should look. Among tied ones the order of the reports decides,
    and the tie is said.
    """
    if not reports:
        return Ranking((), None, notes=("There is nothing to rank.",))
    compared, left_out = _common(reports)
    values = [_value(report, compared, weights or Weights()) for report in reports]
    frozen = [is_frozen(report) for report in reports]
    some_still = any(frozen) and not all(frozen)
    demoted = expects_motion and some_still
    notes = _notes(reports, left_out, demoted, frozen)
    if not compared or all(value is None for value in values):
        side_by_side = tuple(Place(i, 1, None, frozen[i]) for i in range(len(reports)))
        return Ranking(side_by_side, None, left_out=left_out, notes=(*notes, "The videos have no measured dimension in "
                                                                       "common; a person has to choose."))

    def key(i: int) -> tuple[bool, float, int]:
        return demoted and frozen[i], -(values[i] or 0.0), i

    order = sorted(range(len(reports)), key=key)
    places: list[Place] = []
    for at, i in enumerate(order):
        rank_here = at + 1
        if places:
            lead = order[places[-1].rank - 1]
            same_side = not demoted or frozen[lead] == frozen[i]
            if same_side and (values[lead] or 0.0) - (values[i] or 0.0) < tie:
                rank_here = places[-1].rank
        places.append(Place(i, rank_here, values[i], frozen[i]))
    first = sorted(place.index for place in places if place.rank == 1)
    selected = first[0] if len(first) > 1 else order[0]
    tied = tuple(i for i in first if i != selected)
    if tied:
        names = " and ".join(_name(reports, i) for i in first)
        notes = (*notes, f"Tied within {100 * tie:g} points: {names}. The first of them is taken.")
    still_first = frozen[selected] and some_still
    if still_first:
        notes = (*notes, f"First is {_name(reports, selected)}, but it hardly moves and others do; stillness scores "
                 "well.")
    return Ranking(tuple(places), selected, tied, compared, left_out, notes, still_first)


def _common(reports: Sequence[QualityReport]) -> tuple[tuple[Dimension, ...], tuple[Dimension, ...]]:
    """(Measured by all and in the same way, measured by some) among the dimensions that count."""
    compared, left_out = [], []
    for dimension in Dimension:
        if dimension.group is None:
            continue
        scores = [report.score(dimension) for report in reports]
        ways = {(score.kind, score.how) for score in scores if score.available}
        if len(ways) == 1 and all(score.available for score in scores):
            compared.append(dimension)
        elif ways:
            left_out.append(dimension)
    return tuple(compared), tuple(left_out)


def _value(report: QualityReport, compared: Sequence[Dimension], weights: Weights) -> float | None:
    scores = [score if score.dimension in compared else unavailable(score.dimension, "left out")
              for score in report.scores]
    return weigh(scores, weights).value


def _notes(reports: Sequence[QualityReport], left_out: Sequence[Dimension], demoted: bool,
           frozen: Sequence[bool]) -> tuple[str, ...]:
    notes = []
    for dimension in left_out:
        lacking = [_name(reports, i) for i, r in enumerate(reports) if not r.score(dimension).available]
        why = f"missing in {', '.join(lacking)}" if lacking else "it was measured in different ways"
        notes.append(f"{dimension.label} was left out of the comparison: {why}.")
    if demoted:
        still = ", ".join(_name(reports, i) for i, is_still in enumerate(frozen) if is_still)
        notes.append(f"Hardly moving, and therefore after those that move: {still}.")
    return tuple(notes)


def _name(reports: Sequence[QualityReport], index: int) -> str:
    """The file's name where it tells the reports apart, else the number."""
    names = [report.file for report in reports]
    return names[index] if names[index] and names.count(names[index]) == 1 else f"number {index + 1}"


def only(reports: Sequence[QualityReport], dimensions: Sequence[Dimension]) -> tuple[QualityReport, ...]:
    """The reports with all other dimensions taken away: for ranking by chosen ones."""
    return tuple(replace(report, scores=tuple(s for s in report.scores if s.dimension in dimensions))
                 for report in reports)
