"""The secret address of a person's calendar: made anew, ended, found by its token."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts.locks import lock_person
from training_app.accounts.models import Login
from training_app.audit import service as audit
from training_app.db import transaction
from training_app.notices.models import CalendarFeed


def make_address(person_id: int, *, now: datetime) -> str:
    """Return the token of a new address; an earlier one stops working. It is kept as its hash and shown this once."""
    token = secrets.token_urlsafe(32)
    with transaction() as session:
        lock_person(person_id, now=now)
        row = session.get(CalendarFeed, person_id)
        if row is None:
            row = CalendarFeed(person_id=person_id)
            session.add(row)
        row.token_hash, row.created_at = _digest(token), now
        _note("calendar.address", person_id, now)
    return token


def end_address(person_id: int, *, now: datetime) -> None:
    """End the address; a calendar that asks for it gets nothing any more."""
    with transaction() as session:
        lock_person(person_id, now=now)
        session.execute(sa.delete(CalendarFeed).where(CalendarFeed.person_id == person_id))
        _note("calendar.ended", person_id, now)


def _note(action: str, person_id: int, now: datetime) -> None:
    audit.record(
        action, f"person:{person_id}", now=now, stream=audit.person_stream(person_id), actor_id=person_id
    )  # fmt: skip


def find_owner(session: Session, token: str) -> int | None:
    """Return whose calendar a token opens, None for an unknown one and for who can no longer sign in."""
    return session.scalar(
        sa.select(CalendarFeed.person_id)
        .join(Login, Login.person_id == CalendarFeed.person_id)
        .where(CalendarFeed.token_hash == _digest(token), Login.disabled_at.is_(None))
    )


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()
