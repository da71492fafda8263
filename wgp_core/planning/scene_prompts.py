"""One prompt a scene for a diffusion model: the subject, what is seen, camera and style, and words that hold the scenes
together. Image models cannot write, so nothing of the page's notation, no formula and no page number gets in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..engines.explainer.pages.language import key_terms, split_sentences, squash
from ..engines.explainer.pages.notation import looks_written
from ..prompts.academic import AUDIENCES
from ..prompts.facts import facts_of
from ..request import CameraMovement, Look, SceneKind, ScenePlan
from .brief import PlanBrief
from .material import shares_words

MOST_WORDS, MOST_SEEN_WORDS = 75, 30
"""In all, which keeps below 100 tokens, and of the scene's own description."""
SENTENCES_HEARD = 4
"""Of what is said, so many sentences are looked at for one that can be seen."""


@dataclass(frozen=True)
class LookWords:
    """A look in words; those on what is behind and on colours are left out where a scene itself says that."""

    style: str
    backdrop: str = ""
    colours: str = ""


LOOKS: Mapping[Look, LookWords] = {
    Look.INFOGRAPHIC: LookWords("clean flat vector infographic", "white background", "two accent colours"),
    Look.WHITEBOARD: LookWords("hand-drawn marker sketch on a whiteboard", colours="black and blue lines"),
    Look.ANIMATION: LookWords("polished educational 3D animation, soft studio light, simple models"),
    Look.LECTURE: LookWords("calm university lecture visual, one large diagram", "plain background"),
    Look.DOCUMENTARY: LookWords("science documentary footage, natural light, shallow depth of field"),
}
CAMERAS: Mapping[CameraMovement, str] = {
    CameraMovement.STATIC: "static camera", CameraMovement.PUSH_IN: "camera slowly pushes in",
    CameraMovement.PULL_OUT: "camera slowly pulls out", CameraMovement.DOLLY_LEFT: "camera glides left",
    CameraMovement.DOLLY_RIGHT: "camera glides right", CameraMovement.PAN: "camera pans slowly",
    CameraMovement.TILT: "camera tilts slowly", CameraMovement.TRACKING: "camera follows the movement",
    CameraMovement.ORBIT: "camera orbits slowly", CameraMovement.HANDHELD: "gentle handheld camera",
}
SHAPES: Mapping[SceneKind, str] = {
    SceneKind.TITLE: "one strong central picture", SceneKind.CONCEPT_MAP: "linked shapes with arrows between them",
    SceneKind.STEPS: "stages that follow each other from left to right", SceneKind.COMPARISON: "two sides next to each "
    "other", SceneKind.TIMELINE: "scenes lined up along a path of time", SceneKind.FORMULA: "shapes whose sizes change "
    "together", SceneKind.DEFINITION: "one clear central picture", SceneKind.SUMMARY: "a few simple pictures side by "
    "side", SceneKind.SUBJECT: "an animated diagram", SceneKind.BOARD: "one strong central picture",
}
SAME, SAME_STYLE = "same style, same colours and same light throughout the series", "same style throughout the series"
BEHIND = {"background", "backdrop", "wall", "curtain"}
"""Things whose colour says what is behind."""
_PAGE = re.compile(r"\s*[(\[]?\b(?:pp?|pages?)\.?\s*\d+(?:\s*[-–]\s*\d+)?[)\]]?|\s*\+\d+ more\b", re.IGNORECASE)
_FORMULA = re.compile(r"\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]|[^\s,;.]*[=≈≤≥∝^\\{}<>|_][^\s,;.]*")
_CODE = re.compile(r"\b[\w.]+\([^)]*\)|\"[^\"]*\"|[“”‘’\"`]")


def scene_prompts(scenes: Sequence[ScenePlan], brief: PlanBrief | None = None, *, style: str = "",
                  topic: str = "") -> tuple[str, ...]:
    """One prompt for each scene, in order. `style` replaces the words of the brief's look; `topic` names the whole
    where there is no brief. A title with nothing to see opens with what a later scene shows best.
    """
    topic = plain_words(brief.topic if brief else topic).rstrip(".?!")
    look = LookWords(style.strip().rstrip(".")) if style.strip() else LOOKS[brief.look if brief else Look.INFOGRAPHIC]
    audience = AUDIENCES.get(brief.audience.strip().lower(), "").split(",")[0] if brief else ""
    seen = [seen_in(scene) for scene in scenes]
    if scenes and scenes[0].kind is SceneKind.TITLE and not _sentence(scenes[0]) and any(map(visible, seen[1:])):
        seen[0] = max(seen[1:], key=lambda text: visible(text) * (1 + shares_words(text, topic)))
    return tuple(_prompt(scene, seen[number], topic, look, audience, number, len(scenes))
                 for number, scene in enumerate(scenes))


def _prompt(scene: ScenePlan, seen: str, topic: str, look: LookWords, audience: str, number: int, of: int) -> str:
    subject = plain_words(scene.title).rstrip(".?!")
    if topic and topic.lower() not in subject.lower():
        subject = f"{topic}: {subject}" if subject else topic
    parts = [subject or "a lesson", seen if seen.lower() not in subject.lower() else "",
             SHAPES.get(scene.kind, "one clear central picture")]
    if number and of > 1:
        parts.append("the picture goes on smoothly from the scene before")
    facts = facts_of(seen)
    placed = bool(facts.places or facts.times or facts.weather) or any(BEHIND & set(one.nouns) for one in facts.colours)
    same = SAME_STYLE if placed or facts.colours else SAME
    ends = [CAMERAS[scene.camera], look.style, "" if placed else look.backdrop, "" if facts.colours else look.colours,
            audience, same if of > 1 else "", "no text"]
    head = ". ".join(part[:1].upper() + part[1:] for part in parts if part)
    tail = ", ".join(end for end in ends if end)
    room = MOST_WORDS - len(tail.split())
    return f"{_first_words(head, max(room, 12))}. {tail[:1].upper()}{tail[1:]}."


def seen_in(scene: ScenePlan) -> str:
    """What a picture of the scene shows: the person's own description, else the sentence that is said of which most can
    be seen, else the key terms of the page. Questions show nothing."""
    if sentence := _sentence(scene):
        return sentence
    page = scene.visual.replace("|", ".").replace("\n", ". ") if scene.kind is not SceneKind.SUBJECT else ""
    return ", ".join(plain_words(term) for term in key_terms(plain_words(page), 4))


def _sentence(scene: ScenePlan) -> str:
    """What a scene says that can be seen, at most `MOST_SEEN_WORDS`; "" where there are only notation and questions."""
    own = scene.visual.strip()
    described = scene.kind not in (SceneKind.SUBJECT, SceneKind.FORMULA) and not looks_written(own) and not (
        " | " in own or "\n" in own)
    said = sorted(split_sentences(scene.narration)[:SENTENCES_HEARD], key=visible, reverse=True)
    for text in ((own, *said) if described else said):
        words = plain_words(text)
        if len(words.split()) >= 3 and not words.endswith("?"):
            return _first_words(words.rstrip(".!…"), MOST_SEEN_WORDS)
    return ""


def visible(sentence: str) -> int:
    """How much of a sentence can be seen: places, times, weather, ways, people, animals, and coloured things twice."""
    facts = facts_of(plain_words(sentence))
    return 2 * len(facts.colours) + sum(map(len, (facts.places, facts.times, facts.weather, facts.ways, facts.people,
                                                  facts.animals)))


def plain_words(text: str) -> str:
    """Without formulas, code, quotation marks and page numbers."""
    text = _CODE.sub(" ", _FORMULA.sub(" ", _PAGE.sub("", text)))
    return re.sub(r"\s+([,.;:!?])", r"\1", squash(text)).strip(" ,;:")


def _first_words(text: str, count: int) -> str:
    words = text.split()
    return text if len(words) <= count else " ".join(words[:count]).rstrip(" ,;:")
