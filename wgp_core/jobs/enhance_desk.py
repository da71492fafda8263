"""Enhancements for the window: one at a time, in the assistant, watched from any thread.

Lives as long as the program, so that a reloaded page finds what it asked for. What an enhancement does is the task
`enhance`; here are only its state, its progress and its answer.
"""

from __future__ import annotations

import enum
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

from ..errors import Cancelled, QueueError, WgpError
from ..events import CancelToken, Progress
from ..prompts.enhancement import EnhanceRequest, EnhanceResult
from ..prompts.records import request_to_dict, result_from_dict

log = logging.getLogger(__name__)
LIMIT_S = 600.0

RunTask = Callable[..., Mapping[str, Any]]
"""`Supervisor.run_task`."""


class EnhanceState(enum.StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Enhancing:
    """One enhancement. `message` says what goes on or what went wrong; `result` is there when it is done."""

    id: str
    request: EnhanceRequest
    state: EnhanceState = EnhanceState.RUNNING
    message: str = "Starting"
    result: EnhanceResult | None = None


class EnhanceDesk:
    """Holds the last enhancement that the window asked for."""

    def __init__(self, run_task: RunTask) -> None:
        self._run_task = run_task
        self._lock = threading.Lock()
        self._current: Enhancing | None = None
        self._cancel = CancelToken()
        self._changes = 0

    @property
    def current(self) -> Enhancing | None:
        return self._current

    @property
    def version(self) -> int:
        """Grows with every change."""
        return self._changes

    def start(self, request: EnhanceRequest) -> Enhancing:
        """Begin an enhancement. Raises `QueueError` while another runs."""
        with self._lock:
            if self._current is not None and self._current.state is EnhanceState.RUNNING:
                raise QueueError("A prompt is being enhanced already.", fix="Wait for it, or cancel it.")
            work, self._cancel = Enhancing(uuid4().hex[:12], request), CancelToken()
            self._set(work)
        threading.Thread(target=self._carry_out, args=(work, self._cancel), name="enhance", daemon=True).start()
        return work

    def cancel(self) -> None:
        """Stop what runs; without anything running nothing happens."""
        self._cancel.cancel()

    def dismiss(self) -> None:
        """Forget the last enhancement; one that runs is stopped."""
        with self._lock:
            self._cancel.cancel()
            self._set(None)

    def _carry_out(self, work: Enhancing, cancel: CancelToken) -> None:
        def tell(event: Progress) -> None:
            self._update(work.id, message=event.message or event.stage.label)

        try:
            answer = self._run_task("enhance", request_to_dict(work.request), timeout_s=LIMIT_S, cancel=cancel,
                                    on_progress=tell)
            self._update(work.id, state=EnhanceState.DONE, message="", result=result_from_dict(answer))
        except Cancelled:
            self._update(work.id, state=EnhanceState.CANCELLED, message="Cancelled.")
        except WgpError as error:
            self._update(work.id, state=EnhanceState.FAILED, message=str(error))
        except Exception as error:  # the edge of the thread: the window must hear of it
            log.exception("The enhancement failed.")
            self._update(work.id, state=EnhanceState.FAILED, message=f"{type(error).__name__}: {error}")

    def _update(self, work_id: str, **changes: Any) -> None:
        with self._lock:
            if self._current is not None and self._current.id == work_id:
                self._set(replace(self._current, **changes))

    def _set(self, work: Enhancing | None) -> None:
        self._current = work
        self._changes += 1
