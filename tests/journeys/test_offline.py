"""A phone without a connection: what was opened is read, a quiz is written on, nothing that was typed is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser, Page, expect

from tests.courses_factories import finish
from tests.factories import PASSWORD
from tests.journeys.conftest import PHONE, Site, running_site
from tests.journeys.steps import confirm, kept, until
from tests.journeys.weak_line import WeakLine
from training_app import clock
from training_app.accounts import service as accounts
from training_app.accounts.locks import lock_person
from training_app.courses import service as courses
from training_app.courses.models import LessonProgress
from training_app.db import db, transaction

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
    questions = phone.locator("[data-question]:has(label.choice)")
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


def _places(page: Page) -> list[str]:
    """Return what the device keeps of places in lessons."""
    return list(page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('lesson-place:'))"))


def _read_to_the_end_on_a_dead_line(site: Site, phone: Page) -> None:
    """Let who is signed in read the lesson to its end; the server hears nothing of it, the device keeps it."""
    phone.goto(f"{site.url}{LESSON}")
    _wait_kept(phone, LESSON)
    expect(phone.locator("[data-place-state]")).to_have_attribute("data-state", "saved")
    phone.context.set_offline(True)
    phone.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    expect(phone.locator("[data-place-state]")).to_have_attribute("data-state", "unsent")
    until(lambda: _places(phone) != [], "the place is kept on the device")


def _first_place(site: Site, phone: Page) -> int:
    """Open the lesson and return what its page says first of the reader's place."""
    with phone.expect_request(lambda asked: asked.url.endswith("/place") and asked.method == "POST") as sent:
        phone.goto(f"{site.url}{LESSON}")
    found = re.search(r'name="position"\r\n\r\n(\d+)', sent.value.post_data or "")
    assert found is not None, sent.value.post_data
    return int(found[1])


def _ask_again(site: Site, person_id: int) -> None:
    with site.app.app_context(), transaction():
        later = clock.now() + timedelta(seconds=1)
        assert courses.ask_again(lock_person(person_id, now=later), [LESSON.rsplit("/", 1)[1]], since=later) == 1


def _kept_place(site: Site, person_id: int) -> int:
    """Return the place that the server keeps for a person in the lesson."""
    key = LESSON.rsplit("/", 1)[1]
    with site.app.app_context():
        return db.session.scalars(
            sa.select(LessonProgress.position).where(
                LessonProgress.person_id == person_id, LessonProgress.lesson_key == key
            )
        ).one()


def _sign_in_here(site: Site, phone: Page, name: str) -> None:
    phone.goto(f"{site.url}/sign-in")
    phone.fill("input[name=number]", site.world.numbers[name])
    phone.fill("input[name=password]", PASSWORD)
    phone.click("main form button[type=submit]")
    phone.wait_for_url(lambda at: "/sign-in" not in at)


def test_a_place_in_a_lesson_waits_for_its_reader_and_is_nobody_elses(site: Site) -> None:
    phone = site.page("learner2")
    _read_to_the_end_on_a_dead_line(site, phone)
    phone.goto("about:blank")
    phone.context.set_offline(False)
    phone.context.clear_cookies()
    _sign_in_here(site, phone, "learner2")
    assert _first_place(site, phone) == 1000, "who comes back after the session ended goes on where they stopped"

    phone = site.page("trainer")
    _read_to_the_end_on_a_dead_line(site, phone)
    phone.goto("about:blank")
    phone.context.set_offline(False)
    phone.context.clear_cookies()
    _sign_in_here(site, phone, "learner")
    assert _places(phone) == []
    assert _first_place(site, phone) < 200


def test_a_place_from_before_a_lesson_was_asked_for_again_is_not_put_back(site: Site) -> None:
    phone = site.page("learner")
    reader = site.world.learner
    _read_to_the_end_on_a_dead_line(site, phone)
    phone.goto("about:blank")
    with site.app.app_context():
        finish(reader, LESSON.rsplit("/", 1)[1], clock.now(), "communication")
    _ask_again(site, reader)
    phone.context.set_offline(False)
    # Whether the page comes from the server or, the line being slow, from the device: the server keeps the new reading.
    phone.goto(f"{site.url}{LESSON}")
    expect(phone.locator("[data-place-state]")).to_have_attribute("data-state", re.compile("saved|again"))
    assert _kept_place(site, reader) < 200


def test_a_page_left_open_ends_when_its_lesson_is_to_be_read_again(site: Site) -> None:
    phone = site.page("learner")
    reader, lesson = site.world.learner, LESSON.rsplit("/", 1)[1]
    with site.app.app_context():
        finish(reader, lesson, clock.now(), "communication")
    phone.goto(f"{site.url}{LESSON}")
    state = phone.locator("[data-place-state]")
    expect(state).to_have_attribute("data-state", "saved")
    _ask_again(site, reader)
    phone.evaluate("window.dispatchEvent(new Event('pagehide'))")  # what a phone does with a page put aside
    phone.evaluate("window.scrollTo(0, 0); window.scrollTo(0, document.body.scrollHeight)")
    phone.click("[data-finish] button")
    expect(phone.locator(".message-attention")).to_contain_text("再学一遍")
    assert _kept_place(site, reader) < 200


def test_signing_out_lets_go_of_kept_pages_and_places_even_if_the_page_after_it_is_lost(site: Site) -> None:
    phone = site.page("learner")
    with WeakLine(urlsplit(site.url).port or 0, delay_s=0, dead_s=0, last=b"POST /sign-out ") as line:
        phone.goto(f"http://127.0.0.1:{line.port}{LESSON}")
        _wait_kept(phone, LESSON)
        phone.evaluate("localStorage.setItem('lesson-place:1:/some/lesson', '{}')")
        phone.locator("summary:has(.menu-name)").click()
        phone.click("form[action='/sign-out'] button", no_wait_after=True)
        until(lambda: line.is_gone, "the sign-out was answered")
        phone.wait_for_url("**/sign-in")
        expect(phone.locator("h1")).to_contain_text("没有网络")
        assert _places(phone) == []
        assert _kept(phone) == []


def test_a_sign_out_that_is_refused_lets_go_of_kept_pages_too(site: Site) -> None:
    phone = site.page("learner")
    phone.goto(f"{site.url}{LESSON}")
    _wait_kept(phone, LESSON)
    phone.evaluate("document.querySelector(\"form[action='/sign-out'] [name=csrf_token]\").value = 'worn'")
    phone.locator("summary:has(.menu-name)").click()
    with phone.expect_navigation() as answered:
        phone.click("form[action='/sign-out'] button")
    assert answered.value is not None
    assert answered.value.status == 400
    assert _kept(phone) == []
