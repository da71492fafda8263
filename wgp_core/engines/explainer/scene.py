"""What a scene is, and how time passes in it.

A scene is plain data until `build` puts its artists on a stage; `draw` then sets their state as a pure function of
the clock, so that any frame can be drawn by any process in any order with the same pixels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .stage import Stage


def smooth(x: float) -> float:
    """Ease in and out: 3x^2 - 2x^3 on 0..1, clamped."""
    x = min(max(x, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def linear(x: float) -> float:
    return min(max(x, 0.0), 1.0)


def ease_out(x: float) -> float:
    """Fast start, slow end (cubic), clamped."""
    x = min(max(x, 0.0), 1.0)
    return 1 - (1 - x) ** 3


def mix(a: float, b: float, x: float) -> float:
    return a + (b - a) * x


@dataclass(frozen=True)
class Clock:
    """Where a scene is: `u` from 0 to 1 over its `seconds`."""

    u: float
    seconds: float

    @property
    def t(self) -> float:
        """Seconds since the scene began."""
        return self.u * self.seconds

    def ramp(self, start: float, end: float) -> float:
        """Eased 0..1 while `u` goes from `start` to `end` (fractions of the scene)."""
        return smooth((self.u - start) / max(end - start, 1e-9))

    def line(self, start: float, end: float) -> float:
        """As `ramp`, at constant speed."""
        return linear((self.u - start) / max(end - start, 1e-9))

    def index(self, start: float, end: float, count: int) -> tuple[int, float]:
        """Which of `count` equal steps between `start` and `end` is running, and the fraction of that step.

        Before `start` it is (0, 0.0); after `end` it is (count - 1, 1.0).
        """
        x = self.line(start, end) * count
        i = min(int(x), count - 1)
        return i, min(x - i, 1.0)


@dataclass
class Scene(ABC):
    """One scene. `title` stands above, `narration` is the caption; `spoken` is the subtitle where that says more.

    `weight` is the share of time, `priority` 1 is kept in the shortest video, 2 needs some room, 3 is for long ones.
    `min_seconds` is the least time in which the scene can be followed.
    """

    title: str
    narration: str = ""
    weight: float = 1.0
    priority: int = 1
    min_seconds: float = 2.0
    source: str = ""
    spoken: str = ""

    @abstractmethod
    def build(self, stage: Stage) -> None:
        """Create every artist once; those that change are made with `stage.moving(...)`."""

    def draw(self, clock: Clock) -> None:  # noqa: B027 - a still scene draws nothing anew
        """Set the moving artists for this moment. Must depend on nothing but `clock` and the scene's data."""


@dataclass(frozen=True)
class Slot:
    """A scene with its place in the video: frames `first_frame` to `first_frame + frames - 1`."""

    scene: Scene
    first_frame: int
    frames: int
