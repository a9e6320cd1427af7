"""Whom a code or a number belongs to, for a trainer who reaches them; all others look like nobody."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import can_reach
from training_app.access.rules import Grant, Permission
from training_app.accounts.models import Person, PersonProfile
from training_app.credentials.models import Certificate, LiveCode
from training_app.dashboards.scan_rules import read
from training_app.permits.models import Permit

GRADE = Permission.ROLEPLAY_GRADE


def find_person(session: Session, text: str, grants: tuple[Grant, ...], now: datetime) -> int | None:
    """Return the person of what was scanned or typed, None where there is none or none within reach of grading.

    The code of a phone counts as long as it is shown, as at the door. Who has left belongs to nobody.
    """
    found = read(text)
    candidates: tuple[tuple[object, sa.Select[int]], ...] = (
        (found.number, sa.select(PersonProfile.person_id).where(PersonProfile.number == found.number)),
        (found.permit, sa.select(Permit.person_id).where(Permit.number == found.permit)),
        (found.door, sa.select(Permit.person_id).where(Permit.door_code == found.door)),
        (found.certificate, sa.select(Certificate.person_id).where(Certificate.code == found.certificate)),
        (found.door, _live(LiveCode.code == found.door, now)),
        (found.live, _live(LiveCode.digits == found.live, now)),
    )
    for value, query in candidates:
        person_id = session.scalar(query) if value is not None else None
        if person_id is not None and can_reach(session, grants, GRADE, person_id):
            works_here = sa.select(Person.id).where(Person.id == person_id, Person.left_on.is_(None))
            return session.scalar(works_here)
    return None


def _live(is_it: sa.ColumnElement[bool], now: datetime) -> sa.Select[int]:
    return sa.select(LiveCode.person_id).where(is_it, LiveCode.until_at > now)
