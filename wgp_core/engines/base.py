"""The contract between `generate_video` and an engine.

An engine declares its rules (`EngineSpec`), says whether it can run here (`availability`), and renders an effective
request into a `FrameStream`. It does not encode, record, retry or fall back: that is `generate_video`'s work.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from ..errors import RequestError
from ..events import CancelToken, ProgressCallback, ignore_progress
from ..request import EngineChoice, Solver, VideoRequest
from ..settings import Settings

Frame = np.ndarray
"""RGB, uint8, shape (height, width, 3), C-contiguous."""


@dataclass(frozen=True)
class StepRule:
    """Whole numbers from `low` to `high` that are `step * k + offset` (Wan frames: 4k+1; sizes: multiples of 16)."""

    low: int
    high: int
    step: int = 1
    offset: int = 0

    def fits(self, value: int) -> bool:
        return self.low <= value <= self.high and (value - self.offset) % self.step == 0

    def nearest(self, value: float) -> int:
        """The allowed number closest to `value`; a tie goes up."""
        first = self.low + (-(self.low - self.offset)) % self.step
        last = self.high - (self.high - self.offset) % self.step
        snapped = first + self.step * int((value - first) / self.step + 0.5)
        return max(first, min(last, snapped))

    def describe(self) -> str:
        """ "a multiple of 16 from 256 to 1280", "4k+1 from 5 to 161"."""
        if self.low == self.high:
            return f"only {self.low}"
        if self.step == 1:
            kind = "a whole number"
        elif self.offset == 0:
            kind = f"a multiple of {self.step}"
        else:
            kind = f"of the form {self.step}k+{self.offset}"
        return f"{kind} from {self.low} to {self.high}"


@dataclass(frozen=True)
class EngineDefaults:
    """What an engine takes for fields that a request leaves open."""

    width: int
    height: int
    fps: int
    seconds: float
    steps: int | None = None
    guidance: float | None = None
    flow_shift: float | None = None
    guidance_2: float | None = None
    solver: Solver | None = None


@dataclass(frozen=True)
class EngineSpec:
    """An engine's name, rules and defaults. Sizes in pixels, durations in seconds."""

    id: str
    label: str
    choice: EngineChoice
    width: StepRule
    height: StepRule
    frames: StepRule
    fps: StepRule
    max_seconds: float
    defaults: EngineDefaults
    size_presets: tuple[tuple[int, int], ...] = ()
    uses: frozenset[str] = frozenset()
    """Optional request fields that change this engine's result: "steps", "guidance", "negative_prompt", ..."""
    check_frames: bool = True
    """Whether near-black or washed-out frames mean failure; not so for an engine that draws on white paper."""

    def snap(self, request: VideoRequest) -> tuple[VideoRequest, tuple[str, ...]]:
        """Move size and frame count to the nearest allowed ones; returns the notes to show for each change."""
        changes: dict[str, Any] = {}
        notes = []
        for name in ("width", "height", "fps", "frames"):
            value = getattr(request, name)
            rule: StepRule = getattr(self, name)
            if value is not None and not rule.fits(value):
                changes[name] = rule.nearest(value)
                notes.append(f"{name} {value} became {changes[name]}: {self.label} takes {rule.describe()}.")
        return request.with_(**changes), tuple(notes)

    def check(self, request: VideoRequest) -> None:
        """Raise `RequestError` where the effective request breaks this engine's rules."""
        for name in ("width", "height", "fps", "frames"):
            value = getattr(request, name)
            rule: StepRule = getattr(self, name)
            if value is not None and not rule.fits(value):
                raise RequestError(f"{name} is {value}; {self.label} takes {rule.describe()}.", field=name,
                                   fix=f"The nearest is {rule.nearest(value)}.")
        frames, fps = request.frames, request.fps
        if frames and fps and frames / fps > self.max_seconds + 1e-6:
            raise RequestError(f"{frames} frames at {fps} fps last {frames / fps:.1f} s; {self.label} makes at most "
                               f"{self.max_seconds:g} s.", field="seconds", fix="Ask for fewer seconds.")


@dataclass(frozen=True)
class Availability:
    """Whether something can run here; `reason` says why not and `fix` what to do."""

    ok: bool
    reason: str = ""
    fix: str = ""


@dataclass(frozen=True)
class MemoryPlan:
    """How an engine should spend memory. `generate_video` walks a ladder of these when memory runs out.

    `profile` is a VRAM profile name ("auto", "1" ... "5"); `frames_at_once` 0 means all.
    """

    profile: str = "auto"
    vae_tiling: bool = False
    frames_at_once: int = 0

    def describe(self) -> str:
        parts = [f"profile {self.profile}"]
        if self.vae_tiling:
            parts.append("VAE tiling")
        if self.frames_at_once:
            parts.append(f"{self.frames_at_once} frames at a time")
        return ", ".join(parts)


@dataclass(frozen=True)
class RuntimeOptions:
    """Choices of the machine, not of the request: they change speed and memory, never what is asked for."""

    device: str = "auto"
    profile: str = "auto"
    attention: str = "auto"
    compile: bool = False
    preload_mb: int = 0
    dtype: str = "auto"
    quantization: str = "auto"
    keep_models: str = "keep"
    cache_root: str = ""
    render_processes: int = 0
    """Processes that draw for the local engine; 0 takes the number of usable cores."""
    remote_models: bool = False
    """Whether requests may go to models at a remote service, which costs money."""
    remote_prices: str = ""
    remote_url: str = ""

    @staticmethod
    def of(settings: Settings) -> RuntimeOptions:
        """The machine's choices out of the settings, where each has the same name."""
        return RuntimeOptions(**{f.name: getattr(settings, f.name) for f in fields(RuntimeOptions)})


@dataclass(frozen=True)
class Caption:
    """What is said from `start_s` to `end_s`; becomes an SRT or VTT cue."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class ModelUse:
    """A weight file that took part in a result: name, size in bytes, and sha256 (lower-case hex)."""

    name: str
    path: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class FrameStream:
    """Frames as they are made. Iterate `frames` once; exactly `count` frames of `width` x `height` come."""

    width: int
    height: int
    fps: int
    count: int
    frames: Iterator[Frame]
    captions: tuple[Caption, ...] = ()
    models: tuple[ModelUse, ...] = ()
    notes: tuple[str, ...] = ()
    plan: tuple[Any, ...] = ()
    """The scenes as drawn (`ScenePlan`s), for the record."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """How it was computed, for the record: device, precision, quantization, VRAM profile, attention, and why."""


@dataclass
class RenderSession:
    """What an engine gets beside the request."""

    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)
    memory: MemoryPlan = field(default_factory=MemoryPlan)
    on_progress: ProgressCallback = ignore_progress
    cancel: CancelToken = field(default_factory=CancelToken)
    scratch: Path | None = None
    notes: list[str] = field(default_factory=list)
    """What turned out while frames were made, for the person."""
    ahead: tuple[VideoRequest, ...] = ()
    """Single pictures that will be asked for next, with other words and seeds: an engine may make some of them together
    with this one, and have them ready."""


class Engine(Protocol):
    """Turns effective requests into frames. `render` may raise `EngineError`, `EngineMemoryError`, `Cancelled`."""

    @property
    def spec(self) -> EngineSpec: ...

    def spec_for(self, request: VideoRequest) -> EngineSpec:
        """The rules for this request: those of the model that it names, where an engine has several."""
        ...

    def availability(self, request: VideoRequest | None = None) -> Availability: ...

    def memory_ladder(self, start: MemoryPlan) -> tuple[MemoryPlan, ...]:
        """Plans to try after `start` runs out of memory, each needing less than the one before; may be empty."""
        ...

    def render(self, request: VideoRequest, session: RenderSession) -> FrameStream: ...


@runtime_checkable
class PricedEngine(Protocol):
    """An engine whose results cost money."""

    def cost_before(self, request: VideoRequest) -> str:
        """What a request will cost, in words, as far as that is known. Raises `SettingsError`."""
        ...


@runtime_checkable
class PreloadingEngine(Protocol):
    """An engine that can load its model before a job needs it."""

    def preload(self, model: str, session: RenderSession) -> str:
        """Load `model` ("" means the usual one) and return its name for people; raises what `render` may raise."""
        ...
