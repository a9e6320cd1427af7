"""What a policy would come to is told without writing anything about anyone (invariant 38), in parts, and forgotten."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from tests.permits_factories import final, issue, report
from training_app import clock
from training_app.accounts.locks import lock_person
from training_app.content import queries as content
from training_app.content import service as content_service
from training_app.db import db, transaction
from training_app.errors import Invalid, NotFound
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.jobs.rules import JobState
from training_app.permits import fold_queries, ledger_service
from training_app.status import queries, simulate_queries, simulating
from training_app.status.models import Simulation, SimulationChange
from training_app.status.simulate_queries import Change

JOBS = {"job", "outbox", "simulation", "simulation_change"}


@pytest.fixture
def peopled(any_app: Flask) -> World:
    """Return a world in which the learner has six points, and another holder none."""
    world = World.create(clock.now())
    for person_id in (world.learner, world.learner2):
        issue(person_id, clock.now() - timedelta(days=30))
    final(world, clock.now(), code="unauthorised-charge")
    report(world, clock.now())
    return world


def _body(**changed: Any) -> dict[str, Any]:
    version = content.get_current(db.session(), "points_policy", "standard", clock.now().date())
    db.session.rollback()
    return {**version.body, **changed}


def _strict(points: int) -> dict[str, Any]:
    return _body(limit=points, stages=[{"at": points, "sanction": "revoke"}])


def _tables(*, but: Iterable[str] = JOBS) -> dict[str, list[tuple[Any, ...]]]:
    found = {
        table.name: sorted(map(repr, db.session.execute(sa.select(table))))
        for table in db.metadata.tables.values()
        if table.name not in set(but)
    }
    db.session.rollback()
    return found  # type: ignore[return-value]


def _run(simulation_id: int, *, turns: int = 1) -> JobState:
    job_id = db.session.scalars(sa.select(Job.id).where(Job.key == f"simulation/{simulation_id}")).one()
    for _ in range(turns):
        db.session.rollback()
        jobs.run(job_id)
    db.session.rollback()
    return db.session.get_one(Job, job_id).state


def _points(person_id: int) -> int:
    found = queries.fold_person(db.session(), person_id, clock.now()).points
    db.session.rollback()
    return found


def _all(simulation_id: int) -> list[Change]:
    found = simulate_queries.changes(db.session(), simulation_id)
    db.session.rollback()
    return found


def test_a_simulation_writes_nothing_about_anyone(peopled: World) -> None:
    """Invariant 38."""
    points = _points(peopled.learner)
    body = _strict(points)
    before = _tables()
    asked = simulating.ask("standard", body, as_of=clock.now(), now=clock.now(), actor_id=peopled.hr_lead)
    assert _run(asked) is JobState.DONE
    assert _tables() == before
    result = simulate_queries.get_result(db.session(), asked)
    assert not result.is_running
    assert (result.done, result.of) == (len(peopled.people), len(peopled.people))
    (change,) = _all(asked)
    assert (change.person_id, change.unit_id) == (peopled.learner, peopled.units["outlet_a"])
    assert (change.before.points, change.after.points, change.after.stage) == (points, points, points)
    assert [(one.sanction, one.stage) for one in change.proposals] == [("revoke", points)]
    whole = result.figures.all
    assert (whole.holders, whole.changed, whole.proposals) == (2, 1, {"revoke": 1})
    assert whole.stages_after == {"0": 1, str(points): 1}


def test_what_is_published_then_is_what_was_simulated(peopled: World) -> None:
    points = _points(peopled.learner)
    body = _strict(points)
    asked = simulating.ask("standard", body, as_of=clock.now(), now=clock.now(), actor_id=None)
    _run(asked)
    (told,) = _all(asked)
    content_service.publish("points_policy", body, now=clock.now(), actor_id=peopled.hr_lead, written_by=[peopled.hr])
    snapshot = queries.fold_person(db.session(), peopled.learner, clock.now())
    db.session.rollback()
    assert (snapshot.state.value, snapshot.points, snapshot.stage, snapshot.standing) == (
        told.after.state, told.after.points, told.after.stage, told.after.standing,
    )  # fmt: skip
    with transaction():
        ledger_service.settle(lock_person(peopled.learner, now=clock.now()), now=clock.now())
    proposed = fold_queries.sanctions_of(db.session(), peopled.learner, clock.now())
    assert [(one.kind.value, one.stage) for one in proposed][-1:] == [
        (one.sanction, one.stage) for one in told.proposals
    ]


def test_the_policy_in_force_changes_nobody(peopled: World) -> None:
    asked = simulating.ask("standard", _body(), as_of=clock.now(), now=clock.now(), actor_id=None)
    _run(asked)
    assert _all(asked) == []
    figures = simulate_queries.get_result(db.session(), asked).figures.all
    assert figures.states_before == figures.states_after
    assert figures.holders == 2


def test_a_simulation_is_done_in_parts_and_other_jobs_come_between(
    peopled: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulating, "PORTION", 4)
    monkeypatch.setattr(simulating, "SLICE_S", 0.0)
    points = _points(peopled.learner)
    asked = simulating.ask("standard", _strict(points), as_of=clock.now(), now=clock.now(), actor_id=None)
    assert _run(asked) is JobState.QUEUED
    row = db.session.get_one(Simulation, asked)
    assert row.done == 4
    db.session.rollback()
    assert _run(asked, turns=5) is JobState.DONE
    result = simulate_queries.get_result(db.session(), asked)
    assert (result.done, result.figures.all.holders) == (len(peopled.people), 2)


def test_other_processes_come_to_the_same(peopled: World) -> None:
    body = _strict(_points(peopled.learner))
    here, found_here = simulating.simulate("standard", body, as_of=clock.now(), processes=0)
    there, found_there = simulating.simulate("standard", body, as_of=clock.now(), processes=2)
    assert list(found_here) == list(found_there) != []
    assert here == there


def test_a_cancelled_simulation_stops_and_keeps_what_it_found(peopled: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulating, "PORTION", 4)
    monkeypatch.setattr(simulating, "SLICE_S", 0.0)
    asked = simulating.ask("standard", _body(), as_of=clock.now(), now=clock.now(), actor_id=None)
    _run(asked)
    assert simulating.cancel(asked, now=clock.now())
    assert not simulating.cancel(asked, now=clock.now())
    assert _run(asked) is JobState.DONE
    result = simulate_queries.get_result(db.session(), asked)
    assert (result.is_running, result.done) == (False, 4)
    assert result.cancelled_at is not None


def test_a_body_that_could_not_be_published_is_refused_in_words(peopled: World) -> None:
    with pytest.raises(Invalid):
        simulating.ask("standard", _body(limit=-3), as_of=clock.now(), now=clock.now(), actor_id=None)
    with pytest.raises(Invalid, match="another"):
        simulating.ask("standard", _body(key="another"), as_of=clock.now(), now=clock.now(), actor_id=None)


def test_old_simulations_go_with_their_jobs(peopled: World) -> None:
    points = _points(peopled.learner)
    now = clock.now()
    asked = simulating.ask("standard", _strict(points), as_of=now, now=now, actor_id=None)
    _run(asked)
    assert simulating.forget_old(now=now + simulating.KEPT) == 0
    later = now + simulating.KEPT + timedelta(seconds=1)
    assert simulating.forget_old(now=later) == 1
    assert db.session.scalars(sa.select(SimulationChange.person_id)).all() == []
    assert db.session.scalars(sa.select(Job.id).where(Job.kind == simulating.KIND)).all() == []
    with pytest.raises(NotFound):
        simulate_queries.get_result(db.session(), asked)
