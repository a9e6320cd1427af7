"""How much is measured: by arguments, or by the environment as BENCH_<NAME>."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass, fields


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """The sizes of a run; `small` ones only show that every job still runs."""

    rounds: int = 3
    seconds: float = 2.0
    people: int = 1_000_000
    certificates: int = 10
    papers: int = 40
    folded: int = 200
    connections: int = 8
    histories: int = 10_000


SMALL = Sizes(rounds=1, seconds=0.02, people=100, certificates=1, papers=2, folded=2, connections=2, histories=20)
WORDS = {
    "rounds": "interleaved rounds, of which the median counts",
    "seconds": "seconds per measurement of a page",
    "people": "people in the lists",
    "certificates": "certificates printed in a row, per round",
    "papers": "papers handed in, per round",
    "folded": "people whose rows are rebuilt",
    "connections": "connections at once",
    "histories": "people with ten lines of ledger each, rebuilt and simulated",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add one argument per size."""
    parser.add_argument("--small", action="store_true", help="only show that every job runs; the ratios mean nothing")
    for one in fields(Sizes):
        kind = type(one.default)
        parser.add_argument(f"--{one.name}", type=kind, help=f"{WORDS[one.name]} (default {one.default})")


def chosen(arguments: argparse.Namespace) -> Sizes:
    """Return the sizes asked for: argument, else environment, else default."""
    start = SMALL if arguments.small else Sizes()
    values = {}
    for one in fields(Sizes):
        kind = type(one.default)
        given = getattr(arguments, one.name)
        if given is None and f"BENCH_{one.name.upper()}" in os.environ:
            given = kind(os.environ[f"BENCH_{one.name.upper()}"])
        values[one.name] = getattr(start, one.name) if given is None else given
    return Sizes(**values)
