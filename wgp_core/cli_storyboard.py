"""`storyboard`: a story becomes a folder of frames, a sheet to print, a page, and a film where one is asked for."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from . import flags
from .errors import Cancelled, RequestError
from .events import CancelToken
from .events import Progress as Event
from .headless import interruptible
from .paths import Paths, build_paths
from .planning.story.board import Bible, Board
from .planning.story.character_line import read_character
from .planning.story.shots import Transition, shot_of
from .request import EngineChoice

if TYPE_CHECKING:
    from .storyboard import BoardProject

BREAKDOWN_ONLY = "test_scene_breakdown.json"
STORY = "The story"
FRAMES = "The frames"
FILM = "The film"


@dataclass(frozen=True, kw_only=True)
class StoryboardFlags:
    """What the command line says. `output_dir` is the project's own folder, or none for one with a timestamp."""

    story: str
    num_frames: int
    output_dir: Path | None
    provider: str
    api_key: str
    character: tuple[str, ...]
    style: str
    engine: EngineChoice
    model: str | None
    base_seed: int
    steps: int
    guidance: float
    loras: tuple[Path, ...]
    width: int | None
    height: int | None
    device: str
    redraw: tuple[int, ...]
    breakdown_only: bool
    film: bool
    transition: Transition | None
    shot_seconds: float | None
    subtitles: bool | None
    soundtrack: Path | None


def storyboard(
    story: Annotated[str, flags.option(STORY, "What happens, in a sentence or a page; without it you are asked.")] = "",
    num_frames: Annotated[int, flags.option(STORY, "How many frames.", min=6, max=10)] = 8,
    character: Annotated[list[str] | None, flags.option(
        STORY, '"Name = token @ LoRA | looks"; all but the name may be left out; may be repeated.')] = None,
    style: Annotated[str, flags.option(STORY, "One line of style for every prompt.")] = "",
    provider: Annotated[str, flags.option(
        STORY, "Who breaks the story down: auto, rules, local or openai.")] = "auto",
    api_key: Annotated[str, flags.option(STORY, "Key of the server.", envvar="OPENAI_API_KEY")] = "",
    breakdown_only: Annotated[bool, flags.option(
        STORY, f"Show the scenes and write {BREAKDOWN_ONLY}; no model draws.", "--breakdown-only")] = False,
    output_dir: Annotated[Path | None, flags.option(
        flags.RUN, "The storyboard's folder; one that holds a storyboard is gone on with. "
                   "[outputs/prompt_storyboard_TIMESTAMP]")] = None,
    device: Annotated[str, flags.option(flags.RUN, "cuda:0, cpu or auto.")] = "auto",
    engine: Annotated[EngineChoice, flags.option(FRAMES, "Which engine draws.")] = EngineChoice.AUTO,
    model_id: Annotated[str | None, flags.option(FRAMES, "Model for the frames.")] = None,
    base_seed: Annotated[int, flags.option(FRAMES, "Seed of the first frame; each has its own.", min=0)] = 42,
    num_inference_steps: Annotated[int, flags.option(FRAMES, "Denoising steps.", min=1)] = 40,
    guidance_scale: Annotated[float, flags.option(FRAMES, "Guidance scale.", min=0)] = 7.5,
    lora_path: Annotated[list[Path] | None, flags.option(FRAMES, "LoRA; may be repeated.")] = None,
    width: Annotated[int | None, flags.option(FRAMES, "Pixels.")] = None,
    height: Annotated[int | None, flags.option(FRAMES, "Pixels.")] = None,
    redraw: Annotated[list[int] | None, flags.option(FRAMES, "Draw this frame again; may be repeated.")] = None,
    film: Annotated[bool, flags.option(FILM, "Film the frames too.", "--film")] = False,
    transition: Annotated[Transition | None, flags.option(FILM, "From shot to shot.")] = None,
    shot_seconds: Annotated[float | None, flags.option(
        FILM, "Length of every shot; without it each scene says its own.", min=0.5, max=60)] = None,
    subtitles: Annotated[bool | None, flags.option(FILM, "Write what is seen as subtitles.")] = None,
    soundtrack: Annotated[Path | None, flags.option(
        FILM, "Sound under the film; the board keeps a copy.")] = None,
) -> None:
    """Make a storyboard of a story: frames, a grid, a PDF, a page, and a film with --film."""
    make(build_paths(), StoryboardFlags(
        story=story, num_frames=num_frames, output_dir=output_dir and output_dir.expanduser().resolve(),
        provider=provider, api_key=api_key, character=tuple(character or ()), style=style, engine=engine,
        model=model_id, base_seed=base_seed, steps=num_inference_steps, guidance=guidance_scale,
        loras=tuple(lora_path or ()), width=width, height=height, device=device, redraw=tuple(redraw or ()),
        breakdown_only=breakdown_only, film=film, transition=transition, shot_seconds=shot_seconds,
        subtitles=subtitles, soundtrack=soundtrack))


def make(paths: Paths, asked: StoryboardFlags) -> None:
    """Break down, draw, export and film; go on with what a folder holds already. Raises `WgpError`."""
    console = Console(stderr=False, highlight=False)
    cancel = CancelToken()
    with interruptible(cancel):
        try:
            if asked.breakdown_only:
                _breakdown_only(paths, asked, console, cancel)
            else:
                _all(paths, asked, console, cancel)
        except Cancelled:
            console.print("[yellow]Stopped. What is done is kept: the same command with --output-dir goes on.")
            raise SystemExit(130) from None


def _breakdown_only(paths: Paths, asked: StoryboardFlags, console: Console, cancel: CancelToken) -> None:
    from .planning.story.board import write_board

    board = _board(paths, asked, cancel)
    target = (asked.output_dir or Path.cwd()) / BREAKDOWN_ONLY
    write_board(target, board)
    _show(board, console)
    console.print(f"Written to {target}", soft_wrap=True, markup=False)


def _all(paths: Paths, asked: StoryboardFlags, console: Console, cancel: CancelToken) -> None:
    from .config import Config
    from .context import device_override, generation_context
    from .generate import NoRecorder
    from .storyboard import draw, export, film

    paths.ensure()
    settings = Config(paths.settings_file, overrides=device_override(asked.device)).settings
    project = _project(paths, asked, console, cancel)
    console.print(f"Folder: {project.folder}", soft_wrap=True, markup=False)
    context = generation_context(paths, settings, NoRecorder())
    _set_film(project, asked)
    for number in asked.redraw:
        project.frame(number)  # refused here where there is none
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("Frames", total=None)

        def tell(event: Event) -> None:
            bars.update(task, description=event.message or event.stage.label, completed=event.step,
                        total=event.total or None)

        drawn = draw(project, None, context, tell, cancel)
        warnings = list(drawn.warnings)
        if asked.redraw:
            warnings += draw(project, asked.redraw, context, tell, cancel).warnings
        made = export(project)
        result = film(project, context, tell, cancel) if asked.film else None
    for warning in dict.fromkeys([*warnings, *(result.warnings if result else ())]):
        console.print(f"[yellow]{_plain(warning)}", soft_wrap=True)
    done = len({*drawn.numbers, *asked.redraw})
    console.print(f"{done} frame{'s' if done != 1 else ''} drawn, {len(project.frames) - done} kept.")
    for path in (made.grid, made.pdf, made.page, *([result.path] if result else [])):
        console.print(str(path), soft_wrap=True, markup=False)


def _project(paths: Paths, asked: StoryboardFlags, console: Console, cancel: CancelToken) -> BoardProject:
    """The project of the folder that is named, if there is one; else a new one."""
    from .storyboard import BoardProject, DrawOptions, FilmOptions
    from .storyboard.project import BREAKDOWN

    folder = asked.output_dir
    if folder is not None and (folder / BREAKDOWN).is_file():
        project = BoardProject.open(folder)
        if asked.story.strip() and asked.story.strip() != project.board.story.strip():
            raise RequestError(f"The storyboard in {folder} tells another story.", field="output_dir",
                               fix="Leave --story out to go on with it, or name another folder.")
        left = len(project.missing)
        console.print(f"Going on: {len(project.frames) - left} of {len(project.frames)} frames are there.")
        return project
    board = _board(paths, asked, cancel)
    _show(board, console)
    options = DrawOptions(engine=asked.engine, model=asked.model, width=asked.width, height=asked.height,
                          steps=asked.steps, guidance=asked.guidance, base_seed=asked.base_seed, loras=asked.loras)
    if folder is not None:
        return BoardProject.create(folder, board, options, FilmOptions())
    return BoardProject.create_in(paths.outputs, board, options, FilmOptions())


def _set_film(project: BoardProject, asked: StoryboardFlags) -> None:
    """What the command line says of the film; the rest stays as the board has it."""
    said = {"transition": asked.transition, "seconds": asked.shot_seconds, "subtitles": asked.subtitles}
    project.set_film(**{name: value for name, value in said.items() if value is not None})
    if asked.soundtrack is not None:
        project.put_soundtrack(asked.soundtrack.expanduser())


def _board(paths: Paths, asked: StoryboardFlags, cancel: CancelToken) -> Board:
    from .config import Config
    from .planning.story.break_down import Writers, break_down

    story = asked.story.strip() or _asked()
    settings = Config(paths.settings_file).settings
    bible = Bible(tuple(read_character(text) for text in asked.character), style=asked.style)
    return break_down(story, count=asked.num_frames, bible=bible, provider=asked.provider,
                      writers=Writers(paths, settings, api_key=asked.api_key), target_model=asked.model or "",
                      cancel=cancel)


def _asked() -> str:
    """The story, from whoever sits at the terminal or from the input."""
    if sys.stdin.isatty():
        sys.stderr.write("Tell the story in a sentence or more: ")
        sys.stderr.flush()
        return sys.stdin.readline()
    return sys.stdin.read()


def _show(board: Board, console: Console) -> None:
    from rich.table import Table

    table: Any = Table("#", "camera", "mood", "what is seen", show_lines=False)
    for scene in board.scenes:
        table.add_row(str(scene.frame), _plain(scene.camera), _plain(scene.mood), _plain(scene.description))
    console.print(table)
    kinds = Counter((shot.value if (shot := shot_of(scene.camera)) else "unnamed") for scene in board.scenes)
    variety = ", ".join(f"{name} {count}" if count > 1 else name for name, count in kinds.most_common())
    console.print(f"Camera variety: {len(kinds)} kinds in {len(board.scenes)} scenes ({variety}).", soft_wrap=True)
    for repair in board.repaired:
        console.print(_plain(f"Repaired in frame {repair.frame}: {repair.rule}: {repair.what}"), soft_wrap=True)
    for warning in board.warnings:
        console.print(f"[yellow]{_plain(warning)}", soft_wrap=True)


def _plain(value: object) -> str:
    return str(value).replace("[", r"\[")
