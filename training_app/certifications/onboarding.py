"""What follows by itself: courses for who begins, the exam for who may sit it, withdrawal for who is out for good.

Each runs in a transaction of its own, after the commit of what it follows, and may be repeated.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from training_app.access import queries as access
from training_app.access.rules import Permission
from training_app.accounts.locks import PersonLock, lock_person
from training_app.accounts.models import Person
from training_app.calendar.rules import legal_day
from training_app.certifications import queries
from training_app.certifications.award_rules import LOST, Situation
from training_app.certifications.level_rules import Purpose
from training_app.certifications.rules import Line, RequirementKind, may_sit
from training_app.certifications.service import withdraw_all
from training_app.content import queries as content
from training_app.courses import service as courses
from training_app.courses.rules import Reason
from training_app.db import transaction, writing_session
from training_app.exams import service as exams
from training_app.outbox import service as outbox
from training_app.permits import queries as permits
from training_app.permits.standing_rules import is_eliminated

ENROL = "certifications.enrol"
ADMIT = "certifications.admit"
FOLLOW_PERMIT = "certifications.follow_permit"


def ask_for(topic: str, person_id: int, *, now: datetime) -> None:
    """Write, in the running transaction, that one of these has to be looked at for a person."""
    seq = writing_session().scalar(sa.select(Person.seq).where(Person.id == person_id))
    outbox.send(topic, f"{topic}/{person_id}/{seq}/{now.isoformat()}", {"person": person_id}, now=now)


def enrol_learner(person_id: int, *, now: datetime) -> list[str]:
    """Enrol a learner who holds no level in the courses of the first one, due `due_days` from today; return their keys.

    Nobody is enrolled twice, and a due day that stands is not moved.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        grants = access.grants_of(session, person_id, legal_day(now, queries.ZONE))
        if not any(grant.permission == Permission.COURSE_LEARN for grant in grants):
            return []
        keys = []
        for scheme in queries.schemes(session, legal_day(now, queries.ZONE)):
            situation = queries.situations(session, [person_id], scheme=scheme, now=now)[person_id]
            keys += _enrol(lock, situation, now)
        if keys:
            _notify(lock, "enrolled", f"{person_id}/{keys[0]}", now)
        return keys


def _enrol(lock: PersonLock, situation: Situation, now: datetime) -> list[str]:
    target = situation.target
    if target is None or target.purpose is not Purpose.AWARD or situation.left_on is not None:
        return []
    due_on = legal_day(now, situation.zone) + timedelta(days=target.level.due_days)
    known = queries.enrolled_courses(lock.session, lock.person_id)
    keys = [ref for ref in _refs(situation.missing, RequirementKind.COURSE) if ref not in known]
    for key in keys:
        courses.enrol(lock, key, Reason.ASSIGNED, due_on, now, None)
    return keys


def admit_if_ready(person_id: int, *, now: datetime) -> list[int]:
    """Admit a person to the exams that a level still asks for once all that precedes them is met; return the ids.

    One admission per exam, level and round: a renewal opens its own.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        ids = []
        for scheme in queries.schemes(session, legal_day(now, queries.ZONE)):
            situation = queries.situations(session, [person_id], scheme=scheme, now=now)[person_id]
            ids += _admit(lock, situation, now)
        return ids


def _admit(lock: PersonLock, situation: Situation, now: datetime) -> list[int]:
    target = situation.target
    if target is None or situation.permit in LOST or situation.left_on is not None:
        return []
    if not may_sit(situation.lines):
        return []
    ids = []
    rounds = situation.held.awards if situation.held else 0
    since = "" if target.since is None else target.since.date().isoformat()
    for exam_key in _refs(situation.missing, RequirementKind.EXAM):
        blueprint = content.get_current(lock.session, "exam_blueprint", exam_key, legal_day(now, situation.zone))
        place = f"{target.level.scheme}/{target.level.level}/{rounds}{since}"
        idem = f"level-admission/{lock.person_id}/{exam_key}/{place}"
        is_new = not queries.has_admission(lock.session, idem)
        reason = "onboarding" if target.purpose is Purpose.AWARD else "renewal"
        ids.append(
            exams.admit(lock, exam_key, attempts=blueprint.body["attempts"], reason=reason, idem=idem, actor_id=None)
        )
        if is_new:
            _notify(lock, "exam_admitted", idem, now)
    return ids


def follow_permit(person_id: int, *, now: datetime) -> int:
    """Withdraw the levels of a holder who failed retraining for good or is barred; return how many were withdrawn."""
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        record = permits.permit_facts(session, person_id, now)
        if record is None or not is_eliminated(record.facts, now):
            return 0
        cause = "barred" if record.facts.retraining_failed_at is None else "retraining_failed"
        return withdraw_all(lock, cause=cause, now=now)


def _refs(lines: Iterable[Line], kind: RequirementKind) -> list[str]:
    return [line.requirement.ref for line in lines if line.requirement.kind is kind]


def _notify(lock: PersonLock, kind: str, key: str, now: datetime) -> None:
    body = {
        "person": lock.person_id,
        "kind": kind,
        "key": f"{kind}/{key}",
        "facts": {},
        "path": "/me/requirements",
    }
    outbox.send("notice", f"notice/{kind}/{key}", body, now=now)
