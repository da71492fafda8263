"""Trains the starter's video autoencoder: `python -m training.starter.vae [--steps N]`.

A plain `AutoencoderKLWan`, 8x smaller in space and 4x in time, whose first stage folds 2x2 pixels into channels
(`patch_size`), which takes three quarters of the work away. It learns pictures first, where every causal convolution
is one of two dimensions and quick. Its weights begin so that time does nothing: frames are averaged by the encoder and
repeated by the decoder, and what follows, on clips, has only the movement left to learn. Crops are taken where things
are, and their pixels count more: backgrounds are learned anyhow.
"""

# The libraries' classes are annotated too narrowly or not at all.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportOptionalMemberAccess=false
from __future__ import annotations

import argparse
import types
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLWan
from diffusers.models.autoencoders.autoencoder_kl_wan import (
    WanCausalConv3d,
    WanResample,
    WanResidualBlock,
    unpatchify,
)

from wgp_core.quality.starter.world import Scene, render

from .muon import Muon, Optimizers
from .run import Run, pick_device, plateau, step_rng
from .scenes import draw_scene

Z_DIM = 16
CONFIG = {
    "base_dim": 32, "z_dim": Z_DIM, "dim_mult": [1, 2, 2], "num_res_blocks": 1, "attn_scales": [],
    "temperal_downsample": [True, True], "in_channels": 12, "out_channels": 12, "patch_size": 2,
    "scale_factor_temporal": 4, "scale_factor_spatial": 8,
}
KL_WEIGHT = 2e-4
SEED = 11


def build_vae(mean: list[float] | None = None, std: list[float] | None = None) -> AutoencoderKLWan:
    """The autoencoder with its first weights; `mean` and `std` are those of its latents, by channel.

    Each residual block begins as the identity, and nothing depends on earlier frames: clips begin as good as pictures.
    """
    vae = AutoencoderKLWan(**CONFIG, latents_mean=mean or [0.0] * Z_DIM, latents_std=std or [1.0] * Z_DIM)
    with torch.no_grad():
        for module in vae.modules():
            if isinstance(module, WanCausalConv3d):
                module.weight[:, :, :-1] = 0
                module.forward = types.MethodType(_causal_conv, module)
        for module in vae.modules():
            if isinstance(module, WanResidualBlock):
                module.conv2.weight.zero_()
                module.conv2.bias.zero_()
            elif isinstance(module, WanResample):
                _keep_time(module)
    return vae


def _keep_time(module: WanResample) -> None:
    """A change of frame rate that averages two frames, or shows one twice."""
    one = torch.eye(module.dim)[:, :, None, None]
    weight = module.time_conv.weight
    weight.zero_()
    module.time_conv.bias.zero_()
    if module.mode == "downsample3d":
        weight[:, :, 1:] = 0.5 * one[:, :, None]
    else:
        weight[:, :, -1] = torch.cat([one, one])


def _causal_conv(self: WanCausalConv3d, x: torch.Tensor, cache_x: torch.Tensor | None = None) -> torch.Tensor:
    """The convolution itself; for a first frame alone, of whose past nothing but zeros is seen, in two dimensions."""
    if x.shape[2] > 1 or cache_x is not None or self.stride[0] > 1:
        return WanCausalConv3d.forward(self, x, cache_x)
    flat = F.conv2d(x[:, :, 0], self.weight[:, :, -1], self.bias, self.stride[1:], self._padding[2:4][::-1][:1] * 2)
    return flat.unsqueeze(2)


def decode_unclamped(vae: AutoencoderKLWan, z: torch.Tensor) -> torch.Tensor:
    """What `vae.decode` gives before it clamps to [-1, 1]: a clamp passes no gradient where it acts.

    `z` [B, Z, T, H, W] to pixels [B, 3, 4T-3, 8H, 8W].
    """
    vae.clear_cache()
    x = vae.post_quant_conv(z)
    parts = []
    for at in range(x.shape[2]):
        vae._conv_idx = [0]
        parts.append(vae.decoder(x[:, :, at:at + 1], feat_cache=vae._feat_map, feat_idx=vae._conv_idx,
                                 first_chunk=at == 0))
    vae.clear_cache()
    return unpatchify(torch.cat(parts, 2), patch_size=2)


def to_tensor(clips: np.ndarray) -> torch.Tensor:
    """uint8 [B, T, H, W, 3] to float [B, 3, T, H, W] in [-1, 1]."""
    return torch.from_numpy(clips).permute(0, 4, 1, 2, 3).float().div_(127.5).sub_(1)


_HARD = ("orbit", "spin", "bounce")
"""Motions that differ most within the four frames of a latent."""
THING_WEIGHT = 3.0
"""What the error on the pixels of things counts more than on the background, which is easy and large."""


@dataclass(frozen=True)
class Phase:
    """A part of the training, up to `end` of all steps: `scenes` a batch, `each` crops of each."""

    end: float
    frames: int
    side: int
    scenes: int
    each: int


PHASES = (Phase(0.35, 1, 32, 4, 4), Phase(0.85, 9, 32, 4, 1), Phase(1.0, 17, 64, 1, 1))


def draw_batch(rng: np.random.Generator, phase: Phase) -> tuple[torch.Tensor, torch.Tensor]:
    """Fresh crops near the things [B, 3, T, S, S], and the weight of each pixel [B, 1, T, S, S], one on average."""
    crops, masks = [], []
    for _ in range(phase.scenes):
        style = "outline" if rng.random() < 0.15 else "solid"
        scene = replace(_draw_scene(rng, phase), style=style)
        clip = render(scene)
        differs = np.abs(clip.astype(np.int16) - render(replace(scene, things=()))).max(-1) > 8
        for _ in range(phase.each):
            crop = _place_crop(rng, differs, phase)
            crops.append(clip[crop])
            masks.append(differs[crop])
    weight = 1 + THING_WEIGHT * torch.from_numpy(np.stack(masks)).float().unsqueeze(1)
    return to_tensor(np.stack(crops)), weight / weight.mean()


def _draw_scene(rng: np.random.Generator, phase: Phase) -> Scene:
    """A scene; in clips, half of the things that move evenly or not at all make way for others."""
    scene = draw_scene(rng, pairs=0.3)
    if phase.frames > 1 and scene.things[0].motion not in _HARD and rng.random() < 0.5:
        return _draw_scene(rng, phase)
    return scene


def _place_crop(rng: np.random.Generator, differs: np.ndarray, phase: Phase) -> tuple[slice, slice, slice]:
    """A part of a clip: a random time, and a place with a thing somewhere in it."""
    t = int(rng.integers(0, differs.shape[0] - phase.frames + 1))
    time = slice(t, t + phase.frames)
    points = np.argwhere(differs[time].any(0))
    y, x = points[rng.integers(len(points))] if len(points) else (32, 32)
    half = phase.side // 2
    top, left = (int(np.clip(at - half + rng.integers(-8, 9), 0, differs.shape[1] - phase.side)) for at in (y, x))
    return time, slice(top, top + phase.side), slice(left, left + phase.side)


def _optimizers(vae: AutoencoderKLWan) -> Optimizers:
    """Muon for the convolutions between the outermost layers, AdamW for those and for all vectors."""
    outer = ("conv_in", "conv_out", "quant_conv")
    inner = [p for name, p in vae.named_parameters() if p.ndim >= 4 and not any(word in name for word in outer)]
    chosen = {id(p) for p in inner}
    rest = [p for p in vae.parameters() if id(p) not in chosen]
    adam = torch.optim.AdamW(rest, lr=2e-3, betas=(0.9, 0.99), weight_decay=0.0)
    return Optimizers((Muon(inner, lr=0.02), 0.02), (adam, 2e-3))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=8000)
    args = parser.parse_args()
    device = pick_device()
    torch.manual_seed(SEED)
    vae = build_vae().to(device)
    optimizers = _optimizers(vae)
    run = Run("vae", {"vae": vae, "optimizers": optimizers})
    while run.step < args.steps:
        rng = step_rng(SEED, run.step)
        phase = next(p for p in PHASES if run.step < p.end * args.steps)
        x, weight = (part.to(device) for part in draw_batch(rng, phase))
        with torch.autocast(device.type, torch.bfloat16):
            posterior = vae.encode(x).latent_dist
            y = decode_unclamped(vae, posterior.sample())
        error = y.float() - x
        kl = posterior.kl().float().sum() / posterior.mean.numel()
        (weight * (error.abs() + 2 * error.square())).mean().add(KL_WEIGHT * kl).backward()
        torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizers.step(plateau(run.step, args.steps, falls=0.9))
        mse = F.mse_loss(y.detach().clamp(-1, 1), x).item() / 4
        if not run.done_step(l1=error.abs().mean().item(), psnr=-10 * np.log10(mse), kl=kl.item()):
            return
    run.save()


if __name__ == "__main__":
    main()
