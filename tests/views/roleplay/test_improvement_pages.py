"""Pages of improvement plans: the learner writes, the trainer answers, everybody else finds nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import World
from tests.roleplay_factories import Scene
from tests.statements import statements
from training_app.accounts.service import today
from training_app.db import db
from training_app.roleplay import improvement_service
from training_app.roleplay.improvement_rules import Goal
from training_app.roleplay.models import ImprovementPlan


@pytest.fixture
def scene(world: World, now: datetime) -> Scene:
    """Return a session that the learner did not pass, weakest in communication."""
    scene = Scene.started(world, now)
    scene.scored("trainer", level=2, grade=2, communication=1)
    return scene


def address(scene: Scene) -> str:
    return f"/roleplay/sessions/{scene.public_id}/plan"


def own(scene: Scene) -> str:
    return f"{address(scene)}/{scene.world.learner}"


def typed(now: datetime, count: int = 3, **more: str) -> dict[str, str]:
    fields = {"seen": "0", "version": "1"}
    for n in range(1, count + 1):
        fields |= {
            f"criterion_{n}": "communication", f"aim_{n}": f"先说结论 {n}", f"steps_{n}": "每单练一次",
            f"by_{n}": (today(now) + timedelta(days=10)).isoformat(),
        }  # fmt: skip
    return fields | more


def handed_in(scene: Scene) -> None:
    by = today(scene.now) + timedelta(days=10)
    goals = [Goal(criterion="communication", aim=f"先说结论 {n}", steps="每单练一次", by=by) for n in range(3)]
    improvement_service.hand_in(
        scene.public_id,
        scene.world.learner,
        goals=goals,
        version=1,
        seen=0,
        language="zh",
        now=scene.now + timedelta(hours=3),
    )


def test_the_weakest_criterion_is_proposed_first_and_the_plan_is_the_next_thing_due(
    client: FlaskClient, scene: Scene
) -> None:
    scene.world.sign_in(client, "learner")
    text = client.get(own(scene)).text
    first = text[text.index('name="criterion_1"') :]
    assert '<option selected value="communication">' in first[: first.index("</select>")]
    assert "请写 3 至 5 个看得见、数得清的目标" in text
    home = client.get("/").text
    assert "填写您的改进计划" in home
    assert own(scene) in home
    assert "待写计划" in client.get("/roleplay/mine").text
    assert "填写计划" in client.get(f"/roleplay/sessions/{scene.public_id}/result/{scene.world.learner}").text


def test_a_draft_comes_back_as_typed_and_is_shown_to_nobody_else(app: Flask, client: FlaskClient, scene: Scene) -> None:
    scene.world.sign_in(client, "learner")
    saved = client.post(address(scene), data=typed(scene.now, 1, do="save", aim_1="<b>半句"), follow_redirects=True)
    assert saved.request.path == own(scene)
    assert "&lt;b&gt;半句" in saved.text
    assert "草稿已于" in saved.text
    trainer = scene.world.sign_in(app.test_client(), "trainer")
    text = trainer.get(own(scene)).text
    assert "尚未提交" in text
    assert "半句" not in text


def test_an_incomplete_plan_names_each_field_and_keeps_what_was_typed(client: FlaskClient, scene: Scene) -> None:
    scene.world.sign_in(client, "learner")
    answer = client.post(address(scene), data=typed(scene.now, 2, do="hand_in", aim_2="", steps_1="做一件事"))
    assert answer.status_code == 422
    for words in ("请至少写 3 个目标", "目标 2：怎样算做到：请写明怎样算做到。", "做一件事"):
        assert words in answer.text


def test_a_draft_of_another_window_is_not_overwritten_unseen(client: FlaskClient, scene: Scene) -> None:
    scene.world.sign_in(client, "learner")
    client.post(address(scene), data=typed(scene.now, do="save"))
    answer = client.post(address(scene), data=typed(scene.now, do="save", aim_1="另一个窗口的话"))
    assert answer.status_code == 409
    assert "另一个窗口的话" in answer.text
    assert 'name="seen" type="hidden" value="1"' in answer.text
    client.post(address(scene), data=typed(scene.now, do="save", aim_1="另一个窗口的话", seen="1"))
    assert "另一个窗口的话" in client.get(own(scene)).text


def test_handing_in_from_an_old_window_keeps_the_newer_draft_and_what_was_typed(
    client: FlaskClient, scene: Scene
) -> None:
    scene.world.sign_in(client, "learner")
    client.post(address(scene), data=typed(scene.now, do="save", aim_1="较新的草稿"))
    answer = client.post(address(scene), data=typed(scene.now, do="hand_in", aim_1="旧窗口的话"))
    assert answer.status_code == 409
    assert "旧窗口的话" in answer.text
    assert 'name="seen" type="hidden" value="1"' in answer.text
    assert "较新的草稿" in client.get(own(scene)).text
    sent = client.post(address(scene), data=typed(scene.now, do="hand_in", aim_1="旧窗口的话", seen="1"))
    assert sent.status_code == 302
    assert "旧窗口的话" in client.get(own(scene)).text


def test_what_was_typed_and_comes_too_late_is_shown_and_not_lost(client: FlaskClient, scene: Scene) -> None:
    handed_in(scene)
    scene.world.sign_in(client, "learner")
    answer = client.post(address(scene), data=typed(scene.now, do="hand_in", aim_1="晚到的话"))
    assert answer.status_code == 409
    assert "已经提交" in answer.text
    assert "晚到的话" in answer.text


def test_the_trainers_day_leads_to_the_plan_and_its_answer_to_the_next(
    app: Flask, client: FlaskClient, scene: Scene
) -> None:
    handed_in(scene)
    trainer = scene.world.sign_in(client, "trainer")
    day = trainer.get("/roleplay/day").text
    assert "待审阅的改进计划：1 份" in day
    assert own(scene) in day
    assert "份改进计划待审阅" in trainer.get("/").text
    empty = trainer.post(f"{own(scene)}/answer", data={"outcome": "send_back", "words": " ", "version": "1"})
    assert empty.status_code == 422
    assert "请写明要改什么" in empty.text
    sent = trainer.post(f"{own(scene)}/answer", data={"outcome": "send_back", "words": "写上次数", "version": "1"})
    assert sent.location == "/roleplay/day"
    late = trainer.post(
        f"{own(scene)}/answer", data={"outcome": "approve", "words": "", "version": "1"}, follow_redirects=True
    )
    assert "这一版已经答复过" in late.text
    learner = scene.world.sign_in(app.test_client(), "learner")
    assert "修改您的改进计划" in learner.get("/").text
    text = learner.get(own(scene)).text
    assert "写上次数" in text
    assert "先说结论 0" in text  # to be changed, not typed anew
    learner.post(address(scene), data=typed(scene.now, do="hand_in", version="2"))
    trainer.post(f"{own(scene)}/answer", data={"outcome": "approve", "words": "好", "version": "2"})
    text = learner.get(own(scene)).text
    assert "计划已通过" in text
    assert "第 1 版" in text
    assert "填写您的改进计划" not in learner.get("/").text


@pytest.mark.parametrize("who", ["outsider", "stranger", "learner2", "hr"])
def test_who_has_no_business_with_a_plan_finds_nothing(client: FlaskClient, scene: Scene, who: str) -> None:
    scene.world.add("stranger", "吴外区", "region_b", scene.now, roles=("trainer",))
    handed_in(scene)
    scene.world.sign_in(client, who)
    assert client.get(own(scene)).status_code == 404
    assert client.post(address(scene), data=typed(scene.now, do="hand_in")).status_code == 404
    answer = client.post(f"{own(scene)}/answer", data={"outcome": "approve", "version": "1"})
    assert answer.status_code in (403, 404)
    assert answer.status_code == 404 or who != "stranger"


def test_another_trainer_reads_and_does_not_answer(client: FlaskClient, scene: Scene) -> None:
    handed_in(scene)
    scene.world.sign_in(client, "trainer2")
    text = client.get(own(scene)).text
    assert "先说结论 0" in text
    assert 'name="outcome"' not in text
    refused = client.post(f"{own(scene)}/answer", data={"outcome": "approve", "version": "1"}, follow_redirects=True)
    assert "由主持这场演练的培训师答复" in refused.text


def test_the_day_and_the_first_page_ask_as_often_for_many_plans_as_for_one(
    client: FlaskClient, world: World, now: datetime
) -> None:
    world.sign_in(client, "trainer")

    def asked(path: str) -> int:
        db.session.remove()
        with statements() as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    def one_more() -> None:
        scene = Scene.started(world, now)
        scene.scored("trainer", level=2, grade=2)
        handed_in(scene)

    one_more()
    paths = ("/roleplay/day", "/")
    for path in paths:
        asked(path)  # content is read once per process
    few = [asked(path) for path in paths]
    for _ in range(5):
        one_more()
    assert [asked(path) for path in paths] == few
    assert db.session.scalar(sa.select(sa.func.count()).select_from(ImprovementPlan)) == 6


def test_the_day_says_unsent_marks_first_then_sessions_sheets_plans_and_offers_next_and_scan(
    client: FlaskClient, scene: Scene
) -> None:
    handed_in(scene)
    Scene.started(scene.world, scene.now).rater()
    text = scene.world.sign_in(client, "trainer").get("/roleplay/day").text
    parts = ("data-unsent-marks", 'id="running"', 'id="sheets"', 'id="plans"', "打开下一项", "/roleplay/scan")
    places = [text.index(part) for part in parts]
    assert places == sorted(places)
