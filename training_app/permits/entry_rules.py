"""The lines of the ledger, in which order they are walked, and which of them were voided."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property

from training_app.calendar.rules import require_aware
from training_app.permits.base_rules import RuleError


class EntryKind(Enum):
    """A line of the ledger."""

    DEMERIT = "demerit"
    MERIT = "merit"
    CLEAR = "clear"
    VOID = "void"


class EntryInvalid(RuleError):
    """An entry whose points do not fit its kind; `values`: idem, kind, points."""

    code = "entry_invalid"


_ORDER = {EntryKind.DEMERIT: 0, EntryKind.MERIT: 1, EntryKind.CLEAR: 2, EntryKind.VOID: 3}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One row of the ledger; instants are aware.

    `effective_at` decides the window (the occurrence), `exists_at` from when the entry counts at all,
    `recorded_at` from when it is known. `refs` are the idempotency keys that a clear or void names. An empty
    `occasion` is its own. `discovered_at`: when the breach was reported, None where that is of no matter.
    """

    idem: str
    kind: EntryKind
    points: int
    effective_at: datetime
    exists_at: datetime
    recorded_at: datetime
    seq: int = 0
    code: str = ""
    occasion: str = ""
    refs: tuple[str, ...] = ()
    discovered_at: datetime | None = None

    def __post_init__(self) -> None:
        """Refuse points that do not fit the kind, and instants without an offset."""
        bears_points = self.kind in (EntryKind.DEMERIT, EntryKind.MERIT)
        if bears_points != (self.points > 0) or self.points < 0:
            raise EntryInvalid(idem=self.idem, kind=self.kind, points=self.points)
        for instant in (self.effective_at, self.exists_at, self.recorded_at):
            require_aware(instant)

    @cached_property
    def sort_key(self) -> tuple[datetime, int, str]:
        """Return the place in the walk; the idempotency key decides last, never the arrival."""
        return (self.exists_at, _ORDER[self.kind], self.idem)


@dataclass(frozen=True, kw_only=True)
class CorrectiveTask:
    """Work that a demerit asks of the holder; while it is open at a window's end, the demerit is carried."""

    entry: str
    opened_at: datetime
    done_at: datetime | None = None


def known_entries(entries: Iterable[Entry], known_at: datetime | None = None) -> list[Entry]:
    """Return what was recorded until `known_at` in walking order, each key once (the earliest row)."""
    first: dict[str, Entry] = {}
    for entry in sorted(entries, key=lambda entry: (entry.recorded_at, entry.seq)):
        if known_at is None or entry.recorded_at <= known_at:
            first.setdefault(entry.idem, entry)
    return sorted(first.values(), key=lambda entry: entry.sort_key)


def was_atoned(entries: Iterable[Entry], keys: Iterable[str]) -> bool:
    """Tell whether a clear lists one of these entries: what a retraining was passed for is not asked for again."""
    wanted = frozenset(keys)
    return any(entry.kind is EntryKind.CLEAR and not wanted.isdisjoint(entry.refs) for entry in entries)


def voided(entries: Sequence[Entry], as_of: datetime) -> frozenset[str]:
    """Return the keys that voids in force at `as_of` name; a void can itself be voided by a later one."""
    gone: set[str] = set()
    for entry in reversed([e for e in entries if e.kind is EntryKind.VOID and e.exists_at <= as_of]):
        if entry.idem not in gone:
            gone.update(entry.refs)
    return frozenset(gone)
