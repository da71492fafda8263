"""How alike the frames of a board are: by CLIP where one is installed, else an estimate that says that it is one."""

from __future__ import annotations

import logging
from pathlib import Path

import cv2
import numpy as np

from ..errors import WgpError
from ..media.images import load_image
from ..paths import Paths
from ..quality.alignment import HIGH, LOW, NAMES
from ..quality.consistency import HOG_SIDE, describe
from ..quality.frames import Frame
from ..quality.models import CLIP_LARGE, CLIP_SMALL, QualityModels
from ..quality.subject import standing_out
from ..quality.vbench import within

log = logging.getLogger(__name__)

ESTIMATE = "estimate from colours and edges"


class Likeness:
    """Unit vectors of pictures, each computed once for as long as its file does not change."""

    def __init__(self, paths: Paths, cache_root: str = "", device: str = "cpu") -> None:
        self._models = QualityModels(paths, device, cache_root)
        self._clip = self._found()
        self._known: dict[tuple[Path, int, int], np.ndarray] = {}

    @property
    def measure(self) -> str:
        """What the numbers are, for people."""
        return NAMES[self._clip] if self._clip else ESTIMATE

    def vector(self, path: Path) -> np.ndarray:
        """A unit vector of a picture. Raises `MediaError` where it cannot be read."""
        stat = path.stat()
        key = (path, stat.st_mtime_ns, stat.st_size)
        if key not in self._known:
            rgb = load_image(path)
            self._known[key] = self._by_clip(rgb) if self._clip else estimated(rgb)
        return self._known[key]

    def agreement(self, path: Path, prompt: str) -> float | None:
        """How well a picture shows its prompt, 0 to 1 on CLIP's usual range; None without CLIP and its tokenizer."""
        if not self._clip or not prompt.strip():
            return None
        try:
            text = self._models.clip_text(self._clip, [prompt])[0]
        except WgpError:
            log.info("pictures are not compared with their prompts", exc_info=True)
            return None
        return round(within(float(self.vector(path) @ text), LOW, HIGH), 4)

    def close(self) -> None:
        """Hand the models' memory back."""
        self._models.release()

    def _found(self) -> str:
        for model_id in (CLIP_LARGE, CLIP_SMALL):
            try:
                self._models.folder(model_id)
            except WgpError:
                continue
            return model_id
        return ""

    def _by_clip(self, rgb: np.ndarray) -> np.ndarray:
        encoder = self._models.clip_vectors(self._clip, {})
        encoder.see(Frame(0, rgb))
        return encoder.vectors()[0]


def estimated(rgb: np.ndarray) -> np.ndarray:
    """A unit vector of a picture's colours and edges, where something stands out in it."""
    small = cv2.resize(Frame(0, rgb).small, (HOG_SIDE, HOG_SIDE), interpolation=cv2.INTER_AREA)
    square = cv2.GaussianBlur(small, (0, 0), 1.0)
    vector = describe(square, standing_out(square), 1)
    return vector / np.float32(np.linalg.norm(vector))
