"""LTX-Video (Lightricks), with the values of the model cards."""

from __future__ import annotations

from ...engines.base import StepRule
from ..spec import Defaults, Family, ModelSpec, Part, Rules, Task
from .layout import DIFFUSERS_FILES, T5_XXL, part, total_bytes

LICENCE = "LTX-Video open weights licence"
NOTE = ("Research and commercial use are free for companies below the yearly revenue that the licence names (10 "
        "million US dollars); larger ones need an agreement with Lightricks. Some uses are forbidden.")
NEGATIVE = "low quality, blurry, jittery, distorted, unsteady motion"


def _rules(*, most_frames: int, end_image: bool) -> Rules:
    """Sizes are multiples of 32 and frames 8k+1: what the VAE compresses by."""
    return Rules(width=StepRule(256, 1280, 32), height=StepRule(256, 1280, 32), frames=StepRule(9, most_frames, 8, 1),
                 max_seconds=11.0, size_presets=((768, 512), (512, 768), (704, 480), (1216, 704), (704, 1216)),
                 start_image=True, end_image=end_image)


def _model(model_id: str, label: str, used_for: str, repo: str, parts: tuple[Part, ...], *, pipeline: str, rules: Rules,
           defaults: Defaults) -> ModelSpec:
    return ModelSpec(id=model_id, label=label, family=Family.LTX, tasks=(Task.T2V, Task.I2V), used_for=used_for,
                     repo=repo, folder=repo.rpartition("/")[2], files=DIFFUSERS_FILES, size_bytes=total_bytes(parts),
                     licence=LICENCE, licence_note=NOTE, pipeline=pipeline, parts=parts, rules=rules, defaults=defaults)


LTX: tuple[ModelSpec, ...] = (
    _model("ltx-video-0.9.8-13b-distilled", "LTX-Video 0.9.8 13B distilled", "Fast video from text or images: eight "
           "steps, no guidance.", "Lightricks/LTX-Video-0.9.8-13B-distilled",
           (part("transformer", 13_042_569_344, quantize=True),
            part("text_encoder", T5_XXL, bytes_each=4, quantize=True), part("vae", 1_246_913_522)),
           pipeline="LTXConditionPipeline", rules=_rules(most_frames=257, end_image=True),
           defaults=Defaults(768, 512, frames=121, fps=24, steps=8, guidance=1.0, negative_prompt=NEGATIVE)),
    _model("ltx-video-0.9.1", "LTX-Video 0.9.1", "Fast video from text or a start image on small cards.",
           "a-r-r-o-w/LTX-Video-0.9.1-diffusers",
           (part("transformer", 1_923_385_472, quantize=True),
            part("text_encoder", T5_XXL, bytes_each=4, quantize=True), part("vae", 934_976_434)),
           pipeline="LTXPipeline", rules=_rules(most_frames=257, end_image=False),
           defaults=Defaults(704, 480, frames=121, fps=24, steps=50, guidance=3.0, negative_prompt=NEGATIVE)),
)
