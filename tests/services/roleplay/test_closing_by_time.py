"""A session that nobody ended closes at the end of its day; open sheets keep it; who reads first sees the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from tests.factories import World
from tests.roleplay_factories import Scene, grants
from training_app.accounts.service import today
from training_app.audit.models import AuditEntry
from training_app.dashboards import office_service
from training_app.db import db
from training_app.roleplay import closing_queries, queries, service, session_queries
from training_app.roleplay.models import MarkEvent, Performance, PerformanceState, ScoreSheet, SheetState
from training_app.roleplay.refusals import Begun, NotYet
from training_app.sweeping import sweep

pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database
KEPT = ("entries_hidden", "after_leaving")
MIDNIGHT = datetime(2026, 11, 23, 16, tzinfo=UTC)  # the day of the tests ends in Shanghai


def state(scene: Scene) -> tuple[PerformanceState, datetime | None]:
    """Return how the session stands in the database."""
    db.session.rollback()
    row = db.session.execute(
        sa.select(Performance.state, Performance.ended_at).where(Performance.public_id == scene.public_id)
    ).one()
    return row[0], row[1]


def read(world: World, scene: Scene, now: datetime) -> object:
    """Return what the trainer, who plays in it and the first page are told of the session."""
    db.session.rollback()
    session = db.session()
    page = session_queries.get_session(
        session, scene.public_id, world.trainer, grants(world.trainer, now), on=today(now), now=now
    )
    day = session_queries.day_of(session, world.trainer, grants(world.trainer, now), on=today(now), now=now)
    mine = session_queries.own_list(session, world.learner, now)
    found = (
        page.clock, page.ended_at, page.unfinished_by,
        [[line.public_id for line in lines] for lines in (day.running, day.today, day.past, day.unfinished)],
        [line.phase for line in mine], queries.todo(session, world.trainer, now),
    )  # fmt: skip
    db.session.rollback()
    return found


def before_and_after(world: World, scene: Scene, now: datetime) -> object:
    """Read, sweep twice, read again: the same each time."""
    first = read(world, scene, now)
    for _ in range(2):
        sweep(now=now)
        assert read(world, scene, now) == first
    return first


def closing_entries() -> list[tuple[str, datetime, int | None]]:
    rows = db.session.execute(
        sa.select(AuditEntry.action, AuditEntry.effective_at, AuditEntry.actor_id).where(
            AuditEntry.action.in_(["roleplay.closed", "roleplay.not_held"])
        )
    )
    return [(action, at, actor) for action, at, actor in rows]


def test_a_session_without_an_open_sheet_ends_at_the_end_of_its_day(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    scene.scored()
    sweep(now=MIDNIGHT - timedelta(seconds=1))
    assert state(scene) == (PerformanceState.RUNNING, None)
    before_and_after(world, scene, MIDNIGHT + timedelta(hours=9))
    assert state(scene) == (PerformanceState.ENDED, MIDNIGHT)
    assert closing_entries() == [("roleplay.closed", MIDNIGHT, None)]


def test_a_session_that_never_began_is_not_held(world: World, now: datetime) -> None:
    scene = Scene.plan(world, now)
    clock, *_rest = before_and_after(world, scene, MIDNIGHT)  # type: ignore[misc]
    assert clock.phase == "not_held"
    assert state(scene) == (PerformanceState.CANCELLED, MIDNIGHT)
    assert closing_entries() == [("roleplay.not_held", MIDNIGHT, None)]


def test_an_unfinished_sheet_keeps_the_session_and_every_mark_until_it_is_locked(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    rater = scene.rater("trainer2")
    rater.fill()
    marks = db.session.scalar(sa.select(sa.func.count(MarkEvent.id)))
    late = MIDNIGHT + timedelta(days=3)
    _clock, ended, names, lists, phases, todo = before_and_after(world, scene, late)  # type: ignore[misc]
    assert (ended, names, phases) == (None, ["孙老师"], ["ended"])
    assert lists == [[], [], [], [scene.public_id]]
    assert [(one.kind, one.open) for one in todo] == [("finish", 1)]
    assert db.session.scalar(sa.select(sa.func.count(MarkEvent.id))) == marks
    assert db.session.scalars(sa.select(ScoreSheet.state)).all() == [SheetState.OPEN]
    db.session.rollback()
    rater.now = late  # the factory locks two hours later
    rater.lock()
    assert state(scene) == (PerformanceState.ENDED, late + timedelta(hours=2))
    before_and_after(world, scene, late + timedelta(days=1))


def test_a_session_ended_by_hand_with_an_open_sheet_is_to_be_finished_too(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    scene.rater("trainer2")
    service.end(scene.public_id, actor_id=world.trainer, grants=grants(world.trainer, now), now=now)
    assert queries.todo(db.session(), world.trainer, now) == []
    db.session.rollback()
    _clock, _ended, names, *_rest = before_and_after(world, scene, MIDNIGHT)  # type: ignore[misc]
    assert names == ["孙老师"]


@pytest.mark.parametrize(
    ("move", "refused"),
    [(service.start, NotYet), (service.cancel, Begun)],
)
def test_what_time_closed_takes_no_move_before_the_sweeper_has_come(
    world: World, now: datetime, move: Callable[..., None], refused: type[Exception]
) -> None:
    scene = Scene.plan(world, now)
    for swept in (False, True):
        if swept:
            sweep(now=MIDNIGHT)
        with pytest.raises(refused):
            move(scene.public_id, actor_id=world.trainer, grants=grants(world.trainer, now), now=MIDNIGHT)


def test_a_session_that_began_late_closes_with_the_day_on_which_it_began(world: World, now: datetime) -> None:
    scene = Scene.plan(world, now)
    late = MIDNIGHT - timedelta(minutes=5)
    service.start(scene.public_id, actor_id=world.trainer, grants=grants(world.trainer, now), now=late)
    sweep(now=MIDNIGHT)
    assert state(scene) == (PerformanceState.ENDED, MIDNIGHT)


def test_the_settings_of_its_day_say_after_how_many_days_it_closes(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    office_service.save_settings(
        office_service.OrganisationValues(
            name={"zh": "网络", "en": "Network"}, hotline="400-800-1234", default_language="zh",
            expiry_reminder_days=(60, 30), close_after_days=3,
            retention_days=dict.fromkeys(KEPT, 7),
        ),
        now=now, actor_id=world.administrator,
    )  # fmt: skip
    sweep(now=MIDNIGHT + timedelta(hours=47))
    assert state(scene) == (PerformanceState.RUNNING, None)
    before_and_after(world, scene, MIDNIGHT + timedelta(days=2))
    assert state(scene) == (PerformanceState.ENDED, MIDNIGHT + timedelta(days=2))


def test_what_is_due_is_found_by_the_index_of_what_has_not_ended(world: World, now: datetime) -> None:
    Scene.plan(world, now)
    sent: list[tuple[str, object]] = []
    connection = db.session.connection()

    def keep(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        sent.append((statement, parameters))

    sa.event.listen(connection, "before_cursor_execute", keep)
    assert len(closing_queries.due_ids(db.session(), MIDNIGHT)) == 1
    sa.event.remove(connection, "before_cursor_execute", keep)
    statement, parameters = next(one for one in sent if "FROM performance" in one[0])
    explain = "EXPLAIN QUERY PLAN " if connection.dialect.name == "sqlite" else "EXPLAIN "
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql("SET LOCAL enable_seqscan = off")  # a table of one row is read whole
    plan = "\n".join(str(row) for row in connection.exec_driver_sql(explain + statement, parameters))
    assert "ix_performance_open" in plan
