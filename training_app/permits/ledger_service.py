"""The ledger: append an entry, recompute what it makes due in the same transaction, record a reward."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.calendar.rules import legal_day
from training_app.db import transaction
from training_app.permits import events, fold_queries, permit_service, sanction_service
from training_app.permits.base_rules import require_other
from training_app.permits.due_rules import due, fallen_away
from training_app.permits.entry_rules import EntryKind
from training_app.permits.fold_queries import PermitRecord, SanctionFile
from training_app.permits.ledger_queries import ledger_state
from training_app.permits.models import LedgerEntry
from training_app.permits.policy_queries import find_tariff
from training_app.permits.refusals import BeforePermit, CodeUnknown, InTheFuture, ReasonNeeded, worded
from training_app.permits.sanction_rules import TERMINAL, AnnulReason, SanctionStatus


def append_entry(
    lock: PersonLock,
    record: PermitRecord,
    *,
    kind: EntryKind,
    points: int,
    code: str,
    idem: str,
    effective_at: datetime,
    exists_at: datetime,
    now: datetime,
    actor_id: int | None,
    case_id: int | None = None,
    occasion: str = "",
    refs: tuple[str, ...] = (),
    payload: Payload | None = None,
) -> None:
    """Write one line of the ledger with its audit entry in the running transaction; `settle` has to follow."""
    stamp = lock.stamp()
    lock.session.add(
        LedgerEntry(
            person_id=lock.person_id, permit_id=record.permit_id, kind=kind.value, points=points, code=code,
            case_id=case_id, occasion=occasion, effective_at=effective_at, exists_at=exists_at, refs=list(refs),
            recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=actor_id, idem=idem,
            payload_id=payload.id if payload else None, payload_digest=payload.digest if payload else None,
        )
    )  # fmt: skip
    audit.record(
        f"ledger.{kind.value}", f"permit:{record.permit_id}", now=now, effective_at=effective_at,
        stream=audit.person_stream(lock.person_id), actor_id=actor_id,
        facts={"points": points, "code": code, "idem": idem}, payload=payload,
    )  # fmt: skip
    lock.session.flush()


def settle(lock: PersonLock, *, now: datetime) -> None:
    """Recompute what the ledger makes due: annul what lost its cause, propose what is new; then tell the rooms."""
    record = permit_service.get_record(lock)
    policy, anchor = record.policy, record.anchor_on
    entries = fold_queries.entries(lock.session, lock.person_id)
    files = fold_queries.sanctions_of(lock.session, lock.person_id, now)
    known = [file.state.as_known() for file in files]
    gone = fallen_away(entries, policy, anchor_on=anchor, as_of=lock.present, sanctions=known)
    for file in files:
        if file.state.cause in gone and file.state.status not in TERMINAL:
            sanction_service.annul_unsupported(lock, record, file, now=now)
    left = [(_as_annulled(file) if file.state.cause in gone else file).state.as_known() for file in files]
    for proposal in due(entries, policy, anchor_on=anchor, as_of=lock.present, sanctions=left):
        sanction_service.propose(lock, record, proposal, now=now)
    events.permit_changed.send(None, person_id=lock.person_id, now=now)


def annul_sanction(sanction_id: int, *, words: str, now: datetime, actor_id: int, language: str) -> None:
    """Annul a sanction that was an error: as if never imposed. Not by who decided or confirmed it.

    Where the points behind it still stand, the engine proposes it anew in the same moment, for another decision.
    """
    with transaction():
        lock = sanction_service.annul_in(sanction_id, words=words, now=now, actor_id=actor_id, language=language)
        settle(lock, now=now)


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
    BeforePermit, NoPermit.
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
        if row is None:
            raise CodeUnknown()
        payload = audit.keep_payload({"words": words.strip()}, person_id=person_id, now=now, language=language)
        before = _total(lock, record)
        append_entry(
            lock, record, kind=EntryKind.MERIT, points=row.points, code=code, idem=idem, effective_at=achieved_at,
            exists_at=now, now=now, actor_id=actor_id, payload=payload,
        )  # fmt: skip
        settle(lock, now=now)
        return before - _total(lock, record)


def _total(lock: PersonLock, record: PermitRecord) -> int:
    state = ledger_state(lock.session, lock.person_id, lock.present, record=record)
    return 0 if state is None else state.total
