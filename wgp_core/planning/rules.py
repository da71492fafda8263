"""Plans without a language model: statements are shared out to the beats of a framework, as many as the time allows.

Nothing is invented. A beat that no statement suits is left out, or asks its question where there are no statements at
all; subjects that the local engine knows by itself keep their own scenes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ..engines.explainer.pages.notation import write_list
from ..engines.explainer.topic_text import topic_title
from ..request import Cue, SceneKind, ScenePlan
from .beats import BEATS, RECAP_LABEL, Beat
from .brief import Framework, PlanBrief, Planned
from .material import Role, Statement, formula_of, roles_of, shares_words, statements_of
from .pages import bears_cutting, need_s, scene_of, shortened, title_scene

Embed = Callable[[list[str]], Any]
"""Texts to an array (n, d) of unit vectors."""

TITLE_FROM_S, RECAP_FROM_S = 9.0, 45.0
SCENE_S = 8.0
"""What a scene lasts on the whole; a plan has one for each such stretch, and its opening."""
MOST_IN_SCENE = 3
LEAST_SUIT, LEAST_FIRST = 0.35, 0.28
"""How well a statement must suit a beat; the beat's first one may suit it a little less."""
HOOK_FROM_S, HOOK_CHARS = 16.0, 120
SLOW = 2.6
"""Scenes stretched beyond this many times their reading time are worth a warning."""
LONGEST_S, OPENING_S = 120.0, (2.0, 4.0)
RECAP_SHARE = 0.16
LIST_SHARE = 0.5
"""Share of the time beyond which a list is shortened."""
_NOUN_ENDS = re.compile(r"\s(?:that|which|who|whose|of|in|on|at|by|for|from|to|with|without|under|over)\s", re.I)
"""What comes after it tells more of the noun before it."""
HASTE = 0.18
"""Share of the time by which reading may take longer than there is."""
PLAIN = 0.5
"""Highest worth for any role of a statement that could stand in any beat."""
RECAP_PURPOSE = "Recap: what was said, once more"


def plan_by_rules(brief: PlanBrief, cues: Iterable[Cue], *, embed: Embed | None = None) -> Planned:
    """A plan whose seconds add up to the brief's. Every cue is used at most once, and once more in a recap.

    `embed` tells whether a topic that has a known subject's keyword really means it. Raises `RequestError`.
    """
    return plan_statements(brief, statements_of(cues), embed=embed)


def plan_statements(brief: PlanBrief, statements: Sequence[Statement], *, embed: Embed | None = None) -> Planned:
    """The same from statements that know their heading and what they are worth."""
    brief.check()
    known = _known_scenes(brief, embed)
    if not statements and not known:
        return Planned(timed(_questions(brief), brief.seconds))
    desk = _Desk(brief, list(statements), known)
    desk.share_out()
    scenes = desk.scenes()
    return Planned(timed(scenes, brief.seconds), warnings=_warnings(scenes, brief))


def plain_topic(brief: PlanBrief) -> str:
    """The topic as a title: without "explain how" and the like."""
    return topic_title(brief.topic)


# -- sharing statements out -----------------------------------------------------------------------------------------


@dataclass
class _Draft:
    """A scene in the making, and the seconds that it needs."""

    beat: Beat
    statements: list[Statement] = field(default_factory=list)
    need: float = 0.0
    tight: bool = False


class _Desk:
    """Shares the time and the statements out among beats."""

    def __init__(self, brief: PlanBrief, statements: list[Statement], known: list[ScenePlan]) -> None:
        self.brief = brief
        self.topic = plain_topic(brief)
        self.beats = BEATS[brief.framework]
        self.roles = {id(statement): roles_of(statement, self.topic) for statement in statements}
        self.pool = statements
        self.hook = self._hook() if brief.seconds >= HOOK_FROM_S else None
        self.known = known
        self.with_title = brief.seconds >= TITLE_FROM_S and brief.scenes != 1
        self.recap_wanted = brief.seconds >= RECAP_FROM_S and brief.scenes not in (1, 2)
        self.left = brief.seconds - sum(need_s(scene) for scene in known)
        if self.with_title:
            self.left -= need_s(self._opening())
        if self.recap_wanted:
            self.left -= RECAP_SHARE * brief.seconds
        most = brief.scenes or self.with_title + math.ceil(brief.seconds / SCENE_S)
        self.room = max(most - self.with_title - self.recap_wanted - len(known), 1)
        self.drafts: list[_Draft] = []

    def share_out(self) -> None:
        """A first statement for each beat, then further scenes and further statements while time lasts."""
        self._open_scenes()
        while len(self.drafts) < self.room and self._open_another():
            pass
        while self._grow():
            pass
        self._keep_the_authors_order()
        for draft in self.drafts:  # a list that was shortened gets its words back where time was left over
            full = need_s(scene_of(draft.beat, draft.statements, self.topic), tight=True)
            if draft.tight and full - draft.need <= self.left:
                self.left -= full - draft.need
                draft.tight, draft.need = False, full

    def scenes(self) -> list[ScenePlan]:
        """Opening, beats in their order with known scenes where the mechanism is, and the recap."""
        made: list[ScenePlan] = [self._opening()] if self.with_title else []
        inserted = not self.known
        for beat in self.beats:
            drafts = sorted((d for d in self.drafts if d.beat is beat), key=lambda d: d.statements[0].place)
            for draft in drafts:
                made.append(scene_of(beat, draft.statements, self.topic, [scene.title for scene in made],
                                     tight=draft.tight))
            if not inserted and (beat is self.beats[0] or beat.name == "interest"):
                made += self.known
                inserted = True
        if self.recap_wanted:
            recap = recap_scene(self.drafts_in_order(), RECAP_SHARE * self.brief.seconds)
            made += [recap] if recap else []
        return made

    def _opening(self) -> ScenePlan:
        """The topic, under it a question or a striking sentence of the documents, else the first beat's question."""
        if self.hook is None:
            wanted = self.brief.framework is Framework.ACADEMIC and self.brief.seconds >= HOOK_FROM_S
            return title_scene(self.topic, question_of(self.beats[0], self.topic) if wanted and _names(self.topic)
                               else "")
        return title_scene(self.topic, self.hook.text, self.hook.cues, self.hook.text)

    def _hook(self) -> Statement | None:
        """A question about the topic that the documents ask themselves; questions are taken out of the pool."""
        questions = [s for s in self.pool if s.text.endswith("?")]
        self.pool = [s for s in self.pool if not s.text.endswith("?")]
        fitting = [s for s in questions if len(s.text) <= HOOK_CHARS and shares_words(s.text, self.topic) > 0]
        return max(fitting, key=lambda s: s.worth, default=None)

    def drafts_in_order(self) -> list[list[Statement]]:
        return [draft.statements for beat in self.beats
                for draft in sorted((d for d in self.drafts if d.beat is beat), key=lambda d: d.statements[0].place)]

    def _open_scenes(self) -> None:
        """Beats by priority and by what there is for them, each with the statement that suits it best."""
        best = {beat.name: max((self._suit(s, beat) for s in self.pool), default=0.0) for beat in self.beats}
        waiting = sorted(self.beats, key=lambda beat: 0.5 * beat.priority - best[beat.name])
        while waiting and self.pool and len(self.drafts) < self.room:
            self._open(waiting.pop(0), LEAST_FIRST)
        if not self.drafts and self.pool and not self.known:  # something is known: it is said, whatever it suits
            self._open(max(self.beats, key=lambda beat: best[beat.name]), -math.inf)

    def _open_another(self) -> bool:
        """A second scene for the beat that what is left suits best."""
        ranked = sorted(((max((self._suit(s, beat) for s in self.pool), default=0.0), -i, beat)
                         for i, beat in enumerate(self.beats)), key=lambda each: (-each[0], -each[1]))
        return any(self._open(beat, LEAST_SUIT) for worth, _, beat in ranked if worth >= LEAST_SUIT)

    def _open(self, beat: Beat, least: float) -> bool:
        ranked = sorted(self.pool, key=lambda s: -self._suit(s, beat, rivals=True))
        for statement in ranked[:6]:
            if self._suit(statement, beat) < least:
                break
            draft = _Draft(beat)
            if self._put(draft, statement):
                self.drafts.append(draft)
                return True
        return False

    def _grow(self) -> bool:
        """One more statement for the scene that it suits best; True where one was put."""
        options = [(self._suit(s, draft.beat) + self._near(s, draft), draft, s) for draft in self.drafts
                   for s in self.pool if len(draft.statements) < MOST_IN_SCENE and self._joins(s, draft)]
        options.sort(key=lambda each: -each[0] + 0.5 * len(each[1].statements))
        return any(worth >= LEAST_SUIT and self._put(draft, statement) for worth, draft, statement in options[:40])

    def _put(self, draft: _Draft, statement: Statement) -> bool:
        """Add a statement where the time allows it; the very first one always finds a place."""
        statements = sorted([*draft.statements, statement], key=lambda s: s.place)
        if draft.statements:  # what opens a scene stays first where it defines
            first = draft.statements[0]
            if self.roles[id(first)].get(Role.DEFINITION, 0) >= 1.5:
                statements = [first, *(s for s in statements if s is not first)]
        for tight in (False, True) if statement.listed and bears_cutting(statement) else (False,):
            need = self._need(draft.beat, statements, tight)
            if not tight and statement.numbered and need > LIST_SHARE * self.brief.seconds:
                continue
            if need - draft.need <= self.left + HASTE * self.brief.seconds or not (self.drafts or self.known):
                self.left -= need - draft.need
                draft.statements, draft.need, draft.tight = statements, need, tight
                self.pool.remove(statement)
                return True
        return False

    def _need(self, beat: Beat, statements: list[Statement], tight: bool) -> float:
        return need_s(scene_of(beat, statements, self.topic, tight=tight), tight=tight)

    def _keep_the_authors_order(self) -> None:
        """Statements of one section that suit no beat more than another change places until they stand as they were
        written: what happens first is told first."""
        ordered = [draft for beat in self.beats for draft in sorted(
            (d for d in self.drafts if d.beat is beat), key=lambda d: d.statements[0].place)]
        sections: dict[tuple[str, str], list[tuple[_Draft, int]]] = {}
        for draft in ordered:
            for i, statement in enumerate(draft.statements):
                if self._plain(statement):
                    sections.setdefault((statement.place[0], statement.heading), []).append((draft, i))
        for places in sections.values():
            told = sorted((draft.statements[i] for draft, i in places), key=lambda s: s.place)
            for (draft, i), statement in zip(places, told, strict=True):
                draft.statements[i] = statement
        for draft in ordered:
            self.left += draft.need
            draft.need = self._need(draft.beat, draft.statements, draft.tight)
            self.left -= draft.need

    def _plain(self, statement: Statement) -> bool:
        """Whether no role stands out: it tells a fact, and any beat would do."""
        roles = self.roles[id(statement)]
        return not statement.listed and all(worth <= PLAIN for role, worth in roles.items() if role is not Role.FACT)

    def _suit(self, statement: Statement, beat: Beat, *, rivals: bool = False) -> float:
        """How well a statement suits a beat: its roles, times what it is worth for the topic."""
        roles = self.roles[id(statement)]
        suits = sum(roles.get(role, 0.0) * weight for role, weight in beat.wants.items())
        if rivals:
            others = [sum(roles.get(role, 0.0) * weight for role, weight in other.wants.items())
                      for other in self.beats if other is not beat]
            suits -= 0.4 * max(max(others, default=0.0) - suits, 0.0)
        return statement.worth * (0.35 + suits)

    @staticmethod
    def _near(statement: Statement, draft: _Draft) -> float:
        """A bonus for statements of the same part of a document."""
        if any(s.passage and s.passage == statement.passage and abs(s.place[2] - statement.place[2]) <= 2
               for s in draft.statements):
            return 0.6
        first = draft.statements[0]
        if statement.heading and statement.heading == first.heading:
            return 0.3
        return 0.1 if statement.place[:2] == first.place[:2] else 0.0

    @staticmethod
    def _joins(statement: Statement, draft: _Draft) -> bool:
        """Lists and formulas have a scene to themselves."""
        return not statement.listed and not draft.statements[0].listed and not any(
            formula_of(s.text) for s in (statement, *draft.statements))


# -- opening, recap, questions, known subjects ------------------------------------------------------------------------


def recap_scene(groups: Sequence[Sequence[Statement]], seconds: float = LONGEST_S) -> ScenePlan | None:
    """The leading statements of the scenes once more, shortened, with their pages: as many as can be read in `seconds`.

    None where there are fewer than two.
    """
    leading = [max(group, key=lambda s: s.worth - max(len(s.text) - 100, 0) / 150) for group in groups
               if group and not group[0].listed][:5]
    while len(leading) >= 2:
        points = [shortened(statement.cues[0].text, 100) for statement in leading]
        narration = " ".join(point if point.endswith((".", "…", "!", "?")) else f"{point}." for point in points)
        made = ScenePlan(RECAP_LABEL, SceneKind.SUMMARY, purpose=RECAP_PURPOSE, narration=narration,
                         visual=write_list(points), cues=tuple(dict.fromkeys(s.cues[0] for s in leading)))
        if need_s(made) <= seconds or len(leading) == 2:
            return made
        leading.remove(min(leading, key=lambda s: s.worth))
    return None


def _questions(brief: PlanBrief) -> list[ScenePlan]:
    """Where nothing is known of the topic: its name, and the questions that the framework asks."""
    topic = plain_topic(brief)
    beats = BEATS[brief.framework]
    most = brief.scenes or max(1, min(len(beats) + 1, int(brief.seconds / 2.5)))
    scenes = [title_scene(topic)]
    if re.match(r"(?:who|when|where|which|whose)\b", topic, re.IGNORECASE):
        return scenes
    for beat in beats:
        question = question_of(beat, topic)
        if question.lower() != topic.lower() and len(scenes) < most:
            scenes.append(ScenePlan(question, SceneKind.TITLE, purpose=beat.purpose, camera=beat.camera))
    return scenes


def question_of(beat: Beat, topic: str) -> str:
    """The beat's question about the topic; where the topic is a question itself, what is left to ask."""
    if "{topic}" not in beat.question:
        return beat.question
    if not _names(topic):
        return "What is it about?"
    head = _NOUN_ENDS.split(topic)[0].split()[-1].lower()
    many = head.endswith("s") and not head.endswith(("ss", "us", "is", "ics"))
    question = beat.question.replace("{topic}", topic[:1].lower() + topic[1:] if topic[1:2].islower() else topic)
    return question.replace("What is ", "What are ", 1) if many else question


def _names(topic: str) -> bool:
    """Whether the topic is a name of one thing, which "What is ...?" can be asked of."""
    return len(topic.split()) <= 5 and not topic.endswith("?") and not re.search(
        r"^(?:how|why|what|when|where|who|which|whether)\b|\b(?:and|or|vs|versus|compared|is|are|was|were)\b|[,;:]",
        topic, re.IGNORECASE)


def _known_scenes(brief: PlanBrief, embed: Embed | None) -> list[ScenePlan]:
    """The scenes of a known subject that the time allows; grounded ones take at most the other half of it."""
    from ..engines.explainer.chooser import by_keyword
    from ..engines.explainer.subjects import Topic

    found = by_keyword(brief.topic, embed)
    if found is None or brief.scenes == 1:
        return []
    made = list(found.make(Topic(brief.topic, 0, brief.seconds)))
    room, most = 0.5 * brief.seconds, (brief.scenes - 2 if brief.scenes else len(made))
    chosen: list[int] = []
    for i in sorted(range(len(made)), key=lambda i: (made[i].priority, i)):
        need = max(made[i].min_seconds, (len(made[i].title) + len(made[i].narration)) / 17)
        if len(chosen) < max(most, 1) and need <= room:
            chosen.append(i)
            room -= need
    return [ScenePlan(made[i].title, SceneKind.SUBJECT, purpose="Mechanism: drawn by the local engine",
                      narration=made[i].narration, visual=f"{found.id}#{i}") for i in sorted(chosen)]


# -- time -----------------------------------------------------------------------------------------------------------


def timed(scenes: Sequence[ScenePlan], seconds: float) -> tuple[ScenePlan, ...]:
    """Shares of the time by what reading takes, in hundredths of a second; together exactly `seconds`.

    An opening lasts 2 to 4 s where something else follows; scenes beyond `LONGEST_S` go on as a second part.
    """
    needs = [need_s(scene) for scene in scenes]
    if len(scenes) > 1 and scenes[0].kind is SceneKind.TITLE and scenes[1].kind is not SceneKind.TITLE:
        opening = min(max(seconds * needs[0] / sum(needs), OPENING_S[0]), OPENING_S[1], 0.4 * seconds)
        needs[0] = opening * sum(needs[1:]) / (seconds - opening)
    total = sum(needs)
    out: list[ScenePlan] = []
    at = spent = 0.0
    for scene, need in zip(scenes, needs, strict=True):
        parts = max(1, -int(-seconds * need / total // LONGEST_S))
        for _ in range(parts):
            at += need / parts
            end = round(seconds * at / total, 2)
            out.append(replace(scene, seconds=round(end - spent, 2)))
            spent = end
    return tuple(out)


def _warnings(scenes: Sequence[ScenePlan], brief: PlanBrief) -> tuple[str, ...]:
    told: list[str] = []
    needed = sum(need_s(scene) for scene in scenes)
    if needed * SLOW < brief.seconds:
        told.append(f"There is little to say: what was found can be read in {needed:.0f} s, and the video lasts "
                    f"{brief.seconds:g} s. A shorter video would suit it.")
    if brief.scenes and len(scenes) < brief.scenes:
        told.append(f"There is enough for {len(scenes)} scene{'s' if len(scenes) > 1 else ''}, not for "
                    f"{brief.scenes}.")
    return tuple(told)
