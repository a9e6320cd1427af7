"""The ledger fold: what the entries of one holder come to in a points window.

    result = fold(entries, policy, anchor_on=permit.anchor_on, as_of=now)
    result.total, result.left, result.merits_used, result.next_change_at
    for line in result.lines: line.entry, line.status, line.counted, line.total_after

The fold depends on nothing but its arguments: not on the order of the entries, nor on one arriving twice.
Entries are walked by (exists_at, demerit < merit < clear, idempotency key); where they have lives of their own
(rolling, per entry, clean reset) by the day that counts instead of the day from which they exist, so that breaches
count together that lie together, however late one of them became final. A merit is used against the oldest points that
stand; a clear takes the entries it lists, and the merit points used against them, out of the total. A merit that found
no use when it came stays unused, also after a clear, unless the policy has a bank for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from training_app.calendar.rules import (
    Window,
    add_months,
    boundary_on,
    cycle_index,
    day_start,
    legal_day,
    nth_window,
    require_aware,
)
from training_app.permits.entry_rules import CorrectiveTask, Entry, EntryKind, known_entries, voided
from training_app.permits.policy_rules import Carry, ClosedWindow, OccasionRule, Policy, WindowKind
from training_app.permits.walk_rules import EntryStatus, ServedSanction, StageReached, Walk
from training_app.permits.window_rules import clean_boundaries, home_index, lives


@dataclass(frozen=True, kw_only=True)
class EntryLine:
    """One entry, what became of it, the points it moved, the total after it (None: not walked)."""

    entry: Entry
    status: EntryStatus
    counted: int
    total_after: int | None


@dataclass(frozen=True, kw_only=True)
class Fold:
    """What the ledger comes to: total = deducted - merits_used - cleared - reduced, and never below 0.

    `deducted`: demerits after the occasion rule; `cleared`: points of the entries that clears listed; the merits used
    against them left with them; `reduced`: what a stage that was jumped over took off. `bank`: points of merit kept for
    later. `left` = limit - total + bank, never below 0. `stages`: what was reached, lowest first. `standing`: the
    demerits that count and were not cleared, oldest first: taken as of the service of a revocation, they are what its
    clear lists later. `window`: from when the points that stand count, and when the next of them go.
    """

    window: Window
    total: int
    left: int
    deducted: int
    merits_used: int
    cleared: int
    reduced: int
    bank: int
    stages: tuple[StageReached, ...]
    standing: tuple[str, ...]
    lines: tuple[EntryLine, ...]
    next_change_at: datetime
    as_of: datetime


def window_at(policy: Policy, anchor_on: date, as_of: datetime) -> Window:
    """Return the points window that holds an instant; its start is included, its end is not.

    Where entries have lives of their own: from the day before which a breach has left for certain (the anchor, where
    none is certain) to the day after.
    """
    day = legal_day(as_of, policy.zone)
    if policy.is_cycle:
        return nth_window(
            anchor_on, cycle_index(anchor_on, day, policy.window_months), policy.zone, policy.window_months
        )
    months: int | None = policy.window.months
    if policy.window.kind is WindowKind.CLEAN_RESET:
        months = policy.window.within_months
    uncertain = months is None or policy.window.from_existence
    start = anchor_on if uncertain or months is None else add_months(day, -months)
    return Window(
        start=day_start(min(start, day), policy.zone), end=day_start(add_months(day, policy.window.months), policy.zone)
    )


def fold(
    entries: Iterable[Entry],
    policy: Policy,
    *,
    anchor_on: date,
    as_of: datetime,
    known_at: datetime | None = None,
    tasks: Iterable[CorrectiveTask] = (),
    served: Iterable[ServedSanction] = (),
    window_index: int | None = None,
) -> Fold:
    """Fold the ledger as of an instant, as known at another (None: all that is given).

    `anchor_on`: legal day of the first issue. `served`: the sanctions that were served and stand, which staged policies
    look at. `window_index` asks for another cycle than the one that holds `as_of`, as late entries do for closed ones.
    Raises NaiveInstant.
    """
    require_aware(as_of)
    known = known_entries(entries, known_at)
    gone = voided(known, as_of)
    if not policy.is_cycle:
        known.sort(key=_own_order)
    members = [e for e in known if e.exists_at <= as_of and e.idem not in gone]
    if policy.is_cycle:
        today = cycle_index(anchor_on, legal_day(as_of, policy.zone), policy.window_months)
        index = today if window_index is None else window_index
        window = nth_window(anchor_on, index, policy.zone, policy.window_months)
        open_tasks = _open_at(tasks, window.start)
        places = {e.idem: _place(e, policy, anchor_on, index, window, open_tasks) for e in members}
        walk = Walk(policy, window.start, lambda e: _home_on(e, policy, anchor_on), {})
    else:
        window = window_at(policy, anchor_on, as_of)
        places = {e.idem: _own_place(e) for e in members}
        walk = Walk(policy, None, lambda e: _home_on(e, policy, anchor_on), lives(members, policy))
    walk.to_clear.update(_cleared_at_birth(members))
    points = _points_after_occasion([e for e in members if places[e.idem] is not None], policy)
    clock = _Clock(walk, policy, [one for one in served if one.served_at <= as_of], members, anchor_on, as_of)
    lines: list[tuple[Entry, EntryStatus, int, int | None]] = []
    for entry in known:
        if entry.idem in gone:
            lines.append((entry, EntryStatus.VOID, 0, None))
        elif entry.exists_at > as_of:
            lines.append((entry, EntryStatus.NOT_YET, 0, None))
        elif (place := places[entry.idem]) is None:
            lines.append((entry, EntryStatus.OUTSIDE_WINDOW, 0, None))
        else:
            clock.advance(entry.exists_at if policy.is_cycle else _own_instant(entry))
            status, counted = walk.step(entry, points.get(entry.idem, 0), place)
            lines.append((entry, status, counted, walk.total))
    clock.finish()
    upcoming = [e.exists_at for e in known if e.exists_at > as_of and e.idem not in gone]
    if not policy.is_cycle:
        window = _own_window(walk, policy, window, as_of)
    return Fold(
        window=window,
        total=walk.total,
        left=max(0, policy.limit - walk.total + walk.bank),
        deducted=walk.deducted,
        merits_used=walk.merits_used,
        cleared=walk.points_cleared,
        reduced=walk.reduced,
        bank=walk.bank,
        stages=walk.stages_reached(),
        standing=walk.standing_demerits(),
        lines=tuple(_line(*line, walk=walk) for line in lines),
        next_change_at=min([window.end, *upcoming, *clock.next_reward()]),
        as_of=as_of,
    )


class _Clock:
    """Lets the time between two entries do its work: points that end, sanctions served, rewards for clean time."""

    def __init__(
        self,
        walk: Walk,
        policy: Policy,
        served: Sequence[ServedSanction],
        members: Sequence[Entry],
        anchor_on: date,
        as_of: datetime,
    ) -> None:
        self.walk, self.policy, self.as_of = walk, policy, as_of
        self.members, self.anchor_on = members, anchor_on
        happens: list[tuple[datetime, int, ServedSanction | None]] = [(one.served_at, 2, one) for one in served]
        if not policy.is_cycle:
            happens += [(at, 1, None) for at in walk.end_instants() if at <= as_of]
            happens += [(at, 0, None) for at in clean_boundaries(members, policy, anchor_on, as_of)]
        self._happens = sorted(happens, key=lambda one: (one[0], one[1], one[2].stage if one[2] else 0))
        self._at = 0

    def advance(self, to: datetime) -> None:
        """Do what happens until an instant; a sanction served at that very instant comes after its entries."""
        while self._at < len(self._happens):
            at, order, sanction = self._happens[self._at]
            if at > to or (at == to and sanction is not None):
                return
            self._do(at, order, sanction)
            self._at += 1

    def finish(self) -> None:
        """Do what is left until the instant of the fold."""
        for at, order, sanction in self._happens[self._at :]:
            self._do(at, order, sanction)
        self._at = len(self._happens)

    def _do(self, at: datetime, order: int, sanction: ServedSanction | None) -> None:
        if sanction is not None:
            self.walk.serve(sanction)
        elif order:
            self.walk.end(at)
        elif self.policy.merit.clean is not None and self.walk.total == 0:
            self.walk.keep(self.policy.merit.clean.points)

    def next_reward(self) -> list[datetime]:
        """Return when the next reward for clean time would come, nothing without such a rule."""
        clean = self.policy.merit.clean
        if clean is None or self.policy.is_cycle:
            return []
        horizon = day_start(add_months(legal_day(self.as_of, self.policy.zone), clean.months), self.policy.zone)
        coming = clean_boundaries(self.members, self.policy, self.anchor_on, horizon)
        return [one for one in coming if one > self.as_of][:1]


def _own_order(entry: Entry) -> tuple[datetime, int, str]:
    """Return the place of an entry in the walk where entries have lives of their own."""
    return (_own_instant(entry), *entry.sort_key[1:])


def _own_instant(entry: Entry) -> datetime:
    return entry.effective_at if entry.kind in (EntryKind.DEMERIT, EntryKind.MERIT) else entry.exists_at


def _own_place(entry: Entry) -> EntryStatus:
    if entry.kind in (EntryKind.CLEAR, EntryKind.VOID):
        return EntryStatus.IN_FORCE
    return EntryStatus.COUNTED


def _own_window(walk: Walk, policy: Policy, window: Window, as_of: datetime) -> Window:
    """Return from when the points that stand count, and when the next of them go."""
    days = [legal_day(walk.entries[idem].effective_at, policy.zone) for idem in walk.standing]
    start = day_start(min(days, default=legal_day(as_of, policy.zone)), policy.zone)
    return Window(start=start, end=walk.next_end() or window.end)


def last_demerit_at(entries: Iterable[Entry], *, as_of: datetime, known_at: datetime | None = None) -> datetime | None:
    """Return the latest occurrence of a demerit that exists and is not void, in any window."""
    known = known_entries(entries, known_at)
    gone = voided(known, as_of)
    dates = (
        entry.effective_at
        for entry in known
        if entry.kind is EntryKind.DEMERIT and entry.exists_at <= as_of and entry.idem not in gone
    )
    return max(dates, default=None)


def _home_on(entry: Entry, policy: Policy, anchor_on: date) -> date:
    """Return the day that names the window of an entry: the start of its cycle, or its own day."""
    day = legal_day(entry.effective_at, policy.zone)
    if not policy.is_cycle:
        return day
    home = home_index(entry, policy, anchor_on)
    return day if home is None else boundary_on(anchor_on, home, policy.window_months)


def _line(entry: Entry, status: EntryStatus, counted: int, total_after: int | None, *, walk: Walk) -> EntryLine:
    if entry.idem in walk.ended:
        return EntryLine(entry=entry, status=EntryStatus.OUTSIDE_WINDOW, counted=0, total_after=total_after)
    if entry.idem in walk.cleared and status in (EntryStatus.COUNTED, EntryStatus.CARRIED):
        status = EntryStatus.CLEARED
    return EntryLine(entry=entry, status=status, counted=counted, total_after=total_after)


def _cleared_at_birth(members: Collection[Entry]) -> Iterator[str]:
    """Yield the entries that a clear names no later than they come to exist: they never stand, at no instant.

    Walked before the clear of their own instant, they could keep a merit of that instant from its use.
    """
    born = {entry.idem: entry.exists_at for entry in members}
    for entry in members:
        if entry.kind is EntryKind.CLEAR:
            yield from (ref for ref in entry.refs if ref in born and born[ref] >= entry.exists_at)


def _open_at(tasks: Iterable[CorrectiveTask], instant: datetime) -> frozenset[str]:
    return frozenset(
        task.entry for task in tasks if task.opened_at < instant and (task.done_at is None or task.done_at >= instant)
    )


def _place(
    entry: Entry, policy: Policy, anchor_on: date, index: int, window: Window, open_tasks: frozenset[str]
) -> EntryStatus | None:
    """Tell how an entry belongs to a window: as its own, carried into it, or (None) not at all."""
    if entry.kind in (EntryKind.CLEAR, EntryKind.VOID):
        return EntryStatus.IN_FORCE
    is_own, is_later = entry.effective_at in window, entry.effective_at >= window.end
    if policy.closed_window is not ClosedWindow.REOPEN_NOW:
        home = home_index(entry, policy, anchor_on)
        is_own, is_later = home == index, home is None or home > index
    if is_own:
        return EntryStatus.COUNTED
    if is_later or entry.kind is EntryKind.MERIT:
        return None
    # A task that was done and opened again cannot carry points back: one task per entry, open ever since.
    carried = policy.carry is Carry.ALL or (policy.carry is Carry.UNRESOLVED and entry.idem in open_tasks)
    return EntryStatus.CARRIED if carried else None


def _points_after_occasion(entries: Iterable[Entry], policy: Policy) -> Mapping[str, int]:
    """Return what each demerit adds; under max or cap a later one adds only what the occasion has left.

    The sum per occasion is the same in every order: the greatest, or the capped sum.
    """
    counted: dict[str, int] = {}
    so_far: dict[str, int] = {}
    for entry in entries:
        if entry.kind is not EntryKind.DEMERIT:
            continue
        occasion = f"occasion:{entry.occasion}" if entry.occasion else f"entry:{entry.idem}"
        before = so_far.get(occasion, 0)
        after = before + entry.points
        if policy.occasion_rule is OccasionRule.MAX:
            after = max(before, entry.points)
        elif policy.occasion_cap is not None:
            after = min(after, policy.occasion_cap)
        counted[entry.idem] = after - before
        so_far[occasion] = after
    return counted
