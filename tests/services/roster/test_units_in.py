"""Units brought in by a file: named, placed, with everybody below found where they now stand, and undone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import roster_factories as rosters
from tests.factories import World
from tests.services.roster.test_people_in import NEW, assert_rows_true
from tests.services.roster.test_undo import undo
from training_app import clock
from training_app.access.models import PersonInUnit
from training_app.accounts import queries as accounts
from training_app.accounts import units_service
from training_app.accounts.queries import UnitRow
from training_app.accounts.service import today
from training_app.db import db
from training_app.roster import service
from training_app.roster.state_rules import RosterState

ROWS = [
    {
        "number": "OX1",
        "name": "新网点",
        "name_latin": "New outlet",
        "type": "特约网点",
        "stars": "3",
        "parent_number": "SX1",
    },
    {"number": "SX1", "name": "新中心", "type": "star_centre", "parent_number": "RB"},
    {"number": "OA1", "name": "改名网点", "parent_number": "SX1"},
]


def tree() -> dict[str, tuple[str, str | None, str, int, int | None]]:
    db.session.rollback()
    rows: list[UnitRow] = accounts.units(db.session(), today(clock.now()))
    return {row.number: (row.name, row.name_latin, row.type.value, row.stars, row.parent_id) for row in rows}


def above(world: World, person: str) -> set[int]:
    found = sa.select(PersonInUnit.ancestor_unit_id).where(PersonInUnit.person_id == world.people[person])
    return set(db.session.scalars(found))


@pytest.mark.parametrize("any_app", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_units_come_and_move_with_their_people_and_an_undone_file_leaves_the_tree_as_it_was(
    any_app: Flask, world: World, now: datetime
) -> None:
    before, stood = tree(), above(world, "learner")
    roster_id = rosters.bring_in(ROWS, world.hr, kind="units")
    after = tree()
    ids = {row.number: row.unit_id for row in accounts.units(db.session(), today(now))}
    assert after["OX1"] == ("新网点", "New outlet", "outlet", 3, ids["SX1"])
    assert after["OA1"] == ("改名网点", "Unit OA1", "outlet", 0, ids["SX1"])
    assert above(world, "learner") == {ids[number] for number in ("OA1", "SX1", "RB", "HQ")}
    assert_rows_true()
    assert rosters.figures(rosters.send(ROWS, world.hr, kind="units"))["same"] == 3
    clock.move_to(now + timedelta(hours=1))
    assert undo(roster_id, world.hr)
    assert (tree(), above(world, "learner")) == (before, stood)
    assert_rows_true()
    rosters.bring_in(ROWS, world.hr, kind="units")
    assert tree() == after


def test_a_unit_in_which_somebody_works_since_keeps_its_import(world: World, now: datetime) -> None:
    roster_id = rosters.bring_in(ROWS[:2], world.hr, kind="units")
    clock.move_to(now + timedelta(minutes=1))
    rosters.bring_in([NEW | {"unit_number": "OX1"}], world.hr)
    assert not undo(roster_id, world.hr)
    assert rosters.roster(roster_id).problem == "undo_blocked"


def test_a_tree_that_changed_meanwhile_is_held_against_the_file_again(world: World, now: datetime) -> None:
    roster_id = rosters.send(ROWS, world.hr, kind="units")
    service.ask_to_apply(roster_id, leaving=0, now=now, actor_id=world.hr)
    grants = service.grants_of(db.session(), world.hr, now)
    units_service.move_unit(
        world.units["outlet_a"], parent_id=world.units["region_b"], grants=grants, now=now, actor_id=world.hr
    )
    rosters.work(roster_id)
    row = rosters.roster(roster_id)
    assert (row.state, row.problem, "OX1" in tree()) == (RosterState.CHECKED, "changed_meanwhile", False)
