"""Take a demonstration away: the database as after its migrations with the content loaded, and no file left of it."""

from __future__ import annotations

import getpass
import os
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from flask import current_app
from sqlalchemy.orm import Session

from training_app.accounts.models import PersonProfile, Unit
from training_app.audit.models import AuditEntry, AuditHead
from training_app.audit.service import SYSTEM
from training_app.calendar.rules import legal_day
from training_app.content import queries as content_queries
from training_app.content import service as content
from training_app.db import append_only_tables, db, transaction
from training_app.demonstration import service as demonstration
from training_app.demonstration.models import Demonstration, DemonstrationState
from training_app.mail import mail_name
from training_app.notices.models import Notice
from training_app.settings import Settings
from training_app.storage import service as storage
from training_app.triggers import guard, unguard

ROOT = Path(__file__).resolve().parent.parent


class RemovalRefusedError(Exception):
    """The demonstration stays; the text is one line that says why and what to do."""


def others_besides(session: Session, mark: Demonstration) -> tuple[int, int]:
    """Return how many people and units are here that do not belong to the demonstration."""
    people = session.scalar(sa.select(sa.func.count()).where(PersonProfile.number.not_in(mark.people)))
    units = session.scalar(sa.select(sa.func.count()).where(Unit.number.not_in(mark.units)))
    return people or 0, units or 0


def counted(people: int, units: int) -> str:
    """Return how many there are, in words."""
    return f"{people} {'person' if people == 1 else 'people'} and {units} {'unit' if units == 1 else 'units'}"


def check(session: Session, *, others: int) -> Demonstration:
    """Return the mark of a demonstration that may be removed; `others`: how many people and units besides may go too.

    Raises RemovalRefusedError.
    """
    mark = demonstration.find(session)
    if mark is None:
        raise RemovalRefusedError("There is no demonstration here, so nothing was removed.")
    if mark.state is DemonstrationState.REMOVED:
        on = legal_day(mark.removed_at or mark.begun_at, "Asia/Shanghai")
        raise RemovalRefusedError(f"The demonstration was removed on {on} already; nothing else was touched.")
    people, units = others_besides(session, mark)
    if people + units != others:
        raise RemovalRefusedError(
            f"Besides the demonstration there are {counted(people, units)}, so nothing was removed: they would go as "
            f"well. If they may, type --others {people + units}; else begin in an empty DATA_DIR and an empty database."
        )
    return mark


def remove(settings: Settings, *, others: int, now: datetime) -> str:
    """Remove the demonstration; return what went, in words. One entry of the audit trail says so for good.

    Raises RemovalRefusedError.
    """
    mark = check(db.session(), others=others)
    begun_at, people, units = mark.begun_at, len(mark.people), len(mark.units)
    session = db.session()
    facts: dict[str, object] = {
        "by": _who(), "people": people, "units": units, "others": others,
        "entries": session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)),
        "head": session.scalar(sa.select(AuditHead.hash).where(AuditHead.stream == SYSTEM)),
    }  # fmt: skip
    files, mails = _left_beside(session)
    with transaction() as writing:
        empty(writing)
        demonstration.note_removed(begun_at=begun_at, facts=facts, now=now)
    _load(now, None)
    _clear_away(settings, files, mails)
    return counted(people, units)


def start_over(settings: Settings, *, now: datetime, since: date) -> None:
    """Take away what an interrupted start left, and let the content count `since` a day, as a past needs it."""
    files, mails = _left_beside(db.session())
    with transaction() as session:
        empty(session)
    _load(now, since)
    _clear_away(settings, files, mails)


def empty(session: Session) -> None:
    """Delete every row in the running transaction, of the event tables too; ids begin at 1 again."""
    connection = session.connection()
    tables = [table.name for table in reversed(db.metadata.sorted_tables)]
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"TRUNCATE {', '.join(tables)} RESTART IDENTITY")
    else:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")  # some tables refer to each other
        unguard(connection, append_only_tables())
        for name in tables:
            connection.exec_driver_sql(f"DELETE FROM {name}")  # noqa: S608  # names of ours
        guard(connection, append_only_tables())
    session.expunge_all()


def _left_beside(session: Session) -> tuple[set[str], list[str]]:
    """Return which files and mails the database names: the folder may hold those of another one."""
    mails = [mail_name(key) for key in session.scalars(sa.select(Notice.key))]
    return storage.names(session), mails


def _load(now: datetime, since: date | None) -> None:
    demonstration.forget()
    content_queries.forget()
    report = content.import_files(ROOT, now=now, since=since)
    if report.problems:
        raise RemovalRefusedError("The content cannot be loaded; type: flask --app wsgi check-content")


def _clear_away(settings: Settings, files: set[str], mails: Iterable[str]) -> None:
    """Delete what lay beside the database: files, mails, prints, jobs, the accounts."""
    storage.delete(files - storage.names(db.session()))
    db.session.rollback()
    for name in mails:
        (settings.mail_dir / name).unlink(missing_ok=True)
    for path in (settings.data_dir / "once").glob("*"):
        path.unlink()
    settings.demo_accounts_path.unlink(missing_ok=True)
    current_app.extensions["queue"].flush()
    if settings.is_sqlite:
        with db.engine.connect() as connection:  # a file keeps its size, and what it held, until it is written anew
            driver: Any = connection.connection.driver_connection
            driver.execute("VACUUM")


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return str(os.getuid())
