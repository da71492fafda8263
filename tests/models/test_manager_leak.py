"""Switching between models fifty times leaves the process as large as it was."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch

from wgp_core.events import CancelToken, ProgressCallback
from wgp_core.models.manager import Loaded, ModelManager
from wgp_core.models.options import LoadOptions, Precision, Quantization
from wgp_core.models.spec import Family, ModelSpec, Task

SWITCHES = 50
MB = 2**20
OPTIONS = LoadOptions(precision=Precision.FP32, quantization=Quantization.NONE)


@dataclass(frozen=True)
class _Found:
    spec: ModelSpec
    folder: Path | None = None


def test_fifty_switches_leave_no_memory_behind() -> None:
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    alive: list[weakref.ref[Any]] = []
    sizes = {"small": 2, "large": 4}

    def load(found: Any, options: LoadOptions, on_progress: ProgressCallback, cancel: CancelToken) -> Loaded:
        model: Any = WanTransformer3DModel(
            patch_size=(1, 2, 2), num_attention_heads=4, attention_head_dim=64, in_channels=4, out_channels=4,
            text_dim=64, freq_dim=64, ffn_dim=1024, num_layers=2 * sizes[found.spec.id], rope_max_seq_len=32)
        model.forward = model.forward  # a bound method on the instance, as hooks leave: a reference cycle
        alive.append(weakref.ref(model))
        return Loaded(model, lambda: None, sum(p.nbytes for p in model.parameters()))

    found: list[Any] = [_Found(ModelSpec(name, name, Family.WAN, (Task.T2V,), "")) for name in sizes]
    manager = ModelManager()
    process = psutil.Process()
    rss = []
    for number in range(SWITCHES):
        with manager.use(found[number % 2], OPTIONS, load) as loaded, torch.no_grad():
            size = loaded.size_bytes
            loaded.value(hidden_states=torch.randn(1, 4, 2, 16, 16), timestep=torch.tensor([500.0]),
                         encoder_hidden_states=torch.randn(1, 8, 64), return_dict=False)
        assert sum(ref() is not None for ref in alive) == 1, "the evicted model is still referenced"
        rss.append(process.memory_info().rss / MB)
    assert size > 10 * MB
    manager.release_all()
    assert all(ref() is None for ref in alive)
    early, late = sum(rss[10:20]) / 10, sum(rss[-10:]) / 10
    assert late - early < size / MB / 2, f"grew from {early:.0f} to {late:.0f} MB over models of {size / MB:.0f} MB"
