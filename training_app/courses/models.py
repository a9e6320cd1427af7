"""Enrolment, the place in a lesson, and completions."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import APPEND_ONLY, EventColumns, Key, db


class Enrolment(db.Model):
    """A course a person has to take, or chose to; `due_on` is the last day, in the person's legal zone."""

    __tablename__ = "enrolment"
    __table_args__ = (sa.UniqueConstraint("person_id", "course_key"), sa.Index("ix_enrolment_due", "due_on"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    course_key: Mapped[str] = mapped_column(sa.String(100))
    reason: Mapped[str] = mapped_column(sa.String(40))
    due_on: Mapped[date | None]
    created_at: Mapped[datetime]
    created_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))


class LessonProgress(db.Model):
    """Where a person is in a lesson: kept per lesson, not per version, so that an editorial change loses no place."""

    __tablename__ = "lesson_progress"
    __table_args__ = (
        sa.CheckConstraint("seconds >= 0", name="seconds_not_negative"),
        sa.CheckConstraint("position BETWEEN 0 AND 1000", name="position_per_mille"),
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    lesson_key: Mapped[str] = mapped_column(sa.String(100), primary_key=True)
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("content_version.id"))
    position: Mapped[int] = mapped_column(default=0)
    seconds: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime]
    last_at: Mapped[datetime]
    check_answer: Mapped[str | None] = mapped_column(sa.String(20))
    completed_at: Mapped[datetime | None]
    # When it was last to be read again: a page or a device from before it says nothing about this reading.
    asked_again_at: Mapped[datetime | None]


class LearningEvent(EventColumns, db.Model):
    """What a person finished, in which version: evidence for requirements (kind, key, minimum version)."""

    __tablename__ = "learning_event"
    __table_args__ = (
        sa.Index("ix_learning_event_person", "person_id", "seq"),
        {"info": {APPEND_ONLY: True}},
    )

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(sa.String(30))
    course_key: Mapped[str] = mapped_column(sa.String(100))
    lesson_key: Mapped[str | None] = mapped_column(sa.String(100))
    version_id: Mapped[int] = mapped_column(sa.ForeignKey("content_version.id"))
    seconds: Mapped[int] = mapped_column(default=0)
