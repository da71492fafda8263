"""Clips of the starter's world are judged by looking for what their prompt names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.starter.captions import caption
from training.starter.scenes import draw_scene
from wgp_core.quality.score import score_frames
from wgp_core.quality.select import rank
from wgp_core.quality.starter.reading import Asked, read_prompt
from wgp_core.quality.starter.scorer import StarterScorer
from wgp_core.quality.starter.world import FPS, SIZE, Scene, Thing, render
from wgp_core.quality.types import Dimension, DimensionScore, Kind

CLIP = Scene((Thing("red", "ball", "left"),), "grass", seed=4)


def alignment(frames: np.ndarray, prompt: str) -> DimensionScore:
    scores = score_frames(iter(frames), FPS, prompt).scores
    return next(score for score in scores if score.dimension is Dimension.ALIGNMENT)


@pytest.mark.parametrize("held", [False, True])
def test_captions_are_read_as_they_were_meant(held: bool) -> None:
    rng, wrong = np.random.default_rng(11), []
    for _ in range(400):
        scene = draw_scene(rng, held=held)
        thing, text = scene.things[0], caption(scene, rng, held=held)
        if read_prompt(text) != Asked(thing.colour, thing.shape, thing.motion, scene.background):
            wrong.append(text)
    assert len(wrong) <= 2, wrong


@pytest.mark.parametrize(("prompt", "asked"), [
    ("a red ball bounces on green grass", Asked("red", "ball", "bounce", "grass")),
    ("A tiny white rocket rising in the night sky, cinematic, shot on film", Asked("white", "rocket", "up", "night")),
    ("a red car drives to the left", Asked("red", "car", "left", "")),
    ("a house, the camera is still, under a blue sky", Asked("", "house", "", "sky")),
    ("wide shot, the red ball lies on the grass, cinematic film still", Asked("red", "ball", "", "grass")),
    ("a portrait of an old man", Asked()),
])
def test_other_sentences_are_read_as_far_as_they_speak_of_the_world(prompt: str, asked: Asked) -> None:
    assert read_prompt(prompt) == asked


def test_what_is_seen_counts_and_what_is_missing_is_named() -> None:
    right = alignment(render(CLIP), "a red ball moves left on green grass")
    assert right.value == 1 and right.kind is Kind.ESTIMATE and not right.missing and "detector" in right.how
    wrong = alignment(render(CLIP), "a red star spins at night")
    assert wrong.value == 0.25 and set(wrong.missing) == {"star", "spin", "night"}


def test_attempts_at_one_prompt_are_compared_by_it() -> None:
    prompt = "a red ball moves left on green grass"
    others = (CLIP, replace(CLIP, things=(Thing("blue", "star", "left"),)))
    reports = [score_frames(iter(render(scene)), FPS, prompt) for scene in reversed(others)]
    ranking = rank(reports)
    assert Dimension.ALIGNMENT in ranking.compared and ranking.selected == 1


def test_of_a_still_picture_no_motion_is_asked() -> None:
    still = alignment(render(replace(CLIP, things=(Thing("red", "ball"),)))[:1], "a red ball moves left on green grass")
    assert still.value == 1 and not still.missing


def test_other_sizes_and_other_prompts_are_left_to_others() -> None:
    scorer = StarterScorer()
    assert scorer.fits("a red ball", SIZE, SIZE) and not scorer.fits("a red ball", 2 * SIZE, SIZE)
    assert not scorer.fits("a ball", SIZE, SIZE) and not scorer.fits("a red sky at night", SIZE, SIZE)
    assert alignment(render(CLIP), "an old man reads a letter").kind is Kind.UNAVAILABLE
