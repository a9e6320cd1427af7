"""A backup is taken while people write, comes back whole, and says what is lost."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from click.testing import Result
from flask import Flask
from sqlalchemy.engine import make_url

from tests.factories import World
from training_app import backup, clock, start
from training_app.accounts import service as accounts
from training_app.app import create_app
from training_app.db import db, transaction
from training_app.settings import Settings
from training_app.storage import service as storage

pytestmark = pytest.mark.pg_dump
Restore = Callable[..., Result]


@pytest.fixture
def elsewhere(any_app: Flask, tmp_path: Path) -> Iterator[Settings]:
    """Return settings of another installation: an empty folder, and an empty database of the same kind."""
    here: Settings = any_app.extensions["settings"]
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    if here.is_sqlite:
        yield replace(here, data_dir=folder, database_url=f"sqlite:///{folder / 'app.db'}", test_clock=None)
        return
    url, name = make_url(here.database_url), f"training_restore_{os.getpid()}"
    server = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield replace(
        here,
        data_dir=folder,
        test_clock=None,
        database_url=url.set(database=name).render_as_string(hide_password=False),
    )
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def restore(any_app: Flask, elsewhere: Settings) -> Iterator[Restore]:
    """Return the command as it is typed at the other installation."""
    root = list(storage._root)

    def run(source: Path, read: Callable[[], Any] = lambda: None) -> Any:
        other = create_app(elsewhere)
        with ThreadPoolExecutor(1) as pool:  # a thread has no application in its context yet, like a new process
            result = pool.submit(lambda: other.test_cli_runner().invoke(args=["restore", str(source)])).result()
        with other.app_context():
            found = read() if not result.exit_code else None
            db.session.remove()
            db.engine.dispose()
        storage.use_root(root[0])
        clock.use_offset_file(any_app.extensions["settings"].test_clock)
        return result, found

    yield run
    storage.use_root(root[0])
    clock.use_offset_file(any_app.extensions["settings"].test_clock)


def _keep(data: bytes, now: datetime) -> str:
    sha256 = storage.write_file(data)
    with transaction():
        storage.keep(sha256, len(data), "image/jpeg", now=now)
    return sha256


def _numbers() -> set[str]:
    rows = db.session.execute(sa.text("SELECT number FROM person_profile"))
    return {row[0] for row in rows}


def test_what_was_backed_up_comes_back_whole_and_what_came_after_is_said_to_be_lost(
    any_app: Flask, tmp_path: Path, restore: Restore
) -> None:
    now = clock.now()
    world = World.create(now)
    photo = _keep(b"a photo", now)
    there = _numbers()
    db.session.remove()
    said = any_app.test_cli_runner().invoke(args=["backup", str(tmp_path / "b1")])
    assert "everything up to" in said.output, said.output
    world.add("late", "迟到者", "outlet_a", now + timedelta(hours=1))

    result, found = restore(tmp_path / "b1", lambda: (_numbers(), storage.read(photo)))
    assert result.exit_code == 0, result.output
    assert "until now, is lost" in result.output
    assert "all is whole" in result.output
    assert found == (there, b"a photo")
    assert (tmp_path / "b1").stat().st_mode & 0o077 == 0


def test_a_backup_taken_while_people_write_is_whole(any_app: Flask, tmp_path: Path, restore: Restore) -> None:
    now = clock.now()
    world = World.create(now)
    db.session.remove()
    is_over = threading.Event()

    def write() -> None:
        with any_app.app_context():
            for index in range(200):
                if is_over.is_set():
                    break
                _keep(b"photo %d" % index, now)
                accounts.grant_role(world.learner, role=f"trainer-{index}", unit_id=None, now=now, actor_id=world.hr)
            db.session.remove()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        done = backup.make(any_app.extensions["settings"], tmp_path / "b2", now=now)
    finally:
        is_over.set()
        writer.join()
    assert done.files > 0
    result, _found = restore(tmp_path / "b2")
    assert result.exit_code == 0, result.output
    assert "all is whole" in result.output


def test_a_damaged_backup_and_a_full_installation_are_refused_with_one_line(
    app: Flask, tmp_path: Path, world: World, now: datetime
) -> None:
    settings: Settings = app.extensions["settings"]
    photo = _keep(b"a photo", now)
    db.session.remove()
    backup.make(settings, tmp_path / "b3", now=now)
    with pytest.raises(backup.BackupError, match="exists; name a new folder"):
        backup.make(settings, tmp_path / "b3", now=now)
    with pytest.raises(backup.BackupError, match="exists; move it away"):
        backup.restore(settings, tmp_path / "b3")
    empty = replace(settings, data_dir=tmp_path, database_url=f"sqlite:///{tmp_path / 'app.db'}")
    (blob,) = (tmp_path / "b3" / "blobs").rglob(photo)
    blob.write_bytes(b"another photo")
    with pytest.raises(backup.BackupError, match=f"1 files are damaged, such as {photo}"):
        backup.restore(empty, tmp_path / "b3")
    with (tmp_path / "b3" / "app.db").open("ab") as file:
        file.write(b"!")
    with pytest.raises(backup.BackupError, match=r"app\.db is damaged"):
        backup.restore(empty, tmp_path / "b3")
    with pytest.raises(backup.BackupError, match="no whole backup"):
        backup.restore(empty, tmp_path / "nothing")
    (tmp_path / "file").write_text("")
    with pytest.raises(backup.BackupError, match="cannot be written"):
        backup.make(settings, tmp_path / "file" / "b4", now=now)


def test_nothing_is_restored_under_a_product_that_runs(app: Flask, tmp_path: Path, world: World, now: datetime) -> None:
    settings: Settings = app.extensions["settings"]
    db.session.remove()
    backup.make(settings, tmp_path / "b5", now=now)
    with start.only_start(settings.data_dir):
        result = app.test_cli_runner().invoke(args=["restore", str(tmp_path / "b5")])
    assert result.exit_code == 1
    assert "is in use by another start" in result.output
