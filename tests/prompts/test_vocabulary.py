from __future__ import annotations

import pytest

from wgp_core.prompts import lexicon
from wgp_core.prompts.enhancement import Mode
from wgp_core.prompts.facts import OTHER_TAGS, SETTING_TAGS, facts_of
from wgp_core.prompts.fidelity import check
from wgp_core.prompts.vocabulary import PHRASES, SLOTS, fitting, negative_prompt, suit_each_other

PROMPTS = ["a red car in rain at night", "a red ball bounces on green grass", "how gradient descent finds a minimum",
           "watercolor fox in snow", "an empty street in Tokyo, no people", "a chef cooks in a kitchen",
           "a whale under water",
           "an astronaut in orbit", "static camera, a lake at dawn", "black and white portrait of a sailor",
           "a campfire in the desert at night", "three dogs race on a sunny beach", "no lights, no dust, a dark cellar"]


def texts(slot: str, prompt: str) -> set[str]:
    return {phrase.text for phrase in fitting(slot, facts_of(prompt))}


def test_each_slot_has_phrases_and_each_phrase_its_slot() -> None:
    assert set(PHRASES) == set(SLOTS)
    for slot, phrases in PHRASES.items():
        assert all(phrase.slot == slot for phrase in phrases)
        assert len({phrase.text for phrase in phrases}) == len(phrases) >= 5


def test_every_condition_can_be_met() -> None:
    said = frozenset().union(*(phrase.tags for phrases in PHRASES.values() for phrase in phrases))
    known = {*lexicon.TIMES, *lexicon.WEATHER, *lexicon.PLACES, *lexicon.STYLES, *SETTING_TAGS, *OTHER_TAGS,
             *(f"cam_{name}" for name in lexicon.CAMERA)}
    for phrase in (phrase for phrases in PHRASES.values() for phrase in phrases):
        assert phrase.needs <= known, phrase
        assert phrase.excludes <= known | said | {f"cam_{tag}" for tag in said}, phrase


def test_leaves_need_plants_and_steam_something_hot() -> None:
    leaves, steam = "leaves stirring in the breeze", "steam curling upward"
    assert leaves in texts("motion_detail", "a path through a forest")
    assert leaves not in texts("motion_detail", "waves crash against black cliffs")
    assert leaves not in texts("motion_detail", "a garden without any trees")
    assert steam in texts("motion_detail", "a cup of coffee")
    assert steam not in texts("motion_detail", "a bowl of fruit")


def test_night_has_no_golden_hour_and_rain_no_dust() -> None:
    assert "golden hour" not in texts("time_of_day", "a street at night")
    assert "golden hour" in texts("time_of_day", "a street")
    assert not any("dust" in text for text in texts("motion_detail", "rain on a street"))
    assert "bright natural light" not in texts("lighting", "a street at night")


def test_drawn_pictures_have_no_cameras_and_black_and_white_no_colour_grades() -> None:
    assert not texts("camera_body", "watercolor of a fox")
    assert not texts("film_stock", "watercolor of a fox")
    assert texts("film_stock", "black and white photo of a sailor") >= {"Ilford HP5 grain"}
    assert "teal and orange grade" not in texts("colour", "black and white photo of a sailor")


def test_what_the_prompt_settles_is_left_open() -> None:
    assert not fitting("camera_move", facts_of("static camera, a lake"))
    assert not fitting("shot", facts_of("close-up of a leaf"))
    assert not fitting("style", facts_of("anime girl"))


@pytest.mark.parametrize("slot", SLOTS)
@pytest.mark.parametrize("prompt", PROMPTS)
def test_no_phrase_contradicts_the_prompt_that_it_fits(slot: str, prompt: str) -> None:
    for phrase in fitting(slot, facts_of(prompt)):
        verdict = check(prompt, f"{prompt}, {phrase.text}")
        assert verdict.ok, (phrase.text, verdict.reasons)


def test_two_moves_or_two_times_do_not_suit_each_other() -> None:
    moves = {phrase.text: phrase for phrase in PHRASES["camera_move"]}
    times = {phrase.text: phrase for phrase in PHRASES["time_of_day"]}
    assert not suit_each_other(moves["locked-off static camera"], [moves["slow dolly-in"]])
    assert not suit_each_other(times["golden hour"], [times["blue hour"]])
    assert suit_each_other(times["golden hour"], [moves["slow dolly-in"]])


def test_the_negative_prompt_of_a_still_says_nothing_of_movement() -> None:
    video, still = negative_prompt(Mode.TEXT_TO_VIDEO), negative_prompt(Mode.IMAGE)
    for word in ("disfigurements", "low quality", "artifacts", "distortions"):
        assert word in video
        assert word in still
    assert "fast movements" in video
    assert "fast movements" not in still
