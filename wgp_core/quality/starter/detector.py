"""Sees what a clip of the starter's world shows: colour, shape, motion, background and style, without any training.

Every pixel takes the nearest of the palette's colours and of the colours that the backgrounds have. The thing's colour
is the one whose largest blob lasts; the blob, moved to its centroid and brought to one spread, is compared with drawn
templates of every shape, style and angle, all frames voting; the motion is read from the blob's centre, spread and
angle; the background from the colours by height of what is left. Made for clips of a small model: soft edges, colours
that are off by about 25, spots and a little wobble do no harm. About 15 ms a clip, after two seconds of preparation.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass, field

import cv2
import numpy as np

from . import world
from .world import BACKGROUNDS, COLOURS, SHAPES, SIZE, Style

_NAMES = tuple(COLOURS)
_LEVELS = 64
"""Steps of a colour channel in the look-up tables."""
_FAR = 40.0
"""A pixel farther than this from every palette colour (CIE76) shows none of them."""
_DULL = {"white": (234, 234, 234)}
"""Second colours for what has another colour of the world close by: white has the clouds."""
_DOUBTFUL = 0.82
"""A shape that is less like its template than this is looked for once more."""
_WALL, _OTHER = 255, 254
"""Labels of pixels that show no palette colour: the background's, and what is like neither."""
_STRANGE = 13.0
"""A pixel farther than this from all colours of the background (CIE76) is none of it."""
_BANDS = 8
_CAST = 12.0
"""A cast up to this (CIE76) may lie over the whole picture."""
_LARGEST = 1900
"""Pixels on: more than the largest thing covers."""
_STYLES: tuple[Style, ...] = ("solid", "outline")
_LINES = (1.0, 1.67)
"""Widths of outlines, as shares of the world's: a small model draws some too wide, and a hollow square of wide lines is
no solid ring."""
_OUTLINE_PENALTY = 0.02
"""How much more a thing must be like an outline: solid things that come apart as they move are a little like both."""


@dataclass(frozen=True)
class Detection:
    """What was seen. A field is "" where nothing can be said: `motion` of a still picture, all of a clip without thing.

    `track` holds centre x, centre y and spread (root mean square distance of the blob's pixels from its centre) in
    pixels, float [T, 3], NaN where the thing is not in the frame. `scores` tells for each attribute how sure it is:
    colour and shape 0..1, `lead` of the shape over the next, `spin` above 0 for a turning thing, `seen` the share of
    frames with the thing, `background` the mean distance from the reference in CIE76.
    """

    colour: str
    shape: str
    motion: str
    background: str
    style: str
    track: np.ndarray
    scores: dict[str, float] = field(default_factory=dict)


def detect(frames: np.ndarray) -> Detection:
    """The main thing of a clip: the one that covers most. `frames` is uint8 RGB [T, 64, 64, 3]; T is 1 for a still."""
    view = _look(frames)
    blobs = _blobs(view)
    if not blobs:
        nowhere = np.full((len(frames), 3), np.nan)
        return Detection("", "", "", view.background, "", nowhere, {"background": view.distance})
    return _describe_well(view, blobs[0])


def detect_all(frames: np.ndarray) -> list[Detection]:
    """Every thing of a clip, from top to bottom by its median height; things must differ in colour."""
    view = _look(frames)
    chosen: list[_Blob] = []
    for blob in _blobs(view):
        if all(_apart(blob, other) for other in chosen) and (not chosen or blob.weight > 0.15 * chosen[0].weight):
            chosen.append(blob)
    found = [_describe_well(view, blob) if len(chosen) == 1 else _describe(view, blob) for blob in chosen]
    return sorted(found, key=lambda seen: float(np.nanmedian(seen.track[:, 1])))


def _describe_well(view: _View, blob: _Blob) -> Detection:
    """What a blob shows; one that is like no shape is cut out anew in two other ways, and the best likeness wins."""
    best = _describe(view, blob)
    if best.scores.get("shape", 0.0) < _DOUBTFUL:
        labels = _labels(view, eager=True)
        for shown in (labels == _NAMES.index(blob.colour), labels != _WALL):
            again = _blob(blob.colour, shown)
            other = _describe(view, again if again.weight < _LARGEST else blob)
            if other.scores.get("shape", 0.0) > best.scores.get("shape", 0.0) + 0.05:
                best = other
    return best


# Pixels

def _lab(rgb: np.ndarray) -> np.ndarray:
    """uint8 or float 0..255 RGB [..., 3] to CIE Lab, float32 of the same shape."""
    flat = np.ascontiguousarray(rgb.reshape(-1, 1, 3), dtype=np.float32) / 255
    return cv2.cvtColor(flat, cv2.COLOR_RGB2LAB).reshape(rgb.shape)


@functools.cache
def _references(background: str) -> np.ndarray:
    """Bare backdrops of a background in 8 drawings, each seen by three cameras: uint8 [24, 64, 64, 3]."""
    out = []
    for seed in range(8):
        backdrop = world.BACKDROPS[background](np.random.default_rng(10_000 + seed))
        for zoom, shift in ((1.0, 0.0), (1.2, 0.0), (1.0, 4.0 if seed % 2 else -4.0)):
            seen = world.see(backdrop, zoom, shift)
            out.append(cv2.resize(seen, (SIZE, SIZE), interpolation=cv2.INTER_AREA))
    return np.stack(out)


@functools.cache
def _prototypes(background: str) -> np.ndarray:
    """The colours that a background has, in Lab [n, 3]: the means of all bins with half a percent of its pixels."""
    pixels = _references(background).reshape(-1, 3)
    bins = (pixels // 20).astype(np.int32) @ np.array([169, 13, 1])
    kinds, where, counts = np.unique(bins, return_inverse=True, return_counts=True)
    means = np.stack([np.bincount(where, pixels[:, i], len(kinds)) for i in range(3)], 1) / counts[:, None]
    return _lab(means[counts > 0.005 * len(pixels)])


@functools.cache
def _table(background: str, eager: bool) -> np.ndarray:
    """For each colour on a grid the number of the palette colour that it shows, or _WALL: uint8 [_LEVELS ** 3].

    With background "" the colours of all backgrounds compete with the palette, else those of the one. `eager` gives the
    palette more of what lies between, as for a thin white line on clouds, and tells _OTHER from _WALL.
    """
    step = 256 // _LEVELS
    axis = np.arange(_LEVELS) * step + (step - 1) / 2
    grid = _lab(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3))
    palette = _lab(np.array([*COLOURS.values(), *_DULL.values()]))
    number = np.array([*range(len(COLOURS)), *(_NAMES.index(name) for name in _DULL)], np.uint8)
    wall = np.concatenate([_prototypes(b) for b in BACKGROUNDS]) if not background else _prototypes(background)
    near, which = _nearest(grid, palette)
    away = _nearest(grid, wall)[0]
    label = number[which]
    label[(near > _FAR**2) | (near > away * (2.5 if eager else 1.0))] = _WALL
    if eager:
        label[(label == _WALL) & (away > _STRANGE**2)] = _OTHER
    return label


def _nearest(points: np.ndarray, targets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For points [n, 3] the squared distance to the nearest target [k, 3], and its number, uint8."""
    least = np.full(len(points), np.inf, np.float32)
    label = np.zeros(len(points), np.uint8)
    for at, target in enumerate(targets):
        beyond = points @ (-2 * target) + target @ target
        closer = beyond < least
        least[closer], label[closer] = beyond[closer], at
    return np.maximum(least + (points**2).sum(1), 0), label


def _number(frames: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The table's value for each pixel of uint8 or float 0..255 frames: uint8 [T, 64, 64]."""
    cells = frames.astype(np.int32) // (256 // _LEVELS)
    return table[(cells[..., 0] * _LEVELS + cells[..., 1]) * _LEVELS + cells[..., 2]]


# Background

def _bands(frames: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Mean RGB of the free pixels in 8 bands from top to bottom: [8, 3], NaN where too little is free."""
    total = (frames * free[..., None]).sum((0, 2)).reshape(_BANDS, -1, 3).sum(1)
    count = free.sum((0, 2)).reshape(_BANDS, -1).sum(1)
    return np.where((count > 0.04 * free.size / _BANDS)[:, None], total / np.maximum(count, 1)[:, None], np.nan)


@functools.cache
def _wall_bands() -> np.ndarray:
    """`_bands` of each background's references: [8 backgrounds, 24, 8 bands, 3]."""
    free = np.ones((1, SIZE, SIZE), np.float32)
    return np.stack([[_bands(image[None], free) for image in _references(b)] for b in BACKGROUNDS])


def _see_background(frames: np.ndarray, labels: np.ndarray) -> tuple[str, float, np.ndarray]:
    """The background's name, its mean distance by bands from the nearest reference (CIE76), and the colour cast.

    The cast is what the whole picture is off, in RGB [3]; where it is small it counts less than a difference in some
    bands only. Distances above 30 in one band count as 30.
    """
    free = np.ones(labels.shape, np.float32)
    for image, label in zip(free, labels, strict=True):
        image[cv2.dilate((label != _WALL).astype(np.uint8), np.ones((7, 7), np.uint8)) > 0] = 0
    bands = _bands(frames, free)
    if np.isnan(bands).all():
        bands = _bands(frames, np.ones(labels.shape, np.float32))
    apart = _lab(np.nan_to_num(bands)) - _lab(_wall_bands())
    apart[..., np.isnan(bands)] = np.nan
    cast = np.nanmean(apart, axis=2, keepdims=True)
    cast *= np.minimum(1, _CAST / np.maximum(np.linalg.norm(cast, axis=-1, keepdims=True), 1e-6))
    distance = np.linalg.norm(apart - cast, axis=-1) + 0.4 * np.linalg.norm(cast, axis=-1)
    means = np.nanmean(np.minimum(distance, 30), axis=2)
    kind, drawing = (int(i) for i in np.unravel_index(means.argmin(), means.shape))
    off = np.nanmean(bands - _wall_bands()[kind, drawing], axis=0)
    return BACKGROUNDS[kind], float(means.min()), off * min(1.0, 25 / max(float(np.abs(off).max()), 1e-6))


# Blobs

@dataclass(frozen=True)
class _Blob:
    """The pixels of one colour that belong together: bool [T, 64, 64], and track as in `Detection`."""

    colour: str
    masks: np.ndarray
    track: np.ndarray
    weight: float


@dataclass(frozen=True)
class _View:
    """A clip without its colour cast, float32 [T, 64, 64, 3], with what its background is and how far from it."""

    frames: np.ndarray
    background: str
    distance: float


def _look(frames: np.ndarray) -> _View:
    if frames.ndim != 4 or frames.shape[1:] != (SIZE, SIZE, 3) or frames.dtype != np.uint8:
        raise ValueError(f"expected uint8 frames of [T, {SIZE}, {SIZE}, 3], got {frames.dtype} {list(frames.shape)}")
    some = frames[::4]
    background, distance, cast = _see_background(some, _number(some, _table("", False)))
    return _View(np.clip(frames - cast.astype(np.float32), 0, 255), background, distance)


def _labels(view: _View, *, eager: bool = False) -> np.ndarray:
    """The palette colour of each pixel, uint8 [T, 64, 64], or _WALL or _OTHER."""
    return _number(view.frames, _table(view.background, eager))


def _blobs(view: _View) -> list[_Blob]:
    """The blobs of the four most frequent colours, from the one with the most pixels on."""
    labels = _labels(view)
    counts = np.bincount(labels.reshape(-1), minlength=256)[:len(_NAMES)]
    wanted = [int(number) for number in np.argsort(-counts)[:4] if counts[number] > 8 * len(labels)]
    blobs = [_blob(_NAMES[number], labels == number) for number in wanted]
    return sorted((blob for blob in blobs if blob.weight < _LARGEST), key=lambda blob: -blob.weight)


def _blob(colour: str, shown: np.ndarray) -> _Blob:
    """In each frame the largest group of pixels of a colour, joined over stripes and masts; lone pixels are dropped."""
    masks = np.zeros_like(shown)
    for at, spotted in enumerate(shown):
        crowd = cv2.boxFilter(spotted.astype(np.uint8), -1, (3, 3), normalize=False, borderType=cv2.BORDER_REFLECT)
        mask = spotted & (crowd >= 4)
        group = _largest(mask, 1)
        if group.any():
            masks[at] = _largest(mask, math.ceil(0.18 * math.sqrt(group.sum())))
    areas = masks.sum((1, 2))
    masks[areas < 8] = False
    return _Blob(colour, masks, _track(masks), float(areas.mean()))


def _largest(mask: np.ndarray, reach: int) -> np.ndarray:
    """The largest group of pixels that hold together over gaps of up to twice `reach`: bool [64, 64]."""
    wide = np.pad(mask.astype(np.uint8), 2 * reach)
    joined = cv2.morphologyEx(wide, cv2.MORPH_CLOSE, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
    count, groups = cv2.connectedComponents(joined[2 * reach:-2 * reach, 2 * reach:-2 * reach], connectivity=8)
    areas = np.bincount(groups[mask], minlength=count)
    areas[0] = 0
    return mask & (groups == areas.argmax())


def _track(masks: np.ndarray) -> np.ndarray:
    """Centre x, y and spread of each mask in pixels, [T, 3], NaN where it is empty."""
    areas = masks.sum((1, 2)).astype(np.float64)
    at = np.arange(SIZE)
    columns, rows = masks.sum(1), masks.sum(2)
    with np.errstate(invalid="ignore", divide="ignore"):
        x, y = columns @ at / areas, rows @ at / areas
        square = columns @ at**2 / areas - x**2 + rows @ at**2 / areas - y**2
    return np.stack([x, y, np.sqrt(square)], 1)


def _apart(one: _Blob, other: _Blob) -> bool:
    """Whether two blobs are two things, and not the body of one and a mixed colour on its edge."""
    away = np.hypot(*(one.track[:, :2] - other.track[:, :2]).T)
    near = 0.9 * (one.track[:, 2] + other.track[:, 2])
    both = ~np.isnan(away)
    return bool(both.any()) and float((away[both] > near[both]).mean()) > 0.7


# Shapes

_SIDE = 28
_SPREAD = 6.6
"""Templates are _SIDE pixels wide and high, with this spread of the pixels."""
_ANGLES = 36
_SIZES = (5.5, 7.5, 10.0, 14.0, 20.0)


def _normal(mask: np.ndarray, x: float, y: float, spread: float) -> np.ndarray:
    """A mask, moved to its centre and brought to _SPREAD, as a vector of mean 0 and length 1, [_SIDE ** 2]."""
    scale, middle = _SPREAD / max(spread, 1.0), (_SIDE - 1) / 2
    matrix = np.array([[scale, 0, middle - scale * x], [0, scale, middle - scale * y]])
    image = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.4 / min(scale, 1.0))
    seen = cv2.warpAffine(image, matrix, (_SIDE, _SIDE), flags=cv2.INTER_LINEAR)
    vector = cv2.GaussianBlur(seen, (0, 0), 0.7).reshape(-1)
    vector -= vector.mean()
    return vector / max(float(np.linalg.norm(vector)), 1e-6)


@functools.cache
def _templates() -> tuple[np.ndarray, np.ndarray]:
    """Everything solid, then in outlines of each width, in every shape, size and angle.

    Vectors [(1 + widths) * 10 * 5 * 36, _SIDE ** 2], and their spread in pixels.
    """
    drawings: list[tuple[Style, float]] = [("solid", 1.0), *(("outline", line) for line in _LINES)]
    vectors, spreads = [], []
    for style, line in drawings:
        for shape in SHAPES:
            for radius in _SIZES:
                for angle in np.arange(_ANGLES) * 2 * math.pi / _ANGLES:
                    mask = _drawn(style, shape, radius, float(angle), line)
                    x, y, spread = _track(mask[None])[0]
                    vectors.append(_normal(mask, x, y, spread))
                    spreads.append(spread)
    return np.stack(vectors), np.array(spreads)


def _drawn(style: Style, shape: str, radius: float, angle: float, line: float) -> np.ndarray:
    """The pixels of the body's colour when a white thing is drawn on black: bool [64, 64]."""
    canvas = np.zeros((SIZE * world.SCALE, SIZE * world.SCALE, 3), np.uint8)
    world.draw(canvas, world.Thing("white", shape), (SIZE / 2, SIZE / 2), radius, angle, style, line * world.LINE)
    seen = cv2.resize(canvas, (SIZE, SIZE), interpolation=cv2.INTER_AREA)[..., 0]
    return seen > (170 if style == "solid" else 120)


def _similar(blob: _Blob) -> tuple[np.ndarray, np.ndarray]:
    """How like each template kind a blob is in each frame, with the frames' weights.

    Likeness [2 styles, 10 shapes, 36 angles, n frames], at most 1, the best over sizes and widths of lines; weights [n]
    add up to 1.
    """
    seen = np.flatnonzero(~np.isnan(blob.track[:, 0]))
    vectors = np.stack([_normal(blob.masks[t], *blob.track[t]) for t in seen])
    templates, spreads = _templates()
    like = templates @ vectors.T - 0.3 * np.maximum(
        0, np.abs(np.log(spreads[:, None] / blob.track[seen, 2][None])) - 0.25)
    like = like.reshape(1 + len(_LINES), len(SHAPES), len(_SIZES), _ANGLES, len(seen)).max(2)
    like = np.stack([like[0], like[1:].max(0) - _OUTLINE_PENALTY])
    masks = blob.masks[seen]
    cut = masks[:, 0].any(1) | masks[:, -1].any(1) | masks[:, :, 0].any(1) | masks[:, :, -1].any(1)
    weights = np.where(cut, 0.1, 1.0)
    return like, weights / weights.sum()


_TURNS = np.concatenate([np.arange(-1.0, -0.25, 0.05), np.arange(0.3, 1.05, 0.05)])
_SPIN_PENALTY = 0.02
_TILTS = (-1, 0, 1)


def _upright(like: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The likeness of a thing that keeps its angle, at most 10 degrees from upright: [2, 10]."""
    return np.max([like[:, :, tilt] @ weights for tilt in _TILTS], axis=0)


def _turning(like: np.ndarray, weights: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The likeness of a thing that turns evenly, 0.3 to 1 turn in the clip: [2, 10]."""
    angles = np.arange(_ANGLES)[None, :, None] + _ANGLES * _TURNS[:, None, None] * times[None, None, :]
    picked = like[:, :, np.round(angles).astype(int) % _ANGLES, np.arange(len(times))[None, None]]
    return (picked @ weights).max((2, 3))


# Motion

def _line(values: np.ndarray, times: np.ndarray) -> tuple[float, float]:
    """Where a straight line through the values begins and ends (times 0 and 1)."""
    slope, start = np.polyfit(times, values, 1)
    return float(start), float(start + slope)


def _smooth(values: np.ndarray) -> np.ndarray:
    """Median of three, against single frames that are off."""
    if len(values) < 3:
        return values
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.median(np.stack([padded[:-2], padded[1:-1], padded[2:]]), 0)


_GROWS = 1.46
_TRAVELS = 9.1
_SWINGS = 14.0


def _travel(track: np.ndarray, times: np.ndarray, turns: bool) -> str:
    """The motion as far as centre and spread tell it, or "" for a thing that stays in its place and size.

    A camera moves a resting thing by 8 pixels and changes its size by 1.22; the slowest motion is 10 pixels beyond a
    pan against it, the slightest growth 1.78 times under a pull-out. What turns swings about its centroid besides.
    """
    x, y = _smooth(track[:, 0]), _smooth(track[:, 1])
    wide, high = float(np.ptp(x)), float(np.ptp(y))
    if wide > 15 and high > 15:
        return "orbit"
    soft = np.convolve(np.pad(track[:, 1], 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    way = float(np.abs(np.diff(soft)).sum())
    if np.ptp(soft) > 11.5 and way > 1.6 * abs(soft[-1] - soft[0]) and way > 1.4 * np.ptp(soft):
        return "bounce"
    before, after = _line(track[:, 2], times)
    ratio = max(after, 0.5) / max(before, 0.5)
    if not 1 / _GROWS < ratio < _GROWS:
        return "grow" if ratio > 1 else "shrink"
    (x0, x1), (y0, y1) = _line(x, times), _line(y, times)
    if max(abs(x1 - x0), abs(y1 - y0)) > (_SWINGS if turns else _TRAVELS):
        if abs(x1 - x0) > abs(y1 - y0):
            return "right" if x1 > x0 else "left"
        return "down" if y1 > y0 else "up"
    return ""


def _describe(view: _View, blob: _Blob) -> Detection:
    seen = np.flatnonzero(~np.isnan(blob.track[:, 0]))
    scores = {"background": view.distance, "seen": len(seen) / len(blob.track), "area": blob.weight}
    if not len(seen):
        return Detection("", "", "", view.background, "", blob.track, scores)
    like, weights = _similar(blob)
    likeness, motion = _upright(like, weights), ""
    if len(seen) > 2:
        times = seen / (len(blob.track) - 1)
        turning = _turning(like, weights, times) - _SPIN_PENALTY
        both = np.maximum(likeness, turning)
        at = np.unravel_index(both.argmax(), both.shape)
        scores["spin"] = float(turning[at] - likeness[at])
        motion = _travel(blob.track[seen], times, turns=scores["spin"] > _SPIN_PENALTY)
        if not motion:
            motion, likeness = ("spin" if scores["spin"] > 0 else "still"), both
    style, shape = (int(i) for i in np.unravel_index(likeness.argmax(), likeness.shape))
    best = np.sort(likeness.max(0))
    scores["shape"], scores["lead"] = float(best[-1]), float(best[-1] - best[-2])
    return Detection(blob.colour, SHAPES[shape], motion, view.background, _STYLES[style], blob.track, scores)
