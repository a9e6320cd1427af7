"""Admissions, sittings, attempts and their events."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.accounts.models import Dated
from training_app.db import APPEND_ONLY, EventColumns, Key, db, enum_column
from training_app.exams.rules import AttemptState


class AttemptEventKind(StrEnum):
    """What can happen around an attempt."""

    OPENED = "opened"
    RESUMED = "resumed"
    IDENTITY_CHECKED = "identity_checked"
    IDENTITY_REFUSED = "identity_refused"
    INVIGILATED = "invigilated"
    EXTENDED = "extended"
    SUBMITTED = "submitted"
    EXPIRED = "expired"
    SCORED = "scored"
    VOIDED = "voided"
    CONTESTED = "contested"


class Admission(db.Model):
    """The right to take an exam: written by certifications/ and permits/, and by examiners, through exams' service.

    An attempt starts only on an admission. `attempts` is how many it allows; `reason` a code (onboarding, retake …).
    """

    __tablename__ = "admission"
    __table_args__ = (
        sa.Index("ix_admission_person", "person_id"),
        sa.CheckConstraint("attempts > 0", name="attempts_positive"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to > valid_from", name="in_order"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    exam_key: Mapped[str] = mapped_column(sa.String(100))
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    attempts: Mapped[int]
    reason: Mapped[str] = mapped_column(sa.String(40))
    idem: Mapped[str] = mapped_column(sa.String(200), unique=True)
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    withdrawn_at: Mapped[datetime | None]


class TimeFactor(Dated, db.Model):
    """How much longer than the limit somebody may write in a period; the reason is a payload.

    `percent` of the limit: 125 is a quarter more. An attempt copies it into its snapshot when it begins.
    """

    __tablename__ = "time_factor"
    __table_args__ = (
        sa.Index("ix_time_factor_person", "person_id"),
        sa.CheckConstraint("percent BETWEEN 101 AND 300", name="longer_only"),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name="in_order"),
        sa.Index(
            "uq_time_factor_open",
            "person_id",
            unique=True,
            sqlite_where=sa.text("valid_to IS NULL AND superseded_at IS NULL"),
            postgresql_where=sa.text("valid_to IS NULL AND superseded_at IS NULL"),
        ),
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    percent: Mapped[int]
    payload_id: Mapped[int] = mapped_column(sa.ForeignKey("payload.id"))
    superseded_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))


class Sitting(db.Model):
    """One supervised occasion: an exam, a unit, a time, an examiner.

    Who invigilates says so for the room, which may be before the first paper is opened; each attempt gets its event.
    """

    __tablename__ = "sitting"
    __table_args__ = (
        sa.Index("ix_sitting_unit", "unit_id", "opens_at"),
        sa.Index(
            "ix_sitting_open",
            "closes_at",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        ),
        sa.CheckConstraint("closes_at > opens_at", name="in_order"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    exam_key: Mapped[str] = mapped_column(sa.String(100))
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"))
    room: Mapped[str | None] = mapped_column(sa.String(100))
    opens_at: Mapped[datetime]
    closes_at: Mapped[datetime]
    created_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    invigilated_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    invigilated_at: Mapped[datetime | None]


class Seat(db.Model):
    """A person admitted to a sitting; the identity check stands here until an attempt begins, then as its event."""

    __tablename__ = "seat"
    __table_args__ = (sa.UniqueConstraint("sitting_id", "person_id"), sa.Index("ix_seat_person", "person_id"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    sitting_id: Mapped[int] = mapped_column(sa.ForeignKey("sitting.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    admission_id: Mapped[int] = mapped_column(sa.ForeignKey("admission.id"))
    admitted_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    admitted_at: Mapped[datetime]
    identity_checked_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    identity_checked_at: Mapped[datetime | None]
    extra_minutes: Mapped[int] = mapped_column(default=0)


class Attempt(db.Model):
    """One try. The snapshot (limit, factor, extra minutes, sitting, cut) is taken at the start and never changes.

    `deadline_at` moves only by extension events. `epoch` counts the times the paper was opened; only the newest may
    write. Scores are exact fractions as text ("41/5").
    """

    __tablename__ = "attempt"
    __table_args__ = (
        sa.UniqueConstraint("admission_id", "number"),
        sa.Index("ix_attempt_person", "person_id", "exam_key"),
        sa.Index("ix_attempt_sitting", "sitting_id"),
        sa.Index(
            "uq_attempt_open",
            "person_id",
            "exam_key",
            unique=True,
            sqlite_where=sa.text("status = 'open'"),
            postgresql_where=sa.text("status = 'open'"),
        ),
        sa.Index(
            "ix_attempt_overdue",
            "deadline_at",
            sqlite_where=sa.text("status = 'open'"),
            postgresql_where=sa.text("status = 'open'"),
        ),
        sa.CheckConstraint("number > 0", name="number_positive"),
        sa.CheckConstraint("(status = 'open') = (finished_at IS NULL)", name="finished_when_closed"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(32), unique=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    exam_key: Mapped[str] = mapped_column(sa.String(100))
    kind: Mapped[str] = mapped_column(sa.String(20))
    admission_id: Mapped[int | None] = mapped_column(sa.ForeignKey("admission.id"))
    number: Mapped[int]
    sitting_id: Mapped[int | None] = mapped_column(sa.ForeignKey("sitting.id"))
    exam_form_id: Mapped[int] = mapped_column(sa.ForeignKey("exam_form.id"))
    snapshot: Mapped[dict[str, Any]]
    status: Mapped[AttemptState] = mapped_column(enum_column(AttemptState))
    epoch: Mapped[int] = mapped_column(default=1)
    saves: Mapped[int] = mapped_column(default=0)
    opened_at: Mapped[datetime]
    deadline_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    raw_score: Mapped[str | None] = mapped_column(sa.String(40))
    max_score: Mapped[int | None]
    passed: Mapped[bool | None]
    supervised: Mapped[bool] = mapped_column(default=False)
    result: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)


class Response(db.Model):
    """The newest saved answer to one item; `epoch` and `seq` order the saves of its writers."""

    __tablename__ = "response"
    __table_args__ = (sa.CheckConstraint("seq >= 0 AND epoch > 0", name="ordered"),)

    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("attempt.id"), primary_key=True)
    item_key: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    epoch: Mapped[int]
    seq: Mapped[int]
    answer: Mapped[dict[str, Any]]
    flagged: Mapped[bool] = mapped_column(default=False)
    received_at: Mapped[datetime]


class AttemptEvent(EventColumns, db.Model):
    """Opening, identity check, invigilation, extension, hand-in, score, contest of an attempt."""

    __tablename__ = "attempt_event"
    __table_args__ = (
        sa.Index("ix_attempt_event_attempt", "attempt_id"),
        sa.Index("ix_attempt_event_person", "person_id", "seq"),
        {"info": {APPEND_ONLY: True}},
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("attempt.id"))
    kind: Mapped[AttemptEventKind] = mapped_column(enum_column(AttemptEventKind))
    facts: Mapped[dict[str, Any]]


class ContestAnswer(EventColumns, db.Model):
    """The answer to a contest: upheld or not, the reason as payload, and the attempt that it granted, if any."""

    __tablename__ = "contest_answer"
    __table_args__ = (
        sa.UniqueConstraint("attempt_id"),
        sa.Index("ix_contest_answer_person", "person_id", "seq"),
        {"info": {APPEND_ONLY: True}},
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    attempt_id: Mapped[int] = mapped_column(sa.ForeignKey("attempt.id"))
    is_upheld: Mapped[bool]
    admission_id: Mapped[int | None] = mapped_column(sa.ForeignKey("admission.id"))
