"""Clips joined frame by frame: the last frames of one become the first of the next. Holds one overlap, no more."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from pathlib import Path

import numpy as np

from ..errors import MediaError
from .probe import read_frames


def overlap_frames(seconds: float, fps: int, shortest: int) -> int:
    """Frames that a cross-fade of `seconds` takes; at most a third of the shortest clip, so that each is seen."""
    return max(0, min(round(seconds * fps), shortest // 3))


def joined(clips: Iterable[Iterable[np.ndarray]], overlap: int) -> Generator[np.ndarray]:
    """The frames of all clips (RGB uint8), neighbours blended over `overlap` frames; 0 cuts.

    A clip is begun only when the one before it has ended. Raises `MediaError` for a clip shorter than its overlaps.
    """
    held: deque[np.ndarray] = deque()
    for clip in clips:
        count = 0
        fading, held = held, deque()
        total = len(fading)
        for frame in clip:
            count += 1
            if fading:
                frame = blended(fading.popleft(), frame, count / (total + 1))
            held.append(frame)
            if len(held) > overlap:
                yield held.popleft()
        if count < overlap + total:
            raise MediaError(f"A scene has {count} frames, too few to fade over {overlap}.",
                             fix="Make the cross-fade shorter, or the scenes longer.")
    yield from held


def fitted(path: Path, width: int, height: int) -> Generator[np.ndarray]:
    """The frames of a video in one size; others are scaled to it."""
    import cv2

    for frame in read_frames(path):
        if frame.shape[:2] != (height, width):
            frame = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA)
        yield frame


def blended(before: np.ndarray, after: np.ndarray, share: float) -> np.ndarray:
    """Two frames of one size as one; `share` (0 to 1) is the weight of `after`."""
    if before.shape != after.shape:
        raise MediaError(f"Scenes of different sizes cannot be joined: {before.shape[1]}x{before.shape[0]} and "
                         f"{after.shape[1]}x{after.shape[0]}.")
    return (before * np.float32(1 - share) + after * np.float32(share) + np.float32(0.5)).astype(np.uint8)
