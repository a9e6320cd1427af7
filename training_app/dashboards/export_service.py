"""The list of people as a file that a spreadsheet opens safely and that can be read back.

UTF-8 with a mark at its start, commas, CRLF. One header row: each head is the reader's word followed by the stable
name of the column in brackets ("工号 [number]"), so that people read it and a program finds it in either language.
Cells at which a spreadsheet would start to calculate, or whose digits it would change, carry an apostrophe
(`csv_rules`). Read back, also as a spreadsheet saved it in GBK, three columns are taken: name_latin, phone, email; all
others are for reading.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from training_app.access import queries as access
from training_app.access.rules import Grant, Permission
from training_app.accounts import people_queries, people_service
from training_app.accounts.people_rules import contact_fault
from training_app.accounts.queries import UnitRow
from training_app.audit import service as audit
from training_app.calendar.rules import last_day
from training_app.dashboards import people_queries as lists
from training_app.dashboards.csv_rules import BOM, column_of, header, neutralise, restore, text_of
from training_app.dashboards.people_queries import PersonRow, Stale
from training_app.dashboards.people_rules import Filters, PageKey
from training_app.db import transaction
from training_app.storage.glyphs import missing_glyphs, name_glyph

COLUMNS = (
    "number", "name", "name_latin", "unit_number", "unit", "employer", "state", "state_code", "level", "level_until",
    "permit_number", "permit_until", "points_left", "points_deducted", "open_cases", "phone", "email", "language",
)  # fmt: skip
CHUNK = 500
MOST_BYTES = 1_000_000
MOST_ROWS = 20_000


@dataclass(frozen=True, kw_only=True)
class Words:
    """The words of the reader's language: heads of the columns, states by code, levels by key.

    `named` chooses between the two names of a unit or company.
    """

    heads: Mapping[str, str]
    states: Mapping[str, str]
    levels: Mapping[str, str]
    named: Callable[[str | None, str | None], str]


def note_export(filters: Filters, count: int, *, now: datetime, actor_id: int) -> None:
    """Write down who takes how many people out of the system, and by which filters."""
    with transaction():
        audit.record(
            "people.exported", "people", now=now, actor_id=actor_id,
            # Words of a search could be a name: they stay out of the chain.
            facts={"count": count, "filters": sorted(filters.query()), "unit": filters.unit, "state": filters.state},
        )  # fmt: skip


def write_file(
    session: Session, tops: frozenset[int], filters: Filters, words: Words, now: datetime, stale: Stale,
    units: Mapping[int, UnitRow],
) -> Iterator[str]:  # fmt: skip
    """Yield the file in portions, page by page, so that ten thousand people take no more memory than a few hundred."""
    yield BOM + _line([header(words.heads[column], column) for column in COLUMNS])
    key: PageKey | None = None
    while True:
        found = lists.page(session, tops, filters, key, now, stale, units, size=CHUNK)
        yield "".join(_line(_cells(row, words)) for row in found.rows)
        if found.after is None:
            return
        key = found.after


def _line(cells: Sequence[str]) -> str:
    out = io.StringIO(newline="")
    csv.writer(out).writerow([neutralise(cell) for cell in cells])
    return out.getvalue()


def _cells(row: PersonRow, words: Words) -> list[str]:
    limit = row.points_limit
    values: dict[str, object] = {
        "number": row.number, "name": row.name, "name_latin": row.name_latin, "unit_number": row.unit_number,
        "unit": words.named(row.unit_name, row.unit_latin),
        "employer": words.named(row.employer, row.employer_latin), "state": words.states[row.state],
        "state_code": row.state.value, "level": words.levels.get(row.level or "", row.level),
        "level_until": last_day(row.level_valid_until, lists.ZONE) if row.level_valid_until else None,
        "permit_number": row.permit_number,
        "permit_until": last_day(row.valid_until, lists.ZONE) if row.valid_until else None,
        "points_left": None if limit is None else max(0, limit - row.points),
        "points_deducted": None if limit is None else row.points, "open_cases": row.open_cases, "phone": row.phone,
        "email": row.email, "language": row.language,
    }  # fmt: skip
    return ["" if values[column] is None else str(values[column]) for column in COLUMNS]


@dataclass(frozen=True, kw_only=True)
class RowFault:
    """Something wrong in a file: row (the header is 1) and column, a code for the reason, and the value."""

    row: int
    column: str
    code: str
    value: str = ""


@dataclass(frozen=True, kw_only=True)
class Change:
    """A cell that differs from the record."""

    row: int
    person_id: int
    number: str
    column: str
    before: str
    after: str


@dataclass(kw_only=True)
class Preview:
    """What a file would change, and what is wrong with it; with a fault nothing is taken."""

    rows: int = 0
    changes: list[Change] = field(default_factory=list)
    faults: list[RowFault] = field(default_factory=list)


def read_file(data: bytes, session: Session, grants: tuple[Grant, ...]) -> Preview:
    """Read a file back and compare it with the records; writes nothing."""
    preview = Preview()
    rows = _rows(data, preview)
    if not rows:
        return preview
    columns = [column_of(head) for head in rows[0]]
    if "number" not in columns or not set(columns) & set(people_service.CONTACTS):
        preview.faults.append(RowFault(row=1, column="number", code="no_header"))
        return preview
    if len(set(columns)) != len(columns):
        preview.faults.append(RowFault(row=1, column="number", code="doubled_column"))
        return preview
    entries: list[tuple[int, Mapping[str, str]]] = [
        (place, {name: restore(cell).strip() for name, cell in zip(columns, row, strict=False)})
        for place, row in enumerate(rows[1:], start=2)
        if any(cell.strip() for cell in row)
    ]
    preview.rows = len(entries)
    _compare(entries, preview, session, grants)
    return preview


def _rows(data: bytes, preview: Preview) -> list[list[str]]:
    if len(data) > MOST_BYTES:
        preview.faults.append(RowFault(row=1, column="", code="too_large"))
        return []
    text = text_of(data)
    if text is None:
        preview.faults.append(RowFault(row=1, column="", code="not_text"))
        return []
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error:
        preview.faults.append(RowFault(row=1, column="", code="not_csv"))
        return []
    if not rows or len(rows) > MOST_ROWS:
        preview.faults.append(RowFault(row=1, column="", code="too_large" if rows else "empty"))
        return []
    return rows


def _compare(
    entries: Sequence[tuple[int, Mapping[str, str]]], preview: Preview, session: Session, grants: tuple[Grant, ...]
) -> None:
    known = people_queries.contacts_by_number(session, [row.get("number", "").upper() for _place, row in entries])
    reached = access.reached_of(session, grants, Permission.PEOPLE_EDIT, [one.person_id for one in known.values()])
    seen: set[str] = set()
    for place, row in entries:
        number = row.get("number", "").upper()
        person = known.get(number)
        if number in seen:
            preview.faults.append(RowFault(row=place, column="number", code="twice", value=number))
            continue
        seen.add(number)
        differing = {
            column: row[column]
            for column in people_service.CONTACTS
            if person is not None and column in row and row[column] != (getattr(person, column) or "")
        }
        # Out of reach and missing look alike.
        if person is None or person.person_id not in reached:
            preview.faults.append(RowFault(row=place, column="number", code="unknown", value=number))
            continue
        for column, after in differing.items():
            fault = _cell_fault(column, after)
            if fault:
                preview.faults.append(RowFault(row=place, column=column, code=fault[0], value=fault[1]))
            else:
                before = getattr(person, column) or ""
                preview.changes.append(
                    Change(
                        row=place, person_id=person.person_id, number=number, column=column, before=before, after=after
                    )
                )


def _cell_fault(column: str, value: str) -> tuple[str, str] | None:
    found = contact_fault(column, value)
    if found:
        return found.value, value
    if column == "name_latin" and (missing := missing_glyphs(value)):
        return "glyph", ", ".join(name_glyph(one) for one in missing)
    limits = {"phone": 40, "email": 200, "name_latin": 100}
    return ("long", value[:20]) if len(value) > limits[column] else None


def apply_file(
    data: bytes, session: Session, grants: tuple[Grant, ...], *, now: datetime, actor_id: int
) -> tuple[Preview, int]:
    """Take a file, all or nothing; return (what it changes, how many people changed, 0 with any fault)."""
    preview = read_file(data, session, grants)
    if preview.faults or not preview.changes:
        return preview, 0
    wanted: dict[int, dict[str, str | None]] = {}
    for change in preview.changes:
        wanted.setdefault(change.person_id, {})[change.column] = change.after or None
    done = people_service.apply_contacts(wanted, grants=grants, now=now, actor_id=actor_id)
    return preview, done
