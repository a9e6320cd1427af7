"""Everybody is folded in other processes where people are many: the same rows, whoever else writes, stopped or not."""

from __future__ import annotations

import os
import pickle
import signal
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.orm import Session

from tests.factories import World
from tests.permits_factories import final, issue, report, words
from tests.statements import statements
from training_app import clock
from training_app.accounts.whom_queries import Whom
from training_app.db import db, transaction
from training_app.permits import service
from training_app.status import compare_queries, queries, rebuilding, spreading
from training_app.status import service as status
from training_app.status.compare_queries import Comparing
from training_app.status.models import LevelHeld, PersonState, StatusFold
from training_app.status.spreading import Walk, WorkerLostError, everybody


def _rows() -> list[tuple[object, ...]]:
    found = db.session.execute(sa.select(*PersonState.__table__.c).order_by(PersonState.person_id)).all()
    db.session.rollback()
    return [tuple(value for name, value in row._mapping.items() if name != "computed_at") for row in found]


def _spoil() -> None:
    with transaction() as session:
        session.execute(sa.update(PersonState).values(points=7, stage=4, reasons=["spoiled"]))
        session.execute(sa.delete(LevelHeld))


@pytest.fixture
def peopled(any_app: Flask) -> World:
    """Return a world with a ledger, an open case and people who are still learning."""
    world = World.create(clock.now())
    issue(world.learner, clock.now() - timedelta(days=30))
    final(world, clock.now(), code="unsafe-work")
    issue(world.learner2, clock.now())
    report(world, clock.now())
    status.rebuild(clock=clock.now)
    return world


def test_other_processes_come_to_the_same_rows(peopled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _rows()
    _spoil()
    monkeypatch.setattr(rebuilding, "PORTION", 3)
    rebuilt = rebuilding.bring_up_to_date(clock=clock.now, processes=2)
    assert (rebuilt.people, rebuilt.changed) == (len(peopled.people), len(peopled.people))
    assert _rows() == before
    assert status.rebuild(clock=clock.now) == []
    assert list(status.rebuilt(clock=clock.now, processes=2)) == []


def test_the_reads_of_a_portion_do_not_grow_with_its_people(peopled: World) -> None:
    ids = sorted(peopled.people.values())
    Comparing().run(db.session(), Whom(tuple(ids), is_range=True), clock.now())  # content is kept from now on
    db.session.rollback()
    with statements("SELECT") as one:
        Comparing().run(db.session(), Whom.these([peopled.learner]), clock.now())
    db.session.rollback()
    with statements("SELECT") as many:
        Comparing().run(db.session(), Whom(tuple(ids), is_range=True), clock.now())
    db.session.rollback()
    assert len(many) <= 30
    assert len(one) <= len(many)


def test_who_is_written_between_the_fold_and_its_row_is_folded_again(peopled: World) -> None:
    _spoil()
    whom = Whom(tuple(sorted(peopled.people.values())), is_range=True)
    compared = Comparing().run(db.session(), whom, clock.now())
    db.session.rollback()
    clock.move_to(clock.now() + timedelta(seconds=5))
    service.cases.report(
        peopled.learner2, code="promise-broken", occurred_at=clock.now(), words=words("Seen."), picture=None,
        token="meanwhile", now=clock.now(), actor_id=peopled.manager,
    )  # fmt: skip
    with transaction() as session:
        status.mend(session, compared.found, clock=clock.now)
    assert db.session.get_one(PersonState, peopled.learner2).open_cases == 1
    db.session.rollback()
    assert status.rebuild(clock=clock.now) == []


def test_a_walk_that_was_stopped_is_gone_on_with(peopled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _spoil()
    monkeypatch.setattr(rebuilding, "PORTION", 3)

    def stop(_done: int, _of: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuilding.bring_up_to_date(clock=clock.now, say=stop, processes=2)
    through = db.session.scalars(sa.select(StatusFold.through)).one()
    db.session.rollback()
    assert through == sorted(peopled.people.values())[2]
    rest = rebuilding.bring_up_to_date(clock=clock.now, processes=2)
    assert rest.people == len(peopled.people) - 3
    assert status.rebuild(clock=clock.now) == []


@dataclass(frozen=True)
class Failing:
    """Work that fails, or ends its process, at the second portion."""

    first: int
    is_fatal: bool = False

    def run(self, _session: Session, whom: Whom, _now: datetime) -> int:
        if whom.ids[0] == self.first:
            return os.getpid()
        if self.is_fatal:
            os.kill(os.getpid(), signal.SIGKILL)
        raise ValueError("this person cannot be folded")


@pytest.mark.parametrize(("is_fatal", "said"), [(False, "cannot be folded"), (True, "a process ended with -9")])
def test_a_process_that_fails_is_told_and_the_others_end(peopled: World, is_fatal: bool, said: str) -> None:
    first = min(peopled.people.values())
    with closing(everybody(Failing(first, is_fatal), Walk(size=1), clock=clock.now, processes=2)) as found:
        pid = next(found)
        with pytest.raises(WorkerLostError, match=said):
            list(found)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_few_people_are_folded_without_other_processes(peopled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(spreading.subprocess, "Popen", refuse)
    assert status.rebuild(clock=clock.now) == []
    monkeypatch.setattr(spreading, "SPREAD_FROM", 2)
    with pytest.raises(AssertionError, match="a process was started"):
        status.rebuild(clock=clock.now)


def test_what_another_process_is_told_holds_no_setting(peopled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "not for others")
    assert "SECRET_KEY" not in spreading._environment()
    assert pickle.loads(pickle.dumps(Comparing())) == Comparing()
    assert compare_queries.columns(queries.fold_person(db.session(), peopled.learner, clock.now()))["points"] > 0  # type: ignore[operator]
    db.session.rollback()
