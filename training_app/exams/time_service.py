"""Giving somebody more time for every exam of a period, with the reason; HR records it, never for oneself.

An attempt that has begun keeps the limit it began with: only an extension moves its deadline.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import can_reach, grants_of
from training_app.access.rules import Permission
from training_app.accounts.dated import end_rows
from training_app.accounts.locks import PersonLock, lock_person
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.db import transaction
from training_app.errors import NotFound, SamePerson
from training_app.exams import service
from training_app.exams.errors import BadFactor, BadPeriod, NothingToEnd
from training_app.exams.models import TimeFactor
from training_app.exams.time_rules import AS_EVERYBODY, MOST, is_percent_possible, is_period_possible


def set_factor(
    person_id: int, *, percent: int, first_on: date, last_on: date | None, words: str, language: str, now: datetime,
    actor_id: int,
) -> bool:  # fmt: skip
    """Let a person write longer from a day on, through a last day or until it is ended; return whether it is new.

    It takes the place of what was to hold in that period; what was to hold after its last day still does. The same
    again, with the same words, changes nothing. Raises BadFactor, BadPeriod, WordsNeeded, SamePerson, NotFound.
    """
    if not is_percent_possible(percent):
        raise BadFactor(most=MOST - AS_EVERYBODY)
    reason = service.check_words(words)
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        _require(lock, actor_id)
        if not is_period_possible(first_on, last_on, today(now)):
            raise BadPeriod()
        until = None if last_on is None else last_on + timedelta(days=1)
        same = sa.select(TimeFactor.id).join(Payload, Payload.id == TimeFactor.payload_id).where(
            TimeFactor.person_id == person_id, TimeFactor.superseded_at.is_(None), TimeFactor.percent == percent,
            TimeFactor.valid_from == first_on, TimeFactor.valid_to.is_not_distinct_from(until), Payload.body == reason,
        )  # fmt: skip
        if session.scalar(same) is not None:
            return False
        within = sa.true() if until is None else TimeFactor.valid_from < until
        cut = _end(session, person_id, within, on=first_on, now=now, actor_id=actor_id)
        session.add_all(
            _rest(row, until, now) for row in cut if until and (row.valid_to is None or row.valid_to > until)
        )
        payload = audit.keep_payload(reason, person_id=person_id, now=now, language=language)
        session.add(
            TimeFactor(
                person_id=person_id, percent=percent, valid_from=first_on, valid_to=until, recorded_at=now,
                by_id=actor_id, payload_id=payload.id,
            )
        )  # fmt: skip
        session.flush()
        audit.record(
            "exam.time_factor_set", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, payload=payload,
            facts={"percent": percent, "from": first_on.isoformat(), "to": until and until.isoformat()},
        )  # fmt: skip
        return True


def end_factor(person_id: int, *, now: datetime, actor_id: int) -> None:
    """End a person's time factor today, and what was to come; raises NothingToEnd, SamePerson, NotFound."""
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        _require(lock, actor_id)
        on = today(now)
        if not _end(session, person_id, sa.true(), on=on, now=now, actor_id=actor_id):
            raise NothingToEnd()
        audit.record(
            "exam.time_factor_ended", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, facts={"on": on.isoformat()},
        )  # fmt: skip


def _end(
    session: Session, person_id: int, which: sa.ColumnElement[bool], *, on: date, now: datetime, actor_id: int
) -> list[TimeFactor]:
    rows = end_rows(session, TimeFactor, TimeFactor.person_id == person_id, which, on=on, now=now)
    for row in rows:
        row.superseded_by = actor_id
    return rows


def _rest(row: TimeFactor, first_on: date, now: datetime) -> TimeFactor:
    """Return what of a row was to hold from a day on, as who recorded it gave it."""
    return TimeFactor(
        person_id=row.person_id, percent=row.percent, valid_from=first_on, valid_to=row.valid_to, recorded_at=now,
        by_id=row.by_id, payload_id=row.payload_id,
    )  # fmt: skip


def _require(lock: PersonLock, actor_id: int) -> None:
    """Let the actor go on only where their right to keep people's records reaches this other person, who works here."""
    grants = grants_of(lock.session, actor_id, today(lock.now))
    if not can_reach(lock.session, grants, Permission.PEOPLE_EDIT, lock.person_id):
        raise NotFound()
    if actor_id == lock.person_id:
        raise SamePerson()
    if lock.person.left_on is not None:
        raise NotFound()
