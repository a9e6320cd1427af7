"""How sessions that nobody ended stand by time alone.

A session closes at the end of its day (or later, by the settings), unless a sheet is open: no mark is lost and no sheet
locked by time. Such a session is to be finished; it closes with its last sheet. Before it is written every page reads
the same from the instants.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.calendar import closing_rules
from training_app.calendar import queries as calendar
from training_app.calendar.closing_rules import Standing
from training_app.roleplay.models import Performance, PerformanceState, ScoreSheet, SheetState

ZONE = "Asia/Shanghai"  # sessions are planned in Beijing time, whatever the unit
OPEN = (PerformanceState.PLANNED, PerformanceState.RUNNING)


def standings(session: Session, performances: Iterable[Performance], now: datetime) -> dict[int, Standing]:
    """Return how sessions past their day stand that nobody ended or that have an open sheet, by id.

    They are closed by time, or still to be finished.
    """
    held = {one.id: one for one in performances if one.state is not PerformanceState.CANCELLED}
    begun = {one.id: (one.started_at or one.planned_at, ZONE) for one in held.values()}
    over = calendar.past_their_day(session, begun, now)
    sheets = _sheets(session, over)
    unended = {one: at for one, at in over.items() if held[one].state in OPEN or sheets.get(one, (0, None))[0]}
    return closing_rules.standings(unended, sheets, now)


def is_unended() -> sa.ColumnElement[bool]:
    """Return the condition for sessions that nobody ended, written out as their partial index has it.

    SQLite uses that for no states that are handed in as parameters.
    """
    return Performance.state.in_(sa.bindparam("unended", OPEN, expanding=True, literal_execute=True))


def due_ids(session: Session, now: datetime, *, limit: int = 200) -> list[int]:
    """Return the sessions whose time has come and in which no sheet is open, the oldest first."""
    has_open = sa.exists().where(ScoreSheet.performance_id == Performance.id, ScoreSheet.state == SheetState.OPEN)
    waiting = session.scalars(
        sa.select(Performance)
        .where(is_unended(), Performance.planned_at <= now, ~has_open)
        .order_by(Performance.planned_at, Performance.id)
        .limit(limit)
    ).all()
    return list(standings(session, waiting, now))


def _sheets(session: Session, performance_ids: Iterable[int]) -> dict[int, tuple[int, datetime | None]]:
    """Return how many sheets of each performance are open, and when the last was locked."""
    wanted = sorted(performance_ids)
    if not wanted:
        return {}
    unfinished = sa.func.sum(sa.case((ScoreSheet.state == SheetState.OPEN, 1), else_=0))
    rows = session.execute(
        sa.select(ScoreSheet.performance_id, unfinished, sa.func.max(ScoreSheet.locked_at))
        .where(ScoreSheet.performance_id.in_(wanted))
        .group_by(ScoreSheet.performance_id)
    )
    return {one: (int(count), locked) for one, count, locked in rows}
