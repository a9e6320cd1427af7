"""The bare commit that writes are measured against: one row, on the product's kind of database, as durable."""

from __future__ import annotations

import sqlite3
from typing import Any


class Rows:
    """One connection to the yardstick's own table; `address`: a SQLite file, or that of a PostgreSQL database."""

    def __init__(self, address: str) -> None:
        self._is_postgres = address.startswith("postgresql")
        self._connection: Any = _postgres(address) if self._is_postgres else _sqlite(address)

    def keep(self, text: str) -> None:
        """Insert one row and commit it."""
        if self._is_postgres:
            self._connection.execute("INSERT INTO bench_row (body) VALUES (%s)", (text,))
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO bench_row (body) VALUES (?)", (text,))
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()


def _postgres(address: str) -> Any:
    import psycopg

    server = psycopg.connect(address, autocommit=True)
    server.execute("CREATE TABLE IF NOT EXISTS bench_row (id BIGSERIAL PRIMARY KEY, body TEXT)")
    return server


def _sqlite(address: str) -> Any:
    connection = sqlite3.connect(address, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE IF NOT EXISTS bench_row (id INTEGER PRIMARY KEY, body TEXT)")
    return connection
