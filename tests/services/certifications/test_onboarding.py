"""What follows by itself: enrolment of who begins, admission of who may sit the exam."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from tests import certifications_factories as make
from tests.factories import World
from training_app.certifications import onboarding
from training_app.chain import asked_courses
from training_app.courses.models import Enrolment
from training_app.db import db
from training_app.exams import queries as exams

pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database


def enrolments(person_id: int) -> dict[str, str]:
    rows = db.session.scalars(sa.select(Enrolment).where(Enrolment.person_id == person_id))
    return {row.course_key: row.due_on.isoformat() for row in rows if row.due_on}


def test_a_new_learner_is_enrolled_with_a_last_day(world: World, now: datetime) -> None:
    make.settle(now)
    assert enrolments(world.learner) == dict.fromkeys(asked_courses(now), "2026-12-23")


def test_somebody_who_does_not_learn_is_not_enrolled(world: World, now: datetime) -> None:
    make.settle(now)
    assert enrolments(world.hr) == {}


def test_enrolling_again_moves_no_day(world: World, now: datetime) -> None:
    make.settle(now)
    assert onboarding.enrol_learner(world.learner, now=now + timedelta(days=9)) == []
    assert set(enrolments(world.learner).values()) == {"2026-12-23"}


def test_the_exam_opens_once_when_courses_and_quizzes_are_done(world: World, now: datetime) -> None:
    make.learn(world.learner, now)
    make.settle(now)
    assert exams.admissions_of(db.session(), world.learner) == []
    make.pass_quizzes(world.learner, now)
    make.settle(now)
    (admission,) = exams.admissions_of(db.session(), world.learner)
    assert (admission.exam_key, admission.reason) == ("onboarding", "onboarding")
    onboarding.admit_if_ready(world.learner, now=now + timedelta(days=1))
    assert len(exams.admissions_of(db.session(), world.learner)) == 1


def test_who_has_passed_is_not_admitted_again(world: World, now: datetime) -> None:
    make.qualify(world, "learner", now)
    assert onboarding.admit_if_ready(world.learner, now=now) == []


def test_a_renewal_opens_an_admission_of_its_own(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    make.settle(now)
    before = len(exams.admissions_of(db.session(), world.learner))
    assert onboarding.admit_if_ready(world.learner, now=now + timedelta(days=100)) == []
    assert len(onboarding.admit_if_ready(world.learner, now=now + timedelta(days=660))) == 1
    assert len(exams.admissions_of(db.session(), world.learner)) == before + 1
