"""Scenes in a language model's answer: found, checked by hand, and taken over as far as they can be used.

Knows nothing of who answered. What is wrong is said in sentences that a model or a person can act on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..prompts.llm.objects import COMMA, THINKING, objects_of
from ..request import CameraMovement, SceneKind

MOST_TITLE, MOST_NARRATION, MOST_VISUAL = 80, 700, 900


@dataclass(frozen=True)
class Told:
    """A scene as a model told it; `cues` are numbers from 1."""

    title: str = ""
    kind: SceneKind = SceneKind.AUTO
    narration: str = ""
    visual: str = ""
    camera: CameraMovement = CameraMovement.STATIC
    cues: tuple[int, ...] = ()


@dataclass(frozen=True)
class Answered:
    """The scenes that could be read, and what was wrong with the answer."""

    scenes: tuple[Told, ...]
    problems: tuple[str, ...]


def read_scenes(answer: str, statements: int) -> Answered:
    """The scenes of an answer. `statements` is how many cues it may cite."""
    found = list(_objects(answer))
    if not found:
        return Answered((), ("There is no JSON array of scenes in it.",))
    problems: list[str] = []
    scenes = []
    for number, data in enumerate(found, 1):
        told, wrong = _scene(data, statements)
        problems += [f"Scene {number} {each}." for each in wrong]
        if told.title or told.narration or told.cues:
            scenes.append(told)
    return Answered(tuple(scenes), tuple(problems))


def read_questions(answer: str, most: int = 6) -> tuple[str, ...]:
    """A JSON array of questions, or one question a line; those that are none are passed over."""
    text = THINKING.sub("", answer)
    found = re.search(r"\[.*?\]", text, re.DOTALL)
    lines: list[str] = []
    if found:
        try:
            lines = [str(each) for each in json.loads(COMMA.sub("", found.group())) if isinstance(each, str)]
        except ValueError:
            lines = []
    lines = lines or text.splitlines()
    cleaned = (re.sub(r"^[\s\d.)*\"'•-]+|[\s\"',]+$", "", line) for line in lines)
    return tuple(line for line in dict.fromkeys(cleaned) if line.endswith("?") and 3 <= len(line.split()) <= 25)[:most]


def _objects(answer: str) -> Iterator[Mapping[str, Any]]:
    """The scenes of the first array that has objects, of an object's "scenes", or the objects that stand alone.

    An answer that breaks off in the middle gives those that are whole.
    """
    for data in objects_of(answer):
        inner = data.get("scenes", data.get("plan"))
        if isinstance(inner, list):
            yield from (each for each in inner if isinstance(each, dict))
        elif {"title", "narration", "visual"} & set(data):
            yield data


def _scene(data: Mapping[str, Any], statements: int) -> tuple[Told, list[str]]:
    wrong: list[str] = []
    title = _text(data, "title", MOST_TITLE, wrong)
    narration = _text(data, "narration", MOST_NARRATION, wrong)
    visual = _text(data, "visual", MOST_VISUAL, wrong)
    if not title:
        wrong.append("has no title")
    if not narration:
        wrong.append("has no narration")
    kind = _choice(SceneKind, data.get("kind", "auto"), SceneKind.AUTO, "kind", wrong)
    if kind in (SceneKind.SUBJECT, SceneKind.BOARD):
        kind = SceneKind.AUTO
    camera = _choice(CameraMovement, data.get("camera", "static"), CameraMovement.STATIC, "camera", wrong)
    return Told(title, kind, narration, visual, camera, _numbers(data.get("cues", []), statements, wrong)), wrong


def _text(data: Mapping[str, Any], name: str, most: int, wrong: list[str]) -> str:
    value = data.get(name, "")
    if isinstance(value, list):
        value = "\n".join(str(each) for each in value)
    if not isinstance(value, str):
        wrong.append(f"has a {name} that is no text")
        return ""
    value = "\n".join(" ".join(line.split()) for line in value.splitlines() if line.strip())
    if len(value) > most:
        wrong.append(f"has a {name} of more than {most} letters")
        return ""
    return value


def _choice(kind: Any, value: Any, default: Any, name: str, wrong: list[str]) -> Any:
    try:
        return kind(str(value).strip().lower().replace("_", "-"))
    except ValueError:
        wrong.append(f"has the {name} {str(value)[:30]!r}, which is none of {', '.join(kind)}")
        return default


def _numbers(value: Any, statements: int, wrong: list[str]) -> tuple[int, ...]:
    items = value if isinstance(value, list) else [value]
    found = [int(digits) for each in items if (digits := re.sub(r"\D", "", str(each)))]
    unknown = [number for number in found if not 1 <= number <= statements]
    if unknown:
        wrong.append(f"cites statement {unknown[0]}; there are {statements}")
    return tuple(dict.fromkeys(number for number in found if 1 <= number <= statements))
