"""Erasing: words while somebody works here, the person after leaving; figures, states and chains stay."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from PIL import Image

from tests import certifications_factories as awards
from tests import permits_factories as make
from tests.factories import World
from training_app import clock
from training_app.accounts import erasing_service, queries
from training_app.accounts import service as accounts
from training_app.accounts.models import Login, Person, PersonProfile
from training_app.audit import service as audit
from training_app.audit.models import AuditEntry, Payload
from training_app.db import db, transaction
from training_app.outbox import service as outbox
from training_app.permits.models import CaseEvent, CaseEvidence, LedgerEntry, PermitEvent
from training_app.status import service as status
from training_app.storage import service as storage
from training_app.storage.models import Blob

RETENTION = timedelta(days=730)


def _photo(colour: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 40), colour).save(out, "JPEG")
    return out.getvalue()


def _keep(data: bytes, now: datetime) -> str:
    sha256 = storage.write_file(data)
    with transaction():
        storage.keep(sha256, len(data), "image/jpeg", now=now)
    return sha256


def _figures(person_id: int) -> list[object]:
    """Return everything about a person that has to stay: events, entries and the row that lists read."""
    db.session.rollback()
    found: list[object] = []
    for table in (PermitEvent, CaseEvent, LedgerEntry):
        columns = sa.select(*table.__table__.columns).where(table.person_id == person_id).order_by(table.id)
        found += db.session.execute(columns).all()
    return found


def _history(now: datetime) -> tuple[World, datetime]:
    """A holder with a final case, an entry, a photo, a certificate; return the world and the instant after."""
    world = World.create(now)
    awards.certify(world, "learner", now)
    case_id, at = make.final(world, now + timedelta(days=3))
    accounts.set_photo(world.learner, _keep(_photo("red"), now), now=now, actor_id=world.hr)
    evidence = _keep(_photo("blue"), now)
    with transaction() as session:
        session.add(CaseEvidence(case_id=case_id, sha256=evidence, added_by=world.hr, added_at=now))
    return world, at


def test_words_of_somebody_who_works_here_go_but_not_those_still_needed(world: World, now: datetime) -> None:
    awards.certify(world, "learner", now)
    _done, at = make.final(world, now + timedelta(days=3))
    open_case = make.answered(world, at)
    before = _figures(world.learner)
    count = erasing_service.erase_words(world.learner, before=at + timedelta(days=1), now=at, actor_id=world.hr)
    assert count >= 2
    assert _figures(world.learner) == before
    left = sa.select(Payload.id).where(Payload.person_id == world.learner, Payload.body.isnot(None))
    of_open = sa.select(CaseEvent.payload_id).where(CaseEvent.case_id == open_case, CaseEvent.payload_id.isnot(None))
    kept = set(db.session.scalars(left))
    assert kept >= set(db.session.scalars(of_open))
    assert queries.get_card(db.session(), world.learner, now.date()).name == "王小明"
    assert audit.verify(db.session()) == []


def test_after_leaving_and_the_retention_time_nobody_can_tell_who_it_was_and_all_figures_stay(any_app: Flask) -> None:
    world, at = _history(clock.now())
    outbox.dispatch_due(now=at)
    accounts.deactivate_person(world.learner, on=at.date(), now=at, actor_id=world.hr)
    before = _figures(world.learner)
    later = at + RETENTION + timedelta(days=1)
    status.rebuild(clock=lambda: later)
    assert [row[0] for row in erasing_service.due(db.session(), later.date())] == [world.learner]
    db.session.rollback()
    erasing_service.erase_link(world.learner, now=later, actor_id=world.administrator)
    outbox.dispatch_due(now=later)

    assert _figures(world.learner) == before
    assert audit.verify(db.session()) == []
    db.session.rollback()
    assert status.rebuild(clock=lambda: later) == []
    for table in (PersonProfile, Login):
        assert db.session.get(table, world.learner) is None
    words = sa.select(sa.func.count()).where(Payload.person_id == world.learner, Payload.body.isnot(None))
    assert db.session.scalar(words) == 0
    assert db.session.get_one(Person, world.learner).erased_at == later
    gone = db.session.scalars(sa.select(Blob.sha256).where(Blob.erased_at.isnot(None))).all()
    assert len(gone) >= 2
    for sha256 in gone:
        with pytest.raises(FileNotFoundError):
            storage.read(sha256)
    assert erasing_service.due(db.session(), later.date()) == []
    last = db.session.scalars(sa.select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last is not None
    assert (last.action, "王" in last.facts) == ("person.link_erased", False)


def test_nobody_is_erased_who_works_here_or_left_too_lately(world: World, now: datetime) -> None:
    with pytest.raises(erasing_service.StillWorking):
        erasing_service.erase_link(world.learner, now=now, actor_id=None)
    accounts.deactivate_person(world.learner, on=now.date(), now=now, actor_id=world.hr)
    for days in (0, 729):
        with pytest.raises(erasing_service.StillKept):
            erasing_service.erase_link(world.learner, now=now + timedelta(days=days), actor_id=None)
    erasing_service.erase_link(world.learner, now=now + RETENTION, actor_id=None)


def test_a_file_that_somebody_else_still_shows_is_kept(world: World, now: datetime) -> None:
    shared = _keep(_photo("green"), now)
    for person_id in (world.learner, world.learner2):
        accounts.set_photo(person_id, shared, now=now, actor_id=world.hr)
    for person_id, is_there in ((world.learner, True), (world.learner2, False)):
        accounts.deactivate_person(person_id, on=now.date(), now=now, actor_id=world.hr)
        erasing_service.erase_link(person_id, now=now + RETENTION, actor_id=None)
        outbox.dispatch_due(now=now + RETENTION)
        assert (db.session.get_one(Blob, shared).erased_at is None) is is_there
        db.session.rollback()
    again = _keep(_photo("green"), now + RETENTION)
    assert (again, storage.read(again)) == (shared, _photo("green"))
    assert db.session.get_one(Blob, shared).erased_at is None


def test_erasing_by_command_names_first_and_erases_only_when_told(app: Flask, world: World, now: datetime) -> None:
    accounts.deactivate_person(world.learner, on=now.date(), now=now, actor_id=world.hr)
    clock.move_to(now + RETENTION)
    run = app.test_cli_runner().invoke
    assert world.numbers["learner"] in run(args=["erase-left"]).output
    assert db.session.get(PersonProfile, world.learner) is not None
    db.session.rollback()
    assert "erased:" in run(args=["erase-left", "--yes"]).output
    assert "0 people" in run(args=["erase-left"]).output
    text = run(args=["erase-words", "--number", world.numbers["trainer"], "--before", "2030-01-01"]).output
    assert "figures, dates and the audit chain stay" in text
