"""The first page of who works for others: what waits, and the people within reach as five doors."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import exams_factories as make
from tests import permits_factories as permits
from tests.credentials_factories import certified
from tests.factories import World
from tests.roleplay_factories import Scene
from training_app import clock
from training_app.accounts import service as accounts
from training_app.db import transaction
from training_app.notices.models import Delivery, Notice
from training_app.permits import service as permits_service
from training_app.roster.models import Roster
from training_app.roster.state_rules import RosterState


def doors(page: str) -> dict[str, str]:
    """Return the figures of a page by the address they lead to."""
    found = re.findall(r'<a class="stat[^"]*" href="(/people[^"]*)">\s*<span class="stat-figure">(\d+)<', page)
    return dict(found)


def test_hr_sees_five_figures_each_a_door_to_the_people_behind_it(world: World, client: FlaskClient) -> None:
    certified(world.learner, clock.now())
    accounts.set_language(world.hr, "en", now=clock.now())
    hr = world.sign_in(client, "hr")
    figures = doors(hr.get("/").text)
    assert len(figures) == 5
    assert figures["/people?state=today"] == "1"
    behind = hr.get("/people?state=today").text
    assert "1 person<" in behind
    assert f'href="/people/{world.learner}"' in behind


def next_thing(page: str) -> tuple[str, str]:
    """Return where the one next thing leads and what its button says; two main actions would not match."""
    assert page.count("button-primary") == 2, "the next thing and the confirming button of the frame"
    found = re.search(
        r'<section class="card next">.*?<a class="button button-primary" href="([^"]+)">([^<]+)<', page, re.DOTALL
    )
    assert found is not None
    return found[1], found[2]


def test_a_trainer_is_led_to_the_next_session(world: World, client: FlaskClient, now: datetime) -> None:
    scene = Scene.plan(world, now)
    place, label = next_thing(world.sign_in(client, "trainer").get("/").text)
    assert (place, label) == (f"/roleplay/sessions/{scene.public_id}", "打开这场演练")


def test_an_examiner_is_led_to_the_open_sitting(world: World, client: FlaskClient, now: datetime) -> None:
    sitting = make.sitting(world, now)
    place, label = next_thing(world.sign_in(client, "examiner").get("/").text)
    assert (place, label) == (f"/sittings/{sitting}", "进入考试场次")


@pytest.mark.parametrize("who", ["trainer", "examiner", "certifier", "manager", "hr", "hr_lead", "administrator"])
def test_the_first_page_of_every_role_has_one_main_action(world: World, client: FlaskClient, who: str) -> None:
    answer = world.sign_in(client, who).get("/")
    assert answer.status_code == 200
    assert answer.text.count("button button-primary") <= 2, "one main action, and the confirming button of the frame"


def test_a_manager_sees_who_may_work_and_can_stop_somebody_at_once(
    world: World, client: FlaskClient, now: datetime
) -> None:
    certified(world.learner, now)
    page = world.sign_in(client, "manager").get("/").text
    assert next_thing(page) == ("/today", "查看可上岗人员")
    assert 'href="/permits/stop"' in page
    assert 'href="/permits/report"' in page


def test_who_may_read_nobody_is_shown_no_figures(world: World, client: FlaskClient) -> None:
    for who in ("learner", "certifier"):
        assert doors(world.sign_in(client, who).get("/").text) == {}


def test_a_case_is_offered_with_its_own_next_step(world: World, client: FlaskClient, now: datetime) -> None:
    permits.issue(world.learner, now - timedelta(days=10))
    hr = world.sign_in(client, "hr")
    case_id = permits.report(world, now)
    assert next_thing(hr.get("/").text) == (f"/permits/cases/{case_id}", "送达告知书")
    permits_service.cases.notify(case_id, now=now, actor_id=world.hr2)
    assert "起案件待您办理" not in hr.get("/").text
    permits_service.cases.answer(case_id, words=permits.words("The traffic."), now=now, actor_id=world.learner)
    assert next_thing(hr.get("/").text) == (f"/permits/cases/{case_id}", "办理案件")


def test_one_case_waits_and_two_wait(world: World, client: FlaskClient, now: datetime) -> None:
    permits.issue(world.learner, now - timedelta(days=10))
    accounts.set_language(world.hr, "en", now=now)
    hr, said = world.sign_in(client, "hr"), []
    for _ in range(2):
        permits.report(world, now)
        said += re.findall(r"\b(cases? waits? for you)\s*<", hr.get("/").text.split("At your desk")[1])
    assert said == ["case waits for you", "cases wait for you"]


def test_what_somebody_may_not_decide_does_not_wait_for_them(app: Flask, world: World, now: datetime) -> None:
    permits.issue(world.learner, now - timedelta(days=10))
    case_id = permits.answered(world, now, by="hr")
    reporter, other = (world.sign_in(app.test_client(), who) for who in ("hr", "hr2"))
    assert "起案件待您办理" not in reporter.get("/").text
    assert re.search(r'stat-figure">0</span>\s*<span class="stat-label">起案件', reporter.get("/").text)
    assert next_thing(other.get("/").text) == (f"/permits/cases/{case_id}", "办理案件")


def test_a_sanction_is_offered_to_who_takes_its_next_step(app: Flask, world: World, now: datetime) -> None:
    permits.issue(world.learner, now - timedelta(days=10))
    _case_id, at = permits.final(world, now, code="unsafe-work")
    (sanction,) = permits.sanctions(world.learner, at)
    decider, confirmer = (world.sign_in(app.test_client(), who) for who in ("hr", "hr_lead"))
    place = f"/permits/sanctions/{sanction.sanction_id}"
    assert next_thing(decider.get("/").text) == (place, "查看处分建议")
    permits_service.sanctions.decide(
        sanction.sanction_id, impose=True, words="The limit is reached.", now=at, actor_id=world.hr, language="en"
    )
    assert "项处分待您处理" not in decider.get("/").text
    assert next_thing(confirmer.get("/").text) == (place, "查看处分决定")


def test_more_cases_than_a_page_holds_are_not_counted_short(world: World, client: FlaskClient, now: datetime) -> None:
    permits.issue(world.learner, now - timedelta(days=10))
    for _ in range(26):
        permits.report(world, now)
    page = world.sign_in(client, "hr").get("/").text
    assert "至少 25 起案件待您办理" in page
    assert 'stat-figure">25+<' in page


def test_hr_finds_undelivered_mails_and_waiting_imports_at_the_desk(
    world: World, client: FlaskClient, now: datetime
) -> None:
    accounts.set_language(world.hr, "en", now=now)
    hr = world.sign_in(client, "hr")
    page = hr.get("/").text
    assert "not delivered" not in page
    assert "to apply or drop" not in page
    with transaction() as session:
        notice = Notice(
            person_id=world.learner, kind="level_awarded", facts={}, path="/", key="test-notice", created_at=now
        )
        session.add(notice)
        session.flush()
        session.add(Delivery(notice_id=notice.id, channel="mail", outcome="failed", at=now, error="550"))
        for kind, state, sender in (
            ("people", "checked", world.hr2), ("people", "checked", world.hr), ("people", "applied", world.hr),
            ("licences", "checked", world.hr2),
        ):  # fmt: skip
            session.add(
                Roster(
                    kind=kind, state=RosterState(state), file_name="p.csv", erases=False, is_all=False, columns=[],
                    ignored=[], figures={}, created_by=sender, created_at=now,
                )
            )  # fmt: skip
    page = hr.get("/").text
    assert re.search(r'href="/messages">\s*<span class="stat-figure">1<', page)
    assert re.search(r'href="/roster/people">\s*<span class="stat-figure">2<', page)
    assert re.search(r'href="/roster/licences">\s*<span class="stat-figure">1<', page)
