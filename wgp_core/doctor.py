"""Preflight: what this machine has, what is missing, and how to mend it. Each check stands alone."""

from __future__ import annotations

import enum
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import psutil

from .errors import WgpError
from .hardware import gpus
from .media import ffmpeg
from .models.inventory import starter_models
from .paths import PROGRAM_ROOT, Paths

LEAST_RAM_GB = 4
LEAST_DISK_GB = 2
WISHED_DISK_GB = 20
DEFAULT_PORT = 7860


class Level(enum.StrEnum):
    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Finding:
    """One line of the report. `fix` is empty where there is nothing to do."""

    name: str
    level: Level
    detail: str
    fix: str = ""


def examine(paths: Paths, *, port: int = DEFAULT_PORT) -> Iterator[Finding]:
    """Run every check, one finding or more each. A check that breaks is itself a finding."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python, _packages, _torch, _gpu, _memory, lambda: _disk(paths), _ffmpeg, lambda: _folders(paths),
        lambda: _models(paths), lambda: _port(port))
    for check in checks:
        try:
            yield from check()
        except (OSError, WgpError, subprocess.SubprocessError) as error:
            name = getattr(check, "__name__", "check").strip("_")
            yield Finding(name, Level.FAIL, f"The check itself failed: {error}")


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    good = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("Python", Level.OK if good else Level.FAIL, f"{version} at {sys.executable}",
                  "" if good else "Install Python 3.11, 3.12 or 3.13, delete .venv and run ./run.sh again.")


def _packages() -> Iterator[Finding]:
    wanted = dict(_pins(PROGRAM_ROOT / "requirements.txt"))
    missing, other = [], []
    for name, version in wanted.items():
        try:
            found = metadata.version(name).partition("+")[0]
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if found != version:
            other.append(f"{name} {found} (wanted {version})")
    if missing:
        yield Finding("Packages", Level.FAIL, "missing: " + ", ".join(missing), "Run ./run.sh once.")
    elif other:
        yield Finding("Packages", Level.WARN, "other versions: " + ", ".join(other), "Delete .venv and run ./run.sh.")
    else:
        yield Finding("Packages", Level.OK, f"{len(wanted)} as pinned")


def _pins(file: Path) -> Iterator[tuple[str, str]]:
    for line in file.read_text(encoding="utf-8").splitlines():
        name, _, version = line.partition("#")[0].partition(";")[0].strip().partition("==")
        if version:
            yield name, version.strip()


def _torch() -> Iterator[Finding]:
    code = "import torch; print(torch.__version__, torch.version.cuda, torch.cuda.is_available(), sep='|')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=180, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        yield Finding("torch", Level.WARN, f"cannot be imported: {last}",
                      "The local engine works without it. For diffusion models run ./run.sh again.")
        return
    version, cuda, usable = done.stdout.strip().split("|")
    cards = gpus()
    if cards and usable != "True":
        yield Finding("torch", Level.WARN, f"{version}, built for CUDA {cuda}, does not see the GPU",
                      "Install the CUDA build of this torch version, or update the NVIDIA driver.")
    else:
        yield Finding("torch", Level.OK, f"{version}, " + (f"CUDA {cuda}" if usable == "True" else "CPU only"))


def _gpu() -> Iterator[Finding]:
    cards = gpus()
    for card in cards:
        yield Finding(f"GPU cuda:{card.index}", Level.OK,
                      f"{card.name}, {card.total_gb:.1f} GB VRAM, {card.free_gb:.1f} GB free")
    if not cards:
        yield Finding("GPU", Level.WARN, "no NVIDIA GPU found",
                      "Videos are drawn by the local engine; diffusion models want a GPU.")


def _memory() -> Iterator[Finding]:
    memory = psutil.virtual_memory()
    total, free = memory.total / 2**30, memory.available / 2**30
    level = Level.OK if free >= LEAST_RAM_GB else Level.WARN
    yield Finding("RAM", level, f"{total:.1f} GB, {free:.1f} GB free", "" if level is Level.OK else
                  "Close other programs before large videos.")


def _disk(paths: Paths) -> Iterator[Finding]:
    place = next(p for p in (paths.outputs, *paths.outputs.parents) if p.exists())
    free = shutil.disk_usage(place).free / 2**30
    level = Level.FAIL if free < LEAST_DISK_GB else Level.WARN if free < WISHED_DISK_GB else Level.OK
    yield Finding("Disk", level, f"{free:.1f} GB free for {paths.outputs}",
                  "" if level is Level.OK else "Free some space; video models take 5 to 60 GB each.")


def _ffmpeg() -> Iterator[Finding]:
    try:
        yield Finding("ffmpeg", Level.OK, f"{ffmpeg.version().split(' Copyright')[0]} at {ffmpeg.binary()}")
    except WgpError as error:
        yield Finding("ffmpeg", Level.FAIL, error.message, error.fix)


def _folders(paths: Paths) -> Iterator[Finding]:
    for folder in (paths.outputs, paths.data, paths.ckpts, paths.loras):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            yield Finding(f"Folder {folder.name}", Level.FAIL, f"{folder} cannot be written to: {error.strerror}",
                          "Change its permissions, or set WGP_HOME to another folder.")
        else:
            yield Finding(f"Folder {folder.name}", Level.OK, str(folder))


def _models(paths: Paths) -> Iterator[Finding]:
    for model in starter_models(paths):
        yield Finding(model.label, Level.OK if model.installed else Level.WARN,
                      f"{model.size_bytes / 1e6:.0f} MB" if model.installed else "not installed", model.how_to_get)


def _port(port: int) -> Iterator[Finding]:
    with socket.socket() as sock:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            yield Finding(f"Port {port}", Level.WARN, "in use",
                          f"Start with --server-port {port + 1}, or close what has it.")
        else:
            yield Finding(f"Port {port}", Level.OK, "free")
