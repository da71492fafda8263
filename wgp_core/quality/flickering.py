"""Temporal flickering, exactly: (255 - mean absolute difference of neighbouring frames) / 255, in full size.

It needs no model. Whatever moves lowers it too, so that VBench applies it to still scenes only; the score says so.
"""

from __future__ import annotations

import cv2
import numpy as np

from .frames import ClipFacts, Frame
from .metric import Metric, Setup, too_short
from .types import Curve, Dimension, DimensionScore, Kind
from .vbench import normalised

HOW = "VBench's formula: mean difference of neighbouring frames; motion lowers it too."


class Flickering:
    """Holds the last frame only."""

    dimension = Dimension.FLICKERING

    def __init__(self) -> None:
        self._last: Frame | None = None
        self._frames: list[int] = []
        self._differences: list[float] = []

    def see(self, frame: Frame) -> None:
        if self._last is not None:
            self._frames.append(frame.index)
            self._differences.append(mean_difference(self._last, frame))
        self._last = frame

    def finish(self, clip: ClipFacts) -> DimensionScore:
        if not self._differences:
            return too_short(self.dimension, 2, clip)
        raw = (255.0 - float(np.mean(self._differences))) / 255.0
        curve = tuple(normalised(self.dimension, (255.0 - d) / 255.0) for d in self._differences)
        return DimensionScore(self.dimension, Kind.EXACT, normalised(self.dimension, raw), raw, HOW,
                              curve=Curve(tuple(self._frames), curve))


def mean_difference(first: Frame, second: Frame) -> float:
    """Mean absolute difference of two frames over pixels and channels, 0..255: a whole sum, divided once."""
    return second.once(f"difference to {first.index}",
                       lambda: cv2.norm(first.rgb, second.rgb, cv2.NORM_L1) / first.rgb.size)


def choose(_setup: Setup) -> Metric:
    """Always the exact one."""
    return Flickering()
