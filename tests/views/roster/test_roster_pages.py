"""Importing people in the browser: template, check, marked copy, apply, undo."""

from __future__ import annotations

import csv
import io
import zipfile
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook

from tests import roster_factories as rosters
from tests.factories import World
from tests.statements import statements
from training_app import clock
from training_app.accounts import queries
from training_app.db import db
from training_app.roster import reading, undoing
from training_app.roster.state_rules import RosterState

NEW = {"number": "N-001", "name": "新来的", "unit_number": "OA1", "employer": "甲公司"}


@pytest.fixture
def hr(world: World, client: FlaskClient) -> FlaskClient:
    return world.sign_in(client, "hr")


def post(client: FlaskClient, data: bytes, name: str = "名单.csv", **fields: str) -> str:
    """Send a file as a browser does; return where the answer leads."""
    body = {"empty": "ignore", "extent": "some", "unit": "", "file": (io.BytesIO(data), name), **fields}
    answer = client.post("/roster/people", data=body)
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def checked(client: FlaskClient, data: bytes, **fields: str) -> str:
    """Send a file, let it be checked, and return its page."""
    where = post(client, data, **fields)
    rosters.work(int(where.rsplit("/", 1)[1]))
    return str(client.get(where).text)


def test_the_template_says_what_to_fill_and_reads_back_as_nothing_to_take(world: World, hr: FlaskClient) -> None:
    sent = hr.get("/roster/people/template.xlsx")
    book = CalamineWorkbook.from_filelike(io.BytesIO(sent.data))
    assert book.get_sheet_by_index(0).to_python()[0][:2] == ["工号 [number]", "姓名 [name]"]
    assert ["OB1", "单位 OB1"] in book.get_sheet_by_index(2).to_python()
    for form in ("xlsx", "csv"):
        data = hr.get(f"/roster/people/template.{form}").data
        assert "文件只有表头，没有内容" in checked(hr, data)


def test_a_workbook_of_the_template_is_taken_with_leading_zeros_and_days(world: World, hr: FlaskClient) -> None:
    heads = ["工号*", "姓名", "所在单位编号", "单位编号", "用工企业", "在本单位起始日期", "电话"]
    page = checked(hr, _book([heads, ["00017", "新来的", "x", "OA1", "甲公司", date(2026, 3, 2), "057188881234"]]))
    assert "00017" in page
    assert "057188881234" in page
    assert "2026-03-02" in page
    assert "所在单位编号" in page, "a column that is not read is named"


def _book(rows: list[list[object]]) -> bytes:
    import xlsxwriter

    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"default_date_format": "yyyy-mm-dd"}) as book:
        sheet = book.add_worksheet()
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return out.getvalue()


def test_errors_are_named_marked_mended_and_then_applied_and_undone(world: World, hr: FlaskClient) -> None:
    text = "number,name,unit_number,employer,phone\r\nN-001,新来的,OA1,甲公司,打我\r\nN-002,另一个,没有,甲公司,\r\n"
    where = post(hr, text.encode("gbk"))
    roster_id = int(where.rsplit("/", 1)[1])
    rosters.work(roster_id)
    page = hr.get(where).text
    assert "有 2 行需要先改正" in page
    for words in ("第 2 行", "“打我”不是有效电话", "第 3 行", "您管辖的单位中没有“没有”"):
        assert words in page
    assert "/apply" not in page
    rows = CalamineWorkbook.from_filelike(io.BytesIO(hr.get(f"{where}/marked").data)).get_sheet_by_index(0).to_python()
    assert rows[1][:5] == ["N-001", "新来的", "OA1", "甲公司", "打我"]
    assert "“打我”不是有效电话" in str(rows[1][5])
    rows[1][4], rows[2][2] = "138 0000 0000", "OB1"
    mended = post(hr, _book(rows), "mended.xlsx")
    rosters.work(int(mended.rsplit("/", 1)[1]))
    page = hr.get(mended).text
    assert "未读取的列" not in page, "what was only to be read is not said to be ignored"
    assert hr.post(f"{mended}/apply", data={}).status_code == 303
    assert "正在写入" in hr.get(mended).text
    rosters.work(int(mended.rsplit("/", 1)[1]))
    assert "已生效" in hr.get(mended).text
    assert ">新来的<" in hr.get("/people?q=N-001").text
    assert hr.post(f"{mended}/undo").status_code == 303
    rosters.work(int(mended.rsplit("/", 1)[1]))
    assert "已撤销" in hr.get(mended).text
    assert ">新来的<" not in hr.get("/people?q=N-001").text
    assert ">新来的<" not in hr.get("/people?left=1").text


def test_who_leaves_has_to_be_counted_by_who_applies_it(world: World, hr: FlaskClient) -> None:
    text = f"number\r\n{world.numbers['learner']}\r\n".encode()
    where = post(hr, text, extent="all", unit=str(world.units["outlet_a"]))
    rosters.work(int(where.rsplit("/", 1)[1]))
    assert "有 1 人不在文件中" in hr.get(where).text
    refused = hr.post(f"{where}/apply", data={"leaving": "3"})
    assert (refused.status_code, 'value="3"' in refused.text) == (422, True)
    assert hr.post(f"{where}/apply", data={"leaving": "1"}).status_code == 303


@pytest.mark.parametrize(("data", "words"), [
    (b"", "文件是空的"), (b"   \r\n", "文件是空的"), (b"\xff\xfe\x00\x81 no", "文字编码"),
    (b"name\r\nx\r\n", "没有“工号”这一列"),
    (b"number,number\r\nx,y\r\n", "出现了两次"), (b"number\r\n", "没有内容"),
    (b"PK\x03\x04" + b"\x00" * 40, "无法读取"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "旧格式"),
])  # fmt: skip
def test_a_file_that_cannot_be_taken_says_why_and_what_to_do(
    world: World, hr: FlaskClient, data: bytes, words: str
) -> None:
    where = post(hr, data)
    rosters.work(int(where.rsplit("/", 1)[1]))
    assert words in hr.get(where).text


def _zip(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return out.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
HOSTILE = {
    "zip bomb": lambda: _zip({SHEET: b"<x>" + b"0" * 5_000_000}),
    "many members": lambda: _zip({f"xl/{n}.xml": b"" for n in range(500)}),
    "document type": lambda: _zip({SHEET: b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'}),
    "a cell far out": lambda: _zip({SHEET: b'<sheetData><row r="9"><c r="XFD1048576"><v>1</v></c></row></sheetData>'}),
    "cut short": lambda: _book([["number"], ["T-1"]])[:900],
    "no workbook": lambda: _zip({"a.txt": b"words"}),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_workbook_that_attacks_who_opens_it_is_refused(what: str) -> None:
    with pytest.raises(reading.Unreadable) as refused:
        reading.read_table(HOSTILE[what](), {}, ("number",))
    assert refused.value.why in ("attack", "broken", "too_many_rows")


def test_hr_of_a_centre_reaches_the_own_centre_alone(app: Flask, world: World, now: datetime) -> None:
    world.add("centre_hr", "何人事", "centre_a", now, roles=("hr",))
    own = world.sign_in(app.test_client(), "centre_hr")
    rows = [NEW | {"unit_number": "OB1"}, {"number": world.numbers["outsider"], "phone": "138 0000 0000"}]
    page = checked(own, rosters.a_csv(rows))
    assert "您管辖的单位中没有“OB1”" in page
    assert "您管辖范围以外人员的工号" in page
    assert "赵外人" not in page
    other = world.sign_in(app.test_client(), "hr")
    theirs = rosters.send([NEW], world.hr)
    assert own.get(f"/roster/{theirs}").status_code == 404
    assert own.get(f"/roster/{theirs}/marked").status_code == 404
    assert other.get(f"/roster/{theirs}").status_code == 200
    assert rosters.roster(theirs).state is RosterState.CHECKED


def test_a_long_list_is_paged_and_a_page_asks_as_much_for_many_as_for_few(world: World, hr: FlaskClient) -> None:
    few = rosters.send([NEW], world.hr)
    many = rosters.send([NEW | {"number": f"N-{n:03}"} for n in range(120)], world.hr)
    seen: list[str] = []
    address: str | None = f"/roster/{many}?show=new"
    while address:
        page = hr.get(address).text
        seen += [f"N-{n:03}" for n in range(120) if f">N-{n:03}<" in page]
        _head, found, tail = page.partition('rel="next" href="')
        address = tail.partition('"')[0].replace("&amp;", "&") if found else None
    assert seen == [f"N-{n:03}" for n in range(120)]
    counts = []
    for roster_id in (few, many):
        with statements() as asked:
            hr.get(f"/roster/{roster_id}?show=new")
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert queries.find_person_id(db.session(), "N-001") is None


def test_a_csv_of_ours_reads_back_what_it_says(world: World, hr: FlaskClient) -> None:
    exported = hr.post("/people/export").text
    page = checked(hr, exported.encode())
    rows = list(csv.DictReader(io.StringIO(exported)))
    assert "文件内容与现有档案一致" in page
    assert len(rows) == 12


def test_units_are_imported_from_their_page_and_no_unit_is_closed_by_a_file(world: World, hr: FlaskClient) -> None:
    assert "/roster/units" in hr.get("/units").text
    start = hr.get("/roster/units").text
    assert "导入单位" in start
    assert "文件包含" not in start
    book = CalamineWorkbook.from_filelike(io.BytesIO(hr.get("/roster/units/template.xlsx").data))
    head = book.get_sheet_by_index(0).to_python()[0]
    assert head[-1] == "上级单位编号 [parent_number]"
    rows = [head, ["OX1", "新网点", "", book.get_sheet_by_index(0).to_python()[1][3], "2", "XX"]]
    where = _sent(hr, _book(rows))
    assert "没有单位“XX”" in hr.get(where).text
    rows[1][5] = "RB"
    where = _sent(hr, _book(rows))
    hr.post(f"{where}/apply", data={})
    rosters.work(int(where.rsplit("/", 1)[1]))
    assert "已生效" in hr.get(where).text
    assert "新网点" in hr.get("/units").text
    assert hr.post(f"{where}/undo").status_code == 303
    rosters.work(int(where.rsplit("/", 1)[1]))
    assert "新网点" not in hr.get("/units").text


def _sent(client: FlaskClient, data: bytes, kind: str = "units") -> str:
    answer = client.post(f"/roster/{kind}", data={"empty": "ignore", "file": (io.BytesIO(data), f"{kind}.xlsx")})
    assert answer.status_code == 303, answer.text
    rosters.work(int(answer.location.rsplit("/", 1)[1]))
    return str(answer.location)


def test_who_keeps_one_centre_imports_no_units(app: Flask, world: World, now: datetime) -> None:
    world.add("centre_hr", "何人事", "centre_a", now, roles=("hr",))
    own = world.sign_in(app.test_client(), "centre_hr")
    assert own.get("/roster/units").status_code == 404
    assert own.get(f"/roster/{rosters.send([NEW], world.hr, kind='units')}").status_code == 404
    assert own.get("/roster/people").status_code == 200


def test_a_file_with_permits_is_applied_by_a_second_person(app: Flask, world: World, hr: FlaskClient) -> None:
    permit = {"permit_since": "2021-05-10", "permit_until": "2027-05-09", "level": "junior",
              "level_since": "2023-05-10", "level_until": "2027-05-09"}  # fmt: skip
    roster_id = rosters.send([NEW | permit], world.hr)
    page = hr.get(f"/roster/{roster_id}").text
    assert "须由另一人写入" in page
    assert "初级服务技师" in page
    assert f"/roster/{roster_id}/apply" not in page
    hr.post(f"/roster/{roster_id}/apply", data={})
    assert rosters.roster(roster_id).state is RosterState.CHECKED
    other = world.sign_in(app.test_client(), "hr2")
    assert f"/roster/{roster_id}" in other.get("/roster/people").text
    assert f"/roster/{roster_id}/apply" in other.get(f"/roster/{roster_id}").text
    other.post(f"/roster/{roster_id}/apply", data={})
    rosters.work(roster_id)
    new = queries.find_person_id(db.session(), "N-001")
    story = hr.get(f"/people/{new}").text
    assert "由历史档案导入" in story


def test_an_import_that_cannot_be_undone_any_more_says_for_whom_and_why(
    world: World, hr: FlaskClient, now: datetime
) -> None:
    roster_id = rosters.bring_in([NEW], world.hr)
    clock.move_to(now + timedelta(minutes=5))
    rosters.bring_in([NEW | {"phone": "139 0000 0000"}], world.hr)
    assert hr.post(f"/roster/{roster_id}/undo").status_code == 303
    page = hr.get(f"/roster/{roster_id}")
    assert page.status_code == 200
    assert "已经不能撤销" in page.text
    assert "修改资料" in page.text


def test_an_import_whose_undoing_failed_says_so_and_can_be_undone_again(
    world: World, hr: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster_id = rosters.bring_in([NEW], world.hr)
    with monkeypatch.context() as patch:
        patch.setattr(undoing, "_switch_back", lambda *_given, **_more: 1 // 0)
        hr.post(f"/roster/{roster_id}/undo")
        with pytest.raises(AssertionError, match="ZeroDivisionError"):
            rosters.work(roster_id)
    page = hr.get(f"/roster/{roster_id}").text
    assert "未能撤销" in page
    assert "撤销整批导入" in page
    hr.post(f"/roster/{roster_id}/undo")
    rosters.work(roster_id)
    page = hr.get(f"/roster/{roster_id}").text
    assert "未能撤销" not in page
    assert rosters.roster(roster_id).state is RosterState.UNDONE
