"""Every page that a link leads to, as each role, in both languages, on a phone and at a desk, in light and in dark."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from html import unescape
from typing import Literal
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from werkzeug.exceptions import HTTPException

from tests.journeys.conftest import DESK, Site, running_site

pytestmark = pytest.mark.journey

# Who looks around: every role, and technicians in every state of a permit.
VISITORS = (
    "T-1001", "T-1003", "T-1004", "T-1006", "T-1009", "T-1010", "P-2001", "P-2003", "P-2004", "P-2005", "P-2006",
    "P-2008", "P-2009", "P-2010",
)  # fmt: skip
# Pages that say something else to everybody; the others are looked at once.
OWN = {"home.index", "permits.mine", "certifications.my_way"}
# People, cases and units differ in what they offer: so many of a kind are opened by each visitor.
OF_A_KIND = 4
# The smallest screen that is promised, and what a page may weigh on the way to it before its pictures.
SMALL = {"width": 360, "height": 780}
MOST_BYTES = 150 * 1024
WEIGHT = """() => performance.getEntriesByType('navigation').concat(performance.getEntriesByType('resource'))
  .filter(one => !/img|image|icon/.test(one.initiatorType) && !/[.](svg|png|jpg)([?#]|$)|[/]photo/.test(one.name))
  .reduce((sum, one) => sum + one.encodedBodySize, 0)"""
# No pages: pictures, files, data and parts of pages; and what needs a secret, a start or a state of its own
# (they are looked at on the way of the main job and in the tests of their rooms; the style guide has its own).
NO_PAGES = {
    "api.authorisation", "api.openapi_document", "static", "styleguide", "home.health", "home.service_worker",
    "notices.calendar_file", "courses.media",
    "credentials.pdf", "credentials.door_photo", "credentials.progress", "credentials.print_progress",
    "credentials.print_pdf", "dashboards.photo", "exams.photo", "permits.my_photo", "permits.evidence",
    "exams.sitting_people", "roleplay.sheet_state", "dashboards.latin_name", "licences.scan", "roster.template",
    "roster.progress", "roster.marked", "photos.progress", "photos.picture", "policies.progress",
}  # fmt: skip
ELSEWHERE = {
    "accounts.redeem", "credentials.print_run", "exams.arrive", "exams.paper", "home.offline", "notices.feed_file",
    "photos.batch", "policies.compare", "policies.draft", "policies.entry", "policies.section", "policies.would_change",
    "roleplay.person", "roleplay.sheet", "roster.roster",
}  # fmt: skip
# Words of the navigation that stand over the edge of their place.
OVER_THE_EDGE = """() => [...document.querySelectorAll('.nav-item span')].filter(one => {
  const word = one.getBoundingClientRect(), place = one.closest('.nav-item').getBoundingClientRect();
  return word.width > 0 && (word.left < place.left - 0.5 || word.right > place.right + 0.5);
}).map(one => one.textContent)"""
LINK = re.compile(r"""<a\b[^>]*?\bhref="([^"]+)\"""")
SEARCH = re.compile(r"<input[^>]* name=\"q\"")
# What a template prints when it is broken.
BROKEN = re.compile(r"\bNone\b(?! [a-z])|\bUndefined\b|\{\{|\}\}|%\(\w+\)s|&(?:amp|lt|gt|#\d+);")


@pytest.fixture
def demo(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    """Return a running product with the demonstration."""
    with running_site(tmp_path_factory, browser, demo=True) as running:
        yield running


@pytest.mark.parametrize(
    ("language", "viewport", "scheme"),
    [
        pytest.param("zh", SMALL, "light", id="zh-phone"),
        pytest.param("en", DESK, "dark", id="en-desk-dark", marks=pytest.mark.deep),
        pytest.param("en", SMALL, "dark", id="en-phone-dark", marks=pytest.mark.deep),
        pytest.param("zh", DESK, "light", id="zh-desk", marks=pytest.mark.deep),
    ],
)
def test_every_page_is_whole_and_accessible(
    demo: Site,
    capsys: pytest.CaptureFixture[str],
    language: str,
    viewport: dict[str, int],
    scheme: Literal["light", "dark"],
) -> None:
    demo.speak(language, viewport)
    demo.scheme, demo.keeps_pages = scheme, False
    seen: set[str] = set()
    faults: list[str] = []
    lesser: Counter[str] = Counter()
    for who in (None, *VISITORS):
        _look_around(demo, who, seen, faults, lesser)
    with capsys.disabled():
        looks, width = lesser.pop("looks"), viewport["width"]
        print(f"\n{language}, {width} px: {looks} looks at {len(seen)} pages; axe tells besides of {dict(lesser)}")
    assert not faults, "\n".join(faults)
    pages = {
        rule.endpoint for rule in demo.app.url_map.iter_rules() if rule.methods is not None and "GET" in rule.methods
    }
    unseen = ", ".join(sorted(pages - NO_PAGES - ELSEWHERE - seen))
    assert not unseen, f"no link leads to {unseen}"


def _look_around(site: Site, who: str | None, seen: set[str], faults: list[str], lesser: Counter[str]) -> None:
    """Follow links as one visitor, a few to each kind of page; look at what was not looked at before."""
    page = site.page(who)
    ahead, followed, own = [site.url + "/"], set[str](), Counter[str]()
    while ahead:
        url = ahead.pop(0)
        endpoint = _endpoint(site.app, url)
        if endpoint is None or endpoint in NO_PAGES | ELSEWHERE or url in followed or own[endpoint] >= OF_A_KIND:
            continue
        followed.add(url)
        own[endpoint] += 1
        answer = page.request.get(url)
        if answer.status != 200:
            faults.append(f"{who} {url}: {answer.status}")
            continue
        text = answer.text()
        ahead += [urljoin(answer.url, unescape(href)).split("#")[0] for href in LINK.findall(text)]
        if SEARCH.search(text) and not urlsplit(url).query:
            ahead.append(f"{url}?q=T-10")
        if endpoint not in seen or (endpoint in OWN and own[endpoint] == 1):
            page.goto(url)
            faults += [f"{who} {url}: {fault}" for fault in _faults(site, page, f"{who}-{endpoint}", lesser)]
        seen.add(endpoint)
    page.context.close()


def _endpoint(app: Flask, url: str) -> str | None:
    """Return the endpoint of an address of this site that answers GET; None for other addresses."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not (parts.hostname or "").startswith("127."):
        return None
    try:
        endpoint, _values = app.url_map.bind("").match(parts.path, method="GET")
    except HTTPException:
        return None
    return str(endpoint)


def _faults(site: Site, page: Page, name: str, lesser: Counter[str]) -> list[str]:
    found = []
    lesser["looks"] += 1
    try:
        lesser.update(f"{one['id']} ({one['impact']}) on {name}" for one in site.look(page, name))
    except AssertionError as error:
        found.append(str(error))
    weight = int(page.evaluate(WEIGHT))
    if weight > MOST_BYTES:
        found.append(f"weighs {weight // 1024} KB before its pictures")
    found += [f"cuts off {word!r} in the navigation" for word in page.evaluate(OVER_THE_EDGE)]
    text = page.inner_text("body")
    found += [f"prints {match!r}" for match in BROKEN.findall(text)]
    if page.locator("h1:visible").count() != 1:
        found.append("has not exactly one heading of the first level")
    if page.evaluate("document.documentElement.lang") != {"zh": "zh-CN", "en": "en"}[site.language]:
        found.append("is in the other language")
    return found
