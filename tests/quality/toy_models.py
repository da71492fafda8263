"""The real classes of the vision models at toy size, with fixed weights, in the folders where the program looks."""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import CLIPConfig, CLIPModel, ViTConfig, ViTModel

from wgp_core.quality.raft import Raft


def fixed(model: torch.nn.Module) -> torch.nn.Module:
    """Weights that follow from a sine, the same on every version of torch; norms stay as they are made."""
    state = {}
    for number, (name, value) in enumerate(sorted(model.state_dict().items())):
        if not value.is_floating_point() or ("norm" in name.lower() and value.ndim == 1) or "running" in name:
            state[name] = value
            continue
        width = value[0].numel() if value.ndim > 1 else 50
        wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 12.9898 + number)
        strength = 12 if "patch" in name else 1  # what is seen must outweigh the places
        state[name] = (wave * strength * math.sqrt(3 / width)).reshape(value.shape).float()
    model.load_state_dict(state)
    return model.eval()


def dino(ckpts: Path) -> ViTModel:
    model = ViTModel(ViTConfig(hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                               patch_size=16, image_size=224), add_pooling_layer=False)
    fixed(model).save_pretrained(ckpts / "dino-vitb16")
    return model


def clip(ckpts: Path, folder: str = "clip-vit-base-patch32", projection: int = 16) -> CLIPModel:
    config = CLIPConfig(
        text_config={"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2,
                     "vocab_size": 32, "projection_dim": projection,
                     "max_position_embeddings": 77, "bos_token_id": 30, "eos_token_id": 31},
        vision_config={"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
                       "image_size": 224, "patch_size": 32, "projection_dim": projection}, projection_dim=projection)
    model = CLIPModel(config)
    fixed(model).save_pretrained(ckpts / folder)
    return model


def tokenizer(folder: Path) -> None:
    """A byte-pair vocabulary of 32: letters, and the marks of beginning and end."""
    letters = "abcdefghijklmno"
    words = [*letters, *(f"{letter}</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({word: i for i, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")


def aesthetic_head(ckpts: Path, width: int = 16) -> torch.nn.Linear:
    head = torch.nn.Linear(width, 1)
    with torch.no_grad():
        head.weight.copy_(torch.linspace(-4, 4, width)[None])
        head.bias.fill_(5.0)
    folder = ckpts / "laion-aesthetic"
    folder.mkdir(parents=True)
    save_file({"weight": head.weight.data.clone(), "bias": head.bias.data.clone()},
              folder / "sa_0_4_vit_l_14_linear.safetensors")
    return head


def raft(ckpts: Path) -> Raft:
    model = fixed_raft()
    (ckpts / "raft-large").mkdir(parents=True)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()},
              ckpts / "raft-large" / "raft_large_C_T_V1.safetensors")
    return model


def fixed_raft() -> Raft:
    """As `fixed`, except that only the scales of the batch norms stay."""
    model = Raft()
    state = {}
    for number, (name, value) in enumerate(sorted(model.state_dict().items())):
        if "running_var" in name or (name.endswith("1.weight") and value.ndim == 1):
            state[name] = torch.ones_like(value)
        elif value.is_floating_point():
            width = value[0].numel() if value.ndim > 1 else 50
            wave = torch.sin(torch.arange(value.numel(), dtype=torch.float64) * 12.9898 + number)
            state[name] = (wave * math.sqrt(3 / width)).reshape(value.shape).float()
        else:
            state[name] = value
    model.load_state_dict(state)
    return model.eval()
