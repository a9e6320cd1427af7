"""Writing down that a sitting which nobody ended is over by time; see `sitting_end_queries`."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from training_app.accounts.locks import lock_people
from training_app.audit import service as audit
from training_app.db import transaction
from training_app.exams import sitting_end_queries
from training_app.exams.models import Seat, Sitting


def end_one(sitting_id: int, *, now: datetime) -> bool:
    """End a sitting whose time has come, in a transaction of its own; return whether there was anything to end."""
    with transaction() as session:
        lock_people(list(session.scalars(sa.select(Seat.person_id).where(Seat.sitting_id == sitting_id))), now=now)
        sitting: Sitting | None = session.get(Sitting, sitting_id, with_for_update=True, populate_existing=True)
        if sitting is None or sitting.ended_at is not None:
            return False
        sitting.ended_at = sitting_end_queries.ended_at(session, sitting, now)
        if sitting.ended_at is None:
            return False
        audit.record("sitting.closed", f"sitting:{sitting_id}", now=now, effective_at=sitting.ended_at)
        return True
