from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from wgp_core.errors import Cancelled
from wgp_core.events import CancelToken, Progress, Stage
from wgp_core.models.offload import Watch, attach, import_mmgp
from wgp_core.models.options import LoadOptions, Precision, Quantization
from wgp_core.models.profiles import NAMES, OffloadCall, by_name, offload_call


def _pipeline() -> dict[str, Any]:
    """Real modules at toy size: two Wan denoisers in bf16 that keep some parts in float32, and their VAE."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    def wan() -> Any:
        model: Any = WanTransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=4, out_channels=4,
            text_dim=16, freq_dim=32, ffn_dim=32, num_layers=6, rope_max_seq_len=32)
        model.to(torch.bfloat16)
        model.condition_embedder.time_embedder.float()
        for block in model.blocks:
            block.scale_shift_table.data = block.scale_shift_table.data.float()
        return model

    vae = AutoencoderKLWan(base_dim=3, z_dim=4, dim_mult=[1, 1, 1, 1], num_res_blocks=1,
                           temperal_downsample=[False, True, True])
    return {"transformer": wan(), "transformer_2": wan(), "vae": vae}


class _Boundary:
    """Stands where mmgp is called: keeps what it was given and how often it was released."""

    def __init__(self) -> None:
        self.seen: list[tuple[dict[str, Any], OffloadCall]] = []
        self.released = 0

    def __call__(self, modules: dict[str, Any], call: OffloadCall, watch: Watch) -> _Boundary:
        if watch.cancel is not None:
            watch.cancel.raise_if_cancelled()
        watch.on_progress(Progress(Stage.LOAD, 1, 1, "Finalization"))
        self.seen.append((modules, call))
        return self

    def release(self) -> None:
        self.released += 1


def _options(profile: str, **changes: Any) -> LoadOptions:
    return LoadOptions(device="cuda:0", precision=Precision.BF16, quantization=Quantization.INT8, profile=profile,
                       **changes)


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_reaches_mmgp_with_its_parameters(name: str) -> None:
    modules, boundary = _pipeline(), _Boundary()
    handle = attach(modules, _options(name, preload_mb=700), vram_gb=24, apply=boundary)
    (given, call), = boundary.seen
    assert given == modules and all(given[key] is modules[key] for key in modules)
    assert call == offload_call(by_name(name), modules, vram_gb=24, preload_mb=700)
    assert handle.active and handle.call == call
    handle.release()
    handle.release()
    assert boundary.released == 1 and not handle.active


def test_mmgp_takes_these_parameters() -> None:
    import inspect

    offload, profile_type = import_mmgp()

    known = inspect.signature(offload.all).parameters
    for name in NAMES:
        call = offload_call(by_name(name), ("transformer",), vram_gb=24)
        assert set(call.kwargs()) <= set(known)
        profile_type(call.base)
    assert {"verboseLevel", "loading_callback"} <= set(known)
    assert hasattr(offload, "LoadingCallback") and hasattr(offload, "LoadingCancelled")


def test_precision_that_the_loader_chose_is_kept() -> None:
    modules = _pipeline()
    before = {name: {key: p.dtype for key, p in module.named_parameters()} for name, module in modules.items()}
    attach(modules, _options("4"), vram_gb=12, apply=_Boundary())
    assert before == {name: {key: p.dtype for key, p in module.named_parameters()} for name, module in modules.items()}
    for module in modules.values():
        left = set()
        for part in module.modules():  # as mmgp scans: a locked module's own parameters are left alone
            if not hasattr(part, "_lock_dtype"):
                left |= {p.dtype for p in part.parameters(recurse=False)}
        assert len(left) == 1, "mmgp asserts one dtype over what is not locked"
        assert all(part._lock_dtype is torch.float32 for part in (module, *module.children())), \
            "float32 arguments such as the timestep are not rounded"


def test_on_the_cpu_nothing_is_hooked() -> None:
    boundary = _Boundary()
    handle = attach(_pipeline(), LoadOptions(device="cpu"), apply=boundary)
    assert not handle.active and boundary.seen == []
    handle.release()


def test_a_cancel_during_offloading_is_a_cancel() -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        attach(_pipeline(), _options("1"), vram_gb=24, cancel=cancel, apply=_Boundary())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", NAMES)
def test_on_a_card_each_profile_computes_the_same(name: str) -> None:
    modules = _pipeline()
    model = modules["transformer"]
    inputs = {"hidden_states": torch.randn(1, 4, 2, 8, 8, dtype=torch.bfloat16),
              "timestep": torch.tensor([987.3]), "encoder_hidden_states": torch.randn(1, 6, 16, dtype=torch.bfloat16)}
    with torch.no_grad():
        model.cuda()
        plain = model(**{k: v.cuda() for k, v in inputs.items()}, return_dict=False)[0].cpu()
        model.cpu()
        handle = attach(modules, _options(name))
        hooked = model(**{k: v.cuda() for k, v in inputs.items()}, return_dict=False)[0].cpu()
        handle.release()
    assert torch.equal(plain, hooked)
    assert torch.get_default_device().type == "cpu"


def test_transformers_still_loads_after_mmgp_came_in(tmp_path: Path) -> None:
    code = f"""
from wgp_core.models.offload import import_mmgp
import_mmgp()
from transformers import T5Config, T5EncoderModel
made = T5EncoderModel(T5Config(d_model=8, d_kv=4, d_ff=8, num_layers=1, num_heads=2, vocab_size=16))
made.save_pretrained({str(tmp_path)!r})
T5EncoderModel.from_pretrained({str(tmp_path)!r})
print("loaded")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip().endswith("loaded"), done.stderr[-2000:]
