"""What pages are put together from: a base class, groups that fade and slide in, cards that move, lines read in turn.

Everything here positions in stage units and keeps to the rule that a frame is a pure function of the clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..layout import Rect
from ..scene import Scene, ease_out, mix

if TYPE_CHECKING:
    from ..stage import Stage

READ_CHARS_PER_S = 17.0
"""Comfortable reading speed of captions; common subtitling guidelines ask for at most 17 characters a second."""


@dataclass
class Page(Scene):
    """A scene made from a text. `more` items were left out for want of time or room, and the page says so.

    `opening` marks a title page; `note` is something to tell the person about the plan.
    """

    more: int = 0
    opening: bool = False
    note: str = ""

    def __getstate__(self) -> dict[str, Any]:
        """Plain data only: artists stay behind when a scene is sent to another process."""
        return {key: value for key, value in self.__dict__.items() if key in self.__dataclass_fields__}

    def texts(self) -> list[str]:
        """Every text of the page that must be read, without title and caption."""
        return []

    def reading_s(self) -> float:
        """Seconds in which title, page and caption can be read."""
        return sum(len(text) for text in (self.title, self.narration, *self.texts())) / READ_CHARS_PER_S

    def area(self, stage: Stage) -> Rect:
        """The room for content: down to the caption, or to the margin where there is none."""
        content = stage.content
        if self.narration:
            return Rect(content.x, content.y + 0.05, content.w, content.h - 0.1)
        bottom = stage.safe.y + (max(0.34, stage.line_height("small")) + 0.12 if self.source else 0.1)
        return Rect(content.x, bottom, content.w, content.top - bottom - 0.05)

    def place_more(self, stage: Stage, area: Rect) -> Rect:
        """Say how many items are missing, and return the room that is left."""
        if not self.more:
            return area
        low = max(stage.line_height("small"), 0.4)
        stage.text(area.right, area.y + low / 2, f"+ {self.more} more", "small", color="muted", ha="right")
        return Rect(area.x, area.y + low, area.w, area.h - low)


class Group:
    """Artists that appear together: `show(x)` fades them in and slides them by (dx, dy) stage units."""

    def __init__(self, stage: Stage, artists: Iterable[Any], *, dx: float = 0.0, dy: float = -0.22,
                 least: float = 0.0) -> None:
        from matplotlib.artist import Artist
        from matplotlib.transforms import Affine2D

        self.artists = [stage.moving(artist) for artist in artists]
        self.dx, self.dy, self.least = dx, dy, least
        self.shift = Affine2D()
        self._base: list[float] = []
        for artist in self.artists:
            self._base.append(1.0 if artist.get_alpha() is None else artist.get_alpha())
            if dx or dy:
                artist.set_transform(self.shift + Artist.get_transform(artist))
        self._last: float | None = None
        self.show(0.0)

    def show(self, x: float) -> None:
        """`x` from 0 (hidden) to 1 (in place)."""
        if x == self._last:
            return
        self._last = x
        away = 1 - ease_out(x)
        self.shift.clear().translate(self.dx * away, self.dy * away)
        for artist, base in zip(self.artists, self._base, strict=True):
            artist.set_visible(x > 0 or self.least > 0)
            artist.set_alpha(base * mix(self.least, 1.0, min(x * 1.25, 1.0)))
            artist.stale = True


def paragraphs(stage: Stage, rects: Sequence[Rect], texts: Sequence[str], role: str, *, ha: str = "left",
               va: str = "center", scale: float = 1.0) -> list[Any]:
    """Texts in their rectangles, all in one size: the size of the one that needs most room, but never below 70 % of
    the largest."""
    from ..theme import TEXT_UNITS

    artists = []
    for rect, text in zip(rects, texts, strict=True):
        artist = stage.paragraph(rect, "", role, ha=ha, va=va)
        artist.set_fontsize(stage.points(role, scale))
        stage.fit(artist, text, rect)
        artists.append(artist)
    sizes = [artist.get_fontsize() for artist in artists]
    common = max(min(sizes), max(sizes) * 0.7, stage.points(role, min(0.27 / TEXT_UNITS[role], 1.0)))
    for artist, rect, text in zip(artists, rects, texts, strict=True):
        if artist.get_fontsize() > common:
            artist.set_fontsize(common)
            stage.fit(artist, text, rect)
    return artists


def card(stage: Stage, rect: Rect, *, fill: str = "panel", edge: str = "faint", radius: float = 0.16,
         line: float = 0.03, z: float = 1.0) -> Any:
    """As `stage.card`, on the front page so that it can move."""
    from matplotlib.patches import FancyBboxPatch

    r = min(radius, rect.w / 2.01, rect.h / 2.01)
    return stage.ax.add_patch(FancyBboxPatch(
        (rect.x + r, rect.y + r), rect.w - 2 * r, rect.h - 2 * r, boxstyle=f"round,pad={r},rounding_size={r}",
        facecolor=stage.color(fill), edgecolor=stage.color(edge), linewidth=stage.line_width(line), zorder=z))


def disc(stage: Stage, x: float, y: float, r: float, *, fill: str = "accent", edge: str | None = None,
         z: float = 3.0) -> Any:
    from matplotlib.patches import Circle

    return stage.ax.add_patch(Circle((x, y), r, facecolor=stage.color(fill), edgecolor=stage.color(edge or fill),
                                     linewidth=stage.line_width(0.03), zorder=z))


def blend(stage: Stage, a: str, b: str, x: float) -> tuple[float, float, float]:
    """A colour between two named ones."""
    from matplotlib.colors import to_rgb

    first, second = to_rgb(stage.color(a)), to_rgb(stage.color(b))
    return (mix(first[0], second[0], x), mix(first[1], second[1], x), mix(first[2], second[2], x))


class Spotlight:
    """A frame that glides from one rectangle to the next, so that the eye knows what is spoken of."""

    def __init__(self, stage: Stage, rects: Sequence[Rect], *, color: str = "accent", grow: float = 0.0) -> None:
        self.rects = [Rect(r.x - grow, r.y - grow, r.w + 2 * grow, r.h + 2 * grow) for r in rects]
        self.radius = min([0.16, *(min(r.w, r.h) / 2.01 for r in self.rects)])
        self.patch = stage.moving(card(stage, self.rects[0], fill="none", edge=color, line=0.055, z=4,
                                       radius=self.radius))
        self.bar = stage.moving(stage.line([0, 0], [0, 0], color=color, width=0.07, zorder=4.1))
        self._last: tuple[float, ...] | None = None

    def at(self, place: float, alpha: float, part: float = 0.0) -> None:
        """`place` is an index, fractions lie between two neighbours; `alpha` 0 hides it; `part` of the time for this
        item has passed, which a line along the foot shows."""
        low = min(max(int(place), 0), len(self.rects) - 1)
        high = min(low + 1, len(self.rects) - 1)
        a, b, x = self.rects[low], self.rects[high], min(max(place - low, 0.0), 1.0)
        box = (mix(a.x, b.x, x), mix(a.y, b.y, x), mix(a.w, b.w, x), mix(a.h, b.h, x))
        if (*box, alpha, part) == self._last:
            return
        self._last = (*box, alpha, part)
        r = self.radius
        self.patch.set_visible(alpha > 0)
        self.patch.set_bounds(box[0] + r, box[1] + r, box[2] - 2 * r, box[3] - 2 * r)
        self.patch.set_alpha(alpha)
        self.bar.set_visible(alpha > 0 and part > 0)
        left, y = box[0] + r * 1.5, box[1] + 0.1
        self.bar.set_data([left, left + (box[2] - 3 * r) * part], [y, y])
        self.bar.set_alpha(alpha * 0.8)

    def walk(self, x: float, alpha: float) -> float:
        """Visit all in turn while `x` goes from 0 to 1; returns the place."""
        count = len(self.rects)
        place = glide(x, count)
        turn = min(max(x, 0.0), 1.0) * count
        part = min((turn - min(int(turn), count - 1)) / (DWELL if int(turn) < count - 1 else 1.0), 1.0)
        self.at(place, alpha, part if place == int(place) else 0.0)
        return place


DWELL = 0.72


def glide(x: float, count: int, dwell: float = DWELL) -> float:
    """A place 0..count-1 for x 0..1 that rests `dwell` of each turn on an item and then moves on, eased."""
    from ..scene import smooth

    if count < 2:
        return 0.0
    turn = min(max(x, 0.0), 1.0) * count
    i = min(int(turn), count - 1)
    return min(i + smooth((turn - i - dwell) / (1 - dwell)), count - 1.0)


class Reading:
    """A paragraph set line by line, each line brightening in its turn, at the pace of reading."""

    def __init__(self, stage: Stage, rect: Rect, text: str, role: str = "body", *, va: str = "center",
                 scale: float = 1.0) -> None:
        whole = stage.paragraph(rect, "", role, va=va)
        whole.set_fontsize(stage.points(role, scale))
        stage.fit(whole, text, rect)
        lines = whole.get_text().split("\n")
        self.height, step = stage.block(whole)
        size = whole.get_fontsize()
        whole.remove()
        top = {"top": rect.top, "center": rect.cy + self.height / 2, "bottom": rect.y + self.height}[va]
        first = self.height - step * (len(lines) - 1)
        self.lengths = [max(len(line), 1) for line in lines]
        self.groups, self.lines = [], []
        for i, line in enumerate(lines):
            artist = stage.text(rect.x, top - first * 0.8 - step * i, line, role, ha="left", va="baseline")
            artist.set_fontsize(size)
            self.lines.append(artist)
            self.groups.append(Group(stage, [artist], dy=0.0, least=0.45))

    def move(self, dy: float) -> None:
        for line in self.lines:
            line.set_y(line.get_position()[1] + dy)

    def read(self, x: float) -> None:
        """How much has been read, 0..1."""
        at = x * sum(self.lengths)
        for group, length in zip(self.groups, self.lengths, strict=True):
            group.show(min(max(at / (0.4 * length), 0.0), 1.0))
            at -= length
