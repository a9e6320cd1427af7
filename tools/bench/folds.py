"""The ledger and the rows that lists read: an append with its row, and the rebuild of all rows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from statistics import median

import sqlalchemy as sa

from tools.bench import report
from tools.bench.report import Goal, Line
from tools.bench.rows import Rows
from tools.bench.sizes import Sizes
from tools.bench.stage import Stage, hire
from training_app import clock
from training_app.accounts.models import Person
from training_app.db import db
from training_app.permits import service as permits
from training_app.status import queries as states
from training_app.status import service as status

APPENDS = 30


def append(made: Stage, holders: list[int], sizes: Sizes) -> Iterator[Line]:
    """Record rewards: one line of the ledger, its audit entry, what it makes due, and the person's row."""
    hr, rows = hire(made, "hq", ("hr",)), Rows(made.rows)

    def reward(number: int) -> None:
        now = clock.now()
        permits.reward(
            holders[number % len(holders)], code="customer-delight", achieved_at=now - timedelta(days=1),
            words="顾客来信致谢。", token=f"bench-{number}", now=now, actor_id=hr, language="zh",
        )  # fmt: skip

    turns = APPENDS if sizes.folded >= APPENDS else 2
    pairs = []
    for turn in range(sizes.rounds + 1):
        plain = median(seconds(lambda: rows.keep("one line of a ledger")) for _ in range(turns))
        kept = median(seconds(lambda n=turn * turns + n: reward(n)) for n in range(turns))  # type: ignore[misc]
        if turn:
            pairs.append((kept, plain))
    rows.close()
    yield report.time("ledger append + state row", "bare insert + commit", pairs, Goal(most=1.6))


def rebuild(sizes: Sizes) -> Iterator[Line]:
    """Rebuild everybody's row by the product's command, against the fold alone."""
    pairs = []
    for _ in range(sizes.rounds):
        now = clock.now()
        plain = seconds(lambda n=now: _fold_all(n))  # type: ignore[misc]
        mine = seconds(lambda: status.rebuild(clock=clock.now))
        pairs.append((mine, plain))
    yield report.time("rebuild of all states", "same rows in order + the fold", pairs, Goal(most=1.5))


def _fold_all(now: datetime) -> None:
    ids = db.session.scalars(sa.select(Person.id).order_by(Person.id)).all()
    for one in ids:
        states.fold_person(db.session(), one, now)
    db.session.rollback()


def seconds(run: Callable[[], object]) -> float:
    """Return how long something takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start
