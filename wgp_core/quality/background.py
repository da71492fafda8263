"""Background consistency: CLIP ViT-B/32 over the whole picture; without it, an estimate on its rim."""

from __future__ import annotations

import numpy as np

from .consistency import EstimatedConsistency, ExactConsistency
from .metric import Metric, Setup, exact_or
from .models import CLIP_SMALL, QualityModels
from .subject import middle
from .types import Dimension

HOW = "VBench: CLIP ViT-B/32, each frame against the one before and the first."


def rim(height: int, width: int) -> np.ndarray:
    """Weights of what lies away from the centre: float32 (height, width)."""
    return 1 - middle(height, width)


def choose(setup: Setup) -> Metric:
    """Exact where CLIP ViT-B/32 is installed; its vectors are shared with the agreement with the prompt."""

    def exact(models: QualityModels) -> Metric:
        return ExactConsistency(Dimension.BACKGROUND, models.clip_vectors(CLIP_SMALL, setup.shared), HOW)

    return exact_or(setup, exact, lambda reason: EstimatedConsistency(
        Dimension.BACKGROUND, rim, "away from the middle of the picture", reason))
