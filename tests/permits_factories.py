"""Permits, cases and sanctions for tests, made by the services themselves."""

from __future__ import annotations

from datetime import datetime

from training_app.accounts.locks import lock_person
from training_app.db import transaction
from training_app.permits import service


def issue(person_id: int, now: datetime, *, actor_id: int | None = None) -> int:
    """Issue a permit; return its id."""
    with transaction():
        return service.issue_permit(lock_person(person_id, now=now), now=now, actor_id=actor_id)
