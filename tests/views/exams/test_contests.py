"""HR answers contested results on a page of its own; the learner reads the answer beside the result."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import exams_factories as make
from tests.factories import World
from training_app.accounts import service as accounts
from training_app.exams import service

WORDS = "<b>第3题</b>没有说明"


@pytest.fixture
def contested(world: World, now: datetime) -> str:
    _sitting, public_id = make.supervised_start(world, now)
    make.hand_in(world, public_id, now, good=0)
    service.contest_attempt(public_id, world.learner, words=WORDS, language="zh", now=now)
    return public_id


@pytest.fixture
def hr(world: World, client: FlaskClient) -> FlaskClient:
    return world.sign_in(client, "hr")


def test_open_contests_stand_on_the_desk_and_in_a_list(hr: FlaskClient, contested: str) -> None:
    home = hr.get("/").text
    assert 'href="/contests"' in home
    assert "成绩异议待答复" in home
    page = hr.get("/contests").text
    assert "王小明" in page
    assert f"/contests/{contested}" in page


def test_without_a_contest_the_list_says_so(hr: FlaskClient) -> None:
    assert "没有待答复的成绩异议" in hr.get("/contests").text


@pytest.mark.parametrize(("outcome", "said"), [("upheld", "异议成立"), ("rejected", "异议不成立")])
def test_the_answer_and_its_reason_reach_the_learner(
    app: Flask, world: World, hr: FlaskClient, contested: str, outcome: str, said: str
) -> None:
    page = hr.get(f"/contests/{contested}").text
    assert "&lt;b&gt;第3题&lt;/b&gt;没有说明" in page
    form = {"outcome": outcome, "words": "题目<i>核对</i>过了"}
    done = hr.post(f"/contests/{contested}/answer", data=form, follow_redirects=True)
    assert done.status_code == 200
    assert said in done.text
    assert contested not in hr.get("/contests").text
    assert contested in hr.get("/contests?show=answered").text
    learner = world.sign_in(app.test_client(), "learner")
    result = learner.get(f"/attempts/{contested}/result").text
    assert said in result
    assert "题目&lt;i&gt;核对&lt;/i&gt;过了" in result
    assert ("多给一次考试机会" in result) == (outcome == "upheld")


def test_in_english_too(app: Flask, world: World, hr: FlaskClient, contested: str) -> None:
    hr.post("/language", data={"lang": "en"})
    assert "Contested results" in hr.get("/contests").text
    hr.post(f"/contests/{contested}/answer", data={"outcome": "upheld", "words": "Checked."})
    learner = world.sign_in(app.test_client(), "learner")
    learner.post("/language", data={"lang": "en"})
    result = learner.get(f"/attempts/{contested}/result").text
    assert "The contest was upheld" in result
    assert "The marks of this attempt stay as they were written" in result


@pytest.mark.parametrize(
    "form", [{}, {"outcome": "upheld"}, {"words": "x"}, {"outcome": "maybe", "words": "x"},
             {"outcome": "upheld", "words": " "}, {"outcome": "upheld", "words": "x" * 2001}],
)  # fmt: skip
def test_an_answer_without_outcome_or_reason_is_refused_and_the_words_stay(
    hr: FlaskClient, contested: str, form: dict[str, str]
) -> None:
    answer = hr.post(f"/contests/{contested}/answer", data=form)
    assert answer.status_code == 422
    assert "error-text" in answer.text
    assert form.get("words", "") in answer.text
    assert contested in hr.get("/contests").text


def test_a_second_answer_is_told_that_one_stands(app: Flask, world: World, hr: FlaskClient, contested: str) -> None:
    form = {"outcome": "rejected", "words": "核对过了"}
    hr.post(f"/contests/{contested}/answer", data=form)
    again = hr.post(f"/contests/{contested}/answer", data=form | {"outcome": "upheld"})
    assert again.status_code == 409
    assert "已经答复" in again.text


def test_who_examined_reads_it_and_is_told_that_another_answers(
    app: Flask, world: World, contested: str, now: datetime
) -> None:
    accounts.grant_role(world.examiner, role="hr", unit_id=None, now=now, actor_id=None)
    examiner = world.sign_in(app.test_client(), "examiner")
    assert "须由其他人答复" in examiner.get(f"/contests/{contested}").text
    answer = examiner.post(f"/contests/{contested}/answer", data={"outcome": "upheld", "words": "x"})
    assert answer.status_code == 403


def test_out_of_reach_looks_like_missing(app: Flask, world: World, contested: str, now: datetime) -> None:
    world.add("hr_b", "外区人事", "region_b", now, roles=())
    accounts.grant_role(world.hr_b, role="hr", unit_id=world.units["region_b"], now=now, actor_id=None)
    other = world.sign_in(app.test_client(), "hr_b")
    assert contested not in other.get("/contests").text
    assert other.get(f"/contests/{contested}").status_code == 404
    assert other.post(f"/contests/{contested}/answer", data={"outcome": "upheld", "words": "x"}).status_code == 404


def test_the_story_of_the_person_tells_contest_and_answer(world: World, hr: FlaskClient, contested: str) -> None:
    hr.post(f"/contests/{contested}/answer", data={"outcome": "upheld", "words": "核对过了"})
    page = hr.get(f"/people/{world.learner}?kind=exam").text
    assert "对成绩提出异议" in page
    assert "异议成立" in page
    assert f"/contests/{contested}" in page
