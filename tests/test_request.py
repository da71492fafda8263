from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.engines.base import StepRule
from wgp_core.errors import RequestError
from wgp_core.request import (
    CameraMovement,
    Cue,
    EngineChoice,
    EnhanceMode,
    LoraUse,
    OutputOptions,
    RetryPolicy,
    SceneKind,
    ScenePlan,
    Theme,
    VideoCodec,
    VideoRequest,
)

numbers = st.floats(0, 50, allow_nan=False)
scenes = st.builds(ScenePlan, title=st.text(), kind=st.sampled_from(SceneKind), narration=st.text(),
                   camera=st.sampled_from(CameraMovement), seconds=st.none() | st.floats(1, 100),
                   cues=st.lists(st.builds(Cue, st.text(), st.text(), st.none() | st.integers(1, 999)), max_size=2)
                   .map(tuple))
requests = st.builds(
    VideoRequest, prompt=st.text(), negative_prompt=st.text(), engine=st.sampled_from(EngineChoice),
    model=st.none() | st.text(), width=st.none() | st.integers(16, 4000), height=st.none() | st.integers(16, 4000),
    seconds=st.none() | numbers, frames=st.none() | st.integers(1, 999), fps=st.none() | st.integers(1, 120),
    guidance=st.none() | numbers, seed=st.integers(-1, 2**32 - 1), camera=st.sampled_from(CameraMovement),
    enhance=st.sampled_from(EnhanceMode), plan=st.lists(scenes, max_size=3).map(tuple), theme=st.sampled_from(Theme),
    start_image=st.none() | st.just(Path("/a/b.png")), captions=st.booleans(),
    loras=st.lists(st.builds(LoraUse, st.just(Path("x.safetensors")), st.text()), max_size=2).map(tuple),
    retry=st.builds(RetryPolicy, on_black=st.booleans(), guidance=st.none() | numbers),
    output=st.builds(OutputOptions, codec=st.sampled_from(VideoCodec), crf=st.none() | st.integers(0, 51)))


@given(requests)
def test_json_round_trip(request: VideoRequest) -> None:
    assert VideoRequest.from_json(request.to_json()) == request


def test_unknown_keys_are_refused_by_name() -> None:
    with pytest.raises(RequestError, match=r"Unknown keys in the request: plan\.0\.shape, promt"):
        VideoRequest.from_dict({"prompt": "x", "promt": "y", "plan": [{"title": "a", "shape": 1}]})


@pytest.mark.parametrize(("data", "words"), [
    ({"prompt": "x", "width": "wide"}, "width"),
    ({"prompt": "x", "engine": "warp"}, "'auto', 'local', 'diffusion' or 'remote'"),
    ({"prompt": "x", "fps": 2.5}, "fps"),
    ({}, "lacks prompt"),
    ({"prompt": "x", "version": 99}, "newer version"),
])
def test_wrong_values_name_their_field(data: dict, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        VideoRequest.from_dict(data)


@pytest.mark.parametrize("text", ["", "[1]", "nonsense", '"x"'])
def test_what_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(RequestError):
        VideoRequest.from_json(text)


@pytest.mark.parametrize(("changes", "field"), [
    ({"prompt": "   "}, "prompt"),
    ({"prompt": "x" * 9000}, "prompt"),
    ({"seconds": 2.0, "frames": 20}, "seconds"),
    ({"window_frames": 17, "window_overlap": 17}, "window_overlap"),
    ({"width": 640}, "width"),
    ({"width": 8, "height": 64}, "width"),
    ({"seed": -2}, "seed"),
    ({"steps": 0}, "steps"),
    ({"guidance": 99.0}, "guidance"),
    ({"output": OutputOptions(crf=99)}, "output.crf"),
    ({"plan": (ScenePlan("a", seconds=0.01),)}, "plan.0.seconds"),
])
def test_what_no_engine_takes_is_refused(changes: dict, field: str) -> None:
    with pytest.raises(RequestError) as caught:
        VideoRequest(**{"prompt": "x", **changes}).check()
    assert caught.value.field == field


@given(low=st.integers(1, 200), span=st.integers(0, 500), step=st.integers(1, 32), value=st.floats(-50, 900),
       data=st.data())
def test_the_nearest_allowed_number_is_allowed_and_nearest(low, span, step, value, data) -> None:
    offset = data.draw(st.integers(0, step - 1))
    rule = StepRule(low, low + span, step, offset)
    allowed = [n for n in range(low, low + span + 1) if rule.fits(n)]
    if allowed:
        nearest = rule.nearest(value)
        assert nearest in allowed
        assert abs(nearest - value) <= min(abs(n - value) for n in allowed) + 1e-9
