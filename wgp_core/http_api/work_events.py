"""Work that goes on after the answer, as server-sent events: `state`, `progress`, and `done`, which ends them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

from fastapi import Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict

from ..errors import QueueError
from ..jobs.work_line import Work, WorkState
from . import events
from .events import Event

EVENTS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}},
          "description": "Events `state`, `progress` and `done`; the stream ends after `done`."},
    204: {"description": "The reader has heard everything (see `Last-Event-ID`)."},
}
W = TypeVar("W", bound=Work)


class WorkNow(BaseModel):
    """What is told of any work; `total` 0 is unknown."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    state: WorkState
    step: int
    total: int
    eta_s: float | None
    message: str
    fix: str
    result: dict[str, Any] | None

    @classmethod
    def of(cls, work: Work) -> Self:
        return cls.model_validate(work)


def stream(find: Callable[[], W], out: Callable[[W], BaseModel], closing: Callable[[], bool],
           last_event_id: str, progress: Sequence[str] = ("step", "total", "message")) -> Response:
    """The news of a piece of work until it has ended. `find` raises `QueueError` once it is forgotten, and what it
    raises now is raised; `out` is its form over the wire, `progress` the fields of it that are told while it lasts."""
    now = find()
    if not now.open and last_event_id == _id(now, "done"):
        return Response(status_code=204)

    def look(heard: str) -> tuple[list[Event], bool]:
        try:
            found = find()
        except QueueError:
            return [Event("removed", "done", {"state": "removed"})], False
        return _news(found, out(found).model_dump(mode="json"), heard, progress), found.open

    return StreamingResponse(events.follow(look, closing, last_event_id), media_type="text/event-stream",
                             headers={"cache-control": "no-store"})


def _news(work: Work, out: dict[str, Any], heard: str, fields: Sequence[str]) -> list[Event]:
    """What a reader that heard the event `heard` does not know yet."""
    state_id, found = _id(work), []
    if heard != state_id and not heard.startswith(state_id + "."):
        found.append(Event(state_id, "state", {"id": work.id, "state": out["state"]}))
    progress = {name: out[name] for name in fields}
    if work.open and (work.total or work.message):
        progress_id = _id(work, events.mark_of(progress))
        if progress_id != heard:
            found.append(Event(progress_id, "progress", {**progress, "eta_s": work.eta_s}))
    if not work.open:
        found.append(Event(_id(work, "done"), "done", out))
    return found


def _id(work: Work, part: str = "") -> str:
    return f"{work.id}-{work.state.value}" + (f".{part}" if part else "")
