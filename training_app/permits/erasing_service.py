"""Words and photos of cases whose points year is long over: what was said goes, what was decided stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from training_app.accounts.locks import lock_person
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.calendar.rules import legal_day
from training_app.content import queries as content
from training_app.db import transaction
from training_app.permits import fold_queries, ledger_queries
from training_app.permits.models import CaseEvent, CaseEvidence, LedgerEntry, PermitCase, SanctionEvent
from training_app.permits.sanction_rules import TERMINAL, SanctionEventKind, SanctionStatus
from training_app.permits.walk_rules import EntryStatus
from training_app.storage import service as storage

_COUNTS = frozenset({EntryStatus.COUNTED, EntryStatus.CARRIED, EntryStatus.NOT_YET})


@dataclass(frozen=True, kw_only=True)
class OldWords:
    """What may go of one person: words and photos of cases and rewards that are closed and counted by nothing."""

    person_id: int
    case_ids: tuple[int, ...]
    payload_ids: frozenset[int]
    photo_ids: tuple[int, ...]


def due(session: Session, now: datetime) -> list[OldWords]:
    """Return whose words are old enough: their points year ended longer ago than the settings keep them hidden."""
    at = _hidden_since(session, now)
    kept_words = (
        sa.select(table.person_id)
        .join(Payload, Payload.id == table.payload_id)
        .where(Payload.erased_at.is_(None), table.recorded_at < at)
        for table in (CaseEvent, LedgerEntry, SanctionEvent)
    )
    kept_photos = (
        sa.select(PermitCase.person_id)
        .join(CaseEvidence, CaseEvidence.case_id == PermitCase.id)
        .where(CaseEvidence.erased_at.is_(None), PermitCase.occurred_at < at)
    )
    people = set(session.scalars(sa.union(*kept_words, kept_photos)))
    found = (_old_words(session, person_id, at, now) for person_id in sorted(people))
    return [old for old in found if old is not None]


def erase_old_words(person_id: int, *, now: datetime, actor_id: int | None) -> int:
    """Erase words and photos of a person's old cases, as they are under the lock; return how many of both."""
    with transaction() as session:
        lock_person(person_id, now=now)
        old = _old_words(session, person_id, _hidden_since(session, now), now)
        if old is None:
            return 0
        count = audit.erase_payloads(person_id, now=now, only=old.payload_ids)
        photos = session.scalars(sa.select(CaseEvidence).where(CaseEvidence.id.in_(old.photo_ids))).all()
        for photo in photos:
            photo.erased_at = now
        storage.release([photo.sha256 for photo in photos], now=now)
        audit.record(
            "case.words_erased", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, facts={"payloads": count, "files": len(photos), "cases": len(old.case_ids)},
        )  # fmt: skip
        return count + len(photos)


def _hidden_since(session: Session, now: datetime) -> datetime:
    settings = content.get_current(session, "settings", "organisation", legal_day(now, "Asia/Shanghai")).body
    return now - timedelta(days=int(settings["retention_days"]["entries_hidden"]))


def _old_words(session: Session, person_id: int, at: datetime, now: datetime) -> OldWords | None:
    """Return what is left of points years that had ended at `at`, but for what something still needs now.

    A case reported late may have been decided long after its points year: what was recorded from `at` on keeps it.
    """
    ledger = ledger_queries.ledger_state(session, person_id, now)
    then = ledger_queries.ledger_state(session, person_id, at)
    over = {*TERMINAL, SanctionStatus.ENDED}
    sanctions = fold_queries.sanctions_of(session, person_id, now)
    if ledger is None or then is None or any(one.state.status not in over for one in sanctions):
        return None
    counting = [line.entry.idem for line in ledger.fold.lines if line.status in _COUNTS]
    since = then.fold.window.start
    cases = _old_cases(session, person_id, counting, since, at, now)
    entries = sa.select(LedgerEntry.payload_id).where(
        LedgerEntry.person_id == person_id, LedgerEntry.case_id.is_(None), LedgerEntry.effective_at < since,
        LedgerEntry.recorded_at < at, LedgerEntry.idem.not_in(counting),
    )  # fmt: skip
    words = _words(session, person_id, cases, at) | {one for one in session.scalars(entries) if one is not None}
    left = session.scalars(sa.select(Payload.id).where(Payload.id.in_(sorted(words)), Payload.erased_at.is_(None)))
    photos = session.scalars(
        sa.select(CaseEvidence.id).where(CaseEvidence.case_id.in_(cases), CaseEvidence.erased_at.is_(None))
    )
    old = OldWords(person_id=person_id, case_ids=cases, payload_ids=frozenset(left), photo_ids=tuple(photos))
    return old if old.payload_ids or old.photo_ids else None


def _old_cases(
    session: Session, person_id: int, counting: Sequence[str], since: datetime, at: datetime, now: datetime
) -> tuple[int, ...]:
    needed = set(session.scalars(sa.select(LedgerEntry.case_id).where(LedgerEntry.idem.in_(counting))))
    later = sa.exists().where(CaseEvent.case_id == PermitCase.id, CaseEvent.recorded_at >= at)
    rows = session.scalars(
        sa.select(PermitCase)
        .where(PermitCase.person_id == person_id, PermitCase.occurred_at < since, ~later)
        .order_by(PermitCase.id)
    ).all()
    files = fold_queries.case_files(session, rows, now) if rows else []
    return tuple(file.case_id for file in files if not file.state.is_open and file.case_id not in needed)


def _words(session: Session, person_id: int, case_ids: Sequence[int], at: datetime) -> set[int]:
    """Return the payloads of these cases: their steps, their entries, labels of photos, what they led to."""
    own = set(session.scalars(sa.select(CaseEvent.payload_id).where(CaseEvent.case_id.in_(case_ids))))
    own |= set(session.scalars(sa.select(CaseEvidence.label_payload_id).where(CaseEvidence.case_id.in_(case_ids))))
    own |= set(session.scalars(sa.select(LedgerEntry.payload_id).where(LedgerEntry.case_id.in_(case_ids))))
    keys = set(session.scalars(sa.select(LedgerEntry.idem).where(LedgerEntry.case_id.in_(case_ids))))
    later = aliased(SanctionEvent)
    proposals = session.execute(
        sa.select(SanctionEvent.sanction_id, SanctionEvent.facts).where(
            SanctionEvent.person_id == person_id,
            SanctionEvent.kind == SanctionEventKind.PROPOSE.value,
            ~sa.exists().where(later.sanction_id == SanctionEvent.sanction_id, later.recorded_at >= at),
        )
    )
    caused = [sanction_id for sanction_id, facts in proposals if facts.get("entries") and keys >= {*facts["entries"]}]
    own |= set(session.scalars(sa.select(SanctionEvent.payload_id).where(SanctionEvent.sanction_id.in_(caused))))
    return {payload_id for payload_id in own if payload_id is not None}
