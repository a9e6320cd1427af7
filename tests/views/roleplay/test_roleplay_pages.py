"""Role-play pages: who sees what, what a device is answered, how often the trainer's day asks the database."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.factories import World
from tests.roleplay_factories import Scene, full
from tests.statements import statements
from training_app import clock
from training_app.accounts import service as accounts
from training_app.accounts.service import today
from training_app.content import queries as content
from training_app.content import service as publishing
from training_app.db import db
from training_app.roleplay.models import MarkEvent, Performance
from training_app.roleplay.rules import MarkKind

CARD = "long-wait"


@pytest.fixture
def scene(world: World, now: datetime) -> Scene:
    return Scene.started(world, now)


def _events(now: datetime, marks: dict[str, int]) -> list[dict[str, Any]]:
    return [
        {"seq": number, "kind": "mark", "criterion": name, "value": value, "at": now.isoformat()}
        for number, (name, value) in enumerate(marks.items(), 1)
    ]


def _post(client: FlaskClient, path: str, body: object) -> Any:
    return client.post(
        path, data=json.dumps(body), content_type="application/json", headers={"Accept": "application/json"}
    )


def _secrets(now: datetime) -> list[str]:
    card = content.get_current(db.session(), "scenario_card", CARD, now.date()).body
    db.session.rollback()
    told = [*card["only_customer_knows"], *card["calms"], *card["angers"], card["fair_outcome"], card["mood"]]
    return [one["zh"][:20] for one in told + card["must_not_promise"]]


def test_a_trainer_plans_draws_adds_people_and_starts(client: FlaskClient, world: World) -> None:
    world.sign_in(client, "trainer")
    planned = client.post(
        "/roleplay/plan",
        data={"drill": "complaint", "card": "", "at": "2026-11-24T10:00", "unit": world.units["outlet_a"]},
    )
    assert planned.status_code == 302, planned.text
    page = planned.location
    empty = client.get(page).text
    assert "还没有被评分的技师" in empty
    assert 'value="prepare"' not in empty
    assert "王小明" in client.get(f"{page}?q=wangx").text
    assert "赵外人" not in client.get(f"{page}?q=zhao").text
    refused = client.post(f"{page}/move", data={"move": "prepare"}, follow_redirects=True)
    assert "至少添加一名被评分的技师" in refused.text
    before = db.session.scalar(sa.select(Performance.card_key))
    db.session.rollback()
    client.post(f"{page}/people", data={"person": world.learner, "part": "learner"})
    client.post(f"{page}/people", data={"person": world.learner2, "part": "customer"})
    client.post(f"{page}/draw")
    assert db.session.scalar(sa.select(Performance.card_key)) != before
    started = client.post(f"{page}/move", data={"move": "prepare"}, follow_redirects=True)
    assert re.search(r'data-seconds-left="(1800|179\d)"', started.text)
    performing = client.post(f"{page}/move", data={"move": "perform"}, follow_redirects=True)
    assert re.search(r'data-seconds-left="(900|89\d)"', performing.text)


def test_the_time_that_is_typed_is_that_of_china(client: FlaskClient, world: World) -> None:
    world.sign_in(client, "trainer")
    data = {"drill": "complaint", "card": CARD, "at": "2026-11-24T10:00", "unit": world.units["outlet_a"]}
    client.post("/roleplay/plan", data=data)
    assert db.session.scalar(sa.select(Performance.planned_at)).isoformat() == "2026-11-24T02:00:00+00:00"


def test_a_plan_with_a_mistake_keeps_what_was_typed_and_names_the_field(client: FlaskClient, world: World) -> None:
    world.sign_in(client, "trainer")
    answer = client.post("/roleplay/plan", data={"drill": "complaint", "card": CARD, "at": "", "unit": "1"})
    assert answer.status_code == 422
    assert "请填写日期和时间" in answer.text
    assert f'<option selected value="{CARD}">' in answer.text


def test_a_unit_of_another_region_cannot_be_planned_for(client: FlaskClient, world: World) -> None:
    world.sign_in(client, "trainer")
    data = {"drill": "complaint", "card": CARD, "at": "2026-11-24T10:00", "unit": world.units["outlet_b"]}
    assert client.post("/roleplay/plan", data=data).status_code == 422


def test_the_learner_reads_the_brief_alone_and_the_customer_the_whole_card(client: FlaskClient, scene: Scene) -> None:
    path = f"/roleplay/sessions/{scene.public_id}"
    brief = scene.world.sign_in(client, "learner").get(path)
    assert "任务说明" in brief.text
    assert not [words for words in _secrets(scene.now) if words in brief.text]
    client.post("/sign-out")
    card = scene.world.sign_in(client, "learner2").get(path).text
    assert [words for words in _secrets(scene.now) if words in card] == _secrets(scene.now)


def test_a_trainer_who_plays_the_learner_does_not_see_the_card(
    client: FlaskClient, world: World, now: datetime
) -> None:
    scene = Scene.plan(world, now, people={"trainer2": "learner", "learner2": "customer"})
    text = world.sign_in(client, "trainer2").get(f"/roleplay/sessions/{scene.public_id}").text
    assert "任务说明" in text
    assert not [words for words in _secrets(now) if words in text]


@pytest.mark.parametrize("who", ["outsider", "stranger", "learner3", "hr"])
def test_who_has_no_business_with_a_session_finds_nothing(client: FlaskClient, scene: Scene, who: str) -> None:
    scene.world.add("stranger", "吴外区", "region_b", scene.now, roles=("trainer",))
    scene.world.add("learner3", "钱小七", "outlet_a", scene.now)
    scene.scored("trainer")
    scene.world.sign_in(client, who)
    for path in ("", f"/result/{scene.world.learner}"):
        assert client.get(f"/roleplay/sessions/{scene.public_id}{path}").status_code == 404
    assert client.post(f"/roleplay/sessions/{scene.public_id}/move", data={"move": "end"}).status_code == 404


def test_a_batch_is_confirmed_by_number_and_the_lock_leads_to_the_result(client: FlaskClient, scene: Scene) -> None:
    rater = scene.rater()
    path = f"/roleplay/sheets/{rater.sheet_id}"
    scene.world.sign_in(client, "trainer")
    assert "data-score-sheet" in client.get(path).text
    events = _events(scene.now, full(scene.now))
    answer = _post(client, f"{path}/marks", {"client": "tablet-0001", "events": events[:5]})
    assert answer.json["confirmed"] == [1, 2, 3, 4, 5]
    assert answer.json["total"] == 5
    refused = _post(client, f"{path}/lock", {"client": "tablet-0001", "seq": 8, "at": scene.now.isoformat()})
    assert refused.status_code == 409
    assert {"kind": "not_received", "criterion": None, "number": 6} in refused.json["missing"]
    _post(client, f"{path}/marks", {"client": "tablet-0001", "events": events})
    seq = len(events) + 1
    locked = _post(client, f"{path}/lock", {"client": "tablet-0001", "seq": seq, "at": scene.now.isoformat()})
    assert locked.json["locked"]
    assert "合格" in client.get(locked.json["to"]).text
    late = _post(client, f"{path}/marks", {"client": "phone-0001", "events": events[:1]})
    assert late.status_code == 409
    assert "已锁定" in late.json["detail"]


ONE = {"seq": 1, "kind": "mark", "criterion": "listening", "value": 3, "at": "2026-11-23T01:00:00Z"}


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"client": "tablet-0001"},
        {"client": "X", "events": []},
        {"client": "tablet-0001", "events": [], "more": 1},
        *(
            {"client": "tablet-0001", "events": [event]}
            for event in (
                7,
                {"seq": 0},
                ONE | {"seq": True},
                ONE | {"seq": 2**40},
                ONE | {"kind": "lock"},
                ONE | {"kind": ["mark"]},
                ONE | {"value": 3.5},
                ONE | {"at": "yesterday"},
                ONE | {"at": "0001-01-01T00:00:00+23:59"},
                ONE | {"kind": "comment", "value": None, "words": "\x00\ud800"},
                ONE | {"actor": 1},
            )
        ),
    ],
)
def test_a_malformed_batch_is_refused_in_words_and_writes_nothing(
    client: FlaskClient, scene: Scene, body: object
) -> None:
    rater = scene.rater()
    scene.world.sign_in(client, "trainer")
    answer = _post(client, f"/roleplay/sheets/{rater.sheet_id}/marks", body)
    assert answer.status_code == 422
    assert answer.json["code"] == "not_on_sheet"
    assert db.session.scalar(sa.select(sa.func.count()).select_from(MarkEvent)) == 0


def test_a_device_whose_session_has_ended_is_told_401_and_nothing_is_stored(client: FlaskClient, scene: Scene) -> None:
    rater = scene.rater()
    body = {"client": "tablet-0001", "events": _events(scene.now, {"listening": 3})}
    path = f"/roleplay/sheets/{rater.sheet_id}"
    assert _post(client, f"{path}/marks", body).status_code == 401
    assert client.get(f"{path}/state", headers={"Accept": "application/json"}).status_code == 401
    scene.world.sign_in(client, "trainer")
    assert _post(client, f"{path}/marks", body).json["confirmed"] == [1]


def test_the_sheet_of_another_rater_is_not_to_be_found(client: FlaskClient, scene: Scene) -> None:
    rater = scene.rater()
    scene.world.sign_in(client, "trainer2")
    path = f"/roleplay/sheets/{rater.sheet_id}"
    assert client.get(path).status_code == 404
    assert client.get(f"{path}/state").status_code == 404
    assert _post(client, f"{path}/marks", {"client": "tablet-0001", "events": []}).status_code == 404


def test_the_learner_sees_the_result_once_every_sheet_is_locked_and_only_the_own(
    client: FlaskClient, scene: Scene
) -> None:
    second = scene.rater("trainer2")
    scene.scored("trainer", level=4)
    path = f"/roleplay/sessions/{scene.public_id}/result/{scene.world.learner}"
    scene.world.sign_in(client, "learner")
    assert "结果尚未公布" in client.get(path).text
    second.fill(level=2, grade=2)
    second.lock()
    text = client.get(path).text
    assert "需要第三位评分人" in text
    assert "超出允许差距" in text
    assert "陈老师" in text
    assert client.get(f"/roleplay/sessions/{scene.public_id}/result/{scene.world.learner2}").status_code == 404


def test_words_of_a_rater_are_shown_as_typed(client: FlaskClient, scene: Scene) -> None:
    rater = scene.rater()
    rater.fill()
    rater.send(rater.touch(MarkKind.COMMENT, "listening", words="<img src=x onerror=alert(1)> 很好"))
    rater.lock()
    scene.world.sign_in(client, "learner")
    text = client.get(f"/roleplay/sessions/{scene.public_id}/result/{scene.world.learner}").text
    assert "&lt;img src=x onerror=alert(1)&gt; 很好" in text
    assert "<img src=x" not in text


def test_the_sheet_says_that_one_rater_suffices_and_who_has_not_reviewed_it(client: FlaskClient, scene: Scene) -> None:
    text = scene.world.sign_in(client, "trainer").get(f"/roleplay/sheets/{scene.rater().sheet_id}").text
    assert "一人评分即可" in text
    assert "编写：" in text


def test_sheet_and_session_say_of_each_version_whether_a_company_expert_has_reviewed_it(
    client: FlaskClient, scene: Scene, now: datetime
) -> None:
    sheet, session = f"/roleplay/sheets/{scene.rater().sheet_id}", f"/roleplay/sessions/{scene.public_id}"
    scene.world.sign_in(client, "trainer")

    def unsigned() -> list[int]:
        return [client.get(page).text.count("未经企业专家审定") for page in (sheet, session)]

    assert unsigned() == [2, 1]  # the scoring sheet and the card; the card
    card = content.get_current(db.session(), "scenario_card", CARD, today(now))
    db.session.rollback()
    publishing.sign_off(card.id, now=now, actor_id=scene.world.administrator)
    assert unsigned() == [1, 0]


def test_the_trainers_day_asks_the_database_as_often_for_ten_sessions_as_for_one(
    client: FlaskClient, world: World, now: datetime
) -> None:
    world.sign_in(client, "trainer")

    def asked() -> int:
        db.session.remove()
        with statements() as seen:
            assert client.get("/roleplay/day").status_code == 200
        return len(seen)

    Scene.started(world, now).rater()
    asked()  # content is read once per process
    few = asked()
    for _ in range(9):
        Scene.started(world, now).rater()
    assert asked() == few
    assert few <= 16


def test_the_first_page_of_role_play_is_the_day_of_a_trainer_and_the_list_of_a_learner(
    app: Flask, scene: Scene
) -> None:
    trainer, learner = app.test_client(), app.test_client()
    assert "今日安排" in scene.world.sign_in(trainer, "trainer").get("/roleplay", follow_redirects=True).text
    text = scene.world.sign_in(learner, "learner").get("/roleplay", follow_redirects=True).text
    assert "正在进行" in text
    assert learner.get("/roleplay/day").status_code == 404


def test_the_timer_is_the_servers(client: FlaskClient, scene: Scene) -> None:
    scene.world.sign_in(client, "trainer")
    clock.move_to(scene.now + timedelta(minutes=14))
    text = client.get(f"/roleplay/sessions/{scene.public_id}").text
    assert re.search(r'data-seconds-left="(60|5\d)"', text)
    assert "data-over hidden" in text
    clock.move_to(scene.now + timedelta(minutes=16))
    assert "data-over>" in client.get(f"/roleplay/sessions/{scene.public_id}").text


@pytest.mark.parametrize(("level", "words"), [(4, "计入等级要求"), (1, "请与培训师再约一次演练")])
def test_the_result_tells_the_learner_what_follows_from_it(
    client: FlaskClient, scene: Scene, level: int, words: str
) -> None:
    scene.scored("trainer", level=level, grade=level)
    scene.world.sign_in(client, "learner")
    assert words in client.get(f"/roleplay/sessions/{scene.public_id}/result/{scene.world.learner}").text


def test_what_went_wrong_leads_the_learner_to_the_lessons_that_teach_it(client: FlaskClient, scene: Scene) -> None:
    rater = scene.rater("trainer")
    rater.fill(level=4, grade=4, **{"names-the-feeling": 0, "escalates-at-once": 0})
    rater.lock()
    path = f"/roleplay/sessions/{scene.public_id}/result/{scene.world.learner}"
    page = scene.world.sign_in(client, "learner").get(path).text
    study = page.split('id="study-title"')[1].split("</section>")[0]
    assert re.findall(r'href="/courses/complaint-handling/lessons/([a-z-]+)"', study) == [
        "beyond-your-authority", "feelings-first", "in-a-crisis",
    ]  # fmt: skip
    assert client.get("/courses/complaint-handling/lessons/feelings-first").status_code == 200
    assert "有助于：" in study
    other = scene.world.sign_in(client.application.test_client(), "trainer")
    assert 'id="study-title"' not in other.get(path).text


def test_past_its_day_a_session_with_open_sheets_is_shown_as_to_be_finished(
    app: Flask, world: World, scene: Scene, now: datetime
) -> None:
    rater = scene.rater("trainer2")
    rater.fill()
    clock.move_to(now + timedelta(days=2))
    leader, other, learner = (world.sign_in(app.test_client(), who) for who in ("trainer", "trainer2", "learner"))
    assert "待他人完成：1 张评分表" in leader.get("/").text
    assert "待完成：1 张评分表" in leader.get("/roleplay/day").text
    page = leader.get(f"/roleplay/sessions/{scene.public_id}").text
    assert "尚未锁定：孙老师" in page
    assert 'value="perform"' not in page
    assert "当天已过，待完成" in other.get("/roleplay/day").text
    assert "未完成" in other.get("/").text
    assert "评分中" in learner.get("/roleplay/mine").text


def test_a_session_that_nobody_held_says_so_and_cannot_be_started(app: Flask, world: World, now: datetime) -> None:
    planned = Scene.plan(world, now)
    clock.move_to(now + timedelta(days=1))
    leader, learner = (world.sign_in(app.test_client(), who) for who in ("trainer", "learner"))
    page = leader.get(f"/roleplay/sessions/{planned.public_id}").text
    assert "这场演练没有举行" in page
    assert 'value="begin"' not in page
    assert "未举行" in leader.get("/roleplay/day").text
    assert "未举行" in learner.get("/roleplay/mine").text
    answer = leader.post(f"/roleplay/sessions/{planned.public_id}/move", data={"move": "begin"}, follow_redirects=True)
    assert "这场演练没有举行" in answer.text


def test_past_its_day_only_who_leads_is_told_to_finish_and_nothing_moves(
    app: Flask, scene: Scene, now: datetime
) -> None:
    sheet = f"/roleplay/sheets/{scene.rater().sheet_id}"
    session = f"/roleplay/sessions/{scene.public_id}"
    leader, learner = (scene.world.sign_in(app.test_client(), who) for who in ("trainer", "learner"))
    assert "停止计时" in leader.get(sheet).text
    clock.move_to(now + timedelta(days=1))
    for browser, who in ((leader, "trainer"), (learner, "learner")):
        scene.world.sign_in(browser, who)
    told = leader.get(session).text + leader.get(sheet).text
    assert told.count("待完成") >= 2
    for word in ("停止计时", "data-over", 'name="q"', "移除"):
        assert word not in told
    page = learner.get(session).text
    assert "评分中" in page
    assert "待完成" not in page


def test_a_sheet_that_nobody_can_finish_is_withdrawn_on_the_page_of_the_session(
    app: Flask, scene: Scene, now: datetime
) -> None:
    scene.rater("trainer2")
    session = f"/roleplay/sessions/{scene.public_id}"
    accounts.deactivate_person(scene.world.trainer2, on=today(now), now=now, actor_id=scene.world.hr)
    clock.move_to(now + timedelta(days=1))
    trainer = scene.world.sign_in(app.test_client(), "trainer")
    assert "有 1 张评分表无法完成" in trainer.get(session).text
    withdraw = f"{session}/withdraw/{scene.world.learner}"
    assert "请写明评分表为何无法完成" in trainer.post(withdraw, follow_redirects=True).text
    page = trainer.post(withdraw, data={"words": "孙老师已离职"}, follow_redirects=True).text
    assert "已作废" in page
    assert "无法完成：" not in page
    assert "没有成绩" in page
    learner = scene.world.sign_in(app.test_client(), "learner")
    assert "没有成绩" in learner.get("/roleplay/mine").text
    assert "没有成绩" in learner.get(f"{session}/result/{scene.world.learner}").text
