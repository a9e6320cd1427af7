"""Names and words that are markup, templates or formulas stand as typed on every page, in the file and in the PDF."""

from __future__ import annotations

import csv
import io
import re

import pytest
from flask import Flask

from tests import roster_factories as rosters
from tests.security.house import House, routes, state
from tests.security.pages import signed_in_as_each
from training_app import clock
from training_app.accounts.models import PersonProfile, UnitVersion
from training_app.credentials.press import page as sheet
from training_app.db import transaction
from training_app.permits import service as permits

TAG = "<img src=file:///etc/hostname onerror=alert(1)>"
WORDS = f"{TAG}{{{{7*7}}}}${{7*7}}</script></textarea>\"'`\u202e%(name)s%s"
RAW = re.compile(r"<img src=file|</script></textarea>|onerror=alert\(1\)>")


def _plant(house: House) -> None:
    """Put the words wherever people's own words can stand."""
    with transaction() as session:
        for profile in session.query(PersonProfile):
            profile.name = WORDS
            profile.name_latin = WORDS
        for unit in session.query(UnitVersion):
            unit.name = unit.name_latin = WORDS
    now, world = clock.now(), house.world
    permits.cases.answer(
        house.values["case_id"], words=permits.Words(WORDS, "en"), companion=WORDS, picture=None, now=now,
        actor_id=world.learner,
    )  # fmt: skip
    permits.stop_for_safety(world.learner, words=WORDS, now=now, actor_id=world.manager, language="en")
    case = permits.cases.report(
        world.learner, code="promise-broken", occurred_at=now, words=permits.Words(WORDS, "zh"), picture=None,
        token="planted", place=WORDS, order=WORDS, now=now, actor_id=world.manager,
    )  # fmt: skip
    permits.cases.notify(case, now=now, actor_id=world.hr)


def test_no_page_of_any_role_lets_words_become_markup(app: Flask, house: House) -> None:
    _plant(house)
    shown = 0
    for person, client in signed_in_as_each(app, house).items():
        for rule in routes(app, "GET"):
            answer = client.get(house.url(app, rule), headers={"Accept": "text/html"}, buffered=True)
            assert answer.status_code < 500, f"{person} {rule.endpoint}"
            if answer.mimetype == "text/html":
                found = RAW.search(answer.text)
                assert found is None, f"{person} {rule.endpoint}: {answer.text[found.start() - 200 : found.end()]}"
                assert "{{49}}" not in answer.text
                shown += "&lt;img src=file" in answer.text
    assert shown >= 30, "the words were hardly anywhere to be seen"


def test_words_sent_back_with_a_refused_form_stay_words(app: Flask, house: House) -> None:
    clients = signed_in_as_each(app, house)
    for person, address, fields in (
        (None, "/sign-in", {"number": TAG, "password": TAG}),
        ("hr", "/people/new", {"number": TAG, "name": TAG, "phone": TAG, "email": TAG, "employer": TAG}),
        ("examiner", f"/sittings/{house.values['sitting_id']}/admit", {"number": TAG}),
        ("administrator", "/settings", {"name_zh": TAG, "hotline": TAG, "course_reminder_days": TAG}),
        ("manager", f"/permits/report/{house.world.learner}", {"words": TAG, "place": TAG, "code": TAG}),
    ):
        answer = clients[person].post(address, data=fields)
        assert answer.status_code == 422, address
        assert RAW.search(answer.text) is None, address
        assert "&lt;img" in answer.text.lower() or person is None, address
    for address in (f"/people?q={TAG}", f"/audit?q={TAG}", f"/sittings?number={TAG}", f"/check?number={TAG}"):
        for client in clients.values():
            assert RAW.search(client.get(address).text) is None, address


def test_the_exported_file_holds_the_words_and_no_formula(app: Flask, house: House) -> None:
    formulas = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1)", "\t=1", "＝1", "＋1", "－1", "＠x", "'=1", '"=1"']
    with transaction() as session:
        profiles = list(session.query(PersonProfile).order_by(PersonProfile.person_id))
        for profile, formula in zip(profiles, formulas, strict=False):
            profile.name = formula
    client = signed_in_as_each(app, house)["hr"]
    text = client.post("/people/export", buffered=True).data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text, newline="")))
    cells = [cell for row in rows[1:] for cell in row]
    assert not [cell for cell in cells if cell[:1] in tuple("=+-@\t\r\n＝＋－＠")]
    assert {formula for formula in formulas if f"'{formula}" in cells or formula in cells} == set(formulas)


def test_the_sheet_of_a_certificate_prints_the_words(app: Flask) -> None:
    pair = {"zh": WORDS, "en": WORDS}
    printed = {
        "number": WORDS, "name": WORDS, "name_latin": WORDS, "organisation": pair, "level": pair, "scope": pair,
        "note": pair, "scheme_version": 1, "issued_on": "2026-01-01", "valid_through": "2027-01-01",
    }  # fmt: skip
    html = sheet(printed, check_url="https://x.example/c/abc")
    assert RAW.search(html) is None
    assert "{{7*7}}" in html


WRITTEN_BY_A_CHECK = {"roster", "roster_line", "blob", "job", "outbox", "audit_entry", "audit_head"}
HOSTILE_FILES = {
    "UTF-16": "number,phone\r\nT-10000,1".encode("utf-16"),
    "GB18030": "number,phone\r\n工号,电话".encode("gb18030"),
    "NUL": b"number,phone\r\nT-10000,\x00",
    "NUL in the head": b"num\x00ber,phone\r\nT-10000,1",
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbfnumber,phone\r\nT-10000,12345678",
    "open quote": b'number,phone\r\n"T-10000,1',
    "odd quote": b'number,phone\r\nT-1"00"00,1',
    "no line end": b"number,phone",
    "old Mac": b"number,phone\rT-10000,1\r",
    "a cell without end": b"number,phone\r\nT-10000," + b"9" * 400_000,
    "a row of 100,000 cells": b"number,phone\r\n" + b"x," * 100_000,
    "100,000 rows": b"number,phone\r\n" + b"T,1\n" * 100_000,
    "a zip": b"PK\x03\x04" + b"\x00" * 100,
    "doubled column": b"number,phone,phone\r\nT-10000,1,2",
    "other columns": b"number,role\r\nT-10000,administrator",
    "empty": b"\xef\xbb\xbf",
    "separators": "number,phone\r\nT-10000,1\u2028\u2029\x85\x0b2".encode(),
}


@pytest.mark.parametrize("kind", ["people", "licences", "cases", "visits"])
def test_no_file_that_is_read_back_brings_a_fault_or_changes_anybody(app: Flask, house: House, kind: str) -> None:
    hr = house.world.hr
    before = {name: rows for name, rows in state().items() if name not in WRITTEN_BY_A_CHECK}
    for what, data in HOSTILE_FILES.items():
        roster_id = rosters.send(data, hr, kind=kind)  # a fault of its job would be raised here
        row = rosters.roster(roster_id)
        is_plain = what in ("two marks", "no line end", "other columns", "separators")  # odd, and yet a table
        assert is_plain or row.state == "unreadable" or row.figures["faulty"], what
    assert {name: rows for name, rows in state().items() if name in before} == before


def test_words_in_the_cells_of_a_file_stay_words(app: Flask, house: House) -> None:
    client = signed_in_as_each(app, house)["hr"]
    cell = '"' + WORDS.replace('"', '""') + '"'
    text = f"number,name,unit_number,employer,phone,{cell}\r\n{cell},{cell},{cell},{cell},{cell},x\r\n"
    roster_id = rosters.send(text.encode(), house.world.hr, name=f"{WORDS}.csv")
    page = client.get(f"/roster/{roster_id}").text
    assert "&lt;img src=file" in page
    assert RAW.search(page) is None
