"""Frames and texts to vectors, as VBench preprocesses them. Loads torch: import it only where a model is there.

Frames stay float32 0..255 until they are divided by 255. Resizing is `interpolate` without antialias, which is what
torchvision's `Resize(antialias=False)` does to float tensors; bicubic values are not clamped.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from ..models.aligned import WeightsFileError
from .frames import Frame

SIDE = 224
BATCH = 16
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


def resize_short(rgb: np.ndarray, side: int, mode: str) -> torch.Tensor:
    """A uint8 frame as float32 [1, 3, h, w], 0..255: the short side `side`, the long one int(side * long / short)."""
    height, width = rgb.shape[:2]
    short, long = min(height, width), max(height, width)
    other = int(side * long / short)
    size = (side, other) if height <= width else (other, side)
    picture = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None].float()
    return functional.interpolate(picture, size=size, mode=mode, align_corners=False)


def centre_crop(picture: torch.Tensor, side: int) -> torch.Tensor:
    """The middle [.., side, side], rounded as torchvision does."""
    height, width = picture.shape[-2:]
    top, left = round((height - side) / 2.0), round((width - side) / 2.0)
    return picture[..., top:top + side, left:left + side]


def _standard(picture: torch.Tensor, values: tuple[tuple[float, ...], tuple[float, ...]]) -> torch.Tensor:
    mean, deviation = (torch.tensor(v).view(1, 3, 1, 1) for v in values)
    return (picture / 255.0 - mean) / deviation


def dino_input(rgb: np.ndarray) -> torch.Tensor:
    """Short side 224, bilinear, no crop, ImageNet's mean and deviation: [1, 3, h, w]."""
    return _standard(resize_short(rgb, SIDE, "bilinear"), IMAGENET)


def clip_input(rgb: np.ndarray) -> torch.Tensor:
    """Short side 224, bicubic, the middle square, CLIP's mean and deviation: [1, 3, 224, 224]."""
    return _standard(centre_crop(resize_short(rgb, SIDE, "bicubic"), SIDE), CLIP)


class FrameEncoder:
    """Collects inputs of frames, runs the model in batches, and keeps a unit vector of each frame.

    Metrics may share one: a frame that was seen is not taken twice. `name` is what the input is called on the frame.
    """

    def __init__(self, name: str, make_input: Callable[[np.ndarray], torch.Tensor],
                 embed: Callable[[torch.Tensor], torch.Tensor], device: str = "cpu") -> None:
        self._name = f"{name} input"
        self._make_input = make_input
        self._embed = embed
        self._device = device
        self._waiting: list[torch.Tensor] = []
        self._done: list[torch.Tensor] = []
        self._seen = -1

    def see(self, frame: Frame) -> None:
        """Take a frame; frames come in order."""
        if frame.index <= self._seen:
            return
        self._seen = frame.index
        self._waiting.append(frame.once(self._name, lambda: self._make_input(frame.rgb)))
        if len(self._waiting) == BATCH:
            self._run()

    def vectors(self) -> np.ndarray:
        """Unit vectors of all frames so far: float32 [frames, width]."""
        self._run()
        return torch.cat(self._done).numpy()

    def _run(self) -> None:
        if self._waiting:
            with torch.inference_mode():
                out = self._embed(torch.cat(self._waiting).to(self._device))
                self._done.append(functional.normalize(out.float(), dim=-1, p=2).cpu())
            self._waiting = []


def with_dino_positions(model: Any) -> Any:
    """The same `ViTModel`, which now enlarges its position grid as DINO's own code does.

    Bicubic by a scale factor to which 0.1 patch was added; enlarging to a size, as the library does, differs a little.
    """
    embeddings, patch = model.embeddings, model.config.patch_size

    def enlarged(_tokens: torch.Tensor, height: int, width: int) -> torch.Tensor:
        return dino_positions(embeddings.position_embeddings, height // patch, width // patch)

    embeddings.interpolate_pos_encoding = enlarged
    return model


def dino_embed(model: Any, batch: torch.Tensor) -> torch.Tensor:
    """The class token after the last norm, for inputs [n, 3, h, w] of any size: [n, width]."""
    return model(batch, interpolate_pos_encoding=True).last_hidden_state[:, 0]


def dino_positions(table: torch.Tensor, rows: int, columns: int) -> torch.Tensor:
    """Position embeddings [1, 1 + side * side, width] for a grid of rows x columns: [1, 1 + rows * columns, width]."""
    count = table.shape[1] - 1
    side = math.isqrt(count)
    if rows * columns == count and rows == columns:
        return table
    grid = table[:, 1:].reshape(1, side, side, -1).permute(0, 3, 1, 2)
    scale = ((rows + 0.1) / math.sqrt(count), (columns + 0.1) / math.sqrt(count))
    grid = functional.interpolate(grid, scale_factor=scale, mode="bicubic", align_corners=False)
    if grid.shape[-2:] != (rows, columns):
        raise WeightsFileError(f"A grid of {rows} x {columns} patches cannot be made from one of {side} x {side}.")
    return torch.cat([table[:, :1], grid.permute(0, 2, 3, 1).reshape(1, rows * columns, -1)], dim=1)


def clip_embed(model: Any, batch: torch.Tensor) -> torch.Tensor:
    """Image embeddings of `CLIPVisionModelWithProjection` for [n, 3, 224, 224]: [n, width]."""
    return model(pixel_values=batch).image_embeds


def text_vectors(model: Any, tokenizer: Any, texts: list[str], device: str) -> np.ndarray:
    """Unit vectors of texts, cut at 77 tokens: float32 [texts, width]."""
    tokens = tokenizer(texts, padding=True, truncation=True, max_length=77, return_tensors="pt").to(device)
    with torch.inference_mode():
        out = model(**tokens).text_embeds
    return functional.normalize(out.float(), dim=-1, p=2).cpu().numpy()


def linear_head(file: Path) -> torch.nn.Linear:
    """A linear layer from a safetensors file with `weight` [1, width] and `bias` [1]. Raises `WeightsFileError`."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors = load_file(file)
        head = torch.nn.Linear(tensors["weight"].shape[1], tensors["weight"].shape[0])
        head.load_state_dict({name: tensors[name].float() for name in ("weight", "bias")})
    except (OSError, SafetensorError, KeyError, RuntimeError, IndexError) as error:
        raise WeightsFileError(f"{file} does not hold a linear layer: {error}.",
                               fix="It must have the tensors weight and bias.") from error
    return head
