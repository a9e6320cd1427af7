"""The triggers that keep event tables append-only, on SQLite and PostgreSQL.

Migrations call `guard()` after creating a table and wrap every change of an event table in `unguarded()`, because a
batch migration on SQLite copies the table and would lose its triggers silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'append-only: % of % is refused', TG_OP, TG_TABLE_NAME; END $$
"""


def guard(connection: Connection, tables: Iterable[str]) -> None:
    """Create the triggers of `tables`."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(_FUNCTION.replace("%", "%%"))
    for table in tables:
        for verb in ("update", "delete"):
            connection.exec_driver_sql(_statement(connection.dialect.name, table, verb))


def unguard(connection: Connection, tables: Iterable[str]) -> None:
    """Drop the triggers of `tables`."""
    on = {"postgresql": ' ON "{}"'}.get(connection.dialect.name, "")
    for table in tables:
        for verb in ("update", "delete"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {table}_no_{verb}{on.format(table)}")


@contextmanager
def unguarded(connection: Connection, *tables: str) -> Iterator[None]:
    """Let a migration rebuild `tables`: triggers off, then on again, then the foreign keys are checked.

    On SQLite foreign keys have to be switched off by the migration environment before the transaction begins.
    """
    unguard(connection, tables)
    yield
    guard(connection, tables)
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if broken:
            raise RuntimeError(f"foreign keys are broken after the migration: {broken[:5]}")


def guarded_tables(connection: Connection) -> list[str]:
    """Return the tables that refuse both UPDATE and DELETE in this database, sorted."""
    if connection.dialect.name == "postgresql":
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    else:
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    names = {row[0] for row in connection.execute(sa.text(query))}
    updates = {n.removesuffix("_no_update") for n in names if n.endswith("_no_update")}
    deletes = {n.removesuffix("_no_delete") for n in names if n.endswith("_no_delete")}
    return sorted(updates & deletes)


def _statement(dialect: str, table: str, verb: str) -> str:
    head = f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table}"
    if dialect == "postgresql":
        return f"{head} FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    return f"{head} BEGIN SELECT RAISE(ABORT, 'append-only: {verb} of {table} is refused'); END"
