"""The right subject is found, and none is better than a wrong one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from chooser_prompts import HELD_OUT_OFF, HELD_OUT_ON, OFF_TOPIC, ON_TOPIC

from wgp_core.engines.explainer.chooser import by_keyword, choose_subject
from wgp_core.models.embedder import MiniLmEmbedder


@pytest.fixture(scope="module")
def embed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[list[str]], Any]:
    found = MiniLmEmbedder.find(Path("no-such-folder"))
    if found is None:
        pytest.skip("the text model is not installed")
    return found.cached(tmp_path_factory.mktemp("phrases"))


@pytest.mark.parametrize(
    ("text", "subject_id"),
    [
        ("gradient descent", "gradient-descent"),
        ("explain Gradient-Descent to me", "gradient-descent"),
        ("GRADIENT DESCENT!", "gradient-descent"),
        ("k-means", "k-means"),
        ("A* search on a grid", "pathfinding"),
        ("Dijkstra's algorithm", "pathfinding"),
        ("show bubble sort", "sorting"),
        ("how binary search works", "binary-search"),
        ("Bayes' theorem", "bayes"),
        ("the Fourier series of a square wave", "fourier-series"),
        ("PCA", "pca"),
        ("attention", "attention"),
        ("how attention works", "attention"),
        ("self-attention in transformers", "attention"),
        ("a double pendulum", "pendulum"),
        ("backpropagation in a neuron network", "backpropagation"),
    ],
)
def test_keywords_decide(text: str, subject_id: str) -> None:
    found = by_keyword(text)
    assert found and found.id == subject_id


@pytest.mark.parametrize(
    "text",
    [
        "pay attention to traffic signs",
        "an electrical transformer in a power station",
        "harmonics on a violin",
        "sorting your rubbish for recycling",
        "spca shelter",
        "capcas",
    ],
)
def test_everyday_words_and_parts_of_words_do_not(text: str) -> None:
    assert by_keyword(text) is None


def test_a_long_text_that_only_mentions_a_keyword_keeps_its_own_words() -> None:
    text = (
        "Our garden had a bad year. " * 12 + "Someone mentioned gradient descent once. " + "Then the rain came. " * 8
    )
    assert choose_subject(text) is None


def test_paraphrases_without_keywords_are_found_by_meaning(embed: Callable[[list[str]], Any]) -> None:
    assert len(ON_TOPIC) >= 30 and not any(by_keyword(text) for text, _ in ON_TOPIC)
    picked = [(text, wanted, choose_subject(text, embed)) for text, wanted in (*ON_TOPIC, *HELD_OUT_ON)]
    wrong = [(text, found.id) for text, wanted, found in picked if found and found.id != wanted]
    hits = [bool(found) for _, _, found in picked]
    assert wrong == []
    assert sum(hits[: len(ON_TOPIC)]) >= 0.85 * len(ON_TOPIC)
    assert sum(hits[len(ON_TOPIC) :]) >= 0.6 * len(HELD_OUT_ON)


def test_other_topics_get_no_subject(embed: Callable[[list[str]], Any]) -> None:
    assert len(OFF_TOPIC) >= 30
    assert [text for text in OFF_TOPIC if choose_subject(text, embed)] == []
    false = [text for text in HELD_OUT_OFF if choose_subject(text, embed)]
    assert len(false) <= 0.04 * len(HELD_OUT_OFF), false


@pytest.mark.parametrize("text", ["", " ", "...", "漢字", "🚀", "x" * 5000])
def test_odd_texts_choose_nothing(text: str, embed: Callable[[list[str]], Any]) -> None:
    assert choose_subject(text, embed) is None
