"""Levels that were awarded before this product knew their holders: brought in set by set, marked as such.

Nothing here was examined, so that no certificate is made of it: the paper of that time stays what it is. A renewal
counts on from the original end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.calendar.rules import add_months, day_start
from training_app.certifications.level_rules import LevelEventKind
from training_app.certifications.models import LevelEvent
from training_app.certifications.queries import LevelVersion


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """A level from earlier records: held since a day, through another; `source` names the import."""

    person_id: int
    since: date
    until: date
    zone: str
    permit_id: int
    source: str


def award_facts(one: Earlier, version: LevelVersion) -> dict[str, Any]:
    """Return the facts of the event by which an earlier level is known here."""
    end_on, months = one.until + timedelta(days=1), version.rules.valid_months
    return {
        "rank": version.rules.rank, "valid_until": day_start(end_on, one.zone).isoformat(),
        "base_on": add_months(end_on, -months).isoformat(), "months": months, "zone": one.zone, "evidence": [],
        "trainers": [], "examiners": [], "permit": one.permit_id, "earlier": one.source,
    }  # fmt: skip


def event_row(
    one: Earlier, version: LevelVersion, kind: LevelEventKind, facts: dict[str, Any], *, at: datetime,
    recorded_at: datetime, seq: int, actor_id: int | None,
) -> dict[str, Any]:  # fmt: skip
    """Return the row of an event; the audit entry is the caller's."""
    place = version.rules
    return {
        "person_id": one.person_id, "scheme": place.scheme, "level": place.level, "kind": kind.value,
        "requirement_version_id": version.version_id, "facts": facts, "effective_at": at, "recorded_at": recorded_at,
        "seq": seq, "actor_id": actor_id, "payload_id": None, "payload_digest": None,
        "idem": f"level/{one.person_id}/{place.scheme}/{place.level}/{kind.value}/{seq}",
    }  # fmt: skip


def write(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write events."""
    if rows:
        session.execute(sa.insert(LevelEvent), list(rows))
