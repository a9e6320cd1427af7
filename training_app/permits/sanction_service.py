"""Sanctions: proposed by the engine, decided by one person, confirmed and served by another, then in force."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.calendar.rules import legal_day, working_day_deadline
from training_app.db import transaction, writing_session
from training_app.errors import NotFound
from training_app.permits import events, fold_queries, permit_service
from training_app.permits.due_rules import Proposal, retraining_parts
from training_app.permits.fold_queries import PermitRecord, SanctionFile
from training_app.permits.ledger_rules import fold
from training_app.permits.models import LedgerEntry, PermitCase, PermitEvent, Sanction, SanctionEvent
from training_app.permits.number_rules import iso
from training_app.permits.permit_rules import PERMIT_MOVES, PermitEventKind
from training_app.permits.policy_queries import calendar_in
from training_app.permits.policy_rules import SanctionKind
from training_app.permits.refusals import worded
from training_app.permits.sanction_rules import (
    AnnulReason,
    SanctionEventKind,
    SanctionMove,
    SanctionStatus,
    check_sanction_move,
    is_suspended_by_appeal,
)

_K = SanctionEventKind


@dataclass(frozen=True)
class _Open:
    """A sanction under the holder's lock."""

    lock: PersonLock
    record: PermitRecord
    file: SanctionFile
    now: datetime
    actor_id: int | None


def propose(lock: PersonLock, record: PermitRecord, proposal: Proposal, *, now: datetime) -> None:
    """Write a proposal of the engine; its cause is unique, so that a stage is proposed once per window."""
    session = lock.session
    sanction = Sanction(
        number=secrets.token_hex(16), person_id=lock.person_id, permit_id=record.permit_id,
        kind=proposal.sanction.value, stage=proposal.stage, cause=f"permit-{record.permit_id}/{proposal.cause}",
        created_at=now,
    )  # fmt: skip
    session.add(sanction)
    session.flush()
    sanction.number = f"S-{sanction.id:06d}"
    facts = {
        "sanction": proposal.sanction.value,
        "stage": proposal.stage,
        "cause": proposal.cause,
        "entries": list(proposal.entries),
        "reporters": _reporters(lock, proposal.entries),
        "total": proposal.total,
        "reached_at": iso(proposal.reached_at),
    }
    _append(lock, sanction.id, _K.PROPOSE, facts, now=now, actor_id=None)


def annul_unsupported(lock: PersonLock, record: PermitRecord, file: SanctionFile, *, now: datetime) -> None:
    """Let the engine annul a sanction that lost its cause; what it did to the permit counts as never done."""
    here = _Open(lock, record, file, now, None)
    _move(here, SanctionMove(kind=_K.ANNUL, reason=True, annul=AnnulReason.CAUSE_VOID), {"annul": "cause_void"})
    _undo(here)
    if file.state.served_at is not None:
        _tell(here, "sanction_annulled")


def end(lock: PersonLock, record: PermitRecord, sanction_id: int, *, now: datetime) -> None:
    """End a sanction whose retraining is passed; one that an appeal holds up goes on with the appeal."""
    file = fold_queries.sanction_files(lock.session, [lock.session.get_one(Sanction, sanction_id)], now)[0]
    if file.state.status is SanctionStatus.IN_FORCE:
        _move(_Open(lock, record, file, now, None), SanctionMove(kind=_K.END), {})


def decide(sanction_id: int, *, impose: bool, words: str, now: datetime, actor_id: int, language: str) -> None:
    """Decide on a proposal: impose it (another person then confirms), or let it drop; with reasons."""
    with transaction():
        here = _open(sanction_id, now, actor_id)
        kind = _K.DECIDE if impose else _K.DISMISS
        _move(here, SanctionMove(kind=kind, reason=bool(words.strip())), {}, words, language)
        _changed(here)


def confirm(sanction_id: int, *, now: datetime, actor_id: int) -> None:
    """Confirm what another person decided; it is served and takes effect in the same moment."""
    with transaction():
        here = _open(sanction_id, now, actor_id)
        _move(here, SanctionMove(kind=_K.CONFIRM), {})
        here = _open(sanction_id, now, actor_id)
        _serve(here)
        here = _open(sanction_id, now, None)
        _move(here, SanctionMove(kind=_K.TAKE_EFFECT), {})
        _take_effect(here)
        _changed(here)


def appeal(sanction_id: int, *, words: str, now: datetime, actor_id: int, language: str) -> None:
    """Let the holder contest a sanction in time; where the policy says so, it is held up until that is resolved."""
    with transaction():
        here = _open(sanction_id, now, actor_id)
        _move(here, SanctionMove(kind=_K.APPEAL), {}, words, language)
        here = _open(sanction_id, now, actor_id)
        if is_suspended_by_appeal(here.file.state, here.record.policy):
            _undo(here)
        _changed(here)


def resolve(sanction_id: int, *, uphold: bool, words: str, now: datetime, actor_id: int, language: str) -> None:
    """Decide on an appeal against a sanction: a third person upholds or annuls it, with reasons."""
    with transaction():
        here = _open(sanction_id, now, actor_id)
        reason = bool(words.strip())
        if uphold:
            _move(here, SanctionMove(kind=_K.UPHOLD, reason=reason), {}, words, language)
            if is_suspended_by_appeal(here.file.state, here.record.policy):
                _take_effect(_open(sanction_id, now, None))
            _tell(here, "sanction_served")
        else:
            move = SanctionMove(kind=_K.ANNUL, reason=reason, annul=AnnulReason.APPEAL)
            _move(here, move, {"annul": AnnulReason.APPEAL.value}, words, language)
            _undo(here)
            _tell(here, "sanction_annulled")
        _changed(here)


def annul_in(sanction_id: int, *, words: str, now: datetime, actor_id: int, language: str) -> PersonLock:
    """Annul a sanction that was an error, in the running transaction; `ledger_service.annul_sanction` does the rest."""
    here = _open(sanction_id, now, actor_id)
    move = SanctionMove(kind=_K.ANNUL, reason=bool(words.strip()), annul=AnnulReason.ERROR)
    _move(here, move, {"annul": AnnulReason.ERROR.value}, words, language)
    _undo(here)
    if here.file.state.served_at is not None:
        _tell(here, "sanction_annulled")
    return here.lock


def _open(sanction_id: int, now: datetime, actor_id: int | None) -> _Open:
    session = writing_session()
    person_id = session.scalar(sa.select(Sanction.person_id).where(Sanction.id == sanction_id))
    if person_id is None:
        raise NotFound()
    lock = lock_person(person_id, now=now)
    file = fold_queries.sanction_files(session, [session.get_one(Sanction, sanction_id)], now)[0]
    return _Open(lock, permit_service.get_record(lock), file, now, actor_id)


def _move(
    here: _Open, move: SanctionMove, facts: Mapping[str, Any], words: str = "", language: str | None = None
) -> None:
    with worded():
        check_sanction_move(here.file.state, move, actor=here.actor_id, now=here.now, policy=here.record.policy)
    payload = None
    if words.strip():
        payload = audit.keep_payload(
            {"words": words.strip()}, person_id=here.file.person_id, now=here.now, language=language
        )
    _append(
        here.lock, here.file.sanction_id, move.kind, facts, now=here.now, actor_id=here.actor_id, payload=payload
    )  # fmt: skip


def _serve(here: _Open) -> None:
    calendar = calendar_in(here.lock.session, legal_day(here.now, here.record.zone), here.record.zone)
    deadline = working_day_deadline(here.now, here.record.policy.appeal_working_days, calendar)
    facts = {
        "document": "sanction",
        "recipient": here.file.person_id,
        "channel": "app",
        "proof": _tell(here, "sanction_served"),
        "deadline_at": iso(deadline),
    }
    _move(here, SanctionMove(kind=_K.SERVE), facts)


def _tell(here: _Open, kind: str) -> str:
    key = f"{here.file.number}/{here.lock.person.seq}"
    return permit_service.notice(
        here.lock, kind, key, {"number": here.file.number}, "/me/permit#measures", now=here.now
    )


def _take_effect(here: _Open) -> None:
    """Revoke the permit where that is the measure, and begin the retraining it asks for."""
    may_be_revoked = here.record.state in PERMIT_MOVES[PermitEventKind.REVOKED]
    if here.file.kind is not SanctionKind.REVOKE or not may_be_revoked:
        return
    record, lock, now = here.record, here.lock, here.now
    entries = fold_queries.entries(lock.session, lock.person_id)
    ledger = fold(entries, record.policy, anchor_on=record.anchor_on, as_of=lock.present)
    earlier = [
        file.state.in_force_at
        for file in fold_queries.sanctions_of(lock.session, lock.person_id, now)
        if file.kind is SanctionKind.REVOKE
        and file.sanction_id != here.file.sanction_id
        and file.state.counts_for_escalation
        and file.state.in_force_at is not None
    ]
    parts = retraining_parts(record.policy, earlier=earlier, at=now, total=ledger.total)
    cause = {"sanction": here.file.sanction_id, "number": record.number}
    # What stands now is what the clear lists once the retraining is passed; points that come later stay.
    revoked = {**cause, "listed": list(ledger.standing), "total": ledger.total}
    retraining = {**cause, "parts": [part.value for part in parts]}
    for kind, facts in ((PermitEventKind.REVOKED, revoked), (PermitEventKind.RETRAINING, retraining)):
        permit_service.append_event(lock, record.permit_id, kind, facts, now=now, actor_id=None)


def _undo(here: _Open) -> None:
    """Let what the sanction did to the permit count as never done; a retraining that was passed stays."""
    rows = here.lock.session.scalars(
        sa.select(PermitEvent).where(PermitEvent.permit_id == here.file.permit_id).order_by(PermitEvent.seq)
    ).all()
    gone = {ref for row in rows for ref in row.facts.get("refs", ())}
    caused = [
        row.idem
        for row in rows
        if row.facts.get("sanction") == here.file.sanction_id
        and row.kind not in (PermitEventKind.ANNULLED.value, PermitEventKind.RETRAINED.value)
        and row.idem not in gone
    ]
    if caused:
        facts = {"refs": caused, "sanction": here.file.sanction_id}
        permit_service.append_event(
            here.lock,
            here.file.permit_id,
            PermitEventKind.ANNULLED,
            facts,
            now=here.now,
            actor_id=here.actor_id,
        )


def _changed(here: _Open) -> None:
    events.permit_changed.send(None, person_id=here.file.person_id, now=here.now)


def _reporters(lock: PersonLock, entries: tuple[str, ...]) -> list[int]:
    rows = lock.session.scalars(
        sa.select(PermitCase.reporter_id)
        .join(LedgerEntry, LedgerEntry.case_id == PermitCase.id)
        .where(LedgerEntry.idem.in_(entries))
    )
    return sorted(set(rows))


def _append(
    lock: PersonLock,
    sanction_id: int,
    kind: SanctionEventKind,
    facts: Mapping[str, Any],
    *,
    now: datetime,
    actor_id: int | None,
    payload: Payload | None = None,
) -> None:
    stamp = lock.stamp()
    lock.session.add(
        SanctionEvent(
            person_id=lock.person_id, sanction_id=sanction_id, kind=kind.value, facts=dict(facts), effective_at=now,
            recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=actor_id,
            idem=f"sanction-{sanction_id}/{kind.value}/{stamp.seq}",
            payload_id=payload.id if payload else None, payload_digest=payload.digest if payload else None,
        )
    )  # fmt: skip
    audit.record(
        f"sanction.{kind.value}", f"sanction:{sanction_id}", now=now, stream=audit.person_stream(lock.person_id),
        actor_id=actor_id, facts=facts, payload=payload,
    )  # fmt: skip
    lock.session.flush()
