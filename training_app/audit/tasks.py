"""Once a day the heads of all chains are bound together by an anchor."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa

from training_app.audit import service
from training_app.audit.models import AuditAnchor, AuditHead
from training_app.db import db
from training_app.sweeping import sweeps

EVERY = timedelta(hours=24)


@sweeps("audit.anchor")
def anchor_daily(now: datetime) -> int:
    """Write an anchor if the last one is a day old and there is something to bind; return how many were written."""
    session = db.session()
    last = session.scalar(sa.select(sa.func.max(AuditAnchor.recorded_at)))
    has_heads = session.scalar(sa.select(AuditHead.stream).limit(1)) is not None
    session.rollback()
    if not has_heads or (last is not None and now - last < EVERY):
        return 0
    service.anchor(now=now)
    return 1
