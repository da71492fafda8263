"""Models: what is installed, what is missing, what each is for, and the machine that runs them."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.jobs.tasks import DeviceReport
from wgp_core.models.inventory import ModelStatus, ModelTask, all_models
from wgp_core.paths import PROGRAM_ROOT

from .components import QUIET, attempt, badge, empty_state, notice, plain_html
from .window import Window
from .words import esc, file_size, plural

ID, LABEL = "models", "Models"
TASKS = {ModelTask.TEXT_TO_VIDEO: "Video", ModelTask.LANGUAGE: "Language", ModelTask.EMBEDDING: "Topic search",
         ModelTask.LORA: "LoRA", ModelTask.OTHER: "Other files"}


@dataclass(frozen=True)
class Models:
    refresh: gr.Button
    probe: gr.Button
    machine: gr.HTML
    table: gr.HTML


def build(studio: Studio) -> Models:
    del studio
    with gr.Row(elem_id="models-head"):
        machine = plain_html(elem_id="models-machine")
        refresh = gr.Button("Look again", size="sm", min_width=110, scale=0)
        probe = gr.Button("Check the device", size="sm", min_width=140, scale=0)
    return Models(refresh, probe, machine, plain_html(elem_id="models-table"))


def table_html(studio: Studio) -> str:
    """All models as cards: drawing needs none, so the first line says that."""
    models = all_models(studio.paths)
    video = [m for m in models if m.task is ModelTask.TEXT_TO_VIDEO]
    intro = "" if video else notice(
        "No video model is installed. The local engine draws without one.",
        fix=f"To add one, put its folder (diffusers layout) into "
            f"{short_path(studio.paths.ckpts, studio)}/, and LoRAs into {short_path(studio.paths.loras, studio)}/.")
    if not models:
        return intro + empty_state("No models found", "Nothing is installed, and nothing is needed to draw.", "box")
    return intro + '<div class="w-rows">' + "".join(_row(model, studio) for model in models) + "</div>"


def _row(model: ModelStatus, studio: Studio) -> str:
    state = badge("Installed", "done") if model.installed else badge("Missing", "queued")
    size = file_size(model.size_bytes) + ("" if model.installed else " to fetch")
    place = f'<code>{esc(short_path(model.path, studio))}</code>' if model.path else ""
    get = f'<p class="w-get">{esc(model.how_to_get)}</p>' if model.how_to_get else ""
    facts = (("Kind", TASKS[model.task]), ("Size", size), ("Licence", model.licence or "not stated"))
    listed = "".join(f"<dt>{name}</dt><dd>{esc(value)}</dd>" for name, value in facts)
    return (f'<article class="w-row"><div class="w-row-main"><div class="w-line"><strong>{esc(model.label)}</strong>'
            f"{state}</div><p>{esc(model.used_for)}</p>{get}{place}</div><dl>{listed}</dl></article>")


def short_path(path: Path, studio: Studio) -> str:
    """The path below the program's folder or the home folder, whole where it lies elsewhere."""
    for root in (studio.paths.root, PROGRAM_ROOT):
        if path.is_relative_to(root):
            return str(path.relative_to(root))
    return str(path)


def machine_html(studio: Studio, device: str = "") -> str:
    """Free disk space, and the device once it was asked for."""
    free = shutil.disk_usage(studio.paths.data).free
    worker = studio.supervisor.status().render
    using = f", {worker.rss_gb:.1f} GB of memory" if worker.pid and worker.rss_gb else ""
    lines = [("Free disk space", file_size(free)), ("Worker", f"{worker.state}{using}"),
             ("Device", device or "not checked yet")]
    return '<dl class="w-facts">' + "".join(f"<div><dt>{a}</dt><dd>{esc(b)}</dd></div>" for a, b in lines) + "</dl>"


def device_words(found: DeviceReport) -> str:
    """ "NVIDIA H100, 79.2 GB (cuda:0), torch 2.13.0", or that there is no graphics card."""
    cards = [f"{gpu.name}, {gpu.vram_total_gb:.1f} GB (cuda:{gpu.index})" for gpu in found.gpus]
    none = found.problem or f"no graphics card, {plural(found.cpu_threads, 'processor thread')}"
    return "; ".join(cards or [none]) + (f"; torch {found.torch_version}" if found.torch_version else "")


def wire(own: Models, window: Window) -> None:
    studio = window.studio

    def look() -> list[Any]:
        shown, problem = attempt(lambda: [machine_html(studio), table_html(studio)])
        return shown or [problem, gr.skip()]

    gr.on([window.items[ID].select, own.refresh.click], look, None, [own.machine, own.table], **QUIET)

    def probe() -> str:
        shown, problem = attempt(lambda: machine_html(studio, device_words(studio.supervisor.probe_device())))
        return shown or problem

    own.probe.click(probe, None, own.machine, **{**QUIET, "show_progress": "minimal"})
