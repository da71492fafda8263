"""Gradient descent: the walk down a curve, what the learning rate does, and the same walk on a contour map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..layout import Rect
from ..scene import Clock, Scene, mix
from ..stage import Stage
from .base import Subject, Topic

START_X = -2.6


def loss(x: Any) -> Any:
    """f(x) = x^2/4 + 0.15 sin(2x) + 0.3, one minimum near x = -0.24."""
    return 0.25 * np.square(x) + 0.15 * np.sin(2 * np.asarray(x)) + 0.3


def slope(x: float) -> float:
    """f'(x) = x/2 + 0.3 cos(2x)."""
    return float(0.5 * x + 0.3 * np.cos(2 * x))


def descend(start: float, rate: float, steps: int) -> np.ndarray:
    """x_{k+1} = x_k - rate * f'(x_k); returns the steps + 1 positions, kept within +-3.6 so that they can be shown."""
    xs = [start]
    for _ in range(steps):
        xs.append(float(np.clip(xs[-1] - rate * slope(xs[-1]), -3.6, 3.6)))
    return np.array(xs)


@dataclass
class Walk(Scene):
    """A ball takes computed steps down the curve; the tangent and the numbers follow it."""

    rate: float = 0.35
    steps: int = 9

    def build(self, stage: Stage) -> None:
        self.path = descend(START_X, self.rate, self.steps)
        plot, side = stage.content.split((2.1, 1), gap=0.5)
        self.ax = ax = stage.axes(plot, xlabel="parameter x", ylabel="loss f(x)", xlim=(-3.2, 3.2), ylim=(0, 3.2))
        grid = np.linspace(-3.2, 3.2, 240)
        ax.plot(grid, loss(grid), color=stage.color("s0"), lw=stage.line_width(0.06), zorder=2)
        low = grid[int(np.argmin(loss(grid)))]
        ax.plot([low], [loss(low)], marker="_", ms=14, color=stage.color("good"), zorder=2)
        ax.axvline(low, color=stage.color("faint"), lw=stage.line_width(0.025), ls=(0, (3, 4)), zorder=1)
        width = stage.line_width(0.05)
        self.trail = stage.moving(ax.plot([], [], "o-", color=stage.color("muted"), ms=stage.line_width(0.1),
                                          lw=stage.line_width(0.025), alpha=0.75, zorder=3)[0])
        self.tangent = stage.moving(ax.plot([], [], color=stage.color("accent"), lw=width, zorder=4)[0])
        self.ball = stage.moving(ax.plot([], [], "o", color=stage.color("accent"), ms=stage.line_width(0.3),
                                         mec=stage.color("paper"), mew=stage.line_width(0.03), zorder=5)[0])
        self._build_side(stage, side)

    def _build_side(self, stage: Stage, side: Rect) -> None:
        stage.card(side)
        rows = side.inset(0.25, 0.3).rows((1.1, 1, 1, 1, 1), gap=0.12)
        stage.text(*rows[0].center, r"$x_{k+1} = x_k - \eta\, f'(x_k)$", "label", color="accent", math=True)
        names = ("step k", "x", "slope f′(x)", "loss f(x)")
        self.values = []
        for row, name in zip(rows[1:], names, strict=True):
            stage.text(row.x, row.cy, name, "label", color="muted", ha="left")
            self.values.append(stage.moving(stage.text(row.right, row.cy, "", "label", ha="right", weight="semibold")))

    def draw(self, clock: Clock) -> None:
        k, part = clock.index(0.06, 0.94, self.steps)
        moved = clock.u and min(max((part - 0.35) / 0.65, 0.0), 1.0)
        x = mix(self.path[k], self.path[k + 1], moved * moved * (3 - 2 * moved))
        self.ball.set_data([x], [loss(x)])
        self.trail.set_data(self.path[:k + 1], loss(self.path[:k + 1]))
        reach = 0.75
        m = slope(x)
        self.tangent.set_data([x - reach, x + reach], [loss(x) - m * reach, loss(x) + m * reach])
        done = k + (1 if part >= 1 else 0)
        shown = (f"{done}", f"{x:+.2f}", f"{round(m, 2) or 0.0:+.2f}", f"{float(loss(x)):.3f}")
        for artist, value in zip(self.values, shown, strict=True):
            artist.set_text(value)


@dataclass
class Rates(Scene):
    """Three learning rates on one curve, side by side: too small creeps, too large overshoots."""

    rates: tuple[float, float, float] = (0.12, 0.9, 4.2)
    steps: int = 10

    def build(self, stage: Stage) -> None:
        titles = ("too small", "about right", "too large")
        tints = ("s4", "good", "bad")
        self.runs = [descend(START_X, rate, self.steps) for rate in self.rates]
        self.balls, self.trails = [], []
        grid = np.linspace(-3.6, 3.6, 200)
        for rect, name, rate, tint in zip(stage.content.split(3, gap=0.35), titles, self.rates, tints, strict=True):
            stage.card(rect)
            inner = rect.inset(0.2, 0.2)
            head, plot = inner.rows((0.7, max(inner.h - 0.9, 1)), gap=0.1)
            stage.paragraph(head, f"{name} (η = {rate:g})", "label", color=tint, ha="center", weight="semibold")
            ax = stage.axes(plot, xlim=(-3.7, 3.7), ylim=(0, 4.2), ticks=False)
            ax.plot(grid, loss(grid), color=stage.color("muted"), lw=stage.line_width(0.045), zorder=2)
            self.trails.append(stage.moving(ax.plot([], [], "o-", color=stage.color(tint), ms=stage.line_width(0.09),
                                                    lw=stage.line_width(0.025), alpha=0.8, zorder=3)[0]))
            self.balls.append(stage.moving(ax.plot([], [], "o", color=stage.color(tint), ms=stage.line_width(0.24),
                                                   zorder=4)[0]))

    def draw(self, clock: Clock) -> None:
        k, part = clock.index(0.08, 0.92, self.steps)
        part = min(part / 0.7, 1.0)
        for run, ball, trail in zip(self.runs, self.balls, self.trails, strict=True):
            x = mix(run[k], run[k + 1], part * part * (3 - 2 * part))
            ball.set_data([x], [loss(x)])
            xs = np.append(run[:k + 1], x)
            trail.set_data(xs, loss(xs))


@dataclass
class Contour(Scene):
    """Two parameters: the path crosses the level lines of an elongated bowl at right angles."""

    rate: float = 0.55
    steps: int = 16

    def build(self, stage: Stage) -> None:
        ax = stage.axes(stage.content, xlabel="parameter w₁", ylabel="parameter w₂", xlim=(-4, 4), ylim=(-2.2, 2.2))
        x, y = np.meshgrid(np.linspace(-4, 4, 140), np.linspace(-2.2, 2.2, 90))
        levels = np.array([0.1, 0.4, 1, 2, 3.5, 5.5, 8])
        ax.contour(x, y, self.bowl(x, y), levels=levels, colors=stage.color("s0"), linewidths=stage.line_width(0.03),
                   alpha=0.65, zorder=1)
        point, path = np.array([-3.4, 1.7]), [np.array([-3.4, 1.7])]
        for _ in range(self.steps):
            point = point - self.rate * np.array([0.5 * point[0], 3.2 * point[1]])
            path.append(point)
        self.path = np.array(path)
        ax.plot([0], [0], "+", color=stage.color("good"), ms=stage.line_width(0.4), mew=stage.line_width(0.05))
        self.trail = stage.moving(ax.plot([], [], "o-", color=stage.color("accent"), ms=stage.line_width(0.11),
                                          lw=stage.line_width(0.05), zorder=3)[0])
        self.ball = stage.moving(ax.plot([], [], "o", color=stage.color("accent"), ms=stage.line_width(0.28),
                                         mec=stage.color("paper"), zorder=4)[0])

    @staticmethod
    def bowl(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """f(w) = w1^2/4 + 1.6 w2^2: seven times as steep across as along, hence the zigzag."""
        return 0.25 * x**2 + 1.6 * y**2

    def draw(self, clock: Clock) -> None:
        k, part = clock.index(0.06, 0.9, self.steps)
        here = self.path[k] + (self.path[k + 1] - self.path[k]) * part
        path = np.vstack([self.path[:k + 1], here])
        self.trail.set_data(path[:, 0], path[:, 1])
        self.ball.set_data([here[0]], [here[1]])


def make(topic: Topic) -> list[Scene]:
    rate = topic.numbers.after("learning rate", "rate", "eta", "η", low=0.02, high=4.5, default=0.35)
    return [
        Walk("Gradient descent", f"Follow the slope downhill: each step is the learning rate, {rate:g}, times the "
             "slope.", rate=rate, weight=1.3),
        Rates("The learning rate decides", "Too small creeps along, about right settles quickly, too large jumps over "
              "the minimum.", min_seconds=2.5),
        Contour("Two parameters at once", "Every step crosses the level lines at a right angle, so a narrow valley "
                "makes it zigzag.", priority=2),
    ]


SUBJECT = Subject(
    id="gradient-descent",
    title="Gradient descent",
    keywords=("gradient descent", "steepest descent", "learning rate", "sgd"),
    phrases=("how gradient descent finds a minimum", "optimising a loss function step by step",
             "how neural networks are trained by following the slope downhill"),
    make=make,
)
