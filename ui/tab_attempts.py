"""Attempts: stills to begin with, several versions of each scene, scores, a person's choice, and again until it is
right."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from wgp_core.attempts.rounds import MOST_ATTEMPTS
from wgp_core.context import Studio
from wgp_core.errors import QueueError
from wgp_core.marked import text_of, with_text
from wgp_core.request import CameraMovement

from . import attempts_film
from .attempts_ask import ATTEMPTS, CAMERAS, SEED_WORDS, Ask, asked, build_ask, fill_ask
from .attempts_film import FilmPanel
from .attempts_page import Page, decide, parts_of, read_page, scene_choices, scene_in_work, start_of, titled
from .attempts_view import works_html
from .components import QUIET, action_html, asset, attempt, notice, plain_html
from .window import GENERATE, Window
from .words import esc

ID, LABEL = "attempts", "Attempts"
SHOW_HERO = "() => document.querySelector('#hero-editor')?.scrollIntoView({ behavior: 'smooth', block: 'center' })"
SHOW_ROUND = "() => document.querySelector('#attempts-round')?.scrollIntoView({ behavior: 'smooth', block: 'start' })"


@dataclass(frozen=True)
class HeroEditor:
    """Draws a still again. `hero` is the id of the still, empty for none."""

    box: gr.Column
    title: gr.HTML
    prompt: gr.Textbox
    negative: gr.Textbox
    seed: gr.Number
    draw: gr.Button
    leave: gr.Button
    hero: gr.State


@dataclass(frozen=True)
class Again:
    """The form of the next round. `parent` is the attempt that it goes on from, `start` the words it began with."""

    box: gr.Column
    title: gr.HTML
    prompt: gr.Textbox
    negative: gr.Textbox
    camera: gr.Dropdown
    seed: gr.Number
    hero: gr.Radio
    count: gr.Slider
    go: gr.Button
    rounds: gr.Slider
    refine: gr.Button
    note: gr.Textbox
    keep_note: gr.Button
    parent: gr.State
    start: gr.State

    @property
    def filled(self) -> list[Any]:
        """The components that `fill_again` sets."""
        return [self.title, self.prompt, self.negative, self.camera, self.seed, self.hero, self.note, self.parent,
                self.start]


@dataclass(frozen=True)
class Attempts:
    """The tab's parts. `scene` is the id of the scene that is shown, `round` of the round in the players, empty for the
    newest.

    Handlers take the scene from here, not from `chosen`: a page may ask before it has heard of a new list of scenes.
    """

    ask: Ask
    message: gr.HTML
    work: gr.HTML
    chosen: gr.Dropdown
    heroes: gr.HTML
    hero_editor: HeroEditor
    players: gr.HTML
    suggestions: gr.HTML
    again: Again
    history: gr.HTML
    film: FilmPanel
    scene: gr.State
    round: gr.State

    @property
    def place(self) -> list[Any]:
        """Where one is: scene, round, and the attempt that the next round goes on from."""
        return [self.scene, self.round, self.again.parent]

    @property
    def views(self) -> list[Any]:
        """The components of `_views`."""
        return [self.work, self.heroes, self.players, self.suggestions, self.history, self.film.html]


def build(studio: Studio) -> Attempts:
    scene = scene_in_work(studio)
    with gr.Column(elem_id="attempts-body"):
        ask = build_ask(studio)
        message = plain_html(elem_id="attempts-message")
        work = action_html(works_html(studio.attempts.works()), elem_id="attempts-work")
        chosen = gr.Dropdown(scene_choices(studio), value=scene, label="Scene", elem_id="attempts-scene")
        heroes = action_html(elem_id="attempts-heroes")
        hero_editor = _build_hero_editor()
        players = action_html(elem_id="attempts-round", script=asset("players.js"))
        suggestions = action_html(elem_id="attempts-suggestions")
        again = _build_again()
        history = action_html(elem_id="attempts-history")
        film = attempts_film.build()
    return Attempts(ask, message, work, chosen, heroes, hero_editor, players, suggestions, again, history, film,
                    gr.State(""), gr.State(""))


def _build_hero_editor() -> HeroEditor:
    with gr.Column(visible=False, elem_id="hero-editor") as box:
        title = plain_html()
        prompt = gr.Textbox(label="Prompt", lines=2, max_lines=6, elem_id="hero-prompt")
        with gr.Row(elem_classes="w-pair w-bottom"):
            negative = gr.Textbox(label="Must not be in it", max_lines=3, min_width=220, elem_id="hero-negative")
            seed = gr.Number(-1, label="Seed (-1 draws another)", precision=0, minimum=-1, min_width=110,
                             elem_id="hero-seed")
        with gr.Row():
            draw = gr.Button("Draw it", variant="primary", size="sm", scale=0, min_width=120, elem_id="hero-draw")
            leave = gr.Button("Leave as it was", size="sm", scale=0, min_width=140)
    return HeroEditor(box, title, prompt, negative, seed, draw, leave, gr.State(""))


def _build_again() -> Again:
    with gr.Column(elem_id="attempts-again") as box:
        title = plain_html()
        prompt = gr.Textbox(label="Prompt", lines=2, max_lines=8, elem_id="again-prompt")
        with gr.Row(elem_classes="w-pair w-bottom"):
            negative = gr.Textbox(label="Must not be in it", max_lines=3, min_width=200, elem_id="again-negative")
            camera = gr.Dropdown(CAMERAS, value="static", label="Camera", min_width=140, elem_id="again-camera")
            seed = gr.Number(-1, label=SEED_WORDS, precision=0, minimum=-1, min_width=110, elem_id="again-seed")
            hero = gr.Radio([("The chosen hero frame", True), ("No still", False)], value=True, label="Begins with",
                            min_width=220, elem_id="again-hero")
        with gr.Row(elem_classes="w-pair w-bottom"):
            count = gr.Slider(1, MOST_ATTEMPTS, ATTEMPTS, step=1, label="Attempts", min_width=140,
                              elem_id="again-count")
            go = gr.Button("Make attempts", variant="primary", size="md", min_width=150, elem_id="again-go")
        with gr.Row(elem_classes="w-pair w-bottom", elem_id="again-itself"):
            rounds = gr.Slider(1, 5, 1, step=1, label="Or by itself: rounds of suggestion and attempts, kept where the "
                               "score rises", min_width=140, elem_id="again-rounds")
            refine = gr.Button("Refine by itself", size="md", min_width=150, elem_id="again-refine")
        with gr.Row(elem_classes="w-pair w-bottom", elem_id="again-notes"):
            note = gr.Textbox(label="Notes on the round that is shown", max_lines=4, min_width=260, scale=4,
                              elem_id="attempts-note")
            keep_note = gr.Button("Keep note", size="sm", scale=0, min_width=110, elem_id="attempts-keep-note")
    return Again(box, title, prompt, negative, camera, seed, hero, count, go, rounds, refine, note, keep_note,
                 gr.State(""), gr.State(None))


def wire(own: Attempts, window: Window) -> None:
    _wire_showing(own, window)
    _wire_ask(own, window)
    _wire_heroes(own, window.studio)
    _wire_round(own, window.studio)
    _wire_again(own, window.studio)


# -- what is shown ----------------------------------------------------------------------------------------------


def _views(studio: Studio, page: Page | None, parent: str) -> list[str]:
    """HTML for work, hero frames, players, suggestions, rounds and film."""
    parts = parts_of(studio, page, parent)
    return [works_html(studio.attempts.works()), parts.heroes, parts.round, parts.suggestions, parts.history,
            parts.film]


def _views_at(studio: Studio, scene: str, round_id: str, parent: str) -> list[str]:
    return _views(studio, read_page(studio, scene, round_id), parent)


def _all_at(studio: Studio, scene: str, round_id: str, parent: str | None = None) -> list[Any]:
    """Updates for `Attempts.views` and `Again.filled`; without a parent the next round goes on from the version in
    use.
    """
    page = read_page(studio, scene, round_id)
    if parent is None:
        parent = (page and page.scene.selected_attempt_id) or ""
    return [*_views(studio, page, parent), *fill_again(studio, page, parent)]


def fill_again(studio: Studio, page: Page | None, parent: str) -> list[Any]:
    """Updates for `Again.filled`: the next round as it would be from an attempt."""
    if page is None:
        return [gr.skip()] * 9
    request = start_of(studio, page.scene.id, parent)
    chosen = page.scene.hero_frame_id is not None
    title = f'<h3 class="w-section">{esc(titled(page, parent))}</h3>'
    notes = page.shown.iteration.notes if page.shown else ""
    return [title, text_of(request.prompt), request.negative_prompt, request.camera.value, -1,
            gr.update(visible=chosen, value=chosen), notes, parent, _started(page)]


def _wire_showing(own: Attempts, window: Window) -> None:
    studio = window.studio
    everything = [own.message, own.round, *own.views, *own.again.filled, own.scene, own.chosen]

    def show(scene: str, round_id: str) -> list[Any]:
        """Everything, for another scene or round."""
        shown, problem = attempt(lambda: _all_at(studio, scene, round_id))
        rest = shown or [gr.skip()] * (len(everything) - 4)
        return [problem, round_id, *rest, scene, gr.update(choices=scene_choices(studio), value=scene)]

    own.chosen.input(lambda scene: show(scene, ""), own.chosen, everything, **QUIET)

    def hear(scene: str, round_id: str, parent: str, start: Any) -> list[Any]:
        """What has gone on. The form of the next round is filled anew only where a round has ended."""
        scene = scene if _there(studio, scene) else scene_in_work(studio)
        page, problem = attempt(lambda: read_page(studio, scene, round_id))
        if problem:
            return [problem, *[gr.skip()] * (len(everything) - 3), scene, gr.skip()]
        if page is not None and start != _started(page) and (start is None or not page.busy):
            return show(scene, "")
        views, problem = attempt(lambda: _views(studio, page, parent))
        return [problem or gr.skip(), gr.skip(), *(views or [gr.skip()] * len(own.views)),
                *[gr.skip()] * len(own.again.filled), scene, gr.skip()]

    known = [*own.place, own.again.start]
    window.live.attempts(hear, known, everything, trigger_mode="always_last", **QUIET)

    def come(scene: str, *rest: Any) -> list[Any]:
        """The same, and the list of scenes, when the tab is opened."""
        *updates, shown, _ = hear(scene, *rest)
        return [*updates, shown, gr.update(choices=scene_choices(studio), value=shown)]

    gr.on([window.items[ID].select, window.blocks.load], come, known, everything, **QUIET)

    def see(event: gr.EventData, scene: str) -> list[Any]:
        action, item = event._data["action"], event._data["id"]
        return show(item, "") if action == "scene" else show(scene, item) if action == "show" else [
            gr.skip()] * len(everything)

    own.history.click(see, own.scene, everything, **QUIET).then(None, None, None, js=SHOW_ROUND)
    own.film.html.click(see, own.scene, everything, **QUIET)

    def act_on_work(event: gr.EventData) -> list[Any]:
        change = studio.attempts.cancel if event._data["action"] == "cancel" else studio.attempts.dismiss
        _, problem = attempt(lambda: change(event._data["id"]))
        return [problem, works_html(studio.attempts.works())]

    own.work.click(act_on_work, None, [own.message, own.work], **QUIET)

    attempts_film.wire(own.film, studio, own.message, own.work)


def _there(studio: Studio, scene: str) -> bool:
    return any(value == scene for _, value in scene_choices(studio)) and bool(scene)


def _started(page: Page) -> list[Any]:
    """What the form of the next round was filled for."""
    return [page.scene.id, page.rounds[-1].iteration.id if page.rounds else "", page.scene.hero_frame_id,
            page.scene.selected_attempt_id]


# -- a new scene ------------------------------------------------------------------------------------------------


def _wire_ask(own: Attempts, window: Window) -> None:
    studio, ask, desk = window.studio, own.ask, window.studio.attempts
    outputs = [own.message, own.round, *own.views, *own.again.filled, own.scene, own.chosen]

    def begin(scene: str, heroes: float, count: float, hero_model: str, enhance: bool, following: bool,
              *values: Any) -> list[Any]:
        def start() -> str:
            request = asked(studio, *values)
            request.check()
            work_id = studio.store.attempts.scene(scene).work_id if following and scene else ""
            made = desk.new_scene(request, work_id)
            if heroes:
                desk.heroes(made.id, count=int(heroes), model=hero_model or "", enhance=bool(enhance))
            else:
                desk.attempts(made.id, n=int(count))
            return made.id

        made, problem = attempt(start)
        shown = made or scene
        views, worse = attempt(lambda: _all_at(studio, shown, ""))
        return [problem or worse, "", *(views or [gr.skip()] * (len(outputs) - 4)), shown,
                gr.update(choices=scene_choices(studio), value=shown)]

    ask.make.click(begin, [own.scene, ask.heroes, ask.count, ask.hero_model, ask.enhance, ask.following, *ask.values],
                   outputs, trigger_mode="once", **QUIET)
    ask.count.change(lambda count: count, ask.count, own.again.count, **QUIET)
    ask.carried.click(lambda: fill_ask(studio, None), None, ask.filled, **QUIET)

    def take(event: gr.EventData) -> list[Any]:
        nothing = [gr.skip()] * (len(ask.filled) + 1)
        if event._data["action"] != "attempts":
            return nothing
        filled, _ = attempt(lambda: fill_ask(studio, studio.store.library.get(event._data["id"]).request))
        return nothing if filled is None else [gr.Tabs(selected=ID), *filled]

    sources = [window.tabs[GENERATE].result.click, window.tabs["library"].details.click]
    gr.on(sources, take, None, [window.strip, *ask.filled], **QUIET)


# -- hero frames ------------------------------------------------------------------------------------------------


def _wire_heroes(own: Attempts, studio: Studio) -> None:
    desk, editor = studio.attempts, own.hero_editor
    outputs = [own.message, editor.box, *own.views, *own.again.filled]

    def act(event: gr.EventData, scene: str, round_id: str, model: str, enhance: bool) -> list[Any]:
        action, item = event._data["action"], event._data["id"]
        actions = {"take-hero": lambda: desk.select_hero(item), "no-hero": lambda: desk.select_hero(None, scene),
                   "more-heroes": lambda: desk.heroes(scene, model=model or "", enhance=bool(enhance))}
        if action not in actions:
            return [gr.skip()] * len(outputs)
        _, problem = attempt(actions[action])
        shown, worse = attempt(lambda: _all_at(studio, scene, round_id))
        return [problem or worse, gr.update(visible=False), *(shown or [gr.skip()] * (len(outputs) - 2))]

    own.heroes.click(act, [own.scene, own.round, own.ask.hero_model, own.ask.enhance], outputs, **QUIET)

    def edit(event: gr.EventData) -> list[Any]:
        if event._data["action"] != "redraw-hero":
            return [gr.skip()] * 6
        hero, problem = attempt(lambda: studio.store.attempts.hero(event._data["id"]))
        if hero is None:
            return [problem, *[gr.skip()] * 5]
        title = f'<h3 class="w-section">Draw frame {hero.number} again</h3>'
        return ["", gr.update(visible=True), title, hero.prompt, hero.negative_prompt, hero.id]

    own.heroes.click(edit, None, [own.message, editor.box, editor.title, editor.prompt, editor.negative, editor.hero],
                     **QUIET).then(None, None, None, js=SHOW_HERO)

    def draw(hero_id: str, prompt: str, negative: str, seed: float | None) -> list[Any]:
        _, problem = attempt(lambda: desk.redraw_hero(hero_id, prompt=(prompt or "").strip(),
                                                      negative_prompt=(negative or "").strip(),
                                                      seed=-1 if seed is None else int(seed)))
        return [problem, gr.skip() if problem else gr.update(visible=False), works_html(desk.works())]

    editor.draw.click(draw, [editor.hero, editor.prompt, editor.negative, editor.seed],
                      [own.message, editor.box, own.work], trigger_mode="once", **QUIET)
    editor.leave.click(lambda: gr.update(visible=False), None, editor.box, **QUIET)


# -- the round that is shown ------------------------------------------------------------------------------------


def _wire_round(own: Attempts, studio: Studio) -> None:
    desk = studio.attempts
    outputs = [own.message, *own.views, *own.again.filled]

    def act(event: gr.EventData, scene: str, round_id: str, parent: str) -> list[Any]:
        action, item = event._data["action"], event._data["id"]
        actions = {"use": lambda: desk.select(item), "flag": lambda: desk.flag(item, True),
                   "unflag": lambda: desk.flag(item, False), "resume": lambda: desk.resume(item), "again": lambda: None}
        _, problem = attempt(actions[action])
        if action in ("use", "again") and not problem:
            shown, worse = attempt(lambda: _all_at(studio, scene, round_id, item))
            return [worse, *(shown or [gr.skip()] * (len(outputs) - 1))]
        views, worse = attempt(lambda: _views_at(studio, scene, round_id, parent))
        return [problem or worse, *(views or [gr.skip()] * len(own.views)), *[gr.skip()] * len(own.again.filled)]

    own.players.click(act, own.place, outputs, **QUIET)

    def answer(event: gr.EventData, scene: str, round_id: str, parent: str, prompt: str, negative: str) -> list[Any]:
        data, accept = event._data, event._data["action"] == "accept"
        if data["action"] == "ask-model":
            _, problem = attempt(lambda: desk.ask_model(data["id"]))
            views, worse = attempt(lambda: _views_at(studio, scene, round_id, parent))
            return [problem or worse, *(views or [gr.skip()] * len(own.views)), gr.skip(), gr.skip()]
        words, problem = attempt(lambda: decide(studio, data["attempt"], data["id"], accept, (prompt, negative)))
        views, worse = attempt(lambda: _views_at(studio, scene, round_id, parent))
        told = notice("It is in the prompt below. Make attempts to see what it does.", kind="good") if accept else ""
        return [problem or worse or told, *(views or [gr.skip()] * len(own.views)), *(words or (prompt, negative))]

    own.suggestions.click(answer, [*own.place, own.again.prompt, own.again.negative],
                          [own.message, *own.views, own.again.prompt, own.again.negative], **QUIET)


# -- another round ----------------------------------------------------------------------------------------------


def _wire_again(own: Attempts, studio: Studio) -> None:
    again, desk = own.again, studio.attempts

    def go(scene: str, parent: str, prompt: str, negative: str, camera: str, seed: float | None, hero: bool,
           count: float) -> list[Any]:
        def start() -> Any:
            if not scene:
                raise QueueError("There is no scene.", fix="Say above what the video shows, and press Begin.")
            before = start_of(studio, scene, parent)
            request = before.with_(
                prompt=with_text(before.prompt, (prompt or "").strip()), negative_prompt=(negative or "").strip(),
                camera=CameraMovement(camera), seed=-1 if seed is None else int(seed))
            return desk.attempts(scene, n=int(count), request=request, parent_attempt_id=parent or "", hero=bool(hero))

        _, problem = attempt(start)
        return [problem, "", works_html(desk.works())]

    told = [own.message, own.round, own.work]
    again.go.click(go, [own.scene, again.parent, again.prompt, again.negative, again.camera, again.seed, again.hero,
                        again.count], told, trigger_mode="once", **QUIET)

    def refine(parent: str, rounds: float, count: float) -> list[Any]:
        def start() -> Any:
            if not parent:
                raise QueueError("There is no version to refine.", fix="Make attempts first.")
            return desk.refine(parent, rounds=int(rounds), n=int(count))

        _, problem = attempt(start)
        return [problem, "", works_html(desk.works())]

    again.refine.click(refine, [again.parent, again.rounds, again.count], told, trigger_mode="once", **QUIET)

    def keep(scene: str, round_id: str, parent: str, text: str) -> list[Any]:
        def change() -> Any:
            page = read_page(studio, scene, round_id)
            if page is None or page.shown is None:
                raise QueueError("There is no round to note something on.", fix="Make attempts first.")
            return desk.note(page.shown.iteration.id, (text or "").strip())

        _, problem = attempt(change)
        views, worse = attempt(lambda: _views_at(studio, scene, round_id, parent))
        return [problem or worse, *(views or [gr.skip()] * len(own.views))]

    again.keep_note.click(keep, [*own.place, again.note], [own.message, *own.views], **QUIET)
