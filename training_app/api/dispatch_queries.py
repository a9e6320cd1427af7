"""May somebody be sent: many permit numbers in a fixed number of reads, each of an instant of its own.

    answers(session, [Asked(number="P-…", at=now)], caller, now)      # one answer for each, in the order asked

A row of `person_state` answers for now and for later until its next change; everything else is folded: an instant that
is past, one as known earlier, one after the next change, a row that waits for the sweeper. In a batch the folds are
bounded by people and by instants; what is beyond is answered "ask again" and never as a yes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.models import Person
from training_app.accounts.whom_queries import Whom
from training_app.api import rules
from training_app.api.queries import Caller
from training_app.calendar.rules import legal_day
from training_app.certifications.queries import ZONE
from training_app.licences.queries import Book
from training_app.licences.rules import Answer, Level, Licence, May, Reason, authorise
from training_app.permits.models import Permit
from training_app.permits.number_rules import find_permit_number
from training_app.permits.permit_rules import PermitFacts, PermitState, may_work, state_at
from training_app.status import job_queries
from training_app.status import queries as status
from training_app.status.fold_queries import fold_people
from training_app.status.models import PersonState
from training_app.status.rules import HeldLevel, HeldLicence, is_stale, permit_facts


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One question: a permit's number, of which instant, for which type of job, accepted when."""

    number: str
    at: datetime
    job_type: str | None = None
    accepted_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class JobSaid:
    """Whether a type of job may be given."""

    job: str
    may_go: bool
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, kw_only=True)
class Said:
    """The answer to one question; `has_left`: the person no longer worked here at that instant."""

    asked: Asked
    may_go: bool
    reasons: tuple[Reason, ...]
    jobs: tuple[JobSaid, ...]
    state: PermitState
    valid_until: datetime | None
    next_change_at: datetime | None
    has_left: bool = False


@dataclass(frozen=True)
class NotFolded:
    """There is too much to fold for one batch; asked again alone, or a moment later, it is answered."""


@dataclass(frozen=True)
class UnknownJob:
    """There is no such type of job on that day."""


Line = Said | NotFolded | UnknownJob | None


@dataclass(frozen=True, kw_only=True)
class _Held:
    """What decides about one person: the dates of the permit, levels and licences."""

    permit: PermitFacts
    levels: Sequence[HeldLevel]
    licences: Sequence[HeldLicence]
    left_on: date | None


def answers(
    session: Session, wanted: Sequence[Asked], caller: Caller, now: datetime, *, known_at: datetime | None = None
) -> list[Line]:
    """Answer every question; None for a number that is unknown or out of reach."""
    numbers = {one.number: find_permit_number(one.number) for one in wanted}
    rows = _rows(session, {number for number in numbers.values() if number}, caller)
    folded = _folded(session, wanted, numbers, rows, now, known_at)
    plain = {
        row.person_id
        for one in wanted
        if (row := rows.get(numbers[one.number] or "")) is not None and (row.person_id, one.at) not in folded
    }
    levels, papers = status.levels_held(session, plain), status.licences_held(session, plain)
    books = _Books(session)
    lines: list[Line] = []
    for one in wanted:
        row = rows.get(numbers[one.number] or "")
        held = None if row is None else folded.get((row.person_id, one.at))
        if row is None:
            lines.append(None)
        elif one.job_type is not None and one.job_type not in books.of(one.at)[0].jobs:
            lines.append(UnknownJob())
        elif isinstance(held, NotFolded):
            lines.append(held)
        else:
            if held is None:
                held = _Held(
                    permit=permit_facts(status.row_facts(row)), levels=levels[row.person_id],
                    licences=papers[row.person_id], left_on=row.left_on,
                )  # fmt: skip
            lines.append(_said(one, held, *books.of(one.at)))
    return lines


def book_of(session: Session, at: datetime) -> Book:
    """Return what the answer of an instant is worded with."""
    return job_queries.book_of(session, at)


class _Books:
    """Types of job and ranks by day, each read once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: dict[date, tuple[Book, Mapping[tuple[str, str], int]]] = {}

    def of(self, at: datetime) -> tuple[Book, Mapping[tuple[str, str], int]]:
        """Return those of an instant."""
        day = legal_day(at, ZONE)
        if day not in self._kept:
            self._kept[day] = job_queries.book_of(self._session, at), job_queries.ranks_of(self._session, at)
        return self._kept[day]


def _rows(session: Session, numbers: Iterable[str], caller: Caller) -> dict[str, Any]:
    names = sorted(numbers)
    if not names:
        return {}
    columns = [getattr(PersonState, name) for name in status.FACTS]
    rows = session.execute(
        sa.select(Permit.number, Permit.person_id, Person.left_on, PersonState.computed_at, *columns)
        .join(Person, Person.id == Permit.person_id)
        .outerjoin(PersonState, PersonState.person_id == Permit.person_id)
        .where(Permit.number.in_(names), *caller.reach(Permit.person_id))
    ).all()
    return {row.number: row for row in rows}


def _folded(
    session: Session, wanted: Sequence[Asked], numbers: Mapping[str, str | None], rows: Mapping[str, Any],
    now: datetime, known_at: datetime | None,
) -> dict[tuple[int, datetime], _Held | NotFolded]:  # fmt: skip
    """Fold who has to be folded, at most so many people at so many instants; the first asked come first."""
    due: dict[datetime, set[int]] = defaultdict(set)
    left: dict[int, date | None] = {}
    found: dict[tuple[int, datetime], _Held | NotFolded] = {}
    count = 0
    for one in wanted:
        row = rows.get(numbers[one.number] or "")
        if row is None or row.person_id in due.get(one.at, ()) or (row.person_id, one.at) in found:
            continue
        if known_at is None and _row_answers(row, one.at, now):
            continue
        if count >= rules.MOST_FOLDED or (one.at not in due and len(due) >= rules.MOST_INSTANTS):
            found[row.person_id, one.at] = NotFolded()
            continue
        count += 1
        due[one.at].add(row.person_id)
        left[row.person_id] = row.left_on
    for at, people in due.items():
        snapshots = fold_people(session, Whom.these(people), at, known_at=known_at)
        for person_id, snapshot in snapshots.items():
            found[person_id, at] = _Held(
                permit=permit_facts(snapshot.facts), levels=snapshot.levels, licences=snapshot.licences,
                left_on=left[person_id],
            )  # fmt: skip
    return found


def _row_answers(row: Any, at: datetime, now: datetime) -> bool:
    """Tell whether the row speaks of an instant: not before now, and before the next date that changes it."""
    return row.computed_at is not None and at >= now and not is_stale(row.next_change_at, at)


def _said(one: Asked, held: _Held, book: Book, ranks: Mapping[tuple[str, str], int]) -> Said:
    answer = _authorised(one, held, book, ranks)
    state = state_at(held.permit, one.at)
    has_left = held.left_on is not None and held.left_on <= legal_day(one.at, ZONE)
    accepted = one.accepted_at if one.accepted_at is not None else one.at
    in_time = not has_left and (state is not PermitState.GRACE or may_work(held.permit, accepted, one.at))
    jobs = tuple(
        JobSaid(job=line.job, may_go=in_time and line.may is not May.NO, reasons=line.reasons) for line in answer.lines
    )
    asked = next((line for line in answer.lines if line.job == one.job_type), None)
    may, reasons = (answer.may, answer.reasons) if asked is None else (asked.may, asked.reasons)
    change = answer.change if asked is None else asked.change
    return Said(
        asked=one, may_go=in_time and may is not May.NO, reasons=reasons, jobs=jobs, state=state,
        valid_until=held.permit.valid_until, next_change_at=change.at if change else None, has_left=has_left,
    )  # fmt: skip


def _authorised(one: Asked, held: _Held, book: Book, ranks: Mapping[tuple[str, str], int]) -> Answer:
    jobs = [book.jobs[one.job_type].rules] if one.job_type else [job.rules for job in book.jobs.values()]
    return authorise(
        held.permit,
        [
            Level(
                scheme=level.scheme, level=level.level, rank=ranks.get((level.scheme, level.level), 0),
                since=level.awarded_at, until=level.ends_at,
            )
            for level in held.levels
        ],
        [Licence(kind=paper.kind, last_on=paper.expires_on) for paper in held.licences],
        jobs,
        at=one.at,
    )  # fmt: skip
