"""A certifier's morning: twenty in the queue, eighteen awarded by one press, two who stay and why."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests import certifications_factories as make
from tests.crowd import crowd
from tests.journeys.conftest import DESK, PHONE, Site
from training_app import clock

pytestmark = pytest.mark.journey
READY = 18


def _fill_the_queue(site: Site) -> None:
    world, now = site.world, clock.now()
    with site.app.app_context():
        make.qualify(world, "learner", now)
        others = crowd(world.learner, READY - 1, now)
        make.share_evidence(world.learner, others)
        for who, name in (("taught", "甲学员"), ("examined", "乙学员")):
            world.add(who, name, "outlet_a", now)
        make.qualify(world, "taught", now, trainer=world.certifier)
        make.qualify(world, "examined", now, examiner=world.certifier)


def test_eighteen_of_twenty_are_awarded_at_once_and_two_stay_with_their_reasons(site: Site) -> None:
    _fill_the_queue(site)
    site.speak("zh", PHONE)
    certifier = site.page("certifier")
    expect(certifier.locator(".card.next h2")).to_contain_text(str(READY + 2))
    certifier.click(".card.next .button-primary")
    rows, boxes = certifier.locator(".award"), certifier.locator("input[name=person]:not([disabled])")
    expect(rows).to_have_count(READY + 2)
    expect(boxes).to_have_count(READY)
    assert set(rows.locator("h2").all_inner_texts()[-2:]) == {"甲学员", "乙学员"}  # who is ready comes first
    for words in ("周考官", "陈老师", "2028年"):  # who examined and trained, and the last day as it will be printed
        expect(rows.first).to_contain_text(words)
    site.look(certifier, "award-queue-zh")

    award = certifier.locator("button[form=award-form]")
    certifier.locator("[data-check-all]").press("Enter")
    expect(award).to_contain_text("18")
    boxes.first.uncheck()
    expect(award).to_contain_text("17")
    boxes.first.check()
    certifier.set_viewport_size(DESK)
    site.look(certifier, "award-queue-selected-zh")
    with certifier.expect_navigation():
        award.click()

    expect(certifier.locator("main .message-valid").first).to_contain_text("18")
    expect(rows).to_have_count(2)
    for name, why in (("甲学员", "中培训过此人"), ("乙学员", "中考核过此人")):
        expect(rows.filter(has_text=name).locator(".award-why")).to_contain_text(why)
    expect(award).to_have_count(0)
    site.look(certifier, "award-queue-left-zh")
    assert site.faults == []
