"""k-means: Lloyd's two steps with Voronoi cells, the elbow that chooses k, and why the start matters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba

from ..layout import Rect
from ..parts import between, dots, num
from ..pieces import Readout
from ..scene import Clock, Scene, smooth
from ..stage import Stage
from .base import Subject, Topic

WIDTH, HEIGHT = 10.0, 7.0
MAX_K = 8


@dataclass(frozen=True)
class Run:
    """One run of Lloyd's algorithm: before iteration i the centres are `centers[i]` (k, 2), and the points are
    then assigned by `labels[i]` (n,) with the sum of squared distances `inertias[i]`."""

    centers: tuple[np.ndarray, ...]
    labels: tuple[np.ndarray, ...]
    inertias: tuple[float, ...]

    @property
    def iterations(self) -> int:
        return len(self.labels)


def assign(points: np.ndarray, centers: np.ndarray) -> tuple[np.ndarray, float]:
    """The nearest centre of every point (n,), and the sum of the squared distances to them."""
    distance = ((points[:, None] - centers[None]) ** 2).sum(-1)
    labels = distance.argmin(1)
    return labels, float(distance[np.arange(len(points)), labels].sum())


def lloyd(points: np.ndarray, centers: np.ndarray, limit: int = 14) -> Run:
    """Assign, move every centre to the mean of its points, repeat until nothing changes."""
    kept, all_labels, inertias = [np.array(centers, float)], [], []
    while len(all_labels) < limit:
        labels, inertia = assign(points, kept[-1])
        all_labels.append(labels)
        inertias.append(inertia)
        moved = np.array([points[labels == j].mean(0) if (labels == j).any() else kept[-1][j]
                          for j in range(len(centers))])
        if np.allclose(moved, kept[-1]):
            break
        kept.append(moved)
    return Run(tuple(kept), tuple(all_labels), tuple(inertias))


def blobs(rng: np.random.Generator, k: int, each: int = 30) -> np.ndarray:
    """`k` groups of points that keep some distance from each other, within the 10 x 7 field."""
    centers: list[np.ndarray] = []
    apart = 3.2 if k <= 4 else 2.3
    while len(centers) < k:
        spot = rng.uniform((1.3, 1.1), (WIDTH - 1.3, HEIGHT - 1.1))
        if all(np.linalg.norm(spot - c) > apart for c in centers):
            centers.append(spot)
        apart *= 0.999
    points = np.vstack([rng.normal(c, 0.62 if k <= 4 else 0.48, (each, 2)) for c in centers])
    return np.clip(points, (0.2, 0.2), (WIDTH - 0.2, HEIGHT - 0.2))


def starts(points: np.ndarray, k: int, rng: np.random.Generator, tries: int = 24) -> list[Run]:
    """Runs from `tries` random sets of k points, best first."""
    runs = [lloyd(points, points[rng.choice(len(points), k, replace=False)]) for _ in range(tries)]
    return sorted(runs, key=lambda run: run.inertias[-1])


def instructive(runs: Sequence[Run]) -> Run:
    """The longest of the runs that end (nearly) as well as the best one: more to see, same answer."""
    good = [run for run in runs if run.inertias[-1] <= runs[0].inertias[-1] * 1.001]
    return max(good, key=lambda run: run.iterations)


def voronoi(centers: np.ndarray) -> list[np.ndarray]:
    """The cell of every centre, as a polygon clipped to the field."""
    cells = []
    for i, center in enumerate(centers):
        cell = np.array([(0, 0), (WIDTH, 0), (WIDTH, HEIGHT), (0, HEIGHT)], float)
        for j, other in enumerate(centers):
            if i != j and len(cell) and not np.array_equal(center, other):
                cell = _nearer(cell, center, other)
        cells.append(cell if len(cell) else center[None].repeat(3, 0))
    return cells


def _nearer(cell: np.ndarray, center: np.ndarray, other: np.ndarray) -> np.ndarray:
    """The part of a convex polygon that is nearer to `center` than to `other` (Sutherland-Hodgman)."""
    normal, middle = other - center, (center + other) / 2
    side = (cell - middle) @ normal
    kept = []
    for a, b, sa, sb in zip(cell, np.roll(cell, -1, 0), side, np.roll(side, -1), strict=True):
        if sa <= 0:
            kept.append(a)
        if sa * sb < 0:
            kept.append(a + (b - a) * sa / (sa - sb))
    return np.array(kept)


class Plane:
    """The field with cells, coloured points and centres: all that the scenes draw of one state."""

    def __init__(self, stage: Stage, rect: Rect, points: np.ndarray, k: int, *, small: bool = False) -> None:
        self.points = points
        ax = self.ax = stage.axes(rect, xlim=(0, WIDTH), ylim=(0, HEIGHT), ticks=False, frame=False,
                                  equal=True)
        tints = [to_rgba(stage.color(f"s{j}")) for j in range(6)]
        more = ("s3", "s4"), ("s1", "s2"), ("s0", "s4"), ("s2", "s5")
        tints += [to_rgba(between(stage, a, b, 0.5)) for a, b in more]
        self.tints = np.array(tints)
        self.plain = np.array(to_rgba(stage.color("muted")))
        pale = self.tints[:k].copy()
        pale[:, 3] = 0.17
        self.cells = stage.moving(PolyCollection([], facecolors=pale, edgecolors=stage.color("paper"),
                                                 linewidths=stage.line_width(0.04), zorder=1))
        ax.add_collection(self.cells, autolim=False)
        size = 0.13 if small else 0.16
        self.dots = stage.moving(ax.scatter(*points.T, s=stage.line_width(size) ** 2, facecolors=[self.plain],
                                            linewidths=0, zorder=2))
        ring = 0.34 if small else 0.46
        self.marks = stage.moving(ax.scatter([0] * k, [0] * k, s=stage.line_width(ring) ** 2, marker="X",
                                             facecolors=self.tints[:k], edgecolors=stage.color("ink"),
                                             linewidths=stage.line_width(0.045), zorder=4))
        self._seen: tuple[bytes, bytes] = b"", b""

    def show(self, centers: np.ndarray, labels: np.ndarray, *, cells: bool = True) -> None:
        """`labels` of -1 are drawn grey."""
        seen = centers.tobytes(), labels.tobytes()
        if seen[0] != self._seen[0]:
            self.marks.set_offsets(centers)
            if cells:
                self.cells.set_verts(voronoi(centers))
        if seen[1] != self._seen[1]:
            self.dots.set_facecolor(np.where((labels < 0)[:, None], self.plain, self.tints[labels]))
        self._seen = seen


def state(run: Run, step: int, part: float, order: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Centres, labels and inertia inside iteration `step`: points are assigned one by one in `order`, then the
    centres glide to their means. The inertia is that of the centres and labels shown."""
    centers, labels = run.centers[step], run.labels[step]
    before = run.labels[step - 1] if step else np.full(len(labels), -1)
    done = order < smooth(part / 0.45) * len(order)
    shown = np.where(done | (part >= 0.45), labels, before)
    if part > 0.5 and step + 1 < len(run.centers):
        centers = centers + (run.centers[step + 1] - centers) * smooth((part - 0.5) / 0.45)
    return centers, shown, step


@dataclass
class Iterations(Scene):
    """Assignment and update in turn, with the inertia of every iteration."""

    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    run: Run = field(default_factory=lambda: Run((), (), ()))

    def build(self, stage: Stage) -> None:
        run = self.run
        self.plane_rect, side = stage.content.split((1.75, 1), gap=0.4)
        self.plane = Plane(stage, self.plane_rect, self.points, len(run.centers[0]))
        self.order = np.argsort(np.argsort(self.points[:, 0], kind="stable"), kind="stable")
        top, low = side.rows((1, 1), gap=0.25)
        self.readout = Readout(stage, top, ("iteration", "step", "inertia"), ("10", "update", "8888.8"))
        ax = stage.axes(low, xlabel="iteration", ylabel="inertia", xlim=(0.5, run.iterations + 0.5),
                        ylim=(0, max(run.inertias) * 1.12))
        ax.set_xticks(range(1, run.iterations + 1, 1 if run.iterations < 7 else 2))
        self.curve = stage.moving(ax.plot([], [], "o-", color=stage.color("accent"), ms=stage.line_width(0.14),
                                          lw=stage.line_width(0.05), zorder=3)[0])
        self.ball = dots(stage, ax, "accent", size=0.26, clip_on=False)

    def draw(self, clock: Clock) -> None:
        run = self.run
        step, part = clock.index(0.03, 0.95, run.iterations)
        centers, labels, _ = state(run, step, part, self.order)
        self.plane.show(centers, labels)
        last = step == run.iterations - 1
        name = "assign" if part < 0.47 else "done" if last else "update"
        measured = step + 1 if part >= 0.45 else step
        self.readout.show(str(step + 1), name, num(run.inertias[max(measured - 1, 0)], 1) if measured else "")
        self.curve.set_data(np.arange(1, measured + 1), run.inertias[:measured])
        self.ball.set_data([measured] if measured else [], run.inertias[measured - 1:measured] if measured else [])


@dataclass
class Elbow(Scene):
    """The best inertia for every k: where the curve bends, more clusters stop paying."""

    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    chosen: int = 4
    seed: int = 0

    def build(self, stage: Stage) -> None:
        rng = np.random.default_rng(self.seed + 1)
        self.most = most = max(MAX_K, self.chosen + 2)
        self.runs = [starts(self.points, k, rng, tries=8 if k > 1 else 1)[0] for k in range(1, most + 1)]
        self.inertias = [run.inertias[-1] for run in self.runs]
        left, right = stage.content.split((1, 1), gap=0.4)
        self.planes = [Plane(stage, left, self.points, k, small=True) for k in range(1, most + 1)]
        for plane, run in zip(self.planes, self.runs, strict=True):
            plane.show(run.centers[-1], run.labels[-1])
        head, body = right.rows((0.6, max(right.h - 0.65, 1)), gap=0.05)
        self.note = stage.moving(stage.text(*head.center, "", "label", weight="semibold"))
        ax = stage.axes(body, xlabel="number of clusters k", ylabel="inertia", xlim=(0.6, most + 0.4),
                        ylim=(0, self.inertias[0] * 1.08))
        ax.set_xticks(range(1, most + 1))
        ax.axvline(self.chosen, color=stage.color("good"), lw=stage.line_width(0.04), ls=(0, (3, 3)), zorder=1)
        self.curve = stage.moving(ax.plot([], [], "o-", color=stage.color("accent"), ms=stage.line_width(0.16),
                                          lw=stage.line_width(0.05), zorder=3)[0])
        self.ball = dots(stage, ax, "accent", size=0.3, clip_on=False)

    def draw(self, clock: Clock) -> None:
        k, part = clock.index(0.0, 0.85, self.most)
        if clock.u > 0.88:  # back to the one that the data were made of
            k, part = self.chosen - 1, 0.0
        for i, plane in enumerate(self.planes):
            for artist in (plane.cells, plane.dots, plane.marks):
                artist.set_visible(i == k)
        at = k + (smooth(part * 2 - 1) if k + 1 < self.most else 0)
        upto = self.most if clock.u > 0.85 else k + 1
        y = float(np.interp(at, np.arange(self.most), self.inertias))
        xs, ys = np.arange(1, upto + 1), np.array(self.inertias[:upto])
        self.curve.set_data(*((xs, ys) if upto == self.most else (np.append(xs, at + 1), np.append(ys, y))))
        self.ball.set_data([at + 1], [y])
        self.note.set_text(f"k = {k + 1}, inertia {num(self.inertias[k], 1)}")


@dataclass
class Starts(Scene):
    """The same points from a lucky and an unlucky start, side by side."""

    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    runs: tuple[Run, ...] = ()

    def build(self, stage: Stage) -> None:
        self.order = np.argsort(np.argsort(self.points[:, 0], kind="stable"), kind="stable")
        self.planes, self.notes = [], []
        for rect, run, name, tint in zip(stage.content.split(2, gap=0.3), self.runs, ("lucky start", "unlucky start"),
                                         ("good", "bad"), strict=True):
            stage.card(rect)
            head, body = rect.inset(0.2, 0.15).rows((0.6, max(rect.h - 1.0, 1)), gap=0.1)
            stage.text(head.x, head.cy, name, "label", color=tint, ha="left", weight="semibold")
            self.notes.append(stage.moving(stage.text(head.right, head.cy, "", "label", ha="right")))
            self.planes.append(Plane(stage, body, self.points, len(run.centers[0]), small=True))

    def draw(self, clock: Clock) -> None:
        longest = max(run.iterations for run in self.runs)
        at, part = clock.index(0.03, 0.92, longest)
        for plane, note, run in zip(self.planes, self.notes, self.runs, strict=True):
            step, here = (at, part) if at < run.iterations else (run.iterations - 1, 1.0)
            centers, labels, _ = state(run, step, here, self.order)
            plane.show(centers, labels)
            measured = step if here >= 0.45 else step - 1
            note.set_text(f"inertia {num(run.inertias[measured], 1)}" if measured >= 0 else "")


def make(topic: Topic) -> list[Scene]:
    numbers = topic.numbers
    k = int(numbers.after("k", low=2, high=MAX_K,
                          default=numbers.before("clusters", "cluster", "groups", "centroids", "means", low=2,
                                                 high=MAX_K, default=4)))
    rng = np.random.default_rng(topic.seed)
    points = blobs(rng, k)
    runs = starts(points, k, rng)
    scenes: list[Scene] = [
        Iterations("k-means clustering", f"Give each point to the nearest of {k} centres, move each centre to its "
                   "mean, repeat.", weight=1.4, points=points, run=instructive(runs)),
        Elbow("How many clusters?", "More centres always lower the inertia; the bend in the curve shows where that "
              "stops paying.", priority=2, points=points, chosen=k, seed=topic.seed),
    ]
    if runs[-1].inertias[-1] > runs[0].inertias[-1] * 1.15:
        scenes.append(Starts("The start matters", "k-means only goes downhill: a poor start can end in a worse "
                             "grouping, so try several.", priority=2, points=points, runs=(runs[0], runs[-1])))
    return scenes


SUBJECT = Subject(
    id="k-means",
    title="k-means clustering",
    keywords=("k-means", "k means", "kmeans", "clustering", "lloyd's algorithm", "centroids"),
    phrases=("grouping points into clusters", "how k-means finds groups in data",
             "unsupervised learning by moving cluster centres"),
    make=make,
)
