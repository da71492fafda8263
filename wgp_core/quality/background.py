"""Background consistency: CLIP ViT-B/32 over the whole picture; without it, an estimate on what does not stand out."""

from __future__ import annotations

import numpy as np

from .consistency import EstimatedConsistency, ExactConsistency
from .metric import Metric, Setup, exact_or
from .models import CLIP_SMALL, QualityModels
from .subject import middle, standing_out
from .types import Dimension

HOW = "VBench: CLIP ViT-B/32, each frame against the one before and the first."
PLACES = 4
"""Places a side by which edges are told apart."""


def rim(square: np.ndarray) -> np.ndarray:
    """Weights of what lies away from the centre and does not stand out: float32 (height, width)."""
    return (1 - middle(*square.shape[:2])) * (1 - 0.9 * np.minimum(standing_out(square), 1))


def choose(setup: Setup) -> Metric:
    """Exact where CLIP ViT-B/32 is installed; its vectors are shared with the agreement with the prompt."""

    def exact(models: QualityModels) -> Metric:
        return ExactConsistency(Dimension.BACKGROUND, models.clip_vectors(CLIP_SMALL, setup.shared), HOW)

    return exact_or(setup, exact, lambda reason: EstimatedConsistency(
        Dimension.BACKGROUND, rim, PLACES, "of what does not stand out", reason))
