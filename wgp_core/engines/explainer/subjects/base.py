"""What a subject is: words that choose it, and a function that makes its scenes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..scene import Scene

_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_SIGN = r"(?:(?<![\w)])-)?"  # a hyphen after a word or a number joins ("GPT-2", "3-5"), else it is a minus
_DIGITS = r"(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|\.\d+"
_NUMBER = rf"{_SIGN}(?:{_DIGITS})(?:e[-+]?\d+(?!\w))?"
_WORD = rf"\b(?:{'|'.join(_WORDS)})\b"


@dataclass(frozen=True)
class Numbers:
    """Numbers found in a topic's text: "k = 4", "learning rate 0.3", "five clusters", "rate 1e-3", "1,000 points"."""

    text: str

    def after(self, *names: str, low: float, high: float, default: float) -> float:
        """The number that follows one of `names` ("learning rate 0.3", "k=4", "k of four"), clamped to low..high."""
        for name in names:
            match = re.search(rf"(?<!\w){re.escape(name)}(?!\w)\s*(?:=|:|\b(?:of|is|to|at)\b)?\s*"
                              rf"(?:about\s+|around\s+)?({_NUMBER}|{_WORD})", self._plain, re.I)
            if match:
                return min(max(_value(match.group(1)), low), high)
        return default

    def before(self, *nouns: str, low: float, high: float, default: float) -> float:
        """The number that stands before one of `nouns` ("5 clusters", "45 degrees", "three states", "3-layer net").

        A noun that begins a longer word counts too ("cluster" finds "clusters"), but not a unit such as "m" or "m/s".
        """
        for noun in nouns:
            end = r"(?!\w)" if len(noun) <= 3 else ""
            match = re.search(rf"(?<![\w.])({_NUMBER}|{_WORD})\s*-?\s*{re.escape(noun)}{end}", self._plain, re.I)
            if match:
                return min(max(_value(match.group(1)), low), high)
        return default

    def listed(self) -> list[float]:
        """Every plain number of the text, in order ("sort 5, 2, 9"); those inside words ("GPT-2", "x86") are not."""
        found = re.findall(rf"(?<![\w.])(?<![A-Za-z]-){_SIGN}(?:\d+(?:\.\d+)?|\.\d+)(?:e[-+]?\d+)?(?![\w.]*\w)",
                           self._plain, re.I)
        return [float(n) for n in found]

    @property
    def _plain(self) -> str:
        return self.text.replace("\u2212", "-")


def _value(raw: str) -> float:
    return float(_WORDS.get(raw.lower(), raw.replace(",", "")))


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
