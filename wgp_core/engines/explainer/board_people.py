"""Silhouettes of a storyboard: people, animals, heads, hands and things as polygons.

Figures stand with their feet at (0, 0) and are 1 high, looking to +x; y points up.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Literal

import numpy as np

Polygon = np.ndarray
"""Float64 [points, 2]."""
Pose = Literal["stand", "walk", "run", "offer", "call", "lean", "sit"]

_POSES: tuple[tuple[Pose, str], ...] = (
    ("run", r"\b(?:run|hurr|flee|rush|chase|race|dash|escap|gallop|sprint)"),
    ("walk", r"\b(?:walk|stroll|wander|travel|approach|arriv|march|leav|lead|follow|cross|climb|enter|return|"
             r"com(?:es|ing)\b|go(?:es|ing)?\b)"),
    ("offer", r"\b(?:offer|present|show|giv|hands?\b|sell|sold|point|reach|trade|push|pull|pay|open|sets?\b|put|hold|"
              r"touch|take)"),
    ("call", r"\b(?:call|shout|cheer|rais|wav|celebrat|lift|throw|sing|danc|fight|rejoic)"),
    ("lean", r"\b(?:lean|inspect|look|examin|search|watch|study|bend|listen|peer|dig|polish)"),
    ("sit", r"\b(?:sit|kneel|crouch|rest|sleep|hid|meditat|read|writ|paint|row)"),
)


def pose_of(action: str) -> Pose:
    """How somebody holds themselves who does this; the first deed that is named counts."""
    first: Pose = "stand"
    place = len(action)
    for pose, pattern in _POSES:
        match = re.search(pattern, action, re.IGNORECASE)
        if match and match.start() < place:
            first, place = pose, match.start()
    return first


@dataclass(frozen=True)
class Build:
    """How one character differs from the others: broadness, height, and the outline of body and head."""

    broad: float = 1.0
    tall: float = 1.0
    robe: bool = False
    head: Literal["bare", "hair", "cap", "square"] = "bare"


BUILDS = (Build(head="cap"), Build(1.28, 0.97, robe=True), Build(0.95, 0.93, head="hair"),
          Build(1.12, 1.04), Build(0.9, 0.88, robe=True, head="hair"), Build(1.2, 0.92, head="cap"))


def _named(words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words.split())})\b", re.IGNORECASE)


_KINDS = (
    ("fish", _named("fish(?:es)? goldfish swordfish koi carps? trouts? salmons? tunas? sharks? whales? orcas? "
                    "humpbacks? dolphins? porpoises? narwhals? eels? seals? walrus(?:es)?")),
    ("beast", _named("dogs? hounds? pup(?:s|py|pies)? cats? kittens? wol(?:f|ves) coyotes? fox(?:es)? horses? foals? "
                     "stallions? mares? pon(?:y|ies) donkeys? mules? cows? bulls? ox(?:en)? cal(?:f|ves) buffalos? "
                     "bisons? sheep lambs? goats? pigs? piglets? boars? lions? lioness(?:es)? tigers? leopards? "
                     "cheetahs? panthers? jaguars? bears? cubs? pandas? deer stags? fawns? moose elks? reindeers? "
                     "rabbits? bunn(?:y|ies) hares? mouse mice rats? hamsters? squirrels? dragons? dinosaurs? "
                     "unicorns? camels? llamas? alpacas? elephants? giraffes? zebras? hippos? rhinos? hyenas? jackals? "
                     "hedgehogs? badgers? otters? beavers? weasels? raccoons? tortoises? turtles? crocodiles?")),
    ("bird", _named("birds? crows? ravens? owls? eagles? hawks? falcons? swans? ducks? ducklings? hens? roosters? "
                    "chickens? goose geese pigeons? doves? gulls? seagulls? parrots? penguins? sparrows? "
                    "herons? storks? flamingos? peacocks? phoenix(?:es)? hummingbirds? woodpeckers? magpies?")),
    ("machine", _named("robots? androids? machines? automatons?")))
_SMALL = _named("fish(?:es)? goldfish koi carps? trouts? salmons? tunas? eels? baby small little tiny cal(?:f|ves) "
                "pups?")
ANIMALS = ("fish", "beast", "bird")


def kind_of(name: str) -> str:
    """ "fish" (whales too), "beast", "bird", "machine" or "person"."""
    words = name.replace("_", " ")
    return next((kind for kind, pattern in _KINDS if pattern.search(words)), "person")


# -- shapes -----------------------------------------------------------------------------------------------------------


def ellipse(x: float, y: float, rx: float, ry: float, points: int = 48) -> Polygon:
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    return np.stack([x + rx * np.cos(turn), y + ry * np.sin(turn)], axis=1)


def capsule(a: tuple[float, float], b: tuple[float, float], ra: float, rb: float) -> Polygon:
    """A limb from a to b with round ends."""
    turn = math.atan2(b[1] - a[1], b[0] - a[0])
    first = np.linspace(turn + np.pi / 2, turn + 3 * np.pi / 2, 10)
    second = np.linspace(turn - np.pi / 2, turn + np.pi / 2, 10)
    return np.concatenate([np.stack([a[0] + ra * np.cos(first), a[1] + ra * np.sin(first)], 1),
                           np.stack([b[0] + rb * np.cos(second), b[1] + rb * np.sin(second)], 1)])


def curve(points: list[tuple[float, float]], steps: int = 8) -> Polygon:
    """A closed smooth line through points (Catmull-Rom)."""
    given = np.array(points)
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    parts = []
    for i in range(len(given)):
        p0, p1, p2, p3 = (given[(i + k) % len(given)] for k in (-1, 0, 1, 2))
        parts.append(0.5 * (2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2
                            + (3 * p1 - p0 - 3 * p2 + p3) * t**3))
    return np.concatenate(parts)


def placed(shapes: list[Polygon], x: float, y: float, height: float, *, left: bool = False,
           squash: float = 1.0) -> list[Polygon]:
    """Shapes at a place, in a size, looking to the left or right."""
    scale = np.array([-height if left else height, height * squash])
    return [shape * scale + np.array([x, y]) for shape in shapes]


def _limb(start: tuple[float, float], turns: tuple[float, float], lengths: tuple[float, float],
          radii: tuple[float, float, float]) -> list[Polygon]:
    """Two segments; turns in degrees from straight down, forwards positive."""
    points = [start]
    for turn, length in zip(turns, lengths, strict=True):
        x, y = points[-1]
        points.append((x + length * math.sin(math.radians(turn)), y - length * math.cos(math.radians(turn))))
    return [capsule(points[0], points[1], radii[0], radii[1]), capsule(points[1], points[2], radii[1], radii[2])]


_LEGS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "walk": ((24, 8), (-20, -34)), "run": ((52, -8), (-34, -88)), "sit": ((88, 4), (76, -6)),
}
_ARMS: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "stand": ((8, 16), (-10, 2)), "walk": ((-26, -4), (26, 44)), "run": ((-52, 24), (46, 120)),
    "offer": ((58, 82), (42, 78)), "call": ((158, 172), (-16, 6)), "lean": ((34, 66), (18, 54)),
    "sit": ((30, 74), (12, 62)),
}


def person(pose: Pose, build: Build, stride: float = 0.0) -> list[Polygon]:
    """A standing or moving figure; `stride` (-1 to 1) swings arms and legs."""
    low = 0.24 if pose == "sit" else 0.0
    tilt = {"run": 14.0, "walk": 4.0, "lean": 24.0, "offer": 5.0}.get(pose, 0.0)
    hip, wide = (0.0, 0.5 - low), 0.078 * build.broad
    lean = math.radians(tilt)
    chest = (hip[0] + 0.29 * math.sin(lean), hip[1] + 0.29 * math.cos(lean))
    head = (chest[0] + 0.135 * math.sin(lean * 1.15), chest[1] + 0.135 * math.cos(lean * 1.15))
    legs = _LEGS.get(pose, ((5.0, 2.0), (-6.0, -5.0)))
    swing = 30 * stride if pose in ("walk", "run") else 3 * stride
    shapes = []
    for (upper, lower), sign in zip(legs, (1, -1), strict=True):
        turns = (upper + sign * swing, lower + sign * swing * 0.6)
        shapes += _limb(hip, turns, (0.25, 0.235), (0.058 * build.broad, 0.042, 0.03))
        x, y = _end(hip, turns, (0.25, 0.235))
        shapes.append(capsule((x - 0.01, y), (x + 0.055, y - 0.006), 0.026, 0.018))
    if build.robe:
        hem = 0.1 if pose != "sit" else 0.02
        sway = 0.03 * stride + (0.03 if pose in ("walk", "run") else 0)
        shapes.append(curve([(chest[0] - wide * 1.1, chest[1] + 0.02), (hip[0] - wide * 1.25, hip[1]),
                             (-wide * 1.9 - sway, hem), (0, hem - 0.015), (wide * 1.8 + sway, hem),
                             (hip[0] + wide * 1.35, hip[1]), (chest[0] + wide * 1.1, chest[1] + 0.02)]))
    shapes.append(curve([(chest[0] - wide * 1.22, chest[1] + 0.015), (hip[0] - wide * 0.86, hip[1] + 0.1),
                         (hip[0] - wide * 0.98, hip[1] - 0.03), (hip[0] + wide * 0.98, hip[1] - 0.03),
                         (hip[0] + wide * 0.9, hip[1] + 0.1), (chest[0] + wide * 1.22, chest[1] + 0.015),
                         (chest[0] + wide * 0.4, chest[1] + 0.055), (chest[0] - wide * 0.4, chest[1] + 0.055)]))
    arms = _ARMS[pose]
    for (upper, lower), sign in zip(arms, (1, -1), strict=True):
        shoulder = (chest[0] + sign * wide * 0.5, chest[1])
        turns = (upper - sign * swing * 0.8 + 4 * stride, lower - sign * swing * 0.8 + 6 * stride)
        shapes += _limb(shoulder, turns, (0.16, 0.15), (0.04 * build.broad, 0.031, 0.024))
        x, y = _end(shoulder, turns, (0.16, 0.15))
        shapes.append(ellipse(x, y, 0.027, 0.027, 20))
    shapes.append(capsule(chest, head, 0.036, 0.034))
    return shapes + _head(head, build)


def _end(start: tuple[float, float], turns: tuple[float, float], lengths: tuple[float, float]) -> tuple[float, float]:
    x, y = start
    for turn, length in zip(turns, lengths, strict=True):
        x, y = x + length * math.sin(math.radians(turn)), y - length * math.cos(math.radians(turn))
    return x, y


def _head(at: tuple[float, float], build: Build) -> list[Polygon]:
    x, y = at[0], at[1] + 0.012
    if build.head == "square":
        return [np.array([(x - .06, y - .06), (x + .065, y - .06), (x + .065, y + .07), (x - .06, y + .07)])]
    shapes = [curve([(x - 0.052, y + 0.01), (x - 0.03, y - 0.055), (x + 0.03, y - 0.062), (x + 0.056, y - 0.02),
                     (x + 0.064, y + 0.0), (x + 0.054, y + 0.03), (x + 0.02, y + 0.07), (x - 0.03, y + 0.065)])]
    if build.head == "hair":
        shapes.append(ellipse(x - 0.022, y + 0.02, 0.058, 0.062))
        shapes.append(ellipse(x - 0.072, y + 0.045, 0.03, 0.03))
    if build.head == "cap":
        shapes.append(curve([(x - 0.066, y + 0.026), (x + 0.07, y + 0.03), (x + 0.03, y + 0.085), (x - 0.04,
                y + 0.085)]))
    return shapes


def beast(stride: float = 0.0) -> list[Polygon]:
    """A four-legged animal, 1 high at the ears."""
    swing = 14 * stride
    shapes = [curve([(-0.62, 0.58), (-0.5, 0.74), (0.0, 0.7), (0.38, 0.76), (0.5, 0.6), (0.38, 0.42), (-0.1, 0.45),
                     (-0.5, 0.42)])]
    for x, turn in ((-0.48, -6 + swing), (-0.36, 8 - swing), (0.3, 6 - swing), (0.42, -6 + swing)):
        shapes += _limb((x, 0.52), (turn, -turn * 0.6), (0.27, 0.25), (0.1, 0.06, 0.045))
    shapes += [capsule((0.4, 0.66), (0.6, 0.86), 0.13, 0.1), ellipse(0.66, 0.86, 0.15, 0.115),
               capsule((0.74, 0.83), (0.88, 0.8), 0.07, 0.045),
               np.array([(0.56, 0.92), (0.6, 1.06), (0.66, 0.95)]), np.array([(0.66, 0.95), (0.72, 1.06), (0.75,
                       0.92)]),
               capsule((-0.58, 0.64), (-0.86, 0.82 + 0.04 * stride), 0.055, 0.02)]
    return shapes


def bird(stride: float = 0.0) -> list[Polygon]:
    """A standing bird."""
    return [curve([(-0.5, 0.5), (-0.1, 0.72), (0.26, 0.7), (0.32, 0.45), (0.05, 0.26), (-0.3, 0.34)]),
            ellipse(0.28, 0.82, 0.15, 0.14), np.array([(0.4, 0.86), (0.58, 0.8), (0.4, 0.76)]),
            np.array([(-0.36, 0.42), (-0.74, 0.3), (-0.7, 0.46), (-0.4, 0.56)]),
            capsule((0.0, 0.3), (0.02, 0.02), 0.025, 0.02), capsule((0.1, 0.3), (0.12, 0.02), 0.025, 0.02),
            capsule((0.0, 0.02), (0.1, 0.015), 0.018, 0.012), capsule((0.1, 0.02), (0.2, 0.015), 0.018, 0.012)]


def fish(stride: float = 0.0) -> list[Polygon]:
    """A fish or a whale on its belly, 1 high at the back."""
    tail = 0.12 * stride
    return [curve([(1.15, 0.42), (1.02, 0.72), (0.62, 0.96), (0.05, 0.94), (-0.55, 0.68), (-1.05, 0.44 + tail),
                   (-1.1, 0.3 + tail), (-0.5, 0.2), (0.1, 0.04), (0.7, 0.05), (1.05, 0.2)]),
            np.array([(-1.02, 0.42 + tail), (-1.5, 0.86 + tail), (-1.34, 0.4 + tail), (-1.5, 0.04 + tail),
                      (-1.02, 0.3 + tail)]),
            np.array([(0.12, 0.93), (-0.2, 1.16), (-0.3, 0.8)]), curve([(0.5, 0.2), (0.16, -0.06), (0.3, 0.28)])]


def figure(name: str, pose: Pose, index: int, stride: float = 0.0) -> tuple[list[Polygon], float]:
    """The outline of a character by its name and place in the cast, and its height compared with a person's."""
    kind = kind_of(name)
    if kind == "beast":
        return beast(stride), 0.55
    if kind == "bird":
        return bird(stride), 0.4
    if kind == "fish":
        return fish(stride), 0.3 if _SMALL.search(name) else 0.5
    build = Build(1.15, 1.0, head="square") if kind == "machine" else BUILDS[index % len(BUILDS)]
    return person(pose, build, stride), build.tall


@dataclass(frozen=True)
class Face:
    """A large head from the front, 1 high from chin to crown, the chin at (0, 0): outlines by what they are."""

    shoulders: list[Polygon]
    head: list[Polygon]
    hair: list[Polygon]
    shade: list[Polygon]
    marks: list[Polygon]


def face(build: Build, gaze: float = 0.0) -> Face:
    """`gaze` from -1 (left) to 1 (right) turns the face a little."""
    turn = 0.06 * gaze
    head = curve([(0, 0), (-0.2, 0.06), (-0.33, 0.3), (-0.36, 0.58), (-0.27, 0.88), (0, 1.0), (0.27, 0.88),
                  (0.36, 0.58), (0.33, 0.3), (0.2, 0.06)])
    ears = [ellipse(side * 0.365, 0.5, 0.05, 0.1) for side in (-1, 1)]
    broad = build.broad
    body = curve([(-0.17, 0.12), (-0.2, -0.12), (-0.62 * broad, -0.27), (-0.84 * broad, -0.6), (-0.92 * broad, -1.6),
                  (0.92 * broad, -1.6), (0.84 * broad, -0.6), (0.62 * broad, -0.27), (0.2, -0.12), (0.17, 0.12)])
    hair = [curve([(-0.385, 0.5), (-0.4, 0.78), (-0.24, 1.05), (0.05, 1.1), (0.3, 1.02), (0.41, 0.76), (0.385, 0.52),
                   (0.31, 0.72), (0.1, 0.83), (-0.14, 0.8), (-0.31, 0.7)])]
    if build.head == "hair":
        hair += [curve([(-0.385, 0.7), (-0.47, 0.3), (-0.4, -0.1), (-0.27, -0.05), (-0.33, 0.35)]),
                 curve([(0.385, 0.7), (0.47, 0.3), (0.4, -0.1), (0.27, -0.05), (0.33, 0.35)])]
    if build.head == "cap":
        hair.append(curve([(-0.46, 0.74), (-0.36, 1.02), (0, 1.17), (0.36, 1.02), (0.46, 0.74), (0, 0.84)]))
    shade = [curve([(0.03 + turn, 0.02), (0.2, 0.06), (0.33, 0.3), (0.36, 0.58), (0.29, 0.86), (0.2, 0.72),
                    (0.23 + turn, 0.5), (0.12 + turn, 0.3)])]
    marks = [curve([(x + turn - 0.075, 0.5), (x + turn, 0.535), (x + turn + 0.075, 0.5), (x + turn, 0.478)])
             for x in (-0.155, 0.155)]
    marks += [capsule((x + turn - 0.085, 0.6), (x + turn + 0.085, 0.61), 0.014, 0.014) for x in (-0.155, 0.155)]
    marks += [capsule((turn * 1.4 + 0.012, 0.47), (turn * 1.4 + 0.035, 0.335), 0.009, 0.014),
              capsule((turn * 1.4 + 0.035, 0.33), (turn * 1.4 - 0.035, 0.318), 0.012, 0.009),
              capsule((turn * 1.3 - 0.085, 0.192), (turn * 1.3 + 0.085, 0.195), 0.013, 0.013)]
    return Face([body], [head, *ears], hair, shade, marks)


def machine_face() -> Face:
    """The head of a robot, as `face`."""
    def box(x: float, y: float, w: float, h: float) -> Polygon:
        return np.array([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])

    return Face([box(-0.8, -1.6, 1.6, 1.42), capsule((0, -0.3), (0, 0.1), 0.13, 0.13)],
                [box(-0.4, 0, 0.8, 0.86), box(-0.48, 0.34, 0.96, 0.2)], [capsule((0, 0.86), (0, 1.06), 0.02, 0.02),
                ellipse(0, 1.1, 0.055, 0.055)], [box(0.18, 0, 0.22, 0.86)],
                [ellipse(-0.17, 0.5, 0.085, 0.085), ellipse(0.17, 0.5, 0.085, 0.085),
                 *(box(-0.2 + 0.11 * k, 0.16, 0.07, 0.09) for k in range(4))])


def back_of_head(build: Build) -> list[Polygon]:
    """Head and shoulder from behind, as `face` in size."""
    shapes = face(build)
    return [*shapes.shoulders, *shapes.head, *shapes.hair]


def hand(stride: float = 0.0) -> list[Polygon]:
    """A forearm from the left with a hand that ends at about (0, 0); 1 long."""
    shapes = [capsule((-1.3, -0.34), (-0.34, -0.06), 0.17, 0.115), ellipse(-0.26, -0.04, 0.16, 0.12)]
    for y, turn in ((0.075, 12), (0.025, 3), (-0.03, -5), (-0.08, -13)):
        angle = math.radians(turn + 3 * stride)
        shapes.append(capsule((-0.2, y - 0.02), (-0.2 + 0.26 * math.cos(angle), y - 0.02 + 0.26 * math.sin(angle)),
                              0.04, 0.03))
    shapes.append(capsule((-0.28, 0.05), (-0.12, 0.16), 0.05, 0.036))
    return shapes


_THINGS: tuple[tuple[str, str], ...] = (
    ("coins", r"coins?|gold|money|purse|treasure"),
    ("book", r"books?|letters?|maps?|scrolls?|papers?|manuscripts?|notes?|diary|message"),
    ("lamp", r"lamps?|lanterns?|candles?|torch(?:es)?"), ("key", r"keys?"),
    ("flower", r"(?:sun)?flowers?|seeds?|seedlings?|blossoms?|roses|(?:a|the|red|white|last) rose"),
    ("sword", r"swords?|knife|knives|daggers?|blades?|axes?"),
    ("ring", r"rings?|gems?|jewels?|pearls?|diamonds?|medals?"),
    ("pot", r"pots?|vases?|jars?|bowls?|cups?|bottles?|potions?|kettles?|bread|cakes?"),
    ("box", r"box(?:es)?|chests?|crates?|suitcases?|bags?"),
    ("clock", r"clocks?|(?:pocket |wrist)watch|compass|gears?"),
)


def thing_of(text: str) -> str:
    """The thing that a text is about; "" where it names nothing that there is a drawing of. The first named counts."""
    found = [(match.start(), name) for name, pattern in _THINGS
             if (match := re.search(rf"\b(?:{pattern})\b", text, re.IGNORECASE))]
    return min(found)[1] if found else ""


def thing(name: str) -> list[Polygon]:
    """A thing that stands on (0, 0) and is about 1 high."""
    if name == "coins":
        return [ellipse(x, y, 0.24, 0.1) for x, y in ((-0.34, 0.1), (0.3, 0.1), (-0.02, 0.14), (-0.3, 0.24), (0.26,
                0.23),
                                                      (0.0, 0.3), (-0.28, 0.38), (0.02, 0.44))]
    if name == "book":
        return [np.array([(-0.75, 0.05), (-0.68, 0.62), (0.0, 0.5), (0.68, 0.62), (0.75, 0.05), (0.0, -0.06)]),
                capsule((0, -0.04), (0, 0.5), 0.012, 0.012)]
    if name == "lamp":
        return [np.array([(-0.26, 0), (0.26, 0), (0.2, 0.12), (-0.2, 0.12)]), capsule((-0.2, 0.12), (-0.2, 0.7), .02,
                .02),
                capsule((0.2, 0.12), (0.2, 0.7), .02, .02), np.array([(-0.27, 0.7), (0.27, 0.7), (0.0, 0.94)]),
                curve([(0, 0.18), (0.1, 0.3), (0, 0.58), (-0.1, 0.3)]), ellipse(0, 0.97, 0.06, 0.06)]
    if name == "key":
        return [ellipse(-0.45, 0.25, 0.2, 0.2), capsule((-0.3, 0.25), (0.6, 0.25), 0.05, 0.05),
                capsule((0.42, 0.25), (0.42, 0.08), 0.04, 0.04), capsule((0.58, 0.25), (0.58, 0.06), 0.04, 0.04)]
    if name == "flower":
        turns = np.linspace(0, 2 * np.pi, 6, endpoint=False)
        return [capsule((0, 0), (0.02, 0.62), 0.025, 0.02), curve([(0, 0.2), (0.22, 0.36), (0.3, 0.5), (0.1, 0.38)]),
                *(ellipse(0.02 + 0.15 * math.cos(t), 0.76 + 0.15 * math.sin(t), 0.1, 0.1) for t in turns)]
    if name == "sword":
        return [np.array([(-0.8, 0.2), (0.45, 0.14), (0.45, 0.26)]), capsule((0.47, 0.04), (0.47, 0.36), 0.04, 0.04),
                capsule((0.5, 0.2), (0.76, 0.2), 0.04, 0.04)]
    if name == "ring":
        return [np.array([(-0.3, 0.42), (-0.16, 0.6), (0.16, 0.6), (0.3, 0.42), (0, 0.02)])]
    if name == "clock":
        return [ellipse(0, 0.45, 0.42, 0.42), ellipse(0, 0.92, 0.08, 0.08)]
    if name == "pot":
        return [curve([(-0.22, 0), (-0.44, 0.32), (-0.4, 0.6), (-0.2, 0.74), (-0.26, 0.86), (0.26, 0.86), (0.2, 0.74),
                       (0.4, 0.6), (0.44, 0.32), (0.22, 0)]), capsule((-0.27, 0.87), (0.27, 0.87), 0.035, 0.035),
                capsule((-0.4, 0.6), (-0.52, 0.72), 0.03, 0.03), capsule((0.4, 0.6), (0.52, 0.72), 0.03, 0.03)]
    return [np.array([(-0.5, 0), (0.5, 0), (0.5, 0.5), (-0.5, 0.5)]), np.array([(-0.54, 0.5), (0.54, 0.5), (0.46, 0.66),
                                                                               (-0.46, 0.66)])]
