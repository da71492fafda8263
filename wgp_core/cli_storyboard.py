"""`storyboard`: a story becomes a folder of frames, a sheet to print, a page, and a film where one is asked for."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from .errors import Cancelled, RequestError
from .events import CancelToken
from .events import Progress as Event
from .headless import interruptible
from .paths import Paths
from .planning.story.board import Bible, Board
from .planning.story.character_line import read_character
from .planning.story.shots import Transition, shot_of
from .request import EngineChoice

if TYPE_CHECKING:
    from .storyboard import BoardProject

BREAKDOWN_ONLY = "test_scene_breakdown.json"


@dataclass(frozen=True)
class StoryboardFlags:
    """What the command line says. `output_dir` is the project's own folder, or none for one with a timestamp."""

    story: str = ""
    num_frames: int = 8
    output_dir: Path | None = None
    provider: str = "auto"
    api_key: str = ""
    character: tuple[str, ...] = ()
    style: str = ""
    engine: EngineChoice = EngineChoice.AUTO
    model: str | None = None
    base_seed: int = 42
    steps: int = 40
    guidance: float = 7.5
    loras: tuple[Path, ...] = ()
    width: int | None = None
    height: int | None = None
    device: str = "auto"
    redraw: tuple[int, ...] = ()
    breakdown_only: bool = False
    film: bool = False
    transition: Transition | None = None
    shot_seconds: float | None = None
    subtitles: bool | None = None
    soundtrack: Path | None = None


def storyboard(paths: Paths, flags: StoryboardFlags) -> None:
    """Break down, draw, export and film; go on with what a folder holds already. Raises `WgpError`."""
    console = Console(stderr=False, highlight=False)
    cancel = CancelToken()
    with interruptible(cancel):
        try:
            if flags.breakdown_only:
                _breakdown_only(paths, flags, console, cancel)
            else:
                _all(paths, flags, console, cancel)
        except Cancelled:
            console.print("[yellow]Stopped. What is done is kept: the same command with --output-dir goes on.")
            raise SystemExit(130) from None


def _breakdown_only(paths: Paths, flags: StoryboardFlags, console: Console, cancel: CancelToken) -> None:
    from .planning.story.board import write_board

    board = _board(paths, flags, cancel)
    target = (flags.output_dir or Path.cwd()) / BREAKDOWN_ONLY
    write_board(target, board)
    _show(board, console)
    console.print(f"Written to {target}", soft_wrap=True, markup=False)


def _all(paths: Paths, flags: StoryboardFlags, console: Console, cancel: CancelToken) -> None:
    from .config import Config
    from .context import device_override, generation_context
    from .generate import NoRecorder
    from .storyboard import draw, export, film

    paths.ensure()
    settings = Config(paths.settings_file, overrides=device_override(flags.device)).settings
    project = _project(paths, flags, console, cancel)
    console.print(f"Folder: {project.folder}", soft_wrap=True, markup=False)
    context = generation_context(paths, settings, NoRecorder())
    _set_film(project, flags)
    for number in flags.redraw:
        project.frame(number)  # refused here where there is none
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task("Frames", total=None)

        def tell(event: Event) -> None:
            bars.update(task, description=event.message or event.stage.label, completed=event.step,
                        total=event.total or None)

        drawn = draw(project, None, context, tell, cancel)
        warnings = list(drawn.warnings)
        if flags.redraw:
            warnings += draw(project, flags.redraw, context, tell, cancel).warnings
        made = export(project)
        result = film(project, context, tell, cancel) if flags.film else None
    for warning in dict.fromkeys([*warnings, *(result.warnings if result else ())]):
        console.print(f"[yellow]{_plain(warning)}", soft_wrap=True)
    done = len(drawn.numbers)
    console.print(f"{done} frame{'s' if done != 1 else ''} drawn, {len(project.frames) - done} kept.")
    for path in (made.grid, made.pdf, made.page, *([result.path] if result else [])):
        console.print(str(path), soft_wrap=True, markup=False)


def _project(paths: Paths, flags: StoryboardFlags, console: Console, cancel: CancelToken) -> BoardProject:
    """The project of the folder that is named, if there is one; else a new one."""
    from .storyboard import BoardProject, DrawOptions, FilmOptions
    from .storyboard.project import BREAKDOWN

    folder = flags.output_dir
    if folder is not None and (folder / BREAKDOWN).is_file():
        project = BoardProject.open(folder)
        if flags.story.strip() and flags.story.strip() != project.board.story.strip():
            raise RequestError(f"The storyboard in {folder} tells another story.", field="output_dir",
                               fix="Leave --story out to go on with it, or name another folder.")
        left = len(project.missing)
        console.print(f"Going on: {len(project.frames) - left} of {len(project.frames)} frames are there.")
        return project
    board = _board(paths, flags, cancel)
    _show(board, console)
    options = DrawOptions(engine=flags.engine, model=flags.model, width=flags.width, height=flags.height,
                          steps=flags.steps, guidance=flags.guidance, base_seed=flags.base_seed, loras=flags.loras)
    if folder is not None:
        return BoardProject.create(folder, board, options, FilmOptions())
    return BoardProject.create_in(paths.outputs, board, options, FilmOptions())


def _set_film(project: BoardProject, flags: StoryboardFlags) -> None:
    """What the command line says of the film; the rest stays as the board has it."""
    said = {"transition": flags.transition, "seconds": flags.shot_seconds, "subtitles": flags.subtitles}
    project.set_film(**{name: value for name, value in said.items() if value is not None})
    if flags.soundtrack is not None:
        project.put_soundtrack(flags.soundtrack.expanduser())


def _board(paths: Paths, flags: StoryboardFlags, cancel: CancelToken) -> Board:
    from .config import Config
    from .planning.story.break_down import Writers, break_down

    story = flags.story.strip() or _asked()
    settings = Config(paths.settings_file).settings
    bible = Bible(tuple(read_character(text) for text in flags.character), style=flags.style)
    return break_down(story, count=flags.num_frames, bible=bible, provider=flags.provider,
                      writers=Writers(paths, settings, api_key=flags.api_key), target_model=flags.model or "",
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


def with_folder(flags: StoryboardFlags) -> StoryboardFlags:
    """The flags with an absolute folder."""
    folder = flags.output_dir
    return flags if folder is None else replace(flags, output_dir=folder.expanduser().resolve())
