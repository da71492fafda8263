"""The ladder of memory plans: what to give up, in which order, when memory runs out."""

from __future__ import annotations

from dataclasses import replace

from ..request import VRAM_PROFILES
from .base import MemoryPlan

PROFILES = tuple(name for name in VRAM_PROFILES if name != "auto")
"""VRAM profiles from the most to the least memory; `models.profiles` says what each does."""

AUTO_STANDS_FOR = "4"
FEWEST_FRAMES_AT_ONCE = 9


def memory_ladder(start: MemoryPlan) -> tuple[MemoryPlan, ...]:
    """At most four steps down from `start`: the next lower profile, the lowest, VAE tiling, fewer frames at a time.

    Each plan needs no more than the one before, and differs from it; from the bottom there is no step left.
    """
    steps: list[MemoryPlan] = []
    plan = start
    for profile in _lower(start.profile):
        plan = replace(plan, profile=profile)
        steps.append(plan)
    if not plan.vae_tiling:
        plan = replace(plan, vae_tiling=True)
        steps.append(plan)
    if not plan.frames_at_once or plan.frames_at_once > FEWEST_FRAMES_AT_ONCE:
        steps.append(replace(plan, frames_at_once=FEWEST_FRAMES_AT_ONCE))
    return tuple(steps)


def _lower(profile: str) -> tuple[str, ...]:
    name = AUTO_STANDS_FOR if profile == "auto" else profile
    below = PROFILES[PROFILES.index(name) + 1:]
    return tuple(dict.fromkeys((below[0], below[-1]))) if below else ()
