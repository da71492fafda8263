"""What in a document is no text to learn from: contents, index, bibliography, imprint, noise; each with its reason.

Lines get scores for what they look like (leaders, page numbers at their ends, years and initials, ...). A stretch of
lines whose scores add up is taken out whole, so that the chapter which begins below a table of contents stays. Chunks
are then scored for noise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from .layout import BIBLIOGRAPHY, CONTENTS, INDEX, Style, heading_level, part_of_heading
from .types import Line, Page

IMPRINT, TITLE, NOISE, SHORT = "imprint", "title page", "noise", "too short"
STRONG = 0.6
FRONT = 12
"""Pages at a book's beginning, and its last one, that may be an imprint."""
MOST_ENTRY = 400
"""Characters of a line; longer ones are paragraphs, no entries of a list."""

_LEADERS = re.compile(r"(?:\.\s?){4,}\s*(?:\d{1,4}|[ivxlc]{1,7}|[A-Z]-\d+)?(?:\s*,\s*\d{1,4})*\s*\Z")
_PAGE_AT_END = re.compile(r"[\s,.:](\d{1,4}|[ivxlc]{1,6})\Z")
_TITLE = re.compile(r"[^\W\d_]{2,}")
_INDEX_ENTRY = re.compile(r".{1,70}?,\s*(?:see (?:also )?\D+|\d{1,4}(?:[-–]\d{1,4})?(?:,\s*\d{1,4}(?:[-–]\d{1,4})?)*"
                          r"[nf]{0,2}),?\Z", re.IGNORECASE)
_ONLY_PAGES = re.compile(r"(?:\d{1,4}(?:[-–]\d{1,4})?[,\s]*)+\Z")
_LETTER = re.compile(r"[A-Z]\Z|symbols\Z|numbers\Z|symbols and numbers\Z", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"\b(?:18|19|20)\d\d[a-z]?\b")
_INITIALS = re.compile(r"\b[A-Z]\.(?:[ -]?[A-Z]\.)*\s+[A-Z][a-zà-ÿ]+|\b[A-Z][\wà-ÿ-]+,\s+[A-Z]\.")
_PUBLISHED = re.compile(r"\b(?:pp?\.\s*\d|vol(?:ume)?\b|press\b|springer|wiley|elsevier|proceedings|journal|doi\b|"
                        r"https?:|isbn|editors?\b|\beds?\.|et al\.|university)", re.IGNORECASE)
_REFERENCE_START = re.compile(r"(?:\[[^\]]{1,24}\]|\d{1,3}\.)?\s*[A-Z][\wà-ÿ'’-]+,?\s+(?:[A-Z]\.|and\b|[A-Z][a-z]+,)")
_CITED = re.compile(r"\[[\w+ ]{1,24}\]\s+\S")
_IMPRINT = re.compile(r"©|\bcopyright\b|all rights reserved|\bisbn\b|permission is granted|"
                      r"permission notice|printed (?:in|by)|published by|no part of this|license|licence|"
                      r"verbatim cop|trademark|modified versions|free software foundation", re.IGNORECASE)
_SENTENCE = re.compile(r"\w{2,} \w+ [^.]*[a-z]\.\Z")
_MUTE = re.compile(r"(?<!\w)(?:[bcdfghjklmnpqrstvwxz]{4,}|[BCDFGHJKLMNPQRSTVWXZ][bcdfghjklmnpqrstvwxz]{3,})(?!\w)")
_MIXED = re.compile(r"(?<!\w)[A-Za-z]*[a-z]\d+[a-z]+(?!\w)")
_LETTERS = re.compile(r"(?<!\S)(?![aAIOo])[^\W\d_](?!\S)")


@dataclass(frozen=True)
class Stretch:
    """Lines of one page that are left out: `start` to `end` (exclusive), why, and how sure it is (0 to 1)."""

    page: int
    start: int
    end: int
    reason: str
    score: float


def stretches_of(pages: Sequence[Page], style: Style) -> list[Stretch]:
    """What to leave out, page by page."""
    found: list[Stretch] = []
    state = _State(style, len(pages))
    for place, page in enumerate(pages):
        found += state.read(page, place)
    return found


class _State:
    """Remembers from page to page in what kind of part the reading is."""

    def __init__(self, style: Style, count: int) -> None:
        self.style, self.count = style, count
        self.part = ""
        self.size = 0.0

    def read(self, page: Page, place: int) -> list[Stretch]:
        lines = page.lines
        if not lines:
            return []
        parts = self._parts(lines)
        found: list[Stretch] = []
        contents = [self._contents(line, parts[i], lines[i + 1:i + 3]) for i, line in enumerate(lines)]
        references = [self._reference(line, parts[i]) for i, line in enumerate(lines)]
        for start, end in _best_runs(contents, least=4.0):
            if sum(score >= STRONG for score in contents[start:end]) < 3:
                continue
            name = self._list_name(lines, start, end, place, parts)
            found.append(Stretch(page.number, *_with_heading(lines, start, end, parts, name), name,
                                 _share(contents, start, end)))
        for start, end in _best_runs(references, least=3.0):
            if not any(s.start < end and start < s.end for s in found):
                found.append(Stretch(page.number, *_with_heading(lines, start, end, parts, BIBLIOGRAPHY),
                                     BIBLIOGRAPHY, _share(references, start, end)))
        if place < FRONT or place == self.count - 1:
            found += self._imprint(page, place, found)
        return found

    def _parts(self, lines: Sequence[Line]) -> list[str]:
        """The part that each line belongs to by the headings met so far."""
        parts = []
        for i, line in enumerate(lines):
            name = part_of_heading(line.text)
            marked = heading_level(line, self.style, alone=True)
            if name and (marked or len(line.text.split()) <= 4):
                self.part, self.size = name, line.size
            elif self.part and marked and line.size >= self.size and len(line.text) > 2 and not _has_leaders(
                    line.text) and not (i + 1 < len(lines) and _LEADERS.match(lines[i + 1].text)):
                self.part = ""
            parts.append(self.part)
        return parts

    def _contents(self, line: Line, part: str, after: Sequence[Line]) -> float:
        text = line.text
        bonus = 0.5 if part in (CONTENTS, INDEX) else 0.0
        if len(text) > MOST_ENTRY:
            return -1.5
        if _has_leaders(text):
            return 1.5
        if line.code and not bonus:
            return -1.5
        if "," in text and _INDEX_ENTRY.match(text) and not text.endswith("."):
            return (0.7 if _YEAR.search(text) is None else 0.0) + bonus
        ends = _PAGE_AT_END.search(text[-8:])
        if ends and len(text) < 110 and _TITLE.search(text[:-len(ends[0])]) and (
                not ends[1].isdigit() or int(ends[1]) <= self.count + 60):
            return (0.6 if re.match(r"[\dA-Z][\d.]*\s|[A-Z]", text) else 0.2) + bonus
        if _LETTER.match(text) or _ONLY_PAGES.match(text):
            return 0.1 + bonus
        if bonus and (len(text) < 70 or any(_has_leaders(line.text) for line in after)):
            return 0.3
        return -0.8 if len(text) < 60 else -1.5

    def _reference(self, line: Line, part: str) -> float:
        text = line.text
        if line.code or len(text) > MOST_ENTRY:
            return -0.6 if part == BIBLIOGRAPHY else -1.5
        if part != BIBLIOGRAPHY and not _DIGIT.search(text):
            return -0.9
        signs = bool(_YEAR.search(text)) + bool(_INITIALS.search(text)) + bool(_PUBLISHED.search(text)) + 2 * bool(
            _REFERENCE_START.match(text) and _YEAR.search(text)) + bool(_CITED.match(text))
        if part == BIBLIOGRAPHY:
            return 0.8 + 0.4 * signs if signs else (0.35 if len(text) > 3 else 0.0)
        return 0.5 * signs - 0.5 if signs > 1 else -0.9

    def _list_name(self, lines: Sequence[Line], start: int, end: int, place: int, parts: Sequence[str]) -> str:
        """A list of entries with page numbers is an index where they are sorted, else a table of contents."""
        named = [part for part in parts[start:end] if part in (CONTENTS, INDEX)]
        if named:
            return max(set(named), key=named.count)
        first = [line.text[0].lower() for line in lines[start:end] if line.text[:1].isalpha()]
        pairs = list(pairwise(first))
        ordered = sum(a <= b for a, b in pairs) / len(pairs) if pairs else 0.0
        return INDEX if ordered >= 0.8 and place > 0.5 * self.count else CONTENTS

    def _imprint(self, page: Page, place: int, found: Sequence[Stretch]) -> list[Stretch]:
        """A title page, or a page of rights and permissions at the beginning or end of a book."""
        if found:
            return []
        signs = len(_IMPRINT.findall(page.text))
        words = len(page.text.split())
        sentence = any(_SENTENCE.search(line.text) for line in page.lines)
        if place < 2 and self.count >= 8 and words <= 60 and not sentence:
            return [Stretch(page.number, 0, len(page.lines), TITLE, 1 - words / 120)]
        if len(page.lines) >= 3 and signs >= 3 and signs * 60 >= words:
            return [Stretch(page.number, 0, len(page.lines), IMPRINT, min(1.0, signs * 40 / max(words, 1)))]
        return []


def _has_leaders(text: str) -> bool:
    return ("..." in text or ". ." in text) and _LEADERS.search(text) is not None


def _best_runs(scores: Sequence[float], *, least: float) -> list[tuple[int, int]]:
    """Disjoint stretches whose scores add up to at least `least`, each as long as adding to it pays."""
    runs, start, total, best, end = [], 0, 0.0, 0.0, 0
    for i, score in enumerate([*scores, -1e9]):
        if total <= 0:
            start, total, best, end = i, 0.0, 0.0, i
        total += score
        if total > best:
            best, end = total, i + 1
        if total <= 0 or best - total > 4.0:
            if best >= least:
                runs.append((start, end))
            total = 0.0
    return runs


def _with_heading(lines: Sequence[Line], start: int, end: int, parts: Sequence[str], name: str) -> tuple[int, int]:
    """The stretch with the heading that names it, and with the rest of the page if nothing else follows."""
    while start and parts[start - 1] == name and start - 1 >= 0 and len(lines[start - 1].text) < 70:
        start -= 1
    if len(parts) - end <= 6 and all(part == name for part in parts[end:]) and (
            name == BIBLIOGRAPHY or all(len(line.text) < 60 for line in lines[end:])):
        end = len(parts)
    return start, end


def _share(scores: Sequence[float], start: int, end: int) -> float:
    return sum(score > 0 for score in scores[start:end]) / max(1, end - start)


# Chunks

def noise_of(text: str) -> tuple[float, str]:
    """How likely the text is what a scanner or a broken font left, 0 to 1, and by which sign most."""
    tokens = text.split()
    if not tokens:
        return 1.0, "no words"
    letters = sum(map(str.isalpha, text))
    signs: dict[str, float] = {
        "words without vowels": _over(len(_MUTE.findall(text)) / len(tokens), 0.12, 0.4),
        "digits inside words": _over(len(_MIXED.findall(text)) / len(tokens), 0.08, 0.3),
        "single letters": _over(len(_LETTERS.findall(text)) / len(tokens), 0.3, 0.7),
        "few letters": _over(1 - letters / max(1, len(text.replace(" ", "").replace("\n", ""))), 0.5, 0.8),
        "unreadable characters": _over(text.count("\ufffd") / len(text), 0.01, 0.05),
        "few different words": _over(1 - len(set(map(str.lower, tokens))) / len(tokens), 0.75, 0.92),
    }
    reason = max(signs, key=signs.__getitem__)
    return min(1.0, signs[reason] + 0.3 * (sum(signs.values()) - signs[reason])), reason


def _over(value: float, low: float, high: float) -> float:
    """0 at `low` and below, 1 at `high` and above."""
    return min(1.0, max(0.0, (value - low) / (high - low)))
