"""Is there anything to see? Near-black and washed-out videos are what a failed diffusion run looks like."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

import numpy as np

BLACK_MEAN = 8.0
BLACK_PEAK = 32.0
BLANK_SPREAD = 3.0
BLANK_MEAN = 200.0


class Verdict(enum.StrEnum):
    FINE = "fine"
    BLACK = "black"
    BLANK = "blank"


def frame_verdict(frame: np.ndarray) -> Verdict:
    """Judge one RGB uint8 frame by luma (BT.601, 0 to 255), on every eighth pixel.

    Black: mean below 8 and 99th percentile below 32. Blank: mean over 200 and standard deviation below 3.
    """
    small = frame[::8, ::8].astype(np.float32)
    luma = small @ np.array([0.299, 0.587, 0.114], np.float32)
    mean = float(luma.mean())
    if mean < BLACK_MEAN and float(np.percentile(luma, 99)) < BLACK_PEAK:
        return Verdict.BLACK
    if mean > BLANK_MEAN and float(luma.std()) < BLANK_SPREAD:
        return Verdict.BLANK
    return Verdict.FINE


@dataclass
class FrameCheck:
    """Collects verdicts of a stream; `verdict` is not fine when over nine tenths of the looked-at frames agree."""

    every: int = 4
    counts: dict[Verdict, int] = field(default_factory=dict)

    def look(self, index: int, frame: np.ndarray) -> None:
        if index % self.every == 0:
            verdict = frame_verdict(frame)
            self.counts[verdict] = self.counts.get(verdict, 0) + 1

    @property
    def verdict(self) -> Verdict:
        seen = sum(self.counts.values())
        for verdict in (Verdict.BLACK, Verdict.BLANK):
            if seen and self.counts.get(verdict, 0) > 0.9 * seen:
                return verdict
        return Verdict.FINE
