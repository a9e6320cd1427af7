"""Zones, legal days, anchored boundaries and deadlines.

An *instant* is an aware datetime; a *legal day* is the local date of an instant in a zone. Windows are
half-open [start, end). A deadline is the instant at which its last day is over (24:00 local), so a step is in
time while `now < deadline`.

    shanghai = WorkCalendar(zone="Asia/Shanghai", holidays=frozenset({date(2026, 10, 1)}))
    answer_until = working_day_deadline(served_at, 5, shanghai)
    window = cycle_window(date(2024, 2, 29), now, "Asia/Shanghai")
"""

from __future__ import annotations

import calendar as month_tables
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SATURDAY = 5
WARN_DAYS = 60
SHORTEST_MONTH = 28


class CalendarError(Exception):
    """A date question that has no answer; `code` names the reason."""

    code = "calendar"


class NaiveInstant(CalendarError):
    """An instant without an offset."""

    code = "naive_instant"


class UnknownZone(CalendarError):
    """A zone name that the zone database does not know."""

    code = "unknown_zone"


class DayCountTooSmall(CalendarError):
    """A deadline of less than one day."""

    code = "day_count_too_small"


@dataclass(frozen=True, kw_only=True)
class WorkCalendar:
    """The working days of one zone: Monday to Friday, but for `holidays`, and the weekend days in `workdays`.

    `years` names the years that were entered; without it a year counts as entered once any of its days is
    listed.
    """

    zone: str
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    years: frozenset[int] = field(default=frozenset())

    @property
    def known_years(self) -> frozenset[int]:
        """Return the years whose working days were entered."""
        return self.years | {day.year for day in self.holidays | self.workdays}


@dataclass(frozen=True, kw_only=True)
class Window:
    """A half-open span of time: `start` belongs to it, `end` does not; both aware UTC."""

    start: datetime
    end: datetime

    def __contains__(self, instant: object) -> bool:
        """Tell whether an instant lies in the window."""
        return isinstance(instant, datetime) and self.start <= instant < self.end


@lru_cache(maxsize=64)
def get_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name. Raises UnknownZone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(name) from error


def require_aware(instant: datetime) -> datetime:
    """Return the instant in UTC. Raises NaiveInstant."""
    if instant.utcoffset() is None:
        raise NaiveInstant(instant.isoformat())
    return instant.astimezone(UTC)


def legal_day(instant: datetime, zone: str) -> date:
    """Return the local date of an instant. Raises NaiveInstant, UnknownZone."""
    if instant.utcoffset() is None:
        raise NaiveInstant(instant.isoformat())
    return instant.astimezone(get_zone(zone)).date()


@lru_cache(maxsize=8192)
def day_start(day: date, zone: str) -> datetime:
    """Return the first instant of a local day, in UTC; where midnight is skipped, that of the change."""
    return datetime.combine(day, time.min, tzinfo=get_zone(zone)).astimezone(UTC)


def day_end(day: date, zone: str) -> datetime:
    """Return the instant at which a local day is over (24:00), in UTC; no longer part of the day."""
    return day_start(day + timedelta(days=1), zone)


@lru_cache(maxsize=4096)
def last_day(end: datetime, zone: str) -> date:
    """Return the last local day before an exclusive end, the date that is printed as "valid through"."""
    return legal_day(require_aware(end) - timedelta(microseconds=1), zone)


def add_months(day: date, months: int) -> date:
    """Return the same day of the month `months` later (or earlier), clamped to the end of a shorter month."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    if day.day <= SHORTEST_MONTH:
        return date(year, month, day.day)
    return date(year, month, min(day.day, month_tables.monthrange(year, month)[1]))


def boundary_on(anchor: date, k: int, months: int = 12) -> date:
    """Return the k-th boundary, always from the anchor: 29 February comes back in a leap year."""
    return add_months(anchor, k * months)


def cycle_index(anchor: date, day: date, months: int = 12) -> int:
    """Return the k for which boundary k <= day < boundary k + 1; negative before the anchor."""
    k = ((day.year - anchor.year) * 12 + day.month - anchor.month) // months
    # In the month of the boundary the day may still lie before it.
    return k - 1 if boundary_on(anchor, k, months) > day else k


def nth_window(anchor: date, k: int, zone: str, months: int = 12) -> Window:
    """Return the k-th window of `months` months from the anchor, from local midnight to local midnight."""
    return Window(
        start=day_start(boundary_on(anchor, k, months), zone),
        end=day_start(boundary_on(anchor, k + 1, months), zone),
    )


def cycle_window(anchor: date, instant: datetime, zone: str, months: int = 12) -> Window:
    """Return the window that holds an instant. Raises NaiveInstant, UnknownZone."""
    return nth_window(anchor, cycle_index(anchor, legal_day(instant, zone), months), zone, months)


def is_working_day(day: date, calendar: WorkCalendar) -> bool:
    """Tell whether a day is worked: a make-up workday always is, a holiday never otherwise."""
    if day in calendar.workdays:
        return True
    return day.weekday() < SATURDAY and day not in calendar.holidays


def next_working_day(day: date, calendar: WorkCalendar) -> date:
    """Return the day itself if it is worked, else the next one that is."""
    while not is_working_day(day, calendar):
        day += timedelta(days=1)
    return day


def working_day_deadline(start: datetime, days: int, calendar: WorkCalendar) -> datetime:
    """Return the end (24:00 local) of the n-th working day after the start day, which is not counted.

    `days` >= 1. Raises DayCountTooSmall. Source: Civil Code of the PRC, articles 201 and 203.
    """
    if days < 1:
        raise DayCountTooSmall(days)
    day = legal_day(start, calendar.zone)
    for _ in range(days):
        day = next_working_day(day + timedelta(days=1), calendar)
    return day_end(day, calendar.zone)


def natural_day_deadline(start: datetime, days: int, calendar: WorkCalendar) -> datetime:
    """Return the end (24:00 local) of the n-th day after the start day; a last day off rolls on.

    `days` >= 1. Raises DayCountTooSmall. Source: Civil Code of the PRC, articles 201 to 203.
    """
    if days < 1:
        raise DayCountTooSmall(days)
    day = legal_day(start, calendar.zone) + timedelta(days=days)
    return day_end(next_working_day(day, calendar), calendar.zone)


def through_days_end(start: datetime, days: int, zone: str) -> datetime:
    """Return the end of a measure of `days` days, the start day not counted; it never rolls."""
    if days < 1:
        raise DayCountTooSmall(days)
    return day_end(legal_day(start, zone) + timedelta(days=days), zone)


def find_missing_year(calendar: WorkCalendar, today: date, ahead_days: int = WARN_DAYS) -> int | None:
    """Return the first year between today and `ahead_days` days later whose working days were not entered."""
    last = (today + timedelta(days=ahead_days)).year
    return next((year for year in range(today.year, last + 1) if year not in calendar.known_years), None)
