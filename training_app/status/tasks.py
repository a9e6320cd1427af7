"""What has to be folded again, and who is reminded, because a date has come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.erasing import erases
from training_app.status import reminding, service
from training_app.status.models import LicenceHeld
from training_app.sweeping import sweeps


@erases("licence numbers in lists")
def forget_numbers(session: Session, person_id: int, _now: datetime) -> Iterable[str]:
    """Empty the numbers that lists show of a person's licences."""
    session.execute(sa.update(LicenceHeld).where(LicenceHeld.person_id == person_id).values(number=None))
    return ()


@sweeps("status")
def refresh(now: datetime) -> int:
    """Fold whose next change has come, and place who begins or ends an assignment today."""
    return service.refresh_memberships(now=now) + service.refresh_due(now=now)


@sweeps("status.reminders")
def remind(now: datetime) -> int:
    """Remind holders and their managers of permits and levels that expire; after the rows were folded."""
    return reminding.remind_due(now=now)
