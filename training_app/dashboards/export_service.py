"""The list of people as a file that a spreadsheet opens safely and that the import of people reads back.

UTF-8 with a mark at its start, commas, CRLF. One header row: each head is the reader's word followed by the stable
name of the column in brackets ("工号 [number]"), so that people read it and a program finds it in either language.
Cells at which a spreadsheet would start to calculate, or whose digits it would change, carry an apostrophe
(`csv_rules`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from training_app.accounts.queries import UnitRow
from training_app.audit import service as audit
from training_app.calendar.rules import last_day
from training_app.dashboards import people_queries as lists
from training_app.dashboards.csv_rules import BOM, header, neutralise
from training_app.dashboards.people_queries import PersonRow, Stale
from training_app.dashboards.people_rules import Filters, PageKey
from training_app.db import transaction

COLUMNS = (
    "number", "name", "name_latin", "unit_number", "unit", "employer", "state", "state_code", "level", "level_until",
    "permit_number", "permit_until", "points_left", "points_deducted", "open_cases", "phone", "email", "language",
)  # fmt: skip
CHUNK = 500


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
