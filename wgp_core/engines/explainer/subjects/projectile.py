"""Projectile motion: the throw with its velocity components, angles compared, air resistance, range over angle."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes

from ..layout import Rect
from ..pieces import Discs, Readout, minus, rgba
from ..scene import Clock, Scene
from ..stage import DPI, Stage
from .base import Subject, Topic

GRAVITY = {"moon": 1.62, "mars": 3.71, "jupiter": 24.79}
FOOTBALL_DRAG = 0.0133
"""k in a = -k |v| v, per metre: half of 1.2 kg/m3 air density times 0.25 drag times 0.038 m2, over 0.43 kg."""


@dataclass(frozen=True)
class Throw:
    """A throw from the ground: speed in m/s, angle in degrees, gravity in m/s2."""

    speed: float = 20.0
    angle: float = 45.0
    g: float = 9.81

    @property
    def velocity(self) -> tuple[float, float]:
        a = np.radians(self.angle)
        return float(self.speed * np.cos(a)), float(self.speed * np.sin(a))

    @property
    def flight_s(self) -> float:
        return 2 * self.velocity[1] / self.g

    @property
    def range_m(self) -> float:
        """v0^2 sin(2 theta) / g."""
        return float(self.speed**2 * np.sin(2 * np.radians(self.angle)) / self.g)

    @property
    def height_m(self) -> float:
        return self.velocity[1] ** 2 / (2 * self.g)

    def at(self, t: np.ndarray | float) -> tuple[np.ndarray, np.ndarray]:
        """Place after t seconds, without air."""
        vx, vy = self.velocity
        t = np.asarray(t, dtype=float)
        return vx * t, vy * t - self.g * t**2 / 2


def integrate(throw: Throw, drag: float, dt: float = 0.004) -> np.ndarray:
    """Runge-Kutta 4 with a = -g - drag |v| v until the ground; rows of t, x, y, the last one on the ground."""

    def rate(s: np.ndarray) -> np.ndarray:
        v = s[2:]
        return np.array([v[0], v[1], *(-drag * np.hypot(*v) * v)]) - np.array([0, 0, 0, throw.g])

    state = np.array([0.0, 0.0, *throw.velocity])
    rows = [(0.0, 0.0, 0.0)]
    while True:
        k1 = rate(state)
        k2 = rate(state + dt / 2 * k1)
        k3 = rate(state + dt / 2 * k2)
        k4 = rate(state + dt * k3)
        state = state + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        t0, x0, y0 = rows[-1]
        if state[1] <= 0:
            part = y0 / (y0 - state[1]) if y0 > 0 else 1.0
            rows.append((t0 + part * dt, x0 + part * (state[0] - x0), 0.0))
            return np.array(rows)
        rows.append((t0 + dt, float(state[0]), float(state[1])))


def field(stage: Stage, rect: Rect, width: float, height: float, below: float = 0.0) -> Axes:
    """Axes in metres with one scale for both directions, holding at least `width` x `height` above the ground."""
    ax = stage.axes(rect, xlabel="distance (m)", ylabel="height (m)")
    box = ax.get_position()
    shape = box.height * stage.page.h / (box.width * stage.page.w)
    span_y = height * 1.3 + below
    span_x = max(width * 1.12, span_y / shape)
    left = -0.04 * span_x - max((span_x - width * 1.12) / 2, 0.0)
    ax.set_xlim(left, left + span_x)
    ax.set_ylim(-below, span_x * shape - below)
    wide = max(stage.points("small") * DPI / 72 / stage.unit_px * 4, 1.4)
    room = max(box.width * stage.page.w / wide, 2.0)
    power = 10.0 ** np.floor(np.log10(span_x / room))
    step = next(power * m for m in (1, 2, 5, 10, 20) if span_x / (power * m) <= room)
    ax.set_xticks(np.arange(0, left + span_x, step))
    ax.set_yticks(np.arange(0, span_x * shape - below, step * (1 if span_x * shape / step > 1.5 else 0.5)))
    ax.axhline(0, color=stage.color("muted"), lw=stage.line_width(0.05), zorder=1)
    if below:
        ax.spines["bottom"].set_visible(False)
    return ax


@dataclass
class Flight(Scene):
    """One throw: the ball, its two velocity components, the numbers."""

    throw: Throw = Throw()

    def build(self, stage: Stage) -> None:
        throw = self.throw
        main, side = stage.content.split((2.3, 1) if stage.content.landscape else (1.35, 1), gap=0.4)
        below = 0.17 * max(throw.range_m, throw.height_m)
        self.ax = ax = field(stage, main, throw.range_m + 0.6 * below, throw.height_m, below)
        t = np.linspace(0, throw.flight_s, 200)
        ax.plot(*throw.at(t), color=stage.color("faint"), lw=stage.line_width(0.05), ls=(0, (2, 2)), zorder=1)
        self.strobe = stage.moving(ax.plot([], [], "o", color=stage.color("s0"), ms=stage.line_width(0.16), alpha=0.8,
                                           zorder=3)[0])
        self.trail = stage.moving(ax.plot([], [], color=stage.color("s0"), lw=stage.line_width(0.06), zorder=3)[0])
        low, high = ax.get_ylim()
        above = 0.25 * (high - low) / (ax.get_position().height * stage.page.h)
        self.top = stage.moving(stage.text(throw.range_m / 2, throw.height_m + above, "", "label", color="ink",
                                           va="bottom", weight="semibold", on=ax, zorder=3))
        self.arrows = stage.moving(ax.quiver(
            np.zeros(3), np.zeros(3), np.ones(3), np.ones(3), angles="xy", scale_units="xy", scale=1, units="dots",
            width=max(0.07 * stage.unit_px, 1.2), color=[stage.color(c) for c in ("s2", "s3", "accent")], zorder=4))
        self.scale = below / throw.speed * 0.95
        self.ball = Discs(stage, np.zeros((1, 2)), 0.34, rgba(stage, "accent"), on=ax, zorder=5, edge="paper")
        self.times = np.linspace(0, throw.flight_s, 13)
        self.panel = Readout(stage, side, ("time", "distance", "height", r"$v_x$", r"$v_y$"), (
            "00.0 s", "000.0 m", "000.0 m", "00.0 m/s", "−00.0 m/s"), formula=r"$R = v_0^2\,\sin 2\theta\, /\, g$",
            colors=("ink", "ink", "ink", "s2", "s3"))

    def draw(self, clock: Clock) -> None:
        throw = self.throw
        t = clock.line(0.04, 0.86) * throw.flight_s
        x, y = (float(v) for v in throw.at(t))
        vx, vy = throw.velocity[0], throw.velocity[1] - throw.g * t
        past = np.linspace(0, t, 90)
        self.trail.set_data(*throw.at(past))
        self.strobe.set_data(*throw.at(self.times[self.times <= t + 1e-9]))
        self.top.set_text(f"top {throw.height_m:.1f} m" if t > throw.flight_s / 2 else "")
        self.ball.place(np.array([[x, max(y, 0.0)]]))
        self.arrows.set_offsets(np.full((3, 2), (x, max(y, 0.0))))
        s = self.scale
        self.arrows.set_UVC(np.array([vx, 0.0, vx]) * s, np.array([0.0, vy, vy]) * s)
        self.panel.show(f"{t:.1f} s", f"{x:.1f} m", f"{max(y, 0.0):.1f} m", f"{vx:.1f} m/s", minus(f"{vy:.1f} m/s"))


@dataclass
class Angles(Scene):
    """The same speed at five angles, thrown at the same moment."""

    throw: Throw = Throw()
    angles: tuple[float, ...] = (15, 30, 45, 60, 75)

    def build(self, stage: Stage) -> None:
        self.throws = [replace(self.throw, angle=float(a)) for a in self.angles]
        main, side = stage.content.split((2.3, 1) if stage.content.landscape else (1.35, 1), gap=0.4)
        ax = field(stage, main, max(t.range_m for t in self.throws), max(t.height_m for t in self.throws))
        tones = ("s5", "s0", "s1", "s3", "s4")
        self.trails = [stage.moving(ax.plot([], [], color=stage.color(tone), lw=stage.line_width(0.055), zorder=3)[0])
                       for tone in tones]
        self.balls = Discs(stage, np.zeros((5, 2)), 0.3, np.array([rgba(stage, tone) for tone in tones]), on=ax,
                           zorder=5, edge="paper")
        self.panel = Readout(stage, side, [f"{a:g}°" for a in self.angles], ["000.0 m"] * 5, colors=tones,
                             title=f"range at {self.throw.speed:g} m/s")
        self.longest = max(t.flight_s for t in self.throws)

    def draw(self, clock: Clock) -> None:
        now = clock.line(0.03, 0.88) * self.longest
        places, shown = [], []
        for throw, trail in zip(self.throws, self.trails, strict=True):
            t = min(now, throw.flight_s)
            x, y = throw.at(np.linspace(0, t, 80))
            shown_x = np.asarray(trail.get_xdata())
            if not len(shown_x) or shown_x[-1] != x[-1]:
                trail.set_data(x, y)
            places.append((x[-1], max(y[-1], 0.0)))
            shown.append(f"{throw.range_m:.1f} m" if t >= throw.flight_s else "…")
        self.balls.place(np.array(places))
        self.panel.show(*shown)


@dataclass
class Drag(Scene):
    """The same throw through air, integrated, beside the parabola."""

    throw: Throw = Throw()
    drag: float = FOOTBALL_DRAG

    def build(self, stage: Stage) -> None:
        self.free = integrate(self.throw, 0.0)
        self.air = integrate(self.throw, self.drag)
        main, side = stage.content.split((2.3, 1) if stage.content.landscape else (1.35, 1), gap=0.4)
        ax = field(stage, main, self.throw.range_m, self.throw.height_m)
        self.trails = [stage.moving(ax.plot([], [], color=stage.color(tone), lw=stage.line_width(0.06), zorder=3)[0])
                       for tone in ("s0", "accent")]
        self.balls = Discs(stage, np.zeros((2, 2)), 0.34, np.array([rgba(stage, "s0"), rgba(stage, "accent")]), on=ax,
                           zorder=5, edge="paper")
        self.panel = Readout(stage, side, ("time", "no air", "air", "range lost"),
                             ("0.00 s", "000.0 m", "000.0 m", "00%"), formula=r"$a = g - k\,|v|\,v$",
                             colors=("ink", "s0", "accent", "bad"))

    def draw(self, clock: Clock) -> None:
        now = clock.line(0.03, 0.88) * self.free[-1, 0]
        places = []
        for run, trail in zip((self.free, self.air), self.trails, strict=True):
            t = np.linspace(0, min(now, run[-1, 0]), 90)
            x, y = np.interp(t, run[:, 0], run[:, 1]), np.interp(t, run[:, 0], run[:, 2])
            trail.set_data(x, y)
            places.append((x[-1], y[-1]))
        self.balls.place(np.array(places))
        lost = 1 - self.air[-1, 1] / self.free[-1, 1]
        self.panel.show(f"{now:.2f} s", f"{places[0][0]:.1f} m", f"{places[1][0]:.1f} m",
                        f"{100 * lost:.0f}%" if now >= self.free[-1, 0] - 1e-9 else "…")


@dataclass
class RangeCurve(Scene):
    """The angle sweeps from flat to steep: the parabola, and the range it gives."""

    throw: Throw = Throw()

    def build(self, stage: Stage) -> None:
        top = self.throw.speed**2 / self.throw.g
        left, right = stage.content.split(2, gap=0.4)
        ax = field(stage, left, top, top / 2)
        self.path = stage.moving(ax.plot([], [], color=stage.color("s0"), lw=stage.line_width(0.06), zorder=3)[0])
        self.landing = Discs(stage, np.zeros((1, 2)), 0.32, rgba(stage, "accent"), on=ax, zorder=4, edge="paper")
        curve = stage.axes(right, xlabel="angle (degrees)", ylabel="range (m)", xlim=(0, 90), ylim=(0, top * 1.25))
        curve.set_xticks([0, 15, 30, 45, 60, 75, 90])
        angle = np.linspace(0, 90, 181)
        self.angles, self.ranges = angle, top * np.sin(2 * np.radians(angle))
        self.done = stage.moving(curve.plot([], [], color=stage.color("accent"), lw=stage.line_width(0.06),
                                            zorder=3)[0])
        self.dot = Discs(stage, np.zeros((1, 2)), 0.3, rgba(stage, "accent"), on=curve, zorder=4, edge="paper")
        self.text = stage.moving(stage.text(45, top * 1.14, "", "label", color="accent", weight="semibold", on=curve))

    def draw(self, clock: Clock) -> None:
        angle = 4 + 82 * clock.ramp(0.04, 0.92)
        throw = replace(self.throw, angle=angle)
        self.path.set_data(*throw.at(np.linspace(0, throw.flight_s, 90)))
        self.landing.place(np.array([[throw.range_m, 0.0]]))
        seen = self.angles[self.angles <= angle]
        self.done.set_data(np.append(seen, angle), np.append(self.ranges[:len(seen)], throw.range_m))
        self.dot.place(np.array([[angle, throw.range_m]]))
        self.text.set_text(f"{angle:.0f}°: {throw.range_m:.1f} m")


def read_throw(topic: Topic) -> tuple[Throw, str]:
    """The throw the topic describes, and the place it names ("" on Earth)."""
    place = next((name for name in GRAVITY if topic.mentions(name)), "")
    numbers = topic.numbers
    angle = numbers.before("degrees", "degree", "deg", "°", low=5, high=85, default=numbers.after(
        "angle", "degrees", low=5, high=85, default=45))
    speed = numbers.before("m/s", "metres per second", "meters per second", low=2, high=100, default=numbers.after(
        "speed", "velocity", low=2, high=100, default=20))
    return Throw(speed, angle, GRAVITY.get(place, 9.81)), place


def make(topic: Topic) -> list[Scene]:
    throw, place = read_throw(topic)
    where = f" on {'the Moon' if place == 'moon' else place.title()}" if place else ""
    usual = [15.0, 30.0, 45.0, 60.0, 75.0]
    if throw.angle not in usual:
        usual[int(np.argmin(np.abs(np.array(usual) - throw.angle)))] = throw.angle
    airless = place == "moon"
    scenes: list[Scene] = [
        Flight("Projectile motion", f"{throw.speed:g} m/s at {throw.angle:g}°{where}: sideways speed stays, gravity "
               "changes only the other.", throw=throw, weight=1.3, min_seconds=2.5),
        Angles("Which angle goes farthest?", "At equal speed 45° goes farthest; 30° and 60° land at one place."
               if {30.0, 45.0, 60.0} <= set(usual) else "At equal speed the range grows up to 45° and then shrinks.",
               throw=throw, angles=tuple(usual)),
        RangeCurve("Range and angle", "Without air, the range follows the sine of twice the angle, highest at 45°.",
                   throw=throw, priority=2 if airless else 3),
    ]
    if not airless:
        scenes.insert(2, Drag("A football in air", "Drag grows with the square of the speed, so the way down is "
                              "steeper.", throw=replace(throw, g=9.81), priority=2))
    return scenes


SUBJECT = Subject(
    id="projectile",
    title="Projectile motion",
    keywords=("projectile", "projectile motion", "trajectory of a ball", "ballistic", "parabolic trajectory",
              "throwing a ball"),
    phrases=("how far a thrown ball flies", "the path of a cannonball", "throwing an object at an angle under gravity"),
    make=make,
)
