"""A technician writes an improvement plan on the phone, the trainer sends it back, then approves it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import DESK, PHONE, Site
from tests.roleplay_factories import Scene
from training_app import clock
from training_app.accounts.service import today

pytestmark = pytest.mark.journey


def _by() -> str:
    return (today(clock.now()) + timedelta(days=9)).isoformat()


def _write(page: Page, numbers: range) -> None:
    for n in numbers:
        page.fill(f"textarea[name=aim_{n}]", f"每次上门先复述一遍 {n}")
        page.fill(f"textarea[name=steps_{n}]", "出发前看一遍要点，回来记一次。")
        page.fill(f"input[name=by_{n}]", _by())


def _hide(page: Page) -> None:
    """Let the phone put another app in front, as it does when somebody calls."""
    page.evaluate(
        "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )


@pytest.mark.parametrize(
    ("language", "viewport"),
    [("zh", PHONE), pytest.param("en", DESK, marks=pytest.mark.deep)],
    ids=["zh-phone", "en-desk"],
)
def test_a_plan_is_written_on_the_phone_sent_back_and_approved(
    site: Site, language: str, viewport: dict[str, int]
) -> None:
    site.speak(language, viewport)
    name = f"{language}-{viewport['width']}"
    with site.app.app_context():
        now = clock.now()
        scene = Scene.started(site.world, now)
        scene.scored("trainer", level=2, grade=2, communication=1)
    site.move_clock(hours=3)
    learner = site.page("learner")
    learner.goto(site.url)
    site.look(learner, f"{name}-home-plan")
    learner.click("section.next a.button-primary")
    expect(learner.locator("select[name=criterion_1]")).to_have_value("communication")
    _write(learner, range(1, 3))
    _hide(learner)
    learner.on("dialog", lambda dialog: dialog.accept())
    learner.goto(site.url)  # the browser asks, and it is left all the same
    learner.go_back()
    learner.reload()
    expect(learner.locator("textarea[name=aim_2]")).to_have_value("每次上门先复述一遍 2")
    learner.click("button[value=save]")
    learner.wait_for_load_state()
    expect(learner.locator("textarea[name=aim_2]")).to_have_value("每次上门先复述一遍 2")
    learner.click("button[value=hand_in]")
    expect(learner.locator(".error-summary")).to_be_visible()
    site.look(learner, f"{name}-plan-incomplete")
    _write(learner, range(3, 4))
    site.look(learner, f"{name}-plan-form")
    learner.click("button[value=hand_in]")
    expect(learner.locator("#newest")).to_be_visible()
    site.look(learner, f"{name}-plan-handed-in")

    trainer = site.page("trainer")
    trainer.goto(f"{site.url}/roleplay/day")
    site.look(trainer, f"{name}-day-plans")
    trainer.click("#plans ~ ul a")
    trainer.wait_for_url("**/answer")
    site.look(trainer, f"{name}-plan-answer")
    _answer(trainer, "send_back", "第二个目标请写上次数。")
    trainer.wait_for_url("**/roleplay/day")

    learner.goto(f"{site.url}/roleplay/mine")
    site.look(learner, f"{name}-mine")
    learner.click(".rp-plan-line")
    expect(learner.locator("button[value=hand_in]")).to_be_visible()
    site.look(learner, f"{name}-plan-sent-back")
    learner.fill("textarea[name=aim_2]", "十单里有九单复述到位")
    learner.click("button[value=hand_in]")
    expect(learner.locator("#newest")).to_be_visible()

    trainer.reload()
    trainer.click("#plans ~ ul a")
    _answer(trainer, "approve", "")
    trainer.wait_for_url("**/roleplay/day")
    learner.goto(f"{site.url}/roleplay/mine")
    learner.click(".rp-plan-line")
    expect(learner.locator("details.fold")).to_have_count(1)
    site.look(learner, f"{name}-plan-approved")


def _answer(trainer: Page, outcome: str, words: str) -> Any:
    trainer.check(f"input[name=outcome][value={outcome}]")
    trainer.fill("textarea[name=words]", words)
    trainer.click("form[action$='/answer'] button[type=submit]")
    trainer.click("#confirm-dialog [data-confirm-ok]")
