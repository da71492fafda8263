"""What a prompt asks of the starter's world: which thing, in which colour, how it moves, and before what."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import synonyms
from .words import BACKGROUND_WORDS, CAMERA_WORDS, COLOUR_WORDS, MOTION_WORDS, SHAPE_WORDS, Words, gerund

PLACES = {
    "sunset": ("sunset", "dusk", "setting sun"), "night": ("night", "stars", "starry"),
    "sea": ("sea", "ocean", "water", "waves"), "grass": ("grass", "grassy", "meadow", "lawn"),
    "sky": ("sky", "clouds"), "gray": ("gray background", "grey background"), "black": ("black background",),
    "beige": ("beige background",),
}
"""Words that tell of a background outside of the captions' phrases; the first that a prompt has counts."""
WAYS = {"left": ("to the left", "leftward", "leftwards"), "right": ("to the right", "rightward", "rightwards"),
        "up": ("upward", "upwards"), "down": ("downward", "downwards")}
"""What tells of a motion whatever the verb."""
STILLS = ("film still", "movie still", "still life", "still frame", "production still")
"""Where "still" is no motion."""
REACH = 3
"""A colour is a thing's when it stands at most this many words before it."""


@dataclass(frozen=True)
class Asked:
    """The values that a prompt names, "" where it names none."""

    colour: str = ""
    shape: str = ""
    motion: str = ""
    background: str = ""

    def named(self) -> dict[str, str]:
        """Those that are named, by attribute."""
        return {name: value for name, value in vars(self).items() if value}


@functools.lru_cache(maxsize=256)
def read_prompt(prompt: str) -> Asked:
    """The first thing of a prompt and what is said of it. Words that the world has none for are passed over."""
    text = " ".join(re.sub(r"[^\w\s-]", " , ", prompt.lower()).split())
    text = _passed_over().sub(" ", text)
    thing = _first(_shapes(), text)
    shape, at = thing if thing else ("", len(text))
    before = " ".join(text[:at].split()[-REACH - 1:])
    colours = _all(_colours(), before)
    backdrop = _first(_backgrounds(), text) or next(filter(None, (_first(place, text) for place in _places())), None)
    if backdrop:
        text = re.sub(_backgrounds()[0], " ", text)
    motion = _first(_motions(), text) or _first(_ways(), text)
    return Asked(colours[-1] if colours else "", shape, motion[0] if motion else "", backdrop[0] if backdrop else "")


Pattern = tuple[re.Pattern[str], Mapping[str, str]]
"""Finds any of many phrases, the longest first; and the value that each stands for."""


def _pattern(phrases: Mapping[str, Iterable[str]]) -> Pattern:
    values = {phrase.lower(): value for value, many in phrases.items() for phrase in many}
    longest = sorted(values, key=len, reverse=True)
    return re.compile(rf"(?<![\w-])(?:{'|'.join(map(re.escape, longest))})(?![\w-])"), values


def _first(pattern: Pattern, text: str) -> tuple[str, int] | None:
    """The value of the first phrase in a text, and where it begins."""
    found = pattern[0].search(text)
    return (pattern[1][found.group()], found.start()) if found else None


def _all(pattern: Pattern, text: str) -> list[str]:
    return [pattern[1][found.group()] for found in pattern[0].finditer(text)]


def _phrases(words: Words, more: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {value: (*known, *kept, *more[value]) for value, (known, kept) in words.items()}


@functools.cache
def _shapes() -> Pattern:
    return _pattern(_phrases(SHAPE_WORDS, synonyms.SHAPES))


@functools.cache
def _colours() -> Pattern:
    return _pattern(_phrases(COLOUR_WORDS, synonyms.COLOURS))


@functools.cache
def _backgrounds() -> Pattern:
    return _pattern(_phrases(BACKGROUND_WORDS, synonyms.BACKGROUNDS))


@functools.cache
def _motions() -> Pattern:
    """The captions' verbs in both their forms: "moves left", "moving left"."""
    return _pattern({value: [form for phrase in many for form in (phrase, gerund(phrase).strip())]
                     for value, many in _phrases(MOTION_WORDS, synonyms.MOTIONS).items()})


@functools.cache
def _places() -> tuple[Pattern, ...]:
    return tuple(_pattern({name: words}) for name, words in PLACES.items())


@functools.cache
def _ways() -> Pattern:
    return _pattern(WAYS)


@functools.cache
def _passed_over() -> re.Pattern[str]:
    return _pattern({**CAMERA_WORDS, "": STILLS})[0]
