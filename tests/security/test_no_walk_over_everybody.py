"""No page of a technician, a visitor or a rater, and no step of the chain, walks over a table that grows with people.

SQLite keeps no figures of how large tables are, so that it plans in this small database as it does with a million
people. What walks over them is named below, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.security.house import furnish, routes
from tests.security.pages import signed_in
from training_app.db import db

# Tables whose rows are counted by units, by content, by days or by what is under way do not grow with people.
STEADY = {
    "unit", "unit_version", "unit_parent", "company", "content_version", "content_event", "content_media",
    "audit_anchor", "status_fold", "print_run", "roster", "photo_batch", "policy_draft",
}  # fmt: skip
# How the furnished house finds what it has made.
OF_THE_HOUSE = (
    'SELECT job.id FROM job WHERE job."key" LIKE ?',
    'SELECT job.id FROM job WHERE job."key" LIKE ? AND job.state = ? ORDER BY job.id',
    "SELECT performance.public_id FROM performance WHERE performance.state = ? LIMIT ? OFFSET ?",
)
# An index of what is open holds only that.
SCAN = re.compile(r"^SCAN (?:TABLE )?(\w+)(?!.* INDEX ix_\w+_open$)")


@contextmanager
def _statements() -> Iterator[dict[str, Any]]:
    seen: dict[str, Any] = {}

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        if statement.split(maxsplit=1)[0].upper() in ("SELECT", "UPDATE", "DELETE", "WITH"):
            seen.setdefault(statement, parameters)

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def _walks(seen: dict[str, Any]) -> list[str]:
    """Return the walks over growing tables in the plans of statements."""
    growing = {table.name for table in db.metadata.sorted_tables} - STEADY
    found = []
    db.session.rollback()
    connection = db.session.connection()
    for statement, parameters in seen.items():
        if isinstance(parameters, list):
            parameters = parameters[0]
        aliases = dict(re.findall(r"(?:FROM|JOIN) (\w+) AS (\w+)", statement))
        named = {alias: table for table, alias in aliases.items()}
        if " WHERE " not in " ".join(statement.split()) and "LIMIT" in statement:
            continue  # the first rows of all, as they lie
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters):
            scan = SCAN.match(row[-1])
            if scan and named.get(scan[1], scan[1]) in growing:
                found.append(f"{row[-1]}: {' '.join(statement.split())}")
    return found


def test_no_step_of_the_chain_walks_over_everybody(app: Flask) -> None:
    with _statements() as seen:
        furnish()
    assert len(seen) > 100
    assert [walk for walk in _walks(seen) if not walk.endswith(OF_THE_HOUSE)] == []


@pytest.mark.parametrize("person", [None, "learner", "learner2", "trainer", "examiner"])
def test_no_page_of_theirs_walks_over_everybody(app: Flask, house: Any, person: str | None) -> None:
    client = signed_in(app, house, person)
    with _statements() as seen:
        for rule in routes(app, "GET"):
            client.get(house.url(app, rule), headers={"Accept": "text/html"}, buffered=True)
    assert len(seen) > (5 if person is None else 20)
    assert _walks(seen) == []
