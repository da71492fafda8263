"""Plans from documents: what they say about a topic, asked for the topic itself and for each beat of a framework."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np

from ..documents import cues as document_cues
from ..documents.retrieve import SILENCE, Answer, Hit, Retriever
from ..documents.sentences import sentences_of
from ..engines.explainer.pages.language import strip_instruction
from ..events import CancelToken
from ..request import Cue
from .beats import BEATS
from .brief import PlanBrief, Planned
from .material import Listed, Statement, lists_of, plainness, same, shares_words, stands_alone, steps_of
from .rules import plan_statements

HITS = 6
LEAST_WORTH = 0.42
"""Worth (cosine to the topic, words shared, plainness) below which a statement is not about the topic."""
FEW, FEW_WORTH = 4, 0.36
"""Until there are so many statements, this worth is enough."""
UNSURE = 0.85
"""Worth of a statement whose page is not certain, compared with one whose page is."""
ALIKE = 0.83
"""Statements with a larger cosine say the same; the one worth more stays."""
MOST_STATEMENTS, MOST_WORDS = 60, 27
_PAGELESS = {".html", ".htm", ".txt", ".md", ".markdown", ".docx"}


def plan_from_documents(brief: PlanBrief, retriever: Retriever, *, cancel: CancelToken | None = None) -> Planned:
    """A plan whose scenes say what the documents say, each with its source and page.

    Where the documents are silent on the topic, the plan is made from the topic alone and `warnings` says so. Raises
    `RequestError` for a brief that cannot be, and what the search raises.
    """
    brief.check()
    found = statements_from(brief, retriever, cancel=cancel)
    planned = plan_statements(brief, found, embed=retriever.embedder.embed)
    if not found:
        planned = replace(planned, warnings=(SILENCE, *planned.warnings))
    return planned


def cues_from_documents(brief: PlanBrief, retriever: Retriever, *, cancel: CancelToken | None = None) -> list[Cue]:
    """The cues of `statements_from`, those worth most first: what a language model is given to plan with."""
    return [cue for statement in statements_from(brief, retriever, cancel=cancel) for cue in statement.cues]


def statements_from(brief: PlanBrief, retriever: Retriever, *, questions: Sequence[str] = (),
                    cancel: CancelToken | None = None) -> list[Statement]:
    """What the documents say about the topic, worth most first; empty where they are silent.

    Besides the topic they are asked the beats' own questions, or `questions`. Only the topic's own answer decides
    whether there is one.
    """
    cancel = cancel or CancelToken()
    topic = asked_topic(brief.topic)
    first = retriever.search(topic, HITS)
    if first.silent and topic != brief.topic:
        first = retriever.search(brief.topic, HITS)
    if first.silent:
        return []
    answers = [first]
    for question in questions or [beat.ask.replace("{topic}", topic) for beat in BEATS[brief.framework]]:
        cancel.raise_if_cancelled()
        answers.append(retriever.search(question, HITS))
    found = _collected(retriever, answers)
    return _weighed(found, topic, retriever, {hit.chunk.id: hit.score for hit in first.hits})


def overlay_prompt(topic: str, retriever: Retriever) -> str:
    """The topic with what the documents say about it, as they say it; the topic alone where they are silent."""
    answer = retriever.search(asked_topic(topic), HITS)
    if answer.silent:
        answer = retriever.search(topic, HITS)
    context = retriever.context(answer) if not answer.silent else ""
    said = topic.strip()
    if not context:
        return said
    return f"{said}{'' if said.endswith(('.', '!', '?')) else '.'} {context}"


def asked_topic(topic: str) -> str:
    """The topic as documents are asked about it: without "explain" and "make a video about"."""
    return strip_instruction(topic).strip(" .") or topic


# -- gathering --------------------------------------------------------------------------------------------------------


def _collected(retriever: Retriever, answers: Iterable[Answer]) -> list[Statement]:
    """Single cues and lists from all hits, each passage read once, in the order of the answers."""
    hits: dict[str, Hit] = {}
    singles: dict[str, Statement] = {}
    for answer in answers:
        for hit in answer.hits:
            hits.setdefault(hit.chunk.id, hit)
    lists: list[Statement] = []
    taken: set[str] = set()
    for hit in hits.values():
        for listed in _lists(hit):
            statement = _as_statement(listed, hit)
            if statement:
                lists.append(statement)
                taken.update(same(text) for text in (*(cue.text for cue in statement.cues), statement.intro))
    for hit in hits.values():
        items = {same(item) for listed in lists_of(hit.chunk.text) for item in listed.items}
        sentences = sentences_of(hit.chunk.text)
        crosses = hit.chunk.page_to > hit.chunk.page_from
        for order, sentence in enumerate(sentences):
            text = _condensed(_question_in(sentence))
            key = same(text)
            if key in taken or any(item in key for item in items) or key in singles:
                continue
            if (document_cues.telling(text) or _asks(text)) and stands_alone(text) and document_cues.grounded(
                    text, hit.chunk.text):
                last = crosses and order == len(sentences) - 1
                singles[key] = Statement((_cue(text, hit, first=order == 0, last=last),), heading=_heading(hit),
                                         place=_place(hit, order), passage=hit.chunk.id,
                                         sure=not crosses or last or order == 0)
    return [*lists, *singles.values()]


def _condensed(sentence: str) -> str:
    """As cues are, but a closing "which ..." or the second side of "X ..., whereas Y ..." stays where it is short."""
    text = document_cues.condensed(sentence)
    whole = " ".join(sentence.split())
    cut_end = len(whole) > len(text) and whole.startswith(text.rstrip("."))
    return re.sub(r",\s*\.$", ".", whole if cut_end and len(whole.split()) <= MOST_WORDS else text)


def _question_in(sentence: str) -> str:
    """The question alone of "The story began with a question: Why ...?"."""
    return sentence.rsplit(": ", 1)[-1] if sentence.endswith("?") else sentence


def _asks(text: str) -> bool:
    """Whether a sentence is a question that can open a video."""
    return text.endswith("?") and 5 <= len(text.split()) <= 22 and text[0].isalpha() and not re.search(
        r"\b(?:this|these|it|they|we|you|I)\b", text)


def _lists(hit: Hit) -> list[Listed]:
    found = lists_of(hit.chunk.text)
    for paragraph in hit.chunk.text.split("\n\n"):
        steps = steps_of(sentences_of(paragraph))
        if steps:
            found.append(steps)
    return found


def _as_statement(listed: Listed, hit: Hit) -> Statement | None:
    items = [text for item in listed.items if document_cues.grounded(text := document_cues.condensed(item),
                                                                    hit.chunk.text)]
    if len(items) < 2:
        return None
    return Statement(tuple(_cue(text, hit) for text in items), heading=_heading(hit), place=_place(hit, 0),
                     intro=document_cues.condensed(listed.intro) if listed.intro else "", numbered=listed.numbered,
                     passage=hit.chunk.id, sure=hit.chunk.page_to == hit.chunk.page_from)


def _cue(text: str, hit: Hit, *, first: bool = False, last: bool = False) -> Cue:
    """`first` and `last` sentences of a chunk that runs over a page break have their page, the others both pages."""
    chunk = hit.chunk
    if PurePath(chunk.source).suffix.lower() in _PAGELESS:
        return Cue(text, chunk.source)
    if last or first or chunk.page_to <= chunk.page_from:
        return Cue(text, chunk.source, chunk.page_to if last else chunk.page_from)
    return Cue(text, chunk.source, chunk.page_from, chunk.page_to)


def _heading(hit: Hit) -> str:
    return hit.chunk.heading[-1] if hit.chunk.heading else ""


def _place(hit: Hit, order: int) -> tuple[str, int, int]:
    return hit.chunk.source, hit.chunk.page_from, order


# -- weighing ---------------------------------------------------------------------------------------------------------


def _weighed(found: list[Statement], topic: str, retriever: Retriever,
             passages: Mapping[str, float]) -> list[Statement]:
    """Those that are about the topic, with their worth, the best first; near-repetitions are left out."""
    if not found:
        return []
    texts = [statement.text for statement in found]
    vectors = retriever.embedder.embed([topic, *texts])
    near = vectors[1:] @ vectors[0]
    shares = np.array([max(shares_words(f"{s.text} {s.heading}", topic), 0.0) for s in found], np.float32)
    around = np.array([passages.get(s.passage, 0.0) for s in found], np.float32)
    plain = np.array([plainness(text) if not s.listed else 1.0 for s, text in zip(found, texts, strict=True)])
    worth = np.clip((0.6 * near + 0.3 * shares + 0.25 * around) * (0.7 + 0.3 * plain), 0, 1)
    worth *= np.array([1.0 if s.sure else UNSURE for s in found])
    chosen: list[int] = []
    for place in np.argsort(-worth, kind="stable"):
        few = len(chosen) < FEW
        floor = max(FEW_WORTH if few else LEAST_WORTH, (0.4 if few else 0.5) * float(worth.max()))
        if worth[place] < floor or len(chosen) == MOST_STATEMENTS:
            break
        if all(vectors[1 + place] @ vectors[1 + other] < ALIKE for other in chosen):
            chosen.append(int(place))
    return [replace(found[i], worth=float(worth[i])) for i in chosen]
