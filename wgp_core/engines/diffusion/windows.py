"""Long videos out of short windows that overlap: which frames each window makes, and how overlaps are blended.

A window begins with frames that the one before it has made; they are kept while it is denoised, so that movement goes
on. Pure arithmetic on counts and pixels; nothing of models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import RequestError
from ..base import StepRule

DEFAULT_OVERLAP = 9


@dataclass(frozen=True)
class Window:
    """Frames `start` to `start + count` of the video; the first `overlap` of them the window before has made too."""

    start: int
    count: int
    overlap: int

    @property
    def end(self) -> int:
        return self.start + self.count


def plan_windows(frames: int, window: int, overlap: int, *, step: int = 4) -> tuple[Window, ...]:
    """Windows that together make at least `frames` frames; the last may reach a few frames past the end.

    `window` and `overlap` are rounded down to the form `step`*k+1 (the overlap to at least 1), which is what one
    latent and then `step` frames each give. Every window has that form and at most `window` frames; each but the first
    repeats exactly the overlap; new frames are shared out evenly, so that no window is a stub. Raises `RequestError`
    for an overlap that leaves nothing new.
    """
    window, overlap = _round(window, step), max(1, _round(overlap, step))
    if frames <= window:
        return (Window(0, step * -(-(frames - 1) // step) + 1 if frames > 1 else 1, 0),)
    if overlap >= window:
        raise RequestError(f"The windows overlap by {overlap} frames, and have only {window}.", field="window_overlap",
                           fix=f"Choose an overlap below {window}.")
    units = -(-(frames - 1) // step)  # groups of `step` frames after the first frame
    most, kept = (window - 1) // step, (overlap - 1) // step
    number = -(-(units - kept) // (most - kept))
    shares = _even(units - kept, number)
    planned = [Window(0, step * (shares[0] + kept) + 1, 0)]
    for share in shares[1:]:
        planned.append(Window(planned[-1].end - overlap, step * (share + kept) + 1, overlap))
    return tuple(planned)


def _round(count: int, step: int) -> int:
    return (max(1, count) - 1) // step * step + 1


def _even(total: int, parts: int) -> list[int]:
    """`total` in `parts` whole numbers that differ by at most 1, larger ones first."""
    each, more = divmod(total, parts)
    return [each + 1] * more + [each] * (parts - more)


def most_frames(rule: StepRule, max_seconds: float, fps: int) -> StepRule:
    """The rule for a whole video of windows, from the rule for one window."""
    high = max(rule.high, int(max_seconds * fps))
    return StepRule(rule.low, high - (high - rule.offset) % rule.step, rule.step, rule.offset)


def prompt_of(prompts: Sequence[str], prompt: str, number: int) -> str:
    """The prompt of window `number` (from 0): its own, the last one given, or the request's."""
    given = [text for text in prompts if text.strip()]
    return given[min(number, len(given) - 1)] if given else prompt


def cross_fade(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """From `before` to `after` (frames, height, width, 3; uint8), the weight of `after` growing evenly."""
    weight = (np.arange(1, len(before) + 1, dtype=np.float32) / (len(before) + 1))[:, None, None, None]
    return (before * (1 - weight) + after * weight + 0.5).astype(np.uint8)
