"""Job types as data: how long the text may be, what should be in it, and how it is asked for and scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from .enhancement import JobType, Mode, Quality

IMAGE_ELEMENTS = ("has_quality_tags", "has_lighting", "has_technical_terms", "has_resolution")
VIDEO_ELEMENTS = ("has_motion", "has_cinematography", "has_temporal_consistency", "has_quality_terms")
_STILL_MODES = (Mode.IMAGE, Mode.CINEMATOGRAPHER)
_VIDEO_MODES = (Mode.TEXT_TO_VIDEO, Mode.IMAGE_TO_VIDEO, Mode.MOTION)


@dataclass(frozen=True)
class JobTypeSpec:
    """One job type at one quality.

    `budget` is the most tokens of the target's tokenizer, start and end marks not counted; `aim` is the least that is
    worth filling ("100-120" is aim 100, budget 120; 0: none). `wanted` are the slots of the vocabulary, the most
    important first; `weights` of the score's elements add up to 1. `modes`: the first is the default.
    """

    job_type: JobType
    quality: Quality
    budget: int
    aim: int
    wanted: tuple[str, ...]
    system_prompt: str
    weights: Mapping[str, float]
    tokenizer: Literal["clip", "umt5"]
    modes: tuple[Mode, ...]
    extra_tags: frozenset[str] = field(default_factory=frozenset)

    @property
    def is_image(self) -> bool:
        return self.tokenizer == "clip"

    @property
    def max_words(self) -> int:
        """Words that no text within the budget can exceed: a token is at least one word's part."""
        return self.budget


_KEEP = ("Keep every subject, action, number, colour, name, text in quotes and every \"no\" or \"without\" of the "
         "prompt exactly as it is. Add no people, animals or other main subjects. Do not change time of day, weather, "
         "place or art style. Answer in the prompt's language with the finished prompt alone: no introduction, no "
         "list, no quotation marks around it, no questions.")
_IMAGE_FAST = ("You write prompts for the image model SDXL. Rewrite the user's prompt as one line of comma-separated "
               "phrases of at most 50 words: quality tags first, then the subject with correct anatomy, then light, "
               "lens and resolution. " + _KEEP)
_IMAGE_HIGH = ("You write prompts for the image model SDXL. Rewrite the user's prompt as one line of comma-separated "
               "phrases of 65 to 80 words: quality tags, the subject in full, studio or natural light with its "
               "direction, camera and lens, composition, colour, resolution. " + _KEEP)
_VIDEO_FAST = ("You write prompts for the video model Wan. Rewrite the user's prompt as one paragraph of at most 100 "
               "words: subject and action first, then how things move, one camera move, light and mood. Movement is "
               "smooth and looks stay the same from the first to the last frame. " + _KEEP)
_VIDEO_HIGH = ("You write prompts for the video model Wan. Rewrite the user's prompt as one cinematic paragraph of at "
               "most 150 words: subject and action first, then movement in detail, camera move, shot size and lens, "
               "light with its direction, colour and mood. Movement is smooth and looks stay the same throughout. "
               "" + _KEEP)
_WAN_7B = ("You rewrite prompts for the video model Wan. Write one paragraph of 80 to 120 words: who or what and "
           "where, the action step by step, the camera, the light, the atmosphere. Plain visible facts, no metaphors. "
           "" + _KEEP)

_IMAGE_WANTED = ("quality_tag", "lighting", "lens", "composition", "mood")
_IMAGE_HIGH_WANTED = ("quality_tag", "lighting", "camera_body", "lens", "composition", "film_stock", "colour", "shot",
                      "time_of_day", "setting", "mood")
_VIDEO_WANTED = ("motion_detail", "camera_move", "shot", "lighting", "quality_tag", "mood")
_VIDEO_HIGH_WANTED = ("motion_detail", "camera_move", "shot", "lighting", "quality_tag", "lens", "composition",
                      "time_of_day",
                      "setting", "colour", "film_stock", "mood")
_EVEN_IMAGE = {"has_quality_tags": 0.25, "has_lighting": 0.25, "has_technical_terms": 0.25, "has_resolution": 0.25}
_FAST_IMAGE = {"has_quality_tags": 0.35, "has_lighting": 0.25, "has_technical_terms": 0.25, "has_resolution": 0.15}
_FAST_VIDEO = {"has_motion": 0.35, "has_cinematography": 0.2, "has_temporal_consistency": 0.3,
               "has_quality_terms": 0.15}
_HIGH_VIDEO = {"has_motion": 0.3, "has_cinematography": 0.35, "has_temporal_consistency": 0.2,
               "has_quality_terms": 0.15}


def spec_of(job_type: JobType, quality: Quality = Quality.FAST) -> JobTypeSpec:
    """The data of a job type. The quality decides how much is wanted; the budget is the job type's own."""
    return _SPECS[job_type, quality]


def default_mode(job_type: JobType) -> Mode:
    """What a caller means that names a job type only."""
    return spec_of(job_type).modes[0]


def _image(job_type: JobType, quality: Quality, budget: int, aim: int) -> JobTypeSpec:
    rich = quality is Quality.HIGH or job_type is JobType.SDXL_IMAGE_HIGH
    return JobTypeSpec(job_type, quality, budget, aim, _IMAGE_HIGH_WANTED if rich else _IMAGE_WANTED,
                       _IMAGE_HIGH if job_type is JobType.SDXL_IMAGE_HIGH else _IMAGE_FAST,
                       _EVEN_IMAGE if rich else _FAST_IMAGE, "clip", _STILL_MODES,
                       frozenset({"studio"} if job_type is JobType.SDXL_IMAGE_HIGH else {"anatomy"}))


def _video(job_type: JobType, quality: Quality, budget: int, system: str) -> JobTypeSpec:
    rich = quality is Quality.HIGH or job_type is JobType.VIDEO_HIGH
    return JobTypeSpec(job_type, quality, budget, 0, _VIDEO_HIGH_WANTED if rich else _VIDEO_WANTED, system,
                       _HIGH_VIDEO if rich else _FAST_VIDEO, "umt5", _VIDEO_MODES)


# wan_7b_enhanced is for a rewriter of about 7 B parameters in front of Wan. It asks for 80 to 120 words, the length
# that Wan's authors give their own rewriters; at about 1.3 to 1.5 tokens an English word 200 holds that, between the
# fast and the high budget and well below the 512 tokens that Wan reads.
_SPECS: Mapping[tuple[JobType, Quality], JobTypeSpec] = {(spec.job_type, spec.quality): spec for quality in Quality
                                                         for spec in (
    _image(JobType.SDXL_IMAGE_FAST, quality, 75, 0),
    _image(JobType.SDXL_IMAGE_HIGH, quality, 120, 100),
    _video(JobType.VIDEO_FAST, quality, 175, _VIDEO_FAST),
    _video(JobType.VIDEO_HIGH, quality, 250, _VIDEO_HIGH),
    _video(JobType.WAN_7B_ENHANCED, quality, 200, _WAN_7B),
)}
