"""The weighted total: what counts how much, and where the weight of what is missing goes.

Within a group the dimensions weigh alike. A missing dimension's weight goes to the rest of its group; a group with
nothing gives its weight to the other groups in proportion. Both are said in the notes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import SettingsError
from ..settings import Settings
from .types import Dimension, DimensionScore, Group, Kind, Share, Total


@dataclass(frozen=True)
class Weights:
    """What each group weighs, in any unit; only the proportions matter. Raises `SettingsError` where none is above 0."""

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
    have = {group: [d for d in members(group) if d in by_name and by_name[d].available] for group in Group}
    counted = {group: weights.share(group) for group in Group if have[group] and weights.share(group) > 0}
    spread = sum(counted.values())
    shares: list[Share] = []
    for group in Group:
        for dimension in members(group):
            score = by_name.get(dimension)
            present = dimension in have[group] and group in counted
            used = counted[group] / spread / len(have[group]) if present else 0.0
            shares.append(Share(dimension, score.kind if score else Kind.UNAVAILABLE,
                                weights.share(group) / len(members(group)), used, score.value if score else None))
    value = sum(share.used * (share.value or 0.0) for share in shares) if counted else None
    groups = {group.value: sum(by_name[d].value or 0.0 for d in have[group]) / len(have[group])
              for group in Group if have[group]}
    return Total(value, _basis(shares), tuple(shares), _notes(shares, weights, have), groups)


def _basis(shares: Sequence[Share]) -> str:
    kinds = {share.kind for share in shares if share.used > 0}
    return "none" if not kinds else next(iter(kinds)).value if len(kinds) == 1 else "mixed"


def _notes(shares: Sequence[Share], weights: Weights, have: dict[Group, list[Dimension]]) -> tuple[str, ...]:
    notes = []
    asked_groups = [group for group in Group if weights.share(group) > 0]
    for group in asked_groups:
        lost = [d for d in members(group) if d not in have[group]]
        if not lost:
            continue
        names = " and ".join(d.label for d in lost)
        weight = 100 * weights.share(group) * len(lost) / len(members(group))
        is_are = "is" if len(lost) == 1 else "are"
        if have[group]:
            to = " and ".join(d.label for d in have[group])
        else:
            others = [g for g in asked_groups if have[g]]
            to = " and ".join(g.label for g in others)
        went = f"its {weight:.0f} % went to {to}" if to else "nothing else could be counted"
        if len(lost) > 1:
            went = went.replace("its", "their", 1)
        notes.append(f"{names} {is_are} not available; {went}.")
    kinds = {kind: [s.dimension.label for s in shares if s.used > 0 and s.kind is kind]
             for kind in (Kind.EXACT, Kind.ESTIMATE)}
    if kinds[Kind.EXACT] and kinds[Kind.ESTIMATE]:
        notes.append(f"The total mixes exact values ({', '.join(kinds[Kind.EXACT])}) with estimates "
                     f"({', '.join(kinds[Kind.ESTIMATE])}).")
    elif kinds[Kind.ESTIMATE]:
        notes.append("The total is made of estimates only.")
    return tuple(notes)
