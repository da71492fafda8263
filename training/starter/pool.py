"""Clips of the world as latents, made once and kept in a file: number n is always the same scene."""

# The libraries' classes are annotated too narrowly or not at all.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportOptionalMemberAccess=false
from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKLWan

from wgp_core.quality.starter.world import SIZE, Scene, places, render

from .scenes import draw_hard
from .vae import to_tensor

SHAPE = (16, 5, 8, 8)
"""Latents of a clip of 17 frames of 64x64: channels, frames, height, width."""
SEED = 37
HARD, HARD_SHARE = ("spin",), 0.25
"""Motions that the model learns last, and the share of scenes that are drawn again until they have one of these."""
_RECORD, _BITS = int(np.prod(SHAPE)) * 2, int(np.prod(SHAPE[1:])) // 8
"""Bytes of a clip in the files."""


def scene_of(number: int) -> Scene:
    """The training scene of this number."""
    return draw_hard(np.random.default_rng([SEED, number]), HARD_SHARE, lambda thing: thing.motion in HARD)


def things_of(scene: Scene) -> np.ndarray:
    """Which latents of a clip show its things, or what is next to them: bool [5, 8, 8]."""
    cell, found = SIZE / SHAPE[2], np.zeros(SHAPE[1:], bool)
    middles = (np.arange(SHAPE[2]) + 0.5) * cell
    for at, seen in enumerate(places(scene)):
        for x, y, radius in seen:
            reach = radius + cell / 2
            found[(at + 3) // 4] |= np.outer(np.abs(middles - y) < reach, np.abs(middles - x) < reach)
    return found


class Pool:
    """Latents in float16, not yet normalized, in a file that grows; beside it, as bits, where things are.

    Clip n shows `scene_of(n)`.
    """

    def __init__(self, path: Path, vae: AutoencoderKLWan, scene_of: Callable[[int], Scene] = scene_of) -> None:
        self.path, self.vae, self.scene_of = path, vae, scene_of
        self.device = next(vae.parameters()).device
        path.touch()
        whole = path.stat().st_size // _RECORD
        os.truncate(path, whole * _RECORD)
        self._workers = multiprocessing.get_context("spawn").Pool() if self.device.type == "cuda" else None
        self._latents = np.fromfile(path, np.float16).reshape(whole, *SHAPE)
        self._things = self._filled(path.with_suffix(".things"))

    def __len__(self) -> int:
        return len(self._latents)

    def grow(self, count: int, batch: int = 8) -> None:
        """Add `count` more clips."""
        fresh = []
        for begin in range(len(self), len(self) + count, batch):
            scenes = [self.scene_of(n) for n in range(begin, min(begin + batch, len(self) + count))]
            clips = self._workers.map(render, scenes) if self._workers else [render(scene) for scene in scenes]
            with torch.no_grad(), torch.autocast(self.device.type, torch.bfloat16):
                mean = self.vae.encode(to_tensor(np.stack(clips)).to(self.device)).latent_dist.mean
            fresh.append(mean.half().cpu().numpy())
        added = np.concatenate(fresh)
        with self.path.open("ab") as file:
            added.tofile(file)
        self._latents = np.concatenate([self._latents, added])
        self._things = self._filled(self.path.with_suffix(".things"))

    def _filled(self, path: Path) -> np.ndarray:
        """Where things are in every clip, `_BITS` bytes each; what is not in the file yet is added to it."""
        path.touch()
        os.truncate(path, path.stat().st_size // _BITS * _BITS)
        for begin in range(path.stat().st_size // _BITS, len(self), 1000):
            packed = [np.packbits(things_of(self.scene_of(n)))
                      for n in range(begin, min(begin + 1000, len(self)))]
            with path.open("ab") as file:
                np.stack(packed).tofile(file)
        return np.fromfile(path, np.uint8).reshape(-1, _BITS)

    def take(self, numbers: np.ndarray) -> torch.Tensor:
        """Latents [B, 16, 5, 8, 8] as float32."""
        return torch.from_numpy(self._latents[numbers].astype(np.float32))

    def things(self, numbers: np.ndarray) -> torch.Tensor:
        """Which latents show things, bool [B, 5, 8, 8]."""
        return torch.from_numpy(np.unpackbits(self._things[numbers], axis=1).reshape(-1, *SHAPE[1:]).astype(bool))

    def statistics(self) -> tuple[list[float], list[float]]:
        """Mean and standard deviation by channel, of the first 1,000 clips: the same however far the pool has grown."""
        values = self._latents[:1000].astype(np.float32)
        return values.mean((0, 2, 3, 4)).tolist(), values.std((0, 2, 3, 4)).tolist()
