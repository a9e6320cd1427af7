"""Titles of roles and names of units, for pages that show who holds what where."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.content import queries as content
from training_app.web import unit_word


def role_titles(session: Session, on: date) -> dict[str, Mapping[str, str]]:
    """Return the title of every role in force, by key."""
    return {key: version.body["title"] for key, version in content.current(session, "role", on).items()}


def unit_names(session: Session, on: date) -> dict[int, str]:
    """Return the name of every unit of a day, in the reader's language."""
    return {row.unit_id: unit_word(row.name, row.name_latin) for row in accounts.units(session, on)}
