"""Who of a list can be reminded, and of what: a few reads, however many people there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit
from training_app.accounts.models import Login, Person, PersonProfile
from training_app.calendar.rules import last_day, legal_day
from training_app.certifications import queries as certifications
from training_app.courses.models import Enrolment, LearningEvent
from training_app.dashboards import people_queries as lists
from training_app.dashboards.people_queries import ZONE, Stale
from training_app.dashboards.people_rules import Filters
from training_app.dashboards.reminding_rules import Due, Open, is_level_due, what_is_due
from training_app.permits import desk_queries
from training_app.roleplay import improvement_queries
from training_app.status import queries as status
from training_app.status import rules as status_rules
from training_app.status.models import PersonState


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Somebody who may be reminded: whether they have ever set a password, and what is due, None for nothing.

    `permit_last_on`: the last day of their permit, None before the first.
    """

    person_id: int
    has_signed_in: bool
    due: Due | None
    permit_last_on: date | None


def of_list(
    session: Session, tops: frozenset[int], filters: Filters, now: datetime, stale: Stale, *, most: int
) -> list[Candidate]:
    """Return whom a list shows, at most `most` of them."""
    wanted = (
        _people()
        .join(PersonInUnit, PersonInUnit.person_id == PersonState.person_id)
        .join(PersonProfile, PersonProfile.person_id == PersonState.person_id)
        .where(lists.within(has_one_top=len(tops) == 1), *lists.conditions_of(filters, stale))
        .limit(most)
    )
    return _candidates(session, session.execute(wanted, lists.told(tops, filters, None, now)).all(), now, stale)


def of_person(session: Session, person_id: int, now: datetime) -> Candidate | None:
    """Return one person who works here, None where nobody does by this number."""
    wanted = (
        _people()
        .join(Person, Person.id == PersonState.person_id)
        .where(PersonState.person_id == person_id, Person.left_on.is_(None))
    )
    found = _candidates(session, session.execute(wanted).all(), now, lists.NOBODY)
    return found[0] if found else None


def _people() -> sa.Select[Any]:
    columns = [getattr(PersonState, name) for name in status.FACTS]
    return sa.select(
        PersonState.person_id, PersonState.level, Login.password_hash.isnot(None).label("has_signed_in"), *columns
    ).outerjoin(Login, Login.person_id == PersonState.person_id)


def _candidates(session: Session, rows: Sequence[Any], now: datetime, stale: Stale) -> list[Candidate]:
    ids = [row.person_id for row in rows]
    on = legal_day(now, ZONE)
    answering, learning = desk_queries.to_answer(session, ids), _unfinished(session, ids)
    planning = improvement_queries.to_write(session, ids)
    days = {one.rules.level: one.rules.renewal_days for one in certifications.levels(session, on)}
    found = []
    for row in rows:
        facts, level = _facts(session, row, now, stale)
        open_ = Open(
            case=row.person_id in answering,
            plan=row.person_id in planning,
            level=is_level_due(facts.level_valid_until, days.get(level or "", 0), now),
            courses=row.person_id in learning,
        )
        found.append(
            Candidate(
                person_id=row.person_id, has_signed_in=row.has_signed_in,
                due=what_is_due(status_rules.state_at(facts, now), open_),
                permit_last_on=last_day(facts.valid_until, ZONE) if facts.valid_until else None,
            )
        )  # fmt: skip
    return found


def _facts(session: Session, row: Any, now: datetime, stale: Stale) -> tuple[status_rules.Facts, str | None]:
    fresh = stale.people.get(row.person_id)
    if fresh is None and status_rules.is_stale(row.next_change_at, now):
        fresh = status.fold_person(session, row.person_id, now)
    return (fresh.facts, fresh.level) if fresh else (status.row_facts(row), row.level)


def _unfinished(session: Session, person_ids: Sequence[int]) -> frozenset[int]:
    """Return who has a course with a last day that they have not finished."""
    done = sa.exists().where(
        LearningEvent.person_id == Enrolment.person_id, LearningEvent.kind == "course",
        LearningEvent.course_key == Enrolment.course_key,
    )  # fmt: skip
    rows = sa.select(Enrolment.person_id).where(
        Enrolment.person_id.in_(person_ids), Enrolment.due_on.isnot(None), ~done
    )
    return frozenset(session.scalars(rows.distinct()))
