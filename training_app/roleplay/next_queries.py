"""What a trainer does next with one technician, and what a trainer reads of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy.orm import Session, aliased

from training_app.access.queries import can_reach, require_reach
from training_app.accounts import queries as accounts
from training_app.accounts.queries import PersonCard
from training_app.calendar.rules import day_end, day_start
from training_app.roleplay import improvement_queries, queries, session_queries
from training_app.roleplay.closing_queries import ZONE
from training_app.roleplay.improvement_rules import PlanState
from training_app.roleplay.models import Performance, PerformancePart, PerformanceState, ScoreSheet, SheetState
from training_app.roleplay.queries import GRADE, Grants
from training_app.roleplay.session_queries import OwnLine
from training_app.roleplay.session_rules import LEARNER, may_open


class NextKind(StrEnum):
    """Where a trainer is led to."""

    SHEET = "sheet"
    SESSION = "session"
    PLAN = "plan"
    PERSON = "person"


@dataclass(frozen=True, kw_only=True)
class NextThing:
    """The next thing with a person; `public_id`: of the sheet or session, empty for the person's own page."""

    kind: NextKind
    public_id: str = ""


@dataclass(frozen=True, kw_only=True)
class LearnerPage:
    """A technician as a trainer sees them: who it is, and the role-plays in which they were or are to be scored."""

    card: PersonCard
    rows: Sequence[OwnLine]
    plans: dict[str, PlanState]


def next_with(session: Session, person_id: int, actor_id: int, grants: Grants, *, on: date, now: datetime) -> NextThing:
    """Return what a trainer does next with a person within reach.

    One's own unfinished sheet about them, the newest session first; else today's session in which they are to be
    scored, what runs before what is planned; else their plan that waits for this trainer; else their page.
    """
    sheet = session.scalar(
        sa.select(ScoreSheet.public_id)
        .join(Performance, Performance.id == ScoreSheet.performance_id)
        .where(
            ScoreSheet.rater_id == actor_id, ScoreSheet.about_id == person_id, ScoreSheet.state == SheetState.OPEN,
        )
        .order_by(Performance.planned_at.desc(), ScoreSheet.id.desc())
        .limit(1)
    )  # fmt: skip
    if sheet is not None and can_reach(session, grants, GRADE, person_id):
        return NextThing(kind=NextKind.SHEET, public_id=sheet)
    meeting = _of_today(session, person_id, actor_id, grants, on)
    if meeting is not None:
        return NextThing(kind=NextKind.SESSION, public_id=meeting)
    plan = improvement_queries.find_to_review(session, person_id, actor_id, grants, on)
    if plan is not None:
        return NextThing(kind=NextKind.PLAN, public_id=plan)
    return NextThing(kind=NextKind.PERSON)


def get_learner(session: Session, person_id: int, grants: Grants, *, on: date, now: datetime) -> LearnerPage:
    """Return a technician within reach of grading; raises NotFound."""
    require_reach(session, grants, GRADE, person_id)
    return LearnerPage(
        card=accounts.get_card(session, person_id, on),
        rows=[row for row in session_queries.own_list(session, person_id, now) if row.part == LEARNER],
        plans=improvement_queries.states(session, person_id),
    )


def _of_today(session: Session, person_id: int, actor_id: int, grants: Grants, on: date) -> str | None:
    at, part = sa.func.coalesce(Performance.started_at, Performance.planned_at), aliased(PerformancePart)
    rows = session.scalars(
        sa.select(Performance)
        .join(part, part.performance_id == Performance.id)
        .where(
            part.person_id == person_id, part.part == LEARNER, queries.not_called_off(),
            queries.visible(actor_id, grants), at >= day_start(on, ZONE), at < day_end(on, ZONE),
        )
        .order_by(Performance.planned_at, Performance.id)
    ).all()  # fmt: skip
    verdicts = queries.judged(session, [row.id for row in rows], about_id=person_id)
    scored = {row.id for row in rows if queries.find_sheet_of(session, row.id, person_id, actor_id) is not None}

    def is_open(row: Performance) -> bool:
        if row.started_at is None:
            return row.state is PerformanceState.PLANNED
        verdict = verdicts.get((row.id, person_id), queries.NOT_JUDGED)
        return may_open(verdict.marks, needs_third=verdict.needs_third)

    waiting = [row for row in rows if row.id not in scored and is_open(row)]
    order = (PerformanceState.RUNNING, PerformanceState.ENDED, PerformanceState.PLANNED)
    return min(waiting, key=lambda row: order.index(row.state)).public_id if waiting else None
