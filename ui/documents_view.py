"""What documents, answers and planned scenes look like. Pure functions: records in, HTML out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from wgp_core.documents.collections import Summary
from wgp_core.documents.ingest import DocumentReport
from wgp_core.documents.lexical import words_of
from wgp_core.documents.retrieve import SILENCE
from wgp_core.documents.types import Rejected
from wgp_core.jobs.document_desk import DocumentAction, DocumentWork, DraftPlan
from wgp_core.jobs.work_line import WorkState
from wgp_core.request import Cue, Framework, SceneKind, ScenePlan

from .components import Action, actions_row, badge, chips, empty_state, notice, notices
from .progress import bar
from .words import ago, duration, esc, plural, short

KIND_WORDS = {SceneKind.AUTO: "As the text suggests", SceneKind.TITLE: "Title", SceneKind.CONCEPT_MAP: "Concept map",
              SceneKind.STEPS: "Steps", SceneKind.COMPARISON: "Comparison", SceneKind.TIMELINE: "Timeline",
              SceneKind.FORMULA: "Formula", SceneKind.DEFINITION: "Definition", SceneKind.SUMMARY: "Summary",
              SceneKind.SUBJECT: "Known subject", SceneKind.BOARD: "Storyboard frame"}
FRAMEWORK_WORDS = {Framework.ACADEMIC: "A lesson", Framework.PAS: "Problem to solution",
                   Framework.BAB: "Before and after", Framework.AIDA: "Attention to action"}
STATE_BADGES = {WorkState.QUEUED: ("Waiting", "queued"), WorkState.DONE: ("Read", "done"),
                WorkState.FAILED: ("Failed", "failed"), WorkState.CANCELLED: ("Cancelled", "interrupted")}
SHOWN_REASONS, SHOWN_SKIPPED, SHOWN_REJECTED = 12, 6, 3
PAGELESS = (".txt", ".text", ".md", ".markdown", ".html", ".htm", ".xhtml")
_COUNTED = re.compile(r" (?:\(.*\)|of [0-9a-f]{16}|on \d+ pages)\Z")
_WORD = re.compile(r"[^\W_]+(?:[._][^\W_]+)*")


# -- collections ------------------------------------------------------------------------------------------------


def collections_html(found: Iterable[Summary], works: Iterable[DocumentWork], opened: str = "",
                     rejected: Iterable[Rejected] = ()) -> str:
    """All collections; of the one that is opened its documents and what was left out."""
    busy = {work.collection for work in works if work.open}
    works = tuple(works)
    listed = [_collection_html(one, one.collection.name in busy, rejected if one.collection.name == opened else None)
              for one in found]
    if not listed and any(work.open for work in works):
        return ""
    if not listed:
        return empty_state("No documents yet", "Drop a book, a paper or your notes above. They are read page by page. "
                           "Then you can ask them, and make videos that say what they say, with the page on screen.",
                           "book")
    return f'<div class="w-rows">{"".join(listed)}</div>'


def _collection_html(found: Summary, busy: bool, rejected: Iterable[Rejected] | None) -> str:
    name, opened = found.collection.name, rejected is not None
    failed = sum(bool(one.error) for one in found.documents)
    state = badge("Reading", "running") if busy else badge("Cannot be used", "failed") if found.problem else ""
    facts = [plural(len(found.documents), "document"), plural(found.pages, "page"), plural(found.chunks, "passage"),
             f"{found.rejected} left out" if found.rejected else "", _when(found.made_at)]
    more = f'<p class="w-error">{esc(plural(failed, "document"))} could not be read.</p>' if failed else ""
    problem = f'<p class="w-error">{esc(found.problem)}</p>' if found.problem and not busy else ""
    actions = (Action("close" if opened else "open", "Less" if opened else "Details"),
               Action("refresh", "Refresh", title="Read again what changed", disabled=busy),
               Action("rename", "Rename", disabled=busy),
               Action("delete", "Delete", "danger", confirm="Move to the trash?", disabled=busy))
    details = _details_html(found, list(rejected), busy) if rejected is not None else ""
    return (f'<article class="w-row w-collection" data-collection="{esc(name)}"><div class="w-row-main">'
            f'<div class="w-line"><strong>{esc(name)}</strong>{state}</div>'
            f'<p class="w-quiet">{esc(" · ".join(fact for fact in facts if fact))}</p>{more}{problem}</div>'
            f'{actions_row(actions, id=name)}{details}</article>')


def _when(made_at: str) -> str:
    try:
        return f"read {ago(datetime.strptime(made_at, '%Y-%m-%dT%H:%M:%S%z'))}"
    except ValueError:
        return ""


def _details_html(found: Summary, rejected: list[Rejected], busy: bool) -> str:
    take_out = Action("remove", "Remove", "small", confirm="Take it out?", disabled=busy, title="Take it out of the "
                      "collection") if len(found.documents) > 1 else None
    documents = "".join(_document_html(one, take_out.html(id=found.collection.name, source=one.source)
                                       if take_out else "") for one in found.documents)
    left_out = _rejected_html(found.collection.name, rejected) if rejected else ""
    return f'<div class="w-collection-more"><ul class="w-documents">{documents}</ul>{left_out}</div>'


def _document_html(one: DocumentReport, button: str) -> str:
    facts = f"{plural(one.pages, 'page')}, {plural(one.chunks, 'passage')}, {one.rejected} left out"
    shown = "; ".join(f"page {page}: {why}" for page, why in one.skipped[:SHOWN_SKIPPED])
    more = f"; and {len(one.skipped) - SHOWN_SKIPPED} more" if len(one.skipped) > SHOWN_SKIPPED else ""
    skipped = f'<p class="w-quiet">⚠ Skipped: {esc(shown + more)}</p>' if one.skipped else ""
    error = f'<p class="w-error">{esc(one.error)}</p>' if one.error else ""
    return (f'<li><strong>{esc(one.source)}</strong> <span class="w-quiet">{esc(facts)}</span>{button}'
            f"{skipped}{error}</li>")


def _rejected_html(name: str, rejected: list[Rejected]) -> str:
    """The reasons with their counts and examples, and all of it as a file."""
    by_reason: dict[str, list[Rejected]] = {}
    for item in rejected:
        by_reason.setdefault(_COUNTED.sub("", item.reason), []).append(item)
    rows = []
    for reason, found in sorted(by_reason.items(), key=lambda one: -len(one[1]))[:SHOWN_REASONS]:
        examples = "".join(f'<li><span class="w-quiet">{esc(_place(one.chunk.source, one.chunk.page_from))}</span> '
                           f'{esc(short(one.chunk.text, 120))}</li>' for one in found[:SHOWN_REJECTED])
        rows.append(f"<details><summary>{len(found)} × {esc(reason)}</summary><ul>{examples}</ul></details>")
    link = (f'<a class="w-btn small" href="/documents/collections/{quote(name, safe="")}/rejected" '
            f'download="{esc(name)}.rejected.jsonl">Download all that was left out</a>')
    return f'<div class="w-left-out"><h4>Left out while cleaning</h4>{"".join(rows)}{link}</div>'


# -- reading ----------------------------------------------------------------------------------------------------


def works_html(works: Iterable[DocumentWork]) -> str:
    """What is read, what waits, and how the last ones ended."""
    return "".join(_work_html(work) for work in works)


def _work_html(work: DocumentWork) -> str:
    running = work.state is WorkState.RUNNING
    words, kind = STATE_BADGES.get(work.state, ("Stopping" if work.stopping else "Reading", "running"))
    if running and work.indexing and not work.stopping:
        words = "Making searchable"
    percent = round(100 * work.fraction) if work.fraction is not None else None
    button = Action("cancel", "Cancel", "danger", disabled=work.stopping) if work.open else \
        Action("dismiss", "✕", "icon", title="Remove this message")
    return (f'<article class="w-card w-job w-work" data-work="{esc(work.collection)}"><div class="w-job-text">'
            f'<div class="w-line">{badge(words, kind)}<strong>{esc(work.collection)}</strong>'
            f'<span class="w-eta">{esc(_eta(work))}</span></div>{bar(percent) if running else ""}{_work_text(work)}'
            f"</div>{actions_row((button,), id=work.id)}</article>")


def _eta(work: DocumentWork) -> str:
    if work.state is not WorkState.RUNNING or not work.total:
        return ""
    unit = "passages" if work.indexing else "pages"
    left = f"about {duration(max(1, round(work.eta_s)))} left" if work.eta_s else ""
    return " · ".join(part for part in (f"{work.step} of {work.total} {unit}", left) if part)


def _work_text(work: DocumentWork) -> str:
    if work.state is WorkState.FAILED:
        return f'<p class="w-error">{esc(f"{work.message} {work.fix}".strip())}</p>'
    if work.state is WorkState.DONE and work.result is not None:
        return _result_text(work, work.result)
    text = work.message or work.title
    return f'<p class="w-quiet">{esc(text)}</p>' if text else ""


def _result_text(work: DocumentWork, result: Mapping[str, Any]) -> str:
    documents = result.get("documents", ())
    same = sum(bool(one["unchanged"]) for one in documents)
    left_out = f", {result['rejected']} left out" if result["rejected"] else ""
    told = f"{plural(result['pages'], 'page')}, {plural(result['chunks'], 'passage')}{left_out}."
    if work.action is DocumentAction.REFRESH and same == len(documents):
        told = "Nothing had changed."
    if "removed" in result:
        told = f"{result['removed']} was taken out. Left are {told}"
    errors = "".join(f'<p class="w-error">{esc(one["error"])}</p>' for one in documents if one["error"])
    return f'<p class="w-quiet">{esc(told)}</p>{errors}'


# -- answers ----------------------------------------------------------------------------------------------------


def answer_html(work: DocumentWork | None) -> str:
    """The answer to the last question, or that it is being looked for."""
    if work is None:
        return ""
    if work.open:
        return asking_html(work, "Searching")
    if work.result is None:
        return _not_answered(work)
    hits = work.result["hits"]
    head = f'<p class="w-quiet">{esc(work.collection)}: {esc(work.title)}</p>'
    if not hits:
        return head + notice(SILENCE, kind="warn", fix="Ask in other words, or choose another collection.")
    return head + "".join(_hit_html(hit, number, work.title) for number, hit in enumerate(hits, 1))


def asking_html(work: DocumentWork, words: str) -> str:
    """A question or a plan that is in work."""
    text = work.message or "The first question to a collection takes a few seconds."
    count = f"{work.step} of {work.total}" if work.total else ""
    return (f'<div class="w-card w-enhance"><div class="w-line">{badge(words, "running")}'
            f'<span class="w-quiet">{esc(text)}</span><span class="w-eta">{count}</span></div>'
            f'{bar(round(100 * work.fraction) if work.fraction is not None else None)}'
            f'{actions_row((Action("stop", "Cancel", "danger"),))}</div>')


def _not_answered(work: DocumentWork) -> str:
    kind = "info" if work.state is WorkState.CANCELLED else "bad"
    return notice(work.message, kind=kind, fix=work.fix, extra=actions_row((Action("stop", "Close"),)))


def _hit_html(hit: Mapping[str, Any], number: int, question: str) -> str:
    heading = " › ".join(hit["heading"][-2:])
    above = f'<p class="w-quiet">{esc(heading)}</p>' if heading else ""
    score = round(100 * float(hit["score"]))
    box = f'<input type="checkbox" id="hit-{number}" aria-label="Show the whole passage">'
    return (f'<article class="w-card w-hit">{box}'
            f'<div class="w-line"><strong>{esc(_place(hit["source"], hit["page"], hit["page_to"]))}</strong>'
            f'<span class="w-score" title="How well it answers: {score} of 100">'
            f'<i style="width:{score}%"></i></span><span class="w-eta">{score} %</span></div>{above}'
            f'<label class="w-passage" for="hit-{number}">{highlighted(hit["text"], question)}</label></article>')


def highlighted(text: str, question: str) -> str:
    """The text as HTML with the question's words marked, in whatever form they stand there."""
    asked, out, at = set(words_of(question)), [], 0
    for found in _WORD.finditer(text):
        if asked & set(words_of(found.group())):
            out += [esc(text[at:found.start()]), f"<mark>{esc(found.group())}</mark>"]
            at = found.end()
    return "".join([*out, esc(text[at:])]).replace("\n", "<br>")


def _place(source: str, page: int, page_to: int | None = None) -> str:
    """ "Optics.pdf, p. 12" or "Optics.pdf, p. 12-13"; a text without pages is named alone."""
    if page == 1 and (page_to or 1) == 1 and PurePath(source).suffix.lower() in PAGELESS:
        return source
    return f"{source}, p. {page}" + (f"–{page_to}" if page_to and page_to != page else "")


# -- plans ------------------------------------------------------------------------------------------------------


def plan_html(work: DocumentWork | None, draft: DraftPlan | None) -> str:
    """The scenes of the draft with what can be done to them, or how the asking for one goes."""
    if work is not None and work.open:
        return asking_html(work, "Planning")
    failed = _not_answered(work) if work is not None and work.result is None else ""
    if draft is None:
        return failed
    return failed + _plan_head(draft) + "".join(_scene_html(scene, number, len(draft.scenes))
                                                for number, scene in enumerate(draft.scenes))


def _plan_head(draft: DraftPlan) -> str:
    facts = (plural(len(draft.scenes), "scene"), duration(plan_seconds(draft.scenes)), planner_words(draft.planner))
    actions = (Action("send", "Send to Generate", "primary", disabled=not draft.scenes),
               Action("add", "Add a scene"), Action("save", "Save as a file"),
               Action("drop", "Drop the plan", "danger", confirm="Drop all scenes?"))
    return (f'<div class="w-plan-head"><div class="w-line"><strong>{esc(draft.ask.topic)}</strong>{chips(facts)}</div>'
            f'{notices(draft.notes, kind="warn")}{actions_row(actions, id="all")}</div>')


def planner_words(planner: str) -> str:
    """ "planned by rules", "planned by SmolLM2"; empty for a plan that a person wrote."""
    return f"planned by {planner}" if planner else ""


def plan_seconds(scenes: Iterable[ScenePlan]) -> float | None:
    """The length of all scenes; None where one leaves it open."""
    lengths = [scene.seconds for scene in scenes]
    return None if None in lengths else round(sum(length or 0 for length in lengths), 1)


def _scene_html(scene: ScenePlan, number: int, count: int) -> str:
    said = f'<p class="w-said">{esc(scene.narration)}</p>' if scene.narration else ""
    length = f"{duration(scene.seconds)}" if scene.seconds else ""
    kind = KIND_WORDS[scene.kind] if scene.kind is not SceneKind.AUTO else ""
    actions = (Action("up", "↑", "icon", title="Move up", disabled=number == 0),
               Action("down", "↓", "icon", title="Move down", disabled=number == count - 1),
               Action("edit", "Edit"), Action("remove", "Remove", "danger"))
    facts = esc(" · ".join(part for part in (scene.purpose, kind, length) if part))
    head = f'<span class="w-number">{number + 1}</span><strong>{esc(scene.title)}</strong>'
    return (f'<article class="w-card w-scene" data-scene="{number}"><div class="w-line">{head}'
            f'<span class="w-eta">{facts}</span></div>'
            f'{said}{_visual_html(scene)}{_sources(scene.cues, scene.narration)}'
            f'{actions_row(actions, id=str(number))}</article>')


def _visual_html(scene: ScenePlan) -> str:
    """What is seen, laid out by its notation; nothing where that is what the title or the narration says already."""
    lines = [line.strip() for line in scene.visual.splitlines() if line.strip()]
    if not lines or scene.kind is SceneKind.TITLE or lines == [scene.narration]:
        return ""
    if scene.kind is SceneKind.SUBJECT:
        name, _, part = lines[0].partition("#")
        words = f"Animated drawing: {name.replace('-', ' ')}" + (f", part {int(part) + 1}" if part.isdigit() else "")
        return f'<p class="w-quiet">{esc(words)}</p>'
    if any("|" in line for line in lines):
        rows = "".join("<tr>" + "".join(f"<td>{esc(cell.strip())}</td>" for cell in line.split("|")) + "</tr>"
                       for line in lines)
        return f'<table class="w-visual">{rows}</table>'
    if len(lines) == 1:
        return f'<p class="w-visual">{esc(lines[0])}</p>'
    tag = "ol" if scene.kind is SceneKind.STEPS else "ul"
    return f'<{tag} class="w-visual">{"".join(f"<li>{esc(line)}</li>" for line in lines)}</{tag}>'


def _sources(cues: tuple[Cue, ...], said: str) -> str:
    """What a scene rests on, each place once; the statement itself on hovering. A scene that says nothing needs none.
    """
    places: dict[str, list[str]] = {}
    for cue in cues:
        place = _place(cue.source, cue.page, cue.page_to) if cue.page else cue.source
        if place:
            places.setdefault(place, []).append(cue.text)
    if not places and not said:
        return ""
    if not places:
        return '<p class="w-quiet">From the topic alone, not from the documents.</p>'
    listed = "".join(f'<span title="{esc(" ".join(texts))}">{esc(place)}</span>' for place, texts in places.items())
    return f'<div class="w-chips w-sources">{listed}</div>'


def form_plan_html(scenes: tuple[ScenePlan, ...]) -> str:
    """The note on the Generate tab that the form carries planned scenes; empty without any."""
    if not scenes:
        return ""
    length = duration(plan_seconds(scenes))
    rows = "".join(f"<li>{esc(scene.title)}{_scene_facts(scene)}</li>" for scene in scenes)
    told = f"{plural(len(scenes), 'planned scene')}{f', {length}' if length else ''}"
    actions = (Action("edit", "Edit the scenes"), Action("drop", "Drop the plan"))
    return (f'<section class="w-card w-form-plan"><details><summary><strong>{esc(told)}</strong></summary>'
            f'<ol>{rows}</ol></details>{actions_row(actions, id="plan")}</section>')


def _scene_facts(scene: ScenePlan) -> str:
    pages = dict.fromkeys(_place(cue.source, cue.page, cue.page_to) if cue.page else cue.source for cue in scene.cues)
    facts = " · ".join(part for part in (duration(scene.seconds), *pages) if part)
    return f' <span class="w-quiet">{esc(facts)}</span>' if facts else ""
