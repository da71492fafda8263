"""The form of a new scene of attempts: what it shows, how long and how large, who draws it, and how often."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import gradio as gr

from wgp_core.attempts.heroes import MOST_HEROES
from wgp_core.attempts.rounds import MOST_ATTEMPTS
from wgp_core.context import Studio
from wgp_core.errors import RequestError
from wgp_core.marked import text_of
from wgp_core.planning.story.shots import MOVES
from wgp_core.request import CameraMovement, EngineChoice, VideoRequest
from wgp_core.resolve import new_request

from . import form
from .components import Action, action_html, actions_row, notice
from .filling import model_choices
from .words import short

HEROES, ATTEMPTS = 4, 3
LOCAL = "local"
CAMERAS = [(words.capitalize(), one.value) for one, words in MOVES.items()]
SEED_WORDS = "First seed (-1 draws them)"


@dataclass(frozen=True)
class Ask:
    """The form of a new scene. `base` is a request, as JSON, whose other settings are used; None for fresh ones."""

    prompt: gr.Textbox
    heroes: gr.Slider
    count: gr.Slider
    make: gr.Button
    base: gr.State
    carried: gr.HTML
    negative: gr.Textbox
    camera: gr.Dropdown
    seconds: gr.Number
    size: gr.Dropdown
    seed: gr.Number
    model: gr.Dropdown
    hero_model: gr.Dropdown
    enhance: gr.Checkbox
    following: gr.Checkbox

    @property
    def values(self) -> list[Any]:
        """The components of `asked`, in order."""
        return [self.base, self.prompt, self.negative, self.camera, self.seconds, self.size, self.seed, self.model]

    @property
    def filled(self) -> list[Any]:
        """The components that `fill_ask` sets."""
        return [*self.values, self.carried]


def build_ask(studio: Studio) -> Ask:
    with gr.Row(elem_id="attempts-ask"):
        with gr.Column(scale=3, min_width=300):
            prompt = gr.Textbox(label="What the video shows", lines=3, max_lines=10, elem_id="attempts-prompt",
                                placeholder="a red fox runs through deep snow at dawn")
            carried = action_html(elem_id="attempts-carried")
        with gr.Column(scale=2, min_width=280):
            with gr.Row(elem_classes="w-pair w-bottom"):
                heroes = gr.Slider(0, MOST_HEROES, HEROES, step=1, label="Hero frames", min_width=130,
                                   info="Stills to choose the beginning from; 0 for none", elem_id="attempts-heroes-n")
                count = gr.Slider(1, MOST_ATTEMPTS, ATTEMPTS, step=1, label="Attempts", min_width=130,
                                  info="Versions of the video, scored and ranked", elem_id="attempts-count")
            make = gr.Button("Begin", variant="primary", size="md", elem_id="attempts-make")
    with gr.Accordion("Length, size, camera, seed, what draws", open=False, elem_id="attempts-more"):
        negative = gr.Textbox(label="Must not be in it", max_lines=3, elem_id="attempts-negative")
        with gr.Row(elem_classes="w-pair w-bottom"):
            seconds = gr.Number(label="Seconds", minimum=0.2, maximum=600, min_width=90, elem_id="attempts-seconds",
                                placeholder="automatic")
            size = gr.Dropdown(_sizes(studio), value="", label="Size", allow_custom_value=True, min_width=150,
                               elem_id="attempts-size")
            camera = gr.Dropdown(CAMERAS, value="static", label="Camera", min_width=150, elem_id="attempts-camera")
            seed = gr.Number(-1, label=SEED_WORDS, precision=0, minimum=-1, min_width=110, elem_id="attempts-seed")
        with gr.Row(elem_classes="w-pair w-bottom"):
            model = gr.Dropdown(_models(studio), value="", label="Video drawn by", min_width=170,
                                elem_id="attempts-model")
            hero_model = gr.Dropdown([("What suits the video", ""), *model_choices(studio)[1:]], value="",
                                     label="Hero frames drawn by", min_width=170)
            enhance = gr.Checkbox(label="Enhance the prompt of the hero frames", min_width=200)
            following = gr.Checkbox(label="Next scene of the film that is shown", min_width=200,
                                    elem_id="attempts-following")
    return Ask(prompt, heroes, count, make, gr.State(None), carried, negative, camera, seconds, size, seed, model,
               hero_model, enhance, following)


def _models(studio: Studio) -> list[tuple[str, str]]:
    return [("Best there is", ""), *model_choices(studio)[1:], ("The local engine", LOCAL)]


def _sizes(studio: Studio) -> list[tuple[str, str]]:
    spec = form.effective_spec(studio.engines, "auto")
    return [("Automatic", ""), *(choice for choice in form.size_choices(spec) if choice[1] != form.CUSTOM)]


def asked(studio: Studio, base: dict[str, Any] | None, prompt: str, negative: str, camera: str, seconds: float | None,
          size: str, seed: float | None, model: str) -> VideoRequest:
    """The request of a new scene. Raises `RequestError`."""
    request = VideoRequest.from_dict(base) if base else new_request(studio.settings)
    text = (prompt or "").strip()
    width, height = _size(size)
    same_length = base is not None and seconds == _seconds(request)
    length = {} if same_length else {"seconds": seconds or None, "frames": None}
    return request.with_(
        prompt=request.prompt if base and text == text_of(request.prompt) else text,
        negative_prompt=(negative or "").strip(), camera=CameraMovement(camera), width=width, height=height,
        seed=-1 if seed is None else int(seed), engine=EngineChoice.LOCAL if model == LOCAL else EngineChoice.AUTO,
        model=None if model == LOCAL else model or None, output=replace(request.output, path=None), **length)


def _size(text: str | None) -> tuple[int | None, int | None]:
    words = (text or "").lower().replace("×", "x").replace(" ", "")
    if not words:
        return None, None
    width, _, height = words.partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise RequestError(f"The size {text!r} cannot be read.", field="size", fix="Write it as 832x480.")
    return int(width), int(height)


def _seconds(request: VideoRequest) -> float | None:
    if request.seconds is None and request.frames and request.fps:
        return round(request.frames / request.fps, 3)
    return request.seconds


def fill_ask(studio: Studio, request: VideoRequest | None) -> list[Any]:
    """Updates for `Ask.filled`: a request whose settings are used, or None for fresh ones."""
    if request is None:
        return [None, "", "", "static", None, "", -1, "", ""]
    size = f"{request.width}x{request.height}" if request.width and request.height else ""
    model = LOCAL if request.engine is EngineChoice.LOCAL else request.model or ""
    told = notice(f"With the settings of “{short(text_of(request.prompt), 60)}”.",
                  extra=actions_row((Action("drop", "Use fresh ones"),), id="base"))
    known = {value for _, value in _models(studio)}
    return [request.to_dict(), text_of(request.prompt), request.negative_prompt, request.camera.value,
            _seconds(request), size, request.seed if request.seed >= 0 else -1, model if model in known else "", told]
