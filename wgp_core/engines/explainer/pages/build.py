"""From a planned scene to a page: settles an open kind from the scene's own text, and reads its content."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from ....request import SceneKind, ScenePlan
from ..scene import Scene
from ..sketch import read_sketch
from . import patterns
from .cards import Definition, Summary, TitleCard
from .concept_map import ConceptMap
from .formula import Formula
from .language import STOP, split_sentences, squash, words
from .lists import Comparison, Steps, Timeline
from .notation import looks_written, read_dated, read_lines, read_links, read_rows, write_list, write_rows
from .parts import Page

ALREADY_SHOWN = 0.9
"""Share of a sentence's words that stand on the page, from which the caption does not repeat it."""


def detect_page(plan: ScenePlan) -> ScenePlan:
    """The plan with a definite kind and its content written in `visual`. Decides from its own words only."""
    if plan.kind in (SceneKind.TITLE, SceneKind.BOARD):
        return plan
    written = bool(plan.visual.strip()) and looks_written(plan.visual)
    if plan.kind not in (SceneKind.AUTO, SceneKind.SUBJECT):
        if written or (plan.visual.strip() and _reads_as(plan)):
            return plan
        return _filled(plan)
    if written:
        return replace(plan, kind=_written_kind(plan.visual))
    return _detected(plan)


def _reads_as(plan: ScenePlan) -> bool:
    """Whether a single line is content for its kind already."""
    if plan.kind is SceneKind.FORMULA:
        return patterns.formula(plan.visual) is not None or "=" in plan.visual
    return False


def _written_kind(visual: str) -> SceneKind:
    """The kind that lines in the notation are for."""
    lines = [line for line in visual.splitlines() if line.strip()]
    if patterns.list_block(visual):
        block = patterns.list_block(visual)
        return SceneKind.STEPS if block and block[1].numbered else SceneKind.SUMMARY
    rows, _ = read_dated(visual)
    if len(rows) > 1 and all(date and patterns.year_of(date) is not None for date, _ in rows):
        return SceneKind.TIMELINE
    if any("->" in line or "→" in line or line.count(" | ") == 2 for line in lines):
        return SceneKind.CONCEPT_MAP
    if any(" | " in line for line in lines):
        return SceneKind.COMPARISON if len(lines) > 1 else SceneKind.DEFINITION
    return SceneKind.SUMMARY


def _spoken(plan: ScenePlan) -> str:
    """What the scene says: its cues, else its narration, else its description, else its title."""
    cues = "\n".join(cue.text for cue in plan.cues if cue.text.strip())
    return next((text for text in (cues, plan.narration, plan.visual, plan.purpose) if text.strip()), plan.title)


def _detected(plan: ScenePlan) -> ScenePlan:
    from ..topic_text import draft_scenes

    cues = [squash(cue.text) for cue in plan.cues if cue.text.strip()]
    if len(cues) > 1 and not patterns.dated(cues[0]):
        return replace(plan, kind=SceneKind.SUMMARY, visual=write_list(cues))
    text = _spoken(plan)
    drafts = [draft.plan for draft in draft_scenes(text) if not draft.closing]
    special = [d for d in drafts if d.kind not in (SceneKind.CONCEPT_MAP, SceneKind.TITLE, SceneKind.SUMMARY)]
    best = (special or [d for d in drafts if d.kind is not SceneKind.TITLE] or drafts)[0]
    if len(cues) == 1 and best.kind is not SceneKind.FORMULA:
        term, said = patterns.definition(cues[0]) or ("", cues[0])
        return replace(plan, kind=SceneKind.DEFINITION, visual=write_rows([(patterns.capital(term), said)]))
    visual = best.visual
    if best.kind is SceneKind.CONCEPT_MAP and len(drafts) > 1:
        visual = concept_rows(text)
    return replace(plan, kind=best.kind, visual=visual)


def _filled(plan: ScenePlan) -> ScenePlan:
    """Content for a given kind out of the scene's own sentences."""
    text = _spoken(plan)
    found = split_sentences(text) or [plan.title]
    makers: dict[SceneKind, Callable[[], str]] = {
        SceneKind.STEPS: lambda: _steps(text, found),
        SceneKind.SUMMARY: lambda: write_list(found),
        SceneKind.COMPARISON: lambda: _comparison(plan, found),
        SceneKind.TIMELINE: lambda: write_rows(event if event else ("", sentence) for event, sentence in
                                               ((patterns.dated(s), s) for s in found)),
        SceneKind.FORMULA: lambda: _formula(plan, text),
        SceneKind.DEFINITION: lambda: _defined(found),
        SceneKind.CONCEPT_MAP: lambda: concept_rows(text if len(found[0]) > 3 else plan.title),
    }
    visual = makers[plan.kind]()
    return replace(plan, visual=visual) if visual else replace(_detected(replace(plan, kind=SceneKind.AUTO)))


def concept_rows(text: str) -> str:
    """Rows of a concept map of the whole text; its terms alone where it states no links."""
    from ..topic_text import map_of

    return map_of(text) or write_list([squash(text)])


def _steps(text: str, found: Sequence[str]) -> str:
    block = patterns.list_block(text)
    if block:
        return write_list(block[1].items)
    run = patterns.step_run(list(found))
    return write_list(run[2] if run else found)


def _defined(found: Sequence[str]) -> str:
    """The sentence that defines, with its term; where none does, the sentences as they are."""
    for sentence in found:
        defined = patterns.definition(sentence)
        if defined:
            return write_rows([(patterns.capital(defined[0]), defined[1])])
    return write_rows([("", " ".join(found))])


def _comparison(plan: ScenePlan, found: Sequence[str]) -> str:
    pair = patterns.compared(plan.title) or patterns.compared(found[0])
    for sentence in found:
        sides = patterns.contrast(sentence)
        if sides:
            return write_rows([pair or ("", ""), sides])
    if pair:
        half = -(-len(found) // 2)
        rows = [(a, found[half + i] if half + i < len(found) else "") for i, a in enumerate(found[:half])]
        return write_rows([pair, *rows])
    return ""


def _formula(plan: ScenePlan, text: str) -> str:
    for candidate in (text, plan.visual, plan.narration, plan.title):
        found = patterns.formula(candidate)
        if found:
            parts = patterns.meanings(candidate, found.formula)
            return "\n".join([found.formula, *([write_rows(parts)] if parts else [])])
    return ""


# -- pages ------------------------------------------------------------------------------------------------------


def build_page(plan: ScenePlan, seed: int) -> Page:
    """The page of a plan whose kind is definite (as `detect_page` leaves it)."""
    page = _PAGES.get(plan.kind, _map)(plan, seed)
    page.spoken = plan.narration
    if plan.kind is SceneKind.BOARD:
        return page
    drawn = isinstance(page, (ConceptMap, Formula))  # words in a drawing make no sentence
    page.narration = plan.narration if drawn else _not_shown(plan.narration, [page.title, *page.texts()])
    return page


def _not_shown(narration: str, shown: Sequence[str]) -> str:
    """The caption: the sentences of the narration that the page itself does not say already, whole or cut short."""
    there = set(words(" ".join(shown))) - STOP
    begun = [tuple(words(text)) for text in shown if text.endswith("…")]
    left = []
    for sentence in split_sentences(narration):
        said = words(sentence)
        cut_short = any(len(start) >= 4 and start == tuple(said[lead:lead + len(start)]) for start in begun
                        for lead in range(3))  # after a "First," or "Then"
        if not cut_short and len((set(said) - STOP) & there) < ALREADY_SHOWN * len(set(said) - STOP):
            left.append(sentence)
    return " ".join(left) if len(left) < len(split_sentences(narration)) else narration


def _title(plan: ScenePlan, seed: int) -> Page:
    subtitle = " ".join(plan.visual.split()) if len(plan.visual) <= 120 else ""
    return TitleCard("", text=plan.title or "…", subtitle=subtitle, seed=seed, min_seconds=1.0)


def _steps_page(plan: ScenePlan, seed: int) -> Page:
    listing = read_lines(plan.visual)
    first = plan.visual.lstrip().split(".", 1)[0]
    start = int(first) if first.isdigit() and len(first) < 4 else 1
    return Steps(plan.title, items=listing.items, start=start, more=listing.more)


def _summary(plan: ScenePlan, seed: int) -> Page:
    listing = read_lines(plan.visual)
    return Summary(plan.title, items=listing.items[:8], more=listing.more + max(len(listing.items) - 8, 0))


def _comparison_page(plan: ScenePlan, seed: int) -> Page:
    rows, more = read_rows(plan.visual, 2)
    head = rows[0] if rows else (plan.title, "")
    return Comparison(plan.title, left=head[0], right=head[1], rows=tuple((a, b) for a, b in rows[1:8]),
                      more=more + max(len(rows) - 8, 0))


def _timeline(plan: ScenePlan, seed: int) -> Page:
    rows, more = read_dated(plan.visual)
    return Timeline(plan.title, events=tuple(rows[:7]), more=more + max(len(rows) - 7, 0))


def _formula_page(plan: ScenePlan, seed: int) -> Page:
    lines = [line for line in plan.visual.splitlines() if line.strip()] or [plan.title]
    parts, more = read_rows("\n".join(lines[1:]), 2)
    return Formula(plan.title, formula=lines[0].strip(), parts=tuple((a, b) for a, b in parts[:6]), more=more)


def _definition(plan: ScenePlan, seed: int) -> Page:
    rows, _ = read_rows(plan.visual, 2)
    term, text = rows[0] if rows else ("", plan.title)
    if " | " not in plan.visual:
        term, text = "", " ".join(plan.visual.split()) or plan.title
    return Definition(plan.title, term=term if text else "", text=text or term)


def _map(plan: ScenePlan, seed: int) -> Page:
    rows, more = read_links(plan.visual)
    return ConceptMap(plan.title, links=tuple(rows[:12]), more=more)


def _board(plan: ScenePlan, seed: int) -> Page:
    from .board_page import BoardPage

    sketch = read_sketch(plan.visual)
    return BoardPage("", sketch=sketch, place=sketch.place, caption=plan.narration, seed=seed, min_seconds=0.5)


_PAGES: dict[SceneKind, Callable[[ScenePlan, int], Page]] = {
    SceneKind.TITLE: _title, SceneKind.STEPS: _steps_page, SceneKind.SUMMARY: _summary,
    SceneKind.COMPARISON: _comparison_page, SceneKind.TIMELINE: _timeline, SceneKind.FORMULA: _formula_page,
    SceneKind.DEFINITION: _definition, SceneKind.CONCEPT_MAP: _map, SceneKind.BOARD: _board,
}


def glyph_notes(scenes: Sequence[Scene]) -> tuple[str, ...]:
    """What to tell about letters that no font has."""
    from .. import glyphs

    texts = [text for scene in scenes for text in (scene.title, scene.narration, scene.source)]
    texts += [text for scene in scenes if isinstance(scene, Page) for text in scene.texts()]
    return glyphs.notes(texts)
