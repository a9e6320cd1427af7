"""Courses, exams, role-plays and the clocks of cases are reminded of on their days, once, whatever is killed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import certifications_factories as certified
from tests import courses_factories as learning
from tests import permits_factories as permits
from tests.exams_factories import admit
from tests.factories import World
from tests.licences_factories import licence
from tests.roleplay_factories import Scene
from training_app.accounts import service as accounts
from training_app.accounts.locks import lock_person
from training_app.courses import service as courses
from training_app.courses.rules import Reason
from training_app.db import db, transaction
from training_app.exams import service as exams
from training_app.exams import sittings
from training_app.notices import reminder_queries, reminding
from training_app.notices.models import ReminderDay
from training_app.outbox.models import OutboxMessage
from training_app.permits import service
from training_app.roleplay import improvement_service
from training_app.roleplay.improvement_rules import Goal
from training_app.sweeping import sweep


def told(*kinds: str) -> list[tuple[int, str]]:
    """Return (person, kind) of the notices of these kinds, in the order of their writing."""
    db.session.rollback()
    bodies = db.session.scalars(
        sa.select(OutboxMessage.body).where(OutboxMessage.topic == "notice").order_by(OutboxMessage.id)
    )
    return [(body["person"], body["kind"]) for body in bodies if body["kind"] in kinds]


def enrol(person_id: int, course: str, due: datetime, now: datetime) -> None:
    with transaction():
        courses.enrol(
            lock_person(person_id, now=now), course, reason=Reason.ASSIGNED, due_on=due.date(), now=now, actor_id=None
        )


def test_a_learner_is_reminded_of_courses_before_their_last_day_and_the_manager_once_it_has_passed(
    any_app: Flask, world: World, now: datetime
) -> None:
    due = now + timedelta(days=40)
    for course in ("communication", "service-etiquette"):
        enrol(world.learner, course, due, now)
    for days in (8, 7, 7, 2, 1, 0):
        sweep(now=due - timedelta(days=days))
    assert told("courses_due", "courses_overdue") == [(world.learner, "courses_due")] * 2
    for days in (1, 2, 3):
        sweep(now=due + timedelta(days=days))
    assert told("courses_overdue", "courses_overdue_managed") == [
        (world.learner, "courses_overdue"), (world.manager, "courses_overdue_managed"),
    ]  # fmt: skip


def test_a_finished_course_and_somebody_who_left_are_reminded_of_nothing(
    any_app: Flask, world: World, now: datetime
) -> None:
    due = now + timedelta(days=6)
    enrol(world.learner, learning.COURSE, due, now)
    enrol(world.learner2, learning.COURSE, due, now)
    learning.finish_course(world.learner, now)
    accounts.deactivate_person(world.learner2, on=now.date(), now=now, actor_id=world.hr)
    sweep(now=now + timedelta(days=1))
    assert world.learner not in [person for person, _kind in told("courses_due")]
    assert world.learner2 not in [person for person, _kind in told("courses_due", "courses_overdue")]


def test_a_seat_is_told_at_once_and_reminded_of_three_days_and_one_day_before(
    any_app: Flask, world: World, now: datetime
) -> None:
    opens = now + timedelta(days=10)
    admit(world, now)
    sitting = sittings.create_sitting(
        "onboarding", unit_id=world.units["outlet_a"], room="2", opens_at=opens, closes_at=opens + timedelta(hours=3),
        now=now, actor_id=world.examiner,
    )  # fmt: skip
    sittings.seat_person(sitting, world.learner, now=now, actor_id=world.examiner)
    assert told("exam_seated") == [(world.learner, "exam_seated")]
    for days in (9, 3, 3, 2, 1, 0):
        sweep(now=opens - timedelta(days=days))
    assert told("exam_soon") == [(world.learner, "exam_soon")] * 2


def test_a_seat_in_a_room_that_is_open_needs_no_notice(any_app: Flask, world: World, now: datetime) -> None:
    admit(world, now)
    sitting = sittings.create_sitting(
        "onboarding", unit_id=world.units["outlet_a"], room=None, opens_at=now, closes_at=now + timedelta(hours=3),
        now=now, actor_id=world.examiner,
    )  # fmt: skip
    sittings.seat_person(sitting, world.learner, now=now, actor_id=world.examiner)
    assert exams.start_attempt(world.learner, "onboarding", now=now)
    assert told("exam_seated") == []


def test_everybody_in_a_role_play_is_reminded_of_it_and_of_no_cancelled_one(
    any_app: Flask, world: World, now: datetime
) -> None:
    Scene.plan(world, now + timedelta(days=5))
    sweep(now=now + timedelta(days=4))
    sweep(now=now + timedelta(days=4, hours=1))
    expected = sorted([world.learner, world.learner2, world.trainer])
    assert [person for person, _kind in told("roleplay_soon")] == expected


def test_a_leader_who_has_left_is_reminded_of_no_role_play_and_everybody_else_is(
    any_app: Flask, world: World, now: datetime
) -> None:
    Scene.plan(world, now + timedelta(days=5))
    accounts.deactivate_person(world.trainer, on=now.date(), now=now, actor_id=world.hr)
    sweep(now=now + timedelta(days=4))
    assert [person for person, _kind in told("roleplay_soon")] == sorted([world.learner, world.learner2])


def test_who_has_left_is_reminded_of_no_case(any_app: Flask, world: World, now: datetime) -> None:
    certified.certify(world, "learner", now)
    now += timedelta(days=3)
    until = permits.case(permits.noticed(world, now), now).state.answer_until
    assert until is not None
    accounts.deactivate_person(world.learner, on=now.date(), now=now, actor_id=world.hr)
    for days in (4, 2, 1):
        sweep(now=until - timedelta(days=days, minutes=1))
    assert told("case_answer_soon", "case_appeal_soon") == []


def test_the_clocks_to_answer_and_to_contest_are_reminded_of_before_they_end(
    any_app: Flask, world: World, now: datetime
) -> None:
    certified.certify(world, "learner", now)
    now += timedelta(days=3)
    noticed = permits.noticed(world, now)
    until = permits.case(noticed, now).state.answer_until
    assert until is not None
    for days in (4, 2, 1):
        sweep(now=until - timedelta(days=days, minutes=1))
    assert told("case_answer_soon", "case_appeal_soon") == [(world.learner, "case_answer_soon")]


def test_the_time_to_contest_a_decision_is_reminded_of(any_app: Flask, world: World, now: datetime) -> None:
    certified.certify(world, "learner", now)
    now += timedelta(days=3)
    decided = permits.decided(world, now)
    until = permits.case(decided, now).state.appeal_until
    assert until is not None
    for days in (4, 2, 1):
        sweep(now=until - timedelta(days=days, minutes=1))
    assert told("case_answer_soon", "case_appeal_soon") == [(world.learner, "case_appeal_soon")]


@pytest.mark.parametrize("then", ["", "contests", "leaves"])
def test_the_time_to_contest_a_sanction_is_reminded_of_unless_it_was_contested(
    any_app: Flask, world: World, now: datetime, then: str
) -> None:
    certified.certify(world, "learner", now)
    sanction_id, at = permits.revoked(world, now + timedelta(days=3))
    (file,) = permits.sanctions(world.learner, at)
    until = file.state.appeal_until
    assert until is not None
    if then == "contests":
        service.sanctions.appeal(sanction_id, words="Not so.", now=at, actor_id=world.learner, language="en")
    if then == "leaves":
        accounts.deactivate_person(world.learner, on=at.date(), now=at, actor_id=world.hr)
    for days in (4, 2, 1):
        sweep(now=until - timedelta(days=days, minutes=1))
    assert told("sanction_appeal_soon") == ([] if then else [(world.learner, "sanction_appeal_soon")])


def test_holder_and_manager_are_reminded_of_a_state_licence_before_it_ends_unless_a_new_one_is_recorded(
    any_app: Flask, world: World, now: datetime
) -> None:
    last = (now + timedelta(days=61)).date()
    licence(world, world.learner, now, until=last)
    licence(world, world.learner2, now, until=last)
    licence(world, world.learner2, now, until=last + timedelta(days=900), number="T3302")
    for days in (61, 60, 59, 30, 7, 6, 1):
        sweep(now=now + timedelta(days=61 - days))
    pair = [(world.learner, "licence_expires"), (world.manager, "licence_expires_managed")]
    assert told("licence_expires", "licence_expires_managed") == pair * 3


def test_a_portion_that_was_cut_off_is_taken_up_where_it_ended_and_tells_nobody_twice(
    any_app: Flask, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = now + timedelta(days=41)
    for person in (world.learner, world.learner2, world.trainer):
        enrol(person, "communication", due, now)
    at = due - timedelta(days=5)
    assert reminding.remind_due(now=at, limit=1) == 1
    assert reminding.remind_due(now=at, limit=1) == 1
    with monkeypatch.context() as broken:
        broken.setitem(reminder_queries.SOURCES, "courses", _fails)  # type: ignore[arg-type]
        with pytest.raises(RuntimeError):
            reminding.remind_due(now=at, limit=1)
    with transaction() as session:  # a copy of the data was brought back: the reading begins anew
        session.execute(sa.delete(ReminderDay))
    while reminding.remind_due(now=at, limit=2) or db.session.scalar(
        sa.select(ReminderDay.through).where(ReminderDay.source == "courses")
    ):
        db.session.rollback()
    assert sorted(told("courses_due")) == sorted(
        (person, "courses_due") for person in (world.learner, world.learner2, world.trainer)
    )


def _fails(*_all: object) -> None:
    raise RuntimeError("cut off")


def test_a_plan_that_is_asked_for_is_reminded_of_until_it_is_handed_in(
    any_app: Flask, world: World, now: datetime
) -> None:
    scene = Scene.started(world, now)
    scene.scored("trainer", level=2, grade=2)  # asked for within seven days
    for days in (3, 4, 4, 5):
        sweep(now=now + timedelta(days=days))
    assert told("plan_due") == [(world.learner, "plan_due")]
    by = (now + timedelta(days=20)).date()
    goals = [Goal(criterion="listening", aim="看得见", steps="每天", by=by)] * 3
    improvement_service.hand_in(
        scene.public_id, world.learner, goals=goals, version=1, seen=0, language="zh", now=now + timedelta(days=5)
    )
    sweep(now=now + timedelta(days=6))
    assert told("plan_due") == [(world.learner, "plan_due")]
