"""What the database itself refuses, on both databases, after every migration up and down."""

import json
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade

from tests.credentials_factories import level_event
from tests.factories import World
from training_app import clock
from training_app.accounts import queries
from training_app.accounts.locks import lock_people, lock_person, safe_horizon
from training_app.accounts.models import Person
from training_app.audit import service as audit
from training_app.credentials import service
from training_app.db import append_only_tables, db, transaction
from training_app.triggers import guarded_tables

ROOT = Path(__file__).resolve().parent.parent.parent


def test_every_append_only_table_is_guarded_and_no_other(any_app: Flask) -> None:
    assert guarded_tables(db.session.connection()) == append_only_tables()
    assert len(append_only_tables()) >= 12


def test_update_and_delete_of_events_are_refused(any_app: Flask) -> None:
    World.create(clock.now())
    for statement in (
        "UPDATE audit_entry SET action = 'x'",
        "DELETE FROM audit_entry",
        "UPDATE content_version SET body = '{}'",
        "DELETE FROM content_event",
        "UPDATE content_media SET name = 'x'",
    ):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), transaction() as session:
            session.execute(sa.text(statement))


def test_migrations_run_down_and_up_again_with_people_in_the_database(any_app: Flask) -> None:
    World.create(clock.now())
    db.session.remove()
    db.engine.dispose()
    downgrade(directory=str(ROOT / "migrations"), revision="base")
    assert set(sa.inspect(db.engine).get_table_names()) <= {"alembic_version"}
    upgrade(directory=str(ROOT / "migrations"))
    assert guarded_tables(db.session.connection()) == append_only_tables()
    db.session.remove()
    db.engine.dispose()


def test_after_every_step_down_and_up_exactly_the_append_only_tables_that_exist_refuse_changes(
    any_app: Flask, world: World
) -> None:
    script = ScriptDirectory(str(ROOT / "migrations"))
    steps = [one.revision for one in script.walk_revisions()]  # from the head down
    guarded_since = dict.fromkeys(("exam_form", "content_media"), "0004")
    for move, revision in [*((downgrade, one) for one in steps[1:]), *((upgrade, one) for one in reversed(steps[:-1]))]:
        db.session.remove()
        db.engine.dispose()
        move(directory=str(ROOT / "migrations"), revision=revision)
        connection = db.session.connection()
        there = set(sa.inspect(connection).get_table_names())
        expected = [t for t in append_only_tables() if t in there and guarded_since.get(t, "") <= revision]
        assert guarded_tables(connection) == expected, (move.__name__, revision)
        assert len(expected) >= 12
    db.session.remove()
    db.engine.dispose()


def test_the_migrations_make_what_the_models_say(any_app: Flask) -> None:
    context = MigrationContext.configure(db.session.connection(), opts={"compare_type": True})
    assert compare_metadata(context, db.metadata) == []


def test_every_connection_to_sqlite_loses_nothing_and_waits_its_turn(fresh_sqlite_app: Flask) -> None:
    names = ("synchronous", "journal_mode", "foreign_keys", "busy_timeout")
    with db.engine.connect() as one, db.engine.connect() as other:
        for connection in (one, other):
            said = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]
            assert said == [2, "wal", 1, 5000]  # 2 is FULL


def test_a_certificate_outlives_the_step_that_drops_its_unused_column(
    any_app: Flask, world: World, now: datetime
) -> None:
    issued = [service.issue(level_event(world.learner, now), world.learner, now=now) for _ in range(2)]
    rows = sa.text("SELECT id, code, number, replaced_by_id FROM certificate ORDER BY id")
    before = db.session.execute(rows).all()
    assert [row.replaced_by_id for row in before] == [issued[1], None]
    db.session.remove()
    db.engine.dispose()
    columns = []
    for move, revision in ((downgrade, "0001"), (upgrade, "head")):
        move(directory=str(ROOT / "migrations"), revision=revision)
        columns.append({column["name"] for column in sa.inspect(db.engine).get_columns("certificate")})
        assert db.session.execute(rows).all() == before
        db.session.remove()
        db.engine.dispose()
    assert columns[0] - columns[1] == {"withdrawn_at"}


def test_units_and_anchors_outlive_the_step_that_mends_the_foundations(
    any_app: Flask, world: World, now: datetime
) -> None:
    audit.anchor(now=now)
    db.session.remove()
    db.engine.dispose()
    downgrade(directory=str(ROOT / "migrations"), revision="0003")
    assert "content_media" not in guarded_tables(db.session.connection())
    db.session.remove()
    db.engine.dispose()
    upgrade(directory=str(ROOT / "migrations"), revision="head")
    assert guarded_tables(db.session.connection()) == append_only_tables()
    assert queries.ancestors(db.session(), world.units["outlet_a"], now.date())[-1] == world.units["hq"]
    db.session.rollback()
    assert len(json.loads(audit.anchor(now=now).heads)) > 1  # the first one after the step holds every head again
    assert audit.verify(db.session()) == []
    db.session.remove()
    db.engine.dispose()


@pytest.mark.parametrize("table", ["unit_parent", "unit_version", "assignment"])
def test_nothing_dated_is_open_twice(any_app: Flask, table: str) -> None:
    World.create(clock.now())
    columns = [column["name"] for column in sa.inspect(db.engine).get_columns(table)]
    listed = ", ".join("id + 1000" if name == "id" else name for name in columns)
    again = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {listed} FROM {table} ORDER BY id LIMIT 1"
    with pytest.raises(sa.exc.IntegrityError), transaction() as session:
        session.execute(sa.text(again))


def test_a_failing_use_case_leaves_nothing_behind(any_app: Flask) -> None:
    before = db.session.scalar(sa.select(sa.func.count()).select_from(Person))
    with pytest.raises(ZeroDivisionError), transaction() as session:
        session.add(Person(created_at=clock.now(), last_recorded_at=clock.now(), seq=0))
        session.flush()
        _ = 1 // 0
    assert db.session.scalar(sa.select(sa.func.count()).select_from(Person)) == before


def test_transactions_do_not_nest(app: Flask) -> None:
    with pytest.raises(RuntimeError, match="one use case"), transaction(), transaction():
        pass


def test_no_event_that_is_still_being_written_can_change_what_was_known_at_the_horizon(any_app: Flask) -> None:
    begun = clock.now()
    world = World.create(begun)
    asked_at = begun + timedelta(
        minutes=14
    )  # a slow use case, whose own now is `begun`, commits only after the question
    with transaction():
        stamp = lock_person(world.learner, now=begun).stamp()
    assert stamp.recorded_at > safe_horizon(asked_at)


def test_stamps_only_go_forward_even_when_the_clock_does_not(any_app: Flask, world: World, now: datetime) -> None:
    with transaction():
        lock = lock_person(world.learner, now=now)
        stamps = [lock.stamp() for _ in range(3)]
    assert [b.seq - a.seq for a, b in pairwise(stamps)] == [1, 1]
    assert all(a.recorded_at < b.recorded_at for a, b in pairwise(stamps))


def test_several_people_are_locked_sorted_by_id_or_not_at_all(world: World, now: datetime) -> None:
    first, second, third = sorted((world.learner, world.outsider, world.hr))
    with transaction():
        assert list(lock_people([third, first, second, first], now=now)) == [first, second, third]
        lock_person(second, now=now)  # once more is no further lock
    with pytest.raises(RuntimeError, match="sorted by id"), transaction():
        lock_person(second, now=now)
        lock_person(first, now=now)
    with transaction():
        lock_person(first, now=now)  # every transaction begins anew
