"""SRT and WebVTT from captions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..engines.base import Caption
from .encode import free_name

SUFFIXES = (".srt", ".vtt")


def _stamp(seconds: float, mark: str) -> str:
    ms = round(seconds * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{mark}{ms % 1000:03}"


def srt(captions: Sequence[Caption]) -> str:
    blocks = [f"{n}\n{_stamp(c.start_s, ',')} --> {_stamp(c.end_s, ',')}\n{_one_block(c.text)}\n"
              for n, c in enumerate(_said(captions), 1)]
    return "\n".join(blocks)


def vtt(captions: Sequence[Caption]) -> str:
    blocks = [f"{_stamp(c.start_s, '.')} --> {_stamp(c.end_s, '.')}\n"
              f"{_one_block(c.text).replace('&', '&amp;').replace('<', '&lt;')}\n" for c in _said(captions)]
    return "WEBVTT\n\n" + "\n".join(blocks)


def _said(captions: Sequence[Caption]) -> list[Caption]:
    """Without those that say nothing: an empty cue is none."""
    return [caption for caption in captions if caption.text.strip()]


def _one_block(text: str) -> str:
    """A cue ends at an empty line, and an arrow would start a new one."""
    return "\n".join(line for line in text.replace("-->", "→").splitlines() if line.strip())


def write(captions: Sequence[Caption], video: Path) -> tuple[Path, ...]:
    """Write `VIDEO.srt` and `VIDEO.vtt` (or the next free names); returns them, none where nothing is said."""
    if not _said(captions):
        return ()
    written = []
    for suffix, render in zip(SUFFIXES, (srt, vtt), strict=True):
        path = free_name(video.with_suffix(suffix))
        path.write_text(render(captions), encoding="utf-8")
        written.append(path)
    return tuple(written)
