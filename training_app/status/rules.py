"""The state of a person at an instant, from the dates of their row; and what a level or certificate is worth then.

facts = Facts(valid_from=…, valid_until=…, …)           # the columns of person_state that decide
state_at(facts, now)                                    # State; what the row alone says
is_stale(facts.next_change_at, now)                     # then the row says nothing: fold the person first
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from enum import StrEnum

from training_app.permits.permit_rules import PermitFacts, PermitState
from training_app.permits.permit_rules import state_at as permit_state_at


class State(StrEnum):
    """Where a person stands: before the permit, or what their permit is."""

    NONE = "none"
    APPLIED = "applied"
    TRAINING = "training"
    EXAMINABLE = "examinable"
    PASSED = "passed"
    VALID = "valid"
    RENEWAL_OPEN = "renewal_open"
    GRACE = "grace"
    LAPSED = "lapsed"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    RETRAINING = "retraining"
    BARRED = "barred"
    SURRENDERED = "surrendered"


BEFORE_THE_PERMIT = frozenset({State.APPLIED, State.TRAINING, State.EXAMINABLE, State.PASSED})
VALID_TODAY = frozenset({State.VALID, State.RENEWAL_OPEN})
RUNNING = VALID_TODAY | {State.GRACE}


class Reason(StrEnum):
    """Why somebody may not work, or what hangs over them; words stand in the pages."""

    LEVEL_ENDED = "level_ended"
    STOPPED = "stopped"
    REVOKED = "revoked"
    BARRED = "barred"
    LAPSED = "lapsed"
    SURRENDERED = "surrendered"
    GRACE = "grace"
    MISSING = "missing"
    OPEN_CASE = "open_case"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """The dates that decide a person's state; starts are included, ends are not.

    `level_valid_until`: the end of the highest level held, or of the last one where none is left; None where there
    never was a level, so that nothing has ended.
    """

    valid_from: datetime | None = None
    valid_until: datetime | None = None
    renewal_from: datetime | None = None
    grace_until: datetime | None = None
    stopped_from: datetime | None = None
    stopped_until: datetime | None = None
    revoked_at: datetime | None = None
    retraining_from: datetime | None = None
    barred_until: datetime | None = None
    surrendered_at: datetime | None = None
    level_valid_until: datetime | None = None
    pre_permit: str | None = None
    next_change_at: datetime | None = None


def is_stale(next_change_at: datetime | None, now: datetime) -> bool:
    """Tell whether a row may no longer be trusted: a date that changes it has come."""
    return next_change_at is not None and next_change_at <= now


def state_at(facts: Facts, now: datetime) -> State:
    """Return the state that the dates give at an instant at or after the fold.

    A permit without a level left is suspended. Source: the table of effects.
    """
    state = permit_state_at(permit_facts(facts), now)
    if state is PermitState.NONE:
        return State(facts.pre_permit) if facts.pre_permit else State.NONE
    ended = facts.level_valid_until is not None and facts.level_valid_until <= now
    if ended and State(state.value) in RUNNING:
        return State.SUSPENDED
    return State(state.value)


def permit_facts(facts: Facts) -> PermitFacts:
    """Return the dates of the permit as permits/ names them."""
    return PermitFacts(
        valid_from=facts.valid_from,
        valid_until=facts.valid_until,
        renewal_opens_at=facts.renewal_from,
        grace_until=facts.grace_until,
        stopped_from=facts.stopped_from,
        stopped_until=facts.stopped_until,
        revoked_at=facts.revoked_at,
        barred_until=facts.barred_until,
        retraining_at=facts.retraining_from,
        surrendered_at=facts.surrendered_at,
    )


@dataclass(frozen=True, kw_only=True)
class HeldLevel:
    """A level of a person with its own dates; `exercisable` at the fold. Rows do not keep the `rank`."""

    scheme: str
    level: str
    awarded_at: datetime
    valid_until: datetime
    withdrawn_at: datetime | None
    exercisable: bool = False
    rank: int = field(default=0, compare=False)

    @property
    def ends_at(self) -> datetime:
        """Return when it ended or will end: by withdrawal or at its own expiry."""
        return self.valid_until if self.withdrawn_at is None else min(self.withdrawn_at, self.valid_until)


@dataclass(frozen=True, kw_only=True)
class HeldLicence:
    """A state licence of a person: its kind, its number (None once erased) and the last day on which it counts."""

    kind: str
    number: str | None
    expires_on: date | None


def shown_level(levels: Iterable[HeldLevel], now: datetime) -> HeldLevel | None:
    """Return the level a list shows: the highest that is held, or the one that ended last."""
    return max(
        levels,
        key=lambda one: (one.ends_at > now, one.rank if one.ends_at > now else 0, one.ends_at, one.level),
        default=None,
    )


def exercised(level: HeldLevel, now: datetime, *, permit_is_good: bool) -> HeldLevel:
    """Return the level with whether it can be exercised: while it is held and the permit is good today."""
    return replace(level, exercisable=permit_is_good and level.ends_at > now)


def reasons(state: State, facts: Facts, now: datetime, *, open_cases: int, missing: Iterable[str]) -> list[str]:
    """Return the codes of what stands against working today, and of what hangs over the person."""
    found: list[str] = []
    by_state = {
        State.REVOKED: Reason.REVOKED,
        State.RETRAINING: Reason.REVOKED,
        State.BARRED: Reason.BARRED,
        State.LAPSED: Reason.LAPSED,
        State.SURRENDERED: Reason.SURRENDERED,
        State.GRACE: Reason.GRACE,
    }
    if state in by_state:
        found.append(by_state[state])
    if state is State.SUSPENDED:
        if permit_state_at(permit_facts(facts), now) is PermitState.SUSPENDED:
            found.append(Reason.STOPPED)
        if facts.level_valid_until is not None and facts.level_valid_until <= now:
            found.append(Reason.LEVEL_ENDED)
    if state in BEFORE_THE_PERMIT:
        found += [f"{Reason.MISSING}:{key}" for key in missing]
    if open_cases:
        found.append(Reason.OPEN_CASE)
    return [str(one) for one in found]


def next_change(now: datetime, *dates: datetime | None) -> datetime | None:
    """Return the earliest of the dates that is still to come."""
    return min((one for one in dates if one is not None and one > now), default=None)
