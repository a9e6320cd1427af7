"""State licences (electrician, refrigeration, work at height …)."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import Key, db


class Licence(db.Model):
    """One licence of one person as recorded; a correction supersedes the row.

    `expires_on`: its last day, None without end. `ended_on`: the last day on which it counted, where it was ended.
    """

    __tablename__ = "licence"
    __table_args__ = (
        sa.Index("ix_licence_person", "person_id"),
        sa.Index("ix_licence_expires_on", "expires_on", "id"),
        sa.Index("ix_licence_file", "sha256"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(sa.String(60))
    number_payload_id: Mapped[int | None] = mapped_column(sa.ForeignKey("payload.id"))
    issuer: Mapped[str] = mapped_column(sa.String(200))
    issued_on: Mapped[date | None]
    expires_on: Mapped[date | None]
    ended_on: Mapped[date | None]
    sha256: Mapped[str | None] = mapped_column(sa.ForeignKey("blob.sha256"))
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    superseded_at: Mapped[datetime | None]
    superseded_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
