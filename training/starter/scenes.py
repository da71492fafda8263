"""Random scenes of the starter's world, and which combinations are kept from training."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from wgp_core.quality.starter.world import BACKGROUNDS, CAMERAS, COLOURS, MOTIONS, SHAPES, Scene, Size, Speed, Thing


def held_out(thing: Thing, background: str) -> bool:
    """Whether a combination is kept from training: one in ten, spread evenly by a hash."""
    key = f"{thing.colour} {thing.shape} {thing.motion} {background}"
    return hashlib.sha256(key.encode()).digest()[0] % 10 == 0


def draw_scene(rng: np.random.Generator, *, held: bool = False, pairs: float = 0.15) -> Scene:
    """A random scene, from the held-out combinations or from the others; a share of `pairs` has two things."""
    while True:
        first = _draw_thing(rng)
        background = str(rng.choice(BACKGROUNDS))
        if held_out(first, background) == held:
            break
    things: tuple[Thing, ...] = (first,)
    if rng.random() < pairs and first.motion in ("left", "right", "spin", "still", "grow", "shrink"):
        colour = str(rng.choice([name for name in COLOURS if name != first.colour]))
        shape = str(rng.choice([name for name in SHAPES if name != first.shape]))
        things = (replace(first, size="small"), Thing(colour, shape, "still", "small"))
    camera = "static" if rng.random() < 0.7 else str(rng.choice(CAMERAS[1:]))
    return Scene(things, background, camera, int(rng.integers(2**31)))


def draw_hard(rng: np.random.Generator, share: float, hard: Callable[[Thing], bool]) -> Scene:
    """A random training scene; a `share` of them is drawn again until their first thing is a hard one."""
    wanted = rng.random() < share
    while True:
        scene = draw_scene(rng)
        if not wanted or hard(scene.things[0]):
            return scene


def _draw_thing(rng: np.random.Generator) -> Thing:
    size: Size = rng.choice(["small", "medium", "medium", "large"])
    speed: Speed = rng.choice(["slow", "normal", "normal", "fast"])
    motion = str(rng.choice(MOTIONS))
    return Thing(str(rng.choice(list(COLOURS))), str(rng.choice(SHAPES)), motion, str(size),  # pyright: ignore
                 "normal" if motion == "still" else str(speed))  # pyright: ignore
