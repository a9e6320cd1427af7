"""What the ledger makes due: proposals of sanctions, and what retraining asks.

    for proposal in due(entries, policy, anchor_on=anchor, as_of=now, sanctions=known):
        # proposal.cause is the idempotency key of the sanction row

The engine proposes, people decide. A stage is proposed once per window; when one entry meets several stages,
the highest stands for all of them. Closed windows are looked at too: with the latch a stage stays due
although its points have lapsed, and a late entry can make one due in a window long over (policy: reopen now).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from training_app.calendar.rules import add_months, cycle_index, legal_day
from training_app.permits.entry_rules import CorrectiveTask, Entry, EntryKind, known_entries, voided
from training_app.permits.ledger_rules import StageReached, fold, home_index
from training_app.permits.policy_rules import Carry, Pattern, Policy, RetrainingPart, SanctionKind


@dataclass(frozen=True, kw_only=True)
class KnownSanction:
    """A sanction that exists, by the `cause` of its proposal, and the `entries` it stands on.

    `fell_away`: annulled because the entries behind it were voided, or in error. An appeal won against the
    sanction itself, or a decision not to impose it, is no such case: the stage is not proposed again.
    `is_live`: neither dismissed nor annulled. `is_pending`: live and not served yet.
    """

    cause: str
    entries: tuple[str, ...] = ()
    fell_away: bool = False
    is_live: bool = True
    is_pending: bool = False


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A sanction to be decided by a person. `stage` is the total that was set for it, 0 for a pattern."""

    cause: str
    sanction: SanctionKind
    stage: int
    reached_at: datetime
    total: int
    entries: tuple[str, ...]


def due(
    entries: Iterable[Entry],
    policy: Policy,
    *,
    anchor_on: date,
    as_of: datetime,
    known_at: datetime | None = None,
    tasks: Iterable[CorrectiveTask] = (),
    sanctions: Iterable[KnownSanction] = (),
) -> tuple[Proposal, ...]:
    """Return the proposals that are due and do not exist yet, earliest first; running it again adds none."""
    known = known_entries(entries, known_at)
    reached = _reached(known, policy, anchor_on, as_of, tuple(tasks))
    wanted = _highest_by_cause(reached) + _patterns(known, policy, as_of)
    existing = tuple(sanctions)
    proposals = []
    for proposal in wanted:
        family = [one for one in existing if _base(one.cause) == proposal.cause]
        if all(one.fell_away for one in family):
            proposals.append(_numbered(proposal, len(family)))
    return tuple(sorted(proposals, key=lambda proposal: (proposal.reached_at, proposal.cause)))


def fallen_away(
    entries: Iterable[Entry],
    policy: Policy,
    *,
    anchor_on: date,
    as_of: datetime,
    known_at: datetime | None = None,
    tasks: Iterable[CorrectiveTask] = (),
    sanctions: Iterable[KnownSanction] = (),
) -> tuple[str, ...]:
    """Return the causes of live sanctions that lost their support; the service annuls them.

    A void takes the support away at any time, be the sanction served or ended; what else changes the ledger
    (a merit recorded late) only while it is not served. A clear never does, nor, with the latch, the end of
    the window.
    """
    known = known_entries(entries, known_at)
    gone = voided(known, as_of)
    supported: set[str] = set()
    for view in (known, [entry for entry in known if entry.kind is not EntryKind.CLEAR]):
        supported |= {stage.key for stage in _reached(view, policy, anchor_on, as_of, tuple(tasks))}
        supported |= {hit.cause for hit in _patterns(view, policy, as_of)}
    return tuple(
        one.cause
        for one in sanctions
        if one.is_live and _base(one.cause) not in supported and (one.is_pending or not gone.isdisjoint(one.entries))
    )


def retraining_parts(
    policy: Policy, *, earlier: Iterable[datetime], at: datetime, total: int
) -> tuple[RetrainingPart, ...]:
    """Return what retraining asks, by the revocations before `at` and by the total; the higher step wins.

    `earlier`: instants of earlier revocations, annulled ones left out (an annulled sanction never escalates).
    """
    day = legal_day(at, policy.zone)
    back = policy.escalation.lookback_months
    since = None if back is None else add_months(day, -back)
    counted = [one for one in earlier if one < at and (since is None or legal_day(one, policy.zone) >= since)]
    step = policy.escalation.steps[0]
    for candidate in policy.escalation.steps:
        by_points = candidate.points is not None and total >= candidate.points
        if len(counted) + 1 >= candidate.count or by_points:
            step = candidate
    return step.parts


def _reached(
    known: Sequence[Entry],
    policy: Policy,
    anchor_on: date,
    as_of: datetime,
    tasks: tuple[CorrectiveTask, ...],
) -> list[StageReached]:
    """Return the stages reached in the present window and, with the latch, before it; each key once."""
    today = cycle_index(anchor_on, legal_day(as_of, policy.zone), policy.window_months)
    homes = {home_index(entry, policy, anchor_on) for entry in known if entry.kind is EntryKind.DEMERIT}
    past = {home for home in homes if home < today}
    if past and policy.carry is not Carry.NONE:
        # What is carried meets stages also in windows without an entry of their own.
        past = set(range(min(past), today))
    by_key: dict[str, StageReached] = {}
    for index in sorted(past | {today} if policy.latch else {today}):
        result = fold(known, policy, anchor_on=anchor_on, as_of=as_of, tasks=tasks, window_index=index)
        for stage in result.stages:
            by_key.setdefault(stage.key, stage)
    return list(by_key.values())


def _highest_by_cause(reached: Iterable[StageReached]) -> list[Proposal]:
    highest: dict[str, StageReached] = {}
    for stage in reached:
        if stage.cause not in highest or highest[stage.cause].stage.at < stage.stage.at:
            highest[stage.cause] = stage
    return [
        Proposal(
            cause=one.key,
            sanction=one.stage.sanction,
            stage=one.stage.at,
            reached_at=one.reached_at,
            total=one.total,
            entries=one.entries,
        )
        for one in highest.values()
    ]


def _patterns(known: Sequence[Entry], policy: Policy, as_of: datetime) -> list[Proposal]:
    gone = voided(known, as_of)
    present = [entry for entry in known if entry.exists_at <= as_of and entry.idem not in gone]
    cleared = {idem for entry in present if entry.kind is EntryKind.CLEAR for idem in entry.refs}
    demerits = [e for e in present if e.kind is EntryKind.DEMERIT and e.idem not in cleared]
    demerits.sort(key=lambda entry: (entry.effective_at, entry.idem))
    hits = (_hits(demerits, pattern, n, policy.zone) for n, pattern in enumerate(policy.patterns))
    return [hit for found in hits for hit in found]


def _hits(demerits: Sequence[Entry], pattern: Pattern, number: int, zone: str) -> list[Proposal]:
    """Return a proposal for every `count` demerits inside the period; an entry serves in one only."""
    hits, run = [], list[Entry]()
    for entry in (entry for entry in demerits if entry.points >= pattern.points):
        run.append(entry)
        day = legal_day(entry.effective_at, zone)
        run = [old for old in run if add_months(legal_day(old.effective_at, zone), pattern.months) > day]
        if len(run) == pattern.count:
            hits.append(
                Proposal(
                    cause=f"pattern-{number}/{entry.idem}",
                    sanction=pattern.sanction,
                    stage=0,
                    reached_at=max(one.exists_at for one in run),
                    total=sum(one.points for one in run),
                    entries=tuple(one.idem for one in run),
                )
            )
            run = []
    return hits


def _numbered(proposal: Proposal, fallen: int) -> Proposal:
    """Return the proposal under a new key when earlier ones of the same stage fell away with their cause."""
    if not fallen:
        return proposal
    return replace(proposal, cause=f"{proposal.cause}#{fallen}")


def _base(cause: str) -> str:
    return cause.rpartition("#")[0] if "#" in cause else cause
