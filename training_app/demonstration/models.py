"""Whether this database holds a demonstration, and what belongs to it."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import db, enum_column


class DemonstrationState(StrEnum):
    """How far a demonstration is; one that was removed is never made again in the same database."""

    BEING_MADE = "being-made"
    MADE = "made"
    REMOVED = "removed"


class Demonstration(db.Model):
    """The one row that marks a database as a demonstration, with the numbers of its people and units.

    Whoever has another number came besides, by hand or by an import, and is not taken away unasked.
    """

    __tablename__ = "demonstration"
    __table_args__ = (sa.CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[DemonstrationState] = mapped_column(enum_column(DemonstrationState))
    people: Mapped[list[Any]]
    units: Mapped[list[Any]]
    begun_at: Mapped[datetime]
    made_at: Mapped[datetime | None]
    removed_at: Mapped[datetime | None]
