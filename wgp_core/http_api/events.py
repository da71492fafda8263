"""The news of a job, or of reading documents, as server-sent events: `state`, `progress`, and `done`, which ends them.

The worker writes progress to the database at most twice a second; a stream looks there as often and says what is new.
Events tell where the job is, not what it went through, so a reader that comes back (`Last-Event-ID`) misses nothing
that still holds, and is told nothing twice. After `done` it gets 204, which ends a browser's reconnecting.
"""

from __future__ import annotations

import asyncio
import json
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi.concurrency import run_in_threadpool

from ..store.records import JobRecord
from .schemas import GenerationOut, StateOut

LOOK_EVERY_S = 0.5
ALIVE_EVERY_S = 15.0
RETRY_MS = 2000


@dataclass(frozen=True)
class Event:
    """One event. `id` says what it tells, in one line; `data` is JSON."""

    id: str
    name: str
    data: dict[str, Any]

    def encode(self) -> str:
        return f"id: {self.id}\nevent: {self.name}\ndata: {json.dumps(self.data, ensure_ascii=True)}\n\n"


_REMOVED = [Event("removed", "done", {"state": "removed"})]
Look = Callable[[], JobRecord | None]
"""Reads the job; None where it was removed."""


def is_over(job: JobRecord, last_id: str) -> bool:
    """Whether a reader that heard `last_id` has heard all there is."""
    return last_id == _done_id(job) and not job.state.is_open


def news(job: JobRecord, last_id: str) -> Iterator[Event]:
    """What a reader that heard `last_id` does not know of the job yet."""
    state_id = _state_id(job)
    heard_state = last_id == state_id or last_id.startswith(state_id + ".")
    out = GenerationOut.of(job)
    if not heard_state:
        state = StateOut(id=job.id, state=job.state, attempts=job.attempts)
        yield Event(state_id, "state", state.model_dump(mode="json"))
    if out.progress is not None and job.state.is_open:
        progress_id = f"{state_id}.{mark_of(out.progress.model_dump(exclude={'eta_s'}))}"
        if progress_id != last_id:
            yield Event(progress_id, "progress", out.progress.model_dump())
    if not job.state.is_open:
        yield Event(_done_id(job), "done", out.model_dump(mode="json"))


async def stream(look: Look, closing: Callable[[], bool], last_id: str = "") -> AsyncIterator[str]:
    """Encoded events until the job has ended or was removed, or the server closes. The job is read in a thread."""

    def heard(last: str) -> tuple[list[Event], bool]:
        job = look()
        return (_REMOVED, False) if job is None else (list(news(job, last)), job.state.is_open)

    async for text in follow(heard, closing, last_id):
        yield text


async def follow(look: Callable[[str], tuple[list[Event], bool]], closing: Callable[[], bool],
                 last_id: str = "") -> AsyncIterator[str]:
    """Encoded events as long as there may be more. `look` takes the last id that was heard and gives what is new, and
    whether more may come; it is called in a thread."""
    yield f"retry: {RETRY_MS}\n\n"
    spoke_at = time.monotonic()
    while not closing():
        found, more = await run_in_threadpool(look, last_id)
        for event in found:
            last_id, spoke_at = event.id, time.monotonic()
            yield event.encode()
        if not more:
            return
        if time.monotonic() - spoke_at > ALIVE_EVERY_S:
            spoke_at = time.monotonic()
            yield ": still here\n\n"
        await asyncio.sleep(LOOK_EVERY_S)


def mark_of(data: Mapping[str, Any]) -> str:
    """Short, and another one where the data are others."""
    return f"{zlib.crc32(json.dumps(data, sort_keys=True).encode()):08x}"


def _state_id(job: JobRecord) -> str:
    return f"{job.attempts}-{job.state.value}"


def _done_id(job: JobRecord) -> str:
    return f"{_state_id(job)}.done"
