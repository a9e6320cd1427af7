"""Clocks that run: which cases and sanctions wait until when, found by what was told when they were served."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from training_app.accounts.models import Person
from training_app.permits import fold_queries
from training_app.permits.fold_queries import CaseFile, SanctionFile
from training_app.permits.models import CaseEvent, PermitCase, PermitEvent, Sanction, SanctionEvent
from training_app.permits.number_rules import iso

STANDS = ("upheld", "reduced")

last_step = aliased(CaseEvent)
_later = aliased(CaseEvent)


def with_last(*columns: Any) -> sa.Select[Any]:
    """Select cases with their newest step; a service is no step of its own."""
    newer = (
        sa.select(_later.id)
        .where(_later.case_id == last_step.case_id, _later.kind != "serve", _later.seq > last_step.seq)
        .exists()
    )
    return (
        sa.select(*columns).join(last_step, last_step.case_id == PermitCase.id).where(last_step.kind != "serve", ~newer)
    )


def served_until(document: str, at: str | sa.BindParameter[str]) -> ColumnElement[bool]:
    """The deadline told when this document was served is over; what was served before a case was reopened is past."""
    served = aliased(CaseEvent)
    return (
        sa.select(served.id)
        .where(
            served.case_id == PermitCase.id,
            served.kind == "serve",
            served.seq > last_step.seq,
            served.facts["document"].as_string() == document,
            served.facts["deadline_at"].as_string() <= at,
        )
        .exists()
    )


def stands() -> ColumnElement[bool]:
    """A decision that bears points and was neither contested nor taken back."""
    return sa.and_(last_step.kind == "decide", last_step.facts["outcome"].as_string().in_(STANDS))


def to_decide(now: datetime) -> ColumnElement[bool]:
    """The holder has answered, or the time to do so is over."""
    over = sa.and_(last_step.kind.in_(["notify", "reopen"]), served_until("notice", iso(now)))
    return sa.or_(last_step.kind == "answer", over)


def lapsing(session: Session, now: datetime, *, limit: int) -> list[int]:
    """Return the decided cases whose time to appeal, as told, is over; never one that was not served."""
    rows = with_last(PermitCase.id).where(lapses(now))
    return list(session.scalars(rows.order_by(PermitCase.id).limit(limit)))


def running_clocks(
    session: Session, start: datetime, end: datetime, now: datetime, *, after: int, limit: int
) -> list[CaseFile]:
    """Return cases whose told deadline to answer or to contest lies in [start, end), by number; from `after` on.

    Never those of somebody who has left. The calendar may have moved a deadline later since it was told: the state of
    each case says when it is now.
    """
    served = aliased(CaseEvent)
    told = (
        sa.select(served.id)
        .where(
            served.case_id == PermitCase.id, served.kind == "serve", served.seq > last_step.seq,
            served.facts["deadline_at"].as_string() >= iso(start), served.facts["deadline_at"].as_string() < iso(end),
        )
        .exists()
    )  # fmt: skip
    waits = sa.or_(last_step.kind.in_(["notify", "reopen"]), stands())
    rows = session.scalars(
        with_last(PermitCase)
        .join(Person, Person.id == PermitCase.person_id)
        .where(PermitCase.id > after, waits, told, Person.left_on.is_(None))
        .order_by(PermitCase.id)
        .limit(limit)
    ).all()
    return fold_queries.case_files(session, rows, now)


def running_sanctions(
    session: Session, start: datetime, end: datetime, now: datetime, *, after: int, limit: int
) -> list[SanctionFile]:
    """Return sanctions whose told deadline to contest lies in [start, end), by number, from `after` on.

    Not those that were contested or have fallen away, nor those of somebody who has left.
    """
    served, over = aliased(SanctionEvent), aliased(SanctionEvent)
    told = (
        sa.select(served.id)
        .where(
            served.sanction_id == Sanction.id, served.kind == "serve",
            served.facts["deadline_at"].as_string() >= iso(start), served.facts["deadline_at"].as_string() < iso(end),
        )
        .exists()
    )  # fmt: skip
    done = sa.select(over.id).where(over.sanction_id == Sanction.id, over.kind.in_(["appeal", "annul"])).exists()
    query = (
        sa.select(Sanction)
        .join(Person, Person.id == Sanction.person_id)
        .where(Sanction.id > after, told, ~done, Person.left_on.is_(None))
        .order_by(Sanction.id)
        .limit(limit)
    )
    return fold_queries.sanction_files(session, session.scalars(query).all(), now)


def lapsed_of(session: Session, person_id: int, now: datetime) -> list[CaseFile]:
    """Return the cases of a person that time has made final and that nobody has written down yet."""
    rows = session.scalars(_lapsed(), {"person_id": person_id, "at": iso(now)}).all()
    return [file for file in fold_queries.case_files(session, rows, now) if file.state.is_counted]


@cache
def _lapsed() -> sa.Select[Any]:
    over = served_until("decision", sa.bindparam("at", type_=sa.String()))
    person_id: Any = sa.bindparam("person_id")
    return with_last(PermitCase).where(PermitCase.person_id == person_id, stands(), over)


def lapses(now: datetime) -> ColumnElement[bool]:
    """A decision whose time to appeal, as told, is over."""
    return sa.and_(stands(), served_until("decision", iso(now)))


def suspensions_over(session: Session, now: datetime, *, limit: int) -> list[int]:
    """Return the suspensions whose last told end is over and that have not ended; one held up may be among them."""
    sanction_id = PermitEvent.facts["sanction"].as_integer()
    ended = sa.select(SanctionEvent.id).where(
        SanctionEvent.sanction_id == Sanction.id, SanctionEvent.kind.in_(["end", "annul", "dismiss"])
    )
    rows = (
        sa.select(Sanction.id)
        .join(PermitEvent, sa.and_(PermitEvent.permit_id == Sanction.permit_id, sanction_id == Sanction.id))
        .where(
            Sanction.kind == "suspend", PermitEvent.kind == "suspended", ~ended.exists(),
            PermitEvent.facts["until"].as_string() <= iso(now),
        )
        .distinct()
        .order_by(Sanction.id)
        .limit(limit)
    )  # fmt: skip
    return list(session.scalars(rows))
