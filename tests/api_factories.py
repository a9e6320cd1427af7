"""Tokens for tests, issued by the service itself."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa

from tests.factories import World
from training_app.access.queries import grants_of
from training_app.accounts.service import today
from training_app.api import service
from training_app.db import db
from training_app.permits.models import Permit


def token(
    world: World, now: datetime, *, by: str = "administrator", units: Collection[str] = (), days: int = 30
) -> str:
    """Issue a token of dispatch; return it."""
    grants = grants_of(db.session(), world.people[by], today(now))
    db.session.rollback()
    return service.issue(
        name="Dispatch", purpose="Who may be sent", scopes=["authorisation.read"],
        unit_ids=[world.units[name] for name in units], last_on=today(now) + timedelta(days=days), most_days=365,
        now=now, actor_id=world.people[by], grants=grants,
    )  # fmt: skip


def bearer(token: str, language: str = "en") -> dict[str, str]:
    """Return the headers of a program."""
    return {"Authorization": f"Bearer {token}", "Accept-Language": language}


def number_of(person_id: int) -> str:
    """Return the number of a person's permit."""
    number = db.session.scalar(sa.select(Permit.number).where(Permit.person_id == person_id))
    db.session.rollback()
    assert number is not None
    return str(number)
