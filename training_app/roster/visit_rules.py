"""What a file of visits would record: pure, like that of people.

The months that a file names are replaced, for every unit within reach: what stands there now and is not in the file
goes, and is shown as going. In a month a unit is counted either whole or person by person, so that nothing counts
twice.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from training_app.roster.cell_rules import parse_day
from training_app.roster.rules import Fault, Line, LineKind, Row, Why

COLUMNS = ("month", "unit_number", "employee_number", "reporter_number", "visits")
NEEDED = ("visits",)
MOST_VISITS = 1_000_000
EARLIEST = date(2000, 1, 1)
_MONTH = re.compile(r"(\d{4})\s*[-/.年]?\s*(\d{1,2})\s*月?")
_COUNT = re.compile(r"\d{1,3}([,，]\d{3})+|\d+")

Key = tuple[str, str, str, str]  # month, unit, employee, reporter


@dataclass(frozen=True, kw_only=True)
class Worker:
    """Somebody within reach: the unit numbers of the main places, each (from, to or None, unit)."""

    number: str
    places: Sequence[tuple[date, date | None, str]] = ()


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Under what a file is read. `units`: those within reach; `reporters`: numbers that somebody has.

    `recorded`: what stands for the months of the file and these units.
    """

    today: date
    units: frozenset[str]
    workers: Mapping[str, Worker] = field(default_factory=dict)
    reporters: frozenset[str] = frozenset()
    recorded: Mapping[Key, int] = field(default_factory=dict)


def parse_month(text: str) -> date | None:
    """Return the first day of a month: 2026-03, 2026/3, 2026年3月, 202603, or any day of it."""
    found = _MONTH.fullmatch(text.strip())
    if found and 1 <= int(found[2]) <= 12 and int(found[1]):
        return date(int(found[1]), int(found[2]), 1)
    day = parse_day(text.strip())
    return day.replace(day=1) if day else None


def parse_count(text: str) -> int | None:
    """Return a number of visits: digits, with commas between thousands or without."""
    if not text.isascii() and "，" not in text:
        return None
    count = int(re.sub("[,，]", "", text)) if _COUNT.fullmatch(text) and len(text) < 12 else None
    return count if count is not None and count <= MOST_VISITS else None


def plan(rows: Iterable[Row], terms: Terms) -> list[Line]:
    """Return what the file would record: a line per row, then one for everything that would no longer stand."""
    found = list(rows)
    keys = [_key(row, terms) for row in found]
    places: dict[Key, list[int]] = defaultdict(list)
    whole: dict[tuple[str, str], list[int]] = defaultdict(list)
    single: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, key in zip(found, keys, strict=True):
        places[key].append(row.no)
        (single if key[2] else whole)[key[:2]].append(row.no)
    lines = [
        _line(row, key, [*places[key]], (whole if key[2] else single)[key[:2]], terms)
        for row, key in zip(found, keys, strict=True)
    ]
    gone = sorted(set(terms.recorded) - set(keys))
    return lines + [_gone(key, terms.recorded[key]) for key in gone]


def _key(row: Row, terms: Terms) -> Key:
    month = parse_month(row.cells.get("month", ""))
    employee, unit = row.cells.get("employee_number", "").upper(), row.cells.get("unit_number", "").upper()
    if employee and month and employee in terms.workers:
        unit = place_in(terms.workers[employee], month).upper() or unit
    return month.isoformat()[:7] if month else "", unit, employee, row.cells.get("reporter_number", "").upper()


def place_in(worker: Worker, month: date) -> str:
    """Return the unit in which somebody worked last in a month; "" where there was none."""
    end = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    held = [one for one in worker.places if one[0] < end and (one[1] is None or one[1] > month)]
    return held[-1][2] if held else ""


def name_of(key: Key) -> str:
    """Return how a line of a month, unit and person is called."""
    return " ".join(part for part in key if part)[:60]


def _line(row: Row, key: Key, places: Sequence[int], others: Sequence[int], terms: Terms) -> Line:
    faults = _faults(row, key, places, others, terms)
    visits = parse_count(row.cells.get("visits", ""))
    if faults or visits is None:
        return Line(row=row.no, number=name_of(key), kind=LineKind.FAULTY, faults=tuple(sorted(faults)))
    before = terms.recorded.get(key)
    if before == visits:
        return Line(row=row.no, number=name_of(key), kind=LineKind.SAME, then=_said(key, visits))
    now: dict[str, str | None] = {} if before is None else {"visits": str(before)}
    kind = LineKind.NEW if before is None else LineKind.CHANGED
    return Line(row=row.no, number=name_of(key), kind=kind, now=now, then=_said(key, visits))


def _gone(key: Key, visits: int) -> Line:
    return Line(row=None, number=name_of(key), kind=LineKind.LEAVING, now=_said(key, visits))


def _said(key: Key, visits: int) -> dict[str, str | None]:
    columns = dict(zip(COLUMNS, key, strict=False))
    return {**{column: text for column, text in columns.items() if text}, "visits": str(visits)}


def _faults(row: Row, key: Key, places: Sequence[int], others: Sequence[int], terms: Terms) -> list[Fault]:
    faults = _month_faults(row, terms)
    employee, unit, reporter = (row.cells.get(c, "") for c in ("employee_number", "unit_number", "reporter_number"))
    if not employee and not unit:
        faults.append(Fault(column="unit_number", why=Why.WHOSE_MISSING))
    elif employee and not _is_reached(employee.upper(), _month(key) if key[0] else None, terms):
        faults.append(Fault(column="employee_number", why=Why.NOBODY, value=employee))
    elif employee and not faults:
        place = place_in(terms.workers[employee.upper()], _month(key))
        if not place:
            faults.append(Fault(column="employee_number", why=Why.NO_PLACE, value=employee, about=key[0]))
        elif unit and unit.upper() != place.upper():
            faults.append(Fault(column="unit_number", why=Why.OTHER_UNIT, value=unit, about=place))
    elif unit and unit.upper() not in terms.units:
        faults.append(Fault(column="unit_number", why=Why.UNIT, value=unit))
    if reporter and reporter.upper() not in terms.reporters:
        faults.append(Fault(column="reporter_number", why=Why.NOBODY, value=reporter))
    text = row.cells.get("visits", "")
    if not text:
        faults.append(Fault(column="visits", why=Why.MISSING))
    elif parse_count(text) is None:
        faults.append(Fault(column="visits", why=Why.COUNT, value=text))
    if not faults and len(places) > 1:
        faults.append(Fault(column="visits", why=Why.COUNT_TWICE, about=_but(places, row.no)))
    if not faults and others:
        faults.append(Fault(column="employee_number", why=Why.MIXED, about=_but(others, row.no)))
    return faults


def _is_reached(employee: str, month: date | None, terms: Terms) -> bool:
    """Tell whether somebody is to be known of: they work within reach, in the month where they work then at all."""
    worker = terms.workers.get(employee)
    if worker is None:
        return False
    place = place_in(worker, month) if month else ""
    places = [place] if place else [unit for _begins, _ends, unit in worker.places]
    return any(unit.upper() in terms.units for unit in places)


def _month(key: Key) -> date:
    return date.fromisoformat(f"{key[0]}-01")


def _month_faults(row: Row, terms: Terms) -> list[Fault]:
    text = row.cells.get("month", "")
    if not text:
        return [Fault(column="month", why=Why.MISSING)]
    month = parse_month(text)
    if month is None or month < EARLIEST:
        return [Fault(column="month", why=Why.MONTH, value=text)]
    if month > terms.today:
        return [Fault(column="month", why=Why.MONTH_TO_COME, value=text)]
    return []


def _but(places: Sequence[int], no: int) -> str:
    return ", ".join([str(one) for one in places if one != no][:10])
