"""The one blueprint of this room; `views.py` gathers its pages."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("roleplay", __name__)
