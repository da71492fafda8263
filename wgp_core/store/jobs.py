"""The rows of the queue. Every change of state is one conditional UPDATE: whoever comes second changes nothing.

A worker holds a job by a `Claim` (job and attempt). What it writes is refused once the job was taken from it, so a
worker that was given up cannot touch a later attempt. `complete` inserts the generation and ends the job in one
transaction: a job is done exactly once, and only with its row in the library.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import Select, case, delete, exists, func, select, update
from sqlalchemy.orm import Session

from ..errors import QueueError, RequestError, StoreError
from ..events import Stage
from ..request import VideoRequest
from ..result import VideoResult
from .library import LibraryRepository
from .places import Places
from .records import GenerationRecord, JobProgress, JobRecord, JobSource, JobState
from .tables import FlagRow, JobRow, utc_now

if TYPE_CHECKING:
    from .database import Transactions

PAUSED = "paused"
CLEAN_SLATE: Mapping[str, Any] = {
    "error": "", "memory_note": "", "progress": None, "preview": None, "worker_pid": None, "planned_output": None,
    "cancel_requested": False, "started_at": None, "finished_at": None,
}
RUN_ORDER = (JobRow.priority.desc(), JobRow.position, JobRow.created_at, JobRow.id)


@dataclass(frozen=True)
class Claim:
    """A worker's hold on a job: good until the job leaves `running` or is claimed again."""

    job_id: str
    attempt: int

    @staticmethod
    def of(job: JobRecord) -> Claim:
        return Claim(job.id, job.attempts)


class ClaimLostError(StoreError):
    """A worker wrote for a job that is no longer its own."""


class JobRepository:
    """Jobs in, records out. Raises `QueueError` where an action does not fit, `StoreError` where the file fails."""

    def __init__(self, transactions: Transactions, places: Places, library: LibraryRepository) -> None:
        self._transactions = transactions
        self._places = places
        self._library = library

    # -- reading ------------------------------------------------------------------------------------------------

    def get(self, job_id: str) -> JobRecord:
        with self._transactions.read() as session:
            row = _need(session, job_id)
            rank = None
            if row.state == JobState.QUEUED:
                rank = list(session.scalars(_waiting(JobRow.id))).index(job_id) + 1
            return self._record(row, rank)

    def list(self, *, states: Collection[JobState] = (), limit: int | None = None) -> tuple[JobRecord, ...]:
        """Running, then waiting in run order, then interrupted, then finished with the newest first."""
        group = case((JobRow.state == JobState.RUNNING, 0), (JobRow.state == JobState.QUEUED, 1),
                     (JobRow.state == JobState.INTERRUPTED, 2), else_=3)
        ended = case((group == 3, JobRow.finished_at), else_=None)
        query = select(JobRow).order_by(group, ended.desc(), *RUN_ORDER).limit(limit)
        if states:
            query = query.where(JobRow.state.in_(states))
        with self._transactions.read() as session:
            records, rank = [], 0
            for row in session.scalars(query):
                rank += row.state == JobState.QUEUED
                records.append(self._record(row, rank if row.state == JobState.QUEUED else None))
            return tuple(records)

    def counts(self) -> Mapping[JobState, int]:
        with self._transactions.read() as session:
            found = dict(session.execute(select(JobRow.state, func.count()).group_by(JobRow.state)).tuples().all())
        return {state: found.get(state.value, 0) for state in JobState}

    def version(self) -> str:
        """Changes whenever a job or the pause changes."""
        with self._transactions.read() as session:
            count, newest = session.execute(select(func.count(), func.max(JobRow.updated_at))).one()
            return f"{count} {newest} {_flag(session, PAUSED)}"

    def has_work(self) -> bool:
        """Whether `claim` would find something."""
        query = select(exists().where(JobRow.state == JobState.QUEUED)).where(~_is_paused())
        with self._transactions.read() as session:
            return bool(session.scalar(query))

    def running(self) -> tuple[JobRecord, ...]:
        return self.list(states=(JobState.RUNNING,))

    def cancel_requested(self, job_id: str) -> bool:
        """Cheap enough for several calls a second; False for a job that is gone."""
        with self._transactions.read() as session:
            return bool(session.scalar(select(JobRow.cancel_requested).where(JobRow.id == job_id)))

    def referenced_files(self) -> frozenset[Path]:
        with self._transactions.read() as session:
            requests = session.scalars(select(JobRow.request)).all()
        named = (request.get(key) for request in requests for key in ("start_image", "end_image"))
        return frozenset(Path(name) for name in named if name)

    # -- adding and editing -------------------------------------------------------------------------------------

    def add_many(self, requests: Sequence[VideoRequest], *, source: JobSource, priority: int = 0,
                 priorities: Sequence[int] = (), warnings: Sequence[Sequence[str]] = ()) -> tuple[JobRecord, ...]:
        """Insert queued jobs in order, all or none. `priorities` and `warnings` give one entry a request."""
        ids = [uuid4().hex[:12] for _ in requests]
        with self._transactions.write() as session:
            last = _last_position(session)
            for number, (job_id, request) in enumerate(zip(ids, requests, strict=True)):
                now = utc_now()
                session.add(JobRow(
                    id=job_id, state=JobState.QUEUED.value, position=last + 1 + number, source=source.value,
                    priority=priorities[number] if priorities else priority, request=request.to_dict(),
                    warnings=list(warnings[number]) if warnings else [], created_at=now, queued_at=now))
        return tuple(self.get(job_id) for job_id in ids)

    def replace_request(self, job_id: str, request: VideoRequest) -> JobRecord:
        self._change(job_id, (JobState.QUEUED, JobState.INTERRUPTED), "be edited", request=request.to_dict())
        return self.get(job_id)

    def move(self, job_id: str, to: int | str) -> JobRecord:
        """See `JobQueue.move`. Positions of all waiting jobs are written anew, in one transaction."""
        with self._transactions.write() as session:
            rows = list(session.scalars(_waiting(JobRow)))
            row = next((one for one in rows if one.id == job_id), None)
            if row is None:
                raise _refusal(_need(session, job_id), "be moved")
            old = rows.index(row)
            rows.remove(row)
            new = max(0, min(len(rows), _target(to, old, len(rows))))
            rows.insert(new, row)
            if new > 0:
                row.priority = min(row.priority, rows[new - 1].priority)
            if new + 1 < len(rows):
                row.priority = max(row.priority, rows[new + 1].priority)
            first = min((one.position for one in rows), default=0)
            for number, one in enumerate(rows):
                one.position = first + number
        return self.get(job_id)

    # -- states -------------------------------------------------------------------------------------------------

    @property
    def paused(self) -> bool:
        with self._transactions.read() as session:
            return _flag(session, PAUSED) == "1"

    def set_paused(self, paused: bool) -> None:
        with self._transactions.write() as session:
            session.merge(FlagRow(name=PAUSED, value="1" if paused else "0"))

    def cancel(self, job_id: str) -> JobRecord:
        with self._transactions.write() as session:
            waiting = (JobState.QUEUED, JobState.INTERRUPTED)
            ended = _changed(session, update(JobRow).where(JobRow.id == job_id, JobRow.state.in_(waiting))
                             .values(state=JobState.CANCELLED.value, finished_at=utc_now()))
            if not ended:
                asked = _changed(session, update(JobRow).where(JobRow.id == job_id, JobRow.state == JobState.RUNNING)
                                 .values(cancel_requested=True))
                if not asked:
                    raise _refusal(_need(session, job_id), "be cancelled")
        return self.get(job_id)

    def cancel_all(self) -> int:
        with self._transactions.write() as session:
            ended = _changed(session, update(JobRow).where(JobRow.state == JobState.QUEUED)
                             .values(state=JobState.CANCELLED.value, finished_at=utc_now()))
            asked = _changed(session, update(JobRow).where(JobRow.state == JobState.RUNNING)
                             .values(cancel_requested=True))
            return ended + asked

    def requeue(self, job_id: str, *, from_states: Collection[JobState], front: bool = False) -> JobRecord:
        """Back to the end (or front) of its priority's jobs with a clean slate; attempts and priority are kept."""
        edge = func.min(JobRow.position) - 1 if front else func.max(JobRow.position) + 1
        self._change(job_id, from_states, "be queued again", state=JobState.QUEUED.value, queued_at=utc_now(),
                     position=select(func.coalesce(edge, 0)).scalar_subquery(), **CLEAN_SLATE)
        return self.get(job_id)

    def delete(self, states: Collection[JobState]) -> tuple[str, ...]:
        """Delete the rows in these states; returns their ids."""
        with self._transactions.write() as session:
            return tuple(session.scalars(delete(JobRow).where(JobRow.state.in_(states)).returning(JobRow.id)))

    def delete_one(self, job_id: str) -> bool:
        """Delete a row unless it is running; returns whether it was deleted."""
        with self._transactions.write() as session:
            gone = delete(JobRow).where(JobRow.id == job_id, JobRow.state != JobState.RUNNING)
            return bool(_changed(session, gone))

    # -- the worker's side --------------------------------------------------------------------------------------

    def claim(self, worker_pid: int) -> JobRecord | None:
        """Take the next job unless the queue is paused or empty (None): one UPDATE, so no two workers get the same."""
        following = _waiting(JobRow.id).limit(1).scalar_subquery()
        taking = (update(JobRow)
                  .where(JobRow.id == following, JobRow.state == JobState.QUEUED, ~_is_paused())
                  .values(**{**CLEAN_SLATE, "state": JobState.RUNNING.value, "worker_pid": worker_pid,
                             "attempts": JobRow.attempts + 1, "started_at": utc_now()})
                  .returning(JobRow.id).execution_options(synchronize_session=False))
        with self._transactions.write() as session:
            job_id = session.scalar(taking)
        return None if job_id is None else self.get(job_id)

    def save_progress(self, claim: Claim, progress: JobProgress, *, preview: Path | None = None,
                      memory_note: str = "") -> None:
        """Keep where the job is; an empty `memory_note` and a None `preview` keep what was stored."""
        values: dict[str, Any] = {"progress": {
            "stage": progress.stage.value, "step": progress.step, "total": progress.total,
            "message": progress.message, "fraction": progress.fraction, "eta_s": progress.eta_s}}
        if preview is not None:
            values["preview"] = self._places.text(preview)
        if memory_note:
            values["memory_note"] = memory_note
        self._held(claim, **values)

    def plan_output(self, claim: Claim, path: Path) -> None:
        """Note the final path before the file gets it, so that a crash in between is recognised."""
        self._held(claim, planned_output=self._places.text(path))

    def complete(self, claim: Claim, result: VideoResult, *, extra_warnings: Sequence[str] = ()) -> GenerationRecord:
        """Add the generation and end the job, both or neither. Raises `ClaimLostError` where the claim is void."""
        with self._transactions.write() as session:
            generation = self._library.insert(session, result, job_id=claim.job_id)
            warnings = [*result.warnings, *extra_warnings]
            ended = _changed(session, _holding(claim).values(
                state=JobState.DONE.value, generation_id=generation.id, finished_at=utc_now(), error="",
                warnings=warnings, cancel_requested=False))
            if not ended:
                raise _void(claim)
        return generation

    def settle(self, claim: Claim, state: JobState, error: str = "") -> bool:
        """End a running job as failed, cancelled or interrupted; returns False where someone else already did."""
        with self._transactions.write() as session:
            values = {"state": state.value, "error": error, "finished_at": utc_now(), "cancel_requested": False}
            return bool(_changed(session, _holding(claim).values(**values)))

    # -- helpers ------------------------------------------------------------------------------------------------

    def _held(self, claim: Claim, **values: Any) -> None:
        with self._transactions.write() as session:
            if not _changed(session, _holding(claim).values(**values)):
                raise _void(claim)

    def _change(self, job_id: str, from_states: Collection[JobState], action: str, **values: Any) -> None:
        with self._transactions.write() as session:
            if not _changed(session, update(JobRow).where(JobRow.id == job_id, JobRow.state.in_(from_states))
                            .values(**values)):
                raise _refusal(_need(session, job_id), action)

    def _record(self, row: JobRow, rank: int | None) -> JobRecord:
        request, problem = _read_request(row.request)
        progress = None
        if row.progress:
            data = dict(row.progress)
            progress = JobProgress(stage=Stage(data.pop("stage")), updated_at=row.updated_at, **data)
        return JobRecord(
            id=row.id, state=JobState(row.state), request=request, position=row.position, rank=rank,
            priority=row.priority, source=JobSource(row.source), attempts=row.attempts, error=row.error,
            warnings=tuple(row.warnings), memory_note=row.memory_note, progress=progress,
            preview=self._places.optional_path(row.preview), worker_pid=row.worker_pid,
            planned_output=self._places.optional_path(row.planned_output), generation_id=row.generation_id,
            cancel_requested=row.cancel_requested, created_at=row.created_at, queued_at=row.queued_at,
            started_at=row.started_at, finished_at=row.finished_at, request_problem=problem)


def _waiting(what: Any) -> Select[Any]:
    return select(what).where(JobRow.state == JobState.QUEUED).order_by(*RUN_ORDER)


def _is_paused() -> Any:
    return exists().where(FlagRow.name == PAUSED, FlagRow.value == "1")


def _flag(session: Session, name: str) -> str:
    return session.scalar(select(FlagRow.value).where(FlagRow.name == name)) or ""


def _holding(claim: Claim) -> Any:
    return update(JobRow).where(JobRow.id == claim.job_id, JobRow.state == JobState.RUNNING,
                                JobRow.attempts == claim.attempt)


def _changed(session: Session, statement: Any) -> int:
    """Execute an UPDATE or DELETE and return how many rows it hit."""
    result: Any = session.execute(statement.execution_options(synchronize_session=False))
    return result.rowcount


def _last_position(session: Session) -> int:
    return session.scalar(select(func.coalesce(func.max(JobRow.position), 0))) or 0


def _need(session: Session, job_id: str) -> JobRow:
    row = session.get(JobRow, job_id)
    if row is None:
        raise QueueError(f"There is no job {job_id!r}.", fix="It may have been cleared; reload the queue.")
    return row


def _refusal(row: JobRow, action: str) -> QueueError:
    return QueueError(f"Job {row.id} is {row.state}; it cannot {action}.")


def _void(claim: Claim) -> ClaimLostError:
    return ClaimLostError(f"Job {claim.job_id} is no longer held by attempt {claim.attempt}; nothing was written.")


def _target(to: int | str, old: int, last: int) -> int:
    if isinstance(to, int):
        return to - 1
    places = {"up": old - 1, "down": old + 1, "top": 0, "bottom": last}
    if to not in places:
        raise QueueError(f"A job cannot be moved to {to!r}.",
                         fix='Give a rank from 1, or "up", "down", "top", "bottom".')
    return places[to]


def _read_request(data: Mapping[str, Any]) -> tuple[VideoRequest, str]:
    try:
        return VideoRequest.from_dict(data), ""
    except RequestError as error:
        prompt = data.get("prompt") if isinstance(data, Mapping) else None
        return VideoRequest(prompt=str(prompt or "")), str(error)
