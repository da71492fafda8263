"""The diffusion engine: installed diffusers models behind the `Engine` protocol.

Its rules are those of the model that a request names. Nothing here imports torch before a rendering begins. A rendering
borrows its model from the process's manager for as long as its frames are read, and gives it back when they are done,
abandoned or failed.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ... import hardware
from ...errors import EngineError, RequestError
from ...events import CancelToken, Progress, Stage
from ...models import preflight
from ...models.locate import Found, find, missing_error
from ...models.spec import Task
from ...paths import Paths
from ...request import EngineChoice, OutputOptions, StepCache, VideoRequest
from .. import memory
from ..base import Availability, EngineSpec, Frame, FrameStream, MemoryPlan, ModelUse, RenderSession, RuntimeOptions
from .rules import denoiser_parameters, engine_spec, rules_of

if TYPE_CHECKING:
    from ...models.manager import Loaded
    from ...models.options import LoadOptions
    from .rendering import Other

log = logging.getLogger(__name__)

CPU_PARAMETERS = 3_000_000_000
"""Larger denoisers take many minutes a step on a CPU: `auto` does not choose them there."""
PRELOAD_LOOK_S = 0.25
TILED_PIXELS = 1280 * 720
"""From this many pixels a frame, decoding in tiles saves gigabytes."""


@dataclass(frozen=True)
class _Preload:
    """A model that another thread is loading ahead of the jobs."""

    found: Found
    cancel: CancelToken
    ended: threading.Event = field(default_factory=threading.Event)


class DiffusionEngine:
    """Makes videos with a diffusers model. `runtime` gives the device and the hub cache that models are sought in."""

    def __init__(self, paths: Paths, runtime: RuntimeOptions | None = None) -> None:
        self._paths = paths
        self._runtime = runtime or RuntimeOptions()
        self._preloading: _Preload | None = None
        self._ready: dict[tuple[VideoRequest, Path | None, RuntimeOptions], FrameStream] = {}
        """Pictures that were made together with another one, until they are asked for; the last batch's alone."""

    @property
    def spec(self) -> EngineSpec:
        """The rules of the model that is taken where a request names none."""
        return engine_spec(self._find(None, None).spec)

    def spec_for(self, request: VideoRequest) -> EngineSpec:
        """The rules of the request's model. Raises `RequestError` for a name that means no model."""
        return engine_spec(self._found(request).spec, request)

    def availability(self, request: VideoRequest | None = None) -> Availability:
        """Whether the request's model is installed and fits the request and this machine."""
        found = self._found(request) if request is not None else self._find(None, None)
        if found.folder is None:
            error = missing_error(found.spec, self._paths, self._runtime.cache_root)
            return Availability(False, error.message, error.fix)
        if request is None:
            return Availability(True)
        return _images(found, request) or self._unasked(found, request) or Availability(True)

    def memory_ladder(self, start: MemoryPlan) -> tuple[MemoryPlan, ...]:
        """Without the last step: these pipelines hold all frames of a window at once."""
        return tuple(plan for plan in memory.memory_ladder(start) if not plan.frames_at_once)

    def render(self, request: VideoRequest, session: RenderSession) -> FrameStream:
        """Load the model and prepare the rendering; denoising begins when the first frame is asked for.

        Raises `ModelMissingError`, `EngineError`, `EngineMemoryError`, `RequestError` (LoRAs) or `Cancelled`, here or
        from the frames.
        """
        found = self._found(request, session.runtime.cache_root)
        ready = self._ready.pop((_named(request), found.folder, session.runtime), None)
        if ready is not None:
            return ready
        if found.folder is None:
            raise missing_error(found.spec, self._paths, session.runtime.cache_root)
        problem = _images(found, request)
        if problem is not None:
            raise EngineError(problem.reason, fix=problem.fix)
        session.on_progress(Progress(Stage.LOAD, message=f"Loading {found.spec.label}"))
        self._wait_for_preload(found, session)
        self._check_loras(request, session, found)
        with contextlib.ExitStack() as borrowed:
            loaded = self._borrow(borrowed, found, session, request.profile)
            return self._stream(request, session, found, loaded, borrowed)

    def preload(self, model: str, session: RenderSession) -> str:
        """Have a model in memory before a job needs it; "" means the one that a job takes by itself.

        Returns its label. May be called from a thread of its own: a rendering that begins meanwhile waits for it, or
        stops it where it needs another model. Raises what `render` raises.
        """
        found = self._find(model or None, None, session.runtime.cache_root)
        if found.folder is None:
            raise missing_error(found.spec, self._paths, session.runtime.cache_root)
        self._preloading = running = _Preload(found, session.cancel)
        try:
            with contextlib.ExitStack() as borrowed:
                self._borrow(borrowed, found, session, None)
        finally:
            self._preloading = None
            running.ended.set()
        return found.spec.label

    def _wait_for_preload(self, found: Found, session: RenderSession) -> None:
        """Two threads that import the model libraries at once can catch each other's half-made modules."""
        running = self._preloading
        if running is None:
            return
        if running.found != found:
            running.cancel.cancel()
        while not running.ended.wait(PRELOAD_LOOK_S):
            session.cancel.raise_if_cancelled()
            session.on_progress(Progress(Stage.LOAD, message=f"Waiting for {running.found.spec.label}"))

    def _borrow(self, borrowed: contextlib.ExitStack, found: Found, session: RenderSession,
                profile: str | None) -> Loaded:
        """The loaded model, held in memory and on the disk until `borrowed` is closed."""
        from ...models.choose import load_options
        from ...models.hub_cache import cache_root_of, lease_folder
        from ...models.manager import process_manager
        from ...models.pipeline import load_pipeline

        assert found.folder is not None
        options = load_options(session.runtime, session.memory, profile, found.spec)
        borrowed.enter_context(lease_folder(found.folder, cache_root_of(self._paths, session.runtime.cache_root)))
        return borrowed.enter_context(process_manager().use(
            found, options, load_pipeline, on_progress=session.on_progress, cancel=session.cancel))

    # -- putting a rendering together -------------------------------------------------------------------------------

    def _stream(self, request: VideoRequest, session: RenderSession, found: Found, loaded: Any,
                borrowed: contextlib.ExitStack) -> FrameStream:
        """The frames, owning what was borrowed from here on."""
        from ...loras import words
        from .acceleration import Acceleration, Run, accelerate
        from .rendering import Rendering

        pipelines, options = loaded.value, loaded.value.options
        prompt, negative, notes = words.decorate(
            request.prompt, request.negative_prompt or found.spec.defaults.negative_prompt, request)
        notes = (*loaded.notes, *notes)
        rendering = Rendering(request, session, pipelines, prompt, negative)
        together = self._together(request, session, found, options)
        rendering.others = tuple(self._other(one, found) for one in together)
        lora_files: tuple[Path, ...] = ()
        if request.loras:
            applied = borrowed.enter_context(self._loras(request, session, rendering))
            rendering.loras, lora_files = applied, applied.files
            notes = (*notes, *applied.notes)
        large = rendering.width * rendering.height >= TILED_PIXELS
        notes += borrowed.enter_context(accelerate(
            pipelines.modules(),
            Acceleration(options.attention, request.step_cache, request.step_cache_strength, options.compile,
                         vae_tiling=session.memory.vae_tiling or large),
            Run(pipelines.family, rendering.steps, options.device,
                magnitudes=self._paths.cache / "magnitudes" / found.spec.id.replace("/", "--"),
                timestep=lambda: _timestep(rendering.adapter.pipelines))))
        if len(rendering.windows) > 1:
            notes += (f"Made of {len(rendering.windows)} windows of up to "
                      f"{max(w.count for w in rendering.windows)} frames.",)
        models = self._models(session, (*loaded.files, *lora_files), found)
        facts = {"model": found.spec.id, **loaded.facts,
                 "vae tiling": "yes" if session.memory.vae_tiling or large else "no"}
        if together:
            facts["pictures together"] = str(len(together) + 1)
        stream = FrameStream(
            width=rendering.width, height=rendering.height, fps=request.fps or found.spec.defaults.fps,
            count=rendering.count, frames=iter(()), models=models, notes=notes, facts=facts)

        def keep(place: int, frame: Frame) -> None:
            self._ready[together[place], found.folder, session.runtime] = replace(stream, frames=iter((frame,)))

        rendering.keep = keep
        return replace(stream, frames=_Frames(rendering.frames(), borrowed.pop_all()))

    def _together(self, request: VideoRequest, session: RenderSession, found: Found,
                  options: LoadOptions) -> tuple[VideoRequest, ...]:
        """Those of the pictures that come next for which there is memory, and which are not ready.

        A step cache decides for all pictures of a batch at once, so there is no batch with one.
        """
        if request.frames != 1 or request.start_image is not None or request.step_cache is not StepCache.OFF:
            return ()
        waiting = [one for one in dict.fromkeys(map(_named, session.ahead)) if one != _named(request)]
        if not waiting:
            return ()
        self._ready.clear()
        most = preflight.pictures_at_once(found.spec, request, options_hint=options,
                                          room=preflight.Room.here(options.device))
        return tuple(waiting[:most - 1])

    def _other(self, request: VideoRequest, found: Found) -> Other:
        from ...loras import words
        from .rendering import Other

        prompt, negative, _ = words.decorate(
            request.prompt, request.negative_prompt or found.spec.defaults.negative_prompt, request)
        return Other(prompt, negative, request.seed)

    def _check_loras(self, request: VideoRequest, session: RenderSession, found: Found) -> None:
        """Refuse a LoRA that does not fit before minutes go into loading; a model in memory is asked when it is put on.

        Raises `RequestError` that names the tensor.
        """
        from ...models.manager import process_manager

        if not request.loras or found.folder is None or process_manager().status().model == found.spec.id:
            return
        from ...loras.compat import folder_shapes, match, require_fit
        from ...loras.header import read_header
        from ...loras.library import resolve_uses

        shapes = folder_shapes(found.folder)
        for use in resolve_uses(request.loras, self._paths, cache_root=session.runtime.cache_root):
            require_fit(match(read_header(use.path), shapes, found.spec.family), found.spec.label)

    def _loras(self, request: VideoRequest, session: RenderSession, rendering: Any) -> Any:
        from ...loras.adapters import apply
        from ...loras.library import resolve_uses

        session.on_progress(Progress(Stage.LOAD, message="Applying LoRAs"))
        pipelines = rendering.pipelines
        uses = resolve_uses(request.loras, self._paths, cache_root=session.runtime.cache_root)
        return apply(pipelines.modules(), uses, pipelines.family, rendering.steps,
                     phase_starts=rendering.adapter.phase_starts(request), model_label=pipelines.spec.label)

    def _models(self, session: RenderSession, files: tuple[Path, ...], found: Found) -> tuple[ModelUse, ...]:
        """A manifest entry for every weight file; the first hashing of a large file takes a while."""
        from ...models.hashes import FileHashes

        hashes = FileHashes(self._paths.cache / "sha256.json")
        used = []
        for number, file in enumerate(dict.fromkeys(files)):
            session.cancel.raise_if_cancelled()
            session.on_progress(Progress(Stage.LOAD, number, len(files), f"Checking {file.name}"))
            inside = found.folder is not None and file.is_relative_to(found.folder)
            used.append(hashes.model_use(f"{found.spec.id}/{file.parent.name}" if inside else file.stem, file))
        return tuple(used)

    # -- finding ----------------------------------------------------------------------------------------------------

    def _found(self, request: VideoRequest, cache_root: str = "") -> Found:
        if request.frames == 1 and request.model is None and request.start_image is None:
            still = self._find(None, Task.T2I, cache_root)
            if still.folder is not None:
                return still
        task = Task.I2V if request.start_image is not None else Task.T2V
        return self._find(request.model, task, cache_root)

    def _find(self, name: str | None, task: Task | None, cache_root: str = "") -> Found:
        found = find(name, self._paths, task=task, cache_root=cache_root or self._runtime.cache_root)
        if not found.spec.is_diffusion:
            raise RequestError(f"{found.spec.label} makes no videos: it is a {found.spec.family.label} model.",
                               field="model", fix="Choose a model for text to video or image to video.")
        return found

    def _unasked(self, found: Found, request: VideoRequest) -> Availability | None:
        """Why `auto` should not take this model here; None where it should."""
        size = denoiser_parameters(found.spec)
        if request.engine is not EngineChoice.AUTO or request.model:
            return None
        if found.spec.shipped:
            return Availability(False, f"{found.spec.label} knows only its own small world of coloured things.",
                                "Choose the diffusion engine to see it.")
        if size <= CPU_PARAMETERS:
            return None
        if self._runtime.device != "cpu" and hardware.gpus():
            return None
        return Availability(False, f"{found.spec.label} has {size / 1e9:.0f} billion parameters, which takes hours "
                            "without an NVIDIA GPU.", "Choose the diffusion engine explicitly to wait for it.")


class _Frames:
    """An iterator over frames that gives back what was borrowed: at the end, on an error, on `close`, when dropped."""

    def __init__(self, frames: Iterator[Frame], borrowed: contextlib.ExitStack) -> None:
        self._borrowed = borrowed
        self._frames = _within(frames, borrowed)

    def __iter__(self) -> _Frames:
        return self

    def __next__(self) -> Frame:
        return next(self._frames)

    def close(self) -> None:
        """Stop here; may be called twice."""
        self._frames.close()
        self._borrowed.close()  # a generator that never began has not entered it

    def __del__(self) -> None:
        self.close()


def _within(frames: Iterator[Frame], borrowed: contextlib.ExitStack) -> Any:
    with borrowed:
        yield from frames


def _images(found: Found, request: VideoRequest) -> Availability | None:
    """What is wrong with the request's images for this model; None where nothing is."""
    rules, label = rules_of(found.spec), found.spec.label
    if rules.needs_start_image and request.start_image is None:
        return Availability(False, f"{label} makes videos from a start image, and the request has none.",
                            "Add a start image, or choose a text-to-video model.")
    if request.start_image is not None and not rules.start_image:
        return Availability(False, f"{label} cannot use a start image.", "Choose an image-to-video model.")
    if request.end_image is not None and (not rules.end_image or request.start_image is None):
        what = "needs a start image beside the end image" if rules.end_image else "cannot use an end image"
        return Availability(False, f"{label} {what}.", "Remove the end image, or choose another model.")
    return None


def _named(request: VideoRequest) -> VideoRequest:
    """What a picture is known by while it is ready: all but where it will be kept."""
    return replace(request, output=OutputOptions())


def _timestep(pipelines: Any) -> float:
    """The timestep that a pipeline is at, 0 to 1000; 0 before it begins."""
    for pipe in (pipelines.text, pipelines.image):
        at = getattr(pipe, "_current_timestep", None)
        if at is not None:
            return float(at)
    return 0.0
