"""The one blueprint of this room; its pages stand in several `*_views.py`, which `views.py` gathers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from flask import Blueprint

from training_app.calendar.rules import last_day as last_day_of
from training_app.dashboards import wording

bp = Blueprint("dashboards", __name__)
ZONE = "Asia/Shanghai"


@bp.app_template_filter("last_day")
def last_day(end: datetime) -> date:
    """Return the last day before an exclusive end."""
    return last_day_of(end, ZONE)


@bp.app_template_filter("instant")
def instant(text: str) -> datetime:
    """Return the instant that facts hold as text."""
    return datetime.fromisoformat(text)


@bp.app_template_filter("iso_day")
def iso_day(text: str) -> date:
    """Return the day that facts hold as text."""
    return date.fromisoformat(text)


@bp.app_template_filter("column_word")
def column_word(column: str) -> str:
    """Return the word of a column of the record."""
    return wording.column_words().get(column, column)


@bp.app_template_filter("name_of")
def name_of(person_id: int, names: Mapping[int, str]) -> str:
    """Return a name, empty where the link to the person was erased."""
    return names.get(person_id, "")
