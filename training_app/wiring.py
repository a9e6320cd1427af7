"""Registries that rooms keep for rooms below them, filled here: wiring may know all."""

from __future__ import annotations

from datetime import datetime

from flask import url_for
from flask_babel import gettext
from sqlalchemy.orm import Session

from training_app.calendar.rules import legal_day
from training_app.certifications import queries as certifications
from training_app.certifications import review_way, way_back, way_queries
from training_app.content import service as content
from training_app.courses import queries as courses
from training_app.exams import queries as exams
from training_app.licences.wording import job_lines
from training_app.permits import scope
from training_app.permits.permit_rules import PermitState
from training_app.permits.policy_queries import POLICY, TARIFF
from training_app.permits.queries import permit_facts
from training_app.status import job_queries


def connect() -> None:
    """Fill the registries; a second call changes nothing."""
    for kind in (POLICY, TARIFF):
        content.by_two(kind)
    scope.provide("level", _levels_held)
    scope.provide_jobs("licences", _jobs)
    scope.provide_next_level("level", _next_level)
    scope.provide_way_back("retraining", way_back.way_back)
    scope.provide_review("review", review_way.review_way)
    if _module_quiz not in courses.step_providers:
        courses.step_providers.append(_module_quiz)


def _levels_held(session: Session, person_id: int, now: datetime) -> list[scope.ScopeLine]:
    record = permit_facts(session, person_id, now)
    works = record is not None and record.state in (PermitState.VALID, PermitState.RENEWAL_OPEN)
    return [
        scope.ScopeLine(title=row.title, text=row.scope, until=row.valid_through, is_exercisable=works)
        for row in way_queries.held_rows(session, person_id, now)
        if row.is_held
    ]


def _jobs(session: Session, person_id: int, now: datetime) -> list[scope.JobLine]:
    answer, book = job_queries.answer_now(session, person_id, now)
    return job_lines(answer, book, now)


def _next_level(session: Session, person_id: int, now: datetime) -> scope.NextLevel | None:
    on = legal_day(now, certifications.ZONE)
    for scheme in certifications.schemes(session, on):
        way = way_queries.get_way(session, person_id, scheme=scheme, now=now, with_held=False)
        if way.level is not None:
            return scope.NextLevel(
                title=way.level.title, met=way.met, of=len(way.lines), href=url_for("certifications.my_way")
            )
    return None


def _module_quiz(session: Session, person_id: int, course_key: str) -> courses.Step | None:
    lines = exams.quiz_lines(session, person_id, course_key)
    kind, state = None, None
    if any(line.outcome == "passed" for line in lines):
        kind, state = "valid", gettext("Passed")
    elif any(line.outcome == "open" for line in lines):
        kind, state = "info", gettext("Begun")
    elif lines:
        kind, state = "attention", gettext("Not passed yet")
    href = url_for("exams.quiz", course_key=course_key)
    return courses.Step(label=gettext("Module quiz"), href=href, kind=kind, state=state)
