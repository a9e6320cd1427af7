"""Exam and score sheet on a bad line, an exam on a second device and by the keyboard alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests import exams_factories as make
from tests.factories import PASSWORD
from tests.journeys.conftest import PHONE, Site, running_site
from tests.journeys.steps import kept, press, until
from tests.roleplay_factories import Scene
from training_app import clock
from training_app.accounts import sign_in
from training_app.items.rules import ItemType

# The focused element, or the choice around it, shows where the focus is.
SHOWS_FOCUS = """() => {
  const one = document.activeElement;
  return [one, one.closest('.choice')].some(
    part => part && (getComputedStyle(part).outlineStyle !== 'none' || getComputedStyle(part).boxShadow !== 'none'));
}"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    """Return one product for these journeys, which different people make."""
    with running_site(tmp_path_factory, browser) as running:
        yield running


def _paper(site: Site, who: str) -> str:
    """Let a supervised exam be under way, opened on no device yet; return its public id."""
    with site.app.app_context():
        return make.supervised_start(site.world, clock.now(), who=who)[1]


def _open(site: Site, who: str, public_id: str) -> Page:
    page = site.page(who)
    page.goto(f"{site.url}/attempts/{public_id}")
    page.click("main form[action$='/open'] button")
    expect(page.locator("[data-hand-in]")).to_be_visible()
    return page


def _tab_to(page: Page, selector: str, *, most: int = 120) -> None:
    """Press Tab until an element has the focus; on the way the focus is always to be seen."""
    for _press in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            continue
        assert page.evaluate(SHOWS_FOCUS), page.evaluate("document.activeElement.outerHTML")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"no way by Tab to {selector} on {page.url}")


def test_answers_given_offline_are_sent_and_a_second_device_takes_the_paper_over(site: Site) -> None:
    site.speak("zh", PHONE)
    public_id = _paper(site, "learner")
    phone = _open(site, "learner", public_id)
    questions = phone.locator("[data-question]:has(label.choice)")
    state = phone.locator("[data-save-state]")
    questions.nth(0).locator("label.choice").first.click()
    expect(state).to_have_attribute("data-state", "saved")

    phone.context.set_offline(True)
    questions.nth(1).locator("label.choice").first.click()
    expect(state).to_have_attribute("data-state", "unsent")
    expect(phone.locator("[data-offline-banner]")).to_contain_text("答案已暂存在本机")
    site.look(phone, "exam-offline", full=False)
    assert kept(site.app, public_id) == 1
    phone.context.set_offline(False)
    expect(state).to_have_attribute("data-state", "saved")
    until(lambda: kept(site.app, public_id) == 2, "the answer of the dead line on the server")

    tablet = _open(site, "learner", public_id)
    second = questions.nth(1).get_attribute("data-item")
    expect(tablet.locator(f"[data-item='{second}'] input").first).to_be_checked()
    questions.nth(2).locator("label.choice").first.click()
    expect(phone.locator("[data-elsewhere]")).to_be_visible()
    expect(phone.locator("[data-hand-in]")).to_be_disabled()
    site.look(phone, "exam-elsewhere", full=False)
    assert kept(site.app, public_id) == 2


def _paper_with(site: Site, kind: ItemType) -> tuple[str, str]:
    """Let people begin until a paper has an item of this type (one in six has none to order); return (who, its id)."""
    for number in range(40):
        who = f"writer{number}"
        with site.app.app_context():
            site.world.add(who, "周在写", "outlet_a", clock.now())
            public_id = make.supervised_start(site.world, clock.now(), who=who)[1]
            if any(item.type is kind for item in make.paper_items(public_id)):
                return who, public_id
    raise AssertionError(f"no paper of 40 has an item of type {kind}")


def test_a_paper_is_written_and_handed_in_by_the_keyboard_alone(site: Site) -> None:
    who, public_id = _paper_with(site, ItemType.ORDERING)
    page = _open(site, who, public_id)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.classList.contains('skip-link')")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"

    _tab_to(page, "[data-question] input[type=radio]")
    page.keyboard.press("Space")
    until(lambda: kept(site.app, public_id) == 1, "the answer given by the space bar")
    _tab_to(page, "[data-move=down]")
    page.keyboard.press("Enter")
    until(lambda: kept(site.app, public_id) == 2, "the step moved by the enter key")
    assert page.evaluate("document.activeElement.matches('[data-move=down]')")

    _tab_to(page, "[data-hand-in]")
    page.keyboard.press("Enter")
    dialog = page.locator("#confirm-dialog")
    expect(dialog).to_be_visible()
    for _press in range(4):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.evaluate("document.activeElement.matches('[data-hand-in]')")
    page.keyboard.press("Enter")
    _tab_to(page, "[data-confirm-ok]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/result")


def test_marks_made_offline_are_sent_and_a_confirmed_critical_failure_is_undone(site: Site) -> None:
    site.speak("zh", PHONE)
    with site.app.app_context():
        scene = Scene.started(site.world, clock.now())
    page = site.page("trainer")
    page.goto(f"{site.url}/roleplay/sessions/{scene.public_id}")
    press(page, r"/sheets/\d+$")
    page.wait_for_url("**/roleplay/sheets/**")
    marks = page.locator("[data-criterion] input[value='1']")
    confirmed = page.locator("[data-confirmed]")
    marks.nth(0).check()
    expect(confirmed).to_contain_text("服务器已确认 1 项，共 1 项")

    page.context.set_offline(True)
    marks.nth(1).check()
    expect(page.locator("[data-problem]")).to_contain_text("评分暂存在本机")
    expect(page.locator("[data-offline-banner]")).to_be_empty()
    expect(confirmed).to_contain_text("服务器已确认 1 项，共 2 项")
    site.look(page, "sheet-offline", full=False)
    page.context.set_offline(False)
    expect(confirmed).to_contain_text("服务器已确认 2 项，共 2 项")

    page.click("[data-open-critical]")
    page.locator("#critical-dialog input[type=radio]").first.check()
    page.fill("#critical-words", "说了一句“爱投诉就投诉”。")
    page.click("[data-critical-record]")
    page.click("[data-confirm-critical]")
    failures = page.locator("[data-critical-list]")
    expect(failures).to_contain_text("已确认：本次演练不合格")
    page.click("[data-undo]")
    expect(failures).to_contain_text("尚未二次确认")


def test_marks_made_after_the_session_has_ended_wait_and_are_sent_once_signed_in_again(site: Site) -> None:
    site.speak("en", PHONE)
    with site.app.app_context():
        scene = Scene.started(site.world, clock.now())
    page = site.page("trainer")
    page.goto(f"{site.url}/roleplay/sessions/{scene.public_id}")
    press(page, r"/sheets/\d+$")
    page.wait_for_url("**/roleplay/sheets/**")
    sheet = page.url
    marks = page.locator("[data-criterion] input[value='1']")
    confirmed = page.locator("[data-confirmed]")
    marks.nth(0).check()
    expect(confirmed).to_contain_text("1 of 1 confirmed by the server")

    with site.app.app_context():
        sign_in.sign_out_everywhere(site.world.trainer, now=clock.now())
    marks.nth(1).check()
    expect(page.locator("[data-signed-out]")).to_be_visible()
    expect(confirmed).to_contain_text("1 of 2 confirmed by the server")
    page.click("[data-signed-out] a")
    page.fill("input[name=number]", site.world.numbers["trainer"])
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_url(sheet)
    expect(page.locator("[data-confirmed]")).to_contain_text("2 of 2 confirmed by the server")
    expect(page.locator("[data-signed-out]")).to_be_hidden()


def test_marks_of_a_sheet_that_was_locked_elsewhere_leave_the_day_and_the_next_trainer_reads_nothing_of_it(
    site: Site,
) -> None:
    site.speak("en", PHONE)
    with site.app.app_context():
        scene = Scene.started(site.world, clock.now())
    page = site.page("trainer")
    page.goto(f"{site.url}/roleplay/sessions/{scene.public_id}")
    press(page, r"/sheets/\d+$")
    page.wait_for_url("**/roleplay/sheets/**")
    label = page.locator("[data-score-sheet]").get_attribute("data-label") or "?"
    page.context.set_offline(True)
    page.locator("[data-criterion] input[value='1']").nth(0).check()
    expect(page.locator("[data-problem]")).to_be_visible()
    page.goto("about:blank")
    page.context.set_offline(False)

    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.goto(f"{site.url}/sign-in")
    page.fill("input[name=number]", site.world.numbers["trainer2"])
    page.fill("input[name=password]", PASSWORD)
    page.click("main form button[type=submit]")
    page.wait_for_url(lambda at: "/sign-in" not in at)
    page.goto(f"{site.url}/roleplay/day")
    unsent = page.locator("[data-unsent-list]")
    expect(unsent).to_contain_text("Another trainer marked this sheet")
    expect(unsent).not_to_contain_text(label)

    page.context.clear_cookies()
    page.context.add_cookies(cookies)  # type: ignore[arg-type]
    page.route("**/roleplay/sheets/*/marks", lambda route: route.fulfill(
        status=409, content_type="application/json", body='{"code": "sheet_closed", "detail": "-", "confirmed": []}'
    ))  # fmt: skip
    page.goto(f"{site.url}/roleplay/day")
    expect(unsent).to_contain_text("locked without 1 of the marks")
    page.reload()
    expect(page.locator("[data-unsent-marks]")).to_be_hidden()
