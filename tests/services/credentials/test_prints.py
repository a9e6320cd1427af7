"""Prints for many: cards that show the customer's face alone, slips that are keys and are handed out once."""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pypdfium2  # type: ignore[import-untyped]
import pytest
import sqlalchemy as sa
import zxingcpp
from flask import Flask
from pypdf import PdfReader

from tests import permits_factories as permits
from tests.credentials_factories import certified, set_photo
from tests.factories import World
from training_app import chain, clock
from training_app.access.models import RoleGrant
from training_app.accounts import people_service, sign_in
from training_app.accounts.models import Login, PersonProfile, SignInLink
from training_app.audit.models import AuditEntry
from training_app.credentials import print_press, print_queries, print_service
from training_app.credentials.models import PrintRun
from training_app.credentials.print_rules import CARDS, MOST, SLIPS, Layout, LeftOut, PrintKind
from training_app.credentials.rules import FileState
from training_app.db import db, transaction
from training_app.errors import NotFound
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.outbox.models import OutboxMessage
from training_app.permits import service as permit_service
from training_app.storage import service as storage

MM = 72 / 25.4


def ask(world: World, kind: PrintKind, people: list[int], *, by: str = "hr", token: str = "one") -> int:
    actor = world.people[by]
    grants = chain.grants_of(actor, clock.now())
    return print_service.ask(kind, people, token=token, grants=grants, now=clock.now(), actor_id=actor)


def printed(world: World, run_id: int, *, by: str = "hr") -> print_queries.RunRow:
    """Let the worker print a run; return how it stands."""
    job_id = db.session.scalars(sa.select(Job.id).where(Job.key == f"print/{run_id}")).one()
    db.session.rollback()
    jobs.run(job_id)
    job = db.session.get_one(Job, job_id, populate_existing=True)
    assert job.error is None
    actor = world.people[by]
    row = print_queries.get_run(db.session(), run_id, actor, chain.grants_of(actor, clock.now()), clock.now())
    db.session.rollback()
    return row


def codes(pdf: bytes) -> list[str]:
    """Return what the codes of all sheets say, read as a phone would."""
    document = pypdfium2.PdfDocument(pdf)
    found = []
    for page in document:
        sheet = page.render(scale=3).to_pil().convert("L")
        found += [code.text for code in zxingcpp.read_barcodes(sheet)]
    document.close()
    return sorted(found)


def fonts_of(reader: PdfReader) -> Iterator[str]:
    for page in reader.pages:
        for font in page["/Resources"]["/Font"].values():
            yield font.get_object()["/BaseFont"].split("+")[-1]


def cuts_of(reader: PdfReader, layout: Layout) -> None:
    """Hold the cutting lines drawn on every sheet against the layout, to a hundredth of a millimetre."""
    wanted = sorted(
        (round(x1, 2), round(297 - y1, 2), round(x2, 2), round(297 - y2, 2)) for (x1, y1), (x2, y2) in layout.cuts()
    )
    for page in reader.pages:
        drawn = page.get_contents().get_data().decode("latin-1").rsplit("[3 3] 0 d", 1)[1]
        lines = re.findall(r"([\d.]+) ([\d.]+) m ([\d.]+) ([\d.]+) l", drawn)
        assert sorted(tuple(round(float(one) / MM, 2) for one in line) for line in lines) == wanted


@pytest.fixture
def two(app: Flask, world: World) -> World:
    """Return a world in which two technicians hold a valid permit and have a photo."""
    for person in (world.learner, world.learner2):
        certified(person, clock.now())
        set_photo(person, clock.now())
    chain.set_hotline("400 000 0000", clock.now(), actor_id=world.administrator)
    return world


def test_cards_show_the_customers_face_and_nothing_else(two: World) -> None:
    with transaction() as session:
        session.get_one(PersonProfile, two.learner).phone = "138 6543 2109"
    run = printed(two, ask(two, PrintKind.CARDS, [two.learner, two.learner2]))
    assert run.file is FileState.READY
    assert run.sha256 is not None
    pdf = storage.read(run.sha256)
    reader = PdfReader(io.BytesIO(pdf))
    assert [tuple(round(float(side) / MM) for side in page.mediabox[2:]) for page in reader.pages] == [(210, 297)]
    assert set(fonts_of(reader)) == {"Card", "Card-Bold"}, "our own fonts, embedded"
    cuts_of(reader, CARDS)
    text = "".join(reader.pages[0].extract_text().split())
    for shown in ("王**", "李**", "某服务公司", "400000000", "Workpermit", "/check"):
        assert shown in text, shown
    hidden = ("王小明", "XiaoMing", two.numbers["learner"], "分", "point", "等级", "Junior", "示范", "有效期", "6543")
    for never in hidden:
        assert never not in text, never
    doors = [f"http://127.0.0.1:8000/d/{row.door_code}" for row in _cards(two)]
    assert codes(pdf) == sorted(doors)


def _cards(world: World) -> list[print_queries.CardRow]:
    rows = [print_queries.card_of(db.session(), one, clock.now()) for one in (world.learner, world.learner2)]
    db.session.rollback()
    return [row for row in rows if isinstance(row, print_queries.CardRow)]


def test_nine_cards_take_two_sheets_and_tell_how_far_they_are() -> None:
    card = print_press.CardFields(
        name="<b>王**", name_latin=None, company="某某市诚信家用电器安装维修服务连锁有限责任公司", company_latin=None,
        number="P-1234-5678-9", door_url="https://example.com/d/x", check_address="example.com/check", hotline=None,
        photo=_photo(),
    )  # fmt: skip
    steps: list[tuple[int, int]] = []
    pdf = print_press.print_cards([card] * 9, lambda done, of: steps.append((done, of)))
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 2
    assert steps == [(0, 3), (2, 3), (3, 3)]
    assert reader.pages[0].extract_text().count("P-1234-5678-9") == 8
    assert "<b>" in reader.pages[1].extract_text(), "words, never markup"
    assert "有限责任公司" in "".join(reader.pages[1].extract_text().split()), "a long name is whole"
    assert "热线" not in reader.pages[0].extract_text(), "none while the company has not set its own"


def _photo() -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.new("RGB", (300, 500), "navy").save(out, "JPEG")
    return out.getvalue()


def test_who_has_no_photo_no_permit_or_is_stopped_meanwhile_is_left_out_with_the_reason(two: World) -> None:
    clock.move_to(clock.now() + timedelta(days=5))
    run_id = ask(two, PrintKind.CARDS, [two.learner, two.learner2, two.trainer])
    permits.report(two, clock.now())
    permit_service.stop_for_safety(two.learner, words="Gas.", now=clock.now(), actor_id=two.manager, language="en")
    with transaction() as session:
        session.get_one(PersonProfile, two.learner2).photo_sha256 = None
    clock.move_to(clock.now() + timedelta(seconds=1))
    run = printed(two, run_id)
    assert run.left_out[LeftOut.NO_PHOTO] == (two.learner2,)
    assert set(run.left_out[LeftOut.NOT_VALID]) == {two.learner, two.trainer}
    assert (run.printed, run.file) == ((), FileState.ABSENT)
    notice = db.session.scalars(
        sa.select(OutboxMessage.body).where(OutboxMessage.key == f"notice/print_ready/{run_id}")
    ).one()
    assert notice["kind"] == "print_empty"


def test_a_print_is_asked_for_once_within_reach_and_within_bounds(two: World) -> None:
    first = ask(two, PrintKind.CARDS, [two.learner])
    assert ask(two, PrintKind.CARDS, [two.learner]) == first, "a double click"
    with pytest.raises(print_service.NobodyChosen):
        ask(two, PrintKind.CARDS, [], token="two")
    with pytest.raises(print_service.TooMany):
        ask(two, PrintKind.CARDS, list(range(1, MOST + 2)), token="three")
    for by in ("learner2", "manager", "trainer"):
        with pytest.raises(NotFound):
            ask(two, PrintKind.CARDS, [two.learner], by=by, token="four")
    own = ask(two, PrintKind.CARDS, [two.learner], by="learner", token="five")
    assert printed(two, own, by="learner").printed == (two.learner,)
    with pytest.raises(NotFound):
        ask(two, PrintKind.SLIPS, [two.learner], by="learner", token="six")
    lines = db.session.scalars(sa.select(AuditEntry.facts).where(AuditEntry.action == "print.cards")).all()
    assert len(lines) == 2


def test_who_has_lost_the_right_meanwhile_prints_and_fetches_nothing(two: World) -> None:
    fetched, waiting = ask(two, PrintKind.CARDS, [two.learner]), ask(two, PrintKind.CARDS, [two.learner], token="two")
    assert printed(two, fetched).printed == (two.learner,)
    with transaction() as session:
        session.execute(sa.update(RoleGrant).where(RoleGrant.person_id == two.hr).values(superseded_at=clock.now()))
    assert printed(two, waiting).left_out == {LeftOut.OUT_OF_REACH: (two.learner,)}
    with pytest.raises(NotFound):
        print_queries.get_run(db.session(), fetched, two.hr, chain.grants_of(two.hr, clock.now()), clock.now())


def test_a_file_of_cards_is_let_go_after_a_day(two: World) -> None:
    run = printed(two, ask(two, PrintKind.CARDS, [two.learner]))
    assert run.sha256 is not None
    assert print_service.let_go(clock.now() + timedelta(hours=23)) == 0
    assert print_service.let_go(clock.now() + timedelta(hours=24)) == 1
    assert db.session.get_one(PrintRun, run.run_id).sha256 is None


def without_password(*people: int) -> None:
    with transaction() as session:
        session.execute(sa.update(Login).where(Login.person_id.in_(people)).values(password_hash=None))


def test_slips_open_the_first_sign_in_end_older_ones_and_stand_in_no_row(app: Flask, two: World) -> None:
    without_password(two.learner, two.learner2)
    grants = chain.grants_of(two.hr, clock.now())
    older, _purpose = people_service.issue_link(two.learner, grants=grants, now=clock.now(), actor_id=two.hr)
    run = printed(two, ask(two, PrintKind.SLIPS, [two.learner, two.learner2, two.trainer]))
    assert (set(run.printed), run.left_out) == (
        {two.learner, two.learner2}, {LeftOut.HAS_PASSWORD: (two.trainer,)}
    )  # fmt: skip
    folder = Path(app.extensions["settings"].data_dir) / "once"
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    pdf = print_service.take(run.run_id, now=clock.now(), actor_id=two.hr)
    assert list(folder.iterdir()) == []
    reader = PdfReader(io.BytesIO(pdf))
    assert [tuple(round(float(side) / MM) for side in page.mediabox[2:]) for page in reader.pages] == [(210, 297)]
    cuts_of(reader, SLIPS)
    text = "".join(reader.pages[0].extract_text().split())
    for shown in ("王小明", two.numbers["learner"], "只能用一次"):
        assert shown in text, shown
    addresses = codes(pdf)
    tokens = [address.rsplit("/", 1)[1] for address in addresses]
    assert {sign_in.find_link(db.session(), token, now=clock.now())[0] for token in tokens} == {
        two.learner,
        two.learner2,
    }
    with pytest.raises(sign_in.DeadLink):
        sign_in.find_link(db.session(), older, now=clock.now())
    db.session.rollback()
    database = (Path(app.extensions["settings"].data_dir) / "app.db").read_bytes()
    database += (Path(app.extensions["settings"].data_dir) / "app.db-wal").read_bytes()
    for token in tokens:
        assert token.encode() not in database
    with pytest.raises(print_service.Gone):
        print_service.take(run.run_id, now=clock.now(), actor_id=two.hr)
    with pytest.raises(NotFound):
        print_service.take(run.run_id, now=clock.now(), actor_id=two.learner)


def test_slips_that_nobody_fetched_are_gone_after_an_hour(app: Flask, two: World) -> None:
    without_password(two.learner)
    run = printed(two, ask(two, PrintKind.SLIPS, [two.learner]))
    later = clock.now() + timedelta(hours=1)
    with pytest.raises(print_service.Gone):
        print_service.take(run.run_id, now=later, actor_id=two.hr)
    assert print_service.let_go(later) == 1
    assert list((Path(app.extensions["settings"].data_dir) / "once").iterdir()) == []


def test_no_link_is_printed_for_a_role_that_the_printer_may_not_grant(two: World) -> None:
    without_password(two.administrator)
    before = db.session.scalar(sa.select(sa.func.count()).select_from(SignInLink))
    run = printed(two, ask(two, PrintKind.SLIPS, [two.administrator]))
    assert run.left_out == {LeftOut.NO_LINK: (two.administrator,)}
    assert db.session.scalar(sa.select(sa.func.count()).select_from(SignInLink)) == before


def test_a_print_asked_for_twice_at_the_same_moment_is_one(any_app: Flask) -> None:
    world = World.create(clock.now())
    actor, grants = world.hr, chain.grants_of(world.hr, clock.now())
    start = threading.Barrier(4)
    found: list[object] = []

    def press() -> None:
        with any_app.app_context():
            start.wait()
            try:
                found.append(
                    print_service.ask(
                        PrintKind.CARDS, [world.learner], token="one", grants=grants, now=clock.now(), actor_id=actor
                    )
                )
            except Exception as error:
                found.append(error)
            finally:
                db.session.remove()

    for _round in range(3):
        found.clear()
        with transaction() as session:
            session.execute(sa.delete(PrintRun))
            session.execute(sa.delete(OutboxMessage))
            session.execute(sa.delete(Job))
        threads = [threading.Thread(target=press) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(set(found)) == 1, found
        assert isinstance(found[0], int)


def test_the_page_of_a_print_names_only_whom_the_reader_reaches(app: Flask, world: World) -> None:
    now = clock.now()
    run_id = ask(world, PrintKind.CARDS, [world.learner, world.learner2])
    printed(world, run_id)
    reader = world.sign_in(app.test_client(), "hr")
    page = reader.get(f"/prints/{run_id}").text
    assert all(name in page for name in ("王小明", "李佳怡"))
    with transaction() as session:
        session.execute(
            sa.update(RoleGrant).where(RoleGrant.person_id == world.hr).values(superseded_at=now)
        )  # fmt: skip
    page = world.sign_in(app.test_client(), "hr").get(f"/prints/{run_id}").text
    assert not any(name in page for name in ("王小明", "李佳怡"))
    assert re.search(r"2\s*(人|people)", page.split("<h3>")[1])
