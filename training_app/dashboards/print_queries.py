"""Whom a print of a unit would hold: by key, as many as one print takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit
from training_app.accounts.models import Login, PersonProfile
from training_app.accounts.queries import UnitRow
from training_app.credentials.print_rules import PrintKind
from training_app.dashboards import people_queries as lists
from training_app.dashboards.people_rules import Filters, PageKey


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Somebody who can be chosen. `permit_number`: None where no card is meant."""

    person_id: int
    number: str
    name: str
    permit_number: str | None


@dataclass(frozen=True, kw_only=True)
class Choices:
    """One page of them, with the keys of the pages around it."""

    rows: Sequence[Choice]
    before: PageKey | None
    after: PageKey | None


def page(
    session: Session, kind: PrintKind, unit_id: int, key: PageKey | None, now: datetime,
    units: Mapping[int, UnitRow], size: int,
) -> Choices:  # fmt: skip
    """Return whom a print may hold at a unit and below: valid today for cards, without a password for slips."""
    return (
        _valid(session, unit_id, key, now, units, size)
        if kind is PrintKind.CARDS
        else _invited(session, unit_id, key, size)
    )


def _valid(
    session: Session, unit_id: int, key: PageKey | None, now: datetime, units: Mapping[int, UnitRow], size: int
) -> Choices:
    stale = lists.stale_states(session, now)
    found = lists.page(session, frozenset({unit_id}), Filters(state="today"), key, now, stale, units, size)
    rows = [
        Choice(person_id=row.person_id, number=row.number, name=row.name, permit_number=row.permit_number)
        for row in found.rows
    ]
    return Choices(rows=rows, before=found.before, after=found.after)


def _invited(session: Session, unit_id: int, key: PageKey | None, size: int) -> Choices:
    place = PersonInUnit
    here = sa.tuple_(place.sort_key, place.person_id)
    wanted = (
        sa.select(place.person_id, place.sort_key, PersonProfile.number, PersonProfile.name)
        .join(PersonProfile, PersonProfile.person_id == place.person_id)
        .join(Login, Login.person_id == place.person_id)
        .where(place.ancestor_unit_id == unit_id, Login.password_hash.is_(None), Login.disabled_at.is_(None))
        .limit(size + 1)
    )
    back = key is not None and key.back
    if key is not None:
        start = sa.tuple_(sa.literal(key.sort_key), sa.literal(key.person_id))
        wanted = wanted.where(here < start if back else here > start)
    order = (place.sort_key.desc(), place.person_id.desc()) if back else (place.sort_key, place.person_id)
    found = session.execute(wanted.order_by(*order)).all()
    is_more, found = len(found) > size, found[:size]
    if back:
        found = found[::-1]
    rows = [Choice(person_id=row.person_id, number=row.number, name=row.name, permit_number=None) for row in found]
    has_before, has_after = (is_more, True) if back else (key is not None, is_more)
    return Choices(
        rows=rows,
        before=PageKey(sort_key=found[0].sort_key, person_id=found[0].person_id, back=True)
        if found and has_before
        else None,
        after=PageKey(sort_key=found[-1].sort_key, person_id=found[-1].person_id) if found and has_after else None,
    )
