"""Where people stand: folded from their histories, or read from their rows and folded where a row is stale."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.models import PersonInUnit
from training_app.access.rules import Permission
from training_app.accounts import queries as accounts
from training_app.accounts.models import Assignment, Person
from training_app.accounts.queries import holds_on
from training_app.accounts.rules import AssignmentKind
from training_app.calendar.rules import day_start, legal_day
from training_app.certifications import queries as levels
from training_app.certifications.evidence_queries import have_begun
from training_app.certifications.level_rules import Held, Purpose, fold_levels, renewal_opens_at
from training_app.certifications.rules import RequirementKind, pre_permit
from training_app.licences import queries as licences
from training_app.licences.rules import ends_at
from training_app.permits import queries as permits
from training_app.permits.models import PermitEvent
from training_app.permits.standing_rules import (
    CertificateAnswer,
    certificate_answer,
    is_eliminated,
)
from training_app.status import condition_queries as conditions
from training_app.status import rules
from training_app.status.models import LevelHeld, LicenceHeld, PersonState
from training_app.status.rules import VALID_TODAY, Facts, HeldLevel, HeldLicence, State

FACTS = tuple(field.name for field in fields(Facts))
MOST_STALE = 500


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A person folded at an instant: the columns of their row, their levels and licences, and the state then."""

    person_id: int
    facts: Facts
    state: State
    permit_id: int | None
    permit_number: str | None
    points: int
    points_limit: int | None
    points_return_at: datetime | None
    stage: int
    standing: str | None
    open_cases: int
    level: str | None
    due_on: date | None
    reasons: tuple[str, ...]
    levels: tuple[HeldLevel, ...]
    as_of_seq: int
    licences: tuple[HeldLicence, ...] = ()

    @property
    def is_valid_today(self) -> bool:
        """Tell whether the person may take orders now."""
        return self.state in VALID_TODAY


def fold_person(session: Session, person_id: int, now: datetime) -> Snapshot:
    """Fold everything known of one person into dates and facts; writes nothing."""
    events = levels.level_events(session, [person_id])[person_id]
    folded = fold_levels(events, as_of=now)
    record = permits.permit_facts(session, person_id, now)
    ledger = permits.ledger_state(session, person_id, now, record=record) if record else None
    cases = permits.open_cases(session, person_id, now) if record else []
    held = _held(folded, record, now)
    shown = rules.shown_level(held, now)
    papers = held_licences(session, person_id, now)
    before, missing, due_on = _way(session, person_id, now) if record is None else (None, (), None)
    permit = record.facts if record else None
    facts = Facts(
        valid_from=permit.valid_from if permit else None,
        valid_until=permit.valid_until if permit else None,
        renewal_from=permit.renewal_opens_at if permit else None,
        grace_until=permit.grace_until if permit else None,
        stopped_from=permit.stopped_from if permit else None,
        stopped_until=permit.stopped_until if permit else None,
        revoked_at=permit.revoked_at if permit else None,
        retraining_from=permit.retraining_at if permit else None,
        barred_until=permit.barred_until if permit else None,
        surrendered_at=permit.surrendered_at if permit else None,
        level_valid_until=shown.ends_at if shown else None,
        pre_permit=before,
        next_change_at=rules.next_change(
            now,
            permit.next_change_at if permit else None,
            ledger.next_change_at if ledger else None,
            _announced(session, person_id, now),
            *(one.ends_at for one in held),
            *(ends_at(one.expires_on) for one in papers),
            *(one.next_deadline_at for one in cases),
            *_renewals(session, folded, now, record),
        ),
    )
    state = rules.state_at(facts, now)
    exercisable = state in VALID_TODAY
    return Snapshot(
        person_id=person_id,
        facts=facts,
        state=state,
        permit_id=record.permit_id if record else None,
        permit_number=record.number if record else None,
        points=ledger.total if ledger else 0,
        points_limit=ledger.limit if ledger else None,
        points_return_at=ledger.returns_at if ledger else None,
        stage=ledger.stage if ledger else 0,
        standing=ledger.standing.value if ledger and ledger.standing else None,
        open_cases=len(cases),
        level=shown.level if shown else None,
        due_on=due_on,
        reasons=tuple(rules.reasons(state, facts, now, open_cases=len(cases), missing=missing)),
        levels=tuple(rules.exercised(one, now, permit_is_good=exercisable) for one in held),
        as_of_seq=session.scalar(sa.select(Person.seq).where(Person.id == person_id)) or 0,
        licences=papers,
    )


def held_licences(session: Session, person_id: int, now: datetime) -> tuple[HeldLicence, ...]:
    """Return the licences recorded of a person by an instant as the row keeps them, those that have run out too.

    They are read as they are known today: a correction speaks of the past as well.
    """
    on = legal_day(now, levels.ZONE)
    rows = licences.licences_of(session, [person_id])[person_id]
    found = [
        HeldLicence(kind=one.kind, number=one.number, expires_on=one.last_on)
        for one in rows
        if one.issued_on is None or one.issued_on <= on
    ]
    return tuple(sorted(found, key=lambda one: (one.kind, one.expires_on or date.max, one.number or "")))


def _held(folded: dict[tuple[str, str], Held], record: permits.PermitRecord | None, now: datetime) -> list[HeldLevel]:
    """Return the levels ever awarded; a holder who is out for good holds none, even before that is written down."""
    out_at = None
    if record is not None and is_eliminated(record.facts, now):
        out_at = record.facts.retraining_failed_at or record.facts.revoked_at
    return [
        HeldLevel(
            scheme=one.scheme,
            level=one.level,
            rank=one.rank,
            awarded_at=one.awarded_at,
            valid_until=one.valid_until,
            withdrawn_at=one.withdrawn_at or out_at,
        )
        for one in folded.values()
        if one.awarded_at is not None and one.valid_until is not None
    ]


def _way(session: Session, person_id: int, now: datetime) -> tuple[str | None, Sequence[str], date | None]:
    """Return (state before the permit, keys of what is missing, last day) of a learner; None for who is none."""
    on = legal_day(now, levels.ZONE)
    enrolled = levels.enrolled_courses(session, person_id)
    grants = access.grants_of(session, person_id, on)
    if not enrolled and not any(grant.permission == Permission.COURSE_LEARN for grant in grants):
        return None, (), None
    schemes = levels.schemes(session, on)
    if not schemes:
        return None, (), None
    situation = levels.situations(session, [person_id], scheme=schemes[0], now=now, have_permits=False)[person_id]
    begun = bool(have_begun(session, [person_id]))
    state = pre_permit(situation.lines, has_begun=begun)
    courses = {line.requirement.ref for line in situation.lines if line.requirement.kind is RequirementKind.COURSE}
    due = [day for key, day in enrolled.items() if day is not None and key in courses]
    return (
        state.value,
        tuple(line.requirement.key for line in situation.missing),
        max(due, default=None),
    )


def _announced(session: Session, person_id: int, now: datetime) -> datetime | None:
    """Return when the next event of the permit that is written but not yet in effect begins."""
    return session.scalar(
        sa.select(sa.func.min(PermitEvent.effective_at)).where(
            PermitEvent.person_id == person_id, PermitEvent.effective_at > now
        )
    )


def _renewals(
    session: Session,
    folded: dict[tuple[str, str], Held],
    now: datetime,
    record: permits.PermitRecord | None,
) -> list[datetime | None]:
    """Return when the levels held can be renewed."""
    if not folded:
        return []
    zone = record.zone if record else levels.ZONE
    versions = {(one.rules.scheme, one.rules.level): one.rules for one in levels.levels(session, legal_day(now, zone))}
    return [renewal_opens_at(one, versions[place], zone) for place, one in folded.items() if place in versions]


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
    return {row.person_id: _snapshot(row, held[row.person_id], papers[row.person_id], row.computed_at) for row in rows}


def licences_held(session: Session, person_ids: Iterable[int]) -> dict[int, tuple[HeldLicence, ...]]:
    """Return the licences that rows hold, by person; one read."""
    wanted = sorted(set(person_ids))
    found: dict[int, list[HeldLicence]] = {person_id: [] for person_id in wanted}
    rows = session.scalars(
        sa.select(LicenceHeld).where(LicenceHeld.person_id.in_(wanted)).order_by(LicenceHeld.kind, LicenceHeld.id)
    )
    for row in rows:
        found[row.person_id].append(HeldLicence(kind=row.kind, number=row.number, expires_on=row.expires_on))
    return {person_id: tuple(held) for person_id, held in found.items()}


def levels_held(session: Session, person_ids: Iterable[int]) -> dict[int, tuple[HeldLevel, ...]]:
    """Return the levels that rows hold, by person; one read."""
    wanted = sorted(set(person_ids))
    found: dict[int, list[HeldLevel]] = {person_id: [] for person_id in wanted}
    for row in session.scalars(
        sa.select(LevelHeld).where(LevelHeld.person_id.in_(wanted)).order_by(LevelHeld.scheme, LevelHeld.level)
    ):
        found[row.person_id].append(_held_level(row))
    return {person_id: tuple(held) for person_id, held in found.items()}


def _held_level(row: LevelHeld) -> HeldLevel:
    return HeldLevel(
        scheme=row.scheme, level=row.level, awarded_at=row.awarded_at, valid_until=row.valid_until or row.awarded_at,
        withdrawn_at=row.withdrawn_at, exercisable=row.exercisable,
    )  # fmt: skip


def _snapshot(
    row: PersonState, held: tuple[HeldLevel, ...], papers: tuple[HeldLicence, ...], now: datetime
) -> Snapshot:
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


def moved_on(session: Session, on: date) -> list[int]:
    """Return people whose scope rows are not those of their main assignment on a day: it began or ended meanwhile.

    What was recorded on the day itself placed its person at once, so that only earlier announcements are looked at.
    """
    today = day_start(on, levels.ZONE)
    touched = session.scalars(
        sa.select(Assignment.person_id)
        .where(
            Assignment.kind == AssignmentKind.MAIN,
            Assignment.superseded_at.is_(None),
            sa.or_(
                sa.and_(Assignment.valid_from == on, Assignment.recorded_at < today),
                Assignment.valid_to == on,
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
