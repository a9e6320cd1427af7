"""The way out of retraining: what was listed is cleared, the permit is valid anew, the sanction has ended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from training_app.accounts.locks import PersonLock
from training_app.audit.models import Payload
from training_app.calendar.rules import boundary_on, day_start, last_day, legal_day
from training_app.permits import events, ledger_service, measure_service, permit_service, retraining_queries
from training_app.permits.base_rules import require_other
from training_app.permits.entry_rules import EntryKind
from training_app.permits.entry_service import append_entry
from training_app.permits.number_rules import day_pair, iso
from training_app.permits.permit_rules import PermitEventKind, check_permit_event
from training_app.permits.policy_rules import SanctionKind
from training_app.permits.refusals import NoPermit, worded
from training_app.permits.suspension_rules import clears_at_end, to_clear


def reinstate(lock: PersonLock, *, evidence: Sequence[str], reason: Payload, now: datetime, actor_id: int) -> datetime:
    """Make the permit of a locked person valid again after the retraining; return its new exclusive end.

    Inside the caller's transaction. That everything was shown, and who may decide it, the caller has checked;
    `evidence` names it ("attempt:12"). The clear lists what stood when the permit was revoked, so that points of the
    time between stay, unless the policy clears them too. Raises OwnCase, StepNotOpen, NoPermit.
    """
    record = permit_service.get_record(lock)
    with worded():
        check_permit_event(record.facts, PermitEventKind.RETRAINED, now)
        require_other(actor_id, holder=lock.person_id)
    due = retraining_queries.find_retraining(lock.session, lock.person_id, now)
    if due is None:
        raise NoPermit()
    policy = record.policy
    until = day_start(boundary_on(legal_day(now, policy.zone), 1, policy.validity_months), policy.zone)
    facts = {
        "number": record.number,
        "valid_until": iso(until),
        "evidence": list(evidence),
        "parts": [part.value for part in due.parts],
        "listed": list(due.listed),
        "sanction": due.sanction_id,
    }
    idem = permit_service.append_event(
        lock, record.permit_id, PermitEventKind.RETRAINED, facts, now=now, actor_id=actor_id, payload=reason
    )
    standing = ledger_service.standing(lock, record)
    refs = (
        to_clear(policy, at_service=due.listed, at_clear=standing) if clears_at_end(policy, SanctionKind.REVOKE) else ()
    )
    if refs:
        append_entry(
            lock, record, kind=EntryKind.CLEAR, points=0, code="", idem=f"{idem}/clear", refs=refs,
            effective_at=now, exists_at=now, now=now, actor_id=actor_id,
        )  # fmt: skip
    if due.sanction_id is not None:
        measure_service.end(lock, permit_service.get_record(lock), due.sanction_id, now=now)
    ledger_service.settle(lock, now=now)
    through = day_pair(last_day(until, policy.zone))
    permit_service.notice(lock, "permit_reinstated", idem, {"through": through}, "/me/permit", now=now)
    events.permit_changed.send(None, person_id=lock.person_id, now=now)
    return until
