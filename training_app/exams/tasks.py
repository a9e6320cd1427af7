"""What has to happen around exams when a time has come."""

from __future__ import annotations

from datetime import datetime

from training_app.exams import service, sitting_closing
from training_app.sweeping import sweeps


@sweeps("exams.overdue")
def close_overdue(now: datetime) -> int:
    """End attempts whose time is over."""
    return service.close_overdue(now=now)


@sweeps("exams.sittings")
def end_sittings(now: datetime) -> int:
    """End sittings that nobody ended."""
    return sitting_closing.end_due(now=now)
