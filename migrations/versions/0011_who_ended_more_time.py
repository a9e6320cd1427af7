"""Keep who ended or replaced a time factor, beside who recorded it

Revision: 0011, after 0010.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.triggers import overlapping

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

NAME = "fk_time_factor_superseded_by_person"
# What was ended so far was told to the audit trail at the same instant.
KNOWN = """
UPDATE time_factor SET superseded_by = (
  SELECT min(actor_id) FROM audit_entry
  WHERE subject = 'person:' || time_factor.person_id AND effective_at = time_factor.superseded_at
    AND action IN ('exam.time_factor_set', 'exam.time_factor_ended')
) WHERE superseded_at IS NOT NULL
"""


def upgrade() -> None:
    """Go up; the trail says who ended what was ended before."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    with overlapping(op.get_bind(), "time_factor"):
        with op.batch_alter_table("time_factor") as batch:
            batch.add_column(sa.Column("superseded_by", key, nullable=True))
            batch.create_foreign_key(op.f(NAME), "person", ["superseded_by"], ["id"])
        op.execute(KNOWN)


def downgrade() -> None:
    """Go down; the trail still says who ended what."""
    with overlapping(op.get_bind(), "time_factor"), op.batch_alter_table("time_factor") as batch:
        batch.drop_constraint(op.f(NAME), type_="foreignkey")
        batch.drop_column("superseded_by")
