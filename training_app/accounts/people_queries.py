"""Reading for people administration: a person's record, roles held and asked for, units within reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit, RoleGrant
from training_app.access.queries import role_terms
from training_app.access.rules import BY_TWO, Grant, units_of
from training_app.access.rules import may_grant as may_grant_rule
from training_app.accounts import queries
from training_app.accounts.models import Assignment, Company, Login, Person, PersonProfile, UnitParent, UnitVersion
from training_app.accounts.people_rules import above, below, roots, topmost
from training_app.accounts.queries import UnitRow, holds_on
from training_app.accounts.rules import AssignmentKind
from training_app.content import queries as content
from training_app.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class Record:
    """What HR keeps of a person, beside the card."""

    person_id: int
    number: str
    name: str
    name_latin: str | None
    phone: str | None
    email: str | None
    language: str
    photo_sha256: str | None
    left_on: date | None
    created_at: datetime
    has_password: bool


@dataclass(frozen=True, kw_only=True)
class RoleRow:
    """A role of a person; `is_pending`: a second person has yet to approve it."""

    grant_id: int
    person_id: int
    role: str
    unit_id: int | None
    unit_name: str | None
    unit_latin: str | None
    valid_from: date
    recorded_at: datetime
    granted_by: int | None
    is_pending: bool


def get_record(session: Session, person_id: int) -> Record:
    """Return a person's record; raises NotFound, also once the link to the person was erased."""
    row = session.execute(
        sa.select(
            PersonProfile.person_id, PersonProfile.number, PersonProfile.name, PersonProfile.name_latin,
            PersonProfile.phone, PersonProfile.email, PersonProfile.language, PersonProfile.photo_sha256,
            Person.left_on, Person.created_at, Login.password_hash.isnot(None).label("has_password"),
        )
        .join(Person, Person.id == PersonProfile.person_id)
        .join(Login, Login.person_id == PersonProfile.person_id)
        .where(PersonProfile.person_id == person_id)
    ).mappings().first()  # fmt: skip
    if row is None:
        raise NotFound()
    return Record(**row)


def main_since(session: Session, person_id: int) -> date | None:
    """Return since when (or from when) the open main assignment holds, None without one."""
    return session.scalar(
        sa.select(Assignment.valid_from).where(
            Assignment.person_id == person_id,
            Assignment.kind == AssignmentKind.MAIN,
            Assignment.valid_to.is_(None),
            Assignment.superseded_at.is_(None),
        )
    )


def _roles(on: date) -> Any:
    return (
        sa.select(RoleGrant, UnitVersion.name, UnitVersion.name_latin)
        .outerjoin(UnitVersion, sa.and_(UnitVersion.unit_id == RoleGrant.unit_id, *holds_on(UnitVersion, on)))
        .where(
            RoleGrant.superseded_at.is_(None),
            sa.or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > on),
        )
        .order_by(RoleGrant.id)
    )


def is_pending(grant: RoleGrant) -> bool:
    """Tell whether a role still waits for a second person; who was made by command waits for nobody."""
    return grant.role in BY_TWO and grant.granted_by is not None and grant.approved_by is None


def _role_row(grant: RoleGrant, unit_name: str | None, unit_latin: str | None) -> RoleRow:
    return RoleRow(
        grant_id=grant.id, person_id=grant.person_id, role=grant.role, unit_id=grant.unit_id, unit_name=unit_name,
        unit_latin=unit_latin, valid_from=grant.valid_from, recorded_at=grant.recorded_at,
        granted_by=grant.granted_by, is_pending=is_pending(grant),
    )  # fmt: skip


def roles_of(session: Session, person_id: int, on: date) -> list[RoleRow]:
    """Return the roles of a person in force on a day, and those that wait for approval."""
    rows = session.execute(_roles(on).where(RoleGrant.person_id == person_id))
    return [_role_row(grant, name, latin) for grant, name, latin in rows]


def pending_roles(session: Session, on: date) -> list[RoleRow]:
    """Return the roles that wait for a second person, oldest first."""
    rows = session.execute(
        _roles(on).where(RoleGrant.role.in_(BY_TWO), RoleGrant.approved_by.is_(None), RoleGrant.granted_by.isnot(None))
    )
    return [_role_row(grant, name, latin) for grant, name, latin in rows]


def grantable(session: Session, grants: tuple[Grant, ...], unit_id: int | None, on: date) -> list[str]:
    """Return the roles that somebody's own roles let them grant at a unit, None being the whole network."""
    terms = role_terms(session, on)
    chain = None if unit_id is None else queries.ancestors(session, unit_id, on)
    return sorted(role for role in terms if may_grant_rule(grants, terms, role, chain))


def may_issue_link(session: Session, grants: tuple[Grant, ...], person_id: int, on: date) -> bool:
    """Tell whether somebody may hand out a sign-in link: whoever holds it acts as that person.

    So it takes the right to grant every role the person holds, and roles made by two are never reached by a link.
    """
    held = roles_of(session, person_id, on)
    if any(row.role in BY_TWO for row in held):
        return False
    terms = role_terms(session, on)
    parents = parents_on(session, on)
    return all(
        may_grant_rule(grants, terms, row.role, None if row.unit_id is None else above(parents, row.unit_id))
        for row in held
    )


def parents_on(session: Session, on: date) -> dict[int, int | None]:
    """Return for every unit of a day the unit above it."""
    rows = session.execute(
        sa.select(UnitVersion.unit_id, UnitParent.parent_id)
        .outerjoin(UnitParent, sa.and_(UnitParent.unit_id == UnitVersion.unit_id, *holds_on(UnitParent, on)))
        .where(*holds_on(UnitVersion, on))
    )
    return dict(iter(rows))


def tops_in_reach(rows: Sequence[UnitRow], grants: tuple[Grant, ...], permission: str) -> frozenset[int]:
    """Return the topmost units that a permission reaches; together they hold everybody it reaches, once."""
    parents = {row.unit_id: row.parent_id for row in rows}
    held = units_of(grants, permission)
    return roots(parents) if held is None else topmost(parents, held & parents.keys())


def units_in_reach(rows: Sequence[UnitRow], grants: tuple[Grant, ...], permission: str) -> list[UnitRow]:
    """Return the units that a permission reaches, as they stand in `rows`."""
    parents = {row.unit_id: row.parent_id for row in rows}
    reached: set[int] = set()
    for top in tops_in_reach(rows, grants, permission):
        reached |= below(parents, top)
    return [row for row in rows if row.unit_id in reached]


def head_counts(session: Session) -> dict[int, int]:
    """Return how many people work at each unit and below."""
    rows = session.execute(
        sa.select(PersonInUnit.ancestor_unit_id, sa.func.count()).group_by(PersonInUnit.ancestor_unit_id)
    )
    return dict(iter(rows))


@dataclass(frozen=True, kw_only=True)
class UnitChange:
    """A line of a unit's history: a name, type and stars, or a place under another unit."""

    valid_from: date
    valid_to: date | None
    name: str | None
    name_latin: str | None
    type: str | None
    stars: int | None
    parent_id: int | None
    by_id: int | None


def unit_history(session: Session, unit_id: int) -> list[UnitChange]:
    """Return how a unit was called and under which unit it stood, newest first."""
    versions = session.scalars(
        sa.select(UnitVersion).where(UnitVersion.unit_id == unit_id, UnitVersion.superseded_at.is_(None))
    )
    parents = session.scalars(
        sa.select(UnitParent).where(UnitParent.unit_id == unit_id, UnitParent.superseded_at.is_(None))
    )
    lines = [
        UnitChange(
            valid_from=one.valid_from, valid_to=one.valid_to, name=one.name, name_latin=one.name_latin,
            type=one.type.value, stars=one.stars, parent_id=None, by_id=one.by_id,
        )
        for one in versions
    ]  # fmt: skip
    lines += [
        UnitChange(
            valid_from=one.valid_from, valid_to=one.valid_to, name=None, name_latin=None, type=None, stars=None,
            parent_id=one.parent_id, by_id=one.by_id,
        )
        for one in parents
    ]  # fmt: skip
    return sorted(lines, key=lambda line: line.valid_from, reverse=True)


@dataclass(frozen=True, kw_only=True)
class CompanyRow:
    """An employing company: its registered name, that for readers of English, and how many people it employs now."""

    name: str
    name_latin: str | None
    people: int


def companies(session: Session, on: date) -> list[CompanyRow]:
    """Return the companies that employ somebody on a day, the largest first."""
    people = sa.func.count(Assignment.id)
    rows = session.execute(
        sa.select(Assignment.employer, Company.name_latin, people)
        .outerjoin(Company, Company.name == Assignment.employer)
        .where(Assignment.kind == AssignmentKind.MAIN, *holds_on(Assignment, on))
        .group_by(Assignment.employer, Company.name_latin)
        .order_by(people.desc(), Assignment.employer)
    )
    return [CompanyRow(name=name, name_latin=latin, people=count) for name, latin, count in rows]


def company_names(session: Session) -> dict[str, str]:
    """Return what companies are called in Latin letters, lower case -> as registered; where that tells one from all."""
    rows = session.execute(sa.select(Company.name_latin, Company.name)).all()
    called = Counter(latin.lower() for latin, _name in rows)
    registered = {name.lower() for _latin, name in rows}
    return {
        latin.lower(): name for latin, name in rows if called[latin.lower()] == 1 and latin.lower() not in registered
    }


def photo_of(session: Session, person_id: int) -> str | None:
    """Return the hash of a person's photo, None without one."""
    return session.scalar(sa.select(PersonProfile.photo_sha256).where(PersonProfile.person_id == person_id))


def root_ids(session: Session, on: date) -> frozenset[int]:
    """Return the units that stand below none: who holds a right there holds it for the whole network."""
    return roots(parents_on(session, on))


def has_left(session: Session, person_id: int) -> bool:
    """Tell whether a person no longer works here."""
    return session.scalar(sa.select(Person.left_on).where(Person.id == person_id)) is not None


def language_of_new_people(session: Session, on: date) -> str:
    """Return the language that the settings name for people who have not chosen one."""
    return str(content.get_current(session, "settings", "organisation", on).body["default_language"])
