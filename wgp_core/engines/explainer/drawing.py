"""From a list of scenes to frame number i: a pure function, whichever process draws it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...request import CameraMovement, Theme
from . import camera
from .chrome import dress
from .scene import Clock, Slot
from .stage import Stage
from .theme import palette

FADE_S = 0.35


@dataclass(frozen=True)
class Drawing:
    """Everything needed to draw any frame; `cameras` has one movement a slot. Picklable. Sizes in pixels."""

    slots: tuple[Slot, ...]
    cameras: tuple[CameraMovement, ...]
    width: int
    height: int
    fps: int
    theme: Theme
    captions: bool = True

    @property
    def count(self) -> int:
        return self.slots[-1].first_frame + self.slots[-1].frames


class FrameDrawer:
    """Draws frames of one `Drawing`; builds each scene when it is first needed and keeps the last two."""

    def __init__(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._stages: dict[int, Stage] = {}
        self._endings: dict[int, np.ndarray] = {}
        rgb = palette(drawing.theme).paper.lstrip("#")
        self._paper = (int(rgb[0:2], 16), int(rgb[2:4], 16), int(rgb[4:6], 16))

    def draw(self, index: int, out: np.ndarray) -> None:
        """Draw frame `index` into `out`, RGB uint8 (height, width, 3)."""
        import cv2

        number = self._slot_of(index)
        slot = self._drawing.slots[number]
        local = index - slot.first_frame
        self._draw_scene(number, local, out)
        fade = min(round(FADE_S * self._drawing.fps), slot.frames // 3)
        if number > 0 and local < fade:
            weight = (local + 1) / (fade + 1)
            cv2.addWeighted(self._ending(number - 1), 1 - weight, out, weight, 0, dst=out)

    def _slot_of(self, index: int) -> int:
        for number, slot in enumerate(self._drawing.slots):
            if index < slot.first_frame + slot.frames:
                return number
        raise IndexError(f"frame {index} of {self._drawing.count}")

    def _draw_scene(self, number: int, local: int, out: np.ndarray) -> None:
        import cv2

        drawing, slot = self._drawing, self._drawing.slots[number]
        stage = self._stage(number)
        u = local / max(slot.frames - 1, 1)
        slot.scene.draw(Clock(u, slot.frames / drawing.fps))
        cv2.cvtColor(stage.frame(), cv2.COLOR_RGBA2RGB, dst=out)
        if drawing.cameras[number] is not CameraMovement.STATIC:
            np.copyto(out, camera.move(out, drawing.cameras[number], u, self._paper))

    def _ending(self, number: int) -> np.ndarray:
        if number not in self._endings:
            ending = np.empty((self._drawing.height, self._drawing.width, 3), np.uint8)
            self._draw_scene(number, self._drawing.slots[number].frames - 1, ending)
            self._endings = {number: ending}
        return self._endings[number]

    def _stage(self, number: int) -> Stage:
        if number not in self._stages:
            drawing, scene = self._drawing, self._drawing.slots[number].scene
            for old in sorted(self._stages)[:-1]:
                del self._stages[old]
            stage = Stage(drawing.width, drawing.height, drawing.theme)
            dress(stage, scene, captions=drawing.captions, number=number + 1, of=len(drawing.slots))
            scene.build(stage)
            self._stages[number] = stage
        return self._stages[number]
