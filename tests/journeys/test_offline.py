"""A phone without a connection: what was opened is read, a quiz is written on, nothing that was typed is lost."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.factories import PASSWORD
from tests.journeys.conftest import PHONE, Site, running_site
from tests.journeys.steps import confirm, kept, until
from training_app import clock
from training_app.accounts import service as accounts

pytestmark = pytest.mark.journey
LESSON = "/courses/communication/lessons/listen-and-confirm"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    """Return one product for these journeys."""
    with running_site(tmp_path_factory, browser) as running:
        running.speak("zh", PHONE)
        yield running


def _kept(page: Page) -> list[str]:
    """Return the paths of the pages that the device keeps."""
    return list(page.evaluate("""async () => {
        const keys = await (await caches.open('kept-pages')).keys();
        return keys.map(key => new URL(key.url).pathname);
    }"""))  # fmt: skip


def _wait_kept(page: Page, path: str) -> None:
    until(lambda: path in _kept(page), f"{path} kept on the device")


def _first_sign_in(site: Site) -> Page:
    """Let HR print a slip for a new hire, who chooses a password on a phone and signs in; return the phone."""
    with site.app.app_context():
        site.world.numbers["newcomer"] = "N-20001"
        site.world.people["newcomer"] = accounts.create_person(
            number="N-20001", name="欧阳晓彤", unit_id=site.world.units["outlet_a"], employer="某服务公司",
            now=clock.now(), actor_id=None, roles=("learner",),
        )  # fmt: skip
    hr = site.page("hr")
    hr.goto(f"{site.url}/people/{site.world.newcomer}")
    hr.locator("form[action$='/link'] button").click()
    confirm(hr)
    link = str(hr.locator("#slip-address").text_content()).strip()
    phone = site.page()
    phone.goto(link)
    phone.fill("input[name=password]", PASSWORD)
    phone.fill("input[name=again]", PASSWORD)
    phone.click("main form button[type=submit]")
    phone.wait_for_url("**/sign-in")
    phone.fill("input[name=number]", site.world.numbers["newcomer"])
    phone.fill("input[name=password]", PASSWORD)
    phone.click("main form button[type=submit]")
    phone.wait_for_url(lambda at: "/sign-in" not in at)
    return phone


def test_from_the_slip_to_a_lesson_and_a_quiz_on_a_dead_line_and_on_again(site: Site) -> None:
    phone = _first_sign_in(site)
    phone.goto(f"{site.url}{LESSON}")
    _wait_kept(phone, LESSON)
    expect(phone.locator("[data-kept]")).to_be_visible()
    phone.goto(f"{site.url}/quizzes/communication")
    with phone.expect_navigation():
        phone.click("form[action$='/start'] button")
    paper = phone.url.removeprefix(site.url)
    public_id = paper.rsplit("/", 1)[1]
    questions = phone.locator("[data-question][data-type=single]")
    questions.nth(0).locator("label.choice").first.click()
    until(lambda: kept(site.app, public_id) == 1, "the first answer on the server")
    _wait_kept(phone, paper)

    phone.context.set_offline(True)
    phone.goto(f"{site.url}{LESSON}")
    expect(phone.locator("h1")).to_be_visible()
    assert phone.locator("article.lesson img").first.evaluate("one => one.complete && one.naturalWidth > 0")
    assert phone.locator("html").get_attribute("data-from-device") == ""
    site.look(phone, "lesson-offline", full=False)

    phone.goto(f"{site.url}{paper}")
    first, second = questions.nth(0), questions.nth(1)
    expect(first.locator("input").first).to_be_checked()
    second.locator("label.choice").nth(1).click()
    expect(phone.locator("[data-save-state]")).to_have_attribute("data-state", "unsent")
    expect(phone.locator("[data-hand-in]")).to_be_disabled()
    site.look(phone, "quiz-offline", full=False)
    assert kept(site.app, public_id) == 1

    phone.goto(f"{site.url}/me/permit")
    expect(phone.locator("[data-kept-list] a[href$='listen-and-confirm']")).to_be_visible()
    site.look(phone, "not-kept-offline")
    phone.click(f"[data-kept-list] a[href='{paper}']")
    expect(second.locator("input").nth(1)).to_be_checked()

    phone.context.set_offline(False)
    expect(phone.locator("[data-hand-in]")).to_be_enabled()
    assert phone.locator("html").get_attribute("data-from-device") is None
    assert kept(site.app, public_id) == 2
    expect(first.locator("input").first).to_be_checked()
    expect(second.locator("input").nth(1)).to_be_checked()
    phone.click("[data-hand-in]")
    confirm(phone)
    phone.wait_for_url("**/result")
    phone.goto(f"{site.url}{paper}")
    until(lambda: paper not in _kept(phone), "the paper that was handed in is gone from the device")


def test_a_form_sent_on_a_dead_line_stays_with_what_was_typed(site: Site) -> None:
    phone = site.page("learner")
    phone.goto(f"{site.url}/me/password")
    until(lambda: phone.evaluate("navigator.serviceWorker.controller !== null"), "the worker answers for the page")
    phone.context.set_offline(True)
    phone.fill("input[name=password]", "another long password")
    phone.locator("main form button[type=submit]").first.click()
    expect(phone.locator("[data-offline-banner]")).to_contain_text("没有发出")
    expect(phone.locator("input[name=password]")).to_have_value("another long password")
    # A line that looks alive and is not: the browser sends, and the device itself answers.
    phone.evaluate("document.querySelector('main form').submit()")
    expect(phone.locator("h1")).to_contain_text("没有发出")


def test_who_signs_in_next_on_the_same_phone_finds_nothing_of_the_one_before(site: Site) -> None:
    phone = site.page("learner")
    phone.goto(f"{site.url}{LESSON}")
    _wait_kept(phone, LESSON)
    phone.context.clear_cookies()
    phone.goto(f"{site.url}/sign-in")
    until(lambda: _kept(phone) == [], "the pages of the one before are gone")
