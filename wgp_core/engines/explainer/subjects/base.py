"""What a subject is: words that choose it, and a function that makes its scenes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..scene import Scene


@dataclass(frozen=True)
class Numbers:
    """Numbers found in a topic's text: "k = 4", "learning rate 0.3", "with 5 clusters"."""

    text: str

    def after(self, *names: str, low: float, high: float, default: float) -> float:
        """The number that follows one of `names` ("learning rate 0.3", "k=4", "k of 4"), clamped to low..high."""
        for name in names:
            match = re.search(rf"\b{re.escape(name)}\b\s*(?:=|:|of|is|to)?\s*(-?\d+(?:\.\d+)?)", self.text, re.I)
            if match:
                return min(max(float(match.group(1)), low), high)
        return default

    def before(self, *nouns: str, low: float, high: float, default: float) -> float:
        """The number that stands before one of `nouns` ("5 clusters", "45 degrees", "three states")."""
        words = "|".join(_WORDS)
        for noun in nouns:
            match = re.search(rf"(-?\d+(?:\.\d+)?|\b(?:{words}))\s*-?\s*{re.escape(noun)}", self.text, re.I)
            if match:
                raw = match.group(1).lower()
                return min(max(float(_WORDS.get(raw, raw)), low), high)
        return default

    def listed(self) -> list[float]:
        """Every plain number of the text, in order ("sort 5, 2, 9")."""
        return [float(n) for n in re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.]*\w)", self.text)]


_WORDS = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}


@dataclass(frozen=True)
class Topic:
    """What the person asked for. `seed` fixes every random choice of a subject."""

    text: str
    seed: int = 0
    seconds: float = 8.0

    @property
    def numbers(self) -> Numbers:
        return Numbers(self.text)

    def mentions(self, *words: str) -> bool:
        """Whether one of the words or phrases stands in the text (whole words, any case)."""
        return any(re.search(rf"\b{re.escape(word)}\b", self.text, re.I) for word in words)


@dataclass(frozen=True)
class Subject:
    """`keywords` decide at once; `phrases` are compared by meaning when no keyword is there."""

    id: str
    title: str
    keywords: tuple[str, ...]
    phrases: tuple[str, ...]
    make: Callable[[Topic], Sequence[Scene]] = field(repr=False)
