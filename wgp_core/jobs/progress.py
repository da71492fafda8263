"""From many progress events to few writes: at most two rows and one preview image a second.

The last event of a burst is not lost: the worker's heartbeat calls `flush`.
"""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import StoreError
from ..events import Progress, Stage
from ..store.jobs import Claim, ClaimLostError, JobRepository
from ..store.records import JobProgress

log = logging.getLogger(__name__)

WRITE_EVERY_S = 0.5
PREVIEW_EVERY_S = 1.0
PREVIEW_SIZE = (640, 640)


class ProgressWriter:
    """The `on_progress` of one job. `quiet_s` is the time since its last event, in seconds.

    A database that is busy costs a progress line, never the job. `previews` are written by turns. `on_lost` is called
    when the job was taken away.
    """

    def __init__(self, jobs: JobRepository, claim: Claim, previews: tuple[Path, Path],
                 on_lost: Callable[[], None]) -> None:
        self._jobs = jobs
        self._claim = claim
        self._preview_files = itertools.cycle(previews)
        self._on_lost = on_lost
        self._lock = threading.Lock()
        self._pending: Progress | None = None
        self._memory_note = ""
        self._preview: Path | None = None
        self._written_at = self._preview_at = float("-inf")
        self._active_at = time.monotonic()

    @property
    def quiet_s(self) -> float:
        return time.monotonic() - self._active_at

    def __call__(self, event: Progress) -> None:
        now = self._active_at = time.monotonic()
        with self._lock:
            self._pending = event
            urgent = is_memory_note(event)
            if urgent:
                self._memory_note = event.message
            if event.preview is not None and now - self._preview_at >= PREVIEW_EVERY_S:
                self._preview_at = now
                self._write_preview(event.preview)
            if urgent or now - self._written_at >= WRITE_EVERY_S:
                self._write(now)

    def flush(self) -> None:
        """Write what is still pending."""
        with self._lock:
            if self._pending is not None:
                self._write(time.monotonic())

    def _write(self, now: float) -> None:
        event, self._pending = self._pending, None
        if event is None:
            return
        self._written_at = now
        try:
            self._jobs.save_progress(self._claim, JobProgress.of(event), preview=self._preview,
                                     memory_note=self._memory_note)
        except ClaimLostError as error:
            log.warning("%s", error)
            self._on_lost()
        except StoreError as error:
            log.warning("Progress was not saved: %s", error)

    def _write_preview(self, frame: Any) -> None:
        from PIL import Image

        file = next(self._preview_files)
        part = file.with_name(f".{file.name}.part")
        try:
            picture = Image.fromarray(frame)
            picture.thumbnail(PREVIEW_SIZE)
            picture.save(part, format="JPEG", quality=80)
            part.replace(file)
        except (OSError, ValueError, TypeError) as error:
            log.warning("The preview was not written: %s", error)
            part.unlink(missing_ok=True)
        else:
            self._preview = file


class TaskProgress:
    """The `on_progress` of one task: sends what it hears, at most every `every_s` seconds, and each stage's end.

    `quiet_s` is the time since its last event, in seconds.
    """

    def __init__(self, send: Callable[[Progress], None], every_s: float = 0.25) -> None:
        self._send = send
        self._every_s = every_s
        self._sent_at = float("-inf")
        self._stage: Stage | None = None
        self._active_at = time.monotonic()

    @property
    def quiet_s(self) -> float:
        return time.monotonic() - self._active_at

    def __call__(self, event: Progress) -> None:
        now = self._active_at = time.monotonic()
        finished = 0 < event.total <= event.step
        if now - self._sent_at >= self._every_s or event.stage is not self._stage or finished:
            self._sent_at, self._stage = now, event.stage
            self._send(event)


def is_memory_note(event: Progress) -> bool:
    """Whether an event tells that memory ran out and what is tried next (the ladder of `generate_video`)."""
    message = event.message.lower()
    return "memory ran out" in message or "out of memory" in message
