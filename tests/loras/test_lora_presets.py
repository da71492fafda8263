"""Sets of LoRAs: saved, handed on, met with other files, and kept inside their folder."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import lora_files as toys
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from wgp_core.errors import RequestError
from wgp_core.loras import presets
from wgp_core.models.spec import Family
from wgp_core.paths import Paths, build_paths
from wgp_core.request import LoraUse


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    home = build_paths(home=tmp_path / "home")
    home.loras.mkdir(parents=True)
    return home


def wan_file(paths: Paths, name: str, seed: int = 1) -> Path:
    generator = torch.Generator().manual_seed(seed)
    return toys.write(paths.loras / name, {
        "blocks.0.attn1.to_q.lora_A.weight": torch.randn(2, 24, generator=generator),
        "blocks.0.attn1.to_q.lora_B.weight": torch.randn(24, 2, generator=generator)})


def test_a_set_is_saved_and_loaded(paths: Paths):
    first, second = wan_file(paths, "wan/a.safetensors"), wan_file(paths, "wan/b.safetensors", 2)
    uses = (LoraUse(first, "0;1", "mystyle"), LoraUse(Path("wan/b.safetensors"), "0.5"))
    made = presets.make("My set: Größe", uses, paths, note="for tests")
    file = presets.save(made, paths)
    assert file == paths.loras / "presets" / "my-set-größe.json"
    assert made.family is Family.WAN
    assert made.loras[0].sha256 == hashlib.sha256(first.read_bytes()).hexdigest()
    loaded = presets.load("My set: Größe", paths)
    assert loaded.preset == made and loaded.missing == loaded.changed == loaded.notes == ()
    assert loaded.uses == (LoraUse(first, "0;1", "mystyle"), LoraUse(second, "0.5"))
    assert presets.list_names(paths) == ("My set: Größe",)


def test_a_set_is_not_replaced_unasked(paths: Paths):
    made = presets.make("one", (LoraUse(wan_file(paths, "a.safetensors")),), paths)
    presets.save(made, paths)
    with pytest.raises(RequestError, match="already"):
        presets.save(made, paths)
    presets.save(made, paths, replace_existing=True)
    presets.delete("one", paths)
    with pytest.raises(RequestError, match="no LoRA preset named one"):
        presets.load("one", paths)
    with pytest.raises(RequestError, match="no LoRA preset named one"):
        presets.delete("one", paths)


def test_missing_moved_and_changed_files_are_told(paths: Paths):
    names = ("wan/gone.safetensors", "wan/moved.safetensors", "wan/changed.safetensors")
    files = [wan_file(paths, name, seed) for seed, name in enumerate(names)]
    presets.save(presets.make("set", [LoraUse(file) for file in files], paths), paths)
    files[0].unlink()
    files[1].rename(paths.loras / "moved.safetensors")
    wan_file(paths, names[2], 99)
    loaded = presets.load("set", paths)
    assert loaded.missing == ("wan/gone.safetensors",)
    assert loaded.changed == ("wan/changed.safetensors",)
    assert [use.path.name for use in loaded.uses] == ["moved.safetensors", "changed.safetensors"]
    assert "gone.safetensors, which is not here" in loaded.notes[0] and "may differ" in loaded.notes[1]


@pytest.mark.parametrize("entry, part", [
    ({"file": "../x.safetensors"}, "leads out"), ({"file": "/etc/x.safetensors"}, "leads out"),
    ({"file": "..\\x.safetensors"}, "leads out"), ({"file": "C:/x.safetensors"}, "leads out"),
    ({"file": ""}, "leads out"),
    ({"file": "a.ckpt"}, "pickled"), ({"file": "a.safetensors", "multiplier": "x"}, "multiplier"),
    ({"file": "a.safetensors", "extra": 1}, "extra"), ({}, "file"),
])
def test_a_set_from_elsewhere_is_checked(entry: dict[str, object], part: str, tmp_path: Path):
    file = tmp_path / "shared.json"
    file.write_text(json.dumps({"name": "x", "loras": [entry]}))
    with pytest.raises(RequestError, match=part):
        presets.read(file)


@pytest.mark.parametrize("content, part", [("{", "not JSON"), ("[]", "not a LoRA preset"),
                                           ('{"name": "x", "loras": [], "version": 99}', "newer version")])
def test_other_files_are_refused(content: str, part: str, tmp_path: Path):
    file = tmp_path / "x.json"
    file.write_text(content)
    with pytest.raises(RequestError, match=part):
        presets.read(file)


def test_a_set_is_of_one_family_and_of_files_below_the_folder(paths: Paths, tmp_path: Path):
    wan = wan_file(paths, "wan/a.safetensors")
    flux = toys.write(paths.loras / "flux/b.safetensors", {
        "single_transformer_blocks.0.attn.to_q.lora_A.weight": torch.zeros(2, 8),
        "single_transformer_blocks.0.attn.to_q.lora_B.weight": torch.zeros(8, 2)})
    with pytest.raises(RequestError, match="FLUX and Wan"):
        presets.make("x", (LoraUse(wan), LoraUse(flux)), paths)
    outside = toys.write(tmp_path / "c.safetensors", {"blocks.0.ffn.0.lora_A.weight": torch.zeros(2, 8)})
    with pytest.raises(RequestError, match="outside"):
        presets.make("x", (LoraUse(outside),), paths)
    with pytest.raises(RequestError, match="at least one"):
        presets.make("x", (), paths)


@settings(max_examples=100)
@given(st.text(max_size=300))
def test_every_name_stays_in_the_folder(name: str):
    paths = build_paths(home=Path("/nowhere/home"))
    try:
        file = presets.file_of(name, paths)
    except RequestError:
        assert not name.strip()
        return
    assert file.parent == paths.loras / "presets"
    assert file.suffix == ".json" and len(file.name.encode()) <= 255 and not file.name.startswith(".")
