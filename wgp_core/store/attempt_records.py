"""Scenes, hero frames, iterations and attempts as the repository takes and returns them: frozen, no SQL.

Ids are 12 hex digits. Scores are 0..1. A `report` is a `QualityReport` in its JSON form.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from ..request import CameraMovement, VideoRequest


class IterationState(enum.StrEnum):
    """`open` while attempts are made; `failed` where none could be made; `done` once they are ranked."""

    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class SceneRecord:
    """What is being made, over as many iterations as it takes. `request` is the one that it begins with.

    `hero_frame_id` is the still that was chosen for it, `selected_attempt_id` the video that counts now.
    """

    id: str
    work_id: str
    number: int
    prompt: str
    negative_prompt: str = ""
    camera_movement: CameraMovement = CameraMovement.STATIC
    hero_frame_id: str | None = None
    selected_attempt_id: str | None = None
    request: VideoRequest | None = None
    created_at: datetime | None = None


@dataclass(frozen=True)
class HeroFrameRecord:
    """One still of a scene. `id` is empty and `number` 0 until it is kept.

    `path` follows the picture when the library moves it. `changes` says what differs from the still `parent_id`.
    """

    scene_id: str
    path: Path
    prompt: str
    seed: int
    engine: str
    id: str = ""
    number: int = 0
    parent_id: str | None = None
    generation_id: str | None = None
    enhanced_prompt: str | None = None
    negative_prompt: str = ""
    model: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    total: float | None = None
    report: Mapping[str, Any] | None = field(default=None, compare=False)
    created_at: datetime | None = None


@dataclass(frozen=True)
class IterationRecord:
    """One round of attempts. `review` says why a person should look; it is empty where nobody need.

    `seeds` are those of its attempts in order, made or not. `changes` says what differs from the round `parent_id`;
    `ranking` is a `Ranking` in JSON, None until there is one. `automatic` is a round that refinement began, `flagged`
    one that a person marked.
    """

    id: str
    scene_id: str
    iteration: int
    state: IterationState
    request: VideoRequest
    parent_id: str | None = None
    parent_attempt_id: str | None = None
    hero_frame_id: str | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    ranking: Mapping[str, Any] | None = None
    review: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    automatic: bool = False
    flagged: bool = False
    notes: str = ""
    created_at: datetime | None = None
    finished_at: datetime | None = None


@dataclass(frozen=True)
class AttemptRecord:
    """One video of a round; `path` is None and `error` says why where there is none. `number` counts from 1.

    `proposed` is what the scores took, `selected` what counts now, `by_person` whether a person took it.
    """

    iteration_id: str
    number: int
    seed: int
    id: str = ""
    parent_attempt_id: str | None = None
    generation_id: str | None = None
    path: Path | None = None
    error: str = ""
    warnings: tuple[str, ...] = ()
    total: float | None = None
    report: Mapping[str, Any] | None = field(default=None, compare=False)
    rank: int | None = None
    proposed: bool = False
    selected: bool = False
    by_person: bool = False
    created_at: datetime | None = None


@dataclass(frozen=True)
class Verdict:
    """How a round ended. `ranks` maps attempt ids to ranks; `proposed` is the attempt that the scores took, if any."""

    ranking: Mapping[str, Any]
    ranks: Mapping[str, int]
    proposed: str | None
    review: tuple[str, ...] = ()


@dataclass(frozen=True)
class MetricRecord:
    """One dimension of an attempt: `kind` is "exact", "estimate" or "unavailable", `value` 0..1."""

    attempt_id: str
    dimension: str
    kind: str
    value: float | None
    raw: float | None


@dataclass(frozen=True)
class DecisionRecord:
    """A person's word on a suggestion for an attempt: `suggestion` is it in JSON, `key` its name."""

    attempt_id: str
    key: str
    accepted: bool
    suggestion: Mapping[str, Any] = field(default_factory=dict)
    decided_at: datetime | None = None
