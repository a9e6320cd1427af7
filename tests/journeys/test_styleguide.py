"""Every part of a page, looked at with axe in light and dark, in both languages, on a phone and at a desk."""

from __future__ import annotations

import re
from typing import Literal

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import DESK, PHONE, Site

pytestmark = pytest.mark.journey
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def test_every_part_is_clean_in_light_and_dark(quiet_site: Site) -> None:
    site = quiet_site
    for language, viewport in (("zh", PHONE), ("en", DESK), ("en", PHONE), ("zh", DESK)):
        site.speak(language, viewport)
        for scheme in SCHEMES:
            site.scheme = scheme
            page = site.page()
            for query in ("", "?errors=1&actions=1&flash=1"):
                page.goto(f"{site.url}/styleguide{query}")
                name = f"styleguide-{language}-{viewport['width']}-{scheme}{'-steps' if query else ''}"
                found = site.look(page, name)
                assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], name
        site.close()


def test_a_file_is_chosen_in_our_own_words(quiet_site: Site) -> None:
    site = quiet_site
    for language, before in (("zh", "尚未选择"), ("en", "Nothing chosen yet")):
        site.speak(language, PHONE)
        page = site.page()
        page.goto(f"{site.url}/styleguide")
        frame = page.locator("[data-file]").first
        expect(frame.locator(".file-face")).to_be_visible()
        expect(frame.locator("[data-file-name]")).to_have_text(before)
        expect(frame.locator("input[type=file]")).to_have_accessible_name(re.compile("照片|Photo|文件|File"))
        field = frame.locator("input[type=file]")
        field.click(trial=True)  # the real input takes the tap, although our words are seen
        field.set_input_files({"name": "door.png", "mimeType": "image/png", "buffer": b"PNG"})
        expect(frame.locator("[data-file-name]")).to_have_text("door.png")
    site.close()
