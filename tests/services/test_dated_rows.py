"""Dated rows that the database itself keeps apart, and the step that parted what was there before."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import downgrade, upgrade

from tests.factories import World
from training_app import clock
from training_app.access.models import RoleGrant
from training_app.accounts.rules import AssignmentKind
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.db import db, transaction
from training_app.exams import time_service
from training_app.triggers import APART, tables_kept_apart

ROOT = Path(__file__).resolve().parent.parent.parent
ALL = [apart.table for apart in APART]
BEFORE_THE_STEP = [table for table in ALL if table != "time_factor"]
DAY = timedelta(days=1)


def _first(table: str, world: World) -> dict[str, Any]:
    """Return the columns of a row that holds today, without its id."""
    t = db.metadata.tables[table]
    if table == "time_factor":
        _give_more_time(world)
    owner = {"unit_id": world.units["outlet_a"]} if table.startswith("unit") else {"person_id": world.learner}
    row = db.session.execute(sa.select(t).where(*(t.c[name] == value for name, value in owner.items()))).one()
    db.session.rollback()
    return {name: value for name, value in row._mapping.items() if name != "id"}


def _give_more_time(world: World) -> None:
    time_service.set_factor(
        world.learner, percent=125, first_on=today(clock.now()), last_on=None, words="Proof was seen.", language="en",
        now=clock.now(), actor_id=world.hr,
    )  # fmt: skip


def _insert(table: str, values: dict[str, Any]) -> None:
    with transaction() as session:
        session.execute(sa.insert(db.metadata.tables[table]).values(values))


def _close(table: str, world: World, on: date) -> dict[str, Any]:
    """Let the row that holds end on a day, behind the services; return its columns as they were."""
    values, t = _first(table, world), db.metadata.tables[table]
    owner = "unit_id" if table.startswith("unit") else "person_id"
    with transaction() as session:
        session.execute(sa.update(t).where(t.c[owner] == values[owner]).values(valid_to=on))
    return values


def _to(revision: str) -> None:
    move = upgrade if revision == "head" else downgrade
    db.session.remove()
    db.engine.dispose()
    move(directory=str(ROOT / "migrations"), revision=revision)


@pytest.mark.parametrize("table", ALL)
def test_two_rows_that_hold_on_one_day_are_refused(any_app: Flask, table: str) -> None:
    world = World.create(clock.now())
    start = _first(table, world)["valid_from"]
    end = start + 10 * DAY
    values = _close(table, world, end)
    for begins, ends in (
        (start, end), (start + DAY, end - DAY), (end - DAY, None), (start - 5 * DAY, start + DAY), (start - DAY, None),
    ):  # fmt: skip
        with pytest.raises(sa.exc.IntegrityError, match=f"ex_{table}_apart"):
            _insert(table, values | {"valid_from": begins, "valid_to": ends})
    for begins, ends, superseded in (
        (start - 5 * DAY, start, None), (end, None, None), (start, None, clock.now()), (start + DAY, start + DAY, None),
    ):  # fmt: skip
        _insert(table, values | {"valid_from": begins, "valid_to": ends, "superseded_at": superseded})


def test_a_row_is_not_stretched_over_another(any_app: Flask, world: World) -> None:
    for table in ALL:
        t = db.metadata.tables[table]
        end = _first(table, world)["valid_from"] + 10 * DAY
        values = _close(table, world, end)
        _insert(table, values | {"valid_from": end})
        owner = t.c.unit_id if table.startswith("unit") else t.c.person_id
        earlier = sa.update(t).where(owner == values[owner.name], t.c.valid_to == end)
        with pytest.raises(sa.exc.IntegrityError, match=f"ex_{table}_apart"), transaction() as session:
            session.execute(earlier.values(valid_to=end + DAY))
        with transaction() as session:
            session.execute(earlier.values(valid_to=end - DAY))


def test_a_second_place_and_another_role_or_unit_may_hold_beside_the_first(any_app: Flask, world: World) -> None:
    _insert("assignment", _first("assignment", world) | {"kind": AssignmentKind.SECONDARY})
    held = _first("role_grant", world)
    _insert("role_grant", held | {"role": "trainer"})
    _insert("role_grant", held | {"unit_id": None})
    with pytest.raises(sa.exc.IntegrityError, match="ex_role_grant_apart"):
        _insert("role_grant", held | {"unit_id": None})


def test_every_step_of_the_migrations_keeps_them_apart(any_app: Flask) -> None:
    assert tables_kept_apart(db.session.connection()) == sorted(ALL)
    _to("0004")
    assert tables_kept_apart(db.session.connection()) == []
    _to("head")
    assert tables_kept_apart(db.session.connection()) == sorted(ALL)
    db.session.remove()
    db.engine.dispose()


def test_rows_that_overlapped_before_the_step_are_parted_and_the_last_word_stands(any_app: Flask, world: World) -> None:
    start = _first("assignment", world)["valid_from"]
    closed = {table: _close(table, world, start + 30 * DAY) for table in BEFORE_THE_STEP}
    _to("0004")
    later = {"valid_from": start + 10 * DAY, "valid_to": start + 20 * DAY}
    for table, values in closed.items():
        _insert(table, values | later | {"recorded_at": values["recorded_at"] + DAY})
    _to("head")
    for table, values in closed.items():
        t = db.metadata.tables[table]
        owner = t.c.unit_id if table.startswith("unit") else t.c.person_id
        rows = db.session.execute(
            sa.select(t.c.valid_from, t.c.valid_to, t.c.superseded_at.is_(None))
            .where(owner == values[owner.name])
            .order_by(t.c.valid_from, t.c.valid_to)
        ).all()
        assert [((a - start).days, (b - start).days, bool(counts)) for a, b, counts in rows] == [
            (0, 10, True), (0, 30, False), (10, 20, True), (20, 30, True),
        ]  # fmt: skip
    db.session.remove()
    db.engine.dispose()


def _known(person_id: int, at: datetime) -> list[tuple[bool, date]]:
    """Return whether a person's role as administrator was approved and from when, as known at an instant."""
    rows = db.session.execute(
        sa.select(RoleGrant.approved_by.isnot(None), RoleGrant.valid_from).where(
            RoleGrant.person_id == person_id, RoleGrant.role == "administrator", RoleGrant.recorded_at <= at,
            sa.or_(RoleGrant.superseded_at.is_(None), RoleGrant.superseded_at > at),
        )
    ).all()  # fmt: skip
    db.session.rollback()
    return [(bool(approved), start) for approved, start in rows]


def test_a_role_that_was_approved_in_place_is_parted_into_request_and_role(
    any_app: Flask, world: World, now: datetime
) -> None:
    asked, approved, ended = now + timedelta(days=2), now + timedelta(days=5), now + timedelta(days=9)
    _to("0004")
    with transaction() as session:
        values = {
            "person_id": world.hr2, "role": "administrator", "unit_id": None, "valid_from": today(approved),
            "granted_by": world.administrator, "approved_by": world.hr_lead,
        }  # fmt: skip
        session.add(RoleGrant(**values, recorded_at=asked, superseded_at=ended))
        session.add(RoleGrant(**values, recorded_at=ended, valid_to=today(ended)))
        audit.record(
            "role.approved", f"person:{world.hr2}", now=approved, actor_id=world.hr_lead,
            facts={"role": "administrator", "unit": None, "asked_by": world.administrator},
        )  # fmt: skip
    assert _known(world.hr2, asked) == [(True, today(approved))]  # what was wrong
    for _again in range(2):
        _to("head")
        assert _known(world.hr2, asked - timedelta(seconds=1)) == []
        assert _known(world.hr2, approved - timedelta(seconds=1)) == [(False, today(asked))]
        assert _known(world.hr2, approved) == [(True, today(approved))]
        assert _known(world.hr2, ended) == [(True, today(approved))]
        assert db.session.scalar(sa.select(sa.func.count()).where(RoleGrant.person_id == world.hr2)) == 4
        _to("0004")
    _to("head")
    db.session.remove()
    db.engine.dispose()
