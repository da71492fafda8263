"""Models of single pictures: frame and poster studies, and start images for video models."""

from __future__ import annotations

from ...engines.base import StepRule
from ..spec import Defaults, Family, ModelSpec, Part, Rules, Task
from .layout import DIFFUSERS_FILES, T5_XXL, part, total_bytes

_ONE = StepRule(1, 1)
_PRESETS = ((1024, 1024), (1344, 768), (768, 1344), (1152, 896), (896, 1152))

_SDXL_PARTS = (part("unet", 2_567_463_684, bytes_each=4, quantize=True),
               part("text_encoder", 123_060_480, bytes_each=4),
               part("text_encoder_2", 694_659_840, bytes_each=4), part("vae", 83_653_863, bytes_each=4))
_SDXL_FILES = ("model_index.json", "LICENSE*", "README.md", "scheduler/*.json", "tokenizer/*", "tokenizer_2/*",
               "text_encoder/config.json", "text_encoder/model.safetensors", "text_encoder_2/config.json",
               "text_encoder_2/model.safetensors", "unet/config.json", "unet/diffusion_pytorch_model.safetensors",
               "vae/config.json", "vae/diffusion_pytorch_model.safetensors")


def _flux(model_id: str, label: str, used_for: str, transformer: int, *, licence: str, note: str,
          defaults: Defaults) -> ModelSpec:
    parts: tuple[Part, ...] = (
        part("transformer", transformer, quantize=True), part("text_encoder", 123_060_480),
        part("text_encoder_2", T5_XXL, quantize=True), part("vae", 83_819_683))
    return ModelSpec(id=model_id, label=label, family=Family.FLUX, tasks=(Task.T2I,), used_for=used_for,
                     repo=f"black-forest-labs/{label.replace(' ', '-')}", folder=label.replace(" ", "-"),
                     files=DIFFUSERS_FILES, size_bytes=total_bytes(parts), licence=licence, licence_note=note,
                     pipeline="FluxPipeline", parts=parts, defaults=defaults,
                     rules=Rules(width=StepRule(256, 2048, 16), height=StepRule(256, 2048, 16), frames=_ONE,
                                 max_seconds=1.0, size_presets=_PRESETS))


STILL: tuple[ModelSpec, ...] = (
    _flux("flux.1-schnell", "FLUX.1 schnell", "Pictures from text in four steps.", 11_891_178_560, licence="Apache-2.0",
          note="Free to use; the hub asks for an account and an accepted form before the download.",
          defaults=Defaults(1024, 1024, frames=1, fps=1, steps=4, guidance=0.0)),
    _flux("flux.1-dev", "FLUX.1 dev", "Detailed pictures from text.", 11_901_408_320,
          licence="FLUX.1 dev non-commercial licence",
          note="Non-commercial use only; the hub asks for an accepted licence before the download.",
          defaults=Defaults(1024, 1024, frames=1, fps=1, steps=28, guidance=3.5)),
    ModelSpec(id="sdxl-base-1.0", label="SDXL base 1.0", family=Family.SDXL, tasks=(Task.T2I,),
              used_for="Pictures from text on small cards.", repo="stabilityai/stable-diffusion-xl-base-1.0",
              folder="stable-diffusion-xl-base-1.0", files=_SDXL_FILES, size_bytes=total_bytes(_SDXL_PARTS),
              licence="CreativeML Open RAIL++-M", licence_note="Free, with a list of forbidden uses.",
              pipeline="StableDiffusionXLPipeline", parts=_SDXL_PARTS,
              defaults=Defaults(1024, 1024, frames=1, fps=1, steps=30, guidance=5.0),
              rules=Rules(width=StepRule(256, 2048, 8), height=StepRule(256, 2048, 8), frames=_ONE, max_seconds=1.0,
                          size_presets=_PRESETS)),
)
