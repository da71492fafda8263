"""The right side of the Generate tab: what runs now, the latest result, and going back to earlier ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.errors import QueueError, StoreError
from wgp_core.request import VideoRequest
from wgp_core.store.records import FINISHED_STATES, GenerationRecord, JobRecord, JobState

from .components import QUIET, attempt, notice
from .filling import fill_from_request
from .progress import now_panel
from .result import first_visit, outcome_panel, recent_strip, result_panel
from .words import plural

if TYPE_CHECKING:
    from .tab_generate import Generate
    from .window import Window

RECENT = 6


def views(studio: Studio, pinned: str) -> list[Any]:
    """Updates for the panels: the running job, the result (`pinned`, else the latest), and the Cancel button."""
    running, waiting = open_jobs(studio)
    now = now_panel(running[0] if running else None, len(waiting), paused=studio.queue.paused)
    result = result_html(studio, pinned, running[0] if running else None)
    if not result:
        result = "" if now else first_visit()
    now = _interrupted(studio.queue.counts()[JobState.INTERRUPTED]) + now
    stopping = bool(running) and running[0].cancel_requested
    can_cancel = bool(waiting) or (bool(running) and not stopping)
    return [now, result, gr.update(interactive=can_cancel, value="Stopping…" if stopping else "Cancel")]


def _interrupted(count: int) -> str:
    if not count:
        return ""
    return notice(f"{plural(count, 'interrupted job')} can be resumed.", kind="warn", fix="See the Queue tab.")


def open_jobs(studio: Studio) -> tuple[tuple[JobRecord, ...], tuple[JobRecord, ...]]:
    """Running and waiting jobs."""
    jobs = studio.queue.jobs(JobState.RUNNING, JobState.QUEUED)
    return (tuple(job for job in jobs if job.state is JobState.RUNNING),
            tuple(job for job in jobs if job.state is JobState.QUEUED))


def result_html(studio: Studio, pinned: str, running: JobRecord | None = None) -> str:
    """The pinned video, else how the latest job ended, else the newest video of the library; empty without any.

    A failure that was there before the running job was asked for is not shown again.
    """
    library = studio.store.library
    recent = library.search(limit=RECENT)
    record = _pinned(studio, pinned)
    ended = None if record else next(iter(studio.queue.jobs(*FINISHED_STATES, limit=1)), None)
    if ended is not None and ended.state is not JobState.DONE:
        if running is not None and _before(ended, running):
            return recent_strip(recent, "")
        return outcome_panel(ended) + recent_strip(recent, "")
    if record is None:
        record = _made_by(studio, ended) or (recent[0] if recent else None)
    return result_panel(record) + recent_strip(recent, record.id) if record else ""


def _before(ended: JobRecord, running: JobRecord) -> bool:
    return bool(ended.finished_at and running.created_at and ended.finished_at < running.created_at)


def _pinned(studio: Studio, pinned: str) -> GenerationRecord | None:
    try:
        return studio.store.library.get(pinned) if pinned else None
    except StoreError:
        return None


def _made_by(studio: Studio, job: JobRecord | None) -> GenerationRecord | None:
    found = studio.store.library.find_by_job(job.id) if job else None
    return found if found and found.trashed_at is None else None


def cancel_current(studio: Studio) -> JobRecord:
    """Cancel the running job, else the next waiting one."""
    running, waiting = open_jobs(studio)
    if not running and not waiting:
        raise QueueError("There is nothing to cancel.")
    return studio.queue.cancel((running or waiting)[0].id)


def variation(request: VideoRequest) -> VideoRequest:
    """The same request with a new seed and a new file name."""
    return request.with_(seed=-1, output=replace(request.output, path=None))


def wire(own: Generate, window: Window) -> None:
    studio = window.studio

    def redraw(event: gr.EventData, pinned: str) -> list[Any]:
        shown, _ = attempt(lambda: views(studio, pinned))
        if shown is None:
            return [gr.skip()] * 3
        return [shown[0], gr.skip(), shown[2]] if event._data.get("playing") else shown

    panels = [own.now, own.result, own.cancel]
    window.live.stage(redraw, own.pinned, panels, trigger_mode="once", **QUIET)

    def act(event: gr.EventData, pinned: str) -> list[Any]:
        data = event._data
        done, problem = attempt(lambda: _act(studio, data["action"], data["id"], pinned, own))
        return done if done is not None else _answer(own, message=problem)

    outputs = [own.message, own.pinned, *panels, *own.form_outputs]
    own.result.click(act, own.pinned, outputs, **QUIET)


def _act(studio: Studio, action: str, item: str, pinned: str, own: Generate) -> list[Any]:
    if action == "show":
        return _answer(own, pinned=item, panels=views(studio, item))
    if action in ("use", "use-job"):
        request = studio.store.library.get(item).request if action == "use" else studio.queue.get(item).request
        told = notice("The settings are in the form.", kind="good")
        return _answer(own, message=told, form=fill_from_request(studio, request))
    if action == "vary":
        studio.queue.submit(variation(studio.store.library.get(item).request))
        return _answer(own, message=notice("A variation is in the queue.", kind="good"), panels=views(studio, pinned))
    if action == "retry":
        studio.queue.retry(item)
        return _answer(own, panels=views(studio, ""), pinned="")
    return _answer(own)


def _answer(own: Generate, *, message: str = "", pinned: Any = None, panels: list[Any] | None = None,
            form: list[Any] | None = None) -> list[Any]:
    """One update per output of an action; what is not given stays as it is."""
    return [message, gr.skip() if pinned is None else pinned, *(panels or [gr.skip()] * 3),
            *(form or [gr.skip()] * len(own.form_outputs))]
