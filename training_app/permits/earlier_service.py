"""Permits that were issued before this product knew their holders: brought in set by set, marked as such.

A permit gets a number and a door code of ours, since both have to be checked and not guessed; the number printed before
is kept as words on its first event. Its dates are the original ones: points years count from the first issue. Points
begin at zero. A permit without an event is nobody's: `prepare` may write it ahead.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.calendar.rules import day_start
from training_app.permits.models import Permit, PermitEvent
from training_app.permits.number_rules import DIGITS, iso, permit_number
from training_app.permits.permit_rules import PermitEventKind
from training_app.permits.policy_queries import get_policy

PORTION = 500


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """A permit from earlier records: first issued on a day, valid through another; `source` names the import."""

    person_id: int
    permit_id: int
    number: str
    zone: str
    since: date
    until: date
    source: str


def prepare(session: Session, permits: Sequence[tuple[int, str, date]], *, now: datetime) -> list[tuple[int, str]]:
    """Write permits (person, zone, first issued on) without any event; return their ids and numbers in order."""
    numbers = _free_numbers(session, len(permits))
    rows = [
        {"person_id": person_id, "number": number, "door_code": secrets.token_urlsafe(32), "zone": zone,
         "anchor_on": since, "created_at": now}
        for (person_id, zone, since), number in zip(permits, numbers, strict=True)
    ]  # fmt: skip
    new = sa.insert(Permit).returning(Permit.id, sort_by_parameter_order=True)
    return list(zip(session.scalars(new, rows), numbers, strict=True))


def _free_numbers(session: Session, count: int) -> list[str]:
    """Return numbers that nobody has: drawn, not counted."""
    found: list[str] = []
    taken: set[str] = set()
    while len(found) < count:
        wanted = {permit_number(f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}") for _ in range(count - len(found))}
        taken |= set(session.scalars(sa.select(Permit.number).where(Permit.number.in_(sorted(wanted)))))
        found += sorted(wanted - taken - set(found), key=lambda _one: secrets.randbelow(2**30))
    return found[:count]


def grant_facts(session: Session, one: Earlier, policy_key: str, now: datetime) -> dict[str, Any]:
    """Return the facts of the event by which an earlier permit is known here."""
    follows = get_policy(session, policy_key, now, one.zone)
    return {
        "number": one.number, "valid_until": iso(day_start(one.until + timedelta(days=1), one.zone)),
        "policy": follows.key, "policy_version": follows.version_id, "zone": one.zone, "earlier": one.source,
    }  # fmt: skip


def event_row(
    one: Earlier, kind: PermitEventKind, facts: dict[str, Any], *, at: datetime, recorded_at: datetime, seq: int,
    actor_id: int | None, payload: tuple[int, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return the row of an event; the audit entry is the caller's."""
    return {
        "person_id": one.person_id, "permit_id": one.permit_id, "kind": kind.value, "facts": facts, "effective_at": at,
        "recorded_at": recorded_at, "seq": seq, "actor_id": actor_id,
        "idem": f"permit-{one.permit_id}/{kind.value}/{seq}", "payload_id": payload[0] if payload else None,
        "payload_digest": payload[1] if payload else None,
    }  # fmt: skip


def write(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write events."""
    if rows:
        session.execute(sa.insert(PermitEvent), list(rows))


def holders(session: Session, person_ids: Collection[int]) -> set[int]:
    """Return those who have a permit, or had one that still counts as issued."""
    wanted = sorted(person_ids)
    found: dict[int, bool] = {}
    voided: set[str] = set()
    events: list[Any] = []
    for start in range(0, len(wanted), PORTION):
        events += session.execute(
            sa.select(PermitEvent.person_id, PermitEvent.kind, PermitEvent.idem, PermitEvent.facts).where(
                PermitEvent.person_id.in_(wanted[start : start + PORTION]),
                PermitEvent.kind.in_((PermitEventKind.GRANTED.value, PermitEventKind.ANNULLED.value)),
            )
        ).all()
    for event in events:
        if event.kind == PermitEventKind.ANNULLED.value:
            voided |= set(event.facts.get("refs", ()))
    for event in events:
        if event.kind == PermitEventKind.GRANTED.value and event.idem not in voided:
            found[event.person_id] = True
    return set(found)
