"""Finding models by id, name and folder, and reading a folder's rules from its own files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hub_server import pipeline_files, safetensors

from wgp_core.errors import RequestError
from wgp_core.models.catalog import by_id, by_repo, default_spec
from wgp_core.models.inventory import ModelTask, all_models
from wgp_core.models.locate import find, find_to_mend, folder_of, installed, missing_error, repos_to_keep
from wgp_core.models.presence import complete
from wgp_core.models.spec import Family, Task
from wgp_core.models.user_models import ModelFolderError, spec_of_folder, user_models
from wgp_core.paths import Paths
from wgp_core.request import Solver


def write(folder: Path, files: dict[str, bytes] | None = None) -> Path:
    for name, data in (files or pipeline_files()).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def pipeline(folder: Path, name: str, **configs: dict[str, object]) -> Path:
    """A diffusers folder of this pipeline class, each component with its configuration and a weight file."""
    kinds = {part: ["diffusers", "T5EncoderModel" if part.startswith("text") else "X"] for part in configs}
    files = {"model_index.json": json.dumps({"_class_name": name, **kinds}).encode()}
    for part, config in configs.items():
        file = "scheduler_config.json" if part == "scheduler" else "config.json"
        files[f"{part}/{file}"] = json.dumps(config).encode()
        if part != "scheduler":
            files[f"{part}/model.safetensors"] = safetensors()
    return write(folder, files)


def catalog_model(paths: Paths, model_id: str) -> Path:
    spec = by_id(model_id)
    files = pipeline_files()
    files.update({f"{part.name}/x.safetensors": safetensors() for part in spec.parts})
    return write(paths.ckpts / spec.folder, files)


def test_nothing_installed_gives_the_recommended_one(paths: Paths):
    found = find(None, paths)
    assert found.spec is default_spec() and found.folder is None and installed(paths) == ()
    assert find("", paths, task=Task.I2V).spec.can(Task.I2V)


def test_the_best_installed_comes_first_by_the_catalogs_order(paths: Paths):
    small = catalog_model(paths, "wan2.1-t2v-1.3b")
    catalog_model(paths, "cogvideox-2b")
    catalog_model(paths, "wan2.1-i2v-14b-480p")
    assert find(None, paths).folder == small
    assert find(None, paths, task=Task.I2V).spec.id == "wan2.1-i2v-14b-480p"
    assert [f.spec.id for f in installed(paths)] == ["wan2.1-t2v-1.3b", "wan2.1-i2v-14b-480p", "cogvideox-2b"]


def test_a_model_is_named_by_id_repository_or_folder(paths: Paths, monkeypatch: pytest.MonkeyPatch):
    folder = catalog_model(paths, "wan2.1-t2v-1.3b")
    for name in ("wan2.1-t2v-1.3b", "WAN2.1-T2V-1.3B", "Wan-AI/Wan2.1-T2V-1.3B-Diffusers", str(folder),
                 "Wan2.1-T2V-1.3B-Diffusers", "ckpts/Wan2.1-T2V-1.3B-Diffusers", f" {folder} "):
        found = find(name, paths)
        assert found.spec.id == "wan2.1-t2v-1.3b" and found.folder == folder, name
    monkeypatch.chdir(folder.parent)
    assert find("./Wan2.1-T2V-1.3B-Diffusers", paths).folder is not None


def test_a_repository_that_is_not_here_is_known_by_its_name(paths: Paths):
    found = find("someone/my-wan2.1-tune", paths)
    assert found.folder is None and found.spec.family is Family.WAN and found.spec.repo == "someone/my-wan2.1-tune"
    assert "install someone/my-wan2.1-tune" in str(missing_error(found.spec, paths))
    with pytest.raises(RequestError):
        find("someone/swan-lake", paths)  # "wan" only inside a word


def test_an_unknown_name_lists_what_is_there(paths: Paths):
    catalog_model(paths, "cogvideox-2b")
    with pytest.raises(RequestError, match=r"Installed: cogvideox-2b\.") as caught:
        find("nonsense", paths)
    assert caught.value.field == "model"


def test_what_is_missing_says_size_place_command_and_what_else(paths: Paths):
    words = str(missing_error(default_spec(), paths))
    assert "80.4 GB" in words and str(paths.ckpts / default_spec().folder) in words
    assert "./run.sh -m wgp_core models install wan2.1-t2v-14b" in words and "local engine" in words
    catalog_model(paths, "cogvideox-2b")
    assert "Installed and usable instead: cogvideox-2b" in str(missing_error(default_spec(), paths))


def test_a_model_without_a_shard_is_not_installed(paths: Paths):
    spec = by_id("wan2.1-t2v-1.3b")
    folder = catalog_model(paths, spec.id)
    index = folder / "transformer" / "diffusion_pytorch_model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"a": "x.safetensors", "b": "y.safetensors"}}))
    assert not complete(spec, folder) and folder_of(spec, paths) is None
    (folder / "transformer" / "y.safetensors").write_bytes(safetensors())
    assert complete(spec, folder)
    for file in (folder / "transformer").glob("*.safetensors"):
        file.unlink()
    assert not complete(spec, folder)
    (folder / "transformer" / "t_quanto_bf16_int8.safetensors").write_bytes(safetensors())
    assert complete(spec, folder)  # the quantized copy stands in for the shards


def test_a_starter_package_counts_as_installed(paths: Paths):
    assert folder_of(by_id("all-minilm-l6-v2"), paths) is not None
    own = paths.ckpts / "SmolLM2-135M-Instruct"
    own.mkdir()
    (own / "SmolLM2-135M-Instruct.Q4_1.gguf").write_bytes(b"x")
    assert folder_of(by_id("smollm2-135m-instruct"), paths) == own


# -- folders ----------------------------------------------------------------------------------------------------------

def test_a_tiny_wan_folder_takes_tiny_videos(tmp_path: Path):
    spec = spec_of_folder(write(tmp_path / "mine"))
    assert spec.id == "mine" and spec.family is Family.WAN and spec.tasks == (Task.T2V, Task.T2I)
    assert spec.rules and spec.rules.width.fits(64) and spec.rules.frames.fits(9) and spec.rules.frames.fits(1)
    assert (spec.defaults.width, spec.defaults.frames, spec.defaults.flow_shift) == (64, 9, 3.0)
    assert spec.defaults.solver is Solver.UNIPC
    assert {part.name: part.parameters for part in spec.parts} == {"transformer": 64, "vae": 64}
    assert [part.name for part in spec.parts if part.quantize] == ["transformer"]


def test_rules_come_from_the_configurations(tmp_path: Path):
    five = pipeline(tmp_path / "5b", "WanPipeline", transformer={"patch_size": [1, 2, 2]},
                    vae={"scale_factor_spatial": 16, "scale_factor_temporal": 4}, text_encoder={})
    index = json.loads((five / "model_index.json").read_text()) | {"expand_timesteps": True}
    (five / "model_index.json").write_text(json.dumps(index))
    spec = spec_of_folder(five)
    assert spec.rules and spec.rules.width.step == 32 and spec.rules.start_image and not spec.rules.needs_start_image
    assert set(spec.tasks) == {Task.T2V, Task.I2V, Task.T2I}
    assert [part.name for part in spec.parts if part.quantize] == ["transformer", "text_encoder"]
    image = spec_of_folder(pipeline(tmp_path / "i2v", "WanImageToVideoPipeline", transformer={}, transformer_2={},
                                    vae={}))
    assert image.tasks == (Task.I2V,) and image.rules and image.rules.needs_start_image and image.rules.end_image
    assert image.defaults.guidance_2 is not None
    cog = spec_of_folder(pipeline(
        tmp_path / "cog", "CogVideoXImageToVideoPipeline", vae={"block_out_channels": [8, 8, 8, 8]},
        transformer={"use_learned_positional_embeddings": True, "sample_width": 8, "sample_height": 6,
                     "sample_frames": 9}))
    assert cog.rules and (cog.rules.width.low, cog.rules.height.high) == (64, 48) and cog.rules.frames.high == 9
    ltx = spec_of_folder(pipeline(tmp_path / "ltx", "LTXConditionPipeline", transformer={},
                                  vae={"patch_size": 4, "spatio_temporal_scaling": [True, True, True, False]}))
    assert ltx.rules and ltx.rules.frames.step == 8 and ltx.rules.width.step == 32 and ltx.rules.end_image
    flux = spec_of_folder(pipeline(tmp_path / "flux", "FluxPipeline", transformer={},
                                   vae={"block_out_channels": [8, 8, 8, 8]}))
    assert flux.rules and flux.rules.frames.high == 1 and flux.defaults.guidance == 0 and flux.tasks == (Task.T2I,)
    sdxl = spec_of_folder(pipeline(tmp_path / "sdxl", "StableDiffusionXLPipeline", unet={},
                                   vae={"block_out_channels": [8, 8, 8, 8]}))
    assert sdxl.rules and sdxl.rules.width.step == 8


def test_every_toy_takes_small_videos(tmp_path: Path):
    from wgp_core.models.toy import TOY_KINDS, write_toy

    for kind in TOY_KINDS:
        spec = spec_of_folder(write_toy(tmp_path / kind, kind))
        rules = spec.rules
        assert rules and complete(spec, tmp_path / kind), kind
        assert rules.width.fits(64) and rules.height.fits(64), kind
        assert rules.frames.fits(1 if spec.tasks == (Task.T2I,) else 9), kind
        assert rules.frames.fits(spec.defaults.frames), kind
        assert rules.needs_start_image == (spec.tasks == (Task.I2V,)), kind
        assert (spec.defaults.guidance_2 is not None) == any(p.name == "transformer_2" for p in spec.parts), kind
        assert any(p.quantize and p.parameters for p in spec.parts), kind


def test_one_file_of_a_collection_is_not_that_repository(paths: Paths):
    llama = by_id("llama-3.2-3b-instruct")
    assert by_repo(llama.repo) is None and find(llama.repo, paths).spec.family is Family.LTX
    assert by_repo("wan-ai/wan2.1-t2v-14b-diffusers") is default_spec()


def test_what_a_clean_up_keeps(paths: Paths):
    entry(paths, "my-wan", repo="me/my-wan")
    kept = repos_to_keep("my-wan", paths)
    assert kept == {"me/my-wan", "sentence-transformers/all-MiniLM-L6-v2"}
    assert "org/x-wan" in repos_to_keep("org/x-wan", paths) and repos_to_keep("", paths) < kept


@pytest.mark.parametrize("broken", ["{", "[]", '{"_class_name": "MochiPipeline"}', "{}"])
def test_a_folder_that_cannot_be_used_says_why(paths: Paths, broken: str):
    folder = write(paths.ckpts / "odd", {"model_index.json": broken.encode()})
    with pytest.raises(ModelFolderError):
        find(str(folder), paths)
    row = next(row for row in all_models(paths) if row.id == "odd")
    assert row.task is ModelTask.OTHER and row.problem and installed(paths) == ()
    mend = find_to_mend("odd", paths)
    assert (mend.folder, mend.spec.id) == (folder, "odd") and mend.problem and mend.spec.family is Family.UNKNOWN
    with pytest.raises(RequestError, match="no model 'gone'"):
        find_to_mend("gone", paths)


def test_a_cut_weight_file_is_noticed(tmp_path: Path):
    folder = write(tmp_path / "mine")
    file = folder / "vae" / "diffusion_pytorch_model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(ModelFolderError, match="cut short"):
        spec_of_folder(folder)


def test_the_users_folders_are_listed_after_the_catalog(paths: Paths):
    write(paths.ckpts / "zz-mine")
    write(paths.ckpts / "group" / "inner")
    catalog_model(paths, "cogvideox-2b")
    (paths.ckpts / "loose.safetensors").write_bytes(safetensors())
    (paths.loras / "style.safetensors").write_bytes(safetensors())
    assert [f.spec.id for f in installed(paths)] == ["cogvideox-2b", "inner", "zz-mine"]
    rows = {row.id: row for row in all_models(paths)}
    assert rows["zz-mine"].task is ModelTask.TEXT_TO_VIDEO and "WanPipeline" in rows["zz-mine"].used_for
    assert rows["group/inner"].installed and rows["loose.safetensors"].task is ModelTask.OTHER
    assert rows["style.safetensors"].task is ModelTask.LORA and rows["cogvideox-2b"].installed
    assert "group" not in rows and "CogVideoX-2b" not in rows
    assert find("group/inner", paths).folder == paths.ckpts / "group" / "inner"


# -- entries in ckpts/*.json ------------------------------------------------------------------------------------------

def entry(paths: Paths, name: str, **values: object) -> None:
    (paths.ckpts / f"{name}.json").write_text(json.dumps(values))


def test_an_entry_is_a_catalog_model_with_other_values(paths: Paths):
    entry(paths, "my-wan", repo="me/my-wan", like="wan2.1-t2v-1.3b", steps=12, guidance=1.0, licence="MIT")
    spec = find("my-wan", paths).spec
    assert (spec.family, spec.repo, spec.folder) == (Family.WAN, "me/my-wan", "my-wan")
    assert (spec.defaults.steps, spec.defaults.guidance, spec.licence) == (12, 1.0, "MIT")
    assert find("me/my-wan", paths).folder is None
    write(paths.ckpts / "my-wan", pipeline_files() | {"text_encoder/x.safetensors": safetensors()})
    assert find("my-wan", paths).folder == paths.ckpts / "my-wan"
    assert [f.spec.id for f in installed(paths)] == ["my-wan"]


def test_an_entry_may_point_outside(paths: Paths, tmp_path: Path):
    folder = write(tmp_path / "disk" / "wan")
    entry(paths, "far", folder=str(folder), label="Far away", frames=5)
    found = find("far", paths)
    assert found.folder == folder and found.spec.label == "Far away" and found.spec.defaults.frames == 5


@pytest.mark.parametrize(("values", "words"), [
    ({"repo": "me/x", "stepz": 3}, "stepz"), ({"repo": "me/x", "steps": "many"}, "steps"), ({}, "neither a repo"),
    ({"repo": "not a repo"}, "repo"), ({"repo": "me/x", "like": "nope"}, "nope"), ({"repo": "me/x"}, "kind of model"),
    ({"folder": "../../etc", "family": "wan"}, "leaves ckpts"), ({"repo": "me/wan", "guidance": 99}, "guidance")])
def test_a_broken_entry_is_named_and_the_others_stay(paths: Paths, values: dict[str, object], words: str):
    entry(paths, "good", repo="me/wan-good")
    entry(paths, "broken", **values)
    own = user_models(paths)
    assert [spec.id for spec in own.specs] == ["good"] and words in own.problems[0] and "broken.json" in own.problems[0]
    with pytest.raises(RequestError, match=r"broken\.json"):
        find("broken", paths)
    assert next(row for row in all_models(paths) if row.id == "broken").problem
