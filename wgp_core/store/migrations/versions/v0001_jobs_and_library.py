"""Jobs, the library and small flags."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

STATES = "state IN ('queued','running','done','failed','cancelled','interrupted')"


def upgrade() -> None:
    _generations()
    _jobs()
    op.create_table("flags", sa.Column("name", sa.String(64), nullable=False),
                    sa.Column("value", sa.Text(), nullable=False), sa.PrimaryKeyConstraint("name", name="pk_flags"))


def _generations() -> None:
    op.create_table(
        "generations",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("job_id", sa.String(32)),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("poster", sa.Text()),
        sa.Column("side_files", sa.JSON(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("enhanced_prompt", sa.Text()),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("engine", sa.String(64), nullable=False),
        sa.Column("model", sa.String(256)),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("fps", sa.Integer(), nullable=False),
        sa.Column("frames", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("manifest", sa.JSON(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("favourite", sa.Boolean(), nullable=False),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("took_s", sa.Double()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("trashed_at", sa.DateTime()),
        sa.Column("trash_map", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_generations"),
        sa.UniqueConstraint("job_id", name="uq_generations_job_id"),
    )
    for column in ("path", "engine", "created_at", "trashed_at"):
        op.create_index(f"ix_generations_{column}", "generations", [column])


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("warnings", sa.JSON(), nullable=False),
        sa.Column("memory_note", sa.Text(), nullable=False),
        sa.Column("progress", sa.JSON()),
        sa.Column("preview", sa.Text()),
        sa.Column("worker_pid", sa.Integer()),
        sa.Column("planned_output", sa.Text()),
        sa.Column("generation_id", sa.String(32)),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("queued_at", sa.DateTime()),
        sa.Column("started_at", sa.DateTime()),
        sa.Column("finished_at", sa.DateTime()),
        sa.Column("updated_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.CheckConstraint(STATES, name=op.f("ck_jobs_state")),
        sa.ForeignKeyConstraint(["generation_id"], ["generations.id"], name="fk_jobs_generation_id_generations",
                                ondelete="SET NULL"),
    )
    op.create_index("ix_jobs_order", "jobs", ["state", "priority", "position"])
    op.create_index("ix_jobs_updated_at", "jobs", ["updated_at"])
