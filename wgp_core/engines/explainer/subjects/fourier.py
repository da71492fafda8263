"""Fourier series: turning circles that draw a wave, the sum growing term by term, and the Gibbs overshoot."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.collections import EllipseCollection

from ..layout import Rect
from ..pieces import Discs, Readout, Tiles, rgba, squeeze
from ..scene import Clock, Scene, smooth
from ..stage import Stage
from .base import Subject, Topic

FORMULAS = {
    "square": r"$(4/\pi)\,(\sin t + \sin(3t)/3 + \sin(5t)/5 + \cdots)$",
    "sawtooth": r"$(2/\pi)\,(\sin t - \sin(2t)/2 + \sin(3t)/3 - \cdots)$",
    "triangle": r"$(8/\pi^2)\,(\sin t - \sin(3t)/9 + \sin(5t)/25 - \cdots)$",
}


def harmonics(wave: str, terms: int) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies n and sine coefficients b_n of the first `terms` terms that are not zero, for amplitude 1."""
    k = np.arange(terms)
    if wave == "sawtooth":  # t / pi on -pi..pi
        return k + 1, 2 / np.pi * (-1.0) ** k / (k + 1)
    n = 2 * k + 1
    if wave == "triangle":
        return n, 8 / np.pi**2 * (-1.0) ** k / n**2
    return n, 4 / np.pi / n


def target(wave: str, t: np.ndarray) -> np.ndarray:
    """The wave itself, period 2 pi, amplitude 1."""
    turn = np.mod(np.asarray(t, dtype=float) + np.pi, 2 * np.pi) - np.pi
    if wave == "sawtooth":
        return turn / np.pi
    if wave == "triangle":
        return 2 / np.pi * np.arcsin(np.sin(turn))
    return np.sign(np.sin(turn))


def partial_sums(wave: str, terms: int, t: np.ndarray) -> np.ndarray:
    """Row N - 1 is the sum of the first N terms at every t; shape (terms, len(t))."""
    n, b = harmonics(wave, terms)
    return np.cumsum(b[:, None] * np.sin(n[:, None] * np.asarray(t)), axis=0)


@dataclass
class Epicycles(Scene):
    """Circles on circles; the height of the last point, drawn against time, is the partial sum."""

    wave: str = "square"
    terms: int = 5
    turns: float = 2.4

    def build(self, stage: Stage) -> None:
        self.n, self.b = harmonics(self.wave, self.terms)
        area = stage.content
        head, body = area.rows((0.95, area.h - 1.05), gap=0.1)
        count = f"{self.terms} circle{'' if self.terms == 1 else 's'}"
        stage.paragraph(Rect(head.x, head.y, 2.4, head.h), count, "body", color="muted")
        formula = stage.text(head.right - 0.1, head.cy, "", "label", color="accent", ha="right", math=True)
        squeeze(stage, [formula], [FORMULAS[self.wave]], head.w - 2.2)
        formula.set_text(FORMULAS[self.wave])
        self.flat = body.landscape
        circle, self.plot = body.split((1, 1.3) if self.flat else (1.2, 1), gap=0.3)
        steps = np.exp(1j * np.outer(np.linspace(0, 2 * np.pi, 240), self.n)) * self.b
        centers = np.hstack([np.zeros((240, 1)), np.cumsum(steps, axis=1)[:, :-1]])
        across = float(np.max(np.abs(centers.imag) + np.abs(self.b)))
        along = float(np.max(np.abs(centers.real) + np.abs(self.b)))
        room = (circle.h, circle.w) if self.flat else (circle.w, circle.h)
        self.scale = min(room[0] / across, room[1] / along) / 2 * 0.97
        self.center = np.array(circle.center)
        length = self.plot.w if self.flat else self.plot.h
        self.speed = length / (4 * np.pi)
        self._axis(stage)
        diameters = 2 * np.abs(self.b) * self.scale
        self.circles = EllipseCollection(diameters, diameters, np.zeros(self.terms), units="xy", facecolors="none",
                                         edgecolors=stage.color("muted"), linewidths=stage.line_width(0.025), alpha=0.8,
                                         offsets=np.zeros((self.terms, 2)), offset_transform=stage.ax.transData,
                                         zorder=2)
        stage.ax.add_collection(self.circles, autolim=False)
        stage.moving(self.circles)
        self.arms = stage.moving(stage.line([], [], color="s0", width=0.06, zorder=3))
        self.curve = stage.moving(stage.line([], [], color="accent", width=0.07, zorder=3))
        self.link = stage.moving(stage.line([], [], color="muted", width=0.03, zorder=3, ls=(0, (3, 3))))
        self.tips = Discs(stage, np.zeros((2, 2)), 0.22, rgba(stage, "accent"), zorder=4)

    def _axis(self, stage: Stage) -> None:
        p = self.plot
        zero = self._page(np.array([0.0]))[0]
        if self.flat:
            stage.line([p.x, p.right], [zero, zero], color="faint", width=0.03, zorder=1)
        else:
            stage.line([zero, zero], [p.y, p.top], color="faint", width=0.03, zorder=1)

    def _page(self, values: np.ndarray) -> np.ndarray:
        """Page coordinate across the wave (height in landscape, abscissa in portrait) of values."""
        return self.center[1 if self.flat else 0] + self.scale * values

    def draw(self, clock: Clock) -> None:
        now = clock.u * self.turns * 2 * np.pi + 0.35
        x, y = (np.append(0, np.cumsum(self.b * turn(self.n * now))) for turn in (np.cos, np.sin))
        across, along = self._page(y), self.scale * x
        points = np.stack([self.center[0] + along, across] if self.flat else [across, self.center[1] + along], 1)
        self.circles.set_offsets(points[:-1])
        self.arms.set_data(points[:, 0], points[:, 1])
        past = np.linspace(max(now - 4 * np.pi, 0.0), now, 420)
        heights = self._page(self.b @ np.sin(np.outer(self.n, past)))
        if self.flat:
            places = self.plot.x + (now - past) * self.speed
            self.curve.set_data(places, heights)
            start = np.array([self.plot.x, across[-1]])
        else:
            places = self.plot.top - (now - past) * self.speed
            self.curve.set_data(heights, places)
            start = np.array([across[-1], self.plot.top])
        self.link.set_data([points[-1, 0], start[0]], [points[-1, 1], start[1]])
        self.tips.place(np.stack([points[-1], start]))


@dataclass
class Adding(Scene):
    """The partial sum against the wave, a new sine easing in with its bar in the spectrum."""

    wave: str = "square"
    terms: int = 8

    def build(self, stage: Stage) -> None:
        self.n, self.b = harmonics(self.wave, self.terms)
        self.t = np.linspace(-np.pi, np.pi, 401)
        self.parts = self.b[:, None] * np.sin(self.n[:, None] * self.t)
        self.sums = np.vstack([np.zeros_like(self.t), np.cumsum(self.parts, axis=0)])
        true = target(self.wave, self.t)
        self.errors = np.sqrt(np.mean((self.sums - true) ** 2, axis=1))
        top, bottom = stage.content.rows((1.75, 1), gap=0.15)
        ax = stage.axes(top, xlim=(-np.pi, np.pi), ylim=(-1.5, 1.5), ticks=False)
        ax.plot(self.t, true, color=stage.color("muted"), lw=stage.line_width(0.05), alpha=0.75, ls=(0, (2, 2)))
        self.single = stage.moving(ax.plot(self.t, 0 * self.t, color=stage.color("s0"), lw=stage.line_width(0.035),
                                           zorder=2)[0])
        self.total = stage.moving(ax.plot(self.t, 0 * self.t, color=stage.color("accent"),
                                          lw=stage.line_width(0.075), zorder=3)[0])
        spectrum, side = bottom.columns((1.5, 1), gap=0.4)
        self.box = Rect(spectrum.x + 0.2, spectrum.y + 0.5, spectrum.w - 0.3, spectrum.h - 0.75)
        stage.line([self.box.x, self.box.right], [self.box.y, self.box.y], color="muted", width=0.03)
        self.slot = self.box.w / self.terms
        every = max(int(np.ceil(0.62 / self.slot)), 1)
        for k, n in enumerate(self.n):
            if k % every == 0:
                stage.text(self.box.x + (k + 0.5) * self.slot, self.box.y - 0.27, f"{n}", "small", color="muted")
        self.bars = Tiles(stage, self._bars(np.zeros(self.terms)), rgba(stage, "s0"))
        self.panel = Readout(stage, side, ("terms", "frequency", "rms error"), ("00", "00", "0.000"),
                             colors=("ink", "s0", "accent"))

    def _bars(self, grown: np.ndarray) -> np.ndarray:
        k = np.arange(self.terms)
        height = self.box.h * np.abs(self.b) / np.abs(self.b).max()
        return np.stack([self.box.x + (k + 0.18) * self.slot, np.full(self.terms, self.box.y),
                         np.full(self.terms, 0.64 * self.slot), height * grown], 1)

    def draw(self, clock: Clock) -> None:
        i, part = clock.index(0.02, 0.92, self.terms)
        part = smooth(part / 0.75)
        self.single.set_ydata(self.parts[i] * part)
        self.total.set_ydata(self.sums[i] + self.parts[i] * part)
        self.bars.place(self._bars(np.clip(np.arange(self.terms) * -1.0 + i + part, 0, 1)))
        done = i + (1 if part >= 1 else 0)
        self.panel.show(f"{done}", f"{self.n[i]}", f"{self.errors[done]:.3f}" if done else "")


@dataclass
class Gibbs(Scene):
    """Close to a jump (or a triangle's corner), with ever more terms: the overshoot narrows but keeps its height."""

    wave: str = "square"
    most: int = 60

    def build(self, stage: Stage) -> None:
        jump = {"square": 0.0, "sawtooth": np.pi, "triangle": np.pi / 2}[self.wave]
        self.smooth_wave = self.wave == "triangle"
        self.t = np.linspace(jump - 0.8, jump + 0.8, 700)
        self.sums = partial_sums(self.wave, self.most, self.t)
        self.excess = overshoot(self.wave, self.most)
        self.gaps = np.abs(self.sums - target(self.wave, self.t)).max(axis=1)
        main, side = stage.content.split((2.1, 1), gap=0.4)
        y = (0.55, 1.1) if self.smooth_wave else (-1.4, 1.4)
        ax = stage.axes(main, xlabel="close to the corner" if self.smooth_wave else "close to the jump",
                        xlim=(self.t[0], self.t[-1]), ylim=y, ticks=False)
        before, after = self.t[self.t < jump], self.t[self.t > jump]
        for piece in (before, after):
            ax.plot(piece, target(self.wave, piece), color=stage.color("muted"), lw=stage.line_width(0.05),
                    ls=(0, (2, 2)), zorder=1)
        if not self.smooth_wave:
            for sign in (-1, 1):
                ax.axhline(sign * 1.17898, color=stage.color("bad"), lw=stage.line_width(0.025), alpha=0.8, zorder=1)
        self.curve = stage.moving(ax.plot(self.t, self.sums[0], color=stage.color("accent"),
                                          lw=stage.line_width(0.06), zorder=3)[0])
        names = ("terms", "largest error") if self.smooth_wave else ("terms", "above wave", "of the jump", "limit")
        self.panel = Readout(stage, side, names, ("00", "0.0000", "00.00%", "00.00%")[:len(names)], colors=(
            "ink", "accent", "accent", "bad")[:len(names)], title="error shrinks" if self.smooth_wave else
            "overshoot")

    def draw(self, clock: Clock) -> None:
        k = min(int(np.exp(clock.line(0.03, 0.92) * np.log(self.most)) + 1e-9), self.most)
        if self.curve.get_ydata() is not self.sums[k - 1]:
            self.curve.set_ydata(self.sums[k - 1])
        if self.smooth_wave:
            self.panel.show(f"{k}", f"{self.gaps[k - 1]:.4f}")
        else:
            excess = self.excess[k - 1]
            self.panel.show(f"{k}", f"{excess:.3f}", f"{50 * excess:.2f}%", "8.95%")


def overshoot(wave: str, most: int) -> np.ndarray:
    """How far the partial sums with 1..most terms rise above the wave; the jumps are 2 high."""
    t = np.linspace(0, np.pi, 6002)[1:-1]
    return (partial_sums(wave, most, t) - target(wave, t)).max(axis=1)


def make(topic: Topic) -> list[Scene]:
    wave = "sawtooth" if topic.mentions("sawtooth", "saw tooth") else \
        "triangle" if topic.mentions("triangle", "triangular") else "square"
    numbers = topic.numbers
    terms = int(numbers.before("terms", "term", "harmonics", "circles", "epicycles", "sines", low=1, high=24, default=(
        numbers.after("terms", "harmonics", "N", low=1, high=24, default=5))))
    last = Gibbs("No jump, no overshoot" if wave == "triangle" else "The Gibbs overshoot", (
        "A triangle has no jump: its terms shrink like 1/n², and the error soon cannot be seen." if wave == "triangle"
        else "More terms make the overshoot narrower, but its height stays at 9% of the jump."), wave=wave, priority=2)
    return [
        Epicycles(f"A {wave} wave from circles", "Each circle turns a whole number of times a period; the last point "
                  "draws the wave.", wave=wave, terms=terms, weight=1.2),
        Adding("Adding sines", f"Every sine brings the sum closer to the {wave} wave; the bars show how much of each.",
               wave=wave, terms=max(terms, 8)),
        last,
    ]


SUBJECT = Subject(
    id="fourier-series",
    title="Fourier series",
    keywords=("fourier", "fourier series", "epicycles", "harmonics", "gibbs phenomenon", "square wave",
              "sawtooth wave"),
    phrases=("building any wave out of sines", "how a sound is made of frequencies",
             "turning circles that draw a wave"),
    make=make,
)
