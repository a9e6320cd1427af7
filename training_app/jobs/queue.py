"""The huey queue: its own SQLite file by default, Redis by setting. It carries job ids only, signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from huey import Huey, RedisHuey, SqliteHuey
from huey.serializer import SignedSerializer


def make_queue(data_dir: Path, redis_url: str | None, secret_key: str) -> Huey:
    """Return the queue; its messages are signed, so that nobody who can write the file can make the worker run code."""
    serializer = SignedSerializer(secret=secret_key, salt="jobs")
    if redis_url:
        return RedisHuey("training", url=redis_url, serializer=serializer)
    return SqliteHuey("training", filename=str(data_dir / "jobs.db"), fsync=False, serializer=serializer)


def add_runner(queue: Huey, run: Callable[[int], None]) -> Callable[[int], object]:
    """Register the one task of the queue and return the function that sends a job id to it."""
    task = queue.task(retries=2, retry_delay=5, name="run_job")(run)
    send: Callable[[int], object] = task
    return send


def run_worker(queue: Huey) -> None:
    """Run the queue's consumer until SIGTERM: one child process, kept warm, that finishes what it runs."""
    consumer = queue.create_consumer(workers=1, worker_type="process", periodic=False, initial_delay=0.1, max_delay=1.0)
    consumer.run()
