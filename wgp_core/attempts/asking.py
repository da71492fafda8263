"""Suggestions by a language model: it hears what is weak in a video and changes the prompt, held to the person's words.

A strong model writes the changed prompt; what it lost or contradicted is said to it once, and then left out. A small
one chooses among phrases that fit the prompt, as the enhancer has it do.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from ..events import CancelToken
from ..prompts.enhancement import TextModel
from ..prompts.facts import facts_of
from ..prompts.fidelity import check
from ..prompts.fill import best_phrase
from ..prompts.llm.objects import objects_of
from ..quality.suggest import LIMIT, Suggestion, append, change_of, weakest
from ..quality.types import Dimension, DimensionScore, QualityReport

log = logging.getLogger(__name__)

TOKENS_A_SUGGESTION = 170
LONGEST_REASON = 240
SLOTS: Mapping[Dimension, tuple[str, ...]] = {
    Dimension.AESTHETIC: ("lighting", "composition", "colour", "mood"), Dimension.IMAGING: ("lens", "lighting"),
    Dimension.SUBJECT: ("shot", "motion_detail"), Dimension.BACKGROUND: ("setting", "camera_move"),
    Dimension.SMOOTHNESS: ("motion_detail", "camera_move"), Dimension.FLICKERING: ("lighting", "camera_move"),
    Dimension.DYNAMIC: ("motion_detail",), Dimension.ALIGNMENT: ("shot", "composition"),
}
"""Where a small model looks for words against a weakness, the likeliest place first."""


def ask_model(report: QualityReport, prompt: str, negative_prompt: str, model: TextModel, *, seed: int = 0,
              cancel: CancelToken | None = None) -> tuple[Suggestion, ...]:
    """The model's changes for what is weakest, at most `LIMIT`; empty where it has none that keeps what was meant.

    Raises what the model's methods raise, and `Cancelled`.
    """
    cancel = cancel or CancelToken()
    weak = weakest(report)[:LIMIT]
    if not weak:
        return ()
    if not model.strong:
        return tuple(found for score, gain in weak
                     if (found := _chosen(score, gain, prompt, negative_prompt, model, cancel)) is not None)
    return _written(weak, prompt, negative_prompt, model, seed, cancel)


# -- a model that writes ----------------------------------------------------------------------------------------


def messages_for(weak: Sequence[tuple[DimensionScore, float]], prompt: str, negative_prompt: str) -> tuple[str, str]:
    """Instructions and question."""
    system = ("You improve prompts of a text-to-video model. A video was made and measured. For each weakness change "
              "the prompt a little, so that the next video is better there. Keep everything that the prompt says: its "
              "things, numbers, colours, names and actions. Bring in no new person, animal or thing. Answer with a "
              "JSON array "
              'only, one object for each weakness: {"weakness": "...", "prompt": "the whole changed prompt", '
              '"negative_prompt": "what must not be seen, or empty", "reason": "one short sentence"}.')
    lines = [f"Prompt: {prompt}"]
    if negative_prompt:
        lines.append(f"Negative prompt: {negative_prompt}")
    lines.append("Weaknesses:")
    for score, _ in weak:
        missing = f"; not seen in the video: {', '.join(score.missing)}" if score.missing else ""
        lines.append(f"- {score.dimension.value}: {100 * (score.value or 0.0):.0f} of 100{missing}")
    return system, "\n".join(lines)


def _written(weak: Sequence[tuple[DimensionScore, float]], prompt: str, negative: str, model: TextModel, seed: int,
             cancel: CancelToken) -> tuple[Suggestion, ...]:
    system, user = messages_for(weak, prompt, negative)
    tokens = TOKENS_A_SUGGESTION * len(weak)
    found, wrong = _read(model.complete(system, user, max_new_tokens=tokens, seed=seed, cancel=cancel), weak, prompt,
                         negative, model.name)
    if wrong and len(found) < len(weak):
        cancel.raise_if_cancelled()
        again = f"{user}\n\nYour last answer could not be used: {' '.join(wrong[:5])} Answer once more."
        second, _ = _read(model.complete(system, again, max_new_tokens=tokens, seed=seed + 1, cancel=cancel), weak,
                          prompt, negative, model.name)
        found = {**second, **found}
    log.info("%s suggested %d changes for %d weaknesses; refused: %s", model.name, len(found), len(weak), wrong)
    return tuple(found[score.dimension] for score, _ in weak if score.dimension in found)


def _read(answer: str, weak: Sequence[tuple[DimensionScore, float]], prompt: str, negative: str,
          source: str) -> tuple[dict[Dimension, Suggestion], list[str]]:
    """The suggestions that may stay, and what is wrong with the others, in sentences for the model."""
    gains = {score.dimension: gain for score, gain in weak}
    found: dict[Dimension, Suggestion] = {}
    wrong: list[str] = []
    for data in objects_of(answer):
        dimension = next((one for one in gains if one.value == _text(data, "weakness").lower().replace(" ", "_")), None)
        text = _text(data, "prompt")
        if dimension is None or dimension in found or not text:
            continue
        faults = check(prompt, text).reasons
        if faults:
            wrong.append(f"{dimension.value}: {' '.join(faults)}")
            continue
        reason = _text(data, "reason")[:LONGEST_REASON] or f"{source} would say it like this."
        avoid = _text(data, "negative_prompt") or negative
        if (text, avoid) != (prompt, negative):
            found[dimension] = change_of(dimension, reason, (prompt, negative), (text, avoid), gains[dimension], source)
    if not found and not wrong:
        wrong.append("There is no JSON array of changed prompts in it.")
    return found, wrong


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return " ".join(value.split()) if isinstance(value, str) else ""


# -- a model that chooses ---------------------------------------------------------------------------------------


def _chosen(score: DimensionScore, gain: float, prompt: str, negative: str, model: TextModel,
            cancel: CancelToken) -> Suggestion | None:
    """The phrase that the model finds most fitting, of the first place where the prompt says nothing yet."""
    facts = facts_of(prompt)
    for slot in SLOTS.get(score.dimension, ()):
        phrase = best_phrase(model, prompt, slot, facts, cancel)
        if phrase is None:
            continue
        text = append(prompt, phrase.text)
        if check(prompt, text).ok:
            reason = f"{model.name} finds these words on {slot.replace('_', ' ')} the most fitting."
            return change_of(score.dimension, reason, (prompt, negative), (text, negative), gain, model.name)
    return None
