"""How the film of a work is finished: cross-fade, name and sound, below the scenes that it joins."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.jobs.attempt_desk import CROSSFADE_S

from .attempts_view import works_html
from .components import QUIET, action_html, attempt, sound_html
from .words import duration

CROSSFADES = (0.0, 0.2, CROSSFADE_S, 0.8, 1.5, 3.0)
NO_SOUND = "The first soundtrack that a scene asks for"


@dataclass(frozen=True)
class FilmPanel:
    """`html` shows the scenes and the film. `chosen` is the path of the uploaded sound, empty for none."""

    html: gr.HTML
    crossfade: gr.Dropdown
    name: gr.Textbox
    sound: gr.UploadButton
    told: gr.HTML
    chosen: gr.State


def build() -> FilmPanel:
    html = action_html(elem_id="attempts-film")
    with gr.Accordion("Cross-fade, name and sound of the film", open=False, elem_id="attempts-film-more"):
        with gr.Row(elem_classes="w-pair w-bottom"):
            crossfade = gr.Dropdown([(duration(value) if value else "Cut", value) for value in CROSSFADES],
                                    value=CROSSFADE_S, label="From scene to scene", min_width=150,
                                    elem_id="attempts-crossfade")
            name = gr.Textbox(label="File name", placeholder="That of the first scene", max_lines=1, max_length=100,
                              min_width=200, elem_id="attempts-film-name")
        with gr.Row(elem_classes="w-sound"):
            sound = gr.UploadButton("Choose a soundtrack", size="sm", file_types=["audio", "video"], scale=0,
                                    min_width=170, elem_id="attempts-sound")
            told = action_html(sound_html(None, NO_SOUND), elem_id="attempts-sound-told")
    return FilmPanel(html, crossfade, name, sound, told, gr.State(""))


def wire(panel: FilmPanel, studio: Studio, message: gr.HTML, work: gr.HTML) -> None:
    desk = studio.attempts

    def finish(event: gr.EventData, crossfade: float, name: str, sound: str) -> list[Any]:
        if event._data["action"] != "finalize":
            return [gr.skip()] * 2
        _, problem = attempt(lambda: desk.finalize(event._data["id"], float(crossfade), Path(sound) if sound else None,
                                                   (name or "").strip()))
        return [problem, works_html(desk.works())]

    panel.html.click(finish, [panel.crossfade, panel.name, panel.chosen], [message, work], **QUIET)
    chosen = [panel.chosen, panel.told]
    panel.sound.upload(lambda source: [source, sound_html(Path(source), NO_SOUND)], panel.sound, chosen, **QUIET)
    panel.told.click(lambda: ["", sound_html(None, NO_SOUND)], None, chosen, **QUIET)
