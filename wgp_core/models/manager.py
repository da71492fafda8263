"""Owns which model is in memory: one at a time, borrowed, evicted when another is wanted, given back whole.

Engines borrow with `use`; whoever borrows never keeps the value past the `with`. One lock guards the state, but loading
happens outside it, so `status` answers at any time. A second model waits for borrowers of the first in other threads;
in the same thread that would wait for ever, so it is an error. Knows no model: a `Loader` makes what is borrowed.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import gc
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import Cancelled, EngineError, EngineMemoryError, RequestError, SettingsError
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from .options import LoadOptions

if TYPE_CHECKING:
    from .locate import Found

log = logging.getLogger(__name__)

MB = 2**20
WAIT_S = 0.25
POLICIES = ("keep", "queue-end", "job-end")


@dataclass(eq=False)
class Loaded:
    """What a loader made. `release` gives back whatever dropping `value` would not (hooks, mapped files).

    Not frozen: an eviction sets `value` to None, so that a variable left over from `with use(...) as loaded` keeps no
    model in memory while the next one is loaded.
    """

    value: Any
    release: Callable[[], None]
    size_bytes: int
    facts: Mapping[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()
    """What people should know of how it was loaded, as sentences."""


Loader = Callable[["Found", LoadOptions, ProgressCallback, CancelToken], Loaded]


@dataclass(frozen=True)
class ManagerStatus:
    """What is in memory now. Everything is empty or 0 where nothing is."""

    model: str = ""
    label: str = ""
    options: LoadOptions | None = None
    size_bytes: int = 0
    load_seconds: float = 0.0
    borrowers: int = 0
    loading: str = ""
    """Label of the model that is being loaded."""


@dataclass(frozen=True)
class _Key:
    model: str
    folder: Path | None
    options: LoadOptions


class _Resident:
    def __init__(self, key: _Key, label: str, loaded: Loaded, seconds: float) -> None:
        self.key = key
        self.label = label
        self.loaded: Loaded | None = loaded
        self.size_bytes = loaded.size_bytes
        self.seconds = seconds
        self.borrowers: dict[int, int] = {}
        """Thread id -> how many `with use(...)` it is inside."""
        self.doomed = False
        """Evict when the last borrower leaves."""


class ModelManager:
    """Lends models. One for the process; see `process_manager`."""

    def __init__(self) -> None:
        self._state = threading.Condition()
        self._resident: _Resident | None = None
        self._loading = ""
        self._loader_thread = 0

    # -- borrowing ----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def use(self, found: Found, options: LoadOptions, loader: Loader, *,
            on_progress: ProgressCallback = ignore_progress, cancel: CancelToken | None = None) -> Iterator[Loaded]:
        """Borrow the model, loading it first where it is not in memory with these options.

        May be nested for the same model and options. Raises `EngineError` where this thread has borrowed another model,
        `EngineMemoryError` where memory ran out, `Cancelled` on a cancel. A model inside whose use anything failed is
        evicted: it may be half-changed. A cancel or a wrong request leaves it.
        """
        cancel = cancel or CancelToken()
        me = threading.get_ident()  # a generator that borrows may be closed by another thread
        resident = self._borrow(found, options, loader, on_progress, cancel, me)
        try:
            with as_memory_error():
                assert resident.loaded is not None
                yield resident.loaded
        except (Cancelled, RequestError, SettingsError, GeneratorExit):
            raise
        except BaseException:
            resident.doomed = True
            raise
        finally:
            self._give_back(resident, me)

    def preload(self, found: Found, options: LoadOptions, loader: Loader, *,
                on_progress: ProgressCallback = ignore_progress, cancel: CancelToken | None = None) -> None:
        """Have the model in memory before it is needed; raises what `use` raises."""
        with self.use(found, options, loader, on_progress=on_progress, cancel=cancel):
            pass

    def _borrow(self, found: Found, options: LoadOptions, loader: Loader, on_progress: ProgressCallback,
                cancel: CancelToken, me: int) -> _Resident:
        key = _Key(found.spec.id, found.folder, options)
        with self._state:
            while True:
                resident = self._resident
                if self._loading and self._loader_thread == me:
                    raise EngineError(f"{found.spec.label} was asked for while {self._loading} is being loaded by the "
                                      "same thread.", fix="Load one model at a time.")
                mine = resident is not None and me in resident.borrowers
                if resident and resident.key == key and not self._loading and (mine or not resident.doomed):
                    resident.borrowers[me] = resident.borrowers.get(me, 0) + 1
                    return resident
                if resident and mine:
                    raise EngineError(f"{found.spec.label} was asked for while {resident.label} is in use by the same "
                                      "job.", fix="Finish with one model before the next is asked for.")
                if not self._loading and not (resident and resident.borrowers):
                    self._loading = found.spec.label
                    self._loader_thread = me
                    self._resident = None
                    break
                cancel.raise_if_cancelled()
                busy = self._loading or (resident.label if resident else "")
                on_progress(Progress(Stage.LOAD, message=f"Waiting until {busy} is free"))
                self._state.wait(WAIT_S)
        try:
            if resident is not None:
                _evict(resident, f"{found.spec.label} is wanted")
                resident = None
            else:
                free_memory()  # of a model that failed in use: its error's traceback may have held it until now
            cancel.raise_if_cancelled()
            new = self._load(key, found, loader, on_progress, cancel)
            new.borrowers[me] = 1
            with self._state:
                self._resident = new
            return new
        finally:
            with self._state:
                self._loading = ""
                self._loader_thread = 0
                self._state.notify_all()

    def _load(self, key: _Key, found: Found, loader: Loader, on_progress: ProgressCallback,
              cancel: CancelToken) -> _Resident:
        options = key.options
        on_progress(Progress(Stage.LOAD, message=f"Loading {found.spec.label}"))
        began = time.perf_counter()
        try:
            with as_memory_error():
                loaded = loader(found, options, on_progress, cancel)
        except BaseException:
            free_memory()
            raise
        seconds = time.perf_counter() - began
        log.info("loaded %s in %.1f s: %.0f MB, %s, %s, %s, profile %s (%s)", found.spec.label, seconds,
                 loaded.size_bytes / MB, options.device, options.precision, options.quantization,
                 options.profile or "none", options.reasons.get("profile", "no reason given"))
        return _Resident(key, found.spec.label, loaded, seconds)

    def _give_back(self, resident: _Resident, me: int) -> None:
        with self._state:
            left = resident.borrowers.get(me, 1) - 1
            if left > 0:
                resident.borrowers[me] = left
            else:
                resident.borrowers.pop(me, None)
            last = resident.doomed and not resident.borrowers
            if last and self._resident is resident:
                self._resident = None
            self._state.notify_all()
        if last:
            _evict(resident, "it failed or was given up while in use")

    # -- giving memory back -------------------------------------------------------------------------------------

    def release_all(self) -> None:
        """Free what is in memory; what is borrowed is freed when its last borrower leaves."""
        with self._state:
            resident = self._resident
            if resident is not None and resident.borrowers:
                resident.doomed = True
                resident = None
            elif resident is not None:
                self._resident = None
        if resident is not None:
            _evict(resident, "its memory was asked back")
        else:
            free_memory()

    def job_done(self, policy: str, queue_empty: bool) -> None:
        """Apply a `keep_models` setting after a job: "keep", "queue-end" or "job-end"."""
        if policy not in POLICIES:
            raise SettingsError(f"There is no policy {policy!r} for loaded models.",
                                fix=f"Known: {', '.join(POLICIES)}.")
        if policy == "job-end" or (policy == "queue-end" and queue_empty):
            self.release_all()

    def status(self) -> ManagerStatus:
        """What is in memory; never waits for a load."""
        with self._state:
            resident = self._resident
            if resident is None:
                return ManagerStatus(loading=self._loading)
            return ManagerStatus(resident.key.model, resident.label, resident.key.options, resident.size_bytes,
                                 resident.seconds, sum(resident.borrowers.values()), self._loading)


@functools.cache
def process_manager() -> ModelManager:
    """The process's one manager."""
    return ModelManager()


def _evict(resident: _Resident, why: str) -> None:
    """Release a model that nobody borrows. A release that fails is logged: the memory is dropped all the same."""
    loaded, resident.loaded = resident.loaded, None
    if loaded is None:
        return
    log.info("evicting %s (%.0f MB): %s", resident.label, resident.size_bytes / MB, why)
    try:
        loaded.release()
    except Exception:  # third-party hooks may fail in any way while they are taken off
        log.exception("releasing %s failed; its memory is dropped all the same", resident.label)
    loaded.value = None
    del loaded
    free_memory()


def free_memory() -> None:
    """Collect what nothing refers to and hand freed memory back to the card and to the system."""
    gc.collect()
    torch = sys.modules.get("torch")  # not imported for this: without torch there is nothing of it to free
    if torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
        torch.cuda.ipc_collect()
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@functools.cache
def _malloc_trim() -> Callable[[int], int] | None:
    """glibc's `malloc_trim`; None on other systems."""
    if not sys.platform.startswith("linux"):
        return None
    try:
        return ctypes.CDLL("libc.so.6").malloc_trim
    except (OSError, AttributeError):
        return None


_MEMORY_WORDS = ("out of memory", "can't allocate memory", "cannot allocate memory", "not enough memory",
                 "cublas_status_alloc_failed")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that VRAM or RAM ran out. torch raises plain `RuntimeError` on the CPU."""
    torch = sys.modules.get("torch")
    if isinstance(error, MemoryError) or (torch is not None and isinstance(error, torch.OutOfMemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and any(words in text for words in _MEMORY_WORDS)


@contextlib.contextmanager
def as_memory_error() -> Iterator[None]:
    """Turn running out of memory into `EngineMemoryError`, and let go of what the failed calls held."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        said = str(error).strip().splitlines()
        log.warning("out of memory", exc_info=True)
        traceback.clear_frames(error.__traceback__)  # their local tensors are what memory is needed for now
        where = "VRAM" if "cuda" in str(error).lower() else "RAM"
        detail = f" ({said[0][:200]})" if said else ""
        raise EngineMemoryError(f"The model ran out of {where}{detail}.",
                                fix="Choose a lower VRAM profile, a smaller size or fewer frames.") from None
