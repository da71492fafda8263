"""Plans by a language model, held to what the documents say.

The model answers in JSON. What cannot be used is sent back once with the reason; what is still wrong is mended scene by
scene, and where nothing is left the rules plan. With cues, a sentence that none of them supports is left out.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from ..documents.lexical import words_of
from ..documents.retrieve import SILENCE, Retriever
from ..engines.explainer.pages.language import split_sentences
from ..engines.explainer.pages.notation import looks_written
from ..errors import EngineError
from ..events import CancelToken
from ..prompts.enhancement import TextModel
from ..request import Cue, SceneKind, ScenePlan
from .answers import Answered, Told, read_questions, read_scenes
from .beats import BEATS
from .brief import PlanBrief, Planned
from .grounded import asked_topic, statements_from
from .material import Statement, statements_of
from .pages import content_of
from .rules import SCENE_S, TITLE_FROM_S, plain_topic, plan_statements, timed

log = logging.getLogger(__name__)

MOST_GIVEN = 24
"""Statements that a model is given."""
SUPPORT = 0.6
"""Share of a sentence's words that the cues must have."""
UNCHECKED = "No document stands behind this plan: what {model} says in it was not checked."


def plan_with_llm(brief: PlanBrief, cues: Iterable[Cue], model: TextModel, *, seed: int = 0,
                  cancel: CancelToken | None = None) -> Planned:
    """A plan by a model; by the rules where it gives none that can be used, and `warnings` says so.

    Raises `RequestError` for a brief that cannot be, and `Cancelled`.
    """
    brief.check()
    return _plan(brief, statements_of(cues), model, seed, cancel or CancelToken())


def plan_documents_with_llm(brief: PlanBrief, retriever: Retriever, model: TextModel, *, seed: int = 0,
                            cancel: CancelToken | None = None) -> Planned:
    """The model first says what the documents are to be asked, then plans with their answers.

    Silent documents are not made up for: the rules plan from the topic alone, with a warning.
    """
    brief.check()
    cancel = cancel or CancelToken()
    topic = asked_topic(brief.topic)
    questions = [beat.ask.replace("{topic}", topic) for beat in BEATS[brief.framework]]
    questions += questions_of(brief, model, seed=seed, cancel=cancel)
    found = statements_from(brief, retriever, questions=questions, cancel=cancel)
    if not found:
        planned = plan_statements(brief, [], embed=retriever.embedder.embed)
        return replace(planned, warnings=(SILENCE, *planned.warnings))
    return _plan(brief, found, model, seed, cancel)


def questions_of(brief: PlanBrief, model: TextModel, *, seed: int = 0,
                 cancel: CancelToken | None = None) -> tuple[str, ...]:
    """What a model would ask a book for each part of the plan; none where it gives no questions."""
    beats = "\n".join(f"- {beat.purpose}" for beat in BEATS[brief.framework])
    system = ("You prepare a teaching video from a book. Write one short question for each part, to look up in the "
              'book. Answer with a JSON array of strings only, for example ["What is erosion?"].')
    try:
        answer = model.complete(system, f"Topic: {brief.topic}\nParts:\n{beats}", max_new_tokens=240, seed=seed,
                                cancel=cancel)
    except EngineError as error:
        log.warning("%s gave no questions: %s", model.name, error)
        return ()
    return read_questions(answer)


# -- asking ---------------------------------------------------------------------------------------------------------


def _plan(brief: PlanBrief, statements: Sequence[Statement], model: TextModel, seed: int,
          cancel: CancelToken) -> Planned:
    given = [cue for statement in statements for cue in statement.cues][:MOST_GIVEN]
    try:
        answered = _ask(brief, given, model, seed, cancel)
    except EngineError as error:
        log.warning("%s gave no plan", model.name, exc_info=True)
        return _by_rules(brief, statements, model, str(error))
    scenes, repaired = _taken_over(brief, answered, given)
    if not scenes or (given and not any(scene.cues for scene in scenes)):
        reason = answered.problems[0] if answered.problems else "Nothing in it rests on the documents."
        return _by_rules(brief, statements, model, reason)
    warnings = () if given else (UNCHECKED.format(model=model.name),)
    return Planned(timed(scenes, brief.seconds), planner=model.name, repaired=tuple(repaired), warnings=warnings)


def _by_rules(brief: PlanBrief, statements: Sequence[Statement], model: TextModel, reason: str) -> Planned:
    planned = plan_statements(brief, statements)
    return replace(planned, warnings=(f"{model.name} gave no plan that can be used, so the rules planned: {reason}",
                                      *planned.warnings))


def _ask(brief: PlanBrief, given: Sequence[Cue], model: TextModel, seed: int, cancel: CancelToken) -> Answered:
    """The answer, or the second one where the first had faults and the second has fewer. Small models get one try."""
    system, user = messages_for(brief, given)
    budget = 260 + 130 * most_scenes(brief)
    answer = model.complete(system, user, max_new_tokens=budget, seed=seed, cancel=cancel)
    first = _checked(answer, given)
    if not first.problems or not model.strong:
        return first
    again = (f"{user}\n\nYour answer before was:\n{answer[:3000]}\n\nIt cannot be used: {' '.join(first.problems[:5])} "
             "Answer once more, with the JSON array only.")
    cancel.raise_if_cancelled()
    try:
        second = _checked(model.complete(system, again, max_new_tokens=budget, seed=seed + 1, cancel=cancel), given)
    except EngineError:
        log.warning("%s did not answer again", model.name, exc_info=True)
        return first
    return second if second.scenes and (len(second.problems) <= len(first.problems) or not first.scenes) else first


def _checked(answer: str, given: Sequence[Cue]) -> Answered:
    """The scenes of an answer; with cues, sentences that none supports are faults too."""
    found = read_scenes(answer, len(given))
    if not given:
        return found
    problems = list(found.problems)
    for number, scene in enumerate(found.scenes, 1):
        loose = [sentence for sentence in split_sentences(scene.narration) if not supporting(sentence, given)
                 and not sentence.endswith("?")]
        if loose:
            problems.append(f"Scene {number} says what no statement says: {loose[0][:120]!r}.")
    return Answered(found.scenes, tuple(problems))


def most_scenes(brief: PlanBrief) -> int:
    """How many scenes a model may plan."""
    return brief.scenes or max(1, (brief.seconds >= TITLE_FROM_S) + math.ceil(brief.seconds / SCENE_S))


def messages_for(brief: PlanBrief, given: Sequence[Cue]) -> tuple[str, str]:
    """Instructions and question for a model."""
    beats = "; ".join(beat.purpose for beat in BEATS[brief.framework])
    rules = ["You plan the scenes of a short teaching video. Answer with a JSON array only, one object a scene:",
             '{"title": "...", "kind": "definition", "narration": "...", "visual": "...", "camera": "static", '
             '"cues": [1]}',
             "title: at most 8 words. narration: one or two short sentences that are spoken. visual: in one sentence, "
             "what is seen; no text in the picture. kind: title, definition, steps, comparison, timeline, formula, "
             "concept-map or summary. camera: static, push-in, pull-out, pan, tilt, tracking or orbit."]
    if given:
        rules.append("cues: the numbers of the statements that the scene rests on, each statement in one scene only. "
                     "Say nothing that the statements do not say, and keep their terms and numbers.")
    else:
        rules.append("cues: always []. Say only what is certain and generally known.")
    asked = [f"Topic: {brief.topic}", f"Audience: {brief.audience}", f"Objective: {brief.objective.value}",
             f"Order of the argument: {beats}",
             f"At most {most_scenes(brief)} scenes for {brief.seconds:g} seconds, about "
             f"{round(brief.seconds * 2.4)} spoken words in all."]
    if given:
        asked += ["Statements:", *(f"{number}. {cue.text}" for number, cue in enumerate(given, 1))]
    return "\n".join(rules), "\n".join(asked)


# -- taking over ------------------------------------------------------------------------------------------------------


def supporting(sentence: str, cues: Sequence[Cue]) -> tuple[Cue, ...]:
    """The fewest cues (at most two) that have the sentence's words; none where they do not.

    Numbers and names must stand in them.
    """
    said = set(words_of(sentence))
    if not said:
        return ()
    fixed = {word.lower() for word in re.findall(r"\d[\d.,]*\d|\d|(?<=[a-z,;] )[A-Z][\w-]+", sentence)}
    have = [(len(said & set(words_of(cue.text))), cue) for cue in cues]
    ranked = [cue for share, cue in sorted(have, key=lambda each: -each[0]) if share][:4]
    pairs = [(cue,) for cue in ranked] + [(a, b) for i, a in enumerate(ranked) for b in ranked[i + 1:]]
    for group in pairs:
        text = " ".join(cue.text for cue in group)
        if len(said & set(words_of(text))) >= SUPPORT * len(said) and all(
                re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text.lower()) for word in fixed):
            return group
    return ()


def _taken_over(brief: PlanBrief, answered: Answered, given: Sequence[Cue]) -> tuple[list[ScenePlan], list[str]]:
    """The scenes that can be used, mended, and what was done to them."""
    beats = BEATS[brief.framework]
    most = most_scenes(brief)
    repaired = [f"{len(answered.scenes) - most} scenes were left out for want of time."] if len(
        answered.scenes) > most else []
    told_scenes = answered.scenes[:most]
    used: set[Cue] = set()
    scenes: list[ScenePlan] = []
    for number, told in enumerate(told_scenes):
        beat = beats[min(number * len(beats) // max(len(told_scenes), 1), len(beats) - 1)]
        title = told.title or (plain_topic(brief) if not number else beat.labels[0])
        last = number == len(told_scenes) - 1
        scene = (_grounded_scene(told, title, given, used, beat.purpose, last, repaired, number + 1) if given
                 else _free_scene(told, title, beat.purpose))
        if scene is None:
            repaired.append(f"Scene {number + 1} ({title}) was left out: it rests on no statement.")
        else:
            used.update(scene.cues)
            scenes.append(scene)
    return scenes, repaired


def _grounded_scene(told: Told, title: str, given: Sequence[Cue], used: set[Cue], purpose: str, last: bool,
                    repaired: list[str], number: int) -> ScenePlan | None:
    """The scene with the sentences that cues support, and with these cues; None where nothing is left of it."""
    cited = [given[each - 1] for each in told.cues]
    kept: list[str] = []
    cues: dict[Cue, None] = {}
    for sentence in split_sentences(told.narration):
        ground = supporting(sentence, cited) or supporting(sentence, given)
        if ground or sentence.endswith("?"):
            kept.append(sentence)
            cues.update(dict.fromkeys(ground))
        else:
            repaired.append(f"Scene {number}: left out, since no statement says it: {sentence}")
    fresh = [cue for cue in (*cues, *cited) if cue not in used or last]
    fresh = list(dict.fromkeys(fresh))
    if not cues and not fresh:
        opening = number == 1 and told.kind in (SceneKind.TITLE, SceneKind.AUTO)
        return ScenePlan(title, SceneKind.TITLE, purpose="Opening: the topic", narration=" ".join(kept),
                         camera=told.camera) if opening else None
    if not fresh:
        return None
    narration = " ".join(kept) if cues else " ".join(cue.text for cue in fresh)
    if told.kind is SceneKind.TITLE:
        return ScenePlan(title, SceneKind.TITLE, purpose, narration, narration if len(narration) <= 120 else "",
                         told.camera, cues=tuple(fresh))
    kind, visual = told.kind, told.visual
    words = set(words_of(visual))
    theirs = set(words_of(" ".join([title, *(cue.text for cue in fresh)])))
    if not (looks_written(visual) and len(words & theirs) >= SUPPORT * len(words) and kind is not SceneKind.AUTO):
        made = content_of([Statement((cue,)) for cue in fresh])
        kind, visual = made.kind, made.visual
    return ScenePlan(title, kind, purpose, narration, visual, told.camera, cues=tuple(fresh))


def _free_scene(told: Told, title: str, purpose: str) -> ScenePlan | None:
    if not told.narration and told.kind is not SceneKind.TITLE:
        return None
    written = looks_written(told.visual)
    kind = told.kind if told.kind is SceneKind.TITLE or written else SceneKind.AUTO
    visual = told.visual if kind is not SceneKind.TITLE else ""
    return ScenePlan(title, kind, purpose, told.narration, visual, told.camera)
