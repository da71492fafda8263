"""The world that the starter model knows: coloured things that move before a background, drawn on the fly.

A `Scene` says what is seen, `render` draws it. The same scene gives the same frames on every machine of one OpenCV
version. Coordinates are pixels of the finished frame, x to the right and y down; angles in radians.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

SIZE = 64
"""Width and height of a frame in pixels."""
FRAMES = 17
FPS = 8
SCALE = 3
"""Frames are drawn this many times larger and averaged down."""
LINE = 3.0
"""Width of outlines in pixels."""
_MARGIN = 24
"""Pixels of background on every side that only a moving camera sees."""

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (222, 28, 36), "orange": (255, 136, 0), "yellow": (255, 226, 40), "green": (24, 190, 60),
    "blue": (32, 84, 240), "purple": (146, 40, 204), "pink": (255, 120, 190), "white": (252, 252, 252),
}
"""RGB, 0 to 255. No background comes near one of these."""
SHAPES = ("ball", "star", "ring", "square", "heart", "car", "boat", "tree", "house", "rocket")
MOTIONS = ("left", "right", "up", "down", "grow", "shrink", "spin", "bounce", "orbit", "still")
BACKGROUNDS = ("gray", "black", "beige", "sky", "grass", "night", "sea", "sunset")
CAMERAS = ("static", "push-in", "pull-out", "pan-left", "pan-right")
Size = Literal["small", "medium", "large"]
Speed = Literal["slow", "normal", "fast"]
RADII: dict[str, float] = {"small": 9.0, "medium": 11.0, "large": 13.0}
Style = Literal["solid", "outline"]


@dataclass(frozen=True)
class Thing:
    """One object; `motion` is one of MOTIONS, and `speed` says nothing where it stands still."""

    colour: str
    shape: str
    motion: str = "still"
    size: Size = "medium"
    speed: Speed = "normal"


@dataclass(frozen=True)
class Scene:
    """One clip. `seed` draws what a caption does not say: places, phases, clouds, stars and waves.

    The first thing is the one that moves; a second stands still, `beside` it (above or below).
    """

    things: tuple[Thing, ...]
    background: str
    camera: str = "static"
    seed: int = 0
    style: Style = "solid"


def render(scene: Scene, frames: int = FRAMES) -> np.ndarray:
    """The clip as uint8 RGB, shape [frames, SIZE, SIZE, 3]. `frames` below FRAMES gives its beginning."""
    backdrop, paths = _prepare(scene)
    clip = np.empty((frames, SIZE, SIZE, 3), np.uint8)
    for at in range(frames):
        t = at / (FRAMES - 1)
        canvas = see(backdrop, *_camera(scene.camera, t))
        for thing, path in zip(scene.things, paths, strict=True):
            x, y, radius, angle = _seen(path, scene.camera, t)
            draw(canvas, thing, (x, y), radius, angle, scene.style)
        clip[at] = cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return clip


def places(scene: Scene) -> np.ndarray:
    """Where things are in each frame: centre x, centre y and radius in pixels, float32 [FRAMES, things, 3]."""
    _, paths = _prepare(scene)
    return np.array([[_seen(path, scene.camera, at / (FRAMES - 1))[:3] for path in paths] for at in range(FRAMES)],
                    np.float32)


def _prepare(scene: Scene) -> tuple[np.ndarray, list[Path]]:
    """The backdrop, and the path of each thing."""
    rng = np.random.default_rng(scene.seed)
    backdrop = BACKDROPS[scene.background](rng)
    return backdrop, [_path(thing, rng, *_place(scene, at)) for at, thing in enumerate(scene.things)]


def _seen(path: Path, camera: str, t: float) -> tuple[float, float, float, float]:
    """A point of a path as the camera sees it."""
    zoom, shift = _camera(camera, t)
    x, y, radius, angle = path(t)
    middle = SIZE / 2
    return (x - middle) * zoom + middle + shift, (y - middle) * zoom + middle, radius * zoom, angle


# Movement

Path = Callable[[float], tuple[float, float, float, float]]
"""From time 0..1 to centre x, centre y, radius and angle."""


def _place(scene: Scene, at: int) -> tuple[float, float]:
    """The band of heights in which a thing has its place."""
    if len(scene.things) == 1:
        return 22.0, 42.0
    above = (scene.seed & 1) == 0
    return (15.0, 19.0) if (at == 0) == above else (44.0, 48.0)


def second_is_below(scene: Scene) -> bool:
    """Of two things, whether the second stands below the first."""
    return (scene.seed & 1) == 0


def _path(thing: Thing, rng: np.random.Generator, top: float, bottom: float) -> Path:
    radius = RADII[thing.size]
    pace = {"slow": 0.7, "normal": 1.0, "fast": 1.3}[thing.speed]
    x0, y0 = rng.uniform(24, 40), rng.uniform(top, bottom)
    travel = 26 * pace
    free = SIZE / 2 - radius - 2 - travel / 2
    start = SIZE / 2 - travel / 2 + rng.uniform(-1, 1) * max(0.0, free)
    drift = rng.uniform(-1.5, 1.5)

    def left(t: float) -> tuple[float, float, float, float]:
        return SIZE - start - travel * t, y0 + drift * t, radius, 0.0

    def right(t: float) -> tuple[float, float, float, float]:
        return start + travel * t, y0 + drift * t, radius, 0.0

    def up(t: float) -> tuple[float, float, float, float]:
        return x0 + drift * t, SIZE - start - travel * t, radius, 0.0

    def down(t: float) -> tuple[float, float, float, float]:
        return x0 + drift * t, start + travel * t, radius, 0.0

    small, large = radius * 0.7, min(radius * 0.7 * (1.9 + 0.4 * pace), 21.0 if top > 20 else 15.0)

    def grow(t: float) -> tuple[float, float, float, float]:
        return x0, y0, small + (large - small) * t, 0.0

    def shrink(t: float) -> tuple[float, float, float, float]:
        return x0, y0, large + (small - large) * t, 0.0

    # Always clockwise: where both ways are as likely, a small model shows their mean, a thing that stands still.
    # Not far from one latent frame to the next: a thing that turns by 70 degrees in four frames comes apart.
    turn = 2 * math.pi * (0.2 + 0.25 * pace)

    def spin(t: float) -> tuple[float, float, float, float]:
        return x0, y0, radius, turn * t

    hops, ground = 0.75 + 0.5 * pace, rng.uniform(40, 46)

    def bounce(t: float) -> tuple[float, float, float, float]:
        at = hops * t % 1.0
        return x0 + drift * t, ground - 17 * 4 * at * (1 - at), radius, 0.0

    way, begin, reach = (1 if rng.random() < 0.5 else -1), rng.uniform(0, 2 * math.pi), rng.uniform(9.5, 12)

    def orbit(t: float) -> tuple[float, float, float, float]:
        angle = begin + way * 2 * math.pi * (0.55 + 0.3 * pace) * t
        return SIZE / 2 + reach * math.cos(angle), SIZE / 2 + reach * math.sin(angle), radius * 0.9, 0.0

    def still(_t: float) -> tuple[float, float, float, float]:
        return x0, y0, radius, 0.0

    return {"left": left, "right": right, "up": up, "down": down, "grow": grow, "shrink": shrink, "spin": spin,
            "bounce": bounce, "orbit": orbit, "still": still}[thing.motion]


def _camera(camera: str, t: float) -> tuple[float, float]:
    """Zoom and shift in pixels. A pan to the left moves what is seen to the right."""
    if camera == "push-in":
        return 1.0 + 0.22 * t, 0.0
    if camera == "pull-out":
        return 1.22 - 0.22 * t, 0.0
    if camera in ("pan-left", "pan-right"):
        return 1.0, (8 * t - 4) * (1 if camera == "pan-left" else -1)
    return 1.0, 0.0


def see(backdrop: np.ndarray, zoom: float, shift: float) -> np.ndarray:
    """The part of a backdrop that the camera sees, `SCALE` times the size of a frame."""
    side = SIZE * SCALE
    middle = backdrop.shape[0] / 2
    matrix = np.array([[zoom, 0, side / 2 + shift * SCALE - zoom * middle], [0, zoom, side / 2 - zoom * middle]])
    return cv2.warpAffine(backdrop, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


# Things

_BITS = 4
_Polygon = list[tuple[float, float]]


def _circle(x: float, y: float, r: float, n: int = 24) -> _Polygon:
    return [(x + r * math.cos(2 * math.pi * i / n), y + r * math.sin(2 * math.pi * i / n)) for i in range(n)]


def _star() -> _Polygon:
    return [(r * math.sin(math.pi * i / 5), -r * math.cos(math.pi * i / 5)) for i in range(10)
            for r in ((1.12, 0.48)[i % 2],)]


def _heart() -> _Polygon:
    points = []
    for i in range(36):
        a = 2 * math.pi * i / 36
        points.append((0.062 * 16 * math.sin(a) ** 3,
                       -0.062 * (13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a))))
    return points


@dataclass(frozen=True)
class _Figure:
    """Polygons in units of the radius: `body` takes the colour (holes where two overlap); `dark` lies on it."""

    body: tuple[_Polygon, ...]
    dark: tuple[_Polygon, ...] = ()


_FIGURES: dict[str, _Figure] = {
    "ball": _Figure((_circle(0, 0, 1.0),), ([(-0.98, -0.14), (0.98, -0.14), (0.98, 0.14), (-0.98, 0.14)],)),
    "star": _Figure((_star(),)),
    "ring": _Figure((_circle(0, 0, 1.05), _circle(0, 0, 0.56)),
                    ([(0.52, -0.16), (1.08, -0.16), (1.08, 0.16), (0.52, 0.16)],)),
    "square": _Figure(([(-0.84, -0.84), (0.84, -0.84), (0.84, 0.84), (-0.84, 0.84)],)),
    "heart": _Figure((_heart(),)),
    "car": _Figure(([(-1.15, 0.42), (-1.15, 0.0), (-0.68, -0.1), (-0.42, -0.62), (0.42, -0.62), (0.7, -0.1),
                     (1.15, 0.04), (1.15, 0.42)],),
                   (_circle(-0.62, 0.45, 0.3), _circle(0.62, 0.45, 0.3),
                    [(-0.32, -0.46), (0.32, -0.46), (0.44, -0.12), (-0.46, -0.12)])),
    "boat": _Figure(([(-1.1, 0.32), (1.1, 0.32), (0.68, 0.86), (-0.68, 0.86)],
                     [(0.08, -1.1), (0.08, 0.14), (0.92, 0.14)]),
                    ([(-0.1, -1.1), (0.04, -1.1), (0.04, 0.34), (-0.1, 0.34)],)),
    "tree": _Figure(([(0.0, -1.15), (0.62, -0.3), (0.36, -0.3), (0.88, 0.5), (-0.88, 0.5), (-0.36, -0.3),
                      (-0.62, -0.3)],), ([(-0.2, 0.5), (0.2, 0.5), (0.2, 1.08), (-0.2, 1.08)],)),
    "house": _Figure(([(0.0, -1.08), (1.08, -0.16), (0.8, -0.16), (0.8, 0.86), (-0.8, 0.86), (-0.8, -0.16),
                       (-1.08, -0.16)],),
                     ([(-0.2, 0.26), (0.2, 0.26), (0.2, 0.86), (-0.2, 0.86)],)),
    "rocket": _Figure(([(0.0, -1.25), (0.3, -0.82), (0.38, -0.3), (0.38, 0.34), (0.8, 0.8), (0.8, 1.05), (0.3, 0.8),
                        (-0.3, 0.8), (-0.8, 1.05), (-0.8, 0.8), (-0.38, 0.34), (-0.38, -0.3), (-0.3, -0.82)],),
                      (_circle(0.0, -0.32, 0.2),)),
}
_DARK = (38, 34, 40)


def _points(polygon: _Polygon, place: tuple[float, float], radius: float, angle: float) -> np.ndarray:
    cos, sin = math.cos(angle) * radius, math.sin(angle) * radius
    turned = [((x * cos - y * sin + place[0]) * SCALE, (x * sin + y * cos + place[1]) * SCALE) for x, y in polygon]
    return np.round((np.array(turned) - 0.5) * 2**_BITS).astype(np.int32)


def draw(canvas: np.ndarray, thing: Thing, place: tuple[float, float], radius: float, angle: float,
         style: Style, line: float = LINE) -> None:
    """Draw one thing on a canvas of SCALE times the frame's size; `line` is the width of an outline in pixels."""
    figure, colour = _FIGURES[thing.shape], COLOURS[thing.colour]
    body = [_points(p, place, radius, angle) for p in figure.body]
    if style == "outline":
        cv2.polylines(canvas, body, True, colour, thickness=round(line * SCALE), lineType=cv2.LINE_AA, shift=_BITS)
        return
    edge = tuple(int(c * 0.35) for c in colour)
    cv2.polylines(canvas, body, True, edge, thickness=SCALE, lineType=cv2.LINE_AA, shift=_BITS)
    cv2.fillPoly(canvas, body, colour, lineType=cv2.LINE_AA, shift=_BITS)
    for polygon in figure.dark:
        cv2.fillPoly(canvas, [_points(polygon, place, radius, angle)], _DARK, lineType=cv2.LINE_AA, shift=_BITS)


def silhouette(shape: str, angle: float = 0.0, radius: float = 20.0) -> np.ndarray:
    """The coloured part of a shape alone: bool, [SIZE, SIZE], centred, without outline and dark details."""
    canvas = np.zeros((SIZE * SCALE, SIZE * SCALE, 3), np.uint8)
    figure, place = _FIGURES[shape], (SIZE / 2, SIZE / 2)
    cv2.fillPoly(canvas, [_points(p, place, radius, angle) for p in figure.body], (255, 255, 255), shift=_BITS)
    for polygon in figure.dark:
        cv2.fillPoly(canvas, [_points(polygon, place, radius, angle)], (0, 0, 0), shift=_BITS)
    return cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA)[:, :, 0] > 127


# Backgrounds

_SIDE = (SIZE + 2 * _MARGIN) * SCALE


def _vary(rng: np.random.Generator, colour: tuple[int, int, int], amount: float = 5.0) -> np.ndarray:
    return np.clip(np.array(colour) + rng.uniform(-amount, amount, 3), 0, 255)


def _plain(*colour: int) -> Callable[[np.random.Generator], np.ndarray]:
    def paint(rng: np.random.Generator) -> np.ndarray:
        shade = np.clip(np.array(colour) + rng.uniform(-6, 6), 0, 255).astype(np.uint8)
        return np.broadcast_to(shade, (_SIDE, _SIDE, 3)).copy()
    return paint


def _gradient(top: np.ndarray, bottom: np.ndarray, start: float = 0.0, stop: float = 1.0) -> np.ndarray:
    """From one colour down to another; `start` and `stop` as shares of the frame's height."""
    y = (np.arange(_SIDE) / SCALE - _MARGIN) / SIZE
    share = np.clip((y - start) / (stop - start), 0, 1)[:, None]
    rows = top * (1 - share) + bottom * share
    return np.broadcast_to(rows[:, None, :], (_SIDE, _SIDE, 3)).astype(np.uint8).copy()


def _xy(x: float, y: float) -> tuple[int, int]:
    return round((x + _MARGIN) * SCALE), round((y + _MARGIN) * SCALE)


def _sky(rng: np.random.Generator) -> np.ndarray:
    canvas = _gradient(_vary(rng, (120, 176, 224)), _vary(rng, (176, 210, 234)))
    for _ in range(int(rng.integers(3, 6))):
        x, y = rng.uniform(-_MARGIN, SIZE + _MARGIN), rng.uniform(4, 58)
        for dx, dy, r in ((0, 0, 4.5), (5, 1, 4.0), (-5, 1, 3.5), (1, -2.5, 3.5)):
            cv2.circle(canvas, _xy(x + dx, y + dy), round(r * SCALE), (212, 226, 236), -1, cv2.LINE_AA)
    return canvas


def _grass(rng: np.random.Generator) -> np.ndarray:
    horizon = rng.uniform(24, 32)
    canvas = _gradient(_vary(rng, (176, 206, 222)), _vary(rng, (198, 216, 222)), 0.0, horizon / SIZE)
    top, bottom = _vary(rng, (112, 136, 66)), _vary(rng, (78, 108, 46))
    ground = _gradient(top, bottom, horizon / SIZE, 1.0)
    x = np.arange(_SIDE)
    hills = (horizon + _MARGIN + 2 * np.sin(x / SCALE / rng.uniform(9, 14) + rng.uniform(0, 6))) * SCALE
    mask = np.arange(_SIDE)[:, None] >= hills[None, :]
    canvas[mask] = ground[mask]
    for _ in range(60):
        bx, by = rng.uniform(-_MARGIN, SIZE + _MARGIN), rng.uniform(horizon + 5, SIZE + _MARGIN)
        cv2.line(canvas, _xy(bx, by), _xy(bx + rng.uniform(-1, 1), by - 2.5), (66, 92, 38), 2, cv2.LINE_AA)
    return canvas


def _night(rng: np.random.Generator) -> np.ndarray:
    canvas = _gradient(_vary(rng, (10, 13, 40)), _vary(rng, (26, 30, 72)))
    for _ in range(40):
        x, y = rng.uniform(-_MARGIN, SIZE + _MARGIN, 2)
        cv2.circle(canvas, _xy(x, y), round(rng.uniform(0.4, 0.8) * SCALE), (168, 166, 142), -1, cv2.LINE_AA)
    return canvas


def _sea(rng: np.random.Generator) -> np.ndarray:
    horizon = rng.uniform(18, 26)
    canvas = _gradient(_vary(rng, (168, 198, 206)), _vary(rng, (196, 214, 216)), 0.0, horizon / SIZE)
    water = _gradient(_vary(rng, (44, 122, 140)), _vary(rng, (14, 74, 98)), horizon / SIZE, 1.0)
    row = round((horizon + _MARGIN) * SCALE)
    canvas[row:] = water[row:]
    for line in np.arange(horizon + 5, SIZE + _MARGIN, 7.0):
        phase, x = rng.uniform(0, 6), np.arange(-_MARGIN, SIZE + _MARGIN, 2.0)
        wave = [_xy(a, line + 1.2 * math.sin(a / 3.5 + phase)) for a in x]
        cv2.polylines(canvas, [np.array(wave, np.int32)], False, (88, 152, 164), SCALE, cv2.LINE_AA)
    return canvas


def _sunset(rng: np.random.Generator) -> np.ndarray:
    horizon = rng.uniform(44, 50)
    canvas = _gradient(_vary(rng, (88, 58, 96)), _vary(rng, (222, 150, 110)), 0.0, horizon / SIZE)
    cv2.circle(canvas, _xy(rng.uniform(14, 50), horizon), 8 * SCALE, (240, 196, 142), -1, cv2.LINE_AA)
    canvas[round((horizon + _MARGIN) * SCALE):] = _vary(rng, (58, 40, 58)).astype(np.uint8)
    return canvas


BACKDROPS: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "gray": _plain(128, 128, 128), "black": _plain(18, 18, 20), "beige": _plain(214, 196, 164), "sky": _sky,
    "grass": _grass, "night": _night, "sea": _sea, "sunset": _sunset,
}
