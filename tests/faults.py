"""Faults on purpose: let the n-th statement of a use case fail, for every n, and look whether anything was kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.orm import Session

from training_app.db import db


class Fault(Exception):
    """What the test makes happen."""


@contextmanager
def failing_at(call: int) -> Iterator[list[str]]:
    """Let the n-th statement that reaches the database fail, BEGIN and the commit included; yield what was sent."""
    sent: list[str] = []

    def note(statement: str) -> None:
        sent.append(statement)
        if len(sent) == call:
            raise Fault(statement)

    def on_statement(_connection: object, _cursor: object, statement: str, *_rest: Any) -> None:
        note(statement)

    def on_commit(_session: Session) -> None:
        note("COMMIT")

    event.listen(db.engine, "before_cursor_execute", on_statement)
    event.listen(Session, "before_commit", on_commit)
    try:
        yield sent
    finally:
        event.remove(db.engine, "before_cursor_execute", on_statement)
        event.remove(Session, "before_commit", on_commit)


@contextmanager
def watching_commits() -> Iterator[Callable[[], bool]]:
    """Yield a question: has any row been committed since the question was last asked?"""
    db.session.rollback()
    path = db.engine.url.database
    if db.engine.dialect.name == "sqlite":
        # The number changes with every commit of another connection that wrote something, and only then.
        with closing(sqlite3.connect(str(path))) as aside:
            before = [aside.execute("PRAGMA data_version").fetchone()]

            def changed() -> bool:
                before.append(aside.execute("PRAGMA data_version").fetchone())
                return bool(before[-1] != before[-2])

            yield changed
        return
    seen = [_every_row()]

    def differs() -> bool:
        seen.append(_every_row())
        return seen[-1] != seen[-2]

    yield differs


def _every_row() -> list[tuple[str, str | None]]:
    """Return a digest of every table that is not content."""
    db.session.rollback()
    digests = []
    with db.engine.connect() as connection:
        for name in sorted(set(db.metadata.tables) - {"content_version", "content_event"}):
            rows = f'SELECT md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM "{name}" t'
            digests.append((name, connection.scalar(sa.text(rows))))
    return digests


def fail_at_every_statement(act: Callable[[], object]) -> int:
    """Run a use case with a fault at its first statement, its second and so on until it is through; return how many.

    After each fault nothing must have been kept, so that the same call again begins anew; the last one succeeds.
    """
    call = 0
    with watching_commits() as was_written:
        while True:
            call += 1
            with failing_at(call) as sent:
                try:
                    act()
                except Fault:
                    db.session.rollback()
                    assert not was_written(), f"half done after statement {call}: {sent[-1]}"
                    continue
            # A fault that was swallowed would end the loop too early, with nothing done.
            assert len(sent) == call - 1, f"the fault at statement {call} was swallowed"
            assert was_written()
            return call - 1


@contextmanager
def refusing_updates(table: str, row_id: int) -> Iterator[None]:
    """Let the database refuse every change of one row, as a broken row would make it."""
    is_sqlite = db.engine.dialect.name == "sqlite"
    refuse = [
        f"CREATE TRIGGER broken_row BEFORE UPDATE ON {table} WHEN OLD.id = {row_id} "
        "BEGIN SELECT RAISE(ABORT, 'a fault of the test'); END"
    ] if is_sqlite else [
        "CREATE FUNCTION refuse_broken_row() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'a fault of the test'; END $$",
        f"CREATE TRIGGER broken_row BEFORE UPDATE ON {table} FOR EACH ROW WHEN (OLD.id = {row_id}) "
        "EXECUTE FUNCTION refuse_broken_row()",
    ]  # fmt: skip
    mend = "DROP TRIGGER broken_row" if is_sqlite else f"DROP TRIGGER broken_row ON {table}"
    _run(*refuse)
    try:
        yield
    finally:
        _run(mend)


def _run(*statements: str) -> None:
    db.session.rollback()
    with db.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
