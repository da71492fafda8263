"""The stage: one matplotlib figure on which a scene is drawn, redrawing only what changes.

Positions are in stage units (see `layout`). Still artists are drawn once into a background; moving ones are drawn
in order over it, and the leading run of them that has not changed since the last frame is kept as a layer.
The stage owns typography (sizes by role, wrapping, shrinking to fit) and safe margins.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.text import Text

from ...request import Theme
from . import glyphs
from .layout import SHORT_SIDE_UNITS, Rect
from .theme import MIN_TEXT_PX, TEXT_UNITS, palette, style

DPI = 100
MARGIN = 0.45
HEADER = 0.95
FOOTER = 1.15
MAX_LAYERS = 5

A = TypeVar("A", bound=Artist)


@dataclass(frozen=True)
class TextBox:
    """A drawn text with its pixel box (left, bottom, right, top), for layout checks."""

    text: str
    box: tuple[float, float, float, float]


class Stage:
    """Make one per scene: `Stage(width_px, height_px, theme)`, let the scene build, then call `frame`."""

    def __init__(self, width: int, height: int, theme: Theme, *, header: bool = True, footer: bool = True) -> None:
        self.width, self.height = width, height
        self.colors = palette(theme)
        self.unit_px = min(width, height) / SHORT_SIDE_UNITS
        self.page = Rect(0, 0, width / self.unit_px, height / self.unit_px)
        safe = self.page.inset(MARGIN, MARGIN * 0.8)
        top, bottom = (HEADER if header else 0), (FOOTER if footer else 0)
        self.header = Rect(safe.x, safe.top - HEADER, safe.w, HEADER)
        self.footer = Rect(safe.x, safe.y, safe.w, FOOTER)
        self.safe = safe
        self.content = Rect(safe.x, safe.y + bottom, safe.w, safe.h - top - bottom)
        self._style = style()
        self.figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor=self.colors.paper)
        self.canvas = FigureCanvasAgg(self.figure)
        self.back = self._page_axes(zorder=0)
        self.ax = self._page_axes(zorder=10)
        self.cards: list[Rect] = []
        self._moving: list[Artist] = []
        self._layers: list[tuple[int, Any]] = []
        self._last: np.ndarray | None = None

    def _page_axes(self, zorder: int) -> Axes:
        ax = self.figure.add_axes((0, 0, 1, 1), zorder=zorder)
        ax.set_axis_off()
        ax.patch.set_visible(False)
        ax.set_xlim(0, self.page.w)
        ax.set_ylim(0, self.page.h)
        return ax

    # -- making artists -----------------------------------------------------------------------------------------

    def moving(self, artist: A) -> A:
        """Declare an artist that `draw` changes; returns it."""
        artist.set_animated(True)
        self._moving.append(artist)
        return artist

    def color(self, name: str) -> str:
        return self.colors.pick(name)

    def points(self, role: str, scale: float = 1.0) -> float:
        """Font size in points for a text role, never below the readable minimum."""
        return max(TEXT_UNITS[role] * scale * self.unit_px, MIN_TEXT_PX) * 72 / DPI

    def line_width(self, units: float = 0.04) -> float:
        """A line width in points for a width in stage units."""
        return max(units * self.unit_px, 0.8) * 72 / DPI

    def text(self, x: float, y: float, text: str, role: str = "body", *, color: str = "ink", ha: str = "center",
             va: str = "center", weight: str = "normal", math: bool = False, on: Axes | None = None,
             **options: Any) -> Text:
        """A text at a point of the page, in stage units, or of the axes `on`, in their data units.

        `math` reads $...$ as a formula; people's text never is.
        """
        shown = text if math else glyphs.legible(text)
        families = None if math or shown.isascii() else glyphs.families(shown)
        if families:
            options.setdefault("fontfamily", families)
        with rc_context(self._style):
            return (on or self.ax).text(x, y, shown, fontsize=self.points(role), color=self.color(color), ha=ha, va=va,
                                fontweight=weight, parse_math=math, **options)

    def paragraph(self, rect: Rect, text: str, role: str = "body", *, color: str = "ink", ha: str = "left",
                  va: str = "center", weight: str = "normal", math: bool = False) -> Text:
        """Text wrapped and, if need be, shrunk so that it stays inside `rect`; ends with an ellipsis if it must."""
        x = {"left": rect.x, "center": rect.cx, "right": rect.right}[ha]
        y = {"top": rect.top, "center": rect.cy, "bottom": rect.y}[va]
        artist = self.text(x, y, "", role, color=color, ha=ha, va=va, weight=weight, math=math,
                           linespacing=1.18)
        self.fit(artist, text, rect)
        return artist

    def fit(self, artist: Text, text: str, rect: Rect) -> None:
        """Wrap and shrink `artist` until `text` fits in `rect`; at the smallest size long words are broken, and what is
        still too long is cut with an ellipsis."""
        if not artist.get_parse_math():
            text = glyphs.legible(text)
            families = None if text.isascii() else glyphs.families(text)
            if families:
                artist.set_fontfamily(families)
        start = float(artist.get_fontsize())
        smallest = max(MIN_TEXT_PX * 72 / DPI, start * 0.6)
        artist.set_fontsize(smallest)
        force = not artist.get_parse_math() and self._longest_word(artist, text) > rect.w  # no shrinking will do
        size = start
        while True:
            artist.set_fontsize(size)
            if self._wrap_into(artist, text, rect, force=force):
                return
            if size <= smallest:
                break
            size = max(size * 0.92, smallest)
        self._cut_into(artist, text, rect)

    def _cut_into(self, artist: Text, text: str, rect: Rect) -> None:
        """The longest beginning of `text` that fits, by halving; long words may be broken."""
        if self._wrap_into(artist, text, rect, force=True):
            return
        words = text.split()
        cuts = [" ".join(words[:n]) for n in range(1, len(words))]
        if len(words) < 2:
            cuts = [text[:n] for n in range(1, len(text))]
        low, high = 0, len(cuts)
        while low < high:
            middle = (low + high + 1) // 2
            if self._wrap_into(artist, cuts[middle - 1].rstrip(" ,;:.") + "…", rect, force=True):
                low = middle
            else:
                high = middle - 1
        if low:
            self._wrap_into(artist, cuts[low - 1].rstrip(" ,;:.") + "…", rect, force=True)
        else:
            artist.set_text("…")

    def _wrap_into(self, artist: Text, text: str, rect: Rect, *, force: bool = False) -> bool:
        math = artist.get_parse_math()
        if not math and not force and self._longest_word(artist, text) > rect.w:
            return False
        per_char = self._extent(artist, "abcdefghijklmnopqrstuvwxyz eee tt")[0] / 33
        columns = max(int(rect.w / per_char * 1.06), 4)
        while columns >= (1 if force else 4):
            artist.set_text(_wrap(text, columns, math=math, force=force))
            width, height = self._extent(artist)
            if width <= rect.w + 1e-6:
                return height <= rect.h + 1e-6
            columns -= 1 if columns < 24 else 2
        return False

    def _longest_word(self, artist: Text, text: str) -> float:
        """Width of the longest unbreakable run of letters; 0 for texts of wide letters, which break anywhere."""
        longest = max(text.split(), key=len, default="")
        return self._extent(artist, longest)[0] if len(longest) > 8 and not glyphs.has_wide(longest) else 0.0

    def _extent(self, artist: Text, text: str | None = None) -> tuple[float, float]:
        if text is not None:
            artist.set_text(text)
        with rc_context(self._style):
            box = artist.get_window_extent(self.canvas.get_renderer())
        return box.width / self.unit_px, box.height / self.unit_px

    def line_height(self, role: str) -> float:
        """Height in stage units of a line of that role as it is drawn, the readable minimum included."""
        return self.points(role) * DPI / 72 / self.unit_px * 1.4

    def block(self, artist: Text) -> tuple[float, float]:
        """Height of the drawn text, and from line to line, in stage units."""
        text = artist.get_text()
        step = self._extent(artist, "lp\nlp")[1] - self._extent(artist, "lp")[1]
        return self._extent(artist, text)[1], step

    def width_of(self, artist: Text) -> float:
        """Width of the drawn text in stage units."""
        return self._extent(artist)[0]

    def height_of(self, artist: Text) -> float:
        return self._extent(artist)[1]

    def card(self, rect: Rect, *, fill: str = "panel", edge: str = "faint", radius: float = 0.16,
             line: float = 0.03) -> FancyBboxPatch:
        """A rounded rectangle behind content, data axes included; its place is noted in `cards` for layout checks."""
        self.cards.append(rect)
        r = min(radius, rect.w / 2.01, rect.h / 2.01)
        box = FancyBboxPatch(
            (rect.x + r, rect.y + r), rect.w - 2 * r, rect.h - 2 * r, boxstyle=f"round,pad={r},rounding_size={r}",
            facecolor=self.color(fill), edgecolor=self.color(edge), linewidth=self.line_width(line), zorder=1)
        self.back.add_patch(box)
        return box

    def arrow(self, start: tuple[float, float], end: tuple[float, float], *, color: str = "muted",
              width: float = 0.045, curve: float = 0.0, head: float = 0.2) -> Any:
        """An arrow between two points of the page."""
        return self.ax.add_patch(FancyArrowPatch(
            start, end, arrowstyle=f"-|>,head_length={head * self.unit_px * .72:.2f},"
            f"head_width={head * self.unit_px * .36:.2f}", connectionstyle=f"arc3,rad={curve}", shrinkA=0, shrinkB=0,
            mutation_scale=1, color=self.color(color), linewidth=self.line_width(width), zorder=2))

    def line(self, xs: Sequence[float], ys: Sequence[float], *, color: str = "ink", width: float = 0.05,
             **options: Any) -> Any:
        """A polyline on the page, in stage units."""
        return self.ax.plot(xs, ys, color=self.color(color), linewidth=self.line_width(width),
                            solid_capstyle="round", **options)[0]

    def axes(self, rect: Rect, *, xlabel: str = "", ylabel: str = "", xlim: tuple[float, float] = (0, 1),
             ylim: tuple[float, float] = (0, 1), ticks: bool = True, frame: bool = True, equal: bool = False) -> Any:
        """Data axes (`matplotlib.axes.Axes`) that, labels included, stay inside `rect`."""
        left = (0.62 if ticks else 0.12) + (0.42 if ylabel else 0)
        bottom = (0.48 if ticks else 0.12) + (0.42 if xlabel else 0)
        box = Rect(rect.x + left, rect.y + bottom, max(rect.w - left - 0.2, 0.3), max(rect.h - bottom - 0.15, 0.3))
        with rc_context(self._style):
            ax = self.figure.add_axes((box.x / self.page.w, box.y / self.page.h, box.w / self.page.w,
                                       box.h / self.page.h), facecolor="none", zorder=2)
            ax.set_xlim(*xlim)
            ax.set_ylim(*ylim)
            if equal:
                ax.set_aspect("equal", adjustable="box")
            self._dress(ax, xlabel, ylabel, ticks, frame)
        return ax

    def _dress(self, ax: Any, xlabel: str, ylabel: str, ticks: bool, frame: bool) -> None:
        small = self.points("small")
        for side, spine in ax.spines.items():
            spine.set_visible(frame and side in ("left", "bottom"))
            spine.set_color(self.colors.muted)
            spine.set_linewidth(self.line_width(0.03))
        ax.tick_params(colors=self.colors.muted, labelsize=small, length=0.07 * self.unit_px * 72 / DPI,
                       width=self.line_width(0.02), pad=0.06 * self.unit_px * 72 / DPI)
        if ticks:
            ax.xaxis.get_major_locator().set_params(nbins=5)
            ax.yaxis.get_major_locator().set_params(nbins=4)
        else:
            ax.set_xticks([])
            ax.set_yticks([])
        ax.set_xlabel(xlabel, fontsize=small, color=self.colors.muted, labelpad=0.08 * self.unit_px * 72 / DPI)
        ax.set_ylabel(ylabel, fontsize=small, color=self.colors.muted, labelpad=0.08 * self.unit_px * 72 / DPI)

    # -- drawing ------------------------------------------------------------------------------------------------

    def frame(self) -> np.ndarray:
        """Draw the present state; returns RGBA uint8 (height, width, 4), valid until the next call."""
        with rc_context(self._style):
            if not self._layers:
                self._freeze()
            first = next((i for i, a in enumerate(self._moving) if a.stale), len(self._moving))
            if self._last is not None and first == len(self._moving):
                return self._last
            renderer = self.canvas.get_renderer()
            self._settle_layer(first, renderer)
            for artist in self._moving[self._layers[-1][0]:]:
                artist.draw(renderer)
            for artist in self._moving:
                artist.stale = False
        self._last = np.asarray(self.canvas.buffer_rgba())
        return self._last

    def _freeze(self) -> None:
        order = {id(a): i for i, a in enumerate(self._moving)}
        self._moving.sort(key=lambda a: (a.axes.zorder if a.axes else 0, a.get_zorder(), order[id(a)]))
        self.canvas.draw()
        self._layers = [(0, self.canvas.copy_from_bbox(self.figure.bbox))]

    def _settle_layer(self, first: int, renderer: Any) -> None:
        """Leave on the canvas the background and the `first` unchanged artists, kept as a layer for next time.

        A few shorter layers stay below it: a change in the middle then redraws from there, not from the background.
        """
        while self._layers[-1][0] > first:
            self._layers.pop()
        count, layer = self._layers[-1]
        self.canvas.restore_region(layer)
        if first > count:
            for artist in self._moving[count:first]:
                artist.draw(renderer)
            self._layers.append((first, self.canvas.copy_from_bbox(self.figure.bbox)))
            if len(self._layers) > MAX_LAYERS:
                del self._layers[1]  # the background, at 0, stays

    # -- layout checks ------------------------------------------------------------------------------------------

    def text_boxes(self, *, least_alpha: float = 0.35) -> list[TextBox]:
        """Every visible text of the present state, axis labels and ticks included, with its pixel box."""
        found = []
        if not self._layers:
            self.frame()  # axis labels and ticks find their places when they are drawn
        with rc_context(self._style):
            renderer = self.canvas.get_renderer()
            for artist in (*self.figure.texts, *(text for axes in self.figure.axes for text in _texts_of(axes))):
                alpha = artist.get_alpha()
                if not artist.get_visible() or not artist.get_text().strip():
                    continue
                if alpha is not None and alpha < least_alpha:
                    continue
                box = artist.get_window_extent(renderer)
                found.append(TextBox(artist.get_text(), (box.x0, box.y0, box.x1, box.y1)))
        return found


def _texts_of(axes: Axes) -> list[Text]:
    """What matplotlib draws as text in these axes: texts, legend, axis labels, and the ticks within the limits."""
    if not axes.get_visible():
        return []
    texts = list(axes.texts)
    legend = axes.get_legend()
    if legend is not None:
        texts += legend.get_texts()
    if not axes.axison:
        return texts
    texts.append(axes.title)
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        if axis.get_visible():
            texts += [axis.label, axis.offsetText]
            for tick in axis.get_major_ticks():
                if min(limits) - 1e-9 <= tick.get_loc() <= max(limits) + 1e-9:
                    texts += [tick.label1, tick.label2]
    return texts


def _wrap(text: str, columns: int, *, math: bool = False, force: bool = False) -> str:
    """Break lines at spaces, never inside a $formula$ of a text that has formulas."""
    kept = re.sub(r"\$[^$\n]+\$", lambda m: m.group().replace(" ", "\u00a0"), text) if math else text
    lines = []
    for line in kept.split("\n"):
        lines += glyphs.wrap(line, columns, force=force) or [""]
    return "\n".join(lines).replace("\u00a0", " ")
