"""Importing state licences in the browser, in both languages: template, check, marked copy, apply, undo."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from tests import roster_factories as rosters
from tests.factories import World
from tests.licences_factories import REFRIGERATION, licence
from tests.statements import statements
from tests.views.roster.test_roster_pages import HOSTILE, _book, _sent
from training_app import clock
from training_app.accounts.service import today
from training_app.db import db
from training_app.licences import queries
from training_app.roster import applying, service
from training_app.roster.state_rules import RosterState

ROW = {"number": "", "name": "", "kind": "refrigeration", "licence_number": "R-1", "issuer": "应急管理局",
       "issued_on": "2024-03-01", "expires_on": "2028-02-28"}  # fmt: skip


@pytest.fixture
def hr(world: World, client: FlaskClient) -> FlaskClient:
    return world.sign_in(client, "hr")


def in_english(client: FlaskClient) -> FlaskClient:
    client.post("/language", data={"lang": "en"})
    return client


def row(world: World, who: str, **more: str) -> dict[str, str]:
    return ROW | {"number": world.numbers[who]} | more


def checked(client: FlaskClient, *rows: Mapping[str, str]) -> str:
    return _sent(client, rosters.a_csv(rows), "licences")


def test_it_is_reached_from_the_licences_and_from_the_other_imports(app: Flask, world: World, hr: FlaskClient) -> None:
    assert 'href="/roster/licences"' in hr.get("/licences").text
    for kind in ("people", "units", "licences"):
        page = hr.get(f"/roster/{kind}").text
        assert all(f'href="/roster/{one}"' in page for one in ("people", "units", "licences"))
    units = world.sign_in(app.test_client(), "administrator").get("/roster/units").text
    assert 'href="/roster/units"' in units
    assert 'href="/roster/people"' not in units, "nobody is led where they may not go"
    assert 'href="/roster/licences"' not in units
    page = in_english(hr).get("/roster/licences").text
    assert "No licences were imported yet" in page
    assert "An empty cell" not in page
    assert "The file holds" not in page


@pytest.mark.parametrize(("lang", "heads", "kind", "none"), [
    ("zh", ["工号 [number]", "姓名 [name]", "证件种类 [kind]", "证号 [licence_number]"], "高处作业证", "文件只有表头"),
    ("en", ["Employee number [number]", "Name [name]", "Kind of licence [kind]", "Licence number [licence_number]"],
     "Work at height", "The file has heads but no row"),
])  # fmt: skip
def test_the_template_offers_the_kinds_and_reads_back_as_nothing_to_take(
    world: World, hr: FlaskClient, lang: str, heads: list[str], kind: str, none: str
) -> None:
    hr.post("/language", data={"lang": lang})
    book = CalamineWorkbook.from_filelike(io.BytesIO(hr.get("/roster/licences/template.xlsx").data))
    assert book.get_sheet_by_index(0).to_python()[0][:4] == heads
    assert [kind, "work-at-height"] in book.get_sheet_by_index(2).to_python()
    for form in ("xlsx", "csv"):
        data = hr.get(f"/roster/licences/template.{form}").data
        assert none in hr.get(_sent(hr, data, "licences")).text


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_faults_are_named_marked_mended_then_applied_and_undone(
    app: Flask, world: World, hr: FlaskClient, lang: str
) -> None:
    hr.post("/language", data={"lang": lang})
    names = {"zh": ("制冷与空调作业证", "高处作业证"), "en": ("Refrigeration and air conditioning", "Work at height")}[
        lang
    ]
    heads = list(queries_heads(hr))
    first = [world.numbers["learner"], "王小明", names[0], "RZ-2024/1", "应急管理局", "2024-03-01", "2028-02-28"]
    second = [world.numbers["learner2"], "不对", names[1], "H-1", "应急管理局", "", "2020-01-31"]
    where = _sent(hr, _book([heads, first, second, [*second[:1], "", "焊工", "", "", "", ""]]), "licences")
    page = hr.get(where).text
    words = {
        "zh": ("有 2 行需要先改正", "这个工号是李佳怡的，不是“不对”的", "没有叫“焊工”的证件种类"),
        "en": ("2 rows have to be mended first", "This number belongs to 李佳怡, not to “不对”",
               "No kind of licence is called “焊工”"),
    }[lang]  # fmt: skip
    assert [one for one in words if one not in page] == []
    assert "/apply" not in page
    rows = CalamineWorkbook.from_filelike(io.BytesIO(hr.get(f"{where}/marked").data)).get_sheet_by_index(0).to_python()
    assert rows[2][:4] == [world.numbers["learner2"], "不对", names[1], "H-1"]
    assert words[1] in str(rows[2][7])
    rows[2][1] = ""
    mended = _sent(hr, _book(rows[:3]), "licences")
    page = hr.get(mended).text
    run_out = {"zh": "文件中有 1 本证件已经过期", "en": "1 licence in the file has run out already"}[lang]
    assert run_out in page
    assert names[0] in hr.get(f"{mended}?show=new").text
    assert hr.post(f"{mended}/apply", data={}).status_code == 303
    rosters.work(int(mended.rsplit("/", 1)[1]))
    assert {"zh": "已生效", "en": "Applied"}[lang] in hr.get(mended).text
    assert "RZ-2024/1" in hr.get(f"/people/{world.learner}/licences").text
    own = world.sign_in(app.test_client(), "learner")
    assert "RZ-2024/1" in own.get("/me/licences").text
    assert hr.post(f"{mended}/undo").status_code == 303
    rosters.work(int(mended.rsplit("/", 1)[1]))
    assert {"zh": "已撤销", "en": "Undone"}[lang] in hr.get(mended).text
    assert "RZ-2024/1" not in hr.get(f"/people/{world.learner}/licences").text


def queries_heads(client: FlaskClient) -> list[str]:
    """Return the heads of the template in the reader's language, without the names in brackets."""
    text = client.get("/roster/licences/template.csv").data.decode("utf-8-sig")
    return [re.sub(r" \[\w+\]", "", head) for head in text.splitlines()[0].split(",")]


@pytest.mark.parametrize(("lang", "words"), [
    ("zh", ("有效期至: <del>", "导入之后，这些证件又被人工或后来的文件改过", "更正国家证件")),
    ("en", ("Valid through: <del>", "These licences were changed after the import", "State licence corrected")),
])  # fmt: skip
def test_a_renewal_shows_both_days_and_what_was_edited_since_says_why_it_stays(
    world: World, hr: FlaskClient, now: datetime, lang: str, words: tuple[str, str, str]
) -> None:
    hr.post("/language", data={"lang": lang})
    licence(world, world.learner, now, REFRIGERATION, until=today(now) + timedelta(days=9), number="R-1")
    where = checked(hr, row(world, "learner"))
    assert words[0] in hr.get(where).text
    hr.post(f"{where}/apply", data={})
    roster_id = int(where.rsplit("/", 1)[1])
    rosters.work(roster_id)
    clock.move_to(now + timedelta(minutes=9))
    world.sign_in(hr, "hr")
    hr.post("/language", data={"lang": lang})
    last = max(queries.licences_of(db.session(), [world.learner])[world.learner], key=lambda one: one.licence_id)
    db.session.rollback()
    hr.post(
        f"/people/{world.learner}/licences/{last.licence_id}/correct",
        data={"kind": REFRIGERATION, "number": "R-1", "issuer": "别处", "expires_on": "2028-02-28"},
    )
    assert hr.post(f"{where}/undo").status_code == 303
    page = hr.get(where).text
    assert rosters.roster(roster_id).state is RosterState.APPLIED
    assert words[1] in page
    assert words[2] in page
    assert f"/people/{world.learner}/licences" in page


def test_while_lists_still_follow_the_page_says_so(
    world: World, hr: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = applying.follow
    monkeypatch.setattr(applying, "follow", lambda *_given, **_more: True)
    roster_id = rosters.bring_in([row(world, "learner")], world.hr, kind="licences")
    in_english(hr)
    assert "Lists and Today follow within minutes." in hr.get(f"/roster/{roster_id}").text
    monkeypatch.setattr(applying, "follow", real)
    service.go_on(roster_id, service.APPLY, now=clock.now())
    rosters.work(roster_id)
    assert "Lists and Today follow within minutes." not in hr.get(f"/roster/{roster_id}").text


def test_the_same_file_again_has_nothing_to_do(world: World, hr: FlaskClient) -> None:
    rosters.bring_in([row(world, "learner")], world.hr, kind="licences")
    page = in_english(hr).get(checked(hr, row(world, "learner"))).text
    assert "Nothing to do" in page
    assert "/apply" not in page


def test_a_page_asks_as_much_for_many_licences_as_for_few(world: World, hr: FlaskClient) -> None:
    counts = []
    for many in (1, 60):
        rows = [row(world, "learner", licence_number=f"R-{n}") for n in range(many)]
        roster_id = rosters.send(rows, world.hr, kind="licences")
        hr.get(f"/roster/{roster_id}?show=new")
        with statements() as asked:
            assert "R-0" in hr.get(f"/roster/{roster_id}?show=new").text
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_who_keeps_one_centre_sends_licences_of_it_alone_and_others_none(
    app: Flask, world: World, now: datetime, hr: FlaskClient
) -> None:
    world.add("centre_hr", "何人事", "centre_a", now, roles=("hr",))
    own = in_english(world.sign_in(app.test_client(), "centre_hr"))
    page = own.get(checked(own, row(world, "learner"), row(world, "outsider"))).text
    assert f"Nobody with the number “{world.numbers['outsider']}” is within your reach" in page
    assert "赵外人" not in page
    theirs = rosters.send([row(world, "learner")], world.hr, kind="licences")
    for address in (f"/roster/{theirs}", f"/roster/{theirs}/marked", f"/roster/{theirs}/progress"):
        assert own.get(address).status_code == 404
    for act in ("apply", "undo", "drop", "again"):
        assert own.post(f"/roster/{theirs}/{act}", data={}).status_code == 404
    assert hr.get(f"/roster/{theirs}").status_code == 200
    for who in ("learner", "trainer", "examiner", "certifier", "manager", "administrator"):
        other = world.sign_in(app.test_client(), who)
        for address in ("/roster/licences", "/roster/licences/template.xlsx", f"/roster/{theirs}"):
            assert other.get(address).status_code in (403, 404), (who, address)
        assert 'href="/roster/licences"' not in other.get("/").text


@pytest.mark.parametrize("what", HOSTILE)
def test_a_workbook_that_attacks_who_opens_it_is_refused(world: World, hr: FlaskClient, what: str) -> None:
    where = _sent(hr, HOSTILE[what](), "licences")
    assert rosters.roster(int(where.rsplit("/", 1)[1])).state is RosterState.UNREADABLE
    assert hr.get(where).status_code == 200


def test_words_in_cells_stay_words_and_a_formula_is_none_when_the_marked_copy_is_opened(
    world: World, hr: FlaskClient
) -> None:
    tag, formula = "<img src=x onerror=alert(1)>", "=cmd|' /C calc'!A0"
    where = checked(hr, row(world, "learner", licence_number=tag, issuer=formula, kind=tag),
                    row(world, "learner2", licence_number=tag, issuer=formula))  # fmt: skip
    page = hr.get(where).text + hr.get(f"{where}?show=new").text
    assert "&lt;img src=x" in page
    assert tag not in page
    marked = hr.get(f"{where}/marked").data
    book = CalamineWorkbook.from_filelike(io.BytesIO(marked)).get_sheet_by_index(0)
    assert book.to_python()[1][4] == formula
    with zipfile.ZipFile(io.BytesIO(marked)) as archive:
        assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
