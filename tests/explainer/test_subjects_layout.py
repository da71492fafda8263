"""Every registered subject, at every kind of picture size: legible, inside the page, nothing over anything else."""

from __future__ import annotations

import random

import numpy as np
import pytest

from wgp_core.engines.explainer.chrome import dress
from wgp_core.engines.explainer.scene import Clock, Scene
from wgp_core.engines.explainer.stage import Stage, TextBox
from wgp_core.engines.explainer.subjects import Subject, Topic, all_subjects
from wgp_core.request import Theme

MOMENTS = {(1280, 720): (0.6,), (854, 480): (0.3,), (480, 832): (0.0, 0.55, 1.0), (320, 240): (0.0, 0.5, 1.0)}
SECONDS = 4.0
by_id = pytest.mark.parametrize("subject", all_subjects(), ids=lambda subject: subject.id)


def built(scene: Scene, size: tuple[int, int], theme: Theme = Theme.DARK) -> Stage:
    stage = Stage(*size, theme)
    dress(stage, scene, number=1, of=3)
    scene.build(stage)
    return stage


def outside(stage: Stage, boxes: list[TextBox]) -> list[str]:
    return [f"{b.text!r} leaves the picture: {b.box}" for b in boxes
            if b.box[0] < 2 or b.box[1] < 2 or b.box[2] > stage.width - 2 or b.box[3] > stage.height - 2]


def overlaps(boxes: list[TextBox]) -> list[str]:
    found = []
    for i, a in enumerate(boxes):
        for b in boxes[i + 1:]:
            wide = min(a.box[2], b.box[2]) - max(a.box[0], b.box[0])
            tall = min(a.box[3], b.box[3]) - max(a.box[1], b.box[1])
            if wide > 1 and tall > 1:
                found.append(f"{a.text!r} lies on {b.text!r} by {wide:.1f} x {tall:.1f} pixels")
    return found


def crossings(stage: Stage, boxes: list[TextBox]) -> list[str]:
    """Texts that are partly inside and partly outside a card."""
    found = []
    for card in stage.cards:
        edges = np.array([card.x, card.y, card.right, card.top]) * stage.unit_px
        for b in boxes:
            inside = (b.box[0] >= edges[0] - 1 and b.box[1] >= edges[1] - 1
                      and b.box[2] <= edges[2] + 1 and b.box[3] <= edges[3] + 1)
            apart = (b.box[2] <= edges[0] + 1 or b.box[0] >= edges[2] - 1
                     or b.box[3] <= edges[1] + 1 or b.box[1] >= edges[3] - 1)
            if not inside and not apart:
                found.append(f"{b.text!r} {b.box} crosses the edge of a card {edges.round(1)}")
    return found


@by_id
@pytest.mark.parametrize("size", MOMENTS, ids=lambda size: f"{size[0]}x{size[1]}")
def test_texts_keep_clear_of_page_cards_and_each_other(subject: Subject, size: tuple[int, int]) -> None:
    problems = []
    for scene in subject.make(Topic(subject.title, seed=7)):
        stage = built(scene, size)
        for u in MOMENTS[size]:
            scene.draw(Clock(u, SECONDS))
            boxes = stage.text_boxes()
            assert boxes
            problems += [f"{scene.title} at {u}: {found}" for found in
                         (*outside(stage, boxes), *overlaps(boxes), *crossings(stage, boxes))]
    assert not problems, "\n".join(problems)


TOPICS = [
    "backpropagation with learning rate 1.5 through 30 layers", "a neuron with 4 inputs and GELU",
    "a neuron with two inputs", 'attention in "Colourless green ideas sleep furiously tonight, unfortunately"',
    'causal attention over "I am"', "blur convolution with stride 2", "k-means with k=8", "k-means with 2 clusters",
    "decision tree of depth 5", "decision tree of depth 1", "pca of 10 features",
]


@pytest.mark.parametrize(("text", "size"), [(text, ((480, 832), (320, 240))[i % 2]) for i, text in enumerate(TOPICS)])
def test_extreme_parameters_still_fit(text: str, size: tuple[int, int]) -> None:
    topic = Topic(text, seed=3)
    subject = next(s for s in all_subjects() if topic.mentions(*s.keywords))
    problems = []
    for scene in subject.make(topic):
        stage = built(scene, size, Theme.LIGHT)
        scene.draw(Clock(0.97, SECONDS))
        boxes = stage.text_boxes()
        problems += [f"{scene.title}: {found}" for found in
                     (*outside(stage, boxes), *overlaps(boxes), *crossings(stage, boxes))]
    assert not problems, "\n".join(problems)


@by_id
def test_every_frame_is_its_own_and_the_same_in_any_order(subject: Subject) -> None:
    """A frame is a pure function of the clock, so that any process may draw any frame, and something always moves."""
    topic = Topic(subject.title, seed=7)
    moments = [0.0, 0.21, 0.67, 0.85]
    for scene, made_again in zip(subject.make(topic), subject.make(topic), strict=True):
        in_order = _frames(scene, moments)
        shuffled = _frames(made_again, random.Random(1).sample(moments, len(moments)))
        assert all(in_order[u] == shuffled[u] for u in moments), scene.title
        assert len(set(in_order.values())) == len(moments), scene.title


def _frames(scene: Scene, moments: list[float]) -> dict[float, bytes]:
    stage = built(scene, (320, 240))
    frames = {}
    for u in moments:
        scene.draw(Clock(u, SECONDS))
        frames[u] = stage.frame().tobytes()
    return frames


@by_id
def test_words_of_a_scene_are_short(subject: Subject) -> None:
    scenes = subject.make(Topic(subject.title, seed=7))
    assert 2 <= len(scenes) <= 5
    assert 1 <= sum(scene.priority == 1 for scene in scenes) <= 2
    for scene in scenes:
        assert 0 < len(scene.title) <= 34, scene.title
        assert 20 < len(scene.narration) <= 120, scene.narration
        assert scene.narration.endswith("."), scene.narration
