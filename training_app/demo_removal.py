"""Take a demonstration away: the database as after its migrations with the content loaded, and no file left of it."""

from __future__ import annotations

import fcntl
import getpass
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
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
from training_app.credentials.models import PrintRun
from training_app.db import append_only_tables, db, transaction
from training_app.demonstration import service as demonstration
from training_app.demonstration.models import Demonstration, DemonstrationState
from training_app.mail import mail_name
from training_app.notices.models import Notice
from training_app.settings import Settings
from training_app.storage import service as storage
from training_app.triggers import guard, unguard

ROOT = Path(__file__).resolve().parent.parent
_BAD_CONTENT = "The content cannot be loaded; type: flask --app wsgi check-content"
_LOCK = 7_305_411  # of the advisory locks of the database; any number that is ours alone


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


def check(session: Session, settings: Settings, *, others: int) -> Demonstration:
    """Return the mark of a demonstration that may be removed; `others`: how many people and units besides may go too.

    It says REMOVED where the rows are gone but a removal broke off before the files were. Raises RemovalRefusedError.
    """
    mark = demonstration.find(session)
    if mark is None:
        raise RemovalRefusedError("There is no demonstration here, so nothing was removed.")
    if mark.state is DemonstrationState.REMOVED:
        if _list_path(settings).exists():
            return mark
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
    with only_one(settings):
        mark = check(db.session(), settings, others=others)
        if mark.state is DemonstrationState.REMOVED:
            _load(now, None)
            _clear_away(settings)
            return "rows and now its files too: the removal before had broken off"
        _check_content()
        gone = counted(len(mark.people), len(mark.units))
        _remove_rows(settings, mark, others=others, now=now)
        _load(now, None)
        _clear_away(settings)
    return gone


def _remove_rows(settings: Settings, mark: Demonstration, *, others: int, now: datetime) -> None:
    begun_at, session = mark.begun_at, db.session()
    facts: dict[str, object] = {
        "by": _who(), "people": len(mark.people), "units": len(mark.units), "others": others,
        "entries": session.scalar(sa.select(sa.func.count()).select_from(AuditEntry)),
        "head": session.scalar(sa.select(AuditHead.hash).where(AuditHead.stream == SYSTEM)),
    }  # fmt: skip
    _list_what_lies_beside(settings)
    with transaction() as writing:
        empty(writing)
        demonstration.note_removed(begun_at=begun_at, facts=facts, now=now)


def start_over(settings: Settings, *, now: datetime, since: date) -> None:
    """Take away what an interrupted start left, and let the content count `since` a day, as a past needs it."""
    _check_content()
    _list_what_lies_beside(settings)
    with transaction() as session:
        empty(session)
    _load(now, since)
    _clear_away(settings)


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


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Let one process alone make or remove a demonstration, in this folder and in this database.

    Raises RemovalRefusedError at once where another is at it; both locks go with their process.
    """
    busy = "A demonstration is being made or removed here by another process; wait until it has ended."
    with (settings.data_dir / "demo.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RemovalRefusedError(busy) from None
        if settings.is_sqlite:
            yield
            return
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_LOCK))):
                raise RemovalRefusedError(busy)
            try:
                yield
            finally:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK)))


def _list_path(settings: Settings) -> Path:
    return settings.data_dir / "demo-removal.json"


def _listed(settings: Settings) -> dict[str, list[str]]:
    path = _list_path(settings)
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _beside(settings: Settings, session: Session) -> dict[str, set[str]]:
    """Return which files the database names: the folder may hold those of another one."""
    return {
        "files": storage.names(session),
        "mails": {mail_name(key) for key in session.scalars(sa.select(Notice.key))},
        "prints": {f"{one}.pdf" for one in session.scalars(sa.select(PrintRun.id))},
    }  # fmt: skip


def _list_what_lies_beside(settings: Settings) -> None:
    """Write down which files are to go, before the rows that name them do: whoever comes after a crash knows them."""
    before = _listed(settings)
    names = {kind: sorted(found.union(before.get(kind, ()))) for kind, found in _beside(settings, db.session()).items()}
    draft = _list_path(settings).with_suffix(".draft")
    with draft.open("w", encoding="utf-8") as file:
        json.dump(names, file)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(_list_path(settings))


def _check_content() -> None:
    if content.check_files(ROOT)[1]:
        raise RemovalRefusedError(_BAD_CONTENT)


def _load(now: datetime, since: date | None) -> None:
    demonstration.forget()
    content_queries.forget()
    report = content.import_files(ROOT, now=now, since=since)
    if report.problems:
        raise RemovalRefusedError(_BAD_CONTENT)


def _clear_away(settings: Settings) -> None:
    """Delete what lay beside the database: files, mails, prints, jobs, the accounts; what it names by now stays."""
    listed, kept = _listed(settings), _beside(settings, db.session())
    db.session.rollback()
    gone = {kind: set(names) - kept[kind] for kind, names in listed.items()}
    storage.delete(gone["files"])
    for folder, kind in ((settings.mail_dir, "mails"), (settings.data_dir / "once", "prints")):
        for name in gone[kind]:
            (folder / name).unlink(missing_ok=True)
    settings.demo_accounts_path.unlink(missing_ok=True)
    current_app.extensions["queue"].flush()
    if settings.is_sqlite:
        with db.engine.connect() as connection:  # a file keeps its size, and what it held, until it is written anew
            driver: Any = connection.connection.driver_connection
            driver.execute("VACUUM")
    _list_path(settings).unlink()  # last: while it is there, the removal is not over


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return str(os.getuid())
