"""The starter's training: shortcuts that must be exact, and a state that survives an interruption."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel

from training.starter import pool, run, transformer, vae
from training.starter.assemble import assemble
from training.starter.lora import LowRank
from training.starter.muon import Muon, orthogonal
from training.starter.text import PAD_TO, build_tokenizer, encode
from wgp_core.context import generation_context
from wgp_core.generate import NoRecorder, generate_video
from wgp_core.paths import Paths
from wgp_core.quality.starter.world import render
from wgp_core.request import EngineChoice, VideoRequest
from wgp_core.settings import Settings


@pytest.fixture(autouse=True)
def private_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("STARTER_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


@pytest.fixture(scope="module")
def model() -> transformer.StarterModel:
    torch.manual_seed(0)
    made = transformer.StarterModel().eval()
    torch.nn.init.normal_(made.transformer.proj_out.weight, 0, 0.1)
    return made


def test_training_sees_what_the_pipeline_computes(model: transformer.StarterModel) -> None:
    """Its own attention, and one padding token in place of all of them."""
    x, time, texts = torch.randn(2, 16, 3, 8, 8), torch.tensor([300.0, 700.0]), ["a red ball on grass", "a star"]
    with torch.no_grad():
        short = model(x, time, texts)
        states = encode(model.tokenizer, model.text, texts)
        states = torch.cat([states, states.new_zeros(2, PAD_TO - states.shape[1], 384)], 1)
        plain = WanTransformer3DModel(**transformer.CONFIG)
        plain.load_state_dict(model.transformer.state_dict())
        whole = plain(x, time, states, return_dict=False)[0]
    assert torch.allclose(short, whole, atol=1e-4) and whole.abs().max() > 1


def test_the_smaller_tokenizer_knows_common_words_and_spells_the_rest() -> None:
    tokenizer, kept = build_tokenizer()
    assert len(kept) < 8000
    assert tokenizer.tokenize("A crimson automobile bounces") [:3] == ["a", "crimson", "automobile"]
    assert tokenizer.unk_token not in tokenizer.tokenize("Zyxwv, qwertz-5%!")


def test_pictures_take_the_short_way_through_the_autoencoder_and_come_out_the_same() -> None:
    torch.manual_seed(0)
    quick = vae.build_vae()
    for parameter in quick.parameters():
        parameter.data.add_(0.02 * torch.randn_like(parameter))
    plain = AutoencoderKLWan(**vae.CONFIG)
    plain.load_state_dict(quick.state_dict())
    x = torch.rand(1, 3, 9, 32, 32) * 2 - 1
    with torch.no_grad():
        z = quick.encode(x).latent_dist.mean
        assert torch.allclose(z, plain.encode(x).latent_dist.mean, atol=1e-4)
        assert torch.allclose(vae.decode_unclamped(quick, z).clamp(-1, 1), plain.decode(z).sample, atol=1e-4)


def test_a_fresh_autoencoder_leaves_time_alone() -> None:
    fresh = vae.build_vae()
    frame = torch.rand(1, 3, 1, 32, 32) * 2 - 1
    with torch.no_grad():
        z = fresh.encode(frame.expand(-1, -1, 9, -1, -1)).latent_dist.mean
        clip = fresh.decode(z).sample
    assert torch.allclose(z, z[:, :, :1].expand_as(z), atol=1e-5)
    assert torch.allclose(clip, clip[:, :, :1].expand_as(clip), atol=1e-5)


def test_muon_gives_updates_with_even_singular_values() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(2, 24, 60)))
    assert values.min() > 0.5 and values.max() < 1.4
    layer = torch.nn.Linear(4, 4)
    optimizer = Muon([layer.weight], lr=0.1)
    layer(torch.randn(8, 4)).square().mean().backward()
    before = layer.weight.detach().clone()
    optimizer.step()
    assert not torch.equal(before, layer.weight)


def test_a_training_goes_on_where_it_was_saved() -> None:
    layer = torch.nn.Linear(2, 2)
    first = run.Run("tiny", {"layer": layer, "note": [1.0]})
    first.done_step(loss=1.0)
    first.save()
    again = torch.nn.Linear(2, 2)
    second = run.Run("tiny", {"layer": again, "note": [1.0]})
    assert second.step == 1 and torch.equal(again.weight, layer.weight)
    assert run.step_rng(1, 7).integers(1000) == run.step_rng(1, 7).integers(1000)


def test_the_pool_grows_and_mends_a_record_that_was_cut_off(private_runs: Path) -> None:
    private_runs.mkdir(exist_ok=True)
    path, encoder = private_runs / "pool.f16", vae.build_vae().eval()
    first = pool.Pool(path, encoder)
    first.grow(3)
    whole = first.take(np.arange(3))
    path.write_bytes(path.read_bytes()[:-7])
    again = pool.Pool(path, encoder)
    assert len(again) == 2
    again.grow(1)
    assert torch.allclose(again.take(np.arange(3)), whole, atol=2e-3)


def test_a_first_frame_that_is_given_stays_out_of_the_loss(model: transformer.StarterModel) -> None:
    x0 = torch.randn(2, 16, 3, 8, 8)
    torch.manual_seed(1)
    one, plain = transformer.flow_loss(model, x0, ["a ball", "a star"], given_first=True)
    torch.manual_seed(1)
    other, _ = transformer.flow_loss(model, x0, ["a ball", "a star"], given_first=False)
    assert one.isfinite() and one != other and one.item() == pytest.approx(plain)


def test_errors_on_things_count_more(model: transformer.StarterModel) -> None:
    x0, things = torch.randn(2, 16, 3, 8, 8), torch.zeros(2, 3, 8, 8, dtype=torch.bool)
    things[:, :, 2:4, 2:4] = True
    x0[:, :, :, 2:4, 2:4] *= 4
    torch.manual_seed(5)
    weighted, plain = transformer.flow_loss(model, x0, ["a ball", "a star"], given_first=False, things=things)
    torch.manual_seed(5)
    even, same = transformer.flow_loss(model, x0, ["a ball", "a star"], given_first=False)
    assert weighted > even and plain == pytest.approx(same) == pytest.approx(even.item())


def test_where_things_are_is_known_of_every_clip_of_the_pool(private_runs: Path) -> None:
    private_runs.mkdir(exist_ok=True)
    clips = pool.Pool(private_runs / "pool.f16", vae.build_vae().eval())
    clips.grow(4)
    (private_runs / "pool.things").unlink()
    clips = pool.Pool(private_runs / "pool.f16", clips.vae)
    missed = []
    for number, things in enumerate(clips.things(np.arange(4))):
        scene = pool.scene_of(number)
        plain = render(replace(scene, things=())).astype(int)
        differs = (np.abs(render(scene) - plain).max(-1) > 8).reshape(17, 8, 8, 8, 8).any((2, 4))
        for frame, cells in enumerate(differs):
            missed.append((cells & ~things[(frame + 3) // 4].numpy()).sum() / max(1, cells.sum()))
    assert np.mean(missed) < 0.08


def test_a_lora_begins_as_nothing_and_has_names_that_the_program_reads() -> None:
    from wgp_core.loras.keys import sort_keys

    torch.manual_seed(0)
    made = transformer.StarterModel().eval()
    torch.nn.init.normal_(made.transformer.proj_out.weight, 0, 0.1)
    x, time = torch.randn(1, 16, 1, 8, 8), torch.tensor([500.0])
    with torch.no_grad():
        before = made(x, time, ["a ball"])
        lora = LowRank(made.transformer)
        assert torch.equal(made(x, time, ["a ball"]), before)
        for parameter in lora.parameters():
            parameter.add_(0.1)
        assert not torch.equal(made(x, time, ["a ball"]), before)
    found = sort_keys(lora.tensors())
    assert not found.unknown and not found.refused and len(found.keys) == 2 * len(lora.pairs)


def test_what_is_assembled_runs_in_the_program(private_runs: Path, paths: Paths) -> None:
    made = transformer.StarterModel()
    private_runs.mkdir(exist_ok=True)
    torch.save({"vae": vae.build_vae().state_dict()}, private_runs / "vae.pt")
    torch.save({"average": made.state_dict(), "mean": [0.0] * 16, "std": [1.0] * 16}, private_runs / "transformer.pt")
    folder = assemble(paths.ckpts / "tiny")
    sizes = [file.stat().st_size for file in folder.rglob("*.safetensors")]
    assert max(sizes) < 16 * 2**20 and sum(sizes) < 40 * 10**6
    request = VideoRequest("a red ball", engine=EngineChoice.DIFFUSION, model=str(folder), width=64, height=64,
                           frames=5, steps=1, seed=1, fallback_local_on_fail=False)
    result = generate_video(request, generation_context(paths, Settings(), NoRecorder()))
    assert (result.frames, result.width, result.engine) == (5, 64, "diffusion")
