"""Remind of courses, exams and the clocks of cases once a day; give each person the address of a calendar

Revision: 0016, after 0013.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.db import UtcDateTime

revision = "0016"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "reminder_day",
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("source", name="pk_reminder_day"),
    )
    op.create_table(
        "calendar_feed",
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_calendar_feed_person_id_person"),
        sa.PrimaryKeyConstraint("person_id", name="pk_calendar_feed"),
        sa.UniqueConstraint("token_hash", name="uq_calendar_feed_token_hash"),
    )
    op.create_index("ix_enrolment_due", "enrolment", ["due_on"])
    op.create_index("ix_delivery_outcome", "delivery", ["outcome", "id"])


def downgrade() -> None:
    """Go down."""
    op.drop_index("ix_delivery_outcome", "delivery")
    op.drop_index("ix_enrolment_due", "enrolment")
    op.drop_table("calendar_feed")
    op.drop_table("reminder_day")
