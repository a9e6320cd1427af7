"""Sittings that nobody ended: how they stand by time alone, and the writing of it.

A sitting ends at the end of its day (or later, by the settings) once nobody writes any more; an attempt whose own time
is over does not hold it up, whether or not that was written yet. Before it is written every page reads the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.locks import lock_people
from training_app.audit import service as audit
from training_app.calendar import queries as calendar
from training_app.calendar.closing_rules import Standing, standing
from training_app.db import db, transaction
from training_app.exams import closing
from training_app.exams.models import Attempt, Seat, Sitting
from training_app.exams.rules import AttemptState


def standings(session: Session, sittings: Iterable[Sitting], now: datetime) -> dict[int, Standing]:
    """Return how sittings past their day that nobody ended stand, by id: ended by time, or somebody still writes."""
    over = {
        one.id: at
        for one in sittings
        if one.ended_at is None and now >= one.closes_at and now >= (at := calendar.closes_at(session, one.closes_at))
    }
    if not over:
        return {}
    writing, finished = dict.fromkeys(over, 0), dict[int, datetime]()
    for attempt in session.scalars(sa.select(Attempt).where(Attempt.sitting_id.in_(sorted(over)))):
        assert attempt.sitting_id is not None
        end = closing.end_of(attempt, now)
        if end is None:
            writing[attempt.sitting_id] += 1
        else:
            finished[attempt.sitting_id] = max(end, finished.get(attempt.sitting_id, end))
    found = {
        one: standing(at, unfinished=writing[one], last_finished=finished.get(one), now=now) for one, at in over.items()
    }
    return {one: stands for one, stands in found.items() if stands is not None}


def ended_at(session: Session, sitting: Sitting, now: datetime) -> datetime | None:
    """Return since when a sitting is ended, by who ended it or by time; None while it is not."""
    if sitting.ended_at is not None:
        return sitting.ended_at
    stands = standings(session, [sitting], now).get(sitting.id)
    return stands.closed_at if stands else None


def end_due(*, now: datetime, limit: int = 200) -> int:
    """End the sittings whose time has come, each in a transaction; return how many. Overdue attempts go first."""
    writes = sa.exists().where(Attempt.sitting_id == Sitting.id, Attempt.status == AttemptState.OPEN)
    session = db.session()
    waiting = session.scalars(
        sa.select(Sitting)
        .where(Sitting.ended_at.is_(None), Sitting.closes_at <= now, ~writes)
        .order_by(Sitting.closes_at, Sitting.id)
        .limit(limit)
    ).all()
    due = list(standings(session, waiting, now))
    session.rollback()
    return sum(_end_one(sitting_id, now) for sitting_id in due)


def _end_one(sitting_id: int, now: datetime) -> bool:
    with transaction() as session:
        lock_people(list(session.scalars(sa.select(Seat.person_id).where(Seat.sitting_id == sitting_id))), now=now)
        sitting: Sitting | None = session.get(Sitting, sitting_id, with_for_update=True, populate_existing=True)
        if sitting is None or sitting.ended_at is not None:
            return False
        sitting.ended_at = ended_at(session, sitting, now)
        if sitting.ended_at is None:
            return False
        audit.record("sitting.closed", f"sitting:{sitting_id}", now=now, effective_at=sitting.ended_at)
        return True
