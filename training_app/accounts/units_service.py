"""The tree of units: create, rename, move. What was, stays readable; scope rows follow in the same transaction."""

from __future__ import annotations

import re
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit
from training_app.access.rules import Grant, Permission, units_of
from training_app.accounts import people_queries, service
from training_app.accounts.dated import end_rows
from training_app.accounts.models import Unit, UnitParent, UnitVersion
from training_app.accounts.people_rules import above, makes_a_circle, roots
from training_app.accounts.queries import holds_on
from training_app.accounts.rules import UnitType
from training_app.audit import service as audit
from training_app.db import db, transaction
from training_app.errors import Forbidden, Invalid, NotFound

_NUMBER = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,31}")


class BadUnitNumber(Invalid):
    """The unit number has a form we cannot take."""

    code = "bad_unit_number"
    message = "A unit number has 1 to 32 letters, digits or hyphens, such as SC-0512."


class Circle(Invalid):
    """A unit cannot stand below itself."""

    code = "circle"
    message = "A unit cannot stand below itself or below a unit of its own."


class RootStays(Invalid):
    """The headquarters stands below nothing."""

    code = "root_stays"
    message = "The headquarters stands at the top; it cannot be moved."


def may_edit_units(grants: tuple[Grant, ...], root_ids: frozenset[int]) -> bool:
    """Tell whether somebody may change the tree: by settings, or as who edits people of the whole network."""
    if units_of(grants, Permission.SETTINGS_EDIT) is None:
        return True
    edits = units_of(grants, Permission.PEOPLE_EDIT)
    return edits is None or bool(edits & root_ids)


def add_unit(
    *, number: str, name: str, name_latin: str | None, type: UnitType, stars: int, parent_id: int,
    grants: tuple[Grant, ...], now: datetime, actor_id: int,
) -> int:  # fmt: skip
    """Create a unit below another; return its id. Raises BadUnitNumber, NumberTaken, NotFound."""
    parents = people_queries.parents_on(db.session(), service.today(now))
    _require(grants, parents)
    if not _NUMBER.fullmatch(number):
        raise BadUnitNumber(number=number)
    if parent_id not in parents:
        raise NotFound()
    return service.create_unit(
        number=number.upper(),
        name=name,
        name_latin=name_latin,
        type=type,
        stars=stars,
        parent_id=parent_id,
        now=now,
        actor_id=actor_id,
    )


def rename_unit(
    unit_id: int, *, name: str, name_latin: str | None, type: UnitType, stars: int, grants: tuple[Grant, ...],
    now: datetime, actor_id: int,
) -> bool:  # fmt: skip
    """Write a new version of a unit from today on; return whether anything changed."""
    with transaction() as session:
        on = service.today(now)
        _require(grants, people_queries.parents_on(session, on))
        lock_tree(session)
        old = session.scalar(sa.select(UnitVersion).where(UnitVersion.unit_id == unit_id, *holds_on(UnitVersion, on)))
        if old is None:
            raise NotFound()
        wanted = {"name": name, "name_latin": name_latin or None, "type": type, "stars": stars}
        if all(getattr(old, column) == value for column, value in wanted.items()):
            return False
        end_rows(session, UnitVersion, UnitVersion.id == old.id, on=on, now=now)
        session.add(
            UnitVersion(unit_id=unit_id, zone=old.zone, valid_from=on, recorded_at=now, by_id=actor_id, **wanted)
        )
        audit.record(
            "unit.changed", f"unit:{unit_id}", now=now, actor_id=actor_id,
            facts={"columns": sorted(c for c, value in wanted.items() if getattr(old, c) != value)},
        )  # fmt: skip
        return True


def move_unit(unit_id: int, *, parent_id: int, grants: tuple[Grant, ...], now: datetime, actor_id: int) -> int:
    """Put a unit under another from today on; return how many people below it changed their scope rows.

    The tree is locked first: who is placed somewhere meanwhile waits and then reads the new tree. Raises Circle.
    """
    with transaction() as session:
        on = service.today(now)
        _require(grants, people_queries.parents_on(session, on))
        lock_tree(session)
        parents = people_queries.parents_on(session, on)
        if unit_id not in parents or parent_id not in parents:
            raise NotFound()
        if unit_id in roots(parents):
            raise RootStays()
        if makes_a_circle(parents, unit_id, parent_id):
            raise Circle()
        if parents[unit_id] == parent_id:
            return 0
        link = session.scalars(
            sa.select(UnitParent).where(UnitParent.unit_id == unit_id, *holds_on(UnitParent, on))
        ).one()
        end_rows(session, UnitParent, UnitParent.id == link.id, on=on, now=now)
        session.add(UnitParent(unit_id=unit_id, parent_id=parent_id, valid_from=on, recorded_at=now, by_id=actor_id))
        session.flush()
        moved = _rewrite_scope(session, unit_id, above(parents, unit_id)[1:], above(parents, parent_id))
        audit.record(
            "unit.moved", f"unit:{unit_id}", now=now, actor_id=actor_id,
            facts={"from": parents[unit_id], "to": parent_id, "people": moved},
        )  # fmt: skip
        return moved


def _rewrite_scope(session: Session, unit_id: int, old_above: list[int], new_above: list[int]) -> int:
    """Rewrite the scope rows of everybody at a unit and below, set by set."""
    row = PersonInUnit
    people = sa.select(row.person_id).where(row.ancestor_unit_id == unit_id)
    gone = [unit for unit in old_above if unit not in new_above]
    come = [unit for unit in new_above if unit not in old_above]
    session.execute(sa.delete(row).where(row.ancestor_unit_id.in_(gone), row.person_id.in_(people)))
    for unit in come:
        session.execute(
            sa.insert(row).from_select(
                ["ancestor_unit_id", "sort_key", "person_id"],
                sa.select(sa.literal(unit, sa.BigInteger), row.sort_key, row.person_id).where(
                    row.ancestor_unit_id == unit_id
                ),
            )
        )
    counted = session.scalar(sa.select(sa.func.count()).select_from(row).where(row.ancestor_unit_id == unit_id))
    return counted or 0


def lock_tree(session: Session) -> None:
    """Lock every unit: who places somebody meanwhile waits and then reads the new tree."""
    session.execute(sa.select(Unit.id).order_by(Unit.id).with_for_update()).all()


def _require(grants: tuple[Grant, ...], parents: dict[int, int | None]) -> None:
    if not may_edit_units(grants, roots(parents)):
        raise Forbidden()
