"""Keep from which file and source a case came, and why an import was taken back

Revision: 0025, after 0023.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "case_source",
        sa.Column("case_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("source", sa.String(60), nullable=False),
        sa.Column("number", sa.String(60), nullable=False),
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["permit_case.id"], name=op.f("fk_case_source_case_id_permit_case")),
        sa.PrimaryKeyConstraint("case_id", name=op.f("pk_case_source")),
    )
    op.create_index("ix_case_source_key", "case_source", ["key"])
    op.create_index("ix_case_source_batch", "case_source", ["batch_id"])
    op.add_column("roster", sa.Column("source", sa.String(60), nullable=True))
    op.add_column("roster", sa.Column("reason", sa.Text(), nullable=True))


def downgrade() -> None:
    """Go down."""
    op.drop_column("roster", "reason")
    op.drop_column("roster", "source")
    op.drop_index("ix_case_source_batch", "case_source")
    op.drop_index("ix_case_source_key", "case_source")
    op.drop_table("case_source")
