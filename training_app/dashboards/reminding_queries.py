"""Who of a list can be reminded, and of what: a few reads, however many people there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit
from training_app.accounts.models import Login, Person, PersonProfile
from training_app.calendar.rules import last_day, legal_day
from training_app.certifications import queries as certifications
from training_app.certifications.level_rules import fold_levels
from training_app.certifications.retraining_queries import returns
from training_app.certifications.rules import is_complete
from training_app.content import queries as content
from training_app.courses.models import Enrolment, LearningEvent
from training_app.dashboards import people_queries as lists
from training_app.dashboards.people_queries import ZONE, Stale
from training_app.dashboards.people_rules import Filters
from training_app.dashboards.reminding_rules import BY_SHOWING, Due, Open, is_level_due, what_is_due
from training_app.permits import desk_queries
from training_app.roleplay import improvement_queries
from training_app.status import queries as status
from training_app.status import rules as status_rules
from training_app.status.models import PersonState
from training_app.status.rules import State


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


def of_people(session: Session, person_ids: Sequence[int], now: datetime) -> list[Candidate]:
    """Return those of some people who work here."""
    wanted = (
        _people()
        .join(Person, Person.id == PersonState.person_id)
        .where(PersonState.person_id.in_(sorted(person_ids)), Person.left_on.is_(None))
    )
    return _candidates(session, session.execute(wanted).all(), now, lists.NOBODY)


def _people() -> sa.Select[Any]:
    columns = [getattr(PersonState, name) for name in status.FACTS]
    return sa.select(PersonState.person_id, Login.password_hash.isnot(None).label("has_signed_in"), *columns).outerjoin(
        Login, Login.person_id == PersonState.person_id
    )


def _candidates(session: Session, rows: Sequence[Any], now: datetime, stale: Stale) -> list[Candidate]:
    ids = [row.person_id for row in rows]
    on = legal_day(now, ZONE)
    facts = {row.person_id: _facts(session, row, now, stale) for row in rows}
    states = {person_id: status_rules.state_at(one, now) for person_id, one in facts.items()}
    answering, learning = desk_queries.to_answer(session, ids), _unfinished(session, ids, on)
    planning, ending = improvement_queries.to_write(session, ids), _level_due(session, ids, on, now)
    shown = _shown(session, states, ending, on, now)
    found = []
    for row in rows:
        open_ = Open(
            case=row.person_id in answering, plan=row.person_id in planning, level=row.person_id in ending,
            courses=row.person_id in learning, shown=row.person_id in shown,
        )  # fmt: skip
        until = facts[row.person_id].valid_until
        found.append(
            Candidate(
                person_id=row.person_id, has_signed_in=row.has_signed_in,
                due=what_is_due(states[row.person_id], open_), permit_last_on=last_day(until, ZONE) if until else None,
            )
        )  # fmt: skip
    return found


def _facts(session: Session, row: Any, now: datetime, stale: Stale) -> status_rules.Facts:
    fresh = stale.people.get(row.person_id)
    if fresh is None and status_rules.is_stale(row.next_change_at, now):
        fresh = status.fold_person(session, row.person_id, now)
    return fresh.facts if fresh else status.row_facts(row)


def _level_due(session: Session, person_ids: Sequence[int], on: date, now: datetime) -> frozenset[int]:
    """Return whose level can be renewed or has ended, in the scheme that first pages show."""
    scheme = next(iter(certifications.schemes(session, on)), None)
    levels = [one.rules for one in certifications.levels(session, on) if one.rules.scheme == scheme]
    held = certifications.level_events(session, person_ids)
    return frozenset(
        person_id
        for person_id, events in held.items()
        if is_level_due(levels, fold_levels(events, as_of=now), now, ZONE)
    )


def _shown(
    session: Session, states: Mapping[int, State], ending: frozenset[int], on: date, now: datetime
) -> frozenset[int]:
    """Return who has shown all that is asked of them, as their first pages say; read only where it matters."""
    returning = [person_id for person_id, state in states.items() if state is State.RETRAINING]
    working = [
        person_id
        for person_id, state in states.items()
        if state is not State.RETRAINING and (state in BY_SHOWING or person_id in ending)
    ]
    found = {person_id for person_id, one in returns(session, returning, now).items() if one.is_shown}
    scheme = next(iter(certifications.schemes(session, on)), None)
    if working and scheme is not None:
        ways = certifications.situations(session, working, scheme=scheme, now=now)
        found |= {person_id for person_id, one in ways.items() if one.target is not None and is_complete(one.lines)}
    return frozenset(found)


def _unfinished(session: Session, person_ids: Sequence[int], on: date) -> frozenset[int]:
    """Return who has a course with a last day that they have not finished; one that is taught no more asks nothing."""
    done = sa.exists().where(
        LearningEvent.person_id == Enrolment.person_id, LearningEvent.kind == "course",
        LearningEvent.course_key == Enrolment.course_key,
    )  # fmt: skip
    rows = sa.select(Enrolment.person_id).where(
        Enrolment.person_id.in_(person_ids),
        Enrolment.due_on.isnot(None),
        ~done,
        Enrolment.course_key.in_(content.current(session, "course", on)),
    )
    return frozenset(session.scalars(rows.distinct()))
