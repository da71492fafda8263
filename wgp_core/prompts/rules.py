"""Enhancing without a model: the person's sentence stays whole, phrases that fit are chosen around it by the seed."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .compress import compress
from .enhancement import EnhanceRequest, Mode, TokenCounter
from .facts import Facts
from .job_types import JobTypeSpec, spec_of
from .score import elements
from .vocabulary import Phrase, fitting, suit_each_other

_STILL = frozenset({Mode.IMAGE, Mode.CINEMATOGRAPHER})
_MODE_SLOTS = {
    Mode.CINEMATOGRAPHER: ("camera_body", "lens", "lighting", "composition", "film_stock", "colour", "shot", "mood"),
    Mode.MOTION: ("motion_detail", "camera_move", "motion_detail", "quality_tag", "lighting", "mood"),
    Mode.IMAGE_TO_VIDEO: ("motion_detail", "camera_move", "quality_tag", "lighting", "motion_detail", "mood"),
}
_MOST = {"lighting": 3, "composition": 2, "setting": 3, "colour": 2, "quality_tag": 5, "mood": 1, "film_stock": 1,
         "motion_detail": 3}
"""Slots of which more may be said to fill a text, and how many phrases each holds at most."""
_MOVING_SLOTS = frozenset({"camera_move", "motion_detail"})


Pick = Callable[[Sequence[Phrase], Sequence[Phrase], random.Random], Phrase | None]
"""Chooses one phrase of a slot that goes with those chosen before, or None; the generator belongs to the request."""


def enhance_by_rules(request: EnhanceRequest, facts: Facts, counter: TokenCounter) -> str:
    """The prompt with phrases for what the job type wants, within its budget.

    The same request gives the same text; another seed chooses others. A prompt in another language than English is only
    brought within the budget: phrases in two languages help no model.
    """
    return enhance_with(pick_by_chance, request, facts, counter)


def enhance_with(pick: Pick, request: EnhanceRequest, facts: Facts, counter: TokenCounter) -> str:
    """As `enhance_by_rules`, with phrases that `pick` chooses."""
    spec = spec_of(request.job_type, request.quality)
    core = request.prompt.strip().rstrip(" .,;")
    if not core:
        return request.prompt
    if not facts.english:
        return _fit(request, request.prompt.strip(), core, spec, counter)
    chooser = random.Random(f"{request.seed}|{request.prompt}|{request.mode}|{request.job_type}|{request.quality}")
    chosen = _choose(pick, request.mode, facts, spec, chooser)
    if spec.aim:
        _fill(pick, chosen, core, request, facts, spec, counter, chooser)
    text = _compose(core, request.mode, chosen, chooser)
    while counter.count(text) > spec.budget and chosen:
        chosen.pop(_least_needed(chosen, core, spec))
        text = _compose(core, request.mode, chosen, chooser)
    return _fit(request, text, core, spec, counter)


def _fit(request: EnhanceRequest, text: str, core: str, spec: JobTypeSpec, counter: TokenCounter) -> str:
    return compress(text, counter, spec.budget, core=core, protected=request.protected).text


# Choosing ----------------------------------------------------------------------------------------------------


def slots_for(mode: Mode, spec: JobTypeSpec) -> tuple[str, ...]:
    """The slots that a mode fills for a job type, the most important first; a slot may come twice."""
    slots = _MODE_SLOTS.get(mode, spec.wanted)
    needed = ("quality_tag", "lighting", "lens") if spec.is_image else ("motion_detail", "camera_move", "quality_tag")
    slots = (*slots, *(slot for slot in needed if slot not in slots))
    return tuple(slot for slot in slots if mode not in _STILL or slot not in _MOVING_SLOTS)


def _choose(pick: Pick, mode: Mode, facts: Facts, spec: JobTypeSpec, chooser: random.Random) -> list[Phrase]:
    chosen: list[Phrase] = []
    for slot in slots_for(mode, spec):
        for wanted in _kinds(slot, spec, mode):
            phrase = pick([p for p in fitting(slot, facts) if wanted(p)], chosen, chooser)
            if phrase is not None:
                chosen.append(phrase)
    return chosen


def _fill(pick: Pick, chosen: list[Phrase], core: str, request: EnhanceRequest, facts: Facts, spec: JobTypeSpec,
          counter: TokenCounter, chooser: random.Random) -> None:
    """Add phrases until the text is as long as the job type aims at, or nothing fits any more."""
    slots = [slot for slot in _MOST if request.mode not in _STILL or slot not in _MOVING_SLOTS]
    for slot in (*slots, *slots, *slots):
        if counter.count(_flat(core, chosen)) >= spec.aim:
            return
        if sum(phrase.slot == slot for phrase in chosen) >= _MOST[slot]:
            continue
        phrase = pick([p for p in fitting(slot, facts) if _kinds(slot, spec, request.mode)[0](p)], chosen, chooser)
        if phrase is not None and counter.count(_flat(core, [*chosen, phrase])) <= spec.budget:
            chosen.append(phrase)


def _kinds(slot: str, spec: JobTypeSpec, mode: Mode) -> Sequence[Callable[[Phrase], bool]]:
    """What phrases a slot gives: one each, quality tags of several kinds."""
    medium = "image" if spec.is_image else "video"
    if slot == "quality_tag":
        if not spec.is_image:
            return (lambda p: "temporal" in p.tags, lambda p: medium in p.tags and "temporal" not in p.tags)
        anatomy = [lambda p: "anatomy" in p.tags] if "anatomy" in spec.extra_tags else []
        plain = lambda p: "image" in p.tags and not p.tags & {"anatomy", "resolution"}  # noqa: E731
        return (plain, *anatomy, lambda p: "resolution" in p.tags, *([plain] if spec.aim else []))
    if slot == "lighting" and "studio" in spec.extra_tags:
        return (lambda p: bool(p.tags & {"studio", "rim", "soft", "top", "motivated"}), lambda p: True)
    if slot == "camera_body":
        return (lambda p: mode in _STILL or "still" not in p.tags,)
    return (lambda p: True,)


def pick_by_chance(options: Sequence[Phrase], chosen: Sequence[Phrase], chooser: random.Random) -> Phrase | None:
    """One of the phrases that goes with the chosen ones; those made for such a prompt are drawn twice as often."""
    pool = [phrase for phrase in options if phrase not in chosen]
    chooser.shuffle(pool)
    pool.sort(key=lambda phrase: -chooser.random() * (2 if phrase.needs else 1))
    return next((phrase for phrase in pool if suit_each_other(phrase, chosen)), None)


def _least_needed(chosen: Sequence[Phrase], core: str, spec: JobTypeSpec) -> int:
    """The last phrase whose going loses no wanted element; else the last."""
    full = sum(elements(_flat(core, chosen), spec).values())
    for at in range(len(chosen) - 1, -1, -1):
        rest = [*chosen[:at], *chosen[at + 1:]]
        if sum(elements(_flat(core, rest), spec).values()) == full:
            return at
    return len(chosen) - 1


def _flat(core: str, chosen: Sequence[Phrase]) -> str:
    return ", ".join([core, *(phrase.text for phrase in chosen)])


# Putting together ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Words:
    """The chosen phrases by slot."""

    phrases: tuple[Phrase, ...]

    def of(self, *slots: str) -> list[str]:
        return [phrase.text for slot in slots for phrase in self.phrases if phrase.slot == slot]


def _compose(core: str, mode: Mode, chosen: Sequence[Phrase], chooser: random.Random) -> str:
    words = _Words(tuple(chosen))
    state = chooser.getstate()
    text = _tags(core, words, chooser) if mode in _STILL else _sentences(core, words, chooser)
    chooser.setstate(state)  # the same order again when a phrase has to go
    return text


def _tags(core: str, words: _Words, chooser: random.Random) -> str:
    """One line of phrases for an image model; quality, shot or light may come before the sentence."""
    quality = words.of("quality_tag")
    openers = [[text] for text in (*words.of("shot"), *words.of("camera_body", "lighting")[:1])]
    openers += [quality[:1], quality[:2], []]
    first = chooser.choice(openers)
    groups = [words.of("lighting", "time_of_day"), words.of("camera_body", "lens"), words.of("composition", "shot"),
              words.of("film_stock", "colour"), words.of("setting", "mood", "style")]
    chooser.shuffle(groups)
    rest = [text for group in (*groups, quality) for text in group]
    return ", ".join([*_capital(first), core, *(text for text in rest if text not in first)])


def _sentences(core: str, words: _Words, chooser: random.Random) -> str:
    """A paragraph for a video model: the sentence, what moves, the camera, the light, how it looks."""
    shot, light, move = words.of("shot"), words.of("lighting", "time_of_day"), words.of("camera_move")
    motion, mood = words.of("motion_detail"), words.of("mood")
    openers = [group for group in ([*shot], [*light[:1]], [*mood], [*move], [*motion[:1]], [*shot, *light[:1]])
               if group]
    first = chooser.choice([*openers, []])
    sentences = [motion, [*move, *words.of("lens", "composition")], light, [*words.of("setting"), *mood],
                 words.of("colour", "film_stock", "camera_body", "style"), words.of("quality_tag")]
    if shot:
        sentences[1] = [*shot, *sentences[1]]
    tail = sentences[1:-1]
    chooser.shuffle(tail)
    parts = [_end(f"{_lead(first)}{core}")]
    for group in (sentences[0], *tail, sentences[-1]):
        fresh = [text for text in group if text not in first]
        if fresh:
            parts.append(_end(", ".join(_capital(fresh))))
    return " ".join(parts)


def _lead(first: Sequence[str]) -> str:
    return f"{', '.join(_capital(first))}: " if first else ""


def _end(sentence: str) -> str:
    return sentence if sentence[-1:] in ".!?\"”" else f"{sentence}."


def _capital(texts: Sequence[str]) -> list[str]:
    return [texts[0][:1].upper() + texts[0][1:], *texts[1:]] if texts else []
