"""The units, people and counts that a file of visits speaks of, and the plan of the file against them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import reached_of
from training_app.accounts.models import Assignment, PersonProfile, Unit
from training_app.accounts.rules import AssignmentKind
from training_app.figures.visit_queries import Visits, standing
from training_app.roster import visit_rules
from training_app.roster.people_queries import EDIT, PORTION, Draft, Reach
from training_app.roster.rules import LineKind, Row


@dataclass(frozen=True, kw_only=True)
class VisitDraft(Draft):
    """A line of a plan with the count that it says; None for what would no longer stand."""

    count: Visits | None = None


def draft(session: Session, rows: Sequence[Row], *, reach: Reach, on: date) -> list[VisitDraft]:
    """Return what the file would record, row by row; two reads for each portion of people."""
    ids, workers = {}, {}
    for person_id, worker in _workers(session, _numbers(rows, "employee_number")):
        ids[worker.number], workers[worker.number] = person_id, worker
    reporters = _reached(session, _ids(session, _numbers(rows, "reporter_number")), reach)
    months = months_of(rows)
    held = standing(session, months, reach.reached)
    known = _numbers_of(session, [one.person_id for one in held] + [one.reporter_id for one in held])
    recorded = {
        (
            one.month.isoformat()[:7], reach.numbers[one.unit_id].upper(), _number(known, one.person_id),
            _number(known, one.reporter_id),
        ): one.visits
        for one in held
    }  # fmt: skip
    terms = visit_rules.Terms(
        today=on, units=frozenset(reach.numbers[one].upper() for one in reach.reached), workers=workers,
        reporters=frozenset(reporters), recorded=recorded,
    )  # fmt: skip
    cells = {row.no: dict(row.cells) for row in rows}
    found = []
    for line in visit_rules.plan(rows, terms):
        said = line.then
        count = None
        if line.kind in (LineKind.NEW, LineKind.CHANGED, LineKind.SAME):
            count = Visits(
                month=date.fromisoformat(f"{said['month']}-01"), unit_id=reach.units[str(said["unit_number"])],
                visits=int(str(said["visits"])), person_id=ids.get(said.get("employee_number") or ""),
                reporter_id=reporters.get(said.get("reporter_number") or ""),
            )  # fmt: skip
        found.append(VisitDraft(line=line, cells=cells.get(line.row, {}) if line.row else {}, count=count))
    return found


def _number(known: dict[int, str], person_id: int | None) -> str:
    """Return somebody's number; of who was erased something that no row of a file can say."""
    return "" if person_id is None else known.get(person_id, f"({person_id})")


def months_of(rows: Sequence[Row]) -> set[date]:
    """Return the months that rows name, as first days."""
    found = (visit_rules.parse_month(row.cells.get("month", "")) for row in rows)
    return {month for month in found if month is not None}


def _numbers(rows: Sequence[Row], column: str) -> list[str]:
    return sorted({row.cells.get(column, "").upper() for row in rows} - {""})


def _workers(session: Session, numbers: Sequence[str]) -> Iterator[tuple[int, visit_rules.Worker]]:
    """Yield whom rows name, with their main places: the place of the month is held against the reach."""
    ids = _ids(session, numbers)
    names = {person_id: number for number, person_id in ids.items()}
    wanted = sorted(names)
    for start in range(0, len(wanted), PORTION):
        portion = wanted[start : start + PORTION]
        places: dict[int, list[tuple[date, date | None, str]]] = {one: [] for one in portion}
        rows = session.execute(
            sa.select(Assignment.person_id, Assignment.valid_from, Assignment.valid_to, Unit.number)
            .join(Unit, Unit.id == Assignment.unit_id)
            .where(
                Assignment.person_id.in_(portion), Assignment.kind == AssignmentKind.MAIN,
                Assignment.superseded_at.is_(None),
            )
            .order_by(Assignment.person_id, Assignment.valid_from)
        )  # fmt: skip
        for row in rows:
            places[row.person_id].append((row.valid_from, row.valid_to, row.number))
        for person_id in portion:
            yield person_id, visit_rules.Worker(number=names[person_id], places=tuple(places[person_id]))


def _reached(session: Session, ids: dict[str, int], reach: Reach) -> dict[str, int]:
    """Leave out whom the actor does not reach: they look like who is not there."""
    wanted = sorted(ids.values())
    inside: set[int] = set()
    for start in range(0, len(wanted), PORTION):
        inside |= reached_of(session, reach.grants, EDIT, wanted[start : start + PORTION])
    return {number: person_id for number, person_id in ids.items() if person_id in inside}


def _ids(session: Session, numbers: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(numbers), PORTION):
        rows = session.execute(
            sa.select(PersonProfile.number, PersonProfile.person_id).where(
                PersonProfile.number.in_(numbers[start : start + PORTION])
            )
        )
        found |= dict(iter(rows))
    return found


def _numbers_of(session: Session, people: Iterable[int | None]) -> dict[int, str]:
    wanted = sorted({one for one in people if one is not None})
    found: dict[int, str] = {}
    for start in range(0, len(wanted), PORTION):
        rows = session.execute(
            sa.select(PersonProfile.person_id, PersonProfile.number).where(
                PersonProfile.person_id.in_(wanted[start : start + PORTION])
            )
        )
        found |= dict(iter(rows))
    return found
