"""The way back from a revoked permit in sentences: what is due, what comes next and where, who decides."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Protocol

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from training_app.accounts.service import today
from training_app.certifications import retraining_queries
from training_app.certifications.retraining_queries import Returning, asks_exam
from training_app.certifications.rules import Line, RequirementKind, Why
from training_app.content import queries as content
from training_app.courses.queries import LessonPlace
from training_app.exams import queries as exams
from training_app.exams.queries import Standing
from training_app.exams.rules import StartAnswer
from training_app.permits.scope import BackStep, WayBack
from training_app.roleplay import session_queries as drills
from training_app.web import day as day_words
from training_app.web import pick, when


class Asking(Protocol):
    """What asks for an exam: a retraining or an annual review."""

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is asked and shown."""

    @property
    def exam_title(self) -> Mapping[str, str]:
        """The title of the exam in both languages."""

    @property
    def exam_minutes(self) -> int | None:
        """How long it takes."""


_Shown = tuple[Standing | None, Mapping[str, datetime]]


def way_back(session: Session, person_id: int, now: datetime) -> WayBack | None:
    """Return the way back of a person in retraining, None for all others."""
    returning = retraining_queries.find_return(session, person_id, now)
    if returning is None:
        return None
    blueprint = content.current(session, "exam_blueprint", today(now)).get(returning.due.shown_with.exam)
    standing = exams.get_standing(session, person_id, blueprint, now) if blueprint else None
    planned = drills.planned_drills(session, person_id, now)
    return WayBack(steps=tuple(_steps(returning, (standing, planned))), is_shown=returning.is_shown)


# The drills of a retraining or a review, by the key of their requirement.
TITLES: Mapping[str, object] = {
    "practical": _l("Practical exam in a role-play"),
    "panel": _l("Role-play before a panel"),
    "observation": _l("Observation in a role-play"),
}


def _steps(returning: Returning, shown: _Shown) -> Iterator[BackStep]:
    for title in returning.untaught:
        yield BackStep(
            title=_("Talk at your centre: %(breach)s", breach=pick(title)),
            note=_("There is no lesson for this yet. Your trainer goes through the right way of working with you in "
                   "person; ask for it before the exam."),
            kind="info", state=_("In person"),
        )  # fmt: skip
    for line in returning.lines:
        kind = line.requirement.kind
        if kind is RequirementKind.LESSON:
            yield _lesson(returning, line)
        elif kind is RequirementKind.EXAM:
            yield exam_step(returning, line, shown[0])
        else:
            yield drill_step(line, shown[1])
    yield BackStep(
        title=_("Decision of a certifier"),
        note=_("A certifier who neither trained nor examined you looks at what you have shown and makes your permit "
               "valid again. The entries behind the revocation are then cleared."),
        kind="info" if returning.is_shown else "unknown",
        state=_("Waiting for the certifier") if returning.is_shown else _("Not open yet"),
    )  # fmt: skip


def done_words(line: Line) -> str:
    """Say when something was shown."""
    return str(_("Shown on %(day)s", day=day_words(max(one.at for one in line.used))))


def _lesson(returning: Returning, line: Line) -> BackStep:
    place = returning.lessons[line.requirement.ref]
    breaches = _("; ").join(pick(row.title) for row in returning.due.breaches if row.lesson == place.lesson_key)
    note = done_words(line) if line.is_met else _(
        "Read it to the end and answer its question; about %(minutes)s minutes. It belongs to: %(breaches)s.",
        minutes=place.minutes, breaches=breaches,
    )  # fmt: skip
    return lesson_step(place, line, note)


def lesson_step(place: LessonPlace, line: Line, note: str) -> BackStep:
    """Return a lesson to be read again as a step."""
    return BackStep(
        title=_("Lesson: %(title)s", title=pick(place.title)), note=note,
        kind="valid" if line.is_met else "attention", state=_("Met") if line.is_met else _("To do"),
        href=url_for("courses.lesson", course_key=place.course_key, lesson_key=place.lesson_key),
        doing=_("Read the lesson"), is_open=not line.is_met,
    )  # fmt: skip


def exam_step(returning: Asking, line: Line, standing: Standing | None) -> BackStep:
    """Return the exam under supervision as a step: not open yet, open, planned, or passed."""
    title = _("Exam under supervision: %(title)s", title=pick(returning.exam_title))
    if line.is_met:
        return BackStep(title=title, note=done_words(line), kind="valid", state=_("Met"))
    if not asks_exam(returning.lines):
        return BackStep(
            title=title, note=_("Opens automatically once the lessons above are read."), kind="unknown",
            state=_("Not open yet"),
        )  # fmt: skip
    admitted = standing is not None and standing.decision is not None
    return BackStep(
        title=title, note=_exam_note(returning, standing), kind="attention", state=_("To do"),
        href=url_for("exams.exam", exam_key=line.requirement.ref) if admitted else url_for("exams.index"),
        doing=_("Go to the exam"), is_open=True,
    )  # fmt: skip


def _exam_note(returning: Asking, standing: Standing | None) -> str:
    decision = standing.decision if standing else None
    if standing is None or decision is None:
        return str(_("It is being opened for you. Load the page again in a moment."))
    if standing.seat is not None:
        return str(_("Your sitting: %(time)s", time=when(standing.seat.opens_at)))
    if decision.answer is StartAnswer.WAITING and decision.allowed_at is not None:
        return str(_("Next try possible from %(time)s", time=when(decision.allowed_at)))
    if decision.answer is StartAnswer.ATTEMPTS_USED:
        return str(_("All tries are used. Ask your examiner to admit you again."))
    return str(
        _("You are admitted. Agree a sitting with your examiner; it takes %(minutes)s minutes.",
          minutes=returning.exam_minutes)
    )  # fmt: skip


def drill_step(line: Line, planned: Mapping[str, datetime]) -> BackStep:
    """Return a drill as a step: to be planned, planned, or passed."""
    requirement = line.requirement
    is_open = not line.is_met
    if line.is_met:
        note = done_words(line)
    elif requirement.ref in planned:
        note = _("Planned: %(time)s", time=when(planned[requirement.ref]))
    elif line.why is Why.NOT_PASSED:
        note = _("Not passed yet. Read your result and ask your trainer for another drill.")
    elif requirement.raters:
        note = _("Ask your trainer to plan it with at least %(count)s raters; about half an hour.",
                 count=requirement.raters)  # fmt: skip
    else:
        note = _("Ask your trainer to plan it with you; about half an hour.")
    return BackStep(
        title=pick(TITLES[requirement.key]), note=note,
        kind="valid" if line.is_met else "attention", state=_("Met") if line.is_met else _("To do"),
        href=url_for("roleplay.mine"), doing=_("See my role-plays"), is_open=is_open,
    )  # fmt: skip
