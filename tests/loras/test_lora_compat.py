"""Files that do not fit are told before anything runs, in words that name the tensor, the shapes and the family."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path

import lora_files as toys
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wgp_core.errors import EngineError, RequestError
from wgp_core.loras.compat import detect, folder_shapes, match, module_shapes, require_fit
from wgp_core.loras.header import Header, TensorInfo, read_header
from wgp_core.models.spec import Family


def header(shapes: dict[str, tuple[int, ...]]) -> Header:
    """A header alone, for models whose LoRAs are too large to make."""
    return Header(Path("a.safetensors"), 0, {name: TensorInfo("BF16", shape) for name, shape in shapes.items()}, {})


def linear(base: str, width: int, out: int = 0) -> dict[str, tuple[int, ...]]:
    return {f"{base}.lora_A.weight": (16, width), f"{base}.lora_B.weight": (out or width, 16)}


@pytest.mark.parametrize("shapes, family, label", [
    (linear("diffusion_model.blocks.0.self_attn.q", 1536), Family.WAN, "Wan 1.3B"),
    (linear("lora_unet_blocks_0_self_attn_q", 5120), Family.WAN, "Wan 14B"),
    (linear("transformer.blocks.0.attn1.to_q", 3072), Family.WAN, "Wan 2.2 5B"),
    (linear("blocks.0.attn1.to_q", 5120) | linear("blocks.0.attn2.add_k_proj", 5120), Family.WAN,
     "Wan 14B image-to-video"),
    (linear("blocks.0.ffn.2", 13824, 5120) | linear("blocks.0.self_attn.o", 5120), Family.WAN, "Wan 14B"),
    (linear("transformer.transformer_blocks.0.attn1.to_q", 1920), Family.COGVIDEOX, "CogVideoX 2B"),
    (linear("transformer.transformer_blocks.0.attn1.to_q", 3072), Family.COGVIDEOX, "CogVideoX 5B"),
    (linear("transformer.transformer_blocks.0.attn1.to_q", 2048), Family.LTX, "LTX-Video 2B"),
    (linear("diffusion_model.transformer_blocks.0.attn2.to_q", 4096), Family.LTX, "LTX-Video 13B"),
    (linear("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k", 2048, 640), Family.SDXL, "SDXL"),
    (linear("lora_unet_input_blocks_4_1_transformer_blocks_0_attn1_to_q", 640), Family.SDXL, "SDXL"),
    (linear("lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 768, 320), None,
     "Stable Diffusion 1.5"),
    (linear("transformer.single_transformer_blocks.37.attn.to_q", 3072), Family.FLUX, "FLUX"),
    (linear("lora_unet_double_blocks_0_img_attn_qkv", 3072, 9216), Family.FLUX, "FLUX"),
    (linear("transformer.transformer_blocks.0.attn.to_q", 1536), None, "Stable Diffusion 3"),
    (linear("diffusion_model.single_blocks.39.linear1", 3072), None,
     "a model like FLUX with more blocks (HunyuanVideo, FLUX.2)"),
    (linear("lora_te1_text_model_encoder_layers_0_mlp_fc1", 768), None, "a text encoder alone"),
    (linear("something.else", 100), None, "an unknown model"),
])
def test_the_family_is_told_from_names_and_widths(shapes: dict[str, tuple[int, ...]], family: Family | None,
                                                  label: str):
    origin = detect(header(shapes))
    assert (origin.family, origin.label) == (family, label)


def test_another_size_of_the_family_names_tensor_and_shapes():
    shapes = {"transformer": {"blocks.0.attn1.to_q": (1536, 1536)}}
    found = match(header(linear("diffusion_model.blocks.0.self_attn.q", 5120)), shapes, Family.WAN)
    with pytest.raises(RequestError) as caught:
        require_fit(found, "Wan2.1 T2V 1.3B")
    text = str(caught.value)
    assert "a.safetensors does not fit Wan2.1 T2V 1.3B" in text
    assert "diffusion_model.blocks.0.self_attn.q.lora_A.weight has shape [16, 5120]" in text
    assert "transformer.blocks.0.attn1.to_q takes [16, 1536]" in text
    assert "made for Wan 14B" in text
    assert caught.value.field == "loras"


def test_another_family_is_told_before_shapes():
    found = match(header(linear("transformer.single_transformer_blocks.0.attn.to_q", 3072)),
                  {"transformer": {"blocks.0.attn1.to_q": (3072, 3072)}}, Family.WAN)
    assert found.problems == ("it was made for FLUX, a FLUX model, and this is a Wan model",)


@pytest.mark.parametrize("names, part", [
    ({"x.lokr_w1": (4, 4)}, "LoKr, which is not supported"),
    ({"blocks.0.self_attn.q.dora_scale": (4,)} | linear("blocks.0.self_attn.q", 16), "DoRA, which is not supported"),
    ({"model.layers.0.weight": (4, 4)}, "holds no LoRA tensors (its first is 'model.layers.0.weight')"),
    ({}, "holds no LoRA tensors"),
    (linear("nothing.like.it", 16), "none of its 1 modules exists in this model"),
    ({"blocks.0.self_attn.q.lora_A.weight": (4, 16)}, "has no up matrix beside it"),
    ({"blocks.0.self_attn.q.diff_b": (5,)}, "has shape [5] where transformer.blocks.0.attn1.to_q takes [16]"),
    (linear("blocks.0.self_attn.q", 16, 17), "has shape [17, 16] where transformer.blocks.0.attn1.to_q takes [16, 16]"),
    (linear("blocks.0.norm3", 16), "is not a linear layer"),
])
def test_what_cannot_be_used_is_said(names: dict[str, tuple[int, ...]], part: str):
    shapes = {"transformer": {"blocks.0.attn1.to_q": (16, 16), "blocks.0.norm2": (16,)}}
    found = match(header(names), shapes, Family.WAN)
    assert not found.fits
    assert part in found.problems[0]


def test_parts_for_absent_components_are_notes():
    names = linear("blocks.0.self_attn.q", 16) | linear("lora_te1_text_model_encoder_layers_0_mlp_fc1", 8)
    found = match(header(names), {"transformer": {"blocks.0.attn1.to_q": (16, 16)}}, Family.WAN)
    assert found.fits and "text_encoder is left out" in found.notes[0]


def test_shapes_of_a_folder_are_those_of_its_models(tmp_path: Path):
    model, clip = toys.wan(), toys.clip()
    model.save_config(tmp_path / "transformer")
    clip.config.architectures = ["CLIPTextModel"]
    clip.config.save_pretrained(tmp_path / "text_encoder")
    found = folder_shapes(tmp_path)
    assert found == {"transformer": module_shapes(model), "text_encoder": module_shapes(clip)}
    assert found["transformer"]["blocks.0.ffn.net.0.proj"] == (32, 24)
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_denoiser_with_a_broken_config_is_an_error(tmp_path: Path):
    (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer" / "config.json").write_text('{"_class_name": "NoSuchModel"}')
    with pytest.raises(EngineError, match="NoSuchModel"):
        folder_shapes(tmp_path)


def test_a_header_is_the_file_s(tmp_path: Path):
    path = toys.write(tmp_path / "a.safetensors", {"x": torch.zeros(2, 3), "y": torch.zeros(4, dtype=torch.bfloat16)},
                      {"k": "v"})
    found = read_header(path)
    assert dict(found.tensors) == {"x": TensorInfo("F32", (2, 3)), "y": TensorInfo("BF16", (4,))}
    assert found.metadata == {"k": "v"} and found.size_bytes == path.stat().st_size


def test_damaged_files_are_refused(tmp_path: Path):
    path = toys.write(tmp_path / "a.safetensors", {"x": torch.zeros(20, 30)})
    whole = path.read_bytes()
    for content, part in ((whole[:-10], "cut short"), (b"", "begin"), (b"\xff" * 50, "begin"),
                          (struct.pack("<Q", 4) + b"{{{{", "not JSON"), (struct.pack("<Q", 2) + b"[]", "JSON object"),
                          (struct.pack("<Q", 8) + json.dumps({"x": 1}).encode(), "entry of x")):
        path.write_bytes(content)
        with pytest.raises(RequestError, match=part):
            read_header(path)


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes):
    path = tmp_path_factory.mktemp("h") / "a.safetensors"
    path.write_bytes(struct.pack("<Q", max(2, len(content) - 5)) + content)
    try:
        found = read_header(path)
    except RequestError as refused:
        assert path.name in refused.message
    else:
        assert found.size_bytes == path.stat().st_size


@pytest.mark.parametrize("name", ["a.pt", "a.bin", "a.CKPT", "a.pth", "a.zip", "a"])
def test_pickles_and_other_files_are_refused_by_name(name: str, tmp_path: Path):
    with pytest.raises(RequestError, match=r"pickled file|not a LoRA file"):
        read_header(tmp_path / name)


def test_listing_needs_no_torch():
    import subprocess

    code = ("import sys, wgp_core.loras.library, wgp_core.loras.presets, wgp_core.loras.words, wgp_core.loras.adapters;"
            "sys.exit(any(name in sys.modules for name in ('torch', 'diffusers', 'transformers', 'safetensors')))")
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
