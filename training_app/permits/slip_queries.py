"""Training slips of people, with the lesson that each asks for and whether it was read since."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.courses import queries as courses
from training_app.courses.queries import LessonPlace
from training_app.permits.entry_rules import EntryKind
from training_app.permits.models import LedgerEntry, TrainingSlip
from training_app.permits.slip_rules import Slip, SlipState, done_at, state_of


@dataclass(frozen=True, kw_only=True)
class SlipRow:
    """A slip as pages show it; `place` is None where no course has the lesson any more."""

    slip: Slip
    state: SlipState
    done_at: datetime | None
    place: LessonPlace | None


def slips(session: Session, person_id: int, on: date) -> list[SlipRow]:
    """Return the slips of a person, newest first."""
    found = _slips(session, [person_id])[person_id]
    if not found:
        return []
    read = _readings(session, [person_id])[person_id]
    places = courses.lesson_places(session, on)
    void = _void(session, [one.cause for one in found])
    return [
        SlipRow(
            slip=one,
            state=state_of(one, read.get(one.lesson_key, ()), is_void=one.cause in void),
            done_at=done_at(one, read.get(one.lesson_key, ())),
            place=places.get(one.lesson_key),
        )
        for one in reversed(found)
    ]


def given(session: Session, person_id: int) -> list[Slip]:
    """Return the slips that a person was given, oldest first."""
    return _slips(session, [person_id])[person_id]


def readings(session: Session, person_id: int) -> Mapping[str, list[datetime]]:
    """Return when a person read each lesson to its end."""
    return _readings(session, [person_id])[person_id]


def find_by_key(session: Session, idem: str) -> int | None:
    """Return the slip of an idempotency key, None without one."""
    return session.scalar(sa.select(TrainingSlip.id).where(TrainingSlip.idem == idem))


def has_slips(session: Session, person_id: int) -> bool:
    """Tell whether a person was ever given a slip."""
    return session.scalar(sa.select(TrainingSlip.id).where(TrainingSlip.person_id == person_id).limit(1)) is not None


def has_entry(session: Session, idem: str) -> bool:
    """Tell whether the ledger has an entry of this key."""
    return session.scalar(sa.select(LedgerEntry.id).where(LedgerEntry.idem == idem)) is not None


def _readings(session: Session, person_ids: Iterable[int]) -> dict[int, dict[str, list[datetime]]]:
    """Return when people read each lesson to its end, by person and lesson."""
    found: dict[int, dict[str, list[datetime]]] = {}
    for person_id, rows in courses.learning_rows(session, person_ids).items():
        own = found.setdefault(person_id, {})
        for row in rows:
            if row.kind == courses.LESSON:
                own.setdefault(row.lesson_key, []).append(row.effective_at)
    return found


def _slips(session: Session, person_ids: Iterable[int]) -> dict[int, list[Slip]]:
    rows = session.scalars(
        sa.select(TrainingSlip).where(TrainingSlip.person_id.in_(sorted(set(person_ids)))).order_by(TrainingSlip.seq)
    )
    found: dict[int, list[Slip]] = defaultdict(list)
    for row in rows:
        found[row.person_id].append(slip(row))
    return found


def slip(row: Any) -> Slip:
    """Return a slip as the rules know it."""
    return Slip(
        slip_id=row.id, person_id=row.person_id, cause=row.cause, case_id=row.case_id, lesson_key=row.lesson_key,
        given_at=row.effective_at, due_on=row.due_on,
    )  # fmt: skip


def _void(session: Session, causes: Iterable[str]) -> frozenset[str]:
    """Return which of these entries were voided and not brought back: a reopened case writes a new entry."""
    wanted = sorted(set(causes))
    people = sa.select(LedgerEntry.person_id).where(LedgerEntry.idem.in_(wanted)).distinct()
    rows = session.scalars(
        sa.select(LedgerEntry.refs).where(
            LedgerEntry.person_id.in_(people), LedgerEntry.kind == EntryKind.VOID.value
        )
    )  # fmt: skip
    return frozenset(ref for refs in rows for ref in refs).intersection(wanted)
