"""Relative error of one denoising step with quantized weights, against bf16: a real Wan transformer, random weights.

    ./run.sh benchmarks/quantization.py [--size tiny|1.3b] [--keep FOLDER]

Random weights have no outliers; trained ones do worse in int4 and a little worse in int8.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

SIZES: dict[str, dict[str, Any]] = {
    "tiny": {"num_attention_heads": 4, "attention_head_dim": 64, "ffn_dim": 1024, "num_layers": 4, "text_dim": 256},
    "1.3b": {"num_attention_heads": 12, "attention_head_dim": 128, "ffn_dim": 8960, "num_layers": 30,
             "text_dim": 4096},
    "14b": {"num_attention_heads": 40, "attention_head_dim": 128, "ffn_dim": 13824, "num_layers": 40,
            "text_dim": 4096},
}


def write_wan(folder: Path, size: str) -> Path:
    """A Wan transformer of this shape with random bf16 weights, in the hub's layout."""
    import torch
    from diffusers import WanTransformer3DModel

    torch.manual_seed(0)
    torch.set_default_dtype(torch.bfloat16)
    try:
        model = WanTransformer3DModel(**SIZES[size], cross_attn_norm=True, qk_norm="rms_norm_across_heads")
    finally:
        torch.set_default_dtype(torch.float32)
    target = folder / "transformer"
    model.save_pretrained(target, max_shard_size="5GB")
    return target


def one_step(model, frames: int = 2, side: int = 8):
    """The prediction for a small latent (16 channels) at timestep 500, as float32."""
    import torch

    generator = torch.Generator().manual_seed(1)
    latent = torch.randn(1, 16, frames, side, side, generator=generator).to(torch.bfloat16)
    text = torch.randn(1, 32, model.config.text_dim, generator=generator).to(torch.bfloat16)
    with torch.inference_mode():
        return model(hidden_states=latent, timestep=torch.tensor([500]), encoder_hidden_states=text,
                     return_dict=False)[0].float()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="tiny")
    parser.add_argument("--keep", type=Path, help="write the model here, or use the one that is there, and keep it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        table(args.keep or Path(temporary), args.size)


def table(folder: Path, size: str) -> None:
    from diffusers import WanTransformer3DModel

    from wgp_core.models.options import LoadOptions, Precision, Quantization
    from wgp_core.models.quantized import component_files, load_component, quantize_component

    component = folder / "transformer"
    if not component.is_dir():
        write_wan(folder, size)
    plain = LoadOptions(precision=Precision.BF16, quantization=Quantization.NONE)
    right = one_step(load_component(component, WanTransformer3DModel, plain, quantize=False))
    print(f"{'weights':8} {'GB':>7} {'quantizing s':>13} {'step s':>8} {'relative error':>15}")
    for kind in Quantization:
        options = LoadOptions(precision=Precision.BF16, quantization=kind)
        began = time.perf_counter()
        if kind is not Quantization.NONE:
            quantize_component(component, Precision.BF16, kind)
        made = time.perf_counter() - began
        model = load_component(component, WanTransformer3DModel, options, quantize=True)
        one_step(model)
        began = time.perf_counter()
        out = one_step(model)
        took = time.perf_counter() - began
        error = float((out - right).norm() / right.norm())
        size_gb = sum(file.stat().st_size for file in component_files(component, options)) / 1e9
        print(f"{kind.value if kind is not Quantization.NONE else 'bf16':8} {size_gb:7.3f} {made:13.1f} {took:8.2f} "
              f"{error:15.4f}", flush=True)
        del model


if __name__ == "__main__":
    main()
