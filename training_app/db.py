"""Database: column types, append-only tables, and the one way to write.

SQLite (default) and PostgreSQL. Writes stand inside `transaction()`: on SQLite it opens with BEGIN IMMEDIATE, because a
deferred start fails under contention; on PostgreSQL row locks carry the rules. Only SQL belongs between its two ends.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, registry
from sqlalchemy.types import TypeDecorator

Read = TypeVar("Read")


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database, microseconds kept; a naive value is refused."""

    impl = sa.DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> Any:
        """Take timestamptz on PostgreSQL, a naive UTC text on SQLite."""
        return dialect.type_descriptor(sa.DateTime(timezone=dialect.name == "postgresql"))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Send an instant; raises ValueError for a naive one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime has no place in the database")
        value = value.astimezone(UTC)
        return value if dialect.name == "postgresql" else value.replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Return an aware instant in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> Any:
        """Read SQLite's text in one go: a page of people holds six hundred instants."""
        return _utc_of_text if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _utc_of_text(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text + "+00:00")


def enum_column(values: type[Any], length: int = 30) -> sa.Enum:
    """Return the column type of a StrEnum: its values as text, held to the list by a check constraint."""
    return sa.Enum(
        values,
        name=values.__name__.lower(),
        native_enum=False,
        length=length,
        create_constraint=True,
        values_callable=lambda e: [m.value for m in e],
    )


Key = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Json = sa.JSON().with_variant(JSONB, "postgresql")
# Pinyin sort keys compare byte by byte on both databases, so that keyset pages agree with the index.
SortKey = sa.String(200).with_variant(sa.String(200, collation="C"), "postgresql")


class Base(DeclarativeBase):
    """Declarative base with a naming convention, so that every constraint can be migrated by name."""

    registry = registry(
        metadata=sa.MetaData(
            naming_convention={
                "ix": "ix_%(column_0_N_label)s",
                "uq": "uq_%(table_name)s_%(column_0_N_name)s",
                "ck": "ck_%(table_name)s_%(constraint_name)s",
                "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
                "pk": "pk_%(table_name)s",
            }
        ),
        type_annotation_map={datetime: UtcDateTime, date: sa.Date, dict[str, Any]: Json, list[Any]: Json},
    )


db = SQLAlchemy(model_class=Base, disable_autonaming=True)

APPEND_ONLY = "append_only"


class EventColumns:
    """Columns of every event table; the table refuses UPDATE and DELETE by triggers.

    `effective_at`: when it counts. `recorded_at`, `seq`: stamped under the lock of the stream. `idem`: the idempotency
    key, also the last sort key of every fold. `actor_id`: person, or None for the system. Words and files stand in
    `payload`, of which only id and salted digest are kept here.
    """

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    seq: Mapped[int]
    actor_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    idem: Mapped[str] = mapped_column(sa.String(200), unique=True)
    payload_id: Mapped[int | None] = mapped_column(sa.ForeignKey("payload.id"))
    payload_digest: Mapped[str | None] = mapped_column(sa.String(64))


def append_only_tables() -> list[str]:
    """Return the names of all tables that refuse UPDATE and DELETE, sorted."""
    return sorted(t.name for t in db.metadata.tables.values() if t.info.get(APPEND_ONLY))


def configure_engine(engine: Engine) -> None:
    """Set the connection up: on SQLite foreign keys, WAL, synchronous FULL, 16 MB of cache, explicit transactions."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, see below
        for pragma in (
            "foreign_keys=ON",
            "journal_mode=WAL",
            "synchronous=FULL",
            "busy_timeout=5000",
            "cache_size=-16000",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


@contextmanager
def hurried(engine: Engine) -> Iterator[None]:
    """Let SQLite wait for the disk at checkpoints only, for data that can be made again: a crash may lose the last.

    Whoever does this works on one connection, and nobody else is at work.
    """
    _set_synchronous(engine, "NORMAL")
    try:
        yield
    finally:
        _set_synchronous(engine, "FULL")


def _set_synchronous(engine: Engine, how: str) -> None:
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            driver.execute(f"PRAGMA synchronous={how}")


@contextmanager
def transaction() -> Iterator[Session]:
    """Open the one write transaction of a use case; commit at the end, roll everything back on any error.

    A read transaction that the request has open (its user was loaded) is ended first: it holds nothing to keep. Nested
    use is a programming error: a use case is one transaction.
    """
    session = db.session()
    if session.info.get("writing"):
        raise RuntimeError("transaction() inside transaction(): one use case is one transaction")
    session.rollback()
    session.info["writing"] = True
    session.info["locked"] = set()  # people locked so far; see accounts.locks
    try:
        with _in_turn(session):
            try:
                session.connection(execution_options={"write": True})
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise
    finally:
        session.info["writing"] = False


@contextmanager
def _in_turn(session: Session) -> Iterator[None]:
    """Wait for one's turn to write to SQLite, among all threads and processes.

    SQLite lets writers ask again and again with growing pauses: of fifty, some ask at the wrong moments for longer than
    the busy timeout. A lock on a file beside the database wakes the waiting instead; it goes with its process.
    """
    url = session.get_bind().engine.url
    if url.get_backend_name() != "sqlite" or not url.database:
        yield
        return
    file = os.open(f"{url.database}-turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


_MOST_READ_ONCE = 256


def read_once(session: Session, name: tuple[object, ...], read: Callable[[], Read]) -> Read:
    """Return what `read` reads, kept by `name` until the read transaction ends: several rooms ask for the same.

    Inside `transaction()` nothing is kept: who writes has to see what was written. Whoever gets it must not change it.
    """
    if session.info.get("writing"):
        return read()
    kept = session.info.get("read_once")
    if kept is None or kept[0] is not session.get_transaction():
        found = read()
        session.info["read_once"] = (session.get_transaction(), {name: found})
        return found
    if name not in kept[1]:
        if len(kept[1]) >= _MOST_READ_ONCE:
            kept[1].clear()
        kept[1][name] = read()
    again: Read = kept[1][name]
    return again


def writing_session() -> Session:
    """Return the session of the running `transaction()`; raises RuntimeError outside one."""
    session = db.session()
    if not session.info.get("writing"):
        raise RuntimeError("this writes, so it has to be called inside transaction()")
    return session


def canonical_json(value: object) -> str:
    """Write JSON in the one form that is hashed and compared: sorted keys, no spaces, real characters."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
