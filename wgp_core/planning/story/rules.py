"""The rules of a storyboard as code, whoever wrote the scenes. Each breach names scene, field and reason."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from . import words as w
from .board import Bible, StoryScene
from .looks import allowed_by, looks_in
from .naming import Alias, aliases_of, known_names, misnamed, pronoun_first
from .parts import Reading
from .reader import read_story
from .sentences import acts, content_words
from .shots import Shot, least_kinds, shot_of

MOST_OVERLAP = 0.6
"""Share of content words (Jaccard, the cast left out) from which two scenes tell the same."""
MOST_COSINE = 0.9
"""Cosine of two scenes' actions from which they tell the same. Different scenes of the planner's boards for the
benchmark's 48 stories come to 0.88 at most; of ten rewordings of one action four lay above 0.9, the others from 0.62.
"""
MOST_IN_A_ROW = 2

Embed = Callable[[Sequence[str]], np.ndarray]
"""Texts to unit vectors, shape (texts, width)."""


class Rule(enum.StrEnum):
    """The rules; names stand in boards."""

    PROGRESS = "progress"
    CAMERA = "camera"
    LIGHT_AND_MOOD = "light and mood"
    ACTION = "action and setting"
    TOKEN = "character token"
    LOOKS = "clothing and looks"


@dataclass(frozen=True)
class Breach:
    """A rule that a scene breaks; `frame` 0 means the board. `reason` is written for people and language models."""

    frame: int
    rule: Rule
    reason: str
    field: str = ""

    def __str__(self) -> str:
        return f"Scene {self.frame}: {self.reason}" if self.frame else self.reason


def check(scenes: Sequence[StoryScene], bible: Bible | None = None, *, story: str = "",
          embed: Embed | None = None) -> tuple[Breach, ...]:
    """Every breach, scene by scene; empty where all rules hold. `embed` adds meaning to the check of progress."""
    bible = bible or Bible()
    reading = read_story(story, known_names(bible))
    aliases = aliases_of(bible, reading)
    allowed = allowed_by(story)
    described = allowed | described_looks(bible)
    found = [*_progress(scenes, reading, embed), *_camera(scenes)]
    for scene in scenes:
        found += [*_light_and_mood(scene), *_action(scene), *_token(scene, aliases), *_looks(scene, allowed, described)]
    found += _tokens_used(scenes, aliases)
    return tuple(sorted(found, key=lambda breach: breach.frame))


def told(scene: StoryScene) -> str:
    """What a scene tells: its action, else its description."""
    return scene.action if scene.action.strip() else scene.description


def cast_words(reading: Reading) -> frozenset[str]:
    """The words of those whom a story is about: they are in every scene."""
    return content_words(" ".join(noun.words for noun in reading.cast))


def overlap(one: str, other: str, cast: frozenset[str] = frozenset()) -> float:
    """Shared content words of two texts, 0 to 1 (Jaccard); tokens and `cast` words do not count."""
    mine, its = ({word for word in content_words(text) - cast if "_" not in word} for text in (one, other))
    if not mine and not its:
        return 1.0
    return len(mine & its) / len(mine | its)


_LIGHT = re.compile(
    r"light|\blit\b|\bsun|shadow|\bglow|\blamp|lantern|\bdark|\bdim|\bdawn|\bdusk|\bmoon|\bfire|\bflame|\bcandle|\bneon|"
    r"\bbright|\bgloom|golden hour|blue hour|magic "
    r"hour|\bnoon|midday|overcast|silhouett|backlit|\bnight|morning|evening|"
    r"twilight|sunset|sunrise|\btorch|\bhaz[ey]|\brays?\b|\bbeams?\b|chiaroscuro|\bstars?\b|\bshade|high[- ]key|low[- "
    r"]key|"
    r"\bcontrast|\bspark|\bshin", re.IGNORECASE)
_LETTERS = re.compile(r"[^\W\d_]{3,}", re.UNICODE)


def says_light(text: str) -> bool:
    return bool(_LIGHT.search(text))


def says_mood(text: str) -> bool:
    return bool(_LETTERS.search(text)) and len(text.split()) <= 12


def says_setting(text: str) -> bool:
    """Whether a place is named: at least one word that is no grammar."""
    return any(word not in w.NOT_NOUNS and len(word) > 2 for word in content_words(text))


# -- one rule each ----------------------------------------------------------------------------------------------------


def _progress(scenes: Sequence[StoryScene], reading: Reading, embed: Embed | None) -> list[Breach]:
    cast = cast_words(reading)
    texts = [told(scene) for scene in scenes]
    near = np.zeros((len(texts), len(texts)), np.float32)
    if embed is not None and len(texts) > 1:
        vectors = embed(texts)
        near = vectors @ vectors.T
    found = []
    for late in range(1, len(texts)):
        for early in range(late):
            same = " ".join(texts[early].lower().split()) == " ".join(texts[late].lower().split())
            if same or overlap(texts[early], texts[late], cast) >= MOST_OVERLAP or near[early, late] >= MOST_COSINE:
                found.append(Breach(scenes[late].frame, Rule.PROGRESS, f"it tells the same as scene "
                                    f"{scenes[early].frame}; "
                                    "show the next step of the story", "action"))
                break
    return found


def _camera(scenes: Sequence[StoryScene]) -> list[Breach]:
    shots = [shot_of(scene.camera) for scene in scenes]
    found = [Breach(scene.frame, Rule.CAMERA, "the camera names no shot; name one (wide shot, medium shot, close-up, "
                                              "POV "
                    "shot, ...)", "camera") for scene, shot in zip(scenes, shots, strict=True) if shot is None]
    for at in range(MOST_IN_A_ROW, len(shots)):
        run = shots[at - MOST_IN_A_ROW:at + 1]
        if run[0] is not None and len(set(run)) == 1:
            found.append(Breach(scenes[at].frame, Rule.CAMERA, f"it is the third {_name(run[0])} in a row; take "
                                                               f"another "
                                "shot", "camera"))
    kinds = {shot for shot in shots if shot is not None}
    needed = least_kinds(len(scenes))
    if len(kinds) < needed:
        found.append(Breach(0, Rule.CAMERA, f"The board has {len(kinds)} kinds of shots; it needs at least {needed}.",
                            "camera"))
    return found


def _name(shot: Shot) -> str:
    return shot.value


def _light_and_mood(scene: StoryScene) -> list[Breach]:
    found = []
    if not says_light(scene.lighting):
        found.append(Breach(scene.frame, Rule.LIGHT_AND_MOOD, "the lighting is missing; say where the light comes from",
                            "lighting"))
    if not says_mood(scene.mood):
        found.append(Breach(scene.frame, Rule.LIGHT_AND_MOOD, "the mood is missing; say it in a few words", "mood"))
    return found


def _action(scene: StoryScene) -> list[Breach]:
    found = []
    if not scene.description.strip():
        found.append(Breach(scene.frame, Rule.ACTION, "the description is empty", "description"))
    if not acts(told(scene)):
        found.append(Breach(scene.frame, Rule.ACTION, "nobody does anything; say what happens, with a verb", "action"))
    if not says_setting(scene.setting):
        found.append(Breach(scene.frame, Rule.ACTION, "the setting is missing; say where it happens", "setting"))
    return found


def _token(scene: StoryScene, aliases: Sequence[Alias]) -> list[Breach]:
    found = []
    for field in ("description", "action", "setting", "motion"):
        wrong = misnamed(getattr(scene, field), aliases)
        if wrong:
            tokens = ", ".join(dict.fromkeys(a.character.token for a in aliases if misnamed(wrong[0], [a])))
            found.append(Breach(scene.frame, Rule.TOKEN, f'"{wrong[0]}" must be called {tokens}', field))
            break
    for alias in aliases:
        if alias.character.name in scene.characters and alias.character.token not in scene.description:
            found.append(Breach(scene.frame, Rule.TOKEN, f"{alias.character.name} is in the scene, so its description "
                                                         f"must "
                                f"say {alias.character.token}", "description"))
    if pronoun_first(told(scene)) or pronoun_first(scene.description):
        found.append(Breach(scene.frame, Rule.TOKEN, "it begins with a pronoun; each frame is drawn alone, so say who "
                                                     "it is",
                            "action"))
    return found


def _tokens_used(scenes: Sequence[StoryScene], aliases: Sequence[Alias]) -> list[Breach]:
    return [Breach(0, Rule.TOKEN, f"No scene shows {alias.character.token}.", "description") for alias in aliases
            if not any(alias.character.token in scene.description for scene in scenes)]


def described_looks(bible: Bible) -> frozenset[str]:
    """Words of looks that prompts may say: those of characters without a token, who must look alike in every frame."""
    return frozenset(word for c in bible.characters if not c.token for word in looks_in(c.description))


def _looks(scene: StoryScene, allowed: frozenset[str], described: frozenset[str]) -> list[Breach]:
    for field in ("description", "action", "setting", "motion", "mood"):
        words = looks_in(getattr(scene, field), described if field == "motion" else allowed)
        if words:
            return [Breach(scene.frame, Rule.LOOKS, f"it speaks of clothing or looks ({', '.join(words)}); leave that "
                                                    f"out",
                           field)]
    return []
