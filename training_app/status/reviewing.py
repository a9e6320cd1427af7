"""What the dates of permits bring about: the annual review opens with its window; after the grace the lapse is written.

Both read the rows, a portion at a time, and leave to the services above what is really due: late, twice or killed in
between, each is done once.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import aliased

from training_app.accounts.models import Person
from training_app.calendar.rules import legal_day
from training_app.certifications.queries import ZONE
from training_app.db import db
from training_app.permits import queries
from training_app.permits.models import PermitEvent
from training_app.permits.permit_rules import PermitEventKind
from training_app.status import condition_queries as conditions
from training_app.status.models import PersonState
from training_app.status.rules import RUNNING, State

PORTION = 100
_K = PermitEventKind


def to_open(*, now: datetime, limit: int = PORTION) -> list[int]:
    """Return the holders whose window is open and whose review is not, the first to end first."""
    states = conditions.of_states(frozenset({State.RENEWAL_OPEN, State.GRACE}))
    return _waiting(states, PersonState.renewal_from, _K.REVIEW_OPENED, now, limit)


def to_expire(*, now: datetime, limit: int = PORTION) -> list[int]:
    """Return the holders whose grace is over and of whom no lapse is written."""
    return _waiting(conditions.of_states(frozenset({State.LAPSED})), PersonState.grace_until, _K.EXPIRED, now, limit)


def _waiting(state: Any, since: Any, kind: PermitEventKind, now: datetime, limit: int) -> list[int]:
    """Return the holders in a state of whose permit no event of a kind is known since a date of theirs."""
    event = aliased(PermitEvent)
    known = sa.exists().where(
        event.permit_id == PersonState.permit_id, event.kind == kind.value, event.effective_at >= since
    )
    found = (
        sa.select(PersonState.person_id)
        .join(Person, Person.id == PersonState.person_id)
        .where(state, Person.left_on.is_(None), ~known)
        .order_by(PersonState.valid_until, PersonState.person_id)
        .limit(limit)
    )
    ids = list(db.session().scalars(found, {"now": now}))
    db.session.rollback()
    return ids


def to_propose(*, now: datetime, limit: int = PORTION) -> list[int]:
    """Return the holders whose condition was not met in time and of whom nothing is proposed."""
    overdue = queries.open_conditions(before=legal_day(now, ZONE)).subquery("overdue")
    found = (
        sa.select(overdue.c.person_id)
        .join(PersonState, PersonState.person_id == overdue.c.person_id)
        .join(Person, Person.id == overdue.c.person_id)
        .where(Person.left_on.is_(None), conditions.of_states(RUNNING))
        .order_by(overdue.c.person_id)
        .limit(limit)
    )
    ids = list(db.session().scalars(found, {"now": now}))
    db.session.rollback()
    return ids
