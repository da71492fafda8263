"""Quantized files and the loader, with real classes at toy size."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKLWan, WanTransformer3DModel
from safetensors.torch import load_file
from transformers import UMT5Config, UMT5EncoderModel

from wgp_core.errors import Cancelled, ModelMissingError, SettingsError
from wgp_core.events import CancelToken, Progress
from wgp_core.models import quantizing
from wgp_core.models.aligned import UnwritableError, WeightsFileError
from wgp_core.models.options import LoadOptions, Precision, Quantization
from wgp_core.models.precision import choose_precision, torch_dtype
from wgp_core.models.quantized import component_files, load_component, quantize_component, quantized_path
from wgp_core.models.quanto_format import is_kept, quantized_tensors

PLAIN = LoadOptions(quantization=Quantization.NONE)
INT8 = LoadOptions()


@pytest.fixture(scope="module")
def wan_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wan") / "transformer"
    torch.manual_seed(0)
    model = WanTransformer3DModel(num_attention_heads=2, attention_head_dim=32, in_channels=4, out_channels=4,
                                  text_dim=32, freq_dim=32, ffn_dim=256, num_layers=2, cross_attn_norm=True)
    model.save_pretrained(folder, max_shard_size="200KB")
    return folder


@pytest.fixture
def wan(wan_source: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(wan_source, tmp_path / "transformer"))


@pytest.fixture(scope="module")
def umt5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("umt5") / "text_encoder"
    torch.manual_seed(0)
    UMT5EncoderModel(UMT5Config(vocab_size=100, d_model=64, d_kv=16, d_ff=128, num_layers=2,
                                num_heads=4)).save_pretrained(folder)
    return folder


def step(model: torch.nn.Module, dtype: torch.dtype = torch.bfloat16) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    latent = torch.randn(1, 4, 3, 8, 8, generator=generator).to(dtype)
    text = torch.randn(1, 7, 32, generator=generator).to(dtype)
    with torch.inference_mode():
        return model(latent, torch.tensor([500]), text, return_dict=False)[0].float()


def error(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).norm() / b.norm())


@pytest.mark.parametrize(("kind", "limit"), [(Quantization.INT8, 0.01), (Quantization.FP8, 0.03),
                                             (Quantization.INT4, 0.1)])
@pytest.mark.parametrize("precision", [Precision.BF16, Precision.FP32])
def test_quantized_weights_predict_what_the_whole_ones_do(wan: Path, kind: Quantization, limit: float,
                                                          precision: Precision) -> None:
    right = step(WanTransformer3DModel.from_pretrained(wan), torch.float32)
    model = load_component(wan, WanTransformer3DModel, LoadOptions(precision=precision, quantization=kind),
                           quantize=True)
    assert error(step(model, torch_dtype(precision)), right) < limit
    assert not model.training and not any(p.requires_grad for p in model.parameters())
    assert len(list(quantized_tensors(model))) == 20
    path = quantized_path(wan, precision, kind)
    assert path.name == f"transformer_quanto_{precision}_{kind}.safetensors"
    assert component_files(wan, LoadOptions(precision=precision, quantization=kind)) == (path,)
    stored = load_file(path)
    assert stored["condition_embedder.time_embedder.linear_1.weight"].dtype == torch.float32  # the class asks for it
    assert stored["proj_out.weight"].dtype == torch_dtype(precision)
    assert not list(wan.glob(".*"))


@pytest.mark.parametrize("precision", list(Precision))
def test_plain_weights_are_those_of_from_pretrained(wan: Path, precision: Precision) -> None:
    ours = load_component(wan, WanTransformer3DModel, LoadOptions(precision=precision), quantize=False).state_dict()
    theirs = WanTransformer3DModel.from_pretrained(wan, torch_dtype=torch_dtype(precision)).state_dict()
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        assert ours[name].dtype == value.dtype and torch.equal(ours[name], value), name


def test_an_autoencoder_loads_plain(tmp_path: Path) -> None:
    vae = AutoencoderKLWan(base_dim=8, z_dim=4, dim_mult=[1, 1], num_res_blocks=1, temperal_downsample=[False])
    vae.save_pretrained(tmp_path / "vae")
    ours = load_component(tmp_path / "vae", AutoencoderKLWan, LoadOptions(precision=Precision.FP32), quantize=False)
    assert all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), vae.state_dict().values(), strict=True))


@pytest.mark.parametrize("kind", [Quantization.NONE, Quantization.INT8])
@pytest.mark.parametrize("precision", [Precision.BF16, Precision.FP16])
def test_a_text_encoder_with_tied_embeddings(umt5: Path, kind: Quantization, precision: Precision) -> None:
    ids = torch.arange(9)[None]
    with torch.no_grad():
        right = UMT5EncoderModel.from_pretrained(umt5, dtype=torch.float32)(ids).last_hidden_state
    model = load_component(umt5, UMT5EncoderModel, LoadOptions(precision=precision, quantization=kind), quantize=True)
    with torch.inference_mode():
        assert error(model(ids).last_hidden_state.float(), right) < 0.03
    assert model.shared.weight is model.encoder.embed_tokens.weight
    assert len(list(quantized_tensors(model))) == (14 if kind is Quantization.INT8 else 0)
    assert model.dtype == torch_dtype(precision)


def test_a_good_file_is_used_again_even_where_the_folder_was_copied_or_the_source_removed(wan: Path) -> None:
    path = quantize_component(wan, Precision.BF16, Quantization.INT8)
    made = path.stat().st_mtime_ns
    for file in wan.glob("diffusion_pytorch_model*.safetensors"):
        os.utime(file, (1, 1))
    load_component(wan, WanTransformer3DModel, INT8, quantize=True)
    for file in wan.glob("diffusion_pytorch_model*"):
        file.unlink()
    load_component(wan, WanTransformer3DModel, INT8, quantize=True)
    assert path.stat().st_mtime_ns == made


@pytest.mark.parametrize("why", ["not writable", "disk full"])
def test_where_the_quantized_file_has_no_place_the_whole_weights_load(wan: Path, why: str,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    path = quantized_path(wan, Precision.BF16, Quantization.INT8)
    if why == "disk full":
        monkeypatch.setattr(quantizing, "SPARE_DISK", 1 << 62)
    else:
        path.with_name(f".{path.name}.{os.getpid()}.part").mkdir()  # cannot be opened, whoever runs this
    told: list[str] = []
    model = load_component(wan, WanTransformer3DModel, INT8, quantize=True, warn=told.append)
    plain = load_component(wan, WanTransformer3DModel, PLAIN, quantize=False)
    assert not list(quantized_tensors(model)) and torch.equal(step(model), step(plain))
    assert len(told) == 1 and "whole weights" in told[0] and ("free" in told[0] or "cannot be written" in told[0])
    assert not path.exists()
    with pytest.raises(UnwritableError):  # whoever asks for the file itself is told
        quantize_component(wan, Precision.BF16, Quantization.INT8)


def test_outdated_quantized_weights_that_cannot_be_made_again_are_not_used(wan: Path,
                                                                          monkeypatch: pytest.MonkeyPatch) -> None:
    path = quantize_component(wan, Precision.BF16, Quantization.INT8)
    path.write_bytes(path.read_bytes()[:-100])
    monkeypatch.setattr(quantizing, "SPARE_DISK", 1 << 62)
    told: list[str] = []
    model = load_component(wan, WanTransformer3DModel, INT8, quantize=True, warn=told.append)
    assert told and not list(quantized_tensors(model))


@pytest.mark.parametrize("harm", ["cut", "zeroed", "source", "config", "garbage"])
def test_a_damaged_or_outdated_file_is_made_again(wan: Path, harm: str) -> None:
    path = quantize_component(wan, Precision.BF16, Quantization.INT8)
    right = path.read_bytes()
    if harm == "cut":
        path.write_bytes(right[:-100])
    elif harm == "garbage":
        path.write_bytes(b"not a file of weights")
    elif harm == "zeroed":
        path.write_bytes(right[:-5000] + bytes(5000))
    elif harm == "config":
        config = json.loads((wan / "config.json").read_text())
        (wan / "config.json").write_text(json.dumps({**config, "eps": 1e-5}))
    else:
        changed = WanTransformer3DModel.from_pretrained(wan)
        with torch.no_grad():
            changed.proj_out.weight.add_(1)
        changed.save_pretrained(wan, max_shard_size="200KB")
    model = load_component(wan, WanTransformer3DModel, INT8, quantize=True)
    assert error(step(model), step(load_component(wan, WanTransformer3DModel, PLAIN, quantize=False))) < 0.02
    assert (path.read_bytes() == right) == (harm in ("cut", "garbage", "zeroed"))


def test_cancel_leaves_nothing_and_progress_is_told(wan: Path) -> None:
    events: list[Progress] = []
    cancel = CancelToken()

    def watch(event: Progress) -> None:
        events.append(event)
        if len(events) == 5:
            cancel.cancel()

    with pytest.raises(Cancelled):
        quantize_component(wan, Precision.BF16, Quantization.INT8, on_progress=watch, cancel=cancel)
    assert len(events) == 5 and "Quantizing transformer to int8" in events[-1].message
    assert not list(wan.glob("*quanto*")) and not list(wan.glob(".*"))


def test_leftovers_of_a_dead_process_go_and_a_full_disk_is_told_before_writing(
        wan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = wan / ".transformer_quanto_bf16_int8.safetensors.999999999.part"
    part.write_bytes(b"half")
    monkeypatch.setattr(quantizing, "SPARE_DISK", 1 << 60)
    with pytest.raises(WeightsFileError, match="GB free"):
        quantize_component(wan, Precision.BF16, Quantization.INT8)
    assert not part.exists()


def test_missing_weights_and_pickles_are_refused(wan: Path, tmp_path: Path) -> None:
    next(wan.glob("*-00002-*.safetensors")).unlink()
    with pytest.raises(ModelMissingError, match="00002"):
        load_component(wan, WanTransformer3DModel, INT8, quantize=True)
    for file in wan.glob("diffusion*"):
        file.unlink()
    with pytest.raises(ModelMissingError, match="no weights"):
        component_files(wan, INT8)
    (wan / "diffusion_pytorch_model.bin").write_bytes(b"")
    with pytest.raises(WeightsFileError, match="pickle"):
        load_component(wan, WanTransformer3DModel, INT8, quantize=True)


def test_an_index_cannot_lead_out_of_its_folder(wan: Path) -> None:
    index = wan / "diffusion_pytorch_model.safetensors.index.json"
    named = json.loads(index.read_text())
    named["weight_map"] = dict.fromkeys(named["weight_map"], "../elsewhere.safetensors")
    index.write_text(json.dumps(named))
    with pytest.raises(WeightsFileError, match="beside it"):
        load_component(wan, WanTransformer3DModel, INT8, quantize=True)


MMGP = """
import sys, torch
from mmgp import offload
from diffusers import WanTransformer3DModel
source, ours, target = sys.argv[1:]
model = offload.fast_load_transformers_model(ours, modelClass=WanTransformer3DModel, verboseLevel=0)
assert all(not p.is_meta for p in model.parameters())
model = WanTransformer3DModel.from_pretrained(source, torch_dtype=torch.bfloat16)
offload.save_model(model, target, do_quantize=True, config_file_path=source + "/config.json", verboseLevel=0)
"""


def test_mmgp_reads_our_file_and_we_read_its_own(wan: Path, tmp_path: Path) -> None:
    ours = quantize_component(wan, Precision.BF16, Quantization.INT8)
    target = tmp_path / "wan_quanto_bf16_int8.safetensors"
    done = subprocess.run([sys.executable, "-c", MMGP, str(wan), str(ours), str(target)], capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    right = step(load_component(wan, WanTransformer3DModel, PLAIN, quantize=False))
    model = load_component(target, WanTransformer3DModel, INT8, quantize=False)
    assert len(list(quantized_tensors(model))) > 0
    assert error(step(model), right) < 0.02
    folder = tmp_path / "alone" / "transformer"
    folder.mkdir(parents=True)
    target.rename(folder / target.name)
    assert component_files(folder, INT8) == (folder / target.name,)
    (folder / "config.json").write_bytes((wan / "config.json").read_bytes())
    assert error(step(load_component(folder, WanTransformer3DModel, INT8, quantize=True)), right) < 0.02


def test_a_gguf_file_of_a_transformer_loads(wan: Path, tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    folder = tmp_path / "gguf" / "transformer"
    folder.mkdir(parents=True)
    (folder / "config.json").write_bytes((wan / "config.json").read_bytes())
    whole = WanTransformer3DModel.from_pretrained(wan)
    writer = gguf.GGUFWriter(folder / "wan.gguf", "wan")
    for name, value in whole.state_dict().items():
        array = value.float().numpy()
        if name.startswith("blocks") and name.endswith("weight") and value.ndim == 2:
            packed = gguf.quants.quantize(array, gguf.GGMLQuantizationType.Q8_0)
            writer.add_tensor(name, packed, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
        else:
            writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    model = load_component(folder, WanTransformer3DModel, PLAIN, quantize=False)
    assert error(step(model), step(whole, torch.float32)) < 0.03


@pytest.mark.parametrize(("name", "kept"), [
    ("blocks.0.attn1.to_q", False), ("transformer_blocks.3.norm1.linear", False), ("proj_out", True),
    ("single_transformer_blocks.1.proj_out", False), ("norm_out.linear", True), ("time_embedding.linear_1", True),
    ("condition_embedder.time_proj", True), ("encoder.block.0.layer.1.DenseReluDense.wo", False), ("lm_head", True),
    ("context_embedder", True)])
def test_which_layers_stay_whole(name: str, kept: bool) -> None:
    assert is_kept(name, Quantization.INT8) is kept


def test_precision() -> None:
    for word, precision in (("bf16", Precision.BF16), ("float16", Precision.FP16), ("torch.float32", Precision.FP32)):
        assert choose_precision("cpu", word)[0] is precision
    precision, reason = choose_precision("cpu", "auto")
    assert precision in (Precision.BF16, Precision.FP32) and "ms" in reason
    with pytest.raises(SettingsError, match="int7"):
        choose_precision("cpu", "int7")
