"""Importing complaints in the browser: template, preview, marked copy, report, notices, taking back; who sees what."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from tests import roster_factories as rosters
from tests.factories import World
from tests.permits_factories import issue
from tests.statements import statements
from tests.views.roster.test_roster_pages import HOSTILE, _book
from training_app import clock
from training_app.roster.state_rules import RosterState


@pytest.fixture
def manager(world: World, client: FlaskClient, now: datetime) -> FlaskClient:
    for person_id in (world.learner, world.learner2, world.hr):
        issue(person_id, now)
    clock.move_to(now + timedelta(days=5))
    return world.sign_in(client, "manager")


def row(world: World, who: str, number: str = "K-1", **more: str) -> dict[str, str]:
    at = (clock.now() - timedelta(days=2)).strftime("%Y-%m-%d 14:05")
    return {"number": number, "employee_number": world.numbers[who], "code": "promise-broken", "occurred_at": at,
            "words": "师傅没有按约定时间来。"} | more  # fmt: skip


def sent(client: FlaskClient, data: bytes, source: str = "400 热线", name: str = "complaints.csv") -> str:
    answer = client.post("/roster/cases", data={"source": source, "file": (io.BytesIO(data), name)})
    assert answer.status_code == 303, answer.text
    rosters.work(int(answer.location.rsplit("/", 1)[1]))
    return str(answer.location)


def applied(client: FlaskClient, where: str) -> str:
    client.post(f"{where}/apply")
    rosters.work(int(where.rsplit("/", 1)[1]))
    assert rosters.roster(int(where.rsplit("/", 1)[1])).state is RosterState.APPLIED
    return where


def test_it_is_reached_from_the_lists_of_cases_and_leads_nobody_where_they_may_not_go(
    app: Flask, world: World, manager: FlaskClient
) -> None:
    assert 'href="/roster/cases"' in manager.get("/permits/reports").text
    hr = world.sign_in(app.test_client(), "hr")
    assert 'href="/roster/cases"' in hr.get("/permits/cases").text
    page = manager.get("/roster/cases").text
    assert 'href="/roster/people"' not in page
    assert manager.get("/roster/people").status_code == 404
    assert manager.get("/roster/units").status_code == 404
    assert world.sign_in(app.test_client(), "learner").get("/roster/cases").status_code == 404
    assert world.sign_in(app.test_client(), "administrator").get("/roster/cases").status_code == 404


@pytest.mark.parametrize(("lang", "head", "title"), [
    ("zh", "投诉编号 [number]", "承诺不兑现"), ("en", "Complaint number [number]", "Broken promise"),
])  # fmt: skip
def test_the_template_lists_the_codes_of_today_and_reads_back_as_nothing_to_take(
    manager: FlaskClient, lang: str, head: str, title: str
) -> None:
    manager.post("/language", data={"lang": lang})
    book = CalamineWorkbook.from_filelike(io.BytesIO(manager.get("/roster/cases/template.xlsx").data))
    assert book.get_sheet_by_index(0).to_python()[0][0] == head
    codes = dict(book.get_sheet_by_index(2).to_python())
    assert "promise-broken" in codes
    assert title in str(codes["promise-broken"])
    for form in ("xlsx", "csv"):
        where = sent(manager, manager.get(f"/roster/cases/template.{form}").data)
        assert rosters.roster(int(where.rsplit("/", 1)[1])).problem == "no_rows"


def test_a_workbook_of_moments_is_previewed_reported_and_found_in_the_work_list(
    app: Flask, world: World, manager: FlaskClient
) -> None:
    at = clock.now() - timedelta(days=1)
    book = _book([["number", "employee_number", "code", "occurred_at", "order", "words"],
                  ["K-1", world.numbers["learner"], "promise-broken", at.replace(tzinfo=None), "O-1", "迟到"],
                  ["K-2", world.numbers["learner2"], "late-without-notice", "2026-13-99", "", "迟到"]])  # fmt: skip
    where = sent(manager, book, name="x.xlsx")
    page = manager.get(where).text
    assert "“2026-13-99”不是日期和时间" in page
    assert "全部上报" not in page
    marked = manager.get(f"{where}/marked")
    assert marked.status_code == 200
    assert "2026-13-99" in str(
        CalamineWorkbook.from_filelike(io.BytesIO(marked.data)).get_sheet_by_index(0).to_python()
    )
    where = sent(manager, rosters.a_csv([row(world, "learner", order="O-1"), row(world, "learner2", "K-2")]))
    page = manager.get(where).text
    assert "全部上报" in page
    assert "王小明 – 承诺不兑现" in page
    assert "师傅没有按约定时间来。" in page
    applied(manager, where)
    page = manager.get(where).text
    assert "共 2 件案件，其中尚未通知当事人的有 2 个" in page
    assert "送达通知" not in page, "a reporter tells nobody"
    batch = where.rsplit("/", 1)[1]
    hr = world.sign_in(app.test_client(), "hr")
    desk = hr.get(f"/permits/cases?show=all&batch={batch}").text
    assert desk.count("承诺不兑现") == 2
    assert "只显示一次导入的案件" in desk
    first = hr.get("/permits/cases/1").text
    assert "400 热线，投诉编号 K-1" in first
    assert hr.get(f"/permits/cases?show=all&batch={int(batch) + 1}").text.count("承诺不兑现") == 0
    again = sent(manager, rosters.a_csv([row(world, "learner2", "K-2"), row(world, "learner", order="O-1")]))
    assert "文件里的投诉都已立案" in manager.get(again).text


def test_who_decides_everywhere_opens_it_tells_all_and_reads_nothing_about_themselves(
    app: Flask, world: World, manager: FlaskClient, now: datetime
) -> None:
    hr2 = world.sign_in(app.test_client(), "hr2")
    where = applied(hr2, sent(hr2, rosters.a_csv([row(world, "learner"), row(world, "hr", "K-2", words="机密")])))
    hr = world.sign_in(app.test_client(), "hr")
    page = hr.get(where).text
    assert "机密" not in page
    assert "冯人事 –" not in page
    assert hr.get(f"{where}/marked").status_code == 404
    assert "通知 1 件案件的当事人" in page
    assert manager.get(where).status_code == 404
    assert manager.post(f"{where}/notify").status_code == 404
    assert hr.post(f"{where}/notify").status_code == 303
    rosters.work(int(where.rsplit("/", 1)[1]))
    page = hr.get(where).text
    assert "通知 1 件案件的当事人" not in page
    assert "其中尚未通知当事人的有 0 个" in page
    assert "<h2" in world.sign_in(app.test_client(), "learner").get("/me/cases/1").text


def test_it_is_taken_back_with_a_reason_and_names_what_stays(app: Flask, world: World, manager: FlaskClient) -> None:
    where = applied(manager, sent(manager, rosters.a_csv([row(world, "learner"), row(world, "learner2", "K-2")])))
    hr = world.sign_in(app.test_client(), "hr")
    hr.post("/permits/cases/2/notify")
    assert manager.post(f"{where}/undo").status_code == 422
    assert rosters.roster(int(where.rsplit("/", 1)[1])).state is RosterState.APPLIED
    manager.post(f"{where}/undo", data={"words": "发错了月份。"})
    rosters.work(int(where.rsplit("/", 1)[1]))
    page = manager.get(where).text
    assert "原因：发错了月份。" in page
    assert "有 1 件案件未撤回" in page
    assert "C-000002" in page
    assert "发错了月份。" in hr.get("/permits/cases/1").text


@pytest.mark.parametrize("what", HOSTILE)
def test_a_workbook_that_attacks_who_opens_it_is_refused(manager: FlaskClient, what: str) -> None:
    where = sent(manager, HOSTILE[what]())
    assert rosters.roster(int(where.rsplit("/", 1)[1])).state is RosterState.UNREADABLE
    assert manager.get(where).status_code == 200


def test_words_in_cells_stay_words_and_the_page_asks_as_much_for_many_as_for_few(
    world: World, manager: FlaskClient
) -> None:
    tag, formula = "<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0"
    where = sent(manager, rosters.a_csv([row(world, "learner", tag, words=tag, place=formula, channel=formula)]), tag)
    page = manager.get(where).text
    assert "&lt;img src=x" in page
    assert tag not in page
    assert formula not in manager.get("/roster/cases").text
    many = sent(manager, rosters.a_csv([row(world, "learner", f"M-{n}") for n in range(120)]), tag)
    counts = []
    for address in (where, many):
        with statements() as seen:
            assert manager.get(f"{address}?show=new").status_code == 200
        counts.append(len(seen))
    assert counts[0] == counts[1]
