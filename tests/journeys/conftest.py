"""The whole product, started as people start it, with a real browser in front of it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conftest import START, chromium_here
from tests.factories import PASSWORD, World
from training_app import chain, clock
from training_app.accounts import queries as people
from training_app.accounts import service as accounts
from training_app.app import create_app
from training_app.db import db
from training_app.demo_people import PEOPLE
from training_app.settings import Settings
from training_app.start import commands
from training_app.supervisor import STOP_SIGNALS

ROOT = Path(__file__).resolve().parents[2]
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}
WAIT_MS = 15_000  # for whatever a page has to show, on a machine that does other things as well
# Data are prepared from START on; sites begin later, so that nothing of them lies ahead.
PREPARING = timedelta(minutes=10)
WORLD = "world.json"  # in the folder of prepared data


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Site:
    """A running product: its address, its people, its clock, and browsers signed in as them."""

    url: str
    settings: Settings
    app: Flask
    world: World
    browser: Browser
    language: str = "zh"
    viewport: dict[str, int] = field(default_factory=lambda: dict(DESK))
    scheme: Literal["light", "dark"] = "light"
    pictures: Path | None = None
    keeps_pages: bool = True  # the device keeps pages; what comes from there has no weight on the line
    agent: str | None = None  # what the browser says it is; None: what it is
    _open: list[BrowserContext] = field(default_factory=list)

    def speak(self, language: str, viewport: dict[str, int]) -> None:
        """Let everybody read this language on a screen of this size."""
        self.language, self.viewport = language, dict(viewport)
        with self.app.app_context():
            for person_id in self.world.people.values():
                accounts.set_language(person_id, language, now=clock.now())

    def page(self, name: str | None = None) -> Page:
        """Return a page of a new browser, signed in as a person of the world (None: a visitor)."""
        context = self.browser.new_context(
            viewport=self.viewport, locale="zh-CN" if self.language == "zh" else "en-GB", reduced_motion="reduce",
            color_scheme=self.scheme, service_workers="allow" if self.keeps_pages else "block",
            user_agent=self.agent,
        )  # fmt: skip
        self._open.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT_MS)
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("response", lambda answer: answer.from_service_worker or self._watch(page, answer.status, answer.url))
        if name is not None:
            page.goto(f"{self.url}/sign-in")
            page.fill("input[name=number]", self.world.numbers[name])
            page.fill("input[name=password]", PASSWORD)
            page.click("main form button[type=submit]")
            page.wait_for_url(lambda at: "/sign-in" not in at)
        return page

    faults: list[str] = field(default_factory=list)

    def _watch(self, page: Page, status: int, url: str) -> None:
        if status >= 500:
            self.faults.append(f"{page.url}: {status} from {url}")

    def move_clock(self, **by: float) -> datetime:
        """Let web, worker and sweeper jump ahead; sessions may be over afterwards, so sign in again."""
        instant = clock.now() + timedelta(**by)
        clock.move_to(instant)
        return instant

    def look(self, page: Page, name: str, *, full: bool = True) -> list[Any]:
        """Take a picture where pictures are asked for, and let axe look: no serious or critical finding.

        Return what axe found besides.
        `PICTURES=folder` keeps them; the whole page, or with `PICTURES_OF=window` what a person sees at once.
        """
        if self.pictures is not None:
            self.pictures.mkdir(parents=True, exist_ok=True)
            page.screenshot(
                path=self.pictures / f"{name}.png", full_page=full and os.environ.get("PICTURES_OF") != "window"
            )
        found: list[Any] = Axe().run(page).response["violations"]
        serious = [
            (v["id"], [n["html"] for n in v["nodes"]][:3]) for v in found if v["impact"] in ("serious", "critical")
        ]
        assert not serious, f"{name} ({page.url}): {serious}"
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{name} ({page.url}) scrolls sideways by {wide} px"
        return list(found)

    def close(self) -> None:
        """Close all browsers."""
        for context in self._open:
            context.close()
        self._open.clear()


@contextmanager
def running_site(tmp_path_factory: pytest.TempPathFactory, browser: Browser, *, demo: bool = False) -> Iterator[Site]:
    """Start web, worker and sweeper on a fresh database, with the world or the demonstration; stop them at the end.

    People of the demonstration are called by their numbers.
    """
    folder = tmp_path_factory.mktemp("site")
    data = folder / "data"
    shutil.copytree(_prepared(tmp_path_factory, demo=demo), data)
    port = _free_port()
    environ = _environ(data, demo=demo) | {"PORT": str(port)}
    settings = Settings.from_env(environ)
    clock.use_offset_file(settings.test_clock)
    clock.move_to(START + PREPARING)
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log, _running(settings, environ, log, whole=demo) as parts:
        app = create_app(settings)
        with app.app_context():
            world = _demonstration() if demo else World(**json.loads((data / WORLD).read_text("utf-8")))
        _wait(lambda: _answers(f"{url}/sign-in"), parts, folder / "log")
        pictures = os.environ.get("PICTURES")
        site = Site(url=url, settings=settings, app=app, world=world, browser=browser)
        site.pictures = Path(pictures) if pictures else None
        yield site
        site.close()
        assert not site.faults, site.faults


@contextmanager
def _running(
    settings: Settings, environ: dict[str, str], log: IO[bytes], *, whole: bool
) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Start the product as people start it, or, where the data are prepared, only the parts that this would start."""
    command = [sys.executable, "-m", "training_app.start"]
    parts = {"all": command} if whole else commands(settings)
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, part in parts.items():
            running[name] = subprocess.Popen(
                part, cwd=ROOT, env={**os.environ, **environ}, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        yield list(running.values())
    finally:
        for name, process in running.items():
            process.send_signal(STOP_SIGNALS.get(name, signal.SIGTERM))
        for process in running.values():
            process.wait(30)


def _environ(data: Path, *, demo: bool) -> dict[str, str]:
    return {
        "APP_ENV": "test",
        "DATA_DIR": str(data),
        "TEST_CLOCK": str(data / "clock"),
        "DEMO": "1" if demo else "0",
        "DEMO_PEOPLE": "64",
        "DEMO_PASSWORD": PASSWORD,
        "WORKERS": "1",
        "SECRET_KEY": "a test key that is long enough to be taken as one",
    }


def _prepared(tmp_path_factory: pytest.TempPathFactory, *, demo: bool) -> Path:
    """Return a folder with migrated, loaded data to copy; made once a run, whichever process asks first."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # what the processes of one run share
    ready = base / f"prepared-{'demo' if demo else 'plain'}"
    with (base / f"{ready.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not ready.exists():
            making = base / f"{ready.name}-making"
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            environ = {**os.environ, **_environ(making, demo=demo)}
            clock.use_offset_file(making / "clock")
            clock.move_to(START)
            made = subprocess.run(
                [sys.executable, "-m", "training_app.start", "--prepare"], cwd=ROOT, env=environ, text=True,
                capture_output=True,
            )  # fmt: skip
            assert made.returncode == 0, made.stdout + made.stderr
            if not demo:
                _furnish(Settings.from_env(_environ(making, demo=demo)))
            making.rename(ready)
    return ready


def _furnish(settings: Settings) -> None:
    """Create the world, let everything that hangs on it be done, and write down who and where everybody is."""
    app = create_app(settings)
    with app.app_context():
        world = World.create(clock.now())
        chain.set_hotline("400 000 0000", clock.now(), actor_id=world.administrator)
        chain.settle(clock.now())
        db.session.remove()
        db.engine.dispose()
    (settings.data_dir / WORLD).write_text(json.dumps(vars(world)), "utf-8")


def _demonstration() -> World:
    found = {one.number: people.find_person_id(db.session(), one.number) for one in PEOPLE}
    ids = {number: person_id for number, person_id in found.items() if person_id is not None}
    return World(people=ids, numbers={number: number for number in ids})


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _wait(ready: Callable[[], bool], parts: list[subprocess.Popen[bytes]], log: Path) -> None:
    end = time.monotonic() + 90
    while not ready():
        if any(part.poll() is not None for part in parts) or time.monotonic() > end:
            raise AssertionError(f"the product did not start:\n{log.read_text()}")
        time.sleep(0.2)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return headless Chromium."""
    executable = chromium_here()
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"],
        )
        yield chromium
        chromium.close()


@pytest.fixture
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    """Return a running product with its world."""
    with running_site(tmp_path_factory, browser) as running:
        yield running


@pytest.fixture(scope="session")
def quiet_site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    """Return a running product for journeys that leave nothing behind; one for all of them."""
    with running_site(tmp_path_factory, browser) as running:
        yield running
