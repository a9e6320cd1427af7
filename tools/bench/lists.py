"""The list of people in SQL: the product's own statements, replayed on the bare driver against a primary-key page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from statistics import median
from typing import Any

import sqlalchemy as sa

from tools.bench import report
from tools.bench.report import Goal, Line
from tools.bench.sizes import Sizes
from tools.bench.stage import Stage
from training_app import clock
from training_app.dashboards import figure_queries
from training_app.dashboards import people_queries as lists
from training_app.dashboards.people_rules import PAGE, Filters, PageKey
from training_app.db import db

Statement = tuple[str, Any]
TURNS = 60
LATER = 12  # later pages, spread over the whole list


@contextmanager
def statements() -> Iterator[list[Statement]]:
    """Collect the reads that are sent to the database meanwhile."""
    seen: list[Statement] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_rest: object) -> None:
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    sa.event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(db.engine, "before_cursor_execute", note)


def people(made: Stage, sizes: Sizes) -> Iterator[Line]:
    """Measure the first page, later pages and the figures of the whole network."""
    now = clock.now()
    tops, none = frozenset({made.units["hq"]}), lists.Stale(people={})
    first = _statement(tops, None, now)
    later = [_statement(tops, key, now) for key in _keys(made, sizes)]
    plain = _plain()
    with statements() as seen:
        figure_queries.figures(db.session(), lists.Scope(tops=tops, units=(), is_everybody=True), now, none)
        lists.count(db.session(), tops, Filters(), now, none)
    db.session.remove()
    connection = db.engine.raw_connection()
    cursor = connection.cursor()
    try:
        firsts, laters, figures = [], [], []
        for turn in range(sizes.rounds + 1):
            bare = _time(cursor, plain, TURNS)
            page = _time(cursor, [first], TURNS)
            deep = _time(cursor, later, TURNS)
            counted = _time(cursor, seen, 1) * len(seen)
            grouped = _time(cursor, [_GROUPS], 1)
            if turn:
                firsts.append((page, bare))
                laters.append((deep, page))
                figures.append((counted, grouped))
    finally:
        cursor.close()
        connection.close()
    of = f"{sizes.people:,}"
    yield report.time(f"page of {PAGE} of {of} people (SQL)", "primary-key page", firsts, Goal(most=1.5))
    yield report.time("a later page by key (SQL)", "the first page", laters, Goal(most=1.3))
    yield report.time("figures of the whole network (SQL)", "group-by over per-person rows", figures, Goal(most=0.01))


_GROUPS: Statement = ("SELECT level, stage, count(*) FROM person_state GROUP BY level, stage", ())


def _statement(tops: frozenset[int], key: PageKey | None, now: datetime) -> Statement:
    with statements() as seen:
        lists.page(db.session(), tops, Filters(), key, now, lists.Stale(people={}), {})
    db.session.rollback()
    return seen[-1]


def _keys(made: Stage, sizes: Sizes) -> list[PageKey]:
    """Return where later pages begin, spread evenly over the list."""
    from training_app.access.models import PersonInUnit

    step = max(1, sizes.people // (LATER + 1))
    found = []
    for turn in range(1, LATER + 1):
        row = db.session.execute(
            sa.select(PersonInUnit.sort_key, PersonInUnit.person_id)
            .where(PersonInUnit.ancestor_unit_id == made.units["hq"])
            .order_by(PersonInUnit.sort_key, PersonInUnit.person_id)
            .offset(min(step * turn, max(0, sizes.people - PAGE - 2)))
            .limit(1)
        ).one()
        found.append(PageKey(sort_key=row.sort_key, person_id=row.person_id))
    db.session.rollback()
    return found


def _plain() -> list[Statement]:
    """Return pages of the per-person rows by primary key, as wide as they are, spread over the table."""
    mark = "%s" if db.engine.dialect.name == "postgresql" else "?"
    last = db.session.scalar(sa.text("SELECT max(person_id) FROM person_state")) or 0
    db.session.rollback()
    text = f"SELECT * FROM person_state WHERE person_id > {mark} ORDER BY person_id LIMIT {PAGE + 1}"  # noqa: S608
    return [(text, (last * turn // (LATER + 1),)) for turn in range(LATER)]


def _time(cursor: Any, wanted: list[Statement], turns: int) -> float:
    """Return the median time of a statement, all rows fetched; each is run once before."""

    def run(statement: Statement) -> None:
        cursor.execute(*statement)
        cursor.fetchall()

    for one in wanted:
        run(one)
    took = []
    for turn in range(max(turns, len(wanted))):
        start = time.perf_counter()
        run(wanted[turn % len(wanted)])
        took.append(time.perf_counter() - start)
    return median(took)
