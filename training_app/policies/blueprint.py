"""The blueprint of this room."""

from __future__ import annotations

from datetime import date

from flask import Blueprint

from training_app.web import day

bp = Blueprint("policies", __name__)


@bp.app_template_filter("policy_day")
def policy_day(text: str) -> str:
    """Word a day that a body holds as text; what is no day stays as it is."""
    try:
        return day(date.fromisoformat(text))
    except (TypeError, ValueError):
        return str(text or "—")
