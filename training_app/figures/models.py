"""What figures over people are measured by: how many visits there were, and how many examinations a unit can hold."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import Key, db


class VisitCount(db.Model):
    """How many visits a unit, or one person in it, made in a month; a later figure takes the place of an earlier one.

    `month`: its first day. `reporter_id`: by whom these visits were looked at, where that was told. `batch_id`: the
    import that brought it. `slot`: month, unit, person and reporter in one word, of which one count stands at a time.
    """

    __tablename__ = "visit_count"
    __table_args__ = (
        sa.Index("ix_visit_count_month", "month", "unit_id"),
        sa.Index("ix_visit_count_batch", "batch_id"),
        sa.Index("ix_visit_count_superseded", "superseded_at"),
        sa.Index(
            "uq_visit_count_standing", "slot", unique=True, sqlite_where=sa.text("superseded_at IS NULL"),
            postgresql_where=sa.text("superseded_at IS NULL"),
        ),
        sa.CheckConstraint("visits >= 0", name="visits_not_negative"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    month: Mapped[date]
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"))
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    reporter_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    slot: Mapped[str] = mapped_column(sa.String(90))
    visits: Mapped[int]
    batch_id: Mapped[int | None] = mapped_column(sa.BigInteger)
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    superseded_at: Mapped[datetime | None]
    superseded_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))


class ExamCapacity(db.Model):
    """How many renewals a unit, with all below it, can examine in a month; no row: nobody has said."""

    __tablename__ = "exam_capacity"

    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"), primary_key=True, autoincrement=False)
    a_month: Mapped[int]
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
