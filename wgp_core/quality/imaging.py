"""Imaging quality, as an estimate: how sharp, clean and well exposed the pictures are.

VBench asks MUSIQ, whose code and weights are for non-commercial use only; it is not built in here.
"""

from __future__ import annotations

import numpy as np

from .frames import ClipFacts, Frame
from .metric import Metric, Setup, too_short
from .pictures import PictureFigures, figures_of
from .types import Curve, Dimension, DimensionScore, Kind
from .vbench import within

HOW = "Estimate: sharpness, noise, blocks and exposure; technical faults only."
REASON = "VBench's own measure needs MUSIQ, whose licence forbids commercial use; it is not built in."
NOISE_WORST = 20.0
"""Standard deviation of luma at which a picture counts as all noise."""
BLUR_WORST, BLUR_NONE = 0.25, 0.6
"""Sharpness (`pictures.sharpness`) of hopeless blur, and of a picture in focus."""


class EstimatedImaging:
    """The mean over frames of a product, so that one bad fault is not made up for by the absence of others."""

    dimension = Dimension.IMAGING

    def __init__(self) -> None:
        self._values: list[float] = []

    def see(self, frame: Frame) -> None:
        self._values.append(picture_value(figures_of(frame)))

    def finish(self, clip: ClipFacts) -> DimensionScore:
        if not self._values:
            return too_short(self.dimension, 1, clip)
        value = float(np.mean(self._values))
        return DimensionScore(self.dimension, Kind.ESTIMATE, value, value, HOW, REASON,
                              Curve(tuple(range(clip.frames)), tuple(self._values)))


def picture_value(figures: PictureFigures) -> float:
    """0..1 of one picture. Each factor is 1 where there is no fault."""
    sharp = 0.3 + 0.7 * within(figures.sharpness, BLUR_WORST, BLUR_NONE)
    clean = 1.0 - within(figures.noise, 1.0, NOISE_WORST)
    whole = 1.0 - 0.5 * within(figures.blockiness, 0.15, 1.0)
    return sharp * clean * whole * exposure(figures)


def exposure(figures: PictureFigures) -> float:
    """0..1: little contrast, and light or dark that is cut off in a picture which is light or dark throughout.

    A dark page with bright lines, or a night scene, has much black and is no fault; only what has hardly anything
    between is.
    """
    contrast = within(figures.contrast, 0.0, 30.0)
    burnt = within(figures.clipped_light, 0.25, 1.0) * within(figures.brightness, 160.0, 245.0)
    drowned = within(figures.clipped_dark, 0.5, 1.0) * (1.0 - within(figures.brightness, 5.0, 40.0))
    return (0.25 + 0.75 * contrast) * (1.0 - burnt) * (1.0 - drowned)


def choose(_setup: Setup) -> Metric:
    """Always the estimate."""
    return EstimatedImaging()
