"""The one blueprint of this room; its pages stand in `views.py` and `print_views.py`."""

from __future__ import annotations

from flask import Blueprint

from training_app.credentials import limits

bp = Blueprint("credentials", __name__)
bp.record_once(limits.install)
