"""Suggestions for an attempt, what a person thought of them, and refinement that takes them by itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..errors import RequestError
from ..events import CancelToken
from ..marked import text_of, with_text
from ..quality.select import TIE
from ..quality.suggest import NEARLY_BEST, Change, Suggestion, suggest
from ..quality.types import Dimension, QualityReport
from ..request import VideoRequest
from ..store.attempt_records import AttemptRecord, DecisionRecord
from .asking import ask_model
from .bench import Origin, Watch, Workbench, check_count
from .rounds import Round, run
from .trends import gained, report_of

if TYPE_CHECKING:
    from ..prompts.enhancement import TextModel
    from ..store import Store

MOST_ROUNDS = 10


def key_of(suggestion: Suggestion) -> str:
    """A short name that the same suggestion always has."""
    text = "\0".join((suggestion.dimension.value, suggestion.prompt, suggestion.negative_prompt))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def suggestions(attempt_id: str, store: Store) -> tuple[Suggestion, ...]:
    """Changes of words for what is weak in an attempt, those first that could gain most; empty without scores.

    Where nothing is weak, the one change for what is furthest from the best. After those of the rules come those that a
    language model was asked for.
    """
    asked = _words_of(attempt_id, store)
    if asked is None:
        return ()
    made = suggest(*asked) or suggest(*asked, limit=1, below=NEARLY_BEST)
    kept = (from_json(one) for one in store.attempts.kept_suggestions(attempt_id))
    return tuple({key_of(one): one for one in (*made, *kept)}.values())


def ask(attempt_id: str, store: Store, model: TextModel, *, seed: int = 0,
        cancel: CancelToken | None = None) -> tuple[Suggestion, ...]:
    """Ask a language model for changes too, and keep them; empty where it has none. Raises as `ask_model`, and
    `RequestError` for an attempt without scores.
    """
    asked = _words_of(attempt_id, store)
    if asked is None:
        raise RequestError("This attempt has no scores, so nothing is known to be weak.", field="attempt",
                           fix="Ask for one that was scored.")
    found = ask_model(*asked, model, seed=seed, cancel=cancel)
    store.attempts.keep_suggestions(attempt_id, {key_of(one): as_json(one) for one in found})
    return found


def _words_of(attempt_id: str, store: Store) -> tuple[QualityReport, str, str] | None:
    """An attempt's report, with the prompt and the negative prompt that the model got; None without scores."""
    attempt = store.attempts.attempt(attempt_id)
    report = report_of(attempt)
    request = store.attempts.iteration(attempt.iteration_id).request
    return None if report is None else (report, text_of(request.prompt), request.negative_prompt)


def with_suggestion(request: VideoRequest, suggestion: Suggestion) -> VideoRequest:
    """The request with the words of a suggestion; those of an enhanced prompt change, the original stays beside it."""
    return request.with_(prompt=with_text(request.prompt, suggestion.prompt),
                         negative_prompt=suggestion.negative_prompt)


def decide(attempt_id: str, key: str, accepted: bool, store: Store) -> Suggestion:
    """Keep a person's word on a suggestion. Raises `RequestError` for one that was not made for this attempt."""
    found = next((one for one in suggestions(attempt_id, store) if key_of(one) == key), None)
    if found is None:
        raise RequestError(f"There is no suggestion {key!r} for this attempt.", field="key",
                           fix="Look at the suggestions again.")
    store.attempts.decide(DecisionRecord(attempt_id, key, accepted, as_json(found)))
    return found


def as_json(suggestion: Suggestion) -> dict[str, Any]:
    return {**asdict(suggestion), "dimension": suggestion.dimension.value, "key": key_of(suggestion)}


def from_json(data: Mapping[str, Any]) -> Suggestion:
    """The suggestion that `as_json` wrote."""
    fields = {name: value for name, value in data.items() if name != "key"}
    pieces = {name: tuple(Change(**piece) for piece in fields[name]) for name in ("prompt_diff", "negative_diff")}
    return Suggestion(**{**fields, **pieces, "dimension": Dimension(data["dimension"])})


@dataclass(frozen=True)
class Step:
    """One round of a refinement: what was changed, how much it gained (None: not comparable), whether it was kept."""

    suggestion: Suggestion
    round: Round
    gain: float | None
    kept: bool


@dataclass(frozen=True)
class Refinement:
    """How a refinement went. `best` is the attempt that counts now; `stopped` says why it went no further, if so."""

    started: AttemptRecord
    best: AttemptRecord
    steps: tuple[Step, ...]
    stopped: str = ""

    def describe(self) -> str:
        """One sentence or two for a person."""
        kept = sum(step.kept for step in self.steps)
        tried = f"{len(self.steps)} round{'s' if len(self.steps) != 1 else ''} tried, {kept} kept."
        return f"{tried} {self.stopped}".strip()


def refine(attempt_id: str, bench: Workbench, rounds: int = 1, n: int = 3, *, watch: Watch | None = None) -> Refinement:
    """Up to `rounds` times: take the best suggestion, make `n` attempts, keep their best only if it scores higher.

    A gain below half a point is none. Suggestions that a person refused, or that were tried for the same attempt, are
    left out. Whatever is made stays on record. Raises `RequestError` without any suggestion, else as `run`.
    """
    check_count(rounds, MOST_ROUNDS, "rounds")
    watch, book = watch or Watch(), bench.store.attempts
    started = best = book.attempt(attempt_id)
    scene_id = book.iteration(started.iteration_id).scene_id
    steps: list[Step] = []
    stopped = ""
    for number in range(1, rounds + 1):
        suggestion = _next(best, scene_id, bench)
        if suggestion is None:
            stopped = "No suggestion is left."
            break
        before = book.iteration(best.iteration_id)
        made = run(with_suggestion(before.request, suggestion).with_(seed=-1), bench, n,
                   origin=Origin(scene_id, before.hero_frame_id, best.id, automatic=True),
                   watch=watch.part("Round", number, rounds))
        chosen = made.selected
        assert chosen is not None, "a round without any video raises"
        gain = gained(best, chosen, bench.options.weights)
        kept = gain is not None and gain >= TIE
        if kept:
            book.keep(chosen.id)
            best = chosen
        steps.append(Step(suggestion, made, gain, kept))
    if not steps:
        raise RequestError("There is nothing to suggest for this attempt: no dimension is weak, or every suggestion "
                           "was tried or refused.", field="attempt", fix="Change the prompt yourself.")
    return Refinement(started, best, tuple(steps), stopped)


def _next(attempt: AttemptRecord, scene_id: str, bench: Workbench) -> Suggestion | None:
    """The first suggestion that was neither refused nor tried from this attempt."""
    book = bench.store.attempts
    refused = {(one.attempt_id, one.key) for one in book.decisions(scene_id) if not one.accepted}
    tried = [one.request for one in book.iterations(scene_id) if one.parent_attempt_id == attempt.id]
    request = book.iteration(attempt.iteration_id).request
    for suggestion in suggestions(attempt.id, bench.store):
        asked = with_suggestion(request, suggestion)
        same = any((one.prompt, one.negative_prompt) == (asked.prompt, asked.negative_prompt) for one in tried)
        if not same and (attempt.id, key_of(suggestion)) not in refused:
            return suggestion
    return None
