from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wgp_core.engines.base import MemoryPlan
from wgp_core.engines.memory import PROFILES, memory_ladder


@given(st.builds(MemoryPlan, profile=st.sampled_from(("auto", *PROFILES)), vae_tiling=st.booleans(),
                 frames_at_once=st.integers(0, 200)))
def test_every_ladder_is_short_and_only_goes_down(start: MemoryPlan) -> None:
    ladder = memory_ladder(start)
    assert len(ladder) <= 4
    before = start
    for plan in ladder:
        assert plan != before
        was = PROFILES.index("4" if before.profile == "auto" else before.profile)
        assert PROFILES.index("4" if plan.profile == "auto" else plan.profile) >= was
        assert plan.vae_tiling >= before.vae_tiling
        assert (plan.frames_at_once or 10**6) <= (before.frames_at_once or 10**6)
        before = plan


@pytest.mark.parametrize(("start", "profiles"), [("1", ["2", "5"]), ("auto", ["4.5", "5"]), ("4.5", ["5"]), ("5", [])])
def test_profiles_come_first_then_tiling_then_fewer_frames(start: str, profiles: list[str]) -> None:
    ladder = memory_ladder(MemoryPlan(start))
    assert [plan.profile for plan in ladder[:-2]] == profiles
    assert ladder[-2].vae_tiling and not ladder[-2].frames_at_once
    assert ladder[-1].frames_at_once == 9
    assert memory_ladder(ladder[-1]) == ()
