"""What the enhancement routes take and give. The names are those that callers of the edge API already use."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..prompts.enhancement import EnhanceRequest, EnhanceResult, JobType, Level, Provider, Quality
from ..prompts.job_types import default_mode, spec_of
from ..request import MAX_PROMPT_CHARS

_EDGE: dict[str, Any] = {
    "prompt": "a red vintage car driving through rain at night", "job_type": "video_high", "quality": "high",
    "enhancement_type": "manual", "system_prompt": "You write prompts for a video model. Answer with the prompt.",
    "context": "An advertisement for a museum of cars."}
_ANSWER: dict[str, Any] = {
    "success": True, "original_prompt": "a red ball bounces on green grass",
    "enhanced_prompt": "a red ball bounces on green grass. Steady unhurried pace. Aerial view, smooth gimbal move. "
                       "Dappled light. Temporally consistent detail, cinematic quality.",
    "generation_time": 0.0137, "enhancement_type": "manual", "job_type": "video_fast", "quality": "fast",
    "enhancement_source": "emergency_fallback", "cache_hit": False,
    "worker_optimizations": {"caching": True, "post_processing": True, "fallback_ready": True}, "quality_score": 1.0,
    "wan_optimizations": {"has_motion": True, "has_cinematography": True, "has_temporal_consistency": True,
                          "has_quality_terms": True, "token_count": 44}}


class EnhanceIn(BaseModel):
    """A prompt to enhance. With `system_prompt` or `context`, a language model follows the caller's own words first."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [
        {"prompt": "a red ball bounces on green grass", "job_type": "video_fast"},
        {"prompt": "portrait of an old sailor", "job_type": "sdxl_image_high", "quality": "high"}, _EDGE]})

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS, pattern=r"\S", description="The words to enhance.")
    job_type: JobType = Field(JobType.VIDEO_FAST, description="What the text is for: it sets length and style.")
    quality: Quality = Field(Quality.FAST, description="How much is added.")
    enhancement_type: str = Field("manual", min_length=1, max_length=64, description="The caller's name for this kind "
                                  "of enhancement; it comes back with the answer.")
    system_prompt: str | None = Field(None, max_length=MAX_PROMPT_CHARS, description="Instructions for the model.")
    context: str | None = Field(None, max_length=MAX_PROMPT_CHARS, description="What the model should know beside it.")

    def request(self) -> EnhanceRequest:
        return EnhanceRequest(
            self.prompt, mode=default_mode(self.job_type), job_type=self.job_type, quality=self.quality,
            enhancement_type=self.enhancement_type, system_prompt=self.system_prompt or "", context=self.context or "")


class LegacyIn(BaseModel):
    """A prompt and nothing else."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"prompt": "a cat on a roof"}]})

    prompt: str = Field(min_length=1, max_length=MAX_PROMPT_CHARS, pattern=r"\S", description="The words to enhance.")

    def request(self) -> EnhanceRequest:
        return EnhanceRequest(self.prompt, enhancement_type="legacy")


class OptimizationsOut(BaseModel):
    """What this server did, or has ready, beside asking a model."""

    caching: bool = Field(description="The answer is kept, and the same question is answered from there.")
    post_processing: bool = Field(description="The text was checked against the original and fitted to its budget.")
    fallback_ready: bool = Field(description="Where no model can be used, rules write the text.")


class SdxlOut(BaseModel):
    has_quality_tags: bool
    has_lighting: bool
    has_technical_terms: bool
    has_resolution: bool
    token_count: int


class WanOut(BaseModel):
    has_motion: bool
    has_cinematography: bool
    has_temporal_consistency: bool
    has_quality_terms: bool
    token_count: int


class EnhanceOut(BaseModel):
    """The enhanced prompt. `enhancement_source` says who wrote it; one of the last two fields is there, by job type."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ANSWER]})

    success: Literal[True] = True
    original_prompt: str
    enhanced_prompt: str
    generation_time: float = Field(description="Seconds, waiting not counted.")
    enhancement_type: str
    job_type: JobType
    quality: Quality
    enhancement_source: Level
    cache_hit: bool
    worker_optimizations: OptimizationsOut
    quality_score: float = Field(ge=0, le=1)
    sdxl_optimizations: SdxlOut | None = None
    wan_optimizations: WanOut | None = None

    @staticmethod
    def of(result: EnhanceResult) -> EnhanceOut:
        found = dict(result.score.found) if result.score else {}
        count = result.tokens.count if result.tokens else 0
        image = spec_of(result.job_type, result.quality).is_image
        return EnhanceOut(
            original_prompt=result.original, enhanced_prompt=result.enhanced, generation_time=round(result.seconds, 4),
            enhancement_type=result.enhancement_type, job_type=result.job_type, quality=result.quality,
            enhancement_source=result.level, cache_hit=result.cache_hit,
            worker_optimizations=OptimizationsOut(caching=True, post_processing=True, fallback_ready=True),
            quality_score=result.score.value if result.score else 0.0,
            sdxl_optimizations=SdxlOut(token_count=count, **_flags(SdxlOut, found)) if image else None,
            wan_optimizations=None if image else WanOut(token_count=count, **_flags(WanOut, found)))


class LegacyOut(BaseModel):
    """The enhanced prompt alone."""

    success: Literal[True] = True
    original_prompt: str
    enhanced_prompt: str
    generation_time: float

    @staticmethod
    def of(result: EnhanceResult) -> LegacyOut:
        return LegacyOut(original_prompt=result.original, enhanced_prompt=result.enhanced,
                         generation_time=round(result.seconds, 4))


class EnhanceProblemOut(BaseModel):
    """An enhancement that failed. The prompt comes back as it was, so that a caller can go on with it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{
        "success": False, "error": "9 prompts are being enhanced or wait already.",
        "original_prompt": "a cat on a roof", "enhanced_prompt": "a cat on a roof", "field": "",
        "fix": "Try again in a moment."}]})

    success: Literal[False] = False
    error: str
    original_prompt: str = ""
    enhanced_prompt: str = Field("", description="The original prompt.")
    field: str = ""
    fix: str = ""

    @staticmethod
    def of(prompt: str, error: str, *, field: str = "", fix: str = "") -> EnhanceProblemOut:
        return EnhanceProblemOut(error=error, original_prompt=prompt, enhanced_prompt=prompt, field=field, fix=fix)


class JobTypeOut(BaseModel):
    """One job type: the most tokens of its text, whose tokens those are, and what its score looks for."""

    token_budget: int
    tokenizer: str
    elements: list[str]


class CacheOut(BaseModel):
    entries: int
    limit: int


class ProviderOut(BaseModel):
    """Where a language model could be, and its name; `reason` and `fix` say what is missing where it cannot be used."""

    name: Provider
    ok: bool
    model: str = ""
    reason: str = ""
    fix: str = ""


class ModelOut(BaseModel):
    """The language model in the assistant process, and what that process holds (GB of 2**30 bytes)."""

    state: Literal["not loaded", "loaded", "busy"]
    name: str = ""
    ram_gb: float = 0.0
    vram_gb: float = 0.0


class LineOut(BaseModel):
    """`in_use` prompts are being enhanced or wait; more than `places` are refused with 429."""

    in_use: int
    places: int


class InfoOut(BaseModel):
    job_types: dict[str, JobTypeOut]
    qualities: list[str]
    features: list[str]
    cache: CacheOut
    model: ModelOut
    provider: Provider = Field(description="The provider of the settings; auto takes the best that can be used.")
    providers: list[ProviderOut]
    line: LineOut


class ClearedOut(BaseModel):
    """What the cache held: how many answers, and how often they had been used."""

    success: Literal[True] = True
    entries_cleared: int
    hits: int
    cache_size: int


def _flags(kind: type[BaseModel], found: dict[str, bool]) -> dict[str, Any]:
    return {name: bool(found.get(name)) for name in kind.model_fields if name.startswith("has_")}
