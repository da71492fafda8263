"""The ffmpeg binary: finding it, running it, and saying in words why it failed."""

from __future__ import annotations

import functools
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ..errors import EncoderMissingError, MediaError


@functools.cache
def binary() -> str:
    """Path of an ffmpeg that runs here (imageio-ffmpeg's, or `IMAGEIO_FFMPEG_EXE`).

    Raises `EncoderMissingError` with the reason.
    """
    import imageio_ffmpeg

    try:
        path = imageio_ffmpeg.get_ffmpeg_exe()
        subprocess.run([path, "-version"], check=True, capture_output=True, timeout=30)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        raise EncoderMissingError(
            f"No ffmpeg can run here ({str(error).strip() or type(error).__name__}).",
            fix="Install it again with ./run.sh, or set IMAGEIO_FFMPEG_EXE to an ffmpeg binary.") from error
    return path


_CONTAINERS = {".mp4": "mov", ".m4v": "mov", ".mov": "mov", ".gif": "gif", ".mkv": "matroska", ".webm": "matroska",
               ".avi": "avi"}


def reading(path: Path) -> list[str]:
    """Arguments that make ffmpeg read a file as the container its name says, and open nothing else.

    Left to guess, ffmpeg takes playlists that name other files, and plain text as teletype. Raises `MediaError` for
    an ending that is no video's.
    """
    container = _CONTAINERS.get(path.suffix.lower())
    if container is None:
        raise MediaError(f"{path.name} is not a video that can be read.",
                         fix="Choose one of " + ", ".join(_CONTAINERS) + ".")
    return ["-protocol_whitelist", "file", "-f", container]


def version() -> str:
    """The first line of `ffmpeg -version`, e.g. "ffmpeg version 7.1"."""
    done = subprocess.run([binary(), "-version"], capture_output=True, text=True, timeout=30, check=True)
    return done.stdout.splitlines()[0]


def command(*arguments: str) -> list[str]:
    return [binary(), "-hide_banner", "-loglevel", "error", "-nostdin", *arguments]


def run(arguments: Sequence[str], *, what: str, timeout_s: float = 600) -> bytes:
    """Run ffmpeg to the end and return its standard output; `MediaError` says `what` failed and why."""
    try:
        done = subprocess.run(command(*arguments), capture_output=True, timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise MediaError(f"{what} took longer than {timeout_s:g} s and was stopped.") from error
    if done.returncode != 0:
        raise failure(what, done.returncode, done.stderr.decode("utf-8", "replace"))
    return done.stdout


def report(arguments: Sequence[str], *, what: str, timeout_s: float = 600, fails: bool = False) -> str:
    """What ffmpeg says of its files while it works. With `fails`, a status other than 0 is no error."""
    try:
        done = subprocess.run([binary(), "-hide_banner", "-nostdin", *arguments], capture_output=True,
                              timeout=timeout_s, check=False)
    except subprocess.TimeoutExpired as error:
        raise MediaError(f"{what} took longer than {timeout_s:g} s and was stopped.") from error
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode != 0 and not fails:
        raise failure(what, done.returncode, said)
    return said


def failure(what: str, code: int, stderr: str) -> MediaError:
    """The error for an ffmpeg that ended with `code`; a negative code is a signal."""
    lines = [line for line in stderr.strip().splitlines() if line.strip()]
    if "No space left on device" in stderr:
        return MediaError(f"{what} failed: the disk is full.", fix="Free some space, or choose another output folder.")
    if code < 0:
        return MediaError(f"{what} failed: ffmpeg was stopped from outside (signal {-code}).",
                          fix="Try again; if it happens again, the system may be short of memory.")
    return MediaError(f"{what} failed: {lines[-1] if lines else f'ffmpeg ended with status {code}'}.")
