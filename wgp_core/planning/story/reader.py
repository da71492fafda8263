"""Reads a story: who does what to whom, with what and where. Word lists and word order, no model; English only.

Wrong in details by nature. What it cannot read it leaves out, so a planner must live with a story that has no events,
no people and no places.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from ...documents.sentences import sentences_of
from ...prompts import lexicon as lex
from ...prompts.facts import language_of, lemma
from . import words as w
from .looks import OF_PEOPLE, without_looks
from .parts import BEINGS, KNOWN_VERBS, Event, Kind, Noun, Reading, base_of
from .settings import place_kind

_TOKEN = re.compile(r"[^\W_]+(?:[-_'’][^\W_]+)*|[.,;:!?()\n—–]|[\"“”]", re.UNICODE)
_QUOTED = re.compile(r"[\"“]([^\"”]{1,400})[\"”]")
_FRAME = re.compile(r"\A\W*(?:(?:please\s+)?(?:tell|write|make|create|show|draw|give)\s+(?:me\s+|us\s+)?)?"
                    r"(?:an?|the)\s+"
                    r"(?:\w+\s+){0,2}(?:story|tale|storyboard|film|movie|video|fable|legend)\s+(?:about|of|in "
                    r"which|where)\s+",
                    re.IGNORECASE)
_OPENING = re.compile(r"\A(?:once upon a time|long ago|one (?:day|night|morning|evening|winter|summer)|every "
                      r"(?:day|night|"
                      r"morning)|at "
                      r"(?:night|dawn|dusk|first|last)|suddenly|finally|then|later|meanwhile|soon|now|after that|"
                      r"in the end|eventually|that (?:night|day|evening)|the next (?:day|morning)|years later)\b[,\s]*",
                      re.IGNORECASE)
MOST_WORDS = 16
"""Of what follows an event's verb."""


@dataclass
class _Token:
    text: str
    lower: str
    sentence: int = 0


@lru_cache(maxsize=64)
def read_story(text: str, names: tuple[str, ...] = ()) -> Reading:
    """The story as read; `names` are words that surely name somebody (tokens and names of the bible)."""
    return _Reader(text, names).read()


_DETERMINERS = (lex.DETERMINERS - {"all", "both", "what", "either", "neither", "no"}) | frozenset({"all", "both", "no"})
_POSSESSIVES = frozenset("his her its their my our your".split())
_PREPOSITIONS = lex.PREPOSITIONS - {"like", "up", "down", "off", "out", "past", "than"} | frozenset(
    {"up", "down", "off", "out", "onto", "outside"})
_BREAKS = frozenset(".,;:!?()\n—–\"“”")
_JOINS = frozenset("and but then so while when until because before after as if although though or where once".split())
_RELATIVE = frozenset("who which that whose whom".split())
_PLACE_PREPOSITIONS = frozenset("in at on into inside through across to from near under over along beyond behind "
                                "onto around above below beside toward towards outside by up down between among "
                                "beneath".split())
_NOT_PLACES = frozenset("front back middle edge top side help love trouble danger secret hand hands eyes arms".split())
_WEAPONS = frozenset("sword blade gun knife dagger pistol weapon bow".split())
_OBJECTS = frozenset("him her them it me us you".split())
_STUFF = frozenset("dust sand smoke ash steam mist fog hail frost ice water fire thunder lightning music silence "
                   "laughter darkness sunlight moonlight starlight blood mud".split())
"""Words that begin a sentence without an article and name nobody."""
_AFTER_VERBS = frozenset("through into at over across under past".split())
_ADJECTIVES_IN_LY = frozenset("lonely friendly deadly ugly lovely curly elderly early holy silly ghostly lively daily "
                              "heavenly "
                              "unfriendly cowardly costly only prickly bubbly cuddly".split())
_COMMON_VERBS = frozenset("makes gives lets helps takes keeps comes goes wants says tells knows needs gets sees "
                          "becomes brings "
                          "tries begins asks loves has".split())
_PLURALS = frozenset("people children men women mice geese wolves villagers friends kids".split())


class _Reader:
    """One reading: tokens in, events out, with what was said before to know who "she" is."""

    def __init__(self, text: str, names: tuple[str, ...]) -> None:
        self.text = " ".join(text.split())
        self.names = {part.lower() for name in names for part in name.split()}
        self.events: list[Event] = []
        self.nouns: list[Noun] = []
        self.places: list[tuple[str, Noun]] = []
        self.recent: list[Noun] = []
        self.gender: dict[str, str] = {}
        self.capitals: set[str] = set()
        self.main: Noun | None = None
        self.understood: set[int] = set()

    def read(self) -> Reading:
        plain = re.sub(r"\b(Dr|Mr|Mrs|Ms|Prof|St)\.", r"\1", _FRAME.sub("", self.text))
        sentences = sentences_of(plain)
        if language_of(plain) != "en":
            return Reading(self.text, tuple(sentences))
        self.capitals = {m.group() for s in sentences for m in re.finditer(r"(?<=[a-z,;] )[A-Z][^\W\d_]+", s)}
        for number, sentence in enumerate(sentences):
            self._sentence(_OPENING.sub("", sentence), number)
        agents = [event.agent for event in self.events if event.agent is not None and event.agent.alive]
        alive = _merged([*_by_weight(agents), *(noun for noun in self.nouns if noun.alive)])
        cast = _merged(alive)
        things = _merged([noun for noun in self.nouns if noun.kind is Kind.THING])
        return Reading(self.text, tuple(sentences), tuple(self.events), tuple(cast), tuple(things),
                       tuple(dict.fromkeys(self.places)), dict(self.gender),
                       tuple(number for number in range(len(sentences)) if number not in self.understood))

    # -- sentences and clauses ----------------------------------------------------------------------------------------

    def _sentence(self, sentence: str, number: int) -> None:
        tokens = [_Token(m.group(), m.group().lower().replace("’", "'"), number)
                  for m in _TOKEN.finditer(_QUOTED.sub(" ", sentence))]
        tokens = [t for t in tokens if t.text not in "\"“”"]
        at, subject = 0, None
        self.main = None
        while at < len(tokens):
            before = at
            at, subject = self._clause(tokens, at, subject, number)
            at = max(at, before + 1)

    def _clause(self, tokens: list[_Token], at: int, subject: Noun | None, number: int) -> tuple[int, Noun | None]:
        """Read one clause from `at` on; returns where it ends and its subject."""
        place, where = "", None
        at = self._skip(tokens, at)
        while at < len(tokens) and tokens[at].lower in _PREPOSITIONS and not self._verb_here(tokens, at, subject):
            prep = tokens[at].lower
            noun, end = self._noun(tokens, at + 1, subject=False)
            if noun is None:
                return at + 1, subject
            if self._is_place(prep, noun):
                place, where = f"{prep} {noun.the}", noun
            at = self._skip(tokens, end)
        if at >= len(tokens):
            return at, subject
        relative = tokens[at].lower in _RELATIVE
        if relative:
            at += 1
            if self.nouns and subject is not None and not _same(self.nouns[-1], subject):
                self.main = subject
                subject = self.nouns[-1]
        elif self.main is not None and self.main.alive and (subject is None or not subject.alive):
            subject, self.main = self.main, None
        if tokens[at:at + 1] and tokens[at].lower == "there" and at + 1 < len(tokens) and \
                tokens[at + 1].lower in ("is", "are", "was", "were", "lived", "lives"):
            noun, end = self._noun(tokens, at + 2, subject=True)
            if noun is not None:
                return end, noun
        found = self._finite(tokens, at, subject)
        if found is None:
            noun, end = self._subject(tokens, at)
            if noun is None:
                return at + 1, subject
            subject, at = noun, end
            at, subject = self._after_subject(tokens, at, subject)
            found = self._finite(tokens, at, subject)
            if found is None:
                return at, subject
        return self._predicate(tokens, found, subject, number, place, where)

    def _skip(self, tokens: Sequence[_Token], at: int) -> int:
        while at < len(tokens) and (tokens[at].text in _BREAKS or tokens[at].lower in _JOINS or (
                tokens[at].lower in w.NOT_NOUNS and tokens[at].lower not in ("home",)) or
                (tokens[at].lower.endswith("ly") and tokens[at].lower not in lex.NOUNS_IN_LY | _ADJECTIVES_IN_LY)):
            at += 1
        return at

    def _subject(self, tokens: list[_Token], at: int) -> tuple[Noun | None, int]:
        token = tokens[at]
        if token.lower in w.SUBJECTS:
            return self._meant(token.lower), at + 1
        noun, end = self._noun(tokens, at, subject=True)
        if noun is not None and noun.alive and end + 1 < len(tokens) and tokens[end].lower == "and" and (
                tokens[end + 1].text == "I"):
            both = Noun(f"narrator and {noun.the}", "narrator", Kind.PERSON, True)
            return self._remember(both), end + 2
        while noun is not None and end + 1 < len(tokens) and tokens[end].lower == "and":
            other, after = self._noun(tokens, end + 1, subject=True, several=True)
            if other is None or self._finite(tokens, after, replace(other, plural=True)) is None or not other.alive:
                break
            noun = Noun(f"{noun.words} and {other.the}", other.head, noun.kind, True, noun.proper, noun.owner)
            end = after
        return noun, end

    def _after_subject(self, tokens: list[_Token], at: int, subject: Noun) -> tuple[int, Noun]:
        """Past what stands between a subject and its verb: "of the old mill", "named Tim,", "with a kite"."""
        while at < len(tokens):
            if self._finite(tokens, at, subject) is not None and not (
                    tokens[at].lower in ("named", "called") or self._modifies(tokens, at)):
                return at, subject
            if tokens[at].lower in ("named", "called") and at + 1 < len(tokens):
                subject = self._named(subject, tokens[at + 1].text)
                at += 2
            elif tokens[at].lower in _PREPOSITIONS:
                noun, end = self._noun(tokens, at + 1, subject=True)
                if noun is None:
                    return at, subject
                if self._is_place(tokens[at].lower, noun):
                    self.places.append((f"{tokens[at].lower}", noun))
                at = end
            elif tokens[at].text == ",":
                end = next((i for i in range(at + 1, min(at + 9, len(tokens))) if tokens[i].text == ","), None)
                if end is None:
                    return at, subject
                if end == at + 2 and tokens[at + 1].text[:1].isupper() and not subject.proper:
                    subject = self._named(subject, tokens[at + 1].text)
                elif subject.proper and not subject.looks and tokens[at + 1].lower in ("a", "an", "the"):
                    said = replace(subject, looks=" ".join(token.text for token in tokens[at + 2:end]))
                    self.nouns = [said if noun is subject else noun for noun in self.nouns]
                    self.recent = [said if noun is subject else noun for noun in self.recent]
                    subject = said
                at = end + 1
            elif self._modifies(tokens, at):
                at += 1
            else:
                return at, subject
        return at, subject

    def _is_somewhere(self, noun: Noun) -> Noun:
        """The noun as a place: "Osaka" after "in"."""
        made = replace(noun, kind=Kind.PLACE)
        self.nouns = [made if other is noun else other for other in self.nouns]
        self.recent = [other for other in self.recent if other is not noun]
        return made

    def _named(self, noun: Noun, name: str) -> Noun:
        """The noun under its name from now on."""
        self.gender[name] = noun.pronoun
        self.nouns = [other for other in self.nouns if other is not noun]
        self.recent = [other for other in self.recent if other is not noun]
        return self._remember(Noun(name, noun.head, noun.kind, noun.plural, True, looks=noun.looks or noun.words))

    def _modifies(self, tokens: Sequence[_Token], at: int) -> bool:
        """Whether a participle belongs to the noun before: "guarded by dragons", "lost in the fog"."""
        return (tokens[at].lower.endswith("ed") or tokens[at].lower in ("lost", "stuck", "caught", "hidden",
                                                                        "stranded")) \
            and at + 1 < len(tokens) and tokens[at + 1].lower in ("by", "in", "on", "at") and any(
                self._finite(tokens, i, Noun("", "", Kind.THING, False)) is not None for i in range(at + 2, min(at + 8,
                    len(tokens))))

    # -- verbs --------------------------------------------------------------------------------------------------------

    def _verb_here(self, tokens: Sequence[_Token], at: int, subject: Noun | None) -> bool:
        return self._finite(tokens, at, subject) is not None

    def _finite(self, tokens: Sequence[_Token], at: int, subject: Noun | None) -> int | None:
        """The place of a finite verb (or of its auxiliary) at `at`, adverbs before it skipped; None where none is."""
        while at < len(tokens) and (tokens[at].lower.endswith("ly") or tokens[at].lower in (
                "never", "always", "often", "then", "finally", "only", "just", "still", "also", "once", "now")) and \
                tokens[at].lower not in lex.NOUNS_IN_LY:
            at += 1
        if at >= len(tokens):
            return None
        word = tokens[at].lower
        if word in w.AUXILIARIES:
            return at
        if word in _DETERMINERS or word in _POSSESSIVES or word in _BREAKS or not word[0].isalpha():
            return None
        if word in _PREPOSITIONS or word in _JOINS:
            return None
        base = base_of(word)
        following = tokens[at + 1].lower if at + 1 < len(tokens) else ""
        leads = following in _DETERMINERS | _POSSESSIVES | _AFTER_VERBS | _OBJECTS
        if not base and word.endswith("s") and not word.endswith("ss") and leads and word[:-1] not in w.PEOPLE and (
                subject is not None and not subject.plural):
            return at
        if not base and self._unknown_deed(tokens, at):
            return at
        if not base:
            return at if word.endswith("ed") and len(word) > 4 and subject is not None and (
                at + 1 >= len(tokens) or _function(tokens[at + 1].lower)) else None
        if word in w.PAST or (word.endswith("ed") and base != word):
            return at
        if word == base:
            plural = subject is None or subject.plural or subject.words in ("narrator",)
            return at if plural and subject is not None else None
        return at if word.endswith("s") and subject is not None and not subject.plural else (
            at if word.endswith("s") and subject is not None and base in w.DEED_OF else None)

    @staticmethod
    def _unknown_deed(tokens: Sequence[_Token], at: int) -> bool:
        """Whether a word that is in no list is what several do: "the ships founder on the rocks"."""
        if at == 0 or not _plural(tokens[at - 1].lower) or _function(tokens[at - 1].lower):
            return False
        word, following = tokens[at].lower, tokens[at + 1].lower if at + 1 < len(tokens) else "."
        ends = following in _PREPOSITIONS or following in _DETERMINERS or following in _BREAKS or following in _JOINS
        return ends and tokens[at].text.islower() and word.isalpha() and not (
            word.endswith("s") or word in lex.ADJECTIVES or word in BEINGS or _function(word) or place_kind(word))

    def _predicate(self, tokens: list[_Token], at: int, subject: Noun | None, number: int, place: str,
                   where: Noun | None) -> tuple[int, Noun | None]:
        """Read auxiliaries, verb and what follows; one event comes of it."""
        self.understood.add(number)
        passive, negated, wish = False, False, ""
        while at < len(tokens) and (tokens[at].lower in w.AUXILIARIES or tokens[at].lower in ("not", "never")
                                    or (tokens[at].lower.endswith("ly") and tokens[at].lower not in lex.NOUNS_IN_LY)):
            word = tokens[at].lower
            wish = "need" if word in ("must", "should") else wish
            negated = negated or word in ("not", "never") or word.endswith("n't") or word == "cannot"
            following = tokens[at + 1].lower if at + 1 < len(tokens) else ""
            if word in ("is", "are", "was", "were", "be", "been", "being") :
                if following.endswith("ing") and base_of(following):
                    pass
                elif following and base_of(following) and (following in w.PAST or following.endswith("ed")):
                    passive = True
                elif following not in w.AUXILIARIES:
                    return self._state(tokens, at + 1, subject)
            elif word in ("has", "have", "had", "does", "do", "did") and (_function(following) and following not in (
                    "to", "not", "never") and not base_of(following)):
                return self._state(tokens, at + 1, subject)
            at += 1
        if at >= len(tokens):
            return at, subject
        said = tokens[at].lower
        verb = base_of(said) or _guessed(said) or (said if self._unknown_deed(tokens, at) else "")
        if not verb:
            return at, subject
        at += 1
        if not passive and at < len(tokens) and tokens[at].lower == "by" and (said.endswith("ed")
            or said in w.PAST) and \
                self.events and self.events[-1].said and self.events[-1].agent == subject:
            passive = True
        while verb in w.CATENATIVE and at + 1 < len(tokens) and tokens[at].lower == "to" and \
                base_of(tokens[at + 1].lower) == tokens[at + 1].lower:
            wish, verb, at = verb, tokens[at + 1].lower, at + 2
        if verb in ("start", "begin", "keep", "stop", "continue") and at < len(tokens) and \
                tokens[at].lower.endswith("ing") and base_of(tokens[at].lower):
            wish, verb, at = verb, base_of(tokens[at].lower), at + 1
        end = self._end(tokens, at, subject)
        event = self._event(tokens[at:end], verb, subject, number, place, where, said=said if passive else "",
                            wish=wish)
        if event is not None and not negated and (subject is None or subject.words != "nobody"):
            self.events.append(event)
        return end, subject

    def _state(self, tokens: list[_Token], at: int, subject: Noun | None) -> tuple[int, Noun | None]:
        """Past "is a small robot" and "has a dog": no event, but whoever is named is remembered."""
        end = self._end(tokens, at, subject)
        nouns, _, _ = self._rest(tokens[at:end], subject)
        before = next((e.agent for e in reversed(self.events) if e.agent is not None and e.agent.alive
                       and e.agent != subject), None)
        who = next((noun for noun in nouns if noun.kind is Kind.PERSON), None)
        if who is not None and before is not None and subject is not None and subject.alive and (
                before.words != subject.words):
            self.events.append(Event(before, "come", f"face to face with {subject.the}, {who.the}", w.Deed.MEET,
                                     (subject, who), sentence=self.events[-1].sentence))
        return end, subject

    def _end(self, tokens: Sequence[_Token], at: int, subject: Noun | None) -> int:
        """Where the part after a verb ends: at a mark, or at a joining word with a verb behind it."""
        start = at
        while at < len(tokens):
            token = tokens[at]
            if token.text in ".;:!?()\n—–":
                return at
            following = tokens[at + 1].lower if at + 1 < len(tokens) else ""
            if token.text == "," and at > start:
                if self._clause_begins(tokens, at + 1, subject):
                    return at
                if following.endswith("ing") and base_of(following):
                    return at
            elif token.lower in _JOINS and at > start - 1:
                if token.lower in ("while", "when", "until", "because", "before", "after", "if", "although", "though",
                                   "where", "but", "so", "once") or self._clause_begins(tokens, at + 1, subject):
                    return at
                if token.lower == "as" and self._clause_begins(tokens, at + 1, subject):
                    return at
            elif at > start and (self._verb_after_noun(tokens, at, subject) or (
                    token.lower in _RELATIVE and following and token.lower != "whom")):
                return at
            at += 1
        return at

    def _verb_after_noun(self, tokens: Sequence[_Token], at: int, subject: Noun | None) -> bool:
        """Whether the verb of the main clause stands here: "builds" in "who loves stars builds a rocket"."""
        word, before = tokens[at].lower, tokens[at - 1].lower
        following = tokens[at + 1].lower if at + 1 < len(tokens) else ""
        if subject is None or word in KNOWN_VERBS or not word.endswith("s") or base_of(word) not in w.DEED_OF:
            return False
        leads = following in _DETERMINERS or following in _PREPOSITIONS or following in lex.NUMBERS
        return leads and not _function(before) and before not in lex.ADJECTIVES

    def _clause_begins(self, tokens: Sequence[_Token], at: int, subject: Noun | None) -> bool:
        """Whether a verb of the same subject, or a new subject with its verb, stands at `at`."""
        while at < len(tokens) and (tokens[at].lower in _JOINS or tokens[at].lower in w.NOT_NOUNS):
            at += 1
        if at >= len(tokens):
            return False
        if self._verb_here(tokens, at, subject):
            return True
        if tokens[at].lower in w.SUBJECTS:
            return self._verb_here(tokens, at + 1, Noun("", "", Kind.PERSON, tokens[at].lower in ("they", "we", "i",
                "you")))
        noun, end = self._peek(tokens, at)
        return noun is not None and self._verb_here(tokens, end, noun)

    def _peek(self, tokens: Sequence[_Token], at: int) -> tuple[Noun | None, int]:
        kept = len(self.nouns), list(self.recent), len(self.places)
        found = self._noun(tokens, at, subject=True)
        del self.nouns[kept[0]:]
        self.recent = kept[1]
        del self.places[kept[2]:]
        return found

    # -- what follows a verb ------------------------------------------------------------------------------------------

    def _event(self, rest: list[_Token], verb: str, subject: Noun | None, number: int, place: str, where: Noun | None,
               *,
               said: str, wish: str) -> Event | None:
        objects, text, found = self._rest(rest, subject)
        deed = w.DEED_OF.get(verb, w.Deed.OTHER)
        if deed is w.Deed.LOVE and objects and not any(noun.alive for noun in objects):
            deed = w.Deed.WATCH
        if verb == "look" and rest and rest[0].lower == "for":
            deed = w.Deed.SEARCH
        deed = _as_meant(verb, deed, subject, objects, rest)
        if wish == "refuse" or verb == "hide":
            deed = w.Deed.OTHER
        if wish in ("learn", "practise", "practice"):
            deed = w.Deed.LEARN
        if verb == "return" and objects and rest and rest[0].lower not in _PREPOSITIONS | {"home"}:
            deed = w.Deed.GIVE
        if verb == "break" and rest and rest[0].lower == "into":
            deed = w.Deed.STEAL
        if verb == "run" and rest and rest[0].lower == "away":
            deed = w.Deed.FLEE
        if verb == "fall" and [t.lower for t in rest[:2]] == ["in", "love"]:
            deed = w.Deed.LOVE
        if found is None and not place:
            found = _acted_on(verb, deed, objects)
        if found is not None:
            place, where = found[0], found[1]
        if where is not None:
            self.places.append((place.split()[0], where))
        if verb in ("be", "have", "seem") or (subject is None and not text):
            return None
        return Event(subject, verb, text, deed, objects, place, where, number, wish, said)

    def _rest(self, tokens: list[_Token], subject: Noun | None) -> tuple[tuple[Noun, ...], str, tuple[str,
        Noun] | None]:
        """The nouns of the part after a verb, its words with pronouns resolved, and the place it names."""
        nouns: list[Noun] = []
        shown: list[str] = []
        place: tuple[str, Noun] | None = None
        at, prep = 0, ""
        while at < len(tokens):
            token = tokens[at]
            if token.text == ",":
                shown.append(",")
                at += 1
                continue
            if token.lower in ("him", "her", "it", "them", "me", "us") and not (
                    token.lower == "her" and at + 1 < len(tokens) and not _function(tokens[at + 1].lower)):
                meant = self._meant(token.lower, beside=subject)
                shown.append(meant.the if meant is not None else token.text)
                if meant is not None:
                    nouns.append(meant)
                at, prep = at + 1, ""
                continue
            if token.lower in _PREPOSITIONS:
                prep = token.lower
                shown.append(token.text)
                at += 1
                if prep == "to" and at < len(tokens) and base_of(tokens[at].lower) == tokens[at].lower and not (
                        at + 1 >= len(tokens) and tokens[at].lower in lex.NOT_VERBS_AS_NOUNS):
                    shown.append(tokens[at].text)
                    at, prep = at + 1, ""
                continue
            if token.lower.endswith("ing") and base_of(token.lower) and token.lower not in lex.NOUNS_IN_ING and shown:
                shown.append(token.text)
                at, prep = at + 1, ""
                continue
            if at and tokens[at - 1].lower in w.SUBJECTS and base_of(token.lower):
                shown.append(token.text)
                at += 1
                continue
            if token.lower in ("named",
                               "called") and nouns and at + 1 < len(tokens) and tokens[at + 1].text[:1].isupper():
                nouns.append(self._named(nouns.pop(), tokens[at + 1].text))
                shown += [token.text, tokens[at + 1].text]
                at += 2
                continue
            if _function(token.lower) and token.lower not in _DETERMINERS and token.lower not in _POSSESSIVES and \
                    token.lower not in lex.NUMBERS:
                shown.append(token.text)
                at += 1
                continue
            noun, end = self._noun(tokens, at, subject=False)
            if noun is None:
                shown.append(token.text)
                at += 1
                continue
            if prep in ("in", "at", "to", "from", "near", "through") and noun.proper and noun.kind is Kind.PERSON and \
                    all(e.agent != noun for e in self.events) and all(n.words != noun.words for n in self.nouns[:-1]):
                noun = self._is_somewhere(noun)
            if prep == "of" and noun.kind is Kind.PLACE:
                self.places.append((prep, noun))
            if prep == "as" and self.nouns and self.nouns[-1] is noun:
                self.nouns.pop()
            elif prep in _PLACE_PREPOSITIONS and self._is_place(prep, noun):
                if prep == "from":
                    self.places.append((prep, noun))
                if place is None or (place[0].startswith("from ") and prep in ("to", "into")):
                    place = f"{prep} {noun.the}", noun
            elif noun.head not in w.FEELINGS and (noun.alive or prep not in _PLACE_PREPOSITIONS - {"to", "between"}):
                nouns.append(noun)
            shown.append(self._words(tokens[at:end], noun, subject))
            if noun.alive and not noun.proper and noun.owner == "":
                prep = ""
            at, prep = end, ""
        return tuple(_merged(nouns)), _joined(shown), place

    def _words(self, tokens: Sequence[_Token], noun: Noun, subject: Noun | None) -> str:
        """A noun's words as the story says them, with whose it is where "my" says that."""
        text = " ".join(token.text for token in tokens)
        text = re.sub(r"\A(?:my|our)\b", "their", text, flags=re.IGNORECASE)
        if tokens[0].lower == "its" and subject is not None and subject.pronoun != "it":
            owner = next((n for n in self.recent if n.pronoun == "it" and n != noun), None)
            if owner is not None:
                text = f"{owner.the}'s {text.split(' ', 1)[-1]}"
        scrubbed = without_looks(text) if noun.alive else text
        return scrubbed or noun.the

    # -- nouns --------------------------------------------------------------------------------------------------------

    def _noun(self, tokens: Sequence[_Token], at: int, *, subject: bool, several: bool = False) -> tuple[Noun | None,
        int]:
        """A noun phrase at `at` and where it ends; None where none begins there. `several`: it is the last one of a
        list that acts, so a verb behind it has its base form."""
        start, owner, number = at, "", ""
        while at < len(tokens) and tokens[at].lower in ("all", "both", "many", "several", "some", "few", "only"):
            number, at = "many", at + 1
        if at < len(tokens) and (tokens[at].lower in _DETERMINERS or tokens[at].lower in _POSSESSIVES):
            if tokens[at].lower in _POSSESSIVES:
                owner = {"my": "their", "our": "their", "your": "their"}.get(tokens[at].lower, tokens[at].lower)
            elif tokens[at].lower in ("these", "those"):
                number = "many"
            at += 1
        if at < len(tokens) and (tokens[at].lower in lex.NUMBERS or tokens[at].text.isdigit()) and \
                tokens[at].lower != "one":
            number, at = tokens[at].lower, at + 1
        run: list[_Token] = []
        has_noun = False
        while at < len(tokens):
            token = tokens[at]
            word = token.lower
            if token.text in _BREAKS and not (token.text == "," and run and not has_noun and at + 1 < len(tokens)
                                              and tokens[at + 1].lower in lex.ADJECTIVES):
                break
            if token.text == ",":
                at += 1
                continue
            if _function(word) or word in w.NOT_NOUNS or word in _PREPOSITIONS or word in _RELATIVE:
                break
            if word in ("named", "called") or (word == "full" and has_noun) or (word.endswith("ly")
                and word not in lex.NOUNS_IN_LY and
                                               word not in _ADJECTIVES_IN_LY):
                break
            if word.endswith("ing") and run and has_noun and base_of(word) and word not in lex.NOUNS_IN_ING:
                break
            if subject and run and has_noun and self._finite(
                    tokens, at, Noun("", "", Kind.THING,
                                     several or number != "" or _plural(run[-1].lower))) is not None:
                break
            if not subject and has_noun and (word in w.PAST or word.endswith("ed")) and base_of(word):
                break
            if not subject and has_noun and word in _COMMON_VERBS:
                break
            if not subject and has_noun and word.endswith("s") and word not in KNOWN_VERBS and (
                    base_of(word) in w.DEED_OF and at + 1 < len(tokens) and tokens[at + 1].lower in _DETERMINERS):
                break
            run.append(token)
            adjective = word in lex.ADJECTIVES or word in lex.COLOURS or word in OF_PEOPLE or (
                word.endswith(lex.ADJECTIVE_ENDINGS) and len(word) > 5 and word not in w.PEOPLE)
            participle = word.endswith("ed") and not word.endswith("eed") and bool(base_of(word))
            has_noun = has_noun or not (adjective or participle)
            at += 1
        if not run:
            return None, start + 1 if at == start else at
        if run[-1].lower.endswith("'s") and at < len(tokens):
            return None, at
        return self._made(run, owner, number), at

    def _made(self, run: Sequence[_Token], owner: str, number: str) -> Noun:
        words = " ".join(token.text for token in run)
        if "'s" in words.lower() or "’s" in words.lower():
            owned = re.split(r"['’]s\s+", words, maxsplit=1)
            if len(owned) == 2 and owned[1]:
                self._owner(owned[0])
                mine = owned[0] if owned[0][:1].isupper() else f"the {owned[0]}"
                owner = f"{f'{owner} {owned[0]}' if owner else mine}'s"
                words = owned[1]
        last = words.split()[-1].lower()
        head = _single(last)
        proper = not owner and words.split()[-1][:1].isupper() and self._is_name(words.split()[-1], run)
        if not proper and words[:1].isupper() and words.split()[0] not in self.capitals:
            words = words[:1].lower() + words[1:]
        plural = (number not in ("", "one", "1")) or (not proper and _plural(last))
        if number and number not in ("many", "one"):
            words = f"{number} {words}"
        kind = self._kind(head, last, proper, words)
        looks = ""
        if kind is not Kind.THING and kind is not Kind.PLACE and not proper:
            plain = without_looks(words) or last
            words, looks = plain, words if plain != words else ""
        noun = Noun(words, head, kind, plural, proper, owner, looks)
        return self._remember(noun)

    def _owner(self, words: str) -> None:
        """Remember whose something is, where that is somebody."""
        head = words.split()[-1]
        proper = head[:1].isupper() and self._is_name(head, ())
        kind = self._kind(head.lower(), head.lower(), proper, words)
        if kind in (Kind.PERSON, Kind.ANIMAL, Kind.MACHINE) and not any(n.words == words for n in self.nouns):
            self._remember(Noun(words, head.lower(), kind, False, proper))

    def _is_name(self, word: str, run: Sequence[_Token]) -> bool:
        if word.lower() in self.names or word in self.capitals:
            return True
        known = word.lower() in w.PEOPLE | _STUFF or base_of(word) or word.lower() in lex.ADJECTIVES or _single(
            word.lower()) in w.PEOPLE | lex.ANIMALS | w.MACHINES
        return not known and word.lower() not in lex.ANIMALS

    def _kind(self, head: str, last: str, proper: bool, words: str) -> Kind:
        if head in lex.COLLECTIVES and any(word in lex.ANIMALS for word in words.lower().split()):
            return Kind.ANIMAL
        if head in w.MACHINES:
            return Kind.MACHINE
        if head in w.PEOPLE or last in w.PEOPLE or head in lex.PEOPLE - {"model", "star", "team", "portrait",
                                                                         "speaker"}:
            return Kind.PERSON
        if head in lex.ANIMALS or head in w.ANIMALS:
            return Kind.ANIMAL
        if any(name in words.lower().split() for name in self.names) or "_" in words:
            return Kind.PERSON
        if place_kind(head) is not None:
            return Kind.PLACE
        if proper:
            known = next((n.kind for n in self.nouns if n.proper and n.words == words), None)
            return known or Kind.PERSON
        if head.endswith(("ist", "eer", "smith", "maker", "keeper", "ologist", "ician")) and len(head) > 5:
            return Kind.PERSON
        return Kind.THING

    def _is_place(self, prep: str, noun: Noun) -> bool:
        nowhere = noun.head in w.TIME_NOUNS or noun.head in _NOT_PLACES or noun.alive or prep not in _PLACE_PREPOSITIONS
        inside = noun.proper and prep in ("in", "at", "through", "across", "into")
        if nowhere and not (inside or (noun.proper and prep == "to")):
            return False
        return noun.kind is Kind.PLACE or inside

    def _remember(self, noun: Noun) -> Noun:
        if noun.head not in w.FEELINGS:
            self.nouns.append(noun)
        if noun.alive:
            self.recent = [noun, *(n for n in self.recent if n.words != noun.words)]
        return noun

    def _meant(self, pronoun: str, beside: Noun | None = None) -> Noun | None:
        """Whom a pronoun means: the last one named that fits and is not the subject."""
        if pronoun in ("i", "me"):
            return self._remember(Noun("narrator", "narrator", Kind.PERSON))
        if pronoun in ("we", "us"):
            return self._remember(Noun("friends", "friend", Kind.PERSON, True))
        if pronoun in ("someone", "somebody", "one", "everyone", "everybody", "nobody", "you", "who"):
            if pronoun == "nobody":
                return Noun("nobody", "nobody", Kind.PERSON)
            return Noun("stranger", "stranger", Kind.PERSON) if pronoun != "everyone" else Noun(
                "people", "people", Kind.PERSON, True)
        wanted = {"him": "he", "her": "she", "them": "they"}.get(pronoun, pronoun)
        fitting = [noun for noun in self.recent if noun != beside and self._fits(noun, wanted)]
        if wanted in ("he", "she"):
            fitting.sort(key=lambda noun: noun.kind is not Kind.PERSON)
        if beside is None:  # a subject's pronoun mostly means the subject before
            subjects = [e.agent for e in reversed(self.events) if e.agent is not None]
            for agent in subjects[:2]:
                if self._fits(agent, wanted):
                    return agent
        if fitting:
            return fitting[0]
        if pronoun in ("it", "them") and beside is not None:
            direct = [noun for event in reversed(self.events) for noun in event.things]
            listed = [*direct, *(n for n in reversed(self.nouns) if n.kind is Kind.THING),
                      *(n for n in reversed(self.nouns) if n.kind is Kind.PLACE)]
            return next((n for n in listed if n.plural == (pronoun == "them")), None)
        if pronoun == "it" and beside is None:
            told = (n for event in reversed(self.events) for n in (event.agent, *event.objects))
            things = (n for n in reversed(self.nouns) if n.kind is Kind.THING)
            return next((n for n in (*told, *things) if n is not None and not n.alive and not n.plural), None)
        return self.recent[0] if self.recent and beside is None else None

    def _fits(self, noun: Noun, pronoun: str) -> bool:
        own = self.gender.get(noun.words) or noun.pronoun
        if pronoun in ("he", "she"):
            if own == "they" and not noun.plural and noun.kind is Kind.PERSON:
                self.gender[noun.words] = pronoun
                return True
            return own == pronoun or (noun.kind is Kind.ANIMAL and own == "it")
        if pronoun == "they":
            return noun.plural or own == "they"
        return own == "it"


def _acted_on(verb: str, deed: w.Deed, objects: Sequence[Noun]) -> tuple[str, Noun] | None:
    """The place of a deed that is done to a place: "burn the village", "cross the desert", "reach the city"."""
    noun = next((noun for noun in objects if noun.kind is Kind.PLACE), None)
    if noun is None:
        return None
    if deed in (w.Deed.DESTROY, w.Deed.FIGHT, w.Deed.SEARCH) or verb in ("cross", "climb", "explore", "clean", "guard"):
        return f"in {noun.the}", noun
    return (f"to {noun.the}", noun) if verb in ("reach", "enter", "visit") else None


def _as_meant(verb: str, deed: w.Deed, subject: Noun | None, objects: Sequence[Noun], rest: Sequence[_Token]) -> w.Deed:
    """The kind of deed where it hangs on what follows: "wakes" and "wakes the dragon", "gets a prize" and "gets up"."""
    if verb in ("collapse", "sink") and subject is not None and subject.alive:
        return w.Deed.OTHER
    if deed is w.Deed.CHANGE and objects and verb not in ("become", "grow") and not (rest and rest[0].lower == "into"):
        return w.Deed.OTHER
    if verb == "draw" and any(noun.head in _WEAPONS for noun in objects):
        return w.Deed.FIGHT
    if verb == "drop" and any(noun.plural for noun in objects):
        return w.Deed.WORK
    if verb == "win" and {token.lower for token in rest} & {"bet", "game", "argument", "case", "trial", "heart"}:
        return w.Deed.OTHER
    if deed is w.Deed.CHASE and not any(noun.alive for noun in objects):
        return w.Deed.SEARCH
    if deed is w.Deed.FIND and (not objects or (rest and rest[0].lower == "that")):
        return w.Deed.OTHER
    return deed


def _guessed(word: str) -> str:
    """The base form of an unknown verb in -ed or -s."""
    if word.endswith("ied"):
        return word[:-3] + "y"
    if word.endswith("ed"):
        return word[:-1] if word[-3] in "cgsvzu" or word[-4:-2] in ("at", "ir", "iz", "ur") else word[:-2]
    return word[:-1] if word.endswith("s") else ""


def _function(word: str) -> bool:
    return word in lex.GRAMMAR or word in w.AUXILIARIES or word in _BREAKS or word in lex.NEGATORS


def _plural(word: str) -> bool:
    return word in _PLURALS or (word.endswith("s") and not word.endswith(("ss", "us", "is", "'s")) and len(word) > 3
                                and word not in ("glass", "compass", "species", "series", "always"))


def _single(word: str) -> str:
    if word in w.PEOPLE and not word.endswith("s"):
        return word
    made = lemma(word) if _plural(word) else word
    return made


def _by_weight(agents: Sequence[Noun]) -> list[Noun]:
    """Agents, the one that acts most first; the first named wins a tie."""
    counts: dict[str, int] = {}
    for agent in agents:
        counts[agent.words] = counts.get(agent.words, 0) + 1
    if agents:
        counts[agents[0].words] += 1
    return sorted(agents, key=lambda agent: -counts[agent.words])


def _merged(nouns: Sequence[Noun]) -> list[Noun]:
    """Each one once: "the merchant" is the wealthy merchant of before. The fullest words stay."""
    kept: list[Noun] = []
    for noun in nouns:
        same = next((i for i, other in enumerate(kept) if _same(noun, other)), None)
        if same is None:
            kept.append(noun)
        elif len(noun.words.split()) > len(kept[same].words.split()) and not kept[same].proper:
            kept[same] = noun
    return kept


def _same(one: Noun, other: Noun) -> bool:
    if one.proper and other.proper:
        return one.words == other.words or set(one.words.split()) <= set(other.words.split()) or set(
            other.words.split()) <= set(one.words.split())
    if one.proper != other.proper:
        return False
    mine, its = set(one.words.lower().split()), set(other.words.lower().split())
    return one.head == other.head and one.plural == other.plural and (mine <= its or its <= mine)


def _joined(words: Sequence[str]) -> str:
    text = re.sub(r"\s+([,.;])", r"\1", " ".join(words)).strip(" ,")
    parts = text.split()
    if len(parts) <= MOST_WORDS:
        return text
    cut = parts[:MOST_WORDS]
    while len(cut) > 4 and (cut[-1].lower() in lex.GRAMMAR or cut[-1].endswith(",")):
        cut.pop()
    return " ".join(cut).rstrip(" ,")
