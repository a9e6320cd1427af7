"""Where people in retraining are: what is asked, what speaks for it, and who waits for a certifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import in_reach
from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.models import Person, PersonProfile
from training_app.accounts.queries import PersonCard
from training_app.calendar.rules import legal_day
from training_app.certifications.award_rules import Verdict
from training_app.certifications.evidence_queries import evidence_of
from training_app.certifications.queries import ZONE, Words
from training_app.certifications.retraining_rules import LESSON, judge_return, requirements
from training_app.certifications.rules import Line, RequirementKind, gap, is_complete
from training_app.content import queries as content
from training_app.courses import queries as courses
from training_app.courses.queries import LessonPlace
from training_app.permits import queries as permits
from training_app.permits.queries import RetrainingDue

PAGE = 25


@dataclass(frozen=True, kw_only=True)
class Returning:
    """A person in retraining: what is due and what of it is shown. `lessons`: those that a course still has, by key."""

    person_id: int
    due: RetrainingDue
    lines: tuple[Line, ...]
    lessons: Mapping[str, LessonPlace]
    exam_title: Words
    exam_minutes: int | None

    @property
    def is_shown(self) -> bool:
        """Tell whether everything is shown and only the decision is missing."""
        return is_complete(self.lines)

    @property
    def untaught(self) -> list[Words]:
        """The titles of the breaches for which there is no lesson to read."""
        return [row.title for row in self.due.breaches if row.lesson not in self.lessons]

    @property
    def titles(self) -> dict[str, Words]:
        """The titles of lessons and exam by the key of their requirement; a drill has none of its own."""
        return {f"{LESSON}{key}": place.title for key, place in self.lessons.items()} | {"theory": self.exam_title}


@dataclass(frozen=True, kw_only=True)
class ReturnRow:
    """One person in the certifier's list."""

    person: PersonCard
    returning: Returning
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class ReturnPage:
    """One page of the list, by number of the person; `after` is the key of the next page, None on the last."""

    rows: tuple[ReturnRow, ...]
    names: Mapping[int, str]
    after: int | None


def returns(session: Session, person_ids: Iterable[int], now: datetime) -> dict[int, Returning]:
    """Return where each of these people stands who is in retraining; a fixed number of reads."""
    found = permits.retrainings(session, person_ids, now)
    if not found:
        return {}
    on = legal_day(now, ZONE)
    places = courses.lesson_places(session, on)
    blueprints = content.current(session, "exam_blueprint", on)
    shown = evidence_of(session, found)
    rows = {}
    for person_id, due in found.items():
        lessons = {key: places[key] for key in due.lessons if key in places}
        asked = requirements(due.parts, lessons=lessons, shown_with=due.shown_with)
        blueprint = blueprints.get(due.shown_with.exam)
        rows[person_id] = Returning(
            person_id=person_id,
            due=due,
            lines=gap(asked, shown[person_id], since=due.began_at),
            lessons=lessons,
            exam_title=blueprint.body["title"] if blueprint else {},
            exam_minutes=blueprint.body["limit_minutes"] if blueprint else None,
        )
    return rows


def find_return(session: Session, person_id: int, now: datetime) -> Returning | None:
    """Return where a person in retraining stands, None for all others."""
    return returns(session, [person_id], now).get(person_id)


def return_page(
    session: Session, grants: tuple[Grant, ...], *, certifier_id: int, now: datetime, after: int | None = None
) -> ReturnPage:
    """Return a page of the people in reach who are in retraining, those who have shown everything first."""
    wanted = (
        sa.select(Person.id)
        .where(
            Person.id.in_(permits.people_in_retraining()),
            Person.left_on.is_(None),
            in_reach(Person.id, grants, Permission.LEVEL_AWARD),
        )
        .order_by(Person.id)
        .limit(PAGE + 1)
    )
    if after is not None:
        wanted = wanted.where(Person.id > after)
    ids = list(session.scalars(wanted))
    rows = _rows(session, ids[:PAGE], certifier_id, now)
    return ReturnPage(
        rows=tuple(sorted(rows, key=lambda row: (not row.returning.is_shown, row.person.person_id))),
        names=_names(session, rows),
        after=ids[PAGE - 1] if len(ids) > PAGE else None,
    )


def count_in_reach(session: Session, grants: tuple[Grant, ...], now: datetime) -> tuple[int, int]:
    """Return how many people in reach have shown all that their retraining asks, and how many are in one."""
    ids = session.scalars(
        sa.select(Person.id).where(
            Person.id.in_(permits.people_in_retraining()),
            Person.left_on.is_(None),
            in_reach(Person.id, grants, Permission.LEVEL_AWARD),
        )
    ).all()
    found = returns(session, ids, now)
    return sum(one.is_shown for one in found.values()), len(found)


def find_row(
    session: Session, grants: tuple[Grant, ...], person_id: int, *, certifier_id: int, now: datetime
) -> tuple[ReturnRow, Mapping[int, str]] | None:
    """Return one person in retraining and the names of those in the evidence; None out of reach, and for all others."""
    reach = in_reach(PersonProfile.person_id, grants, Permission.LEVEL_AWARD)
    if session.scalar(sa.select(PersonProfile.person_id).where(PersonProfile.person_id == person_id, reach)) is None:
        return None
    rows = _rows(session, [person_id], certifier_id, now)
    return (rows[0], _names(session, rows)) if rows else None


def _rows(session: Session, person_ids: list[int], certifier_id: int, now: datetime) -> list[ReturnRow]:
    on = legal_day(now, ZONE)
    found = returns(session, person_ids, now)
    cards = accounts.cards(session, list(found), on)
    left = session.execute(sa.select(Person.id, Person.left_on).where(Person.id.in_(found)))
    gone = {row.id for row in left if row.left_on is not None and row.left_on <= on}
    return [
        ReturnRow(
            person=cards[person_id],
            returning=one,
            verdict=judge_return(one.lines, person_id=person_id, certifier_id=certifier_id, has_left=person_id in gone),
        )
        for person_id, one in found.items()
        if person_id in cards
    ]


def _names(session: Session, rows: Iterable[ReturnRow]) -> Mapping[int, str]:
    used = [one for row in rows for line in row.returning.lines for one in line.used]
    return accounts.names(session, {who for one in used for who in one.trainers | one.examiners})


def asks_exam(lines: Sequence[Line]) -> bool:
    """Tell whether the exam is open: it is asked for, not passed, and what comes before it is read."""
    return any(line.requirement.kind is RequirementKind.EXAM and not line.is_met for line in lines) and all(
        line.is_met for line in lines if line.requirement.kind is RequirementKind.LESSON
    )
