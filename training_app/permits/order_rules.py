"""Whether rows that are there could have come to be: events against the tables of moves, the ledger against its cases.

Whoever writes asks first; this asks afterwards, of rows that may have been changed by hand.

    for fault in permit_faults(events, policy): fault.field, fault.row, fault.expected
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from training_app.calendar.rules import WorkCalendar
from training_app.permits.base_rules import RuleError
from training_app.permits.case_rules import CaseEvent, CaseState, fold_case
from training_app.permits.due_rules import KnownSanction
from training_app.permits.entry_rules import Entry, EntryKind, voided
from training_app.permits.number_rules import entry_key
from training_app.permits.permit_rules import PERMIT_MOVES, PermitEvent, fold_permit, state_at
from training_app.permits.policy_rules import Policy
from training_app.permits.sanction_rules import SanctionEvent, SanctionState, fold_sanction


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something that cannot be: which field of what, what its row says, what would have to stand there."""

    field: str
    row: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """When and as which of a person's events a row was recorded."""

    table: str
    id: int
    seq: int
    recorded_at: datetime


def stamp_faults(stamps: Iterable[Stamp], *, last_seq: int, last_at: datetime) -> Iterator[Fault]:
    """Tell which rows are not in the order in which they were numbered, or lie beyond the last number given."""
    before: Stamp | None = None
    for one in sorted(stamps, key=lambda one: (one.seq, one.recorded_at)):
        where = f"{one.table} {one.id}"
        if before is not None and one.seq == before.seq:
            yield Fault(
                field=f"{where}.seq", row=str(one.seq), expected=f"another than that of {before.table} {before.id}"
            )
        elif before is not None and one.recorded_at <= before.recorded_at:
            yield Fault(
                field=f"{where}.recorded_at", row=_at(one.recorded_at), expected=f"after {_at(before.recorded_at)}"
            )
        if one.seq > last_seq:
            yield Fault(field=f"{where}.seq", row=str(one.seq), expected=f"at most {last_seq}")
        elif one.recorded_at > last_at:
            yield Fault(field=f"{where}.recorded_at", row=_at(one.recorded_at), expected=f"at most {_at(last_at)}")
        before = one


def permit_faults(events: Iterable[PermitEvent], policy: Policy) -> Iterator[Fault]:
    """Tell which events of a permit its state did not allow when they were recorded."""
    before: list[PermitEvent] = []
    for event in sorted(events, key=lambda event: event.seq):
        state = state_at(fold_permit(before, policy, as_of=event.effective_at), event.effective_at)
        allowed = PERMIT_MOVES[event.kind]
        if state not in allowed:
            yield Fault(
                field=f"permit_event {event.idem}", row=f"{event.kind.value} while {state.value}",
                expected=f"while {_any(one.value for one in allowed)}",
            )  # fmt: skip
        before.append(event)


def case_faults(
    number: str, events: Sequence[CaseEvent], policy: Policy, calendar: WorkCalendar
) -> tuple[CaseState | None, list[Fault]]:
    """Return the case as its events tell, or which of them the table of moves does not allow."""
    try:
        state = fold_case(events, policy, calendar)
    except RuleError as error:
        return None, [_refused(f"case {number}", error)]
    if state is None:
        return None, [Fault(field=f"case {number}", row="no report", expected="a report")]
    return state, []


def sanction_faults(
    number: str, events: Sequence[SanctionEvent], policy: Policy, calendar: WorkCalendar
) -> tuple[SanctionState | None, list[Fault]]:
    """Return the sanction as its events tell, or which of them the table of moves does not allow."""
    try:
        state = fold_sanction(events, policy, calendar)
    except RuleError as error:
        return None, [_refused(f"sanction {number}", error)]
    if state is None:
        return None, [Fault(field=f"sanction {number}", row="no proposal", expected="a proposal")]
    return state, []


def ledger_faults(entries: Sequence[Entry]) -> Iterator[Fault]:
    """Tell which lines of a ledger name others that are not there."""
    keys = {entry.idem for entry in entries}
    for entry in entries:
        for ref in entry.refs:
            if ref not in keys:
                yield Fault(field=f"ledger_entry {entry.idem}.refs", row=ref, expected="an entry of this ledger")


def case_entry_faults(
    case_id: int, number: str, state: CaseState, entries: Sequence[Entry], standing: Iterable[Entry]
) -> Iterator[Fault]:
    """Tell where a case and the ledger do not agree: one demerit, of its last round, once it is final with points."""
    key = entry_key(case_id, state.round)
    wanted = {key} if state.is_counted and state.points else set()
    there = {entry.idem: entry for entry in standing}
    for missing in sorted(wanted - there.keys()):
        row = "void" if any(entry.idem == missing for entry in entries) else "no entry"
        yield Fault(field=f"ledger_entry {missing}", row=row, expected=f"{state.points} points of case {number}")
    for idem in sorted(there.keys() - wanted):
        yield Fault(
            field=f"ledger_entry {idem}", row=f"{there[idem].points} points",
            expected=f"no entry: case {number} is {state.status.value}",
        )  # fmt: skip
    for idem in wanted & there.keys():
        if there[idem].points != state.points:
            yield Fault(field=f"ledger_entry {idem}.points", row=str(there[idem].points), expected=str(state.points))


def standing_demerits(entries: Sequence[Entry], as_of: datetime) -> list[Entry]:
    """Return the demerits that no void names."""
    gone = voided(sorted(entries, key=lambda entry: entry.sort_key), as_of)
    return [entry for entry in entries if entry.kind is EntryKind.DEMERIT and entry.idem not in gone]


def doubled(sanctions: Iterable[KnownSanction]) -> Iterator[Fault]:
    """Tell which causes have more than one sanction that stands."""
    counted = Counter(one.cause.partition("#")[0] for one in sanctions if not one.fell_away)
    for cause, count in sorted(counted.items()):
        if count > 1:
            yield Fault(field=f"sanction of {cause}", row=f"{count} that stand", expected="one")


def _refused(where: str, error: RuleError) -> Fault:
    state, move = error.values.get("state"), error.values.get("move")
    row = f"{getattr(move, 'value', move)} while {getattr(state, 'value', state or 'nothing')}"
    return Fault(field=f"{where}: order of events", row=row, expected="a move that the table allows")


def _any(values: Iterable[str]) -> str:
    return ", ".join(sorted(values)) or "never"


def _at(instant: datetime) -> str:
    return instant.isoformat(timespec="microseconds")
