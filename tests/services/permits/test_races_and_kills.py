"""Races and crashes: one decision wins, no served notice is lost, one case that cannot lapse stops no other."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.factories import World
from tests.permits_factories import answered, case, decided, issue, sanctions, words
from tests.races.racers import environment
from training_app import clock
from training_app.db import db
from training_app.errors import DomainError
from training_app.outbox.models import OutboxMessage
from training_app.permits import refusals, service, tasks
from training_app.permits.case_rules import CaseStatus, Outcome
from training_app.permits.models import CaseEvent
from training_app.status import queries
from training_app.status import service as status


def _world(now: datetime) -> World:
    world = World.create(now)
    issue(world.learner, now - timedelta(days=30))
    return world


def _together(app: Flask, steps: list[Callable[[], object]]) -> list[Exception | None]:
    """Run the steps at the same time, each in a thread with a session of its own; return what each raised."""
    start, results = threading.Barrier(len(steps)), [RuntimeError("never ran") for _ in steps]
    outcome: list[Exception | None] = list(results)

    def run(index: int, step: Callable[[], object]) -> None:
        with app.app_context():
            start.wait()
            try:
                step()
                outcome[index] = None
            except Exception as error:
                outcome[index] = error
            finally:
                db.session.remove()

    threads = [threading.Thread(target=run, args=(i, step)) for i, step in enumerate(steps)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


def test_of_two_simultaneous_decisions_one_wins_and_the_other_is_told(any_app: Flask) -> None:
    now = clock.now()
    world = _world(now)
    for _ in range(5):
        case_id = answered(world, now)
        outcomes = _together(
            any_app,
            [
                lambda actor=actor, outcome=outcome, case_id=case_id: service.cases.decide(
                    case_id, outcome=outcome, points=0, words=words("So."), now=now, actor_id=actor
                )
                for actor, outcome in ((world.hr, Outcome.UPHELD), (world.hr2, Outcome.DISMISSED))
            ],
        )
        assert sorted(type(one).__name__ for one in outcomes) == ["NoneType", "StepNotOpen"]
        kinds = db.session.scalars(
            sa.select(CaseEvent.kind).where(CaseEvent.case_id == case_id).order_by(CaseEvent.seq)
        ).all()
        assert kinds.count("decide") == 1
        assert kinds.count("serve") == 2
        db.session.rollback()


def test_two_cases_final_at_the_same_moment_cross_the_limit_once(any_app: Flask) -> None:
    """Invariant 39."""
    now = clock.now()
    world = _world(now)
    cases = [decided(world, now, code="unauthorised-charge") for _ in range(2)]
    until = case(cases[0], now).state.appeal_until
    assert until is not None
    steps = [lambda c=c: service.cases.lapse(c, now=until) for c in (*cases, *cases)]
    outcomes = _together(any_app, steps)
    assert [type(one) for one in outcomes if one] == [refusals.StepNotOpen] * 2
    assert [s.stage for s in sanctions(world.learner, until)] in ([4, 12], [12])
    assert sum(s.stage == 12 for s in sanctions(world.learner, until)) == 1


def test_who_read_the_clock_first_and_got_the_lock_last_still_sees_the_limit_reached(any_app: Flask) -> None:
    """Invariant 39: the clock is read before the lock is held, so the two can come in either order."""
    now = clock.now()
    world = _world(now)
    first, second = (decided(world, now, code="unauthorised-charge") for _ in range(2))
    for case_id in (first, second):
        service.cases.appeal(case_id, words=words("No."), now=now, actor_id=world.learner)
    later = now + timedelta(seconds=2)
    for case_id, at in ((first, later), (second, later - timedelta(seconds=1))):
        service.cases.resolve(
            case_id, outcome=Outcome.UPHELD, points=0, words=words("It stands."), now=at, actor_id=world.hr_lead
        )
    assert [s.stage for s in sanctions(world.learner, later)] == [4, 12]
    (row,) = queries.stored(db.session(), [world.learner]).values()
    assert row.points == 12
    assert status.rebuild(clock=lambda: later + timedelta(seconds=1)) == []


_KILLED = """
import os, signal, sys
from datetime import datetime
from training_app.app import create_app
from training_app.db import db
from training_app.permits import service
from sqlalchemy import event
app = create_app()
with app.app_context():
    from sqlalchemy.orm import Session
    event.listen(Session, "after_commit", lambda session: os.kill(os.getpid(), signal.SIGKILL))
    service.cases.notify(int(sys.argv[1]), now=datetime.fromisoformat(sys.argv[2]), actor_id=int(sys.argv[3]))
"""


def test_a_kill_between_commit_and_answer_loses_no_served_notice(any_app: Flask, now: datetime) -> None:
    from tests.permits_factories import report

    world = _world(now)
    case_id = report(world, now)
    db.session.remove()
    db.engine.dispose()
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(case_id), now.isoformat(), str(world.hr)],
        env=environment(any_app), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert case(case_id, now).state.notice_served_at is not None
    waiting = db.session.scalars(
        sa.select(OutboxMessage).where(OutboxMessage.topic == "notice", OutboxMessage.dispatched_at.is_(None))
    ).all()
    assert [message.body["kind"] for message in waiting] == ["case_noticed"]


def test_the_sweeper_goes_on_when_one_case_cannot_lapse(any_app: Flask, now: datetime) -> None:
    world = _world(now)
    first, second = decided(world, now), decided(world, now)
    service.cases.appeal(first, words=words("No."), now=now, actor_id=world.learner)
    late = now + timedelta(days=60)
    assert tasks.lapse_due(late) == 1
    assert case(second, late).state.status is CaseStatus.FINAL_UPHELD
    with pytest.raises(DomainError):
        service.cases.lapse(first, now=late)
