"""Reading certificates: a person's own, one by its public code, the sheet to print, the file to hand out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.audit.models import Payload
from training_app.certifications import queries as levels
from training_app.certifications.level_rules import LevelEvent, fold_levels
from training_app.credentials.models import Certificate, CertificateFile
from training_app.credentials.rules import (
    TEMPLATE,
    CertificateState,
    FileState,
    certificate_state,
    job_key,
    public_state,
)
from training_app.errors import NotFound
from training_app.jobs.models import Job
from training_app.jobs.rules import JobState
from training_app.permits import queries as permits
from training_app.permits.permit_rules import PermitFacts

_FILE_STATES = {
    JobState.QUEUED: FileState.QUEUED,
    JobState.RUNNING: FileState.RUNNING,
    JobState.FAILED: FileState.FAILED,
}


@dataclass(frozen=True, kw_only=True)
class Printed:
    """The fields as printed; words in pairs {zh, en}. `valid_through` is the last day."""

    number: str
    name: str
    name_latin: str
    organisation: Mapping[str, str]
    level: Mapping[str, str]
    scope: Mapping[str, str]
    note: Mapping[str, str]
    scheme_version: int
    issued_on: date
    valid_through: date


@dataclass(frozen=True, kw_only=True)
class CertificateRow:
    """A certificate with its state at the instant asked for; `printed` is None once the words were erased.

    `done` of `total` steps of the printing are behind it while `file` is QUEUED or RUNNING.
    """

    certificate_id: int
    person_id: int
    scheme: str
    level: str
    number: str
    code: str
    issued_at: datetime
    valid_until: datetime
    state: CertificateState
    printed: Printed | None
    file: FileState
    sha256: str | None
    done: int
    total: int

    @property
    def is_valid(self) -> bool:
        """Tell whether the certificate holds at that instant."""
        return self.state is CertificateState.VALID


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What is printed, as it was kept at the issue, and the code that checks it."""

    certificate_id: int
    code: str
    printed: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the public sees of a certificate; `printed` is None where there is none."""

    state: CertificateState
    printed: Printed | None


def check_url(public_url: str, code: str) -> str:
    """Return the public address of a certificate's page, as its QR code carries it."""
    return f"{public_url}/c/{code}"


def certificates_of(session: Session, person_id: int, now: datetime) -> list[CertificateRow]:
    """Return a person's certificates with their state, newest first; a fixed number of reads."""
    return _rows(session, person_id, now, Certificate.person_id == person_id)


def get_own(session: Session, certificate_id: int, person_id: int, now: datetime) -> CertificateRow:
    """Return one of a person's own certificates; raises NotFound."""
    found = _rows(session, person_id, now, Certificate.id == certificate_id, Certificate.person_id == person_id)
    if not found:
        raise NotFound()
    return found[0]


def get_in_reach(
    session: Session, certificate_id: int, person_id: int, grants: tuple[Grant, ...], now: datetime
) -> CertificateRow:
    """Return a certificate of one's own, or of somebody whom `people.read` reaches; raises NotFound."""
    holder = session.scalar(sa.select(Certificate.person_id).where(Certificate.id == certificate_id))
    if holder is None:
        raise NotFound()
    if holder != person_id:
        access.require_reach(session, grants, Permission.PEOPLE_READ, holder)
    return get_own(session, certificate_id, holder, now)


def get_sheet(session: Session, certificate_id: int) -> Sheet:
    """Return what is to be printed; raises NotFound, also once the words were erased."""
    row = session.execute(
        sa.select(Certificate.code, Payload.body)
        .join(Payload, Payload.id == Certificate.printed_payload_id)
        .where(Certificate.id == certificate_id)
    ).first()
    if row is None or row.body is None:
        raise NotFound()
    return Sheet(certificate_id=certificate_id, code=row.code, printed=json.loads(row.body))


def shown(session: Session, code: str, now: datetime) -> Shown:
    """Return what the public sees behind a code.

    An unknown code costs the same reads and folds as a known one: they are done for some other certificate and thrown
    away, so that time tells nothing.
    """
    code = code.replace("\0", "")  # PostgreSQL refuses a query with a NUL in it; what is malformed is unknown
    found = session.scalar(sa.select(Certificate.person_id).where(Certificate.code == code))
    decoy = session.execute(
        sa.select(Certificate.person_id, Certificate.code).order_by(Certificate.id).limit(1)
    ).first()
    if decoy is None:
        return Shown(state=CertificateState.NOT_FOUND, printed=None)
    person_id, sought = (found, code) if found is not None else (decoy.person_id, decoy.code)
    rows = _rows(session, person_id, now, Certificate.code == sought)
    if found is None or not rows or rows[0].printed is None:
        return Shown(state=CertificateState.NOT_FOUND, printed=None)
    return Shown(state=public_state(rows[0].state), printed=rows[0].printed)


def _rows(session: Session, person_id: int, now: datetime, *conditions: sa.ColumnElement[bool]) -> list[CertificateRow]:
    """Return certificates of one person, folded from their events: no row that waits for a sweeper is trusted."""
    found = session.execute(
        sa.select(Certificate, Payload.body, CertificateFile.sha256)
        .join(Payload, Payload.id == Certificate.printed_payload_id)
        .outerjoin(
            CertificateFile,
            sa.and_(CertificateFile.certificate_id == Certificate.id, CertificateFile.template == TEMPLATE),
        )
        .where(*conditions)
        .order_by(Certificate.issued_at.desc(), Certificate.level_event_id.desc())
    ).all()
    keys = [job_key(row.id) for row, _, _ in found]
    jobs = {job.key: job for job in session.scalars(sa.select(Job).where(Job.key.in_(keys)))}
    events = [e for e in levels.level_events(session, [person_id])[person_id] if e.effective_at <= now]
    record = permits.permit_facts(session, person_id, now)
    facts = record.facts if record else None
    return [
        _row(row, body, sha256, jobs.get(job_key(row.id)), _state(row, events, facts, now))
        for row, body, sha256 in found
    ]


def _row(
    row: Certificate, body: str | None, sha256: str | None, job: Job | None, state: CertificateState
) -> CertificateRow:
    if sha256 is not None:
        file = FileState.READY
    else:
        file = FileState.ABSENT if job is None else _FILE_STATES.get(job.state, FileState.ABSENT)
    return CertificateRow(
        certificate_id=row.id, person_id=row.person_id, scheme=row.scheme, level=row.level, number=row.number,
        code=row.code, issued_at=row.issued_at, valid_until=row.valid_until or row.issued_at, state=state,
        printed=None if body is None else _printed(json.loads(body)), file=file, sha256=sha256,
        done=job.done if job else 0, total=job.total if job else 0,
    )  # fmt: skip


def _printed(body: Mapping[str, Any]) -> Printed:
    days = {name: date.fromisoformat(body[name]) for name in ("issued_on", "valid_through")}
    return Printed(**{**body, **days})


def _state(
    row: Certificate, events: Iterable[LevelEvent], facts: PermitFacts | None, now: datetime
) -> CertificateState:
    awards = [event for event in events if event.scheme == row.scheme and event.valid_until is not None]
    latest = max(awards, key=lambda event: (event.effective_at, event.seq), default=None)
    held = fold_levels(events, as_of=now).get((row.scheme, row.level))
    return certificate_state(
        facts,
        now,
        level_until=row.valid_until or row.issued_at,
        is_replaced=latest is not None and latest.id != row.level_event_id,
        is_withdrawn=held is not None and held.withdrawn_at is not None,
    )
