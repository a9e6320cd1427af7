"""Keep the tokens by which other programs ask

Revision: 0024, after 0031.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from training_app.db import Json, UtcDateTime

revision = "0024"
down_revision = "0031"
branch_labels = None
depends_on = None

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Go up."""
    op.create_table(
        "api_token",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("prefix", sa.String(12), nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("purpose", sa.String(200), nullable=False),
        sa.Column("scopes", Json, nullable=False),
        sa.Column("units", Json, nullable=False),
        sa.Column("owner_id", _KEY, nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("last_used_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("revoked_by", _KEY, nullable=True),
        sa.CheckConstraint("expires_at > created_at", name=op.f("ck_api_token_ends_after_it_begins")),
        sa.ForeignKeyConstraint(["owner_id"], ["person.id"], name=op.f("fk_api_token_owner_id_person")),
        sa.ForeignKeyConstraint(["revoked_by"], ["person.id"], name=op.f("fk_api_token_revoked_by_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_api_token_token_hash")),
    )
    op.create_index("ix_api_token_owner", "api_token", ["owner_id"])


def downgrade() -> None:
    """Go down."""
    op.drop_table("api_token")
