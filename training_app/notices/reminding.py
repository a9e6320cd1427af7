"""Reminders of the day: each source is read once a day, in portions, and each reminder is sent once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.db import db, transaction, writing_session
from training_app.notices.models import ReminderDay
from training_app.notices.reminder_queries import SOURCES, Day, Reminder, day_of
from training_app.outbox import service as outbox
from training_app.status.reminding import managers_of

PORTION = 200


def remind_due(*, now: datetime, limit: int = PORTION) -> int:
    """Read a portion of every source that is not read to its end today; return how many reminders were written.

    The portion and how far it went are written at once, so that a kill repeats a portion or nothing; the key of each
    reminder makes a repeat harmless.
    """
    day = day_of(db.session(), now)
    read = {row.source: row for row in db.session.scalars(sa.select(ReminderDay))}
    waiting = {
        name: row.through if (row := read.get(name)) is not None and row.day == day.on else 0
        for name in SOURCES
        if (row := read.get(name)) is None or row.day != day.on or row.through is not None
    }
    db.session.rollback()
    return sum(_read(name, through or 0, day, limit) for name, through in waiting.items())


def remind_now(reminders: Iterable[Reminder], *, now: datetime) -> frozenset[int]:
    """Write reminders that somebody asked for in the running transaction; return whom of them it is new for.

    The key says whether a person was told already, whoever asks.
    """
    letters = [one for reminder in reminders for one in _letters(writing_session(), reminder, now)]
    effects = [(f"notice/{one['key']}", one, now) for one in letters]
    new = outbox.send_many("notice", effects, now=now)
    return frozenset(int(str(one["person"])) for one in letters if f"notice/{one['key']}" in new)


def _read(name: str, through: int, day: Day, limit: int) -> int:
    session = db.session()
    portion = SOURCES[name](session, day, through, limit)
    letters = [one for reminder in portion.reminders for one in _letters(session, reminder, day.now)]
    session.rollback()
    with transaction() as writing:
        sent = sum(outbox.send("notice", f"notice/{one['key']}", one, now=day.now) for one in letters)
        row = writing.get(ReminderDay, name)
        if row is None:
            row = ReminderDay(source=name)
            writing.add(row)
        row.day, row.through = day.on, portion.through
    return sent


def _letters(session: Session, reminder: Reminder, now: datetime) -> Iterator[dict[str, object]]:
    """Yield the notices of a reminder, the copies for managers too; a name stands in no facts, so it can be erased."""
    key = f"reminder/{reminder.key}"
    yield _letter(reminder.person_id, reminder.kind, key, reminder.facts, reminder.path)
    if reminder.to_managers is None:
        return
    facts = {**reminder.facts, "about": reminder.person_id}
    for manager in managers_of(session, reminder.person_id, now):
        path = f"/people/{reminder.person_id}"
        yield _letter(manager, reminder.to_managers, f"{key}/{manager}", facts, path)


def _letter(person_id: int, kind: str, key: str, facts: Mapping[str, object], path: str) -> dict[str, object]:
    return {"person": person_id, "kind": kind, "key": key, "facts": dict(facts), "path": path}
