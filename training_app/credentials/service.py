"""Issue certificates, ask for their files, keep what was rendered."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.accounts.locks import PersonLock, lock_person
from training_app.audit import service as audit
from training_app.calendar.rules import last_day, legal_day
from training_app.certifications.models import LevelEvent
from training_app.content import queries as content
from training_app.credentials.models import Certificate, CertificateFile
from training_app.credentials.rules import JOB, TEMPLATE, certificate_number, job_key
from training_app.db import transaction
from training_app.errors import NotFound
from training_app.jobs import service as jobs
from training_app.outbox import service as outbox
from training_app.storage import service as storage

ZONE = "Asia/Shanghai"
PDF = "application/pdf"


def issue(level_event_id: int, person_id: int, *, now: datetime) -> int:
    """Issue the certificate of an award and ask for its file; a repeat returns the one that is there.

    Earlier certificates of the scheme are replaced, in the order of the awards, whatever order they arrive in.
    Raises NotFound where no such award of this person exists, or the link to them was erased.
    """
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        found = session.scalar(sa.select(Certificate.id).where(Certificate.level_event_id == level_event_id))
        certificate_id = found or _write(lock, level_event_id, now)
        if found is None:
            _chain(session, person_id, certificate_id)
            _ask(certificate_id, now, None)
        return certificate_id


def ask_for_file(certificate_id: int, *, now: datetime, actor_id: int) -> None:
    """Ask for the PDF of one's own certificate, where it is missing or could not be made. Raises NotFound."""
    with transaction() as session:
        row = session.get(Certificate, certificate_id)
        if row is None or row.person_id != actor_id:
            raise NotFound()
        _ask(certificate_id, now, actor_id)


def keep_file(certificate_id: int, sha256: str, size: int, *, now: datetime) -> None:
    """Record the rendered PDF and tell its holder once; a repeat keeps the newer bytes."""
    with transaction() as session:
        row = session.get_one(Certificate, certificate_id)
        storage.keep(sha256, size, PDF, now=now)
        file = session.get(CertificateFile, (certificate_id, TEMPLATE))
        if file is None:
            session.add(
                CertificateFile(certificate_id=certificate_id, template=TEMPLATE, sha256=sha256, rendered_at=now)
            )
        else:
            file.sha256, file.rendered_at = sha256, now
        key = f"certificate_ready/{certificate_id}"
        body = {
            "person": row.person_id,
            "kind": "certificate_ready",
            "key": key,
            "facts": {"number": row.number},
            "path": "/me/certificates",
        }
        outbox.send("notice", f"notice/{key}", body, now=now)


def _ask(certificate_id: int, now: datetime, actor_id: int | None) -> None:
    jobs.enqueue(JOB, job_key(certificate_id), {"certificate": certificate_id}, now=now, actor_id=actor_id)


def _write(lock: PersonLock, level_event_id: int, now: datetime) -> int:
    session, person_id = lock.session, lock.person_id
    event = session.get(LevelEvent, level_event_id)
    if event is None or event.person_id != person_id or "valid_until" not in event.facts:
        raise NotFound()
    zone = str(event.facts.get("zone", ZONE))
    issued_on = legal_day(event.effective_at, zone)
    until = datetime.fromisoformat(event.facts["valid_until"])
    version = content.get_version(session, event.requirement_version_id)
    # The id of the award is the serial: unique without a counter to fight over, and the same at every repeat.
    number = certificate_number(issued_on.year, event.id)
    printed = _printed(session, person_id, version.body, number, now) | {
        "scheme_version": version.number,
        "issued_on": issued_on.isoformat(),
        "valid_through": last_day(until, zone).isoformat(),
    }
    payload = audit.keep_payload(printed, person_id=person_id, now=now)
    row = Certificate(
        person_id=person_id, level_event_id=event.id, scheme=event.scheme, level=event.level, number=number,
        code=secrets.token_urlsafe(32), printed_payload_id=payload.id,
        facts={"scheme_version": version.number, "version": version.id, "zone": zone},
        issued_at=event.effective_at, valid_until=until,
    )  # fmt: skip
    session.add(row)
    session.flush()
    audit.record(
        "certificate.issued", f"certificate:{row.id}", now=now, stream=audit.person_stream(person_id),
        facts={"number": number, "level_event": event.id, "scheme": event.scheme, "level": event.level},
        payload=payload,
    )  # fmt: skip
    return row.id


def _printed(session: Session, person_id: int, level: Mapping[str, Any], number: str, now: datetime) -> dict[str, Any]:
    """Return every field as printed; what is said of the organisation is that of today."""
    on = legal_day(now, ZONE)
    card = accounts.get_card(session, person_id, on)
    organisation = content.get_current(session, "settings", "organisation", on).body
    return {
        "number": number,
        "name": card.name,
        "name_latin": card.name_latin or "",
        "level": dict(level["title"]),
        "scope": dict(level["scope"]),
        "organisation": dict(organisation["name"]),
        "note": dict(organisation["certificate_note"]),
    }


def _chain(session: Session, person_id: int, certificate_id: int) -> None:
    """Let each certificate of the scheme point to the one that came after it."""
    scheme = session.get_one(Certificate, certificate_id).scheme
    rows = session.scalars(
        sa.select(Certificate)
        .where(Certificate.person_id == person_id, Certificate.scheme == scheme)
        .order_by(Certificate.issued_at, Certificate.level_event_id)
    ).all()
    for earlier, later in pairwise(rows):
        earlier.replaced_by_id = later.id
