"""The table of effects: what each event does to permit, level, certificate and door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from tests import certifications_factories as make
from tests.factories import World
from training_app.credentials import door_queries
from training_app.db import db
from training_app.permits import queries as permits
from training_app.permits.permit_rules import DoorAnswer, PermitEventKind
from training_app.permits.standing_rules import CertificateAnswer
from training_app.status import queries
from training_app.status.rules import State

pytestmark = pytest.mark.usefixtures("any_app")

K, C = PermitEventKind, CertificateAnswer


@dataclass(frozen=True)
class Row:
    """One row of the table: what happens, how long after, and what is true then."""

    happens: Callable[[World, datetime], None]
    days: int
    permit: State
    held: bool
    exercisable: bool
    certificate: CertificateAnswer


def tell(*kinds: PermitEventKind, **facts: object) -> Callable[[World, datetime], None]:
    def happen(world: World, now: datetime) -> None:
        for kind in kinds:
            make.tell_permit(world.learner, kind, now, **facts)

    return happen


def barred(world: World, now: datetime) -> None:
    make.tell_permit(world.learner, K.REVOKED, now, barred_until=(now + timedelta(days=900)).isoformat())


def renewed_permit_only(world: World, now: datetime) -> None:
    for year in (1, 2):
        make.renew_permit(world.learner, now + timedelta(days=365 * year - 20))


def door_answer(person_id: int, now: datetime) -> DoorAnswer:
    record = permits.permit_facts(db.session(), person_id, now)
    assert record is not None
    return door_queries.door(db.session(), record.door_code, now).answer


def nothing(world: World, now: datetime) -> None:
    """Let time pass."""


TABLE = {
    "level awarded": Row(nothing, 0, State.VALID, True, True, C.VALID),
    "limit reached and confirmed": Row(tell(K.REVOKED), 1, State.REVOKED, True, False, C.NOT_VALID_NOW),
    "retraining": Row(tell(K.REVOKED, K.RETRAINING), 1, State.RETRAINING, True, False, C.NOT_VALID_NOW),
    "suspension": Row(tell(K.SUSPENDED), 1, State.SUSPENDED, True, False, C.NOT_VALID_NOW),
    "interim stop": Row(tell(K.INTERIM_STOPPED), 1, State.SUSPENDED, True, False, C.NOT_VALID_NOW),
    "retrained and examined": Row(tell(K.REVOKED, K.RETRAINING, K.RETRAINED), 1, State.VALID, True, True, C.VALID),
    "retraining failed for good": Row(
        tell(K.REVOKED, K.RETRAINING, K.RETRAINING_FAILED), 1, State.REVOKED, False, False, C.NOT_VALID_NOW
    ),
    "barred": Row(barred, 1, State.BARRED, False, False, C.NOT_VALID_NOW),
    "renewal open": Row(nothing, 340, State.RENEWAL_OPEN, True, True, C.VALID),
    "grace": Row(nothing, 370, State.GRACE, True, False, C.NOT_VALID_NOW),
    "permit lapsed": Row(nothing, 400, State.LAPSED, True, False, C.NOT_VALID_NOW),
    "level expired": Row(renewed_permit_only, 735, State.SUSPENDED, False, False, C.EXPIRED),
    "surrendered": Row(tell(K.SURRENDERED), 1, State.SURRENDERED, True, False, C.NOT_VALID_NOW),
}


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("dispatched", [False, True], ids=["at once", "after what follows"])
def test_each_event_has_its_effect_on_permit_level_and_certificate(
    world: World, now: datetime, name: str, dispatched: bool
) -> None:
    row = TABLE[name]
    event_id = make.certify(world, "learner", now)
    row.happens(world, now + timedelta(hours=1))
    later = now + timedelta(days=row.days, hours=2)
    if dispatched:
        make.settle(later)
    found = queries.fresh_state(db.session(), world.learner, later)
    (level,) = found.levels
    assert found.state is row.permit
    assert (level.ends_at > later, level.exercisable) == (row.held, row.exercisable)
    assert queries.certificate_state(db.session(), world.learner, event_id, later) is row.certificate
    assert door_answer(world.learner, later) is (
        DoorAnswer.VALID_TODAY if row.exercisable else DoorAnswer.NOT_VALID_NOW
    )


def test_retraining_keeps_the_number(world: World, now: datetime) -> None:
    make.certify(world, "learner", now)
    before = queries.fresh_state(db.session(), world.learner, now).permit_number
    for kind in (K.REVOKED, K.RETRAINING, K.RETRAINED):
        make.tell_permit(world.learner, kind, now + timedelta(hours=1))
    assert queries.fresh_state(db.session(), world.learner, now + timedelta(hours=2)).permit_number == before


def test_a_renewed_level_replaces_the_certificate(world: World, now: datetime) -> None:
    first = make.certify(world, "learner", now)
    make.renew_permit(world.learner, now + timedelta(days=350))
    later = now + timedelta(days=660)
    make.show_again(world, "learner", later)
    (again,) = make.award(world, "learner", now=later).awarded
    answers = [queries.certificate_state(db.session(), world.learner, one, later) for one in (first, again.event_id)]
    assert answers == [C.REPLACED, C.VALID]


def test_the_only_level_withdrawn_suspends_the_permit(world: World, now: datetime) -> None:
    from training_app.certifications import service

    event_id = make.certify(world, "learner", now)
    later = now + timedelta(hours=1)
    service.withdraw(
        world.learner, scheme="service", level="junior", words="Awarded on a wrong record.", language="en", now=later,
        actor_id=world.certifier, grants=make.grants_of(world.certifier, later),
    )  # fmt: skip
    found = queries.fresh_state(db.session(), world.learner, later)
    assert (found.state, found.reasons) == (State.SUSPENDED, ("level_ended",))
    assert queries.certificate_state(db.session(), world.learner, event_id, later) is C.NOT_VALID_NOW
    assert door_answer(world.learner, later) is DoorAnswer.NOT_VALID_NOW
