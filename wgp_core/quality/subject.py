"""Subject consistency: DINO ViT-B/16 over the whole picture; without it, an estimate on what stands out in it."""

from __future__ import annotations

import cv2
import numpy as np

from .consistency import EstimatedConsistency, ExactConsistency
from .metric import Metric, Setup, exact_or
from .types import Dimension

HOW = "VBench: DINO ViT-B/16, each frame against the one before and the first."
FAINT = 0.03
"""Weight of places that do not stand out: where nothing does, the whole picture is compared."""
RIM_STEP = 4


def standing_out(square: np.ndarray) -> np.ndarray:
    """Weights 0..1 of what is unlike the rim of the picture, float32 (height, width), more so towards the middle.

    A place counts by its distance in Lab to the nearest colour of the rim (a boundary prior, as in Wei et al. 2012).
    """
    lab = cv2.cvtColor(square.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    rim = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])[::RIM_STEP]
    flat = lab.reshape(-1, 3)
    squares = (flat**2).sum(1)[:, None] - 2 * flat @ rim.T + (rim**2).sum(1)
    apart = np.sqrt(np.maximum(squares.min(axis=1), 0)).reshape(square.shape[:2])
    return np.clip(apart / 40, 0, 1) ** 2 * (0.3 + 0.7 * middle(*square.shape[:2])) + np.float32(FAINT)


def middle(height: int, width: int) -> np.ndarray:
    """Weights of a bell around the centre, half of the way to the rim wide (one sigma): float32 (height, width)."""
    rows = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, width, dtype=np.float32)[None]
    return np.exp(-(rows**2 + columns**2) / (2 * 0.5**2))


def choose(setup: Setup) -> Metric:
    """Exact where DINO is installed."""
    return exact_or(setup, lambda models: ExactConsistency(Dimension.SUBJECT, models.dino_vectors(), HOW),
                    lambda reason: EstimatedConsistency(Dimension.SUBJECT, standing_out, 1,
                                                        "of what stands out from the rim of the picture", reason))
