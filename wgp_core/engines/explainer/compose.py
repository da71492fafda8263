"""From a request to scenes and from scenes to frames: which scenes, in what order, for how long.

`plan_for` decides (the person's plan, a known subject, or the text itself), `compose` builds the scenes that a plan
names, `schedule` shares the frames out. The same plan, topic and seed give the same scenes. Draws nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...request import SceneKind, ScenePlan, VideoRequest
from .pages.build import build_page, detect_page, glyph_notes
from .pages.notation import looks_written
from .pages.parts import READ_CHARS_PER_S, Page
from .pages.shorten import abridge
from .scene import Scene, Slot
from .topic_text import Draft, draft_scenes, topic_title

if TYPE_CHECKING:
    from .subjects import Subject, Topic

Embed = Callable[[list[str]], Any]
"""Texts to an array (n, d) of unit vectors."""

LEFT_OUT = "Scenes left out for want of time:"
TITLE_FROM_S = 10.0
SUMMARY_FROM_S = 20.0
TITLE_S = 2.6
TITLE_MOST_S = 3.5
_PLACE = re.compile(r"^\s*([a-z0-9]+(?:-[a-z0-9]+)*)(?:#(\d+))?\s*$")


# -- deciding ---------------------------------------------------------------------------------------------------


def plan_for(request: VideoRequest, seconds: float, embed: Embed | None = None) -> tuple[ScenePlan, ...]:
    """The scenes to draw, with the seconds of each; their sum is `seconds`.

    A person's plan is followed scene by scene. Else the prompt chooses a known subject, by keyword or, where `embed`
    is given, by meaning; else its own words are laid out.
    """
    if request.plan:
        return _timed([(scene, _wish(scene)) for scene in _settled(request, topic_for(request, seconds), embed)],
                      seconds)
    from .chooser import choose_subject

    topic = topic_for(request, seconds)
    known = choose_subject(request.prompt, embed)
    drafts = _subject_drafts(known, topic) if known else list(draft_scenes(request.prompt))
    return fit(drafts, seconds, topic_title(request.prompt) if not known else known.title)


def topic_for(request: VideoRequest, seconds: float) -> Topic:
    """What subjects and pages are told; a seed of -1 counts as 0, so that drawings stay the same."""
    from .subjects import Topic

    return Topic(request.prompt or " ".join(scene.title for scene in request.plan), max(request.seed, 0), seconds)


def fit(drafts: Sequence[Draft], seconds: float, title: str) -> tuple[ScenePlan, ...]:
    """Choose among drafts by priority so that each scene has time to be followed, and share the time out."""
    drafts = list(drafts)
    if seconds >= TITLE_FROM_S and drafts[0].plan.kind is not SceneKind.TITLE:
        drafts.insert(0, Draft(ScenePlan(title, SceneKind.TITLE), priority=1, need_s=TITLE_S))
    if seconds < SUMMARY_FROM_S:
        drafts = [draft for draft in drafts if not draft.closing] or drafts
    kept = _kept(drafts, 1 if seconds < 4 else max(2, int(seconds / 2.5)), seconds)
    gone = [draft.plan.title for draft in drafts if draft not in kept and draft.plan.kind is not SceneKind.SUBJECT
            and not draft.closing]
    plans = _abridged(kept, seconds)
    if gone:
        named = ", ".join(dict.fromkeys(gone))
        plans = (*plans[:-1], replace(plans[-1], purpose=f"{LEFT_OUT} {len(gone)} ({named})"))
    return plans


def _kept(drafts: list[Draft], most: int, seconds: float) -> list[Draft]:
    """The drafts that stay, in their order: by priority, then by place, while their least times fit."""
    order = sorted(range(len(drafts)), key=lambda i: (drafts[i].priority, i))
    chosen: list[int] = []
    used = 0.0
    for i in order:
        least = drafts[i].least_s
        if chosen and (len(chosen) >= most or used + least > seconds + 1e-6):
            continue
        chosen.append(i)
        used += least
    return [drafts[i] for i in sorted(chosen)]


def _abridged(drafts: list[Draft], seconds: float) -> tuple[ScenePlan, ...]:
    """Share the time by need; what cannot be read in its share is shortened, visibly."""
    wishes = [draft.need_s for draft in drafts]
    total = sum(wishes)
    for i, draft in enumerate(drafts):  # time to spare goes to what there is to look at, not to the title
        if draft.plan.kind is SceneKind.TITLE and total > wishes[i] and seconds * wishes[i] / total > TITLE_MOST_S:
            wishes[i] = TITLE_MOST_S * (total - wishes[i]) / max(seconds - TITLE_MOST_S, 1e-6)
    timed = _timed([(draft.plan, wish) for draft, wish in zip(drafts, wishes, strict=True)], seconds)
    out = []
    for plan in timed:
        assert plan.seconds is not None
        out.append(abridge(plan, int(plan.seconds * READ_CHARS_PER_S * 1.25)))
    return tuple(out)


def _timed(wishes: list[tuple[ScenePlan, float]], seconds: float) -> tuple[ScenePlan, ...]:
    """Give each plan its share of the time, in hundredths of a second; the last takes what rounding leaves."""
    total = sum(wish for _, wish in wishes) or 1.0
    out, spent, at = [], 0.0, 0.0
    for plan, wish in wishes:
        at += wish
        end = round(seconds * at / total, 2)
        out.append(replace(plan, seconds=round(max(end - spent, 0.01), 2)))
        spent = end
    return tuple(out)


def _wish(plan: ScenePlan) -> float:
    """Seconds that a planned scene asks for: its own, or what reading it takes."""
    if plan.seconds is not None:
        return plan.seconds
    if plan.kind is SceneKind.SUBJECT:
        return max(len(plan.title + plan.narration) / READ_CHARS_PER_S, 4.0)
    return min(max(build_page(plan, 0).reading_s() + 0.8, 2.5), 25.0)


# -- known subjects ---------------------------------------------------------------------------------------------


def _subject_drafts(known: Subject, topic: Topic) -> list[Draft]:
    drafts = []
    for i, scene in enumerate(known.make(topic)):
        chars = len(scene.title) + len(scene.narration)
        need = max(scene.min_seconds, chars / READ_CHARS_PER_S) * scene.weight
        plan = ScenePlan(scene.title, SceneKind.SUBJECT, narration=scene.narration, visual=f"{known.id}#{i}")
        drafts.append(Draft(plan, scene.priority, need, least_s=scene.min_seconds))
    if len(drafts) > 2:
        points = [d.plan.narration for d in drafts if d.plan.narration][:5]
        closing = ScenePlan("Summary", SceneKind.SUMMARY, visual="\n".join(points))
        drafts.append(Draft(closing, 2, max(sum(map(len, points)) / READ_CHARS_PER_S / 2, 4.0), closing=True))
    return drafts


def place_of(plan: ScenePlan) -> tuple[Subject, int | None] | None:
    """The subject and scene number that `visual` names ("pca#1", "pca"), if it names a known one."""
    from .subjects import all_subjects

    found = _PLACE.match(plan.visual)
    if not found:
        return None
    for item in all_subjects():
        if item.id == found.group(1):
            return item, int(found.group(2)) if found.group(2) else None
    return None


def _settled(request: VideoRequest, topic: Topic, embed: Embed | None) -> list[ScenePlan]:
    """The person's plan with every kind, subject and content made definite."""
    used: dict[str, int] = {}
    out = []
    for plan in request.plan:
        known = _known(plan, embed) if plan.kind in (SceneKind.SUBJECT, SceneKind.AUTO) else None
        if known is None:
            out.append(detect_page(plan))
            continue
        item, number = known
        made = item.make(topic)
        if number is None or number >= len(made):
            number = used.get(item.id, 0) % len(made)
        used[item.id] = number + 1
        out.append(replace(plan, kind=SceneKind.SUBJECT, visual=f"{item.id}#{number}",
                           narration=plan.narration or made[number].narration))
    return out


def _known(plan: ScenePlan, embed: Embed | None) -> tuple[Subject, int | None] | None:
    """The subject that a scene names by id, or speaks of; content written in the notation is drawn as it stands."""
    from .chooser import choose_subject

    named = place_of(plan)
    if named or (plan.kind is SceneKind.AUTO and looks_written(plan.visual)):
        return named
    for text in (plan.title, plan.visual, plan.narration):
        picked = choose_subject(text, embed) if text.strip() else None
        if picked:
            return picked, None
    return None


# -- building ---------------------------------------------------------------------------------------------------


def compose(plan: tuple[ScenePlan, ...], topic: Topic, *, start_image: Path | None = None) -> list[Scene]:
    """The scenes of a plan, in order, with `weight` as their seconds. A start image opens as a hero frame.

    Raises `RequestError` where the start image cannot be opened.
    """
    scenes = [_scene(scene, topic, number) for number, scene in enumerate(plan)]
    if start_image is not None:
        from .pages.picture import Picture, open_picture

        open_picture(start_image)  # refused here, before anything is drawn
        if len(plan) == 1 and plan[0].kind is SceneKind.BOARD:
            from .pages.moved_picture import MovedPicture
            from .sketch import read_sketch

            return [MovedPicture("", path=str(start_image), move=read_sketch(plan[0].visual).move,
                                 weight=scenes[0].weight, spoken=plan[0].narration)]
        first = scenes[0] if scenes else None
        if isinstance(first, Page) and first.opening and len(scenes) > 1:
            opening = Picture(title="", caption=plan[0].title, path=str(start_image), weight=first.weight)
            return [opening, *scenes[1:]]
        caption = topic_title(topic.text)
        weight = min(max(0.25 * sum(s.weight for s in scenes), 1.5), 4.0)
        return [Picture(title="", caption=caption, path=str(start_image), weight=weight), *scenes]
    return scenes


def _scene(plan: ScenePlan, topic: Topic, number: int) -> Scene:
    scene: Scene | None = None
    if plan.kind in (SceneKind.SUBJECT, SceneKind.AUTO):
        known = place_of(plan)
        if known:
            made = known[0].make(topic)
            scene = made[(known[1] or 0) % len(made)]
            scene.title = plan.title or scene.title
            scene.narration = plan.narration or scene.narration
    if scene is None:
        page = build_page(detect_page(plan), topic.seed + number)
        page.note = plan.purpose if plan.purpose.startswith(LEFT_OUT) else ""
        scene = page
    scene.source = source_line(plan) or scene.source
    if plan.seconds is not None:
        scene.weight = plan.seconds
    return scene


def source_line(plan: ScenePlan) -> str:
    """The sources of a scene's cues, each once, with their pages: "Rumelhart 1986, p. 3, 5; Goodfellow 2016"."""
    pages: dict[str, dict[str, None]] = {}
    for cue in plan.cues:
        if cue.source:
            of = pages.setdefault(cue.source, {})
            if cue.page is not None:
                of[f"{cue.page}-{cue.page_to}" if cue.page_to and cue.page_to != cue.page else str(cue.page)] = None
    return "; ".join(f"{source}, p. {', '.join(of)}" if of else source for source, of in pages.items())


# -- time -------------------------------------------------------------------------------------------------------


def schedule(scenes: Sequence[Scene], total_frames: int, fps: float) -> list[Slot]:
    """Share `total_frames` by weight, exactly; every scene gets at least one frame.

    With fewer frames than scenes the first scenes get one each and the others none.
    """
    scenes = list(scenes)[:max(total_frames, 1)]
    weights = [max(scene.weight, 1e-6) for scene in scenes]
    total, at, first = sum(weights), 0.0, 0
    slots = []
    for i, (scene, weight) in enumerate(zip(scenes, weights, strict=True)):
        at += weight
        left = len(scenes) - 1 - i
        end = total_frames if not left else round(total_frames * at / total)
        end = min(max(end, first + 1), total_frames - left)
        slots.append(Slot(scene, first, end - first))
        first = end
    return slots


def notes_for(slots: Sequence[Slot], fps: float) -> tuple[str, ...]:
    """What the person should know: scenes too short to be read, items left out, letters that no font has."""
    notes = [f"{slot.scene.note}. A longer video shows them." for slot in slots
             if isinstance(slot.scene, Page) and slot.scene.note]
    for number, slot in enumerate(slots, 1):
        scene, seconds = slot.scene, slot.frames / fps
        name = f'Scene {number} ("{scene.title or "title"}")'
        if isinstance(scene, Page):
            if scene.reading_s() > seconds * 1.4:
                notes.append(f"{name} lasts {seconds:.1f} s, but reading it takes about {scene.reading_s():.0f} s; "
                             "a longer video or a shorter text would help.")
            if scene.more:
                notes.append(f"{name} leaves out {scene.more} item{'s' if scene.more > 1 else ''} for want of time.")
    return (*notes, *glyph_notes([slot.scene for slot in slots]))
