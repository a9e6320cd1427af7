"""Reading people, units and sessions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from training_app.access import queries as access
from training_app.access.models import PersonInUnit, RoleGrant, RolePermission
from training_app.access.rules import Grant
from training_app.accounts.models import (
    Assignment,
    Company,
    Dated,
    Login,
    Person,
    PersonProfile,
    SignInSession,
    Unit,
    UnitParent,
    UnitVersion,
)
from training_app.accounts.rules import AssignmentKind, UnitType
from training_app.content import queries as content
from training_app.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class PersonCard:
    """A person as pages name them."""

    person_id: int
    number: str
    name: str
    name_latin: str | None
    language: str
    photo_sha256: str | None
    unit_id: int | None
    unit_name: str | None
    unit_latin: str | None
    employer: str | None
    employer_latin: str | None


@dataclass(frozen=True, kw_only=True)
class UnitRow:
    """A unit as of a day, with its parent."""

    unit_id: int
    number: str
    name: str
    name_latin: str | None
    type: UnitType
    stars: int
    parent_id: int | None
    zone: str


def holds_on(table: type[Dated], on: date | sa.BindParameter[date]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for rows that hold on a day and are not superseded."""
    return (
        table.superseded_at.is_(None),
        table.valid_from <= on,
        sa.or_(table.valid_to.is_(None), table.valid_to > on),
    )


def _cards(on: date) -> Any:
    return (
        sa.select(
            PersonProfile.person_id,
            PersonProfile.number,
            PersonProfile.name,
            PersonProfile.name_latin,
            PersonProfile.language,
            PersonProfile.photo_sha256,
            Assignment.unit_id,
            UnitVersion.name.label("unit_name"),
            UnitVersion.name_latin.label("unit_latin"),
            Assignment.employer,
            Company.name_latin.label("employer_latin"),
        )
        .outerjoin(
            Assignment,
            sa.and_(
                Assignment.person_id == PersonProfile.person_id,
                Assignment.kind == AssignmentKind.MAIN,
                *holds_on(Assignment, on),
            ),
        )
        .outerjoin(UnitVersion, sa.and_(UnitVersion.unit_id == Assignment.unit_id, *holds_on(UnitVersion, on)))
        .outerjoin(Company, Company.name == Assignment.employer)
    )


def get_card(session: Session, person_id: int, on: date) -> PersonCard:
    """Return one person; raises NotFound, also when the link to the person was erased."""
    row = session.execute(_cards(on).where(PersonProfile.person_id == person_id)).mappings().first()
    if row is None:
        raise NotFound()
    return PersonCard(**row)


def cards(session: Session, person_ids: Iterable[int], on: date) -> dict[int, PersonCard]:
    """Return the people with these ids, by id; erased ones are missing."""
    wanted = sorted(set(person_ids))
    if not wanted:
        return {}
    rows = session.execute(_cards(on).where(PersonProfile.person_id.in_(wanted))).mappings()
    return {row["person_id"]: PersonCard(**row) for row in rows}


def names(session: Session, person_ids: Iterable[int | None]) -> dict[int, str]:
    """Return names by person id, for lines of a history."""
    wanted = sorted({p for p in person_ids if p is not None})
    if not wanted:
        return {}
    rows = session.execute(
        sa.select(PersonProfile.person_id, PersonProfile.name).where(PersonProfile.person_id.in_(wanted))
    )
    return dict(iter(rows))


def matches(text: str) -> ColumnElement[bool]:
    """Return the condition for a search by prefix on name, pinyin or number."""
    escaped = text.strip().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    pinyin = escaped.lower().replace(" ", "")
    return sa.or_(
        PersonProfile.name.like(f"{escaped}%", escape="\\"),
        PersonProfile.sort_key.like(f"{pinyin}%", escape="\\"),
        PersonProfile.number.like(f"{escaped.upper()}%", escape="\\"),
    )


def find_person_id(session: Session, number: str) -> int | None:
    """Return the person with an employee number, or None."""
    return session.scalar(sa.select(PersonProfile.person_id).where(PersonProfile.number == number.strip().upper()))


def find_login(session: Session, number: str) -> tuple[int, str | None, datetime | None, str] | None:
    """Return (person id, password hash, disabled at, language) of an employee number, or None."""
    row = session.execute(
        sa.select(Login.person_id, Login.password_hash, Login.disabled_at, PersonProfile.language)
        .join(PersonProfile, PersonProfile.person_id == Login.person_id)
        .where(PersonProfile.number == number.strip().upper())
    ).first()
    return None if row is None else (row[0], row[1], row[2], row[3])


def main_unit(session: Session, person_id: int, on: date) -> int | None:
    """Return the unit of the main assignment on a day, or None."""
    return session.scalar(
        sa.select(Assignment.unit_id).where(
            Assignment.person_id == person_id,
            Assignment.kind == AssignmentKind.MAIN,
            *holds_on(Assignment, on),
        )
    )


def ancestors(session: Session, unit_id: int, on: date) -> list[int]:
    """Return a unit and all units above it on a day, nearest first."""
    rows = session.execute(sa.select(UnitParent.unit_id, UnitParent.parent_id).where(*holds_on(UnitParent, on)))
    parents = dict(iter(rows))
    chain, at = [unit_id], unit_id
    while at in parents and parents[at] not in chain:
        at = parents[at]
        chain.append(at)
    return chain


def scope_rows(session: Session, person_id: int) -> set[tuple[int, str]]:
    """Return (unit, sort key) of the rows by which scopes and lists find a person."""
    rows = sa.select(PersonInUnit.ancestor_unit_id, PersonInUnit.sort_key).where(PersonInUnit.person_id == person_id)
    return {(unit, key) for unit, key in session.execute(rows)}


def scope_rows_due(session: Session, person_id: int, on: date) -> set[tuple[int, str]]:
    """Return (unit, sort key) of the rows that the main assignment asks for on a day; none where there is none."""
    unit_id = main_unit(session, person_id, on)
    key = session.scalar(sa.select(PersonProfile.sort_key).where(PersonProfile.person_id == person_id))
    if unit_id is None or key is None:
        return set()
    return {(unit, key) for unit in ancestors(session, unit_id, on)}


@cache
def _units() -> Any:
    on = sa.bindparam("on", type_=sa.Date())
    return (
        sa.select(
            Unit.id,
            Unit.number,
            UnitVersion.name,
            UnitVersion.name_latin,
            UnitVersion.type,
            UnitVersion.stars,
            UnitParent.parent_id,
            UnitVersion.zone,
        )
        .join(UnitVersion, sa.and_(UnitVersion.unit_id == Unit.id, *holds_on(UnitVersion, on)))
        .outerjoin(UnitParent, sa.and_(UnitParent.unit_id == Unit.id, *holds_on(UnitParent, on)))
        .order_by(Unit.number)
    )


def unit_names(session: Session, unit_ids: Iterable[int], on: date) -> dict[int, dict[str, str]]:
    """Return the names of units on a day in both languages, by id; where there is no Latin form, the one there is."""
    rows = session.execute(
        sa.select(UnitVersion.unit_id, UnitVersion.name, UnitVersion.name_latin).where(
            UnitVersion.unit_id.in_(sorted(set(unit_ids))), *holds_on(UnitVersion, on)
        )
    )
    return {unit_id: {"zh": name, "en": latin or name} for unit_id, name, latin in rows}


def units(session: Session, on: date) -> list[UnitRow]:
    """Return all units of a day with their parents, by number."""
    return [
        UnitRow(
            unit_id=unit_id, number=number, name=name, name_latin=latin, type=type_, stars=stars, parent_id=parent_id,
            zone=zone,
        )
        for unit_id, number, name, latin, type_, stars, parent_id, zone in session.connection().execute(
            _units(), {"on": on}
        )
    ]  # fmt: skip


def zone_of(session: Session, person_id: int, on: date) -> str:
    """Return the legal zone of a person's main unit."""
    zone = session.scalar(
        sa.select(UnitVersion.zone)
        .join(Assignment, Assignment.unit_id == UnitVersion.unit_id)
        .where(
            Assignment.person_id == person_id,
            Assignment.kind == AssignmentKind.MAIN,
            *holds_on(Assignment, on),
            *holds_on(UnitVersion, on),
        )
    )
    return zone or "Asia/Shanghai"


def zones_of(session: Session, unit_ids: Iterable[int], on: date) -> dict[int, str]:
    """Return the zones of units on a day, by unit; a unit that is closed is missing."""
    wanted = sorted(set(unit_ids))
    rows = session.execute(
        sa.select(UnitVersion.unit_id, UnitVersion.zone).where(
            UnitVersion.unit_id.in_(wanted), *holds_on(UnitVersion, on)
        )
    )
    return dict(iter(rows))


@dataclass(frozen=True)
class SessionRow:
    """A session with its person and every right they hold, as a request begins with it."""

    person_id: int
    created_at: datetime
    last_seen_at: datetime
    ended_at: datetime | None
    name: str
    number: str
    language: str
    grants: tuple[Grant, ...]


@cache
def _session_statement() -> Any:
    """Return the statement of every request, built once: `:token_hash`, `:on`; a row per right, one without any."""
    on = sa.bindparam("on", type_=sa.Date())
    return (
        sa.select(
            SignInSession.person_id, SignInSession.created_at, SignInSession.last_seen_at, SignInSession.ended_at,
            PersonProfile.name, PersonProfile.number, PersonProfile.language,
            RolePermission.permission, RoleGrant.unit_id, RoleGrant.role, *content.mark_columns(),
        )
        .join(PersonProfile, PersonProfile.person_id == SignInSession.person_id)
        .join(Login, Login.person_id == SignInSession.person_id)
        .join(Person, Person.id == SignInSession.person_id)
        # One after the other: of two joined first SQLite would make a table of everybody's rights.
        .outerjoin(RoleGrant, sa.and_(RoleGrant.person_id == SignInSession.person_id, *access.in_force(on)))
        .outerjoin(RolePermission, RolePermission.role == RoleGrant.role)
        .where(SignInSession.token_hash == sa.bindparam("token_hash"), Login.disabled_at.is_(None))
    )  # fmt: skip


def find_session(session: Session, token_hash: str, on: date) -> SessionRow | None:
    """Return session, person and rights on a day in one read; None if unknown.

    The same read says how far content goes, which nearly every page asks next.
    """
    rows = session.execute(_session_statement(), {"token_hash": token_hash, "on": on}).all()
    if not rows:
        return None
    grants = tuple(Grant(row[7], row[8], row[9]) for row in rows if row[7] is not None)
    first = rows[0]
    content.note_mark(session, first[10], first[11])
    return SessionRow(first[0], first[1], first[2], first[3], first[4], first[5], first[6], grants)


@dataclass(frozen=True)
class Contact:
    """How a person is reached."""

    name: str
    email: str | None
    language: str


def contact(session: Session, person_id: int) -> Contact | None:
    """Return how a person is reached, or None when the link to them was erased."""
    row = session.execute(
        sa.select(PersonProfile.name, PersonProfile.email, PersonProfile.language).where(
            PersonProfile.person_id == person_id
        )
    ).first()
    return None if row is None else Contact(*row)
