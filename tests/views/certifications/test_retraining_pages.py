"""The way back from a revoked permit on the pages: the steps in sentences, the certifier's list and decision."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.certifications_factories import certify, pass_exam, settle, unteach
from tests.courses_factories import finish
from tests.factories import World
from tests.permits_factories import issue, revoked, revoked_for
from tests.statements import statements
from training_app import clock
from training_app.accounts import service as accounts

HOUR = timedelta(hours=1)
CHARGES = ("unauthorised-charge", "unauthorised-charge")


@pytest.fixture
def world(world: World, now: datetime) -> World:
    for name in ("learner", "certifier", "hr", "examiner"):
        accounts.set_language(world.people[name], "en", now=now)
    unteach("unsafe-work", now, actor_id=world.administrator)
    return world


def _as(app: Flask, world: World, name: str) -> FlaskClient:
    return world.sign_in(app.test_client(), name)


def _revoked(world: World, now: datetime, *codes: str) -> datetime:
    """Certify, revoke for these breaches, and let what follows be done; the clock stands at the revocation."""
    certify(world, "learner", now)
    settle(now)
    _sanction, at = revoked_for(world, now + timedelta(days=3), *codes)
    clock.move_to(at)
    settle(at)
    return at


def test_the_holder_reads_each_step_and_where_the_next_one_is(app: Flask, world: World, now: datetime) -> None:
    at = _revoked(world, now, *CHARGES)
    learner = _as(app, world, "learner")
    lesson = "/courses/service-etiquette/lessons/words-and-hands"
    for path in ("/me/permit", "/me/requirements", "/"):
        page = learner.get(path).text
        assert "Your next step" in page
        assert "It belongs to: Unauthorised charge." in page
        assert page.count("Read the lesson") == 1
        assert f'href="{lesson}"' in page
        assert "Nothing is due" not in page
    page = learner.get("/me/permit").text
    assert "Opens automatically once the lessons above are read." in page
    assert "Decision of a certifier" in page
    assert learner.get(lesson).status_code == 200
    finish(world.learner, "words-and-hands", at, "service-etiquette")
    settle(at)
    page = learner.get("/me/requirements").text
    assert "Agree a sitting with your examiner" in page
    assert 'href="/exams/onboarding"' in page
    assert learner.get("/exams/onboarding").status_code == 200
    pass_exam(world.learner, at + HOUR, examiner=world.examiner)
    clock.move_to(at + HOUR)
    page = learner.get("/me/permit").text
    assert "You need not do anything." in page
    assert "Waiting for the certifier" in page


def test_a_breach_without_a_lesson_is_worded_as_a_talk_at_the_centre(app: Flask, world: World, now: datetime) -> None:
    _revoked(world, now, "unsafe-work")
    page = _as(app, world, "learner").get("/me/permit").text
    assert "Talk at your centre: Unsafe work" in page
    assert "There is no lesson for this yet." in page
    assert "Exam under supervision: Onboarding exam" in page
    chinese = _as(app, world, "learner")
    chinese.post("/language", data={"lang": "zh", "next": "/"})
    page = chinese.get("/me/permit").text
    assert "在服务中心当面学习：危险作业" in page
    assert "您的下一步" in page


def test_the_certifier_finds_the_person_reads_the_evidence_and_gives_the_permit_back(
    app: Flask, world: World, now: datetime
) -> None:
    at = _revoked(world, now, "unsafe-work")
    certifier = _as(app, world, "certifier")
    page = certifier.get("/awards/retraining").text
    assert "王小明" in page
    assert "Still missing: Onboarding exam." in page
    one = f"/awards/{world.learner}/retraining"
    page = certifier.get(one).text
    assert "You cannot give the permit back now" in page
    assert "Make the permit valid again" not in page
    pass_exam(world.learner, at + HOUR, examiner=world.examiner)
    clock.move_to(at + 2 * HOUR)
    assert "retrained, wait for their permit" in certifier.get("/").text
    page = certifier.get(one).text
    assert "examiner: " in page
    assert "For “Unsafe work” there is no lesson yet." in page
    short = certifier.post(one, data={"words": "Ok."})
    assert short.status_code == 422
    assert "Give the reason in a sentence" in short.text
    assert "Ok." in short.text
    answer = certifier.post(one, data={"words": "All parts are shown."}, follow_redirects=True)
    assert "The permit is valid again. The holder is told." in answer.text
    assert "Nobody is in retraining" in answer.text
    twice = certifier.post(one, data={"words": "All parts are shown."}, follow_redirects=True)
    assert "This has changed since the page was loaded." in twice.text
    settle(clock.now())
    learner = _as(app, world, "learner")
    page = learner.get("/me/permit").text
    assert "Show the code to the customer" in page
    assert "It was cleared by the retraining." in page
    assert "Your next step" not in page
    assert "Your permit is valid again" in learner.get("/me/notices").text
    history = _as(app, world, "hr").get(f"/people/{world.learner}").text
    assert "Retraining passed" in history
    assert "All parts are shown." in history
    assert "Entries cleared" in history


@pytest.mark.parametrize("who", ["learner", "examiner", "hr", "outsider", "administrator"])
def test_others_neither_see_the_list_nor_decide(app: Flask, world: World, now: datetime, who: str) -> None:
    at = _revoked(world, now, "unsafe-work")
    pass_exam(world.learner, at, examiner=world.examiner)
    client = _as(app, world, who)
    one = f"/awards/{world.learner}/retraining"
    assert client.get("/awards/retraining").status_code == 404
    assert client.get(one).status_code == 404
    assert client.post(one, data={"words": "All parts are shown."}).status_code == 404


def test_a_certifier_of_another_region_and_one_who_examined(app: Flask, world: World, now: datetime) -> None:
    at = _revoked(world, now, "unsafe-work")
    pass_exam(world.learner, at, examiner=world.examiner)
    accounts.grant_role(world.hr2, role="certifier", unit_id=world.units["region_b"], now=at, actor_id=None)
    accounts.grant_role(world.examiner, role="certifier", unit_id=None, now=at, actor_id=None)
    one = f"/awards/{world.learner}/retraining"
    stranger = _as(app, world, "hr2")
    assert "王小明" not in stranger.get("/awards/retraining").text
    assert stranger.get(one).status_code == 404
    assert stranger.post(one, data={"words": "All parts are shown."}).status_code == 404
    examiner = _as(app, world, "examiner")
    page = examiner.get(one).text
    assert "You examined this person in “Onboarding exam”. Another certifier has to award." in page
    told = examiner.post(one, data={"words": "All parts are shown."}, follow_redirects=True)
    assert "This has changed since the page was loaded." in told.text
    assert "not now" in _as(app, world, "learner").get("/me/permit").text


def test_who_is_not_in_retraining_is_not_found(app: Flask, world: World, now: datetime) -> None:
    certifier = _as(app, world, "certifier")
    for person_id in (world.learner2, 999_999):
        assert certifier.get(f"/awards/{person_id}/retraining").status_code == 404
        assert certifier.post(f"/awards/{person_id}/retraining", data={"words": ""}).status_code == 404
    assert certifier.get("/awards/retraining?after=x").status_code == 200


def test_the_list_asks_as_many_questions_for_six_people_as_for_one(app: Flask, world: World, now: datetime) -> None:
    asked = []
    for size in (1, 6):
        while sum(name.startswith("back") for name in world.people) < size:
            name = f"back{len(world.people)}"
            person_id = world.add(name, "李小红", "outlet_a", now)
            issue(person_id, now - timedelta(days=30))
            known = world.people["learner"]
            world.people["learner"] = person_id
            revoked(world, clock.now())
            world.people["learner"] = known
        certifier = _as(app, world, "certifier")
        certifier.get("/awards/retraining")
        with statements() as seen:
            page = certifier.get("/awards/retraining")
        assert page.text.count("李小红") == size
        asked.append(len(seen))
    assert asked[0] == asked[1]
