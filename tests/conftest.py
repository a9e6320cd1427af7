"""One application per database for the whole run; every test starts from a copy of a migrated, loaded database."""

from __future__ import annotations

import copy
import math
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher, profiles
from flask import Flask, g
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy.engine import make_url

from tests.factories import World
from tests.postgres_copies import Copies
from training_app import clock
from training_app.accounts import sign_in
from training_app.app import create_app
from training_app.content import queries as content_queries
from training_app.content import service as content
from training_app.credentials import print_service as prints
from training_app.credentials.limits import limiter
from training_app.db import db
from training_app.demonstration import service as demonstration
from training_app.settings import Settings
from training_app.storage import service as storage

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in Shanghai
# Where there is a file system in memory, tests write there: thousands of commits would wait for the disk, and no test
# cuts the power. (The product's own waiting for the disk is set in db.py and read back by a test.)
_MEMORY = Path("/dev/shm")
if os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > 2 * 1024**3:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_MEMORY))
WORLD = "test_world"  # of an application's extensions: the world as it is in its stocked template


def _settings(folder: Path, database_url: str | None = None) -> Settings:
    environ = {
        "APP_ENV": "test",
        "DATA_DIR": str(folder),
        "TEST_CLOCK": str(folder / "clock"),
        "DEMO_PEOPLE": "28",
        "SECRET_KEY": "a test key that is long enough to be taken as one",
    }
    if database_url:
        environ["DATABASE_URL"] = database_url
    return Settings.from_env(environ)


def _prepare(app: Flask) -> None:
    sign_in.use_hasher(PasswordHasher.from_parameters(profiles.CHEAPEST))
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = FreshClient
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        report = content.import_files(ROOT, now=START)
        assert not report.problems, report.problems
        db.session.remove()


class FreshClient(FlaskClient):
    """A browser whose every request starts afresh, as on a server: nothing is remembered in the test's own context."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        vars(g._get_current_object()).clear()
        return super().open(*args, **kwargs)


@pytest.fixture(scope="session")
def sqlite_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """Return the application on a migrated, loaded SQLite database, with a copy of that file put aside."""
    folder = tmp_path_factory.mktemp("data")
    app = create_app(_settings(folder))
    _prepare(app)
    with app.app_context():
        db.engine.dispose()
    source = sqlite3.connect(folder / "app.db")
    target = sqlite3.connect(folder / "template.db")
    source.backup(target)
    source.close()
    target.close()
    return app


@pytest.fixture
def fresh_sqlite_app(request: pytest.FixtureRequest, sqlite_app: Flask) -> Iterator[Flask]:
    """Return the application on a fresh copy of the loaded database, with its context pushed and the clock at START."""
    folder = sqlite_app.extensions["settings"].data_dir
    is_stocked = "stocked" in request.fixturenames
    if is_stocked and WORLD not in sqlite_app.extensions:
        _copy_sqlite(folder, "template.db")
        _create_world(sqlite_app)
        shutil.copyfile(folder / "app.db", folder / "world.db")
    _copy_sqlite(folder, "world.db" if is_stocked else "template.db")
    _start_afresh(sqlite_app)
    with sqlite_app.app_context():
        _know_what_a_process_knows()
        yield sqlite_app
        db.session.remove()
        db.engine.dispose()


def _copy_sqlite(folder: Path, template: str) -> None:
    for suffix in ("", "-wal", "-shm"):
        (folder / f"app.db{suffix}").unlink(missing_ok=True)
    shutil.copyfile(folder / template, folder / "app.db")


def _start_afresh(app: Flask) -> None:
    settings = app.extensions["settings"]
    clock.use_offset_file(settings.test_clock)
    storage.use_root(settings.data_dir / "blobs")
    prints.use_folder(settings.data_dir / "once")
    content_queries.forget()
    demonstration.forget()
    limiter.reset()
    clock.move_to(START)


def _know_what_a_process_knows() -> None:
    """Read what a process reads once or seldom, so that no test that counts statements finds it among its own."""
    demonstration.READ_AGAIN_S = math.inf
    demonstration.is_on()
    db.session.remove()


def _create_world(app: Flask) -> None:
    """Create the world once for the run; tests get copies of the database as it is then."""
    _start_afresh(app)
    with app.app_context():
        app.extensions[WORLD] = World.create(START)
        db.session.remove()
        db.engine.dispose()  # the last connection writes everything into the one file


@pytest.fixture
def app(request: pytest.FixtureRequest) -> Flask:
    """Return the application on SQLite; on PostgreSQL with TEST_ON=postgres, as `make test-deep` runs the pages."""
    name = "postgres_app" if os.environ.get("TEST_ON") == "postgres" else "fresh_sqlite_app"
    app: Flask = request.getfixturevalue(name)
    return app


@pytest.fixture
def now(request: pytest.FixtureRequest) -> datetime:
    """Return the present instant of the test clock, of the application that the test runs on."""
    request.getfixturevalue("any_app" if "any_app" in request.fixturenames else "app")
    return clock.now()


@pytest.fixture
def stocked() -> None:
    """Let the copy of the database have the world in it."""


@pytest.fixture
def world(request: pytest.FixtureRequest, stocked: None, now: datetime) -> World:
    """Return a small network with people in every role, in the database of the application that the test runs on."""
    app: Flask = request.getfixturevalue("any_app" if "any_app" in request.fixturenames else "app")
    return copy.deepcopy(app.extensions[WORLD])


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return a browser without a sign-in."""
    return app.test_client()


def postgres_url() -> str | None:
    """Return the server to test on: TEST_DATABASE_URL, or one that answers on the loopback address."""
    url = os.environ.get("TEST_DATABASE_URL")
    if url:
        return url
    import psycopg

    try:
        with psycopg.connect("postgresql://postgres@127.0.0.1:5432/postgres", connect_timeout=2):
            return "postgresql://postgres@127.0.0.1:5432/postgres"
    except psycopg.OperationalError:
        return None


@pytest.fixture(scope="session")
def postgres_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str, str, Copies]]:
    """Return (application, server URL, database name, copies) of a migrated, loaded PostgreSQL database."""
    import psycopg

    server = postgres_url()
    assert server is not None, "tests marked postgres are deselected where there is no server"
    name = f"training_test_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = make_url(server).set(database=name)
    app = create_app(_settings(tmp_path_factory.mktemp("pgdata"), url.render_as_string(hide_password=False)))
    _prepare(app)
    with app.app_context():
        db.engine.dispose()
    _create_template(server, f"{name}_template", name)
    yield app, server, name, Copies(server, name)
    with app.app_context():
        db.engine.dispose()
    with psycopg.connect(server, autocommit=True) as connection:
        for one in (name, f"{name}_template", f"{name}_world"):
            connection.execute(f"DROP DATABASE IF EXISTS {one} WITH (FORCE)")


def _create_template(server: str, name: str, source: str) -> None:
    import psycopg

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}")


@pytest.fixture
def postgres_app(request: pytest.FixtureRequest, postgres_template: tuple[Flask, str, str, Copies]) -> Iterator[Flask]:
    """Return the application on a fresh PostgreSQL database, with its context pushed and the clock at START."""
    app, server, name, copies = postgres_template
    is_stocked = "stocked" in request.fixturenames
    if is_stocked and WORLD not in app.extensions:
        copies.load(f"{name}_template")
        _create_world(app)
        _create_template(server, f"{name}_world", name)
    copies.load(f"{name}_{'world' if is_stocked else 'template'}")
    _start_afresh(app)
    with app.app_context():
        _know_what_a_process_knows()
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_app(request: pytest.FixtureRequest) -> Flask:
    """Return the application on each database in turn."""
    app: Flask = request.getfixturevalue("fresh_sqlite_app" if request.param == "sqlite" else "postgres_app")
    return app


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what this machine cannot run; the end of the run says what that was."""
    here = _here()
    wanted = "deep" in (config.option.markexpr or "")
    kept, left = [], []
    for item in items:
        lacking = any(item.get_closest_marker(name) and not there for name, there in here.items())
        if item.get_closest_marker("pg_dump") and not item.get_closest_marker("postgres"):
            lacking = False  # on SQLite a backup needs no tool
        is_deep = item.get_closest_marker("deep") or (
            item.get_closest_marker("deep_on_postgres") and item.get_closest_marker("postgres")
        )
        too_long = is_deep and not wanted
        (left if lacking or too_long else kept).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept


@cache
def _here() -> dict[str, bool]:
    return {
        "postgres": postgres_url() is not None,
        "journey": chromium_here() is not None and _is_driven(),
        "pg_dump": shutil.which("pg_dump") is not None,
        "redis": shutil.which("redis-server") is not None,
    }


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the run used and what was left out. At the end: with several processes only this is always printed."""
    here = _here()
    terminalreporter.write_line(
        f"databases: SQLite{' and PostgreSQL' if here['postgres'] else ' only (no PostgreSQL server answers)'}; "
        f"{'' if here['pg_dump'] else 'backup of PostgreSQL left out, no pg_dump here; '}"
        f"{'' if here['redis'] else 'a Redis that comes and goes left out, no redis-server here; '}"
        f"browser journeys: {'Chromium found' if here['journey'] else 'left out, no Chromium here'}"
    )


def _is_driven() -> bool:
    """Tell whether the program that drives the browser runs here; it needs libatomic1, which ./setup installs."""
    from playwright._impl._driver import compute_driver_executable

    return subprocess.run([compute_driver_executable()[0], "--version"], capture_output=True).returncode == 0


def chromium_here() -> str | None:
    """Return the browser for journeys, found as `./setup` finds it."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
