"""Shortens a prompt to a token budget by leaving out whole phrases, the least important ones first.

Kept the longest: the person's own sentence and protected words, then quality tags, light, technical terms, style, and
last whatever else was written around it.
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from .enhancement import TokenCounter
from .facts import facts_of, has_word
from .fidelity import place_of

_PIECE = re.compile(r"[^,;.!?\n]+(?:[.](?=\S)[^,;.!?\n]*)*|[,;.!?\n]+")
_CLAUSE_END = re.compile(r"[,;:.!?\n–—]|\s(?:and|while|with|as|but|where|who|which|that)\s", re.IGNORECASE)
_QUALITY = re.compile(
    r"\b(?:masterpiece|quality|detail(?:ed)?|resolution|\d+k|sharp focus|award-winning|hd|uhd|definition|anatom\w+|"
                      r"proportions|"
    r"consisten\w+|flicker-free|continuity|stable|coherent|crisp|render)\b", re.IGNORECASE)
_LIGHT = re.compile(
    r"light|\b(?:lit|shadows?|glow\w*|golden hour|blue hour|chiaroscuro|softbox|backlit|lamps?|dawn|dusk|midday|"
                    r"morning|afternoon)\b",
    re.IGNORECASE)
_TECHNICAL = re.compile(
    r"\b(?:\d+ ?mm|lens|bokeh|depth of field|focus|shot|view|close-up|camera|dolly|pan|tilt|crane|tracking|gimbal|"
                        r"push-in|"
    r"pull-back|arc|composition|thirds|framing|perspective|lines|hierarchy|space|motion|movement|fps|momentum|pace|"
                        r"drift\w*|"
    r"alexa|leica|sony|red|hasselblad|canon|fujifilm|parallax|anamorphic|macro|telephoto|f/?\d\S*)\b", re.IGNORECASE)
_STYLE = re.compile(
    r"\b(?:mood|atmosphere|palette|grade|colou?r\w*|grain|kodak|cinestill|ilford|fuji|portra|tones?|look|style|"
                    r"background|texture\w*|"
    r"wonder|stillness|contrast|halation|film|aesthetic|cinematic|surroundings|backdrop)\b", re.IGNORECASE)
_ENDS = (".", "!", "?")
_CORE, _QUALITY_RANK, _SUBJECT, _LIGHT_RANK, _TECHNICAL_RANK, _STYLE_RANK, OTHER = range(7)
"""Ranks of phrases, the most important first; OTHER is what speaks of none of these."""


@dataclass(frozen=True)
class Compressed:
    """The shorter text, what was left out in its order, and whether the core itself had to be shortened."""

    text: str
    dropped: tuple[str, ...] = ()
    core_shortened: bool = False


@dataclass(frozen=True)
class _Phrase:
    """A phrase with the punctuation after it, and how much it matters (0 matters most)."""

    text: str
    after: str
    rank: int
    place: int = 0
    verbatim: bool = False


def compress(text: str, counter: TokenCounter, budget: int, *, core: str = "",
             protected: Sequence[str] = ()) -> Compressed:
    """The text within `budget` tokens; unchanged but for outer spaces where it fits already.

    `core` is the person's own sentence: where the text has it word for word it is kept whole, else the phrases that
    say its things are kept the longest. Only a core that alone exceeds the budget is shortened, at the ends of
    clauses, then of words. Phrases with `protected` words come before the core.
    """
    text = text.strip()
    if counter.count(text) <= budget:
        return Compressed(text)
    phrases = _ranked(text, core.strip().rstrip(" .,;"), [word.lower() for word in protected if word.strip()])
    dropped: list[tuple[int, str]] = []
    while phrases and counter.count(_joined(phrases)) > budget:
        worst = max(range(len(phrases)), key=lambda at: (phrases[at].rank, at))
        if phrases[worst].rank == _CORE:
            break
        dropped.append((phrases[worst].place, phrases[worst].text))
        _leave_out(phrases, worst)
    names = tuple(name for _, name in sorted(dropped))
    if phrases and counter.count(_joined(phrases)) > budget:
        phrases[-1] = replace(phrases[-1], after="")
    result = _joined(phrases)
    if counter.count(result) <= budget:
        return Compressed(result, names)
    kept = [phrase for phrase in phrases if not phrase.verbatim and _holds(phrase.text, protected)]
    return Compressed(_shortened(core.strip() or result, kept, counter, budget), names, core_shortened=True)


def rank_of(phrase: str) -> int:
    """How soon a phrase is left out: 1 quality, 3 light, 4 technical, 5 style, 6 anything else; higher goes first."""
    if _QUALITY.search(phrase):
        return _QUALITY_RANK
    if _LIGHT.search(phrase):
        return _LIGHT_RANK
    if _TECHNICAL.search(phrase):
        return _TECHNICAL_RANK
    return _STYLE_RANK if _STYLE.search(phrase) else OTHER


def _ranked(text: str, core: str, protected: Sequence[str]) -> list[_Phrase]:
    at = place_of(core, text)
    if at < 0:
        subjects = facts_of(core)
        wanted = frozenset((*subjects.subjects, *subjects.actions, *subjects.describing)) if core else frozenset()
        phrases = [replace(p, rank=_SUBJECT) if _says(p.text, wanted) else p for p in _split(text)]
        if not core and phrases:
            phrases[0] = replace(phrases[0], rank=min(phrases[0].rank, _SUBJECT))
    else:
        end = at + len(core)
        after = re.match(r"[,;.!?\n\s]*", text[end:])
        mark = after.group() if after else ""
        phrases = [*_split(text[:at]), _Phrase(text[at:end], mark, _CORE, verbatim=True),
                   *_split(text[end + len(mark):])]
    return [replace(p, place=place, rank=_CORE if _holds(p.text, protected) else p.rank)
            for place, p in enumerate(phrases)]


def _leave_out(phrases: list[_Phrase], at: int) -> None:
    """Take a phrase out; where it ended a sentence, the phrase before it does so now."""
    gone = phrases.pop(at)
    before = phrases[at - 1] if at else None
    if before is None or before.text[-1] in _ENDS:
        return
    if gone.after.strip()[:1] in _ENDS and before.after.strip()[:1] not in _ENDS:
        phrases[at - 1] = replace(before, after=gone.after)


def _split(text: str) -> list[_Phrase]:
    found: list[_Phrase] = []
    for match in _PIECE.finditer(text):
        piece = match.group()
        if piece[0] in ",;.!?\n":
            if found:
                found[-1] = replace(found[-1], after=found[-1].after + piece)
        elif piece.strip():
            found.append(_Phrase(piece.strip(), "", rank_of(piece)))
    return found


def _says(phrase: str, wanted: frozenset[str]) -> bool:
    words = facts_of(phrase).words
    return any(has_word(word, words) for word in wanted)


def _holds(phrase: str, protected: Sequence[str]) -> bool:
    return any(word.lower() in phrase.lower() for word in protected if word.strip())


def _joined(phrases: Sequence[_Phrase]) -> str:
    """The phrases with their punctuation; a sentence that lost its end keeps its mark, its new beginning a capital."""
    text = ""
    for number, phrase in enumerate(phrases):
        begins = not text or text.rstrip()[-1:] in ".!?"
        words = phrase.text
        if begins and text and not phrase.verbatim and words[:1].islower():
            words = words[0].upper() + words[1:]
        last = number == len(phrases) - 1
        mark = phrase.after.strip() or ("" if last else ",")
        if last and mark[:1] in (",", ";"):
            mark = ""
        text += words + mark + ("" if last else " ")
    return text.strip()


def _shortened(core: str, kept: Sequence[_Phrase], counter: TokenCounter, budget: int) -> str:
    """As much of the core as fits behind the protected phrases: to the end of a clause, else of a word."""
    lead = ", ".join(phrase.text for phrase in kept)
    if lead and counter.count(lead) > budget:
        lead = ""
    ends = [match.start() for match in _CLAUSE_END.finditer(core)]
    words = [match.end() for match in re.finditer(r"\S+", core)]
    for places in (ends, words):
        best = _longest(core, lead, places, counter, budget)
        if best is not None:
            return best
    return lead


def _longest(core: str, lead: str, places: Sequence[int], counter: TokenCounter, budget: int) -> str | None:
    """The core up to the last of the places at which the text fits; None where none does."""
    def text_to(end: int) -> str:
        part = core[:end].lstrip().rstrip(" ,;:–—\n\t")
        return f"{lead}, {part}" if lead and part else part or lead

    ends = sorted(end for end in set(places) if core[:end].strip(" ,;:–—\n"))
    fitting = bisect.bisect_right(ends, budget, key=lambda end: counter.count(text_to(end)))
    for end in reversed(ends[:fitting]):  # counts nearly always grow with the text: the first one fits
        if counter.count(text_to(end)) <= budget:
            return text_to(end)
    return None
