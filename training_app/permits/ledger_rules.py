"""The ledger fold: what the entries of one holder come to in a points window.

    result = fold(entries, policy, anchor_on=permit.anchor_on, as_of=now)
    result.total, result.left, result.merits_used, result.next_change_at
    for line in result.lines: line.entry, line.status, line.counted, line.total_after

The fold depends on nothing but its arguments: not on the order of the entries, nor on one arriving twice.
Entries are walked by (exists_at, demerit < merit < clear, idempotency key). A merit is used against the
oldest points that stand; a clear takes the entries it lists, and the merit points used against them, out of
the total. A merit that found no use when it came stays unused, also after a clear.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum

from training_app.calendar.rules import Window, boundary_on, cycle_index, legal_day, nth_window, require_aware
from training_app.permits.entry_rules import CorrectiveTask, Entry, EntryKind, known_entries, voided
from training_app.permits.policy_rules import Carry, OccasionRule, Policy, Stage


class EntryStatus(Enum):
    """What became of an entry in the fold."""

    COUNTED = "counted"
    CARRIED = "carried"
    ABSORBED = "absorbed"  # the rule for one occasion leaves nothing of it
    UNUSED = "unused"  # a merit: nothing to take off, cap used up, or limit reached
    OUTSIDE_WINDOW = "outside_window"
    VOID = "void"
    CLEARED = "cleared"
    NOT_YET = "not_yet"
    IN_FORCE = "in_force"  # a void or clear that does its work


@dataclass(frozen=True, kw_only=True)
class StageReached:
    """A stage that the walked total met, by which entry, and the home window of that entry."""

    stage: Stage
    reached_at: datetime
    cause: str
    home_on: date
    generation: int  # how often a clear has taken this stage back in the window
    total: int
    entries: tuple[str, ...]  # the demerits that stood when it was met

    @property
    def key(self) -> str:
        """Return the idempotency key of the proposal: one per stage and window (and clear)."""
        return f"stage-{self.stage.at}/{self.home_on.isoformat()}/{self.generation}"


@dataclass(frozen=True, kw_only=True)
class EntryLine:
    """One entry, what became of it, the points it moved, the total after it (None: not walked)."""

    entry: Entry
    status: EntryStatus
    counted: int
    total_after: int | None


@dataclass(frozen=True, kw_only=True)
class Fold:
    """What the ledger comes to: total = deducted - merits_used - cleared, and never below 0.

    `deducted`: demerits after the occasion rule; `cleared`: points of the entries that clears listed;
    the merits used against them left with them. `left` = max(0, limit - total). `standing`: the demerits that
    count and were not cleared, oldest first: taken as of the service of a revocation, they are what its clear
    lists later.
    """

    window: Window
    total: int
    left: int
    deducted: int
    merits_used: int
    cleared: int
    stages: tuple[StageReached, ...]
    standing: tuple[str, ...]
    lines: tuple[EntryLine, ...]
    next_change_at: datetime
    as_of: datetime


def window_at(policy: Policy, anchor_on: date, as_of: datetime) -> Window:
    """Return the points window that holds an instant; its start is included, its end is not."""
    index = cycle_index(anchor_on, legal_day(as_of, policy.zone), policy.window_months)
    return nth_window(anchor_on, index, policy.zone, policy.window_months)


def home_index(entry: Entry, policy: Policy, anchor_on: date) -> int:
    """Return the index of the window to which an entry belongs by its date."""
    return cycle_index(anchor_on, legal_day(entry.effective_at, policy.zone), policy.window_months)


def fold(
    entries: Iterable[Entry],
    policy: Policy,
    *,
    anchor_on: date,
    as_of: datetime,
    known_at: datetime | None = None,
    tasks: Iterable[CorrectiveTask] = (),
    window_index: int | None = None,
) -> Fold:
    """Fold the ledger as of an instant, as known at another (None: all that is given).

    `anchor_on`: legal day of the first issue. `window_index` asks for another window than the one that holds
    `as_of`, as late entries do for closed windows. Raises NaiveInstant.
    """
    require_aware(as_of)
    known = known_entries(entries, known_at)
    today = cycle_index(anchor_on, legal_day(as_of, policy.zone), policy.window_months)
    index = today if window_index is None else window_index
    window = nth_window(anchor_on, index, policy.zone, policy.window_months)
    gone = voided(known, as_of)
    open_tasks = _open_at(tasks, window.start)
    walk = _Walk(policy, window, anchor_on)
    members = [e for e in known if e.exists_at <= as_of and e.idem not in gone]
    walk.to_clear.update(_cleared_at_birth(members))
    here = {e.idem: _place(e, policy, anchor_on, index, open_tasks) for e in members}
    points = _points_after_occasion([e for e in members if here[e.idem] is not None], policy)
    lines: list[tuple[Entry, EntryStatus, int, int | None]] = []
    for entry in known:
        if entry.idem in gone:
            lines.append((entry, EntryStatus.VOID, 0, None))
        elif entry.exists_at > as_of:
            lines.append((entry, EntryStatus.NOT_YET, 0, None))
        elif (place := here[entry.idem]) is None:
            lines.append((entry, EntryStatus.OUTSIDE_WINDOW, 0, None))
        else:
            status, counted = walk.step(entry, points.get(entry.idem, 0), place)
            lines.append((entry, status, counted, walk.total))
    upcoming = [e.exists_at for e in known if e.exists_at > as_of and e.idem not in gone]
    return Fold(
        window=window,
        total=walk.total,
        left=max(0, policy.limit - walk.total),
        deducted=walk.deducted,
        merits_used=walk.merits_used,
        cleared=walk.points_cleared,
        stages=walk.stages_reached(),
        standing=walk.standing_demerits(),
        lines=tuple(_line(*line, cleared=walk.cleared) for line in lines),
        next_change_at=min([window.end, *upcoming]),
        as_of=as_of,
    )


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


def _line(entry: Entry, status: EntryStatus, counted: int, total_after: int | None, *, cleared: set[str]) -> EntryLine:
    if entry.idem in cleared and status in (EntryStatus.COUNTED, EntryStatus.CARRIED):
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


def _place(entry: Entry, policy: Policy, anchor_on: date, index: int, open_tasks: frozenset[str]) -> EntryStatus | None:
    """Tell how an entry belongs to a window: as its own, carried into it, or (None) not at all."""
    if entry.kind in (EntryKind.CLEAR, EntryKind.VOID):
        return EntryStatus.IN_FORCE
    home = home_index(entry, policy, anchor_on)
    if home == index:
        return EntryStatus.COUNTED
    if entry.kind is EntryKind.MERIT or home > index:
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


class _Walk:
    """The walked total: what stands of each demerit, what merits took, and the stages that were met."""

    def __init__(self, policy: Policy, window: Window, anchor_on: date) -> None:
        self.policy = policy
        self.window = window
        self.anchor_on = anchor_on
        self.standing: dict[str, int] = {}
        self.entries: dict[str, Entry] = {}
        self.used: dict[str, int] = {}  # merit points by the demerit they were used against
        self.to_clear: set[str] = set()
        self.cleared: set[str] = set()
        self.total = self.deducted = self.merits_used = self.points_cleared = 0
        self._points: dict[str, int] = {}
        self._reached: dict[int, StageReached] = {}
        self._generation = {stage.at: 0 for stage in policy.stages}

    def step(self, entry: Entry, points: int, place: EntryStatus) -> tuple[EntryStatus, int]:
        """Walk over one entry; return what became of it and the points it moved."""
        if entry.kind is EntryKind.DEMERIT:
            return self._add(entry, points, place)
        if entry.kind is EntryKind.MERIT:
            taken = self._subtract(entry)
            return (EntryStatus.COUNTED if taken else EntryStatus.UNUSED), taken
        if entry.kind is EntryKind.CLEAR:
            return EntryStatus.IN_FORCE, self._clear(entry.refs)
        return EntryStatus.IN_FORCE, 0

    def _add(self, entry: Entry, points: int, place: EntryStatus) -> tuple[EntryStatus, int]:
        self.deducted += points
        if entry.idem in self.to_clear:
            # A clear named it although it came to exist later: it never stands.
            self.cleared.add(entry.idem)
            self.points_cleared += points
            return EntryStatus.COUNTED, points
        self.total += points
        self.entries[entry.idem] = entry
        self.standing[entry.idem] = self._points[entry.idem] = points
        self._meet(entry, self.total)
        return (place if points else EntryStatus.ABSORBED), points

    def _subtract(self, entry: Entry) -> int:
        rule = self.policy.merit
        if rule.below_limit_only and self.total >= self.policy.limit:
            return 0
        taken = rest = min(entry.points, rule.cap - self.merits_used, self.total)
        for idem, left in self.standing.items():
            part = min(left, rest)
            self.standing[idem] -= part
            self.used[idem] = self.used.get(idem, 0) + part
            rest -= part
        self.total -= taken
        self.merits_used += taken
        return taken

    def _clear(self, refs: Iterable[str]) -> int:
        self.to_clear.update(refs)
        listed = [idem for idem in dict.fromkeys(refs) if idem in self.standing]
        for idem in listed:
            self.cleared.add(idem)
            self.total -= self.standing.pop(idem)
            self.merits_used -= self.used.pop(idem, 0)
            self.points_cleared += self._points[idem]
        self._reconsider()
        return sum(self._points[idem] for idem in listed)

    def _meet(self, entry: Entry, total: int) -> None:
        home = home_index(entry, self.policy, self.anchor_on)
        for stage in self.policy.stages:
            if total >= stage.at and stage.at not in self._reached:
                self._reached[stage.at] = StageReached(
                    stage=stage,
                    reached_at=max(entry.exists_at, self.window.start),
                    cause=entry.idem,
                    home_on=boundary_on(self.anchor_on, home, self.policy.window_months),
                    generation=self._generation[stage.at],
                    total=total,
                    entries=self.standing_demerits(),
                )

    def _reconsider(self) -> None:
        """After a clear: a stage met with cleared entries stays only if the rest meets it by itself."""
        shaken = [at for at, reached in self._reached.items() if self.cleared.intersection(reached.entries)]
        for at in shaken:
            del self._reached[at]
        running = 0
        for idem, left in self.standing.items():
            running += left
            self._meet(self.entries[idem], running)
        for at in shaken:
            self._generation[at] += at not in self._reached

    def standing_demerits(self) -> tuple[str, ...]:
        """Return the demerits that count now and were not cleared, oldest first."""
        return tuple(idem for idem in self.standing if self._points[idem])

    def stages_reached(self) -> tuple[StageReached, ...]:
        """Return the stages met, lowest first; without the latch only where the total still stands."""
        reached = [self._reached[at] for at in sorted(self._reached)]
        return tuple(one for one in reached if self.policy.latch or self.total >= one.stage.at)
