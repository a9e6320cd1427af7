"""Notices to people, and what was delivered how."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import Key, db


class Notice(db.Model):
    """One message to one person in the application; `kind` and `facts` are worded in the reader's language."""

    __tablename__ = "notice"
    __table_args__ = (sa.Index("ix_notice_person", "person_id", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(sa.String(60))
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    facts: Mapped[dict[str, Any]]
    path: Mapped[str | None] = mapped_column(sa.String(300))
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class Delivery(db.Model):
    """One delivery of a notice by a channel (mail, print …), with its outcome."""

    __tablename__ = "delivery"
    __table_args__ = (sa.UniqueConstraint("notice_id", "channel"), sa.Index("ix_delivery_outcome", "outcome", "id"))

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    notice_id: Mapped[int] = mapped_column(sa.ForeignKey("notice.id"))
    channel: Mapped[str] = mapped_column(sa.String(20))
    outcome: Mapped[str] = mapped_column(sa.String(20))
    at: Mapped[datetime]
    error: Mapped[str | None] = mapped_column(sa.Text)


class ReminderDay(db.Model):
    """How far a source of reminders was read on a day; `through`: where it goes on, None at its end."""

    __tablename__ = "reminder_day"

    source: Mapped[str] = mapped_column(sa.String(40), primary_key=True)
    day: Mapped[date]
    through: Mapped[int | None] = mapped_column(sa.BigInteger)


class CalendarFeed(db.Model):
    """The secret address of a person's calendar, as its hash; another address replaces it, none ends it."""

    __tablename__ = "calendar_feed"

    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    token_hash: Mapped[str] = mapped_column(sa.String(64), unique=True)
    created_at: Mapped[datetime]
