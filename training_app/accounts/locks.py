"""The lock of a person: all events about one person are written, numbered and timed under it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from training_app.accounts.models import Person
from training_app.accounts.rules import present_of, safe_horizon
from training_app.db import writing_session
from training_app.errors import NotFound

__all__ = ["PersonLock", "Stamp", "lock_people", "lock_person", "safe_horizon"]


@dataclass(frozen=True)
class Stamp:
    """When an event was recorded, and its place among all events of the person."""

    recorded_at: datetime
    seq: int


@dataclass
class PersonLock:
    """A person locked for the rest of the transaction."""

    session: Session
    person: Person
    now: datetime

    @property
    def person_id(self) -> int:
        """The person's id."""
        return self.person.id

    @property
    def present(self) -> datetime:
        """The instant to fold at under the lock: `now`, or a moment later where others wrote while this one waited.

        `now` was read before the lock was held. Folded as of then, what another transaction has just recorded would be
        missing, and two decisions at the same moment could both find the limit not reached.
        """
        return present_of(self.now, self.person.last_recorded_at)

    def stamp(self) -> Stamp:
        """Return the next (recorded_at, seq): max(now, last + 1 µs); no later commit changes an earlier answer."""
        recorded_at = max(self.now, self.person.last_recorded_at + timedelta(microseconds=1))
        self.person.seq += 1
        self.person.last_recorded_at = recorded_at
        self.session.flush()
        return Stamp(recorded_at, self.person.seq)


def lock_person(person_id: int, *, now: datetime) -> PersonLock:
    """Lock a person's row until the end of the transaction; raises NotFound.

    Lock order: person, then attempt or sheet; several people sorted by id. Raises RuntimeError for a person before one
    that is locked already: two transactions in opposite order would wait for each other.
    """
    session = writing_session()
    held: set[int] = session.info["locked"]
    if held and person_id not in held and person_id < max(held):
        raise RuntimeError(f"person {person_id} is locked after {max(held)}: several people are locked sorted by id")
    held.add(person_id)
    person = session.get(Person, person_id, with_for_update=True, populate_existing=True)
    if person is None:
        raise NotFound()
    return PersonLock(session, person, now)


def lock_people(person_ids: list[int], *, now: datetime) -> dict[int, PersonLock]:
    """Lock several people in the order of their ids."""
    return {person_id: lock_person(person_id, now=now) for person_id in sorted(set(person_ids))}
