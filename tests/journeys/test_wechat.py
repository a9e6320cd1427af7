"""Inside WeChat: no service worker, no files, no printer; learning works, and the rest says where it does."""

from __future__ import annotations

import dataclasses

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import PHONE, Site
from tests.journeys.steps import confirm

pytestmark = pytest.mark.journey
WECHAT = (
    "Mozilla/5.0 (Linux; Android 12; Pad Build/SP1A; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/116.0.0.0 Mobile Safari/537.36 XWEB/1160065 MMWEBSDK/20231202 MicroMessenger/8.0.47.2560 WeChat/arm64"
)


def test_a_lesson_is_learnt_inside_wechat_and_a_slip_says_where_it_can_be_printed(site: Site) -> None:
    site.speak("zh", PHONE)
    inside = dataclasses.replace(site, agent=WECHAT, keeps_pages=False)
    phone = inside.page("learner")
    phone.goto(f"{site.url}/courses/communication/lessons/listen-and-confirm")
    phone.locator("#check-box input[type=radio]").first.check()
    with phone.expect_response("**/check*"):
        phone.click("#check-box button[type=submit]")
    expect(phone.locator("#check-box [class*=message-]").first).to_be_visible()
    expect(phone.locator("[data-in-app]")).to_be_hidden()  # nothing on this page needs another browser

    for browser, is_told in ((inside, True), (dataclasses.replace(site, keeps_pages=False), False)):
        hr = browser.page("hr")
        hr.goto(f"{site.url}/people/{site.world.people['learner2']}")
        hr.locator(".menu-more > summary").click()
        hr.locator("form[action$='/link'] button").click()
        confirm(hr)
        expect(hr.locator("[data-print]")).to_be_visible()
        expect(hr.locator("[data-in-app]")).to_be_visible(visible=is_told)
        site.look(hr, f"slip-{'inside-wechat' if is_told else 'browser'}")
