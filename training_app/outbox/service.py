"""Write effects to come, and dispatch them after the commit, at least once, in order of their time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from training_app.db import canonical_json, db, transaction, writing_session
from training_app.outbox.models import OutboxMessage

Consumer = Callable[[Mapping[str, object], datetime], None]

_consumers: dict[str, Consumer] = {}
_looks: set[str] = set()  # topics whose consumers look at how things stand, whatever each message is about
MAX_ATTEMPTS = 30  # with the waits between them about a day: a mail server or a queue may be away overnight
LONGEST_WAIT_S = 3600
AWAY_S = 10  # after so long it is asked whether what was away is back
_AWAY = "away: "  # how the last error of a message begins that found it so
TURN = 0x0B0C5  # the advisory lock of whoever dispatches: a number that nothing else in this database takes
log = structlog.get_logger()


class OutOfReach(Exception):
    """Where the messages of a topic go is away: no fault of the message, all of them wait for its return."""


def consumer(topic: str, *, looks: bool = False) -> Callable[[Consumer], Consumer]:
    """Register the one consumer of a topic: it gets body and `now`, opens its own transaction, may be repeated.

    `looks`: it looks at how things stand now, so that of several equal messages that wait one look serves all.
    """

    def register(function: Consumer) -> Consumer:
        _consumers[topic] = function
        if looks:
            _looks.add(topic)
        return function

    return register


def send(
    topic: str, key: str, body: Mapping[str, object], *, now: datetime, not_before: datetime | None = None
) -> bool:
    """Write one effect in the running transaction; the same key a second time changes nothing and returns False."""
    session = writing_session()
    if session.scalar(sa.select(OutboxMessage.id).where(OutboxMessage.key == key)) is not None:
        return False
    session.add(OutboxMessage(topic=topic, key=key, body=dict(body), created_at=now, not_before=not_before or now))
    session.flush()
    return True


def send_many(
    topic: str, effects: Sequence[tuple[str, Mapping[str, object], datetime]], *, now: datetime
) -> frozenset[str]:
    """Write effects (key, body, not before) of one topic in the running transaction; return the keys that are new.

    Keys that are there stay, also one that another transaction writes at this moment: who comes second waits for it.
    """
    session = writing_session()
    rows = [
        {"topic": topic, "key": key, "body": dict(body), "created_at": now, "not_before": not_before, "attempts": 0}
        for key, body, not_before in sorted(effects, key=lambda one: one[0])  # two writers never wait in a circle
    ]
    if not rows:
        return frozenset()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(OutboxMessage).on_conflict_do_nothing(index_elements=["key"]).returning(OutboxMessage.key)
    return frozenset(session.scalars(statement, rows))


def dispatch_due(*, now: datetime, limit: int = 100) -> int:
    """Run the consumers of what is due; return how many were done. A fault delays that one message alone.

    One process dispatches at a time: who comes while another is at it has nothing to do, and returns 0.
    """
    with _turn() as is_ours:
        return _dispatch_all(now, limit) if is_ours else 0


@contextmanager
def _turn() -> Iterator[bool]:
    """Take the turn to dispatch, if it is free; it goes with the process that holds it.

    Two sweepers would send one mail twice. On SQLite a data folder admits one sweeper; on PostgreSQL several machines
    may share a database, so a lock of the database says whose turn it is. It belongs to a transaction of a connection
    of its own: that also holds where a pooler hands connections out by transaction.
    """
    if db.engine.dialect.name != "postgresql":
        yield True
        return
    with db.engine.connect() as connection:
        yield bool(connection.scalar(sa.select(sa.func.pg_try_advisory_xact_lock(TURN))))


def _dispatch_all(now: datetime, limit: int) -> int:
    """Dispatch what is due; where a topic proves to be away, what it left of the portion goes to the others."""
    waiting = sa.select(OutboxMessage.topic).where(*_waiting(), _found_away(), OutboxMessage.not_before > now)
    away = set(db.session.scalars(waiting.distinct()))
    done, known = 0, None
    while known != away:
        known = set(away)
        due = db.session.execute(
            sa.select(OutboxMessage.id, OutboxMessage.topic, OutboxMessage.body)
            .where(*_waiting(), OutboxMessage.not_before <= now, OutboxMessage.topic.not_in(sorted(away)))
            .order_by(OutboxMessage.not_before, OutboxMessage.id)
            .limit(limit)
        ).all()
        db.session.rollback()
        for ids, topic, body in _together(due):
            if topic in away:
                continue  # each try might wait for an answer; meanwhile the other topics would stand still
            try:
                done += _dispatch(ids, topic, body, now)
            except OutOfReach as error:
                away.add(topic)
                log.warning("outbox topic is out of reach", topic=topic, error=str(error))
                _wait(ids[0], str(error), now)
    return done


_Together = tuple[list[int], str, Mapping[str, object]]


def _together(due: Iterable[Any]) -> list[_Together]:
    """Put equal messages of a topic that looks in the place of the last of them: what all were sent for is there."""
    found: dict[object, _Together] = {}
    for message_id, topic, body in due:
        key: object = (topic, canonical_json(body)) if topic in _looks else message_id
        ids = [*found.pop(key)[0], message_id] if key in found else [message_id]
        found[key] = (ids, topic, body)
    return list(found.values())


def _waiting() -> tuple[ColumnElement[bool], ...]:
    return OutboxMessage.dispatched_at.is_(None), OutboxMessage.dead_at.is_(None)


def _found_away() -> ColumnElement[bool]:
    return OutboxMessage.last_error.startswith(_AWAY)


def _dispatch(ids: Sequence[int], topic: str, body: Mapping[str, object], now: datetime) -> int:
    try:
        _consumers[topic](body, now)
    except OutOfReach:
        db.session.rollback()
        raise
    except Exception as error:
        db.session.rollback()
        log.exception("outbox message failed", topic=topic, message=ids[0])
        for message_id in ids:
            _note_failure(message_id, repr(error), now)
        return 0
    with transaction() as session:
        session.execute(sa.update(OutboxMessage).where(OutboxMessage.id.in_(ids)).values(dispatched_at=now))
    return len(ids)


def _wait(message_id: int, reason: str, now: datetime) -> None:
    """Let a message wait without counting the try: nothing is given up because a server is away."""
    with transaction() as session:
        message = session.get_one(OutboxMessage, message_id)
        message.last_error, message.not_before = (_AWAY + reason)[:2000], now + timedelta(seconds=AWAY_S)


def is_stuck(session: Session, topic: str) -> bool:
    """Tell whether a topic is out of reach: what is sent besides the message that waits would only wait as well."""
    waiting = sa.select(OutboxMessage.id).where(OutboxMessage.topic == topic, *_waiting(), _found_away())
    return session.scalar(waiting.limit(1)) is not None


def _note_failure(message_id: int, error: str, now: datetime) -> None:
    with transaction() as session:
        message = session.get_one(OutboxMessage, message_id)
        message.attempts += 1
        message.last_error = error[:2000]
        message.not_before = now + timedelta(seconds=min(2**message.attempts, LONGEST_WAIT_S))
        if message.attempts >= MAX_ATTEMPTS:
            message.dead_at = now


def dead(session: Session) -> list[tuple[int, str, str | None]]:
    """Return what was given up: id, topic and the last error, oldest first."""
    rows = session.execute(
        sa.select(OutboxMessage.id, OutboxMessage.topic, OutboxMessage.last_error)
        .where(OutboxMessage.dead_at.isnot(None))
        .order_by(OutboxMessage.id)
    )
    return [(message_id, topic, error) for message_id, topic, error in rows]


def revive(*, now: datetime) -> int:
    """Let everything that was given up be tried again from now on; return how much it was."""
    with transaction() as session:
        done = session.execute(
            sa.update(OutboxMessage)
            .where(OutboxMessage.dead_at.isnot(None))
            .values(dead_at=None, attempts=0, not_before=now)
        )
    return int(done.rowcount)  # type: ignore[attr-defined]
