"""What has to happen around exams when a time has come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.service import today
from training_app.db import db
from training_app.erasing import needs_words
from training_app.exams import queries, service, sitting_end_queries, sitting_end_service
from training_app.exams.models import TimeFactor
from training_app.sweeping import in_turn, sweeps


@needs_words("time factors")
def reasons_in_force(session: Session, person_id: int, now: datetime) -> Iterable[int]:
    """Keep the reasons of the time factors that hold or are to come."""
    return session.scalars(
        sa.select(TimeFactor.payload_id).where(
            TimeFactor.person_id == person_id,
            TimeFactor.superseded_at.is_(None),
            sa.or_(TimeFactor.valid_to.is_(None), TimeFactor.valid_to > today(now)),
        )
    )


@sweeps("exams.overdue")
def close_overdue(now: datetime) -> int:
    """End attempts whose time is over by the rule of their blueprint; return how many."""
    due = queries.overdue(db.session(), now)
    db.session.rollback()
    return in_turn(due, lambda one: service.close_overdue(one, now=now))


@sweeps("exams.sittings")
def end_sittings(now: datetime) -> int:
    """End sittings that nobody ended; return how many."""
    due = sitting_end_queries.due_ids(db.session(), now)
    db.session.rollback()
    return in_turn(due, lambda one: sitting_end_service.end_one(one, now=now))
