"""The tables, as SQLAlchemy maps them. Nothing outside `wgp_core.store` sees these classes.

A change here needs a migration in `migrations/versions` and a new `database.SCHEMA_HEAD`; a test compares both.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, DateTime, ForeignKey, Index, MetaData, String, Text, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def utc_now() -> datetime:
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC outside, naive UTC in the file (SQLite keeps no zone)."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Any) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class JobRow(Base):
    __tablename__ = "jobs"
    __table_args__ = (
        CheckConstraint("state IN ('queued','running','done','failed','cancelled','interrupted')", name="state"),
        Index("ix_jobs_order", "state", "priority", "position"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    position: Mapped[int] = mapped_column(default=0)
    priority: Mapped[int] = mapped_column(default=0)
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    source: Mapped[str] = mapped_column(String(16))
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(Text, default="")
    warnings: Mapped[list[str]] = mapped_column(JSON, default=list)
    memory_note: Mapped[str] = mapped_column(Text, default="")
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    preview: Mapped[str | None] = mapped_column(Text)
    worker_pid: Mapped[int | None]
    planned_output: Mapped[str | None] = mapped_column(Text)
    generation_id: Mapped[str | None] = mapped_column(ForeignKey("generations.id", ondelete="SET NULL"))
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, onupdate=utc_now, index=True)


class GenerationRow(Base):
    """`job_id` is unique: a job is recorded once at most. It is no foreign key, since finished jobs may be cleared."""

    __tablename__ = "generations"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    job_id: Mapped[str | None] = mapped_column(String(32), unique=True)
    path: Mapped[str] = mapped_column(Text, index=True)
    poster: Mapped[str | None] = mapped_column(Text)
    side_files: Mapped[list[str]] = mapped_column(JSON, default=list)
    prompt: Mapped[str] = mapped_column(Text, default="")
    enhanced_prompt: Mapped[str | None] = mapped_column(Text)
    search_text: Mapped[str] = mapped_column(Text, default="")
    engine: Mapped[str] = mapped_column(String(64), index=True)
    model: Mapped[str | None] = mapped_column(String(256))
    width: Mapped[int]
    height: Mapped[int]
    fps: Mapped[int]
    frames: Mapped[int]
    seconds: Mapped[float]
    seed: Mapped[int] = mapped_column(default=-1)
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)
    warnings: Mapped[list[str]] = mapped_column(JSON, default=list)
    favourite: Mapped[bool] = mapped_column(default=False)
    notes: Mapped[str] = mapped_column(Text, default="")
    took_s: Mapped[float | None]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)
    trashed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    trash_map: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    """Place in the trash -> where the file came from; empty while the video is not in the trash."""
    parent_id: Mapped[str | None] = mapped_column(String(32), index=True)
    """The video that it was refined from; no foreign key, since that one may be deleted."""
    iteration: Mapped[int] = mapped_column(default=1, server_default="1")


class FlagRow(Base):
    """Small facts that must survive a restart, by name ("paused")."""

    __tablename__ = "flags"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[str] = mapped_column(Text, default="")


class EnhancementRow(Base):
    """One cached answer of the prompt enhancer. `key` is the SHA-256 of all that changes the answer, in hex."""

    __tablename__ = "enhancements"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    result: Mapped[dict[str, Any]] = mapped_column(JSON)
    hits: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now, index=True)


class EvolutionRow(Base):
    """How a prompt came about: one row for each enhancement that was shown or used.

    A row belongs to a draft of the window, a job, a video of the library, or several of these as one becomes the other.
    None of them is a foreign key, since drafts have no table and jobs may be cleared. `accepted` is NULL until somebody
    decided.
    """

    __tablename__ = "prompt_evolution"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    draft_id: Mapped[str | None] = mapped_column(String(64), index=True)
    job_id: Mapped[str | None] = mapped_column(String(32), index=True)
    generation_id: Mapped[str | None] = mapped_column(String(32), index=True)
    original: Mapped[str] = mapped_column(Text)
    enhanced: Mapped[str] = mapped_column(Text)
    level: Mapped[str] = mapped_column(String(32))
    provider: Mapped[str] = mapped_column(String(32))
    model: Mapped[str] = mapped_column(String(256), default="")
    accepted: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
