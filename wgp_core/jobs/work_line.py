"""Pieces of work for a desk in the window's process: in a line, one at a time, with states, progress and pace.

Lives as long as the program, so that a reloaded page finds what it asked for. What a piece of work does is a task in a
worker; a desk says which (`WorkLine.run`).
"""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from uuid import uuid4

from ..errors import Cancelled, QueueError, WgpError
from ..events import CancelToken, Progress, ProgressCallback

log = logging.getLogger(__name__)

KEPT = 20
RunTask = Callable[..., Mapping[str, Any]]
"""`Supervisor.run_task`."""


class WorkState(enum.StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class WorkVersion:
    """Changes with a state (`states`), and with any progress (`ticks`)."""

    states: int = 0
    ticks: int = 0


@dataclass(frozen=True)
class Work:
    """One piece of work. `subject` is what it works on; only one piece at a time may work on it.

    `step` of `total` is how far its stage is, 0 is unknown; `message` says what goes on, or how it ended. `result` is
    the task's answer.
    """

    id: str
    action: enum.StrEnum
    subject: str = ""
    state: WorkState = WorkState.QUEUED
    title: str = ""
    step: int = 0
    total: int = 0
    eta_s: float | None = None
    stopping: bool = False
    message: str = ""
    fix: str = ""
    result: Mapping[str, Any] | None = None

    @property
    def open(self) -> bool:
        return self.state in (WorkState.QUEUED, WorkState.RUNNING)

    @property
    def fraction(self) -> float | None:
        """Share of the stage that is done, 0 to 1; None where nothing can be said."""
        return min(1.0, self.step / self.total) if self.total else None


W = TypeVar("W", bound=Work)


class WorkLine(Generic[W]):
    """Pieces of work in the order in which they came. All methods may be called from any thread.

    A desk derives its line: `run` carries a piece of work out; the other hooks have defaults.
    """

    name = "work"
    """Of the thread."""

    def __init__(self, kind: type[W]) -> None:
        self._kind = kind
        self._lock = threading.RLock()
        self._works: dict[str, W] = {}
        self._payloads: dict[str, Mapping[str, Any]] = {}
        self._cancels: dict[str, CancelToken] = {}
        self._runner: threading.Thread | None = None
        self._began = 0.0
        self._closed = False
        self._version = WorkVersion()

    # -- hooks --------------------------------------------------------------------------------------------------

    def run(self, work: W, payload: Mapping[str, Any], cancel: CancelToken,
            on_progress: ProgressCallback) -> Mapping[str, Any]:
        """Carry it out and return its result; `message` in the result says how it ended."""
        raise NotImplementedError

    def busy_words(self, subject: str) -> str:
        """What is said where the subject is worked on already."""
        return f"{subject!r} is being worked on."

    def check_may_begin(self, action: enum.StrEnum, subject: str, title: str) -> None:
        """Raise `QueueError` for what may not join the line now."""
        if subject:
            self.check_free(subject)

    def told(self, work: W, event: Progress) -> W:
        """The work after a progress event."""
        return replace(work, step=event.step, total=event.total, message=event.message or work.message)

    def stage(self, work: W) -> object:
        """What the pace is measured for: it begins anew when this changes."""
        return work.total

    def cancelled_words(self, work: W) -> str:
        """What became of what was made before a cancel."""
        return ""

    def subject_after(self, work: W, result: Mapping[str, Any]) -> str:
        """What it worked on, once that is known."""
        return work.subject

    def done(self, work: W) -> None:
        """Hears of what ended well, before anybody else sees it."""

    # -- public -------------------------------------------------------------------------------------------------

    @property
    def version(self) -> WorkVersion:
        return self._version

    def works(self) -> tuple[W, ...]:
        """Work of this run of the program, oldest first; the last few that ended are kept."""
        with self._lock:
            return tuple(self._works.values())

    def get(self, work_id: str) -> W:
        """One piece of work. Raises `QueueError` for an unknown id."""
        with self._lock:
            if work_id not in self._works:
                raise QueueError(f"There is no work {work_id}.", fix="It may have been forgotten since.")
            return self._works[work_id]

    def busy(self, subject: str) -> bool:
        """Whether something is worked on, or waits for it."""
        return any(work.open and work.subject == subject for work in self.works())

    def check_free(self, subject: str) -> None:
        """Raise `QueueError` while something is worked on."""
        if self.busy(subject):
            raise QueueError(self.busy_words(subject), fix="Wait until that is done, or cancel it.")

    def cancel(self, work_id: str) -> W:
        """Stop a piece of work. What has ended stays as it is."""
        with self._lock:
            work = self.get(work_id)
            if not work.open:
                return work
            self._cancels[work_id].cancel()
            waiting = work.state is WorkState.QUEUED
            work = replace(work, state=WorkState.CANCELLED, message="Cancelled before it began.") if waiting \
                else replace(work, stopping=True)
            self._put(work)
            return work

    def dismiss(self, work_id: str) -> None:
        """Forget how a piece of work ended."""
        with self._lock:
            work = self._works.get(work_id)
            if work is not None and not work.open:
                self._forget(work_id)
                self.changed()

    def forget_ended(self, subject: str) -> None:
        """Forget how all work on something ended."""
        with self._lock:
            for old in [one.id for one in self._works.values() if one.subject == subject and not one.open]:
                self._forget(old)

    def changed(self) -> None:
        """Whoever watches is told."""
        with self._lock:
            self._version = WorkVersion(self._version.states + 1, self._version.ticks + 1)

    def ticked(self) -> None:
        """Whoever watches the progress is told."""
        with self._lock:
            self._version = replace(self._version, ticks=self._version.ticks + 1)

    def submit(self, action: enum.StrEnum, subject: str, title: str, payload: Mapping[str, Any]) -> W:
        """Put a piece of work in the line. Raises `QueueError` as `check_may_begin`, and once the program closes."""
        with self._lock:
            if self._closed:
                raise QueueError("The program is closing.", fix="Start it again.")
            self.check_may_begin(action, subject, title)
            self.forget_ended(subject)
            work = self._kind(uuid4().hex[:12], action, subject, title=title)
            self._payloads[work.id], self._cancels[work.id] = payload, CancelToken()
            self._put(work)
            for old in [one.id for one in self._works.values() if not one.open][:-KEPT]:
                self._forget(old)
            if self._runner is None:
                self._runner = threading.Thread(target=self._run, name=self.name, daemon=True)
                self._runner.start()
            return work

    def close(self) -> None:
        """The program ends: what runs is cancelled, and nothing more begins."""
        with self._lock:
            self._closed = True
            for work in tuple(self._works.values()):
                if work.open:
                    self.cancel(work.id)

    # -- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (work := self._next()) is not None:
            ended = outcome(work, lambda one=work: self.run(
                one, self._payloads[one.id], self._cancels[one.id], lambda event: self._tell(one.id, event)))
            with self._lock:
                now = replace(self._works.get(work.id, work), **ended, stopping=False, eta_s=None)
                if now.state is WorkState.CANCELLED:
                    now = replace(now, message=f"{now.message} {self.cancelled_words(now)}".strip())
                if now.state is WorkState.DONE:
                    now = replace(now, subject=self.subject_after(now, now.result or {}))
                    self.done(now)
                self._put(now)
                self._cancels.pop(work.id, None)
                self._payloads.pop(work.id, None)

    def _next(self) -> W | None:
        """The next piece, now running; None ends the thread: the lock is held, so `submit` starts another."""
        with self._lock:
            work = next((one for one in self._works.values() if one.state is WorkState.QUEUED), None)
            if work is None:
                self._runner = None
                return None
            work, self._began = replace(work, state=WorkState.RUNNING), time.monotonic()
            self._put(work)
            return work

    def _tell(self, work_id: str, event: Progress) -> None:
        """Called from the reader thread of the worker."""
        with self._lock:
            before = self._works.get(work_id)
            if before is None or before.state is not WorkState.RUNNING:
                return
            work = self.told(before, event)
            if self.stage(work) != self.stage(before):
                self._began = time.monotonic()
            self._works[work_id] = replace(work, eta_s=self._estimate(work.fraction))
            self.ticked()

    def _estimate(self, fraction: float | None) -> float | None:
        """Seconds left at the pace so far, once enough was seen to say."""
        took = time.monotonic() - self._began
        return took * (1 - fraction) / fraction if fraction and fraction > 0.05 and took > 3 else None

    def _put(self, work: W) -> None:
        self._works[work.id] = work
        self.changed()

    def _forget(self, work_id: str) -> None:
        for kept in (self._works, self._payloads, self._cancels):
            kept.pop(work_id, None)


def outcome(work: Work, carry_out: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
    """The fields of a piece of work as it ended."""
    try:
        result = carry_out()
    except Cancelled:
        return {"state": WorkState.CANCELLED, "message": "Cancelled.", "fix": ""}
    except WgpError as error:
        log.warning("%s of %s failed: %s", work.action.value, work.subject or work.title, error)
        return {"state": WorkState.FAILED, "message": error.message, "fix": error.fix}
    except Exception as error:  # the edge of the thread: the window must hear of it
        log.exception("%s of %s failed.", work.action.value, work.subject or work.title)
        return {"state": WorkState.FAILED, "message": f"{type(error).__name__}: {error}", "fix": ""}
    return {"state": WorkState.DONE, "message": str(result.get("message", "")), "fix": "", "result": result}
