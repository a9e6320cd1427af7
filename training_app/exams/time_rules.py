"""How much longer somebody may write: the bounds of a time factor, and the limit that comes of it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from fractions import Fraction
from math import floor

# In percent of the limit; the database holds the same bounds.
AS_EVERYBODY, MOST = 100, 300
AHEAD = timedelta(days=365)


def is_percent_possible(percent: int) -> bool:
    """Tell whether a factor lengthens the limit, and to no more than three times of it."""
    return AS_EVERYBODY < percent <= MOST


def is_period_possible(first_on: date, last_on: date | None, today: date) -> bool:
    """Tell whether a period of whole days, both included, begins between today and a year on and does not end first."""
    return today <= first_on <= today + AHEAD and (last_on is None or last_on >= first_on)


def minutes(limit_minutes: int, percent: int) -> int:
    """Return the limit of one person in whole minutes: what is told is never more than what counts."""
    return floor(limit_minutes * Fraction(percent, AS_EVERYBODY))


def minutes_at_start(
    limit_minutes: int, percent: int, start: datetime, close_at: datetime | None, extra_minutes: int
) -> int:
    """Return the whole minutes that an attempt begun at an instant gets: no longer than to the close of its sitting."""
    limit = minutes(limit_minutes, percent)
    if close_at is None:
        return limit
    left = close_at + timedelta(minutes=extra_minutes) - start
    return max(0, min(limit, left // timedelta(minutes=1)))
