"""Pictures of the twelve screens from a running demonstration, on a phone and at a desk, in both languages.

screens.py ADDRESS PASSWORD FOLDER [NAME …]

Each screen is reached by the links that a person would follow; one that cannot be reached is named at the end, and
the others are made. Names of files: language-width-number-name.png.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Error, Page, sync_playwright

from tests.conftest import chromium_here

SIZES = {390: 844, 1280: 900}
BEGIN = "form[action$='/move']:has([value=begin]) button"
# name -> who, by number in the demonstration; the address to begin with; links to follow from there, by their address
SCREENS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "01-home": ("T-1006", "/", ()),
    "02-permit": ("T-1004", "/me/permit", ()),
    "03-lesson": ("T-1002", "/courses/service-etiquette", ("a[href*='/lessons/']",)),
    "04-exam": ("T-1003", "/exams/onboarding", ("form[action$='/start'] button", "#confirm-dialog [data-confirm-ok]",
                                                  "main a.button[href*='/attempts/']",
                                                 "main form[action$='/open'] button")),
    "05-trainers-day": ("P-2001", "/roleplay/day", ()),
    "06-scoring-sheet": ("P-2001", "/roleplay/day", ("a[href*='/roleplay/sessions/']", BEGIN,
                                                      "form[action*='/sheets/'] button", "main a[href*='/sheets/']")),
    "07-my-case": ("T-1006", "/me/cases", ("main a[href*='/me/cases/']",)),
    "08-decide": ("P-2006", "/permits/cases?show=decide", ("main a[href*='/permits/cases/']",)),
    "09-award-queue": ("P-2004", "/awards", ()),
    "10-today": ("P-2005", "/today", ()),
    "11-people": ("P-2006", "/people", ()),
    "11-person": ("P-2006", "/people?q=T-1014", ("main a:has-text('萧楠')",)),
    "12-door": ("", "", ()),
}  # fmt: skip


def main(address: str, password: str, folder: str, *names: str) -> int:
    """Make the pictures; return 1 if a screen could not be reached."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    missed = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_here(), args=["--no-sandbox", "--disable-gpu"])
        for language in ("zh", "en"):
            for width, height in SIZES.items():

                def new_page(language: str = language, width: int = width, height: int = height) -> Page:
                    context = browser.new_context(
                        viewport={"width": width, "height": height}, reduced_motion="reduce",
                        locale="zh-CN" if language == "zh" else "en-GB",
                    )  # fmt: skip
                    return context.new_page()

                for name, (who, path, links) in SCREENS.items():
                    if names and name not in names:
                        continue
                    file = target / f"{language}-{width}-{name}.png"
                    try:
                        _take(new_page, language, address, password, who, path, links, file)
                    except (Error, AssertionError) as error:
                        missed.append(f"{file.name}: {str(error).splitlines()[0]}")
        browser.close()
    for one in missed:
        print(one)
    return 1 if missed else 0


def _take(
    new_page: Callable[[], Page], language: str, address: str, password: str, who: str, path: str,
    links: tuple[str, ...], file: Path,
) -> None:  # fmt: skip
    page = new_page()
    page.set_default_timeout(15000)
    if not who:
        _sign_in(page, address, "T-1004", password, language)
        code = _door_of(page, address)
        page = new_page()
        page.goto(f"{address}/sign-in")
        _speak(page, language)
        page.goto(code)
        _keep(page, file)
        page.context.close()
        return
    _sign_in(page, address, who, password, language)
    page.goto(address + path)
    for link in links:
        found = page.locator(link).first
        if not found.count() or not found.is_visible():
            continue  # done already: begun by the picture before
        found.click()
        page.wait_for_load_state()
        page.wait_for_timeout(400)  # a dialog opens, a script settles
    _keep(page, file)
    page.context.close()


def _keep(page: Page, file: Path) -> None:
    """Take the picture and keep it in 256 colours, a third of its size."""
    page.evaluate("scrollTo(0, 0)")  # a lesson opens where its reader was
    page.wait_for_timeout(200)
    page.screenshot(path=file)
    Image.open(file).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


def _sign_in(page: Page, address: str, number: str, password: str, language: str) -> None:
    page.goto(f"{address}/sign-in")
    page.fill("input[name=number]", number)
    page.fill("input[name=password]", password)
    page.click("main form button[type=submit]")
    page.wait_for_url(lambda at: "/sign-in" not in at)
    _speak(page, language)


def _speak(page: Page, language: str) -> None:
    wanted = "zh-CN" if language == "zh" else "en"
    if page.locator("html").get_attribute("lang") != wanted:
        page.evaluate(
            "value => document.querySelector(`[data-language-switch] button[value='${value}']`).click()", wanted
        )
        page.wait_for_function("value => document.documentElement.lang === value", arg=wanted)


def _door_of(page: Page, address: str) -> str:
    page.goto(f"{address}/me/permit")
    found = page.locator("a[href*='/d/'], [data-door]").first
    code = found.get_attribute("href") or found.get_attribute("data-door")
    assert code, "the permit shows no code"
    return code if code.startswith("http") else address + code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
