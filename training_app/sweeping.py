"""What has to happen when a time has come: rooms register a sweep, the sweeper runs each, one fault stops no other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import structlog

from training_app.db import db

Sweep = Callable[[datetime], int]
_sweeps: dict[str, Sweep] = {}
log = structlog.get_logger()


def sweeps(name: str) -> Callable[[Sweep], Sweep]:
    """Register a sweep: a function of `now` that does what is due, in bounded portions, and returns how much it did."""

    def register(function: Sweep) -> Sweep:
        _sweeps[name] = function
        return function

    return register


def sweep(*, now: datetime) -> dict[str, int]:
    """Run every sweep once; return what each did."""
    done: dict[str, int] = {}
    for name, function in _sweeps.items():
        try:
            done[name] = function(now)
        except Exception:
            db.session.rollback()
            log.exception("sweep failed", sweep=name)
    return done
