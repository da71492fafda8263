"""Plans of windows for long videos: what they cover, their form, their overlaps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.engines.base import StepRule
from wgp_core.engines.diffusion.windows import cross_fade, most_frames, plan_windows, prompt_of
from wgp_core.errors import RequestError


@given(frames=st.integers(1, 2000), window=st.integers(5, 200), overlap=st.integers(0, 60))
def test_windows_cover_all_frames_in_the_form_of_the_autoencoder(frames: int, window: int, overlap: int) -> None:
    kept = max(1, (max(1, overlap) - 1) // 4 * 4 + 1)
    rounded = (window - 1) // 4 * 4 + 1
    if frames > rounded and kept >= rounded:
        with pytest.raises(RequestError, match="overlap"):
            plan_windows(frames, window, overlap)
        return
    plan = plan_windows(frames, window, overlap)
    assert plan[0].start == 0 and plan[0].overlap == 0
    assert frames <= plan[-1].end < frames + 4
    for each in plan:
        assert each.count % 4 == 1 and each.count <= max(rounded, 1)
    for before, after in itertools.pairwise(plan):
        assert after.overlap == kept == before.end - after.start
        assert after.count > kept
    assert max(w.count for w in plan[1:]) - min(w.count for w in plan[1:]) <= 4 if len(plan) > 1 else True


def test_a_short_video_is_one_window() -> None:
    assert len(plan_windows(81, 81, 9)) == 1
    assert plan_windows(1, 81, 9)[0].count == 1


def test_the_rule_for_a_whole_video_keeps_the_form_of_one_window() -> None:
    rule = most_frames(StepRule(1, 81, 4, 1), 60.0, 16)
    assert rule.high == 957 and rule.fits(957) and rule.nearest(960) == 957


def test_the_last_prompt_serves_the_windows_that_are_left() -> None:
    assert [prompt_of(("a", "b"), "x", i) for i in range(4)] == ["a", "b", "b", "b"]
    assert prompt_of((), "x", 3) == "x"


def test_cross_fade_goes_from_one_to_the_other() -> None:
    dark, light = np.zeros((3, 2, 2, 3), np.uint8), np.full((3, 2, 2, 3), 200, np.uint8)
    assert cross_fade(dark, light)[:, 0, 0, 0].tolist() == [50, 100, 150]
