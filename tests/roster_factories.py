"""Files of people for tests, sent and worked on as the worker does it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from training_app import clock
from training_app.db import db
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.roster import service
from training_app.roster.models import Roster, RosterLine
from training_app.roster.rules import LineKind


def a_csv(rows: Sequence[Mapping[str, str]]) -> bytes:
    """Return rows as a CSV file, its heads the names of the columns."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, columns, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()


def send(
    data: bytes | Sequence[Mapping[str, str]], actor_id: int, *, kind: str = "people", erases: bool = False,
    is_all: bool = False, unit_id: int | None = None, name: str = "people.csv",
) -> int:  # fmt: skip
    """Send a file and let it be checked; return the id of the import."""
    body = data if isinstance(data, bytes) else a_csv(data)
    roster_id = service.take_in(
        kind, name, body, erases=erases, is_all=is_all, unit_id=unit_id, now=clock.now(), actor_id=actor_id
    )
    work(roster_id)
    return roster_id


def work(roster_id: int) -> None:
    """Run the jobs of an import until none is left."""
    while True:
        found = db.session.scalars(
            sa.select(Job.id).where(Job.key.like(f"roster/{roster_id}/%"), Job.state == "queued").order_by(Job.id)
        ).all()
        db.session.rollback()
        if not found:
            return
        for job_id in found:
            jobs.run(job_id)
            job = db.session.get_one(Job, job_id)
            assert job.error is None, job.error
            db.session.rollback()


def apply(roster_id: int, actor_id: int, *, leaving: int = 0) -> None:
    """Apply an import whole."""
    service.ask_to_apply(roster_id, leaving=leaving, now=clock.now(), actor_id=actor_id)
    work(roster_id)


def bring_in(rows: bytes | Sequence[Mapping[str, str]], actor_id: int, **how: object) -> int:
    """Send and apply a file; return the id of the import."""
    roster_id = send(rows, actor_id, **how)  # type: ignore[arg-type]
    apply(roster_id, actor_id, leaving=figures(roster_id)[LineKind.LEAVING])
    return roster_id


def roster(roster_id: int) -> Roster:
    """Return an import as it stands."""
    db.session.rollback()
    return db.session.get_one(Roster, roster_id)


def figures(roster_id: int) -> dict[str, int]:
    """Return the figures of an import."""
    return dict(roster(roster_id).figures)


def lines(roster_id: int) -> dict[str, RosterLine]:
    """Return the lines of an import by number."""
    db.session.rollback()
    return {row.number: row for row in db.session.scalars(sa.select(RosterLine).filter_by(roster_id=roster_id))}
