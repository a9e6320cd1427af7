"""Certificates for tests: a level event and a permit as an award leaves them, without the weeks that lead there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from training_app.accounts.locks import lock_person
from training_app.calendar.rules import legal_day
from training_app.certifications.models import LevelEvent
from training_app.content import queries as content
from training_app.credentials import service
from training_app.credentials.models import Certificate
from training_app.db import db, transaction
from training_app.jobs import service as jobs
from training_app.jobs.models import Job
from training_app.permits import service as permits
from training_app.permits.models import Permit
from training_app.storage import service as storage


@dataclass(frozen=True, kw_only=True)
class Issued:
    """A certificate and what leads to it."""

    certificate_id: int
    event_id: int
    job_id: int
    code: str
    number: str
    door_code: str
    permit_number: str


def level_event(person_id: int, now: datetime, *, kind: str = "awarded", months: int = 24) -> int:
    """Write an event of the junior level, with a permit where there is none; return it."""
    with transaction() as session:
        lock = lock_person(person_id, now=now)
        permits.issue_permit(lock, now=now, actor_id=None)
        version = content.get_current(session, "level", "junior", legal_day(now, "Asia/Shanghai"))
        stamp = lock.stamp()
        facts: dict[str, object] = {"zone": "Asia/Shanghai", "rank": 1, "months": months}
        if kind != "withdrawn":
            facts["valid_until"] = (now + timedelta(days=months * 30)).isoformat()
            facts["base_on"] = legal_day(now, "Asia/Shanghai").isoformat()
        row = LevelEvent(
            person_id=person_id, scheme="service", level="junior", kind=kind, requirement_version_id=version.id,
            facts=facts, effective_at=now, recorded_at=stamp.recorded_at, seq=stamp.seq, actor_id=None,
            idem=f"test-level/{person_id}/{stamp.seq}",
        )  # fmt: skip
        session.add(row)
        session.flush()
        return row.id


def certified(person_id: int, now: datetime, *, months: int = 24, is_printed: bool = False) -> Issued:
    """Award the junior level and issue its certificate; `is_printed`: the worker has made the PDF."""
    event_id = level_event(person_id, now, months=months)
    certificate_id = service.issue(event_id, person_id, now=now)
    row = db.session.get_one(Certificate, certificate_id)
    permit = db.session.execute(sa.select(Permit.door_code, Permit.number).where(Permit.person_id == person_id)).one()
    job_id = db.session.scalars(sa.select(Job.id).where(Job.key.like(f"certificate/{certificate_id}/%"))).one()
    issued = Issued(
        certificate_id=certificate_id, event_id=event_id, job_id=job_id, code=row.code, number=row.number,
        door_code=permit.door_code, permit_number=permit.number,
    )  # fmt: skip
    db.session.rollback()
    if is_printed:
        jobs.run(job_id)
    return issued


def set_photo(person_id: int, now: datetime) -> bytes:
    """Give a person a photo; return its bytes."""
    import io

    from PIL import Image

    from training_app.accounts import service as accounts

    out = io.BytesIO()
    Image.new("RGB", (300, 400), (140, 170, 180)).save(out, "JPEG")
    data = storage.clean_photo(out.getvalue())
    sha256 = storage.write_file(data)
    with transaction():
        storage.keep(sha256, len(data), "image/jpeg", now=now)
    accounts.set_photo(person_id, sha256, now=now, actor_id=person_id)
    return data
