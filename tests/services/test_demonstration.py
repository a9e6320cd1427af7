"""The demonstration: marked on every page and print, refused beside true data, begun anew, removed for good."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from pypdf import PdfReader

from tests.factories import World
from training_app import demo
from training_app.accounts.models import Login
from training_app.audit import service as audit
from training_app.audit.models import AuditEntry
from training_app.credentials import press, print_press
from training_app.db import append_only_tables, db
from training_app.demo_people import PEOPLE, DemoPerson
from training_app.demonstration import service as demonstration
from training_app.start import only_start
from training_app.triggers import guarded_tables

BAND = "演示环境 · 人物均为虚构"


def run(app: Flask, *words: str, typed: str | None = None) -> Result:
    """Run a command; `typed` is what stands on its standard input."""
    db.session.remove()
    done = app.test_cli_runner().invoke(args=list(words), input=typed)
    db.session.remove()
    return done


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> tuple[DemoPerson, ...]:
    """Let the demonstration be a small one: most people of the whole take their time."""
    people = tuple(one for one in PEOPLE if one.story in ("", "fresh", "examinable"))
    monkeypatch.setattr(demo, "PEOPLE", people)
    numbers = {one.number for one in people}
    monkeypatch.setattr(demo, "LICENCES", tuple(row for row in demo.LICENCES if row[0] in numbers))
    return people


def can_sign_in(app: Flask, number: str, password: str) -> bool:
    """Tell whether the form takes this number and password."""
    return app.test_client().post("/sign-in", data={"number": number, "password": password}).status_code == 302


def figures() -> dict[str, int]:
    """Return how many rows each table has."""
    counts = {
        table.name: db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0
        for table in db.metadata.sorted_tables
    }
    db.session.rollback()
    return counts


def files(app: Flask) -> set[str]:
    """Return the files that are kept beside the database, but for the keys and the database's own."""
    root: Path = app.extensions["settings"].data_dir
    return {str(one.relative_to(root)) for name in ("blobs", "mail", "once") for one in (root / name).rglob("*.*")} | {
        one.name for one in (root / "blobs").rglob("*") if one.is_file()
    }


def test_the_demonstration_is_made_once_and_says_how_to_sign_in(app: Flask, few: tuple[DemoPerson, ...]) -> None:
    made = run(app, "seed-demo")
    assert made.exit_code == 0, made.output
    told = re.search(r"with the password: (\S+)$", made.output, re.MULTILINE)
    assert told is not None
    kept = app.extensions["settings"].demo_accounts_path
    assert kept.read_text(encoding="utf-8") == made.output
    assert kept.stat().st_mode & 0o077 == 0
    shown = [one.number for one in few if one.shown]
    assert re.findall(r"^  (\S+)", made.output, re.MULTILINE) == shown
    assert all(can_sign_in(app, number, told.group(1)) for number in (shown[0], shown[-1]))
    assert db.session.scalars(sa.select(Login.person_id).where(Login.password_hash.is_(None))).all() == []
    before = figures()
    kept.unlink()  # whoever has read it may throw it away, and a backup does not hold it
    again = run(app, "seed-demo")
    assert (again.exit_code, again.output, figures()) == (0, "", before)


# Marked ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def marked(app: Flask, now: datetime) -> Iterator[None]:
    """Let the database say that it holds a demonstration."""
    demonstration.begin([], [], now=now)
    demonstration.finish(now=now)
    yield
    demonstration.forget()


@pytest.mark.parametrize("path", ["/sign-in", "/check", "/d/nobody", "/c/nobody", "/nothing-here"])
def test_every_page_says_in_a_band_that_its_people_are_invented(app: Flask, marked: None, path: str) -> None:
    page = app.test_client().get(path).get_data(as_text=True)
    assert page.count("demo-band") == 1
    assert BAND in page
    assert "演示 · 无效" in page


def test_no_page_of_true_people_says_it(app: Flask, world: World) -> None:
    for path in ("/sign-in", "/check", "/d/nobody", "/c/nobody"):
        page = app.test_client().get(path).get_data(as_text=True)
        assert "demo-band" not in page
        assert "演示" not in page


def test_the_answer_at_the_door_says_that_it_lets_nobody_in(app: Flask, marked: None) -> None:
    assert "不能作为开门依据" in app.test_client().get("/d/nobody").get_data(as_text=True)
    assert "本页证书无效" in app.test_client().get("/c/nobody").get_data(as_text=True)


def text_of(pdf: bytes) -> str:
    """Return what a PDF says."""
    return "".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages)


def test_what_is_printed_of_invented_people_says_that_it_is_not_valid(app: Flask) -> None:
    printed = {
        "number": "Z-2026-000123-4", "name": "王芳", "name_latin": "", "level": {"zh": "初级", "en": "Junior"},
        "scope": {"zh": "安装", "en": "Installation"}, "organisation": {"zh": "公司", "en": "Company"},
        "note": {"zh": "说明", "en": "Note"}, "scheme_version": 1, "issued_on": "2026-01-05",
        "valid_through": "2027-01-04",
    }  # fmt: skip
    card = print_press.CardFields(
        name="王芳", name_latin=None, company="公司", company_latin=None, number="S-1", door_url="http://x/d/1",
        check_address="x/check", hotline=None, photo=demo.storage.clean_photo(demo.portrait("T-1")),
    )  # fmt: skip
    slip = print_press.SlipFields(
        name="Wang Fang", number="T-1", unit="U", language="en", address="http://x/welcome/1", until="today"
    )
    for is_demo in (True, False):
        sheets = (
            press.render(printed, check_url="http://x/c/1", is_demo=is_demo),
            print_press.print_cards([card], lambda _done, _of: None, is_demo=is_demo),
            print_press.print_slips([slip], lambda _done, _of: None, is_demo=is_demo),
        )
        for sheet in sheets:
            assert ("not valid" in text_of(sheet)) is is_demo


# Interrupted, refused ----------------------------------------------------------------------------------------------


def _only_units(made: demo.Demo) -> None:
    demo._network(made)


def _units_and_a_person(made: demo.Demo) -> None:
    demo._network(made)
    demo._hire(made, DemoPerson("T-1001", "林晓雨", "Lin Xiaoyu", "o1"), made.now)


@pytest.mark.parametrize("do_a_part", [_only_units, _units_and_a_person])
def test_a_demonstration_that_was_interrupted_is_begun_anew(
    app: Flask, now: datetime, few: tuple[DemoPerson, ...], do_a_part: Callable[[demo.Demo], None]
) -> None:
    demonstration.begin([one.number for one in few], [unit[1] for unit in demo.UNITS], now=now)
    do_a_part(demo.Demo(now))
    made = run(app, "seed-demo")
    assert made.exit_code == 0, made.output
    assert made.output.startswith("demonstration: it was interrupted the last time and is begun anew\n")
    interrupted = figures()
    assert audit.verify(db.session()) == []
    assert run(app, "remove-demo", "--yes").exit_code == 0
    assert interrupted["person"] == len(few)


def test_an_interrupted_demonstration_beside_others_is_refused_with_one_line(app: Flask, now: datetime) -> None:
    demonstration.begin(["T-1001"], ["HQ"], now=now)
    run(app, "create-admin", "--number", "A-1", "--name", "王芳", "--unit", "HQ", typed="one sentence of mine\n")
    _is_refused(app, "there are 1 person and 0 units besides it")


def test_a_demonstration_beside_data_of_ones_own_is_refused_with_one_line_that_says_what_to_do(app: Flask) -> None:
    run(app, "create-admin", "--number", "A-1", "--name", "王芳", "--unit", "HQ", typed="one sentence of mine\n")
    _is_refused(app, "HQ is there already")


def _is_refused(app: Flask, reason: str) -> None:
    before = figures()
    for _start in range(2):
        refused = run(app, "seed-demo")
        assert refused.exit_code == 1
        (line,) = refused.output.splitlines()
        assert reason in line
        assert "DEMO=0 make run" in line
        assert "an empty DATA_DIR" in line
    assert figures() == before
    assert not app.extensions["settings"].demo_accounts_path.exists()


# Removed -----------------------------------------------------------------------------------------------------------


def test_a_removed_demonstration_leaves_a_fresh_database_one_entry_of_the_trail_and_no_file(
    any_app: Flask, few: tuple[DemoPerson, ...], now: datetime
) -> None:
    app = any_app
    fresh, there = figures(), files(app)
    assert run(app, "seed-demo").exit_code == 0
    assert len(files(app)) > len(there)
    asked = run(app, "remove-demo", typed="n\n")
    assert (asked.exit_code, "for good" in asked.output, figures()["person"]) == (1, True, len(few))
    removed = run(app, "remove-demo", typed="y\n")
    assert removed.exit_code == 0, removed.output
    assert f"with its {len(few)} people and {len(demo.UNITS)} units" in removed.output
    assert figures() == fresh | {"demonstration": 1, "audit_entry": fresh["audit_entry"] + 1}
    assert files(app) <= there
    assert not app.extensions["settings"].demo_accounts_path.exists()
    assert guarded_tables(db.session.connection()) == append_only_tables()
    assert audit.verify(db.session()) == []
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "demonstration.removed")).one()
    assert entry.facts.startswith('{"by":"')
    assert f'"people":{len(few)}' in entry.facts
    assert "demo-band" not in app.test_client().get("/sign-in").get_data(as_text=True)
    kept = figures()
    again = run(app, "seed-demo")
    assert (again.exit_code, figures()) == (0, kept)
    (line,) = again.output.splitlines()
    assert "was removed on 2026-11-23 and is not made again" in line
    words = ["create-admin", "--number", "A-1", "--name", "王芳", "--unit", "HQ"]
    assert run(app, *words, typed="one sentence of mine\n").exit_code == 0
    assert can_sign_in(app, "A-1", "one sentence of mine")
    _stays(app, "was removed on 2026-11-23 already")


def test_where_there_is_no_demonstration_nothing_is_removed(app: Flask, world: World) -> None:
    _stays(app, "There is no demonstration here")


def test_people_and_units_besides_the_demonstration_keep_it_until_their_number_is_said(
    app: Flask, now: datetime
) -> None:
    demonstration.begin([], [], now=now)
    demonstration.finish(now=now)
    run(app, "create-admin", "--number", "A-1", "--name", "王芳", "--unit", "HQ", typed="one sentence of mine\n")
    _stays(app, "there are 1 person and 1 unit", "--others 2")
    assert run(app, "remove-demo", "--yes", "--others", "1").exit_code == 1
    assert run(app, "remove-demo", "--yes", "--others", "2").exit_code == 0
    assert figures()["person"] == 0


def test_a_demonstration_that_runs_is_not_removed(app: Flask, marked: None) -> None:
    with only_start(app.extensions["settings"].data_dir):
        _stays(app, "is in use by another start")


def _stays(app: Flask, *reasons: str) -> None:
    before = figures()
    refused = run(app, "remove-demo", "--yes")
    assert refused.exit_code == 1
    (line,) = refused.output.splitlines()
    assert all(reason in line for reason in reasons), line
    assert figures() == before
