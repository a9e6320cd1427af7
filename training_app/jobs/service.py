"""Long work: queued with the change that asks for it, run by the worker, seen with its progress."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
import structlog

from training_app import clock
from training_app.db import db, transaction, writing_session
from training_app.jobs.models import Job
from training_app.jobs.rules import JobState
from training_app.outbox import service as outbox

log = structlog.get_logger()
TOPIC = "job.run"
LEFT_BEHIND = timedelta(minutes=15)
SENT_AGAIN = "left behind and sent again"


class MoreToDo(Exception):
    """A job has done a part and goes on in its next turn: other jobs come in between. It keeps how far it is."""


class Progress:
    """Handed to a running job: `step(done, total)` writes how far it is, in its own short transaction."""

    def __init__(self, job_id: int) -> None:
        self._job_id = job_id

    def step(self, done: int, total: int) -> None:
        """Record progress; 0 <= done <= total."""
        with transaction() as session:
            session.execute(sa.update(Job).where(Job.id == self._job_id).values(done=done, total=total))


Work = Callable[[Mapping[str, object], Progress], None]
_works: dict[str, Work] = {}


def work(kind: str) -> Callable[[Work], Work]:
    """Register what a kind of job does; it may be run again after a kill, so it has to be repeatable."""

    def register(function: Work) -> Work:
        _works[kind] = function
        return function

    return register


def enqueue(kind: str, key: str, body: Mapping[str, object], *, now: datetime, actor_id: int | None) -> int:
    """Queue a job in the running transaction; the same key finds the one that is there. Return its id."""
    session = writing_session()
    job: Job | None = session.scalar(sa.select(Job).where(Job.key == key))
    if job is None:
        job = Job(kind=kind, key=key, state=JobState.QUEUED, body=dict(body), created_by=actor_id, created_at=now)
        session.add(job)
        session.flush()
    elif job.state is JobState.FAILED:
        job.state, job.error, job.finished_at = JobState.QUEUED, None, None
    else:
        return job.id
    outbox.send(TOPIC, f"job/{job.id}/{now.isoformat()}", {"job": job.id}, now=now)
    return job.id


def run(job_id: int) -> None:
    """Run one job now; the worker calls it. A fault is kept on the job for people to see."""
    with transaction() as session:
        claimed = session.execute(
            sa.update(Job)
            .where(Job.id == job_id, Job.state.in_([JobState.QUEUED, JobState.RUNNING]))
            .values(state=JobState.RUNNING, started_at=clock.now())
        )
        if claimed.rowcount != 1:  # type: ignore[attr-defined]
            return
        job = session.get_one(Job, job_id)
        kind, body = job.kind, dict(job.body)
    try:
        _works[kind](body, Progress(job_id))
    except MoreToDo:
        db.session.rollback()
        _queue_again(job_id)
        return
    except Exception as error:
        db.session.rollback()
        log.exception("job failed", kind=kind, job=job_id)
        _finish(job_id, JobState.FAILED, repr(error)[:2000])
        return
    _finish(job_id, JobState.DONE, None)


def send_left_behind(*, now: datetime, limit: int = 50) -> int:
    """Send jobs again that nobody finished within LEFT_BEHIND; a second time they are given up. Return how many.

    While the queue itself is away they wait in the outbox already.
    """
    if outbox.is_stuck(db.session(), TOPIC):
        db.session.rollback()
        return 0
    since = sa.func.coalesce(Job.started_at, Job.created_at)
    waiting = (
        sa.select(Job.id)
        .where(Job.state.in_([JobState.QUEUED, JobState.RUNNING]), since < now - LEFT_BEHIND)
        .order_by(Job.id)
        .limit(limit)
    )
    found = db.session.scalars(waiting).all()
    db.session.rollback()
    for job_id in found:
        with transaction() as session:
            job = session.get_one(Job, job_id, with_for_update=True)
            if job.state not in (JobState.QUEUED, JobState.RUNNING):
                continue
            if job.state is JobState.RUNNING and job.error == SENT_AGAIN:
                job.state, job.error, job.finished_at = JobState.FAILED, "it was sent twice and never finished", now
                continue
            job.started_at, job.error = now, SENT_AGAIN
            outbox.send(TOPIC, f"job/{job.id}/{now.isoformat()}", {"job": job.id}, now=now)
    return len(found)


def give_up(job_id: int, reason: str) -> None:
    """End a job whose process was lost, with the reason for people to see; one that is done stays done."""
    with transaction() as session:
        session.execute(
            sa.update(Job)
            .where(Job.id == job_id, Job.state == JobState.RUNNING)
            .values(state=JobState.FAILED, error=reason, finished_at=clock.now())
        )


def _queue_again(job_id: int) -> None:
    now = clock.now()
    with transaction() as session:
        queued = session.execute(
            sa.update(Job)
            .where(Job.id == job_id, Job.state == JobState.RUNNING)
            .values(state=JobState.QUEUED, started_at=now, error=None)
        )
        if queued.rowcount == 1:  # type: ignore[attr-defined]
            outbox.send(TOPIC, f"job/{job_id}/{now.isoformat()}", {"job": job_id}, now=now)


def _finish(job_id: int, state: JobState, error: str | None) -> None:
    with transaction() as session:
        session.execute(
            sa.update(Job).where(Job.id == job_id).values(state=state, error=error, finished_at=clock.now())
        )
