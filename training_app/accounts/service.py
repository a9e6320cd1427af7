"""People and units: create, move, name, leave. Every change keeps its history and the scope rows true."""

from __future__ import annotations

from datetime import date, datetime
from itertools import chain

import sqlalchemy as sa

from training_app.access.models import PersonInUnit, RoleGrant
from training_app.accounts import events, queries
from training_app.accounts.dated import end_rows
from training_app.accounts.locks import PersonLock, lock_person
from training_app.accounts.models import (
    Assignment,
    Login,
    Person,
    PersonProfile,
    SignInSession,
    Unit,
    UnitParent,
    UnitVersion,
)
from training_app.accounts.rules import AssignmentKind, UnitType, is_employee_number
from training_app.accounts.surnames import syllables
from training_app.audit import service as audit
from training_app.calendar.rules import legal_day
from training_app.db import transaction, writing_session
from training_app.errors import Invalid, NotFound


class NumberTaken(Invalid):
    """The employee or unit number is in use."""

    code = "number_taken"
    message = "The number %(number)s is already in use. Numbers are never given twice."


class BadNumber(Invalid):
    """The employee number has a form we cannot take."""

    code = "bad_number"
    message = "An employee number has 2 to 32 letters, digits or hyphens, such as T-10023."


def sort_key(name: str) -> str:
    """Return the pinyin of a name, lower case without spaces, then the name itself to tell namesakes apart."""
    return ("".join(chain(*syllables(name))).lower().replace(" ", "") + "|" + name)[:200]


def today(now: datetime, zone: str = "Asia/Shanghai") -> date:
    """Return the legal day of an instant in a zone."""
    return legal_day(now, zone)


def create_unit(
    *,
    number: str,
    name: str,
    type: UnitType,
    parent_id: int | None,
    now: datetime,
    actor_id: int | None,
    name_latin: str | None = None,
    stars: int = 0,
    valid_from: date | None = None,
) -> int:
    """Create a unit below another; return its id. Raises NumberTaken."""
    with transaction() as session:
        if session.scalar(sa.select(Unit.id).where(Unit.number == number)) is not None:
            raise NumberTaken(number=number)
        start = valid_from or today(now)
        unit = Unit(number=number, created_at=now)
        session.add(unit)
        session.flush()
        session.add(
            UnitVersion(
                unit_id=unit.id, name=name, name_latin=name_latin, type=type, stars=stars,
                valid_from=start, recorded_at=now, by_id=actor_id,
            )
        )  # fmt: skip
        if parent_id is not None:
            session.add(
                UnitParent(unit_id=unit.id, parent_id=parent_id, valid_from=start, recorded_at=now, by_id=actor_id)
            )
        audit.record("unit.created", f"unit:{unit.id}", now=now, actor_id=actor_id, facts={"number": number})
        session.flush()
        return unit.id


def create_person(
    *,
    number: str,
    name: str,
    unit_id: int,
    employer: str,
    now: datetime,
    actor_id: int | None,
    name_latin: str | None = None,
    phone: str | None = None,
    email: str | None = None,
    language: str = "zh",
    roles: tuple[str, ...] = ("learner",),
    valid_from: date | None = None,
) -> int:
    """Create a person with a main assignment and an (empty) login; return the id. Raises BadNumber, NumberTaken."""
    with transaction() as session:
        number = number.strip().upper()
        if not is_employee_number(number):
            raise BadNumber(number=number)
        if queries.find_person_id(session, number) is not None:
            raise NumberTaken(number=number)
        person = Person(created_at=now, last_recorded_at=now, seq=0)
        session.add(person)
        session.flush()
        session.add(
            PersonProfile(
                person_id=person.id, number=number, name=name.strip(), name_latin=name_latin or None,
                sort_key=sort_key(name.strip()), phone=phone or None, email=email or None, language=language,
            )
        )  # fmt: skip
        session.add(Login(person_id=person.id))
        session.flush()
        lock = lock_person(person.id, now=now)
        _assign(lock, unit_id, employer, valid_from or today(now), actor_id)
        for role in roles:
            _grant(lock, role, None if role == "administrator" else unit_id, valid_from or today(now), actor_id)
        audit.record(
            "person.created", f"person:{person.id}", now=now, stream=audit.person_stream(person.id),
            actor_id=actor_id, facts={"unit": unit_id, "roles": list(roles)},
        )  # fmt: skip
        events.person_created.send(None, person_id=person.id, now=now)
        return person.id


def move_person(person_id: int, *, unit_id: int, employer: str, on: date, now: datetime, actor_id: int | None) -> None:
    """End the main assignment on a day and begin another; ledger and permit stay with the person."""
    with transaction():
        lock = lock_person(person_id, now=now)
        _assign(lock, unit_id, employer, on, actor_id)
        audit.record(
            "person.moved", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, facts={"unit": unit_id, "on": on.isoformat()},
        )  # fmt: skip
        events.person_changed.send(None, person_id=person_id, now=now)


def deactivate_person(person_id: int, *, on: date, now: datetime, actor_id: int | None) -> None:
    """Let a person leave: assignments and roles end, sessions end at once, sign-in is closed; the history stays."""
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        lock.person.left_on = on
        end_rows(session, Assignment, Assignment.person_id == person_id, on=on, now=now)
        end_rows(session, RoleGrant, RoleGrant.person_id == person_id, on=on, now=now)
        session.execute(sa.update(Login).where(Login.person_id == person_id).values(disabled_at=now))
        session.execute(
            sa.update(SignInSession)
            .where(SignInSession.person_id == person_id, SignInSession.ended_at.is_(None))
            .values(ended_at=now)
        )
        refresh_membership(lock)
        audit.record(
            "person.left", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, facts={"on": on.isoformat()},
        )  # fmt: skip
        events.person_changed.send(None, person_id=person_id, now=now)


def grant_role(
    person_id: int, *, role: str, unit_id: int | None, now: datetime, actor_id: int | None,
    approved_by: int | None = None,
) -> None:  # fmt: skip
    """Give a person a role at a unit and below (None: everywhere). Who may grant what is the caller's question."""
    with transaction():
        lock = lock_person(person_id, now=now)
        _grant(lock, role, unit_id, today(now), actor_id, approved_by)
        audit.record(
            "role.granted", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, facts={"role": role, "unit": unit_id},
        )  # fmt: skip
        events.person_changed.send(None, person_id=person_id, now=now)


def end_role(grant_id: int, *, now: datetime, actor_id: int | None) -> None:
    """End a role today; it stops counting on the next request."""
    with transaction() as session:
        grant = session.get(RoleGrant, grant_id)
        if grant is None:
            raise NotFound()
        lock_person(grant.person_id, now=now)
        grant.superseded_by = actor_id
        end_rows(session, RoleGrant, RoleGrant.id == grant_id, on=today(now), now=now)
        audit.record(
            "role.ended", f"person:{grant.person_id}", now=now, stream=audit.person_stream(grant.person_id),
            actor_id=actor_id, facts={"role": grant.role, "unit": grant.unit_id},
        )  # fmt: skip
        events.person_changed.send(None, person_id=grant.person_id, now=now)


def set_photo(person_id: int, sha256: str, *, now: datetime, actor_id: int) -> None:
    """Set the photo (already cleaned and stored) that the permit and the door page show."""
    with transaction():
        change_photo(lock_person(person_id, now=now), sha256, actor_id=actor_id)


def change_photo(lock: PersonLock, sha256: str | None, *, actor_id: int) -> None:
    """Set a photo, or take it away, in the running transaction."""
    person_id = lock.person_id
    lock.session.execute(
        sa.update(PersonProfile).where(PersonProfile.person_id == person_id).values(photo_sha256=sha256)
    )
    audit.record(
        "person.photo_set", f"person:{person_id}", now=lock.now, stream=audit.person_stream(person_id),
        actor_id=actor_id, facts={"sha256": sha256},
    )  # fmt: skip


def set_language(person_id: int, language: str, *, now: datetime) -> None:
    """Keep the language a person reads."""
    with transaction() as session:
        session.execute(sa.update(PersonProfile).where(PersonProfile.person_id == person_id).values(language=language))


def refresh_membership(lock: PersonLock) -> None:
    """Write the person's scope rows anew from the main assignment in force today."""
    session, person_id = lock.session, lock.person_id
    session.execute(sa.delete(PersonInUnit).where(PersonInUnit.person_id == person_id))
    session.add_all(
        PersonInUnit(ancestor_unit_id=unit, sort_key=key, person_id=person_id)
        for unit, key in sorted(queries.scope_rows_due(session, person_id, today(lock.now)))
    )
    session.flush()


def _assign(lock: PersonLock, unit_id: int, employer: str, on: date, actor_id: int | None) -> None:
    session = writing_session()
    if session.get(Unit, unit_id) is None:
        raise NotFound()
    own_main = (Assignment.person_id == lock.person_id, Assignment.kind == AssignmentKind.MAIN)
    end_rows(session, Assignment, *own_main, on=on, now=lock.now)
    session.add(
        Assignment(
            person_id=lock.person_id, unit_id=unit_id, kind=AssignmentKind.MAIN, employer=employer,
            valid_from=on, recorded_at=lock.now, by_id=actor_id,
        )
    )  # fmt: skip
    session.flush()
    refresh_membership(lock)


def _grant(
    lock: PersonLock,
    role: str,
    unit_id: int | None,
    on: date,
    actor_id: int | None,
    approved_by: int | None = None,
) -> None:
    lock.session.add(
        RoleGrant(
            person_id=lock.person_id, role=role, unit_id=unit_id, valid_from=on, granted_by=actor_id,
            approved_by=approved_by, recorded_at=lock.now,
        )
    )  # fmt: skip
    lock.session.flush()
