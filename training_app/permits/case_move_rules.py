"""Who may take which step of a case, and when: the guards of the table of moves.

points = check_report(actor=reporter, holder=holder, code="broken-promise", occurred_at=..., evidence=True,
                      now=now, tariff=tariff, policy=policy)
check_move(state, CaseMove(kind=CaseEventKind.DECIDE, outcome=Outcome.UPHELD, points=3, reason=True),
           actor=decider, now=now)                       # raises a RuleError with a machine code
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from training_app.calendar.rules import legal_day
from training_app.permits.base_rules import (
    ClockRunning,
    EvidenceMissing,
    IllegalMove,
    NotServed,
    NotTheHolder,
    PersonId,
    PointsRefused,
    ReasonMissing,
    RuleError,
    SystemOnly,
    TooLate,
    require_other,
)
from training_app.permits.case_rules import (
    DECIDED,
    MOVES,
    RESOLVED,
    SERVABLE,
    CaseEventKind,
    CaseState,
    CaseStatus,
    Document,
    Outcome,
    limitation_day,
)
from training_app.permits.policy_rules import Policy


class CodeNotInTariff(RuleError):
    """The tariff of the day of the occurrence has no such code; `values`: violation_code."""

    code = "code_not_in_tariff"


class LimitationOver(RuleError):
    """The occurrence lies too far back; `values["until"]` is the last legal day to report it."""

    code = "limitation_over"


class ReopeningOver(RuleError):
    """The occurrence lies too far back to be taken up again to the worse; `values["until"]`: its last legal day."""

    code = "reopening_over"


class NotYetOccurred(RuleError):
    """The occurrence lies in the future."""

    code = "not_yet_occurred"


@dataclass(frozen=True, kw_only=True)
class CaseMove:
    """A step somebody wants to take. `companion`: taken for the holder by one who stands by them.

    `leave`: an appeal out of time was admitted. `reason`, `evidence`: words or files come with the step.
    """

    kind: CaseEventKind
    outcome: Outcome | None = None
    points: int = 0
    document: Document | None = None
    companion: bool = False
    leave: bool = False
    reason: bool = False
    evidence: bool = False


def check_report(
    *,
    actor: PersonId | None,
    holder: PersonId,
    code: str,
    occurred_at: datetime,
    evidence: bool,
    now: datetime,
    tariff: Mapping[str, int],
    policy: Policy,
) -> int:
    """Return the tariff points of a case that may be reported; 0 is a code that ends in a warning at most.

    `tariff`: violation code -> points, in force at the occurrence. The last day of the limitation is
    included. Raises PersonNeeded, SamePersonRefused, EvidenceMissing, NotYetOccurred, CodeNotInTariff,
    LimitationOver.
    """
    require_other(actor, holder=holder)
    if not evidence:
        raise EvidenceMissing()
    if occurred_at > now:
        raise NotYetOccurred()
    if code not in tariff:
        raise CodeNotInTariff(violation_code=code)
    until = limitation_day(occurred_at, policy, policy.zone)
    if legal_day(now, policy.zone) > until:
        raise LimitationOver(until=until)
    return tariff[code]


def check_move(state: CaseState, move: CaseMove, *, actor: PersonId | None, now: datetime) -> None:
    """Refuse a step that the table, the persons or the clocks do not allow.

    Raises IllegalMove, PersonNeeded, SamePersonRefused, NotTheHolder, SystemOnly, ReasonMissing,
    EvidenceMissing, PointsRefused, NotServed, ClockRunning, TooLate, ReopeningOver.
    """
    allowed = MOVES.get(move.kind, frozenset())
    if move.kind is CaseEventKind.SERVE:
        allowed = SERVABLE[move.document] if move.document else frozenset()
    if state.status not in allowed:
        raise IllegalMove(state=state.status, move=move.kind)
    guard = _GUARDS.get(move.kind)
    if guard:
        guard(state, move, actor, now)


def _guard_notify(state: CaseState, move: CaseMove, actor: PersonId | None, now: datetime) -> None:
    require_other(actor, holder=state.holder)


def _guard_holder(state: CaseState, move: CaseMove, actor: PersonId | None) -> None:
    if move.companion:
        require_other(actor, reporter=state.reporter, decider=state.deciders)
    elif actor != state.holder:
        raise NotTheHolder()


def _guard_answer(state: CaseState, move: CaseMove, actor: PersonId | None, now: datetime) -> None:
    # A late answer is still heard: it only must come before the decision.
    _guard_holder(state, move, actor)


def _guard_decide(state: CaseState, move: CaseMove, actor: PersonId | None, now: datetime) -> None:
    require_other(actor, reporter=state.reporter, holder=state.holder)
    if state.status is CaseStatus.NOTICED:
        _require_over(state.answer_until, now)
    if not move.reason:
        raise ReasonMissing()
    if move.outcome not in DECIDED:
        raise IllegalMove(state=state.status, move=move.kind, outcome=move.outcome)
    _check_points(move, state.tariff_points)


def _guard_appeal(state: CaseState, move: CaseMove, actor: PersonId | None, now: datetime) -> None:
    _guard_holder(state, move, actor)
    if not move.leave and state.appeal_until is not None and now >= state.appeal_until:
        raise TooLate(until=state.appeal_until)


def _guard_resolve(state: CaseState, move: CaseMove, actor: PersonId | None, now: datetime) -> None:
    require_other(actor, reporter=state.reporter, holder=state.holder, decider=state.deciders)
    if not move.reason:
        raise ReasonMissing()
    if move.outcome not in RESOLVED:
        raise IllegalMove(state=state.status, move=move.kind, outcome=move.outcome)
    _check_points(move, state.points)


def _guard_lapse(state: CaseState, move: CaseMove, actor: PersonId | None, now: datetime) -> None:
    if actor is not None:
        raise SystemOnly()
    _require_over(state.appeal_until, now)


def _guard_reopen(state: CaseState, move: CaseMove, actor: PersonId | None, now: datetime) -> None:
    """New evidence, by somebody who decided nothing here; what could only get better is never too late."""
    require_other(actor, holder=state.holder, decider=state.deciders + state.resolvers)
    if not move.evidence:
        raise EvidenceMissing()
    until = state.limitation_until
    if state.can_get_worse and until is not None and now >= until:
        raise ReopeningOver(until=state.limitation_on)


def _guard_take_back(state: CaseState, move: CaseMove, actor: PersonId | None, now: datetime) -> None:
    require_other(actor, holder=state.holder)
    if not move.reason:
        raise ReasonMissing()


_GUARDS = {
    CaseEventKind.NOTIFY: _guard_notify,
    CaseEventKind.ANSWER: _guard_answer,
    CaseEventKind.DECIDE: _guard_decide,
    CaseEventKind.APPEAL: _guard_appeal,
    CaseEventKind.RESOLVE: _guard_resolve,
    CaseEventKind.LAPSE: _guard_lapse,
    CaseEventKind.REOPEN: _guard_reopen,
    CaseEventKind.TAKE_BACK: _guard_take_back,
}


def _require_over(deadline: datetime | None, now: datetime) -> None:
    if deadline is None:
        raise NotServed()
    if now < deadline:
        raise ClockRunning(until=deadline)


def _check_points(move: CaseMove, standing: int) -> None:
    """Refuse points that the outcome does not bear: upheld = those standing, reduced = fewer, else none."""
    if move.outcome is Outcome.UPHELD:
        # A code of 0 points cannot be upheld: it ends in a warning at most.
        least, most = max(standing, 1), standing
    elif move.outcome is Outcome.REDUCED:
        least, most = 1, standing - 1
    else:
        least = most = 0
    if not least <= move.points <= most:
        raise PointsRefused(points=move.points, least=least, most=most)
