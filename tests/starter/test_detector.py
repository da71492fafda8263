"""The starter's detector sees what was drawn, and a moving camera is not taken for a moving thing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest

from training.starter.degrade import degrade
from training.starter.scenes import draw_scene
from wgp_core.quality.starter.detector import Detection, detect, detect_all
from wgp_core.quality.starter.world import (
    BACKGROUNDS,
    COLOURS,
    FRAMES,
    LINE,
    SCALE,
    SHAPES,
    SIZE,
    Scene,
    Size,
    Speed,
    Style,
    Thing,
    draw,
    render,
    second_is_below,
)

ATTRIBUTES = ("colour", "shape", "motion", "background")


def scenes(count: int, seed: int, style: Style = "solid") -> list[Scene]:
    rng = np.random.default_rng(seed)
    return [replace(draw_scene(rng, held=at % 2 == 0, pairs=0), style=style) for at in range(count)]


def right(scene: Scene, found: Detection) -> dict[str, bool]:
    thing = scene.things[0]
    values = (thing.colour, thing.shape, thing.motion, scene.background)
    return {name: getattr(found, name) == value for name, value in zip(ATTRIBUTES, values, strict=True)}


def share(flags: list[bool]) -> float:
    return sum(flags) / len(flags)


def one(motion: str, camera: str = "static", shape: str = "ball", *, seed: int = 3, size: Size = "medium",
        speed: Speed = "normal", background: str = "gray", style: Style = "solid") -> Scene:
    return Scene((Thing("red", shape, motion, size, speed),), background, camera, seed, style)


def test_true_renders_are_read_almost_without_error() -> None:
    answers = [right(scene, detect(render(scene))) for scene in scenes(150, 1)]
    for name in ATTRIBUTES:
        assert share([a[name] for a in answers]) > 0.98, name
    assert share([all(a.values()) for a in answers]) > 0.98


def test_spoiled_renders_are_read_well() -> None:
    rng = np.random.default_rng(2)
    found = [(scene, detect(degrade(render(scene), rng))) for scene in scenes(80, 2)]
    assert share([all(right(scene, seen).values()) for scene, seen in found]) > 0.95


def test_outlines_are_told_from_solid_things() -> None:
    solid = [detect(render(scene)) for scene in scenes(40, 4)]
    drawn = [(scene, detect(render(scene))) for scene in scenes(60, 4, "outline")]
    assert share([seen.style == "solid" for seen in solid]) > 0.98
    assert share([seen.style == "outline" for _, seen in drawn]) > 0.98
    assert share([seen.colour == scene.things[0].colour for scene, seen in drawn]) > 0.98


@pytest.mark.parametrize("shape", SHAPES)
def test_outlines_that_are_drawn_too_wide_are_outlines(shape: str) -> None:
    bare = render(Scene((), "gray"), 1)[0]
    canvas = np.repeat(np.repeat(bare, SCALE, 0), SCALE, 1)
    draw(canvas, Thing("red", shape), (SIZE / 2, SIZE / 2), 9.0, 0.0, "outline", line=2 * LINE)
    frame = cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    found = detect(np.stack([frame] * FRAMES))
    assert (found.style, found.shape, found.motion) == ("outline", shape, "still")


@pytest.mark.parametrize("camera", ["push-in", "pull-out", "pan-left", "pan-right"])
@pytest.mark.parametrize("size", ["small", "large"])
def test_a_resting_ball_rests_under_every_camera(camera: str, size: Size) -> None:
    for seed in range(6):
        assert detect(render(one("still", camera, size=size, seed=seed))).motion == "still"


@pytest.mark.parametrize(("motion", "camera"), [("left", "pan-left"), ("right", "pan-right"), ("grow", "pull-out"),
                                                ("shrink", "push-in"), ("up", "pan-left"), ("bounce", "pan-right")])
def test_a_slow_motion_is_seen_against_the_camera(motion: str, camera: str) -> None:
    for seed in range(6):
        assert detect(render(one(motion, camera, "car", seed=seed, speed="slow", background="sea"))).motion == motion


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_seen_to_spin_and_to_stand(shape: str) -> None:
    for speed in ("slow", "fast"):
        turning = detect(render(one("spin", shape=shape, speed=speed)))
        assert (turning.motion, turning.shape) == ("spin", shape)
    resting = detect(render(one("still", shape=shape)))
    assert (resting.motion, resting.shape) == ("still", shape)


def test_white_is_seen_before_clouds() -> None:
    for shape in SHAPES:
        scene = Scene((Thing("white", shape, "still", "small"),), "sky", seed=11)
        found = detect(render(scene))
        assert (found.colour, found.shape) == ("white", shape)


@pytest.mark.parametrize("spoil", [lambda clip, rng: clip, degrade])
def test_two_things_come_from_top_to_bottom(spoil: Callable[..., np.ndarray]) -> None:
    rng = np.random.default_rng(6)
    good = []
    for _ in range(20):
        scene = draw_scene(rng, pairs=1.0)
        if len(scene.things) == 1:
            continue
        wanted = scene.things if second_is_below(scene) else scene.things[::-1]
        found = detect_all(spoil(render(scene), rng))
        good.append([(f.colour, f.shape, f.motion) for f in found] == [(t.colour, t.shape, t.motion) for t in wanted])
    assert len(good) > 5 and share(good) > 0.9


def test_one_thing_is_not_taken_for_two() -> None:
    assert all(len(detect_all(render(scene))) == 1 for scene in scenes(30, 8))


def test_a_still_picture_has_no_motion() -> None:
    for scene in scenes(20, 9):
        found = detect(render(scene, 1))
        assert found.motion == "" and found.track.shape == (1, 3)
        assert (found.colour, found.shape) == (scene.things[0].colour, scene.things[0].shape)


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_an_empty_scene_has_a_background_and_nothing_else(background: str) -> None:
    found = detect(render(Scene((), background, seed=1)))
    assert (found.background, found.colour, found.shape, found.motion) == (background, "", "", "")
    assert detect_all(render(Scene((), background, seed=1))) == []


def test_noise_is_answered() -> None:
    found = detect(np.random.default_rng(0).integers(0, 256, (FRAMES, 64, 64, 3), dtype=np.uint8))
    assert found.background in BACKGROUNDS and found.colour in ("", *COLOURS)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="64"):
        detect(np.zeros((17, 32, 32, 3), np.uint8))


def test_the_track_follows_the_thing() -> None:
    track = detect(render(one("right"))).track
    assert track.shape == (FRAMES, 3)
    assert 24 < track[-1, 0] - track[0, 0] < 28
    assert np.ptp(track[:, 2]) < 0.5


def test_a_clip_takes_little_time() -> None:
    clip = render(one("orbit"))
    detect(clip)
    took = []
    for _ in range(9):
        start = time.process_time()
        detect(clip)
        took.append(time.process_time() - start)
    assert min(took) < 0.06
