"""A suspension: in force on service, over by itself, held up by an appeal, and what it clears at its start or end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask

from tests.factories import World
from tests.permits_factories import final, issue, publish_policy, sanctions
from training_app import clock
from training_app.calendar.rules import day_start, legal_day
from training_app.db import db
from training_app.permits import fold_queries, ledger_queries, refusals, service, tasks
from training_app.permits.permit_rules import PermitState
from training_app.permits.sanction_rules import SanctionStatus

ZONE = "Asia/Shanghai"
STAGES = [{"at": 4, "sanction": "talk"}, {"at": 12, "sanction": "suspend", "days": 30}]


@pytest.fixture
def world(world: World, now: datetime) -> World:
    issue(world.learner, now - timedelta(days=30))
    return world


def suspended(world: World, now: datetime, **changes: Any) -> tuple[int, datetime]:
    """Bring the learner to the limit under a policy that suspends for 30 days; return the sanction, and when."""
    publish_policy(world, now, stages=STAGES, **changes)
    _case, at = final(world, now, code="unsafe-work")
    [file] = [one for one in sanctions(world.learner, at) if one.kind.value == "suspend"]
    service.sanctions.decide(
        file.sanction_id, impose=True, words="Clear.", now=at, actor_id=world.hr, language="en"
    )  # fmt: skip
    service.sanctions.confirm(file.sanction_id, now=at, actor_id=world.hr_lead)
    return file.sanction_id, at


def state(world: World, at: datetime) -> PermitState:
    record = fold_queries.find_permit(db.session(), world.learner, at)
    db.session.rollback()
    assert record is not None
    return record.state


def total(world: World, at: datetime) -> int:
    found = ledger_queries.ledger_state(db.session(), world.learner, at)
    db.session.rollback()
    assert found is not None
    return found.total


def status(world: World, sanction_id: int, at: datetime) -> SanctionStatus:
    return next(one.state.status for one in sanctions(world.learner, at) if one.sanction_id == sanction_id)


def test_it_is_in_force_on_service_and_over_by_itself_at_local_midnight(
    any_app: Flask, world: World, now: datetime
) -> None:
    issue(world.learner, now - timedelta(days=30))
    sanction_id, at = suspended(world, now)
    over = day_start(legal_day(at, ZONE) + timedelta(days=30), ZONE)
    assert state(world, at) is PermitState.SUSPENDED
    assert state(world, over - timedelta(seconds=1)) is PermitState.SUSPENDED
    assert state(world, over) is PermitState.VALID, "no sweeper has been by"
    assert tasks.end_suspensions(over - timedelta(seconds=1)) == 0
    assert tasks.end_suspensions(over + timedelta(days=3)) == 1
    assert tasks.end_suspensions(over + timedelta(days=3)) == 0
    assert status(world, sanction_id, over + timedelta(days=3)) is SanctionStatus.ENDED


@pytest.mark.parametrize(("after", "during", "at_end"), [("never", 12, 12), ("start", 0, 0), ("end", 12, 0)])
def test_points_are_cleared_when_the_policy_says_so(
    world: World, now: datetime, after: str, during: int, at_end: int
) -> None:
    _id, at = suspended(world, now, after_sanction=after)
    over = day_start(legal_day(at, ZONE) + timedelta(days=30), ZONE)
    assert total(world, at + timedelta(minutes=1)) == during
    tasks.end_suspensions(over + timedelta(days=2))
    assert total(world, over + timedelta(days=2)) == at_end


@pytest.mark.parametrize(("gap", "left"), [("count_after", 3), ("cleared", 0)])
def test_points_of_the_time_between_stay_or_go_as_the_policy_says(
    world: World, now: datetime, gap: str, left: int
) -> None:
    _id, at = suspended(world, now, after_sanction="end", gap_points=gap)
    clock.move_to(at)
    _case, later = final(world, at, code="promise-broken")
    over = day_start(legal_day(at, ZONE) + timedelta(days=30), ZONE)
    assert later < over
    tasks.end_suspensions(over)
    assert total(world, over) == left


def test_an_appeal_holds_it_up_and_only_the_days_left_come_afterwards(world: World, now: datetime) -> None:
    """Invariants 16 and 18: who loses the appeal is suspended for as many days as who never appealed."""
    sanction_id, at = suspended(world, now, after_sanction="start")
    appealed = at + timedelta(days=2)
    service.sanctions.appeal(sanction_id, words="Look.", now=appealed, actor_id=world.learner, language="en")
    assert (state(world, appealed), total(world, appealed)) == (PermitState.VALID, 12)
    resumed = at + timedelta(days=9)
    service.sanctions.resolve(
        sanction_id, uphold=True, words="Seen.", now=resumed, actor_id=world.hr2, language="en"
    )  # fmt: skip
    assert (state(world, resumed), total(world, resumed)) == (PermitState.SUSPENDED, 0)
    over = day_start(legal_day(resumed, ZONE) + timedelta(days=28), ZONE)
    assert state(world, over - timedelta(seconds=1)) is PermitState.SUSPENDED
    assert tasks.end_suspensions(over) == 1
    assert state(world, over) is PermitState.VALID


def test_an_appeal_won_restores_permit_and_points_and_nothing_else(world: World, now: datetime) -> None:
    """Invariant 17."""
    sanction_id, at = suspended(world, now, after_sanction="start")
    service.sanctions.appeal(sanction_id, words="Look.", now=at, actor_id=world.learner, language="en")
    service.sanctions.resolve(sanction_id, uphold=False, words="Right.", now=at, actor_id=world.hr2, language="en")
    assert (state(world, at), total(world, at)) == (PermitState.VALID, 12)
    assert [one.state.status for one in sanctions(world.learner, at)] == [SanctionStatus.ANNULLED]
    assert tasks.end_suspensions(at + timedelta(days=60)) == 0


def test_one_that_was_an_error_is_annulled_with_its_clear_and_proposed_anew(world: World, now: datetime) -> None:
    sanction_id, at = suspended(world, now, after_sanction="start")
    service.annul_sanction(sanction_id, words="Wrong file.", now=at, actor_id=world.hr2, language="en")
    assert (state(world, at), total(world, at)) == (PermitState.VALID, 12)
    assert [one.state.status for one in sanctions(world.learner, at)] == [
        SanctionStatus.ANNULLED,
        SanctionStatus.PROPOSED,
    ]


def test_two_rewards_lie_as_far_apart_as_the_policy_asks(world: World, now: datetime) -> None:
    merit = {"routes": {"online": 1, "class": 2, "service": 1}, "cap": 6, "below_limit_only": True}
    publish_policy(world, now, merit={**merit, "minimum_gap_days": 30})
    final(world, now, code="unauthorised-charge")
    at = now + timedelta(days=40)
    achieved = at - timedelta(days=1)

    def reward(day: datetime, token: str) -> int:
        return service.reward(
            world.learner, code="customer-delight", achieved_at=day, words="A letter.", token=token, now=at,
            actor_id=world.hr, language="en",
        )  # fmt: skip

    assert reward(achieved, "a") == 1
    with pytest.raises(refusals.TooSoon):
        reward(achieved - timedelta(days=29), "b")
    assert reward(achieved - timedelta(days=30), "c") == 1
