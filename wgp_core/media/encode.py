"""Frames to a file: H.264, H.265 or ProRes through ffmpeg, streamed; a GIF where no ffmpeg can run.

Owns temporary names: a file is written as `.NAME.partN.EXT` beside its final place and gets its final name only when
it is whole (`publish`). Frames are pulled from an iterator, so nothing is held that need not be.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from ..errors import MediaError
from ..hardware import usable_cores
from ..request import VideoCodec
from . import ffmpeg

MIN_FREE_BYTES = 64 * 2**20


@dataclass(frozen=True)
class EncodeOptions:
    """Picture size in pixels, frames per second, and how to compress. `crf` 0 is lossless, 51 worst."""

    width: int
    height: int
    fps: int
    codec: VideoCodec = VideoCodec.H264
    crf: int = 18
    preset: str = "veryfast"


def suffix_of(codec: VideoCodec) -> str:
    """The file ending that a codec needs."""
    return ".mov" if codec is VideoCodec.PRORES else ".mp4"


_CODEC_ARGUMENTS = {
    VideoCodec.H264: ("-c:v", "libx264", "-pix_fmt", "yuv420p"),
    VideoCodec.H265: ("-c:v", "libx265", "-pix_fmt", "yuv420p", "-tag:v", "hvc1", "-x265-params", "log-level=error"),
    VideoCodec.PRORES: ("-c:v", "prores_ks", "-profile:v", "3", "-pix_fmt", "yuv422p10le"),
}


def part_path(final: Path, number: int = 1) -> Path:
    """The temporary name of `final` in this process: hidden, in the same folder, with the same ending."""
    return final.with_name(f".{final.stem}.part{number}-{os.getpid()}{final.suffix}")


def sweep_parts(folder: Path) -> int:
    """Remove temporary files whose process is gone (killed in the middle of writing); returns how many."""
    import psutil

    swept = 0
    for path in folder.glob(".*.part[0-9]-*"):
        pid = path.stem.rpartition("-")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            path.unlink(missing_ok=True)
            swept += 1
    return swept


def check_folder(folder: Path) -> None:
    """Raise `MediaError` where a video cannot be written into `folder`."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise MediaError(f"The folder {folder} cannot be written to: {error.strerror or error}.",
                         fix="Choose another output folder, or change its permissions.") from error
    if free < MIN_FREE_BYTES:
        raise MediaError(f"The disk of {folder} has only {free / 2**20:.0f} MB free.",
                         fix="Free some space, or choose another output folder.")


def encode(frames: Iterable[np.ndarray], path: Path, options: EncodeOptions) -> int:
    """Write RGB uint8 frames (height, width, 3) to `path` and return how many there were.

    Raises `MediaError` if ffmpeg fails, `EncoderMissingError` if there is none; whatever the iterator raises passes
    through. In every such case `path` is removed.
    """
    quality = () if options.codec is VideoCodec.PRORES else ("-preset", options.preset, "-crf", str(options.crf))
    arguments = ffmpeg.command(
        "-y", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{options.width}x{options.height}", "-r", str(options.fps),
        "-i", "pipe:0", "-an", *_CODEC_ARGUMENTS[options.codec], *quality, "-threads", str(usable_cores()), str(path))
    arguments.remove("-nostdin")
    count = 0
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log)
        assert process.stdin is not None
        _widen(process.stdin)
        try:
            for frame in frames:
                _check_frame(frame, options)
                process.stdin.write(np.ascontiguousarray(frame).data)
                count += 1
            process.stdin.close()
            code = process.wait()
        except BrokenPipeError:
            code = process.wait() or 1
        except BaseException:
            process.kill()
            process.wait()
            path.unlink(missing_ok=True)
            raise
        if code != 0 or count == 0:
            path.unlink(missing_ok=True)
            log.seek(0)
            what = "Encoding the video" if count else "Encoding a video with no frames"
            raise ffmpeg.failure(what, code, log.read().decode("utf-8", "replace"))
    return count


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold 1 MB instead of 64 kB where the system can: fewer switches between us and ffmpeg."""
    if sys.platform == "linux":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, 2**20)


def _check_frame(frame: np.ndarray, options: EncodeOptions) -> None:
    if frame.shape != (options.height, options.width, 3) or frame.dtype != np.uint8:
        raise MediaError(f"A frame has shape {frame.shape} and type {frame.dtype}; the video needs "
                         f"({options.height}, {options.width}, 3) of uint8.")


def encode_gif(frames: Iterable[np.ndarray], path: Path, fps: int) -> int:
    """Write RGB frames as a looping GIF and return how many there were. GIF shows at most 50 frames a second."""
    from PIL import Image

    count = 0

    def pictures() -> Iterator[Image.Image]:
        nonlocal count
        for frame in frames:
            count += 1
            yield Image.fromarray(frame).quantize(128, method=Image.Quantize.FASTOCTREE)

    stream = pictures()
    try:
        first = next(stream)
        first.save(path, format="GIF", save_all=True, append_images=stream, duration=max(20, round(1000 / fps)), loop=0)
    except StopIteration:
        raise MediaError("Encoding failed: the engine gave no frames.") from None
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return count


def encode_png(frames: Iterable[np.ndarray], path: Path) -> int:
    """Write the one RGB frame of a still as a PNG and return 1; more frames, or none, raise `MediaError`."""
    from PIL import Image

    stills = list(itertools.islice(frames, 2))
    if len(stills) != 1:
        raise MediaError(f"A still has one frame; the engine gave {'none' if not stills else 'more'}.")
    Image.fromarray(stills[0]).save(path, format="PNG")
    return 1


def publish(part: Path, final: Path, *, before: Callable[[Path], None] = lambda path: None) -> Path:
    """Give a whole file its final name without ever replacing another; returns the name it got.

    If `final` is taken, `NAME_2`, `NAME_3`, ... are tried; `before` is told each name before it is tried.
    """
    for target in _names(final):
        before(target)
        try:
            os.link(part, target)
        except FileExistsError:
            continue
        except OSError:  # a file system without hard links: the check and the rename are two steps there
            if target.exists():
                continue
            part.rename(target)
            return target
        part.unlink()
        return target
    raise AssertionError("names never end")


def _names(final: Path) -> Iterator[Path]:
    yield final
    for number in itertools.count(2):
        yield final.with_name(f"{final.stem}_{number}{final.suffix}")


def free_name(final: Path) -> Path:
    """`final`, or the first of `NAME_2`, `NAME_3`, ... that is not taken."""
    return next(path for path in _names(final) if not path.exists())
