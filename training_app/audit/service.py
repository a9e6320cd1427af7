"""Write audit entries, payloads and anchors; verify all chains (how: `verifying.py`)."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.audit import rules
from training_app.audit.models import AuditAnchor, AuditEntry, AuditHead, Payload
from training_app.audit.verifying import findings
from training_app.db import canonical_json, transaction, writing_session

SYSTEM = "system"
MOST_HEADS = 5000  # in one anchor: whoever checks it reads it whole
ANCHOR_TURN = 0x0A4C4  # the advisory lock of whoever writes an anchor


def person_stream(person_id: int) -> str:
    """Return the name of a person's stream."""
    return f"person:{person_id}"


def record(
    action: str,
    subject: str,
    *,
    now: datetime,
    stream: str = SYSTEM,
    actor_id: int | None = None,
    facts: Mapping[str, object] | None = None,
    effective_at: datetime | None = None,
    payload: Payload | None = None,
    request_id: str | None = None,
) -> AuditEntry:
    """Append one entry to `stream` inside the running transaction.

    A person's stream is written under `lock_person()`, the system's under the lock of its head row. `subject` names the
    object ("attempt:12"); `facts` are codes, points, dates and ids, never words: those stand in `payload`.
    """
    session = writing_session()
    head = _locked_head(session, stream, now)
    seq, recorded_at = head.seq + 1, max(now, head.last_recorded_at + timedelta(microseconds=1))
    entry = AuditEntry(
        stream=stream,
        seq=seq,
        effective_at=effective_at or now,
        recorded_at=recorded_at,
        actor_id=actor_id,
        action=action,
        subject=subject,
        facts=canonical_json(dict(facts or {})),
        idem=f"{stream}/{seq}",
        request_id=request_id,
        payload_id=payload.id if payload else None,
        payload_digest=payload.digest if payload else None,
        prev_hash=head.hash,
        hash="",
    )
    entry.hash = rules.link_hash(head.hash, rules.entry_body(entry))
    session.add(entry)
    head.seq, head.hash, head.last_recorded_at = seq, entry.hash, recorded_at
    session.flush()
    return entry


def keep_payload(
    body: Mapping[str, object] | str, *, person_id: int | None, now: datetime, language: str | None = None
) -> Payload:
    """Store words or values that may have to be erased one day; return the row with id and salted digest."""
    session = writing_session()
    text = body if isinstance(body, str) else canonical_json(dict(body))
    salt = new_salt()
    payload = Payload(
        person_id=person_id,
        body=text,
        language=language,
        salt=salt,
        digest=rules.payload_digest(salt, text),
        created_at=now,
    )
    session.add(payload)
    session.flush()
    return payload


def new_salt() -> str:
    """Return the salt of one payload: without it nobody can guess words from their digest."""
    return secrets.token_hex(16)


def erase_payloads(
    person_id: int,
    *,
    now: datetime,
    before: datetime | None = None,
    needed: Collection[int] = (),
    only: Collection[int] | None = None,
) -> int:
    """Empty the payloads about a person; digests, figures and chains stay. Return how many were emptied.

    `before` leaves what was written from that instant on, `needed` names payloads that have to stay, `only` those that
    may go at all.
    """
    session = writing_session()
    conditions = [Payload.person_id == person_id, Payload.erased_at.is_(None), Payload.id.not_in(sorted(needed))]
    if before is not None:
        conditions.append(Payload.created_at < before)
    if only is not None:
        conditions.append(Payload.id.in_(sorted(only)))
    result = session.execute(sa.update(Payload).where(*conditions).values(body=None, salt=None, erased_at=now))
    return int(result.rowcount)  # type: ignore[attr-defined]


def anchor(*, now: datetime) -> AuditAnchor:
    """Write one hash over the heads that grew since the anchor before, bound to it.

    What an earlier anchor lists stays bound by the chain of anchors, so that all of them together hold every head. Many
    heads make several anchors; the last one is returned.
    """
    while True:
        row, count = _anchor_some(now)
        if count < MOST_HEADS:
            return row


def _anchor_some(now: datetime) -> tuple[AuditAnchor, int]:
    with transaction() as session:
        if session.get_bind().dialect.name == "postgresql":  # two at once would both follow from the same one
            session.execute(sa.select(sa.func.pg_advisory_xact_lock(ANCHOR_TURN)))
        grown = session.scalars(
            sa.select(AuditHead)
            .where(AuditHead.seq > AuditHead.anchored_seq)
            .order_by(AuditHead.stream)
            .limit(MOST_HEADS)
            .with_for_update(skip_locked=True)  # who writes just now is anchored next time; nobody waits
        ).all()
        heads = canonical_json([[head.stream, head.seq, head.hash] for head in grown])
        for head in grown:
            head.anchored_seq = head.seq
        last = session.scalar(sa.select(AuditAnchor).order_by(AuditAnchor.id.desc()).limit(1))
        prev = last.hash if last else rules.GENESIS
        row = AuditAnchor(
            recorded_at=now,
            heads=heads,
            prev_hash=prev,
            hash=rules.link_hash(prev, {"heads": heads, "at": rules.iso(now)}),
        )
        session.add(row)
    return row, len(grown)


def verify(session: Session) -> list[str]:
    """Check every chain, every anchor and every payload; return what is broken, in words for an operator."""
    return list(findings(session))


def _locked_head(session: Session, stream: str, now: datetime) -> AuditHead:
    head = session.get(AuditHead, stream, with_for_update=True)
    if head is None:
        head = AuditHead(stream=stream, seq=0, hash=rules.GENESIS, last_recorded_at=now - timedelta(microseconds=1))
        session.add(head)
        session.flush()
    return head
