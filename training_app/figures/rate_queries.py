"""Cases, points and visits by unit or by reporter, over whole months of which the visits are known."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from training_app.calendar.rules import day_start, legal_day
from training_app.content import queries as content
from training_app.figures.models import VisitCount
from training_app.figures.rate_rules import Count
from training_app.permits.models import CaseEvent, LedgerEntry, PermitCase
from training_app.permits.policy_queries import TARIFF

ZONE = "Asia/Shanghai"


@dataclass(frozen=True, kw_only=True)
class Counted:
    """The counts of a comparison, and how many cases are left out since no visits of their month are known."""

    counts: Sequence[Count]
    left_out: int


def heaviest(session: Session, on: date) -> int:
    """Return the most points that a case can bring under the tariffs of a day."""
    versions = content.current(session, TARIFF, on).values()
    return max((row["points"] for version in versions for row in version.body["codes"]), default=0)


def by_unit(session: Session, members: Mapping[int, int], months: Sequence[date], end: date) -> Counted:
    """Return the counts of groups of units; two reads. `members`: unit -> group; `end`: the day after the months."""
    rows = session.execute(
        sa.select(VisitCount.unit_id.label("who"), VisitCount.month, sa.func.sum(VisitCount.visits).label("visits"))
        .where(*_in_months(members, months))
        .group_by(VisitCount.unit_id, VisitCount.month)
    ).all()
    cases = _cases(session, PermitCase.unit_id, members, months, end)
    return _counted(rows, cases, members)


def by_reporter(session: Session, units: Mapping[int, int], months: Sequence[date], end: date) -> Counted:
    """Return the counts of reporters whose visits are known, of cases in these units; two reads."""
    rows = session.execute(
        sa.select(VisitCount.reporter_id.label("who"), VisitCount.month, sa.func.sum(VisitCount.visits).label("visits"))
        .where(VisitCount.reporter_id.isnot(None), *_in_months(units, months))
        .group_by(VisitCount.reporter_id, VisitCount.month)
    ).all()
    cases = _cases(session, PermitCase.reporter_id, units, months, end)
    return _counted(rows, cases, {row.who: row.who for row in rows})


def _in_months(units: Mapping[int, int], months: Sequence[date]) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        VisitCount.month.in_(list(months)), VisitCount.superseded_at.is_(None), VisitCount.unit_id.in_(sorted(units)),
    )  # fmt: skip


def _cases(session: Session, who: Any, units: Mapping[int, int], months: Sequence[date], end: date) -> Sequence[Any]:
    """Return (who, month, points, how many) of the cases that occurred, but for those taken back or set aside."""
    starts = [*(day_start(month, ZONE) for month in months), day_start(end, ZONE)]
    month = sa.case(
        *((PermitCase.occurred_at < starts[n + 1], n) for n in range(len(months))), else_=len(months)
    ).label("month")
    points = sa.func.coalesce(LedgerEntry.points, 0).label("points")
    rows = session.execute(
        sa.select(who.label("who"), month, points, sa.func.count().label("cases"))
        .select_from(PermitCase)
        .outerjoin(LedgerEntry, sa.and_(LedgerEntry.case_id == PermitCase.id, *_stands()))
        .where(
            PermitCase.unit_id.in_(sorted(units)), PermitCase.occurred_at >= starts[0],
            PermitCase.occurred_at < starts[-1], ~_is_dropped(),
        )
        .group_by(who, month, points)
    )  # fmt: skip
    return [(row.who, months[row.month], row.points, row.cases) for row in rows]


def _stands() -> tuple[sa.ColumnElement[bool], ...]:
    void = aliased(LedgerEntry)
    is_void = (
        sa.select(void.id)
        .where(
            void.person_id == LedgerEntry.person_id, void.case_id == LedgerEntry.case_id, void.kind == "void",
            void.seq > LedgerEntry.seq,
        )
        .exists()
    )  # fmt: skip
    return LedgerEntry.person_id == PermitCase.person_id, LedgerEntry.kind == "demerit", ~is_void


def _is_dropped() -> sa.ColumnElement[bool]:
    """Return the condition for cases that came to nothing: taken back, dismissed, or set aside on appeal."""
    last, later = aliased(CaseEvent), aliased(CaseEvent)
    anew = sa.select(later.id).where(later.case_id == last.case_id, later.kind == "reopen", later.seq > last.seq)
    outcome = last.facts["outcome"].as_string()
    came_to_nothing = sa.or_(
        last.kind == "take_back", sa.and_(last.kind == "decide", outcome == "dismissed"),
        sa.and_(last.kind == "resolve", outcome == "void"),
    )  # fmt: skip
    return sa.select(last.id).where(last.case_id == PermitCase.id, came_to_nothing, ~anew.exists()).exists()


def _counted(visits: Sequence[Any], cases: Sequence[Any], members: Mapping[int, int]) -> Counted:
    """Add up what belongs together; a case counts only where the visits of its month are known."""
    known = {(row.who, row.month) for row in visits}
    total: dict[int, int] = dict.fromkeys(members.values(), 0)
    number: dict[int, int] = defaultdict(int)
    points: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    left_out = 0
    for row in visits:
        total[members[row.who]] += int(row.visits)
    for who, month, weight, count in cases:
        if (who, month) not in known:
            left_out += count if who in members else 0
            continue
        number[members[who]] += count
        if weight:
            points[members[who]][weight] += count
    counts = [Count(key=key, visits=total[key], cases=number[key], points=dict(points[key])) for key in sorted(total)]
    return Counted(counts=counts, left_out=left_out)


def last_months(now: datetime, count: int) -> tuple[list[date], date]:
    """Return so many whole months before this one, oldest first, and the first day of this one."""
    end = legal_day(now, ZONE).replace(day=1)
    months: list[date] = []
    month = end
    for _n in range(count):
        month = date(month.year - (month.month == 1), 12 if month.month == 1 else month.month - 1, 1)
        months.append(month)
    return months[::-1], end
