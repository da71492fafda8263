"""What a story is read into: nouns, events, the reading as a whole; and the forms of verbs."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from pathlib import Path

from ...prompts import lexicon as lex
from . import words as w

BEINGS = w.PEOPLE | w.ANIMALS | lex.ANIMALS | w.MACHINES
"""Nouns in base form for who can act."""
KNOWN_VERBS = frozenset(w.DEED_OF) | lex.VERBS | w.CATENATIVE | w.STATES | frozenset(w.PAST.values()) | frozenset(
    (Path(__file__).parent / "verbs.txt").read_text(encoding="utf-8").split())
"""Base forms. Those in `verbs.txt` are verbs of WordNet 3.0 (Princeton University, WordNet's licence) that are no other
part of speech there, nor is their third person a noun, and that are no first names."""


class Kind(enum.StrEnum):
    """What a noun stands for."""

    PERSON = "person"
    ANIMAL = "animal"
    MACHINE = "machine"
    THING = "thing"
    PLACE = "place"


@dataclass(frozen=True)
class Noun:
    """Somebody or something of the story. `words` has adjectives and no article; `owner` is "her", "Mira's" or ""."""

    words: str
    head: str
    kind: Kind
    plural: bool = False
    proper: bool = False
    owner: str = ""
    looks: str = ""
    """The words with those of looks, where the story has some: "old fisherman"."""

    @property
    def the(self) -> str:
        """As one speaks of it: "the wealthy merchant", "her dog", "Mira"."""
        if self.proper:
            return self.words
        return f"{self.owner or 'the'} {self.words}"

    @property
    def alive(self) -> bool:
        return self.kind in (Kind.PERSON, Kind.ANIMAL, Kind.MACHINE)

    @property
    def pronoun(self) -> str:
        """"he", "she", "it" or "they"; "they" for one person of unknown gender."""
        if self.plural:
            return "they"
        if self.head in w.FEMALE:
            return "she"
        if self.head in w.MALE:
            return "he"
        return "they" if self.kind is Kind.PERSON else "it"


@dataclass(frozen=True)
class Event:
    """Something that is done. `rest` is what follows the verb, as the story says it; `place` as "in the old mill"."""

    agent: Noun | None
    verb: str
    rest: str
    deed: w.Deed
    objects: tuple[Noun, ...] = ()
    place: str = ""
    where: Noun | None = None
    sentence: int = 0
    wish: str = ""
    """The verb that this one hangs on: "try", "want", "learn"."""
    said: str = ""
    """The participle of a passive: "chased"."""

    @property
    def others(self) -> tuple[Noun, ...]:
        """The living ones beside the agent."""
        return tuple(noun for noun in self.objects if noun.alive and noun != self.agent)

    @property
    def things(self) -> tuple[Noun, ...]:
        return tuple(noun for noun in self.objects if noun.kind is Kind.THING)


@dataclass(frozen=True)
class Reading:
    """A story as read. `cast` are the living ones, those that act first; `sentences` as written; `unread` the numbers
    of those in which no verb was found."""

    text: str
    sentences: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    cast: tuple[Noun, ...] = ()
    things: tuple[Noun, ...] = ()
    places: tuple[tuple[str, Noun], ...] = ()
    gender: dict[str, str] = field(default_factory=dict, hash=False)
    unread: tuple[int, ...] = ()


def base_of(word: str) -> str:
    """The base form of a verb's form; "" where it is no verb that is known."""
    word = word.lower()
    if word in w.PAST:
        return w.PAST[word]
    if word in KNOWN_VERBS:
        return word
    guesses: list[str] = []
    if word.endswith("ies"):
        guesses.append(word[:-3] + "y")
    if word.endswith("es"):
        guesses += [word[:-2], word[:-1]]
    elif word.endswith("s") and not word.endswith("ss"):
        guesses.append(word[:-1])
    for ending in ("ing", "ed"):
        stem = word.removesuffix(ending)
        if stem != word and len(stem) > 1:
            if ending == "ed" and stem.endswith("i"):
                guesses.append(stem[:-1] + "y")
            guesses += [stem, stem + "e"]
            if stem[-1] == stem[-2:-1]:
                guesses.append(stem[:-1])
    return next((guess for guess in guesses if guess in KNOWN_VERBS), "")


def third(verb: str, plural: bool = False) -> str:
    """The present of a base form: "carry" is "carries", for several "carry"."""
    if plural:
        return "are" if verb == "be" else verb
    if verb in w.IRREGULAR_THIRD:
        return w.IRREGULAR_THIRD[verb]
    if verb.endswith(("s", "x", "z", "ch", "sh")) or verb.endswith("o"):
        return verb + "es"
    if verb.endswith("y") and verb[-2:-1] not in "aeiou":
        return verb[:-1] + "ies"
    return verb + "s"
