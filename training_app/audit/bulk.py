"""Audit entries of many streams at once: the links are made outside the write lock, then written set by set.

links = link(drafts, heads, now=now, actor_id=me)    # no lock: hashing takes longer than writing
with transaction() as session:
require_unmoved(session, links)                  # Moved: somebody recorded something meanwhile
write(session, links)
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.audit import rules
from training_app.audit.models import AuditEntry, AuditHead, Payload
from training_app.audit.service import new_salt
from training_app.db import canonical_json

PORTION = 500


class Moved(Exception):
    """Streams that have grown since their heads were read."""

    def __init__(self, streams: Sequence[str]) -> None:
        super().__init__(f"{len(streams)} streams have grown")
        self.streams = streams


@dataclass(frozen=True)
class Head:
    """How far a stream goes."""

    seq: int = 0
    hash: str = rules.GENESIS
    last_recorded_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Draft:
    """An entry to come."""

    stream: str
    action: str
    subject: str
    facts: Mapping[str, object]
    payload_id: int | None = None
    payload_digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class Links:
    """Entries with their hashes, the heads they lead to, and the heads they start from."""

    entries: list[dict[str, Any]] = field(default_factory=list)
    heads: dict[str, Head] = field(default_factory=dict)
    before: dict[str, Head] = field(default_factory=dict)


def heads_of(session: Session, streams: Iterable[str]) -> dict[str, Head]:
    """Return how far streams go; one without entries is missing."""
    wanted = sorted(set(streams))
    found: dict[str, Head] = {}
    for start in range(0, len(wanted), PORTION):
        rows = session.execute(
            sa.select(AuditHead.stream, AuditHead.seq, AuditHead.hash, AuditHead.last_recorded_at).where(
                AuditHead.stream.in_(wanted[start : start + PORTION])
            )
        )
        found |= {row.stream: Head(row.seq, row.hash, row.last_recorded_at) for row in rows}
    return found


def link(drafts: Iterable[Draft], heads: Mapping[str, Head], *, now: datetime, actor_id: int | None) -> Links:
    """Return the entries in order, each bound to the one before it in its stream."""
    links = Links()
    for draft in drafts:
        head = links.heads.get(draft.stream) or heads.get(draft.stream, Head())
        links.before.setdefault(draft.stream, head)
        recorded_at = now
        if head.last_recorded_at is not None:
            recorded_at = max(now, head.last_recorded_at + timedelta(microseconds=1))
        row: dict[str, Any] = {
            "stream": draft.stream, "seq": head.seq + 1, "effective_at": now, "recorded_at": recorded_at,
            "actor_id": actor_id, "action": draft.action, "subject": draft.subject,
            "facts": canonical_json(dict(draft.facts)), "idem": f"{draft.stream}/{head.seq + 1}", "request_id": None,
            "payload_id": draft.payload_id, "payload_digest": draft.payload_digest, "prev_hash": head.hash,
        }  # fmt: skip
        row["hash"] = rules.link_hash(head.hash, rules.entry_body(SimpleNamespace(**row)))
        links.entries.append(row)
        links.heads[draft.stream] = Head(row["seq"], row["hash"], recorded_at)
    return links


def payload_row(person_id: int, body: str, now: datetime) -> dict[str, Any]:
    """Return the row of a payload: words that may have to be erased one day, with their salted digest."""
    salt = new_salt()
    return {
        "person_id": person_id, "body": body, "language": None, "salt": salt,
        "digest": rules.payload_digest(salt, body), "created_at": now,
    }  # fmt: skip


def write_payloads(session: Session, payloads: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Write payloads; return their ids by digest, which a salt of its own makes unique."""
    if not payloads:
        return {}
    new = sa.insert(Payload).returning(Payload.id, sort_by_parameter_order=True)
    ids = session.scalars(new, list(payloads)).all()
    return {payload["digest"]: one for payload, one in zip(payloads, ids, strict=True)}


def require_unmoved(session: Session, links: Links) -> None:
    """Lock the heads that the entries start from; raises Moved where one has grown."""
    known = sorted(stream for stream, head in links.before.items() if head.seq)
    moved: list[str] = []
    for start in range(0, len(known), PORTION):
        rows = session.execute(
            sa.select(AuditHead.stream, AuditHead.seq)
            .where(AuditHead.stream.in_(known[start : start + PORTION]))
            .order_by(AuditHead.stream)
            .with_for_update()
        )
        moved += [row.stream for row in rows if row.seq != links.before[row.stream].seq]
    if moved:
        raise Moved(moved)


def write(session: Session, links: Links) -> None:
    """Write entries and heads; the caller has found the heads unmoved, or the streams are new."""
    if not links.entries:
        return
    session.execute(sa.insert(AuditEntry), links.entries)
    new = [stream for stream, head in links.before.items() if not head.seq]
    rows = [
        {"stream": stream, "seq": links.heads[stream].seq, "hash": links.heads[stream].hash,
         "last_recorded_at": links.heads[stream].last_recorded_at, "anchored_seq": 0}
        for stream in new
    ]  # fmt: skip
    if rows:
        session.execute(sa.insert(AuditHead), rows)
    grown = [
        {"b_stream": stream, "b_seq": head.seq, "b_hash": head.hash, "b_at": head.last_recorded_at}
        for stream, head in links.heads.items()
        if links.before[stream].seq
    ]
    if grown:
        table = AuditHead.__table__
        session.connection().execute(
            sa.update(table)
            .where(table.c.stream == sa.bindparam("b_stream"))
            .values(seq=sa.bindparam("b_seq"), hash=sa.bindparam("b_hash"), last_recorded_at=sa.bindparam("b_at")),
            grown,
        )
