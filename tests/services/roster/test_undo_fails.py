"""Undoing that meets a fault: nothing of it stays, the import counts as before, says so, and can be undone again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask

from tests import roster_factories as rosters
from tests.factories import World
from tests.services.roster.test_licences_in import row_of, standing
from tests.services.roster.test_people_in import NEW, assert_rows_true
from tests.services.roster.test_undo_in_turn import BOTH, everything, start
from training_app import clock
from training_app.access.models import PersonInUnit
from training_app.audit import service as audit
from training_app.courses.models import Enrolment
from training_app.db import db, writing_session
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.jobs.rules import JobState
from training_app.notices.models import Notice
from training_app.outbox import service as outbox
from training_app.roster import applying, queries, service, undoing
from training_app.roster.state_rules import RosterState


def files(world: World) -> Mapping[str, list[dict[str, str]]]:
    return {
        "people": [NEW, {"number": world.numbers["learner"], "unit_number": "OB1", "employer": "甲公司"}],
        "units": [{"number": "OA1", "parent_number": "RB", "name": "甲网点"}],
        "licences": [row_of(world, "learner")],
    }


def refused(monkeypatch: pytest.MonkeyPatch, how: type[BaseException] | None = None) -> None:
    """Let the database refuse the last that undoing writes, once; with `how` that happens instead."""
    real = audit.record

    def record(action: str, *given: Any, **more: Any) -> Any:
        if action == "roster.undone":
            monkeypatch.setattr(audit, "record", real)
            if how is not None:
                raise how
            writing_session().execute(sa.insert(PersonInUnit).values(ancestor_unit_id=-1, sort_key="", person_id=-1))
        return real(action, *given, **more)

    monkeypatch.setattr(audit, "record", record)


def run_queued() -> Job:
    """Run the job that waits, whatever becomes of it; return it."""
    (job_id,) = db.session.scalars(sa.select(Job.id).where(Job.state == JobState.QUEUED)).all()
    db.session.rollback()
    jobs.run(job_id)
    return db.session.get_one(Job, job_id, populate_existing=True)


@BOTH
@pytest.mark.deep_on_postgres
@pytest.mark.parametrize("kind", ["people", "units", "licences"])
@pytest.mark.parametrize("how", [None, RuntimeError])
def test_undoing_that_the_database_refuses_leaves_the_import_as_it_was_and_is_done_when_asked_again(
    any_app: Flask, world: World, now: datetime, monkeypatch: pytest.MonkeyPatch, kind: str, how: Any
) -> None:
    people = start(world, now)
    before, held = everything(people), standing()
    roster_id = rosters.bring_in(files(world)[kind], world.hr, kind=kind)
    clock.move_to(clock.now() + timedelta(minutes=5))
    applied, brought = everything(people), standing()
    assert undoing.ask_to_undo(roster_id, now=clock.now(), actor_id=world.hr)
    refused(monkeypatch, how)
    job = run_queued()
    assert job.state is JobState.FAILED
    assert ("IntegrityError" if how is None else "RuntimeError") in (job.error or ""), (
        "kept for whoever runs the server"
    )
    rosters.work(roster_id)
    row = rosters.roster(roster_id)
    assert (row.state, row.problem, row.undone_at) == (RosterState.APPLIED, "undo_failed", None)
    assert (everything(people), standing()) == (applied, brought)
    found = queries.find(db.session(), roster_id)
    assert found is not None
    assert (found.is_lost, found.is_at_work, found.is_following) == (False, False, False)
    assert_rows_true()
    clock.move_to(clock.now() + timedelta(minutes=5))
    outbox.dispatch_due(now=clock.now())
    told = db.session.scalars(sa.select(Notice.kind).where(Notice.person_id == world.hr)).all()
    assert "roster_not_undone" in told
    assert undoing.ask_to_undo(roster_id, now=clock.now(), actor_id=world.hr)
    rosters.work(roster_id)
    row = rosters.roster(roster_id)
    assert (row.state, row.problem) == (RosterState.UNDONE, None)
    assert (everything(people), standing()) == (before, held)
    assert_rows_true()


@pytest.mark.parametrize("kind", ["people", "units", "licences"])
@pytest.mark.parametrize("is_given_up", [False, True])
def test_undoing_that_was_killed_is_gone_on_with(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch, kind: str, is_given_up: bool
) -> None:
    people = start(world, now)
    before, held = everything(people), standing()
    roster_id = rosters.bring_in(files(world)[kind], world.hr, kind=kind)
    clock.move_to(clock.now() + timedelta(minutes=5))
    assert undoing.ask_to_undo(roster_id, now=clock.now(), actor_id=world.hr)
    refused(monkeypatch, KeyboardInterrupt)  # as a kill would: nothing after this runs
    with pytest.raises(KeyboardInterrupt):
        run_queued()
    db.session.rollback()
    (job_id,) = db.session.scalars(sa.select(Job.id).where(Job.state == JobState.RUNNING)).all()
    if is_given_up:
        jobs.give_up(job_id, "its process was lost")
        found = queries.find(db.session(), roster_id)
        assert found is not None
        assert (found.state, found.is_lost) == (RosterState.UNDOING, True), "the page offers to go on"
        service.work_again(roster_id, now=clock.now(), actor_id=world.hr)
        rosters.work(roster_id)
    else:
        db.session.rollback()
        jobs.run(job_id)  # as it is sent again
    assert rosters.roster(roster_id).state is RosterState.UNDONE
    assert (everything(people), standing()) == (before, held)
    assert_rows_true()


def test_who_began_is_enrolled_though_undoing_was_asked_for_before_that_and_failed(
    world: World, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster_id = rosters.send([NEW], world.hr)
    service.ask_to_apply(roster_id, leaving=0, now=now, actor_id=world.hr)
    with monkeypatch.context() as patch:
        patch.setattr(applying, "_follow", lambda *_given, **_more: 1 // 0)
        run_queued()
    assert undoing.ask_to_undo(roster_id, now=clock.now(), actor_id=world.hr)
    refused(monkeypatch)
    run_queued()
    rosters.work(roster_id)
    (line,) = rosters.lines(roster_id).values()
    assert rosters.roster(roster_id).through == line.id
    clock.move_to(clock.now() + timedelta(minutes=5))
    outbox.dispatch_due(now=clock.now())
    assert db.session.scalar(sa.select(sa.func.count()).where(Enrolment.person_id == line.person_id))
