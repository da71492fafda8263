from __future__ import annotations

import pytest

from wgp_core.prompts.enhancement import JobType, Quality
from wgp_core.prompts.job_types import IMAGE_ELEMENTS, VIDEO_ELEMENTS, default_mode, spec_of
from wgp_core.prompts.score import score
from wgp_core.prompts.vocabulary import SLOTS


@pytest.mark.parametrize("job_type", JobType)
@pytest.mark.parametrize("quality", Quality)
def test_every_job_type_is_whole(job_type: JobType, quality: Quality) -> None:
    spec = spec_of(job_type, quality)
    assert sum(spec.weights.values()) == pytest.approx(1)
    assert tuple(spec.weights) == (IMAGE_ELEMENTS if spec.is_image else VIDEO_ELEMENTS)
    assert set(spec.wanted) <= set(SLOTS)
    assert spec.aim <= spec.budget
    assert spec.system_prompt
    assert default_mode(job_type) in spec.modes


def test_the_budgets() -> None:
    budgets = {job_type: spec_of(job_type).budget for job_type in JobType}
    assert budgets[JobType.SDXL_IMAGE_FAST] == 75
    assert budgets[JobType.SDXL_IMAGE_HIGH] == 120
    assert budgets[JobType.VIDEO_FAST] == 175
    assert budgets[JobType.VIDEO_HIGH] == 250


def test_a_bare_prompt_scores_low_and_says_why() -> None:
    bare = score("a fox", JobType.SDXL_IMAGE_FAST)
    assert bare.value < 0.2
    assert not any(bare.found.values())
    assert len(bare.reasons) == 5


def test_a_full_prompt_scores_one() -> None:
    image = "masterpiece, a fox in a wood, soft rim light, 85 mm lens, rule of thirds, 8k resolution, sharp focus"
    assert score(image, JobType.SDXL_IMAGE_HIGH).value == 1
    video = ("A fox trots through a wood, leaves drifting in its wake. Slow tracking shot, soft light. Consistent "
             "appearance "
             "throughout, cinematic quality.")
    assert score(video, JobType.VIDEO_HIGH).value == 1
    assert score(video, JobType.VIDEO_HIGH).reasons == ()


def test_elements_are_found_one_by_one() -> None:
    found = score("a street in neon light, shot with a long lens for a rainy evening picture",
                  JobType.SDXL_IMAGE_FAST).found
    assert found == {"has_quality_tags": False, "has_lighting": True, "has_technical_terms": True,
                     "has_resolution": False}
    found = score("everything moves smoothly and the picture of the whole street remains coherent",
                  JobType.VIDEO_FAST).found
    assert found["has_motion"]
    assert found["has_temporal_consistency"]
    assert not found["has_quality_terms"]
