"""How long the stages of a job take, and how long the rest will: between what reports progress and who watches it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from dataclasses import replace

from .events import Progress, ProgressCallback, Stage


class Clock:
    """Times stages, and adds to each event what is known of the time that is left.

    An engine that loads a model says so with events of that stage; what it takes until the next event of rendering is
    then not counted as rendering.
    """

    def __init__(self, on_progress: ProgressCallback) -> None:
        self._on_progress = on_progress
        self.spent: dict[str, float] = {}
        self._now: Stage | None = None
        self._since = 0.0
        self._first_step: tuple[int, float] | None = None

    @contextlib.contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        self._enter(stage)
        self.tell(Progress(stage))
        try:
            yield
        finally:
            self._enter(None)

    def _enter(self, stage: Stage | None) -> None:
        now = time.monotonic()
        if self._now is not None:
            self.spent[self._now.value] = self.spent.get(self._now.value, 0.0) + now - self._since
        self._now, self._since, self._first_step = stage, now, None

    def tell(self, event: Progress) -> None:
        if event.stage is not self._now and {event.stage, self._now} == {Stage.LOAD, Stage.RENDER}:
            self._enter(event.stage)
        if event.eta_s is None and event.total and event.step:
            event = replace(event, eta_s=self._eta(event))
        self._on_progress(event)

    def _eta(self, event: Progress) -> float | None:
        """From the pace since the first step, so that start-up does not count; None until there is a pace."""
        now = time.monotonic()
        if self._first_step is None or event.step < self._first_step[0]:
            self._first_step = (event.step, now)
        step, at = self._first_step
        done = event.step - step
        return (now - at) / done * (event.total - event.step) if done > 0 and now - at > 0.3 else None
