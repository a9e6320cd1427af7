"""Keep the codes that phones show at doors

Revision: 0015, after 0012.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.db import UtcDateTime

revision = "0015"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "live_code",
        sa.Column("id", key, nullable=False),
        sa.Column("person_id", key, nullable=False),
        sa.Column("permit_id", key, nullable=False),
        sa.Column("code", sa.String(22), nullable=False),
        sa.Column("digits", sa.String(8), nullable=False),
        sa.Column("issued_at", UtcDateTime(), nullable=False),
        sa.Column("until_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["permit_id"], ["permit.id"], name=op.f("fk_live_code_permit_id_permit")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_live_code_person_id_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_code")),
        sa.UniqueConstraint("code", name=op.f("uq_live_code_code")),
        sa.UniqueConstraint("digits", name=op.f("uq_live_code_digits")),
    )
    op.create_index("ix_live_code_person", "live_code", ["person_id", "until_at"])
    op.create_index("ix_live_code_until", "live_code", ["until_at"])


def downgrade() -> None:
    """Go down; codes on phones are made anew within two minutes."""
    op.drop_table("live_code")
