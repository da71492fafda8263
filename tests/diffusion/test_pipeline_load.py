"""What the loader takes and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from wgp_core.errors import Cancelled, EngineError, ModelMissingError
from wgp_core.events import CancelToken, Progress, Stage, ignore_progress
from wgp_core.models import quantizing
from wgp_core.models.locate import Found, find
from wgp_core.models.manager import Loaded
from wgp_core.models.options import LoadOptions, Precision, Quantization
from wgp_core.models.pipeline import Pipelines, load_pipeline, read_index
from wgp_core.models.spec import Family
from wgp_core.models.toy import write_toy
from wgp_core.paths import Paths

OPTIONS = LoadOptions(quantization=Quantization.NONE, reasons={"device": "asked for"})


def change(folder: Path, **entries: object) -> None:
    path = folder / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **entries}))


def load(paths: Paths, name: str, options: LoadOptions = OPTIONS) -> Loaded:
    return load_pipeline(find(name, paths), options, ignore_progress, CancelToken())


def test_components_are_shared_and_precisions_kept(paths: Paths) -> None:
    import torch

    write_toy(paths.ckpts / "wan-ti2v", "wan-ti2v")
    told: list[Progress] = []
    loaded = load_pipeline(find("wan-ti2v", paths), OPTIONS, told.append, CancelToken())
    pipelines = loaded.value
    assert isinstance(pipelines, Pipelines) and pipelines.family is Family.WAN
    assert pipelines.text.transformer is pipelines.image.transformer is pipelines.components["transformer"]
    assert pipelines.vae.dtype is torch.float32
    assert pipelines.components["transformer"].patch_embedding.weight.dtype is torch.bfloat16
    assert not any(p.requires_grad for m in pipelines.modules().values() for p in m.parameters())
    assert loaded.size_bytes > 50_000 and loaded.facts["precision"] == "bf16"
    assert loaded.facts["device reason"] == "asked for"
    assert {file.parent.name for file in loaded.files} == {"transformer", "text_encoder", "vae"}
    assert all(event.stage is Stage.LOAD for event in told) and told[-1].step == told[-1].total
    loaded.release()
    assert not pipelines.components


def test_a_model_on_a_full_disk_loads_whole_and_says_so(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    write_toy(paths.ckpts / "wan", "wan")
    monkeypatch.setattr(quantizing, "SPARE_DISK", 1 << 62)
    loaded = load(paths, "wan", LoadOptions(quantization=Quantization.INT8))
    assert not any("quanto" in file.name for file in loaded.files)
    assert len(loaded.notes) == 2 and all("whole weights" in note for note in loaded.notes)
    loaded.release()


def test_quantized_linear_layers_come_from_their_own_file(paths: Paths) -> None:
    write_toy(paths.ckpts / "wan", "wan")
    loaded = load(paths, "wan", LoadOptions(quantization=Quantization.INT8))
    names = {file.name for file in loaded.files}
    assert "transformer_quanto_bf16_int8.safetensors" in names
    assert any("quanto" in name and "text_encoder" in name for name in names)
    assert not any("vae" in name and "quanto" in name for name in names)
    loaded.release()


@pytest.mark.parametrize("kind,image,text", [("wan", False, True), ("wan-i2v", True, False), ("wan-ti2v", True, True),
                                             ("cogvideox-i2v", True, False), ("ltx", True, True),
                                             ("sdxl", False, True)])
def test_a_checkpoint_has_the_pipelines_that_it_is_made_for(kind: str, image: bool, text: bool, paths: Paths) -> None:
    write_toy(paths.ckpts / kind, kind)
    loaded = load(paths, kind)
    for wanted, from_image in ((image, True), (text, False)):
        if wanted:
            assert loaded.value.choose(from_image=from_image) is not None
        else:
            with pytest.raises(EngineError, match="cannot make a video"):
                loaded.value.choose(from_image=from_image)
    loaded.release()


@pytest.mark.parametrize("entry", [{"transformer": ["custom_code", "Model"]}, {"vae": ["diffusers", "StableCascade"]},
                                   {"text_encoder": ["os", "system"]}, {"../vae": ["diffusers", "AutoencoderKLWan"]},
                                   {"_class_name": "KolorsPipeline"}, {"_class_name": None}])
def test_unknown_classes_are_refused(entry: dict[str, object], tmp_path: Path) -> None:
    folder = write_toy(tmp_path / "wan", "wan")
    change(folder, **entry)
    with pytest.raises(EngineError):
        read_index(folder)


def test_pickles_are_refused(paths: Paths) -> None:
    folder = write_toy(paths.ckpts / "wan", "wan")
    found = find("wan", paths)
    weights = folder / "transformer" / "diffusion_pytorch_model.safetensors"
    weights.rename(weights.with_suffix(".bin"))
    with pytest.raises(EngineError, match="pickled"):
        load_pipeline(found, OPTIONS, ignore_progress, CancelToken())


def test_what_is_missing_is_said(paths: Paths) -> None:
    import shutil

    folder = write_toy(paths.ckpts / "wan", "wan")
    found = find("wan", paths)
    shutil.rmtree(folder / "vae")
    with pytest.raises(ModelMissingError, match="vae"):
        load_pipeline(found, OPTIONS, ignore_progress, CancelToken())
    with pytest.raises(ModelMissingError, match="not installed"):
        load_pipeline(Found(found.spec, None), OPTIONS, ignore_progress, CancelToken())


def test_loading_can_be_cancelled(paths: Paths) -> None:
    write_toy(paths.ckpts / "wan", "wan")
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        load_pipeline(find("wan", paths), OPTIONS, ignore_progress, cancel)


def test_precision_is_what_was_asked(paths: Paths) -> None:
    import torch

    write_toy(paths.ckpts / "ltx", "ltx")
    loaded = load(paths, "ltx", LoadOptions(precision=Precision.FP32, quantization=Quantization.NONE))
    assert {m.dtype for m in loaded.value.modules().values()} == {torch.float32}
    loaded.release()
