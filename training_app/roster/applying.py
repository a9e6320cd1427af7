"""Apply an import: prepare who is new where nobody finds them, then let everything count by one switch.

Three steps, each repeatable, so that a killed job is gone on with:

1. The plan is made again from the cells. Where it is not what was previewed, the file is checked anew instead.
2. Who is new is written in portions, as a pseudonym with login, role and history, but without number, name and place:
   no list, search, scope or sign-in finds them.
3. One transaction, set by set, gives them number and place and changes, moves and ends everybody else. It holds only if
   nothing was recorded about any of them since before step 1; else nothing stays and the file is checked anew.

What follows by itself (courses of who begins, the row that lists read of who was moved) comes after, in portions.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.models import RoleGrant
from training_app.accounts import queries as accounts
from training_app.accounts.locks import lock_person
from training_app.accounts.models import Login, Person
from training_app.accounts.service import today
from training_app.audit import bulk
from training_app.audit import service as audit
from training_app.certifications import onboarding
from training_app.db import db, transaction
from training_app.jobs import service as jobs
from training_app.outbox import service as outbox
from training_app.roster import permits_in, rules, service, switching
from training_app.roster.models import Roster, RosterLine
from training_app.roster.people_queries import Draft
from training_app.roster.rules import LineKind, Row
from training_app.roster.state_rules import RosterState
from training_app.status import service as status

BATCH = 500  # newcomers a transaction: a fraction of a second of the write lock
FOLLOW = 20  # folds a transaction: whoever writes meanwhile waits a fraction of a second
BUDGET_S = 60.0  # a job has 120 seconds; the rest is done by the next one
ONBOARD_A_SECOND = 10  # what follows by itself stands back behind what others wait for
LEARNER = "learner"
ZONE = "Asia/Shanghai"


class Outdated(Exception):
    """The records are no longer as they were when the file was checked."""


# Prepares and switches; False where time is up before the switch.
BringIn = Callable[[int, jobs.Progress, Callable[[], datetime], float], bool]


class Withdraw(Protocol):
    """Take back what was prepared and never switched on."""

    def __call__(self, roster_id: int, *, now: datetime) -> None:
        """Take it back, in transactions of its own."""


def apply(roster_id: int, progress: jobs.Progress, *, clock: Callable[[], datetime]) -> None:
    """Apply an import of people, or go on with it; what is done already is not done again."""
    apply_by(_bring_in, _withdraw, roster_id, progress, clock, folds_all=False)


def apply_by(
    bring_in: BringIn, withdraw: Withdraw, roster_id: int, progress: jobs.Progress, clock: Callable[[], datetime], *,
    folds_all: bool,
) -> None:  # fmt: skip
    """Apply an import by the steps of its kind, or go on with it. `folds_all`: nobody of it is a newcomer."""
    deadline = time.monotonic() + BUDGET_S
    state = _state(roster_id)
    if state is RosterState.APPLYING:
        try:
            if not bring_in(roster_id, progress, clock, deadline):
                service.go_on(roster_id, service.APPLY, now=clock())
                return
        except (Outdated, bulk.Moved, sa.exc.IntegrityError):
            db.session.rollback()
            withdraw(roster_id, now=clock())
            _check_anew(roster_id, now=clock())
            return
    elif state is not RosterState.APPLIED:
        return
    if not follow(roster_id, progress, clock, deadline, folds_all=folds_all):
        service.go_on(roster_id, service.APPLY, now=clock())


def _state(roster_id: int) -> RosterState | None:
    found = db.session.scalar(sa.select(Roster.state).where(Roster.id == roster_id))
    db.session.rollback()
    return found


def _bring_in(roster_id: int, progress: jobs.Progress, clock: Callable[[], datetime], deadline: float) -> bool:
    """Prepare and switch; return False where time is up before the switch."""
    now = clock()
    heads = heads_of(
        roster_id, rules.WRITES - {LineKind.NEW}
    )  # before the plan: whatever is recorded from here on is not in it
    drafts = same_plan(roster_id, now)
    total = sum(one.line.kind in rules.WRITES for one in drafts)
    while left := _unprepared(roster_id):
        if time.monotonic() > deadline:
            return False
        _prepare(roster_id, left, now=clock())
        progress.step(min(_prepared(roster_id), total), total)
    if not _write_permits_ahead(_given(drafts, now), clock, deadline):
        return False
    _switch(roster_id, drafts, heads, now=clock())
    return True


def heads_of(roster_id: int, kinds: Collection[LineKind]) -> dict[str, bulk.Head]:
    """Return how far the history of everybody goes who is here already and in the lines of some kinds."""
    session = db.session()
    people = session.scalars(
        sa.select(RosterLine.person_id).where(
            RosterLine.roster_id == roster_id,
            RosterLine.kind.in_(kinds),
            RosterLine.person_id.isnot(None),
        )
    )
    heads = bulk.heads_of(session, [audit.person_stream(one) for one in people if one is not None])
    db.session.rollback()
    return heads


def same_plan(roster_id: int, now: datetime) -> Sequence[Draft]:
    """Make the plan again from the cells; raises Outdated where it is not the one that was seen."""
    session = db.session()
    found = session.execute(
        sa.select(RosterLine.row, RosterLine.cells)
        .where(RosterLine.roster_id == roster_id, RosterLine.row.isnot(None))
        .order_by(RosterLine.row)
    )
    rows = [Row(no=row or 0, cells=cells) for row, cells in found]
    drafts = service.draft_rows(session, roster_id, rows, now=now)
    roster = session.get_one(Roster, roster_id)
    is_same = service.digest(drafts) == roster.digest
    db.session.rollback()
    if not is_same:
        raise Outdated()
    return drafts


def _unprepared(roster_id: int) -> Sequence[Any]:
    lines = db.session.execute(
        sa.select(RosterLine.id, RosterLine.unit_id, RosterLine.since, RosterLine.then)
        .where(RosterLine.roster_id == roster_id, RosterLine.kind == LineKind.NEW, RosterLine.person_id.is_(None))
        .order_by(RosterLine.id)
        .limit(BATCH)
    ).all()
    db.session.rollback()
    return lines


def _prepared(roster_id: int) -> int:
    done = db.session.scalar(
        sa.select(sa.func.count()).where(
            RosterLine.roster_id == roster_id, RosterLine.kind == LineKind.NEW, RosterLine.person_id.isnot(None)
        )
    )
    db.session.rollback()
    return done or 0


def _prepare(roster_id: int, lines: Sequence[Any], *, now: datetime) -> None:
    """Write newcomers without number, name and place: nobody finds them before the switch."""
    actor_id = actor_of(roster_id)
    zones = accounts.zones_of(db.session(), [line.unit_id for line in lines], today(now))
    db.session.rollback()
    holders: list[int] = []
    with transaction() as session:
        people = [{"created_at": now, "last_recorded_at": now, "seq": 0} for _ in lines]
        new = sa.insert(Person).returning(Person.id, sort_by_parameter_order=True)
        ids = list(session.scalars(new, people))
        session.execute(sa.insert(Login), [{"person_id": one} for one in ids])
        session.execute(
            sa.insert(RoleGrant),
            [
                {"person_id": one, "role": LEARNER, "unit_id": line.unit_id, "valid_from": line.since,
                 "granted_by": actor_id, "recorded_at": now}
                for one, line in zip(ids, lines, strict=True)
            ],
        )  # fmt: skip
        drafts = [
            bulk.Draft(
                stream=audit.person_stream(one), action="person.created", subject=f"person:{one}",
                facts={"unit": line.unit_id, "roles": [LEARNER], "roster": roster_id},
            )
            for one, line in zip(ids, lines, strict=True)
        ]  # fmt: skip
        given = [
            permits_in.given(one, line.then, zones.get(line.unit_id, ZONE))
            for one, line in zip(ids, lines, strict=True)
            if line.then.get(rules.PERMIT[0])
        ]
        if given:
            made = permits_in.write_ahead(session, given, now=now)
            brought = permits_in.written(session, given, made, roster_id, now)
            payload_ids = bulk.write_payloads(session, [one.payload for one in brought if one.payload])
            permits_in.write(session, brought, payload_ids=payload_ids, now=now, actor_id=actor_id)
            drafts += [draft for one in brought for draft in one.drafts(payload_ids)]
            holders = [one.person_id for one in given]
        bulk.write(session, bulk.link(drafts, {}, now=now, actor_id=actor_id))
        table: Any = RosterLine.__table__
        session.connection().execute(
            sa.update(table).where(table.c.id == sa.bindparam("b_line")).values(person_id=sa.bindparam("b_person")),
            [{"b_line": line.id, "b_person": one} for one, line in zip(ids, lines, strict=True)],
        )
        session.expire_all()
        beginners = sorted(set(ids) - set(holders))
        if beginners:
            status.write_newcomers(beginners, now=now)
    if holders:
        status.fold_newcomers(holders, now=now + timedelta(microseconds=10))


def _given(drafts: Sequence[Draft], now: datetime) -> list[permits_in.Given]:
    """Return the permits that the file brings to people who are here already."""
    wanted = [
        one
        for one in drafts
        if one.line.kind in rules.WRITES - {LineKind.NEW} and one.person_id and rules.brings_permit(one.line)
    ]
    zones = accounts.zones_of(db.session(), [one.unit_id or 0 for one in wanted], today(now))
    db.session.rollback()
    return [permits_in.given(one.person_id or 0, one.line.then, zones.get(one.unit_id or 0, ZONE)) for one in wanted]


def _write_permits_ahead(given: Sequence[permits_in.Given], clock: Callable[[], datetime], deadline: float) -> bool:
    """Write permits that nobody holds yet, so that the switch has only events to write; False where time is up."""
    known = permits_in.prepared(db.session(), [one.person_id for one in given])
    db.session.rollback()
    left = [one for one in given if one.person_id not in known]
    for start in range(0, len(left), BATCH):
        if time.monotonic() > deadline:
            return False
        with transaction() as session:
            permits_in.write_ahead(session, left[start : start + BATCH], now=clock())
    return True


def actor_of(roster_id: int) -> int:
    """Return who applies an import."""
    row = db.session.get_one(Roster, roster_id)
    actor_id = row.applied_by or row.created_by
    db.session.rollback()
    return actor_id


def _switch(roster_id: int, drafts: Sequence[Draft], heads: Mapping[str, bulk.Head], *, now: datetime) -> None:
    """Let everything count at once; raises Moved and leaves nothing where a history has grown beyond its head."""
    actor_id = actor_of(roster_id)
    changes = [one for one in drafts if one.line.kind in rules.WRITES - {LineKind.NEW}]
    payloads, entries = _entries(roster_id, changes, now)
    given = _given(drafts, now)
    made = permits_in.prepared(db.session(), [one.person_id for one in given])
    brought = permits_in.written(db.session(), given, made, roster_id, now)
    payloads += [one.payload for one in brought if one.payload]
    db.session.rollback()
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.APPLYING:
            return
        switching.lock_people(session, roster_id)
        ids = bulk.write_payloads(session, payloads)
        drafts_of = [bulk.Draft(**entry, payload_id=ids.get(entry["payload_digest"])) for entry in entries]
        drafts_of += [draft for one in brought for draft in one.drafts(ids)]
        links = bulk.link(drafts_of, heads, now=now, actor_id=actor_id)
        bulk.require_unmoved(session, links)
        switching.switch(session, roster_id, on=today(now), now=now, actor_id=actor_id)
        permits_in.write(session, brought, payload_ids=ids, now=now, actor_id=actor_id)
        bulk.write(session, links)
        switching.note_heads(session, roster_id)
        note_applied(session, row, now=now, actor_id=actor_id)


def note_applied(session: Session, row: Roster, *, now: datetime, actor_id: int) -> None:
    """Write, in the transaction of the switch, that an import counts."""
    service.move(row, RosterState.APPLIED)
    row.applied_at = now
    audit.record(
        "roster.applied", f"roster:{row.id}", now=now, actor_id=actor_id,
        facts={"kind": row.kind, **{kind: row.figures.get(kind, 0) for kind in rules.WRITES}},
    )  # fmt: skip
    service.tell(session, row, "roster_applied", now)


def _entries(
    roster_id: int, changes: Sequence[Draft], now: datetime
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the payloads and audit entries of people who are here already, in the order of their ids."""
    payloads: list[dict[str, Any]] = []
    entries: list[dict[str, Any]] = []
    for one in sorted(changes, key=lambda one: one.person_id or 0):
        assert one.person_id is not None
        for action, facts, words in _said(one, roster_id, now):
            digest = None
            if words is not None:
                payload = permits_in.make_payload(one.person_id, words, now)
                payloads.append(payload)
                digest = payload["digest"]
            entries.append(
                {"stream": audit.person_stream(one.person_id), "action": action, "subject": f"person:{one.person_id}",
                 "facts": facts, "payload_digest": digest}
            )  # fmt: skip
    return payloads, entries


def _said(one: Draft, roster_id: int, now: datetime) -> list[tuple[str, dict[str, object], dict[str, object] | None]]:
    line = one.line
    found: list[tuple[str, dict[str, object], dict[str, object] | None]] = []
    if line.kind is LineKind.LEAVING:
        return [("person.left", {"on": today(now).isoformat(), "roster": roster_id}, None)]
    if line.kind in (LineKind.MOVED, LineKind.BACK):
        action = "person.moved" if line.kind is LineKind.MOVED else "person.back"
        found.append((action, {"unit": one.unit_id, "on": line.then["since"], "roster": roster_id}, None))
    columns = [column for column in rules.RECORD if column in line.then]
    if columns:
        words: dict[str, object] = {
            "before": {column: line.now.get(column) for column in columns},
            "after": {column: line.then[column] for column in columns},
        }
        found.append(("person.edited", {"columns": sorted(columns), "roster": roster_id}, words))
    return found


def _withdraw(roster_id: int, *, now: datetime) -> None:
    retract(roster_id, now=now)
    with transaction() as session:
        named = sa.select(RosterLine.person_id).where(
            RosterLine.roster_id == roster_id, RosterLine.person_id.isnot(None)
        )
        permits_in.let_go(session, [one for one in session.scalars(named) if one])


def _check_anew(roster_id: int, *, now: datetime) -> None:
    """Check the file again: the records have changed since it was seen."""
    with transaction() as session:
        row = service.locked(session, roster_id)
        if row.state is not RosterState.APPLYING:
            return
        service.move(row, RosterState.CHECKING)
        row.problem = "changed_meanwhile"
        service.enqueue(row, service.CHECK, now, row.created_by)


def retract(roster_id: int, *, now: datetime) -> None:
    """Close the pseudonyms that were prepared and never switched on: nobody is behind them."""
    while True:
        with transaction() as session:
            lines = session.execute(
                sa.select(RosterLine.id, RosterLine.person_id)
                .where(
                    RosterLine.roster_id == roster_id, RosterLine.kind == LineKind.NEW, RosterLine.person_id.isnot(None)
                )
                .order_by(RosterLine.person_id)
                .limit(BATCH)
            ).all()
            if not lines:
                return
            ids = [line.person_id for line in lines]
            switching.close_prepared(session, ids, on=today(now), now=now)
            session.execute(
                sa.update(RosterLine).where(RosterLine.id.in_([line.id for line in lines])).values(person_id=None)
            )
            entries = [
                bulk.Draft(stream=audit.person_stream(one), action="person.not_brought_in", subject=f"person:{one}",
                           facts={"roster": roster_id})
                for one in ids
            ]  # fmt: skip
            heads = bulk.heads_of(session, [entry.stream for entry in entries])
            bulk.write(session, bulk.link(entries, heads, now=now, actor_id=None))


def follow(
    roster_id: int, progress: jobs.Progress, clock: Callable[[], datetime], deadline: float, *, folds_all: bool = False
) -> bool:
    """Do what follows the switch, in portions from where it stopped; return False where time is up before the end.

    `folds_all`: everybody is folded and nobody begins a course, as where an import is undone.
    """
    total = db.session.scalar(_counted(roster_id)) or 0
    db.session.rollback()
    done = 0
    while lines := _next_lines(roster_id, folds_all=folds_all):
        if time.monotonic() > deadline:
            return False
        _follow(roster_id, lines, clock(), folds_all=folds_all)
        done += len(lines)
        progress.step(min(done, total), total)
    return True


def _counted(roster_id: int) -> sa.Select[int]:
    return sa.select(sa.func.count()).where(
        RosterLine.roster_id == roster_id, RosterLine.kind.in_(rules.WRITES), RosterLine.person_id.isnot(None)
    )


def _next_lines(roster_id: int, *, folds_all: bool) -> Sequence[Any]:
    """Return the next lines: newcomers of an import by the hundreds, whoever has to be folded in small portions."""
    through = sa.select(Roster.through).where(Roster.id == roster_id).scalar_subquery()
    lines = db.session.execute(
        sa.select(RosterLine.id, RosterLine.person_id, RosterLine.kind, RosterLine.then)
        .where(
            RosterLine.roster_id == roster_id, RosterLine.kind.in_(rules.WRITES), RosterLine.person_id.isnot(None),
            RosterLine.id > through,
        )
        .order_by(RosterLine.id)
        .limit(BATCH)
    ).all()  # fmt: skip
    db.session.rollback()
    found, folds = [], 0
    for line in lines:
        folds += folds_all or line.kind is not LineKind.NEW
        if folds > FOLLOW:
            break
        found.append(line)
    return found


def _follow(roster_id: int, lines: Sequence[Any], now: datetime, *, folds_all: bool) -> None:
    """Ask for the courses of who comes, and fold who was here before."""
    with transaction() as session:
        row = service.locked(session, roster_id)
        first = session.scalar(sa.select(sa.func.min(RosterLine.id)).where(RosterLine.roster_id == roster_id)) or 0
        for line in sorted(lines, key=lambda line: line.person_id):
            if folds_all or line.kind is not LineKind.NEW:
                lock_person(line.person_id, now=now)
                status.recompute(line.person_id, now=now)
        asked: list[tuple[str, dict[str, object], datetime]] = [
            (f"{onboarding.ENROL}/{line.person_id}/roster-{roster_id}", {"person": line.person_id},
             now + timedelta(seconds=(line.id - first) / ONBOARD_A_SECOND))
            for line in lines
            if line.kind in (LineKind.NEW, LineKind.BACK) and not line.then.get(rules.PERMIT[0]) and not folds_all
        ]  # fmt: skip
        outbox.send_many(onboarding.ENROL, asked, now=now)
        row.through = max(line.id for line in lines)
