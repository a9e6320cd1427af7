"""The examiner's screen: plan, admit, check, invigilate, extend, end; and who is kept out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests import exams_factories as make
from tests.factories import World
from tests.statements import statements
from training_app import clock
from training_app.exams import contests, service, sittings
from training_app.sweeping import sweep


@pytest.fixture
def examiner(world: World, client: FlaskClient) -> FlaskClient:
    return world.sign_in(client, "examiner")


def test_an_examiner_plans_a_sitting_and_admits_by_number(examiner: FlaskClient, world: World, now: datetime) -> None:
    form = {
        "exam_key": make.EXAM, "unit_id": world.units["outlet_a"], "room": "3", "on": "2026-11-23", "opens": "09:00",
        "closes": "11:00",
    }  # fmt: skip
    answer = examiner.post("/sittings/new", data=form)
    assert answer.status_code == 302
    page = examiner.post(f"{answer.location}/admit", data={"number": world.numbers["learner"]}, follow_redirects=True)
    assert "王小明" in page.text
    assert "身份未核验" in page.text
    assert "王小明" in examiner.get(f"{answer.location}/people").text


@pytest.mark.parametrize(("field", "value"), [("closes", "08:00"), ("unit_id", "0"), ("exam_key", "no"), ("on", "x")])
def test_a_sitting_that_makes_no_sense_is_refused_at_its_field(
    examiner: FlaskClient, world: World, field: str, value: str
) -> None:
    form = {
        "exam_key": make.EXAM, "unit_id": world.units["outlet_a"], "on": "2026-11-23", "opens": "09:00",
        "closes": "11:00",
    } | {field: value}  # fmt: skip
    answer = examiner.post("/sittings/new", data=form)
    assert answer.status_code == 422
    assert "error-text" in answer.text


def test_a_sitting_cannot_be_planned_at_a_unit_out_of_reach(examiner: FlaskClient, world: World) -> None:
    form = {
        "exam_key": make.EXAM, "unit_id": world.units["outlet_b"], "on": "2026-11-23", "opens": "09:00",
        "closes": "11:00",
    }  # fmt: skip
    assert examiner.post("/sittings/new", data=form).status_code == 422


def test_a_scanned_code_leads_to_the_only_open_sitting(examiner: FlaskClient, world: World, now: datetime) -> None:
    sitting_id = make.sitting(world, now)
    answer = examiner.get("/sittings/arrive?number=T-10000")
    assert answer.location == f"/sittings/{sitting_id}?number=T-10000"
    assert 'value="T-10000"' in examiner.get(answer.location).text
    make.sitting(world, now)
    assert "T-10000" in examiner.get("/sittings/arrive?number=T-10000").text


@pytest.mark.parametrize("who", ["outsider", "examiner"])
def test_who_is_out_of_reach_or_oneself_is_not_admitted(
    examiner: FlaskClient, world: World, now: datetime, who: str
) -> None:
    sitting_id = make.sitting(world, now)
    answer = examiner.post(f"/sittings/{sitting_id}/admit", data={"number": world.numbers[who]})
    assert answer.status_code in (403, 422)
    assert "还没有人入场" in answer.text


def test_used_up_attempts_are_told_and_one_more_can_be_granted(
    examiner: FlaskClient, world: World, now: datetime
) -> None:
    make.admit(world, now, attempts=1)
    make.hand_in(world, service.start_attempt(world.learner, make.EXAM, now=clock.now()).public_id, now, good=0)
    sitting_id, number = make.sitting(world, now), world.numbers["learner"]
    refused = examiner.post(f"/sittings/{sitting_id}/admit", data={"number": number})
    assert refused.status_code == 422
    assert "再给一次机会" in refused.text
    granted = examiner.post(
        f"/sittings/{sitting_id}/admit", data={"number": number, "again": "yes"}, follow_redirects=True
    )
    assert "王小明" in granted.text
    service.start_attempt(world.learner, make.EXAM, now=clock.now())


def test_identity_invigilation_and_hand_in_make_a_supervised_attempt(
    examiner: FlaskClient, world: World, now: datetime
) -> None:
    sitting_id = make.sitting(world, now)
    examiner.post(f"/sittings/{sitting_id}/admit", data={"number": world.numbers["learner"]})
    examiner.post(f"/sittings/{sitting_id}/identity", data={"person_id": world.learner, "is_right": "yes"})
    examiner.post(f"/sittings/{sitting_id}/invigilate")
    public_id = service.start_attempt(world.learner, make.EXAM, now=clock.now()).public_id
    assert "作答中" in examiner.get(f"/sittings/{sitting_id}/people").text
    assert make.hand_in(world, public_id, clock.now()).supervised
    page = examiner.get(f"/sittings/{sitting_id}").text
    assert "监考下完成" in page
    assert "已监考" in page


def test_minutes_need_a_reason_and_move_the_deadline_once(examiner: FlaskClient, world: World, now: datetime) -> None:
    sitting_id, public_id = make.supervised_start(world, now)
    form = {"minutes": "10", "words": "停电", "idem": "once", "person_id": ""}
    assert examiner.post(f"/sittings/{sitting_id}/extend", data=form | {"words": ""}).status_code == 422
    assert examiner.post(f"/sittings/{sitting_id}/extend", data=form | {"minutes": "0"}).status_code == 422
    for _twice in (1, 2):
        assert examiner.post(f"/sittings/{sitting_id}/extend", data=form).status_code == 302
    assert make.attempt(public_id).deadline_at == now + make.LIMIT + timedelta(minutes=10)


def test_an_attempt_is_voided_with_words(examiner: FlaskClient, world: World, now: datetime) -> None:
    sitting_id, public_id = make.supervised_start(world, now)
    form = {"person_id": world.learner, "words": ""}
    refused = examiner.post(f"/sittings/{sitting_id}/void", data=form, follow_redirects=True)
    assert "请写明原因" in refused.text
    examiner.post(f"/sittings/{sitting_id}/void", data=form | {"words": "使用手机"})
    assert make.attempt(public_id).status.value == "voided"


def test_a_sitting_ends_only_when_nobody_writes(examiner: FlaskClient, world: World, now: datetime) -> None:
    sitting_id, public_id = make.supervised_start(world, now)
    assert "还有 1 人在作答" in examiner.post(f"/sittings/{sitting_id}/end", follow_redirects=True).text
    make.hand_in(world, public_id, clock.now())
    assert "本场已结束" in examiner.post(f"/sittings/{sitting_id}/end", follow_redirects=True).text


def test_the_words_of_a_contest_reach_the_examiner_literally(
    examiner: FlaskClient, world: World, now: datetime
) -> None:
    sitting_id, public_id = make.supervised_start(world, now)
    make.hand_in(world, public_id, now, good=0)
    service.contest_attempt(public_id, world.learner, words="<img src=x> 第3题", language="zh", now=now)
    page = examiner.get(f"/sittings/{sitting_id}").text
    assert "&lt;img src=x&gt; 第3题" in page


@pytest.mark.parametrize("who", ["learner", "trainer", "manager", "outsider"])
def test_others_find_no_sittings_at_all(app: Flask, world: World, now: datetime, who: str) -> None:
    sitting_id = make.sitting(world, now)
    other = world.sign_in(app.test_client(), who)
    for path in ("/sittings", "/sittings/new", f"/sittings/{sitting_id}", f"/sittings/{sitting_id}/people"):
        assert other.get(path).status_code == 404
    assert other.post(f"/sittings/{sitting_id}/identity", data={"person_id": world.learner}).status_code == 404
    assert other.post(f"/sittings/{sitting_id}/invigilate").status_code == 404


def test_an_examiner_of_another_region_does_not_find_the_sitting(app: Flask, world: World, now: datetime) -> None:
    sitting_id = make.sitting(world, now)
    world.add("examiner_b", "外区考官", "region_b", now, roles=("examiner",))
    other = world.sign_in(app.test_client(), "examiner_b")
    assert f"/sittings/{sitting_id}" not in other.get("/sittings").text
    assert other.get(f"/sittings/{sitting_id}").status_code == 404
    assert other.post(f"/sittings/{sitting_id}/invigilate").status_code == 404
    assert other.post(f"/sittings/{sitting_id}/end").status_code == 404


def test_the_list_of_who_sits_takes_the_same_reads_for_any_number(
    examiner: FlaskClient, world: World, now: datetime
) -> None:
    sitting_id = make.sitting(world, now)

    def reads() -> int:
        with statements("SELECT") as seen:
            assert examiner.get(f"/sittings/{sitting_id}/people").status_code == 200
        return len(seen)

    sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
    reads()  # content is read once per process
    one = reads()
    for who in ("learner2", "trainer", "trainer2"):
        sittings.seat_person(sitting_id, world.people[who], now=now, actor_id=world.examiner)
        service.start_attempt(world.people[who], make.EXAM, now=clock.now())
    assert reads() == one


def test_the_examiner_sees_that_a_contest_was_answered(examiner: FlaskClient, world: World, now: datetime) -> None:
    sitting_id, public_id = make.supervised_start(world, now)
    make.hand_in(world, public_id, now, good=0)
    service.contest_attempt(public_id, world.learner, words="第3题", language="zh", now=now)
    assert "异议已答复" not in examiner.get(f"/sittings/{sitting_id}").text
    contests.answer_contest(public_id, is_upheld=False, words="核对过", language="zh", now=now, actor_id=world.hr)
    assert "异议已答复" in examiner.get(f"/sittings/{sitting_id}").text


def test_past_its_day_a_sitting_is_ended_before_and_after_the_sweeper_has_come(
    client: FlaskClient, world: World, now: datetime
) -> None:
    sitting_id, _public_id = make.supervised_start(world, now)
    clock.move_to(now + timedelta(hours=6))
    world.sign_in(client, "examiner")
    assert "时间已到" in client.get(f"/sittings/{sitting_id}").text
    clock.move_to(now + timedelta(days=1))
    world.sign_in(client, "examiner")
    for swept in (False, True):
        if swept:
            sweep(now=clock.now())
        page = client.get(f"/sittings/{sitting_id}").text
        assert "已结束" in page
        assert f'action="/sittings/{sitting_id}/end"' not in page
        assert "已结束" in client.get("/sittings").text
