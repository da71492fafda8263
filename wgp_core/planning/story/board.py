"""What a storyboard is: the scenes of a story, the characters and places that stay the same, and how it came about.

Data and its JSON only. `to_dict` gives what `scene_breakdown.json` holds and `from_dict` reads it back, also after a
person edited it; what is wrong there is said with file, scene and field.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ...errors import RequestError
from ...whole import whole_file

LEAST_SCENES, MOST_SCENES, SCENES = 6, 10, 8
"""Of a breakdown: fewest, most, default."""
MOST_FRAMES = 60
"""Of a board that a person has added scenes to."""
MOST_BYTES = 4 * 2**20
LEAST_SECONDS, MOST_SECONDS = 0.5, 60.0


@dataclass(frozen=True)
class Character:
    """Somebody who is in several scenes. `token` ("aldar_kose_man") stands for them in every text, where there is one.

    `description` ("an old fisherman with a white beard") goes into the prompts of characters without a token, so that
    they look alike in every frame; with a token the LoRA knows how they look.
    """

    name: str
    token: str = ""
    lora: Path | None = None
    description: str = ""


@dataclass(frozen=True)
class Place:
    """Where scenes happen: a name as the story says it ("the old mill") and how it looks."""

    name: str
    description: str = ""


@dataclass(frozen=True)
class Bible:
    """What stays the same in every frame. `style` is one line for every prompt ("ink and watercolour, muted")."""

    characters: tuple[Character, ...] = ()
    places: tuple[Place, ...] = ()
    style: str = ""


@dataclass(frozen=True)
class StoryScene:
    """One frame. `frame` counts from 1; `camera` is a shot and a movement ("close-up, slow push-in").

    `description` says in one or two sentences what is seen, `action` who does what, `setting` where. `characters` are
    names of the bible. `motion` is the prompt for image-to-video, `seconds` the length of the shot in a film.
    """

    frame: int
    description: str
    camera: str
    mood: str
    setting: str = ""
    lighting: str = ""
    action: str = ""
    characters: tuple[str, ...] = ()
    motion: str = ""
    seconds: float = 4.0
    prompt: str = ""
    negative_prompt: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Repair:
    """What was changed in a scene (0: in the board), because of which rule, and what it was before."""

    frame: int
    rule: str
    what: str
    before: str = ""


@dataclass(frozen=True)
class Board:
    """A story in scenes. `provider` is "rules", "local" or "openai", `model` the name of its model.

    `timestamp` is ISO 8601; `repaired` says what was mended, `warnings` are for the person.
    """

    story: str
    scenes: tuple[StoryScene, ...]
    bible: Bible = field(default_factory=Bible)
    provider: str = "rules"
    timestamp: str = ""
    repaired: tuple[Repair, ...] = ()
    model: str = ""
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON types; `from_dict` gives an equal board."""
        return {
            "story": self.story, "timestamp": self.timestamp, "num_frames": len(self.scenes),
            "scenes": [_plain(scene) for scene in self.scenes], "provider": self.provider, "model": self.model,
            "bible": _plain(self.bible), "repaired": [_plain(repair) for repair in self.repaired],
            "warnings": list(self.warnings),
        }

    @staticmethod
    def from_dict(data: Any, name: str = "the board") -> Board:
        """The board of JSON types; `name` stands in errors. Raises `RequestError` that names scene and field."""
        return _board(data, name)


def renumbered(scenes: Sequence[StoryScene]) -> tuple[StoryScene, ...]:
    """The scenes with frames 1, 2, 3, ... in their order."""
    return tuple(replace(scene, frame=number) for number, scene in enumerate(scenes, 1))


def read_board(path: Path) -> Board:
    """The board of a file. Raises `RequestError`."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RequestError(f"{path} is larger than a board can be ({MOST_BYTES // 2**20} MB).", field="board")
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise RequestError(f"There is no board at {path}.", field="board", fix="Break a story down first.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"The board {path} cannot be read: {error}.", field="board") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"{path} is not valid JSON: {error}.", field="board") from error
    return _board(data, str(path))


def write_board(path: Path, board: Board) -> None:
    """Write a board, whole or not at all. Raises `RequestError`."""
    text = json.dumps(board.to_dict(), ensure_ascii=False, indent=2) + "\n"
    try:
        with whole_file(path) as part:
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise RequestError(f"The board cannot be written to {path}: {error.strerror or error}.", field="board",
                           fix="Choose another place.") from error


# -- JSON -------------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


_NEEDED = ("description", "camera", "mood")
_TEXTS = ("description", "camera", "mood", "setting", "lighting", "action", "motion", "prompt", "negative_prompt")
_BOARD = {f.name for f in dataclasses.fields(Board)} | {"num_frames"}


def _board(data: Any, name: str) -> Board:
    top = _object(data, name, "", _BOARD)
    story = _text(top, "story", name, "", needed=True)
    listed = top.get("scenes")
    if not isinstance(listed, list) or not listed:
        raise RequestError(f"{name} has no list of scenes.", field="scenes",
                           fix='Write "scenes": [{"description": "...", "camera": "...", "mood": "..."}].')
    if len(listed) > MOST_FRAMES:
        raise RequestError(f"{name} has {len(listed)} scenes; at most {MOST_FRAMES} are read.", field="scenes")
    said = top.get("num_frames", len(listed))
    if isinstance(said, bool) or said != len(listed):
        raise RequestError(f"{name} says num_frames is {said!r} and has {len(listed)} scenes.", field="num_frames",
                           fix="Correct num_frames, or leave it out.")
    scenes = tuple(_scene(each, number, name) for number, each in enumerate(listed, 1))
    return Board(story, scenes, _bible(top.get("bible") or {}, name),
                 _text(top, "provider", name, "") or "rules", _text(top, "timestamp", name, ""),
                 tuple(_repair(each, name) for each in _list(top, "repaired", name, "")),
                 _text(top, "model", name, ""), _texts(top, "warnings", name, ""))


def _scene(data: Any, number: int, name: str) -> StoryScene:
    where = f"scene {number}"
    given = _object(data, name, where, {f.name for f in dataclasses.fields(StoryScene)})
    frame = given.get("frame", number)
    if isinstance(frame, bool) or frame != number:
        raise _wrong(name, where, "frame", f"is {frame!r}; it must be {number}, the scene's place in the list")
    texts = {key: _text(given, key, name, where, needed=key in _NEEDED) for key in _TEXTS}
    seconds = given.get("seconds", 4.0)
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not math.isfinite(seconds) or not (
            LEAST_SECONDS <= seconds <= MOST_SECONDS):
        raise _wrong(name, where, "seconds", f"is {seconds!r}; it must be from {LEAST_SECONDS:g} to {MOST_SECONDS:g}")
    return StoryScene(frame=number, seconds=float(seconds), characters=_texts(given, "characters", name, where),
                      notes=_texts(given, "notes", name, where), **texts)


def _bible(data: Any, name: str) -> Bible:
    top = _object(data, name, "bible", {"characters", "places", "style"})
    characters = []
    for number, each in enumerate(_list(top, "characters", name, "bible"), 1):
        where = f"character {number}"
        given = _object(each, name, where, {"name", "token", "lora", "description"})
        lora = given.get("lora")
        if lora is not None and not isinstance(lora, str):
            raise _wrong(name, where, "lora", f"is {lora!r}; it must be a path or null")
        characters.append(Character(_text(given, "name", name, where, needed=True), _text(given, "token", name, where),
                                    Path(lora) if lora else None, _text(given, "description", name, where)))
    places = []
    for number, each in enumerate(_list(top, "places", name, "bible"), 1):
        given = _object(each, name, f"place {number}", {"name", "description"})
        places.append(Place(_text(given, "name", name, f"place {number}", needed=True),
                            _text(given, "description", name, f"place {number}")))
    return Bible(tuple(characters), tuple(places), _text(top, "style", name, "bible"))


def _repair(data: Any, name: str) -> Repair:
    given = _object(data, name, "repaired", {"frame", "rule", "what", "before"})
    frame = given.get("frame", 0)
    if isinstance(frame, bool) or not isinstance(frame, int):
        raise _wrong(name, "repaired", "frame", f"is {frame!r}; it must be a whole number")
    return Repair(frame, *(_text(given, key, name, "repaired") for key in ("rule", "what", "before")))


def _object(data: Any, name: str, where: str, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise RequestError(f"{_place(name, where)} is not an object.", field=where.replace(" ", "."))
    unknown = sorted(str(key) for key in data if key not in known)
    if unknown:
        raise RequestError(f"{_place(name, where)} has unknown fields: {', '.join(unknown)}.",
                           field=".".join(filter(None, (where.replace(" ", "."), unknown[0]))),
                           fix=f"Known: {', '.join(sorted(known))}.")
    return data


def _text(data: Mapping[str, Any], key: str, name: str, where: str, *, needed: bool = False) -> str:
    value = data.get(key, "")
    if not isinstance(value, str):
        raise _wrong(name, where, key, f"is {value!r}; it must be a text")
    if needed and not value.strip():
        raise _wrong(name, where, key, "is missing")
    return value


def _texts(data: Mapping[str, Any], key: str, name: str, where: str) -> tuple[str, ...]:
    values = _list(data, key, name, where)
    if not all(isinstance(value, str) for value in values):
        raise _wrong(name, where, key, "must be a list of texts")
    return tuple(values)


def _list(data: Mapping[str, Any], key: str, name: str, where: str) -> list[Any]:
    value = data.get(key)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _wrong(name, where, key, f"is {value!r}; it must be a list")
    return value


def _wrong(name: str, where: str, key: str, what: str) -> RequestError:
    return RequestError(f"{_place(name, where)}: {key} {what}.",
                        field=".".join(filter(None, (where.replace(" ", "."), key))))


def _place(name: str, where: str) -> str:
    return f"{name}, {where}" if where else name
