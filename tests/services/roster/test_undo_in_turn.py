"""Several imports over the same people, units or licences, undone from the last backwards: then all is as it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import roster_factories as rosters
from tests.factories import World
from tests.services.roster.test_people_in import NEW, assert_rows_true
from tests.services.roster.test_undo import undo
from training_app import clock
from training_app.access.models import PersonInUnit, RoleGrant
from training_app.accounts import people_service
from training_app.accounts import service as accounts
from training_app.accounts import units_service as tree
from training_app.accounts.models import Assignment, Login, Person, PersonProfile, UnitParent, UnitVersion
from training_app.accounts.rules import UnitType
from training_app.accounts.service import today
from training_app.db import db
from training_app.outbox import service as outbox
from training_app.roster import service, undoing, units_service
from training_app.roster.rules import WRITES
from training_app.roster.state_rules import RosterState
from training_app.status.models import PersonState

BOTH = pytest.mark.parametrize(
    "any_app", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True
)
# When a row was written, and its number, say nothing of what it says.
_APART = {
    "id", "recorded_at", "superseded_at", "superseded_by", "as_of_seq", "computed_at", "disabled_at", "changed_at",
    "password_hash", "seq", "last_recorded_at",
}  # fmt: skip
Rows = Sequence[Mapping[str, str]]
Step = tuple[Rows, Mapping[str, Any]]


def everything(people: Sequence[int]) -> dict[str, list[str]]:
    """Return all that is recorded of people and of the tree, as it stands; the narrow rows of everybody."""
    db.session.rollback()
    standing: dict[Any, Any] = {
        PersonProfile: PersonProfile.person_id.in_(people),
        Person: Person.id.in_(people),
        Login: Login.person_id.in_(people),
        PersonState: PersonState.person_id.in_(people),
        Assignment: Assignment.superseded_at.is_(None),
        RoleGrant: RoleGrant.superseded_at.is_(None),
        UnitVersion: UnitVersion.superseded_at.is_(None),
        UnitParent: UnitParent.superseded_at.is_(None),
        PersonInUnit: sa.true(),
    }
    found = {}
    for model, which in standing.items():
        table = model.__table__
        columns = [column for column in table.c if column.key not in _APART or (model is Person and column.key == "id")]
        said = [*columns, *([table.c.disabled_at.is_(None)] if model is Login else [])]
        found[table.name] = sorted(repr(tuple(row)) for row in db.session.execute(sa.select(*said).where(which)))
    db.session.rollback()
    return found


def everybody() -> list[int]:
    found = list(db.session.scalars(sa.select(Person.id)))
    db.session.rollback()
    return found


def grants_of_hr(world: World) -> Any:
    found = service.grants_of(db.session(), world.hr, clock.now())
    db.session.rollback()
    return found


def move_to(world: World, unit: str, employer: str = "某服务公司") -> Mapping[str, str]:
    return {"number": world.numbers["learner"], "unit_number": unit, "employer": employer}


def gone(world: World) -> Mapping[str, str]:
    return {"number": world.numbers["gone"], "unit_number": "OA1", "employer": "乙公司"}


def without_the_learner(world: World) -> Step:
    """Return a file of everybody in outlet A but the learner and newcomers: they leave."""
    kept = [{"number": world.numbers["learner2"], "unit_number": "OA1", "employer": "某服务公司"}]
    return kept, {"is_all": True, "unit_id": world.units["outlet_a"]}


CASES: Mapping[str, Callable[[World], list[Step]]] = {
    "moved, moved": lambda w: [([move_to(w, "OB1")], {}), ([move_to(w, "SA1")], {})],
    "company, company": lambda w: [([move_to(w, "OA1", "甲公司")], {}), ([move_to(w, "OA1", "乙公司")], {})],
    "moved long ago, then lately": lambda w: [
        ([{**move_to(w, "OB1"), "since": "2026-11-23"}], {}), ([{**move_to(w, "SA1"), "since": "2026-11-24"}], {})],
    "new, moved": lambda w: [([NEW], {}), ([NEW | {"unit_number": "OB1", "since": ""}], {})],
    "new, left": lambda w: [([NEW], {}), without_the_learner(w)],
    "moved, left": lambda w: [([move_to(w, "OA1", "甲公司")], {}), without_the_learner(w)],
    "left, back": lambda w: [without_the_learner(w), ([move_to(w, "OB1", "乙公司")], {})],
    "back, moved": lambda w: [([gone(w)], {}), ([{**gone(w), "unit_number": "OB1"}], {})],
    "back, left": lambda w: [([gone(w)], {}), without_the_learner(w)],
    "back with a name, renamed and moved": lambda w: [
        ([{**gone(w), "name": "钱归来"}], {}), ([{**gone(w), "name": "钱又来", "unit_number": "SA1"}], {})],
    "moved and renamed, renamed": lambda w: [
        ([{**move_to(w, "OB1"), "name": "王小铭", "phone": "138 0000 1111"}], {}),
        ([{"number": w.numbers["learner"], "name": "王晓铭", "phone": "138 0000 2222"}], {})],
    "three moves": lambda w: [([move_to(w, "OB1")], {}), ([move_to(w, "SA1")], {}), ([move_to(w, "RA")], {})],
    "new, moved, left": lambda w: [
        ([NEW], {}), ([NEW | {"employer": "乙公司", "since": ""}], {}), without_the_learner(w)],
    "back, left, back": lambda w: [
        ([gone(w)], {}), without_the_learner(w), ([{**gone(w), "unit_number": "OB1"}], {})],
    "left, back, moved": lambda w: [
        without_the_learner(w), ([move_to(w, "OB1", "乙公司")], {}), ([move_to(w, "SA1", "乙公司")], {})],
}  # fmt: skip


def start(world: World, now: datetime) -> list[int]:
    """Let somebody have left, and the learner hold a second role; return everybody."""
    left = world.add("gone", "钱离职", "outlet_b", now - timedelta(days=90))
    accounts.deactivate_person(left, on=today(now), now=now, actor_id=None)
    accounts.grant_role(world.learner, role="trainer", unit_id=world.units["centre_a"], now=now, actor_id=None)
    clock.move_to(now + timedelta(days=1))
    while outbox.dispatch_due(now=clock.now()):
        pass  # everybody has begun their courses
    return everybody()


def assert_undone(roster_id: int, world: World) -> None:
    assert undo(roster_id, world.hr)
    row = rosters.roster(roster_id)
    assert (row.state, row.problem) == (RosterState.UNDONE, None)


def go_there_and_back(world: World, people: Sequence[int], steps: Sequence[Step], kind: str, step: timedelta) -> None:
    """Apply files one after the other and undo them from the last; each leaves what stood before it."""
    done: list[int] = []
    stood: list[dict[str, list[str]]] = []
    for rows, how in steps:
        stood.append(everything(people))
        done.append(rosters.bring_in(rows, world.hr, kind=kind, **how))
        assert sum(rosters.figures(done[-1])[one] for one in WRITES) >= 1
        clock.move_to(clock.now() + step)
    assert not undo(done[0], world.hr), "while a later one counts"
    for roster_id, before in zip(reversed(done), reversed(stood), strict=True):
        clock.move_to(clock.now() + step)
        assert_undone(roster_id, world)
        assert everything(people) == before
    assert_rows_true()


@pytest.mark.deep
@pytest.mark.parametrize("case", CASES)
def test_people_are_as_before_once_all_files_are_undone_from_the_last(world: World, now: datetime, case: str) -> None:
    go_there_and_back(world, start(world, now), CASES[case](world), "people", timedelta(days=1))


@pytest.mark.deep_on_postgres
@BOTH
def test_people_are_as_before_though_all_of_it_was_on_one_day(any_app: Flask, world: World, now: datetime) -> None:
    people = start(world, now)
    for case in CASES.values():
        go_there_and_back(world, people, case(world), "people", timedelta(minutes=1))


@BOTH
def test_one_undone_before_the_next_was_sent_leaves_the_way_back_too(
    any_app: Flask, world: World, now: datetime
) -> None:
    people = start(world, now)
    before = everything(people)
    first = rosters.bring_in([move_to(world, "OB1")], world.hr)
    for unit in ("SA1", "RA", "SA1"):
        clock.move_to(clock.now() + timedelta(minutes=1))
        later = rosters.bring_in([move_to(world, unit)], world.hr)
        clock.move_to(clock.now() + timedelta(minutes=1))
        assert_undone(later, world)
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert_undone(first, world)
    assert everything(people) == before
    assert_rows_true()


@BOTH
@pytest.mark.parametrize("when", ["between the two", "after one was undone"])
def test_a_role_that_somebody_granted_since_stays(any_app: Flask, world: World, now: datetime, when: str) -> None:
    people = start(world, now)

    def grant() -> None:
        clock.move_to(clock.now() + timedelta(minutes=1))
        place = world.units["outlet_a"]
        accounts.grant_role(world.learner, role="examiner", unit_id=place, now=clock.now(), actor_id=None)
        clock.move_to(clock.now() + timedelta(minutes=1))

    before = everything(people)
    first = rosters.bring_in([move_to(world, "OA1", "甲公司")], world.hr)
    if when == "between the two":
        grant()
    clock.move_to(clock.now() + timedelta(days=1))
    rows, how = without_the_learner(world)
    second = rosters.bring_in(rows, world.hr, **how)
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert_undone(second, world)
    if when != "between the two":
        grant()
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert_undone(first, world)
    after = everything(people)
    (added,) = set(after.pop("role_grant")) - set(before["role_grant"])
    assert "examiner" in added
    del before["role_grant"]
    assert after == before
    assert_rows_true()


def _edit(world: World) -> str:
    details = people_service.Details(name="王手改", name_latin=None, phone=None, email=None, language="zh")
    people_service.edit_person(
        world.learner, details, grants=grants_of_hr(world), now=clock.now(), actor_id=world.hr
    )  # fmt: skip
    return "person.edited"


def _move(world: World) -> str:
    people_service.move_person(
        world.learner, unit_id=world.units["outlet_b"], employer="乙公司", on=today(clock.now()),
        grants=grants_of_hr(world), now=clock.now(), actor_id=world.hr,
    )  # fmt: skip
    return "person.moved"


@BOTH
@pytest.mark.parametrize("change", [_edit, _move])
def test_changed_by_hand_after_the_last_was_undone_the_one_before_is_refused_and_says_why(
    any_app: Flask, world: World, now: datetime, change: Callable[[World], str]
) -> None:
    people = start(world, now)
    first = rosters.bring_in([move_to(world, "OB1")], world.hr)
    clock.move_to(clock.now() + timedelta(minutes=1))
    second = rosters.bring_in([move_to(world, "SA1")], world.hr)
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert_undone(second, world)
    clock.move_to(clock.now() + timedelta(minutes=1))
    asked_at, action = clock.now(), change(world)
    stood = everything(people)
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert not undo(first, world.hr)
    row = rosters.roster(first)
    assert (row.state, row.problem) == (RosterState.APPLIED, "undo_blocked")
    (one,) = undoing.blocked(db.session(), first)
    assert (one.person_id, one.action) == (world.learner, action)
    assert asked_at <= one.at < asked_at + timedelta(minutes=1)
    assert everything(people) == stood


UNIT_CASES: Mapping[str, list[Rows]] = {
    "moved, moved": [[{"number": "OA1", "parent_number": "RB"}], [{"number": "OA1", "parent_number": "RA"}]],
    "renamed, renamed": [[{"number": "OA1", "name": "甲网点"}], [{"number": "OA1", "name": "乙网点", "stars": "2"}]],
    "new, moved": [
        [{"number": "OX1", "name": "新网点", "type": "outlet", "parent_number": "RB"}],
        [{"number": "OX1", "parent_number": "SA1", "name": "新新网点"}],
    ],
    "new with one below, which moves away": [
        [{"number": "SX1", "name": "新中心", "type": "star_centre", "parent_number": "RB"},
         {"number": "OA1", "parent_number": "SX1"}],
        [{"number": "OA1", "parent_number": "RB"}],
    ],
    "three moves with names": [
        [{"number": "OA1", "parent_number": "RB", "name": "甲网点"}],
        [{"number": "OA1", "parent_number": "RA"}],
        [{"number": "OA1", "parent_number": "RB", "name": "丙网点"}],
    ],
}  # fmt: skip


@pytest.mark.deep
@pytest.mark.parametrize("case", UNIT_CASES)
def test_units_are_as_before_once_all_files_are_undone_from_the_last(world: World, now: datetime, case: str) -> None:
    people = start(world, now)
    go_there_and_back(world, people, [(rows, {}) for rows in UNIT_CASES[case]], "units", timedelta(days=1))


@pytest.mark.deep_on_postgres
@BOTH
def test_units_are_as_before_though_all_of_it_was_on_one_day(any_app: Flask, world: World, now: datetime) -> None:
    people = start(world, now)
    for case in UNIT_CASES.values():
        go_there_and_back(world, people, [(rows, {}) for rows in case], "units", timedelta(minutes=1))


@pytest.mark.parametrize("change", ["renamed", "moved", "renamed back", "one placed below"])
@pytest.mark.parametrize("when", ["between the two", "after one was undone"])
def test_a_unit_changed_by_hand_keeps_its_import_though_a_later_one_was_undone(
    world: World, now: datetime, change: str, when: str
) -> None:
    start(world, now)

    def by_hand() -> None:
        clock.move_to(clock.now() + timedelta(minutes=1))
        grants, at = grants_of_hr(world), clock.now()
        if change in ("moved", "one placed below"):
            unit = world.units["outlet_a" if change == "moved" else "outlet_b"]
            parent = world.units["hq"] if change == "moved" else new_unit()
            tree.move_unit(unit, parent_id=parent, grants=grants, now=at, actor_id=world.hr)
        else:
            for name in ("手改", "甲网点") if change == "renamed back" else ("手改",):
                tree.rename_unit(
                    world.units["outlet_a"], name=name, name_latin="Unit OA1", type=UnitType.OUTLET, stars=0,
                    grants=grants, now=at, actor_id=world.hr,
                )  # fmt: skip
                clock.move_to(at := at + timedelta(seconds=1))
        clock.move_to(clock.now() + timedelta(minutes=1))

    def new_unit() -> int:
        return next(
            row.unit_id or 0 for number, row in rosters.lines(first).items() if number == "SX1"
        )  # fmt: skip

    first = rosters.bring_in(
        [{"number": "SX1", "name": "新中心", "type": "star_centre", "parent_number": "RB"},
         {"number": "OA1", "name": "甲网点", "parent_number": "RB"}], world.hr, kind="units",
    )  # fmt: skip
    if when == "between the two":
        by_hand()
    clock.move_to(clock.now() + timedelta(minutes=1))
    moved = "OB1" if change == "one placed below" else "OA1"
    second = rosters.bring_in([{"number": moved, "name": "乙网点", "parent_number": "RA"}], world.hr, kind="units")
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert_undone(second, world)
    if when != "between the two":
        by_hand()
    stood = everything(everybody())
    assert not undo(first, world.hr)
    named = {one.number for one in units_service.blocked(db.session(), first)}
    assert named == {"SX1" if change == "one placed below" else "OA1"}
    assert everything(everybody()) == stood


def test_a_unit_to_which_undoing_would_bring_somebody_back_keeps_its_import(world: World, now: datetime) -> None:
    people = start(world, now)
    before = everything(people)
    new_unit = [{"number": "OX1", "name": "新网点", "type": "outlet", "parent_number": "RB"}]
    done = [rosters.bring_in(new_unit, world.hr, kind="units")]
    for unit in ("OX1", "SA1"):
        clock.move_to(clock.now() + timedelta(minutes=1))
        done.append(rosters.bring_in([move_to(world, unit)], world.hr))
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert not undo(done[0], world.hr)
    assert [one.number for one in units_service.blocked(db.session(), done[0])] == ["OX1"]
    for roster_id in reversed(done):
        clock.move_to(clock.now() + timedelta(minutes=1))
        assert_undone(roster_id, world)
    assert everything(people) == before
    assert_rows_true()
