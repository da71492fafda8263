"""What there is to plan with: statements with their place, and lists, each known for what it is good for.

Rules for English; a statement in another language counts as a plain fact. Every word stays as the document has it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..documents.lexical import words_of
from ..documents.sentences import sentences_of
from ..engines.explainer.pages import patterns
from ..engines.explainer.pages.language import AUXILIARIES, MAYBE_NOUN, VERBS
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
    passage: str = ""
    """Id of the chunk that it stands in."""
    sure: bool = True
    """Whether the page is known; in the middle of a chunk that runs over a page break it is one of several."""

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
    Role.MECHANISM: _any_of(r"because|by \w+ing|so that|therefore|thus|second step|then|finally|until|whenever|"
                            r"depends? on|computes|is computed|calculates?|assigns?|causes?|converts?|turns? into|"
                            r"process|steps?|"
                            r"iterat\w+|repeat\w*|minimi[sz]\w+|maximi[sz]\w+|based on|according to|leads? to|"
                            r"in order to|is done|are done|takes? the|creates?|chooses?|by means of|via|through|"
                            r"constructs?|"
                            r"separat\w+|builds?|splits?|combines?|projects?|updates?|moves?|determin\w+|made by"),
    Role.EXAMPLE: _any_of(r"for example|for instance|such as|e\.g|suppose|consider|example|imagine|like the|namely|"
                          r"say|in practice|application|applied to|used (?:in|for)|\d[\d.,]*(?: ?%)?"),
    Role.CONTRAST: _any_of(r"than|whereas|while|unlike|differ\w*|compared|contrast|instead of|on the other hand|"
                           r"both|rather|similar|equivalent"),
    Role.PROBLEM: _any_of(r"cannot|can not|can't|not|never|fail\w*|difficult\w*|hard|problems?|errors?|wrong|slow\w*|"
                          r"drawbacks?|disadvantages?|limit\w*|unstable|bias\w*|overfit\w*|expensive|cumbersome|"
                          r"los[est]\w*|"
                          r"poor\w*|lack\w*|risk\w*|danger\w*|unfortunately|complex|costly|suffer\w*|worse|bad\w*|"
                          r"distort\w*|inflated|sensitive|careful|confus\w+|without|tedious|rigid|cold"),
    Role.CONSEQUENCE: _any_of(r"as a result|therefore|result(?:s|ing)? in|lead(?:s|ing)? to|causes?|so|consequence\w*|"
                              r"means that|end up|increas\w+|becomes?|makes? it|completely|will be"),
    Role.BENEFIT: _any_of(r"allow\w*|improv\w+|eas(?:y|ier|ily)|simpl[ey]\w*|best|better|advantages?|powerful|"
                          r"effective|"
                          r"fast\w*|efficien\w+|useful|beautiful\w*|quick\w*|benefits?|helps?|solv\w+|enabl\w+|good|"
                          r"robust|flexible|saves?|makes? it possible|convenient\w*|versatile|reduc\w+"),
    Role.ACTION: _any_of(r"use|you|should|recommend\w*|run|call|choose|try|can be (?:used|done|read|made|set)|must|"
                         r"start|begin|set|add|we suggest|need to|requires?|specify|using"),
    Role.PAST: _any_of(r"was|were|used to|before|ago|1[5-9]\d\d|20[0-2]\d|early|earlier|traditional\w*|once|formerly|"
                       r"originally|century|decades?|historical\w*|until then|had been|old"),
}
_PLAINLY_A_PROBLEM = _any_of(r"problems?|difficult(?:y|ies)?|drawbacks?|disadvantages?|fail\w*|errors?|cumbersome|"
                             r"cannot|unfortunately|suffer\w*|risks?")
_IMPERATIVE = re.compile(r"^(?:use|try|choose|set|run|call|start|begin|add|give|take|write|read|make|apply|remember|"
                         r"avoid|keep|check|let|consider|type|press|open|select|find|put|do)\b", re.IGNORECASE)


def roles_of(statement: Statement, topic: str = "") -> dict[Role, float]:
    """How well a statement fills each role, 0 to about 3. A definition counts fully where it defines the topic."""
    text = statement.text
    scores = {role: min(len(found), 3) * 0.5 for role, sign in _SIGNS.items() if (found := sign.findall(text))}
    defined = definition_of(text) if not statement.listed else None
    if defined:
        term, asked = set(words_of(defined[0])), set(words_of(topic))
        own = bool(term) and (_within(term, asked) or _within(asked, term))
        scores[Role.DEFINITION] = scores.get(Role.DEFINITION, 0.0) + (2.4 if own else 0.6 if term & asked else 0.1)
    if formula_of(text):
        scores[Role.FORMULA] = 2.0
    if _PLAINLY_A_PROBLEM.search(text):
        scores[Role.PROBLEM] = scores.get(Role.PROBLEM, 0.0) + 0.6
    if patterns.contrast(text):
        scores[Role.CONTRAST] = scores.get(Role.CONTRAST, 0.0) + 0.5
    if _IMPERATIVE.match(text):
        scores[Role.ACTION] = scores.get(Role.ACTION, 0.0) + 1.0
    if statement.numbered:
        scores[Role.MECHANISM] = scores.get(Role.MECHANISM, 0.0) + 1.5
    if statement.listed:
        scores[Role.DEFINITION] = 0.0
    scores[Role.FACT] = 0.4
    return scores


def _within(some: set[str], others: set[str]) -> bool:
    """Whether each word is among the others, endings aside ("lens", "lenses")."""
    return all(any(word == other or (min(len(word), len(other)) >= 3 and (word.startswith(other) or
                                                                          other.startswith(word)))
                   for other in others) for word in some)


def definition_of(text: str) -> tuple[str, str] | None:
    """Term and what is said of it, where the sentence defines a term that is a noun of a few words."""
    found = patterns.definition(text)
    if found is None or len(found[0]) > 40 or not re.match(r"[A-Za-z]", found[0]):
        return None
    if _NO_TERM.search(found[0]) or re.search(r"[()\[\]_=]", found[0]):
        return None
    return found


_NO_TERM = re.compile(r"^(?:under|in|on|at|by|with|for|from|to|if|when|because|as|there|using|like|unlike|most|many|"
                      r"some|"
                      r"our|your|my|we|you|how|why|here|since|while|after|before)\b|\b(?:it|which|that|who|they|we|"
                      r"you|goal|"
                      r"aim|purpose|result|reason|problem|difference|idea|answer|question|point|\w+ed|of \w+ing)\b",
                      re.IGNORECASE)


def formula_of(text: str) -> patterns.FormulaFound | None:
    """A formula that is worth a page of its own: one with an equals sign that is not a named argument of a function."""
    found = patterns.formula(text)
    if found is None or re.search(r"\b\w{4,}\s*=|==|=\s*\w{4,}", found.formula):
        return None
    return found


# -- statements that stand alone ------------------------------------------------------------------------------------

_ELSEWHERE = re.compile(
    r"\b(?:(?:below|above)(?! (?:the|an?|its|their|his|her|it|them|us|each|zero|sea|ground|water|\d+)\b)|following|"
    r"aforementioned|(?:this|next|previous|last|another|present) (?:section|chapter|"
    r"document|"
    r"essay|manual|book|paragraph|page|example)|sections?,? below|(?<!can )(?<!cannot )(?<!could )(?<!not )(?<!to )"
    r"(?<!they )(?<!people )(?<!one )(?<!eye )(?<!eyes )see|cited|figure|listing|example shows|shown here|"
    r"(?:both|two|these|first|second|previous|other) (?:examples|scores|forms|cases|pictures|images)|described in|"
    r"documentation dedicated|for more details|we (?:recommend|refer|discuss|describe|explain|cover|treat|return)|"
    r"(?:discussed|explained) (?:\w+ )?(?:in|under)|(?:section|chapter|appendix|page) (?-i:[A-Z]\b|\d)[\d.]*|"
    r"refer to (?:the )?(?:section|chapter|example)|"
    r"(?:each|one|both|some|all) of (?:the|these|them)|in this (?:case|example|way)|this (?:example|essay|document)|"
    r"(?:function|variable|argument|object|vector|component|file|option) \w{1,3})\b",
    re.IGNORECASE)
_OPENS_ELSEWHERE = re.compile(
    r"^(?:the (?:first|second|third|last|latter|former|two|three|other|left|right|images?|pictures?|figures?|answer|"
    r"result|argument|optional (?:parameter|argument)|default|reason|same|difference between the old)|"
    r"the (?:algorithm|method|approach|technique|procedure|process|class|module|estimator|parameter|system|program|"
    r"function|model|code|command|option|value|variable|output|effect|idea|goal|aim|discussion|expression)s?"
    r"(?= (?!of\b|for\b|that\b))|(?!a |an |no |in |if |on |at |by |as |to |up |r |c )\w{1,2}(?= )|some of|"
    r"one of (?:them|these)|e\.g|the \w+ is to|in (?:our|the) (?:example|case)|as (?:we|noted|mentioned)|under this|"
    r"after initiali[sz]ation|difference between .{1,60} can be seen|here|with (?:this|these)|other|"
    r"there (?:is|are) (?:also|other|a few|many|several|some|various|certain)|there is also|again|we|our|i|my|if so|"
    r"otherwise|instead|than|in that|note|later|earlier|now|so far|conversely|somewhat|analogously|nonetheless|"
    r"likewise|"
    r"in contrast|by contrast|more generally|strictly speaking|in other words|(?:\w+ ){0,5}(?:this|these|those)|"
    r"(?:\w+ ){0,3}(?:they|them|such(?! as))|able|"
    r"possible|requires?|uses|performs|simple|easy|effective|works|supports|"
    r"provides|returns|gives|allows|handles|\w+(?: \w+)?:)(?!\w)", re.IGNORECASE)
_NAMES_CODE = re.compile(r"\b\w+\(|\w_\w|[a-z]\.[a-z]\w*\(|[a-z][A-Z]\w|\w\[|\\\(|=\w|[<>{}]")

_LONE_LETTERS = re.compile(r"\b(?!(?:an?|as|at|be|by|do|go|he|if|in|is|it|me|my|no|of|on|or|so|to|up|us|we|vs|i|s|t|e|"
                           r"g|"
                           r"r|c)\b)[a-z]{1,2}\b")


def stands_alone(text: str) -> bool:
    """Whether a statement is a sentence that can be understood without what stood around it, and says something."""
    return not (_ELSEWHERE.search(text) or _OPENS_ELSEWHERE.match(text) or _ANNOUNCING.search(text)) and _has_verb(text)


_ANNOUNCING = re.compile(r"\b(?:two|three|four|five|six|seven|eight|several|many|\d) (?:main |basic |"
                         r"different )?(?:steps|ways|"
                         r"parts|phases|stages|kinds|types|forms|reasons|things|questions)\.?$", re.IGNORECASE)


_AFTER_NOUNS = frozenset(("of", "in", "on", ".", ",", ";", "with", "for"))


def _has_verb(text: str) -> bool:
    """Whether a finite verb is in sight: a known one, or a word in -s or -ed that is no noun before a preposition."""
    tokens = re.findall(r"[^\W_]+|[.,;:]", text.lower())
    for place, (word, after) in enumerate(zip(tokens, [*tokens[1:], "."], strict=True)):
        if not place and not _IMPERATIVE.match(text):
            continue  # "Separate models of ..." begins with an adjective
        if word in AUXILIARIES or (word in VERBS and word not in MAYBE_NOUN):
            return True
        if len(word) > 3 and word.endswith("s") and after not in _AFTER_NOUNS:
            return True
        if len(word) > 4 and word.endswith("ed") and after in ("the", "a", "an", "its", "their", "to"):
            return True
    return False


def plainness(text: str) -> float:
    """1 for plain words, less for code names in between and for very short or long sentences."""
    worth = 1.0 - 0.25 * min(len(_NAMES_CODE.findall(text)) + len(_LONE_LETTERS.findall(text)), 3)
    count = len(text.split())
    worth -= 0.3 * bool(re.search(r"\b(?:we|our|us|I|this|these)\b", text))
    return worth - (0.15 if count < 7 or count > 24 else 0.0)


def shares_words(text: str, topic: str) -> float:
    """The share of the topic's words that a text has, 0 to 1."""
    asked = set(words_of(topic))
    return len(asked & set(words_of(text))) / max(len(asked), 1)


# -- lists ----------------------------------------------------------------------------------------------------------

_BULLET = re.compile(r"^\s*(?:[•‣▪◦*–-]|\(?(?P<number>\d{1,2})[.)])\s+(?P<item>\S.*)$")
_ORDINAL = re.compile(r"^(?:the (?:first|second|third|fourth|final|last) (?:step|phase|stage)\b|first(?:ly)?\b|"
                      r"second(?:ly)?\b|third(?:ly)?\b|finally\b|lastly\b|then\b|next\b|"
                      r"after(?:wards)?\b)", re.IGNORECASE)
_OPENS_STEPS = re.compile(r"^(?:the first (?:step|phase|stage)|first(?:ly)?,?)\b", re.IGNORECASE)
_ANNOUNCES = re.compile(r"^(?:the|its|some|main|there are)\b.{0,80}\b(?:advantages|disadvantages|benefits|drawbacks|"
                        r"steps|reasons|properties|goals|types|kinds|parts|phases|rules|requirements)\b.{0,60}:$",
                        re.IGNORECASE)
_NO_ITEM = re.compile(r"<-|[{}\\|#]|\$ |==|\b(?:see|section|chapter|page \d)\b", re.IGNORECASE)
LEAST_ITEMS, MOST_ITEMS, ITEM_WORDS, PARAGRAPH_WORDS = 2, 6, 32, 30


@dataclass(frozen=True)
class Listed:
    """A list of a passage: what introduces it, and its items."""

    intro: str
    items: tuple[str, ...]
    numbered: bool


def lists_of(passage: str) -> list[Listed]:
    """Lists of a passage whose items are short enough to be shown: bulleted, numbered, or short paragraphs under a
    line that announces them ("The advantages are:")."""
    found: list[Listed] = []
    before, numbered, plain = "", False, False
    items: list[str] = []
    for line in [*passage.split("\n"), "end"]:
        mark = _BULLET.match(line)
        if mark:
            items.append(" ".join(mark.group("item").split()).rstrip(" ;,."))
            numbered = numbered or mark.group("number") is not None
            plain = False
        elif line.strip():
            if plain and not line.rstrip().endswith(":") and len(line.split()) <= PARAGRAPH_WORDS and line != "end":
                items.append(sentences_of(line)[0].rstrip(" ;,."))
                continue
            if items:
                found.append(Listed(_introduces(before), tuple(items), numbered))
                items, numbered = [], False
            before = line.strip()
            plain = bool(_ANNOUNCES.match(before))
    return [each for each in found if each.intro and LEAST_ITEMS <= len(each.items) <= MOST_ITEMS
            and all(2 <= len(item.split()) <= ITEM_WORDS and not _NO_ITEM.search(item) for item in each.items)]


def steps_of(sentences: Sequence[str]) -> Listed | None:
    """At least three sentences that tell steps in order: "First ...", "Then ...", "The third step ..."."""
    for start, sentence in enumerate(sentences):
        if not _OPENS_STEPS.match(sentence):
            continue
        items = [sentence]
        for at, other in enumerate(sentences[start + 1:start + 8], start + 1):
            following = sentences[at + 1] if at + 1 < len(sentences) else ""
            between = _ORDINAL.match(sentences[at - 1]) and _ORDINAL.match(following) and not (
                _OPENS_STEPS.match(following))  # a step that has no word for it
            if _OPENS_STEPS.match(other) or not (_ORDINAL.match(other) or between):
                break
            items.append(other)
        if len(items) >= 3 and all(4 <= len(item.split()) <= ITEM_WORDS and not _NO_ITEM.search(item)
                                   for item in items):
            before = sentences[start - 1] if start and len(sentences[start - 1].split()) <= 24 else ""
            return Listed(before, tuple(items[:MOST_ITEMS]), True)
    return None


def _introduces(line: str) -> str:
    """The last sentence before a list, where it can stand as its heading."""
    last = re.split(r"(?<=[.!?])\s+(?=[A-Z])", line)[-1].strip()
    last = re.sub(r",?\s*(?:namely|as follows|such as|including|for example|these are)?\s*:?$", "", last).strip()
    return last if 2 <= len(last.split()) <= 24 and last[0].isalpha() else ""
