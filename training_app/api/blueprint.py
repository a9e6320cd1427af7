"""The one blueprint of this room; its doors stand in several `*_views.py`, which `views.py` gathers."""

from __future__ import annotations

from flask import Blueprint

from training_app.credentials import limits

bp = Blueprint("api", __name__)
bp.record_once(limits.install)
