"""Sanctions: proposed once, decided by one, confirmed by another, in force on service, undone as if never imposed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from tests.permits_factories import final, issue, report, revoked, sanctions, words
from training_app.db import db
from training_app.outbox.models import OutboxMessage
from training_app.permits import queries, refusals, service, tasks
from training_app.permits.case_rules import Outcome
from training_app.permits.models import PermitEvent, Sanction
from training_app.permits.permit_rules import PermitState
from training_app.permits.sanction_rules import SanctionStatus


@pytest.fixture
def world(world: World, now: datetime) -> World:
    issue(world.learner, now - timedelta(days=30))
    return world


def _state(world: World, now: datetime) -> PermitState:
    record = queries.permit_facts(db.session(), world.learner, now)
    db.session.rollback()
    assert record is not None
    return record.state


def _decide(sanction_id: int, actor_id: int, now: datetime, *, impose: bool = True, text: str = "Clear.") -> None:
    service.sanctions.decide(sanction_id, impose=impose, words=text, now=now, actor_id=actor_id, language="en")


def test_a_revocation_needs_two_people_and_puts_the_permit_into_retraining(
    any_app: Flask, world: World, now: datetime
) -> None:
    issue(world.learner, now - timedelta(days=30))
    _case, at = final(world, now, code="unsafe-work")
    (proposal,) = sanctions(world.learner, at)
    assert (proposal.kind.value, proposal.state.status) == ("revoke", SanctionStatus.PROPOSED)
    _decide(proposal.sanction_id, world.hr, at)
    assert _state(world, at) is PermitState.VALID
    with pytest.raises(refusals.OwnDecision):
        service.sanctions.confirm(proposal.sanction_id, now=at, actor_id=world.hr)
    service.sanctions.confirm(proposal.sanction_id, now=at, actor_id=world.hr_lead)
    assert _state(world, at) is PermitState.RETRAINING
    assert sanctions(world.learner, at)[0].state.status is SanctionStatus.IN_FORCE
    facts = {row.kind: row.facts for row in db.session.scalars(sa.select(PermitEvent))}
    assert facts["retraining"]["parts"] == ["theory"]
    assert facts["revoked"]["listed"] == [f"case-{_case}/0/demerit"]
    kinds = [m.body["kind"] for m in db.session.scalars(sa.select(OutboxMessage)) if m.topic == "notice"]
    assert kinds.count("sanction_served") == 1


@pytest.mark.parametrize(
    ("who", "error"),
    [("learner", refusals.OwnCase), ("manager", refusals.OwnReport)],
)
def test_holder_and_reporter_neither_decide_nor_confirm(
    world: World, now: datetime, who: str, error: type[Exception]
) -> None:
    _case, at = final(world, now, code="unsafe-work")
    sanction_id = sanctions(world.learner, at)[0].sanction_id
    with pytest.raises(error):
        _decide(sanction_id, world.people[who], at)
    _decide(sanction_id, world.hr, at)
    with pytest.raises(error):
        service.sanctions.confirm(sanction_id, now=at, actor_id=world.people[who])


def test_a_decision_needs_its_reason_and_nothing_is_confirmed_twice(world: World, now: datetime) -> None:
    sanction_id, at = revoked(world, now)
    with pytest.raises(refusals.StepNotOpen):
        service.sanctions.confirm(sanction_id, now=at, actor_id=world.hr_lead)
    _second, later = final(world, at, code="promise-broken")
    pending = [s for s in sanctions(world.learner, later) if s.state.status is SanctionStatus.PROPOSED]
    for file in pending:
        with pytest.raises(refusals.ReasonNeeded):
            _decide(file.sanction_id, world.hr, later, text=" ")


def test_a_dropped_proposal_is_not_made_again_by_a_later_entry(world: World, now: datetime) -> None:
    _case, at = final(world, now, code="unauthorised-charge")
    talk = sanctions(world.learner, at)[0]
    _decide(talk.sanction_id, world.hr, at, impose=False)
    _case, later = final(world, at, code="service-below-standard")
    assert [(s.stage, s.state.status) for s in sanctions(world.learner, later)] == [(4, SanctionStatus.DISMISSED)]


def test_an_annulled_revocation_gives_the_permit_back_as_if_never_imposed(world: World, now: datetime) -> None:
    sanction_id, at = revoked(world, now)
    before = at - timedelta(seconds=1)
    for actor, error in ((world.hr, refusals.OwnDecision), (world.hr_lead, refusals.OwnConfirmation)):
        with pytest.raises(error):
            service.annul_sanction(sanction_id, words="Wrong.", now=at, actor_id=actor, language="en")
    service.annul_sanction(sanction_id, words="Wrong file.", now=at, actor_id=world.hr2, language="en")
    assert _state(world, at) is PermitState.VALID
    assert _state(world, before) is PermitState.VALID
    again = [(s.sanction_id, s.state.status) for s in sanctions(world.learner, at)]
    assert [status for _id, status in again] == [SanctionStatus.ANNULLED, SanctionStatus.PROPOSED], "the points stand"
    _decide(again[1][0], world.hr, at, impose=False)
    _case, later = final(world, at + timedelta(days=1), code="promise-broken")
    assert len(sanctions(world.learner, later)) == 2, "dropped, it is not proposed a third time"


@pytest.mark.parametrize("uphold", [True, False])
def test_an_appeal_holds_the_revocation_up_until_a_third_person_decides(
    world: World, now: datetime, uphold: bool
) -> None:
    sanction_id, at = revoked(world, now)
    service.sanctions.appeal(sanction_id, words="Please look again.", now=at, actor_id=world.learner, language="en")
    assert _state(world, at) is PermitState.VALID
    for actor, error in ((world.hr, refusals.OwnDecision), (world.hr_lead, refusals.OwnConfirmation)):
        with pytest.raises(error):
            service.sanctions.resolve(sanction_id, uphold=uphold, words="Seen.", now=at, actor_id=actor, language="en")
    service.sanctions.resolve(sanction_id, uphold=uphold, words="Seen.", now=at, actor_id=world.hr2, language="en")
    assert _state(world, at) is (PermitState.RETRAINING if uphold else PermitState.VALID)


def test_a_sanction_cannot_be_contested_after_its_time(world: World, now: datetime) -> None:
    sanction_id, _at = revoked(world, now)
    until = sanctions(world.learner, now)[0].state.appeal_until
    assert until is not None
    with pytest.raises(refusals.TimeOver):
        service.sanctions.appeal(sanction_id, words="Late.", now=until, actor_id=world.learner, language="en")


def test_running_the_engine_again_proposes_nothing_new(world: World, now: datetime) -> None:
    from training_app.accounts.locks import lock_person
    from training_app.db import transaction

    _case, at = final(world, now, code="unsafe-work")
    for _ in range(3):
        with transaction():
            service.settle(lock_person(world.learner, now=at), now=at)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Sanction)) == 1


def test_the_causes_of_two_people_never_meet(world: World, now: datetime) -> None:
    issue(world.learner2, now - timedelta(days=30))
    for who in ("learner", "learner2"):
        case_id = service.cases.report(
            world.people[who], code="unsafe-work", occurred_at=now, words=words("Seen."), picture=None,
            token=f"of {who}", now=now, actor_id=world.manager,
        )  # fmt: skip
        service.cases.notify(case_id, now=now, actor_id=world.hr)
        service.cases.answer(case_id, words=words("Yes."), now=now, actor_id=world.people[who])
        service.cases.decide(case_id, outcome=Outcome.UPHELD, points=0, words=words("So."), now=now, actor_id=world.hr)
    assert tasks.lapse_due(now + timedelta(days=30)) == 2
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Sanction)) == 2


def test_rewards_win_points_back_within_the_cap_and_only_below_the_limit(world: World, now: datetime) -> None:
    _case, at = final(world, now, code="promise-broken")

    def reward(token: str, actor_id: int = world.hr) -> int:
        return service.reward(
            world.learner, code="customer-delight", achieved_at=at, words="Carried it up.", token=token, now=at,
            actor_id=actor_id, language="en",
        )  # fmt: skip

    assert [reward(str(n)) for n in range(5)] == [1, 1, 1, 0, 0]
    assert reward("0") == 0
    ledger = queries.ledger_state(db.session(), world.learner, at)
    assert ledger is not None
    assert (ledger.total, ledger.merits_used, ledger.can_win_back) == (0, 3, 0)
    db.session.rollback()
    with pytest.raises(refusals.OwnCase):
        reward("own", world.learner)
    _case, later = final(world, at, code="unsafe-work")
    assert queries.ledger_state(db.session(), world.learner, later).total == 12  # type: ignore[union-attr]
    db.session.rollback()


def test_a_stop_for_safety_runs_14_days_and_is_renewed_once(world: World, now: datetime) -> None:
    def stop(at: datetime) -> datetime:
        return service.stop_for_safety(
            world.learner, words="No harness.", now=at, actor_id=world.manager, language="en"
        )

    until = stop(now)
    assert _state(world, now) is PermitState.SUSPENDED
    assert _state(world, until) is PermitState.VALID
    longer = stop(until - timedelta(hours=1))
    assert longer == until + timedelta(days=14)
    with pytest.raises(refusals.StopUsedUp):
        stop(longer - timedelta(hours=1))
    with pytest.raises(refusals.OwnCase):
        service.stop_for_safety(world.learner, words="x", now=now, actor_id=world.learner, language="en")
    service.end_stop(world.learner, words="Harness bought.", now=now, actor_id=world.manager, language="en")
    assert _state(world, now + timedelta(seconds=1)) is PermitState.VALID
    assert report(world, now)


def test_ending_a_stop_that_does_not_run_is_refused_in_words(world: World, now: datetime) -> None:
    with pytest.raises(refusals.StepNotOpen) as refused:
        service.end_stop(world.learner, words="Fine.", now=now, actor_id=world.manager, language="en")
    assert "Load the page again" in refused.value.message
