"""After an upgrade the rows of people are made anew by the start: once, in portions, and gone on with after a stop."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from tests.permits_factories import issue, words
from tests.races.racers import environment
from training_app import clock
from training_app.access.models import PersonInUnit
from training_app.content import queries as content
from training_app.content import service as content_service
from training_app.db import db, transaction
from training_app.permits import service
from training_app.status import rebuilding
from training_app.status import service as status
from training_app.status.compare_queries import Difference
from training_app.status.models import PersonState, StatusFold
from training_app.status.rebuilding import OtherVersionError, bring_up_to_date, code_version

ROOT = Path(__file__).resolve().parent.parent.parent.parent


def _spoil(person_id: int) -> None:
    with transaction() as session:
        session.execute(sa.update(PersonState).where(PersonState.person_id == person_id).values(points=7))


def _points(person_id: int) -> int:
    db.session.rollback()
    return db.session.get_one(PersonState, person_id).points


def _upgraded() -> None:
    """Let the rows have been made by another version."""
    with transaction() as session:
        session.execute(sa.update(StatusFold).values(version="another"))


def test_rows_are_made_anew_once_after_the_rules_have_changed(any_app: Flask, world: World) -> None:
    assert bring_up_to_date(clock=clock.now).people == len(world.people)  # nobody knew how they were made
    _spoil(world.learner)
    assert not bring_up_to_date(clock=clock.now).was_needed
    assert _points(world.learner) == 7
    _upgraded()
    done: list[tuple[int, int]] = []
    rebuilt = bring_up_to_date(clock=clock.now, say=lambda *of: done.append(of))
    assert (rebuilt.was_needed, rebuilt.people, rebuilt.changed) == (True, len(world.people), 1)
    assert done[-1] == (len(world.people), len(world.people))
    assert _points(world.learner) == 0
    assert not bring_up_to_date(clock=clock.now).was_needed


def test_a_rebuild_that_was_stopped_is_gone_on_with(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.create(clock.now())
    monkeypatch.setattr(rebuilding, "PORTION", 5)

    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        bring_up_to_date(clock=clock.now, say=stop)
    assert bring_up_to_date(clock=clock.now).people == len(world.people) - 5
    assert not bring_up_to_date(clock=clock.now).was_needed


def test_two_machines_that_start_at_once_fold_everybody_once(any_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World.create(clock.now())
    _spoil(world.learner)
    db.session.remove()
    monkeypatch.setattr(rebuilding, "PORTION", 1)
    together, people = threading.Barrier(2), []

    def start() -> None:
        with any_app.app_context():
            together.wait(30)
            people.append(bring_up_to_date(clock=clock.now).people)
            db.session.remove()

    machines = [threading.Thread(target=start) for _ in range(2)]
    for machine in machines:
        machine.start()
    for machine in machines:
        machine.join(120)
    assert len(people) == 2
    assert sum(people) == len(world.people)
    assert _points(world.learner) == 0
    assert not bring_up_to_date(clock=clock.now).was_needed


def test_two_versions_that_start_at_once_do_not_fold_in_turns_for_ever(
    any_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    World.create(clock.now())
    monkeypatch.setattr(rebuilding, "PORTION", 5)

    def begin_another(_done: int, _of: int) -> None:
        with transaction() as session:
            session.execute(sa.update(StatusFold).values(next_version="another", through=0))

    with pytest.raises(OtherVersionError, match="stop one of the two"):
        bring_up_to_date(clock=clock.now, say=begin_another)


def test_a_policy_that_comes_into_force_counts_as_a_change_of_the_rules(app: Flask, world: World) -> None:
    now = clock.now()
    bring_up_to_date(clock=lambda: now)
    (key, version), *_ = content.current(db.session(), "level", now.date()).items()
    body = dict(version.body) | {"title": {"zh": "新", "en": f"New {key}"}}
    db.session.rollback()
    content_service.publish("level", body, now=now, actor_id=world.hr_lead)
    assert bring_up_to_date(clock=lambda: now).was_needed
    assert not bring_up_to_date(clock=lambda: now).was_needed


def test_the_version_follows_the_code_of_the_fold_and_no_other(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "training_app", tmp_path / "training_app", ignore=shutil.ignore_patterns("__pycache__"))
    versions = [code_version.__wrapped__(tmp_path)]
    for name in ("home/views.py", "status/queries.py", "permits/ledger_rules.py", "calendar/rules.py"):
        with (tmp_path / "training_app" / name).open("a") as file:
            file.write("\nCHANGED = True\n")
        versions.append(code_version.__wrapped__(tmp_path))
    assert versions[0] == versions[1]
    assert len(set(versions[1:])) == 4


def test_the_start_makes_the_rows_anew_and_a_second_start_does_nothing(app: Flask, world: World) -> None:
    _spoil(world.learner)
    db.session.remove()
    db.engine.dispose()
    command = [sys.executable, "-m", "training_app.start", "--prepare"]
    said = [
        subprocess.run(
            command, cwd=ROOT, env=environment(app) | {"DEMO": "0"}, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    ]  # fmt: skip
    people = len(world.people)
    assert f"status: the rules have changed; {people} of {people} people folded anew" in said[0]
    assert "status: done; 1 rows read differently than before" in said[0]
    assert "status" not in said[1]
    assert _points(world.learner) == 0


def test_a_case_reported_while_everybody_is_folded_stays_in_the_row(
    any_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World.create(clock.now())
    issue(world.learner2, clock.now())
    monkeypatch.setattr(rebuilding, "PORTION", 1)

    def report(done: int, _of: int) -> None:
        if done == 1:  # learner2 is the next
            clock.move_to(clock.now() + timedelta(minutes=5))
            service.cases.report(
                world.learner2, code="promise-broken", occurred_at=clock.now(), words=words("Seen."), picture=None,
                token="meanwhile", now=clock.now(), actor_id=world.manager,
            )  # fmt: skip

    bring_up_to_date(clock=clock.now, say=report)
    db.session.rollback()
    assert db.session.get_one(PersonState, world.learner2).open_cases == 1


def test_the_clock_is_read_for_each_portion_of_a_rebuild_by_hand(
    any_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "PORTION", 1)
    world = World.create(clock.now())
    minutes = count()
    begun = clock.now()
    with transaction() as session:
        session.execute(sa.update(PersonState).values(points=7))
    db.session.rollback()
    status.rebuild(clock=lambda: begun + timedelta(hours=next(minutes)))
    folded_at = db.session.scalars(sa.select(PersonState.computed_at).order_by(PersonState.person_id)).all()
    assert folded_at == [begun + timedelta(hours=hour) for hour in range(len(world.people))]


def test_a_person_found_in_a_unit_they_are_not_in_is_named_and_mended(any_app: Flask) -> None:
    world = World.create(clock.now())
    units = {name: world.units[name] for name in ("outlet_a", "centre_a", "region_a", "hq", "outlet_b")}
    with transaction() as session:  # as an upgrade that parted two assignments of one day left them
        session.execute(
            sa.update(PersonInUnit)
            .where(PersonInUnit.person_id == world.learner, PersonInUnit.ancestor_unit_id == units["outlet_a"])
            .values(ancestor_unit_id=units["outlet_b"])
        )
        session.execute(sa.delete(PersonInUnit).where(PersonInUnit.person_id == world.manager))
    moved_to = [units[name] for name in ("hq", "region_a", "centre_a", "outlet_a")]
    assert status.rebuild(clock=clock.now) == [
        Difference(
            person_id=world.learner, field="units", stored=sorted([*moved_to[:3], units["outlet_b"]]),
            folded=sorted(moved_to),
        ),
        Difference(person_id=world.manager, field="units", stored=[], folded=sorted(moved_to[:3])),
    ]  # fmt: skip
    assert status.rebuild(clock=clock.now) == []
    _upgraded()
    assert bring_up_to_date(clock=clock.now).changed == 0


def test_the_command_by_hand_counts_as_well(app: Flask, world: World) -> None:
    runner = app.test_cli_runner()
    assert "status: every row was true" in runner.invoke(args=["rebuild-status"]).output
    assert runner.invoke(args=["rebuild-status", "--if-needed"]).output == ""
