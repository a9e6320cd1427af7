"""Imports of people or units: the file, its two switches, and a line for everybody it speaks of."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from training_app.db import Key, SortKey, db, enum_column
from training_app.roster.rules import LineKind
from training_app.roster.state_rules import RosterState


class Roster(db.Model):
    """One import. `digest` binds the preview that was seen; `through`: how far the work behind `state` has come.

    `source`: where the complaints of the file come from; `reason`: why it was taken back, where that is asked for.
    The file and the words of its lines go (`cleared_at`) when the time for undoing is over.
    """

    __tablename__ = "roster"
    __table_args__ = (sa.Index("ix_roster_kind", "kind", "id"),)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    kind: Mapped[str] = mapped_column(sa.String(10))
    state: Mapped[RosterState] = mapped_column(enum_column(RosterState))
    file_name: Mapped[str] = mapped_column(sa.String(200))
    sha256: Mapped[str | None] = mapped_column(sa.ForeignKey("blob.sha256"))
    erases: Mapped[bool]
    is_all: Mapped[bool]
    unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("unit.id"))
    columns: Mapped[list[Any]]
    ignored: Mapped[list[Any]]
    figures: Mapped[dict[str, Any]]
    problem: Mapped[str | None] = mapped_column(sa.String(60))
    about: Mapped[str | None] = mapped_column(sa.String(200))
    digest: Mapped[str | None] = mapped_column(sa.String(64))
    through: Mapped[int] = mapped_column(sa.BigInteger, default=0)
    rounds: Mapped[int] = mapped_column(default=0)
    created_by: Mapped[int] = mapped_column(sa.ForeignKey("person.id"))
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime | None]
    applied_at: Mapped[datetime | None]
    applied_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    undone_at: Mapped[datetime | None]
    undone_by: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    cleared_at: Mapped[datetime | None]
    source: Mapped[str | None] = mapped_column(sa.String(60))
    reason: Mapped[str | None] = mapped_column(sa.Text)


class RosterLine(db.Model):
    """What becomes of one person or unit: cells as given, values now and then, and the columns that the switch reads.

    `places`: a new main place begins on `since`. `since_left`: when who comes back had left. `edits`: the record
    changes. `rescopes`: the scope rows are written anew. `head_seq`: how far the person's audit stream went right after
    the import; an undo looks at what followed.
    """

    __tablename__ = "roster_line"
    __table_args__ = (
        sa.Index("ix_roster_line_kind", "roster_id", "kind", "id"),
        sa.Index("ix_roster_line_person", "person_id"),
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    roster_id: Mapped[int] = mapped_column(sa.ForeignKey("roster.id"))
    row: Mapped[int | None]
    kind: Mapped[LineKind] = mapped_column(enum_column(LineKind))
    number: Mapped[str] = mapped_column(sa.String(60))
    person_id: Mapped[int | None] = mapped_column(sa.ForeignKey("person.id"))
    cells: Mapped[dict[str, Any]]
    now: Mapped[dict[str, Any]]
    then: Mapped[dict[str, Any]]
    faults: Mapped[list[Any]]
    name: Mapped[str | None] = mapped_column(sa.String(100))
    name_latin: Mapped[str | None] = mapped_column(sa.String(100))
    sort_key: Mapped[str | None] = mapped_column(SortKey)
    phone: Mapped[str | None] = mapped_column(sa.String(40))
    email: Mapped[str | None] = mapped_column(sa.String(200))
    language: Mapped[str | None] = mapped_column(sa.String(10))
    unit_id: Mapped[int | None] = mapped_column(sa.ForeignKey("unit.id"))
    employer: Mapped[str | None] = mapped_column(sa.String(200))
    since: Mapped[date | None]
    since_left: Mapped[date | None]
    places: Mapped[bool] = mapped_column(default=False)
    edits: Mapped[bool] = mapped_column(default=False)
    rescopes: Mapped[bool] = mapped_column(default=False)
    head_seq: Mapped[int | None]
