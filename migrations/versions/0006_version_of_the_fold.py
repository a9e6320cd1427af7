"""Keep with which version of the fold the rows of people were made

Revision: 0006, after 0005.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import training_app.db

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up; nobody knows yet how the rows were made, so that the next start folds everybody anew."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "status_fold",
        sa.Column("id", key, nullable=False),
        sa.Column("version", sa.String(length=64), nullable=True),
        sa.Column("next_version", sa.String(length=64), nullable=True),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("made_at", training_app.db.UtcDateTime(), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_status_fold_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_status_fold")),
    )


def downgrade() -> None:
    """Go down; the rows stay, fold them anew by hand."""
    op.drop_table("status_fold")
