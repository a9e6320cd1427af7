"""What happens to a sanction under its holder's lock: proposed, moved, served, in force, ended, undone.

The use cases stand in `sanction_service`; after a step that changes the ledger `ledger_service.settle` has to follow.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.calendar.rules import day_start, legal_day, working_day_deadline
from training_app.db import writing_session
from training_app.errors import NotFound
from training_app.permits import events, fold_queries, permit_service
from training_app.permits.due_rules import Proposal, retraining_parts, served_of
from training_app.permits.entry_rules import EntryKind, voided
from training_app.permits.entry_service import append_entry
from training_app.permits.fold_queries import PermitRecord, SanctionFile
from training_app.permits.ledger_queries import tasks_of
from training_app.permits.ledger_rules import Fold, fold
from training_app.permits.models import LedgerEntry, PermitCase, PermitEvent, Sanction, SanctionEvent
from training_app.permits.number_rules import clear_of_sanction, iso
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
)
from training_app.permits.suspension_rules import clears_at_end, clears_at_start, suspension_end, to_clear

_K = SanctionEventKind


@dataclass(frozen=True)
class Open:
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
    if proposal.sanction is SanctionKind.SUSPEND:
        facts |= {"months": proposal.span.months, "days": proposal.span.days}
    _append(lock, sanction.id, _K.PROPOSE, facts, now=now, actor_id=None)


def annul_unsupported(lock: PersonLock, record: PermitRecord, file: SanctionFile, *, now: datetime) -> None:
    """Let the engine annul a sanction that lost its cause; what it did to the permit counts as never done."""
    here = Open(lock, record, file, now, None)
    move(here, SanctionMove(kind=_K.ANNUL, reason=True, annul=AnnulReason.CAUSE_VOID), {"annul": "cause_void"})
    undo(here)
    if file.state.served_at is not None:
        tell_holder(here, "sanction_annulled")


def end(lock: PersonLock, record: PermitRecord, sanction_id: int, *, now: datetime) -> None:
    """End a sanction whose retraining is passed; one that an appeal holds up goes on with the appeal."""
    file = fold_queries.sanction_files(lock.session, [lock.session.get_one(Sanction, sanction_id)], now)[0]
    if file.state.status is SanctionStatus.IN_FORCE:
        move(Open(lock, record, file, now, None), SanctionMove(kind=_K.END), {})


def open_sanction(sanction_id: int, now: datetime, actor_id: int | None) -> Open:
    """Lock the holder and return the sanction as it stands then; raises NotFound."""
    session = writing_session()
    person_id = session.scalar(sa.select(Sanction.person_id).where(Sanction.id == sanction_id))
    if person_id is None:
        raise NotFound()
    lock = lock_person(person_id, now=now)
    file = fold_queries.sanction_files(session, [session.get_one(Sanction, sanction_id)], now)[0]
    return Open(lock, permit_service.get_record(lock), file, now, actor_id)


def move(
    here: Open,
    step: SanctionMove,
    facts: Mapping[str, Any],
    words: str = "",
    language: str | None = None,
    *,
    effective_at: datetime | None = None,
) -> None:
    """Ask the guard, then write the step with what was said."""
    with worded():
        check_sanction_move(here.file.state, step, actor=here.actor_id, now=here.now, policy=here.record.policy)
    payload = None
    if words.strip():
        payload = audit.keep_payload(
            {"words": words.strip()}, person_id=here.file.person_id, now=here.now, language=language
        )
    _append(
        here.lock, here.file.sanction_id, step.kind, facts, now=here.now, actor_id=here.actor_id, payload=payload,
        effective_at=effective_at,
    )  # fmt: skip


def serve(here: Open) -> None:
    """Tell the holder, and write how: the time to contest runs from now."""
    calendar = calendar_in(here.lock.session, legal_day(here.now, here.record.zone), here.record.zone)
    deadline = working_day_deadline(here.now, here.record.policy.appeal_working_days, calendar)
    facts = {
        "document": "sanction",
        "recipient": here.file.person_id,
        "channel": "app",
        "proof": tell_holder(here, "sanction_served"),
        "deadline_at": iso(deadline),
    }
    move(here, SanctionMove(kind=_K.SERVE), facts)


def tell_holder(here: Open, kind: str) -> str:
    """Send a notice about the sanction; return its key."""
    key = f"{here.file.number}/{here.lock.person.seq}"
    return permit_service.notice(
        here.lock, kind, key, {"number": here.file.number}, "/me/permit#measures", now=here.now
    )


def take_effect(here: Open) -> None:
    """Do to permit and ledger what the measure does once it is in force, or in force again after an appeal."""
    standing = _ledger(here).standing
    if here.file.kind is SanctionKind.REVOKE:
        _revoke(here, standing)
    elif here.file.kind is SanctionKind.SUSPEND:
        _suspend(here, standing)
    if clears_at_start(here.record.policy, here.file.kind):
        _clear(here, standing, f"start/{here.lock.person.seq}", here.now)


def _ledger(here: Open) -> Fold:
    entries = fold_queries.entries(here.lock.session, here.lock.person_id)
    sanctions = fold_queries.sanctions_of(here.lock.session, here.lock.person_id, here.now)
    served = served_of(one.state.as_known() for one in sanctions)
    policy = here.record.policy
    tasks = tasks_of(here.lock.session, here.record, here.lock.present)
    return fold(entries, policy, anchor_on=here.record.anchor_on, as_of=here.lock.present, served=served, tasks=tasks)


def _revoke(here: Open, standing: Sequence[str]) -> None:
    """Revoke the permit, and begin the retraining it asks for."""
    record, lock, now = here.record, here.lock, here.now
    if record.state not in PERMIT_MOVES[PermitEventKind.REVOKED]:
        return
    earlier = [
        file.state.in_force_at
        for file in fold_queries.sanctions_of(lock.session, lock.person_id, now)
        if file.kind is SanctionKind.REVOKE
        and file.sanction_id != here.file.sanction_id
        and file.state.counts_for_escalation
        and file.state.in_force_at is not None
    ]
    total = _ledger(here).total
    parts = retraining_parts(record.policy, earlier=earlier, at=now, total=total)
    cause = {"sanction": here.file.sanction_id, "number": record.number}
    # What stands now is what the clear lists once the retraining is passed; points that come later stay.
    revoked = {**cause, "listed": list(standing), "total": total}
    retraining = {**cause, "parts": [part.value for part in parts]}
    for kind, facts in ((PermitEventKind.REVOKED, revoked), (PermitEventKind.RETRAINING, retraining)):
        permit_service.append_event(lock, record.permit_id, kind, facts, now=now, actor_id=None)


def _suspend(here: Open, standing: Sequence[str]) -> None:
    """Suspend the permit; after an appeal that held it up, for the days that were left."""
    record, lock, now = here.record, here.lock, here.now
    if record.state not in PERMIT_MOVES[PermitEventKind.SUSPENDED]:
        return
    until = suspension_end(here.file.span, now, record.zone)
    before, held_up_at = _held_up(here)
    if before is not None and held_up_at is not None:
        left = legal_day(_until(before), record.zone) - legal_day(held_up_at, record.zone)
        until = day_start(legal_day(now, record.zone) + left, record.zone)
    facts = {
        "sanction": here.file.sanction_id,
        "number": record.number,
        "until": iso(until),
        "listed": list(before.facts["listed"]) if before is not None else list(standing),
    }
    permit_service.append_event(lock, record.permit_id, PermitEventKind.SUSPENDED, facts, now=now, actor_id=None)


def _held_up(here: Open) -> tuple[PermitEvent | None, datetime | None]:
    """Return the last time this sanction suspended the permit, and when an appeal held that up."""
    rows = _permit_events(here)
    own = [
        row
        for row in rows
        if row.kind == PermitEventKind.SUSPENDED.value and row.facts.get("sanction") == here.file.sanction_id
    ]
    if not own:
        return None, None
    ended = [row.effective_at for row in rows if own[-1].idem in row.facts.get("refs", ())]
    return own[-1], (ended[0] if ended else None)


def _until(row: PermitEvent) -> datetime:
    return datetime.fromisoformat(row.facts["until"])


def _permit_events(here: Open) -> Sequence[PermitEvent]:
    return here.lock.session.scalars(
        sa.select(PermitEvent).where(PermitEvent.permit_id == here.file.permit_id).order_by(PermitEvent.seq)
    ).all()


def suspension_over(here: Open) -> datetime | None:
    """Return when the suspension of this sanction was over, None while it runs or is held up."""
    row, held_up_at = _held_up(here)
    if row is None or held_up_at is not None or _until(row) > here.now:
        return None
    return _until(row)


def end_suspended(here: Open, at: datetime) -> None:
    """End a suspension at the instant that it was over, and clear the points behind it where the policy says so."""
    move(here, SanctionMove(kind=_K.END), {}, effective_at=at)
    if clears_at_end(here.record.policy, here.file.kind):
        row, _ = _held_up(here)
        listed = list(row.facts["listed"]) if row is not None else []
        refs = to_clear(here.record.policy, at_service=listed, at_clear=_ledger(here).standing)
        _clear(here, refs, "end", at)


def _clear(here: Open, refs: Sequence[str], part: str, at: datetime) -> None:
    if refs:
        append_entry(
            here.lock, here.record, kind=EntryKind.CLEAR, points=0, code="", refs=tuple(refs),
            idem=clear_of_sanction(here.file.sanction_id, part), effective_at=at, exists_at=at, now=here.now,
            actor_id=None,
        )  # fmt: skip


def undo(here: Open) -> None:
    """Let what the sanction did to permit and ledger count as never done; a retraining that was passed stays."""
    _void_clears(here)
    rows = _permit_events(here)
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


def _void_clears(here: Open) -> None:
    """Void what the sanction itself cleared: the points behind it stand again."""
    entries = fold_queries.entries(here.lock.session, here.lock.person_id)
    gone = voided(entries, here.lock.present)
    prefix = clear_of_sanction(here.file.sanction_id, "")
    for entry in entries:
        if entry.kind is EntryKind.CLEAR and entry.idem.startswith(prefix) and entry.idem not in gone:
            append_entry(
                here.lock, here.record, kind=EntryKind.VOID, points=0, code="", refs=(entry.idem,),
                idem=f"{entry.idem}/void", effective_at=here.now, exists_at=here.now, now=here.now,
                actor_id=here.actor_id,
            )  # fmt: skip


def changed(here: Open) -> None:
    """Tell the rooms below that the permit may have changed."""
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
    effective_at: datetime | None = None,
) -> None:
    stamp = lock.stamp()
    lock.session.add(
        SanctionEvent(
            person_id=lock.person_id, sanction_id=sanction_id, kind=kind.value, facts=dict(facts),
            effective_at=effective_at or now,
            recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=actor_id,
            idem=f"sanction-{sanction_id}/{kind.value}/{stamp.seq}",
            payload_id=payload.id if payload else None, payload_digest=payload.digest if payload else None,
        )
    )  # fmt: skip
    audit.record(
        f"sanction.{kind.value}", f"sanction:{sanction_id}", now=now, effective_at=effective_at or now,
        stream=audit.person_stream(lock.person_id),
        actor_id=actor_id, facts=facts, payload=payload,
    )  # fmt: skip
    lock.session.flush()
