"""What the page of today can be filtered by."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields

from training_app.licences.rules import May

PAGE = 25
MOST = 2000  # people of a unit and below that the page counts and goes through
MOST_PRINTED = 300
NEAR = 30  # substitutes that are shown
SOON_DAYS = 60


@dataclass(frozen=True, kw_only=True)
class TodayFilters:
    """The filters of the page; every field also stands in its address. `may`: one of the three groups."""

    unit: int | None = None
    may: str = ""
    job: str = ""
    q: str = ""

    def query(self, **changes: object) -> dict[str, str]:
        """Return the filters as parts of an address with some of them changed, unset ones left out."""
        values = {one.name: getattr(self, one.name) for one in fields(self)} | changes
        return {name: str(value) for name, value in values.items() if value not in (None, "")}


def read_today(args: Mapping[str, str], jobs: Collection[str]) -> TodayFilters:
    """Return the filters of an address; what makes no sense is left out."""
    unit, may, job = args.get("unit", ""), args.get("may", ""), args.get("job", "")
    is_number = unit.isascii() and unit.isdecimal() and len(unit) < 19
    return TodayFilters(
        unit=int(unit) if is_number else None,
        may=may if may in set(May) else "",
        job=job if job in jobs else "",
        q=args.get("q", "").strip()[:60],
    )
