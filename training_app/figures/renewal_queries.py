"""Permits and levels that end in the months to come: how many by unit, and whose."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.models import Assignment, PersonProfile
from training_app.accounts.queries import holds_on
from training_app.accounts.rules import AssignmentKind
from training_app.calendar.rules import day_start, last_day, legal_day
from training_app.figures.models import ExamCapacity
from training_app.figures.renewal_rules import Person
from training_app.status.models import LevelHeld, PersonState

ZONE = "Asia/Shanghai"
MOST = 5000


@dataclass(frozen=True, kw_only=True)
class Holder:
    """Whose permit ends."""

    person: Person
    number: str
    name: str
    permit_number: str | None
    unit_id: int


def permits(session: Session, members: Mapping[int, int], months: Sequence[date]) -> dict[tuple[int, int], int]:
    """Return (group, month) -> how many permits end; `months` ends with a day after the last; one read.

    A permit ends in the month of its last valid day.
    """
    state = PersonState
    runs = (state.revoked_at.is_(None), state.surrendered_at.is_(None))
    return _count(session, state.valid_until, state.person_id, runs, members, months)


def levels(session: Session, members: Mapping[int, int], months: Sequence[date]) -> dict[tuple[int, int], int]:
    """Return (group, month) -> how many levels end."""
    runs = (LevelHeld.withdrawn_at.is_(None),)
    return _count(session, LevelHeld.valid_until, LevelHeld.person_id, runs, members, months)


def _count(
    session: Session, until: Any, person_id: Any, runs: Sequence[Any], members: Mapping[int, int],
    months: Sequence[date],
) -> dict[tuple[int, int], int]:  # fmt: skip
    # The last day is the one before an exclusive end: an end at the very start of a month is of the month before.
    starts = [day_start(month, ZONE) for month in months]
    month = sa.case(*((until <= starts[n + 1], n) for n in range(len(starts) - 1))).label("month")
    rows = session.execute(
        sa.select(Assignment.unit_id, month, sa.func.count().label("ends"))
        .join(Assignment, _main(person_id, starts[0]))
        .where(until > starts[0], until <= starts[-1], Assignment.unit_id.in_(sorted(members)), *runs)
        .group_by(Assignment.unit_id, month)
    )
    found: dict[tuple[int, int], int] = {}
    for row in rows:
        key = members[row.unit_id], row.month
        found[key] = found.get(key, 0) + row.ends
    return found


def _main(person_id: Any, at: datetime) -> sa.ColumnElement[bool]:
    on = legal_day(at, ZONE)
    return sa.and_(Assignment.person_id == person_id, Assignment.kind == AssignmentKind.MAIN, *holds_on(Assignment, on))


def holders(
    session: Session, units: Collection[int], start: date, end: date, *, on: date, most: int = MOST
) -> list[Holder] | None:
    """Return whose permit has its last day from `start` until before `end`, by that day; None where it is too many."""
    state = PersonState
    rows = session.execute(
        sa.select(
            state.person_id, state.valid_until, state.renewal_from, state.permit_number, PersonProfile.number,
            PersonProfile.name, Assignment.unit_id,
        )
        .join(PersonProfile, PersonProfile.person_id == state.person_id)
        .join(Assignment, _main(state.person_id, day_start(on, ZONE)))
        .where(
            state.valid_until > day_start(start, ZONE), state.valid_until <= day_start(end, ZONE),
            Assignment.unit_id.in_(sorted(units)), state.revoked_at.is_(None), state.surrendered_at.is_(None),
        )
        .order_by(state.valid_until, state.person_id)
        .limit(most + 1)
    ).all()  # fmt: skip
    if len(rows) > most:
        return None
    return [
        Holder(
            person=Person(
                person_id=row.person_id, last_on=last_day(row.valid_until, ZONE),
                opens_on=legal_day(row.renewal_from, ZONE) if row.renewal_from else last_day(row.valid_until, ZONE),
            ),
            number=row.number, name=row.name, permit_number=row.permit_number, unit_id=row.unit_id,
        )
        for row in rows
    ]  # fmt: skip


def capacities(session: Session, units: Collection[int]) -> dict[int, int]:
    """Return how many renewals units can examine in a month, of those that have said so."""
    rows = session.execute(
        sa.select(ExamCapacity.unit_id, ExamCapacity.a_month).where(ExamCapacity.unit_id.in_(sorted(units)))
    )
    return dict(iter(rows))
