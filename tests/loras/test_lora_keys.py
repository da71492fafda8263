"""Names in LoRA files lead to the right modules, checked against diffusers' own conversions where it has one."""

from __future__ import annotations

from pathlib import Path

import lora_files as toys
import pytest
import torch
from diffusers import FluxTransformer2DModel
from diffusers.loaders import lora_conversion_utils as theirs

from wgp_core.loras.compat import Match, match, module_shapes
from wgp_core.loras.header import read_header
from wgp_core.loras.keys import Role, name_table, sort_keys, split_component
from wgp_core.models.spec import Family


def placed(path: Path, modules: dict[str, torch.nn.Module], family: Family) -> Match:
    return match(read_header(path), {name: module_shapes(module) for name, module in modules.items()}, family)


def where(found: Match) -> set[tuple[str, str]]:
    return {(piece.component, piece.module) for piece in found.pieces}


@pytest.mark.parametrize("name, base, role", [
    ("transformer.blocks.0.attn1.to_q.lora_A.weight", "transformer.blocks.0.attn1.to_q", Role.DOWN),
    ("blocks.0.attn1.to_q.lora_B.default.weight", "blocks.0.attn1.to_q", Role.UP),
    ("blocks.0.attn1.to_q.lora_B.bias", "blocks.0.attn1.to_q", Role.UP_BIAS),
    ("lora_unet_blocks_0_self_attn_q.lora_down.weight", "lora_unet_blocks_0_self_attn_q", Role.DOWN),
    ("lora_unet_blocks_0_self_attn_q.alpha", "lora_unet_blocks_0_self_attn_q", Role.ALPHA),
    ("unet.mid_block.attn1.processor.to_q_lora.up.weight", "unet.mid_block.attn1.processor.to_q", Role.UP),
    ("text_encoder.q_proj.lora_linear_layer.down.weight", "text_encoder.q_proj", Role.DOWN),
    ("double_blocks.0.processor.qkv_lora1.down.weight", "double_blocks.0.processor.qkv_lora1", Role.DOWN),
    ("diffusion_model.blocks.0.norm3.diff_b", "diffusion_model.blocks.0.norm3", Role.DIFF_BIAS),
])
def test_a_name_is_taken_apart(name: str, base: str, role: Role):
    (key,) = sort_keys([name]).keys
    assert (key.base, key.role) == (base, role)


@pytest.mark.parametrize("name, method", [
    ("x.dora_scale", "DoRA"), ("x.lora_magnitude_vector.default.weight", "DoRA"), ("x.lokr_w1", "LoKr"),
    ("x.hada_w1_a", "LoHa"), ("x.oft_blocks", "OFT"), ("x.lora_mid.weight", "LoCon with a core tensor"),
])
def test_other_methods_are_named(name: str, method: str):
    assert sort_keys([name]).refused == (method,)


@pytest.mark.parametrize("base, component", [
    ("base_model.model.blocks.0", ""), ("diffusion_model.blocks.0", ""), ("transformer_2.blocks.0", "transformer_2"),
    ("lora_te2_encoder", "text_encoder_2"), ("lora_te_encoder", "text_encoder"),
    ("text_encoder.encoder", "text_encoder"),
])
def test_the_component_is_read_from_the_prefix(base: str, component: str):
    assert split_component(base)[0] == component


WAN_STYLES = {
    "diffusers": lambda n: f"transformer.{n}",
    "peft": lambda n: f"base_model.model.{n}",
    "bare": lambda n: n,
    "original": lambda n: f"diffusion_model.{toys.wan_original(n)}",
    "kohya": lambda n: "lora_unet_" + toys.wan_original(n).replace(".", "_"),
    "kohya of diffusers names": lambda n: "lora_unet_" + n.replace(".", "_"),
}


@pytest.mark.parametrize("style", WAN_STYLES)
def test_wan_names_of_every_style_lead_to_the_same_modules(style: str, tmp_path: Path):
    model = toys.wan()
    path = toys.write(tmp_path / "a.safetensors", toys.pairs(model, toys.wan_names(), WAN_STYLES[style]))
    found = placed(path, {"transformer": model}, Family.WAN)
    assert found.problems == () and found.notes == ()
    assert where(found) == {("transformer", name) for name in toys.wan_names()}


def test_original_wan_names_agree_with_diffusers(tmp_path: Path):
    model = toys.wan(image=True)
    outer = {"condition_embedder.time_embedder.linear_1": "time_embedding.0",
             "condition_embedder.time_embedder.linear_2": "time_embedding.2",
             "condition_embedder.text_embedder.linear_1": "text_embedding.0",
             "condition_embedder.text_embedder.linear_2": "text_embedding.2",
             "condition_embedder.time_proj": "time_projection.1", "proj_out": "head.head",
             "condition_embedder.image_embedder.ff.net.0.proj": "img_emb.proj.1",
             "condition_embedder.image_embedder.ff.net.2": "img_emb.proj.3"}
    image = {f"blocks.{i}.attn2.add_{x}_proj": f"blocks.{i}.cross_attn.{x}_img" for i in range(2) for x in "kv"}
    names = {name: toys.wan_original(name) for name in toys.wan_names()} | outer | image
    tensors = toys.pairs(model, names, lambda n: f"diffusion_model.{names[n]}")
    found = placed(toys.write(tmp_path / "a.safetensors", tensors), {"transformer": model}, Family.WAN)
    converted = theirs._convert_non_diffusers_wan_lora_to_diffusers(dict(tensors))
    assert where(found) == {("transformer", key.removeprefix("transformer.").removesuffix(".lora_A.weight"))
                            for key in converted if key.endswith("lora_A.weight")}
    for piece in found.pieces:
        assert torch.equal(converted[f"transformer.{piece.module}.lora_A.weight"], tensors[piece.tensors[Role.DOWN]])


def test_cogvideox_and_ltx(tmp_path: Path):
    for family, model, name in ((Family.COGVIDEOX, toys.cogvideox(), "transformer_blocks.0.attn1.to_q"),
                                (Family.LTX, toys.ltx(), "transformer_blocks.0.attn2.to_out.0")):
        for style in (lambda n: f"transformer.{n}", lambda n: f"diffusion_model.{n}",
                      lambda n: "lora_unet_" + n.replace(".", "_")):
            path = toys.write(tmp_path / "a.safetensors", toys.pairs(model, [name], style))
            assert where(placed(path, {"transformer": model}, family)) == {("transformer", name)}
    table = name_table(module_shapes(toys.ltx()), "transformer", Family.LTX)
    assert table["patchify_proj"].modules == ("proj_in",)
    assert table["adaln_single_linear"].modules == ("time_embed.linear",)


def test_kohya_flux_agrees_with_diffusers(tmp_path: Path):
    """diffusers' conversion knows the real widths only: one block of them, without memory."""
    with torch.device("meta"):
        model = FluxTransformer2DModel(num_layers=1, num_single_layers=1)
    generator = torch.Generator().manual_seed(0)
    w = 3072
    shapes = {"double_blocks_0_img_attn_qkv": (3 * w, w), "double_blocks_0_txt_attn_qkv": (3 * w, w),
              "double_blocks_0_img_attn_proj": (w, w), "double_blocks_0_txt_attn_proj": (w, w),
              "double_blocks_0_img_mlp_0": (4 * w, w), "double_blocks_0_txt_mlp_2": (w, 4 * w),
              "double_blocks_0_img_mod_lin": (6 * w, w), "double_blocks_0_txt_mod_lin": (6 * w, w),
              "single_blocks_0_linear1": (7 * w, w), "single_blocks_0_linear2": (w, 5 * w),
              "single_blocks_0_modulation_lin": (3 * w, w)}
    tensors = {}
    for name, (out, width) in shapes.items():
        tensors[f"lora_unet_{name}.lora_down.weight"] = torch.randn(4, width, generator=generator)
        tensors[f"lora_unet_{name}.lora_up.weight"] = torch.randn(out, 4, generator=generator)
        tensors[f"lora_unet_{name}.alpha"] = torch.tensor(4.0)
    found = placed(toys.write(tmp_path / "a.safetensors", tensors), {"transformer": model}, Family.FLUX)
    assert found.problems == ()
    converted = theirs._convert_kohya_flux_lora_to_diffusers(dict(tensors))
    wanted = {key.removesuffix(".lora_B.weight"): value for key, value in converted.items() if "lora_B" in key}
    assert {f"transformer.{piece.module}" for piece in found.pieces} == set(wanted)
    for piece in found.pieces:
        up = tensors[piece.tensors[Role.UP]]
        up = up[slice(*piece.rows)] if piece.rows else up
        assert torch.equal(up, wanted[f"transformer.{piece.module}"]), piece.module


def test_xlabs_flux_agrees_with_diffusers(tmp_path: Path):
    tensors = {}
    for number, (out, kind) in enumerate(((96, "qkv_lora1"), (96, "qkv_lora2"), (32, "proj_lora1"),
                                          (32, "proj_lora2"))):
        base = f"double_blocks.0.processor.{kind}"
        tensors[f"{base}.down.weight"] = torch.full((2, 32), float(number))
        tensors[f"{base}.up.weight"] = torch.arange(out * 2.0).reshape(out, 2) + number
    found = placed(toys.write(tmp_path / "a.safetensors", tensors), {"transformer": toys.flux()}, Family.FLUX)
    converted = theirs._convert_xlabs_flux_lora_to_diffusers(dict(tensors))
    assert len(found.pieces) == 8
    for piece in found.pieces:
        up = tensors[piece.tensors[Role.UP]]
        up = up[slice(*piece.rows)] if piece.rows else up
        assert torch.equal(up, converted[f"transformer.{piece.module}.lora_B.weight"]), piece.module


def test_sdxl_kohya_names_with_text_encoders(tmp_path: Path):
    unet, first, second = toys.sdxl_unet(), toys.clip(), toys.clip(projection=True)
    block = "transformer_blocks.0.attn2.to_k"
    sgm = {"down_blocks.1.attentions.0." + block: "input_blocks.4.1." + block,
           "down_blocks.2.attentions.1." + block: "input_blocks.8.1." + block,
           "mid_block.attentions.0." + block: "middle_block.1." + block,
           "up_blocks.0.attentions.0." + block: "output_blocks.0.1." + block,
           "up_blocks.1.attentions.2." + block: "output_blocks.5.1." + block}
    tensors = toys.pairs(unet, sgm, lambda n: "lora_unet_" + sgm[n].replace(".", "_"), down=".lora_down.weight",
                         up=".lora_up.weight")
    plain = "up_blocks.1.attentions.0.transformer_blocks.0.attn1.to_out.0"
    tensors |= toys.pairs(unet, [plain], lambda n: "lora_unet_" + n.replace(".", "_"))
    tensors |= {"lora_unet_input_blocks_1_0_in_layers_2.lora_down.weight": torch.zeros(2, 8, 3, 3),
                "lora_unet_input_blocks_1_0_in_layers_2.lora_up.weight": torch.zeros(8, 2, 1, 1),
                "lora_unet_output_blocks_2_2_conv.lora_down.weight": torch.zeros(2, 16, 3, 3),
                "lora_unet_output_blocks_2_2_conv.lora_up.weight": torch.zeros(16, 2, 1, 1)}
    for te in ("te1", "te2"):
        base = f"lora_{te}_text_model_encoder_layers_0_self_attn_q_proj"
        tensors |= {f"{base}.lora_down.weight": torch.zeros(2, 16), f"{base}.lora_up.weight": torch.zeros(16, 2)}
    modules = {"unet": unet, "text_encoder": first, "text_encoder_2": second}
    found = placed(toys.write(tmp_path / "a.safetensors", tensors), modules, Family.SDXL)
    assert found.problems == () and found.notes == ()
    assert {name for part, name in where(found) if part == "unet"} == {
        *sgm, plain, "down_blocks.0.resnets.0.conv1", "up_blocks.0.upsamplers.0.conv"}
    assert {part for part, name in where(found) if name.endswith("layers.0.self_attn.q_proj")} == {
        "text_encoder", "text_encoder_2"}


def test_sgm_block_numbers_agree_with_diffusers():
    unet = toys.sdxl_unet()
    table = name_table(module_shapes(unet), "unet", Family.SDXL)
    for ours, parts in [(key, target.modules[0]) for key, target in table.items()
                        if key.startswith(("input_blocks", "middle_block", "output_blocks"))
                        and "_transformer_blocks_" in key]:
        mapped = theirs._maybe_map_sgm_blocks_to_diffusers({f"lora_unet_{ours}.lora_down.weight": torch.zeros(1)},
                                                           unet.config)
        (key,) = mapped
        for old, new in (("input_blocks", "down_blocks"), ("middle_block", "mid_block"),
                         ("output_blocks", "up_blocks")):
            key = key.replace(old, new)
        assert key.removeprefix("lora_unet_").removesuffix(".lora_down.weight") == parts.replace(".", "_")
