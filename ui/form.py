"""The form of the Generate tab as a value: from components to a `VideoRequest` and back.

What the form has no field for (planned scenes, a soundtrack, retry rules), or hides because the chosen model does not
use it, is carried along as JSON, so that settings loaded from a video lose nothing. Knows no component and no studio;
a test needs neither.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from wgp_core.engines.base import Engine, EngineSpec
from wgp_core.engines.registry import EngineRegistry
from wgp_core.errors import RequestError, WgpError
from wgp_core.loras.multipliers import parse_many
from wgp_core.marked import join_enhanced, split_enhanced
from wgp_core.request import (
    Brief,
    CameraMovement,
    DocumentMode,
    DocumentUse,
    EngineChoice,
    EnhanceMode,
    LoraProfile,
    LoraUse,
    OutputOptions,
    ScenePlan,
    Solver,
    StepCache,
    Theme,
    VideoCodec,
    VideoRequest,
)
from wgp_core.resolve import new_request
from wgp_core.settings import Settings

log = logging.getLogger(__name__)

CUSTOM = "custom"
CARRIED_WORDS = {"loras": "LoRAs", "guidance_2": "second guidance", "solver": "solver", "step_cache": "step cache",
                 "step_cache_strength": "step cache", "profile": "VRAM profile", "window_prompts": "window prompts",
                 "window_frames": "window length", "window_overlap": "window overlap", "lora_profile": "LoRA words",
                 "lora_negative_boost": "LoRA words", "documents": "documents",
                 "plan": "planned scenes", "brief": "what it is to teach", "scene_frames": "frames of a scene",
                 "crossfade": "cross-fade", "output": "soundtrack",
                 "fallback_local_on_fail": "fallback", "retry": "retry rules"}
CARRIED = tuple(CARRIED_WORDS)
"""Fields without a component, or whose component is shown for some models only."""
OPTIONAL = {"negative_prompt": "negative prompt", "steps": "steps", "guidance": "guidance", "flow_shift": "flow shift"}
"""Fields that only some engines use, in the words of the form."""
MODEL_FIELDS = {"guidance_2": "guidance_2", "solver": "solver", "loras": "loras", "lora_multipliers": "loras",
                "step_cache": "step_cache", "step_cache_strength": "step_cache", "profile": "profile",
                "window_prompts": "window_prompts", "window_frames": "window_frames",
                "window_overlap": "window_overlap",
                "lora_profile": "lora_profile", "lora_negative_boost": "lora_negative_boost"}
"""Components in the model's settings, and the name in `EngineSpec.uses` that shows them."""


@dataclass(frozen=True)
class FormValues:
    """One value per component, in the order of the components. None is an empty number field."""

    prompt: str = ""
    enhance: str = "off"
    enhanced: str = ""
    documents: str = ""
    documents_mode: str = "semantic"
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
    guidance_2: float | None = None
    solver: str = ""
    loras: tuple[str, ...] = ()
    lora_multipliers: str = ""
    lora_profile: str = "auto"
    lora_negative_boost: bool = True
    step_cache: str = "off"
    step_cache_strength: float | None = 0.5
    profile: str = ""
    window_prompts: str = ""
    window_frames: int | None = None
    window_overlap: int | None = None
    codec: str = "h264"
    crf: int | None = None
    subtitles: bool = False
    snapshots: int | None = 0
    carried: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "loras", tuple(self.loras or ()))  # components and JSON hand over lists

    @staticmethod
    def of(values: tuple[Any, ...]) -> FormValues:
        """From the components' values, in order."""
        return FormValues(**dict(zip(NAMES, values, strict=True)))

    @staticmethod
    def from_saved(data: Any) -> FormValues | None:
        """What a browser kept; None where it is not what this version writes."""
        if not isinstance(data, Mapping) or not set(data) <= set(NAMES):
            return None
        kept: dict[str, Any] = {name: value for name, value in data.items() if isinstance(value, _KINDS[name])}
        return FormValues(**kept)

    def to_saved(self) -> dict[str, Any]:
        return asdict(self)

    def to_request(self, spec: EngineSpec) -> VideoRequest:
        """The request that the form asks for; what `spec` does not use is left out. Raises `RequestError`."""
        width, height = self._size()
        frames = _whole(self.frames)
        prompt, enhanced = (self.prompt or "").strip(), (self.enhanced or "").strip()
        taken = self.enhance == "review" and prompt and enhanced
        base = VideoRequest.from_dict({**_carried(self.carried),
                                       "prompt": join_enhanced(prompt, enhanced) if taken else prompt})
        return base.with_(
            enhance=EnhanceMode.AUTOMATIC if self.enhance == "automatic" else EnhanceMode.OFF,
            engine=EngineChoice(self.engine or "auto"), model=self.model or None, width=width, height=height,
            seconds=None if frames else self.seconds or None, frames=frames, fps=_whole(self.fps),
            seed=-1 if self.seed is None else int(self.seed), theme=Theme(self.theme), captions=bool(self.captions),
            camera=CameraMovement(self.camera), start_image=_picture(self.start_image, "start_image", spec),
            end_image=_picture(self.end_image, "end_image", spec), **self._optional(spec),
            **self._documents(),
            output=OutputOptions(codec=VideoCodec(self.codec), crf=_whole(self.crf),
                                 snapshots=_whole(self.snapshots) or 0, subtitles=bool(self.subtitles),
                                 soundtrack=base.output.soundtrack))

    def _documents(self) -> dict[str, Any]:
        """The chosen collection; none chosen leaves what is carried along."""
        if not self.documents:
            return {}
        return {"documents": DocumentUse(self.documents, DocumentMode(self.documents_mode or "semantic"))}

    def _size(self) -> tuple[int | None, int | None]:
        if self.size == CUSTOM:
            return _whole(self.width), _whole(self.height)
        width, _, height = (self.size or "").partition("x")
        return int(width), int(height)

    def _optional(self, spec: EngineSpec) -> dict[str, Any]:
        given = {"negative_prompt": (self.negative_prompt or "").strip(), "steps": _whole(self.steps),
                 "guidance": self.guidance, "flow_shift": self.flow_shift}
        given |= {"guidance_2": self.guidance_2, "solver": Solver(self.solver) if self.solver else None,
                  "profile": self.profile or None, "window_prompts": split_windows(self.window_prompts),
                  "step_cache": StepCache(self.step_cache or "off"), "window_frames": _whole(self.window_frames),
                  "window_overlap": _whole(self.window_overlap), "lora_profile": LoraProfile(self.lora_profile),
                  "lora_negative_boost": bool(self.lora_negative_boost)}
        used = {name: value for name, value in given.items() if name in spec.uses}
        if "loras" in spec.uses:
            carried = _carried(self.carried).get("loras", ())
            used["loras"] = lora_uses(self.loras, self.lora_multipliers,
                                      {str(use["path"]): use.get("trigger", "") for use in carried})
        if "step_cache" in spec.uses and self.step_cache_strength is not None:
            used["step_cache_strength"] = float(self.step_cache_strength)
        return used

    @staticmethod
    def from_request(request: VideoRequest, spec: EngineSpec) -> FormValues:
        """Fill the form from a request; what the request leaves open takes the engine's default."""
        width, height = request.width or spec.defaults.width, request.height or spec.defaults.height
        preset = (width, height) in spec.size_presets
        seconds, frames = _length(request, spec)
        prompt, enhanced = split_enhanced(request.prompt)
        documents = request.documents or DocumentUse()
        return FormValues(
            prompt=prompt, enhance="review" if enhanced else request.enhance.value, enhanced=enhanced or "",
            documents=documents.collection, documents_mode=documents.mode.value,
            engine=request.engine.value, model=request.model or "",
            size=f"{width}x{height}" if preset else CUSTOM, width=width, height=height, seconds=seconds,
            frames=frames, theme=request.theme.value, camera=request.camera.value, captions=request.captions,
            start_image=_existing(request.start_image), end_image=_existing(request.end_image),
            negative_prompt=request.negative_prompt, fps=request.fps, seed=request.seed, steps=request.steps,
            guidance=request.guidance, flow_shift=request.flow_shift, guidance_2=request.guidance_2,
            solver=request.solver.value if request.solver else "", loras=tuple(str(use.path) for use in request.loras),
            lora_multipliers=join_multipliers(request.loras), step_cache=request.step_cache.value,
            step_cache_strength=request.step_cache_strength, profile=request.profile or "",
            window_prompts=join_windows(request.window_prompts), window_frames=request.window_frames,
            window_overlap=request.window_overlap, lora_profile=request.lora_profile.value,
            lora_negative_boost=request.lora_negative_boost, codec=request.output.codec.value,
            crf=request.output.crf, subtitles=request.output.subtitles, snapshots=request.output.snapshots,
            carried=_carry(request))


NAMES = tuple(f.name for f in fields(FormValues))
_NUMBER: tuple[type, ...] = (int, float, type(None))
_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,), "bool": (bool,), "tuple[str, ...]": (list, tuple), "str | None": (str, type(None)),
    "int | None": _NUMBER, "float | None": _NUMBER}
_KINDS = {f.name: _TYPES[str(f.type)] for f in fields(FormValues)}


def defaults(settings: Settings, spec: EngineSpec) -> FormValues:
    """A fresh form, as the settings want it."""
    return replace(FormValues.from_request(new_request(settings), spec), carried="")


def with_rules(request: VideoRequest, settings: Settings, carried: str) -> VideoRequest:
    """Add the rules that the settings decide, unless the form carries its own."""
    if carried:
        return request
    fresh = new_request(settings)
    return request.with_(fallback_local_on_fail=fresh.fallback_local_on_fail, retry=fresh.retry)


def with_plan(values: FormValues, spec: EngineSpec, settings: Settings, scenes: tuple[ScenePlan, ...],
              brief: Brief | None = None) -> FormValues:
    """The form with these planned scenes in it, or without any. Raises `RequestError`."""
    request = with_rules(values.to_request(spec), settings, values.carried).with_(plan=scenes, brief=brief)
    return replace(values, carried=_carry(request))


def planned_scenes(carried: str) -> tuple[ScenePlan, ...]:
    """The scenes that the form carries along."""
    return VideoRequest.from_dict({"prompt": "", "plan": _carried(carried).get("plan", ())}).plan


def effective_spec(engines: EngineRegistry, choice: str, model: str = "",
                   start_image: str | None = None) -> EngineSpec:
    """The rules that a choice of engine and model leads to here; the local engine's where no diffusion can run."""
    request = VideoRequest("x", engine=EngineChoice(choice or "auto"), model=model or None,
                           start_image=Path(start_image) if start_image else None)
    diffusion = engines.of(EngineChoice.DIFFUSION)
    for named in (EngineChoice.DIFFUSION, EngineChoice.REMOTE):
        if choice == named and (found := engines.of(named)):
            return _spec_for(found[0], request)
    if choice == EngineChoice.AUTO:
        ready = next((engine for engine in diffusion if engine.availability(request).ok), None)
        if ready is not None:
            return _spec_for(ready, request)
    return engines.local().spec


def spec_of(engines: EngineRegistry, values: FormValues) -> EngineSpec:
    """The rules for what the form holds."""
    return effective_spec(engines, values.engine, values.model, values.start_image)


def _spec_for(engine: Engine, request: VideoRequest) -> EngineSpec:
    """The rules of the request's model; the engine's own where that model is gone, which Generate then tells."""
    try:
        return engine.spec_for(request)
    except WgpError as error:
        log.debug("The model's rules are not known: %s", error)
        return engine.spec


def default_words(value: float | None) -> str:
    """What an empty number field stands for."""
    return "automatic" if value is None else f"{value:g}"


def engine_hint(engines: EngineRegistry, choice: str, model: str = "") -> str:
    """One sentence on what the choice of engine and model means here."""
    if choice == EngineChoice.LOCAL:
        return "Draws the subject as an animated diagram. Needs no model and no graphics card."
    if choice == EngineChoice.REMOTE:
        return _remote_hint(engines)
    request = VideoRequest("x", engine=EngineChoice(choice or "auto"), model=model or None)
    states = [engine.availability(request) for engine in engines.of(EngineChoice.DIFFUSION)]
    if any(state.ok for state in states):
        return "Uses a diffusion model; what it cannot do is told before it starts."
    why = next((f"{state.reason} {state.fix}".strip() for state in states), "no diffusion model is set up yet")
    if choice == EngineChoice.DIFFUSION:
        return _cannot_run(why)
    return "Draws with the local engine, because no diffusion model is ready here."


def _remote_hint(engines: EngineRegistry) -> str:
    states = [engine.availability() for engine in engines.of(EngineChoice.REMOTE)]
    if any(state.ok for state in states):
        return "Sends the prompt and pictures to Replicate, where a model makes the video. It costs money."
    return _cannot_run(next((f"{state.reason} {state.fix}".strip() for state in states), "it is not installed"))


def _cannot_run(why: str) -> str:
    return f"Cannot run here: {why.rstrip('.')}. Jobs fall back to the local engine if that is switched on."


def hidden_hint(spec: EngineSpec) -> str:
    """Why some fields are not shown; empty where all are."""
    unused = [words for name, words in OPTIONAL.items() if name not in spec.uses]
    return f"Not shown, because {spec.label} does not use it: {', '.join(unused)}." if unused else ""


def size_choices(spec: EngineSpec) -> list[tuple[str, str]]:
    """Labels and values of the size presets, and a custom size."""
    presets = [(f"{w} × {h} {_shape(w, h)}", f"{w}x{h}") for w, h in spec.size_presets]
    return [*presets, ("Custom size", CUSTOM)]


def _shape(width: int, height: int) -> str:
    if width == height:
        return "square"
    return "wide" if width > height else "tall"


def carried_words(carried: str, shown: frozenset[str] = frozenset()) -> str:
    """ "LoRAs, soundtrack": what the form carries without showing it (`shown` are `EngineSpec.uses`).

    The rules of every form are not named, nor planned scenes, which are shown.
    """
    quiet = {"retry", "fallback_local_on_fail", "plan", "brief"}
    quiet |= {name for name, use in MODEL_FIELDS.items() if use in shown}
    return ", ".join(dict.fromkeys(CARRIED_WORDS[name] for name in _carried(carried) if name not in quiet))


def split_windows(text: str) -> tuple[str, ...]:
    """One prompt a line; one a paragraph where the text has empty lines."""
    text = (text or "").replace("\r\n", "\n")
    parts = text.split("\n\n") if "\n\n" in text else text.split("\n")
    return tuple(part.strip() for part in parts if part.strip())


def join_windows(prompts: tuple[str, ...]) -> str:
    if any("\n" in prompt for prompt in prompts):
        return "\n\n".join(prompts) + "\n\n"
    return "\n".join(prompts)


def split_multipliers(text: str, count: int) -> tuple[str, ...]:
    """One multiplier for each LoRA, separated by spaces or lines; "#" begins a comment; what is not given is 1.

    "0.8;0.4" changes with the phase and "1,0.5" over the steps. Raises `RequestError` where one cannot be read or there
    are too many.
    """
    parse_many(text or "", count)
    words = [word for line in (text or "").splitlines() for word in line.partition("#")[0].split()]
    return (*words, *("1",) * (count - len(words)))


def lora_uses(paths: tuple[str, ...], multipliers: str, triggers: Mapping[str, str] | None = None,
              ) -> tuple[LoraUse, ...]:
    """The chosen files with their multipliers; `triggers` are words by path, which the form carries along."""
    given = split_multipliers(multipliers, len(paths))
    return tuple(LoraUse(Path(path), multiplier, (triggers or {}).get(path, ""))
                 for path, multiplier in zip(paths, given, strict=True))


def join_multipliers(uses: tuple[LoraUse, ...]) -> str:
    given = ["".join(use.multiplier.split()) for use in uses]
    return "" if all(one == "1" for one in given) else " ".join(given)


def _carry(request: VideoRequest) -> str:
    plain, data = VideoRequest(prompt="").to_dict(), request.to_dict()
    kept = {name: data[name] for name in CARRIED
            if data[name] != plain[name] or name in ("retry", "fallback_local_on_fail")}
    kept.pop("output", None)
    if request.output.soundtrack is not None:
        kept["output"] = {"soundtrack": str(request.output.soundtrack)}
    if request.documents is not None and request.documents.collection:
        del kept["documents"]
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
