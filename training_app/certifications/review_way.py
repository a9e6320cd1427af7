"""The annual review as its holder sees it: what is still needed, by when, what comes next and where, who decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from training_app.accounts.service import today
from training_app.certifications import review_queries, way_back
from training_app.certifications.review_queries import Reviewing
from training_app.certifications.rules import Line, RequirementKind
from training_app.content import queries as content
from training_app.exams import queries as exams
from training_app.exams.queries import Standing
from training_app.permits.scope import BackStep, ReviewWay
from training_app.roleplay import session_queries as drills

_Shown = tuple[Standing | None, Mapping[str, datetime]]


def review_way(session: Session, person_id: int, now: datetime) -> ReviewWay | None:
    """Return the open review of a person, None for all others."""
    reviewing = review_queries.find_reviewing(session, person_id, now)
    if reviewing is None:
        return None
    due = reviewing.due
    blueprint = content.current(session, "exam_blueprint", today(now)).get(due.asked.exam or "")
    standing = exams.get_standing(session, person_id, blueprint, now) if blueprint else None
    planned = drills.planned_drills(session, person_id, now) if due.asked.drill else {}
    return ReviewWay(
        steps=tuple(_steps(reviewing, (standing, planned))),
        is_shown=reviewing.is_shown,
        is_overdue=due.is_overdue,
        valid_through=due.last_on,
        decide_by=due.lapses_on,
        refused_at=due.refusal.at if due.refusal else None,
        refusal=review_queries.refusal_words(session, reviewing),
        met=sum(line.is_met for line in reviewing.lines),
        of=len(reviewing.lines),
    )


def _steps(reviewing: Reviewing, shown: _Shown) -> Iterator[BackStep]:
    for line in reviewing.lines:
        kind = line.requirement.kind
        if kind is RequirementKind.LESSON:
            yield _lesson(reviewing, line)
        elif kind is RequirementKind.EXAM:
            yield way_back.exam_step(reviewing, line, shown[0])
        else:
            yield way_back.drill_step(line, shown[1])
    yield BackStep(
        title=_("Decision of a certifier"),
        note=_("A certifier who neither trained nor examined you looks at your points and at what you have shown, and "
               "renews your permit: with a condition or without. If not, you are told why."),
        kind="info" if reviewing.is_shown else "unknown",
        state=_("Waiting for the certifier") if reviewing.is_shown else _("Not open yet"),
    )  # fmt: skip


def _lesson(reviewing: Reviewing, line: Line) -> BackStep:
    place = reviewing.lessons[line.requirement.ref]
    note = way_back.done_words(line) if line.is_met else _(
        "Read it to the end again and answer its question; about %(minutes)s minutes.", minutes=place.minutes
    )  # fmt: skip
    return way_back.lesson_step(place, line, note)
