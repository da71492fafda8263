"""What long work tells its caller, and how a caller stops it.

Owns the progress vocabulary and the cancel token. Knows nothing of queues, windows or processes.
"""

from __future__ import annotations

import enum
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .errors import Cancelled


class Stage(enum.StrEnum):
    """The stages of a generation, in order. The name is stored; the label is shown."""

    RESOLVE = "resolve"
    ENRICH = "enrich"
    LOAD = "load"
    RENDER = "render"
    CHECK = "check"
    ENCODE = "encode"
    RECORD = "record"

    @property
    def label(self) -> str:
        return _STAGE_LABELS[self]


_STAGE_LABELS = {
    Stage.RESOLVE: "Checking the request",
    Stage.ENRICH: "Preparing the prompt",
    Stage.LOAD: "Loading the model",
    Stage.RENDER: "Drawing frames",
    Stage.CHECK: "Checking the frames",
    Stage.ENCODE: "Encoding the video",
    Stage.RECORD: "Saving to the library",
}


@dataclass(frozen=True)
class Progress:
    """One progress event.

    `step` of `total` counts the units of the stage (frames, denoising steps); `total` 0 means unknown.
    `preview` is an RGB uint8 array (height, width, 3) or None. `eta_s` is the estimate for the whole job.
    """

    stage: Stage
    step: int = 0
    total: int = 0
    message: str = ""
    eta_s: float | None = None
    preview: Any = field(default=None, compare=False, repr=False)

    @property
    def fraction(self) -> float:
        """Share of the stage that is done, 0 to 1."""
        return min(1.0, self.step / self.total) if self.total else 0.0


ProgressCallback = Callable[[Progress], None]


def ignore_progress(_event: Progress) -> None:
    """The callback of a caller that does not watch."""


class CancelToken:
    """A thread-safe flag, checked at every stage and step."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def cancel(self) -> None:
        self._event.set()

    @property
    def cancelled(self) -> bool:
        return self._event.is_set()

    def raise_if_cancelled(self) -> None:
        """Raise `Cancelled` once `cancel` was called."""
        if self._event.is_set():
            raise Cancelled("The work was cancelled.")
