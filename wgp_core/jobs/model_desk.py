"""Work on models that takes long: one piece at a time, in a worker of its own, watched from any thread.

Owns the list of pieces of work and their states; it lives as long as the program, so a reloaded page finds it again.
What a piece of work does is a task (`model_tasks`). A worker that dies fails its piece of work only; a download goes on
where it stopped when it is submitted again.
"""

from __future__ import annotations

import enum
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import uuid4

from ..engines.base import RuntimeOptions
from ..errors import Cancelled, QueueError, WgpError
from ..events import CancelToken, Progress
from .assistant import AssistantDesk
from .process import Launch
from .work_line import WorkState, WorkVersion

log = logging.getLogger(__name__)

KEPT = 30
LIMIT_S = 7 * 86_400.0
SILENT_S = 300.0
IDLE_S = 20.0
"""The worker is ended so soon after its last piece of work: it holds torch in memory once it quantized."""


class ModelAction(enum.StrEnum):
    """What can be done with a model; the task is called `model_` and this name."""

    INSTALL = "install"
    VERIFY = "verify"
    QUANTIZE = "quantize"
    DELETE = "delete"


@dataclass(frozen=True)
class ModelWork:
    """One piece of work. `fraction` is 0 to 1, or None while nothing can be said; bytes are 0 where none are counted.

    `message` says what goes on, or how it ended; `eta_s` is the estimate until the end, in seconds.
    """

    id: str
    action: ModelAction
    model_id: str
    state: WorkState = WorkState.QUEUED
    message: str = ""
    fraction: float | None = None
    done_bytes: int = 0
    total_bytes: int = 0
    eta_s: float | None = None
    stopping: bool = False

    @property
    def open(self) -> bool:
        return self.state in (WorkState.QUEUED, WorkState.RUNNING)


class ModelDesk:
    """Carries out model work in the order it was submitted. All methods may be called from any thread."""

    def __init__(self, launch: Callable[[], Launch], runtime: Callable[[], RuntimeOptions]) -> None:
        self._desk = AssistantDesk(launch, runtime)
        self._lock = threading.Lock()
        self._works: dict[str, ModelWork] = {}
        self._cancels: dict[str, CancelToken] = {}
        self._runner: threading.Thread | None = None
        self._version = WorkVersion()
        self._began = 0.0
        self._closing = False

    # -- public -------------------------------------------------------------------------------------------------

    @property
    def pid(self) -> int | None:
        return self._desk.pid

    @property
    def version(self) -> WorkVersion:
        return self._version

    def works(self) -> tuple[ModelWork, ...]:
        """All pieces of work of this run of the program, oldest first; the last few that ended are kept."""
        with self._lock:
            return tuple(self._works.values())

    def submit(self, action: ModelAction | str, model_id: str) -> ModelWork:
        """Put a piece of work in the line. Raises `QueueError` where the same model is worked on already."""
        action = ModelAction(action)
        with self._lock:
            if self._closing:
                raise QueueError("The program is closing.")
            busy = next((w for w in self._works.values() if w.open and w.model_id == model_id), None)
            if busy is not None:
                raise QueueError(f"{model_id} is in work already ({busy.action.value}, {busy.state.value}).",
                                 fix="Wait until that is done, or cancel it.")
            for old in [w.id for w in self._works.values() if w.model_id == model_id]:
                del self._works[old]
            work = ModelWork(uuid4().hex[:12], action, model_id)
            self._works[work.id], self._cancels[work.id] = work, CancelToken()
            self._forget_old()
            self._changed()
            if self._runner is None:
                self._runner = threading.Thread(target=self._run, name="model-desk", daemon=True)
                self._runner.start()
            return work

    def cancel(self, model_id: str) -> ModelWork:
        """Stop what is done with a model, or take it out of the line. Raises `QueueError` where there is nothing."""
        with self._lock:
            work = next((w for w in self._works.values() if w.open and w.model_id == model_id), None)
            if work is None:
                raise QueueError(f"Nothing is being done with {model_id}.")
            self._cancels[work.id].cancel()
            if work.state is WorkState.QUEUED:
                work = replace(work, state=WorkState.CANCELLED, message="Cancelled before it began.")
            else:
                work = replace(work, stopping=True, message="Stopping")
            self._works[work.id] = work
            self._changed()
            return work

    def dismiss(self, model_id: str) -> None:
        """Forget how the last piece of work on a model ended."""
        with self._lock:
            for work in [w for w in self._works.values() if w.model_id == model_id and not w.open]:
                del self._works[work.id]
            self._changed()

    def stop(self) -> None:
        """End the worker now. What runs fails; a download can be taken up again."""
        with self._lock:
            self._closing = True
            for work in tuple(self._works.values()):
                if work.state is WorkState.QUEUED:
                    self._works[work.id] = replace(work, state=WorkState.CANCELLED, message="The program was closed.")
            runner = self._runner
        self._desk.stop()
        if runner is not None:
            runner.join(timeout=10)
        self._desk.stop()
        self._closing = False

    def stop_if_idle(self, idle_s: float = IDLE_S) -> None:
        """End a worker that had nothing to do for `idle_s` seconds."""
        self._desk.stop_if_idle(idle_s)

    # -- the thread ---------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while (work := self._next()) is not None:
            state, message = self._carry_out(work)
            with self._lock:
                now = self._works.get(work.id, work)
                done = 1.0 if state is WorkState.DONE else now.fraction
                self._works[work.id] = replace(now, state=state, message=message, fraction=done, eta_s=None,
                                               stopping=False)
                self._cancels.pop(work.id, None)
                self._changed()

    def _next(self) -> ModelWork | None:
        """The next piece of work, now running; None ends the thread: the lock is held, so `submit` starts another."""
        with self._lock:
            work = next((w for w in self._works.values() if w.state is WorkState.QUEUED), None)
            if work is None or self._closing:
                self._runner = None
                return None
            work = replace(work, state=WorkState.RUNNING, message="Starting")
            self._works[work.id], self._began = work, time.monotonic()
            self._changed()
            return work

    def _carry_out(self, work: ModelWork) -> tuple[WorkState, str]:
        try:
            answer = self._desk.run(f"model_{work.action.value}", {"model": work.model_id}, timeout_s=LIMIT_S,
                                    cancel=self._cancels[work.id], silent_s=SILENT_S,
                                    on_progress=lambda event: self._tell(work.id, event))
        except Cancelled:
            return WorkState.CANCELLED, _cancelled_words(work.action)
        except WgpError as error:
            log.warning("%s of %s failed: %s", work.action.value, work.model_id, error)
            return WorkState.FAILED, _again(work.action, error)
        except Exception as error:  # the edge of the thread: the next piece of work must still run
            log.exception("%s of %s failed.", work.action.value, work.model_id)
            return WorkState.FAILED, f"{type(error).__name__}: {error}"
        return WorkState.DONE, str(answer.get("message", ""))

    def _tell(self, work_id: str, event: Progress) -> None:
        """Called from the reader thread."""
        with self._lock:
            work = self._works.get(work_id)
            if work is None or work.state is not WorkState.RUNNING:
                return
            fraction = event.fraction if event.total else None
            counts_bytes = work.action in (ModelAction.INSTALL, ModelAction.VERIFY)
            self._works[work_id] = replace(
                work, fraction=fraction, message="Stopping" if work.stopping else event.message,
                done_bytes=event.step if counts_bytes else 0, total_bytes=event.total if counts_bytes else 0,
                eta_s=event.eta_s if event.eta_s is not None else self._estimate(fraction))
            self._version = replace(self._version, ticks=self._version.ticks + 1)

    def _estimate(self, fraction: float | None) -> float | None:
        """Seconds left at the pace so far, once enough was seen to say."""
        took = time.monotonic() - self._began
        return took * (1 - fraction) / fraction if fraction and fraction > 0.02 and took > 3 else None

    def _changed(self) -> None:
        """The lock is held."""
        self._version = WorkVersion(self._version.states + 1, self._version.ticks + 1)

    def _forget_old(self) -> None:
        ended = [work.id for work in self._works.values() if not work.open]
        for work_id in ended[:max(0, len(ended) - KEPT)]:
            del self._works[work_id]


def _cancelled_words(action: ModelAction) -> str:
    if action is ModelAction.INSTALL:
        return "Cancelled. What was fetched is kept; Install goes on from there."
    return "Cancelled."


def _again(action: ModelAction, error: WgpError) -> str:
    if action is ModelAction.INSTALL and "Install" not in str(error):
        return f"{error.message} {error.fix.replace('Try again.', '')} Press Install to go on from there.".replace(
            "  ", " ")
    return str(error)
