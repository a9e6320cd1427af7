"""The procedure of a sanction: proposed by the engine, decided, confirmed by another, served, in force.

    state = fold_sanction(events, policy, calendar)
    check_sanction_move(state, SanctionMove(kind=SanctionEventKind.CONFIRM), actor=lead, now=now)

A decision not to impose ends in `dismissed`; a sanction whose cause fell away, or that was an error or lost
on appeal, ends in `annulled` with the reason. Nothing takes effect before it is served.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from training_app.calendar.rules import WorkCalendar, working_day_deadline
from training_app.permits.base_rules import (
    IllegalMove,
    NotTheHolder,
    PersonId,
    ReasonMissing,
    SystemOnly,
    TooLate,
    require_other,
)
from training_app.permits.due_rules import KnownSanction
from training_app.permits.policy_rules import AppealSuspends, Policy, SanctionKind


class SanctionStatus(Enum):
    """Where a sanction stands."""

    PROPOSED = "proposed"
    DECIDED = "decided"
    CONFIRMED = "confirmed"
    SERVED = "served"
    IN_FORCE = "in_force"
    APPEALED = "appealed"
    ENDED = "ended"
    DISMISSED = "dismissed"
    ANNULLED = "annulled"


class SanctionEventKind(Enum):
    """What happens to a sanction."""

    PROPOSE = "propose"
    DECIDE = "decide"
    DISMISS = "dismiss"
    CONFIRM = "confirm"
    SERVE = "serve"
    TAKE_EFFECT = "take_effect"
    APPEAL = "appeal"
    UPHOLD = "uphold"
    END = "end"
    ANNUL = "annul"


class AnnulReason(Enum):
    """Why a sanction counts as never imposed."""

    CAUSE_VOID = "cause_void"
    ERROR = "error"
    APPEAL = "appeal"


_S, _K = SanctionStatus, SanctionEventKind
PENDING = frozenset({_S.PROPOSED, _S.DECIDED, _S.CONFIRMED})
TERMINAL = frozenset({_S.DISMISSED, _S.ANNULLED})

SANCTION_MOVES: Mapping[SanctionEventKind, frozenset[SanctionStatus]] = {
    _K.PROPOSE: frozenset(),
    _K.DECIDE: frozenset({_S.PROPOSED}),
    _K.DISMISS: frozenset({_S.PROPOSED, _S.DECIDED}),
    _K.CONFIRM: frozenset({_S.DECIDED}),
    _K.SERVE: frozenset({_S.CONFIRMED}),
    _K.TAKE_EFFECT: frozenset({_S.SERVED}),
    # A retraining passed early ends the sanction, not the right to contest it in time.
    _K.APPEAL: frozenset({_S.SERVED, _S.IN_FORCE, _S.ENDED}),
    _K.UPHOLD: frozenset({_S.APPEALED}),
    _K.END: frozenset({_S.IN_FORCE}),
    # An ended sanction can still turn out to be an error, or lose its cause.
    _K.ANNUL: frozenset(set(_S) - TERMINAL),
}
_LEADS_TO = {
    _K.DECIDE: _S.DECIDED,
    _K.DISMISS: _S.DISMISSED,
    _K.CONFIRM: _S.CONFIRMED,
    _K.SERVE: _S.SERVED,
    _K.TAKE_EFFECT: _S.IN_FORCE,
    _K.APPEAL: _S.APPEALED,
    _K.END: _S.ENDED,
    _K.ANNUL: _S.ANNULLED,
}


@dataclass(frozen=True, kw_only=True)
class SanctionEvent:
    """One row of a sanction. `deadline_at`: the appeal deadline as told on service; no `actor`: the system.

    propose: `holder`, `reporters` (of the cases behind it), `sanction`, `stage`, `cause`, `entries`.
    """

    kind: SanctionEventKind
    idem: str
    effective_at: datetime
    recorded_at: datetime
    seq: int
    actor: PersonId | None = None
    holder: PersonId | None = None
    reporters: tuple[PersonId, ...] = ()
    sanction: SanctionKind | None = None
    stage: int = 0
    cause: str = ""
    entries: tuple[str, ...] = ()
    deadline_at: datetime | None = None
    reason: AnnulReason | None = None


@dataclass(frozen=True, kw_only=True)
class SanctionState:
    """What a sanction has come to; `appeal_until` is exclusive, None while it was not served."""

    status: SanctionStatus
    holder: PersonId
    reporters: tuple[PersonId, ...]
    sanction: SanctionKind
    stage: int
    cause: str
    entries: tuple[str, ...]
    proposed_at: datetime
    decider: PersonId | None = None
    decided_at: datetime | None = None
    confirmer: PersonId | None = None
    confirmed_at: datetime | None = None
    served_at: datetime | None = None
    appeal_until: datetime | None = None
    in_force_at: datetime | None = None
    ended_at: datetime | None = None
    annulled_at: datetime | None = None
    annul_reason: AnnulReason | None = None
    resumes: SanctionStatus | None = None  # where an appeal that is lost leads back to

    @property
    def is_pending(self) -> bool:
        """Tell whether people still have to decide or confirm it, or it waits for its service."""
        return self.status in PENDING

    @property
    def is_served(self) -> bool:
        """Tell whether its holder was told of it and it stands: it can be contested while there is time."""
        return self.status in (SanctionStatus.SERVED, SanctionStatus.IN_FORCE, SanctionStatus.ENDED)

    @property
    def counts_for_escalation(self) -> bool:
        """Tell whether a later sanction counts this one: it took effect and was not annulled."""
        return self.in_force_at is not None and self.status is not SanctionStatus.ANNULLED

    def as_known(self) -> KnownSanction:
        """Return what the engine has to know before it proposes again."""
        reasons = (AnnulReason.CAUSE_VOID, AnnulReason.ERROR)
        fell_away = self.status is SanctionStatus.ANNULLED and self.annul_reason in reasons
        return KnownSanction(
            cause=self.cause,
            entries=self.entries,
            fell_away=fell_away,
            is_live=self.status not in TERMINAL,
            is_pending=self.is_pending,
            stage=self.stage,
            sanction=self.sanction,
            served_at=self.served_at,
        )


@dataclass(frozen=True, kw_only=True)
class SanctionMove:
    """A step somebody wants to take. `reason`: words come with it; `annul`: why it is annulled."""

    kind: SanctionEventKind
    reason: bool = False
    annul: AnnulReason | None = None
    companion: bool = False
    leave: bool = False


def fold_sanction(
    events: Iterable[SanctionEvent],
    policy: Policy,
    calendar: WorkCalendar,
    *,
    as_of: datetime | None = None,
    known_at: datetime | None = None,
) -> SanctionState | None:
    """Fold the events of one sanction in the order of their `seq`; None where it was not proposed by then.

    Raises IllegalMove where the events do not follow the table.
    """
    once = {event.idem: event for event in sorted(events, key=lambda event: -event.seq)}
    state: SanctionState | None = None
    for event in sorted(once.values(), key=lambda event: event.seq):
        if (as_of is None or event.effective_at <= as_of) and (known_at is None or event.recorded_at <= known_at):
            state = _apply(state, event, policy, calendar)
    return state


def check_sanction_move(
    state: SanctionState, move: SanctionMove, *, actor: PersonId | None, now: datetime, policy: Policy
) -> None:
    """Refuse a step that the table, the persons or the clock do not allow.

    Raises IllegalMove, PersonNeeded, SamePersonRefused, NotTheHolder, SystemOnly, ReasonMissing, TooLate.
    """
    if state.status not in SANCTION_MOVES[move.kind]:
        raise IllegalMove(state=state.status, move=move.kind)
    kind = move.kind
    involved = {"reporter": state.reporters, "holder": state.holder}
    if kind in (_K.DECIDE, _K.DISMISS, _K.UPHOLD, _K.ANNUL) and not move.reason:
        raise ReasonMissing()
    if kind in (_K.DECIDE, _K.DISMISS):
        require_other(actor, **involved)
    elif kind is _K.CONFIRM:
        require_other(actor, decider=state.decider, **involved)
    elif kind is _K.SERVE:
        require_other(actor, holder=state.holder)
    elif kind in (_K.TAKE_EFFECT, _K.END):
        if actor is not None:
            raise SystemOnly()
    elif kind is _K.APPEAL:
        _check_appeal(state, move, actor, now)
    elif kind is _K.UPHOLD:
        require_other(actor, decider=state.decider, confirmer=state.confirmer, **involved)
    elif kind is _K.ANNUL:
        _check_annul(state, move, actor)


def _check_appeal(state: SanctionState, move: SanctionMove, actor: PersonId | None, now: datetime) -> None:
    if move.companion:
        require_other(actor, reporter=state.reporters, decider=state.decider, confirmer=state.confirmer)
    elif actor != state.holder:
        raise NotTheHolder()
    if not move.leave and state.appeal_until is not None and now >= state.appeal_until:
        raise TooLate(until=state.appeal_until)


def _check_annul(state: SanctionState, move: SanctionMove, actor: PersonId | None) -> None:
    """The engine annuls what has lost its cause; all else takes a person who did not decide or confirm it."""
    if move.annul is AnnulReason.CAUSE_VOID and actor is None:
        return
    # While an appeal is open only the loss of the cause may overtake it.
    is_appealed = state.status is SanctionStatus.APPEALED
    out_of_place = (move.annul is AnnulReason.APPEAL) != is_appealed
    if move.annul is None or (move.annul is not AnnulReason.CAUSE_VOID and out_of_place):
        raise IllegalMove(state=state.status, move=move.kind, reason=move.annul)
    require_other(
        actor,
        reporter=state.reporters,
        holder=state.holder,
        decider=state.decider,
        confirmer=state.confirmer,
    )


def is_suspended_by_appeal(state: SanctionState, policy: Policy) -> bool:
    """Tell whether an open appeal holds the sanction up; an interim stop is apart and stays.

    Of a sanction that has ended there is nothing left to hold up.
    """
    is_open = state.status is SanctionStatus.APPEALED and state.resumes is not SanctionStatus.ENDED
    return is_open and policy.appeal_suspends is AppealSuspends.SANCTION


def _apply(state: SanctionState | None, event: SanctionEvent, policy: Policy, calendar: WorkCalendar) -> SanctionState:
    if event.kind is _K.PROPOSE:
        return _proposed(state, event)
    if state is None or state.status not in SANCTION_MOVES[event.kind]:
        raise IllegalMove(state=state.status if state else None, move=event.kind)
    if event.kind is _K.UPHOLD:
        return replace(state, status=state.resumes or SanctionStatus.SERVED, resumes=None)
    moved = replace(state, status=_LEADS_TO[event.kind])
    at = event.effective_at
    match event.kind:
        case SanctionEventKind.DECIDE:
            return replace(moved, decider=event.actor, decided_at=at)
        case SanctionEventKind.CONFIRM:
            return replace(moved, confirmer=event.actor, confirmed_at=at)
        case SanctionEventKind.SERVE:
            computed = working_day_deadline(at, policy.appeal_working_days, calendar)
            return replace(moved, served_at=at, appeal_until=max(computed, event.deadline_at or computed))
        case SanctionEventKind.TAKE_EFFECT:
            return replace(moved, in_force_at=at)
        case SanctionEventKind.APPEAL:
            return replace(moved, resumes=state.status)
        case SanctionEventKind.END:
            return replace(moved, ended_at=at)
        case SanctionEventKind.ANNUL:
            return replace(moved, annulled_at=at, annul_reason=event.reason)
    return moved


def _proposed(state: SanctionState | None, event: SanctionEvent) -> SanctionState:
    if state is not None or event.holder is None or event.sanction is None:
        raise IllegalMove(state=state.status if state else None, move=event.kind)
    return SanctionState(
        status=SanctionStatus.PROPOSED,
        holder=event.holder,
        reporters=event.reporters,
        sanction=event.sanction,
        stage=event.stage,
        cause=event.cause,
        entries=event.entries,
        proposed_at=event.effective_at,
    )
