"""A trainer scans a technician's code: the camera is asked for on a press, read, and let go."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import DESK, PHONE, Site
from tests.roleplay_factories import Scene
from training_app import clock

pytestmark = pytest.mark.journey

# A browser that can read codes, as on Android: what it sees is told by `window.code`, its camera paints a canvas.
READER = """
window.tracks = [];
window.code = null;
window.BarcodeDetector = class {
  static getSupportedFormats() { return Promise.resolve(["qr_code"]); }
  detect() { return Promise.resolve(window.code ? [{ rawValue: window.code }] : []); }
};
navigator.mediaDevices.getUserMedia = () => {
  if (window.refuses) {
    return Promise.reject(new DOMException("no", "NotAllowedError"));
  }
  const stream = document.createElement("canvas").captureStream(5);
  window.tracks = stream.getTracks();
  return Promise.resolve(stream);
};
"""
STATES = "window.tracks.map((track) => track.readyState).join()"
ALLOWED = "document.featurePolicy.allowsFeature('camera')"


@pytest.mark.parametrize(
    ("language", "viewport"),
    [("zh", PHONE), pytest.param("en", DESK, marks=pytest.mark.deep)],
    ids=["zh-phone", "en-desk"],
)
def test_a_code_before_the_camera_leads_to_todays_session_and_the_camera_goes_off(
    site: Site, language: str, viewport: dict[str, int]
) -> None:
    site.speak(language, viewport)
    name = f"{language}-{viewport['width']}"
    with site.app.app_context():
        scene = Scene.started(site.world, clock.now())
    trainer = site.page("trainer")
    trainer.add_init_script(READER)
    trainer.goto(f"{site.url}/roleplay/day")
    assert trainer.evaluate(ALLOWED) is False
    site.look(trainer, f"{name}-day-scan")
    trainer.click("a[href='/roleplay/scan']")
    assert trainer.evaluate(ALLOWED) is True
    assert trainer.evaluate(STATES) == ""  # nobody was asked for the camera yet

    trainer.evaluate("window.refuses = true")
    trainer.click("[data-scan-start]")
    expect(trainer.locator("[data-scan-said]")).to_have_text(
        str(trainer.get_attribute("[data-scan]", "data-forbidden"))
    )
    site.look(trainer, f"{name}-scan-forbidden")
    trainer.evaluate("window.refuses = false")
    trainer.click("[data-scan-start]")
    expect(trainer.locator("[data-scan-picture]")).to_be_visible()
    site.look(trainer, f"{name}-scan-camera")
    assert trainer.evaluate(STATES) == "live"
    _hide(trainer)
    expect(trainer.locator("[data-scan-picture]")).to_be_hidden()
    assert trainer.evaluate(STATES) == "ended"

    trainer.reload()
    trainer.click("[data-scan-start]")
    trainer.evaluate(
        f"window.code = 'https://permit.example.org/sittings/arrive?number={site.world.numbers['learner']}'"
    )
    trainer.wait_for_url(f"**/roleplay/sessions/{scene.public_id}")


def test_without_a_reader_of_codes_the_field_does_the_same(site: Site) -> None:
    site.speak("zh", PHONE)
    trainer = site.page("trainer")
    trainer.add_init_script("delete window.BarcodeDetector;")
    trainer.goto(f"{site.url}/roleplay/scan")
    expect(trainer.locator("[data-scan]")).to_be_hidden()
    trainer.fill("#code", "T-99999")
    trainer.click("[data-scan-form] button")
    expect(trainer.locator(".error-summary")).to_be_focused()
    site.look(trainer, "zh-390-scan-nobody")
    trainer.fill("#code", site.world.numbers["learner"].lower())
    trainer.click("[data-scan-form] button")
    trainer.wait_for_url(f"**/roleplay/people/{site.world.learner}")
    site.look(trainer, "zh-390-scan-person")


def _hide(page: Page) -> None:
    page.evaluate(
        "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
