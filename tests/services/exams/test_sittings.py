"""Sittings: seats, identity, invigilation, extension; on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from tests import exams_factories as make
from tests.factories import World
from training_app.accounts.service import today
from training_app.db import db
from training_app.errors import Forbidden, SamePerson
from training_app.exams import queries, service, sittings, tasks
from training_app.exams.errors import (
    CannotAdmit,
    SittingEnded,
    SittingNotOpen,
    SittingTimes,
    StartRefused,
    StillWriting,
)
from training_app.exams.models import Seat
from training_app.exams.rules import SaveVerdict, StartAnswer
from training_app.exams.saving import Save
from training_app.notices.feed_queries import entries_of
from training_app.outbox.models import OutboxMessage

pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database


def _seat(world: World, now: datetime, **more: float) -> int:
    sitting_id = make.sitting(world, now, **more)
    sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
    return sitting_id


def _extend(sitting_id: int, world: World, now: datetime, person: int | None = None, idem: str = "one") -> int:
    return sittings.extend(
        sitting_id, minutes=10, words="Power cut.", idem=idem, person_id=person, now=now, actor_id=world.examiner
    )


def test_a_supervised_pass_names_its_examiner_and_counts(world: World, now: datetime) -> None:
    _sitting_id, public_id = make.supervised_start(world, now)
    assert make.events(public_id) == ["opened", "identity_checked", "invigilated"]
    assert make.hand_in(world, public_id, now).supervised
    (passed,) = queries.passes(db.session(), world.learner)
    assert passed.supervised
    assert passed.examiner_ids == (world.examiner,)
    db.session.rollback()
    with pytest.raises(StartRefused) as refused:
        service.start_attempt(world.learner, make.EXAM, now=now + timedelta(days=30))
    assert refused.value.answer is StartAnswer.ALREADY_PASSED


@pytest.mark.parametrize("missing", ["identity", "invigilation"])
def test_without_identity_check_or_invigilation_a_pass_is_not_supervised(
    world: World, now: datetime, missing: str
) -> None:
    sitting_id = _seat(world, now)
    public_id = service.start_attempt(world.learner, make.EXAM, now=now).public_id
    if missing == "invigilation":
        sittings.check_identity(sitting_id, world.learner, is_right=True, now=now, actor_id=world.examiner)
    else:
        sittings.invigilate(sitting_id, now=now, actor_id=world.examiner)
    row = make.hand_in(world, public_id, now)
    assert row.passed
    assert not row.supervised


def test_what_is_stated_after_the_hand_in_comes_too_late(world: World, now: datetime) -> None:
    sitting_id = _seat(world, now)
    public_id = service.start_attempt(world.learner, make.EXAM, now=now).public_id
    make.hand_in(world, public_id, now)
    sittings.invigilate(sitting_id, now=now, actor_id=world.examiner)
    sittings.check_identity(sitting_id, world.learner, is_right=True, now=now, actor_id=world.examiner)
    assert make.events(public_id) == ["opened", "submitted", "scored"]


def test_not_this_person_takes_an_earlier_check_back(world: World, now: datetime) -> None:
    sitting_id, public_id = make.supervised_start(world, now)
    sittings.check_identity(sitting_id, world.learner, is_right=False, now=now, actor_id=world.examiner)
    assert not make.hand_in(world, public_id, now).supervised


def test_who_is_not_the_person_loses_the_seat_before_the_start(world: World, now: datetime) -> None:
    sitting_id = _seat(world, now)
    sittings.check_identity(sitting_id, world.learner, is_right=False, now=now, actor_id=world.examiner)
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Seat)) == 0


def test_only_an_examiner_who_reaches_the_person_may_state_anything(world: World, now: datetime) -> None:
    sitting_id = _seat(world, now)
    for actor in (world.trainer, world.hr, world.outsider):
        with pytest.raises(Forbidden):
            sittings.check_identity(sitting_id, world.learner, is_right=True, now=now, actor_id=actor)
        with pytest.raises(Forbidden):
            sittings.invigilate(sitting_id, now=now, actor_id=actor)
    with pytest.raises(SamePerson):
        sittings.check_identity(sitting_id, world.learner, is_right=True, now=now, actor_id=world.learner)
    with pytest.raises(Forbidden):
        sittings.seat_person(sitting_id, world.outsider, now=now, actor_id=world.examiner)


def test_a_seat_holds_the_start_until_the_sitting_opens(world: World, now: datetime) -> None:
    sitting_id = sittings.create_sitting(
        make.EXAM, unit_id=world.units["outlet_a"], room=None, opens_at=now + timedelta(hours=1),
        closes_at=now + timedelta(hours=2), now=now, actor_id=world.examiner,
    )  # fmt: skip
    make.admit(world, now)
    sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
    with pytest.raises(SittingNotOpen):
        service.start_attempt(world.learner, make.EXAM, now=now)
    service.start_attempt(world.learner, make.EXAM, now=now + timedelta(hours=1))


def test_the_close_of_the_sitting_ends_the_paper_and_extra_minutes_move_it(world: World, now: datetime) -> None:
    sitting_id = _seat(world, now, hours=0.25)
    assert _extend(sitting_id, world, now, person=world.learner) == 0
    public_id = service.start_attempt(world.learner, make.EXAM, now=now).public_id
    row = make.attempt(public_id)
    assert row.deadline_at == now + timedelta(minutes=25)
    assert row.snapshot["extra_minutes"] == 10


def test_an_extension_moves_the_deadline_of_one_or_of_all_and_only_once(world: World, now: datetime) -> None:
    sitting_id = _seat(world, now)
    sittings.seat_person(sitting_id, world.learner2, now=now, actor_id=world.examiner)
    first = service.start_attempt(world.learner, make.EXAM, now=now).public_id
    second = service.start_attempt(world.learner2, make.EXAM, now=now).public_id
    assert _extend(sitting_id, world, now, person=world.learner) == 1
    assert _extend(sitting_id, world, now, idem="all") == 2
    assert _extend(sitting_id, world, now, idem="all") == 0
    assert make.attempt(first).deadline_at == now + make.LIMIT + timedelta(minutes=20)
    assert make.attempt(second).deadline_at == now + make.LIMIT + timedelta(minutes=10)
    item = make.paper_items(first)[0]
    save = Save(item_key=item.key, answer=make.right(item), sequence=1)
    last = now + make.LIMIT + timedelta(minutes=20)
    receipt = service.autosave(first, world.learner, epoch=1, saves=[save], now=last)
    assert receipt.verdicts[item.key] is SaveVerdict.STORED
    assert tasks.close_overdue(now + make.LIMIT + timedelta(minutes=15)) == 1
    assert make.attempt(first).finished_at is None


def test_an_admission_with_no_attempt_left_gives_no_seat_without_a_new_one(world: World, now: datetime) -> None:
    make.admit(world, now, attempts=1)
    make.hand_in(world, service.start_attempt(world.learner, make.EXAM, now=now).public_id, now, good=0)
    sitting_id = make.sitting(world, now)
    with pytest.raises(CannotAdmit) as refused:
        sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
    assert refused.value.answer is StartAnswer.ATTEMPTS_USED
    sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner, with_new_admission=True)
    service.start_attempt(world.learner, make.EXAM, now=now)


def test_who_has_failed_here_is_not_admitted_again_while_the_wait_lasts(world: World, now: datetime) -> None:
    sitting_id, public_id = make.supervised_start(world, now)
    sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)  # a second click: still seated
    assert not make.hand_in(world, public_id, now, good=0).passed
    with pytest.raises(CannotAdmit) as refused:
        sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
    assert refused.value.answer is StartAnswer.WAITING


def test_a_sitting_ends_when_all_have_handed_in_and_then_nothing_moves(world: World, now: datetime) -> None:
    sitting_id, public_id = make.supervised_start(world, now)
    with pytest.raises(StillWriting):
        sittings.end_sitting(sitting_id, now=now, actor_id=world.examiner)
    make.hand_in(world, public_id, now)
    sittings.end_sitting(sitting_id, now=now, actor_id=world.examiner)
    with pytest.raises(SittingEnded):
        sittings.seat_person(sitting_id, world.learner2, now=now, actor_id=world.examiner)


@pytest.mark.parametrize(("early", "told"), [(True, True), (False, False)])
def test_a_sitting_that_is_ended_before_it_opens_is_told_to_everybody_with_a_seat_and_leaves_their_calendars(
    world: World, now: datetime, early: bool, told: bool
) -> None:
    opens = now + timedelta(days=3)
    make.admit(world, now)
    sitting_id = sittings.create_sitting(
        make.EXAM, unit_id=world.units["outlet_a"], room="2", opens_at=opens, closes_at=opens + timedelta(hours=3),
        now=now, actor_id=world.examiner,
    )  # fmt: skip
    sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
    assert [one.kind for one in entries_of(db.session(), world.learner, now)] == ["exam"]
    db.session.rollback()
    end = opens - timedelta(days=1) if early else opens + timedelta(minutes=1)
    sittings.end_sitting(sitting_id, now=end, actor_id=world.examiner)
    bodies = db.session.scalars(sa.select(OutboxMessage.body).where(OutboxMessage.topic == "notice")).all()
    assert [body["person"] for body in bodies if body["kind"] == "exam_cancelled"] == [world.learner] * told
    assert [one.kind for one in entries_of(db.session(), world.learner, end)] == ["exam"] * (not told)
    db.session.rollback()


@pytest.mark.parametrize(("opens", "closes"), [(2, 1), (1, 1), (-3, -1), (1, 26)])
def test_times_that_make_no_sense_are_refused(world: World, now: datetime, opens: int, closes: int) -> None:
    with pytest.raises(SittingTimes):
        sittings.create_sitting(
            make.EXAM, unit_id=world.units["outlet_a"], room=None, opens_at=now + timedelta(hours=opens),
            closes_at=now + timedelta(hours=closes), now=now, actor_id=world.examiner,
        )  # fmt: skip


def test_a_later_admission_asks_for_the_exam_anew_after_an_earlier_pass(world: World, now: datetime) -> None:
    make.admit(world, now, attempts=1)
    _sitting, first = make.supervised_start(world, now)
    assert make.hand_in(world, first, now + timedelta(minutes=10)).passed
    later = now + timedelta(days=40)
    make.admit(world, later, attempts=1)
    assert _answer(world, later) is StartAnswer.MAY_START
    _sitting, second = make.supervised_start(world, later)
    assert not make.hand_in(world, second, later + timedelta(minutes=10), good=0).passed
    # Before, the old pass hid that the tries of the new admission are used.
    after = later + timedelta(hours=5)
    assert _answer(world, after) is StartAnswer.ATTEMPTS_USED
    room = make.sitting(world, after)
    with pytest.raises(CannotAdmit) as refused:
        sittings.seat_person(room, world.learner, now=after, actor_id=world.examiner)
    assert refused.value.answer is StartAnswer.ATTEMPTS_USED
    sittings.seat_person(room, world.learner, now=after, actor_id=world.examiner, with_new_admission=True)
    assert _answer(world, after) is StartAnswer.MAY_START


def _answer(world: World, now: datetime) -> StartAnswer | None:
    blueprint = queries.exam_blueprints(db.session(), today(now))[make.EXAM]
    standing = queries.get_standing(db.session(), world.learner, blueprint, now)
    db.session.rollback()
    return standing.decision.answer if standing.decision else None
