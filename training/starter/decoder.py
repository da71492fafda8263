"""Sharpens the decoder of the starter's autoencoder: `python -m training.starter.decoder [--steps N]`.

The encoder stays, so that the latents stay what the video model knows. Whole clips, with more of what comes out
blurred: stars, whose points are thin, and outlines. Goes on from `vae.pt` and writes its decoder there at the end.
"""

# The libraries' classes are annotated too narrowly or not at all.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportOptionalMemberAccess=false
from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np
import torch

from wgp_core.quality.starter.world import Scene, Style, render

from .muon import Muon, Optimizers
from .run import Run, pick_device, plateau, runs_folder, step_rng
from .scenes import draw_scene
from .vae import THING_WEIGHT, build_vae, decode_unclamped, to_tensor

SEED = 61
OUTLINES, STARS = 0.35, 0.2
"""Shares of clips that are drawn in outlines, and that are drawn again until a star is in them."""


def draw_clip(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A clip, and where things are in it: uint8 [17, 64, 64, 3] and bool [17, 64, 64]."""
    star, style = rng.random() < STARS, "outline" if rng.random() < OUTLINES else "solid"
    scene = _draw_scene(rng, star, style)
    clip = render(scene)
    return clip, np.abs(clip.astype(np.int16) - render(replace(scene, things=()))).max(-1) > 8


def _draw_scene(rng: np.random.Generator, star: bool, style: Style) -> Scene:
    while True:
        scene = draw_scene(rng)
        if not star or scene.things[0].shape == "star":
            return replace(scene, style=style)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=2)
    args = parser.parse_args()
    device = pick_device()
    kept = torch.load(runs_folder() / "vae.pt", map_location="cpu", weights_only=True)
    vae = build_vae()
    vae.load_state_dict(kept["vae"])
    vae.to(device)
    for part in (vae.encoder, vae.quant_conv):
        part.requires_grad_(False)
    learned = [p for p in vae.parameters() if p.requires_grad]
    outer = {id(p) for name, p in vae.named_parameters()
             if any(word in name for word in ("conv_in", "conv_out", "post_quant"))}
    inner = [p for p in learned if p.ndim >= 4 and id(p) not in outer]
    chosen = {id(p) for p in inner}
    rest = [p for p in learned if id(p) not in chosen]
    optimizers = Optimizers((Muon(inner, lr=0.004), 0.004), (torch.optim.AdamW(rest, lr=5e-4, weight_decay=0.0), 5e-4))
    run = Run("decoder", {"decoder": vae, "optimizers": optimizers})
    while run.step < args.steps:
        rng = step_rng(SEED, run.step)
        clips, things = zip(*(draw_clip(rng) for _ in range(args.batch)), strict=True)
        x = to_tensor(np.stack(clips)).to(device)
        weight = 1 + THING_WEIGHT * torch.from_numpy(np.stack(things)).to(device).float().unsqueeze(1)
        with torch.autocast(device.type, torch.bfloat16):
            with torch.no_grad():
                z = vae.encode(x).latent_dist.mean
            y = decode_unclamped(vae, z)
        error = y.float() - x
        loss = (weight / weight.mean() * (error.abs() + 2 * error.square())).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizers.step(plateau(run.step, args.steps, warmup=40, falls=0.8))
        mse = error.detach().clamp(-2, 2).square().mean().item() / 4
        if not run.done_step(loss=loss.item(), psnr=-10 * np.log10(mse)):
            return
    run.save()
    torch.save({**kept, "vae": vae.state_dict()}, runs_folder() / "vae.pt")


if __name__ == "__main__":
    main()
