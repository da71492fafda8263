"""Figures of single pictures: sharpness, noise, blocks, exposure, colours. Sources are named at each; no model."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from .frames import Frame

_NOISE_KERNEL = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
TILE = 16
DARK, LIGHT = 4, 251


@dataclass(frozen=True)
class PictureFigures:
    """See `types.Diagnostics` for the units."""

    brightness: float
    contrast: float
    colourfulness: float
    sharpness: float
    noise: float
    blockiness: float
    clipped_dark: float
    clipped_light: float


def figures_of(frame: Frame) -> PictureFigures:
    """The figures of a frame, computed once for it."""
    return frame.once("figures", lambda: _figures(frame))


def _figures(frame: Frame) -> PictureFigures:
    luma = frame.luma
    counts = cv2.calcHist([luma], [0], None, [256], [0, 256]).ravel() / luma.size
    levels = np.arange(256)
    mean = float(counts @ levels)
    return PictureFigures(
        brightness=mean, contrast=float(np.sqrt(max(0.0, counts @ (levels - mean) ** 2))),
        colourfulness=_colourfulness(frame.small), sharpness=sharpness(luma), noise=noise(luma),
        blockiness=blockiness(luma), clipped_dark=float(counts[:DARK].sum()),
        clipped_light=float(counts[LIGHT + 1:].sum()))


def sharpness(luma: np.ndarray) -> float:
    """1 - blur after Crete-Roffet et al. 2007: how much of the contrast of neighbours a blur takes away, 0..1.

    What is blurred already loses little. A picture without any contrast counts as sharp: nothing is out of focus.
    """
    values = []
    picture = luma.astype(np.float32)
    for horizontal in (True, False):
        wide = cv2.blur(picture, (9, 1) if horizontal else (1, 9))
        axis = 1 if horizontal else 0
        before = np.abs(np.diff(picture, axis=axis))
        lost = np.maximum(0, before - np.abs(np.diff(wide, axis=axis)))
        whole = float(before.sum())
        values.append(float(lost.sum()) / whole if whole > 0.02 * luma.size else 1.0)
    return min(values)


def noise(luma: np.ndarray) -> float:
    """Standard deviation of the noise of luma: Immerkaer 1996, in tiles, of which the quieter fifth is believed.

    Texture passes for noise in single tiles, noise is in all of them.
    """
    height, width = (n // TILE * TILE for n in luma.shape)
    if not height or not width:
        return 0.0
    response = np.abs(cv2.filter2D(luma, cv2.CV_32F, _NOISE_KERNEL))[:height, :width]
    tiles = response.reshape(height // TILE, TILE, width // TILE, TILE).mean(axis=(1, 3)).ravel()
    open_tiles = luma[:height, :width].reshape(height // TILE, TILE, width // TILE, TILE).mean(axis=(1, 3)).ravel()
    tiles = tiles[(open_tiles > DARK + 4) & (open_tiles < LIGHT - 4)]  # clipping hides noise
    return float(np.sqrt(np.pi / 2) / 6 * np.quantile(tiles, 0.2)) if tiles.size else 0.0


def blockiness(luma: np.ndarray) -> float:
    """How much steps on the 8-pixel grid of block codecs stand out over steps elsewhere, 0..1 (1: twice as large)."""
    worst = 0.0
    for picture in (luma, luma.T):
        if picture.shape[1] < 24:
            continue
        steps = cv2.absdiff(picture[:, 1:], picture[:, :-1]).mean(axis=0, dtype=np.float64)
        edges = steps[7::8]
        inside = np.delete(steps, np.arange(7, len(steps), 8))
        if inside.mean() > 0.05:
            worst = max(worst, float(np.median(edges) / inside.mean()) - 1.0)
    return min(1.0, max(0.0, worst))


def _colourfulness(rgb: np.ndarray) -> float:
    """Hasler and Suesstrunk 2003."""
    red, green, blue = (rgb[..., i].astype(np.float32) for i in range(3))
    first, second = red - green, 0.5 * (red + green) - blue
    return float(np.hypot(first.std(), second.std()) + 0.3 * np.hypot(first.mean(), second.mean()))
