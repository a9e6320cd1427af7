import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests.courses_factories import COURSE, LESSON, LESSONS, finish, finish_course, publish, version_of
from tests.factories import World
from tests.statements import statements
from training_app.accounts import service as accounts
from training_app.accounts.locks import lock_person
from training_app.content.models import ContentMedia
from training_app.content.service import sign_off
from training_app.courses import queries, service
from training_app.courses.models import LearningEvent, LessonProgress
from training_app.courses.service import ask_again
from training_app.db import db, transaction
from training_app.storage import service as storage

PAGE = f"/courses/{COURSE}/lessons/{LESSON}"


def _reads(client: FlaskClient, path: str) -> int:
    with statements() as said:
        assert client.get(path).status_code == 200
    return sum(statement.lstrip().upper().startswith("SELECT") for statement in said)


def _options(now: datetime) -> dict[bool, dict[str, Any]]:
    return {o["correct"]: o for o in version_of("lesson", LESSON, now).body["check"]["options"]}


@pytest.fixture
def learner(world: World, client: FlaskClient) -> FlaskClient:
    return world.sign_in(client, "learner")


@pytest.mark.parametrize("path", ["/courses", f"/courses/{COURSE}", PAGE])
@pytest.mark.parametrize(
    ("person", "status"),
    [
        ("learner", 200),
        ("outsider", 200),  # courses are for everybody who learns; what is shown is the person's own
        ("trainer", 200),
        ("examiner", 404),
        ("certifier", 404),
        ("manager", 404),
        ("hr", 404),
        ("administrator", 404),
    ],
)
def test_who_learns_sees_the_pages(world: World, client: FlaskClient, person: str, path: str, status: int) -> None:
    assert world.sign_in(client, person).get(path).status_code == status


@pytest.mark.parametrize("path", ["/courses", f"/courses/{COURSE}", PAGE])
def test_a_visitor_is_led_to_the_sign_in_page(world: World, client: FlaskClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer.location.startswith("/sign-in")


@pytest.mark.parametrize(
    "path",
    ["/courses/none", f"/courses/{COURSE}/lessons/none", f"/courses/service-etiquette/lessons/{LESSON}"],
)
def test_what_is_not_there_is_a_404_by_every_method(learner: FlaskClient, path: str) -> None:
    assert learner.get(path).status_code == 404
    for step in ("place", "check", "finish"):
        answer = learner.post(f"{path}/{step}", data={"version": 1, "position": 1, "seconds": 1, "option": "a"})
        assert answer.status_code == 404


def test_nobody_sees_the_progress_of_another(world: World, client: FlaskClient, now: datetime) -> None:
    finish(world.learner, LESSON, now)
    world.sign_in(client, "outsider")
    assert "2026年11月23日学完" not in client.get(PAGE).text
    assert 'data-position="0"' in client.get(PAGE).text


def test_my_courses_show_the_due_day_with_its_weekday_and_one_way_to_go_on(
    world: World, learner: FlaskClient, now: datetime
) -> None:
    service.enrol_person(world.learner, COURSE, due_on=date(2026, 11, 27), now=now, actor_id=world.hr)
    text = learner.get("/courses").text
    assert "请在11月27日 周五前完成，" in text
    assert text.count('button-primary" href') == 1
    assert f'href="{PAGE}"' in text


def test_a_due_day_that_has_passed_is_said(world: World, learner: FlaskClient, now: datetime) -> None:
    service.enrol_person(world.learner, COURSE, due_on=date(2026, 11, 20), now=now, actor_id=world.hr)
    assert "已过期" in learner.get("/courses").text
    finish_course(world.learner, now)
    assert "已过期" not in learner.get("/courses").text


def test_a_step_of_a_lower_room_stands_with_its_course(learner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def quiz(_session: object, _person_id: int, course_key: str) -> queries.Step | None:
        if course_key != COURSE:
            return None
        return queries.Step(label="考一考", href="/quiz-of-communication", kind="valid", state="过了")

    monkeypatch.setattr(queries, "step_providers", [quiz])
    for path in ("/courses", f"/courses/{COURSE}"):
        text = learner.get(path).text
        assert text.count("/quiz-of-communication") == 1
        assert "过了" in text


def test_the_lesson_shows_all_its_parts_in_order(learner: FlaskClient, now: datetime) -> None:
    text = learner.get(PAGE).text
    marks = re.findall(r'<section id="(\w+)"', text)
    assert marks == ["situation", "why", "rule", "example", "counterexample", "check", "tomorrow"]
    assert text.index("这样做") < text.index("不要这样")
    assert "未经企业专家审定" in text
    assert "课程编写组" in text
    assert "第 1 版" in text


def test_the_expert_signature_replaces_the_warning(world: World, learner: FlaskClient, now: datetime) -> None:
    sign_off(version_of("lesson", LESSON, now).id, now=now, actor_id=world.administrator)
    text = learner.get(PAGE).text
    assert "未经企业专家审定" not in text
    assert "企业专家已审定" in text


def test_the_page_is_whole_in_english_too(world: World, learner: FlaskClient, now: datetime) -> None:
    accounts.set_language(world.learner, "en", now=now)
    text = learner.get(PAGE).text
    assert "Hear it out, say it back" in text
    assert "Not yet reviewed by a company expert" in text
    main = text[text.index("<main") : text.index("</main>")]
    assert not re.search(r"[\u4e00-\u9fff]", main)


def test_no_feedback_and_no_key_is_sent_before_the_answer(learner: FlaskClient, now: datetime) -> None:
    text = learner.get(PAGE).text
    for option in version_of("lesson", LESSON, now).body["check"]["options"]:
        assert option["text"]["zh"] in text.replace("&#34;", '"')
        assert option["feedback"]["zh"] not in text
    assert "correct" not in text


@pytest.mark.parametrize("is_right", [True, False])
def test_the_answer_brings_the_feedback_of_the_chosen_option_alone(
    learner: FlaskClient, now: datetime, is_right: bool
) -> None:
    options = _options(now)
    data = {"version": version_of("lesson", LESSON, now).id, "option": options[is_right]["id"]}
    part = learner.post(f"{PAGE}/check", data=data, headers={"HX-Request": "true"})
    assert part.status_code == 200
    assert "<html" not in part.text
    answer = learner.post(f"{PAGE}/check", data=data)
    assert (answer.status_code, answer.location) == (302, f"{PAGE}#check")
    for text in (part.text, learner.get(PAGE).text):
        assert options[is_right]["feedback"]["zh"] in text
        assert options[not is_right]["feedback"]["zh"] not in text


@pytest.mark.parametrize("data", [{}, {"version": "1"}, {"option": "z"}, {"version": "x", "option": "a"}])
def test_an_answer_that_is_none_is_told_at_the_question(learner: FlaskClient, data: dict[str, str]) -> None:
    part = learner.post(f"{PAGE}/check", data=data, headers={"HX-Request": "true"})
    page = learner.post(f"{PAGE}/check", data=data)
    assert (part.status_code, page.status_code) == (200, 422)
    assert "请先选一个答案" in part.text
    assert "请先选一个答案" in page.text


def test_the_place_is_saved_and_said_back(world: World, learner: FlaskClient, now: datetime) -> None:
    data = {"version": version_of("lesson", LESSON, now).id, "position": 500, "seconds": 3}
    answer = learner.post(f"{PAGE}/place", data=data)
    assert answer.json == {"position": 500, "minutes_left": 3, "saved_at": "09:00"}
    text = learner.get(PAGE).text
    assert 'data-position="500"' in text
    assert "还需 3 分钟" in text


@pytest.mark.parametrize(
    "wrong", [{"position": "1001"}, {"position": "-1"}, {"seconds": "x"}, {"seconds": "1e9"}, {"version": ""}]
)
def test_a_place_that_is_none_is_refused_and_writes_nothing(
    learner: FlaskClient, now: datetime, wrong: dict[str, str]
) -> None:
    data = {"version": str(version_of("lesson", LESSON, now).id), "position": "5", "seconds": "1"} | wrong
    answer = learner.post(f"{PAGE}/place", data=data)
    assert answer.status_code == 422
    assert answer.json is not None
    assert answer.json["code"] == "invalid"
    assert db.session.scalars(sa.select(LessonProgress.position)).all() == []


def test_opening_pages_writes_nothing(learner: FlaskClient) -> None:
    with statements() as said:
        for path in ("/courses", f"/courses/{COURSE}", PAGE):
            learner.get(path)
    assert [s for s in said if not s.lstrip().upper().startswith(("SELECT", "BEGIN", "PRAGMA"))] == []


def test_finishing_leads_on_to_the_next_lesson_and_then_to_the_course(
    world: World, learner: FlaskClient, now: datetime
) -> None:
    then = [*(f"/courses/{COURSE}/lessons/{key}" for key in LESSONS[1:]), f"/courses/{COURSE}"]
    for lesson, following in zip(LESSONS, then, strict=True):
        path = f"/courses/{COURSE}/lessons/{lesson}"
        version = version_of("lesson", lesson, now).id
        learner.post(f"{path}/check", data={"version": version, "option": "a"})
        for _ in range(2):  # the button pressed twice
            answer = learner.post(f"{path}/finish", data={"version": version, "position": 1000})
            assert (answer.status_code, answer.location) == (302, following)
    assert len(db.session.scalars(sa.select(LearningEvent.id)).all()) == len(LESSONS) + 1
    assert "这门课程已学完" in learner.get(f"/courses/{COURSE}").text


def test_what_a_lesson_lacks_is_linked(learner: FlaskClient, now: datetime) -> None:
    version = version_of("lesson", LESSON, now).id
    answer = learner.post(f"{PAGE}/finish", data={"version": version, "position": 10})
    assert answer.status_code == 422
    assert '<a href="#check">' in answer.text[answer.text.index("error-summary") :]
    assert '<a href="#tomorrow">' in answer.text
    assert learner.post(f"{PAGE}/finish", data={}).status_code == 422


def test_a_lesson_changed_while_open_comes_back_with_a_word(world: World, learner: FlaskClient, now: datetime) -> None:
    opened = version_of("lesson", LESSON, now).id
    learner.post(f"{PAGE}/check", data={"version": opened, "option": "a"})
    publish("lesson", LESSON, now, world.administrator, change="substantive", minutes=8)
    answer = learner.post(f"{PAGE}/finish", data={"version": opened, "position": 1000}, follow_redirects=True)
    assert "您打开期间，这一课改过" in answer.text
    assert "您开始学之后，这一课改过" in answer.text


def test_a_page_from_before_a_lesson_was_asked_again_is_told_so(
    world: World, learner: FlaskClient, now: datetime
) -> None:
    finish(world.learner, LESSON, now)
    old = {"version": version_of("lesson", LESSON, now).id, "reading_round": ""}
    with transaction():
        later = now + timedelta(seconds=1)
        ask_again(lock_person(world.learner, now=later), [LESSON], since=later)
    place = learner.post(
        f"{PAGE}/place", data=old | {"position": 1000, "seconds": 1}, headers={"Accept": "application/json"}
    )
    assert place.status_code == 409
    assert place.json is not None
    assert place.json["code"] == "lesson_asked_again"
    part = learner.post(f"{PAGE}/check", data=old | {"option": "a"}, headers={"HX-Request": "true"})
    assert "这一课需要再学一遍" in part.text
    finished = learner.post(f"{PAGE}/finish", data=old | {"position": 1000}, follow_redirects=True)
    assert "这一课需要再学一遍" in finished.text
    assert 'data-position="0"' in finished.text


def test_an_editorial_change_reaches_the_reader_and_keeps_the_place(
    world: World, learner: FlaskClient, now: datetime
) -> None:
    version = version_of("lesson", LESSON, now)
    learner.post(f"{PAGE}/place", data={"version": version.id, "position": 640, "seconds": 0})
    text = {k: v.replace("{#why}", "（修订） {#why}") for k, v in version.body["text"].items()}
    publish("lesson", LESSON, now, world.administrator, change="editorial", text=text)
    page = learner.get(PAGE).text
    assert "（修订）" in page
    assert 'data-position="640"' in page
    assert "这一课改过" not in page


def test_a_substantive_change_after_the_end_is_told(world: World, learner: FlaskClient, now: datetime) -> None:
    finish_course(world.learner, now)
    publish("lesson", LESSON, now, world.administrator, change="substantive", minutes=8)
    assert "您学完之后，这一课改过" in learner.get(PAGE).text
    assert "学后有改动" in learner.get(f"/courses/{COURSE}").text


def test_a_picture_is_served_sealed_and_for_good(world: World, learner: FlaskClient) -> None:
    sha256 = db.session.scalars(sa.select(ContentMedia.sha256).limit(1)).one()
    answer = learner.get(f"/media/{sha256}")
    assert answer.status_code == 200
    assert answer.mimetype == "image/svg+xml"
    assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Security-Policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert learner.get(f"/media/{sha256}", headers={"If-None-Match": f'"{sha256}"'}).status_code == 304


def test_files_that_no_content_shows_and_visitors_get_nothing(app: Flask, world: World, learner: FlaskClient) -> None:
    hidden = storage.write_file(b"evidence of a case")
    for name in (hidden, "0" * 64, "..%2Fapp.db", "x"):
        assert learner.get(f"/media/{name}").status_code == 404
    shown = db.session.scalars(sa.select(ContentMedia.sha256).limit(1)).one()
    assert app.test_client().get(f"/media/{shown}").status_code == 302


@pytest.mark.parametrize(("path", "reads"), [("/courses", 7), (f"/courses/{COURSE}", 7), (PAGE, 9)])
def test_the_number_of_reads_is_fixed(
    world: World,
    learner: FlaskClient,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    reads: int,
) -> None:
    monkeypatch.setattr(queries, "step_providers", [])  # what lower rooms read is counted with them
    assert _reads(learner, path) == reads
    service.enrol_person(world.learner, "service-etiquette", due_on=None, now=now, actor_id=None)
    finish_course(world.learner, now)
    publish("lesson", LESSON, now, world.administrator, change="editorial", minutes=8)
    assert _reads(learner, path) == reads
