"""The huey queue and its worker. The queue is its own SQLite file by default, Redis by setting; its messages are
signed, and carry job ids only.

The worker hands each job to a warm child: a process that has loaded what jobs need, lives under a memory limit and
gets so many seconds per job. A child that exceeds them is killed, the job is given up with the reason, and the next job
finds a new child; neither can take the worker or its machine with it.
"""

from __future__ import annotations

import ctypes
import logging
import os
import resource
import select
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import redis
import structlog
from flask import Flask, current_app
from huey import Huey, RedisHuey, SqliteHuey
from huey.serializer import SignedSerializer

from training_app.db import db
from training_app.jobs import service
from training_app.outbox.service import OutOfReach

MEMORY_BYTES = 1536 * 1024 * 1024  # of address space: printing takes 0.4 GiB of it, large imports more
JOB_SECONDS = 120.0
# A server that does not answer must not hold up the sweeper; the worker itself waits a second for each job.
REDIS_TIMEOUTS = {"socket_connect_timeout": 2.0, "socket_timeout": 5.0}
AWAY_LINE_S = 60.0
_PR_SET_PDEATHSIG = 1
_DONE, _FAILED = b"d", b"f"
log = structlog.get_logger()


class JobFailed(RuntimeError):
    """The child could not run the job to its end (a database that was away, say): the queue tries it again."""


class WarmChild:
    """A process that runs one job after the other under limits; it is forked when the first job comes.

    `run` is called in the child with the id of a job. The child ends when its parent does.
    """

    def __init__(
        self, run: Callable[[int], None], *, seconds: float = JOB_SECONDS, memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self._run, self._seconds, self._memory = run, seconds, memory_bytes
        self._pid = 0
        self._line: socket.socket | None = None

    @property
    def pid(self) -> int:
        """The child's process id, 0 while there is none."""
        return self._pid

    def do(self, job_id: int) -> str | None:
        """Run one job; return None once it is done, or in words why the child was lost. Raises JobFailed."""
        if self._line is None:
            self._start()
        assert self._line is not None
        answer = b""
        with suppress(BrokenPipeError, ConnectionResetError):
            self._line.sendall(b"%d\n" % job_id)
            readable = select.select([self._line], [], [], self._seconds)[0]
            if not readable:
                self.end()
                return f"stopped after {self._seconds:g} seconds"
            answer = self._line.recv(1)
        if answer == _DONE:
            return None
        if answer == _FAILED:
            raise JobFailed(f"job {job_id} could not be run")
        self.end()
        return "the process that ran it ended, most likely at its memory limit"

    def end(self) -> None:
        """Kill the child, if there is one."""
        if self._line is not None:
            self._line.close()
            self._line = None
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._pid = 0

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                ours.close()
                _limit(self._memory, parent)
                _serve(theirs, self._run)
                code = 0
            finally:
                os._exit(code)
        theirs.close()
        self._pid, self._line = pid, ours


def _limit(memory_bytes: int, parent: int) -> None:
    """Set the limits of a child. What asks everybody to stop is the parent's to hear; the child follows its parent."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    with suppress(ValueError, OSError):  # not every system has this limit
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def _serve(line: socket.socket, run: Callable[[int], None]) -> None:
    with line.makefile("rb") as requests:
        for request in requests:
            try:
                run(int(request))
                answer = _DONE
            except MemoryError:
                return  # what is left of this process is not to be trusted
            except Exception:
                log.exception("job could not be run", job=int(request))
                answer = _FAILED
            line.sendall(answer)


def make_queue(data_dir: Path, redis_url: str | None, secret_key: str) -> Huey:
    """Return the queue; its messages are signed, so that nobody who can write the file can make the worker run code."""
    serializer = SignedSerializer(secret=secret_key, salt="jobs")
    if redis_url:
        pool = redis.ConnectionPool.from_url(redis_url, **REDIS_TIMEOUTS)
        return RedisHuey("training", connection_pool=pool, serializer=serializer)
    return SqliteHuey("training", filename=str(data_dir / "jobs.db"), fsync=False, serializer=serializer)


def add_runner(queue: Huey, run: Callable[[int], None]) -> Callable[[int], None]:
    """Register the one task of the queue and return the function that sends a job id to it.

    It raises OutOfReach while Redis is away.
    """

    def run_job(job_id: int) -> None:
        runner = getattr(queue, "warm_runner", None)
        (runner or run)(job_id)

    queue.job_runner = run
    task = queue.task(retries=2, retry_delay=5, name="run_job")(run_job)

    def send(job_id: int) -> None:
        try:
            task(job_id)
        except redis.RedisError as error:
            raise OutOfReach(f"the queue is away: {error}") from error

    return send


class OneLineAMinute(logging.Filter):
    """Say once a minute that Redis is away, instead of a traceback each second."""

    def __init__(self) -> None:
        super().__init__()
        self._last = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        """Let a record pass, shortened where it tells of Redis."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, redis.RedisError):
            return True
        now = time.monotonic()
        if now - self._last < AWAY_LINE_S:
            return False
        self._last = now
        record.msg, record.args, record.exc_info = "redis is away; asking on: %s", (error,), None
        return True


def run_worker(queue: Huey) -> None:
    """Run the queue's consumer until SIGTERM: one process that finishes what it runs, with its warm child."""
    quiet = OneLineAMinute()
    for name in ("huey", "huey.consumer", "huey.consumer.Scheduler", "huey.consumer.Worker"):
        logging.getLogger(name).addFilter(quiet)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]

    def run(job_id: int) -> None:
        queue.job_runner(job_id)

    child = WarmChild(_fresh_connections(app, run))

    def run_in_child(job_id: int) -> None:
        if reason := child.do(job_id):
            log.error("job lost its process", job=job_id, reason=reason)
            with app.app_context():
                service.give_up(job_id, reason)

    queue.warm_runner = run_in_child
    consumer = queue.create_consumer(
        workers=1, worker_type="process", periodic=False, initial_delay=0.1, max_delay=1.0, graceful_signal="TERM"
    )
    consumer.run()


def _fresh_connections(app: Flask, run: Callable[[int], None]) -> Callable[[int], None]:
    """Let the first job of a process leave the connections it was forked with alone: they are its parent's."""
    owners: set[int] = set()

    def run_job(job_id: int) -> None:
        if os.getpid() not in owners:
            owners.add(os.getpid())
            with app.app_context():
                db.engine.dispose(close=False)
        run(job_id)

    return run_job
