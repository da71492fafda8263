"""Binary search: low, middle and high closing in, the race against linear search, and the logarithm behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.text import Text

from ..layout import Rect
from ..pieces import Discs, Readout, Tiles, blend, extent, rgba, tint
from ..scene import Clock, Scene, smooth
from ..stage import Stage
from .base import Subject, Topic


@dataclass(frozen=True)
class Probe:
    """One step: places low..high are open, the middle one is read."""

    low: int
    middle: int
    high: int


def probes(values: Sequence[float], target: float) -> tuple[list[Probe], bool]:
    """Every step of a binary search in sorted `values`, and whether `target` was found."""
    low, high = 0, len(values) - 1
    steps = []
    while low <= high:
        middle = (low + high) // 2
        steps.append(Probe(low, middle, high))
        if values[middle] == target:
            return steps, True
        if values[middle] < target:
            low = middle + 1
        else:
            high = middle - 1
    return steps, False


def worst_case(count: int) -> int:
    """Steps that always suffice among `count` sorted values: floor(log2 n) + 1."""
    return max(int(count).bit_length(), 1)


@dataclass
class Halving(Scene):
    """The array with its pointers, and under it one bar a step: what is still open."""

    values: tuple[float, ...] = ()
    target: float = 0

    def build(self, stage: Stage) -> None:
        self.steps, self.found = probes(self.values, self.target)
        n = len(self.values)
        room = stage.content
        parts = [0.75, 1.2, 1.0, min(max(room.h - 3.5, 1.5), 1.2 * max(len(self.steps), 4))]
        spare = room.h - sum(parts) - 0.36
        goal, array, pointers, log = room.inset(0, max(spare / 2, 0)).rows(parts, gap=0.12)
        self.cell = min(array.w / n, 1.4)
        self.x0 = array.cx - self.cell * n / 2
        height = min(array.h, max(self.cell * 0.95, 0.75))
        self.top = array.y
        boxes = np.array([[self.x0 + (i + 0.05) * self.cell, array.y, self.cell * 0.9, height] for i in range(n)])
        self.tones = {k: rgba(stage, v) for k, v in (("open", "s0"), ("mid", "accent"), ("hit", "good"))}
        self.tones["open"] = blend(rgba(stage, "panel"), self.tones["open"], 0.45)
        self.tones["off"] = rgba(stage, "panel")
        stage.paragraph(goal, f"looking for {self.target:g} among {n} sorted values", "body", color="muted",
                        ha="center")
        self.tiles = Tiles(stage, boxes, self.tones["off"], edge="faint")
        role = "label" if self.cell > 0.62 else "small"
        self.inks = (stage.color("ink"), stage.color("muted"))
        self.numbers = [stage.moving(stage.text(self._x(i), array.y + height / 2, f"{v:g}", role, weight="semibold",
                                                zorder=4)) for i, v in enumerate(self.values)]
        self._build_log(stage, log)
        self._build_pointers(stage, pointers)

    def _x(self, place: float) -> float:
        return self.x0 + (place + 0.5) * self.cell

    def _build_pointers(self, stage: Stage, rect: Rect) -> None:
        self.pointers = {}
        for name, color in (("low", "s5"), ("high", "s4"), ("mid", "accent")):
            mark = stage.moving(stage.ax.plot([], [], marker="^", color=stage.color(color), lw=0,
                                              ms=stage.line_width(0.3), zorder=5)[0])
            text = stage.moving(stage.text(0, rect.y + rect.h * 0.28, name, "label", color=color, weight="semibold",
                                           zorder=5))
            self.pointers[name] = mark, text
        self._pointer_y = rect.top - 0.12

    def _build_log(self, stage: Stage, rect: Rect) -> None:
        rows = rect.rows(max(len(self.steps), 4), gap=0.12)[:len(self.steps)]
        self.bars, self.notes = [], []
        for row, step in zip(rows, self.steps, strict=True):
            h = min(row.h, 0.62)
            left, count = self.x0 + step.low * self.cell, step.high - step.low + 1
            full = np.array([[left, row.cy - h / 2, count * self.cell, h]])
            self.bars.append((Tiles(stage, full, self.tones["open"], zorder=6), full))
            value = self.values[step.middle]
            verdict = "found" if value == self.target else f"{value:g} {'<' if value < self.target else '>'} " \
                f"{self.target:g}: go {'right' if value < self.target else 'left'}"
            note = stage.moving(stage.text(0, row.cy, f"{count} open, {verdict}", "label", zorder=7,
                                           color="good" if value == self.target else "ink"))
            self.notes.append(note)
            self._beside(stage, note, left, left + count * self.cell)

    def _beside(self, stage: Stage, note: Text, left: float, right: float) -> None:
        """Put a note on the roomier side of its bar, or inside where neither side has room."""
        width = extent(stage, note, note.get_text())[0] + 0.35
        room_left, room_right = left - stage.content.x, stage.content.right - right
        if max(room_left, room_right) < width:
            note.set_x((left + right) / 2)
        elif room_right >= room_left:
            note.set(x=right + 0.2, ha="left")
        else:
            note.set(x=left - 0.2, ha="right")

    def draw(self, clock: Clock) -> None:
        i, part = clock.index(0.03, 0.9, len(self.steps))
        step, before = self.steps[i], self.steps[max(i - 1, 0)]
        move = smooth(part / 0.4) if i else 1.0
        spots = {name: getattr(before, key) + (getattr(step, key) - getattr(before, key)) * move
                 for name, key in (("low", "low"), ("high", "high"), ("mid", "middle"))}
        crowded = step.high - step.low < max(2, 1.6 / self.cell)
        read = part > 0.45
        self._paint(step, before, move, read)
        for name, (mark, text) in self.pointers.items():
            x = self._x(spots[name])
            mark.set_data([x], [self._pointer_y])
            text.set_position((x, text.get_position()[1]))
            text.set_text("" if crowded and name != "mid" else name)
        for k, ((tiles, full), note) in enumerate(zip(self.bars, self.notes, strict=True)):
            grown = 0.0 if k > i else 1.0 if k < i else smooth(part / 0.35)
            tiles.place(full * np.array([1, 1, grown, 1]) + np.array([full[0, 2] * (1 - grown) / 2, 0, 0, 0]))
            note.set_visible(k < i or (k == i and read))

    def _paint(self, step: Probe, before: Probe, move: float, read: bool) -> None:
        colors = np.tile(self.tones["off"], (len(self.values), 1))
        colors[before.low:before.high + 1] = blend(self.tones["open"], self.tones["off"], move)
        colors[step.low:step.high + 1] = self.tones["open"]
        hit = read and self.values[step.middle] == self.target
        colors[step.middle] = blend(colors[step.middle], self.tones["hit" if hit else "mid"], 0.75 if read else 0.35)
        self.tiles.paint(colors)
        for k, text in enumerate(self.numbers):
            tint(text, self.inks[0 if step.low <= k <= step.high else 1])


@dataclass
class AgainstLinear(Scene):
    """The same sorted values searched twice: one after the other, and by halving."""

    count: int = 128
    place: int = 90

    def build(self, stage: Stage) -> None:
        self.steps, _ = probes(range(self.count), self.place)
        self.tiles, self.texts = [], []
        self.tones = {k: rgba(stage, v) for k, v in (("open", "s0"), ("off", "panel"), ("mid", "accent"),
                                                     ("hit", "good"))}
        self.tones["open"] = blend(rgba(stage, "paper"), self.tones["open"], 0.55)
        for rect, name in zip(stage.content.split(2, gap=0.6), ("linear search", "binary search"), strict=True):
            head, plot, foot = rect.rows((0.6, rect.h - 1.4, 0.7), gap=0.05)
            stage.text(*head.center, name, "body", weight="semibold")
            self.tiles.append(Tiles(stage, self._cells(plot.inset(0.1)), self.tones["open"]))
            self.texts.append(stage.moving(stage.text(*foot.center, "", "label", weight="semibold")))

    def _cells(self, rect: Rect) -> np.ndarray:
        cols = min((8, 16), key=lambda c: abs(rect.w / c - rect.h / (self.count / c)))
        rows = -(-self.count // cols)
        w, h = rect.w / cols, rect.h / rows
        k = np.arange(self.count)
        return np.stack([rect.x + (k % cols + 0.06) * w, rect.top - (k // cols + 0.94) * h,
                         np.full(len(k), 0.88 * w), np.full(len(k), 0.88 * h)], 1)

    def draw(self, clock: Clock) -> None:
        ticks = int(clock.line(0.03, 0.9) ** 2 * (self.place + 1) + 1e-9)  # one read a tick for both, ever faster
        for k, (read, needed) in enumerate(((ticks, self.place + 1), (min(ticks, len(self.steps)), len(self.steps)))):
            self.tiles[k].paint(self._binary(read) if k else self._linear(read))
            self.texts[k].set_text(f"{read} value{'' if read == 1 else 's'} read{', found' if read == needed else ''}")

    def _linear(self, read: int) -> np.ndarray:
        colors = np.tile(self.tones["open"], (self.count, 1))
        colors[:read] = self.tones["off"]
        if read:
            colors[read - 1] = self.tones["hit" if read > self.place else "mid"]
        return colors

    def _binary(self, done: int) -> np.ndarray:
        colors = np.tile(self.tones["open"], (self.count, 1))
        if done:
            step = self.steps[done - 1]
            colors[:step.low] = colors[step.high + 1:] = self.tones["off"]
            colors[step.middle] = self.tones["hit" if done == len(self.steps) else "mid"]
        return colors


@dataclass
class Logarithm(Scene):
    """Steps in the worst case against the number of values: the stairs under log2."""

    largest: int = 1024

    def build(self, stage: Stage) -> None:
        main, side = stage.content.split((2, 1), gap=0.4)
        ax = stage.axes(main, xlabel="number of values n", ylabel="steps, worst case", xlim=(0, self.largest),
                        ylim=(0, 16))
        n = np.arange(1, self.largest + 1)
        self.curve = n, np.array([worst_case(int(k)) for k in n])
        ax.plot(n, np.log2(n) + 1, color=stage.color("muted"), lw=stage.line_width(0.03), ls=(0, (3, 3)))
        ax.plot([0, 16], [0, 16], color=stage.color("bad"), lw=stage.line_width(0.06))
        stage.text(self.largest * 0.035, 14.6, "linear: n steps", "label", color="bad", ha="left", on=ax)
        stage.text(self.largest * 0.5, 12.4, r"$\log_2 n + 1$", "label", color="muted", math=True, on=ax)
        self.stairs = stage.moving(ax.plot([], [], color=stage.color("s0"), lw=stage.line_width(0.07), zorder=3)[0])
        self.tip = Discs(stage, np.array([[1, 1]]), 0.28, rgba(stage, "accent"), on=ax, zorder=4, edge="paper")
        sizes = (1_000, 1_000_000, 1_000_000_000)
        names = ("n", "steps", "thousand", "million", "billion")
        self.panel = Readout(stage, side, names, ("0000", "00", "00", "00", "00"),
                             colors=("ink", "s0", "accent", "accent", "accent"), title="steps that suffice")
        self.far = [f"{worst_case(size)}" for size in sizes]

    def draw(self, clock: Clock) -> None:
        n = round(2 ** (clock.line(0.03, 0.7) * float(np.log2(self.largest))))
        if len(self.stairs.get_xdata()) != n:
            self.stairs.set_data(self.curve[0][:n], self.curve[1][:n])
        self.tip.place(np.array([[n, self.curve[1][n - 1]]]))
        late = [text if clock.u > 0.72 + 0.07 * k else "" for k, text in enumerate(self.far)]
        self.panel.show(f"{n}", f"{self.curve[1][n - 1]}", *late)


def _task(topic: Topic) -> tuple[tuple[float, ...], float]:
    """The sorted values and the target: from the topic where it gives them, else 15 values that take every step."""
    rng = np.random.default_rng(topic.seed)
    listed = topic.numbers.listed()
    asked = topic.numbers.after("for", "find", "target", low=-1e6, high=1e6, default=float("nan"))
    if 5 <= len(listed) <= 20:
        rest = listed[1:] if listed[0] == asked and listed.count(asked) == 1 and len(listed) > 5 else listed
        values = tuple(sorted(set(rest)))
        return values, values[-2] if np.isnan(asked) else asked
    values = np.sort(rng.choice(np.arange(2, 98), 15, replace=False))
    if not np.isnan(asked) and 0 <= asked <= 99 and asked == int(asked):
        if asked not in values:
            values[int(np.argmin(np.abs(values - asked)))] = int(asked)
        return tuple(float(v) for v in np.sort(values)), asked
    return tuple(float(v) for v in values), float(values[int(rng.choice([4, 6, 8, 10, 12]))])


def make(topic: Topic) -> list[Scene]:
    values, target = _task(topic)
    place = int(np.random.default_rng(topic.seed + 1).integers(70, 118))
    return [
        Halving("Binary search", "Read the middle value: each look throws away half of what is still open.",
                values=values, target=target, weight=1.3, min_seconds=3),
        AgainstLinear("Against linear search", "Both read one value a tick. Among 128 values, halving never needs more "
                      "than eight.", place=place),
        Logarithm("Why it is so fast", "Doubling the number of values costs only one more step.", priority=2),
    ]


SUBJECT = Subject(
    id="binary-search",
    title="Binary search",
    keywords=("binary search", "bisection search", "half-interval search"),
    phrases=("finding a name in a phone book by halving", "guessing a number by asking higher or lower",
             "searching a sorted list quickly"),
    make=make,
)
