"""Scenery of a storyboard: kinds of places as flat shapes in layers, and the colours of lights.

Places are in picture heights: x from 0 to the aspect ratio, y from 0 (bottom) to 1; shapes reach beyond the picture, so
that a camera can move. Tones go from 0 (far, hazy) to 1 (near, dark).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from .board_people import Polygon, capsule, curve, ellipse

RGB = tuple[int, int, int]


@dataclass(frozen=True)
class Light:
    """Colours of the sky (top, horizon), of things far, between and near, of figures, and of what shines."""

    top: RGB
    low: RGB
    far: RGB
    mid: RGB
    near: RGB
    figure: RGB
    glow: RGB
    shines: str = ""
    """ "sun", "moon" or "" for none in the sky."""
    floor: RGB | None = None
    """The ground, where it is not what its things suggest."""

    def tone(self, x: float) -> RGB:
        """The colour of a thing at a depth from 0 (far) to 1 (near)."""
        a, b, part = (self.far, self.mid, x * 2) if x < 0.5 else (self.mid, self.near, x * 2 - 1)
        return mixed(a, b, min(max(part, 0.0), 1.0))


def mixed(a: RGB, b: RGB, part: float) -> RGB:
    red, green, blue = (round(p + (q - p) * part) for p, q in zip(a, b, strict=True))
    return red, green, blue


LIGHTS: Mapping[str, Light] = {
    "dawn": Light((98, 116, 156), (246, 202, 168), (168, 152, 168), (112, 104, 126), (66, 62, 84), (32, 30, 46),
                  (255, 226, 184), "sun"),
    "day": Light((120, 166, 204), (226, 234, 228), (158, 180, 184), (108, 136, 130), (72, 96, 88), (28, 36, 44),
                 (255, 247, 216), "sun"),
    "afternoon": Light((128, 160, 186), (248, 224, 180), (186, 170, 148), (140, 124, 100), (92, 80, 66), (38, 33, 34),
                       (255, 232, 178), "sun"),
    "golden": Light((112, 98, 132), (252, 184, 104), (184, 122, 102), (122, 78, 78), (72, 47, 56), (33, 22, 34),
                    (255, 216, 134), "sun"),
    "dusk": Light((38, 50, 92), (204, 156, 170), (100, 94, 134), (64, 63, 100), (38, 40, 70), (17, 18, 36),
                  (252, 218, 194)),
    "night": Light((13, 22, 48), (62, 86, 132), (44, 62, 100), (28, 42, 74), (17, 26, 50), (6, 9, 22),
                   (218, 228, 250), "moon"),
    "lamp": Light((30, 21, 24), (140, 88, 48), (92, 58, 42), (62, 39, 33), (38, 24, 24), (14, 9, 12), (255, 204, 116)),
    "grey": Light((124, 134, 144), (200, 206, 207), (158, 166, 171), (114, 122, 128), (74, 82, 88), (29, 33, 40),
                  (236, 239, 240)),
    "snow": Light((150, 174, 200), (240, 243, 246), (190, 206, 222), (138, 158, 182), (92, 110, 136), (30, 38, 56),
                  (255, 255, 250), "sun", (226, 234, 242)),
    "water": Light((136, 208, 214), (26, 86, 112), (48, 122, 142), (28, 92, 116), (14, 58, 80), (6, 29, 46),
                   (220, 248, 242)),
    "space": Light((6, 8, 20), (20, 22, 48), (44, 48, 80), (62, 64, 96), (34, 36, 60), (9, 10, 20), (255, 240, 214)),
}
_LIGHT_WORDS: tuple[tuple[str, str], ...] = (
    ("water", r"water|dappled|drifting rays"), ("snow", r"snow|winter|arctic"),
    ("grey", r"rain|fog|mist|cloud|storm|grey|gray|gloom|overcast|lightning"),
    ("space", r"black space|console|instruments|rim light|planet"),
    ("lamp", r"lamp|candle|torch|lantern|firelight|flame|ember|glow on the walls"),
    ("night", r"moon|star|night|dark"), ("dusk", r"dusk|twilight|violet|blue light"),
    ("golden", r"golden|sunset|low sun|evening"), ("dawn", r"dawn|first pale|early"),
    ("afternoon", r"afternoon|slanting|late"), ("day", r"morning|midday|noon|bright|clear|daylight|sun"),
)
ROOMS = frozenset("castle kitchen home room school hospital workshop library stage train temple prison".split())


def light_of(text: str, place: str) -> Light:
    """The colours that a light's words stand for; the place decides where they say nothing."""
    found = next((name for name, pattern in _LIGHT_WORDS if re.search(pattern, text, re.IGNORECASE)), "")
    if place == "space":
        return LIGHTS["space"]
    if place == "underwater":
        return LIGHTS["water"]
    if place == "cave" and found not in ("night", "grey"):
        return LIGHTS["lamp"]
    if place == "ice" and found in ("", "day", "grey"):
        return LIGHTS["snow"]
    return LIGHTS[found or ("lamp" if place == "cave" else "day")]


@dataclass(frozen=True)
class Layer:
    """Shapes of one colour. `depth` 0 stands still with the camera, 1 moves most."""

    shapes: list[Polygon]
    color: RGB
    depth: float
    alpha: float = 1.0


@dataclass(frozen=True)
class Ground:
    """Where scenery stands: aspect ratio, height of the horizon, light, and chance."""

    aspect: float
    horizon: float
    light: Light
    rng: np.random.Generator

    def ridge(self, height: float, rough: float, depth: float, tone: float, *, sharp: bool = False) -> Layer:
        """A line of hills or peaks on the horizon."""
        count = 7 if sharp else 9
        xs = np.linspace(-0.6, self.aspect + 0.6, count * 2 + 1)
        up = self.rng.uniform(1 - rough, 1, len(xs)) * height
        up[::2] *= 0.35 if sharp else 0.8
        fine = np.linspace(xs[0], xs[-1], 140)
        ys = np.interp(fine, xs, up) if sharp else _smooth(fine, xs, up)
        if sharp:
            ys = ys + self.rng.normal(0, height * 0.012, len(fine))
        line = np.stack([fine, self.horizon + ys], 1)
        return Layer([np.concatenate([line, [(fine[-1], -0.4), (fine[0], -0.4)]])], self.light.tone(tone), depth)

    def spread(self, count: int, jitter: float = 0.35) -> np.ndarray:
        """Places along the picture, a little beyond both sides."""
        step = (self.aspect + 0.8) / count
        return -0.4 + step * (np.arange(count) + 0.5 + self.rng.uniform(-jitter, jitter, count))


def _smooth(x: np.ndarray, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    at = np.clip(np.searchsorted(xs, x) - 1, 0, len(xs) - 2)
    part = (x - xs[at]) / (xs[at + 1] - xs[at])
    part = part * part * (3 - 2 * part)
    return ys[at] * (1 - part) + ys[at + 1] * part


def _box(x: float, y: float, w: float, h: float) -> Polygon:
    return np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])


def scenery(place: str, ground: Ground) -> list[Layer]:
    """The layers of a kind of place, the farthest first."""
    if place in ROOMS:
        return _room(place, ground)
    return _PLACES.get(place, _hills)(ground)


def _hills(g: Ground) -> list[Layer]:
    houses = []
    for x in g.spread(5)[1:4]:
        w = g.rng.uniform(0.09, 0.14)
        y = g.horizon - 0.01
        houses += [_box(x, y, w, 0.085), np.array([(x - 0.015, y + 0.085), (x + w + 0.015, y + 0.085),
                                                  (x + w / 2, y + 0.15)])]
    return [g.ridge(0.24, 0.5, 0.15, 0.05), g.ridge(0.13, 0.5, 0.3, 0.3), Layer(houses, g.light.tone(0.48), 0.4),
            _trees(g, 6, 0.13, 0.45, 0.55)]


def _country(g: Ground) -> list[Layer]:
    return [g.ridge(0.17, 0.5, 0.15, 0.05), g.ridge(0.08, 0.5, 0.3, 0.28), _trees(g, 9, 0.14, 0.42, 0.5), _fence(g)]


def _fence(g: Ground) -> Layer:
    y = g.horizon - 0.1
    rails = [_box(-0.6, y + up, g.aspect + 1.2, 0.009) for up in (0.035, 0.07)]
    return Layer([*rails, *(_box(x, y, 0.014, 0.1) for x in np.arange(-0.5, g.aspect + 0.5, 0.19))],
                 g.light.tone(0.72), 0.6)


def _trees(g: Ground, count: int, height: float, depth: float, tone: float, y: float | None = None) -> Layer:
    shapes = []
    for x in g.spread(count):
        h = height * g.rng.uniform(0.7, 1.3)
        base = g.horizon - 0.015 if y is None else y
        shapes.append(_box(x - h * 0.04, base, h * 0.08, h * 0.5))
        shapes += [ellipse(x + dx * h, base + up * h, r * h, r * h) for dx, up, r in (
            (0, 0.72, 0.32), (-0.22, 0.56, 0.24), (0.22, 0.58, 0.25), (0.06, 0.92, 0.22))]
    return Layer(shapes, g.light.tone(tone), depth)


def _forest(g: Ground) -> list[Layer]:
    layers = [g.ridge(0.3, 0.4, 0.12, 0.0)]
    for row, (count, height, tone) in enumerate(((16, 0.44, 0.14), (11, 0.62, 0.36), (7, 0.9, 0.6))):
        shapes = []
        for x in g.spread(count, 0.45):
            h, base = height * g.rng.uniform(0.75, 1.15), g.horizon - 0.03 * row
            shapes.append(_box(x - 0.014 * (row + 1), base, 0.028 * (row + 1) * 0.8, h))
            for level in range(5):
                w, up = h * (0.27 - 0.045 * level), base + h * (0.2 + 0.155 * level)
                shapes.append(np.array([(x - w, up), (x + w, up), (x, up + h * 0.3)]))
        layers.append(Layer(shapes, g.light.tone(tone), 0.2 + 0.18 * row))
    trunks = [np.array([(x - 0.07, -0.3), (x + 0.09, -0.3), (x + 0.05, 1.4), (x - 0.03, 1.4)])
              for x in (-0.12, g.aspect + 0.1)]
    return [*layers, Layer(trunks, g.light.tone(0.95), 0.9)]


def _market(g: Ground) -> list[Layer]:
    layers = [g.ridge(0.16, 0.5, 0.12, 0.05), Layer(_roofs(g, 12, 0.2), g.light.tone(0.2), 0.2)]
    frame, cloth, stripes, goods = [], [], [], []
    y, tall, wide = g.horizon - 0.07, 0.3, 0.42
    for x in np.arange(-0.5, g.aspect + 0.5, 0.54):
        x += g.rng.uniform(-0.04, 0.04)
        frame += [_box(x, y, 0.012, tall), _box(x + wide - 0.012, y, 0.012, tall), _box(x - 0.01, y, wide + 0.02, 0.1)]
        top, low = y + tall + 0.07, y + tall - 0.035
        edge = [(x - 0.04, low), (x + wide + 0.04, low), (x + wide - 0.03, top), (x + 0.03, top)]
        cloth.append(np.array(edge))
        for k in range(5):
            a, b = (k * 2) / 10, (k * 2 + 1) / 10
            left, right, span = x - 0.04, x + 0.03, wide + 0.08
            stripes.append(np.array([(left + span * a, low), (left + span * b, low), (right + (wide - 0.06) * b, top),
                                     (right + (wide - 0.06) * a, top)]))
        cloth += [ellipse(x - 0.04 + (wide + 0.08) * (k + 0.5) / 10, low, (wide + 0.08) / 20, 0.02,
                20) for k in range(10)]
        goods += [ellipse(x + 0.05 + 0.065 * k, y + 0.115, 0.028, 0.028 * g.rng.uniform(0.8, 1.6)) for k in range(6)]
    warm = mixed(g.light.tone(0.45), (196, 104, 70), 0.5)
    return [*layers, Layer(frame, g.light.tone(0.62), 0.45), Layer(goods, mixed(g.light.tone(0.5), (214, 158, 76), .4),
            .45),
            Layer(cloth, warm, 0.45), Layer(stripes, mixed(warm, g.light.glow, 0.62), 0.45)]


def _roofs(g: Ground, count: int, height: float) -> list[Polygon]:
    shapes = []
    for x in g.spread(count):
        w, h = g.rng.uniform(0.12, 0.24), height * g.rng.uniform(0.5, 1.1)
        shapes.append(_box(x, g.horizon - 0.05, w, h))
        if g.rng.random() < 0.5:
            shapes.append(np.array([(x - 0.02, g.horizon - 0.05 + h), (x + w + 0.02, g.horizon - 0.05 + h),
                                    (x + w / 2, g.horizon + h)]))
        elif g.rng.random() < 0.4:
            shapes.append(ellipse(x + w / 2, g.horizon - 0.05 + h, w * 0.4, w * 0.4))
    return shapes


def _city(g: Ground) -> list[Layer]:
    layers = []
    for row, (count, height, tone) in enumerate(((18, 0.44, 0.05), (12, 0.36, 0.3), (7, 0.52, 0.6))):
        houses, windows = [], []
        for x in g.spread(count, 0.3):
            w, h = g.rng.uniform(0.1, 0.17) * (1 + 0.45 * row), height * g.rng.uniform(0.55, 1.2)
            if row == 2 and g.aspect * 0.25 < x + w / 2 < g.aspect * 0.72:
                continue  # the street stays open
            y = g.horizon - 0.04 * row
            houses.append(_box(x, y, w, h))
            if row:
                windows += [_box(x + w * (0.14 + 0.2 * i), y + 0.06 + 0.075 * j, w * 0.1, 0.034)
                            for i in range(4) for j in range(int((h - 0.09) / 0.075)) if g.rng.random() < 0.6]
        layers.append(Layer(houses, g.light.tone(tone), 0.15 + 0.2 * row))
        layers.append(Layer(windows, mixed(g.light.tone(tone), g.light.glow, 0.5), 0.15 + 0.2 * row))
    return [layer for layer in layers if layer.shapes]


def _mountain(g: Ground) -> list[Layer]:
    return [g.ridge(0.5, 0.45, 0.1, 0.0, sharp=True), g.ridge(0.3, 0.5, 0.25, 0.28, sharp=True),
            g.ridge(0.1, 0.5, 0.45, 0.55)]


def _sea(g: Ground) -> list[Layer]:
    layers = [Layer([_box(-0.6, -0.5, g.aspect + 1.2, g.horizon + 0.5)], mixed(g.light.mid, (36, 92, 120), 0.45), 0.2)]
    for row in range(6):
        y, depth = g.horizon * (1 - (row / 6) ** 0.8) - 0.02, 0.25 + 0.12 * row
        xs = np.linspace(-0.6, g.aspect + 0.6, 90)
        size = 0.006 + 0.004 * row
        wave = y + size * np.sin(xs * (34 - 4 * row) + g.rng.uniform(0, 6))
        band = np.concatenate([np.stack([xs, wave], 1), np.stack([xs[::-1], wave[::-1] - 0.010 - 0.004 * row], 1)])
        layers.append(Layer([band], mixed(g.light.low, g.light.glow, 0.3), depth, 0.35))
    return layers


def _shore(g: Ground) -> list[Layer]:
    sand = curve([(-0.8, -0.6), (-0.8, g.horizon * 0.62), (g.aspect * 0.3, g.horizon * 0.5), (g.aspect * 0.7,
            g.horizon * 0.34),
                  (g.aspect + 0.8, g.horizon * 0.42), (g.aspect + 0.8, -0.6)])
    return [*_sea(g)[:4], Layer([sand], mixed(g.light.mid, (222, 196, 150), 0.6), 0.6)]


def _desert(g: Ground) -> list[Layer]:
    sand = (226, 178, 118)
    layers = [g.ridge(0.16, 0.6, 0.15, 0.0), g.ridge(0.09, 0.6, 0.35, 0.25), g.ridge(0.03, 0.5, 0.55, 0.4)]
    return [Layer(layer.shapes, mixed(layer.color, sand, 0.5), layer.depth) for layer in layers]


def _ice(g: Ground) -> list[Layer]:
    return [g.ridge(0.3, 0.5, 0.12, 0.0, sharp=True), g.ridge(0.1, 0.6, 0.3, 0.4, sharp=True)]


def _space(g: Ground) -> list[Layer]:
    stars = [ellipse(x, y, r, r, 10) for x, y, r in zip(
        g.rng.uniform(-0.5, g.aspect + 0.5, 170), g.rng.uniform(0, 1.2, 170), g.rng.uniform(0.0012, 0.004, 170),
                strict=True)]
    x, y, r = g.aspect * 0.78, 0.74, 0.24
    turn = np.linspace(-np.pi / 2, np.pi / 2, 40)
    night = np.concatenate([np.stack([x + r * np.cos(turn), y + r * np.sin(turn)], 1),
                            np.stack([x + r * 0.25 * np.cos(turn[::-1]), y + r * np.sin(turn[::-1])], 1)])
    return [Layer(stars, (226, 232, 250), 0.03), Layer([ellipse(x, y, r, r, 90)], (176, 132, 116), 0.08),
            Layer([night], (62, 48, 66), 0.08), g.ridge(0.05, 0.7, 0.5, 0.6)]


def _underwater(g: Ground) -> list[Layer]:
    rays = [np.array([(x, 1.3), (x + 0.16, 1.3), (x - 0.3, -0.2), (x - 0.62, -0.2)]) for x in g.spread(5)]
    weeds = []
    for x in g.spread(14, 0.45):
        h = g.rng.uniform(0.1, 0.34)
        ys = np.linspace(0, h, 14)
        sway = 0.02 * np.sin(ys * 22 + g.rng.uniform(0, 6))
        wide = 0.015 * (1 - ys / h)
        base = g.horizon * 0.5
        weeds.append(np.concatenate([np.stack([x + sway - wide, base + ys], 1),
                                     np.stack([x + sway + wide, base + ys], 1)[::-1]]))
    return [Layer(rays, g.light.glow, 0.1, 0.14), g.ridge(0.1, 0.5, 0.25, 0.3), g.ridge(0.02, 0.5, 0.5, 0.7),
            Layer(weeds, g.light.tone(0.85), 0.6)]


def _cave(g: Ground) -> list[Layer]:
    def rock(inner: float, depth: float, tone: float) -> Layer:
        turn = np.linspace(-0.15, np.pi + 0.15, 40)
        wobble = g.rng.uniform(0.92, 1.08, 40)
        hole = np.stack([g.aspect / 2 + g.aspect * inner * np.cos(turn) * wobble,
                         g.horizon - 0.12 + 1.15 * inner * 1.25 * np.sin(turn) * wobble], 1)
        rim = [(-2, -1), (-2, 3), (g.aspect + 2, 3), (g.aspect + 2, -1)]
        return Layer([np.concatenate([hole, [hole[-1]], rim, [hole[0]]])], g.light.tone(tone), depth)

    return [rock(0.22, 0.2, 0.15), rock(0.36, 0.4, 0.5), rock(0.5, 0.75, 0.95)]


def _stadium(g: Ground) -> list[Layer]:
    y = g.horizon
    rows = [Layer([_box(-0.6, y + 0.07 * k, g.aspect + 1.2, 0.066)], g.light.tone(0.1 + 0.1 * (k % 2)),
            0.2) for k in range(4)]
    crowd = [ellipse(x, y + 0.07 * k + 0.05, 0.012, 0.014, 12) for k in range(4) for x in np.arange(-0.5,
            g.aspect + .5, .034)
             if g.rng.random() < 0.8]
    lines = [np.array([(-1, y * f), (g.aspect + 1, y * f), (g.aspect + 1, y * f - 0.008), (-1, y * f - 0.008)])
             for f in (0.85, 0.6, 0.3)]
    return [*rows, Layer(crowd, g.light.tone(0.5), 0.2), Layer(lines, g.light.glow, 0.5, 0.7)]


def _road(g: Ground) -> list[Layer]:
    x, y = g.aspect * 0.5, g.horizon
    way = np.array([(x - 0.012, y), (x + 0.012, y), (g.aspect * 0.86, -0.5), (g.aspect * 0.14, -0.5)])
    marks = [np.array([(x - 0.03 * a, y * (1 - a)), (x + 0.03 * a, y * (1 - a)), (x + 0.03 * b, y * (1 - b)),
                       (x - 0.03 * b, y * (1 - b))]) for a, b in ((0.1, 0.2), (0.3, 0.46), (0.6, 0.82), (1.0, 1.3))]
    return [*_country(g)[:3], Layer([way], mixed(g.light.near, g.light.low, 0.25), 0.4), Layer(marks, g.light.low, 0.4,
            0.7)]


def _room(place: str, g: Ground) -> list[Layer]:
    """A back wall with what belongs to the place, a floor that runs to it, and light that falls in."""
    light, a, y = g.light, g.aspect, g.horizon
    layers = [Layer([_box(-0.8, y, a + 1.6, 1.6)], mixed(light.tone(0.15), light.low, 0.35), 0.2),
              Layer([_box(-0.8, y, a + 1.6, 0.028)], light.tone(0.6), 0.2),
              Layer([_box(-0.8, -0.6, a + 1.6, y + 0.6)], mixed(light.tone(0.55), light.low, 0.12), 0.3)]
    seams = [np.array([(a / 2 + k * 0.17, y), (a / 2 + k * 0.17 + 0.004, y), (a / 2 + k * 0.62 + 0.014, -0.6),
                       (a / 2 + k * 0.62, -0.6)]) for k in range(-9, 10)]
    layers.append(Layer(seams, light.tone(0.8), 0.3, 0.5))
    if place in ("castle", "temple"):
        posts = [_box(x, y - 0.05, 0.1, 1.6) for x in np.arange(-0.35, a + 0.4, 0.5)]
        caps = [_box(x - 0.025, y - 0.05, 0.15, 0.05) for x in np.arange(-0.35, a + 0.4, 0.5)]
        return [*layers, *_window(g, a * 0.5, arch=True), Layer([*posts, *caps], light.tone(0.5), 0.45)]
    if place == "prison":
        bars = [_box(x, y - 0.1, 0.022, 1.6) for x in np.arange(-0.4, a + 0.4, 0.15)]
        return [*layers, *_window(g, a * 0.72), Layer([*bars, _box(-0.8, 0.72, a + 1.6, 0.024)], light.tone(0.85), 0.7)]
    if place == "stage":
        folds = [curve([(x, 1.4), (x + 0.11, 1.4), (x + 0.09, y - 0.12), (x + 0.02, y - 0.12)]) for x in (
            *np.arange(-0.6, a * 0.16, 0.085), *np.arange(a * 0.8, a + 0.6, 0.085))]
        beam = [np.array([(a * 0.5 - 0.04, 1.3), (a * 0.5 + 0.04, 1.3), (a * 0.5 + 0.34, y - 0.2), (a * 0.5 - 0.34,
                y - 0.2)])]
        return [*layers, Layer(beam, light.glow, 0.2, 0.28), Layer(folds, mixed(light.tone(0.7), (150, 50, 48), 0.45),
                0.6)]
    if place == "train":
        panes = [layer for x in (0.12, 0.5, 0.88) for layer in _window(g, a * x)]
        seats = [curve([(x, y - 0.25), (x, y + 0.16), (x + 0.03, y + 0.2), (x + 0.1, y + 0.2), (x + 0.12, y - 0.25)])
                 for x in np.arange(-0.4, a + 0.4, 0.42)]
        return [*layers, *panes, Layer(seats, light.tone(0.75), 0.6)]
    return [*layers, *_window(g, a * g.rng.choice([0.24, 0.74])), *_shelves(g, place)]


def _window(g: Ground, x: float, *, arch: bool = False) -> list[Layer]:
    w, h, y = 0.3, 0.36, g.horizon + 0.16
    pane = [_box(x - w / 2, y, w, h)]
    if arch:
        pane.append(ellipse(x, y + h, w / 2, w / 2))
    bars = [_box(x - 0.006, y, 0.012, h + (w / 2 if arch else 0)), _box(x - w / 2, y + h * 0.55, w, 0.012)]
    frame = [_box(x - w / 2 - 0.02, y - 0.02, w + 0.04, h + 0.04)] if not arch else [_box(x - w / 2 - 0.03, y - 0.03,
            w + 0.06, 0.03)]
    shaft = [np.array([(x - w / 2, y), (x + w / 2, y), (x + w / 2 - 0.28, -0.3), (x - w / 2 - 0.75, -0.3)])]
    return [Layer(frame, g.light.tone(0.7), 0.2), Layer(pane, mixed(g.light.low, g.light.glow, 0.75), 0.15),
            Layer(bars, g.light.tone(0.7), 0.2), Layer(shaft, g.light.glow, 0.25, 0.16)]


def _shelves(g: Ground, place: str) -> list[Layer]:
    """Furniture on the wall and in front of it."""
    light, y, a = g.light, g.horizon, g.aspect
    boards, goods = [], []
    for left in ((-0.3, 0.46, a - 0.1) if place == "library" else (a * 0.42,)):
        for row in range(4 if place == "library" else 2):
            up = y + 0.16 + 0.16 * row
            boards.append(_box(left, up, 0.5, 0.014))
            x = left + 0.02
            while x < left + 0.46:
                w, h = g.rng.uniform(0.015, 0.04), g.rng.uniform(0.06, 0.12)
                goods.append(_box(x, up + 0.014, w, h) if place in ("library", "school", "home", "room")
                             else ellipse(x + w / 2, up + 0.014 + h * 0.3, w * 0.8, h * 0.34))
                x += w + (0.004 if place == "library" else 0.03)
    table = [_box(a * 0.56, y + 0.02, 0.62, 0.03), _box(a * 0.58, y - 0.18, 0.024, 0.22), _box(a * 0.56 + 0.56,
            y - 0.18, 0.024, .22)]
    bed = [curve([(a * 0.54, y - 0.1), (a * 0.54, y + 0.06), (a * 0.54 + 0.6, y + 0.04), (a * 0.54 + 0.6, y - 0.1)])]
    return [Layer(boards, light.tone(0.65), 0.22), Layer(goods, light.tone(0.45), 0.22),
            Layer(bed if place == "hospital" else table, light.tone(0.62), 0.4)]


def aerial(g: Ground) -> list[Layer]:
    """Any place from high above: fields, a way, roofs and trees with their shadows."""
    light, a = g.light, g.aspect
    fields = []
    for k, x in enumerate(np.arange(-0.7, a + 0.7, 0.42)):
        for m, y in enumerate(np.arange(-0.5, 1.5, 0.36)):
            j = g.rng.uniform(-0.03, 0.03, 8)
            quad = np.array([(x, y), (x + 0.41, y), (x + 0.41, y + 0.35), (x, y + 0.35)]) + j.reshape(4, 2)
            fields.append(Layer([quad], light.tone(0.15 + 0.3 * ((k * 7 + m * 3) % 5) / 5), 0.35))
    t = np.linspace(-0.7, 1.7, 60)
    mid = a * 0.5 + 0.3 * np.sin(t * 3.1) + 0.25 * (t - 0.5)
    way = np.concatenate([np.stack([mid - 0.05, t], 1), np.stack([mid + 0.05, t], 1)[::-1]])
    roofs, shade, trees = [], [], []
    for x, y in zip(g.rng.uniform(-0.2, a + 0.2, 26), g.rng.uniform(-0.1, 1.1, 26), strict=True):
        if abs(x - np.interp(y, t, mid)) < 0.16:
            continue
        if g.rng.random() < 0.4:
            roofs.append(_box(x, y, 0.1, 0.075))
            shade += [np.array([(x, y), (x + 0.1, y), (x + 0.16, y - 0.05), (x + 0.06, y - 0.05)]),
                      np.array([(x + 0.1, y), (x + 0.1, y + 0.075), (x + 0.16, y + 0.025), (x + 0.16, y - 0.05)])]
        else:
            trees.append(ellipse(x, y, 0.032, 0.032))
            shade.append(capsule((x, y), (x + 0.07, y - 0.05), 0.03, 0.026))
    return [*fields, Layer([way], mixed(light.low, light.glow, 0.4), 0.36), Layer(shade, light.figure, 0.36, 0.35),
            Layer(trees, light.tone(0.8), 0.38), Layer(roofs, mixed(light.tone(0.5), (176, 92, 68), 0.5), 0.38)]


_PLACES: Mapping[str, Callable[[Ground], list[Layer]]] = {
    "market": _market, "city": _city, "street": _city, "forest": _forest, "grassland": _country, "mountain": _mountain,
    "sea": _sea, "shore": _shore, "desert": _desert, "space": _space, "planet": _space, "underwater": _underwater,
    "yard": _country, "farm": _country, "road": _road, "park": lambda g: [_country(g)[0], _trees(g, 8, 0.3, 0.4, 0.4)],
    "stadium": _stadium, "cave": _cave, "ice": _ice,
}


def sky(g: Ground) -> list[Layer]:
    """Sun, moon, stars and clouds, where the light has them."""
    light, layers = g.light, []
    if g.horizon > 0.7:
        return []  # the camera looks down
    x, y = g.aspect * g.rng.uniform(0.2, 0.8), g.horizon + (1 - g.horizon) * g.rng.uniform(0.45, 0.65)
    if light.shines == "moon":
        stars = [ellipse(sx, sy, r, r, 8) for sx, sy, r in zip(
            g.rng.uniform(-0.3, g.aspect + 0.3, 80), g.rng.uniform(g.horizon, 1.1, 80), g.rng.uniform(.001, .003, 80),
                    strict=True)]
        layers.append(Layer(stars, light.glow, 0.02, 0.8))
    if light.shines:
        r = 0.065 if light.shines == "moon" else 0.075
        layers += [Layer([ellipse(x, y, r * k, r * k, 64)], light.glow, 0.03, alpha) for k, alpha in (
            (3.4, 0.07), (2.3, 0.1), (1.5, 0.16), (1.0, 0.95))]
    clouds = []
    for cx in g.spread(4):
        cy = g.rng.uniform(g.horizon + 0.3, 1.0)
        clouds += [capsule((cx - w, cy + dy), (cx + w, cy + dy), 0.012, 0.008) for w, dy in ((0.2, 0), (0.12, 0.022),
                (.26, -.02))]
    if light.shines != "moon":
        layers.append(Layer(clouds, mixed(light.low, light.glow, 0.6), 0.06, 0.4))
    return layers


def hatch(x: float, y: float, w: float, h: float, count: int) -> list[Polygon]:
    """Pencil strokes over an area."""
    slant = math.tan(math.radians(30)) * h
    return [np.array([(x + w * k / count, y), (x + w * k / count + 0.003, y), (x + w * k / count + 0.003 + slant,
            y + h),
                      (x + w * k / count + slant, y + h)]) for k in range(count)]
