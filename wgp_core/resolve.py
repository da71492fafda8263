"""From the request as asked to the effective one: nothing open, every rule of the engine kept, every change told."""

from __future__ import annotations

import contextlib
import secrets
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import scenes
from .engines.base import Engine, EngineSpec, PricedEngine
from .engines.registry import EngineRegistry
from .errors import EncoderMissingError, EngineError, RequestError
from .media import audio
from .media.images import load_image
from .request import (
    CameraMovement,
    EngineChoice,
    OutputOptions,
    RetryPolicy,
    StepCache,
    Theme,
    VideoCodec,
    VideoRequest,
)
from .settings import Settings

PLANNED_SECONDS = 20.0
"""Length of a video whose scenes are still to be planned, where none is asked for."""


@dataclass(frozen=True)
class Resolved:
    """An effective request, the engine that carries it out, and what the person should know about the difference."""

    request: VideoRequest
    engine: Engine
    warnings: tuple[str, ...] = ()


def new_request(settings: Settings, **fields: Any) -> VideoRequest:
    """A request that starts from the settings; `fields` are `VideoRequest`'s own and win."""
    start: dict[str, Any] = {
        "engine": EngineChoice(settings.engine), "model": settings.model or None, "theme": Theme(settings.video_theme),
        "fallback_local_on_fail": settings.fallback_local_on_fail,
        "retry": RetryPolicy(on_black=settings.retry_on_black, on_blank=settings.retry_on_blank,
                             guidance=settings.retry_guidance or None, steps=settings.retry_steps or None),
        "output": OutputOptions(codec=VideoCodec(settings.codec), crf=settings.crf, snapshots=settings.snapshots,
                                subtitles=settings.subtitles),
    }
    return VideoRequest(**{"prompt": "", **start, **fields})


def resolve(request: VideoRequest, engines: EngineRegistry, settings: Settings) -> Resolved:
    """Check a request and close everything that it leaves open.

    Raises `RequestError`, `MediaError` or `EngineError`. Where the request allows the fallback, an engine that
    cannot run is replaced by the local one, with a warning.
    """
    request.check()
    if request.output.soundtrack is not None:
        with contextlib.suppress(EncoderMissingError):  # without ffmpeg a GIF is made, which says that it has no sound
            audio.check(request.output.soundtrack)
    for path in (request.start_image, request.end_image):
        if path is not None:
            load_image(Path(path))
    try:
        engine = engines.choose(request)
    except EngineError as error:
        if not request.fallback_local_on_fail:
            raise
        return for_local(request, engines, settings, cause=str(error))
    return _close(request, engine, settings, ())


def for_local(request: VideoRequest, engines: EngineRegistry, settings: Settings, *, cause: str) -> Resolved:
    """The request as the local engine draws it, with a plain warning that says why."""
    engine = engines.local()
    open_ = replace(request, model=None, loras=(), steps=None, guidance=None, guidance_2=None, flow_shift=None,
                    solver=None, step_cache=StepCache.OFF, window_prompts=(), window_frames=None, window_overlap=None,
                    scene_frames=None, negative_prompt="", profile=None)
    snapped, notes = engine.spec_for(open_).snap(open_)
    instead = "the remote model" if request.engine is EngineChoice.REMOTE else "diffusion"
    warning = f"Drawn by the local engine instead of {instead}, because: {cause}"
    return _close(snapped, engine, settings, (warning, *notes))


def _close(request: VideoRequest, engine: Engine, settings: Settings, warnings: tuple[str, ...]) -> Resolved:
    spec = engine.spec_for(request)
    defaults = spec.defaults
    fps = request.fps or defaults.fps
    _check_rate(spec, fps)
    usual = PLANNED_SECONDS if request.makes_plan else defaults.seconds
    apart = scenes.rendered_apart(request, spec)
    if request.makes_plan and spec.frames.high == 1:
        raise RequestError(f"{spec.label} makes single pictures, and scenes were asked for.", field="model",
                           fix="Choose a video model or the local engine, or use the documents as overlay.")
    if apart:
        frames = request.frames or (round(request.seconds * fps) if request.seconds else None)
    else:
        frames = request.frames or _frames(spec, request.seconds or _planned_seconds(request) or usual, fps)
    closed = replace(
        request, engine=spec.choice, width=request.width or defaults.width, height=request.height or defaults.height,
        fps=fps, frames=frames, seconds=None, steps=request.steps or defaults.steps,
        guidance=defaults.guidance if request.guidance is None else request.guidance,
        flow_shift=defaults.flow_shift if request.flow_shift is None else request.flow_shift,
        guidance_2=defaults.guidance_2 if request.guidance_2 is None else request.guidance_2,
        solver=request.solver or defaults.solver,
        seed=secrets.randbelow(2**32) if request.seed == -1 else request.seed,
        output=replace(request.output, crf=settings.crf if request.output.crf is None else request.output.crf))
    warnings = (*warnings, *_unused(replace(request, scene_frames=None) if apart else request, spec))
    if apart:
        spec.check(replace(closed, frames=None))
        timed = frames is not None or any(scene.seconds is not None for scene in request.plan)
        if not timed and request.scene_frames is None:
            closed = replace(closed, scene_frames=spec.frames.nearest(scenes.SCENE_FRAMES))
        return with_layout(Resolved(closed, engine, warnings))
    spec.check(closed)
    if isinstance(engine, PricedEngine):
        warnings = (*warnings, engine.cost_before(closed))
    return Resolved(closed, engine, warnings)


def with_layout(resolved: Resolved) -> Resolved:
    """With the frames of each scene settled, where there is a plan that is rendered scene by scene."""
    request, spec = resolved.request, resolved.engine.spec_for(resolved.request)
    if not (request.plan and scenes.rendered_apart(request, spec)):
        return resolved
    layout = scenes.lay_out(request, spec)
    return replace(resolved, request=scenes.settled(request, layout), warnings=(*resolved.warnings, *layout.notes))


def _planned_seconds(request: VideoRequest) -> float | None:
    """What the scenes of a plan take together, where each says how long it is."""
    lengths = [scene.seconds for scene in request.plan]
    known = [length for length in lengths if length is not None]
    return sum(known) if known and len(known) == len(lengths) else None


def _check_rate(spec: EngineSpec, fps: int) -> None:
    if not spec.fps.fits(fps):
        raise RequestError(f"fps is {fps}; {spec.label} takes {spec.fps.describe()}.", field="fps",
                           fix=f"The nearest is {spec.fps.nearest(fps)}.")


def _frames(spec: EngineSpec, seconds: float, fps: int) -> int:
    """The allowed frame count nearest to `seconds`; too long or too short is an error, not a correction."""
    wanted = seconds * fps
    if seconds > spec.max_seconds + 1e-6 or wanted > spec.frames.high + 1:
        most = min(spec.max_seconds, spec.frames.high / fps)
        raise RequestError(f"seconds is {seconds:g}; {spec.label} makes at most {most:g} s at {fps} fps.",
                           field="seconds", fix="Ask for fewer seconds.")
    return spec.frames.nearest(wanted)


_OPTIONAL = {
    "negative_prompt": ("", "the negative prompt"),
    "steps": (None, "steps"),
    "guidance": (None, "guidance"),
    "flow_shift": (None, "flow shift"),
    "guidance_2": (None, "the second guidance"),
    "solver": (None, "the solver"),
    "step_cache": (StepCache.OFF, "the step cache"),
    "window_prompts": ((), "window prompts"),
    "window_frames": (None, "the window's length"),
    "window_overlap": (None, "the window's overlap"),
    "profile": (None, "the VRAM profile"),
    "scene_frames": (None, "the frames of a scene"),
    "loras": ((), "LoRAs"),
    "start_image": (None, "the start image"),
    "end_image": (None, "the end image"),
    "camera": (CameraMovement.STATIC, "the camera movement"),
}


def _unused(request: VideoRequest, spec: EngineSpec) -> tuple[str, ...]:
    """A sentence that names what was asked for and has no effect with this engine."""
    names = [label for field, (empty, label) in _OPTIONAL.items()
             if field not in spec.uses and getattr(request, field) != empty]
    return (f"{spec.label[0].upper()}{spec.label[1:]} does not use {', '.join(names)}.",) if names else ()
