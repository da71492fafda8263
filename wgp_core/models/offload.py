"""The only place that imports mmgp: hooks a pipeline's modules so that their weights pass through the card.

Called on CUDA devices only; on the CPU `attach` returns a handle that does nothing, and mmgp is never imported. What
each profile means is in `profiles`. mmgp is told to convert and quantize nothing: the loader has settled the weights.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import Cancelled, EngineError
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from .options import LoadOptions
from .profiles import OffloadCall, by_name, offload_call

log = logging.getLogger(__name__)

GB = 2**30


class OffloadObject(Protocol):
    """What mmgp hands back."""

    def release(self) -> None: ...


@dataclass(frozen=True)
class Watch:
    """Progress and cancel of the work that is being offloaded."""

    on_progress: ProgressCallback = ignore_progress
    cancel: CancelToken | None = None


Apply = Callable[[dict[str, Any], OffloadCall, Watch], OffloadObject]
"""Makes the call to mmgp: modules by component name, its arguments, and who watches."""


class OffloadHandle:
    """Holds the hooks of one pipeline. `release` may be called twice; on the CPU there is nothing to release."""

    def __init__(self, hooked: OffloadObject | None = None, call: OffloadCall | None = None) -> None:
        self._hooked = hooked
        self.call = call

    @property
    def active(self) -> bool:
        return self._hooked is not None

    def release(self) -> None:
        """Take the weights off the card and forget the modules."""
        hooked, self._hooked = self._hooked, None
        if hooked is not None:
            hooked.release()


def attach(modules: Mapping[str, Any], options: LoadOptions, *, on_progress: ProgressCallback = ignore_progress,
           cancel: CancelToken | None = None, vram_gb: float | None = None,
           apply: Apply | None = None) -> OffloadHandle:
    """Offload `modules` (component name to torch module) as `options.profile` says.

    The modules must be whole and on the CPU: what is added to them later is not moved to the card. `vram_gb` None asks
    the card; `apply` None calls mmgp, which works on the thread's current card: it becomes `options.device` here, so
    load and run in the same thread. Raises `EngineError` where mmgp is missing, `Cancelled` on a cancel.
    """
    if not options.device.startswith("cuda") or not options.profile:
        return OffloadHandle()
    profile = by_name(options.profile)
    size = _card_gb(options.device) if vram_gb is None else vram_gb
    call = offload_call(profile, modules, vram_gb=size, preload_mb=options.preload_mb)
    for module in modules.values():
        _keep_dtypes(module)
    log.info("offload profile %s: %s", profile.describe(), call)
    if apply is None:
        _make_current(options.device)
    hooked = (apply or _call_mmgp)(dict(modules), call, Watch(on_progress, cancel))
    return OffloadHandle(hooked, call)


def _keep_dtypes(module: Any) -> None:
    """Mark what mmgp must not convert: parts in another precision than the rest, and float32 inputs of the hooks.

    Unmarked, mmgp 3.8.2 asserts that all parameters of a model have one dtype, and rounds float32 arguments (the
    timestep) to the weights' precision. `_lock_dtype` is its own attribute for this.
    """
    import torch

    sizes: dict[Any, int] = {}
    plain = [(part, p) for part in module.modules() for p in part.parameters(recurse=False) if _is_plain(p)]
    for _, parameter in plain:
        sizes[parameter.dtype] = sizes.get(parameter.dtype, 0) + parameter.numel()
    if not sizes:
        return
    main = max(sizes, key=lambda dtype: sizes[dtype])
    for part, parameter in plain:
        if parameter.dtype != main:
            part._lock_dtype = parameter.dtype
    for part in (module, *module.children()):
        part._lock_dtype = torch.float32


def _is_plain(parameter: Any) -> bool:
    """Whether this is an ordinary float parameter, not a quantized one (optimum-quanto's have a `qtype`)."""
    return not hasattr(parameter, "qtype") and parameter.is_floating_point()


def _card_gb(device: str) -> float:
    import torch

    return torch.cuda.get_device_properties(device).total_memory / GB


def _make_current(device: str) -> None:
    import torch

    torch.cuda.set_device(device)


def _call_mmgp(modules: dict[str, Any], call: OffloadCall, watch: Watch) -> OffloadObject:
    import torch

    try:
        offload, profile_type = import_mmgp()
    except ImportError as error:
        raise EngineError(f"VRAM profiles need the package mmgp, which cannot be imported ({error}).",
                          fix="Install the requirements, or set the device to cpu.") from error
    previous = torch.get_default_device()
    callback = offload.LoadingCallback(
        abort_requested=lambda: watch.cancel is not None and watch.cancel.cancelled,
        progress=lambda phase, done, total, name: watch.on_progress(
            Progress(Stage.LOAD, done, total, f"{phase}: {name}" if name else phase)))
    try:
        with _quiet():
            hooked = offload.profile(modules, profile_type(call.base), verboseLevel=1, loading_callback=callback,
                                     **call.kwargs())
    except offload.LoadingCancelled as error:
        raise Cancelled("Loading was cancelled.") from error
    finally:
        torch.set_default_device(previous)  # mmgp makes the card everyone's default
    hooked.verboseLevel = 0
    return hooked


_LOADERS = (("safetensors", "safe_open"), ("safetensors.torch", "load_file"),
            ("accelerate.utils.modeling", "safe_open"), ("accelerate.utils.modeling", "safe_load_file"),
            ("transformers.modeling_utils", "safe_open"), ("transformers.modeling_utils", "safe_load_file"))
"""What mmgp 3.8.2 replaces when it is imported (`mmgp/safetensors2.py`, its last lines)."""


def import_mmgp() -> tuple[Any, Any]:
    """mmgp's `offload` module and `profile_type`, with the loaders that it replaces put back.

    Its `safe_open` lacks the argument `backend` that transformers 5 passes: every later `from_pretrained` of a
    transformers model would fail. Ours read weights by themselves, so mmgp's reader is not needed.
    """
    modules = [importlib.import_module(name) for name, _ in _LOADERS]
    before = [getattr(module, attribute, None) for module, (_, attribute) in zip(modules, _LOADERS, strict=True)]
    with _quiet():
        from mmgp import offload, profile_type
    for module, (_, attribute), original in zip(modules, _LOADERS, before, strict=True):
        if original is not None:
            setattr(module, attribute, original)
    return offload, profile_type


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """mmgp prints; a worker's standard output carries its protocol. What it says goes to the log."""
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said):
            yield
    finally:
        for line in said.getvalue().splitlines():
            if line.strip():
                log.info("mmgp: %s", line.strip())
