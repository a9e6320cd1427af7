"""What rooms below may ask of the permit: facts, points, open cases, history, and the answer at the door."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.permits.case_rules import CaseStatus
from training_app.permits.fold_queries import CaseFile, PermitRecord, case_files, find_permit, permits
from training_app.permits.ledger_queries import LedgerState, ledger_state, state_of
from training_app.permits.models import Permit, PermitCase
from training_app.permits.number_rules import find_permit_number
from training_app.permits.permit_rules import DoorAnswer, door_answer
from training_app.permits.retraining_queries import RetrainingDue, find_retraining, people_in_retraining, retrainings
from training_app.permits.review_queries import (
    Renewal,
    ReviewDue,
    find_review,
    last_renewal,
    open_conditions,
    open_windows,
    permit_events,
    reviews,
)
from training_app.permits.story_queries import StoryRow, story

__all__ = [
    "DoorRow",
    "LedgerState",
    "OpenCase",
    "PermitRecord",
    "Renewal",
    "RetrainingDue",
    "ReviewDue",
    "StoryRow",
    "door",
    "door_by_number",
    "find_retraining",
    "find_review",
    "last_renewal",
    "ledger_state",
    "open_cases",
    "open_conditions",
    "open_windows",
    "people_in_retraining",
    "permit_events",
    "permit_facts",
    "permits",
    "retrainings",
    "reviews",
    "state_of",
    "story",
]


@dataclass(frozen=True, kw_only=True)
class OpenCase:
    """A case that is still under way: reported, not counted."""

    case_id: int
    number: str
    status: CaseStatus
    points: int
    next_deadline_at: datetime | None
    file: CaseFile


@dataclass(frozen=True, kw_only=True)
class DoorRow:
    """What a door code or a permit number leads to; the answer never says why."""

    permit_id: int
    person_id: int
    number: str
    answer: DoorAnswer
    record: PermitRecord


def permit_facts(
    session: Session, person_id: int, now: datetime, *, known_at: datetime | None = None
) -> PermitRecord | None:
    """Return the permit of a person with its dates and its state as of an instant; None before the first issue."""
    return find_permit(session, person_id, now, known_at=known_at)


def open_cases(session: Session, person_id: int, now: datetime) -> list[OpenCase]:
    """Return the cases of a person that were not final, dismissed, a warning or taken back at an instant; newest first.

    A case counts as open from its report on, whether or not its holder was told.
    """
    rows = session.scalars(
        sa.select(PermitCase).where(PermitCase.person_id == person_id).order_by(PermitCase.id.desc())
    ).all()
    if not rows:
        return []
    return [
        OpenCase(
            case_id=file.case_id, number=file.number, status=file.state.status, points=file.state.points,
            next_deadline_at=file.state.next_deadline_at, file=file,
        )
        for file in case_files(session, rows, now, as_of=now)
        if file.state.is_open
    ]  # fmt: skip


def door(session: Session, code: str, now: datetime) -> DoorRow | None:
    """Return what a code from a permit's QR leads to, None where no permit has it."""
    return _door(session, Permit.door_code == code, now)


def door_by_number(session: Session, typed: str, now: datetime) -> DoorRow | None:
    """Return what a permit number typed by hand leads to; spaces, hyphens and small letters do not matter."""
    number = find_permit_number(typed)
    return None if number is None else _door(session, Permit.number == number, now)


def _door(session: Session, condition: sa.ColumnElement[bool], now: datetime) -> DoorRow | None:
    person_id = session.scalar(sa.select(Permit.person_id).where(condition))
    record = None if person_id is None else find_permit(session, person_id, now)
    if person_id is None or record is None:
        return None
    return DoorRow(
        permit_id=record.permit_id,
        person_id=person_id,
        number=record.number,
        answer=door_answer(record.facts, now),
        record=record,
    )
