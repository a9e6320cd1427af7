"""What comes out of the printer: the permit shows the customer's face alone, the slip is a slip."""

from __future__ import annotations

import io

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader

from tests.dashboards_factories import certify
from tests.journeys.conftest import DESK, PHONE, Site
from tests.journeys.steps import confirm
from training_app import chain, clock
from training_app.home import guides

pytestmark = pytest.mark.journey

# What of the page can be seen, but for parts of what can be seen itself.
SEEN = """() => [...document.querySelectorAll('header, nav, footer, dialog, main > *, .buttons, .actions, .crumbs')]
  .filter(one => one.checkVisibility()).map(one => one.id || one.className || one.tagName)"""


def _print(site: Site, page: Page, name: str) -> list[str]:
    """Look at a page as at paper; return what is seen of it."""
    page.emulate_media(media="print")
    if site.pictures is not None:
        site.pictures.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=site.pictures / f"print-{name}.png", full_page=True)
    return list(page.evaluate(SEEN))


def _open_menu(page: Page, width: int) -> None:
    """Open the menu of a person's page by the keyboard alone; no line of it is cut off."""
    more, lines = page.locator(".menu-more > summary"), page.locator(".menu-more .menu-item")
    expect(lines.first).to_be_hidden()
    more.focus()
    for key, is_open in (("Enter", True), ("Escape", False), ("Enter", True)):
        page.keyboard.press(key)
        expect(lines.first).to_be_visible(visible=is_open)
        expect(more).to_be_focused()
    for line in lines.all():
        box = line.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert box["height"] >= 44


@pytest.mark.parametrize(("language", "viewport"), [("zh", PHONE), pytest.param("en", DESK, marks=pytest.mark.deep)])
def test_paper_shows_the_customers_face_and_the_slip_and_nothing_else(
    site: Site, language: str, viewport: dict[str, int]
) -> None:
    with site.app.app_context():
        done = certify(site.world, site.world.learner, clock.now())
        chain.settle(done)
        clock.move_to(done)
    site.speak(language, viewport)
    learner = site.page("learner")
    for is_open in (False, True):
        learner.emulate_media(media="screen")
        learner.goto(f"{site.url}/me/permit")
        if is_open:
            learner.click("[data-opens=customer-code]")
        expect(learner.locator("#customer-code")).to_be_visible(visible=is_open)
        assert _print(site, learner, f"permit-{language}-{'open' if is_open else 'closed'}") == ["customer-code"]
        expect(learner.locator("#customer-code .door-code")).to_be_visible()
        expect(learner.locator(".permit-customer .permit-name")).to_have_text("王**")
        assert "王小明" not in learner.inner_text("body")
        behind = learner.eval_on_selector("#customer-code", "one => getComputedStyle(one, '::backdrop').display")
        assert behind == "none", "no grey sheet of paper"

    hr = site.page("hr")
    hr.goto(f"{site.url}/people/{site.world.learner}")
    _open_menu(hr, viewport["width"])
    hr.locator("form[action$='/link'] button").click()
    confirm(hr)
    hr.evaluate("void (window.print = () => { window.printed = (window.printed || 0) + 1; })")
    hr.click("[data-print]")
    assert hr.evaluate("window.printed") == 1
    assert _print(site, hr, f"slip-{language}") == ["slip"]
    expect(hr.locator(".slip-code")).to_be_visible()
    assert hr.inner_text("#slip-address").startswith(f"{site.url}/welcome/")
    wide = hr.evaluate("document.querySelector('.slip').getBoundingClientRect().width")
    assert wide < 400, "a quarter of a sheet"


@pytest.mark.deep
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_guide_of_each_role_takes_one_sheet_of_paper(site: Site, language: str) -> None:
    site.speak(language, DESK)
    page = site.page("hr")
    for role in guides.GUIDES:
        answer = page.goto(f"{site.url}/guide/{role}")
        assert answer is not None
        assert answer.status == 200, role
        printed = PdfReader(io.BytesIO(page.pdf(format="A4", prefer_css_page_size=True)))
        assert len(printed.pages) == 1, role
