"""What was typed into a form outlives an answer that could not take it, and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from playwright.sync_api import Page, expect

from tests.dashboards_factories import certify
from tests.factories import PASSWORD
from tests.journeys.conftest import DESK, Site
from tests.journeys.steps import press
from training_app import chain, clock

pytestmark = pytest.mark.journey

WORDS = "未断电即拆机，现场两人看到。"


@contextmanager
def _database_away(site: Site) -> Iterator[None]:
    """Let somebody else hold the database for longer than the busy timeout."""
    with closing(sqlite3.connect(site.settings.data_dir / "app.db", isolation_level=None)) as other:
        other.execute("PRAGMA busy_timeout=20000")
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
    site.faults.clear()  # the 503 that was asked for


@pytest.fixture
def form(site: Site) -> str:
    """Return the address of a form in which one writes much: a report about the learner, who has a permit."""
    with site.app.app_context():
        done = certify(site.world, site.world.learner, clock.now())
        chain.settle(done)
        clock.move_to(done)
    site.speak("zh", DESK)
    return f"{site.url}/permits/report/{site.world.learner}"


def _kept(page: Page) -> str:
    return str(page.evaluate("JSON.stringify(sessionStorage)"))


def _write_report(page: Page) -> None:
    page.select_option("select[name=code]", "unsafe-work")
    page.fill("input[name=time]", "00:01")
    page.fill("textarea[name=words]", WORDS)


def test_words_come_back_after_an_answer_that_could_not_take_them_and_go_once_they_are_taken(
    site: Site, form: str
) -> None:
    manager = site.page("manager")
    manager.set_default_timeout(60_000)  # the parts of the product wait in turn for the database that is away
    manager.goto(form)
    _write_report(manager)
    with _database_away(site):
        press(manager, r"^$|/permits/report/\d+$")
        expect(manager.locator("[data-refused]")).to_be_visible()
    manager.click("details.menu summary")
    manager.click("button[lang=en]")
    manager.wait_for_selector("html[lang=en]")  # which leads back to the form
    assert manager.url == form
    expect(manager.locator("textarea[name=words]")).to_have_value(WORDS)
    expect(manager.locator("select[name=code]")).to_have_value("unsafe-work")

    second = manager.context.new_page()  # the same person signs in anew beside it: the first page has gone stale
    manager.context.clear_cookies()
    _sign_in(site, second, "manager")
    press(manager, r"^$|/permits/report/\d+$")
    expect(manager.locator("h1")).to_contain_text("This request could not be read")
    manager.go_back()
    manager.reload()
    expect(manager.locator("textarea[name=words]")).to_have_value(WORDS)
    press(manager, r"^$|/permits/report/\d+$")
    manager.wait_for_url("**/permits/reports")
    assert WORDS not in _kept(manager)
    manager.goto(form)
    expect(manager.locator("textarea[name=words]")).to_have_value("")


def _sign_in(site: Site, page: Page, name: str) -> None:
    page.goto(f"{site.url}/sign-in")
    page.fill("input[name=number]", site.world.numbers[name])
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_url(lambda at: "/sign-in" not in at)


def test_no_password_is_kept_and_no_words_are_shown_to_who_signs_in_next(site: Site, form: str) -> None:
    page = site.page()
    page.set_default_timeout(60_000)
    page.goto(f"{site.url}/sign-in")
    page.fill("input[name=number]", site.world.numbers["manager"])
    page.fill("input[name=password]", PASSWORD)
    with _database_away(site):
        page.click("main form button[type=submit]")
        expect(page.locator("[data-refused]")).to_be_visible()
        assert PASSWORD not in _kept(page)
    _sign_in(site, page, "manager")
    for signs_out in (False, True):
        page.goto(form)
        _write_report(page)
        with _database_away(site):
            press(page, r"^$|/permits/report/\d+$")
            assert WORDS in _kept(page)
            assert "csrf" not in _kept(page)
        if signs_out:
            page.click("details.menu summary")
            page.click("form[action='/sign-out'] button")
            page.wait_for_url("**/sign-in")
            assert WORDS not in _kept(page)
        page.context.clear_cookies()
        _sign_in(site, page, "trainer")
        page.goto(form)
        expect(page.locator("textarea[name=words]")).to_have_value("")
        page.context.clear_cookies()
        _sign_in(site, page, "manager")
