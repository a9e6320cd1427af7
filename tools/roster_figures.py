"""Measure an import: seconds to check, apply and undo, how long the write lock is held, peak memory.

    .venv/bin/python -m tools.roster_figures --rows 20000 --units 1200 [--database postgresql://…] [--moved 500]
    .venv/bin/python -m tools.roster_figures --licences    # a licence of each, once the people are there
    .venv/bin/python -m tools.roster_figures --cases 5000  # complaints about permit holders, likewise

It makes a product of its own in a folder of its own and removes it again. Seconds of a core first, by the clock in
brackets: on SQLite all work is done in this process, so that the first figure is that of a machine at rest.
"""

from __future__ import annotations

import argparse
import csv
import io
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask_migrate import upgrade

from training_app import clock
from training_app.accounts import queries
from training_app.accounts import service as accounts
from training_app.accounts.rules import UnitType
from training_app.accounts.service import today
from training_app.app import create_app
from training_app.content import service as content
from training_app.db import db
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.roster import service, undoing
from training_app.roster.models import Roster
from training_app.roster.rules import LineKind
from training_app.settings import Settings

ROOT = Path(__file__).resolve().parent.parent
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华文建国玉兰海波鹏飞"
NAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林郑罗梁谢宋唐许韩冯邓曹彭曾肖田董"
_held: list[tuple[float, float]] = []  # of a core, by the clock


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--units", type=int, default=1_200)
    parser.add_argument("--moved", type=int, default=500)
    parser.add_argument("--database", default=None)
    parser.add_argument("--licences", action="store_true")
    parser.add_argument("--cases", type=int, default=0)
    given = parser.parse_args()
    below = ROOT / ".bench-data"
    below.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="roster-", dir=below))
    try:
        _measure(folder, given)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(folder: Path, given: argparse.Namespace) -> None:
    environ = {"APP_ENV": "test", "DATA_DIR": str(folder), "TEST_CLOCK": str(folder / "clock"), "SECRET_KEY": "k" * 40}
    if given.database:
        environ["DATABASE_URL"] = given.database
    app = create_app(Settings.from_env(environ))
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        content.import_files(ROOT, now=clock.now())
        hr = _network(given.units)
        _watch_lock()
        rows = [_row(n, given.units) | (_permit(n) if given.cases else {}) for n in range(given.rows)]
        first = _send(rows, hr)
        _apply(first, hr if not given.cases else _second())
        if given.cases:
            _measure_cases(given, hr)
            _print_memory()
            return
        if given.licences:
            _measure_licences(given, hr)
            _print_memory()
            return
        with _timed("the same file again: check"):
            again = _take(rows, hr)
            _work(again)
        moved = [
            row | {"unit_number": f"U-{(n + 7) % given.units:05}", "phone": "139 0000 0000"}
            for n, row in enumerate(rows)
        ]
        some = _send(moved[: given.moved], hr)
        _apply(some, hr)
        _undo(some, hr)
        _print_memory()


def _measure_licences(given: argparse.Namespace, hr: int) -> None:
    _print_memory()
    rows = [_licence(n) for n in range(given.rows)]
    first = _send(rows, hr, "licences")
    _apply(first, hr)
    with _timed("the same file again: check"):
        again = _take(rows, hr, "licences")
        _work(again)
    renewed = [row | {"expires_on": "2039-12-31"} for row in rows[: given.moved]]
    some = _send(renewed, hr, "licences")
    _apply(some, hr)
    _undo(some, hr)
    _undo(first, hr)


def _measure_cases(given: argparse.Namespace, hr: int) -> None:
    _print_memory()
    service.MOST_ROWS["cases"] = max(given.cases, service.MOST_CASES)
    rows = [_complaint(n, given.rows) for n in range(given.cases)]
    first = _send(rows, hr, "cases")
    _apply(first, hr)
    with _timed("the same file again: check"):
        again = _take(rows, hr, "cases")
        _work(again)
    _undo(first, hr)


def _permit(n: int) -> dict[str, str]:
    return {"permit_since": "2023-01-10", "permit_until": "2027-12-31", "level": "junior", "level_since": "2023-01-10",
            "level_until": "2027-12-31", "former_permit": f"F-{n}"}  # fmt: skip


def _second() -> int:
    (top,) = (row.unit_id for row in queries.units(db.session(), today(clock.now())) if row.parent_id is None)
    return accounts.create_person(
        number="HR-2", name="褚人事", unit_id=top, employer="总公司", now=clock.now(), actor_id=None, roles=("hr",)
    )


def _complaint(n: int, people: int) -> dict[str, str]:
    codes = ("promise-broken", "repeat-repair", "service-below-standard", "late-without-notice")
    at = clock.now() - timedelta(days=1 + n % 300, minutes=n % 700)
    return {
        "number": f"K-{n:07}", "employee_number": f"T-{n * 7 % people:06}", "code": codes[n % len(codes)],
        "occurred_at": at.strftime("%Y-%m-%d %H:%M"), "order": f"WO-{n:08}", "channel": "电话",
        "words": f"师傅没有按约定时间来，第{n}次反映。" * 3,
    }  # fmt: skip


def _print_memory() -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process so far: {peak:.0f} MB", flush=True)


def _network(units: int) -> int:
    now = clock.now()
    top = accounts.create_unit(
        number="HQ", name="总部", type=UnitType.HEADQUARTERS, parent_id=None, now=now, actor_id=None
    )
    regions = [_unit(f"R-{n:02}", UnitType.REGIONAL_CENTRE, top) for n in range(12)]
    centres = [_unit(f"C-{n:04}", UnitType.STAR_CENTRE, regions[n % 12]) for n in range(max(1, units // 10))]
    for n in range(units):
        _unit(f"U-{n:05}", UnitType.OUTLET, centres[n % len(centres)])
    return accounts.create_person(
        number="HR-1", name="冯人事", unit_id=top, employer="总公司", now=now, actor_id=None, roles=("hr",)
    )


def _unit(number: str, type_: UnitType, parent: int) -> int:
    return accounts.create_unit(
        number=number, name=f"单位{number}", type=type_, parent_id=parent, now=clock.now(), actor_id=None
    )


def _row(n: int, units: int) -> dict[str, str]:
    name = NAMES[n % len(NAMES)] + GIVEN[n // 7 % len(GIVEN)] + GIVEN[n // 31 % len(GIVEN)]
    return {
        "number": f"T-{n:06}", "name": name, "unit_number": f"U-{n % units:05}", "employer": f"服务公司{n % 40}",
        "since": f"20{10 + n % 15}-0{1 + n % 9}-1{n % 9}", "phone": f"138{n:08}", "email": f"t{n}@example.com",
    }  # fmt: skip


def _licence(n: int) -> dict[str, str]:
    kinds = ("low-voltage-electrician", "refrigeration", "work-at-height", "gas-appliance")
    return {
        "number": f"T-{n:06}", "name": _row(n, 1)["name"], "kind": kinds[n % len(kinds)],
        "licence_number": f"T3301{n:013}", "issuer": f"应急管理局{n % 30}", "issued_on": f"202{n % 5}-0{1 + n % 9}-11",
        "expires_on": f"20{27 + n % 9}-0{1 + n % 9}-10",
    }  # fmt: skip


def _watch_lock() -> None:
    """Note how long every write transaction holds the lock: from BEGIN to its end."""
    began: dict[int, tuple[float, float]] = {}

    @sa.event.listens_for(db.engine, "begin")
    def _began(connection: Any) -> None:
        if connection.get_execution_options().get("write"):
            began[id(connection)] = (time.perf_counter(), time.process_time())

    def _ended(connection: Any) -> None:
        at = began.pop(id(connection), None)
        if at is not None:
            _held.append((time.process_time() - at[1], time.perf_counter() - at[0]))

    real = db.session().__class__.commit

    def commit(session: Any) -> None:
        connection = session.connection() if session.in_transaction() else None
        real(session)
        if connection is not None:
            _ended(connection)

    db.session().__class__.commit = commit  # type: ignore[method-assign]
    sa.event.listen(db.engine, "rollback", _ended)


@contextmanager
def _timed(what: str) -> Iterator[None]:
    _held.clear()
    start, used = time.perf_counter(), time.process_time()
    yield
    took, used = time.perf_counter() - start, time.process_time() - used
    longest = ", ".join(f"{core:.2f} ({wall:.2f})" for core, wall in sorted(_held, reverse=True)[:3])
    print(f"{what}: {used:.1f} s of a core ({took:.1f} s); lock held at most {longest} s", flush=True)


def _take(rows: Sequence[dict[str, str]], actor_id: int, kind: str = "people") -> int:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return service.take_in(
        kind, f"{kind}.csv", out.getvalue().encode(), erases=False, is_all=False, unit_id=None, now=clock.now(),
        actor_id=actor_id,
    )  # fmt: skip


def _send(rows: Sequence[dict[str, str]], actor_id: int, kind: str = "people") -> int:
    with _timed(f"check {len(rows)} rows of {kind}"):
        roster_id = _take(rows, actor_id, kind)
        _work(roster_id)
    found = db.session.get_one(Roster, roster_id)
    assert not found.figures[LineKind.FAULTY], found.figures
    db.session.rollback()
    return roster_id


def _apply(roster_id: int, actor_id: int) -> None:
    service.ask_to_apply(roster_id, leaving=0, now=clock.now(), actor_id=actor_id)
    db.session.rollback()
    figures = {kind: count for kind, count in db.session.get_one(Roster, roster_id).figures.items() if count}
    with _timed(f"apply {figures}"):
        _work(roster_id)


def _undo(roster_id: int, actor_id: int) -> None:
    with _timed("undo it"):
        assert undoing.ask_to_undo(roster_id, now=clock.now(), actor_id=actor_id)
        _work(roster_id)


def _work(roster_id: int) -> None:
    while True:
        found = db.session.scalars(
            sa.select(Job.id).where(Job.key.like(f"roster/{roster_id}/%"), Job.state == "queued").order_by(Job.id)
        ).all()
        db.session.rollback()
        if not found:
            return
        for job_id in found:
            start = time.perf_counter()
            jobs.run(job_id)
            job = db.session.get_one(Job, job_id)
            assert job.error is None, job.error
            db.session.rollback()
            took = time.perf_counter() - start
            if took > 60:
                print(f"  a round of {took:.0f} s", flush=True)


if __name__ == "__main__":
    os.environ.setdefault("APP_ENV", "test")
    main()
