"""State licences of people: record, correct, end, and read a scan. Each use case asks for reach, never for oneself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import can_reach, grants_of
from training_app.access.rules import Permission
from training_app.accounts.locks import PersonLock, lock_person
from training_app.accounts.service import today
from training_app.audit import service as audit
from training_app.audit.models import Payload
from training_app.db import transaction
from training_app.errors import DomainError, Invalid, NotFound, SamePerson
from training_app.licences import events, queries
from training_app.licences.models import Licence
from training_app.licences.rules import is_period_possible
from training_app.storage import service as storage

SCAN = "image/jpeg"
SCAN_SIDE = 1600  # pixels: small print stays legible
COLUMNS = ("kind", "issuer", "issued_on", "expires_on")


class BadPeriod(Invalid):
    """Days on which no licence can have been issued or end."""

    code = "licence_period"
    message = "It has to be issued today or earlier, and to end after that, within 60 years."


class BadEnd(Invalid):
    """A day on which a licence cannot have been ended."""

    code = "licence_end"
    message = "The last day has to lie before its own expiry, and not after today."


class NoSuchKind(Invalid):
    """A kind of licence that is not in force."""

    code = "licence_kind"
    message = "Choose one of the kinds of licence in the list."


class LicenceKnown(DomainError):
    """The same licence is recorded already."""

    code = "licence_known"
    message = "This licence, with the same number and last day, is already recorded. Correct that one."


class ReasonNeeded(Invalid):
    """An end without a reason."""

    code = "reason_needed"
    message = "Give the reason in words."


@dataclass(frozen=True, kw_only=True)
class Values:
    """What a licence says of itself. `expires_on` None: without end."""

    kind: str
    number: str
    issuer: str
    issued_on: date | None
    expires_on: date | None


@dataclass(frozen=True)
class Scan:
    """A cleaned scan on disk, not yet part of anything."""

    sha256: str
    size: int


def store(data: bytes) -> Scan | None:
    """Clean a scan and put it on disk, outside of any transaction; None for nothing. Raises NotAPhoto, DiskLow."""
    return Scan(*storage.write_photo(data, side=SCAN_SIDE)) if data else None


def record_licence(person_id: int, values: Values, scan: Scan | None, *, now: datetime, actor_id: int) -> int:
    """Record a licence of another person within reach; return its id.

    Raises NotFound, SamePerson, NoSuchKind, BadPeriod, LicenceKnown (so that a form sent twice records once).
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        _require(lock, actor_id)
        _check(session, values, now)
        _refuse_known(session, person_id, values, but=None)
        row = _add(session, person_id, values, scan, None, now=now, actor_id=actor_id)
        _tell(lock, "licence.recorded", row, _facts(row), actor_id, session.get(Payload, row.number_payload_id))
        return row.id


def correct_licence(
    person_id: int, licence_id: int, values: Values, scan: Scan | None, *, now: datetime, actor_id: int
) -> bool:
    """Put a corrected licence in the place of one, which keeps its scan where none is sent; return whether it differs.

    Raises NotFound (also for one that somebody else corrected meanwhile), SamePerson, NoSuchKind, BadPeriod,
    LicenceKnown.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        _require(lock, actor_id)
        before = _standing(session, person_id, licence_id)
        _check(session, values, now)
        number = session.get(Payload, before.number_payload_id) if before.number_payload_id else None
        same_number = number is not None and number.body == values.number
        changed = changed_columns(before, values)
        changed += [] if same_number else ["number"]
        changed += ["scan"] if scan is not None and scan.sha256 != before.sha256 else []
        if not changed:
            return False
        _refuse_known(session, person_id, values, but=before.id)
        _supersede(before, now, actor_id)
        row = _add(session, person_id, values, scan, before, now=now, actor_id=actor_id, keeps_number=same_number)
        facts = {**_facts(row), "changed": changed, "was": before.id}
        _tell(lock, "licence.corrected", row, facts, actor_id, session.get(Payload, row.number_payload_id))
        return True


def end_licence(
    person_id: int, licence_id: int, *, last_on: date, words: str, language: str, now: datetime, actor_id: int
) -> None:
    """End a licence before its expiry (withdrawn, given back, recorded by mistake): the last day on which it counts.

    Raises NotFound, SamePerson, ReasonNeeded, BadEnd.
    """
    if not words.strip():
        raise ReasonNeeded()
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        _require(lock, actor_id)
        before = _standing(session, person_id, licence_id)
        if before.ended_on is not None:
            raise NotFound()
        if last_on > today(now) or (before.expires_on is not None and last_on >= before.expires_on):
            raise BadEnd()
        _supersede(before, now, actor_id)
        row = Licence(
            person_id=person_id, kind=before.kind, number_payload_id=before.number_payload_id, issuer=before.issuer,
            issued_on=before.issued_on, expires_on=before.expires_on, ended_on=last_on, sha256=before.sha256,
            recorded_at=now, recorded_by=actor_id,
        )  # fmt: skip
        session.add(row)
        session.flush()
        payload = audit.keep_payload(words.strip(), person_id=person_id, now=now, language=language)
        _tell(lock, "licence.ended", row, {**_facts(row), "was": before.id}, actor_id, payload)


def read_scan(licence_id: int, *, now: datetime, actor_id: int) -> bytes:
    """Return a scan and write down who read it; who may is the caller's question. Raises NotFound."""
    with transaction() as session:
        row = session.get(Licence, licence_id)
        if row is None or row.sha256 is None:
            raise NotFound()
        lock_person(row.person_id, now=now)
        audit.record(
            "licence.read", f"licence:{licence_id}", now=now, stream=audit.person_stream(row.person_id),
            actor_id=actor_id, facts={"licence": row.kind, "sha256": row.sha256},
        )  # fmt: skip
        sha256 = row.sha256
    try:
        return storage.read(sha256)
    except FileNotFoundError as error:
        raise NotFound() from error


def _require(lock: PersonLock, actor_id: int) -> None:
    """Let the actor go on only where their right to keep people's records reaches this other person, who works here."""
    grants = grants_of(lock.session, actor_id, today(lock.now))
    if not can_reach(lock.session, grants, Permission.PEOPLE_EDIT, lock.person_id):
        raise NotFound()
    if actor_id == lock.person_id:
        raise SamePerson()
    if lock.person.left_on is not None:
        raise NotFound()


def _check(session: Session, values: Values, now: datetime) -> None:
    if values.kind not in queries.kinds(session, today(now)):
        raise NoSuchKind()
    if not is_period_possible(values.issued_on, values.expires_on, today(now)):
        raise BadPeriod()


def _refuse_known(session: Session, person_id: int, values: Values, *, but: int | None) -> None:
    for row in queries.licences_of(session, [person_id])[person_id]:
        is_same = row.kind == values.kind and row.number == values.number and row.expires_on == values.expires_on
        if is_same and row.ended_on is None and row.licence_id != but:
            raise LicenceKnown()


def _standing(session: Session, person_id: int, licence_id: int) -> Licence:
    row: Licence | None = session.scalar(
        sa.select(Licence).where(
            Licence.id == licence_id, Licence.person_id == person_id, Licence.superseded_at.is_(None)
        )
    )
    if row is None:
        raise NotFound()
    return row


def _supersede(row: Licence, now: datetime, actor_id: int) -> None:
    row.superseded_at, row.superseded_by = now, actor_id


def _add(
    session: Session, person_id: int, values: Values, scan: Scan | None, before: Licence | None, *, now: datetime,
    actor_id: int, keeps_number: bool = False,
) -> Licence:  # fmt: skip
    if scan is not None:
        storage.keep(scan.sha256, scan.size, SCAN, now=now)
    number = before.number_payload_id if before is not None and keeps_number else None
    if number is None:
        number = audit.keep_payload(values.number, person_id=person_id, now=now).id
    row = Licence(
        person_id=person_id, kind=values.kind, number_payload_id=number, issuer=values.issuer,
        issued_on=values.issued_on, expires_on=values.expires_on, recorded_at=now, recorded_by=actor_id,
        ended_on=before.ended_on if before else None,
        sha256=scan.sha256 if scan else before.sha256 if before else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    return row


def changed_columns(before: Licence | queries.LicenceRow, values: Values) -> list[str]:
    """Return in which columns beside number and scan a licence differs from what it shall say."""
    return [one for one in COLUMNS if getattr(before, one) != getattr(values, one)]


def facts_of(kind: str, issued_on: date | None, expires_on: date | None, ended_on: date | None) -> dict[str, object]:
    """Return what an audit entry says of a licence: never its number, which stands in a payload."""
    days = {"issued_on": issued_on, "expires_on": expires_on, "ended_on": ended_on}
    return {"licence": kind, **{name: day.isoformat() for name, day in days.items() if day is not None}}


def _facts(row: Licence) -> dict[str, object]:
    return facts_of(row.kind, row.issued_on, row.expires_on, row.ended_on)


def _tell(
    lock: PersonLock, action: str, row: Licence, facts: dict[str, object], actor_id: int, payload: Payload | None
) -> None:
    audit.record(
        action, f"licence:{row.id}", now=lock.now, stream=audit.person_stream(lock.person_id), actor_id=actor_id,
        facts=facts, payload=payload,
    )  # fmt: skip
    events.licence_changed.send(None, person_id=lock.person_id, now=lock.now)
