"""The one blueprint of this room; its pages stand in several `*_views.py`, which `views.py` gathers."""

from __future__ import annotations

from datetime import date

from flask import Blueprint
from flask_babel import format_date, get_locale

bp = Blueprint("figures", __name__)


@bp.app_template_filter("month_word")
def month_word(month: date, *, is_short: bool = False) -> str:
    """Return a month as the reader reads it, with its year; `is_short`: the year only where it begins."""
    is_chinese = str(get_locale()).startswith("zh")
    if is_short and month.month != 1:
        return str(format_date(month, "M月" if is_chinese else "MMM"))
    return str(format_date(month, "yyyy年M月" if is_chinese else "MMM yyyy"))
