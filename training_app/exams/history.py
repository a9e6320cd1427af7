"""Appending to the history of an attempt."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from training_app.accounts.locks import PersonLock
from training_app.audit.models import Payload
from training_app.exams.models import AttemptEvent, AttemptEventKind


def add_event(
    lock: PersonLock, attempt_id: int, kind: AttemptEventKind, facts: Mapping[str, Any], *, actor_id: int | None,
    effective_at: datetime | None = None, idem: str | None = None, payload: Payload | None = None,
) -> None:  # fmt: skip
    """Append an event under the person's lock; `facts` are codes, figures, dates and ids, never words."""
    stamp = lock.stamp()
    lock.session.add(
        AttemptEvent(
            person_id=lock.person_id,
            attempt_id=attempt_id,
            kind=kind,
            facts=dict(facts),
            effective_at=effective_at or lock.now,
            recorded_at=stamp.recorded_at,
            seq=stamp.seq,
            actor_id=actor_id,
            idem=idem or f"attempt/{attempt_id}/{kind.value}/{stamp.seq}",
            payload_id=payload.id if payload else None,
            payload_digest=payload.digest if payload else None,
        )
    )
    lock.session.flush()
