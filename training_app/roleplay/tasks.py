"""What has to happen around role-plays when a time has come."""

from __future__ import annotations

from datetime import datetime

from training_app.db import db
from training_app.roleplay import closing_queries, closing_service
from training_app.sweeping import in_turn, sweeps


@sweeps("roleplay.sessions")
def close_sessions(now: datetime) -> int:
    """Close sessions that nobody ended; return how many."""
    due = closing_queries.due_ids(db.session(), now)
    db.session.rollback()
    return in_turn(due, lambda one: closing_service.close_one(one, now=now))
