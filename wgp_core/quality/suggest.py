"""A weak dimension becomes a concrete change of the prompt, as a diff to accept or refuse. Rules only.

Nothing is invented about the scene: words are moved, or words on steadiness, light and style are added, and only where
the prompt does not say something of the kind already.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from .advice import WEAK, is_frozen
from .types import Dimension, DimensionScore, QualityReport

LIMIT = 3
NEARLY_BEST = 0.98
"""From here on there is nothing to suggest at all."""


@dataclass(frozen=True)
class Change:
    """A piece of a diff: `action` is "keep", "add" or "remove"; the pieces of "keep" and "add" join to the new text."""

    action: str
    text: str


@dataclass(frozen=True)
class Suggestion:
    """One change of prompt or negative prompt. `gain` is how much the dimension could rise at most, 0..1.

    `source` is the language model that made it, or "rules".
    """

    dimension: Dimension
    reason: str
    prompt: str
    negative_prompt: str
    prompt_diff: tuple[Change, ...]
    negative_diff: tuple[Change, ...]
    gain: float = 0.0
    source: str = "rules"


@dataclass(frozen=True)
class _Rule:
    """Words to add where nothing like them is there: `covered` is a pattern of what counts as being there."""

    reason: str
    add: str
    covered: str
    avoid: str = ""


_CALM_CAMERA = r"static (?:camera|shot)|steady|locked|tripod|still camera|camera (?:is )?(?:still|fixed)"
_RULES: dict[Dimension, tuple[_Rule, ...]] = {
    Dimension.SUBJECT: (
        _Rule("The subject changes over time: say that it stays as it is.",
              "{subject} keeps the same shape and colours throughout", r"same (?:shape|colou?rs?|look)|unchanging",
              "morphing, changing shape"),
        _Rule("The subject still changes: keep it in full view and its motion slow.",
              "{subject} in full view, slow motion", r"full view|slow(?:ly)?\b|slow motion"),
    ),
    Dimension.BACKGROUND: (
        _Rule("The surroundings change: hold the camera still.", "static camera", _CALM_CAMERA,
              "changing background"),
        _Rule("The surroundings still change: say that they stay.", "the same unchanging background",
              r"(?:same|unchanging|constant|plain) (?:\w+ )?background"),
    ),
    Dimension.SMOOTHNESS: (
        _Rule("The motion is uneven: ask for slow, steady motion.", "slow, smooth, continuous motion",
              r"smooth|continuous|slow(?:ly)?\b", "jitter, sudden jumps"),
        _Rule("The motion is still uneven: another camera.", "static camera", _CALM_CAMERA),
    ),
    Dimension.FLICKERING: (
        _Rule("Neighbouring frames differ much: ask for constant light.", "constant, even light",
              r"(?:constant|even|steady|stable) light", "flicker, flashing light"),
        _Rule("Neighbouring frames still differ much: hold the camera still.", "static camera", _CALM_CAMERA),
    ),
    Dimension.AESTHETIC: (
        _Rule("The pictures are plain: name the light.", "soft natural light",
              r"light|lit\b|golden hour|sunset|sunrise"),
        _Rule("The pictures are plain: name the composition.", "balanced composition, clear colours",
              r"composition|colou?rs|palette|rule of thirds"),
    ),
    Dimension.IMAGING: (
        _Rule("The pictures have technical faults: ask for a clear one.", "sharp focus, clean picture",
              r"sharp|in focus|clean picture|crisp", "blurry, noisy, low quality"),
    ),
}
_SPEED = re.compile(r"\b(?:very |extremely )?(?:fast|quick|rapid|frantic|wild|sudden|shaky|hectic)(?:ly)?\b,? ?", re.I)
_CAMERA = re.compile(r",? ?\b(?:handheld|shaky|fast|whip)[- ](?:camera|shot|pan|zoom)(?: (?:movement|work))?\b", re.I)
_STOP = re.compile(r",|;|\.|\b(?:in|on|at|with|through|over|under|by|near|during|from|into|across|while|that|which|and|"
                   r"is|are|was|against|towards?|behind|beside|beneath|above|along|around)\b|\b\w{3,}ing\b|"
                   r"\b(?:moves?|drives?|runs?|walks?|flies|fly|jumps?|sits?|stands?|falls?|rolls?|turns?|slides?|grows?|"
                   r"shrinks?|spins?|goes|swims?|rises?|plays?|dances?|bounces?|drifts?|floats?)\b", re.I)


def suggest(report: QualityReport, prompt: str, negative_prompt: str = "", *, subject: str = "",
            missing: Sequence[str] = (), limit: int = LIMIT, below: float = WEAK) -> tuple[Suggestion, ...]:
    """Changes for the weakest dimensions, the largest possible gain first; empty where all are at least `below`.

    `subject` names the main thing where the caller knows it better than `subject_of`. `missing` names what does not
    show; without it, what the report itself names.
    """
    name = subject or subject_of(prompt)
    made: list[Suggestion] = []
    for score, gain in _weaker(report, below):
        if score.dimension is Dimension.ALIGNMENT:
            change = _move_forward(prompt, tuple(missing) or score.missing, name)
            new = change_of(score.dimension, change[0], (prompt, negative_prompt), (change[1], negative_prompt), gain)
        else:
            new = _by_rules(score.dimension, prompt, negative_prompt, name, gain)
        if new is not None and not any(new.prompt == m.prompt and new.negative_prompt == m.negative_prompt
                                       for m in made):
            made.append(new)
    if is_frozen(report):
        made.insert(0, _name_motion(prompt, negative_prompt))
    return tuple(s for s in made if s.prompt != prompt or s.negative_prompt != negative_prompt)[:limit]


def weakest(report: QualityReport) -> tuple[tuple[DimensionScore, float], ...]:
    """The weak dimensions and what each could gain at most, the largest first; where none is weak, what is furthest
    from the best."""
    return _weaker(report, WEAK) or _weaker(report, NEARLY_BEST)[:1]


def _weaker(report: QualityReport, below: float) -> tuple[tuple[DimensionScore, float], ...]:
    weights = {share.dimension: share.used for share in report.total.shares}
    found = [(s, weights[s.dimension] * (1 - s.value)) for s in report.scores
             if s.value is not None and s.value < below and weights.get(s.dimension, 0) > 0]
    return tuple(sorted(found, key=lambda each: -each[1]))


def change_of(dimension: Dimension, reason: str, before: tuple[str, str], after: tuple[str, str], gain: float = 0.0,
              source: str = "rules") -> Suggestion:
    """A suggestion of the texts `before` and `after`, each a prompt and its negative prompt."""
    return Suggestion(dimension, reason, *after, diff(before[0], after[0]), diff(before[1], after[1]), gain, source)


def with_added(suggestion: Suggestion, words: tuple[str, str]) -> tuple[str, str]:
    """Another prompt and negative prompt, with what a suggestion adds to its own put behind them."""
    prompt, negative = words
    added = [piece.text.strip(" ,.;") for piece in suggestion.prompt_diff if piece.action == "add"]
    avoided = [piece.text.strip(" ,.;") for piece in suggestion.negative_diff if piece.action == "add"]
    more = ", ".join(filter(None, added))
    return append(prompt, more) if more else prompt, _append_words(negative, ", ".join(filter(None, avoided)))


def subject_of(prompt: str) -> str:
    """The words before the first verb, preposition or comma: "a red vintage car"; at most eight words."""
    first = _STOP.split(prompt.strip(), maxsplit=1)[0].strip(" .,;") or prompt.strip()
    return " ".join(first.split()[:8])


def diff(before: str, after: str) -> tuple[Change, ...]:
    """What has to be kept, added and removed, in words with the spaces behind them; nothing for equal texts."""
    if before == after:
        return ()
    old, new = (re.findall(r"\s*[^\s,;.]+|\s*[,;.]", text) for text in (before, after))
    changes: list[Change] = []
    for action, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if action == "equal":
            changes.append(Change("keep", "".join(old[a:b])))
            continue
        if b > a:
            changes.append(Change("remove", "".join(old[a:b])))
        if d > c:
            changes.append(Change("add", "".join(new[c:d])))
    return tuple(changes)


def _by_rules(dimension: Dimension, prompt: str, negative: str, subject: str, gain: float) -> Suggestion | None:
    """The first rule whose words are not there yet; what speaks against it is taken out of the prompt."""
    calmer = prompt
    if dimension in (Dimension.SMOOTHNESS, Dimension.FLICKERING, Dimension.SUBJECT, Dimension.BACKGROUND):
        calmer = _tidy(_SPEED.sub("", _CAMERA.sub("", prompt))) or prompt
    for rule in _RULES.get(dimension, ()):
        if re.search(rule.covered, calmer, re.I):
            continue
        new = append(calmer, rule.add.format(subject=_the(subject)))
        avoid = _append_words(negative, rule.avoid)
        return change_of(dimension, rule.reason, (prompt, negative), (new, avoid), gain)
    if calmer != prompt:
        return change_of(dimension, "Take out what asks for haste.", (prompt, negative), (calmer, negative), gain)
    return None


def _name_motion(prompt: str, negative: str) -> Suggestion:
    new = append(_tidy(re.sub(r",? ?\b(?:static camera|locked camera|still camera|motionless)\b", "", prompt)),
                  "clear, visible motion")
    return change_of(Dimension.DYNAMIC, "The picture hardly moves: ask for motion.", (prompt, negative),
                     (new, negative))


def _move_forward(prompt: str, missing: Sequence[str], subject: str) -> tuple[str, str]:
    """(Reason, prompt) with what is missing named at the front; without that knowledge, the subject named again."""
    if missing:
        names = ", ".join(missing)
        return f"This does not show: {names}. It is put first.", f"{names}, clearly visible. {prompt}"
    reason = "The video does not show what the prompt asks for: the main thing is said to be in view."
    if re.search(r"in full view|clearly visible", prompt, re.I):
        return reason, prompt
    return reason, append(prompt, f"{_the(subject)} clearly visible")


def _the(subject: str) -> str:
    """ "a red car" -> "the red car"; plural and named subjects stay as they are."""
    return re.sub(r"^(?:an?|one)\s+", "the ", subject.strip(), flags=re.I) or "the subject"


def append(prompt: str, words: str) -> str:
    """Words added at the end of a prompt, before its full stop."""
    body = prompt.rstrip()
    end = "." if body.endswith(".") else ""
    return f"{body.rstrip('.,; ')}, {words}{end}" if body else words


def _append_words(negative: str, words: str) -> str:
    """Comma-separated words added to a negative prompt, those left out that are there already."""
    have = {word.strip().lower() for word in negative.split(",")}
    new = [word.strip() for word in words.split(",") if word.strip() and word.strip().lower() not in have]
    return ", ".join(part for part in (negative.strip().rstrip(","), ", ".join(new)) if part)


def _tidy(text: str) -> str:
    return re.sub(r"\s+([,.;])", r"\1", re.sub(r"\s{2,}", " ", re.sub(r",\s*,", ",", text))).strip(" ,")
