"""Shortening what cannot be read in time, so that the person sees that it was shortened."""

from __future__ import annotations

import re
from dataclasses import replace

from ....request import SceneKind, ScenePlan
from .language import split_sentences
from .notation import read_lines


def cut(text: str, chars: int) -> str:
    """At most `chars` characters, cut after a word, with an ellipsis."""
    if len(text) <= chars:
        return text
    head = text[:max(chars - 1, 1)]
    if " " in head.strip():
        head = head.rsplit(" ", 1)[0]
    return head.rstrip(" ,;:.") + "…"


def abridge(plan: ScenePlan, chars: int) -> ScenePlan:
    """Shorten what cannot be read in time, visibly: an ellipsis, or "+3 more" for items left out."""
    if plan.kind is SceneKind.SUBJECT:
        return plan
    narration = _abridged_caption(plan.narration, max(chars - len(plan.visual) // 2, 60))
    room = max(chars - len(narration), 60)
    if plan.kind is SceneKind.DEFINITION:
        return replace(plan, narration=narration, visual=cut(plan.visual, max(room, 120)))
    if plan.kind not in (SceneKind.STEPS, SceneKind.SUMMARY, SceneKind.TIMELINE, SceneKind.COMPARISON):
        return replace(plan, narration=narration)
    listing = read_lines(plan.visual)
    lines = [line for line in plan.visual.splitlines() if line.strip() and not re.match(r"^\+\d+ more$", line)]
    least = 3 if plan.kind is SceneKind.COMPARISON else 2
    kept = len(lines)
    while kept > least and sum(map(len, lines[:kept])) > room:
        kept -= 1
    if kept == len(lines):
        return replace(plan, narration=narration)
    left_out = listing.more + len(lines) - kept
    return replace(plan, narration=narration, visual="\n".join([*lines[:kept], f"+{left_out} more"]))


def _abridged_caption(text: str, chars: int) -> str:
    """Whole sentences while they fit, else a cut one."""
    if len(text) <= chars:
        return text
    kept = ""
    for sentence in split_sentences(text):
        if len(kept) + len(sentence) + 1 > chars:
            break
        kept = f"{kept} {sentence}".strip()
    return f"{kept} …" if kept else cut(text, chars)
