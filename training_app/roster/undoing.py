"""Undo a whole import: what it wrote is superseded, what it ended holds again; its lines say what was before.

It is refused, for everybody at once, while something later depends on it: who was moved again stays where that move put
them. Nothing is deleted but the narrow rows that lists find people by.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import PersonInUnit, RoleGrant
from training_app.accounts.models import Assignment, Login, Person, PersonProfile
from training_app.accounts.service import sort_key, today
from training_app.audit import bulk
from training_app.audit import service as audit
from training_app.audit.models import AuditEntry
from training_app.db import db, transaction
from training_app.jobs import service as jobs
from training_app.roster import (
    applying,
    cases_in,
    dated_rows,
    licences_in,
    permits_in,
    rules,
    service,
    state_rules,
    switching,
    units_service,
    visits_in,
)
from training_app.roster.models import Roster, RosterLine
from training_app.roster.rules import LineKind
from training_app.roster.state_rules import RosterState
from training_app.roster.switching import run

_L = RosterLine
MOST_SHOWN = 50
# What somebody did to a person after an import, by the kind of line: then it can no longer be taken back for them.
_ERASED = ("person.link_erased",)
LATER: Mapping[LineKind, tuple[str, ...]] = {
    LineKind.CHANGED: ("person.edited", *_ERASED),
    LineKind.MOVED: ("person.edited", "person.moved", "person.left", "person.back", *_ERASED),
    LineKind.LEAVING: ("person.back", "role.granted", "role.requested", *_ERASED),
}
# What may not have happened to a permit that came with an import.
OF_PERMITS = ("permit.%", "level.%", "case.%", "sanction.%", "ledger.%", "retraining.%")
# Of who came with the import everything counts as later, but what the product itself lets follow.
FOLLOWS = ("course.enrolled",)
CAME = (LineKind.NEW, LineKind.BACK)


@dataclass(frozen=True, kw_only=True)
class Blocked:
    """Somebody for whom the import can no longer be undone, and what was recorded later."""

    person_id: int
    number: str
    name: str | None
    action: str
    at: datetime


def blocked(session: Session, roster_id: int, *, limit: int = MOST_SHOWN) -> list[Blocked]:
    """Return for whom something later depends on the import, the first of them."""
    stream = sa.literal("person:") + sa.cast(_L.person_id, sa.String())
    later = sa.or_(
        sa.and_(_L.kind.in_(CAME), AuditEntry.action.not_in(FOLLOWS)),
        *(sa.and_(_L.kind == kind, AuditEntry.action.in_(actions)) for kind, actions in LATER.items()),
        sa.and_(
            _L.then[rules.PERMIT[0]].as_string().isnot(None),
            sa.or_(*(AuditEntry.action.like(one) for one in OF_PERMITS)),
        ),
    )
    rows = session.execute(
        sa.select(_L.person_id, _L.number, PersonProfile.name, AuditEntry.action, AuditEntry.recorded_at)
        .join(AuditEntry, sa.and_(AuditEntry.stream == stream, AuditEntry.seq > _L.head_seq))
        .outerjoin(PersonProfile, PersonProfile.person_id == _L.person_id)
        .where(_L.roster_id == roster_id, _L.kind.in_(rules.WRITES), later, *_not_undone(session))
        .order_by(_L.id, AuditEntry.seq)
        .limit(limit)
    )
    return [Blocked(person_id=row[0] or 0, number=row[1], name=row[2], action=row[3], at=row[4]) for row in rows]


def _not_undone(session: Session) -> list[sa.ColumnElement[bool]]:
    """Return the conditions for entries that no undone import wrote: the last can be undone, then the one before."""
    undone = session.scalars(sa.select(Roster.id).where(Roster.undone_at.isnot(None), Roster.cleared_at.is_(None)))
    named = [(f'%"roster":{one}}}%', f'%"roster":{one},%', f'%"earlier":"roster-{one}"%') for one in undone]
    return [sa.not_(AuditEntry.facts.like(pattern)) for patterns in named for pattern in patterns]


_BLOCKED: Mapping[str, Callable[..., Sequence[object]]] = {
    service.UNITS: units_service.blocked,
    service.LICENCES: licences_in.blocked,
    service.CASES: cases_in.blocked,
    service.VISITS: visits_in.blocked,
}

_TAKE_BACK: Mapping[str, Callable[[int, datetime], None]] = {
    service.UNITS: units_service.take_back,
    service.LICENCES: licences_in.take_back,
    service.CASES: cases_in.take_back,
    service.VISITS: visits_in.take_back,
}


def ask_to_undo(roster_id: int, *, now: datetime, actor_id: int, reason: str | None = None) -> bool:
    """Queue the undoing of an import; return False where something later depends on it. Raises NotNow.

    `reason`: why, kept with each case that is taken back.
    """
    kind = service.kind_of(roster_id)
    is_blocked = bool(_BLOCKED.get(kind or "", blocked)(db.session(), roster_id, limit=1))  # the undoing asks again
    db.session.rollback()
    with transaction() as session:
        row = service.locked(session, roster_id)
        if not state_rules.may_undo(row.state, row.applied_at, now):
            raise service.NotNow()
        if is_blocked:
            row.problem = "undo_blocked"
            return False
        service.move(row, RosterState.UNDOING)
        row.problem, row.undone_by, row.reason = None, actor_id, reason
        service.enqueue(row, service.UNDO, now, actor_id)
        return True


def undo(roster_id: int, progress: jobs.Progress, *, clock: Callable[[], datetime]) -> None:
    """Undo an import, or go on with what follows from it; one that cannot be undone counts as before and says so."""
    deadline = time.monotonic() + applying.BUDGET_S
    if _state(roster_id) is RosterState.UNDOING:
        try:
            _TAKE_BACK.get(service.kind_of(roster_id) or "", _take_back)(roster_id, clock())
        except bulk.Moved:
            db.session.rollback()
            service.go_on(roster_id, service.UNDO, now=clock())
            return
        except Exception:
            # Whatever it was, the transaction took back all of it. The job keeps the fault for whoever runs the server.
            db.session.rollback()
            _keep(roster_id, now=clock())
            raise
    if _state(roster_id) is not RosterState.UNDONE:
        return
    if not applying.follow(roster_id, progress, clock, deadline, folds_all=True):
        service.go_on(roster_id, service.UNDO, now=clock())


def _state(roster_id: int) -> RosterState | None:
    found = db.session.scalar(sa.select(Roster.state).where(Roster.id == roster_id))
    db.session.rollback()
    return found


def _keep(roster_id: int, *, now: datetime) -> None:
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is RosterState.UNDOING:
            service.keep(row, "undo_failed", now=now)


def _take_back(roster_id: int, now: datetime) -> None:
    reading = db.session()
    people = reading.execute(
        sa.select(_L.person_id, _L.kind)
        .where(_L.roster_id == roster_id, _L.kind.in_(rules.WRITES), _L.person_id.isnot(None))
        .order_by(_L.person_id)
    ).all()
    records = _records_before(reading, roster_id)
    drafts = [
        bulk.Draft(stream=audit.person_stream(one.person_id), action="person.import_undone",
                   subject=f"person:{one.person_id}", facts={"roster": roster_id, "kind": one.kind.value})
        for one in people
    ]  # fmt: skip
    events = permits_in.brought(reading, roster_id, [one.person_id or 0 for one in people])
    drafts += permits_in.annulled_drafts(events, roster_id)
    heads = bulk.heads_of(reading, [draft.stream for draft in drafts])
    actor_id = reading.get_one(Roster, roster_id).undone_by
    reading.rollback()
    links = bulk.link(drafts, heads, now=now, actor_id=actor_id)
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.UNDOING or row.applied_at is None:
            return
        switching.lock_people(session, roster_id)
        bulk.require_unmoved(session, links)
        if blocked(session, roster_id, limit=1):
            service.keep(row, "undo_blocked", now=now)
            return
        _switch_back(session, roster_id, records, since=row.applied_at, on=today(now), now=now)
        permits_in.annul(session, events, now=now, actor_id=actor_id)
        bulk.write(session, links)
        service.move(row, RosterState.UNDONE)
        row.undone_at = now
        audit.record("roster.undone", f"roster:{roster_id}", now=now, actor_id=actor_id, facts={"people": len(people)})
        service.tell(session, row, "roster_undone", now)


def _records_before(session: Session, roster_id: int) -> list[dict[str, Any]]:
    """Return the records of everybody whose record changed, as they were; what did not change stays as it is now."""
    found = session.execute(
        sa.select(_L.person_id, _L.now, _L.then, *(getattr(PersonProfile, column) for column in rules.RECORD))
        .join(PersonProfile, PersonProfile.person_id == _L.person_id)
        .where(_L.roster_id == roster_id, _L.edits)
        .order_by(_L.person_id)
    )
    records = []
    for row in found:
        values = {
            f"b_{column}": row.now.get(column) if column in row.then else getattr(row, column)
            for column in rules.RECORD
        }
        records.append(values | {"b_person": row.person_id, "b_sort_key": sort_key(values["b_name"])})
    return records


def _switch_back(
    session: Session, roster_id: int, records: Sequence[Mapping[str, Any]], *, since: datetime, on: date, now: datetime
) -> None:
    came = sa.select(_L.person_id).where(*switching.lines_of(roster_id, *CAME))
    left = sa.select(_L.person_id).where(*switching.lines_of(roster_id, LineKind.LEAVING))
    placed = sa.select(_L.person_id).where(_L.roster_id == roster_id, _L.rescopes)
    if records:
        table: Any = PersonProfile.__table__
        session.connection().execute(
            sa.update(table)
            .where(table.c.person_id == sa.bindparam("b_person"))
            .values({column: sa.bindparam(f"b_{column}") for column in (*rules.RECORD, "sort_key")}),
            [dict(record) for record in records],
        )
    for model in (Assignment, RoleGrant):
        fresh = (model.person_id.in_(placed), model.superseded_at.is_(None))
        own = model.id.in_(dated_rows.own_rows(model, since, placed))
        # A newcomer's role was written before the switch; nothing of theirs is older than the import.
        written = sa.or_(own, model.person_id.in_(_newcomers(roster_id)))
        run(session, sa.update(model).where(*fresh, written).values(superseded_at=now))
        dated_rows.hold_again(session, model, model.person_id.in_(placed), since, now)
    run(session, sa.update(Login).where(Login.person_id.in_(came)).values(disabled_at=now))
    run(session, sa.update(Login).where(Login.person_id.in_(left)).values(disabled_at=None))
    run(session, sa.update(Person).where(Person.id.in_(left)).values(left_on=None))
    run(session, sa.update(Person).where(Person.id.in_(_newcomers(roster_id))).values(left_on=on))
    back = sa.select(_L.since_left).where(*switching.lines_of(roster_id, LineKind.BACK), _L.person_id == Person.id)
    gone = sa.select(_L.person_id).where(*switching.lines_of(roster_id, LineKind.BACK))
    run(session, sa.update(Person).where(Person.id.in_(gone)).values(left_on=back.scalar_subquery()))
    newcomers = PersonInUnit.person_id.in_(_newcomers(roster_id))
    run(session, sa.delete(PersonInUnit).where(newcomers))
    switching.write_scope(session, roster_id, on)


def _newcomers(roster_id: int) -> sa.Select[int | None]:
    return sa.select(_L.person_id).where(*switching.lines_of(roster_id, LineKind.NEW))
