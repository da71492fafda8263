"""The weighted total: what counts how much, and where the weight of what is missing goes.

Within a group the dimensions weigh alike. What is missing counts nothing, and the weights of the rest are enlarged in
proportion; the notes say so, and which kinds of values the total is made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import SettingsError
from ..settings import Settings
from .types import Dimension, DimensionScore, Group, Kind, Share, Total


@dataclass(frozen=True)
class Weights:
    """What each group weighs; only the proportions matter. Raises `SettingsError` where none is above 0."""

    temporal: float = 40.0
    aesthetic: float = 30.0
    alignment: float = 30.0

    def __post_init__(self) -> None:
        if min(self.temporal, self.aesthetic, self.alignment) < 0 or self.sum <= 0:
            raise SettingsError("The weights of the quality score are "
                                f"{self.temporal:g}, {self.aesthetic:g} and {self.alignment:g}.",
                                fix="None may be below 0, and one must be above 0.")

    @classmethod
    def of(cls, settings: Settings) -> Weights:
        return cls(settings.quality_temporal_weight, settings.quality_aesthetic_weight,
                   settings.quality_alignment_weight)

    @property
    def sum(self) -> float:
        return self.temporal + self.aesthetic + self.alignment

    def share(self, group: Group) -> float:
        """The group's part of the whole, 0..1."""
        return {Group.TEMPORAL: self.temporal, Group.AESTHETIC: self.aesthetic,
                Group.ALIGNMENT: self.alignment}[group] / self.sum


def members(group: Group) -> tuple[Dimension, ...]:
    """The dimensions that count in a group."""
    return tuple(dimension for dimension in Dimension if dimension.group is group)


def weigh(scores: Sequence[DimensionScore], weights: Weights) -> Total:
    """The total of one video's scores. A dimension that is not in `scores` counts as missing."""
    by_name = {score.dimension: score for score in scores}
    asked = {d: weights.share(group) / len(members(group)) for group in Group for d in members(group)}
    values = {d: by_name[d].value for d in asked if d in by_name}
    present = sum(weight for d, weight in asked.items() if values.get(d) is not None)
    shares = tuple(Share(d, by_name[d].kind if d in by_name else Kind.UNAVAILABLE, weight,
                         weight / present if present and values.get(d) is not None else 0.0, values.get(d))
                   for d, weight in asked.items())
    value = sum(share.used * (share.value or 0.0) for share in shares) if present else None
    groups = {}
    for group in Group:
        have = [v for d in members(group) if (v := values.get(d)) is not None]
        if have:
            groups[group.value] = sum(have) / len(have)
    return Total(value, _basis(shares), shares, _notes(shares), groups)


def _basis(shares: Sequence[Share]) -> str:
    kinds = {share.kind for share in shares if share.used > 0}
    return "none" if not kinds else next(iter(kinds)).value if len(kinds) == 1 else "mixed"


def _notes(shares: Sequence[Share]) -> tuple[str, ...]:
    notes = []
    lost = [share for share in shares if share.value is None and share.asked > 0]
    if lost:
        names = ", ".join(f"{share.dimension.label} ({100 * share.asked:.0f} %)" for share in lost)
        is_are, its = ("is", "its") if len(lost) == 1 else ("are", "their")
        went = f"{its} weight is shared out among the rest." if any(s.used > 0 for s in shares) else "nothing is left."
        notes.append(f"Not available {is_are} {names}; {went}")
    kinds = {kind: [s.dimension.label for s in shares if s.used > 0 and s.kind is kind]
             for kind in (Kind.EXACT, Kind.ESTIMATE)}
    if kinds[Kind.EXACT] and kinds[Kind.ESTIMATE]:
        notes.append(f"The total mixes exact values ({', '.join(kinds[Kind.EXACT])}) with estimates "
                     f"({', '.join(kinds[Kind.ESTIMATE])}).")
    elif kinds[Kind.ESTIMATE]:
        notes.append("The total is made of estimates only.")
    return tuple(notes)
