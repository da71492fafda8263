"""Motion smoothness, as an estimate: drop every second frame, make it anew from its neighbours, see how far off it is.

VBench interpolates with AMT-S; its code and weights are for non-commercial use only, so it is not built in here. The
estimate warps both neighbours halfway along the optical flow (on frames with a short side of at most 256 pixels).
"""

from __future__ import annotations

import cv2
import numpy as np

from .frames import ClipFacts, Frame, flow_between
from .metric import Metric, Setup, too_short
from .types import Curve, Dimension, DimensionScore, Kind
from .vbench import within

LOW = 0.9
"""Agreement at which the estimate is 0: a smooth pan lies at 0.999, jitter at 0.97, stutter at 0.92."""
HOW = "Estimate: every second frame against one made from its neighbours by optical flow."
REASON = "VBench's own measure needs AMT-S, whose licence forbids commercial use; it is not built in."


class EstimatedSmoothness:
    """Holds the last two frames."""

    dimension = Dimension.SMOOTHNESS

    def __init__(self) -> None:
        self._held: list[Frame] = []
        self._frames: list[int] = []
        self._agreement: list[float] = []

    def see(self, frame: Frame) -> None:
        self._held.append(frame)
        if frame.index % 2 == 0 and frame.index >= 2:
            before, dropped, after = self._held
            self._frames.append(dropped.index)
            self._agreement.append((255.0 - midpoint_error(before, dropped, after)) / 255.0)
        self._held = self._held[-2:]

    def finish(self, clip: ClipFacts) -> DimensionScore:
        if not self._agreement:
            return too_short(self.dimension, 3, clip)
        raw = float(np.mean(self._agreement))
        curve = Curve(tuple(self._frames), tuple(within(a, LOW, 1.0) for a in self._agreement))
        return DimensionScore(self.dimension, Kind.ESTIMATE, within(raw, LOW, 1.0), raw, HOW, REASON, curve)


def midpoint_error(before: Frame, dropped: Frame, after: Frame) -> float:
    """Mean absolute difference, 0..255, of the dropped frame and the one halfway between its neighbours.

    Each neighbour is sampled half its flow away; places that only one of them shows are taken from that one, places
    that neither shows are left out.
    """
    first, first_seen = _halfway(before.small, flow_between(before, after))
    second, second_seen = _halfway(after.small, flow_between(after, before))
    both = first_seen + second_seen
    made = (first * first_seen[..., None] + second * second_seen[..., None]) / np.maximum(both, 1)[..., None]
    error = np.abs(np.floor(made) - dropped.small).mean(axis=-1)
    known = both > 0
    return float(error[known].mean()) if known.any() else 255.0


def _halfway(picture: np.ndarray, flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The picture moved half along its flow, and where it had something to show (0 or 1): float32."""
    height, width = flow.shape[:2]
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = columns - 0.5 * flow[..., 0], rows - 0.5 * flow[..., 1]
    seen = ((x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)).astype(np.float32)
    moved = cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return moved.astype(np.float32), seen


def choose(_setup: Setup) -> Metric:
    """Always the estimate."""
    return EstimatedSmoothness()
