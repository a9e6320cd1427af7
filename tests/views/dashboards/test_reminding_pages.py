"""Remind on a person's page and on the list: who sees it, what it says before and after, and the menus beside it."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.certifications_factories import settle
from tests.crowd import crowd
from tests.dashboards_factories import certify
from tests.factories import World
from tests.statements import statements
from training_app import clock
from training_app.accounts import service as accounts
from training_app.accounts.models import Login
from training_app.db import db, transaction
from training_app.notices.models import Notice
from training_app.outbox.models import OutboxMessage


@pytest.fixture
def hr(world: World, client: FlaskClient) -> FlaskClient:
    return world.sign_in(client, "hr")


def reminded() -> list[int]:
    """Return who was reminded by hand."""
    db.session.rollback()
    bodies = db.session.scalars(sa.select(OutboxMessage.body).where(OutboxMessage.topic == "notice"))
    return sorted(body["person"] for body in bodies if body["kind"] == "reminded")


def said(client: FlaskClient, address: str, **fields: str) -> str:
    """Press a button and return the page one is led to."""
    answer = client.post(address, data=fields, follow_redirects=True)
    assert answer.status_code == 200
    return str(answer.text)


def forget_password(person_id: int) -> None:
    with transaction() as session:
        session.execute(sa.update(Login).where(Login.person_id == person_id).values(password_hash=None))


def test_one_person_is_reminded_once_a_day_and_reads_it_on_their_pages(
    app: Flask, world: World, hr: FlaskClient
) -> None:
    address = f"/people/{world.learner}/remind"
    page = hr.get(f"/people/{world.learner}").text
    assert f'action="{address}"' in page
    assert "将提醒王小明办理待办事项" in page
    assert "已提醒王小明" in said(hr, address)
    manager = world.sign_in(app.test_client(), "manager")
    assert "今天已提醒过王小明，明天可以再次提醒。" in said(manager, address)
    assert reminded() == [world.learner]
    settle(clock.now())
    learner = world.sign_in(app.test_client(), "learner")
    notices = learner.get("/me/notices").text
    assert "提醒：您有待办事项" in notices
    assert "取得上岗证所需的课程还没有学完。请尽快办理，下一步做什么，请看您的首页。" in notices
    notice_id = db.session.scalar(sa.select(Notice.id).where(Notice.kind == "reminded"))
    assert learner.post(f"/me/notices/{notice_id}/open").location == "/"
    assert "提醒：您有待办事项" in hr.get(f"/people/{world.learner}/messages").text


def test_it_says_why_somebody_is_not_reminded(world: World, hr: FlaskClient, now: datetime) -> None:
    certify(world, world.learner, now)
    world.sign_in(hr, "hr")
    forget_password(world.learner2)
    assert "王小明目前没有待办事项，没有发出提醒。" in said(hr, f"/people/{world.learner}/remind")
    assert "李佳怡还没有登录过，看不到提醒。请先发放邀请条。" in said(hr, f"/people/{world.learner2}/remind")
    assert reminded() == []


def test_nobody_is_reminded_out_of_reach_and_no_learner_reminds(app: Flask, world: World) -> None:
    manager, learner = (world.sign_in(app.test_client(), who) for who in ("manager", "learner"))
    for client, address in (
        (manager, f"/people/{world.outsider}/remind"), (manager, "/people/999999/remind"),
        (learner, f"/people/{world.learner2}/remind"), (learner, f"/people/{world.learner}/remind"),
        (learner, "/people/remind"),
    ):  # fmt: skip
        assert client.post(address).status_code == 404
    assert "/remind" not in manager.get(f"/people/{world.manager}").text
    assert manager.post(f"/people/{world.manager}/remind").status_code == 403
    assert reminded() == []


def test_the_list_reminds_whom_its_filters_show_and_says_how_many(world: World, hr: FlaskClient) -> None:
    forget_password(world.trainer)
    address = f"/people?unit={world.units['region_a']}"
    page = hr.get(address).text
    assert "<strong>6 人</strong>" in page
    assert 'data-confirm="当前名单共 6 人。' in page
    said(hr, f"/people/{world.learner}/remind")
    answer = hr.post("/people/remind", data={"unit": str(world.units["region_a"])})
    assert answer.location == address
    # Reminded are the second learner and the second trainer; of manager and examiner nothing is asked.
    assert "已提醒 2 人。未提醒：今天已提醒过 1 人；尚未登录过 1 人；没有待办事项 2 人。" in hr.get(address).text
    assert reminded() == sorted([world.learner, world.learner2, world.trainer2])


def test_in_english_one_and_many_are_told_apart(world: World, hr: FlaskClient) -> None:
    accounts.set_language(world.hr, "en", now=clock.now())
    world.sign_in(hr, "hr")
    assert 'data-confirm="This list shows 1 person. Who has' in hr.get("/people?q=王小").text
    assert "1 person is reminded." in said(hr, "/people/remind", q="王小")
    page = said(hr, "/people/remind", unit=str(world.units["outlet_a"]))
    assert "1 person is reminded. Not reminded: 1 was reminded today already." in page
    page = said(hr, "/people/remind", unit=str(world.units["hq"]), state="none")
    assert re.search(r"Nobody is reminded\. Not reminded: \d have nothing due; you yourself\.", page)


def test_a_list_of_nobody_offers_no_reminder_and_one_of_who_left_takes_none(world: World, hr: FlaskClient) -> None:
    assert "/people/remind" not in hr.get("/people?q=zzzz").text
    assert "没有提醒任何人。" in said(hr, "/people/remind", q="zzzz")
    assert hr.post("/people/remind", data={"left": "1"}).status_code == 404


def test_a_list_that_is_too_long_is_refused_with_the_bound_and_what_to_do(
    world: World, hr: FlaskClient, now: datetime
) -> None:
    crowd(world.outsider, 1000, now)
    unit = str(world.units["outlet_b"])
    page = hr.get(f"/people?unit={unit}").text
    assert "<strong>1001 人</strong>" in page
    assert 'data-confirm="当前名单' not in page
    assert "一次最多提醒 1000 人，当前名单超出了这个数。请先按单位、状态或等级缩小名单。" in said(
        hr, "/people/remind", unit=unit
    )
    assert reminded() == []


def test_the_page_asks_as_much_for_many_people_as_for_few(world: World, hr: FlaskClient, now: datetime) -> None:
    counted = []
    for more in (3, 300):
        crowd(world.learner, more, now, start=more)
        with statements() as seen:
            hr.post("/people/remind", data={"unit": str(world.units["outlet_a"])})
        counted.append(len(seen))
    assert counted[1] <= counted[0] <= 20, counted


MORE = re.compile(r'<details class="menu menu-more".*?</details>', re.DOTALL)


def test_what_is_wanted_less_often_stands_in_a_menu(world: World, hr: FlaskClient) -> None:
    page = hr.get(f"/people/{world.learner}").text
    (more,) = MORE.findall(page)
    rest = page.replace(more, "")
    for address in ("move", "exam-time", "roles", "leave", "link"):
        assert f'/people/{world.learner}/{address}"' in more, address
        assert f'/people/{world.learner}/{address}"' not in rest, address
    for address in ("edit", "remind", "messages"):
        assert f'/people/{world.learner}/{address}"' in rest, address
    (more,) = MORE.findall(hr.get("/people").text)
    for address in ("/photos", "/licences", "/people?left=1"):
        assert address in more, address


def test_the_invitation_stands_in_sight_as_long_as_there_is_no_password(world: World, hr: FlaskClient) -> None:
    forget_password(world.learner)
    page = hr.get(f"/people/{world.learner}").text
    (more,) = MORE.findall(page)
    assert f"/people/{world.learner}/link" not in more
    assert f'action="/people/{world.learner}/link"' in page


@pytest.mark.parametrize(("who", "menus"), [("manager", 0), ("hr_lead", 1), ("administrator", 1), ("hr", 1)])
def test_who_has_nothing_in_the_menu_is_shown_none(app: Flask, world: World, who: str, menus: int) -> None:
    client = world.sign_in(app.test_client(), who)
    page = client.get(f"/people/{world.learner}").text
    assert len(MORE.findall(page)) == menus
    assert f"/people/{world.learner}/remind" in page
