"""Shapes that a text can have: lists, steps, definitions, comparisons, dates, formulas. Each is found by rules and
cut out verbatim; only list marks and words like "first" and "then" may fall away, since numbers take their place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .language import squash, words

_MONTH = ("(?:January|February|March|April|May|June|July|August|September|October|November|December|Jan\\.?|Feb\\.?|"
          "Aug\\.?|Sept?\\.?|Oct\\.?|Nov\\.?|Dec\\.?)")
_YEAR = r"(?:\d{1,4}\s?(?:BCE?|CE|AD)\b|(?:1\d{3}|20\d{2})s?\b)"
_DATE = rf"(?:(?:\d{{1,2}}(?:st|nd|rd|th)?\s+)?{_MONTH}\s+(?:\d{{1,2}},?\s+)?)?{_YEAR}"
_DATED = re.compile(rf"(?:(?<=^)|(?<=[(\s,–-]))(?:(?P<cue>in|since|by|from|until|till|after|before|around|about|circa|"
                    rf"c\.|year|on|and|to|of|between|during|early|late)\s+(?:the\s+)?)?(?P<date>{_DATE})"
                    r"(?!\s*(?:m|km|cm|mm|kg|g|s|ms|W|V|Hz|K|years?|people|times|degrees?|meters?|metres?|dollars?|%|°)\b)",
                    re.I)
_LEADING_DATE = re.compile(rf"^(?:(?:in|on|by|around|about|during)\s+)?(?:the\s+)?(?:year\s+)?(?P<date>{_DATE})\s*"
                           r"(?::|,|–|—|-)?\s+", re.I)

_LIST_LINE = re.compile(r"^\s*(?:(?P<number>\(?(?P<n>\d{1,3})[.)])|(?P<bullet>[-*•–]))\s+(?P<item>.*\S)\s*$")
_INLINE_NUMBER = re.compile(r"(?:(?<=\s)|^)\(?(\d{1,2})[.)]\s+")
_FIRST = re.compile(r"^(?:first(?:ly| of all)?|to (?:begin|start)(?: with)?|step (?:1|one))\b\s*[,:]?\s*", re.I)
_STEP = re.compile(r"^(?:(?:and\s+)?(?:first(?:ly| of all)?|second(?:ly)?|third(?:ly)?|fourth(?:ly)?|fifth(?:ly)?|then|"
                   r"next|after that|after this|afterwards?|finally|lastly|at last|in the end)\b|step \w+\b)"
                   r"\s*[,:]?\s*", re.I)
_CLAUSE = re.compile(r"\s*[,;]?\s*(?:and\s+)?"
                     r"(?=\b(?:then|next|finally|after that|afterwards?|lastly|secondly|thirdly)\b)", re.I)

_DEFINES = re.compile(
    r"^(?P<term>(?:(?:an?|the)\s+)?[^\s,;:.!?]+(?:\s+[^\s,;:.!?]+){0,5}?)\s+(?P<rest>(?:is|are)\s+(?:an?|the|any|one|"
    r"defined|called|known)\b.+|(?:means|refers to|denotes|describes|is defined as|can be defined as)\s+.+)$",
    re.I | re.S)
_NOT_TERMS = frozenset("""it this that there these those he she they we you i here what which who one such another both
all some many most today now each every""".split())

_VERSUS = re.compile(r"^(?P<a>.{1,60}?)\s+(?:versus|vs\.?|compared (?:with|to))\s+"
                     r"(?P<b>[^:]{1,60}?)(?:[.?!]|:\s.*)?$", re.I)
_BETWEEN = re.compile(r"\b(?:differences?|comparison|choice|contrast)\s+(?:between|of)\s+(?P<a>.{1,60}?)\s+and\s+"
                      r"(?P<b>[^.,;:?!]{1,60})", re.I)
_COMPARE = re.compile(r"^(?:compare|contrast)\s+(?P<a>.{1,60}?)\s+(?:and|with|to|against)\s+"
                      r"(?P<b>[^.,;:?!]{1,60})", re.I)
_WHILE = re.compile(r"^(?:(?:while|whereas|although)\s+(?P<a1>[^,;]+),\s*(?P<b1>.+)|(?P<a2>.+?),?\s+"
                    r"(?:while|whereas)\s+(?P<b2>.+))$", re.I)

_DELIMITED = re.compile(r"\$\$(.+?)\$\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|"
                        r"(?<![\w$])\$(?!\s)([^$\n]{1,200}?)(?<!\s)\$(?![\w$])",
                        re.S)
_FUNCTIONS = (r"sin|cos|tan|log|ln|exp|sqrt|max|min|lim|det|var|alpha|beta|gamma|delta|theta|lambda|sigma|omega|phi|"
              r"psi|rho|tau|eta|epsilon|sum|int|pi|mu|nu")
_COMMON = ("is|in|of|to|at|as|by|an|or|if|on|it|we|no|so|up|do|be|he|me|my|us|go|and|for|the|are|can|its|has|was|but|"
           "not|all|per")
_SYMBOL = (rf"(?<![A-Za-z])(?!(?:{_COMMON})\b)(?:[A-Za-z]{{1,3}}(?![A-Za-z])[\d'′]*|"
           rf"[α-ωΑ-Ω∇∂ℏ]+[A-Za-z]?(?![A-Za-z])[\d'′]*)")
_ATOM = (rf"(?:(?:{_FUNCTIONS})\b|{_SYMBOL}(?:_\w+)?|\d+(?:[.,]\d+)?%?|[()\[\]|∞π√∑∫²³¹⁰⁴⁻½'′])")
_OPERATOR = r"\s*(?:\*\*|[-+*/^·×÷±−])\s*"
_LEFT = rf"{_ATOM}(?:(?<!\s){_ATOM}|{_OPERATOR}{_ATOM}){{0,24}}"
_RIGHT = rf"[-−]?\s*{_ATOM}(?:(?:{_OPERATOR}|\s*){_ATOM}){{0,60}}"
_PLAIN = re.compile(rf"(?<![\w$])(?P<f>{_LEFT}\s*(?:=|≈|≤|≥|∝)\s*{_RIGHT}(?:\s*=\s*{_RIGHT})?)(?![\w])")
_NAME = r"[^\W\d_]+(?:[ -][^\W\d_]+){0,3}"
_WORDED = re.compile(rf"(?:^|(?<=[:;,] ))(?P<f>{_NAME}\s*=\s*{_NAME}(?:\s*[-+*/×·÷−]\s*{_NAME})+)(?=$|[.,;])")
_MEANING = re.compile(r"(?<![\w$])\$?(?P<s>[A-Za-zα-ωΑ-Ω](?:_?\w{1,3})?)\$?\s+"
                      r"(?:is|are|denotes|means|stands for|=|:)\s+"
                      r"(?P<m>(?:(?!\s+and\s+\$?\w{1,2}\$?\s+(?:is|are|denotes|means|stands for)\s)[^,;.])+)")


@dataclass(frozen=True)
class ListBlock:
    """A list in the text: what stood before it, its items, whether they were numbered."""

    intro: str
    items: tuple[str, ...]
    numbered: bool


def list_block(text: str) -> tuple[str, ListBlock, str] | None:
    """The first list of at least two lines: (text before, list, text after)."""
    lines = text.splitlines()
    marked = [_LIST_LINE.match(line) for line in lines]
    for start, found in enumerate(marked):
        if not found:
            continue
        end = start
        while end < len(lines) and (marked[end] or (not lines[end].strip() and end + 1 < len(lines)
                                                    and marked[end + 1])):
            end += 1
        items = [squash(m.group("item")) for m in marked[start:end] if m]
        if len(items) < 2:
            continue
        before = lines[:start]
        while before and not before[-1].strip():
            before.pop()
        intro = before.pop().strip() if before and before[-1].rstrip().endswith(":") else ""
        return "\n".join(before), ListBlock(intro, tuple(items), bool(found.group("number"))), "\n".join(lines[end:])
    return None


def list_mark(line: str) -> bool:
    return _LIST_LINE.match(line) is not None


def inline_numbered(sentence: str) -> ListBlock | None:
    """ "To knit: 1. cast on 2. turn 3. bind off" and "1) mix 2) bake" as a list."""
    run = []
    for mark in _INLINE_NUMBER.finditer(sentence):
        if int(mark.group(1)) == len(run) + 1:
            run.append(mark)
    if len(run) < 2:
        return None
    ends = [m.start() for m in run[1:]] + [len(sentence)]
    items = [sentence[m.end():end].strip(" ,;") for m, end in zip(run, ends, strict=True)]
    if not all(items):
        return None
    return ListBlock(sentence[:run[0].start()].strip(), tuple(items), True)


def inline_listed(sentence: str) -> ListBlock | None:
    """ "The revolution: 1789 the Bastille; 1792 the republic" and "Tea: leaves; water; a cup" as a list."""
    found = re.fullmatch(r"(?:(?P<head>[^:]{1,60}):\s+)?(?P<rest>[^\n]+)", sentence.strip(" ."))
    items = [item for part in found.group("rest").split(";") if (item := part.strip(" ,"))] if found else []
    if not found or len(items) < 2 or not (all(map(dated, items)) or (found.group("head") and len(items) > 2)):
        return None
    return ListBlock(found.group("head") or "", tuple(items), False)


def _between_steps(sentences: list[str], at: int) -> bool:
    """Whether a sentence without a step word stands between two that have one; it is a step as well."""
    return 0 < at < len(sentences) - 1 and not _FIRST.match(sentences[at + 1]) and all(
        _STEP.match(sentences[i]) or _FIRST.match(sentences[i]) for i in (at - 1, at + 1)) and (
        len(sentences[at]) <= 120)


def step_run(sentences: list[str]) -> tuple[int, int, tuple[str, ...]] | None:
    """The run of sentences that tells steps: (first, end, items). Opens with "First", goes on with "then", "next"..."""
    for start, sentence in enumerate(sentences):
        opens = _FIRST.match(sentence)
        clauses = _steps_within(sentence)
        if not opens and len(clauses) < 3:
            continue
        items = list(clauses)
        end = start + 1
        while end < len(sentences) and (_STEP.match(sentences[end]) or _between_steps(sentences, end)):
            items.extend(_steps_within(sentences[end]) if _STEP.match(sentences[end]) else [sentences[end].rstrip(".")])
            end += 1
        items = [item for item in items if item]
        if len(items) >= 3 or (opens and len(items) >= 2):
            return start, end, tuple(items)
    return None


def _steps_within(sentence: str) -> list[str]:
    parts = [part for part in _CLAUSE.split(sentence) if part and part.strip()]
    return [capital(_STEP.sub("", part).strip(" ,;").removesuffix(".")) for part in parts]


def capital(text: str) -> str:
    """With a capital first letter, where that is the same letter (not "ß" or the micro sign)."""
    first = text[:1].upper()
    return first + text[1:] if first.lower() == text[:1].lower() and len(first) == 1 else text


def definition(sentence: str) -> tuple[str, str] | None:
    """Term and what is said of it ("is the process by which ..."), if the sentence defines something."""
    found = _DEFINES.match(sentence)
    if not found:
        return None
    term = re.sub(r"^(?:an?|the)\s+", "", found.group("term"), flags=re.I).strip(" \"'“”")
    parts = words(term)
    if not parts or parts[0] in _NOT_TERMS or {"is", "are", "was", "which", "how", "why"} & set(parts):
        return None
    if len(words(found.group("rest"))) < 4:
        return None
    return term, found.group("rest").strip()


def compared(text: str) -> tuple[str, str] | None:
    """The two things that a phrase compares: "X vs Y", "the difference between X and Y", "compare X with Y"."""
    line = squash(text)
    for pattern in (_COMPARE, _BETWEEN, _VERSUS):
        found = pattern.search(line) if pattern is _BETWEEN else pattern.match(line)
        if found:
            return found.group("a").strip(" ,"), found.group("b").strip(" ,.?!")
    return None


def contrast(sentence: str) -> tuple[str, str] | None:
    """The two clauses of "X ..., while Y ..." or "While X ..., Y ..."."""
    found = _WHILE.match(sentence.rstrip(". "))
    if not found:
        return None
    a, b = (found.group("a1"), found.group("b1")) if found.group("a1") else (found.group("a2"), found.group("b2"))
    return (a.strip(" ,"), b.strip(" ,")) if len(words(a)) > 1 and len(words(b)) > 1 else None


def dated(sentence: str) -> tuple[str, str] | None:
    """Date and event of a sentence that names a year; a date that only opens the sentence is taken off the event."""
    lead = _LEADING_DATE.match(sentence)
    if lead and len(words(sentence[lead.end():])) > 1:
        return squash(lead.group("date")), capital(sentence[lead.end():].strip())
    for found in _DATED.finditer(sentence):
        year = found.group("date")
        if found.group("cue") or not re.fullmatch(r"\d{4}", year) or re.search(r"[a-z]", year, re.I):
            return squash(year), sentence
    return None


def year_of(date: str) -> float | None:
    """A number to place a date by: years of our era, negative before it; months as twelfths."""
    found = re.search(r"(\d{1,4})\s?(BCE?|CE|AD)\b|(\d{4})", date, re.I)
    if not found:
        plain = re.fullmatch(r"\D*(\d{1,4})\D*", date)
        return float(plain.group(1)) if plain else None
    year = float(found.group(1) or found.group(3))
    if found.group(2) and found.group(2).upper().startswith("B"):
        return -year
    months = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
    month = next((i for i, name in enumerate(months) if re.search(rf"\b{name}", date, re.I)), 0)
    return year + month / 12


@dataclass(frozen=True)
class FormulaFound:
    """A formula as written, and the span of text that it takes."""

    formula: str
    start: int
    end: int


def formula(text: str) -> FormulaFound | None:
    """The first formula: $..$, \\(..\\), \\[..\\], or symbols around an equals sign. Prices are none."""
    for found in _DELIMITED.finditer(text):
        body = next(group for group in found.groups() if group is not None).strip()
        if body and _mathematical(body):
            return FormulaFound(body, found.start(), found.end())
    if not re.search("[=≈≤≥∝]", text):
        return None
    for found in _PLAIN.finditer(text):
        body = found.group("f").strip()
        right = re.split(r"[=≈≤≥∝]", body)[-1]
        if re.search(r"[^\W\d_]", right) and re.search(r"[^\W\d_]|√|∑", body):
            return FormulaFound(body, found.start("f"), found.start("f") + len(body))
    worded = _WORDED.search(text)
    return FormulaFound(worded.group("f"), worded.start("f"), worded.end("f")) if worded else None


def _mathematical(body: str) -> bool:
    """Whether what stands between dollars is a formula, not "5 and "."""
    if re.fullmatch(r"[\d\s.,]*(?:[^\W\d_]{3,}[\s.,]*)*", body) or re.match(r"\d[\d.,]*\s+[a-z]{2,}\b", body):
        return False
    return bool(re.search(r"[\\=^_+*/<>|∑∫√]|^[^\W\d_]['′]?$|[^\W\d_]\(", body))


def meanings(text: str, formula_text: str) -> list[tuple[str, str]]:
    """ "E is energy, m the mass": symbols of the formula with what the text calls them."""
    plain = re.sub(r"[\\{}]", "", formula_text)
    found, seen = [], set()
    for match in _MEANING.finditer(text):
        symbol = match.group("s")
        bare = symbol.replace("_", "")
        if symbol in seen or bare not in plain.replace("_", "") or (len(symbol) == 1 and symbol in "aAI"
                                                                    and not re.search(rf"\b{symbol}\b", plain)):
            continue
        seen.add(symbol)
        found.append((symbol, squash(match.group("m")).removesuffix(" and")))
    return found[:6]
