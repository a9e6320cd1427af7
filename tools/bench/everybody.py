"""Everybody at once: the rebuild of all rows and a simulated policy, over people with ten lines of ledger each."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from tools.bench import report
from tools.bench.folds import seconds
from tools.bench.histories import Histories
from tools.bench.report import Goal, Line
from tools.bench.sizes import Sizes
from tools.bench.stage import Stage, hire
from training_app import clock
from training_app.accounts.whom_queries import next_people
from training_app.calendar.rules import legal_day
from training_app.content import queries as content
from training_app.db import db, transaction
from training_app.status import service as status
from training_app.status import simulating
from training_app.status.fold_queries import gather, snapshot_of
from training_app.status.models import LevelHeld, PersonState

PORTION = 500
YARDSTICK = "rows in order + the fold, one process"


def measure(made: Stage, sizes: Sizes) -> Iterator[Line]:
    """Measure against reading the same rows in the order of people and folding them in memory, in one process."""
    hr = hire(made, "hq", ("hr",))
    Histories(made).fill(sizes.histories, hr)
    now = clock.now()
    plain = min(seconds(lambda: _read_and_fold(now)) for _ in range(2 if sizes.histories < 50_000 else 1))
    goal = Goal(most=1.5)
    _forget_rows()
    written = seconds(_rebuild)
    yield report.time("rebuild, every row is written", YARDSTICK, [(written, plain)], goal)
    yield report.time("rebuild, every row is true", YARDSTICK, [(seconds(_rebuild), plain)], goal)
    yield report.time("a policy simulated (two folds)", YARDSTICK, [(seconds(lambda: _simulate(now)), plain)], goal)
    print(
        f"  {sizes.histories:,} people; peak memory of a rebuild: {_peak()}; load {os.getloadavg()[0]:.1f}", flush=True
    )


def _peak() -> str:
    """Return the most memory that the processes of a rebuild held, as the system counts it while they run."""
    peaks: dict[int, int] = {}
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.1):
            for path in Path("/proc").glob("[0-9]*/status"):
                with suppress(OSError, KeyError, ValueError):
                    said = dict(line.split(":", 1) for line in path.read_text().splitlines() if ":" in line)
                    if int(said["PPid"]) == os.getpid():
                        peaks[int(path.parent.name)] = int(said["VmHWM"].split()[0]) // 1024

    watcher = threading.Thread(target=look)
    watcher.start()
    _rebuild()
    done.set()
    watcher.join()
    return f"{' + '.join(map(str, sorted(peaks.values()))) or 'no'} MB in other processes"


def _read_and_fold(now: datetime) -> None:
    after = 0
    while (whom := next_people(db.session(), after, PORTION)) is not None:
        people = gather(db.session(), whom, now)
        for known in people.known.values():
            snapshot_of(known, people.terms)
        db.session.rollback()
        after = whom.ids[-1]


def _forget_rows() -> None:
    with transaction() as session:
        session.execute(sa.delete(LevelHeld))
        session.execute(sa.delete(PersonState))


def _rebuild() -> None:
    for _difference in status.rebuilt(clock=clock.now):
        pass


def _simulate(now: datetime) -> None:
    version = content.get_current(db.session(), "points_policy", "standard", legal_day(now, "Asia/Shanghai"))
    db.session.rollback()
    body = dict(version.body) | {"limit": 9, "stages": [{"at": 3, "sanction": "talk"}, {"at": 9, "sanction": "revoke"}]}
    _figures, changes = simulating.simulate("standard", body, as_of=now)
    for _change in changes:
        pass
