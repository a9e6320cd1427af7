"""The one transaction by which an import counts: set by set, from its lines, whatever their number.

Every statement reads the lines of one import. Dated facts end as everywhere: the row is superseded and one with an end
takes its place. Whoever undoes an import finds what it wrote by the instant of the switch.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit, RoleGrant
from training_app.accounts.models import (
    Assignment,
    Login,
    Person,
    PersonProfile,
    SignInSession,
    UnitParent,
    UnitVersion,
)
from training_app.accounts.queries import holds_on
from training_app.accounts.rules import AssignmentKind
from training_app.audit.models import AuditHead
from training_app.db import UtcDateTime
from training_app.roster.models import RosterLine
from training_app.roster.rules import LineKind
from training_app.status.models import PersonState

_L = RosterLine


def lines_of(roster_id: int, *kinds: LineKind) -> tuple[sa.ColumnElement[bool], ...]:
    """Return the conditions for the lines of some kinds."""
    return _L.roster_id == roster_id, _L.kind.in_(kinds)


def lock_people(session: Session, roster_id: int) -> None:
    """Lock everybody whom the lines speak of, in the order of their ids."""
    touched = sa.select(_L.person_id).where(_L.roster_id == roster_id, _L.person_id.isnot(None))
    session.execute(sa.select(Person.id).where(Person.id.in_(touched)).order_by(Person.id).with_for_update()).all()


def switch(session: Session, roster_id: int, *, on: date, now: datetime, actor_id: int) -> None:
    """Give newcomers number and place, change, move and end everybody else."""
    _name_newcomers(session, roster_id)
    _edit(session, roster_id)
    _let_leave(session, roster_id, on, now, actor_id)
    _take_back(session, roster_id, now, actor_id)
    _end_places(session, roster_id, on, now)
    _place(session, roster_id, now, actor_id)
    write_scope(session, roster_id, on)


def _name_newcomers(session: Session, roster_id: int) -> None:
    columns = ("person_id", "number", "name", "name_latin", "sort_key", "phone", "email", "language")
    new = sa.select(*(getattr(_L, column) for column in columns)).where(*lines_of(roster_id, LineKind.NEW))
    session.execute(sa.insert(PersonProfile).from_select(columns, new.order_by(_L.sort_key)))


def _edit(session: Session, roster_id: int) -> None:
    """Change records; nobody changed them since the plan was made, or the audit heads had grown."""
    session.execute(
        sa.update(PersonProfile)
        .where(PersonProfile.person_id == _L.person_id, _L.roster_id == roster_id, _L.edits)
        .values(
            name=sa.func.coalesce(_L.name, PersonProfile.name),
            sort_key=sa.func.coalesce(_L.sort_key, PersonProfile.sort_key),
            language=sa.func.coalesce(_L.language, PersonProfile.language),
            name_latin=_L.name_latin,
            phone=_L.phone,
            email=_L.email,
        )
        .execution_options(synchronize_session=False)
    )


def _let_leave(session: Session, roster_id: int, on: date, now: datetime, actor_id: int) -> None:
    leaving = sa.select(_L.person_id).where(*lines_of(roster_id, LineKind.LEAVING))
    run(session, sa.update(Person).where(Person.id.in_(leaving)).values(left_on=on))
    run(session, sa.update(Login).where(Login.person_id.in_(leaving)).values(disabled_at=now))
    open_sessions = (SignInSession.person_id.in_(leaving), SignInSession.ended_at.is_(None))
    run(session, sa.update(SignInSession).where(*open_sessions).values(ended_at=now))
    ended = (RoleGrant.superseded_at.is_(None), sa.or_(RoleGrant.valid_to.is_(None), RoleGrant.valid_to > on))
    run(
        session,
        sa.update(RoleGrant)
        .where(RoleGrant.person_id.in_(leaving), *ended)
        .values(superseded_at=now, superseded_by=actor_id),
    )
    columns = ("person_id", "role", "unit_id", "valid_from", "granted_by", "approved_by")
    kept = sa.select(
        *(getattr(RoleGrant, column) for column in columns), sa.literal(on, sa.Date()), _instant(now)
    ).where(RoleGrant.person_id.in_(leaving), RoleGrant.superseded_at == now, RoleGrant.valid_from < on)
    session.execute(sa.insert(RoleGrant).from_select((*columns, "valid_to", "recorded_at"), kept))


def _take_back(session: Session, roster_id: int, now: datetime, actor_id: int) -> None:
    """Let people who come back sign in again, as learners; an older password no longer counts."""
    back = sa.select(_L.person_id).where(*lines_of(roster_id, LineKind.BACK))
    run(session, sa.update(Person).where(Person.id.in_(back)).values(left_on=None))
    run(
        session,
        sa.update(Login).where(Login.person_id.in_(back)).values(disabled_at=None, password_hash=None, changed_at=now),
    )
    granted = sa.select(
        _L.person_id, sa.literal("learner"), _L.unit_id, _L.since, sa.literal(actor_id, sa.BigInteger()), _instant(now)
    ).where(*lines_of(roster_id, LineKind.BACK))
    columns = ("person_id", "role", "unit_id", "valid_from", "granted_by", "recorded_at")
    session.execute(sa.insert(RoleGrant).from_select(columns, granted))


def _end_places(session: Session, roster_id: int, on: date, now: datetime) -> None:
    """End the main place of who moves, and every place of who leaves."""
    end_on = sa.case((_L.kind == LineKind.LEAVING, sa.literal(on, sa.Date())), else_=_L.since)
    joined = (
        Assignment.person_id == _L.person_id, *lines_of(roster_id, LineKind.MOVED, LineKind.LEAVING),
        sa.or_(Assignment.kind == AssignmentKind.MAIN, _L.kind == LineKind.LEAVING),
    )  # fmt: skip
    still = (Assignment.superseded_at.is_(None), sa.or_(Assignment.valid_to.is_(None), Assignment.valid_to > end_on))
    run(session, sa.update(Assignment).where(*joined, *still).values(superseded_at=now))
    columns = ("person_id", "unit_id", "kind", "employer", "valid_from", "by_id")
    kept = sa.select(*(getattr(Assignment, column) for column in columns), end_on, _instant(now)).where(
        *joined, Assignment.superseded_at == now, Assignment.valid_from < end_on
    )
    session.execute(sa.insert(Assignment).from_select((*columns, "valid_to", "recorded_at"), kept))


def _place(session: Session, roster_id: int, now: datetime, actor_id: int) -> None:
    placed = (
        sa.select(
            _L.person_id, _L.unit_id, sa.literal(AssignmentKind.MAIN.value), _L.employer, _L.since, _instant(now),
            sa.literal(actor_id, sa.BigInteger()),
        )
        .where(_L.roster_id == roster_id, _L.places)
        .order_by(_L.person_id)
    )  # fmt: skip
    columns = ("person_id", "unit_id", "kind", "employer", "valid_from", "recorded_at", "by_id")
    session.execute(sa.insert(Assignment).from_select(columns, placed))


def write_scope(session: Session, roster_id: int, on: date) -> None:
    """Write the scope rows of everybody whose place or name changed anew, from the tree as it stands under the lock."""
    rescoped = (_L.roster_id == roster_id, _L.rescopes)
    old = sa.select(_L.person_id).where(*rescoped, _L.kind != LineKind.NEW)
    run(session, sa.delete(PersonInUnit).where(PersonInUnit.person_id.in_(old)))
    up = _units_above(on)
    rows = (
        sa.select(up.c.ancestor_id, PersonProfile.sort_key, PersonProfile.person_id)
        .join(_L, _L.person_id == PersonProfile.person_id)
        .join(
            Assignment,
            sa.and_(
                Assignment.person_id == _L.person_id, Assignment.kind == AssignmentKind.MAIN, *holds_on(Assignment, on)
            ),
        )
        .join(up, up.c.unit_id == Assignment.unit_id)
        .where(*rescoped)
        .order_by(up.c.ancestor_id, PersonProfile.sort_key, PersonProfile.person_id)
    )
    session.execute(sa.insert(PersonInUnit).from_select(["ancestor_unit_id", "sort_key", "person_id"], rows))


def _units_above(on: date) -> Any:
    """Return every unit of a day with itself and each unit above it."""
    top = (
        sa.select(UnitVersion.unit_id.label("unit_id"), UnitVersion.unit_id.label("ancestor_id"))
        .where(*holds_on(UnitVersion, on))
        .cte("up", recursive=True)
    )
    return top.union(
        sa.select(top.c.unit_id, UnitParent.parent_id)
        .join(UnitParent, UnitParent.unit_id == top.c.ancestor_id)
        .where(*holds_on(UnitParent, on))
    )


def note_heads(session: Session, roster_id: int) -> None:
    """Note how far the audit stream of everybody goes now: an undo looks at what followed."""
    stream = sa.literal("person:") + sa.cast(_L.person_id, sa.String())
    head = sa.select(AuditHead.seq).where(AuditHead.stream == stream).scalar_subquery()
    run(session, sa.update(_L).where(_L.roster_id == roster_id, _L.person_id.isnot(None)).values(head_seq=head))


def close_prepared(session: Session, ids: Sequence[int], *, on: date, now: datetime) -> None:
    """Close pseudonyms behind which there is nobody: no role, no sign-in, not found by anything."""
    grants = (RoleGrant.person_id.in_(ids), RoleGrant.superseded_at.is_(None))
    run(session, sa.update(RoleGrant).where(*grants).values(superseded_at=now))
    run(session, sa.update(Login).where(Login.person_id.in_(ids)).values(disabled_at=now))
    run(session, sa.update(Person).where(Person.id.in_(ids)).values(left_on=on, erased_at=now))
    run(session, sa.delete(PersonState).where(PersonState.person_id.in_(ids)))  # folded again by the sweeper


def run(session: Session, statement: Any) -> None:
    """Run a statement over a set; what the session holds in memory is read anew afterwards."""
    session.execute(statement.execution_options(synchronize_session=False))


def _instant(now: datetime) -> Any:
    return sa.literal(now, UtcDateTime())
