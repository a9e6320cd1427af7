"""The annual review: what it asks is assigned by itself; a certifier renews, with a condition or without, or not."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.calendar.rules import legal_day
from training_app.certifications import queries, review_queries
from training_app.certifications.award_rules import LeftOut, Verdict
from training_app.certifications.retraining_queries import asks_exam
from training_app.certifications.review_queries import Reviewing, ReviewRow
from training_app.certifications.service import REASON_MIN, ReasonTooShort
from training_app.content import queries as content
from training_app.courses import service as courses
from training_app.db import transaction
from training_app.errors import NotFound
from training_app.exams import queries as exam_queries
from training_app.exams import service as exams
from training_app.exams.rules import StartAnswer
from training_app.outbox import service as outbox
from training_app.permits import service as permits


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """What came of a decision on several people, each in a transaction of their own."""

    renewed: tuple[int, ...]
    left_out: tuple[tuple[int, Verdict], ...]


def follow_review(person_id: int, *, now: datetime) -> bool:
    """Open the review of a person whose window is open and give them what is asked: lessons again, then the exam.

    May be repeated; each is told once. Return whether a review is open.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        due = permits.open_review(lock, now=now)
        if due is None:
            return False
        reviewing = review_queries.find_reviewing(session, person_id, lock.present)
        if reviewing is None:
            return False
        courses.ask_again(lock, reviewing.lessons, since=due.opens_at)
        if asks_exam(reviewing.lines):
            _admit(lock, reviewing, now)
        if reviewing.is_shown:
            permits.note_shown(lock, due, now=now)
        return True


def _admit(lock: PersonLock, reviewing: Reviewing, now: datetime) -> None:
    """Open the exam, unless it is open already: what a level asks for anew serves the review as well."""
    key = reviewing.due.asked.exam
    blueprint = content.current(lock.session, "exam_blueprint", legal_day(now, queries.ZONE)).get(key or "")
    if key is None or blueprint is None:
        return
    standing = exam_queries.get_standing(lock.session, lock.person_id, blueprint, now)
    if standing.decision is not None and standing.decision.answer is not StartAnswer.ATTEMPTS_USED:
        return
    idem = f"review-admission/{reviewing.due.record.permit_id}/{reviewing.due.window}/{key}"
    if queries.has_admission(lock.session, idem):
        return
    exams.admit(
        lock, key, attempts=blueprint.body["attempts"], reason="annual_review", idem=idem, actor_id=None,
        valid_to=reviewing.due.grace_until,
    )  # fmt: skip
    body = {"person": lock.person_id, "kind": "exam_admitted", "key": f"exam_admitted/{idem}", "facts": {},
            "path": "/me/permit#review"}  # fmt: skip
    outbox.send("notice", f"notice/exam_admitted/{idem}", body, now=now)


def renew(
    person_id: int, *, words: str, condition_on: date | None, language: str, now: datetime, actor_id: int,
    grants: tuple[Grant, ...],
) -> Verdict:  # fmt: skip
    """Renew the permit of one person who was opened and decided on alone; return the verdict.

    `words`: what is to be done by `condition_on`, the last day of a condition; without one they may be empty. Nothing
    is written unless the verdict is ready, so that the slower of two deciders changes nothing. Raises NotFound out of
    reach, ReasonTooShort, and what `permits.renew` raises.
    """
    with transaction() as session:
        lock, row = _open(session, person_id, now, actor_id, grants, on_its_own=True)
        if row is None or not row.verdict.is_ready:
            return _verdict(row)
        if condition_on is not None and len(words.strip()) < REASON_MIN:
            raise ReasonTooShort()
        _write(lock, row, _kept(words, language, person_id, now), condition_on, now, actor_id)
        return row.verdict


def renew_all(
    person_ids: Iterable[int], *, now: datetime, actor_id: int, grants: tuple[Grant, ...]
) -> Renewed:  # fmt: skip
    """Renew each of these permits without a condition; who may not be from a list is left out with the reason."""
    renewed, left_out = [], []
    for person_id in sorted(set(person_ids)):
        try:
            with transaction() as session:
                lock, row = _open(session, person_id, now, actor_id, grants, on_its_own=False)
                verdict = _verdict(row)
                if row is not None and verdict.is_ready:
                    _write(lock, row, None, None, now, actor_id)
        except NotFound:
            verdict = Verdict(why=LeftOut.NOT_FOUND)
        if verdict.is_ready:
            renewed.append(person_id)
        else:
            left_out.append((person_id, verdict))
    return Renewed(renewed=tuple(renewed), left_out=tuple(left_out))


def refuse(
    person_id: int, *, words: str, language: str, now: datetime, actor_id: int, grants: tuple[Grant, ...]
) -> Verdict:
    """Refuse the renewal with the reason; the holder is told, and it can be decided anew while the window is open.

    The same again changes nothing. Raises NotFound, ReasonTooShort.
    """
    with transaction() as session:
        lock, row = _open(session, person_id, now, actor_id, grants, on_its_own=True)
        if row is None or not row.verdict.is_ready:
            return _verdict(row)
        if len(words.strip()) < REASON_MIN:
            raise ReasonTooShort()
        is_again = row.refusal is not None and row.refusal[0] == words.strip()
        if is_again and row.due.refusal is not None and row.due.refusal.by == actor_id:
            return row.verdict
        reason = _kept(words, language, person_id, now)
        assert reason is not None
        permits.refuse(lock, evidence=_evidence(row), reason=reason, now=now, actor_id=actor_id)
        return row.verdict


def meet_condition(person_id: int, *, now: datetime, actor_id: int, grants: tuple[Grant, ...]) -> None:
    """Write that what a renewal asked for is done. Raises NotFound out of reach, and what `permits` raises."""
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        if not access.can_reach(session, grants, Permission.LEVEL_AWARD, person_id):
            raise NotFound()
        permits.meet_condition(lock, now=now, actor_id=actor_id)


def _open(
    session: Session, person_id: int, now: datetime, actor_id: int, grants: tuple[Grant, ...], *, on_its_own: bool
) -> tuple[PersonLock, ReviewRow | None]:
    lock = lock_person(person_id, now=now)
    if not access.can_reach(session, grants, Permission.LEVEL_AWARD, person_id):
        raise NotFound()
    row = review_queries.find_row(
        session, grants, person_id, certifier_id=actor_id, now=lock.present, on_its_own=on_its_own
    )
    return lock, row


def _verdict(row: ReviewRow | None) -> Verdict:
    return Verdict(why=LeftOut.NOTHING_DUE) if row is None else row.verdict


def _write(
    lock: PersonLock, row: ReviewRow, reason: Payload | None, condition_on: date | None, now: datetime, actor_id: int
) -> None:
    permits.renew(
        lock, evidence=_evidence(row), reason=reason, condition_on=condition_on, now=now, actor_id=actor_id
    )  # fmt: skip


def _evidence(row: ReviewRow) -> list[str]:
    return [one.id for line in row.reviewing.lines for one in line.used]


def _kept(words: str, language: str, person_id: int, now: datetime) -> Payload | None:
    if not words.strip():
        return None
    return audit.keep_payload({"words": words.strip()}, person_id=person_id, now=now, language=language)
