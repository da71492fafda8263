"""The form and the request say the same, and the form shows what an engine makes of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import FakeEngine
from ui import filling, form
from ui.form import CUSTOM, NAMES, FormValues
from wgp_core.engines.base import Availability
from wgp_core.engines.explainer.spec import SPEC as LOCAL
from wgp_core.engines.registry import EngineRegistry
from wgp_core.errors import RequestError
from wgp_core.request import (
    CameraMovement,
    EngineChoice,
    LoraUse,
    OutputOptions,
    RetryPolicy,
    ScenePlan,
    Theme,
    VideoCodec,
    VideoRequest,
)
from wgp_core.settings import Settings

DIFFUSION = FakeEngine().spec
NOT_READY = Availability(False, "No weights are installed.", "Install some.")


def engines(ready: Availability = NOT_READY) -> EngineRegistry:
    return EngineRegistry([FakeEngine(EngineChoice.LOCAL, id="local"), FakeEngine(ready=ready, id="toy")])


def test_a_request_comes_back_from_the_form_unchanged(tmp_path: Path):
    image = tmp_path / "start.png"
    image.write_bytes(b"x")
    request = VideoRequest(
        prompt="a topic", engine=EngineChoice.LOCAL, width=854, height=480, seconds=6, fps=24, seed=12,
        start_image=image, camera=CameraMovement.ORBIT, theme=Theme.LIGHT, captions=False,
        plan=(ScenePlan("One", seconds=3),), loras=(LoraUse(Path("style.safetensors")),),
        retry=RetryPolicy(on_black=False),
        output=OutputOptions(codec=VideoCodec.H265, crf=30, snapshots=2, subtitles=True))
    values = FormValues.from_request(request, LOCAL)
    assert values.size == "854x480"
    assert values.to_request(LOCAL) == request


def test_every_field_of_the_request_is_in_the_form_or_carried():
    shown = set(NAMES) | {"output", "version"} | set(form.CARRIED)
    assert set(VideoRequest.__dataclass_fields__) <= shown


def test_values_that_an_engine_does_not_use_stay_out_of_the_request():
    values = FormValues(prompt="x", steps=30, guidance=7.5, flow_shift=3, negative_prompt="blur", start_image="/a.png")
    local, diffusion = values.to_request(LOCAL), values.to_request(DIFFUSION)
    assert (local.steps, local.guidance, local.negative_prompt) == (None, None, "")
    assert (diffusion.steps, diffusion.guidance, diffusion.flow_shift) == (30, 7.5, None)


def test_frames_win_over_seconds_in_the_form():
    request = FormValues(prompt="x", seconds=8, frames=33).to_request(LOCAL)
    assert (request.frames, request.seconds) == (33, None)


@pytest.mark.parametrize("frames, fps, seconds, shown", [(240, 30, 8.0, None), (81, 16, 5.062, None)])
def test_frames_of_an_effective_request_become_seconds_where_that_says_the_same(frames, fps, seconds, shown):
    values = FormValues.from_request(VideoRequest(prompt="x", frames=frames, fps=fps), LOCAL)
    assert (values.seconds, values.frames) == (seconds, shown)
    assert LOCAL.frames.nearest(values.seconds * fps) == frames


def test_a_size_without_preset_is_a_custom_size():
    values = FormValues.from_request(VideoRequest(prompt="x", width=500, height=302), LOCAL)
    assert (values.size, values.width, values.height) == (CUSTOM, 500, 302)
    assert (values.to_request(LOCAL).width, values.to_request(LOCAL).height) == (500, 302)


def test_what_the_browser_kept_is_checked():
    values = FormValues(prompt="kept", seed=5, steps=12)
    assert FormValues.from_saved(json.loads(json.dumps(values.to_saved()))) == values
    assert FormValues.from_saved(None) is None
    assert FormValues.from_saved({"prompt": "x", "of_another_version": 1}) is None
    assert FormValues.from_saved({"prompt": "x", "seed": {"path": "?"}}) == FormValues(prompt="x")


def test_broken_carried_settings_are_refused_with_a_way_out():
    with pytest.raises(RequestError, match="Reset form"):
        FormValues(prompt="x", carried="{").to_request(LOCAL)
    with pytest.raises(RequestError):
        FormValues(prompt="x", carried='{"prompt": "smuggled"}').to_request(LOCAL)


def test_a_fresh_form_follows_the_settings():
    settings = Settings(engine="local", video_theme="light", codec="h265", crf=30, snapshots=3, retry_on_black=False)
    values = form.defaults(settings, LOCAL)
    assert (values.theme, values.engine) == ("light", "local")
    assert (values.codec, values.crf, values.snapshots) == ("h265", 30, 3)
    request = form.with_rules(replace(values, prompt="x").to_request(LOCAL), settings, values.carried)
    assert request.retry == RetryPolicy(on_black=False)


def test_loaded_retry_rules_win_over_the_settings():
    loaded = VideoRequest(prompt="x", fallback_local_on_fail=False)
    values = FormValues.from_request(loaded, LOCAL)
    request = form.with_rules(values.to_request(LOCAL), Settings(), values.carried)
    assert request.fallback_local_on_fail is False


def test_automatic_takes_the_rules_of_what_can_run_here():
    assert form.effective_spec(engines(), "auto").choice is EngineChoice.LOCAL
    assert form.effective_spec(engines(Availability(True)), "auto").choice is EngineChoice.DIFFUSION
    assert form.effective_spec(engines(), "diffusion").choice is EngineChoice.DIFFUSION
    assert form.effective_spec(engines(Availability(True)), "local").choice is EngineChoice.LOCAL


def test_hints_say_why():
    assert "no diffusion model" in form.engine_hint(EngineRegistry([FakeEngine(EngineChoice.LOCAL)]), "auto")
    assert "No weights are installed" in form.engine_hint(engines(), "diffusion")
    assert form.hidden_hint(LOCAL) == ("Not shown, because the local engine does not use it: negative prompt, steps, "
                                       "guidance, flow shift.")
    assert "steps" not in form.hidden_hint(DIFFUSION)


def test_carried_settings_are_named():
    request = VideoRequest(prompt="x", plan=(ScenePlan("One"),), loras=(LoraUse(Path("a")),))
    assert form.carried_words(FormValues.from_request(request, LOCAL).carried) == "LoRAs"
    assert form.carried_words(FormValues.from_request(VideoRequest(prompt="x"), LOCAL).carried) == ""


def test_sizes_and_frames_snap_with_a_note_for_each(studio):
    moved, notes = filling.snapped_values(studio, FormValues(size=CUSTOM, width=321, height=100, fps=4, seconds=500))
    assert (moved.width, moved.height, moved.fps, moved.seconds) == (322, 240, 8, 180)
    assert len(notes) == 4
    assert notes[0].startswith("width 321 became 322")
    assert moved.prompt == ""


def test_only_what_changed_is_sent_back(studio):
    """A slow answer must not overwrite what was typed meanwhile."""
    shown = FormValues(prompt="typed", size=CUSTOM, width=321, height=240)
    moved, _ = filling.snapped_values(studio, shown)
    updates = dict(zip(NAMES, filling.fill(studio, moved, shown=shown), strict=False))
    assert updates["width"]["value"] == 322
    assert "value" not in updates["prompt"] and "value" not in updates["height"]


def test_many_prompts_make_many_requests_and_bad_ones_say_why(studio):
    text = "first\nsecond\n\n# not this\nthird"
    assert len(filling.requests_of(studio, FormValues(prompt=text, many="line"))[0]) == 3
    assert len(filling.requests_of(studio, FormValues(prompt=text, many="paragraph"))[0]) == 2
    assert len(filling.requests_of(studio, FormValues(prompt=text))[0]) == 1
    macro = '! {A}="cat","dog"\nA {A} walks'
    requests, _ = filling.requests_of(studio, FormValues(prompt=macro))
    assert [request.prompt for request in requests] == ["A cat walks", "A dog walks"]
    with pytest.raises(RequestError, match="The prompt is empty"):
        filling.requests_of(studio, FormValues(prompt="  "))


def test_a_stray_file_has_no_settings(tmp_path, studio):
    picture = tmp_path / "p.png"
    from PIL import Image

    Image.new("RGB", (8, 8)).save(picture)
    with pytest.raises(RequestError, match=r"p\.png carries no settings"):
        filling.request_in(picture)
