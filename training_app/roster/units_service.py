"""A file of units: planned, applied and undone in one transaction under the lock of the tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit, RoleGrant
from training_app.access.rules import Grant
from training_app.accounts import people_queries as registry
from training_app.accounts import units_service as tree
from training_app.accounts.dated import end_rows
from training_app.accounts.models import Assignment, PersonProfile, Unit, UnitParent, UnitVersion
from training_app.accounts.people_rules import above, roots
from training_app.accounts.queries import holds_on
from training_app.accounts.rules import AssignmentKind, UnitType
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.db import transaction
from training_app.roster import dated_rows, people_queries, rules, service, unit_queries
from training_app.roster.models import Roster, RosterLine
from training_app.roster.rules import Line, LineKind, Row
from training_app.roster.state_rules import RosterState

VERSION = ("name", "name_latin", "type", "stars")


@dataclass(frozen=True, kw_only=True)
class Blocked:
    """A unit for which an import can no longer be undone."""

    number: str
    unit_id: int


def may_edit(session: Session, grants: tuple[Grant, ...], on: date) -> bool:
    """Tell whether somebody may change the tree."""
    return tree.may_edit_units(grants, roots(registry.parents_on(session, on)))


def apply(roster_id: int, *, now: datetime) -> None:
    """Apply a file of units; where the tree has changed since the preview, it is checked anew."""
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.APPLYING or row.applied_by is None:
            return
        tree.lock_tree(session)
        on = today(now)
        drafts = unit_queries.draft(session, _rows(session, roster_id), erases=row.erases, on=on)
        is_allowed = may_edit(session, service.grants_of(session, row.applied_by, now), on)
        if people_queries.digest(drafts) != row.digest or not is_allowed:
            service.move(row, RosterState.CHECKING)
            row.problem = "changed_meanwhile"
            service.enqueue(row, service.CHECK, now, row.created_by)
            return
        _write(session, row, [one.line for one in drafts if one.line.kind in rules.WRITES], on, now)
        service.move(row, RosterState.APPLIED)
        row.applied_at = now
        audit.record(
            "roster.applied", f"roster:{roster_id}", now=now, actor_id=row.applied_by,
            facts={"kind": row.kind, "digest": row.digest, **{k.value: row.figures.get(k, 0) for k in rules.WRITES}},
        )  # fmt: skip
        service.tell(session, row, "roster_applied", now)


def _rows(session: Session, roster_id: int) -> list[Row]:
    found = session.execute(
        sa.select(RosterLine.row, RosterLine.cells)
        .where(RosterLine.roster_id == roster_id, RosterLine.row.isnot(None))
        .order_by(RosterLine.row)
    )
    return [Row(no=no or 0, cells=cells) for no, cells in found]


def _write(session: Session, row: Roster, lines: Sequence[Line], on: date, now: datetime) -> None:
    ids: dict[str, int] = dict(iter(session.execute(sa.select(Unit.number, Unit.id))))
    new = [one for one in lines if one.kind is LineKind.NEW]
    fresh = [{"number": one.number, "created_at": now} for one in new if one.number not in ids]
    if fresh:
        made = session.scalars(sa.insert(Unit).returning(Unit.id, sort_by_parameter_order=True), fresh)
        ids |= {str(one["number"]): unit_id for one, unit_id in zip(fresh, made, strict=True)}
    stands = {one.unit_id: one for one in session.scalars(sa.select(UnitVersion).where(*holds_on(UnitVersion, on)))}
    ends = [ids[one.number] for one in lines if one.kind is not LineKind.NEW and any(c in one.then for c in VERSION)]
    moves = [ids[one.number] for one in lines if one.kind is LineKind.MOVED]
    versions = [_version(one, stands.get(ids[one.number]), ids[one.number], row, on, now) for one in lines
                if one.kind is LineKind.NEW or any(column in one.then for column in VERSION)]  # fmt: skip
    if ends:
        end_rows(session, UnitVersion, UnitVersion.unit_id.in_(ends), on=on, now=now)
    if versions:
        session.execute(sa.insert(UnitVersion), versions)
    if moves:
        end_rows(session, UnitParent, UnitParent.unit_id.in_(moves), on=on, now=now)
    parents = [
        {"unit_id": ids[one.number], "parent_id": ids[str(one.then["parent_number"])], "valid_from": on,
         "recorded_at": now, "by_id": row.applied_by}
        for one in lines
        if one.then.get("parent_number")
    ]  # fmt: skip
    if parents:
        session.execute(sa.insert(UnitParent), parents)
    _rescope(session, moves, on)
    for one in lines:
        action = {LineKind.NEW: "unit.created", LineKind.MOVED: "unit.moved"}.get(one.kind, "unit.changed")
        facts = {"number": one.number, "roster": row.id, "columns": sorted(one.then)}
        audit.record(action, f"unit:{ids[one.number]}", now=now, actor_id=row.applied_by, facts=facts)
    _note_units(session, row.id, ids)


def _version(line: Line, old: UnitVersion | None, unit_id: int, row: Roster, on: date, now: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {column: getattr(old, column) if old else None for column in VERSION}
    values |= {column: value for column, value in line.then.items() if column in VERSION}
    return {
        "unit_id": unit_id, "name": values["name"], "name_latin": values["name_latin"],
        "type": UnitType(values["type"]), "stars": int(values["stars"] or 0),
        "zone": old.zone if old else "Asia/Shanghai", "valid_from": on, "recorded_at": now, "by_id": row.applied_by,
    }  # fmt: skip


def _note_units(session: Session, roster_id: int, ids: Mapping[str, int]) -> None:
    table: Any = RosterLine.__table__
    found = session.execute(sa.select(RosterLine.id, RosterLine.number).where(RosterLine.roster_id == roster_id)).all()
    known = [{"b_line": line_id, "b_unit": ids[number]} for line_id, number in found if number in ids]
    if known:
        session.connection().execute(
            sa.update(table).where(table.c.id == sa.bindparam("b_line")).values(unit_id=sa.bindparam("b_unit")), known
        )


def _rescope(session: Session, moved: Sequence[int], on: date) -> None:
    """Write the scope rows of everybody at units that moved and below anew, from the tree as it now stands."""
    if not moved:
        return
    session.flush()
    parents = registry.parents_on(session, on)
    top = set(moved)
    inside = [unit for unit in parents if top & set(above(parents, unit))]
    places = (
        Assignment.unit_id.in_(inside), Assignment.kind == AssignmentKind.MAIN, *holds_on(Assignment, on),
    )  # fmt: skip
    people = sa.select(Assignment.person_id).where(*places)
    session.execute(
        sa.delete(PersonInUnit).where(PersonInUnit.person_id.in_(people)).execution_options(synchronize_session=False)
    )
    for unit in inside:
        for ancestor in above(parents, unit):
            session.execute(
                sa.insert(PersonInUnit).from_select(
                    ["ancestor_unit_id", "sort_key", "person_id"],
                    sa.select(sa.literal(ancestor, sa.BigInteger()), PersonProfile.sort_key, PersonProfile.person_id)
                    .join(Assignment, Assignment.person_id == PersonProfile.person_id)
                    .where(
                        Assignment.unit_id == unit, Assignment.kind == AssignmentKind.MAIN, *holds_on(Assignment, on)
                    ),
                )
            )


def blocked(session: Session, roster_id: int, *, limit: int = 50) -> list[Blocked]:
    """Return the units for which something later depends on an import: a change, people, roles, units below."""
    line, at = RosterLine, session.get_one(Roster, roster_id).applied_at
    if at is None:
        return []
    later = [
        sa.exists().where(
            table.unit_id == line.unit_id, instant > at, instant.not_in(dated_rows.of_undone(service.UNITS))
        )
        for table in (UnitVersion, UnitParent)
        for instant in (table.recorded_at, table.superseded_at)  # a row that began that day leaves none in its place
    ]
    # Who was moved away by an import comes back to the unit when that one is undone.
    ended = sa.select(Roster.applied_at).where(
        Roster.kind == service.PEOPLE,
        Roster.state.in_((RosterState.APPLIED, RosterState.UNDOING)),
        Roster.applied_at > at,
    )
    used = [
        sa.exists().where(
            table.unit_id == line.unit_id, sa.or_(table.superseded_at.is_(None), table.superseded_at.in_(ended))
        )
        for table in (Assignment, RoleGrant)
    ]
    below = sa.exists().where(
        UnitParent.parent_id == line.unit_id, UnitParent.superseded_at.is_(None), UnitParent.recorded_at > at,
        UnitParent.id.not_in(dated_rows.own_rows(UnitParent, at)),
    )  # fmt: skip
    found = session.execute(
        sa.select(line.number, line.unit_id)
        .where(
            line.roster_id == roster_id, line.kind.in_(rules.WRITES), line.unit_id.isnot(None),
            sa.or_(*later, sa.and_(line.kind == LineKind.NEW, sa.or_(*used, below))),
        )
        .order_by(line.id)
        .limit(limit)
    )  # fmt: skip
    return [Blocked(number=number, unit_id=unit_id or 0) for number, unit_id in found]


def take_back(roster_id: int, now: datetime) -> None:
    """Undo a file of units: what it wrote is superseded, what it ended holds again."""
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.UNDOING or row.applied_at is None:
            return
        tree.lock_tree(session)
        if blocked(session, roster_id, limit=1):
            service.keep(row, "undo_blocked", now=now)
            return
        units = sa.select(RosterLine.unit_id).where(
            RosterLine.roster_id == roster_id, RosterLine.kind.in_(rules.WRITES)
        )
        moved = sa.select(RosterLine.unit_id).where(
            RosterLine.roster_id == roster_id, RosterLine.kind == LineKind.MOVED
        )
        moved_ids = [one for one in session.scalars(moved) if one]
        models: tuple[Any, Any] = (UnitVersion, UnitParent)
        for model in models:
            own = dated_rows.own_rows(model, row.applied_at, units)
            session.execute(
                sa.update(model)
                .where(model.superseded_at.is_(None), model.id.in_(own))
                .values(superseded_at=now)
                .execution_options(synchronize_session=False)
            )
            dated_rows.hold_again(session, model, model.unit_id.in_(units), row.applied_at, now)
        session.expire_all()
        _rescope(session, moved_ids, today(now))
        service.move(row, RosterState.UNDONE)
        row.undone_at = now
        audit.record("roster.undone", f"roster:{roster_id}", now=now, actor_id=row.undone_by, facts={"kind": row.kind})
        service.tell(session, row, "roster_undone", now)
