"""One application per database for the whole run; every test starts from a copy of a migrated, loaded database."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher, profiles
from flask import Flask, g
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy.engine import make_url

from tests.factories import World
from training_app import clock
from training_app.accounts import sign_in
from training_app.app import create_app
from training_app.content import queries as content_queries
from training_app.content import service as content
from training_app.db import db
from training_app.settings import Settings
from training_app.storage import service as storage

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in Shanghai


def _settings(folder: Path, database_url: str | None = None) -> Settings:
    environ = {
        "APP_ENV": "test",
        "DATA_DIR": str(folder),
        "TEST_CLOCK": str(folder / "clock"),
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
def fresh_sqlite_app(sqlite_app: Flask) -> Iterator[Flask]:
    """Return the application on a fresh copy of the loaded database, with its context pushed and the clock at START."""
    folder = sqlite_app.extensions["settings"].data_dir
    for suffix in ("", "-wal", "-shm"):
        (folder / f"app.db{suffix}").unlink(missing_ok=True)
    shutil.copyfile(folder / "template.db", folder / "app.db")
    clock.use_offset_file(folder / "clock")
    storage.use_root(folder / "blobs")
    content_queries.forget()
    clock.move_to(START)
    with sqlite_app.app_context():
        yield sqlite_app
        db.session.remove()
        db.engine.dispose()


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
def world(now: datetime) -> World:
    """Return a small network with people in every role, in the database of the application that the test runs on."""
    return World.create(now)


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
def postgres_template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, str, str]]:
    """Return (application, server URL, database name) of a migrated, loaded PostgreSQL database and its template."""
    import psycopg

    server = postgres_url()
    assert server is not None, "tests marked postgres are deselected where there is no server"
    name = f"training_test_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    url = make_url(server).set(database=name).render_as_string(hide_password=False)
    app = create_app(_settings(tmp_path_factory.mktemp("pgdata"), url))
    _prepare(app)
    with app.app_context():
        db.engine.dispose()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}_template TEMPLATE {name}")
    yield app, server, name
    with app.app_context():
        db.engine.dispose()
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"DROP DATABASE IF EXISTS {name}_template WITH (FORCE)")


@pytest.fixture
def postgres_app(postgres_template: tuple[Flask, str, str]) -> Iterator[Flask]:
    """Return the application on a fresh PostgreSQL database, with its context pushed and the clock at START."""
    import psycopg

    app, server, name = postgres_template
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {name}_template")
    clock.use_offset_file(app.extensions["settings"].test_clock)
    storage.use_root(app.extensions["settings"].data_dir / "blobs")
    content_queries.forget()
    clock.move_to(START)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def any_app(request: pytest.FixtureRequest) -> Flask:
    """Return the application on each database in turn."""
    app: Flask = request.getfixturevalue("fresh_sqlite_app" if request.param == "sqlite" else "postgres_app")
    return app


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect, with a notice, what this machine cannot run; say which databases are used."""
    here = {
        "postgres": postgres_url() is not None,
        "journey": _chromium() is not None and _is_driven(),
        "pg_dump": shutil.which("pg_dump") is not None,
        "redis": shutil.which("redis-server") is not None,
    }
    wanted = "deep" in (config.option.markexpr or "")
    kept, left = [], []
    for item in items:
        lacking = any(item.get_closest_marker(name) and not there for name, there in here.items())
        if item.get_closest_marker("pg_dump") and not item.get_closest_marker("postgres"):
            lacking = False  # on SQLite a backup needs no tool
        too_long = item.get_closest_marker("deep") and not wanted
        (left if lacking or too_long else kept).append(item)
    config.hook.pytest_deselected(items=left)
    items[:] = kept
    config.stash[_NOTICE] = (
        f"databases: SQLite{' and PostgreSQL' if here['postgres'] else ' only (no PostgreSQL server answers)'}; "
        f"{'' if here['pg_dump'] else 'backup of PostgreSQL left out, no pg_dump here; '}"
        f"{'' if here['redis'] else 'a Redis that comes and goes left out, no redis-server here; '}"
        f"browser journeys: {'Chromium found' if here['journey'] else 'left out, no Chromium here'}"
    )


_NOTICE: pytest.StashKey[str] = pytest.StashKey()


def pytest_report_collectionfinish(config: pytest.Config) -> str:
    """Say what the run uses."""
    return config.stash.get(_NOTICE, "")


def _is_driven() -> bool:
    """Tell whether the program that drives the browser runs here; it needs libatomic1, which ./setup installs."""
    from playwright._impl._driver import compute_driver_executable

    return subprocess.run([compute_driver_executable()[0], "--version"], capture_output=True).returncode == 0


def _chromium() -> str | None:
    return os.environ.get("CHROMIUM") or shutil.which("chromium")
