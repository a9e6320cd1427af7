"""The ledger: append an entry, recompute what it makes due in the same transaction, record a reward."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit import service as audit
from training_app.calendar.rules import legal_day
from training_app.db import transaction
from training_app.permits import events, fold_queries, measure_service, permit_service
from training_app.permits.base_rules import require_other
from training_app.permits.due_rules import due, fallen_away
from training_app.permits.entry_rules import EntryKind, voided
from training_app.permits.entry_service import append_entry
from training_app.permits.fold_queries import PermitRecord, SanctionFile
from training_app.permits.ledger_queries import ledger_state, tasks_of
from training_app.permits.models import LedgerEntry
from training_app.permits.policy_queries import find_tariff
from training_app.permits.refusals import BeforePermit, CodeUnknown, InTheFuture, ReasonNeeded, TooSoon, worded
from training_app.permits.sanction_rules import TERMINAL, AnnulReason, SanctionStatus
from training_app.permits.slip_rules import STUDY_ROUTE


def settle(lock: PersonLock, *, now: datetime) -> None:
    """Recompute what the ledger makes due: annul what lost its cause, propose what is new; then tell the rooms."""
    record = permit_service.get_record(lock)
    policy, anchor = record.policy, record.anchor_on
    entries = fold_queries.entries(lock.session, lock.person_id)
    files = fold_queries.sanctions_of(lock.session, lock.person_id, now)
    known = [file.state.as_known() for file in files]
    tasks = tasks_of(lock.session, record, lock.present)
    gone = fallen_away(entries, policy, anchor_on=anchor, as_of=lock.present, sanctions=known, tasks=tasks)
    for file in files:
        if file.state.cause in gone and file.state.status not in TERMINAL:
            measure_service.annul_unsupported(lock, record, file, now=now)
            entries = fold_queries.entries(lock.session, lock.person_id)
    left = [(_as_annulled(file) if file.state.cause in gone else file).state.as_known() for file in files]
    for proposal in due(entries, policy, anchor_on=anchor, as_of=lock.present, sanctions=left, tasks=tasks):
        measure_service.propose(lock, record, proposal, now=now)
    events.permit_changed.send(None, person_id=lock.person_id, now=now)


def _as_annulled(file: SanctionFile) -> SanctionFile:
    state = replace(file.state, status=SanctionStatus.ANNULLED, annul_reason=AnnulReason.CAUSE_VOID)
    return replace(file, state=state)


def reward(
    person_id: int,
    *,
    code: str,
    achieved_at: datetime,
    words: str,
    token: str,
    now: datetime,
    actor_id: int,
    language: str,
) -> int:
    """Record a reward of the tariff, with what was done in words; return how many points it won back.

    Within the policy's cap and only below the limit; what finds no points to take off still counts for the standing.
    The same `token` a second time changes nothing. Raises OwnCase, ReasonNeeded, InTheFuture, CodeUnknown,
    BeforePermit, TooSoon, NoPermit.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        record = permit_service.get_record(lock)
        idem = f"merit/{person_id}/{actor_id}/{token}"
        if session.scalar(sa.select(LedgerEntry.id).where(LedgerEntry.idem == idem)) is not None:
            return 0
        if not words.strip():
            raise ReasonNeeded()
        if achieved_at > now:
            raise InTheFuture()
        if legal_day(achieved_at, record.zone) < record.anchor_on:
            raise BeforePermit(until=record.anchor_on)
        with worded():
            require_other(actor_id, holder=person_id)
        tariff = find_tariff(session, record.follows.tariff_key, legal_day(achieved_at, record.zone))
        row = tariff.merits.get(code) if tariff else None
        if row is None or row.route == STUDY_ROUTE:
            raise CodeUnknown()
        require_gap(lock, record, achieved_at)
        payload = audit.keep_payload({"words": words.strip()}, person_id=person_id, now=now, language=language)
        before = _total(lock, record)
        append_entry(
            lock, record, kind=EntryKind.MERIT, points=row.points, code=code, idem=idem, effective_at=achieved_at,
            exists_at=now, now=now, actor_id=actor_id, payload=payload,
        )  # fmt: skip
        settle(lock, now=now)
        return before - _total(lock, record)


def require_gap(lock: PersonLock, record: PermitRecord, achieved_at: datetime) -> None:
    """Refuse a reward that lies nearer to another one than the policy allows; asked here, never in the fold."""
    days = record.policy.merit.minimum_gap_days
    if not days:
        return
    entries = fold_queries.entries(lock.session, lock.person_id)
    gone = voided(entries, lock.present)
    on = legal_day(achieved_at, record.zone)
    for one in entries:
        if one.kind is EntryKind.MERIT and one.idem not in gone:
            other = legal_day(one.effective_at, record.zone)
            if abs((on - other).days) < days:
                raise TooSoon(days=days, other=other, next=other + timedelta(days=days))


def standing(lock: PersonLock, record: PermitRecord) -> tuple[str, ...]:
    """Return the demerits that stand under the lock, oldest first."""
    state = ledger_state(lock.session, lock.person_id, lock.present, record=record)
    return () if state is None else state.fold.standing


def _total(lock: PersonLock, record: PermitRecord) -> int:
    state = ledger_state(lock.session, lock.person_id, lock.present, record=record)
    return 0 if state is None else state.total
