"""Queue: every job in the order it runs, and what can be done with each."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.errors import QueueError, RequestError
from wgp_core.request import VideoRequest
from wgp_core.resolve import resolve
from wgp_core.store.records import JobRecord, JobState

from .components import QUIET, Action, action_html, actions_row, attempt, badge, chips, empty_state, notice, plain_html
from .filling import fill_from_request
from .progress import JobView, bar, job_view
from .window import GENERATE, Window
from .words import esc, file_url, plural

ID, LABEL = "queue", "Queue"
SHOWN = 200
EDITABLE = (JobState.QUEUED, JobState.INTERRUPTED)
FINISHED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
SECTIONS = (("Running", (JobState.RUNNING,)), ("Interrupted", (JobState.INTERRUPTED,)), ("Waiting", (JobState.QUEUED,)),
            ("Finished", FINISHED))


@dataclass(frozen=True)
class Queue:
    """The tab's parts. `editing` is the id of the job in the editor, or empty."""

    bar: gr.HTML
    import_zip: gr.UploadButton
    message: gr.HTML
    editor: gr.Column
    edit_prompt: gr.Textbox
    edit_json: gr.Textbox
    save: gr.Button
    dismiss: gr.Button
    list: gr.HTML
    editing: gr.State


def build(studio: Studio) -> Queue:
    del studio
    with gr.Row(elem_id="queue-head"):
        tools = action_html(elem_id="queue-bar")
        import_zip = gr.UploadButton("Import", size="sm", file_types=[".zip"], min_width=90, scale=0,
                                     elem_id="queue-import")
    message = plain_html(elem_id="queue-message")
    with gr.Column(visible=False, elem_id="queue-editor") as editor:
        edit_prompt = gr.Textbox(label="Prompt", lines=3, elem_id="edit-prompt")
        with gr.Accordion("All settings of this job (JSON)", open=False):
            edit_json = gr.Textbox(show_label=False, lines=12, max_lines=24, elem_id="edit-json", container=False)
        with gr.Row():
            save = gr.Button("Save changes", variant="primary", size="sm", elem_id="edit-save", scale=0, min_width=140)
            dismiss = gr.Button("Leave as it was", size="sm", scale=0, min_width=140)
    return Queue(tools, import_zip, message, editor, edit_prompt, edit_json, save, dismiss,
                 action_html(elem_id="queue-list"), gr.State(""))


# -- what is shown ----------------------------------------------------------------------------------------------


def tools_html(counts: Mapping[JobState, int], *, paused: bool) -> str:
    """The row above the list: how many, and what concerns all of them; a banner for interrupted jobs."""
    waiting, running = counts[JobState.QUEUED], counts[JobState.RUNNING]
    ended = sum(counts[state] for state in FINISHED)
    told = [plural(running, "job") + " running" if running else "", f"{waiting} waiting" if waiting else ""]
    words = ", ".join(part for part in told if part) or "Nothing waits"
    actions = [Action("unpause", "Resume queue", "primary") if paused else Action("pause", "Pause queue"),
               Action("retry-failed", "Retry all failed", disabled=not counts[JobState.FAILED]),
               Action("clear", "Clear finished", confirm="Remove from the list?", disabled=not ended),
               Action("export", "Export", title="Save the open jobs as a zip",
                      disabled=not (waiting + running + counts[JobState.INTERRUPTED]))]
    state = badge("Paused", "queued") if paused else ""
    return (f'<div class="w-line w-tools"><strong>{words}</strong>{state}{actions_row(actions, id="all")}</div>'
            + _interrupted_banner(counts[JobState.INTERRUPTED]))


def _interrupted_banner(count: int) -> str:
    if not count:
        return ""
    text, fix = f"{count} jobs stopped when the program ended.", "Resume puts them back in the queue."
    if count == 1:
        text, fix = "1 job stopped when the program ended.", "Resume puts it back in the queue."
    return notice(text, kind="warn", fix=fix, extra=actions_row((Action("resume-all", "Resume", "primary"),), id="all"))


def list_html(jobs: tuple[JobRecord, ...]) -> str:
    """All jobs as cards, by section."""
    if not jobs:
        return empty_state("The queue is empty", "Jobs that you start on the Generate tab line up here. They survive a "
                                                 "restart of the program.", "list")
    waiting = sum(job.state is JobState.QUEUED for job in jobs)
    parts = []
    for title, states in SECTIONS:
        cards = [card_html(job, last=job.rank == waiting) for job in jobs if job.state in states]
        if cards:
            parts.append(f'<h3 class="w-section">{title}</h3>{"".join(cards)}')
    more = f'<p class="w-quiet">The list shows the first {SHOWN} jobs.</p>' if len(jobs) >= SHOWN else ""
    return "".join(parts) + more


def card_html(job: JobRecord, *, last: bool = False) -> str:
    view = job_view(job)
    picture = f'<img class="w-card-picture" src="{esc(view.preview)}" alt="">' if view.preview else ""
    progress = bar(view.percent if job.progress else None) if job.state is JobState.RUNNING else ""
    error = f'<p class="w-error">{esc(view.error)}</p>' if view.error and job.state is not JobState.CANCELLED else ""
    notes = "".join(f'<p class="w-quiet">⚠ {esc(note)}</p>' for note in view.notes)
    detail = " · ".join(part for part in (view.detail, view.eta) if part)
    head = f"{badge(view.badge, job.state.value)}<strong>{esc(view.title)}</strong>"
    return (f'<article class="w-card w-job {job.state.value}" data-job="{esc(job.id)}">{picture}'
            f'<div class="w-job-text"><div class="w-line">{head}</div>'
            f'{progress}<p class="w-quiet">{esc(detail)}</p>{error}{notes}{chips(view.facts)}</div>'
            f'{actions_row(card_actions(view, job, last=last), id=job.id)}</article>')


def card_actions(view: JobView, job: JobRecord, *, last: bool = False) -> tuple[Action, ...]:
    """What fits the job's state."""
    copy, use = Action("duplicate", "Duplicate"), Action("use", "Use settings", title="Put its settings into the form")
    remove = Action("remove", "Remove", confirm="Really remove?")
    if job.request_problem:
        return (remove,)
    if view.state is JobState.RUNNING:
        return (Action("cancel", "Cancel", "danger", disabled=job.cancel_requested), copy)
    if view.state is JobState.QUEUED:
        first = job.rank == 1
        return (Action("top", "⤒", "icon", title="Move to the top", disabled=first),
                Action("up", "↑", "icon", title="Move up", disabled=first),
                Action("down", "↓", "icon", title="Move down", disabled=last),
                Action("edit", "Edit"), copy, Action("cancel", "Cancel", "danger"))
    if view.state is JobState.INTERRUPTED:
        return (Action("resume", "Resume", "primary"), Action("edit", "Edit"), remove)
    if view.state is JobState.DONE:
        return (use, copy, remove)
    return (Action("retry", "Retry", "primary" if view.state is JobState.FAILED else ""), use, remove)


def edited(request: VideoRequest, prompt: str, text: str) -> VideoRequest:
    """The job's request as the editor has it. Raises `RequestError` with the reason."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise RequestError(f"The settings are not valid JSON: {error}.",
                           fix="Mend the text, or leave as it was.") from error
    if not isinstance(data, dict):
        raise RequestError("The settings must be one JSON object.", fix='For example {"seconds": 6}.')
    changed = VideoRequest.from_dict({**data, "prompt": prompt.strip(), "version": request.version})
    changed.check()
    return changed


def settings_text(request: VideoRequest) -> str:
    """Everything but the prompt, as JSON to edit; what has its default is left out."""
    plain, data = VideoRequest(prompt="").to_dict(), request.to_dict()
    shown = {name: value for name, value in data.items() if value != plain[name] and name not in ("prompt", "version")}
    return json.dumps(shown, ensure_ascii=False, indent=2)


# -- wiring -----------------------------------------------------------------------------------------------------


def wire(own: Queue, window: Window) -> None:
    studio = window.studio
    shown = [own.bar, own.list]

    def redraw() -> list[Any]:
        views, problem = attempt(lambda: _views(studio))
        return views or [problem, gr.skip()]

    window.items[ID].select(redraw, None, shown, **QUIET)
    window.live.jobs(redraw, None, shown, trigger_mode="once", **QUIET)

    def act(event: gr.EventData) -> list[Any]:
        told, problem = attempt(lambda: _act(studio, event._data["action"], event._data["id"]))
        return [problem or told, *redraw()]

    gr.on([own.bar.click, own.list.click], act, None, [own.message, *shown], **QUIET)

    def take(file: str) -> list[Any]:
        jobs, problem = attempt(lambda: studio.queue.import_zip(Path(file)))
        return [problem or notice(f"{plural(len(jobs or ()), 'job')} imported.", kind="good"), *redraw()]

    own.import_zip.upload(take, own.import_zip, [own.message, *shown], **QUIET)
    _wire_editor(own, window)
    _wire_use(own, window)


def _views(studio: Studio) -> list[Any]:
    queue = studio.queue
    return [tools_html(queue.counts(), paused=queue.paused), list_html(queue.jobs(limit=SHOWN))]


def _act(studio: Studio, action: str, item: str) -> str:
    """Carry out one action; returns what to tell as HTML, empty where the list says enough."""
    queue = studio.queue
    simple = {"cancel": queue.cancel, "duplicate": queue.duplicate, "retry": queue.retry, "remove": queue.remove,
              "resume": queue.resume_interrupted}
    if action in simple:
        simple[action](item)
    elif action in ("up", "down", "top"):
        queue.move(item, action)  # type: ignore[arg-type]
    elif action == "pause":
        queue.pause()
    elif action == "unpause":
        queue.resume()
    elif action == "resume-all":
        return notice(f"{plural(len(queue.resume_interrupted()), 'job')} back in the queue.", kind="good")
    elif action == "clear":
        return notice(f"{plural(queue.clear_finished(), 'job')} removed from the list. The videos stay in the Library.",
                      kind="good")
    elif action == "retry-failed":
        again = [queue.retry(job.id) for job in queue.jobs(JobState.FAILED) if not job.request_problem]
        return notice(f"{plural(len(again), 'job')} queued again.", kind="good")
    elif action == "export":
        return _export(studio)
    return ""


def _export(studio: Studio) -> str:
    file = studio.paths.cache / f"wgp-queue-{time.strftime('%Y%m%d-%H%M%S')}.zip"
    count = studio.queue.export_zip(file)
    name = esc(file.name)
    link = f'<a class="w-btn primary" href="{esc(file_url(file))}" download="{name}">Download {name}</a>'
    return notice(f"{plural(count, 'job')} exported with their pictures.", kind="good", extra=link)


def _wire_editor(own: Queue, window: Window) -> None:
    studio = window.studio
    outputs = [own.message, own.editor, own.edit_prompt, own.edit_json, own.editing]

    def start(event: gr.EventData) -> list[Any]:
        if event._data["action"] != "edit":
            return [gr.skip()] * 5
        job, problem = attempt(lambda: studio.queue.get(event._data["id"]))
        if job is None:
            return [problem, *[gr.skip()] * 4]
        return ["", gr.update(visible=True), job.request.prompt, settings_text(job.request), job.id]

    own.list.click(start, None, outputs, **QUIET).then(
        None, None, None, js="() => document.querySelector('#edit-prompt textarea')?.focus()")

    def save(prompt: str, text: str, editing: str) -> list[Any]:
        _, problem = attempt(lambda: _save(studio, editing, prompt, text))
        if problem:
            return [problem, gr.skip(), gr.skip(), gr.skip()]
        return [notice("The job is changed.", kind="good"), gr.update(visible=False), *_views(studio)]

    own.save.click(save, [own.edit_prompt, own.edit_json, own.editing], [own.message, own.editor, own.bar, own.list],
                   **QUIET)
    own.dismiss.click(lambda: [gr.update(visible=False), ""], None, [own.editor, own.message], **QUIET)


def _save(studio: Studio, job_id: str, prompt: str, text: str) -> JobRecord:
    job = studio.queue.get(job_id)
    if job.state not in EDITABLE:
        raise QueueError(f"The job is {job.state.label.lower()} by now; it cannot be changed.",
                         fix="Duplicate it, or use its settings in the form.")
    request = edited(job.request, prompt, text)
    resolve(request, studio.engines, studio.settings)
    return studio.queue.edit(job_id, request)


def _wire_use(own: Queue, window: Window) -> None:
    studio, generate = window.studio, window.tabs[GENERATE]
    outputs = [window.strip, generate.message, *generate.form_outputs]

    def use(event: gr.EventData) -> list[Any]:
        nothing = [gr.skip()] * len(outputs)
        if event._data["action"] != "use":
            return nothing
        filled, _ = attempt(lambda: fill_from_request(studio, studio.queue.get(event._data["id"]).request))
        told = notice("The settings are in the form.", kind="good")
        return nothing if filled is None else [gr.Tabs(selected=GENERATE), told, *filled]

    own.list.click(use, None, outputs, **QUIET)
