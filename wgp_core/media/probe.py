"""What a video file holds: size, rate, length, codec. Reads through ffmpeg, decodes nothing unless asked to count."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import MediaError
from . import ffmpeg


@dataclass(frozen=True)
class VideoInfo:
    """Size in pixels, frames per second, length in seconds."""

    width: int
    height: int
    fps: float
    seconds: float
    codec: str
    pixel_format: str


def probe(path: Path) -> VideoInfo:
    """Raises `MediaError` if the file is no video."""
    import imageio_ffmpeg

    ffmpeg.binary()
    if not path.is_file():
        raise MediaError(f"There is no file {path}.", fix="Check the name.")
    reader = imageio_ffmpeg.read_frames(str(path), input_params=ffmpeg.reading(path))
    try:
        meta = next(reader)
    except (OSError, RuntimeError, StopIteration, KeyError, ValueError) as error:
        raise MediaError(f"{path.name} is not a video that can be read.", fix="Choose an MP4, MOV or GIF.") from error
    finally:
        reader.close()
    width, height = meta["size"]
    return VideoInfo(width, height, float(meta["fps"]), float(meta["duration"]), str(meta["codec"]),
                     str(meta["pix_fmt"]).split("(")[0])


def read_frames(path: Path) -> Iterator[np.ndarray]:
    """Decode every frame in order as RGB uint8 (height, width, 3), exactly those that the file stores."""
    info = probe(path)
    size = info.width * info.height * 3
    process = subprocess.Popen(
        ffmpeg.command(*ffmpeg.reading(path), "-i", str(path), "-f", "rawvideo", "-pix_fmt", "rgb24",
                       "-fps_mode", "passthrough", "pipe:1"),
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        while len(data := process.stdout.read(size)) == size:
            yield np.frombuffer(data, np.uint8).reshape(info.height, info.width, 3)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def count_frames(path: Path) -> int:
    """Decode the whole file and count."""
    return sum(1 for _ in read_frames(path))
