import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import DESK, PHONE, Site

pytestmark = pytest.mark.journey


@pytest.mark.parametrize(("language", "viewport"), [("zh", PHONE), ("en", DESK)])
def test_a_visitor_signs_in_switches_the_language_without_losing_what_was_typed_and_signs_out(
    quiet_site: Site, language: str, viewport: dict[str, int]
) -> None:
    site = quiet_site
    site.language, site.viewport = language, dict(viewport)
    page = site.page()
    page.goto(site.url)
    assert page.url.startswith(f"{site.url}/sign-in")
    site.look(page, f"sign-in-{language}")
    page.fill("input[name=number]", "T-4711")
    other = "en" if language == "zh" else "zh-CN"
    page.click(f"button[lang={other}]")
    page.wait_for_selector(f"html[lang={other}]")
    expect(page.locator("input[name=number]")).to_have_value("T-4711")
    assert page.input_value("input[name=password]") == ""
    home = site.page("learner")
    site.look(home, f"home-empty-{language}")
    cookies = {cookie["name"]: cookie for cookie in home.context.cookies()}
    assert cookies["training"]["httpOnly"]
    assert cookies["training"]["sameSite"] == "Lax"
    home.click("details.menu summary")
    home.click("form[action='/sign-out'] button")
    home.wait_for_url("**/sign-in")
    home.goto(site.url)
    assert "/sign-in" in home.url
    site.close()
