"""Sanctions: proposed by the engine, decided by one person, confirmed and served by another, then in force."""

from __future__ import annotations

from datetime import datetime

from training_app.db import transaction
from training_app.permits import ledger_service
from training_app.permits.measure_service import (
    changed,
    end_suspended,
    move,
    open_sanction,
    serve,
    suspension_over,
    take_effect,
    tell_holder,
    undo,
)
from training_app.permits.sanction_rules import (
    AnnulReason,
    SanctionEventKind,
    SanctionMove,
    SanctionStatus,
    is_suspended_by_appeal,
)

_K = SanctionEventKind


def decide(sanction_id: int, *, impose: bool, words: str, now: datetime, actor_id: int, language: str) -> None:
    """Decide on a proposal: impose it (another person then confirms), or let it drop; with reasons."""
    with transaction():
        here = open_sanction(sanction_id, now, actor_id)
        kind = _K.DECIDE if impose else _K.DISMISS
        move(here, SanctionMove(kind=kind, reason=bool(words.strip())), {}, words, language)
        changed(here)


def confirm(sanction_id: int, *, now: datetime, actor_id: int) -> None:
    """Confirm what another person decided; it is served and takes effect in the same moment."""
    with transaction():
        here = open_sanction(sanction_id, now, actor_id)
        move(here, SanctionMove(kind=_K.CONFIRM), {})
        here = open_sanction(sanction_id, now, actor_id)
        serve(here)
        here = open_sanction(sanction_id, now, None)
        move(here, SanctionMove(kind=_K.TAKE_EFFECT), {})
        take_effect(here)
        ledger_service.settle(here.lock, now=now)


def appeal(sanction_id: int, *, words: str, now: datetime, actor_id: int, language: str) -> None:
    """Let the holder contest a sanction in time; where the policy says so, it is held up until that is resolved."""
    with transaction():
        here = open_sanction(sanction_id, now, actor_id)
        move(here, SanctionMove(kind=_K.APPEAL), {}, words, language)
        here = open_sanction(sanction_id, now, actor_id)
        if is_suspended_by_appeal(here.file.state, here.record.policy):
            undo(here)
            ledger_service.settle(here.lock, now=now)
        changed(here)


def resolve(sanction_id: int, *, uphold: bool, words: str, now: datetime, actor_id: int, language: str) -> None:
    """Decide on an appeal against a sanction: a third person upholds or annuls it, with reasons."""
    with transaction():
        here = open_sanction(sanction_id, now, actor_id)
        reason = bool(words.strip())
        if uphold:
            move(here, SanctionMove(kind=_K.UPHOLD, reason=reason), {}, words, language)
            if is_suspended_by_appeal(here.file.state, here.record.policy):
                take_effect(open_sanction(sanction_id, now, None))
            tell_holder(here, "sanction_served")
        else:
            step = SanctionMove(kind=_K.ANNUL, reason=reason, annul=AnnulReason.APPEAL)
            move(here, step, {"annul": AnnulReason.APPEAL.value}, words, language)
            undo(here)
            tell_holder(here, "sanction_annulled")
        ledger_service.settle(here.lock, now=now)


def annul(sanction_id: int, *, words: str, now: datetime, actor_id: int, language: str) -> None:
    """Annul a sanction that was an error: as if never imposed. Not by who decided or confirmed it.

    Where the points behind it still stand, the engine proposes it anew in the same moment, for another decision.
    """
    with transaction():
        here = open_sanction(sanction_id, now, actor_id)
        step = SanctionMove(kind=_K.ANNUL, reason=bool(words.strip()), annul=AnnulReason.ERROR)
        move(here, step, {"annul": AnnulReason.ERROR.value}, words, language)
        undo(here)
        if here.file.state.served_at is not None:
            tell_holder(here, "sanction_annulled")
        ledger_service.settle(here.lock, now=now)


def end_suspension(sanction_id: int, *, now: datetime) -> bool:
    """End a suspension whose time is over, as of that instant; False where it runs, is held up or has ended."""
    with transaction():
        here = open_sanction(sanction_id, now, None)
        over_at = suspension_over(here)
        if here.file.state.status is not SanctionStatus.IN_FORCE or over_at is None:
            return False
        end_suspended(here, over_at)
        ledger_service.settle(here.lock, now=now)
        return True
