"""Reminders before a permit or a level expires: told once each to the holder and to who manages their unit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from training_app.access import queries as access
from training_app.access.models import PersonInUnit, RoleGrant
from training_app.accounts import queries as accounts
from training_app.accounts.locks import lock_person
from training_app.accounts.models import Person
from training_app.calendar.rules import day_end, last_day, legal_day
from training_app.certifications import queries as levels
from training_app.content import queries as content
from training_app.db import UtcDateTime, db, transaction
from training_app.outbox import service as outbox
from training_app.outbox.models import OutboxMessage
from training_app.permits.number_rules import day_pair
from training_app.status import condition_queries as conditions
from training_app.status.models import LevelHeld, PersonState, StatusFold
from training_app.status.reminder_rules import periods
from training_app.status.rules import VALID_TODAY
from training_app.status.service import fold_row

PORTION = 100
PERMIT, LEVEL = "permit", "level"
MANAGER = "centre-manager"
# The expiry as keys write it, to the minute in UTC: the database and Python must come to the same text.
_STAMP = "%Y%m%dT%H%M"
_STAMP_POSTGRES = 'YYYYMMDD"T"HH24MI'


@dataclass(frozen=True, kw_only=True)
class Due:
    """A reminder that is due: of a permit (`ref` its number) or a level (`ref` its scheme and key)."""

    person_id: int
    kind: str
    ref: str
    ends_at: datetime
    days: int

    def key(self, recipient: int) -> str:
        """Return the key of the outbox: a renewed permit expires on another day and begins anew."""
        stamp = self.ends_at.astimezone(UTC).strftime(_STAMP)
        return f"notice/expiry/{self.kind}/{self.person_id}/{self.ref}/{stamp}/{self.days}/{recipient}"


def remind_due(*, now: datetime, limit: int = PORTION) -> int:
    """Send the reminders that are due, a portion of them, each person in a transaction; return how many were sent.

    Once none is left the day is done, and nobody is looked at until the next. Who comes into a period later on the day
    is told on the next one. A sweeper that is killed before it has noted the day looks again; two may both do so.
    """
    session = db.session()
    today = legal_day(now, _settings(session, now)["zone"])
    if session.scalar(sa.select(StatusFold.reminded_on)) == today:
        session.rollback()
        return 0
    due = find_due(session, now, limit=limit)
    to_fold = sa.select(PersonState.person_id).where(conditions.stale()).limit(1)
    is_done = not due and session.scalar(to_fold, {"now": now}) is None
    session.rollback()
    if is_done:
        with transaction() as writing:
            fold_row(writing).reminded_on = today
    return sum(_remind(person_id, now) for person_id in sorted({one.person_id for one in due}))


def _remind(person_id: int, now: datetime) -> int:
    """Look again under the person's lock: another sweeper was faster, or the permit was stopped meanwhile."""
    with transaction() as session:
        lock_person(person_id, now=now)
        due = find_due(session, now, limit=PORTION, person_id=person_id)
        managers = managers_of(session, person_id, now) if due else []
        for one in due:
            _send(session, one, managers, now)
    return len(due)


def find_due(session: Session, now: datetime, *, limit: int, person_id: int | None = None) -> list[Due]:
    """Return the reminders that are due and not sent, the nearest expiry first; one read of the rows.

    Only who may take jobs now is reminded: what is stopped, revoked or lapsed is no longer renewed by a reminder. A
    stale row waits until it is folded. Of several levels only the highest is told of: while it is held, the end of a
    lower one stops nobody.
    """
    settings = _settings(session, now)
    zone = settings["zone"]
    due = periods(settings["expiry_reminder_days"], legal_day(now, zone))
    if not due:
        return []
    after, upto = day_end(legal_day(now, zone), zone), day_end(due[-1].last, zone)
    things = sa.union_all(*_things(session, now, after, upto, person_id)).subquery("things")
    days = sa.case(*((things.c.ends_at <= day_end(one.last, zone), one.days) for one in due))
    sent = sa.select(OutboxMessage.id).where(OutboxMessage.key == _key(session, things.c, days))
    rows = session.execute(
        sa.select(things.c.person_id, things.c.kind, things.c.ref, things.c.ends_at, days.label("days"))
        .where(~sent.exists())
        .order_by(things.c.ends_at, things.c.person_id, things.c.kind, things.c.ref)
        .limit(limit),
        {"now": now},
    ).mappings()
    return [Due(**row) for row in rows]


def _settings(session: Session, now: datetime) -> Mapping[str, Any]:
    return content.get_current(session, "settings", "organisation", legal_day(now, levels.ZONE)).body


def _things(session: Session, now: datetime, after: datetime, upto: datetime, person_id: int | None) -> Iterator[Any]:
    works = [Person.left_on.is_(None), conditions.of_states(VALID_TODAY)]
    if person_id is not None:
        works.append(Person.id == person_id)
    yield (
        sa.select(
            PersonState.person_id, sa.literal(PERMIT).label("kind"), PersonState.permit_number.label("ref"),
            PersonState.valid_until.label("ends_at"),
        )
        .join(Person, Person.id == PersonState.person_id)
        .where(PersonState.valid_until > after, PersonState.valid_until <= upto, *works)
    )  # fmt: skip
    for version in levels.levels(session, legal_day(now, levels.ZONE)):
        place = version.rules
        yield (
            sa.select(
                LevelHeld.person_id, sa.literal(LEVEL), sa.literal(f"{place.scheme}.{place.level}"),
                LevelHeld.valid_until,
            )
            .join(Person, Person.id == LevelHeld.person_id)
            .join(PersonState, PersonState.person_id == LevelHeld.person_id)
            .where(
                LevelHeld.scheme == place.scheme, LevelHeld.level == place.level, LevelHeld.withdrawn_at.is_(None),
                PersonState.level == LevelHeld.level, PersonState.level_valid_until == LevelHeld.valid_until,
                LevelHeld.valid_until > after, LevelHeld.valid_until <= upto, *works,
            )
        )  # fmt: skip


def _key(session: Session, thing: Any, days: ColumnElement[Any]) -> ColumnElement[str]:
    """Return in SQL what `Due.key` writes for the holder."""
    if session.get_bind().dialect.name == "postgresql":
        stamp: ColumnElement[str] = sa.func.to_char(sa.func.timezone("UTC", thing.ends_at), _STAMP_POSTGRES)
    else:
        stamp = sa.func.strftime(_STAMP, sa.type_coerce(thing.ends_at, UtcDateTime()))
    person = sa.cast(thing.person_id, sa.String)
    parts: list[ColumnElement[str]] = [thing.kind, person, thing.ref, stamp, sa.cast(days, sa.String), person]
    key: ColumnElement[str] = sa.literal("notice/expiry")
    for part in parts:
        key = key.concat("/").concat(part)
    return key


def managers_of(session: Session, person_id: int, now: datetime) -> list[int]:
    """Return who manages the centre of a person's main unit; where nobody does, the nearest unit above that has one.

    Last come those who manage the whole network.
    """
    on = legal_day(now, levels.ZONE)
    units = sa.select(PersonInUnit.ancestor_unit_id).where(PersonInUnit.person_id == person_id)
    rows = session.execute(
        sa.select(RoleGrant.unit_id, RoleGrant.person_id)
        .join(Person, Person.id == RoleGrant.person_id)
        .where(
            sa.or_(RoleGrant.unit_id.is_(None), RoleGrant.unit_id.in_(units)),
            RoleGrant.role == MANAGER,
            RoleGrant.person_id != person_id,
            Person.left_on.is_(None),
            *access.in_force(on),
        )
    ).all()
    by_unit: dict[int | None, set[int]] = {}
    for unit_id, manager_id in rows:
        by_unit.setdefault(unit_id, set()).add(manager_id)
    main = accounts.main_unit(session, person_id, on) if by_unit else None
    above = accounts.ancestors(session, main, on) if main is not None else []
    nearest = next((unit for unit in above if unit in by_unit), None)
    return sorted(by_unit.get(nearest, ()))


def _send(session: Session, due: Due, managers: Iterable[int], now: datetime) -> None:
    """Write the notices to the holder and the managers; a name stands in no facts, so that it can be erased."""
    zone = _settings(session, now)["zone"]
    last = last_day(due.ends_at, zone)
    facts: dict[str, object] = {"last": day_pair(last), "days": (last - legal_day(now, zone)).days}
    is_permit = due.kind == PERMIT
    if is_permit:
        facts["number"], path = due.ref, "/me/permit"
    else:
        facts["level"], path = _title(session, due, now), "/me/requirements"
    _notice(due, due.person_id, "permit_expires" if is_permit else "level_expires", facts, path, now)
    told, path = {**facts, "about": due.person_id}, f"/people/{due.person_id}"
    for manager in managers:
        _notice(due, manager, "permit_expires_managed" if is_permit else "level_expires_managed", told, path, now)


def _title(session: Session, due: Due, now: datetime) -> dict[str, str]:
    versions = levels.levels(session, legal_day(now, levels.ZONE))
    return next(dict(one.title) for one in versions if f"{one.rules.scheme}.{one.rules.level}" == due.ref)


def _notice(due: Due, recipient: int, kind: str, facts: Mapping[str, object], path: str, now: datetime) -> None:
    key = due.key(recipient)
    body = {"person": recipient, "kind": kind, "key": key.removeprefix("notice/"), "facts": dict(facts), "path": path}
    outbox.send("notice", key, body, now=now)
