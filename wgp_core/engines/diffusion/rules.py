"""From a model's data to the engine's rules for it. Imports no model library."""

from __future__ import annotations

from ...models.spec import Family, ModelSpec, Rules
from ...request import EngineChoice, VideoRequest
from ..base import EngineDefaults, EngineSpec, StepRule
from .windows import most_frames

ENGINE_ID = "diffusion"
_GENERIC = Rules(width=StepRule(64, 2048, 16), height=StepRule(64, 2048, 16), frames=StepRule(1, 1))
"""For a model whose data say nothing of its sizes."""
_DENOISERS = ("transformer", "transformer_2", "unet")


def rules_of(spec: ModelSpec) -> Rules:
    return spec.rules or _GENERIC


def engine_spec(spec: ModelSpec, request: VideoRequest | None = None) -> EngineSpec:
    """The engine's rules and defaults for one model. A frame rate in `request` decides how many frames fit."""
    rules, defaults = rules_of(spec), spec.defaults
    frames = rules.frames
    if rules.window:
        fps = (request.fps if request else None) or defaults.fps
        frames = most_frames(rules.frames, rules.max_seconds, fps)
    count = frames.nearest(defaults.frames)
    return EngineSpec(
        id=ENGINE_ID, label=spec.label, choice=EngineChoice.DIFFUSION, width=rules.width, height=rules.height,
        frames=frames, fps=rules.fps, max_seconds=rules.max_seconds, size_presets=rules.size_presets, uses=uses(spec),
        defaults=EngineDefaults(
            width=rules.width.nearest(defaults.width), height=rules.height.nearest(defaults.height), fps=defaults.fps,
            seconds=count / defaults.fps, steps=defaults.steps, guidance=defaults.guidance,
            flow_shift=defaults.flow_shift, guidance_2=defaults.guidance_2, solver=defaults.solver))


def uses(spec: ModelSpec) -> frozenset[str]:
    """Optional request fields that change what this model makes."""
    rules, family = rules_of(spec), spec.family
    found = {"steps", "guidance", "seed", "loras", "lora_profile", "profile"}
    if family is not Family.FLUX:
        found |= {"negative_prompt", "lora_negative_boost"}
    if family in (Family.WAN, Family.SDXL):
        found.add("solver")
    if family is Family.WAN:
        found.add("flow_shift")
    if family is not Family.SDXL:
        found.add("step_cache")
    if spec.defaults.guidance_2 is not None or any(part.name == "transformer_2" for part in spec.parts):
        found.add("guidance_2")
    if rules.window:
        found |= {"window_prompts", "window_frames", "window_overlap"}
    if rules.start_image or rules.needs_start_image:
        found.add("start_image")
    if rules.end_image:
        found.add("end_image")
    return frozenset(found)


def denoiser_parameters(spec: ModelSpec) -> int:
    """Weights that every denoising step goes through; the larger of two transformers, as one runs at a time."""
    return max((part.parameters for part in spec.parts if part.name in _DENOISERS), default=0)
