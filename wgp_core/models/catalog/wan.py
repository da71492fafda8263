"""Wan 2.1 and 2.2 (Wan-AI), with the values of their model cards."""

from __future__ import annotations

from ...engines.base import StepRule
from ...request import Solver
from ..spec import Defaults, Family, ModelSpec, Part, Rules, Task
from .layout import DIFFUSERS_FILES, UMT5_XXL, part, total_bytes

LICENCE = "Apache-2.0"
NEGATIVE = ("overexposed, washed-out colours, static, blurred, subtitles, text, worst quality, low quality, "
            "compression artefacts, ugly, deformed, extra fingers, extra limbs, fused fingers, cluttered background, "
            "moving backwards")
"""What the Wan models tend to get wrong, in short."""

_VAE, _VAE_22, _CLIP = 126_892_531, 704_688_668, 630_766_080
_T5_FP32 = part("text_encoder", UMT5_XXL, bytes_each=4, quantize=True)
_T5_BF16 = part("text_encoder", UMT5_XXL, quantize=True)
_PRESETS = ((832, 480), (480, 832), (624, 624), (1280, 720), (720, 1280), (960, 960))
_SMALL_PRESETS = ((832, 480), (480, 832), (624, 624))


def _transformer(parameters: int, name: str = "transformer") -> Part:
    return part(name, parameters, bytes_each=4, quantize=True)


def _vae(parameters: int = _VAE) -> Part:
    return part("vae", parameters, bytes_each=4)


def _rules(presets: tuple[tuple[int, int], ...], *, least_frames: int, from_image: bool = False, end: bool = False,
           high: int = 1280) -> Rules:
    """Sizes are multiples of 16 (VAE 8, patches 2); frames 4k+1, trained on up to 81."""
    return Rules(width=StepRule(256, high, 16), height=StepRule(256, high, 16), frames=StepRule(least_frames, 81, 4, 1),
                 max_seconds=60.0, size_presets=presets, start_image=from_image, needs_start_image=from_image,
                 end_image=end, window=True)


def _model(model_id: str, label: str, used_for: str, repo: str, parts: tuple[Part, ...], *, tasks: tuple[Task, ...],
           pipeline: str, rules: Rules, defaults: Defaults) -> ModelSpec:
    return ModelSpec(id=model_id, label=label, family=Family.WAN, tasks=tasks, used_for=used_for, repo=repo,
                     folder=repo.rpartition("/")[2], files=DIFFUSERS_FILES, size_bytes=total_bytes(parts),
                     licence=LICENCE, pipeline=pipeline, parts=parts, rules=rules, defaults=defaults)


_TEXT = (Task.T2V, Task.T2I)
_480P = Defaults(steps=50, guidance=5.0, flow_shift=3.0, solver=Solver.UNIPC, negative_prompt=NEGATIVE)

WAN: tuple[ModelSpec, ...] = (
    _model("wan2.1-t2v-14b", "Wan 2.1 T2V 14B", "Video from text: the best of Wan 2.1, at 480p and 720p; stills at one "
           "frame.", "Wan-AI/Wan2.1-T2V-14B-Diffusers", (_transformer(14_288_491_584), _T5_FP32, _vae()), tasks=_TEXT,
           pipeline="WanPipeline", rules=_rules(_PRESETS, least_frames=1),
           defaults=Defaults(steps=50, guidance=5.0, flow_shift=5.0, solver=Solver.UNIPC, negative_prompt=NEGATIVE)),
    _model("wan2.2-t2v-a14b", "Wan 2.2 T2V A14B", "Video from text with two transformers, one for high and one for low "
           "noise.", "Wan-AI/Wan2.2-T2V-A14B-Diffusers",
           (_transformer(14_288_491_584), _transformer(14_288_491_584, "transformer_2"), _T5_BF16, _vae()), tasks=_TEXT,
           pipeline="WanPipeline", rules=_rules(_PRESETS, least_frames=1),
           defaults=Defaults(steps=40, guidance=4.0, guidance_2=3.0, flow_shift=12.0, solver=Solver.UNIPC,
                             negative_prompt=NEGATIVE)),
    _model("wan2.2-ti2v-5b", "Wan 2.2 TI2V 5B", "Video from text or from a start image at 704p and 24 frames a second.",
           "Wan-AI/Wan2.2-TI2V-5B-Diffusers", (_transformer(4_999_787_712), _T5_BF16, _vae(_VAE_22)),
           tasks=(Task.T2V, Task.I2V, Task.T2I), pipeline="WanPipeline",
           rules=Rules(width=StepRule(256, 1280, 32), height=StepRule(256, 1280, 32), frames=StepRule(1, 121, 4, 1),
                       max_seconds=60.0, size_presets=((1280, 704), (704, 1280)), start_image=True, window=True),
           defaults=Defaults(1280, 704, frames=121, fps=24, steps=50, guidance=5.0, flow_shift=5.0,
                             solver=Solver.UNIPC, negative_prompt=NEGATIVE)),
    _model("wan2.1-t2v-1.3b", "Wan 2.1 T2V 1.3B", "Video from text on small cards, at 480p.",
           "Wan-AI/Wan2.1-T2V-1.3B-Diffusers", (_transformer(1_418_996_800), _T5_FP32, _vae()), tasks=_TEXT,
           pipeline="WanPipeline", rules=_rules(_SMALL_PRESETS, least_frames=1, high=832), defaults=_480P),
    _model("wan2.2-i2v-a14b", "Wan 2.2 I2V A14B", "Video from a start image, and an end image if wanted, with two "
           "transformers.", "Wan-AI/Wan2.2-I2V-A14B-Diffusers",
           (_transformer(14_288_901_184), _transformer(14_288_901_184, "transformer_2"), _T5_BF16, _vae()),
           tasks=(Task.I2V,), pipeline="WanImageToVideoPipeline",
           rules=_rules(_PRESETS, least_frames=5, from_image=True, end=True),
           defaults=Defaults(steps=40, guidance=3.5, guidance_2=3.5, flow_shift=5.0, solver=Solver.UNIPC,
                             negative_prompt=NEGATIVE)),
    _model("wan2.1-i2v-14b-480p", "Wan 2.1 I2V 14B 480P", "Video from a start image at 480p.",
           "Wan-AI/Wan2.1-I2V-14B-480P-Diffusers",
           (_transformer(16_394_878_784), _T5_FP32, _vae(), part("image_encoder", _CLIP, bytes_each=4)),
           tasks=(Task.I2V,), pipeline="WanImageToVideoPipeline",
           rules=_rules(_SMALL_PRESETS, least_frames=5, from_image=True, high=832),
           defaults=_480P),
    _model("wan2.1-i2v-14b-720p", "Wan 2.1 I2V 14B 720P", "Video from a start image at 720p.",
           "Wan-AI/Wan2.1-I2V-14B-720P-Diffusers",
           (_transformer(16_394_878_784), _T5_FP32, _vae(), part("image_encoder", _CLIP, bytes_each=4)),
           tasks=(Task.I2V,), pipeline="WanImageToVideoPipeline",
           rules=_rules(_PRESETS, least_frames=5, from_image=True),
           defaults=Defaults(1280, 720, steps=50, guidance=5.0, flow_shift=5.0, solver=Solver.UNIPC,
                             negative_prompt=NEGATIVE)),
)
