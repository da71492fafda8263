"""The starter's world and its captions."""

from __future__ import annotations

import numpy as np
import pytest

from training.starter.captions import caption
from training.starter.scenes import draw_scene, held_out
from wgp_core.quality.starter import synonyms, words
from wgp_core.quality.starter.world import BACKGROUNDS, COLOURS, FRAMES, MOTIONS, SHAPES, SIZE, Scene, Thing, render

TABLES = (words.COLOUR_WORDS, words.SHAPE_WORDS, words.MOTION_WORDS, words.BACKGROUND_WORDS)
MORE = (synonyms.COLOURS, synonyms.SHAPES, synonyms.MOTIONS, synonyms.BACKGROUNDS)


def test_a_scene_is_drawn_the_same_twice() -> None:
    scene = draw_scene(np.random.default_rng(3))
    clip = render(scene)
    assert clip.shape == (FRAMES, SIZE, SIZE, 3) and clip.dtype == np.uint8
    assert np.array_equal(clip, render(scene)) and np.array_equal(clip[:5], render(scene, frames=5))


def test_one_combination_in_ten_is_held_out_and_scenes_keep_to_it() -> None:
    combinations = [held_out(Thing(colour, shape, motion), background) for colour in COLOURS for shape in SHAPES
                    for motion in MOTIONS for background in BACKGROUNDS]
    assert 0.08 < np.mean(combinations) < 0.12
    rng = np.random.default_rng(0)
    for held in (False, True):
        scenes = [draw_scene(rng, held=held) for _ in range(100)]
        assert {held_out(scene.things[0], scene.background) for scene in scenes} == {held}


@pytest.mark.parametrize(("motion", "axis", "sign"), [("left", 1, -1), ("right", 1, 1), ("up", 0, -1), ("down", 0, 1)])
def test_what_moves_moves_that_way(motion: str, axis: int, sign: int) -> None:
    clip = render(Scene((Thing("red", "ball", motion),), "gray", seed=5)).astype(int)
    red = (clip[..., 0] - clip[..., 1]) > 100
    centres = [np.argwhere(mask).mean(0)[axis] for mask in (red[0], red[-1])]
    assert sign * (centres[1] - centres[0]) > 15


def test_held_words_and_sentences_are_in_no_training_caption() -> None:
    rng = np.random.default_rng(1)
    seen = " | ".join(caption(draw_scene(rng), rng) for _ in range(3000)).lower()
    for table, more in zip(TABLES, MORE, strict=True):
        assert set(more) == set(table)
        for value, (known, kept) in table.items():
            assert not {*known, *more[value]} & set(kept)
    for phrase in ("ascends", "twirls", "dwindles", "vivid red", "cottage", "neutral gray backdrop", "we see a"):
        assert phrase not in seen
    held = " | ".join(caption(draw_scene(rng, held=True), rng, held=True) for _ in range(500)).lower()
    assert "we see a" in held and "twirls" in held


def test_captions_name_what_is_shown() -> None:
    rng = np.random.default_rng(2)
    for _ in range(500):
        scene = draw_scene(rng)
        text = caption(scene, rng).lower()
        first = scene.things[0]
        for table, more, value in ((words.COLOUR_WORDS, synonyms.COLOURS, first.colour),
                                   (words.SHAPE_WORDS, synonyms.SHAPES, first.shape),
                                   (words.BACKGROUND_WORDS, synonyms.BACKGROUNDS, scene.background)):
            assert any(word.lower() in text for word in (*table[value][0], *more[value])), (value, text)
        assert "  " not in text and " ," not in text
