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
from training_app.accounts import service as accounts
from training_app.accounts.service import today
from training_app.content import queries as content
from training_app.content import service as publishing
from training_app.db import db
from training_app.roleplay import improvement_queries, improvement_service
from training_app.roleplay.improvement_rules import Goal
from training_app.roleplay.models import ImprovementPlan


@pytest.fixture
def scene(world: World, now: datetime) -> Scene:
    """Return a session that the learner did not pass, weakest in communication."""
    scene = Scene.started(world, now)
    scene.scored("trainer", level=2, grade=2, communication=1)
    return scene


def own(scene: Scene) -> str:
    return f"/roleplay/sessions/{scene.public_id}/plan/{scene.world.learner}"


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
    saved = client.post(own(scene), data=typed(scene.now, 1, do="save", aim_1="<b>半句"), follow_redirects=True)
    assert saved.request.path == own(scene)
    assert "&lt;b&gt;半句" in saved.text
    assert "草稿已于" in saved.text
    trainer = scene.world.sign_in(app.test_client(), "trainer")
    text = trainer.get(own(scene)).text
    assert "尚未提交" in text
    assert "半句" not in text


def test_an_incomplete_plan_names_each_field_and_keeps_what_was_typed(client: FlaskClient, scene: Scene) -> None:
    scene.world.sign_in(client, "learner")
    answer = client.post(own(scene), data=typed(scene.now, 2, do="hand_in", aim_2="", steps_1="做一件事"))
    assert answer.status_code == 422
    for words in ("请至少写 3 个目标", "目标 2：怎样算做到：请写明怎样算做到。", "做一件事"):
        assert words in answer.text


def test_a_draft_of_another_window_is_not_overwritten_unseen(client: FlaskClient, scene: Scene) -> None:
    scene.world.sign_in(client, "learner")
    client.post(own(scene), data=typed(scene.now, do="save"))
    answer = client.post(own(scene), data=typed(scene.now, do="save", aim_1="另一个窗口的话"))
    assert answer.status_code == 409
    assert "另一个窗口的话" in answer.text
    assert 'name="seen" type="hidden" value="1"' in answer.text
    client.post(own(scene), data=typed(scene.now, do="save", aim_1="另一个窗口的话", seen="1"))
    assert "另一个窗口的话" in client.get(own(scene)).text


def test_handing_in_from_an_old_window_keeps_the_newer_draft_and_what_was_typed(
    client: FlaskClient, scene: Scene
) -> None:
    scene.world.sign_in(client, "learner")
    client.post(own(scene), data=typed(scene.now, do="save", aim_1="较新的草稿"))
    answer = client.post(own(scene), data=typed(scene.now, do="hand_in", aim_1="旧窗口的话"))
    assert answer.status_code == 409
    assert "旧窗口的话" in answer.text
    assert 'name="seen" type="hidden" value="1"' in answer.text
    assert "较新的草稿" in client.get(own(scene)).text
    sent = client.post(own(scene), data=typed(scene.now, do="hand_in", aim_1="旧窗口的话", seen="1"))
    assert sent.status_code == 302
    assert "旧窗口的话" in client.get(own(scene)).text


def test_what_was_typed_and_comes_too_late_is_shown_and_not_lost(client: FlaskClient, scene: Scene) -> None:
    handed_in(scene)
    scene.world.sign_in(client, "learner")
    answer = client.post(own(scene), data=typed(scene.now, do="hand_in", aim_1="晚到的话"))
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
    assert f'href="{own(scene)}/answer"' in day
    assert "份改进计划待审阅" in trainer.get("/").text
    empty = trainer.post(f"{own(scene)}/answer", data={"outcome": "send_back", "words": " ", "version": "1"})
    assert empty.status_code == 422
    assert "请写明要改什么" in empty.text
    sent = trainer.post(f"{own(scene)}/answer", data={"outcome": "send_back", "words": "写上次数", "version": "1"})
    assert sent.location == "/roleplay/day"
    late = trainer.post(f"{own(scene)}/answer", data={"outcome": "approve", "words": "", "version": "1"})
    assert late.status_code == 409
    assert "这一版已经答复过" in late.text
    learner = scene.world.sign_in(app.test_client(), "learner")
    assert "修改您的改进计划" in learner.get("/").text
    text = learner.get(own(scene)).text
    assert "写上次数" in text
    assert "先说结论 0" in text  # to be changed, not typed anew
    learner.post(own(scene), data=typed(scene.now, do="hand_in", version="2"))
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
    assert client.post(own(scene), data=typed(scene.now, do="hand_in")).status_code == 404
    answer = client.post(f"{own(scene)}/answer", data={"outcome": "approve", "version": "1"})
    assert answer.status_code in (403, 404)
    assert answer.status_code == 404 or who != "stranger"


def test_another_trainer_reads_and_does_not_answer(client: FlaskClient, scene: Scene) -> None:
    handed_in(scene)
    scene.world.sign_in(client, "trainer2")
    text = client.get(own(scene)).text
    assert "先说结论 0" in text
    assert 'name="outcome"' not in text
    refused = client.post(f"{own(scene)}/answer", data={"outcome": "approve", "words": "我写的话", "version": "1"})
    assert refused.status_code == 403
    assert "由主持这场演练的培训师答复" in refused.text
    assert "我写的话" in refused.text
    assert 'name="outcome"' not in refused.text
    assert client.get(f"{own(scene)}/answer").location == own(scene)


def test_after_a_refusal_the_page_stands_where_it_is_read(app: Flask, client: FlaskClient, scene: Scene) -> None:
    learner = scene.world.sign_in(client, "learner")
    refused = learner.post(own(scene), data=typed(scene.now, 1, do="hand_in"))
    assert (refused.status_code, learner.get(own(scene)).status_code) == (422, 200)
    assert f'action="{own(scene)}"' in refused.text
    handed_in(scene)
    trainer = scene.world.sign_in(app.test_client(), "trainer")
    reads = trainer.get(own(scene), follow_redirects=True)
    assert (reads.status_code, reads.request.path) == (200, f"{own(scene)}/answer")
    assert f'action="{reads.request.path}"' in reads.text
    empty = trainer.post(reads.request.path, data={"outcome": "send_back", "words": "", "version": "1"})
    assert (empty.status_code, trainer.get(empty.request.path).status_code) == (422, 200)
    assert trainer.post(own(scene), data=typed(scene.now, do="save")).status_code == 404


def test_what_a_trainer_wrote_is_kept_when_a_newer_version_came_meanwhile(
    app: Flask, client: FlaskClient, scene: Scene
) -> None:
    handed_in(scene)
    trainer = scene.world.sign_in(client, "trainer")
    answer = {"outcome": "send_back", "words": "写上次数", "version": "1"}
    trainer.post(f"{own(scene)}/answer", data=answer)
    learner = scene.world.sign_in(app.test_client(), "learner")
    learner.post(own(scene), data=typed(scene.now, do="hand_in", version="2", aim_1="第二版的话"))
    late = trainer.post(f"{own(scene)}/answer", data={**answer, "outcome": "approve", "words": "这版可以"})
    assert late.status_code == 409
    for words in ("这一版已经答复过", "第二版的话", "这版可以"):
        assert words in late.text
    assert 'name="version" type="hidden" value="2"' in late.text
    assert "checked" not in late.text[late.text.index('name="outcome"') :]  # they have not read this one yet
    learner.get(own(scene))
    assert trainer.post(f"{own(scene)}/answer", data={**answer, "version": "2"}).status_code == 302


def test_goals_that_were_typed_do_not_vanish_when_fewer_are_allowed_meanwhile(
    client: FlaskClient, scene: Scene
) -> None:
    world, now = scene.world, scene.now
    body = content.get_current(db.session(), "settings", "organisation", today(now)).body
    fewer = {**body, "plan_goals_min": 1, "plan_goals_max": 3, "effective_on": today(now).isoformat()}
    publishing.publish("settings", fewer, now=now, actor_id=world.administrator)
    world.sign_in(client, "learner")
    refused = client.post(own(scene), data=typed(now, 5, do="hand_in"))
    assert refused.status_code == 422
    assert "最多写 3 个目标" in refused.text
    assert "先说结论 5" in refused.text
    client.post(own(scene), data=typed(now, 5, do="save"))
    assert "先说结论 5" in client.get(own(scene)).text
    assert 'name="aim_11"' not in client.post(own(scene), data=typed(now, 30, do="hand_in")).text


def test_a_line_break_counts_once_as_the_browser_counts_it(client: FlaskClient, scene: Scene) -> None:
    scene.world.sign_in(client, "learner")
    full = "字" * 149 + "\r\n" + "字" * 150  # 300 for the browser
    answer = client.post(own(scene), data=typed(scene.now, do="hand_in", aim_1=full))
    assert answer.status_code == 302
    assert "字" * 149 + "\n" + "字" * 150 in client.get(own(scene)).text


def test_who_will_read_a_plan_is_named_only_while_they_can(app: Flask, client: FlaskClient, scene: Scene) -> None:
    learner = scene.world.sign_in(client, "learner")
    leader = "陈老师审阅"
    assert leader in learner.get(own(scene)).text
    accounts.deactivate_person(scene.world.trainer, on=today(scene.now), now=scene.now, actor_id=scene.world.hr)
    text = learner.get(own(scene)).text
    assert leader not in text
    assert "所在中心的培训师" in text
    handed_in(scene)
    text = learner.get(own(scene)).text
    assert leader not in text
    assert "所在中心的培训师" in text


def test_the_day_says_how_many_plans_wait_and_how_many_of_them_it_shows(
    client: FlaskClient, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed_in(scene)
    other = Scene.started(scene.world, scene.now)
    other.scored("trainer", level=2, grade=2)
    handed_in(other)
    trainer = scene.world.sign_in(client, "trainer")
    text = trainer.get("/roleplay/day").text
    assert "待审阅的改进计划：2 份" in text
    assert "等待最久" not in text
    monkeypatch.setattr(improvement_queries, "LIMIT", 1)
    text = trainer.get("/roleplay/day").text
    assert "待审阅的改进计划：2 份" in text
    assert "等待最久的 1 份" in text
    assert own(other) not in text


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
