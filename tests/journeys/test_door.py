"""A customer at the door, with a phone: valid, not valid, not found, and a code that has had its time."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from playwright.sync_api import Page, expect

from tests.credentials_factories import certified, set_photo
from tests.journeys.conftest import DESK, PHONE, Site
from training_app import clock
from training_app.accounts import service as accounts
from training_app.db import db
from training_app.permits.models import Permit

pytestmark = pytest.mark.journey


def _answers(site: Site, page: Page, address: str, kind: str, name: str) -> None:
    """Open a page as a customer; the answer, the time and the call stand on the first screen."""
    page.goto(site.url + address)
    expect(page.locator(f".verdict-{kind}")).to_be_visible()
    word = page.locator(".verdict-word").evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    assert word >= 36, "huge"
    expect(page.locator(".door-at")).to_be_in_viewport()
    call = page.locator("a[href^='tel:']")
    box = call.bounding_box()
    assert box is not None
    assert box["height"] >= 64
    if kind != "valid":
        expect(call).to_be_in_viewport()
    site.look(page, name)


@pytest.mark.parametrize(("language", "viewport"), [("zh", PHONE), pytest.param("en", DESK, marks=pytest.mark.deep)])
def test_a_customer_reads_what_the_code_on_the_phone_is_worth(
    site: Site, language: str, viewport: dict[str, int]
) -> None:
    with site.app.app_context():
        for person in (site.world.learner, site.world.learner2):
            certified(person, clock.now())
            set_photo(person, clock.now())
    site.speak(language, viewport)
    tag = f"door-{language}"
    technician, customer = site.page("learner"), site.page()
    technician.goto(f"{site.url}/me/permit")
    technician.click("[data-opens=customer-code]")
    digits = technician.locator("#customer-code .live-digits")
    expect(digits).to_be_visible()
    expect(technician.locator("[data-live-figure]")).to_have_text(re.compile(r"^0[01]:\d\d$"))
    expect(technician.locator("#customer-code .door-code")).to_be_hidden()
    site.look(technician, f"{tag}-code", full=False)
    first = str(digits.text_content())

    customer.goto(f"{site.url}/check")
    customer.fill("input[name=number]", first)
    customer.press("input[name=number]", "Enter")
    expect(customer.locator("img.door-photo")).to_be_visible()
    address = customer.url.removeprefix(site.url)
    _answers(site, customer, address, "valid", f"{tag}-valid")

    technician.context.set_offline(True)
    expect(technician.locator("[data-live-offline]")).to_be_visible()
    expect(technician.locator("#customer-code .door-code")).to_be_visible()
    expect(digits).to_be_hidden()
    site.look(technician, f"{tag}-offline", full=False)
    technician.context.set_offline(False)
    expect(digits).to_be_visible()

    site.move_clock(seconds=95)
    _answers(site, customer, address, "attention", f"{tag}-run-out")
    assert customer.locator("img.door-photo").count() == 0
    technician.reload()
    technician.click("[data-opens=customer-code]")
    expect(digits).not_to_have_text(first)
    customer.goto(f"{site.url}/check?number={digits.text_content()}")
    expect(customer.locator(".verdict-valid")).to_be_visible()

    with site.app.app_context():
        accounts.deactivate_person(
            site.world.learner2, on=accounts.today(clock.now()), now=clock.now(), actor_id=site.world.hr
        )
        code = db.session.scalar(sa.select(Permit.door_code).where(Permit.person_id == site.world.learner2))
    _answers(site, customer, f"/d/{code}", "stopped", f"{tag}-stopped")
    _answers(site, customer, "/d/nobody", "unknown", f"{tag}-unknown")
