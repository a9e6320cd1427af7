"""Training slips: given with a final case, done by reading, carried on while open; study wins points back by itself."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from tests.certifications_factories import settle
from tests.courses_factories import finish
from tests.factories import World
from tests.permits_factories import final, issue, publish_policy
from training_app import clock
from training_app.calendar.rules import legal_day
from training_app.courses.queries import lesson_places
from training_app.db import db
from training_app.permits import ledger_queries, refusals, service, slip_queries
from training_app.permits.slip_rules import SlipState

ZONE = "Asia/Shanghai"


@pytest.fixture
def world(world: World, now: datetime) -> World:
    issue(world.learner, now - timedelta(days=30))
    return world


def states(world: World, at: datetime) -> list[SlipState]:
    found = [row.state for row in slip_queries.slips(db.session(), world.learner, legal_day(at, ZONE))]
    db.session.rollback()
    return found


def total(world: World, at: datetime) -> int:
    found = ledger_queries.ledger_state(db.session(), world.learner, at)
    db.session.rollback()
    assert found is not None
    return found.total


LESSON = "promises-that-hold"


def test_a_final_case_gives_the_lesson_that_mends_it_once(any_app: Flask, world: World, now: datetime) -> None:
    issue(world.learner, now - timedelta(days=30))
    _case, at = final(world, now, code="promise-broken")
    [row] = slip_queries.slips(db.session(), world.learner, legal_day(at, ZONE))
    db.session.rollback()
    assert (row.slip.lesson_key, row.state) == (LESSON, SlipState.OPEN)
    assert row.slip.due_on == legal_day(row.slip.given_at, ZONE) + timedelta(days=14)
    settle(at)
    finish(world.learner, LESSON, at + timedelta(hours=1), course_of(at))
    assert states(world, at + timedelta(hours=1)) == [SlipState.DONE]


def test_what_was_read_before_the_case_has_to_be_read_again(world: World, now: datetime) -> None:
    finish(world.learner, LESSON, now - timedelta(days=5), course_of(now))
    _case, at = final(world, now, code="promise-broken")
    assert states(world, at) == [SlipState.OPEN]
    finish(world.learner, LESSON, at + timedelta(hours=1), course_of(at))
    assert states(world, at + timedelta(hours=1)) == [SlipState.DONE]


@pytest.mark.parametrize(("is_read", "points"), [(False, 3), (True, 0)])
def test_points_go_on_into_the_next_points_year_while_the_slip_is_open(
    world: World, now: datetime, is_read: bool, points: int
) -> None:
    """Invariant 22, as written."""
    _case, at = final(world, now, code="promise-broken")
    if is_read:
        finish(world.learner, LESSON, at + timedelta(days=1), course_of(at))
    year_over = now - timedelta(days=30) + timedelta(days=366)
    assert total(world, at + timedelta(days=2)) == 3
    assert total(world, year_over) == points


def test_the_slip_of_a_case_that_is_opened_again_asks_for_nothing(world: World, now: datetime) -> None:
    case_id, at = final(world, now, code="promise-broken")
    service.cases.reopen(
        case_id, words=service.Words("New photos.", "en"), picture=None, now=at, actor_id=world.hr_lead
    )
    assert states(world, at) == [SlipState.VOID]


def test_study_wins_a_point_back_by_itself_and_only_once(any_app: Flask, world: World, now: datetime) -> None:
    issue(world.learner, now - timedelta(days=30))
    _case, at = final(world, now, code="promise-broken")
    clock.move_to(at)
    first = service.slips.begin_study(world.learner, lesson_key=LESSON, token="a", now=at)
    assert service.slips.begin_study(world.learner, lesson_key=LESSON, token="a", now=at) == first
    with pytest.raises(refusals.StudyOpen):
        service.slips.begin_study(world.learner, lesson_key=LESSON, token="b", now=at)
    later = at + timedelta(hours=1)
    clock.move_to(later)
    finish(world.learner, LESSON, later, course_of(at))
    settle(later)
    service.slips.follow_slips(world.learner, now=later)
    assert total(world, later + timedelta(minutes=1)) == 2
    assert service.slips.begin_study(world.learner, lesson_key=LESSON, token="b", now=later) != first


def test_what_wins_nothing_back_cannot_be_studied(world: World, now: datetime) -> None:
    with pytest.raises(refusals.NoStudy):
        service.slips.begin_study(world.learner, lesson_key=LESSON, token="a", now=now)
    _case, at = final(world, now, code="promise-broken")
    with pytest.raises(refusals.NoStudy):
        service.slips.begin_study(world.learner, lesson_key="danger-first", token="b", now=at)


def test_points_that_cannot_be_won_back_and_gaps_are_refused(world: World, now: datetime) -> None:
    merit = {"routes": {"online": 1, "class": 2, "service": 1}, "cap": 6, "below_limit_only": True}
    publish_policy(world, now, merit={**merit, "exclusions": ["promise-broken"], "minimum_gap_days": 10})
    _case, at = final(world, now, code="promise-broken")
    with pytest.raises(refusals.NoStudy):
        service.slips.begin_study(world.learner, lesson_key=LESSON, token="a", now=at)


def test_nobody_records_study_by_hand(world: World, now: datetime) -> None:
    with pytest.raises(refusals.CodeUnknown):
        service.reward(
            world.learner, code="study", achieved_at=now, words="Read it.", token="x", now=now, actor_id=world.hr,
            language="en",
        )  # fmt: skip


def course_of(at: datetime) -> str:
    """Return the course that has the lesson."""
    place = lesson_places(db.session(), legal_day(at, ZONE))[LESSON]
    db.session.rollback()
    return place.course_key
