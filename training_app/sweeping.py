"""What has to happen when a time has come: rooms register a sweep, the sweeper runs each, one fault stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog

from training_app.db import db

Sweep = Callable[[datetime], int]
_sweeps: dict[str, Sweep] = {}
log = structlog.get_logger()
REST = timedelta(seconds=30)


class PiecesFailed(Exception):
    """Pieces of a sweep that could not be done; each is in the log with its fault."""


def sweeps(name: str) -> Callable[[Sweep], Sweep]:
    """Register a sweep: a function of `now` that does what is due, in bounded portions, and returns how much it did."""

    def register(function: Sweep) -> Sweep:
        _sweeps[name] = function
        return function

    return register


def sweep(*, now: datetime, resting: dict[str, datetime] | None = None) -> dict[str, int]:
    """Run every sweep once; return what each did.

    Who sweeps again and again hands in the same `resting` each time: a sweep that failed is tried again after REST, so
    that a fault that stays does not fill the disk with its own story.
    """
    resting = {} if resting is None else resting
    done: dict[str, int] = {}
    for name, function in _sweeps.items():
        if name in resting and now < resting[name] <= now + REST:
            continue
        try:
            done[name] = function(now)
            resting.pop(name, None)
        except Exception:
            db.session.rollback()
            log.exception("sweep failed", sweep=name)
            resting[name] = now + REST
    return done


def in_turn(ids: Iterable[int], step: Callable[[int], bool]) -> int:
    """Let one piece of work after the other have its turn, each in its own transaction; return how many were done.

    A piece that fails is logged and holds up none that comes after it. Raises PiecesFailed once all had their turn, so
    that the sweep says it too.
    """
    tried = done = failed = 0
    for one in ids:
        tried += 1
        try:
            done += step(one)
        except Exception:
            db.session.rollback()
            log.exception("piece of a sweep failed", piece=one)
            failed += 1
    if failed:
        raise PiecesFailed(f"{failed} of {tried} pieces failed, {done} were done")
    return done
