"""The tree of units as a file of units is held against it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy.orm import Session

from training_app.accounts import queries as accounts
from training_app.roster import unit_rules, wording
from training_app.roster.people_queries import Draft
from training_app.roster.rules import Row


def draft(session: Session, rows: Sequence[Row], *, erases: bool, on: date) -> list[Draft]:
    """Return what a file would change in the tree of a day; one read."""
    found = accounts.units(session, on)
    numbers = {row.unit_id: row.number for row in found}
    units = {
        row.number: unit_rules.Unit(
            number=row.number, name=row.name, name_latin=row.name_latin, type=row.type.value, stars=row.stars,
            parent_number=numbers.get(row.parent_id) if row.parent_id else None,
        )
        for row in found
    }  # fmt: skip
    cells = {row.no: dict(row.cells) for row in rows}
    terms = unit_rules.Terms(erases=erases, types=wording.type_names())
    return [
        Draft(line=line, cells=cells.get(line.row, {}) if line.row else {})
        for line in unit_rules.plan(units, rows, terms)
    ]
