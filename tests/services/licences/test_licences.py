"""State licences: recorded, corrected, ended by somebody else; the row of the person follows at once."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.factories import World
from tests.licences_factories import ELECTRICIAN, HEIGHT, licence, values
from tests.permits_factories import issue
from training_app import clock
from training_app.accounts import erasing_service
from training_app.accounts import service as accounts
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.audit.models import AuditEntry, Payload
from training_app.calendar.rules import day_end
from training_app.db import db, transaction
from training_app.errors import NotFound, SamePerson
from training_app.licences import queries, service
from training_app.licences.models import Licence
from training_app.licences.rules import ZONE, Line, May
from training_app.status import job_queries
from training_app.status import queries as status
from training_app.status import service as status_service
from training_app.status.models import LicenceHeld, PersonState


def _held(person_id: int) -> list[tuple[str, str | None, date | None]]:
    rows = db.session.execute(
        sa.select(LicenceHeld.kind, LicenceHeld.number, LicenceHeld.expires_on)
        .where(LicenceHeld.person_id == person_id)
        .order_by(LicenceHeld.kind)
    ).all()
    db.session.rollback()
    return [(row.kind, row.number, row.expires_on) for row in rows]


def _next_change(person_id: int) -> datetime | None:
    found = db.session.scalar(sa.select(PersonState.next_change_at).where(PersonState.person_id == person_id))
    db.session.rollback()
    return found


def test_recording_correcting_and_ending_keep_the_row_true_at_once(world: World, now: datetime) -> None:
    on = today(now)
    one = licence(world, world.learner, now, until=on + timedelta(days=40))
    assert _held(world.learner) == [(ELECTRICIAN, "T3301", on + timedelta(days=40))]
    assert _next_change(world.learner) == day_end(on + timedelta(days=40), ZONE)
    better = values(number="T3302", until=on + timedelta(days=50))
    assert service.correct_licence(world.learner, one, better, None, now=now, actor_id=world.hr)
    assert _held(world.learner) == [(ELECTRICIAN, "T3302", on + timedelta(days=50))]
    two = queries.licences_of(db.session(), [world.learner])[world.learner][0].licence_id
    db.session.rollback()
    assert not service.correct_licence(world.learner, two, better, None, now=now, actor_id=world.hr)
    service.end_licence(
        world.learner,
        two,
        last_on=on - timedelta(days=1),
        words="Withdrawn.",
        language="en",
        now=now,
        actor_id=world.hr,
    )
    assert _held(world.learner) == [(ELECTRICIAN, "T3302", on - timedelta(days=1))]
    assert status_service.rebuild(clock=lambda: now) == []
    entries = db.session.execute(
        sa.select(AuditEntry.action, AuditEntry.facts, Payload.body)
        .join(Payload, Payload.id == AuditEntry.payload_id)
        .where(AuditEntry.action.like("licence.%"))
        .order_by(AuditEntry.seq)
    ).all()
    assert [(row.action, row.body) for row in entries] == [
        ("licence.recorded", "T3301"), ("licence.corrected", "T3302"), ("licence.ended", "Withdrawn."),
    ]  # fmt: skip
    assert all("T330" not in row.facts for row in entries), "the number stands in the erasable payload alone"
    assert json.loads(entries[1].facts)["changed"] == ["expires_on", "number"]
    assert audit.verify(db.session()) == []


def test_the_rebuild_finds_and_mends_a_licence_that_the_row_has_wrong(world: World, now: datetime) -> None:
    licence(world, world.learner, now, until=today(now) + timedelta(days=40))
    with transaction() as session:
        session.execute(sa.update(LicenceHeld).values(expires_on=date(2030, 1, 1)))
    found = status_service.rebuild(clock=lambda: now)
    assert [(one.person_id, one.field) for one in found] == [(world.learner, "licences")]
    assert status_service.rebuild(clock=lambda: now) == []


def test_what_cannot_be_is_refused_and_sent_twice_is_one(world: World, now: datetime) -> None:
    on = today(now)
    one = licence(world, world.learner, now, until=on + timedelta(days=40))
    refused = [
        (service.LicenceKnown, values(until=on + timedelta(days=40))), (service.NoSuchKind, values("flying")),
        (service.BadPeriod, values(number="X", since=on + timedelta(days=1))),
        (service.BadPeriod, values(number="X", since=on, until=on - timedelta(days=1))),
    ]  # fmt: skip
    for error, wrong in refused:
        with pytest.raises(error):
            service.record_licence(world.learner, wrong, None, now=now, actor_id=world.hr)
    ends = {"language": "en", "now": now, "actor_id": world.hr}
    for last_on in (on + timedelta(days=1), on + timedelta(days=40)):
        with pytest.raises(service.BadEnd):
            service.end_licence(world.learner, one, last_on=last_on, words="x", **ends)  # type: ignore[arg-type]
    with pytest.raises(service.ReasonNeeded):
        service.end_licence(world.learner, one, last_on=on, words=" ", **ends)  # type: ignore[arg-type]
    assert len(_held(world.learner)) == 1


def test_only_who_keeps_the_records_of_somebody_else_within_reach_may_write(world: World, now: datetime) -> None:
    for actor, holder, error in (
        (world.manager, world.learner, NotFound), (world.learner, world.learner, NotFound),
        (world.hr, world.hr, SamePerson),
    ):  # fmt: skip
        with pytest.raises(error):
            service.record_licence(holder, values(), None, now=now, actor_id=actor)
    one = licence(world, world.learner, now)
    with pytest.raises(NotFound):
        service.correct_licence(world.outsider, one, values(number="1"), None, now=now, actor_id=world.hr)
    accounts.deactivate_person(world.learner, on=today(now), now=now, actor_id=world.hr)
    with pytest.raises(NotFound):
        service.record_licence(world.learner, values(HEIGHT), None, now=now, actor_id=world.hr)


def test_an_expired_licence_blocks_its_jobs_the_day_after_and_a_past_day_is_answered_as_it_was(
    world: World, now: datetime
) -> None:
    on = today(now)
    issue(world.learner, now - timedelta(days=30))
    licence(world, world.learner, now, until=on)
    may = _jobs(world.learner, now)
    assert "wiring" not in may
    # no level is held, so that nothing may be done; the reasons name the level alone
    assert {
        reason.bar.value for line in may.values() for reason in line.reasons if line.job == "electrical-wiring"
    } == {"level_missing"}
    later = now + timedelta(days=1)
    bars = {reason.bar.value for reason in _jobs(world.learner, later)["electrical-wiring"].reasons}
    assert bars == {"level_missing", "licence_ended"}
    assert _jobs(world.learner, later)["electrical-wiring"].may is May.NO
    session = db.session()
    assert status.fresh_state(session, world.learner, later).as_of_seq, "a stale row is folded"
    then, _book = job_queries.answer_of(session, status.fold_person(session, world.learner, now), now)
    assert not any(one.bar.value == "licence_ended" for line in then.lines for one in line.reasons)
    db.session.rollback()


def _jobs(person_id: int, at: datetime) -> dict[str, Line]:
    answer, _book = job_queries.answer_now(db.session(), person_id, at)
    db.session.rollback()
    return {line.job: line for line in answer.lines}


def test_who_is_to_be_reminded_is_asked_by_day_and_a_renewed_licence_is_left_out(world: World, now: datetime) -> None:
    day = today(now) + timedelta(days=60)
    licence(world, world.learner, now, until=day)
    licence(world, world.learner2, now, until=day)
    licence(world, world.learner2, now, until=day + timedelta(days=700), number="T9")
    licence(world, world.learner2, now, HEIGHT, until=day + timedelta(days=1))
    found = queries.expiring_between(db.session(), day, day, after=0, limit=50)
    assert [(one.person_id, one.kind, one.last_on) for one in found] == [(world.learner, ELECTRICIAN, day)]
    plan = (
        db.session.execute(sa.text("EXPLAIN QUERY PLAN SELECT id FROM licence WHERE expires_on = '2026-01-01'")).all()
        if db.engine.dialect.name == "sqlite"
        else []
    )
    assert all("ix_licence_expires_on" in row[-1] for row in plan)
    db.session.rollback()


def test_erasing_who_it_was_lets_number_and_scan_go_but_not_the_dates(world: World, now: datetime) -> None:
    from tests.security.house import picture

    until = today(now) + timedelta(days=40)
    licence(world, world.learner, now, until=until, scan=picture())
    accounts.deactivate_person(world.learner, on=today(now), now=now, actor_id=world.hr)
    later = now + timedelta(days=731)
    clock.move_to(later)
    erasing_service.erase_link(world.learner, now=later, actor_id=None)
    row = db.session.execute(sa.select(Licence.sha256, Licence.expires_on, Payload.body).join(Payload)).one()
    assert tuple(row) == (None, until, None)
    db.session.rollback()
    assert _held(world.learner) == [(ELECTRICIAN, None, until)]
