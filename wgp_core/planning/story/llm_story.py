"""Scenes by a language model: asked for JSON, checked, sent back once with the reasons, then repaired by rule.

Small models do not write scenes; they choose among the rule planner's beats. Answers are read with patience: fences,
talk around them, other names of fields, and lists that break off.
"""

from __future__ import annotations

import json
import logging
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import EngineError
from ...events import CancelToken
from ...prompts.enhancement import TextModel
from .board import Bible, StoryScene, renumbered
from .grammar import Planner
from .naming import aliases_of, known_names
from .reader import read_story
from .rules import Breach, Embed, check
from .shots import Shot, least_kinds

log = logging.getLogger(__name__)

TOKENS_A_SCENE, MOST_TOKENS = 170, 2400
MOST_STORY = 6000
"""Letters of a story that a model is given."""
_NAMES: Mapping[str, tuple[str, ...]] = {
    "description": ("description", "scene_description", "visual", "visual_description", "text", "summary"),
    "camera": ("camera", "camera_angle", "shot", "shot_type", "framing", "camera_shot"),
    "mood": ("mood", "emotion", "tone", "atmosphere"),
    "setting": ("setting", "location", "place", "where", "environment"),
    "lighting": ("lighting", "light", "lights"),
    "action": ("action", "what_happens", "event", "actions"),
    "motion": ("motion", "movement", "motion_prompt"),
}
_LISTS = ("scenes", "frames", "shots", "storyboard", "panels", "scene_breakdown", "breakdown")


@dataclass(frozen=True)
class Written:
    """What a model made: the scenes that could be read, breaches that are left, and how many answers it took."""

    scenes: tuple[StoryScene, ...]
    breaches: tuple[Breach, ...] = ()
    first_breaches: tuple[Breach, ...] = ()
    answers: int = 1


def system_prompt(count: int, bible: Bible) -> str:
    """What the model is told about its task."""
    tokens = [c for c in bible.characters if c.token]
    shots = ", ".join(shot.value for shot in Shot)
    named = "".join(f" Call {c.name} {c.token} everywhere, letter by letter, never by another name or pronoun."
                    for c in tokens)
    return (
        f"You break a story down into exactly {count} frames of a storyboard. Answer with JSON alone: "
        '{"scenes": [{"frame": 1, "description": "...", "action": "...", "setting": "...", "lighting": "...", '
        '"camera": "...", "mood": "...", "motion": "..."}]}. '
        "The frames tell the story in order: opening, development, turn, climax, close. Each frame shows a new step; "
        "no two are "
        "alike. description: one or two sentences that say who does what where. action: who does what, one verb that "
        "can be "
        "drawn, present tense. setting: where, a few words. lighting: where the light comes from. mood: two or three "
        "words. "
        f"camera: one of {shots}, then a movement of the camera. Never the same shot three times in a row, at least "
        f"{least_kinds(count)} kinds in all. motion: what moves in the shot. Begin no sentence with he, she or they; "
        f"each frame is "
        "drawn alone. Never describe clothing, outfits, hair, age, faces or bodies." + named + " Write English.")


def write_scenes(model: TextModel, story: str, count: int, bible: Bible, *, seed: int = 0, embed: Embed | None = None,
                 cancel: CancelToken | None = None) -> Written:
    """The model's scenes, at most `count`; what breaks rules is sent back once, and the better answer is kept.

    Raises `EngineError` where neither answer has a scene, and what `model.complete` raises.
    """
    system = system_prompt(count, bible)
    user = _question(story, bible)
    tokens = min(TOKENS_A_SCENE * count, MOST_TOKENS)
    first = _read(model.complete(system, user, max_new_tokens=tokens, seed=seed, cancel=cancel), count, bible)
    wrong = _breaches(first, story, bible, count, embed)
    if not wrong:
        return Written(first)
    notes = "\n".join(f"- {breach}" for breach in wrong[:20])
    again = f"{user}\n\nYour last answer was not usable:\n{notes}\nWrite all {count} scenes anew as JSON."
    try:
        second = _read(model.complete(system, again, max_new_tokens=tokens, seed=seed + 1, cancel=cancel), count, bible)
    except EngineError as error:
        if not first:
            raise
        log.warning("the second answer failed: %s", error)
        return Written(first, wrong, wrong, 1)
    left = _breaches(second, story, bible, count, embed)
    better = bool(second) and (len(second), -len(left)) >= (min(len(first), count), -len(wrong))
    scenes, breaches = (second, left) if better else (first, wrong)
    if not scenes:
        raise EngineError(f"{model.name} wrote no scenes that could be read.", fix="Try another seed or another model.")
    return Written(scenes, breaches, wrong, 2)


def choosing_planner(model: TextModel, story: str, bible: Bible, cancel: CancelToken | None = None) -> Planner:
    """The rule planner, whose in-between beats a small model chooses by how well they continue the story."""
    reading = read_story(story, known_names(bible))
    short = story.strip()[:600]

    def choose(before: Sequence[str], options: Sequence[str]) -> int:
        told = " ".join(f"{text}." for text in before[-3:])
        scores = list(model.rank(f"Story: {short}\n\nScenes: {told}".rstrip(), [f"{text}." for text in options],
                                 cancel=cancel))
        return max(range(len(options)), key=lambda i: scores[i])

    return Planner(reading, bible, aliases_of(bible, reading), choose)


def filled(scenes: Sequence[StoryScene], planned: Sequence[StoryScene]) -> tuple[tuple[StoryScene, ...], tuple[int,
    ...]]:
    """As many scenes as planned: too many are cut, missing ones come from the plan; with the frames that did.

    The model's scenes keep their share of the story: with five of eight, the planned scenes stand where the gaps are.
    """
    count = len(planned)
    if len(scenes) >= count:
        return renumbered(scenes[:count]), ()
    places = {min(round((n + 0.5) * count / len(scenes) - 0.5), count - 1): scene for n,
              scene in enumerate(scenes)} if scenes \
        else {}
    made = [places.get(at, planned[at]) for at in range(count)]
    return renumbered(made), tuple(at + 1 for at in range(count) if at not in places)


def parse_scenes(answer: str) -> list[Mapping[str, Any]]:
    """The objects of scenes in an answer, however it is wrapped; those that broke off are left out. May be empty."""
    text = re.sub(r"<think>.*?(?:</think>|\Z)", "", answer, flags=re.DOTALL | re.IGNORECASE)
    decoder = json.JSONDecoder(strict=False)
    for match in re.finditer(r"[\[{]", text):
        try:
            data, _ = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        found = _objects(data)
        if found and not (len(found) == 1 and found[0] is data):
            return found
        break
    found = []
    at = 0
    while (start := text.find("{", at)) >= 0:
        try:
            data, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            at = start + 1
            continue
        found += _objects(data)
        at = end
    return found


def _objects(data: Any) -> list[Mapping[str, Any]]:
    if isinstance(data, Mapping):
        lowered = {str(key).lower(): value for key, value in data.items()}
        for name in _LISTS:
            if isinstance(lowered.get(name), (list, Mapping)):
                return _objects(lowered[name])
        if any(name in lowered for name in (*_NAMES["description"], *_NAMES["action"])):
            return [data]
        inner = [value for value in data.values() if isinstance(value, Mapping)]
        return [each for value in inner for each in _objects(value)]
    if isinstance(data, list):
        return [each for value in data if isinstance(value, Mapping) for each in _objects(value)]
    return []


def scene_of(data: Mapping[str, Any], frame: int, bible: Bible) -> StoryScene:
    """A scene of an object with any of the usual names of fields; what is no text is left empty."""
    lowered = {str(key).lower().strip().replace(" ", "_").replace("-", "_"): value for key, value in data.items()}
    texts = {}
    for field, names in _NAMES.items():
        texts[field] = next((text for name in names if (text := _text(lowered.get(name)))), "")
    if not texts["description"]:
        texts["description"] = texts["action"]
    seconds = lowered.get("seconds", lowered.get("duration", 4.0))
    usable = isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and math.isfinite(seconds)
    said = texts["description"]
    seen = tuple(c.name for c in bible.characters if (c.token and c.token in said) or (c.name and c.name in said))
    return StoryScene(frame=frame, characters=seen, seconds=min(max(float(seconds), 2.0), 8.0) if usable else 4.0,
                      **texts)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, list):
        return ", ".join(filter(None, map(_text, value)))
    if isinstance(value, Mapping):
        return ", ".join(filter(None, map(_text, value.values())))
    return ""


def _read(answer: str, count: int, bible: Bible) -> tuple[StoryScene, ...]:
    scenes = [scene_of(data, number, bible) for number, data in enumerate(parse_scenes(answer), 1)]
    return renumbered([scene for scene in scenes if scene.description.strip()][:count])


def _breaches(scenes: Sequence[StoryScene], story: str, bible: Bible, count: int, embed: Embed | None) -> tuple[Breach,
    ...]:
    from .rules import Rule

    found = list(check(scenes, bible, story=story, embed=embed)) if scenes else []
    if len(scenes) != count:
        found.insert(0, Breach(0, Rule.PROGRESS, f"There were {len(scenes)} scenes that could be read, not {count}."))
    return tuple(found)


def _question(story: str, bible: Bible) -> str:
    lines = [f"Story: {story.strip()[:MOST_STORY]}"]
    for character in bible.characters:
        if character.token:
            lines.append(f"Character: {character.token} is {character.name}.")
    for place in bible.places:
        lines.append(f"Place: {place.name}{': ' + place.description if place.description else ''}.")
    return "\n".join(lines)


