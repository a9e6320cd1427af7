"""A centre manager's morning: who may go, who goes instead, and one who is stopped at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from tests.certifications_factories import certify
from tests.journeys.conftest import PHONE, Site
from tests.journeys.steps import confirm, until
from tests.licences_factories import ELECTRICIAN, licence
from training_app import clock
from training_app.accounts.service import today

pytestmark = pytest.mark.journey
JOB = "electrical-wiring"


def test_a_manager_finds_who_goes_instead_and_stops_who_works_dangerously(site: Site) -> None:
    world, now = site.world, clock.now()
    with site.app.app_context():
        for who, days in (("learner", 300), ("learner2", -1)):
            certify(world, who, now)
            licence(world, world.people[who], now, ELECTRICIAN, until=today(now) + timedelta(days=days))
    site.speak("zh", PHONE)
    manager = site.page("manager")
    manager.click(".nav a[href='/today']")
    expect(manager.locator(".stat-figure")).to_have_text(["1", "1", "2"])
    site.look(manager, "today-zh")
    manager.click(".stat-attention")  # with limits
    card = manager.locator("tr", has_text="李佳怡")
    expect(card).to_contain_text("证件已于")
    card.locator("a[href*='/substitute']").click()
    manager.select_option("select[name=job]", JOB)
    with manager.expect_navigation():
        manager.click("main form button[type=submit]")
    found = manager.locator(".substitutes > li")
    expect(found).to_have_count(1)
    expect(found).to_contain_text("王小明")
    site.look(manager, "today-substitute-zh")

    manager.goto(f"{site.url}/today?may=yes")
    manager.click(f"a[href='/permits/stop/{world.learner}']")
    manager.fill("textarea[name=words]", "高处作业未系安全带。")
    manager.select_option("select[name=reviewer]", str(world.hr2))
    site.look(manager, "today-stop-zh")
    manager.click("main form button[type=submit]")
    confirm(manager)
    expect(manager.locator("main")).to_contain_text("由褚人事复核")
    manager.goto(f"{site.url}/today")
    expect(manager.locator(".stat-figure")).to_have_text(["0", "1", "3"])

    reviewer = site.page("hr2")

    def is_told() -> bool:
        reviewer.goto(f"{site.url}/me/notices")
        return "安全停岗待您复核" in reviewer.inner_text("main")

    until(is_told, "the reviewer is told")
    manager.goto(f"{site.url}/today/print")
    manager.emulate_media(media="print")
    expect(manager.locator(".today-paper")).to_contain_text("王小明")
    expect(manager.locator(".nav")).to_be_hidden()
    assert site.faults == []
