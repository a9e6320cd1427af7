"""Who may go today: the three groups of a unit and below, their people by key, and who could go instead.

The groups are conditions on the rows of people, their levels and their licences; they say what `licences.rules` says of
the same dates. Rows that may not be trusted are folded and placed one by one. Every read is of one unit and what is
below it, and of no more than `MOST` people.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from training_app.access.models import PersonInUnit
from training_app.access.queries import in_reach, reached_of
from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.models import Assignment, PersonProfile
from training_app.accounts.queries import UnitRow, holds_on
from training_app.accounts.rules import AssignmentKind
from training_app.calendar.rules import legal_day
from training_app.dashboards.people_rules import PageKey
from training_app.dashboards.today_rules import MOST, NEAR, PAGE, TodayFilters
from training_app.db import SortKey
from training_app.licences.queries import Book
from training_app.licences.rules import ZONE, Answer, JobType, May
from training_app.permits.permit_rules import PERMIT_MOVES, PermitEventKind
from training_app.permits.permit_rules import state_at as permit_state_at
from training_app.status import condition_queries as conditions
from training_app.status import job_queries
from training_app.status import queries as status
from training_app.status.fold_queries import Snapshot
from training_app.status.models import LevelHeld, LicenceHeld, PersonState
from training_app.status.rules import VALID_TODAY, HeldLicence, State, is_stale, permit_facts

P = Permission
_ON = sa.bindparam("on", type_=sa.Date())
_TOP = sa.bindparam("top", type_=sa.BigInteger())


@dataclass(frozen=True, kw_only=True)
class TodayRow:
    """A person on the page of today; `may_stop`: the reader may stop them for safety now."""

    person_id: int
    sort_key: str
    number: str
    name: str
    phone: str | None
    unit: UnitRow | None
    answer: Answer
    licences: Sequence[HeldLicence]
    may_stop: bool = False


@dataclass(frozen=True, kw_only=True)
class TodayPage:
    """One page of the list, with the keys of the pages around it."""

    rows: Sequence[TodayRow]
    before: PageKey | None = None
    after: PageKey | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a reader asks about: as of when, with which words, what they hold, and whose rows are out of date."""

    session: Session
    now: datetime
    book: Book
    units: Mapping[int, UnitRow]
    grants: tuple[Grant, ...]
    actor_id: int
    stale: Mapping[int, Snapshot]

    @property
    def on(self) -> date:
        """Return the legal day."""
        return legal_day(self.now, ZONE)


def ask(session: Session, unit_id: int, units: Mapping[int, UnitRow], grants: tuple[Grant, ...], actor_id: int,
        now: datetime) -> Asked:  # fmt: skip
    """Return what a question about a unit and below is answered with; who of them is out of date is folded anew."""
    late = session.scalars(
        sa.select(PersonState.person_id)
        .join(PersonInUnit, PersonInUnit.person_id == PersonState.person_id)
        .where(PersonInUnit.ancestor_unit_id == _TOP, conditions.stale())
        .order_by(PersonState.next_change_at)
        .limit(status.MOST_STALE),
        {"now": now, "top": unit_id},
    ).all()  # fmt: skip
    return Asked(
        session=session, now=now, book=job_queries.book_of(session, now), units=units, grants=grants,
        actor_id=actor_id, stale={one: status.fold_person(session, one, now) for one in late},
    )  # fmt: skip


def is_too_many(session: Session, unit_id: int) -> bool:
    """Tell whether more people work at a unit and below than the page goes through; one read of at most that many."""
    some = sa.select(sa.literal(1)).where(PersonInUnit.ancestor_unit_id == unit_id).limit(MOST + 1).subquery()
    return (session.scalar(sa.select(sa.func.count()).select_from(some)) or 0) > MOST


def _level(job: JobType, enough: Collection[str]) -> ColumnElement[bool]:
    held = LevelHeld
    return sa.exists().where(
        held.person_id == PersonState.person_id, held.scheme == job.scheme, held.level.in_(sorted(enough)),
        held.valid_until > conditions.NOW, sa.or_(held.withdrawn_at.is_(None), held.withdrawn_at > conditions.NOW),
    )  # fmt: skip


def _licence(kind: str) -> ColumnElement[bool]:
    held = LicenceHeld
    return sa.exists().where(
        held.person_id == PersonState.person_id, held.kind == kind,
        sa.or_(held.expires_on.is_(None), held.expires_on >= _ON),
    )  # fmt: skip


def _able(book: Book, job: str) -> ColumnElement[bool]:
    """Return the condition for levels and licences that are enough for a type of job, whatever the permit says."""
    row = book.jobs[job]
    return sa.and_(_level(row.rules, row.levels_enough), *(_licence(kind) for kind in row.rules.licences))


def _able_to_any(book: Book) -> ColumnElement[bool]:
    """Return the condition for levels and licences that are enough for some type of job."""
    if not book.jobs:
        return sa.true()
    # Whoever may do what asks for more may do what asks for less: only the least demanding are looked at.
    needs = {
        key: (job.rules.scheme, job.levels_enough, frozenset(job.rules.licences)) for key, job in book.jobs.items()
    }
    least: dict[tuple[Any, ...], str] = {}
    for key, (scheme, levels, papers) in needs.items():
        is_implied = any(
            (scheme, levels) == (other[0], other[1]) and other[2] < papers for one, other in needs.items() if one != key
        )
        if not is_implied:
            least.setdefault((scheme, levels, papers), key)
    return sa.or_(*(_able(book, key) for key in least.values()))


def _has_run_out(book: Book) -> ColumnElement[bool]:
    """Return the condition for a licence that has run out, that some type of job needs, and that none replaces."""
    kinds = sorted({kind for job in book.jobs.values() for kind in job.rules.licences})
    if not kinds:
        return sa.false()
    over, held = sa.orm.aliased(LicenceHeld), sa.orm.aliased(LicenceHeld)
    stands = sa.exists().where(
        held.person_id == over.person_id, held.kind == over.kind,
        sa.or_(held.expires_on.is_(None), held.expires_on >= _ON),
    )  # fmt: skip
    return sa.exists().where(
        over.person_id == PersonState.person_id, over.kind.in_(kinds), over.expires_on < _ON, ~stands
    )


def groups(asked: Asked, job: str) -> dict[May, ColumnElement[bool]]:
    """Return the conditions of the three groups at `:now`: altogether, or for one type of job.

    Whoever needs no permit is in none. Rows that may not be trusted are placed as they were folded.
    """
    works, in_grace = conditions.of_states(VALID_TODAY), conditions.of_state(State.GRACE)
    able = _able(asked.book, job) if job else _able_to_any(asked.book)
    yes, limited = sa.and_(works, able), sa.and_(in_grace, able)
    if not job:
        over = _has_run_out(asked.book)
        yes, limited = sa.and_(yes, ~over), sa.or_(limited, sa.and_(works, able, over))
    no = sa.and_(conditions.trusted(), ~sa.or_(works, in_grace, conditions.of_state(State.NONE)))
    no = sa.or_(no, sa.and_(sa.or_(works, in_grace), ~able))
    found = {May.YES: yes, May.LIMITED: limited, May.NO: no}
    if not asked.stale:
        return found
    placed: dict[May, list[int]] = {may: [] for may in May}
    for person_id, snapshot in asked.stale.items():
        if snapshot.state is not State.NONE:
            placed[_may(_answer_of(asked, snapshot), job)].append(person_id)
    return {may: sa.or_(one, PersonState.person_id.in_(sorted(placed[may]))) for may, one in found.items()}


def _may(answer: Answer, job: str) -> May:
    return next((line.may for line in answer.lines if line.job == job), answer.may) if job else answer.may


def _answer_of(asked: Asked, snapshot: Snapshot) -> Answer:
    ranks = job_queries.ranks_of(asked.session, asked.now)
    return job_queries.answer(snapshot.facts, snapshot.levels, snapshot.licences, asked.book, ranks, asked.now)


def counts(asked: Asked, filters: TodayFilters) -> dict[May, int]:
    """Return how many of a unit and below are in each group; one read."""
    wanted = groups(asked, filters.job)
    row = asked.session.execute(
        sa.select(*(sa.func.count(sa.case((one, 1))).label(may.value) for may, one in wanted.items()))
        .select_from(PersonInUnit)
        .join(PersonState, PersonState.person_id == PersonInUnit.person_id)
        .where(PersonInUnit.ancestor_unit_id == _TOP),
        {"now": asked.now, "on": asked.on, "top": filters.unit},
    ).one()  # fmt: skip
    return {may: int(getattr(row, may.value)) for may in May}


def _rows_statement() -> sa.Select[Any]:
    row, profile = PersonInUnit, PersonProfile
    return (
        sa.select(
            row.sort_key, row.person_id, profile.number, profile.name, profile.phone, Assignment.unit_id,
            *(getattr(PersonState, name) for name in status.FACTS),
        )
        .join(profile, profile.person_id == row.person_id)
        .join(PersonState, PersonState.person_id == row.person_id)
        .join(
            Assignment,
            sa.and_(
                Assignment.person_id == row.person_id, Assignment.kind == AssignmentKind.MAIN,
                *holds_on(Assignment, _ON),
            ),
        )
    )  # fmt: skip


def page(asked: Asked, filters: TodayFilters, key: PageKey | None, size: int = PAGE) -> TodayPage:
    """Return one page of the people of a unit and below, by name; three reads."""
    row, wanted = PersonInUnit, groups(asked, filters.job)
    here = sa.tuple_(row.sort_key, row.person_id)
    statement = _rows_statement().where(
        row.ancestor_unit_id == _TOP, wanted[May(filters.may)] if filters.may else sa.or_(*wanted.values())
    )
    if filters.q:
        statement = statement.where(accounts.matches(filters.q))
    back = key is not None and key.back
    if key is not None:
        start = sa.tuple_(sa.literal(key.sort_key, SortKey), sa.literal(key.person_id))
        statement = statement.where(here < start if back else here > start)
    order = (row.sort_key.desc(), row.person_id.desc()) if back else (row.sort_key, row.person_id)
    values = {"now": asked.now, "on": asked.on, "top": filters.unit}
    found = asked.session.execute(statement.order_by(*order).limit(size + 1), values).all()
    is_more, found = len(found) > size, found[:size]
    rows = _rows(asked, list(reversed(found)) if back else found)
    has_before, has_after = (is_more, True) if back else (key is not None, is_more)
    return TodayPage(
        rows=rows,
        before=_key(rows[0], back=True) if rows and has_before else None,
        after=_key(rows[-1], back=False) if rows and has_after else None,
    )


def _key(row: TodayRow, *, back: bool) -> PageKey:
    return PageKey(sort_key=row.sort_key, person_id=row.person_id, back=back)


def _rows(asked: Asked, found: Sequence[Any]) -> list[TodayRow]:
    """Return rows with what each may do; levels and licences of all are read at once."""
    session, now = asked.session, asked.now
    ids = [row.person_id for row in found]
    levels, papers = status.levels_held(session, ids), status.licences_held(session, ids)
    ranks = job_queries.ranks_of(session, now)
    stoppable = reached_of(session, asked.grants, P.CASE_INTERIM_STOP, ids) - {asked.actor_id}
    rows = []
    for row in found:
        fresh = asked.stale.get(row.person_id)
        if fresh is None and is_stale(row.next_change_at, now):
            fresh = status.fold_person(session, row.person_id, now)
        facts = fresh.facts if fresh else status.row_facts(row)
        held, own = (fresh.levels, fresh.licences) if fresh else (levels[row.person_id], papers[row.person_id])
        can_be_stopped = permit_state_at(permit_facts(facts), now) in PERMIT_MOVES[PermitEventKind.INTERIM_STOPPED]
        rows.append(
            TodayRow(
                person_id=row.person_id, sort_key=row.sort_key, number=row.number, name=row.name, phone=row.phone,
                unit=asked.units.get(row.unit_id),
                answer=job_queries.answer(facts, held, own, asked.book, ranks, now), licences=own,
                may_stop=can_be_stopped and row.person_id in stoppable,
            )
        )  # fmt: skip
    return rows


@dataclass(frozen=True, kw_only=True)
class Substitutes:
    """Who could go instead: of the same unit and below first, then of the units below the same parent."""

    same: Sequence[TodayRow]
    near: Sequence[TodayRow]

    @property
    def are_all(self) -> bool:
        """Tell whether these are all there are."""
        return len(self.same) < NEAR and len(self.near) < NEAR


def around(session: Session, unit_id: int, units: Mapping[int, UnitRow]) -> int:
    """Return the unit whose people are near a unit: the one above, or itself where that has too many people."""
    parent_id = units[unit_id].parent_id if unit_id in units else None
    return unit_id if parent_id is None or is_too_many(session, parent_id) else parent_id


def substitutes(asked: Asked, person_id: int, unit_id: int, near_id: int, job: str) -> Substitutes:
    """Return who within reach may do a type of job now without limit, near a unit; six reads, `NEAR` people of each."""
    same = _who_may(asked, job, unit_id, but=person_id, not_in=None)
    same = sorted(same, key=lambda row: (row.unit is None or row.unit.unit_id != unit_id, row.sort_key))
    near = [] if near_id == unit_id else _who_may(asked, job, near_id, but=person_id, not_in=unit_id)
    return Substitutes(same=same, near=near)


def _who_may(asked: Asked, job: str, unit_id: int, *, but: int, not_in: int | None) -> list[TodayRow]:
    row = PersonInUnit
    statement = _rows_statement().where(
        row.ancestor_unit_id == _TOP, row.person_id != but, groups(asked, job)[May.YES],
        in_reach(row.person_id, asked.grants, P.PEOPLE_READ),
    )  # fmt: skip
    if not_in is not None:
        inside = sa.orm.aliased(PersonInUnit)
        below = sa.exists().where(inside.person_id == row.person_id, inside.ancestor_unit_id == not_in)
        statement = statement.where(~below)
    values = {"now": asked.now, "on": asked.on, "top": unit_id}
    found = asked.session.execute(statement.order_by(row.sort_key, row.person_id).limit(NEAR), values).all()
    return _rows(asked, found)
