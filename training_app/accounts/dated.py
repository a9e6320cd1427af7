"""Ending a dated fact without losing what was known before: its row is superseded by one with an end."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from training_app.db import Base

Row = TypeVar("Row", bound=Base)  # of a dated table: valid_from, valid_to, recorded_at, superseded_at
_NEW = frozenset({"id", "valid_to", "recorded_at", "superseded_at", "superseded_by"})


def end_rows(session: Session, table: type[Row], *which: ColumnElement[bool], on: date, now: datetime) -> list[Row]:
    """End the rows that hold on a day or later; return them as they were, superseded.

    What was known until `now` stays readable (recorded_at <= T < superseded_at). A row that would only have begun on
    that day or later was a slip, or has not come to pass: nothing takes its place.
    """
    dated: Any = table
    rows: list[Any] = list(
        session.scalars(
            sa.select(dated)
            .where(*which, dated.superseded_at.is_(None), sa.or_(dated.valid_to.is_(None), dated.valid_to > on))
            .with_for_update()
        )
    )
    for row in rows:
        row.superseded_at = now
    session.flush()  # before what takes their place: one row may be open at a time
    session.add_all(_ended(table, row, on, now) for row in rows if row.valid_from < on)
    session.flush()
    return rows


def _ended(table: type[Row], row: Row, on: date, now: datetime) -> Row:
    kept: dict[str, Any] = {c.key: getattr(row, c.key) for c in sa.inspect(table).column_attrs if c.key not in _NEW}
    return table(**kept, valid_to=on, recorded_at=now)
