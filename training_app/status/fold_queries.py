"""From what is recorded of people to where they stand: read for many at once, then folded one by one.

    people = gather(session, whom, now)                    # a fixed number of reads, whatever the number of people
    snapshot_of(people.known[person_id], people.terms)     # pure: nothing is read any more

This is the one way from histories to rows: one person in the transaction that changes something about them, everybody
at a rebuild, and a simulation with another policy in the place of the one in force.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import RoleGrant, RolePermission
from training_app.access.queries import in_force
from training_app.access.rules import Permission
from training_app.accounts.models import Person
from training_app.accounts.rules import LONGEST_WAIT, present_of
from training_app.accounts.whom_queries import Whom
from training_app.calendar.rules import legal_day
from training_app.certifications import queries as levels
from training_app.certifications.evidence_queries import have_begun
from training_app.certifications.level_rules import Held, LevelEvent, fold_levels, renewal_opens_at, standing
from training_app.certifications.models import LevelEvent as LevelEventRow
from training_app.certifications.rules import Level, RequirementKind, pre_permit
from training_app.courses.models import Enrolment
from training_app.licences import queries as licences
from training_app.licences.queries import LicenceRow
from training_app.licences.rules import ends_at
from training_app.permits import history_queries as permits
from training_app.permits.history_queries import History, Holding
from training_app.permits.standing_rules import is_eliminated
from training_app.status import rules
from training_app.status.rules import VALID_TODAY, Facts, HeldLevel, HeldLicence, State


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


@dataclass(frozen=True, kw_only=True)
class Way:
    """How far a learner without a permit has come: the state, keys of what is missing, the last day."""

    state: str | None = None
    missing: tuple[str, ...] = ()
    due_on: date | None = None


NO_WAY = Way()


@dataclass(frozen=True, kw_only=True)
class Known:
    """All that a fold asks of one person; `now`: the instant to fold at, a moment later where somebody just wrote.

    `is_ahead`: something is recorded of them so far ahead of `now` that only their lock tells the instant.
    """

    person_id: int
    seq: int
    now: datetime
    history: History | None
    level_events: Sequence[LevelEvent]
    licences: Sequence[LicenceRow]
    way: Way
    is_ahead: bool = False


@dataclass(frozen=True, kw_only=True)
class Terms:
    """By what everybody is folded: policies and calendars, and the levels in force on the days of the zones."""

    permits: permits.Terms
    ladders: Mapping[str, Mapping[tuple[str, str], Level]]
    known_at: datetime | None = None

    def instead(self, key: str, version: Any) -> Terms:
        """Return the same with another version of one points policy."""
        return replace(self, permits=self.permits.instead(key, version))


@dataclass(frozen=True, kw_only=True)
class People:
    """What was read of some people, and by what it is folded."""

    known: Mapping[int, Known]
    terms: Terms


def fold_people(
    session: Session, whom: Whom, now: datetime, *, known_at: datetime | None = None
) -> dict[int, Snapshot]:
    """Fold some people at an instant as it is given; writes nothing."""
    people = gather(session, whom, now, known_at=known_at)
    return {person_id: snapshot_of(replace(one, now=now), people.terms) for person_id, one in people.known.items()}


def gather(
    session: Session, whom: Whom, now: datetime, *, known_at: datetime | None = None, have_sanctions: bool = False
) -> People:
    """Read what folds ask of people; a fixed number of reads. Who does not exist is left out.

    How far a person's events go is read first: what is written meanwhile makes the row behind, never ahead.
    """
    persons = session.execute(
        sa.select(Person.id, Person.seq, Person.last_recorded_at).where(whom.holds(Person.id)).order_by(Person.id)
    ).all()
    found = permits.histories(session, whom, known_at=known_at, have_sanctions=have_sanctions)
    terms = permits.terms_of(session, found.values(), now, known_at=known_at)
    if not have_sanctions and permits.asks_for_sanctions(terms):
        found = permits.with_sanctions(session, whom, found, known_at=known_at)
    held = _level_events(session, whom, known_at)
    papers = _licences(session, whom, known_at)
    ways = _ways(session, [row.id for row in persons if row.id not in found], now)
    known = {
        row.id: Known(
            person_id=row.id, seq=row.seq,
            now=present_of(now, row.last_recorded_at),
            is_ahead=row.last_recorded_at > now + LONGEST_WAIT, history=found.get(row.id),
            level_events=held.get(row.id, ()), licences=papers.get(row.id, ()), way=ways.get(row.id, NO_WAY),
        )
        for row in persons
    }  # fmt: skip
    zones = {levels.ZONE, *(history.permit.zone for history in found.values())} if held else {levels.ZONE}
    ladders = {zone: _ladder(session, legal_day(now, zone)) for zone in zones}
    return People(known=known, terms=Terms(permits=terms, ladders=ladders, known_at=known_at))


def snapshot_of(known: Known, terms: Terms) -> Snapshot:
    """Return where a person stands at the instant of what is known of them; pure."""
    holding = None
    if known.history is not None:
        holding = permits.holding(known.history, terms.permits, known.now, known_at=terms.known_at)
    return _snapshot(known, holding, terms)


def held_snapshot(known: Known, terms: Terms, *, like: Holding | None = None) -> tuple[Snapshot, Holding]:
    """Return where a holder stands, with what their history comes to; raises LookupError for who has no permit.

    `like`: what it came to under other terms.
    """
    if known.history is None:
        raise LookupError(f"person {known.person_id} has no permit")
    holding = permits.holding(known.history, terms.permits, known.now, known_at=terms.known_at, like=like)
    return _snapshot(known, holding, terms), holding


def _snapshot(known: Known, holding: Holding | None, terms: Terms) -> Snapshot:
    now = known.now
    folded = fold_levels(known.level_events, as_of=now)
    record = holding.record if holding else None
    ledger = holding.ledger if holding else None
    cases = holding.open_cases if holding else []
    held = _held(folded, holding, now)
    shown = rules.shown_level(held, now)
    papers = held_licences(known.licences, now)
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
        pre_permit=known.way.state,
        next_change_at=rules.next_change(
            now,
            permit.next_change_at if permit else None,
            ledger.next_change_at if ledger else None,
            holding.announced_at if holding else None,
            *(one.ends_at for one in held),
            *(ends_at(one.expires_on) for one in papers),
            *(one.next_deadline_at for one in cases),
            *_renewals(folded, record.zone if record else levels.ZONE, terms),
        ),
    )
    state = rules.state_at(facts, now)
    exercisable = state in VALID_TODAY
    return Snapshot(
        person_id=known.person_id,
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
        due_on=known.way.due_on,
        reasons=tuple(rules.reasons(state, facts, now, open_cases=len(cases), missing=known.way.missing)),
        levels=tuple(rules.exercised(one, now, permit_is_good=exercisable) for one in held),
        as_of_seq=known.seq,
        licences=papers,
    )


def held_licences(rows: Iterable[LicenceRow], now: datetime) -> tuple[HeldLicence, ...]:
    """Return the licences recorded of a person by an instant as the row keeps them, those that have run out too.

    They are read as they are known today: a correction speaks of the past as well.
    """
    on = legal_day(now, levels.ZONE)
    found = [
        HeldLicence(kind=one.kind, number=one.number, expires_on=one.last_on)
        for one in rows
        if one.issued_on is None or one.issued_on <= on
    ]
    return tuple(sorted(found, key=lambda one: (one.kind, one.expires_on or date.max, one.number or "")))


def _held(folded: Mapping[tuple[str, str], Held], holding: Holding | None, now: datetime) -> list[HeldLevel]:
    """Return the levels ever awarded; a holder who is out for good holds none, even before that is written down."""
    out_at = None
    if holding is not None and is_eliminated(holding.record.facts, now):
        out_at = holding.record.facts.retraining_failed_at or holding.record.facts.revoked_at
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


def _renewals(folded: Mapping[tuple[str, str], Held], zone: str, terms: Terms) -> list[datetime | None]:
    """Return when the levels held can be renewed."""
    ladder = terms.ladders[zone] if folded else {}
    return [renewal_opens_at(one, ladder[place], zone) for place, one in folded.items() if place in ladder]


def _ladder(session: Session, on: date) -> Mapping[tuple[str, str], Level]:
    return {(one.rules.scheme, one.rules.level): one.rules for one in levels.levels(session, on)}


def _level_events(session: Session, whom: Whom, known_at: datetime | None) -> dict[int, list[LevelEvent]]:
    wanted = sa.select(*LevelEventRow.__table__.c).where(whom.holds(LevelEventRow.person_id))
    if known_at is not None:
        wanted = wanted.where(LevelEventRow.recorded_at <= known_at)
    found: dict[int, list[LevelEvent]] = {}
    for row in session.execute(wanted.order_by(LevelEventRow.person_id, LevelEventRow.seq)):
        found.setdefault(row.person_id, []).append(levels.level_event(row))  # type: ignore[arg-type]
    return {person_id: standing(events) for person_id, events in found.items()}


def _licences(session: Session, whom: Whom, known_at: datetime | None) -> dict[int, list[LicenceRow]]:
    found: dict[int, list[LicenceRow]] = {}
    for row in licences.rows_of(session, whom, known_at=known_at):
        found.setdefault(row.person_id, []).append(row)
    return found


def _ways(session: Session, person_ids: Sequence[int], now: datetime) -> dict[int, Way]:
    """Return how far people without a permit have come, of those who are learners."""
    if not person_ids:
        return {}
    on = legal_day(now, levels.ZONE)
    enrolled: dict[int, dict[str, date | None]] = {}
    for row in session.execute(
        sa.select(Enrolment.person_id, Enrolment.course_key, Enrolment.due_on).where(
            Enrolment.person_id.in_(person_ids)
        )
    ):
        enrolled.setdefault(row.person_id, {})[row.course_key] = row.due_on
    learners = set(enrolled) | _may_learn(session, [one for one in person_ids if one not in enrolled], on)
    schemes = levels.schemes(session, on) if learners else []
    if not schemes:
        return {}
    situations = levels.situations(session, learners, scheme=schemes[0], now=now, have_permits=False)
    begun = have_begun(session, learners)
    ways = {}
    for person_id, situation in situations.items():
        courses = {line.requirement.ref for line in situation.lines if line.requirement.kind is RequirementKind.COURSE}
        days = enrolled.get(person_id, {})
        ways[person_id] = Way(
            state=pre_permit(situation.lines, has_begun=person_id in begun).value,
            missing=tuple(line.requirement.key for line in situation.missing),
            due_on=max((day for key, day in days.items() if day is not None and key in courses), default=None),
        )
    return ways


def _may_learn(session: Session, person_ids: Sequence[int], on: date) -> set[int]:
    """Return those whose roles of a day let them learn."""
    if not person_ids:
        return set()
    found = session.scalars(
        sa.select(RoleGrant.person_id)
        .join(RolePermission, RolePermission.role == RoleGrant.role)
        .where(RoleGrant.person_id.in_(person_ids), RolePermission.permission == Permission.COURSE_LEARN, *in_force(on))
        .distinct()
    )
    return set(found)
