"""The examiner's side: sittings, seats, identity, invigilation, extensions. Who may reach whom is asked here too."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import can_reach, grants_of
from training_app.access.rules import Permission
from training_app.accounts.locks import PersonLock, lock_people, lock_person
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.audit.models import AuditEntry, Payload
from training_app.content import queries as content
from training_app.db import canonical_json, transaction
from training_app.errors import Forbidden, NotFound, SamePerson
from training_app.exams import queries, service, sitting_end_queries, telling
from training_app.exams.errors import BadExtension, CannotAdmit, SittingEnded, SittingTimes, StillWriting
from training_app.exams.history import add_event
from training_app.exams.models import Attempt, AttemptEventKind, Seat, Sitting
from training_app.exams.queries import Standing
from training_app.exams.rules import AttemptState, StartAnswer

LONGEST_SITTING = timedelta(hours=24)
LONGEST_EXTENSION = 240
AHEAD = timedelta(hours=12)  # who is seated later stands before the examiner and need not be told


def create_sitting(
    exam_key: str, *, unit_id: int, room: str | None, opens_at: datetime, closes_at: datetime, now: datetime,
    actor_id: int,
) -> int:  # fmt: skip
    """Plan a supervised occasion; return its id. The same one planned again by the same person is the one there is.

    Raises SittingTimes, NotFound for an unknown exam.
    """
    if not opens_at < closes_at <= opens_at + LONGEST_SITTING or closes_at <= now:
        raise SittingTimes()
    with transaction() as session:
        lock_person(actor_id, now=now)
        content.get_current(session, "exam_blueprint", exam_key, today(now))
        there = session.scalar(
            sa.select(Sitting.id).where(
                Sitting.exam_key == exam_key, Sitting.unit_id == unit_id, Sitting.opens_at == opens_at,
                Sitting.closes_at == closes_at, Sitting.room.is_not_distinct_from(room or None),
                Sitting.created_by == actor_id, Sitting.ended_at.is_(None),
            ).limit(1)
        )  # fmt: skip
        if there is not None:
            return there
        row = Sitting(
            exam_key=exam_key, unit_id=unit_id, room=room or None, opens_at=opens_at, closes_at=closes_at,
            created_by=actor_id, created_at=now,
        )  # fmt: skip
        session.add(row)
        session.flush()
        audit.record(
            "sitting.created", f"sitting:{row.id}", now=now, actor_id=actor_id,
            facts={"exam": exam_key, "unit": unit_id, "opens": opens_at.isoformat(), "closes": closes_at.isoformat()},
        )  # fmt: skip
        return row.id


def seat_person(
    sitting_id: int, person_id: int, *, now: datetime, actor_id: int, with_new_admission: bool = False
) -> int:
    """Give a person a seat, on the admission they have or, for the first time, on a new one; return the seat's id.

    `with_new_admission` grants one more attempt to a person whose attempts are used up. Raises CannotAdmit with the
    reason, SittingEnded, SamePerson, Forbidden, NotFound.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        sitting = _running(session, sitting_id, now)
        _examiner(lock, actor_id, Permission.EXAM_ADMIT)
        seat: Seat | None = session.scalar(
            sa.select(Seat).where(Seat.sitting_id == sitting_id, Seat.person_id == person_id)
        )
        if seat is not None and not _has_attempt(session, sitting_id, person_id):
            return seat.id
        admission_id = _admission(lock, sitting, actor_id, with_new_admission)
        if seat is not None:
            # They have written here: the seat stands on, for what they may still try.
            seat.admission_id = admission_id
            return seat.id
        seat = Seat(
            sitting_id=sitting_id, person_id=person_id, admitted_by=actor_id, admitted_at=now, extra_minutes=0,
            admission_id=admission_id,
        )  # fmt: skip
        session.add(seat)
        session.flush()
        _note(lock, "sitting.seated", sitting_id, actor_id, admission=seat.admission_id)
        if sitting.opens_at - now >= AHEAD:
            telling.tell_seat(session, seat, sitting, now=now)
        return seat.id


def check_identity(sitting_id: int, person_id: int, *, is_right: bool, now: datetime, actor_id: int) -> None:
    """State that the face was compared with the photo: it is this person, or it is not.

    Right: stands on the seat, and on the attempt if one is open. Not this person: an earlier check no longer counts;
    without an open attempt the seat is taken away. Raises NotFound, SamePerson, Forbidden, SittingEnded.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        _running(session, sitting_id, now, may_be_closing=True)
        _examiner(lock, actor_id, Permission.EXAM_IDENTITY)
        seat = _seat(session, sitting_id, person_id)
        seat.identity_checked_by, seat.identity_checked_at = (actor_id, now) if is_right else (None, None)
        kind = AttemptEventKind.IDENTITY_CHECKED if is_right else AttemptEventKind.IDENTITY_REFUSED
        attempts = _open_attempts(session, sitting_id, [person_id])
        for attempt in attempts:
            add_event(lock, attempt.id, kind, {"sitting": sitting_id, "examiner": True}, actor_id=actor_id)
        _note(lock, f"exam.{kind.value}", sitting_id, actor_id)
        if not is_right and not _has_attempt(session, sitting_id, person_id):
            session.delete(seat)


def invigilate(sitting_id: int, *, now: datetime, actor_id: int) -> None:
    """State that the actor supervises this room: for all who write now, and for all who begin later.

    Raises NotFound, SittingEnded, Forbidden.
    """
    with transaction() as session:
        locks = lock_people(_seated(session, sitting_id), now=now)
        sitting = _running(session, sitting_id, now)
        for person_id, lock in locks.items():
            if person_id == actor_id:
                continue
            _examiner(lock, actor_id, Permission.EXAM_INVIGILATE)
            for attempt in _open_attempts(session, sitting_id, [person_id]):
                facts = {"sitting": sitting_id, "examiner": True}
                add_event(lock, attempt.id, AttemptEventKind.INVIGILATED, facts, actor_id=actor_id)
            _note(lock, "exam.invigilated", sitting_id, actor_id)
        sitting.invigilated_by, sitting.invigilated_at = actor_id, now
        audit.record("sitting.invigilated", f"sitting:{sitting_id}", now=now, actor_id=actor_id)


def extend(
    sitting_id: int, *, minutes: int, words: str, idem: str, now: datetime, actor_id: int, person_id: int | None = None
) -> int:
    """Give minutes to one person or (None) to everybody in the sitting; return how many open attempts were moved.

    Open attempts get an event that moves their deadline; who has not begun gets the minutes at the close: one person on
    the seat, everybody by the sitting's own end. The same `idem` again changes nothing. Raises BadExtension, NotFound,
    WordsNeeded, SamePerson, Forbidden, SittingEnded.
    """
    if not 0 < minutes <= LONGEST_EXTENSION:
        raise BadExtension()
    reason = service.check_words(words)
    with transaction() as session:
        wanted = _seated(session, sitting_id) if person_id is None else [person_id]
        locks = lock_people(wanted, now=now)
        sitting = _running(session, sitting_id, now, may_be_closing=True)
        if _is_known(session, sitting_id, idem, actor_id):
            return 0
        moved = 0
        for one, lock in locks.items():
            _examiner(lock, actor_id, Permission.EXAM_EXTEND)
            payload = audit.keep_payload(reason, person_id=one, now=now)
            moved += _extend_one(lock, sitting_id, minutes, idem, actor_id, payload, whole=person_id is None)
        if person_id is None:
            sitting.closes_at += timedelta(minutes=minutes)
        facts = {"minutes": minutes, "person": person_id, "idem": idem}
        audit.record("sitting.extended", f"sitting:{sitting_id}", now=now, actor_id=actor_id, facts=facts)
        return moved


def end_sitting(sitting_id: int, *, now: datetime, actor_id: int) -> None:
    """End a sitting when nobody writes any more; before it opens, everybody with a seat is told that it is not held.

    Raises StillWriting, SittingEnded, NotFound.
    """
    with transaction() as session:
        lock_people(_seated(session, sitting_id), now=now)
        sitting = _running(session, sitting_id, now, may_be_closing=True)
        writing = len(_open_attempts(session, sitting_id, None))
        if writing:
            raise StillWriting(count=writing)
        sitting.ended_at = now
        if now <= sitting.opens_at:
            for seat in session.scalars(sa.select(Seat).where(Seat.sitting_id == sitting_id).order_by(Seat.id)):
                telling.tell_not_held(session, seat, sitting, now=now)
        audit.record("sitting.ended", f"sitting:{sitting_id}", now=now, actor_id=actor_id)


def _running(session: Session, sitting_id: int, now: datetime, *, may_be_closing: bool = False) -> Sitting:
    """Return the sitting, locked, if it can still be changed; after its close only what is under way."""
    sitting: Sitting | None = session.get(Sitting, sitting_id, with_for_update=True, populate_existing=True)
    if sitting is None:
        raise NotFound()
    is_over = now >= sitting.closes_at and not may_be_closing
    if is_over or sitting_end_queries.ended_at(session, sitting, now) is not None:
        raise SittingEnded()
    return sitting


def _examiner(lock: PersonLock, actor_id: int, permission: Permission) -> None:
    """Let the actor go on only if the permission reaches the person, who is somebody else."""
    if actor_id == lock.person_id:
        raise SamePerson()
    grants = grants_of(lock.session, actor_id, today(lock.now))
    if not can_reach(lock.session, grants, permission, lock.person_id):
        raise Forbidden()


def _admission(lock: PersonLock, sitting: Sitting, actor_id: int, with_new: bool) -> int:
    """Return the admission that this seat stands on: the one in force, or a new one where that is allowed."""
    blueprint = content.get_current(lock.session, "exam_blueprint", sitting.exam_key, today(lock.now))
    standing = queries.get_standing(lock.session, lock.person_id, blueprint, max(lock.now, sitting.opens_at))
    answer = None if standing.decision is None else standing.decision.answer
    if answer is None or (with_new and answer in USED_UP):
        return service.admit(
            lock, sitting.exam_key, attempts=blueprint.body["attempts"] if answer is None else 1,
            reason="onboarding" if answer is None else "retake", actor_id=actor_id,
            idem=f"sitting/{sitting.id}/person/{lock.person_id}",
        )  # fmt: skip
    return _usable(standing, answer, sitting)


USED_UP = (StartAnswer.ATTEMPTS_USED, StartAnswer.ADMISSION_OVER)


def _usable(standing: Standing, answer: StartAnswer, sitting: Sitting) -> int:
    allowed_at = standing.decision.allowed_at if standing.decision else None
    waits_within = answer is StartAnswer.WAITING and allowed_at is not None and allowed_at < sitting.closes_at
    if standing.admission_id is None or not (answer in (StartAnswer.MAY_START, StartAnswer.RESUME) or waits_within):
        raise CannotAdmit(answer, allowed_at)
    return standing.admission_id


def _extend_one(
    lock: PersonLock, sitting_id: int, minutes: int, idem: str, actor_id: int, payload: Payload, *, whole: bool
) -> int:  # fmt: skip
    session = lock.session
    attempts = _open_attempts(session, sitting_id, [lock.person_id])
    for attempt in attempts:
        if attempt.deadline_at is None:
            continue
        until = attempt.deadline_at + timedelta(minutes=minutes)
        session.execute(
            sa.update(Attempt)
            .where(Attempt.id == attempt.id)
            .values(deadline_at=until)
            .execution_options(synchronize_session=False)
        )
        facts = {"minutes": minutes, "sitting": sitting_id, "whole": whole, "deadline": until.isoformat()}
        add_event(
            lock, attempt.id, AttemptEventKind.EXTENDED, facts, actor_id=actor_id, payload=payload,
            idem=f"attempt/{attempt.id}/extended/{idem}",
        )  # fmt: skip
    if not attempts and not whole:
        _seat(session, sitting_id, lock.person_id).extra_minutes += minutes
    _note(lock, "exam.extended", sitting_id, actor_id, minutes=minutes, payload=payload)
    return len(attempts)


def _is_known(session: Session, sitting_id: int, idem: str, actor_id: int) -> bool:
    """Tell whether this very extension was given before; the record is the only place that knows them all."""
    given = sa.select(AuditEntry.id).where(
        AuditEntry.actor_id == actor_id,
        AuditEntry.action == "sitting.extended",
        AuditEntry.subject == f"sitting:{sitting_id}",
        AuditEntry.facts.contains(f'"idem":{canonical_json(idem)}', autoescape=True),
    )
    return session.scalar(given.limit(1)) is not None


def _note(
    lock: PersonLock, action: str, sitting_id: int, actor_id: int, payload: Payload | None = None, **facts: object
) -> None:
    audit.record(
        action, f"sitting:{sitting_id}", now=lock.now, stream=audit.person_stream(lock.person_id), actor_id=actor_id,
        facts=facts, payload=payload,
    )  # fmt: skip


def _seat(session: Session, sitting_id: int, person_id: int) -> Seat:
    seat: Seat | None = session.scalar(
        sa.select(Seat)
        .where(Seat.sitting_id == sitting_id, Seat.person_id == person_id)
        .execution_options(populate_existing=True)
    )
    if seat is None:
        raise NotFound()
    return seat


def _seated(session: Session, sitting_id: int) -> list[int]:
    return list(session.scalars(sa.select(Seat.person_id).where(Seat.sitting_id == sitting_id)))


def _has_attempt(session: Session, sitting_id: int, person_id: int) -> bool:
    found = sa.select(Attempt.id).where(Attempt.sitting_id == sitting_id, Attempt.person_id == person_id)
    return session.scalar(found.limit(1)) is not None


def _open_attempts(session: Session, sitting_id: int, person_ids: Sequence[int] | None) -> Sequence[Attempt]:
    mine = sa.true() if person_ids is None else Attempt.person_id.in_(person_ids)
    return session.scalars(
        sa.select(Attempt)
        .where(Attempt.sitting_id == sitting_id, Attempt.status == AttemptState.OPEN, mine)
        .order_by(Attempt.id)
        .execution_options(populate_existing=True)
    ).all()
