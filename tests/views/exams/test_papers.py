"""The learner's pages: start, paper, saving, result; what may never be sent."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests import exams_factories as make
from tests.factories import World
from tests.statements import statements
from training_app import clock
from training_app.content import service as content
from training_app.db import db, transaction
from training_app.exams import service, sittings
from training_app.exams.models import Attempt
from training_app.items import queries as items
from training_app.items.rules import ItemType


@pytest.fixture
def learner(world: World, client: FlaskClient) -> FlaskClient:
    return world.sign_in(client, "learner")


def _seated(world: World, now: datetime) -> int:
    sitting_id = make.sitting(world, now)
    sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
    return sitting_id


def _started(world: World, now: datetime, learner: FlaskClient) -> str:
    _seated(world, now)
    answer = learner.post(f"/exams/{make.EXAM}/start")
    assert answer.status_code == 302, answer.text
    return str(answer.location).rsplit("/", 1)[-1]


def _secrets(public_id: str) -> list[str]:
    """Return every text that only a marker may see, in both languages."""
    found = []
    for item in make.paper_items(public_id):
        found += list(item.explanation.values())
        for option in (*item.options, *item.prompts):
            found += list(option.feedback.values())
    return found


def test_without_admission_the_page_says_what_is_needed(learner: FlaskClient, world: World) -> None:
    page = learner.get(f"/exams/{make.EXAM}").text
    assert "您还没有获得这项考试的准考资格" in page
    assert "data:image/svg+xml" in page
    assert learner.post(f"/exams/{make.EXAM}/start").location.endswith(f"/exams/{make.EXAM}")


def test_an_admission_without_a_seat_is_not_used_up(learner: FlaskClient, world: World, now: datetime) -> None:
    make.admit(world, now)
    assert "请找考官安排座位" in learner.get("/exams").text
    learner.post(f"/exams/{make.EXAM}/start")
    with pytest.raises(sa.exc.NoResultFound):
        make.attempt("none")
    assert "现在开始考试" not in learner.get(f"/exams/{make.EXAM}").text


def test_a_start_before_the_sitting_opens_is_refused_in_words(
    learner: FlaskClient, world: World, now: datetime
) -> None:
    sitting_id = sittings.create_sitting(
        make.EXAM, unit_id=world.units["outlet_a"], room=None, opens_at=now + timedelta(hours=1),
        closes_at=now + timedelta(hours=3), now=now, actor_id=world.examiner,
    )  # fmt: skip
    sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
    answer = learner.post(f"/exams/{make.EXAM}/start", follow_redirects=True)
    assert "场次开始后即可考试" in answer.text


def test_the_paper_holds_no_key_and_no_feedback(learner: FlaskClient, world: World, now: datetime) -> None:
    public_id = _started(world, now, learner)
    opened = learner.post(f"/attempts/{public_id}/open", json={})
    saved = learner.post(
        f"/attempts/{public_id}/save",
        json={"epoch": opened.json["epoch"], "saves": make.as_json(make.saves(public_id))},
    )
    assert saved.status_code == 200
    told = learner.get(f"/attempts/{public_id}").text + opened.text + saved.text
    # As the browser reads it: quotation marks are escaped in the page.
    from markupsafe import escape

    for secret in _secrets(public_id):
        assert secret not in told
        assert str(escape(secret)) not in told
    for word in ("correct", "feedback", "explanation", "all_or_nothing", "difficulty"):
        assert word not in told


def test_an_exam_result_shows_topics_but_neither_questions_nor_keys(
    learner: FlaskClient, world: World, now: datetime
) -> None:
    public_id = _started(world, now, learner)
    make.hand_in(world, public_id, now, good=3)
    page = learner.get(f"/attempts/{public_id}/result").text
    assert "result-stopped" in page
    assert "/courses/" in page
    for item in make.paper_items(public_id):
        assert item.stem["zh"] not in page
    assert not any(secret in page for secret in _secrets(public_id))


def test_the_paper_takes_at_most_three_reads_whatever_its_length(
    learner: FlaskClient, world: World, now: datetime
) -> None:
    public_id = _started(world, now, learner)
    with statements("SELECT", "WITH") as seen:
        assert learner.get(f"/attempts/{public_id}").status_code == 200
    own = [one for one in seen if "sign_in_session" not in one and "role_permission" not in one]
    assert 2 <= len(own) <= 3, own  # the questions themselves never change: a process reads them once
    learner.get(f"/attempts/{public_id}")
    with statements("SELECT", "WITH") as again:
        learner.get(f"/attempts/{public_id}")
    assert len(again) == 3, again  # who reads, the attempt with its paper, the answers


def test_a_save_says_when_the_server_has_it(learner: FlaskClient, world: World, now: datetime) -> None:
    public_id = _started(world, now, learner)
    save = make.as_json(make.saves(public_id))[0]
    answer = learner.post(f"/attempts/{public_id}/save", json={"epoch": 1, "saves": [save]})
    left = pytest.approx(make.LIMIT.total_seconds(), abs=30)
    assert answer.json == {"saved_at": "09:00", "confirmed": {save["item"]: 1}, "seconds_left": left, "epoch": 1}
    assert "服务器已保存" in learner.get(f"/attempts/{public_id}").text


def test_another_browser_has_to_take_over_and_then_the_first_is_refused(
    app: Flask, learner: FlaskClient, world: World, now: datetime
) -> None:
    public_id = _started(world, now, learner)
    tablet = world.sign_in(app.test_client(), "learner")
    assert "在这里继续" in tablet.get(f"/attempts/{public_id}").text
    tablet.post(f"/attempts/{public_id}/open")
    assert 'id="paper-form"' in tablet.get(f"/attempts/{public_id}").text
    save = make.as_json(make.saves(public_id))[0]
    refused = learner.post(f"/attempts/{public_id}/save", json={"epoch": 1, "saves": [save]})
    assert refused.status_code == 409
    assert refused.json["code"] == "opened_elsewhere"
    assert "另一台设备" in refused.json["detail"]
    assert refused.json["confirmed"] == {}


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"epoch": "1", "saves": []}, {"epoch": 1, "saves": [{}]},
     {"epoch": 1, "saves": [{"item": "x", "seq": 1}]}, {"epoch": 1, "saves": [{"item": "x", "seq": -1}]},
     {"epoch": True, "saves": []}],
)  # fmt: skip
def test_a_save_that_makes_no_sense_is_refused_in_words(
    learner: FlaskClient, world: World, now: datetime, body: object
) -> None:
    public_id = _started(world, now, learner)
    answer = learner.post(f"/attempts/{public_id}/save", data=json.dumps(body), content_type="application/json")
    assert answer.status_code == 422
    assert "重新载入页面" in answer.json["detail"]


def test_the_whole_exam_works_without_script(learner: FlaskClient, world: World, now: datetime) -> None:
    public_id = _started(world, now, learner)
    items = make.paper_items(public_id)
    form: dict[str, object] = {"epoch": "1", "seq": "1", f"flag:{items[0].key}": "1"}
    for item in items:
        if item.type is ItemType.MATCHING:
            form |= {f"a:{item.key}:{prompt}": match for prompt, match in item.pairs.items()}
        else:
            form[f"a:{item.key}"] = make.right(item)
    learner.post(f"/attempts/{public_id}/save", data=form)
    page = learner.get(f"/attempts/{public_id}").text
    assert page.count("data-answered>") == len(items)
    assert "is-flagged" in page
    learner.post(f"/attempts/{public_id}/submit", data=form | {"seq": "2"})
    row = make.attempt(public_id)
    assert row.passed
    assert row.raw_score == str(row.max_score)


def test_an_ordering_question_moves_without_script_and_is_blank_until_then(
    learner: FlaskClient, world: World, now: datetime
) -> None:
    row = None
    for _try in range(40):
        started = service.start_quiz(world.learner2, "complaint-handling", now=now)
        if any(item.type is ItemType.ORDERING for item in make.paper_items(started.public_id)):
            row = started
            break
        make.hand_in(world, started.public_id, now, who="learner2")
    assert row is not None
    other = world.sign_in(learner.application.test_client(), "learner2")
    other.post(f"/attempts/{row.public_id}/open")
    from training_app.exams.paper_queries import get_paper

    question = next(
        one
        for one in get_paper(db.session(), row.public_id, world.learner2, now).questions
        if one.item.type is ItemType.ORDERING
    )
    key, ids = question.item.key, [option.id for option in question.item.options]
    form = {"epoch": "2", "seq": "1", f"a:{key}": ids}
    other.post(f"/attempts/{row.public_id}/save", data=form)
    assert make.answers(row.public_id)[key] == []
    other.post(f"/attempts/{row.public_id}/save", data=form | {"seq": "2", "move": f"{key}:{ids[0]}:down"})
    assert make.answers(row.public_id)[key] == [ids[1], ids[0], *ids[2:]]


def test_after_time_is_over_the_page_leads_to_the_result(learner: FlaskClient, world: World, now: datetime) -> None:
    public_id = _started(world, now, learner)
    learner.post(f"/attempts/{public_id}/save", json={"epoch": 1, "saves": make.as_json(make.saves(public_id))[:1]})
    clock.move_to(now + make.LIMIT + timedelta(minutes=1))
    assert learner.get(f"/attempts/{public_id}").location.endswith("/result")
    assert "已保存的答案即将自动交卷" in learner.get(f"/attempts/{public_id}/result").text
    answer = learner.post(f"/attempts/{public_id}/finish", follow_redirects=True)
    assert "result-stopped" in answer.text
    assert make.attempt(public_id).finished_at == make.attempt(public_id).deadline_at


def test_handing_in_twice_tells_so_and_shows_the_one_result(learner: FlaskClient, world: World, now: datetime) -> None:
    public_id = _started(world, now, learner)
    learner.post(f"/attempts/{public_id}/submit", data={"epoch": "1", "seq": "1"})
    answer = learner.post(f"/attempts/{public_id}/submit", data={"epoch": "1", "seq": "2"}, follow_redirects=True)
    assert answer.status_code == 200
    assert "本次考试已交卷" in answer.text


def test_a_contest_needs_words_and_is_sent_once(learner: FlaskClient, world: World, now: datetime) -> None:
    public_id = _started(world, now, learner)
    make.hand_in(world, public_id, now, good=0)
    assert learner.post(f"/attempts/{public_id}/contest", data={"words": ""}).status_code == 422
    page = learner.post(f"/attempts/{public_id}/contest", data={"words": "题目有误"}, follow_redirects=True).text
    assert "已转交人力资源" in page
    assert learner.post(f"/attempts/{public_id}/contest", data={"words": "again"}).status_code == 409


def test_a_quiz_explains_every_option_once_it_is_handed_in(learner: FlaskClient, world: World, now: datetime) -> None:
    answer = learner.post("/quizzes/communication/start")
    public_id = str(answer.location).rsplit("/", 1)[-1]
    secrets = _secrets(public_id)
    before = learner.get(f"/attempts/{public_id}").text
    assert not any(secret in before for secret in secrets)
    assert "不限时" in before
    make.hand_in(world, public_id, now, good=0)
    page = learner.get(f"/attempts/{public_id}/result").text
    from markupsafe import escape

    shown = [str(escape(secret)) for secret in secrets if any("\u4e00" <= sign <= "\u9fff" for sign in secret)]
    assert shown
    assert [secret for secret in shown if secret not in page] == []
    assert "再做一次" in page


def test_every_question_names_its_author_until_an_expert_has_signed_it_says_so(
    learner: FlaskClient, world: World, now: datetime
) -> None:
    public_id = str(learner.post("/quizzes/communication/start").location).rsplit("/", 1)[-1]
    form_id = db.session.scalar(sa.select(Attempt.exam_form_id).where(Attempt.public_id == public_id))
    assert form_id is not None
    places = items.get_form(db.session(), form_id).places
    db.session.rollback()
    unsigned = "未经企业专家审定"
    page = learner.get(f"/attempts/{public_id}").text
    assert page.count("编写：") == page.count(unsigned) == len(places)
    signed, again = places[0].version_id, places[1].version_id
    for version_id in (signed, again):
        content.sign_off(version_id, now=now, actor_id=world.hr_lead)
    content.sign_off(again, now=now, actor_id=world.hr_lead, withdraw=True)
    assert learner.get(f"/attempts/{public_id}").text.count(unsigned) == len(places) - 1
    make.hand_in(world, public_id, now, good=0)
    page = learner.get(f"/attempts/{public_id}/result").text
    assert page.count("编写：") == len(places)
    assert page.count(unsigned) == len(places) - 1


@pytest.mark.parametrize("who", ["outsider", "learner2"])
def test_another_persons_paper_is_not_there(app: Flask, world: World, now: datetime, who: str) -> None:
    mine = world.sign_in(app.test_client(), "learner")
    public_id = _started(world, now, mine)
    other = world.sign_in(app.test_client(), who)
    assert other.get(f"/attempts/{public_id}").status_code == 404
    assert other.get(f"/attempts/{public_id}/result").status_code == 404
    assert other.post(f"/attempts/{public_id}/open").status_code == 404
    assert other.post(f"/attempts/{public_id}/save", json={"epoch": 1, "saves": []}).status_code == 404
    assert other.post(f"/attempts/{public_id}/submit", data={"epoch": "1"}).status_code == 404
    assert make.attempt(public_id).epoch == 1


def test_the_pages_read_in_english_too(learner: FlaskClient, world: World, now: datetime) -> None:
    learner.post("/language", data={"lang": "en"})
    public_id = _started(world, now, learner)
    assert f"Question 1 of {make.QUESTIONS}" in learner.get(f"/attempts/{public_id}").text
    make.hand_in(world, public_id, now)
    assert "Passed" in learner.get(f"/attempts/{public_id}/result").text
    assert "Attempts so far" in learner.get("/exams").text


def test_handing_in_sends_no_more_statements_than_it_needs(learner: FlaskClient, world: World, now: datetime) -> None:
    public_id = _started(world, now, learner)
    learner.get("/")  # content is read once per process
    with statements() as sent:
        answer = learner.post(f"/attempts/{public_id}/submit", data={"epoch": "1", "seq": "1"})
    assert answer.status_code == 302
    assert len(sent) <= 47, sent
    papers = [one for one in sent if "FROM exam_form" in one or "JOIN exam_form" in one]
    assert len(papers) == 2, papers  # to read what the browser posted, and under the lock


def test_a_result_page_never_shows_a_pass_below_its_pass_mark(
    learner: FlaskClient, world: World, now: datetime
) -> None:
    public_id = _started(world, now, learner)
    make.hand_in(world, public_id, now)
    with transaction() as session:
        row = session.scalars(sa.select(Attempt).where(Attempt.public_id == public_id)).one()
        row.raw_score, row.max_score, row.passed = "85/4", 25, True
        row.snapshot = {**row.snapshot, "cut": "17/20"}
    page = learner.get(f"/attempts/{public_id}/result").text
    assert page.count("21.25 / 25") == 2
