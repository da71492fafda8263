"""Dynamic degree: does enough move? VBench's rule over optical flow, by RAFT or, as an estimate, by OpenCV.

Frames are sampled about 8 times a second; a pair counts when the mean of its 5 % largest motions exceeds 6 pixels for
each 256 of the short side; a quarter of the sampled frames must have such a pair. It stands beside the total, never in
it: a frozen picture is consistent and free of flicker.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .frames import ClipFacts, Frame, flow_between
from .metric import Metric, Setup, exact_or, too_short
from .models import QualityModels
from .types import Curve, Dimension, DimensionScore, Kind

TOP = 0.05
THRESHOLD = 6.0
HOW = "VBench: RAFT large, the 5 % largest motions of frames sampled 8 times a second."
ESTIMATE = "Estimate: VBench's rule with OpenCV's DIS flow; changes of brightness may pass for motion."

Flow = Callable[[Frame, Frame], np.ndarray]


class DynamicDegree:
    """`flow` gives the motion from one frame to another, float (h, w, 2), in pixels of a picture of any size.

    `unit` is how many of its pixels make 1/256 of the short side for a frame.
    """

    dimension = Dimension.DYNAMIC

    def __init__(self, fps: float, flow: Flow, unit: Callable[[Frame], float], how: str, reason: str = "") -> None:
        self._stride = stride(fps)
        self._flow = flow
        self._unit = unit
        self._how = how
        self._reason = reason
        self._last: Frame | None = None
        self._frames: list[int] = []
        self._motions: list[float] = []

    def see(self, frame: Frame) -> None:
        if frame.index % self._stride:
            return
        if self._last is not None:
            self._frames.append(frame.index)
            self._motions.append(top_motion(self._flow(self._last, frame)) / self._unit(frame))
        self._last = frame

    def finish(self, clip: ClipFacts) -> DimensionScore:
        if not self._motions:
            return too_short(self.dimension, self._stride + 1, clip)
        moves = is_dynamic(self._motions, len(self._motions) + 1)
        curve = Curve(tuple(self._frames), tuple(min(1.0, m / (2 * THRESHOLD)) for m in self._motions))
        kind = Kind.ESTIMATE if self._reason else Kind.EXACT
        return DimensionScore(self.dimension, kind, float(moves), float(moves), self._how, self._reason, curve)


def stride(fps: float) -> int:
    """Every so many frames one is looked at."""
    return max(1, round(fps / 8))


def top_motion(flow: np.ndarray) -> float:
    """Mean length of the longest 5 % of the flow's vectors, in its pixels."""
    lengths = np.sqrt(flow[..., 0] ** 2 + flow[..., 1] ** 2).ravel()
    count = int(lengths.size * TOP)
    if not count:
        return float(lengths.max())
    return float(np.partition(lengths, lengths.size - count)[-count:].mean())


def is_dynamic(motions: list[float], sampled: int) -> bool:
    """VBench's verdict: `motions` of the pairs in 1/256 of the short side, `sampled` frames."""
    return sum(motion > THRESHOLD for motion in motions) >= round(4 * (sampled / 16.0))


def choose(setup: Setup) -> Metric:
    """Exact where RAFT is installed."""

    def exact(models: QualityModels) -> Metric:
        return DynamicDegree(setup.fps, raft_flow(models), lambda frame: min(frame.rgb.shape[:2]) / 256.0, HOW)

    return exact_or(setup, exact, lambda reason: DynamicDegree(
        setup.fps, flow_between, lambda frame: min(frame.small.shape[:2]) / 256.0, ESTIMATE, reason))


def raft_flow(models: QualityModels) -> Flow:
    """RAFT's flow in full size, on pictures padded to multiples of 8 as VBench does."""
    model = models.raft()

    def flow(first: Frame, second: Frame) -> np.ndarray:
        import torch

        from .raft import padded

        pair = [padded(2 * (torch.from_numpy(np.ascontiguousarray(f.rgb)).permute(2, 0, 1)[None].float() / 255.0) - 1)
                for f in (first, second)]
        with torch.inference_mode():
            found = model(pair[0].to(models.device), pair[1].to(models.device))
        return found[0].permute(1, 2, 0).float().cpu().numpy()

    return flow
