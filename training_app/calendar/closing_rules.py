"""When an occasion that nobody ended is over by itself: at the end of a day, counted from its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from training_app.calendar.rules import day_end, legal_day


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An occasion past its day: closed at an instant, or (`closed_at` None) something in it is still to be finished."""

    closed_at: datetime | None


def closes_at(instant: datetime, days: int, zone: str) -> datetime:
    """Return the end of the day by which an occasion closes; `days` 1 is the end of the day of `instant` itself."""
    return day_end(legal_day(instant, zone) + timedelta(days=days - 1), zone)


def standing(close_at: datetime, *, unfinished: int, last_finished: datetime | None, now: datetime) -> Standing | None:
    """Tell how an occasion stands that nobody ended; None while its time has not come.

    What is finished only afterwards closes it at that instant. The answer is the same before and after it was written.
    """
    if now < close_at:
        return None
    if unfinished:
        return Standing(closed_at=None)
    return Standing(closed_at=close_at if last_finished is None else max(close_at, last_finished))


def standings(
    close_at: Mapping[int, datetime], finished: Mapping[int, tuple[int, datetime | None]], now: datetime
) -> dict[int, Standing]:
    """Tell how occasions stand whose time has come, by id.

    `finished`: how much in each is unfinished, and when the last was finished; who has nothing in it is missing.
    """
    found = {}
    for one, at in close_at.items():
        unfinished, last = finished.get(one, (0, None))
        if (stands := standing(at, unfinished=unfinished, last_finished=last, now=now)) is not None:
            found[one] = stands
    return found
