"""Writing down what time alone has made of a session that nobody ended; see `closing_queries`."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from training_app.audit import service as audit
from training_app.db import transaction
from training_app.roleplay import closing_queries
from training_app.roleplay.models import Performance, PerformanceState


def settle(session: Session, performance: Performance, now: datetime) -> bool:
    """Write into a locked session what time alone has made of it; return whether there was anything to write."""
    stands = closing_queries.standings(session, [performance], now).get(performance.id)
    if performance.state not in closing_queries.OPEN or stands is None or stands.closed_at is None:
        return False
    is_held = performance.started_at is not None
    performance.state = PerformanceState.ENDED if is_held else PerformanceState.CANCELLED
    performance.ended_at = stands.closed_at
    session.flush()
    audit.record(
        "roleplay.closed" if is_held else "roleplay.not_held", f"performance:{performance.id}", now=now,
        effective_at=stands.closed_at,
    )  # fmt: skip
    return True


def close_one(performance_id: int, *, now: datetime) -> bool:
    """Close a session whose time has come, in a transaction of its own; return whether there was anything to close."""
    with transaction() as session:
        performance: Performance | None = session.get(
            Performance, performance_id, with_for_update=True, populate_existing=True
        )
        return performance is not None and settle(session, performance, now)
