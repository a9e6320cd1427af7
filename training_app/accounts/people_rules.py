"""What may stand in a person's record: contact details, days, and the tree of units."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from enum import StrEnum

_PHONE = re.compile(r"\+?[0-9][0-9 ()-]{4,28}[0-9]")
_EMAIL = re.compile(r"""[^@\s,;:<>()\[\]\\"]{1,64}@[^@\s,;:<>()\[\]\\".]+(\.[^@\s,;:<>()\[\]\\".]+)+""")
NAME_MAX = 100
AHEAD = timedelta(days=366)


class Fault(StrEnum):
    """Why a contact detail is refused."""

    PHONE = "phone"
    EMAIL = "email"
    LATIN = "latin"


def is_phone(text: str) -> bool:
    """Tell whether `text` can be dialled: 6 to 30 digits, spaces, brackets, hyphens, a plus in front."""
    return _PHONE.fullmatch(text) is not None


def is_email(text: str) -> bool:
    """Tell whether `text` has the form of an address; whether it is reached shows the first mail."""
    if "=?" in text:  # the beginning of an encoded word: it could be read as another address
        return False
    return len(text) <= 200 and text.isprintable() and _EMAIL.fullmatch(text) is not None


def contact_fault(column: str, value: str | None) -> Fault | None:
    """Return why a value cannot stand in `column` (name_latin, phone, email); empty always can."""
    if not value:
        return None
    if column == "phone" and not is_phone(value):
        return Fault.PHONE
    if column == "email" and not is_email(value):
        return Fault.EMAIL
    return Fault.LATIN if column == "name_latin" and len(value) > NAME_MAX else None


def below(parents: Mapping[int, int | None], top: int) -> frozenset[int]:
    """Return a unit and all units below it; `parents`: unit -> the unit above it, None at the root."""
    children: dict[int, list[int]] = {}
    for unit, parent in parents.items():
        if parent is not None:
            children.setdefault(parent, []).append(unit)
    found, left = {top}, [top]
    while left:
        new = [child for child in children.get(left.pop(), []) if child not in found]
        found.update(new)
        left += new
    return frozenset(found)


def topmost(parents: Mapping[int, int | None], units: Iterable[int]) -> frozenset[int]:
    """Return those units that stand below none of the others, so that nobody is counted twice."""
    wanted = frozenset(units)
    return frozenset(unit for unit in wanted if not wanted & (frozenset(above(parents, unit)) - {unit}))


def above(parents: Mapping[int, int | None], unit: int) -> list[int]:
    """Return a unit and all units above it, nearest first."""
    chain: list[int] = []
    at: int | None = unit
    while at is not None and at not in chain:
        chain.append(at)
        at = parents.get(at)
    return chain


def makes_a_circle(parents: Mapping[int, int | None], unit: int, parent: int) -> bool:
    """Tell whether a unit would stand below itself."""
    return parent in below(parents, unit)


def roots(parents: Mapping[int, int | None]) -> frozenset[int]:
    """Return the units without a unit above them."""
    return frozenset(unit for unit, parent in parents.items() if parent is None)


def is_day_possible(day: date, *, since: date | None, today: date) -> bool:
    """Tell whether a move may take effect on `day`: not before the present assignment, at most a year ahead."""
    return (since is None or day >= since) and day <= today + AHEAD
