"""Performances, who took which part, score sheets and their marks."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import APPEND_ONLY, EventColumns, Key, db, enum_column
from training_app.roleplay.improvement_rules import PlanMove, PlanState


class PerformanceState(StrEnum):
    """Where a performance is."""

    PLANNED = "planned"
    RUNNING = "running"
    ENDED = "ended"
    CANCELLED = "cancelled"


class SheetState(StrEnum):
    """A score sheet is open until its rater locks and sends it."""

    OPEN = "open"
    LOCKED = "locked"
    WITHDRAWN = "withdrawn"


class Performance(db.Model):
    """One role-play session: a scenario card, a time, a unit; `started_at` begins the preparation."""

    __tablename__ = "performance"
    __table_args__ = (
        sa.Index("ix_performance_unit", "unit_id", "planned_at"),
        sa.Index("ix_performance_leader", "led_by", "planned_at"),
        sa.Index("ix_performance_planned", "planned_at"),
        sa.Index(
            "ix_performance_open",
            "planned_at",
            sqlite_where=sa.text("state IN ('planned', 'running')"),
            postgresql_where=sa.text("state IN ('planned', 'running')"),
        ),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(32), unique=True)
    unit_id: Mapped[int] = mapped_column(sa.ForeignKey("unit.id"))
    card_version_id: Mapped[int] = mapped_column(sa.ForeignKey("content_version.id"))
    card_key: Mapped[str] = mapped_column(sa.String(100))
    drill: Mapped[str] = mapped_column(sa.String(40))
    state: Mapped[PerformanceState] = mapped_column(enum_column(PerformanceState))
    planned_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    performing_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    led_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]


class PerformancePart(db.Model):
    """Who played which part (learner, customer, observer …)."""

    __tablename__ = "performance_part"
    __table_args__ = (sa.Index("ix_performance_part_person", "person_id"),)

    performance_id: Mapped[int] = mapped_column(sa.ForeignKey("performance.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"), primary_key=True)
    part: Mapped[str] = mapped_column(sa.String(30))


class ScoreSheet(db.Model):
    """One rater's sheet about one person; the result columns are the fold of its marks at the lock."""

    __tablename__ = "score_sheet"
    __table_args__ = (
        sa.UniqueConstraint("performance_id", "about_id", "rater_id"),
        sa.Index("ix_score_sheet_rater", "rater_id", "state"),
        sa.Index("ix_score_sheet_about", "about_id"),
        sa.Index(
            "ix_score_sheet_open",
            "performance_id",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.CheckConstraint("about_id <> rater_id", name="not_oneself"),
        sa.CheckConstraint("(state = 'locked') = (locked_at IS NOT NULL)", name="locked_at_when_locked"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    public_id: Mapped[str] = mapped_column(sa.String(32), unique=True)
    performance_id: Mapped[int] = mapped_column(sa.ForeignKey("performance.id"))
    about_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    rater_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    kind: Mapped[str] = mapped_column(sa.String(20))
    scoring_sheet_version_id: Mapped[int] = mapped_column(sa.ForeignKey("content_version.id"))
    state: Mapped[SheetState] = mapped_column(enum_column(SheetState))
    created_at: Mapped[datetime]
    locked_at: Mapped[datetime | None]
    score: Mapped[str | None] = mapped_column(sa.String(40))
    global_grade: Mapped[int | None]
    passed: Mapped[bool | None]
    result: Mapped[dict[str, Any] | None] = mapped_column(sa.JSON)


class MarkEvent(db.Model):
    """One touch of a rater: a mark, an undo, a comment, a critical failure, the lock.

    `client` and `seq` name it; a repeat is harmless. Words stand in the payload. `effective_at` is the client's time,
    `recorded_at` the server's.
    """

    __tablename__ = "mark_event"
    __table_args__ = (
        sa.UniqueConstraint("sheet_id", "client", "seq"),
        {"info": {APPEND_ONLY: True}},
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    sheet_id: Mapped[int] = mapped_column(sa.ForeignKey("score_sheet.id"))
    client: Mapped[str] = mapped_column(sa.String(40))
    seq: Mapped[int]
    kind: Mapped[str] = mapped_column(sa.String(20))
    criterion: Mapped[str] = mapped_column(sa.String(100))
    value: Mapped[int | None]
    actor_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    idem: Mapped[str] = mapped_column(sa.String(200), unique=True)
    effective_at: Mapped[datetime]
    recorded_at: Mapped[datetime]
    payload_id: Mapped[int | None] = mapped_column(sa.ForeignKey("payload.id"))
    payload_digest: Mapped[str | None] = mapped_column(sa.String(64))


class ImprovementPlan(db.Model):
    """A learner's plan after one role-play; `version` counts what was handed in, `saves` the drafts kept by the server.

    `due_on`: by when it is asked for, None where the learner writes it unasked. `draft` holds what is being written;
    what was handed in stands in its events.
    """

    __tablename__ = "improvement_plan"
    __table_args__ = (
        sa.UniqueConstraint("performance_id", "person_id"),
        sa.Index("ix_improvement_plan_person", "person_id"),
        sa.Index(
            "ix_improvement_plan_open",
            "handed_in_at",
            sqlite_where=sa.text("state = 'handed_in'"),
            postgresql_where=sa.text("state = 'handed_in'"),
        ),
        sa.Index(
            "ix_improvement_plan_due",
            "due_on",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        ),
        sa.CheckConstraint("version >= 0 AND saves >= 0", name="counts"),
        sa.CheckConstraint("state = 'open' OR version > 0", name="handed_in_once"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    performance_id: Mapped[int] = mapped_column(sa.ForeignKey("performance.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    state: Mapped[PlanState] = mapped_column(enum_column(PlanState))
    version: Mapped[int]
    saves: Mapped[int]
    due_on: Mapped[date | None]
    created_at: Mapped[datetime]
    saved_at: Mapped[datetime | None]
    handed_in_at: Mapped[datetime | None]
    draft: Mapped[list[Any] | None]


class ImprovementEvent(EventColumns, db.Model):
    """A version handed in, sent back or approved; `goals` are criteria and days, the words stand in the payload."""

    __tablename__ = "improvement_event"
    __table_args__ = (
        sa.Index("ix_improvement_event_plan", "plan_id"),
        sa.Index("ix_improvement_event_person", "person_id", "seq"),
        {"info": {APPEND_ONLY: True}},
    )

    plan_id: Mapped[int] = mapped_column(sa.ForeignKey("improvement_plan.id"))
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    version: Mapped[int]
    move: Mapped[PlanMove] = mapped_column(enum_column(PlanMove))
    goals: Mapped[list[Any]]
