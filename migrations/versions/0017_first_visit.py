"""Remember who has ended the guided first visit

Revision: 0017, after 0016.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.db import UtcDateTime

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "first_visit",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_first_visit_person_id_person"),
        sa.PrimaryKeyConstraint("person_id", name="pk_first_visit"),
    )


def downgrade() -> None:
    """Go down."""
    op.drop_table("first_visit")
