"""What can be chosen in a plan: people, scenario cards, units."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from sqlalchemy.orm import Session

from training_app.access.queries import in_reach
from training_app.access.rules import units_of
from training_app.accounts import queries as accounts
from training_app.accounts.models import PersonProfile
from training_app.content import queries as content
from training_app.content.queries import Version
from training_app.roleplay.models import Performance, PerformancePart
from training_app.roleplay.queries import GRADE, Grants


def find_people(
    session: Session, public_id: str, text: str, grants: Grants, *, on: date, limit: int = 20
) -> list[accounts.PersonCard]:
    """Return people in reach by prefix of name, pinyin or number who have no part in this session yet."""
    taken = (
        sa.select(PerformancePart.person_id)
        .join(Performance, Performance.id == PerformancePart.performance_id)
        .where(Performance.public_id == public_id)
    )
    found = session.scalars(
        sa.select(PersonProfile.person_id)
        .where(
            in_reach(PersonProfile.person_id, grants, GRADE),
            accounts.matches(text),
            PersonProfile.person_id.not_in(taken),
        )
        .order_by(PersonProfile.sort_key)
        .limit(limit)
    ).all()
    by_id = accounts.cards(session, found, on)
    return [by_id[person_id] for person_id in found if person_id in by_id]


def cards_in_force(session: Session, on: date) -> list[Version]:
    """Return the scenario cards that can be planned, by drill and key."""
    cards = content.current(session, "scenario_card", on).values()
    return sorted(cards, key=lambda card: (card.body["drill"], card.key))


def units_in_reach(session: Session, grants: Grants, on: date) -> list[accounts.UnitRow]:
    """Return the units at which grading is held, and all below them."""
    units = accounts.units(session, on)
    held = units_of(grants, GRADE)
    if held is None:
        return units
    parents = {unit.unit_id: unit.parent_id for unit in units}

    def is_below(unit_id: int | None) -> bool:
        seen: set[int] = set()
        while unit_id is not None and unit_id not in seen:
            if unit_id in held:
                return True
            seen.add(unit_id)
            unit_id = parents.get(unit_id)
        return False

    return [unit for unit in units if is_below(unit.unit_id)]
