"""300 ms of delay and a drop-out every few seconds: an exam and a scoring sheet arrive whole all the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from playwright.sync_api import Error as BrowserError

from tests import exams_factories as make
from tests.journeys.conftest import PHONE, Site, running_site
from tests.journeys.steps import fill_paper, kept
from tests.journeys.weak_line import WeakLine
from tests.roleplay_factories import Scene
from training_app import clock

pytestmark = pytest.mark.journey


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    """Return one product for these journeys."""
    with running_site(tmp_path_factory, browser) as running:
        running.speak("zh", PHONE)
        yield running


@pytest.fixture
def line(site: Site) -> Iterator[WeakLine]:
    """Return a weak line in front of the product, which has failed a few times by the end."""
    with WeakLine(int(urlsplit(site.url).port or 0)) as line:
        yield line
        assert line.cut + line.refused >= 3, "the line was never weak"


def _over(site: Site, line: WeakLine) -> Site:
    return dataclasses.replace(site, url=f"http://127.0.0.1:{line.port}")


def _until(page: Page, shows: str, act: Callable[[], object]) -> None:
    """Do what people do on such a line: try again until the page that was meant is there."""
    for again in range(15):
        try:
            act()
            page.locator(shows).first.wait_for(timeout=4000)
            return
        except BrowserError:  # the browser's or the product's own page for a line that is dead
            page.wait_for_timeout(300 + 370 * (again % 3))  # out of step with the line
    raise AssertionError(f"{page.url} never showed {shows}")


def test_an_exam_on_a_weak_line_is_saved_answer_by_answer_and_handed_in(site: Site, line: WeakLine) -> None:
    with site.app.app_context():
        public_id = make.supervised_start(site.world, clock.now(), who="learner")[1]
    phone = site.page("learner")
    weak = _over(site, line)

    def opened() -> None:
        phone.goto(f"{weak.url}/attempts/{public_id}")
        if phone.locator("main form[action$='/open'] button").count():
            phone.click("main form[action$='/open'] button")

    _until(phone, "[data-hand-in]", opened)
    expect(phone.locator("[data-without-script]").first).to_be_hidden()
    fill_paper(weak, phone)
    assert kept(site.app, public_id) == make.QUESTIONS

    def handed_in() -> None:
        if not phone.locator("[data-hand-in]").count():
            phone.goto(f"{weak.url}/attempts/{public_id}")  # leads on to the result once it is handed in
        if phone.locator("[data-hand-in]").count():
            phone.click("[data-hand-in]")
            phone.click("#confirm-dialog [data-confirm-ok]")

    _until(phone, ".result", handed_in)


def test_a_scoring_sheet_on_a_weak_line_is_confirmed_mark_by_mark_and_locked(site: Site, line: WeakLine) -> None:
    with site.app.app_context():
        scene = Scene.started(site.world, clock.now())
        sheet_id = scene.rater().sheet_id
    tablet = site.page("trainer")
    sheet = f"http://127.0.0.1:{line.port}/roleplay/sheets/{sheet_id}"
    _until(tablet, "[data-criterion]", lambda: tablet.goto(sheet))
    criteria = tablet.eval_on_selector_all("[data-criterion]", "all => all.map(one => one.dataset.criterion)")
    for criterion in criteria:
        tablet.locator(f"[data-criterion='{criterion}'] input").nth(1).check()
        tablet.wait_for_timeout(250)  # nobody marks quicker
    expect(tablet.locator("[data-confirmed]")).to_contain_text(
        f"服务器已确认 {len(criteria)} 项，共 {len(criteria)} 项", timeout=60_000
    )


def test_a_script_a_style_and_a_picture_that_were_lost_are_fetched_again(site: Site) -> None:
    page = dataclasses.replace(site, keeps_pages=False).page("learner2")
    lost: list[str] = []

    def lose_once(route: Route) -> None:
        name = urlsplit(route.request.url).path
        if name in lost:
            route.continue_()
        else:
            lost.append(name)
            route.abort()

    page.route("**/static/js/courses.js*", lose_once)
    page.route("**/static/css/components.css*", lose_once)
    page.route("**/media/**", lose_once)
    page.goto(f"{site.url}/courses/communication/lessons/listen-and-confirm")
    for part in ("script[src*='courses.js']", "link[href*='components.css']", "article.lesson img"):
        expect(page.locator(f"{part}[data-again='1']").first).to_be_attached()
    page.wait_for_function(
        "() => document.querySelector(\"link[href*='components.css']\").sheet"
        " && document.querySelector('article.lesson img').naturalWidth > 0"
    )
    assert len(lost) >= 3
    option = page.locator("#check-box input[type=radio]").first
    option.check()
    with page.expect_response("**/check*"):  # by the script, without leaving the page
        page.click("#check-box button[type=submit]")
    expect(page.locator("#check-box [class*=message-]").first).to_be_visible()


def test_marks_and_answers_given_before_the_script_of_the_page_came_reach_the_server(site: Site) -> None:
    with site.app.app_context():
        public_id = make.supervised_start(site.world, clock.now(), who="learner2")[1]
        sheet_id = Scene.started(site.world, clock.now()).rater().sheet_id
    holders: list[Route] = []
    without = dataclasses.replace(site, keeps_pages=False)

    def hold(route: Route) -> None:
        holders.append(route)

    def held(page: Page, name: str) -> None:
        page.route(f"**/static/js/{name}*", hold)

    tablet = without.page("trainer")
    held(tablet, "roleplay.js")
    tablet.goto(f"{site.url}/roleplay/sheets/{sheet_id}", wait_until="commit")
    marks = tablet.locator("[data-criterion]")
    marks.last.wait_for()
    for number in (0, 1):
        marks.nth(number).locator("input").nth(1 - number).check()
    tablet.locator("[data-comment]").first.fill("先问了感受")
    holders.pop().continue_()
    expect(tablet.locator("[data-confirmed]")).to_contain_text("服务器已确认 2 项")
    expect(marks.nth(0).locator("input").nth(1)).to_be_checked()
    expect(marks.nth(1).locator("input").nth(0)).to_be_checked()
    expect(tablet.locator("[data-comment]").first).to_have_value("先问了感受")

    phone = without.page("learner2")
    phone.goto(f"{site.url}/attempts/{public_id}")
    held(phone, "exams.js")
    with phone.expect_navigation(wait_until="commit"):
        phone.click("main form[action$='/open'] button", no_wait_after=True)
    question = phone.locator("[data-question]").filter(has=phone.locator("input[type=radio]")).first
    question.locator("input[type=radio]").nth(1).check()
    holders.pop().continue_()
    expect(phone.locator("[data-save-state]")).to_have_attribute("data-state", "saved")
    assert kept(site.app, public_id) == 1


def test_a_page_whose_first_script_was_lost_behaves_all_the_same(site: Site) -> None:
    page = dataclasses.replace(site, keeps_pages=False).page()
    page.goto(f"{site.url}/sign-in")
    page.fill("#number", "T-4711")
    asked: list[str] = []

    def lose_twice(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) > 2:
            route.continue_()
        else:
            route.abort()

    page.route("**/static/js/base.js*", lose_twice)
    page.locator("[data-language-switch] button:visible").first.click()
    expect(page.locator("html[lang=en]")).to_be_attached()
    expect(page.locator("#number")).to_have_value("T-4711")  # base.js keeps what is typed over a change of language
    assert len(asked) == 3
