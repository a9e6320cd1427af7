"""The page on which HR records more time, what the learner and the examiner see of it, and who is kept out."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import exams_factories as make
from tests.factories import World
from training_app.accounts import service as accounts
from training_app.db import db
from training_app.exams import queries, service, sittings, time_queries

FORM = {"more": "25", "first_on": "2026-11-23", "last_on": "", "words": "<b>证明</b>已核对"}


@pytest.fixture
def hr(world: World, client: FlaskClient) -> FlaskClient:
    return world.sign_in(client, "hr")


def address(world: World, who: str = "learner") -> str:
    return f"/people/{world.people[who]}/exam-time"


def test_hr_comes_from_the_person_records_more_time_and_reads_it_back(hr: FlaskClient, world: World) -> None:
    assert address(world) in hr.get(f"/people/{world.learner}").text
    page = hr.get(address(world))
    assert page.status_code == 200
    assert "没有登记" in page.text
    page = hr.post(address(world), data=FORM, follow_redirects=True)
    assert "已登记" in page.text
    assert "规定时长的 125%" in page.text
    assert "今天有效" in page.text
    assert "&lt;b&gt;证明&lt;/b&gt;已核对" in page.text
    hr.post(address(world), data=FORM)
    assert len(time_queries.lines(db.session(), world.learner)) == 1
    assert "登记放宽考试时长" in hr.get(f"/people/{world.learner}").text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("more", "0", "请填 1 至 200"), ("more", "x", "error-text"), ("first_on", "2026-11-22", "首日须为今天"),
        ("last_on", "2026-11-01", "首日须为今天"), ("words", " ", "error-text"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_and_what_was_typed_stays(
    hr: FlaskClient, world: World, field: str, value: str, words: str
) -> None:
    answer = hr.post(address(world), data=FORM | {field: value})
    assert answer.status_code == 422
    assert words in answer.text
    if field != "words":
        assert "&lt;b&gt;证明" in answer.text
    assert time_queries.lines(db.session(), world.learner) == []


def test_it_is_ended_with_a_second_click_harmless(hr: FlaskClient, world: World) -> None:
    hr.post(address(world), data=FORM)
    assert "已终止" in hr.post(f"{address(world)}/end", follow_redirects=True).text
    assert "没有可以终止" in hr.post(f"{address(world)}/end", follow_redirects=True).text


def test_in_english_too(hr: FlaskClient, world: World) -> None:
    hr.post("/language", data={"lang": "en"})
    hr.post(address(world), data=FORM)
    page = hr.get(address(world)).text
    assert "125 % of the limit" in page
    assert "Holds today" in page


def test_nobody_gives_themselves_more_time(hr: FlaskClient, world: World) -> None:
    page = hr.get(address(world, "hr"))
    assert "不能给自己放宽" in page.text
    assert 'name="more"' not in page.text
    assert hr.post(address(world, "hr"), data=FORM).status_code == 403
    assert time_queries.lines(db.session(), world.hr) == []


@pytest.mark.parametrize("who", ["learner", "learner2", "trainer", "examiner", "manager", "hr_lead", "administrator"])
def test_who_does_not_keep_records_finds_nothing(app: Flask, world: World, who: str) -> None:
    client = world.sign_in(app.test_client(), who)
    assert client.get(address(world)).status_code == 404
    assert client.post(address(world), data=FORM).status_code == 404
    assert client.post(f"{address(world)}/end").status_code == 404


def test_hr_of_another_region_finds_nothing(app: Flask, world: World, now: datetime) -> None:
    person_id = world.add("hr_b", "远人事", "region_b", now, roles=())
    accounts.grant_role(person_id, role="hr", unit_id=world.units["region_b"], now=now, actor_id=None)
    client = world.sign_in(app.test_client(), "hr_b")
    assert client.get(address(world, "outsider")).status_code == 200
    assert client.get(address(world)).status_code == 404
    assert client.post(address(world), data=FORM).status_code == 404


def test_the_learner_reads_the_own_limit_and_why_and_the_examiner_is_warned(
    app: Flask, hr: FlaskClient, world: World, now: datetime
) -> None:
    hr.post(address(world), data=FORM)
    sitting_id = make.sitting(world, now)
    sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
    examiner = world.sign_in(app.test_client(), "examiner")
    assert "规定的 125%" in examiner.get(f"/sittings/{sitting_id}/people").text
    learner = world.sign_in(app.test_client(), "learner")
    page = learner.get(f"/exams/{make.EXAM}").text
    blueprints = queries.exam_blueprints(db.session(), now.date())
    limit = blueprints[make.EXAM].body["limit_minutes"]
    assert f"{limit * 5 // 4} 分钟" in page
    assert f"统一为 {limit} 分钟" in page
    assert "&lt;b&gt;证明" in page
    service.start_attempt(world.learner, make.EXAM, now=now)
    assert "规定的 125%" not in examiner.get(f"/sittings/{sitting_id}/people").text
