"""The frames of a video as the dimensions see them: decoded once, and what several of them need is computed once.

A frame keeps what was made from it (`once`) as long as somebody holds the frame; nobody needs to hold more than a few,
so memory does not grow with the length of a video.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np

WORKING_SIDE = 256
"""Pixels of the short side on which flow, palettes and layouts are compared; smaller pictures stay as they are."""

T = TypeVar("T")


@dataclass(frozen=True)
class ClipFacts:
    """Size in pixels, frames per second, and how many frames were seen."""

    width: int
    height: int
    fps: float
    frames: int


class Frame:
    """One frame: `rgb` is uint8 (height, width, 3), `index` counts from 0."""

    def __init__(self, index: int, rgb: np.ndarray) -> None:
        self.index = index
        self.rgb = rgb
        self._made: dict[str, object] = {}

    def once(self, name: str, make: Callable[[], T]) -> T:
        """What `make` returns, computed the first time that `name` is asked for."""
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]  # type: ignore[return-value]

    @property
    def luma(self) -> np.ndarray:
        """BT.601 luma in full size, uint8 (height, width)."""
        return self.once("luma", lambda: cv2.cvtColor(self.rgb, cv2.COLOR_RGB2GRAY))

    @property
    def small(self) -> np.ndarray:
        """RGB uint8 with a short side of at most `WORKING_SIDE`, by area."""
        return self.once("small", lambda: _shrunk(self.rgb))

    @property
    def small_luma(self) -> np.ndarray:
        """Luma of `small`, uint8."""
        return self.once("small_luma", lambda: cv2.cvtColor(self.small, cv2.COLOR_RGB2GRAY))


def flow_between(first: Frame, second: Frame) -> np.ndarray:
    """How the picture moves from `first` to `second`: float32 (h, w, 2) in pixels of `small`.

    Dense inverse search (Kroeger et al. 2016) in OpenCV's medium setting; it is computed once and kept with `first`.
    """
    return first.once(f"flow to {second.index}",
                      lambda: _flow_engine().calc(first.small_luma, second.small_luma, None))  # type: ignore[arg-type]


@functools.cache
def _flow_engine() -> cv2.DISOpticalFlow:
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)


def _shrunk(rgb: np.ndarray) -> np.ndarray:
    height, width = rgb.shape[:2]
    scale = WORKING_SIDE / min(height, width)
    if scale >= 1:
        return rgb
    return cv2.resize(rgb, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
