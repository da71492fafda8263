"""Sorting: five algorithms played on bars with their true counts, a race of two, and how the counts grow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..layout import Rect
from ..pieces import Readout, Tiles, blend, extent, minus, rgba, squeeze
from ..scene import Clock, Scene, smooth
from ..stage import Stage
from .base import Subject, Topic


@dataclass(frozen=True)
class Frame:
    """The state after one operation. Items are known by their place in the input.

    `slots[k]` is where item k stands, `lane[k]` is 1 while it lies in merge sort's second row.
    """

    slots: np.ndarray
    lane: np.ndarray
    kind: str
    hot: tuple[int, ...]
    window: tuple[int, int]
    pivot: int
    settled: frozenset[int]
    comparisons: int
    moves: int


class Tape:
    """Values being sorted, with every comparison and move recorded as a `Frame`."""

    def __init__(self, values: Sequence[float]) -> None:
        self.values = list(values)
        self.order = list(range(len(self.values)))
        self.lane = np.zeros(len(self.values))
        self.comparisons = self.moves = 0
        self.window = (0, len(self.values))
        self.pivot = -1
        self.settled: set[int] = set()
        self.frames: list[Frame] = []
        self._spots: dict[int, float] = {}
        self.note("start")

    def note(self, kind: str, *items: int) -> None:
        slots = np.empty(len(self.order))
        slots[self.order] = np.arange(len(self.order))
        for item, spot in self._spots.items():
            slots[item] = spot
        self.frames.append(Frame(slots, self.lane.copy(), kind, items, self.window, self.pivot,
                                 frozenset(self.settled), self.comparisons, self.moves))

    def greater(self, i: int, j: int) -> bool:
        """Whether the value in slot i is greater than that in slot j: one comparison."""
        return self.greater_items(self.order[i], self.order[j])

    def greater_items(self, a: int, b: int) -> bool:
        self.comparisons += 1
        self.note("compare", a, b)
        return self.values[a] > self.values[b]

    def swap(self, i: int, j: int) -> None:
        if i == j:
            return
        self.order[i], self.order[j] = self.order[j], self.order[i]
        self.moves += 1
        self.note("move", self.order[i], self.order[j])

    def merge(self, low: int, middle: int, high: int) -> None:
        """Merge two sorted runs through the second row; every item taken is one move."""
        self.window = (low, high)
        left, right, out = self.order[low:middle], self.order[middle:high], []
        while left or right:
            take_right = bool(right) and (not left or self.greater_items(left[0], right[0]))
            item = (right if take_right else left).pop(0)
            self._spots[item] = low + len(out)
            out.append(item)
            self.lane[item] = 1
            self.moves += 1
            self.note("move", item)
        self.order[low:high] = out
        self._spots.clear()
        self.lane[:] = 0
        self.note("merged", *out)

    def settle(self, slots: Iterable[int]) -> None:
        self.settled |= {self.order[i] for i in slots}

    def finish(self) -> Tape:
        self.window, self.pivot = (0, len(self.order)), -1
        self.settle(range(len(self.order)))
        self.note("done")
        return self


def bubble_sort(tape: Tape) -> None:
    for end in range(len(tape.order) - 1, 0, -1):
        swapped = False
        for i in range(end):
            if tape.greater(i, i + 1):
                tape.swap(i, i + 1)
                swapped = True
        tape.settle([end])
        if not swapped:
            return


def insertion_sort(tape: Tape) -> None:
    for i in range(1, len(tape.order)):
        tape.window = (0, i + 1)
        j = i
        while j > 0 and tape.greater(j - 1, j):
            tape.swap(j - 1, j)
            j -= 1


def selection_sort(tape: Tape) -> None:
    n = len(tape.order)
    for i in range(n - 1):
        tape.window = (i, n)
        least = i
        for j in range(i + 1, n):
            tape.pivot = tape.order[least]
            if tape.greater(least, j):
                least = j
        tape.pivot = tape.order[least]
        tape.swap(i, least)
        tape.settle([i])


def merge_sort(tape: Tape) -> None:
    def sort(low: int, high: int) -> None:
        if high - low > 1:
            middle = (low + high) // 2
            sort(low, middle)
            sort(middle, high)
            tape.merge(low, middle, high)

    sort(0, len(tape.order))


def quick_sort(tape: Tape) -> None:
    """Lomuto partition with the last value as pivot."""

    def sort(low: int, high: int) -> None:
        if high - low < 2:
            tape.settle(range(low, high))
            return
        tape.window, tape.pivot = (low, high), tape.order[high - 1]
        border = low
        for i in range(low, high - 1):
            if tape.greater(high - 1, i):
                tape.swap(border, i)
                border += 1
        tape.swap(border, high - 1)
        tape.settle([border])
        sort(low, border)
        sort(border + 1, high)

    sort(0, len(tape.order))


@dataclass(frozen=True)
class Algorithm:
    """`growth` is its usual cost as a formula; `told` explains it in one sentence."""

    name: str
    run: Callable[[Tape], None] = field(repr=False)
    growth: str
    told: str
    moves: str = "swaps"
    fast: bool = False


ALGORITHMS = {
    "bubble": Algorithm("Bubble sort", bubble_sort, r"grows like $n^2$",
                        "Compare neighbours and swap them if they are out of order: the largest rises to the end."),
    "insertion": Algorithm("Insertion sort", insertion_sort, r"grows like $n^2$",
                           "Take the next value and move it left until everything before it is smaller."),
    "selection": Algorithm("Selection sort", selection_sort, r"grows like $n^2$",
                           "Find the smallest value that is left and swap it to the front of the unsorted part."),
    "merge": Algorithm("Merge sort", merge_sort, r"grows like $n \log n$",
                       "Merge two sorted runs by always taking the smaller front value, then merge longer runs.",
                       moves="moves", fast=True),
    "quick": Algorithm("Quick sort", quick_sort, r"grows like $n \log n$",
                       "Smaller values go left of the pivot, larger ones right; then each side is sorted the same way.",
                       fast=True),
}


def play(name: str, values: Sequence[float]) -> Tape:
    """Sort with the algorithm of that name, recording everything."""
    tape = Tape(values)
    ALGORITHMS[name].run(tape)
    return tape.finish()


class Bars:
    """A tape drawn as bars in a rectangle, with the numbers under them if there are few."""

    def __init__(self, stage: Stage, rect: Rect, tape: Tape, *, two_rows: bool, labels: bool) -> None:
        self.tape = tape
        self.values = np.array(tape.values, dtype=float)
        foot = 0.5 if labels else 0.12
        lanes = rect.rows(2, gap=0.15) if two_rows else [rect]
        self._lanes = [Rect(lane.x, lane.y + foot, lane.w, lane.h - foot) for lane in lanes]
        self._slot = rect.w / len(self.values)
        low, high = min(self.values.min(), 0.0), max(self.values.max(), 0.0)
        self._scale = self._lanes[0].h / max(high - low, 1e-9)
        self._zero = -low * self._scale
        self._tones = {k: rgba(stage, v) for k, v in (("rest", "s0"), ("compare", "accent"), ("move", "bad"),
                                                      ("settled", "good"), ("pivot", "s4"))}
        self._tones["off"] = blend(self._tones["rest"], rgba(stage, "paper"), 0.6)
        self.window = stage.moving(stage.line([], [], color="muted", width=0.06, zorder=2))
        self.tiles = Tiles(stage, self._boxes(self.tape.frames[0].slots, self.tape.frames[0].lane),
                           self._colors(self.tape.frames[0]))
        self.labels = [stage.moving(stage.text(0, 0, minus(f"{v:g}"), "label" if len(self.values) < 15 else "small",
                                               zorder=4)) for v in self.values] if labels else []
        squeeze(stage, self.labels, [label.get_text() for label in self.labels], self._slot * 0.94)
        if any(extent(stage, label, label.get_text())[0] > self._slot for label in self.labels):
            for label in self.labels:
                label.set_visible(False)

    def _boxes(self, slots: np.ndarray, lane: np.ndarray) -> np.ndarray:
        x = self._lanes[0].x + (slots + 0.08) * self._slot
        base = self._base(lane) + np.minimum(self.values, 0) * self._scale
        height = np.maximum(np.abs(self.values) * self._scale, 0.04)
        return np.stack([x, base, np.full(len(x), self._slot * 0.84), height], 1)

    def _base(self, lane: np.ndarray) -> np.ndarray:
        return self._lanes[0].y + self._zero + (self._lanes[-1].y - self._lanes[0].y) * lane

    def _colors(self, frame: Frame) -> np.ndarray:
        low, high = frame.window
        inside = ((frame.slots >= low) & (frame.slots < high))[:, None]
        colors = np.where(inside, self._tones["rest"], self._tones["off"])
        if frame.pivot >= 0:
            colors[frame.pivot] = self._tones["pivot"]
        colors[list(frame.settled)] = self._tones["settled"]
        if frame.kind in ("compare", "move"):
            colors[[k for k in frame.hot if k != frame.pivot or frame.kind == "move"]] = self._tones[frame.kind]
        return colors

    def show(self, i: int, part: float = 1.0) -> Frame:
        """The state between the operations i - 1 and i; returns frame i."""
        now, before = self.tape.frames[i], self.tape.frames[max(i - 1, 0)]
        slots = before.slots + (now.slots - before.slots) * part
        lane = before.lane + (now.lane - before.lane) * part
        self.tiles.place(self._boxes(slots, lane))
        self.tiles.paint(self._colors(now))
        near = now if part >= 0.5 else before  # labels jump, so that they never cross
        xs = self._lanes[0].x + (near.slots + 0.5) * self._slot
        ys = self._base(near.lane) - self._zero - 0.27
        for k, label in enumerate(self.labels):
            if label.get_position() != (xs[k], ys[k]):
                label.set_position((xs[k], ys[k]))
        low, high = now.window
        y = self._lanes[-1].y - (0.56 if self.labels else 0.1)
        ends = [self._lanes[0].x + (low + 0.05) * self._slot, self._lanes[0].x + (high - 0.05) * self._slot]
        if list(self.window.get_xdata()) != ends:
            self.window.set_data(ends, [y, y])
        return now


@dataclass
class Sort(Scene):
    """One algorithm at a pace that can be followed."""

    name: str = "quick"
    values: tuple[float, ...] = (5, 2, 4, 1, 3)

    def build(self, stage: Stage) -> None:
        algorithm = ALGORITHMS[self.name]
        main, side = stage.content.split((2.7, 1), gap=0.45)
        area = Rect(main.x, main.y + 0.2, main.w, main.h - 0.25)
        self.bars = Bars(stage, area, play(self.name, self.values), two_rows=self.name == "merge",
                         labels=len(self.values) <= 16)
        marks = {"quick": ("pivot", "s4"), "selection": ("smallest", "s4")}
        names, tones = ["values", "comparisons", algorithm.moves], ["ink", "accent", "bad"]
        if self.name in marks:
            names.append(marks[self.name][0])
            tones.append(marks[self.name][1])
        self.panel = Readout(stage, side, names, ["00", "000", "000", "00"][:len(names)], formula=algorithm.growth,
                             colors=tones)

    def draw(self, clock: Clock) -> None:
        i, part = clock.index(0.03, 0.93, len(self.bars.tape.frames) - 1)
        frame = self.bars.show(i + 1, smooth(part / 0.85))
        shown = [f"{len(self.values)}", f"{frame.comparisons}", f"{frame.moves}"]
        if len(self.panel.values) == 4:
            shown.append(minus(f"{self.values[frame.pivot]:g}") if frame.pivot >= 0 else "")
        self.panel.show(*shown)


@dataclass
class SortRace(Scene):
    """Two algorithms on the same values, one operation a tick each."""

    names: tuple[str, str] = ("quick", "bubble")
    values: tuple[float, ...] = ()

    def build(self, stage: Stage) -> None:
        self.bars, self.counts = [], []
        for rect, name in zip(stage.content.split(2, gap=0.5), self.names, strict=True):
            head, plot, foot = rect.rows((0.55, rect.h - 1.3, 0.6), gap=0.05)
            stage.text(*head.center, ALGORITHMS[name].name, "body", weight="semibold")
            self.bars.append(Bars(stage, plot, play(name, self.values), two_rows=name == "merge", labels=False))
            self.counts.append(stage.moving(stage.text(*foot.center, "", "label", color="muted")))
        self.longest = max(len(bars.tape.frames) for bars in self.bars)

    def draw(self, clock: Clock) -> None:
        tick = round(clock.line(0.03, 0.9) * (self.longest - 1))
        for bars, text, name in zip(self.bars, self.counts, self.names, strict=True):
            frame = bars.show(min(tick, len(bars.tape.frames) - 1))
            text.set_text(f"{frame.comparisons} comparisons, {frame.moves} {ALGORITHMS[name].moves}")


@dataclass
class Growth(Scene):
    """Comparisons really counted for growing inputs, beside the curves n(n - 1)/2 and n log2 n."""

    names: tuple[str, str] = ("quick", "bubble")
    seed: int = 0
    largest: int = 64

    def build(self, stage: Stage) -> None:
        rng = np.random.default_rng(self.seed)
        self.sizes = np.arange(4, self.largest + 1, 4)
        inputs = [rng.permutation(n).tolist() for n in self.sizes]
        self.counts = {name: np.array([play(name, v).comparisons for v in inputs]) for name in self.names}
        top = self.largest * (self.largest - 1) / 2
        main, side = stage.content.split((2.3, 1), gap=0.4)
        ax = stage.axes(main, xlabel="number of values n", ylabel="comparisons", xlim=(0, self.largest * 1.02),
                        ylim=(0, top * 1.06))
        n = np.linspace(1, self.largest, 120)
        for ys, color in ((n * (n - 1) / 2, "faint"), (n * np.log2(n), "faint")):
            ax.plot(n, ys, color=stage.color(color), lw=stage.line_width(0.06), zorder=1)
        stage.text(self.largest * 0.68, top * 0.6, r"$n(n-1)/2$", "label", color="muted", ha="right", math=True, on=ax)
        stage.text(self.largest, top * 0.32, r"$n\,\log_2 n$", "label", color="muted", ha="right", math=True, on=ax)
        self.marks = {name: stage.moving(ax.plot([], [], "o-", color=stage.color(tone), ms=stage.line_width(0.16),
                                                 lw=stage.line_width(0.045), zorder=3, clip_on=False)[0])
                      for name, tone in zip(self.names, ("s0", "s3"), strict=True)}
        short = [ALGORITHMS[name].name for name in self.names]
        self.panel = Readout(stage, side, ("values n", *short, "ratio"), ("00", "0000", "0000", "00.0 : 1"),
                             colors=("ink", "s0", "s3", "accent"), title="comparisons counted")

    def draw(self, clock: Clock) -> None:
        i, part = clock.index(0.04, 0.9, len(self.sizes) - 1)
        for name, line in self.marks.items():
            ys = self.counts[name]
            tip = ys[i] + (ys[i + 1] - ys[i]) * part
            line.set_data(np.append(self.sizes[:i + 1], self.sizes[i] + (self.sizes[i + 1] - self.sizes[i]) * part),
                          np.append(ys[:i + 1], tip))
        k = i + (1 if part >= 1 else 0)
        a, b = (int(self.counts[name][k]) for name in self.names)
        self.panel.show(f"{self.sizes[k]}", f"{a}", f"{b}", f"{max(a, b) / min(a, b):.1f} : 1")


def _named(topic: Topic) -> list[str]:
    """The algorithms the topic names, in its order."""
    text = topic.text.lower()
    return sorted((name for name in ALGORITHMS if name in text), key=text.find)


def _values(topic: Topic, hero: str) -> tuple[float, ...]:
    """The topic's own numbers if it lists four or more, otherwise seeded ones."""
    listed = topic.numbers.listed()
    if 4 <= len(listed) <= 32:
        return tuple(listed)
    usual = 13 if ALGORITHMS[hero].fast else 9
    count = topic.numbers.before("values", "numbers", "elements", "items", "bars", low=4, high=32, default=usual)
    return tuple(float(v) for v in np.random.default_rng(topic.seed).permutation(np.arange(5, 100))[:int(count)])


def make(topic: Topic) -> list[Scene]:
    named = _named(topic)
    hero = named[0] if named else "quick"
    rival = named[1] if len(named) > 1 else "bubble" if ALGORITHMS[hero].fast else "quick"
    first, second = ALGORITHMS[hero], ALGORITHMS[rival]
    many = np.random.default_rng(topic.seed + 1).permutation(np.arange(1, 29))
    pair = f"{first.name} and {second.name.lower()}"
    return [
        Sort(first.name, first.told, name=hero, values=_values(topic, hero), weight=1.5, min_seconds=4),
        SortRace("A race of two", f"{pair} do one step a tick on the same 28 values.", names=(hero, rival),
                 values=tuple(float(v) for v in many), min_seconds=3),
        Growth("How the work grows", "Double the values: n² gives four times the comparisons, n log n little more "
               "than twice.", names=(hero, rival), seed=topic.seed, priority=2),
    ]


SUBJECT = Subject(
    id="sorting",
    title="Sorting",
    keywords=("sorting", "sort algorithm", "bubble sort", "insertion sort", "selection sort", "merge sort", "mergesort",
              "quick sort", "quicksort", "sorting algorithm"),
    phrases=("how a computer puts numbers in order", "arranging a list from smallest to largest",
             "comparing sorting algorithms by speed"),
    make=make,
)
