"""What stands in a person's calendar: exams, role-plays, last days of courses, plans, licences, permit and level.

Cases never do.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.calendar.rules import last_day, legal_day
from training_app.courses.models import Enrolment, LearningEvent
from training_app.exams import queries as exams
from training_app.exams.models import Seat, Sitting
from training_app.licences import queries as licences
from training_app.notices.models import CalendarFeed
from training_app.roleplay.improvement_rules import PlanState
from training_app.roleplay.models import ImprovementPlan, Performance, PerformancePart, PerformanceState
from training_app.status import queries as status
from training_app.status.rules import VALID_TODAY

ZONE = "Asia/Shanghai"
BACK = timedelta(days=90)  # so far a calendar keeps what is over
ROLEPLAY = timedelta(hours=1)  # how long a session is put down for: the drills and their talk take about so long
MOST = 200


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry of a calendar: `kind` is worded in the reader's language; a day has no hours."""

    key: str
    kind: str
    start: datetime | date
    end: datetime | date
    facts: Mapping[str, object]
    path: str


def address_made_at(session: Session, person_id: int) -> datetime | None:
    """Return when a person's address was made, None where there is none."""
    return session.scalar(sa.select(CalendarFeed.created_at).where(CalendarFeed.person_id == person_id))


def entries_of(session: Session, person_id: int, now: datetime) -> list[Entry]:
    """Return the entries of a person's calendar by time; a fixed number of reads."""
    found = [
        *_sittings(session, person_id, now), *_roleplays(session, person_id, now), *_courses(session, person_id, now),
        *_plans(session, person_id, now), *_licences(session, person_id, now), *_ends(session, person_id, now),
    ]  # fmt: skip
    return sorted(found, key=lambda one: (_day(one.start), one.key))


def _day(start: datetime | date) -> date:
    return legal_day(start, ZONE) if isinstance(start, datetime) else start


def _sittings(session: Session, person_id: int, now: datetime) -> list[Entry]:
    rows = session.execute(
        sa.select(Sitting)
        .join(Seat, Seat.sitting_id == Sitting.id)
        .where(Seat.person_id == person_id, Sitting.opens_at > now - BACK, _is_held())
        .order_by(Sitting.opens_at.desc())
        .limit(MOST)
    ).scalars().all()  # fmt: skip
    places = accounts.unit_names(session, {row.unit_id for row in rows}, legal_day(now, ZONE))
    titles = {key: exams.exam_title(session, key, now) for key in {row.exam_key for row in rows}}
    return [
        Entry(
            key=f"sitting-{row.id}", kind="exam", start=row.opens_at, end=row.closes_at, path=f"/exams/{row.exam_key}",
            facts={"title": titles[row.exam_key], "place": places.get(row.unit_id, ""), "room": row.room or ""},
        )
        for row in rows
    ]  # fmt: skip


def _is_held() -> sa.ColumnElement[bool]:
    """Leave out a sitting that was ended before it opened: nobody sits it."""
    return sa.or_(Sitting.ended_at.is_(None), Sitting.ended_at > Sitting.opens_at)


def _roleplays(session: Session, person_id: int, now: datetime) -> list[Entry]:
    own = sa.select(PerformancePart.performance_id).where(PerformancePart.person_id == person_id)
    rows = session.scalars(
        sa.select(Performance)
        .where(
            sa.or_(Performance.id.in_(own), Performance.led_by == person_id), Performance.planned_at > now - BACK,
            Performance.state != PerformanceState.CANCELLED,
        )
        .order_by(Performance.planned_at.desc())
        .limit(MOST)
    ).all()  # fmt: skip
    places = accounts.unit_names(session, {row.unit_id for row in rows}, legal_day(now, ZONE))
    return [
        Entry(
            key=f"roleplay-{row.public_id}", kind="roleplay", start=row.planned_at, end=row.planned_at + ROLEPLAY,
            facts={"place": places.get(row.unit_id, "")}, path=f"/roleplay/sessions/{row.public_id}",
        )
        for row in rows
    ]  # fmt: skip


def _courses(session: Session, person_id: int, now: datetime) -> list[Entry]:
    done = sa.exists().where(
        LearningEvent.person_id == Enrolment.person_id, LearningEvent.kind == "course",
        LearningEvent.course_key == Enrolment.course_key,
    )  # fmt: skip
    rows = session.execute(
        sa.select(Enrolment.due_on, sa.func.count())
        .where(Enrolment.person_id == person_id, Enrolment.due_on > legal_day(now - BACK, ZONE), ~done)
        .group_by(Enrolment.due_on)
    ).all()
    return [
        Entry(
            key=f"courses-{due_on.isoformat()}", kind="courses", start=due_on, end=due_on + timedelta(days=1),
            facts={"count": count}, path="/courses",
        )
        for due_on, count in rows
        if due_on is not None
    ]  # fmt: skip


def _plans(session: Session, person_id: int, now: datetime) -> list[Entry]:
    """Return the last day of improvement plans that are still to be written."""
    rows = session.execute(
        sa.select(ImprovementPlan.id, ImprovementPlan.due_on, Performance.public_id)
        .join(Performance, Performance.id == ImprovementPlan.performance_id)
        .where(
            ImprovementPlan.person_id == person_id, ImprovementPlan.state == PlanState.OPEN,
            ImprovementPlan.due_on > legal_day(now - BACK, ZONE),
        )
        .order_by(ImprovementPlan.id)
        .limit(MOST)
    ).all()  # fmt: skip
    return [
        Entry(
            key=f"plan-{row.id}", kind="plan", start=row.due_on, end=row.due_on + timedelta(days=1), facts={},
            path=f"/roleplay/sessions/{row.public_id}/plan/{person_id}",
        )
        for row in rows
        if row.due_on is not None
    ]  # fmt: skip


def _licences(session: Session, person_id: int, now: datetime) -> list[Entry]:
    """Return the last day of each kind of state licence, of the one that lasts longest."""
    today, kinds = legal_day(now, ZONE), licences.kinds(session, legal_day(now, ZONE))
    last: dict[str, date] = {}
    for row in licences.licences_of(session, [person_id])[person_id]:
        if row.ended_on is None:
            last[row.kind] = max(row.expires_on or date.max, last.get(row.kind, date.min))
    return [
        Entry(
            key=f"licence-{kind}-{on.isoformat()}", kind="licence", start=on, end=on + timedelta(days=1),
            facts={"title": kinds[kind].title if kind in kinds else kind}, path="/me/permit",
        )
        for kind, on in sorted(last.items())
        if today - BACK < on < date.max
    ]  # fmt: skip


def _ends(session: Session, person_id: int, now: datetime) -> list[Entry]:
    """Return the last day of permit and levels; what is stopped or revoked is nobody's business in a calendar."""
    shown = status.fresh_state(session, person_id, now)
    if shown.state not in VALID_TODAY:
        return []
    ends = {}
    if shown.facts.valid_until is not None:
        ends["permit"] = last_day(shown.facts.valid_until, ZONE)
    if shown.facts.level_valid_until is not None:
        ends["level"] = last_day(shown.facts.level_valid_until, ZONE)
    return [
        Entry(
            key=f"{kind}-{on.isoformat()}", kind=kind, start=on, end=on + timedelta(days=1), facts={},
            path="/me/permit" if kind == "permit" else "/me/requirements",
        )
        for kind, on in ends.items()
    ]  # fmt: skip
