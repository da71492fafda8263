"""The pendulum: the swing with its energy, the phase portrait, the true period, and the double pendulum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..layout import Rect
from ..pieces import Discs, Readout, Segments, Tiles, minus, rgba
from ..scene import Clock, Scene
from ..stage import Stage
from .base import Subject, Topic

G = 9.81


def runge_kutta(rate: Callable[[np.ndarray], np.ndarray], start: np.ndarray, dt: float, steps: int) -> np.ndarray:
    """The classical fourth-order method; returns steps + 1 states."""
    states = [np.asarray(start, dtype=float)]
    for _ in range(steps):
        s = states[-1]
        k1 = rate(s)
        k2 = rate(s + dt / 2 * k1)
        k3 = rate(s + dt / 2 * k2)
        k4 = rate(s + dt * k3)
        states.append(s + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4))
    return np.array(states)


def small_period(length: float) -> float:
    """2 pi sqrt(L / g), seconds: right for small swings."""
    return float(2 * np.pi * np.sqrt(length / G))


def true_period(length: float, amplitude: float) -> float:
    """The exact period for an amplitude in radians: T0 / agm(1, cos(amplitude / 2))."""
    a, b = 1.0, float(np.cos(amplitude / 2))
    while abs(a - b) > 1e-14:
        a, b = (a + b) / 2, float(np.sqrt(a * b))
    return small_period(length) / a


@dataclass(frozen=True)
class Motion:
    """A computed swing: times in s, angles in rad, angular velocities in rad/s, for a length in m and 1 kg."""

    t: np.ndarray
    angle: np.ndarray
    speed: np.ndarray
    length: float

    def at(self, t: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(np.interp(t, self.t, self.angle)), np.asarray(np.interp(t, self.t, self.speed))

    def energies(self, angle: np.ndarray, speed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Kinetic and potential energy in J for 1 kg; the potential is 0 at the lowest point."""
        return (self.length * speed) ** 2 / 2, G * self.length * (1 - np.cos(angle))


def swing(length: float, angle: float, seconds: float, speed: float = 0.0, dt: float = 0.004) -> Motion:
    """theta'' = -(g / L) sin theta from an angle (rad) and an angular velocity (rad/s)."""
    steps = max(int(np.ceil(seconds / dt)), 1)
    states = runge_kutta(lambda s: np.array([s[1], -G / length * np.sin(s[0])]), np.array([angle, speed]), dt, steps)
    return Motion(np.arange(steps + 1) * dt, states[:, 0], states[:, 1], length)


class Rods:
    """Pendulums hanging from one point, drawn on the page."""

    def __init__(self, stage: Stage, rect: Rect, tones: tuple[str, ...], reach: float) -> None:
        """`reach` is the largest angle (rad) that will be shown."""
        if reach <= np.pi / 2 + 0.1:
            wide = max(np.sin(min(reach, np.pi / 2)), 0.35)
            self.rod = min((rect.w / 2 - 0.4) / wide, rect.h - 0.95)
            self.pivot = np.array([rect.cx, rect.cy + (self.rod + 0.1) / 2])
        else:
            self.rod = min(rect.w, rect.h) / 2 - 0.45
            self.pivot = np.array(rect.center)
        stage.line([self.pivot[0], self.pivot[0]], [self.pivot[1], self.pivot[1] - self.rod], color="faint", width=0.03,
                   ls=(0, (3, 3)), zorder=1)
        stage.line([self.pivot[0] - 0.5, self.pivot[0] + 0.5], [self.pivot[1]] * 2, color="muted", width=0.09, zorder=1)
        colors = np.array([rgba(stage, tone) for tone in tones])
        self.rods = Segments(stage, [np.zeros((2, 2))] * len(tones), colors, width=0.06, zorder=3)
        self.bobs = Discs(stage, np.zeros((len(tones), 2)), 0.52, colors, zorder=5, edge="paper")

    def place(self, angle: float | np.ndarray) -> np.ndarray:
        """Where a bob is for an angle; (2,) or (n, 2)."""
        angle = np.asarray(angle)
        return self.pivot + self.rod * np.stack([np.sin(angle), -np.cos(angle)], -1)

    def show(self, *angles: float) -> None:
        bobs = np.array([self.place(a) for a in angles])
        self.rods.collection.set_segments([np.array([self.pivot, bob]) for bob in bobs])
        self.bobs.place(bobs)


@dataclass
class Swing(Scene):
    """The swing, its energy going to and fro, and the angle over time."""

    amplitude: float = np.radians(60)
    length: float = 1.0
    periods: float = 2.5

    def build(self, stage: Stage) -> None:
        self.span = self.periods * true_period(self.length, self.amplitude)
        self.motion = swing(self.length, self.amplitude, self.span + 0.1)
        left, right = stage.content.split((1.05, 1) if stage.content.landscape else (1, 1), gap=0.4)
        self.arc = stage.moving(stage.line([], [], color="accent", width=0.08, zorder=2, alpha=0.45))
        self.rods = Rods(stage, left, ("accent",), self.amplitude)
        bars, plot = right.rows((1.1, 1), gap=0.2)
        self._build_bars(stage, bars)
        degrees = np.degrees(self.amplitude) * 1.15
        ax = stage.axes(plot, xlabel="time (s)", ylabel="angle (°)", xlim=(0, self.span), ylim=(-degrees, degrees))
        ax.axhline(0, color=stage.color("faint"), lw=stage.line_width(0.025))
        self.trace = stage.moving(ax.plot([], [], color=stage.color("accent"), lw=stage.line_width(0.06), zorder=3)[0])
        self.dot = Discs(stage, np.zeros((1, 2)), 0.26, rgba(stage, "accent"), on=ax, zorder=4)

    def _build_bars(self, stage: Stage, rect: Rect) -> None:
        stage.card(rect)
        rows = rect.inset(0.25, 0.2).rows(3, gap=0.15)
        name_w, value_w = 1.65, 1.45
        self.full = sum(float(e) for e in self.motion.energies(np.array(self.amplitude), np.array(0.0)))
        self.lines, boxes, tones = [], [], ("s3", "s0", "s2")
        for row, name, tone in zip(rows, ("kinetic", "potential", "total"), tones, strict=True):
            stage.text(row.x, row.cy, name, "label", color="muted", ha="left")
            boxes.append([row.x + name_w, row.cy - min(row.h, 0.6) / 2, row.w - name_w - value_w, min(row.h, 0.6)])
            self.lines.append(stage.moving(stage.text(row.right, row.cy, "", "label", color=tone, ha="right",
                                                      weight="semibold")))
        self.boxes = np.array(boxes)
        self.bars = Tiles(stage, self.boxes, np.array([rgba(stage, tone) for tone in tones]))

    def draw(self, clock: Clock) -> None:
        now = clock.u * self.span
        angle, speed = (float(v) for v in self.motion.at(now))
        kinetic, potential = (float(e) for e in self.motion.energies(np.array(angle), np.array(speed)))
        self.rods.show(angle)
        recent = self.rods.place(self.motion.at(np.linspace(max(now - 0.35, 0), now, 24))[0])
        self.arc.set_data(recent[:, 0], recent[:, 1])
        boxes = self.boxes.copy()
        boxes[:, 2] *= np.array([kinetic, potential, kinetic + potential]) / self.full
        self.bars.place(boxes)
        for text, value in zip(self.lines, (kinetic, potential, kinetic + potential), strict=True):
            text.set_text(f"{value:.2f} J")
        past = np.linspace(0, now, 200)
        self.trace.set_data(past, np.degrees(self.motion.at(past)[0]))
        self.dot.place(np.array([[now, np.degrees(angle)]]))


@dataclass
class Phase(Scene):
    """Three swings from one pivot and the curves they follow in the plane of angle and angular velocity."""

    amplitude: float = np.radians(60)
    length: float = 1.0

    def build(self, stage: Stage) -> None:
        top = 2 * np.sqrt(G / self.length)
        span = 2 * true_period(self.length, self.amplitude)
        self.span = span
        small = np.radians(25) if self.amplitude > np.radians(35) else self.amplitude / 2
        self.motions = [swing(self.length, small, span), swing(self.length, self.amplitude, span),
                        swing(self.length, -np.pi, span, speed=0.5 * top)]
        left, right = stage.content.split((1, 1.5) if stage.content.landscape else (1, 1.2), gap=0.3)
        tones = ("s0", "accent", "s4")
        hanging, note = left.rows((left.h - 0.75, 0.65), gap=0.1)
        stage.paragraph(note, "red curve: just reaches the top", "label", color="bad", ha="center")
        self.rods = Rods(stage, hanging, tones, np.pi)
        ax = stage.axes(right, xlabel="angle (rad)", ylabel="angular velocity (1/s)", xlim=(-np.pi, np.pi),
                        ylim=(-1.35 * top, 1.35 * top))
        ax.set_xticks([-np.pi, -np.pi / 2, 0, np.pi / 2, np.pi], ["−π", "−π/2", "0", "π/2", "π"])
        x, y = np.meshgrid(np.linspace(-np.pi, np.pi, 160), np.linspace(-1.35 * top, 1.35 * top, 120))
        energy = y**2 / 2 + G / self.length * (1 - np.cos(x))
        edge = 2 * G / self.length
        ax.contour(x, y, energy, levels=edge * np.array([0.05, 0.2, 0.45, 0.75, 1.35, 1.7]),
                   colors=stage.color("faint"), linewidths=stage.line_width(0.025), zorder=1)
        ax.contour(x, y, energy, levels=[edge], colors=stage.color("bad"), linewidths=stage.line_width(0.045), zorder=1)
        self.trails = [stage.moving(ax.plot([], [], color=stage.color(tone), lw=stage.line_width(0.06), zorder=3)[0])
                       for tone in tones]
        self.dots = Discs(stage, np.zeros((3, 2)), 0.28, np.array([rgba(stage, tone) for tone in tones]), on=ax,
                          zorder=4)

    def draw(self, clock: Clock) -> None:
        now = clock.u * self.span
        angles, dots = [], []
        for motion, trail in zip(self.motions, self.trails, strict=True):
            angle, speed = motion.at(np.linspace(max(now - 0.9, 0), now, 70))
            angles.append(float(angle[-1]))
            folded = np.mod(angle + np.pi, 2 * np.pi) - np.pi
            jump = np.flatnonzero(np.abs(np.diff(folded)) > np.pi) + 1
            trail.set_data(np.insert(folded, jump, np.nan), np.insert(speed, jump, np.nan))
            dots.append((folded[-1], speed[-1]))
        self.rods.show(*angles)
        self.dots.place(np.array(dots))


@dataclass
class Period(Scene):
    """The small-angle formula against the real swing: they drift apart, more with a larger amplitude."""

    amplitude: float = np.radians(60)
    length: float = 1.0
    swings: float = 4.0

    def build(self, stage: Stage) -> None:
        self.short, self.true = small_period(self.length), true_period(self.length, self.amplitude)
        self.span = self.swings * self.true
        self.motion = swing(self.length, self.amplitude, self.span + 0.1)
        left, right = stage.content.split((1, 1.15), gap=0.4)
        self.rods = Rods(stage, left, ("muted", "accent"), self.amplitude)
        plot, side = right.rows((1.25, 1), gap=0.15)
        most = max(np.degrees(self.amplitude) * 1.2, 90)
        most = min(most, 172)
        ax = stage.axes(plot, xlabel="amplitude (°)", ylabel="T / T₀", xlim=(0, most),
                        ylim=(1, true_period(1.0, np.radians(most)) / small_period(1.0)))
        self.grid = np.linspace(0.5, most, 160)
        self.ratio = np.array([true_period(1.0, np.radians(a)) for a in self.grid]) / small_period(1.0)
        ax.plot(self.grid, self.ratio, color=stage.color("s0"), lw=stage.line_width(0.055), zorder=2)
        self.dot = Discs(stage, np.array([[0.5, 1.0]]), 0.28, rgba(stage, "accent"), on=ax, zorder=4, edge="paper")
        self.panel = Readout(stage, side, ("formula $T_0$", "true T", "swings apart"), ("0.000 s", "0.000 s", "0.00"),
                             colors=("muted", "accent", "bad"), formula=r"$T_0 = 2\pi\,\sqrt{L/g}$")

    def draw(self, clock: Clock) -> None:
        now = clock.u * self.span
        guess = self.amplitude * np.cos(2 * np.pi * now / self.short)
        self.rods.show(float(guess), float(self.motion.at(now)[0]))
        amplitude = np.degrees(self.amplitude) * clock.ramp(0.02, 0.5)
        self.dot.place(np.array([[max(amplitude, 0.5), np.interp(amplitude, self.grid, self.ratio)]]))
        self.panel.show(f"{self.short:.3f} s", f"{self.true:.3f} s", f"{now / self.short - now / self.true:.2f}")


def double_rate(s: np.ndarray) -> np.ndarray:
    """Two equal rods and masses; state rows: angles a, b and angular velocities u, v (lengths 1 m, masses 1 kg)."""
    a, b, u, v = s
    d = a - b
    bottom = 3 - np.cos(2 * d)
    du = (-3 * G * np.sin(a) - G * np.sin(a - 2 * b) - 2 * np.sin(d) * (v**2 + u**2 * np.cos(d))) / bottom
    dv = 2 * np.sin(d) * (2 * u**2 + 2 * G * np.cos(a) + v**2 * np.cos(d)) / bottom
    return np.array([u, v, du, dv])


def double_energy(s: np.ndarray) -> np.ndarray:
    """Total energy in J of a state as in `double_rate`."""
    a, b, u, v = s
    return u**2 + v**2 / 2 + u * v * np.cos(a - b) - 2 * G * np.cos(a) - G * np.cos(b)


@dataclass
class Double(Scene):
    """Two double pendulums that start a thousandth of a radian apart."""

    seconds: float = 12.0
    seed: int = 0
    dt: float = 0.004

    def build(self, stage: Stage) -> None:
        rng = np.random.default_rng(self.seed)
        a, b = 2.0 + 0.3 * rng.random(), 2.3 + 0.4 * rng.random()
        start = np.array([[a, a], [b, b + 0.001], [0.0, 0.0], [0.0, 0.0]])
        self.states = runge_kutta(double_rate, start, self.dt, int(self.seconds / self.dt))
        left, right = stage.content.split((1.15, 1), gap=0.4)
        box = left.square()
        self.rod = box.w / 4 - 0.14
        self.pivot = np.array(box.center)
        x, y = self.pivot
        stage.line([x - 0.25, x + 0.25], [y, y], color="muted", width=0.09, zorder=1)
        angles = self.states[:, :2]
        self.elbows = self.pivot + self.rod * np.stack([np.sin(angles[:, 0]), -np.cos(angles[:, 0])], -1)
        self.ends = self.elbows + self.rod * np.stack([np.sin(angles[:, 1]), -np.cos(angles[:, 1])], -1)
        tones = ("s0", "accent")
        self.trails = [stage.moving(stage.line([], [], color=tone, width=0.04, alpha=0.6, zorder=2)) for tone in tones]
        colors = np.array([rgba(stage, tone) for tone in tones])
        self.rods = Segments(stage, [np.zeros((3, 2))] * 2, colors, width=0.07, zorder=3)
        self.bobs = Discs(stage, np.zeros((4, 2)), 0.38, np.vstack([colors, colors]), zorder=4, edge="paper")
        self.gaps = np.hypot(*(self.ends[:, 0] - self.ends[:, 1]).T) / self.rod
        plot, side = right.rows((1.4, 1), gap=0.15)
        ax = stage.axes(plot, xlabel="time (s)", ylabel="gap (m)", xlim=(0, self.seconds), ylim=(3e-4, 8))
        ax.set_yscale("log")
        ax.set_yticks([1e-3, 1e-2, 0.1, 1], ["0.001", "0.01", "0.1", "1"])
        ax.minorticks_off()
        self.curve = stage.moving(ax.plot([], [], color=stage.color("s3"), lw=stage.line_width(0.05), zorder=3)[0])
        self.panel = Readout(stage, side, ("time", "gap", "energy"), ("00.0 s", "0.0000 m", "−00.000 J"),
                             colors=("ink", "s3", "s2"))
        self.energy = double_energy(self.states[:, :, 0].T)

    def draw(self, clock: Clock) -> None:
        i = min(int(clock.u * (len(self.states) - 1)), len(self.states) - 1)
        past = slice(max(i - 300, 0), i + 1, 3)
        for k, trail in enumerate(self.trails):
            trail.set_data(self.ends[past, k, 0], self.ends[past, k, 1])
        self.rods.collection.set_segments([np.array([self.pivot, self.elbows[i, k], self.ends[i, k]]) for k in (0, 1)])
        self.bobs.place(np.vstack([self.elbows[i], self.ends[i]]))
        t = np.arange(0, i + 1, 8)
        self.curve.set_data(t * self.dt, self.gaps[t])
        self.panel.show(f"{i * self.dt:.1f} s", f"{self.gaps[i]:.4f} m", minus(f"{self.energy[i]:.3f} J"))


def make(topic: Topic) -> list[Scene]:
    numbers = topic.numbers
    degrees = numbers.before("degrees", "degree", "deg", "°", low=5, high=170, default=numbers.after(
        "amplitude", "angle", low=5, high=170, default=60))
    length = numbers.before("metres", "meters", "metre", "meter", "m", low=0.1, high=20, default=numbers.after(
        "length", low=0.1, high=20, default=1.0))
    amplitude = float(np.radians(degrees))
    slower = 100 * (true_period(1, amplitude) / small_period(1) - 1)
    chaos = topic.mentions("double pendulum", "double pendulums", "chaos", "chaotic")
    double = Double("The double pendulum", "Two starts a thousandth of a radian apart: soon they share nothing. That "
                    "is chaos.", seed=topic.seed, priority=1 if chaos else 3, min_seconds=4)
    scenes: list[Scene] = [
        Swing("The pendulum", "Height turns into speed and back again; the sum of the two energies stays the same.",
              amplitude=amplitude, length=length, weight=1.3, min_seconds=2.5),
        Period("Is the period constant?", f"At {degrees:g}° a swing takes {slower:.1f}% longer than the small-angle "
               "formula says.", amplitude=amplitude, length=length, priority=2 if chaos else 1, min_seconds=3),
        Phase("The phase portrait", "Small swings circle in the middle; with more energy it goes over the top.",
              amplitude=amplitude, length=length, priority=2),
    ]
    return [double, *scenes] if chaos else [*scenes, double]


SUBJECT = Subject(
    id="pendulum",
    title="The pendulum",
    keywords=("pendulum", "double pendulum", "simple harmonic motion", "phase portrait"),
    phrases=("a weight swinging on a string", "how a clock keeps time with a swinging bob",
             "energy changing between height and speed"),
    make=make,
)
