"""Photos of a case: cleaned and stored before the transaction, attached in it, every reading written down."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from training_app.accounts.locks import lock_person
from training_app.audit import service as audit
from training_app.db import transaction, writing_session
from training_app.errors import Invalid, NotFound
from training_app.permits.models import CaseEvidence, PermitCase
from training_app.storage import service as storage

PHOTO = "image/jpeg"


class NothingAnswered(Invalid):
    """Nothing was written."""

    code = "nothing_answered"
    message = "Write what you want to say. It is kept word for word."


@dataclass(frozen=True)
class Picture:
    """A file as it came."""

    data: bytes


@dataclass(frozen=True)
class Stored:
    """A photo on disk, not yet part of anything."""

    sha256: str
    size: int


def store(picture: Picture | None) -> Stored | None:
    """Clean a photo and put it on disk, outside of any transaction. Raises NotAPhoto, DiskLow."""
    if picture is None or not picture.data:
        return None
    return Stored(*storage.write_photo(picture.data))


def attach(case_id: int, stored: Stored | None, *, now: datetime, actor_id: int) -> None:
    """Make a stored photo evidence of a case in the running transaction."""
    if stored is None:
        return
    session = writing_session()
    storage.keep(stored.sha256, stored.size, PHOTO, now=now)
    session.add(CaseEvidence(case_id=case_id, sha256=stored.sha256, added_by=actor_id, added_at=now))
    session.flush()


def read(evidence_id: int, *, now: datetime, actor_id: int) -> bytes:
    """Return a photo and write down who read it; who may is the caller's question. Raises NotFound."""
    with transaction() as session:
        row = session.get(CaseEvidence, evidence_id)
        if row is None or row.erased_at is not None:
            raise NotFound()
        case = session.get_one(PermitCase, row.case_id)
        lock_person(case.person_id, now=now)
        audit.record(
            "evidence.read", f"evidence:{evidence_id}", now=now, stream=audit.person_stream(case.person_id),
            actor_id=actor_id, facts={"case": case.number, "sha256": row.sha256},
        )  # fmt: skip
        sha256 = row.sha256
    try:
        return storage.read(sha256)
    except FileNotFoundError as error:
        raise NotFound() from error
