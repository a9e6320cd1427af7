"""How heavy and how quick pages are on a mid-range phone: a slow processor, 300 ms of delay, an empty cache.

devices.py ADDRESS NUMBER PASSWORD [PATH …]

Prints for each page, as a signed-in person at 360 px, with the processor slowed down four times and 300 ms of delay per
request: seconds until it shows something and until it can be used (its scripts have run), what it weighs before its
pictures and with them, and how many requests it made. The first visit has an empty cache, the second what is kept.
"""

from __future__ import annotations

import sys
from typing import Any

from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.conftest import chromium_here

SLOWER, DELAY_MS = 4, 300
PATHS = ("/", "/courses", "/me/requirements", "/me/permit", "/exams")
READ = """() => {
  const own = performance.getEntriesByType('navigation')[0];
  const all = [own, ...performance.getEntriesByType('resource')];
  const isPicture = one =>
    /img|image|icon/.test(one.initiatorType) || /[.](svg|png|jpg)([?#]|$)|[/]photo/.test(one.name);
  const bytes = some => some.reduce((sum, one) => sum + one.encodedBodySize, 0);
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  return {
    usable: own.domContentLoadedEventEnd, shown: paint ? paint.startTime : 0, requests: all.length,
    before: bytes(all.filter(one => !isPicture(one))), all: bytes(all), sent: own.encodedBodySize,
  };
}"""


def main(address: str, number: str, password: str, *paths: str) -> None:
    """Measure and print."""
    print(f"processor {SLOWER} times slower, {DELAY_MS} ms of delay, 360 px\n")
    print("page                      visit   shown s  usable s  KB before pictures  KB in all  requests")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_here(), args=["--no-sandbox", "--disable-gpu"])
        for path in paths or PATHS:
            context = browser.new_context(viewport={"width": 360, "height": 780}, locale="zh-CN")
            page = _signed_in(context, address, number, password)
            for visit in ("first", "again"):
                found = _measured(context, page, f"{address}{path}", empty=visit == "first")
                print(
                    f"{path:<25} {visit:<6} {found['shown'] / 1000:8.2f} {found['usable'] / 1000:9.2f} "
                    f"{found['before'] / 1024:19.1f} {found['all'] / 1024:10.1f} {found['requests']:9d}"
                )
            context.close()
        browser.close()


def _signed_in(context: BrowserContext, address: str, number: str, password: str) -> Page:
    page = context.new_page()
    page.goto(f"{address}/sign-in")
    page.fill("input[name=number]", number)
    page.fill("input[name=password]", password)
    page.click("main form button[type=submit]")
    page.wait_for_url(lambda at: "/sign-in" not in at)
    return page


def _measured(context: BrowserContext, page: Page, url: str, *, empty: bool) -> dict[str, Any]:
    line = context.new_cdp_session(page)
    line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": DELAY_MS, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 0.75e6 / 8},
    )
    if empty:
        line.send("Network.clearBrowserCache")
        line.send("Network.setBypassServiceWorker", {"bypass": True})
    page.goto(url, wait_until="load")
    found: dict[str, Any] = page.evaluate(READ)
    line.send("Network.setBypassServiceWorker", {"bypass": False})
    line.send("Emulation.setCPUThrottlingRate", {"rate": 1})
    line.detach()
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
