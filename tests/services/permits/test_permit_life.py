"""Issuing a permit, and stopping it for safety."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask

from tests.factories import World
from tests.permits_factories import issue
from training_app.db import db
from training_app.permits import queries
from training_app.permits.number_rules import find_permit_number
from training_app.permits.permit_rules import DoorAnswer, PermitState


def test_a_permit_is_issued_once_with_number_code_zone_and_anchor(any_app: Flask, world: World, now: datetime) -> None:
    permit_id = issue(world.learner, now, actor_id=world.certifier)
    assert issue(world.learner, now + timedelta(days=1)) == permit_id
    record = queries.permit_facts(db.session(), world.learner, now)
    assert record is not None
    assert record.permit_id == permit_id
    assert find_permit_number(record.number.replace("-", " ").lower()) == record.number
    assert len(record.door_code) == 43
    assert (record.zone, record.anchor_on.isoformat()) == ("Asia/Shanghai", "2026-11-23")
    assert record.state is PermitState.VALID
    assert record.facts.valid_until == datetime(2027, 11, 22, 16, tzinfo=UTC)
    assert [row.kind for row in queries.story(db.session(), world.learner)] == ["permit.granted"]


def test_a_lapsed_permit_is_granted_anew_with_its_old_number_and_anchor(world: World, now: datetime) -> None:
    permit_id = issue(world.learner, now)
    later = now + timedelta(days=500)
    before = queries.permit_facts(db.session(), world.learner, later)
    assert before is not None
    assert before.state is PermitState.LAPSED
    assert issue(world.learner, later) == permit_id
    after = queries.permit_facts(db.session(), world.learner, later)
    assert after is not None
    assert after.state is PermitState.VALID
    assert (after.number, after.anchor_on) == (before.number, before.anchor_on)


def test_the_door_answers_by_code_and_by_number_and_knows_no_other(world: World, now: datetime) -> None:
    issue(world.learner, now)
    record = queries.permit_facts(db.session(), world.learner, now)
    assert record is not None
    by_code = queries.door(db.session(), record.door_code, now)
    by_number = queries.door_by_number(db.session(), record.number, now)
    assert by_code is not None
    assert by_code.answer is DoorAnswer.VALID_TODAY
    assert by_number is not None
    assert by_number.person_id == world.learner
    assert queries.door(db.session(), record.door_code[:-1] + "~", now) is None
    wrong = str((int(record.number[-1]) + 1) % 10)
    assert queries.door_by_number(db.session(), record.number[:-1] + wrong, now) is None


def test_a_new_permit_has_all_its_points_and_no_case(world: World, now: datetime) -> None:
    issue(world.learner, now)
    ledger = queries.ledger_state(db.session(), world.learner, now)
    assert ledger is not None
    assert (ledger.limit, ledger.total, ledger.left, ledger.returns_at) == (12, 0, 12, None)
    assert queries.open_cases(db.session(), world.learner, now) == []
    assert queries.permit_facts(db.session(), world.learner2, now) is None
    assert queries.ledger_state(db.session(), world.learner2, now) is None
