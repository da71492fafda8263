"""Generate: the form on the left, what happens with it on the right."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.media.images import load_image
from wgp_core.request import CameraMovement, VideoCodec

from . import enhance, form, stage
from .components import QUIET, action_html, attempt, notice, notices, picture_input, plain_html
from .filling import (
    document_choices,
    engine_choices,
    engine_hint,
    fill,
    fill_from_request,
    model_choices,
    request_in,
    requests_of,
    shows_model,
    snapped_values,
)
from .form import CUSTOM, NAMES, FormValues
from .model_fields import estimate_html, load_preset, preset_names, profile_choices, save_preset, step_cache_choices
from .window import Window
from .words import plural

ID, LABEL = "generate", "Generate"
MANY = [("One video from the whole text", "whole"), ("One video per line", "line"),
        ("One video per paragraph", "paragraph")]
MACRO_HELP = """Or write variants with a variable. These two lines make two videos:

```
! {Name}="bubble sort","quick sort"
How {Name} works, step by step
```"""
SOLVERS = [("The model's own", ""), ("UniPC", "unipc"), ("Euler", "euler"), ("DPM++", "dpm++")]
LORA_WORDS = [("As the LoRA's name says", "auto"), ("None", "none"), ("Academic infographic", "academic_infographic")]
DOCUMENT_MODES = [("Plan the scenes", "semantic"), ("Words for the prompt", "overlay")]
CODECS = [("H.264 (standard)", "h264"), ("H.265 (smaller)", "h265"), ("ProRes (editing)", "prores")]


@dataclass(frozen=True)
class Fields:
    """The form's components, named and ordered as `FormValues`."""

    prompt: gr.Textbox
    enhance: gr.Dropdown
    enhanced: gr.Textbox
    documents: gr.Dropdown
    documents_mode: gr.Dropdown
    many: gr.Radio
    engine: gr.Dropdown
    model: gr.Dropdown
    size: gr.Dropdown
    width: gr.Number
    height: gr.Number
    seconds: gr.Slider
    theme: gr.Radio
    camera: gr.Dropdown
    captions: gr.Checkbox
    start_image: gr.Image
    end_image: gr.Image
    negative_prompt: gr.Textbox
    fps: gr.Number
    frames: gr.Number
    seed: gr.Number
    steps: gr.Number
    guidance: gr.Number
    flow_shift: gr.Number
    guidance_2: gr.Number
    solver: gr.Dropdown
    loras: gr.Dropdown
    lora_multipliers: gr.Textbox
    lora_profile: gr.Dropdown
    lora_negative_boost: gr.Checkbox
    step_cache: gr.Dropdown
    step_cache_strength: gr.Slider
    profile: gr.Dropdown
    window_prompts: gr.Textbox
    window_frames: gr.Number
    window_overlap: gr.Number
    codec: gr.Dropdown
    crf: gr.Number
    subtitles: gr.Checkbox
    snapshots: gr.Number
    carried: gr.Textbox

    def list(self) -> list[Any]:
        return [getattr(self, f.name) for f in fields(self)]


@dataclass(frozen=True)
class Presets:
    """LoRA presets: a choice with its multipliers under a name."""

    row: gr.Row
    name: gr.Dropdown
    load: gr.Button
    save: gr.Button


@dataclass(frozen=True)
class Generate:
    """The tab's parts."""

    fields: Fields
    enhancing: enhance.Enhance
    go: gr.Button
    cancel: gr.Button
    load: gr.UploadButton
    reset: gr.Button
    dice: gr.Button
    message: gr.HTML
    engine_hint: gr.HTML
    hidden_hint: gr.HTML
    custom: gr.Row
    model_settings: gr.Accordion
    presets: Presets
    estimate: gr.HTML
    plan: gr.HTML
    now: gr.HTML
    result: gr.HTML
    pinned: gr.State
    kept: gr.BrowserState

    @property
    def form_outputs(self) -> list[Any]:
        """Every field and every hint that `fill` sets."""
        return [*self.fields.list(), self.custom, self.engine_hint, self.hidden_hint, self.model_settings,
                self.presets.row, self.enhancing.ask, self.plan]


# -- building ---------------------------------------------------------------------------------------------------


def build(studio: Studio) -> Generate:
    start = form.defaults(studio.settings, form.effective_spec(studio.engines, studio.settings.engine))
    made: dict[str, Any] = {}
    with gr.Row(elem_id="workbench"):
        with gr.Column(elem_id="compose"):
            made["prompt"] = gr.Textbox(label="Prompt", lines=4, max_lines=12, elem_id="prompt", autofocus=True,
                                        placeholder="What should the video show?  For example: how gradient descent "
                                                    "finds a minimum")
            enhancing = enhance.build(start)
            made["enhance"], made["enhanced"] = enhancing.mode, enhancing.text
            plan = action_html(elem_id="form-plan")
            with gr.Row(elem_id="run-row"):
                go = gr.Button("Generate", variant="primary", elem_id="generate", min_width=120)
                cancel = gr.Button("Cancel", elem_id="cancel", interactive=False, min_width=90)
            estimate = plain_html(elem_id="estimate")
            message = plain_html(elem_id="form-message")
        with gr.Column(elem_id="stage"):
            now, result = plain_html(elem_id="now"), action_html(elem_id="result")
        with gr.Column(elem_id="options"):
            hints = _build_basics(studio, start, made)
            _build_look(start, made)
            model_settings, presets, hidden_hint = _build_model_settings(studio, start, made)
            dice = _build_advanced(start, made)
            _build_output(start, made)
            with gr.Row(elem_id="form-row"):
                load = gr.UploadButton("Load settings from a video", size="sm", elem_id="load-settings",
                                       file_types=["video", ".gif", ".png"])
                reset = gr.Button("Reset form", size="sm", elem_id="reset-form", min_width=100)
    made["carried"] = gr.Textbox(start.carried, visible=False, label="Carried along")
    return Generate(Fields(**{name: made[name] for name in NAMES}), enhancing, go, cancel, load, reset, dice, message,
                    hints[0], hidden_hint, hints[1], model_settings, presets, estimate, plan, now, result, gr.State(""),
                    gr.BrowserState(None, storage_key="wgp-form", secret="wgp-studio-form"))


def _build_basics(studio: Studio, start: FormValues, made: dict[str, Any]) -> tuple[gr.HTML, gr.Row]:
    spec = form.spec_of(studio.engines, start)
    with gr.Row(elem_classes="w-pair"):
        made["engine"] = gr.Dropdown(engine_choices(studio, start.engine), value=start.engine, label="Engine",
                                     elem_id="engine", min_width=130)
        made["model"] = gr.Dropdown(model_choices(studio, start.model, start.engine), value=start.model, label="Model",
                                    elem_id="model", min_width=130, visible=shows_model(start.engine, spec))
        made["size"] = gr.Dropdown(form.size_choices(spec), value=start.size, label="Size", elem_id="size",
                                   min_width=130)
    hint = plain_html(engine_hint(studio, start), elem_id="engine-hint")
    with gr.Row(visible=start.size == CUSTOM, elem_classes="w-pair") as custom:
        made["width"] = gr.Number(start.width, label="Width", precision=0, elem_id="width", min_width=80)
        made["height"] = gr.Number(start.height, label="Height", precision=0, elem_id="height", min_width=80)
    made["seconds"] = gr.Slider(0, spec.max_seconds, value=start.seconds, step=0.5, label="Length in seconds",
                                elem_id="seconds")
    with gr.Row(elem_classes="w-pair"):
        made["documents"] = gr.Dropdown(document_choices(studio), value="", label="Documents", elem_id="documents",
                                        min_width=130)
        made["documents_mode"] = gr.Dropdown(DOCUMENT_MODES, value=start.documents_mode, label="What they are for",
                                             elem_id="documents-mode", min_width=130, visible=False)
    return hint, custom


def _build_look(start: FormValues, made: dict[str, Any]) -> None:
    cameras = [(_spell(camera.value), camera.value) for camera in CameraMovement]
    with gr.Accordion("Look and motion", open=False):
        with gr.Row(elem_classes="w-pair"):
            made["theme"] = gr.Radio([("Dark", "dark"), ("Light", "light")], value=start.theme, label="Background",
                                     min_width=130)
            made["camera"] = gr.Dropdown(cameras, value=start.camera, label="Camera movement", min_width=130)
        made["captions"] = gr.Checkbox(start.captions, label="Captions in the picture")
        with gr.Row(elem_classes="w-pair"):
            made["start_image"] = picture_input("Start image", height=130, min_width=130)
            made["end_image"] = picture_input("End image", height=130, min_width=130)


def _build_model_settings(studio: Studio, start: FormValues,
                          made: dict[str, Any]) -> tuple[gr.Accordion, Presets, gr.HTML]:
    """What diffusion models take; which of it is shown depends on the model."""
    hidden: dict[str, Any] = {"visible": False}
    with gr.Accordion("Model settings", open=False, elem_id="model-settings", visible=False) as accordion:
        with gr.Row(elem_classes="w-pair"):
            made["steps"] = gr.Number(start.steps, label="Steps", precision=0, min_width=80, elem_id="steps", **hidden)
            made["guidance"] = gr.Number(start.guidance, label="Guidance", min_width=80, **hidden)
            made["guidance_2"] = gr.Number(start.guidance_2, label="Guidance, low noise", min_width=80, **hidden)
            made["flow_shift"] = gr.Number(start.flow_shift, label="Flow shift", min_width=80, **hidden)
        with gr.Row(elem_classes="w-pair"):
            made["solver"] = gr.Dropdown(SOLVERS, value=start.solver, label="Solver", min_width=130, **hidden)
            made["profile"] = gr.Dropdown(profile_choices(), value=start.profile, label="VRAM profile of this video",
                                          min_width=130, elem_id="profile", **hidden)
        made["negative_prompt"] = gr.Textbox(label="Negative prompt", lines=2, **hidden)
        made["loras"] = gr.Dropdown([], value=list(start.loras), label="LoRAs", multiselect=True, elem_id="loras",
                                    **hidden)
        made["lora_multipliers"] = gr.Textbox(
            start.lora_multipliers, label="LoRA multipliers", placeholder="1 for each", elem_id="lora-multipliers",
            info="One for each LoRA, separated by spaces. 1,0.5 changes over the steps; 0;1 with the phase.", **hidden)
        with gr.Row(visible=False, elem_classes="w-pair w-bottom", elem_id="lora-presets") as row:
            name = gr.Dropdown(preset_names(studio), value=None, label="LoRA preset", allow_custom_value=True,
                               min_width=130)
            load = gr.Button("Load", size="md", min_width=60)
            save = gr.Button("Save", size="md", min_width=60)
        with gr.Row(elem_classes="w-pair w-bottom"):
            made["lora_profile"] = gr.Dropdown(LORA_WORDS, value=start.lora_profile, label="Words for the LoRAs",
                                               min_width=130, elem_id="lora-profile", **hidden)
            made["lora_negative_boost"] = gr.Checkbox(
                start.lora_negative_boost, label="Also in the negative prompt", min_width=130,
                elem_id="lora-negative-boost", **hidden)
        with gr.Row(elem_classes="w-pair"):
            made["step_cache"] = gr.Dropdown(step_cache_choices(None), value=start.step_cache, label="Step cache",
                                             min_width=130,
                                             info="Faster, and not quite the same video.", **hidden)
            made["step_cache_strength"] = gr.Slider(0, 1, value=start.step_cache_strength, step=0.05,
                                                    label="How much it skips", min_width=130, **hidden)
        made["window_prompts"] = gr.Textbox(
            label="Prompts of the windows", lines=2, placeholder="the prompt above for all",
            info="A long video is made in overlapping windows. One line for each; the last serves the rest.", **hidden)
        with gr.Row(elem_classes="w-pair"):
            made["window_frames"] = gr.Number(start.window_frames, label="Frames of a window", precision=0,
                                              placeholder="the model's most", min_width=110, elem_id="window-frames",
                                              **hidden)
            made["window_overlap"] = gr.Number(start.window_overlap, label="Frames of overlap", precision=0,
                                               placeholder="9", min_width=110, elem_id="window-overlap", **hidden)
    note = plain_html(elem_id="hidden-hint")
    return accordion, Presets(row, name, load, save), note


def _build_advanced(start: FormValues, made: dict[str, Any]) -> gr.Button:
    with gr.Accordion("Advanced", open=False):
        with gr.Row(elem_classes="w-pair"):
            made["fps"] = gr.Number(start.fps, label="Frames per second", precision=0, placeholder="automatic",
                                    elem_id="fps", min_width=110)
            made["frames"] = gr.Number(start.frames, label="Frames", precision=0, placeholder="from the length",
                                       elem_id="frames", min_width=110)
        with gr.Row(elem_classes="w-pair w-bottom"):
            made["seed"] = gr.Number(start.seed, label="Seed, -1 is random", precision=0, elem_id="seed",
                                     min_width=110)
            dice = gr.Button("Random seed", size="md", min_width=110, elem_id="random-seed")
    return dice


def _build_output(start: FormValues, made: dict[str, Any]) -> None:
    with gr.Accordion("Output", open=False):
        with gr.Row(elem_classes="w-pair"):
            made["codec"] = gr.Dropdown([c for c in CODECS if c[1] in set(VideoCodec)], value=start.codec,
                                        label="Format", min_width=130)
            made["crf"] = gr.Number(start.crf, label="Quality (0 best to 51)", precision=0, minimum=0, maximum=51,
                                    min_width=110)
        with gr.Row(elem_classes="w-pair w-bottom"):
            made["snapshots"] = gr.Number(start.snapshots, label="Picture snapshots", precision=0, minimum=0,
                                          maximum=100, min_width=110)
            made["subtitles"] = gr.Checkbox(start.subtitles, label="Subtitle files", min_width=110)
    with gr.Accordion("Many prompts", open=False):
        made["many"] = gr.Radio(MANY, value="whole", label="How the text is used", elem_id="many")
        gr.Markdown(MACRO_HELP)


def _spell(name: str) -> str:
    return name.replace("-", " ").capitalize()


# -- wiring -----------------------------------------------------------------------------------------------------


def wire(own: Generate, window: Window) -> None:
    _wire_run(own, window)
    _wire_form(own, window.studio)
    _wire_documents(own, window)
    _wire_model(own, window)
    _wire_memory(own, window)
    enhance.wire(own.enhancing, own.fields.prompt, own.message, own.fields.list(), window.studio, window.live)
    stage.wire(own, window)


def _wire_run(own: Generate, window: Window) -> None:
    studio, inputs = window.studio, own.fields.list()

    def go(*values: Any) -> list[Any]:
        made, problem = attempt(lambda: requests_of(studio, FormValues.of(values)))
        if made is None:
            return [problem, *[gr.skip()] * 4]
        jobs, problem = attempt(lambda: studio.queue.submit_many(made[0]))
        studio.enhancing.submitted(jobs or ())
        added = notice(f"{plural(len(made[0]), 'video')} added to the queue.", kind="good") if len(made[0]) > 1 else ""
        return [problem or notices(made[1]) + added, *stage.views(studio, ""), ""]

    outputs = [own.message, own.now, own.result, own.cancel, own.pinned]
    own.go.click(go, inputs, outputs, trigger_mode="once", **QUIET)

    def cancel() -> list[Any]:
        _, problem = attempt(lambda: stage.cancel_current(studio))
        return [problem, *stage.views(studio, "")]

    own.cancel.click(cancel, None, outputs[:-1], **QUIET)


def _wire_form(own: Generate, studio: Studio) -> None:
    f, inputs = own.fields, own.fields.list()

    def snap(*values: Any) -> list[Any]:
        now = FormValues.of(values)
        moved, problem = attempt(lambda: snapped_values(studio, now))
        fitted, notes = moved or (now, ())
        return [problem + notices(notes), *fill(studio, fitted, shown=now)]

    gr.on([f.engine.input, f.model.input, f.size.input, f.width.blur, f.height.blur, f.fps.blur, f.frames.blur], snap,
          inputs, [own.message, *own.form_outputs], trigger_mode="always_last", **QUIET).then(
        _estimator(studio), inputs, own.estimate, **QUIET)
    f.seconds.input(None, None, f.frames, js="() => null")
    own.dice.click(None, None, f.seed, js="() => Math.floor(Math.random() * 4294967295)")
    f.start_image.upload(_check_picture, f.start_image, [own.message, f.start_image], **QUIET)
    f.end_image.upload(_check_picture, f.end_image, [own.message, f.end_image], **QUIET)

    def load(file: str) -> list[Any]:
        filled, problem = attempt(lambda: fill_from_request(studio, request_in(Path(file))))
        told = notice("The settings of the video are in the form.", kind="good")
        return [problem, *[gr.skip()] * len(own.form_outputs)] if filled is None else [told, *filled]

    own.load.upload(load, own.load, [own.message, *own.form_outputs], **QUIET)

    def reset() -> list[Any]:
        spec = form.effective_spec(studio.engines, studio.settings.engine)
        return ["", *fill(studio, form.defaults(studio.settings, spec))]

    own.reset.click(reset, None, [own.message, *own.form_outputs], **QUIET)


def _wire_documents(own: Generate, window: Window) -> None:
    """The choice of documents, and the planned scenes that the form carries along."""
    studio, f = window.studio, own.fields
    f.documents.input(lambda name: gr.update(visible=bool(name)), f.documents, f.documents_mode, **QUIET)
    window.items[ID].select(lambda name: gr.update(choices=document_choices(studio, name or "")), f.documents,
                            f.documents, **QUIET)

    def act(event: gr.EventData, *values: Any) -> list[Any]:
        now, scenes = FormValues.of(values), ()
        if event._data["action"] != "drop":
            return [gr.skip()] * (1 + len(own.form_outputs))
        without, problem = attempt(lambda: form.with_plan(now, form.spec_of(studio.engines, now), studio.settings,
                                                          scenes))
        return [problem, *(fill(studio, without, shown=now) if without else [gr.skip()] * len(own.form_outputs))]

    own.plan.click(act, f.list(), [own.message, *own.form_outputs], **QUIET)


def _wire_model(own: Generate, window: Window) -> None:
    """LoRA presets, the estimate under Generate, and the engines that the settings allow."""
    studio, f, inputs = window.studio, own.fields, own.fields.list()
    window.items[ID].select(lambda engine: gr.update(choices=engine_choices(studio, engine or "")), f.engine, f.engine,
                            **QUIET)
    presets = own.presets

    def load(name: str) -> list[Any]:
        found, problem = attempt(lambda: load_preset(studio, name))
        if found is None:
            return [problem, gr.skip(), gr.skip()]
        return [notices(found.notes, kind="warn"), list(found.loras), found.multipliers]

    presets.load.click(load, presets.name, [own.message, f.loras, f.lora_multipliers], **QUIET)

    def save(name: str, loras: list[str], multipliers: str) -> list[Any]:
        _, problem = attempt(lambda: save_preset(studio, name, tuple(loras or ()), multipliers))
        told = problem or notice(f"The LoRA preset {name} is saved.", kind="good")
        return [told, gr.update(choices=preset_names(studio))]

    presets.save.click(save, [presets.name, f.loras, f.lora_multipliers], [own.message, presets.name], **QUIET)

    felt = ("seconds", "steps", "guidance", "loras", "profile", "step_cache")
    gr.on([getattr(f, name).input for name in felt], _estimator(studio), inputs, own.estimate,
          trigger_mode="always_last", **QUIET)


def _estimator(studio: Studio) -> Any:
    """The handler of the line under Generate. Where the form is filled it runs afterwards: beside that it would send
    values that the new choices no longer have."""

    def estimate(*values: Any) -> str:
        told, problem = attempt(lambda: estimate_html(studio, FormValues.of(values)))
        return problem if told is None else told

    return estimate


def _check_picture(path: str | None) -> list[Any]:
    if path is None:
        return ["", gr.skip()]
    picture, problem = attempt(lambda: load_image(Path(path)))
    return [problem, gr.skip() if picture is not None else None]


def _wire_memory(own: Generate, window: Window) -> None:
    """The form outlives a reload: the browser keeps it, and the server checks what comes back."""
    studio, inputs = window.studio, own.fields.list()
    pictures = ("start_image", "end_image")
    saved = ", ".join(name for name in NAMES if name not in pictures)
    keep = f"({', '.join(NAMES)}, kept) => window.wgpFormReady ? {{{saved}}} : kept"
    changes = [getattr(own.fields, name).change for name in NAMES if name not in pictures]
    gr.on(changes, None, [*inputs, own.kept], own.kept, js=keep, show_progress="hidden",
          trigger_mode="multiple")

    def restore(saved: Any) -> list[Any]:
        values = FormValues.from_saved(saved)
        if values is None:
            spec = form.effective_spec(studio.engines, studio.settings.engine)
            values = form.defaults(studio.settings, spec)
        return fill(studio, values)

    window.blocks.load(restore, own.kept, own.form_outputs, **QUIET).then(
        None, None, None, js="() => { window.wgpFormReady = true; }").then(
        _estimator(studio), inputs, own.estimate, **QUIET)
