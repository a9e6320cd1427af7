"""What the ledger makes due: proposals of sanctions, and what retraining asks.

    for proposal in due(entries, policy, anchor_on=anchor, as_of=now, sanctions=known):
        # proposal.cause is the idempotency key of the sanction row

The engine proposes, people decide. A stage is proposed once per window; when one entry meets several stages,
the highest stands for all of them. Closed windows are looked at too: with the latch a stage stays due
although its points have lapsed, and a late entry can make one due in a window long over (policy: reopen now).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from training_app.calendar.rules import add_months, cycle_index, legal_day
from training_app.permits.entry_rules import CorrectiveTask, Entry, EntryKind, known_entries, voided
from training_app.permits.ledger_rules import fold
from training_app.permits.policy_rules import NO_SPAN, Carry, Pattern, Policy, RetrainingPart, SanctionKind, Span
from training_app.permits.walk_rules import ServedSanction, StageReached, weighing
from training_app.permits.window_rules import home_index

CONDITION = "condition/"  # begins the cause of what follows from a renewal's condition that was not met


@dataclass(frozen=True, kw_only=True)
class KnownSanction:
    """A sanction that exists, by the `cause` of its proposal, and the `entries` it stands on.

    `fell_away`: annulled because the entries behind it were voided, or in error. An appeal won against the
    sanction itself, or a decision not to impose it, is no such case: the stage is not proposed again.
    `is_live`: neither dismissed nor annulled. `is_pending`: live and not served yet. `stage` and `sanction`: what it
    was proposed for; `served_at`: when it was served, None before.
    """

    cause: str
    entries: tuple[str, ...] = ()
    fell_away: bool = False
    is_live: bool = True
    is_pending: bool = False
    stage: int = 0
    sanction: SanctionKind = SanctionKind.REVIEW
    served_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A sanction to be decided by a person. `stage` is the total that was set for it, 0 for a pattern.

    `span`: how long a suspension lasts, by its stage and by what was imposed before. `since`, `until`: the time in
    which the points lay that met the stage, where entries have lives of their own.
    """

    cause: str
    sanction: SanctionKind
    stage: int
    reached_at: datetime
    total: int
    entries: tuple[str, ...]
    span: Span = NO_SPAN
    since: datetime | None = None
    until: datetime | None = None


def served_of(sanctions: Iterable[KnownSanction]) -> list[ServedSanction]:
    """Return what staged policies look at: the sanctions that were served and stand."""
    return [
        ServedSanction(stage=one.stage, sanction=one.sanction, served_at=one.served_at)
        for one in sanctions
        if one.served_at is not None and one.is_live
    ]


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
    existing = tuple(sanctions)
    known = known_entries(entries, known_at)
    served = served_of(existing)
    reached = _reached(known, policy, anchor_on, as_of, tuple(tasks), served)
    last_at = _last_at(known, policy, as_of, existing)
    wanted = _highest_by_cause(reached, served) + _patterns(known, policy, as_of)
    proposals = []
    for proposal in wanted:
        family = [one for one in existing if _is_same(one, proposal, last_at)]
        if all(one.fell_away for one in family):
            span = _span(policy, proposal, served)
            proposals.append(replace(_numbered(proposal, len(family)), span=span))
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
    existing = tuple(sanctions)
    known = known_entries(entries, known_at)
    gone = voided(known, as_of)
    served = served_of(existing)
    supported: list[Proposal] = []
    last_at = _last_at(known, policy, as_of, existing)
    for view in (known, [entry for entry in known if entry.kind is not EntryKind.CLEAR]):
        # A stage that was brought down by serving the one before still had its cause.
        for served_then in (served, []) if served else ([],):
            reached = _reached(view, policy, anchor_on, as_of, tuple(tasks), served_then)
            supported += [_proposal(one) for one in reached]
        supported += _patterns(view, policy, as_of)
    return tuple(
        one.cause
        for one in existing
        if one.is_live
        and not one.cause.startswith(CONDITION)  # no entry stands behind it
        and (one.is_pending or not gone.isdisjoint(one.entries))
        and not any(_is_same(one, proposal, last_at) for proposal in supported)
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
    served: Sequence[ServedSanction],
) -> list[StageReached]:
    """Return the stages reached in the present window and, with the latch, before it; each key once."""
    if not policy.is_cycle:
        return list(fold(known, policy, anchor_on=anchor_on, as_of=as_of, served=served).stages)
    today = cycle_index(anchor_on, legal_day(as_of, policy.zone), policy.window_months)
    homes = {home_index(entry, policy, anchor_on) for entry in known if entry.kind is EntryKind.DEMERIT}
    past = {home for home in homes if home is not None and home < today}
    if past and policy.carry is not Carry.NONE:
        # What is carried meets stages also in windows without an entry of their own.
        past = set(range(min(past), today))
    by_key: dict[str, StageReached] = {}
    for index in sorted(past | {today} if policy.latch else {today}):
        result = fold(known, policy, anchor_on=anchor_on, as_of=as_of, tasks=tasks, served=served, window_index=index)
        for stage in result.stages:
            by_key.setdefault(stage.key, stage)
    return list(by_key.values())


def _highest_by_cause(reached: Iterable[StageReached], served: Sequence[ServedSanction]) -> list[Proposal]:
    """Return the highest stage that each entry met and that may be proposed; one that must follow waits its turn."""
    by_cause: dict[str, dict[int, StageReached]] = {}
    for stage in reached:
        by_cause.setdefault(stage.cause, {}).setdefault(stage.stage.at, stage)
    everything = list(reached)
    found = {}
    for cause, stages in by_cause.items():
        allowed = [one for one in stages.values() if _may_follow(one, everything, served)]
        if allowed:
            found[cause] = max(allowed, key=lambda one: one.stage.at)
    return [_proposal(one) for one in found.values()]


def _may_follow(stage: StageReached, reached: Iterable[StageReached], served: Iterable[ServedSanction]) -> bool:
    """Tell whether the stage before was served since it was reached, where the policy asks for that."""
    if not stage.stage.must_follow_previous:
        return True
    lower = [one for one in reached if one.stage.at < stage.stage.at and one.reached_at <= stage.reached_at]
    if not lower:
        return False
    before = max(lower, key=lambda one: (one.stage.at, one.generation))
    return any(one.stage == before.stage.at and one.served_at >= before.reached_at for one in served)


def _proposal(one: StageReached) -> Proposal:
    return Proposal(
        cause=one.key,
        sanction=one.stage.sanction,
        stage=one.stage.at,
        reached_at=one.reached_at,
        total=one.total,
        entries=one.entries,
        span=one.stage.span,
        since=one.since,
        until=one.until,
    )


def _last_at(
    known: Sequence[Entry], policy: Policy, as_of: datetime, sanctions: Iterable[KnownSanction]
) -> dict[str, datetime]:
    """Return, by cause, when the last breach occurred that a stage's sanction stands on and that is not void.

    Only where entries have lives of their own: there a late entry can move the one that met a stage.
    """
    if policy.is_cycle:
        return {}
    gone = voided(known, as_of)
    at = {entry.idem: entry.effective_at for entry in known if entry.idem not in gone}
    found = {one.cause: [at[idem] for idem in one.entries if idem in at] for one in sanctions if one.stage}
    return {cause: max(instants) for cause, instants in found.items() if instants}


def _is_same(one: KnownSanction, proposal: Proposal, last_at: Mapping[str, datetime]) -> bool:
    """Tell whether a sanction is that of a proposal: by its key, or by lying in the same time above the stage."""
    if _base(one.cause) == proposal.cause:
        return True
    at = last_at.get(one.cause)
    if at is None or one.stage != proposal.stage or proposal.since is None:
        return False
    return proposal.since <= at and (proposal.until is None or at < proposal.until)


def _span(policy: Policy, proposal: Proposal, served: Sequence[ServedSanction]) -> Span:
    """Return how long a suspension lasts: as its stage says, and longer where earlier ones weigh."""
    if proposal.sanction is not SanctionKind.SUSPEND:
        return NO_SPAN
    days = [
        legal_day(one.served_at, policy.zone)
        for one in served
        if one.sanction in (SanctionKind.SUSPEND, SanctionKind.REVOKE)
    ]
    count = weighing(policy, days, (), proposal.reached_at) + 1
    longer = [one.span for one in policy.history.repeats if one.count <= count]
    longer += [one.span for one in policy.history.lengths if one.points <= proposal.total]
    return max([proposal.span, *longer])


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
