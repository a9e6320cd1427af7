"""Effects to come: tried until they are done, given up only after a day, and brought back by command."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import OperationalError

from training_app.db import db, transaction
from training_app.outbox import service as outbox
from training_app.outbox.models import OutboxMessage

TOPIC = "test.mail"


@pytest.fixture
def away(now: datetime) -> Iterator[list[datetime]]:
    """Register a consumer that fails while the list is empty; it notes when it was done."""
    up: list[datetime] = []
    tries: list[datetime] = []

    @outbox.consumer(TOPIC)
    def consume(_body: Mapping[str, object], at: datetime) -> None:
        tries.append(at)
        if not up:
            raise ConnectionRefusedError("no server")

    with transaction():
        outbox.send(TOPIC, "test/1", {}, now=now)
        outbox.send(TOPIC, "test/1", {}, now=now)
    yield up
    del outbox._consumers[TOPIC]


def _message() -> OutboxMessage:
    db.session.rollback()
    return db.session.scalars(sa.select(OutboxMessage).where(OutboxMessage.topic == TOPIC)).one()


def _try_for(span: timedelta, now: datetime) -> datetime:
    at = now
    while at < now + span and _message().dead_at is None:
        outbox.dispatch_due(now=at)
        at = max(_message().not_before, at + timedelta(seconds=1))
    return at


def test_a_server_that_is_away_overnight_loses_no_mail(app: Flask, now: datetime, away: list[datetime]) -> None:
    at = _try_for(timedelta(hours=14), now)
    assert _message().dead_at is None
    away.append(at)
    assert outbox.dispatch_due(now=at) >= 1
    assert _message().dispatched_at == at


def test_what_was_given_up_is_named_and_comes_back_by_command(app: Flask, now: datetime, away: list[datetime]) -> None:
    at = _try_for(timedelta(days=3), now)
    assert _message().dead_at is not None
    assert outbox.dispatch_due(now=at + timedelta(days=1)) == 0
    away.append(at)
    result = app.test_cli_runner().invoke(args=["retry-outbox"])
    assert "test.mail: ConnectionRefusedError('no server')" in result.output
    assert "1 will be tried again" in result.output
    assert outbox.dispatch_due(now=at) == 1
    assert _message().dispatched_at == at


def test_a_database_that_is_away_for_a_moment_does_not_end_the_sweeper(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds: list[int] = []

    def sweep(**_when: object) -> None:
        rounds.append(1)
        if len(rounds) == 1:
            raise OperationalError("SELECT 1", {}, Exception("server closed the connection"))
        raise KeyboardInterrupt

    monkeypatch.setattr("training_app.cli.sweep", sweep)
    app.test_cli_runner().invoke(args=["sweeper", "--every", "0"])
    assert len(rounds) == 2


def test_one_process_dispatches_at_a_time(any_app: Flask, now: datetime, away: list[datetime]) -> None:
    """On PostgreSQL another process may be at it: who comes meanwhile sends nothing a second time."""
    if db.engine.dialect.name != "postgresql":
        away.append(now)
        assert outbox.dispatch_due(now=now) >= 1
        return
    with db.engine.connect() as other:
        assert other.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(outbox.TURN)))
        away.append(now)
        assert outbox.dispatch_due(now=now) == 0
        assert _message().dispatched_at is None
    assert outbox.dispatch_due(now=now) >= 1
    assert _message().dispatched_at == now


def test_many_messages_of_a_topic_that_is_away_hold_up_no_other(any_app: Flask, now: datetime) -> None:
    """One of them asks every ten seconds, also where more come meanwhile; once it is back, all are done."""
    tries: list[datetime] = []
    told: list[datetime] = []
    back: list[bool] = []

    @outbox.consumer("test.queue")
    def ask(_body: Mapping[str, object], at: datetime) -> None:
        tries.append(at)
        if not back:
            raise outbox.OutOfReach("nobody listens")

    @outbox.consumer("test.word")
    def tell(_body: Mapping[str, object], at: datetime) -> None:
        told.append(at)

    try:
        with transaction():
            for one in range(130):
                outbox.send("test.queue", f"test/queue/{one}", {}, now=now)
            outbox.send("test.word", "test/word/1", {}, now=now)
        assert outbox.dispatch_due(now=now) == 1
        assert (len(tries), told) == (1, [now])
        soon = now + timedelta(seconds=1)
        with transaction():
            outbox.send("test.queue", "test/queue/later", {}, now=soon)
            outbox.send("test.word", "test/word/2", {}, now=soon)
        assert outbox.dispatch_due(now=soon) == 1
        assert (len(tries), told) == (1, [now, soon])
        assert outbox.is_stuck(db.session(), "test.queue")
        assert not outbox.is_stuck(db.session(), "test.word")
        at = now + timedelta(seconds=outbox.AWAY_S)
        outbox.dispatch_due(now=at)
        assert len(tries) == 2
        back.append(True)
        at += timedelta(seconds=outbox.AWAY_S)
        while outbox.dispatch_due(now=at):
            pass
        assert len(tries) == 2 + 131
    finally:
        del outbox._consumers["test.queue"], outbox._consumers["test.word"]


@pytest.mark.parametrize("looks", [True, False])
def test_of_equal_messages_to_who_looks_at_how_things_stand_one_look_serves_all(
    app: Flask, now: datetime, looks: bool
) -> None:
    seen: list[object] = []

    @outbox.consumer(TOPIC, looks=looks)
    def look(body: Mapping[str, object], _at: datetime) -> None:
        seen.append(body["person"])
        if body["person"] == 3 and len(seen) < 5:
            raise ValueError("not yet")

    try:
        with transaction():
            for place, person in enumerate((1, 2, 1, 3, 3)):
                outbox.send(TOPIC, f"test/{place}", {"person": person}, now=now)
        assert outbox.dispatch_due(now=now) == (3 if looks else 4)
        assert seen == ([2, 1, 3] if looks else [1, 2, 1, 3, 3])
        waiting = sa.select(OutboxMessage.attempts).where(OutboxMessage.dispatched_at.is_(None))
        assert db.session.scalars(waiting).all() == ([1, 1] if looks else [1])
        db.session.rollback()
    finally:
        del outbox._consumers[TOPIC]
        outbox._looks.discard(TOPIC)


def test_of_many_effects_those_are_told_that_are_new_and_the_others_stay_as_they_are(
    any_app: Flask, now: datetime
) -> None:
    with transaction():
        assert outbox.send("test.word", "test/2", {"said": "first"}, now=now)
    asked = [(f"test/{number}", {"said": "later"}, now) for number in (3, 1, 2, 1)]
    with transaction():
        assert outbox.send_many("test.word", asked, now=now) == {"test/1", "test/3"}
        assert outbox.send_many("test.word", asked, now=now) == frozenset()
        assert outbox.send_many("test.word", [], now=now) == frozenset()
    rows = db.session.execute(
        sa.select(OutboxMessage.key, OutboxMessage.body, OutboxMessage.not_before, OutboxMessage.attempts)
        .where(OutboxMessage.topic == "test.word")
        .order_by(OutboxMessage.key)
    ).all()
    assert [(key, body["said"]) for key, body, _at, _tries in rows] == [
        ("test/1", "later"), ("test/2", "first"), ("test/3", "later"),
    ]  # fmt: skip
    assert {(at, tries) for _key, _body, at, tries in rows} == {(now, 0)}
