"""Reading sessions: the trainer's day, one session, a learner's list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import can_reach
from training_app.accounts import queries as accounts
from training_app.calendar.closing_rules import Standing
from training_app.calendar.rules import day_end, day_start
from training_app.content import queries as content
from training_app.content.queries import Version
from training_app.errors import NotFound
from training_app.roleplay import closing_queries, queries
from training_app.roleplay.closing_queries import ZONE
from training_app.roleplay.models import Performance, PerformancePart, PerformanceState, ScoreSheet, SheetState
from training_app.roleplay.queries import GRADE, Grants, Words
from training_app.roleplay.session_rules import LEARNER, Clock, Look, Phase, look_of, may_open, may_see_others
from training_app.roleplay.sheet_queries import clock_for

AHEAD = timedelta(days=14)
BACK = timedelta(days=14)
LIMIT = 60
OVER = (Phase.ENDED, Phase.NOT_HELD)


@dataclass(frozen=True, kw_only=True)
class SessionLine:
    """A session in a list."""

    public_id: str
    planned_at: datetime
    card_title: Words
    drill: str
    clock: Clock
    leader_name: str
    is_mine: bool
    learners: Sequence[str]
    needs_third: bool
    open: int = 0  # sheets that are still to be finished though the day of the session is over


@dataclass(frozen=True, kw_only=True)
class SheetLine:
    """An unfinished sheet of one's own."""

    public_id: str
    about_name: str
    card_title: Words
    planned_at: datetime
    marks: int
    is_late: bool


@dataclass(frozen=True, kw_only=True)
class TrainerDay:
    """What a trainer sees first."""

    running: Sequence[SessionLine]
    today: Sequence[SessionLine]
    ahead: Sequence[SessionLine]
    past: Sequence[SessionLine]
    thirds: Sequence[SessionLine]
    unfinished: Sequence[SessionLine]
    sheets: Sequence[SheetLine]


@dataclass(frozen=True, kw_only=True)
class PartLine:
    """A person in a session; for a learner also what can be done about the score."""

    person_id: int
    name: str
    number: str
    unit_name: str | None
    unit_latin: str | None
    part: str
    own_sheet: str | None
    own_is_locked: bool
    may_score: bool
    may_see_result: bool
    is_released: bool
    needs_third: bool
    is_void: bool  # every sheet was withdrawn: there is no result
    locked: int
    open: int
    stuck: int  # open sheets, past the day, of raters who cannot score this person any more


@dataclass(frozen=True, kw_only=True)
class SessionPage:
    """One session as its reader may see it."""

    public_id: str
    look: Look
    may_lead: bool
    own_part: str | None
    planned_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    # Who has open sheets though the day of the session is over; None: the link to the person was erased.
    unfinished_by: Sequence[str | None]
    may_release: bool
    clock: Clock
    card: Version
    is_card_signed: bool
    unit_name: str
    unit_latin: str | None
    leader_name: str
    parts: Sequence[PartLine]
    dimensions: Sequence[Words]


@dataclass(frozen=True, kw_only=True)
class OwnLine:
    """A role-play in a learner's own list; `passed` is None before the result or while a third rater is needed."""

    public_id: str
    planned_at: datetime
    card_title: Words
    drill: str
    part: str
    phase: str
    is_released: bool
    needs_third: bool
    is_void: bool
    passed: bool | None


def day_of(session: Session, actor_id: int, grants: Grants, *, on: date, now: datetime) -> TrainerDay:
    """Return a trainer's day: the sessions of two weeks back and ahead that they may see, and their open sheets.

    What is unfinished, what is on and what is past are each read in their own order, so that none crowds out another.
    """
    today, tomorrow = day_start(on, ZONE), day_end(on, ZONE)
    seen = sa.select(Performance).where(queries.visible(actor_id, grants), queries.not_called_off())
    at = sa.func.coalesce(Performance.started_at, Performance.planned_at)
    soonest = (Performance.planned_at, Performance.id)
    has_open, is_open = queries.has_open_sheet(), closing_queries.is_unended()
    past = sa.or_(sa.and_(at < today, ~has_open), sa.and_(at >= today, ~is_open))
    portions = (
        seen.where(at < today, has_open).order_by(*soonest),
        seen.where(at >= today, Performance.planned_at < now + AHEAD, is_open).order_by(*soonest),
        seen.where(past, Performance.planned_at > now - BACK).order_by(*(one.desc() for one in soonest)),
    )
    rows = {row.id: row for portion in portions for row in session.scalars(portion.limit(LIMIT))}
    lines = _lines(session, sorted(rows.values(), key=lambda row: (row.planned_at, row.id)), actor_id, now)
    waiting = [line for line in lines if line.clock.phase == Phase.PLANNED]
    return TrainerDay(
        running=[line for line in lines if line.clock.phase in (Phase.PREPARING, Phase.PERFORMING) and not line.open],
        today=[line for line in waiting if line.planned_at < tomorrow],
        ahead=[line for line in waiting if line.planned_at >= tomorrow],
        past=[line for line in reversed(lines) if line.clock.phase in OVER and not line.open][:20],
        unfinished=[line for line in lines if line.open],
        thirds=[line for line in lines if line.needs_third],
        sheets=_open_sheets(session, actor_id, now),
    )


def get_session(
    session: Session, public_id: str, actor_id: int, grants: Grants, *, on: date, now: datetime
) -> SessionPage:
    """Return one session for its leader, a trainer who reaches its people, or who plays in it; raises NotFound."""
    performance = session.scalar(sa.select(Performance).where(Performance.public_id == public_id))
    if performance is None:
        raise NotFound()
    own_part = queries.part_of(session, performance.id, actor_id)
    may_lead = queries.may_lead(session, performance.id, performance.led_by, actor_id, grants)
    look = look_of(own_part, is_leader=performance.led_by == actor_id, reaches=may_lead)
    if look is Look.NOTHING:
        raise NotFound()
    card = content.get_version(session, performance.card_version_id)
    template = content.find_current(session, "scoring_sheet", card.body["sheet"], on)
    unit = next((one for one in accounts.units(session, on) if one.unit_id == performance.unit_id), None)
    stands = closing_queries.standings(session, [performance], now).get(performance.id)
    closed_at = stands.closed_at if stands else None
    is_late = stands is not None and closed_at is None
    return SessionPage(
        public_id=public_id, look=look, may_lead=may_lead,
        own_part=own_part, planned_at=performance.planned_at, started_at=performance.started_at,
        ended_at=performance.ended_at or closed_at,
        unfinished_by=_unfinished_by(session, performance.id) if is_late else (),
        may_release=performance.led_by == actor_id
        or (is_late and may_lead and not queries.holds_grade(session, performance.led_by, on)),
        clock=clock_for(performance, card, now, closed_at), card=card,
        is_card_signed=card.id in content.signed_off(session, [card.id]),
        unit_name=unit.name if unit else "—", unit_latin=unit.name_latin if unit else None,
        leader_name=accounts.names(session, [performance.led_by]).get(performance.led_by, "—"),
        parts=_parts(session, performance, actor_id, grants, on, is_late=is_late),
        dimensions=[one["title"] for one in template.body["dimensions"]] if template else [],
    )  # fmt: skip


def own_list(session: Session, person_id: int, now: datetime) -> list[OwnLine]:
    """Return the role-plays a person has a part in, newest first; results only of those they were scored in."""
    rows = session.execute(
        sa.select(Performance, PerformancePart.part)
        .join(PerformancePart, PerformancePart.performance_id == Performance.id)
        .where(PerformancePart.person_id == person_id, queries.not_called_off())
        .order_by(Performance.planned_at.desc(), Performance.id.desc())
        .limit(LIMIT)
    ).all()
    cards = content.versions(session, [performance.card_version_id for performance, _ in rows])
    verdicts = queries.judged(session, [performance.id for performance, _ in rows], about_id=person_id)
    standings = closing_queries.standings(session, [performance for performance, _ in rows], now)
    closed = _closed(standings)
    lines = []
    for performance, part in rows:
        card = cards[performance.card_version_id]
        verdict = verdicts.get((performance.id, person_id), queries.NOT_JUDGED)
        lines.append(
            OwnLine(
                public_id=performance.public_id,
                planned_at=performance.planned_at,
                card_title=card.body["title"],
                drill=performance.drill,
                part=part,
                phase="ended"  # past its day and being scored: for who was scored it is over
                if performance.id in standings and performance.id not in closed
                else clock_for(performance, card, now, closed.get(performance.id)).phase.value,
                is_released=verdict.is_released,
                needs_third=verdict.needs_third,
                is_void=verdict.is_void,
                passed=verdict.joint.passed if verdict.joint and verdict.is_released else None,
            )
        )
    return lines


def planned_drills(session: Session, person_id: int, now: datetime) -> dict[str, datetime]:
    """Return when the drills are planned in which a person is to be scored, by drill; of several the next one."""
    if not queries.learner_rows(session, [person_id])[person_id]:  # known already to who asks for a way
        return {}
    return {
        one.drill: one.planned_at
        for one in own_list(session, person_id, now)
        if one.part == LEARNER and one.phase == "planned"
    }


def _lines(session: Session, rows: Sequence[Performance], actor_id: int, now: datetime) -> list[SessionLine]:
    cards = content.versions(session, [row.card_version_id for row in rows])
    learners: dict[int, list[int]] = defaultdict(list)
    parts = session.execute(
        sa.select(PerformancePart.performance_id, PerformancePart.person_id)
        .where(PerformancePart.performance_id.in_([row.id for row in rows]), PerformancePart.part == LEARNER)
        .order_by(PerformancePart.person_id)
    )
    for performance_id, person_id in parts:
        learners[performance_id].append(person_id)
    named = {row.led_by for row in rows} | {one for group in learners.values() for one in group}
    names = accounts.names(session, named)
    verdicts = queries.judged(session, [row.id for row in rows])
    standings = closing_queries.standings(session, rows, now)
    closed = _closed(standings)
    unfinished = queries.open_counts(session, [one for one, stands in standings.items() if stands.closed_at is None])
    return [
        SessionLine(
            public_id=row.public_id, planned_at=row.planned_at, drill=row.drill,
            card_title=cards[row.card_version_id].body["title"], is_mine=row.led_by == actor_id,
            clock=clock_for(row, cards[row.card_version_id], now, closed.get(row.id)), open=unfinished.get(row.id, 0),
            leader_name=names.get(row.led_by, "—"),
            learners=[names.get(one, "—") for one in learners[row.id]],
            needs_third=any(
                verdicts.get((row.id, one), queries.NOT_JUDGED).needs_third
                and verdicts[row.id, one].is_released
                for one in learners[row.id]
            ),
        )
        for row in rows
    ]  # fmt: skip


def _closed(standings: Mapping[int, Standing]) -> dict[int, datetime]:
    return {one: stands.closed_at for one, stands in standings.items() if stands.closed_at is not None}


def _unfinished_by(session: Session, performance_id: int) -> list[str | None]:
    """Return whose sheets are open, by name; None where the link to the person was erased."""
    raters = session.scalars(
        sa.select(ScoreSheet.rater_id)
        .where(ScoreSheet.performance_id == performance_id, ScoreSheet.state == SheetState.OPEN)
        .distinct()
    ).all()
    names = accounts.names(session, raters)
    return sorted((names.get(one) for one in raters), key=lambda name: (name is None, name or ""))


def _open_sheets(session: Session, rater_id: int, now: datetime) -> list[SheetLine]:
    rows = queries.open_sheets(session, rater_id)
    late = closing_queries.standings(session, [performance for _, performance, _ in rows], now)
    cards = content.versions(session, [performance.card_version_id for _, performance, _ in rows])
    names = accounts.names(session, [sheet.about_id for sheet, _, _ in rows])
    return [
        SheetLine(
            public_id=sheet.public_id, about_name=names.get(sheet.about_id, "—"), planned_at=performance.planned_at,
            card_title=cards[performance.card_version_id].body["title"], marks=marks,
            is_late=performance.id in late,
        )
        for sheet, performance, marks in rows
    ]  # fmt: skip


def _parts(
    session: Session, performance: Performance, actor_id: int, grants: Grants, on: date, *, is_late: bool
) -> list[PartLine]:
    rows = session.execute(
        sa.select(PerformancePart.person_id, PerformancePart.part).where(
            PerformancePart.performance_id == performance.id
        )
    ).all()
    people = accounts.cards(session, [person_id for person_id, _ in rows], on)
    verdicts = queries.judged(session, [performance.id])
    own = {
        sheet.about_id: sheet
        for sheet in session.scalars(
            sa.select(ScoreSheet).where(ScoreSheet.performance_id == performance.id, ScoreSheet.rater_id == actor_id)
        )
    }
    begun = performance.state in (PerformanceState.RUNNING, PerformanceState.ENDED)
    lines = []
    for person_id, part in rows:
        verdict = verdicts.get((performance.id, person_id), queries.NOT_JUDGED)
        sheet, card = own.get(person_id), people.get(person_id)
        reached = person_id != actor_id and can_reach(session, grants, GRADE, person_id)
        lines.append(
            PartLine(
                person_id=person_id,
                name=card.name if card else "—",
                number=card.number if card else "—",
                unit_name=card.unit_name if card else None,
                unit_latin=card.unit_latin if card else None,
                part=part,
                own_sheet=sheet.public_id if sheet and sheet.state is not SheetState.WITHDRAWN else None,
                own_is_locked=sheet is not None and sheet.state is SheetState.LOCKED,
                may_score=part == LEARNER
                and begun
                and reached
                and sheet is None
                and may_open(verdict.marks, needs_third=verdict.needs_third),
                may_see_result=part == LEARNER
                and verdict.joint is not None
                and (
                    (person_id == actor_id and verdict.is_released)
                    or (reached and may_see_others(verdict.marks, actor_id, needs_third=verdict.needs_third))
                ),
                is_released=verdict.is_released,
                needs_third=verdict.needs_third,
                is_void=verdict.is_void,
                locked=sum(mark.is_locked for mark in verdict.marks),
                open=sum(not mark.is_locked for mark in verdict.marks),
                stuck=sum(
                    not queries.can_score(session, mark.rater_id, person_id, on)
                    for mark in verdict.marks
                    if is_late and not mark.is_locked
                ),
            )
        )
    order = {LEARNER: 0, "customer": 1, "rater": 9}
    return sorted(lines, key=lambda line: (order.get(line.part, 5), line.part, line.name))
