"""What a job looks like: its state in words, how far it is, and the panel that shows it while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wgp_core.events import Stage
from wgp_core.jobs.work_line import Work, WorkState
from wgp_core.request import EngineChoice, VideoRequest
from wgp_core.store.records import JobRecord, JobState

from .components import Action, actions_row, badge, chips, notice
from .words import duration, esc, model_name, picture_url, plural, short

SHARES: Mapping[Stage, tuple[float, float]] = {
    Stage.RESOLVE: (0.00, 0.01), Stage.ENRICH: (0.01, 0.03), Stage.LOAD: (0.03, 0.10), Stage.RENDER: (0.10, 0.92),
    Stage.CHECK: (0.92, 0.93), Stage.ENCODE: (0.93, 0.99), Stage.RECORD: (0.99, 1.00),
}
"""From where to where the bar goes in each stage: drawing or denoising is what takes the time."""

ENGINE_WORDS = {EngineChoice.AUTO: "automatic engine", EngineChoice.LOCAL: "local engine",
                EngineChoice.DIFFUSION: "diffusion", EngineChoice.REMOTE: "remote model"}


@dataclass(frozen=True)
class JobView:
    """A job in words. `percent` is None where the job does not run; `preview` is an address or empty."""

    id: str
    state: JobState
    badge: str
    title: str
    detail: str
    facts: tuple[str, ...]
    percent: int | None = None
    eta: str = ""
    error: str = ""
    notes: tuple[str, ...] = ()
    preview: str = ""


def job_view(job: JobRecord) -> JobView:
    """The words for one job of the queue."""
    notes = [*job.warnings, *([job.memory_note] if job.memory_note else [])]
    running = job.state is JobState.RUNNING
    return JobView(
        id=job.id, state=job.state, badge=_badge(job), title=short(job.request.prompt, 110) or "Untitled",
        detail=_detail(job), facts=request_facts(job.request),
        percent=overall_percent(job) if running else None, eta=_eta(job) if running else "",
        error=job.request_problem or job.error, notes=tuple(notes),
        preview=picture_url(job.preview) if running else "")


def overall_percent(job: JobRecord) -> int:
    """How much of the whole job is done, 0 to 100, from its stage and the stage's own share."""
    if job.progress is None:
        return 0
    low, high = SHARES[job.progress.stage]
    return round(100 * (low + (high - low) * max(0.0, min(1.0, job.progress.fraction))))


def request_facts(request: VideoRequest) -> tuple[str, ...]:
    """ "1280 × 720", "8 s", "local engine", "seed 7": what tells one request from another."""
    size = f"{request.width} × {request.height}" if request.width and request.height else ""
    length = f"{request.frames} frames" if request.frames else duration(request.seconds)
    seed = f"seed {request.seed}" if request.seed >= 0 else ""
    engine = model_name(request.model) if request.model else ENGINE_WORDS[request.engine]
    return tuple(fact for fact in (size, length, engine, seed) if fact)


def _badge(job: JobRecord) -> str:
    if job.state is JobState.RUNNING and job.cancel_requested:
        return "Stopping"
    if job.state is JobState.QUEUED and job.rank:
        return f"Waiting · {job.rank}"
    return job.state.label


def _detail(job: JobRecord) -> str:
    if job.state is JobState.RUNNING:
        if job.cancel_requested:
            return "Stopping at the next step"
        if job.progress is None:
            return "Starting the worker"
        return job.progress.label
    if job.state is JobState.QUEUED:
        return "Next in line" if job.rank == 1 else f"{plural((job.rank or 1) - 1, 'job')} ahead of it"
    if job.state is JobState.INTERRUPTED:
        return "The program stopped while this job ran. Resume it, or remove it."
    if job.state is JobState.DONE:
        return f"Made in {duration(job.running_s)}" if job.running_s else ""
    return f"Stopped after {duration(job.running_s)}" if job.running_s else ""


def _eta(job: JobRecord) -> str:
    if job.progress is None or job.progress.eta_s is None or job.cancel_requested:
        return ""
    return "almost done" if job.progress.eta_s < 1 else f"about {duration(max(1, round(job.progress.eta_s)))} left"


def bar(percent: int | None) -> str:
    """A progress bar; without a figure it moves to show that something goes on."""
    if percent is None:
        return '<div class="w-bar idle" role="progressbar" aria-label="Progress"><i></i></div>'
    return (f'<div class="w-bar" role="progressbar" aria-label="Progress" aria-valuemin="0" aria-valuemax="100" '
            f'aria-valuenow="{percent}"><i style="width:{percent}%"></i></div>')


def now_panel(running: JobRecord | None, waiting: int, *, paused: bool) -> str:
    """What goes on at this moment: the running job with its picture, or why nothing runs though jobs wait."""
    if running is None:
        return _waiting_panel(waiting, paused=paused) if waiting else ""
    view = job_view(running)
    message = running.progress.message if running.progress else ""
    picture = f'<img src="{esc(view.preview)}" alt="Preview of the running video">' if view.preview else ""
    after = f"{plural(waiting, 'job')} waiting" if waiting else ""
    if waiting and paused:
        after += ", queue paused"
    return (f'<section class="w-card w-now" aria-label="Running job">'
            f'<div class="w-picture{"" if picture else " blank"}" style="--ratio:{_ratio(running)}">{picture}</div>'
            f'<div class="w-now-text"><div class="w-line">{badge(view.badge, "running")}'
            f'<strong>{esc(view.detail)}</strong><span class="w-eta">{esc(view.eta)}</span></div>'
            f'{bar(view.percent if running.progress else None)}'
            f'<p class="w-prompt">{esc(view.title)}</p>{chips((*view.facts, after))}'
            f'{f"<p class=w-quiet>{esc(message)}</p>" if message else ""}</div></section>')


def _ratio(job: JobRecord) -> str:
    width, height = job.request.width, job.request.height
    return f"{width}/{height}" if width and height else "16/9"


def _waiting_panel(waiting: int, *, paused: bool) -> str:
    text = ("The queue is paused. Resume it in the Queue tab." if paused
            else "The worker is starting; this takes a few seconds.")
    state = badge("Paused" if paused else "Waiting", "queued")
    return (f'<section class="w-card w-now" aria-label="Waiting jobs"><div class="w-now-text"><div class="w-line">'
            f'{state}<strong>{plural(waiting, "job")} waiting</strong></div>'
            f'{"" if paused else bar(None)}<p class="w-quiet">{text}</p></div></section>')


def work_card(work: Work, words: str) -> str:
    """A piece of a desk's work: how far it is, or how it ended; `words` say what is done."""
    if work.state is WorkState.DONE:
        return notice(work.message, kind="good", extra=actions_row((Action("dismiss", "Close"),), id=work.id)) \
            if work.message else ""
    if not work.open:
        kind = "info" if work.state is WorkState.CANCELLED else "bad"
        return notice(work.message, kind=kind, fix=work.fix, extra=actions_row((Action("dismiss", "Close"),),
                                                                                id=work.id))
    waiting = work.state is WorkState.QUEUED
    state = badge("Waiting", "queued") if waiting else badge("Stopping" if work.stopping else words, "running")
    eta = f"about {duration(max(1, round(work.eta_s)))} left" if work.eta_s else ""
    return (f'<div class="w-card w-enhance"><div class="w-line">{state}<span class="w-quiet">'
            f'{esc(work.message or work.title)}</span><span class="w-eta">{esc(eta)}</span></div>'
            f'{"" if waiting else bar(round(100 * work.fraction) if work.fraction is not None else None)}'
            f'{actions_row((Action("cancel", "Cancel", "danger", disabled=work.stopping),), id=work.id)}</div>')
