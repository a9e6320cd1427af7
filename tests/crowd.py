"""Many people for lists: copies of one person's rows, written at once."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from training_app.access.models import PersonInUnit
from training_app.accounts.models import Assignment, Person, PersonProfile
from training_app.db import db, transaction
from training_app.status.models import LevelHeld, LicenceHeld, PersonState


def crowd(person_id: int, count: int, now: datetime, *, start: int = 0) -> list[int]:
    """Copy a person `count` times as lists read them: profile, place, state, levels, licences; return the ids."""
    with transaction() as session:
        first = (session.scalar(sa.select(sa.func.max(Person.id))) or 0) + 1
        ids = list(range(first, first + count))
        session.execute(
            sa.insert(Person), [{"id": one, "created_at": now, "seq": 0, "last_recorded_at": now} for one in ids]
        )
        for table in (PersonProfile, Assignment, PersonInUnit, PersonState, LevelHeld, LicenceHeld):
            columns = table.__table__.columns
            rows = session.execute(sa.select(*columns).where(columns["person_id"] == person_id)).mappings().all()
            copies = []
            for place, one in enumerate(ids, start):
                for row in rows:
                    copy = {**row, "person_id": one}
                    if table not in (PersonState, LevelHeld, PersonProfile, PersonInUnit):
                        copy.pop("id")
                    if "sort_key" in copy:
                        copy["sort_key"] = f"zz{place:05d}"
                    if table is PersonProfile:
                        copy |= {"number": f"Z-{place:05d}", "name": f"众{place}", "photo_sha256": None}
                    copies.append(copy)
            if copies:
                session.execute(sa.insert(table), copies)
    db.session.rollback()
    return ids
