"""What has to happen around role-plays when a time has come."""

from __future__ import annotations

from datetime import datetime

from training_app.roleplay import closing_service
from training_app.sweeping import sweeps


@sweeps("roleplay.sessions")
def close_sessions(now: datetime) -> int:
    """Close sessions that nobody ended."""
    return closing_service.close_due(now=now)
