"""Plans as files, and the prompts that diffusion models get for their scenes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.errors import RequestError
from wgp_core.planning.brief import Framework, Look, PlanBrief
from wgp_core.planning.plan_file import parse_plan, read_plan, save_plan
from wgp_core.planning.scene_prompts import LOOKS, scene_prompts
from wgp_core.request import CameraMovement, Cue, SceneKind, ScenePlan

SCENES = (ScenePlan("Refraction", SceneKind.TITLE, seconds=3.0, camera=CameraMovement.PUSH_IN),
          ScenePlan("The idea", SceneKind.DEFINITION, "Intuition", "Light bends in glass (p. 12).",
                    "Refraction | a change of direction", seconds=5.5, cues=(Cue("Light bends.", "Optics.pdf", 3),)),
          ScenePlan("The law", SceneKind.FORMULA, narration="The law is $n = \\sin a / \\sin b$ for two angles.",
                    visual="$n = \\sin a / \\sin b$\nn | the index", seconds=4.0))
BRIEF = PlanBrief("refraction", framework=Framework.PAS, look=Look.WHITEBOARD, seconds=12.5, scenes=3)


def test_what_is_saved_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "plans" / "light.json"
    save_plan(path, BRIEF, SCENES)
    kept = read_plan(path)
    assert kept.scenes == SCENES and kept.brief == BRIEF
    assert [file.name for file in path.parent.iterdir()] == ["light.json"]


def test_bare_lists_and_requests_are_read_too() -> None:
    assert parse_plan('[{"title": "A"}]').scenes == (ScenePlan("A"),)
    assert parse_plan('{"prompt": "x", "plan": [{"title": "A", "kind": "steps"}]}').scenes[0].kind is SceneKind.STEPS


@pytest.mark.parametrize(("data", "said"), [
    ({"scenes": []}, "at least one scene"), ({"brief": {}}, "no scenes"), ("text", "at least one scene"),
    ({"scenes": ["A"]}, "scene 1"), ({"scenes": [{"title": "A"}, {"titel": "B"}]}, "scene 2: Unknown key"),
    ({"scenes": [{"title": "A", "kind": "film"}]}, "scene 1: "), ({"scenes": [{"narration": "B"}]}, "lacks"),
    ({"scenes": [{"title": "A", "seconds": 9999}]}, "9999"), ({"scenes": [{"title": "A"}], "colour": 1}, "colour"),
    ({"scenes": [{"title": "A"}], "brief": {"topic": "x", "framework": "abc"}}, "framework 'abc'"),
    ({"scenes": [{"title": "A"}], "brief": {"topic": "x", "seconds": "long"}}, "seconds"),
    ({"scenes": [{"title": "A"}], "brief": []}, "brief")])
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, data: Any, said: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(RequestError) as caught:
        read_plan(path)
    assert "plan.json" in caught.value.message and said in caught.value.message


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no plan at"):
        read_plan(tmp_path / "gone.json")
    (tmp_path / "bad.json").write_bytes(b"\xff\xfe{")
    with pytest.raises(RequestError, match=r"bad\.json"):
        read_plan(tmp_path / "bad.json")
    with pytest.raises(RequestError, match="not valid JSON"):
        parse_plan("{", "it")
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match="cannot be written"):
        save_plan(tmp_path / "file" / "plan.json", None, SCENES)


@given(st.recursive(st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["scenes", "brief", "plan", "title", "kind", "cues", "topic", "x"]), inner,
                        max_size=4), max_leaves=12))
def test_any_json_is_a_plan_or_a_request_error(data: Any) -> None:
    try:
        assert parse_plan(json.dumps(data)).scenes
    except RequestError as error:
        assert error.message


# -- prompts --------------------------------------------------------------------------------------------------------


def test_a_prompt_a_scene_that_belong_together() -> None:
    prompts = scene_prompts(SCENES, BRIEF)
    assert len(prompts) == 3 and len(set(prompts)) == 3
    assert all("efraction" in prompt and LOOKS[Look.WHITEBOARD].style[5:] in prompt for prompt in prompts)
    assert all("same colours" in prompt for prompt in prompts)
    assert "pushes in" in prompts[0] and "static camera" in prompts[1].lower()
    assert "scene before" not in prompts[0] and "scene before" in prompts[1]


def test_no_notation_no_formula_and_no_page_gets_into_a_prompt() -> None:
    for prompt in scene_prompts(SCENES, BRIEF):
        assert not re.search(r"[|$\\=]|\bp\.|\b12\b|Optics", prompt), prompt
        assert len(prompt.split()) <= 75


def test_a_style_and_a_description_of_ones_own_are_used() -> None:
    scene = ScenePlan("Rays", visual="A beam of light enters a glass block from the left.", narration="Something else.")
    prompt = scene_prompts([scene], BRIEF, style="watercolour on rough paper")[0]
    assert "beam of light enters a glass block" in prompt and "Watercolour" not in prompt.split(".")[0]
    assert "watercolour on rough paper" in prompt and "whiteboard" not in prompt and "Something" not in prompt


def test_what_a_scene_says_of_colours_and_place_stands_against_no_look() -> None:
    scenes = [ScenePlan("Rockets", SceneKind.TITLE, visual="What are rockets?"),
              ScenePlan("The idea", narration="Gas pushes the rocket with the same force."),
              ScenePlan("Flight", narration="Does it stop? At night a red rocket moves up among the stars."),
              ScenePlan("Ovens", narration="A toaster glows in front of a gray wall.")]
    opening, idea, flight, ovens = scene_prompts(scenes, replace(BRIEF, topic="rockets", look=Look.INFOGRAPHIC))
    assert "red rocket moves up" in opening and "What are" not in opening and "Does it" not in flight
    assert "white background, two accent colours" in idea and "same light" in idea
    for prompt in (opening, flight, ovens):
        assert not re.search("white background|accent|same light", prompt) and "same style" in prompt
    described = replace(scenes[0], visual="A launch pad seen from above.")
    assert "launch pad" in scene_prompts([described, *scenes[1:]])[0]


def test_prompts_need_no_brief() -> None:
    assert scene_prompts([ScenePlan("")], None) and scene_prompts((), None) == ()
    assert "Tides" in scene_prompts([ScenePlan("The moon")], topic="tides")[0]


def test_a_prompt_shows_the_sentence_of_which_most_can_be_seen() -> None:
    said = "A rocket rises because gas leaves it. At night a red rocket moves up among the stars. Then it slows."
    prompt = scene_prompts([ScenePlan("Rockets", narration=said)], topic="rockets")[0]
    assert "At night a red rocket moves up among the stars" in prompt and "because gas" not in prompt
    law = ScenePlan("Law", narration="Force is mass times acceleration. It has a unit.")
    dry = scene_prompts([law], topic="law")[0]
    assert "Force is mass times acceleration" in dry


def test_planning_loads_no_model_library() -> None:
    code = ("import sys, wgp_core.planning.llm, wgp_core.planning.scene_prompts, wgp_core.planning.plan_file\n"
            "print([name for name in ('torch', 'transformers', 'matplotlib', 'gradio') if name in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
