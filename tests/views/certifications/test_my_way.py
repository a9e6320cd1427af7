"""The learner's own way: what is missing, what to do next, by when."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask.testing import FlaskClient

from tests import certifications_factories as make
from tests import courses_factories as courses
from tests import exams_factories as exams
from tests.factories import World
from training_app import clock
from training_app.certifications.rules import RequirementKind
from training_app.permits.permit_rules import PermitEventKind


def my_way(world: World, client: FlaskClient) -> str:
    world.sign_in(client, "learner")
    client.post("/language", data={"lang": "en", "next": "/"})
    answer = client.get("/me/requirements")
    assert answer.status_code == 200
    return answer.text


def test_at_the_beginning_the_first_course_is_next_with_its_last_day(
    world: World, client: FlaskClient, now: datetime
) -> None:
    make.settle(now)
    page = my_way(world, client)
    assert "My way to: Junior service technician" in page
    assert f"0 / {make.asked(now)}" in page
    assert 'aria-current="step"' in page
    assert "Begin the course" in page
    assert "Due Wed 23 Dec, in 30 days" in page
    assert "minutes left, not counting drills" in page
    assert page.count("Not open yet") == make.asked(now, RequirementKind.QUIZ, RequirementKind.EXAM)


def test_the_course_that_is_begun_comes_before_the_first_of_the_list(
    world: World, client: FlaskClient, now: datetime
) -> None:
    make.settle(now)
    courses.finish(world.learner, "listen-and-confirm", now)
    page = my_way(world, client)
    assert "<h2>Complete Communication</h2>" in page
    assert ">Continue<" in page


def test_after_courses_and_quizzes_the_exam_is_next(world: World, client: FlaskClient, now: datetime) -> None:
    make.learn(world.learner, now)
    make.pass_quizzes(world.learner, now)
    make.settle(now)
    page = my_way(world, client)
    assert "Go to the exam" in page
    assert "You are admitted. Agree a sitting with your examiner" in page


def test_after_a_failed_exam_the_next_try_is_waited_for_and_a_drill_comes_next(
    world: World, client: FlaskClient, now: datetime
) -> None:
    make.learn(world.learner, now)
    make.pass_quizzes(world.learner, now)
    make.settle(now)
    _sitting, public_id = exams.supervised_start(world, now)
    exams.hand_in(world, public_id, now, good=0)
    page = my_way(world, client)
    assert "Next try possible from" in page
    assert "Your sitting" not in page
    assert "See my role-plays" in page


def test_with_everything_shown_the_page_says_who_decides(world: World, client: FlaskClient, now: datetime) -> None:
    make.qualify(world, "learner", now)
    page = my_way(world, client)
    assert "Everything is shown" in page
    assert "{0} / {0}".format(make.asked(now)) in page


def test_a_failed_drill_says_what_to_do(world: World, client: FlaskClient, now: datetime) -> None:
    make.learn(world.learner, now)
    make.play(world.learner, "complaint", now, rater=world.trainer, passed=False)
    page = my_way(world, client)
    assert "Read your result and ask your trainer for another drill." in page


def test_a_holder_sees_the_level_with_its_last_day_and_when_it_can_be_renewed(
    world: World, client: FlaskClient, now: datetime
) -> None:
    make.certify(world, "learner", now)
    page = my_way(world, client)
    assert "Nothing is missing now." in page
    assert "22 Nov 2028" in page
    assert "25 Aug 2028" in page


def test_in_the_renewal_window_exam_and_drills_are_asked_again(
    world: World, client: FlaskClient, now: datetime
) -> None:
    make.certify(world, "learner", now)
    make.renew_permit(world.learner, now + timedelta(days=350))
    clock.move_to(now + timedelta(days=660))
    page = my_way(world, client)
    assert page.count("has to be shown again") == 3


def test_with_a_revoked_permit_the_way_leads_over_the_permit(world: World, client: FlaskClient, now: datetime) -> None:
    make.certify(world, "learner", now)
    make.tell_permit(world.learner, PermitEventKind.REVOKED, now)
    page = my_way(world, client)
    assert "First the permit" in page


def test_one_sees_only_one_s_own_way(world: World, client: FlaskClient, now: datetime) -> None:
    make.qualify(world, "outsider", now)
    assert f"0 / {make.asked(now)}" in my_way(world, client)
