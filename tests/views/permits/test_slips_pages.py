"""Training slips and study on one's own permit, in words; choosing a lesson leads to it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask

from tests.certifications_factories import settle
from tests.factories import World
from tests.permits_factories import final, issue, publish_policy
from training_app import clock
from training_app.accounts import service as accounts
from training_app.permits import service


@pytest.fixture
def world(world: World, now: datetime) -> World:
    issue(world.learner, now - timedelta(days=30))
    accounts.set_language(world.learner, "en", now=now)
    return world


def test_a_slip_and_its_lesson_stand_on_the_permit_and_study_is_chosen_there(
    app: Flask, world: World, now: datetime
) -> None:
    _case, at = final(world, now, code="promise-broken")
    settle(at)
    clock.move_to(at)
    learner = world.sign_in(app.test_client(), "learner")
    page = learner.get("/me/permit").text
    for words in ("Training slips", "By the end of", "go on into the next one", "By study", "+1 point"):
        assert words in page, words
    sent = learner.post("/me/permit/study", data={"lesson": "promises-that-hold", "token": "one"})
    assert sent.status_code == 303
    assert sent.location.endswith("/lessons/promises-that-hold")
    page = learner.get("/me/permit").text
    assert "You are studying to win a point back:" in page
    assert "chosen by yourself" in page
    again = learner.post("/me/permit/study", data={"lesson": "promises-that-hold", "token": "two"})
    assert again.status_code == 409
    assert "Finish it first" in again.text


def test_when_the_next_reward_can_count_is_said(app: Flask, world: World, now: datetime) -> None:
    merit = {"routes": {"online": 1, "class": 2, "service": 1}, "cap": 6, "below_limit_only": True}
    publish_policy(world, now, merit={**merit, "minimum_gap_days": 30})
    _case, at = final(world, now, code="unauthorised-charge")
    service.reward(
        world.learner, code="customer-delight", achieved_at=at, words="A letter.", token="x", now=at,
        actor_id=world.hr, language="en",
    )  # fmt: skip
    clock.move_to(at)
    page = world.sign_in(app.test_client(), "learner").get("/me/permit").text
    assert "Two rewards lie at least 30 days apart" in page


@pytest.mark.parametrize("lesson", ["", "no-such-lesson", "x" * 300])
def test_a_lesson_that_wins_nothing_is_refused_in_words(app: Flask, world: World, now: datetime, lesson: str) -> None:
    answer = world.sign_in(app.test_client(), "learner").post(
        "/me/permit/study", data={"lesson": lesson, "token": "one"}
    )
    assert answer.status_code == 422
    assert "wins no points back now" in answer.text
