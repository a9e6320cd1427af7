"""Marks from several devices, lost answers, the lock, and who may see what."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import DatabaseError

from tests.factories import World
from tests.roleplay_factories import Rater, Scene, full, grants
from training_app import clock
from training_app.audit.models import AuditEntry
from training_app.db import db
from training_app.errors import DomainError, NotFound
from training_app.roleplay import queries, service, sheet_queries
from training_app.roleplay.events import sheet_locked
from training_app.roleplay.models import MarkEvent, ScoreSheet, SheetState
from training_app.roleplay.refusals import (
    Incomplete,
    NotBegun,
    NotOnSheet,
    RatesOneself,
    ResultOut,
    SheetClosed,
)
from training_app.roleplay.rules import GLOBAL_GRADE, MarkKind, MissingKind


@pytest.fixture
def scene(any_app: Flask) -> Scene:
    now = clock.now()
    return Scene.started(World.create(now), now)


def _count() -> int:
    found = db.session.scalar(sa.select(sa.func.count()).select_from(MarkEvent))
    db.session.rollback()
    return found or 0


def _level(rater: Rater, criterion: str) -> int | None:
    stack = sheet_queries.folded(db.session(), rater.sheet_id, rater.rater_id)["standing"].get(criterion, [])
    return stack[-1]["value"] if stack else None


def test_a_redelivered_batch_changes_nothing_and_is_confirmed_again(scene: Scene) -> None:
    rater = scene.rater()
    batch = [rater.touch(MarkKind.MARK, "listening", 4), rater.touch(MarkKind.COMMENT, "listening", words="好")]
    assert rater.send(*batch) == (1, 2)
    assert rater.send(*batch) == (1, 2)
    assert rater.send(*batch, rater.touch(MarkKind.UNDO, "listening")) == (1, 2, 3)
    assert _count() == 3


def test_a_number_twice_in_one_batch_counts_as_first_written(scene: Scene) -> None:
    rater = scene.rater()
    first = rater.touch(MarkKind.MARK, "listening", 4)
    again = rater.touch(MarkKind.MARK, "listening", 2)
    rater.send(first, type(again)(seq=1, kind=again.kind, criterion="listening", value=2, client_at=again.client_at))
    assert _level(rater, "listening") == 4


def test_tablet_and_phone_merge_by_their_clocks_and_not_by_arrival(scene: Scene) -> None:
    rater = scene.rater()
    late = rater.touch(MarkKind.MARK, "listening", 2, minute=10)
    rater.mark("listening", 4, client="phone-0001", minute=30)
    rater.send(late)
    assert _level(rater, "listening") == 4


def test_the_same_marks_in_any_order_of_arrival_make_the_same_sheet(scene: Scene) -> None:
    seen = set()
    for seed, name in enumerate(("trainer", "trainer2")):
        rater = scene.rater(name)
        touches = [
            ("tablet-0001", rater.touch(MarkKind.MARK, "listening", 2, minute=1)),
            ("tablet-0001", rater.touch(MarkKind.MARK, "listening", 5, minute=9)),
            ("tablet-0001", rater.touch(MarkKind.UNDO, "listening", minute=12)),
            ("phone-0001", rater.touch(MarkKind.MARK, "listening", 3, client="phone-0001", minute=5)),
            ("phone-0001", rater.touch(MarkKind.MARK, "communication", 4, client="phone-0001", minute=6)),
        ]
        if seed:
            random.Random(7).shuffle(touches)
        for client, touch in touches:
            rater.send(touch, client=client)
        seen.add((_level(rater, "listening"), _level(rater, "communication")))
    assert seen == {(3, 4)}


def test_a_device_time_lies_between_the_opening_and_the_arrival(scene: Scene) -> None:
    rater = scene.rater()
    rater.send(
        rater.touch(MarkKind.MARK, "listening", 2, minute=-9999),
        rater.touch(MarkKind.MARK, "communication", 2, minute=9999),
    )  # fmt: skip
    rows = db.session.scalars(sa.select(MarkEvent).order_by(MarkEvent.seq)).all()
    assert [row.effective_at for row in rows] == [scene.now, rows[1].recorded_at]
    assert rows[0].recorded_at < rows[1].recorded_at
    db.session.rollback()


@pytest.mark.parametrize(
    ("kind", "criterion", "value", "words"),
    [
        (MarkKind.MARK, "nothing-of-the-kind", 3, None),
        (MarkKind.MARK, "listening", 0, None),
        (MarkKind.MARK, "names-the-feeling", 2, None),
        (MarkKind.COMMENT, "listening", None, None),
        (MarkKind.CRITICAL, "danger-unspoken", None, None),
        (MarkKind.UNDO, "nothing-of-the-kind", None, None),
        (MarkKind.LOCK, "", None, None),
    ],
)
def test_a_mark_that_does_not_fit_is_refused_and_nothing_of_its_batch_is_kept(
    scene: Scene, kind: MarkKind, criterion: str, value: int | None, words: str | None
) -> None:
    rater = scene.rater()
    good = rater.touch(MarkKind.MARK, "listening", 3)
    with pytest.raises(NotOnSheet):
        rater.send(good, rater.touch(kind, criterion, value, words=words))
    assert _count() == 0


def test_an_incomplete_sheet_says_what_is_missing_and_stays_open(scene: Scene) -> None:
    rater = scene.rater()
    rater.mark("listening", 3)
    rater.send(rater.touch(MarkKind.CRITICAL, "danger-unspoken", words="没有提醒漏电"))
    with pytest.raises(Incomplete) as refused:
        rater.lock(seq=4)  # the device says it made three
    kinds = {one.kind for one in refused.value.missing}
    assert kinds == {MissingKind.NOT_MARKED, MissingKind.NOT_CONFIRMED, MissingKind.NOT_RECEIVED}
    assert GLOBAL_GRADE in {one.criterion for one in refused.value.missing}
    assert db.session.scalar(sa.select(ScoreSheet.state)) is SheetState.OPEN


def test_the_lock_stores_the_fold_tells_the_others_and_is_audited(scene: Scene) -> None:
    heard: list[int] = []

    def listen(_sender: object, person_id: int, now: datetime) -> None:
        heard.append(person_id)

    rater = scene.rater()
    rater.fill(level=3, listening=5)
    with sheet_locked.connected_to(listen):
        result = rater.lock()
    assert result.share == Fraction(70, 100)
    assert heard == [scene.world.learner]
    sheet = db.session.scalars(sa.select(ScoreSheet)).one()
    assert (sheet.score, sheet.global_grade, sheet.passed, sheet.state) == ("7/10", 3, True, SheetState.LOCKED)
    actions = set(db.session.scalars(sa.select(AuditEntry.action)))
    assert {"roleplay.planned", "roleplay.started", "roleplay.sheet_locked"} <= actions
    db.session.rollback()


def test_after_the_lock_nothing_changes_and_the_refusal_names_what_counts(scene: Scene) -> None:
    rater = scene.rater()
    rater.fill()
    rater.lock()
    before = db.session.scalars(sa.select(ScoreSheet.result)).one()
    held = _count()
    with pytest.raises(SheetClosed) as refused:
        rater.send(rater.touch(MarkKind.MARK, "listening", 5, client="phone-0001"), client="phone-0001")
    assert refused.value.held == ()
    assert "locked" in refused.value.message
    assert _count() == held
    assert db.session.scalars(sa.select(ScoreSheet.result)).one() == before


def test_a_repeated_lock_and_a_repeated_batch_after_it_are_harmless(scene: Scene) -> None:
    rater = scene.rater()
    batch = [rater.touch(MarkKind.MARK, name, value) for name, value in full(scene.now).items()]
    rater.send(*batch)
    first = rater.lock()
    assert rater.send(*batch)[: len(batch)] == tuple(range(1, len(batch) + 1))
    assert rater.lock() == first
    assert db.session.scalar(sa.select(sa.func.count()).where(AuditEntry.action == "roleplay.sheet_locked")) == 1


def test_marks_cannot_be_rewritten_or_deleted(scene: Scene) -> None:
    scene.rater().mark("listening", 3)
    for statement in (sa.update(MarkEvent).values(value=5), sa.delete(MarkEvent)):
        with pytest.raises(DatabaseError, match="append-only"):
            db.session.execute(statement)
        db.session.rollback()


def test_a_critical_failure_needs_words_and_a_second_confirmation_and_then_fails_all(scene: Scene) -> None:
    rater = scene.rater()
    rater.fill(level=5, grade=5)
    rater.send(
        rater.touch(MarkKind.CRITICAL, "insults-or-threatens", words="说“不给修”"),
        rater.touch(MarkKind.CONFIRM_CRITICAL, "insults-or-threatens"),
    )
    result = rater.lock()
    assert result.share == 1
    assert not result.passed
    page = sheet_queries.get_result(
        db.session(), scene.public_id, scene.world.learner, reader_id=scene.world.learner, grants=()
    )
    assert page.columns[0].critical_words["insults-or-threatens"].words == "说“不给修”"


def test_an_undone_critical_failure_does_not_count(scene: Scene) -> None:
    rater = scene.rater()
    rater.fill()
    name = "insults-or-threatens"
    rater.send(
        rater.touch(MarkKind.CRITICAL, name, words="听错了"), rater.touch(MarkKind.CONFIRM_CRITICAL, name),
        rater.touch(MarkKind.UNDO, name), rater.touch(MarkKind.UNDO, name),
    )  # fmt: skip
    assert rater.lock().passed


def test_nobody_rates_oneself(scene: Scene) -> None:
    trainer = scene.world.trainer2
    service.add_person(
        scene.public_id, person_id=trainer, part="learner", actor_id=scene.world.trainer,
        grants=grants(scene.world.trainer, scene.now), now=scene.now,
    )  # fmt: skip
    with pytest.raises(RatesOneself):
        scene.rater("trainer2", "trainer2")


def test_a_sheet_opens_once_per_rater_and_not_before_the_start(any_app: Flask) -> None:
    now = clock.now()
    scene = Scene.plan(World.create(now), now)
    with pytest.raises(NotBegun):
        scene.rater()
    service.start(
        scene.public_id, actor_id=scene.world.trainer, grants=grants(scene.world.trainer, now), now=now, prepare=False
    )
    assert scene.rater().sheet_id == scene.rater().sheet_id


def test_a_trainer_of_another_region_finds_nothing(scene: Scene) -> None:
    scene.world.add("stranger", "吴外区", "region_b", scene.now, roles=("trainer",))
    stranger = scene.world.stranger
    own = scene.rater()
    steps: tuple[Callable[[], object], ...] = (
        lambda: scene.rater("stranger"),
        lambda: Rater(own.sheet_id, stranger, scene.now).mark("listening", 1),
        lambda: Rater(own.sheet_id, stranger, scene.now).lock(),
        lambda: service.end(scene.public_id, actor_id=stranger, grants=grants(stranger, scene.now), now=scene.now),
        lambda: sheet_queries.folded(db.session(), own.sheet_id, stranger),
        lambda: sheet_queries.get_result(
            db.session(), scene.public_id, scene.world.learner, reader_id=stranger,
            grants=grants(stranger, scene.now),
        ),
    )  # fmt: skip
    for step in steps:
        with pytest.raises(NotFound):
            step()
        db.session.rollback()


def test_a_rater_is_blind_until_the_own_sheet_is_locked(scene: Scene) -> None:
    other = scene.rater("trainer2")
    scene.scored("trainer", level=4)

    def columns(reader: str) -> int:
        person = scene.world.people[reader]
        page = sheet_queries.get_result(
            db.session(), scene.public_id, scene.world.learner, reader_id=person,
            grants=grants(person, scene.now) if reader != "learner" else (),
        )  # fmt: skip
        db.session.rollback()
        return len(page.columns)

    assert (columns("trainer"), columns("trainer2"), columns("learner")) == (1, 0, 0)
    with pytest.raises(NotFound):
        sheet_queries.folded(db.session(), other.sheet_id, scene.world.trainer)
    other.fill(level=3)
    other.lock()
    assert (columns("trainer"), columns("trainer2"), columns("learner")) == (2, 2, 2)


def test_once_the_result_is_out_no_further_sheet_can_be_opened(scene: Scene) -> None:
    scene.scored("trainer")
    with pytest.raises(ResultOut):
        scene.rater("trainer2")


def test_a_performance_counts_when_all_its_sheets_are_locked(scene: Scene) -> None:
    second = scene.rater("trainer2")
    scene.scored("trainer", level=4)
    assert queries.results(db.session(), scene.world.learner) == []
    db.session.rollback()
    second.fill(level=3)
    second.lock()
    (found,) = queries.results(db.session(), scene.world.learner)
    assert (found.drill, found.passed, found.score) == ("complaint", True, Fraction(7, 10))
    assert found.rater_ids == tuple(sorted((scene.world.trainer, scene.world.trainer2)))
    assert queries.results(db.session(), scene.world.learner2) == []


def test_raters_too_far_apart_give_no_result_until_a_third_has_marked(scene: Scene) -> None:
    scene.world.add("trainer3", "何老师", "centre_a", scene.now, roles=("trainer",))
    second = scene.rater("trainer2")
    scene.scored("trainer", level=3)
    second.fill(level=3, listening=5)
    second.lock()
    assert queries.results(db.session(), scene.world.learner) == []
    assert [line.kind for line in queries.story(db.session(), scene.world.learner)][-1] == "third"
    db.session.rollback()
    scene.scored("trainer3", level=3, listening=4)
    (found,) = queries.results(db.session(), scene.world.learner)
    assert len(found.rater_ids) == 3


def test_the_leader_can_release_the_result_without_a_sheet_that_nobody_finishes(scene: Scene) -> None:
    def release(name: str) -> None:
        who = scene.world.people[name]
        service.release(
            scene.public_id, about_id=scene.world.learner, actor_id=who, grants=grants(who, scene.now), now=scene.now
        )

    second = scene.rater("trainer2")
    second.mark("listening", 1)
    with pytest.raises(DomainError):
        release("trainer")
    scene.scored("trainer")
    with pytest.raises(DomainError):
        release("trainer2")
    release("trainer")
    (found,) = queries.results(db.session(), scene.world.learner)
    assert found.rater_ids == (scene.world.trainer,)
    db.session.rollback()
    with pytest.raises(SheetClosed):
        second.mark("listening", 2)


def test_what_waits_for_a_rater_is_told_with_unfinished_sheets_first(scene: Scene) -> None:
    scene.rater()
    todo = queries.todo(db.session(), scene.world.trainer, scene.now + timedelta(hours=2))
    assert [one.kind for one in todo] == ["sheet", "session"]
    assert queries.todo(db.session(), scene.world.trainer2, scene.now) == []
