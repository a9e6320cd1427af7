"""Keep prints of cards and slips for many

Revision: 0015b, after 0017.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.db import Json, UtcDateTime

revision = "0015b"
down_revision = "0017"
branch_labels = None
depends_on = None

STILL_THERE = sa.text("gone_at IS NULL")


def upgrade() -> None:
    """Go up."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    kind = sa.Enum("cards", "slips", name="printkind", native_enum=False, create_constraint=True, length=30)
    op.create_table(
        "print_run",
        sa.Column("id", key, nullable=False),
        sa.Column("kind", kind, nullable=False),
        sa.Column("created_by", key, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("token", sa.String(40), nullable=False),
        sa.Column("people", Json, nullable=False),
        sa.Column("printed", Json, nullable=False),
        sa.Column("left_out", Json, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("ready_at", UtcDateTime(), nullable=True),
        sa.Column("kept_until", UtcDateTime(), nullable=True),
        sa.Column("gone_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_print_run_created_by_person")),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_print_run_sha256_blob")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_print_run")),
        sa.UniqueConstraint("created_by", "token", name=op.f("uq_print_run_created_by_token")),
    )
    op.create_index("ix_print_run_creator", "print_run", ["created_by", "id"])
    op.create_index(
        "ix_print_run_open", "print_run", ["kept_until"], sqlite_where=STILL_THERE, postgresql_where=STILL_THERE
    )


def downgrade() -> None:
    """Go down; files of prints are made anew."""
    op.drop_table("print_run")
