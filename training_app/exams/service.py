"""Admissions and attempts: admit, start, open again, hand in, time out, void, contest."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.locks import PersonLock, lock_person
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.content import queries as content
from training_app.db import db, transaction
from training_app.errors import NotFound, SamePerson
from training_app.exams import closing, queries, terms, time_queries
from training_app.exams.errors import (
    AlreadyContested,
    AttemptClosed,
    AttemptRunning,
    OpenedElsewhere,
    SittingNotOpen,
    StartRefused,
    WordsNeeded,
)
from training_app.exams.history import add_event
from training_app.exams.models import Admission, Attempt, AttemptEvent, AttemptEventKind
from training_app.exams.queries import QUIZ_PREFIX, SeatLine
from training_app.exams.rules import AttemptState, Move, Purpose, StartAnswer, deadline
from training_app.exams.saving import Save, autosave
from training_app.items import service as items
from training_app.items.rules import blueprint_from_body, quiz_blueprint

__all__ = ["Save", "autosave"]
WORDS_MAX = 2000


@dataclass(frozen=True, kw_only=True)
class Started:
    """A granted attempt; `epoch` is the first writer's."""

    attempt_id: int
    public_id: str
    epoch: int


def admit(
    lock: PersonLock, exam_key: str, *, attempts: int, reason: str, idem: str, actor_id: int | None,
    valid_from: datetime | None = None, valid_to: datetime | None = None,
) -> int:  # fmt: skip
    """Admit a locked person to an exam; return the admission's id. The same `idem` again changes nothing.

    `reason` is a code (onboarding, retake …). Raises NotFound for an unknown exam, SamePerson for oneself.
    """
    session, now = lock.session, lock.now
    if actor_id == lock.person_id:
        raise SamePerson()
    content.get_current(session, "exam_blueprint", exam_key, today(now))
    known = session.scalar(sa.select(Admission.id).where(Admission.idem == idem))
    if known is not None:
        return known
    row = Admission(
        person_id=lock.person_id, exam_key=exam_key, valid_from=valid_from or now, valid_to=valid_to, attempts=attempts,
        reason=reason, idem=idem, created_at=now, created_by=actor_id,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.record(
        "exam.admitted", f"admission:{row.id}", now=now, stream=audit.person_stream(lock.person_id), actor_id=actor_id,
        facts={"exam": exam_key, "attempts": attempts, "reason": reason},
    )  # fmt: skip
    return row.id


def admit_person(
    person_id: int, exam_key: str, *, attempts: int, reason: str, idem: str, now: datetime, actor_id: int | None,
    valid_from: datetime | None = None, valid_to: datetime | None = None,
) -> int:  # fmt: skip
    """Admit a person to an exam in a transaction of its own; see `admit`."""
    with transaction():
        return admit(
            lock_person(person_id, now=now), exam_key, attempts=attempts, reason=reason, idem=idem, actor_id=actor_id,
            valid_from=valid_from, valid_to=valid_to,
        )  # fmt: skip


def withdraw_admission(admission_id: int, *, now: datetime, actor_id: int) -> None:
    """Withdraw an admission: no further attempt starts on it; those made stay. Raises NotFound."""
    with transaction() as session:
        row = session.get(Admission, admission_id)
        if row is None or row.withdrawn_at is not None:
            raise NotFound()
        lock_person(row.person_id, now=now)
        row.withdrawn_at = now
        audit.record(
            "exam.admission_withdrawn", f"admission:{row.id}", now=now, stream=audit.person_stream(row.person_id),
            actor_id=actor_id, facts={"exam": row.exam_key},
        )  # fmt: skip


def start_attempt(person_id: int, exam_key: str, *, now: datetime) -> Started:
    """Start an exam on the person's admission, in their sitting if they have a seat.

    The paper is drawn before the lock is taken and kept under it. Raises StartRefused, SittingNotOpen, AttemptRunning,
    NotFound.
    """
    blueprint = content.get_current(db.session(), "exam_blueprint", exam_key, today(now))
    drawn = items.draw(
        db.session(), blueprint_from_body(blueprint.body), blueprint_version_id=blueprint.id,
        seed=secrets.randbits(48), on=today(now),
    )  # fmt: skip
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        admission_id, attempts, seat = _entitled(session, person_id, blueprint, now)
        sitting_id = None if seat is None else seat.sitting_id
        snapshot = terms.of_exam(
            blueprint, sitting_id=sitting_id, close_at=None if seat is None else seat.closes_at,
            extra_minutes=0 if seat is None else seat.extra_minutes,
            percent=time_queries.percent_of(session, person_id, today(now)),
        )  # fmt: skip
        started = _insert(
            lock, exam_key, Purpose.EXAM, snapshot, items.keep(drawn, now=now), admission_id=admission_id,
            attempts=attempts, sitting_id=sitting_id,
        )  # fmt: skip
        if seat is not None:
            _carry_over(lock, started.attempt_id, seat)
        return started


def start_quiz(person_id: int, course_key: str, *, now: datetime) -> Started:
    """Start the quiz of a course: untimed, unlimited, from the practice pool. Raises AttemptRunning, NotFound."""
    course = content.get_current(db.session(), "course", course_key, today(now))
    drawn = items.draw(
        db.session(), quiz_blueprint(course_key, course.body["quiz"]["cells"]), blueprint_version_id=course.id,
        seed=secrets.randbits(48), on=today(now),
    )  # fmt: skip
    with transaction():
        lock = lock_person(person_id, now=now)
        return _insert(
            lock, f"{QUIZ_PREFIX}{course_key}", Purpose.QUIZ, terms.of_quiz(course), items.keep(drawn, now=now)
        )


def open_attempt(public_id: str, person_id: int, *, now: datetime) -> int:
    """Open a running attempt again and return the new writer epoch; every earlier writer is refused from now on.

    Raises NotFound for another's attempt, AttemptClosed.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        row = session.execute(
            sa.update(Attempt)
            .where(Attempt.public_id == public_id, Attempt.person_id == person_id, Attempt.status == AttemptState.OPEN)
            .values(epoch=Attempt.epoch + 1)
            .returning(Attempt.id, Attempt.epoch)
            .execution_options(synchronize_session=False)
        ).first()
        if row is None:
            find_own(session, public_id, person_id)
            raise AttemptClosed()
        attempt_id, epoch = row
        add_event(lock, attempt_id, AttemptEventKind.RESUMED, {"epoch": epoch}, actor_id=person_id)
        return int(epoch)


def submit_attempt(public_id: str, person_id: int, *, epoch: int, saves: Sequence[Save] = (), now: datetime) -> None:
    """Hand an attempt in once: close it first, then keep what came along in time, then score.

    What comes after deadline and allowance is not kept; what the server had confirmed counts. Raises NotFound,
    AttemptClosed (also to the slower of two hand-ins), OpenedElsewhere, BadAnswer.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        attempt = find_own(session, public_id, person_id)
        if attempt.epoch != epoch and attempt.status is AttemptState.OPEN:
            raise OpenedElsewhere()
        move = terms.due(attempt, now) or Move.HAND_IN
        closing.close(lock, attempt, move, epoch=epoch, saves=saves, actor_id=person_id)


def close_overdue(attempt_id: int, *, now: datetime) -> bool:
    """End an attempt whose time is over by the rule of its blueprint; return whether it was to be ended."""
    with transaction() as session:
        lock = lock_person(session.get_one(Attempt, attempt_id).person_id, now=now)
        attempt = session.get_one(Attempt, attempt_id, populate_existing=True)
        move = terms.due(attempt, now)
        if attempt.status is not AttemptState.OPEN or move is None:
            return False
        closing.close(lock, attempt, move, actor_id=None)
        return True


def void_attempt(public_id: str, *, words: str, now: datetime, actor_id: int) -> None:
    """Void a running attempt, with the reason in words; it stays counted.

    Raises NotFound, AttemptClosed, SamePerson, WordsNeeded.
    """
    with transaction() as session:
        found = session.execute(sa.select(Attempt.person_id).where(Attempt.public_id == public_id)).first()
        if found is None:
            raise NotFound()
        if found[0] == actor_id:
            raise SamePerson()
        lock = lock_person(found[0], now=now)
        attempt = find_own(session, public_id, found[0])
        payload = audit.keep_payload(check_words(words), person_id=lock.person_id, now=now)
        closing.close(lock, attempt, Move.ANNUL, actor_id=actor_id, payload=payload)


def contest_attempt(public_id: str, person_id: int, *, words: str, language: str, now: datetime) -> None:
    """Contest the result of an ended exam in one's own words, once. Raises AlreadyContested, WordsNeeded, NotFound."""
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        attempt = find_own(session, public_id, person_id)
        if attempt.status is AttemptState.OPEN or attempt.kind != Purpose.EXAM:
            raise NotFound()
        idem = f"attempt/{attempt.id}/contested"
        if session.scalar(sa.select(AttemptEvent.id).where(AttemptEvent.idem == idem)) is not None:
            raise AlreadyContested()
        payload = audit.keep_payload(check_words(words), person_id=person_id, now=now, language=language)
        add_event(lock, attempt.id, AttemptEventKind.CONTESTED, {}, actor_id=person_id, idem=idem, payload=payload)
        audit.record(
            "attempt.contested", f"attempt:{attempt.id}", now=now, stream=audit.person_stream(person_id),
            actor_id=person_id, payload=payload,
        )  # fmt: skip


def check_words(words: str) -> str:
    """Return words without the space around them; raises WordsNeeded if none are left or there are too many."""
    words = words.strip()
    if not 0 < len(words) <= WORDS_MAX:
        raise WordsNeeded()
    return words


def find_own(session: Session, public_id: str, person_id: int) -> Attempt:
    """Return a person's own attempt as it stands in the database now; raises NotFound, also for another's."""
    row: Attempt | None = session.scalar(
        sa.select(Attempt)
        .where(Attempt.public_id == public_id, Attempt.person_id == person_id)
        .execution_options(populate_existing=True)
    )
    if row is None:
        raise NotFound()
    return row


def _entitled(
    session: Session, person_id: int, blueprint: content.Version, now: datetime
) -> tuple[int, int, SeatLine | None]:
    """Return (admission, attempts it allows, seat) that a start is granted on, or refuse with the reason."""
    if (running := queries.open_public_id(session, person_id, blueprint.key)) is not None:
        raise AttemptRunning(running)
    standing = queries.get_standing(session, person_id, blueprint, now)
    decision = standing.decision
    if decision is None or standing.admission_id is None:
        raise StartRefused(None)
    if decision.answer is not StartAnswer.MAY_START:
        raise StartRefused(decision.answer, decision.allowed_at)
    if standing.seat is not None and now < standing.seat.opens_at:
        raise SittingNotOpen()
    return standing.admission_id, standing.attempts, standing.seat


def _insert(
    lock: PersonLock, exam_key: str, kind: Purpose, snapshot: Mapping[str, Any], form_id: int, *,
    admission_id: int | None = None, attempts: int | None = None, sitting_id: int | None = None,
) -> Started:  # fmt: skip
    """Insert an attempt if none is open and the admission is not used up: one conditional statement.

    The person's lock keeps starters apart; the condition and the unique indexes hold even without it.
    """
    session, now = lock.session, lock.now
    limits = terms.read(snapshot, now)
    deadline_at = None if limits is None else deadline(limits)
    mine = sa.and_(Attempt.person_id == lock.person_id, Attempt.exam_key == exam_key)
    counted = mine if admission_id is None else Attempt.admission_id == admission_id
    used = sa.select(sa.func.count(Attempt.id)).where(counted).scalar_subquery()
    is_open = sa.select(Attempt.id).where(mine, Attempt.status == AttemptState.OPEN).exists()
    values: dict[str, Any] = {
        "public_id": secrets.token_urlsafe(16), "person_id": lock.person_id, "exam_key": exam_key,
        "kind": kind.value, "admission_id": admission_id, "sitting_id": sitting_id, "exam_form_id": form_id,
        "snapshot": dict(snapshot), "status": AttemptState.OPEN, "epoch": 1, "saves": 0, "opened_at": now,
        "deadline_at": deadline_at, "supervised": False,
    }  # fmt: skip
    columns = Attempt.__table__.c
    source = sa.select(
        *(sa.literal(value, columns[name].type).label(name) for name, value in values.items()),
        (used + 1).label("number"),
    ).where(~is_open, sa.true() if attempts is None else used < attempts)
    attempt_id = session.scalar(
        sa.insert(Attempt).from_select([*values, "number"], source, include_defaults=False).returning(Attempt.id)
    )
    if attempt_id is None:
        running = queries.open_public_id(session, lock.person_id, exam_key)
        raise AttemptRunning(running) if running else StartRefused(StartAnswer.ATTEMPTS_USED)
    until = None if deadline_at is None else deadline_at.isoformat()
    facts = {"epoch": 1, "deadline": until, "form": form_id, "admission": admission_id, "sitting": sitting_id}
    add_event(lock, attempt_id, AttemptEventKind.OPENED, facts, actor_id=lock.person_id)
    audit.record(
        "attempt.started", f"attempt:{attempt_id}", now=now, stream=audit.person_stream(lock.person_id),
        actor_id=lock.person_id, facts={"exam": exam_key, "admission": admission_id, "sitting": sitting_id},
    )  # fmt: skip
    return Started(attempt_id=attempt_id, public_id=values["public_id"], epoch=1)


def _carry_over(lock: PersonLock, attempt_id: int, seat: SeatLine) -> None:
    """Write onto the attempt what examiners had stated about the seat and the room before it began."""
    if seat.identity_checked_by is not None and seat.identity_checked_at is not None:
        add_event(
            lock, attempt_id, AttemptEventKind.IDENTITY_CHECKED, {"sitting": seat.sitting_id, "examiner": True},
            actor_id=seat.identity_checked_by, effective_at=seat.identity_checked_at,
        )  # fmt: skip
    if seat.invigilated_by is not None and seat.invigilated_by != lock.person_id:
        add_event(
            lock, attempt_id, AttemptEventKind.INVIGILATED, {"sitting": seat.sitting_id, "examiner": True},
            actor_id=seat.invigilated_by,
        )  # fmt: skip
