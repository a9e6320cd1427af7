"""Redis that is set and does not answer: pages answer, limits are counted, jobs wait for its return."""

from __future__ import annotations

import logging
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import redis
import sqlalchemy as sa
from flask import Flask

from tests.credentials_factories import certified
from tests.factories import World
from training_app import clock
from training_app.app import create_app, settings_of
from training_app.credentials import counting, queries
from training_app.credentials.limits import limiter
from training_app.credentials.rules import FileState
from training_app.db import db, transaction
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.jobs.queue import OneLineAMinute
from training_app.jobs.rules import JobState
from training_app.outbox import service as outbox
from training_app.outbox.models import OutboxMessage

HTML = {"Accept": "text/html"}


@contextmanager
def _app_with(app: Flask, url: str) -> Iterator[Flask]:
    """Return the application on the same data with Redis set; put back what all applications share."""
    kept = (outbox._consumers[jobs.TOPIC], limiter._storage, limiter._limiter)
    other = create_app(replace(settings_of(app), redis_url=url))
    other.config["WTF_CSRF_ENABLED"] = False
    other.test_client_class = app.test_client_class
    try:
        with other.app_context():
            yield other
            db.session.remove()
            db.engine.dispose()
    finally:
        outbox._consumers[jobs.TOPIC], limiter._storage, limiter._limiter = kept


@pytest.fixture
def port() -> int:
    """Return a port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """A Redis of our own that comes and goes."""

    def __init__(self, port: int, folder: Path) -> None:
        self.url, self._port, self._folder = f"redis://127.0.0.1:{port}/0", port, folder
        self._process: subprocess.Popen[bytes] | None = None

    def come(self) -> None:
        program = shutil.which("redis-server")
        assert program is not None
        command = [program, "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert self._process.stdout is not None
        assert any(b"eady to accept connections" in line for line in self._process.stdout)

    def go(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def keys(self) -> int:
        with redis.Redis.from_url(self.url) as client:
            return int(client.dbsize())


@pytest.fixture
def server(port: int, tmp_path: Path) -> Iterator[Server]:
    server = Server(port, tmp_path)
    yield server
    server.go()


def _job(job_id: int) -> Job:
    db.session.rollback()
    return db.session.get_one(Job, job_id)


def _waiting() -> list[OutboxMessage]:
    db.session.rollback()
    waiting = sa.select(OutboxMessage).where(OutboxMessage.topic == jobs.TOPIC, OutboxMessage.dispatched_at.is_(None))
    return list(db.session.scalars(waiting))


def test_the_door_answers_and_is_limited_although_nobody_listens(app: Flask, world: World, port: int) -> None:
    certified(world.learner, clock.now())
    db.session.remove()
    with _app_with(app, f"redis://127.0.0.1:{port}/0") as other:
        limiter.reset()
        client = other.test_client()
        answers = [client.get("/check?number=Z20261234567").status_code for _ in range(12)]
        assert answers == [200] * 10 + [429] * 2
        assert client.get("/d/never", headers=HTML).status_code == 200
        assert client.get("/sign-in").status_code == 200
        world.sign_in(client, "learner")
        for path in ("/", "/my/permit", "/my/certificates"):
            assert client.get(path, follow_redirects=True).status_code in (200, 404), path


def test_jobs_wait_while_nobody_listens_and_hold_up_nothing_else(app: Flask, world: World, port: int) -> None:
    now = clock.now()
    certified(world.learner, now)
    certified(world.learner2, now)
    told: list[datetime] = []

    @outbox.consumer("test.word")
    def tell(_body: object, at: datetime) -> None:
        told.append(at)

    try:
        with _app_with(app, f"redis://127.0.0.1:{port}/0"):
            with transaction():
                outbox.send("test.word", "test/1", {}, now=now)
            at = now
            for _days in range(4):
                outbox.dispatch_due(now=at)
                at += timedelta(days=1)
            assert told == [now]
            first, second = _waiting()
            # One of them asked each time; nothing is given up, and no try is counted.
            assert (first.attempts, first.dead_at, second.attempts, second.dead_at) == (0, None, 0, None)
            assert any("the queue is away" in (one.last_error or "") for one in (first, second))
            assert jobs.send_left_behind(now=at) == 0  # they wait already: no second message is written
            assert len(_waiting()) == 2
    finally:
        del outbox._consumers["test.word"]


@pytest.mark.redis
def test_a_redis_that_goes_and_comes_back_gets_the_jobs_sent_meanwhile(
    app: Flask, world: World, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "AWAY_S", 0.0)
    now = clock.now()
    server.come()
    with _app_with(app, server.url) as other:
        limiter.reset()
        client, queue = other.test_client(), other.extensions["queue"]
        assert client.get("/check?number=Z20261234567").status_code == 200
        assert server.keys() >= 1  # counted there
        issued = certified(world.learner, now)
        outbox.dispatch_due(now=now)
        assert (queue.pending_count(), _waiting()) == (1, [])

        server.go()
        assert [client.get("/check?number=Z20261234567").status_code for _ in range(11)] == [200] * 10 + [429]
        later = certified(world.learner2, now)
        outbox.dispatch_due(now=now)
        assert len(_waiting()) == 1
        world.sign_in(client, "learner2")
        assert client.get("/").status_code == 200

        server.come()  # it kept nothing: what had been sent before is lost with it
        assert client.get("/check?number=Z20261234567").status_code == 200
        outbox.dispatch_due(now=now + timedelta(seconds=outbox.AWAY_S))
        assert (queue.pending_count(), _waiting()) == (1, [])
        jobs.send_left_behind(now=now + timedelta(minutes=16))
        outbox.dispatch_due(now=now + timedelta(minutes=16))
        assert queue.pending_count() >= 2
        while (task := queue.dequeue()) is not None:
            queue.execute(task)
        for one in (issued, later):
            assert _job(one.job_id).state is JobState.DONE
        [row] = queries.certificates_of(db.session(), world.learner, now)
        assert row.file is FileState.READY


@pytest.mark.redis
def test_a_worker_outlives_its_redis(app: Flask, world: World, server: Server) -> None:
    now = clock.now()
    server.come()
    with _app_with(app, server.url) as other:
        queue = other.extensions["queue"]
        consumer = queue.create_consumer(workers=1, periodic=False, initial_delay=0.01, max_delay=0.05, backoff=1.0)
        consumer.start()
        try:
            server.go()
            server.come()
            issued = certified(world.learner, now)
            outbox.dispatch_due(now=now)
            outbox.dispatch_due(now=now + timedelta(seconds=outbox.AWAY_S))
            done = threading.Event()
            for _ in range(600):
                if _job(issued.job_id).state is JobState.DONE:
                    done.set()
                    break
                done.wait(0.1)
            assert done.is_set()
        finally:
            consumer.stop(graceful=True)


def test_a_worker_without_redis_says_so_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    consumer = logging.getLogger("huey.consumer.test")
    consumer.addFilter(OneLineAMinute())
    for error in (redis.ConnectionError("refused"), redis.TimeoutError("slow"), ValueError("another fault")):
        try:
            raise error
        except Exception:
            consumer.exception("Error reading from queue")
    said = [(one.getMessage(), one.exc_info is None) for one in caplog.records if one.name == consumer.name]
    assert said == [
        ("redis is away; asking on: refused", True),
        ("Error reading from queue", False),
    ]


def test_two_processes_share_one_limit_and_it_ends_with_its_window(tmp_path: Path) -> None:
    clock.use_offset_file(None)  # as in the other process
    path = str(tmp_path / "limits.db")
    code = (
        "import sys; from training_app.credentials.counting import SharedCounts; "
        "print([SharedCounts(path=sys.argv[1]).incr('a', 60) for _ in range(3)])"
    )
    mine = counting.SharedCounts(path=path)
    assert mine.incr("a", 60) == 1
    said = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[2, 3, 4]"
    assert (mine.incr("a", 60), mine.get("a"), mine.get("b")) == (5, 5, 0)
    assert Path(path).stat().st_mode & 0o077 == 0


def test_a_window_ends_and_what_has_ended_is_forgotten(app: Flask, tmp_path: Path) -> None:
    now = clock.now()
    counts = counting.SharedCounts(path=str(tmp_path / "limits.db"))
    assert [counts.incr("a", 60) for _ in range(3)] == [1, 2, 3]
    assert counts.get_expiry("a") == pytest.approx((now + timedelta(seconds=60)).timestamp(), abs=5)
    clock.move_to(now + timedelta(seconds=90))
    assert (counts.get("a"), counts.incr("b", 60)) == (0, 1)
    assert counts._file._connection().execute("SELECT key FROM hit").fetchall() == [("b",)]
    assert counts.incr("a", 60) == 1
    counts.clear("a")
    assert (counts.get("a"), counts.get("b")) == (0, 1)


def test_where_even_the_file_cannot_be_written_the_page_answers(app: Flask, world: World, tmp_path: Path) -> None:
    db.session.remove()
    kept = limiter._storage, limiter._limiter, limiter._storage_dead
    with _app_with(app, "redis://127.0.0.1:1/0") as other:
        limiter._storage._file = counting.CountingFile(tmp_path / "missing" / "limits.db")  # type: ignore[union-attr]
        assert other.test_client().get("/check?number=Z20261234567").status_code == 200
    limiter._storage, limiter._limiter, limiter._storage_dead = kept
