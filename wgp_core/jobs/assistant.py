"""Tasks as their caller sees them: one question at a time to the assistant worker, which is started when needed."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import uuid4

from .. import errors
from ..engines.base import RuntimeOptions
from ..errors import Cancelled, WgpError, WorkerError
from ..events import CancelToken, Progress, ProgressCallback, Stage, ignore_progress
from ..settings import Settings
from .causes import Death, Killed
from .process import Launch, WorkerProcess
from .protocol import Message, Say

log = logging.getLogger(__name__)

CANCEL_GRACE_S = 5.0
POLL_S = 0.1


@dataclass(frozen=True)
class _Ask:
    """One question: the task, and how long it may take (`deadline` on the monotonic clock) and be silent."""

    name: str
    payload: Mapping[str, Any]
    timeout_s: float
    silent_s: float
    deadline: float


class AssistantDesk:
    """Runs tasks for any thread. The worker's death, a timeout or an ignored cancel costs that task only."""

    def __init__(self, launch: Callable[[], Launch], runtime: Callable[[], RuntimeOptions],
                 settings: Callable[[], Settings] = Settings) -> None:
        self._launch = launch
        self._runtime = runtime
        self._settings = settings
        self._turn = threading.Lock()
        self._process: WorkerProcess | None = None
        self._answered = threading.Event()
        self._answer: Mapping[str, Any] | None = None
        self._asked_id = ""
        self._on_progress: ProgressCallback = ignore_progress
        self._heard_at = time.monotonic()
        self._idle_since = time.monotonic()
        self._stopped = False

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def busy(self) -> bool:
        return self._turn.locked()

    def run(self, name: str, payload: Mapping[str, Any], *, timeout_s: float, cancel: CancelToken,
            on_progress: ProgressCallback = ignore_progress, silent_s: float = math.inf) -> dict[str, Any]:
        """See `Supervisor.run_task`. `on_progress` is called from another thread; a task without a word for longer
        than `silent_s` seconds is ended."""
        deadline = time.monotonic() + timeout_s
        while not self._turn.acquire(timeout=POLL_S):
            cancel.raise_if_cancelled()
            if time.monotonic() > deadline:
                raise WorkerError(f"The task {name} waited {timeout_s:g} s for its turn.", fix="Try again later.")
        try:
            self._stopped, self._on_progress = False, on_progress
            return self._ask(_Ask(name, payload, timeout_s, silent_s, deadline), cancel)
        finally:
            self._on_progress = ignore_progress
            self._idle_since = time.monotonic()
            self._turn.release()

    def stop_if_idle(self, idle_s: float) -> None:
        """End the worker where nobody asked it anything for `idle_s` seconds."""
        if self._process is None or time.monotonic() - self._idle_since < idle_s:
            return
        if self._turn.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._turn.release()

    def stop(self) -> None:
        """End the worker now; a task that runs fails."""
        self._stopped = True
        with self._turn:
            self._end()

    def _ask(self, ask: _Ask, cancel: CancelToken) -> dict[str, Any]:
        process = self._process
        if process is None or process.death() is not None:
            process = self._process = self._start()
        self._asked_id, self._answer = uuid4().hex[:12], None
        self._answered.clear()
        self._heard_at = time.monotonic()
        process.send(Say.TASK, id=self._asked_id, name=ask.name, payload=dict(ask.payload),
                     runtime=asdict(self._runtime()), settings=asdict(self._settings()))
        cancel_deadline = None
        while not self._answered.wait(POLL_S):
            death = process.death()
            if death is not None and not self._answered.is_set():
                self._process = None
                if cancel.cancelled:
                    raise Cancelled("The work was cancelled.")
                raise _died(ask.name, death)
            now = time.monotonic()
            if cancel.cancelled and cancel_deadline is None:
                cancel_deadline = now + CANCEL_GRACE_S
                process.send(Say.CANCEL, id=self._asked_id)
            if cancel_deadline is not None and now > cancel_deadline:
                self._end()
                raise Cancelled("The work was cancelled.")
            self._check_limits(ask, now)
        return _result(ask.name, self._answer or {})

    def _check_limits(self, ask: _Ask, now: float) -> None:
        """End the worker and raise where the task took too long, was silent too long, or the program closes."""
        problem = ""
        if now > ask.deadline:
            problem = f"The task {ask.name} took longer than {ask.timeout_s:g} s and was ended."
        elif now - self._heard_at > ask.silent_s:
            problem = f"The task {ask.name} gave no sign of life for {ask.silent_s:g} s and was ended."
        elif self._stopped:
            problem = f"The task {ask.name} was ended: the program is closing."
        if problem:
            self._end()
            raise WorkerError(problem)

    def _start(self) -> WorkerProcess:
        try:
            return WorkerProcess(self._launch(), self._hear)
        except OSError as error:
            raise WorkerError(f"The assistant worker cannot be started: {error.strerror or error}.") from error

    def _hear(self, _process: WorkerProcess, message: Message) -> None:
        """Called from the reader thread."""
        if message.data.get("id") != self._asked_id:
            return
        if message.say is Say.RESULT:
            self._answer = message.data
            self._answered.set()
        elif message.say is Say.PROGRESS:
            self._heard_at = time.monotonic()
            data = message.data
            self._on_progress(Progress(Stage(data["stage"]), data["step"], data["total"], data["message"],
                                       data["eta_s"]))

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill(Killed.STOP)
        while process.death() is None:
            time.sleep(0.01)


def _result(name: str, answer: Mapping[str, Any]) -> dict[str, Any]:
    if "result" in answer:
        return dict(answer["result"])
    if answer.get("error") == "Cancelled":
        raise Cancelled(answer["message"])
    kind = getattr(errors, str(answer.get("error")), WorkerError)
    if not (isinstance(kind, type) and issubclass(kind, WgpError)):
        kind = WorkerError
    raise kind(answer.get("message") or f"The task {name} failed.", fix=answer.get("fix") or "")


def _died(name: str, death: Death) -> WorkerError:
    words = f" Its last words: {death.last_words}" if death.last_words else ""
    how = f"signal {-death.code}" if death.code < 0 else f"status {death.code}"
    return WorkerError(f"The assistant worker ended ({how}) while it worked on {name}.{words}", fix="Try again.")
