"""HR writes a points policy, an example holds it up and is mended; the HR lead publishes it for a day ahead."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import DESK, PHONE, Site
from tests.journeys.steps import confirm, until

pytestmark = pytest.mark.journey


def _send(page: Page, selector: str) -> None:
    with page.expect_navigation():
        page.click(selector)


def _has_answer(page: Page, address: str) -> bool:
    page.goto(address)
    return page.locator(".what-if-answer").count() > 0


@pytest.mark.parametrize(
    ("language", "viewport"),
    [("zh", PHONE), pytest.param("en", DESK, marks=pytest.mark.deep)],
    ids=["zh-phone", "en-desk"],
)
def test_a_policy_is_written_checked_and_published_by_another(
    site: Site, language: str, viewport: dict[str, int]
) -> None:
    site.speak(language, viewport)
    name = f"{language}-{viewport['width']}"
    hr = site.page("hr")
    hr.goto(f"{site.url}/policies")
    site.look(hr, f"{name}-policies")
    _send(hr, "form[action$='/draft'] button >> nth=0")
    draft = hr.url
    hr.goto(f"{draft}/stages")
    hr.fill("[name='stages-0-at']", "3")
    site.look(hr, f"{name}-policy-stages")
    _send(hr, ".buttons button[value=save]")
    site.look(hr, f"{name}-policy-held-up")
    expect(hr.locator("#check .message-stopped")).to_be_visible()
    assert hr.locator("form[action$='/step/hand-in']").count() == 0
    hr.goto(f"{draft}/stages")
    hr.fill("[name='stages-0-at']", "4")
    _send(hr, ".buttons button[value=save]")
    hr.goto(f"{draft}/procedure")
    hr.fill("[name='answer_working_days']", "7")
    _send(hr, ".buttons button[value=save]")
    expect(hr.locator("#check .message-valid")).to_be_visible()
    hr.goto(f"{draft}/what-if")
    _send(hr, "form[action$='/what-if'] button")
    until(lambda: _has_answer(hr, f"{draft}/what-if"), "the simulation")
    site.look(hr, f"{name}-policy-what-if")
    hr.goto(draft)
    _send(hr, "form[action$='/step/hand-in'] button")
    lead = site.page("hr_lead")
    lead.goto(draft)
    lead.fill("#words-publish", "Discussed with the staff meeting.")
    lead.click("form[action$='/step/publish'] button")
    confirm(lead)
    expect(lead).to_have_url(f"{site.url}/policies/versions/{lead.url.rpartition('/')[2]}")
    expect(lead.locator("main")).to_contain_text("7")
    site.look(lead, f"{name}-policy-published")
