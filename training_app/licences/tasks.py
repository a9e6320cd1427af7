"""What state licences hold of a person, beside the number in its payload."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.erasing import erases, needs_words
from training_app.licences.models import Licence


@needs_words("licences")
def numbers_in_force(session: Session, person_id: int, _now: datetime) -> Iterable[int]:
    """Keep the numbers of the licences that stand."""
    numbers = sa.select(Licence.number_payload_id).where(
        Licence.person_id == person_id, Licence.superseded_at.is_(None)
    )
    return [payload_id for payload_id in session.scalars(numbers) if payload_id]


@erases("licences")
def forget_scans(session: Session, person_id: int, _now: datetime) -> Iterable[str]:
    """Let go the scans; kind, issuer and dates stay."""
    is_own = Licence.person_id == person_id
    files = [sha256 for sha256 in session.scalars(sa.select(Licence.sha256).where(is_own)) if sha256]
    session.execute(sa.update(Licence).where(is_own).values(sha256=None))
    return files
