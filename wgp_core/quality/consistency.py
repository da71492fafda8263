"""What subject and background consistency share: vectors of frames, compared with the one before and the first.

VBench's formula: the mean over frames i >= 1 of half of max(0, cos(f_i, f_i-1)) + max(0, cos(f_i, f_0)).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np

from .frames import ClipFacts, Frame
from .metric import too_short
from .types import Curve, Dimension, DimensionScore, Kind
from .vbench import normalised, within

ESTIMATE_LOW = 0.6
"""Cosine of colours and edges at which the estimate is 0: about that of unrelated pictures."""
COLOUR_BINS = 6
HOG_SIDE = 64
_WORDS = ("Estimate: colours and edge directions {where}; it sees palette and layout drift, not identity.")


class VectorsOf(Protocol):
    """Turns frames into unit vectors, some at a time."""

    def see(self, frame: Frame) -> None: ...

    def vectors(self) -> np.ndarray:
        """Unit vectors of all frames seen, float32 [frames, width]."""
        ...


def frame_values(vectors: np.ndarray) -> np.ndarray:
    """For unit vectors [n, d] the value of each frame from the second on, float64 [n - 1]."""
    wide = vectors.astype(np.float64)
    before = np.maximum(0.0, np.einsum("nd,nd->n", wide[1:], wide[:-1]))
    first = np.maximum(0.0, wide[1:] @ wide[0])
    return 0.5 * (before + first)


class ExactConsistency:
    """The formula over the vectors of a vision model; `encoder` may be shared with other metrics."""

    def __init__(self, dimension: Dimension, encoder: VectorsOf, how: str) -> None:
        self.dimension = dimension
        self._encoder = encoder
        self._how = how

    def see(self, frame: Frame) -> None:
        self._encoder.see(frame)

    def finish(self, clip: ClipFacts) -> DimensionScore:
        if clip.frames < 2:
            return too_short(self.dimension, 2, clip)
        values = frame_values(self._encoder.vectors())
        raw = float(values.mean())
        curve = Curve(tuple(range(1, clip.frames)), tuple(normalised(self.dimension, float(v)) for v in values))
        return DimensionScore(self.dimension, Kind.EXACT, normalised(self.dimension, raw), raw, self._how, curve=curve)


class EstimatedConsistency:
    """The formula over colour histograms and edge directions, seen through a window on the picture.

    `window` maps a small square RGB picture to weights (float32, its size) of the places that count; `cells` are how
    many places a side edges are told apart by (1: wherever they are).
    """

    def __init__(self, dimension: Dimension, window: Callable[[np.ndarray], np.ndarray], cells: int, where: str,
                 reason: str) -> None:
        self.dimension = dimension
        self._window = window
        self._cells = cells
        self._where = where
        self._reason = reason
        self._vectors: list[np.ndarray] = []

    def see(self, frame: Frame) -> None:
        square = frame.once("square", lambda: _square(frame.small))
        self._vectors.append(describe(square, self._window(square), self._cells))

    def finish(self, clip: ClipFacts) -> DimensionScore:
        if clip.frames < 2:
            return too_short(self.dimension, 2, clip)
        values = frame_values(np.stack(self._vectors))
        raw = float(values.mean())
        curve = Curve(tuple(range(1, clip.frames)), tuple(within(float(v), ESTIMATE_LOW, 1.0) for v in values))
        return DimensionScore(self.dimension, Kind.ESTIMATE, within(raw, ESTIMATE_LOW, 1.0), raw,
                              _WORDS.format(where=self._where), self._reason, curve)


def _square(small: np.ndarray) -> np.ndarray:
    """The whole picture in 64 x 64, softened a little so that noise does not pass for edges."""
    square = cv2.resize(small, (HOG_SIDE, HOG_SIDE), interpolation=cv2.INTER_AREA)
    return cv2.GaussianBlur(square, (0, 0), 1.0)


def describe(square: np.ndarray, window: np.ndarray, cells: int) -> np.ndarray:
    """A unit vector of a square RGB picture: half of it colours, half edge directions (Dalal and Triggs 2005).

    Both halves are square roots of weighted histograms, so that their cosines are Hellinger likenesses.
    """
    both = np.concatenate([_colours(square, window), _edges(square, window, cells)])
    return (both / np.float32(np.sqrt(2))).astype(np.float32)


def _colours(square: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Square roots of a smoothed Lab histogram: unit vector."""
    lab = cv2.cvtColor(square, cv2.COLOR_RGB2LAB).reshape(-1, 3).astype(np.float32)
    places = (lab - np.array([0, 40, 40], np.float32)) * (np.array([1 / 255, 1 / 175, 1 / 175], np.float32)
                                                          * (COLOUR_BINS - 1))
    places = np.clip(places, 0, COLOUR_BINS - 1)
    low = np.minimum(places.astype(np.int32), COLOUR_BINS - 2)
    part = places - low
    counts = np.zeros(COLOUR_BINS**3, np.float64)
    for corner in range(8):
        up = np.array([corner >> 2 & 1, corner >> 1 & 1, corner & 1])
        weight = np.prod(np.where(up, part, 1 - part), axis=1) * window.reshape(-1)
        bins = (low + up) @ np.array([COLOUR_BINS**2, COLOUR_BINS, 1])
        counts += np.bincount(bins, weight, COLOUR_BINS**3)
    return np.sqrt(counts / counts.sum())


def _edges(square: np.ndarray, window: np.ndarray, size: int, bins: int = 9) -> np.ndarray:
    """Square roots of edge strengths by place and direction: unit vector.

    A floor under the strengths keeps an even picture from being compared by its noise.
    """
    luma = cv2.cvtColor(square, cv2.COLOR_RGB2GRAY).astype(np.float32)
    dx, dy = cv2.Sobel(luma, cv2.CV_32F, 1, 0, scale=0.25), cv2.Sobel(luma, cv2.CV_32F, 0, 1, scale=0.25)
    strength, angle = cv2.cartToPolar(dx, dy)
    turn = (angle * (bins / np.pi)) % bins
    low = turn.astype(np.int32) % bins
    part = turn - np.floor(turn)
    rows, columns = np.indices(luma.shape) * size // len(luma)
    place = (rows * size + columns) * bins
    weight = (strength * window).reshape(-1)
    total = size * size * bins
    counts = (np.bincount((place + low).reshape(-1), weight * (1 - part.reshape(-1)), total)
              + np.bincount((place + (low + 1) % bins).reshape(-1), weight * part.reshape(-1), total))
    if size > 1:
        counts = cv2.GaussianBlur(counts.reshape(size, size, bins), (3, 3), 0.8).reshape(-1)
    floor = np.float64(window.sum()) / total
    return np.sqrt((counts + floor) / (counts + floor).sum())
