"""The database that tests on PostgreSQL share is, for each of them, exactly what its template is."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy.engine import make_url

from tests.postgres_copies import Copies

pytestmark = pytest.mark.postgres
Template = tuple[Flask, str, str, Copies]


def _connect(template: Template) -> psycopg.Connection[tuple[Any, ...]]:
    _, server, name, _ = template
    url = make_url(server).set(database=name)
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)


def _all_rows(template: Template) -> dict[str, list[str]]:
    with _connect(template) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {
            str(name): sorted(str(row[0]) for row in connection.execute(f'SELECT t::text FROM "{name}" t').fetchall())
            for (name,) in tables
        }


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM content_version WHERE id % 2 = 0",
        "INSERT INTO unit (id, created_at, number) VALUES (900, now(), 'X900')",
        "UPDATE content_version SET source_path = 'elsewhere' WHERE id = (SELECT min(id) FROM content_version)",
        "SELECT nextval('content_version_id_seq')",
        "ALTER TABLE content_version ADD COLUMN more text",
        "DROP TABLE first_visit",
        "CREATE SCHEMA elsewhere",
    ],
)
def test_what_a_test_changed_is_put_back(postgres_template: Template, change: str) -> None:
    _, _, name, copies = postgres_template
    copies.load(f"{name}_template")
    before = _all_rows(postgres_template)
    with _connect(postgres_template) as connection:
        (number,) = connection.execute("SELECT nextval('content_version_id_seq')").fetchone() or (0,)
        connection.execute("SET session_replication_role = replica")
        connection.execute(change.encode())
    copies.load(f"{name}_template")
    assert _all_rows(postgres_template) == before
    with _connect(postgres_template) as connection:
        assert connection.execute("SELECT nextval('content_version_id_seq')").fetchone() == (number,)
        assert connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'elsewhere'").fetchone() is None


def test_what_holds_a_lock_is_sent_away(postgres_template: Template) -> None:
    _, _, name, copies = postgres_template
    copies.load(f"{name}_template")
    before = _all_rows(postgres_template)
    left = _connect(postgres_template)
    left.autocommit = False
    left.execute("LOCK TABLE content_version IN ACCESS EXCLUSIVE MODE")
    copies.load(f"{name}_template")
    assert _all_rows(postgres_template) == before
    with pytest.raises(psycopg.OperationalError):
        left.execute("SELECT 1")
