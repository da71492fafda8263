"""The queue as everyone sees it: submit, order, pause, cancel, retry, and carry over as a zip.

A job is a row that is committed before `submit` returns, so nothing is lost by a crash. All changes are single
conditional updates in the store: two windows, or a window and a worker, cannot both win. Knows nothing of processes;
whoever runs the jobs may `subscribe` to be told of changes at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ..errors import QueueError
from ..paths import Paths
from ..request import VideoRequest
from ..store.records import FINISHED_STATES, JobRecord, JobSource, JobState
from .uploads import UploadFolder

if TYPE_CHECKING:
    from ..store.database import Store

log = logging.getLogger(__name__)

Move = Literal["up", "down", "top", "bottom"]


class JobQueue:
    """Every action on jobs. Thread-safe; as many instances on one database as you like.

    Actions that do not fit a job's state raise `QueueError`, as does an unknown id; requests that no engine could
    carry out raise `RequestError`.
    """

    def __init__(self, store: Store, paths: Paths) -> None:
        self._store = store
        self._jobs = store.jobs
        self._paths = paths
        self._uploads = UploadFolder(paths.uploads)
        self._listeners: list[Callable[[], None]] = []

    # -- reading ------------------------------------------------------------------------------------------------

    def get(self, job_id: str) -> JobRecord:
        """The job as it stands now. Raises `QueueError` for an unknown id."""
        return self._jobs.get(job_id)

    def jobs(self, *states: JobState, limit: int | None = None) -> tuple[JobRecord, ...]:
        """Running first, then waiting jobs in the order they will run, then the finished ones, newest first."""
        return self._jobs.list(states=states, limit=limit)

    def counts(self) -> Mapping[JobState, int]:
        """Number of jobs in every state (all states are present)."""
        return self._jobs.counts()

    def version(self) -> str:
        """A short text that changes whenever a job changes: compare it before redrawing a list."""
        return self._jobs.version()

    # -- adding and editing -------------------------------------------------------------------------------------

    def submit(self, request: VideoRequest, *, source: JobSource | str = JobSource.WINDOW,
               priority: int = 0) -> JobRecord:
        """Check the request, keep copies of its images, and commit a queued job. Higher `priority` runs earlier."""
        return self.submit_many((request,), source=source, priority=priority)[0]

    def submit_many(self, requests: Collection[VideoRequest], *, source: JobSource | str = JobSource.WINDOW,
                    priority: int = 0) -> tuple[JobRecord, ...]:
        """Submit all or none, in order, in one transaction (a prompt per line, a batch file)."""
        ready = [self._prepare(request) for request in requests]
        records = self._jobs.add_many(ready, source=JobSource(source), priority=priority)
        self._changed()
        return records

    def edit(self, job_id: str, request: VideoRequest) -> JobRecord:
        """Replace the request of a job that is queued or interrupted."""
        record = self._jobs.replace_request(job_id, self._prepare(request))
        self._changed()
        return record

    def duplicate(self, job_id: str) -> JobRecord:
        """Queue the same request once more, whatever the job's state."""
        job = self._readable(job_id)
        return self.submit(job.request, source=job.source, priority=job.priority)

    def keep_upload(self, path: Path) -> Path:
        """Copy a file that may vanish (a browser upload) to the uploads folder and return the copy's path."""
        return self._uploads.keep(path)

    # -- order --------------------------------------------------------------------------------------------------

    def move(self, job_id: str, to: int | Move) -> JobRecord:
        """Move a waiting job to a rank (1 runs next), or "up", "down", "top", "bottom".

        Where the new neighbours have another priority, the job takes the nearest one that keeps the order true.
        """
        record = self._jobs.move(job_id, to)
        self._changed()
        return record

    # -- running ------------------------------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        """Whether no further job is started (a running one goes on). Kept in the database."""
        return self._jobs.paused

    def pause(self) -> None:
        self._jobs.set_paused(True)
        self._changed()

    def resume(self) -> None:
        self._jobs.set_paused(False)
        self._changed()

    def cancel(self, job_id: str) -> JobRecord:
        """A waiting or interrupted job is cancelled at once; a running one is asked to stop (`cancel_requested`)."""
        record = self._jobs.cancel(job_id)
        self._changed()
        return record

    def cancel_all(self) -> int:
        """Cancel every waiting job and ask the running one to stop; returns how many that were."""
        cancelled = self._jobs.cancel_all()
        self._changed()
        return cancelled

    def retry(self, job_id: str) -> JobRecord:
        """Queue a failed, cancelled or interrupted job again, at the end; its count of attempts is kept."""
        self._readable(job_id)
        record = self._jobs.requeue(job_id, from_states=(JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED))
        self._changed()
        return record

    def resume_interrupted(self, job_id: str | None = None) -> tuple[JobRecord, ...]:
        """Queue one interrupted job again, or all of them (None), at the front and in their old order."""
        ids = [job_id] if job_id else [job.id for job in self._jobs.list(states=(JobState.INTERRUPTED,))
                                       if not job.request_problem]
        records = [self._jobs.requeue(one, from_states=(JobState.INTERRUPTED,), front=True) for one in reversed(ids)]
        self._changed()
        return tuple(reversed(records))

    # -- clearing -----------------------------------------------------------------------------------------------

    def clear_finished(self) -> int:
        """Remove done, failed and cancelled jobs from the list; returns how many. Videos and library rows stay.

        Uploads that no job and no generation needs any more are deleted.
        """
        removed = self._jobs.delete(FINISHED_STATES)
        for job_id in removed:
            self._drop_previews(job_id)
        self.sweep_uploads()
        self._changed()
        return len(removed)

    def remove(self, job_id: str) -> None:
        """Remove one job that is not running from the list."""
        if self._jobs.get(job_id).state is JobState.RUNNING or not self._jobs.delete_one(job_id):
            raise QueueError(f"Job {job_id} is running.", fix="Cancel it first.")
        self._drop_previews(job_id)
        self._changed()

    def _drop_previews(self, job_id: str) -> None:
        for file in self._paths.preview_files(job_id):
            file.unlink(missing_ok=True)

    def sweep_uploads(self, *, min_age_s: float = 24 * 3600) -> int:
        """Delete uploads older than `min_age_s` that no job and no generation refers to; returns how many."""
        return self._uploads.sweep(self._store.referenced_files, min_age_s=min_age_s)

    # -- carrying over ------------------------------------------------------------------------------------------

    def export_zip(self, path: Path, *, job_ids: Collection[str] | None = None) -> int:
        """Write jobs with their images to one zip; returns how many. None takes all waiting, running, interrupted.

        LoRA files are referenced by name only. Raises `QueueError` where the file cannot be written.
        """
        from .archive import write_archive

        if job_ids is None:
            jobs = self.jobs(JobState.RUNNING, JobState.QUEUED, JobState.INTERRUPTED)
        else:
            jobs = tuple(self._readable(job_id) for job_id in job_ids)
        return write_archive(path, [job for job in jobs if not job.request_problem])

    def import_zip(self, path: Path) -> tuple[JobRecord, ...]:
        """Queue the jobs of a zip, all or none; its images are copied to the uploads, the zip stays as it is.

        Raises `QueueError` for a file that is not such a zip, is too large, holds unsafe names, or was written by a
        newer version.
        """
        from .archive import read_archive

        entries = read_archive(path, uploads=self._uploads, loras=self._paths.loras)
        for entry in entries:
            entry.request.check()
        records = self._jobs.add_many([entry.request for entry in entries], source=JobSource.IMPORT,
                                      priorities=[entry.priority for entry in entries],
                                      warnings=[entry.warnings for entry in entries])
        self._changed()
        return records

    # -- listeners ----------------------------------------------------------------------------------------------

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` (cheap, any thread) after each change made through this object."""
        self._listeners.append(listener)

    def _changed(self) -> None:
        for listener in self._listeners:
            listener()

    def _prepare(self, request: VideoRequest) -> VideoRequest:
        request.check()
        return self._uploads.keep_images(request)

    def _readable(self, job_id: str) -> JobRecord:
        job = self._jobs.get(job_id)
        if job.request_problem:
            raise QueueError(f"The request of job {job_id} cannot be read: {job.request_problem}",
                             fix="Remove the job and submit it anew.")
        return job
