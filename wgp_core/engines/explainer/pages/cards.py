"""Title card, definition and summary: few words, set large."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..layout import Rect
from ..scene import Clock, ease_out, smooth
from .parts import Group, Page, Reading, Spotlight, card, disc, paragraphs

if TYPE_CHECKING:
    from ..stage import Stage


def seed_of(text: str, seed: int) -> int:
    """A number that depends on both, the same in every process."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{text}".encode()).digest()[:8], "big")


@dataclass
class TitleCard(Page):
    """The topic in large letters before a slow, quiet pattern that the text and the seed choose."""

    text: str = ""
    subtitle: str = ""
    seed: int = 0
    opening: bool = True

    def texts(self) -> list[str]:
        return [self.text, self.subtitle]

    def build(self, stage: Stage) -> None:
        rng = np.random.default_rng(seed_of(self.text, self.seed))
        floor = stage.footer.top if self.narration else 0.0  # nothing moves over the caption
        self.motif = (_Waves, _Net, _Orbits)[int(rng.integers(3))](stage, rng, floor)
        area = Rect(stage.safe.x, stage.footer.top, stage.safe.w, stage.safe.top - stage.footer.top)
        landscape = area.landscape
        width = area.w * (0.74 if landscape else 0.94)
        height = area.h * (0.5 if self.subtitle else 0.62)
        bar_w = 0.12
        left = area.x + (0.35 if landscape else 0.1)
        room = Rect(left + 0.45, area.cy - height / 2 + (0.45 if self.subtitle else 0.0), width - 0.5, height)
        words = stage.paragraph(room, "", "hero", weight="bold")
        words.set_fontsize(stage.points("hero", 1.4))
        stage.fit(words, self.text, room)
        tall, _ = stage.block(words)
        self.heading = Group(stage, [words], dx=-0.5, dy=0.0)
        self.bar_rect = Rect(left, room.cy - tall / 2, bar_w, max(tall, 0.6))
        self.bar = stage.moving(card(stage, self.bar_rect, fill="accent", edge="accent", radius=0.05, z=3))
        self.sub: Group | None = None
        if self.subtitle:
            below = room.cy - tall / 2 - 0.25
            self.sub = Group(stage, [stage.paragraph(
                Rect(room.x, max(below - 1.7, area.y), room.w, min(1.7, below - area.y)), self.subtitle, "heading",
                color="muted", va="top")], dx=-0.3, dy=0.0)

    def draw(self, clock: Clock) -> None:
        self.motif.at(clock.t)
        quick = min(0.7, clock.seconds * 0.25) / max(clock.seconds, 1e-6)
        self.heading.show(clock.line(0, quick))
        if self.sub:
            self.sub.show(clock.line(quick * 0.6, quick * 2))
        h = self.bar_rect.h * ease_out(clock.line(0, quick))
        r = 0.05
        self.bar.set_bounds(self.bar_rect.x + r, self.bar_rect.cy - h / 2 + r, self.bar_rect.w - 2 * r,
                            max(h - 2 * r, 0.01))


class _Waves:
    """Slow interfering waves along the lower part of the page."""

    def __init__(self, stage: Stage, rng: np.random.Generator, floor: float) -> None:
        self.xs = np.linspace(-0.2, stage.page.w + 0.2, 160)
        self.lines = []
        for i in range(7):
            tint = f"s{int(rng.integers(6))}" if i == 3 else "faint"
            y = max(floor + 0.7, stage.page.h * 0.04) + stage.page.h * (0.03 if floor else 0.042) * i
            freq = rng.uniform(0.35, 0.9, 2)
            phase = rng.uniform(0, 6.28, 2)
            speed = rng.uniform(0.25, 0.7, 2) * rng.choice([-1, 1], 2)
            line = stage.moving(stage.line(list(self.xs), [0.0] * len(self.xs), color=tint, width=0.045, alpha=0.85,
                                           zorder=0.5))
            self.lines.append((line, y, freq, phase, speed, rng.uniform(0.2, 0.42)))

    def at(self, t: float) -> None:
        for line, y, freq, phase, speed, size in self.lines:
            wave = np.sin(freq[0] * self.xs + phase[0] + speed[0] * t) + 0.6 * np.sin(
                1.7 * freq[1] * self.xs + phase[1] + speed[1] * t)
            line.set_ydata(y + size * wave)


class _Net:
    """Points that drift, joined where they are near each other; denser to the right, away from the words."""

    def __init__(self, stage: Stage, rng: np.random.Generator, floor: float) -> None:
        from matplotlib.collections import LineCollection

        w, h = stage.page.w, stage.page.h
        self.count = int(min(max(w * h / 3.4, 18), 46))
        across = rng.beta(3.6, 1.0, self.count) if w > h else rng.uniform(0, 1, self.count)
        up = rng.uniform(0.03, 0.97, self.count) if w > h else rng.beta(0.5, 0.5, self.count)
        base = floor + 0.5 if floor else 0.0
        self.home = np.stack([across * w, base + up * (h - base)], axis=1)
        self.swing = rng.uniform(0.15, 0.5, (self.count, 2))
        self.speed = rng.uniform(0.25, 0.7, (self.count, 2))
        self.phase = rng.uniform(0, 6.28, (self.count, 2))
        tint = f"s{int(rng.integers(6))}"
        self.dots = stage.moving(stage.ax.plot([], [], "o", color=stage.color(tint), alpha=0.5, zorder=0.6,
                                               ms=stage.line_width(0.11))[0])
        self.lines = stage.moving(LineCollection([], colors=stage.color("faint"), linewidths=stage.line_width(0.03),
                                                 zorder=0.5))
        stage.ax.add_collection(self.lines)

    def at(self, t: float) -> None:
        places = self.home + self.swing * np.sin(self.speed * t + self.phase)
        gaps = np.linalg.norm(places[:, None] - places[None], axis=2)
        a, b = np.nonzero(np.triu(gaps < 2.1, 1))
        self.lines.set_segments(list(np.stack([places[a], places[b]], axis=1)))
        self.lines.set_alpha(np.clip((2.1 - gaps[a, b]) / 0.8, 0, 1) * 0.9)
        self.dots.set_data(places[:, 0], places[:, 1])


class _Orbits:
    """Circles around a point outside the words, with bodies that go round at their own pace."""

    def __init__(self, stage: Stage, rng: np.random.Generator, floor: float) -> None:
        from matplotlib.patches import Circle

        w, h = stage.page.w, stage.page.h
        self.cx, self.cy = (w * 0.95, h * 0.46) if w > h else (w * 0.62, h * 0.03)
        self.floor = floor
        self.rings = []
        for i in range(6):
            r = 1.1 + 1.05 * i
            stage.back.add_patch(Circle((self.cx, self.cy), r, facecolor="none", edgecolor=stage.color("faint"),
                                        linewidth=stage.line_width(0.025), zorder=0.5))
            body = stage.moving(disc(stage, 0, 0, rng.uniform(0.08, 0.17), fill=f"s{int(rng.integers(6))}", z=0.6))
            body.set_alpha(0.75)
            self.rings.append((body, r, rng.uniform(0, 6.28), rng.choice([-1, 1]) * rng.uniform(0.3, 0.8) / r**0.5))

    def at(self, t: float) -> None:
        for body, r, phase, speed in self.rings:
            angle = phase + speed * t
            y = self.cy + r * np.sin(angle)
            body.set_center((self.cx + r * np.cos(angle), y))
            body.set_visible(bool(y > self.floor + 0.2 or not self.floor))


@dataclass
class Definition(Page):
    """A term, and what is said of it, brightening line by line at reading pace."""

    term: str = ""
    text: str = ""

    def texts(self) -> list[str]:
        return [self.term, self.text]

    def build(self, stage: Stage) -> None:
        area = self.area(stage)
        box = area.inset(0.1, min(0.5, area.h * 0.06))
        stage.card(box)
        inner = box.inset(0.6 if area.landscape else 0.4, 0.35)
        side = 0.14
        self.bar = Rect(inner.x, inner.y, side, inner.h)
        stage.card(self.bar, fill="faint", edge="faint", radius=0.06)
        text = Rect(inner.x + 0.5, inner.y, inner.w - 0.5, inner.h)
        scale = 1.3 if len(self.text) < 160 else 1.0
        self.head: Group | None = None
        if not self.term:
            self.reading = Reading(stage, text, self.text, "title", scale=scale)
        else:
            head = stage.paragraph(Rect(text.x, text.y + text.h * 0.68, text.w, text.h * 0.32), self.term, "hero",
                                   color="accent", weight="bold", va="top")
            tall, gap = stage.block(head)[0], 0.3
            low = Rect(text.x, text.y, text.w, text.h - tall - gap)
            self.reading = Reading(stage, low, self.text, "title", va="top", scale=scale)
            lift = (low.h - self.reading.height) / 2  # the two together stand in the middle
            head.set_y(text.top - max(lift, 0.0))
            self.reading.move(-(max(lift, 0.0)))
            self.head = Group(stage, [head], dx=-0.3, dy=0)
        self.mark = stage.moving(card(stage, Rect(self.bar.x, self.bar.y, side, 0.3), fill="accent", edge="accent",
                                      radius=0.06, z=2))

    def draw(self, clock: Clock) -> None:
        if self.head:
            self.head.show(clock.line(0.0, 0.14))
        x = clock.line(0.08, 0.94)
        self.reading.read(x)
        h = max(self.bar.h * smooth(x), 0.3)
        r = 0.06
        self.mark.set_bounds(self.bar.x + r, self.bar.top - h + r, self.bar.w - 2 * r, h - 2 * r)


@dataclass
class Summary(Page):
    """Takeaways that come in one after the other, each ticked off."""

    items: tuple[str, ...] = ()

    def texts(self) -> list[str]:
        return list(self.items)

    def build(self, stage: Stage) -> None:
        area = self.place_more(stage, self.area(stage))
        items = self.items or (self.title,)
        rows = _rows_for(stage, area, items)
        self.groups, self.ticks = [], []
        size = min(0.36, min(row.h for row in rows) * 0.34)
        left = 0.3 + 2 * size + 0.3
        texts = [Rect(row.x + left, row.y + 0.06, row.w - left - 0.25, row.h - 0.12) for row in rows]
        for row, words in zip(rows, paragraphs(stage, texts, items, "title"), strict=True):
            centre = (row.x + 0.3 + size, row.cy)
            ring = disc(stage, *centre, size, fill="paper", edge="faint", z=3)
            self.groups.append(Group(stage, [card(stage, row, radius=0.14), ring, words], dx=0.5, dy=0))
            xs = centre[0] + size * np.array([-0.45, -0.1, 0.5])
            ys = centre[1] + size * np.array([0.0, -0.38, 0.42])
            self.ticks.append((stage.moving(stage.line([], [], color="good", width=0.09, zorder=5)), xs, ys))
        self.light = Spotlight(stage, rows)

    def draw(self, clock: Clock) -> None:
        n = len(self.groups)
        for i, (group, (tick, xs, ys)) in enumerate(zip(self.groups, self.ticks, strict=True)):
            start = 0.3 * i / n
            group.show(clock.line(start, start + 0.12))
            share = 0.92 / n
            _trace(tick, xs, ys, clock.ramp(0.04 + share * (i + 0.15), 0.04 + share * (i + 0.55)))
        self.light.walk(clock.line(0.04, 1.0), clock.ramp(0.06, 0.14))


def _rows_for(stage: Stage, area: Rect, items: tuple[str, ...]) -> list[Rect]:
    """Rows with height by the length of their texts, not taller than needed."""
    per_line = max(area.w / 0.23, 10)
    lines = [max(len(item) / per_line, 1.0) for item in items]
    gap = min(0.28, area.h * 0.03)
    tallest = 1.5 if len(items) > 2 else 2.0
    room = area.h - gap * (len(items) - 1)
    height = min(room, sum(tallest * min(0.55 + 0.45 * n, 4) for n in lines))
    top = area.cy + (height + gap * (len(items) - 1)) / 2
    block = Rect(area.x, top - height - gap * (len(items) - 1), area.w, height + gap * (len(items) - 1))
    return block.rows([0.55 + 0.45 * n for n in lines], gap=gap)


def _trace(line: object, xs: np.ndarray, ys: np.ndarray, x: float) -> None:
    """Show the first part `x` (0..1) of a polyline of three points."""
    if getattr(line, "_traced", None) == x:
        return
    line._traced = x  # type: ignore[attr-defined]
    if x <= 0:
        line.set_data([], [])  # type: ignore[attr-defined]
        return
    lengths = np.hypot(np.diff(xs), np.diff(ys))
    along = np.concatenate([[0], np.cumsum(lengths)]) / lengths.sum()
    keep = along < x
    line.set_data(np.append(xs[keep], np.interp(x, along, xs)),  # type: ignore[attr-defined]
                  np.append(ys[keep], np.interp(x, along, ys)))
