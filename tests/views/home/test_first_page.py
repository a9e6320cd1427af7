"""The first page of a learner: one next thing, and only what can be done now."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import sqlalchemy as sa
from flask.testing import FlaskClient

from tests import certifications_factories as certifications
from tests import courses_factories as courses
from tests import exams_factories as make
from tests import permits_factories as permits
from tests.credentials_factories import certified
from tests.dashboards_factories import certify
from tests.factories import World
from tests.permits_factories import issue, report
from tests.roleplay_factories import Scene
from tests.statements import statements
from training_app import chain, clock, web
from training_app.accounts import service as accounts
from training_app.accounts.models import PersonProfile
from training_app.content import queries as content
from training_app.content import service as content_service
from training_app.db import db, transaction
from training_app.exams import sittings
from training_app.permits.service import cases

SEAT = "您的考试场次已开始"


def test_an_exam_that_can_be_started_is_the_next_thing(world: World, client: FlaskClient, now: datetime) -> None:
    sittings.seat_person(make.sitting(world, now), world.learner, now=now, actor_id=world.examiner)
    page = world.sign_in(client, "learner").get("/").text
    assert SEAT in page
    assert f'href="/exams/{make.EXAM}"' in page


def test_an_attempt_under_way_leads_back_into_it(world: World, client: FlaskClient, now: datetime) -> None:
    _sitting, public_id = make.supervised_start(world, now)
    page = world.sign_in(client, "learner").get("/").text
    assert "考试正在进行" in page
    assert f'href="/attempts/{public_id}"' in page


def test_a_seat_is_not_offered_again_after_the_exam_was_not_passed(
    world: World, client: FlaskClient, now: datetime
) -> None:
    _sitting, public_id = make.supervised_start(world, now)
    make.hand_in(world, public_id, now, good=0)
    page = world.sign_in(client, "learner").get("/").text
    assert SEAT not in page
    assert "考试正在进行" not in page


def test_a_permit_that_runs_out_soon_is_the_next_thing(world: World, client: FlaskClient, now: datetime) -> None:
    issue(world.learner, now)
    page = world.sign_in(client, "learner").get("/").text
    assert "请办理换证" not in page
    clock.move_to(now + timedelta(days=320))
    page = world.sign_in(client, "learner").get("/").text
    assert "请办理换证" in page
    assert "上岗证有效至" in page
    assert "没有待办事项" not in page


def test_a_trainer_sees_which_session_goes_on_and_which_is_planned(
    world: World, client: FlaskClient, now: datetime
) -> None:
    scene = Scene.plan(world, now)
    page = world.sign_in(client, "trainer").get("/").text
    assert "已安排" in page
    assert "正在进行" not in page
    client.post(f"/roleplay/sessions/{scene.public_id}/move", data={"move": "begin"})
    page = client.get("/").text
    assert "正在进行" in page
    assert "已安排" not in page
    clock.move_to(now + timedelta(days=3))
    page = world.sign_in(client, "trainer").get("/").text
    assert "等了一天的空调维修" not in page
    assert "正在进行" not in page


def test_a_session_that_may_stay_open_for_days_says_that_it_was_not_ended(
    world: World, client: FlaskClient, now: datetime
) -> None:
    body = content.get_current(db.session(), "settings", "organisation", now.date()).body
    content_service.publish("settings", {**body, "close_after_days": 5}, now=now, actor_id=world.administrator)
    Scene.started(world, now)
    clock.move_to(now + timedelta(days=3))
    assert "尚未结束" in world.sign_in(client, "trainer").get("/").text


def test_a_session_whose_time_has_passed_is_not_called_planned(
    world: World, client: FlaskClient, now: datetime
) -> None:
    Scene.plan(world, now)
    clock.move_to(now + timedelta(hours=2))
    page = world.sign_in(client, "trainer").get("/").text
    assert "到时未进行" in page
    assert "已安排" not in page


def test_in_the_grace_time_the_first_page_says_when_the_permit_lapses(
    world: World, client: FlaskClient, now: datetime
) -> None:
    issue(world.learner, now)
    clock.move_to(now + timedelta(days=368))
    page = world.sign_in(client, "learner").get("/").text
    assert "之前接的单可以做完" in page
    assert "后失效（还有" in page


def test_a_holder_in_order_shows_the_code_from_the_first_page(world: World, client: FlaskClient, now: datetime) -> None:
    certified(world.learner, now)
    page = world.sign_in(client, "learner").get("/").text
    assert 'href="/me/permit#customer-code"' in page
    assert "剩余 12 分（已扣 0 分）" in page
    assert 'data-opens="customer-code"' in client.get("/me/permit").text


def test_a_learner_on_the_way_costs_twelve_reads_however_much_was_done(
    world: World, client: FlaskClient, now: datetime
) -> None:
    world.sign_in(client, "learner").post("/first-visit/end")
    client.get("/")
    with statements("SELECT") as first:
        client.get("/")
    assert len(first) <= 12, first
    clock.move_to(chain.pass_quizzes(world.learner, chain.learn(world.learner, now)))
    world.sign_in(client, "learner").get("/")
    with statements("SELECT") as later:
        client.get("/")
    assert len(later) <= 16, later  # an exam is open: its seat, the tries, who examined


def test_a_holder_costs_twenty_reads_and_each_thing_is_read_once(
    world: World, client: FlaskClient, now: datetime
) -> None:
    certify(world, world.learner, now)
    world.sign_in(client, "learner").post("/first-visit/end")
    client.get("/")
    with statements("SELECT") as reads:
        page = client.get("/").text
    assert "今天可以上岗" in page
    assert len(reads) <= 20, reads  # one of them: whether a course was given
    for table in ("permit", "permit_event", "admission", "learning_event"):
        assert len([one for one in reads if f"FROM {table} " in one]) <= 1, table


def test_a_begun_course_goes_on_with_its_next_lesson_and_says_how_long_it_takes(
    world: World, client: FlaskClient, now: datetime
) -> None:
    certifications.settle(now)
    courses.finish(world.learner, "listen-and-confirm", now)
    accounts.set_language(world.learner, "en", now=now)
    page = world.sign_in(client, "learner").get("/").text
    found = re.search(r'button-primary" href="(/courses/communication/lessons/[a-z0-9-]+)">Continue<', page)
    assert found is not None
    assert "Next lesson: " in page
    assert re.search(r"About [4-9] minutes", page)
    assert client.get(found[1]).status_code == 200


def test_the_trainer_is_called_from_the_card_of_the_next_thing(
    world: World, client: FlaskClient, now: datetime
) -> None:
    assert "tel:" not in world.sign_in(client, "learner").get("/").text
    with transaction() as session:
        session.execute(
            sa.update(PersonProfile).where(PersonProfile.person_id == world.trainer).values(phone="13900002001")
        )
    card = client.get("/").text.split('class="card next"')[1].split("</section>")[0]
    assert 'href="tel:13900002001"' in card
    assert "给培训师陈老师打电话" in card


def test_an_open_case_says_by_which_weekday_and_how_long_an_answer_takes(
    world: World, client: FlaskClient, now: datetime
) -> None:
    issue(world.learner, now - timedelta(days=10))
    cases.notify(report(world, now), now=now, actor_id=world.hr2)
    card = world.sign_in(client, "learner").get("/").text.split('class="card next"')[1].split("</section>")[0]
    assert "11月30日 周一" in card
    assert "约 10 分钟" in card


def test_what_can_be_contested_says_until_which_weekday(world: World, client: FlaskClient, now: datetime) -> None:
    """A clock that runs is a right that ends: a decision of a case, and a sanction."""
    issue(world.learner, now - timedelta(days=10))
    case = permits.decided(world, now)
    page = world.sign_in(client, "learner").get("/").text
    until = permits.case(case, now).state.appeal_until
    assert until is not None
    said = f"可在{web.through(until)}前提出申诉"
    assert said in page
    clock.move_to(until)
    page = world.sign_in(client, "learner").get("/").text
    assert "前提出申诉" not in page


def test_a_sanction_that_can_be_contested_stands_on_the_first_page(
    world: World, client: FlaskClient, now: datetime
) -> None:
    issue(world.learner, now - timedelta(days=10))
    sanction_id, at = permits.revoked(world, now)
    client = world.sign_in(client, "learner")
    page = client.get("/").text
    (file,) = permits.sanctions(world.learner, at)
    assert file.state.appeal_until is not None
    assert f'href="/me/sanctions/{sanction_id}"' in page
    assert f"可在{web.through(file.state.appeal_until)}前提出申诉" in page
    clock.move_to(file.state.appeal_until)
    assert f'href="/me/sanctions/{sanction_id}"' not in world.sign_in(client, "learner").get("/").text
