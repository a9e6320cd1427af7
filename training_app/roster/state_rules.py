"""Where an import stands, and what may be done with it then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum


class RosterState(StrEnum):
    """Where an import is."""

    CHECKING = "checking"
    UNREADABLE = "unreadable"
    CHECKED = "checked"
    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"
    DROPPED = "dropped"


_S = RosterState
MOVES: Mapping[RosterState, frozenset[RosterState]] = {
    _S.CHECKING: frozenset({_S.CHECKED, _S.UNREADABLE, _S.DROPPED}),
    _S.CHECKED: frozenset({_S.APPLYING, _S.DROPPED, _S.CHECKING}),
    _S.APPLYING: frozenset({_S.APPLIED, _S.CHECKING}),
    _S.APPLIED: frozenset({_S.UNDOING}),
    _S.UNDOING: frozenset({_S.UNDONE, _S.APPLIED}),
    _S.UNDONE: frozenset(),
    _S.UNREADABLE: frozenset(),
    _S.DROPPED: frozenset(),
}
AT_WORK = frozenset({_S.CHECKING, _S.APPLYING, _S.UNDOING})
UNDO_FOR = timedelta(days=30)
KEPT_FOR = timedelta(days=31)  # the file and the words of its lines; longer than an undo is offered


def may_move(old: RosterState, new: RosterState) -> bool:
    """Tell whether an import may go from one state to the other."""
    return new in MOVES[old]


def may_undo(state: RosterState, applied_at: datetime | None, now: datetime) -> bool:
    """Tell whether undoing is still offered."""
    return state is _S.APPLIED and applied_at is not None and now < applied_at + UNDO_FOR


def job_key(roster_id: int, rounds: int) -> str:
    """Return the key of the job that has the present round of work on an import."""
    return f"roster/{roster_id}/{rounds}"
