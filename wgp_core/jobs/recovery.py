"""What becomes of a job whose worker is gone.

Its half files are removed (only those that belong to it). If the finished file is there under the planned name and
carries the job's id, the job is recorded as done: finished exactly once. Otherwise it ends in the state that the cause
asks for.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import re
import shutil
import time
from pathlib import Path
from typing import Any

from ..errors import StoreError, WgpError
from ..paths import Paths
from ..result import Manifest, VideoResult
from ..store.database import Store
from ..store.jobs import Claim
from ..store.records import GenerationRecord, JobRecord, JobState

log = logging.getLogger(__name__)

MAX_SELF_RESUMES = 3
"""A job that was started this often is not queued again by itself: it may be what ends the program each time."""

POSTER_AT = 0.4
"""Which frame becomes the poster of a video that was found again, as a share of its length."""

ABANDONED_S = 5.0

CLOSED = "The program was closed while this job ran."


def scratch_folder(paths: Paths, job_id: str) -> Path:
    """Where a job may keep temporary files; removed when it ends, however it ends."""
    return paths.data / "scratch" / job_id


def settle_abandoned(store: Store, paths: Paths, job: JobRecord, state: JobState, cause: str) -> JobRecord:
    """End a running job that no process works on any more: done if its file is whole, else `state` with `cause`.

    What it left half done goes first: once a job has ended, nobody looks for that again.
    """
    discard_half_files(paths, job)
    if not finish_from_file(store, paths, job):
        store.jobs.settle(Claim.of(job), state, cause)
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
    _sweep_poster_parts(paths)
    return tuple(store.jobs.get(job.id) for job in settled)


def finish_from_file(store: Store, paths: Paths, job: JobRecord) -> GenerationRecord | None:
    """Record the job as done if its finished file exists; None where it does not or the job is no longer running."""
    path = job.planned_output
    result = None if path is None or not path.is_file() else _result_in(path, job, paths)
    if result is None:
        return None
    note = "The program stopped right after this video was finished; it was found again and kept."
    try:
        generation = store.jobs.complete(Claim.of(job), result, extra_warnings=(note,))
    except StoreError as error:
        log.warning("The finished file %s of job %s was not recorded: %s", path, job.id, error)
        return None
    log.info("Job %s is done: its file %s was whole.", job.id, path)
    return generation


def discard_half_files(paths: Paths, job: JobRecord) -> None:
    """Delete the hidden part files of the job's planned output, its scratch folder and its half preview."""
    try:
        shutil.rmtree(scratch_folder(paths, job.id))
    except FileNotFoundError:
        pass
    except OSError as error:
        log.warning("The scratch folder of job %s stays: %s", job.id, error)
    for file in paths.preview_files(job.id):
        file.with_name(f".{file.name}.part").unlink(missing_ok=True)
    _sweep_poster_parts(paths)
    if job.planned_output is None:
        return
    for part in part_files(job.planned_output, job.worker_pid):
        try:
            part.unlink(missing_ok=True)
            log.info("Removed the half file %s of job %s.", part, job.id)
        except OSError as error:
            log.warning("The half file %s of job %s stays: %s", part, job.id, error)


def part_files(final: Path, worker_pid: int | None) -> list[Path]:
    """The temporary files of one final name: `.STEM.partN-PID.EXT` beside it, as the worker with this pid names them.

    A final name that was taken by another file got a number (`STEM_2`), its temporary files did not.
    """
    stems = {final.stem, re.sub(r"_\d+$", "", final.stem)}
    pattern = re.compile(r"\.(?P<stem>.+)\.part\d*(-(?P<pid>\d+))?\.[^.]+")
    found = []
    for path in _files(final.parent):
        match = pattern.fullmatch(path.name)
        if match and match["stem"] in stems and match["pid"] in (None, str(worker_pid)):
            found.append(path)
    return found


def _sweep_poster_parts(paths: Paths) -> None:
    """Posters are written in milliseconds, and their names are nobody's: a part that is seconds old is abandoned."""
    for part in paths.posters.glob(".*.part"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - part.stat().st_mtime > ABANDONED_S:
                part.unlink()


def _files(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_file()]
    except OSError:
        return []


def _result_in(path: Path, job: JobRecord, paths: Paths) -> VideoResult | None:
    """The result that a file carries, if this job made it."""
    from ..media.metadata import read_manifest

    try:
        data = read_manifest(path)
        if data is None or data.get("job_id") != job.id:
            return None
        manifest = Manifest.from_dict(data)
        video = data["video"]
        snapshots, subtitles = _side_files(path, job.started_at.timestamp() - 2 if job.started_at else 0.0)
        poster = _poster(path, job, paths, video["frames"]) if manifest.asked.output.poster else None
        return VideoResult(
            path=path, request=manifest.request, asked=manifest.asked, engine=data["engine"], width=video["width"],
            height=video["height"], fps=video["fps"], frames=video["frames"], poster=poster,
            snapshots=snapshots, subtitles=subtitles, enhanced_prompt=(data.get("prompts") or {}).get("enhanced"),
            timings_s=data.get("timings_s") or {},
            peaks=data.get("peaks") or {}, versions=manifest.versions, warnings=tuple(data.get("warnings") or ()),
            created_at=data.get("created_at") or "", job_id=job.id)
    except (WgpError, KeyError, TypeError, OSError) as error:
        log.warning("The file %s that job %s planned cannot be read: %s", path, job.id, error)
        return None


def _poster(path: Path, job: JobRecord, paths: Paths, frames: int) -> Path | None:
    """A poster for a video that was found again; a video without one is still a video."""
    from ..media.images import save_jpeg
    from ..media.probe import read_frames

    try:
        stream: Any = read_frames(path)
        with contextlib.closing(stream):
            frame = next(itertools.islice(stream, int(frames * POSTER_AT), None), None)
        return None if frame is None else save_jpeg(frame, paths.posters / f"{job.id}.jpg", longest=960)
    except (WgpError, OSError, ValueError) as error:
        log.warning("No poster was made for %s: %s", path, error)
        return None


def _side_files(path: Path, since: float) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Snapshots and subtitles that stand beside a video and are not older than `since` (seconds since 1970)."""
    beside = [one for one in _files(path.parent) if one.stat().st_mtime >= since]
    snapshot = re.compile(re.escape(path.stem) + r"_frame\d+\.png")
    return (tuple(sorted(one for one in beside if snapshot.fullmatch(one.name))),
            tuple(sorted(one for one in beside if one.stem == path.stem and one.suffix in (".srt", ".vtt"))))
