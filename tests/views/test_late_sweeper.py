"""While nobody sweeps, every list, file, door and certificate says what is true; the sweeper changes none of it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from flask.testing import FlaskClient

from tests import certifications_factories as certify
from tests import exams_factories as exams
from tests import permits_factories as permits
from tests.factories import World
from training_app import clock
from training_app.accounts import service as accounts
from training_app.credentials.models import Certificate
from training_app.db import db
from training_app.exams import service as exams_service
from training_app.exams.tasks import close_overdue
from training_app.permits import queries as permit_queries
from training_app.permits import service as permits_service
from training_app.status import service as status
from training_app.sweeping import sweep


@dataclass(frozen=True)
class Said:
    """What the pages say of one person: the file of the list, the person's page, door and certificate."""

    state: str
    points: str
    open_cases: str
    door: str
    certificate: str


def _verdict(page: str) -> str:
    found = re.search(r'class="verdict-word">([^<]+)<', page)
    assert found is not None
    return found[1].strip()


@pytest.fixture(autouse=True)
def english(world: World, now: datetime) -> None:
    for person_id in world.people.values():
        accounts.set_language(person_id, "en", now=now)


class Pages:
    """Everything that tells of the learner, read as HR and as the public read it."""

    def __init__(self, app: Flask, world: World, now: datetime) -> None:
        self.app, self.world = app, world
        event_id = certify.certify(world, "learner", now)
        certify.settle(now)
        record = permit_queries.permit_facts(db.session(), world.learner, now)
        assert record is not None
        self.door, self.until = f"/d/{record.door_code}", record.facts.valid_until
        code = db.session.scalar(sa.select(Certificate.code).where(Certificate.level_event_id == event_id))
        self.certificate = f"/c/{code}"
        db.session.rollback()

    def at(self, now: datetime) -> Said:
        """Read every page at an instant."""
        clock.move_to(now)
        db.session.rollback()
        public = self.app.test_client()
        public.set_cookie("lang", "en")
        hr = self.app.test_client()
        self.world.sign_in(hr, "hr")
        file = hr.post("/people/export", data={"q": self.world.numbers["learner"]}).data.decode("utf-8-sig")
        (row,) = csv.DictReader(io.StringIO(file, newline=""))
        cells = {head[head.index("[") + 1 : -1]: cell for head, cell in row.items()}
        said = Said(
            state=cells["state_code"], points=cells["points_deducted"], open_cases=cells["open_cases"],
            door=_verdict(public.get(self.door).text), certificate=_verdict(public.get(self.certificate).text),
        )  # fmt: skip
        self._agree(hr, said)
        return said

    def _agree(self, hr: FlaskClient, said: Said) -> None:
        """The list, its counts and the person's own page say the same as the file."""
        left = f"{12 - int(said.points)} points left ({said.points} deducted)"
        number = self.world.numbers["learner"]
        assert "<strong>1 person</strong>" in hr.get(f"/people?q={number}&state={said.state}").text
        with_cases = hr.get(f"/people?q={number}&cases=1").text
        assert ("<strong>1 person</strong>" in with_cases) is (said.open_cases != "0")
        assert left in hr.get(f"/people?q={number}").text
        assert left in hr.get(f"/people/{self.world.learner}").text


def _nothing(pages: Pages, now: datetime) -> datetime:
    return pages.until - timedelta(days=90)


def _valid_until(pages: Pages, now: datetime) -> datetime:
    return pages.until


def _renewal(pages: Pages, now: datetime) -> datetime:
    return pages.until - timedelta(days=60)


def _grace(pages: Pages, now: datetime) -> datetime:
    return pages.until + timedelta(days=30)


def _stop(pages: Pages, now: datetime) -> datetime:
    return permits_service.stop_for_safety(
        pages.world.learner, words="Gas smell.", now=now, actor_id=pages.world.manager, language="en"
    )


def _lapse(pages: Pages, now: datetime) -> datetime:
    case_id = permits.decided(pages.world, now + timedelta(days=3))
    until = permits.case(case_id, now).state.appeal_until
    assert until is not None
    return until


def _window(pages: Pages, now: datetime) -> datetime:
    _case, at = permits.final(pages.world, now + timedelta(days=3))
    permits.do_slips(pages.world.learner, at)
    certify.renew_permit(pages.world.learner, pages.until - timedelta(days=5))
    return pages.until


def _level(pages: Pages, now: datetime) -> datetime:
    for year in (0, 1):
        certify.renew_permit(pages.world.learner, pages.until + timedelta(days=365 * year - 20))
    return pages.until.replace(year=pages.until.year + 1)


# The clock goes on while pages are read: the last instants before a boundary are for the tests of the rules.
MARGIN = timedelta(minutes=5)
# What has happened and when the boundary is -> what is said just before it, and from it on.
VALID = Said("valid", "0", "0", "Valid", "Valid")
OPEN = Said("renewal_open", "0", "0", "Valid", "Valid")
NOT_NOW = "Not valid now"
BOUNDARIES: Mapping[str, tuple[Callable[[Pages, datetime], datetime], Said, Said]] = {
    "renewal opens": (_renewal, VALID, OPEN),
    "permit ends": (_valid_until, OPEN, Said("grace", "0", "0", NOT_NOW, NOT_NOW)),
    "grace ends": (
        _grace, Said("grace", "0", "0", NOT_NOW, NOT_NOW), Said("lapsed", "0", "0", NOT_NOW, NOT_NOW)
    ),
    "interim stop ends": (_stop, Said("suspended", "0", "0", NOT_NOW, NOT_NOW), VALID),
    "decision becomes final": (
        _lapse, Said("valid", "0", "1", "Valid", "Valid"), Said("valid", "3", "0", "Valid", "Valid")
    ),
    "points window ends": (_window, Said("valid", "3", "0", "Valid", "Valid"), VALID),
    "level ends": (_level, VALID, Said("suspended", "0", "0", NOT_NOW, "Expired")),
}  # fmt: skip


@pytest.mark.parametrize("name", BOUNDARIES)
def test_at_each_boundary_every_page_is_right_before_anybody_has_swept(
    app: Flask, world: World, now: datetime, name: str
) -> None:
    pages = Pages(app, world, now)
    happens, before, after = BOUNDARIES[name]
    edge = happens(pages, now + timedelta(hours=1))
    assert pages.at(edge - MARGIN) == before
    assert pages.at(edge) == after
    for _ in range(2):
        sweep(now=edge)
        assert pages.at(edge) == after
    assert status.rebuild(clock=lambda: edge) == []


def test_after_the_time_to_appeal_ones_own_pages_and_the_desk_say_final(
    app: Flask, world: World, now: datetime
) -> None:
    permits.issue(world.learner, now - timedelta(days=30))
    case_id = permits.decided(world, now)
    until = permits.case(case_id, now).state.appeal_until
    assert until is not None
    read: list[tuple[bool, ...]] = []
    for at, swept in ((until - MARGIN, False), (until, False), (until, True)):
        clock.move_to(at)
        if swept:
            assert sweep(now=at)["decisions past their time to appeal"] == 1
        own, desk = app.test_client(), app.test_client()
        for browser, who in ((own, "learner"), (desk, "hr")):
            world.sign_in(browser, who)
        link = f"/permits/cases/{case_id}"
        read.append(
            (
                "3 deducted" in own.get("/me/permit").text,
                link in desk.get("/permits/cases?show=decided").text,
                link in desk.get("/permits/cases?show=closed").text,
                "Reopen" in desk.get(link).text,
            )
        )
    assert read[0][:3] == (False, True, False)
    assert read[1][:3] == read[2][:3] == (True, False, True)


def test_what_time_made_final_can_be_reopened_before_the_sweeper_has_come(world: World, now: datetime) -> None:
    permits.issue(world.learner, now - timedelta(days=30))
    case_id = permits.decided(world, now)
    until = permits.case(case_id, now).state.appeal_until
    assert until is not None
    permits_service.cases.reopen(
        case_id, words=permits.words("A witness came."), picture=None, now=until, actor_id=world.hr_lead
    )
    kinds = [row.kind for row in permit_queries.story(db.session(), world.learner)]
    assert [one for one in kinds if one in ("case.lapse", "case.reopen", "ledger.demerit", "ledger.void")] == [
        "case.lapse", "ledger.demerit", "case.reopen", "ledger.void",
    ]  # fmt: skip
    ledger = permit_queries.ledger_state(db.session(), world.learner, until)
    assert ledger is not None
    assert ledger.total == 0


def test_after_the_deadline_a_paper_takes_no_answer_and_the_hand_in_counts_what_was_saved(
    app: Flask, world: World, now: datetime
) -> None:
    sitting_id, public_id = exams.supervised_start(world, now)
    exams_service.autosave(public_id, world.learner, epoch=1, saves=exams.saves(public_id), now=now)
    deadline = exams.attempt(public_id).deadline_at
    assert deadline is not None
    late = deadline + timedelta(hours=1)
    clock.move_to(late)
    more = exams.saves(public_id, good=0, sequence=9)
    receipt = exams_service.autosave(public_id, world.learner, epoch=1, saves=more, now=late)
    assert {one.value for one in receipt.verdicts.values()} == {"too_late"}
    learner, examiner = app.test_client(), app.test_client()
    for browser, who in ((learner, "learner"), (examiner, "examiner")):
        browser.set_cookie("lang", "en")
        world.sign_in(browser, who)
    paper = learner.get(f"/attempts/{public_id}", follow_redirects=True)
    assert paper.status_code == 200
    assert "Time is over" in paper.text
    assert examiner.get(f"/sittings/{sitting_id}").status_code == 200
    assert close_overdue(late) == 1
    assert close_overdue(late) == 0
    closed = exams.attempt(public_id)
    assert (closed.finished_at, closed.passed) == (deadline, True)
