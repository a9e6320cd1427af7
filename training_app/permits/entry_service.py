"""Writing one line of the ledger, with its audit entry, in the running transaction."""

from __future__ import annotations

from datetime import datetime

from training_app.accounts.locks import PersonLock
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.permits.entry_rules import EntryKind
from training_app.permits.fold_queries import PermitRecord
from training_app.permits.models import LedgerEntry


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
