"""Write audit entries, payloads and anchors; verify all chains."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.audit import rules
from training_app.audit.models import AuditAnchor, AuditEntry, AuditHead, Payload
from training_app.db import canonical_json, db, transaction, writing_session

SYSTEM = "system"


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
    entry.hash = rules.link_hash(head.hash, _body(entry))
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
    salt = secrets.token_hex(16)
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


def erase_payloads(
    person_id: int, *, now: datetime, before: datetime | None = None, needed: Collection[int] = ()
) -> int:
    """Empty the payloads about a person; digests, figures and chains stay. Return how many were emptied.

    `before` leaves what was written from that instant on, `needed` names payloads that have to stay.
    """
    session = writing_session()
    conditions = [Payload.person_id == person_id, Payload.erased_at.is_(None), Payload.id.not_in(sorted(needed))]
    if before is not None:
        conditions.append(Payload.created_at < before)
    result = session.execute(sa.update(Payload).where(*conditions).values(body=None, salt=None, erased_at=now))
    return int(result.rowcount)  # type: ignore[attr-defined]


def anchor(*, now: datetime) -> AuditAnchor:
    """Write one hash over the heads that grew since the anchor before, bound to it.

    What an earlier anchor lists stays bound by the chain of anchors, so that all of them together hold every head.
    """
    with transaction() as session:
        grown = session.scalars(
            sa.select(AuditHead)
            .where(AuditHead.seq > AuditHead.anchored_seq)
            .order_by(AuditHead.stream)
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
            hash=rules.link_hash(prev, {"heads": heads, "at": _iso(now)}),
        )
        session.add(row)
    return row


def verify(session: Session) -> list[str]:
    """Check every chain, every anchor and every payload; return what is broken, in words for an operator."""
    faults: list[str] = []
    streams: dict[str, list[AuditEntry]] = {}
    for entry in session.scalars(sa.select(AuditEntry).order_by(AuditEntry.stream, AuditEntry.seq)):
        streams.setdefault(entry.stream, []).append(entry)
    for stream, entries in streams.items():
        links = [rules.Link(seq=e.seq, body=_body(e), prev_hash=e.prev_hash, hash=e.hash) for e in entries]
        if (seq := rules.first_break(links)) is not None:
            faults.append(f"stream {stream}: entry {seq} does not follow from the one before")
    for head in session.scalars(sa.select(AuditHead)):
        last = streams.get(head.stream, [None])[-1]
        if last is None or (last.seq, last.hash) != (head.seq, head.hash):
            faults.append(f"stream {head.stream}: its end is missing")
    faults += _broken_anchors(session, streams) + _broken_payloads(session) + _exchanged_payloads(session)
    return faults


def _broken_anchors(session: Session, streams: Mapping[str, list[AuditEntry]]) -> list[str]:
    faults, prev = [], rules.GENESIS
    reach: dict[str, int] = {}
    for row in session.scalars(sa.select(AuditAnchor).order_by(AuditAnchor.id)):
        body = {"heads": row.heads, "at": _iso(row.recorded_at)}
        if row.prev_hash != prev or row.hash != rules.link_hash(prev, body):
            faults.append(f"anchor {row.id}: it does not follow from the one before")
        for stream, seq, digest in json.loads(row.heads):
            reach[stream] = max(seq, reach.get(stream, 0))
            entries = streams.get(stream, [])
            if len(entries) < seq or (seq and entries[seq - 1].hash != digest):
                faults.append(f"anchor {row.id}: stream {stream} no longer has entry {seq}")
        prev = row.hash
    for head in session.scalars(sa.select(AuditHead).where(AuditHead.anchored_seq > 0)):
        if head.anchored_seq > reach.get(head.stream, 0):
            faults.append(f"stream {head.stream}: no anchor holds entry {head.anchored_seq}, as its head says")
    return faults


def _broken_payloads(session: Session) -> list[str]:
    kept = session.execute(
        sa.select(Payload.id, Payload.salt, Payload.body, Payload.digest).where(Payload.body.isnot(None))
    )
    return [
        f"payload {pid}: its text was changed"
        for pid, salt, body, digest in kept
        if rules.payload_digest(salt or "", body or "") != digest
    ]


def _exchanged_payloads(session: Session) -> list[str]:
    """Compare every digest that an entry or event names with that of the payload it points to."""
    faults = []
    for name, table in sorted(db.metadata.tables.items()):
        if not {"payload_id", "payload_digest"} <= set(table.c.keys()):
            continue
        exchanged = sa.or_(Payload.id.is_(None), Payload.digest != table.c.payload_digest)
        rows = session.execute(
            sa.select(table.c.id)
            .outerjoin(Payload, Payload.id == table.c.payload_id)
            .where(table.c.payload_digest.isnot(None), exchanged)
            .order_by(table.c.id)
        )
        faults += [f"{name} {row.id}: its payload is not the one that was recorded" for row in rows]
    return faults


def _locked_head(session: Session, stream: str, now: datetime) -> AuditHead:
    head = session.get(AuditHead, stream, with_for_update=True)
    if head is None:
        head = AuditHead(stream=stream, seq=0, hash=rules.GENESIS, last_recorded_at=now - timedelta(microseconds=1))
        session.add(head)
        session.flush()
    return head


def _body(entry: AuditEntry) -> dict[str, object]:
    return {
        "stream": entry.stream,
        "seq": entry.seq,
        "effective_at": _iso(entry.effective_at),
        "recorded_at": _iso(entry.recorded_at),
        "actor_id": entry.actor_id,
        "action": entry.action,
        "subject": entry.subject,
        "facts": entry.facts,
        "request_id": entry.request_id,
        "payload_digest": entry.payload_digest,
    }


def _iso(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds")
