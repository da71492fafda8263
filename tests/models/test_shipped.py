"""The model that comes with the program: found last, never taken unasked, copied into workshops that lie elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from wgp_core.engines.diffusion.engine import DiffusionEngine
from wgp_core.models import download
from wgp_core.models.catalog import by_id
from wgp_core.models.download import DownloadError
from wgp_core.models.inventory import all_models
from wgp_core.models.locate import find, missing_error
from wgp_core.models.spec import Task
from wgp_core.paths import Paths
from wgp_core.request import EngineChoice, VideoRequest

STARTER = by_id("wan-starter")


def fill(folder: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (folder / name).mkdir(parents=True)
        save_file({"w": np.zeros(1, np.float32)}, folder / name / "diffusion_pytorch_model.safetensors")
        (folder / name / "config.json").write_text("{}")
    (folder / "model_index.json").write_text(json.dumps({"_class_name": "WanPipeline"}))


def ship(folder: Path) -> None:
    fill(folder, tuple(part.name for part in STARTER.parts))


def test_it_is_the_last_choice_of_diffusion(paths: Paths) -> None:
    ship(paths.ckpts / STARTER.folder)
    assert find(None, paths).spec.id == "wan-starter" and find(None, paths, task=Task.I2V).spec.id == "wan-starter"
    fill(paths.ckpts / "my-own", ("transformer", "vae", "text_encoder"))
    assert find(None, paths, task=Task.T2V).spec.id == "my-own"


def test_auto_does_not_take_it_and_who_asks_gets_it(paths: Paths) -> None:
    ship(paths.ckpts / STARTER.folder)
    engine = DiffusionEngine(paths)
    unasked = engine.availability(VideoRequest(prompt="how rain forms"))
    assert not unasked.ok and "small world" in unasked.reason
    assert engine.availability(VideoRequest(prompt="a red ball", engine=EngineChoice.DIFFUSION)).ok
    assert engine.availability(VideoRequest(prompt="a red ball", model="wan-starter")).ok


def test_a_workshop_elsewhere_gets_a_copy(paths: Paths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "program"
    ship(program / "ckpts" / STARTER.folder)
    quantized = program / "ckpts" / STARTER.folder / "vae" / "vae_quanto_bf16_int8.safetensors"
    save_file({"w": np.zeros(1, np.float32)}, quantized)
    monkeypatch.setattr(download, "PROGRAM_ROOT", program)
    assert "models install wan-starter" in missing_error(STARTER, paths).fix
    row = next(row for row in all_models(paths) if row.id == "wan-starter")
    assert row.installable and "models install wan-starter" in row.how_to_get
    folder = download.install(STARTER, paths)
    assert folder == paths.ckpts / "wan-starter" and find("wan-starter", paths).folder == folder
    assert not list(folder.rglob("*_quanto_*")) and not list(paths.ckpts.glob(".*"))


def test_where_its_files_are_gone_the_way_back_is_said(paths: Paths, tmp_path: Path,
                                                        monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PROGRAM_ROOT", tmp_path / "empty")
    with pytest.raises(DownloadError, match="comes with the program") as raised:
        download.install(STARTER, paths)
    assert "git checkout" in raised.value.fix
