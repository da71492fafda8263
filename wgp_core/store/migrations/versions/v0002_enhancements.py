"""Cached answers of the prompt enhancer, and how prompts came about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "enhancements",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("hits", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_enhancements"),
    )
    op.create_index("ix_enhancements_created_at", "enhancements", ["created_at"])
    op.create_table(
        "prompt_evolution",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=True),
        sa.Column("draft_id", sa.String(64)),
        sa.Column("job_id", sa.String(32)),
        sa.Column("generation_id", sa.String(32)),
        sa.Column("original", sa.Text(), nullable=False),
        sa.Column("enhanced", sa.Text(), nullable=False),
        sa.Column("level", sa.String(32), nullable=False),
        sa.Column("provider", sa.String(32), nullable=False),
        sa.Column("model", sa.String(256), nullable=False),
        sa.Column("accepted", sa.Text()),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_prompt_evolution"),
    )
    for column in ("draft_id", "job_id", "generation_id"):
        op.create_index(f"ix_prompt_evolution_{column}", "prompt_evolution", [column])
