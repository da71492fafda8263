"""Scenes from documents: how they are to be planned, the scenes as they are, and an editor for one of them.

The plan lives in the program's document desk, so that a reloaded page finds it; "Send to Generate" puts it into the
form.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.errors import QueueError, RequestError
from wgp_core.jobs.document_desk import DocumentAction, DraftPlan, PlanAsk
from wgp_core.planning.plan_file import parse_plan, plan_data, read_plan
from wgp_core.request import Brief, CameraMovement, Framework, Objective, Planner, SceneKind, ScenePlan

from . import form
from .components import QUIET, action_html, attempt, notice, plain_html
from .documents_view import FRAMEWORK_WORDS, KIND_WORDS, plan_html, plan_seconds
from .filling import fill
from .form import FormValues
from .window import GENERATE, Window
from .words import esc, file_url, plural

OBJECTIVE_WORDS = {Objective.INTRODUCE: "Introduce", Objective.EXPLAIN: "Explain", Objective.COMPARE: "Compare",
                   Objective.DEMONSTRATE: "Demonstrate", Objective.SUMMARIZE: "Summarize"}
VISUAL_HELP = ("One line each for steps and summaries; term | what it is; left | right; when | what; from | link | to; "
               "$formula$. Empty: drawn from what is said.")
SHOW_EDITOR = "() => document.querySelector('#scene-editor')?.scrollIntoView({ behavior: 'smooth', block: 'center' })"


@dataclass(frozen=True)
class SceneFields:
    """The editor of one scene."""

    box: gr.Column
    title: gr.Textbox
    kind: gr.Dropdown
    seconds: gr.Number
    camera: gr.Dropdown
    narration: gr.Textbox
    visual: gr.Textbox
    keep: gr.Button
    leave: gr.Button

    @property
    def values(self) -> list[Any]:
        return [self.title, self.kind, self.seconds, self.camera, self.narration, self.visual]


@dataclass(frozen=True)
class PlanEditor:
    """`number` is the scene that is edited, from 0; -1 for none."""

    framework: gr.Dropdown
    audience: gr.Textbox
    objective: gr.Dropdown
    seconds: gr.Number
    model: gr.Checkbox
    make: gr.Button
    message: gr.HTML
    editor: SceneFields
    scenes: gr.HTML
    raw_box: gr.Accordion
    raw: gr.Textbox
    use_raw: gr.Button
    load: gr.UploadButton
    number: gr.State


def build(studio: Studio) -> PlanEditor:
    del studio
    with gr.Row(elem_id="plan-title"):
        plain_html('<h3 class="w-section">Scenes for a video</h3>')
        load = gr.UploadButton("Load a plan", size="sm", file_types=[".json"], scale=0, min_width=110)
    with gr.Row(elem_classes="w-pair w-bottom", elem_id="plan-row"):
        framework = gr.Dropdown([(words, one.value) for one, words in FRAMEWORK_WORDS.items()],
                                value=Framework.ACADEMIC.value, label="Built as", min_width=170, scale=2,
                                elem_id="plan-framework")
        objective = gr.Dropdown([(words, one.value) for one, words in OBJECTIVE_WORDS.items()],
                                value=Objective.EXPLAIN.value, label="It is to", min_width=120)
        audience = gr.Textbox("students", label="For whom", max_length=200, min_width=120, elem_id="plan-audience")
        seconds = gr.Number(20, label="Seconds", minimum=2, maximum=600, min_width=80, elem_id="plan-seconds")
        make = gr.Button("Plan scenes", variant="primary", size="md", min_width=120, scale=0, elem_id="plan-make")
    model = gr.Checkbox(False, label="Let a language model plan; it is held to what the documents say",
                        elem_id="plan-model", container=False)
    message = plain_html(elem_id="plan-message")
    editor = _build_editor()
    scenes = action_html(elem_id="plan-scenes")
    with gr.Accordion("All scenes as JSON", open=False, elem_id="plan-json") as raw_box:
        raw = gr.Textbox(show_label=False, lines=10, max_lines=24, container=False, elem_id="plan-raw")
        use_raw = gr.Button("Use this text", size="sm", elem_id="plan-use")
    return PlanEditor(framework, audience, objective, seconds, model, make, message, editor, scenes, raw_box, raw,
                      use_raw, load, gr.State(-1))


def _build_editor() -> SceneFields:
    kinds = [(words, kind.value) for kind, words in KIND_WORDS.items()]
    cameras = [(camera.value.replace("-", " ").capitalize(), camera.value) for camera in CameraMovement]
    with gr.Column(visible=False, elem_id="scene-editor") as box:
        title = gr.Textbox(label="Title", elem_id="scene-title")
        with gr.Row(elem_classes="w-pair"):
            kind = gr.Dropdown(kinds, value="auto", label="What it shows", min_width=140)
            camera = gr.Dropdown(cameras, value="static", label="Camera", min_width=120)
            seconds = gr.Number(label="Seconds", minimum=0.5, maximum=180, min_width=80, elem_id="scene-seconds")
        narration = gr.Textbox(label="What is said", lines=2, max_lines=8, elem_id="scene-narration")
        visual = gr.Textbox(label="What is seen", lines=3, max_lines=12, info=VISUAL_HELP, elem_id="scene-visual")
        with gr.Row():
            keep = gr.Button("Keep changes", variant="primary", size="sm", scale=0, min_width=140)
            leave = gr.Button("Leave as it was", size="sm", scale=0, min_width=140)
    return SceneFields(box, title, kind, seconds, camera, narration, visual, keep, leave)


# -- changing the plan ------------------------------------------------------------------------------------------


def changed(scenes: tuple[ScenePlan, ...], action: str, number: int) -> tuple[ScenePlan, ...]:
    """The scenes after "up", "down", "remove" or "add"."""
    rest = list(scenes)
    if action == "add":
        return (*rest, ScenePlan(title="New scene", seconds=4))
    scene = rest.pop(number)
    if action == "up":
        rest.insert(max(0, number - 1), scene)
    elif action == "down":
        rest.insert(number + 1, scene)
    return tuple(rest)


def edited(scene: ScenePlan, title: str, kind: str, seconds: float | None, camera: str, narration: str,
           visual: str) -> ScenePlan:
    """The scene as the editor has it; its sources stay. Raises `RequestError`."""
    if not (title or "").strip():
        raise RequestError("The scene has no title.", field="title", fix="Name it in a few words.")
    if seconds is not None and not 0.5 <= seconds <= 180:
        raise RequestError(f"The scene lasts {seconds:g} s; it must be from 0.5 to 180 s.", field="seconds")
    return replace(scene, title=title.strip(), kind=SceneKind(kind), seconds=seconds or None,
                   camera=CameraMovement(camera), narration=(narration or "").strip(), visual=(visual or "").strip())


def sent(values: FormValues, draft: DraftPlan, studio: Studio) -> FormValues:
    """The form of the Generate tab with the draft in it: its topic, its scenes, its length. Raises `RequestError`."""
    if not draft.scenes:
        raise RequestError("The plan has no scene.", fix="Add one, or plan again.")
    there = values.documents or draft.collection
    now = replace(values, prompt=draft.ask.topic, enhance="off", enhanced="", many="whole", documents=there,
                  documents_mode="semantic", seconds=plan_seconds(draft.scenes) or values.seconds, frames=None)
    spec = form.spec_of(studio.engines, now)
    return form.with_plan(now, spec, studio.settings, draft.scenes, draft.ask.brief)


# -- wiring -----------------------------------------------------------------------------------------------------


def wire(own: PlanEditor, topic: gr.Textbox, asked: gr.Dropdown, window: Window) -> None:
    _wire_making(own, topic, asked, window.studio)
    _wire_scenes(own, window)
    _wire_editor(own, window.studio)
    _wire_json(own, window.studio)
    _wire_form(own, window)


def _shown(studio: Studio) -> str:
    return plan_html(studio.documents.asked(DocumentAction.PLAN), studio.documents.draft)


def _raw(studio: Studio) -> str:
    draft = studio.documents.draft
    return "" if draft is None else json.dumps(plan_data(draft.scenes)["scenes"], ensure_ascii=False, indent=2)


def _draft(studio: Studio) -> DraftPlan:
    if studio.documents.draft is None:
        raise QueueError("There is no plan.", fix="Make one first.")
    return studio.documents.draft


def _wire_making(own: PlanEditor, topic: gr.Textbox, asked: gr.Dropdown, studio: Studio) -> None:
    def make(words: str, name: str, framework: str, objective: str, audience: str, seconds: float,
             model: bool) -> list[Any]:
        brief = Brief(audience=(audience or "").strip() or "students", objective=Objective(objective),
                      framework=Framework(framework), planner=Planner.LLM if model else Planner.RULES)
        if not name:
            return [notice("There is no collection to plan from.", kind="bad", fix="Drop a document first."), gr.skip()]
        _, problem = attempt(lambda: studio.documents.plan(name, PlanAsk(words or "", brief, seconds or 20)))
        return [problem, _shown(studio)]

    own.make.click(make, [topic, asked, own.framework, own.objective, own.audience, own.seconds,
                           own.model],
                   [own.message, own.scenes], trigger_mode="once", **QUIET)


def _wire_scenes(own: PlanEditor, window: Window) -> None:
    """The buttons on the plan and its scenes; "edit" is heard by the editor, "send" by the form."""
    studio, desk = window.studio, window.studio.documents

    def act(event: gr.EventData) -> list[Any]:
        action = event._data["action"]
        if action in ("edit", "send"):
            return [gr.skip()] * 4
        told, problem = attempt(lambda: _act(studio, action, event._data.get("id", "")))
        return [problem or told, _shown(studio), gr.update(visible=False), _raw(studio)]

    own.scenes.click(act, None, [own.message, own.scenes, own.editor.box, own.raw], **QUIET)

    generate = window.tabs[GENERATE]
    outputs = [own.message, window.strip, generate.message, *generate.form_outputs]

    def send(event: gr.EventData, *values: Any) -> list[Any]:
        if event._data["action"] != "send":
            return [gr.skip()] * len(outputs)
        filled, problem = attempt(lambda: fill(studio, sent(FormValues.of(values), _draft(studio), studio)))
        if filled is None:
            return [problem, *[gr.skip()] * (len(outputs) - 1)]
        count = plural(len(desk.draft.scenes), "scene") if desk.draft else ""
        return ["", gr.Tabs(selected=GENERATE), notice(f"{count} in the form. Press Generate.", kind="good"), *filled]

    own.scenes.click(send, generate.fields.list(), outputs, **QUIET)


def _act(studio: Studio, action: str, item: str) -> str:
    desk = studio.documents
    if action == "stop":
        desk.stop_asking(DocumentAction.PLAN)
    elif action == "drop":
        desk.drop_draft()
    elif action == "save":
        return _saved(studio, _draft(studio))
    else:
        desk.edit(changed(_draft(studio).scenes, action, -1 if action == "add" else int(item)))
    return ""


def _saved(studio: Studio, draft: DraftPlan) -> str:
    """The plan as a file to download, as `--plan` reads it."""
    file = studio.paths.cache / f"plan-{time.strftime('%Y%m%d-%H%M%S')}.json"
    file.write_text(json.dumps(plan_data(draft.scenes), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    name = esc(file.name)
    link = f'<a class="w-btn primary" href="{esc(file_url(file))}" download="{name}">Download {name}</a>'
    return notice(f"{plural(len(draft.scenes), 'scene')} saved.", kind="good", extra=link)


def _wire_editor(own: PlanEditor, studio: Studio) -> None:
    fields, desk = own.editor, studio.documents
    outputs = [own.message, own.number, fields.box, *fields.values]

    def start(event: gr.EventData) -> list[Any]:
        if event._data["action"] != "edit":
            return [gr.skip()] * len(outputs)
        number = int(event._data["id"])
        scene, problem = attempt(lambda: _draft(studio).scenes[number])
        if scene is None:
            return [problem, *[gr.skip()] * (len(outputs) - 1)]
        return ["", number, gr.update(visible=True), scene.title, scene.kind.value, scene.seconds, scene.camera.value,
                scene.narration, scene.visual]

    own.scenes.click(start, None, outputs, **QUIET).then(None, None, None, js=SHOW_EDITOR)

    def keep(number: int, *values: Any) -> list[Any]:
        def change() -> None:
            scenes = list(_draft(studio).scenes)
            if not 0 <= number < len(scenes):
                raise QueueError("That scene is not there any more.", fix="Choose another one.")
            scenes[number] = edited(scenes[number], *values)
            desk.edit(scenes)

        _, problem = attempt(change)
        return [problem, gr.skip() if problem else gr.update(visible=False), _shown(studio), _raw(studio)]

    fields.keep.click(keep, [own.number, *fields.values], [own.message, fields.box, own.scenes, own.raw], **QUIET)
    fields.leave.click(lambda: gr.update(visible=False), None, fields.box, **QUIET)


def _wire_json(own: PlanEditor, studio: Studio) -> None:
    desk = studio.documents
    own.raw_box.expand(lambda: _raw(studio), None, own.raw, **QUIET)

    def use(text: str) -> list[Any]:
        def change() -> None:
            scenes = parse_plan(text or "", "The text").scenes
            if desk.draft is None:
                desk.take_draft(DraftPlan("", PlanAsk(scenes[0].title), scenes))
            desk.edit(scenes)

        _, problem = attempt(change)
        return [problem or notice("The scenes are as the text says.", kind="good"), _shown(studio)]

    own.use_raw.click(use, own.raw, [own.message, own.scenes], **QUIET)

    def take(file: str) -> list[Any]:
        def read() -> None:
            found = read_plan(Path(file))
            topic = found.brief.topic if found.brief else found.scenes[0].title
            desk.take_draft(DraftPlan("", PlanAsk(topic), found.scenes))

        _, problem = attempt(read)
        return [problem, _shown(studio), _raw(studio)]

    own.load.upload(take, own.load, [own.message, own.scenes, own.raw], **QUIET)


def _wire_form(own: PlanEditor, window: Window) -> None:
    """ "Edit the scenes" on the Generate tab makes the form's plan the draft."""
    studio, generate = window.studio, window.tabs[GENERATE]

    def start(event: gr.EventData, *values: Any) -> list[Any]:
        if event._data["action"] != "edit":
            return [gr.skip()] * 4
        now = FormValues.of(values)

        def take() -> DraftPlan:
            scenes = form.planned_scenes(now.carried)
            draft = DraftPlan(now.documents, PlanAsk(now.prompt.strip() or scenes[0].title), scenes)
            return studio.documents.take_draft(draft)

        _, problem = attempt(take)
        return [problem, gr.skip(), "", ""] if problem else ["", gr.Tabs(selected="documents"), "", _shown(studio)]

    generate.plan.click(start, generate.fields.list(), [generate.message, window.strip, own.message, own.scenes],
                        **QUIET)
