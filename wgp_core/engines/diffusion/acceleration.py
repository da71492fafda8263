"""What makes a diffusion run faster or smaller without another model: attention, step caches, compiling, VAE tiling.

`availability` functions answer for the window, with a reason, and import no torch. `accelerate` applies the choices to
a pipeline's modules for one run and takes every one of them off again, also when the run fails.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import EngineError
from ...models.choose import ATTENTIONS, attention_availability
from ...models.profiles import DENOISERS
from ...models.spec import Family
from ...request import StepCache
from ...whole import whole_file
from ..base import Availability

log = logging.getLogger(__name__)

__all__ = ["ATTENTIONS", "Acceleration", "Run", "accelerate", "attention_availability", "compile_availability",
           "start_pass", "step_cache_availability", "threshold"]

_BACKENDS = {"sdpa": "native", "flash": "flash", "sage": "sage", "xformers": "xformers"}
"""Our names of attention backends -> diffusers' `AttentionBackendName` values."""

_THRESHOLDS = {StepCache.FIRST_BLOCK: (0.02, 0.25), StepCache.MAG: (0.01, 0.15)}
"""Strength 0 and 1 of each cache. diffusers' own defaults (0.05 and 0.06) lie inside."""

_CACHED_FAMILIES = frozenset({Family.WAN, Family.COGVIDEOX, Family.LTX, Family.FLUX})
_FASTER_FORMATS = {Family.COGVIDEOX: "BFCHW"}
"""Layout of a denoiser's output, where both branches of guidance are computed in one batch, as FasterCache requires.
Wan computes them one after the other, LTX and FLUX use sequences of tokens, which diffusers' version cannot split."""


@dataclass(frozen=True)
class Acceleration:
    """Choices of one run. `strength` of a step cache is from 0 (skips least) to 1 (skips most)."""

    attention: str = "sdpa"
    step_cache: StepCache = StepCache.OFF
    strength: float = 0.5
    compile: bool = False
    vae_tiling: bool = False
    vae_slicing: bool = False


@dataclass(frozen=True)
class Run:
    """What applying needs to know of the run. `timestep` gives the current one, 0 to 1000 (the pipeline's own).

    `magnitudes` is a folder of this model's own for what MagCache measures; None: nothing can be measured.
    """

    family: Family
    steps: int
    device: str
    magnitudes: Path | None = None
    timestep: Callable[[], float] = lambda: 0.0


def threshold(cache: StepCache, strength: float) -> float:
    """The error up to which a cache skips, growing evenly in its logarithm with the strength."""
    low, high = _THRESHOLDS[cache]
    return low * (high / low) ** min(1.0, max(0.0, strength))


def step_cache_availability(cache: StepCache, family: Family) -> Availability:
    """Whether a step cache can be used with models of this family."""
    if cache is StepCache.OFF:
        return Availability(True)
    others = "Use the first-block cache, or none."
    if cache is StepCache.TEA:
        return Availability(False, "TeaCache needs coefficients measured for each checkpoint, and diffusers does not "
                            "have it; its first-block cache works on the same idea.", "Use the first-block cache.")
    if importlib.util.find_spec("diffusers") is None:
        return Availability(False, "diffusers is not installed.", "Install the requirements.")
    if family not in _CACHED_FAMILIES:
        return Availability(False, f"{family.label} has a U-Net, and step caches need transformer blocks.",
                            "Turn the step cache off.")
    if cache is StepCache.FASTER and family not in _FASTER_FORMATS:
        return Availability(False, f"FasterCache needs both guidance branches in one batch of pictures, and "
                            f"{family.label} does not compute them so.", others)
    return Availability(True)


def compile_availability(device: str) -> Availability:
    """Whether torch can compile here, judged by what is installed."""
    if device.startswith("cuda"):
        if sys.platform == "win32" or importlib.util.find_spec("triton") is None:
            return Availability(False, "Compiling for the GPU needs triton, which is not installed.",
                                "Turn compiling off.")
        return Availability(True)
    if shutil.which("c++") or shutil.which("g++") or shutil.which("clang++"):
        return Availability(True)
    return Availability(False, "Compiling for the CPU needs a C++ compiler.", "Install g++, or turn compiling off.")


@contextlib.contextmanager
def accelerate(modules: Mapping[str, Any], choices: Acceleration, run: Run) -> Iterator[tuple[str, ...]]:
    """Apply `choices` to a pipeline's modules (component name to module) inside the `with`.

    Yields notes on what could not be applied and was left out. Raises `EngineError` where diffusers refuses a choice
    that looked possible. Compiled blocks stay compiled while the model is in memory: taking them off would only make
    the next run compile again.
    """
    denoisers = {name: modules[name] for name in DENOISERS if modules.get(name) is not None}
    notes: list[str] = []
    with contextlib.ExitStack() as undo:
        for name, module in denoisers.items():
            _attention(module, choices.attention, run, undo, notes)
            _step_cache(name, module, choices, run, undo, notes)
            if choices.compile:
                _compile(module, run, notes)
        _vae(modules.get("vae"), choices, undo, notes)
        for note in notes:
            log.warning("%s", note)
        yield tuple(dict.fromkeys(notes))


def start_pass(modules: Mapping[str, Any]) -> None:
    """Make step caches forget, before each denoising inside one `with accelerate(...)` (windows, retries)."""
    for name in DENOISERS:
        module = modules.get(name)
        if module is not None and getattr(module, "is_cache_enabled", False):
            module._reset_stateful_cache()


def _attention(module: Any, name: str, run: Run, undo: contextlib.ExitStack, notes: list[str]) -> None:
    name = "sdpa" if name == "auto" else name
    if name == "sdpa":
        return  # torch's own attention is what a module has unless told otherwise
    found = attention_availability(name, run.device)
    if not found.ok:
        notes.append(f"{name} attention is not used: {found.reason}.")
        return
    from diffusers.models.attention_dispatch import AttentionBackendName, _AttentionBackendRegistry

    before = _AttentionBackendRegistry._active_backend  # set_attention_backend changes it for the whole process
    try:
        module.set_attention_backend(_BACKENDS[name])
    except (RuntimeError, ValueError, ImportError) as error:
        raise EngineError(f"{name} attention cannot be used: {error}", fix="Set attention to sdpa.") from error
    undo.callback(_AttentionBackendRegistry.set_active_backend, AttentionBackendName(before))
    undo.callback(module.reset_attention_backend)


def _step_cache(name: str, module: Any, choices: Acceleration, run: Run, undo: contextlib.ExitStack,
                notes: list[str]) -> None:
    cache = choices.step_cache
    if cache is StepCache.OFF:
        return
    found = step_cache_availability(cache, run.family)
    if not found.ok:
        notes.append(f"The {cache} step cache is not used: {found.reason}")
        return
    config = _mag_config(name, choices, run, notes) if cache is StepCache.MAG else _cache_config(choices, run)
    if config is None:
        return
    try:
        module.enable_cache(config)
    except (ValueError, AttributeError, IndexError) as error:
        raise EngineError(f"The {cache} step cache cannot be used with this model: {error}",
                          fix="Turn the step cache off.") from error
    undo.callback(_remove_cache, module)
    if cache is StepCache.MAG and config.calibrate and run.magnitudes is not None:
        _keep_magnitudes(run.magnitudes / f"{name}.json", module, run.steps, undo)


def _remove_cache(module: Any) -> None:
    """Take the cache off, with the tensors that it kept and the traces that diffusers leaves on each module."""
    module._reset_stateful_cache()
    module.disable_cache()
    for part in module.modules():
        registry = vars(part).get("_diffusers_hook")
        if registry is None or registry.hooks:
            continue
        del part._diffusers_hook
        own = vars(part).get("forward")
        if getattr(own, "__self__", None) is part and getattr(own, "__func__", None) is type(part).forward:
            del part.forward


def _cache_config(choices: Acceleration, run: Run) -> Any:
    from diffusers import hooks

    cache, strength = choices.step_cache, choices.strength
    if cache is StepCache.FIRST_BLOCK:
        return hooks.FirstBlockCacheConfig(threshold=threshold(cache, strength))
    return hooks.FasterCacheConfig(
        spatial_attention_block_skip_range=2 + round(2 * strength),
        unconditional_batch_skip_range=2 + round(6 * strength),
        tensor_format=_FASTER_FORMATS[run.family], attention_weight_callback=lambda _module: 0.3,
        current_timestep_callback=lambda: int(run.timestep() or 0))


def _mag_config(name: str, choices: Acceleration, run: Run, notes: list[str]) -> Any:
    """MagCache's configuration; one that only measures where this model's magnitudes are not known yet.

    diffusers ships magnitudes for FLUX alone. A transformer that sees a share of the steps (Wan 2.2) is given as many
    as it saw when it was measured.
    """
    from diffusers.hooks.mag_cache import FLUX_MAG_RATIOS, MagCacheConfig

    error = threshold(StepCache.MAG, choices.strength)
    if run.family is Family.FLUX:
        return MagCacheConfig(threshold=error, num_inference_steps=run.steps, mag_ratios=FLUX_MAG_RATIOS)
    if run.magnitudes is None:
        notes.append("The mag step cache is not used: there is no place for what it must measure.")
        return None
    known = _read_magnitudes(run.magnitudes / f"{name}.json")
    if known is None:
        notes.append("MagCache measures this model in this run and skips nothing yet; later runs will be faster.")
        # one step more than there are, since diffusers prints and forgets its measurements at the last
        return MagCacheConfig(calibrate=True, num_inference_steps=run.steps + 1)
    steps = max(1, round(len(known.ratios) * run.steps / known.steps))
    return MagCacheConfig(threshold=error, num_inference_steps=steps, mag_ratios=list(known.ratios))


@dataclass(frozen=True)
class _Magnitudes:
    """Ratios of a denoiser's residual magnitude to that of the step before; measured in a run of `steps` steps."""

    steps: int
    ratios: tuple[float, ...]


def _read_magnitudes(path: Path) -> _Magnitudes | None:
    if not path.is_file():
        return None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        found = _Magnitudes(int(data["steps"]), tuple(float(ratio) for ratio in data["ratios"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.warning("%s cannot be read (%s); it is measured again", path, error)
        return None
    return found if found.ratios and found.steps > 0 else None


def _keep_magnitudes(path: Path, module: Any, steps: int, undo: contextlib.ExitStack) -> None:
    """Write what a run measures when it ends; a run that was cut short leaves nothing.

    Read after each forward pass, since a diffusers pipeline resets its caches before it returns.
    """
    from diffusers.hooks.mag_cache import MagCacheHeadHook

    measured: list[float] = []
    hooks = [hook for part in module.modules() if "_diffusers_hook" in vars(part)
             for hook in vars(part)["_diffusers_hook"].hooks.values() if isinstance(hook, MagCacheHeadHook)]

    def read(*_: Any) -> None:
        for hook in hooks:
            states = hook.state_manager._state_cache
            state = states.get("cond") or next(iter(states.values()), None)
            if state is not None and len(state.calibration_ratios) > len(measured):
                measured[:] = state.calibration_ratios

    def save() -> None:
        watcher.remove()
        if sys.exc_info()[0] is not None or not measured:
            return
        with whole_file(path) as part:
            part.write_text(json.dumps({"steps": steps, "ratios": measured}), encoding="utf-8")
        log.info("MagCache measured %d steps: %s", len(measured), path)

    watcher = module.register_forward_hook(read)
    undo.callback(save)


def _compile(module: Any, run: Run, notes: list[str]) -> None:
    if getattr(module, "_wgp_compiled", False):
        return
    found = compile_availability(run.device)
    if not found.ok:
        notes.append(f"The model is not compiled: {found.reason}")
        return
    try:
        module.compile_repeated_blocks()
    except (ValueError, AttributeError) as error:
        notes.append(f"The model is not compiled: {error}")
        return
    module._wgp_compiled = True


def _vae(vae: Any, choices: Acceleration, undo: contextlib.ExitStack, notes: list[str]) -> None:
    for wanted, name in ((choices.vae_tiling, "tiling"), (choices.vae_slicing, "slicing")):
        if not wanted or vae is None:
            continue
        if not hasattr(vae, f"enable_{name}"):
            notes.append(f"VAE {name} is not used: {type(vae).__name__} does not have it.")
            continue
        if not getattr(vae, f"use_{name}", False):
            getattr(vae, f"enable_{name}")()
            undo.callback(getattr(vae, f"disable_{name}"))
