"""Erasing: while somebody works here only words go; once the retention time after leaving is over, who it was goes too.

Entries, states, dates and the audit chain stay as they are: they speak of a pseudonym.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app import erasing
from training_app.accounts import service
from training_app.accounts.locks import lock_person
from training_app.accounts.models import Login, Person, PersonProfile, SignInLink, SignInSession
from training_app.audit import service as audit
from training_app.content import queries as content
from training_app.db import transaction
from training_app.errors import Invalid, NotFound
from training_app.storage import service as storage


class StillKept(Invalid):
    """The retention time after leaving is not over, or the person works here."""

    code = "still_kept"
    message = "Who this person is can be erased from %(day)s on."


class StillWorking(Invalid):
    """The person works here: only words may go."""

    code = "still_working"
    message = "This person works here. Only words can be erased, not who it is."


def erase_words(person_id: int, *, before: datetime, now: datetime, actor_id: int | None) -> int:
    """Erase the words about a person written before an instant, but for those still needed; return how many."""
    with transaction() as session:
        lock_person(person_id, now=now)
        needed = erasing.needed_words(session, person_id, now)
        count = audit.erase_payloads(person_id, now=now, before=before, needed=needed)
        audit.record(
            "person.words_erased", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, facts={"payloads": count, "before": before.isoformat()},
        )  # fmt: skip
        return count


def erase_link(person_id: int, *, now: datetime, actor_id: int | None) -> int:
    """Erase whatever leads from the pseudonym to the person; return how many payloads went with it.

    Raises NotFound where it was erased before, StillWorking, StillKept before the retention time is over.
    """
    with transaction() as session:
        person = lock_person(person_id, now=now).person
        if person.erased_at is not None:
            raise NotFound()
        if person.left_on is None:
            raise StillWorking()
        first_day = person.left_on + timedelta(days=_retention_days(session, service.today(now)))
        if service.today(now) < first_day:
            raise StillKept(day=first_day.isoformat())
        count = audit.erase_payloads(person_id, now=now)
        files = erasing.erase_everywhere(session, person_id, now) | _erase_profile(session, person_id)
        storage.release(files, now=now)
        person.erased_at = now
        audit.record(
            "person.link_erased", f"person:{person_id}", now=now, stream=audit.person_stream(person_id),
            actor_id=actor_id, facts={"payloads": count, "files": len(files)},
        )  # fmt: skip
        return count


def due(session: Session, on: date) -> list[tuple[int, str, date]]:
    """Return whose retention time is over on a day: person, number, the day they left; longest gone first."""
    left_before = on - timedelta(days=_retention_days(session, on))
    rows = session.execute(
        sa.select(Person.id, PersonProfile.number, Person.left_on)
        .join(PersonProfile, PersonProfile.person_id == Person.id)
        .where(Person.left_on <= left_before, Person.erased_at.is_(None))
        .order_by(Person.left_on, Person.id)
    )
    return [(person_id, number, left_on) for person_id, number, left_on in rows if left_on]


def _retention_days(session: Session, on: date) -> int:
    return int(content.get_current(session, "settings", "organisation", on).body["retention_days"]["after_leaving"])


def _erase_profile(session: Session, person_id: int) -> set[str]:
    photo = session.scalar(sa.select(PersonProfile.photo_sha256).where(PersonProfile.person_id == person_id))
    for table in (SignInSession, SignInLink, Login, PersonProfile):
        session.execute(sa.delete(table).where(table.person_id == person_id))
    return {photo} if photo else set()
