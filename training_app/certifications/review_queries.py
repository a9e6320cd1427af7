"""Where people in the annual review are: what is asked, what speaks for it, and who waits for a certifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import can_reach, in_reach
from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.models import Person
from training_app.accounts.queries import PersonCard
from training_app.audit.models import Payload
from training_app.calendar.rules import last_day, legal_day
from training_app.certifications.award_rules import Verdict
from training_app.certifications.evidence_queries import evidence_of
from training_app.certifications.queries import ZONE, Words
from training_app.certifications.retraining_rules import LESSON
from training_app.certifications.review_rules import EXAM, judge_review, requirements
from training_app.certifications.rules import Line, gap, is_complete
from training_app.content import queries as content
from training_app.courses.queries import LessonPlace, lesson_places
from training_app.permits import queries as permits
from training_app.permits.permit_rules import renewed_until
from training_app.permits.queries import ReviewDue
from training_app.permits.review_rules import condition_days, needs_condition
from training_app.permits.story_queries import payload_words

PAGE = 25


@dataclass(frozen=True, kw_only=True)
class Reviewing:
    """A person whose permit is to be renewed: what is asked and what of it is shown."""

    person_id: int
    due: ReviewDue
    lines: tuple[Line, ...]
    lessons: Mapping[str, LessonPlace]
    exam_title: Words
    exam_minutes: int | None

    @property
    def is_shown(self) -> bool:
        """Tell whether everything is shown and only the decision is missing."""
        return is_complete(self.lines)

    @property
    def titles(self) -> dict[str, Words]:
        """The titles of lessons and exam by the key of their requirement; an observation has none of its own."""
        return {f"{LESSON}{key}": place.title for key, place in self.lessons.items()} | {EXAM: self.exam_title}


@dataclass(frozen=True, kw_only=True)
class ReviewRow:
    """One person in the certifier's list: `points` of `limit` deducted, `through` the last valid day if renewed now."""

    person: PersonCard
    reviewing: Reviewing
    points: int
    limit: int
    through: date | None
    verdict: Verdict
    refusal: tuple[str, str | None] | None = None  # words of the last one, and their language

    @property
    def due(self) -> ReviewDue:
        """The review itself."""
        return self.reviewing.due

    @property
    def needs_condition(self) -> bool:
        """Tell whether so many points allow a renewal with a condition only."""
        return needs_condition(self.due.record.policy.review, self.points)

    def condition_days(self, now: datetime) -> tuple[date, date]:
        """Return the first and the last day that a condition may give."""
        return condition_days(self.due.record.policy.review, now, self.due.record.zone)


@dataclass(frozen=True, kw_only=True)
class ReviewPage:
    """One page of the list, the review due soonest first; `after` is the key of the next page, None on the last."""

    rows: tuple[ReviewRow, ...]
    names: Mapping[int, str]
    after: tuple[str, int] | None


def reviewings(session: Session, person_ids: Iterable[int], now: datetime) -> dict[int, Reviewing]:
    """Return where each of these people stands whose review is open; a fixed number of reads."""
    found = permits.reviews(session, person_ids, now)
    if not found:
        return {}
    on = legal_day(now, ZONE)
    places = lesson_places(session, on)
    blueprints = content.current(session, "exam_blueprint", on)
    shown = evidence_of(session, found)
    rows = {}
    for person_id, due in found.items():
        lessons = {key: places[key] for key in due.asked.lessons if key in places}
        blueprint = blueprints.get(due.asked.exam) if due.asked.exam else None
        rows[person_id] = Reviewing(
            person_id=person_id,
            due=due,
            lines=gap(requirements(due.asked, lessons=lessons), shown[person_id], since=due.opens_at),
            lessons=lessons,
            exam_title=blueprint.body["title"] if blueprint else {},
            exam_minutes=blueprint.body["limit_minutes"] if blueprint else None,
        )
    return rows


def find_reviewing(session: Session, person_id: int, now: datetime) -> Reviewing | None:
    """Return where a person stands whose review is open, None for all others."""
    return reviewings(session, [person_id], now).get(person_id)


def _in_reach(grants: tuple[Grant, ...], *, is_ready: bool | None) -> sa.Select[Any]:
    windows = permits.open_windows(is_shown=is_ready).subquery("windows")
    return (
        sa.select(windows.c.person_id, windows.c.window)
        .join(Person, Person.id == windows.c.person_id)
        .where(Person.left_on.is_(None), in_reach(Person.id, grants, Permission.LEVEL_AWARD))
    )


def review_page(
    session: Session, grants: tuple[Grant, ...], *, certifier_id: int, now: datetime, is_ready: bool,
    after: tuple[str, int] | None = None,
) -> ReviewPage:  # fmt: skip
    """Return a page of the open reviews in reach: those in which everything is shown, or something is missing."""
    wanted = _in_reach(grants, is_ready=is_ready).subquery("wanted")
    rows = sa.select(wanted).order_by(wanted.c.window, wanted.c.person_id).limit(PAGE + 1)
    if after is not None:
        later = sa.and_(wanted.c.window == after[0], wanted.c.person_id > after[1])
        rows = rows.where(sa.or_(wanted.c.window > after[0], later))
    keys = [(str(row.window), int(row.person_id)) for row in session.execute(rows)]
    found = _rows(session, [person_id for _window, person_id in keys[:PAGE]], certifier_id, now, on_its_own=False)
    return ReviewPage(
        rows=tuple(sorted(found, key=lambda row: (row.due.window, row.person.person_id))),
        names=names_in(session, found),
        after=keys[PAGE - 1] if len(keys) > PAGE else None,
    )


def count_in_reach(session: Session, grants: tuple[Grant, ...]) -> tuple[int, int]:
    """Return how many reviews in reach wait for a decision, and in how many something is missing; from the events."""
    ready, missing = (
        session.scalar(sa.select(sa.func.count()).select_from(_in_reach(grants, is_ready=one).subquery()))
        for one in (True, False)
    )
    return ready or 0, missing or 0


@dataclass(frozen=True, kw_only=True)
class ConditionRow:
    """A renewal whose condition is not met yet."""

    person: PersonCard
    renewal: permits.Renewal

    def is_late(self, on: date) -> bool:
        """Tell whether its last day is over."""
        return self.renewal.condition_on is not None and self.renewal.condition_on < on


def _conditions(grants: tuple[Grant, ...]) -> sa.Select[Any]:
    found = permits.open_conditions().subquery("conditions")
    return (
        sa.select(found.c.person_id, found.c.condition_on)
        .join(Person, Person.id == found.c.person_id)
        .where(Person.left_on.is_(None), in_reach(Person.id, grants, Permission.LEVEL_AWARD))
    )


def condition_rows(session: Session, grants: tuple[Grant, ...], now: datetime) -> list[ConditionRow]:
    """Return the open conditions in reach, the first to end first; those of one page."""
    wanted = _conditions(grants).order_by("condition_on", "person_id").limit(PAGE)
    ids = [int(row.person_id) for row in session.execute(wanted)]
    cards = accounts.cards(session, ids, legal_day(now, ZONE))
    found = ((cards[one], permits.last_renewal(session, one)) for one in ids if one in cards)
    return [ConditionRow(person=card, renewal=renewal) for card, renewal in found if renewal and renewal.is_open]


def count_conditions(session: Session, grants: tuple[Grant, ...]) -> int:
    """Return how many conditions in reach are open."""
    return session.scalar(sa.select(sa.func.count()).select_from(_conditions(grants).subquery())) or 0


def find_row(
    session: Session, grants: tuple[Grant, ...], person_id: int, *, certifier_id: int, now: datetime,
    on_its_own: bool = True,
) -> ReviewRow | None:  # fmt: skip
    """Return the open review of one person; None out of reach, and for all others."""
    if not can_reach(session, grants, Permission.LEVEL_AWARD, person_id):
        return None
    return next(iter(_rows(session, [person_id], certifier_id, now, on_its_own=on_its_own)), None)


def _rows(
    session: Session, person_ids: Sequence[int], certifier_id: int, now: datetime, *, on_its_own: bool
) -> list[ReviewRow]:
    found = reviewings(session, person_ids, now)
    cards = accounts.cards(session, list(found), legal_day(now, ZONE))
    left = session.execute(sa.select(Person.id, Person.left_on).where(Person.id.in_(found)))
    gone = {row.id for row in left if row.left_on is not None and row.left_on <= legal_day(now, ZONE)}
    events = permits.permit_events(session, found) if found else {}
    words = _refusals(session, found.values())
    rows = []
    for person_id, one in found.items():
        if person_id not in cards:
            continue
        record = one.due.record
        state = permits.ledger_state(session, person_id, now, record=record)
        points = state.total if state else 0
        verdict = judge_review(
            one.lines, person_id=person_id, certifier_id=certifier_id, has_left=person_id in gone, points=points,
            review=record.policy.review, on_its_own=on_its_own, was_refused=one.due.refusal is not None,
        )  # fmt: skip
        until = renewed_until(events[person_id], record.policy, now=now)
        rows.append(
            ReviewRow(
                person=cards[person_id], reviewing=one, points=points, limit=record.policy.limit,
                through=last_day(until, record.zone) if until else None, verdict=verdict,
                refusal=words.get(person_id),
            )
        )  # fmt: skip
    return rows


def _refusals(session: Session, found: Iterable[Reviewing]) -> dict[int, tuple[str, str | None]]:
    """Return the words of the refusals that stand, with their language; what was erased is left out."""
    ids = {one.due.refusal.payload_id: one.person_id for one in found if one.due.refusal is not None}
    if not ids:
        return {}
    rows = session.execute(sa.select(Payload.id, Payload.body, Payload.language).where(Payload.id.in_(ids)))
    return {ids[row.id]: (str(payload_words(row.body).get("words", "")), row.language) for row in rows}


def refusal_words(session: Session, reviewing: Reviewing) -> tuple[str, str | None] | None:
    """Return the words of the refusal that stands, with their language; None without one."""
    return _refusals(session, [reviewing]).get(reviewing.person_id)


def names_in(session: Session, rows: Iterable[ReviewRow]) -> Mapping[int, str]:
    """Return the names of those who trained or examined in what is shown."""
    used = [one for row in rows for line in row.reviewing.lines for one in line.used]
    return accounts.names(session, {who for one in used for who in one.trainers | one.examiners})


def closes_soon(row: ReviewRow, now: datetime) -> bool:
    """Tell whether a review has to be decided within a week, or the permit has run out already."""
    return row.due.is_overdue or row.due.valid_until - now < timedelta(days=7)
