"""From requests to scenes and frames: plans followed, time shared exactly, nothing dropped without a word."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from wgp_core.engines.explainer.compose import compose, notes_for, place_of, plan_for, schedule, topic_for
from wgp_core.engines.explainer.pages.cards import Definition, Summary, TitleCard
from wgp_core.engines.explainer.pages.concept_map import ConceptMap
from wgp_core.engines.explainer.pages.lists import Comparison, Steps, Timeline
from wgp_core.engines.explainer.pages.parts import Page
from wgp_core.engines.explainer.pages.picture import Picture
from wgp_core.errors import RequestError
from wgp_core.request import Cue, SceneKind, ScenePlan, VideoRequest

TEXT = (
    "Photosynthesis is the process by which plants make food from sunlight. Chlorophyll absorbs light energy. "
    "First water is split, then carriers are charged, and finally sugar is built. Oxygen is released while carbon "
    "dioxide is absorbed. Leaves need water because light splits it."
)


def planned(prompt: str, seconds: float, **fields: object) -> tuple[ScenePlan, ...]:
    return plan_for(VideoRequest(prompt, **fields), seconds)  # type: ignore[arg-type]


def scenes_of(request: VideoRequest, seconds: float) -> list[object]:
    return list(compose(plan_for(request, seconds), topic_for(request, seconds)))


# -- how many scenes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prompt", ["gradient descent", "photosynthesis", TEXT, "a cat on a beach", "漢字", "$5"])
@pytest.mark.parametrize("seconds", [0.5, 1, 6, 12, 30, 120])
def test_the_seconds_add_up_and_every_scene_has_some(prompt: str, seconds: float) -> None:
    plan = planned(prompt, seconds)
    assert sum(scene.seconds or 0 for scene in plan) == pytest.approx(seconds, abs=0.02)
    assert all(scene.seconds and scene.seconds > 0.3 for scene in plan)


@pytest.mark.parametrize(("seconds", "least", "most"), [(1, 1, 1), (3, 1, 1), (6, 2, 2), (60, 4, 12)])
def test_longer_videos_have_more_scenes(seconds: float, least: int, most: int) -> None:
    assert least <= len(planned("gradient descent", seconds)) <= most
    assert len(planned("photosynthesis", seconds)) <= 2


def test_a_title_comes_from_ten_seconds_and_a_summary_from_twenty() -> None:
    assert planned(TEXT, 8)[0].kind is not SceneKind.TITLE
    assert planned(TEXT, 12)[0].kind is SceneKind.TITLE
    assert planned(TEXT, 45)[-1].kind is SceneKind.SUMMARY
    assert planned(TEXT, 18)[-1].kind is not SceneKind.SUMMARY
    assert planned("gradient descent", 40)[0].kind is SceneKind.TITLE


def test_what_is_left_out_is_said() -> None:
    request = VideoRequest(TEXT)
    slots = schedule(compose(plan_for(request, 8), topic_for(request, 8)), 8 * 24, 24)
    assert any("left out" in note for note in notes_for(slots, 24))
    slots = schedule(compose(plan_for(request, 60), topic_for(request, 60)), 60 * 24, 24)
    assert not any("left out" in note for note in notes_for(slots, 24))


def test_a_long_list_in_a_short_time_shows_that_there_is_more() -> None:
    request = VideoRequest(
        "To do it:\n" + "\n".join(f"{i}. do the thing that has the number {i}" for i in range(1, 7))
    )
    (scene,) = compose(plan_for(request, 3), topic_for(request, 3))
    assert isinstance(scene, Steps) and scene.more > 0 and len(scene.items) + scene.more == 6


# -- subjects -----------------------------------------------------------------------------------------------------


def test_a_known_subject_becomes_its_own_scenes_rebuilt_exactly() -> None:
    request = VideoRequest("gradient descent with learning rate 0.3", seed=5)
    plan = plan_for(request, 8)
    assert all(scene.kind is SceneKind.SUBJECT and scene.visual.startswith("gradient-descent#") for scene in plan)
    first = compose(plan, topic_for(request, 8))
    second = compose(plan, topic_for(request, 8))
    assert first == second
    assert getattr(first[0], "rate", None) == pytest.approx(0.3)


def test_a_place_names_a_subject_and_a_scene() -> None:
    found = place_of(ScenePlan("x", visual="gradient-descent#1"))
    assert found and found[0].id == "gradient-descent" and found[1] == 1
    assert place_of(ScenePlan("x", visual="gradient-descent")) is not None
    assert place_of(ScenePlan("x", visual="no-such-thing#1")) is None
    assert place_of(ScenePlan("x", visual="a ball rolls down")) is None


# -- plans --------------------------------------------------------------------------------------------------------


def test_a_plan_is_followed_scene_by_scene() -> None:
    plan = (
        ScenePlan("Cells", SceneKind.TITLE, seconds=2),
        ScenePlan(
            "Facts", cues=(Cue("Cells live in all of us.", "Alberts", 3), Cue("Cells divide in two.", "Alberts", 9))
        ),
        ScenePlan("A or B", SceneKind.COMPARISON, visual="A | B\nx | y", narration="Both have merits."),
        ScenePlan("How", SceneKind.STEPS, narration="First it grows. Then it splits. Finally there are two."),
        ScenePlan("When", SceneKind.TIMELINE, visual="1665: seen\n1839: explained"),
        ScenePlan("What", SceneKind.DEFINITION, narration="A cell is the smallest unit of life that we know of."),
        ScenePlan("Web", SceneKind.CONCEPT_MAP, visual="a -> b"),
        ScenePlan("Downhill", SceneKind.SUBJECT, visual="gradient descent"),
        ScenePlan("More downhill", SceneKind.SUBJECT, visual="gradient descent"),
    )
    request = VideoRequest("cells", plan=plan)
    out = plan_for(request, 60)
    scenes = compose(out, topic_for(request, 60))
    kinds = [TitleCard, Summary, Comparison, Steps, Timeline, Definition, ConceptMap]
    assert [type(scene) for scene in scenes[:7]] == kinds
    assert [scene.title for scene in scenes[1:]] == [scene.title for scene in plan[1:]]
    assert [scene.visual for scene in out[7:]] == ["gradient-descent#0", "gradient-descent#1"]
    assert scenes[1].source == "Alberts, p. 3, 9"
    assert scenes[2].narration == "Both have merits."
    assert isinstance(scenes[3], Steps) and scenes[3].items == ("It grows", "It splits", "There are two")
    assert isinstance(scenes[5], Definition) and scenes[5].term == "Cell"


def test_a_plan_keeps_the_share_of_its_seconds() -> None:
    plan = tuple(ScenePlan(name, SceneKind.TITLE, seconds=s) for name, s in (("a", 1), ("b", 3)))
    out = plan_for(VideoRequest("x", plan=plan), 8)
    assert [scene.seconds for scene in out] == [2, 6]


def test_planning_a_plan_again_changes_nothing() -> None:
    request = VideoRequest(TEXT)
    once = plan_for(request, 40)
    again = plan_for(request.with_(plan=once), 40)
    assert [(s.title, s.kind, s.visual, s.narration) for s in again] == [
        (s.title, s.kind, s.visual, s.narration) for s in once
    ]
    assert compose(once, topic_for(request, 40)) == compose(again, topic_for(request, 40))


@pytest.mark.parametrize("kind", list(SceneKind))
@pytest.mark.parametrize(
    "text", ["", "one", "Cells divide. They grow in 1900. Then they rest.", "$x$", "漢字", "- a\n- b"]
)
def test_every_kind_takes_every_text(kind: SceneKind, text: str) -> None:
    plan = (ScenePlan(text or "Title", kind, narration=text), ScenePlan("T", kind, visual=text), ScenePlan("", kind))
    request = VideoRequest("x", plan=plan)
    assert len(scenes_of(request, 12)) == 3


# -- pictures -----------------------------------------------------------------------------------------------------


def test_a_start_image_opens_the_video(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30), "red").save(path)
    request = VideoRequest(TEXT)
    plan = plan_for(request, 12)
    scenes = compose(plan, topic_for(request, 12), start_image=path)
    assert isinstance(scenes[0], Picture) and scenes[0].caption == "Photosynthesis"
    assert not any(isinstance(scene, TitleCard) for scene in scenes)
    assert len(compose(plan_for(request, 3), topic_for(request, 3), start_image=path)) == 2


def test_a_start_image_that_is_none_is_refused_before_anything_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_text("hello")
    request = VideoRequest(TEXT)
    with pytest.raises(RequestError, match=r"a\.png"):
        compose(plan_for(request, 6), topic_for(request, 6), start_image=path)
    with pytest.raises(RequestError, match="missing"):
        compose(plan_for(request, 6), topic_for(request, 6), start_image=tmp_path / "missing.png")


# -- frames -------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0.0, 50), min_size=1, max_size=12), st.integers(1, 500))
def test_frames_are_shared_exactly(weights: list[float], total: int) -> None:
    slots = schedule([Page_(weight) for weight in weights], total, 24)
    assert sum(slot.frames for slot in slots) == total
    assert all(slot.frames >= 1 for slot in slots)
    at = 0
    for slot in slots:
        assert slot.first_frame == at
        at += slot.frames


def Page_(weight: float) -> Summary:
    return Summary("s", items=("a",), weight=weight)


def test_a_scene_that_is_too_short_to_be_read_is_told() -> None:
    long = Summary("Long", items=("word " * 80,))
    (slot,) = schedule([long], 24, 24)
    assert any("reading it takes" in note for note in notes_for([slot], 24))
    assert isinstance(long, Page)


def test_planning_a_text_loads_no_torch() -> None:
    code = (
        "import sys; from wgp_core.engines.explainer import compose, chooser; "
        "print([m for m in ('torch', 'transformers') if m in sys.modules], 'matplotlib' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[] False"
