"""Keep batches of photos from a zip

Revision: 0015c, after 0015b.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.db import UtcDateTime

revision = "0015c"
down_revision = "0015b"
branch_labels = None
depends_on = None

BATCH = ("reading", "unreadable", "read", "applying", "applied", "undoing", "undone", "dropped")
ITEM = (
    "matched", "same", "nobody", "several", "twice", "not_a_photo", "too_large", "locked", "applied", "gone", "undone",
    "kept",
)  # fmt: skip


def _states(name: str, *values: str) -> sa.Enum:
    return sa.Enum(*values, name=name, native_enum=False, create_constraint=True, length=30)


def upgrade() -> None:
    """Go up."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "photo_batch",
        sa.Column("id", key, nullable=False),
        sa.Column("state", _states("batchstate", *BATCH), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("problem", sa.String(60), nullable=True),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("rounds", sa.Integer(), nullable=False),
        sa.Column("created_by", key, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("applied_at", UtcDateTime(), nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("cleared_at", UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["person.id"], name=op.f("fk_photo_batch_created_by_person")),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_photo_batch_sha256_blob")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_batch")),
    )
    op.create_index("ix_photo_batch_creator", "photo_batch", ["created_by", "id"])
    op.create_table(
        "photo_item",
        sa.Column("id", key, nullable=False),
        sa.Column("batch_id", key, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("state", _states("itemstate", *ITEM), nullable=False),
        sa.Column("person_id", key, nullable=True),
        sa.Column("sha256", sa.String(64), nullable=True),
        sa.Column("before_sha256", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(["batch_id"], ["photo_batch.id"], name=op.f("fk_photo_item_batch_id_photo_batch")),
        sa.ForeignKeyConstraint(["before_sha256"], ["blob.sha256"], name=op.f("fk_photo_item_before_sha256_blob")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_photo_item_person_id_person")),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_photo_item_sha256_blob")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_item")),
        sa.UniqueConstraint("batch_id", "place", name=op.f("uq_photo_item_batch_id_place")),
    )
    op.create_index("ix_photo_item_state", "photo_item", ["batch_id", "state", "id"])
    op.create_index("ix_photo_item_person", "photo_item", ["person_id"])
    op.create_index("ix_photo_item_sha256", "photo_item", ["sha256"])
    op.create_index("ix_photo_item_before", "photo_item", ["before_sha256"])


def downgrade() -> None:
    """Go down; photos that were set stay set."""
    op.drop_table("photo_item")
    op.drop_table("photo_batch")
