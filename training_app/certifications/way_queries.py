"""A learner's own way to the next level: what is missing, what to do next, by when, and how long it takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from training_app.calendar.rules import last_day, legal_day
from training_app.certifications import queries
from training_app.certifications.award_rules import LOST, Situation, was_refused
from training_app.certifications.level_rules import Held, LevelEventKind, renewal_opens_at
from training_app.certifications.queries import LevelVersion, Words
from training_app.certifications.rules import Line, RequirementKind
from training_app.content import queries as content
from training_app.courses import queries as courses
from training_app.courses.queries import CourseRow
from training_app.courses.rules import State
from training_app.exams import queries as exams
from training_app.exams.queries import Standing
from training_app.exams.rules import StartAnswer
from training_app.permits import queries as permits
from training_app.roleplay import session_queries as drills


class Stage(StrEnum):
    """The steps of the way, in their order."""

    LEARN = "learn"
    QUIZZES = "quizzes"
    EXAM = "exam"
    ROLEPLAY = "roleplay"
    AWARD = "award"


STAGES = tuple(Stage)
_STAGE_OF = {
    RequirementKind.COURSE: Stage.LEARN,
    RequirementKind.QUIZ: Stage.QUIZZES,
    RequirementKind.EXAM: Stage.EXAM,
    RequirementKind.ROLEPLAY: Stage.ROLEPLAY,
}


@dataclass(frozen=True, kw_only=True)
class WayLine:
    """One requirement as its learner sees it.

    `is_open`: something can be done about it now. `minutes`: what it still takes, None where that is not known.
    `planned_at`: when a sitting or a drill is planned.
    """

    line: Line
    title: Words
    stage: Stage
    done_at: datetime | None
    due_on: date | None
    minutes: int | None
    is_open: bool
    course: CourseRow | None
    exam: Standing | None
    planned_at: datetime | None
    times_done: int

    @property
    def is_begun(self) -> bool:
        """Tell whether this is a course that its learner is in the middle of."""
        is_course = self.line.requirement.kind is RequirementKind.COURSE
        return is_course and self.course is not None and self.course.state is State.UNDER_WAY


@dataclass(frozen=True, kw_only=True)
class HeldRow:
    """A level the learner holds or held."""

    title: Words
    scope: Words
    held: Held
    is_held: bool
    valid_through: date | None
    renews_on: date | None
    withdrawal: queries.LevelHistory | None  # with the words given


@dataclass(frozen=True, kw_only=True)
class Way:
    """The whole page: the level aimed at (None: nothing to do now), its lines, and what is held."""

    level: LevelVersion | None
    situation: Situation | None
    lines: tuple[WayLine, ...]
    held: tuple[HeldRow, ...]
    due_on: date | None
    minutes: int
    refused: queries.LevelHistory | None
    waits_for_permit: bool

    @property
    def next_line(self) -> WayLine | None:
        """Return the line to go on with: a course that is begun, else the first about which something can be done.

        Where all that is left has to be waited for (the next try of an exam), it is the first that is missing.
        """
        missing = [one for one in self.lines if not one.line.is_met]
        return min(missing, key=lambda one: (not one.is_open, not one.is_begun), default=None)

    @property
    def at_stage(self) -> int:
        """Return the index of the step the learner is at; the last one while only the award is missing."""
        open_stages = [STAGES.index(one.stage) for one in self.lines if not one.line.is_met]
        return min(open_stages, default=len(STAGES) - 1)

    @property
    def is_complete(self) -> bool:
        """Tell whether everything is shown and only the award is missing."""
        return self.level is not None and all(one.line.is_met for one in self.lines)

    @property
    def met(self) -> int:
        """How many lines are met."""
        return sum(one.line.is_met for one in self.lines)


def get_way(session: Session, person_id: int, *, scheme: str, now: datetime, with_held: bool = True) -> Way:
    """Return a learner's way in a scheme; what is held only where a page shows it."""
    on = legal_day(now, queries.ZONE)
    versions = [one for one in queries.levels(session, on) if one.rules.scheme == scheme]
    situation = queries.situations(session, [person_id], scheme=scheme, now=now)[person_id]
    level = (
        queries.find_level(versions, scheme, situation.target.level.level)
        if situation.target is not None and situation.permit not in LOST
        else None
    )
    lines = _lines(session, person_id, situation, level, on, now) if level is not None else ()
    due = [one.due_on for one in lines if one.due_on is not None and not one.line.is_met]
    return Way(
        level=level,
        situation=situation,
        lines=lines,
        held=held_rows(session, person_id, now) if with_held else (),
        due_on=max(due, default=None),
        minutes=sum(one.minutes or 0 for one in lines if not one.line.is_met),
        refused=_refusal(session, person_id, situation) if level is not None else None,
        waits_for_permit=situation.permit in LOST,
    )


def _lines(
    session: Session, person_id: int, situation: Situation, level: LevelVersion, on: date, now: datetime
) -> tuple[WayLine, ...]:
    learned = {row.key: row for row in courses.courses(session, person_id, on)}
    standings = exams.standings(session, person_id, content.current(session, "exam_blueprint", on), now)
    blueprints = content.current(session, "exam_blueprint", on)
    planned = drills.planned_drills(session, person_id, now)
    return tuple(_line(one, level, learned, standings, blueprints, planned) for one in situation.lines)


def _line(
    line: Line,
    level: LevelVersion,
    learned: Mapping[str, CourseRow],
    standings: Mapping[str, Standing],
    blueprints: Mapping[str, content.Version],
    planned: Mapping[str, datetime],
) -> WayLine:
    requirement = line.requirement
    kind = requirement.kind
    course = learned.get(requirement.ref) if kind in (RequirementKind.COURSE, RequirementKind.QUIZ) else None
    standing = standings.get(requirement.ref) if kind is RequirementKind.EXAM else None
    minutes: int | None = None
    planned_at: datetime | None = None
    is_open = True
    if kind is RequirementKind.COURSE and course is not None:
        minutes = course.minutes_left
    elif kind is RequirementKind.QUIZ and course is not None:
        is_open = course.done_at is not None
        minutes = QUIZ_MINUTES
    elif kind is RequirementKind.EXAM:
        is_open = standing is not None and standing.decision is not None and standing.decision.answer not in _CLOSED
        minutes = blueprints[requirement.ref].body["limit_minutes"] if requirement.ref in blueprints else None
        planned_at = standing.seat.opens_at if standing is not None and standing.seat is not None else None
    elif kind is RequirementKind.ROLEPLAY:
        planned_at = planned.get(requirement.ref)
    return WayLine(
        line=line,
        title=level.requirement_titles[requirement.key],
        stage=_STAGE_OF[kind],
        done_at=max((one.at for one in line.used), default=None) if line.is_met else None,
        due_on=course.due_on if course is not None else None,
        minutes=minutes,
        is_open=is_open,
        course=course,
        exam=standing,
        planned_at=planned_at,
        times_done=len(line.used),
    )


# The next try has to be waited for, or granted by an examiner.
_CLOSED = frozenset({StartAnswer.WAITING, StartAnswer.ATTEMPTS_USED, StartAnswer.NOT_YET_ADMITTED})
# A module quiz has no limit of time; this is what its handful of questions takes.
QUIZ_MINUTES = 5


def held_rows(session: Session, person_id: int, now: datetime) -> tuple[HeldRow, ...]:
    """Return the levels a person holds or held, as they stand now."""
    versions = queries.levels(session, legal_day(now, queries.ZONE))
    record = permits.permit_facts(session, person_id, now)
    zone = record.zone if record else queries.ZONE
    withdrawals = {
        (one.scheme, one.level): one
        for one in queries.history(session, person_id)
        if one.kind is LevelEventKind.WITHDRAWN
    }
    rows = []
    for (scheme, level), held in queries.held_levels(session, person_id, now).items():
        version = queries.find_level(versions, scheme, level)
        if version is None or held.awarded_at is None:
            continue
        opens_at = renewal_opens_at(held, version.rules, zone)
        rows.append(
            HeldRow(
                title=version.title,
                scope=version.scope,
                held=held,
                is_held=held.is_held(now),
                valid_through=last_day(held.valid_until, zone) if held.valid_until else None,
                renews_on=legal_day(opens_at, zone) if opens_at else None,
                withdrawal=withdrawals.get((scheme, level)) if held.withdrawn_at else None,
            )
        )
    return tuple(rows)


def _refusal(session: Session, person_id: int, situation: Situation) -> queries.LevelHistory | None:
    """Return the refusal that stands, with its words."""
    if not was_refused(situation):
        return None
    refusals = [one for one in queries.history(session, person_id) if one.kind is LevelEventKind.REFUSED]
    return refusals[-1] if refusals else None
