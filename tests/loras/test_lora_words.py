"""Words that LoRAs add: the prompt stays whole, nothing is said twice, every addition is noted."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.loras.words import INFOGRAPHIC_WORDS, NEGATIVE_WORDS, chosen_profile, decorate
from wgp_core.request import LoraProfile, LoraUse, VideoRequest


def request(*uses: LoraUse, profile: LoraProfile = LoraProfile.AUTO, boost: bool = True) -> VideoRequest:
    return VideoRequest(prompt="x", loras=uses, lora_profile=profile, lora_negative_boost=boost)


def test_without_loras_nothing_changes():
    asked = request(profile=LoraProfile.ACADEMIC_INFOGRAPHIC)
    assert decorate("a cat", "blurry", asked) == ("a cat", "blurry", ())


def test_a_trigger_goes_first_and_once():
    asked = request(LoraUse(Path("a"), trigger="mystyle"), LoraUse(Path("b"), trigger="MyStyle"),
                    LoraUse(Path("c"), trigger="film grain"))
    prompt, _, notes = decorate("a cat", "", asked)
    assert prompt == "mystyle, film grain, a cat"
    assert notes == ("Trigger words added to the prompt: mystyle, film grain.",)
    assert decorate("A cat in MYSTYLE, film  grain", "", asked)[0] == "A cat in MYSTYLE, film  grain"


def test_a_trigger_inside_another_word_does_not_count():
    assert decorate("artful", "", request(LoraUse(Path("a"), trigger="art")))[0] == "art, artful"


@pytest.mark.parametrize("name, profile", [
    ("wan/infographic_v2.safetensors", LoraProfile.ACADEMIC_INFOGRAPHIC),
    ("wan/Info-Graphics.safetensors", LoraProfile.ACADEMIC_INFOGRAPHIC),
    ("wan/slides.safetensors", LoraProfile.ACADEMIC_INFOGRAPHIC),
    ("flux/diagram-style/model.safetensors", LoraProfile.ACADEMIC_INFOGRAPHIC),
    ("wan/anime.safetensors", LoraProfile.NONE),
])
def test_auto_decides_from_the_name(name: str, profile: LoraProfile):
    assert chosen_profile(request(LoraUse(Path(name)))) is profile


def test_the_profile_adds_words_and_negatives():
    prompt, negative, notes = decorate("How enzymes work.", "blurry", request(LoraUse(Path("infographic"))))
    assert prompt == "How enzymes work. " + ", ".join(INFOGRAPHIC_WORDS)
    assert negative == "blurry, " + ", ".join(NEGATIVE_WORDS)
    assert len(notes) == 2
    assert decorate("x", "", request(LoraUse(Path("infographic")), boost=False))[1] == ""
    assert decorate("x", "y", request(LoraUse(Path("infographic")), profile=LoraProfile.NONE)) == ("x", "y", ())


@given(st.text(max_size=80), st.text(max_size=80), st.lists(st.text(max_size=10), max_size=3),
       st.sampled_from(LoraProfile), st.booleans())
def test_the_text_stays_whole_and_twice_is_once(prompt: str, negative: str, triggers: list[str], profile: LoraProfile,
                                                boost: bool):
    asked = request(*(LoraUse(Path("a"), trigger=trigger) for trigger in triggers), profile=profile, boost=boost)
    once = decorate(prompt, negative, asked)
    assert prompt in once[0] and negative in once[1]
    assert (once[:2] != (prompt, negative)) == bool(once[2])
    twice = decorate(once[0], once[1], asked)
    assert twice[:2] == once[:2]
