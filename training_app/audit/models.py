"""Audit entries, their anchors, and the erasable payloads of all event tables."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import APPEND_ONLY, Key, db


class Payload(db.Model):
    """Words or before/after values that may be erased; event rows keep only the salted digest.

    `person_id` is whose data it is. `body` and `salt` are emptied when it is erased.
    """

    __tablename__ = "payload"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    body: Mapped[str | None] = mapped_column(sa.Text)
    language: Mapped[str | None] = mapped_column(sa.String(10))
    salt: Mapped[str | None] = mapped_column(sa.String(64))
    digest: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class AuditHead(db.Model):
    """The end of one hash chain: a person's (`person:7`) or the `system`'s; `anchored_seq` is how far anchors reach."""

    __tablename__ = "audit_head"

    stream: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    seq: Mapped[int]
    hash: Mapped[str] = mapped_column(sa.String(64))
    last_recorded_at: Mapped[datetime]
    anchored_seq: Mapped[int] = mapped_column(default=0, server_default="0")


class AuditEntry(db.Model):
    """Who did what, when: one link of a stream's chain."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        sa.UniqueConstraint("stream", "seq"),
        sa.Index("ix_audit_entry_recorded_at", "recorded_at"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    stream: Mapped[str] = mapped_column(sa.String(40))
    seq: Mapped[int]
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"), index=True)
    action: Mapped[str] = mapped_column(sa.String(60))
    subject: Mapped[str] = mapped_column(sa.String(80))
    facts: Mapped[str] = mapped_column(sa.Text)
    idem: Mapped[str] = mapped_column(sa.String(200), unique=True)
    request_id: Mapped[str | None] = mapped_column(sa.String(40))
    payload_id: Mapped[int | None] = mapped_column(sa.ForeignKey("payload.id"))
    payload_digest: Mapped[str | None] = mapped_column(sa.String(64))
    prev_hash: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))


class AuditAnchor(db.Model):
    """A periodic hash over the heads that grew since the anchor before; a stream cut short no longer meets it."""

    __tablename__ = "audit_anchor"
    __table_args__ = ({"info": {APPEND_ONLY: True}},)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    recorded_at: Mapped[datetime]
    heads: Mapped[str] = mapped_column(sa.Text)
    prev_hash: Mapped[str] = mapped_column(sa.String(64))
    hash: Mapped[str] = mapped_column(sa.String(64))
