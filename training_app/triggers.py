"""What the database itself refuses beyond keys, on SQLite and PostgreSQL: changes of events, dated rows that overlap.

Event tables are append-only by triggers. Of a dated fact one row holds at a time: an exclusion constraint on
PostgreSQL, triggers on SQLite. Migrations call `guard()` or `keep_apart()` after creating a table and wrap every change
of one in `unguarded()` or `overlapping()`, because a batch migration on SQLite copies the table and would lose its
triggers silently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

_FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'append-only: % of % is refused', TG_OP, TG_TABLE_NAME; END $$
"""


@dataclass(frozen=True, kw_only=True)
class Apart:
    """A table of dated rows: which columns name the fact, and which rows count (superseded ones never do)."""

    table: str
    keys: tuple[str, ...]
    only: str = "{row}superseded_at IS NULL"

    @property
    def name(self) -> str:
        """The name of the constraint, and the beginning of the names of the triggers."""
        return f"ex_{self.table}_apart"


# A day without an end belongs to all that is to come; a row that ends the day it begins holds on no day.
APART = (
    Apart(table="assignment", keys=("person_id",), only="{row}superseded_at IS NULL AND {row}kind = 'main'"),
    Apart(table="role_grant", keys=("person_id", "role", "unit_id")),
    Apart(table="time_factor", keys=("person_id",)),
    Apart(table="unit_parent", keys=("unit_id",)),
    Apart(table="unit_version", keys=("unit_id",)),
)
_TEXTS = frozenset({"role"})


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


def keep_apart(connection: Connection, tables: Iterable[str]) -> None:
    """Refuse dated rows of one fact that hold on the same day; fails where some already do."""
    for apart in _of(tables):
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(_exclusion(apart))
            continue
        for verb in ("insert", "update"):
            connection.exec_driver_sql(_overlap_trigger(apart, verb))


def let_overlap(connection: Connection, tables: Iterable[str]) -> None:
    """Drop what `keep_apart` made."""
    for apart in _of(tables):
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"ALTER TABLE {apart.table} DROP CONSTRAINT IF EXISTS {apart.name}")
            continue
        for verb in ("insert", "update"):
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {apart.name}_{verb}")


@contextmanager
def overlapping(connection: Connection, *tables: str) -> Iterator[None]:
    """Let a migration rebuild tables of dated rows: the refusals off, then on again."""
    let_overlap(connection, tables)
    yield
    keep_apart(connection, tables)


def _of(tables: Iterable[str]) -> list[Apart]:
    wanted = set(tables)
    return [apart for apart in APART if apart.table in wanted]


def tables_kept_apart(connection: Connection) -> list[str]:
    """Return the tables whose dated rows this database keeps from overlapping, sorted."""
    if connection.dialect.name == "postgresql":
        names = set(connection.execute(sa.text("SELECT conname FROM pg_constraint WHERE contype = 'x'")).scalars())
        return sorted(apart.table for apart in APART if apart.name in names)
    names = set(connection.execute(sa.text("SELECT name FROM sqlite_master WHERE type = 'trigger'")).scalars())
    return sorted(apart.table for apart in APART if {f"{apart.name}_insert", f"{apart.name}_update"} <= names)


def _exclusion(apart: Apart) -> str:
    # Ranges of one number stand for "equal": they need no extension, which the owner of a database may not be let add.
    numbers = (f"hashtextextended({key}, 0)" if key in _TEXTS else f"coalesce({key}, 0)" for key in apart.keys)
    same = ", ".join(f"int8range({number}, {number}, '[]') WITH &&" for number in numbers)
    return (
        f"ALTER TABLE {apart.table} ADD CONSTRAINT {apart.name} EXCLUDE USING gist "
        f"({same}, daterange(valid_from, valid_to) WITH &&) WHERE ({apart.only.format(row='')})"
    )


def _overlap_trigger(apart: Apart, verb: str) -> str:
    same = " AND ".join(f"o.{key} IS NEW.{key}" for key in apart.keys)
    other = "" if verb == "insert" else " AND o.id <> OLD.id"
    days = (
        "(NEW.valid_to IS NULL OR NEW.valid_to > NEW.valid_from) AND (o.valid_to IS NULL OR o.valid_to > o.valid_from)"
        " AND (NEW.valid_to IS NULL OR o.valid_from < NEW.valid_to)"
        " AND (o.valid_to IS NULL OR NEW.valid_from < o.valid_to)"
    )
    return (
        f"CREATE TRIGGER {apart.name}_{verb} BEFORE {verb.upper()} ON {apart.table} "  # noqa: S608  # names of ours
        f"WHEN {apart.only.format(row='NEW.')} AND EXISTS (SELECT 1 FROM {apart.table} o "
        f"WHERE {same}{other} AND {apart.only.format(row='o.')} AND {days}) "
        f"BEGIN SELECT RAISE(ABORT, '{apart.name}: two rows hold on the same day'); END"
    )
