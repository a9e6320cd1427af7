"""Units side by side: those right below one, each with everything below it, as far as somebody's rights reach."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from training_app.access.rules import Grant
from training_app.accounts import people_queries as registry
from training_app.accounts import queries as accounts
from training_app.accounts.people_rules import above, below, topmost
from training_app.accounts.queries import UnitRow


@dataclass(frozen=True, kw_only=True)
class Groups:
    """What is compared. `top`: the unit whose parts these are, None where there are several at the top.

    `members`: unit -> the group that it belongs to; `path`: from the top of the reach down to `top`.
    """

    top: UnitRow | None
    rows: Sequence[UnitRow]
    members: Mapping[int, int]
    path: Sequence[UnitRow]
    has_parts: Collection[int]

    @property
    def units(self) -> list[int]:
        """Every unit that belongs to a group."""
        return sorted(self.members)


def groups(
    session: Session, grants: tuple[Grant, ...], permissions: Collection[str], on: date, unit_id: int | None
) -> Groups | None:
    """Return the parts of a unit, of the whole reach where none is named; None out of reach. One read."""
    every = accounts.units(session, on)
    inside: dict[int, UnitRow] = {}
    for permission in permissions:
        inside |= {row.unit_id: row for row in registry.units_in_reach(every, grants, permission)}
    if not inside or (unit_id is not None and unit_id not in inside):
        return None
    parents = {row.unit_id: row.parent_id if row.parent_id in inside else None for row in inside.values()}
    tops = topmost(parents, parents)
    if unit_id is None and len(tops) == 1:
        (unit_id,) = tops
    chosen = _parts(parents, unit_id) if unit_id is not None else sorted(tops)
    members: dict[int, int] = {}
    for one in chosen:
        members |= dict.fromkeys({one} if one == unit_id else below(parents, one), one)
    path = [] if unit_id is None else [inside[one] for one in reversed(above(parents, unit_id)) if one in inside]
    found = sorted((inside[one] for one in chosen), key=lambda row: row.number)
    return Groups(
        top=inside[unit_id] if unit_id is not None else None, rows=found, members=members, path=path,
        has_parts={parent for parent in parents.values() if parent is not None},
    )  # fmt: skip


def every_unit(session: Session, on: date) -> list[UnitRow]:
    """Return every unit of a day."""
    return accounts.units(session, on)


def _parts(parents: Mapping[int, int | None], unit_id: int) -> list[int]:
    """Return the units right below one, and itself for who works right in it."""
    return [unit_id, *(one for one, parent in parents.items() if parent == unit_id)]
