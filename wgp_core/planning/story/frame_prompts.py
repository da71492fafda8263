"""Prompts of a frame: for an SDXL still within 75 tokens, what it must not show, and for the motion of its shot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from ...paths import Paths
from ...prompts.compress import compress
from ...prompts.enhancement import JobType, Mode, TokenCounter
from ...prompts.tokens import EstimatedCounter, counter_for
from ...prompts.vocabulary import negative_prompt
from ..scene_prompts import CAMERAS
from .board import Bible, Board, StoryScene
from .shots import Shot, movement_of, shot_of

BUDGET = 75
"""Tokens of CLIP that SDXL reads, start and end marks not counted."""
STYLE = "cinematic film still"
QUALITY = ("masterpiece", "best quality", "highly detailed", "sharp focus")
_NEGATIVE = ("text", "caption", "collage", "split screen", "deformed hands", "duplicate people")
_FRAMED = {Shot.POV: "POV shot, first-person view", Shot.INSERT: "insert shot, detail",
           Shot.SHOULDER: "over-the-shoulder shot",
           Shot.TWO: "two-shot"}
_LEADING = re.compile(r"\A(?:a|an|the)\s+", re.IGNORECASE)


def with_prompts(board: Board, paths: Paths | None = None, *, target_model: str = "", anew: bool = False) -> Board:
    """The board with prompt, negative prompt and motion in every scene; those that are there stay unless `anew`.

    `target_model` is the still model whose tokenizer counts; without it, or where it is not installed, tokens are
    estimated on the high side.
    """
    counter = counter_for(JobType.SDXL_IMAGE_FAST, paths,
                          target_model) if paths is not None else EstimatedCounter("clip")
    scenes = []
    for scene in board.scenes:
        scenes.append(replace(
            scene, prompt=scene.prompt if scene.prompt and not anew else frame_prompt(scene, board.bible, counter),
            negative_prompt=scene.negative_prompt if scene.negative_prompt and not anew else frame_negative(),
            motion=scene.motion if scene.motion and not anew else motion_prompt(scene, board.bible)))
    return replace(board, scenes=tuple(scenes))


def frame_prompt(scene: StoryScene, bible: Bible, counter: TokenCounter, budget: int = BUDGET) -> str:
    """One line for SDXL: shot, what happens, where, light, mood, style, quality; tokens of characters always in it.

    What does not fit goes in this order: quality tags, mood, the second half of the light, the style's later phrases,
    the setting; the action is shortened last.
    """
    shot = shot_of(scene.camera) or Shot.MEDIUM
    action = appearing(scene.action or scene.description, bible).rstrip(" .")
    if action.split(" ", 1)[0] in ("The", "A", "An", "Two", "Three"):
        action = action[:1].lower() + action[1:]
    tokens = [c.token for c in bible.characters if c.token and (c.token in action or c.name in scene.characters)]
    lost = [token for token in tokens if token not in action]
    core = f"{', '.join(lost)}, {action}" if lost else action
    place = _place_words(scene, bible)
    setting = "" if place.lower() in action.lower() else place
    style = [part.strip() for part in (bible.style.strip().rstrip(".") or STYLE).split(",") if part.strip()]
    light = [part.strip() for part in scene.lighting.rstrip(".").split(",") if part.strip()]
    mood = f"{scene.mood.strip().rstrip('.')} mood" if scene.mood and "mood" not in scene.mood.lower() else scene.mood
    parts: list[tuple[int, str]] = [(0, _FRAMED.get(shot, shot.value)), (0, core), (2, setting),
                                    *((1 if n == 0 else 4, text) for n, text in enumerate(light)), (5, mood),
                                    *((1 if n == 0 else 3, text) for n, text in enumerate(style)),
                                    *((6 + n, text) for n, text in enumerate(QUALITY))]
    parts = [(rank, text) for rank, text in parts if text.strip()]
    while counter.count(_line(parts)) > budget:
        worst = max(range(len(parts)), key=lambda i: (parts[i][0], i))
        if parts[worst][0] <= 1:
            break
        parts.pop(worst)
    return compress(_line(parts), counter, budget, core=core, protected=tokens).text


def frame_negative() -> str:
    """What no frame should have."""
    return ", ".join(dict.fromkeys([*negative_prompt(Mode.IMAGE).split(", "), *_NEGATIVE]))


def motion_prompt(scene: StoryScene, bible: Bible | None = None) -> str:
    """What moves in the shot and how the camera does, for image-to-video."""
    text = appearing(scene.action or scene.description, bible or Bible()).strip().rstrip(".")
    camera = CAMERAS[movement_of(scene.camera)]
    if "_" not in text.split(" ", 1)[0]:
        text = text[:1].upper() + text[1:]
    return f"{text}. {camera[:1].upper()}{camera[1:]}, smooth natural motion, the look stays the same."


def appearing(text: str, bible: Bible) -> str:
    """The text with characters that have no token as they are described: "Santiago" is "an old fisherman".

    Image models know how nobody looks by name. Only the first mention is described.
    """
    for character in bible.characters:
        if character.token or not character.description.strip():
            continue
        shown = character.description.strip().rstrip(".")
        pattern = re.compile(rf"(?<![\w-])(?:the\s+|The\s+)?{re.escape(character.name)}(?![\w-])")
        if shown.lower() in text.lower():
            continue
        made = pattern.sub(lambda _, shown=shown: shown, text, count=1)
        text = made[:1].upper() + made[1:] if text[:1].isupper() else made
    return text


def _place_words(scene: StoryScene, bible: Bible) -> str:
    """The setting, with the bible's description of the place where there is one."""
    setting = scene.setting.strip().rstrip(".")
    for place in bible.places:
        if place.description and place.name and _LEADING.sub("", place.name).lower() in setting.lower():
            return f"{setting}, {place.description.strip().rstrip('.')}"
    return setting


def _line(parts: Sequence[tuple[int, str]]) -> str:
    return ", ".join(text for _, text in parts)
