"""What cores and GPUs there are, asked of the system and the driver, without torch."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from dataclasses import dataclass

from .errors import SettingsError


def usable_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Gpu:
    """One NVIDIA card. Memory in GB (2^30 bytes)."""

    index: int
    name: str
    total_gb: float
    free_gb: float


def gpus() -> tuple[Gpu, ...]:
    """Cards that `nvidia-smi` lists; none where there is no driver or it does not answer."""
    return tuple(_parse(line) for line in _ask("index,name,memory.total,memory.free") if line.count(",") == 3)


@functools.cache
def driver_version() -> str:
    """The NVIDIA driver's version, "570.86.15"; empty without one."""
    return next(iter(_ask("driver_version")), "")


def _ask(query: str) -> list[str]:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return []
    try:
        done = subprocess.run([tool, f"--query-gpu={query}", "--format=csv,noheader,nounits"], capture_output=True,
                              text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return done.stdout.splitlines()


def _parse(line: str) -> Gpu:
    index, name, total, free = (part.strip() for part in line.split(","))
    return Gpu(int(index), name, float(total) / 1024, float(free) / 1024)


def check_device(device: str, found: tuple[Gpu, ...]) -> str:
    """A sentence to show where a wanted GPU does not exist because there is none; empty where all is well.

    Raises `SettingsError` that lists the cards where there are some, but not this one.
    """
    if not device.startswith("cuda:"):
        return ""
    if not found:
        return f"There is no {device}: no NVIDIA GPU was found. The local engine makes videos without one."
    if int(device[5:]) not in {gpu.index for gpu in found}:
        listed = ", ".join(f"cuda:{gpu.index} ({gpu.name}, {gpu.total_gb:.0f} GB)" for gpu in found)
        raise SettingsError(f"There is no GPU {device}.", fix=f"There are: {listed}; or use cpu.")
    return ""
