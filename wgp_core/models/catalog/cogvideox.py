"""CogVideoX (Zhipu AI and Tsinghua University), with the values of the model cards."""

from __future__ import annotations

from ...engines.base import StepRule
from ..spec import Defaults, Family, ModelSpec, Part, Rules, Task
from .layout import DIFFUSERS_FILES, T5_XXL, part, total_bytes

LICENCE_5B = "CogVideoX licence"
NOTE_5B = ("Free for research. Commercial use needs a registration with Zhipu AI, and is free only up to a number of "
           "visits a month that the licence names.")

_FRAMES = StepRule(9, 49, 8, 1)
_PRESET = ((720, 480),)


def _parts(transformer: int) -> tuple[Part, ...]:
    return (part("transformer", transformer, quantize=True), part("text_encoder", T5_XXL, quantize=True),
            part("vae", 215_583_907))


def _model(model_id: str, label: str, used_for: str, repo: str, parameters: int, *, tasks: tuple[Task, ...],
           rules: Rules, licence: str = LICENCE_5B, note: str = NOTE_5B,
           pipeline: str = "CogVideoXPipeline") -> ModelSpec:
    parts = _parts(parameters)
    return ModelSpec(id=model_id, label=label, family=Family.COGVIDEOX, tasks=tasks, used_for=used_for, repo=repo,
                     folder=repo.rpartition("/")[2], files=DIFFUSERS_FILES, size_bytes=total_bytes(parts),
                     licence=licence, licence_note=note, pipeline=pipeline, parts=parts, rules=rules,
                     defaults=Defaults(720, 480, frames=49, fps=8, steps=50, guidance=6.0))


_TEXT_RULES = Rules(width=StepRule(256, 1360, 16), height=StepRule(256, 1360, 16), frames=_FRAMES, max_seconds=6.2,
                    size_presets=_PRESET)

COGVIDEOX: tuple[ModelSpec, ...] = (
    _model("cogvideox-5b", "CogVideoX 5B", "Video from text, 720x480, six seconds at 8 frames a second.",
           "THUDM/CogVideoX-5b", 5_570_283_072, tasks=(Task.T2V,), rules=_TEXT_RULES),
    _model("cogvideox-2b", "CogVideoX 2B", "Video from text on small cards, 720x480, six seconds.",
           "THUDM/CogVideoX-2b", 1_693_783_872, tasks=(Task.T2V,), rules=_TEXT_RULES, licence="Apache-2.0", note=""),
    _model("cogvideox-5b-i2v", "CogVideoX 5B I2V", "Video from a start image, 720x480 only.", "THUDM/CogVideoX-5b-I2V",
           5_570_479_680, tasks=(Task.I2V,), pipeline="CogVideoXImageToVideoPipeline",
           rules=Rules(width=StepRule(720, 720), height=StepRule(480, 480), frames=_FRAMES, max_seconds=6.2,
                       size_presets=_PRESET, start_image=True, needs_start_image=True)),
)
