"""What has to be reminded of on a day: courses, exams, role-plays and the clocks of cases, a portion at a time.

Each source reads its dates by index, from where the portion before ended; whether something was sent already is decided
by the key of the reminder alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.accounts.models import Person
from training_app.calendar.rules import day_end, day_start, last_day, legal_day
from training_app.content import queries as content
from training_app.courses.models import Enrolment, LearningEvent
from training_app.exams import queries as exams
from training_app.exams.models import Attempt, Seat, Sitting
from training_app.licences import queries as licences
from training_app.permits import clock_queries
from training_app.permits.case_rules import CaseStatus
from training_app.permits.fold_queries import CaseFile, SanctionFile
from training_app.permits.number_rules import day_pair
from training_app.roleplay.improvement_rules import PlanState
from training_app.roleplay.models import ImprovementPlan, Performance, PerformancePart, PerformanceState
from training_app.status.reminder_rules import Period, days_of, periods

OVERDUE_FOR = timedelta(days=7)  # a day that passed longer ago is told of no more


@dataclass(frozen=True, kw_only=True)
class Reminder:
    """One reminder to one person; `to_managers`: the kind of the copy for who manages their unit, None for no copy."""

    place: int  # where a portion that ends with it goes on
    person_id: int
    kind: str
    key: str
    facts: Mapping[str, object]
    path: str
    to_managers: str | None = None


@dataclass(frozen=True, kw_only=True)
class Portion:
    """A portion of one source: the reminders found, and where the next begins; None once the source is read."""

    reminders: Sequence[Reminder]
    through: int | None


@dataclass(frozen=True, kw_only=True)
class Day:
    """The day that is looked at: which reminders are for which last days."""

    on: date
    now: datetime
    zone: str
    settings: Mapping[str, Any] = field(repr=False)

    def periods(self, name: str) -> list[Period]:
        """Return the periods of one kind of reminder, by the settings."""
        return periods(days_of(self.settings, name), self.on)

    def is_for(self, name: str, last: date) -> int | None:
        """Return how many days before its last day a thing is reminded of now; None if it is not."""
        return next((one.days for one in self.periods(name) if one.first <= last <= one.last), None)

    def window(self, name: str) -> tuple[datetime, datetime] | None:
        """Return the instants between which a thing has to begin or end to be reminded of; None for no reminders."""
        found = self.periods(name)
        return (day_start(found[0].first, self.zone), day_end(found[-1].last, self.zone)) if found else None


Source = Callable[[Session, Day, int, int], Portion]


def day_of(session: Session, now: datetime) -> Day:
    """Return the day of an instant with the settings that count on it."""
    settings = content.get_current(session, "settings", "organisation", legal_day(now, "Asia/Shanghai")).body
    return Day(on=legal_day(now, settings["zone"]), now=now, zone=settings["zone"], settings=settings)


def _portion(rows: Sequence[Any], limit: int, found: Iterator[Reminder], place: Callable[[Any], int]) -> Portion:
    return Portion(reminders=tuple(found), through=place(rows[-1]) if len(rows) == limit else None)


def courses(session: Session, day: Day, through: int, limit: int) -> Portion:
    """Return who has courses to finish soon, or let their last day pass in this week; by person."""
    found = day.periods("course_reminder_days")
    upto = found[-1].last if found else day.on
    done = sa.exists().where(
        LearningEvent.person_id == Enrolment.person_id, LearningEvent.kind == "course",
        LearningEvent.course_key == Enrolment.course_key,
    )  # fmt: skip
    # On the last day itself it is too late to be reminded, and too early to be late.
    near = (Enrolment.due_on >= day.on - OVERDUE_FOR, Enrolment.due_on <= upto, Enrolment.due_on != day.on)
    people = (
        sa.select(Enrolment.person_id)
        .join(Person, Person.id == Enrolment.person_id)
        .where(*near, Enrolment.person_id > through, Person.left_on.is_(None), ~done)
        .group_by(Enrolment.person_id)
        .order_by(Enrolment.person_id)
        .limit(limit)
    )
    rows = session.scalars(people).all()
    days = session.execute(
        sa.select(Enrolment.person_id, Enrolment.due_on, sa.func.count())
        .where(Enrolment.person_id.in_(rows), *near, ~done)
        .group_by(Enrolment.person_id, Enrolment.due_on)
        .order_by(Enrolment.person_id, Enrolment.due_on)
    ).all()
    return _portion(rows, limit, _course_reminders(day, days), int)


def _course_reminders(day: Day, rows: Sequence[Any]) -> Iterator[Reminder]:
    for person_id, due_on, count in rows:
        is_over = due_on < day.on
        ahead = 0 if is_over else day.is_for("course_reminder_days", due_on)
        if ahead is None:
            continue
        yield Reminder(
            place=person_id, person_id=person_id, kind="courses_overdue" if is_over else "courses_due",
            key=f"courses/{person_id}/{due_on.isoformat()}/{ahead}",
            facts={"count": count, "last": day_pair(due_on), "days": (due_on - day.on).days},
            path="/courses", to_managers="courses_overdue_managed" if is_over else None,
        )  # fmt: skip


def sittings(session: Session, day: Day, through: int, limit: int) -> Portion:
    """Return who sits an exam soon and has not begun it; by seat."""
    window = day.window("exam_reminder_days")
    if window is None:
        return Portion(reminders=(), through=None)
    begun = sa.exists().where(Attempt.person_id == Seat.person_id, Attempt.sitting_id == Seat.sitting_id)
    rows = session.execute(
        sa.select(Seat.id, Seat.person_id, Sitting.exam_key, Sitting.opens_at, Sitting.unit_id, Sitting.room)
        .join(Sitting, Sitting.id == Seat.sitting_id)
        .join(Person, Person.id == Seat.person_id)
        .where(
            Sitting.opens_at >= window[0], Sitting.opens_at < window[1], Sitting.ended_at.is_(None),
            Sitting.closes_at > window[0],
            Seat.id > through, Person.left_on.is_(None), ~begun,
        )
        .order_by(Seat.id)
        .limit(limit)
    ).all()  # fmt: skip
    places = accounts.unit_names(session, {row.unit_id for row in rows}, day.on)
    return _portion(rows, limit, _exam_reminders(session, day, rows, places), lambda row: int(row.id))


def _exam_reminders(
    session: Session, day: Day, rows: Sequence[Any], places: Mapping[int, Mapping[str, str]]
) -> Iterator[Reminder]:
    titles = {key: exams.exam_title(session, key, day.now) for key in {row.exam_key for row in rows}}
    for row in rows:
        ahead = day.is_for("exam_reminder_days", legal_day(row.opens_at, day.zone))
        if ahead is None:
            continue
        yield Reminder(
            place=row.id, person_id=row.person_id, kind="exam_soon",
            key=f"exam/{row.id}/{_stamp(row.opens_at)}/{ahead}",
            facts={
                "title": titles[row.exam_key], "at": row.opens_at.isoformat(), "place": places.get(row.unit_id, ""),
                "room": row.room or "—",
            },
            path=f"/exams/{row.exam_key}",
        )  # fmt: skip


def roleplays(session: Session, day: Day, through: int, limit: int) -> Portion:
    """Return who takes part in a role-play soon, its leader too; by session."""
    window = day.window("exam_reminder_days")
    if window is None:
        return Portion(reminders=(), through=None)
    rows = session.execute(
        sa.select(Performance.id, Performance.public_id, Performance.planned_at, Performance.unit_id,
                  sa.case((Person.left_on.is_(None), Performance.led_by)).label("led_by"))
        .join(Person, Person.id == Performance.led_by)
        .where(
            Performance.planned_at >= window[0], Performance.planned_at < window[1], Performance.id > through,
            Performance.state == PerformanceState.PLANNED,
        )
        .order_by(Performance.id)
        .limit(limit)
    ).all()  # fmt: skip
    parts = session.execute(
        sa.select(PerformancePart.performance_id, PerformancePart.person_id)
        .join(Person, Person.id == PerformancePart.person_id)
        .where(PerformancePart.performance_id.in_([row.id for row in rows]), Person.left_on.is_(None))
        .order_by(PerformancePart.person_id)
    ).all()
    places = accounts.unit_names(session, {row.unit_id for row in rows}, day.on)
    return _portion(rows, limit, _roleplay_reminders(day, rows, parts, places), lambda row: int(row.id))


def _roleplay_reminders(
    day: Day, rows: Sequence[Any], parts: Sequence[Any], places: Mapping[int, Any]
) -> Iterator[Reminder]:
    for row in rows:
        ahead = day.is_for("exam_reminder_days", legal_day(row.planned_at, day.zone))
        if ahead is None:
            continue
        asked = {part.person_id for part in parts if part.performance_id == row.id}
        for person_id in sorted(asked if row.led_by is None else asked | {row.led_by}):
            yield Reminder(
                place=row.id, person_id=person_id, kind="roleplay_soon",
                key=f"roleplay/{row.id}/{_stamp(row.planned_at)}/{ahead}/{person_id}",
                # The card itself is not named: who is rated learns it on the day.
                facts={"at": row.planned_at.isoformat(), "place": places.get(row.unit_id, "")},
                path=f"/roleplay/sessions/{row.public_id}",
            )  # fmt: skip


def improvement_plans(session: Session, day: Day, through: int, limit: int) -> Portion:
    """Return who has an improvement plan to write soon; by plan. One that was sent back was told of at once."""
    found = day.periods("exam_reminder_days")
    if not found:
        return Portion(reminders=(), through=None)
    is_open = ImprovementPlan.state == sa.bindparam("plan_open", PlanState.OPEN, literal_execute=True)
    rows = session.execute(
        sa.select(ImprovementPlan.id, ImprovementPlan.person_id, ImprovementPlan.due_on, Performance.public_id,
                  Performance.card_version_id)
        .join(Performance, Performance.id == ImprovementPlan.performance_id)
        .join(Person, Person.id == ImprovementPlan.person_id)
        .where(
            is_open, ImprovementPlan.due_on >= found[0].first, ImprovementPlan.due_on <= found[-1].last,
            ImprovementPlan.id > through, Person.left_on.is_(None),
        )
        .order_by(ImprovementPlan.id)
        .limit(limit)
    ).all()  # fmt: skip
    return _portion(rows, limit, _plan_reminders(session, day, rows), lambda row: int(row.id))


def _plan_reminders(session: Session, day: Day, rows: Sequence[Any]) -> Iterator[Reminder]:
    cards = content.versions(session, [row.card_version_id for row in rows])
    for row in rows:
        ahead = day.is_for("exam_reminder_days", row.due_on)
        if ahead is None:
            continue
        yield Reminder(
            place=row.id, person_id=row.person_id, kind="plan_due",
            key=f"plan/{row.id}/{row.due_on.isoformat()}/{ahead}",
            facts={
                "title": cards[row.card_version_id].body["title"], "last": day_pair(row.due_on),
                "days": (row.due_on - day.on).days,
            },
            path=f"/roleplay/sessions/{row.public_id}/plan/{row.person_id}",
        )  # fmt: skip


def cases(session: Session, day: Day, through: int, limit: int) -> Portion:
    """Return whose time to answer a case, or to contest its decision, ends soon; by case, the clocks as folded."""
    window = day.window("case_reminder_days")
    if window is None:
        return Portion(reminders=(), through=None)
    files = clock_queries.running_clocks(session, window[0], window[1], day.now, after=through, limit=limit)
    found = (one for file in files if (one := _case_reminder(day, file)) is not None)
    return _portion(files, limit, found, lambda file: int(file.case_id))


def _case_reminder(day: Day, file: CaseFile) -> Reminder | None:
    until = file.state.next_deadline_at
    if until is None:
        return None
    last = last_day(until, day.zone)
    ahead = day.is_for("case_reminder_days", last)
    if ahead is None:
        return None
    answers = file.state.status is CaseStatus.NOTICED
    return Reminder(
        place=file.case_id, person_id=file.person_id, kind="case_answer_soon" if answers else "case_appeal_soon",
        key=f"case/{file.case_id}/{_stamp(until)}/{ahead}",
        facts={"number": file.number, "title": file.breach.title, "last": day_pair(last)},
        path=f"/me/cases/{file.case_id}",
    )  # fmt: skip


def sanctions(session: Session, day: Day, through: int, limit: int) -> Portion:
    """Return whose time to contest a sanction ends soon; by sanction."""
    window = day.window("case_reminder_days")
    if window is None:
        return Portion(reminders=(), through=None)
    files = clock_queries.running_sanctions(session, window[0], window[1], day.now, after=through, limit=limit)
    found = (one for file in files if (one := _sanction_reminder(day, file)) is not None)
    return _portion(files, limit, found, lambda file: int(file.sanction_id))


def _sanction_reminder(day: Day, file: SanctionFile) -> Reminder | None:
    until = file.state.appeal_until
    if until is None or not file.state.is_served:
        return None
    last = last_day(until, day.zone)
    ahead = day.is_for("case_reminder_days", last)
    if ahead is None:
        return None
    return Reminder(
        place=file.sanction_id, person_id=file.person_id, kind="sanction_appeal_soon",
        key=f"sanction/{file.sanction_id}/{_stamp(until)}/{ahead}",
        facts={"number": file.number, "last": day_pair(last)}, path=f"/me/sanctions/{file.sanction_id}",
    )  # fmt: skip


def _stamp(at: datetime) -> str:
    """Return an instant as keys write it: what is moved to another time is reminded of anew."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M")


def state_licences(session: Session, day: Day, through: int, limit: int) -> Portion:
    """Return whose state licence ends soon, with a copy for the manager; by licence."""
    found = day.periods("expiry_reminder_days")
    if not found:
        return Portion(reminders=(), through=None)
    rows = licences.expiring_between(session, found[0].first, found[-1].last, after=through, limit=limit)
    kinds = licences.kinds(session, day.on)
    return _portion(rows, limit, _licence_reminders(day, rows, kinds), lambda row: int(row.licence_id))


def _licence_reminders(
    day: Day, rows: Sequence[licences.Expiring], kinds: Mapping[str, licences.KindRow]
) -> Iterator[Reminder]:
    for row in rows:
        ahead = day.is_for("expiry_reminder_days", row.last_on)
        if ahead is None:
            continue
        yield Reminder(
            place=row.licence_id, person_id=row.person_id, kind="licence_expires",
            key=f"licence/{row.licence_id}/{row.last_on.isoformat()}/{ahead}",
            facts={
                "title": kinds[row.kind].title if row.kind in kinds else row.kind, "last": day_pair(row.last_on),
                "days": (row.last_on - day.on).days,
            },
            path="/me/permit", to_managers="licence_expires_managed",
        )  # fmt: skip


SOURCES: Mapping[str, Source] = {
    "courses": courses,
    "exams": sittings,
    "roleplays": roleplays,
    "improvement plans": improvement_plans,
    "cases": cases,
    "sanctions": sanctions,
    "licences": state_licences,
}
