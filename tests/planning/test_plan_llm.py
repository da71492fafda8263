"""Plans by language models: a real small one that talks nonsense, and a server whose answers are good, bad or loose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from language_toys import write_toy_llm
from prompts.chat_server import Chat, serving

from wgp_core.engines.base import RuntimeOptions
from wgp_core.errors import Cancelled
from wgp_core.events import CancelToken
from wgp_core.paths import Paths
from wgp_core.planning.answers import read_questions, read_scenes
from wgp_core.planning.brief import PlanBrief
from wgp_core.planning.llm import messages_for, plan_with_llm, supporting
from wgp_core.prompts.enhancement import Provider
from wgp_core.prompts.llm.choice import open_model
from wgp_core.prompts.llm.openai_compatible import OpenAIModel
from wgp_core.request import Cue, SceneKind
from wgp_core.settings import Settings

CUES = (Cue("Refraction is the change of direction of light when it enters another material.", "Optics.pdf", 3),
        Cue("Light bends towards the perpendicular because it becomes slower in glass.", "Optics.pdf", 4),
        Cue("Water has a refractive index of 1.33, and diamond has one of 2.42.", "Optics.pdf", 5))
BRIEF = PlanBrief("refraction", seconds=24)


def scene(title: str, narration: str, *cues: int, **more: Any) -> dict[str, Any]:
    return {"title": title, "kind": "auto", "narration": narration, "visual": "A ray meets water.",
            "camera": "static", "cues": list(cues), **more}


GOOD = [scene("Refraction", "What makes a straw look broken?", kind="title"),
        scene("The idea", "Refraction is the change of direction of light when it enters another material.", 1),
        scene("Why it bends", "Light bends because it becomes slower in glass.", 2),
        scene("In numbers", "Water has a refractive index of 1.33.", 3, camera="push-in")]


@pytest.fixture
def chat() -> Iterator[Chat]:
    with serving(Chat(answer=json.dumps(GOOD))) as server:
        yield server


@pytest.fixture
def model(chat: Chat) -> OpenAIModel:
    return OpenAIModel("small-chat", base_url=chat.url, timeout_s=20)


def test_a_good_answer_becomes_the_plan(chat: Chat, model: OpenAIModel) -> None:
    planned = plan_with_llm(BRIEF, CUES, model)
    assert planned.planner == "small-chat" and planned.warnings == () and planned.repaired == ()
    assert [each.title for each in planned.scenes] == ["Refraction", "The idea", "Why it bends", "In numbers"]
    assert [each.cues for each in planned.scenes] == [(), (CUES[0],), (CUES[1],), (CUES[2],)]
    assert sum(each.seconds or 0 for each in planned.scenes) == pytest.approx(24)
    assert planned.scenes[1].kind is SceneKind.DEFINITION and "Refraction |" in planned.scenes[1].visual
    assert len(chat.asked) == 1
    asked = chat.asked[0]["messages"][1]["content"]
    assert all(cue.text in asked for cue in CUES) and "Topic: refraction" in asked


def test_a_sentence_that_no_statement_supports_is_sent_back_and_then_left_out(chat: Chat, model: OpenAIModel) -> None:
    loose = "Newton discovered refraction in 1666 by looking at butterflies."
    chat.answer = json.dumps([GOOD[1], scene("Why", f"Light becomes slower in glass. {loose}", 2)])
    planned = plan_with_llm(BRIEF, CUES, model)
    assert len(chat.asked) == 2 and "no statement says" in chat.asked[1]["messages"][1]["content"]
    assert "butterflies" not in json.dumps([each.narration for each in planned.scenes])
    assert any("butterflies" in note for note in planned.repaired)
    assert planned.planner == "small-chat" and planned.scenes[1].narration == "Light becomes slower in glass."


@pytest.mark.parametrize("answer", ["I cannot do that.", "[]", "[{\"title\": 3}]", "{not json", "[1, 2, 3]"])
def test_an_answer_that_is_no_plan_is_replaced_by_the_rules(chat: Chat, model: OpenAIModel, answer: str) -> None:
    chat.answer = answer
    planned = plan_with_llm(BRIEF, CUES, model)
    assert planned.planner == "rules" and planned.grounded
    assert "small-chat" in planned.warnings[0] and "rules" in planned.warnings[0]


def test_a_server_that_fails_is_replaced_by_the_rules(chat: Chat, model: OpenAIModel) -> None:
    chat.fail = [(400, "no")] * 5
    planned = plan_with_llm(BRIEF, CUES, model)
    assert planned.planner == "rules" and "400" in planned.warnings[0]


def test_invented_citations_and_kinds_are_mended(chat: Chat, model: OpenAIModel) -> None:
    chat.answer = "```json\n" + json.dumps({"scenes": [
        scene("Idea", "Refraction is the change of direction of light.", 9, kind="wow", camera="spiral"),
        scene("Nothing", "Bananas are yellow and grow in warm countries.")]}) + "\n```"
    planned = plan_with_llm(BRIEF, CUES, model)
    assert planned.planner == "small-chat" and len(planned.scenes) == 1
    assert planned.scenes[0].cues == (CUES[0],)
    assert any("Nothing" in note for note in planned.repaired)


def test_an_answer_that_breaks_off_keeps_the_whole_scenes(chat: Chat, model: OpenAIModel) -> None:
    chat.answer = json.dumps(GOOD)[:-60]
    planned = plan_with_llm(BRIEF, CUES, model)
    assert [each.title for each in planned.scenes] == ["Refraction", "The idea", "Why it bends"]


def test_without_cues_the_plan_says_that_nothing_was_checked(chat: Chat, model: OpenAIModel) -> None:
    chat.answer = json.dumps([scene("Idea", "Light bends in water.", visual="A straw in a glass of water.")])
    planned = plan_with_llm(BRIEF, (), model)
    assert planned.planner == "small-chat" and "not checked" in planned.warnings[0] and not planned.grounded
    assert planned.scenes[0].visual == "A straw in a glass of water." and planned.scenes[0].kind is SceneKind.AUTO


def test_each_statement_is_cited_once_but_for_the_last_scene(chat: Chat, model: OpenAIModel) -> None:
    chat.answer = json.dumps([GOOD[1], scene("Again", CUES[0].text, 1), scene("Recap", CUES[0].text, 1)])
    planned = plan_with_llm(BRIEF, CUES, model)
    assert [each.title for each in planned.scenes] == ["The idea", "Recap"]


def test_a_cancel_ends_it(chat: Chat, model: OpenAIModel) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        plan_with_llm(BRIEF, CUES, model, cancel=cancel)


def test_a_real_model_that_talks_nonsense_is_replaced_by_the_rules(paths: Paths, tmp_path: Path) -> None:
    folder = write_toy_llm(tmp_path / "toy")
    model = open_model(Provider.LOCAL, str(folder), paths, Settings(), RuntimeOptions(device="cpu"))
    try:
        planned = plan_with_llm(PlanBrief("refraction", seconds=6, scenes=1), CUES[:1], model)
    finally:
        model.close()
    assert planned.planner == "rules" and planned.scenes[0].cues == CUES[:1]
    assert planned.warnings and model.name in planned.warnings[0]


# -- answers --------------------------------------------------------------------------------------------------------


def test_faults_of_an_answer_are_named() -> None:
    found = read_scenes(json.dumps([{"title": "A", "narration": 3, "kind": "x", "cues": [7, "2"]}]), 2)
    assert found.scenes[0].cues == (2,)
    said = " ".join(found.problems)
    assert all(part in said for part in ("narration that is no text", "no narration", "kind 'x'", "statement 7"))


def test_thoughts_and_trailing_commas_do_not_matter() -> None:
    found = read_scenes('<think>{"title": "no"}</think>Here: [{"title": "A", "narration": "B.",},]', 0)
    assert [each.title for each in found.scenes] == ["A"] and found.problems == ()


def test_questions_are_read_from_json_or_lines() -> None:
    assert read_questions('["What is erosion?", "no question", 3]') == ("What is erosion?",)
    assert read_questions("1. What is erosion?\n2. How does it work?\nBye.") == (
        "What is erosion?", "How does it work?")
    assert read_questions("nothing") == ()


@pytest.mark.parametrize(("sentence", "count"), [
    ("Light becomes slower in glass.", 1), ("Water has an index of 1.33.", 1), ("Water has an index of 1.5.", 0),
    ("Newton found that light becomes slower in glass.", 1), ("They say Newton found that light becomes slow.", 0),
    ("Refraction bends light, and diamond has an index of 2.42.", 2), ("Cats sleep.", 0)])
def test_support_needs_words_numbers_and_names(sentence: str, count: int) -> None:
    assert bool(supporting(sentence, CUES)) == bool(count)


def test_the_messages_say_what_may_be_said() -> None:
    system, user = messages_for(BRIEF, CUES)
    assert "JSON array" in system and "Say nothing that the statements do not say" in system
    assert "3. Water has" in user and "24 seconds" in user
    assert "always []" in messages_for(BRIEF, ())[0]
