"""Principal component analysis: turning the axis to the most variance, projecting, and explained variance."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from matplotlib.collections import LineCollection

from ..parts import Bars, dots, num
from ..pieces import Readout
from ..scene import Clock, Scene, mix, smooth
from ..stage import Stage
from .base import Subject, Topic

SPAN = 3.2


def cloud(seed: int, count: int = 70) -> np.ndarray:
    """A centred, stretched and turned cloud of points, (count, 2)."""
    rng = np.random.default_rng(seed)
    angle = math.radians(rng.uniform(22, 62))
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    points = (rng.normal(0, 1, (count, 2)) * (1.45, 0.48)) @ turn.T
    points = np.clip(points, -SPAN * 0.97, SPAN * 0.97)
    return points - points.mean(0)


def direction(angle: float) -> np.ndarray:
    return np.array([math.cos(angle), math.sin(angle)])


def variance_along(points: np.ndarray, angle: float | np.ndarray) -> np.ndarray:
    """The variance (n - 1 in the denominator) of the projections on the axis at `angle` radians."""
    cov = np.cov(points.T)
    c, s = np.cos(angle), np.sin(angle)
    return c * c * cov[0, 0] + 2 * s * c * cov[0, 1] + s * s * cov[1, 1]


def principal_angle(points: np.ndarray) -> float:
    """The angle in 0..pi of the eigenvector of the covariance matrix with the largest eigenvalue."""
    _, vectors = np.linalg.eigh(np.cov(points.T))
    x, y = vectors[:, -1]
    return math.atan2(y, x) % math.pi


@dataclass
class Turn(Scene):
    """An axis turns through the cloud; the variance of the projections is traced over the angle."""

    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))

    def build(self, stage: Stage) -> None:
        points = self.points
        self.best = principal_angle(points)
        plot, side = stage.content.split((1.1, 1), gap=0.4)
        wide, tall = SPAN * max(plot.w / plot.h, 1), SPAN * max(plot.h / plot.w, 1)
        ax = stage.axes(plot, xlim=(-wide, wide), ylim=(-tall, tall), ticks=False, frame=False)
        ax.set_aspect("equal", adjustable="box")
        ax.plot(*points.T, "o", color=stage.color("s0"), ms=stage.line_width(0.16), mew=0, zorder=2)
        self.links = LineCollection([], colors=stage.color("muted"), linewidths=stage.line_width(0.025), zorder=3)
        ax.add_collection(stage.moving(self.links), autolim=False)
        self.axis = stage.moving(ax.plot([], [], color=stage.color("accent"), lw=stage.line_width(0.06), zorder=4)[0])
        self.feet = dots(stage, ax, "accent", size=0.15, edge=False, zorder=5)
        top, low = side.rows((1.9, 1), gap=0.25)
        self._build_curve(stage, top)
        self.readout = Readout(stage, low, ("angle", "variance"), ("180°", "8.88"))

    def _build_curve(self, stage: Stage, rect) -> None:
        self.degrees = np.linspace(0, 180, 181)
        self.curve_y = variance_along(self.points, np.radians(self.degrees))
        ax = stage.axes(rect, xlabel="angle of the axis (degrees)", ylabel="variance", xlim=(0, 180),
                        ylim=(0, float(self.curve_y.max()) * 1.15))
        ax.set_xticks([0, 45, 90, 135, 180])
        ax.plot(self.degrees, self.curve_y, color=stage.color("faint"), lw=stage.line_width(0.05), zorder=1)
        ax.axvline(math.degrees(self.best), color=stage.color("good"), lw=stage.line_width(0.04), ls=(0, (3, 3)),
                   zorder=1)
        self.trace = stage.moving(ax.plot([], [], color=stage.color("accent"), lw=stage.line_width(0.06), zorder=3)[0])
        self.ball = dots(stage, ax, "accent", size=0.28, clip_on=False)

    def angle_at(self, clock: Clock) -> float:
        """Once through the half turn, then back to the best angle, where it stays."""
        if clock.u < 0.66:
            return math.pi * mix(clock.line(0.02, 0.64), clock.ramp(0.02, 0.64), 0.4)
        return mix(math.pi, self.best, clock.ramp(0.66, 0.9))

    def draw(self, clock: Clock) -> None:
        angle = self.angle_at(clock)
        d = direction(angle)
        feet = np.outer(self.points @ d, d)
        self.links.set_segments(list(np.stack([self.points, feet], 1)))
        reach = SPAN * 1.02 * d
        self.axis.set_data([-reach[0], reach[0]], [-reach[1], reach[1]])
        self.feet.set_data(*feet.T)
        degrees, value = math.degrees(angle), float(variance_along(self.points, angle))
        upto = 181 if clock.u >= 0.66 else int(degrees) + 1
        self.trace.set_data(self.degrees[:upto], self.curve_y[:upto])
        self.ball.set_data([degrees], [value])
        self.readout.show(f"{degrees:.0f}°", num(value))


@dataclass
class Project(Scene):
    """The cloud turns until its own axes are level, then falls onto the first of them."""

    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))

    def build(self, stage: Stage) -> None:
        values = np.linalg.eigvalsh(np.cov(self.points.T))
        self.angle = principal_angle(self.points)
        self.share = values[::-1] / values.sum()
        plot, side = stage.content.split((2, 1), gap=0.4)
        wide, tall = SPAN * max(plot.w / plot.h, 1), SPAN * max(plot.h / plot.w, 1)
        self.reach = min(wide, SPAN * 1.25)
        ax = stage.axes(plot, xlim=(-wide, wide), ylim=(-tall, tall), ticks=False, frame=False)
        ax.set_aspect("equal", adjustable="box")
        self.first = stage.moving(ax.plot([], [], color=stage.color("accent"), lw=stage.line_width(0.06), zorder=2)[0])
        self.second = stage.moving(ax.plot([], [], color=stage.color("s4"), lw=stage.line_width(0.05), zorder=2)[0])
        self.links = LineCollection([], colors=stage.color("muted"), linewidths=stage.line_width(0.025), zorder=3)
        ax.add_collection(stage.moving(self.links), autolim=False)
        self.cloud = dots(stage, ax, "s0", size=0.17, edge=False)
        self.names = [stage.moving(stage.text(0, 0, name, "label", color=tint, on=ax, weight="semibold"))
                      for name, tint in (("PC1", "accent"), ("PC2", "s4"))]
        self.readout = Readout(stage, side, ("numbers per point", "PC1 keeps", "PC2 keeps"),
                               ("2", "100.0 %", "100.0 %"), colors=("ink", "accent", "s4"))

    def draw(self, clock: Clock) -> None:
        turned = self.angle * (1 - clock.ramp(0.12, 0.42))
        fallen = clock.ramp(0.52, 0.86)
        one, two = direction(turned), direction(turned + math.pi / 2)
        a, b = self.points @ direction(self.angle), self.points @ direction(self.angle + math.pi / 2)
        here = np.outer(a, one) + np.outer(b * (1 - fallen), two)
        self.cloud.set_data(*here.T)
        if fallen > 0:
            full = np.outer(a, one) + np.outer(b, two)
            self.links.set_segments(list(np.stack([full, here], 1)))
        else:
            self.links.set_segments([])
        short = 1.9
        for line, d, reach in ((self.first, one, self.reach), (self.second, two, short * (1 - fallen))):
            line.set_data([-reach * d[0], reach * d[0]], [-reach * d[1], reach * d[1]])
        below = 0.42 * two
        self.names[0].set_position(tuple(one * (self.reach - 0.5) - below))
        self.names[1].set_position(tuple(two * (short + 0.4)))
        self.names[1].set_visible(fallen < 0.3)
        self.readout.show("1" if fallen > 0.9 else "2", f"{100 * self.share[0]:.1f} %", f"{100 * self.share[1]:.1f} %")


def spectrum(seed: int, dimensions: int, count: int = 200) -> np.ndarray:
    """Shares of variance, largest first, of the components of a random correlated data set."""
    rng = np.random.default_rng(seed + 1)
    factors = rng.normal(0, 1, (count, dimensions)) * 0.62 ** np.arange(dimensions) * 2
    data = factors @ rng.normal(0, 1, (dimensions, dimensions)) + rng.normal(0, 0.3, (count, dimensions))
    values = np.linalg.eigvalsh(np.cov(data.T))[::-1]
    return values / values.sum()


@dataclass
class Explained(Scene):
    """Bars of the shares of variance, and their running sum reaching 90 %."""

    dimensions: int = 6
    seed: int = 0

    def build(self, stage: Stage) -> None:
        self.shares = 100 * spectrum(self.seed, self.dimensions)
        self.sums = np.cumsum(self.shares)
        self.enough = int(np.argmax(self.sums >= 90)) + 1
        plot, side = stage.content.split((2.2, 1), gap=0.4)
        n = self.dimensions
        ax = stage.axes(plot, xlabel="principal component", ylabel="variance explained (%)", xlim=(0.4, n + 0.6),
                        ylim=(0, 106))
        ax.set_xticks(range(1, n + 1))
        ax.axhline(90, color=stage.color("good"), lw=stage.line_width(0.035), ls=(0, (3, 3)), zorder=1)
        self.bars = Bars(stage, ax, np.arange(1, n + 1), 0.62, "s0")
        self.curve = stage.moving(ax.plot([], [], "o-", color=stage.color("accent"), ms=stage.line_width(0.18),
                                          lw=stage.line_width(0.05), zorder=4, clip_on=False)[0])
        self.readout = Readout(stage, side, ("component", "its share", "sum so far", "for 90 %"),
                               ("10", "88.8 %", "88.8 %", "10 of 10"), colors=("ink", "s0", "accent", "good"))

    def draw(self, clock: Clock) -> None:
        reached = clock.line(0.0, 0.85) * self.dimensions
        grown = np.array([smooth(reached - i) for i in range(self.dimensions)])
        self.bars.set(self.shares * grown)
        i = min(int(reached), self.dimensions - 1)
        part = min(reached - i, 1.0)
        before = self.sums[i - 1] if i else 0.0
        self.curve.set_data([*range(1, i + 1), i + 1], [*self.sums[:i], mix(before, self.sums[i], smooth(part))])
        done = f"{self.enough} of {self.dimensions}" if reached >= self.enough else ""
        self.readout.show(str(i + 1), f"{self.shares[i]:.1f} %", f"{self.sums[i]:.1f} %", done)


def make(topic: Topic) -> list[Scene]:
    dimensions = int(topic.numbers.before("dimensions", "dimensional", "features", "components", "variables", "-d",
                                          low=3, high=10, default=6))
    points = cloud(topic.seed)
    return [
        Turn("Principal component analysis", "Turn the axis until the shadows of the points spread the most: the "
             "first component.", weight=1.3, points=points),
        Project("Two numbers become one", "Turned to its own axes, the cloud falls onto the first and keeps most of "
                "its spread.", points=points),
        Explained("How many components?", "Keep components until their shares of the variance add up to enough, "
                  "say 90 %.", priority=2, dimensions=dimensions, seed=topic.seed),
    ]


SUBJECT = Subject(
    id="pca",
    title="Principal component analysis",
    keywords=("pca", "principal component", "principal components", "principal component analysis",
              "dimensionality reduction", "explained variance"),
    phrases=("reducing the number of dimensions of data", "finding the direction of most variance",
             "projecting data onto its main axis"),
    make=make,
)
