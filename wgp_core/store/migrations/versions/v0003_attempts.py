"""Scenes with hero frames, iterations and attempts; the parent and the iteration of a video."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

STATES = "state IN ('open','done','failed','cancelled')"


def upgrade() -> None:
    op.add_column("generations", sa.Column("parent_id", sa.String(32)))
    op.add_column("generations", sa.Column("iteration", sa.Integer(), nullable=False, server_default="1"))
    op.create_index("ix_generations_parent_id", "generations", ["parent_id"])
    _scenes()
    _hero_frames()
    _iterations()
    _attempts()
    _metrics()
    _decisions()


def _link(table: str, column: str, target: str, gone: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=f"fk_{table}_{column}_{target}", ondelete=gone)


def _scenes() -> None:
    op.create_table(
        "scenes",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("work_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("negative_prompt", sa.Text(), nullable=False),
        sa.Column("camera_movement", sa.String(32), nullable=False),
        sa.Column("hero_frame_id", sa.String(32)),
        sa.Column("selected_attempt_id", sa.String(32)),
        sa.Column("request", sa.JSON()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scenes"),
        sa.UniqueConstraint("work_id", "number", name="uq_scenes_work_id_number"),
    )
    op.create_index("ix_scenes_created_at", "scenes", ["created_at"])


def _hero_frames() -> None:
    op.create_table(
        "hero_frames",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("scene_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.String(32)),
        sa.Column("generation_id", sa.String(32)),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("enhanced_prompt", sa.Text()),
        sa.Column("negative_prompt", sa.Text(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("model", sa.String(256)),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("total", sa.Double()),
        sa.Column("report", sa.JSON()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_hero_frames"),
        sa.UniqueConstraint("scene_id", "number", name="uq_hero_frames_scene_id_number"),
        _link("hero_frames", "scene_id", "scenes", "CASCADE"),
        _link("hero_frames", "parent_id", "hero_frames", "SET NULL"),
        _link("hero_frames", "generation_id", "generations", "SET NULL"),
    )


def _iterations() -> None:
    op.create_table(
        "generation_iterations",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("scene_id", sa.String(32), nullable=False),
        sa.Column("iteration", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.String(32)),
        sa.Column("parent_attempt_id", sa.String(32)),
        sa.Column("hero_frame_id", sa.String(32)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("ranking", sa.JSON()),
        sa.Column("review", sa.JSON(), nullable=False),
        sa.Column("seeds", sa.JSON(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("flagged", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("finished_at", sa.DateTime()),
        sa.PrimaryKeyConstraint("id", name="pk_generation_iterations"),
        sa.UniqueConstraint("scene_id", "iteration", name="uq_generation_iterations_scene_id_iteration"),
        sa.CheckConstraint(STATES, name=op.f("ck_generation_iterations_state")),
        _link("generation_iterations", "scene_id", "scenes", "CASCADE"),
        _link("generation_iterations", "parent_id", "generation_iterations", "SET NULL"),
        _link("generation_iterations", "hero_frame_id", "hero_frames", "SET NULL"),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("iteration_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("parent_attempt_id", sa.String(32)),
        sa.Column("generation_id", sa.String(32)),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("path", sa.Text()),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("total", sa.Double()),
        sa.Column("report", sa.JSON()),
        sa.Column("rank", sa.Integer()),
        sa.Column("proposed", sa.Boolean(), nullable=False),
        sa.Column("selected", sa.Boolean(), nullable=False),
        sa.Column("by_person", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_attempts"),
        sa.UniqueConstraint("iteration_id", "number", name="uq_attempts_iteration_id_number"),
        _link("attempts", "iteration_id", "generation_iterations", "CASCADE"),
        _link("attempts", "parent_attempt_id", "attempts", "SET NULL"),
        _link("attempts", "generation_id", "generations", "SET NULL"),
    )
    op.create_index("ix_attempts_generation_id", "attempts", ["generation_id"])


def _metrics() -> None:
    op.create_table(
        "quality_metrics",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=True),
        sa.Column("attempt_id", sa.String(32)),
        sa.Column("hero_frame_id", sa.String(32)),
        sa.Column("dimension", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("value", sa.Double()),
        sa.Column("raw", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_quality_metrics"),
        _link("quality_metrics", "attempt_id", "attempts", "CASCADE"),
        _link("quality_metrics", "hero_frame_id", "hero_frames", "CASCADE"),
    )
    for column in ("attempt_id", "hero_frame_id"):
        op.create_index(f"ix_quality_metrics_{column}", "quality_metrics", [column])


def _decisions() -> None:
    op.create_table(
        "suggestion_decisions",
        sa.Column("attempt_id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("accepted", sa.Boolean(), nullable=False),
        sa.Column("suggestion", sa.JSON(), nullable=False),
        sa.Column("decided_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", "key", name="pk_suggestion_decisions"),
        _link("suggestion_decisions", "attempt_id", "attempts", "CASCADE"),
    )
