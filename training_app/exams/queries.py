"""Reading admissions and attempts: the evidence for levels, a person's own exams, a person's story."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.models import UnitVersion
from training_app.accounts.queries import holds_on
from training_app.calendar.rules import legal_day
from training_app.content import queries as content
from training_app.content.queries import Version
from training_app.db import read_once
from training_app.exams.models import Admission, Attempt, AttemptEvent, AttemptEventKind, Seat, Sitting
from training_app.exams.rules import (
    AttemptState,
    PastAttempt,
    Purpose,
    StartAnswer,
    StartDecision,
    may_start,
)

QUIZ_PREFIX = "quiz:"
ZONE = "Asia/Shanghai"


@dataclass(frozen=True, kw_only=True)
class ExamPass:
    """A passed attempt, as evidence for a level; `exam_key` of a quiz is "quiz:<course>"."""

    attempt_id: int
    exam_key: str
    kind: Purpose
    at: datetime
    version_number: int
    supervised: bool
    examiner_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class AttemptLine:
    """One attempt in a person's story; `outcome` is passed, failed, open, expired or voided."""

    attempt_id: int
    public_id: str
    exam_key: str
    kind: Purpose
    title: Mapping[str, str]
    number: int
    opened_at: datetime
    deadline_at: datetime | None
    at: datetime
    outcome: str
    supervised: bool
    points: Fraction | None
    max_points: int | None
    cut: Fraction
    examiner_ids: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class AdmissionLine:
    """One admission in a person's story."""

    admission_id: int
    exam_key: str
    at: datetime
    valid_from: datetime
    valid_to: datetime | None
    attempts: int
    reason: str
    by_id: int | None
    withdrawn_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class SeatLine:
    """A person's place in a sitting that is not over."""

    seat_id: int
    sitting_id: int
    exam_key: str
    admission_id: int
    opens_at: datetime
    closes_at: datetime
    room: str | None
    unit_name: str | None
    unit_latin: str | None
    extra_minutes: int
    identity_checked_by: int | None
    identity_checked_at: datetime | None
    invigilated_by: int | None
    invigilated_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a person stands with one exam: the admission that counts, the rule's answer, the seat, the attempts."""

    exam_key: str
    admission_id: int | None
    attempts: int
    valid_to: datetime | None
    decision: StartDecision | None
    seat: SeatLine | None
    lines: tuple[AttemptLine, ...]

    @property
    def running(self) -> AttemptLine | None:
        """The attempt that is open now, if any."""
        return next((line for line in self.lines if line.outcome == "open"), None)

    def can_start(self, now: datetime) -> bool:
        """Tell whether a start is offered: the rule allows it, and the person's sitting is open.

        Only a supervised pass counts for a level, so an attempt is never offered outside a sitting, where it would be
        used up for nothing.
        """
        allowed = self.decision is not None and self.decision.answer is StartAnswer.MAY_START
        return allowed and self.seat is not None and self.seat.opens_at <= now


def passes(session: Session, person_id: int) -> list[ExamPass]:
    """Return every passed attempt of a person, oldest first, with who checked the identity and invigilated."""
    return [
        ExamPass(
            attempt_id=line.attempt_id,
            exam_key=line.exam_key,
            kind=line.kind,
            at=line.at,
            version_number=version,
            supervised=line.supervised,
            examiner_ids=line.examiner_ids,
        )
        for line, version in _lines(session, Attempt.person_id == person_id, Attempt.passed.is_(True))
    ]


def attempts_of(session: Session, person_id: int) -> list[AttemptLine]:
    """Return every attempt of a person, oldest first."""
    return [line for line, _ in _lines(session, Attempt.person_id == person_id)]


def admissions_of(session: Session, person_id: int) -> list[AdmissionLine]:
    """Return every admission of a person, oldest first."""
    rows = session.execute(_admissions(), {"person_id": person_id}).mappings()
    return [AdmissionLine(**row) for row in rows]


@cache
def _admissions() -> Any:
    return (
        sa.select(
            Admission.id.label("admission_id"),
            Admission.exam_key,
            Admission.created_at.label("at"),
            Admission.valid_from,
            Admission.valid_to,
            Admission.attempts,
            Admission.reason,
            Admission.created_by.label("by_id"),
            Admission.withdrawn_at,
        )
        .where(Admission.person_id == sa.bindparam("person_id"))
        .order_by(Admission.created_at, Admission.id)
    )


def seats_of(session: Session, person_id: int, now: datetime) -> list[SeatLine]:
    """Return a person's seats in sittings that are not over, the next first."""
    rows = session.execute(
        sa.select(
            Seat.id.label("seat_id"),
            Seat.sitting_id,
            Sitting.exam_key,
            Seat.admission_id,
            Sitting.opens_at,
            Sitting.closes_at,
            Sitting.room,
            UnitVersion.name.label("unit_name"),
            UnitVersion.name_latin.label("unit_latin"),
            Seat.extra_minutes,
            Seat.identity_checked_by,
            Seat.identity_checked_at,
            Sitting.invigilated_by,
            Sitting.invigilated_at,
        )
        .join(Sitting, Sitting.id == Seat.sitting_id)
        .outerjoin(
            UnitVersion,
            sa.and_(UnitVersion.unit_id == Sitting.unit_id, *holds_on(UnitVersion, legal_day(now, ZONE))),
        )
        .where(Seat.person_id == person_id, Sitting.ended_at.is_(None), Sitting.closes_at > now)
        .order_by(Sitting.opens_at, Seat.id)
    ).mappings()
    return [SeatLine(**row) for row in rows]


def standings(
    session: Session, person_id: int, blueprints: Mapping[str, Version], now: datetime
) -> dict[str, Standing]:
    """Return where a person stands with every exam they were admitted to; four queries at most for all of them."""
    admissions: dict[str, list[AdmissionLine]] = {}
    granted_to = ("exams.admissions", person_id)
    for admission in read_once(session, granted_to, lambda: admissions_of(session, person_id)):
        if admission.withdrawn_at is None:
            admissions.setdefault(admission.exam_key, []).append(admission)
    if not admissions:
        return {}
    rows = attempt_rows(session, [person_id])[person_id]
    examiners = _examiners(session, [row.id for row in rows])
    seats = seats_of(session, person_id, now)
    return {
        key: _standing(key, blueprints[key], granted, rows, examiners, seats, now)
        for key, granted in admissions.items()
        if key in blueprints
    }


_ATTEMPT = (
    Attempt.id, Attempt.person_id, Attempt.public_id, Attempt.exam_key, Attempt.kind, Attempt.snapshot, Attempt.number,
    Attempt.admission_id, Attempt.opened_at, Attempt.finished_at, Attempt.status, Attempt.supervised, Attempt.passed,
    Attempt.raw_score, Attempt.max_score, Attempt.deadline_at,
)  # fmt: skip


@cache
def _attempts() -> Any:
    wanted: Any = sa.bindparam("wanted", expanding=True)
    return sa.select(*_ATTEMPT).where(Attempt.person_id.in_(wanted)).order_by(Attempt.opened_at, Attempt.id)


def attempt_rows(session: Session, person_ids: Iterable[int]) -> Mapping[int, Sequence[Any]]:
    """Return the attempts of each person, oldest first, by the columns that lists and evidence ask for; one read."""
    wanted = sorted(set(person_ids))

    def read() -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {person_id: [] for person_id in wanted}
        for row in session.execute(_attempts(), {"wanted": wanted}):
            found[row.person_id].append(row)
        return found

    return read_once(session, ("exams.attempts", *wanted), read)


def get_standing(session: Session, person_id: int, blueprint: Version, now: datetime) -> Standing:
    """Return where a person stands with one exam; without any admission its decision is None."""
    found = standings(session, person_id, {blueprint.key: blueprint}, now).get(blueprint.key)
    return found or Standing(
        exam_key=blueprint.key, admission_id=None, attempts=0, valid_to=None, decision=None, seat=None, lines=()
    )


def quiz_lines(session: Session, person_id: int, course_key: str | None = None) -> list[AttemptLine]:
    """Return a person's attempts at module quizzes (of one course, or of all), oldest first."""
    of_course = Attempt.exam_key == f"{QUIZ_PREFIX}{course_key}" if course_key else sa.true()
    return [
        line
        for line, _ in _lines(session, Attempt.person_id == person_id, Attempt.kind == Purpose.QUIZ.value, of_course)
    ]


def open_public_id(session: Session, person_id: int, exam_key: str) -> str | None:
    """Return the public id of the person's open attempt at an exam, or None."""
    return session.scalar(
        sa.select(Attempt.public_id).where(
            Attempt.person_id == person_id, Attempt.exam_key == exam_key, Attempt.status == AttemptState.OPEN
        )
    )


def overdue(session: Session, now: datetime, *, limit: int = 200) -> list[int]:
    """Return the open attempts whose deadline has passed, oldest first."""
    rows = session.scalars(
        sa.select(Attempt.id)
        .where(Attempt.status == AttemptState.OPEN, Attempt.deadline_at < now)
        .order_by(Attempt.deadline_at, Attempt.id)
        .limit(limit)
    )
    return list(rows)


def exam_blueprints(session: Session, on: date) -> dict[str, Version]:
    """Return the exam blueprints in force on a day, by key."""
    return content.current(session, "exam_blueprint", on)


def exam_title(session: Session, exam_key: str, at: datetime) -> Mapping[str, str] | str:
    """Return the title that an exam had at an instant; its key where it was not given then."""
    version = exam_blueprints(session, legal_day(at, ZONE)).get(exam_key)
    return exam_key if version is None else version.body["title"]


def _standing(
    key: str,
    blueprint: Version,
    admissions: Sequence[AdmissionLine],
    rows: Sequence[Any],
    examiners: Mapping[int, tuple[int, ...]],
    seats: Iterable[SeatLine],
    now: datetime,
) -> Standing:
    seat = next((one for one in seats if one.exam_key == key), None)
    wait = timedelta(days=blueprint.body["wait_days"])
    decided = [
        (one, may_start([past(row) for row in rows if row.admission_id == one.admission_id],
                        attempts=one.attempts, wait=wait, admitted_from=one.valid_from,
                        admitted_until=one.valid_to, now=now))
        for one in admissions
    ]  # fmt: skip
    if seat is not None:
        decided = [pair for pair in decided if pair[0].admission_id == seat.admission_id] or decided
    # A pass answers the admission it was made on: one given later (renewal, retraining) asks for the exam anew.
    newest = max(one.admission_id for one, _ in decided)
    decided = [
        (one, answer)
        for one, answer in decided
        if answer.answer is not StartAnswer.ALREADY_PASSED or one.admission_id == newest
    ]
    # The most useful admission counts; of two alike the newer one.
    best, decision = min(reversed(decided), key=lambda pair: _PREFERENCE.index(pair[1].answer))
    return Standing(
        exam_key=key,
        admission_id=best.admission_id,
        attempts=best.attempts,
        valid_to=best.valid_to,
        decision=decision,
        seat=seat,
        lines=tuple(_line(row, examiners.get(row.id, ())) for row in rows if row.exam_key == key),
    )


_PREFERENCE = (
    StartAnswer.RESUME,
    StartAnswer.MAY_START,
    StartAnswer.ALREADY_PASSED,
    StartAnswer.WAITING,
    StartAnswer.NOT_YET_ADMITTED,
    StartAnswer.ATTEMPTS_USED,
    StartAnswer.ADMISSION_OVER,
)


def past(row: Any) -> PastAttempt:
    """Return an attempt as the rule of starting reads it: only a supervised pass ends an admission."""
    return PastAttempt(
        state=AttemptState(row.status),
        finished_at=row.finished_at,
        passed=bool(row.passed) and row.supervised,
    )


def _rows(session: Session, *conditions: Any) -> Sequence[Attempt]:
    return session.scalars(sa.select(Attempt).where(*conditions).order_by(Attempt.opened_at, Attempt.id)).all()


def _lines(session: Session, *conditions: Any) -> list[tuple[AttemptLine, int]]:
    rows = _rows(session, *conditions)
    examiners = _examiners(session, [row.id for row in rows])
    return [(_line(row, examiners.get(row.id, ())), row.snapshot["version"]) for row in rows]


def _examiners(session: Session, attempt_ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    found: dict[int, list[int]] = {}
    if attempt_ids:
        events = session.execute(
            sa.select(AttemptEvent.attempt_id, AttemptEvent.actor_id)
            .where(
                AttemptEvent.attempt_id.in_(attempt_ids),
                AttemptEvent.kind.in_([AttemptEventKind.IDENTITY_CHECKED, AttemptEventKind.INVIGILATED]),
            )
            .order_by(AttemptEvent.recorded_at, AttemptEvent.idem)
        )
        for attempt_id, actor_id in events:
            if actor_id is not None and actor_id not in found.setdefault(attempt_id, []):
                found[attempt_id].append(actor_id)
    return {attempt_id: tuple(ids) for attempt_id, ids in found.items()}


def _line(row: Any, examiner_ids: tuple[int, ...]) -> AttemptLine:
    outcome = row.status.value
    if row.status is AttemptState.SUBMITTED:
        outcome = "passed" if row.passed else "failed"
    return AttemptLine(
        attempt_id=row.id,
        public_id=row.public_id,
        exam_key=row.exam_key,
        kind=Purpose(row.kind),
        title=row.snapshot["title"],
        number=row.number,
        opened_at=row.opened_at,
        deadline_at=row.deadline_at,
        at=row.finished_at or row.opened_at,
        outcome=outcome,
        supervised=row.supervised,
        points=None if row.raw_score is None else Fraction(row.raw_score),
        max_points=row.max_score,
        cut=Fraction(row.snapshot["cut"]),
        examiner_ids=examiner_ids,
    )
