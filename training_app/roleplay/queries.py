"""Role-play as evidence: results, a person's story, what a rater has to do; and what the services ask."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import can_reach, grants_of, in_reach
from training_app.access.rules import Grant, Permission, reaches
from training_app.accounts import queries as accounts
from training_app.calendar.closing_rules import Standing
from training_app.content import queries as content
from training_app.content.models import ContentVersion
from training_app.db import read_once
from training_app.roleplay import closing_queries
from training_app.roleplay.models import (
    ImprovementEvent,
    ImprovementPlan,
    MarkEvent,
    Performance,
    PerformancePart,
    PerformanceState,
    ScoreSheet,
    SheetState,
)
from training_app.roleplay.rules import JointResult, SheetResult, join_raters, scoring_sheet_from_body
from training_app.roleplay.session_rules import LEARNER, SheetMark, is_released

Words = Mapping[str, str]
Grants = tuple[Grant, ...]
GRADE = Permission.ROLEPLAY_GRADE


@dataclass(frozen=True, kw_only=True)
class RoleplayResult:
    """A performance that counts for a learner: all its sheets are locked and no third rater is needed."""

    performance_id: int
    public_id: str
    drill: str
    at: datetime
    passed: bool
    version_number: int
    rater_ids: tuple[int, ...]
    score: Fraction
    card_title: Words


@dataclass(frozen=True, kw_only=True)
class RoleplayStory:
    """One line of a person's history: `planned`, `played`, `result`, `third` (a third rater is needed), or a move of
    the improvement plan afterwards: `plan_hand_in`, `plan_send_back`, `plan_approve`, with its `version`.
    """

    at: datetime
    kind: str
    public_id: str
    drill: str
    card_title: Words
    score: Fraction | None
    passed: bool | None
    by_ids: tuple[int, ...]
    version: int | None = None


@dataclass(frozen=True, kw_only=True)
class RoleplayTodo:
    """What waits for a rater: an unfinished `sheet`, a `session` of today or before that is not over, or one past its
    day that is to be `finished`: it was led by them, and others still have `open` sheets.
    """

    kind: str
    public_id: str
    at: datetime
    card_title: Words
    about_id: int | None
    is_running: bool = False
    open: int = 0


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the sheets about one person in one performance say together; `joint` is None without a locked one.

    `is_void`: every sheet was withdrawn, so that there is no result.
    """

    marks: tuple[SheetMark, ...]
    joint: JointResult | None
    at: datetime | None
    cut: Fraction = Fraction(0)
    is_void: bool = False

    @property
    def is_released(self) -> bool:
        """Every sheet is locked (or was withdrawn by the leader)."""
        return is_released(self.marks)

    @property
    def needs_third(self) -> bool:
        """Two raters differ by more than the tolerance."""
        return self.joint is not None and self.joint.needs_third


NOT_JUDGED = Judged(marks=(), joint=None, at=None)


def results(session: Session, person_id: int) -> list[RoleplayResult]:
    """Return what counts for a learner, in time order; only performances in which they played the learner."""
    rows = _played(session, person_id)
    verdicts = judged(session, [performance.id for performance, _ in rows], about_id=person_id)
    cards = content.versions(session, [performance.card_version_id for performance, _ in rows])
    found = [
        RoleplayResult(
            performance_id=performance.id, public_id=performance.public_id, drill=performance.drill,
            at=verdict.at, passed=verdict.joint.passed, version_number=cards[performance.card_version_id].number,
            rater_ids=tuple(sorted(mark.rater_id for mark in verdict.marks)), score=verdict.joint.share,
            card_title=cards[performance.card_version_id].body["title"],
        )
        for performance, _ in rows
        if (verdict := verdicts.get((performance.id, person_id), NOT_JUDGED)).is_released
        and verdict.joint is not None and verdict.joint.passed is not None and verdict.at is not None
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.at, one.performance_id))


def story(session: Session, person_id: int) -> list[RoleplayStory]:
    """Return a learner's role-plays in time order, for the page that tells the whole story."""
    rows = _played(session, person_id, with_cancelled=False)
    verdicts = judged(session, [performance.id for performance, _ in rows], about_id=person_id)
    cards = content.versions(session, [performance.card_version_id for performance, _ in rows])
    moves = _plan_moves(session, person_id) if rows else {}
    lines: list[RoleplayStory] = []
    for performance, _ in rows:
        title = cards[performance.card_version_id].body["title"]
        verdict = verdicts.get((performance.id, person_id), NOT_JUDGED)

        def line(
            at: datetime, kind: str, by: Iterable[int], of: Performance = performance, title: Words = title,
            joint: JointResult | None = None, version: int | None = None,
        ) -> RoleplayStory:  # fmt: skip
            return RoleplayStory(
                at=at, kind=kind, public_id=of.public_id, drill=of.drill, card_title=title, by_ids=tuple(by),
                score=joint.share if joint else None, passed=joint.passed if joint else None, version=version,
            )  # fmt: skip

        lines.append(line(performance.created_at, "planned", [performance.led_by]))
        if performance.started_at is not None:
            lines.append(line(performance.started_at, "played", [performance.led_by]))
        if verdict.is_released and verdict.at is not None and verdict.joint is not None:
            raters = [mark.rater_id for mark in verdict.marks]
            kind = "third" if verdict.needs_third else "result"
            lines.append(line(verdict.at, kind, raters, joint=None if verdict.needs_third else verdict.joint))
        for event in moves.get(performance.id, ()):
            by = [event.actor_id] if event.actor_id else []
            lines.append(line(event.recorded_at, f"plan_{event.move.value}", by, version=event.version))
    return sorted(lines, key=lambda one: (one.at, one.public_id, one.kind))


def _plan_moves(session: Session, person_id: int) -> dict[int, list[ImprovementEvent]]:
    """Return what was done to the improvement plans of a learner, by performance, in order."""
    found: dict[int, list[ImprovementEvent]] = defaultdict(list)
    rows = session.execute(
        sa.select(ImprovementPlan.performance_id, ImprovementEvent)
        .join(ImprovementEvent, ImprovementEvent.plan_id == ImprovementPlan.id)
        .where(ImprovementPlan.person_id == person_id)
        .order_by(ImprovementEvent.seq)
    )
    for performance_id, event in rows:
        found[performance_id].append(event)
    return found


def todo(session: Session, rater_id: int, now: datetime) -> list[RoleplayTodo]:
    """Return what waits for a rater: unfinished sheets, own sessions past their day in which others have not finished,
    then own sessions up to a day ahead that are not over.
    """
    sheets = open_sheets(session, rater_id)
    led, standing = _led(session, rater_id, now)
    own = Counter(performance.id for _sheet, performance, _held in sheets)
    others = {one: count - own[one] for one, count in open_counts(session, list(standing)).items()}
    cards = content.versions(session, [p.card_version_id for _, p, _ in sheets] + [p.card_version_id for p in led])
    return [
        RoleplayTodo(
            kind="sheet", public_id=sheet.public_id, at=performance.planned_at, about_id=sheet.about_id,
            card_title=cards[performance.card_version_id].body["title"],
        )
        for sheet, performance, _ in sheets
    ] + [
        RoleplayTodo(
            kind="finish" if performance.id in standing else "session", public_id=performance.public_id,
            at=performance.planned_at, about_id=None, card_title=cards[performance.card_version_id].body["title"],
            is_running=performance.state is PerformanceState.RUNNING, open=others.get(performance.id, 0),
        )
        for performance in sorted(led, key=lambda one: one.id not in standing)
        if performance.id not in standing or others.get(performance.id)
    ]  # fmt: skip


def _led(session: Session, leader_id: int, now: datetime) -> tuple[list[Performance], dict[int, Standing]]:
    """Return the sessions that somebody leads and that time has not closed, and how those past their day stand."""
    rows = session.scalars(
        sa.select(Performance)
        .where(
            Performance.led_by == leader_id,
            sa.or_(
                sa.and_(Performance.state.in_(closing_queries.OPEN), Performance.planned_at < now + timedelta(days=1)),
                sa.and_(Performance.state == PerformanceState.ENDED, has_open_sheet()),
            ),
        )
        .order_by(Performance.planned_at, Performance.id)
    ).all()
    standing = closing_queries.standings(session, rows, now)
    waiting = [
        row
        for row in rows
        if (row.state in closing_queries.OPEN and row.id not in standing)
        or (row.id in standing and standing[row.id].closed_at is None)
    ]
    return waiting, {row.id: standing[row.id] for row in waiting if row.id in standing}


def has_open_sheet() -> sa.ColumnElement[bool]:
    """Return the condition for sessions in which a sheet is not locked yet; the few open sheets have an index."""
    is_open = ScoreSheet.state == sa.bindparam("sheet_open", SheetState.OPEN, literal_execute=True)
    return Performance.id.in_(sa.select(ScoreSheet.performance_id).where(is_open))


def open_counts(session: Session, performance_ids: Sequence[int]) -> dict[int, int]:
    """Return how many sheets are open, by performance."""
    if not performance_ids:
        return {}
    rows = session.execute(
        sa.select(ScoreSheet.performance_id, sa.func.count())
        .where(ScoreSheet.performance_id.in_(sorted(performance_ids)), ScoreSheet.state == SheetState.OPEN)
        .group_by(ScoreSheet.performance_id)
    )
    return dict(iter(rows))


def open_sheets(session: Session, rater_id: int) -> list[tuple[ScoreSheet, Performance, int]]:
    """Return a rater's unfinished sheets with the session and how many actions the server holds, oldest first."""
    held = sa.select(sa.func.count()).where(MarkEvent.sheet_id == ScoreSheet.id).correlate(ScoreSheet).scalar_subquery()
    rows = session.execute(
        sa.select(ScoreSheet, Performance, held)
        .join(Performance, Performance.id == ScoreSheet.performance_id)
        .where(ScoreSheet.rater_id == rater_id, ScoreSheet.state == SheetState.OPEN)
        .order_by(Performance.planned_at, ScoreSheet.id)
    )
    return [(sheet, performance, count) for sheet, performance, count in rows]


@cache
def _as_learner() -> Any:
    one, part, plan = Performance, PerformancePart, ImprovementPlan
    return (
        sa.select(
            part.person_id, one.id, one.drill, one.led_by, one.public_id, one.card_version_id, ContentVersion.number,
            plan.id.label("plan_id"), plan.state.label("plan_state"), plan.due_on.label("plan_due_on"),
        )
        .join(one, one.id == part.performance_id)
        .join(ContentVersion, ContentVersion.id == one.card_version_id)
        .outerjoin(plan, sa.and_(plan.performance_id == one.id, plan.person_id == part.person_id))
        .where(part.person_id.in_(sa.bindparam("wanted", expanding=True)), part.part == LEARNER)
        .order_by(one.planned_at.desc(), one.id.desc())
    )  # fmt: skip


def learner_rows(session: Session, person_ids: Iterable[int]) -> Mapping[int, Sequence[Any]]:
    """Return the performances that each person was or is to be scored in, newest first.

    Each with the number of its card, and how the improvement plan after it stands.
    """
    wanted = sorted(set(person_ids))

    def read() -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {person_id: [] for person_id in wanted}
        for row in session.execute(_as_learner(), {"wanted": wanted}):
            found[row.person_id].append(row)
        return found

    return read_once(session, ("roleplay.learner", *wanted), read)


def judged(
    session: Session, performance_ids: Sequence[int], *, about_id: int | None = None
) -> dict[tuple[int, int], Judged]:
    """Join the sheets of performances by (performance, person they are about); withdrawn ones are left out."""
    if not performance_ids:
        return {}
    query = sa.select(ScoreSheet).where(ScoreSheet.performance_id.in_(sorted(set(performance_ids))))
    if about_id is not None:
        query = query.where(ScoreSheet.about_id == about_id)
    groups: dict[tuple[int, int], list[ScoreSheet]] = defaultdict(list)
    for sheet in session.scalars(query.order_by(ScoreSheet.id)):
        groups[sheet.performance_id, sheet.about_id].append(sheet)
    templates = content.versions(session, [group[0].scoring_sheet_version_id for group in groups.values()])
    found = {}
    for key, sheets in groups.items():
        group = [sheet for sheet in sheets if sheet.state is not SheetState.WITHDRAWN]
        if not group:
            found[key] = Judged(marks=(), joint=None, at=None, is_void=True)
            continue
        locked = [sheet for sheet in group if sheet.state is SheetState.LOCKED]
        rules = scoring_sheet_from_body(templates[group[0].scoring_sheet_version_id].body)
        found[key] = Judged(
            marks=tuple(SheetMark(rater_id=one.rater_id, is_locked=one.state is SheetState.LOCKED) for one in group),
            joint=join_raters(rules, [result_of(one.result or {}) for one in locked]) if locked else None,
            at=max((one.locked_at for one in locked if one.locked_at), default=None),
            cut=rules.cut,
        )
    return found


def result_of(stored: Mapping[str, Any]) -> SheetResult:
    """Read a sheet's result from what its lock stored."""
    return SheetResult(
        share=Fraction(stored["share"]),
        grade=stored["grade"],
        steps_done=stored["steps_done"],
        steps=stored["steps"],
        critical=frozenset(stored["critical"]),
        levels=stored["levels"],
        passed=stored["passed"],
    )


def visible(actor_id: int, grants: Grants) -> sa.ColumnElement[bool]:
    """Return the condition for performances that a trainer may see: led by them, or with people they reach."""
    with_reached = sa.exists().where(
        PerformancePart.performance_id == Performance.id, in_reach(PerformancePart.person_id, grants, GRADE)
    )
    return sa.or_(Performance.led_by == actor_id, with_reached)


def may_lead(session: Session, performance_id: int, led_by: int, actor_id: int, grants: Grants) -> bool:
    """Tell whether a trainer may move this session: its leader or who reaches its people, never its learner."""
    if not any(grant.permission == GRADE for grant in grants):
        return False
    if part_of(session, performance_id, actor_id) == LEARNER:
        return False
    seen = sa.select(Performance.id).where(Performance.id == performance_id, visible(actor_id, grants))
    return led_by == actor_id or session.scalar(seen) is not None


def holds_grade(session: Session, person_id: int, on: date) -> bool:
    """Tell whether somebody may grade anybody on a day; who has left may not."""
    return any(grant.permission == GRADE for grant in grants_of(session, person_id, on))


def can_score(session: Session, rater_id: int, about_id: int, on: date) -> bool:
    """Tell whether a rater may still score a person on a day: they have not left, nor lost the right or the reach."""
    return can_reach(session, grants_of(session, rater_id, on), GRADE, about_id)


def part_of(session: Session, performance_id: int, person_id: int) -> str | None:
    """Return the part a person has in a performance, or None."""
    return session.scalar(
        sa.select(PerformancePart.part).where(
            PerformancePart.performance_id == performance_id, PerformancePart.person_id == person_id
        )
    )


def people_in(session: Session, performance_id: int, part: str) -> list[int]:
    """Return who has a part in a performance, by id."""
    return list(
        session.scalars(
            sa.select(PerformancePart.person_id)
            .where(PerformancePart.performance_id == performance_id, PerformancePart.part == part)
            .order_by(PerformancePart.person_id)
        )
    )


def times_played(session: Session, person_ids: Iterable[int]) -> Mapping[str, int]:
    """Return how often these people have been planned as learners on each card."""
    return Counter(
        session.scalars(
            sa.select(Performance.card_key)
            .join(PerformancePart, PerformancePart.performance_id == Performance.id)
            .where(
                PerformancePart.person_id.in_(sorted(set(person_ids))),
                PerformancePart.part == LEARNER,
                not_called_off(),
            )
        )
    )


def not_called_off() -> sa.ColumnElement[bool]:
    """Return the condition for sessions that nobody called off; what time closed without a start was planned."""
    return sa.or_(Performance.state != PerformanceState.CANCELLED, Performance.ended_at.isnot(None))


def find_sheet_of(session: Session, performance_id: int, about_id: int, rater_id: int) -> ScoreSheet | None:
    """Return a rater's sheet about a person in a performance, or None."""
    return session.scalar(
        sa.select(ScoreSheet).where(
            ScoreSheet.performance_id == performance_id,
            ScoreSheet.about_id == about_id,
            ScoreSheet.rater_id == rater_id,
        )
    )


def reaches_unit(session: Session, grants: Grants, unit_id: int, on: date) -> bool:
    """Tell whether grading reaches a unit that exists."""
    known = any(unit.unit_id == unit_id for unit in accounts.units(session, on))
    return known and reaches(grants, GRADE, accounts.ancestors(session, unit_id, on))


def _played(session: Session, person_id: int, *, with_cancelled: bool = True) -> Sequence[sa.Row[Performance, str]]:
    query = (
        sa.select(Performance, PerformancePart.part)
        .join(PerformancePart, PerformancePart.performance_id == Performance.id)
        .where(PerformancePart.person_id == person_id, PerformancePart.part == LEARNER)
        .order_by(Performance.planned_at, Performance.id)
    )
    if not with_cancelled:
        query = query.where(not_called_off())
    return session.execute(query).all()
