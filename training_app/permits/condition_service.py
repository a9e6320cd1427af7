"""The condition of a renewal: met, as a certifier says, or not met in time, so that a suspension is proposed."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from training_app.accounts.locks import PersonLock, lock_person
from training_app.calendar.rules import day_end
from training_app.db import transaction
from training_app.errors import DomainError
from training_app.permits import events, ledger_queries, measure_service, permit_service, review_queries
from training_app.permits.base_rules import require_other
from training_app.permits.due_rules import CONDITION, Proposal
from training_app.permits.models import Sanction
from training_app.permits.permit_rules import PERMIT_MOVES, PermitEventKind, check_permit_event
from training_app.permits.policy_rules import SanctionKind, Span
from training_app.permits.refusals import worded

_K = PermitEventKind


class NoCondition(DomainError):
    """No condition is open."""

    code = "no_condition"
    message = "There is no open condition any more. Load the page again to see how it stands."


def meet_condition(lock: PersonLock, *, now: datetime, actor_id: int) -> None:
    """Write that the condition of a locked person's renewal is met, inside the caller's transaction.

    Raises NoCondition, OwnCase, StepNotOpen.
    """
    record = permit_service.get_record(lock)
    renewal = review_queries.last_renewal(lock.session, lock.person_id)
    if renewal is None or not renewal.is_open:
        raise NoCondition()
    with worded():
        require_other(actor_id, holder=lock.person_id)
        check_permit_event(record.facts, _K.CONDITION_MET, now)
    facts = {"window": renewal.window}
    idem = permit_service.append_event(lock, record.permit_id, _K.CONDITION_MET, facts, now=now, actor_id=actor_id)
    permit_service.notice(lock, "condition_met", idem, {}, review_queries.PAGE, now=now)
    events.permit_changed.send(None, person_id=lock.person_id, now=now)


def propose_unmet(person_id: int, *, now: datetime) -> bool:
    """Propose to suspend a permit whose condition was not met in time, once; return whether it was proposed now.

    The machine suspends nobody: the proposal is decided by one person and confirmed by another.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        record = permit_service.get_record(lock)
        renewal = review_queries.last_renewal(session, person_id)
        if renewal is None or not renewal.is_open or renewal.condition_on is None:
            return False
        is_over = day_end(renewal.condition_on, record.zone) <= lock.present
        if not is_over or record.state not in PERMIT_MOVES[_K.SUSPENDED]:
            return False
        cause = f"{CONDITION}{renewal.window}"
        known = sa.select(Sanction.id).where(Sanction.cause == f"permit-{record.permit_id}/{cause}")
        if session.scalar(known) is not None:
            return False
        state = ledger_queries.ledger_state(session, person_id, lock.present, record=record)
        proposal = Proposal(
            cause=cause, sanction=SanctionKind.SUSPEND, stage=0, reached_at=lock.present,
            total=state.total if state else 0, entries=(), span=Span(days=record.policy.review.unmet_days),
        )  # fmt: skip
        measure_service.propose(lock, record, proposal, now=now)
        events.permit_changed.send(None, person_id=person_id, now=now)
        return True
