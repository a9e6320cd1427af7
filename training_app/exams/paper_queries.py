"""What the learner reads of one attempt: the paper while it is open, the result afterwards. Never a key too early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.content import queries as content
from training_app.errors import NotFound
from training_app.exams import terms
from training_app.exams.contest_queries import Answer, find_answer
from training_app.exams.models import Attempt, AttemptEvent, AttemptEventKind, Response
from training_app.exams.rules import AttemptState, Phase, Purpose, what_learner_sees
from training_app.items import queries as items
from training_app.items.models import ExamForm
from training_app.items.rules import Item, ItemReview, ItemType, LearnerItem, learner_view, review


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question as its page shows it; `epoch` is the writer of the saved answer, 0 if there is none."""

    number: int
    item: LearnerItem
    source: items.Source
    answer: Any
    flagged: bool
    epoch: int

    @property
    def chosen(self) -> Sequence[str]:
        """Ids chosen so far; empty for matching and for what is blank."""
        return self.answer if isinstance(self.answer, list) else ()

    @property
    def pairs(self) -> Mapping[str, str]:
        """Matches chosen so far by prompt; empty for all other types."""
        return self.answer if isinstance(self.answer, dict) else {}

    @property
    def order(self) -> tuple[Any, ...]:
        """Options of an ordering item in the order of the answer, else as the form shows them."""
        by_id = {option.id: option for option in self.item.options}
        return tuple(by_id[one] for one in self.chosen) or self.item.options

    @property
    def is_answered(self) -> bool:
        """True once a choice stands; matching only when every prompt has its match."""
        wanted = len(self.item.prompts) if self.item.type is ItemType.MATCHING else 1
        return len(self.answer or ()) >= wanted


@dataclass(frozen=True, kw_only=True)
class Paper:
    """An open attempt: what the learner may see and what the page needs to save."""

    public_id: str
    exam_key: str
    kind: Purpose
    title: Mapping[str, str]
    state: AttemptState
    phase: Phase
    epoch: int
    sequence: int
    deadline_at: datetime | None
    saved_at: datetime | None
    questions: tuple[Question, ...]

    def seconds_left(self, now: datetime) -> int | None:
        """Whole seconds to the deadline, 0 once it has passed; None without a limit."""
        if self.deadline_at is None:
            return None
        return max(0, int((self.deadline_at - now).total_seconds()))

    @property
    def unanswered(self) -> tuple[int, ...]:
        """Numbers of the questions without an answer."""
        return tuple(one.number for one in self.questions if not one.is_answered)


@dataclass(frozen=True, kw_only=True)
class TopicResult:
    """Marks on one topic, and the lessons that teach it: (course key, lesson key, title)."""

    name: str
    points: Fraction
    of: int
    lessons: tuple[tuple[str, str, Mapping[str, str]], ...]

    cut: Fraction

    @property
    def share(self) -> Fraction:
        """Points over the most that could be earned."""
        return self.points / self.of

    @property
    def is_weak(self) -> bool:
        """True below the pass mark of the whole."""
        return self.share < self.cut


@dataclass(frozen=True, kw_only=True)
class ReviewedQuestion:
    """A quiz question after its hand-in: what was answered, what is right, and why."""

    question: Question
    review: ItemReview


@dataclass(frozen=True, kw_only=True)
class Result:
    """An ended attempt as the learner reads it."""

    public_id: str
    exam_key: str
    kind: Purpose
    title: Mapping[str, str]
    state: AttemptState
    is_over: bool
    number: int
    opened_at: datetime
    finished_at: datetime | None
    points: Fraction | None
    max_points: int | None
    cut: Fraction
    passed: bool | None
    supervised: bool
    topics: tuple[TopicResult, ...]
    questions: tuple[ReviewedQuestion, ...]
    contested_at: datetime | None
    contest_answer: Answer | None


def get_paper(session: Session, public_id: str, person_id: int, now: datetime) -> Paper:
    """Return a person's own paper by three reads, however long it is; raises NotFound.

    An attempt that has ended comes without questions.
    """
    row = session.execute(
        sa.select(Attempt, ExamForm.body)
        .join(ExamForm, ExamForm.id == Attempt.exam_form_id)
        .where(Attempt.public_id == public_id, Attempt.person_id == person_id)
    ).first()
    if row is None:
        raise NotFound()
    attempt, body = row
    sight = what_learner_sees(attempt.status, purpose=Purpose(attempt.kind), released=False)
    responses = _responses(session, attempt.id) if sight.own_answers else {}
    return Paper(
        public_id=public_id,
        exam_key=attempt.exam_key,
        kind=Purpose(attempt.kind),
        title=attempt.snapshot["title"],
        state=attempt.status,
        phase=terms.phase_at(attempt.snapshot, attempt.opened_at, attempt.deadline_at, now),
        epoch=attempt.epoch,
        sequence=max((one[2] for one in responses.values()), default=0) + 1,
        deadline_at=attempt.deadline_at,
        saved_at=max((one[3] for one in responses.values()), default=None),
        questions=_questions(session, items.places(body), responses)[0] if sight.questions else (),
    )


def get_result(session: Session, public_id: str, person_id: int, on: date, now: datetime) -> Result:
    """Return a person's own ended attempt; of a quiz with keys and feedback, of an exam never. Raises NotFound."""
    row = session.execute(
        sa.select(Attempt, ExamForm.body)
        .join(ExamForm, ExamForm.id == Attempt.exam_form_id)
        .where(Attempt.public_id == public_id, Attempt.person_id == person_id)
    ).first()
    if row is None:
        raise NotFound()
    attempt, body = row
    sight = what_learner_sees(attempt.status, purpose=Purpose(attempt.kind), released=True)
    reviewed: tuple[ReviewedQuestion, ...] = ()
    topics: tuple[TopicResult, ...] = ()
    if sight.result:
        questions, drawn = _questions(session, items.places(body), _responses(session, attempt.id))
        topics = _topics(session, attempt.result or {}, drawn, Fraction(attempt.snapshot["cut"]), on)
        if sight.keys_and_feedback:
            reviewed = tuple(
                ReviewedQuestion(question=one, review=review(item, one.answer))
                for one, item in zip(questions, drawn, strict=True)
            )
    return Result(
        public_id=public_id,
        exam_key=attempt.exam_key,
        kind=Purpose(attempt.kind),
        title=attempt.snapshot["title"],
        state=attempt.status,
        is_over=terms.phase_at(attempt.snapshot, attempt.opened_at, attempt.deadline_at, now) is not Phase.ANSWERING,
        number=attempt.number,
        opened_at=attempt.opened_at,
        finished_at=attempt.finished_at,
        points=Fraction(attempt.raw_score) if sight.result and attempt.raw_score else None,
        max_points=attempt.max_score,
        cut=Fraction(attempt.snapshot["cut"]),
        passed=attempt.passed if sight.result else None,
        supervised=attempt.supervised,
        topics=topics,
        questions=reviewed,
        contested_at=_contested_at(session, attempt.id),
        contest_answer=find_answer(session, attempt.id),
    )


_Stored = tuple[Any, bool, int, datetime, int]  # answer, flagged, sequence, received at, epoch


def _responses(session: Session, attempt_id: int) -> dict[str, _Stored]:
    rows = session.execute(
        sa.select(
            Response.item_key, Response.answer, Response.flagged, Response.seq, Response.received_at, Response.epoch
        ).where(Response.attempt_id == attempt_id)
    )
    return {row[0]: (row[1]["value"], *row[2:]) for row in rows}


def _questions(
    session: Session, places: Sequence[items.Place], responses: Mapping[str, _Stored]
) -> tuple[tuple[Question, ...], list[Item]]:
    drawn = items.sourced_items_of(session, places)
    questions = tuple(
        _question(number, learner_view(item, place.shown), source, responses.get(item.key))
        for number, ((item, source), place) in enumerate(zip(drawn, places, strict=True), start=1)
    )
    return questions, [item for item, _ in drawn]


def _question(number: int, item: LearnerItem, source: items.Source, stored: _Stored | None) -> Question:
    answer, flagged, epoch = (None, False, 0) if stored is None else (stored[0], stored[1], stored[4])
    return Question(number=number, item=item, source=source, answer=answer, flagged=flagged, epoch=epoch)


def _topics(
    session: Session, result: Mapping[str, Any], drawn: Sequence[Item], cut: Fraction, on: date
) -> tuple[TopicResult, ...]:
    """Return the marks by topic, the weakest first, each with the lessons that its items name."""
    lessons = content.current(session, "lesson", on)
    found = []
    for part in result.get("by_topic", ()):
        keys = dict.fromkeys(item.lesson for item in drawn if item.topic == part["name"])
        found.append(
            TopicResult(
                name=part["name"],
                points=Fraction(part["points"]),
                of=part["of"],
                cut=cut,
                lessons=tuple(
                    (lessons[key].body["course"], key, lessons[key].body["title"]) for key in keys if key in lessons
                ),
            )
        )
    return tuple(sorted(found, key=lambda one: (one.share, one.name)))


def _contested_at(session: Session, attempt_id: int) -> datetime | None:
    return session.scalar(
        sa.select(AttemptEvent.recorded_at).where(
            AttemptEvent.attempt_id == attempt_id, AttemptEvent.kind == AttemptEventKind.CONTESTED
        )
    )
