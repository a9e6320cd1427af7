"""What happens in permits/ when a time has come: decisions become final."""

from __future__ import annotations

from datetime import datetime

import structlog

from training_app.db import db
from training_app.errors import DomainError
from training_app.permits import case_service, desk_queries
from training_app.sweeping import sweeps

PORTION = 100
log = structlog.get_logger()


@sweeps("decisions past their time to appeal")
def lapse_due(now: datetime) -> int:
    """Make final what nobody contested in time, one case per transaction; return how many were."""
    due = desk_queries.lapsing(db.session(), now, limit=PORTION)
    db.session.rollback()
    return sum(_lapse(case_id, now) for case_id in due)


def _lapse(case_id: int, now: datetime) -> bool:
    try:
        case_service.lapse(case_id, now=now)
    except DomainError as error:
        # Appealed or taken back meanwhile, or the calendar moved the deadline on: the next round looks again.
        log.debug("case not lapsed", case=case_id, reason=error.code)
        return False
    return True
