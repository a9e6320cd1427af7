"""The whole product is asked to stop, or killed: what runs is answered, what was committed is there at a new start."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import permits_factories as permits
from tests.factories import PASSWORD, World
from tests.races.racers import ROOT, environment
from training_app import clock
from training_app.app import settings_of
from training_app.db import db
from training_app.notices.models import Notice
from training_app.outbox.models import OutboxMessage
from training_app.permits import service as permits_service

PATIENCE_S = 120.0


class Product:
    """`python -m training_app.start` on the data of a test."""

    def __init__(self, app: Flask) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.environ = environment(app) | {"PORT": str(self.port), "DEMO": "0"}
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Start, wait for the first answer; return the seconds it took."""
        begun = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "training_app.start"], cwd=ROOT, env=self.environ, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while time.monotonic() < begun + PATIENCE_S:
            assert self.process.poll() is None, "the start was refused"
            with suppress(OSError, HTTPException):
                if self.ask("GET", "/sign-in")[0] == 200:
                    return time.monotonic() - begun
            time.sleep(0.1)
        raise AssertionError("no answer")

    def ask(self, method: str, path: str, body: str | None = None, cookie: str = "") -> tuple[int, str, str]:
        """Return status, cookie and text of one request on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            return answer.status, (answer.getheader("Set-Cookie") or "").split(";")[0], answer.read().decode()
        finally:
            connection.close()

    def sign_in(self, world: World) -> int:
        """Sign the learner in; return the status."""
        _status, cookie, page = self.ask("GET", "/sign-in")
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token is not None
        form = {"number": world.numbers["learner"], "password": PASSWORD, "csrf_token": token[1]}
        return self.ask("POST", "/sign-in", urlencode(form), cookie)[0]

    def kill(self) -> float:
        """Kill the supervisor outright; return the seconds until its parts have followed it."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.kill()
        self.process.wait()
        while time.monotonic() < begun + PATIENCE_S:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=5).close()
            except ConnectionRefusedError:
                return time.monotonic() - begun
            time.sleep(0.05)
        raise AssertionError("a part outlives its supervisor")

    def end(self) -> None:
        """Leave nothing behind."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


@contextmanager
def _writers_waiting(app: Flask) -> Iterator[None]:
    """Hold the turn to write, so that a request that writes runs for as long as the test wants."""
    path = Path(str(sa.engine.make_url(settings_of(app).database_url).database) + "-turn")
    file = os.open(path, os.O_RDWR | os.O_CREAT)
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(file)


@pytest.mark.deep
def test_a_stop_answers_what_runs_and_a_kill_loses_nothing(app: Flask, capsys: pytest.CaptureFixture[str]) -> None:
    now = clock.now()
    world = World.create(now)
    permits.issue(world.learner, now - timedelta(days=30))
    case_id = permits.report(world, now)
    db.session.remove()
    db.engine.dispose()
    product = Product(app)
    try:
        started = product.start()
        answered: list[int] = []
        with _writers_waiting(app):
            running = threading.Thread(target=lambda: answered.append(product.sign_in(world)))
            running.start()
            time.sleep(2)
            assert answered == []
            assert product.process is not None
            asked = time.monotonic()
            product.process.send_signal(signal.SIGTERM)
            time.sleep(1)
        running.join(PATIENCE_S)
        code = product.process.wait(PATIENCE_S)
        stopped = time.monotonic() - asked
        again = product.start()
        orphaned = product.kill()
        # Committed while nobody dispatches; the next start delivers it, and once.
        permits_service.cases.notify(case_id, now=clock.now(), actor_id=world.hr)
        db.session.remove()
        db.engine.dispose()
        after_kill = product.start()
        told = _wait_for_notice(world)
        assert product.process is not None
        assert product.process.poll() is None
    finally:
        product.end()
    with capsys.disabled():
        print(
            f"\nfirst page {started:.1f} s after the start; stopped {stopped:.1f} s after SIGTERM with a request "
            f"running; first page {again:.1f} s after the next start and {after_kill:.1f} s after kill -9, "
            f"{orphaned:.1f} s after which no part was left"
        )
    assert (answered, code) == ([302], 0)
    assert told == ["case_noticed"]


def _wait_for_notice(world: World) -> list[str]:
    last = time.monotonic() + PATIENCE_S
    while time.monotonic() < last:
        db.session.rollback()
        waiting = db.session.scalar(
            sa.select(sa.func.count()).select_from(OutboxMessage).where(OutboxMessage.dispatched_at.is_(None))
        )
        if not waiting:
            break
        time.sleep(0.2)
    kinds = db.session.scalars(sa.select(Notice.kind).where(Notice.person_id == world.learner)).all()
    return [kind for kind in kinds if kind.startswith("case_")]
