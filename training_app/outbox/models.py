"""Effects to come."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import Key, db


class OutboxMessage(db.Model):
    """One effect written with the change that causes it, dispatched at least once after the commit.

    `key` makes it unique; consumers are idempotent. A message that failed too often keeps its error and waits for an
    administrator (`dead_at`).
    """

    __tablename__ = "outbox"
    __table_args__ = (
        sa.Index(
            "ix_outbox_waiting",
            "not_before",
            "id",
            sqlite_where=sa.text("dispatched_at IS NULL AND dead_at IS NULL"),
            postgresql_where=sa.text("dispatched_at IS NULL AND dead_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    topic: Mapped[str] = mapped_column(sa.String(60))
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    body: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    not_before: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(sa.Text)
    dispatched_at: Mapped[datetime | None]
    dead_at: Mapped[datetime | None]
