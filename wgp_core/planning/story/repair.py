"""Repairs what breaks a rule, by rule, with as little change as can be, and says what was changed.

Words are replaced or cut out first; a scene that cannot be kept gives way to one of the rule planner's; at the very end
the whole board does. After it every rule holds for boards of up to `MOST_SCENES` scenes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from .board import LEAST_SECONDS, MOST_SECONDS, Bible, Repair, StoryScene, renumbered
from .grammar import Planner
from .looks import allowed_by, looks_in, without_looks
from .naming import aliases_of, known_names, misnamed, pronoun_first, use_tokens
from .reader import read_story
from .rules import (
    MOST_COSINE,
    Breach,
    Embed,
    Rule,
    check,
    described_looks,
    overlap,
    says_light,
    says_mood,
    says_setting,
    told,
)
from .rules import cast_words as words_of_cast
from .sentences import acts, placed
from .shots import MOVES as MOVE_WORDS
from .shots import SUITED, Shot, camera_line, least_kinds, movement_of, shot_of

MOST_LETTERS = 600
"""Of a field; what a model writes beyond is cut at a word."""
_ROUNDS = 4
_ENTRANCES = ("waves from a distance", "lights a small lamp", "kneels down and listens", "climbs a few steps",
              "opens a gate", "points to something far away", "runs across the ground", "draws a circle with one foot")
"""What a character does whom no scene has shown."""


def repair(scenes: Sequence[StoryScene], bible: Bible | None = None, *, story: str = "",
           embed: Embed | None = None) -> tuple[tuple[StoryScene, ...], tuple[Repair, ...]]:
    """The scenes with every rule kept, and what was changed. Scenes that break nothing stay as they are."""
    mender = _Mender(list(renumbered(scenes)), bible or Bible(), story, embed)
    return mender.mend()


class _Mender:
    """One board under repair."""

    def __init__(self, scenes: list[StoryScene], bible: Bible, story: str, embed: Embed | None) -> None:
        self.scenes, self.bible, self.story, self.embed = scenes, bible, story, embed
        self.reading = read_story(story, known_names(bible))
        self.aliases = aliases_of(bible, self.reading)
        self.allowed = allowed_by(story)
        self.planner = Planner(self.reading, bible, self.aliases)
        self.done: list[Repair] = []
        self._planned: tuple[StoryScene, ...] | None = None
        self._spares: list[str] | None = None

    @property
    def planned(self) -> tuple[StoryScene, ...]:
        """The rule planner's own board of the same length."""
        if self._planned is None:
            self._planned = self.planner.scenes(len(self.scenes))
        return self._planned

    def mend(self) -> tuple[tuple[StoryScene, ...], tuple[Repair, ...]]:
        self._tidy()
        for round_ in range(_ROUNDS):
            breaches = self._check()
            if not breaches:
                break
            if round_ == _ROUNDS - 2:
                for at in sorted({b.frame - 1 for b in breaches if b.frame}):
                    self._replace(at, breaches[0].rule, "replaced by a scene of the planner")
            self._by_scene(breaches)
            self._by_board()
        else:
            if self._check():
                self._start_over()
        self._tidy()
        return tuple(self.scenes), tuple(self.done)

    def _check(self) -> tuple[Breach, ...]:
        return check(self.scenes, self.bible, story=self.story, embed=self.embed)

    # -- scene by scene -----------------------------------------------------------------------------------------------

    def _tidy(self) -> None:
        """Single spaces and sane lengths; nobody needs to be told."""
        for at, scene in enumerate(self.scenes):
            texts = {name: _short(getattr(scene, name)) for name in (
                "description", "camera", "mood", "setting", "lighting", "action", "motion")}
            seconds = scene.seconds if scene.seconds == scene.seconds else 4.0
            self.scenes[at] = replace(scene, seconds=min(max(seconds, LEAST_SECONDS), MOST_SECONDS), **texts)

    def _by_scene(self, breaches: Sequence[Breach]) -> None:
        for breach in breaches:
            at = breach.frame - 1
            if at < 0:
                continue
            if breach.rule is Rule.TOKEN:
                self._name(at)
            elif breach.rule is Rule.LOOKS:
                self._undress(at)
            elif breach.rule is Rule.LIGHT_AND_MOOD:
                self._light(at)
            elif breach.rule is Rule.ACTION:
                self._act(at)

    def _name(self, at: int) -> None:
        """Tokens for characters; a pronoun at the beginning gives way to the one whom the story is about."""
        scene = self.scenes[at]
        changed: dict[str, str] = {}
        for name in ("description", "action", "setting", "motion"):
            text = use_tokens(getattr(scene, name), self.aliases)
            if name in ("description", "action") and pronoun_first(text):
                text = re.sub(r"\A\W*(?:he|she|they|him|her)\b", self._lead(), text, count=1, flags=re.IGNORECASE)
                text = text[:1].upper() + text[1:] if "_" not in text.split(" ", 1)[0] else text
            if text != getattr(scene, name):
                changed[name] = text
        if changed:
            self._change(at, Rule.TOKEN, "characters are called by their names and tokens", **changed)
        scene = self.scenes[at]
        absent = {a.character.name for a in self.aliases if a.character.name in scene.characters
                  and a.character.token not in scene.description}
        if absent:
            rest = tuple(name for name in scene.characters if name not in absent)
            self._change(at, Rule.TOKEN, f"{', '.join(sorted(absent))} taken from the list of those who are seen",
                         characters=rest)
        scene = self.scenes[at]
        if any(misnamed(getattr(scene, f), self.aliases) for f in ("description", "action", "setting", "motion")):
            self._replace(at, Rule.TOKEN, "replaced: characters could not be named")

    def _lead(self) -> str:
        text = use_tokens(self.planner.lead.the, self.aliases)
        return text[:1].upper() + text[1:] if "_" not in text else text

    def _undress(self, at: int) -> None:
        scene = self.scenes[at]
        words: list[str] = []
        changed: dict[str, str] = {}
        for name in ("description", "action", "setting", "motion", "mood"):
            text = getattr(scene, name)
            allowed = self.allowed | described_looks(self.bible) if name == "motion" else self.allowed
            found = looks_in(text, allowed)
            if found:
                words += found
                changed[name] = _ended(without_looks(text, allowed), text)
        self._change(at, Rule.LOOKS, f"taken out: {', '.join(dict.fromkeys(words))}", **changed)

    def _light(self, at: int) -> None:
        scene, plan = self.scenes[at], self.planned[at]
        if not says_light(scene.lighting):
            self._change(at, Rule.LIGHT_AND_MOOD, f"lighting set: {plan.lighting}", lighting=plan.lighting)
        if not says_mood(scene.mood):
            self._change(at, Rule.LIGHT_AND_MOOD, f"mood set: {plan.mood}", mood=plan.mood)

    def _act(self, at: int) -> None:
        scene = self.scenes[at]
        if not scene.action.strip() and scene.description.strip() and acts(scene.description):
            pass
        elif not acts(told(scene)) and acts(scene.description):
            self._change(at, Rule.ACTION, "the action is taken from the description",
                         action=_first_acting(scene.description))
        elif acts(scene.action) and not scene.description.strip():
            self._change(at, Rule.ACTION, "the description is made of action and setting",
                         description=placed(scene.action, scene.setting))
        elif not acts(told(scene)) or not scene.description.strip():
            self._replace(at, Rule.ACTION, "replaced: it showed no action")
        if not says_setting(self.scenes[at].setting):
            setting = self._setting_near(at)
            self._change(at, Rule.ACTION, f"setting set: {setting}", setting=setting)

    def _setting_near(self, at: int) -> str:
        """The setting of the scene before where there is one, else the planner's."""
        before = self.scenes[at - 1].setting if at else ""
        return before if says_setting(before) and not looks_in(before, self.allowed) else self.planned[at].setting

    # -- the whole board ----------------------------------------------------------------------------------------------

    def _by_board(self) -> None:
        for breach in self._check():
            if breach.rule is Rule.PROGRESS and breach.frame:
                self._replace(breach.frame - 1, Rule.PROGRESS, f"replaced: {breach.reason.split(';')[0]}")
        self._show_everybody()
        self._cameras()

    def _show_everybody(self) -> None:
        """Every character with a token is seen at least once."""
        for alias in self.aliases:
            token = alias.character.token
            if any(token in scene.description for scene in self.scenes):
                continue
            place = next((i for i, plan in enumerate(self.planned) if token in plan.description), None)
            if place is not None:
                self._take(place, self.planned[place], Rule.TOKEN, f"replaced, so that {token} is seen")
            else:
                at = self._room_for(token)
                others = [told(scene) for i, scene in enumerate(self.scenes) if i != at]
                verb = next((v for v in _ENTRANCES if self._new(f"{token} {v}", others)), _ENTRANCES[0])
                plan = self.planned[at]
                action = f"{token} {verb}"
                self._take(at, replace(plan, action=action, description=placed(action, plan.setting),
                                       characters=(alias.character.name,)), Rule.TOKEN,
                                       f"replaced, so that {token} is seen")

    def _room_for(self, token: str) -> int:
        """A place behind the first that shows nobody else with a token, or one who is seen elsewhere too."""
        texts = [scene.description for scene in self.scenes]
        tokens = [alias.character.token for alias in self.aliases if alias.character.token != token]
        free = [i for i in range(1, len(texts)) if all(
            each not in texts[i] or sum(each in text for text in texts) > 1 for each in tokens)]
        return (free or [len(texts) - 1])[0]

    def _cameras(self) -> None:
        """Another shot for a third in a row, for a camera that names none, and where kinds are missing."""
        for at, scene in enumerate(self.scenes):
            shots = [shot_of(s.camera) for s in self.scenes]
            if shots[at] is None or (at > 1 and shots[at] == shots[at - 1] == shots[at - 2]):
                self._shoot(at, scene)
        while True:
            shots = [shot_of(scene.camera) for scene in self.scenes]
            kinds = {shot for shot in shots if shot is not None}
            if len(kinds) >= least_kinds(len(self.scenes)):
                return
            most = max(range(len(shots)), key=lambda i: (shots.count(shots[i]), i))
            self._shoot(most, self.scenes[most])

    def _shoot(self, at: int, scene: StoryScene) -> None:
        shots = [shot_of(s.camera) for s in self.scenes]
        near = {shots[i] for i in range(max(at - 2, 0), min(at + 3, len(shots))) if i != at}
        plan = shot_of(self.planned[at].camera)
        order = [*([plan] if plan else []), Shot.MEDIUM, Shot.CLOSE, Shot.WIDE, Shot.LOW, Shot.HIGH, Shot.TRACKING,
                 Shot.POV, Shot.INSERT, Shot.AERIAL]
        free = [shot for shot in order if shot not in near and shot is not shots[at]]
        unused = [shot for shot in free if shot not in shots]
        shot = (unused or free)[0]
        move = movement_of(scene.camera)
        suited = move in SUITED[shot] and scene.camera.strip()
        camera = f"{shot.value}, {MOVE_WORDS[move]}" if suited else camera_line(shot,
            [s.camera for s in self.scenes[:at]])
        self._change(at, Rule.CAMERA, f"shot set: {shot.value}", camera=camera)

    # -- changes ------------------------------------------------------------------------------------------------------

    def _change(self, at: int, rule: Rule, what: str, **fields: object) -> None:
        before = "; ".join(f"{name}: {value}" for name in fields if (value := getattr(self.scenes[at], name)))
        self.scenes[at] = replace(self.scenes[at], **fields)  # type: ignore[arg-type]
        self.done.append(Repair(at + 1, rule.value, what, before))

    def _take(self, at: int, scene: StoryScene, rule: Rule, what: str) -> None:
        before = self.scenes[at].description
        kept = self.scenes[at].camera if shot_of(self.scenes[at].camera) else scene.camera
        self.scenes[at] = replace(scene, frame=at + 1, camera=kept)
        self.done.append(Repair(at + 1, rule.value, what, before))

    def _replace(self, at: int, rule: Rule, what: str) -> None:
        """The planner's scene for this place in the story, or the first of its others that tells something new."""
        plan = self.planned[at]
        others = [told(scene) for i, scene in enumerate(self.scenes) if i != at]
        order = sorted(range(len(self.planned)), key=lambda i: (abs(i - at), i))
        texts = [self.planned[i].action for i in order if abs(i - at) <= 1] + self._more()
        for text in texts:
            if acts(text) and self._new(text, others):
                description = placed(text, plan.setting)
                mine = next((p for p in self.planned if p.action == text), None)
                self._take(at, mine or replace(plan, action=text, description=description,
                                               characters=self._seen(description)), rule, what)
                return
        self._take(at, plan, rule, what)

    def _seen(self, text: str) -> tuple[str, ...]:
        return tuple(c.name for c in self.bible.characters if (c.token or c.name) in text)

    def _more(self) -> list[str]:
        """Sentences that may stand anywhere in the story."""
        if self._spares is None:
            self._spares = [moment.text for moment in self.planner.spares()]
        return self._spares

    def _new(self, text: str, others: Sequence[str]) -> bool:
        cast = words_of_cast(self.reading)
        if any(overlap(text, other, cast) >= 0.5 for other in others):
            return False
        if self.embed is None:
            return True
        vectors = self.embed([text, *others])
        return bool((vectors[1:] @ vectors[0] < MOST_COSINE).all())

    def _start_over(self) -> None:
        """The planner's board in the place of all scenes; its own breaches are mended as any others."""
        before = len(self.scenes)
        self.scenes = list(self.planned)
        self.done.append(Repair(0, "board", f"all {before} scenes replaced by the planner's"))
        for _ in range(_ROUNDS):
            breaches = self._check()
            if not breaches:
                return
            self._by_scene(breaches)
            self._by_board()


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MOST_LETTERS else text[:MOST_LETTERS].rsplit(" ", 1)[0].rstrip(" ,;:")


def _ended(text: str, before: str) -> str:
    """With the mark that ended it before, and a capital where it had one."""
    if text and before.rstrip()[-1:] in ".!?" and text[-1] not in ".!?":
        text += before.rstrip()[-1]
    return text[:1].upper() + text[1:] if text and before[:1].isupper() and "_" not in text.split(" ", 1)[0] else text


def _first_acting(description: str) -> str:
    """The first part of a description in which something happens."""
    for part in re.split(r"(?<=[.!?])\s+", description):
        if acts(part):
            return part.strip(" .!?")
    return description
