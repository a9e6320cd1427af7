"""The list of people: pages by key over the narrow scope rows, counts, and the five figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cache, lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from training_app.access.models import PersonInUnit
from training_app.access.rules import Grant
from training_app.accounts import people_queries as people
from training_app.accounts import queries as accounts
from training_app.accounts.models import Assignment, Company, Login, Person, PersonProfile
from training_app.accounts.queries import UnitRow, holds_on
from training_app.accounts.rules import AssignmentKind
from training_app.calendar.rules import day_end, legal_day
from training_app.dashboards.people_rules import GROUPS, PAGE, Filters, PageKey
from training_app.db import SortKey, UtcDateTime
from training_app.status import condition_queries as conditions
from training_app.status import queries as status
from training_app.status import rules as status_rules
from training_app.status.fold_queries import Snapshot
from training_app.status.models import PersonState
from training_app.status.rules import State

ZONE = "Asia/Shanghai"
SOON_DAYS = 30
_ON = sa.bindparam("on", type_=sa.Date())
_END = sa.bindparam("end", type_=UtcDateTime())
_TOP = sa.bindparam("top", type_=sa.BigInteger())
_TOPS = sa.bindparam("tops", type_=sa.BigInteger(), expanding=True)


@dataclass(frozen=True, kw_only=True)
class PersonRow:
    """A person in the list. `points`: deducted, of `points_limit` (None before the permit)."""

    person_id: int
    sort_key: str
    number: str
    name: str
    name_latin: str | None
    phone: str | None
    email: str | None
    language: str
    unit_number: str | None
    unit_name: str | None
    unit_latin: str | None
    employer: str | None
    employer_latin: str | None
    state: State
    permit_number: str | None
    valid_until: datetime | None
    points: int
    points_limit: int | None
    level: str | None
    level_valid_until: datetime | None
    open_cases: int


@dataclass(frozen=True, kw_only=True)
class PeoplePage:
    """One page of the list, with the keys of the pages around it."""

    rows: Sequence[PersonRow]
    before: PageKey | None
    after: PageKey | None


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Whom the reader reaches at all, as units; `tops` hold everybody once.

    `is_everybody`: whoever works anywhere is within reach. `by_id`: every unit there is, also out of reach.
    """

    tops: frozenset[int]
    units: Sequence[UnitRow]
    is_everybody: bool
    by_id: Mapping[int, UnitRow] = field(default_factory=dict)

    @property
    def unit_ids(self) -> frozenset[int]:
        """Return every unit within reach."""
        return frozenset(row.unit_id for row in self.units)


@dataclass(frozen=True, kw_only=True)
class Stale:
    """People whose rows may not be trusted, folded anew."""

    people: Mapping[int, Snapshot]


NOBODY = Stale(people={})


def scope_of(session: Session, grants: tuple[Grant, ...], permission: str, on: date) -> Scope:
    """Return what a permission reaches; one read."""
    rows = accounts.units(session, on)
    tops = people.tops_in_reach(rows, grants, permission)
    return Scope(
        tops=tops,
        units=people.units_in_reach(rows, grants, permission),
        is_everybody=tops >= {row.unit_id for row in rows if row.parent_id is None},
        by_id={row.unit_id: row for row in rows},
    )


def narrowed(scope: Scope, filters: Filters) -> frozenset[int]:
    """Return the topmost units of the list: that of the filter if it lies within reach, else all within reach."""
    if filters.unit is None:
        return scope.tops
    return frozenset({filters.unit}) & scope.unit_ids


@cache
def _stale_ids() -> sa.Select[int]:
    return (
        sa.select(PersonState.person_id)
        .where(conditions.stale())
        .order_by(PersonState.next_change_at)
        .limit(status.MOST_STALE)
    )


def stale_states(session: Session, now: datetime) -> Stale:
    """Fold whose row is out of date, so that nobody is counted or shown as valid by an old row; usually nobody."""
    ids = session.scalars(_stale_ids(), {"now": now}).all()
    return Stale(people={one: status.fold_person(session, one, now) for one in ids})


def in_states(wanted: Iterable[State], stale: Stale) -> ColumnElement[bool]:
    """Return the condition for people in any of the states at `:now`: trusted rows by date, the others as folded."""
    states = frozenset(wanted)
    by_date = conditions.of_states(states)
    folded = sorted(one for one, now_is in stale.people.items() if now_is.state in states)
    return sa.or_(by_date, PersonState.person_id.in_(folded)) if folded else by_date


def expiring(stale: Stale) -> ColumnElement[bool]:
    """Return the condition for permits valid at `:now` that end no later than `:end`."""
    return sa.and_(in_states(GROUPS["today"], stale), PersonState.valid_until <= _END)


def _end(days: int, now: datetime) -> datetime:
    """Return when `days` days are over, today not counted."""
    return day_end(legal_day(now, ZONE) + timedelta(days=days), ZONE)


def _told_by_row(by_row: ColumnElement[bool], stale: Stale, by_fold: Callable[[Snapshot], bool]) -> ColumnElement[bool]:
    """Return a condition on what no date tells: trusted rows by the row, the others as folded."""
    if not stale.people:
        return by_row
    folded = sorted(one for one, now_is in stale.people.items() if by_fold(now_is))
    trusted = sa.and_(by_row, PersonState.person_id.notin_(sorted(stale.people)))
    return sa.or_(trusted, PersonState.person_id.in_(folded))


def conditions_of(filters: Filters, stale: Stale) -> list[ColumnElement[bool]]:
    """Return the conditions of the filters besides the unit, on the rows of people's states and profiles."""
    found: list[ColumnElement[bool]] = []
    if filters.q:
        found.append(accounts.matches(filters.q))
    if filters.states:
        found.append(in_states(filters.states, stale))
    if filters.level:
        found.append(_told_by_row(PersonState.level == filters.level, stale, lambda one: one.level == filters.level))
    if filters.days is not None:
        found.append(expiring(stale))
    if filters.points is not None:
        found.append(_has_at_most(filters.points, stale))
    if filters.standing:
        wanted = filters.standing
        found.append(_told_by_row(PersonState.standing == wanted, stale, lambda one: one.standing == wanted))
    if filters.company:
        found.append(_works_for(filters.company))
    if filters.cases:
        found.append(_told_by_row(PersonState.open_cases > 0, stale, lambda one: one.open_cases > 0))
    return found


def _has_at_most(left: int, stale: Stale) -> ColumnElement[bool]:
    """Return the condition for permits on which at most so many points are left."""
    return _told_by_row(
        PersonState.points_limit - PersonState.points <= left,
        stale,
        lambda one: one.points_limit is not None and one.points_limit - one.points <= left,
    )


def _works_for(company: str) -> ColumnElement[bool]:
    """Return the condition for who works on `:on` for a company whose name, in either language, begins so."""
    held = aliased(Assignment)
    return sa.exists(
        sa.select(held.id)
        .outerjoin(Company, Company.name == held.employer)
        .where(
            held.person_id == PersonInUnit.person_id, held.kind == AssignmentKind.MAIN, *holds_on(held, _ON),
            sa.or_(
                held.employer.startswith(company, autoescape=True),
                sa.func.lower(Company.name_latin).startswith(company.lower(), autoescape=True),
            ),
        )
        .correlate(PersonInUnit)
    )  # fmt: skip


_SHOWN = ("permit_number", "points", "points_limit", "level", "open_cases")


def _row_columns() -> list[Any]:
    profile = PersonProfile
    return [
        PersonInUnit.sort_key, PersonInUnit.person_id, profile.number, profile.name, profile.name_latin, profile.phone,
        profile.email, profile.language, Assignment.unit_id, Assignment.employer,
        Company.name_latin.label("employer_latin"),
        *(getattr(PersonState, name) for name in (*status.FACTS, *_SHOWN)),
    ]  # fmt: skip


@dataclass(frozen=True)
class _Shape:
    """What a page's statement is built from; everything else is told to it."""

    has_one_top: bool
    filters: Filters
    back: bool | None
    size: int


def _shape(tops: frozenset[int], filters: Filters, key: PageKey | None, size: int) -> _Shape:
    return _Shape(len(tops) == 1, replace(filters, unit=None), key.back if key else None, size)


def _page_statement(shape: _Shape, stale: Stale) -> sa.Select[Any]:
    row = PersonInUnit
    here = sa.tuple_(row.sort_key, row.person_id)
    wanted = (
        sa.select(*_row_columns())
        .join(PersonProfile, PersonProfile.person_id == row.person_id)
        .join(PersonState, PersonState.person_id == row.person_id)
        .join(
            Assignment,
            sa.and_(
                Assignment.person_id == row.person_id,
                Assignment.kind == AssignmentKind.MAIN,
                *holds_on(Assignment, _ON),
            ),
        )
        .outerjoin(Company, Company.name == Assignment.employer)
        .where(within(has_one_top=shape.has_one_top), *conditions_of(shape.filters, stale))
        .limit(shape.size + 1)
    )
    if shape.back is not None:
        start = sa.tuple_(sa.bindparam("start_key", type_=SortKey), sa.bindparam("start_id", type_=sa.BigInteger()))
        wanted = wanted.where(here < start if shape.back else here > start)
    if shape.back:
        return wanted.order_by(row.sort_key.desc(), row.person_id.desc())
    return wanted.order_by(row.sort_key, row.person_id)


@lru_cache(maxsize=64)
def _page_built(shape: _Shape) -> sa.Select[Any]:
    return _page_statement(shape, NOBODY)


def told(tops: frozenset[int], filters: Filters, key: PageKey | None, now: datetime) -> dict[str, Any]:
    """Return the values that the statements of a list ask for."""
    values: dict[str, Any] = {"now": now, "on": legal_day(now, ZONE), "end": _end(filters.days or SOON_DAYS, now)}
    values |= {"top": next(iter(tops))} if len(tops) == 1 else {"tops": sorted(tops)}
    return values | ({"start_key": key.sort_key, "start_id": key.person_id} if key else {})


def page_statement(
    tops: frozenset[int], filters: Filters, key: PageKey | None, now: datetime, stale: Stale, size: int = PAGE
) -> tuple[sa.Select[Any], dict[str, Any]]:
    """Return the one statement of a page and its values: by key over the scope rows, the rest by primary key.

    Statements are built once for each shape, save where somebody is searched or a row is stale.
    """
    shape = _shape(tops, filters, key, size)
    is_usual = not (filters.q or filters.company or stale.people)
    return _page_built(shape) if is_usual else _page_statement(shape, stale), told(tops, filters, key, now)


def within(*, has_one_top: bool) -> ColumnElement[bool]:
    """Return the condition for people at or below the topmost units of a list, told as `:top` or `:tops`."""
    # One unit is the common case: with equality the rows come out of the index in order.
    return PersonInUnit.ancestor_unit_id == _TOP if has_one_top else PersonInUnit.ancestor_unit_id.in_(_TOPS)


def page(
    session: Session, tops: frozenset[int], filters: Filters, key: PageKey | None, now: datetime, stale: Stale,
    units: Mapping[int, UnitRow], size: int = PAGE,
) -> PeoplePage:  # fmt: skip
    """Return one page of the list; one read. `units`: all there are, by id, for their names."""
    statement, values = page_statement(tops, filters, key, now, stale, size)
    found = session.connection().execute(statement, values).all()
    is_more, found = len(found) > size, found[:size]
    back = key is not None and key.back
    rows = [
        _person_row(row, units.get(row.unit_id), now, stale, session) for row in (reversed(found) if back else found)
    ]
    has_before, has_after = (is_more, True) if back else (key is not None, is_more)
    return PeoplePage(
        rows=rows,
        before=_key(rows[0], back=True) if rows and has_before else None,
        after=_key(rows[-1], back=False) if rows and has_after else None,
    )


def _key(row: PersonRow, *, back: bool) -> PageKey:
    return PageKey(sort_key=row.sort_key, person_id=row.person_id, back=back)


def _person_row(row: Any, unit: UnitRow | None, now: datetime, stale: Stale, session: Session) -> PersonRow:
    fresh = stale.people.get(row.person_id)
    if fresh is None and status_rules.is_stale(row.next_change_at, now):
        fresh = status.fold_person(session, row.person_id, now)
    shown, facts = fresh or row, fresh.facts if fresh else status.row_facts(row)
    return PersonRow(
        person_id=row.person_id, sort_key=row.sort_key, number=row.number, name=row.name, name_latin=row.name_latin,
        phone=row.phone, email=row.email, language=row.language, unit_number=unit.number if unit else None,
        unit_name=unit.name if unit else None, unit_latin=unit.name_latin if unit else None, employer=row.employer,
        employer_latin=row.employer_latin,
        state=status_rules.state_at(facts, now),
        permit_number=shown.permit_number, valid_until=facts.valid_until, points=shown.points,
        points_limit=shown.points_limit, level=shown.level, level_valid_until=facts.level_valid_until,
        open_cases=shown.open_cases,
    )  # fmt: skip


def count(session: Session, tops: frozenset[int], filters: Filters, now: datetime, stale: Stale) -> int:
    """Return exactly how many people a list holds; one read."""
    wanted = sa.select(sa.func.count()).select_from(PersonInUnit).where(within(has_one_top=len(tops) == 1))
    conditions = conditions_of(filters, stale)
    if conditions:
        wanted = (
            wanted.join(PersonState, PersonState.person_id == PersonInUnit.person_id)
            .join(PersonProfile, PersonProfile.person_id == PersonInUnit.person_id)
            .where(*conditions)
        )
    return session.scalar(wanted, told(tops, filters, None, now)) or 0


@dataclass(frozen=True, kw_only=True)
class LeftRow:
    """A person who left, still explained by their page."""

    person_id: int
    sort_key: str
    number: str
    name: str
    left_on: date


def _has_worked() -> ColumnElement[bool]:
    """Return the condition for who ever had a place or signed in: who came by an import that was undone did neither.

    Who left on the day they came has a place no more, as nobody has one for less than a day.
    """
    placed = sa.exists().where(Assignment.person_id == Person.id, Assignment.superseded_at.is_(None))
    known = sa.exists().where(Login.person_id == Person.id, Login.password_hash.isnot(None))
    return sa.or_(placed, known)


def left_page(session: Session, q: str, key: PageKey | None, size: int = PAGE) -> tuple[list[LeftRow], PageKey | None]:
    """Return people who left, by name, and the key of the next page; for readers of the whole network only."""
    profile = PersonProfile
    wanted = (
        sa.select(profile.person_id, profile.sort_key, profile.number, profile.name, Person.left_on)
        .join(Person, Person.id == profile.person_id)
        .where(Person.left_on.isnot(None), _has_worked(), *([accounts.matches(q)] if q else []))
        .order_by(profile.sort_key, profile.person_id)
        .limit(size + 1)
    )
    if key is not None:
        start = sa.tuple_(sa.literal(key.sort_key), sa.literal(key.person_id))
        wanted = wanted.where(sa.tuple_(profile.sort_key, profile.person_id) > start)
    rows = [LeftRow(**row) for row in session.execute(wanted).mappings()]
    after = PageKey(sort_key=rows[size - 1].sort_key, person_id=rows[size - 1].person_id) if len(rows) > size else None
    return rows[:size], after
