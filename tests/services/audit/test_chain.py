import json
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from training_app import clock
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.audit.rules import payload_digest
from training_app.audit.tasks import anchor_daily
from training_app.db import db, transaction
from training_app.triggers import guard, unguard


def test_chains_of_a_used_database_are_whole_and_anchors_meet_them(any_app: Flask, world: World) -> None:
    audit.anchor(now=clock.now())
    with transaction():
        audit.record("test.act", "unit:1", now=clock.now(), actor_id=world.hr)
    audit.anchor(now=clock.now())
    assert audit.verify(db.session()) == []


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit_entry SET facts = '{}' WHERE stream = 'person:1' AND seq = 1",
        "UPDATE audit_entry SET actor_id = 2 WHERE stream = 'person:1' AND seq = 1",
        "UPDATE audit_entry SET recorded_at = '2020-01-01 00:00:00.000000' WHERE stream = 'person:1' AND seq = 2",
        "DELETE FROM audit_entry WHERE stream = 'person:1' AND seq = 1",
        "DELETE FROM audit_entry WHERE stream = 'person:2'",
        "UPDATE audit_anchor SET heads = '[]'",
        "UPDATE payload SET body = 'other words'",
        "UPDATE audit_entry SET payload_id = NULL",
        *(
            f"UPDATE audit_entry SET {column} = {value} WHERE stream = 'person:1' AND seq = 2"
            for column, value in (
                ("stream", "'person:999'"), ("seq", "99"), ("effective_at", "'2020-01-01 00:00:00.000000'"),
                ("action", "'x'"), ("subject", "'x'"), ("request_id", "'x'"), ("prev_hash", "'x'"), ("hash", "'x'"),
                ("payload_digest", "'x'"),
            )
        ),
    ],
)  # fmt: skip
def test_any_edit_behind_the_application_breaks_the_chain(world: World, now: datetime, tampering: str) -> None:
    """Invariant 27."""
    with transaction():
        payload = audit.keep_payload("what was said", person_id=world.learner, now=now)
        audit.record("test.said", "case:1", now=now, stream="person:1", payload=payload)
    audit.anchor(now=now)
    connection = db.session.connection(execution_options={"write": True})
    unguard(connection, ["audit_entry", "audit_anchor"])
    connection.execute(sa.text(tampering))
    guard(connection, ["audit_entry", "audit_anchor"])
    db.session.commit()
    assert audit.verify(db.session()) != []


def test_other_words_under_a_digest_of_their_own_are_found_by_the_entry_they_belong_to(
    world: World, now: datetime
) -> None:
    """Invariant 27: whoever changes words can compute their digest, but not the entry that names the first one."""
    with transaction():
        payload = audit.keep_payload("what was said", person_id=world.learner, now=now)
        audit.record("test.said", "case:1", now=now, stream="person:1", payload=payload)
    with transaction() as session:
        forged = payload_digest("s", "other words")
        session.execute(sa.update(Payload).values(body="other words", salt="s", digest=forged))
    faults = audit.verify(db.session())
    assert any("not the one that was recorded" in one for one in faults), faults


def test_erasing_keeps_digest_and_chain(world: World, now: datetime) -> None:
    with transaction():
        payload = audit.keep_payload({"words": "私事"}, person_id=world.learner, now=now, language="zh")
        audit.record("test.said", "case:1", now=now, payload=payload)
    with transaction():
        assert audit.erase_payloads(world.learner, now=now) >= 1
    kept = db.session.scalars(sa.select(Payload).where(Payload.person_id == world.learner)).all()
    assert all(row.body is None and row.salt is None and row.digest for row in kept)
    assert audit.verify(db.session()) == []


def test_an_anchor_lists_only_what_grew_and_all_of_them_hold_every_head(world: World, now: datetime) -> None:
    first = audit.anchor(now=now)
    with transaction():
        audit.record("test.act", "unit:1", now=now, stream=audit.person_stream(world.learner), actor_id=world.hr)
    second = audit.anchor(now=now + timedelta(days=1))
    assert len(json.loads(first.heads)) > 10
    assert [row[0] for row in json.loads(second.heads)] == [f"person:{world.learner}"]
    assert audit.verify(db.session()) == []
    with transaction() as session:  # a head that claims to be anchored further than any anchor reaches
        session.execute(sa.text("UPDATE audit_head SET anchored_seq = 99 WHERE stream = 'system'"))
    assert audit.verify(db.session()) == ["stream system: no anchor holds entry 99, as its head says"]


def test_the_sweeper_anchors_once_a_day(world: World, now: datetime) -> None:
    assert anchor_daily(now) == 1
    assert anchor_daily(now + timedelta(hours=23)) == 0
    assert anchor_daily(now + timedelta(hours=24)) == 1
    assert audit.verify(db.session()) == []
