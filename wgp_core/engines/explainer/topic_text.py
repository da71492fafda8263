"""From a text to scenes, honestly: what is drawn is what the text says, in its own words.

Every word of a scene stands in the text or is one of `LABELS`. A bare topic ("photosynthesis") says nothing about
itself, so it becomes a title and guiding questions. Imports neither matplotlib nor torch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...request import SceneKind, ScenePlan
from .pages import patterns
from .pages.language import (
    STOP,
    Link,
    asked_term,
    key_terms,
    links,
    split_sentences,
    squash,
    strip_instruction,
    term_key,
    words,
)
from .pages.notation import flat, write_list, write_rows
from .pages.parts import READ_CHARS_PER_S
from .pages.shorten import cut

LABELS = ("Step by step", "Comparison", "Timeline", "The formula", "Definition", "Key terms", "Key points", "Summary",
          "Questions to answer", "What is it?", "How does it work?", "Why does it matter?", "When did it happen?",
          "What led to it?", "What followed from it?", "What is it good at?", "Where does it fall short?",
          "When is it the better choice?", "How it connects", "more", "vs", "A closer look")
"""All wording that does not come from the person's text."""

QUESTIONS = ("What is it?", "How does it work?", "Why does it matter?")
PAST_QUESTIONS = ("When did it happen?", "What led to it?", "What followed from it?")
SIDE_QUESTIONS = ("What is it good at?", "Where does it fall short?", "When is it the better choice?")
MAX_ITEMS = 6
CAPTION_CHARS = 170
ITEM_CHARS = 480

_HEADED = re.compile(r"^\s*(?P<head>[^:.!?\n]{3,60}):[ \t]+(?P<rest>[A-Z0-9](?=[^\n]*\s[^\n]*\s[^\n]*\s).*)$", re.S)
_PAST = re.compile(r"\b(history|histories|war|wars|revolution|battle|empire|century|origin|fall|rise|crisis)\b", re.I)


_CLAUSES = re.compile(r"\s*[,;]\s*(?:(?:and|but|while|whereas)\s+)?|\s+(?:but|while|whereas)\s+")
_POINTING = frozenset("he she it they this that these those here there such his her its their".split())


@dataclass(frozen=True)
class Draft:
    """A scene that could be shown. Priority 1 stays in the shortest video; `need_s` is what reading it takes."""

    plan: ScenePlan
    priority: int = 1
    need_s: float = 4.0
    least_s: float = 2.0
    closing: bool = False


def topic_title(text: str) -> str:
    """A title from the topic's own words: its first line or sentence, without instructions, cut at a word."""
    sentences = split_sentences(text)
    headed = _HEADED.match(text)
    opening = headed.group("head") if headed else sentences[0] if sentences else text
    first = strip_instruction(opening).rstrip(" .:;,")
    if headed:
        return patterns.capital(first)
    math = patterns.formula(first)
    if math and len(words(first)) > 6:
        first = first[:math.end].replace("$", "")
    named = patterns.definition(first)
    stated = links(first)
    if named and (len(first) > 48 or len(sentences) > 1):
        first = named[0]
    elif len(sentences) > 1 and len(words(first)) > 4 and stated and not first.endswith("?"):
        first = stated[0].a
    if len(first) > 70:
        terms = key_terms(text, 2)
        short = " · ".join(terms)
        first = short if terms and len(short) <= 70 else cut(first, 70)
    return patterns.capital(first)


# -- drafts -----------------------------------------------------------------------------------------------------


def draft_scenes(text: str) -> tuple[Draft, ...]:
    """Scenes for a text of any length, in its order, the opening and closing ones marked."""
    body = strip_instruction(text) if len(split_sentences(text)) <= 1 and "\n" not in text.strip() else text
    found = split_sentences(body)
    if not found:
        return (Draft(ScenePlan(squash(text) or "…", SceneKind.TITLE)),)
    if len(found) == 1 and len(words(found[0])) <= 12 and not any(
            shape(found[0]) for shape in (patterns.formula, patterns.inline_numbered, patterns.inline_listed)):
        return _bare_topic(found[0].rstrip(" ."))
    headed = _HEADED.match(body)
    drafts = _from_blocks(headed.group("rest") if headed else body)
    if headed and drafts:
        drafts[0] = _headed(drafts[0], squash(headed.group("head")))
    if len(drafts) > 2:
        closing = _closing([line for line in found if not patterns.list_mark(line)])
        if closing:
            drafts.append(closing)
    return tuple(drafts)


def _headed(draft: Draft, head: str) -> Draft:
    """The scene under a heading of the text's own ("How tea is made: First ...")."""
    plan = draft.plan
    title = head if plan.title in LABELS or len(plan.title) > len(head) else f"{head}: {plan.title}"
    return replace(draft, plan=replace(plan, title=patterns.capital(title)))


def _bare_topic(topic: str) -> tuple[Draft, ...]:
    """A few words: what they compare, what they link, or a title with questions."""
    title = patterns.capital(topic)
    pair = patterns.compared(topic)
    if pair and ":" in topic:
        (draft,), _ = _pair_draft(pair, [topic])
        return (replace(draft, plan=replace(draft.plan, title=patterns.capital(topic.partition(":")[0]))),)
    if pair:
        rows = [pair, *((q, q) for q in SIDE_QUESTIONS)]
        return (_draft(ScenePlan(title, SceneKind.COMPARISON, visual=write_rows(rows))),)
    stated = links(topic)
    if len(stated) > 1 or (stated and len(words(topic)) > 3 and not _PAST.search(topic)):
        plan = ScenePlan(title, SceneKind.CONCEPT_MAP, visual=_map(stated, key_terms(topic)))
        return (_draft(plan),)
    asked = PAST_QUESTIONS if _PAST.search(topic) else QUESTIONS
    rows = [(asked_term(topic), "", question) for question in asked]
    return (Draft(ScenePlan(title, SceneKind.TITLE), priority=1, need_s=2.4, least_s=1.0),
            _draft(ScenePlan("Questions to answer", SceneKind.CONCEPT_MAP, visual=write_rows(rows)), priority=2))


def _draft(plan: ScenePlan, priority: int = 1, closing: bool = False) -> Draft:
    need = min(max((len(plan.title + plan.narration) + _shown_chars(plan)) / READ_CHARS_PER_S + 0.8, 3.0), 30.0)
    return Draft(plan, priority, need, least_s=min(0.85 * need, 9.0), closing=closing)


def _shown_chars(plan: ScenePlan) -> int:
    """Letters that the scene's content puts on the screen; a map shows each term once."""
    if plan.kind is not SceneKind.CONCEPT_MAP:
        return len(plan.visual)
    return sum(map(len, {part for line in plan.visual.splitlines() for part in line.split(" | ")}))


def _from_blocks(text: str) -> list[Draft]:
    """Lists become scenes where they stand; the text between them is read sentence by sentence."""
    drafts: list[Draft] = []
    rest = text
    while True:
        found = patterns.list_block(rest)
        if not found:
            break
        before, block, rest = found
        drafts.extend(_from_sentences(split_sentences(before)))
        drafts.extend(_list_drafts(block))
    drafts.extend(_from_sentences(split_sentences(rest)))
    return drafts


def _list_drafts(block: patterns.ListBlock) -> list[Draft]:
    dates = [patterns.dated(item) for item in block.items]
    title = patterns.capital(block.intro.rstrip(" :"))
    if all(dates):
        return _timeline_drafts([d for d in dates if d], title if len(title) <= 70 else "")
    fallback = "Step by step" if block.numbered else "Key points"
    kind = SceneKind.STEPS if block.numbered else SceneKind.SUMMARY
    narration = title if len(title) > 70 else ""
    return _listed(kind, block.items, fallback if narration or not title else title, narration)


def _listed(kind: SceneKind, items: Sequence[str], title: str, narration: str = "") -> list[Draft]:
    """Items in scenes of at most `MAX_ITEMS`, and of as many letters as a page can show."""
    pages: list[list[str]] = [[]]
    share = -(-len(items) // -(-len(items) // MAX_ITEMS))  # even pages: seven items are four and three
    for item in items:
        full = len(pages[-1]) >= share or sum(map(len, pages[-1])) + len(item) > ITEM_CHARS
        if pages[-1] and full:
            pages.append([])
        pages[-1].append(item)
    drafts, number = [], 1
    for page in pages:
        rows = [f"{number + i}. {flat(item)}" for i, item in enumerate(page)] if kind is SceneKind.STEPS else page
        drafts.append(_draft(ScenePlan(title, kind, narration=narration if number == 1 else "",
                                       visual=write_list(rows)), 1 if number == 1 else 2))
        number += len(page)
    return drafts


def _timeline_drafts(events: Sequence[tuple[str, str]], title: str = "") -> list[Draft]:
    drafts = []
    for start in range(0, len(events), 5):
        rows = events[start:start + 5]
        drafts.append(_draft(ScenePlan(title or "Timeline", SceneKind.TIMELINE, visual=write_rows(rows)),
                             1 if not start else 2))
    return drafts


def _from_sentences(found: list[str]) -> list[Draft]:
    """Special shapes first where they stand, what is between them as maps with the sentences as caption."""
    drafts: list[Draft] = []
    plain: list[str] = []
    i = 0
    steps = patterns.step_run(found)
    while i < len(found):
        shaped: tuple[list[Draft], int] | None = None
        if steps and i == steps[0]:
            shaped = _listed(SceneKind.STEPS, steps[2], "Step by step"), steps[1] - i
        else:
            stop = steps[0] if steps and steps[0] > i else len(found)
            shaped = _shape(found[i:stop])
        if not shaped:
            plain.append(found[i])
            i += 1
            continue
        _add_plain(drafts, plain)
        plain = []
        drafts.extend(shaped[0])
        i += shaped[1]
        if steps and i > steps[0]:
            more = patterns.step_run(found[i:])
            steps = (more[0] + i, more[1] + i, more[2]) if more else None
    _add_plain(drafts, plain)
    return drafts


def _add_plain(drafts: list[Draft], plain: list[str]) -> None:
    """A single sentence with nothing to draw becomes the caption of the scene before it, else scenes of its own."""
    if len(plain) == 1 and drafts and not drafts[-1].plan.narration and not links(plain[0]) and (
            len(plain[0]) <= CAPTION_CHARS and drafts[-1].plan.kind is not SceneKind.TITLE):
        last = drafts.pop()
        drafts.append(_draft(replace(last.plan, narration=plain[0]), last.priority))
    else:
        drafts.extend(_plain_drafts(plain))


def _shape(rest: list[str]) -> tuple[list[Draft], int] | None:
    """The scene that the sentences from here on ask for, and how many of them it takes."""
    sentence = rest[0]
    listed = patterns.inline_numbered(sentence) or patterns.inline_listed(sentence)
    if listed:
        return _list_drafts(listed), 1
    math = patterns.formula(sentence)
    if math:
        return _formula_draft(rest, math)
    events = []
    for line in rest:
        event = patterns.dated(line)
        if not event:
            break
        events.append(event)
    if len({date for date, _ in events}) > 1:
        return _timeline_drafts(events), len(events)
    sides = patterns.contrast(sentence)
    if sides:
        done = _contrast_draft(rest)
        if done:
            return done
    pair = patterns.compared(sentence)
    if pair and len(words(sentence)) <= 16:
        return _pair_draft(pair, rest)
    defined = patterns.definition(sentence)
    if defined:
        row = (patterns.capital(defined[0]), defined[1])
        return [_draft(ScenePlan("Definition", SceneKind.DEFINITION, visual=write_rows([row])))], 1
    if len(sentence) > CAPTION_CHARS:
        return [_draft(ScenePlan("A closer look", SceneKind.DEFINITION, visual=flat(sentence)), 2)], 1
    return None


def _formula_draft(rest: list[str], math: patterns.FormulaFound) -> tuple[list[Draft], int]:
    """The formula with the meanings that this and the next sentences give; the sentence is the caption, or what stands
    before a colon the title ("Speed: v=s/t")."""
    taken = 1
    while taken < len(rest) and taken < 4 and not patterns.formula(rest[taken]) and patterns.meanings(
            rest[taken], math.formula):
        taken += 1
    text = " ".join(rest[:taken])
    around = squash(text[:math.start] + text[math.end:]).strip(" .,:;")
    parts = patterns.meanings(text[:math.start] + " … " + text[math.end:], math.formula)
    named = text[:math.start].rstrip().endswith(":") and len(words(around)) == 1
    narration = text.replace("$", "") if words(around) and not named else ""
    visual = "\n".join([flat(math.formula), *([write_rows(parts)] if parts else [])])
    title = patterns.capital(around) if named else "The formula"
    return [_draft(ScenePlan(title, SceneKind.FORMULA, narration=narration, visual=visual))], taken


def _contrast_draft(rest: list[str]) -> tuple[list[Draft], int] | None:
    """ "X ..., while Y ...": the first terms head the columns, the clauses are the points, as long as heads agree."""
    heads: tuple[str, str] | None = None
    rows: list[tuple[str, str]] = []
    for sentence in rest:
        sides = patterns.contrast(sentence)
        if not sides:
            break
        terms = tuple((_first_term(side) or "") for side in sides)
        if not all(terms) or term_key(terms[0]) == term_key(terms[1]):
            break
        if heads is None:
            heads = (terms[0], terms[1])
        elif (term_key(heads[0]), term_key(heads[1])) != (term_key(terms[0]), term_key(terms[1])):
            break
        rows.append((patterns.capital(sides[0]), patterns.capital(sides[1])))
    if heads is None:
        return None
    head_row = (patterns.capital(heads[0]), patterns.capital(heads[1]))
    plan = ScenePlan("Comparison", SceneKind.COMPARISON, visual=write_rows([head_row, *rows]))
    return [_draft(plan)], len(rows)


def _first_term(clause: str) -> str | None:
    found = links(clause)
    terms = key_terms(clause)
    if found and clause.lower().find(found[0].a.lower()) <= 12:
        return found[0].a
    return min(terms, key=lambda term: clause.lower().find(term.lower())) if terms else None


def _pair_draft(pair: tuple[str, str], rest: list[str]) -> tuple[list[Draft], int]:
    """ "X vs Y." or "X vs Y: ..." with what is said of each: points stand side by side in the order of the text."""
    left, right, taken = [], [], 1
    after = [clause for clause in _CLAUSES.split(rest[0].partition(":")[2].strip(" .")) if clause]
    sides = [set(words(side)) - STOP for side in pair]
    keys = [sides[0] - sides[1], sides[1] - sides[0]]  # of "electric cars" and "diesel cars", what tells them apart
    for number, sentence in enumerate([*after, *rest[1:]]):
        has = set(words(sentence))
        opening = set(words(sentence)[:4])
        in_left, in_right = bool(keys[0] & opening), bool(keys[1] & opening)
        if in_left == in_right or len(sentence) > 160 or not (keys[0] | keys[1]) & has:
            break
        (left if in_left else right).append(patterns.capital(sentence))
        taken += number >= len(after)
    if not left and not right:
        rows = [(q, q) for q in SIDE_QUESTIONS]
    else:
        rows = [(left[i] if i < len(left) else "", right[i] if i < len(right) else "")
                for i in range(max(len(left), len(right)))]
    heads = (patterns.capital(pair[0]), patterns.capital(pair[1]))
    said = set(words(" ".join((*pair, *left, *right)))) | {"vs", "versus", "compare", "and"}
    first = strip_instruction(rest[0])
    plan = ScenePlan("Comparison", SceneKind.COMPARISON, visual=write_rows([heads, *rows]),
                     narration=first if set(words(first)) - said else "")
    return [_draft(plan)], taken


def _plain_drafts(sentences: list[str]) -> list[Draft]:
    """One or two sentences to a scene: the caption says them, the map shows their terms and links."""
    drafts: list[Draft] = []
    batch: list[str] = []
    for sentence in [*sentences, None]:
        if batch and (sentence is None or len(" ".join(batch)) + len(sentence) > CAPTION_CHARS or len(batch) == 2):
            drafts.append(_map_draft(batch, 1 if not drafts else 2))
            batch = []
        if sentence is not None:
            batch.append(sentence)
    return drafts


def _map_draft(batch: list[str], priority: int) -> Draft:
    text = " ".join(batch)
    stated = [link for sentence in batch for link in links(sentence)]
    terms = key_terms(text)
    if len(terms) < 2:
        return _draft(ScenePlan("Key points", SceneKind.SUMMARY, visual=write_list(batch)), priority)
    title = patterns.capital(stated[0].a if stated else terms[0])
    return _draft(ScenePlan(cut(title, 70), SceneKind.CONCEPT_MAP, narration=text, visual=_map(stated, terms)),
                  priority)


def map_of(text: str) -> str:
    """Rows of a concept map of a text: the links that it states among its key terms."""
    return _map([link for sentence in split_sentences(text) for link in links(sentence)], key_terms(text))


def _map(stated: Sequence[Link], terms: Sequence[str], most: int = 7) -> str:
    """Rows of a concept map: links among the best terms, then terms that no link names."""
    rank = {term_key(term): i for i, term in enumerate(terms)}
    kept: dict[str, str] = {}
    rows: list[tuple[str, ...]] = []
    pairs: set[frozenset[str]] = set()
    for link in stated:
        keys = (term_key(link.a), term_key(link.b))
        fresh = [key for key in dict.fromkeys(keys) if key not in kept]
        if len(kept) + len(fresh) > most or frozenset(keys) in pairs:
            continue
        pairs.add(frozenset(keys))
        kept.setdefault(keys[0], link.a)
        kept.setdefault(keys[1], link.b)
        rows.append((kept[keys[0]], link.label, kept[keys[1]]))
    lone = [term for term in terms if term_key(term) not in kept]
    if len(rows) < 3:
        rows += [(term,) for term in sorted(lone, key=lambda t: rank[term_key(t)])[:max(most - len(kept), 0)]]
    return write_rows(rows)


def _closing(found: list[str]) -> Draft | None:
    """The sentences that say most about the key terms, in their order."""
    weight = {term_key(term): 1 / (i + 1) for i, term in enumerate(key_terms(" ".join(found)))}
    fit = [i for i, sentence in enumerate(found) if 20 <= len(sentence) <= 130
           and words(sentence)[:1] and words(sentence)[0] not in _POINTING and not patterns.compared(sentence)]

    def score(i: int) -> float:
        low = found[i].lower()
        return sum(value for key, value in weight.items() if key in low) / (len(found[i]) ** 0.5)

    best = sorted(sorted(fit, key=lambda i: -score(i))[:4])
    if len(best) < 2:
        return None
    return _draft(ScenePlan("Summary", SceneKind.SUMMARY, visual=write_list(found[i] for i in best)), 2, closing=True)
