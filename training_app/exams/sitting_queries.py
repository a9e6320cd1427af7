"""What the examiner reads: sittings within reach, and who sits in one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import can_reach
from training_app.access.rules import Grant, units_of
from training_app.accounts import queries as accounts
from training_app.accounts.queries import PersonCard, UnitRow
from training_app.audit.models import Payload
from training_app.calendar.rules import legal_day
from training_app.content import queries as content
from training_app.errors import NotFound
from training_app.exams import sitting_end_queries, time_queries
from training_app.exams.models import Attempt, AttemptEvent, AttemptEventKind, ContestAnswer, Response, Seat, Sitting
from training_app.exams.rules import AttemptState
from training_app.exams.time_rules import AS_EVERYBODY
from training_app.items.models import ExamForm

RECENT = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class SittingRow:
    """A sitting in a list."""

    id: int
    exam_key: str
    title: dict[str, str] | None
    unit_id: int
    unit_name: str
    unit_latin: str | None
    room: str | None
    opens_at: datetime
    closes_at: datetime
    ended_at: datetime | None
    invigilated_by: int | None
    invigilated_at: datetime | None
    seats: int

    def state(self, now: datetime) -> str:
        """Return ended, over, open or planned."""
        if self.ended_at is not None:
            return "ended"
        if now >= self.closes_at:
            return "over"
        return "open" if now >= self.opens_at else "planned"


@dataclass(frozen=True, kw_only=True)
class Sitter:
    """A person in a sitting: who, and how far. `percent`: of the limit, 100 for most.

    `contest` holds the words of a contest, None if erased or none.
    """

    person: PersonCard | None
    person_id: int
    extra_minutes: int
    percent: int
    identity_checked_at: datetime | None
    public_id: str | None
    state: AttemptState | None
    answered: int
    questions: int
    saved_at: datetime | None
    deadline_at: datetime | None
    finished_at: datetime | None
    supervised: bool
    invigilated: bool
    contested_at: datetime | None
    contest: str | None
    is_contest_answered: bool


def reachable_units(session: Session, grants: tuple[Grant, ...], permission: str, on: date) -> list[UnitRow]:
    """Return the units at and below which a permission is held, by number."""
    rows = accounts.units(session, on)
    held = units_of(grants, permission)
    if held is None:
        return rows
    parents = {row.unit_id: row.parent_id for row in rows}
    return [row for row in rows if not held.isdisjoint(_chain(row.unit_id, parents))]


def sittings(session: Session, grants: tuple[Grant, ...], permission: str, on: date, now: datetime) -> list[SittingRow]:
    """Return sittings within reach that are not long over: what is open first, then what comes, then the rest."""
    units = {row.unit_id: row for row in reachable_units(session, grants, permission, on)}
    rows = _rows(session, units, on, now, Sitting.closes_at > now - RECENT)
    order = {"open": 0, "planned": 1, "over": 2, "ended": 3}
    return sorted(rows, key=lambda row: (order[row.state(now)], row.opens_at, row.id))


def get_sitting(
    session: Session, sitting_id: int, grants: tuple[Grant, ...], permission: str, on: date, now: datetime
) -> SittingRow:
    """Return one sitting within reach; raises NotFound."""
    units = {row.unit_id: row for row in reachable_units(session, grants, permission, on)}
    rows = _rows(session, units, on, now, Sitting.id == sitting_id)
    if not rows:
        raise NotFound()
    return rows[0]


def sitters(session: Session, sitting: SittingRow, on: date) -> list[Sitter]:
    """Return who sits in a sitting, by name; the same number of reads for any number of people.

    Time factors are those of the day on which it opens, everything else is of the day `on`.
    """
    seats = session.scalars(sa.select(Seat).where(Seat.sitting_id == sitting.id)).all()
    people = accounts.cards(session, [seat.person_id for seat in seats], on)
    percents = time_queries.percents(session, people, legal_day(sitting.opens_at, time_queries.ZONE))
    attempts = {
        row[0].person_id: (row[0], len(row[1]))
        for row in session.execute(
            sa.select(Attempt, ExamForm.body)
            .join(ExamForm, ExamForm.id == Attempt.exam_form_id)
            .where(Attempt.sitting_id == sitting.id)
            .order_by(Attempt.id)
        )
    }
    saved = _saved(session, sitting.id)
    stated = _stated(session, sitting.id)
    settled = _answered(session, sitting.id)
    found = []
    for seat in seats:
        attempt, questions = attempts.get(seat.person_id, (None, 0))
        attempt_id = 0 if attempt is None else attempt.id
        answered, saved_at = saved.get(attempt_id, (0, None))
        contested = stated.get((attempt_id, AttemptEventKind.CONTESTED))
        found.append(
            Sitter(
                person=people.get(seat.person_id),
                person_id=seat.person_id,
                extra_minutes=seat.extra_minutes,
                percent=percents.get(seat.person_id, AS_EVERYBODY),
                identity_checked_at=seat.identity_checked_at,
                public_id=attempt.public_id if attempt else None,
                state=attempt.status if attempt else None,
                answered=answered,
                questions=questions,
                saved_at=saved_at,
                deadline_at=attempt.deadline_at if attempt else None,
                finished_at=attempt.finished_at if attempt else None,
                supervised=bool(attempt and attempt.supervised),
                invigilated=(attempt_id, AttemptEventKind.INVIGILATED) in stated,
                contested_at=contested[0] if contested else None,
                contest=contested[1] if contested else None,
                is_contest_answered=attempt_id in settled,
            )
        )
    return sorted(found, key=lambda one: (one.person.name if one.person else "", one.person_id))


def get_seated(session: Session, sitting_id: int, person_id: int, on: date) -> PersonCard:
    """Return a person who has a seat in this sitting; raises NotFound."""
    found = session.scalar(sa.select(Seat.id).where(Seat.sitting_id == sitting_id, Seat.person_id == person_id))
    if found is None:
        raise NotFound()
    return accounts.get_card(session, person_id, on)


def find_person(
    session: Session, number: str, grants: tuple[Grant, ...], permission: str, on: date
) -> PersonCard | None:
    """Return the person with this employee number if the permission reaches them, else None."""
    person_id = accounts.find_person_id(session, number)
    if person_id is None or not can_reach(session, grants, permission, person_id):
        return None
    return accounts.get_card(session, person_id, on)


def _rows(
    session: Session, units: dict[int, UnitRow], on: date, now: datetime, *conditions: sa.ColumnElement[bool]
) -> list[SittingRow]:
    if not units:
        return []
    blueprints = content.current(session, "exam_blueprint", on)
    seats = sa.select(sa.func.count(Seat.id)).where(Seat.sitting_id == Sitting.id).scalar_subquery()
    rows = session.execute(sa.select(Sitting, seats).where(Sitting.unit_id.in_(sorted(units)), *conditions)).all()
    standings = sitting_end_queries.standings(session, [row for row, _count in rows], now)
    return [
        SittingRow(
            id=row.id,
            exam_key=row.exam_key,
            title=dict(blueprints[row.exam_key].body["title"]) if row.exam_key in blueprints else None,
            unit_id=row.unit_id,
            unit_name=units[row.unit_id].name,
            unit_latin=units[row.unit_id].name_latin,
            room=row.room,
            opens_at=row.opens_at,
            closes_at=row.closes_at,
            ended_at=row.ended_at or (standings[row.id].closed_at if row.id in standings else None),
            invigilated_by=row.invigilated_by,
            invigilated_at=row.invigilated_at,
            seats=count,
        )
        for row, count in rows
    ]


def _saved(session: Session, sitting_id: int) -> dict[int, tuple[int, datetime]]:
    """Return how many questions each attempt has answered, and when the server last kept something."""
    rows = session.execute(
        sa.select(Response.attempt_id, Response.answer, Response.received_at)
        .join(Attempt, Attempt.id == Response.attempt_id)
        .where(Attempt.sitting_id == sitting_id)
        .order_by(Response.received_at)
    )
    found: dict[int, tuple[int, datetime]] = {}
    for attempt_id, answer, at in rows:
        count = found[attempt_id][0] if attempt_id in found else 0
        found[attempt_id] = (count + bool(answer["value"]), at)
    return found


def _stated(session: Session, sitting_id: int) -> dict[tuple[int, AttemptEventKind], tuple[datetime, str | None]]:
    rows = session.execute(
        sa.select(AttemptEvent.attempt_id, AttemptEvent.kind, AttemptEvent.recorded_at, Payload.body)
        .join(Attempt, Attempt.id == AttemptEvent.attempt_id)
        .outerjoin(Payload, Payload.id == AttemptEvent.payload_id)
        .where(
            Attempt.sitting_id == sitting_id,
            AttemptEvent.kind.in_([AttemptEventKind.INVIGILATED, AttemptEventKind.CONTESTED]),
        )
    )
    return {(attempt_id, kind): (at, words) for attempt_id, kind, at, words in rows}


def _answered(session: Session, sitting_id: int) -> frozenset[int]:
    """Return the attempts of a sitting whose contest was answered."""
    return frozenset(
        session.scalars(
            sa.select(ContestAnswer.attempt_id)
            .join(Attempt, Attempt.id == ContestAnswer.attempt_id)
            .where(Attempt.sitting_id == sitting_id)
        )
    )


def _chain(unit_id: int, parents: dict[int, int | None]) -> set[int]:
    chain: set[int] = set()
    at: int | None = unit_id
    while at is not None and at not in chain:
        chain.add(at)
        at = parents.get(at)
    return chain


def name_of(session: Session, person_id: int) -> str | None:
    """Return a person's name, None if the link to them was erased."""
    return accounts.names(session, [person_id]).get(person_id)
