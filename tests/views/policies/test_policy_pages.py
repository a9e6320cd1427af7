"""The pages of policies: reading, writing section by section, examples, publication by another person."""

from __future__ import annotations

import html
import re

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.factories import World
from training_app import clock
from training_app.accounts.service import today
from training_app.content import queries as content
from training_app.db import db
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.policies.field_rules import ENTRIES, SECTIONS


@pytest.fixture
def hr(app: Flask, world: World) -> FlaskClient:
    return world.sign_in(app.test_client(), "hr")


def begin(client: FlaskClient, kind: str = "points_policy") -> str:
    version = content.get_current(db.session(), kind, "standard", today(clock.now())).id
    db.session.rollback()
    answer = client.post(f"/policies/versions/{version}/draft")
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def form_of(page: str) -> dict[str, list[str]]:
    """Return what a browser would send from the form of a page: inputs, choices, long texts."""
    body = page[page.index("data-warn-unsaved") :]
    body = body[: body.index("</form>")]
    found: dict[str, list[str]] = {}
    for tag in re.findall(r"<input [^>]*>", body):
        name = re.search(r' name="([^"]*)"', tag)
        if name and ("checkbox" not in tag or " checked" in tag):
            value = re.search(r' value="([^"]*)"', tag)
            found.setdefault(name[1], []).append(html.unescape(value[1]) if value else "")
    for name, inner in re.findall(r'<select [^>]*name="([^"]*)"[^>]*>(.*?)</select>', body, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inner) or re.search(r'<option value="([^"]*)"', inner)
        found[name] = [chosen[1] if chosen else ""]
    for name, inner in re.findall(r'<textarea [^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', body, re.DOTALL):
        found[name] = [html.unescape(inner)]
    return found


def send(client: FlaskClient, path: str, **changes: str) -> TestResponse:
    form = form_of(client.get(path).text) | {name: [value] for name, value in changes.items()}
    return client.post(path, data=form)


def test_everybody_reads_the_policies_in_force_and_only_writers_see_drafts(app: Flask, world: World) -> None:
    learner = world.sign_in(app.test_client(), "learner")
    page = learner.get("/policies").text
    (version,) = re.findall(r'href="(/policies/versions/\d+)"', page)[:1]
    assert "以第1版为底稿" not in page
    read = learner.get(version).text
    assert '<svg class="ruler"' in read
    assert "征求意见" not in read
    assert learner.get("/policies/drafts/1").status_code == 404


@pytest.mark.parametrize("kind", ["points_policy", "tariff"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_section_and_entry_sent_back_untouched_changes_nothing(hr: FlaskClient, kind: str, language: str) -> None:
    hr.post("/language", data={"lang": language, "next": "/"})
    draft = begin(hr, kind)
    for section in SECTIONS[kind]:
        answer = send(hr, f"{draft}/{section}", move="save")
        assert answer.status_code == 303, (section, re.findall("error-text.*", answer.text))
    for part in ENTRIES:
        page = hr.get(f"{draft}/{part}/0")
        if page.status_code == 200:
            assert send(hr, f"{draft}/{part}/0", move="save").status_code == 303
    page = hr.get(draft).text
    assert page.count("<del>") <= 1  # the day alone: a new version counts later


def test_an_error_stands_at_its_field_and_what_was_typed_stays(hr: FlaskClient) -> None:
    draft = begin(hr)
    answer = send(hr, f"{draft}/points", limit="<b>twelve")
    assert answer.status_code == 422
    assert 'href="#f-limit"' in answer.text
    assert 'id="f-limit-error"' in answer.text
    assert "&lt;b&gt;twelve" in answer.text


def test_rows_are_added_and_taken_out_before_anything_is_saved(hr: FlaskClient) -> None:
    draft = begin(hr)
    path = f"{draft}/stages"
    more = send(hr, path, move="add:stages")
    assert (more.status_code, more.text.count('name="stages-3-at"')) == (200, 1)
    less = send(hr, path, move="remove:stages-1")
    assert 'name="stages-1-at"' not in less.text
    assert hr.get(path).text.count('name="stages-1-at"') == 1


def test_what_the_check_finds_stands_at_the_field_it_is_mended_at(hr: FlaskClient) -> None:
    draft = begin(hr)
    answer = send(hr, f"{draft}/stages", **{"stages-0-sanction": "suspend", "move": "next"})
    assert answer.headers["Location"].endswith("/stages?checked=1")
    page = hr.get(answer.headers["Location"]).text
    assert 'id="f-stages-0-months-error"' in page
    assert "暂停须填月数或天数" in page


def test_an_example_is_written_worked_out_and_holds_the_publication_up(
    app: Flask, world: World, hr: FlaskClient
) -> None:
    draft = begin(hr)
    assert send(hr, f"{draft}/procedure", answer_working_days="7").status_code == 303
    count = hr.get(draft).text.count('<svg class="time-line"')
    new = f"{draft}/examples/{count}"
    rows = {
        "name.zh": "例", "name.en": "Example", "history-0-day": "3", "history-0-kind": "breach",
        "history-0-code": "promise-broken", "as_of": "9", "expect.total": "4", "expect.left": "9", "expect.stage": "",
        "expect.sanction": "", "expect.state": "normal", "move": "save",
    }  # fmt: skip
    answer = send(hr, new, **rows)
    assert answer.status_code == 303, re.findall("error-text.*", answer.text)
    page = hr.get(new).text
    assert "预期：4" in page
    assert 'name="words"' not in hr.get(draft).text.split('id="publish"')[1]
    seen = form_of(page)["seen"]
    assert "检查还有问题" in hr.post(f"{draft}/step/hand-in", data={"seen": seen}, follow_redirects=True).text
    send(hr, new, **{"expect.total": "3", "move": "save"})
    seen = form_of(hr.get(new).text)["seen"]
    hr.post(f"{draft}/step/hand-in", data={"seen": seen})
    own = hr.post(f"{draft}/step/publish", data={"seen": seen, "words": "Because it is better."}, follow_redirects=True)
    assert "不允许" in own.text or "不能" in own.text or own.status_code == 403
    lead = world.sign_in(app.test_client(), "hr_lead")
    assert 'action="' + draft + '/step/publish"' in lead.get(draft).text
    done = lead.post(f"{draft}/step/publish", data={"seen": seen, "words": "Because it is better."})
    assert "/policies/versions/" in done.headers["Location"]
    version = done.headers["Location"]
    assert "尚未生效" in lead.get(version).text
    first = re.findall(r'href="(/policies/versions/\d+/against/\d+)"', lead.get(version).text)[0]
    compared = lead.get(first).text
    assert re.findall("<del>(.*?)</del>", compared) == ["2026年1月1日", "5", "无"]


def test_a_tariff_gets_a_code_and_loses_one(hr: FlaskClient) -> None:
    draft = begin(hr, "tariff")
    page = hr.get(draft).text
    new = max(re.findall(rf'href="{draft}/codes/(\d+)"', page), key=int)
    values = {
        "code": "left-a-mess", "points": "2", "title.zh": "未清理", "title.en": "Left a mess",
        "text.zh": "未清理现场。",
        "text.en": "The site was left untidy.", "lesson": "", "from": "2027-01-01", "move": "save",
    }  # fmt: skip
    assert send(hr, f"{draft}/codes/{new}", **values).status_code == 303
    page = hr.get(draft).text
    assert "未清理" in page
    seen = form_of(hr.get(f"{draft}/codes/{new}").text)["seen"]
    hr.post(f"{draft}/codes/{new}/remove", data={"seen": seen})
    assert "left-a-mess" not in hr.get(draft).text.split("<ins>")[0]


def test_consultation_and_adoption_are_shown_to_who_keeps_them(app: Flask, world: World, hr: FlaskClient) -> None:
    draft = begin(hr)
    hr.post(f"{draft}/record/discussed", data={"on": "2026-11-20", "who": "职工大会", "result": "同意", "token": "t"})
    assert "职工大会" in hr.get(draft).text
    empty = hr.post(f"{draft}/record/discussed", data={"on": "", "who": "", "token": "t"}, follow_redirects=True)
    assert "没有登记" in empty.text
    (version,) = re.findall(r'href="(/policies/versions/\d+)"', hr.get("/policies").text)[:1]
    assert "尚未采用" in hr.get(version).text
    hr.post(f"{version}/record/adopted", data={"on": "2027-01-01", "who": "某服务公司", "token": "u"})
    page = hr.get(version).text
    assert "采用" in page
    assert "尚未采用" not in page
    (record,) = re.findall(r'action="(/policies/records/\d+/take-back)"', page)
    hr.post(record)
    assert "已撤回" in hr.get(version).text


def test_what_a_draft_would_change_is_worked_out_shown_and_out_of_date_once_it_is_changed(
    app: Flask, world: World, hr: FlaskClient
) -> None:
    draft = begin(hr)
    page = f"{draft}/what-if"
    assert "开始推算" in hr.get(page).text
    seen = form_of(hr.get(f"{draft}/points").text)["seen"]
    for _twice in range(2):
        hr.post(page, data={"seen": seen})
    assert f'hx-get="{page}/progress"' in hr.get(page).text
    queued = db.session.scalars(sa.select(Job.id).where(Job.kind.like("%simul%"))).all()
    assert len(queued) == 1
    db.session.rollback()
    jobs.run(queued[0])
    assert hr.get(f"{page}/progress").headers["HX-Refresh"] == "true"
    shown = hr.get(page).text
    assert "人执行本制度" in shown
    assert "已过时" not in shown
    send(hr, f"{draft}/procedure", answer_working_days="7")
    assert "已过时" in hr.get(page).text
    assert "还没有按现在的草稿推算过" in hr.get(draft).text


def test_a_tariff_has_no_such_page(hr: FlaskClient) -> None:
    draft = begin(hr, "tariff")
    assert hr.get(f"{draft}/what-if").status_code == 404
