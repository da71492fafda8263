"""Paragraphs to chunks: within headings, at sentence ends, between a least and a most number of words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ..errors import RequestError
from .layout import Block
from .types import Chunk

_ENDS = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9À-Þ])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|cf|vs|etc|fig|figs|eq|eqs|sec|ch|no|nos|vol|pp?|dr|mr|mrs|ms|prof|st|"
                           r"al|ed|eds|approx|resp|ca|inc|ltd|dept|jan|feb|mar|apr|aug|sept?|oct|nov|dec)|"
                           r"\b[A-Z])\.\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Sizes:
    """Words of a chunk. A section that has fewer is joined with the next; a longer one is split at sentences."""

    least: int = 45
    most: int = 220

    def check(self) -> Sizes:
        """Itself, or `RequestError`."""
        if not 1 <= self.least <= self.most <= 2000 or self.most < 20:
            raise RequestError(f"Chunks of {self.least} to {self.most} words cannot be made.", field="min_words",
                               fix="Take 1 to 2000 words, the least not above the most, the most at least 20.")
        return self


@dataclass(frozen=True)
class _Part:
    """A sentence or a line of a listing with its page; `glue` is what stands before it in the chunk."""

    text: str
    page: int
    glue: str

    @property
    def words(self) -> int:
        return len(self.text.split())


@dataclass
class _Open:
    heading: tuple[str, ...] = ()
    parts: list[_Part] = field(default_factory=list)
    words: int = 0


def sentences(text: str) -> list[str]:
    """The sentences of a paragraph; abbreviations and initials end none."""
    out, start = [], 0
    for found in _ENDS.finditer(text):
        if not _ABBREVIATION.search(text[start:found.start()]):
            out.append(text[start:found.end()].strip())
            start = found.end()
    out.append(text[start:].strip())
    return [sentence for sentence in out if sentence]


def chunks_of(blocks: Sequence[Block], source: str, sizes: Sizes) -> list[Chunk]:
    """The chunks of one document in reading order. Those under `sizes.least` had no neighbour in their part."""
    maker = _Maker(source, sizes)
    for block in blocks:
        if block.level:
            maker.heading(block)
        else:
            maker.paragraph(block)
    maker.flush()
    return maker.chunks


class _Maker:
    def __init__(self, source: str, sizes: Sizes) -> None:
        self.source, self.sizes = source, sizes
        self.chunks: list[Chunk] = []
        self.open = _Open()
        self.path: list[tuple[int, str]] = []

    def heading(self, block: Block) -> None:
        """Under a new heading a new chunk begins; a short rest is taken along inside the same chapter."""
        text = block.text
        above = [entry for entry in self.path if entry[0] < block.level]
        inside = bool(above) and self.open.heading[:1] == (above[0][1],)
        self.path = [*above, (block.level, text)]
        if self.open.words and (self.open.words >= self.sizes.least or not inside):
            self.flush()
        if self.open.words:
            self._add(_Part(text + ("" if text.endswith((".", "?", "!", ":")) else "."), block.runs[0][0], "\n\n"))
        else:
            self.open.heading = self._names()

    def paragraph(self, block: Block) -> None:
        parts = list(_parts(block, self.sizes.most))
        if not parts:
            return
        gap = parts[0].page - self.open.parts[-1].page if self.open.parts else 0
        if gap > 1 or (gap and self.open.words >= self.sizes.least):
            self.flush()
        total = sum(part.words for part in parts)
        if self.open.words >= self.sizes.least and self.open.words + total > self.sizes.most:
            self.flush()
        for part in parts:
            if self.open.words and self.open.words + part.words > self.sizes.most:
                self.flush()
            self._add(part)

    def _add(self, part: _Part) -> None:
        if not self.open.parts and not self.open.heading:
            self.open.heading = self._names()
        self.open.parts.append(part)
        self.open.words += part.words

    def _names(self) -> tuple[str, ...]:
        return tuple(name for _level, name in self.path)

    def flush(self) -> None:
        """End the open chunk; a rest that is too short joins the chunk before it, if that is of the same section."""
        parts, words, heading = self.open.parts, self.open.words, self.open.heading
        self.open = _Open(heading=self._names())
        if not parts:
            return
        text = "".join((part.glue if i else "") + part.text for i, part in enumerate(parts))
        first, last = parts[0].page, parts[-1].page
        before = self.chunks[-1] if self.chunks else None
        if before and words < self.sizes.least and before.heading == heading and first - before.page_to <= 1 and (
                before.words + words <= 1.2 * self.sizes.most):
            self.chunks[-1] = Chunk.make(f"{before.text}{parts[0].glue}{text}", source=self.source,
                                         page_from=before.page_from, page_to=last, heading=heading)
        else:
            self.chunks.append(Chunk.make(text, source=self.source, page_from=first, page_to=last, heading=heading))


def _parts(block: Block, most: int) -> Iterator[_Part]:
    if block.code:
        for i, (page, line) in enumerate(block.runs):
            yield from _short_enough(line, page, "\n" if i else "\n\n", most)
        return
    starts, at = [], 0
    for page, text in block.runs:
        starts.append((at, page))
        at += len(text) + 1
    whole, at = block.text, 0
    for i, sentence in enumerate(sentences(whole)):
        at = max(at, whole.find(sentence, at))
        page = max((start, page) for start, page in starts if start <= at)[1]
        yield from _short_enough(sentence, page, " " if i else "\n\n", most)
        at += len(sentence)


def _short_enough(text: str, page: int, glue: str, most: int) -> Iterator[_Part]:
    """A sentence that is longer than a chunk is cut between words."""
    words = text.split()
    if len(words) <= most:
        yield _Part(text, page, glue)
        return
    for start in range(0, len(words), most):
        yield _Part(" ".join(words[start:start + most]), page, glue if not start else " ")
