"""Spoils true renders as an autoencoder would, so that the detector is measured on what it will see."""

from __future__ import annotations

import cv2
import numpy as np


def degrade(clip: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Roughly what an autoencoder does to a clip: blur of sigma 0.7, noise of sigma 6, each channel off by up to 10.

    The detector is measured on clips spoiled like this.
    """
    shift = rng.uniform(-10, 10, 3)
    soft = np.stack([cv2.GaussianBlur(frame.astype(np.float32), (0, 0), 0.7) for frame in clip])
    return np.clip(soft + rng.normal(0, 6, clip.shape) + shift, 0, 255).astype(np.uint8)
