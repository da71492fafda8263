"""Which known subject a text is about: by keyword, else by meaning where an embedding function is given.

A wrong subject is worse than none, so words with an everyday sense ("attention", "sorting") need support from the
rest of the text, and meaning must be both near to one subject and clearly nearer than to the others.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .pages.language import STOP, split_sentences, strip_instruction, words
from .subjects import Subject, all_subjects

Embed = Callable[[list[str]], Any]

THRESHOLD = 0.44
"""Least cosine to a subject's nearest phrase. Calibrated on the prompts of the tests."""
MARGIN = 0.03
SUPPORT = 0.33
"""Least cosine that confirms a keyword with an everyday sense."""
LONG_WORDS = 40

_EVERYDAY = frozenset((*"""attention transformer transformers cnn harmonics neuron neurons sorting clustering sgd
ballistic convolution convolutions gelu centroids pendulum epicycles""".split(), "throwing a ball", "gradient flow"))


DECOYS = (
    "the weather forecast for tomorrow", "rain, sun and temperature", "gardening, plants and trees",
    "a phone book or an address book", "sharpening tools and knives", "clocks and watches and their history",
    "general use of computers and the internet", "machine learning in general", "artificial intelligence and society",
    "medieval weapons and war", "playing ball with a dog", "sports and games", "the human brain and its nerve cells",
    "waste recycling at home", "a playground for children", "power stations", "road traffic and safety",
    "musical instruments", "planning a holiday trip", "photography tips", "school homework", "history and politics",
    "cooking and baking", "medicine and hospitals", "rivers, hills and landscapes", "shopping and prices",
    "jobs and careers", "rockets, aeroplanes and cars", "a walk in nature", "family and people", "animals",
    "dancing and art", "fashion and style", "the ocean and its waves", "light, colours and glass",
    "electronics and circuits", "language and writing", "tidying and cleaning the house", "computer science in general",
    "mathematics in general", "physics in general", "office work and business", "money and finance",
)
"""Everyday neighbours of the subjects: what lies as near to one of these is not about the subject."""
DECOY_LEAD = 0.1


@dataclass(frozen=True)
class Choice:
    """A subject and how sure it is: cosine 1 for a keyword."""

    subject: Subject
    score: float


def choose_subject(text: str, embed: Embed | None = None) -> Subject | None:
    """The subject that a text names or means, or None."""
    named = by_keyword(text, embed)
    if named:
        return named
    meant = by_meaning(text, embed) if embed else None
    return meant.subject if meant else None


def by_keyword(text: str, embed: Embed | None = None) -> Subject | None:
    """Whole words or phrases in any case; the longest wins, then the one that comes first."""
    found: list[tuple[int, int, str, Subject, str]] = []
    for subject in all_subjects():
        for keyword in subject.keywords:
            match = _find(keyword, text)
            if match:
                found.append((-len(keyword), match.start(), subject.id, subject, keyword))
    for *_, subject, keyword in sorted(found, key=lambda item: item[:3]):
        if _meant(text, keyword, subject, embed):
            return subject
    return None


def _find(keyword: str, text: str) -> re.Match[str] | None:
    """Spaces and hyphens are alike; a plural s may follow; letters or digits on either side may not."""
    body = r"[\s-]+".join(re.escape(part) for part in re.split(r"[\s-]+", keyword))
    return re.search(rf"(?<!\w){body}(?:s|es)?(?!\w)", text, re.I)


def _meant(text: str, keyword: str, subject: Subject, embed: Embed | None) -> bool:
    """Whether the text is about the keyword's technical sense, and not only mentions it in passing."""
    sentences = split_sentences(text)
    if len(words(text)) > LONG_WORDS:
        again = len(re.findall(re.escape(keyword), text, re.I))
        if again < 2 and not (sentences and _find(keyword, sentences[0])):
            return False
    if keyword.lower() not in _EVERYDAY:
        return True
    topic = strip_instruction(text)
    others = set(words(topic)) - STOP - set(words(keyword)) - {word + "s" for word in words(keyword)} - _FILLER
    if not others:
        return True
    if embed is not None:
        scores, decoy = similarities(topic, embed)
        return scores[subject.id] >= max(SUPPORT, decoy, max(scores.values()) - 0.12)
    vocabulary = set(words(" ".join((*subject.phrases, subject.title, *subject.keywords)))) - STOP - set(words(keyword))
    return bool(others & vocabulary)


_FILLER = frozenset("""work works working mechanism explained explain explanation basics introduction intro understand
understanding simple simply simulation animation video algorithm method step steps example examples visually""".split())


def similarities(text: str, embed: Embed) -> tuple[dict[str, float], float]:
    """Cosine of the text to each subject's nearest phrase, and to the nearest decoy."""
    subjects = all_subjects()
    phrases = [phrase for subject in subjects for phrase in (subject.title, *subject.phrases)]
    scores = np.asarray(embed([*phrases, *DECOYS])) @ np.asarray(embed([text]))[0]
    out: dict[str, float] = {}
    at = 0
    for subject in subjects:
        count = 1 + len(subject.phrases)
        out[subject.id] = float(scores[at:at + count].max())
        at += count
    return out, float(scores[at:].max())


def by_meaning(text: str, embed: Embed) -> Choice | None:
    """The nearest subject, if it is near enough and all else is further off. Long texts speak for themselves."""
    if len(words(text)) > LONG_WORDS or not text.strip():
        return None
    scores, decoy = similarities(strip_instruction(text), embed)
    order = sorted(scores, key=lambda name: -scores[name])
    if not order or scores[order[0]] < max(THRESHOLD, decoy + DECOY_LEAD):
        return None
    if len(order) > 1 and scores[order[0]] - scores[order[1]] < MARGIN:
        return None
    return Choice(next(subject for subject in all_subjects() if subject.id == order[0]), scores[order[0]])
