"""Writes the trained starter in the hub's layout: `python -m training.starter.assemble [FOLDER]`.

The averaged weights in bfloat16, with tokenizer, scheduler and the latents' statistics, as `WanPipeline` saves them.
The model card beside them is written by hand and left alone.
"""

# The libraries' classes are annotated too narrowly or not at all.
# pyright: reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportOptionalMemberAccess=false
from __future__ import annotations

import argparse
from pathlib import Path

import torch
from diffusers import UniPCMultistepScheduler, WanPipeline

from .run import ROOT, runs_folder
from .transformer import StarterModel
from .vae import build_vae

FOLDER = ROOT / "ckpts" / "wan-starter"
FLOW_SHIFT = 2.0


def assemble(folder: Path = FOLDER) -> Path:
    """Write the pipeline of the last checkpoints and return its folder."""
    vae_state = torch.load(runs_folder() / "vae.pt", map_location="cpu", weights_only=True)
    state = torch.load(runs_folder() / "transformer.pt", map_location="cpu", weights_only=True)
    vae = build_vae(state["mean"], state["std"])
    vae.load_state_dict(vae_state["vae"])
    model = StarterModel()
    model.load_state_dict(state["average"])
    scheduler = UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=FLOW_SHIFT,
                                        num_train_timesteps=1000)
    pipeline = WanPipeline(tokenizer=model.tokenizer, text_encoder=model.text,
                           vae=vae, scheduler=scheduler,
                           transformer=model.transformer, expand_timesteps=True)
    for part in (vae, model.transformer, model.text):
        part.to(torch.bfloat16)
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    print(assemble(parser.parse_args().folder))


if __name__ == "__main__":
    main()
