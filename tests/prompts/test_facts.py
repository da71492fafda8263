from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wgp_core.prompts.facts import Coloured, Count, facts_of, language_of, lemma, same_word


def test_subjects_actions_colours_and_counts() -> None:
    facts = facts_of("Three old dogs chase 2 yellow balls on green grass at sunset")
    assert facts.subjects == ("dog", "ball", "grass")
    assert facts.actions == ("chase",)
    assert facts.counts == (Count(3, ("dog",)), Count(2, ("ball",), "yellow"))
    assert facts.colours == (Coloured("yellow", ("ball",)), Coloured("green", ("grass",)))
    assert facts.times == {"sunset"}
    assert facts.describing == ("old",)
    assert "open_air" in facts.tags


@pytest.mark.parametrize(("prompt", "colour", "nouns"), [
    ("the car is red", "red", ("car",)), ("a woman in red walks", "red", ("woman",)),
                                                         ("a car painted blue", "blue", ("car",)),
    ("a bright green sports car", "green", ("sport", "car")), ("a red and white striped tent", "white", ("tent",)),
])
def test_a_colour_belongs_to_its_noun(prompt: str, colour: str, nouns: tuple[str, ...]) -> None:
    assert Coloured(colour, nouns) in facts_of(prompt).colours


@pytest.mark.parametrize("prompt",
                         ["an orange and an apple", "a golden retriever", "a black and white film", "rose gold ring",
                                    "a midnight blue dress"])
def test_what_only_sounds_like_a_colour_or_time(prompt: str) -> None:
    facts = facts_of(prompt)
    assert not facts.colours
    assert not facts.times


@pytest.mark.parametrize(("prompt", "denied"), [
    ("an empty street, no people", "person"), ("a lake without boats", "boat"), ("a robot that is not moving", "move"),
    ("a wheel that never stops", "stop"), ("a plaza free of cars", "car"), ("no text or letters", "letter"),
    ("nobody is in the room", "people"), ("a field without any trees", "tree"),
])
def test_negations(prompt: str, denied: str) -> None:
    facts = facts_of(prompt)
    assert denied in facts.negations
    assert denied not in facts.subjects


@pytest.mark.parametrize("prompt", ["not only a cat but a dog", "no longer sad", "a knot in a rope"])
def test_what_is_no_negation(prompt: str) -> None:
    assert not facts_of(prompt).negations


@pytest.mark.parametrize(("prompt", "name"), [
    ("Marie Curie in her lab", "Marie Curie"), ("fog over the Golden Gate Bridge", "Golden Gate Bridge"),
    ("a rocket of NASA takes off", "NASA"), ("tango in Buenos Aires", "Buenos Aires"),
])
def test_names(prompt: str, name: str) -> None:
    assert name in facts_of(prompt).names


def test_titles_in_capitals_have_no_names() -> None:
    assert not facts_of("A Red Ball Bounces On Green Grass").names


def test_technical_numbers_are_no_counts() -> None:
    assert not facts_of("35mm lens, f/1.8, 120 fps, 4k, shot in 1965, 16:9").counts


def test_styles_camera_and_quotes() -> None:
    facts = facts_of('watercolor of a shop with the sign "NOW OPEN", the camera slowly pans, close-up')
    assert facts.styles == {"watercolor"}
    assert facts.camera == {"moving", "close"}
    assert facts.quoted == ("NOW OPEN",)


@pytest.mark.parametrize(("text", "language"), [
    ("a cat on a roof", "en"), ("cyberpunk samurai", "en"), ("Rio de Janeiro carnival", "en"),
                                                ("Ein rotes Auto fährt", "de"),
    ("une voiture rouge dans la rue", "fr"), ("un perro corre por la playa", "es"), ("一只红色的猫", "zh"),
                                                ("красный мяч", "ru"),
    ("un cane corre sulla spiaggia", "it"), ("een hond rent over het strand", "nl"), ("", "en"), ("café au lait on a "
                                                                                                  "table", "en"),
])
def test_language(text: str, language: str) -> None:
    assert language_of(text) == language


@pytest.mark.parametrize(("word", "base"), [
    ("bounces", "bounce"), ("bouncing", "bounce"), ("wolves", "wolf"), ("running", "run"), ("dozing", "doze"),
                                            ("flies", "fly"),
    ("glass", "glass"), ("building", "building"), ("churches", "church"), ("seen", "see"),
])
def test_base_forms(word: str, base: str) -> None:
    assert lemma(word) == base


def test_words_that_mean_much_the_same() -> None:
    assert same_word("explode", "explosion")
    assert same_word("car", "automobile")
    assert not same_word("mountain", "mounted")
    assert not same_word("station", "statue")


@settings(deadline=None)
@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    facts = facts_of(text)
    assert facts.prompt == text
