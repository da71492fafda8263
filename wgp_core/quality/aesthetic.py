"""Aesthetic quality: LAION's linear head on CLIP ViT-L/14. Taste has no honest estimate; without them there is none."""

from __future__ import annotations

import numpy as np

from .frames import ClipFacts, Frame
from .metric import Metric, Setup, Unavailable, exact_or
from .models import CLIP_LARGE, QualityModels
from .types import Curve, Dimension, DimensionScore, Kind
from .vbench import normalised

HOW = "VBench: LAION's aesthetic head on CLIP ViT-L/14."


class Aesthetic:
    """The mean over frames of the head's 0..10, divided by 10."""

    dimension = Dimension.AESTHETIC

    def __init__(self, models: QualityModels, shared: dict[str, object]) -> None:
        self._head = models.aesthetic_head()
        self._encoder = models.clip_vectors(CLIP_LARGE, shared)

    def see(self, frame: Frame) -> None:
        self._encoder.see(frame)

    def finish(self, clip: ClipFacts) -> DimensionScore:
        vectors = self._encoder.vectors()
        weight = self._head.weight.cpu().numpy()[0]
        values = (vectors @ weight + float(self._head.bias)) / 10.0
        raw = float(np.mean(values))
        curve = tuple(normalised(self.dimension, float(v)) for v in values)
        return DimensionScore(self.dimension, Kind.EXACT, normalised(self.dimension, raw), raw, HOW,
                              curve=Curve(tuple(range(clip.frames)), curve))


def choose(setup: Setup) -> Metric:
    """Exact where both parts are installed, otherwise unavailable."""
    return exact_or(setup, lambda models: Aesthetic(models, setup.shared),
                    lambda reason: Unavailable(Dimension.AESTHETIC, f"Taste has no honest estimate. {reason}"))
