"""Tasks on storyboards: break a story down, draw frames, write the files, film; and all but the film in one.

The breakdown runs in the assistant, the rest in a worker of its own. What is done with a board is decided in
`wgp_core.planning.story` and `wgp_core.storyboard`; here are payloads and progress.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import RequestError
from ..events import Progress, Stage
from ..generate import GenerationContext, NoRecorder, Recorder
from ..planning.story.board import Bible, Board, Character, Place
from ..request import EngineChoice
from ..storyboard.project import BoardProject, DrawOptions
from .tasks import TaskContext, task

BREAKING = Stage.ENRICH


@task("storyboard_break_down")
def storyboard_break_down(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `story`, `count`, `provider`, `bible`, `engine`, `model`, `seed`. Result: `board`, a folder's name.
    """
    project = _broken_down(payload, context)
    return {"board": project.folder.name}


@task("storyboard_draw")
def storyboard_draw(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `board`, `frames` (a list; None draws what is missing). Result: `board`, `drawn` (numbers),
    `warnings`, `message`."""
    project = open_board(context.paths.outputs, str(payload["board"]))
    numbers = payload.get("frames")
    told = _drawn(project, None if numbers is None else [int(number) for number in numbers], context)
    return {"board": project.folder.name, **told}


@task("storyboard_export")
def storyboard_export(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `board`. Result: `board`, `files` (names), and `message`."""
    project = open_board(context.paths.outputs, str(payload["board"]))
    return {"board": project.folder.name, **_exported(project, context)}


@task("storyboard_film")
def storyboard_film(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: `board`. Result: `board`, `file` (a name), `seconds`, `warnings`. The film goes into the library."""
    from ..store.database import Store
    from ..storyboard import film
    from .recorder import LibraryRecorder

    project = open_board(context.paths.outputs, str(payload["board"]))
    context.on_progress(Progress(Stage.LOAD, message="Preparing the shots"))
    store = Store.open(context.paths.database)
    try:
        result = film(project, _generation(context, LibraryRecorder(store)), context.on_progress, context.cancel)
    finally:
        store.close()
    return {"board": project.folder.name, "file": result.path.name, "seconds": round(result.seconds, 2),
            "warnings": list(result.warnings), "message": f"The film is ready. {' '.join(result.warnings)}".strip()}


@task("storyboard_make")
def storyboard_make(payload: Mapping[str, Any], context: TaskContext) -> Mapping[str, Any]:
    """Payload: as `storyboard_break_down`. Breaks down, draws and exports. Result: as `storyboard_export`."""
    project = _broken_down(payload, context)
    told = _drawn(project, None, context)
    return {"board": project.folder.name, **told, **_exported(project, context)}


def open_board(outputs: Path, name: str) -> BoardProject:
    """The board of that name. Raises `RequestError` for one that is not there; a name is a folder's, never a path."""
    folder = next((folder for folder in BoardProject.list(outputs) if folder.name == name), None)
    if folder is None:
        raise RequestError(f"There is no storyboard named {name!r}.", field="board", fix="Break a story down first.")
    return BoardProject.open(folder)


def bible_of(data: Mapping[str, Any]) -> Bible:
    """The bible of a payload: `characters` (name, token, description), `places` (name, description), `style`."""
    characters = tuple(Character(name=str(one["name"]), token=str(one.get("token") or ""),
                                 lora=Path(one["lora"]) if one.get("lora") else None,
                                 description=str(one.get("description") or "")) for one in data.get("characters", ()))
    places = tuple(Place(str(one["name"]), str(one.get("description") or "")) for one in data.get("places", ()))
    return Bible(characters, places, str(data.get("style") or ""))


def _broken_down(payload: Mapping[str, Any], context: TaskContext) -> BoardProject:
    from ..planning.story.break_down import Writers, break_down

    context.on_progress(Progress(BREAKING, message="Breaking the story down"))
    options = DrawOptions(engine=EngineChoice(payload["engine"]), model=payload["model"] or None,
                          base_seed=int(payload["seed"]))
    board: Board = break_down(str(payload["story"]), count=int(payload["count"]), bible=bible_of(payload["bible"]),
                              provider=str(payload["provider"]), seed=options.base_seed,
                              target_model=options.model or "", cancel=context.cancel,
                              on_progress=context.on_progress,
                              writers=Writers(context.paths, context.settings, context.runtime))
    return BoardProject.create_in(context.paths.outputs, board, options)


def _drawn(project: BoardProject, numbers: Sequence[int] | None, context: TaskContext) -> dict[str, Any]:
    from ..storyboard import draw

    done = draw(project, numbers, _generation(context), context.on_progress, context.cancel)
    told = " ".join(done.warnings)
    return {"drawn": list(done.numbers), "warnings": list(done.warnings), "message": told}


def _exported(project: BoardProject, context: TaskContext) -> dict[str, Any]:
    from ..storyboard import export

    context.cancel.raise_if_cancelled()
    context.on_progress(Progress(Stage.ENCODE, message="Writing the files"))
    export(project)
    names = [path.name for path in board_files(project)]
    return {"files": names, "message": f"{', '.join(names)} are in {project.folder.name}."}


def board_files(project: BoardProject) -> list[Path]:
    """The files of a board that people take away, where they are there: grid, PDF, page, breakdown, prompts, film and
    its subtitles.
    """
    from ..media.subtitles import SUFFIXES
    from ..storyboard.project import BREAKDOWN, FILM, GRID, PAGE, PRINT, PROMPTS

    found = [project.folder / name for name in (GRID, PRINT, PAGE, BREAKDOWN, PROMPTS, FILM)]
    found += [project.film_path.with_suffix(suffix) for suffix in SUFFIXES]
    return [path for path in found if path.is_file()]


def _generation(context: TaskContext, recorder: Recorder | None = None) -> GenerationContext:
    return GenerationContext(paths=context.paths, settings=context.settings, engines=context.engines_of(),
                             runtime=context.runtime, recorder=recorder or NoRecorder())
