"""int8 weights on the CPU: torch's kernel ends the process on data that is not aligned, so these run in their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import torch
from diffusers import WanTransformer3DModel
from safetensors import safe_open
from safetensors.torch import save_file

from wgp_core.models.aligned import ALIGNMENT, FILLER, read_header
from wgp_core.models.options import Precision, Quantization
from wgp_core.models.quantized import quantize_component

ROOT = Path(__file__).resolve().parents[2]
FORWARD = """
    import sys
    from pathlib import Path
    import torch
    from diffusers import WanTransformer3DModel
    from wgp_core.models.options import LoadOptions
    from wgp_core.models.quantized import load_component
    from wgp_core.models.quanto_format import quantized_tensors

    model = load_component(Path(sys.argv[1]), WanTransformer3DModel, LoadOptions(), quantize=True)
    for name, data in quantized_tensors(model):
        assert data.data_ptr() % 64 == 0, name
    with torch.inference_mode():
        out = model(torch.ones(1, 4, 3, 8, 8, dtype=torch.bfloat16), torch.tensor([500]),
                    torch.ones(1, 7, 24, dtype=torch.bfloat16), return_dict=False)[0]
    assert out.isfinite().all()
    print("finished", len(list(quantized_tensors(model))))
"""


def wan(folder: Path, *, ffn: int = 128) -> Path:
    torch.manual_seed(0)
    WanTransformer3DModel(num_attention_heads=2, attention_head_dim=32, in_channels=4, out_channels=4, text_dim=24,
                          freq_dim=32, ffn_dim=ffn, num_layers=2, cross_attn_norm=True).save_pretrained(folder)
    return folder


def run(path: Path) -> str:
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(FORWARD), str(path)], cwd=ROOT, text=True,
                          capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, f"status {done.returncode}: {done.stderr[-2000:]}"
    return done.stdout.strip().splitlines()[-1]


def test_a_forward_pass_through_our_own_file_finishes(tmp_path: Path) -> None:
    assert run(wan(tmp_path / "transformer")) == "finished 20"


def test_a_foreign_file_at_a_misaligned_place_with_rows_the_kernel_cannot_take_finishes(tmp_path: Path) -> None:
    """The same weights as a program without alignment stores them, and one layer with rows of 100 bytes."""
    component = wan(tmp_path / "transformer", ffn=100)
    made = quantize_component(component, Precision.BF16, Quantization.INT8)
    with safe_open(made, "pt") as opened:
        metadata = dict(opened.metadata())
        tensors = {name: opened.get_tensor(name) for name in opened.keys() if not name.startswith(FILLER)}  # noqa: SIM118
    metadata.pop("wgp_base64")
    from wgp_core.models.quanto_format import pack_metadata, quantize_rows, unpack_metadata

    qmap = unpack_metadata(metadata, "quantization_map")
    for name in [n for n in tensors if n.endswith("ffn.net.2.weight")]:  # our writer leaves these layers whole
        data, scale = quantize_rows(tensors.pop(name), "qint8", torch.bfloat16)
        tensors |= {f"{name}._data": data, f"{name}._scale": scale}
        qmap[name.removesuffix(".weight")] = {"weights": "qint8", "activations": "none"}
    metadata.update(pack_metadata({"quantization_map": qmap}))
    made.unlink()
    foreign = tmp_path / "wan_quanto_bf16_int8.safetensors"
    metadata["shift"] = "x" * 12
    save_file(tensors, foreign, metadata)
    starts = [read_header(foreign).data_start + e.start for e in read_header(foreign).entries.values()
              if e.dtype == "I8"]
    assert any(start % ALIGNMENT for start in starts)
    assert run(foreign) == "finished 18"
