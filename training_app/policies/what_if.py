"""What a draft would change, as its page shows it: how far the work is, counts before and after, by unit, and who."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from training_app.access.queries import reached_of
from training_app.access.rules import Grant, Permission
from training_app.accounts import people_queries
from training_app.accounts import queries as accounts
from training_app.errors import NotFound
from training_app.status import simulate_queries
from training_app.status.simulate_queries import Change, Figures, Result


@dataclass(frozen=True, kw_only=True)
class Bar:
    """Holders in one state, before and after; the widths are shares of 100 of the widest."""

    state: str
    before: int
    after: int
    before_width: float
    after_width: float


@dataclass(frozen=True, kw_only=True)
class UnitLine:
    """What would change in a unit."""

    name: str
    name_latin: str | None
    holders: int
    changed: int


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who would stand otherwise, by name where the reader may see people."""

    person_id: int
    name: str
    change: Change


def find(session: Session, simulation_id: int | None) -> Result | None:
    """Return a simulation, None where there is none or it was forgotten."""
    if simulation_id is None:
        return None
    try:
        return simulate_queries.get_result(session, simulation_id)
    except NotFound:
        return None


def bars(figures: Figures) -> list[Bar]:
    """Return the states that somebody is in, before or after, the most frequent first."""
    states = sorted({*figures.states_before, *figures.states_after}, key=lambda one: -figures.states_before.get(one, 0))
    return _bars(states, figures.states_before, figures.states_after)


def stage_bars(figures: Figures) -> list[Bar]:
    """Return how many have reached which stage, before and after."""
    stages = sorted({*figures.stages_before, *figures.stages_after}, key=int)
    return _bars(stages, figures.stages_before, figures.stages_after)


def _bars(names: Sequence[str], before: Mapping[str, int], after: Mapping[str, int]) -> list[Bar]:
    most = max([1, *before.values(), *after.values()])
    return [
        Bar(
            state=name, before=before.get(name, 0), after=after.get(name, 0),
            before_width=round(before.get(name, 0) * 100 / most, 1),
            after_width=round(after.get(name, 0) * 100 / most, 1),
        )
        for name in names
    ]  # fmt: skip


def by_unit(session: Session, result: Result, grants: tuple[Grant, ...], on: date) -> list[UnitLine]:
    """Return the units within reach in which somebody would change, the most first."""
    rows = people_queries.units_in_reach(accounts.units(session, on), grants, Permission.PEOPLE_READ)
    found = []
    for row in rows:
        figures = result.figures.units.get(row.unit_id)
        if figures is not None and figures.changed:
            found.append(
                UnitLine(name=row.name, name_latin=row.name_latin, holders=figures.holders, changed=figures.changed)
            )
    return sorted(found, key=lambda one: -one.changed)


def people(
    session: Session, simulation_id: int, grants: tuple[Grant, ...], on: date, after: int
) -> tuple[list[Person], int | None]:
    """Return a page of who would change within the reader's reach, and from where the next goes on (None: no more)."""
    units = [
        one.unit_id
        for one in people_queries.units_in_reach(accounts.units(session, on), grants, Permission.PEOPLE_READ)
    ]
    found = simulate_queries.changes(session, simulation_id, after=after, unit_ids=units) if units else []
    reached = reached_of(session, grants, Permission.PEOPLE_READ, [one.person_id for one in found])
    names = accounts.names(session, reached)
    rows = [
        Person(person_id=one.person_id, name=names.get(one.person_id, ""), change=one)
        for one in found
        if one.person_id in reached
    ]
    return rows, found[-1].person_id if len(found) == simulate_queries.PAGE else None
