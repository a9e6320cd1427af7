"""Put a PostgreSQL database back to what its template holds, without making it anew for every test.

`CREATE DATABASE ... TEMPLATE` copies some three hundred files, mostly of catalogues, and dropping it removes them
again: half a second to two, for a test that changes a few rows of a few tables. So the rows of each template are read
once, and after a test only the tables that it changed are filled again. A test that changed more than rows (a table, a
trigger, a right) costs a new database.
"""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

# The catalogues of what a test may change besides rows; a row of theirs is newer then, or gone.
_SHAPE = """
    WITH ours AS (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
    SELECT count(*), max(xmin::text::bigint) FROM pg_class WHERE oid IN (SELECT oid FROM ours)
    UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_attribute WHERE attrelid IN (SELECT oid FROM ours)
    UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_trigger WHERE tgrelid IN (SELECT oid FROM ours)
    UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_constraint WHERE conrelid IN (SELECT oid FROM ours)
    UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_namespace
    UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_extension
    UNION ALL SELECT count(*), max(xmin::text::bigint) FROM pg_default_acl
"""


class Copies:
    """One database, `name` on `server`, that holds now the rows of one template, now those of another."""

    def __init__(self, server: str, name: str) -> None:
        self._server, self._name = server, name
        self._rows: dict[str, dict[str, bytes]] = {}
        self._counts: dict[str, dict[str, int]] = {}
        self._sequences: dict[str, list[tuple[str, int, bool]]] = {}
        self._loaded: str | None = None
        self._mark = 0  # rows written since have a transaction number from here on
        self._shape: list[tuple[Any, ...]] = []

    def load(self, template: str) -> None:
        """Let the database hold what the database `template` holds, and nobody be connected to it."""
        if template not in self._rows:
            self._read(template)
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", (self._name,)
            )
        if self._loaded is None or not self._is_put_back(template):
            self._make(template)
        self._loaded = template

    def forget(self) -> None:
        """Know nothing any more of what the database holds: something else wrote it."""
        self._loaded = None

    def _make(self, template: str) -> None:
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {self._name} WITH (FORCE)")
            connection.execute(f"CREATE DATABASE {self._name} TEMPLATE {template}")
            # Tests kill the product, never the server: what it has acknowledged is safe without waiting for the disk.
            connection.execute(f"ALTER DATABASE {self._name} SET synchronous_commit = off")
        with self._connect(self._name) as connection:
            self._shape = connection.execute(_SHAPE).fetchall()
            self._set_mark(connection)

    def _is_put_back(self, template: str) -> bool:
        """Fill what differs from the template; return False where more than rows was changed, or a lock is held."""
        assert self._loaded is not None
        with self._connect(self._name) as connection:
            if connection.execute(_SHAPE).fetchall() != self._shape:
                return False
            wanted = self._rows[template]
            changed = [
                table
                for table, count, newest in connection.execute(_newest_of(list(wanted))).fetchall()
                if count != self._counts[self._loaded][table]
                or newest >= self._mark
                or wanted[table] != self._rows[self._loaded][table]
            ]
            try:
                # No trigger fires in this session: neither those that keep history from changes nor foreign keys.
                connection.execute("SET session_replication_role = replica")
                connection.execute("SET lock_timeout = '5s'")
                for table in changed:
                    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
                    self._fill(connection, table, wanted[table])
                for sequence, value, is_called in self._sequences[template]:
                    connection.execute("SELECT setval(%s::regclass, %s, %s)", (sequence, value, is_called))
                connection.commit()
            except psycopg.errors.LockNotAvailable:
                return False
            self._set_mark(connection)
        return True

    def _read(self, template: str) -> None:
        """Keep the rows of a template and where its sequences stand."""
        with self._connect(template) as connection:
            tables = [
                str(row[0]) for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
            ]
            self._rows[template] = {table: _rows(connection, table) for table in tables}
            found = connection.execute(_newest_of(tables)).fetchall()
            self._counts[template] = {str(table): int(count) for table, count, _ in found}
            named = connection.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'").fetchall()
            self._sequences[template] = [(str(name), *_standing(connection, str(name))) for (name,) in named]

    def _connect(self, name: str) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(self._server, dbname=name)

    def _set_mark(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        row = connection.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
        assert row is not None
        self._mark = int(row[0])

    @staticmethod
    def _fill(connection: psycopg.Connection[tuple[Any, ...]], table: str, rows: bytes) -> None:
        into = sql.SQL("COPY {} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
        with connection.cursor().copy(into) as copy:
            copy.write(rows)


def _rows(connection: psycopg.Connection[tuple[Any, ...]], table: str) -> bytes:
    whole = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
    with connection.cursor().copy(whole) as copy:
        return b"".join(bytes(part) for part in copy)


def _standing(connection: psycopg.Connection[tuple[Any, ...]], sequence: str) -> tuple[int, bool]:
    stands = sql.SQL("SELECT last_value, is_called FROM {}").format(sql.Identifier(sequence))
    row = connection.execute(stands).fetchone()
    assert row is not None
    return int(row[0]), bool(row[1])


def _newest_of(tables: list[str]) -> sql.Composed:
    """Return the statement that tells of each table how many rows it has and the newest transaction in it."""
    return sql.SQL(" UNION ALL ").join(
        sql.SQL("SELECT {}, count(*), coalesce(max(xmin::text::bigint), 0) FROM {}").format(
            sql.Literal(table), sql.Identifier(table)
        )
        for table in tables
    )
