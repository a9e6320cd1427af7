"""What a file of units would change: pure, like that of people.

A unit not in the file stays: the product closes no units. Parents are named by number, also units of the same file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from training_app.accounts.rules import UnitType
from training_app.roster.rules import Fault, Line, LineKind, Row, Why, number_of

COLUMNS = ("number", "name", "name_latin", "type", "stars", "parent_number")
NEEDED = ("name", "type")
MOST_ROWS = 5_000
NAME_MAX = 200
MOST_STARS = 5
_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}")


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A unit as it stands; `parent_number` None at the top."""

    number: str
    name: str
    type: str
    name_latin: str | None = None
    stars: int = 0
    parent_number: str | None = None


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Under what a file is read. `types`: how a type may be named, lower case -> its key."""

    erases: bool = False
    types: Mapping[str, str] = field(default_factory=lambda: {one.value: one.value for one in UnitType})


def plan(units: Mapping[str, Unit], rows: Iterable[Row], terms: Terms) -> list[Line]:
    """Return what the file would change: a line per row. `units`: all there are, by number."""
    found = list(rows)
    places: dict[str, list[int]] = defaultdict(list)
    for row in found:
        places[number_of(row)].append(row.no)
    known = units.keys() | places.keys()
    lines = [_line(row, units.get(number_of(row)), places[number_of(row)], known, terms) for row in found]
    circle = _in_circles(units, lines)
    return [_circular(line) if line.number in circle and line.kind is not LineKind.FAULTY else line for line in lines]


def _line(row: Row, unit: Unit | None, places: Sequence[int], known: Iterable[str], terms: Terms) -> Line:
    number = number_of(row)
    if not number:
        return _faulty(row, Fault(column="number", why=Why.MISSING))
    if not _NUMBER.fullmatch(number):
        return _faulty(row, Fault(column="number", why=Why.UNIT_NUMBER, value=number))
    if len(places) > 1:
        others = ", ".join(str(no) for no in places if no != row.no)
        return _faulty(row, Fault(column="number", why=Why.TWICE, value=number, about=others))
    values: dict[str, str | None] = {}
    faults: list[Fault] = []
    for column in COLUMNS[1:]:
        text = row.cells.get(column)
        if text:
            value, fault = _cell(column, text, frozenset(known), terms)
            if fault is None:
                values[column] = value
            else:
                faults.append(fault)
        elif (column in NEEDED and (unit is None or (terms.erases and text is not None))) or (
            column == "parent_number" and unit is None
        ):
            faults.append(Fault(column=column, why=Why.MISSING))
        elif text is not None and terms.erases and column in ("name_latin", "stars") and unit is not None:
            values[column] = None if column == "name_latin" else "0"
    if unit is not None and unit.parent_number is None and values.get("parent_number"):
        faults.append(Fault(column="parent_number", why=Why.ROOT, value=str(values["parent_number"])))
    if faults:
        return _faulty(row, *faults)
    if unit is None:
        return Line(row=row.no, number=number, kind=LineKind.NEW, then={"stars": "0", **values})
    then = {column: value for column, value in values.items() if _now(unit, column) != value}
    if not then:
        return Line(row=row.no, number=number, kind=LineKind.SAME)
    kind = LineKind.MOVED if "parent_number" in then else LineKind.CHANGED
    return Line(row=row.no, number=number, kind=kind, now={c: _now(unit, c) for c in then}, then=then)


def _now(unit: Unit, column: str) -> str | None:
    value = getattr(unit, column)
    return None if value is None else str(value)


def _cell(column: str, text: str, known: frozenset[str], terms: Terms) -> tuple[str, Fault | None]:
    def wrong(why: Why, about: str = "") -> tuple[str, Fault]:
        return text, Fault(column=column, why=why, value=text, about=about)

    if column in ("name", "name_latin"):
        return wrong(Why.LONG, str(NAME_MAX)) if len(text) > NAME_MAX else (text, None)
    if column == "type":
        kind = terms.types.get(text.lower())
        return wrong(Why.UNIT_TYPE) if kind is None else (kind, None)
    if column == "stars":
        is_stars = text.isascii() and text.isdecimal() and int(text[:3]) <= MOST_STARS
        return (str(int(text)), None) if is_stars else wrong(Why.STARS)
    return (text.upper(), None) if text.upper() in known else wrong(Why.PARENT)


def _faulty(row: Row, *faults: Fault) -> Line:
    return Line(row=row.no, number=number_of(row), kind=LineKind.FAULTY, faults=tuple(sorted(faults)))


def _circular(line: Line) -> Line:
    fault = Fault(column="parent_number", why=Why.CIRCLE, value=str(line.then.get("parent_number") or ""))
    return Line(row=line.row, number=line.number, kind=LineKind.FAULTY, faults=(fault,))


def _in_circles(units: Mapping[str, Unit], lines: Iterable[Line]) -> set[str]:
    """Return the numbers whose way up would come back to them."""
    parents = {number: unit.parent_number for number, unit in units.items()}
    moved = {}
    for line in lines:
        if line.then.get("parent_number"):
            moved[line.number] = line.then["parent_number"]
    parents |= moved
    found = set()
    for number in moved:
        at, seen = parents.get(number), {number}
        while at is not None and at not in seen:
            seen.add(at)
            at = parents.get(at)
        if at == number:
            found.add(number)
    return found
