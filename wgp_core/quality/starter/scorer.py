"""Agreement of a starter clip with its prompt, by looking: is the thing there, in its colour, moving as asked?"""

from __future__ import annotations

import numpy as np

from ..frames import ClipFacts, Frame
from ..metric import Metric
from ..types import Dimension, DimensionScore, Kind, unavailable
from .detector import detect
from .reading import Asked, read_prompt
from .world import FRAMES, SIZE

HOW = "Share that the starter world's detector sees of: {wanted}."
REASON = ("A detector that was made for the starter model's world looks for what the prompt names; "
          "other prompts need ViCLIP or CLIP.")
LEAST_NAMED = 2
MOST_FRAMES = 8 * FRAMES
"""A prompt must name a thing and something of it; a longer film is no single clip of the starter."""


class StarterScorer:
    """Judges clips in the starter's size whose prompt names a thing of its world and at least one thing more."""

    def fits(self, prompt: str, width: int, height: int) -> bool:
        asked = read_prompt(prompt)
        return (width, height) == (SIZE, SIZE) and bool(asked.shape) and len(asked.named()) >= LEAST_NAMED

    def metric(self, prompt: str) -> Metric:
        return WorldAlignment(read_prompt(prompt))


class WorldAlignment:
    """The share of what the prompt names that the detector sees. Of a still picture no motion is asked."""

    dimension = Dimension.ALIGNMENT

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._frames: list[np.ndarray] = []

    def see(self, frame: Frame) -> None:
        if len(self._frames) < MOST_FRAMES:
            self._frames.append(frame.rgb)

    def finish(self, clip: ClipFacts) -> DimensionScore:
        found = detect(np.stack(self._frames))
        wanted = self._asked.named()
        if clip.frames == 1:
            wanted.pop("motion", None)
        if not wanted:
            return unavailable(self.dimension, "The prompt names nothing that can be seen in a still picture.")
        right = {name: getattr(found, name) == value for name, value in wanted.items()}
        share = sum(right.values()) / len(right)
        missing = tuple(value for name, value in wanted.items() if not right[name])
        how = HOW.format(wanted=", ".join(wanted.values()))
        return DimensionScore(self.dimension, Kind.ESTIMATE, share, share, how, REASON, missing=missing)
