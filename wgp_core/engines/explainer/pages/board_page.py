"""A storyboard frame as a page: the picture fills it; notes lie over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import patheffects
from matplotlib.patches import Polygon, Rectangle

from ....request import CameraMovement
from ..board import Board
from ..layout import Rect
from ..scene import Clock
from ..sketch import Sketch
from .parts import Page

if TYPE_CHECKING:
    from ..stage import Stage

INK, LINE, AMBER = "#151a22", "#fbfaf7", "#ffb020"
STRIP = 1.75
"""Height of the line of notes, in stage units."""
_MOVES = {"static": "static", "push-in": "push in", "pull-out": "pull back", "dolly-left": "slide left",
          "dolly-right": "slide right", "pan": "pan", "tilt": "tilt up", "tracking": "tracking", "orbit": "orbit",
          "handheld": "handheld"}


@dataclass
class BoardPage(Page):
    """`sketch` says what is drawn; a still (or a sketch with notes) does not move, a shot of a film does."""

    sketch: Sketch = field(default_factory=Sketch)
    place: str = ""
    caption: str = ""
    seed: int = 0

    def reading_s(self) -> float:
        """Nothing has to be read: it is looked at."""
        return 0.0

    def build(self, stage: Stage) -> None:
        strip = STRIP / stage.page.h if self.sketch.notes else 0.0
        self.size = (stage.width, max(round(stage.height * (1 - strip)), 1))
        self.board = Board(self.sketch, self.place, self.seed, self.size[0] / self.size[1])
        self.still = self.sketch.notes
        axes = stage.figure.add_axes((0, strip, 1, 1 - strip), zorder=1)
        axes.set_axis_off()
        self.shown: Any = axes.imshow(self.board.paint(*self.size), aspect="auto", interpolation="nearest")
        if self.still:
            self._notes(stage, strip * stage.page.h)
        else:
            stage.moving(self.shown)

    def draw(self, clock: Clock) -> None:
        if not self.still:
            self.shown.set_data(self.board.paint(*self.size, clock.u, max(clock.seconds, 0.1)))

    # -- notes --------------------------------------------------------------------------------------------------

    def _notes(self, stage: Stage, strip: float) -> None:
        wide, high = stage.page.w, stage.page.h - strip
        glow: list[patheffects.AbstractPathEffect] = [
            patheffects.withStroke(linewidth=stage.line_width(0.09), foreground=INK)]
        for name in self.board.names:
            if name.text:
                x = min(max(name.x * high, 1.2), wide - 1.2)
                label = stage.text(x, strip + name.y * high, name.text, "label", color=LINE,
                                   weight="semibold", va="bottom")
                label.set_path_effects(glow)
        self._action(stage, strip, high)
        self._movement(stage, strip, wide, high)
        stage.ax.add_patch(Rectangle((0, 0), wide, strip, facecolor=LINE, edgecolor="none", zorder=3))
        stage.ax.add_patch(Rectangle((0, strip - 0.05), wide, 0.05, facecolor=INK, edgecolor="none", zorder=3))
        side = strip - 0.05
        stage.ax.add_patch(Rectangle((0, 0), side, side, facecolor=INK, edgecolor="none", zorder=3))
        stage.text(side / 2, side / 2, str(self.sketch.number), "title", color=LINE, weight="bold", zorder=4)
        move = _MOVES.get(self.sketch.move, "static")
        head = f"{self.sketch.shot.upper()}  ·  {move}"
        top = Rect(side + 0.35, side - 0.6, wide - side - 0.7, 0.46)
        stage.paragraph(top, head, "label", color=INK, weight="bold").set_zorder(4)
        if stage.page.w > 12 and self.sketch.mood:
            mood = stage.text(wide - 0.35, top.cy, self.sketch.mood, "small", color="#5a6475", ha="right")
            mood.set_zorder(4)
        body = Rect(side + 0.35, 0.1, wide - side - 0.7, side - 0.7)
        stage.paragraph(body, self.caption or self.sketch.action, "body", color="#3b4452").set_zorder(4)

    def _arrow(self, stage: Stage, start: tuple[float, float], end: tuple[float, float], curve: float = 0.0, *,
               color: str = AMBER, size: float = 1.0) -> None:
        """One outlined shape from start to end; `curve` bends it by that share of its length."""
        a, b = np.array(start), np.array(end)
        along = b - a
        length = float(np.hypot(*along))
        side = np.array([-along[1], along[0]]) / length
        t = np.linspace(0, 1, 25)[:, None]
        line = a + along * t + side * (curve * length * 4 * t * (1 - t))
        slope = np.gradient(line, axis=0)
        slope /= np.hypot(slope[:, 0], slope[:, 1])[:, None]
        out = np.stack([-slope[:, 1], slope[:, 0]], axis=1)
        head, half, wide = min(0.42 * size, length * 0.5), 0.075 * size, 0.21 * size
        kept = np.hypot(*(line - b).T) > head
        neck = line[kept][-1]
        points = np.concatenate([line[kept] + out[kept] * half, [neck + out[-1] * wide, b, neck - out[-1] * wide],
                                 (line[kept] - out[kept] * half)[::-1]])
        stage.ax.add_patch(Polygon(points, closed=True, facecolor=color, edgecolor=INK, joinstyle="round",
                                   linewidth=stage.line_width(0.055), zorder=5))

    def _action(self, stage: Stage, strip: float, high: float) -> None:
        """Where people go who walk or run."""
        from ..board_people import pose_of

        if pose_of(self.sketch.action) not in ("walk", "run") or not self.board.names or self.sketch.shot in (
                "close-up", "extreme close-up", "insert shot", "POV shot", "over-the-shoulder shot"):
            return
        name = self.board.names[0]
        x, y = name.x * high, strip + max(name.y * (0.68 if self.sketch.shot == "extreme wide shot" else 0.45),
                0.12) * high
        reach = 0.12 + 0.1 * min(name.y, 0.6)
        self._arrow(stage, (x + reach * high, y), (x + (reach + 0.2) * high, y), color=LINE, size=0.9)

    def _movement(self, stage: Stage, strip: float, wide: float, high: float) -> None:
        """The camera: arrows at the rim of the picture."""
        x, y, low, top = wide / 2, strip + high / 2, strip + 0.5, strip + high - 0.5
        match self.sketch.move:
            case CameraMovement.PUSH_IN | CameraMovement.PULL_OUT:
                inward = self.sketch.move == CameraMovement.PUSH_IN
                for sx in (-1, 1):
                    for sy in (-1, 1):
                        out = (x + sx * (wide / 2 - 0.45), y + sy * (high / 2 - 0.45))
                        inn = (x + sx * (wide / 2 - 1.5), y + sy * (high / 2 - 1.1))
                        self._arrow(stage, *((out, inn) if inward else (inn, out)))
            case CameraMovement.DOLLY_LEFT:
                self._arrow(stage, (x + 1.6, top), (x - 1.6, top))
            case CameraMovement.DOLLY_RIGHT | CameraMovement.TRACKING:
                self._arrow(stage, (x - 1.6, top), (x + 1.6, top))
                if self.sketch.move == CameraMovement.TRACKING:
                    self._arrow(stage, (x - 1.2, top - 0.42), (x + 1.2, top - 0.42), size=0.8)
            case CameraMovement.PAN:
                self._arrow(stage, (x - 1.8, top - 0.25), (x + 1.8, top - 0.25), -0.16)
            case CameraMovement.TILT:
                self._arrow(stage, (wide - 0.65, y - 1.3), (wide - 0.65, y + 1.3))
            case CameraMovement.ORBIT:
                self._arrow(stage, (x - 2.2, low + 0.2), (x + 2.2, low + 0.2), -0.13)
            case CameraMovement.HANDHELD:
                xs = np.linspace(x - 1.3, x + 1.3, 60)
                ys = top - 0.1 + 0.16 * np.sin((xs - x) * 7)
                for width, color in ((0.2, INK), (0.11, AMBER)):
                    stage.ax.add_line(_line(xs, ys, color, stage.line_width(width)))


def _line(xs: Any, ys: Any, color: str, width: float) -> Any:
    from matplotlib.lines import Line2D

    return Line2D(xs, ys, color=color, linewidth=width, solid_capstyle="round", zorder=5)
