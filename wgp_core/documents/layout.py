"""From the lines of pages to headings and paragraphs: furniture and footnotes out of the way, broken lines joined.

Works from what the lines themselves say: place, size, weight, repetition over pages. Formats that know their headings
and paragraph ends say so in `Line.level` and `Line.ends`.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from .types import Line, Page

CONTENTS, INDEX, BIBLIOGRAPHY = "table of contents", "index", "bibliography"

_HEAD_CONTENTS = re.compile(r"(?:table of )?contents\Z|list of (?:figures|tables|listings)\Z|"
                            r"(?:figures|tables)\Z|inhalt(?:sverzeichnis)?\Z|table des matières\Z", re.IGNORECASE)
_HEAD_INDEX = re.compile(r"(?:appendix\s+\w+\W*|[a-z]\W+)?(?:[\w&]+ ){0,4}index\Z|register\Z|stichwortverzeichnis\Z",
                         re.IGNORECASE)
_HEAD_BIBLIOGRAPHY = re.compile(
    r"(?:appendix\s+\w+\W*|[\dA-Z.]+\s+)?(?:references|bibliography|works cited|literature(?: list| cited)?|"
    r"further reading|literatur(?:verzeichnis)?|selected bibliography)\Z", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_ROMAN = re.compile(r"\b[ivxlc]+\b", re.IGNORECASE)
PAGE_NUMBER = re.compile(r"\W*(?:page\s+)?(?:\d{1,4}|[ivxlc]{1,7}|[A-Z]-\d{1,3})(?:\s*(?:/|of)\s*\d{1,4})?\W*\Z",
                         re.IGNORECASE)
_NUMBERED = re.compile(r"(?:(\d{1,2}|[A-Z])((?:\.\d{1,3}){0,4})\.?|(chapter|part|appendix|section)\s+[\dA-Z]+[.:]?)\s+"
                       r"(?=[^\W\d_])", re.IGNORECASE)
_BULLET = re.compile(r"(?:[•◦▪●‣–—*·-]|\(?[a-zA-Z0-9]{1,2}[.)])\s+")
_DOT = re.compile(r"[•◦▪●‣]\s")
_SENTENCE_END = re.compile(r"[.!?:;][\"'”’)\]]*\Z")
_BROKEN_WORD = re.compile(r"([^\W\d_]+)-\Z")
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True)
class Block:
    """A heading (`level` over 0), a paragraph, a listing (`code`) or a footnote; `runs` are its (page, text)."""

    runs: tuple[tuple[int, str], ...]
    level: int = 0
    code: bool = False
    note: bool = False

    @property
    def text(self) -> str:
        return ("\n" if self.code else " ").join(text for _page, text in self.runs)


@dataclass(frozen=True)
class Furniture:
    """A running head or foot or page number, with the pages that have it."""

    text: str
    pages: tuple[int, ...]


@dataclass(frozen=True)
class Style:
    """What is usual in a document: size of the running text, distance of its lines, both in points (0: unknown)."""

    size: float
    spacing: float


def style_of(pages: Sequence[Page]) -> Style:
    sizes: Counter[float] = Counter()
    gaps: Counter[float] = Counter()
    for page in pages:
        for line, after in pairwise(page.lines):
            if line.size:
                sizes[line.size] += len(line.text)
                if line.size == after.size and 0.8 * line.size < line.y - after.y < 2.5 * line.size:
                    gaps[round(line.y - after.y, 1)] += 1
    size = sizes.most_common(1)[0][0] if sizes else 0.0
    return Style(size, gaps.most_common(1)[0][0] if gaps else 1.2 * size)


# Running heads and feet

def without_furniture(pages: Sequence[Page]) -> tuple[list[Page], list[Furniture]]:
    """The pages without running heads, feet and page numbers, and what was taken out."""
    style = style_of(pages)
    heads, feet = _Margin(pages, style, top=True), _Margin(pages, style, top=False)
    kept, out = [], {}
    for page in pages:
        gone = heads.lines_of(page) | feet.lines_of(page)
        for index in gone:
            text = page.lines[index].text
            out.setdefault(_pattern(text), (text, []))[1].append(page.number)
        kept.append(replace(page, lines=tuple(line for i, line in enumerate(page.lines) if i not in gone)))
    return kept, [Furniture(text, tuple(sorted(set(numbers)))) for text, numbers in out.values()]


def _pattern(text: str) -> str:
    """The text without what changes from page to page."""
    return " ".join(_NUMBER.sub("#", _ROMAN.sub("#", text)).lower().split())


class _Margin:
    """What stands at one end of the pages: patterns that come again, and the height that they share."""

    def __init__(self, pages: Sequence[Page], style: Style, *, top: bool) -> None:
        self.top, self.style = top, style
        ends = [(page, self._ends(page)) for page in pages]
        seen = Counter(p for page, lines in ends for p in {_pattern(page.lines[i].text) for i in lines})
        self.frequent = {pattern for pattern, count in seen.items() if count >= max(3, 0.25 * len(pages))}
        self.repeated = {pattern for pattern, count in seen.items() if count >= 3 and _is_words(pattern)}
        self.height = self._shared_height(ends)

    def _ends(self, page: Page) -> list[int]:
        """Numbers of the two outermost lines; all that share the height of the outermost one count as it."""
        lines = page.lines
        if not lines:
            return []
        if not any(line.y for line in lines):
            return list(range(len(lines)))[:2] if self.top else list(range(len(lines)))[-2:]
        order = sorted(range(len(lines)), key=lambda i: lines[i].y, reverse=self.top)
        edge = lines[order[0]].y
        same = [i for i in order if abs(lines[i].y - edge) <= 1.5]
        return same + [i for i in order if i not in same][:1]

    def _shared_height(self, ends: list[tuple[Page, list[int]]]) -> float | None:
        """The height at which most pages have a repeated line or a page number."""
        heights: Counter[float] = Counter()
        for page, lines in ends:
            if lines and page.lines[lines[0]].y and self._is_furniture(page.lines[lines[0]].text):
                heights[round(page.lines[lines[0]].y)] += 1
        if not heights:
            return None
        height, count = heights.most_common(1)[0]
        return height if count >= max(3, 0.25 * len(ends)) else None

    def _is_furniture(self, text: str) -> bool:
        return _pattern(text) in self.repeated or bool(PAGE_NUMBER.match(text))

    def lines_of(self, page: Page) -> set[int]:
        found: set[int] = set()
        for rank, i in enumerate(self._ends(page)):
            line = page.lines[i]
            if not part_of_heading(line.text) and (self._in_place(line) or self._comes_again(page, i, rank, found)):
                found.add(i)
        return found

    def _in_place(self, line: Line) -> bool:
        return self.height is not None and abs(line.y - self.height) <= 1.5

    def _comes_again(self, page: Page, i: int, rank: int, found: set[int]) -> bool:
        """True for the outermost line, or the one after a line that was found, where it repeats and stands off."""
        line, pattern = page.lines[i], _pattern(page.lines[i].text)
        if (self.style.size and line.size >= 1.12 * self.style.size) or not _stands_off(page, i, found):
            return False
        if rank == 0:
            return pattern in self.repeated or (len(page.lines) > 1 and PAGE_NUMBER.match(line.text) is not None)
        return bool(found) and pattern in self.repeated and ("#" in pattern or pattern in self.frequent)


def _is_words(pattern: str) -> bool:
    return len(re.sub(r"[#\W]", "", pattern)) >= 3


def _stands_off(page: Page, index: int, found: set[int]) -> bool:
    """True where the line is farther from the text than lines of text are; formats without places say True."""
    line = page.lines[index]
    if not line.y:
        return True
    gaps = [abs(other.y - line.y) for i, other in enumerate(page.lines) if i != index and i not in found]
    others = [gap for gap in gaps if gap > 1.5]
    return not others or min(others) > 1.4 * max(line.size, 6)


# Footnotes

def split_notes(page: Page, style: Style) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """The lines of the text and those of the footnotes: small print below everything else."""
    if not style.size:
        return page.lines, ()
    start = len(page.lines)
    while start and 0 < page.lines[start - 1].size <= 0.92 * style.size:
        start -= 1
    notes, text = page.lines[start:], page.lines[:start]
    if not notes or not text or max(line.y for line in notes) > min(line.y for line in text):
        return page.lines, ()
    return text, notes


# Headings

def heading_level(line: Line, style: Style, *, alone: bool) -> int:
    """0 for text, else the level: 1 is the highest. `alone`: the line is a paragraph of its own."""
    if line.level:
        return line.level
    text, words = line.text, len(line.text.split())
    if not 0 < words <= 14 or not _has_word(text) or text.endswith((",", ";", "-")):
        return 0
    numbered = _NUMBERED.match(text)
    if style.size and line.size >= 1.12 * style.size:
        return _level_of_size(line.size / style.size, numbered)
    if line.code or (text.endswith((".", ":")) and not (numbered and words <= 8 and line.bold)):
        return 0
    if line.bold and alone and (not style.size or line.size >= 0.97 * style.size):
        return 5 if not numbered else max(2, _depth(numbered))
    if not style.size and alone and (numbered or (text.isupper() and words <= 10)) and words <= 12:
        return _depth(numbered) if numbered else 2
    return 0


def _level_of_size(ratio: float, numbered: re.Match[str] | None) -> int:
    if numbered and numbered[2]:
        return min(6, 1 + numbered[2].count("."))
    return 1 if ratio >= 1.5 else 2 if ratio >= 1.25 else 3


def _depth(numbered: re.Match[str]) -> int:
    return min(6, 1 + (numbered[2] or "").count("."))


def _has_word(text: str) -> bool:
    return any(len(word) >= 2 for word in _WORD.findall(text)) and sum(map(str.isalpha, text)) > 0.5 * len(
        text.replace(" ", ""))


def part_of_heading(text: str) -> str:
    """`CONTENTS`, `INDEX` or `BIBLIOGRAPHY` where a heading announces one, else nothing."""
    text = text.strip(" .:")
    if len(text) > 60:
        return ""
    for name, pattern in ((CONTENTS, _HEAD_CONTENTS), (BIBLIOGRAPHY, _HEAD_BIBLIOGRAPHY), (INDEX, _HEAD_INDEX)):
        if pattern.match(text):
            return name
    return ""


# Paragraphs

def words_of(pages: Iterable[Page]) -> Counter[str]:
    """How often each word stands whole in the document: decides whether a hyphen at a line's end belongs there."""
    return Counter(word for page in pages for line in page.lines for word in _WORD.findall(line.text.lower()))


def blocks_of(pages: Sequence[Page], style: Style) -> list[Block]:
    """Headings, paragraphs, listings and footnotes in reading order; a paragraph may run over pages."""
    builder = _Builder(style, words_of(pages))
    for page in pages:
        text, notes = split_notes(page, style)
        builder.add_page(page.number, text)
        builder.notes.extend((page.number, line) for line in notes)
    builder.close()
    return builder.blocks


class _Builder:
    def __init__(self, style: Style, words: Counter[str]) -> None:
        self.style, self.words = style, words
        self.blocks: list[Block] = []
        self.notes: list[tuple[int, Line]] = []
        self.open: list[tuple[int, Line]] = []

    def add_page(self, number: int, lines: Sequence[Line]) -> None:
        lines = _joined_baselines(lines)
        right = statistics.quantiles([len(line.text) for line in lines], n=10)[8] if len(lines) > 1 else 0
        for i, line in enumerate(lines):
            before, after = lines[i - 1] if i else None, lines[i + 1] if i + 1 < len(lines) else None
            alone = (before is None or self._apart(before, line)) and (after is None or self._apart(line, after))
            level = heading_level(line, self.style, alone=alone)
            if level:
                self._heading(number, line, level)
                continue
            if self.open and self._starts(number, line, right):
                self.close()
            self.open.append((number, line))

    def close(self) -> None:
        """End the open paragraph; footnotes met meanwhile come after it."""
        if self.open:
            self.blocks.append(self._block(self.open))
            self.open = []
        if self.notes:
            notes, self.notes = self.notes, []
            for group in _groups(notes):
                self.blocks.append(replace(self._block(group), note=True))

    def _heading(self, number: int, line: Line, level: int) -> None:
        self.close()
        last = self.blocks[-1] if self.blocks else None
        if last and last.level == level and not line.level and last.runs[-1][0] == number and not _NUMBERED.match(
                line.text) and getattr(self, "_last_y", 0) - line.y < 2.2 * line.size and len(last.text.split()) < 14:
            self.blocks[-1] = replace(last, runs=(*last.runs, (number, line.text)))
        else:
            self.blocks.append(Block(((number, line.text),), level=level))
        self._last_y = line.y

    def _apart(self, upper: Line, lower: Line) -> bool:
        """True where more space than usual lies between two lines, or the format says so."""
        if upper.ends or upper.level or lower.level:
            return True
        if not upper.y or not self.style.spacing:
            return False
        return abs(upper.y - lower.y) > 1.3 * self.style.spacing or abs(upper.size - lower.size) > 1

    def _starts(self, number: int, line: Line, right: float) -> bool:
        """True where the line begins another paragraph than the open one."""
        page, before = self.open[-1]
        if before.ends or before.code != line.code or _DOT.match(line.text):
            return True
        whole = _SENTENCE_END.search(before.text) is not None
        if page != number or (line.y and line.y > before.y + 2):  # another page or column
            return line.code or (whole and not line.text[:1].islower()) or bool(_BULLET.match(line.text))
        if line.code:
            return False
        if not line.y:
            return bool(_BULLET.match(line.text)) and (whole or len(before.text) < 60)
        gap, indent = before.y - line.y, line.x - before.x
        if gap > 1.3 * self.style.spacing * max(1.0, line.size / (self.style.size or 1)):
            return True
        if _BULLET.match(line.text) and (whole or indent < -3):
            return True
        return whole and (indent > 5 or len(before.text) < 0.75 * right) and not line.text[:1].islower()

    def _block(self, lines: Sequence[tuple[int, Line]]) -> Block:
        if lines[0][1].code:
            return Block(tuple((page, line.text) for page, line in lines), code=True)
        runs: list[tuple[int, str]] = []
        for page, line in lines:
            if not runs:
                runs.append((page, line.text))
                continue
            last, text = runs[-1][1], line.text
            broken = _BROKEN_WORD.search(last)
            if broken and text[:1].islower():
                first = _FIRST_WORD.match(text)
                rest = first[0] if first else ""
                if not self._keeps_hyphen(broken[1], rest):
                    last = last[:-1]
                runs[-1] = (runs[-1][0], last + rest)
                text = text[len(rest):]
                if text[:1] and not text[:1].isspace():
                    mark = text.split(" ", 1)[0]
                    runs[-1] = (runs[-1][0], runs[-1][1] + mark)
                    text = text[len(mark):]
                text = text.strip()
                if not text:
                    continue
            if runs[-1][0] == page:
                runs[-1] = (page, f"{runs[-1][1]} {text}")
            else:
                runs.append((page, text))
        return Block(tuple(runs))

    def _keeps_hyphen(self, start: str, rest: str) -> bool:
        """"well-known" keeps its hyphen where the document writes it inside a line more often than "wellknown"."""
        return self.words[f"{start}-{rest}".lower()] > self.words[f"{start}{rest}".lower()]


def _joined_baselines(lines: Sequence[Line]) -> list[Line]:
    """Pieces of one line that the file holds apart, put together."""
    out: list[Line] = []
    for line in lines:
        last = out[-1] if out else None
        if last and line.y and abs(last.y - line.y) <= 1.5 and line.x > last.x and last.code == line.code:
            out[-1] = replace(last, text=f"{last.text} {line.text}", bold=last.bold and line.bold,
                              size=max(last.size, line.size))
        else:
            out.append(line)
    return out


def _groups(notes: Sequence[tuple[int, Line]]) -> list[list[tuple[int, Line]]]:
    """Footnotes apart: each begins with its mark."""
    groups: list[list[tuple[int, Line]]] = []
    for page, line in notes:
        marked = re.match(r"\s*(?:\d{1,3}|[*†‡§¶])\s*(?=[^\W\d_]|[“\"(])", line.text)
        text = line.text[marked.end():] if marked else line.text
        if marked or not groups or groups[-1][-1][0] != page:
            groups.append([])
        if text:
            groups[-1].append((page, replace(line, text=text)))
    return [group for group in groups if group]
