"""Rectangles in stage units, and how they split. The short side of the picture is 9 units; y points up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SHORT_SIDE_UNITS = 9.0


@dataclass(frozen=True)
class Rect:
    """`x`, `y` is the lower left corner."""

    x: float
    y: float
    w: float
    h: float

    @property
    def cx(self) -> float:
        return self.x + self.w / 2

    @property
    def cy(self) -> float:
        return self.y + self.h / 2

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def top(self) -> float:
        return self.y + self.h

    @property
    def center(self) -> tuple[float, float]:
        return self.cx, self.cy

    @property
    def landscape(self) -> bool:
        return self.w >= self.h

    def inset(self, dx: float, dy: float | None = None) -> Rect:
        dy = dx if dy is None else dy
        return Rect(self.x + dx, self.y + dy, max(self.w - 2 * dx, 0.01), max(self.h - 2 * dy, 0.01))

    def at(self, fx: float, fy: float) -> tuple[float, float]:
        """The point at fractions (0..1) of width and height."""
        return self.x + fx * self.w, self.y + fy * self.h

    def columns(self, weights: Sequence[float] | int, gap: float = 0.4) -> list[Rect]:
        """Split left to right; a number gives equal parts."""
        parts = [1.0] * weights if isinstance(weights, int) else list(weights)
        room = self.w - gap * (len(parts) - 1)
        out, x = [], self.x
        for part in parts:
            w = room * part / sum(parts)
            out.append(Rect(x, self.y, w, self.h))
            x += w + gap
        return out

    def rows(self, weights: Sequence[float] | int, gap: float = 0.4) -> list[Rect]:
        """Split top to bottom; a number gives equal parts."""
        parts = [1.0] * weights if isinstance(weights, int) else list(weights)
        room = self.h - gap * (len(parts) - 1)
        out, top = [], self.top
        for part in parts:
            h = room * part / sum(parts)
            out.append(Rect(self.x, top - h, self.w, h))
            top -= h + gap
        return out

    def split(self, weights: Sequence[float] | int, gap: float = 0.4) -> list[Rect]:
        """Along the longer side: columns in a landscape rectangle, rows in a portrait one."""
        return self.columns(weights, gap) if self.landscape else self.rows(weights, gap)

    def square(self) -> Rect:
        """The largest square in the middle."""
        side = min(self.w, self.h)
        return Rect(self.cx - side / 2, self.cy - side / 2, side, side)
