"""Measure the product against yardsticks in the same run: `make bench`, or `python -m tools.bench --help`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tools.bench import load, report, sizes, stage
from tools.bench.report import Line
from tools.bench.sizes import Sizes
from tools.bench.stage import Stage

GROUPS = ("folds", "histories", "certificates", "lists", "writes", "pages")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    sizes.add_arguments(parser)
    parser.add_argument("--only", choices=GROUPS, action="append", help="only these jobs")
    parser.add_argument(
        "--folder", type=Path, default=stage.ROOT / ".bench-data", help="where it works, on a real disk"
    )
    parser.add_argument("--prepared", type=Path, help="a migrated and loaded SQLite file to begin with")
    arguments = parser.parse_args()
    asked, only = sizes.chosen(arguments), set(arguments.only or GROUPS)
    began = time.monotonic()
    url = os.environ.get("BENCH_DATABASE_URL")
    print(f"{os.cpu_count()} cores, {'PostgreSQL' if url else 'SQLite at synchronous=FULL'}, {asked.rounds} rounds, "
          f"{'wrk' if load.wrk() else 'own client'} for pages, {asked.connections} connections")  # fmt: skip
    print(report.head(), flush=True)
    with stage.stage(arguments.folder, database_url=url, prepared=arguments.prepared) as made:
        for line in _measure(made, asked, only):
            print(report.written(line), flush=True)
    print(f"in {time.monotonic() - began:.0f} s", flush=True)
    return 0


def _measure(made: Stage, asked: Sizes, only: set[str]) -> Iterator[Line]:
    from tools.bench import crowd, everybody, folds, lists, pages, sheets, writes
    from tools.bench.server import served

    holders = [stage.holder(made) for _ in range(asked.folded if "folds" in only else 1)]
    if "folds" in only:
        yield from folds.append(made, holders, asked)
        yield from folds.rebuild(asked)
    if "histories" in only:
        yield from everybody.measure(made, asked)
    if "certificates" in only:
        if sheets.has_full_collection():
            yield from sheets.certificates(asked)
        else:
            print(f"certificates: left out, {sheets.FULL} is not installed (fonts-noto-cjk)", flush=True)
    if only.isdisjoint({"lists", "writes", "pages"}):
        return
    if not only.isdisjoint({"lists", "pages"}):
        crowd.fill(made, asked.people)
    if "lists" in only:
        yield from lists.people(made, asked)
    if only.isdisjoint({"writes", "pages"}):
        return
    sitters = [stage.sitter(made) for _ in range(asked.connections)]
    with served(made):
        if "pages" in only:
            learner = stage.browser(made, stage.learner(made))
            yield from pages.measure(made, pages.pages(made, sitters[0], holders[0], learner), asked)
        if "writes" in only:
            yield from writes.autosave(made, sitters, asked)
            papers = [[stage.sitter(made) for _ in range(asked.papers)] for _ in range(asked.rounds)]
            yield from writes.hand_in(made, papers, asked)
            yield from writes.sign_in(
                made, [stage.with_password(made) for _ in range(min(4, asked.connections))], asked
            )


if __name__ == "__main__":
    sys.exit(main())
