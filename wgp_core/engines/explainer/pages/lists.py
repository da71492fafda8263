"""Steps, comparison and timeline: items in an order, shown one after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from ..layout import Rect
from ..scene import Clock, mix, smooth
from .parts import Group, Page, Spotlight, blend, card, disc, paragraphs
from .patterns import year_of

if TYPE_CHECKING:
    from ..stage import Stage


@dataclass
class Steps(Page):
    """Numbered cards joined by arrows; a token walks from card to card."""

    items: tuple[str, ...] = ()
    start: int = 1

    def texts(self) -> list[str]:
        return list(self.items)

    def build(self, stage: Stage) -> None:
        self.stage = stage
        area = self.place_more(stage, self.area(stage))
        items = self.items or (self.title,)
        self.places = _grid(area, len(items), max(map(len, items)))
        self.groups, self.badges, self.arrows = [], [], []
        rooms, middles = [], []
        for rect in self.places:
            flat = rect.h < 1.5 or rect.w > rect.h * 1.6
            size = min(0.46, rect.h * 0.3, rect.w * 0.2)
            centre = (rect.x + 0.25 + size, rect.cy) if flat else (rect.x + 0.28 + size, rect.top - 0.28 - size)
            room = (Rect(centre[0] + size + 0.28, rect.y + 0.1, rect.right - centre[0] - size - 0.54, rect.h - 0.2)
                    if flat else Rect(rect.x + 0.28, rect.y + 0.2, rect.w - 0.56, centre[1] - size - rect.y - 0.4))
            rooms.append(room)
            middles.append((*centre, size))
        written = paragraphs(stage, rooms, items, "title", scale=1.15, va="center" if flat else "top")
        for i, (rect, (x, y, size), words) in enumerate(zip(self.places, middles, written, strict=True)):
            box = card(stage, rect)
            badge = disc(stage, x, y, size, fill="faint", z=3)
            number = stage.text(x, y, str(self.start + i), "heading", weight="bold", zorder=4)
            self.groups.append(Group(stage, [box, badge, number, words]))
            self.badges.append((badge, number))
        for a, b in pairwise(self.places):
            self.arrows.append(Group(stage, _joint(stage, a, b), dy=0))
        self.light = Spotlight(stage, self.places)

    def draw(self, clock: Clock) -> None:
        n = len(self.groups)
        place = self.light.walk(clock.line(0.04, 1.0), clock.ramp(0.04, 0.12))
        for i, group in enumerate(self.groups):
            begin = 0.02 + 0.34 * i / n
            group.show(clock.line(begin, begin + 0.12))
            if i:
                self.arrows[i - 1].show(clock.line(begin, begin + 0.1))
            lit = smooth(place - i + 1)
            badge, number = self.badges[i]
            shade = blend(self.stage, "faint", "accent", lit)
            if badge.get_facecolor()[:3] != shade:
                badge.set_facecolor(shade)
                badge.set_edgecolor(shade)
                number.set_color(blend(self.stage, "ink", "paper", lit))


def _grid(area: Rect, count: int, longest: int) -> list[Rect]:
    """Where the cards go: a list in portrait or for long texts, else one or two rows read left to right."""
    wide = area.w / area.h
    if wide < 0.95 or (longest > 110 and count > 2) or longest > 200:
        gap = min(0.42, area.h * 0.06)
        rows = area.rows(count, gap)
        tall = min(rows[0].h, 1.9 if longest < 110 else 9)
        if tall < rows[0].h:
            block = tall * count + gap * (count - 1)
            rows = Rect(area.x, area.cy - block / 2, area.w, block).rows(count, gap)
        return rows
    across = count if count <= 3 or (count == 4 and wide > 2.3 and longest < 18) else math.ceil(count / 2)
    lines = math.ceil(count / across)
    tall = min(area.h, (3.0 if longest < 45 else 3.9) * lines + 0.62 * (lines - 1))
    area = Rect(area.x, area.cy - tall / 2, area.w, tall)
    out: list[Rect] = []
    for row in area.rows(lines, gap=0.62):
        out.extend(row.columns(across, gap=0.62))
    if count < len(out):  # an odd last row: the same width, centred
        left = count - across * (lines - 1)
        shift = (area.w - (out[0].w * left + 0.62 * (left - 1))) / 2
        out = out[:across * (lines - 1)] + [Rect(r.x + shift, r.y, r.w, r.h) for r in
                                            out[across * (lines - 1):across * (lines - 1) + left]]
    return out[:count]


def _joint(stage: Stage, a: Rect, b: Rect) -> list[Any]:
    """The arrow from card `a` to the next one, in the gap between them; round the corner at the end of a row."""
    if abs(a.cy - b.cy) < 0.01:
        return [stage.arrow((a.right + 0.08, a.cy), (b.x - 0.08, b.cy), head=0.22)]
    if abs(a.cx - b.cx) < 0.01:
        return [stage.arrow((a.cx, a.y - 0.05), (b.cx, b.top + 0.05), head=min(0.22, (a.y - b.top) * 0.5))]
    middle = (a.y + b.top) / 2
    bend = stage.line([a.cx, a.cx, b.cx], [a.y - 0.05, middle, middle], color="muted", width=0.045, zorder=2)
    return [bend, stage.arrow((b.cx, middle + 0.02), (b.cx, b.top + 0.04), head=min(0.22, (a.y - b.top) * 0.4))]


@dataclass
class Comparison(Page):
    """Two columns; points come in pairs, and a frame goes down the pairs."""

    left: str = ""
    right: str = ""
    rows: tuple[tuple[str, str], ...] = ()

    def texts(self) -> list[str]:
        return [self.left, self.right, *(text for row in self.rows for text in row)]

    def build(self, stage: Stage) -> None:
        area = self.place_more(stage, self.area(stage))
        rows = self.rows or ((" ", " "),)
        head_h = min(1.05, area.h * 0.2)
        weights = [1.0 + min(max(len(a), len(b)), 400) / (90 if area.landscape else 40) for a, b in rows]
        gap = min(0.26, area.h * 0.03)
        tall = min(area.h - head_h - gap, sum(1.3 + weight * 0.6 for weight in weights) + gap * (len(rows) - 1))
        bottom = area.y + (area.h - head_h - gap - tall) / 2
        body = Rect(area.x, bottom, area.w, tall)
        head = Rect(area.x, body.top + gap, area.w, head_h)
        self.heads = []
        columns = head.columns(2, 0.4)
        titles = paragraphs(stage, [r.inset(0.25, 0.08) for r in columns], (self.left, self.right), "title",
                            ha="center")
        for rect, words, tint, dx in zip(columns, titles, ("s0", "s1"), (-0.6, 0.6), strict=True):
            words.set(color=stage.color(tint), fontweight="bold")
            if stage.width_of(words) > rect.w - 0.3:
                stage.fit(words, words.get_text().replace("\n", " "), rect.inset(0.2, 0.06))
            self.heads.append(Group(stage, [card(stage, rect, edge=tint, line=0.045), words], dx=dx, dy=0))
        frames = body.rows(weights, gap)
        cells = [cell for row in frames for cell in row.columns(2, 0.4)]
        written = paragraphs(stage, [cell.inset(0.25, 0.1) for cell in cells], [text for row in rows for text in row],
                             "title", ha="center")
        sides = [Group(stage, [card(stage, cell), words], dx=-0.4 if i % 2 == 0 else 0.4, dy=0)
                 for i, (cell, words) in enumerate(zip(cells, written, strict=True))]
        self.pairs = [sides[i:i + 2] for i in range(0, len(sides), 2)]
        self.light = Spotlight(stage, frames, grow=min(0.08, gap * 0.4))

    def draw(self, clock: Clock) -> None:
        for i, head in enumerate(self.heads):
            head.show(clock.line(0.02 * i, 0.12 + 0.02 * i))
        n = len(self.pairs)
        for i, sides in enumerate(self.pairs):
            begin = 0.1 + 0.4 * i / n
            for j, side in enumerate(sides):
                side.show(clock.line(begin + 0.03 * j, begin + 0.12 + 0.03 * j))
        self.light.walk(clock.line(0.12, 1.0), clock.ramp(0.14, 0.2))


@dataclass
class Timeline(Page):
    """Dated events on a line to scale; a bead travels and each event comes in as it passes."""

    events: tuple[tuple[str, str], ...] = ()

    def texts(self) -> list[str]:
        return [text for event in self.events for text in event]

    def build(self, stage: Stage) -> None:
        self.stage = stage
        area = self.place_more(stage, self.area(stage))
        events = self.events or (("", self.title),)
        self.flat = area.w > area.h * 1.15
        line = Rect(area.x + 0.3, area.cy, area.w - 0.6, 0) if self.flat else Rect(area.x + 0.35, area.y + 0.2, 0,
                                                                                  area.h - 0.4)
        spots = _spots([year_of(date) for date, _ in events])
        self.ends = ((line.x, line.y, line.right, line.y) if self.flat else (line.x, line.top, line.x, line.y))
        x0, y0, x1, y1 = self.ends
        stage.back.plot([x0, x1], [y0, y1], color=stage.color("faint"), lw=stage.line_width(0.07),
                        solid_capstyle="round", zorder=1)
        self.done = stage.moving(stage.line([x0, x0], [y0, y0], color="accent", width=0.08, zorder=2))
        cards = _event_cards(area, len(events), self.flat)
        self.groups, self.spots = [], spots
        line_h = stage.line_height("heading")
        heads = [Rect(r.x + 0.22, r.top - 0.1 - line_h, r.w - 0.44, line_h) for r in cards]
        rooms = [Rect(r.x + 0.22, r.y + 0.1, r.w - 0.44, r.h - 0.2 - (line_h + 0.04 if date else 0))
                 for r, (date, _) in zip(cards, events, strict=True)]
        written = paragraphs(stage, rooms, [text for _, text in events], "heading", va="top")
        for i, ((date, _), spot, rect) in enumerate(zip(events, spots, cards, strict=True)):
            tint = f"s{i % 6}"
            artists = [*self._thread(stage, (mix(x0, x1, spot), mix(y0, y1, spot)), rect, tint), written[i]]
            if date:
                artists.append(stage.paragraph(heads[i], date, "heading", color=tint, weight="bold"))
            self.groups.append(Group(stage, artists, dx=0, dy=0.2 if self.flat and i % 2 else -0.2))
        self.bead = stage.moving(disc(stage, x0, y0, 0.17, fill="accent", edge="paper", z=6))

    def _thread(self, stage: Stage, at: tuple[float, float], rect: Rect, tint: str) -> list[Any]:
        """The event's card, its dot on the line, and the thread between them."""
        if self.flat:
            near = rect.y if rect.cy > at[1] else rect.top
            x = min(max(at[0], rect.x + 0.25), rect.right - 0.25)
            bend = at[1] + (near - at[1]) * 0.5
            xs, ys = [at[0], at[0], x, x], [at[1], bend, bend, near]
        else:
            y = min(max(at[1], rect.y + 0.15), rect.top - 0.15)
            bend = at[0] + (rect.x - at[0]) * 0.5
            xs, ys = [at[0], bend, bend, rect.x], [at[1], at[1], y, y]
        return [stage.line(xs, ys, color=tint, width=0.03, zorder=1.5), card(stage, rect),
                disc(stage, *at, 0.13, fill=tint, edge="paper", z=5)]

    def draw(self, clock: Clock) -> None:
        x = clock.ramp(0.02, 0.9)
        x0, y0, x1, y1 = self.ends
        px, py = mix(x0, x1, x), mix(y0, y1, x)
        self.done.set_data([x0, px], [y0, py])
        self.bead.set_center((px, py))
        self.bead.set_radius(0.17 + 0.03 * math.sin(clock.t * 4.0))
        for group, spot in zip(self.groups, self.spots, strict=True):
            group.show(min(max((x - spot + 0.05) / 0.1, 0.0), 1.0))


def _spots(years: list[float | None]) -> list[float]:
    """Places 0..1 on the line: to scale where all years are known and in order, else evenly."""
    n = len(years)
    known = [year for year in years if year is not None]
    if len(known) == n and n > 1 and all(a <= b for a, b in pairwise(known)):
        span = known[-1] - known[0]
        if span > 0:
            return [0.06 + 0.86 * (year - known[0]) / span for year in known]
    return [0.5] if n == 1 else [0.06 + 0.86 * i / (n - 1) for i in range(n)]


def _event_cards(area: Rect, count: int, flat: bool) -> list[Rect]:
    """Cards above and below a level line in turn, or in rows beside an upright one."""
    if not flat:
        rows = Rect(area.x + 1.0, area.y, area.w - 1.0, area.h).rows(count, min(0.3, area.h * 0.03))
        tall = min(rows[0].h, 2.6)
        return [Rect(r.x, r.cy - tall / 2, r.w, tall) for r in rows]
    gap = 0.55
    half = min(area.h / 2 - gap, 2.5)
    upper = Rect(area.x, area.cy + gap, area.w, half)
    lower = Rect(area.x, area.cy - gap - half, area.w, half)
    if count == 1:
        return [Rect(area.cx - area.w * 0.3, upper.y, area.w * 0.6, half)]
    width = area.w * 2 / (count + 1) - 0.3
    out = []
    for i in range(count):
        centre = area.x + (width / 2) + (area.w - width) * i / (count - 1)
        row = upper if i % 2 == 0 else lower
        out.append(Rect(centre - width / 2, row.y, width, row.h))
    return out
