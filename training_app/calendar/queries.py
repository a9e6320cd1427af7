"""The working-day calendar in force, read from its content version."""

from __future__ import annotations

from datetime import date

from sqlalchemy.orm import Session

from training_app.calendar.rules import WorkCalendar
from training_app.content import queries as content
from training_app.content.queries import Version


def work_calendar(session: Session, on: date, key: str = "cn") -> WorkCalendar:
    """Return the calendar in force on a day; raises NotFound if it was never loaded."""
    return _calendar(content.get_current(session, "calendar", key, on))


def _calendar(version: Version) -> WorkCalendar:
    years = version.body["years"]
    return WorkCalendar(
        zone=version.body["zone"],
        holidays=frozenset(date.fromisoformat(day["on"]) for year in years for day in year["holidays"]),
        workdays=frozenset(date.fromisoformat(day["on"]) for year in years for day in year["workdays"]),
        years=frozenset(int(year["year"]) for year in years),
    )
