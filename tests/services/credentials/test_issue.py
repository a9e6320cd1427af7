"""The certificate of an award: issued once, printed by the worker, replaced by the next."""

from __future__ import annotations

from datetime import datetime, timedelta

import sqlalchemy as sa
from flask import Flask

from tests.credentials_factories import certified, level_event
from tests.factories import World
from tests.permits_factories import issue as issue_permit
from tests.statements import statements
from training_app import chain, clock
from training_app.accounts import service as accounts
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.calendar.rules import add_months, legal_day
from training_app.credentials import queries, service
from training_app.credentials.models import Certificate, CertificateFile
from training_app.credentials.rules import CertificateState, FileState, find_certificate_number
from training_app.db import db, transaction
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.jobs.rules import JobState
from training_app.notices.models import Notice
from training_app.outbox.models import OutboxMessage
from training_app.permits import service as permits
from training_app.storage import service as storage


def test_an_award_through_the_chain_brings_a_printed_certificate_and_a_notice(
    any_app: Flask, world: World, now: datetime
) -> None:
    crew = chain.Crew(
        trainer=world.trainer, examiner=world.examiner, certifier=world.certifier, unit_id=world.units["centre_a"]
    )
    done = chain.certify(world.learner, crew, now + timedelta(hours=1))
    [row] = queries.certificates_of(db.session(), world.learner, done)
    assert (row.state, row.file) == (CertificateState.VALID, FileState.QUEUED)
    assert find_certificate_number(row.number) == row.number
    assert len(row.code) == 43
    assert row.printed is not None
    assert (row.printed.name, row.printed.scheme_version) == ("王小明", 1)
    issued_on = legal_day(done, "Asia/Shanghai")
    assert row.printed.issued_on == issued_on
    assert row.printed.valid_through == add_months(issued_on, 24) - timedelta(days=1)
    jobs.run(db.session.scalars(sa.select(Job.id).where(Job.kind == "certificate")).one())
    chain.settle(done + timedelta(minutes=1))
    [row] = queries.certificates_of(db.session(), world.learner, done)
    assert row.file is FileState.READY
    assert row.sha256 is not None
    assert storage.read(row.sha256).startswith(b"%PDF-")
    kinds = db.session.scalars(sa.select(Notice.kind).where(Notice.person_id == world.learner)).all()
    assert kinds.count("certificate_ready") == 1
    assert audit.verify(db.session()) == []


def test_the_same_message_twice_changes_nothing(any_app: Flask, world: World, now: datetime) -> None:
    event_id = level_event(world.learner, now)
    first = service.issue(event_id, world.learner, now=now)
    kept = db.session.execute(sa.select(Certificate.code, Certificate.number)).all()
    db.session.rollback()
    assert service.issue(event_id, world.learner, now=now + timedelta(days=3)) == first
    assert db.session.execute(sa.select(Certificate.code, Certificate.number)).all() == kept
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Job).where(Job.kind == "certificate")) == 1
    sent = sa.select(sa.func.count()).select_from(OutboxMessage).where(OutboxMessage.topic == jobs.TOPIC)
    assert db.session.scalar(sent) == 1


def test_a_job_run_again_keeps_one_file_and_tells_once(app: Flask, world: World) -> None:
    now = clock.now()
    issued = certified(world.learner, now, is_printed=True)
    before = db.session.scalars(sa.select(CertificateFile.sha256)).all()
    with transaction() as session:
        session.execute(sa.update(Job).where(Job.id == issued.job_id).values(state=JobState.QUEUED))
    jobs.run(issued.job_id)
    assert db.session.scalars(sa.select(CertificateFile.sha256)).all() == before
    notices = sa.select(OutboxMessage.key).where(OutboxMessage.key.like("notice/certificate_ready/%"))
    assert len(db.session.scalars(notices).all()) == 1


def test_a_later_award_replaces_the_earlier_certificate_in_whatever_order_they_arrive(
    any_app: Flask, world: World, now: datetime
) -> None:
    events = [
        level_event(world.learner, now + timedelta(days=30 * n), kind="renewed" if n else "awarded") for n in range(3)
    ]
    later = now + timedelta(days=90)
    ids = [service.issue(events[n], world.learner, now=later) for n in (2, 0, 1)]
    newest, oldest, middle = (db.session.get_one(Certificate, one) for one in ids)
    assert (oldest.replaced_by_id, middle.replaced_by_id, newest.replaced_by_id) == (middle.id, newest.id, None)
    states = [row.state for row in queries.certificates_of(db.session(), world.learner, later)]
    assert states == [CertificateState.VALID, CertificateState.REPLACED, CertificateState.REPLACED]


def test_a_certificate_is_replaced_from_the_award_on_even_before_the_next_one_is_issued(
    app: Flask, world: World
) -> None:
    now = clock.now()
    certified(world.learner, now)
    level_event(world.learner, now + timedelta(days=30), kind="renewed")
    [row] = queries.certificates_of(db.session(), world.learner, now + timedelta(days=31))
    assert row.state is CertificateState.REPLACED


def test_the_state_follows_permit_and_level(app: Flask, world: World) -> None:
    now = clock.now()
    certified(world.learner, now, months=10)

    def state(days: int) -> CertificateState:
        [row] = queries.certificates_of(db.session(), world.learner, now + timedelta(days=days))
        return row.state

    assert state(0) is CertificateState.VALID
    assert state(299) is CertificateState.VALID
    assert state(300) is CertificateState.EXPIRED
    permits.stop_for_safety(
        world.learner, words="Gas smell at the customer's.", now=now + timedelta(days=1),
        actor_id=world.manager, language="en",
    )  # fmt: skip
    assert state(2) is CertificateState.NOT_VALID_NOW
    assert state(40) is CertificateState.VALID
    level_event(world.learner, now + timedelta(days=50), kind="withdrawn")
    assert state(51) is CertificateState.WITHDRAWN


def test_a_job_that_failed_is_asked_for_again_by_its_holder_alone(app: Flask, world: World) -> None:
    now = clock.now()
    issued = certified(world.learner, now)
    with transaction() as session:
        session.execute(sa.update(Job).where(Job.id == issued.job_id).values(state=JobState.FAILED, error="x"))
    [row] = queries.certificates_of(db.session(), world.learner, now)
    assert row.file is FileState.FAILED
    db.session.rollback()
    service.ask_for_file(issued.certificate_id, now=now + timedelta(minutes=1), actor_id=world.learner)
    [row] = queries.certificates_of(db.session(), world.learner, now)
    assert row.file is FileState.QUEUED


def test_the_printed_words_can_be_erased_and_the_certificate_is_then_found_no_more(app: Flask, world: World) -> None:
    now = clock.now()
    issued = certified(world.learner, now)
    with transaction() as session:
        audit.erase_payloads(world.learner, now=now)
        body = session.scalar(sa.select(Payload.body).join(Certificate, Certificate.printed_payload_id == Payload.id))
    assert body is None
    assert queries.shown(db.session(), issued.code, now).state is CertificateState.NOT_FOUND
    [row] = queries.certificates_of(db.session(), world.learner, now)
    assert (row.number, row.printed) == (issued.number, None)


def test_what_was_printed_stays_as_it_was_when_the_name_changes(app: Flask, world: World) -> None:
    now = clock.now()
    issued = certified(world.learner, now)
    accounts.move_person(
        world.learner, unit_id=world.units["outlet_b"], employer="另一家公司", on=now.date(), now=now, actor_id=None
    )
    found = queries.shown(db.session(), issued.code, now)
    assert found.printed is not None
    assert found.printed.name == "王小明"


def test_the_list_takes_a_fixed_number_of_reads(app: Flask, world: World) -> None:
    now = clock.now()
    counts = []
    for n in range(3):
        event_id = level_event(world.learner, now + timedelta(days=n), kind="renewed" if n else "awarded")
        service.issue(event_id, world.learner, now=now + timedelta(days=n))
        with statements() as seen:
            queries.certificates_of(db.session(), world.learner, now + timedelta(days=n))
        counts.append(len(seen))
    assert counts[0] == counts[2] <= 8  # one of them asks whether content has changed


def test_a_permit_without_an_award_has_no_certificate(app: Flask, world: World) -> None:
    issue_permit(world.learner, clock.now())
    assert queries.certificates_of(db.session(), world.learner, clock.now()) == []
