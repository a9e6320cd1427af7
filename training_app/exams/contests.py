"""Answering a contested result: once, in words, by somebody who did not examine that attempt.

The marks of an attempt are never written anew. An answer that upholds a contest grants one more attempt where the
first is no supervised pass; a pass that stands is left alone, as no contest makes a result worse.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import can_reach, grants_of
from training_app.access.rules import Permission
from training_app.accounts.locks import PersonLock, lock_person
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.content import queries as content
from training_app.db import transaction
from training_app.errors import Forbidden, NotFound, SamePerson
from training_app.exams import contest_queries, service
from training_app.exams.errors import AlreadyAnswered, ExaminedHere
from training_app.exams.models import Attempt, ContestAnswer
from training_app.outbox import service as outbox

REASON = "contest"


def answer_contest(
    public_id: str, *, is_upheld: bool, words: str, language: str, now: datetime, actor_id: int
) -> int | None:
    """Answer a contest with the reason and tell the learner; return the admission that it granted, if any.

    Raises NotFound where nothing was contested, SamePerson, Forbidden, ExaminedHere, AlreadyAnswered, WordsNeeded.
    """
    reason = service.check_words(words)
    with transaction() as session:
        person_id = session.scalar(sa.select(Attempt.person_id).where(Attempt.public_id == public_id))
        if person_id is None:
            raise NotFound()
        lock = lock_person(person_id, now=now)
        attempt = service.find_own(session, public_id, person_id)
        _check(lock, attempt, actor_id)
        payload = audit.keep_payload(reason, person_id=person_id, now=now, language=language)
        admission_id = _one_more(lock, attempt, actor_id) if is_upheld else None
        stamp = lock.stamp()
        session.add(
            ContestAnswer(
                person_id=person_id, attempt_id=attempt.id, is_upheld=is_upheld, admission_id=admission_id,
                effective_at=now, recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=actor_id,
                idem=f"attempt/{attempt.id}/contest_answered", payload_id=payload.id, payload_digest=payload.digest,
            )
        )  # fmt: skip
        session.flush()
        audit.record(
            "attempt.contest_answered", f"attempt:{attempt.id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, facts={"upheld": is_upheld, "admission": admission_id}, payload=payload,
        )  # fmt: skip
        if is_upheld:
            _tell(attempt, "contest_upheld", now)
        else:
            _tell(attempt, "contest_rejected", now)
        return admission_id


def _check(lock: PersonLock, attempt: Attempt, actor_id: int) -> None:
    session = lock.session
    if actor_id == lock.person_id:
        raise SamePerson()
    grants = grants_of(session, actor_id, today(lock.now))
    if not can_reach(session, grants, Permission.EXAM_RESOLVE, lock.person_id):
        raise Forbidden()
    if not contest_queries.is_contested(session, attempt.id):
        raise NotFound()
    if actor_id in contest_queries.examiners(session, attempt.id):
        raise ExaminedHere()
    if _is_answered(session, attempt.id):
        raise AlreadyAnswered()


def _is_answered(session: Session, attempt_id: int) -> bool:
    return session.scalar(sa.select(ContestAnswer.id).where(ContestAnswer.attempt_id == attempt_id)) is not None


def _one_more(lock: PersonLock, attempt: Attempt, actor_id: int) -> int | None:
    """Admit the person once more, unless a supervised pass stands or the exam is no longer given."""
    if attempt.passed and attempt.supervised:
        return None
    if content.find_current(lock.session, "exam_blueprint", attempt.exam_key, today(lock.now)) is None:
        return None
    return service.admit(
        lock, attempt.exam_key, attempts=1, reason=REASON, idem=f"attempt/{attempt.id}/contest", actor_id=actor_id
    )


def _tell(attempt: Attempt, kind: str, now: datetime) -> None:
    key = f"contest_answered/{attempt.id}"
    body = {
        "person": attempt.person_id,
        "kind": kind,
        "key": key,
        "facts": {"title": attempt.snapshot["title"]},
        "path": f"/attempts/{attempt.public_id}/result#contest",
    }
    outbox.send("notice", f"notice/{key}", body, now=now)
