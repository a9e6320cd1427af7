"""The procedure of a case: a table of moves, who may take them, and the clocks that run from service.

    state = fold_case(events, policy, calendar)              # what the case has come to
    state.status, state.is_counted, state.points, state.final_at, state.answer_until, state.appeal_until

Whether somebody may take a step is asked of `case_move_rules.check_move`.

A notice, a decision and a resolution are served by an event of their own. The clocks for the answer and the
appeal run from that service alone; what was not served never lapses. A service keeps the deadline that was
told (`deadline_at`): a later change of the calendar can only move it later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import Enum

from training_app.calendar.rules import WorkCalendar, add_months, day_end, legal_day, working_day_deadline
from training_app.permits.base_rules import IllegalMove, PersonId
from training_app.permits.policy_rules import Policy


class CaseStatus(Enum):
    """Where a case stands."""

    REPORTED = "reported"
    NOTICED = "noticed"
    ANSWERED = "answered"
    UPHELD = "upheld"
    REDUCED = "reduced"
    DISMISSED = "dismissed"
    WARNING = "warning"
    APPEALED = "appealed"
    FINAL_UPHELD = "final_upheld"
    FINAL_REDUCED = "final_reduced"
    FINAL_VOID = "final_void"
    VOID = "void"


class CaseEventKind(Enum):
    """What happens to a case."""

    REPORT = "report"
    NOTIFY = "notify"
    SERVE = "serve"
    ANSWER = "answer"
    DECIDE = "decide"
    APPEAL = "appeal"
    RESOLVE = "resolve"
    LAPSE = "lapse"
    REOPEN = "reopen"
    TAKE_BACK = "take_back"


class Document(Enum):
    """What is served."""

    NOTICE = "notice"
    DECISION = "decision"
    RESOLUTION = "resolution"


class Outcome(Enum):
    """What a decision or a resolution says; a warning only as a decision, void only as a resolution."""

    UPHELD = "upheld"
    REDUCED = "reduced"
    DISMISSED = "dismissed"
    WARNING = "warning"
    VOID = "void"


_S, _K = CaseStatus, CaseEventKind
DECIDED: Mapping[Outcome, CaseStatus] = {
    Outcome.UPHELD: _S.UPHELD,
    Outcome.REDUCED: _S.REDUCED,
    Outcome.DISMISSED: _S.DISMISSED,
    Outcome.WARNING: _S.WARNING,
}
RESOLVED: Mapping[Outcome, CaseStatus] = {
    Outcome.UPHELD: _S.FINAL_UPHELD,
    Outcome.REDUCED: _S.FINAL_REDUCED,
    Outcome.VOID: _S.FINAL_VOID,
}
_LAPSED = {_S.UPHELD: _S.FINAL_UPHELD, _S.REDUCED: _S.FINAL_REDUCED}
_APPEALABLE = (_S.UPHELD, _S.REDUCED, _S.APPEALED)
_OPEN = (_S.REPORTED, _S.NOTICED, _S.ANSWERED, _S.UPHELD, _S.REDUCED, _S.APPEALED)
FINAL = frozenset({_S.FINAL_UPHELD, _S.FINAL_REDUCED, _S.FINAL_VOID})

MOVES: Mapping[CaseEventKind, frozenset[CaseStatus]] = {
    _K.REPORT: frozenset(),
    _K.NOTIFY: frozenset({_S.REPORTED}),
    _K.ANSWER: frozenset({_S.NOTICED}),
    _K.DECIDE: frozenset({_S.NOTICED, _S.ANSWERED}),
    _K.APPEAL: frozenset({_S.UPHELD, _S.REDUCED}),
    _K.RESOLVE: frozenset({_S.APPEALED}),
    _K.LAPSE: frozenset({_S.UPHELD, _S.REDUCED}),
    _K.REOPEN: FINAL,
    _K.TAKE_BACK: frozenset(_OPEN),
}
SERVABLE: Mapping[Document, frozenset[CaseStatus]] = {
    Document.NOTICE: frozenset({_S.NOTICED, _S.ANSWERED}),
    Document.DECISION: frozenset({_S.UPHELD, _S.REDUCED, _S.DISMISSED, _S.WARNING, _S.APPEALED}),
    Document.RESOLUTION: FINAL,
}


@dataclass(frozen=True, kw_only=True)
class CaseEvent:
    """One row of a case; which fields it fills depends on its kind.

    report: `holder`, `code`, `points` (of the tariff), `occurred_at`. serve: `document`, `deadline_at` (as
    told). decide, resolve: `outcome`, `points` (0 but for upheld and reduced). `actor` is None for the
    system.
    """

    kind: CaseEventKind
    idem: str
    effective_at: datetime
    recorded_at: datetime
    seq: int
    actor: PersonId | None = None
    holder: PersonId | None = None
    code: str = ""
    points: int = 0
    occurred_at: datetime | None = None
    document: Document | None = None
    deadline_at: datetime | None = None
    outcome: Outcome | None = None


@dataclass(frozen=True, kw_only=True)
class CaseState:
    """What a case has come to. Deadlines are exclusive instants, None while nothing was served.

    `points`: those that stand now (0 when dismissed, void, or only a warning); `tariff_points`: those
    reported. `round` counts the reopenings, so that each round's entry has a key of its own. `limitation_on`: the
    last legal day on which the occurrence can be reported, or taken up again to the worse; `limitation_until` its end.
    """

    status: CaseStatus
    holder: PersonId
    reporter: PersonId
    code: str
    tariff_points: int
    points: int
    occurred_at: datetime
    deciders: tuple[PersonId, ...] = ()
    resolvers: tuple[PersonId, ...] = ()
    notice_served_at: datetime | None = None
    answer_until: datetime | None = None
    decided_at: datetime | None = None
    decision_served_at: datetime | None = None
    appeal_until: datetime | None = None
    final_at: datetime | None = None
    round: int = 0
    limitation_on: date | None = None
    limitation_until: datetime | None = None

    @property
    def is_final(self) -> bool:
        """Tell whether the decision can no longer be appealed."""
        return self.status in FINAL

    @property
    def is_open(self) -> bool:
        """Tell whether a step is still to come: neither final, nor dismissed, a warning or taken back."""
        return self.status in _OPEN

    @property
    def is_counted(self) -> bool:
        """Tell whether an entry exists: final, with points; until then nothing counts."""
        return self.status in (CaseStatus.FINAL_UPHELD, CaseStatus.FINAL_REDUCED)

    @property
    def can_get_worse(self) -> bool:
        """Tell whether another decision could cost more points than those that stand."""
        return self.points < self.tariff_points

    @property
    def next_deadline_at(self) -> datetime | None:
        """Return the deadline that runs now, None if none does."""
        if self.status is CaseStatus.NOTICED:
            return self.answer_until
        return self.appeal_until if self.status in (CaseStatus.UPHELD, CaseStatus.REDUCED) else None


class EventsOutOfOrder(IllegalMove):
    """The events of a case do not follow the table of moves; `values`: state, move."""

    code = "events_out_of_order"


def fold_case(
    events: Iterable[CaseEvent],
    policy: Policy,
    calendar: WorkCalendar,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> CaseState | None:
    """Fold the events of one case in the order of their `seq`; None where it was not reported by then.

    `calendar`: that of the zone frozen on the case. Raises EventsOutOfOrder.
    """
    once = {event.idem: event for event in sorted(events, key=lambda event: -event.seq)}
    state: CaseState | None = None
    for event in sorted(once.values(), key=lambda event: event.seq):
        if (as_of is None or event.effective_at <= as_of) and (known_at is None or event.recorded_at <= known_at):
            state = _apply(state, event, policy, calendar)
    return state


def _apply(state: CaseState | None, event: CaseEvent, policy: Policy, calendar: WorkCalendar) -> CaseState:
    if event.kind is CaseEventKind.REPORT:
        return _reported(state, event, policy, calendar)
    allowed = MOVES.get(event.kind, frozenset())
    if event.kind is CaseEventKind.SERVE:
        allowed = SERVABLE[event.document] if event.document else frozenset()
    if state is None or state.status not in allowed:
        raise EventsOutOfOrder(state=state.status if state else None, move=event.kind)
    if event.kind is CaseEventKind.SERVE:
        return _served(state, event, policy, calendar)
    return _moved(state, event)


def _reported(state: CaseState | None, event: CaseEvent, policy: Policy, calendar: WorkCalendar) -> CaseState:
    if state is not None or event.holder is None or event.actor is None or event.occurred_at is None:
        raise EventsOutOfOrder(state=state.status if state else None, move=event.kind)
    limitation_on = limitation_day(event.occurred_at, policy, calendar.zone)
    return CaseState(
        status=CaseStatus.REPORTED,
        holder=event.holder,
        reporter=event.actor,
        code=event.code,
        tariff_points=event.points,
        points=event.points,
        occurred_at=event.occurred_at,
        limitation_on=limitation_on,
        limitation_until=day_end(limitation_on, calendar.zone),
    )


def by_time(state: CaseState, now: datetime) -> CaseState:
    """Return what time alone has made of a case: final once the appeal deadline is over, written down or not."""
    if state.status not in _LAPSED or state.appeal_until is None or now < state.appeal_until:
        return state
    return replace(state, status=_LAPSED[state.status], final_at=state.appeal_until)


def limitation_day(occurred_at: datetime, policy: Policy, zone: str) -> date:
    """Return the last legal day on which an occurrence can be reported."""
    return add_months(legal_day(occurred_at, zone), policy.limitation_months)


def _served(state: CaseState, event: CaseEvent, policy: Policy, calendar: WorkCalendar) -> CaseState:
    """Start the clock of what was served; serving again, or another calendar, only moves it later."""
    if event.document is Document.NOTICE:
        return replace(
            state,
            notice_served_at=state.notice_served_at or event.effective_at,
            answer_until=_later(state.answer_until, event, policy.answer_working_days, calendar),
        )
    if event.document is not Document.DECISION:
        return state
    served = replace(state, decision_served_at=state.decision_served_at or event.effective_at)
    if state.status not in _APPEALABLE:
        return served
    until = _later(state.appeal_until, event, policy.appeal_working_days, calendar)
    return replace(served, appeal_until=until)


def _later(before: datetime | None, event: CaseEvent, days: int, calendar: WorkCalendar) -> datetime:
    computed = working_day_deadline(event.effective_at, days, calendar)
    return max(deadline for deadline in (before, event.deadline_at, computed) if deadline is not None)


def _moved(state: CaseState, event: CaseEvent) -> CaseState:
    actor = () if event.actor is None else (event.actor,)
    outcome = event.outcome
    match event.kind:
        case CaseEventKind.NOTIFY:
            return replace(state, status=CaseStatus.NOTICED)
        case CaseEventKind.ANSWER:
            return replace(state, status=CaseStatus.ANSWERED)
        case CaseEventKind.DECIDE if outcome is not None and outcome in DECIDED:
            return replace(
                state,
                status=DECIDED[outcome],
                points=event.points,
                decided_at=event.effective_at,
                deciders=state.deciders + actor,
            )
        case CaseEventKind.APPEAL:
            return replace(state, status=CaseStatus.APPEALED)
        case CaseEventKind.RESOLVE if outcome is not None and outcome in RESOLVED:
            return replace(
                state,
                status=RESOLVED[outcome],
                points=event.points,
                final_at=event.effective_at,
                resolvers=state.resolvers + actor,
            )
        case CaseEventKind.LAPSE:
            return replace(state, status=_LAPSED[state.status], final_at=event.effective_at)
        case CaseEventKind.REOPEN:
            return _reopened(state)
        case CaseEventKind.TAKE_BACK:
            return replace(state, status=CaseStatus.VOID, points=0)
    raise EventsOutOfOrder(state=state.status, move=event.kind)


def _reopened(state: CaseState) -> CaseState:
    """Start again with the same rights: nothing is served, decided or final."""
    return CaseState(
        status=CaseStatus.NOTICED,
        holder=state.holder,
        reporter=state.reporter,
        code=state.code,
        tariff_points=state.tariff_points,
        points=state.tariff_points,
        occurred_at=state.occurred_at,
        round=state.round + 1,
        limitation_on=state.limitation_on,
        limitation_until=state.limitation_until,
    )
