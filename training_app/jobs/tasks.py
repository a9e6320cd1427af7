"""Jobs that were left behind, because worker or queue were lost in the middle of them, are sent again once."""

from __future__ import annotations

from datetime import datetime

from training_app.jobs import service
from training_app.sweeping import sweeps


@sweeps("jobs")
def send_left_behind(now: datetime) -> int:
    """Send again what should long be done; give up what was sent again before."""
    return service.send_left_behind(now=now)
