"""A learner is told the result of a role-play once it is out, and only then."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.factories import World
from tests.roleplay_factories import Scene, grants
from training_app.db import db
from training_app.notices import queries as notices
from training_app.notices.queries import NoticeRow
from training_app.outbox import service as outbox
from training_app.roleplay import service
from training_app.roleplay.rules import MarkKind

pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database


def told(world: World, now: datetime) -> list[NoticeRow]:
    """Dispatch what waits and return what the learner was told of role-plays."""
    outbox.dispatch_due(now=now + timedelta(hours=3))
    db.session.rollback()
    return [row for row in notices.notices_of(db.session(), world.learner) if row.kind.startswith("roleplay_")]


@pytest.mark.parametrize(("level", "grade", "kind"), [(3, 3, "roleplay_passed"), (1, 2, "roleplay_failed")])
def test_the_last_lock_tells_the_learner_with_the_marks(
    world: World, now: datetime, level: int, grade: int, kind: str
) -> None:
    scene = Scene.started(world, now)
    first, second = scene.rater("trainer"), scene.rater("trainer2")
    for rater in (first, second):
        rater.fill(level=level, grade=grade)
    first.lock()
    assert told(world, now) == []
    second.lock()
    second.lock()
    (row,) = told(world, now)
    assert (row.kind, row.facts["share"], row.facts["needed"]) == (kind, f"{level * 20} %", "60 %")
    assert row.facts["grade"] == str(grade)
    assert row.path == f"/roleplay/sessions/{scene.public_id}/result/{world.learner}"


def test_a_critical_failure_is_named_as_the_reason(world: World, now: datetime) -> None:
    rater = Scene.started(world, now).rater()
    rater.fill(level=5, grade=3)
    failure = "insults-or-threatens"
    rater.send(
        rater.touch(MarkKind.CRITICAL, failure, words="Promised a new machine."),
        rater.touch(MarkKind.CONFIRM_CRITICAL, failure),
    )
    rater.lock()
    assert [row.kind for row in told(world, now)] == ["roleplay_critical"]


def test_while_a_third_rater_is_needed_nothing_is_told(world: World, now: datetime) -> None:
    world.add("trainer3", "钱老师", "centre_a", now, roles=("trainer",))
    scene = Scene.started(world, now)
    first, second = scene.rater("trainer"), scene.rater("trainer2")
    first.fill(level=5, grade=5)
    second.fill(level=2, grade=3)
    first.lock()
    second.lock()
    assert told(world, now) == []
    scene.scored("trainer3", level=4, grade=4)
    assert [row.kind for row in told(world, now)] == ["roleplay_passed"]


def test_a_result_released_without_an_open_sheet_is_told(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    scene.rater("trainer2")
    scene.scored("trainer")
    assert told(world, now) == []
    service.release(
        scene.public_id, about_id=world.learner, actor_id=world.trainer, grants=grants(world.trainer, now),
        now=now + timedelta(hours=2),
    )  # fmt: skip
    assert [row.kind for row in told(world, now)] == ["roleplay_passed"]
