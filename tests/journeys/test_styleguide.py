"""Every part of a page, looked at with axe in light and dark, in both languages, on a phone and at a desk."""

from __future__ import annotations

from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.journeys.conftest import DESK, PHONE, Site

pytestmark = pytest.mark.journey
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def test_every_part_is_clean_in_light_and_dark(site: Site) -> None:
    for language, viewport in (("zh", PHONE), ("en", DESK), ("en", PHONE), ("zh", DESK)):
        site.speak(language, viewport)
        for scheme in SCHEMES:
            site.scheme = scheme
            page = site.page()
            for query in ("", "?errors=1&actions=1&flash=1"):
                page.goto(f"{site.url}/styleguide{query}")
                name = f"styleguide-{language}-{viewport['width']}-{scheme}{'-steps' if query else ''}"
                site.look(page, name)
                found = Axe().run(page).response["violations"]
                assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], name
        site.close()
