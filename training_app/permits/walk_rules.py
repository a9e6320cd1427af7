"""The walked total: what stands of each demerit, what merits, reductions and clears took, and the stages it met.

`Walk` is the one loop of the ledger fold. It keeps, at every step: total = deducted - merits_used - cleared - reduced.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum
from itertools import pairwise

from training_app.calendar.rules import add_months, legal_day
from training_app.permits.entry_rules import Entry, EntryKind
from training_app.permits.policy_rules import Policy, SanctionKind, Stage

_WEIGHS = (SanctionKind.SUSPEND, SanctionKind.REVOKE)


class EntryStatus(Enum):
    """What became of an entry in the fold."""

    COUNTED = "counted"
    CARRIED = "carried"
    ABSORBED = "absorbed"  # the rule for one occasion leaves nothing of it
    UNUSED = "unused"  # a merit: nothing to take off, cap used up, or limit reached
    BANKED = "banked"  # a merit that is kept for later breaches
    OUTSIDE_WINDOW = "outside_window"
    VOID = "void"
    CLEARED = "cleared"
    NOT_YET = "not_yet"
    IN_FORCE = "in_force"  # a void or clear that does its work


@dataclass(frozen=True, kw_only=True)
class ServedSanction:
    """A sanction that was served and stands: the `stage` it was proposed for (0: a pattern), its kind, when."""

    stage: int
    sanction: SanctionKind
    served_at: datetime


@dataclass(frozen=True, kw_only=True)
class StageReached:
    """A stage that the walked total met, by which entry, and from which day that entry's window counts.

    Where entries have lives of their own it was met by what occurred from `since` on, before `until` (None: still).
    """

    stage: Stage
    reached_at: datetime
    cause: str
    home_on: date
    generation: int  # how often a clear, a reduction or the end of points has taken this stage back
    total: int
    entries: tuple[str, ...]  # the demerits that stood when it was met
    since: datetime
    until: datetime | None = None

    @property
    def key(self) -> str:
        """Return the idempotency key of the proposal: one per stage and window (and clear)."""
        return f"stage-{self.stage.at}/{self.home_on.isoformat()}/{self.generation}"


class Walk:
    """Goes through entries, ends and served sanctions in the order of time.

    `start`: that of the cycle, None where entries have lives of their own. `home_of`: the day that names the window of
    an entry. `ends`: when each demerit no longer counts, where entries have lives of their own.
    """

    def __init__(
        self, policy: Policy, start: datetime | None, home_of: Callable[[Entry], date], ends: Mapping[str, datetime]
    ) -> None:
        self.policy = policy
        self.start = start
        self.standing: dict[str, int] = {}
        self.entries: dict[str, Entry] = {}
        self.used: dict[str, int] = {}  # merit points by the demerit they were used against
        self.to_clear: set[str] = set()
        self.cleared: set[str] = set()
        self.ended: set[str] = set()
        self.total = self.deducted = self.merits_used = self.points_cleared = self.reduced = self.bank = 0
        self._home_of = home_of
        self._ends = ends
        self._ending: dict[datetime, list[str]] = {}
        for idem, end in ends.items():
            self._ending.setdefault(end, []).append(idem)
        self._points: dict[str, int] = {}
        self._cut: dict[str, int] = {}  # reductions by the demerit they were taken from
        self._reached: dict[int, StageReached] = {}
        self._past: list[StageReached] = []
        self._generation: dict[int, int] = {}
        self._forgets = policy.history.is_reset_by_clean
        self._weighing: list[date] = []
        self._breaches: list[date] = []

    def step(self, entry: Entry, points: int, place: EntryStatus) -> tuple[EntryStatus, int]:
        """Walk over one entry; return what became of it and the points it moved."""
        if entry.kind is EntryKind.DEMERIT:
            return self._add(entry, points, place)
        if entry.kind is EntryKind.MERIT:
            return self._subtract(entry)
        if entry.kind is EntryKind.CLEAR:
            return EntryStatus.IN_FORCE, self._clear(entry.refs)
        return EntryStatus.IN_FORCE, 0

    def _add(self, entry: Entry, points: int, place: EntryStatus) -> tuple[EntryStatus, int]:
        self.deducted += points
        self._points[entry.idem] = points
        if self._forgets:
            self._breaches.append(legal_day(entry.effective_at, self.policy.zone))
        if entry.idem in self.to_clear:
            # A clear named it although it came to exist later: it never stands.
            self.cleared.add(entry.idem)
            self.points_cleared += points
            return EntryStatus.COUNTED, points
        kept = min(self.bank, points, self._cap_left()) if self._can_be_won_back(entry) else 0
        self.bank -= kept
        self.merits_used += kept
        self.used[entry.idem] = kept
        self.total += points - kept
        self.entries[entry.idem] = entry
        self.standing[entry.idem] = points - kept
        self._meet(entry, self.total)
        return (place if points else EntryStatus.ABSORBED), points

    def _subtract(self, entry: Entry) -> tuple[EntryStatus, int]:
        rule = self.policy.merit
        if rule.below_limit_only and self.total >= self.policy.limit:
            return EntryStatus.UNUSED, 0
        rest = min(entry.points, self._cap_left())
        taken = 0
        for idem, left in self.standing.items():
            if rest and self._can_be_won_back(self.entries[idem]):
                part = min(left, rest)
                self.standing[idem] -= part
                self.used[idem] += part
                rest -= part
                taken += part
        self.total -= taken
        self.merits_used += taken
        banked = self.keep(entry.points - taken)
        if taken:
            return EntryStatus.COUNTED, taken
        return (EntryStatus.BANKED if banked else EntryStatus.UNUSED), 0

    def keep(self, points: int) -> int:
        """Keep points of merit for later breaches, as far as the bank holds them; return how many."""
        kept = min(points, self.policy.merit.bank_cap - self.bank)
        self.bank += kept
        return kept

    def _cap_left(self) -> int:
        cap = self.policy.merit.cap
        return 10**9 if cap is None else cap - self.merits_used

    def _can_be_won_back(self, entry: Entry) -> bool:
        return entry.code not in self.policy.merit.exclusions

    def _clear(self, refs: Iterable[str]) -> int:
        self.to_clear.update(refs)
        listed = [idem for idem in dict.fromkeys(refs) if idem in self.standing]
        for idem in listed:
            self.cleared.add(idem)
            self._take_out(idem)
            self.points_cleared += self._points[idem]
        self._reconsider()
        return sum(self._points[idem] for idem in listed)

    def _take_out(self, idem: str) -> None:
        self.total -= self.standing.pop(idem)
        self.merits_used -= self.used.pop(idem, 0)
        self.reduced -= self._cut.pop(idem, 0)

    def end(self, at: datetime) -> None:
        """Let the points go whose time is over at an instant; a stage they alone held up can be met anew."""
        over = [idem for idem in self._ending.pop(at, ()) if idem in self._points]
        for idem in over:
            self.ended.add(idem)
            self.deducted -= self._points[idem]
            if idem in self.standing:
                self._take_out(idem)
            else:
                self.points_cleared -= self._points[idem]
        for stage_at in [one for one in self._reached if self.total < one] if over else ():
            self._past.append(replace(self._reached.pop(stage_at), until=at))
            self._generation[stage_at] = self._generation.get(stage_at, 0) + 1

    def serve(self, sanction: ServedSanction) -> None:
        """Take in that a sanction was served: a stage that was jumped over brings the total down below the next."""
        at = sanction.served_at
        stages = self._stages(at)
        places = [one.at for one in stages]
        if sanction.stage in places[:-1]:
            following = stages[places.index(sanction.stage) + 1]
            known = {idem: left for idem, left in self.standing.items() if self.entries[idem].exists_at <= at}
            if following.reduce_to is not None and sum(known.values()) >= following.at:
                self._reduce(known, sum(known.values()) - following.reduce_to)
        if sanction.sanction in _WEIGHS:
            self._weighing.append(legal_day(at, self.policy.zone))

    def _reduce(self, known: Mapping[str, int], points: int) -> None:
        for idem, left in known.items():
            part = min(left, points)
            points -= part
            self.standing[idem] -= part
            self._cut[idem] = self._cut.get(idem, 0) + part
            self.reduced += part
            self.total -= part
        for stage_at in [one for one in self._reached if self.total < one]:
            del self._reached[stage_at]
            self._generation[stage_at] = self._generation.get(stage_at, 0) + 1

    def _stages(self, at: datetime) -> tuple[Stage, ...]:
        """Return the stages that stand for this holder at an instant, by the sanctions that weigh then."""
        if not self.policy.history.thresholds:
            return self.policy.stages
        return self.policy.stages_after(weighing(self.policy, self._weighing, self._breaches, at))

    def _meet(self, entry: Entry, total: int) -> None:
        for stage in self._stages(entry.effective_at):
            if total >= stage.at and stage.at not in self._reached:
                standing = self.standing_demerits()
                self._reached[stage.at] = StageReached(
                    stage=stage,
                    reached_at=self._known_at(entry, standing),
                    cause=entry.idem,
                    home_on=self._home_of(entry),
                    generation=self._generation.get(stage.at, 0),
                    total=total,
                    entries=standing,
                    since=entry.effective_at,
                )

    def _known_at(self, entry: Entry, standing: Iterable[str]) -> datetime:
        """Return when a stage became known: in a cycle with its entry, else once the last of those behind it exists."""
        if self.start is not None:
            return max(entry.exists_at, self.start)
        return max((self.entries[idem].exists_at for idem in standing), default=entry.exists_at)

    def end_instants(self) -> list[datetime]:
        """Return when points end, each instant once."""
        return sorted(self._ending)

    def next_end(self) -> datetime | None:
        """Return when the next of the points that stand go, None where none do."""
        return min((self._ends[idem] for idem in self.standing if idem in self._ends), default=None)

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
            if at not in self._reached:
                self._generation[at] = self._generation.get(at, 0) + 1

    def standing_demerits(self) -> tuple[str, ...]:
        """Return the demerits that count now and were not cleared, oldest first."""
        return tuple(idem for idem in self.standing if self._points[idem])

    def stages_reached(self) -> tuple[StageReached, ...]:
        """Return the stages met, lowest first; without the latch only where the total still stands."""
        reached = [*self._past, *self._reached.values()] if self.policy.latch else list(self._reached.values())
        reached.sort(key=lambda one: (one.stage.at, one.generation))
        return tuple(one for one in reached if self.policy.latch or self.total >= one.stage.at)


def weighing(policy: Policy, served_on: Iterable[date], breaches_on: Iterable[date], at: datetime) -> int:
    """Return how many earlier suspensions and revocations still weigh at an instant.

    Those within the look-back; where the policy forgets them after a clean time, those without one since.
    """
    sanctions = list(served_on)
    if not sanctions:
        return 0
    day = legal_day(at, policy.zone)
    back = policy.history.lookback_months
    since = None if back is None else add_months(day, -back)
    breaches = sorted(one for one in breaches_on if one < day)
    return sum(
        (since is None or one >= since)
        and not (policy.history.is_reset_by_clean and _was_clean(one, breaches, day, policy.window.months))
        for one in sanctions
        if one <= day
    )


def _was_clean(served_on: date, breaches: Iterable[date], day: date, months: int) -> bool:
    """Tell whether so many months passed without a breach between a sanction and a day."""
    points = [served_on, *(one for one in breaches if one > served_on), day]
    return any(add_months(earlier, months) <= later for earlier, later in pairwise(points))
