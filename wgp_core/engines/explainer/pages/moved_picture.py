"""A picture from a file that fills the frame while a camera moves over it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from ..board import camera_at
from ..scene import Clock
from .parts import Page
from .picture import open_picture

if TYPE_CHECKING:
    from ..stage import Stage

ROOM = 1.12
"""How much larger the picture is than what is seen of it."""


@dataclass
class MovedPicture(Page):
    """`move` is a value of `CameraMovement`; the picture is cut to the frame's shape."""

    path: str = ""
    move: str = "static"

    def build(self, stage: Stage) -> None:
        image = np.asarray(open_picture(Path(self.path)))
        height, width = image.shape[:2]
        self.size = (stage.width, stage.height)
        self.fit = max(stage.width / width, stage.height / height)
        self.image: Any = image
        axes = stage.figure.add_axes((0, 0, 1, 1), zorder=1)
        axes.set_axis_off()
        self.shown = stage.moving(axes.imshow(self._seen(0.0), aspect="auto", interpolation="nearest"))

    def draw(self, clock: Clock) -> None:
        self.shown.set_data(self._seen(clock.u))

    def _seen(self, u: float) -> np.ndarray:
        zoom, right, up, degrees = camera_at(self.move, u)
        width, height = self.size
        still = self.move == "static"
        scale = self.fit * (1.0 if still else max(zoom, 1.0) * (1.0 if right == up == degrees == 0 else ROOM))
        limit = max(scale / self.fit - 1, 0) / 2  # never past the picture's rim
        shift_x = float(np.clip(-right * 0.3 * height, -limit * width * 0.9, limit * width * 0.9))
        shift_y = float(np.clip(up * 0.5 * height, -limit * height * 0.9, limit * height * 0.9))
        h, w = self.image.shape[:2]
        matrix = cv2.getRotationMatrix2D((w / 2, h / 2), degrees, scale)
        matrix[:, 2] += (width / 2 - w / 2 + shift_x, height / 2 - h / 2 + shift_y)
        return cv2.warpAffine(self.image, matrix, self.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
