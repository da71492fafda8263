"""Gives the moments of a story their places, lights, moods, shots and cameras, each unlike those before."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from . import words as w
from .board import Bible, StoryScene
from .looks import allowed_by, without_looks
from .naming import Alias
from .parts import Event, Noun, Reading
from .sentences import content_words, named, placed
from .settings import (
    ANYWHERE,
    BY_NAME,
    DOOR,
    HEART,
    HIGH,
    MOODS,
    OUT,
    QUIET,
    WIDE,
    Domain,
    light_for,
    place_kind,
    place_suggested,
    times_of,
    weather_of,
)
from .shots import Shot, camera_line

_CORNERS = {"open": WIDE, "prepare": QUIET, "meet": DOOR, "try": DOOR, "doubt": QUIET, "turn": HIGH, "deed": HEART,
            "after": HEART, "close": OUT}
_SECONDS = {"open": 5.0, "prepare": 3.0, "meet": 4.0, "try": 4.0, "doubt": 3.5, "turn": 3.0, "deed": 5.0, "after": 4.0,
            "close": 5.0}
ARC = {"open": "opening", "prepare": "development", "meet": "development", "try": "development", "doubt": "turn",
       "turn": "turn", "deed": "climax", "after": "close", "close": "close"}
"""Where in the story a phase stands; kept in the notes of a scene."""
_TOWARD = frozenset("to toward towards into onto".split())
_PASSING = _TOWARD | {"from", "through", "across", "past"}
_GROUND = re.compile(
    r"\b(?:on|in|into|over|under|among|through|across|above|below|beneath)\s+(?:[\w-]+\s+){0,2}?"
    r"(?:grass|water|waves|ground|snow|sand|ice|mud|leaves|air|sky|clouds?|stars|moonlight|sunshine|sunset|rain)\b")
"""What tells where something happens without naming a place."""
_MOVING = (w.Deed.TRAVEL, w.Deed.FLEE, w.Deed.CHASE)


@dataclass(frozen=True)
class Moment:
    """One scene to be: an event of the story or a beat between; `order` says where in time it is."""

    order: tuple[int, int, float]
    phase: str
    text: str
    shots: tuple[Shot, ...]
    weight: float
    event: Event | None = None
    at: int = 0
    """The event that it belongs to."""
    agent: Noun | None = None
    joined: int = 0
    """Where in the text the second of two events begins that are told in one sentence."""


def climax_of(moments: Sequence[Moment]) -> int:
    """The place of the weightiest of the story's moments; late ones weigh more, up to five thirds."""
    last = max(len(moments) - 1, 1)
    return max(range(len(moments)), key=lambda i: (moments[i].weight * (0.6 + 0.4 * i / last), i))


@dataclass(frozen=True)
class Told:
    """What a stage knows of a story: as read, whom it is about, what happens, and what the bible keeps."""

    reading: Reading
    bible: Bible
    aliases: tuple[Alias, ...]
    lead: Noun
    events: tuple[Event, ...]


class Stage:
    """Gives the scenes of one board their places, lights, moods and shots, each unlike those before."""

    def __init__(self, told: Told, count: int) -> None:
        self.told, self.count = told, count
        self.spots: set[str] = set()
        self.lights: set[str] = set()
        self.moods: set[str] = set()
        self.cameras: list[str] = []
        self.shots: list[Shot] = []
        self.story = told.reading.text
        self.times, self.weather = times_of(self.story), weather_of(self.story)
        self.ending = ending_of(told.reading)
        self.where: list[tuple[Domain, str, str]] = []
        self.last: tuple[str, str, str] | None = None
        self.met: list[Noun] = []

    def scene(self, number: int, moment: Moment, moments: Sequence[Moment]) -> StoryScene:
        if not self.where:
            self.where = places_of(self.told, moments)
        at = number / max(self.count - 1, 1)
        moment = replace(moment, text=self._definite(moment.text))
        phase = moment.phase if moment.phase != "deed" else self._deed_phase(number, moment, moments)
        domain, name, said = self.where[number]
        allowed = allowed_by(self.story)
        setting = said or self._spot(domain, without_looks(name, allowed) or domain.default, phase)
        setting = named(without_looks(setting, allowed), self.told.aliases) or f"in {domain.default}"
        self.last = (name, phase, setting)
        self.spots.add(setting)
        shot = self._shot(moment, number)
        camera = camera_line(shot, self.cameras)
        light = light_for(domain.light if setting.split()[0] not in ("outside", "before") or domain.light != "room"
                          else "open", at, self._times_at(moment), self.weather, self.lights)
        self.shots.append(shot)
        self.cameras.append(camera)
        self.lights.add(light)
        mood = self._mood(phase, at)
        front = not said and (number % 3 != 1 or "," in moment.text or len(moment.text.split()) > 12)
        description = named(placed(moment.text, "" if said and self._tells_place(moment) else setting, front=front),
                            self.told.aliases)
        return StoryScene(
            frame=number + 1, description=description, camera=camera, mood=mood, setting=setting, lighting=light,
            action=moment.text, characters=self._characters(description), motion="", seconds=_SECONDS[phase],
            notes=(ARC[phase],))

    def _deed_phase(self, number: int, moment: Moment, moments: Sequence[Moment]) -> str:
        """Where in the arc an event of the story stands: the weightiest is the climax."""
        deeds = [m for m in moments if m.phase == "deed"]
        climax = climax_of(deeds)
        place = next((i for i, m in enumerate(deeds) if m.order == moment.order), 0)
        if place == climax or len(deeds) == 1:
            return "deed"
        if place == 0:
            return "open" if number == 0 else "meet"
        if place > climax:
            return "close" if number == self.count - 1 else "after"
        share = place / max(climax, 1)
        return "prepare" if share < 0.4 else ("try" if share < 0.7 else "turn")

    def _definite(self, text: str) -> str:
        """"the" instead of "a" before whom and what an earlier scene has shown."""
        everyone = (*self.told.reading.cast, *self.told.reading.things, *(p for _,
            p in self.told.reading.places))
        for noun in self.met:
            text = re.sub(rf"(?<!\w)an? (?=(?:[\w-]+ )?{re.escape(noun.words)}(?!\w))", "the ", text)
        lowered = " ".join([text.lower(), *([self.where[0][1].lower()] if not self.met and self.where else [])])
        self.met += [n for n in everyone if not n.plural and not n.proper and n not in self.met
                     and n.words.lower() in lowered]
        return text

    def _tells_place(self, moment: Moment) -> bool:
        if re.search(r"\bhome\b", moment.text):
            return True
        return moment.event is not None and moment.event.where is not None and \
            moment.event.where.head.lower() in moment.text.lower()

    def _spot(self, domain: Domain, name: str, phase: str) -> str:
        wanted = _CORNERS[phase]
        near, before, setting = self.last or ("", "", "")
        if near == name and phase in ("doubt", "after") and before in ("meet", "try", "deed") and (
                setting.split()[0].lower() not in _PASSING):
            return setting
        kept = {HEART, OUT, WIDE}  # for the deed, the way out and the opening
        roles = [wanted, *(role for role in (QUIET, DOOR, HIGH) if role != wanted)]
        if phase in ("after", "close"):
            roles += [role for role in (HEART, OUT) if role != wanted]
        options = [text.replace("{P}", name) for role in roles for r, text in domain.spots if r == role]
        again = setting if near == name and setting in options and wanted not in kept else options[0]
        return next((text for text in options if text not in self.spots), again)

    def _shot(self, moment: Moment, number: int) -> Shot:
        wanted = [*moment.shots, Shot.MEDIUM, Shot.CLOSE, Shot.LOW, Shot.WIDE]
        if self.where[number][0].light in ("room", "cave"):
            wanted = [shot for shot in wanted if shot is not Shot.AERIAL]
        if len(self.told.reading.cast) < 2 and not moment.event:
            wanted = [shot for shot in wanted if shot not in (Shot.TWO, Shot.SHOULDER)] or [Shot.MEDIUM]

        def cost(shot: Shot) -> float:
            again = self.shots.count(shot)
            return (6 if self.shots[-1:] == [shot] else 0) + 2.1 * again + wanted.index(shot) * (
                0.8 if shot in moment.shots else 1.2)


        return min(dict.fromkeys(wanted), key=cost)

    def _times_at(self, moment: Moment) -> frozenset[str]:
        """The time of day that the story states at a moment, or for all of it where it states one."""
        if len(self.told.reading.sentences) <= 1:
            return self.times
        sentences = self.told.reading.sentences
        events = self.told.events
        until = events[moment.at].sentence if moment.at < len(events) else len(sentences) - 1
        for number in range(min(until, len(sentences) - 1), -1, -1):
            found = times_of(sentences[number])
            if found:
                return found
        return frozenset()

    def _mood(self, phase: str, at: float) -> str:
        kind = phase if phase != "close" else self.ending
        options = [*MOODS[kind], *(MOODS["after"] if at > 0.7 else MOODS["try"]), *MOODS["meet"], *MOODS["prepare"],
                   *MOODS["doubt"], *MOODS["turn"], *MOODS["open"]]
        mood = next((mood for mood in options if mood not in self.moods), options[0])
        self.moods.add(mood)
        return mood

    def _characters(self, text: str) -> tuple[str, ...]:
        found = []
        for character in self.told.bible.characters:
            shown = character.token or character.name
            if shown and re.search(rf"(?<![\w-]){re.escape(shown)}(?![\w-])", text, re.IGNORECASE):
                found.append(character.name)
        return tuple(dict.fromkeys(found))


def places_of(told: Told, moments: Sequence[Moment]) -> list[tuple[Domain, str, str]]:
    """For each moment the kind of place, its name, and the story's own words for it where it says them."""
    now = _first_place(told, moments)
    found: list[tuple[Domain, str, str]] = []
    events = [m.event for m in moments]
    for number, event in enumerate(events):
        if event is not None and event.where is not None:
            prep, noun = event.place.split()[0], event.where
            domain = place_kind(noun.head) or ANYWHERE
            arriving = prep in _TOWARD and event.deed in (w.Deed.TRAVEL, w.Deed.FLEE, w.Deed.CHASE, w.Deed.OTHER)
            now = (domain, noun.the)
            found.append((domain, noun.the, event.place if not arriving else f"on the way to {noun.the}"))
        else:
            coming = next((e for e in events[number + 1:] if e is not None), None)
            if event is None and coming is not None and coming.where is not None and (
                    coming.place.split()[0] not in _TOWARD | {"from", "through", "across"}
                    or coming.deed not in _MOVING):
                now = (place_kind(coming.where.head) or ANYWHERE, coming.where.the)
            home = event is not None and re.search(r"\bhome\b", event.rest)
            ground = event is not None and _GROUND.search(event.rest)
            found.append((*now, "on the way home" if home else ground.group() if ground else ""))
            if home:
                now = (BY_NAME["home"], BY_NAME["home"].default)
    return found

def _first_place(told: Told, moments: Sequence[Moment]) -> tuple[Domain, str]:
    known = [place.name.strip() for place in told.bible.places if place.name.strip()]
    mine = next((name for name in known if name.lower() in told.reading.text.lower()), "")
    if not mine and len(known) == 1 and not told.reading.places:
        mine = known[0]
    if mine:
        return place_kind(mine.split()[-1].lower()) or ANYWHERE, mine
    first = next((m.event for m in moments if m.event is not None and m.event.where is not None), None)
    if first is not None and first.where is not None and first is told.events[0] and (
            first.place.split()[0] not in _TOWARD - {"into"} or first.deed not in _MOVING):
        return place_kind(first.where.head) or ANYWHERE, first.where.the
    origin = next((n for prep, n in told.reading.places if prep == "from"), None)
    if origin is not None:
        return place_kind(origin.head) or ANYWHERE, origin.the
    later = {m.event.where for m in moments if m.event is not None and m.event is not told.events[0]} if len(
        told.events) > 1 else set()
    loose = next((n for prep, n in told.reading.places if prep not in _TOWARD and prep != "from"
                  and n not in later), None)
    if loose is not None:
        return place_kind(loose.head) or ANYWHERE, loose.the
    left = {"sail": "sea", "row": "sea", "swim": "shore"}
    for event in told.events:
        if event.verb in left:
            return BY_NAME[left[event.verb]], BY_NAME[left[event.verb]].default
    suggesting: list[str] = [told.lead.head] * 2
    for event in told.events:
        suggesting += [event.agent.head if event.agent else "", *(n.head for n in event.objects), event.verb]
    suggesting += [n.head for n in (*told.reading.cast, *told.reading.things)]
    suggesting += re.findall(r"[a-z]+", told.reading.text.lower().replace("ice cream", ""))
    domain = place_suggested(suggesting)
    return domain, domain.default


_SAD = frozenset("collapse lose die cry weep war sink funeral forget miss never lost grief abandon leave death grave "
                 "empty shark".split())
_DARK = frozenset("ghost haunt monster kill murder vampire curse scream blood shadow nightmare darkness zombie demon "
                  "footstep pale".split())
_WONDER = frozenset("star moon magic magical dream space planet universe wonder discover aurora dragon whale dinosaur "
                    "fairy firefly".split())


def ending_of(reading: Reading) -> str:
    """How a story ends: "joy", "sorrow", "wry", "awe" or "dark", by its last deeds and its words."""
    deeds = [event.deed for event in reading.events]
    last = content_words(reading.sentences[-1]) if reading.sentences else frozenset()
    every = content_words(reading.text)
    if deeds and deeds[-1] in (w.Deed.RESCUE, w.Deed.LOVE, w.Deed.COMPETE, w.Deed.MEET, w.Deed.GIVE):
        return "joy"
    if w.Deed.TRICK in deeds or every & {"trickster", "thief", "conman", "trick", "swindler"} or (
            w.Deed.STEAL in deeds and not every & _DARK):
        return "wry"
    if every & _DARK:
        return "dark"
    if last & _SAD:
        return "sorrow"
    return "awe" if every & _WONDER else "joy"
