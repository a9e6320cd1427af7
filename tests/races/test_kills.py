"""Killed between commit and answer, killed in the middle of printing, swept by two at once: nothing lost or doubled."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import certifications_factories as certify
from tests import exams_factories as exams
from tests import permits_factories as permits
from tests.credentials_factories import certified
from tests.factories import World
from tests.races.racers import Racer
from training_app import clock
from training_app.audit import service as audit
from training_app.credentials.models import CertificateFile
from training_app.db import db
from training_app.exams import service as exams_service
from training_app.exams.errors import AttemptClosed
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.jobs.rules import JobState
from training_app.notices.models import Delivery, Notice
from training_app.outbox.models import OutboxMessage
from training_app.permits import queries as permit_queries
from training_app.status import service as status

PATIENCE_S = 120


pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database


def _killed(app: Flask, **task: Any) -> None:
    db.session.remove()
    db.engine.dispose()
    with Racer(app, **task) as racer:
        racer.go()
        assert list(racer.said()) == []
        assert racer.process.wait(PATIENCE_S) == -9


def test_a_hand_in_that_was_committed_but_never_answered_is_scored_once(
    any_app: Flask, world: World, now: datetime
) -> None:
    _sitting, public_id = exams.supervised_start(world, now)
    exams_service.autosave(public_id, world.learner, epoch=1, saves=exams.saves(public_id), now=now)
    _killed(any_app, do="hand_in", attempt=public_id, person=world.learner)
    assert exams.attempt(public_id).passed is True
    assert exams.events(public_id)[-2:] == ["submitted", "scored"]
    with pytest.raises(AttemptClosed):
        exams_service.submit_attempt(public_id, world.learner, epoch=1, now=now)
    assert exams.events(public_id).count("scored") == 1


@pytest.mark.deep_on_postgres
@pytest.mark.parametrize("kill_at", [1, *(pytest.param(n, marks=pytest.mark.deep) for n in (2, 3)), 4])
def test_a_certificate_whose_printing_was_killed_is_printed_after_all_and_told_once(
    any_app: Flask, world: World, now: datetime, kill_at: int
) -> None:
    issued = certified(world.learner, now)
    _killed(any_app, do="print_certificate", job=issued.job_id, kill_at=kill_at)
    assert db.session.get_one(Job, issued.job_id).state is JobState.RUNNING
    db.session.rollback()
    later = now + timedelta(minutes=16)
    assert jobs.send_left_behind(now=later) == 1
    jobs.run(issued.job_id)
    assert db.session.get_one(Job, issued.job_id).state is JobState.DONE
    assert db.session.scalar(sa.select(sa.func.count()).select_from(CertificateFile)) == 1
    told = db.session.scalars(sa.select(OutboxMessage.key).where(OutboxMessage.topic == "notice")).all()
    assert [key for key in told if "certificate_ready" in key] == [f"notice/certificate_ready/{issued.certificate_id}"]


@pytest.mark.parametrize("kill_at", [1, 2])
def test_a_notice_whose_dispatch_was_killed_is_delivered_once(
    any_app: Flask, world: World, now: datetime, kill_at: int
) -> None:
    permits.issue(world.learner, now - timedelta(days=30))
    certify.settle(now)
    permits.noticed(world, now)
    _killed(any_app, do="dispatch", kill_at=kill_at)
    certify.settle(now + timedelta(minutes=1))
    kinds = db.session.scalars(sa.select(Notice.kind).where(Notice.person_id == world.learner)).all()
    assert list(kinds).count("case_noticed") == 1
    waiting = sa.select(sa.func.count()).where(OutboxMessage.dispatched_at.is_(None))
    assert db.session.scalar(waiting) == 0


def test_two_sweepers_at_once_do_everything_once(any_app: Flask, world: World, now: datetime) -> None:
    certify.certify(world, "learner", now)
    _sitting, public_id = exams.supervised_start(world, now, who="learner2")
    case_id = permits.decided(world, now + timedelta(days=3), code="unsafe-work")
    until = permits.case(case_id, now).state.appeal_until
    assert until is not None
    clock.move_to(until)
    db.session.remove()
    db.engine.dispose()
    with ExitStack() as stack:
        racers = [stack.enter_context(Racer(any_app, do="sweeper", rounds=6)) for _ in range(2)]
        for racer in racers:
            racer.go()
        said = [words[1] for racer in racers for words in racer.said()]
        assert [racer.process.wait(PATIENCE_S) for racer in racers] == [0, 0]
    assert all({"exams.overdue", "status", "jobs"} <= set(done) for done in said), said
    assert sum(done["decisions past their time to appeal"] for done in said) == 1
    assert exams.events(public_id).count("submitted") + exams.events(public_id).count("expired") == 1
    kinds = [row.kind for row in permit_queries.story(db.session(), world.learner)]
    assert (kinds.count("case.lapse"), kinds.count("ledger.demerit"), kinds.count("sanction.propose")) == (1, 1, 1)
    certify.settle(until + timedelta(minutes=5))
    keys = db.session.scalars(sa.select(Notice.key)).all()
    assert len(keys) == len(set(keys))
    assert any(key.startswith("case_closed/") for key in keys)
    sent = db.session.execute(sa.select(Delivery.notice_id, Delivery.channel)).all()
    assert len(sent) == len(set(sent))
    assert db.session.scalars(sa.select(OutboxMessage.last_error).where(OutboxMessage.attempts > 0)).all() == []
    assert status.rebuild(clock=lambda: until + timedelta(minutes=5)) == []
    assert audit.verify(db.session()) == []
