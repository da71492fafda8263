"""Makes sentences of beats and events: verbs that agree, people under the names that the board gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...prompts import lexicon as lex
from ...prompts.facts import lemma
from . import words as w
from .beats import CRAFTS, Beat
from .naming import Alias, use_tokens
from .parts import BEINGS, Event, Kind, Noun, base_of, third

_SLOT = re.compile(r"\{(A|B|O|his)('s)?\}")
_VERB = re.compile(r"<(?:([A-Z]\d?):)?([a-z-]+)>")
_HANDED = re.compile(r"\b(?:bag|lantern|map|whisper|knock|bow|price|purse|coins?|wave|arms?|fists?|letter|book|speak|"
                     r"table|fingers?|hands?|rope|plan|tools|fold|sleeves|both hands|guess|name)\b")
_LIVING = re.compile(r"\b(?:breath\w*|smile|grin|gasp|sweat|chest|swallow|panting|teeth|tired|worn|eyes|sniff)\b")
_MODAL = {"try": "tries", "struggle": "struggles", "attempt": "attempts", "prepare": "prepares", "refuse": "refuses",
          "pretend": "pretends", "learn": "learns", "dare": "dares", "offer": "offers", "threaten": "threatens",
          "promise": "promises"}
_WISHES = frozenset("have want hope dream wish need plan long".split())
_SEEN = {"live": "wake up", "stay": "wait", "remain": "wait", "love": "gaze at", "like": "gaze at", "enjoy": "gaze at",
         "want": "reach for", "need": "reach for", "know": "point to", "see": "spot", "believe": "stare up at",
         "fear": "back away from", "feel": "reach out and feel", "hear": "stop and listen to", "be": "stop at",
         "own": "hold", "belong": "return", "hope": "look out for", "think": "stop and think",
         "wonder": "stop and wonder"}
"""What can be seen of states."""
_BARE = {"say": "speak up", "ask": "ask a question", "reply": "answer", "tell": "speak", "see": "look up",
         "make": "set to work",
         "take": "reach out", "find": "bend down and find something", "give": "hold out a gift", "bring": "arrive",
         "get":
         "arrive", "put": "bend down", "know": "nod", "want": "reach out", "love": "smile", "hear": "stop and listen",
         "live": "wake up", "think": "stop and think", "need": "reach out", "believe": "nod",
         "feel": "stop and breathe",
         "lose": "search all around", "buy": "hand over a coin", "sell": "hold out a ware", "hold": "reach out",
         "like": "smile"}


@dataclass(frozen=True)
class Roles:
    """Who is meant in a beat."""

    agent: Noun
    other: Noun | None = None
    thing: Noun | None = None

    @property
    def letters(self) -> frozenset[str]:
        return frozenset("A" + ("B" if self.other else "") + ("O" if self.thing else ""))


def fits(beat: Beat, roles: Roles, verb: str = "") -> bool:
    """Whether a beat can be told of these: all it names is there, and the agent can do it."""
    if not beat.needs <= roles.letters | ({"A"} if "A" not in roles.letters else set()):
        return False
    kind = roles.agent.kind
    for condition in beat.conditions:
        if condition == "hands" and (kind not in (Kind.PERSON, Kind.MACHINE) or not roles.agent.alive):
            return False
        if condition in ("person", "animal", "machine") and kind.value != condition:
            return False
        if condition == "someone" and (roles.other is None or roles.other.kind is not Kind.PERSON):
            return False
        if condition == "solo" and roles.agent.plural:
            return False
        if condition == "not:craft" and verb in CRAFTS:
            return False
        if condition.startswith("verb:") and verb not in condition[5:].split(","):
            return False
    if kind is Kind.ANIMAL and _HANDED.search(beat.text):
        return False
    if kind is Kind.MACHINE and _LIVING.search(beat.text):
        return False
    other = roles.other
    if other is not None and "B" in beat.needs and other.kind is not Kind.PERSON and re.search(
            r"<B:[a-z]+>[^.]*\b(?:arms|name|fold|speak|door)\b|knock|both talking|price|size each", beat.text):
        return False
    return not (roles.agent.plural and re.search(r"\b(?:alone|both eyes|only one|one shoulder|one knee)\b", beat.text))


def beat_sentence(beat: Beat, roles: Roles) -> str:
    """A beat as a sentence, without the dot."""
    def fill(match: re.Match[str]) -> str:
        noun = {"A": roles.agent, "B": roles.other, "O": roles.thing, "his": roles.agent}[match.group(1)]
        if noun is None:
            return "it"
        if match.group(1) == "O" and match.start() == 0 and noun.owner in ("his", "her", "its", "their"):
            return f"{owned(roles.agent)} {noun.words}" + ("'s" if match.group(2) else "")
        if match.group(1) == "his":
            return {"he": "his", "she": "her", "it": "its", "they": "their"}[noun.pronoun]
        return owned(noun) if match.group(2) else noun.the

    def conjugate(match: re.Match[str]) -> str:
        who, verb = match.group(1) or "A", match.group(2)
        if who == "H":
            return verb  # hands
        noun = {"A": roles.agent, "B": roles.other, "O": roles.thing}.get(who)
        plural = who == "N2" or (noun is not None and noun.plural)
        return third(verb, plural)

    return _first_up(_VERB.sub(conjugate, _SLOT.sub(fill, beat.text)))


def event_sentence(event: Event, agent: Noun) -> str:
    """An event as a sentence that can be seen, without the dot."""
    plural = agent.plural
    if event.said:
        return _first_up(f"{agent.the} {third('be', plural)} {event.said} {event.rest}".strip())
    verb, rest = event.verb, event.rest
    if event.wish in _MODAL:
        return _first_up(f"{agent.the} {third(event.wish, plural)} to {verb} {rest}".strip())
    if event.wish in _WISHES:
        return _first_up(f"{agent.the} {third('set', plural)} out to {verb} {rest}".strip())
    if not rest and verb in _BARE:
        verb = _BARE[verb]
    elif verb in _SEEN and not (verb == "feel" and not event.things):
        if verb in ("love", "like", "want", "know", "believe", "fear", "enjoy", "need", "own") and not event.objects:
            verb = _BARE.get(verb, "look up")
            return _first_up(f"{agent.the} {_conjugated(verb, plural)}")
        verb = _SEEN[verb] if verb != "be" else "stand"
    elif verb in ("seem", "look", "appear") and rest and rest.split()[0] not in ("at", "for", "up", "down", "out",
        "over",
                                                                                 "around", "into", "back", "through",
                                                                                 "in"):
        verb, rest = "turn", "and look up"
    if verb == "reach for":
        rest = re.sub(r"\s+back$", "", rest)
    return _first_up(f"{agent.the} {_conjugated(verb, plural)} {rest}".strip())


def _conjugated(phrase: str, plural: bool) -> str:
    """A phrase with its verb, and the one after "and", in the present."""
    parts = phrase.split()
    parts[0] = third(parts[0], plural)
    for at, part in enumerate(parts[1:], 1):
        if parts[at - 1] == "and":
            parts[at] = third(part, plural)
    return " ".join(parts)


def owned(noun: Noun) -> str:
    """Whose: "the trickster's", "the brothers'"."""
    return f"{noun.the}'" if noun.plural and noun.words.endswith("s") else f"{noun.the}'s"


def placed(sentence: str, setting: str, *, front: bool = True) -> str:
    """A sentence with where it happens, with its dot."""
    sentence = sentence.rstrip(" .")
    if not setting or setting.lower() in sentence.lower():
        return f"{_first_up(sentence)}."
    if front:
        return f"{_first_up(setting)}, {_first_down(sentence)}."
    return f"{_first_up(sentence)}, {setting}."


def named(text: str, aliases: Sequence[Alias]) -> str:
    """With tokens for those that have one."""
    return use_tokens(text, aliases) if aliases else text


def _first_up(text: str) -> str:
    return text[:1].upper() + text[1:]


_LOWERED = frozenset("The A An Their His Her Its Two Three Four Five Six Seven Something Far Fresh Coins People Smoke "
                     "Dust Light "
                     "Others Fingers Silence Life First Birds Leaves Footsteps Wind".split())


def _first_down(text: str) -> str:
    first = text.split(" ", 1)[0]
    return text[:1].lower() + text[1:] if first in _LOWERED else text


def acts(text: str) -> bool:
    """Whether somebody or something does what can be seen."""
    written = [match.group() for match in re.finditer(r"[^\W\d_]+(?:['’_-][^\W_]+)*", text)]
    words = [word.lower() for word in written]
    for at, word in enumerate(words):
        base = base_of(word)
        if not base and at and _stands_as_verb(written[at - 1], written[at], [*words, ""][at + 1]):
            return True
        before = words[at - 1] if at else ""
        after = words[at + 1] if at + 1 < len(words) else ""
        settles = (base in ("sit", "stand", "lie") and after in ("down", "up",
                                                                 "back")) or (base == "look" and after in (
            "up", "at", "around", "back", "over", "away", "down", "out", "into", "for", "from"))
        if not base or (base in w.STATES and not settles) or word in w.AUXILIARIES or word in lex.NOUNS_IN_ING:
            continue
        if before in lex.DETERMINERS or before in lex.NUMBERS:
            continue
        if before in lex.ADJECTIVES and after and after not in lex.GRAMMAR and not after.endswith("ly"):
            continue
        inflected = word != base or word in w.PAST
        if before in lex.PREPOSITIONS - {"to"} and not word.endswith("ing"):
            continue
        if word.endswith("ing") or (inflected and at) or (
                at and not inflected and before not in lex.PREPOSITIONS and (
                    before.endswith(("s", "people", "men", "children")) or ("and" in words[max(at - 5,
                        0):at] and base in w.DEED_OF))):
            return True
        if at and before in ("and", "to", "they", "we", "both") and base in w.DEED_OF:
            return True
    return False


_BEHIND_VERBS = lex.DETERMINERS | frozenset(
    "his her its their him them it into onto through across toward towards past over away after from".split())
"""What stands behind a verb, and seldom behind a noun that might be taken for one ("the whale bones on the beach")."""


def _stands_as_verb(before: str, word: str, after: str) -> bool:
    """Whether an unknown word is what somebody does: "the suspect ducks into", "Ruiz tails a"."""
    if after not in _BEHIND_VERBS or not word.islower() or word in lex.ADJECTIVES | w.NOT_NOUNS | BEINGS or (
            word.endswith("ly")):
        return False
    if word.endswith("s"):
        return not word.endswith("ss") and (before.lower() in BEINGS or (before[:1].isupper() and before.isalpha()
                                                                         and before.lower() not in lex.GRAMMAR))
    return before.lower() != lemma(before.lower()) and before.endswith("s") and word not in lex.GRAMMAR


def content_words(text: str) -> frozenset[str]:
    """Base forms of what a text says, without grammar."""
    found = re.findall(r"[^\W\d_]+(?:_[^\W_]+)*", text.lower())
    return frozenset(lemma(word) for word in found if word not in lex.GRAMMAR and word not in w.AUXILIARIES
                     and len(word) > 1)
