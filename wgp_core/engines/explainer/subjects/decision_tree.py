"""Decision trees: CART grown split by split, how one split is chosen, and what too much depth does."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyBboxPatch

from ..layout import Rect
from ..parts import between, dots, ink_on, num, put
from ..pieces import Readout
from ..scene import Clock, Scene, mix, smooth
from ..stage import Stage
from .base import Subject, Topic

SIZE = 10.0
CLASSES = 3
FEATURES = ("x₁", "x₂")


def gini(labels: np.ndarray) -> float:
    """1 - sum of squared class shares: 0 for one class only."""
    if not len(labels):
        return 0.0
    shares = np.bincount(labels, minlength=CLASSES) / len(labels)
    return float(1 - (shares**2).sum())


def weighted_gini(values: np.ndarray, labels: np.ndarray, threshold: float) -> float:
    """The impurity left after cutting at `threshold`, each side weighted by its number of points."""
    left = values < threshold
    return (left.sum() * gini(labels[left]) + (~left).sum() * gini(labels[~left])) / len(labels)


def best_split(points: np.ndarray, labels: np.ndarray, least: int) -> tuple[int, float, float] | None:
    """(feature, threshold, weighted Gini) of the best cut that leaves `least` points on each side, if any lowers it."""
    best = None
    for feature in (0, 1):
        values = points[:, feature]
        ordered = np.sort(values)
        for a, b in zip(ordered[least - 1:len(ordered) - least], ordered[least:len(ordered) - least + 1], strict=True):
            threshold = round(float(a + b) / 2, 2)
            if not a < threshold <= b:
                continue
            score = weighted_gini(values, labels, threshold)
            if best is None or score < best[2] - 1e-12:
                best = feature, threshold, score
    return best if best and best[2] < gini(labels) - 1e-9 else None


@dataclass
class Leaf:
    """A node of the tree. `box` is (x0, y0, x1, y1); `split` is (feature, threshold) once it has children."""

    members: np.ndarray
    box: tuple[float, float, float, float]
    depth: int
    counts: np.ndarray
    impurity: float
    split: tuple[int, float] | None = None
    children: tuple[int, int] = (-1, -1)

    @property
    def majority(self) -> int:
        return int(self.counts.argmax())


@dataclass(frozen=True)
class Tree:
    """Nodes in the order they were made; `order` lists the ones that were split, best gain first."""

    nodes: tuple[Leaf, ...]
    order: tuple[int, ...]

    def predict(self, points: np.ndarray) -> np.ndarray:
        out = np.empty(len(points), int)
        for i, point in enumerate(points):
            node = self.nodes[0]
            while node.split:
                feature, threshold = node.split
                node = self.nodes[node.children[0 if point[feature] < threshold else 1]]
            out[i] = node.majority
        return out


def grow(points: np.ndarray, labels: np.ndarray, depth: int, *, leaves: int = 8, least: int = 3) -> Tree:
    """CART with Gini impurity, growing where the most impurity is removed first."""

    def make(members: np.ndarray, box: tuple[float, float, float, float], level: int) -> Leaf:
        mine = labels[members]
        return Leaf(members, box, level, np.bincount(mine, minlength=CLASSES), gini(mine))

    nodes, order = [make(np.arange(len(points)), (0, 0, SIZE, SIZE), 0)], []
    cuts = {0: best_split(points, labels, least)}
    while len(order) + 1 < leaves:
        found = {i: cut for i, cut in cuts.items() if cut and nodes[i].depth < depth}
        if not found:
            break
        i = max(found, key=lambda j: len(nodes[j].members) * (nodes[j].impurity - found[j][2]))
        feature, threshold, _ = found[i]
        del cuts[i]
        node, values = nodes[i], points[nodes[i].members, feature]
        x0, y0, x1, y1 = node.box
        boxes = (((x0, y0, threshold, y1), (threshold, y0, x1, y1)) if feature == 0 else
                 ((x0, y0, x1, threshold), (x0, threshold, x1, y1)))
        node.split, node.children = (feature, threshold), (len(nodes), len(nodes) + 1)
        for side, box in zip((values < threshold, values >= threshold), boxes, strict=True):
            child = make(node.members[side], box, node.depth + 1)
            cuts[len(nodes)] = best_split(points[child.members], labels[child.members], least)
            nodes.append(child)
        order.append(i)
    return Tree(tuple(nodes), tuple(order))


def sample(rng: np.random.Generator, each: int = 34) -> tuple[np.ndarray, np.ndarray]:
    """Three overlapping classes in the square: points (n, 2) and labels (n,)."""
    spots = (((2.6, 3.0), (1.2, 1.5)), ((7.2, 6.8), (1.4, 1.4)), ((3.4, 7.6), (1.5, 1.0)), ((7.4, 2.4), (1.3, 1.1)))
    classes = (0, 1, 2, 0)
    points = np.vstack([rng.normal(c, s, (each if k else each // 2, 2)) for (c, s), k in zip(spots, (1, 1, 1, 0),
                                                                                            strict=True)])
    labels = np.concatenate([np.full(each if k else each // 2, c) for c, k in zip(classes, (1, 1, 1, 0),
                                                                                  strict=True)])
    return np.round(np.clip(points, 0.15, SIZE - 0.15), 2), labels


def _plane(stage: Stage, rect: Rect) -> Axes:
    return stage.axes(rect, xlim=(0, SIZE), ylim=(0, SIZE), xlabel="x₁", ylabel="x₂", ticks=False)


def _scatter(stage: Stage, ax: Axes, points: np.ndarray, labels: np.ndarray) -> None:
    for k in range(CLASSES):
        stage.moving(ax.plot(*points[labels == k].T, "o", color=stage.color(f"s{k}"), ms=stage.line_width(0.16),
                             mew=0, zorder=3)[0])


def _corners(box: tuple[float, float, float, float]) -> list[tuple[float, float]]:
    x0, y0, x1, y1 = box
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


class Regions:
    """The boxes of the leaves, tinted by their majority class."""

    def __init__(self, stage: Stage, ax: Axes) -> None:
        self.tints = np.array([to_rgba(stage.color(f"s{k}"), 0.22) for k in range(CLASSES)])
        self.collection = stage.moving(PolyCollection([], linewidths=stage.line_width(0.045), zorder=1,
                                                      edgecolors=stage.color("muted")))
        ax.add_collection(self.collection, autolim=False)
        self._key: tuple = ()

    def show(self, leaves: list[Leaf]) -> None:
        key = tuple((leaf.box, leaf.majority) for leaf in leaves)
        if key != self._key:
            self._key = key
            self.collection.set_verts([_corners(leaf.box) for leaf in leaves])
            self.collection.set_facecolor(list(self.tints[[leaf.majority for leaf in leaves]]))


# -- scene 1: the tree grows ------------------------------------------------------------------------------------


@dataclass
class Grow(Scene):
    """Each cut slides into place on the plane while its question opens in the tree."""

    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    tree: Tree = field(default_factory=lambda: Tree((), ()))

    def build(self, stage: Stage) -> None:
        self.stage = stage
        plot, side = stage.content.split((1, 1.3) if stage.content.landscape else (1.1, 1), gap=0.35)
        ax = _plane(stage, plot)
        self.regions = Regions(stage, ax)
        _scatter(stage, ax, self.points, self.labels)
        self._build_tree(stage, side)
        self.cut = stage.moving(stage.line([], [], color="accent", width=0.09, zorder=9, transform=ax.transData))

    def _spots(self) -> list[tuple[float, int]]:
        """For every node its place from left to right in leaf slots, and its depth."""
        nodes, at, slot = self.tree.nodes, {}, iter(range(len(self.tree.nodes)))

        def visit(i: int) -> float:
            node = nodes[i]
            at[i] = sum(visit(j) for j in node.children) / 2 if node.split else next(slot) + 0.5
            return at[i]

        visit(0)
        return [(at[i], node.depth) for i, node in enumerate(nodes)]

    def _build_tree(self, stage: Stage, side: Rect) -> None:
        spots, nodes = self._spots(), self.tree.nodes
        slots = len(self.tree.order) + 1
        levels = max(depth for _, depth in spots) + 1
        head, area = side.rows((0.5, max(side.h - 0.6, 1)), gap=0.1)
        self.note = stage.moving(stage.text(*head.center, "", "label", color="muted"))
        wide, tall = area.w / slots, area.h / levels
        self.centers = [(area.x + x * wide, area.top - (depth + 0.5) * tall) for x, depth in spots]
        two_lines = stage.unit_px > 40
        box_h = min(tall * 0.62, 0.95 if two_lines else 0.6)
        self.two_lines, self.narrow = two_lines, wide < 0.66
        self.boxes, self.texts, self.links = [], [], []
        for i, (x, y) in enumerate(self.centers):
            if nodes[i].split:
                for child in nodes[i].children:
                    self.links.append((child, stage.moving(stage.line([x, self.centers[child][0]],
                                                                      [y, self.centers[child][1]], color="muted",
                                                                      width=0.04, zorder=1))))
        for i, (x, y) in enumerate(self.centers):
            half = min(wide * 0.46, 0.75) if not nodes[i].split else min(wide * 0.95, 0.85)
            pad = min(0.12, half * 0.4)
            patch = FancyBboxPatch((x - half + pad, y - box_h / 2 + pad), 2 * (half - pad), box_h - 2 * pad, zorder=2,
                                   boxstyle=f"round,pad={pad},rounding_size={pad}", linewidth=stage.line_width(0.03),
                                   edgecolor=stage.color("muted"), facecolor=stage.color("panel"))
            self.boxes.append(stage.moving(stage.ax.add_patch(patch)))
            self.texts.append(stage.moving(stage.text(x, y, "", "small", zorder=3, linespacing=1.1)))

    def _leaf_text(self, node: Leaf, root: bool) -> str:
        if self.narrow and not root:
            return ""
        name = "gini " if self.two_lines and node.split else ""
        return f"{name}{node.impurity:.2f}" + (f"\nn={len(node.members)}" if self.two_lines else "")

    def _show_node(self, i: int, born: bool, split: bool) -> None:
        node, stage = self.tree.nodes[i], self.stage
        put(self.boxes[i], visible=born)
        put(self.texts[i], visible=born)
        if not born:
            return
        tint = between(stage, "panel", f"s{node.majority}", 0.2 if split else 0.9 - 0.7 * node.impurity)
        put(self.boxes[i], facecolor=tint)
        text = self._leaf_text(node, i == 0)
        if split and node.split:
            feature, threshold = node.split
            text = f"{FEATURES[feature]}<{threshold:.2f}" + (f"\ngini {node.impurity:.2f}" if self.two_lines else "")
        put(self.texts[i], text=text, color=ink_on(stage, tint))

    def draw(self, clock: Clock) -> None:
        order, nodes = self.tree.order, self.tree.nodes
        step, part = clock.index(0.02, 0.92, len(order))
        done = step + (1 if part >= 0.62 else 0)
        split = set(order[:done])
        born = {0} | {child for i in split for child in nodes[i].children}
        for i in range(len(nodes)):
            self._show_node(i, i in born, i in split)
        for child, line in self.links:
            line.set_visible(child in born)
        leaves = [nodes[i] for i in sorted(born - split)]
        self.regions.show(leaves)
        self._place_cut(nodes[order[step]], part)
        total = sum(len(leaf.members) for leaf in leaves)
        left = sum(leaf.impurity * len(leaf.members) for leaf in leaves) / total
        self.note.set_text(f"{len(leaves)} {'leaf' if len(leaves) == 1 else 'leaves'}, mean Gini {left:.3f}")

    def _place_cut(self, node: Leaf, part: float) -> None:
        feature, threshold = node.split or (0, 0.0)
        x0, y0, x1, y1 = node.box
        start, stop = (x0, x1) if feature == 0 else (y0, y1)
        far = stop if threshold < (start + stop) / 2 else start
        at = mix(far, threshold, smooth(part / 0.55))
        xs, ys = ([at, at], [y0, y1]) if feature == 0 else ([x0, x1], [at, at])
        self.cut.set_visible(part < 0.98)
        self.cut.set_data(xs, ys)


# -- scene 2: choosing one split --------------------------------------------------------------------------------


@dataclass
class Scan(Scene):
    """Every threshold of both features is tried; the lowest weighted Gini wins."""

    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, int))

    def build(self, stage: Stage) -> None:
        self.grid = np.linspace(0.3, SIZE - 0.3, 95)
        self.curves = [np.array([weighted_gini(self.points[:, f], self.labels, t) for t in self.grid])
                       for f in (0, 1)]
        self.feature, self.threshold, self.lowest = best_split(self.points, self.labels, 3) or (0, SIZE / 2, 0.0)
        plot, side = stage.content.split((1, 1), gap=0.4)
        ax = _plane(stage, plot)
        _scatter(stage, ax, self.points, self.labels)
        self.cut = stage.moving(ax.plot([], [], color=stage.color("accent"), lw=stage.line_width(0.08), zorder=4)[0])
        top, low = side.rows((1.35, 1), gap=0.25)
        chart = stage.axes(top, xlabel="threshold", ylabel="weighted Gini", xlim=(0, SIZE),
                           ylim=(float(min(c.min() for c in self.curves)) - 0.06, gini(self.labels) + 0.03))
        self.traces = [stage.moving(chart.plot([], [], color=stage.color(tint), lw=stage.line_width(0.06),
                                               zorder=2)[0]) for tint in ("s4", "s5")]
        self.ball = dots(stage, chart, "accent", size=0.28)
        self.readout = Readout(stage, low, ("question", "Gini if yes", "Gini if no", "weighted"),
                               ("x₁ < 8.88", "0.888", "0.888", "0.888"), colors=("accent", "ink", "ink", "good"))

    def draw(self, clock: Clock) -> None:
        f, part = clock.index(0.0, 0.8, 2)
        t = mix(self.grid[0], self.grid[-1], part)
        if clock.u > 0.8:
            f, t = self.feature, mix(self.grid[-1] if self.feature else self.grid[0], self.threshold,
                                     clock.ramp(0.8, 0.94))
        values = self.points[:, f]
        for i, trace in enumerate(self.traces):
            upto = len(self.grid) if clock.u > 0.8 or i < f else int((self.grid <= t).sum()) if i == f else 0
            trace.set_data(self.grid[:upto], self.curves[i][:upto])
        score = weighted_gini(values, self.labels, t)
        self.ball.set_data([t], [score])
        self.cut.set_data(*(([t, t], [0, SIZE]) if f == 0 else ([0, SIZE], [t, t])))
        left = values < t
        self.readout.show(f"{FEATURES[f]} < {t:.2f}", num(gini(self.labels[left]), 3),
                          num(gini(self.labels[~left]), 3), num(score, 3))


# -- scene 3: too deep ------------------------------------------------------------------------------------------


@dataclass
class Depths(Scene):
    """Deeper trees fit the training points better and better, but not the unseen ones."""

    seed: int = 0

    DEEPEST = 8

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.points, self.labels = sample(rng)
        unseen, truth = sample(rng, each=170)
        self.trees = [grow(self.points, self.labels, depth, leaves=60, least=1)
                      for depth in range(1, self.DEEPEST + 1)]
        self.train = [100 * float((tree.predict(self.points) == self.labels).mean()) for tree in self.trees]
        self.test = [100 * float((tree.predict(unseen) == truth).mean()) for tree in self.trees]
        self.best = int(np.argmax(self.test)) + 1

    def build(self, stage: Stage) -> None:
        left, right = stage.content.split((1, 1), gap=0.4)
        ax = _plane(stage, left)
        self.regions = Regions(stage, ax)
        _scatter(stage, ax, self.points, self.labels)
        head, body = right.rows((0.6, max(right.h - 0.7, 1)), gap=0.1)
        for rect, name, tint in zip(head.columns(2), ("training points", "unseen points"), ("s4", "good"),
                                    strict=True):
            stage.text(*rect.center, name, "label", color=tint, weight="semibold")
        chart = stage.axes(body, xlabel="depth of the tree", ylabel="correct (%)", xlim=(0.6, self.DEEPEST + 0.4),
                           ylim=(min(self.train + self.test) - 5, 102))
        chart.set_xticks(range(1, self.DEEPEST + 1))
        self.lines = [stage.moving(chart.plot([], [], "o-", color=stage.color(tint), ms=stage.line_width(0.17),
                                              lw=stage.line_width(0.06), zorder=3, clip_on=False)[0])
                      for tint in ("s4", "good")]

    def draw(self, clock: Clock) -> None:
        i, part = clock.index(0.0, 0.95, self.DEEPEST)
        tree = self.trees[i]
        self.regions.show([node for node in tree.nodes if not node.split])
        on = smooth(part * 2.5 - 1.5)
        for line, values in zip(self.lines, (self.train, self.test), strict=True):
            ys = list(values[:i + 1])
            xs = [float(depth) for depth in range(1, i + 2)]
            if i + 1 < self.DEEPEST and on > 0:
                xs.append(i + 1 + on)
                ys.append(mix(values[i], values[i + 1], on))
            line.set_data(xs, ys)


def make(topic: Topic) -> list[Scene]:
    depth = int(topic.numbers.after("max depth", "max_depth", "depth", low=1, high=5,
                                    default=topic.numbers.before("levels", "level", low=1, high=5, default=3)))
    points, labels = sample(np.random.default_rng(topic.seed))
    depths = Depths("How deep is too deep?", priority=2, seed=topic.seed)
    depths.narration = (f"Depth {depths.best} does best on unseen points, {max(depths.test):.0f} %; deeper trees learn "
                        "the training points by heart.")
    return [
        Grow("A decision tree grows", "Each question cuts one region so that the two halves are purer: less Gini "
             "impurity.", weight=1.4, points=points, labels=labels, tree=grow(points, labels, depth)),
        Scan("Choosing the first question", "Try every threshold of both features and keep the cut with the lowest "
             "weighted Gini.", points=points, labels=labels),
        depths,
    ]


SUBJECT = Subject(
    id="decision-tree",
    title="Decision tree",
    keywords=("decision tree", "decision trees", "cart algorithm", "gini impurity", "classification tree"),
    phrases=("splitting data with yes or no questions", "how a decision tree is grown from data",
             "classifying points by thresholds on features"),
    make=make,
)
