"""A piece of a sweep that fails holds up none after it, and is not hidden."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa

from tests import exams_factories as exams
from tests.factories import World
from tests.faults import refusing_updates
from tests.roleplay_factories import Scene
from training_app.db import Base, db
from training_app.exams import service, sittings
from training_app.exams.models import Attempt, Sitting
from training_app.roleplay.models import Performance
from training_app.sweeping import REST, PiecesFailed, in_turn, sweep

pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database
LATER = timedelta(days=1)


def two_attempts(world: World, now: datetime) -> None:
    for minute, who in enumerate(("learner", "learner2")):
        exams.admit(world, now, who=who)
        service.start_attempt(world.people[who], exams.EXAM, now=now + timedelta(minutes=minute))


def two_sittings(world: World, now: datetime) -> None:
    for hours in (3, 4):
        sittings.seat_person(exams.sitting(world, now, hours=hours), world.learner, now=now, actor_id=world.examiner)


def two_sessions(world: World, now: datetime) -> None:
    for minute in (0, 1):
        Scene.plan(world, now + timedelta(minutes=minute))


@pytest.mark.parametrize(
    ("name", "make", "table", "ended_at"),
    [
        ("exams.overdue", two_attempts, Attempt, Attempt.finished_at),
        ("exams.sittings", two_sittings, Sitting, Sitting.ended_at),
        ("roleplay.sessions", two_sessions, Performance, Performance.ended_at),
    ],
)
def test_a_row_that_cannot_be_closed_is_told_and_the_next_one_is_closed(
    world: World,
    now: datetime,
    capsys: pytest.CaptureFixture[str],
    name: str,
    make: Callable[[World, datetime], None],
    table: type[Base],
    ended_at: object,
) -> None:
    make(world, now)
    ids = list(db.session.scalars(sa.select(sa.column("id")).select_from(table.__table__).order_by(sa.column("id"))))

    def ended() -> list[bool]:
        db.session.rollback()
        rows = db.session.scalars(sa.select(ended_at).order_by(sa.column("id")))  # type: ignore[call-overload]
        return [at is not None for at in rows]

    with refusing_updates(table.__table__.name, ids[0]):  # type: ignore[attr-defined]
        assert name not in sweep(now=now + LATER)
    assert ended() == [False, True]
    said = capsys.readouterr().err
    assert re.search(rf"piece of a sweep failed +piece={ids[0]}\nTraceback", said)
    assert "a fault of the test" in said
    assert re.search(rf"sweep failed +sweep={name}\nTraceback", said)
    assert sweep(now=now + LATER)[name] == 1
    assert ended() == [True, True]


def test_how_many_failed_is_said_after_all_had_their_turn() -> None:
    turns = []

    def step(one: int) -> bool:
        turns.append(one)
        db.session.execute(sa.text(f"SELECT 1 FROM {'no_such_table' if one == 2 else 'person'}"))
        return one != 3

    with pytest.raises(PiecesFailed, match="1 of 4 pieces failed, 2 were done"):
        in_turn([1, 2, 3, 4], step)
    assert turns == [1, 2, 3, 4]
    assert in_turn([1, 3], step) == 1


def test_a_sweep_that_failed_rests_half_a_minute_and_no_other_does(
    world: World, now: datetime, capsys: pytest.CaptureFixture[str]
) -> None:
    two_sittings(world, now)
    first = db.session.scalars(sa.select(Sitting.id).order_by(Sitting.id)).first()
    assert first is not None
    db.session.rollback()
    at, resting = now + LATER, dict[str, datetime]()
    with refusing_updates("sitting", first):
        for second in range(20):
            done = sweep(now=at + timedelta(seconds=second), resting=resting)
            assert "exams.sittings" not in done
            assert "roleplay.sessions" in done
        assert capsys.readouterr().err.count("sweep=exams.sittings") == 1
    assert sweep(now=at + REST, resting=resting)["exams.sittings"] == 1
    assert resting == {}
