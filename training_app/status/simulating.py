"""Simulations: asked for, walked in the background, cancelled, forgotten. Nothing is written about anyone.

simulation_id = ask(policy_key, body, as_of=…, now=…, actor_id=…)   # a job; `simulate_queries` reads how far it is
figures, changes = simulate(policy_key, body, as_of=…)              # the same at once, for commands
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.models import Person
from training_app.calendar.rules import legal_day
from training_app.certifications.queries import ZONE
from training_app.content import registry
from training_app.content.queries import Version
from training_app.content.rules import Change as ContentChange
from training_app.content.rules import Origin
from training_app.content.sources import Entry
from training_app.db import db, transaction
from training_app.errors import Invalid, NotFound
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.permits.policy_queries import POLICY
from training_app.status.models import Simulation, SimulationChange
from training_app.status.simulate_queries import ByUnit, Change, Simulated, Simulating
from training_app.status.spreading import Walk, everybody

KIND = "simulation"
KEPT = timedelta(days=14)
PORTION = 500
SLICE_S = 45.0  # of one turn in the queue: other jobs come in between
FLUSH_S = 2.0  # between two short writes of what was found so far
FLUSH_AT = 2_000  # who would change, of whom no more are kept in memory
FORGOTTEN_AT_ONCE = 1_000


def checked(policy_key: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body as it would be published. Raises Invalid with the checker's words."""
    clean, problems = registry.check(Entry(kind=POLICY, file="browser", body=dict(body)))
    if clean is None:
        raise Invalid(problems=[f"{one.where}: {one.reason}" for one in problems])
    if clean["key"] != policy_key:
        raise Invalid(problems=[f"key: {clean['key']}"])
    return clean


def ask(policy_key: str, body: Mapping[str, Any], *, as_of: datetime, now: datetime, actor_id: int | None) -> int:
    """Queue a simulation of a policy body in the place of the one in force; return its id. Raises Invalid."""
    clean = checked(policy_key, body)
    with transaction() as session:
        row = Simulation(
            policy_key=policy_key, body=clean, as_of=as_of, asked_by=actor_id, asked_at=now, figures={},
            people=session.scalar(sa.select(sa.func.count(Person.id))) or 0,
        )  # fmt: skip
        session.add(row)
        session.flush()
        jobs.enqueue(KIND, _job_key(row.id), {"simulation": row.id}, now=now, actor_id=actor_id)
        return row.id


def cancel(simulation_id: int, *, now: datetime) -> bool:
    """Stop a simulation that is under way; what was found so far stays. Return whether there was anything to stop."""
    with transaction() as session:
        row = _locked(session, simulation_id)
        if row.finished_at is not None or row.cancelled_at is not None or row.problem is not None:
            return False
        row.cancelled_at = now
        return True


def simulate(
    policy_key: str, body: Mapping[str, Any], *, as_of: datetime, processes: int | None = None
) -> tuple[ByUnit, Iterator[Change]]:
    """Return figures, which grow while the people who would change are gone through. Raises Invalid."""
    figures = ByUnit()
    task = Simulating(policy_key, _version(policy_key, checked(policy_key, body), as_of), as_of)

    def found() -> Iterator[Change]:
        for portion in everybody(task, Walk(size=PORTION), clock=lambda: as_of, processes=processes):
            figures.add(portion.figures)
            yield from portion.changes

    return figures, found()


def go_on(
    simulation_id: int,
    progress: jobs.Progress,
    *,
    clock: Callable[[], datetime],
    processes: int | None = None,
) -> None:
    """Do the next part of a simulation. Raises jobs.MoreToDo where it is not finished, NotFound for one forgotten."""
    row = db.session.get(Simulation, simulation_id)
    if row is None:
        raise NotFound()
    if row.cancelled_at is not None:
        return
    task = Simulating(row.policy_key, _version(row.policy_key, row.body, row.as_of), row.as_of)
    kept, walk, until = (
        _Kept(simulation_id, progress),
        Walk(after=row.through, size=PORTION),
        time.monotonic() + SLICE_S,
    )
    db.session.rollback()
    try:
        with closing(everybody(task, walk, clock=clock, processes=processes)) as portions:
            for portion in portions:
                if not kept.take(portion):
                    return
                if time.monotonic() > until:
                    if not kept.write():
                        return
                    raise jobs.MoreToDo()
    except jobs.MoreToDo:
        raise
    except Exception as error:
        db.session.rollback()
        with transaction() as session:
            _locked(session, simulation_id).problem = repr(error)[:500]
        raise
    kept.write(finished_at=clock())


class _Kept:
    """Gathers what portions come to and writes it in short transactions, each with how far the walk is."""

    def __init__(self, simulation_id: int, progress: jobs.Progress) -> None:
        self._id, self._progress = simulation_id, progress
        self._figures, self._changes = ByUnit(), list[Change]()
        self._people, self._through, self._written_at = 0, 0, time.monotonic()

    def take(self, portion: Simulated) -> bool:
        """Take a portion in; return False where the simulation was cancelled."""
        self._figures.add(portion.figures)
        self._changes += portion.changes
        self._people, self._through = self._people + portion.people, portion.last
        if len(self._changes) < FLUSH_AT and time.monotonic() < self._written_at + FLUSH_S:
            return True
        return self.write()

    def write(self, finished_at: datetime | None = None) -> bool:
        """Write what has come; return False, and write nothing, where the simulation was cancelled."""
        with transaction() as session:
            row = _locked(session, self._id)
            if row.cancelled_at is not None:
                return False
            whole = ByUnit.from_json(row.figures)
            whole.add(self._figures)
            row.figures, row.done, row.finished_at = whole.as_json(), row.done + self._people, finished_at
            row.through = max(row.through, self._through)
            if self._changes:
                session.execute(sa.insert(SimulationChange), [_change_row(self._id, one) for one in self._changes])
            done, of = row.done, max(row.done, row.people)
        self._progress.step(done, of)
        self._figures, self._changes = ByUnit(), []
        self._people, self._written_at = 0, time.monotonic()
        return True


def forget_old(*, now: datetime) -> int:
    """Let go what simulations came to whose time is over, a bounded number of rows at a time; return how many went."""
    old = db.session.scalar(
        sa.select(Simulation.id).where(Simulation.asked_at < now - KEPT).order_by(Simulation.id).limit(1)
    )
    db.session.rollback()
    if old is None:
        return 0
    with transaction() as session:
        some = sa.select(SimulationChange.person_id).where(SimulationChange.simulation_id == old)
        people = session.scalars(some.limit(FORGOTTEN_AT_ONCE)).all()
        if people:
            session.execute(
                sa.delete(SimulationChange).where(
                    SimulationChange.simulation_id == old, SimulationChange.person_id.in_(people)
                )
            )
        if len(people) < FORGOTTEN_AT_ONCE:
            session.execute(sa.delete(Simulation).where(Simulation.id == old))
            session.execute(sa.delete(Job).where(Job.key == _job_key(old)))
    return len(people) or 1


def _version(policy_key: str, body: Mapping[str, Any], as_of: datetime) -> Version:
    return Version(0, POLICY, policy_key, 0, body, ContentChange.SUBSTANTIVE, legal_day(as_of, ZONE), Origin.BROWSER)


def _job_key(simulation_id: int) -> str:
    return f"simulation/{simulation_id}"


def _locked(session: Session, simulation_id: int) -> Simulation:
    row = session.get(Simulation, simulation_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound()
    return row


def _change_row(simulation_id: int, one: Change) -> dict[str, object]:
    facts = asdict(one)
    person_id, unit_id = facts.pop("person_id"), facts.pop("unit_id")
    return {"simulation_id": simulation_id, "person_id": person_id, "unit_id": unit_id, "facts": facts}
