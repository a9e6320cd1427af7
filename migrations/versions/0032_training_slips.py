"""Keep training slips: the lesson that is to be read again after a case, or to win points back

Revision: 0032, after 0024.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.db import UtcDateTime
from training_app.triggers import guard, unguard

revision = "0032"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up; slips refuse changes."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "training_slip",
        sa.Column("person_id", key, nullable=False),
        sa.Column("permit_id", key, nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=False),
        sa.Column("case_id", key, nullable=True),
        sa.Column("lesson_key", sa.String(length=100), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("id", key, nullable=False),
        sa.Column("effective_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("actor_id", key, nullable=True),
        sa.Column("idem", sa.String(length=200), nullable=False),
        sa.Column("payload_id", key, nullable=True),
        sa.Column("payload_digest", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_training_slip_person_id_person"),
        sa.ForeignKeyConstraint(["permit_id"], ["permit.id"], name="fk_training_slip_permit_id_permit"),
        sa.ForeignKeyConstraint(["case_id"], ["permit_case.id"], name="fk_training_slip_case_id_permit_case"),
        sa.ForeignKeyConstraint(["actor_id"], ["person.id"], name="fk_training_slip_actor_id_person"),
        sa.ForeignKeyConstraint(["payload_id"], ["payload.id"], name="fk_training_slip_payload_id_payload"),
        sa.PrimaryKeyConstraint("id", name="pk_training_slip"),
        sa.UniqueConstraint("idem", name="uq_training_slip_idem"),
    )
    op.create_index("ix_training_slip_person", "training_slip", ["person_id", "seq"])
    op.create_index("ix_training_slip_due", "training_slip", ["due_on", "id"])
    guard(op.get_bind(), ["training_slip"])


def downgrade() -> None:
    """Go down; the audit trail keeps that slips were given."""
    unguard(op.get_bind(), ["training_slip"])
    op.drop_table("training_slip")
