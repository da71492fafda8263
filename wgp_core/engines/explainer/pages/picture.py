"""A picture from a file as a hero frame: turned as its EXIF says, whole, with a slow push in and a caption."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ....errors import RequestError
from ..layout import Rect
from ..scene import Clock, mix, smooth
from .parts import Group, Page

if TYPE_CHECKING:
    from ..stage import Stage

ZOOM = 0.07
MAX_PIXELS = 120_000_000


def open_picture(path: Path) -> Any:
    """The picture in RGB, upright. Raises `RequestError` where the file is no picture or too large."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path) as raw:
            if raw.width * raw.height > MAX_PIXELS:
                raise RequestError(f"The image {path.name} has {raw.width} x {raw.height} pixels; the most is "
                                   f"{MAX_PIXELS // 1_000_000} million.", field="start_image", fix="Scale it down.")
            raw.draft("RGB", (2400, 2400))
            upright = ImageOps.exif_transpose(raw)
            upright.thumbnail((2400, 2400))
            if upright.mode in ("RGBA", "LA", "P", "PA"):
                upright = upright.convert("RGBA")
                paper = Image.new("RGBA", upright.size, (255, 255, 255, 255))
                upright = Image.alpha_composite(paper, upright)
            return upright.convert("RGB")
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise RequestError(f"The image {path.name} cannot be opened: {error}.", field="start_image",
                           fix="Choose a PNG, JPEG or WebP file.") from error


@dataclass
class Picture(Page):
    """`path` is the file; the caption stands below it."""

    path: str = ""
    caption: str = ""
    opening: bool = True

    def texts(self) -> list[str]:
        return [self.caption]

    def build(self, stage: Stage) -> None:
        self.image = open_picture(Path(self.path))
        caption_h = stage.line_height("title") * 1.5 if self.caption else 0.0
        bottom = stage.footer.top if self.narration else stage.safe.y
        area = Rect(stage.safe.x, bottom, stage.safe.w, stage.safe.top - bottom)
        room = Rect(area.x, area.y + caption_h, area.w, area.h - caption_h)
        factor = min(room.w / self.image.width, room.h / self.image.height)
        w, h = self.image.width * factor, self.image.height * factor
        frame = Rect(room.cx - w / 2, room.cy - h / 2, w, h)
        self.size = (max(round(w * stage.unit_px), 1), max(round(h * stage.unit_px), 1))
        ax = stage.figure.add_axes((frame.x / stage.page.w, frame.y / stage.page.h, w / stage.page.w,
                                    h / stage.page.h), zorder=2)
        ax.set_axis_off()
        self.shown = stage.moving(ax.imshow(self._crop(0.0), aspect="auto", interpolation="nearest", zorder=1))
        stage.card(Rect(frame.x - 0.05, frame.y - 0.05, w + 0.1, h + 0.1), fill="faint", radius=0.06)
        self.words: Group | None = None
        if self.caption:
            under = Rect(area.x, frame.y - caption_h, area.w, caption_h)
            self.words = Group(stage, [stage.paragraph(under.inset(0.2, 0.12), self.caption, "title", ha="center",
                                                       weight="semibold")])

    def _crop(self, x: float) -> Any:
        import numpy as np
        from PIL import Image

        w, h = self.image.size
        cut = mix(0.0, ZOOM, smooth(x)) / 2
        box = (w * cut, h * cut, w * (1 - cut), h * (1 - cut))
        return np.asarray(self.image.resize(self.size, Image.Resampling.BILINEAR, box=box, reducing_gap=2.0))

    def draw(self, clock: Clock) -> None:
        self.shown.set_data(self._crop(clock.u))
        if self.words:
            self.words.show(clock.line(0.02, 0.02 + min(0.5, 0.8 / max(clock.seconds, 0.1))))
