"""Reading imports: the list, one with its progress, its lines page by page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.models import PersonProfile
from training_app.jobs import queries as jobs
from training_app.jobs.rules import JobState
from training_app.roster.models import Roster, RosterLine
from training_app.roster.rules import WRITES, LineKind
from training_app.roster.state_rules import AT_WORK, RosterState, job_key

PAGE = 50
RECENT = 20


@dataclass(frozen=True, kw_only=True)
class RosterRow:
    """An import as pages show it. `is_lost`: its job ended before its work did; `is_following`: lists follow it yet."""

    roster_id: int
    kind: str
    state: RosterState
    file_name: str
    erases: bool
    is_all: bool
    unit_id: int | None
    columns: Sequence[str]
    ignored: Sequence[str]
    figures: Mapping[str, int]
    problem: str | None
    about: str | None
    created_by: int
    created_at: datetime
    applied_at: datetime | None
    undone_at: datetime | None
    is_cleared: bool
    source: str | None = None
    reason: str | None = None
    done: int = 0
    total: int = 0
    is_lost: bool = False
    is_following: bool = False

    @property
    def is_at_work(self) -> bool:
        """Tell whether a job has it."""
        return self.state in AT_WORK and not self.is_lost

    def count(self, kind: str) -> int:
        """Return how many lines there are of a kind."""
        return int(self.figures.get(kind, 0))


@dataclass(frozen=True, kw_only=True)
class LineRow:
    """A line as pages show it."""

    line_id: int
    row: int | None
    number: str
    person_id: int | None
    unit_id: int | None
    name: str | None
    kind: LineKind
    now: Mapping[str, Any]
    then: Mapping[str, Any]
    faults: Sequence[Mapping[str, str]]


def find(session: Session, roster_id: int) -> RosterRow | None:
    """Return an import, None if there is none."""
    row = session.get(Roster, roster_id, populate_existing=True)
    if row is None:
        return None
    job = jobs.find_job(session, job_key(row.id, row.rounds)) if row.state in AT_WORK else None
    return _row(
        row, done=job.done if job else 0, total=job.total if job else 0,
        is_lost=job is not None and job.state is JobState.FAILED, is_following=_is_following(session, row),
    )  # fmt: skip


def _is_following(session: Session, row: Roster) -> bool:
    """Tell whether what lists read of somebody in an import that counts, or was undone, is still to be folded."""
    if row.state not in (RosterState.APPLIED, RosterState.UNDONE) or row.kind == "units":
        return False
    left = sa.select(sa.literal(1)).where(
        RosterLine.roster_id == row.id, RosterLine.kind.in_(WRITES), RosterLine.person_id.isnot(None),
        RosterLine.id > row.through,
    )  # fmt: skip
    return session.scalar(left.limit(1)) is not None


def _row(row: Roster, *, done: int = 0, total: int = 0, is_lost: bool = False, is_following: bool = False) -> RosterRow:
    return RosterRow(
        roster_id=row.id, kind=row.kind, state=row.state, file_name=row.file_name, erases=row.erases,
        is_all=row.is_all, unit_id=row.unit_id, columns=row.columns, ignored=row.ignored, figures=row.figures,
        problem=row.problem, about=row.about, created_by=row.created_by, created_at=row.created_at,
        applied_at=row.applied_at, undone_at=row.undone_at, is_cleared=row.cleared_at is not None, done=done,
        total=total, source=row.source, reason=row.reason, is_lost=is_lost, is_following=is_following,
    )  # fmt: skip


def recent(session: Session, kind: str, actor_id: int, *, of_everybody: bool) -> list[RosterRow]:
    """Return the last imports of a kind: one's own, or those of everybody for who keeps the whole network."""
    wanted = sa.select(Roster).where(Roster.kind == kind).order_by(Roster.id.desc()).limit(RECENT)
    if not of_everybody:
        wanted = wanted.where(Roster.created_by == actor_id)
    return [_row(row) for row in session.scalars(wanted)]


def waiting(session: Session, kinds: Sequence[str]) -> list[tuple[str, int]]:
    """Return kind and sender of each import that is checked and neither applied nor dropped yet, of those last sent."""
    is_ready = Roster.state == RosterState.CHECKED
    wanted = sa.select(Roster.kind, Roster.created_by).where(Roster.kind.in_(kinds), is_ready)
    return [(row.kind, row.created_by) for row in session.execute(wanted.order_by(Roster.id.desc()).limit(RECENT))]


def lines(
    session: Session, roster_id: int, kind: LineKind, after: int, *, but: int | None = None
) -> tuple[list[LineRow], int | None]:
    """Return a page of lines of a kind after a key, and the key of the next page; `but`: none about this person."""
    found = session.execute(
        sa.select(RosterLine, PersonProfile.name)
        .outerjoin(PersonProfile, PersonProfile.person_id == RosterLine.person_id)
        .where(
            RosterLine.roster_id == roster_id, RosterLine.kind == kind, RosterLine.id > after,
            sa.or_(RosterLine.person_id.is_(None), RosterLine.person_id != (but or 0)),
        )
        .order_by(RosterLine.id)
        .limit(PAGE + 1)
    ).all()  # fmt: skip
    rows = [
        LineRow(
            line_id=line.id, row=line.row, number=line.number, person_id=line.person_id if name else None,
            unit_id=line.unit_id,
            name=name or line.then.get("name") or line.cells.get("name"), kind=line.kind, now=line.now,
            then=line.then, faults=line.faults,
        )
        for line, name in found[:PAGE]
    ]  # fmt: skip
    return rows, rows[-1].line_id if len(found) > PAGE else None


def cells(session: Session, roster_id: int) -> Iterator[tuple[Mapping[str, str], Sequence[Mapping[str, str]]]]:
    """Yield the cells and faults of every row of the file, in its order."""
    found = session.execute(
        sa.select(RosterLine.cells, RosterLine.faults)
        .where(RosterLine.roster_id == roster_id, RosterLine.row.isnot(None))
        .order_by(RosterLine.row)
        .execution_options(yield_per=1000)
    )
    for row in found:
        yield row.cells, row.faults
