"""The demonstration: marked on every page and print, refused beside true data, begun anew, removed for good."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from pypdf import PdfReader

from tests.factories import World
from training_app import clock, demo, demo_removal, demo_today
from training_app.accounts.models import Login, Person, PersonProfile
from training_app.audit import service as audit
from training_app.audit.models import AuditEntry
from training_app.credentials import press, print_press
from training_app.db import append_only_tables, db, transaction
from training_app.demo_making import LONGEST_STEP, Demo, Story, hire, portrait
from training_app.demo_people import PEOPLE, DemoPerson
from training_app.demo_roster import WAITING
from training_app.demonstration import service as demonstration
from training_app.demonstration.models import Demonstration, DemonstrationState
from training_app.jobs.models import Job
from training_app.mail import mail_name
from training_app.notices.models import Delivery, Notice
from training_app.outbox import service as outbox
from training_app.roster.models import Roster
from training_app.roster.state_rules import RosterState
from training_app.settings import SmtpServer
from training_app.start import only_start
from training_app.status import rebuilding
from training_app.storage import service as storage
from training_app.triggers import guarded_tables

SMALL = 38
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
    monkeypatch.setattr(demo_today, "LICENCES", ())
    return people


def test_no_step_begins_that_could_end_in_the_future(now: datetime) -> None:
    happened = []

    def story(at: datetime) -> Story:
        yield at
        happened.append(at)

    made = Demo(now=now)
    early, late = now - LONGEST_STEP, now - LONGEST_STEP + timedelta(minutes=1)
    made.tell(story(late))
    made.tell(story(early))
    made.live(lambda _words: None)
    assert happened == [early]


@pytest.fixture
def alone(app: Flask, monkeypatch: pytest.MonkeyPatch, few: tuple[DemoPerson, ...]) -> tuple[DemoPerson, ...]:
    """Let the demonstration be those few alone."""
    resize(app, monkeypatch, len(few))
    return few


def resize(app: Flask, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Let the demonstration have so many people."""
    smaller = replace(app.extensions["settings"], demo_people=size)
    monkeypatch.setitem(app.extensions, "settings", smaller)


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


def on_disk(app: Flask) -> set[str]:
    """Return the names of all files that are kept beside the database."""
    root: Path = app.extensions["settings"].data_dir
    return {one.name for folder in ("blobs", "mail", "once") for one in (root / folder).rglob("*") if one.is_file()}


@pytest.fixture(autouse=True)
def no_accounts(sqlite_app: Flask) -> None:
    """Let no test find the accounts of another."""
    sqlite_app.extensions["settings"].demo_accounts_path.unlink(missing_ok=True)


def test_the_demonstration_is_made_once_and_says_how_to_sign_in(app: Flask, alone: tuple[DemoPerson, ...]) -> None:
    made = run(app, "seed-demo")
    assert made.exit_code == 0, made.output
    few, growing = alone, [line for line in made.output.splitlines(keepends=True) if line.startswith("demonstration: ")]
    assert growing[0].startswith(f"demonstration: {len(few)} invented people with two years of history are made")
    assert " %, it is " in growing[-1]
    told = re.search(r"with the password: (\S+)$", made.output, re.MULTILINE)
    assert told is not None
    kept = app.extensions["settings"].demo_accounts_path
    assert kept.read_text(encoding="utf-8") == made.output.removeprefix("".join(growing))
    assert kept.stat().st_mode & 0o077 == 0
    shown = [one.number for one in few if one.shown]
    assert re.findall(r"^  (\S+)", made.output, re.MULTILINE) == shown
    assert all(can_sign_in(app, number, told.group(1)) for number in (shown[0], shown[-1]))
    assert db.session.scalars(sa.select(Login.person_id).where(Login.password_hash.is_(None))).all() == []
    before = figures()
    kept.unlink()  # whoever has read it may throw it away, and a backup does not hold it
    again = run(app, "seed-demo")
    assert (again.exit_code, again.output, figures()) == (0, "", before)


@pytest.mark.deep_on_postgres
@pytest.mark.parametrize("size", [SMALL, pytest.param(300, marks=pytest.mark.deep)])
def test_everybody_has_a_whole_history_and_every_screen_something_to_show(
    any_app: Flask, few: tuple[DemoPerson, ...], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    app = any_app
    resize(app, monkeypatch, size)
    told = run(app, "seed-demo")
    assert told.exit_code == 0, told.output
    assert audit.verify(db.session()) == []
    db.session.rollback()
    assert rebuilding.rebuild_by_hand(clock=clock.now) == []  # every row of a list is what its history comes to
    assert db.session.scalars(sa.select(Job.error).where(Job.error.isnot(None))).all() == []
    assert outbox.dead(db.session()) == []
    signing = sa.select(sa.func.count()).where(Login.password_hash.isnot(None))
    assert db.session.scalar(signing) == len(few)
    states = set(db.session.scalars(sa.select(Roster.state)))
    assert states == {RosterState.APPLIED, RosterState.CHECKED}
    first, last = db.session.execute(
        sa.select(sa.func.min(AuditEntry.effective_at), sa.func.max(AuditEntry.effective_at))
        .where(AuditEntry.stream != "system")
    ).one()  # fmt: skip
    assert last - first > timedelta(days=720)
    assert last <= clock.now()
    before = _network_figures()
    assert {one for one, count in before.items() if not count} == set(), before


@pytest.mark.deep
@pytest.mark.parametrize("days", [-300, -150, 1, 40, 95, 240, 500])
def test_it_can_be_made_on_any_day(app: Flask, monkeypatch: pytest.MonkeyPatch, days: int) -> None:
    resize(app, monkeypatch, 90)
    clock.move_to(clock.now() + timedelta(days=days))
    made = run(app, "seed-demo")
    assert made.exit_code == 0, made.output
    assert figures()["person"] == 90


def _network_figures() -> dict[str, int]:
    """Return what the demonstration has to show, counted where chance could make a difference."""
    wanted = (
        "person", "permit", "licence", "permit_case", "case_event", "ledger_entry", "permit_event", "roster_line",
        "learning_event", "attempt", "performance", "score_sheet", "sitting", "seat", "notice", "delivery",
    )  # fmt: skip
    rows = figures()
    left = db.session.scalar(sa.select(sa.func.count()).where(Person.left_on.isnot(None)))
    failed = db.session.scalar(sa.select(sa.func.count()).where(Delivery.outcome == "failed"))
    db.session.rollback()
    return {name: rows[name] for name in wanted} | {"left": left or 0, "failed": failed or 0}


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
        check_address="x/check", hotline=None, photo=storage.clean_photo(portrait("T-1")),
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


def test_a_demonstration_that_was_interrupted_is_begun_anew_and_comes_out_the_same(
    app: Flask, now: datetime, alone: tuple[DemoPerson, ...]
) -> None:
    demonstration.begin([one.number for one in alone], [unit[1] for unit in demo.UNITS], now=now)
    begun = Demo(now)
    demo._network(begun)
    hire(begun, alone[0], now)
    made = run(app, "seed-demo")
    assert made.exit_code == 0, made.output
    assert made.output.startswith("demonstration: it was interrupted the last time and is begun anew\n")
    assert audit.verify(db.session()) == []
    first = figures()
    assert first["person"] == len(alone)
    with transaction() as session:
        session.execute(sa.update(Demonstration).values(state=DemonstrationState.BEING_MADE))  # it broke off at the end
    assert run(app, "seed-demo").exit_code == 0
    assert figures() == first


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


@pytest.mark.deep_on_postgres
def test_a_removed_demonstration_leaves_a_fresh_database_one_entry_of_the_trail_and_no_file(
    any_app: Flask, few: tuple[DemoPerson, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = any_app
    resize(app, monkeypatch, len(few))
    fresh, content = figures(), storage.names(db.session())
    assert run(app, "seed-demo").exit_code == 0
    mails = [mail_name(key) for key in db.session.scalars(_mailed())]
    made = (storage.names(db.session()) - content) | set(mails)
    assert len(made) > len(mails) > 0
    assert made <= on_disk(app)
    asked = run(app, "remove-demo", typed="n\n")
    assert (asked.exit_code, "for good" in asked.output, figures()["person"]) == (1, True, len(few))
    removed = run(app, "remove-demo", typed="y\n")
    assert removed.exit_code == 0, removed.output
    assert f"with its {len(few) + WAITING} people and {len(demo.UNITS)} units" in removed.output
    assert figures() == fresh | {"demonstration": 1, "audit_entry": fresh["audit_entry"] + 1}
    assert not made & on_disk(app)
    assert content <= on_disk(app)
    assert not app.extensions["settings"].demo_accounts_path.exists()
    assert guarded_tables(db.session.connection()) == append_only_tables()
    assert audit.verify(db.session()) == []
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "demonstration.removed")).one()
    assert entry.facts.startswith('{"by":"')
    assert f'"people":{len(few) + WAITING}' in entry.facts
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


def _mailed() -> sa.Select[tuple[str]]:
    return sa.select(Notice.key).join(Delivery).where(Delivery.outcome == "sent")


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


# Broken off, two at once, mail --------------------------------------------------------------------------------------


@pytest.mark.parametrize("breaks", ["_load", pytest.param("_clear_away", marks=pytest.mark.deep)])
def test_a_removal_that_breaks_off_after_the_rows_are_gone_is_finished_by_the_next(
    app: Flask, alone: tuple[DemoPerson, ...], monkeypatch: pytest.MonkeyPatch, breaks: str
) -> None:
    content = storage.names(db.session())
    assert run(app, "seed-demo").exit_code == 0
    made = (storage.names(db.session()) - content) | {mail_name(key) for key in db.session.scalars(_mailed())}
    once = app.extensions["settings"].data_dir / "once" / "7.pdf"
    with monkeypatch.context() as patch:
        patch.setattr(demo_removal, breaks, _breaks)
        assert isinstance(run(app, "remove-demo", "--yes").exception, ConnectionError)
    assert made <= on_disk(app)
    once.write_bytes(b"of a true person, printed meanwhile")
    finished = run(app, "remove-demo")
    assert finished.exit_code == 0, finished.output
    assert not made & on_disk(app)
    assert content <= on_disk(app)
    assert once.is_file()
    once.unlink()
    assert not app.extensions["settings"].demo_accounts_path.exists()
    _stays(app, "already")


def _breaks(*_values: object) -> None:
    raise ConnectionError("the queue is away")


def test_content_that_cannot_be_loaded_is_found_before_anything_is_removed(
    app: Flask, marked: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demo_removal.content, "check_files", lambda _root: ({}, ["a problem"]))
    _stays(app, "check-content")


def test_a_demonstration_is_not_made_under_a_product_that_runs_nor_by_two_at_once(any_app: Flask) -> None:
    settings = any_app.extensions["settings"]
    with only_start(settings.data_dir):
        refused = run(any_app, "seed-demo")
    assert (refused.exit_code, "is in use by another start" in refused.output) == (1, True)
    with demo_removal.only_one(settings):
        for folder in (settings.data_dir, settings.data_dir / "mail"):
            if settings.is_sqlite and folder != settings.data_dir:
                continue  # another folder is another database
            folder.mkdir(exist_ok=True)
            with pytest.raises(demo.DemoRefusedError, match="by another process"):
                demo.seed(replace(settings, data_dir=folder), now=clock.now())
    assert figures()["demonstration"] == 0


def test_a_process_that_serves_already_learns_that_a_demonstration_was_made(
    app: Flask, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not demonstration.is_on()
    with transaction() as session:  # by another process
        session.add(
            Demonstration(id=1, state=DemonstrationState.BEING_MADE, people=[], units=[], begun_at=now)
        )  # fmt: skip
    monkeypatch.setattr(demonstration, "READ_AGAIN_S", 0.0)
    assert "demo-band" in app.test_client().get("/sign-in").get_data(as_text=True)


def test_mail_to_invented_people_leaves_by_no_server(
    app: Flask, world: World, marked: None, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    nowhere = SmtpServer(host="127.0.0.1", port=9)
    monkeypatch.setitem(app.extensions, "settings", replace(app.extensions["settings"], smtp=nowhere))
    with transaction() as session:
        session.execute(
            sa.update(PersonProfile).where(PersonProfile.person_id == world.learner).values(email="one@example.com")
        )
        body = {"person": world.learner, "key": "k/1", "kind": "print_empty", "facts": {"count": 0}, "path": "/"}
        outbox.send("notice", "notice/k/1", body, now=now)
    while outbox.dispatch_due(now=now):
        pass
    assert db.session.scalars(sa.select(Delivery.outcome).where(Delivery.channel == "mail")).unique().all() == ["sent"]
    db.session.rollback()
    assert mail_name("k/1") in on_disk(app)
