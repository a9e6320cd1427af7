"""Let somebody have a longer limit in every exam of a period

Revision: 0008, after 0007.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import training_app.db
from training_app.triggers import keep_apart

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OPEN = sa.text("valid_to IS NULL AND superseded_at IS NULL")


def upgrade() -> None:
    """Go up; until HR records one, everybody writes within the limit of the blueprint."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "time_factor",
        sa.Column("person_id", key, nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("payload_id", key, nullable=False),
        sa.Column("id", key, nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("superseded_at", training_app.db.UtcDateTime(), nullable=True),
        sa.Column("by_id", key, nullable=True),
        sa.CheckConstraint("percent BETWEEN 101 AND 300", name=op.f("ck_time_factor_longer_only")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_time_factor_in_order")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_time_factor_person_id_person")),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name=op.f("fk_time_factor_payload_id_payload")),
        sa.ForeignKeyConstraint(["by_id"], ["person.id"], name=op.f("fk_time_factor_by_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_factor")),
    )
    op.create_index("ix_time_factor_person", "time_factor", ["person_id"])
    op.create_index(
        "uq_time_factor_open", "time_factor", ["person_id"], unique=True, sqlite_where=OPEN, postgresql_where=OPEN
    )
    keep_apart(op.get_bind(), ["time_factor"])


def downgrade() -> None:
    """Go down; attempts keep the factor they began with, the audit trail keeps who gave what."""
    op.drop_table("time_factor")
