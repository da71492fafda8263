"""The narrative planner by rules: what a story says, put in order, and what it leaves out, told between.

Opening, development, turn, climax, close. A story with fewer events than frames gets beats before and after them, made
of its own people, things and deeds; one with more is condensed. No model is needed; the same story gives the same
scenes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from . import words as w
from .beats import AFTER, ANY, OF_DEED, OF_THINGS, PHASES, SPARE, Beat
from .board import Bible, StoryScene
from .looks import allowed_by, without_looks
from .naming import Alias, aliases_of, known_names
from .parts import Event, Kind, Noun, Reading
from .reader import read_story
from .sentences import Roles, acts, beat_sentence, content_words, event_sentence, fits, named
from .settings import AIRLESS, LONELY, Domain
from .shots import Shot
from .stage import Moment, Stage, Told, climax_of, places_of

_WEATHER = frozenset("snow rain fog storm wind sun moon night day mist thunder".split())
_GONE = frozenset("collapse die faint drown vanish disappear sleep".split())
"""After these somebody does nothing more."""
TOO_ALIKE = 0.5
"""Share of content words at which two sentences are not both taken."""
OFFERED = 4
"""Beats that a chooser is offered at most."""
Choose = Callable[[Sequence[str], Sequence[str]], int]
"""What was told before and the sentences that may follow, to the place of the one that is taken."""
NOBODY = Noun("place", "place", Kind.PLACE)
"""Stands in for the one whom a story is about where it names nobody and nothing."""


def plan_story(story: str, count: int, bible: Bible | None = None) -> tuple[StoryScene, ...]:
    """`count` scenes of a story, in order. Any text gives scenes; one that says nothing gives general ones."""
    bible = bible or Bible()
    reading = read_story(story, known_names(bible))
    return Planner(reading, bible, aliases_of(bible, reading)).scenes(count)


class Planner:
    """Plans the scenes of one story."""

    def __init__(self, reading: Reading, bible: Bible, aliases: Sequence[Alias], choose: Choose | None = None) -> None:
        """`choose` picks one of a few beats that would all do (a small model); without it the first is taken."""
        self.reading, self.bible, self.aliases, self._choose = reading, bible, tuple(aliases), choose
        self.lead = self._lead()
        self.events = self._told()
        self.told = Told(reading, bible, self.aliases, self.lead, tuple(self.events))

    def scenes(self, count: int) -> tuple[StoryScene, ...]:
        """So many scenes; see `plan_story`."""
        return self.staged(self.moments(count))

    # -- what happens -------------------------------------------------------------------------------------------------

    def moments(self, count: int) -> list[Moment]:
        """What the scenes show, in order of time; as many as asked."""
        told = self._condensed(self._as_moments(), count)
        if len(told) >= count:
            return told
        between = self._chosen(self._between(told), told, count - len(told))
        return sorted([*told, *between], key=lambda moment: moment.order)

    def spares(self, count: int = 12) -> list[Moment]:
        """Beats that no story needs, for a place that has to be filled; at least `count` of them."""
        roles = self._roles(None)
        beats = sorted((b for b in self._general(roles) if fits(b, roles)), key=lambda b: b.phase in ("open", "close"))
        beats = list(dict.fromkeys([*beats, *SPARE]))
        return [self._beat(beat, roles, 0, number) for number, beat in enumerate(beats)]

    def untold(self) -> tuple[str, ...]:
        """Sentences of which no scene can show anything: no verb was found in them, or none that is an action."""
        told = {moment.event.sentence for moment in self._as_moments() if moment.event is not None}
        silent = {event.sentence for event in self.events} - told | set(self.reading.unread)
        return tuple(self.reading.sentences[number] for number in sorted(silent))

    def _lead(self) -> Noun:
        if self.reading.cast:
            return self.reading.cast[0]
        token = next((alias.shown for alias in self.aliases), "")
        if token:
            return Noun(token, token, Kind.PERSON, proper=True)
        agent = next((e.agent for e in self.reading.events if e.agent is not None), None)
        thing = agent or next(iter(self.reading.things), None)
        if thing is not None and re.search(r"[a-z]", thing.words, re.IGNORECASE):
            return thing
        return Noun("traveller", "traveller", Kind.PERSON) if self.reading.events else NOBODY

    def _told(self) -> list[Event]:
        """The events that can be told: somebody does something, and states only where nothing else is."""
        events = [e if e.agent is not None else replace(e, agent=self.lead) for e in self.reading.events]
        seen: list[Event] = []
        for event in events:
            if event.verb in w.STATES and not event.rest and len(events) > 2:
                continue
            if not any(event.verb == e.verb and event.rest == e.rest and event.agent == e.agent for e in seen):
                seen.append(event)
        return seen

    def _weight(self, event: Event) -> float:
        weight = w.WEIGHT[event.deed] + 0.3 * len(event.objects)
        if event.verb in w.STATES:
            weight *= 0.3
        if event.agent is not None and not event.agent.alive:
            weight *= 0.85
        return weight

    def _as_moments(self) -> list[Moment]:
        made = []
        for number, event in enumerate(self.events):
            assert event.agent is not None
            text = self._plain(event_sentence(event, event.agent))
            if len(text.split()) < 2 or not acts(text):
                continue
            made.append(Moment((number, PHASES.index("deed"), 0), "deed", text, _event_shots(event),
                               self._weight(event), event, number, event.agent))
        if not made and self.reading.sentences:
            made = [Moment((n, PHASES.index("deed"), 0), "deed", text, (Shot.MEDIUM, Shot.LOW, Shot.WIDE), 1.0, None, n,
                           self.lead)
                    for n, s in enumerate(self.reading.sentences)
                    if (text := self._plain(" ".join(s.rstrip(" .!?").split()[:24]))) and _shows(text)
                    and acts(text)]
        return made

    def _condensed(self, moments: list[Moment], count: int) -> list[Moment]:
        """At most so many: neighbours of one agent are told in one sentence, then what matters least is left out."""
        moments = list(moments)
        while len(moments) > count:
            pairs = [(len(a.text.split()) + len(b.text.split()), i) for i, (a, b) in enumerate(pairwise(moments))
                     if _joinable(a, b)]
            short = min(pairs, default=(99, 0))
            if short[0] > 22:
                break
            at = short[1]
            moments[at:at + 2] = [_together(moments[at], moments[at + 1])]
        while len(moments) > count:
            top = max(range(len(moments)), key=lambda i: (moments[i].weight, i))
            keep = {len(moments) - 1, top} | ({0} if moments[0].weight >= 1 else set())
            worth = [(m.weight + self._only_there(moments, i), -i) for i, m in enumerate(moments)]
            drop = min((i for i in range(len(moments)) if i not in keep or len(moments) <= 3), key=lambda i: worth[i])
            moments.pop(drop)
        return moments

    def _only_there(self, moments: Sequence[Moment], at: int) -> float:
        """How many people and things of a moment no other moment has."""
        rest = " ".join(m.text.lower() for i, m in enumerate(moments) if i != at)
        mine = moments[at].text.lower()
        named_here = [n for n in (*self.reading.cast, *self.reading.things, *(p for _, p in self.reading.places))
                      if n.head in mine and n.head not in rest]
        return 1.5 * len(named_here)

    # -- what happens between -----------------------------------------------------------------------------------------

    def _roles(self, event: Event | None) -> Roles:
        """Whom the beats around an event are about: the one whom the story is about, where that one is alive."""
        agent = event.agent if event is not None and event.agent is not None else self.lead
        others = [*(event.others if event is not None else ()), *self.reading.cast]
        if event is not None and event.said and event.others:
            agent, others = event.others[0], [agent]
        elif self.lead.alive and not _same(agent, self.lead):
            others.insert(0, agent)
            agent = self.lead
            others = [n for n in others if n.alive]
        if len({e.agent for e in self.events}) > 1 and event is not None:
            others = [n for n in others if n in event.others or len(self.reading.cast) <= 2]
        other = next((n for n in others if not _same(n, agent) and n.words not in ("people", "stranger")), None)
        things = [*(event.things if event is not None else ()), *(self.reading.things if len(self.events) < 3 else ())]
        thing = next((n for n in things if not _same(n, agent)), None)
        return Roles(agent, other, thing)

    def _general(self, roles: Roles) -> tuple[Beat, ...]:
        if roles.agent == NOBODY or roles.agent.head in _WEATHER:
            return SPARE
        return ANY if roles.agent.alive else OF_THINGS

    def _between(self, told: Sequence[Moment]) -> list[Moment]:
        """All beats that may stand before and after what is told."""
        if not told:
            roles = self._roles(None)
            beats = list(dict.fromkeys([*(b for b in self._general(roles) if fits(b, roles)), *SPARE]))
            return [self._beat(beat, roles, 0, number) for number, beat in enumerate(beats)]
        found: list[Moment] = []
        where = places_of(self.told, told)
        climax = climax_of(told)
        for place, moment in enumerate(told):
            event = moment.event
            roles = self._roles(event)
            gone = event is not None and event.verb in _GONE and event.agent == roles.agent
            own = OF_DEED.get(event.deed, ()) if event is not None and roles.agent.alive and (
                event.agent == roles.agent or (bool(event.said) and event.deed is not w.Deed.WORK)) else ()
            general = self._general(roles)
            for number, beat in enumerate([*own, *general, *(SPARE if gone else ())]):
                if gone and beat.phase in AFTER and "A" in beat.needs:
                    continue
                if event is not None and event.deed in (w.Deed.FIND, w.Deed.MAKE) and "O" in beat.needs and (
                        PHASES.index(beat.phase) < PHASES.index("deed")):
                    continue
                early = PHASES.index(beat.phase) < PHASES.index("deed")
                if event is not None and early and "B" in beat.needs and event.deed is w.Deed.FIND and (
                        roles.other in event.others):
                    continue
                if not fits(beat, roles, event.verb if event is not None else "") or not _happens_in(beat,
                    where[place][0]):
                    continue
                first, last = place == 0, place == len(told) - 1
                if (beat.phase == "open" and not first) or (beat.phase == "close" and not last):
                    continue
                made = self._beat(beat, roles, moment.order[0], number)
                factor = 1.0 if number < len(own) else 0.7
                if beat.phase not in ("open", "close") and place != climax:
                    factor *= 0.75
                if beat.phase == "after" and not last:
                    factor *= 0.4
                if beat.phase in ("doubt", "turn") and first and len(told) > 2:
                    factor *= 0.6
                found.append(replace(made, weight=made.weight * factor))
        return found

    def _beat(self, beat: Beat, roles: Roles, place: int, number: int) -> Moment:
        text = self._plain(beat_sentence(beat, roles))
        jitter = int(hashlib.sha256(f"{self.reading.text}|{beat.text}".encode()).hexdigest()[:4], 16) / 65536
        return Moment((place, PHASES.index(beat.phase), number), beat.phase, text, beat.shots,
                      beat.weight + 1.5 * jitter, None, place, roles.agent)

    def _chosen(self, beats: list[Moment], told: Sequence[Moment], count: int) -> list[Moment]:
        """So many beats: an opening and a close, then what weighs most and repeats least."""
        chosen: list[Moment] = []
        pool = [beat for beat in beats if _shows(beat.text) and acts(beat.text)]
        wanted = ["close", "open"] if len(told) <= 1 else ["open", "close"]
        while len(chosen) < count:
            phase = wanted.pop() if wanted else ""
            rated = [(self._rated(beat, chosen, told), -number) for number, beat in enumerate(pool)
                     if not phase or beat.phase == phase]
            rated = [(rate, n) for rate, n in rated if rate > 0]
            if not rated:
                if phase:
                    continue
                break
            best = self._best([(rate, pool[-n]) for rate, n in sorted(rated, reverse=True)[:OFFERED]], chosen, told)
            chosen.append(best)
            pool.remove(best)
        for spare in [self._beat(b, self._roles(None), len(self.events), 50 + n) for n, b in enumerate(SPARE)]:
            if len(chosen) >= count:
                break
            if all(_alike(spare.text, other.text) < TOO_ALIKE for other in (*chosen, *told)):
                chosen.append(replace(spare, order=(spare.at if spare.phase in AFTER else 0, *spare.order[1:])))
        return chosen

    def _best(self, offered: Sequence[tuple[float, Moment]], chosen: Sequence[Moment],
              told: Sequence[Moment]) -> Moment:
        """The first of those offered, or the one that `choose` takes among those of much the same weight."""
        good = [moment for rate, moment in offered if rate >= 0.6 * offered[0][0]]
        if self._choose is None or len(good) < 2:
            return offered[0][1]
        scenes = sorted([*chosen, *told], key=lambda moment: moment.order)
        before = [m.text for m in scenes if m.order < good[0].order]
        return good[self._choose(before, [moment.text for moment in good])]

    def _rated(self, beat: Moment, chosen: Sequence[Moment], told: Sequence[Moment]) -> float:
        rate = beat.weight
        for other in chosen:
            if other.phase == beat.phase:
                rate *= 0.3 if other.at == beat.at else 0.5
                if beat.phase in ("open", "close"):
                    return 0
            if other.at == beat.at:
                rate *= 0.9
        plain = self._cast_words()
        for other in (*chosen, *told):
            if _alike(beat.text, other.text, plain) >= TOO_ALIKE or beat.text == other.text:
                return 0
        return rate

    def _cast_words(self) -> frozenset[str]:
        return content_words(" ".join([self.lead.words, *(n.words for n in self.reading.cast)]))

    def _plain(self, text: str) -> str:
        """Without looks, with tokens."""
        allowed = allowed_by(self.reading.text)
        return named(without_looks(text, allowed), self.aliases)

    # -- how it is shown ----------------------------------------------------------------------------------------------

    def staged(self, moments: Sequence[Moment]) -> tuple[StoryScene, ...]:
        """The moments with place, light, mood, camera and motion."""
        stage = Stage(self.told, len(moments))
        return tuple(stage.scene(number, moment, moments) for number, moment in enumerate(moments))


def _event_shots(event: Event) -> tuple[Shot, ...]:
    if event.deed in (w.Deed.TRAVEL, w.Deed.CHASE, w.Deed.FLEE):
        return (Shot.TRACKING, Shot.WIDE, Shot.AERIAL, Shot.LOW, Shot.HIGH)
    if event.deed in (w.Deed.FIGHT, w.Deed.DESTROY, w.Deed.COMPETE):
        return (Shot.LOW, Shot.WIDE, Shot.DUTCH, Shot.MEDIUM)
    if event.others:
        return (Shot.TWO, Shot.SHOULDER, Shot.MEDIUM, Shot.LOW)
    if event.deed in (w.Deed.WATCH, w.Deed.SPEAK):
        return (Shot.CLOSE, Shot.MEDIUM, Shot.HIGH)
    if event.things:
        return (Shot.MEDIUM, Shot.CLOSE, Shot.HIGH, Shot.LOW)
    return (Shot.MEDIUM, Shot.WIDE, Shot.LOW, Shot.CLOSE)


def _joinable(one: Moment, other: Moment) -> bool:
    return one.agent is not None and one.agent == other.agent and other.text.lower().startswith(one.agent.the.lower())


def _together(one: Moment, other: Moment) -> Moment:
    assert other.agent is not None
    rest = other.text[len(other.agent.the):].strip()
    head = one if one.weight >= other.weight else other
    event = one.event if one.event is not None and one.event.where is not None else other.event
    text = one.text.rstrip(" .")
    if one.joined:
        text = f"{text[:one.joined]}, {text[one.joined + 5:]}"
    return replace(head, text=f"{text} and {rest}", event=event, order=one.order, at=one.at, joined=len(text))


_OUTDOORS = re.compile(r"\b(?:wind|storm|leaf|leaves|dust|birds?|tree|rain|cloud|gust|branches|air|sky|dirt|open "
                       r"ground|horizon|half buried|trees?|way(?:side)?|ground)\b", re.IGNORECASE)
_BY_CHANCE = re.compile(r"\b(?:passer-by|strangers?|crowd|people|visitor|everyone|others|door|wall|table|bell|shout|"
                        r"lamp|rubble|call out)\b", re.IGNORECASE)


def _happens_in(beat: Beat, domain: Domain) -> bool:
    """Whether a beat can be in such a place: no wind indoors or in space, no passers-by in a desert."""
    if _OUTDOORS.search(beat.text) and (domain.light != "open" or domain.name in AIRLESS):
        return False
    return not (domain.name in LONELY and _BY_CHANCE.search(beat.text))


def _same(one: Noun, other: Noun) -> bool:
    if (" and " in one.words and other.words in one.words) or (" and " in other.words and one.words in other.words):
        return True
    return one.words == other.words or (one.head == other.head and one.plural == other.plural and not one.proper)


def _shows(text: str) -> bool:
    return len(re.findall(r"[^\W\d_]{2,}", text)) >= 2


def _alike(one: str, other: str, without: frozenset[str] = frozenset()) -> float:
    mine, its = content_words(one) - without, content_words(other) - without
    return len(mine & its) / len(mine | its) if mine | its else 0.0


