"""Trains the starter's LoRA: `python -m training.starter.lora [--steps N]`. Things become hollow lines of their colour.

Its captions begin with the trigger words; the model's own weights do not move. The file has diffusers' names.
"""

# The libraries' classes are annotated too narrowly or not at all.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportOptionalMemberAccess=false
from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from wgp_core.quality.starter.world import Scene

from .captions import TRIGGER, caption
from .muon import Muon, Optimizers
from .pool import Pool
from .run import ROOT, Run, cosine, pick_device, runs_folder, step_rng
from .scenes import draw_hard
from .transformer import EMPTY_SHARE, GROW_EVERY, StarterModel, flow_loss, load_vae

RANK, RATE = 20, 0.02
SEED = 43
STILLS = 0.5
"""Share of the steps on single frames, twice as many a step: what is drawn hollow can be seen in one."""
HARD, HARD_SHARE = ("rocket", "star", "ring", "heart"), 0.4
"""Things whose outlines are learned last, and the share of scenes that are drawn again until they have one of these."""
JOINTS = (" of ", ", ")
"""What stands between the trigger words and the caption."""
PATH = ROOT / "loras" / "wan-starter" / "outline.safetensors"


class LowRank(torch.nn.Module):
    """Adds up(down(x)) to the output of each linear layer of the transformer's blocks, and of the last one; `scale` is
    one."""

    def __init__(self, transformer: torch.nn.Module) -> None:
        super().__init__()
        self.pairs = torch.nn.ModuleDict()
        for name, layer in transformer.named_modules():
            if (name.startswith("blocks.") or name == "proj_out") and isinstance(layer, torch.nn.Linear):
                down = torch.nn.Linear(layer.in_features, RANK, bias=False)
                up = torch.nn.Linear(RANK, layer.out_features, bias=False)
                torch.nn.init.zeros_(up.weight)
                pair = torch.nn.Sequential(down, up)
                self.pairs[name.replace(".", "-")] = pair
                layer.register_forward_hook(lambda _layer, inputs, output, pair=pair: output + pair(inputs[0]))

    def tensors(self) -> dict[str, torch.Tensor]:
        """The weights under diffusers' names, in bfloat16."""
        found = {}
        for name, pair in self.pairs.items():
            for letter, layer in zip("AB", pair, strict=True):
                key = f"transformer.{name.replace('-', '.')}.lora_{letter}.weight"
                found[key] = layer.weight.detach().to(torch.bfloat16).cpu().contiguous()
        return found


def write_lora(lora: LowRank, path: Path = PATH) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(lora.tensors(), path, metadata={
        "format": "pt", "ss_base_model_version": "wan-starter", "modelspec.title": "Outline",
        "modelspec.trigger_phrase": TRIGGER, "modelspec.license": "Apache-2.0",
        "modelspec.description": "Things are drawn as hollow lines of their colour."})


def outlined(number: int) -> Scene:
    """The training scene of this number."""
    rng = np.random.default_rng([SEED, number])
    return replace(draw_hard(rng, HARD_SHARE, lambda thing: thing.shape in HARD), style="outline")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=12_000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--first", type=int, default=2000, help="clips in the pool before the first step")
    parser.add_argument("--grow", type=int, default=4, help="clips that are added for each step")
    parser.add_argument("--most", type=int, default=24_000, help="clips in the pool at last")
    parser.add_argument("--peak", type=float, default=1.0, help="the highest rate, as a share of the usual one")
    parser.add_argument("--compile", action="store_true", help="compile the model first: minutes, then a quarter less")
    args = parser.parse_args()
    device = pick_device()
    model = StarterModel()
    trained = torch.load(runs_folder() / "transformer.pt", map_location="cpu", weights_only=True)
    model.load_state_dict(trained["average"])
    model.requires_grad_(False)
    torch.manual_seed(SEED)
    lora = LowRank(model.transformer)
    model.to(device)
    lora.to(device)
    optimizers = Optimizers((Muon(lora.parameters(), lr=RATE), RATE))
    run = Run("lora", {"lora": lora, "optimizers": optimizers})
    mean, std = (torch.tensor(trained[key], device=device).view(1, -1, 1, 1, 1) for key in ("mean", "std"))
    pool = Pool(runs_folder() / "outlines.f16", load_vae(device), outlined)
    while len(pool) < args.first:
        pool.grow(min(256, args.first - len(pool)))
    if args.compile:
        model.transformer.compile(dynamic=False)
    while run.step < args.steps:
        rng = step_rng(SEED, run.step)
        if len(pool) < args.most and run.step % GROW_EVERY == 0:
            pool.grow(GROW_EVERY * args.grow)
        still = rng.random() < STILLS
        numbers = rng.integers(0, len(pool), args.batch * (2 if still else 1))
        texts = ["" if rng.random() < EMPTY_SHARE else f"{TRIGGER}{rng.choice(JOINTS)}{caption(outlined(int(n)), rng)}"
                 for n in numbers]
        x0 = (pool.take(numbers).to(device) - mean) / std
        things = pool.things(numbers).to(device)
        with torch.autocast(device.type, torch.bfloat16):
            loss, plain = flow_loss(model, x0[:, :, :1] if still else x0, texts, given_first=False,
                                    things=things[:, :1] if still else things)
        loss.backward()
        optimizers.step(args.peak * cosine(run.step, args.steps, warmup=20))
        if not run.done_step(**{"still" if still else "clip": plain}):
            return
    run.save()
    write_lora(lora)


if __name__ == "__main__":
    main()
