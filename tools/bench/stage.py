"""A product of its own for the bench: an empty folder, migrated, loaded, with people whose histories are true."""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

from flask import Flask, g, session
from flask_migrate import upgrade
from flask_wtf.csrf import generate_csrf
from sqlalchemy.engine import make_url

from tools.bench.load import Request
from training_app import chain, clock
from training_app.accounts import queries as people
from training_app.accounts import service as accounts
from training_app.accounts import sign_in
from training_app.accounts.locks import lock_person
from training_app.accounts.models import SignInSession
from training_app.accounts.rules import UnitType
from training_app.app import create_app
from training_app.content import service as content
from training_app.db import db, transaction
from training_app.exams import paper_queries, saving
from training_app.exams import service as exams
from training_app.items import queries as items
from training_app.items.rules import Item
from training_app.permits import service as permits
from training_app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
PASSWORD = "a quiet harbour at dawn"  # noqa: S105  # of people who live for one run
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Browser:
    """A signed-in browser: its cookie and the token its forms carry."""

    cookie: str
    csrf: str


@dataclass(frozen=True)
class Sitter:
    """A learner with an open paper, every question answered once."""

    person_id: int
    public_id: str
    epoch: int
    browser: Browser
    answers: Mapping[str, object]


@dataclass
class Stage:
    """The folder, the application on it, and who plays."""

    folder: Path
    environ: dict[str, str]
    app: Flask
    port: int
    now: datetime
    units: dict[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> str:
        """Where the yardsticks keep their rows."""
        return self.environ["BENCH_ROWS"]


@contextmanager
def stage(folder: Path, *, database_url: str | None, prepared: Path | None) -> Iterator[Stage]:
    """Make a product in a new folder below `folder`, and leave nothing behind.

    `prepared`: a migrated and loaded SQLite file to begin with. The folder has to lie on a real disk: what a commit
    costs is half of what is measured.
    """
    folder.mkdir(parents=True, exist_ok=True)
    here = Path(tempfile.mkdtemp(dir=folder))
    try:
        with _own_database(database_url) as own_url:
            yield _make(here, own_url, prepared)
            db.session.remove()
            db.engine.dispose()
    finally:
        shutil.rmtree(here)
        if not any(folder.iterdir()):
            folder.rmdir()


def _make(here: Path, database_url: str | None, prepared: Path | None) -> Stage:
    port = free_port()
    environ = {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "APP_ENV": "production",
        "DATA_DIR": str(here),
        "PORT": str(port),
        "DEMO": "0",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "BENCH_ROWS": database_url or str(here / "rows.db"),
    }
    if database_url:
        environ["DATABASE_URL"] = database_url
    if prepared:
        shutil.copyfile(prepared, here / "app.db")
    app = create_app(Settings.from_env(environ))
    app.app_context().push()
    now = clock.now()
    if not prepared:
        upgrade(directory=str(ROOT / "migrations"))
        report = content.import_files(ROOT, now=now)
        if report.problems:
            raise SystemExit(f"the content has problems: {report.problems}")
    made = Stage(here, environ, app, port, now)
    for key, type_, parent in (
        ("hq", UnitType.HEADQUARTERS, None),
        ("region", UnitType.REGIONAL_CENTRE, "hq"),
        ("centre", UnitType.STAR_CENTRE, "region"),
        ("outlet", UnitType.OUTLET, "centre"),
    ):
        made.units[key] = accounts.create_unit(
            number=f"B-{key.upper()}", name=f"{key}", type=type_, parent_id=made.units.get(parent or ""),
            now=now - timedelta(days=300), actor_id=None,
        )  # fmt: skip
    return made


@contextmanager
def _own_database(server: str | None) -> Iterator[str | None]:
    """Make a database of our own on a PostgreSQL server, and drop it again."""
    if not server:
        yield None
        return
    import psycopg

    name = f"training_bench_{os.getpid()}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def free_port() -> int:
    """Return a port of the loopback address that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def hire(made: Stage, unit: str, roles: tuple[str, ...] = ("learner",), *, days: int = 60) -> int:
    """Create a person who began so many days ago."""
    return accounts.create_person(
        number=f"B-{secrets.randbelow(10**9):09d}", name="王小明", unit_id=made.units[unit], employer="某服务公司",
        now=made.now - timedelta(days=days), actor_id=None, roles=roles,
    )  # fmt: skip


def holder(made: Stage) -> int:
    """Create a person with a permit of two months ago."""
    person_id = hire(made, "outlet")
    at = made.now - timedelta(days=60)
    with transaction():
        permits.issue_permit(lock_person(person_id, now=at), now=at, actor_id=None)
    return person_id


def crew(made: Stage) -> chain.Crew:
    """Create who trains, examines and certifies."""
    trainer, examiner, certifier = (
        hire(made, "hq", (role,), days=200) for role in ("trainer", "examiner", "certifier")
    )
    return chain.Crew(trainer=trainer, examiner=examiner, certifier=certifier, unit_id=made.units["centre"])


def browser(made: Stage, person_id: int | None = None, **more: object) -> Browser:
    """Return a browser, signed in as somebody; `more` stands in its session, too."""
    values: dict[str, object] = dict(more)
    if person_id is not None:
        token = secrets.token_urlsafe(32)
        digest = hashlib.sha256(token.encode()).hexdigest()
        with transaction() as writing:
            writing.add(
                SignInSession(token_hash=digest, person_id=person_id, created_at=made.now, last_seen_at=made.now)
            )
        values |= {"_user_id": token, "_fresh": True}
    with made.app.test_request_context("/"):
        g.pop("csrf_token", None)
        session.update(values)
        csrf = generate_csrf()
        signer = made.app.session_interface.get_signing_serializer(made.app)  # type: ignore[attr-defined]
        cookie = f"{made.app.config['SESSION_COOKIE_NAME']}={signer.dumps(dict(session))}"
    return Browser(cookie, csrf)


def sitter(made: Stage) -> Sitter:
    """Create a learner who sits the exam with every question answered."""
    person_id, now = hire(made, "outlet"), clock.now()
    exams.admit_person(
        person_id, chain.EXAM, attempts=1, reason="bench", idem=f"bench/{person_id}", now=now, actor_id=None
    )
    started = exams.start_attempt(person_id, chain.EXAM, now=now)
    paper = paper_queries.get_paper(db.session(), started.public_id, person_id, now)
    bank = _items(started.attempt_id)
    answers = {item.key: chain.right_answer(item) for item in bank}
    db.session.rollback()
    saves = [saving.Save(item_key=key, answer=answer, sequence=1) for key, answer in answers.items()]
    saving.autosave(started.public_id, person_id, epoch=paper.epoch, saves=saves, now=clock.now())
    pen = [started.public_id, started.epoch]
    return Sitter(person_id, started.public_id, started.epoch, browser(made, person_id, paper=pen), answers)


def _items(attempt_id: int) -> list[Item]:
    import sqlalchemy as sa

    from training_app.exams.models import Attempt

    form_id = db.session.scalars(sa.select(Attempt.exam_form_id).where(Attempt.id == attempt_id)).one()
    return items.items_of(db.session(), items.get_form(db.session(), form_id).places)


def hand_in(one: Sitter) -> Request:
    """Return the request by which a sitter hands in, with every answer in the form, as the page sends it."""
    fields: list[tuple[str, str]] = [("csrf_token", one.browser.csrf), ("epoch", str(one.epoch)), ("seq", "2")]
    for key, answer in one.answers.items():
        if isinstance(answer, Mapping):
            fields += [(f"a:{key}:{prompt}", str(match)) for prompt, match in answer.items()]
        else:
            fields += [(f"a:{key}", option) for option in answer]  # type: ignore[attr-defined]
    return Request(
        f"/attempts/{one.public_id}/submit", one.browser.cookie, urlencode(fields),
        {"Content-Type": "application/x-www-form-urlencoded"}, expects=302,
    )  # fmt: skip


def save(one: Sitter) -> Request:
    """Return the request by which a sitter's page saves one answer; the sequence grows with every sending."""
    import json

    key, answer = next((k, a) for k, a in one.answers.items() if not isinstance(a, Mapping))
    row = {"item": key, "answer": answer, "seq": 0, "flagged": False}
    body = json.dumps({"epoch": one.epoch, "saves": [row]}).replace('"seq": 0', '"seq": @N@')
    return Request(
        f"/attempts/{one.public_id}/save", one.browser.cookie, body,
        {"Content-Type": "application/json", "X-CSRFToken": one.browser.csrf},
    )  # fmt: skip


def learner(made: Stage) -> int:
    """Create a learner under way: two lessons done."""
    person_id = hire(made, "outlet", days=9)
    chain.learn(person_id, made.now - timedelta(days=8), lessons=2)
    return person_id


def with_password(made: Stage) -> str:
    """Create somebody who has a password, hashed as the product hashes; return the number."""
    person_id = hire(made, "outlet")
    sign_in.set_password(person_id, PASSWORD, now=clock.now())
    card = people.get_card(db.session(), person_id, accounts.today(made.now))
    db.session.rollback()
    return card.number
