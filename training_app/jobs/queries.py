"""Reading jobs."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.jobs.models import Job


def find_job(session: Session, key: str) -> Job | None:
    """Return the job of a key, or None."""
    return session.scalar(sa.select(Job).where(Job.key == key))


def get_own_job(session: Session, job_id: int, person_id: int) -> Job | None:
    """Return a job that a person started, or None."""
    return session.scalar(sa.select(Job).where(Job.id == job_id, Job.created_by == person_id))
