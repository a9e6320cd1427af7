"""The annual review on the pages: the holder's steps, the certifier's list, a decision with its refusals in words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.certifications_factories import pass_exam, play, settle
from tests.courses_factories import finish
from tests.factories import World
from tests.permits_factories import issue
from training_app import clock
from training_app.accounts import service as accounts
from training_app.db import db
from training_app.permits import queries
from training_app.permits.permit_rules import PermitState
from training_app.status import service as rows
from training_app.status import tasks

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LESSONS = {"danger-first": "home-visit", "promises-that-hold": "communication"}


@pytest.fixture
def opened(world: World, now: datetime) -> datetime:
    """Issue a permit and stand an hour after its window has opened."""
    for name in ("learner", "certifier", "examiner"):
        accounts.set_language(world.people[name], "en", now=now)
    issue(world.learner, now)
    record = queries.permit_facts(db.session(), world.learner, now)
    db.session.rollback()
    assert record is not None
    assert record.facts.renewal_opens_at is not None
    at = record.facts.renewal_opens_at + HOUR
    _sweep(at)
    return at


def _sweep(at: datetime) -> None:
    clock.move_to(at)
    rows.refresh_due(now=at)
    tasks.review(at)
    settle(at)


def _as(app: Flask, world: World, name: str) -> FlaskClient:
    return world.sign_in(app.test_client(), name)


def _show(world: World, at: datetime, *, examiner: int | None = None) -> datetime:
    for lesson, course in LESSONS.items():
        finish(world.learner, lesson, at, course)
    pass_exam(world.learner, at + HOUR, examiner=examiner or world.examiner)
    play(world.learner, "complaint", at + HOUR, rater=world.trainer)
    settle(at + HOUR)
    clock.move_to(at + 2 * HOUR)
    return at + 2 * HOUR


def _state(world: World, now: datetime) -> PermitState:
    record = queries.permit_facts(db.session(), world.learner, now)
    db.session.rollback()
    assert record is not None
    return record.state


def test_the_holder_reads_what_is_needed_by_when_and_one_next_step(app: Flask, world: World, opened: datetime) -> None:
    learner = _as(app, world, "learner")
    page = learner.get("/me/permit").text
    assert "Your annual review is open" in page
    assert "Your permit is valid through Mon 22 Nov" in page
    assert page.count("Your next step") == 1
    assert "/courses/home-visit/lessons/danger-first" in page
    assert "Opens automatically once the lessons above are read." in page
    assert "Ask your manager for the annual review" not in page
    assert "Annual review: your permit is valid through Mon 22 Nov" in learner.get("/").text
    _show(world, opened)
    page = _as(app, world, "learner").get("/me/permit").text
    assert "Everything is shown" in page
    assert "Waiting for the certifier" in page


def test_a_certifier_renews_from_the_list_and_the_holder_sees_the_new_year(
    app: Flask, world: World, opened: datetime
) -> None:
    certifier = _as(app, world, "certifier")
    page = certifier.get("/awards/reviews?list=missing").text
    assert "Still missing:" in page
    assert "0 of 12" in page
    assert "No review waits for a decision" in certifier.get("/awards/reviews").text
    later = _show(world, opened)
    certifier = _as(app, world, "certifier")
    assert "1 annual review to decide" in certifier.get("/").text
    page = certifier.get("/awards/reviews").text
    assert f'value="{world.learner}"' in page
    assert "disabled" not in page.split('id="review-form"')[1].split("</form>")[0]
    page = certifier.post("/awards/reviews", data={"person": [world.learner]}, follow_redirects=True).text
    assert "Renewed: " in page
    assert _state(world, later + HOUR) is PermitState.VALID
    page = certifier.post("/awards/reviews", data={"person": [world.learner]}, follow_redirects=True).text
    assert "Not renewed: " in page
    page = certifier.post("/awards/reviews", follow_redirects=True).text
    assert "Nobody was selected." in page
    page = _as(app, world, "learner").get("/me/permit").text
    assert "Your last annual review" in page
    assert "22 Nov 2028" in page


def test_one_review_is_refused_then_renewed_with_a_condition(app: Flask, world: World, opened: datetime) -> None:
    later = _show(world, opened)
    certifier = _as(app, world, "certifier")
    here = f"/awards/{world.learner}/review"
    assert "Renew without a condition" in certifier.get(here).text
    page = certifier.post(f"{here}/refuse", data={"refuse-words": "No"})
    assert page.status_code == 422
    assert "Give the reason in a sentence" in page.text
    words = "Two complaints about cold calls; talk to your trainer first."
    page = certifier.post(f"{here}/refuse", data={"refuse-words": words}, follow_redirects=True).text
    assert "Not renewed. The holder is told your reason." in page
    assert "Refused before" in page
    assert words in _as(app, world, "learner").get("/me/permit").text
    assert words in certifier.get(here).text
    late = (later + 200 * DAY).date().isoformat()
    soon = (later + 30 * DAY).date().isoformat()
    data = {"condition-words": "Ride along with your trainer twice.", "condition-last_on": late}
    page = certifier.post(f"{here}/condition", data=data)
    assert page.status_code == 422
    assert "The last day of the condition has to lie between" in page.text
    assert "Ride along with your trainer twice." in page.text
    page = certifier.post(f"{here}/condition", data={**data, "condition-last_on": soon}, follow_redirects=True).text
    assert "what has to be done, and by when" in page
    page = _as(app, world, "learner").get("/me/permit").text
    assert "Ride along with your trainer twice." in page
    assert certifier.get(here).status_code == 404
    assert certifier.post(here).status_code == 303


def test_who_examined_reads_why_another_has_to_decide(app: Flask, world: World, opened: datetime) -> None:
    later = _show(world, opened, examiner=world.certifier)
    certifier = _as(app, world, "certifier")
    page = certifier.get(f"/awards/{world.learner}/review").text
    assert "You cannot decide this review now" in page
    assert "Another certifier has to award." in page
    assert "Renew without a condition" not in page
    page = certifier.post(f"/awards/{world.learner}/review", follow_redirects=True).text
    assert "You examined this person" in page
    assert _state(world, later) is PermitState.RENEWAL_OPEN


def test_who_ran_out_reads_how_long_the_review_can_still_be_decided(app: Flask, world: World, opened: datetime) -> None:
    _sweep(opened + 70 * DAY)
    page = _as(app, world, "learner").get("/me/permit").text
    assert "Your permit has run out" in page
    assert "The annual review has to be decided by Wed 22 Dec" in page
    assert "Run out, in grace" in _as(app, world, "certifier").get("/awards/reviews?list=missing").text
