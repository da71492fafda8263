"""One prompt a scene for a diffusion model: the subject, what is seen, camera and style, and words that hold the scenes
together. Image models cannot write, so nothing of the page's notation, no formula and no page number gets in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..engines.explainer.pages.language import key_terms, split_sentences, squash
from ..engines.explainer.pages.notation import looks_written
from ..prompts.academic import AUDIENCES
from ..prompts.facts import facts_of
from ..request import CameraMovement, Look, SceneKind, ScenePlan
from .brief import PlanBrief

MOST_WORDS, MOST_SEEN_WORDS = 75, 30
"""In all, which keeps below 100 tokens, and of the scene's own description."""
SENTENCES_HEARD = 4
"""Of what is said, so many sentences are looked at for one that can be seen."""

LOOKS: Mapping[Look, str] = {
    Look.INFOGRAPHIC: "clean flat vector infographic, white background, two accent colours",
    Look.WHITEBOARD: "hand-drawn marker sketch on a whiteboard, black and blue lines",
    Look.ANIMATION: "polished educational 3D animation, soft studio light, simple models",
    Look.LECTURE: "calm university lecture visual, one large diagram, plain background",
    Look.DOCUMENTARY: "science documentary footage, natural light, shallow depth of field",
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
SAME = "same style, same colours and same light throughout the series"
_PAGE = re.compile(r"\s*[(\[]?\b(?:pp?|pages?)\.?\s*\d+(?:\s*[-–]\s*\d+)?[)\]]?|\s*\+\d+ more\b", re.IGNORECASE)
_FORMULA = re.compile(r"\$[^$]*\$|\\\(.*?\\\)|\\\[.*?\\\]|[^\s,;.]*[=≈≤≥∝^\\{}<>|_][^\s,;.]*")
_CODE = re.compile(r"\b[\w.]+\([^)]*\)|\"[^\"]*\"|[“”‘’\"`]")


def scene_prompts(scenes: Sequence[ScenePlan], brief: PlanBrief | None = None, *, style: str = "",
                  topic: str = "") -> tuple[str, ...]:
    """One prompt for each scene, in order. `style` replaces the words of the brief's look; `topic` names the whole
    where there is no brief.
    """
    topic = plain_words(brief.topic if brief else topic).rstrip(".?!")
    look = style.strip().rstrip(".") or LOOKS[brief.look if brief else Look.INFOGRAPHIC]
    audience = AUDIENCES.get(brief.audience.strip().lower(), "").split(",")[0] if brief else ""
    return tuple(_prompt(scene, topic, look, audience, number, len(scenes)) for number, scene in enumerate(scenes))


def _prompt(scene: ScenePlan, topic: str, look: str, audience: str, number: int, of: int) -> str:
    subject = plain_words(scene.title).rstrip(".?!")
    if topic and topic.lower() not in subject.lower():
        subject = f"{topic}: {subject}" if subject else topic
    seen = seen_in(scene)
    parts = [subject or "a lesson", seen if seen.lower() not in subject.lower() else "",
             SHAPES.get(scene.kind, "one clear central picture")]
    if number and of > 1:
        parts.append("the picture goes on smoothly from the scene before")
    ends = [CAMERAS[scene.camera], look, *([audience] if audience else []), *([SAME] if of > 1 else []), "no text"]
    head = ". ".join(part[:1].upper() + part[1:] for part in parts if part)
    tail = ", ".join(ends)
    room = MOST_WORDS - len(tail.split())
    return f"{_first_words(head, max(room, 12))}. {tail[:1].upper()}{tail[1:]}."


def seen_in(scene: ScenePlan) -> str:
    """What a picture of the scene shows: the person's own description, else the sentence that is said of which most can
    be seen, else the key terms of the page."""
    described = scene.visual if scene.kind is not SceneKind.SUBJECT and not looks_written(scene.visual) and " | " \
        not in scene.visual and "\n" not in scene.visual.strip() and scene.kind is not SceneKind.FORMULA else ""
    said = sorted(split_sentences(scene.narration)[:SENTENCES_HEARD], key=visible, reverse=True)
    for text in (described, *said):
        words = plain_words(text)
        if len(words.split()) >= 3:
            return _first_words(words.rstrip(".!?…"), MOST_SEEN_WORDS)
    page = scene.visual.replace("|", ".").replace("\n", ". ") if scene.kind is not SceneKind.SUBJECT else ""
    return ", ".join(plain_words(term) for term in key_terms(plain_words(page), 4))


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
