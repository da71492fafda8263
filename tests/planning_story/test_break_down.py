"""Stories by every provider: rules, a small model that chooses, a strong one behind a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_toys import write_toy_llm
from prompts.chat_server import Chat, serving

from wgp_core.engines.base import RuntimeOptions
from wgp_core.errors import Cancelled, RequestError
from wgp_core.events import CancelToken
from wgp_core.paths import Paths
from wgp_core.planning.story.beats import ANY, OF_DEED, OF_THINGS, SPARE
from wgp_core.planning.story.board import Bible, Board, Character, Place, StoryScene
from wgp_core.planning.story.break_down import Writers, break_down, broken_down
from wgp_core.planning.story.frame_prompts import BUDGET, frame_prompt, motion_prompt
from wgp_core.planning.story.grammar import plan_story
from wgp_core.planning.story.llm_story import filled, parse_scenes
from wgp_core.planning.story.parts import Kind, Noun
from wgp_core.planning.story.rules import check
from wgp_core.planning.story.sentences import Roles, beat_sentence
from wgp_core.prompts.tokens import EstimatedCounter
from wgp_core.settings import Settings

STORY = "Aldar Kose sells a wealthy merchant a magical pot"
ALDAR = Bible((Character("Aldar Kose", "aldar_kose_man"),), style="ink and watercolour, muted")


def written(scenes: Sequence[StoryScene], **changes: dict[str, Any]) -> str:
    keys = ("frame", "description", "action", "setting", "lighting", "camera", "mood", "motion")
    return json.dumps({"scenes": [{key: getattr(scene, key) for key in keys} | changes.get(str(scene.frame), {})
                                  for scene in scenes]})


GOOD = plan_story(STORY, 8, ALDAR)


class Scripted:
    """A strong model that says what it is told."""

    name, strong = "scripted", True

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), list[str]()

    def complete(self, system: str, user: str, *, max_new_tokens: int, seed: int,
                 cancel: CancelToken | None = None) -> str:
        self.asked.append(user)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]

    def rank(self, context: str, options: Sequence[str], *, cancel: CancelToken | None = None) -> Sequence[float]:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError("the caller's own model is closed by the caller")


def holds(board: Board, bible: Bible = ALDAR, story: str = STORY) -> bool:
    return check(board.scenes, bible, story=story) == ()


def test_rules_give_a_whole_board() -> None:
    board = break_down(STORY, bible=ALDAR)
    assert (board.provider, board.model, len(board.scenes), board.repaired, board.warnings) == ("rules", "", 8, (), ())
    assert holds(board) and board.timestamp.endswith("+00:00")
    assert Board.from_dict(json.loads(json.dumps(board.to_dict()))) == board
    assert [c.name for c in board.bible.characters] == ["Aldar Kose", "wealthy merchant"]
    for scene in board.scenes:
        assert EstimatedCounter("clip").count(scene.prompt) <= BUDGET
        assert "muted" in scene.prompt or "ink" in scene.prompt
        assert ("aldar_kose_man" in scene.description) == ("aldar_kose_man" in scene.prompt)
        assert scene.negative_prompt and scene.motion and 1 < scene.seconds < 10


@pytest.mark.parametrize(("arguments", "field"), [
    ({"story": " . "}, "story"), ({"story": "x" * 30_000}, "story"), ({"count": 5}, "count"), ({"count": 11}, "count"),
    ({"count": True}, "count"), ({"provider": "magic"}, "provider")])
def test_what_cannot_be_asked_for(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestError) as error:
        break_down(**{"story": STORY, **arguments})
    assert error.value.field == field


def test_a_good_answer_is_taken_as_it_is() -> None:
    model = Scripted(f"Sure!\n```json\n{written(GOOD)}\n```\nEnjoy!")
    board = break_down(STORY, bible=ALDAR, provider="local", writers=Writers(model=model))
    assert [s.description for s in board.scenes] == [s.description for s in GOOD]
    assert (board.provider, board.model, board.repaired, len(model.asked)) == ("local", "scripted", (), 1)


def test_a_bad_answer_goes_back_once_with_the_reasons_and_is_repaired() -> None:
    bad = {"3": {"action": "He wears a red robe", "description": "He stands there in a red robe."}, "5": {"mood": ""}}
    model = Scripted(written(GOOD, **bad))
    found = broken_down(STORY, bible=ALDAR, provider="local", writers=Writers(model=model))
    assert len(model.asked) == 2
    assert "Scene 3: it speaks of clothing or looks" in model.asked[1]
    assert "Scene 5: the mood is missing" in model.asked[1]
    assert holds(found.board) and {r.frame for r in found.board.repaired} == {3, 5} and found.breaches
    assert found.board.scenes[0].description == GOOD[0].description


def test_the_second_answer_counts_where_it_is_better() -> None:
    model = Scripted("{}", written(GOOD))
    assert break_down(STORY, bible=ALDAR, provider="local", writers=Writers(model=model)).repaired == ()


def test_missing_scenes_are_the_planners() -> None:
    model = Scripted(written(GOOD[:4]))
    board = break_down(STORY, bible=ALDAR, provider="local", writers=Writers(model=model))
    assert holds(board) and len(board.scenes) == 8
    assert sum(r.rule == "missing scene" for r in board.repaired) == 4


@pytest.mark.parametrize("answer", ["", "I cannot do that.", "[]", "null", "{\"scenes\": 3}"])
def test_a_model_that_writes_nothing_costs_a_warning(answer: str) -> None:
    board = break_down(STORY, bible=ALDAR, provider="local", writers=Writers(model=Scripted(answer)))
    assert board.provider == "rules" and "wrote no scenes" in board.warnings[0] and holds(board)


@settings(max_examples=30, deadline=None)
@given(st.one_of(st.text(), st.recursive(st.none() | st.text(max_size=8) | st.floats() | st.booleans(),
                                         lambda inner: st.lists(
    inner, max_size=9) | st.dictionaries(st.sampled_from(["scenes", "description", "camera", "mood", "action",
                                                          "seconds", "x"]),
                                         inner, max_size=6), max_leaves=30).map(json.dumps)))
def test_any_answer_becomes_a_board(answer: str) -> None:
    board = break_down(STORY, bible=ALDAR, provider="local", writers=Writers(model=Scripted(answer)))
    assert holds(board) and len(board.scenes) == 8


@pytest.mark.parametrize(("answer", "count"), [
    ('{"scenes": [{"description": "a"}, {"description": "b"}]}', 2), ('[{"scene": 1, "action": "a"}]', 1),
    ('{"frames": {"1": {"description": "a"}, "2": {"description": "b"}}}', 2),
    ('{"scenes": [{"description": "a"}, {"description": "b"}, {"descri', 2),
    ('<think>{"description": "no"}</think>[{"description": "yes"}]', 1), ("no", 0),
    ('{"description": "a\nb", "camera": "x"}', 1)])
def test_answers_are_read_with_patience(answer: str, count: int) -> None:
    assert len(parse_scenes(answer)) == count


def test_gaps_are_filled_where_they_are() -> None:
    scenes, added = filled(GOOD[:2], GOOD)
    assert len(scenes) == 8 and len(added) == 6 and not {3, 7} & set(added)


@pytest.fixture
def chat() -> Iterator[Chat]:
    with serving(Chat(answer=written(GOOD))) as server:
        yield server


def test_a_server_over_real_sockets(chat: Chat, paths: Paths) -> None:
    writers = Writers(paths, Settings(openai_base_url=chat.url, openai_model="small-chat"), api_key="sk-secret")
    board = break_down(STORY, bible=ALDAR, provider="openai", writers=writers)
    assert (board.provider, board.model, board.repaired) == ("openai", "small-chat", ())
    assert chat.headers[0]["authorization"] == "Bearer sk-secret" and "sk-secret" not in repr(writers)
    assert "aldar_kose_man" in chat.asked[0]["messages"][0]["content"]
    assert STORY in chat.asked[0]["messages"][1]["content"]


def test_a_server_that_fails_costs_a_warning(chat: Chat, paths: Paths) -> None:
    chat.key = "other"
    writers = Writers(paths, Settings(openai_base_url=chat.url, openai_model="small-chat"), api_key="sk-secret")
    board = break_down(STORY, bible=ALDAR, provider="openai", writers=writers)
    assert board.provider == "rules" and holds(board)
    assert "refuses the key" in board.warnings[0] and "sk-secret" not in json.dumps(board.to_dict())


def test_without_a_key_openai_falls_back(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    board = break_down(STORY, provider="openai", writers=Writers(paths))
    assert board.provider == "rules" and "needs a key" in board.warnings[0]


def test_a_small_model_chooses_among_beats(tmp_path: Path, paths: Paths) -> None:
    folder = write_toy_llm(tmp_path / "toy")
    writers = Writers(paths, name=str(folder), runtime=RuntimeOptions(device="cpu", dtype="fp32", quantization="none"))
    board = break_down(STORY, bible=ALDAR, provider="local", writers=writers)
    assert board.provider == "local" and board.model == "toy" and holds(board)
    assert any("sells" in scene.action for scene in board.scenes)
    foreign = break_down("Eine alte Frau geht in den Wald und findet einen Schatz.", provider="local", writers=writers)
    assert foreign.provider == "local" and any("does not seem to be English" in said for said in foreign.warnings)


def test_a_cancel_is_no_failure(paths: Paths) -> None:
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        break_down(STORY, cancel=cancel)


def test_prompts_say_how_those_without_tokens_look() -> None:
    board = break_down("An old fisherman named Santiago catches a fish.")
    assert Character("Santiago", description="an old fisherman") in board.bible.characters
    assert not any("old fisherman" in scene.description for scene in board.scenes)
    assert any("an old fisherman" in scene.prompt for scene in board.scenes)


def test_a_prompt_keeps_token_and_action_whatever_else_is_there() -> None:
    scene = StoryScene(1, "", "close-up, slow push-in", "calm and " * 9, "in the " + "very " * 40 + "old mill",
                       "light, " * 30,
                       "aldar_kose_man opens the old oak chest with both hands")
    bible = Bible(ALDAR.characters, (Place("the old mill", "stone walls"),), "ink, " * 40)
    prompt = frame_prompt(scene, bible, EstimatedCounter("clip"))
    assert EstimatedCounter("clip").count(prompt) <= BUDGET
    assert "aldar_kose_man opens the old oak chest with both hands" in prompt and "close-up" in prompt
    assert motion_prompt(scene).startswith("aldar_kose_man opens") and "pushes in" in motion_prompt(scene)


def test_every_beat_is_a_sentence() -> None:
    roles = Roles(Noun("baker", "baker", Kind.PERSON), Noun("Mira", "mira", Kind.PERSON, proper=True),
                  Noun("pot", "pot", Kind.THING))
    beats = [*ANY, *OF_THINGS, *SPARE, *(beat for each in OF_DEED.values() for beat in each)]
    for beat in beats:
        text = beat_sentence(beat, roles)
        assert not set("<>{}|") & set(text) and text[0].isupper() and not text.endswith("."), text


def test_where_the_story_says_the_ground_no_other_place_is_added() -> None:
    board = break_down("A red ball bounces on green grass. It rolls to the sea. At night it rises among the stars.",
                       count=6)
    told = {scene.description: scene.setting for scene in board.scenes}
    assert told["The red ball bounces on green grass."] == "on green grass"
    assert told["The red ball rises among the stars."] == "among the stars"
