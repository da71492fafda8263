"""Agreement with the prompt: an engine's own scorer comes first, then CLIP; without either it is unavailable.

Clips of the starter model are judged by its world's detector.
VBench's overall consistency needs ViCLIP, which is not built in; CLIP's likeness of single frames is an estimate that
sees what is there, not what happens.
"""

from __future__ import annotations

import numpy as np

from ..errors import WgpError
from .frames import ClipFacts, Frame
from .metric import NO_MODELS, Metric, Setup, Unavailable
from .models import CLIP_LARGE, CLIP_SMALL, QualityModels
from .starter.scorer import StarterScorer
from .types import Curve, Dimension, DimensionScore, Kind
from .vbench import within

HOW = "Estimate: likeness of prompt and single frames by {model}; it sees things, not events."
REASON = "VBench's own measure needs ViCLIP; it is not built in."
LOW, HIGH = 0.16, 0.32
"""Cosines of CLIP for a text that has nothing to do with a picture, and for one that describes it well."""
NAMES = {CLIP_SMALL: "CLIP ViT-B/32", CLIP_LARGE: "CLIP ViT-L/14"}


class ClipAlignment:
    """The mean cosine of the frames and the prompt. Vectors are shared with background or aesthetic quality."""

    dimension = Dimension.ALIGNMENT

    def __init__(self, models: QualityModels, model_id: str, prompt: str, shared: dict[str, object]) -> None:
        self._name = NAMES[model_id]
        self._text = models.clip_text(model_id, [prompt])[0]
        self._encoder = models.clip_vectors(model_id, shared)

    def see(self, frame: Frame) -> None:
        self._encoder.see(frame)

    def finish(self, clip: ClipFacts) -> DimensionScore:
        cosines = self._encoder.vectors() @ self._text
        raw = float(np.mean(cosines))
        curve = Curve(tuple(range(clip.frames)), tuple(within(float(c), LOW, HIGH) for c in cosines))
        return DimensionScore(self.dimension, Kind.ESTIMATE, within(raw, LOW, HIGH), raw, HOW.format(model=self._name),
                              REASON, curve)


def choose(setup: Setup) -> Metric:
    """The first scorer that can judge this prompt, else the larger CLIP that is installed with its tokenizer."""
    if not setup.prompt.strip():
        return Unavailable(Dimension.ALIGNMENT, "No prompt was given to compare with.")
    for scorer in (*setup.scorers, StarterScorer()):
        if scorer.fits(setup.prompt, setup.width, setup.height):
            return scorer.metric(setup.prompt)
    if setup.models is None:
        return Unavailable(Dimension.ALIGNMENT, NO_MODELS)
    reasons = []
    for model_id in (CLIP_LARGE, CLIP_SMALL):
        try:
            return ClipAlignment(setup.models, model_id, setup.prompt, setup.shared)
        except WgpError as error:
            reasons.append(str(error))
    return Unavailable(Dimension.ALIGNMENT, f"No model here can compare pictures with words. {reasons[-1]}")
