"""Permits and levels from earlier records: their original dates, marked as such, by two people, and undone."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from tests import roster_factories as rosters
from tests.factories import World
from tests.services.roster.test_people_in import NEW, assert_rows_true, person_id
from tests.services.roster.test_undo import undo, visible
from training_app import clock
from training_app.certifications import queries as levels
from training_app.credentials import door_queries
from training_app.dashboards import story_queries
from training_app.db import db
from training_app.permits import queries as permits
from training_app.permits import service as permit_service
from training_app.permits.ledger_queries import ledger_state
from training_app.permits.models import Permit, PermitEvent
from training_app.permits.permit_rules import DoorAnswer, PermitState
from training_app.roster import applying, service, undoing
from training_app.roster.rules import LineKind
from training_app.roster.state_rules import RosterState
from training_app.status import queries as status
from training_app.status.rules import State

PERMIT = {"former_permit": "SH-0456", "permit_since": "2021-05-10", "permit_until": "2027-05-09",
          "level": "初级服务技师", "level_since": "2023-05-10", "level_until": "2027-05-09"}  # fmt: skip


def by_two(rows: list[dict[str, str]], world: World) -> int:
    roster_id = rosters.send(rows, world.hr)
    assert rosters.figures(roster_id)["faulty"] == 0, rosters.lines(roster_id)
    rosters.apply(roster_id, world.hr2)
    assert rosters.roster(roster_id).state is RosterState.APPLIED
    return roster_id


@pytest.mark.parametrize("any_app", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_a_permit_from_earlier_records_holds_by_its_own_dates_and_is_undone_whole(
    any_app: Flask, world: World, now: datetime
) -> None:
    before, stood = visible(), status.fresh_state(db.session(), world.learner, now)
    here = {"number": world.numbers["learner"], **PERMIT, "permit_since": "2024-03-01"}
    roster_id = rosters.send([NEW | PERMIT, here], world.hr)
    with pytest.raises(service.SecondPerson):
        rosters.apply(roster_id, world.hr)
    rosters.apply(roster_id, world.hr2)
    clock.move_to(now + timedelta(minutes=1))
    new = person_id("N-001")
    for person, since in ((new, date(2021, 5, 10)), (world.learner, date(2024, 3, 1))):
        record = permits.permit_facts(db.session(), person, clock.now())
        assert record is not None
        assert (record.anchor_on, record.state, record.is_earlier) == (since, PermitState.VALID, True)
        ledger = ledger_state(db.session(), person, clock.now())
        assert ledger is not None
        assert (ledger.total, ledger.standing is not None) == (0, True)
        held = levels.held_levels(db.session(), person, clock.now())["service", "junior"]
        assert held.awarded_at is not None
        assert (held.awarded_at.date(), held.is_held(clock.now())) == (date(2023, 5, 9), True)
        snapshot = status.fresh_state(db.session(), person, clock.now())
        assert (snapshot.state, snapshot.level) == (State.VALID, "junior")
        assert door_queries.door(db.session(), record.door_code, clock.now()).answer is DoorAnswer.VALID_TODAY
        facts = [line.facts for line in story_queries.story(db.session(), person, with_exam_time=False)
                 if line.kind == "permit.granted"]  # fmt: skip
        assert [one["former"] for one in facts] == ["SH-0456"]
    assert_rows_true()
    again = rosters.send([NEW | PERMIT, here], world.hr)
    assert rosters.figures(again)["same"] == 2
    assert undo(roster_id, world.hr)
    assert visible() == before
    assert permits.permit_facts(db.session(), world.learner, clock.now()) is None
    after = status.fresh_state(db.session(), world.learner, clock.now())
    assert (after.state, after.levels, after.permit_id) == (stood.state, (), None)
    assert_rows_true()
    by_two([here], world)
    assert permits.permit_facts(db.session(), world.learner, clock.now()) is not None
    assert_rows_true()


@pytest.mark.parametrize(("change", "column"), [
    ({"level": ""}, "level"), ({"permit_until": ""}, "permit_until"), ({"level": "大师"}, "level"),
    ({"permit_until": "2020-01-01"}, "permit_until"), ({"permit_since": "2027-01-01"}, "permit_since"),
    ({"level_until": "2096-01-01"}, "level_until"),
])  # fmt: skip
def test_a_permit_comes_whole_with_its_level_or_not_at_all(world: World, change: dict[str, str], column: str) -> None:
    roster_id = rosters.send([NEW | PERMIT | change], world.hr)
    (line,) = rosters.lines(roster_id).values()
    assert [fault["column"] for fault in line.faults] == [column]


def test_nobody_brings_in_a_permit_of_their_own(world: World) -> None:
    roster_id = rosters.send([{"number": world.numbers["hr"], **PERMIT}], world.hr)
    assert rosters.lines(roster_id)[world.numbers["hr"]].kind is LineKind.FAULTY
    roster_id = rosters.send([{"number": world.numbers["hr2"], **PERMIT}], world.hr)
    service.ask_to_apply(roster_id, leaving=0, now=clock.now(), actor_id=world.hr2)
    rosters.work(roster_id)
    assert rosters.roster(roster_id).state is RosterState.CHECKED
    assert permits.permit_facts(db.session(), world.hr2, clock.now()) is None


def test_a_permit_written_ahead_is_nobodys_and_is_taken_back_with_the_plan(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = applying.bulk.require_unmoved, []

    def late(session: Session, links: applying.bulk.Links) -> None:
        if not calls:
            calls.append(permits.permit_facts(db.session(), world.learner, now))
            calls.append(db.session.scalar(sa.select(sa.func.count()).select_from(Permit)))
            raise applying.bulk.Moved(["person:1"])
        real(session, links)

    monkeypatch.setattr(applying.bulk, "require_unmoved", late)
    roster_id = rosters.send([{"number": world.numbers["learner"], **PERMIT}], world.hr)
    rosters.apply(roster_id, world.hr2)
    assert calls == [None, 1]
    assert rosters.roster(roster_id).problem == "changed_meanwhile"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Permit)) == 0


def test_what_happened_to_a_permit_since_keeps_its_import(world: World, now: datetime) -> None:
    roster_id = by_two([{"number": world.numbers["learner"], **PERMIT}], world)
    permit_service.stop_for_safety(
        world.learner, words="漏气风险", now=clock.now(), actor_id=world.manager, language="zh"
    )
    assert not undo(roster_id, world.hr)
    assert [one.action for one in undoing.blocked(db.session(), roster_id)] == ["permit.interim_stopped"]
    assert db.session.scalar(sa.select(sa.func.count()).where(PermitEvent.kind == "annulled")) == 0
