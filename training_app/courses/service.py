"""Writing: enrolment, the place in a lesson, the check question, what was finished."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.locks import PersonLock, lock_person
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.content import queries as content
from training_app.courses import events, queries, rules
from training_app.courses.models import Enrolment, LearningEvent, LessonProgress
from training_app.courses.queries import COURSE, LESSON
from training_app.courses.rules import Lacking, Reason
from training_app.db import db, transaction
from training_app.errors import DomainError, Invalid, NotFound


class NotFinished(DomainError):
    """A section was not reached, or the check question not answered; `lacking` says which."""

    status = 422
    code = "lesson_not_finished"
    message = "This lesson is not finished yet."

    def __init__(self, lacking: tuple[Lacking, ...]) -> None:
        super().__init__(lacking=[str(part) for part in lacking])
        self.lacking = lacking


class LessonChanged(DomainError):
    """The lesson was changed substantively while it was open."""

    code = "lesson_changed"
    message = "This lesson was changed while you had it open. Your place is kept; read what is new, then go on."


class AskedAgain(DomainError):
    """The page is from before the lesson was to be read again."""

    code = "lesson_asked_again"
    message = (
        "This lesson is to be read once more, and this page is from before that. Load it anew and begin at the top."
    )


class UnknownOption(Invalid):
    """No option, or one that the question does not have."""

    code = "unknown_option"
    message = "Choose one of the answers first."


@dataclass(frozen=True, kw_only=True)
class Place:
    """What the server has kept of a reader's place."""

    position: int
    minutes_left: int
    saved_at: datetime


@dataclass(frozen=True, kw_only=True)
class Completion:
    """What finishing a lesson led to."""

    is_new: bool
    is_course_done: bool  # by this very step
    next_lesson: str | None  # the next one that does not count yet


@dataclass(frozen=True)
class _Reading:
    """The text that a reader has before them, and what has become of it meanwhile."""

    course_key: str
    version: content.Version
    current: content.Version
    substantive_number: int
    reading_round: str

    @property
    def is_outdated(self) -> bool:
        return rules.is_outdated(self.version.number, self.substantive_number)


def enrol(
    lock: PersonLock, course_key: str, reason: str, due_on: date | None, now: datetime, actor_id: int | None
) -> int:
    """Enrol a locked person in a course and return the enrolment's id; raises NotFound.

    `due_on` is the last day, in the person's legal zone. Enrolling again is harmless: a new due day or reason replaces
    the old one, no due day leaves it as it is.
    """
    session = lock.session
    content.get_current(session, COURSE, course_key, today(now))
    row = _find_enrolment(session, lock.person_id, course_key)
    if row is not None and (due_on is None or row.due_on == due_on) and row.reason in (reason, Reason.ASSIGNED):
        return row.id
    if row is None:
        row = Enrolment(
            person_id=lock.person_id, course_key=course_key, reason=str(reason), due_on=due_on, created_at=now,
            created_by=actor_id,
        )  # fmt: skip
        session.add(row)
    else:
        row.reason, row.due_on = str(reason), due_on or row.due_on
    session.flush()
    due = row.due_on.isoformat() if row.due_on else None
    _audit(lock, "course.enrolled", {"course": course_key, "reason": str(reason), "due_on": due}, now, actor_id)
    events.learning_changed.send(None, person_id=lock.person_id, now=now)
    return row.id


def enrol_person(
    person_id: int,
    course_key: str,
    *,
    reason: str = Reason.ASSIGNED,
    due_on: date | None = None,
    now: datetime,
    actor_id: int | None,
) -> int:
    """Enrol one person in a course; return the enrolment's id. Raises NotFound."""
    with transaction():
        return enrol(lock_person(person_id, now=now), course_key, reason, due_on, now, actor_id)


def save_place(
    person_id: int,
    course_key: str,
    lesson_key: str,
    *,
    version_id: int,
    reading_round: str = "",
    position: int,
    seconds: int,
    now: datetime,
) -> Place:
    """Keep the furthest place (0..1000) and add reading time, at most the time on the wall since the last save.

    `reading_round` is the one of the page's LessonRow. Opening a lesson of a course that the person was not enrolled
    in enrols them by their own choice. Raises NotFound, AskedAgain.
    """
    reading = _reading(course_key, lesson_key, version_id, reading_round, now)
    with transaction():
        row = _keep(lock_person(person_id, now=now), reading, position, seconds, now)
        kept = row.position
    left = rules.minutes_left(reading.version.body["minutes"], kept)
    return Place(position=kept, minutes_left=left, saved_at=now)


def answer_check(
    person_id: int,
    course_key: str,
    lesson_key: str,
    *,
    version_id: int,
    reading_round: str = "",
    option: str,
    now: datetime,
) -> bool:
    """Keep the answer to the check question, the last one if tried again; return whether it is right.

    Raises UnknownOption, NotFound, AskedAgain.
    """
    reading = _reading(course_key, lesson_key, version_id, reading_round, now)
    chosen = [row for row in reading.version.body["check"]["options"] if row["id"] == option]
    if not chosen:
        raise UnknownOption()
    with transaction():
        row = _keep(lock_person(person_id, now=now), reading, rules.start_of(rules.CHECK), 0, now)
        row.check_answer = option
    return bool(chosen[0]["correct"])


def complete_lesson(
    person_id: int,
    course_key: str,
    lesson_key: str,
    *,
    version_id: int,
    reading_round: str = "",
    position: int,
    now: datetime,
) -> Completion:
    """Finish a lesson in its current version, and the course once all its lessons count. Twice is harmless.

    Raises NotFinished, LessonChanged (what was read is older than a substantive change), AskedAgain, NotFound.
    """
    reading = _reading(course_key, lesson_key, version_id, reading_round, now)
    if reading.is_outdated:
        raise LessonChanged()
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        row = _keep(lock, reading, position, 0, now)
        if missing := rules.lacking(row.position, row.check_answer):
            raise NotFinished(missing)
        is_new = _record(lock, LESSON, course_key, reading.current, row.seconds, now, is_again=row.completed_at is None)
        row.completed_at = now if is_new or row.completed_at is None else row.completed_at
        session.flush()
        course = queries.get_course(session, person_id, course_key, today(now))
        is_course_done = all(lesson.counts for lesson in course.lessons) and _record(
            lock,
            COURSE,
            course_key,
            content.get_version(session, course.version_id),
            _seconds(session, course, person_id),
            now,
        )
        if is_new or is_course_done:
            events.learning_changed.send(None, person_id=person_id, now=now)
        following = course.next_lesson
        return Completion(
            is_new=is_new,
            is_course_done=is_course_done,
            next_lesson=following.key if following else None,
        )


def ask_again(lock: PersonLock, lesson_keys: Iterable[str], *, since: datetime) -> int:
    """Have lessons read again that a locked person finished before `since`; return how many were opened anew.

    What was finished stays finished for every course; reading to the end once more is evidence of its own. A lesson
    that is being read, or was read since, is left alone.
    """
    rows = lock.session.scalars(
        sa.select(LessonProgress).where(
            LessonProgress.person_id == lock.person_id,
            LessonProgress.lesson_key.in_(sorted(set(lesson_keys))),
            LessonProgress.completed_at < since,
        )
    ).all()
    for row in rows:
        row.position, row.check_answer, row.completed_at, row.asked_again_at = 0, None, None, lock.now
        _audit(lock, "lesson.asked_again", {"lesson": row.lesson_key}, lock.now, None)
    lock.session.flush()
    return len(rows)


def _reading(course_key: str, lesson_key: str, version_id: int, reading_round: str, now: datetime) -> _Reading:
    """Read before the write transaction, so that nothing but SQL stands inside it."""
    session, on = db.session(), today(now)
    course = content.get_current(session, COURSE, course_key, on)
    current = content.get_current(session, LESSON, lesson_key, on)
    version = current if current.id == version_id else content.get_version(session, version_id)
    if lesson_key not in course.body["lessons"] or (version.kind, version.key) != (LESSON, lesson_key):
        raise NotFound()
    number, _ = queries.substantive_versions(session, on).get((LESSON, lesson_key), (1, None))
    return _Reading(course_key, version, current, number, reading_round)


def _keep(lock: PersonLock, reading: _Reading, position: int, seconds: int, now: datetime) -> LessonProgress:
    """Write the place; a later version replaces the one kept, an older tab never takes it back."""
    session, version = lock.session, reading.version
    position = rules.bounded_position(position)
    if _find_enrolment(session, lock.person_id, reading.course_key) is None:
        enrol(lock, reading.course_key, Reason.CHOSEN, None, now, lock.person_id)
    row = session.get(LessonProgress, (lock.person_id, version.key), populate_existing=True)
    if row is None:
        row = LessonProgress(
            person_id=lock.person_id, lesson_key=version.key, version_id=version.id, position=position,
            seconds=0, started_at=now, last_at=now,
        )  # fmt: skip
        session.add(row)
    else:
        if reading.reading_round != rules.round_of(row.asked_again_at):
            raise AskedAgain()
        if version.id > row.version_id:
            _turn_to(row, content.get_version(session, row.version_id).number, reading)
        if version.id == row.version_id or not reading.is_outdated:
            row.position = max(row.position, position)
        row.seconds += rules.credited_seconds(seconds, row.last_at, now)
        row.last_at = max(row.last_at, now)
    session.flush()
    return row


def _turn_to(row: LessonProgress, old_number: int, reading: _Reading) -> None:
    """Go over to a later version: an editorial one keeps everything, a substantive one asks its question anew."""
    row.version_id = reading.version.id
    if rules.is_outdated(old_number, reading.substantive_number) and not reading.is_outdated:
        row.check_answer = None
        if row.completed_at is not None:
            row.position = 0


def _record(
    lock: PersonLock,
    kind: str,
    course_key: str,
    version: content.Version,
    seconds: int,
    now: datetime,
    *,
    is_again: bool = False,
) -> bool:
    """Append what was finished, once for each version and each time it was asked for; tell whether it is new."""
    idem = f"learning/{lock.person_id}/{kind}/{version.id}"
    times = lock.session.scalar(
        sa.select(sa.func.count())
        .select_from(LearningEvent)
        .where(
            LearningEvent.person_id == lock.person_id,
            LearningEvent.kind == kind,
            LearningEvent.version_id == version.id,
        )
    )
    if times and not is_again:
        return False
    idem = f"{idem}/{times}" if times else idem
    stamp = lock.stamp()
    lock.session.add(
        LearningEvent(
            person_id=lock.person_id, kind=kind, course_key=course_key,
            lesson_key=version.key if kind == LESSON else None, version_id=version.id, seconds=seconds,
            effective_at=now, recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=lock.person_id, idem=idem,
        )
    )  # fmt: skip
    lock.session.flush()
    facts = {kind: version.key, "version": version.number, "seconds": seconds}
    _audit(lock, f"{kind}.completed", facts, now, lock.person_id)
    return True


def _seconds(session: Session, course: queries.CourseRow, person_id: int) -> int:
    keys = [lesson.key for lesson in course.lessons]
    spent = session.scalar(
        sa.select(sa.func.sum(LessonProgress.seconds)).where(
            LessonProgress.person_id == person_id, LessonProgress.lesson_key.in_(keys)
        )
    )
    return int(spent or 0)


def _find_enrolment(session: Session, person_id: int, course_key: str) -> Enrolment | None:
    return session.scalar(
        sa.select(Enrolment).where(Enrolment.person_id == person_id, Enrolment.course_key == course_key)
    )


def _audit(lock: PersonLock, action: str, facts: dict[str, object], now: datetime, actor_id: int | None) -> None:
    audit.record(
        action, f"person:{lock.person_id}", now=now, stream=audit.person_stream(lock.person_id),
        actor_id=actor_id, facts=facts,
    )  # fmt: skip
