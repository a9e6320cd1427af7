"""A chain of years is checked in portions, and whatever was done to it is found wherever the portions end."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from tests.statements import statements
from training_app import clock
from training_app.audit import rules, verifying
from training_app.audit import service as audit
from training_app.audit.models import AuditAnchor, AuditEntry, AuditHead
from training_app.db import db, transaction
from training_app.triggers import unguard

STREAMS, EACH, PORTION = 30, 150, 500


def _fill(now: datetime) -> None:
    """Write the chains of many people, as the service would have over years."""
    entries, heads = [], []
    for stream in (f"person:{9000 + number}" for number in range(STREAMS)):
        prev = rules.GENESIS
        for seq in range(1, EACH + 1):
            at = now + timedelta(minutes=seq)
            entry = AuditEntry(
                stream=stream, seq=seq, effective_at=at, recorded_at=at, actor_id=None, action="test.act",
                subject=stream, facts=f'{{"n":{seq}}}', idem=f"{stream}/{seq}", request_id=None, payload_id=None,
                payload_digest=None, prev_hash=prev, hash="",
            )  # fmt: skip
            entry.hash = prev = rules.link_hash(prev, rules.entry_body(entry))
            entries.append({c.key: getattr(entry, c.key) for c in sa.inspect(AuditEntry).column_attrs if c.key != "id"})
        heads.append({"stream": stream, "seq": EACH, "hash": prev, "last_recorded_at": at, "anchored_seq": 0})
    with transaction() as session:
        session.execute(sa.insert(AuditEntry), entries)
        session.execute(sa.insert(AuditHead), heads)


@pytest.fixture
def years(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """Return a used database with some thousand entries and portions much smaller than that."""
    monkeypatch.setattr(verifying, "PORTION", PORTION)
    monkeypatch.setattr(audit, "MOST_HEADS", 20)
    now = clock.now()
    World.create(now)
    _fill(now)
    audit.anchor(now=now)
    return any_app


def test_a_check_reads_one_portion_at_a_time_whatever_there_is(years: Flask) -> None:
    count = db.session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)) or 0
    anchors = db.session.scalar(sa.select(sa.func.count()).select_from(AuditAnchor)) or 0
    db.session.rollback()
    with statements() as seen:
        assert audit.verify(db.session()) == []
    entries = [one for one in seen if "audit_entry.prev_hash" in one]
    assert len(entries) == count // PORTION + 1
    assert all("LIMIT" in one for one in entries)
    met = [one for one in seen if "audit_entry.hash" in one and one not in entries]
    assert len(met) == anchors >= 3  # each holds less than a portion
    assert len(seen) < len(entries) + 2 * anchors + 40


def _edges() -> list[tuple[str, int]]:
    """Return the entries on both sides of where the first portions end."""
    ordered = sa.select(AuditEntry.stream, AuditEntry.seq).order_by(AuditEntry.stream, AuditEntry.seq)
    rows = db.session.execute(ordered).all()
    return [(rows[at].stream, rows[at].seq) for end in range(PORTION, 4 * PORTION, PORTION) for at in (end - 1, end)]


def _tamperings() -> Iterator[tuple[str, str]]:
    for stream, seq in _edges():
        own = f"stream = '{stream}' AND seq = {seq}"
        yield f"stream {stream}", f"UPDATE audit_entry SET facts = '{{}}' WHERE {own}"
        yield f"stream {stream}", f"DELETE FROM audit_entry WHERE {own}"
    last, first = f"person:{9000 + STREAMS - 1}", "person:9000"
    entry, head = "audit_entry WHERE stream = '{}'", "audit_head WHERE stream = '{}'"
    for stream in (first, last):
        own = f"WHERE stream = '{stream}'"
        yield (  # two entries change places
            f"stream {stream}: entry 70",
            f"UPDATE audit_entry SET seq = 999 {own} AND seq = 70; UPDATE audit_entry SET seq = 70 {own} AND seq = 71; "
            f"UPDATE audit_entry SET seq = 71 {own} AND seq = 999",
        )
        yield f"stream {stream}: its end is missing", f"DELETE FROM {entry.format(stream)} AND seq > 148"
        yield f"stream {stream}: its end is missing", f"DELETE FROM {entry.format(stream)}"
        yield f"stream {stream}: its end is missing", f"DELETE FROM {head.format(stream)}"
        yield (  # the head is cut to fit
            f"stream {stream} no longer has entry",
            f"DELETE FROM {entry.format(stream)} AND seq > 140; "
            "UPDATE audit_head SET seq = 140, "
            f"hash = (SELECT hash FROM {entry.format(stream)} AND audit_entry.seq = 140) {own}",
        )
        yield (
            f"stream {stream} no longer has entry",
            f"DELETE FROM {entry.format(stream)}; DELETE FROM {head.format(stream)}",
        )
    yield (  # what two people's entries say changes places
        f"stream {first}: entry 70",
        f"UPDATE audit_entry SET subject = '{last}' WHERE stream = '{first}' AND seq = 70; "
        f"UPDATE audit_entry SET subject = '{first}' WHERE stream = '{last}' AND seq = 70",
    )
    yield "anchor 2", "UPDATE audit_anchor SET heads = '[]' WHERE id = 2"
    yield "anchor 2", "UPDATE audit_anchor SET heads = 'no list' WHERE id = 2"
    yield "anchor 3", "DELETE FROM audit_anchor WHERE id = 2"
    yield f"stream {last}: no anchor holds", f"UPDATE audit_head SET anchored_seq = 151 WHERE stream = '{last}'"


def test_any_edit_deletion_swap_and_truncation_is_found(years: Flask) -> None:
    tamperings = list(_tamperings())
    db.session.rollback()
    for expected, done in tamperings:
        session = db.session()
        connection = session.connection(execution_options={"write": True})
        unguard(connection, ["audit_entry", "audit_anchor"])
        for statement in done.split("; "):
            connection.exec_driver_sql(statement)
        faults = audit.verify(session)
        session.rollback()
        assert any(expected in one for one in faults), (done, faults[:5])
    assert audit.verify(db.session()) == []


def test_a_check_while_people_work_says_nothing_of_what_came_meanwhile(years: Flask) -> None:
    found = verifying.findings(db.session())
    original = verifying._broken_anchors

    def write_meanwhile(session: object) -> Iterator[str]:
        def write() -> None:
            with years.app_context(), transaction():
                audit.record("test.act", "unit:1", now=clock.now(), stream="person:9000")

        writer = threading.Thread(target=write)
        writer.start()
        writer.join(60)
        return original(session)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verifying, "_broken_anchors", write_meanwhile)
        assert list(found) == []
    db.session.rollback()
    assert db.session.get_one(AuditHead, "person:9000").seq == EACH + 1


def test_anchors_that_are_written_at_once_follow_from_each_other(any_app: Flask) -> None:
    World.create(clock.now())
    db.session.remove()
    together = threading.Barrier(3)

    def write() -> None:
        with any_app.app_context():
            together.wait(30)
            audit.anchor(now=clock.now())
            db.session.remove()

    writers = [threading.Thread(target=write) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(AuditAnchor)) == 3
    db.session.rollback()
    assert audit.verify(db.session()) == []
