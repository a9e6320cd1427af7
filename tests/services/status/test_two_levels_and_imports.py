"""The table of effects where more than one level is held, and permits and levels brought from before the product."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import sqlalchemy as sa
from flask import Flask

from tests import certifications_factories as make
from tests.factories import World
from training_app.accounts.locks import lock_person
from training_app.audit import service as audit
from training_app.certifications.models import LevelEvent
from training_app.content import queries as content
from training_app.credentials import door_queries
from training_app.credentials import queries as credentials
from training_app.credentials import service as certificates
from training_app.credentials.models import Certificate
from training_app.db import db, transaction
from training_app.permits import queries as permits
from training_app.permits.models import Permit, PermitEvent
from training_app.permits.number_rules import iso, permit_number
from training_app.permits.permit_rules import DoorAnswer, PermitEventKind, PermitState
from training_app.permits.standing_rules import CertificateAnswer
from training_app.status import queries
from training_app.status import service as status
from training_app.status.rules import State

C = CertificateAnswer
ORIGINAL = datetime(2026, 5, 31, 1, 0, tzinfo=UTC)


def tell_level(
    person_id: int, now: datetime, *, level: str, rank: int, kind: str = "awarded", until: datetime | None = None,
    effective_at: datetime | None = None, **facts: object,
) -> int:  # fmt: skip
    """Write an event of a level; return it. The requirements of the junior level stand for those of all."""
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        version = content.get_current(session, "level", "junior", date(2026, 11, 23))
        stamp = lock.stamp()
        more = {} if until is None else {"valid_until": until.isoformat(), "base_on": "2026-11-23"}
        row = LevelEvent(
            person_id=person_id, scheme="service", level=level, kind=kind, requirement_version_id=version.id,
            facts={"rank": rank, "months": 24, "zone": "Asia/Shanghai"} | more | facts,
            effective_at=effective_at or now, recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=None,
            idem=f"test-level/{person_id}/{stamp.seq}",
        )  # fmt: skip
        session.add(row)
        session.flush()
        status.recompute(person_id, now=now)
        return row.id


def levels(person_id: int, at: datetime) -> dict[str, tuple[bool, bool]]:
    """Return of every level whether it is held, and whether it can be exercised."""
    found = queries.fresh_state(db.session(), person_id, at)
    return {one.level: (one.ends_at > at, one.exercisable) for one in found.levels}


def test_the_end_of_one_of_two_levels_leaves_the_permit_and_the_other_level(world: World, now: datetime) -> None:
    junior = make.certify(world, "learner", now)
    senior = tell_level(world.learner, now + timedelta(days=1), level="senior", rank=2, until=now + timedelta(days=400))
    make.renew_permit(world.learner, now + timedelta(days=350))

    def at(day: int) -> tuple[State, dict[str, tuple[bool, bool]], list[CertificateAnswer | None]]:
        when = now + timedelta(days=day)
        answers = [
            queries.certificate_state(db.session(), world.learner, event_id, when) for event_id in (junior, senior)
        ]
        return queries.fresh_state(db.session(), world.learner, when).state, levels(world.learner, when), answers

    both, one, none = (True, True), (False, False), (False, False)
    assert at(10) == (State.VALID, {"junior": both, "senior": both}, [C.REPLACED, C.VALID])
    assert at(500) == (State.VALID, {"junior": both, "senior": one}, [C.REPLACED, C.EXPIRED])
    make.renew_permit(world.learner, now + timedelta(days=710))
    assert at(740) == (State.SUSPENDED, {"junior": none, "senior": none}, [C.REPLACED, C.EXPIRED])


def test_one_of_two_levels_withdrawn_leaves_the_permit(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    later = now + timedelta(days=1)
    senior = tell_level(world.learner, later, level="senior", rank=2, until=now + timedelta(days=400))
    tell_level(world.learner, later + timedelta(hours=1), level="senior", rank=2, kind="withdrawn")
    at = later + timedelta(hours=2)
    assert queries.fresh_state(db.session(), world.learner, at).state is State.VALID
    assert levels(world.learner, at) == {"junior": (True, True), "senior": (False, False)}
    assert queries.certificate_state(db.session(), world.learner, senior, at) is C.NOT_VALID_NOW


def test_a_revocation_stops_every_level_and_a_retraining_gives_every_one_back(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    later = now + timedelta(days=1)
    tell_level(world.learner, later, level="senior", rank=2, until=now + timedelta(days=400))
    make.tell_permit(world.learner, PermitEventKind.REVOKED, later + timedelta(hours=1))
    stopped = {"junior": (True, False), "senior": (True, False)}
    assert levels(world.learner, later + timedelta(hours=2)) == stopped
    for kind in (PermitEventKind.RETRAINING, PermitEventKind.RETRAINED):
        make.tell_permit(world.learner, kind, later + timedelta(hours=3))
    assert levels(world.learner, later + timedelta(hours=4)) == {"junior": (True, True), "senior": (True, True)}


def imported(world: World, now: datetime) -> tuple[int, str]:
    """Bring a permit and a level of May as they were, recorded now; return the level event and the number."""
    number = permit_number("48217390")
    with transaction() as session:
        lock = lock_person(world.learner, now=now)
        permit = Permit(
            person_id=world.learner, number=number, door_code="d" * 43, zone="Asia/Shanghai",
            anchor_on=date(2026, 5, 31), created_at=now,
        )  # fmt: skip
        session.add(permit)
        session.flush()
        until = datetime(2027, 5, 30, 16, 0, tzinfo=UTC)
        facts = {"number": number, "valid_until": iso(until), "policy": "standard", "imported": True}
        stamp = lock.stamp()
        session.add(
            PermitEvent(
                person_id=world.learner, permit_id=permit.id, kind="granted", facts=facts, effective_at=ORIGINAL,
                recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=world.hr, idem=f"import/{number}",
            )
        )  # fmt: skip
    level = tell_level(
        world.learner, now, level="junior", rank=1, until=datetime(2028, 5, 30, 16, 0, tzinfo=UTC),
        effective_at=ORIGINAL, imported=True,
    )  # fmt: skip
    return level, number


def test_what_is_brought_from_before_keeps_its_dates_and_says_that_it_was(
    any_app: Flask, world: World, now: datetime
) -> None:
    before = now - timedelta(seconds=1)
    level, number = imported(world, now)
    record = permits.permit_facts(db.session(), world.learner, now)
    assert record is not None
    assert (record.number, record.state, record.facts.valid_from) == (number, PermitState.VALID, ORIGINAL)
    ledger = permits.ledger_state(db.session(), world.learner, now)
    assert ledger is not None
    assert ledger.fold.window.start == datetime(2026, 5, 30, 16, 0, tzinfo=UTC)
    # As of June it held; as known before the import nobody knew.
    june = datetime(2026, 6, 15, tzinfo=UTC)
    then = permits.permit_facts(db.session(), world.learner, june)
    unknown = permits.permit_facts(db.session(), world.learner, june, known_at=before)
    assert then is not None
    assert unknown is not None
    assert (then.state, unknown.state) == (PermitState.VALID, PermitState.NONE)
    kept = db.session.execute(sa.text("SELECT facts FROM permit_event")).scalars().all()
    assert all("imported" in str(facts) for facts in kept)

    found = queries.fresh_state(db.session(), world.learner, now)
    assert (found.state, found.level, found.permit_number) == (State.VALID, "junior", number)
    assert door_queries.door(db.session(), "d" * 43, now).answer is DoorAnswer.VALID_TODAY
    db.session.rollback()
    certificate_id = certificates.issue(level, world.learner, now=now)
    row = db.session.get_one(Certificate, certificate_id)
    assert row.issued_at == ORIGINAL
    shown = credentials.shown(db.session(), row.code, now)
    assert shown.printed is not None
    assert (shown.state.value, shown.printed.issued_on) == ("valid", date(2026, 5, 31))
    db.session.rollback()
    assert status.rebuild(clock=lambda: now) == []
    assert audit.verify(db.session()) == []


def test_a_permit_from_before_the_first_policy_is_read_by_the_first(world: World, now: datetime) -> None:
    """The shipped policy counts from January 2026; what was granted before is read by it, not left unreadable."""
    imported(world, now)
    old = datetime(2025, 3, 1, tzinfo=UTC)
    record = permits.permit_facts(db.session(), world.learner, old)
    assert record is not None
    assert record.state is PermitState.NONE
