"""Keep how an employing company is called for who reads English; find the sessions and sittings that nobody ended

Revision: 0007, after 0006.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import training_app.db

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

OPEN_SESSION = sa.text("state IN ('planned', 'running')")
OPEN_SITTING = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "company",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("name_latin", sa.String(200), nullable=False),
        sa.Column("changed_at", training_app.db.UtcDateTime(), nullable=False),
        sa.Column("changed_by", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["changed_by"], ["person.id"], name=op.f("fk_company_changed_by_person")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_company")),
    )
    op.create_index(
        "ix_performance_open", "performance", ["planned_at"], sqlite_where=OPEN_SESSION, postgresql_where=OPEN_SESSION
    )
    op.create_index(
        "ix_sitting_open", "sitting", ["closes_at"], sqlite_where=OPEN_SITTING, postgresql_where=OPEN_SITTING
    )


def downgrade() -> None:
    """Go down; the English names are lost, the registered ones stand in the assignments."""
    op.drop_index("ix_sitting_open", "sitting")
    op.drop_index("ix_performance_open", "performance")
    op.drop_table("company")
