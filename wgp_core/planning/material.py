"""What there is to plan with: statements with their place, and lists, each known for what it is good for.

Rules for English; a statement in another language counts as a plain fact. Every word stays as the document has it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..documents.lexical import words_of
from ..engines.explainer.pages import patterns
from ..request import Cue


class Role(enum.StrEnum):
    """What a statement is good for in an argument."""

    DEFINITION = "definition"
    MECHANISM = "mechanism"
    EXAMPLE = "example"
    FORMULA = "formula"
    CONTRAST = "contrast"
    PROBLEM = "problem"
    CONSEQUENCE = "consequence"
    BENEFIT = "benefit"
    ACTION = "action"
    PAST = "past"
    FACT = "fact"


@dataclass(frozen=True)
class Statement:
    """A cue, or a list of them under one sentence (`intro`, empty for a single cue).

    `worth` 0 to 1 says how much it has to do with the topic; `heading` is the title above it in the document, `place`
    its order there.
    """

    cues: tuple[Cue, ...]
    worth: float = 0.5
    heading: str = ""
    place: tuple[str, int, int] = ("", 0, 0)
    intro: str = ""
    numbered: bool = False

    @property
    def listed(self) -> bool:
        return len(self.cues) > 1

    @property
    def text(self) -> str:
        """All that is said, as sentences."""
        if not self.listed:
            return self.cues[0].text
        items = "; ".join(cue.text.rstrip(" .;,") for cue in self.cues)
        return f"{self.intro.rstrip(' .:,')}: {items}." if self.intro else f"{items}."


def statements_of(cues: Iterable[Cue]) -> list[Statement]:
    """Cues as single statements, the first worth most; of two that say the same the first stays."""
    found: dict[str, Cue] = {}
    for cue in cues:
        if any(letter.isalnum() for letter in cue.text):
            found.setdefault(same(cue.text), cue)
    return [Statement((cue,), worth=1 / (1 + 0.08 * number), place=(cue.source, cue.page or 0, number))
            for number, cue in enumerate(found.values())]


def same(text: str) -> str:
    """Two statements with one key say the same."""
    return " ".join(re.findall(r"[^\W_]+", text.lower())) or text


# -- roles --------------------------------------------------------------------------------------------------------


def _any_of(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{words})\b", re.IGNORECASE)


_SIGNS: Mapping[Role, re.Pattern[str]] = {
    Role.DEFINITION: _any_of(r"is called|are called|known as|refers? to|means that|consists? of|is made of|defined as|"
                             r"is a (?:kind|form|type|method|set|way)|is used (?:to|for)|are used (?:to|for)|"
                             r"goal of|aims? (?:to|at)|think of"),
    Role.MECHANISM: _any_of(r"because|by \w+ing|so that|therefore|thus|first|second step|then|next|finally|until|each|"
                            r"when|whenever|depends? on|computes?|calculates?|assigns?|causes?|converts?|turns? into|"
                            r"process|steps?|algorithm|iterat\w+|repeat\w*|minimi[sz]\w+|maximi[sz]\w+|based on|works?|"
                            r"according to|leads? to|in order to|is done|are done|takes? the|creates?|chooses?"),
    Role.EXAMPLE: _any_of(r"for example|for instance|such as|e\.g|suppose|consider|example|imagine|like the|namely|"
                          r"say|in practice|application|applied to|used (?:in|for)|\d[\d.,]*(?: ?%)?"),
    Role.CONTRAST: _any_of(r"than|whereas|while|unlike|differ\w*|compared|contrast|instead of|on the other hand|"
                           r"both|rather|similar|equivalent"),
    Role.PROBLEM: _any_of(r"cannot|can not|can't|not|never|fail\w*|difficult\w*|hard|problems?|errors?|wrong|slow\w*|"
                          r"drawbacks?|disadvantages?|limit\w*|unstable|bias\w*|overfit\w*|expensive|cumbersome|los[est]\w*|"
                          r"poor\w*|lack\w*|risk\w*|danger\w*|unfortunately|complex|costly|suffer\w*|worse|bad\w*|"
                          r"distort\w*|inflated|sensitive|careful|confus\w+|without|tedious|rigid|cold"),
    Role.CONSEQUENCE: _any_of(r"as a result|therefore|result(?:s|ing)? in|lead(?:s|ing)? to|causes?|so|consequence\w*|"
                              r"means that|end up|increas\w+|becomes?|makes? it|completely|will be|even"),
    Role.BENEFIT: _any_of(r"allow\w*|improv\w+|eas(?:y|ier|ily)|simpl[ey]\w*|best|better|advantages?|powerful|effective|"
                          r"fast\w*|efficien\w+|useful|beautiful\w*|quick\w*|benefits?|helps?|solv\w+|enabl\w+|good|"
                          r"robust|flexible|saves?|makes? it possible|convenient\w*|versatile|reduc\w+"),
    Role.ACTION: _any_of(r"use|you|should|recommend\w*|run|call|choose|try|can be (?:used|done|read|made|set)|must|"
                         r"start|begin|set|add|give|we suggest|need to|requires?|specify|using"),
    Role.PAST: _any_of(r"was|were|used to|before|ago|1[5-9]\d\d|20[0-2]\d|early|earlier|traditional\w*|once|formerly|"
                       r"originally|century|decades?|historical\w*|until then|had been|old\w*"),
}
_IMPERATIVE = re.compile(r"^(?:use|try|choose|set|run|call|start|begin|add|give|take|write|read|make|apply|remember|"
                         r"avoid|keep|check|let|consider|type|press|open|select|find|put|do)\b", re.IGNORECASE)


def roles_of(statement: Statement) -> dict[Role, float]:
    """How well a statement fills each role, 0 to about 2."""
    text = statement.text
    length = max(len(text.split()), 1)
    scores = {role: min(len(found), 3) * 0.5 for role, sign in _SIGNS.items() if (found := sign.findall(text))}
    if patterns.definition(text):
        scores[Role.DEFINITION] = scores.get(Role.DEFINITION, 0.0) + 1.5
    if formula_of(text):
        scores[Role.FORMULA] = 2.0
    if patterns.contrast(text):
        scores[Role.CONTRAST] = scores.get(Role.CONTRAST, 0.0) + 0.5
    if _IMPERATIVE.match(text):
        scores[Role.ACTION] = scores.get(Role.ACTION, 0.0) + 1.0
    if statement.numbered:
        scores[Role.MECHANISM] = scores.get(Role.MECHANISM, 0.0) + 1.5
    scores[Role.FACT] = 0.5 if length >= 6 else 0.2
    return scores


def formula_of(text: str) -> patterns.FormulaFound | None:
    """A formula that is worth a page of its own: one with an equals sign that is not a named argument of a function."""
    found = patterns.formula(text)
    if found is None or re.search(r"\b\w{4,}\s*=|==|=\s*\w{4,}", found.formula):
        return None
    return found


# -- statements that stand alone ------------------------------------------------------------------------------------

_ELSEWHERE = re.compile(
    r"\b(?:below|above|following|aforementioned|(?:this|next|previous|last|another|present) (?:section|chapter|document|"
    r"essay|manual|book|paragraph|page|example)|sections?,? below|see|cited|figure|listing|example shows|shown here|"
    r"(?:both|two|these|first|second|previous|other) (?:examples|scores|forms|cases|pictures|images)|described in|"
    r"documentation dedicated|for more details|we (?:recommend|refer)|refer to (?:the )?(?:section|chapter|example))\b",
    re.IGNORECASE)
_OPENS_ELSEWHERE = re.compile(
    r"^(?:the (?:first|second|third|last|latter|former|two|three|other|left|right|images?|pictures?|"
    r"figures?|answer|result|argument|optional (?:parameter|argument)|default|above|reason|same|difference between the "
    r"old)|some of (?:the|these|them)|one of (?:them|these)|in (?:our|the) (?:example|case)|as (?:we|noted|mentioned)|"
    r"under this|after initiali[sz]ation|\w{1,2}|difference between .{1,60} can be seen|here|with (?:this|these)|"
    r"there are (?:also|other)|other|there is also|again|we|our|i|my|if so|otherwise|instead|than)\b", re.IGNORECASE)
_NAMES_CODE = re.compile(r"\b\w+\(|\w_\w|[a-z]\.[a-z]\w*\(|[a-z][A-Z]\w|\w\[|\\\(|=\w|[<>{}]")


def stands_alone(text: str) -> bool:
    """Whether a statement can be understood without what stood around it."""
    return not _ELSEWHERE.search(text) and not _OPENS_ELSEWHERE.match(text)


def plainness(text: str) -> float:
    """1 for plain words, less for code names in between and for very short or long sentences."""
    worth = 1.0 - 0.25 * min(len(_NAMES_CODE.findall(text)), 3)
    count = len(text.split())
    return worth - (0.15 if count < 7 or count > 24 else 0.0)


def shares_words(text: str, topic: str) -> float:
    """The share of the topic's words that a text has, 0 to 1."""
    asked = set(words_of(topic))
    return len(asked & set(words_of(text))) / max(len(asked), 1)


# -- lists ----------------------------------------------------------------------------------------------------------

_BULLET = re.compile(r"^\s*(?:[•‣▪◦*–-]|\(?(?P<number>\d{1,2})[.)])\s+(?P<item>\S.*)$")
_ORDINAL = re.compile(r"^(?:the (?:first|second|third|fourth|final|last) (?:step|phase|stage)\b|first(?:ly)?\b|"
                      r"second(?:ly)?\b|third(?:ly)?\b|finally\b|lastly\b|then\b|next\b|after(?:wards)?\b)", re.IGNORECASE)
_OPENS_STEPS = re.compile(r"^(?:the first (?:step|phase|stage)|first(?:ly)?,?)\b", re.IGNORECASE)
LEAST_ITEMS, MOST_ITEMS, ITEM_WORDS = 2, 6, 32


@dataclass(frozen=True)
class Listed:
    """A list of a passage: what introduces it, and its items."""

    intro: str
    items: tuple[str, ...]
    numbered: bool


def lists_of(passage: str) -> list[Listed]:
    """Bulleted and numbered lists of a passage whose items are short enough to be shown."""
    found: list[Listed] = []
    before, items, numbered = "", list[str](), False
    for line in [*passage.split("\n"), "end"]:
        mark = _BULLET.match(line)
        if mark:
            items.append(" ".join(mark.group("item").split()).rstrip(" ;,."))
            numbered = numbered or mark.group("number") is not None
        elif line.strip():
            if items:
                found.append(Listed(_introduces(before), tuple(items), numbered))
                items, numbered = [], False
            before = line.strip()
    return [each for each in found if each.intro and LEAST_ITEMS <= len(each.items) <= MOST_ITEMS
            and all(2 <= len(item.split()) <= ITEM_WORDS and not re.search(r"<-|[{}\\|#]|\$ |==", item)
                    and not re.search(r"\b(?:see|section|chapter|page \d)\b", item, re.I) for item in each.items)]


def steps_of(sentences: Sequence[str]) -> Listed | None:
    """Consecutive sentences that tell steps: "The first step ...", "Then ...", "The second step ..."."""
    for start, sentence in enumerate(sentences):
        if not _OPENS_STEPS.match(sentence):
            continue
        items = [sentence]
        for other in sentences[start + 1:start + 8]:
            if _ORDINAL.match(other):
                items.append(other)
            elif len(items) < 2:
                break
        if len(items) >= 2 and all(4 <= len(item.split()) <= ITEM_WORDS for item in items):
            before = sentences[start - 1] if start and len(sentences[start - 1].split()) <= 24 else ""
            return Listed(before, tuple(items[:MOST_ITEMS]), True)
    return None


def _introduces(line: str) -> str:
    """The last sentence before a list, where it can stand as its heading."""
    last = re.split(r"(?<=[.!?])\s+(?=[A-Z])", line)[-1].strip()
    last = re.sub(r",?\s*(?:namely|as follows|such as|including|for example|these are)?\s*:?$", "", last).strip()
    return last if 2 <= len(last.split()) <= 24 and last[0].isalpha() else ""
