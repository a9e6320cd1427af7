"""A sitting that nobody ended ends with its day, once nobody writes; whoever reads first sees the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests import exams_factories as make
from tests.factories import World
from tests.roleplay_factories import grants
from training_app.access.rules import Permission
from training_app.accounts.models import UnitVersion
from training_app.accounts.service import today
from training_app.audit.models import AuditEntry
from training_app.db import db, transaction
from training_app.exams import service, sitting_queries, sittings
from training_app.exams.errors import SittingEnded
from training_app.exams.models import Sitting
from training_app.sweeping import sweep

pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database
MIDNIGHT = datetime(2026, 11, 23, 16, tzinfo=UTC)  # the day of the tests ends in Shanghai
WORDS = "The server was away."


def ended(sitting_id: int) -> datetime | None:
    db.session.rollback()
    return db.session.scalar(sa.select(Sitting.ended_at).where(Sitting.id == sitting_id))


def shown(world: World, sitting_id: int, now: datetime) -> str:
    db.session.rollback()
    row = sitting_queries.get_sitting(
        db.session(), sitting_id, grants(world.examiner, now), Permission.EXAM_ADMIT, today(now), now
    )
    db.session.rollback()
    return row.state(now)


def test_a_sitting_ends_with_its_day_also_where_a_paper_was_left_open(world: World, now: datetime) -> None:
    sitting_id, public_id = make.supervised_start(world, now)
    assert shown(world, sitting_id, now + timedelta(hours=4)) == "over"
    assert shown(world, sitting_id, MIDNIGHT) == "ended"
    with pytest.raises(SittingEnded):
        sittings.end_sitting(sitting_id, now=MIDNIGHT, actor_id=world.examiner)
    for _ in range(2):
        sweep(now=MIDNIGHT)
        assert shown(world, sitting_id, MIDNIGHT) == "ended"
    assert make.attempt(public_id).status.value == "submitted"
    assert ended(sitting_id) == MIDNIGHT
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "sitting.closed")).one()
    assert (entry.effective_at, entry.actor_id) == (MIDNIGHT, None)


def test_until_the_end_of_the_day_the_examiner_may_still_give_time(world: World, now: datetime) -> None:
    sitting_id, _public_id = make.supervised_start(world, now)
    late = now + timedelta(hours=6)
    sweep(now=late)
    assert ended(sitting_id) is None
    sittings.extend(sitting_id, minutes=200, words=WORDS, idem="a", now=late, actor_id=world.examiner)
    assert shown(world, sitting_id, late) == "open"


def test_who_still_writes_past_midnight_holds_the_end_until_the_last_paper_is_in(world: World, now: datetime) -> None:
    evening = MIDNIGHT - timedelta(hours=3, minutes=1)
    sitting_id = make.sitting(world, evening, hours=3)
    sittings.seat_person(sitting_id, world.learner, now=evening, actor_id=world.examiner)
    begun = MIDNIGHT - timedelta(minutes=20)
    public_id = service.start_attempt(world.learner, make.EXAM, now=begun).public_id
    sittings.extend(
        sitting_id, minutes=120, words=WORDS, idem="b", now=begun, actor_id=world.examiner, person_id=world.learner
    )
    after = MIDNIGHT + timedelta(minutes=10)
    sweep(now=after)
    assert ended(sitting_id) is None
    assert shown(world, sitting_id, after) == "over"
    handed_in = make.hand_in(world, public_id, after)
    sweep(now=after + timedelta(minutes=1))
    assert ended(sitting_id) == handed_in.finished_at == after


def test_a_sitting_ends_with_the_day_of_its_unit(world: World, now: datetime) -> None:
    sitting_id = make.sitting(world, now)
    with transaction() as session:
        unit = session.scalars(sa.select(UnitVersion).where(UnitVersion.unit_id == world.units["outlet_a"])).one()
        unit.zone = "Asia/Urumqi"
    sweep(now=MIDNIGHT)
    assert (ended(sitting_id), shown(world, sitting_id, MIDNIGHT)) == (None, "over")
    later = MIDNIGHT + timedelta(hours=2)
    assert shown(world, sitting_id, later) == "ended"
    sweep(now=later)
    assert ended(sitting_id) == later


def test_a_sitting_that_was_ended_by_hand_stays_as_it_is(world: World, now: datetime) -> None:
    sitting_id = make.sitting(world, now)
    sittings.end_sitting(sitting_id, now=now, actor_id=world.examiner)
    sweep(now=MIDNIGHT)
    assert ended(sitting_id) == now
