"""What people do, page by page; addresses and form names only, so that the same steps run in both languages."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence

import sqlalchemy as sa
from flask import Flask
from playwright.sync_api import Page, expect

from tests.courses_factories import finish
from tests.journeys.conftest import Site
from training_app import chain, clock
from training_app.db import db
from training_app.exams.models import Attempt
from training_app.items import queries as items


def until(true: Callable[[], bool], what: str, seconds: float = 30) -> None:
    """Wait for something the sweeper or the worker brings; fail with words."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"did not happen in {seconds} s: {what}"
        time.sleep(0.4)


def confirm(page: Page) -> None:
    """Press the confirming button of the open dialog and wait for the page that follows."""
    with page.expect_navigation():
        page.click("#confirm-dialog [data-confirm-ok]")


def press(page: Page, action: str, *, sure: bool = False) -> None:
    """Submit the form that posts to `action` (a regular expression), confirm if asked (`sure`), and wait."""
    form = page.locator("form").filter(has=page.locator("button[type=submit]"))
    for at in range(form.count()):
        one = form.nth(at)
        if re.search(action, one.get_attribute("action") or ""):
            button = one.locator("button[type=submit]").first
            if sure:
                button.click()
                confirm(page)
            else:
                with page.expect_navigation():
                    button.click()
            return
    raise AssertionError(f"no form posts to {action} on {page.url}")


def look_at(site: Site, page: Page, name: str, part: str | None = None) -> None:
    """Look at a page whose subject stands below what a window shows first.

    Its picture is of the window at that part of it, or of the whole page.
    """
    site.look(page, name)
    if site.pictures is None:
        return
    window = page.viewport_size
    assert window is not None
    if part is None:  # a window as high as the page, so that what sticks to its edges stands at the edges
        height = int(page.evaluate("document.documentElement.scrollHeight"))
        page.set_viewport_size({"width": window["width"], "height": height})
    else:  # below what sticks to the top
        page.eval_on_selector(part, "one => scrollTo(0, one.getBoundingClientRect().top + scrollY - 180)")
    page.screenshot(path=site.pictures / f"{name}.png")
    page.set_viewport_size(window)


def read_course(site: Site, page: Page, course: str, *, person_id: int, look: str | None = None) -> None:
    """Read the first lesson of a course and its last to their ends, answer their questions and finish them.

    What stands between shows nothing new, however many there are, and is finished as the page would.
    """
    page.goto(f"{site.url}/courses/{course}")
    lessons = page.eval_on_selector_all(
        f"a[href*='/courses/{course}/lessons/']", "links => [...new Set(links.map(a => a.getAttribute('href')))]"
    )
    assert len(lessons) >= 2, lessons
    with site.app.app_context():
        for href in lessons[1:-1]:
            finish(person_id, href.rsplit("/", 1)[1], clock.now(), course)
    for number, href in enumerate((lessons[0], lessons[-1])):
        page.goto(site.url + href)
        if look and number == 0:
            site.look(page, f"{look}-lesson")
        right = _right_option(site, href.rsplit("/", 1)[1])
        page.locator("#check").scroll_into_view_if_needed()
        page.check(f"#check-{right}")
        page.click("#check-box button[type=submit]")
        expect(page.locator("#check-box .message-valid")).to_be_visible()
        page.locator("#tomorrow").scroll_into_view_if_needed()
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        done = page.locator("form[data-finish] button[type=submit]")
        expect(done).to_be_visible()
        done.click()
        page.wait_for_url(lambda url, at=href: not url.endswith(at))


def _right_option(site: Site, lesson_key: str) -> str:
    from training_app.content import queries as content

    with site.app.app_context():
        body = content.get_current(db.session(), "lesson", lesson_key, clock.now().date()).body
        return next(option["id"] for option in body["check"]["options"] if option["correct"])


def fill_paper(site: Site, page: Page, *, wrong: int = 0) -> None:
    """Answer an open paper (the first `wrong` questions not at all) and see it saved by the server."""
    public_id = page.url.rsplit("/", 1)[1]
    answers = _answers(site.app, public_id)
    expect(page.locator("[data-save-state]")).to_be_attached()
    for number, (key, answer) in enumerate(answers.items()):
        if number < wrong:
            continue
        question = page.locator(f"[data-question][data-item='{key}']")
        question.scroll_into_view_if_needed()
        _answer(question, page, answer)
    expect(page.locator("[data-unanswered-count]").first).to_have_text(str(wrong))
    until(lambda: kept(site.app, public_id) == len(answers) - wrong, "every answer saved by the server")


def write_paper(site: Site, page: Page, *, wrong: int = 0, look: str | None = None) -> None:
    """Answer an open paper (the first `wrong` questions not at all), see it saved, and hand it in."""
    fill_paper(site, page, wrong=wrong)
    if look:
        site.look(page, f"{look}-paper", full=False)
    page.click("[data-hand-in]")
    confirm(page)
    page.wait_for_url("**/result")


def _answer(question: object, page: Page, answer: Sequence[str] | Mapping[str, str]) -> None:
    kind = question.get_attribute("data-type")  # type: ignore[attr-defined]
    if kind == "matching":
        for prompt, match in dict(answer).items():  # type: ignore[arg-type]
            question.locator(f"select[data-prompt='{prompt}']").select_option(match)  # type: ignore[attr-defined]
        return
    if kind == "ordering":
        _put_in_order(question, list(answer))
        return
    for option in answer:
        question.locator(f"input[value='{option}']").check()  # type: ignore[attr-defined]


def _put_in_order(question: object, wanted: list[str]) -> None:
    """Move every step up to its place by the buttons; at least one move is made, or nothing counts as answered."""
    steps = question.locator("[data-step]")  # type: ignore[attr-defined]

    def order() -> list[str]:
        return [str(one) for one in steps.evaluate_all("all => all.map(one => one.dataset.step)")]

    if order() == wanted:
        last = question.locator(f"[data-step='{wanted[-1]}'] [data-move=up]")  # type: ignore[attr-defined]
        last.click()
    for place, step in enumerate(wanted):
        while order().index(step) > place:
            question.locator(f"[data-step='{step}'] [data-move=up]").click()  # type: ignore[attr-defined]
    assert order() == wanted


def _answers(app: Flask, public_id: str) -> dict[str, Sequence[str] | Mapping[str, str]]:
    with app.app_context():
        form_id = db.session.scalar(sa.select(Attempt.exam_form_id).where(Attempt.public_id == public_id))
        assert form_id is not None
        bank = items.items_of(db.session(), items.get_form(db.session(), form_id).places)
        return {item.key: chain.right_answer(item) for item in bank}


def kept(app: Flask, public_id: str) -> int:
    """Return how many answers of an attempt the server holds."""
    from training_app.exams.models import Response

    with app.app_context():
        attempt = sa.select(Attempt.id).where(Attempt.public_id == public_id).scalar_subquery()
        found = db.session.scalar(sa.select(sa.func.count()).where(Response.attempt_id == attempt))
        return int(found or 0)


def lead_roleplay(site: Site, page: Page, drill: str, number: str, *, level: int = 4, look: str | None = None) -> None:
    """Plan a session, add the learner, perform it, mark every line of the sheet, lock and send."""
    page.goto(f"{site.url}/roleplay/plan")
    page.check(f"input[name=drill][value={drill}]")
    page.click("main form button[type=submit]")
    page.wait_for_url("**/roleplay/sessions/**")
    session_url = page.url.split("?")[0]
    page.goto(f"{session_url}?q={number}")
    press(page, r"/people$")
    page.goto(session_url)
    with page.expect_navigation():
        page.locator("form[action$='/move']").filter(has=page.locator("[value=begin]")).locator("button").click()
    if look:
        site.look(page, f"{look}-session")
    press(page, r"/sheets/\d+$")
    page.wait_for_url("**/roleplay/sheets/**")
    for criterion in page.eval_on_selector_all("[data-criterion]", "all => all.map(one => one.dataset.criterion)"):
        box = page.locator(f"[data-criterion='{criterion}']")
        value = level if box.locator(f"input[value='{level}']").count() else 1
        box.locator(f"input[value='{value}']").check()
    page.locator("textarea[data-comment]").first.fill("先说出顾客的感受，再问事实。")
    page.locator("[data-add-comment]").first.click()
    expect(page.locator("[data-comments] li").first).to_be_visible()
    if look:
        look_at(site, page, f"{look}-sheet", "[data-criterion='global-grade']")
    with page.expect_navigation():
        page.locator("form[action$='/move']").locator("button").first.click()
    page.click("[data-lock]")
    page.click("#lock-dialog [data-lock-now]")
    page.wait_for_url(lambda url: "/sheets/" not in url)
