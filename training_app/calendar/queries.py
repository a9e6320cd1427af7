"""The working-day calendar in force, and when occasions close by themselves, read from content versions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy.orm import Session

from training_app.calendar import closing_rules
from training_app.calendar.rules import WorkCalendar, legal_day
from training_app.content import queries as content
from training_app.content.queries import Version


def work_calendar(session: Session, on: date, key: str = "cn") -> WorkCalendar:
    """Return the calendar in force on a day; raises NotFound if it was never loaded."""
    return _calendar(content.get_current(session, "calendar", key, on))


def closes_at(session: Session, instant: datetime, zone: str) -> datetime:
    """Return when an occasion of an instant closes by itself: by the settings in force on its own day."""
    settings = content.find_current(session, "settings", "organisation", legal_day(instant, zone))
    days = 1 if settings is None else int(settings.body.get("close_after_days", 1))
    return closing_rules.closes_at(instant, days, zone)


def past_their_day(session: Session, at: Mapping[int, tuple[datetime, str]], now: datetime) -> dict[int, datetime]:
    """Return when the occasions closed whose time has come; `at`: of each its instant and the zone of its day."""
    over = {one: closes_at(session, instant, zone) for one, (instant, zone) in at.items() if instant <= now}
    return {one: close_at for one, close_at in over.items() if close_at <= now}


def _calendar(version: Version) -> WorkCalendar:
    years = version.body["years"]
    return WorkCalendar(
        zone=version.body["zone"],
        holidays=frozenset(date.fromisoformat(day["on"]) for year in years for day in year["holidays"]),
        workdays=frozenset(date.fromisoformat(day["on"]) for year in years for day in year["workdays"]),
        years=frozenset(int(year["year"]) for year in years),
    )
