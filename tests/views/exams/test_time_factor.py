"""The page on which HR records more time, what the learner and the examiner see of it, and who is kept out."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import exams_factories as make
from tests.factories import World
from training_app import clock
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
    assert "没有更改任何内容" in hr.post(address(world), data=FORM, follow_redirects=True).text
    assert len(time_queries.lines(db.session(), world.learner)) == 1


def test_the_story_tells_more_time_with_its_reason_to_who_keeps_records_and_to_the_person_alone(
    app: Flask, hr: FlaskClient, world: World
) -> None:
    hr.post(address(world), data=FORM | {"last_on": "2026-12-24"})
    hr.post(f"{address(world)}/end")
    readers = {who: world.sign_in(app.test_client(), who) for who in ("learner", "manager", "hr_lead")}
    told = [hr.get(f"/people/{world.learner}").text, readers["learner"].get("/me/record").text]
    for page in told:
        assert "登记放宽考试时长" in page
        assert "12月24日" in page
        assert '<blockquote class="said" lang="zh-CN">&lt;b&gt;证明' in page
    for who in ("manager", "hr_lead"):
        page = readers[who].get(f"/people/{world.learner}").text
        assert "放宽考试时长" not in page
        assert "证明&lt;" not in page


def test_the_history_names_who_ended_a_line_and_says_what_came_of_it(app: Flask, hr: FlaskClient, world: World) -> None:
    hr.post(address(world), data=FORM)
    other = world.sign_in(app.test_client(), "hr2")
    other.post(f"{address(world)}/end")
    page = other.get(address(world)).text
    assert re.search(r"首日即终止 · 褚人事, ", page)
    assert "已被" not in page
    other.post(address(world), data=FORM | {"first_on": "2026-11-25"})
    hr.post(f"{address(world)}/end")
    assert re.search(r"未开始即取消 · 冯人事, ", hr.get(address(world)).text)


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
    assert '<span lang="zh-CN">&lt;b&gt;证明' in page
    service.start_attempt(world.learner, make.EXAM, now=now)
    assert "规定的 125%" not in examiner.get(f"/sittings/{sitting_id}/people").text


def test_the_page_promises_no_minute_that_the_attempt_will_not_get(
    app: Flask, hr: FlaskClient, world: World, now: datetime
) -> None:
    hr.post(address(world), data=FORM | {"more": "200"})
    sitting_id = make.sitting(world, now, hours=1)
    sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
    words = {"words": "停电", "now": now, "actor_id": world.examiner}
    sittings.extend(sitting_id, minutes=7, idem="a", person_id=world.learner, **words)
    clock.move_to(now + timedelta(minutes=10))
    learner = world.sign_in(app.test_client(), "learner")
    page = learner.get(f"/exams/{make.EXAM}").text
    public_id = service.start_attempt(world.learner, make.EXAM, now=clock.now()).public_id
    deadline = make.attempt(public_id).deadline_at
    assert deadline is not None
    left = (deadline - clock.now()) // timedelta(minutes=1)
    assert left in (56, 57)
    assert page.count(f"{left} 分钟") + page.count(f"{left + 1} 分钟") == 2  # among the rules, and before the start
    hr.post(f"{address(world)}/end")
    page = learner.get(f"/exams/{make.EXAM}").text
    assert re.search(r"答题截止时间：11月23日 \S+ 10:07", page)
    assert "分钟，全程显示" not in page


def test_the_examiner_reads_the_factor_of_the_day_of_the_sitting(
    app: Flask, hr: FlaskClient, world: World, now: datetime
) -> None:
    hr.post(address(world), data=FORM | {"first_on": "2026-11-24", "last_on": "2026-11-24"})
    for days, is_longer in ((0, False), (1, True), (2, False)):
        sitting_id = make.sitting(world, now + timedelta(days=days))
        sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
        page = world.sign_in(app.test_client(), "examiner").get(f"/sittings/{sitting_id}/people").text
        assert ("规定的 125%" in page) is is_longer
