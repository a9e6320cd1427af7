"""What an actor holds, and the scope that every query on private data starts from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import ColumnElement

from training_app.access.models import PersonInUnit, RoleGrant, RolePermission
from training_app.access.rules import BY_TWO, Grant, RoleTerms, units_of
from training_app.content import queries as content
from training_app.errors import NotFound


def grants_of(session: Session, person_id: int, on: date) -> tuple[Grant, ...]:
    """Return every permission a person holds on a day, with its unit."""
    rows = session.execute(
        sa.select(RolePermission.permission, RoleGrant.unit_id, RoleGrant.role)
        .join(RoleGrant, RoleGrant.role == RolePermission.role)
        .where(RoleGrant.person_id == person_id, *in_force(on))
    )
    return tuple(Grant(permission, unit_id, role) for permission, unit_id, role in rows)


def in_force(on: date | sa.BindParameter[date]) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for role grants in force on a day; some roles count once a second person approved."""
    return (
        sa.or_(RoleGrant.role.not_in(BY_TWO), RoleGrant.approved_by.isnot(None), RoleGrant.granted_by.is_(None)),
        RoleGrant.superseded_at.is_(None),
        RoleGrant.valid_from <= on,
        sa.or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > on),
    )


def in_reach(
    person_column: InstrumentedAttribute[int] | ColumnElement[int], grants: tuple[Grant, ...], permission: str
) -> ColumnElement[bool]:
    """Return the condition that limits a query to people whom `permission` reaches; no grant means nobody."""
    units = units_of(grants, permission)
    if units is None:
        return sa.true()
    if not units:
        return sa.false()
    return person_column.in_(sa.select(PersonInUnit.person_id).where(PersonInUnit.ancestor_unit_id.in_(sorted(units))))


def can_reach(session: Session, grants: tuple[Grant, ...], permission: str, person_id: int) -> bool:
    """Tell whether `permission` reaches one person."""
    units = units_of(grants, permission)
    if units is None:
        return True
    if not units:
        return False
    found = session.scalar(
        sa.select(sa.literal(1)).where(
            PersonInUnit.person_id == person_id, PersonInUnit.ancestor_unit_id.in_(sorted(units))
        )
    )
    return found is not None


def role_terms(session: Session, on: date) -> dict[str, RoleTerms]:
    """Return what every role in force on a day allows, by key."""
    return {
        key: RoleTerms(
            key=key,
            permissions=frozenset(version.body["permissions"]),
            may_grant=frozenset(version.body["may_grant"]),
        )
        for key, version in content.current(session, "role", on).items()
    }


def require_reach(session: Session, grants: tuple[Grant, ...], permission: str, person_id: int) -> None:
    """Raise NotFound where `permission` does not reach a person: out of reach looks like missing."""
    if not can_reach(session, grants, permission, person_id):
        raise NotFound()


def reached_of(
    session: Session, grants: tuple[Grant, ...], permission: str, person_ids: Iterable[int]
) -> frozenset[int]:
    """Return those of `person_ids` whom `permission` reaches; a read per 500 of them."""
    wanted = sorted(set(person_ids))
    units = units_of(grants, permission)
    if units is None or not units:
        return frozenset(wanted if units is None else ())
    found: set[int] = set()
    for start in range(0, len(wanted), 500):
        found.update(
            session.scalars(
                sa.select(PersonInUnit.person_id).where(
                    PersonInUnit.ancestor_unit_id.in_(sorted(units)),
                    PersonInUnit.person_id.in_(wanted[start : start + 500]),
                )
            )
        )
    return frozenset(found)
