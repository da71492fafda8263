"""Which known subject a text is about: by keyword, else by meaning where an embedding function is given."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from .subjects import Subject, all_subjects

Embed = Callable[[list[str]], Any]

THRESHOLD = 0.5
MARGIN = 0.04


def choose_subject(text: str, embed: Embed | None = None) -> Subject | None:
    """The subject that a text names or means, or None. A wrong subject is worse than none."""
    return by_keyword(text) or (by_meaning(text, embed) if embed else None)


def by_keyword(text: str) -> Subject | None:
    """Whole words or phrases in any case; the longest wins, then the one that comes first."""
    found: list[tuple[int, int, str, Subject]] = []
    for subject in all_subjects():
        for keyword in subject.keywords:
            match = re.search(rf"(?<!\w){_loose(keyword)}(?!\w)", text, re.I)
            if match:
                found.append((-len(keyword), match.start(), subject.id, subject))
    return min(found, key=lambda item: item[:3])[3] if found else None


def _loose(keyword: str) -> str:
    """Spaces and hyphens are alike; a plural s may follow."""
    return r"[\s-]+".join(re.escape(part) for part in re.split(r"[\s-]+", keyword)) + "(?:s|es)?"


def by_meaning(text: str, embed: Embed) -> Subject | None:
    from .topic_text import strip_instruction

    subjects = all_subjects()
    phrases = [phrase for subject in subjects for phrase in (subject.title, *subject.phrases)]
    owners = np.array([i for i, subject in enumerate(subjects) for _ in range(1 + len(subject.phrases))])
    scores = np.asarray(embed(phrases)) @ np.asarray(embed([strip_instruction(text)]))[0]
    best = np.array([scores[owners == i].max() for i in range(len(subjects))])
    order = np.argsort(-best)
    if best[order[0]] < THRESHOLD or (len(order) > 1 and best[order[0]] - best[order[1]] < MARGIN):
        return None
    return subjects[int(order[0])]
