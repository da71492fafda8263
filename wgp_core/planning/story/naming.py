"""Who is who: which character of the bible a story's words mean, and texts in which the token stands for them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ...prompts import lexicon as lex
from . import words as w
from .board import Bible, Character, Place
from .parts import Kind, Noun, Reading
from .reader import read_story


@dataclass(frozen=True)
class Alias:
    """One character with the words that mean them in a story."""

    character: Character
    words: tuple[str, ...]
    lead: bool = False
    """Whether the words were not the character's own, but those of the one that the story is about."""

    @property
    def shown(self) -> str:
        """What stands for the character in texts: the token, else the name."""
        return self.character.token or self.character.name

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds the words, with an article or a possessive before words that are no names."""
        return _pattern(self.words)


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    listed = sorted({word for word in words if word.strip()}, key=len, reverse=True)
    names = [re.escape(word).replace(r"\ ", r"[\s_]+") for word in listed if word[:1].isupper() or "_" in word]
    nouns = [re.escape(word).replace(r"\ ", r"\s+") for word in listed if not (word[:1].isupper() or "_" in word)]
    parts = []
    if nouns:
        parts.append(rf"\b(?:(?:a|an|the|this|that)\s+)(?:[\w-]+\s+){{0,2}}?(?:{'|'.join(nouns)})(?![\w-])")
    if names:
        parts.append(rf"(?<![\w-])(?:(?:the|The)\s+)?(?:{'|'.join(names)})(?![\w-])")
    return re.compile("|".join(parts) if parts else r"(?!)", re.IGNORECASE if nouns else 0)


def known_names(bible: Bible) -> tuple[str, ...]:
    """The names and tokens of a bible, for the reader."""
    return tuple(dict.fromkeys(text for c in bible.characters for text in (c.name, c.token)
                               if text.strip() and (c.token or text != text.lower())))


def aliases_of(bible: Bible, reading: Reading) -> tuple[Alias, ...]:
    """The words of the story for each character with a token.

    First by name, then by the description's own noun ("a trickster"); a character that neither finds is the first
    person of the story that is nobody else.
    """
    taken: set[str] = set()
    found: list[Alias] = []
    late: list[Character] = []
    for character in bible.characters:
        if not character.token.strip():
            continue
        words = _own_words(character)
        match = next((n for n in reading.cast if n.words not in taken and _means(n, words, character)), None)
        said = any(re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", reading.text, re.IGNORECASE) for word in words)
        if match is None and not said:
            late.append(character)
            continue
        if match is not None:
            taken.add(match.words)
            words = (*words, *_noun_words(match))
        found.append(Alias(character, tuple(dict.fromkeys(words))))
    for character in late:
        noun = None if any(alias.lead for alias in found) else next(
            (n for n in reading.cast if n.words not in taken and n.kind is not Kind.ANIMAL), None) or next(
            (n for n in reading.cast if n.words not in taken), None)
        if noun is not None:
            taken.add(noun.words)
        words = (*_own_words(character), *(_noun_words(noun) if noun is not None else ()))
        found.append(Alias(character, tuple(dict.fromkeys(words)), lead=noun is not None))
    order = [c.name for c in bible.characters]
    return tuple(sorted(found, key=lambda alias: order.index(alias.character.name)))


def use_tokens(text: str, aliases: Sequence[Alias]) -> str:
    """The text with the token wherever a character is named otherwise."""
    for alias in aliases:
        token = alias.character.token
        text = re.sub(re.escape(token).replace("_", r"[\s_-]?"), token, text, flags=re.IGNORECASE)
        kept = text.split(token)
        text = token.join(alias.pattern.sub(token, part) for part in kept)
        text = re.sub(rf"\b(?:the|a|an|his|her|their)\s+{re.escape(token)}", token, text, flags=re.IGNORECASE)
        text = re.sub(rf"{re.escape(token)}(?:,?\s+(?:the\s+|and\s+)?{re.escape(token)})+(?![\w-])", token, text)
    return text


def misnamed(text: str, aliases: Sequence[Alias]) -> tuple[str, ...]:
    """Words of a text that name a character by other words than the token."""
    found = []
    for alias in aliases:
        for part in text.split(alias.character.token):
            found += [match.group() for match in alias.pattern.finditer(part)]
            found += re.findall(re.escape(alias.character.token).replace("_", r"[\s_-]?"), part, re.IGNORECASE)
    return tuple(dict.fromkeys(found))


def bible_from(reading: Reading, bible: Bible, most: int = 6) -> Bible:
    """The bible with the story's own people and places added, without tokens."""
    taken = aliases_of(bible, reading)
    known = {word.lower() for alias in taken for word in alias.words} | {c.name.lower() for c in bible.characters}
    characters = list(bible.characters)
    for noun in reading.cast:
        if len(characters) >= most or noun.words.lower() in known or noun.words in ("narrator", "friends", "people"):
            continue
        known.add(noun.words.lower())
        characters.append(Character(noun.words, description=described(noun)))
    named = {place.name.lower() for place in bible.places}
    places = [Place(name) for name in dict.fromkeys(noun.the for _, noun in reading.places)
              if name.lower() not in named]
    return Bible(tuple(characters), (*bible.places, *places[:max(most - len(bible.places), 0)]), bible.style)


def described(noun: Noun) -> str:
    """How a noun of a story looks, as far as the story says it: "an old fisherman"; "" for a bare name."""
    words = noun.looks or ("" if noun.proper else noun.words)
    if not words:
        return ""
    return words if noun.plural else f"{'an' if words[0].lower() in 'aeiou' else 'a'} {words}"


def pronoun_first(text: str) -> bool:
    """Whether the sentence begins with "He", "She", "They", "It" in the place of somebody."""
    return bool(re.match(r"\W*(?:he|she|they|him|her(?=\s+(?:is|was)))\b", text, re.IGNORECASE))


_NO_NAMES = lex.GRAMMAR | lex.ADJECTIVES | frozenset(lex.NUMBERS) | w.PEOPLE
"""Parts of a name that mean nobody by themselves: "The Rich One"."""


def _own_words(character: Character) -> tuple[str, ...]:
    words = [character.name.strip(), character.token.strip()]
    parts = character.name.split()
    if len(parts) > 1:
        words += [part for part in parts if part[:1].isupper() and len(part) > 2 and part.lower() not in _NO_NAMES]
    return tuple(dict.fromkeys(word for word in words if word))


def _noun_words(noun: Noun) -> tuple[str, ...]:
    if noun.proper:
        return (noun.words, *((noun.looks,) if noun.looks else ()))
    listed = [noun.words, noun.head] if not noun.plural else [noun.words]
    return tuple(dict.fromkeys([*listed, *((noun.looks,) if noun.looks else ())]))


def _means(noun: Noun, words: Sequence[str], character: Character) -> bool:
    lowered = {word.lower() for word in words}
    if noun.words.lower() in lowered or (noun.proper and set(noun.words.lower().split()) & lowered):
        return True
    if not character.description:
        return False
    described_as = read_story(character.description).cast
    heads = {n.head for n in described_as} or set(re.findall(r"[a-z]+", character.description.lower())) & w.PEOPLE
    return not noun.proper and noun.head in heads
