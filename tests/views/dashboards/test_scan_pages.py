"""Scanning a technician: whom a code leads to, what is next with them, and that all others look like nobody."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from tests.dashboards_factories import certify
from tests.factories import World
from tests.roleplay_factories import Scene, grants
from training_app import clock
from training_app.accounts import service as accounts
from training_app.accounts.service import today
from training_app.credentials import live_service
from training_app.credentials.models import Certificate, LiveCode
from training_app.db import db
from training_app.permits.models import Permit
from training_app.roleplay import improvement_queries, improvement_service, service
from training_app.roleplay.improvement_rules import Goal


@pytest.fixture
def trainer(client: FlaskClient, world: World) -> FlaskClient:
    return world.sign_in(client, "trainer")


def scan(client: FlaskClient, text: str) -> Any:
    return client.post("/roleplay/scan", data={"code": text})


def one(query: sa.Select[Any]) -> str:
    found: str = db.session.scalars(query).one()
    db.session.rollback()
    return found


def person(world: World, name: str = "learner") -> str:
    return f"/roleplay/people/{world.people[name]}"


def _number(world: World) -> str:
    return world.numbers["learner"].lower()


def _permit(world: World) -> str:
    return one(sa.select(Permit.number).where(Permit.person_id == world.learner)).replace("-", " ")


def _door(world: World) -> str:
    return "https://permit.example.org/d/" + one(sa.select(Permit.door_code).where(Permit.person_id == world.learner))


def _certificate(world: World) -> str:
    return "https://permit.example.org/c/" + one(
        sa.select(Certificate.code).where(Certificate.person_id == world.learner)
    )


def _phone(world: World) -> str:
    live_service.show(world.learner, now=clock.now())
    return "https://permit.example.org/d/" + one(sa.select(LiveCode.code).where(LiveCode.person_id == world.learner))


def _digits(world: World) -> str:
    live_service.show(world.learner, now=clock.now())
    return one(sa.select(LiveCode.digits).where(LiveCode.person_id == world.learner))


CSRF = re.compile(r'name="csrf_token" value="[^"]*"')


@pytest.mark.parametrize("code_of", [_number, _permit, _door, _certificate, _phone, _digits])
def test_every_code_of_a_technician_leads_to_them_and_out_of_reach_it_looks_like_nobodys(
    client: FlaskClient, world: World, now: datetime, code_of: Callable[[World], str]
) -> None:
    world.add("stranger", "吴外区", "region_b", now, roles=("trainer",))
    clock.move_to(certify(world, world.learner, now))
    code = code_of(world)
    world.sign_in(client, "trainer")
    assert scan(client, code).location == person(world)
    client.post("/sign-out")
    world.sign_in(client, "stranger")
    refused = scan(client, code)
    assert refused.status_code == 422
    assert _answer(refused.text, code) == _answer(scan(client, "T-99999").text, "T-99999")


def _answer(text: str, typed: str) -> str:
    """Return the page but for what was typed and the token of its form, which tells the second it was made in."""
    return CSRF.sub("", text[text.index("<main") :].replace(typed, ""))


def test_a_code_that_a_phone_no_longer_shows_leads_to_nobody(client: FlaskClient, world: World, now: datetime) -> None:
    clock.move_to(certify(world, world.learner, now))
    code = _phone(world)
    clock.move_to(clock.now() + timedelta(minutes=3))
    world.sign_in(client, "trainer")
    assert scan(client, code).status_code == 422


@pytest.mark.parametrize("text", ["", "   ", "https://permit.example.org/d/", "' OR 1=1 --", "9" * 400])
def test_what_is_no_code_is_answered_in_words(trainer: FlaskClient, text: str) -> None:
    answer = scan(trainer, text)
    assert answer.status_code == 422
    assert "您能管到的人员中没有这个码或编号" in answer.text


def test_who_has_left_is_found_no_more(trainer: FlaskClient, world: World, now: datetime) -> None:
    assert scan(trainer, world.numbers["learner"]).location == person(world)
    accounts.deactivate_person(world.learner, on=today(now), now=now, actor_id=world.hr)
    assert scan(trainer, world.numbers["learner"]).status_code == 422


def test_it_leads_to_the_sheet_then_the_session_of_today_then_the_plan_then_the_person(
    trainer: FlaskClient, world: World, now: datetime
) -> None:
    number = world.numbers["learner"]
    planned = Scene.plan(world, now)
    assert scan(trainer, number).location == f"/roleplay/sessions/{planned.public_id}"
    scene = Scene.started(world, now)
    assert (
        scan(trainer, number).location == f"/roleplay/sessions/{scene.public_id}"
    )  # what runs, before what is planned
    rater = scene.rater()
    assert scan(trainer, number).location == f"/roleplay/sheets/{rater.sheet_id}"
    rater.fill(level=2, grade=2)
    rater.lock()
    assert scan(trainer, number).location == f"/roleplay/sessions/{planned.public_id}"
    service.cancel(planned.public_id, actor_id=world.trainer, grants=grants(world.trainer, now), now=now)
    assert scan(trainer, number).location == person(world)
    by = today(now) + timedelta(days=9)
    goals = [Goal(criterion="listening", aim=f"看得见 {n}", steps="每天", by=by) for n in range(3)]
    improvement_service.hand_in(
        scene.public_id, world.learner, goals=goals, version=1, seen=0, language="zh", now=now + timedelta(hours=3)
    )
    plan = f"/roleplay/sessions/{scene.public_id}/plan/{world.learner}/answer"
    assert scan(trainer, number).location == plan


def test_a_plan_is_found_behind_any_number_that_wait_longer(
    trainer: FlaskClient, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(improvement_queries, "LIMIT", 1)
    by = today(now) + timedelta(days=9)
    goals = [Goal(criterion="listening", aim=f"看得见 {n}", steps="每天", by=by) for n in range(3)]
    for number, (who, other) in enumerate((("learner2", "learner"), ("learner", "learner2"))):
        scene = Scene.started(world, now, people={who: "learner", other: "customer"})
        rater = scene.rater(about=who)
        rater.fill(level=2, grade=2)
        rater.lock()
        improvement_service.hand_in(
            scene.public_id, world.people[who], goals=goals, version=1, seen=0, language="zh",
            now=now + timedelta(hours=3 + number),
        )  # fmt: skip
    plan = f"/roleplay/sessions/{scene.public_id}/plan/{world.learner}/answer"
    assert scan(trainer, world.numbers["learner"]).location == plan


def test_a_session_of_tomorrow_and_one_that_is_played_wait_for_nobody_today(
    trainer: FlaskClient, world: World, now: datetime
) -> None:
    service.plan(
        drill="complaint", card_key="long-wait", unit_id=world.units["outlet_a"], at=now + timedelta(days=1),
        led_by=world.trainer, grants=grants(world.trainer, now), now=now, people={world.learner: "learner"},
    )  # fmt: skip
    Scene.started(world, now).scored("trainer2")
    assert scan(trainer, world.numbers["learner"]).location == person(world)


def test_a_trainer_reads_the_role_plays_of_a_technician_within_reach_alone(
    trainer: FlaskClient, world: World, now: datetime
) -> None:
    scene = Scene.started(world, now)
    scene.scored("trainer", level=2, grade=2)
    text = trainer.get(person(world)).text
    assert "王小明" in text
    assert "不合格" in text
    assert "待写计划" in text
    assert f"/roleplay/sessions/{scene.public_id}/result/{world.learner}" in text
    assert trainer.get(person(world, "outsider")).status_code == 404
    assert trainer.get("/roleplay/people/999999").status_code == 404


def test_words_about_the_camera_are_not_mistaken_for_a_refused_form(trainer: FlaskClient) -> None:
    assert "data-refused" not in trainer.get("/roleplay/scan").text


def test_only_this_page_may_ask_for_the_camera(trainer: FlaskClient) -> None:
    assert trainer.get("/roleplay/scan").headers["Permissions-Policy"].endswith("camera=(self)")
    assert scan(trainer, "nobody").headers["Permissions-Policy"].endswith("camera=(self)")
    for other in ("/roleplay/day", "/", "/nothing/here"):
        assert trainer.get(other).headers["Permissions-Policy"].endswith("camera=()")


@pytest.mark.parametrize("who", ["learner", "hr"])
def test_who_scores_nobody_scans_nobody(client: FlaskClient, world: World, who: str) -> None:
    world.sign_in(client, who)
    assert client.get("/roleplay/scan").status_code == 404
    assert scan(client, world.numbers["learner"]).status_code == 404
