"""One artificial neuron: the weighted sum, the activation functions, and the boundary its weights draw."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.patches import Polygon

from ..layout import Rect
from ..parts import between, dots, node, num, put
from ..pieces import Readout, minus
from ..scene import Clock, Scene, mix
from ..stage import Stage
from .base import Subject, Topic

_erf = np.vectorize(math.erf, otypes=[float])

Activation = Callable[[np.ndarray], np.ndarray]
ACTIVATIONS: dict[str, Activation] = {
    "sigmoid": lambda z: 1 / (1 + np.exp(-np.asarray(z, float))),
    "tanh": lambda z: np.tanh(np.asarray(z, float)),
    "ReLU": lambda z: np.maximum(np.asarray(z, float), 0),
    "GELU": lambda z: np.asarray(z, float) * 0.5 * (1 + _erf(np.asarray(z, float) / math.sqrt(2))),
}
FORMULAS = {
    "sigmoid": r"$\sigma(z)=1/(1+e^{-z})$", "tanh": r"$\tanh(z)$", "ReLU": r"$\max(0,z)$", "GELU": r"$z\,\Phi(z)$",
}
LIMITS = {"sigmoid": (-0.15, 1.2), "tanh": (-1.25, 1.25), "ReLU": (-0.6, 4.2), "GELU": (-0.6, 4.2)}
_SUBSCRIPTS = "₁₂₃₄₅"


# -- scene 1: the weighted sum ----------------------------------------------------------------------------------


@dataclass
class WeightedSum(Scene):
    """Inputs swing; products flow into the sum; the sum runs along the activation curve."""

    inputs: int = 3
    kind: str = "sigmoid"
    seed: int = 0

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        size = np.round(rng.uniform(0.6, 1.8, self.inputs), 1)
        sign = np.where(np.arange(self.inputs) % 2, -1, 1)
        self.weights = size * sign
        self.bias = round(float(rng.uniform(-0.4, 0.4)), 1)
        self.phases = rng.uniform(0, 2 * np.pi, self.inputs)
        self.speeds = rng.permutation(np.linspace(0.7, 1.6, self.inputs))

    def at(self, u: float) -> tuple[np.ndarray, float, float]:
        """The inputs, the sum z and the output y at `u`; inputs are rounded to what is shown."""
        x = np.round(np.sin(2 * np.pi * self.speeds * u + self.phases), 2)
        z = float(self.weights @ x + self.bias)
        return x, z, float(ACTIVATIONS[self.kind](np.array(z)))

    def build(self, stage: Stage) -> None:
        self.stage = stage
        area, foot = stage.content.rows((stage.content.h - 1.15, 0.85), gap=0.3)
        net, plot = area.split((1.45, 1), gap=0.4)
        self._build_net(stage, net)
        self._build_plot(stage, plot)
        stage.card(foot)
        self.equation = stage.moving(stage.paragraph(foot.inset(0.2, 0.1), self._equation(0.0), "body", ha="center"))

    def _build_net(self, stage: Stage, net: Rect) -> None:
        n = self.inputs
        spread = min(net.h / 2 - 0.7, 2.2)
        radius = min(0.62, spread / (n - 1) * 0.9)
        left, middle = net.x + 1.2, mix(net.x, net.right, 0.68)
        ys = [net.cy + spread * (1 - 2 * i / (n - 1)) for i in range(n)]
        self.sum_at = middle, net.cy
        self.sources = [(left, y) for y in ys]
        ends = [np.array([s, self.sum_at]) for s in self.sources]
        half = (stage.line_height("label") * 0.72 + 0.05) / (middle - left)  # room for a weight such as "+1.4"
        self.gap = before, after = 0.48 - half, 0.48 + half
        self.edges = LineCollection([part for a, b in ends for part in ([a, a + (b - a) * before],
                                                                        [a + (b - a) * after, b])], zorder=2)
        stage.ax.add_collection(stage.moving(self.edges), autolim=False)
        stage.arrow((middle + 0.85, net.cy), (net.right - 0.1, net.cy))
        stage.arrow((middle, net.cy - 2.0), (middle, net.cy - 0.85))
        stage.text(middle, net.cy - 2.28, minus(f"b = {self.bias:+.1f}"), "label", color="muted")
        stage.text((middle + net.right) / 2 + 0.35, net.cy + 0.38, "z", "label", color="muted")
        stage.text(middle, net.cy + 1.08, "sum", "small", color="muted")
        self.nodes = [node(stage, s, radius) for s in self.sources]
        self.sigma = node(stage, self.sum_at, 0.78, role="body")
        for i, (x, y) in enumerate(self.sources):
            f = (before + after) / 2
            stage.text(mix(x, middle, f), mix(y, net.cy, f), num(self.weights[i], 1, sign=True), "label")
            stage.text(x - radius - 0.14, y, f"x{_SUBSCRIPTS[i]}", "label", color="muted", ha="right")
        self.pulse = dots(stage, stage.ax, "accent", size=0.16, zorder=2.5, edge=False)

    def _build_plot(self, stage: Stage, plot: Rect) -> None:
        head, body = plot.rows((0.6, max(plot.h - 0.7, 1)), gap=0.1)
        stage.paragraph(head, f"y = {FORMULAS[self.kind]}", "label", ha="center", color="accent", math=True)
        low, high = LIMITS[self.kind]
        ax = stage.axes(body, xlim=(-4, 4), ylim=(low, high), xlabel="z", ylabel="y")
        grid = np.linspace(-4, 4, 160)
        ax.plot(grid, ACTIVATIONS[self.kind](grid), color=stage.color("s0"), lw=stage.line_width(0.06), zorder=2)
        self.guide = stage.moving(ax.plot([], [], color=stage.color("muted"), lw=stage.line_width(0.03),
                                          ls=(0, (3, 3)), zorder=3)[0])
        self.ball = dots(stage, ax, "accent", size=0.3)
        self.low = low

    def _equation(self, u: float) -> str:
        x, z, _ = self.at(u)
        terms = "  ".join(f"{w * v:+.2f}" for w, v in zip(self.weights, x, strict=True))
        return minus(f"z = {terms}  {self.bias:+.2f} = {z:+.2f}")

    def draw(self, clock: Clock) -> None:
        stage = self.stage
        x, z, y = self.at(clock.u)
        products = np.repeat(self.weights * x, 2)
        put(self.edges, linewidths=tuple(stage.line_width(0.03 + 0.09 * abs(p)) for p in products),
            edgecolors=tuple(between(stage, "faint", "s0" if p >= 0 else "s3", 0.35 + 0.4 * abs(p))
                             for p in products))
        steps = (np.arange(3)[:, None] / 3 + clock.t * 0.9) % 1
        rim = 0.16
        f = rim + (1 - 2 * rim) * steps
        f = np.where((f > self.gap[0] - 0.02) & (f < self.gap[1] + 0.02), np.nan, f)  # behind the weight
        xs = [s[0] + (self.sum_at[0] - s[0]) * f for s in self.sources]
        ys = [s[1] + (self.sum_at[1] - s[1]) * f for s in self.sources]
        self.pulse.set_data(np.ravel(xs), np.ravel(ys))
        for item, value in zip(self.nodes, x, strict=True):
            item.light(num(value, sign=True), between(stage, "panel", "s0" if value >= 0 else "s3", abs(value) * 0.5),
                       stage.color("muted"), stage.color("ink"))
        self.sigma.light(num(z, sign=True), between(stage, "panel", "accent", 0.25), stage.color("accent"),
                         stage.color("ink"))
        shown = min(max(z, -4), 4)
        self.guide.set_data([shown, shown, -4], [self.low, y, y])
        self.ball.set_data([shown], [y])
        self.equation.set_text(self._equation(clock.u))


# -- scene 2: activation functions ------------------------------------------------------------------------------


@dataclass
class Activations(Scene):
    """Four curves, one input sweeping over all of them; the dashed line is the slope."""

    def build(self, stage: Stage) -> None:
        cells = [cell for row in stage.content.rows(2, gap=0.25) for cell in row.columns(2, gap=0.25)]
        grid = np.linspace(-4, 4, 160)
        self.balls, self.values, self.drops = [], [], []
        for i, (cell, (name, f)) in enumerate(zip(cells, ACTIVATIONS.items(), strict=True)):
            stage.card(cell)
            head, body = cell.inset(0.2, 0.12).rows((0.55, max(cell.h - 0.9, 0.5)), gap=0.05)
            stage.text(head.x, head.cy, name, "label", color=f"s{i}", ha="left", weight="semibold")
            self.values.append(stage.moving(stage.text(head.right, head.cy, "", "label", ha="right")))
            low, high = LIMITS[name]
            ax = stage.axes(body, xlim=(-4, 4), ylim=(low, high), ticks=False, frame=False)
            for line in (ax.axhline, ax.axvline):
                line(0, color=stage.color("faint"), lw=stage.line_width(0.025), zorder=1)
            y = f(grid)
            ax.plot(grid, np.gradient(y, grid), color=stage.color("muted"), lw=stage.line_width(0.03), ls=(0, (3, 3)),
                    zorder=2)
            ax.plot(grid, y, color=stage.color(f"s{i}"), lw=stage.line_width(0.06), zorder=3)
            self.drops.append(stage.moving(ax.plot([], [], color=stage.color("muted"), lw=stage.line_width(0.03),
                                                   zorder=3)[0]))
            self.balls.append(dots(stage, ax, f"s{i}", size=0.28, clip_on=False))

    @staticmethod
    def input_at(u: float) -> float:
        """From -3 up to 3 and back, slow at the ends."""
        return -3 * math.cos(2 * math.pi * min(max(u, 0), 1))

    def draw(self, clock: Clock) -> None:
        z = round(self.input_at(clock.u), 2)
        for value, ball, drop, f in zip(self.values, self.balls, self.drops, ACTIVATIONS.values(), strict=True):
            y = float(f(np.array(z)))
            value.set_text(f"f({num(z, 1)}) = {num(y)}")
            ball.set_data([z], [y])
            drop.set_data([z, z], [0, y])


# -- scene 3: the boundary --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TwoClasses:
    """Points (n, 2) with labels 0/1, and the angle of the weights that splits them best through their middle."""

    points: np.ndarray
    labels: np.ndarray
    best: float
    middle: np.ndarray

    def weights(self, angle: float) -> tuple[np.ndarray, float]:
        """Unit weights at `angle` radians and the bias that puts the boundary through the middle."""
        w = np.array([math.cos(angle), math.sin(angle)])
        return w, -float(w @ self.middle)

    def right(self, angle: float) -> np.ndarray:
        """Which points the neuron puts on their own side, (n,) bool."""
        w, b = self.weights(angle)
        return (self.points @ w + b > 0) == (self.labels > 0)


def two_classes(seed: int, each: int = 40) -> TwoClasses:
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0.3, 1.2)
    shift = 1.25 * np.array([math.cos(angle), math.sin(angle)])
    points = np.vstack([rng.normal(shift, 0.62, (each, 2)), rng.normal(-shift, 0.62, (each, 2))])
    labels = np.repeat([1, 0], each)
    data = TwoClasses(points, labels, 0.0, points.mean(0))
    tried = np.radians(np.arange(0, 360, 1))
    scores = np.array([data.right(a).sum() for a in tried])
    top = tried[scores == scores.max()]
    return TwoClasses(points, labels, float(top[len(top) // 2]), data.middle)


@dataclass
class Boundary(Scene):
    """The weight vector turns; the line w.x + b = 0 turns with it, and the misplaced points are ringed."""

    seed: int = 0

    SPAN = 3.0

    def build(self, stage: Stage) -> None:
        self.data = data = two_classes(self.seed)
        plot, side = stage.content.split((1.7, 1), gap=0.4)
        span = self.SPAN
        wide = span * max(plot.w / plot.h, 1)
        tall = span * max(plot.h / plot.w, 1)
        self.corners = np.array([(-wide, -tall), (wide, -tall), (wide, tall), (-wide, tall)])
        ax = stage.axes(plot, xlim=(-wide, wide), ylim=(-tall, tall), xlabel="x₁", ylabel="x₂", ticks=False)
        ax.set_aspect("equal", adjustable="box")
        self.halves = [stage.moving(ax.add_patch(Polygon(self.corners, facecolor=stage.color(tint), alpha=0.18, lw=0)))
                       for tint in ("s0", "s1")]
        for label, tint in ((1, "s0"), (0, "s1")):
            stage.moving(ax.plot(*data.points[data.labels == label].T, "o", color=stage.color(tint),
                                 ms=stage.line_width(0.17), mew=0, zorder=2)[0])
        self.line = stage.moving(ax.plot([], [], color=stage.color("ink"), lw=stage.line_width(0.06), zorder=3)[0])
        self.arrow = stage.moving(ax.plot([], [], color=stage.color("accent"), lw=stage.line_width(0.08), zorder=4)[0])
        self.tip = dots(stage, ax, "accent", size=0.24, zorder=5)
        self.rings = stage.moving(ax.plot([], [], "o", mfc="none", mec=stage.color("bad"), ms=stage.line_width(0.32),
                                          mew=stage.line_width(0.05), zorder=6)[0])
        self.readout = Readout(stage, side, ("w₁", "w₂", "bias b", "misplaced", "accuracy"),
                               ("-0.00", "-0.00", "-0.00", "80", "100 %"), formula="$w_1x_1+w_2x_2+b>0$",
                               colors=("ink", "ink", "ink", "bad", "good"))

    def angle_at(self, clock: Clock) -> float:
        """Swings in from 200 degrees off, overshoots a little, and settles at the best angle."""
        off = mix(-200, 30, clock.ramp(0.02, 0.68)) if clock.u < 0.68 else mix(30, 0, clock.ramp(0.68, 0.9))
        return self.data.best + math.radians(off)

    def draw(self, clock: Clock) -> None:
        angle = self.angle_at(clock)
        w, b = self.data.weights(angle)
        along, foot = np.array([-w[1], w[0]]), self.data.middle
        ends = np.array([foot - 12 * along, foot + 12 * along])
        for half, sign in zip(self.halves, (1, -1), strict=True):
            half.set_xy(np.vstack([ends, ends[::-1] + sign * 12 * w]))
        self.line.set_data(ends[:, 0], ends[:, 1])
        head = foot + 1.3 * w
        self.arrow.set_data([foot[0], head[0]], [foot[1], head[1]])
        self.tip.set_data([head[0]], [head[1]])
        right = self.data.right(angle)
        wrong = self.data.points[~right]
        self.rings.set_data(wrong[:, 0], wrong[:, 1])
        self.readout.show(num(w[0], sign=True), num(w[1], sign=True), num(b, sign=True), str(len(wrong)),
                          f"{100 * right.mean():.0f} %")


def make(topic: Topic) -> list[Scene]:
    inputs = int(topic.numbers.before("inputs", "input", low=2, high=4, default=3))
    kind = next((name for name in ACTIVATIONS if topic.mentions(name)), "sigmoid")
    return [
        WeightedSum("An artificial neuron", "Each input is multiplied by its weight; the sum passes through the "
                    f"{kind} curve.", inputs=inputs, kind=kind, seed=topic.seed, weight=1.3),
        Boundary("Weights turn the boundary", "The weights point across the boundary: turning them turns the line "
                 "that parts the classes.", seed=topic.seed),
        Activations("Activation functions", "The same input through four functions; the dashed line is the slope "
                    "that learning uses.", priority=2),
    ]


SUBJECT = Subject(
    id="neuron",
    title="An artificial neuron",
    keywords=("artificial neuron", "neuron", "perceptron", "activation function", "activation functions", "relu",
              "gelu"),
    phrases=("how a single neuron in a neural network works", "weighted sum and activation function",
             "what activation functions do"),
    make=make,
)
