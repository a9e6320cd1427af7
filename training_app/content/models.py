"""Versions of everything that is authored; the database is the truth, files are imports."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.content.rules import Change, ContentEventKind, Origin
from training_app.db import APPEND_ONLY, EventColumns, Key, db, enum_column


class ContentVersion(db.Model):
    """One version of one key; never changes. `body` is canonical JSON, one hash over both languages and all media."""

    __tablename__ = "content_version"
    __table_args__ = (
        sa.UniqueConstraint("kind", "key", "number"),
        sa.CheckConstraint("number > 0", name="number_positive"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(30))
    key: Mapped[str] = mapped_column(sa.String(100))
    number: Mapped[int]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    body: Mapped[str] = mapped_column(sa.Text)
    origin: Mapped[Origin] = mapped_column(enum_column(Origin))
    change: Mapped[Change] = mapped_column(enum_column(Change))
    effective_on: Mapped[date]
    source_path: Mapped[str | None] = mapped_column(sa.String(300))
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))


class ContentMedia(db.Model):
    """A file that a version shows, by the hash that went into the version's own."""

    __tablename__ = "content_media"
    __table_args__ = ({"info": {APPEND_ONLY: True}},)

    version_id: Mapped[int] = mapped_column(sa.ForeignKey("content_version.id"), primary_key=True)
    name: Mapped[str] = mapped_column(sa.String(200), primary_key=True)
    sha256: Mapped[str] = mapped_column(sa.ForeignKey("blob.sha256"))


class ContentEvent(EventColumns, db.Model):
    """Publication, retirement and sign-off of a version."""

    __tablename__ = "content_event"
    __table_args__ = (
        sa.Index("ix_content_event_version", "version_id"),
        {"info": {APPEND_ONLY: True}},
    )

    version_id: Mapped[int] = mapped_column(sa.ForeignKey("content_version.id"))
    kind: Mapped[ContentEventKind] = mapped_column(enum_column(ContentEventKind))
