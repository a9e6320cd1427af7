"""Which reminder of an expiry is due: the nearest that has been reached, for things that have a day left.

periods((60, 30, 7), date(2026, 11, 23))     # 1 to 7 days left: the reminder of 7 days; 8 to 30: that of 30; …
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

# Where settings were published before these could be set.
DEFAULT_DAYS: Final[Mapping[str, tuple[int, ...]]] = {
    "expiry_reminder_days": (60, 30, 7),
    "course_reminder_days": (7, 1),
    "exam_reminder_days": (3, 1),
    "case_reminder_days": (2,),
}


@dataclass(frozen=True, kw_only=True)
class Period:
    """The last valid days, both included, of what gets the reminder of `days` days on one day."""

    days: int
    first: date
    last: date


def periods(reminder_days: Iterable[int], today: date) -> list[Period]:
    """Return what each reminder is for on a day, the nearest first; `reminder_days` in any order.

    Each last valid day is in one period at most, so that nothing is told twice at once after a pause. On the last valid
    day itself it is too late to be reminded, so a reminder of 0 days is for nothing.
    """
    found, reached = [], 0
    for days in sorted(set(reminder_days)):
        if days > reached:
            found.append(
                Period(days=days, first=today + timedelta(days=reached + 1), last=today + timedelta(days=days))
            )
            reached = days
    return found


def days_of(settings: Mapping[str, Any], name: str) -> tuple[int, ...]:
    """Return how many days ahead one kind of reminder comes, by the organisation's settings."""
    return tuple(settings.get(name, DEFAULT_DAYS[name]))
