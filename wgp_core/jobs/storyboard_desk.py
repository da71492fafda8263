"""Work on storyboards for the window and the API: one piece after another, and the changes that a person makes.

A board lives in its folder, so that a reloaded page and a restarted program find it; here are only the states of what
is in work. While a board is worked on nothing else may change it.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from ..errors import ModelMissingError, QueueError, RequestError, WgpError
from ..events import CancelToken, ProgressCallback
from ..loras.library import resolve as resolve_lora
from ..media.encode import free_name
from ..paths import Paths
from ..planning.story.board import (
    LEAST_SCENES,
    MOST_FRAMES,
    MOST_SCENES,
    SCENES,
    Bible,
    Board,
    StoryScene,
    renumbered,
)
from ..planning.story.frame_prompts import with_prompts
from ..planning.story.rules import Breach, check
from ..planning.story.shots import Shot, camera_line, shot_of
from ..prompts.enhancement import Provider
from ..request import EngineChoice
from ..storyboard.project import BASE_SEED, BoardProject, FrameState
from .storyboard_tasks import open_board
from .work_line import RunTask, Work, WorkLine, WorkVersion

log = logging.getLogger(__name__)

LIMIT_S = 24 * 3600.0
MOST_STORY = 20_000


class BoardAction(enum.StrEnum):
    """What is done with a board; the task is called `storyboard_` and this name. `make` is everything but the film."""

    BREAK_DOWN = "break_down"
    DRAW = "draw"
    FILM = "film"
    EXPORT = "export"
    MAKE = "make"


@dataclass(frozen=True)
class StoryAsk:
    """A story to break down. `provider` is rules, local, openai or auto; `engine` and `model` draw the frames, the
    model empty for the best one; `seed` is the first frame's.
    """

    story: str
    count: int = SCENES
    provider: Provider = Provider.RULES
    bible: Bible = field(default_factory=Bible)
    engine: EngineChoice = EngineChoice.AUTO
    model: str = ""
    seed: int = BASE_SEED


@dataclass(frozen=True)
class BoardWork(Work):
    """One piece of work on a board."""

    action: BoardAction

    @property
    def board(self) -> str:
        """The name of the board's folder, empty until a breakdown has made it."""
        return self.subject


class BoardLine(WorkLine[BoardWork]):
    """Work on boards; `think` runs the task of a breakdown, `draw` all others."""

    name = "storyboards"

    def __init__(self, think: RunTask, draw: RunTask, done: Callable[[BoardWork], None]) -> None:
        super().__init__(BoardWork)
        self._think, self._draw, self._done = think, draw, done

    def run(self, work: BoardWork, payload: Mapping[str, Any], cancel: CancelToken,
            on_progress: ProgressCallback) -> Mapping[str, Any]:
        run_task = self._think if work.action is BoardAction.BREAK_DOWN else self._draw
        return run_task(f"storyboard_{work.action.value}", payload, timeout_s=LIMIT_S, cancel=cancel,
                        on_progress=on_progress)

    def busy_words(self, subject: str) -> str:
        return "The storyboard is being worked on."

    def check_may_begin(self, action: enum.StrEnum, subject: str, title: str) -> None:
        super().check_may_begin(action, subject, title)
        if not subject and any(one.open and one.action is action and one.title == title for one in self.works()):
            raise QueueError("This story is being broken down already.", fix="Wait until that is done.")

    def cancelled_words(self, work: BoardWork) -> str:
        return "The frames that are drawn are kept." if work.action in (BoardAction.DRAW, BoardAction.MAKE) else ""

    def subject_after(self, work: BoardWork, result: Mapping[str, Any]) -> str:
        return str(result.get("board", "") or work.subject)

    def done(self, work: BoardWork) -> None:
        self._done(work)


class StoryboardDesk:
    """The boards of a workshop: what is in work (`line`), which one is shown, and the changes that a person makes."""

    def __init__(self, paths: Paths, think: RunTask, draw: RunTask) -> None:
        self._paths, self._outputs, self._trash = paths, paths.outputs, paths.trash
        self._change = threading.RLock()
        self._shown = ""
        self.line = BoardLine(think, draw, self._show_new)

    def _show_new(self, work: BoardWork) -> None:
        if work.action is BoardAction.BREAK_DOWN:
            self._shown = work.board

    @property
    def version(self) -> WorkVersion:
        return self.line.version

    # -- boards -------------------------------------------------------------------------------------------------

    def boards(self) -> tuple[BoardProject, ...]:
        """All boards that can be read, the newest first."""
        found = []
        for folder in BoardProject.list(self._outputs):
            try:
                found.append(BoardProject.open(folder))
            except WgpError as error:
                log.warning("The storyboard in %s cannot be read: %s", folder, error)
        return tuple(found)

    def open(self, name: str) -> BoardProject:
        """A board by the name of its folder. Raises `RequestError`."""
        return open_board(self._outputs, name)

    @property
    def shown(self) -> BoardProject | None:
        """The board in the window: the one that was chosen or made last, else the newest; None where there is none."""
        found = self.boards()
        return next((one for one in found if one.folder.name == self._shown), found[0] if found else None)

    def show(self, name: str) -> BoardProject:
        """Choose the board in the window. Raises `RequestError`."""
        project = self.open(name)
        self._shown = name
        self.line.changed()
        return project

    def breaches(self, project: BoardProject) -> tuple[Breach, ...]:
        """Which rules the scenes break as they are now."""
        return check(project.board.scenes, project.board.bible, story=project.board.story)

    # -- work ---------------------------------------------------------------------------------------------------

    def break_down(self, ask: StoryAsk) -> BoardWork:
        """Begin a board. Raises `RequestError` for what cannot be broken down."""
        return self.line.submit(BoardAction.BREAK_DOWN, "", self._checked(ask).story, payload_of(ask))

    def make(self, ask: StoryAsk) -> BoardWork:
        """Break down, draw and write the files."""
        return self.line.submit(BoardAction.MAKE, "", self._checked(ask).story, payload_of(ask))

    def draw(self, name: str, frames: Sequence[int] | None = None) -> BoardWork:
        """Draw the frames of these numbers; None draws what is missing or was changed. Locked frames stay.

        Raises `RequestError` for frames that are not there or all locked, `QueueError` while the board is worked on.
        """
        project = self.open(name)
        numbers: list[int] | None = None
        if frames is not None:
            numbers = [n for n in dict.fromkeys(frames) if project.frame(n).state is not FrameState.LOCKED]
            if not numbers:
                raise RequestError("The frames are locked.", field="frames", fix="Unlock what is to be drawn again.")
        return self.line.submit(BoardAction.DRAW, name, project.board.story, {"board": name, "frames": numbers})

    def draw_again(self, name: str) -> BoardWork:
        """Draw every frame that is not locked."""
        return self.draw(name, [frame.number for frame in self.open(name).frames])

    def film(self, name: str) -> BoardWork:
        """Make the film. Raises `RequestError` where a frame is missing."""
        project = self.open(name)
        if project.missing:
            raise RequestError(f"Frame {project.missing[0]} is not drawn yet.", field="frames",
                               fix="Draw what is missing, then animate.")
        return self.line.submit(BoardAction.FILM, name, project.board.story, {"board": name})

    def export(self, name: str) -> BoardWork:
        """Write the picture of all frames, the PDF and the page."""
        return self.line.submit(BoardAction.EXPORT, name, self.open(name).board.story, {"board": name})

    # -- changes ------------------------------------------------------------------------------------------------

    def edit(self, name: str, number: int, changes: Mapping[str, Any]) -> BoardProject:
        """Change fields of a scene. Where the prompt or the motion is not among them, it is written anew from the
        others. Raises `RequestError` that names the field.
        """
        with self._changing(name) as project:
            changed = _changed(project.scene(number), changes)
            alone = replace(project.board, scenes=renumbered((changed,)))
            [written] = with_prompts(Board.from_dict(alone.to_dict(), "The board")).scenes
            project.edit(number, **{key: getattr(written, key) for key in EDITABLE})
            return project

    def move(self, name: str, number: int, to: int) -> BoardProject:
        """Move a scene, with its picture, to another place (from 1)."""
        with self._changing(name) as project:
            order = [scene.frame for scene in project.board.scenes]
            at, place = project.scene(number).frame, project.scene(to).frame
            order.insert(place - 1, order.pop(at - 1))
            project.arrange([project.scene(at) for at in order], order)
            return project

    def insert(self, name: str, after: int, scene: StoryScene | None = None) -> BoardProject:
        """Put a scene after another (0: before the first); without one, a start that continues the scene before."""
        with self._changing(name) as project:
            scenes = list(project.board.scenes)
            if len(scenes) >= MOST_FRAMES:
                raise RequestError(f"The board has {len(scenes)} scenes; that is the most.", field="scenes",
                                   fix="Remove one first.")
            if after:
                project.scene(after)
            new = scene or _start(scenes, after)
            new = with_prompts(replace(project.board, scenes=(new,))).scenes[0]
            origins: list[int | None] = [one.frame for one in scenes]
            project.arrange([*scenes[:after], new, *scenes[after:]], [*origins[:after], None, *origins[after:]])
            return project

    def remove(self, name: str, number: int) -> BoardProject:
        """Take a scene and its picture out. Raises `RequestError` for the last one."""
        with self._changing(name) as project:
            project.scene(number)
            if len(project.board.scenes) == 1:
                raise RequestError("A storyboard keeps at least one scene.", field="frame", fix="Edit it instead.")
            rest = [scene for scene in project.board.scenes if scene.frame != number]
            project.arrange(rest, [scene.frame for scene in rest])
            return project

    def set_film(self, name: str, changes: Mapping[str, Any]) -> BoardProject:
        """Change how the film is made: fields of `FilmOptions` but the soundtrack."""
        with self._changing(name) as project:
            project.set_film(**changes)
            return project

    def put_soundtrack(self, name: str, source: Path | None) -> BoardProject:
        """Put a copy of a sound file under the film, or take it out. Raises `MediaError` for one without sound."""
        with self._changing(name) as project:
            project.put_soundtrack(source)
            return project

    def lock(self, name: str, number: int, locked: bool = True) -> BoardProject:
        """Keep a drawn frame, or no longer."""
        with self._changing(name) as project:
            project.lock(number, locked)
            return project

    def delete(self, name: str) -> Path:
        """Put a board into the trash, and return where it is there. Raises `QueueError` while it is worked on."""
        with self._changing(name) as project:
            to = free_name(self._trash / name)
            try:
                self._trash.mkdir(parents=True, exist_ok=True)
                shutil.move(project.folder, to)
            except OSError as error:
                raise RequestError(f"The storyboard {name} cannot be moved to {to}: {error.strerror or error}.",
                                   field="board", fix="Close what has its files open, and try again.") from error
            return to

    def _checked(self, ask: StoryAsk) -> StoryAsk:
        for character in ask.bible.characters:
            if character.lora is not None:
                try:
                    resolve_lora(character.lora, self._paths)
                except ModelMissingError as error:
                    raise RequestError(error.message, field="characters", fix=error.fix) from error
        return _checked(ask)

    @contextlib.contextmanager
    def _changing(self, name: str) -> Iterator[BoardProject]:
        """The board for one change, while nothing works on it; whoever watches is told after."""
        with self._change:
            self.line.check_free(name)
            yield self.open(name)
        self.line.changed()


EDITABLE = ("description", "camera", "mood", "setting", "lighting", "action", "motion", "seconds", "prompt",
            "negative_prompt")
"""The fields of a scene that a person changes."""
_TELLING = ("description", "camera", "mood", "setting", "lighting", "action")
"""Fields that go into the prompts."""


def payload_of(ask: StoryAsk) -> dict[str, Any]:
    """The payload of the tasks `storyboard_break_down` and `storyboard_make`."""
    bible = asdict(ask.bible)
    for character in bible["characters"]:
        character["lora"] = str(character["lora"]) if character["lora"] else None
    return {"story": ask.story, "count": ask.count, "provider": ask.provider.value, "bible": bible,
            "engine": ask.engine.value, "model": ask.model, "seed": ask.seed}


def _checked(ask: StoryAsk) -> StoryAsk:
    if not any(letter.isalnum() for letter in ask.story):
        raise RequestError("The story is empty.", field="story", fix="Tell it in a sentence or more.")
    if len(ask.story) > MOST_STORY:
        raise RequestError(f"The story has {len(ask.story)} letters; at most {MOST_STORY} are read.", field="story",
                           fix="Shorten it to what is to be seen.")
    if not LEAST_SCENES <= ask.count <= MOST_SCENES:
        raise RequestError(f"num_frames is {ask.count}; it must be from {LEAST_SCENES} to {MOST_SCENES}.",
                           field="num_frames")
    return ask


def _changed(scene: StoryScene, changes: Mapping[str, Any]) -> StoryScene:
    """The scene with other fields. Another description takes the old action's place; prompts that told something else
    are empty, to be written anew. Raises `RequestError` for fields that are not a person's to change.
    """
    unknown = sorted(key for key in changes if key not in EDITABLE)
    if unknown:
        raise RequestError(f"A scene's {unknown[0]} cannot be changed.", field=unknown[0],
                           fix=f"Can be changed: {', '.join(EDITABLE)}.")
    now = {key: value.strip() if isinstance(value, str) else value for key, value in changes.items()}
    differs = {key for key, value in now.items() if getattr(scene, key) != value}
    if "description" in differs and "action" not in differs:
        now["action"] = ""
    if differs & set(_TELLING):
        now |= {key: "" for key in ("prompt", "motion") if key not in differs}
    return replace(scene, **now)


def _start(scenes: Sequence[StoryScene], after: int) -> StoryScene:
    """A scene to write on: where the one beside it is, in its light and mood, with a shot that the board lacks."""
    beside = scenes[max(0, after - 1)]
    used = [shot_of(scene.camera) for scene in scenes]
    shot = min(Shot, key=lambda one: (used.count(one), list(Shot).index(one)))
    return StoryScene(1, "Say here what is seen.", camera_line(shot, [scene.camera for scene in scenes[:after]]),
                      beside.mood, beside.setting, beside.lighting)
