"""Titles of roles and names of units, for pages that show who holds what where."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.content import queries as content


def role_titles(session: Session, on: date) -> dict[str, Mapping[str, str]]:
    """Return the title of every role in force, by key."""
    return {key: version.body["title"] for key, version in content.current(session, "role", on).items()}


def unit_names(session: Session, on: date) -> dict[int, str]:
    """Return the name of every unit of a day."""
    return {row.unit_id: row.name for row in accounts.units(session, on)}
