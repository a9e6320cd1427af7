"""A case from report to final: who may take which step, what is served, what counts when."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from tests.permits_factories import (
    answered,
    case,
    decided,
    final,
    issue,
    noticed,
    report,
    sanctions,
    words,
)
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.calendar.rules import legal_day
from training_app.db import db
from training_app.errors import DomainError
from training_app.outbox.models import OutboxMessage
from training_app.permits import queries, refusals, service, tasks
from training_app.permits.case_rules import CaseStatus, Outcome
from training_app.permits.evidence_service import NothingAnswered
from training_app.permits.models import CaseEvent, LedgerEntry, PermitCase


@pytest.fixture
def world(world: World, now: datetime) -> World:
    issue(world.learner, now - timedelta(days=30))
    return world


def _total(world: World, now: datetime) -> int:
    ledger = queries.ledger_state(db.session(), world.learner, now)
    db.session.rollback()
    assert ledger is not None
    return ledger.total


def _notices() -> list[OutboxMessage]:
    return list(db.session.scalars(sa.select(OutboxMessage).where(OutboxMessage.topic == "notice")))


def _count(table: type) -> int:
    found = db.session.scalar(sa.select(sa.func.count()).select_from(table))
    db.session.rollback()
    return int(found or 0)


def _decide(case_id: int, now: datetime, actor_id: int, outcome: Outcome = Outcome.UPHELD, points: int = 0) -> None:
    service.cases.decide(
        case_id, outcome=outcome, points=points, words=words("Both sides agree."), now=now, actor_id=actor_id
    )


def test_a_case_counts_only_once_the_time_to_appeal_is_over(any_app: Flask, world: World, now: datetime) -> None:
    issue(world.learner, now - timedelta(days=30))
    case_id = report(world, now)
    service.cases.notify(case_id, now=now, actor_id=world.hr)
    # Reported on Monday 23 November 2026: five working days end with Monday the 30th, 24:00 in Shanghai.
    assert case(case_id, now).state.answer_until == datetime(2026, 11, 30, 16, tzinfo=UTC)
    service.cases.answer(case_id, words=words("It was the traffic."), now=now, actor_id=world.learner)
    _decide(case_id, now, world.hr)
    until = case(case_id, now).state.appeal_until
    assert until == datetime(2026, 12, 7, 16, tzinfo=UTC)
    assert _total(world, now) == 0
    assert tasks.lapse_due(until - timedelta(microseconds=1)) == 0
    assert tasks.lapse_due(until) == 1
    assert tasks.lapse_due(until) == 0
    assert case(case_id, until).state.status is CaseStatus.FINAL_UPHELD
    assert _total(world, until) == 3
    entry = db.session.scalars(sa.select(LedgerEntry)).one()
    assert (entry.exists_at, entry.effective_at) == (until, now - timedelta(days=2))
    db.session.rollback()
    assert audit.verify(db.session()) == []


def test_a_late_sweeper_finds_the_entry_at_the_deadline_not_at_its_own_time(world: World, now: datetime) -> None:
    decided(world, now)
    late = now + timedelta(days=40)
    assert tasks.lapse_due(late) == 1
    entry = db.session.scalars(sa.select(LedgerEntry)).one()
    assert entry.exists_at == datetime(2026, 12, 7, 16, tzinfo=UTC)
    assert entry.recorded_at >= late


def test_what_was_not_served_never_lapses(world: World, now: datetime) -> None:
    case_id = answered(world, now)
    row = db.session.get_one(PermitCase, case_id)
    db.session.add(
        CaseEvent(
            person_id=row.person_id, case_id=case_id, kind="decide", facts={"outcome": "upheld", "points": 3},
            effective_at=now, recorded_at=now, seq=999, actor_id=world.hr, idem="decided but never served",
        )
    )  # fmt: skip
    db.session.commit()
    assert case(case_id, now).state.status is CaseStatus.UPHELD
    assert tasks.lapse_due(now + timedelta(days=3650)) == 0
    with pytest.raises(refusals.NotServedYet):
        service.cases.lapse(case_id, now=now + timedelta(days=3650))
    assert _count(LedgerEntry) == 0


def test_each_service_names_recipient_channel_proof_and_the_deadline_told(world: World, now: datetime) -> None:
    decided(world, now)
    served = db.session.scalars(sa.select(CaseEvent).where(CaseEvent.kind == "serve").order_by(CaseEvent.seq)).all()
    assert [(e.facts["document"], e.facts["channel"], e.facts["recipient"]) for e in served] == [
        ("notice", "app", world.learner),
        ("decision", "app", world.learner),
    ]
    keys = {message.body["key"] for message in _notices()}
    assert {event.facts["proof"] for event in served} <= keys
    notice = next(m for m in _notices() if m.body["kind"] == "case_noticed")
    assert notice.body["facts"]["answer_by"]["en"] == "the end of Mon 30 Nov 2026"
    assert notice.body["facts"]["title"]["zh"] == "承诺不兑现"


def test_a_double_click_makes_one_case(world: World, now: datetime) -> None:
    made = {
        service.cases.report(
            world.learner, code="promise-broken", occurred_at=now, words=words("Late."), picture=None,
            token="the same", now=now, actor_id=world.manager,
        )
        for _ in range(2)
    }  # fmt: skip
    assert len(made) == 1
    assert _count(PermitCase) == 1


@pytest.mark.parametrize(
    ("step", "error"),
    [
        (lambda w, n: report(w, n, by="learner"), refusals.OwnCase),
        (lambda w, n: service.cases.notify(report(w, n), now=n, actor_id=w.learner), refusals.OwnCase),
        (lambda w, n: _decide(answered(w, n), n, w.manager), refusals.OwnReport),
        (lambda w, n: _decide(answered(w, n), n, w.learner), refusals.OwnCase),
        (lambda w, n: _decide(noticed(w, n), n, w.hr), refusals.StillRunning),
        (lambda w, n: _decide(report(w, n), n, w.hr), refusals.StepNotOpen),
        (lambda w, n: _decide(answered(w, n), n, w.hr, Outcome.REDUCED, 3), refusals.PointsDoNotFit),
        (lambda w, n: _decide(answered(w, n), n, w.hr, Outcome.VOID), refusals.StepNotOpen),
        (lambda w, n: _decide(answered(w, n, code="late-without-notice"), n, w.hr), refusals.PointsDoNotFit),
        (lambda w, n: report(w, n, code="no-such-code"), refusals.CodeUnknown),
        (lambda w, n: report(w, n - timedelta(days=29)), refusals.BeforePermit),
        (
            lambda w, n: service.cases.answer(noticed(w, n), words=words("x"), now=n, actor_id=w.learner2),
            refusals.HolderOnly,
        ),
        (
            lambda w, n: service.cases.answer(noticed(w, n), words=words(" "), now=n, actor_id=w.learner),
            NothingAnswered,
        ),
        (
            lambda w, n: service.cases.take_back(report(w, n), words=words(""), now=n, actor_id=w.hr),
            refusals.ReasonNeeded,
        ),
    ],
)
def test_steps_that_the_rules_refuse_write_nothing_and_say_why(
    world: World, now: datetime, step: Callable[[World, datetime], object], error: type[DomainError]
) -> None:
    with pytest.raises(error):
        step(world, now)
    assert _count(LedgerEntry) == 0
    assert error.message


def test_no_answer_in_time_lets_the_case_be_decided(world: World, now: datetime) -> None:
    case_id = noticed(world, now)
    over = case(case_id, now).state.answer_until
    assert over is not None
    with pytest.raises(refusals.StillRunning) as refused:
        _decide(case_id, over - timedelta(microseconds=1), world.hr)
    assert refused.value.values["until"] == over
    _decide(case_id, over, world.hr)
    assert case(case_id, over).state.status is CaseStatus.UPHELD


@pytest.mark.parametrize(
    ("outcome", "points", "status"),
    [
        (Outcome.DISMISSED, 0, CaseStatus.DISMISSED),
        (Outcome.WARNING, 0, CaseStatus.WARNING),
        (Outcome.REDUCED, 1, CaseStatus.REDUCED),
    ],
)
def test_outcomes_bear_their_points(
    world: World, now: datetime, outcome: Outcome, points: int, status: CaseStatus
) -> None:
    case_id = decided(world, now, outcome=outcome, points=points)
    assert case(case_id, now).state.status is status
    lapsed = tasks.lapse_due(now + timedelta(days=60))
    assert lapsed == (1 if points else 0)
    assert _total(world, now + timedelta(days=60)) == points


def test_an_appeal_in_time_stops_the_clock_and_a_third_person_never_makes_it_worse(world: World, now: datetime) -> None:
    case_id = decided(world, now, outcome=Outcome.REDUCED, points=2)
    service.cases.appeal(case_id, words=words("Still too much."), now=now, actor_id=world.learner)
    assert tasks.lapse_due(now + timedelta(days=60)) == 0
    for actor, error in ((world.hr, refusals.OwnDecision), (world.manager, refusals.OwnReport)):
        with pytest.raises(error):
            service.cases.resolve(
                case_id, outcome=Outcome.UPHELD, points=0, words=words("No."), now=now, actor_id=actor
            )
    with pytest.raises(refusals.PointsDoNotFit):
        service.cases.resolve(
            case_id, outcome=Outcome.REDUCED, points=3, words=words("No."), now=now, actor_id=world.hr_lead
        )
    service.cases.resolve(
        case_id,
        outcome=Outcome.REDUCED,
        points=1,
        words=words("Half of it."),
        now=now,
        actor_id=world.hr_lead,
    )
    assert case(case_id, now).state.status is CaseStatus.FINAL_REDUCED
    assert _total(world, now) == 1


def test_an_appeal_after_the_deadline_is_refused(world: World, now: datetime) -> None:
    case_id = decided(world, now)
    until = case(case_id, now).state.appeal_until
    assert until is not None
    with pytest.raises(refusals.TimeOver):
        service.cases.appeal(case_id, words=words("Sorry, late."), now=until, actor_id=world.learner)


def test_a_case_taken_back_is_kept_and_never_counts(world: World, now: datetime) -> None:
    case_id = decided(world, now)
    service.cases.take_back(case_id, words=words("Wrong person."), now=now, actor_id=world.hr)
    assert case(case_id, now).state.status is CaseStatus.VOID
    assert tasks.lapse_due(now + timedelta(days=60)) == 0
    assert "case.take_back" in [row.kind for row in queries.story(db.session(), world.learner)]
    assert queries.open_cases(db.session(), world.learner, now) == []


def test_words_stand_in_erasable_payloads_and_keep_their_language(world: World, now: datetime) -> None:
    answered(world, now)
    kept = db.session.scalars(sa.select(Payload).where(Payload.person_id == world.learner)).all()
    assert {(p.language, "traffic" in (p.body or "")) for p in kept} == {("en", False), ("en", True)}
    for event in db.session.scalars(sa.select(CaseEvent)):
        assert "traffic" not in str(event.facts)


def test_the_history_tells_each_step_with_its_why(world: World, now: datetime) -> None:
    _case_id, at = final(world, now)
    rows = queries.story(db.session(), world.learner)
    kinds = [row.kind for row in rows]
    assert kinds[:5] == ["permit.granted", "case.report", "case.notify", "case.answer", "case.decide"]
    assert set(kinds[5:]) == {"case.lapse", "ledger.demerit"}
    decision = next(row for row in rows if row.kind == "case.decide")
    assert decision.why == "Both sides agree."
    assert decision.facts["title"]["en"] == "Broken promise"
    assert rows[-1].at == at


def test_stages_are_proposed_once_in_the_transaction_that_makes_the_entry_final(
    any_app: Flask, world: World, now: datetime
) -> None:
    issue(world.learner, now - timedelta(days=30))
    first, at = final(world, now, code="unauthorised-charge")
    assert [(s.kind.value, s.stage) for s in sanctions(world.learner, at)] == [("talk", 4)]
    assert sanctions(world.learner, at)[0].state.reporters == (world.manager,)
    _second, at = final(world, at, code="promise-broken")
    assert [(s.kind.value, s.stage) for s in sanctions(world.learner, at)] == [("talk", 4), ("warning", 8)]
    _third, at = final(world, at, code="promise-broken")
    assert [s.stage for s in sanctions(world.learner, at) if s.stage] == [4, 8, 12]
    assert case(first, at).state.is_final
    assert legal_day(at, "Asia/Shanghai").year >= 2026
