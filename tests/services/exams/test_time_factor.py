"""More time for one person: dated, with a reason, taken into the snapshot of an attempt when it begins."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask
from flask_migrate import downgrade, upgrade

from tests import exams_factories as make
from tests.factories import World
from training_app.accounts import erasing_service
from training_app.accounts import service as accounts
from training_app.audit import service as audit
from training_app.audit.models import AuditEntry, Payload
from training_app.db import db, transaction
from training_app.errors import NotFound, SamePerson
from training_app.exams import service, sittings, tasks, time_queries, time_service
from training_app.exams.errors import BadFactor, BadPeriod, NothingToEnd, WordsNeeded
from training_app.exams.models import TimeFactor
from training_app.triggers import APART, tables_kept_apart

ROOT = Path(__file__).resolve().parents[3]


def give(
    world: World, now: datetime, *, percent: int = 125, days: int = 0, last: int | None = None, who: str = "learner",
    by: str = "hr", words: str = "医院证明已核对",
) -> bool:  # fmt: skip
    first_on = accounts.today(now) + timedelta(days=days)
    return time_service.set_factor(
        world.people[who], percent=percent, first_on=first_on,
        last_on=None if last is None else accounts.today(now) + timedelta(days=last), words=words, language="zh",
        now=now, actor_id=world.people[by],
    )  # fmt: skip


def limit_of(public_id: str) -> timedelta:
    row = make.attempt(public_id)
    assert row.deadline_at is not None
    return row.deadline_at - row.opened_at


def percent(world: World, on: date) -> int:
    db.session.rollback()
    return time_queries.percent_of(db.session(), world.learner, on)


def test_an_attempt_that_begins_takes_the_factor_with_it_and_keeps_it(
    any_app: Flask, world: World, now: datetime
) -> None:
    give(world, now)
    _sitting, longer = make.supervised_start(world, now)
    _sitting, as_all = make.supervised_start(world, now, who="learner2")
    limit = limit_of(as_all)
    assert limit_of(longer) == limit * 5 / 4
    assert (make.attempt(longer).snapshot["factor"], make.attempt(as_all).snapshot["factor"]) == ("5/4", "1")
    time_service.end_factor(world.learner, now=now + timedelta(minutes=1), actor_id=world.hr)
    assert limit_of(longer) == limit * 5 / 4


def test_answers_in_the_longer_time_count_and_after_it_they_do_not(world: World, now: datetime) -> None:
    give(world, now, percent=150)
    _sitting, public_id = make.supervised_start(world, now)
    limit = limit_of(public_id)
    saves = make.saves(public_id)
    at = now + limit - timedelta(minutes=1)
    service.autosave(public_id, world.learner, epoch=1, saves=saves[:1], now=at)
    assert make.answers(public_id).keys() == {saves[0].item_key}
    tasks.close_overdue(at)
    assert make.attempt(public_id).finished_at is None
    tasks.close_overdue(now + limit + timedelta(minutes=5))
    assert make.attempt(public_id).finished_at == now + limit


def test_the_close_of_the_sitting_still_ends_the_paper(world: World, now: datetime) -> None:
    give(world, now, percent=300)
    sitting_id = make.sitting(world, now, hours=1)
    sittings.seat_person(sitting_id, world.learner, now=now, actor_id=world.examiner)
    public_id = service.start_attempt(world.learner, make.EXAM, now=now).public_id
    assert limit_of(public_id) == timedelta(hours=1)


def test_it_holds_from_its_first_day_through_its_last(world: World, now: datetime) -> None:
    on = accounts.today(now)
    give(world, now, days=2, last=4)
    assert [percent(world, on + timedelta(days=day)) for day in range(1, 6)] == [100, 125, 125, 125, 100]


def test_a_later_one_takes_the_place_and_what_was_known_before_stays_readable(world: World, now: datetime) -> None:
    on, later = accounts.today(now), now + timedelta(days=10)
    give(world, now)
    give(world, later, percent=150, words="新的证明")
    assert [percent(world, on + timedelta(days=day)) for day in (0, 9, 10)] == [125, 125, 150]
    lines = time_queries.lines(db.session(), world.learner)
    assert [(line.percent, line.state(on + timedelta(days=10)), line.words) for line in lines] == [
        (150, "holds", "新的证明"), (125, "over", "医院证明已核对"), (125, "replaced", "医院证明已核对"),
    ]  # fmt: skip
    assert lines[2].superseded_at == later
    assert lines[2].ends_on is None


def test_the_same_again_changes_nothing(world: World, now: datetime) -> None:
    assert give(world, now) is True
    assert give(world, now + timedelta(seconds=1)) is False
    assert len(time_queries.lines(db.session(), world.learner)) == 1
    count = sa.select(sa.func.count()).where(AuditEntry.action == "exam.time_factor_set")
    assert db.session.scalar(count) == 1


def test_a_while_of_more_leaves_what_holds_after_it(any_app: Flask, world: World, now: datetime) -> None:
    on = accounts.today(now)
    give(world, now)
    give(world, now, percent=200, days=40, last=50, by="hr2", words="手术后")  # within what has no end
    give(world, now + timedelta(minutes=1), percent=150, days=10, last=45, by="hr2", words="另一项")
    days = (0, 9, 10, 45, 46, 50, 51, 300)
    assert [percent(world, on + timedelta(days=day)) for day in days] == [125, 125, 150, 150, 200, 200, 125, 125]
    lines = [one for one in time_queries.lines(db.session(), world.learner) if one.superseded_at is None]
    assert {(one.percent, one.words) for one in lines} == {(125, "医院证明已核对"), (150, "另一项"), (200, "手术后")}


def test_a_later_line_that_is_planned_stays_when_a_while_before_it_is_recorded(world: World, now: datetime) -> None:
    on = accounts.today(now)
    give(world, now, days=30, percent=150)
    (planned,) = time_queries.lines(db.session(), world.learner)
    give(world, now + timedelta(minutes=1), last=6)
    assert [percent(world, on + timedelta(days=day)) for day in (0, 6, 7, 29, 30)] == [125, 125, 100, 100, 150]
    assert planned in time_queries.lines(db.session(), world.learner)


def test_other_words_are_a_new_line_also_where_the_old_ones_were_erased(world: World, now: datetime) -> None:
    give(world, now)
    assert give(world, now + timedelta(minutes=1), words="更正后的理由") is True
    with transaction() as session:
        session.execute(sa.update(Payload).where(Payload.body == "更正后的理由").values(body=None))
    assert give(world, now + timedelta(minutes=2), words="更正后的理由") is True
    states = [(one.state(accounts.today(now)), one.words) for one in time_queries.lines(db.session(), world.learner)]
    assert states == [("holds", "更正后的理由"), ("replaced", None), ("replaced", "医院证明已核对")]


def test_each_line_says_who_made_it_and_who_ended_it(world: World, now: datetime) -> None:
    later = now + timedelta(days=3)
    on = accounts.today(later)
    give(world, now)
    time_service.end_factor(world.learner, now=later, actor_id=world.hr2)
    give(world, later + timedelta(minutes=1), days=5, by="hr2")
    give(world, later + timedelta(minutes=2), last=2, by="hr2")
    time_service.end_factor(world.learner, now=later + timedelta(minutes=3), actor_id=world.hr)
    found = [(one.state(on), one.by_id, one.superseded_by) for one in time_queries.lines(db.session(), world.learner)]
    assert found == [
        ("ended", world.hr2, world.hr),
        ("cancelled", world.hr2, world.hr),
        ("over", world.hr2, None),  # cut short by hr2, though hr had recorded it
        ("replaced", world.hr, world.hr2),
    ]


def test_what_is_ended_holds_no_more_and_what_was_to_come_is_cancelled(world: World, now: datetime) -> None:
    on, later = accounts.today(now), now + timedelta(days=3)
    give(world, now, last=30)
    time_service.end_factor(world.learner, now=later, actor_id=world.hr2)
    assert [percent(world, on + timedelta(days=day)) for day in (0, 2, 3, 20)] == [125, 125, 100, 100]
    with pytest.raises(NothingToEnd):
        time_service.end_factor(world.learner, now=later, actor_id=world.hr2)
    give(world, later, days=5)
    time_service.end_factor(world.learner, now=later, actor_id=world.hr2)
    assert percent(world, on + timedelta(days=20)) == 100


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"percent": 100}, BadFactor), ({"percent": 301}, BadFactor), ({"days": -1}, BadPeriod),
        ({"days": 366}, BadPeriod), ({"days": 3, "last": 2}, BadPeriod), ({"words": "  "}, WordsNeeded),
        ({"by": "examiner"}, NotFound), ({"by": "manager"}, NotFound), ({"by": "learner"}, NotFound),
        ({"by": "hr", "who": "hr"}, SamePerson),
    ],
)  # fmt: skip
def test_what_is_refused_writes_nothing(
    world: World, now: datetime, more: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        give(world, now, **more)  # type: ignore[arg-type]
    assert db.session.scalar(sa.select(sa.func.count()).select_from(TimeFactor)) == 0
    assert db.session.scalar(sa.select(sa.func.count()).where(AuditEntry.action.like("exam.time%"))) == 0


def test_nobody_who_left_gets_more_time(world: World, now: datetime) -> None:
    accounts.deactivate_person(world.learner, on=now.date(), now=now, actor_id=world.hr)
    with pytest.raises(NotFound):
        give(world, now)


def test_the_trail_tells_the_figures_and_keeps_the_reason_apart(world: World, now: datetime) -> None:
    give(world, now)
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "exam.time_factor_set")).one()
    assert json.loads(entry.facts) == {"percent": 125, "from": "2026-11-23", "to": None}
    assert (entry.actor_id, "证明" in entry.facts) == (world.hr, False)
    assert audit.verify(db.session()) == []


def test_the_reason_stays_while_it_holds_and_goes_afterwards(world: World, now: datetime) -> None:
    give(world, now)
    later = now + timedelta(days=400)
    erasing_service.erase_words(world.learner, before=later, now=later, actor_id=None)
    (line,) = time_queries.lines(db.session(), world.learner)
    assert line.words == "医院证明已核对"
    time_service.end_factor(world.learner, now=later, actor_id=world.hr)
    erasing_service.erase_words(world.learner, before=later, now=later, actor_id=None)
    assert {line.words for line in time_queries.lines(db.session(), world.learner)} == {None}
    assert percent(world, accounts.today(now)) == 125


def test_two_open_rows_and_a_factor_that_shortens_are_refused_by_the_database(
    any_app: Flask, world: World, now: datetime
) -> None:
    give(world, now)
    payload_id = db.session.scalars(sa.select(TimeFactor.payload_id)).one()
    for values in ({"percent": 150}, {"percent": 90, "valid_to": now.date()}):
        row = {"percent": 150, "valid_to": None} | values
        with pytest.raises(sa.exc.IntegrityError), transaction() as session:
            session.add(
                TimeFactor(
                    person_id=world.learner, valid_from=now.date(), recorded_at=now, payload_id=payload_id, **row
                )
            )


def test_the_step_that_brings_the_table_goes_both_ways_with_attempts_in_the_database(
    any_app: Flask, world: World, now: datetime
) -> None:
    give(world, now)
    _sitting, public_id = make.supervised_start(world, now)
    words = db.session.scalar(sa.select(sa.func.count()).select_from(Payload))
    time_service.end_factor(world.learner, now=now + timedelta(days=1), actor_id=world.hr2)
    for move, revision in ((downgrade, "0010"), (upgrade, "head")):
        db.session.remove()
        db.engine.dispose()
        move(directory=str(ROOT / "migrations"), revision=revision)
    assert [one.superseded_by for one in time_queries.lines(db.session(), world.learner)] == [None, world.hr2]
    assert tables_kept_apart(db.session.connection()) == [apart.table for apart in APART]
    for move, revision in ((downgrade, "0007"), (upgrade, "head")):
        db.session.remove()
        db.engine.dispose()
        move(directory=str(ROOT / "migrations"), revision=revision)
        assert make.attempt(public_id).snapshot["factor"] == "5/4"
    assert time_queries.lines(db.session(), world.learner) == []
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Payload)) == words
    assert audit.verify(db.session()) == []
    db.session.remove()
    db.engine.dispose()
