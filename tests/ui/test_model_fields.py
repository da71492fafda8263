"""The model's settings on the Generate tab, and the Models tab, as values and HTML."""

from __future__ import annotations

import json
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes import FakeEngine, registry
from ui import filling, form, model_fields, tab_models
from ui.form import MODEL_FIELDS, NAMES, FormValues
from ui.live import Pulse
from wgp_core.engines.base import EngineSpec
from wgp_core.engines.diffusion import rules
from wgp_core.engines.explainer.spec import SPEC as LOCAL
from wgp_core.errors import RequestError
from wgp_core.jobs.model_desk import ModelAction, ModelWork
from wgp_core.jobs.work_line import WorkState
from wgp_core.models.catalog import by_id
from wgp_core.models.inventory import ModelStatus, ModelTask
from wgp_core.request import EngineChoice, LoraProfile, LoraUse, Solver, StepCache, VideoRequest

ALL = frozenset({*form.OPTIONAL, *MODEL_FIELDS.values(), "start_image"})
FULL = replace(FakeEngine().spec, uses=ALL)
REQUEST = VideoRequest(
    "a topic", engine=EngineChoice.DIFFUSION, model="mine", width=64, height=64, seconds=2.0, steps=20, guidance=4.0,
    guidance_2=3.0, flow_shift=5.0, solver=Solver.EULER, negative_prompt="blur", profile="4.5",
    loras=(LoraUse(Path("wan/a.safetensors"), "0;1", "sks"), LoraUse(Path("wan/b.safetensors"), "1,0.5")),
    step_cache=StepCache.FIRST_BLOCK, step_cache_strength=0.25, window_prompts=("first", "then\nthat"),
    window_frames=33, window_overlap=0, lora_profile=LoraProfile.ACADEMIC_INFOGRAPHIC, lora_negative_boost=False)


class FullEngine(FakeEngine):
    """A diffusion engine that uses every field."""

    @property
    def spec(self) -> EngineSpec:
        return replace(super().spec, uses=ALL, size_presets=((64, 64), (128, 64)))


@pytest.fixture
def diffusion(studio):
    """The studio with that engine and a small model folder."""
    studio.engines = registry(FullEngine())
    folder = studio.paths.ckpts / "mine"
    header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    for part in ("transformer", "vae"):
        (folder / part).mkdir(parents=True)
        (folder / part / "config.json").write_text("{}")
        weights = struct.pack("<Q", len(header)) + header + b"\0" * 16
        (folder / part / "diffusion_pytorch_model.safetensors").write_bytes(weights)
    index = {"_class_name": "WanPipeline", "transformer": ["diffusers", "WanTransformer3DModel"],
             "vae": ["diffusers", "AutoencoderKLWan"]}
    (folder / "model_index.json").write_text(json.dumps(index))
    return studio


@pytest.mark.parametrize("spec", [FULL, replace(LOCAL, uses=LOCAL.uses | set(form.OPTIONAL))],
                         ids=["all shown", "all carried"])
def test_a_request_with_everything_comes_back_whether_it_is_shown_or_carried(spec):
    values = FormValues.from_request(REQUEST, spec)
    assert values.to_request(spec) == REQUEST
    kept = FormValues.from_saved(json.loads(json.dumps(values.to_saved())))
    assert kept == values


def test_shown_fields_win_over_what_is_carried():
    values = replace(FormValues.from_request(REQUEST, FULL), loras=("wan/b.safetensors",), lora_multipliers="0.4",
                     solver="", window_prompts="one\ntwo", profile="")
    request = values.to_request(FULL)
    assert request.loras == (LoraUse(Path("wan/b.safetensors"), "0.4"),)
    assert (request.solver, request.window_prompts, request.profile) == (None, ("one", "two"), None)
    assert form.carried_words(values.carried, FULL.uses) == ""
    assert {"LoRAs", "LoRA words", "window length"} <= set(form.carried_words(values.carried).split(", "))


def test_windows_and_lora_words_are_emptied_by_the_form():
    values = replace(FormValues.from_request(REQUEST, FULL), window_frames=None, window_overlap=None,
                     lora_profile="none", lora_negative_boost=True)
    request = values.to_request(FULL)
    assert (request.window_frames, request.window_overlap) == (None, None)
    assert (request.lora_profile, request.lora_negative_boost) == (LoraProfile.NONE, True)


def test_fields_of_windows_apply_only_where_a_model_makes_windows():
    short = replace(FULL, uses=ALL - {"window_frames", "window_overlap", "window_prompts"})
    assert FormValues(prompt="x", window_frames=33).to_request(short).window_frames is None
    assert rules.uses(by_id("wan2.1-t2v-1.3b")) >= {"window_frames", "window_overlap", "lora_profile"}
    assert rules.uses(by_id("cogvideox-2b")).isdisjoint({"window_frames", "window_overlap"})
    assert "lora_negative_boost" not in rules.uses(by_id("flux.1-dev"))


@given(st.lists(st.text(alphabet="ab ,\n", min_size=1).map(str.strip).filter(lambda t: t and "\n\n" not in t)))
def test_window_prompts_come_back(prompts):
    assert form.split_windows(form.join_windows(tuple(prompts))) == tuple(prompts)


def test_multipliers_are_read_and_refused_in_words():
    assert form.split_multipliers("0.5 # less\n1,0.2", 3) == ("0.5", "1,0.2", "1")
    with pytest.raises(RequestError, match="3 multipliers for 2 LoRAs"):
        form.split_multipliers("1 2 3", 2)
    with pytest.raises(RequestError, match="position 3"):
        form.split_multipliers("1 x", 2)


def test_the_form_shows_what_the_chosen_model_uses(diffusion):
    updates = dict(zip(NAMES, filling.fill(diffusion, FormValues(engine="diffusion")), strict=False))
    assert all(updates[name]["visible"] for name in MODEL_FIELDS)
    assert updates["steps"]["placeholder"] == "4"
    assert ("mine", "mine") in updates["model"]["choices"]
    assert ("TeaCache (not for this model)", "tea") in updates["step_cache"]["choices"]
    assert ("First block", "first-block") in updates["step_cache"]["choices"]
    local = dict(zip(NAMES, filling.fill(diffusion, FormValues(engine="local")), strict=False))
    assert not any(local[name]["visible"] for name in MODEL_FIELDS)


def test_a_model_outside_the_folder_of_models_stays_chosen(diffusion, tmp_path):
    elsewhere = tmp_path / "far" / "my-wan"
    shutil.copytree(diffusion.paths.ckpts / "mine", elsewhere)
    request = REQUEST.with_(model=str(elsewhere))
    model = dict(zip(NAMES, filling.fill_from_request(diffusion, request), strict=False))["model"]
    assert model["value"] == str(elsewhere) and ("my-wan", str(elsewhere)) in model["choices"]
    gone = dict(zip(NAMES, filling.fill_from_request(diffusion, REQUEST.with_(model="/gone")), strict=False))["model"]
    assert gone["value"] == "" and len(gone["choices"]) == 2


def test_a_size_of_another_engine_becomes_one_of_this(diffusion):
    moved, notes = filling.snapped_values(diffusion, FormValues(engine="diffusion", size="1280x720"))
    assert moved.size == "64x64" and "which suits" in notes[0]


def test_the_estimate_says_memory_and_why_a_cache_is_left_out(diffusion):
    told = model_fields.estimate_html(diffusion, FormValues(prompt="x", engine="diffusion", size="64x64"))
    assert "GB of RAM" in told and "time not known yet" in told and "mine" in told
    tea = FormValues(prompt="x", engine="diffusion", size="64x64", step_cache="tea")
    assert "TeaCache needs coefficients" in model_fields.estimate_html(diffusion, tea)
    assert model_fields.estimate_html(diffusion, FormValues(prompt="x", engine="local")) == ""


def test_a_lora_that_is_gone_stays_in_the_choice(diffusion):
    values = FormValues(engine="diffusion", loras=("gone.safetensors",))
    assert model_fields.lora_choices(diffusion, FULL, values, None) == [("gone (missing)", "gone.safetensors")]
    with pytest.raises(RequestError):
        model_fields.load_preset(diffusion, "never saved")


# -- the Models tab ---------------------------------------------------------------------------------------------


def test_the_list_is_grouped_searched_and_filtered(diffusion):
    everything = tab_models.table_html(diffusion)
    assert everything.index(">Video<") < everything.index(">Pictures<") < everything.index(">Language<")
    assert "No video model is installed" not in everything
    installed = tab_models.table_html(diffusion, kind="Installed")
    assert 'data-model="mine"' in installed and "Not installed" not in installed
    assert "Nothing found" in tab_models.table_html(diffusion, "zebra")
    assert 'data-model="flux.1-dev"' in tab_models.table_html(diffusion, "flux", "Pictures")
    assert "models install flux.1-dev" in everything


def actions(model: ModelStatus, studio, work: ModelWork | None = None) -> list[str]:
    return [action.name for action in tab_models.row_actions(model, work, studio)]


def test_actions_fit_the_model(studio):
    missing = ModelStatus("m", "M", ModelTask.TEXT_TO_VIDEO, False, 10, None, "MIT", "", installable=True)
    here = replace(missing, installed=True, path=studio.paths.ckpts / "m")
    assert actions(missing, studio) == ["install"]
    assert actions(replace(missing, partial_bytes=5), studio) == ["install", "delete"]
    assert actions(here, studio) == ["verify", "quantize", "delete"]
    assert actions(replace(here, path=Path("/elsewhere/m")), studio) == ["quantize"], "not ours to delete"
    assert actions(replace(here, task=ModelTask.LORA), studio) == []
    broken = replace(here, task=ModelTask.OTHER, problem="It was cut short.")
    assert actions(broken, studio) == ["verify", "delete"]
    assert actions(replace(broken, path=Path("/elsewhere/m")), studio) == []
    assert actions(here, studio, ModelWork("1", ModelAction.VERIFY, "m")) == ["cancel"]


def test_work_is_told_with_its_progress():
    work = ModelWork("1", ModelAction.INSTALL, "wan", WorkState.RUNNING, "Fetching a file", 0.42, 42_000_000,
                     100_000_000, 75.0)
    card = tab_models.work_card(work)
    for words in ("Installing", "42 %", "42 MB of 100 MB", "about 1 min 15 s left", 'data-action="cancel"'):
        assert words in card
    failed = tab_models.work_card(replace(work, state=WorkState.FAILED, message="No space <left>."))
    assert "No space &lt;left&gt;." in failed and 'data-action="dismiss"' in failed


def test_the_pulse_tells_of_work_on_models(studio):
    assert Pulse(studio).poll({})["models"] == {"states": 0, "ticks": 0}
