"""Putting values into the form of the Generate tab, and reading the requests that it asks for.

Any tab may fill the form: it outputs to `Generate.form_outputs` what `fill` or `fill_from_request` returns.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.documents import collections
from wgp_core.engines.base import EngineSpec
from wgp_core.engines.remote.engine import KNOWN as REMOTE_MODELS
from wgp_core.errors import RequestError
from wgp_core.media.metadata import read_manifest
from wgp_core.prompts.macros import split_prompts
from wgp_core.request import EngineChoice, VideoRequest
from wgp_core.resolve import resolve
from wgp_core.result import Manifest

from . import form
from .components import notice
from .documents_view import form_plan_html
from .form import CUSTOM, MODEL_FIELDS, NAMES, OPTIONAL, FormValues
from .model_fields import chosen_model, installed_models, lora_choices, step_cache_choices
from .words import esc, model_name

ENGINES = (("Automatic", "auto"), ("Local drawing", "local"), ("Diffusion model", "diffusion"))
REMOTE = ("Remote model", "remote")


def engine_choices(studio: Studio, chosen: str = "") -> list[tuple[str, str]]:
    """The engines; the remote one where it is switched on, or what the form holds asks for it."""
    return [*ENGINES, REMOTE] if studio.settings.remote_models or chosen == "remote" else list(ENGINES)


def fill(studio: Studio, values: FormValues, *, shown: FormValues | None = None) -> list[Any]:
    """Updates for `form_outputs`: values, and what the engine shows and allows.

    `shown` is what the form held when it was sent: what is equal there is left alone, because the person may have
    typed on since.
    """
    models = model_choices(studio, values.model, values.engine)
    values = _with_model(values, models)
    spec = form.spec_of(studio.engines, values)
    choices = form.size_choices(spec)
    values = replace(values, size=values.size if values.size in {value for _, value in choices} else CUSTOM)
    changes: dict[str, dict[str, Any]] = {name: {} for name in NAMES}
    for name in NAMES:
        if shown is None or getattr(values, name) != getattr(shown, name):
            value = getattr(values, name)
            changes[name]["value"] = list(value) if isinstance(value, tuple) else value
    for name in (*OPTIONAL, "start_image", "end_image", "captions", "theme", "camera"):
        changes[name]["visible"] = name in spec.uses
    for name, use in MODEL_FIELDS.items():
        changes[name]["visible"] = use in spec.uses
    for name in ("steps", "guidance", "guidance_2", "flow_shift"):
        changes[name]["placeholder"] = form.default_words(getattr(spec.defaults, name))
    changes["documents"]["choices"] = document_choices(studio, values.documents)
    changes["documents_mode"]["visible"] = bool(values.documents)
    changes["enhanced"]["visible"] = values.enhance == "review" and bool(values.enhanced)
    changes["size"]["choices"], changes["model"]["choices"] = choices, models
    changes["model"]["visible"] = shows_model(values.engine, spec)
    changes["model"]["allow_custom_value"] = values.engine == "remote"
    changes["engine"]["choices"] = engine_choices(studio, values.engine)
    found = chosen_model(studio, values) if spec.choice is EngineChoice.DIFFUSION else None
    changes["seconds"]["maximum"] = spec.max_seconds
    changes["loras"]["choices"] = lora_choices(studio, spec, values, found)
    changes["step_cache"]["choices"] = step_cache_choices(found)
    carried = form.carried_words(values.carried, spec.uses)
    hint = notice(f"Also set from the loaded video: {carried}.", fix="Reset form drops it.") if carried else ""
    settings = bool(spec.uses & {*OPTIONAL, *MODEL_FIELDS.values()})
    return [*(gr.update(**change) for change in changes.values()), gr.update(visible=values.size == CUSTOM),
            engine_hint(studio, values) + hint, f'<p class="w-quiet">{esc(form.hidden_hint(spec))}</p>',
            gr.update(visible=settings), gr.update(visible="loras" in spec.uses),
            gr.update(visible=values.enhance == "review"), form_plan_html(form.planned_scenes(values.carried))]


def fill_from_request(studio: Studio, request: VideoRequest) -> list[Any]:
    """Updates for `form_outputs` that show this request."""
    image = str(request.start_image) if request.start_image else None
    spec = form.effective_spec(studio.engines, request.engine.value, request.model or "", image)
    return fill(studio, FormValues.from_request(request, spec))


def requests_of(studio: Studio, values: FormValues) -> tuple[list[VideoRequest], tuple[str, ...]]:
    """The requests that the form asks for, and what was moved to fit the engine. Raises `WgpError`."""
    spec = form.spec_of(studio.engines, values)
    prompts = split_prompts(values.prompt or "", per=values.many or "whole")  # type: ignore[arg-type]
    base = form.with_rules(values.to_request(spec), studio.settings, values.carried)
    snapped, notes = spec.snap(base)
    requests = [snapped.with_(prompt=prompt) for prompt in prompts] if len(prompts) > 1 else [snapped]
    resolve(requests[0], studio.engines, studio.settings)
    return requests, notes


def model_choices(studio: Studio, chosen: str = "", engine: str = "") -> list[tuple[str, str]]:
    """The installed diffusion models, or known remote ones; and `chosen` where it is one from elsewhere."""
    if engine == "remote":
        extra = (chosen,) if "/" in chosen and chosen not in REMOTE_MODELS else ()
        return [(name, name) for name in (*REMOTE_MODELS, *extra)]
    listed = [("Best installed", ""), *((found.spec.label, found.spec.id) for found in installed_models(studio))]
    if chosen in {value for _, value in listed} or chosen_model(studio, FormValues(model=chosen)) is None:
        return listed
    return [*listed, (model_name(chosen), chosen)]


def _with_model(values: FormValues, models: list[tuple[str, str]]) -> FormValues:
    """With the first of the models where the one that was chosen is not among them."""
    return values if values.model in {value for _, value in models} else replace(values, model=models[0][1])


def document_choices(studio: Studio, chosen: str = "") -> list[tuple[str, str]]:
    """The collections of documents, and `chosen` where it is gone."""
    listed = [one.collection.name for one in collections.list_collections(studio.paths)]
    gone = [(f"{chosen} (not there)", chosen)] if chosen and chosen not in listed else []
    return [("None", ""), *((name, name) for name in listed), *gone]


def shows_model(engine: str, spec: EngineSpec) -> bool:
    return engine in ("diffusion", "remote") or (engine == "auto" and spec.choice.value == "diffusion")


def engine_hint(studio: Studio, values: FormValues) -> str:
    return f'<p class="w-quiet">{esc(form.engine_hint(studio.engines, values.engine, values.model))}</p>'


def snapped_values(studio: Studio, values: FormValues) -> tuple[FormValues, tuple[str, ...]]:
    """The values moved to what the engine takes, and a note for each move."""
    values = _with_model(values, model_choices(studio, values.model, values.engine))
    spec = form.spec_of(studio.engines, values)
    notes: tuple[str, ...] = ()
    presets = {value for _, value in form.size_choices(spec)}
    if values.size not in presets and spec.size_presets:
        size = f"{spec.defaults.width}x{spec.defaults.height}"
        notes = (f"Size {values.size} became {size}, which suits {spec.label}.",)
        values = replace(values, size=size if size in presets else CUSTOM, width=spec.defaults.width,
                         height=spec.defaults.height)
    open_ = replace(values, prompt=values.prompt or "x", width=values.width or spec.defaults.width,
                    height=values.height or spec.defaults.height)
    request, moves = spec.snap(open_.to_request(spec))
    notes = (*notes, *moves)
    length = min(values.seconds or spec.defaults.seconds, spec.max_seconds)
    if length != values.seconds and values.seconds:
        notes = (*notes, f"Length {values.seconds:g} s became {length:g} s: {spec.label} makes at most that.")
    return replace(open_, prompt=values.prompt, width=request.width, height=request.height, fps=request.fps,
                   frames=request.frames, seconds=length), notes


def request_in(file: Path) -> VideoRequest:
    manifest = read_manifest(file)
    if manifest is None:
        raise RequestError(f"{file.name} carries no settings of this program.",
                           fix="Choose a video that was made by WGP Studio and not encoded again since.")
    return Manifest.from_dict(manifest).request
