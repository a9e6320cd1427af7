"""Long work, as people see it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import Key, db, enum_column
from training_app.jobs.rules import JobState


class Job(db.Model):
    """One piece of long work with its progress; `key` makes a repeated request find the same one."""

    __tablename__ = "job"
    __table_args__ = (sa.CheckConstraint("done <= total OR total = 0", name="done_within_total"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(60))
    key: Mapped[str] = mapped_column(sa.String(200), unique=True)
    state: Mapped[JobState] = mapped_column(enum_column(JobState))
    body: Mapped[dict[str, Any]]
    done: Mapped[int] = mapped_column(default=0)
    total: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error: Mapped[str | None] = mapped_column(sa.Text)
