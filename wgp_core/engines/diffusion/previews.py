"""Small pictures out of latents while a model denoises, without its slow decoder.

A latent channel says roughly linearly how bright, red or green a patch is, so three weighted sums of the channels give
a picture. The weights are fitted once for each loaded model, by least squares, to what its own encoder makes of
coloured test pictures; so they are right for every latent space (Wan's 16 and 48 channels, CogVideoX's 16, LTX's 128,
SDXL's 4, FLUX's 16), for distilled variants, and for toy models. Where a model cannot encode, the three directions in
which the latents vary most stand in for colours.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...models.spec import Family

if TYPE_CHECKING:
    import torch

log = logging.getLogger(__name__)

LONGEST = 256
"""Pixels of a preview's longer side."""
RIDGE = 1e-2


@dataclass(frozen=True)
class LatentSpace:
    """How much one latent stands for: `spatial` pixels each way and `temporal` frames. `channels` values each."""

    channels: int
    spatial: int
    temporal: int

    def test_size(self) -> tuple[int, int]:
        """Frames and side length of the pictures to fit with: enough latents to find every channel's weight."""
        side = self.spatial * (8 if self.channels >= 100 else 12)
        return (self.temporal + 1 if self.temporal > 1 else 1), side


WAN = LatentSpace(16, 8, 4)
WAN_48 = LatentSpace(48, 16, 4)
COGVIDEOX = LatentSpace(16, 8, 4)
LTX = LatentSpace(128, 32, 8)
SDXL = LatentSpace(4, 8, 1)
FLUX = LatentSpace(16, 8, 1)


def space_of(family: Family, channels: int) -> LatentSpace:
    """The latent space of a family's model with this many latent channels."""
    known = {Family.WAN: WAN_48 if channels == WAN_48.channels else WAN, Family.COGVIDEOX: COGVIDEOX, Family.LTX: LTX,
             Family.SDXL: SDXL, Family.FLUX: FLUX}[family]
    return LatentSpace(channels, known.spatial, known.temporal)


@dataclass(frozen=True)
class Preview:
    """Weights from latent channels to red, green and blue (0 to 1): `matrix` (channels, 3), `offset` (3)."""

    matrix: np.ndarray
    offset: np.ndarray

    def picture(self, latents: torch.Tensor) -> np.ndarray:
        """RGB uint8 of the middle frame of (1, channels, frames, height, width), at most 256 pixels long."""
        frame = latents[0, :, latents.shape[2] // 2].detach().float().cpu().numpy()
        return _to_picture(np.einsum("chw,ck->hwk", frame, self.matrix) + self.offset)


class MainDirections:
    """Colours for latents whose meaning is unknown: their three main components, scaled to fill the range."""

    def picture(self, latents: torch.Tensor) -> np.ndarray:
        """As `Preview.picture`."""
        frame = latents[0, :, latents.shape[2] // 2].detach().float().cpu().numpy()
        flat = frame.reshape(frame.shape[0], -1).T
        flat = flat - flat.mean(axis=0)
        _, vectors = np.linalg.eigh(flat.T @ flat)
        values = flat @ vectors[:, ::-1][:, :3]
        if values.shape[1] < 3:
            values = np.repeat(values[:, :1], 3, axis=1)
        spread = np.maximum(values.std(axis=0), 1e-6)
        return _to_picture((values / (4 * spread) + 0.5).reshape(*frame.shape[1:], 3))


def fit(encode: Callable[[torch.Tensor], torch.Tensor], space: LatentSpace) -> Preview:
    """Fit the weights to what `encode` makes of test pictures ((1, 3, frames, height, width), -1 to 1)."""
    frames, side = space.test_size()
    pictures = test_pictures(side)
    rows, colours = [], []
    for picture in pictures:
        latents = encode(_as_video(picture, frames))[0].float().cpu().numpy()
        small = _shrink(picture, latents.shape[2:])
        for frame in range(latents.shape[1]):
            rows.append(latents[:, frame].reshape(latents.shape[0], -1).T)
            colours.append(small.reshape(-1, 3))
    x, y = np.concatenate(rows).astype(np.float64), np.concatenate(colours).astype(np.float64)
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    x, y = x - mean_x, y - mean_y
    gram = x.T @ x
    ridge = RIDGE * np.trace(gram) / len(gram) + 1e-9  # keeps channels that the pictures hardly move near weight 0
    matrix = np.linalg.solve(gram + ridge * np.eye(len(gram)), x.T @ y)
    return Preview(matrix.astype(np.float32), (mean_y - mean_x @ matrix).astype(np.float32))


def test_pictures(side: int) -> list[np.ndarray]:
    """Smooth colour fields and patches in RGB, 0 to 1, shape (side, side, 3); always the same."""
    rng = np.random.default_rng(20)
    y, x = np.mgrid[0:side, 0:side] / max(1, side - 1)
    pictures = []
    for _ in range(2):
        corners = rng.random((4, 3))
        blend = ((1 - x) * (1 - y), x * (1 - y), (1 - x) * y, x * y)
        pictures.append(sum(b[..., None] * c for b, c in zip(blend, corners, strict=True)))
    cells = rng.random((4, 4, 3))
    pictures.append(cells[np.minimum((y * 4).astype(int), 3), np.minimum((x * 4).astype(int), 3)])
    return pictures


def make(encode: Callable[[torch.Tensor], torch.Tensor], space: LatentSpace) -> Preview | MainDirections:
    """The fitted weights, or main directions for a model that cannot encode."""
    try:
        return fit(encode, space)
    except (RuntimeError, NotImplementedError, AttributeError, np.linalg.LinAlgError) as error:
        from ...models.manager import is_out_of_memory

        if is_out_of_memory(error):
            raise
        log.warning("previews show main directions: the model does not encode pictures (%s)", error)
        return MainDirections()


def _as_video(picture: np.ndarray, frames: int) -> torch.Tensor:
    import torch

    still = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32)) * 2 - 1
    return still[None, :, None].repeat(1, 1, frames, 1, 1)


def _shrink(picture: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Means over equal blocks."""
    height, width = size
    rows, columns = picture.shape[0] // height, picture.shape[1] // width
    cut = picture[:height * rows, :width * columns]
    return cut.reshape(height, rows, width, columns, 3).mean(axis=(1, 3))


def _to_picture(values: np.ndarray) -> np.ndarray:
    from PIL import Image

    small = Image.fromarray((np.nan_to_num(values).clip(0, 1) * 255).astype(np.uint8))
    scale = max(1, LONGEST // max(small.size))
    large = small.resize((small.width * scale, small.height * scale), Image.Resampling.BICUBIC)
    large.thumbnail((LONGEST, LONGEST))
    return np.asarray(large)
