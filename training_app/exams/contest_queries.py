"""Contested results: who waits for an answer, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from training_app.access.queries import in_reach
from training_app.access.rules import Grant, Permission
from training_app.accounts import queries as accounts
from training_app.accounts.queries import PersonCard
from training_app.audit.models import Payload
from training_app.errors import NotFound
from training_app.exams.models import Attempt, AttemptEvent, AttemptEventKind, ContestAnswer
from training_app.exams.rules import AttemptState

PAGE = 25
_EXAMINING = (AttemptEventKind.IDENTITY_CHECKED, AttemptEventKind.IDENTITY_REFUSED, AttemptEventKind.INVIGILATED,
              AttemptEventKind.EXTENDED, AttemptEventKind.VOIDED)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What was answered; `words` None once erased, `grants_attempt`: one more attempt came with it."""

    is_upheld: bool
    at: datetime
    by_id: int | None
    words: str | None
    language: str | None
    grants_attempt: bool


@dataclass(frozen=True, kw_only=True)
class Contest:
    """A contested attempt: its result, what the learner wrote (None once erased), and the answer, if there is one."""

    attempt_id: int
    public_id: str
    person_id: int
    person: PersonCard | None
    title: Mapping[str, str]
    number: int
    state: AttemptState
    finished_at: datetime | None
    points: Fraction | None
    max_points: int | None
    cut: Fraction
    passed: bool | None
    supervised: bool
    sitting_id: int | None
    at: datetime
    words: str | None
    language: str | None
    answer: Answer | None


@dataclass(frozen=True, kw_only=True)
class ContestPage:
    """A page of contests; `after`: how many come before the next page, None on the last."""

    rows: tuple[Contest, ...]
    after: int | None


def contest_page(
    session: Session, grants: tuple[Grant, ...], *, answered: bool, on: date, skip: int = 0
) -> ContestPage:
    """Return contests within reach: those that wait, the oldest first; or those answered, the newest first."""
    order: tuple[Any, ...] = (AttemptEvent.recorded_at, AttemptEvent.id)
    if answered:
        order = (ContestAnswer.recorded_at.desc(), ContestAnswer.id.desc())
    query = _query(in_reach(Attempt.person_id, grants, Permission.EXAM_RESOLVE), _is(answered)).order_by(*order)
    rows = session.execute(query.offset(skip).limit(PAGE + 1)).all()
    people = accounts.cards(session, [row[0].person_id for row in rows], on)
    return ContestPage(
        rows=tuple(_contest(row, people) for row in rows[:PAGE]), after=skip + PAGE if len(rows) > PAGE else None
    )


def count_open(session: Session, grants: tuple[Grant, ...]) -> int:
    """Return how many contests within reach wait for an answer."""
    query = _query(in_reach(Attempt.person_id, grants, Permission.EXAM_RESOLVE), _is(False))
    return int(session.scalar(query.with_only_columns(sa.func.count(Attempt.id))) or 0)


def get_contest(session: Session, grants: tuple[Grant, ...], public_id: str, on: date) -> Contest:
    """Return one contest within reach; raises NotFound."""
    reach = in_reach(Attempt.person_id, grants, Permission.EXAM_RESOLVE)
    row = session.execute(_query(reach, Attempt.public_id == public_id)).first()
    if row is None:
        raise NotFound()
    return _contest(row, accounts.cards(session, [row[0].person_id], on))


def contests_of(session: Session, person_id: int) -> list[Contest]:
    """Return every contest of a person, oldest first, without their card."""
    query = _query(Attempt.person_id == person_id).order_by(AttemptEvent.recorded_at, AttemptEvent.id)
    return [_contest(row, {}) for row in session.execute(query)]


def find_answer(session: Session, attempt_id: int) -> Answer | None:
    """Return the answer to the contest of an attempt, None while it waits or where nothing was contested."""
    row = session.execute(_query(Attempt.id == attempt_id)).first()
    return None if row is None else _contest(row, {}).answer


def is_contested(session: Session, attempt_id: int) -> bool:
    """Tell whether the result of an attempt was contested."""
    found = sa.select(AttemptEvent.id).where(
        AttemptEvent.attempt_id == attempt_id, AttemptEvent.kind == AttemptEventKind.CONTESTED
    )
    return session.scalar(found.limit(1)) is not None


def examiners(session: Session, attempt_id: int) -> frozenset[int]:
    """Return who took part in an attempt as examiner."""
    rows = session.scalars(
        sa.select(AttemptEvent.actor_id).where(
            AttemptEvent.attempt_id == attempt_id,
            AttemptEvent.kind.in_(_EXAMINING),
            AttemptEvent.actor_id.isnot(None),
        )
    )
    return frozenset(one for one in rows if one is not None)


_Said, _Reason = aliased(Payload), aliased(Payload)


def _is(answered: bool) -> sa.ColumnElement[bool]:
    return ContestAnswer.id.isnot(None) if answered else ContestAnswer.id.is_(None)


def _query(*conditions: sa.ColumnElement[bool]) -> Any:
    return (
        sa.select(
            Attempt, AttemptEvent.recorded_at, _Said.body, _Said.language, ContestAnswer, _Reason.body, _Reason.language
        )
        .join(AttemptEvent, AttemptEvent.attempt_id == Attempt.id)
        .outerjoin(_Said, _Said.id == AttemptEvent.payload_id)
        .outerjoin(ContestAnswer, ContestAnswer.attempt_id == Attempt.id)
        .outerjoin(_Reason, _Reason.id == ContestAnswer.payload_id)
        .where(AttemptEvent.kind == AttemptEventKind.CONTESTED, *conditions)
    )


def _contest(row: Any, people: Mapping[int, PersonCard]) -> Contest:
    attempt, at, words, language, answer, reason, reason_language = row
    return Contest(
        attempt_id=attempt.id,
        public_id=attempt.public_id,
        person_id=attempt.person_id,
        person=people.get(attempt.person_id),
        title=attempt.snapshot["title"],
        number=attempt.number,
        state=attempt.status,
        finished_at=attempt.finished_at,
        points=None if attempt.raw_score is None else Fraction(attempt.raw_score),
        max_points=attempt.max_score,
        cut=Fraction(attempt.snapshot["cut"]),
        passed=attempt.passed,
        supervised=attempt.supervised,
        sitting_id=attempt.sitting_id,
        at=at,
        words=words,
        language=language,
        answer=None
        if answer is None
        else Answer(
            is_upheld=answer.is_upheld,
            at=answer.recorded_at,
            by_id=answer.actor_id,
            words=reason,
            language=reason_language,
            grants_attempt=answer.admission_id is not None,
        ),
    )
