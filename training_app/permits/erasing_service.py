"""Words and photos of cases whose points year is long over: what was said goes, what was decided stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.locks import lock_person
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.calendar.rules import legal_day
from training_app.content import queries as content
from training_app.db import transaction
from training_app.permits import fold_queries, ledger_queries
from training_app.permits.ledger_rules import EntryStatus
from training_app.permits.models import CaseEvent, CaseEvidence, LedgerEntry, PermitCase, Sanction, SanctionEvent
from training_app.permits.sanction_rules import TERMINAL, SanctionEventKind, SanctionStatus
from training_app.storage import service as storage

_COUNTS = frozenset({EntryStatus.COUNTED, EntryStatus.CARRIED, EntryStatus.NOT_YET})


@dataclass(frozen=True, kw_only=True)
class OldCases:
    """The cases of one person whose words and photos may go: closed, and no longer counted by anything."""

    person_id: int
    case_ids: tuple[int, ...]


def due(session: Session, now: datetime) -> list[OldCases]:
    """Return whose cases are old enough: their points year ended longer ago than the settings keep them hidden."""
    at = now - timedelta(days=_hidden_days(session, legal_day(now, "Asia/Shanghai")))
    kept_words = sa.exists().where(
        CaseEvent.case_id == PermitCase.id, CaseEvent.payload_id == Payload.id, Payload.erased_at.is_(None)
    )
    kept_photos = sa.exists().where(CaseEvidence.case_id == PermitCase.id, CaseEvidence.erased_at.is_(None))
    people = session.scalars(
        sa.select(PermitCase.person_id)
        .where(PermitCase.occurred_at < at, sa.or_(kept_words, kept_photos))
        .distinct()
        .order_by(PermitCase.person_id)
    ).all()
    found = (_old_cases(session, person_id, at, now) for person_id in people)
    return [old for old in found if old.case_ids]


def erase_old_words(person_id: int, *, now: datetime, actor_id: int | None) -> int:
    """Erase words and photos of a person's old cases, as they are under the lock; return how many of both."""
    with transaction() as session:
        lock_person(person_id, now=now)
        at = now - timedelta(days=_hidden_days(session, legal_day(now, "Asia/Shanghai")))
        old = _old_cases(session, person_id, at, now)
        if not old.case_ids:
            return 0
        count = audit.erase_payloads(person_id, now=now, only=_words(session, old.case_ids))
        photos = session.scalars(
            sa.select(CaseEvidence).where(CaseEvidence.case_id.in_(old.case_ids), CaseEvidence.erased_at.is_(None))
        ).all()
        for photo in photos:
            photo.erased_at = now
        storage.release([photo.sha256 for photo in photos], now=now)
        audit.record(
            "case.words_erased", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, facts={"payloads": count, "files": len(photos), "cases": len(old.case_ids)},
        )  # fmt: skip
        return count + len(photos)


def _hidden_days(session: Session, on: date) -> int:
    return int(content.get_current(session, "settings", "organisation", on).body["retention_days"]["entries_hidden"])


def _old_cases(session: Session, person_id: int, at: datetime, now: datetime) -> OldCases:
    """Return the cases of points years that had ended at `at`, but for those that something still needs now."""
    ledger = ledger_queries.ledger_state(session, person_id, now)
    then = ledger_queries.ledger_state(session, person_id, at)
    over = {*TERMINAL, SanctionStatus.ENDED}
    sanctions = fold_queries.sanctions_of(session, person_id, now)
    if ledger is None or then is None or any(one.state.status not in over for one in sanctions):
        return OldCases(person_id=person_id, case_ids=())
    counting = [line.entry.idem for line in ledger.fold.lines if line.status in _COUNTS]
    needed = set(session.scalars(sa.select(LedgerEntry.case_id).where(LedgerEntry.idem.in_(counting))))
    rows = session.scalars(
        sa.select(PermitCase)
        .where(PermitCase.person_id == person_id, PermitCase.occurred_at < then.fold.window.start)
        .order_by(PermitCase.id)
    ).all()
    files = fold_queries.case_files(session, rows, now) if rows else []
    kept = (file.case_id for file in files if not file.state.is_open and file.case_id not in needed)
    return OldCases(person_id=person_id, case_ids=tuple(kept))


def _words(session: Session, case_ids: Sequence[int]) -> set[int]:
    """Return the payloads of these cases: their steps, their entries, labels of photos, what they led to."""
    entries = sa.select(LedgerEntry.idem).where(LedgerEntry.case_id.in_(case_ids))
    own = set(session.scalars(sa.select(CaseEvent.payload_id).where(CaseEvent.case_id.in_(case_ids))))
    own |= set(session.scalars(sa.select(CaseEvidence.label_payload_id).where(CaseEvidence.case_id.in_(case_ids))))
    own |= set(session.scalars(sa.select(LedgerEntry.payload_id).where(LedgerEntry.case_id.in_(case_ids))))
    keys = set(session.scalars(entries))
    proposals = session.execute(
        sa.select(SanctionEvent.sanction_id, SanctionEvent.facts)
        .join(Sanction, Sanction.id == SanctionEvent.sanction_id)
        .join(PermitCase, PermitCase.person_id == Sanction.person_id)
        .where(PermitCase.id == case_ids[0], SanctionEvent.kind == SanctionEventKind.PROPOSE.value)
    )
    caused = [sanction_id for sanction_id, facts in proposals if facts.get("entries") and keys >= {*facts["entries"]}]
    own |= set(session.scalars(sa.select(SanctionEvent.payload_id).where(SanctionEvent.sanction_id.in_(caused))))
    return {payload_id for payload_id in own if payload_id is not None}
