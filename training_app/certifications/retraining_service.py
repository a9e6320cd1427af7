"""Retraining: the lessons asked again, the exam opened, and the decision that makes the permit valid again."""

from __future__ import annotations

from datetime import datetime

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit import service as audit
from training_app.calendar.rules import legal_day
from training_app.certifications import queries, retraining_queries
from training_app.certifications.award_rules import LeftOut, Verdict
from training_app.certifications.retraining_queries import Returning
from training_app.certifications.service import REASON_MIN, ReasonTooShort
from training_app.content import queries as content
from training_app.courses import service as courses
from training_app.db import transaction
from training_app.errors import NotFound
from training_app.exams import service as exams
from training_app.outbox import service as outbox
from training_app.permits import service as permits


def follow_retraining(person_id: int, *, now: datetime) -> bool:
    """Give a person in retraining what is open to them: lessons to read again, then the exam; tell them of each once.

    May be repeated. Return whether the person is in retraining.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        returning = retraining_queries.find_return(session, person_id, now)
        if returning is None:
            return False
        courses.ask_again(lock, returning.lessons, since=returning.due.began_at)
        _notify(lock, "retraining_open", returning.due.key, "/me/permit", now)
        if retraining_queries.asks_exam(returning.lines):
            _admit(lock, returning, now)
        return True


def _admit(lock: PersonLock, returning: Returning, now: datetime) -> None:
    key = returning.due.shown_with.exam
    blueprint = content.get_current(lock.session, "exam_blueprint", key, legal_day(now, queries.ZONE))
    idem = f"retraining-admission/{returning.due.key}/{key}"
    exams.admit(lock, key, attempts=blueprint.body["attempts"], reason="retraining", idem=idem, actor_id=None)
    _notify(lock, "exam_admitted", idem, "/me/requirements", now)


def reinstate(
    person_id: int, *, words: str, language: str, now: datetime, actor_id: int, grants: tuple[Grant, ...]
) -> Verdict:
    """Make the permit of a person valid again who has shown all that the retraining asks; return the verdict.

    Nothing is written unless the verdict is ready, so that a second call changes nothing. Raises NotFound out of reach,
    ReasonTooShort.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        if not access.can_reach(session, grants, Permission.LEVEL_AWARD, person_id):
            raise NotFound()
        found = retraining_queries.find_row(session, grants, person_id, certifier_id=actor_id, now=now)
        if found is None:
            return Verdict(why=LeftOut.NOTHING_DUE)
        row, _names = found
        if not row.verdict.is_ready:
            return row.verdict
        if len(words.strip()) < REASON_MIN:
            raise ReasonTooShort()
        reason = audit.keep_payload({"words": words.strip()}, person_id=person_id, now=now, language=language)
        evidence = [one.id for line in row.returning.lines for one in line.used]
        permits.reinstate(lock, evidence=evidence, reason=reason, now=now, actor_id=actor_id)
        return row.verdict


def _notify(lock: PersonLock, kind: str, key: str, path: str, now: datetime) -> None:
    body = {"person": lock.person_id, "kind": kind, "key": f"{kind}/{key}", "facts": {}, "path": path}
    outbox.send("notice", f"notice/{kind}/{key}", body, now=now)
