"""A session that nobody ended closes at the end of its day; open sheets keep it; who reads first sees the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.factories import World
from tests.roleplay_factories import Scene, grants
from training_app.access.models import RoleGrant
from training_app.accounts import service as accounts
from training_app.accounts.models import PersonProfile
from training_app.accounts.service import today
from training_app.audit.models import AuditEntry, Payload
from training_app.dashboards import office_service
from training_app.db import db, transaction
from training_app.errors import NotFound
from training_app.notices import queries as notices
from training_app.outbox import service as outbox
from training_app.roleplay import closing_queries, queries, service, session_queries, sheet_queries
from training_app.roleplay.models import MarkEvent, Performance, PerformanceState, ScoreSheet, SheetState
from training_app.roleplay.refusals import Begun, NotYet, NotYourSession, StillScoring, WordsNeeded
from training_app.sweeping import sweep

pytestmark = pytest.mark.usefixtures("any_app")  # each test on each database
COPIED = ("unit_id", "card_version_id", "card_key", "drill", "started_at", "performing_at", "led_by", "created_at")
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


@pytest.mark.parametrize("hours", [0, 1])
def test_a_session_that_is_to_be_finished_moves_no_more_and_its_sheet_shows_no_running_clock(
    world: World, now: datetime, hours: int
) -> None:
    scene = Scene.plan(world, now, people={"learner": "learner", "learner2": "customer", "trainer2": "rater"})
    lead: dict[str, Any] = {"actor_id": world.trainer, "grants": grants(world.trainer, now)}
    service.start(scene.public_id, now=now, **lead)
    late = MIDNIGHT + timedelta(hours=hours)
    if hours:
        sweep(now=late)
    for move in (
        lambda: service.perform(scene.public_id, now=late, **lead),
        lambda: service.end(scene.public_id, now=late, **lead),
        lambda: service.add_person(scene.public_id, person_id=world.examiner, part="observer", now=late, **lead),
        lambda: service.remove_person(scene.public_id, person_id=world.learner2, now=late, **lead),
    ):
        with pytest.raises(Begun):
            move()
    assert state(scene) == (PerformanceState.RUNNING, None)
    sheet_id = db.session.scalars(sa.select(ScoreSheet.public_id)).one()
    screen = sheet_queries.get_screen(db.session(), sheet_id, world.trainer2, on=today(late), now=late)
    assert screen.is_late


def test_a_sheet_reads_the_same_before_and_after_its_session_was_closed(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    rater = scene.rater("trainer2")
    scene.scored("trainer")
    service.release(
        scene.public_id, about_id=world.learner, actor_id=world.trainer, grants=grants(world.trainer, now), now=now
    )
    screens = []
    for _ in range(2):
        db.session.rollback()
        screens.append(
            sheet_queries.get_screen(db.session(), rater.sheet_id, world.trainer2, on=today(MIDNIGHT), now=MIDNIGHT)
        )
        db.session.rollback()
        sweep(now=MIDNIGHT)
    assert screens[0].clock == screens[1].clock
    assert screens[0].clock.phase == "ended"


def leave(world: World, who: str, now: datetime) -> None:
    accounts.deactivate_person(world.people[who], on=today(now), now=now, actor_id=world.hr)


def withdraw(world: World, scene: Scene, now: datetime, *, by: str = "trainer", words: str = "已离职") -> int:
    who = world.people[by]
    return service.withdraw(
        scene.public_id, about_id=world.learner, words=words, language="zh", actor_id=who, grants=grants(who, now),
        now=now,
    )  # fmt: skip


def test_a_session_whose_only_rater_has_left_is_closed_without_a_result_and_the_learner_is_told(
    world: World, now: datetime
) -> None:
    scene = Scene.started(world, now)
    scene.rater("trainer2").fill()
    late = MIDNIGHT + timedelta(days=1)
    leave(world, "trainer2", late)
    assert session_page(world, scene, late).parts[0].stuck == 1
    with pytest.raises(WordsNeeded):
        withdraw(world, scene, late, words=" ")
    assert withdraw(world, scene, late) == 1
    assert state(scene) == (PerformanceState.ENDED, MIDNIGHT)
    outbox.dispatch_due(now=late)
    (row,) = [one for one in notices.notices_of(db.session(), world.learner) if one.kind.startswith("roleplay_")]
    assert (row.kind, row.path) == ("roleplay_void", f"/roleplay/sessions/{scene.public_id}")
    assert [line.is_void for line in session_queries.own_list(db.session(), world.learner, late)] == [True]
    assert queries.results(db.session(), world.learner) == []
    entry = db.session.scalars(sa.select(AuditEntry).where(AuditEntry.action == "roleplay.sheets_withdrawn")).one()
    assert db.session.get_one(Payload, entry.payload_id).body == "已离职"


def test_what_others_locked_is_the_result_once_the_rest_is_withdrawn(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    scene.rater("trainer2")
    scene.scored("trainer")
    leave(world, "trainer2", now)
    assert withdraw(world, scene, now) == 1
    assert [one.passed for one in queries.results(db.session(), world.learner)] == [True]


def test_a_sheet_that_its_rater_can_still_finish_is_not_withdrawn_nor_one_twice(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    scene.rater("trainer2")
    with pytest.raises(StillScoring):
        withdraw(world, scene, now)
    with pytest.raises(NotFound):
        withdraw(world, scene, now, by="learner2")
    db.session.rollback()
    (grant,) = db.session.scalars(
        sa.select(RoleGrant.id).where(RoleGrant.person_id == world.trainer2, RoleGrant.role == "trainer")
    )
    db.session.rollback()
    accounts.end_role(grant, now=now, actor_id=world.hr)
    assert withdraw(world, scene, now) == 1
    with pytest.raises(StillScoring):
        withdraw(world, scene, now)


def test_whoever_may_lead_releases_the_result_once_the_leader_has_left(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    world.add("trainer3", "吴老师", "centre_a", now, roles=("trainer",))
    scene.rater("trainer3")
    scene.scored("trainer2")
    give: dict[str, Any] = {"about_id": world.learner, "actor_id": world.trainer2}
    with pytest.raises(NotYourSession):
        service.release(scene.public_id, grants=grants(world.trainer2, now), now=now, **give)
    late = MIDNIGHT + timedelta(days=1)
    assert not session_page(world, scene, late, by="trainer2").may_release
    leave(world, "trainer", late)
    assert session_page(world, scene, late, by="trainer2").may_release
    assert service.release(scene.public_id, grants=grants(world.trainer2, late), now=late, **give) == 1
    assert [one.passed for one in queries.results(db.session(), world.learner)] == [True]


def test_a_sheet_whose_rater_was_erased_still_counts_as_unfinished(world: World, now: datetime) -> None:
    scene = Scene.started(world, now)
    scene.rater("trainer2")
    leave(world, "trainer2", now)
    with transaction() as session:
        session.execute(sa.delete(PersonProfile).where(PersonProfile.person_id == world.trainer2))
    assert session_page(world, scene, MIDNIGHT).unfinished_by == [None]


def session_page(world: World, scene: Scene, now: datetime, *, by: str = "trainer") -> session_queries.SessionPage:
    db.session.rollback()
    who = world.people[by]
    page = session_queries.get_session(db.session(), scene.public_id, who, grants(who, now), on=today(now), now=now)
    db.session.rollback()
    return page


def test_old_sessions_with_open_sheets_hide_nothing_of_today(world: World, now: datetime) -> None:
    old = Scene.started(world, now)
    old.rater("trainer2")
    later = now + timedelta(days=3)
    running, ended = Scene.started(world, later), Scene.started(world, later)
    lead: dict[str, Any] = {"actor_id": world.trainer, "grants": grants(world.trainer, later), "now": later}
    service.end(ended.public_id, **lead)
    ahead = Scene.plan(world, later + timedelta(days=1))
    with transaction() as session:
        first = session.scalars(sa.select(Performance).where(Performance.public_id == old.public_id)).one()
        sheet = session.scalars(sa.select(ScoreSheet)).one()
        for number in range(session_queries.LIMIT):
            copy = Performance(
                public_id=f"old{number}", planned_at=first.planned_at - timedelta(minutes=number), state=first.state,
                **{name: getattr(first, name) for name in COPIED},
            )  # fmt: skip
            session.add(copy)
            session.flush()
            session.add(
                ScoreSheet(
                    public_id=f"sheet{number}", performance_id=copy.id, about_id=sheet.about_id,
                    rater_id=sheet.rater_id, kind=sheet.kind, state=sheet.state, created_at=now,
                    scoring_sheet_version_id=sheet.scoring_sheet_version_id,
                )
            )  # fmt: skip
    day = session_queries.day_of(db.session(), world.trainer, grants(world.trainer, later), on=today(later), now=later)
    assert [line.public_id for line in day.running] == [running.public_id]
    assert [line.public_id for line in day.past] == [ended.public_id]
    assert [line.public_id for line in day.ahead] == [ahead.public_id]
    assert len(day.unfinished) == session_queries.LIMIT


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
