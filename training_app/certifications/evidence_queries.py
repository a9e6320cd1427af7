"""What many people have shown, as evidence for requirements, in a fixed number of reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.certifications.rules import Evidence, RequirementKind
from training_app.content.models import ContentVersion
from training_app.courses.models import LearningEvent, LessonProgress
from training_app.exams.models import Attempt, AttemptEvent, AttemptEventKind, Seat, Sitting
from training_app.roleplay.models import Performance, ScoreSheet, SheetState

_EXAMINES = (AttemptEventKind.IDENTITY_CHECKED, AttemptEventKind.INVIGILATED, AttemptEventKind.EXTENDED)
_QUIZ = "quiz:"


def evidence_of(session: Session, person_ids: Iterable[int]) -> dict[int, list[Evidence]]:
    """Return the evidence of each person, tries that failed included; six reads whatever their number."""
    wanted = sorted(set(person_ids))
    found: dict[int, list[Evidence]] = {person_id: [] for person_id in wanted}
    if wanted:
        for person_id, one in (
            *_courses(session, wanted),
            *_attempts(session, wanted),
            *_drills(session, wanted),
        ):
            found[person_id].append(one)
    return found


def have_begun(session: Session, person_ids: Iterable[int]) -> set[int]:
    """Return those who opened a lesson."""
    wanted = sorted(set(person_ids))
    rows = session.scalars(
        sa.select(LessonProgress.person_id).where(LessonProgress.person_id.in_(wanted)).distinct()
    )
    return set(rows)


def _courses(session: Session, wanted: list[int]) -> list[tuple[int, Evidence]]:
    rows = session.execute(
        sa.select(
            LearningEvent.id,
            LearningEvent.person_id,
            LearningEvent.course_key,
            LearningEvent.effective_at,
            ContentVersion.number,
        )
        .join(ContentVersion, ContentVersion.id == LearningEvent.version_id)
        .where(LearningEvent.person_id.in_(wanted), LearningEvent.kind == "course")
    )
    return [
        (
            row.person_id,
            Evidence(
                id=f"learning:{row.id}",
                kind=RequirementKind.COURSE,
                ref=row.course_key,
                version=row.number,
                at=row.effective_at,
            ),
        )
        for row in rows
    ]


def _attempts(session: Session, wanted: list[int]) -> list[tuple[int, Evidence]]:
    rows = session.execute(
        sa.select(
            Attempt.id,
            Attempt.person_id,
            Attempt.exam_key,
            Attempt.snapshot,
            Attempt.finished_at,
            Attempt.passed,
            Attempt.supervised,
            Attempt.sitting_id,
            Attempt.raw_score,
            Attempt.max_score,
        ).where(Attempt.person_id.in_(wanted), Attempt.passed.isnot(None))
    ).all()
    examiners = _examiners(session, [row.id for row in rows if row.sitting_id is not None])
    return [
        (
            row.person_id,
            Evidence(
                id=f"attempt:{row.id}",
                kind=RequirementKind.QUIZ if row.exam_key.startswith(_QUIZ) else RequirementKind.EXAM,
                ref=row.exam_key.removeprefix(_QUIZ),
                version=row.snapshot["version"],
                at=row.finished_at,
                passed=row.passed,
                supervised=row.supervised,
                score=Fraction(row.raw_score) / row.max_score if row.raw_score and row.max_score else None,
                examiners=frozenset(examiners.get(row.id, ())),
            ),
        )
        for row in rows
    ]


def _examiners(session: Session, attempt_ids: list[int]) -> dict[int, set[int]]:
    """Return who led, admitted, checked the identity, invigilated or extended, by attempt."""
    found: dict[int, set[int]] = defaultdict(set)
    if not attempt_ids:
        return found
    events = session.execute(
        sa.select(AttemptEvent.attempt_id, AttemptEvent.actor_id).where(
            AttemptEvent.attempt_id.in_(attempt_ids), AttemptEvent.kind.in_(_EXAMINES)
        )
    )
    seats = session.execute(
        sa.select(
            Attempt.id,
            Sitting.created_by,
            Sitting.invigilated_by,
            Seat.admitted_by,
            Seat.identity_checked_by,
        )
        .join(Sitting, Sitting.id == Attempt.sitting_id)
        .outerjoin(Seat, sa.and_(Seat.sitting_id == Sitting.id, Seat.person_id == Attempt.person_id))
        .where(Attempt.id.in_(attempt_ids))
    )
    for attempt_id, *people in (*events, *seats):
        found[attempt_id] |= {who for who in people if who is not None}
    return found


def _drills(session: Session, wanted: list[int]) -> list[tuple[int, Evidence]]:
    """Return one piece per performance: passed if no rater's sheet says otherwise, the score being their mean."""
    rows = session.execute(
        sa.select(
            ScoreSheet.about_id,
            ScoreSheet.performance_id,
            ScoreSheet.rater_id,
            ScoreSheet.locked_at,
            ScoreSheet.score,
            ScoreSheet.passed,
            Performance.drill,
            Performance.led_by,
            ContentVersion.number,
        )
        .join(Performance, Performance.id == ScoreSheet.performance_id)
        .join(ContentVersion, ContentVersion.id == ScoreSheet.scoring_sheet_version_id)
        .where(ScoreSheet.about_id.in_(wanted), ScoreSheet.state == SheetState.LOCKED)
        .order_by(ScoreSheet.performance_id, ScoreSheet.locked_at)
    )
    sheets: dict[tuple[int, int], list[sa.Row[tuple[object, ...]]]] = defaultdict(list)
    for row in rows:
        sheets[row.about_id, row.performance_id].append(row)  # type: ignore[arg-type]
    return [(about_id, _drill(performance_id, group)) for (about_id, performance_id), group in sheets.items()]


def _drill(performance_id: int, sheets: list[sa.Row[tuple[object, ...]]]) -> Evidence:
    scores = [Fraction(sheet.score) for sheet in sheets if sheet.score]
    return Evidence(
        id=f"performance:{performance_id}",
        kind=RequirementKind.ROLEPLAY,
        ref=sheets[0].drill,
        version=min(sheet.number for sheet in sheets),
        at=max(sheet.locked_at for sheet in sheets),
        passed=all(sheet.passed for sheet in sheets),
        score=sum(scores, Fraction(0)) / len(scores) if scores else None,
        trainers=frozenset({sheet.rater_id for sheet in sheets} | {sheet.led_by for sheet in sheets}),
    )
