"""One job in the render worker: run it, and make sure that it ends in exactly one way.

The only broad catch of the worker is here: whatever a job raises fails that job, with the traceback in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..engines.base import RuntimeOptions
from ..errors import Cancelled, QueueError, WgpError
from ..events import CancelToken
from ..paths import Paths
from ..settings import Settings
from ..store.database import Store
from ..store.jobs import Claim
from ..store.records import JobRecord, JobState
from .progress import ProgressWriter
from .recorder import JobRecorder
from .recovery import CLOSED, discard_half_files, settle_abandoned

if TYPE_CHECKING:
    from ..engines.registry import EngineRegistry

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class JobWork:
    """A claimed job and what is needed to carry it out. `closing` tells whether a cancel means "the app ends"."""

    job: JobRecord
    store: Store
    paths: Paths
    settings: Settings
    runtime: RuntimeOptions
    engines: Callable[[], EngineRegistry]
    progress: ProgressWriter
    cancel: CancelToken
    closing: Callable[[], bool]


Runner = Callable[[JobWork, JobRecorder], object]
"""Makes the video of a job and records it."""


def generate_job(work: JobWork, recorder: JobRecorder) -> None:
    """The runner: `generate_video` with the worker's context."""
    from ..generate import GenerationContext, generate_video

    context = GenerationContext(paths=work.paths, settings=work.settings, engines=work.engines(),
                                runtime=work.runtime, recorder=recorder, prompt_cache=work.store.enhancements)
    generate_video(work.job.request, context, on_progress=work.progress, cancel=work.cancel)


def run_job(work: JobWork, runner: Runner = generate_job) -> JobState:
    """Run the job and return the state in which it ended. Raises `StoreError` only where that cannot be written."""
    job, recorder = work.job, JobRecorder(work.store, Claim.of(work.job), work.progress.flush)
    state, error = JobState.FAILED, "The job ended without a result."
    try:
        if job.request_problem:
            raise QueueError(f"The stored request cannot be read: {job.request_problem}",
                             fix="Remove the job and submit it anew.")
        work.cancel.raise_if_cancelled()
        runner(work, recorder)
    except Cancelled:
        state, error = _stopped(work)
    except WgpError as problem:
        log.exception("Job %s failed.", job.id)
        error = str(problem)
    except MemoryError:
        log.exception("Job %s failed.", job.id)
        error = ("The job ran out of memory (RAM). Close other programs, or ask for a smaller size, fewer frames or "
                 "a lower VRAM profile.")
    except Exception as problem:  # the edge of the worker: one failure fails one job
        log.exception("Job %s failed.", job.id)
        error = f"{type(problem).__name__}: {problem}".rstrip(": ")
    return _end(work, recorder, state, error)


def _end(work: JobWork, recorder: JobRecorder, state: JobState, error: str) -> JobState:
    jobs = work.store.jobs
    if recorder.generation is None:
        work.progress.flush()
        if work.cancel.cancelled:  # what an engine raises while it is being stopped is no failure
            state, error = _stopped(work)
        now = jobs.get(work.job.id)
        if now.state is JobState.RUNNING:
            settle_abandoned(work.store, work.paths, now, state, error)
    now = jobs.get(work.job.id)
    discard_half_files(work.paths, now)
    log.info("Job %s: %s %s", now.id, now.state.value, now.error)
    return now.state


def _stopped(work: JobWork) -> tuple[JobState, str]:
    """A person's cancel ends the job for good; the end of the app only interrupts it."""
    asked = work.store.jobs.cancel_requested(work.job.id)
    return (JobState.INTERRUPTED, CLOSED) if work.closing() and not asked else (JobState.CANCELLED, "")
