"""The annual review of a permit: opened by the system, decided by a person, written down with what it rested on."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import sqlalchemy as sa

from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit.models import Payload
from training_app.calendar.rules import last_day
from training_app.db import transaction
from training_app.errors import DomainError, Invalid
from training_app.permits import events, fold_queries, ledger_queries, permit_service, review_queries
from training_app.permits.base_rules import require_other
from training_app.permits.fold_queries import PermitRecord
from training_app.permits.models import PermitEvent
from training_app.permits.number_rules import day_pair, iso
from training_app.permits.permit_rules import PermitEventKind, PermitState, check_permit_event, renewed_until
from training_app.permits.refusals import NoPermit, worded
from training_app.permits.retraining_queries import breaches_of
from training_app.permits.review_queries import OPEN, PAGE, ReviewDue
from training_app.permits.review_rules import asked_of, condition_days, needs_condition, window_of

_K = PermitEventKind


class NoReview(DomainError):
    """No review is open: the window is not open yet, or the permit was renewed or lost meanwhile."""

    code = "no_review"
    message = (
        "There is no open review any more: the permit was renewed, stopped or has lapsed. "
        "Load the page again to see how it stands."
    )


class ConditionNeeded(Invalid):
    """More points are deducted than the policy lets pass without a condition."""

    code = "condition_needed"
    message = (
        "%(points)s points are deducted; without a condition a permit is renewed with %(most)s at most. "
        "Name a condition and its last day, or do not renew."
    )


class ConditionDay(Invalid):
    """The last day of a condition lies outside of what the policy allows."""

    code = "condition_day"
    message = "The last day of the condition has to lie between %(least)s and %(most)s."


def open_review(lock: PersonLock, *, now: datetime) -> ReviewDue | None:
    """Open the review of a locked person whose window is open, and tell them, once per window; return it.

    What it asks is fixed then. None where no window is open, or its renewal is decided.
    """
    session = lock.session
    record = fold_queries.find_permit(session, lock.person_id, lock.present)
    if record is None or record.state not in OPEN or record.facts.valid_until is None:
        return None
    window = window_of(record.facts.valid_until, record.zone)
    own = [row for row in review_queries.review_events(session, [lock.person_id])[lock.person_id]
           if row.facts.get("window") == window]  # fmt: skip
    if not own:
        _open(lock, record, window, now)
    return review_queries.find_review(session, lock.person_id, lock.present)


def _open(lock: PersonLock, record: PermitRecord, window: str, now: datetime) -> None:
    assert record.facts.valid_until is not None
    total, standing = _ledger(lock, record)
    breaches = breaches_of(lock.session, standing)
    lessons = [breaches[key].lesson for key in standing if key in breaches]
    asked = asked_of(
        record.policy.review, number=record.number, window=window, points=total,
        breach_lessons=[lesson for lesson in lessons if lesson is not None],
    )  # fmt: skip
    facts = {
        "window": window, "number": record.number, "points": total, "lessons": list(asked.lessons), "exam": asked.exam,
        "drill": asked.drill, "policy": record.follows.key, "policy_version": record.follows.version_id,
    }  # fmt: skip
    idem = permit_service.append_event(lock, record.permit_id, _K.REVIEW_OPENED, facts, now=now, actor_id=None)
    told = {"last": day_pair(last_day(record.facts.valid_until, record.zone))}
    is_open = record.state is PermitState.RENEWAL_OPEN
    permit_service.notice(lock, "review_open" if is_open else "review_overdue", idem, told, PAGE, now=now)
    events.permit_changed.send(None, person_id=lock.person_id, now=now)


def _ledger(lock: PersonLock, record: PermitRecord) -> tuple[int, tuple[str, ...]]:
    state = ledger_queries.ledger_state(lock.session, lock.person_id, lock.present, record=record)
    return (state.total, state.fold.standing) if state is not None else (0, ())


def note_shown(lock: PersonLock, due: ReviewDue, *, now: datetime) -> None:
    """Write, once per window, that everything the review asks is shown and only the decision is missing."""
    if due.shown_at is None:
        facts = {"window": due.window}
        permit_service.append_event(lock, due.record.permit_id, _K.REVIEW_SHOWN, facts, now=now, actor_id=None)


def renew(
    lock: PersonLock, *, evidence: Sequence[str], reason: Payload | None, condition_on: date | None, now: datetime,
    actor_id: int,
) -> datetime:  # fmt: skip
    """Renew the permit of a locked person, inside the caller's transaction; return its new exclusive end.

    That everything was shown, and who may decide, the caller has checked; `evidence` names it. The points as they stand
    are kept on the event. `condition_on`: the last day of a condition, whose words are the reason. Raises NoReview,
    OwnCase, StepNotOpen, ConditionNeeded, ConditionDay.
    """
    record, due = _open_review(lock, actor_id)
    with worded():
        check_permit_event(record.facts, _K.RENEWED, now)
    total, standing = _ledger(lock, record)
    review = record.policy.review
    if condition_on is None and needs_condition(review, total):
        raise ConditionNeeded(points=total, most=review.points_at_most)
    least, most = condition_days(review, now, record.zone)
    if condition_on is not None and not least <= condition_on <= most:
        raise ConditionDay(least=least, most=most)
    until = renewed_until(
        review_queries.permit_events(lock.session, [lock.person_id])[lock.person_id], record.policy, now=now
    )
    if until is None:
        raise NoPermit()
    facts = {
        "window": due.window, "number": record.number, "valid_until": iso(until), "before": iso(due.valid_until),
        "evidence": list(evidence), "points": total, "listed": list(standing), "limit": record.policy.limit,
        "policy": record.follows.key, "policy_version": record.follows.version_id,
    }  # fmt: skip
    if condition_on is not None:
        facts["condition_on"] = condition_on.isoformat()
    idem = permit_service.append_event(
        lock, record.permit_id, _K.RENEWED, facts, now=now, actor_id=actor_id, payload=reason
    )
    told: dict[str, object] = {"through": day_pair(last_day(until, record.zone))}
    if condition_on is not None:
        told["by"] = day_pair(condition_on)
    is_whole = condition_on is None
    permit_service.notice(
        lock, "permit_renewed" if is_whole else "permit_renewed_condition", idem, told, PAGE, now=now
    )  # fmt: skip
    events.permit_changed.send(None, person_id=lock.person_id, now=now)
    return until


def refuse(lock: PersonLock, *, evidence: Sequence[str], reason: Payload, now: datetime, actor_id: int) -> None:
    """Refuse the renewal of a locked person with reasons that they are told; it can be decided anew while it is open.

    Raises NoReview, OwnCase, StepNotOpen.
    """
    record, due = _open_review(lock, actor_id)
    with worded():
        check_permit_event(record.facts, _K.REVIEW_REFUSED, now)
    total, _standing = _ledger(lock, record)
    facts = {"window": due.window, "evidence": list(evidence), "points": total}
    idem = permit_service.append_event(
        lock, record.permit_id, _K.REVIEW_REFUSED, facts, now=now, actor_id=actor_id, payload=reason
    )
    permit_service.notice(lock, "review_refused", idem, {"last": day_pair(due.lapses_on)}, PAGE, now=now)
    events.permit_changed.send(None, person_id=lock.person_id, now=now)


def _open_review(lock: PersonLock, actor_id: int) -> tuple[PermitRecord, ReviewDue]:
    with worded():
        require_other(actor_id, holder=lock.person_id)
    due = review_queries.find_review(lock.session, lock.person_id, lock.present)
    if due is None:
        raise NoReview()
    return due.record, due


def expire(person_id: int, *, now: datetime) -> bool:
    """Write that a permit lapsed because nothing renewed it in time, once; return whether it was written now."""
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        record = fold_queries.find_permit(session, person_id, lock.present)
        if record is None or record.state is not PermitState.LAPSED or record.facts.grace_until is None:
            return False
        facts = {"lapsed_at": iso(record.facts.grace_until)}
        known = sa.select(PermitEvent.facts).where(
            PermitEvent.permit_id == record.permit_id, PermitEvent.kind == _K.EXPIRED.value
        )
        if facts in session.scalars(known).all():
            return False
        idem = permit_service.append_event(lock, record.permit_id, _K.EXPIRED, facts, now=now, actor_id=None)
        last = day_pair(last_day(record.facts.grace_until, record.zone))
        permit_service.notice(lock, "permit_lapsed", idem, {"last": last}, "/me/permit", now=now)
        events.permit_changed.send(None, person_id=person_id, now=now)
        return True
