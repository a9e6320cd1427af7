"""Keep the day on which a state licence was ended and who corrected it, and find licences by their last day

Revision: 0014, after 0015.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0015"
branch_labels = None
depends_on = None

NAME = "fk_licence_superseded_by_person"


def upgrade() -> None:
    """Go up."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    with op.batch_alter_table("licence") as batch:
        batch.add_column(sa.Column("ended_on", sa.Date(), nullable=True))
        batch.add_column(sa.Column("superseded_by", key, nullable=True))
        batch.create_foreign_key(op.f(NAME), "person", ["superseded_by"], ["id"])
        batch.create_index("ix_licence_expires_on", ["expires_on", "id"])


def downgrade() -> None:
    """Go down; the audit trail still says what was ended, and who did it."""
    with op.batch_alter_table("licence") as batch:
        batch.drop_index("ix_licence_expires_on")
        batch.drop_constraint(op.f(NAME), type_="foreignkey")
        batch.drop_column("superseded_by")
        batch.drop_column("ended_on")
