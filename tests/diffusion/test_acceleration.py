from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.engines.diffusion.acceleration import (
    Acceleration,
    Run,
    accelerate,
    compile_availability,
    start_pass,
    step_cache_availability,
    threshold,
)
from wgp_core.models.choose import attention_availability
from wgp_core.models.spec import Family
from wgp_core.request import StepCache

LAYERS = 4


def _wan(seed: int = 0) -> Any:
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    torch.manual_seed(seed)
    return WanTransformer3DModel(patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=4,
                                 out_channels=4, text_dim=16, freq_dim=32, ffn_dim=32, num_layers=LAYERS,
                                 rope_max_seq_len=32).eval()


@torch.no_grad()
def _denoise(model: Any, steps: int, seed: int = 0) -> tuple[torch.Tensor, int]:
    """A plain denoising with little change from step to step; the result and how many last blocks' attentions ran."""
    generator = torch.Generator().manual_seed(seed)
    latents = torch.randn(1, 4, 2, 8, 8, generator=generator)
    text = torch.randn(1, 6, 16, generator=generator)
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    watcher = model.blocks[-1].attn1.register_forward_pre_hook(count)
    for step in range(steps):
        with model.cache_context("cond"):
            time = torch.tensor([900.0 - step])
            noise = model(hidden_states=latents, timestep=time, encoder_hidden_states=text, return_dict=False)[0]
        latents = latents - 0.01 * noise
    watcher.remove()
    return latents, calls


def _traces(model: Any) -> list[str]:
    return [name for name, part in model.named_modules()
            if "_diffusers_hook" in vars(part) or "forward" in vars(part)]


def test_the_first_block_cache_skips_blocks_and_leaves_no_trace() -> None:
    model = _wan()
    plain, every = _denoise(model, 8)
    assert every == 8
    before = set(_traces(model))
    choices = Acceleration(step_cache=StepCache.FIRST_BLOCK, strength=1.0)
    with accelerate({"transformer": model}, choices, Run(Family.WAN, 8, "cpu")) as notes:
        assert notes == ()
        cached, some = _denoise(model, 8)
        start_pass({"transformer": model})
        again, same = _denoise(model, 8)
    assert some < every
    assert torch.allclose(cached, plain, atol=0.05)
    assert torch.equal(cached, again) and some == same, "a pass must not see the steps of the one before"
    assert set(_traces(model)) <= before
    assert not model.is_cache_enabled
    after, calls = _denoise(model, 8)
    assert calls == 8 and torch.equal(after, plain)


def test_more_strength_skips_no_less() -> None:
    model = _wan()
    calls = []
    for strength in (0.0, 0.5, 1.0):
        choices = Acceleration(step_cache=StepCache.FIRST_BLOCK, strength=strength)
        with accelerate({"transformer": model}, choices, Run(Family.WAN, 12, "cpu")):
            calls.append(_denoise(model, 12)[1])
    assert calls == sorted(calls, reverse=True)


def test_magcache_measures_once_and_skips_from_then_on(tmp_path: Path) -> None:
    model = _wan()
    plain, _ = _denoise(model, 10)
    choices = Acceleration(step_cache=StepCache.MAG, strength=1.0)
    run = Run(Family.WAN, 10, "cpu", magnitudes=tmp_path / "wan")
    with accelerate({"transformer": model}, choices, run) as notes:
        measured, calls = _denoise(model, 10)
        model._reset_stateful_cache()  # as a pipeline does before it returns
    assert calls == 10 and torch.equal(measured, plain)
    assert len(notes) == 1 and "measures" in notes[0]
    assert (tmp_path / "wan" / "transformer.json").is_file()
    with accelerate({"transformer": model}, choices, run) as notes:
        cached, calls = _denoise(model, 10)
    assert notes == () and calls < 10
    assert torch.allclose(cached, plain, atol=0.05)
    with accelerate({"transformer": model}, choices, Run(Family.WAN, 20, "cpu", magnitudes=tmp_path / "wan")):
        assert _denoise(model, 20)[1] < 20, "measured at 10 steps, used at 20"


def test_a_measurement_that_was_cut_short_is_not_kept(tmp_path: Path) -> None:
    model = _wan()
    run = Run(Family.WAN, 10, "cpu", magnitudes=tmp_path)
    with (pytest.raises(KeyboardInterrupt),
          accelerate({"transformer": model}, Acceleration(step_cache=StepCache.MAG), run)):
        _denoise(model, 3)
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []
    assert not model.is_cache_enabled


def test_faster_cache_on_cogvideox_reuses_attention() -> None:
    from diffusers.models.transformers.cogvideox_transformer_3d import CogVideoXTransformer3DModel

    torch.manual_seed(0)
    model: Any = CogVideoXTransformer3DModel(
        num_attention_heads=2, attention_head_dim=16, in_channels=4, out_channels=4, time_embed_dim=2,
        text_embed_dim=32, num_layers=2, sample_width=8, sample_height=8, sample_frames=9, patch_size=2,
        temporal_compression_ratio=4, max_text_seq_length=8).eval()
    now = 999.0
    latents, text = torch.randn(2, 3, 4, 8, 8), torch.randn(2, 8, 32)
    calls = 0

    def count(*_: Any) -> None:
        nonlocal calls
        calls += 1

    watcher = model.transformer_blocks[0].attn1.to_q.register_forward_pre_hook(count)
    choices = Acceleration(step_cache=StepCache.FASTER, strength=1.0)
    with torch.no_grad(), accelerate({"transformer": model}, choices,
                                     Run(Family.COGVIDEOX, 10, "cpu", timestep=lambda: now)) as notes:
        for now in range(600, 500, -10):
            with model.cache_context("cond_uncond"):
                out = model(hidden_states=latents, encoder_hidden_states=text, timestep=torch.tensor([now, now]),
                            return_dict=False)[0]
            assert out.shape == latents.shape
    watcher.remove()
    assert notes == ()
    assert calls < 10
    assert _traces(model) == []


@pytest.mark.parametrize(("cache", "family", "word"), [
    (StepCache.TEA, Family.WAN, "coefficients"), (StepCache.FIRST_BLOCK, Family.SDXL, "U-Net"),
    (StepCache.FASTER, Family.WAN, "one batch"), (StepCache.FASTER, Family.LTX, "one batch")])
def test_what_cannot_be_used_says_why_and_is_left_out(cache: StepCache, family: Family, word: str) -> None:
    found = step_cache_availability(cache, family)
    assert not found.ok and word in found.reason and found.fix
    model = _wan()
    with accelerate({"transformer": model}, Acceleration(step_cache=cache), Run(family, 4, "cpu")) as notes:
        assert len(notes) == 1 and word in notes[0]
        assert _denoise(model, 4)[1] == 4


def test_teacache_is_still_not_in_diffusers() -> None:
    from diffusers import hooks

    assert not any("tea" in name.lower() for name in vars(hooks)), "offer it now"


def test_attention_that_is_not_there_is_a_note_not_a_failure() -> None:
    assert attention_availability("sdpa", "cpu").ok
    for name in ("flash", "sage", "xformers"):
        assert not attention_availability(name, "cpu").ok
    with accelerate({"transformer": _wan()}, Acceleration(attention="sage"), Run(Family.WAN, 4, "cpu")) as notes:
        assert notes == ("sage attention is not used: it needs an NVIDIA GPU.",)


def test_vae_tiling_is_on_inside_only() -> None:
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

    vae: Any = AutoencoderKLWan(base_dim=3, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
                                temperal_downsample=[False, True, True])
    with accelerate({"vae": vae}, Acceleration(vae_tiling=True, vae_slicing=True), Run(Family.WAN, 4, "cpu")):
        assert vae.use_tiling and vae.use_slicing
    assert not vae.use_tiling and not vae.use_slicing
    vae.enable_tiling()
    with accelerate({"vae": vae}, Acceleration(vae_tiling=True), Run(Family.WAN, 4, "cpu")):
        pass
    assert vae.use_tiling, "what was on before stays on"


@given(st.floats(0, 1), st.floats(0, 1), st.sampled_from((StepCache.FIRST_BLOCK, StepCache.MAG)))
def test_thresholds_grow_with_strength(one: float, two: float, cache: StepCache) -> None:
    low, high = sorted((one, two))
    assert 0 < threshold(cache, low) <= threshold(cache, high) <= 0.25


@pytest.mark.slow
@pytest.mark.skipif(not compile_availability("cpu").ok, reason="no C++ compiler")
def test_compiled_blocks_give_the_same_result() -> None:
    model = _wan()
    plain, _ = _denoise(model, 2)
    for _ in range(2):
        with accelerate({"transformer": model}, Acceleration(compile=True), Run(Family.WAN, 2, "cpu")) as notes:
            assert notes == ()
            compiled, _ = _denoise(model, 2)
    assert torch.allclose(compiled, plain, atol=1e-4)


def test_asking_what_is_available_loads_no_torch() -> None:
    code = ("import sys; from wgp_core.engines.diffusion import acceleration as a\n"
            "from wgp_core.models.spec import Family\nfrom wgp_core.request import StepCache\n"
            "[a.step_cache_availability(c, f) for c in StepCache for f in Family]\n"
            "[a.attention_availability(n, d) for n in a.ATTENTIONS for d in ('cpu', 'cuda:0')]\n"
            "[a.compile_availability(d) for d in ('cpu', 'cuda:0')]\n"
            "print(*{'torch', 'diffusers', 'transformers', 'mmgp'} & set(sys.modules), 'asked')")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.split() == ["asked"], done.stdout + done.stderr
