"""How sittings that nobody ended stand by time alone.

A sitting ends at the end of its day (or later, by the settings) once nobody writes any more; an attempt whose own time
is over does not hold it up, whether or not that was written yet. Before it is written every page reads the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.calendar import closing_rules
from training_app.calendar import queries as calendar
from training_app.calendar.closing_rules import Standing
from training_app.calendar.rules import legal_day
from training_app.exams import terms
from training_app.exams.models import Attempt, Sitting
from training_app.exams.rules import AttemptState

ZONE = "Asia/Shanghai"


def standings(session: Session, sittings: Iterable[Sitting], now: datetime) -> dict[int, Standing]:
    """Return how sittings past their day that nobody ended stand, by id: ended by time, or somebody still writes."""
    due = [one for one in sittings if one.ended_at is None and one.closes_at <= now]
    if not due:
        return {}
    zones = accounts.zones_of(session, [one.unit_id for one in due], legal_day(now, ZONE))  # planned in the unit's time
    over = calendar.past_their_day(session, {one.id: (one.closes_at, zones.get(one.unit_id, ZONE)) for one in due}, now)
    return closing_rules.standings(over, _finished(session, over, now), now)


def ended_at(session: Session, sitting: Sitting, now: datetime) -> datetime | None:
    """Return since when a sitting is ended, by who ended it or by time; None while it is not."""
    if sitting.ended_at is not None:
        return sitting.ended_at
    stands = standings(session, [sitting], now).get(sitting.id)
    return stands.closed_at if stands else None


def due_ids(session: Session, now: datetime, *, limit: int = 200) -> list[int]:
    """Return the sittings whose time has come, the oldest first; overdue attempts in them go first."""
    writes = sa.exists().where(Attempt.sitting_id == Sitting.id, Attempt.status == AttemptState.OPEN)
    waiting = session.scalars(
        sa.select(Sitting)
        .where(Sitting.ended_at.is_(None), Sitting.closes_at <= now, ~writes)
        .order_by(Sitting.closes_at, Sitting.id)
        .limit(limit)
    ).all()
    return list(standings(session, waiting, now))


def _finished(session: Session, sitting_ids: Iterable[int], now: datetime) -> dict[int, tuple[int, datetime | None]]:
    """Return how many still write in each sitting, and when the last paper in it was over."""
    wanted = sorted(sitting_ids)
    if not wanted:
        return {}
    found: dict[int, tuple[int, datetime | None]] = {}
    for attempt in session.scalars(sa.select(Attempt).where(Attempt.sitting_id.in_(wanted))):
        assert attempt.sitting_id is not None
        writing, last = found.get(attempt.sitting_id, (0, None))
        end = terms.end_of(attempt, now)
        if end is None:
            found[attempt.sitting_id] = writing + 1, last
        else:
            found[attempt.sitting_id] = writing, end if last is None else max(end, last)
    return found
