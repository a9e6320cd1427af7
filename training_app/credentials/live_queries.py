"""Reading the live code that a person shows now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.credentials import live_rules
from training_app.credentials.models import LiveCode


@dataclass(frozen=True, kw_only=True)
class Live:
    """A code that counts: `code` stands in the QR, `digits` are read out, `seconds_left` until the next is shown."""

    code: str
    digits: str
    renew_at: datetime
    until_at: datetime
    seconds_left: int


def find_live(session: Session, person_id: int, now: datetime) -> Live | None:
    """Return the newest code of a person that still counts, None where there is none."""
    row = session.scalar(
        sa.select(LiveCode)
        .where(LiveCode.person_id == person_id, LiveCode.until_at > now)
        .order_by(LiveCode.until_at.desc())
        .limit(1)
    )
    if row is None:
        return None
    renew_at = live_rules.renew_at(row.until_at)
    return Live(
        code=row.code, digits=live_rules.grouped(row.digits), renew_at=renew_at, until_at=row.until_at,
        seconds_left=max(0, int((renew_at - now).total_seconds())),
    )  # fmt: skip
