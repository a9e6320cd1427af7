"""The work permit: permits, cases, sanctions and the ledger; everything that happens is an event row.

State, points, who was served when and until when are derived from these rows by `permits/rules.py`, never columns that
are filled in later.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import APPEND_ONLY, EventColumns, Key, db


class Permit(db.Model):
    """One permit of one person: its number, its door code, its legal zone and its anchor never change."""

    __tablename__ = "permit"
    __table_args__ = (sa.Index("ix_permit_person", "person_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    number: Mapped[str] = mapped_column(sa.String(32), unique=True)
    door_code: Mapped[str] = mapped_column(sa.String(43), unique=True)
    zone: Mapped[str] = mapped_column(sa.String(60))
    anchor_on: Mapped[date]
    created_at: Mapped[datetime]


class PermitEvent(EventColumns, db.Model):
    """What happens to a permit; timed ends and the policy followed are facts on the event."""

    __tablename__ = "permit_event"
    __table_args__ = (
        sa.Index("ix_permit_event_person", "person_id", "seq"),
        sa.Index("ix_permit_event_kind", "kind", "permit_id", "seq"),
        {"info": {APPEND_ONLY: True}},
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    permit_id: Mapped[int] = mapped_column(sa.ForeignKey("permit.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    facts: Mapped[dict[str, Any]]


class PermitCase(db.Model):
    """One reported occurrence: what can never change about it. Its procedure stands in its events."""

    __tablename__ = "permit_case"
    __table_args__ = (
        sa.Index("ix_permit_case_person", "person_id"),
        sa.Index("ix_permit_case_reporter", "reporter_id"),
        sa.Index("ix_permit_case_unit", "unit_id", "occurred_at"),
        sa.CheckConstraint("reporter_id <> person_id", name="not_about_oneself"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(32), unique=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    permit_id: Mapped[int] = mapped_column(sa.ForeignKey("permit.id"))
    reporter_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"))
    code: Mapped[str] = mapped_column(sa.String(60))
    tariff_version_id: Mapped[int] = mapped_column(sa.ForeignKey("content_version.id"))
    occasion: Mapped[str] = mapped_column(sa.String(100))
    occurred_at: Mapped[datetime]
    zone: Mapped[str] = mapped_column(sa.String(60))
    idem: Mapped[str] = mapped_column(sa.String(200), unique=True)
    created_at: Mapped[datetime]


class CaseSource(db.Model):
    """Where a case came from that a file brought: the source, its number of the complaint there, and the import.

    `key`: source and number however they were typed. A complaint that was taken back with its import may come again.
    """

    __tablename__ = "case_source"
    __table_args__ = (sa.Index("ix_case_source_key", "key"), sa.Index("ix_case_source_batch", "batch_id"))

    case_id: Mapped[int] = mapped_column(sa.ForeignKey("permit_case.id"), primary_key=True, autoincrement=False)
    key: Mapped[str] = mapped_column(sa.String(40))
    source: Mapped[str] = mapped_column(sa.String(60))
    number: Mapped[str] = mapped_column(sa.String(60))
    batch_id: Mapped[int] = mapped_column(sa.BigInteger)


class CaseEvent(EventColumns, db.Model):
    """One step of a case, a service included (recipient, channel and proof are facts)."""

    __tablename__ = "case_event"
    __table_args__ = (
        sa.Index("ix_case_event_case", "case_id"),
        sa.Index("ix_case_event_person", "person_id", "seq"),
        {"info": {APPEND_ONLY: True}},
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("permit_case.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    facts: Mapped[dict[str, Any]]


class CaseEvidence(db.Model):
    """A file of a case; every reading of it is written to the audit stream."""

    __tablename__ = "case_evidence"
    __table_args__ = (sa.Index("ix_case_evidence_case", "case_id"), sa.Index("ix_case_evidence_file", "sha256"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    case_id: Mapped[int] = mapped_column(sa.ForeignKey("permit_case.id"))
    sha256: Mapped[str] = mapped_column(sa.ForeignKey("blob.sha256"))
    label_payload_id: Mapped[int | None] = mapped_column(sa.ForeignKey("payload.id"))
    added_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    added_at: Mapped[datetime]
    erased_at: Mapped[datetime | None]


class TrainingSlip(EventColumns, db.Model):
    """What somebody is to learn again: after a case that is final, or chosen by themselves to win points back.

    The row never changes; that the lesson was read to the end since then is told by the events of learning. `cause` is
    the entry that the slip mends, or "study".
    """

    __tablename__ = "training_slip"
    __table_args__ = (
        sa.Index("ix_training_slip_person", "person_id", "seq"),
        sa.Index("ix_training_slip_due", "due_on", "id"),
        {"info": {APPEND_ONLY: True}},
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    permit_id: Mapped[int] = mapped_column(sa.ForeignKey("permit.id"))
    cause: Mapped[str] = mapped_column(sa.String(200))
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("permit_case.id"))
    lesson_key: Mapped[str] = mapped_column(sa.String(100))
    due_on: Mapped[date]


class Sanction(db.Model):
    """One sanction of one cause; the cause is unique, so that a stage is proposed once however often it is computed."""

    __tablename__ = "sanction"
    __table_args__ = (sa.Index("ix_sanction_person", "person_id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    number: Mapped[str] = mapped_column(sa.String(32), unique=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    permit_id: Mapped[int] = mapped_column(sa.ForeignKey("permit.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    stage: Mapped[int]
    cause: Mapped[str] = mapped_column(sa.String(200), unique=True)
    created_at: Mapped[datetime]


class SanctionEvent(EventColumns, db.Model):
    """One step of a sanction: proposed, decided, confirmed, served, in force, ended, annulled."""

    __tablename__ = "sanction_event"
    __table_args__ = (
        sa.Index("ix_sanction_event_sanction", "sanction_id"),
        sa.Index("ix_sanction_event_person", "person_id", "seq"),
        {"info": {APPEND_ONLY: True}},
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    sanction_id: Mapped[int] = mapped_column(sa.ForeignKey("sanction.id"))
    kind: Mapped[str] = mapped_column(sa.String(40))
    facts: Mapped[dict[str, Any]]


class LedgerEntry(EventColumns, db.Model):
    """One line of the ledger: demerit, merit, clear or void.

    `effective_at` is when it counts (the policy's membership date), `exists_at` from when it exists, `points` a
    positive number (0 on clear and void), `refs` the idempotency keys of the entries that a clear or void names.
    """

    __tablename__ = "ledger_entry"
    __table_args__ = (
        sa.Index("ix_ledger_entry_person", "person_id", "effective_at"),
        sa.CheckConstraint("points >= 0", name="points_not_negative"),
        sa.CheckConstraint("kind IN ('demerit', 'merit', 'clear', 'void')", name="kind_known"),
        sa.CheckConstraint("(kind IN ('demerit', 'merit')) = (points > 0)", name="points_where_they_count"),
        {"info": {APPEND_ONLY: True}},
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    permit_id: Mapped[int] = mapped_column(sa.ForeignKey("permit.id"))
    kind: Mapped[str] = mapped_column(sa.String(20))
    points: Mapped[int]
    code: Mapped[str] = mapped_column(sa.String(60))
    case_id: Mapped[int | None] = mapped_column(sa.ForeignKey("permit_case.id"))
    occasion: Mapped[str] = mapped_column(sa.String(100))
    exists_at: Mapped[datetime]
    refs: Mapped[list[Any]]
