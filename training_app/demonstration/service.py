"""The mark of a demonstration: written while it is made, shown on every page, remembered after it was removed."""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.audit import service as audit
from training_app.db import db, transaction, writing_session
from training_app.demonstration.models import Demonstration, DemonstrationState

_SHOWN = (DemonstrationState.BEING_MADE, DemonstrationState.MADE)
READ_AGAIN_S = 5.0
_known: list[tuple[bool, float]] = []


def is_on() -> bool:
    """Tell whether everybody and everything here is invented; kept once it is so, else read again after a while.

    It is removed only while nothing is served, but another process may make it while this one serves. A page that says
    that the database is away asks too, so a database that does not answer is no demonstration.
    """
    if _known and (_known[0][0] or time.monotonic() - _known[0][1] < READ_AGAIN_S):
        return _known[0][0]
    try:
        _known[:] = [(is_on_now(db.session()), time.monotonic())]
    except sa.exc.SQLAlchemyError:
        db.session.rollback()
        return False
    return _known[0][0]


def is_on_now(session: Session) -> bool:
    """Tell the same as of this moment: for what cannot be taken back, as a mail."""
    return session.scalar(sa.select(Demonstration.state)) in _SHOWN


def forget() -> None:
    """Let the mark be read anew."""
    _known.clear()


def find(session: Session) -> Demonstration | None:
    """Return the mark, None where there never was a demonstration."""
    return session.scalar(sa.select(Demonstration).execution_options(populate_existing=True))


def begin(people: Collection[str], units: Collection[str], *, now: datetime) -> None:
    """Mark the database before the first unit is made, so that whatever breaks off is known for what it is."""
    with transaction() as session:
        session.add(
            Demonstration(
                id=1, state=DemonstrationState.BEING_MADE, people=sorted(people), units=sorted(units), begun_at=now
            )
        )
        facts: dict[str, object] = {"people": len(people), "units": len(units)}
        audit.record("demonstration.begun", "demonstration:1", now=now, facts=facts)
    forget()


def finish(*, now: datetime) -> None:
    """Note that the demonstration is whole."""
    with transaction() as session:
        row = session.get_one(Demonstration, 1)
        row.state, row.made_at = DemonstrationState.MADE, now
        audit.record("demonstration.made", "demonstration:1", now=now)


def note_removed(*, begun_at: datetime, facts: dict[str, object], now: datetime) -> None:
    """Write, in the running transaction that emptied everything, what was removed: the one thing that stays."""
    session = writing_session()
    session.add(
        Demonstration(
            id=1, state=DemonstrationState.REMOVED, people=[], units=[], begun_at=begun_at, removed_at=now
        )
    )  # fmt: skip
    audit.record("demonstration.removed", "demonstration:1", now=now, facts=facts)
