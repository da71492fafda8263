"""Storyboard: a story becomes scenes, the scenes frames, and the frames a film; each can be changed on the way."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from wgp_core.context import Studio
from wgp_core.errors import QueueError
from wgp_core.jobs.storyboard_desk import StoryAsk
from wgp_core.jobs.storyboard_tasks import board_files
from wgp_core.planning.story.board import LEAST_SCENES, MOST_SCENES, SCENES, Bible, Character, StoryScene
from wgp_core.planning.story.character_line import character_line, read_character
from wgp_core.planning.story.shots import MOVES, Shot, Transition, movement_of, shot_of
from wgp_core.prompts.enhancement import Provider
from wgp_core.request import CameraMovement, EngineChoice
from wgp_core.storyboard.project import BoardProject

from .components import QUIET, Action, action_html, actions_row, attempt, notice, plain_html, sound_html
from .filling import model_choices
from .storyboard_view import Card, board_html, files_html, film_html, head_html, heat_html, work_html
from .window import Window
from .words import duration, short

ID, LABEL = "storyboard", "Storyboard"
EXAMPLES = ("a trickster sells a wealthy merchant a magical pot",
            "A lighthouse keeper finds a message in a bottle and rows out into the storm to save the sender.",
            "A young robot learns to paint in an abandoned museum and shows its first picture to the city.",
            "A detective follows a masked violinist over the rooftops and discovers that she is his sister.")
PROVIDERS = {"By rules, at once": Provider.RULES, "Best language model": Provider.AUTO,
             "Language model here": Provider.LOCAL, "Language model of a server": Provider.OPENAI}
NO_BOARD = [("None yet", "")]
LOCAL = "local"
TRANSITIONS = {Transition.CUT: "Cuts", Transition.CROSSFADE: "Cross-fades",
               Transition.MATCH: "Match: a shot ends on the next frame"}
SECONDS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
SHOW_EDITOR = "() => document.querySelector('#frame-editor')?.scrollIntoView({ behavior: 'smooth', block: 'center' })"


@dataclass(frozen=True)
class SceneFields:
    """The editor of one scene; `values` are in the order of `FIELDS`."""

    box: gr.Column
    title: gr.HTML
    shot: gr.Dropdown
    move: gr.Dropdown
    values: list[Any]
    keep: gr.Button
    leave: gr.Button


FIELDS = ("description", "mood", "setting", "lighting", "seconds", "prompt", "negative_prompt", "motion")


@dataclass(frozen=True)
class FilmFields:
    """How the film of the shown board is made; each is kept when it is changed. `told` names the soundtrack."""

    transition: gr.Dropdown
    seconds: gr.Dropdown
    model: gr.Dropdown
    subtitles: gr.Checkbox
    sound: gr.UploadButton
    told: gr.HTML

    @property
    def all(self) -> list[Any]:
        return [self.transition, self.seconds, self.model, self.subtitles, self.told]


@dataclass(frozen=True)
class Storyboard:
    """The tab's parts. `number` is the scene that is edited, from 1; 0 for none."""

    story: gr.Textbox
    examples: gr.HTML
    count: gr.Slider
    provider: gr.Dropdown
    model: gr.Dropdown
    characters: gr.Textbox
    style: gr.Textbox
    seed: gr.Number
    make: gr.Button
    message: gr.HTML
    work: gr.HTML
    chosen: gr.Dropdown
    drop: gr.Button
    view: gr.Radio
    head: gr.HTML
    how: FilmFields
    editor: SceneFields
    board: gr.HTML
    heat: gr.HTML
    film: gr.HTML
    files: gr.HTML
    number: gr.State

    @property
    def form(self) -> list[Any]:
        """What a story is asked for with, in the order of `ask_of`."""
        return [self.story, self.count, self.provider, self.model, self.characters, self.style, self.seed]


def build(studio: Studio) -> Storyboard:
    with gr.Column(elem_id="board-body"):
        with gr.Row(elem_id="board-ask"):
            with gr.Column(elem_id="board-story-box", scale=3, min_width=300):
                story = gr.Textbox(label="Story", lines=3, max_lines=12,
                                   placeholder="One sentence or a page: who does what, where, and how it ends",
                                   elem_id="board-story")
                examples = action_html(_examples(), elem_id="board-examples")
            with gr.Column(elem_id="board-how", scale=2, min_width=280):
                with gr.Row(elem_classes="w-pair w-bottom"):
                    count = gr.Slider(LEAST_SCENES, MOST_SCENES, SCENES, step=1, label="Scenes", elem_id="board-count",
                                      min_width=120)
                    provider = gr.Dropdown([(words, kind.value) for words, kind in PROVIDERS.items()],
                                           value=Provider.RULES.value, label="Broken down", min_width=170,
                                           elem_id="board-provider")
                make = gr.Button("Break down", variant="primary", size="md", elem_id="board-make")
        with gr.Accordion("Characters, style, and what draws", open=False, elem_id="board-more"):
            characters = gr.Textbox(label="Characters", lines=2, max_lines=8, elem_id="board-characters",
                                    info="One a line: name = token @ LoRA | how they look. All but the name may be "
                                    "left out; the token is the trigger word of a LoRA in the folder loras, as in: "
                                    "Aldar Kose = aldar_kose_man @ aldar.safetensors")
            with gr.Row(elem_classes="w-pair w-bottom"):
                style = gr.Textbox(label="Style of all frames", max_lines=2, min_width=220, elem_id="board-style",
                                   placeholder="ink and watercolour, muted colours")
                model = gr.Dropdown(_models(studio), value="", label="Drawn by", min_width=170, elem_id="board-model")
                seed = gr.Number(42, label="Seed", precision=0, minimum=0, maximum=2**31, min_width=90,
                                 elem_id="board-seed")
        message = plain_html(elem_id="board-message")
        work = action_html(work_html(studio.storyboards.line.works()), elem_id="board-work")
        with gr.Row(elem_classes="w-pair w-bottom", elem_id="board-choice"):
            chosen = gr.Dropdown(NO_BOARD, value="", label="Storyboard", min_width=220, scale=3,
                                 elem_id="board-chosen")
            view = gr.Radio(["Cards", "Grid"], value="Cards", show_label=False, container=False, min_width=140,
                            elem_id="board-view")
            drop = gr.Button("Delete", size="sm", scale=0, min_width=90, elem_id="board-drop")
        with gr.Row(elem_id="board-top"):
            with gr.Column(elem_id="board-about"):
                head = action_html(elem_id="board-head")
                files = plain_html(elem_id="board-files")
            film = plain_html(elem_id="board-film")
        how = _build_film(studio)
        editor = _build_editor()
        board = action_html(elem_id="board-cards")
        heat = plain_html(elem_id="board-heat")
    return Storyboard(story, examples, count, provider, model, characters, style, seed, make, message, work, chosen,
                      drop, view, head, how, editor, board, heat, film, files, gr.State(0))


def _examples() -> str:
    return actions_row([Action(f"example-{number}", short(text, 48), "small", title=text)
                        for number, text in enumerate(EXAMPLES)], id="example")


def _build_film(studio: Studio) -> FilmFields:
    with gr.Accordion("The film: transitions, length, sound", open=False, elem_id="board-film-how"):
        with gr.Row(elem_classes="w-pair w-bottom"):
            transition = gr.Dropdown([(words, kind.value) for kind, words in TRANSITIONS.items()], min_width=170,
                                     value=Transition.CROSSFADE.value, label="From shot to shot",
                                     elem_id="film-transition")
            seconds = gr.Dropdown(_lengths(None), value=0.0, label="Each shot", min_width=130, elem_id="film-seconds")
            model = gr.Dropdown(_models(studio), value="", label="Shots by", min_width=170, elem_id="film-model")
        with gr.Row(elem_classes="w-sound"):
            subtitles = gr.Checkbox(True, label="Subtitles", min_width=110, elem_id="film-subtitles")
            sound = gr.UploadButton("Choose a soundtrack", size="sm", file_types=["audio", "video"], scale=0,
                                    min_width=170, elem_id="film-sound")
            told = action_html(elem_id="film-told")
    return FilmFields(transition, seconds, model, subtitles, sound, told)


def _lengths(now: float | None) -> list[tuple[str, float]]:
    known: list[float] = sorted({*SECONDS, now} if now else SECONDS)
    return [("As its scene says", 0.0), *((duration(value), value) for value in known)]


def _build_editor() -> SceneFields:
    with gr.Column(visible=False, elem_id="frame-editor") as box:
        title = plain_html()
        description = gr.Textbox(label="What is seen", lines=2, max_lines=6, elem_id="frame-description")
        with gr.Row(elem_classes="w-pair"):
            shot = gr.Dropdown([(one.value.capitalize() if one is not Shot.POV else one.value, one.value)
                                for one in Shot], label="Shot", min_width=140, elem_id="frame-shot")
            move = gr.Dropdown([(words.capitalize(), one.value) for one, words in MOVES.items()], label="Camera",
                               min_width=140, elem_id="frame-move")
            mood = gr.Textbox(label="Mood", min_width=140, elem_id="frame-mood")
            seconds = gr.Number(label="Seconds", minimum=0.5, maximum=60, min_width=80, elem_id="frame-seconds")
        with gr.Row(elem_classes="w-pair"):
            setting = gr.Textbox(label="Where", min_width=160, elem_id="frame-setting")
            lighting = gr.Textbox(label="Light", min_width=160, elem_id="frame-lighting")
        prompt = gr.Textbox(label="Prompt of the picture", lines=2, max_lines=6, elem_id="frame-prompt",
                            info="Left as it is, it is written anew from what you change above.")
        negative = gr.Textbox(label="Must not be in it", max_lines=3, elem_id="frame-negative")
        motion = gr.Textbox(label="Prompt of the motion", lines=2, max_lines=4, elem_id="frame-motion")
        with gr.Row():
            keep = gr.Button("Keep changes", variant="primary", size="sm", scale=0, min_width=140, elem_id="frame-keep")
            leave = gr.Button("Leave as it was", size="sm", scale=0, min_width=140)
    return SceneFields(box, title, shot, move, [description, mood, setting, lighting, seconds, prompt, negative,
                                                motion], keep, leave)


def wire(own: Storyboard, window: Window) -> None:
    _wire_asking(own, window.studio)
    _wire_showing(own, window)
    _wire_board(own, window.studio)
    _wire_film(own, window.studio)
    _wire_editor(own, window.studio)


# -- what is shown ----------------------------------------------------------------------------------------------


def cards_of(project: BoardProject) -> list[Card]:
    """The scenes with their frames, as cards."""
    made = []
    for scene, frame in zip(project.board.scenes, project.frames, strict=True):
        notes = [frame.note] if frame.note else []
        if project.is_stale(frame.number):
            notes.append("The scene was changed after this picture was drawn.")
        if frame.marked:
            notes.append(f"Less alike than wanted after {frame.tries} tries"
                         + (f" ({frame.consistency:.2f})." if frame.consistency is not None else "."))
        made.append(Card(scene, frame.state.value, project.frame_path(frame.number) if frame.is_there else None,
                         tuple(notes)))
    return made


def _models(studio: Studio) -> list[tuple[str, str]]:
    return [*model_choices(studio), ("Sketches by the local engine", LOCAL)]


def _names(studio: Studio) -> list[tuple[str, str]]:
    return [(f"{short(one.board.story, 60)} · {one.folder.name.removeprefix('prompt_storyboard_')}", one.folder.name)
            for one in studio.storyboards.boards()] or NO_BOARD


def _views(studio: Studio, view: str) -> list[Any]:
    """HTML for work, head, board, heat map, film and files."""
    desk = studio.storyboards
    project, works = desk.shown, work_html(desk.line.works())
    if project is None:
        waits = any(work.open for work in desk.line.works())
        return [works, "", "" if waits else board_html(None, []), "", "", ""]
    cards, busy = cards_of(project), desk.line.busy(project.folder.name)
    board = board_html(project.board, cards, desk.breaches(project), grid=view == "Grid", busy=busy)
    film = film_html(project.film_path, project.frame_path(1))
    return [works, head_html(project.board, cards, busy=busy), board, _heat(project), film,
            files_html(board_files(project))]


def _heat(project: BoardProject) -> str:
    alike = {(one + 1, two + 1): value for one, row in enumerate(project.likeness) for two, value in enumerate(row)
             if value is not None}
    return heat_html(alike, [frame.number for frame in project.frames], threshold=project.threshold(),
                     label=project.measure or "measured")


def _choice(studio: Studio) -> Any:
    shown = studio.storyboards.shown
    return gr.update(choices=_names(studio), value=shown.folder.name if shown else "")


def _film_updates(project: BoardProject | None) -> list[Any]:
    """Updates for `FilmFields.all`."""
    if project is None:
        return [gr.skip()] * 5
    options = project.film_options
    model = LOCAL if options.engine is EngineChoice.LOCAL else options.model or ""
    return [options.transition.value, gr.update(choices=_lengths(options.seconds), value=options.seconds or 0.0), model,
            options.subtitles, sound_html(project.soundtrack)]


def _form_updates(project: BoardProject | None) -> list[Any]:
    """What the board was asked for, for the form: story, count, provider, model, characters, style, seed."""
    if project is None:
        return [gr.skip()] * 7
    board, options = project.board, project.options
    provider = board.provider if board.provider in set(Provider) else Provider.RULES.value
    lines = "\n".join(character_line(one) for one in board.bible.characters if not _from_story(one, board.story))
    model = LOCAL if options.engine is EngineChoice.LOCAL else options.model or ""
    return [board.story, min(max(len(board.scenes), LEAST_SCENES), MOST_SCENES), provider, model, lines,
            board.bible.style, options.base_seed]


def _from_story(character: Character, story: str) -> bool:
    """Whether the breakdown took a character from the story, so that it does not belong to the next one."""
    said = set(re.findall(r"\w+", story.lower())) | {"a", "an", "the"}
    told = re.findall(r"\w+", f"{character.name} {character.description}".lower())
    return not character.token and character.lora is None and said.issuperset(told)


def _wire_showing(own: Storyboard, window: Window) -> None:
    studio, desk = window.studio, window.studio.storyboards
    views = [own.work, own.head, own.board, own.heat, own.film, own.files]
    everything = [*views, own.chosen, *own.how.all]

    def redraw(view: str) -> list[Any]:
        shown, problem = attempt(lambda: [*_views(studio, view), _choice(studio), *_film_updates(desk.shown)])
        return shown or [problem, *[gr.skip()] * (len(everything) - 1)]

    gr.on([window.items[ID].select, window.blocks.load], redraw, own.view, everything, **QUIET)
    window.blocks.load(lambda: _form_updates(desk.shown), None, own.form, **QUIET)

    def hear(event: gr.EventData, view: str) -> list[Any]:
        if event._data.get("list"):
            return redraw(view)
        shown, problem = attempt(lambda: _views(studio, view))
        return [*(shown or [problem, *[gr.skip()] * (len(views) - 1)]),
                *[gr.skip()] * (len(everything) - len(views))]

    window.live.boards(hear, own.view, everything, trigger_mode="always_last", **QUIET)
    own.view.change(redraw, own.view, everything, **QUIET)

    def choose(name: str, view: str) -> list[Any]:
        _, problem = attempt(lambda: desk.show(name)) if name else (None, "")
        return [problem, gr.update(visible=False), *redraw(view)]

    own.chosen.input(choose, [own.chosen, own.view], [own.message, own.editor.box, *everything], **QUIET)

    def drop(name: str, view: str) -> list[Any]:
        if not name:
            return [notice("There is no storyboard to delete."), gr.skip(), *[gr.skip()] * len(everything)]
        gone, problem = attempt(lambda: desk.delete(name))
        told = notice("The storyboard is in the trash.", kind="good",
                      fix=f"It lies in data/trash/{gone.name}.") if gone else problem
        return [told, gr.update(visible=False), *redraw(view)]

    own.drop.click(drop, [own.chosen, own.view], [own.message, own.editor.box, *everything], **QUIET)


# -- the story --------------------------------------------------------------------------------------------------


def characters_of(text: str) -> tuple[Character, ...]:
    """One character a line. Raises `RequestError` for a line that cannot be read."""
    return tuple(read_character(line) for line in text.splitlines() if line.strip())


def ask_of(story: str, count: float, provider: str, model: str, characters: str, style: str,
           seed: float | None) -> StoryAsk:
    """What the form asks for. Raises `RequestError`."""
    bible = Bible(characters_of(characters or ""), style=(style or "").strip())
    local = model == LOCAL
    return StoryAsk((story or "").strip(), int(count), Provider(provider), bible,
                    EngineChoice.LOCAL if local else EngineChoice.AUTO, "" if local else model or "",
                    42 if seed is None else int(seed))


def _wire_asking(own: Storyboard, studio: Studio) -> None:
    desk = studio.storyboards

    def make(*values: Any) -> list[Any]:
        _, problem = attempt(lambda: desk.break_down(ask_of(*values)))
        return [problem, work_html(desk.line.works())]

    own.make.click(make, own.form, [own.message, own.work], trigger_mode="once", **QUIET)

    def example(event: gr.EventData) -> str:
        return EXAMPLES[int(event._data["action"].removeprefix("example-"))]

    own.examples.click(example, None, own.story, **QUIET)

    def act(event: gr.EventData) -> list[Any]:
        change = desk.line.cancel if event._data["action"] == "cancel" else desk.line.dismiss
        _, problem = attempt(lambda: change(event._data["id"]))
        return [problem, work_html(desk.line.works())]

    own.work.click(act, None, [own.message, own.work], **QUIET)


# -- the board --------------------------------------------------------------------------------------------------


def _shown(studio: Studio) -> BoardProject:
    project = studio.storyboards.shown
    if project is None:
        raise QueueError("There is no storyboard.", fix="Break a story down first.")
    return project


def _act(studio: Studio, action: str, number: int) -> None:
    """Carry out one action on the board, or on a scene of it."""
    desk, project = studio.storyboards, _shown(studio)
    name = project.folder.name
    actions = {"draw": lambda: desk.draw(name), "again": lambda: desk.draw_again(name),
               "film": lambda: desk.film(name), "export": lambda: desk.export(name),
               "left": lambda: desk.move(name, number, number - 1),
               "right": lambda: desk.move(name, number, number + 1),
               "insert": lambda: desk.insert(name, number), "remove": lambda: desk.remove(name, number),
               "redraw": lambda: desk.draw(name, [number]), "lock": lambda: desk.lock(name, number),
               "unlock": lambda: desk.lock(name, number, False)}
    actions[action]()


def _wire_board(own: Storyboard, studio: Studio) -> None:
    views = [own.work, own.head, own.board, own.heat, own.film, own.files]

    def act(event: gr.EventData, view: str) -> list[Any]:
        action, item = event._data["action"], event._data["id"]
        if action == "edit":
            return [gr.skip()] * (len(views) + 2)
        _, problem = attempt(lambda: _act(studio, action, 0 if item == "all" else int(item)))
        shown, worse = attempt(lambda: _views(studio, view))
        return [problem or worse, gr.update(visible=False), *(shown or [gr.skip()] * len(views))]

    gr.on([own.head.click, own.board.click], act, own.view, [own.message, own.editor.box, *views], **QUIET)


def _wire_film(own: Storyboard, studio: Studio) -> None:
    fields, desk = own.how, studio.storyboards

    def keep(transition: str, seconds: float, model: str, subtitles: bool) -> str:
        local = model == LOCAL
        changes = {"transition": Transition(transition), "seconds": seconds or None, "subtitles": subtitles,
                   "engine": EngineChoice.LOCAL if local else EngineChoice.AUTO,
                   "model": None if local else model or None}
        return attempt(lambda: desk.set_film(_shown(studio).folder.name, changes))[1]

    values = [fields.transition, fields.seconds, fields.model, fields.subtitles]
    gr.on([one.input for one in values], keep, values, own.message, **QUIET)

    def put(source: str | None) -> list[str]:
        project, problem = attempt(lambda: desk.put_soundtrack(_shown(studio).folder.name,
                                                               Path(source) if source else None))
        return [problem, sound_html((project or _shown(studio)).soundtrack)]

    fields.sound.upload(put, fields.sound, [own.message, fields.told], **QUIET)
    fields.told.click(lambda: put(None), None, [own.message, fields.told], **QUIET)


def camera_of(scene: StoryScene, shot: str, move: str) -> str:
    """The scene's camera as the editor has it; its own words where both are what they say already."""
    if shot_of(scene.camera) == shot and movement_of(scene.camera) == move:
        return scene.camera
    return f"{Shot(shot or Shot.MEDIUM).value}, {MOVES[CameraMovement(move)]}"


def _wire_editor(own: Storyboard, studio: Studio) -> None:
    fields, desk = own.editor, studio.storyboards
    outputs = [own.message, own.number, fields.box, fields.title, fields.shot, fields.move, *fields.values]

    def start(event: gr.EventData) -> list[Any]:
        if event._data["action"] != "edit":
            return [gr.skip()] * len(outputs)
        number = int(event._data["id"])
        scene, problem = attempt(lambda: _shown(studio).scene(number))
        if scene is None:
            return [problem, *[gr.skip()] * (len(outputs) - 1)]
        shot = shot_of(scene.camera)
        return ["", number, gr.update(visible=True), f'<h3 class="w-section">Scene {number}</h3>',
                shot.value if shot else None, movement_of(scene.camera).value,
                *(getattr(scene, name) for name in FIELDS)]

    own.board.click(start, None, outputs, **QUIET).then(None, None, None, js=SHOW_EDITOR)

    def keep(number: int, view: str, shot: str, move: str, *values: Any) -> list[Any]:
        def change() -> bool:
            project = _shown(studio)
            changes = dict(zip(FIELDS, values, strict=True))
            desk.edit(project.folder.name, number, {**changes, "camera": camera_of(project.scene(number), shot, move)})
            return True

        _, problem = attempt(change)
        views, worse = attempt(lambda: _views(studio, view))
        return [problem or worse, gr.skip() if problem else gr.update(visible=False), *(views or [gr.skip()] * 6)]

    fields.keep.click(keep, [own.number, own.view, fields.shot, fields.move, *fields.values],
                      [own.message, fields.box, own.work, own.head, own.board, own.heat, own.film, own.files], **QUIET)
    fields.leave.click(lambda: gr.update(visible=False), None, fields.box, **QUIET)
