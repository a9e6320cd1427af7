"""Drafts of policies and tariffs, what was done with them, and what is recorded beside a version."""

from __future__ import annotations

from datetime import date, datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import APPEND_ONLY, Key, db, enum_column
from training_app.policies.rules import DraftMove, DraftState, RecordKind


class PolicyDraft(db.Model):
    """A version being written. `body` is canonical JSON as its checker reads it; `saves` counts what was changed in it.

    `changed_at` is when its body last changed: what was found out about it before (a what-if) is out of date.
    """

    __tablename__ = "policy_draft"
    __table_args__ = (
        sa.Index("ix_policy_draft_key", "kind", "key"),
        sa.CheckConstraint("saves >= 0", name="saves_counted"),
        sa.CheckConstraint("(state = 'published') = (version_id IS NOT NULL)", name="published_is_a_version"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(30))
    key: Mapped[str] = mapped_column(sa.String(100))
    base_version_id: Mapped[int] = mapped_column(sa.ForeignKey("content_version.id"))
    version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("content_version.id"), unique=True)
    state: Mapped[DraftState] = mapped_column(enum_column(DraftState))
    body: Mapped[str] = mapped_column(sa.Text)
    saves: Mapped[int]
    created_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]
    simulation_id: Mapped[int | None] = mapped_column(sa.BigInteger)  # a simulation is forgotten in time, a draft not
    simulated_saves: Mapped[int | None]
    changed_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    changed_at: Mapped[datetime]


class PolicyStep(db.Model):
    """Something that was done with a draft: by whom, when, with which words; never changes."""

    __tablename__ = "policy_step"
    __table_args__ = (sa.Index("ix_policy_step_draft", "draft_id"), {"info": {APPEND_ONLY: True}})

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    draft_id: Mapped[int] = mapped_column(sa.ForeignKey("policy_draft.id"))
    move: Mapped[DraftMove] = mapped_column(enum_column(DraftMove))
    section: Mapped[str] = mapped_column(sa.String(30))
    words: Mapped[str] = mapped_column(sa.Text)
    person_id: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    at: Mapped[datetime]


class PolicyRecord(db.Model):
    """A consultation, an announcement or an adoption, beside a draft or the version it became.

    `who`: the body that was asked, where it was announced, or the company that adopted it, as it is registered. A
    record that was wrong is taken back, and stays.
    """

    __tablename__ = "policy_record"
    __table_args__ = (
        sa.Index("ix_policy_record_draft", "draft_id"),
        sa.Index("ix_policy_record_version", "version_id"),
        sa.CheckConstraint("(draft_id IS NULL) <> (version_id IS NULL)", name="draft_or_version"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    draft_id: Mapped[int | None] = mapped_column(sa.ForeignKey("policy_draft.id"))
    version_id: Mapped[int | None] = mapped_column(sa.ForeignKey("content_version.id"))
    kind: Mapped[RecordKind] = mapped_column(enum_column(RecordKind))
    on_day: Mapped[date]
    who: Mapped[str] = mapped_column(sa.String(200))
    result: Mapped[str] = mapped_column(sa.Text)
    token: Mapped[str] = mapped_column(sa.String(60), unique=True)
    recorded_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    recorded_at: Mapped[datetime]
    taken_back_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    taken_back_at: Mapped[datetime | None]
