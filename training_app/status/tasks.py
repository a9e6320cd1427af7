"""What has to be folded again because a date has come."""

from __future__ import annotations

from datetime import datetime

from training_app.status import service
from training_app.sweeping import sweeps


@sweeps("status")
def refresh(now: datetime) -> int:
    """Fold whose next change has come, and place who begins or ends an assignment today."""
    return service.refresh_memberships(now=now) + service.refresh_due(now=now)
