"""Ended facts: what held on a day, and what was known of it then, both stay readable."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from training_app.access.models import RoleGrant
from training_app.access.rules import Grant
from training_app.accounts import people_queries, people_service, queries, units_service
from training_app.accounts import service as accounts
from training_app.accounts.models import Assignment
from training_app.db import db

ALL = (Grant("settings.edit", None, "x"), Grant("role.grant", None, "administrator"))


def _main_known_at(person_id: int, on: date, known_at: datetime) -> list[int]:
    """Return the units of the main assignments that held on a day, as they were known at an instant."""
    db.session.rollback()
    rows = sa.select(Assignment.unit_id).where(
        Assignment.person_id == person_id,
        Assignment.recorded_at <= known_at,
        sa.or_(Assignment.superseded_at.is_(None), Assignment.superseded_at > known_at),
        Assignment.valid_from <= on,
        sa.or_(Assignment.valid_to.is_(None), Assignment.valid_to > on),
    )
    return list(db.session.scalars(rows))


def test_a_move_changes_no_earlier_answer_and_one_main_assignment_holds_on_every_day(
    any_app: Flask, world: World, now: datetime
) -> None:
    later = now + timedelta(days=40)
    here, there, third = (world.units[name] for name in ("outlet_a", "outlet_b", "centre_a"))
    moved_on = later.date() - timedelta(days=10)
    accounts.move_person(world.learner, unit_id=there, employer="甲", on=moved_on, now=later, actor_id=world.hr)
    for day in (moved_on, later.date()):
        assert _main_known_at(world.learner, day, later - timedelta(days=1)) == [here]  # nobody knew yet
        assert _main_known_at(world.learner, day, later) == [there]
    assert _main_known_at(world.learner, moved_on - timedelta(days=1), later) == [here]
    # A move back in time takes the place of the one after it: the days are never held twice.
    at = later + timedelta(days=1)
    again_on = moved_on - timedelta(days=5)
    accounts.move_person(world.learner, unit_id=third, employer="乙", on=again_on, now=at, actor_id=world.hr)
    for ahead in range(-7, 20):
        day = moved_on + timedelta(days=ahead)
        assert _main_known_at(world.learner, day, at) == [third if day >= again_on else here]
    assert queries.main_unit(db.session(), world.learner, at.date()) == third


def test_an_ended_role_stays_readable_for_the_days_on_which_it_was_held(
    any_app: Flask, world: World, now: datetime
) -> None:
    later = now + timedelta(days=30)
    grant = sa.select(RoleGrant.id).where(RoleGrant.person_id == world.trainer, RoleGrant.role == "trainer")
    grant_id = db.session.scalars(grant).one()
    db.session.rollback()
    people_service.end_role(grant_id, grants=ALL, now=later, actor_id=world.administrator)
    rows = db.session.execute(
        sa.select(RoleGrant.valid_to, RoleGrant.superseded_at, RoleGrant.superseded_by)
        .where(RoleGrant.person_id == world.trainer, RoleGrant.role == "trainer")
        .order_by(RoleGrant.id)
    ).all()
    assert rows == [(None, later, world.administrator), (later.date(), None, None)]


def test_who_approves_a_role_changes_nothing_about_what_was_known_before(
    any_app: Flask, world: World, now: datetime
) -> None:
    approver = world.add("administrator2", "沈管理", "hq", now, roles=("administrator",))
    asked_at, approved_at = now + timedelta(days=1), now + timedelta(days=3)
    people_service.request_role(
        world.hr2, role="administrator", unit_id=None, grants=ALL, now=asked_at, actor_id=world.administrator
    )
    (asked,) = people_queries.pending_roles(db.session(), asked_at.date())
    db.session.rollback()
    people_service.approve_role(asked.grant_id, grants=ALL, now=approved_at, actor_id=approver)
    rows = db.session.execute(
        sa.select(
            RoleGrant.recorded_at, RoleGrant.superseded_at, RoleGrant.superseded_by, RoleGrant.valid_from,
            RoleGrant.granted_by, RoleGrant.approved_by,
        )
        .where(RoleGrant.person_id == world.hr2, RoleGrant.role == "administrator")
        .order_by(RoleGrant.id)
    ).all()  # fmt: skip
    assert rows == [
        (asked_at, approved_at, approver, asked_at.date(), world.administrator, None),
        (approved_at, None, None, approved_at.date(), world.administrator, approver),
    ]
    db.session.rollback()
    with pytest.raises(people_service.NotPending):
        people_service.approve_role(asked.grant_id, grants=ALL, now=approved_at, actor_id=approver)


def test_a_renamed_unit_keeps_its_old_name_for_the_old_days(any_app: Flask, world: World, now: datetime) -> None:
    later = now + timedelta(days=30)
    unit = world.units["outlet_a"]
    units_service.rename_unit(
        unit, name="新名", name_latin=None, type=accounts.UnitType.OUTLET, stars=0, grants=ALL, now=later,
        actor_id=world.hr,
    )  # fmt: skip
    names = [
        next(row.name for row in queries.units(db.session(), day) if row.unit_id == unit)
        for day in (now.date(), later.date())
    ]
    assert names == ["单位 OA1", "新名"]
