"""The award queue: who has shown something since their last award, a page at a time, with all a decision rests on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from training_app.access.queries import in_reach
from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.models import Person, PersonProfile
from training_app.calendar.rules import last_day, legal_day
from training_app.certifications import queries
from training_app.certifications.award_rules import Situation, Verdict, issues_permit, judge
from training_app.certifications.level_rules import LevelEventKind, validity
from training_app.certifications.models import LevelEvent
from training_app.certifications.queries import LevelVersion
from training_app.certifications.rules import Requirement, RequirementKind
from training_app.courses.models import LearningEvent
from training_app.errors import NotFound
from training_app.exams.models import Attempt
from training_app.roleplay.models import Performance, ScoreSheet, SheetState

PAGE = 20
PersonKey = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class QueueRow:
    """One person who waits: what the award would be, what speaks for it, and whether this certifier may make it."""

    person: accounts.PersonCard
    situation: Situation
    verdict: Verdict
    level: LevelVersion | None
    expires_on: date | None  # the last valid day, as it will be printed
    brings_permit: bool


@dataclass(frozen=True, kw_only=True)
class QueuePage:
    """One page of the queue; `after` and `before` are the keys of its neighbours, None at the ends."""

    rows: tuple[QueueRow, ...]
    names: Mapping[int, str]
    before: PersonKey | None
    after: PersonKey | None


def count_waiting(session: Session, grants: tuple[Grant, ...], *, scheme: str, now: datetime) -> tuple[int, int]:
    """Return how many within reach have shown everything that a level asks, and how many only some of it."""
    ready, candidate = _conditions(session, scheme, now)
    reach = in_reach(Person.id, grants, Permission.LEVEL_AWARD)
    row = session.execute(
        sa.select(sa.func.count(sa.case((ready, 1))), sa.func.count(sa.case((sa.and_(candidate, ~ready), 1)))).where(
            reach, Person.left_on.is_(None), sa.or_(ready, candidate)
        )
    ).one()
    return int(row[0]), int(row[1])


def queue_page(
    session: Session,
    grants: tuple[Grant, ...],
    *,
    scheme: str,
    certifier_id: int,
    now: datetime,
    is_ready: bool,
    after: PersonKey | None = None,
    before: PersonKey | None = None,
    limit: int = PAGE,
) -> QueuePage:
    """Return a page of those who have shown everything (`is_ready`) or only some of it, in the order of their names;
    on the page those come first whom this certifier may award.

    What the rows say is decided by the rules; the split of the two lists is the database's own first look.
    """
    ready, candidate = _conditions(session, scheme, now)
    key = sa.tuple_(PersonProfile.sort_key, PersonProfile.person_id)
    query = (
        sa.select(PersonProfile.sort_key, PersonProfile.person_id)
        .join(Person, Person.id == PersonProfile.person_id)
        .where(
            in_reach(PersonProfile.person_id, grants, Permission.LEVEL_AWARD),
            Person.left_on.is_(None),
            ready if is_ready else sa.and_(candidate, ~ready),
        )
        .limit(limit + 1)
    )
    if before is not None:
        query = query.where(key < before).order_by(PersonProfile.sort_key.desc(), PersonProfile.person_id.desc())
    else:
        query = query.order_by(PersonProfile.sort_key, PersonProfile.person_id)
        if after is not None:
            query = query.where(key > after)
    found = [(row.sort_key, row.person_id) for row in session.execute(query)]
    more, found = len(found) > limit, found[:limit]
    if before is not None:
        found.reverse()
    rows = queue_rows(session, [person_id for _, person_id in found], scheme=scheme, certifier_id=certifier_id, now=now)
    has_before = more if before is not None else after is not None
    has_after = before is not None or more
    return QueuePage(
        rows=tuple(sorted(rows, key=lambda row: not row.verdict.is_ready)),
        names=_names(session, rows),
        before=found[0] if found and has_before else None,
        after=found[-1] if found and has_after else None,
    )


def queue_rows(
    session: Session,
    person_ids: Iterable[int],
    *,
    scheme: str,
    certifier_id: int,
    now: datetime,
    on_its_own: bool = False,
) -> list[QueueRow]:
    """Return the rows of these people in their order; a fixed number of reads."""
    wanted = list(person_ids)
    if not wanted:
        return []
    on = legal_day(now, queries.ZONE)
    found = queries.situations(session, wanted, scheme=scheme, now=now)
    cards = accounts.cards(session, wanted, on)
    versions = queries.levels(session, on)
    rows = []
    for person_id in wanted:
        situation, card = found[person_id], cards.get(person_id)
        if card is None:
            continue
        target = situation.target
        level = queries.find_level(versions, scheme, target.level.level) if target else None
        verdict = judge(situation, certifier_id=certifier_id, now=now, on_its_own=on_its_own)
        until = validity(target, situation.held, now=now, zone=situation.zone)[2] if target else None
        rows.append(
            QueueRow(
                person=card, situation=situation, verdict=verdict, level=level,
                expires_on=last_day(until, situation.zone) if until else None,
                brings_permit=issues_permit(situation),
            )
        )  # fmt: skip
    return rows


def get_row(
    session: Session,
    grants: tuple[Grant, ...],
    person_id: int,
    *,
    scheme: str,
    certifier_id: int,
    now: datetime,
) -> tuple[QueueRow, Mapping[int, str]]:
    """Return one person as the certifier decides on them alone, and the names of who is in it; raises NotFound."""
    reach = in_reach(PersonProfile.person_id, grants, Permission.LEVEL_AWARD)
    if session.scalar(sa.select(PersonProfile.person_id).where(PersonProfile.person_id == person_id, reach)) is None:
        raise NotFound()
    rows = queue_rows(session, [person_id], scheme=scheme, certifier_id=certifier_id, now=now, on_its_own=True)
    return rows[0], _names(session, rows)


def _names(session: Session, rows: Iterable[QueueRow]) -> Mapping[int, str]:
    people = {who for row in rows for who in row.situation.trainers | row.situation.examiners}
    return accounts.names(session, people)


def _conditions(session: Session, scheme: str, now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return (has shown everything that some level asks, has passed an exam or drill) since the last award of it."""
    everything: list[ColumnElement[bool]] = []
    something: list[ColumnElement[bool]] = []
    for one in queries.levels(session, legal_day(now, queries.ZONE)):
        if one.rules.scheme != scheme:
            continue
        shown = [_shown(requirement, one) for requirement in one.rules.requirements]
        again = [
            _shown(requirement, one)
            for requirement in one.rules.requirements
            if requirement.kind in (RequirementKind.EXAM, RequirementKind.ROLEPLAY)
        ]
        everything.append(sa.and_(*shown))
        something.append(sa.or_(*again) if again else sa.and_(*shown))
    return (
        sa.or_(*everything) if everything else sa.false(),
        sa.or_(*something) if something else sa.false(),
    )


def _shown(requirement: Requirement, level: LevelVersion) -> ColumnElement[bool]:
    since = (
        sa.select(sa.func.max(LevelEvent.effective_at))
        .where(
            LevelEvent.person_id == Person.id,
            LevelEvent.scheme == level.rules.scheme,
            LevelEvent.level == level.rules.level,
            LevelEvent.kind.in_([LevelEventKind.AWARDED.value, LevelEventKind.RENEWED.value]),
        )
        .correlate(Person)
        .scalar_subquery()
    )

    def is_new(at: ColumnElement[datetime | None]) -> ColumnElement[bool]:
        return sa.or_(since.is_(None), at > since)

    if requirement.kind is RequirementKind.COURSE:
        return sa.exists().where(
            LearningEvent.person_id == Person.id,
            LearningEvent.kind == "course",
            LearningEvent.course_key == requirement.ref,
        )
    if requirement.kind is RequirementKind.ROLEPLAY:
        return (
            sa.exists()
            .where(
                ScoreSheet.about_id == Person.id,
                ScoreSheet.state == SheetState.LOCKED,
                ScoreSheet.passed.is_(True),
                Performance.id == ScoreSheet.performance_id,
                Performance.drill == requirement.ref,
                is_new(ScoreSheet.locked_at.expression),
            )
            .correlate(Person)
        )
    is_quiz = requirement.kind is RequirementKind.QUIZ
    conditions = [
        Attempt.person_id == Person.id,
        Attempt.exam_key == (f"quiz:{requirement.ref}" if is_quiz else requirement.ref),
        Attempt.passed.is_(True),
    ]
    if not is_quiz:
        conditions.append(is_new(Attempt.finished_at.expression))
        if requirement.supervised:
            conditions.append(Attempt.supervised.is_(True))
    return sa.exists().where(*conditions).correlate(Person)
