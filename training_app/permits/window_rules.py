"""How long points count: cycles from the first issue, or a life of its own for every entry.

    leaves_at = lives(demerits, policy)["case-7"]     # exclusive; only for windows that are no cycle

In a cycle an entry belongs to the window of its date, from local midnight to local midnight. In the other windows an
entry counts from its date until it leaves: so many months after the breach (rolling), after its own length
(per_entry), or once so many months have passed without a breach (clean_reset).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta

from training_app.calendar.rules import add_months, cycle_index, day_start, legal_day
from training_app.permits.entry_rules import Entry, EntryKind
from training_app.permits.policy_rules import ClosedWindow, PointsWindow, Policy, WindowKind


def home_index(entry: Entry, policy: Policy, anchor_on: date) -> int | None:
    """Return the index of the cycle to which an entry belongs by its date.

    What was discovered after that cycle had ended is, as the policy says, still part of it, part of the cycle of its
    discovery, or of none (None).
    """
    home = cycle_index(anchor_on, legal_day(entry.effective_at, policy.zone), policy.window_months)
    if policy.closed_window is ClosedWindow.REOPEN_NOW or entry.discovered_at is None:
        return home
    found = cycle_index(anchor_on, legal_day(entry.discovered_at, policy.zone), policy.window_months)
    if found <= home:
        return home
    return found if policy.closed_window is ClosedWindow.CURRENT else None


def lives(members: Iterable[Entry], policy: Policy) -> dict[str, datetime]:
    """Return, by key, the instant from which each demerit no longer counts; for windows that are no cycle."""
    demerits = [entry for entry in members if entry.kind is EntryKind.DEMERIT]
    days = {entry.idem: legal_day(entry.effective_at, policy.zone) for entry in demerits}
    if policy.window.kind is WindowKind.CLEAN_RESET:
        ends = _reset_days(days, policy.window)
    elif policy.window.kind is WindowKind.ROLLING:
        # A closed window holds the very day that lies so many months after the breach.
        ends = {
            idem: add_months(day, policy.window.months) + timedelta(days=policy.window.is_closed)
            for idem, day in days.items()
        }
    else:
        ends = {entry.idem: _own_end(entry, days[entry.idem], policy) for entry in demerits}
    return {idem: day_start(end, policy.zone) for idem, end in ends.items()}


def _own_end(entry: Entry, day: date, policy: Policy) -> date:
    start = legal_day(entry.exists_at, policy.zone) if policy.window.from_existence else day
    fitting = [one for one in policy.window.lengths if one.points <= entry.points] or policy.window.lengths[:1]
    return add_months(start, fitting[-1].months)


def _reset_days(days: Mapping[str, date], window: PointsWindow) -> dict[str, date]:
    """Return the day on which each entry is cleared: `months` after the last breach of its run."""
    ends: dict[str, date] = {}
    for run, clear_on in _runs(sorted(days, key=lambda idem: (days[idem], idem)), days, window.months):
        for idem in run:
            own = None if window.within_months is None else add_months(days[idem], window.within_months)
            ends[idem] = clear_on if own is None else min(clear_on, own)
    return ends


def _runs(order: Iterable[str], days: Mapping[str, date], months: int) -> Iterator[tuple[list[str], date]]:
    """Yield breaches that follow each other in less than `months` months, and the day on which they are cleared."""
    run: list[str] = []
    clear_on = date.min
    for idem in order:
        if run and days[idem] >= clear_on:
            yield run, clear_on
            run = []
        run.append(idem)
        clear_on = add_months(days[idem], months)
    if run:
        yield run, clear_on


def clean_boundaries(members: Iterable[Entry], policy: Policy, anchor_on: date, as_of: datetime) -> list[datetime]:
    """Return the instants at which so many months without a breach were over, counted anew from every breach."""
    reward = policy.merit.clean
    if reward is None:
        return []
    breaches = {legal_day(one.effective_at, policy.zone) for one in members if one.kind is EntryKind.DEMERIT}
    starts = sorted({anchor_on, *(day for day in breaches if day > anchor_on)})
    found = []
    for start, end in zip(starts, [*starts[1:], date.max], strict=True):
        day, periods = add_months(start, reward.months), 1
        while day <= end and day_start(day, policy.zone) <= as_of:
            found.append(day_start(day, policy.zone))
            periods += 1
            day = add_months(start, periods * reward.months)
    return found
