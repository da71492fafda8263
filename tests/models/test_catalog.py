"""The catalog's data: what must be there, and that each entry is consistent with itself."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.errors import RequestError
from wgp_core.models.catalog import CATALOG, by_id, by_repo, default_spec
from wgp_core.models.hub_cache import is_repo_name
from wgp_core.models.inventory import ModelTask, all_models
from wgp_core.models.spec import Family, ModelSpec, Task
from wgp_core.paths import Paths

DIFFUSION_SPECS = [spec for spec in CATALOG if spec.is_diffusion]


def test_the_default_is_the_large_text_model():
    assert default_spec().repo == "Wan-AI/Wan2.1-T2V-14B-Diffusers"
    assert default_spec().can(Task.T2V) and default_spec().can(Task.T2I)


def test_ids_folders_and_repositories_are_unique_and_plain():
    for name in ("id", "folder"):
        values = [getattr(spec, name).lower() for spec in CATALOG]
        assert len(values) == len(set(values)) and all(v and "/" not in v and ".." not in v for v in values)
    repos = [spec.repo for spec in CATALOG if spec.repo]
    assert len(repos) == len(set(repos)) and all(map(is_repo_name, repos))


@pytest.mark.parametrize("spec", CATALOG, ids=lambda spec: spec.id)
def test_an_entry_says_what_it_is(spec: ModelSpec):
    assert by_id(spec.id) is spec and spec.tasks and spec.used_for and spec.licence
    assert by_repo(spec.repo) is spec or not spec.repo or spec.files == (f"{spec.folder}/*",)
    assert spec.size_bytes > 0 and all(part.parameters > 0 for part in spec.parts)
    if any(word in spec.licence for word in ("NC", "non-commercial", "Llama", "CogVideoX", "LTX")):
        assert spec.licence_note


@pytest.mark.parametrize("spec", DIFFUSION_SPECS, ids=lambda spec: spec.id)
def test_defaults_and_presets_fit_the_rules(spec: ModelSpec):
    rules, defaults = spec.rules, spec.defaults
    assert rules is not None and spec.pipeline
    for width, height in ((defaults.width, defaults.height), *rules.size_presets):
        assert rules.width.fits(width) and rules.height.fits(height), (width, height)
    assert rules.frames.fits(defaults.frames) and rules.fps.fits(defaults.fps)
    assert defaults.frames / defaults.fps <= rules.max_seconds
    assert spec.size_bytes == sum(part.disk_bytes for part in spec.parts)
    assert rules.start_image or not spec.can(Task.I2V)
    assert not rules.needs_start_image or not spec.can(Task.T2V)
    if spec.can(Task.T2I):
        assert rules.frames.fits(1)
    assert any(part.quantize and part.name in ("transformer", "unet") for part in spec.parts)


@given(st.sampled_from(DIFFUSION_SPECS), st.integers(1, 400))
def test_every_frame_count_snaps_to_what_the_vae_compresses(spec: ModelSpec, frames: int):
    assert spec.rules is not None
    count = spec.rules.frames.nearest(frames)
    every = {Family.WAN: 4, Family.COGVIDEOX: 8, Family.LTX: 8}.get(spec.family, 1)
    assert spec.rules.frames.fits(count) and (count - 1) % every == 0


def test_the_pipelines_exist_in_diffusers():
    code = "import sys, diffusers; print(*(getattr(diffusers, name).__name__ for name in sys.argv[1:]))"
    names = sorted({spec.pipeline for spec in DIFFUSION_SPECS})
    command = [sys.executable, "-c", code, *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "WanPipeline" in names and done.stdout.split() == names, done.stderr


def test_the_values_that_the_wan_2_2_cards_give():
    t2v, i2v, both = by_id("wan2.2-t2v-a14b"), by_id("wan2.2-i2v-a14b"), by_id("wan2.2-ti2v-5b")
    assert (t2v.defaults.guidance, t2v.defaults.guidance_2, t2v.defaults.flow_shift) == (4.0, 3.0, 12.0)
    assert (i2v.defaults.guidance, i2v.defaults.guidance_2, i2v.defaults.flow_shift) == (3.5, 3.5, 5.0)
    assert {"transformer", "transformer_2"} <= {part.name for part in t2v.parts}
    assert both.defaults.fps == 24 and both.can(Task.T2V) and both.can(Task.I2V)
    assert both.rules and both.rules.width.step == 32 and (1280, 704) in both.rules.size_presets


def test_an_unknown_id_names_the_known():
    with pytest.raises(RequestError, match=r"no model 'wan9'.*wan2\.1-t2v-14b"):
        by_id("wan9")


def test_every_model_of_the_catalog_is_listed(paths: Paths):
    rows = {row.id: row for row in all_models(paths)}
    assert [row for row in rows if row in {s.id for s in CATALOG}] == [s.id for s in CATALOG]
    wan = rows["wan2.1-t2v-14b"]
    assert not wan.installed and wan.installable and "models install wan2.1-t2v-14b" in wan.how_to_get
    assert wan.task is ModelTask.TEXT_TO_VIDEO and ModelTask.TEXT_TO_IMAGE in wan.tasks
    assert not rows["raft-large"].installable and "raft_large_C_T_V1.safetensors" in rows["raft-large"].how_to_get
    assert rows["all-minilm-l6-v2"].task is ModelTask.EMBEDDING


def test_nothing_here_imports_a_model_library():
    code = ("import sys; import wgp_core.models.inventory, wgp_core.models.locate, wgp_core.models.download, "
            "wgp_core.models.hub_cache, wgp_core.cli_models; print(sorted({'torch', 'diffusers', 'transformers', "
            "'huggingface_hub', 'mmgp'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
