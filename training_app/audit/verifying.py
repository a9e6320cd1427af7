"""Check every chain, anchor and payload in portions: memory does not grow with the years that are checked."""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.audit import rules
from training_app.audit.models import AuditAnchor, AuditEntry, AuditHead, Payload
from training_app.db import db

PORTION = 1000  # rows read by one statement, and the most that are held
_ENTRY = (
    AuditEntry.stream, AuditEntry.seq, AuditEntry.effective_at, AuditEntry.recorded_at, AuditEntry.actor_id,
    AuditEntry.action, AuditEntry.subject, AuditEntry.facts, AuditEntry.request_id, AuditEntry.payload_digest,
    AuditEntry.prev_hash, AuditEntry.hash, AuditHead.seq.label("head_seq"), AuditHead.hash.label("head_hash"),
)  # fmt: skip


def findings(session: Session, *, stream: str | None = None) -> Iterator[str]:
    """Say what is broken, in words for an operator, as it is found; all as of one instant. `stream`: of one alone.

    On PostgreSQL that takes a transaction that has not read anything yet; inside one that has, each statement sees what
    is committed by then.
    """
    if session.get_bind().dialect.name == "postgresql" and not session.in_transaction():
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    yield from _broken_streams(session, stream)
    if stream is not None:
        return
    yield from _broken_anchors(session)
    yield from _broken_payloads(session)
    yield from _exchanged_payloads(session)


def _broken_streams(session: Session, only: str | None) -> Iterator[str]:
    entries = sa.select(*_ENTRY).outerjoin(AuditHead, AuditHead.stream == AuditEntry.stream)
    heads = sa.select(AuditHead.stream)
    if only is not None:
        entries, heads = entries.where(AuditEntry.stream == only), heads.where(AuditHead.stream == only)
    rows = _read(session, entries, AuditEntry.stream, AuditEntry.seq)
    for stream, own in groupby(rows, key=lambda row: row.stream):
        last: deque[Any] = deque(maxlen=1)
        links = _links(own, last)
        if (seq := rules.first_break(links)) is not None:
            yield f"stream {stream}: entry {seq} does not follow from the one before"
            deque(links, maxlen=0)  # its end is looked at all the same
        end = last[0]
        if (end.seq, end.hash) != (end.head_seq, end.head_hash):
            yield f"stream {stream}: its end is missing"
    has_entries = sa.exists().where(AuditEntry.stream == AuditHead.stream)
    for row in _read(session, heads.where(~has_entries), AuditHead.stream):
        yield f"stream {row.stream}: its end is missing"


def _links(rows: Iterable[Any], last: deque[Any]) -> Iterator[rules.Link]:
    for row in rows:
        last.append(row)
        yield rules.Link(seq=row.seq, body=rules.entry_body(row), prev_hash=row.prev_hash, hash=row.hash)


def _broken_anchors(session: Session) -> Iterator[str]:
    prev = rules.GENESIS
    # How far the anchors reach in each stream stands in a file of its own, which goes when it is closed.
    with closing(sqlite3.connect("", isolation_level=None)) as scratch:
        scratch.execute("CREATE TABLE reach (stream TEXT PRIMARY KEY, seq INTEGER) WITHOUT ROWID")
        anchor = AuditAnchor
        anchors = sa.select(anchor.id, anchor.recorded_at, anchor.heads, anchor.prev_hash, anchor.hash)
        for row in _read(session, anchors, AuditAnchor.id, portion=1):
            body = {"heads": row.heads, "at": rules.iso(row.recorded_at)}
            if row.prev_hash != prev or row.hash != rules.link_hash(prev, body):
                yield f"anchor {row.id}: it does not follow from the one before"
            for stream in _not_met(session, scratch, _heads(row.heads)):
                yield f"anchor {row.id}: stream {stream[0]} no longer has entry {stream[1]}"
            prev = row.hash
        anchored = sa.select(AuditHead.stream, AuditHead.anchored_seq).where(AuditHead.anchored_seq > 0)
        for row in _read(session, anchored, AuditHead.stream):
            found = scratch.execute("SELECT seq FROM reach WHERE stream = ?", (row.stream,)).fetchone()
            if found is None or row.anchored_seq > found[0]:
                yield f"stream {row.stream}: no anchor holds entry {row.anchored_seq}, as its head says"


def _heads(text: str) -> list[tuple[str, int, str]]:
    try:
        return [(str(stream), int(seq), str(digest)) for stream, seq, digest in json.loads(text)]
    except (ValueError, TypeError):
        return []  # its own hash has told already


def _not_met(
    session: Session, scratch: sqlite3.Connection, heads: list[tuple[str, int, str]]
) -> Iterator[tuple[str, int]]:
    for start in range(0, len(heads), PORTION):
        some = heads[start : start + PORTION]
        scratch.execute("BEGIN")
        scratch.executemany(
            "INSERT INTO reach VALUES (?, ?) ON CONFLICT (stream) DO UPDATE SET seq = max(seq, excluded.seq)",
            [(stream, seq) for stream, seq, _ in some],
        )
        scratch.execute("COMMIT")
        wanted = sa.tuple_(AuditEntry.stream, AuditEntry.seq).in_([(stream, seq) for stream, seq, _ in some])
        rows = session.execute(sa.select(AuditEntry.stream, AuditEntry.seq, AuditEntry.hash).where(wanted))
        there = {(stream, seq): digest for stream, seq, digest in rows}
        yield from ((stream, seq) for stream, seq, digest in some if seq and there.get((stream, seq)) != digest)


def _broken_payloads(session: Session) -> Iterator[str]:
    kept = sa.select(Payload.id, Payload.salt, Payload.body, Payload.digest).where(Payload.body.isnot(None))
    for row in _read(session, kept, Payload.id):
        if rules.payload_digest(row.salt or "", row.body or "") != row.digest:
            yield f"payload {row.id}: its text was changed"


def _exchanged_payloads(session: Session) -> Iterator[str]:
    """Compare every digest that an entry or event names with that of the payload it points to."""
    for name, table in sorted(db.metadata.tables.items()):
        if not {"payload_id", "payload_digest"} <= set(table.c.keys()):
            continue
        exchanged = sa.or_(Payload.id.is_(None), Payload.digest != table.c.payload_digest)
        rows = (
            sa.select(table.c.id)
            .outerjoin(Payload, Payload.id == table.c.payload_id)
            .where(table.c.payload_digest.isnot(None), exchanged)
        )
        for row in _read(session, rows, table.c.id):
            yield f"{name} {row.id}: its payload is not the one that was recorded"


def _read(session: Session, rows: Any, *key: Any, portion: int | None = None) -> Iterator[Any]:
    """Read rows in the order of a unique key, a portion at a time: each statement begins behind the last row."""
    portion = portion or PORTION
    names = [column.key for column in key]
    behind: tuple[object, ...] | None = None
    while True:
        part = rows
        if behind is not None:
            last = (sa.literal(value, column.type) for value, column in zip(behind, key, strict=True))
            part = rows.where(sa.tuple_(*key) > sa.tuple_(*last))
        found = session.execute(part.order_by(*key).limit(portion)).all()
        yield from found
        if len(found) < portion:
            return
        behind = tuple(getattr(found[-1], name) for name in names)
