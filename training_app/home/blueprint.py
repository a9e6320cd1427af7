"""The blueprint of first pages and guides."""

from __future__ import annotations

from flask import Blueprint

bp = Blueprint("home", __name__)
