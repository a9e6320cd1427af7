"""Performances: plan, who takes part, start, perform, end, cancel, release."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.accounts.locks import lock_people, lock_person
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.content import queries as content
from training_app.content.queries import Version
from training_app.db import transaction
from training_app.errors import NotFound
from training_app.roleplay import closing_queries, closing_service, queries
from training_app.roleplay.events import sheet_locked
from training_app.roleplay.models import Performance, PerformancePart, PerformanceState, ScoreSheet, SheetState
from training_app.roleplay.outcomes import tell_if_out
from training_app.roleplay.refusals import (
    Begun,
    HasSheets,
    LeaderLearns,
    NobodyToScore,
    NoCard,
    NotARater,
    NothingLocked,
    NotYet,
    NotYourSession,
    StillScoring,
    UnknownPart,
    WordsNeeded,
)
from training_app.roleplay.session_rules import LEARNER, RATER, draw_card
from training_app.roleplay.sheets import add_sheet

Grants = tuple[Grant, ...]
GRADE = Permission.ROLEPLAY_GRADE
SENT_TWICE = timedelta(minutes=1)
WORDS_MAX = 2000


def plan(
    *,
    drill: str,
    unit_id: int,
    at: datetime,
    led_by: int,
    grants: Grants,
    now: datetime,
    card_key: str | None = None,
    people: Mapping[int, str] | None = None,
    seed: int = 0,
) -> str:
    """Plan a performance; return its public id.

    Without `card_key` a card of the drill is drawn, of those the learners have played least. `people` are
    person id -> part. Raises NoCard, NotFound (unit or person out of reach), UnknownPart, NotARater, LeaderLearns.
    """
    people = people or {}
    with transaction() as session:
        lock_people([led_by, *people], now=now)
        if not queries.reaches_unit(session, grants, unit_id, today(now)):
            raise NotFound()
        learners = [person for person, part in people.items() if part == LEARNER]
        if not people and (there := _just_planned(session, drill, unit_id, at, led_by, now)):
            return there
        card = _card(session, drill, card_key, learners, seed, now)
        performance = Performance(
            public_id=secrets.token_hex(16), unit_id=unit_id, card_version_id=card.id, card_key=card.key, drill=drill,
            state=PerformanceState.PLANNED, planned_at=at, led_by=led_by, created_at=now,
        )  # fmt: skip
        session.add(performance)
        session.flush()
        for person_id, part in sorted(people.items()):
            _add_part(session, performance, person_id, part, grants, now)
        audit.record(
            "roleplay.planned", f"performance:{performance.id}", now=now, stream=audit.person_stream(led_by),
            actor_id=led_by, facts={"card": card.key, "version": card.number, "seed": seed, "unit": unit_id},
        )  # fmt: skip
        return performance.public_id


def draw_again(public_id: str, *, actor_id: int, grants: Grants, seed: int, now: datetime) -> None:
    """Draw another card of the same drill while the session is only planned, one the learners know least."""
    with transaction() as session:
        performance = _mine(session, public_id, actor_id, grants, now)
        _refuse_unless_planned(performance)
        learners = queries.people_in(session, performance.id, LEARNER)
        card = _card(session, performance.drill, None, learners, seed, now, not_this=performance.card_key)
        performance.card_key, performance.card_version_id = card.key, card.id


def add_person(public_id: str, *, person_id: int, part: str, actor_id: int, grants: Grants, now: datetime) -> None:
    """Give a person a part, also during the session; a person who has one gets the other instead.

    Raises UnknownPart, NotARater, LeaderLearns, HasSheets, NotFound (out of reach).
    """
    with transaction() as session:
        lock_person(person_id, now=now)
        performance = _mine(session, public_id, actor_id, grants, now)
        _refuse_when_over(session, performance, now)
        _add_part(session, performance, person_id, part, grants, now)
        if performance.started_at is not None:
            _sheets_of_raters(session, performance, now)
        audit.record(
            "roleplay.part_given", f"performance:{performance.id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, facts={"part": part},
        )  # fmt: skip


def remove_person(public_id: str, *, person_id: int, actor_id: int, grants: Grants, now: datetime) -> None:
    """Take a part back as long as no sheet depends on it. Raises HasSheets, Begun."""
    with transaction() as session:
        lock_person(person_id, now=now)
        performance = _mine(session, public_id, actor_id, grants, now)
        _refuse_when_over(session, performance, now)
        part = session.get(PerformancePart, (performance.id, person_id))
        if part is None:
            raise NotFound()
        _refuse_with_sheets(session, performance.id, person_id)
        audit.record(
            "roleplay.part_taken_back", f"performance:{performance.id}", now=now,
            stream=audit.person_stream(person_id), actor_id=actor_id, facts={"part": part.part},
        )  # fmt: skip
        session.delete(part)


def start(public_id: str, *, actor_id: int, grants: Grants, now: datetime, prepare: bool = True) -> None:
    """Start the timer: the preparation, or at once the performance. Raises NobodyToScore, NotYet."""
    with transaction() as session:
        performance = _get(session, public_id)
        learners = queries.people_in(session, performance.id, LEARNER)
        lock_people(learners, now=now)
        performance = _mine(session, public_id, actor_id, grants, now)
        if performance.state is not PerformanceState.PLANNED:
            raise NotYet()
        if not learners:
            raise NobodyToScore()
        performance.state, performance.started_at = PerformanceState.RUNNING, now
        performance.performing_at = None if prepare else now
        _sheets_of_raters(session, performance, now)
        for learner in learners:
            audit.record(
                "roleplay.started", f"performance:{performance.id}", now=now, stream=audit.person_stream(learner),
                actor_id=actor_id, facts={"card": performance.card_key},
            )  # fmt: skip


def perform(public_id: str, *, actor_id: int, grants: Grants, now: datetime) -> None:
    """Go from preparing to performing. Raises NotYet, Begun."""
    with transaction() as session:
        performance = _mine(session, public_id, actor_id, grants, now)
        _refuse_past_its_day(session, performance, now)
        if performance.state is not PerformanceState.RUNNING or performance.performing_at is not None:
            raise NotYet()
        performance.performing_at = now


def end(public_id: str, *, actor_id: int, grants: Grants, now: datetime) -> None:
    """Stop the timer; sheets stay open until their raters lock them. Raises NotYet, Begun."""
    with transaction() as session:
        performance = _mine(session, public_id, actor_id, grants, now)
        _refuse_past_its_day(session, performance, now)
        if performance.state is not PerformanceState.RUNNING:
            raise NotYet()
        performance.state, performance.ended_at = PerformanceState.ENDED, now


def cancel(public_id: str, *, actor_id: int, grants: Grants, now: datetime) -> None:
    """Call off a session that has not started. Raises Begun."""
    with transaction() as session:
        lock_person(actor_id, now=now)
        performance = _mine(session, public_id, actor_id, grants, now)
        _refuse_unless_planned(performance)
        performance.state = PerformanceState.CANCELLED
        audit.record(
            "roleplay.cancelled", f"performance:{performance.id}", now=now,
            stream=audit.person_stream(actor_id), actor_id=actor_id,
        )  # fmt: skip


def release(public_id: str, *, about_id: int, actor_id: int, grants: Grants, now: datetime) -> int:
    """Release a result without the sheets that are not locked: they are withdrawn. Return how many.

    It is for the leader; for whoever may lead once the leader has left or lost the right. Raises NotYourSession,
    NothingLocked, NotFound.
    """
    with transaction() as session:
        performance, sheets = _sheets_about(session, public_id, about_id, actor_id, grants, now)
        is_led = performance.led_by == actor_id or not queries.holds_grade(session, performance.led_by, today(now))
        if not is_led or actor_id == about_id:
            raise NotYourSession()
        if not any(sheet.state is SheetState.LOCKED for sheet in sheets):
            raise NothingLocked()
        opened = [sheet for sheet in sheets if sheet.state is SheetState.OPEN]
        _withdraw(session, performance, opened, now)
        audit.record(
            "roleplay.released", f"performance:{performance.id}", now=now, stream=audit.person_stream(about_id),
            actor_id=actor_id, facts={"withdrawn": [sheet.id for sheet in opened]},
        )  # fmt: skip
        tell_if_out(session, performance, about_id, now)
        sheet_locked.send(None, person_id=about_id, now=now)
        return len(opened)


def withdraw(
    public_id: str, *, about_id: int, words: str, language: str, actor_id: int, grants: Grants, now: datetime
) -> int:
    """Withdraw the open sheets about a learner of raters who have left or may not score them any more; say why.

    Return how many. What others locked is the result then; without any there is none, and the learner is told so.
    Raises StillScoring, WordsNeeded, NotFound.
    """
    with transaction() as session:
        performance, sheets = _sheets_about(session, public_id, about_id, actor_id, grants, now)
        reason = words.strip()
        if not 0 < len(reason) <= WORDS_MAX:
            raise WordsNeeded()
        stuck = [
            sheet
            for sheet in sheets
            if sheet.state is SheetState.OPEN and not queries.can_score(session, sheet.rater_id, about_id, today(now))
        ]
        if not stuck:
            raise StillScoring()
        _withdraw(session, performance, stuck, now)
        payload = audit.keep_payload(reason, person_id=about_id, now=now, language=language)
        audit.record(
            "roleplay.sheets_withdrawn", f"performance:{performance.id}", now=now,
            stream=audit.person_stream(about_id), actor_id=actor_id, payload=payload,
            facts={"withdrawn": [sheet.id for sheet in stuck]},
        )  # fmt: skip
        tell_if_out(session, performance, about_id, now)
        sheet_locked.send(None, person_id=about_id, now=now)
        return len(stuck)


def _sheets_about(
    session: Session, public_id: str, about_id: int, actor_id: int, grants: Grants, now: datetime
) -> tuple[Performance, Sequence[ScoreSheet]]:
    """Return the session and its sheets about a learner within reach, all locked; raises NotFound."""
    lock_person(about_id, now=now)
    performance = _mine(session, public_id, actor_id, grants, now)
    if not access.can_reach(session, grants, GRADE, about_id):
        raise NotFound()
    return performance, session.scalars(
        sa.select(ScoreSheet)
        .where(ScoreSheet.performance_id == performance.id, ScoreSheet.about_id == about_id)
        .order_by(ScoreSheet.id)
        .with_for_update()
    ).all()


def _withdraw(session: Session, performance: Performance, sheets: Sequence[ScoreSheet], now: datetime) -> None:
    for sheet in sheets:
        sheet.state = SheetState.WITHDRAWN
    session.flush()
    closing_service.settle(session, performance, now)  # past its day it was waiting for these sheets alone


def _just_planned(session: Session, drill: str, unit_id: int, at: datetime, led_by: int, now: datetime) -> str | None:
    """Return the same session planned by the same person a moment ago: the form was sent twice."""
    return session.scalar(
        sa.select(Performance.public_id).where(
            Performance.drill == drill, Performance.unit_id == unit_id, Performance.planned_at == at,
            Performance.led_by == led_by, Performance.state == PerformanceState.PLANNED,
            Performance.created_at > now - SENT_TWICE,
        ).limit(1)
    )  # fmt: skip


def _card(
    session: Session, drill: str, key: str | None, learners: list[int], seed: int, now: datetime,
    not_this: str | None = None,
) -> Version:  # fmt: skip
    cards = {
        name: card
        for name, card in content.current(session, "scenario_card", today(now)).items()
        if card.body["drill"] == drill
    }
    if key is None:
        others = [name for name in cards if name != not_this] or list(cards)
        if not others:
            raise NoCard()
        key = draw_card(others, queries.times_played(session, learners), seed)
    if key not in cards:
        raise NoCard()
    return cards[key]


def _get(session: Session, public_id: str, *, lock: bool = False) -> Performance:
    query = sa.select(Performance).where(Performance.public_id == public_id)
    if lock:
        query = query.with_for_update().execution_options(populate_existing=True)
    performance: Performance | None = session.scalar(query)
    if performance is None:
        raise NotFound()
    return performance


def _mine(session: Session, public_id: str, actor_id: int, grants: Grants, now: datetime) -> Performance:
    """Return the session for a move of its leader, or of a trainer who reaches its people and is not its learner."""
    performance = _get(session, public_id, lock=True)
    if not queries.may_lead(session, performance.id, performance.led_by, actor_id, grants):
        raise NotFound()
    closing_service.settle(session, performance, now)
    return performance


def _add_part(
    session: Session, performance: Performance, person_id: int, part: str, grants: Grants, now: datetime
) -> None:
    if not access.can_reach(session, grants, GRADE, person_id):
        raise NotFound()
    if part not in (*content.get_version(session, performance.card_version_id).body["parts"], RATER):
        raise UnknownPart()
    if part == LEARNER and person_id == performance.led_by:
        raise LeaderLearns()
    if part == RATER and not any(
        grant.permission == GRADE for grant in access.grants_of(session, person_id, today(now))
    ):
        raise NotARater()
    row = session.get(PerformancePart, (performance.id, person_id))
    if row is None:
        session.add(PerformancePart(performance_id=performance.id, person_id=person_id, part=part))
    elif row.part != part:
        _refuse_with_sheets(session, performance.id, person_id)
        row.part = part
    session.flush()


def _sheets_of_raters(session: Session, performance: Performance, now: datetime) -> None:
    """Open a sheet for every rater named beforehand, so that the result waits for it."""
    for rater in queries.people_in(session, performance.id, RATER):
        rights = access.grants_of(session, rater, today(now))
        for learner in queries.people_in(session, performance.id, LEARNER):
            if not access.can_reach(session, rights, GRADE, learner):
                raise NotARater()
            if queries.find_sheet_of(session, performance.id, learner, rater) is None:
                add_sheet(session, performance, about_id=learner, rater_id=rater, now=now)


def _refuse_unless_planned(performance: Performance) -> None:
    if performance.state is not PerformanceState.PLANNED:
        raise Begun()


def _refuse_when_over(session: Session, performance: Performance, now: datetime) -> None:
    if performance.state not in (PerformanceState.PLANNED, PerformanceState.RUNNING):
        raise Begun()
    _refuse_past_its_day(session, performance, now)


def _refuse_past_its_day(session: Session, performance: Performance, now: datetime) -> None:
    """Let nothing move in a session past its day: only its sheets are still to be finished."""
    if closing_queries.standings(session, [performance], now):
        raise Begun()


def _refuse_with_sheets(session: Session, performance_id: int, person_id: int) -> None:
    has_sheet = sa.select(sa.literal(1)).where(
        ScoreSheet.performance_id == performance_id,
        sa.or_(ScoreSheet.about_id == person_id, ScoreSheet.rater_id == person_id),
    )
    if session.scalar(has_sheet.limit(1)) is not None:
        raise HasSheets()
