"""A storyboard frame, drawn: its framing, the place in layers, figures as silhouettes, and how camera and people move.

The same sketch and seed give the same picture. With notes it is a frame of a board, with arrows, names and a line of
text; without, a picture that moves for a film. Knows nothing of stories.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

import cv2
import numpy as np

from ...request import CameraMovement
from . import board_people as people
from .board_people import BUILDS, Polygon
from .board_places import ROOMS, Ground, Layer, Light, aerial, light_of, mixed, scenery, sky
from .sketch import Sketch

FINE = 2
"""Pictures are drawn so many times as large, and scaled down."""
TINTS = ((188, 84, 60), (54, 122, 158), (204, 152, 58), (116, 92, 160), (92, 140, 86), (178, 90, 124))
_HORIZONS = {"extreme wide shot": 0.36, "low-angle shot": 0.13, "high-angle shot": 0.84, "aerial shot": 1.3}
HORIZON = 0.44
SIZES = {"extreme wide shot": (0.19, 0.24), "wide shot": (0.42, 0.17), "tracking shot": (0.62, 0.12),
         "medium shot": (1.12, -0.36), "two-shot": (1.0, -0.27), "POV shot": (0.74, 0.0),
         "over-the-shoulder shot": (0.98, -0.26), "low-angle shot": (0.9, 0.0), "high-angle shot": (0.5, 0.2),
         "dutch-angle shot": (0.8, -0.06), "aerial shot": (0.1, 0.42)}
"""Height of a figure and of its feet, in heights of the picture."""
_HANDS: dict[people.Pose, tuple[float, float]] = {"offer": (0.37, 0.71), "lean": (0.37, 0.4), "sit": (0.28, 0.38)}
"""How far before a figure and how high its hands hold a thing, in its heights."""
SKIN, GOLD = (206, 152, 112), (226, 176, 92)
_CROWD = re.compile(r"\b(?:everyone|everybody|people|crowd|villagers|neighbou?rs|onlookers|audience|others|nearby)\b",
                    re.IGNORECASE)
_OPPOSED = re.compile(r"\b(?:away|leav|flee|hurr\w* off|behind)", re.IGNORECASE)


@dataclass(frozen=True)
class Name:
    """Somebody's name at a place of the picture, in heights from the lower left corner."""

    text: str
    x: float
    y: float
    color: tuple[int, int, int]


@dataclass
class Board:
    """The picture of a sketch. `paint(u, seconds)` draws a moment; `names` are where figures stand at the beginning."""

    sketch: Sketch
    place: str
    seed: int
    aspect: float
    names: list[Name] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.light: Light = light_of(self.sketch.light, self.place)
        self.horizon = _HORIZONS.get(self.sketch.shot, HORIZON)
        if self.place in ROOMS and self.sketch.shot not in ("low-angle shot", "high-angle shot"):
            self.horizon = 0.34
        ground = Ground(self.aspect, self.horizon, self.light, np.random.default_rng([self.seed, self.sketch.number]))
        self.far: list[Layer]
        if self.sketch.shot == "aerial shot":
            self.far = aerial(ground)
        elif self.place in ROOMS or self.place in ("space", "underwater", "cave"):
            self.far = scenery(self.place, ground)
        else:
            self.far = [*sky(ground), *scenery(self.place, ground)]
        rng = ground.rng
        marks = [people.ellipse(x, y, r * 3.2, r, 16) for x, y, r in zip(
            rng.uniform(-0.3, self.aspect + 0.3, 90), rng.uniform(-0.1, max(self.horizon - 0.04, 0.02), 90),
            rng.uniform(0.0012, 0.004, 90), strict=True)]
        self.pebbles = Layer([] if self.place in ROOMS else marks, self.light.near, 0.55, 0.3)
        self.soft = self.sketch.shot in ("close-up", "extreme close-up", "insert shot", "over-the-shoulder shot")
        self.seen = self.sketch.seen or self.sketch.cast[:1]
        self.figures(0.0, 0.0)

    # -- who and what -------------------------------------------------------------------------------------------

    def color_of(self, name: str) -> tuple[int, int, int]:
        """A character's colour in this light."""
        at = self.sketch.cast.index(name) if name in self.sketch.cast else len(self.sketch.cast)
        return mixed(self.light.figure, TINTS[at % len(TINTS)], 0.46)

    def _skin(self, name: str) -> tuple[int, int, int]:
        return mixed(mixed(self.color_of(name), SKIN, 0.62), self.light.low, 0.34)

    def _index(self, name: str) -> int:
        return self.sketch.cast.index(name) if name in self.sketch.cast else 0

    def figures(self, u: float, seconds: float) -> list[Layer]:
        """Layers of people and things at a moment, and their names."""
        self.names = []
        stride = math.sin(2 * math.pi * 1.1 * u * seconds) if seconds else 0.0
        shot = self.sketch.shot
        if shot == "close-up":
            return self._head(0.62, 0.24, stride)
        if shot == "extreme close-up" and not people.thing_of(self.sketch.action):
            return self._head(1.32, -0.2, stride)
        if shot in ("insert shot", "extreme close-up"):
            return self._insert(stride)
        layers = self._standing(u, stride)
        if shot == "over-the-shoulder shot":
            other = self.seen[0] if len(self.seen) > 1 else next((n for n in self.sketch.cast if n not in self.seen),
                    "")
            build = BUILDS[self._index(other) % len(BUILDS)]
            back = people.placed(people.back_of_head(build), self.aspect * 0.2, 0.34, 0.6)
            layers.append(Layer(back, mixed(self.color_of(other), self.light.figure, 0.55), 1.0))
            self.names.append(Name(other, self.aspect * 0.2, 0.14, self.color_of(other)))
        if shot == "POV shot":
            for side in (-1, 1):
                hands = people.placed(people.hand(stride), self.aspect * (0.5 + 0.2 * side), 0.15, 0.3, left=side > 0)
                layers.append(Layer(hands, mixed(self.light.figure, self.light.glow, 0.1), 1.0))
        return layers

    def _standing(self, u: float, stride: float) -> list[Layer]:
        height, feet = SIZES.get(self.sketch.shot, SIZES["medium shot"])
        shown = list(self.seen)
        if self.sketch.shot in ("over-the-shoulder shot", "POV shot") and len(shown) > 1:
            shown = shown[1:]
        shown = shown[:4]
        pose = people.pose_of(self.sketch.action)
        moving, thing = pose in ("walk", "run"), people.thing_of(self.sketch.action)
        layers = self._crowd(height, feet) if _CROWD.search(self.sketch.action) else []
        spread = {1: (0.46,), 2: (0.36, 0.64), 3: (0.28, 0.5, 0.73), 4: (0.2, 0.4, 0.6, 0.8)}[max(len(shown), 1)]
        if self.sketch.shot in ("over-the-shoulder shot", "POV shot") and len(shown) == 1:
            spread = (0.64 if self.sketch.shot != "POV shot" else 0.5,)
        leaves = len(shown) > 1 and bool(_OPPOSED.search(self.sketch.action))
        if leaves and self.sketch.shot not in ("over-the-shoulder shot", "POV shot"):
            spread = (0.66, 0.34, 0.24, 0.14)[:len(shown)]
        for at, name in enumerate(shown):
            left = (at > 0 and not leaves) or self.sketch.shot in ("over-the-shoulder shot", "POV shot")
            own = pose if at == 0 else ("walk" if moving and not leaves else "stand")
            holds = thing if at == 0 and people.kind_of(name) not in people.ANIMALS else ""
            own = "offer" if holds and own == "stand" else own
            shapes, tall = people.figure(name, own, self._index(name), stride if at == 0 or moving else stride * 0.4)
            gap = min(height * 0.36, self.aspect * 0.16)
            x = self.aspect / 2 + (spread[at] - 0.5) * (gap * 7 if len(shown) > 1 else self.aspect)
            x = min(max(x, self.aspect * 0.12), self.aspect * 0.88)
            if moving and (at == 0 or not leaves):
                x += (-1 if left else 1) * (u - 0.5) * height * 0.35
            low = max(feet, 0.06) if people.kind_of(name) in people.ANIMALS else feet
            squash = 0.8 if self.sketch.shot == "high-angle shot" else 1.0
            size = height * tall
            body = people.placed(shapes, x, low, size, left=left, squash=squash)
            if self.sketch.shot == "low-angle shot":
                body = [_tapered(shape, x, low, size) for shape in body]
            depth = 0.8 if height > 0.5 else 0.6
            if low > -0.1:
                layers.append(Layer([_shadow(x, low, size)], self.light.figure, depth, 0.3))
            rim = [shape + np.array([0.0055 * size, 0.0045 * size]) for shape in body]
            layers.append(Layer(rim, mixed(self.color_of(name), self.light.glow, 0.62), depth))
            layers.append(Layer(body, self.color_of(name), depth))
            if holds and own in _HANDS:
                reach, lift = _HANDS[own]
                layers += self._thing(holds, x + (-reach if left else reach) * size, low, low + lift * size * squash,
                                      size, depth, stands=own == "lean")
            self.names.append(Name(name, x, min(low + size * squash * 1.06 + 0.02, 0.9), self.color_of(name)))
        return layers

    def _thing(self, kind: str, x: float, feet: float, low: float, size: float, depth: float, *,
               stands: bool) -> list[Layer]:
        """A thing in the hands of a figure whose feet and size are told, or before it on a crate."""
        shapes = people.placed(people.thing(kind), x, low, 0.17 * size)
        gleam = mixed(GOLD, self.light.glow, 0.25)
        rim = [shape + 0.006 * size for shape in shapes]
        layers = [Layer(rim, self.light.glow, depth), Layer(shapes, gleam, depth)]
        if stands:
            wood = mixed(self.light.tone(0.6), (150, 104, 66), 0.45)
            lid = _box(x - 0.15 * size, low - 0.03 * size, 0.3 * size, 0.03 * size)
            layers = [Layer([_box(x - 0.13 * size, feet, 0.26 * size, low - feet)], wood, depth),
                      Layer([lid], mixed(wood, self.light.glow, 0.35), depth), *layers]
        return layers

    def _crowd(self, height: float, feet: float) -> list[Layer]:
        """People who are not named, behind those who are."""
        rng = np.random.default_rng([self.seed, self.sketch.number, 7])
        size = height * 0.78
        base = self.horizon - (self.horizon - max(feet, 0.0)) * 0.45 if feet > -0.1 else feet + height * 0.2
        layers = []
        for at, share in enumerate((0.08, 0.22, 0.78, 0.92, 0.34)):
            shapes, tall = people.figure("", "stand", at + int(rng.integers(0, 6)))
            body = people.placed(shapes, self.aspect * share, base, size * tall * rng.uniform(0.92, 1.05),
                    left=share > 0.5)
            layers.append(Layer(body, mixed(self.light.tone(0.8), self.light.figure, 0.35), 0.5))
        return layers

    def _head(self, size: float, chin: float, stride: float) -> list[Layer]:
        """A face that fills the picture."""
        name = self.seen[0] if self.seen else ""
        if people.kind_of(name) in people.ANIMALS:
            shapes, _ = people.figure(name, "stand", self._index(name), stride)
            broad = people.kind_of(name) == "fish"
            body = people.placed(shapes, self.aspect * (0.5 if broad else 0.34), chin - size * (0.2 if broad else 0.95),
                                 size * (0.9 if broad else 1.8))
            rim = [shape + 0.012 for shape in body]
            self.names.append(Name(name, self.aspect * 0.34, 0.1, self.color_of(name)))
            return [Layer(rim, mixed(self.color_of(name), self.light.glow, 0.6), 0.9), Layer(body, self.color_of(name),
                    .9)]
        own = people.face(BUILDS[self._index(name) % len(BUILDS)], 0.6 if len(self.seen) > 1 else 0.25)
        if people.kind_of(name) == "machine":
            own = people.machine_face()
        x, y = self.aspect * 0.45, chin + 0.006 * stride
        tint = self.color_of(name)
        skin = self._skin(name)

        def put(shapes: list[Polygon], color: tuple[int, int, int], alpha: float = 1.0, off: float = 0.0) -> Layer:
            return Layer([s + np.array([-off, off * 0.5]) for s in people.placed(shapes, x, y, size)], color, 0.9,
                    alpha)

        self.names.append(Name(name, self.aspect * 0.26, 0.06, tint))
        kind = people.thing_of(self.sketch.action) if size < 1 else ""
        held: list[Layer] = []
        if kind:
            near, gleam = self.aspect * 0.76, mixed(GOLD, self.light.glow, 0.25)
            hand = people.placed(people.hand(stride), near + 0.1, 0.13, 0.3, left=True)
            shapes = people.placed(people.thing(kind), near, 0.05, 0.36)
            held = [Layer([shape + 0.008 for shape in shapes], self.light.glow, 1.0), Layer(shapes, gleam, 1.0),
                    Layer([shape + np.array([0.0, 0.008]) for shape in hand], mixed(tint, self.light.glow, 0.62), 1.0),
                    Layer(hand, skin, 1.0)]
        return [put([*own.shoulders, *own.hair], mixed(tint, self.light.glow, 0.62), off=0.014 * size),
                put(own.shoulders, tint), put(own.head, skin), put(own.shade, mixed(tint, self.light.figure, 0.2),
                        0.42),
                put(own.marks, mixed(tint, self.light.figure, 0.7)),
                put(own.hair, mixed(tint, self.light.figure, 0.45)), *held]

    def _insert(self, stride: float) -> list[Layer]:
        """Hands and a thing on a table."""
        name = self.seen[0] if self.seen else ""
        tint, a = self.color_of(name), self.aspect
        table = np.array([(-1.0, 0.3), (a + 1, 0.3), (a + 1, -1), (-1, -1)])
        edge = np.array([(-1.0, 0.3), (a + 1, 0.3), (a + 1, 0.285), (-1, 0.285)])
        wood = mixed(self.light.tone(0.6), (150, 104, 66), 0.45)
        kind = people.thing_of(self.sketch.action) or "box"
        shapes = people.placed(people.thing(kind), a * 0.5, 0.2, 0.46)
        gleam = mixed(GOLD, self.light.glow, 0.25)
        layers = [Layer([people.ellipse(a * 0.5, 0.44, 0.52, 0.4)], self.light.glow, 0.8, 0.14), Layer([table], wood,
                0.8),
                  Layer([edge], mixed(wood, self.light.glow, 0.5), 0.8),
                  Layer([people.ellipse(a * 0.5 + 0.03, 0.2, 0.3, 0.045)], self.light.figure, 0.85, 0.4)]
        for number, shape in enumerate(shapes):
            layers.append(Layer([shape + np.array([-0.006, 0.006])], mixed(gleam, (255, 255, 255), 0.45), 0.88))
            layers.append(Layer([shape], mixed(gleam, self.light.figure, 0.14 + 0.1 * (number % 3)), 0.88))
        pairs = ((self.seen * 2)[:2]) if self.seen else ("", "")
        for side, who in zip((-1, 1), pairs, strict=True):
            size = 0.46
            hands = people.placed(people.hand(stride), a * 0.5 + side * 0.27, 0.3 + 0.012 * stride * side, size,
                    left=side > 0)
            skin = self._skin(who)
            layers.append(Layer([shape + np.array([0, 0.007]) for shape in hands], mixed(skin, self.light.glow, 0.55),
                    1.0))
            layers.append(Layer(hands, skin, 1.0))
        for side, who in zip((-1, 1), dict.fromkeys(pairs), strict=False):
            self.names.append(Name(who, a * 0.5 + side * 0.52, 0.13, self.color_of(who) if who else tint))
        return layers

    # -- painting -----------------------------------------------------------------------------------------------

    def paint(self, width: int, height: int, u: float = 0.0, seconds: float = 0.0) -> np.ndarray:
        """The picture at `u` (0 to 1) of its seconds, RGB uint8 (height, width, 3); 0 seconds is a still."""
        camera = camera_at(self.sketch.move, u) if seconds else (1.0, 0.0, 0.0, 0.0)
        brush = _Brush(width * FINE, height * FINE, camera)
        self._backdrop(brush)
        brush.fill(self.pebbles)
        for layer in self.far:
            brush.fill(layer)
        if self.soft:
            brush.soften(0.008)
        if self.light.shines == "" and self.place not in ("space", "underwater"):
            brush.haze(self.light.low, self.horizon, 0.2)
        for layer in self.figures(u, seconds):
            brush.fill(layer)
        if self.sketch.shot == "tracking shot":
            brush.fill(Layer([_box(x, y, w, 0.004) for x, y, w in ((0.06, 0.3, 0.3), (0.02, 0.38, 0.22), (0.1, 0.46,
                    0.26),
                                                                 (0.04, 0.22, 0.2))], self.light.glow, 1.0, 0.7))
        roll = camera[3] + (7.0 if self.sketch.shot == "dutch-angle shot" else 0.0)
        return brush.done(width, height, roll)

    def _backdrop(self, brush: _Brush) -> None:
        """Sky down to the horizon, ground below."""
        light, y = self.light, self.horizon
        floor = light.floor or mixed(light.mid, light.low, 0.32)
        stops = ((-0.3, mixed(light.near, floor, 0.35)), (y - 0.001, floor), (y, light.low), (y + (1 - y) * 0.5 + 0.001,
                 mixed(light.low, light.top, 0.55)), (max(1.15, y + 0.1), light.top))
        if self.place == "underwater":
            stops = ((-0.2, light.near), (y, light.low), (1.1, light.top))
        if self.place == "space":
            stops = ((-0.2, light.near), (y - 0.001, light.mid), (y, light.low), (1.1, light.top))
        brush.gradient(stops)


def _box(x: float, y: float, w: float, h: float) -> Polygon:
    return np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])


def _shadow(x: float, feet: float, size: float) -> Polygon:
    return people.ellipse(x + size * 0.12, feet, size * 0.26, size * 0.035)


def _tapered(shape: Polygon, x: float, feet: float, size: float) -> Polygon:
    """Seen from below: narrower towards the head."""
    share = np.clip((shape[:, 1] - feet) / max(size, 1e-6), -0.1, 1.1)
    out = shape.copy()
    out[:, 0] = x + (shape[:, 0] - x) * (1.32 - 0.52 * share)
    return out


def camera_at(move: str, u: float) -> tuple[float, float, float, float]:
    """(zoom, right, up, degrees) of the camera at `u`; right and up in heights of the picture."""
    s = u * u * (3 - 2 * u)
    match move:
        case CameraMovement.PUSH_IN:
            return 1.0 + 0.2 * s, 0.0, 0.0, 0.0
        case CameraMovement.PULL_OUT:
            return 1.2 - 0.2 * s, 0.0, 0.0, 0.0
        case CameraMovement.DOLLY_LEFT:
            return 1.06, 0.12 - 0.24 * s, 0.0, 0.0
        case CameraMovement.DOLLY_RIGHT | CameraMovement.TRACKING:
            return 1.06, -0.12 + 0.24 * s, 0.0, 0.0
        case CameraMovement.PAN:
            return 1.06, -0.16 + 0.32 * s, 0.0, 0.0
        case CameraMovement.TILT:
            return 1.06, 0.0, -0.07 + 0.14 * s, 0.0
        case CameraMovement.ORBIT:
            return 1.06, 0.16 * math.sin(math.pi * (s - 0.5)), 0.0, 0.0
        case CameraMovement.HANDHELD:
            return (1.05, 0.012 * math.sin(7 * u) + 0.006 * math.sin(19 * u + 1), 0.008 * math.sin(9 * u + 2),
                    0.4 * math.sin(6 * u))
    return 1.0, 0.0, 0.0, 0.0


class _Brush:
    """Fills shapes as a camera sees them: what is near moves more."""

    def __init__(self, width: int, height: int, camera: tuple[float, float, float, float]) -> None:
        self.width, self.height = width, height
        self.zoom, self.right, self.up, _ = camera
        self.canvas = np.zeros((height, width, 3), np.uint8)

    def _seen(self, shape: Polygon, depth: float) -> np.ndarray:
        near = 0.12 + 0.88 * depth
        zoom = 1 + (self.zoom - 1) * near
        middle = np.array([self.width / self.height / 2, 0.5])
        at = (shape - middle - np.array([self.right, self.up]) * near) * zoom + middle
        pixels = np.stack([at[:, 0] * self.height, (1 - at[:, 1]) * self.height], axis=1)
        return np.round(np.clip(pixels, -20_000, 20_000) * 16).astype(np.int32)

    def fill(self, layer: Layer) -> None:
        shapes = [self._seen(shape, layer.depth) for shape in layer.shapes]
        if layer.alpha >= 1:
            for shape in shapes:
                cv2.fillPoly(self.canvas, [shape], layer.color, cv2.LINE_AA, 4)
            return
        mask = np.zeros((self.height, self.width), np.uint8)
        for shape in shapes:
            cv2.fillPoly(mask, [shape], 255, cv2.LINE_AA, 4)
        x, y, w, h = cv2.boundingRect(mask)
        if not w:
            return
        part = self.canvas[y:y + h, x:x + w]
        weight = mask[y:y + h, x:x + w, None].astype(np.float32) * (layer.alpha / 255)
        part[:] = (part + (np.array(layer.color, np.float32) - part) * weight + 0.5).astype(np.uint8)

    def gradient(self, stops: tuple[tuple[float, tuple[int, int, int]], ...]) -> None:
        near = 0.3
        zoom = 1 + (self.zoom - 1) * near
        rows = ((1 - (np.arange(self.height) + 0.5) / self.height) - 0.5) / zoom + 0.5 + self.up * near
        places = [place for place, _ in stops]
        for channel in range(3):
            self.canvas[:, :, channel] = np.interp(rows, places, [color[channel] for _, color in stops])[:, None] + 0.5

    def haze(self, color: tuple[int, int, int], horizon: float, strength: float) -> None:
        rows = 1 - (np.arange(self.height) + 0.5) / self.height
        weight = (strength * np.exp(-((rows - horizon) / 0.2) ** 2)).astype(np.float32)[:, None, None]
        self.canvas[:] = (self.canvas + (np.array(color, np.float32) - self.canvas) * weight + 0.5).astype(np.uint8)

    def soften(self, size: float) -> None:
        """Out of focus."""
        self.canvas = cv2.GaussianBlur(self.canvas, (0, 0), size * self.height)

    def done(self, width: int, height: int, roll: float) -> np.ndarray:
        """Rolled, darkened a little towards the corners, and in its final size."""
        if roll:
            bigger = 1 + abs(math.sin(math.radians(roll))) * self.width / self.height * 1.02
            matrix = cv2.getRotationMatrix2D((self.width / 2, self.height / 2), roll, bigger)
            self.canvas = cv2.warpAffine(self.canvas, matrix, (self.width, self.height), flags=cv2.INTER_LINEAR,
                                         borderMode=cv2.BORDER_REPLICATE)
        small = cv2.resize(self.canvas, (width, height), interpolation=cv2.INTER_AREA)
        x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
        y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
        corner = 1 - 0.2 * np.clip((x * x + y * y) / 2, 0, 1)[..., None] ** 1.6
        return (small * corner + 0.5).astype(np.uint8)
