"""The enhancer beside the prompt: off, review, or automatic.

Review shows the person's prompt and the enhanced text with what was added marked. The text can be taken, edited, asked
for again, or dropped. What was taken stands in a field of its own, and goes with the prompt wherever the form goes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.errors import RequestError
from wgp_core.jobs.enhance_desk import Enhancing
from wgp_core.jobs.work_line import WorkState
from wgp_core.prompts.enhancement import EnhanceResult, Level
from wgp_core.prompts.fidelity import marked
from wgp_core.prompts.for_video import enhance_request_of

from . import form
from .components import QUIET, Action, action_html, actions_row, attempt, badge, chips, notice, notices
from .form import FormValues
from .progress import bar
from .words import esc

MODES = [("Off", "off"), ("Review", "review"), ("Automatic", "automatic")]
LEVELS = {Level.EDGE: "Written with your instructions", Level.WORKER: "Written by",
          Level.EMERGENCY: "Written by rules, without a language model"}


@dataclass(frozen=True)
class Enhance:
    """The parts under the prompt. `mode` and `text` are fields of the form."""

    mode: gr.Dropdown
    ask: gr.Button
    panel: gr.HTML
    text: gr.Textbox


def build(start: FormValues) -> Enhance:
    with gr.Row(elem_id="enhance-row", elem_classes="w-pair w-bottom"):
        mode = gr.Dropdown(MODES, value=start.enhance, label="Enhance the prompt", elem_id="enhance", min_width=130)
        ask = gr.Button("Enhance", size="md", elem_id="enhance-ask", min_width=90, visible=start.enhance == "review")
    panel = action_html(elem_id="enhance-panel")
    text = gr.Textbox(start.enhanced, label="The model gets this text", lines=3, max_lines=10, elem_id="enhanced",
                      info="Edit it as you like; emptied, the prompt above is used.", visible=bool(start.enhanced))
    return Enhance(mode, ask, panel, text)


# -- what is shown ----------------------------------------------------------------------------------------------


def panel_html(work: Enhancing | None) -> str:
    """The state of the last enhancement: its progress, its text, or what went wrong."""
    if work is None:
        return ""
    if work.state is WorkState.RUNNING:
        stop = actions_row((Action("cancel", "Cancel", "danger"),))
        return (f'<div class="w-card w-enhance"><div class="w-line">{badge("Enhancing", "running")}'
                f'<span class="w-quiet">{esc(work.message)}</span></div>{bar(None)}{stop}</div>')
    if work.result is None:
        kind = "info" if work.state is WorkState.CANCELLED else "bad"
        again = actions_row((Action("again", "Try again"), Action("dismiss", "Close")))
        return notice(work.message, kind=kind, extra=again)
    return _result_html(work.result)


def _result_html(result: EnhanceResult) -> str:
    if not result.added:
        same = "Nothing was added: the prompt is used as it is."
        return notice(same, extra=notices(result.warnings, kind="warn") + actions_row((Action("dismiss", "Close"),)))
    words = "".join(f"<mark>{esc(text)}</mark>" if added else esc(text)
                    for text, added in marked(result.original, result.enhanced))
    actions = (Action("accept", "Use this text", "primary"), Action("again", "Again"),
               Action("dismiss", "Keep my prompt"))
    return (f'<div class="w-card w-enhance"><p class="w-quiet">Your prompt</p>'
            f'<p class="w-prompt">{esc(result.original)}</p><p class="w-quiet">Enhanced; what was added is marked</p>'
            f'<p class="w-prompt" id="enhanced-text">{words}</p>{chips(_facts(result))}'
            f'{notices(result.warnings, kind="warn")}{_why(result)}{actions_row(actions)}</div>')


def _facts(result: EnhanceResult) -> tuple[str, ...]:
    spoke = LEVELS[result.level]
    spoke = f"{spoke} {result.model}" if result.level is Level.WORKER else spoke
    spoke = f"{spoke} ({result.model})" if result.level is Level.EDGE else spoke
    tokens = result.tokens and f"{result.tokens.count} of {result.tokens.budget} tokens" + \
        ("" if result.tokens.exact else " (estimate)")
    score = result.score and result.score_before and \
        f"Score {result.score_before.value:.2f} → {result.score.value:.2f}"
    time = "from the cache" if result.cache_hit else f"{result.seconds:.1f} s"
    return spoke, tokens or "", score or "", time


def _why(result: EnhanceResult) -> str:
    """The levels that were tried and left, with the reason."""
    left = [a for a in result.attempts if a.outcome != "accepted"]
    if not left:
        return ""
    lines = "".join(f"<li>{esc(a.provider.value)}: {esc(a.outcome)}{esc(f' – {a.reason}') if a.reason else ''}</li>"
                    for a in left)
    return f'<details><summary>What was tried first</summary><ul class="w-quiet">{lines}</ul></details>'


# -- wiring -----------------------------------------------------------------------------------------------------


def wire(own: Enhance, prompt: gr.Textbox, message: gr.HTML, inputs: list[Any], studio: Studio,
         live: gr.HTML) -> None:
    """`inputs` are the form's fields, in order; `live` fires `enhance` when something changed."""
    desk = studio.enhancing

    def choose(mode: str, text: str) -> list[Any]:
        review = mode == "review"
        if not review:
            desk.dismiss()
        return [gr.update(visible=review), gr.update(visible=review and bool(text)), panel_html(desk.current)]

    own.mode.input(choose, [own.mode, own.text], [own.ask, own.text, own.panel], **QUIET)

    def ask(*values: Any) -> list[Any]:
        _, problem = attempt(lambda: desk.start(_request(studio, FormValues.of(values))))
        return [problem, panel_html(desk.current)]

    own.ask.click(ask, inputs, [message, own.panel], trigger_mode="once", **QUIET)

    def act(event: gr.EventData, *values: Any) -> list[Any]:
        action, text, problem = event._data["action"], gr.skip(), ""
        if action == "accept":
            taken = desk.accept()
            text = gr.skip() if taken is None else gr.update(value=taken, visible=True)
        elif action == "again":
            _, problem = attempt(lambda: desk.start(_request(studio, FormValues.of(values), again=True)))
        elif action == "cancel":
            desk.cancel()
        else:
            desk.dismiss()
        return [problem, panel_html(desk.current), text]

    own.panel.click(act, inputs, [message, own.panel, own.text], **QUIET)
    live.enhance(lambda: panel_html(desk.current), None, own.panel, trigger_mode="always_last", **QUIET)
    prompt.change(None, [prompt, own.text], own.text, js="(prompt, text) => prompt.trim() ? text : ''")


def _request(studio: Studio, values: FormValues, *, again: bool = False) -> Any:
    """The enhancement that the form asks for; again means another seed."""
    if not (values.prompt or "").strip():
        raise RequestError("The prompt is empty.", field="prompt", fix="Say in a few words what the video shows.")
    if (values.many or "whole") != "whole":
        raise RequestError("Review looks at one prompt.", field="enhance",
                           fix="Choose Automatic for many prompts, or use the whole text as one.")
    settings = studio.settings
    request = replace(values, enhanced="").to_request(form.spec_of(studio.engines, values))
    asked = enhance_request_of(request, provider=settings.enhancer_provider, model=settings.enhancer_model,
                               quality=settings.enhancer_quality)
    return replace(asked, enhancement_type="manual", seed=secrets.randbelow(2**31) if again else asked.seed)
