"""From statements to a scene: what the page shows, in the notation of the local engine's pages, and what is said.

The page may shorten, visibly; the narration keeps every word. Titles are the documents' own headings or terms, else
the beat's label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..engines.explainer.pages import patterns
from ..engines.explainer.pages.build import build_page, detect_page
from ..engines.explainer.pages.language import STOP, term_key
from ..engines.explainer.pages.notation import flat, write_list, write_rows
from ..engines.explainer.pages.shorten import cut
from ..engines.explainer.topic_text import draft_scenes
from ..request import CameraMovement, Cue, SceneKind, ScenePlan
from .beats import Beat
from .material import Statement, definition_of, formula_of, shares_words

ITEM_CHARS = {1: 200, 2: 150, 3: 120, 4: 100}
"""Letters that an item may have where there are so many; 85 where there are more."""
TIGHT_CHARS = {2: 110, 3: 85, 4: 70, 5: 60, 6: 52}
"""The same for a list that has to make do with little time."""
SPOKEN_CHARS_PER_S, TIGHT_CHARS_PER_S = 20.0, 30.0
"""Subtitles may run a little faster than the page, since much of them stands on it."""
MOST_TITLE, MOST_TERM = 56, 40
_CLAUSE = re.compile(r"(?:,|;| –| —)\s+(?=(?:which|where|although|though|whereas|while|because|since|so|but|and|or|"
                     r"thus|such as|including|especially|e\.g\.|i\.e\.|as|with|for example|making|in particular|"
                     r"followed|using)\b)", re.IGNORECASE)


@dataclass(frozen=True)
class Content:
    """What a scene shows and says."""

    kind: SceneKind
    visual: str
    narration: str


def scene_of(beat: Beat, statements: Sequence[Statement], topic: str, used_titles: Iterable[str] = (), *,
             tight: bool = False) -> ScenePlan:
    """A grounded scene without its seconds; `tight` shortens the items of a list more."""
    made = content_of(statements, tight=tight)
    title = title_of(beat, statements, topic, used_titles)
    cues = tuple(dict.fromkeys(cue for statement in statements for cue in statement.cues))
    return ScenePlan(title, made.kind, purpose=beat.purpose, narration=made.narration, visual=made.visual,
                     camera=beat.camera, cues=cues)


def content_of(statements: Sequence[Statement], *, tight: bool = False) -> Content:
    """The page that suits the statements: a list, a formula, a comparison, a timeline, a definition, or points."""
    narration = " ".join(spoken(statement) for statement in statements)
    lists = [statement for statement in statements if statement.listed]
    if lists:
        return _list_page(lists[0], narration, tight)
    texts = [statement.text for statement in statements]
    for text in texts:
        math = formula_of(text)
        if math:
            parts = patterns.meanings(" ".join(texts), math.formula)
            return Content(SceneKind.FORMULA, "\n".join([flat(math.formula), *([write_rows(parts)] if parts else [])]),
                           narration)
    sides = _comparison(texts)
    if sides:
        return Content(SceneKind.COMPARISON, sides, narration)
    if len(texts) == 1:
        return _single(texts[0], narration)
    dates = [patterns.dated(text) for text in texts]
    if all(dates) and len({date for date, _ in (d for d in dates if d)}) > 1:
        rows = sorted((d for d in dates if d), key=lambda d: patterns.year_of(d[0]) or 0.0)
        return Content(SceneKind.TIMELINE, write_rows((date, shortened(event, 85)) for date, event in rows), narration)
    return Content(SceneKind.SUMMARY, write_list(_items(texts)), narration)


def spoken(statement: Statement) -> str:
    """The statement as sentences that can be read aloud."""
    parts = [statement.intro, *(cue.text for cue in statement.cues)] if statement.listed else [statement.text]
    return " ".join(spoken_text(patterns.capital(part)) for part in parts if part)


def spoken_text(text: str) -> str:
    text = text.strip().rstrip(" :;,")
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def _list_page(statement: Statement, narration: str, tight: bool) -> Content:
    kind = SceneKind.STEPS if statement.numbered else SceneKind.SUMMARY
    texts = [_ORDINAL.sub("", cue.text.rstrip(" .;,")) if statement.numbered else cue.text.rstrip(" .;,")
             for cue in statement.cues]
    items = [patterns.capital(shortened(text, TIGHT_CHARS.get(len(texts), 52))) for text in texts] if tight else list(
        map(patterns.capital, _items(texts)))
    return Content(kind, write_list(items), narration)


_ORDINAL = re.compile(r"^(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|next|then|after (?:that|this)|afterwards|finally|"
                      r"lastly)"
                      r"\b,?\s+", re.IGNORECASE)


def bears_cutting(statement: Statement) -> bool:
    """Whether a list still says something when its items are cut: steps do, points that lose many words do not."""
    texts = [cue.text for cue in statement.cues]
    kept = sum(min(len(text), TIGHT_CHARS.get(len(texts), 52)) for text in texts)
    return statement.numbered or kept >= 0.8 * sum(map(len, texts))


def _comparison(texts: Sequence[str]) -> str:
    """Rows of a comparison where every sentence sets the same two things against each other; else ""."""
    if not all(patterns.contrast(text) for text in texts):
        return ""
    drafts = [draft.plan for draft in draft_scenes(" ".join(texts)) if not draft.closing]
    if len(drafts) != 1 or drafts[0].kind is not SceneKind.COMPARISON:
        return ""
    heads = drafts[0].visual.splitlines()[0].split(" | ")
    return drafts[0].visual if len(heads) == 2 and all(1 <= len(head.split()) <= 2 for head in heads) else ""


def _items(texts: Sequence[str]) -> list[str]:
    return [shortened(text, ITEM_CHARS.get(len(texts), 85)) for text in texts]


def _single(text: str, narration: str) -> Content:
    defined = definition_of(text)
    if defined:
        rest = re.sub(r"^(?:is|are)\s+(?=(?:an?|the|one|any)\b)", "", defined[1]).rstrip(".")
        row = (patterns.capital(defined[0]), shortened(rest, ITEM_CHARS[1]))
        return Content(SceneKind.DEFINITION, write_rows([row]), narration)
    shaped = [draft.plan for draft in draft_scenes(text) if draft.plan.kind is SceneKind.STEPS]
    if len(shaped) == 1:
        return Content(SceneKind.STEPS, shaped[0].visual, narration)
    return Content(SceneKind.DEFINITION, flat(shortened(text, ITEM_CHARS[1])), narration)


def shortened(text: str, chars: int) -> str:
    """At most `chars` letters: cut before a side clause where that leaves most of it, else at a word. The cut shows."""
    text = text.strip()
    if len(text) <= chars:
        return text
    for clause in reversed(list(_CLAUSE.finditer(text))):
        if chars * 0.45 <= clause.start() <= chars - 2:
            return text[:clause.start()].rstrip(" ,;") + " …"
    head = cut(text, chars).removesuffix("…")
    while len(head.split()) > 3 and head.split()[-1].lower() in STOP:
        head = head.rsplit(None, 1)[0].rstrip(" ,;:")
    return f"{head}…"


# -- titles ---------------------------------------------------------------------------------------------------------


def title_of(beat: Beat, statements: Sequence[Statement], topic: str, used: Iterable[str] = ()) -> str:
    """What introduces a list, the heading above the statements where it names what they say, or one of the beat's
    labels; each title once, and none that only repeats the topic."""
    taken = {_key(title) for title in (*used, topic)}
    first = statements[0]
    heading = plain_heading(first.heading)
    named = heading if heading and shares_words(first.text, heading) >= 0.5 else ""
    for option in (_from_intro(first.intro), named, *beat.labels):
        if option and _key(option) not in taken:
            return option
    number = 2
    while _key(f"{beat.labels[0]} {number}") in taken:
        number += 1
    return f"{beat.labels[0]} {number}"


def plain_heading(heading: str) -> str:
    """A heading of a document as a title; "" for one that is none (too long, code, a label of the layout)."""
    text = re.sub(r"^(?:chapter|section|appendix|part)?\s*[A-Z]?\d*(?:\.\d+)*[.:)]?\s+", "", heading.strip(),
                  flags=re.IGNORECASE)
    text = " ".join(text.replace("¶", " ").split()).strip(" :.,;")
    letters = sum(letter.isalpha() or letter in " -’'," for letter in text)
    if not 3 <= len(text) <= MOST_TITLE or letters < 0.9 * len(text) or text.startswith("/"):
        return ""
    return patterns.capital(text) if text.upper() != text or len(text) < 6 else text.capitalize()


_INTRO = re.compile(r"^(?:the |some |its |main )*(?P<title>(?:\w+ )?(?:advantages|disadvantages|benefits|drawbacks|"
                    r"steps|"
                    r"reasons|properties|goals|types|kinds|parts|phases|rules|requirements|restrictions)\b.*?)"
                    r"(?:\s+(?:is|are|includes?|has|have|follows?)\b.*)?$", re.IGNORECASE)


def _from_intro(intro: str) -> str:
    """"The advantages of X are" -> "Advantages of X"; "" for a sentence that does not shorten to a title."""
    found = _INTRO.match(intro.strip(" :."))
    text = patterns.capital(found.group("title")) if found else ""
    return text if len(text) <= MOST_TITLE else ""


def _key(title: str) -> str:
    return term_key(re.sub(r"[^\w ]", "", re.sub(r"^(?:an?|the)\s+", "", title.lower())).strip())


# -- time -----------------------------------------------------------------------------------------------------------


def need_s(plan: ScenePlan, *, tight: bool = False) -> float:
    """Seconds in which the page and the narration can be read, at least 2.5; `tight` lets subtitles run faster."""
    page = build_page(detect_page(plan), 0).reading_s() if plan.kind is not SceneKind.SUBJECT else 0.0
    said = (len(plan.title) + len(plan.narration)) / (TIGHT_CHARS_PER_S if tight else SPOKEN_CHARS_PER_S)
    return max(page + 0.4, said + 0.4, 2.5)


def title_scene(topic: str, subtitle: str = "", cues: tuple[Cue, ...] = (), narration: str = "") -> ScenePlan:
    """The opening card."""
    return ScenePlan(topic, SceneKind.TITLE, purpose="Opening: the topic", narration=narration, visual=subtitle,
                     camera=CameraMovement.PUSH_IN, cues=cues)
