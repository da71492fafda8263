"""Tasks: what needs a model or a heavy library but is no video. Typed request in, typed result out, as JSON.

A task runs in the assistant worker, never in the window's process. To add one, write a function that takes the
payload and a `TaskContext` and returns JSON types, and register it with `@task("name")`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from ..engines.base import RuntimeOptions
from ..errors import WorkerError
from ..events import CancelToken, ProgressCallback, ignore_progress
from ..paths import Paths
from ..settings import Settings

if TYPE_CHECKING:
    from ..engines.registry import EngineRegistry


@dataclass(frozen=True)
class TaskContext:
    """What a task gets beside its payload. `on_progress` reaches the caller, at most a few times a second."""

    paths: Paths
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)
    cancel: CancelToken = field(default_factory=CancelToken)
    on_progress: ProgressCallback = ignore_progress
    settings: Settings = field(default_factory=Settings)
    engines: Callable[[], EngineRegistry] | None = None
    """The worker's engines, for tasks that generate; None takes the built-in ones (`engines_of`)."""

    def engines_of(self) -> EngineRegistry:
        """The engines that this task generates with."""
        from ..engines.registry import builtin

        return self.engines() if self.engines is not None else builtin(self.paths, self.runtime)


Task = Callable[[Mapping[str, Any], TaskContext], Mapping[str, Any]]
TASKS: dict[str, Task] = {}


def task(name: str) -> Callable[[Task], Task]:
    """Register a function as the task `name`; a name that is taken raises `ValueError`."""

    def register(function: Task) -> Task:
        if name in TASKS:
            raise ValueError(f"There are two tasks named {name!r}.")
        TASKS[name] = function
        return function

    return register


def run_registered(name: str, payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Run a task by name. Raises `WorkerError` for an unknown one."""
    if name not in TASKS:
        raise WorkerError(f"There is no task named {name!r}.", fix="Known: " + ", ".join(sorted(TASKS)) + ".")
    return TASKS[name](payload, context)


# -- the machine ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GpuInfo:
    """One CUDA device; memory in GB (2**30 bytes)."""

    index: int
    name: str
    vram_total_gb: float
    vram_free_gb: float
    capability: str


@dataclass(frozen=True)
class DeviceReport:
    """What torch sees. `problem` says in plain words why there is no GPU, where that is not expected."""

    torch_version: str = ""
    cuda_version: str = ""
    gpus: tuple[GpuInfo, ...] = ()
    cpu_threads: int = 0
    problem: str = ""

    def describe(self) -> str:
        """ "NVIDIA RTX 4090, 24.0 GB (cuda:0)", or "CPU only, 8 threads (torch 2.13.0)" with the problem, if any."""
        if self.gpus:
            return "; ".join(f"{gpu.name}, {gpu.vram_total_gb:.1f} GB (cuda:{gpu.index})" for gpu in self.gpus)
        known = f"CPU only, {self.cpu_threads} threads (torch {self.torch_version})" if self.torch_version else ""
        return f"{known} {self.problem}".strip()

    @staticmethod
    def from_dict(data: Mapping[str, Any]) -> DeviceReport:
        return DeviceReport(**{**data, "gpus": tuple(GpuInfo(**gpu) for gpu in data["gpus"])})


@task("probe_device")
def probe_device(_payload: Mapping[str, Any], _context: TaskContext) -> Mapping[str, Any]:
    """Payload: none. Result: `DeviceReport` as JSON. Loads torch, hence in the assistant."""
    try:
        import torch
    except ImportError as error:
        return asdict(DeviceReport(problem=f"torch cannot be loaded: {error}."))
    gpus, problem = [], ""
    try:
        if torch.cuda.is_available():
            gpus = [_gpu(torch, index) for index in range(torch.cuda.device_count())]
    except RuntimeError as error:
        problem = f"The GPU cannot be used: {error}"
    return asdict(DeviceReport(torch_version=torch.__version__, cuda_version=torch.version.cuda or "",
                               gpus=tuple(gpus), cpu_threads=torch.get_num_threads(), problem=problem))


def _gpu(torch: Any, index: int) -> GpuInfo:
    properties = torch.cuda.get_device_properties(index)
    free, total = torch.cuda.mem_get_info(index)
    return GpuInfo(index, properties.name, round(total / 2**30, 2), round(free / 2**30, 2),
                   f"{properties.major}.{properties.minor}")
