"""The tables of the loop from hero frame to chosen video, as SQLAlchemy maps them (see `tables` for the rules)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from .tables import Base, UtcDateTime, utc_now


class SceneRow(Base):
    """What is being made. Scenes of one film share `work_id`; the id of a work stands nowhere else.

    `hero_frame_id` and `selected_attempt_id` are no foreign keys, since both point to their scene already.
    """

    __tablename__ = "scenes"
    __table_args__ = (UniqueConstraint("work_id", "number"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    work_id: Mapped[str] = mapped_column(String(32))
    number: Mapped[int]
    prompt: Mapped[str] = mapped_column(Text)
    negative_prompt: Mapped[str] = mapped_column(Text)
    camera_movement: Mapped[str] = mapped_column(String(32))
    hero_frame_id: Mapped[str | None] = mapped_column(String(32))
    selected_attempt_id: Mapped[str | None] = mapped_column(String(32))
    request: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)


class HeroFrameRow(Base):
    """One still of a scene. `changes` says what differs from the still `parent_id`."""

    __tablename__ = "hero_frames"
    __table_args__ = (UniqueConstraint("scene_id", "number"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    scene_id: Mapped[str] = mapped_column(ForeignKey("scenes.id", ondelete="CASCADE"))
    number: Mapped[int]
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("hero_frames.id", ondelete="SET NULL"))
    generation_id: Mapped[str | None] = mapped_column(ForeignKey("generations.id", ondelete="SET NULL"))
    path: Mapped[str] = mapped_column(Text)
    prompt: Mapped[str] = mapped_column(Text)
    enhanced_prompt: Mapped[str | None] = mapped_column(Text)
    negative_prompt: Mapped[str] = mapped_column(Text)
    seed: Mapped[int]
    engine: Mapped[str] = mapped_column(String(64))
    model: Mapped[str | None] = mapped_column(String(256))
    changes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    total: Mapped[float | None]
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class IterationRow(Base):
    """One round of attempts at a scene. `changes` says what differs from the round `parent_id`."""

    __tablename__ = "generation_iterations"
    __table_args__ = (UniqueConstraint("scene_id", "iteration"),
                      CheckConstraint("state IN ('open','done','failed','cancelled')", name="state"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    scene_id: Mapped[str] = mapped_column(ForeignKey("scenes.id", ondelete="CASCADE"))
    iteration: Mapped[int]
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("generation_iterations.id", ondelete="SET NULL"))
    parent_attempt_id: Mapped[str | None] = mapped_column(String(32))
    """The attempt that it started from; no foreign key, since attempts point to their round already."""
    hero_frame_id: Mapped[str | None] = mapped_column(ForeignKey("hero_frames.id", ondelete="SET NULL"))
    state: Mapped[str] = mapped_column(String(16), default="open")
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    changes: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    ranking: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    review: Mapped[list[str]] = mapped_column(JSON, default=list)
    seeds: Mapped[list[int]] = mapped_column(JSON, default=list)
    automatic: Mapped[bool] = mapped_column(default=False)
    flagged: Mapped[bool] = mapped_column(default=False)
    notes: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AttemptRow(Base):
    """One video of a round, or the error in its place.

    `proposed` is what the scores took, `selected` what counts now; `by_person` says that a person took it.
    """

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("iteration_id", "number"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    iteration_id: Mapped[str] = mapped_column(ForeignKey("generation_iterations.id", ondelete="CASCADE"))
    number: Mapped[int]
    parent_attempt_id: Mapped[str | None] = mapped_column(ForeignKey("attempts.id", ondelete="SET NULL"))
    generation_id: Mapped[str | None] = mapped_column(ForeignKey("generations.id", ondelete="SET NULL"), index=True)
    seed: Mapped[int]
    path: Mapped[str | None] = mapped_column(Text)
    error: Mapped[str] = mapped_column(Text, default="")
    warnings: Mapped[list[str]] = mapped_column(JSON, default=list)
    total: Mapped[float | None]
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    rank: Mapped[int | None]
    proposed: Mapped[bool] = mapped_column(default=False)
    selected: Mapped[bool] = mapped_column(default=False)
    by_person: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class MetricRow(Base):
    """One dimension of an attempt or of a hero frame (one of the two), for trends without reading whole reports."""

    __tablename__ = "quality_metrics"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    attempt_id: Mapped[str | None] = mapped_column(ForeignKey("attempts.id", ondelete="CASCADE"), index=True)
    hero_frame_id: Mapped[str | None] = mapped_column(ForeignKey("hero_frames.id", ondelete="CASCADE"), index=True)
    dimension: Mapped[str] = mapped_column(String(32))
    kind: Mapped[str] = mapped_column(String(16))
    value: Mapped[float | None]
    raw: Mapped[float | None]


class DecisionRow(Base):
    """What a person thought of a suggestion that was made for an attempt."""

    __tablename__ = "suggestion_decisions"

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    accepted: Mapped[bool]
    suggestion: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)


class ModelSuggestionRow(Base):
    """What a language model suggested for an attempt; rules are asked anew each time and are not kept."""

    __tablename__ = "model_suggestions"

    attempt_id: Mapped[str] = mapped_column(ForeignKey("attempts.id", ondelete="CASCADE"), primary_key=True)
    key: Mapped[str] = mapped_column(String(32), primary_key=True)
    suggestion: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
