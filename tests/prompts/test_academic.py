from __future__ import annotations

import pytest

from wgp_core.errors import RequestError
from wgp_core.loras.words import INFOGRAPHIC_WORDS, NEGATIVE_WORDS
from wgp_core.prompts.academic import EXAMPLES, AcademicRequest, Field, Look, Objective, as_messages, build, field_of
from wgp_core.prompts.facts import language_of
from wgp_core.request import LoraProfile


def test_the_topic_stays_and_audience_objective_and_look_show() -> None:
    result = build(AcademicRequest("how gradient descent finds a minimum", "nurses in training", Objective.COMPARE,
                                   Look.WHITEBOARD))
    assert "how gradient descent finds a minimum" in result.text
    assert "nurses in training" in result.text
    assert "hiteboard" in result.text
    assert result.field is Field.MATHEMATICS
    assert not result.warnings
    assert "low quality" in result.negative_prompt


def test_every_choice_gives_an_english_prompt_of_sensible_length() -> None:
    for objective in Objective:
        for look in Look:
            for audience in ("children", "experts", ""):
                text = build(AcademicRequest("the water cycle", audience, objective, look)).text
                assert 15 <= len(text.split()) <= 70
                assert language_of(text) == "en"


def test_seeds_vary_the_wording() -> None:
    assert len({build(AcademicRequest("binary search", seed=seed)).text for seed in range(12)}) > 6
    assert build(AcademicRequest("binary search", seed=3)) == build(AcademicRequest("binary search", seed=3))


def test_another_language_warns_and_is_kept() -> None:
    result = build(AcademicRequest("Wie die Photosynthese in der Pflanze funktioniert"))
    assert "Wie die Photosynthese in der Pflanze funktioniert" in result.text
    assert "German" in result.warnings[0]


def test_the_lora_profile_adds_its_words_once() -> None:
    result = build(AcademicRequest("binary search", lora_profile=LoraProfile.ACADEMIC_INFOGRAPHIC))
    for word in INFOGRAPHIC_WORDS:
        assert result.text.lower().count(word) == 1
    assert all(word in result.negative_prompt for word in NEGATIVE_WORDS)


@pytest.mark.parametrize("topic", ["", "  . ", "x" * 401])
def test_no_topic_or_a_whole_text_is_refused(topic: str) -> None:
    with pytest.raises(RequestError) as caught:
        build(AcademicRequest(topic))
    assert caught.value.field == "topic"


@pytest.mark.parametrize(("topic", "field"),
                         [("Bayes theorem", Field.MATHEMATICS), ("sorting algorithms", Field.COMPUTING),
                                              ("cell division", Field.NATURE), ("supply and demand", Field.SOCIETY),
                                              ("good manners", Field.GENERAL)])
def test_the_field_is_recognised(topic: str, field: Field) -> None:
    assert field_of(topic) is field
    assert len(EXAMPLES[field]) >= 2


def test_a_model_gets_the_examples_of_the_field() -> None:
    system, user = as_messages(AcademicRequest("quicksort algorithm", "children"))
    assert EXAMPLES[Field.COMPUTING][0][1] in system
    assert "Topic: quicksort algorithm" in user
    assert "children" in user
