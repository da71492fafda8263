"""Toy models of each family and LoRA files for them, in every naming convention."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from diffusers import (
    CogVideoXTransformer3DModel,
    FluxTransformer2DModel,
    LTXVideoTransformer3DModel,
    UNet2DConditionModel,
    WanTransformer3DModel,
)
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection


def wan(heads: int = 2, *, image: bool = False, layers: int = 2) -> WanTransformer3DModel:
    torch.manual_seed(0)
    width = heads * 12
    extra = {"image_dim": 20, "added_kv_proj_dim": width} if image else {}
    return WanTransformer3DModel(num_attention_heads=heads, attention_head_dim=12, in_channels=4, out_channels=4,
                                 text_dim=16, freq_dim=16, ffn_dim=32, num_layers=layers, **extra).eval()


def run_wan(model: torch.nn.Module) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    dtype = next(p.dtype for p in model.parameters() if p.is_floating_point())
    x = torch.randn(1, 4, 2, 8, 8, generator=generator).to(dtype)
    text = torch.randn(1, 5, 16, generator=generator).to(dtype)
    with torch.no_grad():
        return model(x, timestep=torch.tensor([500]), encoder_hidden_states=text, return_dict=False)[0]


def cogvideox() -> CogVideoXTransformer3DModel:
    torch.manual_seed(0)
    return CogVideoXTransformer3DModel(num_attention_heads=2, attention_head_dim=8, num_layers=1, text_embed_dim=16,
                                       time_embed_dim=8).eval()


def ltx() -> LTXVideoTransformer3DModel:
    torch.manual_seed(0)
    return LTXVideoTransformer3DModel(num_attention_heads=2, attention_head_dim=8, num_layers=1, cross_attention_dim=16,
                                      caption_channels=16).eval()


def flux() -> FluxTransformer2DModel:
    torch.manual_seed(0)
    return FluxTransformer2DModel(in_channels=4, num_attention_heads=2, attention_head_dim=16, num_layers=1,
                                  num_single_layers=1, joint_attention_dim=16, pooled_projection_dim=8,
                                  guidance_embeds=True, axes_dims_rope=(4, 4, 8)).eval()


def sdxl_unet() -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=16, in_channels=4, out_channels=4, block_out_channels=(8, 16, 16), layers_per_block=2,
        norm_num_groups=4, cross_attention_dim=24, attention_head_dim=(2, 2, 2), use_linear_projection=True,
        transformer_layers_per_block=(1, 1, 2), addition_embed_type="text_time", addition_time_embed_dim=8,
        projection_class_embeddings_input_dim=8 * 6 + 16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D")).eval()


def clip(*, projection: bool = False) -> torch.nn.Module:
    torch.manual_seed(0)
    config = CLIPTextConfig(hidden_size=16, num_hidden_layers=1, intermediate_size=32, num_attention_heads=2,
                            vocab_size=50, projection_dim=8)
    return (CLIPTextModelWithProjection if projection else CLIPTextModel)(config).eval()


def write(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path, dict(metadata or {}))
    return path


def pairs(model: torch.nn.Module, names: Iterable[str], rename: Callable[[str], str], *, rank: int = 3,
          down: str = ".lora_A.weight", up: str = ".lora_B.weight", seed: int = 3) -> dict[str, torch.Tensor]:
    """Random LoRA matrices for linear layers of `model`, each named `rename(module name)`."""
    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name in names:
        module = model.get_submodule(name)
        tensors[rename(name) + down] = torch.randn(rank, module.in_features, generator=generator) * 0.3
        tensors[rename(name) + up] = torch.randn(module.out_features, rank, generator=generator) * 0.3
    return tensors


WAN_ORIGINAL = {
    "attn1.to_q": "self_attn.q", "attn1.to_k": "self_attn.k", "attn1.to_v": "self_attn.v",
    "attn1.to_out.0": "self_attn.o", "attn2.to_q": "cross_attn.q", "attn2.to_k": "cross_attn.k",
    "attn2.to_v": "cross_attn.v", "attn2.to_out.0": "cross_attn.o", "ffn.net.0.proj": "ffn.0", "ffn.net.2": "ffn.2",
}


def wan_names(layers: int = 2) -> list[str]:
    return [f"blocks.{i}.{part}" for i in range(layers) for part in WAN_ORIGINAL]


def wan_original(name: str) -> str:
    block, rest = name.split(".", 2)[1], name.split(".", 2)[2]
    return f"blocks.{block}.{WAN_ORIGINAL[rest]}"
