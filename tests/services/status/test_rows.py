"""Rows of people: written with the change, derived by date, folded when stale, rebuilt and compared."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Flask

from tests import certifications_factories as make
from tests.factories import World
from tests.statements import statements
from training_app.access.models import PersonInUnit, RoleGrant
from training_app.accounts import service as accounts
from training_app.dashboards import people_queries
from training_app.dashboards.people_rules import GROUPS
from training_app.db import db, transaction
from training_app.permits.permit_rules import PermitEventKind
from training_app.status import condition_queries, queries, rules, service
from training_app.status.models import PersonState
from training_app.status.rules import Facts, State
from training_app.sweeping import sweep


def state(person_id: int, now: datetime) -> State:
    return queries.fresh_state(db.session(), person_id, now).state


def in_state(one: State, now: datetime) -> set[int]:
    condition = people_queries.in_states([one], people_queries.stale_states(db.session(), now))
    return set(db.session.scalars(sa.select(PersonState.person_id).where(condition), {"now": now}))


def test_a_row_is_created_with_the_person(world: World) -> None:
    rows = db.session.scalars(sa.select(PersonState.person_id)).all()
    assert set(rows) == set(world.people.values())
    assert db.session.get_one(PersonState, world.learner).pre_permit == "applied"
    assert db.session.get_one(PersonState, world.hr).pre_permit is None


def test_a_role_given_or_ended_shows_in_the_row_at_once(world: World, now: datetime) -> None:
    accounts.grant_role(world.hr, role="learner", unit_id=world.units["hq"], now=now, actor_id=None)
    assert in_state(State.APPLIED, now) >= {world.hr}
    newest = sa.select(sa.func.max(RoleGrant.id)).where(RoleGrant.person_id == world.hr)
    accounts.end_role(db.session.scalars(newest).one(), now=now, actor_id=None)
    assert world.hr not in in_state(State.APPLIED, now)
    assert service.rebuild(clock=lambda: now) == []


def test_who_becomes_a_learner_by_a_role_is_enrolled(world: World, now: datetime) -> None:
    make.settle(now)
    later = now + timedelta(hours=1)
    accounts.grant_role(world.hr, role="learner", unit_id=world.units["hq"], now=later, actor_id=None)
    make.settle(later)
    assert db.session.get_one(PersonState, world.hr).due_on is not None


def test_each_step_on_the_way_shows_in_the_row_at_once(world: World, now: datetime) -> None:
    seen = []
    for step in (
        lambda: make.learn(world.learner, now),
        lambda: make.pass_quizzes(world.learner, now),
        lambda: make.pass_exam(world.learner, now, examiner=world.examiner),
        lambda: [make.play(world.learner, drill, now, rater=world.trainer) for drill in make.DRILLS],
        lambda: make.award(world, "learner", now=now),
    ):
        step()
        seen.append(queries.stored(db.session(), [world.learner])[world.learner].state)
    assert seen == [State.TRAINING, State.EXAMINABLE, State.EXAMINABLE, State.PASSED, State.VALID]


def test_the_row_carries_the_last_day_and_what_is_missing(world: World, now: datetime) -> None:
    make.settle(now)
    row = db.session.get_one(PersonState, world.learner)
    assert row.due_on is not None
    assert row.due_on.isoformat() == "2026-12-23"
    assert "missing:exam-onboarding" in row.reasons


def test_a_late_sweeper_never_makes_anybody_valid(any_app: Flask, world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    for days, expected in (
        (1, State.VALID),
        (340, State.RENEWAL_OPEN),
        (366, State.GRACE),
        (400, State.LAPSED),
    ):
        later = now + timedelta(days=days)
        assert state(world.learner, later) is expected
        assert [one for one in State if world.learner in in_state(one, later)] == [expected]


def test_a_stop_that_ends_by_itself_is_over_without_a_sweeper(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    until = now + timedelta(days=14)
    make.tell_permit(world.learner, PermitEventKind.INTERIM_STOPPED, now, until=until.isoformat())
    assert state(world.learner, now) is State.SUSPENDED
    assert in_state(State.VALID, now) == set()
    assert state(world.learner, until) is State.VALID
    assert in_state(State.VALID, until) == {world.learner}


def test_the_sweeper_folds_whose_day_has_come(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    later = now + timedelta(days=400)
    assert queries.due(db.session(), later, 10) == [world.learner]
    assert sweep(now=later)["status"] == 1
    assert queries.due(db.session(), later, 10) == []
    row = queries.stored(db.session(), [world.learner])[world.learner]
    assert row.state is State.LAPSED
    assert not row.levels[0].exercisable


def test_the_sweeper_opens_the_exam_of_a_renewal(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    make.renew_permit(world.learner, now + timedelta(days=350))
    make.settle(now + timedelta(days=350))
    later = now + timedelta(days=645)
    sweep(now=later)
    make.settle(later)
    admissions = db.session.execute(sa.text("SELECT reason FROM admission WHERE person_id = :p"), {"p": world.learner})
    assert "renewal" in {row.reason for row in admissions}


def test_an_assignment_that_begins_on_a_day_moves_the_person_on_that_day(world: World, now: datetime) -> None:
    tomorrow = accounts.today(now) + timedelta(days=1)
    accounts.move_person(
        world.learner, unit_id=world.units["outlet_b"], employer="x", on=tomorrow, now=now, actor_id=world.hr
    )

    def units() -> set[int]:
        return set(
            db.session.scalars(sa.select(PersonInUnit.ancestor_unit_id).where(PersonInUnit.person_id == world.learner))
        )

    assert world.units["outlet_a"] in units()
    assert service.refresh_memberships(now=now) == 0
    assert service.refresh_memberships(now=now + timedelta(days=1)) == 1
    db.session.rollback()
    assert world.units["outlet_b"] in units()
    assert world.units["outlet_a"] not in units()
    assert service.refresh_memberships(now=now + timedelta(days=1)) == 0


def test_an_assignment_that_began_while_nobody_swept_moves_the_person_afterwards(world: World, now: datetime) -> None:
    service.refresh_memberships(now=now)
    accounts.move_person(
        world.learner, unit_id=world.units["outlet_b"], employer="x", on=accounts.today(now) + timedelta(days=1),
        now=now, actor_id=world.hr,
    )  # fmt: skip
    late = now + timedelta(days=60)
    assert service.refresh_memberships(now=late) == 1
    assert service.refresh_memberships(now=late) == 0
    placed = db.session.scalars(sa.select(PersonInUnit.ancestor_unit_id).where(PersonInUnit.person_id == world.learner))
    assert world.units["outlet_b"] in set(placed)


def test_a_move_to_the_unit_above_leaves_no_row_of_the_one_below(world: World, now: datetime) -> None:
    on = accounts.today(now) + timedelta(days=1)
    accounts.move_person(
        world.learner, unit_id=world.units["centre_a"], employer="x", on=on, now=now, actor_id=world.hr
    )
    service.refresh_memberships(now=now + timedelta(days=1))
    placed = db.session.scalars(sa.select(PersonInUnit.ancestor_unit_id).where(PersonInUnit.person_id == world.learner))
    assert set(placed) == {world.units[name] for name in ("centre_a", "region_a", "hq")}


def test_a_rebuild_finds_true_rows_true(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    make.settle(now)
    assert service.rebuild(clock=lambda: now) == []


def test_a_rebuild_names_and_mends_what_was_changed_behind_its_back(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    make.settle(now)
    with transaction() as session:
        session.execute(sa.update(PersonState).where(PersonState.person_id == world.learner).values(points=3))
        session.execute(sa.delete(PersonState).where(PersonState.person_id == world.learner2))
    found = {(one.person_id, one.field, one.stored) for one in service.rebuild(clock=lambda: now)}
    assert found == {(world.learner, "points", 3), (world.learner2, "row", None)}
    assert service.rebuild(clock=lambda: now) == []


DATES = [name for name in (field.name for field in fields(Facts)) if name != "pre_permit"]


def random_facts(dice: random.Random, now: datetime) -> Facts:
    """Return dates around `now`, on it included, in every mixture."""
    values = {
        name: None if dice.random() < 0.35 else now + timedelta(days=dice.choice([-3, -1, 0, 1, 3])) for name in DATES
    }
    before = dice.choice([None, "applied", "training", "examinable", "passed"])
    return replace(Facts(pre_permit=before), **values)  # type: ignore[arg-type]


def test_the_condition_in_sql_says_what_the_rule_says_of_the_same_dates(
    any_app: Flask, world: World, now: datetime
) -> None:
    people = sorted(world.people.values())
    dice = random.Random(20261123)
    for _ in range(60):
        rows = {person_id: random_facts(dice, now) for person_id in people}
        with transaction() as session:
            for person_id, facts in rows.items():
                values = {name: getattr(facts, name) for name in (*DATES, "pre_permit")}
                session.execute(sa.update(PersonState).where(PersonState.person_id == person_id).values(**values))
        groups = (frozenset({one}) for one in State)
        for states in (*groups, *GROUPS.values(), frozenset({State.NONE, State.VALID, State.APPLIED})):
            condition = condition_queries.of_states(states)
            found = set(db.session.scalars(sa.select(PersonState.person_id).where(condition), {"now": now}))
            expected = {
                person_id
                for person_id, facts in rows.items()
                if not rules.is_stale(facts.next_change_at, now) and rules.state_at(facts, now) in states
            }
            assert found == expected, states
        db.session.rollback()


def test_reading_many_fresh_people_takes_three_queries(world: World, now: datetime) -> None:
    people = list(world.people.values())
    with statements() as seen:
        found = queries.fresh_states(db.session(), people, now)
    assert set(found) == set(people)
    assert len(seen) == 3, seen
