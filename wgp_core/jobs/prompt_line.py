"""The line of those who want a prompt enhanced over HTTP: one is served, a few wait, the others are told to come back.

Whoever leaves gives the place free: a waiting one at once, the one being served as soon as the model has stopped.
Where a model takes its process with it (the kernel ends what takes too much memory), rules answer in its stead.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from ..errors import BusyError, WorkerError
from ..events import CancelToken
from ..prompts.enhancement import Level, Provider

log = logging.getLogger(__name__)

WAITING = 8
"""How many may wait while one is served."""
LIMIT_S = 600.0
FIRST_GUESS_S = 5.0

RunTask = Callable[..., Mapping[str, Any]]
"""`Supervisor.run_task`."""


@dataclass(frozen=True)
class Place:
    """A place in the line. `answer` is the task's result, or raises what the task raised."""

    answer: Future[Mapping[str, Any]]
    cancel: CancelToken

    def leave(self) -> None:
        """Nobody wants the answer any more."""
        self.cancel.cancel()
        self.answer.cancel()


class PromptLine:
    """All methods may be called from any thread."""

    def __init__(self, run_task: RunTask, *, waiting: int = WAITING, limit_s: float = LIMIT_S) -> None:
        self._run_task = run_task
        self._limit_s = limit_s
        self._most = waiting + 1
        self._lock = threading.Lock()
        self._taken: set[Future[Mapping[str, Any]]] = set()
        self._pool: ThreadPoolExecutor | None = None
        self._usual_s = FIRST_GUESS_S
        self._closed = False

    @property
    def taken(self) -> int:
        """Places in use: the one that is served, and those that wait."""
        return len(self._taken)

    @property
    def most(self) -> int:
        return self._most

    def join(self, payload: Mapping[str, Any]) -> Place:
        """Stand in line with the payload of the task `enhance`. Raises `BusyError` where the line is full."""
        with self._lock:
            if self._closed:
                raise WorkerError("The program is closing.")
            if len(self._taken) >= self._most:
                raise BusyError(f"{self._most} prompts are being enhanced or wait already.",
                                retry_after_s=max(1, round(self._usual_s)), fix="Try again in a moment.")
            if self._pool is None:
                self._pool = ThreadPoolExecutor(1, thread_name_prefix="prompt-line")
            cancel = CancelToken()
            place = Place(self._pool.submit(self._serve, payload, cancel), cancel)
            self._taken.add(place.answer)
        place.answer.add_done_callback(self._gone)
        return place

    def open(self) -> None:
        """Let people join (again, after `close`)."""
        with self._lock:
            self._closed = False

    def close(self) -> None:
        """Send everybody home; nobody can join until `open`. The answers of those who wait are cancelled."""
        with self._lock:
            self._closed = True
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)

    def _serve(self, payload: Mapping[str, Any], cancel: CancelToken) -> Mapping[str, Any]:
        cancel.raise_if_cancelled()
        began = time.monotonic()
        answer = self._ask(payload, cancel)
        self._usual_s = 0.7 * self._usual_s + 0.3 * (time.monotonic() - began)
        return answer

    def _ask(self, payload: Mapping[str, Any], cancel: CancelToken) -> Mapping[str, Any]:
        """The task's answer; that of rules, with what happened, where the worker died or took too long."""
        try:
            return self._run_task("enhance", payload, timeout_s=self._limit_s, cancel=cancel)
        except WorkerError as error:
            if self._closed or payload.get("provider") == Provider.RULES:
                raise
            log.warning("Rules enhance a prompt, since the language model failed: %s", error)
            answer = self._run_task("enhance", {**payload, "provider": Provider.RULES.value}, timeout_s=self._limit_s,
                                    cancel=cancel)
            return _with_failure(answer, payload, error.message)

    def _gone(self, answer: Future[Mapping[str, Any]]) -> None:
        with self._lock:
            self._taken.discard(answer)


def _with_failure(answer: Mapping[str, Any], asked: Mapping[str, Any], reason: str) -> Mapping[str, Any]:
    """An `EnhanceResult` as JSON, with the try that failed before it."""
    own = asked.get("system_prompt") or asked.get("context")
    failed = {"level": (Level.EDGE if own else Level.WORKER).value, "outcome": "failed", "reason": reason,
              "provider": asked.get("provider", Provider.AUTO.value), "seconds": 0.0}
    warning = f"Rules wrote this text, since the language model failed: {reason}"
    return {**answer, "attempts": [failed, *answer.get("attempts", ())],
            "warnings": [*answer.get("warnings", ()), warning]}
