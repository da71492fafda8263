"""The rules, and repair: whatever is put in, every rule holds afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from wgp_core.planning.story.board import Bible, Character, StoryScene
from wgp_core.planning.story.grammar import plan_story
from wgp_core.planning.story.looks import allowed_by, looks_in, without_looks
from wgp_core.planning.story.repair import repair
from wgp_core.planning.story.rules import Rule, check
from wgp_core.planning.story.sentences import acts

STORY = "a trickster sells a wealthy merchant a magical pot"
ALDAR = Bible((Character("Aldar Kose", "aldar_kose_man"),))
NAMED = "Aldar Kose sells a wealthy merchant a magical pot"


def good(bible: Bible | None = None, story: str = STORY) -> list[StoryScene]:
    return list(plan_story(story, 8, bible))


def rules_of(scenes: Sequence[StoryScene], bible: Bible | None = None, story: str = STORY, **more: object) -> set[Rule]:
    return {breach.rule for breach in check(scenes, bible, story=story, **more)}  # type: ignore[arg-type]


def test_a_planned_board_breaks_nothing() -> None:
    assert check(good(), story=STORY) == ()
    assert check(good(ALDAR), ALDAR, story=STORY) == ()
    assert check(good(ALDAR, NAMED), ALDAR, story=NAMED) == ()


@pytest.mark.parametrize(("changes", "rule", "field"), [
    ({"mood": " "}, Rule.LIGHT_AND_MOOD, "mood"),
    ({"lighting": "nice"}, Rule.LIGHT_AND_MOOD, "lighting"),
    ({"setting": ""}, Rule.ACTION, "setting"),
    ({"action": "A man is in a field", "description": "A man is in a field."}, Rule.ACTION, "action"),
    ({"action": "a portrait of the trickster"}, Rule.ACTION, "action"),
    ({"action": "The trickster, wearing a red cloak, runs"}, Rule.LOOKS, "action"),
    ({"description": "The bearded trickster runs across the square."}, Rule.LOOKS, "description"),
    ({"action": "He runs to the gate"}, Rule.TOKEN, "action"),
    ({"camera": "beautiful"}, Rule.CAMERA, "camera"),
])
def test_each_rule_names_scene_and_field(changes: dict[str, str], rule: Rule, field: str) -> None:
    scenes = good()
    scenes[3] = replace(scenes[3], **changes)  # type: ignore[arg-type]
    breach, = check(scenes, story=STORY)
    assert (breach.frame, breach.rule, breach.field) == (4, rule, field)
    assert str(breach).startswith("Scene 4: ")
    mended, repairs = repair(scenes, story=STORY)
    assert check(mended, story=STORY) == ()
    assert [r.frame for r in repairs] == [4] * len(repairs) and repairs[0].rule == rule
    assert [s for i, s in enumerate(mended) if i != 3] == [s for i, s in enumerate(scenes) if i != 3]


def test_three_in_a_row_and_too_few_kinds() -> None:
    scenes = [replace(scene, camera="close-up, static camera") for scene in good()]
    found = check(scenes, story=STORY)
    assert {breach.rule for breach in found} == {Rule.CAMERA}
    assert any("third close-up in a row" in breach.reason for breach in found)
    assert any(breach.frame == 0 and "needs at least 4" in breach.reason for breach in found)
    mended, _ = repair(scenes, story=STORY)
    assert check(mended, story=STORY) == ()
    assert mended[0].camera == scenes[0].camera and [s.action for s in mended] == [s.action for s in scenes]


def test_the_same_scene_twice_is_no_progress() -> None:
    scenes = good()
    scenes[5] = replace(scenes[5], action=scenes[2].action.replace("then", "and then"))
    assert rules_of(scenes) == {Rule.PROGRESS}
    mended, repairs = repair(scenes, story=STORY)
    assert check(mended, story=STORY) == () and repairs[0].frame == 6


def test_meaning_counts_where_an_embedder_is_given() -> None:
    scenes = good()

    def embed(texts: Sequence[str]) -> np.ndarray:
        """Scenes 3 and 7 mean the same."""
        same = {scenes[2].action, scenes[6].action}
        rng = np.random.default_rng(1)
        vectors = np.array([np.ones(64) if text in same else rng.normal(size=64) for text in texts])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    assert rules_of(scenes) == set()
    assert rules_of(scenes, embed=embed) == {Rule.PROGRESS}
    mended, _ = repair(scenes, story=STORY, embed=embed)
    assert check(mended, story=STORY, embed=embed) == ()


def test_the_token_stands_for_the_character() -> None:
    scenes = good(ALDAR, NAMED)
    scenes[1] = replace(scenes[1], action="Aldar Kose polishes the pot", description="Aldar polishes the pot.",
                        characters=("Aldar Kose",))
    scenes[2] = replace(scenes[2], description="Nobody watches the Aldar Kose Man closely as he waits.")
    found = check(scenes, ALDAR, story=NAMED)
    assert {b.rule for b in found} == {Rule.TOKEN} and {b.frame for b in found} == {2, 3}
    assert any("aldar_kose_man" in b.reason for b in found)
    mended, _ = repair(scenes, ALDAR, story=NAMED)
    assert check(mended, ALDAR, story=NAMED) == ()
    assert mended[1].description == "aldar_kose_man polishes the pot." and mended[1].characters == ("Aldar Kose",)


def test_a_character_that_the_story_does_not_name_is_the_one_it_is_about() -> None:
    scenes = good(ALDAR)
    assert sum("aldar_kose_man" in scene.description for scene in scenes) >= 5
    assert not any("trickster" in scene.description for scene in scenes)


@pytest.mark.parametrize(("text", "plain"), [
    ("A tall bearded man in a long black coat walks into a bar.", "A man walks into a bar."),
    ("The woman, wearing a red dress, opens the door.", "The woman opens the door."),
    ("A young woman with long blonde hair runs.", "A woman runs."),
    ("An old house stands by the tall tower.", "An old house stands by the tall tower."),
])
def test_looks_are_cut_out(text: str, plain: str) -> None:
    assert without_looks(text) == plain


def test_clothes_that_a_story_is_about_may_stay() -> None:
    story = "A tailor in a green hat sews a coat for the emperor."
    assert allowed_by(story) == {"coat"}
    assert looks_in("The tailor sews the coat.", allowed_by(story)) == ()
    assert looks_in("The tailor lifts his hat.", allowed_by(story)) == ("hat",)


@pytest.mark.parametrize("text", ["The trickster holds up the pot", "Two dogs run across the field",
                                  "coins change hands",
                                  "Mira and her dog walk home", "rain falling on the roof",
                                  "Light spreads over the hill",
                                  "The king sits down"])
def test_what_is_seen_done(text: str) -> None:
    assert acts(text)


@pytest.mark.parametrize("text", ["", "A man is in a field", "a beautiful landscape with hills", "The house",
                                  "A portrait"])
def test_what_is_only_there(text: str) -> None:
    assert not acts(text)


# -- whatever is put in ------------------------------------------------------------------------------------------------

NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
"""A board takes too long to shrink."""
WORDS = st.sampled_from(
    "the a he she They Aldar Kose aldar_kose_man AldarKose merchant wearing robe red long beard tall old man woman in "
    "with is stands runs sells pot close-up wide shot POV light dark mood happy and , . ! ? : ; ( ) ' \" \n # ** { } "
    "[ ] "
    "blonde hair market coat dressed up his boots young 👍 ß é 市场 null 42 — ’s aldar_kose_man's".split(" "))
TEXT = st.one_of(st.lists(WORDS, max_size=14).map(" ".join), st.text(max_size=40), st.just(""))
SCENE = st.builds(StoryScene, frame=st.integers(-5, 99), description=TEXT, camera=st.one_of(TEXT, st.just("close-up")),
                  mood=TEXT,
                  setting=TEXT, lighting=TEXT, action=TEXT, motion=TEXT,
                  characters=st.lists(st.sampled_from(["Aldar Kose", "nobody"]), max_size=2).map(tuple),
                  seconds=st.floats(allow_nan=True, allow_infinity=True))
BIBLES = st.sampled_from([Bible(), ALDAR, Bible((Character("Mira", "mira_token"), Character("The Tall King",
    "king_tok")))])
STORIES = st.one_of(st.sampled_from(['wide # " wearing hair ] " shot Aldar',
                                     "shot blonde market sells market ! } tall"]), st.sampled_from([STORY, NAMED, "",
                                         "👍",
    "He wears a hat.", "Mira sews a coat and runs home."]),
                    TEXT)


@settings(max_examples=50, deadline=None, phases=NO_SHRINKING, suppress_health_check=[HealthCheck.too_slow,
    HealthCheck.data_too_large])
@given(st.lists(SCENE, min_size=6, max_size=10), BIBLES, STORIES)
def test_after_repair_every_rule_holds(scenes: list[StoryScene], bible: Bible, story: str) -> None:
    mended, repairs = repair(scenes, bible, story=story)
    assert len(mended) == len(scenes) and [s.frame for s in mended] == list(range(1, len(scenes) + 1))
    assert check(mended, bible, story=story) == ()
    assert repairs or check([replace(s, frame=n) for n, s in enumerate(scenes, 1)], bible, story=story) == ()
    again, nothing = repair(mended, bible, story=story)
    assert again == mended and nothing == ()


@settings(max_examples=60, deadline=None, phases=NO_SHRINKING, suppress_health_check=[HealthCheck.too_slow])
@given(STORIES, BIBLES, st.integers(6, 10))
def test_any_story_becomes_a_board(story: str, bible: Bible, count: int) -> None:
    scenes = plan_story(story, count, bible)
    assert len(scenes) == count
    mended, _ = repair(scenes, bible, story=story)
    assert check(mended, bible, story=story) == ()


@settings(max_examples=200, deadline=None, phases=NO_SHRINKING)
@given(TEXT)
def test_nothing_of_looks_is_left(text: str) -> None:
    assert looks_in(without_looks(text)) == ()
