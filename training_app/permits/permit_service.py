"""The permit itself: issue it, write what happens to it, stop it for safety and end the stop."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from training_app.accounts import queries as accounts
from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.calendar.rules import boundary_on, day_start, legal_day
from training_app.db import transaction
from training_app.outbox import service as outbox
from training_app.permits import events, stop_queries
from training_app.permits.base_rules import require_other
from training_app.permits.fold_queries import PermitRecord, find_permit
from training_app.permits.models import Permit, PermitEvent
from training_app.permits.number_rules import DIGITS, iso, permit_number, through_pair
from training_app.permits.permit_rules import (
    PERMIT_MOVES,
    PermitEventKind,
    check_permit_event,
    interim_stop_until,
)
from training_app.permits.policy_queries import PolicyInForce, get_policy
from training_app.permits.refusals import NoPermit, NoReviewer, PermitNotRunning, ReasonNeeded, StopChanged, worded


def issue_permit(lock: PersonLock, *, policy_key: str = "standard", now: datetime, actor_id: int | None) -> int:
    """Issue the permit of a person inside the caller's transaction; return its id.

    There is one permit per person for good: number, door code, zone and anchor never change. One that runs, or is
    suspended or revoked, stays as it is; a lapsed or surrendered one is granted anew.
    """
    record = find_permit(lock.session, lock.person_id, lock.present)
    if record is None:
        return _first_issue(lock, policy_key, now, actor_id)
    if record.state in PERMIT_MOVES[PermitEventKind.GRANTED]:
        follows = get_policy(lock.session, policy_key, now, record.zone)
        _grant(lock, record.permit_id, record.number, follows, now, actor_id)
    return record.permit_id


def _first_issue(lock: PersonLock, policy_key: str, now: datetime, actor_id: int | None) -> int:
    session = lock.session
    zone = accounts.zone_of(session, lock.person_id, legal_day(now, "Asia/Shanghai"))
    permit = Permit(
        person_id=lock.person_id,
        number=_free_number(lock),
        door_code=secrets.token_urlsafe(32),
        zone=zone,
        anchor_on=legal_day(now, zone),
        created_at=now,
    )
    session.add(permit)
    session.flush()
    _grant(lock, permit.id, permit.number, get_policy(session, policy_key, now, zone), now, actor_id)
    return permit.id


def _free_number(lock: PersonLock) -> str:
    """Return a number that nobody has: drawn, not counted, so that one permit does not tell of the next."""
    while True:
        number = permit_number(f"{secrets.randbelow(10**DIGITS):0{DIGITS}d}")
        if lock.session.scalar(sa.select(Permit.id).where(Permit.number == number)) is None:
            return number


def _grant(
    lock: PersonLock, permit_id: int, number: str, follows: PolicyInForce, now: datetime, actor_id: int | None
) -> None:
    policy = follows.policy
    end_on = boundary_on(legal_day(now, policy.zone), 1, policy.validity_months)
    facts = {
        "number": number,
        "valid_until": iso(day_start(end_on, policy.zone)),
        "policy": follows.key,
        "policy_version": follows.version_id,
        "zone": policy.zone,
    }
    append_event(lock, permit_id, PermitEventKind.GRANTED, facts, now=now, actor_id=actor_id)
    events.permit_changed.send(None, person_id=lock.person_id, now=now)


def append_event(
    lock: PersonLock,
    permit_id: int,
    kind: PermitEventKind,
    facts: Mapping[str, Any],
    *,
    now: datetime,
    actor_id: int | None,
    payload: Payload | None = None,
) -> str:
    """Write one event of a permit with its audit entry in the running transaction; return its idempotency key.

    The guard of the move and the signal are the caller's.
    """
    stamp = lock.stamp()
    idem = f"permit-{permit_id}/{kind.value}/{stamp.seq}"
    lock.session.add(
        PermitEvent(
            person_id=lock.person_id, permit_id=permit_id, kind=kind.value, facts=dict(facts), effective_at=now,
            recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=actor_id, idem=idem,
            payload_id=payload.id if payload else None, payload_digest=payload.digest if payload else None,
        )
    )  # fmt: skip
    audit.record(
        f"permit.{kind.value}", f"permit:{permit_id}", now=now, stream=audit.person_stream(lock.person_id),
        actor_id=actor_id, facts=facts, payload=payload,
    )  # fmt: skip
    lock.session.flush()
    return idem


def get_record(lock: PersonLock) -> PermitRecord:
    """Return the permit under the lock, as it stands now that the lock is held; raises NoPermit."""
    record = find_permit(lock.session, lock.person_id, lock.present)
    if record is None:
        raise NoPermit()
    return record


def stop_for_safety(
    person_id: int, *, words: str, now: datetime, actor_id: int, language: str, case_id: int | None = None,
    renews: bool | None = None, last_on: date | None = None, reviewer_id: int | None = None,
) -> datetime:  # fmt: skip
    """Stop a permit at once for a safety risk, or renew the stop that runs; return its end.

    It bears no points. A stop of the same risk (the case, or the stop that still runs) counts as a renewal. `last_on`:
    its last day, as long as the policy allows where there is none. `reviewer_id`: who looks at it, and is told. Raises
    OwnCase, ReasonNeeded, NoPermit, PermitNotRunning, StopUsedUp, StopDay, NoReviewer. `renews`: what the page showed,
    a stop that runs or none; StopChanged where it is no longer so, so that a click made twice stops once.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        record = get_record(lock)
        if not words.strip():
            raise ReasonNeeded()
        if record.state not in PERMIT_MOVES[PermitEventKind.INTERIM_STOPPED]:
            raise PermitNotRunning()
        with worded():
            require_other(actor_id, holder=person_id)
            earlier = _stops(lock, record.permit_id)
            if renews is not None and renews != (_running_risk(earlier, now) is not None):
                raise StopChanged()
            risk = f"case-{case_id}" if case_id else _running_risk(earlier, now)
            before = sum(stop.facts.get("risk") == risk for stop in earlier) if risk else 0
            until = interim_stop_until(
                record.policy, now, before, last_on=last_on, running_until=_running_until(earlier, now)
            )
        if reviewer_id is not None and reviewer_id not in stop_queries.reviewer_ids(session, person_id, actor_id, now):
            raise NoReviewer()
        payload = audit.keep_payload({"words": words.strip()}, person_id=person_id, now=now, language=language)
        risk = risk or f"risk-{payload.id}"
        facts = {"until": iso(until), "risk": risk, "renewal": before}
        facts |= {} if reviewer_id is None else {"reviewer": reviewer_id}
        idem = append_event(
            lock, record.permit_id, PermitEventKind.INTERIM_STOPPED, facts, now=now, actor_id=actor_id,
            payload=payload,
        )  # fmt: skip
        notice(lock, "interim_stop", idem, {"until": through_pair(until, record.zone)}, "/me/permit", now=now)
        if reviewer_id is not None:
            _ask_reviewer(lock, reviewer_id, idem, {"until": through_pair(until, record.zone)}, now)
        events.permit_changed.send(None, person_id=person_id, now=now)
        session.flush()
        return until


def end_stop(person_id: int, *, words: str, now: datetime, actor_id: int, language: str) -> None:
    """End the stop for safety that runs, with the reason. Raises OwnCase, ReasonNeeded, StepNotOpen."""
    with transaction():
        lock = lock_person(person_id, now=now)
        record = get_record(lock)
        if not words.strip():
            raise ReasonNeeded()
        with worded():
            require_other(actor_id, holder=person_id)
            check_permit_event(record.facts, PermitEventKind.INTERIM_STOP_ENDED, now)
        payload = audit.keep_payload({"words": words.strip()}, person_id=person_id, now=now, language=language)
        append_event(
            lock, record.permit_id, PermitEventKind.INTERIM_STOP_ENDED, {}, now=now, actor_id=actor_id,
            payload=payload,
        )  # fmt: skip
        events.permit_changed.send(None, person_id=person_id, now=now)


def _stops(lock: PersonLock, permit_id: int) -> list[PermitEvent]:
    kinds = (PermitEventKind.INTERIM_STOPPED.value, PermitEventKind.INTERIM_STOP_ENDED.value)
    return list(
        lock.session.scalars(
            sa.select(PermitEvent)
            .where(PermitEvent.permit_id == permit_id, PermitEvent.kind.in_(kinds))
            .order_by(PermitEvent.seq)
        )
    )


def _running_until(stops: list[PermitEvent], now: datetime) -> datetime | None:
    return datetime.fromisoformat(stops[-1].facts["until"]) if _running_risk(stops, now) is not None else None


def _ask_reviewer(lock: PersonLock, reviewer_id: int, key: str, facts: Mapping[str, object], now: datetime) -> None:
    body = {
        "person": reviewer_id, "kind": "interim_stop_review", "key": f"interim_stop_review/{key}",
        "facts": {**facts, "about": lock.person_id}, "path": "/permits/stops",
    }  # fmt: skip
    outbox.send("notice", f"notice/{body['key']}", body, now=now)


def _running_risk(stops: list[PermitEvent], now: datetime) -> str | None:
    last = stops[-1] if stops else None
    if last is None or last.kind != PermitEventKind.INTERIM_STOPPED.value:
        return None
    return str(last.facts["risk"]) if iso(now) < str(last.facts["until"]) else None


def notice(lock: PersonLock, kind: str, key: str, facts: Mapping[str, object], path: str, *, now: datetime) -> str:
    """Write a notice to the holder into the outbox of the running transaction; return its key, the proof."""
    body = {
        "person": lock.person_id,
        "kind": kind,
        "key": f"{kind}/{key}",
        "facts": dict(facts),
        "path": path,
    }
    outbox.send("notice", f"notice/{kind}/{key}", body, now=now)
    return str(body["key"])
