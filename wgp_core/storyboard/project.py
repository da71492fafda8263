"""A storyboard as a folder: the board, its frames, and what is needed to go on after a stop.

    scene_breakdown.json   the board, as `write_board` writes it
    sdxl_prompts.json      a list of the prompts, in order
    storyboard.json        how frames are drawn and filmed, and what is known of each
    frame_001.png ...      the frames, named by their place
    shots/shot_001.mp4     the shots of the film
    storyboard.mp4, storyboard_grid.png, storyboard.pdf, storyboard.html

A frame counts as drawn when `storyboard.json` says so and its file is there: the picture is moved to its name first and
noted after, so that whoever is killed between the two draws one frame again. Draws nothing itself.
"""

from __future__ import annotations

import dataclasses
import enum
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from ..errors import RequestError
from ..media import audio
from ..media.encode import free_name
from ..planning.story.board import Board, StoryScene, read_board, renumbered, write_board
from ..planning.story.shots import Transition
from ..request import EngineChoice
from ..whole import whole_file

BREAKDOWN, PROMPTS, STATE = "scene_breakdown.json", "sdxl_prompts.json", "storyboard.json"
FILM, GRID, PRINT, PAGE = "storyboard.mp4", "storyboard_grid.png", "storyboard.pdf", "storyboard.html"
SOUNDTRACK, EARLIER = "soundtrack", "earlier"
PREFIX = "prompt_storyboard_"
BASE_SEED, STEPS, GUIDANCE = 42, 40, 7.5
SAME, SAME_ESTIMATED = 0.70, 0.65
"""Likeness below which a frame is tried again: cosine of CLIP, and of the estimate (`benchmarks/board_likeness.py`)."""


class FrameState(enum.StrEnum):
    """`locked` frames are drawn, and stay when all are drawn again."""

    MISSING = "missing"
    DRAWN = "drawn"
    LOCKED = "locked"


@dataclass(frozen=True)
class DrawOptions:
    """How frames are made. Sizes in pixels; `model`, sizes and None are the engine's own choice.

    `threshold` is the likeness (0 to 1) below which a frame is tried again, None the one of what measures it; `tries`
    how often at most in all.
    """

    engine: EngineChoice = EngineChoice.AUTO
    model: str | None = None
    width: int | None = None
    height: int | None = None
    steps: int = STEPS
    guidance: float = GUIDANCE
    base_seed: int = BASE_SEED
    loras: tuple[Path, ...] = ()
    threshold: float | None = None
    tries: int = 3


@dataclass(frozen=True)
class FilmOptions:
    """How the film is made. `engine` and `model` make the shots, None as `DrawOptions`; `crossfade` in seconds.

    `seconds` is the length of every shot, None takes each scene's own; `soundtrack` is below the board's folder, or
    absolute.
    """

    engine: EngineChoice = EngineChoice.AUTO
    model: str | None = None
    fps: int | None = None
    transition: Transition = Transition.CROSSFADE
    crossfade: float = 0.4
    seconds: float | None = None
    subtitles: bool = True
    soundtrack: Path | None = None


@dataclass(frozen=True)
class Frame:
    """What is known of one frame's picture.

    `prompt` is what it was drawn from, `engine` by whom. `consistency` is its likeness (0 to 1) to the other frames of
    its characters, `alignment` (0 to 1) to its prompt; None where nothing could be compared. `measure` says by what
    ("CLIP ViT-B/32", or an estimate). `marked`: all tries stayed below the threshold.
    """

    number: int
    state: FrameState = FrameState.MISSING
    prompt: str = ""
    seed: int | None = None
    engine: str = ""
    tries: int = 0
    consistency: float | None = None
    alignment: float | None = None
    measure: str = ""
    marked: bool = False
    note: str = ""

    @property
    def is_there(self) -> bool:
        return self.state is not FrameState.MISSING


@dataclass(frozen=True)
class Shot:
    """A filmed shot; `made_from` identifies frame, motion, camera, length and options."""

    number: int
    made_from: str = ""


@dataclass
class BoardProject:
    """One folder. Change it through its methods, which save; `board`, `frames` and `shots` are in the same order."""

    folder: Path
    board: Board
    options: DrawOptions = field(default_factory=DrawOptions)
    film_options: FilmOptions = field(default_factory=FilmOptions)
    frames: tuple[Frame, ...] = ()
    shots: tuple[Shot, ...] = ()
    likeness: tuple[tuple[float | None, ...], ...] = ()
    """Of each frame to each (the heat map), None where one is missing; `measure` says by what."""
    measure: str = ""

    # -- opening ------------------------------------------------------------------------------------------------

    @staticmethod
    def create(folder: Path, board: Board, options: DrawOptions | None = None,
               film_options: FilmOptions | None = None) -> BoardProject:
        """A new project in `folder`, which must not hold one. Raises `RequestError`."""
        if (folder / BREAKDOWN).exists():
            raise RequestError(f"There is a storyboard in {folder} already.", field="folder",
                               fix="Open it, or choose another folder.")
        project = BoardProject(folder, board, options or DrawOptions(), film_options or FilmOptions(),
                               tuple(Frame(scene.frame) for scene in board.scenes),
                               tuple(Shot(scene.frame) for scene in board.scenes))
        project.save()
        return project

    @staticmethod
    def create_in(outputs: Path, board: Board, options: DrawOptions | None = None,
                  film_options: FilmOptions | None = None) -> BoardProject:
        """A new project in `outputs/prompt_storyboard_TIMESTAMP`."""
        folder = free_name(outputs / f"{PREFIX}{datetime.now():%Y%m%d_%H%M%S}")
        return BoardProject.create(folder, board, options, film_options)

    @staticmethod
    def open(folder: Path) -> BoardProject:
        """The project of a folder; what it says of frames whose files are gone is forgotten. Raises `RequestError`."""
        board = read_board(folder / BREAKDOWN)
        data = _read_state(folder / STATE)
        count = len(board.scenes)
        try:
            project = BoardProject(
                folder, board, _options(DrawOptions, data.get("options")), _options(FilmOptions, data.get("film")),
                _listed(Frame, data.get("frames"), count), _listed(Shot, data.get("shots"), count),
                tuple(tuple(row) for row in data.get("likeness") or ()), str(data.get("measure") or ""))
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise RequestError(f"{folder / STATE} cannot be read: {error}.", field="folder",
                               fix="Delete it; the frames are then drawn again.") from error
        project.frames = tuple(frame if project.frame_path(frame.number).is_file() else Frame(frame.number)
                               for frame in project.frames)
        if len(project.likeness) != count:
            project.likeness, project.measure = (), ""
        return project

    @staticmethod
    def list(outputs: Path) -> tuple[Path, ...]:
        """Folders of projects below `outputs`, the newest first."""
        found = [path.parent for path in outputs.glob(f"*/{BREAKDOWN}")] if outputs.is_dir() else []
        return tuple(sorted(found, key=lambda folder: ((folder / BREAKDOWN).stat().st_ctime, folder.name),
                            reverse=True))

    # -- where things are ---------------------------------------------------------------------------------------

    def threshold(self, measure: str = "") -> float:
        """The likeness below which a frame is tried again, by what measures it (the board's, unless it is named)."""
        if self.options.threshold is not None:
            return self.options.threshold
        return SAME if (measure or self.measure).startswith("CLIP") else SAME_ESTIMATED

    def frame_path(self, number: int) -> Path:
        """Where the picture of a frame (from 1) is or will be."""
        return self.folder / f"frame_{number:03}.png"

    def shot_path(self, number: int) -> Path:
        return self.folder / "shots" / f"shot_{number:03}.mp4"

    @property
    def film_path(self) -> Path:
        return self.folder / FILM

    @property
    def soundtrack(self) -> Path | None:
        """The sound under the film."""
        path = self.film_options.soundtrack
        return None if path is None else self.folder / path

    def shot_seconds(self, number: int) -> float:
        """How long a shot of the film is to be."""
        return self.film_options.seconds or self.scene(number).seconds

    def scene(self, number: int) -> StoryScene:
        """Raises `RequestError` for a frame that is not there."""
        return self.board.scenes[self._place(number)]

    def frame(self, number: int) -> Frame:
        return self.frames[self._place(number)]

    def is_stale(self, number: int) -> bool:
        """Whether a frame was drawn from another prompt than its scene has now."""
        frame = self.frame(number)
        return frame.is_there and frame.prompt != self.scene(number).prompt

    @property
    def missing(self) -> tuple[int, ...]:
        return tuple(frame.number for frame in self.frames if not frame.is_there)

    # -- changing -----------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write everything but pictures, each file whole or not at all. Raises `RequestError`."""
        write_board(self.folder / BREAKDOWN, self.board)
        _write(self.folder / PROMPTS, [scene.prompt for scene in self.board.scenes])
        self.save_state()

    def save_state(self) -> None:
        """Write only what is known of frames and shots."""
        _write(self.folder / STATE, {
            "options": _plain(self.options), "film": _plain(self.film_options),
            "frames": [_plain(frame) for frame in self.frames], "shots": [_plain(shot) for shot in self.shots],
            "likeness": [list(row) for row in self.likeness], "measure": self.measure})

    def put_frame(self, frame: Frame) -> None:
        """Note what is known of a frame now, and save."""
        at = self._place(frame.number)
        self.frames = (*self.frames[:at], frame, *self.frames[at + 1:])
        self.save_state()

    def put_shot(self, shot: Shot) -> None:
        at = self._place(shot.number)
        self.shots = (*self.shots[:at], shot, *self.shots[at + 1:])
        self.save_state()

    def keep_earlier(self, number: int) -> None:
        """Keep a copy of a picture in `earlier/`, because another takes its place or its scene goes."""
        path = self.frame_path(number)
        if path.is_file():
            (self.folder / EARLIER).mkdir(exist_ok=True)
            shutil.copy2(path, free_name(self.folder / EARLIER / path.name))

    def lock(self, number: int, locked: bool = True) -> None:
        """Keep a drawn frame when all are drawn again, or no longer. Raises `RequestError` for a missing one."""
        frame = self.frame(number)
        if not frame.is_there:
            raise RequestError(f"Frame {number} is not drawn yet.", field="frame", fix="Draw it first.")
        self.put_frame(replace(frame, state=FrameState.LOCKED if locked else FrameState.DRAWN))

    def set_film(self, **changes: Any) -> None:
        """Change how the film is made, and save. Shots that no longer fit are made anew with the next film."""
        self.film_options = replace(self.film_options, **changes)
        self.save_state()

    def put_soundtrack(self, source: Path | None) -> None:
        """Keep a copy of a file with sound for the film; None takes it out. Raises `MediaError` for one without."""
        if source is not None:
            audio.check(source)
        before, name = self.soundtrack, Path(f"{SOUNDTRACK}{source.suffix.lower()}") if source is not None else None
        if source is not None and name is not None:
            try:
                with whole_file(self.folder / name) as part:
                    shutil.copyfile(source, part)
            except OSError as error:
                raise RequestError(f"The soundtrack cannot be kept in {self.folder}: {error.strerror or error}.",
                                   field="soundtrack", fix="Make room there, or choose another file.") from error
        self.set_film(soundtrack=name)
        if before is not None and before.parent == self.folder and before != self.soundtrack:
            before.unlink(missing_ok=True)

    def edit(self, number: int, **changes: Any) -> None:
        """Change fields of one scene, and save. Its picture stays; `is_stale` says whether it still fits."""
        at = self._place(number)
        scene = replace(self.board.scenes[at], **{**changes, "frame": number})
        self.board = replace(self.board, scenes=(*self.board.scenes[:at], scene, *self.board.scenes[at + 1:]))
        self.save()

    def arrange(self, scenes: Sequence[StoryScene], origins: Sequence[int | None]) -> None:
        """Put other scenes in place, each with the picture of the old frame `origins` names (None: none yet).

        Moving, inserting and removing are this. Raises `RequestError` where an origin is used twice or is not there.
        """
        used = [origin for origin in origins if origin is not None]
        if len(scenes) != len(origins) or len(set(used)) != len(used) or not scenes:
            raise RequestError("The frames of the board cannot be put in that order.", field="order",
                               fix="Name each frame once.")
        places = [None if origin is None else self._place(origin) for origin in origins]
        moves = [(self.frame_path(origin), self.frame_path(number)) for number, origin in enumerate(origins, 1)
                 if origin is not None]
        shots = [(self.shot_path(origin), self.shot_path(number)) for number, origin in enumerate(origins, 1)
                 if origin is not None]
        left = [number for number in range(1, len(self.frames) + 1) if number not in used]
        frames = tuple(Frame(n) if at is None else replace(self.frames[at], number=n) for n, at in enumerate(places, 1))
        made = tuple(Shot(n) if at is None else replace(self.shots[at], number=n) for n, at in enumerate(places, 1))
        likeness = self.likeness
        for number in left:
            self.keep_earlier(number)
            self.frame_path(number).unlink(missing_ok=True)
            self.shot_path(number).unlink(missing_ok=True)
        _rename([*moves, *shots])
        self.board = replace(self.board, scenes=renumbered(scenes))
        self.frames, self.shots = frames, made
        self.likeness = tuple(tuple(None if a is None or b is None else likeness[a][b] for b in places)
                              for a in places) if likeness else ()
        self.save()

    def _place(self, number: int) -> int:
        if isinstance(number, bool) or not 1 <= number <= len(self.board.scenes):
            raise RequestError(f"There is no frame {number}; the board has {len(self.board.scenes)}.", field="frame")
        return number - 1


def _rename(moves: Sequence[tuple[Path, Path]]) -> None:
    """Move files to each other's names."""
    aside = []
    for old, new in moves:
        if old != new and old.is_file():
            between = old.with_name(f".{old.name}.moving")
            old.replace(between)
            aside.append((between, new))
    for between, new in aside:
        between.replace(new)


# -- JSON -------------------------------------------------------------------------------------------------------------


N = TypeVar("N", Frame, Shot)
Way = TypeVar("Way", DrawOptions, FilmOptions)


def _read_state(path: Path) -> Mapping[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise RequestError(f"{path} cannot be read: {error}.", field="folder",
                           fix="Delete it; the frames are then drawn again.") from error
    if not isinstance(data, dict):
        raise RequestError(f"{path} is not an object.", field="folder", fix="Delete it.")
    return data


def _listed(kind: type[N], data: Any, count: int) -> tuple[N, ...]:
    """One for each scene; what is not told is as at the beginning."""
    told = {int(each["number"]): each for each in data or ()}
    return tuple(kind(**_cast(kind, told[n])) if n in told else kind(number=n) for n in range(1, count + 1))


def _options(kind: type[Way], data: Any) -> Way:
    return kind(**_cast(kind, data or {}))


_CASTS: Mapping[str, Any] = {"engine": EngineChoice, "transition": Transition, "state": FrameState,
                             "soundtrack": lambda text: Path(text) if text else None,
                             "loras": lambda texts: tuple(Path(text) for text in texts)}


def _cast(kind: type[Any], data: Mapping[str, Any]) -> dict[str, Any]:
    known = {f.name for f in dataclasses.fields(kind)}
    return {name: _CASTS[name](value) if name in _CASTS and not (kind is Frame and name == "engine") else value
            for name, value in data.items() if name in known}


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def _write(path: Path, data: Any) -> None:
    try:
        with whole_file(path) as part:
            part.write_text(json.dumps(data, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{path} cannot be written: {error.strerror or error}.", field="folder",
                           fix="Choose another folder.") from error
