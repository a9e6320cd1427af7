"""A fault at any statement of a key use case leaves nothing half done, and the same call again succeeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import certifications_factories as certify
from tests import credentials_factories as credentials
from tests import exams_factories as exams
from tests import permits_factories as permits
from tests.factories import World
from tests.faults import fail_at_every_statement
from tests.roleplay_factories import Scene
from training_app import clock
from training_app.credentials import service as credentials_service
from training_app.credentials.models import Certificate
from training_app.db import db
from training_app.exams import service as exams_service
from training_app.exams.models import Attempt, Response
from training_app.outbox.models import OutboxMessage
from training_app.permits import queries as permit_queries
from training_app.permits import service as permits_service
from training_app.permits.case_rules import CaseStatus, Outcome
from training_app.permits.permit_rules import PermitState
from training_app.permits.sanction_rules import SanctionStatus
from training_app.roleplay import marking_service
from training_app.roleplay.models import MarkEvent, ScoreSheet, SheetState

# What is done, and what has to be true of it afterwards.
UseCase = tuple[Callable[[], object], Callable[[], bool]]


def _count(table: type) -> int:
    db.session.rollback()
    return db.session.scalar(sa.select(sa.func.count()).select_from(table)) or 0


def _issued(world: World, now: datetime) -> None:
    permits.issue(world.learner, now - timedelta(days=30))


def start_attempt(world: World, now: datetime) -> UseCase:
    exams.admit(world, now)
    return (
        lambda: exams_service.start_attempt(world.learner, exams.EXAM, now=now),
        lambda: _count(Attempt) == 1,
    )


def save(world: World, now: datetime) -> UseCase:
    exams.admit(world, now)
    public_id = exams_service.start_attempt(world.learner, exams.EXAM, now=now).public_id
    saves = exams.saves(public_id)
    return (
        lambda: exams_service.autosave(public_id, world.learner, epoch=1, saves=saves, now=now),
        lambda: _count(Response) == len(saves),
    )


def hand_in(world: World, now: datetime) -> UseCase:
    _sitting, public_id = exams.supervised_start(world, now)
    saves = exams.saves(public_id)
    return (
        lambda: exams_service.submit_attempt(public_id, world.learner, epoch=1, saves=saves, now=now),
        lambda: exams.attempt(public_id).passed is True,
    )


def lock_sheet(world: World, now: datetime) -> UseCase:
    rater = Scene.started(world, now).rater()
    rater.fill()
    made = rater.made["tablet-0001"]
    return (
        lambda: marking_service.lock_sheet(
            rater.sheet_id, rater_id=rater.rater_id, client="tablet-0001", seq=made + 1, client_at=now, now=now
        ),
        lambda: (
            db.session.scalars(sa.select(ScoreSheet.state)).one() is SheetState.LOCKED and _count(MarkEvent) == made + 1
        ),
    )


def notify(world: World, now: datetime) -> UseCase:
    _issued(world, now)
    case_id = permits.report(world, now)
    return (
        lambda: permits_service.cases.notify(case_id, now=now, actor_id=world.hr),
        lambda: permits.case(case_id, now).state.notice_served_at == now and _told("case_noticed") == 1,
    )


def decide(world: World, now: datetime) -> UseCase:
    _issued(world, now)
    case_id = permits.answered(world, now, code="unsafe-work")
    return (
        lambda: permits_service.cases.decide(
            case_id, outcome=Outcome.UPHELD, points=0, words=permits.words("So."), now=now, actor_id=world.hr
        ),
        lambda: permits.case(case_id, now).state.status is CaseStatus.UPHELD and _told("case_decided") == 1,
    )


def lapse(world: World, now: datetime) -> UseCase:
    _issued(world, now)
    case_id = permits.decided(world, now, code="unsafe-work")
    until = permits.case(case_id, now).state.appeal_until
    assert until is not None
    return (
        lambda: permits_service.cases.lapse(case_id, now=until),
        lambda: [one.stage for one in permits.sanctions(world.learner, until)] == [12],
    )


def reopen(world: World, now: datetime) -> UseCase:
    _issued(world, now)
    case_id, at = permits.final(world, now)
    return (
        lambda: permits_service.cases.reopen(
            case_id, words=permits.words("A witness came."), picture=None, now=at, actor_id=world.hr_lead
        ),
        lambda: permits.case(case_id, at).state.status is CaseStatus.NOTICED,
    )


def confirm_sanction(world: World, now: datetime) -> UseCase:
    _issued(world, now)
    _case, at = permits.final(world, now, code="unsafe-work")
    (proposal,) = permits.sanctions(world.learner, at)
    permits_service.sanctions.decide(
        proposal.sanction_id, impose=True, words="The limit.", now=at, actor_id=world.hr, language="en"
    )

    def is_revoked() -> bool:
        record = permit_queries.permit_facts(db.session(), world.learner, at)
        assert record is not None
        (sanction,) = permits.sanctions(world.learner, at)
        return (record.state, sanction.state.status) == (PermitState.RETRAINING, SanctionStatus.IN_FORCE)

    return lambda: permits_service.sanctions.confirm(proposal.sanction_id, now=at, actor_id=world.hr_lead), is_revoked


def award(world: World, now: datetime) -> UseCase:
    certify.qualify(world, "learner", now - timedelta(hours=1))
    certify.settle(now)

    def is_awarded() -> bool:
        record = permit_queries.permit_facts(db.session(), world.learner, now)
        return record is not None and record.state is PermitState.VALID

    grants = certify.grants_of(world.certifier, now)
    return (
        lambda: certify.service.award(
            [world.learner], scheme=certify.SCHEME, now=now, actor_id=world.certifier, grants=grants
        ),
        is_awarded,
    )


def issue_certificate(world: World, now: datetime) -> UseCase:
    event_id = credentials.level_event(world.learner, now)
    return (
        lambda: credentials_service.issue(event_id, world.learner, now=now),
        lambda: _count(Certificate) == 1 and _told(None, topic="job.run") == 1,
    )


def _told(kind: str | None, *, topic: str = "notice") -> int:
    db.session.rollback()
    bodies = db.session.scalars(sa.select(OutboxMessage.body).where(OutboxMessage.topic == topic)).all()
    return sum(body.get("kind") == kind for body in bodies)


USE_CASES: Mapping[str, Callable[[World, datetime], UseCase]] = {
    one.__name__: one
    for one in (
        start_attempt, save, hand_in, lock_sheet, notify, decide, lapse, reopen, confirm_sanction, award,
        issue_certificate,
    )
}  # fmt: skip


def _check(name: str) -> None:
    now = clock.now()
    act, is_done = USE_CASES[name](World.create(now), now)
    assert not is_done()
    assert fail_at_every_statement(act) >= 5  # the shortest, a save, takes five on PostgreSQL
    assert is_done()


@pytest.mark.parametrize("name", USE_CASES)
def test_a_fault_at_any_statement_leaves_nothing_half_done_and_a_repeat_succeeds(app: Flask, name: str) -> None:
    _check(name)


def test_a_use_case_of_two_transactions_is_found_out(any_app: Flask, world: World, now: datetime) -> None:
    permits.issue(world.learner, now - timedelta(days=30))

    def twice() -> None:
        for _ in range(2):
            permits.report(world, now)

    with pytest.raises(AssertionError, match="half done after statement"):
        fail_at_every_statement(twice)


@pytest.mark.deep
@pytest.mark.postgres
@pytest.mark.parametrize("name", USE_CASES)
def test_nor_does_it_on_postgresql(postgres_app: Flask, name: str) -> None:
    _check(name)
