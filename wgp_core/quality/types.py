"""What is measured and what comes out of it: dimensions, one score each, diagnostics, the report.

Frozen, with a JSON round trip. Knows nothing of frames, models or files.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ..errors import WgpError

REPORT_VERSION = 1


class QualityError(WgpError):
    """A video that cannot be scored, or a report that cannot be read."""


class Kind(enum.StrEnum):
    """Exact: the published measure with its own weights. Estimate: something that stands in for it, and says so."""

    EXACT = "exact"
    ESTIMATE = "estimate"
    UNAVAILABLE = "unavailable"


class Group(enum.StrEnum):
    """The three parts of the total."""

    TEMPORAL = "temporal"
    AESTHETIC = "aesthetic"
    ALIGNMENT = "alignment"

    @property
    def label(self) -> str:
        return _GROUP_LABELS[self]


_GROUP_LABELS = {Group.TEMPORAL: "Temporal quality", Group.AESTHETIC: "Picture quality",
                 Group.ALIGNMENT: "Agreement with the prompt"}


class Dimension(enum.StrEnum):
    """VBench's names (arXiv 2311.17982), except that agreement with the prompt is called what it is."""

    SUBJECT = "subject_consistency"
    BACKGROUND = "background_consistency"
    SMOOTHNESS = "motion_smoothness"
    FLICKERING = "temporal_flickering"
    DYNAMIC = "dynamic_degree"
    AESTHETIC = "aesthetic_quality"
    IMAGING = "imaging_quality"
    ALIGNMENT = "text_alignment"

    @property
    def label(self) -> str:
        return _DIMENSION_LABELS[self]

    @property
    def group(self) -> Group | None:
        """Where it counts; None for the dynamic degree, which stands beside the total."""
        return _DIMENSION_GROUPS[self]


_DIMENSION_LABELS = {
    Dimension.SUBJECT: "Subject consistency", Dimension.BACKGROUND: "Background consistency",
    Dimension.SMOOTHNESS: "Motion smoothness", Dimension.FLICKERING: "Free of flicker",
    Dimension.DYNAMIC: "Dynamic degree", Dimension.AESTHETIC: "Aesthetic quality",
    Dimension.IMAGING: "Imaging quality", Dimension.ALIGNMENT: "Agreement with the prompt",
}
_DIMENSION_GROUPS: dict[Dimension, Group | None] = {
    Dimension.SUBJECT: Group.TEMPORAL, Dimension.BACKGROUND: Group.TEMPORAL, Dimension.SMOOTHNESS: Group.TEMPORAL,
    Dimension.FLICKERING: Group.TEMPORAL, Dimension.DYNAMIC: None, Dimension.AESTHETIC: Group.AESTHETIC,
    Dimension.IMAGING: Group.AESTHETIC, Dimension.ALIGNMENT: Group.ALIGNMENT,
}


@dataclass(frozen=True)
class Curve:
    """Values over time: `values[i]`, 0..1 on the scale of the score, belongs to frame `frames[i]` (from 0)."""

    frames: tuple[int, ...] = ()
    values: tuple[float, ...] = ()

    def worst(self) -> tuple[int, float] | None:
        """Frame and value of the lowest point; None of an empty curve."""
        if not self.values:
            return None
        at = min(range(len(self.values)), key=self.values.__getitem__)
        return self.frames[at], self.values[at]


@dataclass(frozen=True)
class DimensionScore:
    """One dimension of one video.

    `value` is 0..1 and counts in the total; `raw` is the measure itself as its source defines it. Both are None where
    it is unavailable. `how` says in words what was measured, `reason` why it is no exact value, `missing` names parts
    of the prompt that do not show.
    """

    dimension: Dimension
    kind: Kind
    value: float | None = None
    raw: float | None = None
    how: str = ""
    reason: str = ""
    curve: Curve = field(default_factory=Curve)
    missing: tuple[str, ...] = ()

    @property
    def available(self) -> bool:
        return self.value is not None


def unavailable(dimension: Dimension, reason: str) -> DimensionScore:
    """A score that could not be had, and why."""
    return DimensionScore(dimension, Kind.UNAVAILABLE, reason=reason)


@dataclass(frozen=True)
class Share:
    """What a dimension weighs in the total: `asked` by the settings, `used` without those that are missing (0..1)."""

    dimension: Dimension
    kind: Kind
    asked: float
    used: float
    value: float | None


@dataclass(frozen=True)
class Total:
    """The weighted sum, 0..1; None where nothing could be measured. `basis` says what kinds went into it.

    "exact", "estimate", "mixed" or "none". `notes` say where the weights of missing dimensions went.
    """

    value: float | None
    basis: str
    shares: tuple[Share, ...] = ()
    notes: tuple[str, ...] = ()
    groups: Mapping[str, float] = field(default_factory=dict)
    """Group -> mean value of what it has, 0..1; a group with nothing is left out."""


@dataclass(frozen=True)
class Diagnostics:
    """Plain figures about the pictures. They are shown, explain the scores, and never count in the total.

    Luma is 0..255. `sharpness`, `blockiness` and shares are 0..1, `noise` is a standard deviation of luma,
    `brightness_flicker` the mean change of direction of the mean luma per frame, `motion` the flow's top 5 % in pixels
    per second as a share of the short side, `colourfulness` as in Hasler and Suesstrunk 2003 (0 grey to about 110).
    """

    brightness: float = 0.0
    contrast: float = 0.0
    colourfulness: float = 0.0
    sharpness: float = 0.0
    noise: float = 0.0
    blockiness: float = 0.0
    clipped_dark: float = 0.0
    clipped_light: float = 0.0
    brightness_flicker: float = 0.0
    motion: float = 0.0
    still_share: float = 0.0
    """Share of the pairs of frames that hardly differ."""
    repeat_share: float = 0.0
    """Share of the pairs that are still for a moment between moving ones: what stutters."""
    cuts: tuple[int, ...] = ()
    """Frames at which another shot begins."""


@dataclass(frozen=True)
class QualityReport:
    """Everything that was measured on one video. `file` is its name as it was given.

    `vbench_partial` is VBench's weighted quality over the exact dimensions alone; it is partial and not comparable
    with published VBench. `review` lists why a person should look; it is empty where nobody need.
    """

    file: str
    width: int
    height: int
    fps: float
    frames: int
    prompt: str
    scores: tuple[DimensionScore, ...]
    total: Total
    diagnostics: Diagnostics
    vbench_partial: float | None = None
    recommendations: tuple[str, ...] = ()
    review: tuple[str, ...] = ()
    timings_s: Mapping[str, float] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        return self.frames / self.fps if self.fps else 0.0

    def score(self, dimension: Dimension) -> DimensionScore:
        """The score of a dimension; an unavailable one where it was not asked for."""
        found = (score for score in self.scores if score.dimension is dimension)
        return next(found, unavailable(dimension, "It was not measured."))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; `from_dict` is its inverse."""
        return {"quality_report": REPORT_VERSION, **_plain(asdict(self))}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> QualityReport:
        """Raises `QualityError` where the data is no report of this version."""
        if not isinstance(data, Mapping) or data.get("quality_report") != REPORT_VERSION:
            found = data.get("quality_report") if isinstance(data, Mapping) else type(data).__name__
            raise QualityError(f"This is no quality report of format {REPORT_VERSION} (found: {found}).",
                               fix="Score the video again.")
        try:
            fields = {name: value for name, value in data.items() if name != "quality_report"}
            total = dict(fields["total"])
            shares = tuple(Share(**{**share, "dimension": Dimension(share["dimension"]), "kind": Kind(share["kind"])})
                           for share in total["shares"])
            diagnostics = Diagnostics(**{**fields["diagnostics"], "cuts": tuple(fields["diagnostics"]["cuts"])})
            return cls(**{
                **fields, "scores": tuple(_score(score) for score in fields["scores"]), "diagnostics": diagnostics,
                "total": Total(**{**total, "shares": shares, "notes": tuple(total["notes"])}),
                "recommendations": tuple(fields["recommendations"]), "review": tuple(fields["review"])})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise QualityError(f"The quality report is damaged: {error!r}.", fix="Score the video again.") from error


def _score(data: Mapping[str, Any]) -> DimensionScore:
    curve = Curve(tuple(data["curve"]["frames"]), tuple(data["curve"]["values"]))
    return DimensionScore(**{**data, "dimension": Dimension(data["dimension"]), "kind": Kind(data["kind"]),
                             "curve": curve, "missing": tuple(data["missing"])})


def _plain(value: Any) -> Any:
    """Tuples as lists and enums as their names, as JSON would have them."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, enum.Enum) else value
