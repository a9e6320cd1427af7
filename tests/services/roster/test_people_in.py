"""People brought in by a file: all at once, only where the actor reaches, never over what came later."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import roster_factories as rosters
from tests.factories import World
from tests.security.house import assert_chains_whole
from training_app import clock
from training_app.access.models import PersonInUnit, RoleGrant
from training_app.accounts import people_service, queries
from training_app.accounts.models import Assignment, Login, Person, PersonProfile
from training_app.accounts.service import today
from training_app.audit.models import AuditEntry
from training_app.db import db
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.notices.models import Notice
from training_app.outbox import service as outbox
from training_app.roster import applying, service, switching
from training_app.roster.rules import LineKind
from training_app.roster.state_rules import RosterState
from training_app.status import service as status
from training_app.status.models import PersonState

NEW = {"number": "N-001", "name": "新来的", "unit_number": "OA1", "employer": "甲公司", "since": "2026-11-02",
       "phone": "0571-8888 1234"}  # fmt: skip


def person_id(number: str) -> int:
    found = queries.find_person_id(db.session(), number)
    assert found is not None
    return found


def places(person: int) -> list[tuple[Any, ...]]:
    rows = db.session.execute(
        sa.select(Assignment.unit_id, Assignment.employer, Assignment.valid_from, Assignment.valid_to)
        .where(Assignment.person_id == person, Assignment.superseded_at.is_(None))
        .order_by(Assignment.valid_from)
    )
    return [tuple(row) for row in rows]


def assert_rows_true() -> None:
    """Hold every row that lists read, and every scope row, against a fold of the history."""
    db.session.rollback()
    assert status.rebuild(clock=clock.now) == []
    assert_chains_whole()


@pytest.mark.parametrize("any_app", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_new_changed_moved_and_leaving_people_count_at_once_and_the_rows_are_true(any_app: Flask, world: World) -> None:
    rows = [
        NEW,
        {"number": world.numbers["learner"], "name": "王小明", "unit_number": "OB1",
         "employer": "乙公司", "since": "2026-11-23"},
        {"number": world.numbers["learner2"], "name": "李佳仪", "unit_number": "OA1",
         "employer": "某服务公司", "phone": "138 0000 1111"},
    ]  # fmt: skip
    roster_id = rosters.send(rows, world.hr, is_all=True, unit_id=world.units["outlet_a"])
    assert rosters.figures(roster_id)[LineKind.FAULTY] == 1, "a file that holds all of a unit names no other unit"
    rows[1]["unit_number"], rows[1]["employer"] = "", ""
    first = rosters.bring_in([{"number": world.numbers["learner"], "unit_number": "OB1"}], world.hr)
    assert rosters.roster(first).state is RosterState.APPLIED
    del rows[1]
    roster_id = rosters.send(rows, world.hr, is_all=True, unit_id=world.units["region_b"])
    assert rosters.figures(roster_id)[LineKind.FAULTY] == 2
    roster_id = rosters.send(rows, world.hr, is_all=True, unit_id=world.units["outlet_a"])
    figures = rosters.figures(roster_id)
    assert {kind: figures[kind] for kind in ("new", "changed", "moved", "leaving", "faulty")} == {
        "new": 1, "changed": 1, "moved": 0, "leaving": 0, "faulty": 0}  # fmt: skip
    rosters.apply(roster_id, world.hr)
    new = person_id("N-001")
    assert places(new) == [(world.units["outlet_a"], "甲公司", date(2026, 11, 2), None)]
    assert places(world.learner) == [(world.units["outlet_b"], "某服务公司", date(2026, 11, 23), None)]
    profile = db.session.get_one(PersonProfile, world.learner2)
    assert (profile.name, profile.phone, profile.sort_key.startswith("lijiayi|")) == ("李佳仪", "138 0000 1111", True)
    granted = db.session.execute(sa.select(RoleGrant.role, RoleGrant.unit_id).where(RoleGrant.person_id == new)).all()
    assert [tuple(one) for one in granted] == [("learner", world.units["outlet_a"])]
    leaving = rosters.send([NEW], world.hr, is_all=True, unit_id=world.units["outlet_a"])
    assert rosters.figures(leaving)["leaving"] == 1
    with pytest.raises(service.LeavingNotSaid):
        rosters.apply(leaving, world.hr, leaving=0)
    rosters.apply(leaving, world.hr, leaving=1)
    assert places(world.learner2) == []
    assert db.session.get_one(Login, world.learner2).disabled_at is not None
    assert db.session.scalar(sa.select(sa.func.count()).where(PersonInUnit.person_id == world.learner2)) == 0
    outbox.dispatch_due(now=clock.now() + timedelta(minutes=5))
    assert_rows_true()


def test_the_same_file_again_changes_nothing_and_cannot_be_applied(world: World, now: datetime) -> None:
    rosters.bring_in([NEW], world.hr)
    again = rosters.send([NEW], world.hr)
    assert rosters.figures(again) == dict.fromkeys(LineKind, 0) | {"same": 1, "permits": 0}
    with pytest.raises(service.NothingToApply):
        rosters.apply(again, world.hr)
    assert rosters.roster(again).state is RosterState.CHECKED


def test_one_wrong_row_keeps_everything_out(world: World, now: datetime) -> None:
    roster_id = rosters.send([NEW, NEW | {"number": "N-002", "phone": "none"}], world.hr)
    assert rosters.figures(roster_id)["faulty"] == 1
    with pytest.raises(service.NothingToApply):
        rosters.apply(roster_id, world.hr)
    assert queries.find_person_id(db.session(), "N-001") is None


def test_between_preparing_and_the_switch_nobody_new_is_found_and_a_killed_job_goes_on(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Mapping[str, object]] = []
    real = switching.switch

    def killed(*given: Any, **more: Any) -> None:
        counted = sa.select(sa.func.count()).select_from(Person)
        seen.append({"people": db.session.scalar(counted), "found": queries.find_person_id(db.session(), "N-001")})
        if len(seen) == 1:
            raise KeyboardInterrupt  # as a kill would: nothing after this runs
        real(*given, **more)

    monkeypatch.setattr(switching, "switch", killed)
    roster_id = rosters.send([NEW, NEW | {"number": "N-002"}], world.hr)
    service.ask_to_apply(roster_id, leaving=0, now=now, actor_id=world.hr)
    with pytest.raises(KeyboardInterrupt):
        rosters.work(roster_id)
    db.session.rollback()
    shown = {row.person_id for row in db.session.scalars(sa.select(PersonInUnit))}
    assert shown <= set(world.people.values())
    assert rosters.roster(roster_id).state is RosterState.APPLYING
    service.work_again(roster_id, now=now, actor_id=world.hr)
    rosters.work(roster_id)
    assert rosters.roster(roster_id).state is RosterState.APPLIED
    assert [one["found"] for one in seen] == [None, None]
    assert seen[0]["people"] == seen[1]["people"], "what was prepared is not prepared twice"
    assert_rows_true()


def test_what_somebody_records_meanwhile_is_never_overwritten(world: World, now: datetime) -> None:
    rows = [NEW, {"number": world.numbers["learner"], "phone": "138 0000 0000"}]
    roster_id = rosters.send(rows, world.hr)
    service.ask_to_apply(roster_id, leaving=0, now=now, actor_id=world.hr)
    clock.move_to(now + timedelta(minutes=1))
    details = people_service.Details(name="王小明", name_latin=None, phone="139 9999 9999", email=None, language="zh")
    grants = service.grants_of(db.session(), world.hr, now)
    people_service.edit_person(world.learner, details, grants=grants, now=clock.now(), actor_id=world.hr2)
    rosters.work(roster_id)
    row = rosters.roster(roster_id)
    assert (row.state, row.problem) == (RosterState.CHECKED, "changed_meanwhile")
    assert rosters.lines(roster_id)[world.numbers["learner"]].now == {"phone": "139 9999 9999"}
    assert queries.find_person_id(db.session(), "N-001") is None
    rosters.apply(roster_id, world.hr)
    assert db.session.get_one(PersonProfile, world.learner).phone == "138 0000 0000"
    assert_rows_true()


class EditsMeanwhile(jobs.Progress):
    """The progress of a job beside which somebody edits a record, once."""

    def __init__(self, edit: Callable[[], None]) -> None:
        self._edits = [edit]

    def step(self, done: int, total: int) -> None:
        """Let the edit happen where the job tells how far it is."""
        while self._edits:
            self._edits.pop()()


def test_a_change_while_newcomers_are_prepared_keeps_the_switch_from_happening(
    any_app: Flask, world: World, now: datetime
) -> None:
    def edit() -> None:
        details = people_service.Details(
            name="王小明", name_latin=None, phone="136 6666 6666", email=None, language="zh"
        )
        grants = service.grants_of(db.session(), world.hr, now)
        people_service.edit_person(world.learner, details, grants=grants, now=now, actor_id=world.hr2)

    roster_id = rosters.send([NEW, {"number": world.numbers["learner"], "phone": "138 0000 0000"}], world.hr)
    service.ask_to_apply(roster_id, leaving=0, now=now, actor_id=world.hr)
    applying.apply(roster_id, EditsMeanwhile(edit), clock=clock.now)
    row = rosters.roster(roster_id)
    assert (row.state, row.problem) == (RosterState.CHECKING, "changed_meanwhile")
    rosters.work(roster_id)
    assert rosters.roster(roster_id).state is RosterState.CHECKED
    assert db.session.get_one(PersonProfile, world.learner).phone == "136 6666 6666"
    assert queries.find_person_id(db.session(), "N-001") is None
    closed = db.session.scalar(sa.select(sa.func.count()).where(Person.erased_at.isnot(None)))
    assert closed == 1, "what was prepared for nobody is closed"
    rosters.apply(roster_id, world.hr)
    assert person_id("N-001")
    assert db.session.get_one(PersonProfile, world.learner).phone == "138 0000 0000"
    status.refresh_due(now=clock.now())
    assert_rows_true()


def test_a_right_that_ended_meanwhile_ends_the_import_too(world: World, now: datetime) -> None:
    roster_id = rosters.send([NEW], world.hr)
    service.ask_to_apply(roster_id, leaving=0, now=now, actor_id=world.hr)
    db.session.execute(sa.update(RoleGrant).where(RoleGrant.person_id == world.hr).values(superseded_at=now))
    db.session.commit()
    rosters.work(roster_id)
    assert queries.find_person_id(db.session(), "N-001") is None
    assert rosters.figures(roster_id)["faulty"] == 1


def test_who_left_comes_back_to_sign_in_anew_and_administrators_never_leave_by_a_file(
    world: World, now: datetime
) -> None:
    grants = service.grants_of(db.session(), world.hr, now)
    people_service.let_leave(world.learner, on=today(now), grants=grants, now=now, actor_id=world.hr)
    back = {"number": world.numbers["learner"], "unit_number": "OB1", "employer": "乙公司"}
    roster_id = rosters.bring_in([back], world.hr)
    assert rosters.lines(roster_id)[world.numbers["learner"]].kind is LineKind.BACK
    login = db.session.get_one(Login, world.learner)
    assert (login.disabled_at, login.password_hash) == (None, None)
    assert db.session.get_one(Person, world.learner).left_on is None
    everybody = rosters.send([back], world.hr, is_all=True)
    leaving = {number for number, line in rosters.lines(everybody).items() if line.kind is LineKind.LEAVING}
    assert not leaving & {world.numbers["hr"], world.numbers["administrator"], world.numbers["learner"]}
    assert world.numbers["trainer"] in leaving
    assert_rows_true()


def test_who_begins_is_enrolled_and_the_sender_is_told(world: World, now: datetime) -> None:
    roster_id = rosters.bring_in([NEW], world.hr)
    for minutes in (1, 10):
        clock.move_to(now + timedelta(minutes=minutes))
        outbox.dispatch_due(now=clock.now())
    new = person_id("N-001")
    said = db.session.scalars(sa.select(AuditEntry.action).where(AuditEntry.stream == f"person:{new}")).all()
    assert said[0] == "person.created"
    assert "course.enrolled" in said
    kinds = set(db.session.scalars(sa.select(Notice.kind).where(Notice.person_id == world.hr)))
    assert kinds == {"roster_checked", "roster_applied"}
    assert db.session.get_one(PersonState, new).due_on is not None
    assert rosters.roster(roster_id).applied_at is not None


def test_what_follows_an_import_is_gone_on_with_where_its_job_was_lost(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster_id = rosters.send([{"number": world.numbers["learner"], "unit_number": "OB1"}], world.hr)
    service.ask_to_apply(roster_id, leaving=0, now=now, actor_id=world.hr)
    with monkeypatch.context() as patch:
        patch.setattr(applying, "_follow", lambda *_given, **_more: 1 // 0)
        (job_id,) = db.session.scalars(sa.select(Job.id).where(Job.state == "queued"))
        jobs.run(job_id)
    assert rosters.roster(roster_id).state is RosterState.APPLIED
    assert service.go_on_with_lost(now=now) == 1
    rosters.work(roster_id)
    assert service.go_on_with_lost(now=now) == 0
    assert_rows_true()
