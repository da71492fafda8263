"""Enhancing with a small language model: it writes nothing, it chooses among phrases around the person's own sentence.

A phrase is judged by how much likelier the model finds it for this prompt than for any prompt, so that what is frequent
in general is not taken every time. The seed decides between phrases that are about as good.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from weakref import WeakKeyDictionary

from ..events import CancelToken
from .enhancement import EnhanceRequest, TextModel, TokenCounter
from .facts import Facts
from .rules import enhance_with, pick_by_chance
from .vocabulary import PHRASES, Phrase, fitting, suit_each_other

LABELS: Mapping[str, str] = {
    "shot": "Shot", "lens": "Lens", "camera_move": "Camera", "lighting": "Light", "time_of_day": "Time",
    "setting": "Setting", "mood": "Mood", "motion_detail": "Motion", "composition": "Composition", "colour": "Colours",
}
"""The slots that the model fills; phrases of others, such as quality tags, have little to do with the prompt."""
MOST_OPTIONS = 10
MOST_CHARS = 400
"""Of the prompt, and of the context beside it, that the model reads."""
SPREAD = 0.2
"""Scale, in nats a token, of the seeded noise: phrases that differ by less than this are about as good."""

_EXAMPLES = """\
Camera, light and mood that suit each video prompt.

Prompt: Two children fly a kite on a windy hill
Shot: the whole hill with the small figures on it
Camera: follows the kite up into the sky
Light: open sun with moving cloud shadows
Motion: grass and string pulled by the wind
Mood: carefree joy

Prompt: An old watchmaker repairs a clock in his workshop
Shot: hands and tiny gears fill the picture
Camera: stays where it is
Light: a bench lamp in a dim room
Lens: macro lens
Mood: quiet concentration

Prompt: A detective waits under a street lamp in the rain
Shot: from below, the lamp above him
Light: one lamp, long shadows, wet stones
Motion: rain in the cone of the lamp
Mood: suspense

Prompt: How a heart pumps blood
Shot: flat front view of the whole heart
Light: even and without shadows
Motion: one beat after the other
Mood: clear and patient

"""
_ANY_PROMPT = "Something happens somewhere"


def enhance_by_choosing(model: TextModel, request: EnhanceRequest, facts: Facts, counter: TokenCounter,
                        cancel: CancelToken | None = None) -> str:
    """The prompt with phrases that the model found fitting, within the job type's budget.

    The caller's context is judged with the prompt; instructions are beyond small models and are not read. The same
    request and model give the same text. Raises what `model.rank` raises, and `Cancelled`.
    """
    return enhance_with(_Chooser(model, request, cancel or CancelToken()), request, facts, counter)


def best_phrase(model: TextModel, prompt: str, slot: str, facts: Facts, cancel: CancelToken | None = None,
                ) -> Phrase | None:
    """The phrase of a slot that the model finds most fitting; None where the prompt settles that itself.

    `facts` are the prompt's. Raises what `model.rank` raises, and `Cancelled`.
    """
    pool = list(fitting(slot, facts))[:MOST_OPTIONS]
    if not pool:
        return None
    scores = _Chooser(model, EnhanceRequest(prompt), cancel or CancelToken())._scores(pool, ())
    return pool[max(range(len(pool)), key=scores.__getitem__)]


class _Chooser:
    """Picks by the model's ranking; slots without a label by chance."""

    def __init__(self, model: TextModel, request: EnhanceRequest, cancel: CancelToken) -> None:
        self._model, self._cancel = model, cancel
        self._about = [f"Prompt: {_begin(request.prompt)}"]
        if request.context.strip():
            self._about.append(f"Context: {_begin(request.context)}")

    def __call__(self, options: Sequence[Phrase], chosen: Sequence[Phrase], chooser: random.Random) -> Phrase | None:
        self._cancel.raise_if_cancelled()
        pool = [phrase for phrase in options if phrase not in chosen and suit_each_other(phrase, chosen)]
        if len(pool) < 2 or pool[0].slot not in LABELS:
            return pick_by_chance(pool, chosen, chooser)
        pool = _some(pool, chooser)
        scores = self._scores(pool, chosen)
        noisy = [score + SPREAD * _gumbel(chooser) for score in scores]
        return pool[max(range(len(pool)), key=noisy.__getitem__)]

    def _scores(self, pool: Sequence[Phrase], chosen: Sequence[Phrase]) -> list[float]:
        slot = pool[0].slot
        lines = [f"{LABELS[phrase.slot]}: {phrase.text}" for phrase in chosen if phrase.slot in LABELS]
        context = _EXAMPLES + "\n".join([*self._about, *lines, f"{LABELS[slot]}:"])
        found = self._model.rank(context, [phrase.text for phrase in pool], cancel=self._cancel)
        usual = _usual(self._model, slot, self._cancel)
        return [score - usual[phrase.text] for score, phrase in zip(found, pool, strict=True)]


def _begin(text: str) -> str:
    """The first words, on one line: enough to judge a phrase by, and no more to read for each slot."""
    words = " ".join(text.split())
    return words if len(words) <= MOST_CHARS else words[:MOST_CHARS].rpartition(" ")[0] or words[:MOST_CHARS]


def _some(pool: Sequence[Phrase], chooser: random.Random) -> list[Phrase]:
    """At most `MOST_OPTIONS`, in the vocabulary's order; those made for such a prompt are always among them."""
    made = [phrase for phrase in pool if phrase.needs][:MOST_OPTIONS]
    others = [phrase for phrase in pool if not phrase.needs]
    taken = {*made, *chooser.sample(others, min(len(others), MOST_OPTIONS - len(made)))}
    return [phrase for phrase in pool if phrase in taken]


def _gumbel(chooser: random.Random) -> float:
    """Noise with which the highest of noisy scores is a fair draw from their softmax (Gumbel 1954)."""
    return -math.log(-math.log(min(max(chooser.random(), 1e-12), 1 - 1e-12)))


_USUAL: WeakKeyDictionary[TextModel, dict[str, dict[str, float]]] = WeakKeyDictionary()


def _usual(model: TextModel, slot: str, cancel: CancelToken) -> Mapping[str, float]:
    """How likely the model finds each phrase of a slot for a prompt that says nothing; asked once for each model.

    Always all phrases of the slot at once, so that the answer does not depend on what was asked before.
    """
    known = _USUAL.setdefault(model, {})
    if slot not in known:
        texts = [phrase.text for phrase in PHRASES[slot]]
        context = f"{_EXAMPLES}Prompt: {_ANY_PROMPT}\n{LABELS[slot]}:"
        known[slot] = dict(zip(texts, model.rank(context, texts, cancel=cancel), strict=True))
    return known[slot]
