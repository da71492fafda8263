"""The form of the Generate tab as a value: from components to a `VideoRequest` and back.

What the form has no field for (planned scenes, LoRAs, documents, retry rules) is carried along as JSON, so that
settings loaded from a video lose nothing. Knows no component and no studio; a test needs neither.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from wgp_core.engines.base import EngineSpec
from wgp_core.engines.registry import EngineRegistry
from wgp_core.errors import RequestError
from wgp_core.request import (
    CameraMovement,
    EngineChoice,
    OutputOptions,
    Theme,
    VideoCodec,
    VideoRequest,
)
from wgp_core.resolve import new_request
from wgp_core.settings import Settings

CUSTOM = "custom"
CARRIED = ("loras", "enhance", "documents", "plan", "fallback_local_on_fail", "retry", "guidance_2", "solver",
           "lora_profile", "lora_negative_boost", "window_prompts", "window_frames", "window_overlap", "step_cache",
           "step_cache_strength", "profile")
CARRIED_WORDS = {"guidance_2": "second guidance", "solver": "solver", "lora_profile": "LoRA words",
                 "lora_negative_boost": "LoRA words", "window_prompts": "window prompts", "window_frames": "windows",
                 "window_overlap": "windows", "step_cache": "step cache", "step_cache_strength": "step cache",
                 "profile": "VRAM profile", "loras": "LoRAs", "enhance": "prompt rewriting", "documents": "documents", "plan": "planned scenes",
                 "fallback_local_on_fail": "fallback", "retry": "retry rules"}
OPTIONAL = {"negative_prompt": "negative prompt", "steps": "steps", "guidance": "guidance", "flow_shift": "flow shift"}
"""Fields that only some engines use, in the words of the form."""


@dataclass(frozen=True)
class FormValues:
    """One value per component, in the order of the components. None is an empty number field."""

    prompt: str = ""
    many: str = "whole"
    engine: str = "auto"
    model: str = ""
    size: str = "1280x720"
    width: int | None = None
    height: int | None = None
    seconds: float | None = 8.0
    theme: str = "dark"
    camera: str = "static"
    captions: bool = True
    start_image: str | None = None
    end_image: str | None = None
    negative_prompt: str = ""
    fps: int | None = None
    frames: int | None = None
    seed: int | None = -1
    steps: int | None = None
    guidance: float | None = None
    flow_shift: float | None = None
    codec: str = "h264"
    crf: int | None = None
    subtitles: bool = False
    snapshots: int | None = 0
    carried: str = ""

    @staticmethod
    def of(values: tuple[Any, ...]) -> FormValues:
        """From the components' values, in order."""
        return FormValues(**dict(zip(NAMES, values, strict=True)))

    @staticmethod
    def from_saved(data: Any) -> FormValues | None:
        """What a browser kept; None where it is not what this version writes."""
        if not isinstance(data, Mapping) or not set(data) <= set(NAMES):
            return None
        kept = {name: value for name, value in data.items() if isinstance(value, _KINDS[name])}
        return FormValues(**kept)

    def to_saved(self) -> dict[str, Any]:
        return asdict(self)

    def to_request(self, spec: EngineSpec) -> VideoRequest:
        """The request that the form asks for; what `spec` does not use is left out. Raises `RequestError`."""
        width, height = self._size()
        frames = _whole(self.frames)
        base = VideoRequest.from_dict({**_carried(self.carried), "prompt": (self.prompt or "").strip()})
        return base.with_(
            engine=EngineChoice(self.engine or "auto"), model=self.model or None, width=width, height=height,
            seconds=None if frames else self.seconds, frames=frames, fps=_whole(self.fps),
            seed=-1 if self.seed is None else int(self.seed), theme=Theme(self.theme), captions=bool(self.captions),
            camera=CameraMovement(self.camera), start_image=_picture(self.start_image, "start_image", spec),
            end_image=_picture(self.end_image, "end_image", spec), **self._optional(spec),
            output=OutputOptions(codec=VideoCodec(self.codec), crf=_whole(self.crf),
                                 snapshots=_whole(self.snapshots) or 0, subtitles=bool(self.subtitles)))

    def _size(self) -> tuple[int | None, int | None]:
        if self.size == CUSTOM:
            return _whole(self.width), _whole(self.height)
        width, _, height = (self.size or "").partition("x")
        return int(width), int(height)

    def _optional(self, spec: EngineSpec) -> dict[str, Any]:
        given = {"negative_prompt": (self.negative_prompt or "").strip(), "steps": _whole(self.steps),
                 "guidance": self.guidance, "flow_shift": self.flow_shift}
        return {name: value for name, value in given.items() if name in spec.uses}

    @staticmethod
    def from_request(request: VideoRequest, spec: EngineSpec) -> FormValues:
        """Fill the form from a request; what the request leaves open takes the engine's default."""
        width, height = request.width or spec.defaults.width, request.height or spec.defaults.height
        preset = (width, height) in spec.size_presets
        seconds, frames = _length(request, spec)
        return FormValues(
            prompt=request.prompt, engine=request.engine.value, model=request.model or "",
            size=f"{width}x{height}" if preset else CUSTOM, width=width, height=height, seconds=seconds,
            frames=frames, theme=request.theme.value, camera=request.camera.value, captions=request.captions,
            start_image=_existing(request.start_image), end_image=_existing(request.end_image),
            negative_prompt=request.negative_prompt, fps=request.fps, seed=request.seed, steps=request.steps,
            guidance=request.guidance, flow_shift=request.flow_shift, codec=request.output.codec.value,
            crf=request.output.crf, subtitles=request.output.subtitles, snapshots=request.output.snapshots,
            carried=_carry(request))


NAMES = tuple(f.name for f in fields(FormValues))
_KINDS: Mapping[str, tuple[type, ...]] = {
    f.name: {"str": (str,), "bool": (bool,), "str | None": (str, type(None)), "int | None": (int, float, type(None)),
             "float | None": (int, float, type(None))}[str(f.type)] for f in fields(FormValues)}


def defaults(settings: Settings, spec: EngineSpec) -> FormValues:
    """A fresh form, as the settings want it."""
    return replace(FormValues.from_request(new_request(settings), spec), carried="")


def with_rules(request: VideoRequest, settings: Settings, carried: str) -> VideoRequest:
    """Add the rules that the settings decide, unless the form carries its own."""
    if carried:
        return request
    fresh = new_request(settings)
    return request.with_(fallback_local_on_fail=fresh.fallback_local_on_fail, retry=fresh.retry)


def effective_spec(engines: EngineRegistry, choice: str) -> EngineSpec:
    """The rules that a choice of engine leads to here; the local engine's where no diffusion engine can run."""
    diffusion = engines.of(EngineChoice.DIFFUSION)
    if choice == EngineChoice.DIFFUSION and diffusion:
        return diffusion[0].spec
    if choice == EngineChoice.AUTO:
        ready = next((engine for engine in diffusion if engine.availability().ok), None)
        if ready is not None:
            return ready.spec
    return engines.local().spec


def engine_hint(engines: EngineRegistry, choice: str) -> str:
    """One sentence on what the choice of engine means here."""
    diffusion = engines.of(EngineChoice.DIFFUSION)
    states = [engine.availability() for engine in diffusion]
    if choice == EngineChoice.LOCAL:
        return "Draws the subject as an animated diagram. Needs no model and no graphics card."
    if any(state.ok for state in states):
        return "Uses a diffusion model; what it cannot do is told before it starts."
    why = next((f"{state.reason} {state.fix}".strip() for state in states), "no diffusion model is set up yet")
    if choice == EngineChoice.DIFFUSION:
        return f"Cannot run here: {why.rstrip('.')}. Jobs fall back to the local engine if that is switched on."
    return "Draws with the local engine, because no diffusion model is ready here."


def hidden_hint(spec: EngineSpec) -> str:
    """Why some fields are not shown; empty where all are."""
    unused = [words for name, words in OPTIONAL.items() if name not in spec.uses]
    if not unused:
        return ""
    listed = unused[0] if len(unused) == 1 else ", ".join(unused[:-1]) + " and " + unused[-1]
    return f"{listed[:1].upper()}{listed[1:]} are not shown, because {spec.label} does not use them."


def size_choices(spec: EngineSpec) -> list[tuple[str, str]]:
    """Labels and values of the size presets, and a custom size."""
    presets = [(f"{w} × {h} {_shape(w, h)}", f"{w}x{h}") for w, h in spec.size_presets]
    return [*presets, ("Custom size", CUSTOM)]


def _shape(width: int, height: int) -> str:
    if width == height:
        return "square"
    return "wide" if width > height else "tall"


def carried_words(carried: str) -> str:
    """ "planned scenes, LoRAs": what the form carries without showing it; the rules of every form are not named."""
    extra = [CARRIED_WORDS[name] for name in _carried(carried) if name not in ("retry", "fallback_local_on_fail")]
    return ", ".join(extra)


def _carry(request: VideoRequest) -> str:
    plain, data = VideoRequest(prompt="").to_dict(), request.to_dict()
    kept = {name: data[name] for name in CARRIED
            if data[name] != plain[name] or name in ("retry", "fallback_local_on_fail")}
    return json.dumps(kept, ensure_ascii=False)


def _carried(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict) or not set(data) <= set(CARRIED):
        raise RequestError("The settings that the form carries along cannot be read.",
                           fix="Press Reset form, or load the settings again.")
    return data


def _length(request: VideoRequest, spec: EngineSpec) -> tuple[float, int | None]:
    """Seconds for the slider, and frames only where seconds cannot say the same."""
    if request.frames is None:
        return request.seconds or spec.defaults.seconds, None
    fps = request.fps or spec.defaults.fps
    seconds = round(request.frames / fps, 3)
    same = spec.frames.nearest(seconds * fps) == request.frames
    return seconds, None if same else request.frames


def _whole(value: Any) -> int | None:
    return None if value in (None, "") else int(value)


def _picture(value: str | None, name: str, spec: EngineSpec) -> Path | None:
    return Path(value) if value and name in spec.uses else None


def _existing(path: Path | None) -> str | None:
    return str(path) if path is not None and path.is_file() else None
