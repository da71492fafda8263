"""VBench's constants: how a raw value becomes 0..1, and what it weighs (arXiv 2311.17982, appendix, and its code).

Only exact values may be put through these; an estimate has a scale of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .types import Dimension, DimensionScore, Kind


@dataclass(frozen=True)
class Range:
    """The least and greatest raw value that VBench observed, and the weight of the dimension in its quality score."""

    low: float
    high: float
    weight: float


RANGES: dict[Dimension, Range] = {
    Dimension.SUBJECT: Range(0.1462, 1.0, 1.0),
    Dimension.BACKGROUND: Range(0.2615, 1.0, 1.0),
    Dimension.FLICKERING: Range(0.6293, 1.0, 1.0),
    Dimension.SMOOTHNESS: Range(0.706, 0.9975, 1.0),
    Dimension.DYNAMIC: Range(0.0, 1.0, 0.5),
    Dimension.AESTHETIC: Range(0.0, 1.0, 1.0),
    Dimension.IMAGING: Range(0.0, 1.0, 1.0),
}
ALIGNMENT_RANGE = Range(0.0, 0.364, 1.0)
"""Of overall consistency. It belongs to VBench's semantic score, hence not to `RANGES`."""


def within(raw: float, low: float, high: float) -> float:
    """(raw - low) / (high - low), kept within 0..1."""
    return min(1.0, max(0.0, (raw - low) / (high - low)))


def normalised(dimension: Dimension, raw: float) -> float:
    """VBench's 0..1 of an exact raw value."""
    known = ALIGNMENT_RANGE if dimension is Dimension.ALIGNMENT else RANGES[dimension]
    return within(raw, known.low, known.high)


def partial_quality(scores: Iterable[DimensionScore]) -> float | None:
    """VBench's quality score over the exact dimensions that are there, divided by their weights; None without any."""
    present = [(RANGES[s.dimension].weight, normalised(s.dimension, s.raw)) for s in scores
               if s.kind is Kind.EXACT and s.raw is not None and s.dimension in RANGES]
    return sum(w * v for w, v in present) / sum(w for w, _ in present) if present else None
