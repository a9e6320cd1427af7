"""Tokens by which other programs ask: of each only its hash is kept."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import Key, db


class ApiToken(db.Model):
    """A token of one purpose; whoever issued it owns it, and it never may more than they may now.

    `units`: the units it reaches, empty for all that its owner reaches. `prefix`: how it begins, to recognise it by.
    """

    __tablename__ = "api_token"
    __table_args__ = (
        sa.Index("ix_api_token_owner", "owner_id"),
        sa.CheckConstraint("expires_at > created_at", name="ends_after_it_begins"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    prefix: Mapped[str] = mapped_column(sa.String(12))
    name: Mapped[str] = mapped_column(sa.String(100))
    purpose: Mapped[str] = mapped_column(sa.String(200))
    scopes: Mapped[list[Any]]
    units: Mapped[list[Any]]
    owner_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    revoked_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
