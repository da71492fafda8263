"""LoRAs on real model classes at toy size: what they add, and that nothing of them stays."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import lora_files as toys
import pytest
import torch
from optimum.quanto import freeze, qint8, quantize

from wgp_core.errors import RequestError
from wgp_core.loras.adapters import apply
from wgp_core.models.spec import Family
from wgp_core.request import LoraUse


def state(model: torch.nn.Module) -> dict[str, tuple[int, bytes]]:
    """Every tensor of the model: where it lies and its bytes (quantized weights by their data and scale)."""
    found = {}
    for name, tensor in model.state_dict().items():
        if isinstance(tensor, torch.Tensor):
            plain = tensor.contiguous().reshape(-1).view(torch.uint8)
            found[name] = (tensor.data_ptr(), plain.numpy().tobytes())
    return found


def merged(model: torch.nn.Module, tensors: dict[str, torch.Tensor], scale: float = 1.0) -> torch.nn.Module:
    """A copy of the model with the LoRA (diffusers' names) added into its weights: the reference."""
    model = copy.deepcopy(model)
    for module in model.modules():
        module._forward_hooks.clear()  # LoRAs that are on the model now are copied with it
    for name in [key.removesuffix(".lora_A.weight") for key in tensors if key.endswith(".lora_A.weight")]:
        product = tensors[f"{name}.lora_B.weight"] @ tensors[f"{name}.lora_A.weight"]
        model.get_submodule(name.removeprefix("transformer.")).weight.data += scale * product
    return model


def lora(path: Path, model: torch.nn.Module, *, seed: int = 3) -> tuple[Path, dict[str, torch.Tensor]]:
    tensors = toys.pairs(model, toys.wan_names(), lambda n: f"transformer.{n}", seed=seed)
    return toys.write(path, tensors), tensors


def close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-4) -> bool:
    return torch.allclose(a, b, rtol=tolerance, atol=tolerance * b.abs().max().item())


def test_equals_the_merged_weights(tmp_path: Path):
    model = toys.wan()
    path, tensors = lora(tmp_path / "a.safetensors", model)
    plain = toys.run_wan(model)
    with apply({"transformer": model}, (LoraUse(path, "0.7"),), Family.WAN, 4) as applied:
        changed = toys.run_wan(model)
        assert applied.files == (path,) and applied.notes == () and applied.module_count == 20
    assert close(changed, toys.run_wan(merged(model, tensors, 0.7)))
    assert not close(changed, plain, 1e-2)


@pytest.mark.parametrize("quantized", [False, True])
def test_removal_leaves_every_bit(quantized: bool, tmp_path: Path):
    model = toys.wan()
    if quantized:
        quantize(model, weights=qint8, exclude=["proj_out", "condition_embedder.*"])
        freeze(model)
    path, _ = lora(tmp_path / "a.safetensors", model)
    before, plain = state(model), toys.run_wan(model)
    assert len(before) > 60
    applied = apply({"transformer": model}, (LoraUse(path, "1"),), Family.WAN, 4)
    assert state(model) == before
    assert not torch.equal(toys.run_wan(model), plain)
    applied.remove()
    applied.remove()
    assert state(model) == before
    assert torch.equal(toys.run_wan(model), plain)
    assert all(not module._forward_hooks for module in model.modules())


def test_quantized_weights_get_the_same_addition(tmp_path: Path):
    model = toys.wan()
    path, _ = lora(tmp_path / "a.safetensors", model)
    exact = copy.deepcopy(model)
    quantize(model, weights=qint8)
    freeze(model)
    outputs = []
    for candidate in (exact, model):
        with apply({"transformer": candidate}, (LoraUse(path),), Family.WAN, 4):
            outputs.append(toys.run_wan(candidate))
    assert close(outputs[1], outputs[0], 0.1)


def test_several_add_up(tmp_path: Path):
    model = toys.wan()
    first, one = lora(tmp_path / "a.safetensors", model, seed=3)
    second, two = lora(tmp_path / "b.safetensors", model, seed=4)
    with apply({"transformer": model}, (LoraUse(first, "0.5"), LoraUse(second, "-1")), Family.WAN, 4):
        both = toys.run_wan(model)
    assert close(both, toys.run_wan(merged(merged(model, one, 0.5), two, -1)))


def test_multipliers_follow_the_steps(tmp_path: Path):
    model = toys.wan()
    path, tensors = lora(tmp_path / "a.safetensors", model)
    plain = toys.run_wan(model)
    with apply({"transformer": model}, (LoraUse(path, "0,1"),), Family.WAN, 4) as applied:
        assert torch.equal(toys.run_wan(model), plain)
        applied.at_step(1, 0)
        assert torch.equal(toys.run_wan(model), plain)
        for step in (2, 3, 9):
            applied.at_step(step, 0)
            assert close(toys.run_wan(model), toys.run_wan(merged(model, tensors)))
        applied.at_step(0, 0)
        assert torch.equal(toys.run_wan(model), plain)


def test_phases_reach_their_own_transformer(tmp_path: Path):
    high, low = toys.wan(), toys.wan()
    path, tensors = lora(tmp_path / "a.safetensors", high)
    plain = toys.run_wan(high)
    with apply({"transformer": high, "transformer_2": low}, (LoraUse(path, "0;1,0.5"),), Family.WAN, 6,
               phase_starts=(0, 2)) as applied:
        assert applied.module_count == 20, "the first transformer, which gets nothing, has no hooks"
        for step, phase, value in ((0, 0, 1), (2, 1, 1), (3, 1, 1), (4, 1, 0.5), (5, 1, 0.5)):
            applied.at_step(step, phase)
            assert torch.equal(toys.run_wan(high), plain)
            if phase == 1:
                assert close(toys.run_wan(low), toys.run_wan(merged(low, tensors, value)))


def test_a_file_with_parts_for_both_transformers(tmp_path: Path):
    high, low = toys.wan(), toys.wan()
    name = "blocks.0.attn1.to_q"
    first = toys.pairs(high, [name], lambda n: f"transformer.{n}", seed=1)
    second = toys.pairs(low, ["blocks.1.attn1.to_q"], lambda n: f"transformer_2.{n}", seed=2)
    path = toys.write(tmp_path / "a.safetensors", first | second)
    with apply({"transformer": high, "transformer_2": low}, (LoraUse(path),), Family.WAN, 6):
        assert {n for n, m in high.named_modules() if m._forward_hooks} == {name}
        assert {n for n, m in low.named_modules() if m._forward_hooks} == {"blocks.1.attn1.to_q"}


def test_phases_on_a_model_with_one_are_noted(tmp_path: Path):
    model = toys.wan()
    path, _ = lora(tmp_path / "a.safetensors", model)
    with apply({"transformer": model}, (LoraUse(path, "0;1"),), Family.WAN, 4) as applied:
        assert "has 2 phases; this model has 1" in applied.notes[0]


@pytest.mark.parametrize("how", ["alpha tensor", "metadata", "pattern", "rslora"])
def test_alpha_over_rank_is_the_scale(how: str, tmp_path: Path):
    model = toys.wan()
    tensors = toys.pairs(model, toys.wan_names(), lambda n: f"transformer.{n}", rank=4)
    settings = {"transformer.lora_alpha": 8, "transformer.r": 4}
    saved, scale = dict(tensors), 2.0
    if how == "alpha tensor":
        saved |= {f"transformer.{n}.alpha": torch.tensor(8.0) for n in toys.wan_names()}
        settings = {}
    elif how == "rslora":
        settings["transformer.use_rslora"], scale = True, 4.0
    elif how == "pattern":
        settings = {"transformer.lora_alpha": 1, "transformer.alpha_pattern": dict.fromkeys(toys.wan_names(), 8)}
    path = toys.write(tmp_path / "a.safetensors", saved, {"lora_adapter_metadata": json.dumps(settings)})
    with apply({"transformer": model}, (LoraUse(path, "0.25"),), Family.WAN, 4):
        assert close(toys.run_wan(model), toys.run_wan(merged(model, tensors, 0.25 * scale)))


def test_differences_of_weights_and_biases(tmp_path: Path):
    """Linear layer, 3-D convolution, layer norm and RMS norm, against the same differences in the weights."""
    model = toys.wan()
    diffs = {"blocks.0.self_attn.q": ("blocks.0.attn1.to_q", True), "patch_embedding": ("patch_embedding", True),
             "blocks.0.norm3": ("blocks.0.norm2", True), "blocks.1.self_attn.norm_q": ("blocks.1.attn1.norm_q", False),
             "blocks.1.ffn.0": ("blocks.1.ffn.net.0.proj", True)}
    generator = torch.Generator().manual_seed(5)
    reference, tensors = copy.deepcopy(model), {}
    for theirs, (ours, with_bias) in diffs.items():
        for kind, ending in (("weight", "diff"), ("bias", "diff_b"))[:2 if with_bias else 1]:
            if theirs == "blocks.1.ffn.0" and kind == "weight":
                continue
            parameter = reference.get_submodule(ours).get_parameter(kind)
            change = torch.randn(parameter.shape, generator=generator) * 0.2
            tensors[f"diffusion_model.{theirs}.{ending}"] = change
            parameter.data += 0.5 * change
    path = toys.write(tmp_path / "a.safetensors", tensors)
    with apply({"transformer": model}, (LoraUse(path, "0.5"),), Family.WAN, 4) as applied:
        assert applied.module_count == 5
        assert close(toys.run_wan(model), toys.run_wan(reference))


def test_half_precision_model_with_a_float_file(tmp_path: Path):
    model = toys.wan().to(torch.bfloat16)
    path, tensors = lora(tmp_path / "a.safetensors", model)
    with apply({"transformer": model}, (LoraUse(path),), Family.WAN, 4):
        output = toys.run_wan(model)
    assert output.dtype == torch.bfloat16
    assert close(output.float(), toys.run_wan(merged(toys.wan(), tensors)), 0.1)


def test_unet_convolutions_and_text_encoder(tmp_path: Path):
    unet, encoder = toys.sdxl_unet(), toys.clip()
    generator = torch.Generator().manual_seed(2)

    def noise(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) * 0.3

    conv, linear = "down_blocks.0.resnets.0.conv1", "down_blocks.1.attentions.0.proj_in"
    down, up = noise(2, 8, 3, 3), noise(8, 2, 1, 1)
    down_2, up_2 = noise(2, 16, 1, 1), noise(16, 2, 1, 1)
    down_3, up_3 = noise(2, 32), noise(16, 2)
    encoder_key = "lora_te1_text_model_encoder_layers_0_mlp_fc2"
    path = toys.write(tmp_path / "a.safetensors", {
        "lora_unet_input_blocks_1_0_in_layers_2.lora_down.weight": down,
        "lora_unet_input_blocks_1_0_in_layers_2.lora_up.weight": up,
        "lora_unet_input_blocks_4_1_proj_in.lora_down.weight": down_2,
        "lora_unet_input_blocks_4_1_proj_in.lora_up.weight": up_2,
        f"{encoder_key}.lora_down.weight": down_3, f"{encoder_key}.lora_up.weight": up_3})
    want_unet, want_encoder = copy.deepcopy(unet), copy.deepcopy(encoder)
    want_unet.get_submodule(conv).weight.data += torch.einsum("orhw,rikl->oikl", up, down)
    want_unet.get_submodule(linear).weight.data += up_2[:, :, 0, 0] @ down_2[:, :, 0, 0]
    want_encoder.get_submodule("encoder.layers.0.mlp.fc2").weight.data += up_3 @ down_3

    def run(model: torch.nn.Module, clip: torch.nn.Module) -> tuple[torch.Tensor, torch.Tensor]:
        torch.manual_seed(7)
        with torch.no_grad():
            sample = model(torch.randn(1, 4, 16, 16), 5, torch.randn(1, 7, 24), added_cond_kwargs={
                "text_embeds": torch.randn(1, 16), "time_ids": torch.ones(1, 6)}).sample
            return sample, clip(torch.arange(7)[None]).last_hidden_state

    plain = run(unet, encoder)
    with apply({"unet": unet, "text_encoder": encoder}, (LoraUse(path),), Family.SDXL, 4) as applied:
        assert applied.module_count == 3
        found = run(unet, encoder)
    for got, want, before in zip(found, run(want_unet, want_encoder), plain, strict=True):
        assert close(got, want) and not close(got, before, 1e-3)


def test_joined_flux_layers(tmp_path: Path):
    model = toys.flux()
    generator = torch.Generator().manual_seed(0)
    down, up = torch.randn(2, 32, generator=generator), torch.randn(224, 2, generator=generator)
    final_down, final_up = torch.randn(2, 32, generator=generator), torch.randn(64, 2, generator=generator)
    path = toys.write(tmp_path / "a.safetensors", {
        "lora_unet_single_blocks_0_linear1.lora_down.weight": down,
        "lora_unet_single_blocks_0_linear1.lora_up.weight": up,
        "diffusion_model.final_layer.adaLN_modulation.1.lora_A.weight": final_down,
        "diffusion_model.final_layer.adaLN_modulation.1.lora_B.weight": final_up})
    want = copy.deepcopy(model)
    product = up @ down
    for i, name in enumerate(("attn.to_q", "attn.to_k", "attn.to_v")):
        want.get_submodule(f"single_transformer_blocks.0.{name}").weight.data += product[32 * i:32 * (i + 1)]
    want.get_submodule("single_transformer_blocks.0.proj_mlp").weight.data += product[96:]
    final = final_up @ final_down
    want.get_submodule("norm_out.linear").weight.data += torch.cat([final[32:], final[:32]])

    def run(candidate: torch.nn.Module) -> torch.Tensor:
        torch.manual_seed(1)
        with torch.no_grad():
            return candidate(torch.randn(1, 6, 4), encoder_hidden_states=torch.randn(1, 3, 16),
                             pooled_projections=torch.randn(1, 8), timestep=torch.tensor([0.5]),
                             guidance=torch.tensor([3.5]), img_ids=torch.zeros(6, 3), txt_ids=torch.zeros(3, 3),
                             return_dict=False)[0]

    with apply({"transformer": model}, (LoraUse(path),), Family.FLUX, 4):
        assert close(run(model), run(want))


def test_a_misfit_leaves_the_model_alone(tmp_path: Path):
    model = toys.wan()
    good, _ = lora(tmp_path / "good.safetensors", model)
    bad, _ = lora(tmp_path / "bad.safetensors", toys.wan(heads=4))
    with pytest.raises(RequestError, match="does not fit Toy Wan"):
        apply({"transformer": model}, (LoraUse(good), LoraUse(bad)), Family.WAN, 4, model_label="Toy Wan")
    assert all(not module._forward_hooks for module in model.modules())


def test_modules_that_the_model_lacks_are_noted(tmp_path: Path):
    image = toys.wan(image=True)
    names = ["blocks.0.attn2.to_k", "blocks.0.attn2.add_k_proj"]
    path = toys.write(tmp_path / "a.safetensors", toys.pairs(image, names, lambda n: f"transformer.{n}"))
    with apply({"transformer": toys.wan()}, (LoraUse(path),), Family.WAN, 4) as applied:
        assert applied.module_count == 1
        assert "1 of its modules do not exist" in applied.notes[0] and "add_k_proj" in applied.notes[0]


def test_tensors_are_moved_once(tmp_path: Path):
    model = toys.wan().to(torch.bfloat16)
    path, _ = lora(tmp_path / "a.safetensors", model)
    with apply({"transformer": model}, (LoraUse(path),), Family.WAN, 4) as applied:
        toys.run_wan(model)
        additions = [addition for hook in applied._hooks for addition in hook.additions]
        first = {id(t) for addition in additions for parts in addition.placed.values() for t in parts.values()}
        toys.run_wan(model)
        assert {id(t) for a in additions for parts in a.placed.values() for t in parts.values()} == first
        assert all(len(addition.placed) == 1 for addition in additions)


def test_no_loras_is_nothing():
    model = toys.wan()
    with apply({"transformer": model}, (), Family.WAN, 4) as applied:
        applied.at_step(3, 0)
        assert applied.files == () and applied.module_count == 0


@pytest.mark.parametrize("compiled_first", [True, False])
def test_compiled_blocks_see_loras_come_change_and_go(compiled_first: bool, tmp_path: Path):
    """Traced by torch's compiler and run as traced, which needs no C++ compiler."""
    torch.compiler.reset()
    model = toys.wan()
    path, tensors = lora(tmp_path / "a.safetensors", model)
    plain, full = toys.run_wan(model), toys.run_wan(merged(model, tensors))

    def compile_blocks() -> None:
        for block in model.blocks:
            block.compile(backend="eager")

    if compiled_first:
        compile_blocks()
        assert close(toys.run_wan(model), plain)
    with apply({"transformer": model}, (LoraUse(path, "1,0"),), Family.WAN, 2) as applied:
        if not compiled_first:
            compile_blocks()
        assert close(toys.run_wan(model), full)
        applied.at_step(1, 0)
        assert close(toys.run_wan(model), plain)
    assert close(toys.run_wan(model), plain)
    torch.compiler.reset()
