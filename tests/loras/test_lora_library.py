"""LoRA files are listed with what is inside, and found by the names that people give."""

from __future__ import annotations

import json
import os
from pathlib import Path

import lora_files as toys
import pytest
import torch

from wgp_core.errors import ModelMissingError, RequestError
from wgp_core.loras import library
from wgp_core.models.spec import Family
from wgp_core.paths import Paths, build_paths
from wgp_core.request import LoraUse

WAN = {"blocks.0.attn1.to_q.lora_A.weight": torch.zeros(2, 1536),
       "blocks.0.attn1.to_q.lora_B.weight": torch.zeros(8, 2)}
ODD = {"x.lora_A.weight": torch.zeros(2, 4), "x.lora_B.weight": torch.zeros(4, 2)}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    home = build_paths(home=tmp_path / "home")
    home.loras.mkdir(parents=True)
    return home


def test_files_are_listed_with_family_size_and_triggers(paths: Paths):
    tags = {"10_x": {"mystyle": 20, "a cat": 4, "film": 10}, "5_y": {"mystyle": 5}}
    tagged = toys.write(paths.loras / "top.safetensors", WAN, {"ss_tag_frequency": json.dumps(tags)})
    toys.write(paths.loras / "wan2.1/odd.safetensors", ODD, {"modelspec.trigger_phrase": "a phrase"})
    beside = toys.write(paths.loras / "wan/beside.safetensors", WAN, {"modelspec.trigger_phrase": "not this"})
    beside.with_suffix(".json").write_text('{"activation text": "this one", "description": "made for slides"}')
    (paths.loras / "wan/broken.safetensors").write_bytes(b"no")
    (paths.loras / "README.md").write_text("x")
    files = {file.name: file for file in library.list_files(paths)}
    assert list(files) == ["top.safetensors", "wan/beside.safetensors", "wan/broken.safetensors",
                           "wan2.1/odd.safetensors"]
    top = files["top.safetensors"]
    assert (top.family, top.made_for, top.size_bytes) == (Family.WAN, "Wan 1.3B", tagged.stat().st_size)
    assert top.triggers == ("mystyle",)
    assert files["wan2.1/odd.safetensors"].family is Family.WAN, "from the folder"
    assert files["wan2.1/odd.safetensors"].triggers == ("a phrase",)
    assert files["wan/beside.safetensors"].triggers == ("this one",)
    assert "not a whole safetensors file" in files["wan/broken.safetensors"].error
    found = library.search(tuple(files.values()), "SLIDES beside")
    assert [file.name for file in found] == ["wan/beside.safetensors"]
    assert library.search(tuple(files.values()), "", Family.FLUX) == ()


def test_changed_files_are_read_again(paths: Paths):
    path = toys.write(paths.loras / "a.safetensors", ODD)
    assert library.list_files(paths)[0].family is None
    toys.write(path, WAN)
    os.utime(path, (1, 1))
    assert library.list_files(paths)[0].family is Family.WAN


def test_no_folder_is_no_files(tmp_path: Path):
    assert library.list_files(build_paths(home=tmp_path / "none")) == ()


@pytest.mark.parametrize("name", ["wan/a.safetensors", "wan/a", "a.safetensors", "a", "{loras}/wan/a.safetensors",
                                  "{loras}/a.safetensors"])
def test_names_of_one_file(name: str, paths: Paths):
    path = toys.write(paths.loras / "wan/a.safetensors", ODD)
    assert library.resolve(name.format(loras=paths.loras), paths) == path


def test_a_path_outside_must_be_absolute(paths: Paths, tmp_path: Path):
    path = toys.write(tmp_path / "a.safetensors", ODD)
    assert library.resolve(path, paths) == path
    with pytest.raises(RequestError, match="leaves the LoRA folder"):
        library.resolve("../../a.safetensors", paths)
    with pytest.raises(RequestError, match="longer than a file's name can be"):
        library.resolve("0" * 5000, paths)
    with pytest.raises(RequestError, match="leaves its folder"):
        library.resolve("x", paths, weight_name="../a.safetensors")


def test_a_folder_holds_one_file_or_needs_a_weight_name(paths: Paths):
    one = toys.write(paths.loras / "wan/set/one.safetensors", ODD)
    assert library.resolve("wan/set", paths) == one
    two = toys.write(paths.loras / "wan/set/two.safetensors", ODD)
    with pytest.raises(RequestError, match=r"holds 2 LoRA files.*one\.safetensors, two\.safetensors"):
        library.resolve("wan/set", paths)
    assert library.resolve("wan/set", paths, weight_name="two.safetensors") == two
    assert library.resolve(paths.loras / "wan/set", paths, weight_name="two") == two


def test_hub_names_lead_to_copies(paths: Paths, tmp_path: Path):
    cached = toys.write(tmp_path / "cache/hub/models--owner--style/snapshots/abc/style.safetensors", ODD)
    cache = str(tmp_path / "cache")
    assert library.resolve("owner/style", paths, cache_root=cache) == cached
    assert library.resolve("owner/style", paths, weight_name="style.safetensors", cache_root=cache) == cached
    assert library.resolve("owner/style/style.safetensors", paths, cache_root=cache) == cached
    with pytest.raises(ModelMissingError, match="owner/style is not here"):
        library.resolve("owner/style", paths)
    own = toys.write(paths.loras / "wan/style/style.safetensors", ODD)
    assert library.resolve("owner/style", paths, cache_root=cache) == own


def test_same_names_in_two_folders_must_be_told_apart(paths: Paths):
    for folder in ("wan", "flux"):
        toys.write(paths.loras / folder / "a.safetensors", ODD)
    with pytest.raises(RequestError, match=r"2 LoRA files named a\.safetensors.*flux/a\.safetensors, wan/a"):
        library.resolve("a", paths)


@pytest.mark.parametrize("name", ["a.pt", "a.ckpt", "wan/a.bin", "{loras}/a.pt", "owner/a"])
def test_pickles_are_refused(name: str, paths: Paths):
    (paths.loras / "a").mkdir()
    for place in ("a.pt", "a.ckpt", "a/pytorch_lora_weights.bin"):
        (paths.loras / place).write_bytes(b"x")
    with pytest.raises(RequestError, match="pickled"):
        library.resolve(name.format(loras=paths.loras), paths)


def test_missing_files_say_where_they_go(paths: Paths):
    with pytest.raises(ModelMissingError, match=r"nothing is not here.*loras/<family>/"):
        library.resolve("nothing", paths)


def test_uses_are_resolved_and_their_multipliers_read(paths: Paths):
    path = toys.write(paths.loras / "wan/a.safetensors", ODD)
    assert library.resolve_uses((LoraUse(Path("a"), "0;1", "t"),), paths) == (LoraUse(path, "0;1", "t"),)
    with pytest.raises(RequestError, match="multiplier"):
        library.resolve_uses((LoraUse(Path("a"), "x"),), paths)


def test_uses_from_flags():
    assert library.uses_from_flags([]) == ()
    assert library.uses_from_flags(["a", "b"], ["0.5"]) == (LoraUse(Path("a"), "0.5"), LoraUse(Path("b"), "0.5"))
    assert library.uses_from_flags(["owner/x", "b.safetensors"], ["1", "0;1"], ["w.safetensors", ""], ["t", "u"]) == (
        LoraUse(Path("owner/x/w.safetensors"), "1", "t"), LoraUse(Path("b.safetensors"), "0;1", "u"))
    with pytest.raises(RequestError, match="--lora-scale is given 2 times for 3 LoRAs"):
        library.uses_from_flags(["a", "b", "c"], ["1", "2"])
    with pytest.raises(RequestError, match="no --lora-path"):
        library.uses_from_flags([], ["1"])
    with pytest.raises(RequestError, match="not a number"):
        library.uses_from_flags(["a"], ["x"])
