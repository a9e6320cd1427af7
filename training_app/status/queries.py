"""Where people stand: folded from their histories, or read from their rows and folded where a row is stale."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit
from training_app.accounts import queries as accounts
from training_app.accounts.models import Assignment, Person
from training_app.accounts.queries import holds_on
from training_app.accounts.rules import AssignmentKind
from training_app.accounts.whom_queries import Whom
from training_app.calendar.rules import day_start, legal_day
from training_app.certifications import queries as levels
from training_app.certifications.level_rules import Purpose, fold_levels
from training_app.errors import NotFound
from training_app.permits import queries as permits
from training_app.permits.standing_rules import CertificateAnswer, certificate_answer
from training_app.status import condition_queries as conditions
from training_app.status import rules
from training_app.status.fold_queries import Snapshot, fold_people
from training_app.status.models import LevelHeld, LicenceHeld, PersonState
from training_app.status.rules import Facts, HeldLevel, HeldLicence, State

FACTS = tuple(field.name for field in fields(Facts))
MOST_STALE = 500


def fold_person(session: Session, person_id: int, now: datetime, *, known_at: datetime | None = None) -> Snapshot:
    """Fold everything known of one person into dates and facts, as it was known at an instant; writes nothing."""
    found = fold_people(session, Whom.these([person_id]), now, known_at=known_at).get(person_id)
    if found is None:
        raise NotFound()
    return found


def in_renewal(session: Session, person_id: int, now: datetime) -> bool:
    """Tell whether a person has a level that can be renewed now."""
    on = legal_day(now, levels.ZONE)
    for scheme in levels.schemes(session, on):
        situation = levels.situations(session, [person_id], scheme=scheme, now=now)[person_id]
        if situation.target is not None and situation.target.purpose is Purpose.RENEW:
            return True
    return False


def row_facts(row: Any) -> Facts:
    """Return the deciding dates of a row: a `PersonState`, or one that has its columns."""
    return Facts(**{name: getattr(row, name) for name in FACTS})


def stored(session: Session, person_ids: Iterable[int]) -> dict[int, Snapshot]:
    """Return rows as they stand, by person, states derived at the time each was computed; three reads."""
    wanted = sorted(set(person_ids))
    rows = session.scalars(sa.select(PersonState).where(PersonState.person_id.in_(wanted))).all()
    held = levels_held(session, (row.person_id for row in rows))
    papers = licences_held(session, held)
    return {
        row.person_id: snapshot_of_row(row, held[row.person_id], papers[row.person_id], row.computed_at) for row in rows
    }


def licences_held(session: Session, person_ids: Iterable[int]) -> dict[int, tuple[HeldLicence, ...]]:
    """Return the licences that rows hold, by person; one read."""
    wanted = sorted(set(person_ids))
    found: dict[int, list[HeldLicence]] = {person_id: [] for person_id in wanted}
    rows = session.scalars(
        sa.select(LicenceHeld).where(LicenceHeld.person_id.in_(wanted)).order_by(LicenceHeld.kind, LicenceHeld.id)
    )
    for row in rows:
        found[row.person_id].append(held_licence(row))
    return {person_id: tuple(held) for person_id, held in found.items()}


def levels_held(session: Session, person_ids: Iterable[int]) -> dict[int, tuple[HeldLevel, ...]]:
    """Return the levels that rows hold, by person; one read."""
    wanted = sorted(set(person_ids))
    found: dict[int, list[HeldLevel]] = {person_id: [] for person_id in wanted}
    for row in session.scalars(
        sa.select(LevelHeld).where(LevelHeld.person_id.in_(wanted)).order_by(LevelHeld.scheme, LevelHeld.level)
    ):
        found[row.person_id].append(held_level(row))
    return {person_id: tuple(held) for person_id, held in found.items()}


def held_licence(row: Any) -> HeldLicence:
    """Return a row of `licence_held` as the rules know it."""
    return HeldLicence(kind=row.kind, number=row.number, expires_on=row.expires_on)


def held_level(row: Any) -> HeldLevel:
    """Return a row of `level_held` as the rules know it."""
    return HeldLevel(
        scheme=row.scheme, level=row.level, awarded_at=row.awarded_at, valid_until=row.valid_until or row.awarded_at,
        withdrawn_at=row.withdrawn_at, exercisable=row.exercisable,
    )  # fmt: skip


def snapshot_of_row(row: Any, held: tuple[HeldLevel, ...], papers: tuple[HeldLicence, ...], now: datetime) -> Snapshot:
    """Return what a row says, the state derived at an instant."""
    facts = row_facts(row)
    return Snapshot(
        person_id=row.person_id,
        facts=facts,
        state=rules.state_at(facts, now),
        permit_id=row.permit_id,
        permit_number=row.permit_number,
        points=row.points,
        points_limit=row.points_limit,
        points_return_at=row.points_return_at,
        stage=row.stage,
        standing=row.standing,
        open_cases=row.open_cases,
        level=row.level,
        due_on=row.due_on,
        reasons=tuple(row.reasons),
        levels=held,
        licences=papers,
        as_of_seq=row.as_of_seq,
    )  # fmt: skip


def fresh_states(session: Session, person_ids: Iterable[int], now: datetime) -> dict[int, Snapshot]:
    """Return where people stand now, by person: from their rows, or folded where a row is stale or missing.

    Three reads, and the folds of the stale; a sweeper that is late thus never makes anybody valid.
    """
    wanted = sorted(set(person_ids))
    rows = stored(session, wanted)
    found = {}
    for person_id in wanted:
        row = rows.get(person_id)
        if row is None or rules.is_stale(row.facts.next_change_at, now):
            found[person_id] = fold_person(session, person_id, now)
        else:
            found[person_id] = row
    return found


@cache
def _row_facts() -> Any:
    return sa.select(*(getattr(PersonState, name) for name in FACTS)).where(
        PersonState.person_id == sa.bindparam("person_id")
    )


def state_now(session: Session, person_id: int, now: datetime) -> State:
    """Return the state of one person now and no more; one read, and a fold where the row is stale or missing."""
    row = session.connection().execute(_row_facts(), {"person_id": person_id}).first()
    if row is None or rules.is_stale(row.next_change_at, now):
        return fold_person(session, person_id, now).state
    return rules.state_at(row_facts(row), now)


def fresh_state(session: Session, person_id: int, now: datetime) -> Snapshot:
    """Return where one person stands now."""
    return fresh_states(session, [person_id], now)[person_id]


def due(session: Session, now: datetime, limit: int) -> list[int]:
    """Return people whose rows have to be folded again, the longest overdue first, and those without a row."""
    stale = session.scalars(
        sa.select(PersonState.person_id)
        .where(conditions.stale())
        .order_by(PersonState.next_change_at, PersonState.person_id)
        .limit(limit),
        {"now": now},
    ).all()
    if len(stale) == limit:
        return list(stale)
    without = session.scalars(
        sa.select(Person.id)
        .outerjoin(PersonState, PersonState.person_id == Person.id)
        .where(PersonState.person_id.is_(None))
        .limit(limit - len(stale))
    )
    return [*stale, *without]


def certificate_state(session: Session, person_id: int, level_event_id: int, now: datetime) -> CertificateAnswer | None:
    """Return what the certificate of a level event says now; None where the event awarded nothing to this person.

    A later award or renewal in the scheme replaces it. Withdrawn reads as not valid now.
    """
    events = levels.level_events(session, [person_id])[person_id]
    event = next((one for one in events if one.id == level_event_id), None)
    record = permits.permit_facts(session, person_id, now)
    if event is None or event.effective_at > now or event.valid_until is None or record is None:
        return None
    held = fold_levels(events, as_of=now)
    in_scheme = [
        one for one in events if one.scheme == event.scheme and one.valid_until is not None and one.effective_at <= now
    ]
    latest = max(in_scheme, key=lambda one: (one.effective_at, one.seq))
    return certificate_answer(
        record.facts,
        now,
        level_until=event.valid_until,
        is_replaced=latest.id != event.id,
        is_withdrawn=held[event.scheme, event.level].withdrawn_at is not None,
    )


def moved_on(session: Session, on: date, since: date) -> list[int]:
    """Return people whose scope rows are not those of their main assignment on a day, since it began or ended.

    Looked at is what began or ended after `since`. What was recorded on the day itself placed its person at once, so
    that only earlier announcements are looked at.
    """
    today = day_start(on, levels.ZONE)
    touched = session.scalars(
        sa.select(Assignment.person_id)
        .where(
            Assignment.kind == AssignmentKind.MAIN,
            Assignment.superseded_at.is_(None),
            sa.or_(
                sa.and_(Assignment.valid_from > since, Assignment.valid_from <= on, Assignment.recorded_at < today),
                sa.and_(Assignment.valid_to > since, Assignment.valid_to <= on),
            ),
        )
        .distinct()
    ).all()
    if not touched:
        return []
    main = session.execute(
        sa.select(Assignment.person_id, Assignment.unit_id).where(
            Assignment.person_id.in_(touched),
            Assignment.kind == AssignmentKind.MAIN,
            *holds_on(Assignment, on),
        )
    )
    units = {row.person_id: row.unit_id for row in main}
    above = {unit: set(accounts.ancestors(session, unit, on)) for unit in set(units.values())}
    placed: dict[int, set[int]] = {person_id: set() for person_id in touched}
    rows = session.execute(
        sa.select(PersonInUnit.person_id, PersonInUnit.ancestor_unit_id).where(PersonInUnit.person_id.in_(touched))
    )
    for row in rows:
        placed[row.person_id].add(row.ancestor_unit_id)
    expected = {person_id: above[units[person_id]] if person_id in units else set() for person_id in placed}
    return sorted(person_id for person_id in placed if placed[person_id] != expected[person_id])
