"""Toy checkpoints load with diffusers alone, and the same seed writes the same bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from wgp_core.errors import ModelMissingError
from wgp_core.models.toy import TOY_KINDS, write_toy


def digests(folder: Path) -> dict[str, str]:
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in sorted(folder.rglob("*")) if file.is_file()}


@pytest.mark.parametrize("kind", TOY_KINDS)
def test_a_toy_loads_with_diffusers(kind: str, tmp_path: Path) -> None:
    from diffusers import DiffusionPipeline

    folder = write_toy(tmp_path / kind, kind)
    pipeline = DiffusionPipeline.from_pretrained(str(folder), local_files_only=True)
    assert getattr(pipeline, "transformer", None) is not None or pipeline.unet is not None
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < 6_000_000
    assert not list(folder.rglob("*.bin"))


def test_the_seed_decides_the_bytes(tmp_path: Path) -> None:
    import torch

    one, two = write_toy(tmp_path / "one", "wan"), write_toy(tmp_path / "two", "wan")
    other = write_toy(tmp_path / "other", "wan", seed=1)
    assert digests(one) == digests(two)
    weights = "transformer/diffusion_pytorch_model.safetensors"
    assert digests(one)[weights] != digests(other)[weights]
    state = torch.random.get_rng_state()
    write_toy(tmp_path / "three", "wan")
    assert torch.equal(state, torch.random.get_rng_state())


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match=r"wan2\.2"):
        write_toy(tmp_path, "sora")
