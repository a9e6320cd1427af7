"""A final case opened again on new evidence: who may, until when, and what becomes of all that hung on it."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.certifications_factories import grants_of
from tests.factories import World
from tests.permits_factories import answered, case, decided, final, issue, revoked, sanctions, words
from training_app import clock
from training_app.accounts.locks import lock_person
from training_app.audit import service as audit
from training_app.db import db, transaction
from training_app.outbox.models import OutboxMessage
from training_app.permits import clock_queries, desk_queries, queries, refusals, service, tasks
from training_app.permits.case_rules import CaseStatus, Outcome
from training_app.permits.models import CaseEvidence, LedgerEntry
from training_app.permits.permit_rules import DoorAnswer, PermitState
from training_app.permits.sanction_rules import AnnulReason, SanctionStatus
from training_app.status import queries as status


@pytest.fixture
def world(world: World, now: datetime) -> World:
    return _held(world, now)


def _held(world: World, now: datetime) -> World:
    issue(world.learner, now - timedelta(days=30))
    return world


def _reopen(world: World, case_id: int, now: datetime, *, by: str = "hr_lead") -> None:
    service.cases.reopen(
        case_id, words=words("The meter was faulty."), picture=None, now=now, actor_id=world.people[by]
    )


def _total(world: World, now: datetime) -> int:
    ledger = queries.ledger_state(db.session(), world.learner, now)
    db.session.rollback()
    assert ledger is not None
    return ledger.total


def _state(world: World, now: datetime) -> PermitState:
    record = queries.permit_facts(db.session(), world.learner, now)
    db.session.rollback()
    assert record is not None
    return record.state


def _notices() -> list[str]:
    kinds = [m.body["kind"] for m in db.session.scalars(sa.select(OutboxMessage)) if m.topic == "notice"]
    db.session.rollback()
    return kinds


def _decide_again(world: World, case_id: int, at: datetime, outcome: Outcome = Outcome.UPHELD) -> datetime:
    """Answer, decide and let lapse once more; return the instant at which it is final."""
    service.cases.answer(case_id, words=words("As I said."), now=at, actor_id=world.learner)
    service.cases.decide(case_id, outcome=outcome, points=0, words=words("Seen."), now=at, actor_id=world.hr)
    until = case(case_id, at).state.appeal_until
    if until is None:
        return at
    clock.move_to(until)
    assert tasks.lapse_due(until) == 1
    return until


def test_a_reopened_case_takes_its_entry_its_sanction_and_the_revocation_with_it(
    any_app: Flask, world: World, now: datetime
) -> None:
    sanction_id, at = revoked(world, now)
    (case_id,) = [one.case_id for one in desk_queries.own_cases(db.session(), world.learner, at)]
    door = queries.permit_facts(db.session(), world.learner, at)
    assert door is not None
    db.session.rollback()
    assert (_total(world, at), _state(world, at)) == (12, PermitState.RETRAINING)
    later = at + timedelta(days=3)
    clock.move_to(later)
    _reopen(world, case_id, later)
    file = case(case_id, later)
    assert (file.state.status, file.state.round, file.state.is_counted) == (CaseStatus.NOTICED, 1, False)
    assert file.state.answer_until is not None
    assert file.state.answer_until > later
    (sanction,) = sanctions(world.learner, later)
    assert sanction.sanction_id == sanction_id
    assert (sanction.state.status, sanction.state.annul_reason) == (SanctionStatus.ANNULLED, AnnulReason.CAUSE_VOID)
    assert (_total(world, later), _state(world, later)) == (0, PermitState.VALID)
    found = queries.door(db.session(), door.door_code, later)
    assert found is not None
    assert found.answer is DoorAnswer.VALID_TODAY
    assert status.fresh_state(db.session(), world.learner, later).points == 0
    db.session.rollback()
    # The past stays as it was: on that day the permit was revoked.
    assert _state(world, at) is PermitState.RETRAINING
    assert [kind for kind in _notices() if kind in ("case_reopened", "sanction_annulled")] == [
        "case_reopened",
        "sanction_annulled",
    ]
    assert audit.verify(db.session()) == []


def test_the_clocks_of_a_reopened_case_begin_anew(world: World, now: datetime) -> None:
    case_id, at = final(world, now, code="unsafe-work")
    later = at + timedelta(days=30)
    clock.move_to(later)
    _reopen(world, case_id, later)
    grants = grants_of(world.hr, later)
    waiting = desk_queries.case_desk(
        db.session(), grants, world.hr, show="waiting", before=None, now=later + timedelta(hours=1)
    )
    assert [row.file.case_id for row in waiting.rows] == []
    db.session.rollback()
    with pytest.raises(refusals.StillRunning):
        service.cases.decide(
            case_id, outcome=Outcome.DISMISSED, points=0, words=words("No."), now=later, actor_id=world.hr
        )
    service.cases.answer(case_id, words=words("As I said."), now=later, actor_id=world.learner)
    service.cases.decide(case_id, outcome=Outcome.UPHELD, points=0, words=words("So."), now=later, actor_id=world.hr)
    assert clock_queries.lapsing(db.session(), later + timedelta(hours=1), limit=10) == []
    db.session.rollback()
    with pytest.raises(refusals.StillRunning):
        service.cases.lapse(case_id, now=later + timedelta(hours=1))


def test_decided_again_the_same_it_counts_once_and_is_proposed_anew(
    any_app: Flask, world: World, now: datetime
) -> None:
    case_id, at = final(world, now, code="unsafe-work")
    _reopen(world, case_id, at)
    assert _total(world, at) == 0
    until = _decide_again(world, case_id, at)
    assert _total(world, until) == 12
    found = [(one.state.status, one.state.cause) for one in sanctions(world.learner, until)]
    assert [state for state, _cause in found] == [SanctionStatus.ANNULLED, SanctionStatus.PROPOSED]
    assert found[1][1] == f"{found[0][1]}#1"
    keys = db.session.scalars(sa.select(LedgerEntry.idem).order_by(LedgerEntry.seq)).all()
    assert keys == [f"case-{case_id}/0/demerit", f"case-{case_id}/0/void", f"case-{case_id}/1/demerit"]


def test_dismissed_after_the_reopening_nothing_of_it_is_left(world: World, now: datetime) -> None:
    case_id, at = final(world, now, code="unsafe-work")
    _reopen(world, case_id, at)
    _decide_again(world, case_id, at, Outcome.DISMISSED)
    assert case(case_id, at).state.status is CaseStatus.DISMISSED
    assert _total(world, at + timedelta(days=60)) == 0


def test_a_sanction_that_stands_without_the_case_stays(world: World, now: datetime) -> None:
    sanction_id, at = revoked(world, now)
    other, later = final(world, at, code="promise-broken")
    assert _total(world, later) == 15
    _reopen(world, other, later)
    assert _total(world, later) == 12
    state = {one.sanction_id: one.state.status for one in sanctions(world.learner, later)}
    assert state[sanction_id] is SanctionStatus.IN_FORCE
    assert _state(world, later) is PermitState.RETRAINING


@pytest.mark.parametrize(
    ("by", "error"),
    [("learner", refusals.OwnCase), ("hr", refusals.OwnDecision)],
)
def test_neither_the_holder_nor_who_decided_reopens(
    world: World, now: datetime, by: str, error: type[Exception]
) -> None:
    case_id, at = final(world, now)
    with pytest.raises(error):
        _reopen(world, case_id, at, by=by)
    assert case(case_id, at).state.status is CaseStatus.FINAL_UPHELD


def test_who_resolved_the_appeal_does_not_reopen(world: World, now: datetime) -> None:
    case_id = decided(world, now)
    service.cases.appeal(case_id, words=words("Please look again."), now=now, actor_id=world.learner)
    service.cases.resolve(
        case_id, outcome=Outcome.UPHELD, points=0, words=words("Seen."), now=now, actor_id=world.hr_lead
    )
    with pytest.raises(refusals.OwnDecision):
        _reopen(world, case_id, now)
    _reopen(world, case_id, now, by="hr2")


def test_without_anything_new_and_before_it_is_final_nothing_is_reopened(world: World, now: datetime) -> None:
    case_id = answered(world, now)
    with pytest.raises(refusals.StepNotOpen):
        _reopen(world, case_id, now)
    case_id, at = final(world, now)
    with pytest.raises(refusals.EvidenceNeeded):
        service.cases.reopen(case_id, words=words(" "), picture=None, now=at, actor_id=world.hr_lead)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CaseEvidence)) == 0


def test_after_two_years_a_case_set_aside_stays_so_and_one_in_full_can_still_get_better(
    world: World, now: datetime
) -> None:
    set_aside = decided(world, now)
    service.cases.appeal(set_aside, words=words("Please look again."), now=now, actor_id=world.learner)
    service.cases.resolve(
        set_aside, outcome=Outcome.VOID, points=0, words=words("Wrong person."), now=now, actor_id=world.hr_lead
    )
    in_full, _at = final(world, now)
    late = now + timedelta(days=3 * 366)
    with pytest.raises(refusals.ReopeningTooLate):
        _reopen(world, set_aside, late, by="hr2")
    _reopen(world, in_full, late)
    assert case(in_full, late).state.status is CaseStatus.NOTICED


def test_the_engine_annuls_what_lost_its_cause_at_every_stage_and_tells_only_who_was_told_before(
    world: World, now: datetime
) -> None:
    case_id, at = final(world, now, code="unauthorised-charge")
    (talk,) = sanctions(world.learner, at)
    assert talk.state.status is SanctionStatus.PROPOSED
    _reopen(world, case_id, at)
    (talk,) = sanctions(world.learner, at)
    assert (talk.state.status, talk.state.annul_reason) == (SanctionStatus.ANNULLED, AnnulReason.CAUSE_VOID)
    # It was never served, so that there is nothing to take back in words.
    assert "sanction_annulled" not in _notices()
    with transaction():
        service.settle(lock_person(world.learner, now=at), now=at)
    assert len(sanctions(world.learner, at)) == 1


def test_a_revocation_that_lost_its_cause_gives_back_the_permit_of_before(world: World, now: datetime) -> None:
    before = queries.permit_facts(db.session(), world.learner, now)
    db.session.rollback()
    assert before is not None
    _sanction, at = revoked(world, now)
    (case_id,) = [one.case_id for one in desk_queries.own_cases(db.session(), world.learner, at)]
    db.session.rollback()
    _reopen(world, case_id, at)
    after = queries.permit_facts(db.session(), world.learner, at)
    db.session.rollback()
    assert after is not None
    assert (after.facts.valid_until, after.number, after.anchor_on) == (
        before.facts.valid_until, before.number, before.anchor_on,
    )  # fmt: skip
    assert after.facts.revoked_at is None
