"""Subject consistency: DINO ViT-B/16 over the whole picture; without it, an estimate on the middle of it."""

from __future__ import annotations

import numpy as np

from .consistency import EstimatedConsistency, ExactConsistency
from .metric import Metric, Setup, exact_or
from .types import Dimension

HOW = "VBench: DINO ViT-B/16, each frame against the one before and the first."


def middle(height: int, width: int) -> np.ndarray:
    """Weights of a bell around the centre, a quarter of the picture wide (one sigma): float32 (height, width)."""
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None]
    return np.exp(-(rows**2 + columns**2) / (2 * 0.5**2))


def choose(setup: Setup) -> Metric:
    """Exact where DINO is installed."""
    return exact_or(setup, lambda models: ExactConsistency(Dimension.SUBJECT, models.dino_vectors(), HOW),
                    lambda reason: EstimatedConsistency(Dimension.SUBJECT, middle, "in the middle of the picture",
                                                        reason))
