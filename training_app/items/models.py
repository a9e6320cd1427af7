"""Forms drawn from blueprints, and how often an item has been seen."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import APPEND_ONLY, Key, db


class ExamForm(db.Model):
    """One paper: drawn from a blueprint version with a stored seed; never changes.

    `body` lists the items in order: item key, item version id, order of the options by id.
    """

    __tablename__ = "exam_form"
    __table_args__ = ({"info": {APPEND_ONLY: True}},)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    blueprint_version_id: Mapped[int] = mapped_column(sa.ForeignKey("content_version.id"))
    seed: Mapped[int] = mapped_column(sa.BigInteger)
    body: Mapped[list[Any]]
    sha256: Mapped[str] = mapped_column(sa.String(64))
    created_at: Mapped[datetime]


class ItemExposure(db.Model):
    """How many forms an item has stood in, and when last."""

    __tablename__ = "item_exposure"

    item_key: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    drawn: Mapped[int] = mapped_column(default=0)
    last_drawn_at: Mapped[datetime]
