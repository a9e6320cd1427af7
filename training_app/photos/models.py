"""Batches of photos: the zip, and a line for every picture in it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import Key, db, enum_column
from training_app.photos.rules import BatchState, ItemState


class PhotoBatch(db.Model):
    """One zip. `through`: how far the work behind `state` has come; the file goes once it is read.

    Photos, earlier ones included, are let go (`cleared_at`) when the time for undoing is over.
    """

    __tablename__ = "photo_batch"
    __table_args__ = (sa.Index("ix_photo_batch_creator", "created_by", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    state: Mapped[BatchState] = mapped_column(enum_column(BatchState))
    file_name: Mapped[str] = mapped_column(sa.String(200))
    sha256: Mapped[str | None] = mapped_column(sa.ForeignKey("blob.sha256"))
    problem: Mapped[str | None] = mapped_column(sa.String(60))
    through: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    total: Mapped[int] = mapped_column(default=0)
    rounds: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    cleared_at: Mapped[datetime | None]


class PhotoItem(db.Model):
    """One picture: whom its name leads to, the cleaned photo, and the photo that was there before it."""

    __tablename__ = "photo_item"
    __table_args__ = (
        sa.UniqueConstraint("batch_id", "place"),
        sa.Index("ix_photo_item_state", "batch_id", "state", "id"),
        sa.Index("ix_photo_item_person", "person_id"),
        sa.Index("ix_photo_item_sha256", "sha256"),
        sa.Index("ix_photo_item_before", "before_sha256"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    batch_id: Mapped[int] = mapped_column(sa.ForeignKey("photo_batch.id"))
    place: Mapped[int]
    name: Mapped[str] = mapped_column(sa.String(120))
    state: Mapped[ItemState] = mapped_column(enum_column(ItemState))
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    sha256: Mapped[str | None] = mapped_column(sa.ForeignKey("blob.sha256"))
    before_sha256: Mapped[str | None] = mapped_column(sa.ForeignKey("blob.sha256"))
