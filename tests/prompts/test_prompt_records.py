"""Enhancements to JSON and back."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.errors import RequestError
from wgp_core.prompts.enhancement import (
    Attempt,
    EnhanceRequest,
    EnhanceResult,
    JobType,
    Level,
    Mode,
    Provider,
    Quality,
    QualityScore,
    TokenUse,
)
from wgp_core.prompts.records import request_from_dict, request_to_dict, result_from_dict, result_to_dict

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
shares = st.floats(0, 1)
scores = st.builds(QualityScore, shares, st.dictionaries(words, st.booleans(), max_size=3),
                   st.lists(words, max_size=3).map(tuple))
requests = st.builds(
    EnhanceRequest, prompt=words, mode=st.sampled_from(Mode), job_type=st.sampled_from(JobType),
    quality=st.sampled_from(Quality), enhancement_type=words, system_prompt=words, context=words,
    provider=st.sampled_from(Provider), model=words, target_model=words, seed=st.integers(0, 2**63),
    max_new_tokens=st.integers(1, 4096), start_image=st.none() | st.just(Path("/pictures/a b é.png")),
    protected=st.lists(words, max_size=3).map(tuple))
results = st.builds(
    EnhanceResult, original=words, enhanced=words, level=st.sampled_from(Level), provider=st.sampled_from(Provider),
    model=words, mode=st.sampled_from(Mode), job_type=st.sampled_from(JobType), quality=st.sampled_from(Quality),
    enhancement_type=words, negative_prompt=words, added=st.lists(words, max_size=3).map(tuple),
    attempts=st.lists(st.builds(Attempt, st.sampled_from(Level), st.sampled_from(Provider), words, words, shares),
                      max_size=3).map(tuple),
    tokens=st.none() | st.builds(TokenUse, st.integers(0), st.integers(0), words, st.booleans()),
    score_before=st.none() | scores, score=st.none() | scores, similarity=st.none() | shares, caption=words,
    seconds=shares, cache_hit=st.booleans(), warnings=st.lists(words, max_size=3).map(tuple))


@given(requests)
def test_a_request_comes_back_as_it_was(request: EnhanceRequest) -> None:
    data = json.loads(json.dumps(request_to_dict(request)))
    assert request_from_dict(data) == request
    assert set(data) == {f.name for f in fields(EnhanceRequest)}


@given(results)
def test_a_result_comes_back_as_it_was(result: EnhanceResult) -> None:
    data = json.loads(json.dumps(result_to_dict(result)))
    assert result_from_dict(data) == result
    assert set(data) == {f.name for f in fields(EnhanceResult)}


def test_other_versions_are_read_as_far_as_they_go() -> None:
    assert request_from_dict({"prompt": "a cat", "of_a_later_version": 1}) == EnhanceRequest("a cat")
    old = result_to_dict(EnhanceResult("a", "b", Level.WORKER, Provider.LOCAL, "m", Mode.IMAGE,
                                       JobType.SDXL_IMAGE_FAST, Quality.FAST, "manual"))
    for name in ("attempts", "warnings", "score", "tokens", "caption"):
        del old[name]
    assert result_from_dict(old).enhanced == "b"


@pytest.mark.parametrize(("data", "words"), [
    ({"prompt": "a", "mode": "opera"}, "mode cannot be 'opera'"),
    ({"prompt": "a", "provider": None}, "provider cannot be None"),
    ({}, "prompt"),
    ("a cat", "must be a JSON object"),
])
def test_what_cannot_be_read_is_named(data: dict, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        request_from_dict(data)
    with pytest.raises(RequestError):
        result_from_dict({**data, "attempts": [3]} if isinstance(data, dict) else data)
