"""Sessions that nobody ended: how they stand by time alone, and the writing of it.

A session closes at the end of its day (or later, by the settings), unless a sheet is open: no mark is lost and no sheet
locked by time. Such a session is to be finished; it closes with its last sheet. Before it is written every page reads
the same from the instants.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.audit import service as audit
from training_app.calendar import queries as calendar
from training_app.calendar.closing_rules import Standing, standing
from training_app.db import db, transaction
from training_app.roleplay.models import Performance, PerformanceState, ScoreSheet, SheetState

OPEN = (PerformanceState.PLANNED, PerformanceState.RUNNING)


def standings(session: Session, performances: Iterable[Performance], now: datetime) -> dict[int, Standing]:
    """Return how sessions past their day stand that nobody ended or that have an open sheet, by id; one read of sheets.

    They are closed by time, or still to be finished.
    """
    begun = [
        one
        for one in performances
        if one.state is not PerformanceState.CANCELLED and (one.started_at or one.planned_at) <= now
    ]
    sheets = _sheets(session, [one.id for one in begun])
    found = {}
    for one in begun:
        count, locked = sheets.get(one.id, (0, None))
        if one.state not in OPEN and not count:
            continue
        close_at = calendar.closes_at(session, one.started_at or one.planned_at)
        if (stands := standing(close_at, unfinished=count, last_finished=locked, now=now)) is not None:
            found[one.id] = stands
    return found


def _sheets(session: Session, performance_ids: list[int]) -> dict[int, tuple[int, datetime | None]]:
    """Return how many sheets of each performance are open, and when the last was locked."""
    if not performance_ids:
        return {}
    unfinished = sa.func.sum(sa.case((ScoreSheet.state == SheetState.OPEN, 1), else_=0))
    rows = session.execute(
        sa.select(ScoreSheet.performance_id, unfinished, sa.func.max(ScoreSheet.locked_at))
        .where(ScoreSheet.performance_id.in_(performance_ids))
        .group_by(ScoreSheet.performance_id)
    )
    return {one: (int(count), locked) for one, count, locked in rows}


def settle(session: Session, performance: Performance, now: datetime) -> bool:
    """Write into a locked session what time alone has made of it; return whether there was anything to write."""
    stands = standings(session, [performance], now).get(performance.id)
    if performance.state not in OPEN or stands is None or stands.closed_at is None:
        return False
    is_held = performance.started_at is not None
    performance.state = PerformanceState.ENDED if is_held else PerformanceState.CANCELLED
    performance.ended_at = stands.closed_at
    session.flush()
    audit.record(
        "roleplay.closed" if is_held else "roleplay.not_held", f"performance:{performance.id}", now=now,
        effective_at=stands.closed_at,
    )  # fmt: skip
    return True


def close_due(*, now: datetime, limit: int = 200) -> int:
    """Close the sessions whose time has come, each in a transaction; return how many."""
    has_open = sa.exists().where(ScoreSheet.performance_id == Performance.id, ScoreSheet.state == SheetState.OPEN)
    session = db.session()
    waiting = session.scalars(
        sa.select(Performance)
        .where(Performance.state.in_(OPEN), Performance.planned_at <= now, ~has_open)
        .order_by(Performance.planned_at, Performance.id)
        .limit(limit)
    ).all()
    due = list(standings(session, waiting, now))
    session.rollback()
    return sum(_close_one(performance_id, now) for performance_id in due)


def _close_one(performance_id: int, now: datetime) -> bool:
    with transaction() as session:
        performance: Performance | None = session.get(
            Performance, performance_id, with_for_update=True, populate_existing=True
        )
        return performance is not None and settle(session, performance, now)
