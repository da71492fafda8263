"""Models: what is installed, what is missing, what each is for, the work on them, and the machine that runs them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.jobs.model_desk import ModelAction, ModelWork
from wgp_core.jobs.tasks import DeviceReport
from wgp_core.jobs.work_line import WorkState
from wgp_core.models.inventory import ModelStatus, ModelTask, all_models
from wgp_core.paths import PROGRAM_ROOT
from wgp_core.sizes import file_size

from .components import QUIET, Action, action_html, actions_row, attempt, badge, empty_state, notice, plain_html
from .progress import bar
from .window import Window
from .words import duration, esc, plural

ID, LABEL = "models", "Models"
GROUPS = (("Video", (ModelTask.TEXT_TO_VIDEO, ModelTask.IMAGE_TO_VIDEO)), ("Pictures", (ModelTask.TEXT_TO_IMAGE,)),
          ("Language", (ModelTask.LANGUAGE, ModelTask.CAPTION)),
          ("Other", (ModelTask.EMBEDDING, ModelTask.QUALITY, ModelTask.LORA, ModelTask.OTHER)))
FILTERS = ("All", "Installed", *(name for name, _ in GROUPS))
ACTION_WORDS = {ModelAction.INSTALL: "Installing", ModelAction.VERIFY: "Verifying", ModelAction.QUANTIZE: "Quantizing",
                ModelAction.DELETE: "Deleting"}
STATE_WORDS = {WorkState.QUEUED: "Waiting", WorkState.RUNNING: "", WorkState.DONE: "Done", WorkState.FAILED: "Failed",
               WorkState.CANCELLED: "Cancelled"}


@dataclass(frozen=True)
class Models:
    refresh: gr.Button
    probe: gr.Button
    machine: gr.HTML
    search: gr.Textbox
    kind: gr.Radio
    message: gr.HTML
    work: gr.HTML
    table: gr.HTML


def build(studio: Studio) -> Models:
    del studio
    with gr.Row(elem_id="models-head"):
        machine = plain_html(elem_id="models-machine")
        refresh = gr.Button("Look again", size="sm", min_width=110, scale=0)
        probe = gr.Button("Check the device", size="sm", min_width=140, scale=0)
    with gr.Row(elem_id="models-filters"):
        search = gr.Textbox(placeholder="Search models", show_label=False, label="Search models", container=False,
                            elem_id="models-search", min_width=160)
        kind = gr.Radio(list(FILTERS), value="All", show_label=False, label="Kind", container=False,
                        elem_id="models-kind", min_width=200)
    message = plain_html(elem_id="models-message")
    return Models(refresh, probe, machine, search, kind, message, action_html(elem_id="models-work"),
                  action_html(elem_id="models-table"))


# -- the list ---------------------------------------------------------------------------------------------------


def table_html(studio: Studio, text: str = "", kind: str = "All") -> str:
    """The models that the search and the filter leave, by kind; drawing needs none, so the first line says that."""
    models = all_models(studio.paths, studio.settings.cache_root)
    video = any(m.installed and m.task.makes_pixels for m in models)
    intro = "" if video else notice(
        "No video model is installed. The local engine draws without one.",
        fix=f"Install one here, or put its folder (diffusers layout) into "
            f"{short_path(studio.paths.ckpts, studio)}/, and LoRAs into {short_path(studio.paths.loras, studio)}/.")
    busy = {work.model_id: work for work in studio.supervisor.models.works() if work.open}
    parts = []
    for title, tasks in GROUPS:
        shown = [m for m in models if m.task in tasks and _wanted(m, title, text, kind)]
        shown.sort(key=lambda model: not model.installed)
        if shown:
            rows = "".join(row_html(model, busy.get(model.id), studio) for model in shown)
            parts.append(f'<h3 class="w-section">{title}</h3><div class="w-rows">{rows}</div>')
    if not parts:
        return intro + empty_state("Nothing found", "No model fits the search and the filter.", "search")
    return intro + "".join(parts)


def _wanted(model: ModelStatus, group: str, text: str, kind: str) -> bool:
    if (kind == "Installed" and not model.installed) or (kind not in ("All", "Installed") and kind != group):
        return False
    content = " ".join((model.id, model.label, model.used_for, model.licence, model.family, model.repo, model.task))
    return all(word in content.lower() for word in text.lower().split())


def row_html(model: ModelStatus, work: ModelWork | None, studio: Studio) -> str:
    """One model: what it is, how large, under which licence, where, and what can be done with it."""
    state = _state_badge(model, work)
    size = file_size(model.size_bytes) if model.size_bytes else "size not known"
    facts = (size if model.installed else f"{size} to fetch", model.licence or "licence not stated", model.task.value)
    note = f'<p class="w-get">{esc(model.licence_note)}</p>' if model.licence_note else ""
    problem = f'<p class="w-error">{esc(model.problem)}</p>' if model.problem else ""
    place = f'<code>{esc(short_path(model.path, studio))}</code>' if model.path and model.installed else ""
    listed = " · ".join(esc(fact) for fact in facts)
    purpose = esc(model.used_for[:1].upper() + model.used_for[1:])
    return (f'<article class="w-row" data-model="{esc(model.id)}"><div class="w-row-main"><div class="w-line">'
            f'<strong>{esc(model.label)}</strong>{state}</div><p>{purpose}</p>'
            f'<p class="w-quiet">{listed}</p>{note}{problem}{place}{_by_hand(model, studio)}</div>'
            f'{actions_row(row_actions(model, work, studio), id=model.id)}</article>')


def _state_badge(model: ModelStatus, work: ModelWork | None) -> str:
    if work is not None:
        return badge(STATE_WORDS[work.state] or ACTION_WORDS[work.action], "running")
    if model.problem:
        return badge("Cannot be used", "failed")
    if model.installed:
        return badge("Installed", "done")
    if model.partial_bytes:
        return badge(f"{file_size(model.partial_bytes)} fetched", "interrupted")
    return badge("Not installed", "queued")


def row_actions(model: ModelStatus, work: ModelWork | None, studio: Studio) -> tuple[Action, ...]:
    """What fits the model's state; a model that came as a package or lies elsewhere is not deleted here, and a damaged
    one not quantized."""
    if work is not None:
        return (Action("cancel", "Cancel", "danger", disabled=work.stopping),)
    if not model.installed:
        label = "Go on installing" if model.partial_bytes else "Install"
        drop = Action("delete", "Delete", "danger", confirm="Delete what was fetched?")
        left = (drop,) if model.partial_bytes else ()
        return (Action("install", label), *left) if model.installable else left
    if model.path is None or model.task is ModelTask.LORA or (model.task is ModelTask.OTHER and not model.problem):
        return ()
    ours = model.path.is_relative_to(studio.paths.ckpts)
    verify = (Action("verify", "Verify", title="Read every file and compare it with its hash"),) if ours else ()
    quantize = (Action("quantize", "Quantize", title="Write the 8-bit weights that load fast"),) \
        if model.task.makes_pixels else ()
    delete = (Action("delete", "Delete", "danger", confirm=f"Delete {file_size(model.size_bytes)}?"),) if ours else ()
    return (*verify, *quantize, *delete)


def _by_hand(model: ModelStatus, studio: Studio) -> str:
    """For a missing model: the command, and the folder into which its files can be copied."""
    if model.installed or not model.how_to_get:
        return ""
    if not model.installable:
        how = model.how_to_get.replace(f"{studio.paths.root}/", "")
        return f'<p class="w-quiet">{esc(how)}</p>'
    command = f"./run.sh -m wgp_core models install {model.id}"
    folder = short_path(studio.paths.ckpts / model.repo.rpartition("/")[2], studio)
    copied = f'<p class="w-quiet">Or copy the files of {esc(model.repo)} into <code>{esc(folder)}</code></p>'
    return (f'<details><summary>Without this window</summary><div class="w-path"><code>{esc(command)}</code>'
            f'<button type="button" class="w-btn" data-copy="{esc(command)}">Copy</button></div>'
            f'{copied if model.repo else ""}</details>')


# -- the work ---------------------------------------------------------------------------------------------------


def work_html(works: tuple[ModelWork, ...]) -> str:
    """What runs, what waits and how the last pieces of work ended."""
    return "".join(work_card(work) for work in works)


def work_card(work: ModelWork) -> str:
    state = STATE_WORDS[work.state] or ACTION_WORDS[work.action]
    kind = {WorkState.CANCELLED: "interrupted"}.get(work.state, work.state.value)
    running = work.state is WorkState.RUNNING
    percent = None if work.fraction is None else round(100 * work.fraction)
    size = f"{file_size(work.done_bytes)} of {file_size(work.total_bytes)}" if running and work.total_bytes else ""
    left = f"about {duration(max(1, round(work.eta_s)))} left" if running and work.eta_s else ""
    share = f"{percent} %" if running and percent is not None else ""
    eta = " · ".join(part for part in (share, size, left) if part)
    title = work.model_id if running else f"{work.action.value.capitalize()} {work.model_id}"
    button = Action("cancel", "Cancel", "danger", disabled=work.stopping) if work.open else \
        Action("dismiss", "✕", "icon", title="Remove this message")
    text = "w-error" if work.state is WorkState.FAILED else "w-quiet"
    return (f'<article class="w-card w-job w-work" data-model="{esc(work.model_id)}"><div class="w-job-text">'
            f'<div class="w-line">{badge(state, kind)}<strong>{esc(title)}</strong>'
            f'<span class="w-eta">{esc(eta)}</span></div>{bar(percent) if running else ""}'
            f'{f"""<p class="{text}">{esc(work.message)}</p>""" if work.message else ""}</div>'
            f'{actions_row((button,), id=work.model_id)}</article>')


def short_path(path: Path, studio: Studio) -> str:
    """The path below the program's folder or the home folder, whole where it lies elsewhere."""
    for root in (studio.paths.root, PROGRAM_ROOT):
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    return str(path)


def machine_html(studio: Studio, device: str = "") -> str:
    """Free disk space, and the device once it was asked for."""
    free = shutil.disk_usage(studio.paths.data).free
    status = studio.supervisor.status()
    worker = status.render
    using = f", {worker.rss_gb:.1f} GB of memory" if worker.pid and worker.rss_gb else ""
    lines = [("Free disk space", file_size(free)), ("Worker", f"{worker.state}{using}"),
             ("Device", device or "not checked yet")]
    if status.problem or status.notice:
        lines.append(("Notice", status.problem or status.notice))
    return '<dl class="w-facts">' + "".join(f"<div><dt>{a}</dt><dd>{esc(b)}</dd></div>" for a, b in lines) + "</dl>"


def device_words(found: DeviceReport) -> str:
    """ "NVIDIA H100, 79.2 GB (cuda:0), torch 2.13.0", or that there is no graphics card."""
    cards = [f"{gpu.name}, {gpu.vram_total_gb:.1f} GB (cuda:{gpu.index})" for gpu in found.gpus]
    none = found.problem or f"no graphics card, {plural(found.cpu_threads, 'processor thread')}"
    return "; ".join(cards or [none]) + (f"; torch {found.torch_version}" if found.torch_version else "")


# -- wiring -----------------------------------------------------------------------------------------------------


def wire(own: Models, window: Window) -> None:
    studio = window.studio
    desk = studio.supervisor.models
    shown, asked = [own.work, own.table], [own.search, own.kind]

    def look(text: str, kind: str) -> list[Any]:
        views, problem = attempt(lambda: [machine_html(studio), work_html(desk.works()),
                                          table_html(studio, text, kind)])
        return views or [problem, gr.skip(), gr.skip()]

    gr.on([window.items[ID].select, own.refresh.click], look, asked, [own.machine, *shown], **QUIET)

    def find(text: str, kind: str) -> str:
        table, problem = attempt(lambda: table_html(studio, text, kind))
        return table if table is not None else problem

    gr.on([own.search.change, own.kind.change], find, asked, own.table, trigger_mode="always_last", **QUIET)

    def redraw(event: gr.EventData, text: str, kind: str) -> list[Any]:
        works, problem = attempt(lambda: work_html(desk.works()))
        ended = any(not work.open for work in desk.works())  # the news of an end may come after its moment
        return [works if works is not None else problem,
                find(text, kind) if ended or event._data.get("table") else gr.skip()]

    window.live.models(redraw, asked, shown, trigger_mode="always_last", **QUIET)

    def act(event: gr.EventData, text: str, kind: str) -> list[Any]:
        _, problem = attempt(lambda: _act(studio, event._data["action"], event._data["id"]))
        return [problem, work_html(desk.works()), find(text, kind)]

    gr.on([own.table.click, own.work.click], act, asked, [own.message, *shown], **QUIET)

    def probe() -> str:
        told, problem = attempt(lambda: machine_html(studio, device_words(studio.supervisor.probe_device())))
        return told or problem

    own.probe.click(probe, None, own.machine, **{**QUIET, "show_progress": "minimal"})


def _act(studio: Studio, action: str, model_id: str) -> None:
    desk = studio.supervisor.models
    others: dict[str, Callable[[str], object]] = {"cancel": desk.cancel, "dismiss": desk.dismiss}
    if action in others:
        others[action](model_id)
    else:
        desk.submit(action, model_id)
