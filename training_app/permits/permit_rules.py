"""The life of a permit: what its events come to, its state at any instant, and the answer at the door.

    facts = fold_permit(events, policy, as_of=now)
    state_at(facts, now)                # PermitState
    door_answer(facts, now)             # valid today, or not valid now; never why
    may_work(facts, accepted_at, now)   # in grace only orders accepted before it began

The facts are dates. Until the next event they hold at every later instant: without events a permit only goes
valid -> renewal open -> grace -> lapsed. All ends are exclusive instants at local midnight of the permit's
zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum

from training_app.calendar.rules import (
    boundary_on,
    day_end,
    day_start,
    last_day,
    legal_day,
    require_aware,
    through_days_end,
)
from training_app.permits.base_rules import IllegalMove, PersonId, RuleError
from training_app.permits.policy_rules import Policy, RenewalBase
from training_app.permits.renewal_rules import renewed_through


class PermitState(Enum):
    """What a permit is at an instant; before the grant there is none."""

    NONE = "none"
    VALID = "valid"
    RENEWAL_OPEN = "renewal_open"
    GRACE = "grace"
    LAPSED = "lapsed"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    RETRAINING = "retraining"
    SURRENDERED = "surrendered"
    BARRED = "barred"


class DoorAnswer(Enum):
    """All that the public learns of a permit."""

    VALID_TODAY = "valid_today"
    NOT_VALID_NOW = "not_valid_now"
    NOT_FOUND = "not_found"


class PermitEventKind(Enum):
    """What happens to a permit."""

    GRANTED = "granted"
    REVIEW_OPENED = "review_opened"
    REVIEW_SHOWN = "review_shown"
    REVIEW_REFUSED = "review_refused"
    RENEWED = "renewed"
    CONDITION_MET = "condition_met"
    SUSPENDED = "suspended"
    REINSTATED = "reinstated"
    INTERIM_STOPPED = "interim_stopped"
    INTERIM_STOP_ENDED = "interim_stop_ended"
    REVOKED = "revoked"
    RETRAINING = "retraining"
    RETRAINING_FAILED = "retraining_failed"
    RETRAINED = "retrained"
    SURRENDERED = "surrendered"
    EXPIRED = "expired"
    ANNULLED = "annulled"
    POLICY_FOLLOWED = "policy_followed"


class InterimStopUsedUp(RuleError):
    """The interim stop was renewed as often as the policy allows; `values`: renewals."""

    code = "interim_stop_used_up"


class InterimStopDay(RuleError):
    """The last day of an interim stop lies outside of what the policy allows; `values`: least, most."""

    code = "interim_stop_day"


_S, _K = PermitState, PermitEventKind
GOOD_AT_THE_DOOR = frozenset({_S.VALID, _S.RENEWAL_OPEN})
_RUNNING = GOOD_AT_THE_DOOR | {_S.GRACE}
_ISSUED = frozenset(set(_S) - {_S.NONE})

PERMIT_MOVES: Mapping[PermitEventKind, frozenset[PermitState]] = {
    _K.GRANTED: frozenset({_S.NONE, _S.LAPSED, _S.SURRENDERED}),
    # Only work inside the window renews, so that its review is opened, refused and decided in it.
    _K.REVIEW_OPENED: frozenset({_S.RENEWAL_OPEN, _S.GRACE}),
    _K.REVIEW_SHOWN: frozenset({_S.RENEWAL_OPEN, _S.GRACE}),
    _K.REVIEW_REFUSED: frozenset({_S.RENEWAL_OPEN, _S.GRACE}),
    _K.RENEWED: frozenset({_S.RENEWAL_OPEN, _S.GRACE}),
    _K.CONDITION_MET: _RUNNING | {_S.SUSPENDED},
    _K.SUSPENDED: _RUNNING | {_S.SUSPENDED},
    _K.REINSTATED: frozenset({_S.SUSPENDED}),
    _K.INTERIM_STOPPED: _RUNNING | {_S.SUSPENDED},
    _K.INTERIM_STOP_ENDED: frozenset({_S.SUSPENDED}),
    # A lapsed permit can be revoked too: letting it lapse is no way round a sanction.
    _K.REVOKED: _RUNNING | {_S.SUSPENDED, _S.LAPSED},
    _K.RETRAINING: frozenset({_S.REVOKED}),
    _K.RETRAINING_FAILED: frozenset({_S.RETRAINING}),
    _K.RETRAINED: frozenset({_S.RETRAINING}),
    _K.SURRENDERED: _ISSUED - {_S.SURRENDERED},
    _K.EXPIRED: frozenset({_S.GRACE, _S.LAPSED}),
    _K.ANNULLED: _ISSUED,
    _K.POLICY_FOLLOWED: frozenset(_S),
}


@dataclass(frozen=True, kw_only=True)
class PermitEvent:
    """One row of a permit. granted, renewed, retrained: `valid_until` where it is not the policy's own span.

    suspended, interim_stopped: `until` (None: open). revoked: `barred_until`. annulled: `refs`, the keys of
    the events that count as never having happened.
    """

    kind: PermitEventKind
    idem: str
    effective_at: datetime
    recorded_at: datetime
    seq: int
    actor: PersonId | None = None
    number: str = ""
    valid_until: datetime | None = None
    until: datetime | None = None
    barred_until: datetime | None = None
    refs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PermitFacts:
    """Dates and facts of a permit, never "valid today"; None where there is no such date.

    `stopped_from`/`stopped_until` span the suspensions and interim stops that are open at the fold,
    `stopped_until` None with a `stopped_from` being without end. `next_change_at`: the next date that alone
    changes the state.
    """

    number: str = ""
    anchor_on: date | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    renewal_opens_at: datetime | None = None
    grace_until: datetime | None = None
    stopped_from: datetime | None = None
    stopped_until: datetime | None = None
    revoked_at: datetime | None = None
    barred_until: datetime | None = None
    retraining_at: datetime | None = None
    retraining_failed_at: datetime | None = None
    surrendered_at: datetime | None = None
    next_change_at: datetime | None = None


def fold_permit(
    events: Iterable[PermitEvent], policy: Policy, *, as_of: datetime, known_at: datetime | None = None
) -> PermitFacts:
    """Fold the events of a permit by (effective_at, seq, key), as of and as known at an instant."""
    require_aware(as_of)
    once: dict[str, PermitEvent] = {}
    for event in sorted(events, key=lambda event: (event.recorded_at, event.seq)):
        if event.effective_at <= as_of and (known_at is None or event.recorded_at <= known_at):
            once.setdefault(event.idem, event)
    annulled = {ref for event in once.values() if event.kind is _K.ANNULLED for ref in event.refs}
    walk = _Walk(policy)
    for event in sorted(once.values(), key=lambda event: (event.effective_at, event.seq, event.idem)):
        if event.idem not in annulled:
            walk.step(event)
    return walk.result(as_of)


def renewed_until(
    events: Iterable[PermitEvent], policy: Policy, *, now: datetime, known_at: datetime | None = None
) -> datetime | None:
    """Return until when the permit would be valid if it were renewed now: an exclusive end, None before the grant."""
    known = tuple(events)
    seq = max((event.seq for event in known), default=0) + 1
    at = max([now, *(event.recorded_at for event in known)])
    renewal = PermitEvent(kind=_K.RENEWED, idem="", effective_at=now, recorded_at=at, seq=seq)
    facts = fold_permit((*known, renewal), policy, as_of=now, known_at=known_at)
    return None if facts.valid_from is None else facts.valid_until


def state_at(facts: PermitFacts, now: datetime) -> PermitState:
    """Return the state at an instant at or after the fold; starts are included, ends are not."""
    if facts.valid_from is None or now < facts.valid_from:
        return PermitState.NONE
    if facts.revoked_at is not None:
        if _is_before(now, facts.barred_until):
            return PermitState.BARRED
        return PermitState.RETRAINING if facts.retraining_at else PermitState.REVOKED
    if facts.surrendered_at is not None:
        return PermitState.SURRENDERED
    if not _is_before(now, facts.grace_until):
        return PermitState.LAPSED
    if facts.stopped_from is not None and (facts.stopped_until is None or now < facts.stopped_until):
        return PermitState.SUSPENDED
    if not _is_before(now, facts.valid_until):
        return PermitState.GRACE
    return PermitState.VALID if _is_before(now, facts.renewal_opens_at) else PermitState.RENEWAL_OPEN


def door_answer(facts: PermitFacts | None, now: datetime) -> DoorAnswer:
    """Return what the customer's door is told; None for a code that belongs to no permit."""
    if facts is None:
        return DoorAnswer.NOT_FOUND
    return DoorAnswer.VALID_TODAY if state_at(facts, now) in GOOD_AT_THE_DOOR else DoorAnswer.NOT_VALID_NOW


def may_work(facts: PermitFacts, accepted_at: datetime, now: datetime) -> bool:
    """Tell whether the holder may work on an order: in grace only if it was accepted before grace began."""
    state = state_at(facts, now)
    if state is PermitState.GRACE and facts.valid_until is not None:
        return accepted_at < facts.valid_until
    return state in GOOD_AT_THE_DOOR


def check_permit_event(facts: PermitFacts, kind: PermitEventKind, now: datetime) -> None:
    """Refuse an event that the present state does not allow. Raises IllegalMove.

    A retraining that failed for good is not begun again; only an annulment leads back.
    """
    state = state_at(facts, now)
    is_over = kind is _K.RETRAINING and facts.retraining_failed_at is not None
    if state not in PERMIT_MOVES[kind] or is_over:
        raise IllegalMove(state=state, move=kind)


def interim_stop_days(policy: Policy, now: datetime, running_until: datetime | None = None) -> tuple[date, date]:
    """Return the first and the latest last day of an interim stop begun now: a renewal never shortens what runs."""
    most = last_day(through_days_end(now, policy.interim_stop_days, policy.zone), policy.zone)
    least = legal_day(now, policy.zone)
    return (least if running_until is None else min(most, max(least, last_day(running_until, policy.zone)))), most


def interim_stop_until(
    policy: Policy, now: datetime, stops_before: int, *, last_on: date | None = None,
    running_until: datetime | None = None,
) -> datetime:  # fmt: skip
    """Return the end of an interim stop begun now. `stops_before`: those already made for the same risk.

    `last_on`: its last day where it is to be shorter than the policy allows. Raises InterimStopUsedUp after the
    renewals that the policy allows, InterimStopDay.
    """
    if stops_before > policy.interim_stop_renewals:
        raise InterimStopUsedUp(renewals=policy.interim_stop_renewals)
    least, most = interim_stop_days(policy, now, running_until)
    if last_on is not None and not least <= last_on <= most:
        raise InterimStopDay(least=least.isoformat(), most=most.isoformat())
    return day_end(last_on or most, policy.zone)


def _is_before(now: datetime, end: datetime | None) -> bool:
    return end is not None and now < end


class _Walk:
    """Goes through the events of one permit and keeps what stands."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.facts = PermitFacts()
        self.base_on: date | None = None
        self.periods = 0
        self.stops: dict[PermitEventKind, tuple[datetime, datetime | None]] = {}

    def step(self, event: PermitEvent) -> None:
        """Take one event in."""
        at = event.effective_at
        match event.kind:
            case PermitEventKind.GRANTED:
                self._grant(event)
            case PermitEventKind.RENEWED:
                self._renew(event)
            case PermitEventKind.SUSPENDED | PermitEventKind.INTERIM_STOPPED:
                self._stop(event)
            case PermitEventKind.REINSTATED:
                self.stops.pop(_K.SUSPENDED, None)
            case PermitEventKind.INTERIM_STOP_ENDED:
                self.stops.pop(_K.INTERIM_STOPPED, None)
            case PermitEventKind.REVOKED:
                self.facts = replace(
                    self.facts,
                    revoked_at=at,
                    barred_until=event.barred_until,
                    retraining_at=None,
                    retraining_failed_at=None,
                )
            case PermitEventKind.RETRAINING:
                self.facts = replace(self.facts, retraining_at=at)
            case PermitEventKind.RETRAINING_FAILED:
                self.facts = replace(self.facts, retraining_at=None, retraining_failed_at=at)
            case PermitEventKind.RETRAINED:
                self._retrain(event)
            case PermitEventKind.SURRENDERED:
                self.facts = replace(self.facts, surrendered_at=at)

    def _grant(self, event: PermitEvent) -> None:
        granted_on = legal_day(event.effective_at, self.policy.zone)
        self.facts = PermitFacts(
            number=event.number or self.facts.number,
            anchor_on=self.facts.anchor_on or granted_on,
            valid_from=event.effective_at,
        )
        self.stops.clear()
        self._valid_through(granted_on, 1, event)

    def _renew(self, event: PermitEvent) -> None:
        """Count on as the policy says: from the completion, the old expiry (overdue: the completion), a fixed base."""
        renewal = self.policy.renewal
        if renewal.base is RenewalBase.FIXED_BASE and renewal.fixed_on is not None:
            through = renewed_through(
                renewal.base, base_on=renewal.fixed_on, done_on=legal_day(event.effective_at, self.policy.zone),
                months=self.policy.validity_months, least_months=renewal.least_months,
            )  # fmt: skip
            self._valid_through(through + timedelta(days=1), 0, event)
            return
        from_expiry = renewal.base is RenewalBase.OLD_EXPIRY
        if from_expiry and self.base_on is not None and _is_before(event.effective_at, self.facts.valid_until):
            self._valid_through(self.base_on, self.periods + 1, event)
        else:
            self._valid_through(legal_day(event.effective_at, self.policy.zone), 1, event)

    def _retrain(self, event: PermitEvent) -> None:
        self.facts = replace(
            self.facts, revoked_at=None, barred_until=None, retraining_at=None, retraining_failed_at=None
        )
        self.stops.pop(_K.SUSPENDED, None)
        self._valid_through(legal_day(event.effective_at, self.policy.zone), 1, event)

    def _valid_through(self, base_on: date, periods: int, event: PermitEvent) -> None:
        self.base_on, self.periods = base_on, periods
        zone = self.policy.zone
        end_on = boundary_on(base_on, periods, self.policy.validity_months)
        if event.valid_until is not None and legal_day(event.valid_until, zone) != end_on:
            # An end of its own, as earlier records bring it, is what a renewal counts on from.
            end_on = legal_day(event.valid_until, zone)
            self.base_on, self.periods = end_on, 0
        self.facts = replace(
            self.facts,
            valid_until=event.valid_until or day_start(end_on, zone),
            renewal_opens_at=day_start(end_on - timedelta(days=self.policy.renewal_window_days), zone),
            grace_until=day_start(end_on + timedelta(days=self.policy.grace_days), zone),
        )

    def _stop(self, event: PermitEvent) -> None:
        """Open a stop, or extend the one of the same kind that is still open; it keeps its beginning."""
        started, until = event.effective_at, event.until
        before = self.stops.get(event.kind)
        if before is not None and (before[1] is None or before[1] >= started):
            started = before[0]
            until = None if until is None or before[1] is None else max(until, before[1])
        self.stops[event.kind] = (started, until)

    def result(self, as_of: datetime) -> PermitFacts:
        """Return the facts, with the stops that are open joined into one span."""
        running = [stop for stop in self.stops.values() if stop[1] is None or stop[1] > as_of]
        ends = [stop[1] for stop in running]
        facts = replace(
            self.facts,
            stopped_from=min((stop[0] for stop in running), default=None),
            stopped_until=None if None in ends else max((end for end in ends if end), default=None),
        )
        dates = (
            *(facts.renewal_opens_at, facts.valid_until, facts.grace_until),
            *(facts.stopped_until, facts.barred_until),
        )
        upcoming = [one for one in dates if one is not None and one > as_of]
        return replace(facts, next_change_at=min(upcoming, default=None))
