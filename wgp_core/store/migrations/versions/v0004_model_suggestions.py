"""What language models suggested for attempts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_suggestions",
        sa.Column("attempt_id", sa.String(32), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("suggestion", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", "key", name="pk_model_suggestions"),
        sa.ForeignKeyConstraint(["attempt_id"], ["attempts.id"], name="fk_model_suggestions_attempt_id_attempts",
                                ondelete="CASCADE"),
    )
