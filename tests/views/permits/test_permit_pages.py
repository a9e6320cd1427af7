"""The pages of permits: who sees what, in words; the whole way of a case through the browser's forms."""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from tests.factories import World
from tests.permits_factories import (
    answered,
    case,
    decided,
    final,
    issue,
    noticed,
    publish_policy,
    report,
    revoked,
    sanctions,
)
from tests.statements import statements
from training_app import clock
from training_app.accounts import service as accounts
from training_app.audit.models import AuditEntry
from training_app.db import db
from training_app.permits import desk_queries, service
from training_app.permits.case_rules import CaseStatus, Outcome
from training_app.permits.models import CaseEvidence, PermitCase


@pytest.fixture
def world(world: World, now: datetime) -> World:
    for who in ("learner", "learner2", "outsider"):
        issue(world.people[who], now - timedelta(days=30))
    return world


def _as(app: Flask, world: World, name: str) -> FlaskClient:
    return world.sign_in(app.test_client(), name)


def _photo() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (60, 80), (10, 20, 30)).save(out, "JPEG")
    return out.getvalue()


def _english(world: World, *names: str) -> None:
    for name in names:
        accounts.set_language(world.people[name], "en", now=clock.now())


def test_a_case_goes_through_the_pages_from_report_to_the_points_of_the_permit(
    app: Flask, world: World, now: datetime
) -> None:
    _english(world, "manager", "hr", "learner")
    manager, hr, learner = (_as(app, world, name) for name in ("manager", "hr", "learner"))
    page = manager.get(f"/permits/report/{world.learner}")
    assert "Report a case about 王小明" in page.text
    sent = manager.post(
        f"/permits/report/{world.learner}",
        data={
            "code": "promise-broken", "day": "2026-11-22", "time": "14:30", "words": "Nobody came.", "token": "one",
            "photo": (io.BytesIO(_photo()), "photo.jpg"), "place": "Room 5", "order": "so-77",
        },
    )  # fmt: skip
    assert sent.status_code == 303, sent.text
    case_id = db.session.scalars(sa.select(PermitCase.id)).one()
    db.session.rollback()
    assert learner.get(f"/me/cases/{case_id}").status_code == 404, "not told yet, so not theirs yet"
    hr.post(f"/permits/cases/{case_id}/notify")
    mine = learner.get(f"/me/cases/{case_id}").text
    for words in ("Nobody came.", "not counted", "Mon 30 Nov 2026", "up to 3 points", "Room 5", "so-77"):
        assert words in mine, words
    assert "郑经理" not in mine
    answer = {"words": "It was <b>not</b> me.", "companion": "李师傅"}
    assert learner.post(f"/me/cases/{case_id}/answer", data=answer).status_code == 303
    desk = hr.get(f"/permits/cases/{case_id}").text
    assert "It was &lt;b&gt;not&lt;/b&gt; me." in desk
    assert "9 points left (3 deducted)" in desk
    decision = {"outcome": "reduced", "points": "2", "words": "He had called too late."}
    assert hr.post(f"/permits/cases/{case_id}/decide", data=decision).status_code == 303
    contested = learner.get(f"/me/cases/{case_id}").text
    assert "You can contest the decision" in contested
    assert re.search(r'aria-current="step".*?<span>Time to contest', contested, re.DOTALL), "where the case stands"
    from training_app.permits import tasks

    clock.move_to(now + timedelta(days=30))
    assert tasks.lapse_due(clock.now()) == 1
    permit = _as(app, world, "learner").get("/me/permit").text
    assert "10 points left (2 deducted)" in permit
    assert re.search(r"2 points return on (\w+ )?24 Oct 2027", permit), "how many come back, and when"


def test_what_was_typed_stays_when_a_step_is_refused(app: Flask, world: World, now: datetime) -> None:
    _english(world, "hr")
    case_id = answered(world, now)
    hr = _as(app, world, "hr")
    refused = hr.post(f"/permits/cases/{case_id}/decide", data={"outcome": "reduced", "words": "A long reason."})
    assert refused.status_code == 422
    assert "Points from 1 to 2 fit this outcome; 0 do not." in refused.text
    assert "A long reason." in refused.text
    chosen = re.search(r"<input[^>]*checked[^>]*>", refused.text)
    assert chosen is not None
    assert 'value="reduced"' in chosen[0]


def test_a_second_decision_from_an_old_page_is_told_that_it_is_too_late(
    app: Flask, world: World, now: datetime
) -> None:
    _english(world, "hr2")
    case_id = decided(world, now)
    late = _as(app, world, "hr2").post(
        f"/permits/cases/{case_id}/decide", data={"outcome": "dismissed", "words": "My reasons."}
    )
    assert late.status_code == 409
    assert "the matter has moved on" in late.text
    assert "My reasons." in late.text


def test_conflicts_are_shown_before_acting(app: Flask, world: World, now: datetime) -> None:
    accounts.grant_role(world.hr, role="centre-manager", unit_id=None, now=now, actor_id=None)
    _english(world, "hr")
    case_id = report(world, now, by="hr")
    hr2 = _as(app, world, "hr2")
    hr2.post(f"/permits/cases/{case_id}/notify")
    _as(app, world, "learner").post(f"/me/cases/{case_id}/answer", data={"words": "No."})
    page = _as(app, world, "hr").get(f"/permits/cases/{case_id}").text
    assert "You reported this case. Another person has to take this step." in page
    assert f"/permits/cases/{case_id}/decide" not in page
    assert f"/permits/cases/{case_id}/decide" in hr2.get(f"/permits/cases/{case_id}").text


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("learner", "/me/permit", 200),
        ("learner", "/me/cases/{case}", 200),
        ("learner2", "/me/cases/{case}", 404),
        ("learner", "/permits/cases/{case}", 404),
        ("learner", "/permits/cases", 404),
        ("learner", "/permits/report/{learner2}", 404),
        ("manager", "/permits/report/{learner}", 200),
        ("manager", "/permits/report/{outsider}", 404),
        ("manager", "/permits/report/{manager}", 404),
        ("manager", "/permits/report/{examiner}", 404),
        ("manager", "/permits/stop/{learner}", 200),
        ("manager", "/permits/stop/{outsider}", 404),
        ("manager", "/permits/reward/{learner}", 404),
        ("manager", "/permits/cases/{case}", 404),
        ("trainer", "/permits/report/{learner}", 200),
        ("trainer", "/permits/report/{outsider}", 404),
        ("trainer", "/permits/stop/{learner}", 404),
        ("hr", "/permits/cases/{case}", 200),
        ("hr", "/permits/reward/{outsider}", 200),
        ("hr", "/permits/report/{learner}", 200),
        ("hr_lead", "/permits/cases/{case}", 200),
        ("hr_lead", "/permits/sanctions", 200),
        ("examiner", "/permits/sanctions", 404),
        ("administrator", "/permits/cases/{case}", 404),
        ("outsider", "/me/cases/{case}", 404),
        ("certifier", "/permits/work", 404),
        ("manager", "/permits/work", 302),
    ],
)
def test_each_role_sees_what_is_theirs_and_in_reach(
    app: Flask, world: World, now: datetime, who: str, path: str, status: int
) -> None:
    for name in ("trainer", "manager"):
        # The roles of the network are held at a unit: everywhere would reach the outsider too.
        _hold_at(world, name, "centre_a", now)
    case_id = noticed(world, now)
    filled = path.format(case=case_id, **world.people)
    assert _as(app, world, who).get(filled).status_code == status


def _hold_at(world: World, name: str, unit: str, now: datetime) -> None:
    from training_app.access.models import RoleGrant

    db.session.execute(
        sa.update(RoleGrant).where(RoleGrant.person_id == world.people[name]).values(unit_id=world.units[unit])
    )
    db.session.commit()


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("hr_lead", "/permits/cases/{case}/decide", 404),
        ("manager", "/permits/cases/{case}/notify", 404),
        ("learner", "/permits/cases/{case}/take-back", 404),
        ("hr", "/permits/cases/{case}/resolve", 404),
        ("hr", "/permits/sanctions/{sanction}/confirm", 404),
        ("hr_lead", "/permits/sanctions/{sanction}/decide", 404),
        ("learner", "/permits/sanctions/{sanction}/annul", 404),
        ("outsider", "/me/cases/{case}/answer", 404),
        ("outsider", "/me/sanctions/{sanction}", 404),
    ],
)
def test_steps_of_others_are_not_there(
    app: Flask, world: World, now: datetime, who: str, path: str, status: int
) -> None:
    case_id, at = final(world, now, code="unsafe-work")
    sanction_id = sanctions(world.learner, at)[0].sanction_id
    filled = path.format(case=case_id, sanction=sanction_id)
    answer = _as(app, world, who).post(filled, data={"words": "x", "outcome": "upheld"})
    assert answer.status_code == status
    assert case(case_id, at).state.status is CaseStatus.FINAL_UPHELD


def test_evidence_is_shown_to_who_may_see_it_and_each_look_is_written_down(
    app: Flask, world: World, now: datetime
) -> None:
    from training_app.permits import service

    case_id = service.cases.report(
        world.learner, code="promise-broken", occurred_at=now, words=service.Words("", "en"),
        picture=service.Picture(_photo()), token="with a photo", now=now, actor_id=world.manager,
    )  # fmt: skip
    evidence_id = db.session.scalars(sa.select(CaseEvidence.id)).one()
    db.session.rollback()
    path = f"/permits/evidence/{evidence_id}"
    learner = _as(app, world, "learner")
    assert learner.get(path).status_code == 404
    service.cases.notify(case_id, now=now, actor_id=world.hr)
    shown = learner.get(path)
    assert (shown.status_code, shown.mimetype) == (200, "image/jpeg")
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
    assert shown.headers["Content-Security-Policy"].startswith("sandbox")
    assert _as(app, world, "hr").get(path + "?download=1").headers["Content-Disposition"].startswith("attachment")
    assert _as(app, world, "manager").get(path).status_code == 200
    for other in ("learner2", "outsider", "trainer", "administrator"):
        assert _as(app, world, other).get(path).status_code == 404
    looked = db.session.scalars(sa.select(AuditEntry.actor_id).where(AuditEntry.action == "evidence.read")).all()
    assert looked == [world.learner, world.hr, world.manager]


def test_a_file_that_is_no_photo_is_refused_and_the_words_stay(app: Flask, world: World) -> None:
    _english(world, "manager")
    refused = _as(app, world, "manager").post(
        f"/permits/report/{world.learner}",
        data={
            "code": "promise-broken", "day": "2026-11-22", "time": "14:30", "words": "Nobody came.", "token": "x",
            "photo": (io.BytesIO(b"<svg onload=alert(1)>"), "photo.jpg"),
        },
    )  # fmt: skip
    assert refused.status_code == 422
    assert "Nobody came." in refused.text
    assert "not a photo" in refused.text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"words": "", "code": "promise-broken"}, "Describe what shows it"),
        ({"day": "2026-12-24"}, "lies in the future"),
        ({"day": "2026-10-01"}, "before the permit was first issued"),
        ({"code": ""}, "Choose what happened."),
        ({"code": "nonsense"}, "Not a valid choice"),
        ({"time": "25:99"}, "Not a valid time value"),
    ],
)
def test_a_report_that_makes_no_sense_is_told_why(app: Flask, world: World, data: dict[str, str], words: str) -> None:
    _english(world, "manager")
    form = {
        "code": "promise-broken",
        "day": "2026-11-22",
        "time": "14:30",
        "words": "So.",
        "token": "x",
        **data,
    }
    refused = _as(app, world, "manager").post(f"/permits/report/{world.learner}", data=form)
    assert refused.status_code == 422
    assert words in refused.text


def test_people_are_found_in_reach_alone_by_name_pinyin_and_number(app: Flask, world: World, now: datetime) -> None:
    _hold_at(world, "manager", "centre_a", now)
    manager = _as(app, world, "manager")
    for text, there in (
        ("王", True),
        ("wangx", True),
        ("t-10000", True),
        ("赵", False),
        ("陈", False),
        ("%", False),
    ):
        fragment = manager.get("/permits/report", query_string={"q": text}, headers={"HX-Request": "true"}).text
        assert ("<a " in fragment) is there, text
        assert "<html" not in fragment


def test_a_revoked_permit_reads_so_and_shows_no_code(app: Flask, world: World, now: datetime) -> None:
    sanction_id, _at = revoked(world, now)
    learner = _as(app, world, "learner")
    page = learner.get("/me/permit").text
    assert "许可已吊销·再培训中" in page
    assert "customer-code" not in page
    assert "剩余 0 分（已扣 12 分）" in page
    assert "提出申诉" in learner.get(f"/me/sanctions/{sanction_id}").text
    sent = learner.post(f"/me/sanctions/{sanction_id}", data={"words": "请重新审查。"})
    assert sent.status_code == 303
    assert "customer-code" in learner.get("/me/permit").text


def test_before_the_first_permit_the_page_says_how_to_get_one(app: Flask, world: World) -> None:
    _english(world, "trainer")
    assert "You have no permit yet" in _as(app, world, "trainer").get("/me/permit").text


@pytest.mark.parametrize("path", ["/permits/cases?show=all", "/permits/sanctions?show=all", "/permits/reports"])
def test_a_list_asks_as_many_questions_for_20_lines_as_for_2(
    app: Flask, world: World, now: datetime, path: str
) -> None:
    accounts.grant_role(world.hr, role="centre-manager", unit_id=None, now=now, actor_id=None)
    hr = _as(app, world, "hr")

    def asked() -> int:
        hr.get(path)
        with statements() as seen:
            assert hr.get(path).status_code == 200
        return len(seen)

    def grow(times: int) -> None:
        for _ in range(times):
            if "sanctions" in path:
                person = world.add(f"p{len(world.people)}", "新人", "outlet_a", now)
                issue(person, now - timedelta(days=30))
                world.people["learner"] = person
                final(world, clock.now(), code="unsafe-work")
                clock.move_to(now)
            else:
                report(world, now, by="hr")

    grow(2)
    few = asked()
    grow(6)
    assert asked() == few
    assert few <= 16


def test_the_desk_is_paged_by_key_and_filters_by_state(app: Flask, world: World, now: datetime) -> None:
    for _ in range(27):
        report(world, now)
    hr = _as(app, world, "hr")
    first = hr.get("/permits/cases")
    assert first.text.count('class="list-item"') == 25
    assert "before=3" in first.text
    assert hr.get("/permits/cases?before=3").text.count('class="list-item"') == 2
    assert hr.get("/permits/cases?show=appeal").text.count('class="list-item"') == 0
    assert hr.get("/permits/cases?show=nonsense").status_code == 200


def test_an_empty_answer_is_said_at_its_field_and_linked_from_the_top(app: Flask, world: World, now: datetime) -> None:
    case_id = noticed(world, now)
    answer = _as(app, world, "learner").post(f"/me/cases/{case_id}/answer", data={"words": "", "companion": "李师傅"})
    assert answer.status_code == 422
    assert '<a href="#words">' in answer.text
    assert 'id="words-error"' in answer.text
    assert "李师傅" in answer.text


def test_what_happens_next_stands_before_the_form_in_which_it_is_answered(
    app: Flask, world: World, now: datetime
) -> None:
    page = _as(app, world, "learner").get(f"/me/cases/{noticed(world, now)}").text
    assert page.index("后续流程") < page.index("<textarea")


@pytest.mark.parametrize("show", desk_queries.FILTERS)
def test_each_filter_of_the_desk_shows_what_it_names(app: Flask, world: World, now: datetime, show: str) -> None:
    report(world, now)  # new
    noticed(world, now)  # the holder may still answer
    answered(world, now)  # to be decided
    decided(world, now)  # may still be contested
    decided(world, now, outcome=Outcome.DISMISSED)
    counts = {"waiting": 2, "new": 1, "answer": 1, "decide": 1, "decided": 1, "appeal": 0, "closed": 1, "all": 5}
    page = _as(app, world, "hr").get(f"/permits/cases?show={show}")
    assert page.status_code == 200
    assert page.text.count('class="list-item"') == counts[show]


@pytest.mark.parametrize("show", desk_queries.SANCTION_FILTERS)
def test_each_filter_of_the_sanctions_opens(app: Flask, world: World, now: datetime, show: str) -> None:
    final(world, now, code="unsafe-work")
    counts = {"waiting": 1, "open": 1, "force": 0, "closed": 0, "all": 1}
    page = _as(app, world, "hr").get(f"/permits/sanctions?show={show}")
    assert (page.status_code, page.text.count('class="list-item"')) == (200, counts[show])


def test_a_suspension_says_how_long_it_lasts_to_who_decides_and_to_the_holder(
    app: Flask, world: World, now: datetime
) -> None:
    publish_policy(world, now, stages=[{"at": 12, "sanction": "suspend", "months": 2, "days": 1}])
    _case, at = final(world, now, code="unsafe-work")
    [file] = sanctions(world.learner, at)
    clock.move_to(at)
    _english(world, "hr", "hr_lead", "learner")
    hr = _as(app, world, "hr")
    assert "2 months 1 day" in hr.get(f"/permits/sanctions/{file.sanction_id}").text
    assert "2 months 1 day" not in hr.get("/permits/sanctions?show=all").text
    service.sanctions.decide(file.sanction_id, impose=True, words="Clear.", now=at, actor_id=world.hr, language="en")
    service.sanctions.confirm(file.sanction_id, now=at, actor_id=world.hr_lead)
    learner = _as(app, world, "learner")
    assert "The suspension lasts 2 months 1 day." in learner.get(f"/me/sanctions/{file.sanction_id}").text
    mine = learner.get("/me/permit").text
    assert f"The measure {file.number} says why" in mine
