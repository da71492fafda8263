"""Parts of the machine-learning drawings: grids of numbers, bars, network nodes, fields, colours between colours.

Nothing here knows a subject. Everything is made once and then changed through `put`, which leaves an artist alone
when the new values are the old ones, so that the stage can keep it in its unchanged layer.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Circle, Rectangle
from matplotlib.text import Text

from .layout import Rect
from .stage import Stage

Rgb = tuple[float, float, float]
_UNSET = object()


def put(artist: Artist, **values: Any) -> None:
    """`artist.set(...)`, for the values only that differ from those put last. Values must compare with `==`."""
    last = artist.__dict__.setdefault("_put_last", {})
    changed = {name: value for name, value in values.items() if last.get(name, _UNSET) != value}
    if changed:
        last.update(changed)
        artist.set(**changed)


def num(value: float, digits: int = 2, *, sign: bool = False) -> str:
    """A number with a true minus sign, and never a minus before zero."""
    shown = round(float(value), digits) + 0.0
    return f"{shown:{'+' if sign else ''}.{digits}f}".replace("-", "\u2212")


def between(stage: Stage, low: str, high: str, x: float) -> Rgb:
    """The colour at `x` in 0..1 on the way from one palette colour to another."""
    a, b = np.array(to_rgb(stage.color(low))), np.array(to_rgb(stage.color(high)))
    r, g, b_ = a + (b - a) * min(max(x, 0.0), 1.0)
    return float(r), float(g), float(b_)


def signed(stage: Stage, x: float, *, zero: str = "panel") -> Rgb:
    """Blue for positive, red for negative, the panel's colour at zero; `x` in -1..1."""
    return between(stage, zero, "s0" if x >= 0 else "s3", abs(x))


def ink_on(stage: Stage, fill: Rgb) -> str:
    """The one of ink and paper that reads better on `fill` (higher WCAG contrast)."""
    light = _luminance(fill)
    contrast = {name: _contrast(light, _luminance(to_rgb(stage.color(name)))) for name in ("ink", "paper")}
    return stage.color(max(contrast, key=lambda name: contrast[name]))


def _luminance(rgb: Rgb) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(a: float, b: float) -> float:
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


class NumberGrid:
    """Square cells with numbers, row by row from the top, over a still ground of empty cells.

    Numbers of `chars` characters that would not fit into the cells of a small picture are left out.
    """

    def __init__(self, stage: Stage, rect: Rect, rows: int, columns: int, *, moving: bool = True,
                 role: str = "label", chars: int = 2) -> None:
        self.stage = stage
        side = min(rect.w / columns, rect.h / rows)
        self.side = side
        self.rect = Rect(rect.cx - side * columns / 2, rect.cy - side * rows / 2, side * columns, side * rows)
        self._gap = min(0.03, side * 0.06)
        text_px = stage.points(role) / 72 * stage.figure.dpi
        self.legible = side * stage.unit_px >= chars * text_px * 0.5 + 2 and side * stage.unit_px >= text_px
        places = [[self.cell(r, c) for c in range(columns)] for r in range(rows)]
        ground = PolyCollection([self._corners(place) for row in places for place in row], linewidths=0, zorder=0.9,
                                facecolors=stage.color("panel"))
        stage.ax.add_collection(ground, autolim=False)
        self.cells: list[list[Rectangle]] = []
        self.texts: list[list[Text]] = []
        for row in places:
            self.cells.append([])
            self.texts.append([])
            for place in row:  # a cell and its number follow each other: then few artists come after a change
                self.cells[-1].append(self._patch(place, moving))
                text = stage.text(place.cx, place.cy, "", role, zorder=1)
                self.texts[-1].append(stage.moving(text) if moving else text)

    def _corners(self, place: Rect) -> list[tuple[float, float]]:
        inner = place.inset(self._gap)
        return [(inner.x, inner.y), (inner.right, inner.y), (inner.right, inner.top), (inner.x, inner.top)]

    def _patch(self, place: Rect, moving: bool) -> Rectangle:
        inner = place.inset(self._gap)
        patch = Rectangle((inner.x, inner.y), inner.w, inner.h, linewidth=0, zorder=1, visible=False)
        self.stage.ax.add_patch(patch)
        return self.stage.moving(patch) if moving else patch

    def cell(self, row: int, column: int) -> Rect:
        """The place of a cell on the page."""
        return Rect(self.rect.x + column * self.side, self.rect.top - (row + 1) * self.side, self.side, self.side)

    def window(self, row: float, column: float, size: int) -> Rect:
        """The square of `size` cells whose upper left one is given; fractions lie between cells."""
        return Rect(self.rect.x + column * self.side, self.rect.top - (row + size) * self.side,
                    self.side * size, self.side * size)

    def fill(self, row: int, column: int, text: str, color: Rgb) -> None:
        """Colour a cell and write in it, in the ink that reads on that colour."""
        put(self.cells[row][column], facecolor=color, visible=True)
        if self.legible:
            put(self.texts[row][column], text=text, color=ink_on(self.stage, color))

    def clear(self, row: int, column: int) -> None:
        put(self.cells[row][column], visible=False)
        put(self.texts[row][column], text="")


class Bars:
    """Upright bars in data axes as one collection: centres `xs`, one width, heights from a base."""

    def __init__(self, stage: Stage, axes: Axes, xs: Sequence[float] | np.ndarray, width: float, color: str, *,
                 base: float = 0.0, zorder: float = 3) -> None:
        self.xs, self.width, self.base = np.asarray(xs, float), width, base
        self.collection = stage.moving(PolyCollection([], facecolors=stage.color(color), linewidths=0, zorder=zorder))
        axes.add_collection(self.collection, autolim=False)
        self._last: bytes | None = None

    def set(self, heights: np.ndarray) -> None:
        """`heights` are the values at the tops of the bars."""
        heights = np.asarray(heights, float)
        if heights.tobytes() == self._last:
            return
        self._last = heights.tobytes()
        left, right, base = self.xs - self.width / 2, self.xs + self.width / 2, np.full_like(heights, self.base)
        verts = np.stack([np.stack([left, base], -1), np.stack([left, heights], -1),
                          np.stack([right, heights], -1), np.stack([right, base], -1)], axis=1)
        self.collection.set_verts(list(verts))


@dataclass
class Node:
    """A round node of a network: a disc with a text, both moving."""

    center: tuple[float, float]
    radius: float
    disc: Circle
    label: Text

    def light(self, text: str, fill: Any, edge: str, ink: str) -> None:
        """Write in the node and colour it; colours are final, not names."""
        put(self.disc, facecolor=fill, edgecolor=edge)
        put(self.label, text=text, color=ink)


def node(stage: Stage, center: tuple[float, float], radius: float, *, role: str = "label") -> Node:
    """A dark node, ready to be lit."""
    disc = stage.moving(Circle(center, radius, facecolor=stage.color("panel"), edgecolor=stage.color("faint"),
                               linewidth=stage.line_width(0.05), zorder=4))
    stage.ax.add_patch(disc)
    label = stage.moving(stage.text(*center, "", role, weight="semibold", zorder=5))
    return Node(center, radius, disc, label)


def dots(stage: Stage, axes: Axes, color: str, *, size: float = 0.2, edge: bool = True, zorder: float = 4,
         **options: Any) -> Any:
    """A moving set of round markers, to be placed with `set_data`; `size` in stage units."""
    rim = {"mec": stage.color("paper"), "mew": stage.line_width(0.025)} if edge else {"mew": 0}
    return stage.moving(axes.plot([], [], "o", color=stage.color(color), ms=stage.line_width(size), zorder=zorder,
                                  **rim, **options)[0])


class _Pixels(Artist):
    """RGBA bytes put on the canvas as they are: matplotlib's own images resample at every draw."""

    zorder = 0.5

    def __init__(self, x: int, y: int) -> None:
        super().__init__()
        self._at = x, y
        self._pixels: np.ndarray | None = None

    def set_pixels(self, pixels: np.ndarray) -> None:
        """(height, width, 4) uint8, the lowest row first."""
        self._pixels = np.ascontiguousarray(pixels[::-1])
        self.stale = True

    def draw(self, renderer: Any) -> None:
        if self._pixels is not None and self.get_visible():
            renderer.draw_image(renderer.new_gc(), *self._at, self._pixels)
        self.stale = False


class Field:
    """A smooth picture of a function over data axes: values 0..1 on a coarse grid, resampled here, which is cheap."""

    def __init__(self, stage: Stage, axes: Axes, colors: Sequence[Rgb]) -> None:
        """`colors` are those of evenly spaced values from 0 to 1. Other artists over it must be moving ones."""
        axes.apply_aspect()
        box = axes.get_window_extent()
        x, y = round(box.x0), round(box.y0)
        self.shape = round(box.y1) - y, round(box.x1) - x
        steps, at = np.linspace(0, 1, len(colors)), np.linspace(0, 1, 256)
        ramp = np.stack([np.interp(at, steps, [c[i] for c in colors]) for i in range(3)] + [np.ones(256)], -1)
        self._ramp = np.round(ramp * 255).astype(np.uint8)
        self.image = stage.moving(_Pixels(x, y))
        axes.add_artist(self.image)
        self._last: bytes | None = None

    def show(self, values: np.ndarray) -> None:
        """`values` (rows, columns), the first row at the bottom; the outer values lie on the edges of the axes."""
        key = values.tobytes()
        if key == self._last:
            return
        self._last = key
        down, across = (_resampler(n, size) for n, size in zip(values.shape, self.shape, strict=True))
        smooth = down @ np.asarray(values, np.float32) @ across.T
        self.image.set_pixels(self._ramp[(np.clip(smooth, 0, 1) * 255 + 0.5).astype(np.uint8)])


@functools.lru_cache(maxsize=16)
def _resampler(count: int, size: int) -> np.ndarray:
    """The (size, count) matrix of linear interpolation from `count` even samples to `size`."""
    at = np.linspace(0, count - 1, size)
    left = np.minimum(at.astype(int), count - 2)
    matrix = np.zeros((size, count), np.float32)
    rows = np.arange(size)
    matrix[rows, left] = 1 - (at - left)
    matrix[rows, left + 1] = at - left
    return matrix
