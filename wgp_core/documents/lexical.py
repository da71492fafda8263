"""BM25 over a collection: for names and formulas, and for whether the documents know a question's words at all.

Robertson and Zaragoza 2009 with k1 1.2 and b 0.75. Postings are four flat arrays, so that a large collection is mapped
from disk and a question touches only the postings of its own words. A posting's weight takes one byte.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

K1, B = 1.2, 0.75
_WORD = re.compile(r"[^\W_]+(?:[._][^\W_]+)*")
_PART = re.compile(r"[^\W_]+")
STOP_WORDS = frozenset(
    "a about after all also am an and any are as at be because been before being between both but by can could did do "
    "does doing done during each either else ever few for from further get gets given got had has have having he her "
    "here hers him his how i if in into is it its itself just let like made make makes many may me might more most "
    "much must my need no nor not of off on once one only or other our out over own please same say says shall she "
    "should so some such than that the their them then there these they this those through to too under until up upon "
    "us use used uses using very want was way we were what when where whether which while who whom whose why will "
    "with within without would you your tell explain describe mean means work works happen happens called".split())


def words_of(text: str) -> list[str]:
    """The words that count, in base form: "read.table" gives itself, "read" and "table"."""
    found: list[str] = []
    for token in _WORD.findall(text.lower()):
        parts = _PART.findall(token)
        if len(parts) > 1:
            found.append(token)
        found += [_base(part) for part in parts if part not in STOP_WORDS]
    return found


@lru_cache(maxsize=100_000)
def _base(word: str) -> str:
    """A word without the commonest endings of English; the same for question and text, right or not."""
    if len(word) <= 3 or not word.isalpha():
        return word
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("es", ""), ("s", ""), ("e", "")):
        if word.endswith(ending) and not (ending == "s" and word.endswith("ss")):
            stem = word[:len(word) - len(ending)] + instead
            if len(stem) >= 3:
                return stem[:-1] if len(stem) > 3 and stem[-1] == stem[-2] and ending in ("ing", "ed") else stem
    return word


@dataclass(frozen=True)
class Postings:
    """`rows[starts[t]:starts[t + 1]]` are the chunks with term t, `weights` their share (0 to 255 for 0 to k1 + 1)."""

    count: int
    terms: np.ndarray
    starts: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    _places: dict[str, int] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def build(cls, texts: Sequence[str]) -> Postings:
        """Read all texts. About 1 MB of text a second."""
        places: dict[str, int] = {}
        terms: list[int] = []
        rows: list[int] = []
        for row, text in enumerate(texts):
            for word in words_of(text):
                terms.append(places.setdefault(word, len(places)))
                rows.append(row)
        return cls._from_pairs(list(places), np.array(terms, np.int64), np.array(rows, np.int64), len(texts))

    @classmethod
    def _from_pairs(cls, names: list[str], terms: np.ndarray, rows: np.ndarray, count: int) -> Postings:
        lengths = np.bincount(rows, minlength=count)
        pairs, often = np.unique(terms * max(count, 1) + rows, return_counts=True)
        of_term, of_row = np.divmod(pairs, max(count, 1))
        length = lengths[of_row] / max(lengths.mean() if count else 1, 1e-9)
        share = often * (K1 + 1) / (often + K1 * (1 - B + B * length))
        starts = np.zeros(len(names) + 1, np.int64)
        np.cumsum(np.bincount(of_term, minlength=len(names)), out=starts[1:])
        joined = np.frombuffer("\n".join(names).encode(), np.uint8)
        return cls(count, joined, starts, of_row.astype(np.int32), np.rint(share * (255 / (K1 + 1))).astype(np.uint8))

    def arrays(self) -> dict[str, np.ndarray]:
        """For the index file."""
        return {"terms": self.terms, "term_starts": self.starts, "term_rows": self.rows,
                "term_weights": self.weights}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], count: int) -> Postings:
        return cls(count, arrays["terms"], np.asarray(arrays["term_starts"]), arrays["term_rows"],
                   arrays["term_weights"])

    def holders(self, word: str) -> int:
        """In how many chunks a base form occurs."""
        place = self._place(word)
        return 0 if place is None else int(self.starts[place + 1] - self.starts[place])

    def weight(self, word: str) -> float:
        """How telling a base form is: about 0 where every chunk has it, ln(2 n + 1) where none does."""
        holders = self.holders(word)
        return float(np.log1p((self.count - holders + 0.5) / (holders + 0.5)))

    def scores(self, question: str) -> np.ndarray:
        """BM25 of every chunk, float32, 0 where it has none of the words."""
        out = np.zeros(self.count, np.float32)
        for word in set(words_of(question)):
            place = self._place(word)
            if place is not None:
                at = slice(int(self.starts[place]), int(self.starts[place + 1]))
                out[self.rows[at]] += self.weights[at] * np.float32(self.weight(word) * (K1 + 1) / 255)
        return out

    def ceiling(self, question: str) -> float:
        """What a chunk would score with every word of the question at full weight."""
        return sum(self.weight(word) for word in set(words_of(question))) * (K1 + 1)

    def _place(self, word: str) -> int | None:
        if not self._places and self.terms.size:
            names = bytes(self.terms).decode().split("\n")
            self._places.update((name, place) for place, name in enumerate(names))
        return self._places.get(word)
