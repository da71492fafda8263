"""What becomes of a job whose worker is gone.

If the finished file is there under the planned name and carries the job's id, the job is recorded as done: finished
exactly once. Otherwise its half files are removed (only those that belong to it) and it ends in the state that the
cause asks for.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..errors import MediaError, QueueError, StoreError
from ..paths import Paths
from ..result import Manifest, VideoResult
from ..store.database import Store
from ..store.jobs import Claim
from ..store.records import GenerationRecord, JobRecord, JobState

log = logging.getLogger(__name__)

MAX_SELF_RESUMES = 3
"""A job that was started this often is not queued again by itself: it may be what ends the program each time."""

CLOSED = "The program was closed while this job ran."


def scratch_folder(paths: Paths, job_id: str) -> Path:
    """Where a job may keep temporary files; removed when it ends, however it ends."""
    return paths.data / "scratch" / job_id


def settle_abandoned(store: Store, paths: Paths, job: JobRecord, state: JobState, cause: str) -> JobRecord:
    """End a running job that no process works on any more: done if its file is whole, else `state` with `cause`."""
    if not finish_from_file(store, paths, job):
        store.jobs.settle(Claim.of(job), state, cause)
    discard_half_files(paths, job)
    return store.jobs.get(job.id)


def recover_at_startup(store: Store, paths: Paths, *, resume: bool) -> tuple[JobRecord, ...]:
    """Settle the jobs that a former run left as running; returns them as they are now.

    With `resume`, interrupted jobs are queued again, except those that were started three times already.
    Call it before any worker runs, and only while holding the app's lock.
    """
    settled = tuple(settle_abandoned(store, paths, job, JobState.INTERRUPTED, CLOSED) for job in store.jobs.running())
    if resume:
        waiting = store.jobs.list(states=(JobState.INTERRUPTED,))
        for job in reversed([job for job in waiting if job.attempts < MAX_SELF_RESUMES and not job.request_problem]):
            store.jobs.requeue(job.id, from_states=(JobState.INTERRUPTED,), front=True)
    shutil.rmtree(paths.data / "scratch", ignore_errors=True)
    return tuple(store.jobs.get(job.id) for job in settled)


def finish_from_file(store: Store, paths: Paths, job: JobRecord) -> GenerationRecord | None:
    """Record the job as done if its finished file exists; None where it does not or the job is no longer running."""
    for path in _candidates(job):
        result = _result_in(path, job, paths)
        if result is None:
            continue
        note = "The program stopped right after this video was finished; it was found again and kept."
        try:
            generation = store.jobs.complete(Claim.of(job), result, extra_warnings=(note,))
        except StoreError as error:
            log.warning("The finished file %s of job %s was not recorded: %s", path, job.id, error)
            return None
        log.info("Job %s is done: its file %s was whole.", job.id, path)
        return generation
    return None


def discard_half_files(paths: Paths, job: JobRecord) -> None:
    """Delete the hidden part files of the job's planned output, its scratch folder and its half preview."""
    try:
        shutil.rmtree(scratch_folder(paths, job.id))
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("The scratch folder of job %s stays: %s", job.id, error)
    (paths.previews / f".{job.id}.jpg.part").unlink(missing_ok=True)
    if job.planned_output is None:
        return
    for part in part_files(job.planned_output):
        try:
            part.unlink(missing_ok=True)
            log.info("Removed the half file %s of job %s.", part, job.id)
        except OSError as error:
            log.warning("The half file %s of job %s stays: %s", part, job.id, error)


def part_files(final: Path) -> list[Path]:
    """The temporary files of one final name: `.STEM.part*` beside it."""
    prefix = f".{final.stem}.part"
    try:
        return [path for path in final.parent.iterdir() if path.name.startswith(prefix) and path.is_file()]
    except OSError:
        return []


def _candidates(job: JobRecord) -> Iterator[Path]:
    """The planned name, and the numbered ones that are taken when another file got that name first."""
    final = job.planned_output
    if final is None:
        return
    if final.is_file():
        yield final
    since = job.started_at.timestamp() - 2 if job.started_at else 0.0
    for number in range(2, 10):
        other = final.with_name(f"{final.stem}_{number}{final.suffix}")
        if not other.is_file():
            return
        if other.stat().st_mtime >= since:
            yield other


def _result_in(path: Path, job: JobRecord, paths: Paths) -> VideoResult | None:
    """The result that a file carries, if this job made it."""
    from ..media.metadata import read_manifest

    try:
        data = read_manifest(path)
        if data is None or data.get("job_id") != job.id:
            return None
        manifest = Manifest.from_dict(data)
        video = data["video"]
        return VideoResult(
            path=path, request=manifest.request, asked=manifest.asked, engine=data["engine"], width=video["width"],
            height=video["height"], fps=video["fps"], frames=video["frames"], poster=_poster(path, paths),
            enhanced_prompt=(data.get("prompts") or {}).get("enhanced"), timings_s=data.get("timings_s") or {},
            peaks=data.get("peaks") or {}, versions=manifest.versions, warnings=tuple(data.get("warnings") or ()),
            created_at=data.get("created_at") or "", job_id=job.id)
    except (MediaError, QueueError, KeyError, TypeError, OSError) as error:
        log.warning("The file %s that job %s planned cannot be read: %s", path, job.id, error)
        return None


def _poster(path: Path, paths: Paths) -> Path | None:
    poster = paths.posters / f"{path.stem}.jpg"
    return poster if poster.is_file() else None
