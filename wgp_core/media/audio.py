"""A soundtrack under a video: one loudness, faded in and out, as long as the pictures.

Loudness by EBU R128 in two passes of ffmpeg's loudnorm (measured, then shifted evenly). Pictures are copied, not
encoded again.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

from ..errors import MediaError
from . import ffmpeg

LOUDNESS_LUFS = -16.0
"""Integrated loudness; what streaming services play at (EBU R128's -23 is for broadcasting)."""
TRUE_PEAK_DBTP = -1.5
RANGE_LU = 11.0
FADE_S = 1.5
RATE_HZ = 48_000
_DEMUXERS = {".mp3": "mp3", ".wav": "wav", ".flac": "flac", ".ogg": "ogg", ".oga": "ogg", ".opus": "ogg",
             ".m4a": "mov", ".aac": "aac", ".aiff": "aiff", ".aif": "aiff", ".mp4": "mov", ".mov": "mov",
             ".mkv": "matroska", ".webm": "matroska"}


def check(path: Path) -> None:
    """Raise `MediaError` for a file that is not there, or has no sound that can be read."""
    if not path.is_file():
        raise MediaError(f"There is no soundtrack {path}.", fix="Check the name.")
    if not _has_sound(path):
        raise MediaError(f"{path.name} has no sound.", fix="Choose a file with music or speech.")


def add(video: Path, soundtrack: Path, target: Path, seconds: float) -> None:
    """Write `video` to `target` with the soundtrack under it for all its `seconds`; a short one is repeated.

    The pictures, their metadata and their order stay. Raises `MediaError`; `target` is then removed.
    """
    name = f"The soundtrack {soundtrack.name}"
    fade = min(FADE_S, seconds / 4)
    source = ["-stream_loop", "-1", *_reading(soundtrack), "-t", f"{seconds:.3f}", "-i", str(soundtrack)]
    try:
        shaped = ",".join([*_loudness(source, name), f"aresample={RATE_HZ}", f"afade=t=in:d={fade:.3f}",
                           f"afade=t=out:st={max(seconds - fade, 0):.3f}:d={fade:.3f}", "apad"])
        ffmpeg.run(["-y", *ffmpeg.reading(video), "-i", str(video), *source, "-map", "0", "-map", "1:a:0",
                    "-map_metadata", "0", "-c", "copy", "-c:a", "aac", "-b:a", "192k", "-ac", "2", "-af", shaped,
                    "-t", f"{seconds:.3f}", str(target)], what=name)
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def loudness_of(path: Path) -> float:
    """Integrated loudness of a file's first sound in LUFS (EBU R128); -inf for silence."""
    return float(_measured([*_reading(path), "-i", str(path)], path.name)["input_i"])


def _loudness(source: list[str], name: str) -> list[str]:
    """The filter that brings the source to `LOUDNESS_LUFS`; none for silence, which has no loudness to change."""
    found = {key: float(value) for key, value in _measured(source, name).items() if _is_number(value)}
    if not all(math.isfinite(found.get(key, math.inf)) for key in ("input_i", "input_tp", "input_lra", "input_thresh")):
        return []
    return [f"loudnorm=I={LOUDNESS_LUFS}:TP={TRUE_PEAK_DBTP}:LRA={RANGE_LU}:linear=true:measured_I={found['input_i']}:"
            f"measured_TP={found['input_tp']}:measured_LRA={found['input_lra']}:"
            f"measured_thresh={found['input_thresh']}:offset={found['target_offset']}"]


def _measured(source: list[str], name: str) -> dict[str, str]:
    asked = f"loudnorm=I={LOUDNESS_LUFS}:TP={TRUE_PEAK_DBTP}:LRA={RANGE_LU}:print_format=json"
    said = ffmpeg.report([*source, "-map", "0:a:0", "-af", asked, "-f", "null", "-"], what=f"Measuring {name}")
    match = re.search(r"\{[^{}]*\"input_i\"[^{}]*\}", said)
    if match is None:
        raise MediaError(f"{name} could not be measured: it has no sound.", fix="Choose a file with music or speech.")
    return json.loads(match.group(0))


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True


def _has_sound(path: Path) -> bool:
    said = ffmpeg.report([*_reading(path), "-i", str(path)], what=f"Reading {path.name}", fails=True)
    if "Audio:" not in said and "Input #0" not in said:
        raise MediaError(f"{path.name} cannot be read as sound.", fix="Save it again as WAV, MP3, FLAC, OGG or M4A.")
    return "Audio:" in said


def _reading(path: Path) -> list[str]:
    """Arguments that read a file as what its name says, and open no other. Raises `MediaError` for other endings."""
    demuxer = _DEMUXERS.get(path.suffix.lower())
    if demuxer is None:
        raise MediaError(f"{path.name} is not a sound file that can be read.",
                         fix="Choose one of " + ", ".join(_DEMUXERS) + ".")
    return ["-protocol_whitelist", "file", "-f", demuxer]
