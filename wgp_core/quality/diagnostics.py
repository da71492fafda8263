"""Collects plain figures of a whole video: exposure, noise, motion, still stretches, cuts, pulsing light."""

from __future__ import annotations

import cv2
import numpy as np

from .dynamic import stride, top_motion
from .flickering import mean_difference
from .frames import Frame, flow_between
from .pictures import PictureFigures, figures_of
from .types import Diagnostics

STILL = 0.35
"""Mean difference (0..255) below which two frames count as the same; encoding alone makes up to 0.3."""
SHORT_REST = 5
"""Frames; a picture that rests for longer is not stuttering."""
CUT = 0.35
"""Hellinger distance of colour histograms of neighbouring frames from which there may be a cut."""


class Watcher:
    """Sees every frame once; holds the last one and the last that was sampled for motion."""

    def __init__(self, fps: float) -> None:
        self._fps = fps
        self._stride = stride(fps)
        self._figures: list[PictureFigures] = []
        self._motions: list[float] = []
        self._differences: list[float] = []
        self._jumps: list[float] = []
        self._last: Frame | None = None
        self._sampled: Frame | None = None

    def see(self, frame: Frame) -> None:
        self._figures.append(figures_of(frame))
        if self._last is not None:
            self._differences.append(mean_difference(self._last, frame))
            self._jumps.append(float(cv2.compareHist(_histogram(self._last), _histogram(frame),
                                                     cv2.HISTCMP_BHATTACHARYYA)))
        self._last = frame
        if frame.index % self._stride == 0:
            if self._sampled is not None:
                flow = flow_between(self._sampled, frame)
                self._motions.append(top_motion(flow) / min(flow.shape[:2]))
            self._sampled = frame

    def finish(self) -> Diagnostics:
        """Means over the frames; zeros where there was none."""
        if not self._figures:
            return Diagnostics()
        mean = {name: float(np.mean([getattr(f, name) for f in self._figures]))
                for name in PictureFigures.__dataclass_fields__}
        light = np.array([f.brightness for f in self._figures])
        return Diagnostics(
            **mean, brightness_flicker=pulsing(light),
            motion=float(np.mean(self._motions)) * self._fps / self._stride if self._motions else 0.0,
            still_share=float(np.mean(np.array(self._differences) < STILL)) if self._differences else 0.0,
            repeat_share=repeating(np.array(self._differences) < STILL),
            cuts=self._cuts())

    def _cuts(self) -> tuple[int, ...]:
        """Frames where palette and pixels change at once, far more than around them."""
        jumps, differences = np.array(self._jumps), np.array(self._differences)
        found = []
        for at in range(len(jumps)):
            around = np.r_[differences[max(0, at - 4):at], differences[at + 1:at + 5]]
            usual = float(np.median(around)) if around.size else 0.0
            if jumps[at] > CUT and differences[at] > 10 and differences[at] > 4 * usual:
                found.append(at + 1)
        return tuple(found)


def repeating(still: np.ndarray) -> float:
    """Share of the pairs that are still for at most five frames between moving ones: bool [pairs]."""
    moves = np.flatnonzero(~still)
    gaps = np.diff(moves) - 1
    return float(gaps[gaps <= SHORT_REST].sum() / len(still)) if len(moves) > 1 else 0.0


def pulsing(light: np.ndarray) -> float:
    """Mean size of the second difference of mean luma, halved: how far a frame's light is off its neighbours' mean."""
    return float(np.abs(light[:-2] - 2 * light[1:-1] + light[2:]).mean() / 2) if len(light) > 2 else 0.0


def _histogram(frame: Frame) -> np.ndarray:
    return frame.once("histogram", lambda: cv2.calcHist([frame.small], [0, 1, 2], None, [6, 6, 6], [0, 256] * 3))
