"""A whole import undone: what was before counts again, and nothing that came later is touched."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import roster_factories as rosters
from tests.factories import World
from tests.services.roster.test_people_in import NEW, assert_rows_true, person_id
from training_app import clock
from training_app.access.models import PersonInUnit, RoleGrant
from training_app.accounts import erasing_service, people_service
from training_app.accounts import service as accounts
from training_app.accounts.models import Assignment, Login, Person, PersonProfile
from training_app.accounts.service import today
from training_app.audit.models import AuditEntry
from training_app.db import db
from training_app.outbox import service as outbox
from training_app.roster import clearing, service, undoing
from training_app.roster.state_rules import RosterState
from training_app.storage import service as storage


def visible() -> dict[str, list[tuple[Any, ...]]]:
    """Return what anybody sees of people who are here: records, places, roles, scope, sign-in."""
    db.session.rollback()
    here = sa.select(PersonInUnit.person_id)
    parts = {
        "records": sa.select(PersonProfile.person_id, PersonProfile.number, PersonProfile.name, PersonProfile.phone,
                             PersonProfile.sort_key, PersonProfile.language).where(PersonProfile.person_id.in_(here)),
        "places": sa.select(Assignment.person_id, Assignment.unit_id, Assignment.employer, Assignment.valid_from,
                            Assignment.valid_to).where(Assignment.superseded_at.is_(None)),
        "roles": sa.select(RoleGrant.person_id, RoleGrant.role, RoleGrant.unit_id, RoleGrant.valid_from,
                           RoleGrant.valid_to).where(RoleGrant.superseded_at.is_(None)),
        "scope": sa.select(PersonInUnit.ancestor_unit_id, PersonInUnit.sort_key, PersonInUnit.person_id),
        "sign-in": sa.select(Login.person_id, Login.disabled_at, Person.left_on).join(Person).where(
            Login.person_id.in_(here)),
    }  # fmt: skip
    return {name: sorted(map(tuple, db.session.execute(query)), key=repr) for name, query in parts.items()}


def undo(roster_id: int, actor_id: int) -> bool:
    done = undoing.ask_to_undo(roster_id, now=clock.now(), actor_id=actor_id)
    rosters.work(roster_id)
    return done


@pytest.mark.parametrize("any_app", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_an_undone_import_leaves_what_was_before_and_can_be_sent_again(
    any_app: Flask, world: World, now: datetime
) -> None:
    gone = world.add("gone", "钱离职", "outlet_b", now - timedelta(days=90))
    accounts.deactivate_person(gone, on=today(now), now=now, actor_id=None)
    clock.move_to(now + timedelta(days=1))
    before = visible()
    rows = [
        NEW,
        {"number": world.numbers["gone"], "name": "钱回来", "unit_number": "OA1", "employer": "乙公司"},
        {"number": world.numbers["learner"], "name": "王小铭", "unit_number": "SA1", "phone": "138 0000 1111"},
    ]
    roster_id = rosters.bring_in(rows, world.hr, is_all=True, unit_id=world.units["region_a"])
    assert rosters.figures(roster_id)["leaving"] == 5
    outbox.dispatch_due(now=clock.now() + timedelta(minutes=5))
    assert visible() != before
    assert undo(roster_id, world.hr)
    assert rosters.roster(roster_id).state is RosterState.UNDONE
    assert visible() == before
    assert db.session.get_one(Person, gone).left_on == today(now)
    assert_rows_true()
    with pytest.raises(service.NotNow):
        undo(roster_id, world.hr)
    again = rosters.bring_in(rows, world.hr)
    assert rosters.figures(again) | {"same": 0} == {
        "permits": 0, "new": 0, "back": 2, "changed": 0, "moved": 1, "leaving": 0, "same": 0, "faulty": 0}  # fmt: skip
    assert person_id("N-001")
    assert_rows_true()


def test_what_came_later_keeps_the_whole_import_and_says_for_whom(world: World, now: datetime) -> None:
    roster_id = rosters.bring_in([NEW, {"number": world.numbers["learner"], "unit_number": "SA1"}], world.hr)
    clock.move_to(now + timedelta(days=2))
    grants = service.grants_of(db.session(), world.hr, clock.now())
    people_service.move_person(
        world.learner, unit_id=world.units["outlet_b"], employer="乙公司", on=today(clock.now()), grants=grants,
        now=clock.now(), actor_id=world.hr,
    )  # fmt: skip
    before = visible()
    assert not undo(roster_id, world.hr)
    assert (rosters.roster(roster_id).state, visible()) == (RosterState.APPLIED, before)
    (one,) = undoing.blocked(db.session(), roster_id)
    assert (one.person_id, one.action) == (world.learner, "person.moved")


def test_of_two_imports_the_last_is_undone_first_and_then_the_one_before(world: World, now: datetime) -> None:
    before = visible()
    first = rosters.bring_in([NEW], world.hr)
    clock.move_to(now + timedelta(minutes=1))
    second = rosters.bring_in([{"number": "N-001", "unit_number": "OB1", "phone": "139 0000 0000"}], world.hr)
    clock.move_to(now + timedelta(minutes=2))
    assert not undo(first, world.hr)
    assert undo(second, world.hr)
    clock.move_to(now + timedelta(minutes=3))
    assert undo(first, world.hr)
    assert visible() == before


def test_after_thirty_days_an_import_is_no_longer_undone(world: World, now: datetime) -> None:
    roster_id = rosters.bring_in([NEW], world.hr)
    clock.move_to(now + timedelta(days=31))
    with pytest.raises(service.NotNow):
        undo(roster_id, world.hr)


def test_then_the_file_and_its_words_go_and_the_figures_stay(world: World, now: datetime) -> None:
    roster_id = rosters.bring_in([NEW], world.hr)
    sha256 = rosters.roster(roster_id).sha256 or ""
    clock.move_to(now + timedelta(days=32))
    assert clearing.clear_old(now=clock.now()) == 1
    assert clearing.clear_old(now=clock.now()) == 0
    outbox.dispatch_due(now=clock.now())
    with pytest.raises(FileNotFoundError):
        storage.read(sha256)
    (line,) = rosters.lines(roster_id).values()
    assert (line.cells, line.then, line.name, line.phone, line.person_id) == ({}, {}, None, None, person_id("N-001"))
    assert rosters.figures(roster_id)["new"] == 1


def test_who_is_erased_is_erased_from_imports_too(world: World, now: datetime) -> None:
    roster_id = rosters.bring_in([NEW, NEW | {"number": "N-002", "name": "另一个"}], world.hr)
    new = person_id("N-001")
    accounts.deactivate_person(new, on=today(now), now=now, actor_id=None)
    erasing_service.erase_link(new, now=now + timedelta(days=5000), actor_id=None)
    kept = {line.person_id: line.name for line in rosters.lines(roster_id).values()}
    assert kept == {new: None, person_id("N-002"): "另一个"}
    assert rosters.roster(roster_id).sha256 is None


def test_a_preview_whose_file_named_somebody_erased_says_so_and_what_to_do(world: World, now: datetime) -> None:
    rows = [{"number": world.numbers[one], "phone": "138 0000 0000"} for one in ("learner", "learner2")]
    roster_id = rosters.send(rows, world.hr)
    accounts.deactivate_person(world.learner, on=today(now), now=now, actor_id=None)
    clock.move_to(now + timedelta(days=5000))
    erasing_service.erase_link(world.learner, now=clock.now(), actor_id=None)
    rosters.apply(roster_id, world.hr)
    row = rosters.roster(roster_id)
    assert (row.state, row.problem) == (RosterState.UNREADABLE, "erased")
    assert db.session.get_one(PersonProfile, world.learner2).phone != "138 0000 0000"


def test_the_history_holds_nothing_a_phone_could_be_guessed_from(world: World) -> None:
    """Whoever has a file of one row but for a phone could try all phones against a digest without a salt."""
    roster_id = rosters.bring_in([NEW], world.hr)
    row = rosters.roster(roster_id)
    facts = "".join(db.session.scalars(sa.select(AuditEntry.facts).where(AuditEntry.subject == f"roster:{roster_id}")))
    assert '"new":1' in facts
    assert (row.sha256 or "") not in facts
    assert (row.digest or "") not in facts
