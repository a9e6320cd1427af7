"""The one thing that first pages write: that the guided first visit is over."""

from __future__ import annotations

from datetime import datetime

from training_app.accounts.locks import lock_person
from training_app.db import transaction
from training_app.home.models import FirstVisit


def end_first_visit(person_id: int, *, now: datetime) -> None:
    """Let the first visit of a person be over; a repeat changes nothing."""
    with transaction() as session:
        lock_person(person_id, now=now)
        if session.get(FirstVisit, person_id) is None:
            session.add(FirstVisit(person_id=person_id, ended_at=now))
