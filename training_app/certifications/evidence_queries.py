"""What many people have shown, as evidence for requirements, in a fixed number of reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from fractions import Fraction

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.certifications.rules import Evidence, RequirementKind
from training_app.courses import queries as courses
from training_app.courses.models import LessonProgress
from training_app.exams import queries as exams
from training_app.exams.models import Attempt, AttemptEvent, AttemptEventKind, Seat, Sitting
from training_app.roleplay import queries as roleplay

_EXAMINES = (AttemptEventKind.IDENTITY_CHECKED, AttemptEventKind.INVIGILATED, AttemptEventKind.EXTENDED)
_QUIZ = "quiz:"


def evidence_of(session: Session, person_ids: Iterable[int]) -> dict[int, list[Evidence]]:
    """Return the evidence of each person, tries that failed included; at most seven reads whatever their number."""
    wanted = sorted(set(person_ids))
    found: dict[int, list[Evidence]] = {person_id: [] for person_id in wanted}
    if wanted:
        for person_id, one in (
            *_learned(session, wanted),
            *_attempts(session, wanted),
            *_drills(session, wanted),
        ):
            found[person_id].append(one)
    return found


def have_begun(session: Session, person_ids: Iterable[int]) -> set[int]:
    """Return those who opened a lesson."""
    wanted = sorted(set(person_ids))
    rows = session.scalars(sa.select(LessonProgress.person_id).where(LessonProgress.person_id.in_(wanted)).distinct())
    return set(rows)


def _learned(session: Session, wanted: list[int]) -> list[tuple[int, Evidence]]:
    return [
        (
            row.person_id,
            Evidence(
                id=f"learning:{row.id}",
                kind=RequirementKind(row.kind),
                ref=row.lesson_key or row.course_key,
                version=row.number,
                at=row.effective_at,
            ),
        )
        for rows in courses.learning_rows(session, wanted).values()
        for row in rows
        if row.kind in ("course", "lesson")
    ]


def _attempts(session: Session, wanted: list[int]) -> list[tuple[int, Evidence]]:
    rows = [row for own in exams.attempt_rows(session, wanted).values() for row in own if row.passed is not None]
    examiners = _examiners(session, [row.id for row in rows if not row.exam_key.startswith(_QUIZ)])
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
    """Return one piece per performance whose result is out and needs no third rater."""
    rows = [row for own in roleplay.learner_rows(session, wanted).values() for row in own]
    verdicts = roleplay.judged(session, [row.id for row in rows]) if rows else {}
    found = []
    for row in rows:
        verdict = verdicts.get((row.id, row.person_id))
        joint = verdict.joint if verdict is not None and verdict.is_released else None
        if verdict is None or verdict.at is None or joint is None or joint.passed is None:
            continue
        raters = frozenset(mark.rater_id for mark in verdict.marks)
        piece = Evidence(
            id=f"performance:{row.id}",
            kind=RequirementKind.ROLEPLAY,
            ref=row.drill,
            version=row.number,
            at=verdict.at,
            passed=joint.passed,
            score=joint.share,
            raters=len(raters),
            trainers=raters | {row.led_by},
        )
        found.append((row.person_id, piece))
    return found
