"""How many visits stand recorded."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.figures.models import VisitCount

Key = tuple[date, int, int | None, int | None]


@dataclass(frozen=True, kw_only=True)
class Visits:
    """A count: the first day of its month, the unit, and the person and the reporter where they were told."""

    month: date
    unit_id: int
    visits: int
    person_id: int | None = None
    reporter_id: int | None = None
    row_id: int | None = None

    @property
    def key(self) -> Key:
        """What makes two counts speak of the same visits."""
        return self.month, self.unit_id, self.person_id, self.reporter_id


def standing(session: Session, months: Collection[date], units: Collection[int]) -> list[Visits]:
    """Return what stands for months of units; one read."""
    wanted = sorted(months)
    if not wanted:
        return []
    rows = session.execute(
        sa.select(
            VisitCount.id, VisitCount.month, VisitCount.unit_id, VisitCount.person_id, VisitCount.reporter_id,
            VisitCount.visits,
        )
        .where(VisitCount.month.in_(wanted), VisitCount.superseded_at.is_(None))
        .order_by(VisitCount.month, VisitCount.unit_id, VisitCount.id)
    )  # fmt: skip
    return [
        Visits(row_id=row.id, month=row.month, unit_id=row.unit_id, person_id=row.person_id,
               reporter_id=row.reporter_id, visits=row.visits)
        for row in rows
        if row.unit_id in units
    ]  # fmt: skip
