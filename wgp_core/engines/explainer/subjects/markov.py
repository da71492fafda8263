"""Markov chains: a token walking by its transition matrix, distributions that converge, powers of the matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..layout import Rect
from ..pieces import Discs, Readout, Tiles, blend, rgba, squeeze
from ..scene import Clock, Scene, smooth
from ..stage import Stage
from .base import Subject, Topic

WEATHER = np.array([[0.7, 0.2, 0.1], [0.3, 0.4, 0.3], [0.2, 0.4, 0.4]])
TINTS = ("s1", "s0", "s2", "s4", "s5")


@dataclass(frozen=True)
class Chain:
    """State names, and the matrix whose row i holds the probabilities of going from state i."""

    names: tuple[str, ...]
    matrix: np.ndarray

    def stationary(self) -> np.ndarray:
        """The distribution that a step leaves as it is: the left eigenvector for the eigenvalue 1."""
        values, vectors = np.linalg.eig(self.matrix.T)
        vector = np.real(vectors[:, int(np.argmin(np.abs(values - 1)))])
        return vector / vector.sum()

    def second_eigenvalue(self) -> float:
        """The largest size of the other eigenvalues: how fast the start is forgotten."""
        return float(np.sort(np.abs(np.linalg.eigvals(self.matrix)))[-2])

    def walk(self, steps: int, seed: int, start: int = 0) -> np.ndarray:
        """A random walk of `steps` steps: steps + 1 states."""
        rng = np.random.default_rng(seed)
        states = [start]
        for _ in range(steps):
            states.append(int(rng.choice(len(self.names), p=self.matrix[states[-1]])))
        return np.array(states)

    def distributions(self, start: int, steps: int) -> np.ndarray:
        """Row k is the distribution after k steps from `start`; shape (steps + 1, states)."""
        rows = [np.eye(len(self.names))[start]]
        for _ in range(steps):
            rows.append(rows[-1] @ self.matrix)
        return np.array(rows)


def make_chain(topic: Topic) -> Chain:
    """The weather with three states, or a seeded chain with as many states as the topic asks for."""
    count = int(topic.numbers.before("states", "state", "nodes", low=2, high=5, default=3))
    if count == 3:
        return Chain(("sunny", "cloudy", "rainy"), WEATHER)
    rng = np.random.default_rng(topic.seed)
    matrix = np.zeros((count, count))
    for i in range(count):
        others = [j for j in range(count) if j not in (i, (i + 1) % count)]
        reach = [i, (i + 1) % count, *rng.permutation(others)[:1].astype(int)]
        parts = np.round(rng.dirichlet(np.full(len(reach), 4.0)) * 0.7 + 0.3 / len(reach), 1)
        parts = np.maximum(parts, 0.1)
        parts[int(np.argmax(parts))] += 1 - parts.sum()
        matrix[i, reach] = parts
    return Chain(tuple("ABCDE"[:count]), np.round(matrix, 2))


class Map:
    """The states on a circle with curved arrows between them."""

    def __init__(self, stage: Stage, rect: Rect, chain: Chain) -> None:
        self.chain, n = chain, len(chain.names)
        self.scale = min(1.0, rect.w / 6.2, rect.h / 4.8)
        self.size = (1.25 if n < 4 else 1.0) * self.scale
        turn = np.pi / 2 + 2 * np.pi * np.arange(n) / n if n > 2 else np.array([np.pi, 0.0])
        around = np.stack([np.cos(turn), np.sin(turn)], 1)
        pad = self.size / 2 + 0.72 * self.scale + 0.5
        wide, high = np.maximum(around.max(axis=0) - around.min(axis=0), 0.01)
        spread = np.array([max((rect.w - 2 * pad) / wide, 0.5), max((rect.h - 2 * pad) / high, 0.5)])
        spread = np.minimum(spread, 1.35 * spread.min())
        shift = -(around.max(axis=0) + around.min(axis=0)) / 2
        self.center = np.array(rect.center) + shift * spread
        self.at = self.center + around * spread
        inward = np.where(n > 2, -around, np.array([0.0, -1.0]))
        self.rest = self.at + inward * (self.size / 2)
        self.paths = {(i, j): self._path(i, j) for i in range(n) for j in range(n) if chain.matrix[i, j] > 0.004}
        for (i, j), path in self.paths.items():
            tone = stage.line_width(0.03 + 0.07 * chain.matrix[i, j])
            stage.ax.plot(path[:-4, 0], path[:-4, 1], color=stage.color("faint"), lw=tone, zorder=1)
            stage.arrow(tuple(path[-9]), tuple(path[-1]), color="faint", width=0.01, head=0.26)
            spot, side = path[20 if i == j else 11], self._outside(i, j)  # off the middle, where arrows meet
            x, y = spot + 0.3 * side
            if n < 5 or self.scale > 0.85:  # where there is no room, the matrix tells the numbers
                stage.text(x, y, f"{chain.matrix[i, j]:g}", "small", color="muted")
        tints = np.array([rgba(stage, TINTS[k]) for k in range(n)])
        Discs(stage, self.at, self.size, blend(rgba(stage, "paper"), tints, 0.4), moving=False, zorder=2)
        names = [stage.text(point[0], point[1], "", "label", weight="semibold", zorder=3) for point in self.at]
        squeeze(stage, names, chain.names, self.size * 0.86)
        for artist, name in zip(names, chain.names, strict=True):
            artist.set_text(name)

    def _outside(self, i: int, j: int) -> np.ndarray:
        """The unit vector pointing away from the straight line between two states, on the arrow's side."""
        way = self.at[i] - self.center if i == j else self.at[j] - self.at[i]
        unit = way / max(float(np.hypot(*way)), 1e-9)
        return unit if i == j else np.array([unit[1], -unit[0]])

    def _path(self, i: int, j: int) -> np.ndarray:
        """From the rim of one disc to the rim of the other; a loop for i = j. Shape (41, 2)."""
        s = np.linspace(0, 1, 41)[:, None]
        r, k = self.size / 2 + 0.06, self.scale
        if i == j:
            out = self._outside(i, i)
            base = np.arctan2(out[1], out[0])
            turn = base + np.pi + 0.85 + (2 * np.pi - 1.7) * s[:, 0]
            loop = self.at[i] + out * (r + 0.26 * k) + 0.4 * k * np.stack([np.cos(turn), np.sin(turn)], 1)
            return loop
        bend = self.at[i] + (self.at[j] - self.at[i]) / 2 + self._outside(i, j) * 0.62 * k
        start = self.at[i] + (bend - self.at[i]) / np.hypot(*(bend - self.at[i])) * r
        end = self.at[j] + (bend - self.at[j]) / np.hypot(*(bend - self.at[j])) * (r + 0.03)
        return (1 - s) ** 2 * start + 2 * s * (1 - s) * bend + s**2 * end

    def _rim(self, i: int, start: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Along the edge of a disc, the shorter way, so that its name stays readable."""
        a, b = (np.arctan2(*(point - self.at[i])[::-1]) for point in (start, end))
        turn = a + (np.mod(b - a + np.pi, 2 * np.pi) - np.pi) * np.linspace(0, 1, 12)
        return self.at[i] + self.size / 2 * np.stack([np.cos(turn), np.sin(turn)], 1)

    def along(self, i: int, j: int, part: float) -> np.ndarray:
        """Where the token is after the fraction `part` of the way: rim of a disc, arrow, rim of the next."""
        path = self.paths[i, j]
        points = np.vstack([self._rim(i, self.rest[i], path[0]), path, self._rim(j, path[-1], self.rest[j])])
        place = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
        place /= place[-1]
        return np.array([np.interp(part, place, points[:, 0]), np.interp(part, place, points[:, 1])])


class MatrixView:
    """A matrix as shaded cells with its numbers; still, or showing a new matrix every frame."""

    def __init__(self, stage: Stage, rect: Rect, chain: Chain, *, moving: bool) -> None:
        n = len(chain.names)
        side = min((rect.w - 0.75) / n, (rect.h - 0.55) / n, 2.2)
        x, top = rect.cx - side * n / 2 + 0.25, rect.cy + side * n / 2 - 0.22
        self.box = Rect(x, top - n * side, n * side, n * side)
        i, j = np.mgrid[:n, :n]
        gap = 0.04 * side
        boxes = np.stack([x + j * side + gap, top - (i + 1) * side + gap, np.full(i.shape, side - 2 * gap),
                          np.full(i.shape, side - 2 * gap)], -1).reshape(-1, 4)
        self._low, self._high = rgba(stage, "panel"), blend(rgba(stage, "paper"), rgba(stage, "s0"), 0.75)
        self.tiles = Tiles(stage, boxes, self._colors(chain.matrix), moving=moving)
        role = "heading" if side > 1.5 else "label" if side > 0.8 else "small"
        tenths = np.allclose(chain.matrix, chain.matrix.round(1))
        self.digits = (3 if side > 1.5 else 2) if moving else 1 if tenths else 2
        self.numbers = [stage.text(*Rect(*box).center, "", role, zorder=4) for box in boxes]
        squeeze(stage, self.numbers[:1], ["0." + "0" * self.digits], side * 0.9)
        for artist, value in zip(self.numbers, chain.matrix.ravel(), strict=True):
            artist.set_fontsize(self.numbers[0].get_fontsize())
            artist.set_text(f"{value:.{self.digits}f}")
            if moving:
                stage.moving(artist)
        for k, name in enumerate(chain.names):
            letter = name[0].upper()
            stage.text(x + (k + 0.5) * side, top + 0.22, letter, "label", color=TINTS[k], weight="semibold")
            stage.text(x - 0.27, top - (k + 0.5) * side, letter, "label", color=TINTS[k], weight="semibold")
        self.side = side

    def _colors(self, matrix: np.ndarray) -> np.ndarray:
        return blend(self._low, self._high, np.clip(matrix.ravel() * 1.1, 0, 1))

    def show(self, matrix: np.ndarray) -> None:
        self.tiles.paint(self._colors(matrix))
        for artist, value in zip(self.numbers, matrix.ravel(), strict=True):
            artist.set_text(f"{value:.{self.digits}f}")


class ShareBars:
    """One bar a state (or one a state and start), with marks where the stationary distribution lies."""

    def __init__(self, stage: Stage, rect: Rect, chain: Chain, groups: Sequence[float] = (1.0,)) -> None:
        """`groups` gives the opacity of each bar of a state."""
        n, g = len(chain.names), len(groups)
        self.frame = Rect(rect.x + 0.1, rect.y + 0.5, rect.w - 0.2, rect.h - 1.0)
        self.goal = chain.stationary()
        slot = self.frame.w / n
        boxes, colors = [], []
        stage.line([self.frame.x, self.frame.right], [self.frame.y] * 2, color="muted", width=0.03)
        marks = []
        labels = [stage.text(self.frame.x + (k + 0.5) * slot, self.frame.y - 0.27, "", "label", color=TINTS[k])
                  for k in range(n)]
        squeeze(stage, labels, chain.names, slot * 0.95)
        for k, name in enumerate(chain.names):
            labels[k].set_text(name)
            for j, strength in enumerate(groups):
                w = slot * 0.72 / g
                boxes.append([self.frame.x + slot * (k + 0.14) + j * w, self.frame.y, w * 0.94, 0.0])
                colors.append(blend(rgba(stage, "paper"), rgba(stage, TINTS[k]), strength))
            y = self.frame.y + self.frame.h * self.goal[k]
            marks.append(([self.frame.x + slot * (k + 0.06), self.frame.x + slot * (k + 0.94)], [y, y]))
        self.boxes = np.array(boxes)
        self.tiles = Tiles(stage, self.boxes, np.array(colors))
        for xs, ys in marks:
            stage.moving(stage.line(xs, ys, color="ink", width=0.05, zorder=4))

    def show(self, shares: np.ndarray) -> None:
        """`shares` in the order of the bars: state by state, within it start by start."""
        boxes = self.boxes.copy()
        boxes[:, 3] = self.frame.h * np.asarray(shares)
        self.tiles.place(boxes)


@dataclass
class Walk(Scene):
    """The token walks; the share of its visits grows towards the stationary distribution."""

    chain: Chain = Chain(("sunny", "cloudy", "rainy"), WEATHER)
    seed: int = 0
    steps: int = 36

    def build(self, stage: Stage) -> None:
        self.states = self.chain.walk(self.steps, self.seed)
        n = len(self.chain.names)
        visits = np.cumsum(np.eye(n)[self.states], axis=0)
        self.shares = visits / visits.sum(axis=1, keepdims=True)
        main, side = stage.content.split((1.6, 1), gap=0.4)
        self.map = Map(stage, main, self.chain)
        self.trace = stage.moving(stage.line([], [], color="accent", width=0.09, zorder=2))
        self.token = Discs(stage, self.map.rest[:1], 0.42, rgba(stage, "accent"), zorder=6, edge="paper")
        grid, bars = side.split(2, gap=0.3)
        head, table = grid.rows((0.5, grid.h - 0.55), gap=0.05)
        stage.text(*head.center, "from row to column", "small", color="muted")
        self.matrix = MatrixView(stage, table, self.chain, moving=False)
        self.mark = stage.moving(stage.line([], [], color="accent", width=0.06, zorder=5))
        self.count = stage.moving(stage.text(bars.cx, bars.top - 0.25, "", "small", color="muted"))
        self.bars = ShareBars(stage, Rect(bars.x, bars.y, bars.w, bars.h - 0.2), self.chain)

    def draw(self, clock: Clock) -> None:
        place = clock.line(0.02, 0.95) ** 1.5 * self.steps
        k = min(int(place), self.steps - 1)
        part = smooth((place - k) / 0.8)
        here, there = int(self.states[k]), int(self.states[k + 1])
        path = self.map.paths[here, there]
        self.trace.set_data(path[:, 0], path[:, 1])
        self.token.place(self.map.along(here, there, part)[None])
        box, side = self.matrix.box, self.matrix.side
        low, high = box.top - (here + 1) * side, box.top - here * side
        self.mark.set_data([box.x, box.right, box.right, box.x, box.x], [low, low, high, high, low])
        seen = k + (1 if part >= 1 else 0)
        self.count.set_text(f"share of visits, step {seen}")
        self.bars.show(self.shares[seen])


@dataclass
class Forget(Scene):
    """Two starts, one limit: the distributions step by step, as bars and as curves."""

    chain: Chain = Chain(("sunny", "cloudy", "rainy"), WEATHER)
    steps: int = 8

    def build(self, stage: Stage) -> None:
        last = len(self.chain.names) - 1
        self.runs = [self.chain.distributions(0, self.steps), self.chain.distributions(last, self.steps)]
        left, right = stage.content.split((1, 1.15), gap=0.4)
        head, plot = left.rows((0.7, left.h - 0.75), gap=0.05)
        stage.paragraph(head, f"from {self.chain.names[0]} (strong) or {self.chain.names[last]} (pale)", "label",
                        color="muted", ha="center")
        self.bars = ShareBars(stage, plot, self.chain, groups=(0.95, 0.5))
        ax = stage.axes(right, xlabel="step", ylabel="probability", xlim=(0, self.steps), ylim=(0, 1.02))
        for k, value in enumerate(self.chain.stationary()):
            ax.axhline(value, color=stage.color(TINTS[k]), lw=stage.line_width(0.02), ls=(0, (3, 4)), alpha=0.7)
        self.lines = [stage.moving(ax.plot([], [], color=stage.color(TINTS[k]), lw=stage.line_width(0.065 - 0.025 * r),
                                           ls=("-", (0, (2, 1.5)))[r], zorder=3, clip_on=False)[0])
                      for r in range(2) for k in range(last + 1)]

    def draw(self, clock: Clock) -> None:
        k, part = clock.index(0.04, 0.92, self.steps)
        part = smooth(part)
        now = [run[k] + (run[k + 1] - run[k]) * part for run in self.runs]
        self.bars.show(np.stack(now, 1).ravel())
        xs = np.append(np.arange(k + 1), k + part)
        n = len(self.chain.names)
        for index, line in enumerate(self.lines):
            run, state = divmod(index, n)
            line.set_data(xs, np.append(self.runs[run][:k + 1, state], now[run][state]))


@dataclass
class Powers(Scene):
    """P, P squared, P cubed ...: all rows become the stationary distribution."""

    chain: Chain = Chain(("sunny", "cloudy", "rainy"), WEATHER)
    most: int = 10

    def build(self, stage: Stage) -> None:
        self.powers = [np.linalg.matrix_power(self.chain.matrix, k) for k in range(1, self.most + 1)]
        self.gaps = [float((p.max(axis=0) - p.min(axis=0)).max()) for p in self.powers]
        main, side = stage.content.split((1.6, 1), gap=0.4)
        self.view = MatrixView(stage, main, self.chain, moving=True)
        self.panel = Readout(stage, side, ("power k", "rows differ by", r"$|\lambda_2|^k$"), ("10", "0.000", "0.000"),
                             formula=rf"$|\lambda_2| = {self.chain.second_eigenvalue():.3f}$",
                             colors=("ink", "accent", "s0"))

    def draw(self, clock: Clock) -> None:
        k, part = clock.index(0.08, 0.9, self.most - 1)
        part = smooth(part / 0.7)
        part = round(4 * part) / 4  # numbers in motion cannot be read, and drawing new ones is slow
        self.view.show(self.powers[k] + (self.powers[k + 1] - self.powers[k]) * part)
        done = k + (1 if part >= 1 else 0)
        self.panel.show(f"{done + 1}", f"{self.gaps[done]:.3f}",
                        f"{self.chain.second_eigenvalue() ** (done + 1):.3f}")


def make(topic: Topic) -> list[Scene]:
    chain = make_chain(topic)
    goal = chain.stationary()
    best = int(np.argmax(goal))
    return [
        Walk("A Markov chain", "The next state depends only on the present one: its row holds the probabilities.",
             chain=chain, seed=topic.seed, weight=1.3, min_seconds=3),
        Forget("The start is forgotten", f"Wherever it starts, the chain ends up {chain.names[best]} "
               f"{100 * goal[best]:.0f}% of the time.", chain=chain),
        Powers("Powers of the matrix", "Row i of P to the power k tells where the chain is k steps after state i.",
               chain=chain, priority=2),
    ]


SUBJECT = Subject(
    id="markov-chain",
    title="Markov chains",
    keywords=("markov", "markov chain", "transition matrix", "stationary distribution", "random walk on states"),
    phrases=("a system that jumps between states with fixed probabilities",
             "predicting tomorrow's weather from today's", "how page rank follows a random surfer"),
    make=make,
)
