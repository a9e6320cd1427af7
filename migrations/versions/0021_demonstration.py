"""Mark a database that holds a demonstration

Revision: 0021, after 0020.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from training_app.db import UtcDateTime

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    numbers = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
    op.create_table(
        "demonstration",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "being-made", "made", "removed", name="demonstrationstate", native_enum=False, length=30,
                create_constraint=True,
            ),
            nullable=False,
        ),
        sa.Column("people", numbers, nullable=False),
        sa.Column("units", numbers, nullable=False),
        sa.Column("begun_at", UtcDateTime(), nullable=False),
        sa.Column("made_at", UtcDateTime(), nullable=True),
        sa.Column("removed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("id = 1", name="ck_demonstration_one_row"),
        sa.PrimaryKeyConstraint("id", name="pk_demonstration"),
    )  # fmt: skip


def downgrade() -> None:
    """Go down."""
    op.drop_table("demonstration")
