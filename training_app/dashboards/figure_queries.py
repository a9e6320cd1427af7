"""The five figures over a list of people, each with the filters that show who they count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit
from training_app.access.rules import Grant, Permission
from training_app.dashboards.people_queries import (
    NOBODY,
    SOON_DAYS,
    Scope,
    Stale,
    expiring,
    in_states,
    scope_of,
    stale_states,
    told,
    within,
)
from training_app.dashboards.people_rules import GROUPS, Filters
from training_app.status.models import PersonState


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One of the five figures: how many, and the filters that show them."""

    kind: str
    count: int
    filters: Filters


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The five figures, and how many people the reader reaches at all; both come from one read."""

    everybody: int
    shown: tuple[Figure, ...]
    has_stale: bool

    def count_of(self, filters: Filters) -> int | None:
        """Return how many people a list of the whole reach holds, where that was counted already."""
        if filters.is_open:
            return self.everybody
        if self.has_stale:  # rows that may not be trusted are looked at one by one
            return None
        return next((one.count for one in self.shown if one.filters == filters), None)


_FIGURES: Mapping[str, Filters] = {
    "today": Filters(state="today"),
    "soon": Filters(days=SOON_DAYS),
    "stopped": Filters(state="stopped"),
    "before": Filters(state="before"),
    "cases": Filters(cases=True),
}


def _figures_statement(stale: Stale, *, is_everybody: bool, has_one_top: bool) -> Any:
    wanted = {
        "today": in_states(GROUPS["today"], stale),
        "soon": expiring(stale),
        "stopped": in_states(GROUPS["stopped"], stale),
        "before": in_states(GROUPS["before"], stale),
        "cases": PersonState.open_cases > 0,
    }
    everybody = sa.func.count().label("everybody")
    counts = sa.select(everybody, *(sa.func.count(sa.case((one, 1))).label(kind) for kind, one in wanted.items()))
    if is_everybody:
        works = sa.exists().where(PersonInUnit.person_id == PersonState.person_id)
        return counts.select_from(PersonState).where(works)
    return (
        counts.select_from(PersonInUnit)
        .join(PersonState, PersonState.person_id == PersonInUnit.person_id)
        .where(within(has_one_top=has_one_top))
    )


@cache
def _figures_built(*, is_everybody: bool, has_one_top: bool) -> Any:
    return _figures_statement(NOBODY, is_everybody=is_everybody, has_one_top=has_one_top)


def figures(session: Session, scope: Scope, now: datetime, stale: Stale) -> Figures:
    """Return the five figures of what the reader reaches, each with the filters behind it; one read.

    Everybody is counted row by row as the states lie; part of the network from its own scope rows.
    """
    how = {"is_everybody": scope.is_everybody, "has_one_top": len(scope.tops) == 1}
    statement = _figures_statement(stale, **how) if stale.people else _figures_built(**how)
    row = session.connection().execute(statement, told(scope.tops, Filters(), None, now)).one()
    return Figures(
        everybody=row.everybody,
        shown=tuple(Figure(kind=kind, count=getattr(row, kind), filters=one) for kind, one in _FIGURES.items()),
        has_stale=bool(stale.people),
    )


def figures_of(session: Session, grants: tuple[Grant, ...], on: date, now: datetime) -> tuple[Figure, ...]:
    """Return the five figures of whom these grants let somebody read; none where they reach nobody."""
    scope = scope_of(session, grants, Permission.PEOPLE_READ, on)
    return figures(session, scope, now, stale_states(session, now)).shown if scope.tops else ()
