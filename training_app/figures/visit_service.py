"""Record how many visits there were: a month of some units is replaced whole, and what stood before stays readable."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.figures.models import VisitCount
from training_app.figures.visit_queries import Key, Visits, standing

PORTION = 500


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """How many figures came, and how many no longer stand."""

    brought: int
    ended: int


def replace(
    session: Session, counts: Iterable[Visits], *, months: Collection[date], units: Collection[int], now: datetime,
    actor_id: int | None, batch_id: int | None = None,
) -> Replaced:  # fmt: skip
    """Let these counts stand for months of units, in the place of what stood for them, in the running transaction.

    What stays the same is not written anew. The caller has looked at rights and writes the audit entry; an import and a
    program that sends months both end here. Raises IntegrityError where two write the same month at once.
    """
    before = {one.key: one for one in standing(session, months, units)}
    after: dict[Key, int] = {}
    for one in counts:
        if one.month not in months or one.unit_id not in units:
            raise ValueError("a count outside what is replaced")
        after[one.key] = after.get(one.key, 0) + one.visits
    gone = [one.row_id for key, one in before.items() if after.get(key) != one.visits and one.row_id]
    new = [(key, visits) for key, visits in after.items() if key not in before or before[key].visits != visits]
    _end(session, gone, now, actor_id)
    rows = [
        {"month": month, "unit_id": unit_id, "person_id": person_id, "reporter_id": reporter_id, "visits": visits,
         "slot": _slot((month, unit_id, person_id, reporter_id)), "batch_id": batch_id,
         "recorded_at": now, "recorded_by": actor_id}
        for (month, unit_id, person_id, reporter_id), visits in new
    ]  # fmt: skip
    if rows:
        session.execute(sa.insert(VisitCount), rows)
    return Replaced(brought=len(rows), ended=len(gone))


def stands(session: Session, batch_id: int, since: datetime) -> bool:
    """Tell whether everything that an import brought stands, and nothing in the place of what it ended.

    What a later import ended, and wrote anew when it was undone, still bears the import that brought it.
    """
    brought = session.scalars(
        sa.select(VisitCount).where(VisitCount.batch_id == batch_id, VisitCount.recorded_at == since)
    ).all()
    mine = {_key(one): one.visits for one in _standing(session, batch_id)}
    if any(mine.get(_key(one)) != one.visits for one in brought):
        return False
    ended = _ended(session, since)
    found = standing(session, {one.month for one in ended}, {one.unit_id for one in ended})
    return not ({one.key for one in found} - mine.keys()) & {_key(one) for one in ended}


def take_back(session: Session, batch_id: int, since: datetime, *, now: datetime, actor_id: int | None) -> bool:
    """Let what an import brought stand no more and what it ended stand again; False where a later one changed it."""
    if not stands(session, batch_id, since):
        return False
    ended = _ended(session, since)
    _end(session, [one.id for one in _standing(session, batch_id)], now, actor_id)
    columns = ("month", "unit_id", "person_id", "reporter_id", "visits", "batch_id", "slot")
    rows = [
        {column: getattr(one, column) for column in columns} | {"recorded_at": now, "recorded_by": actor_id}
        for one in ended
    ]
    if rows:
        session.execute(sa.insert(VisitCount), rows)
    return True


def _slot(key: Key) -> str:
    month, *ids = key
    return "/".join([month.isoformat()[:7], *(str(one or 0) for one in ids)])


def _key(row: VisitCount) -> Key:
    return row.month, row.unit_id, row.person_id, row.reporter_id


def _standing(session: Session, batch_id: int) -> Sequence[VisitCount]:
    wanted = (VisitCount.batch_id == batch_id, VisitCount.superseded_at.is_(None))
    return session.scalars(sa.select(VisitCount).where(*wanted)).all()


def _ended(session: Session, since: datetime) -> Sequence[VisitCount]:
    wanted = (VisitCount.superseded_at == since, VisitCount.recorded_at < since)
    return session.scalars(sa.select(VisitCount).where(*wanted)).all()


def _end(session: Session, ids: Sequence[int], now: datetime, actor_id: int | None) -> None:
    for start in range(0, len(ids), PORTION):
        session.execute(
            sa.update(VisitCount)
            .where(VisitCount.id.in_(ids[start : start + PORTION]))
            .values(superseded_at=now, superseded_by=actor_id)
            .execution_options(synchronize_session=False)
        )
