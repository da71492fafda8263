"""Parts that many scenes are built from: coloured tiles, tables of values, discs, and colour mixing.

They draw through a `Stage` and hold no time: a scene's `draw` tells them what to show.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.text import Text

from .layout import Rect
from .stage import DPI, Stage
from .theme import MIN_TEXT_PX


def rgba(stage: Stage, name: str, alpha: float = 1.0) -> np.ndarray:
    """A palette colour as four numbers in 0..1."""
    return np.array(to_rgba(stage.color(name), alpha))


def blend(a: np.ndarray, b: np.ndarray, x: float | np.ndarray) -> np.ndarray:
    """Mix colours: `x` = 0 gives `a`, 1 gives `b`; an array of n mixes gives (n, 4)."""
    x = np.asarray(x, dtype=float)[..., None]
    return a + (b - a) * x


def extent(stage: Stage, artist: Text, text: str) -> tuple[float, float]:
    """Width and height in stage units that `artist` has with `text`; the artist keeps its own text."""
    kept = artist.get_text()
    artist.set_text(text)
    box = artist.get_window_extent(stage.canvas.get_renderer())
    artist.set_text(kept)
    return box.width / stage.unit_px, box.height / stage.unit_px


def squeeze(stage: Stage, artists: Sequence[Text], samples: Sequence[str], width: float) -> None:
    """Shrink `artists` together until each of `samples` is at most `width` wide in them, or the text gets too small."""
    widest = max((extent(stage, artist, sample)[0] for artist, sample in zip(artists, samples, strict=True)),
                 default=0.0)
    if widest > width:
        for artist in artists:
            artist.set_fontsize(max(float(artist.get_fontsize()) * width / widest, MIN_TEXT_PX * 72 / DPI))


def tint(artist: Text, color: str) -> None:
    """Set a text's colour; free where it has it already."""
    if artist.get_color() != color:
        artist.set_color(color)


class Tiles:
    """Upright rectangles as one collection. Setting what is already set costs nothing."""

    def __init__(self, stage: Stage, boxes: np.ndarray, colors: np.ndarray, *, moving: bool = True,
                 zorder: float = 2, edge: str | None = None, on: Axes | None = None) -> None:
        """`boxes` is (n, 4) of x, y, w, h; `colors` is (4,) or (n, 4)."""
        self._boxes = np.array(boxes, dtype=float)
        self._colors = np.array(colors, dtype=float)
        self.collection = PolyCollection(self._corners(self._boxes), facecolors=self._colors, zorder=zorder,
                                         edgecolors=stage.color(edge) if edge else "none",
                                         linewidths=stage.line_width(0.02) if edge else 0)
        (on or stage.ax).add_collection(self.collection, autolim=False)
        if moving:
            stage.moving(self.collection)

    @staticmethod
    def _corners(boxes: np.ndarray) -> Any:
        x, y, w, h = boxes.T
        return np.stack([np.stack([x, y], 1), np.stack([x + w, y], 1), np.stack([x + w, y + h], 1),
                         np.stack([x, y + h], 1)], axis=1)

    def place(self, boxes: np.ndarray) -> None:
        if not np.array_equal(boxes, self._boxes):
            self._boxes = np.array(boxes, dtype=float)
            self.collection.set_verts(self._corners(self._boxes))

    def paint(self, colors: np.ndarray) -> None:
        if not np.array_equal(colors, self._colors):
            self._colors = np.array(colors, dtype=float)
            fill: Any = self._colors
            self.collection.set_facecolor(fill)


class Discs:
    """Filled circles of one diameter (stage units) as one collection."""

    def __init__(self, stage: Stage, centers: np.ndarray, diameter: float, colors: np.ndarray, *, moving: bool = True,
                 zorder: float = 3, edge: str | None = None, on: Axes | None = None) -> None:
        self._centers = np.array(centers, dtype=float).reshape(-1, 2)
        self._colors = np.array(colors, dtype=float)
        self.collection: PathCollection = (on or stage.ax).scatter(
            self._centers[:, 0], self._centers[:, 1], s=stage.line_width(diameter) ** 2, facecolors=self._colors,
            edgecolors=stage.color(edge) if edge else "none", linewidths=stage.line_width(0.05) if edge else 0,
            zorder=zorder, clip_on=False)
        if moving:
            stage.moving(self.collection)

    def place(self, centers: np.ndarray) -> None:
        if not np.array_equal(centers, self._centers):
            self._centers = np.array(centers, dtype=float).reshape(-1, 2)
            self.collection.set_offsets(self._centers)

    def paint(self, colors: np.ndarray) -> None:
        if not np.array_equal(colors, self._colors):
            self._colors = np.array(colors, dtype=float)
            fill: Any = self._colors
            self.collection.set_facecolor(fill)


class Segments:
    """Many lines as one collection; `lines` is a sequence of (k, 2) arrays."""

    def __init__(self, stage: Stage, lines: Sequence[np.ndarray], colors: np.ndarray, *, width: float = 0.05,
                 moving: bool = True, zorder: float = 2, on: Axes | None = None) -> None:
        self._stage = stage
        self._state: bytes = b""
        self.collection = LineCollection(list(lines), colors=colors, linewidths=stage.line_width(width),
                                         zorder=zorder, capstyle="round")
        (on or stage.ax).add_collection(self.collection, autolim=False)
        if moving:
            stage.moving(self.collection)

    def paint(self, colors: np.ndarray, widths: np.ndarray | None = None) -> None:
        """`widths` in stage units."""
        state = np.asarray(colors, dtype=float).tobytes() + (b"" if widths is None else np.asarray(widths).tobytes())
        if state != self._state:
            self._state = state
            fill: Any = colors
            self.collection.set_color(fill)
            if widths is not None:
                self.collection.set_linewidth([self._stage.line_width(w) for w in widths])


class Readout:
    """A card with named values, one a row, and if asked a formula above them."""

    def __init__(self, stage: Stage, rect: Rect, names: Sequence[str], samples: Sequence[str], *, formula: str = "",
                 colors: Sequence[str] = (), title: str = "") -> None:
        """`samples` are the widest values to come: with the names they decide the size of the text."""
        stage.card(rect)
        inner = rect.inset(0.25, 0.2)
        head = [1.15] if formula or title else []
        rows = inner.rows([*head, *[1.0] * len(names)], gap=0.04)
        if formula or title:
            top = stage.text(*rows[0].center, "", "label", color="accent", math=bool(formula),
                             weight="normal" if formula else "semibold")
            squeeze(stage, [top], [formula or title], inner.w)
            top.set_text(formula or title)
        tones = list(colors) or ["ink"] * len(names)
        self.names = [stage.text(row.x, row.cy, "", "label", color="muted", ha="left", math=True)
                      for row in rows[len(head):]]
        self.values = [stage.moving(stage.text(row.right, row.cy, "", "label", color=tone, ha="right",
                                               weight="semibold"))
                       for row, tone in zip(rows[len(head):], tones, strict=True)]
        squeeze(stage, [*self.names], [f"{name}  {value}" for name, value in zip(names, samples, strict=True)],
                inner.w)
        for name, text, value in zip(self.names, names, self.values, strict=True):
            name.set_text(text)
            value.set_fontsize(name.get_fontsize())

    def show(self, *values: str) -> None:
        for artist, value in zip(self.values, values, strict=True):
            artist.set_text(value)


def minus(text: str) -> str:
    """A number's hyphen as a true minus sign."""
    return text.replace("-", "\u2212")
