"""Suspensions: until when one lasts, good behaviour in its place, and which points a measure clears when.

ends_on = suspension_end(proposal.span, in_force_at, policy.zone)         # exclusive instant
outcome = election_outcome(entries, policy, elected_at=at, span=span, as_of=now)
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from training_app.calendar.rules import add_months, day_start, legal_day
from training_app.permits.base_rules import RuleError
from training_app.permits.entry_rules import Entry, EntryKind, known_entries, voided
from training_app.permits.policy_rules import (
    AfterSanction,
    ExistsWhen,
    GapPoints,
    MembershipDate,
    Policy,
    SanctionKind,
    Span,
)


class NoElection(RuleError):
    """The policy knows no good behaviour in place of a suspension."""

    code = "no_election"


class ElectionResult(Enum):
    """What became of good behaviour in place of a suspension."""

    RUNNING = "running"
    KEPT = "kept"
    BREACHED = "breached"


@dataclass(frozen=True, kw_only=True)
class ElectionOutcome:
    """What an election came to; `until`: its exclusive end. Breached: when, and how long the suspension lasts then."""

    result: ElectionResult
    until: datetime
    points: int
    breached_at: datetime | None = None
    span: Span | None = None


def end_day(start_on: date, span: Span) -> date:
    """Return the first day after a span that begins on a day: months first, then days."""
    return add_months(start_on, span.months) + timedelta(days=span.days)


def suspension_end(span: Span, in_force_at: datetime, zone: str) -> datetime:
    """Return the exclusive end of a suspension: local midnight; its first day counts, a holiday never moves it."""
    return day_start(end_day(legal_day(in_force_at, zone), span), zone)


def election_outcome(
    entries: Iterable[Entry], policy: Policy, *, elected_at: datetime, span: Span, as_of: datetime
) -> ElectionOutcome:
    """Return what good behaviour in place of a suspension of `span` came to.

    Breaches count that occurred from the election on, before its end, and that exist and are not void; from the limit
    of the policy on it is breached, and the suspension lasts `factor` times as long. Raises NoElection.
    """
    election = policy.election
    if election is None:
        raise NoElection()
    until = day_start(add_months(legal_day(elected_at, policy.zone), election.months), policy.zone)
    known = known_entries(entries)
    gone = voided(known, as_of)
    points = 0
    for entry in sorted(known, key=lambda one: (one.effective_at, one.idem)):
        if entry.kind is not EntryKind.DEMERIT or entry.exists_at > as_of or entry.idem in gone:
            continue
        if elected_at <= entry.effective_at < until:
            points += entry.points
            if points >= election.limit:
                longer = Span(months=span.months * election.factor, days=span.days * election.factor)
                return ElectionOutcome(
                    result=ElectionResult.BREACHED, until=until, points=points, breached_at=entry.exists_at, span=longer
                )
    result = ElectionResult.KEPT if as_of >= until else ElectionResult.RUNNING
    return ElectionOutcome(result=result, until=until, points=points)


def clears_at_start(policy: Policy, sanction: SanctionKind) -> bool:
    """Tell whether a measure clears the points behind it when it takes effect."""
    return policy.after_sanction is AfterSanction.START and sanction in (SanctionKind.SUSPEND, SanctionKind.REVOKE)


def clears_at_end(policy: Policy, sanction: SanctionKind) -> bool:
    """Tell whether a measure clears the points behind it when it ends; a revocation ends with the exam passed."""
    if sanction is SanctionKind.REVOKE:
        return policy.after_sanction in (AfterSanction.END, AfterSanction.EXAM_PASSED)
    return policy.after_sanction is AfterSanction.END and sanction is SanctionKind.SUSPEND


def to_clear(policy: Policy, *, at_service: Sequence[str], at_clear: Sequence[str]) -> tuple[str, ...]:
    """Return the entries that a clear lists, given those that stood at the service and those that stand at the clear.

    Points that came between the two stay, unless the policy clears them too.
    """
    if policy.gap_points is GapPoints.CLEARED:
        return tuple(dict.fromkeys([*at_service, *at_clear]))
    return tuple(at_service)


@dataclass(frozen=True, kw_only=True)
class CaseDates:
    """The instants of a case that a policy can choose from; None where it has not come to that."""

    occurred_at: datetime
    decided_at: datetime | None = None
    served_at: datetime | None = None
    final_at: datetime | None = None


def entry_dates(policy: Policy, dates: CaseDates) -> tuple[datetime, datetime] | None:
    """Return (effective_at, exists_at) of the entry of a case under a policy; None while it does not exist."""
    exists = {
        ExistsWhen.DECIDED: dates.decided_at,
        ExistsWhen.SERVED: dates.served_at,
        ExistsWhen.FINAL: dates.final_at,
    }[policy.exists_when]
    counts = {
        MembershipDate.OCCURRED: dates.occurred_at,
        MembershipDate.DECIDED: dates.decided_at,
        MembershipDate.FINAL: dates.final_at or exists,
    }[policy.membership]
    return None if exists is None or counts is None else (counts, exists)
