"""What an enhancement is asked for and what comes back. Data and protocols only; `enhancer` carries it out.

An enhancement rewrites a prompt for an image or video model and keeps what the person meant. It goes down a ladder of
levels until one gives a text that passes the checks of `fidelity`; the result says which one spoke and why.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from ..events import CancelToken


class JobType(enum.StrEnum):
    """What the text is for; `job_types` holds budget, wanted elements and weights of each."""

    SDXL_IMAGE_FAST = "sdxl_image_fast"
    SDXL_IMAGE_HIGH = "sdxl_image_high"
    VIDEO_FAST = "video_fast"
    VIDEO_HIGH = "video_high"
    WAN_7B_ENHANCED = "wan_7b_enhanced"


class Quality(enum.StrEnum):
    FAST = "fast"
    HIGH = "high"


class Mode(enum.StrEnum):
    """From what to what: text to video; a start image to video; a picture; the motion of a hero frame; a still."""

    TEXT_TO_VIDEO = "text-to-video"
    IMAGE_TO_VIDEO = "image-to-video"
    IMAGE = "image"
    MOTION = "motion"
    CINEMATOGRAPHER = "cinematographer"


class Level(enum.StrEnum):
    """Who spoke: a model with the caller's own instructions, a model with ours, or rules without a model."""

    EDGE = "edge_function"
    WORKER = "worker_fallback"
    EMERGENCY = "emergency_fallback"


class Provider(enum.StrEnum):
    """Where the language model is. `auto` takes the best that can be used."""

    AUTO = "auto"
    LOCAL = "local"
    OPENAI = "openai"
    RULES = "rules"


class TextModel(Protocol):
    """A language model. `strong` models rewrite freely; others choose among phrases and fill gaps."""

    name: str
    strong: bool

    def complete(self, system: str, user: str, *, max_new_tokens: int, seed: int,
                 cancel: CancelToken | None = None) -> str:
        """The model's answer. Raises `EngineMemoryError` where memory ran out, `EngineError` otherwise."""
        ...

    def rank(self, context: str, options: Sequence[str], *, cancel: CancelToken | None = None) -> Sequence[float]:
        """How well each option continues `context`: mean log-likelihood a token, higher is better."""
        ...

    def close(self) -> None:
        """Give the memory back."""
        ...


class TokenCounter(Protocol):
    """Counts tokens as the target model does. `exact` is False for an estimate; `name` says whose it is."""

    name: str
    exact: bool

    def count(self, text: str) -> int: ...


@dataclass(frozen=True)
class EnhanceRequest:
    """One prompt to enhance. `system_prompt` and `context` are a caller's own; with them the first level is tried.

    `model` names one of the provider's models ("" takes its default). `target_model` is the id of the image or video
    model that the text is for: its tokenizer counts, where it is installed. `protected` words (of LoRAs) survive every
    change.
    """

    prompt: str
    mode: Mode = Mode.TEXT_TO_VIDEO
    job_type: JobType = JobType.VIDEO_FAST
    quality: Quality = Quality.FAST
    enhancement_type: str = "manual"
    system_prompt: str = ""
    context: str = ""
    provider: Provider = Provider.AUTO
    model: str = ""
    target_model: str = ""
    seed: int = 0
    max_new_tokens: int = 256
    start_image: Path | None = None
    protected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Attempt:
    """One try on the way: `outcome` is "accepted", "repaired", "rejected", "failed" or "skipped"; `reason` in words."""

    level: Level
    provider: Provider
    outcome: str
    reason: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class TokenUse:
    """Tokens of the enhanced text against the job type's budget; `counted_by` names the tokenizer or the estimate."""

    count: int
    budget: int
    counted_by: str
    exact: bool


@dataclass(frozen=True)
class QualityScore:
    """0 to 1 for a job type, the elements that were found, and the reasons in words."""

    value: float
    found: Mapping[str, bool] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class EnhanceResult:
    """What came of an `EnhanceRequest`. `enhanced` is the original where nothing better could be had.

    `added` are the phrases that are not in the original, in order; `negative_prompt` is the one that suits the mode.
    """

    original: str
    enhanced: str
    level: Level
    provider: Provider
    model: str
    mode: Mode
    job_type: JobType
    quality: Quality
    enhancement_type: str
    negative_prompt: str = ""
    added: tuple[str, ...] = ()
    attempts: tuple[Attempt, ...] = ()
    tokens: TokenUse | None = None
    score_before: QualityScore | None = None
    score: QualityScore | None = None
    similarity: float | None = None
    caption: str = ""
    seconds: float = 0.0
    cache_hit: bool = False
    warnings: tuple[str, ...] = ()

    def summary(self) -> dict[str, object]:
        """What a record of a video keeps of it, in JSON types."""
        return {
            "level": self.level.value, "provider": self.provider.value, "model": self.model,
            "job_type": self.job_type.value, "quality": self.quality.value, "cache_hit": self.cache_hit,
            "seconds": round(self.seconds, 3), "similarity": self.similarity,
            "score": round(self.score.value, 3) if self.score else None,
            "tokens": {"count": self.tokens.count, "budget": self.tokens.budget, "counted_by": self.tokens.counted_by}
            if self.tokens else None,
            "attempts": [{"level": a.level.value, "provider": a.provider.value, "outcome": a.outcome,
                          "reason": a.reason, "seconds": round(a.seconds, 3)} for a in self.attempts],
        }
