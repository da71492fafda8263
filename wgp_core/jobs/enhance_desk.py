"""Enhancements for the window: one at a time, in the assistant, watched from any thread.

Lives as long as the program, so that a reloaded page finds what it asked for. What an enhancement does is the task
`enhance`; here are only its state, its progress and its answer.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..errors import Cancelled, QueueError, StoreError, WgpError
from ..events import CancelToken, Progress
from ..marked import split_enhanced
from ..prompts.enhancement import EnhanceRequest, EnhanceResult
from ..prompts.records import request_to_dict, result_from_dict
from .work_line import RunTask, WorkState

if TYPE_CHECKING:
    from ..store.enhancements import EvolutionRepository
    from ..store.records import JobRecord

log = logging.getLogger(__name__)
LIMIT_S = 600.0

@dataclass(frozen=True)
class Enhancing:
    """One enhancement. `message` says what goes on or what went wrong; `result` is there when it is done."""

    id: str
    request: EnhanceRequest
    state: WorkState = WorkState.RUNNING
    message: str = "Starting"
    result: EnhanceResult | None = None


class EnhanceDesk:
    """Holds the last enhancement that the window asked for, and records how prompts came about."""

    def __init__(self, run_task: RunTask, evolution: EvolutionRepository) -> None:
        self._run_task, self._evolution = run_task, evolution
        self._taken: tuple[Enhancing, int] | None = None
        """The enhancement whose text was taken, and its row on record."""
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
            if self._current is not None and self._current.state is WorkState.RUNNING:
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

    def accept(self) -> str | None:
        """Take the text that is shown and forget the rest of it; None where there is none."""
        with self._lock:
            work = self._current
            if work is None or work.result is None:
                return None
            self._set(None)
        result = work.result
        try:
            row = self._evolution.add(original=result.original, enhanced=result.enhanced, level=result.level.value,
                                      provider=result.provider.value, model=result.model, accepted=result.enhanced,
                                      draft_id=work.id)
            self._taken = (work, row.id)
        except StoreError as error:
            log.warning("How the prompt came about is not recorded: %s", error)
        return result.enhanced

    def submitted(self, jobs: Iterable[JobRecord]) -> None:
        """Jobs were put in the queue: where one has the text that was taken, as it is or edited, that is recorded."""
        if self._taken is None:
            return
        work, row = self._taken
        for job in jobs:
            original, text = split_enhanced(job.request.prompt)
            if text is not None and work.result is not None and original == work.result.original.strip():
                try:
                    self._evolution.accept(row, text)
                    self._evolution.draft_became(work.id, job.id)
                except StoreError as error:
                    log.warning("How the prompt came about is not recorded: %s", error)

    def _carry_out(self, work: Enhancing, cancel: CancelToken) -> None:
        def tell(event: Progress) -> None:
            self._update(work.id, message=event.message or event.stage.label)

        try:
            answer = self._run_task("enhance", request_to_dict(work.request), timeout_s=LIMIT_S, cancel=cancel,
                                    on_progress=tell)
            self._update(work.id, state=WorkState.DONE, message="", result=result_from_dict(answer))
        except Cancelled:
            self._update(work.id, state=WorkState.CANCELLED, message="Cancelled.")
        except WgpError as error:
            self._update(work.id, state=WorkState.FAILED, message=str(error))
        except Exception as error:  # the edge of the thread: the window must hear of it
            log.exception("The enhancement failed.")
            self._update(work.id, state=WorkState.FAILED, message=f"{type(error).__name__}: {error}")

    def _update(self, work_id: str, **changes: Any) -> None:
        with self._lock:
            if self._current is not None and self._current.id == work_id:
                self._set(replace(self._current, **changes))

    def _set(self, work: Enhancing | None) -> None:
        self._current = work
        self._changes += 1
