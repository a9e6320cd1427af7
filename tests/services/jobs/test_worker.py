"""The warm child of the worker: jobs under limits of time and memory, and what becomes of those that exceed them."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.credentials_factories import certified
from tests.factories import World
from training_app import clock
from training_app.credentials import queries
from training_app.credentials.rules import FileState
from training_app.db import db, transaction
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.jobs.queue import JobFailed, WarmChild
from training_app.jobs.rules import JobState
from training_app.outbox.models import OutboxMessage

FINE, FAULTY, ENDLESS, GREEDY, DEADLY, CAREFUL = range(1, 7)


def work(job_id: int) -> None:
    """Misbehave in the way that the id names."""
    if job_id == FAULTY:
        raise OSError("the database is away")
    if job_id == ENDLESS:
        while True:
            time.sleep(1)
    if job_id == GREEDY:
        bytearray(3 * 1024**3)
    if job_id == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    if job_id == CAREFUL:
        os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture
def child() -> Iterator[WarmChild]:
    child = WarmChild(work, seconds=1.0, memory_bytes=2 * 1024**3)
    yield child
    child.end()


def test_jobs_share_one_warm_process(child: WarmChild) -> None:
    assert child.do(FINE) is None
    first = child.pid
    assert first not in (0, os.getpid())
    assert child.do(FINE) is None
    assert child.pid == first


def test_a_job_that_takes_too_long_is_killed_and_the_next_finds_a_new_process(child: WarmChild) -> None:
    child.do(FINE)
    first = child.pid
    assert child.do(ENDLESS) == "stopped after 1 seconds"
    with pytest.raises(ProcessLookupError):
        os.kill(first, 0)
    assert child.do(FINE) is None
    assert child.pid != first


@pytest.mark.parametrize("job_id", [GREEDY, DEADLY])
def test_a_job_that_takes_its_process_down_takes_nothing_else(child: WarmChild, job_id: int) -> None:
    reason = child.do(job_id)
    assert reason is not None
    assert "memory limit" in reason
    assert child.do(FINE) is None


def test_a_job_that_could_not_be_run_is_tried_again_by_the_queue(child: WarmChild) -> None:
    with pytest.raises(JobFailed):
        child.do(FAULTY)
    assert child.do(FINE) is None


def test_a_request_to_stop_does_not_end_a_running_job(child: WarmChild) -> None:
    assert child.do(CAREFUL) is None
    assert child.do(FINE) is None


def test_a_lost_job_is_given_up_with_its_reason_and_can_be_asked_for_again(app: Flask, world: World) -> None:
    now = clock.now()
    issued = certified(world.learner, now)
    with transaction() as session:
        session.execute(sa.update(Job).where(Job.id == issued.job_id).values(state=JobState.RUNNING, started_at=now))
    jobs.give_up(issued.job_id, "stopped after 120 seconds")
    [row] = queries.certificates_of(db.session(), world.learner, now)
    assert row.file is FileState.FAILED
    jobs.give_up(issued.job_id, "another reason")
    assert db.session.get_one(Job, issued.job_id).error == "stopped after 120 seconds"


def test_a_job_whose_worker_was_killed_is_sent_again_and_given_up_the_second_time(app: Flask, world: World) -> None:
    now = clock.now()
    issued = certified(world.learner, now)

    def lose(at: object) -> None:
        with transaction() as session:
            values = {"state": JobState.RUNNING, "started_at": at}
            session.execute(sa.update(Job).where(Job.id == issued.job_id).values(values))

    def sent() -> int:
        topic = sa.select(sa.func.count()).select_from(OutboxMessage).where(OutboxMessage.topic == jobs.TOPIC)
        return db.session.scalar(topic) or 0

    lose(now)
    assert jobs.send_left_behind(now=now + timedelta(minutes=15)) == 0
    later = now + timedelta(minutes=16)
    assert (jobs.send_left_behind(now=later), sent()) == (1, 2)
    assert jobs.send_left_behind(now=later) == 0
    lose(later)
    assert (jobs.send_left_behind(now=later + timedelta(minutes=16)), sent()) == (1, 2)
    assert db.session.get_one(Job, issued.job_id).state is JobState.FAILED


def test_a_job_that_was_sent_again_and_done_is_left_alone(app: Flask, world: World, tmp_path: Path) -> None:
    now = clock.now()
    issued = certified(world.learner, now)
    jobs.send_left_behind(now=now + timedelta(minutes=16))
    jobs.run(issued.job_id)
    assert jobs.send_left_behind(now=now + timedelta(hours=1)) == 0
    job = db.session.get_one(Job, issued.job_id)
    assert (job.state, job.error) == (JobState.DONE, None)
